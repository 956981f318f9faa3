/**
 * What checksums are taken of: the tokens of a block, each followed by a NUL, as one row of bytes.
 *
 * No token contains a NUL (a source with one is refused), and none begins with a control character, so that structure is marked by
 * these. Different rows of tokens therefore never give the same bytes, and what is no token (white space, comments) cannot show.
 *
 * Blocks nest strictly, so all rows that are open lie in one buffer as on a stack: a block opens on top of its parent, and is gone when
 * the parent goes on.
 */

import { hash128 } from "./hash.ts";

/** Marks of structure. INNER stands where a nested body was taken out. */
export const MARK_NEWLINE = 1;
export const MARK_INDENT = 2;
export const MARK_DEDENT = 3;
export const MARK_INNER = 4;
/** Behind a body that was taken out and yields; at the end of a class of which a method asks for its class. */
export const MARK_GENERATOR = 5;
export const MARK_KNOWN_CLASS = 6;

const LF = 10;
const CR = 13;

/** Scratch space is kept between files up to this size: most files need less, and to allocate it anew costs more than to scan one. */
const KEPT_BYTES = 1 << 22;
let kept = new Uint8Array(0);

/** The rows of tokens of all open blocks. */
export class CanonicalRows {
  readonly #source: Uint8Array;
  readonly #bytes: Uint8Array;
  readonly #seed: number;
  #top = 0;

  /** @param seed - what else enters each checksum */
  constructor(source: Uint8Array, seed: number) {
    this.#source = source;
    this.#seed = seed;
    this.#bytes = scratch(source.length);
  }

  /** Adds the token `source[start]` up to, not including, `source[end]` to the row on top. */
  token(start: number, end: number): void {
    const source = this.#source;
    const bytes = this.#bytes;
    let top = this.#top;
    for (let at = start; at < end; at++) {
      bytes[top++] = source[at] as number;
    }
    bytes[top++] = 0;
    this.#top = top;
  }

  /** As {@link CanonicalRows.token} for one that may contain line breaks, which Python reads as LF however they are written. */
  string(start: number, end: number): void {
    const source = this.#source;
    const bytes = this.#bytes;
    let top = this.#top;
    for (let at = start; at < end; at++) {
      const byte = source[at] as number;
      if (byte !== CR) {
        bytes[top++] = byte;
      } else if (source[at + 1] !== LF) {
        bytes[top++] = LF;
      }
    }
    bytes[top++] = 0;
    this.#top = top;
  }

  /** Adds one of the marks to the row on top. */
  mark(mark: number): void {
    this.#bytes[this.#top++] = mark;
    this.#bytes[this.#top++] = 0;
  }

  /** Opens a row; the number returned is for {@link CanonicalRows.close}. */
  open(): number {
    return this.#top;
  }

  /** Takes the row on top away, and returns its checksum. */
  close(opened: number): string {
    if (this.#top > this.#bytes.length) {
      // What is written past the end of an array is lost without a word, and two sources might get one checksum.
      throw new RangeError("the rows of tokens are longer than was thought possible");
    }
    const checksum = hash128(this.#bytes, opened, this.#top, this.#seed);
    this.#top = opened;
    return checksum;
  }
}

/**
 * A buffer for the rows of a source of this length. Each byte gives at most four: one of indentation yields an INDENT and a DEDENT of two
 * bytes each, one of an operator two, a line break two; a definition is longer than its mark. The end may add a few.
 */
function scratch(length: number): Uint8Array {
  const needed = length * 4 + 64;
  if (needed <= kept.length) {
    return kept;
  }
  const bytes = new Uint8Array(Math.max(needed, 1 << 16));
  if (bytes.length <= KEPT_BYTES) {
    kept = bytes;
  }
  return bytes;
}
