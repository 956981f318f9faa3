/**
 * Snapshots as files: one line that says what it is, with a digest of the rest, then JSON compressed by Brotli, whose
 * output depends on its input alone. The file of one content is always the same.
 */

import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { messageOf, WinnowError } from "../model/error.ts";
import { SNAPSHOT_VERSION, type Snapshot, stableText } from "../snapshot/snapshot.ts";
import { lazyCrypto } from "./hash.ts";

const NAME = "winnow-snapshot";
const HEAD = new RegExp(`^${NAME} (\\d+) ([0-9a-f]{64})\n`);

/** The bytes of a snapshot. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const text = Buffer.from(stableText(snapshot), "utf8");
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 5,
    [constants.BROTLI_PARAM_LGWIN]: 22,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
  };
  const body = brotliCompressSync(text, { params });
  return Buffer.concat([Buffer.from(`${NAME} ${SNAPSHOT_VERSION} ${digestOf(body)}\n`, "latin1"), body]);
}

function digestOf(bytes: Uint8Array): string {
  return lazyCrypto().createHash("sha256").update(bytes).digest("hex");
}

/** Whether bytes begin as a snapshot does. */
export function isSnapshot(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, NAME.length)).toString("latin1") === NAME;
}

/** The snapshot in bytes that were read from `file`. @throws WinnowError `snapshot-unreadable`. */
export function decodeSnapshot(bytes: Uint8Array, file: string): Snapshot {
  const head = HEAD.exec(Buffer.from(bytes.subarray(0, 128)).toString("latin1"));
  const unreadable = (because: string, help: string): WinnowError =>
    new WinnowError("snapshot-unreadable", `the snapshot ${file} ${because}`, help);
  if (head !== null && Number(head[1]) > SNAPSHOT_VERSION) {
    throw unreadable("was written by a newer version", "Upgrade winnow to read it.");
  }
  const body = bytes.subarray(head?.[0].length ?? 0);
  if (head === null || digestOf(body) !== head[2]) {
    throw unreadable("is damaged, or not whole", "Export it again.");
  }
  return JSON.parse(brotliDecompressSync(body).toString("utf8")) as Snapshot;
}

/** Reads a file that somebody named. @throws WinnowError `not-readable`. */
export function readNamed(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new WinnowError("not-readable", `${file} cannot be read (${messageOf(error)})`, "Name a file that is there.");
  }
}

/** Writes a file in one step: nobody ever sees half of it. @throws WinnowError `not-writable`. */
export function writeNamed(file: string, bytes: Uint8Array): void {
  let place: string | undefined;
  try {
    place = mkdtempSync(join(dirname(file), ".winnow-"));
    const temporary = join(place, basename(file));
    writeFileSync(temporary, bytes);
    renameSync(temporary, file);
  } catch (error) {
    throw new WinnowError("not-writable", `${file} cannot be written (${messageOf(error)})`, "Name another file.");
  } finally {
    if (place !== undefined) {
      rmSync(place, { recursive: true, force: true });
    }
  }
}
