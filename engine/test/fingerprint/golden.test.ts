/** Runs the cases of `golden/*.md`. The first of them, formatting.md, says how to read and write one. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { type Fingerprint, fingerprint, type ImportRef } from "../../src/fingerprint/index.ts";

interface Case {
  title: string;
  sources: Uint8Array[];
  /** What follows the sources: `changed`, `imports`, `blocks`, `error`. */
  expected: Map<string, string>;
}

const folder = new URL("golden/", import.meta.url);
const SIGNS: Record<string, string> = { "␉": "\t", "␌": "\f", "␠": " ", "␀": "\0" };

/** The bytes of a fenced source. */
function sourceOf(lines: string[], how: string[]): Uint8Array {
  let text = lines.map((line) => `${line}\n`).join("");
  text = text.replace(/[␉␌␠␀]/g, (sign) => SIGNS[sign] as string);
  if (how.includes("bare")) {
    text = text.replace(/\n$/, "");
  }
  if (how.includes("crlf")) {
    text = text.replaceAll("\n", "\r\n");
  } else if (how.includes("cr")) {
    text = text.replaceAll("\n", "\r");
  }
  return new TextEncoder().encode(how.includes("bom") ? `\ufeff${text}` : text);
}

function casesOf(text: string): Case[] {
  const cases: Case[] = [];
  let fence: { lines: string[]; how: string[] } | null = null;
  for (const line of text.split("\n")) {
    const current = cases.at(-1);
    if (line.startsWith("```")) {
      if (fence === null) {
        fence = { lines: [], how: line.slice(3).split(" ") };
      } else {
        current?.sources.push(sourceOf(fence.lines, fence.how));
        fence = null;
      }
    } else if (fence !== null) {
      fence.lines.push(line);
    } else if (line.startsWith("## ")) {
      cases.push({ title: line.slice(3), sources: [], expected: new Map() });
    } else if (current !== undefined && line !== "") {
      const [, key, value] = /^(changed|imports|blocks|error): (.*)$/.exec(line) ?? [];
      assert(key !== undefined && value !== undefined, `${current.title}: cannot read "${line}"`);
      current.expected.set(key, value);
    }
  }
  return cases;
}

function split(source: Uint8Array): Fingerprint {
  const result = fingerprint(source);
  assert(!("error" in result), "error" in result ? result.error : "");
  return result;
}

/** Checksums by name; those of several bodies of one name follow each other. */
function checksums(source: Uint8Array): Map<string, string> {
  const { toplevel, blocks } = split(source);
  const all = new Map([["toplevel", toplevel.checksum]]);
  for (const block of blocks) {
    all.set(block.qualname, `${all.get(block.qualname) ?? ""} ${block.checksum}`);
  }
  return all;
}

function changed(before: Uint8Array, after: Uint8Array): string[] {
  const old = checksums(before);
  const now = checksums(after);
  const added = [...now.keys()].filter((name) => !old.has(name)).map((name) => `+${name}`);
  const gone = [...old.keys()].filter((name) => !now.has(name)).map((name) => `-${name}`);
  const other = [...now.keys()].filter((name) => old.has(name) && old.get(name) !== now.get(name));
  return [...other, ...added, ...gone].sort();
}

function imports(source: Uint8Array): string[] {
  const { toplevel, blocks } = split(source);
  const one = (ref: ImportRef): string =>
    `${".".repeat(ref.level)}${ref.module}${ref.names.length > 0 ? `[${ref.names.join(" ")}]` : ""}`;
  return [{ qualname: "toplevel", imports: toplevel.imports }, ...blocks]
    .filter((owner) => owner.imports.length > 0)
    .map((owner) => `${owner.qualname} ${owner.imports.map(one).join(", ")}`);
}

function blocks(source: Uint8Array): string[] {
  return split(source).blocks.map(
    (block) => `${block.qualname} ${block.firstLine} ${block.bodyLine} ${block.lastLine}`,
  );
}

/** The items of an expected list; a word stands for the empty one. */
function list(text: string, separator: string): string[] {
  return text === "nothing" || text === "none" ? [] : text.split(separator);
}

function check({ sources, expected }: Case): void {
  const last = sources.at(-1) as Uint8Array;
  assert.equal(sources.length, expected.has("changed") ? 2 : 1);
  assert(expected.size > 0, "nothing is expected");
  for (const [key, value] of expected) {
    switch (key) {
      case "changed":
        assert.deepEqual(changed(sources[0] as Uint8Array, last), list(value, ", ").sort());
        break;
      case "imports":
        assert.deepEqual(imports(last), list(value, "; "));
        break;
      case "blocks":
        assert.deepEqual(blocks(last), list(value, ", "));
        break;
      default: {
        const result = fingerprint(last);
        assert("error" in result, "it could be split");
        assert(result.error.includes(value), result.error);
      }
    }
  }
}

for (const file of readdirSync(folder).sort()) {
  describe(file, () => {
    for (const item of casesOf(readFileSync(new URL(file, folder), "utf8"))) {
      test(item.title, () => check(item));
    }
  });
}
