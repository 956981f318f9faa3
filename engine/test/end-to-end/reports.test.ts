/** What programs are told of a run: a JUnit XML report, and failures where GitHub shows them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Project } from "./project.ts";

const FILES = {
  "pytest.ini": "[pytest]\n",
  "lib.py": "def value():\n    return 1\n",
  "tests/test_a.py": "import lib\n\n\ndef test_a():\n    assert lib.value() == 1\n",
  "tests/test_b.py": "def test_b():\n    pass\n",
};

test("a JUnit report of the tests that ran, and an empty one where none had to", async () => {
  await using project = new Project(FILES);
  const report = async (args: readonly string[]): Promise<string> => {
    assert.equal((await project.winnow(["run", ...args])).code, 0);
    return readFileSync(join(project.root, "out/report.xml"), "utf8");
  };
  assert.match(await report(["--junit", "out/report.xml"]), /tests="2"/);
  const empty = await report(["--junit", "out/report.xml"]);
  assert.match(
    empty,
    /^<\?xml.*<testsuite name="pytest" errors="0" failures="0" skipped="0" tests="0" .*<\/testsuites>$/,
  );
  project.write({ "lib.py": "def value():\n    return 2 - 1\n" });
  assert.match(await report(["--junit", "out/report.xml"]), /tests="1"/);
  // The same where it is pytest's own option.
  assert.match(await report(["--", "--junitxml", "out/report.xml"]), /tests="0"/);
});

test("failures are annotated on GitHub, with paths from the checkout", async () => {
  await using project = new Project(FILES);
  project.write({ "lib.py": "def value():\n    return 2\n" });
  const env = { GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: join(project.root, "..") };
  const { code, stdout } = await project.winnow(["run"], { env });
  assert.equal(code, 1);
  const name = project.root.slice(project.root.lastIndexOf("/") + 1);
  const line = `::error file=${name}/tests/test_a.py,title=pytest%3A failed::tests/test_a.py::test_a`;
  assert.deepEqual(
    stdout.split("\n").filter((each) => each.startsWith("::")),
    [line],
  );
  const elsewhere = await project.winnow(["run"], { env: { GITHUB_ACTIONS: undefined } });
  assert.doesNotMatch(elsewhere.stdout, /^::/m);
  const { failures } = JSON.parse((await project.winnow(["run", "--json"], { env })).stdout).recorded;
  assert.deepEqual(failures, [{ id: "tests/test_a.py::test_a", path: "tests/test_a.py", outcome: "failed" }]);
});
