/**
 * Edits that times do not show: of equal size, within the second in which the old content was run. Python itself may
 * run outdated byte code then; Winnow must not, and must never believe a fact that says what another content did.
 */

import assert from "node:assert/strict";
import { utimesSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { DISCOUNTS, Project } from "./project.ts";

const TEST = "test_it.py::test_it";
const LIB = (value: number): string => `def f():\n    return ${value}\n`;
const IT = (value: number): string => `import lib\n\n\ndef test_it():\n    assert lib.f() == ${value}\n`;

/** Writes a file with the times of the present second, whatever the clock says meanwhile. */
function writeWithin(project: Project, second: number, path: string, text: string): void {
  writeFileSync(project.path(path), text);
  utimesSync(project.path(path), second, second + 0.25);
}

/** The truth: pytest without any byte code of before. */
async function isGreen(project: Project): Promise<boolean> {
  const env = { PYTHONDONTWRITEBYTECODE: "1", PYTHONPYCACHEPREFIX: project.note("nothing") };
  return (await project.pytest(["-p", "no:cacheprovider"], { env })).code === 0;
}

const SETTINGS: Readonly<Record<string, Record<string, string>>> = {
  "with __pycache__": {},
  "without __pycache__": { PYTHONDONTWRITEBYTECODE: "1" },
};

for (const [what, env] of Object.entries(SETTINGS)) {
  test(`equal size within the same second, ${what}`, async () => {
    await using project = new Project({ "pytest.ini": "[pytest]\n", "lib.py": LIB(1), "test_it.py": IT(1) });
    const second = Math.floor(Date.now() / 1000);
    const run = (): ReturnType<Project["run"]> => project.winnow(["run"], { env });
    writeWithin(project, second, "lib.py", LIB(1));
    writeWithin(project, second, "test_it.py", IT(1));
    assert.equal((await run()).code, 0);
    // The module, the test file, and both back: each time the outcome is that of the present content.
    const edits: [string, string, boolean][] = [
      ["lib.py", LIB(2), false],
      ["test_it.py", IT(2), true],
      ["lib.py", LIB(1), false],
      ["test_it.py", IT(1), true],
    ];
    for (const [path, text, green] of edits) {
      writeWithin(project, second, path, text);
      assert.equal((await run()).code === 0, green, `${path}: ${text}`);
      assert.equal((await run()).code === 0, green, `${path}, the second time: ${text}`);
    }
    assert.ok(await isGreen(project));
    assert.deepEqual((await run()).starts, []);
  });
}

test("byte code that plain Python left behind in the same second", async () => {
  await using project = new Project({ "pytest.ini": "[pytest]\n", "lib.py": LIB(1), "test_it.py": IT(1) });
  const second = Math.floor(Date.now() / 1000);
  writeWithin(project, second, "lib.py", LIB(1));
  assert.equal((await project.pytest()).code, 0);
  writeWithin(project, second, "lib.py", LIB(2));
  // Plain pytest may well run the old code here.
  assert.equal((await project.run()).code, 1);
  assert.equal((await project.run()).code, 1);
  writeWithin(project, second, "lib.py", LIB(1));
  assert.equal((await project.run()).code, 0);
  assert.deepEqual((await project.run()).starts, []);
});

test("an edit while the test runs, of equal size and with equal times", async () => {
  await using project = new Project({
    "pytest.ini": "[pytest]\n",
    "lib.py": LIB(1),
    "test_it.py": `import os

import lib


def test_it():
    other = os.environ.get("OTHER")
    if other:
        before = os.stat(lib.__file__)
        with open(lib.__file__, "w") as file:
            file.write(other)
        os.utime(lib.__file__, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert lib.f() == 1
`,
  });
  const edited = await project.winnow(["run"], { env: { OTHER: LIB(2) } });
  assert.equal(edited.code, 0); // what was loaded was the old content
  const next = await project.run();
  assert.deepEqual([next.code, next.ran], [1, [TEST]]);
  project.write({ "lib.py": LIB(1) });
  assert.equal((await project.run()).code, 0);
  assert.deepEqual((await project.run()).starts, []);
});

test("a data file that is rewritten within the second in which it was read", async () => {
  await using project = new Project({
    "pytest.ini": "[pytest]\n",
    "data.txt": "1",
    "test_it.py": 'def test_it():\n    with open("data.txt") as file:\n        assert file.read() == "1"\n',
  });
  const second = Math.floor(Date.now() / 1000);
  writeWithin(project, second, "data.txt", "1");
  assert.equal((await project.run()).code, 0);
  for (const [text, code] of [
    ["2", 1],
    ["1", 0],
  ] as const) {
    writeWithin(project, second, "data.txt", text);
    assert.equal((await project.run()).code, code, text);
    assert.equal((await project.run()).code, code, text);
  }
  assert.deepEqual((await project.run()).starts, []);
});

test("a source that is edited twice, the second time while tests run: what ran proves nothing of what is there", async () => {
  await using project = new Project();
  const go = project.note("go");
  project.write({
    "tests/test_zz.py": `import os
from pathlib import Path

from shop import cart


def test_zz():
    assert cart.discount(5) <= 3
    if os.path.exists(${JSON.stringify(go)}):
        file = Path(cart.__file__)
        file.write_text(file.read_text().replace("price - RATE - 0", "price"))
`,
  });
  await project.run();
  // The content in between is known before the tests start, so what they depended on is, too; and it is new to the store.
  project.editDiscount("price - RATE - 0");
  project.note("go", "now");
  const ran = await project.run();
  assert.equal(ran.code, 0, ran.stdout);
  assert.match(project.read("shop/cart.py"), /return price$/m);
  const next = await project.run();
  assert.equal(next.code, 1, next.stderr);
  assert.deepEqual(
    DISCOUNTS.filter((id) => next.outcomes.get(id) === "FAILED"),
    DISCOUNTS,
  );
});
