/**
 * The watch table: every path whose state some recorded fact depends on, with what was last seen there.
 *
 * A path is trusted as unchanged if size, inode, modification and change time are those of the last look, and if both
 * times were older than {@link SAFETY_GAP_MS} when that look was recorded: two writes within one tick of the file
 * system's clock leave the same times behind. The table is one blob, because ten thousand rows would cost more to read
 * than to stat.
 */

import { type Stats, statSync } from "node:fs";
import { join } from "node:path";

/** How old a time has to be, by the clock of the machine, before equality of times is believed. */
export const SAFETY_GAP_MS = 2000;

/**
 * `f`: contents of a file; `d`: names in a directory; `p`: a directory of installed packages (absolute path);
 * `e`: an environment variable (its name), which is compared by its digest alone.
 */
export type WatchKind = "f" | "d" | "p" | "e";

export interface WatchEntry {
  readonly kind: WatchKind;
  readonly path: string;
  /** Digest of what was seen: a file's blob id, a directory's or site directory's digest; "-" if nothing was there. */
  digest: string;
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  inode: number;
  /** Whether the times were old enough to be believed when they were recorded. */
  settled: boolean;
}

const FIELDS = 5;

/** The table as bytes: a JSON head (kinds, paths, digests) and the numbers as one array of doubles. */
export function packWatch(entries: readonly WatchEntry[]): Uint8Array {
  const numbers = new Float64Array(entries.length * FIELDS);
  entries.forEach((entry, index) => {
    numbers.set([entry.size, entry.mtimeMs, entry.ctimeMs, entry.inode, entry.settled ? 1 : 0], index * FIELDS);
  });
  const head = new TextEncoder().encode(
    JSON.stringify([entries.map((e) => e.kind).join(""), entries.map((e) => e.path), entries.map((e) => e.digest)]),
  );
  const bytes = new Uint8Array(8 + head.length + numbers.byteLength);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 8);
  bytes.set(new Uint8Array(numbers.buffer), 8 + head.length);
  return bytes;
}

/** The inverse of {@link packWatch}. Throws if the bytes are not such a table. */
export function unpackWatch(bytes: Uint8Array): WatchEntry[] {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const [kinds, paths, digests] = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as [
    string,
    string[],
    string[],
  ];
  const numbers = new Float64Array(bytes.slice(8 + length).buffer);
  return paths.map((path, index) => {
    const at = index * FIELDS;
    return {
      kind: kinds[index] as WatchKind,
      path,
      digest: digests[index] as string,
      size: numbers[at] as number,
      mtimeMs: numbers[at + 1] as number,
      ctimeMs: numbers[at + 2] as number,
      inode: numbers[at + 3] as number,
      settled: numbers[at + 4] === 1,
    };
  });
}

/** A path's stat; undefined also where nobody may look (no permission, a loop of links). */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** 0 stands for "nothing there"; some file systems give it to all of their files. */
function inodeOf(stat: { readonly ino: number }): number {
  return stat.ino === 0 ? -1 : stat.ino;
}

/** Where a watched path lies on this machine. */
export function absolutePath(
  root: string,
  { kind, path }: { readonly kind: WatchKind; readonly path: string },
): string {
  // Paths are normalised when they are recorded, so a plain concatenation does; `join` would cost more than the stat.
  return kind === "p" ? path : path.startsWith("..") ? join(root, path) : `${root}/${path}`;
}

/** What `stat` says of a watched path now. */
export function statOfEntry(
  root: string,
  entry: { readonly kind: WatchKind; readonly path: string },
): Stats | undefined {
  return statOf(absolutePath(root, entry));
}

/** Whether the path looks exactly as it did, and can be believed to. One `stat`; no other work. */
export function looksUnchanged(root: string, entry: WatchEntry): boolean {
  return isUnchanged(entry, statOfEntry(root, entry));
}

/** The same, by what `stat` has said of the path; undefined if nothing is there. */
export function isUnchanged(entry: WatchEntry, stat: Stats | undefined): boolean {
  if (stat === undefined) {
    return entry.inode === 0 && entry.digest === "-";
  }
  return (
    entry.settled &&
    stat.mtimeMs === entry.mtimeMs &&
    stat.ctimeMs === entry.ctimeMs &&
    stat.size === entry.size &&
    inodeOf(stat) === entry.inode
  );
}

/** What `stat` says of a path, in the fields of an entry; zeros for a path that is not there. */
export function stamp(
  stat: Stats | undefined,
  nowMs: number,
): Pick<WatchEntry, "size" | "mtimeMs" | "ctimeMs" | "inode" | "settled"> {
  if (stat === undefined) {
    return { size: 0, mtimeMs: 0, ctimeMs: 0, inode: 0, settled: true };
  }
  const settled = nowMs - stat.mtimeMs > SAFETY_GAP_MS && nowMs - stat.ctimeMs > SAFETY_GAP_MS;
  return { size: stat.size, mtimeMs: stat.mtimeMs, ctimeMs: stat.ctimeMs, inode: inodeOf(stat), settled };
}
