/**
 * What a fingerprint of a Python source file consists of.
 *
 * A *block* is the body of one function. Everything else belongs to what encloses it: decorators, the `def` line with its defaults and
 * annotations, and the docstring of a function are part of the enclosing body, or of the *toplevel* of the module.
 * So "block f changed" means that only what happens inside of a call of f can have changed.
 */

/**
 * One imported module, as written.
 *
 * `import a.b` is `{ level: 0, module: "a.b", names: [] }`, `from .x import y, z` is `{ level: 1, module: "x", names: ["y", "z"] }`,
 * `from . import *` is `{ level: 1, module: "", names: ["*"] }`. A statement `import a, b` counts as two.
 */
export interface ImportRef {
  level: number;
  module: string;
  names: string[];
}

/** The body of one function, at any depth. Lines count from 1 and include the last. */
export interface Block {
  /** As CPython's `__qualname__`: `C.method`, `outer.<locals>.inner`. Not unique: a file may define a name more than once. */
  qualname: string;
  /**
   * Line of the first decorator, else of `def` or `async def`. CPython's `co_firstlineno` is the same but for a decorator in parentheses
   * that spans lines, where it may be a later one of the header: compare code objects through `blockAt` only.
   */
  firstLine: number;
  /** Line of the first statement after the docstring; of the docstring where nothing follows it. */
  bodyLine: number;
  /** Line on which the last token of the body ends. */
  lastLine: number;
  /** Index of the nearest function around this one (classes between them do not count), or -1. */
  parent: number;
  /** 128 bits in hexadecimal, over the tokens of the body without nested bodies. */
  checksum: string;
  /** Imports in this body, those of nested bodies left out. */
  imports: ImportRef[];
}

/** A file's blocks, in the order in which their definitions start; so a parent comes before its children. */
export interface Fingerprint {
  version: number;
  toplevel: { checksum: string; imports: ImportRef[] };
  blocks: Block[];
}

/** Stands for a fingerprint where a file cannot be split. Such a file counts as wholly changed. */
export interface FingerprintFailure {
  version: number;
  /** A fragment that starts with its line where there is one: `line 3: this string is not closed`. */
  error: string;
}

/**
 * Version of the rules below. It enters every checksum, and must rise with each change that gives any file another fingerprint:
 * fingerprints are kept by content, and one made by other rules must never be compared with one of ours.
 */
export const FINGERPRINT_VERSION = 2;
