/**
 * CPython as the oracle, on its standard library: whatever a function looks up outside of itself, or in an object, is
 * among its mentions, and whatever a module binds, some statement of its outline binds. More may be; what it is costs
 * tests, not truth.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fingerprint } from "../../src/fingerprint/index.ts";
import { MAIN, outlineOf, packOutline, unpackOutline } from "../../src/names/index.ts";
import { pythonFiles } from "../fingerprint/oracle.ts";

type Answer =
  | { readonly skipped: string }
  | {
      readonly attributes: Readonly<Record<string, readonly string[]>>;
      readonly globals: Readonly<Record<string, readonly string[]>>;
      readonly bound: readonly string[];
    };

/** Of CPython's own tests, one file in so many. */
const TESTS_STRIDE = 5;

/** As the compiler writes private names. */
function plain(name: string): string {
  return name.replace(/^_[A-Za-z]\w*?(?=__\w*[^_]$|__\w*[^_]_$)/, "");
}

const PYTHONS = new Set(["python3", process.env["WINNOW_TEST_PYTHON"] ?? "python3"]);

for (const python of PYTHONS) {
  const script = "import sysconfig; print(sysconfig.get_paths()['stdlib'])";
  const library = execFileSync(python, ["-c", script], { encoding: "utf8" }).trim();
  const files = pythonFiles(library, (name) => name === "site-packages" || name === "dist-packages").filter(
    (path, index) => !/[/\\]tests?[/\\]/.test(path) || index % TESTS_STRIDE === 0,
  );

  test(`what functions of ${python}'s library look up is among their mentions`, (context) => {
    const answers = execFileSync(python, [join(import.meta.dirname, "oracle.py")], {
      input: files.join("\n"),
      encoding: "utf8",
      maxBuffer: 1 << 30,
    })
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Answer);
    const problems: string[] = [];
    let bodies = 0;
    let names = 0;
    files.forEach((path, index) => {
      const answer = answers[index] as Answer;
      const source = readFileSync(path);
      const parsed = fingerprint(source);
      if ("skipped" in answer || "error" in parsed) {
        return;
      }
      const outline = outlineOf(source);
      assert.ok(outline !== undefined, path);
      assert.deepEqual(unpackOutline(packOutline(outline)), outline, path);
      // What a file does when Python is started with it is no function.
      const mentions = new Map(outline.bodies.filter(([qualname]) => qualname !== MAIN));
      assert.deepEqual(
        [...mentions.keys()].sort(),
        [...new Set(parsed.blocks.map(({ qualname }) => qualname))].sort(),
        path,
      );
      const hasStar = outline.statements.some(({ imports }) => imports.some((one) => one.names.includes("*")));
      const bound = new Set(outline.statements.flatMap(({ binds }) => binds));
      for (const name of answer.bound) {
        if (!bound.has(name) && !hasStar) {
          problems.push(`${path}: nothing binds ${name}`);
        }
      }
      for (const [qualname, own] of mentions) {
        bodies += 1;
        const bare = new Set(own.bare);
        const asked = own.asked.map((pair) => pair.slice(pair.indexOf(".") + 1));
        const wild = new Set([...own.wild, ...own.bare, ...asked]);
        for (const name of answer.globals[qualname] ?? []) {
          names += 1;
          // Implied by `super()`.
          if (name !== "__class__" && !bare.has(name) && !bare.has(plain(name))) {
            problems.push(`${path}: ${qualname} reads ${name}`);
          }
        }
        for (const pair of own.asked) {
          const base = pair.slice(0, pair.indexOf("."));
          if (!(answer.globals[qualname] ?? []).includes(base)) {
            problems.push(`${path}: ${qualname} asks ${pair}, which is none of the module's`);
          }
        }
        for (const name of answer.attributes[qualname] ?? []) {
          names += 1;
          if (!wild.has(name)) {
            problems.push(`${path}: ${qualname} looks up .${name}`);
          }
        }
      }
    });
    context.diagnostic(`${files.length} files, ${bodies} bodies, ${names} names`);
    assert.deepEqual(problems.slice(0, 40), []);
    assert.ok(bodies > 5000 && names > 50_000, "this is no standard library");
  });
}
