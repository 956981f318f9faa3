/**
 * Interned sets of dependency ids. Some hundred of them make one row, a *page*: a row for each would cost more to write
 * and to read than what is in it.
 *
 * A set's number is that of its page's first one and its place in it, and is never given twice: the last page stays
 * even where all of its sets are gone. Which sets there are is told by hashes of their bytes, and then by these.
 */

import { hasMarked, packIds, unpackIds } from "./id-set.ts";
import type { Row, Sql } from "./sql.ts";

/** A page has room for more while it has fewer bytes and sets than that. */
const PAGE_BYTES = 32_768;
const PAGE_SETS = 256;

/** In the place of its length: the set is gone. */
const GONE = 0xffff_ffff;

interface Page {
  readonly first: number;
  /** Hash and length of each set. */
  readonly heads: Uint32Array;
  readonly bytes: Uint8Array;
  /** Where each set begins, and where the last one ends. */
  readonly starts: Uint32Array;
}

function pageOf(first: number, heads: Uint32Array, data: unknown): Page {
  const starts = new Uint32Array(heads.length / 2 + 1);
  for (let index = 0; index < heads.length / 2; index++) {
    const length = heads[index * 2 + 1] as number;
    starts[index + 1] = (starts[index] as number) + (length === GONE ? 0 : length);
  }
  if (!(data instanceof Uint8Array) || data.length !== starts[starts.length - 1]) {
    throw new SyntaxError("the store holds sets that have no end");
  }
  return { first, heads, bytes: data, starts };
}

/** Hashes and lengths, as a row has them. */
function headsOf(column: unknown): Uint32Array {
  if (!(column instanceof Uint8Array) || column.length % 8 !== 0) {
    throw new SyntaxError("the store holds sets of which it does not say how long they are");
  }
  return new Uint32Array(column.slice().buffer);
}

function bytesOf(heads: Uint32Array): Uint8Array {
  return new Uint8Array(heads.buffer, heads.byteOffset, heads.byteLength);
}

function pageOfRow(row: Row): Page {
  return pageOf(Number(row["first"]), headsOf(row["heads"]), row["data"]);
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) {
    hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  }
  return hash >>> 0;
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) {
    return false;
  }
  for (let at = 0; at < one.length; at++) {
    if (one[at] !== other[at]) {
      return false;
    }
  }
  return true;
}

/** Numbers by hashes, with open addressing: there may be a hundred thousand of them, and they are needed at once. */
class HashTable {
  #hashes: Uint32Array;
  /** 0 where nothing is. */
  #ids: Int32Array;
  #size = 0;

  /** `expected`: for how many there is to be room at once. */
  constructor(expected: number) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(1024, expected * 2)));
    this.#hashes = new Uint32Array(capacity);
    this.#ids = new Int32Array(capacity);
  }

  add(hash: number, id: number): void {
    if (this.#size * 2 >= this.#ids.length) {
      this.#grow();
    }
    this.#size += 1;
    this.#put(hash, id);
  }

  /** The first number with this hash that `isIt` takes. */
  find(hash: number, isIt: (id: number) => boolean): number | undefined {
    const mask = this.#ids.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.#ids[slot] as number;
      if (id === 0) {
        return undefined;
      }
      if (this.#hashes[slot] === hash && isIt(id)) {
        return id;
      }
    }
  }

  #put(hash: number, id: number): void {
    const mask = this.#ids.length - 1;
    let slot = hash & mask;
    while (this.#ids[slot] !== 0) {
      slot = (slot + 1) & mask;
    }
    this.#hashes[slot] = hash;
    this.#ids[slot] = id;
  }

  #grow(): void {
    const hashes = this.#hashes;
    const ids = this.#ids;
    this.#hashes = new Uint32Array(hashes.length * 2);
    this.#ids = new Int32Array(ids.length * 2);
    ids.forEach((id, slot) => {
      if (id !== 0) {
        this.#put(hashes[slot] as number, id);
      }
    });
  }
}

/** All sets of one state of the store. */
export class PackedDepsets {
  readonly #pages: readonly Page[];

  constructor(pages: readonly Page[]) {
    this.#pages = pages;
  }

