/** What holds for all programs. programs.ts makes them, and writes each in many ways. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Fingerprint, fingerprint } from "../../src/fingerprint/index.ts";
import { choices, owned, plainly, programs, type Statement, write } from "./programs.ts";

const encoder = new TextEncoder();

function split(source: string): Fingerprint {
  const result = fingerprint(encoder.encode(source));
  assert(!("error" in result), "error" in result ? `${result.error} in\n${source}` : "");
  return result;
}

/** A fingerprint without its lines. */
function content(source: string): unknown {
  const { toplevel, blocks } = split(source);
  return {
    toplevel,
    blocks: blocks.map(({ qualname, parent, checksum, imports }) => ({ qualname, parent, checksum, imports })),
  };
}

/** The last parts of the names of changed blocks; in random programs these are unique. */
function changed(before: string, after: string): string[] {
  const old = split(before);
  const now = split(after);
  assert.deepEqual(
    now.blocks.map((block) => block.qualname),
    old.blocks.map((block) => block.qualname),
  );
  const names = now.blocks
    .filter((block, index) => block.checksum !== old.blocks[index]?.checksum)
    .map((block) => block.qualname.split(".").at(-1) as string);
  return now.toplevel.checksum === old.toplevel.checksum ? names : ["toplevel", ...names];
}

test("however a program is written, its fingerprint is the same but for the lines", () => {
  fc.assert(
    fc.property(programs, choices, (program, choose) => {
      assert.deepEqual(content(write(program, choose)), content(write(program, plainly)));
    }),
    { numRuns: 400 },
  );
});

test("an edit of one statement changes the block that owns it, and no other", () => {
  const edits: ((siblings: Statement[], index: number) => void)[] = [
    (siblings, index) => siblings.splice(index, 1, { kind: "simple", tokens: ["edited"] }),
    (siblings, index) => siblings.splice(index, 0, { kind: "simple", tokens: ["edited", "(", ")"] }),
    (siblings, index) => siblings.splice(index + 1, 0, { kind: "simple", tokens: ["'edited'"] }),
    (siblings, index) =>
      siblings.splice(index, 1, { kind: "suite", header: ["if", "x", ":"], body: [siblings[index]!] }),
  ];
  fc.assert(
    fc.property(programs, choices, fc.nat(), fc.constantFrom(...edits), (program, choose, which, edit) => {
      const before = write(program, plainly);
      const copy = structuredClone(program);
      const candidates = owned(copy);
      fc.pre(candidates.length > 0);
      const { owner, siblings, index } = candidates[which % candidates.length]!;
      // What a generator is, shows outside of it.
      fc.pre(!/yield|super|__class__/.test(JSON.stringify(siblings[index])));
      edit(siblings, index);
      assert.deepEqual(changed(before, write(copy, choose)), [owner]);
    }),
    { numRuns: 600 },
  );
});

test("a comment or blank line after any line that ends a token changes nothing but lines", () => {
  fc.assert(
    fc.property(
      programs,
      fc.nat(),
      fc.constantFrom("", "# x", "   # def f(: '", "\f", "\t "),
      (program, which, line) => {
        const lines = write(program, plainly).split("\n");
        // Not into a string of several lines, of which the random programs have one kind per statement.
        const places = lines.flatMap((_, index) =>
          (lines.slice(0, index).join("\n").split('"""').length - 1) % 2 === 0 ? [index] : [],
        );
        const place = places[which % places.length]!;
        const edited = [...lines.slice(0, place), line, ...lines.slice(place)].join("\n");
        assert.deepEqual(content(edited), content(lines.join("\n")));
      },
    ),
    { numRuns: 400 },
  );
});

test("lines of blocks are nested, in order, and within the source", () => {
  fc.assert(
    fc.property(programs, choices, (program, choose) => {
      const source = write(program, choose);
      const count = source.split(/\r\n?|\n/).length;
      const { blocks } = split(source);
      blocks.forEach((block, index) => {
        assert(block.firstLine <= block.bodyLine && block.bodyLine <= block.lastLine && block.lastLine <= count);
        assert(block.parent < index && block.firstLine > (blocks[index - 1]?.firstLine ?? 0));
        const parent = blocks[block.parent];
        assert(parent === undefined || (parent.firstLine < block.firstLine && block.lastLine <= parent.lastLine));
      });
    }),
    { numRuns: 200 },
  );
});

test("no bytes make it throw", () => {
  const pieces = fc.constantFrom(
    ...'def class async import from global lambda : ; , . ( ) [ ] { } @ -> = f" f\'\'\' """ \' " \\ # \n \r \t \f'.split(
      " ",
    ),
    "\n",
    "\n ",
    "\n  ",
    "\n\t",
    " ",
    "x",
    "1",
    "{",
    "}",
    "!",
    ":",
    "rb'",
    "\\N{",
    "\\\n",
    "ä",
    "def f():\n ",
    "def f(): ",
    "'doc'",
    "class C:\n ",
  );
  const soup = fc.array(pieces, { maxLength: 60 }).map((list) => encoder.encode(list.join("")));
  const spaced = fc.array(pieces, { maxLength: 60 }).map((list) => encoder.encode(list.join(" ")));
  fc.assert(
    fc.property(fc.oneof(soup, spaced, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      const result = fingerprint(bytes);
      assert("error" in result || result.toplevel.checksum.length === 32);
    }),
    { numRuns: 20_000 },
  );
});

test("a source cut off anywhere is an error or has a fingerprint, and leaves nothing behind", () => {
  fc.assert(
    fc.property(programs, choices, fc.nat(), (program, choose, at) => {
      const bytes = encoder.encode(write(program, choose));
      const before = JSON.stringify(fingerprint(bytes));
      fingerprint(bytes.subarray(0, at % (bytes.length + 1)));
      assert.equal(JSON.stringify(fingerprint(bytes)), before);
    }),
    { numRuns: 200 },
  );
});

test("deep nesting and long rows", () => {
  const nest = (header: string, depth: number): string =>
    `${Array.from({ length: depth }, (_, i) => `${" ".repeat(i)}${header}\n`).join("")}${" ".repeat(depth)}pass`;
  assert.equal(split(nest("def f():", 90)).blocks.length, 90);
  assert.equal(split(nest("if x:", 5000)).blocks.length, 0);
  assert.equal(split("-".repeat(1 << 20)).blocks.length, 0);
  assert.equal(split(`x = ${"(".repeat(100_000)}${")".repeat(100_000)}\n`).blocks.length, 0);
  assert.equal(split("\n".repeat(1 << 20)).blocks.length, 0);
  assert("error" in fingerprint(encoder.encode('f"{'.repeat(10_000))));
  assert("error" in fingerprint(encoder.encode(`f"{x:${"{x:".repeat(10_000)}`)));
});
