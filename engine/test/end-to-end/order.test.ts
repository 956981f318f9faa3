/** `winnow run --order`: as the tests are written, or what failed last first, then short before long. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Project } from "./project.ts";

/** A test that takes far longer than the others, and one that is red. */
const FILES = {
  "pytest.ini": "[pytest]\n",
  "lib.py": "def value():\n    return 1\n",
  "test_a.py": `import lib


def test_long():
    assert sum(range(4_000_000)) > 0
    assert lib.value()


def test_short():
    assert lib.value()
`,
  "test_b.py": `import lib


def test_green():
    assert lib.value()


def test_red():
    assert lib.value() == 2
`,
};

const LONG = "test_a.py::test_long";
const SHORT = "test_a.py::test_short";
const GREEN = "test_b.py::test_green";
const RED = "test_b.py::test_red";

test("written by default; failures first, then short before long, where that is asked for", async () => {
  await using project = new Project(FILES);
  const edit = (text: string): void => project.write({ "lib.py": `def value():\n    return ${text}\n` });
  const order = async (...args: string[]): Promise<string[]> => [
    ...(await project.winnow(["run", ...args])).outcomes.keys(),
  ];
  // Nothing is recorded yet: there is nothing to go by.
  assert.deepEqual(await order("--order", "failures-first"), [LONG, SHORT, GREEN, RED]);
  edit("1 + 0");
  assert.deepEqual(await order("--order=written"), [LONG, SHORT, GREEN, RED]);
  edit("0 + 1");
  assert.deepEqual(await order("--order=failures-first"), [RED, GREEN, SHORT, LONG]);
  // The order changes nothing about what is recorded, and is kept where everything runs to be compared with the plan.
  assert.deepEqual(await order("--order=failures-first"), [RED]);
  const observed = await order("--order=failures-first", "--mode=observe");
  assert.deepEqual([observed[0], observed.at(-1), observed.length], [RED, LONG, 4]);
});

test("an order that there is not", async () => {
  await using project = new Project(FILES);
  const { code, stderr, starts } = await project.winnow(["run", "--order", "failure-first"]);
  assert.deepEqual([code, starts], [4, []]);
  assert.match(stderr, /there is no order "failure-first".*"failures-first"/);
  assert.match(stderr, /Orders are written and failures-first\. {2}\[usage\]\n$/);
  const plan = await project.winnow(["plan", "--order", "written"]);
  assert.equal(plan.code, 4);
});
