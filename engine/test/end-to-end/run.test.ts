/** What `winnow run` does on an ordinary day: everything once, then what an edit concerns, then nothing at all. */

import assert from "node:assert/strict";
import { utimesSync } from "node:fs";
import { test } from "node:test";
import { ALL, DISCOUNT_2, DISCOUNT_5, DISCOUNTS, EMPTY, type Finished, Project, SUBJECT, TOTAL } from "./project.ts";

/** Nothing was started, whatever for, and the answer says so. */
function assertNothing(finished: Finished, tests: number): void {
  assert.deepEqual(finished.starts, [], finished.stderr);
  assert.equal(finished.stdout, "");
  assert.match(
    finished.stderr,
    new RegExp(`^winnow: nothing to run: ${tests} tests? up to date · decided in \\d+ ms\n$`),
  );
  assert.equal(finished.code, 0);
}

test("first all, then nothing without a Python, then what an edit concerns, then nothing again", async () => {
  await using project = new Project();
  const first = await project.run();
  assert.deepEqual([first.code, first.ran], [0, ALL]);
  assert.deepEqual(first.starts, ["probe", "collector"]);
  assert.match(
    first.stderr,
    /^winnow: every test runs, because nothing is recorded.*\nwinnow: 5 tests ran, none left out\n$/,
  );

  assertNothing(await project.run(), 5);

  project.editDiscount();
  const edited = await project.run();
  assert.deepEqual([edited.code, edited.ran], [0, DISCOUNTS]);
  assert.match(edited.stderr, /to run: 2 of 5 tests \(shop\/cart\.py: discount\(\) changed\)/);
  assert.match(edited.stderr, /2 tests ran, 3 left out/);
  assert.doesNotMatch(edited.stdout, /test_mail/);
  assertNothing(await project.run(), 5);

  project.editDiscount("price - RATE");
  assertNothing(await project.run(), 5);
});

test("a red edit runs until it is mended, and undoing it runs nothing", async () => {
  await using project = new Project();
  await project.run();
  project.editDiscount("price - RATE - 1");
  const red = await project.run();
  assert.deepEqual([red.code, red.ran, red.outcomes.get(DISCOUNT_5)], [1, DISCOUNTS, "FAILED"]);
  const again = await project.run();
  assert.deepEqual([again.code, again.ran], [1, DISCOUNTS]);
  assert.match(again.stderr, /failed last time/);
  project.editDiscount("price - RATE");
  assertNothing(await project.run(), 5);
  // And the red state again: its failing fact holds, so it runs.
  project.editDiscount("price - RATE - 1");
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
});

test("a touch of everything and a comment run nothing", async () => {
  await using project = new Project();
  await project.run();
  const now = new Date();
  for (const path of [
    "pytest.ini",
    "shop/__init__.py",
    "shop/cart.py",
    "shop/mail.py",
    "tests/test_cart.py",
    "tests/test_mail.py",
  ]) {
    utimesSync(project.path(path), now, now);
  }
  assertNothing(await project.run(), 5);
  project.edit("shop/cart.py", "RATE = 2", "# what we take\nRATE  =  2  # per item");
  assertNothing(await project.run(), 5);
});

test("files, directories, classes and ids, with and without parameters, choose as they do in pytest", async () => {
  await using project = new Project();
  await project.run();
  const requests: [string, string[]][] = [
    ["tests", DISCOUNTS],
    ["tests/test_cart.py", DISCOUNTS],
    ["tests/test_mail.py", []],
    [TOTAL, []],
    ["tests/test_cart.py::TestCart", []],
    [EMPTY, []],
    ["tests/test_cart.py::test_discount", DISCOUNTS],
    [DISCOUNT_5, [DISCOUNT_5]],
  ];
  for (const [argument, ids] of requests) {
    const asked = await project.run(argument);
    assert.deepEqual([asked.code, asked.starts], [0, []], `${argument} ${ids}: ${asked.stderr}`);
  }
  project.editDiscount();
  assert.deepEqual((await project.run(TOTAL)).starts.includes("collector"), false);
  assert.deepEqual((await project.run("tests/test_cart.py::TestCart")).starts.includes("collector"), false);
  assert.deepEqual((await project.run("tests/test_mail.py")).starts.includes("collector"), false);
  assert.deepEqual((await project.run(DISCOUNT_5)).ran, [DISCOUNT_5]);
  // What the others did not run is still to be done, and only that.
  assert.deepEqual((await project.run("tests/test_cart.py")).ran, [DISCOUNT_2]);
  assertNothing(await project.run(), 5);
});

test("an argument that was never seen starts pytest, once", async () => {
  await using project = new Project();
  const only = await project.run(DISCOUNT_5);
  assert.deepEqual([only.code, only.ran], [0, [DISCOUNT_5]]);
  // An id alone does not tell which tests its file has, so nothing is left out before the file was collected whole.
  assert.deepEqual((await project.run(DISCOUNT_5)).ran, [DISCOUNT_5]);
  assert.deepEqual(
    (await project.run("tests/test_cart.py")).ran,
    ALL.filter((id) => id !== SUBJECT),
  );
  assertNothing(await project.run(DISCOUNT_5), 1);
  assertNothing(await project.run("tests/test_cart.py"), 4);
  assert.deepEqual((await project.run()).ran, [SUBJECT]);
  assertNothing(await project.run(), 5);
});

