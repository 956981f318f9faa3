/** Arguments that ask pytest itself for something, and arguments in the configuration: they do what people expect. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ALL, DISCOUNTS, Project, SHOP, SUBJECT, TOTAL } from "./project.ts";

test("questions to pytest get pytest's answer, and nothing is recorded or forgotten", async () => {
  await using project = new Project();
  await project.run();
  for (const args of [["--help"], ["--version"], ["--fixtures", "-q"], ["--markers"], ["--fixtures-per-test"]]) {
    const env = { PYTEST_ADDOPTS: "" };
    const bare = await project.pytest(args, { env });
    const through = await project.winnow(["run", "--", ...args], { env });
    const steady = (text: string): string => text.replace(/\d+\.\d\ds/g, "");
    assert.deepEqual([through.code, steady(through.stdout)], [bare.code, steady(bare.stdout)], args.join(" "));
    assert.equal(through.stderr, bare.stderr);
  }
  const idle = await project.run();
  assert.deepEqual([idle.code, idle.starts], [0, []]);
});

test("--collect-only lists all tests, known or not", async () => {
  await using project = new Project();
  const expected = (await project.pytest(["--collect-only", "-q"], { env: { PYTEST_ADDOPTS: "" } })).stdout;
  assert.match(expected, /5 tests collected/);
  const list = async (): Promise<string> => {
    const { stdout, code } = await project.winnow(["run", "--", "--collect-only", "-q"], {
      env: { PYTEST_ADDOPTS: "" },
    });
    assert.equal(code, 0);
    return stdout.replace(/\d+\.\d\ds/, "");
  };
  assert.equal(await list(), expected.replace(/\d+\.\d\ds/, ""));
  // Listing a test proves nothing of it.
  assert.deepEqual((await project.run()).ran, ALL);
  assert.equal(await list(), expected.replace(/\d+\.\d\ds/, ""));
  project.editDiscount();
  assert.equal(await list(), expected.replace(/\d+\.\d\ds/, ""));
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
});

test("--junitxml has what ran", async () => {
  await using project = new Project();
  const all = await project.run("--junitxml=report.xml");
  assert.equal(all.code, 0);
  assert.match(project.read("report.xml"), /tests="5"/);
  project.editDiscount();
  assert.deepEqual((await project.run("--junitxml=report.xml")).ran, DISCOUNTS);
  assert.match(project.read("report.xml"), /tests="2"/);
});

test("--lf runs what failed, and is asked anew each time", async () => {
  await using project = new Project();
  await project.run();
  project.editDiscount("price");
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
  const failed = await project.run("--lf");
  assert.deepEqual([failed.code, failed.ran], [1, DISCOUNTS]);
  project.edit("tests/test_mail.py", "Hello you", "Hello  you");
  // pytest's cache knows of no failure there; the test is still to be done.
  assert.deepEqual((await project.run("--lf")).ran, DISCOUNTS);
  project.editDiscount("price - RATE");
  const mended = await project.run("--lf");
  assert.equal(mended.code, 0);
  const rest = await project.run();
  assert.deepEqual([rest.code, rest.ran], [1, [SUBJECT]]);
});

test("--deselect and --ignore leave out what they say, and that stays to be done", async () => {
  await using project = new Project();
  await project.run();
  project.editDiscount();
  project.edit("shop/mail.py", "Hello ", "Hello  ");
  const [two, five] = DISCOUNTS as [string, string];
  assert.deepEqual((await project.run("--ignore=tests/test_mail.py", "--deselect", two)).ran, [five]);
  const again = await project.run("--ignore=tests/test_mail.py", "--deselect", two);
  assert.deepEqual([again.code, again.ran], [0, []]);
  const rest = await project.run();
  assert.deepEqual([rest.code, rest.ran], [1, [two, SUBJECT]]);
});

test("marks, paths and options in addopts count as if they were typed", async () => {
  await using project = new Project({
    ...SHOP,
    "pytest.ini": '[pytest]\nmarkers = slow\naddopts = -m "not slow" tests\n',
    "tests/test_slow.py": "import pytest\n\n\n@pytest.mark.slow\ndef test_slow():\n    pass\n",
    "other/test_other.py": "def test_other():\n    pass\n",
  });
  const first = await project.run();
  assert.deepEqual([first.code, first.ran], [0, ALL]);
  const idle = await project.run();
  assert.deepEqual([idle.code, idle.starts], [0, []]);
  // The last -m counts, and a path that is typed comes on top of that in addopts.
  assert.deepEqual((await project.run("-m", "slow")).ran, ["tests/test_slow.py::test_slow"]);
  assert.deepEqual((await project.run("other")).ran, ["other/test_other.py::test_other"]);
  project.editDiscount();
  assert.deepEqual((await project.run("-m", "slow")).ran, []);
  assert.deepEqual((await project.run("other/test_other.py")).ran, DISCOUNTS);
  assert.deepEqual((await project.run()).starts, []);
});

test("testpaths, --rootdir, -c and -o are read as pytest reads them", async () => {
  await using project = new Project({
    ...SHOP,
    "pytest.ini": "[pytest]\ntestpaths = tests\n",
    "other/test_other.py": "def test_other():\n    pass\n",
    "alternative.ini": "[pytest]\npython_files = check_*.py\n",
    "other/check_it.py": "def test_it():\n    pass\n",
  });
  assert.deepEqual((await project.run()).ran, ALL);
  assert.deepEqual((await project.run("-c", "alternative.ini", "other")).ran, ["other/check_it.py::test_it"]);
  assert.deepEqual((await project.run("-c", "alternative.ini", "other")).starts, []);
  const overridden = await project.run("-o", "python_files=check_*.py", "other");
  assert.deepEqual(overridden.ran, ["other/check_it.py::test_it"]);
  assert.deepEqual((await project.run()).starts, []);
});

test("a session that a debugger is asked for selects, and says that it records nothing", async () => {
  await using project = new Project();
  await project.run();
  project.editDiscount();
  const debugged = await project.run("--pdb");
  assert.deepEqual([debugged.code, debugged.ran], [0, DISCOUNTS]);
  assert.match(debugged.stderr, /nothing is recorded, because a debugger was asked for/);
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
});

test("options of other tools: the coverage threshold of a partial run, and pytest without its cache", async () => {
  await using project = new Project({ ...SHOP, "pytest.ini": "[pytest]\naddopts = -p no:cacheprovider\n" });
  await project.run();
  assert.equal(existsSync(project.path(".pytest_cache")), false);
  const idle = await project.run();
  assert.deepEqual([idle.code, idle.starts], [0, []]);
  assert.doesNotMatch(readFileSync(project.path(".winnow", "README.md"), "utf8"), /^$/);
  assert.deepEqual((await project.run(TOTAL)).starts, []);
});
