/** The documents name what the program says: every code has a heading and the other way round, every reason a row. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const REPOSITORY = join(import.meta.dirname, "../../..");

function sources(): string {
  const directory = join(REPOSITORY, "engine/src");
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => readFileSync(join(directory, path), "utf8"))
    .join("\n");
}

const sorted = (found: Iterable<RegExpMatchArray>): string[] =>
  [...new Set([...found].map(([, word]) => word ?? ""))].sort();

test("every code of an error has a heading in docs/messages.md, and every heading a code", () => {
  const text = sources();
  const codes = sorted([
    ...text.matchAll(/new WinnowError\(\s*"([a-z-]+)"/g),
    ...text.matchAll(/\bcode: (?:[^"\n]*\?\? )?"([a-z-]+)"/g),
    ...text.matchAll(/\bcode: known\?\.code \?\? "([a-z-]+)"/g),
  ]);
  const headings = sorted(readFileSync(join(REPOSITORY, "docs/messages.md"), "utf8").matchAll(/^## ([a-z-]+)$/gm));
  assert.ok(codes.includes("internal") && codes.includes("pytest-missing"), codes.join());
  assert.deepEqual(headings, codes);
});

test("every kind of reason has a row in docs/formats.md, and every row a kind", () => {
  const reasons = readFileSync(join(REPOSITORY, "engine/src/model/reason.ts"), "utf8");
  const [, union = ""] = /export type Reason =(.*?);\n\n/s.exec(reasons) ?? [];
  const kinds = sorted(union.matchAll(/kind: "([a-z-]+)"/g));
  const formats = readFileSync(join(REPOSITORY, "docs/formats.md"), "utf8");
  const table = formats.slice(formats.indexOf("A reason is an object"), formats.indexOf("`winnow run --json` prints"));
  assert.deepEqual(sorted(table.matchAll(/^\| `([a-z-]+)` \|/gm)), kinds);
});