  /** The highest number that a set has. */
  get last(): number {
    const page = this.#pages.at(-1);
    return page === undefined ? 0 : page.first + page.starts.length - 2;
  }

  /** Visits every set, packed. */
  forEach(visit: (id: number, members: Uint8Array) => void): void {
    for (const { first, heads, bytes, starts } of this.#pages) {
      for (let index = 0; index + 1 < starts.length; index++) {
        if (heads[index * 2 + 1] !== GONE) {
          visit(first + index, bytes.subarray(starts[index], starts[index + 1]));
        }
      }
    }
  }

  /** The sets of which any member is marked (see {@link hasMarked}). */
  withMarked(marks: Uint8Array): Set<number> {
    const found = new Set<number>();
    for (const { first, bytes, starts } of this.#pages) {
      for (let index = 0; index + 1 < starts.length; index++) {
        if (hasMarked(bytes, marks, starts[index], starts[index + 1])) {
          found.add(first + index);
        }
      }
    }
    return found;
  }

  /** Whether any member of a set is marked; of a set that is not there none is. */
  hasMarked(id: number, marks: Uint8Array): boolean {
    const page = this.#pageWith(id);
    return (
      page !== undefined && hasMarked(page.bytes, marks, page.starts[id - page.first], page.starts[id - page.first + 1])
    );
  }

  /** The members of a set, packed; undefined if it is not there. */
  packed(id: number): Uint8Array | undefined {
    const page = this.#pageWith(id);
    return page?.bytes.subarray(page.starts[id - page.first], page.starts[id - page.first + 1]);
  }

  /** The members of a set, in order. */
  members(id: number): number[] {
    const packed = this.packed(id);
    return packed === undefined ? [] : unpackIds(packed);
  }

  #pageWith(id: number): Page | undefined {
    let low = 0;
    let high = this.#pages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pages[middle] as Page).first <= id) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const page = this.#pages[low - 1];
    const head = page?.heads[(id - page.first) * 2 + 1];
    return head === undefined || head === GONE ? undefined : page;
  }
}

interface Draft {
  readonly known: HashTable;
  /** Packed sets that are not in the table yet, in the order of their numbers. */
  readonly fresh: { readonly hash: number; readonly packed: Uint8Array }[];
  /** The last number in the table. */
  readonly last: number;
  /** The page that was read last. */
  read: Page | undefined;
}

export class Depsets {
  readonly #sql: Sql;
  #draft: Draft | undefined;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** The number of the set with these members (ascending, without duplicates). Only within a transaction that writes. */
  intern(members: readonly number[]): number {
    const packed = packIds(members);
    const hash = hashOf(packed);
    const draft = this.#drafted();
    const found = draft.known.find(hash, (id) => {
      const known = this.#packed(id);
      return known !== undefined && areEqual(known, packed);
    });
    if (found !== undefined) {
      return found;
    }
    draft.fresh.push({ hash, packed });
    const id = draft.last + draft.fresh.length;
    draft.known.add(hash, id);
    return id;
  }

  /** The members of a set; of one that is not there, none. */
  members(id: number): number[] {
    const packed = this.#packed(id);
    return packed === undefined ? [] : unpackIds(packed);
  }

  /** All sets. */
  all(): PackedDepsets {
    const pages: Page[] = [];
    for (const row of this.#sql("SELECT first, heads, data FROM depset ORDER BY first").iterate() as Iterable<Row>) {
      pages.push(pageOfRow(row));
    }
    if (this.#draft !== undefined && this.#draft.fresh.length > 0) {
      pages.push(this.#freshPage(this.#draft));
    }
    return new PackedDepsets(pages);
  }

  count(): number {
    let count = 0;
    this.all().forEach(() => {
      count += 1;
    });
    return count;
  }

  /** Takes away all sets but those of which `isUsed` says so; returns how many went. */
  prune(isUsed: (id: number) => boolean): number {
    let gone = 0;
    const rows = this.#sql("SELECT first, heads, data FROM depset ORDER BY first").all() as Row[];
    for (const [index, row] of rows.entries()) {
      const page = pageOfRow(row);
      const { first, starts, bytes } = page;
      const heads = page.heads.slice();
      const parts: Uint8Array[] = [];
      for (let at = 0; at + 1 < starts.length; at++) {
        if (heads[at * 2 + 1] === GONE) {
          continue;
        }
        if (isUsed(first + at)) {
          parts.push(bytes.subarray(starts[at], starts[at + 1]));
        } else {
          heads[at * 2 + 1] = GONE;
          gone += 1;
        }
      }
      if (parts.length === 0 && index + 1 < rows.length) {
        this.#sql("DELETE FROM depset WHERE first = ?").run(first);
      } else if (heads.some((head, at) => head !== page.heads[at])) {
        this.#sql("UPDATE depset SET heads = ?, data = ? WHERE first = ?").run(
          bytesOf(heads),
          Buffer.concat(parts),
          first,
        );
      }
    }
    return gone;
  }

