/**
 * Reads the database of pytest-testmon 1.4 to 2.2: how long tests took, and which failed last.
 *
 * Nothing else of it is taken. What testmon knows of a test are the Python files that it executed lines of. That says
 * nothing of data files, variables, conftests that only defined a fixture, modules imported earlier in the process,
 * installed packages as each test uses them, or pytest's configuration; so even where all of those Python files are
 * what they were, the test may end otherwise. No fact can be made of it.
 */

import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf, WinnowError } from "../model/error.ts";

export interface TestmonTest {
  /** The node id. */
  readonly id: string;
  readonly durationUs: number;
  /** In any of its environments. */
  readonly failed: boolean;
}

const SQLITE = "SQLite format 3\0";

/** Whether bytes begin as a database does. */
export function isDatabase(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, SQLITE.length)).toString("latin1") === SQLITE;
}

/** Tests by table: 1.4 called them nodes. */
const QUERIES: Readonly<Record<string, string>> = {
  test_execution: "SELECT test_name AS id, duration, failed FROM test_execution ORDER BY id",
  node: "SELECT name AS id, duration, failed FROM node ORDER BY id",
};

/** The tests in a database of testmon's. The file and its directory stay as they are. @throws WinnowError `testmon-unreadable`. */
export function readTestmon(file: string): TestmonTest[] {
  const place = mkdtempSync(join(tmpdir(), "winnow-testmon-"));
  let database: DatabaseSync | undefined;
  try {
    // To open it where it is would leave files beside it, or fold into it what a killed process had not.
    const copy = join(place, "testmondata");
    copyFileSync(file, copy);
    if (existsSync(`${file}-wal`)) {
      copyFileSync(`${file}-wal`, `${copy}-wal`);
    }
    database = new DatabaseSync(copy);
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    const table = Object.keys(QUERIES).find((each) => names.some(({ name }) => name === each));
    if (table === undefined) {
      throw new WinnowError(
        "testmon-unreadable",
        `${file} is no database of pytest-testmon's`,
        "Versions 1.4 to 2.2 are read. A store of Winnow's is named by its project's directory: `winnow merge`.",
      );
    }
    const tests = new Map<string, TestmonTest>();
    for (const row of database.prepare(QUERIES[table] as string).all() as Record<string, unknown>[]) {
      const id = String(row["id"]);
      const durationUs = Math.round(Number(row["duration"] ?? 0) * 1e6);
      tests.set(id, { id, durationUs, failed: Number(row["failed"] ?? 0) !== 0 || tests.get(id)?.failed === true });
    }
    return [...tests.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  } catch (error) {
    if (error instanceof WinnowError) {
      throw error;
    }
    throw new WinnowError("testmon-unreadable", `${file} cannot be read (${messageOf(error)})`, "Is it whole?");
  } finally {
    database?.close();
    rmSync(place, { recursive: true, force: true });
  }
}
