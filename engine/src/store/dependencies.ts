/**
 * Interned dependencies: (key, value) pairs with numbers. All of one path make one row: a row per pair would cost more to
 * write than all else that recording does.
 */

import { type Dependency, KEY_KINDS, type Key, keyKindOf } from "../model/key.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { packIds, unpackIds } from "./id-set.ts";
import type { Row, Sql } from "./sql.ts";

export interface StoredDependency extends Dependency {
  readonly id: number;
  /** Whether its value is that of the baseline. */
  readonly holds: boolean;
}

/** Id, number of the kind, name, value. */
export type DependencyRow = readonly [id: number, kind: number, name: string, value: string];

/** The dependencies of a path as bytes. */
export function packDependencies(rows: readonly DependencyRow[]): Uint8Array {
  const writer = new ByteWriter();
  let before = 0;
  for (const [id, kind, name, value] of rows) {
    writer.signed(id - before);
    writer.number(kind);
    writer.text(name);
    writer.text(value);
    before = id;
  }
  return writer.finish();
}

/** The inverse of {@link packDependencies}. @throws SyntaxError */
export function unpackDependencies(bytes: unknown): DependencyRow[] {
  const reader = new ByteReader(bytes);
  const rows: DependencyRow[] = [];
  let id = 0;
  while (!reader.isAtEnd) {
    id += reader.signed();
    rows.push([id, reader.number(), reader.text(), reader.text()]);
  }
  return rows;
}

interface Page {
  readonly rows: DependencyRow[];
  index?: Map<string, number>;
  changed: boolean;
}

interface Draft {
  readonly pages: Map<string, Page>;
  readonly isFalse: Set<number>;
  readonly runs: [first: number, path: string][];
  lastId: number;
  lastPath: string | undefined;
}

export class Dependencies {
  readonly #sql: Sql;
  /** Dependencies as the transaction under way is going to leave them. */
  #draft: Draft | undefined;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Dependencies by their numbers; numbers that mean nothing are left out. */
  byIds(ids: readonly number[]): StoredDependency[] {
    const pages = new Map<string, Map<number, StoredDependency>>();
    const run = this.#sql("SELECT path FROM dependency_run WHERE first <= ? ORDER BY first DESC LIMIT 1");
    const isFalse = this.falseIds();
    const firstBegun = this.#draft?.runs[0]?.[0] ?? Number.POSITIVE_INFINITY;
    return ids.flatMap((id) => {
      // Runs of ids that the transaction under way began are not in the table yet, and come after all that are.
      const begun = id >= firstBegun ? this.#draft?.runs.findLast(([first]) => first <= id)?.[1] : undefined;
      const path = begun ?? (run.get(id) as Row | undefined)?.["path"];
      if (typeof path !== "string") {
        return [];
      }
      let page = pages.get(path);
      if (page === undefined) {
        page = new Map(this.#onPath(path, isFalse).map((dependency) => [dependency.id, dependency]));
        pages.set(path, page);
      }
      return page.get(id) ?? [];
    });
  }

  /** All dependencies on keys of a path. */
  ofPath(path: string): StoredDependency[] {
    return this.#onPath(path, this.falseIds());
  }

  #onPath(path: string, isFalse: ReadonlySet<number>): StoredDependency[] {
    return this.#page(path).rows.map(([id, kind, name, value]) => ({
      id,
      kind: kindOf(kind),
      path,
      name,
      value,
      holds: !isFalse.has(id),
    }));
  }

  /** Every path that a dependency is on. */
  paths(): string[] {
    const rows = this.#sql("SELECT path FROM dependency ORDER BY path").all() as Row[];
    const stored = rows.map((row) => String(row["path"]));
    return this.#draft === undefined ? stored : [...new Set([...stored, ...this.#draft.pages.keys()])];
  }

  /** The ids that are false on the baseline. */
  falseIds(): ReadonlySet<number> {
    return this.#draft?.isFalse ?? this.#storedFalse();
  }

  /** The highest id, with those of the transaction under way. */
  lastId(): number {
    return this.#draft?.lastId ?? this.#storedLast();
  }

  /** The id of a dependency; `holds` is stored if it is new, and right for a known one already. Only between {@link begin} and {@link save}. */
  intern({ kind, path, name, value }: Dependency, holds: boolean): number {
    const draft = this.#drafted();
    const page = this.#page(path);
    page.index ??= new Map(page.rows.map(([id, ...rest]) => [rest.join("\n"), id]));
    const key = `${KEY_KINDS[kind]}\n${name}\n${value}`;
    let id = page.index.get(key);
    if (id === undefined) {
      draft.lastId += 1;
      id = draft.lastId;
      page.index.set(key, id);
      page.rows.push([id, KEY_KINDS[kind], name, value]);
      page.changed = true;
      if (draft.lastPath !== path) {
        draft.runs.push([id, path]);
        draft.lastPath = path;
      }
      if (!holds) {
        draft.isFalse.add(id);
      }
    }
    return id;
  }

  /** Says whether a dependency holds on the baseline. Only between {@link begin} and {@link save}. */
  setHolds(id: number, holds: boolean): void {
    const { isFalse } = this.#drafted();
    if (holds) {
      isFalse.delete(id);
    } else {
      isFalse.add(id);
    }
  }

  /** Begins what a transaction is going to write. */
  begin(): void {
    this.#draft = {
      pages: new Map(),
      isFalse: this.#storedFalse(),
      runs: [],
      lastId: this.#storedLast(),
      lastPath: undefined,
    };
  }

  /** Writes what the transaction under way changed. */
  save(): void {
    const { pages, isFalse, runs, lastId } = this.#drafted();
    for (const [path, { rows, changed }] of pages) {
      if (changed) {
        this.#sql("INSERT OR REPLACE INTO dependency VALUES (?, ?)").run(path, packDependencies(rows));
      }
    }
    for (const [first, path] of runs) {
      this.#sql("INSERT INTO dependency_run VALUES (?, ?)").run(first, path);
    }
    const meta = this.#sql("INSERT OR REPLACE INTO meta VALUES (?, ?)");
    meta.run("false", packIds([...isFalse].sort((a, b) => a - b)));
    meta.run("lastDependency", String(lastId));
    this.forget();
  }

  /** Forgets what the transaction under way changed. */
  forget(): void {
    this.#draft = undefined;
  }

  #drafted(): Draft {
    if (this.#draft === undefined) {
      throw new Error("dependencies are written within `write` only");
    }
    return this.#draft;
  }

  #storedFalse(): Set<number> {
    const row = this.#sql("SELECT value FROM meta WHERE name = 'false'").get() as Row | undefined;
    return new Set(row === undefined ? [] : unpackIds(row["value"] as Uint8Array));
  }

  #storedLast(): number {
    const row = this.#sql("SELECT value FROM meta WHERE name = 'lastDependency'").get() as Row | undefined;
    return Number(row?.["value"] ?? 0);
  }

  #page(path: string): Page {
    let page = this.#draft?.pages.get(path);
    if (page === undefined) {
      const row = this.#sql("SELECT data FROM dependency WHERE path = ?").get(path) as Row | undefined;
      page = { rows: row === undefined ? [] : unpackDependencies(row["data"]), changed: false };
      this.#draft?.pages.set(path, page);
    }
    return page;
  }
}

function kindOf(number: number): Key["kind"] {
  const kind = keyKindOf(number);
  if (kind === undefined) {
    throw new Error(`the store has a dependency of an unknown kind (${number})`);
  }
  return kind;
}
