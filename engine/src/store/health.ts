/** How a store is, seen from outside: nothing is written, made anew or set aside. */

import { readdirSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { messageOf } from "../model/error.ts";
import { unpackDependencies } from "./dependencies.ts";
import { Depsets } from "./depsets.ts";
import { Facts } from "./facts.ts";
import type { Layout } from "./layout.ts";
import { isDamage, STORE_FORMAT } from "./notes.ts";
import { type Row, statementsOf } from "./sql.ts";
import { Tests } from "./tests.ts";

export type StoreHealth =
  | { readonly kind: "none" }
  | { readonly kind: "fine"; readonly bytes: number; readonly tests: number; readonly facts: number }
  /** Written by a newer version. */
  | { readonly kind: "newer"; readonly format: number }
  /** Written by an older version: the next run makes it anew. */
  | { readonly kind: "older"; readonly format: number }
  | { readonly kind: "damaged"; readonly because: string }
  | { readonly kind: "closed"; readonly because: string };

/** Columns that hold JSON. What is damaged within a page is not noticed by SQLite. */
const JSON_COLUMNS = [
  ["test", "data"],
  ["remark", "data"],
  ["collection", "tests"],
  ["run", "data"],
  ["fingerprint", "compiled"],
] as const;

/** Examines the store of a project. */
export function storeHealth(file: string): StoreHealth {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) {
    return { kind: "none" };
  }
  if (!stat.isFile()) {
    return { kind: "damaged", because: "it is no file" };
  }
  const isInUse = (): boolean => statSync(`${file}-wal`, { throwIfNoEntry: false }) !== undefined;
  if (isInUse()) {
    return examineAt(file);
  }
  // Any other way to open it leaves files behind; but one that is opened so may be written meanwhile.
  const health = examineAt(new URL(`${pathToFileURL(file)}?immutable=1`));
  return health.kind === "damaged" && isInUse() ? examineAt(file) : health;
}

function examineAt(place: string | URL): StoreHealth {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(place, { readOnly: true, timeout: 5000 });
    return examine(database);
  } catch (error) {
    return { kind: isDamage(error) ? "damaged" : "closed", because: messageOf(error) };
  } finally {
    database?.close();
  }
}

function examine(database: DatabaseSync): StoreHealth {
  const value = (sql: string): unknown => Object.values(database.prepare(sql).get() as Row)[0];
  const format = Number(value("PRAGMA user_version"));
  if (format !== STORE_FORMAT) {
    return { kind: format > STORE_FORMAT ? "newer" : "older", format };
  }
  const said = String(value("PRAGMA integrity_check(1)"));
  if (said !== "ok") {
    return { kind: "damaged", because: said.split("\n", 1)[0] ?? said };
  }
  for (const [table, column] of JSON_COLUMNS) {
    if (Number(value(`SELECT count(*) FROM ${table} WHERE NOT json_valid(${column})`)) > 0) {
      return { kind: "damaged", because: `the table ${table} holds what cannot be read` };
    }
  }
  const sql = statementsOf(database);
  let tests = 0;
  let facts = 0;
  // What is packed tells by itself whether it can be read.
  const packed: Readonly<Record<string, () => void>> = {
    dependency: () => {
      for (const row of sql("SELECT data FROM dependency").iterate() as Iterable<Row>) {
        unpackDependencies(row["data"]);
      }
    },
    depset: () => {
      new Depsets(sql).all();
    },
    test: () => {
      tests = new Tests(sql).count();
    },
    fact: () => {
      facts = new Facts(sql).count();
    },
  };
  for (const [table, read] of Object.entries(packed)) {
    try {
      read();
    } catch (error) {
      if (error instanceof SyntaxError) {
        return { kind: "damaged", because: `the table ${table} holds what cannot be read` };
      }
      throw error;
    }
  }
  return {
    kind: "fine",
    bytes: Number(value("PRAGMA page_count")) * Number(value("PRAGMA page_size")),
    tests,
    facts,
  };
}

/** How many runs left a description behind: they were killed, or are still going on. */
export function waitingRuns(layout: Layout): number {
  try {
    return readdirSync(layout.runs).filter((name) => name.endsWith(".json")).length;
  } catch {
    return 0;
  }
}
