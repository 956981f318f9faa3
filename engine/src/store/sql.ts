/** What the parts of the store share: their statements, each prepared once. */

import type { DatabaseSync, StatementSync } from "node:sqlite";

/** A row by the names of its columns. */
export type Row = Record<string, unknown>;

/** Gives the prepared statement of a text. */
export type Sql = (text: string) => StatementSync;

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
