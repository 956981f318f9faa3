/** What the parts of the store share: their statements, each prepared once. */

import type { DatabaseSync, StatementSync } from "node:sqlite";

/** A row by the names of its columns. */
export type Row = Record<string, unknown>;

/** Gives the prepared statement of a text. */
export type Sql = (text: string) => StatementSync;

/** Numbers that are given once and for all: the last one is kept under a name in `meta`. */
export class Counter {
  readonly #sql: Sql;
  readonly #name: string;
  /** The last number that was given, once it is known. */
  #last: number | undefined;

  constructor(sql: Sql, name: string) {
    this.#sql = sql;
    this.#name = name;
  }

  next(): number {
    const row =
      this.#last === undefined ? this.#sql("SELECT value FROM meta WHERE name = ?").get(this.#name) : undefined;
    this.#last = (this.#last ?? Number((row as Row | undefined)?.["value"] ?? 0)) + 1;
    return this.#last;
  }

  /** Writes down the last number, if any was given. */
  save(): void {
    if (this.#last !== undefined) {
      this.#sql("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(this.#name, this.#last);
    }
  }

  /** Forgets what the transaction under way gave. */
  forget(): void {
    this.#last = undefined;
  }
}

/** The statements of a database. */
export function statementsOf(database: DatabaseSync): Sql {
  const statements = new Map<string, StatementSync>();
  return (text) => {
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = database.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
}