test("-k of tests that are known, and of some that are not", async () => {
  await using project = new Project();
  await project.run();
  // The choice of an expression is pytest's to make: it is asked once, and then known.
  const first = await project.run("-k", "discount or subject");
  assert.deepEqual([first.code, first.ran], [0, []]);
  assertNothing(await project.run("-k", "discount or subject"), 3);
  project.editDiscount();
  assert.deepEqual((await project.run("-k", "total")).ran, []);
  assert.deepEqual((await project.run("-k", "discount or subject")).ran, DISCOUNTS);
  assertNothing(await project.run(), 5);
});

test("from elsewhere, from a subdirectory, with a rootdir below and above", async () => {
  await using project = new Project();
  const away = await project.winnow(["run", "-C", project.root], { cwd: project.top });
  assert.deepEqual([away.code, away.ran], [0, ALL]);
  assertNothing(await project.winnow(["run", "-C", "project"], { cwd: project.top }), 5);
  assertNothing(await project.run(), 5);

  // Another place of invocation is another environment: what is on the path differs, and so may outcomes.
  const below = await project.winnow(["run"], { cwd: project.path("tests") });
  const bare = await project.pytest([], { cwd: project.path("tests") });
  assert.deepEqual([below.code, below.ran], [bare.code, bare.ran]);
  assert.equal(below.code, 2); // `shop` is not on the path from there
  const inner = await project.winnow(["run"], { cwd: project.path("tests"), env: { PYTHONPATH: project.root } });
  assert.deepEqual([inner.code, inner.ran.length], [0, 5]);
  const again = await project.winnow(["run"], { cwd: project.path("tests"), env: { PYTHONPATH: project.root } });
  assert.deepEqual([again.code, again.starts], [0, []]);
  assert.deepEqual(project.inventory("tests/.winnow"), []);
});

test("a rootdir of pytest's other than the project's root", async () => {
  await using project = new Project({
    "setup.py": "",
    "thing.py": "def f():\n    return 1\n",
    "inner/pytest.ini": "[pytest]\npythonpath = ..\n",
    "inner/test_one.py": "import thing\n\n\ndef test_one():\n    assert thing.f() == 1\n",
    "inner/test_two.py": "def test_two():\n    pass\n",
  });
  // Below: pytest's rootdir is `inner`, and its ids are relative to that.
  const first = await project.run("inner");
  assert.deepEqual([first.code, first.ran.length], [0, 2]);
  assertNothing(await project.run("inner"), 2);
  project.append("inner/test_two.py", "\n\ndef test_three():\n    pass\n");
  assert.deepEqual((await project.run("inner")).ran, ["inner/test_two.py::test_three"]);
  // Above: the root of the project is a package of a larger repository that has the configuration.
  const above = await project.run("--rootdir", "..", "inner/test_two.py");
  assert.deepEqual(above.ran, ["inner/test_two.py::test_three", "inner/test_two.py::test_two"]);
  assert.match(above.stdout, new RegExp(`^rootdir: ${project.top}$`, "m"));
  assert.deepEqual((await project.run("--rootdir", "..", "inner/test_two.py")).starts, []);
});

test("two at once in a new project, and two at once on different parts", async () => {
  await using project = new Project();
  const both = await Promise.all([project.run(), project.run()]);
  assert.deepEqual(
    both.map(({ code, ran }) => [code, ran]),
    [
      [0, ALL],
      [0, ALL],
    ],
  );
  assert.doesNotMatch(both.map(({ stderr }) => stderr).join(""), /\[/);
  assertNothing(await project.run(), 5);
  project.editDiscount();
  project.edit("shop/mail.py", '"Hello " + name', '"Hello" + " " + name');
  const [cart, mail] = await Promise.all([project.run("tests/test_cart.py"), project.run("tests/test_mail.py")]);
  assert.deepEqual([cart.ran, mail.ran], [DISCOUNTS, [SUBJECT]]);
  assertNothing(await project.run(), 5);
});

test("--json prints one document, and pytest's output goes to standard error", async () => {
  await using project = new Project();
  const first = await project.winnow(["run", "--json"]);
  assert.match(first.stderr, /5 passed/);
  assert.equal(first.stdout.split("\n").length, 2);
  const document = JSON.parse(first.stdout);
  assert.deepEqual([document.version, document.exitCode, document.plan.kind], [1, 0, "everything"]);
  assert.deepEqual(document.recorded, {
    tests: 5,
    outcomes: { passed: 5 },
    failures: [],
    notRecorded: {},
    opaque: {},
    opaqueTests: 0,
    notes: [],
  });
  assert.deepEqual([document.coverageThresholdApplied, document.warnings], [true, []]);

  const second = await project.winnow(["run", "--json"]);
  assert.deepEqual([second.code, second.stderr, second.starts], [0, "", []]);
  const idle = JSON.parse(second.stdout);
  assert.deepEqual([idle.plan.kind, idle.plan.upToDate, idle.plan.known, idle.recorded], ["nothing", 5, 5, null]);

  project.editDiscount("price");
  const third = await project.winnow(["run", "--json"]);
  const red = JSON.parse(third.stdout);
  assert.deepEqual([third.code, red.exitCode, red.plan.kind, red.recorded.outcomes], [1, 1, "some", { failed: 2 }]);
  assert.deepEqual(red.plan.changed, ["shop/cart.py"]);
  assert.deepEqual(red.plan.tests[0], {
    id: DISCOUNT_5,
    reasons: [{ kind: "body-changed", path: "shop/cart.py", name: "discount" }],
  });
});
