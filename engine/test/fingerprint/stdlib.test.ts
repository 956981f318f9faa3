/**
 * CPython as the oracle: every block, line, parent and import of the standard library of the Python on PATH, and of the one that
 * WINNOW_TEST_PYTHON names; and the code objects and tokens of a part of it. compare.ts does the same for other interpreters and
 * directories, and leaves nothing out.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { compareWithPython, pythonFiles, summary } from "./oracle.ts";

/** Two, because the grammar grows, and because older versions read some sources otherwise. */
const PYTHONS = new Set(["python3", process.env["WINNOW_TEST_PYTHON"] ?? "python3"]);

/** CPython takes its time: of its own tests, which are half of the library, one file in so many is compared. */
const TESTS_STRIDE = 4;
/** Of all others, one in so many with code objects and tokens, which cost several times as much as the rest. */
const THOROUGH_STRIDE = 12;

/** Before Python 3.12, the module tokenize takes some letters beyond ASCII for no part of a name; the compiler does not. */
const KNOWN = /test_unicode_identifiers\.py$/;

const script = "import sysconfig; print(sysconfig.get_paths()['stdlib'])";

for (const python of PYTHONS) {
  const library = execFileSync(python, ["-c", script], { encoding: "utf8" }).trim();
  const all = pythonFiles(library, (name) => name === "site-packages" || name === "dist-packages");
  const files = all.filter((path, index) => !/[/\\]tests?[/\\]/.test(path) || index % TESTS_STRIDE === 0);

  test(`the standard library of ${python} is split as CPython parses it`, async (context) => {
    const result = await compareWithPython(python, files, {});
    context.diagnostic(summary(result));
    assert.deepEqual(result.differences, []);
    assert(result.blocks > 5000 && result.imports > 1000, "this is no standard library");
  });

  test(`code objects of ${python} are found and tokens agree`, async (context) => {
    const some = files.filter((path, index) => index % THOROUGH_STRIDE === 0 && !KNOWN.test(path));
    const result = await compareWithPython(python, some, { codes: true, tokens: true });
    context.diagnostic(summary(result));
    assert.deepEqual(result.differences, []);
  });
}
