/**
 * Compares fingerprints with CPython over any directories, with as many interpreters as one likes:
 *
 *     node engine/test/fingerprint/compare.ts [--python PYTHON] [--tokens] DIR…
 *
 * `--tokens` also compares each token with the module tokenize, which is slow. Without DIR it takes the interpreter's own standard
 * library. Exits with 1 if there is a difference.
 */

import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { compareWithPython, pythonFiles, summary } from "./oracle.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { python: { type: "string", default: "python3" }, tokens: { type: "boolean", default: false } },
});
const code = "import sysconfig; print(sysconfig.get_paths()['stdlib'])";
const directories =
  positionals.length > 0 ? positionals : [execFileSync(values.python, ["-c", code], { encoding: "utf8" }).trim()];

const files = directories.flatMap((directory) => pythonFiles(directory));
const result = await compareWithPython(values.python, files, { codes: true, tokens: values.tokens });
for (const difference of result.differences.slice(0, 50)) {
  console.log(difference);
}
console.log(summary(result));
process.exitCode = result.differences.length > 0 ? 1 : 0;
