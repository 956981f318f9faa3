/** Settings of pytest that change, and change back: what was collected under others says nothing of these. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Project } from "./project.ts";

const PASSES = "def test_it():\n    pass\n";
const FAILS = "def test_it():\n    assert False\n";

test("a directory that is no test path for one run is one again", async () => {
  await using project = new Project({
    "pytest.ini": "[pytest]\ntestpaths = tests more\n",
    "tests/test_a.py": PASSES,
    "more/test_m.py": PASSES,
  });
  await project.run();
  project.write({ "pytest.ini": "[pytest]\ntestpaths = tests\n" });
  assert.deepEqual((await project.run()).ran, ["tests/test_a.py::test_it"]);
  project.write({ "pytest.ini": "[pytest]\ntestpaths = tests more\n", "more/test_m.py": FAILS });
  const { code, ran } = await project.run();
  assert.deepEqual([code, ran], [1, ["more/test_m.py::test_it"]]);
});

test("a file that came while its name was no test file's is a test file once it is", async () => {
  await using project = new Project({
    "pytest.ini": "[pytest]\npython_files = test_*.py check_*.py\n",
    "tests/test_a.py": PASSES,
  });
  await project.run();
  project.write({ "pytest.ini": "[pytest]\npython_files = test_*.py\n", "tests/check_b.py": FAILS });
  assert.deepEqual((await project.run()).ran, ["tests/test_a.py::test_it"]);
  project.write({ "pytest.ini": "[pytest]\npython_files = test_*.py check_*.py\n" });
  const { code, ran } = await project.run();
  assert.deepEqual([code, ran], [1, ["tests/check_b.py::test_it"]]);
});
