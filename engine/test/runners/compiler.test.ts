/** What Python has against a source is told as it is; whoever does not tell has not said that it compiles. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compilerOf } from "../../src/runners/pytest/compiler.ts";
import { python, skip } from "./python.ts";

const base = mkdtempSync(join(tmpdir(), "winnow-compiler-"));
after(() => rmSync(base, { recursive: true, force: true }));

const SOURCES: Readonly<Record<string, string>> = {
  "good.py": "x = 1\n",
  "bad name é.py": "x = 1\n)\n",
  "null.py": "x = 1\0\n",
  "coding.py": "# coding: no-such-thing\n",
};
for (const [name, text] of Object.entries(SOURCES)) {
  writeFileSync(join(base, name), text);
}

test("each file has its verdict, and what is gone is nobody's error", { skip }, () => {
  const paths = [...Object.keys(SOURCES), "gone.py"].map((name) => join(base, name));
  const verdicts = compilerOf(python?.executable ?? "")(paths);
  assert.deepEqual(
    paths.map((path) => typeof verdicts.get(path)),
    ["object", "string", "string", "string", "object"],
  );
  assert.match(verdicts.get(join(base, "bad name é.py")) ?? "", /^line 2: /);
  assert.equal(verdicts.get(join(base, "good.py")), null);
});

for (const executable of ["true", "cat", "no-such-program"]) {
  test(`${executable} says nothing of that`, () => {
    const path = join(base, "good.py");
    assert.equal(compilerOf(executable)([path]).get(path), "it could not be compiled");
  });
}