  /** Writes what the transaction under way added. */
  save(): void {
    const draft = this.#draft;
    if (draft !== undefined && draft.fresh.length > 0) {
      const last = this.#sql("SELECT first, heads, data FROM depset ORDER BY first DESC LIMIT 1").get() as
        | Row
        | undefined;
      let first = draft.last + 1;
      let heads: number[] = [];
      let parts: Uint8Array[] = [];
      let size = 0;
      if (last !== undefined) {
        const known = headsOf(last["heads"]);
        const data = last["data"] as Uint8Array;
        if (data.length < PAGE_BYTES && known.length < PAGE_SETS * 2) {
          first = Number(last["first"]);
          heads = [...known];
          parts = [data];
          size = data.length;
        }
      }
      const write = (): void => {
        this.#sql("INSERT OR REPLACE INTO depset VALUES (?, ?, ?)").run(
          first,
          bytesOf(Uint32Array.from(heads)),
          Buffer.concat(parts, size),
        );
      };
      for (const { hash, packed } of draft.fresh) {
        if (size >= PAGE_BYTES || heads.length >= PAGE_SETS * 2) {
          write();
          first += heads.length / 2;
          heads = [];
          parts = [];
          size = 0;
        }
        heads.push(hash, packed.length);
        parts.push(packed);
        size += packed.length;
      }
      write();
    }
    this.forget();
  }

  /** Forgets what the transaction under way read and added. */
  forget(): void {
    this.#draft = undefined;
  }

  #drafted(): Draft {
    if (this.#draft === undefined) {
      let last = 0;
      const pages = (this.#sql("SELECT first, heads FROM depset ORDER BY first").all() as Row[]).map((row) => ({
        first: Number(row["first"]),
        heads: headsOf(row["heads"]),
      }));
      const known = new HashTable(pages.length * PAGE_SETS * 2);
      for (const { first, heads } of pages) {
        for (let index = 0; index * 2 < heads.length; index++) {
          if (heads[index * 2 + 1] !== GONE) {
            known.add(heads[index * 2] as number, first + index);
          }
        }
        last = first + heads.length / 2 - 1;
      }
      this.#draft = { known, fresh: [], last, read: undefined };
    }
    return this.#draft;
  }

  #packed(id: number): Uint8Array | undefined {
    const draft = this.#draft;
    if (draft !== undefined && id > draft.last) {
      return draft.fresh[id - draft.last - 1]?.packed;
    }
    // In a transaction that writes, many are asked for, one beside the other.
    let page = draft?.read;
    if (page === undefined || id < page.first || id >= page.first + page.starts.length - 1) {
      const text = "SELECT first, heads, data FROM depset WHERE first <= ? ORDER BY first DESC LIMIT 1";
      const row = this.#sql(text).get(id) as Row | undefined;
      page = row === undefined ? undefined : pageOfRow(row);
    }
    if (draft !== undefined) {
      draft.read = page;
    }
    return page === undefined ? undefined : new PackedDepsets([page]).packed(id);
  }

  #freshPage({ last, fresh }: Draft): Page {
    const heads = Uint32Array.from(fresh.flatMap(({ hash, packed }) => [hash, packed.length]));
    return pageOf(last + 1, heads, new Uint8Array(Buffer.concat(fresh.map(({ packed }) => packed))));
  }
}
