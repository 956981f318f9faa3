/**
 * The tests that facts are of, by file: all of a file make one row. A node id begins with its file as a rule, so that is
 * not written again.
 */

import { Counter, type Row, type Sql } from "./sql.ts";

/** Numbers by node id. */
type File = Map<string, number>;

/** The tests of a file as JSON: `[number, node id, …]`. */
export function packTests(path: string, tests: ReadonlyMap<string, number>): string {
  return JSON.stringify(
    [...tests].flatMap(([node, id]) => [id, node.startsWith(`${path}::`) ? node.slice(path.length) : `=${node}`]),
  );
}

/** The inverse of {@link packTests}. */
export function unpackTests(path: string, data: string): File {
  const tests: File = new Map();
  forEachTest(path, data, (node, id) => tests.set(node, id));
  return tests;
}

function forEachTest(path: string, data: string, visit: (node: string, id: number) => void): void {
  const packed = JSON.parse(data) as (number | string)[];
  for (let at = 0; at + 1 < packed.length; at += 2) {
    const written = String(packed[at + 1]);
    visit(written.startsWith("=") ? written.slice(1) : path + written, Number(packed[at]));
  }
}

export class Tests {
  readonly #sql: Sql;
  /** Files of the transaction under way. */
  readonly #draft = new Map<string, { readonly tests: File; changed: boolean }>();
  readonly #numbers: Counter;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#numbers = new Counter(sql, "lastTest");
  }

  /** The number of a test; a new one if it has none. Only within a transaction that writes. */
  intern(node: string, path: string): number {
    let file = this.#draft.get(path);
    if (file === undefined) {
      file = { tests: this.#read(path), changed: false };
      this.#draft.set(path, file);
    }
    let id = file.tests.get(node);
    if (id === undefined) {
      id = this.#numbers.next();
      file.tests.set(node, id);
      file.changed = true;
    }
    return id;
  }

  /** All tests, in the order of their files. */
  *all(): Generator<{ readonly id: number; readonly node: string; readonly path: string }> {
    const files = new Map<string, File>();
    for (const row of this.#sql("SELECT path, data FROM test ORDER BY path").iterate() as Iterable<Row>) {
      const path = String(row["path"]);
      files.set(path, this.#draft.get(path)?.tests ?? unpackTests(path, String(row["data"])));
    }
    for (const [path, { tests }] of this.#draft) {
      files.set(path, tests);
    }
    for (const [path, tests] of files) {
      for (const [node, id] of tests) {
        yield { id, node, path };
      }
    }
  }

  /** The node ids of all tests, by number. */
  nodes(): Map<number, string> {
    const nodes = new Map<number, string>();
    for (const row of this.#sql("SELECT path, data FROM test ORDER BY path").iterate() as Iterable<Row>) {
      const path = String(row["path"]);
      forEachTest(path, String(row["data"]), (node, id) => nodes.set(id, node));
    }
    for (const { tests } of this.#draft.values()) {
      for (const [node, id] of tests) {
        nodes.set(id, node);
      }
    }
    return nodes;
  }

  /** The numbers of the tests of a file, by node id. */
  ofFile(path: string): ReadonlyMap<string, number> {
    return this.#draft.get(path)?.tests ?? this.#read(path);
  }

  count(): number {
    return [...this.all()].length;
  }

  /** Takes away all tests but those of which `isUsed` says so; returns how many went. */
  prune(isUsed: (id: number) => boolean): number {
    let gone = 0;
    for (const { id, node, path } of [...this.all()]) {
      if (!isUsed(id)) {
        const file = this.#draft.get(path) ?? { tests: this.#read(path), changed: true };
        file.changed = true;
        file.tests.delete(node);
        this.#draft.set(path, file);
        gone += 1;
      }
    }
    return gone;
  }

  /** Writes what the transaction under way changed. */
  save(): void {
    for (const [path, { tests, changed }] of this.#draft) {
      if (changed && tests.size === 0) {
        this.#sql("DELETE FROM test WHERE path = ?").run(path);
      } else if (changed) {
        this.#sql("INSERT OR REPLACE INTO test VALUES (?, ?)").run(path, packTests(path, tests));
      }
    }
    this.#numbers.save();
    this.forget();
  }

  /** Forgets what the transaction under way read and changed. */
  forget(): void {
    this.#draft.clear();
    this.#numbers.forget();
  }

  #read(path: string): File {
    const row = this.#sql("SELECT data FROM test WHERE path = ?").get(path) as Row | undefined;
    return row === undefined ? new Map() : unpackTests(path, String(row["data"]));
  }
}
