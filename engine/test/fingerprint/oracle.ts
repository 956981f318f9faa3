/** Compares fingerprints with what CPython says about the same files. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { encodingOf } from "../../src/fingerprint/encoding.ts";
import { type Block, blockAt, type Fingerprint, fingerprint, type ImportRef } from "../../src/fingerprint/index.ts";
import {
  DEDENT,
  END,
  ERROR,
  INDENT,
  NAME,
  NEWLINE,
  NUMBER,
  OPERATOR,
  STRING,
  Tokenizer,
} from "../../src/fingerprint/tokenizer.ts";

/** The lines that oracle.py writes; it says what the places mean. */
type Answer =
  | { skipped: string }
  | {
      encoding: string;
      blocks: [string, number, number, number, number][];
      imports: [number, number, string, string[]][];
      codes: [number, string, number, boolean, string | null][] | null;
      tokens: number | null;
    };

/** What else to compare; both cost time. */
export interface Also {
  codes?: boolean;
  tokens?: boolean;
}

export interface Comparison {
  files: number;
  bytes: number;
  /** Files that CPython does not parse. */
  skipped: number;
  /** Files in an encoding that we refuse, as we say we do. */
  refused: number;
  blocks: number;
  imports: number;
  codes: number;
  /** Files whose every token was compared. */
  tokenized: number;
  differences: string[];
}

/** All `.py` files below a directory, in a stable order; symbolic links are not followed. */
export function pythonFiles(directory: string, leaveOut: (name: string) => boolean = () => false): string[] {
  const found: string[] = [];
  const entries = readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && !leaveOut(entry.name)) {
      found.push(...pythonFiles(path, leaveOut));
    } else if (entry.isFile() && entry.name.endsWith(".py")) {
      found.push(path);
    }
  }
  return found;
}

/**
 * Compares every block, line, parent, import and, if asked, code object of these files.
 *
 * @param python - the interpreter to ask
 */
export async function compareWithPython(python: string, files: string[], also: Also): Promise<Comparison> {
  const result: Comparison = {
    files: files.length,
    bytes: 0,
    skipped: 0,
    refused: 0,
    blocks: 0,
    imports: 0,
    codes: 0,
    tokenized: 0,
    differences: [],
  };
  const script = fileURLToPath(new URL("oracle.py", import.meta.url));
  const options = [...(also.codes ? ["--codes"] : []), ...(also.tokens ? ["--tokens"] : [])];
  const child = spawn(python, ["-I", script, ...options], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(files.map((file) => `${file}\n`).join(""));
  let index = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const path = files[index++] as string;
    const source = readFileSync(path);
    result.bytes += source.length;
    compareFile(path, source, JSON.parse(line) as Answer, result);
  }
  if (index !== files.length) {
    result.differences.push(`the oracle answered for ${index} of ${files.length} files`);
  }
  return result;
}

function compareFile(path: string, source: Uint8Array, answer: Answer, result: Comparison): void {
  const ours = fingerprint(source);
  if ("skipped" in answer) {
    result.skipped++;
    return;
  }
  if ("error" in ours) {
    if (["utf-8", "utf-8-sig", "iso8859-1", "ascii"].includes(answer.encoding)) {
      result.differences.push(`${path}: ${ours.error}`);
    } else {
      result.refused++;
    }
    return;
  }
  const expectedBlocks = answer.blocks.map((block) => JSON.stringify(block));
  const actualBlocks = ours.blocks.map(blockLine);
  compareLists(`${path}: block`, expectedBlocks, actualBlocks, result);
  const expectedImports = answer.imports.map((ref) => JSON.stringify(ref)).sort(byOwner);
  compareLists(`${path}: import`, expectedImports, importLines(ours), result);
  result.blocks += expectedBlocks.length;
  result.imports += expectedImports.length;
  if (answer.tokens !== null) {
    result.tokenized++;
    if (crc32(tokenRow(source)) !== answer.tokens) {
      result.differences.push(`${path}: the tokens differ`);
    }
  }
  if (actualBlocks.length === expectedBlocks.length) {
    compareCodes(path, ours, answer.codes ?? [], result);
  }
}

/** All tokens in the form that oracle.py writes. */
function tokenRow(source: Uint8Array): string {
  const encoding = encodingOf(source);
  assert(typeof encoding !== "string");
  const decoder = new TextDecoder(encoding.latin1 ? "latin1" : "utf-8");
  const letters: Record<number, string> = { [NAME]: "n", [NUMBER]: "d", [STRING]: "s", [OPERATOR]: "o" };
  const marks: Record<number, string> = { [NEWLINE]: "N", [INDENT]: "I", [DEDENT]: "D" };
  const tokens = new Tokenizer(source, encoding.start);
  let row = "";
  for (let kind = tokens.next(); kind !== END; kind = tokens.next()) {
    assert(kind !== ERROR, tokens.error);
    const letter = letters[kind];
    const text = letter === undefined ? "" : decoder.decode(source.subarray(tokens.start, tokens.end));
    row += `${letter ?? marks[kind]}${text.replace(/\r\n?/g, "\n")}\0`;
  }
  return row;
}

function blockLine(block: Block): string {
  return JSON.stringify([block.qualname, block.firstLine, block.bodyLine, block.lastLine, block.parent]);
}

/** Imports of one owner stay in the order of the source: the sort is stable and looks at the owner only. */
function byOwner(a: string, b: string): number {
  return Number.parseInt(a.slice(1), 10) - Number.parseInt(b.slice(1), 10);
}

function importLines(ours: Fingerprint): string[] {
  const line = (owner: number) => (ref: ImportRef) => JSON.stringify([owner, ref.level, ref.module, ref.names]);
  return [
    ...ours.toplevel.imports.map(line(-1)),
    ...ours.blocks.flatMap((block, index) => block.imports.map(line(index))),
  ];
}

function compareLists(what: string, expected: string[], actual: string[], result: Comparison): void {
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    if (expected[i] !== actual[i]) {
      result.differences.push(`${what}: Python says ${expected[i]}, we say ${actual[i]}`);
      return;
    }
  }
}

/** A function's code must be found as its block and no other; any other code among what it is part of. */
function compareCodes(
  path: string,
  ours: Fingerprint,
  codes: [number, string, number, boolean, string | null][],
  result: Comparison,
): void {
  for (const [line, name, owner, isFunction, qualname] of codes) {
    result.codes++;
    const found = blockAt(ours, line, name);
    // What evaluates the annotations of a function of this name has its line and name, and is part of those around it.
    const alone = isFunction && name !== "__annotate__";
    const right = alone ? found.length === 1 && found[0] === owner : owner === -1 || found.includes(owner);
    if (!right) {
      result.differences.push(`${path}:${line}: code of ${name} is part of ${owner}, we say [${found}]`);
    }
    if (isFunction && qualname !== null && ours.blocks[owner]?.qualname !== qualname) {
      result.differences.push(`${path}:${line}: ${qualname} is called ${ours.blocks[owner]?.qualname}`);
    }
  }
}

/** One line of figures. */
export function summary(result: Comparison): string {
  const megabytes = (result.bytes / 1e6).toFixed(1);
  return (
    `${result.files} files (${megabytes} MB), ${result.skipped} not parsed by Python, ${result.refused} in other encodings; ` +
    `${result.blocks} blocks, ${result.imports} imports, ${result.codes} code objects, ` +
    `tokens of ${result.tokenized} files: ${result.differences.length} differences`
  );
}
