/**
 * Reads journals. A frame is `u32le length, u32le crc32, payload`; the payload is `u32le length of JSON, JSON, u32le
 * numbers of codes`. Reading stops at the first frame that is not whole: the process was killed while it wrote it, and
 * every frame before is true on its own.
 */

import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { Frame, FrameWithCodes } from "./frames.ts";

const MAGIC = "WNJ1\0\0\0\0";

export interface JournalFile {
  readonly frames: readonly FrameWithCodes[];
  /** Bytes after the last whole frame. */
  readonly torn: number;
}

/** Reads a whole journal. Throws if the file cannot be read or is no journal at all. */
export function readJournal(path: string): JournalFile {
  return parseJournal(readFileSync(path));
}

/** Parses the bytes of a journal; an empty file is an empty journal. */
export function parseJournal(bytes: Buffer): JournalFile {
  if (bytes.length < MAGIC.length) {
    return { frames: [], torn: bytes.length };
  }
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw new Error("it does not begin like a journal");
  }
  const frames: FrameWithCodes[] = [];
  let at = MAGIC.length;
  while (at + 8 <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const end = at + 8 + length;
    if (length < 4 || end > bytes.length) {
      break;
    }
    const payload = bytes.subarray(at + 8, end);
    if (crc32(payload) !== bytes.readUInt32LE(at + 4)) {
      break;
    }
    const jsonEnd = 4 + payload.readUInt32LE(0);
    // Copied, because a typed array has to begin at a multiple of its element's size.
    const codes = new Uint32Array(Uint8Array.prototype.slice.call(payload, jsonEnd).buffer);
    frames.push({ frame: JSON.parse(payload.toString("utf8", 4, jsonEnd)) as Frame, codes });
    at = end;
  }
  return { frames, torn: bytes.length - at };
}
