/**
 * CPython as the oracle: every block, line, parent, import and code object of the standard library of the Python on PATH, and the tokens
 * of a part of it. compare.ts does the same for other interpreters and directories.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { compareWithPython, pythonFiles, summary } from "./oracle.ts";

const PYTHON = "python3";

/** Of the files whose code objects and tokens are compared too, one in so many: both cost several times as much as the rest. */
const STRIDE = 8;

const script = "import sysconfig; print(sysconfig.get_paths()['stdlib'])";
const library = execFileSync(PYTHON, ["-c", script], { encoding: "utf8" }).trim();
const files = pythonFiles(library, (name) => name === "site-packages" || name === "dist-packages");

test("the standard library is split as CPython parses it", async (context) => {
  const result = await compareWithPython(PYTHON, files, {});
  context.diagnostic(summary(result));
  assert.deepEqual(result.differences, []);
  assert(result.blocks > 5000 && result.imports > 1000, "this is no standard library");
});

test("code objects are found and tokens agree", async (context) => {
  const some = files.filter((path, index) => index % STRIDE === 0 && !KNOWN.test(path));
  const result = await compareWithPython(PYTHON, some, { codes: true, tokens: true });
  context.diagnostic(summary(result));
  assert.deepEqual(result.differences, []);
});

/** Before Python 3.12, the module tokenize takes some letters beyond ASCII for no part of a name; the compiler does not. */
const KNOWN = /test_unicode_identifiers\.py$/;
