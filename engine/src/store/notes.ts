/**
 * What of the store each invocation needs: it is opened, and tells what was noted and what is watched. All that it takes
 * to decide and to record is in `store.ts`, which an invocation that finds nothing changed does not load.
 *
 * - Readers see a finished state (WAL); writers take the write lock before they read what they are going to change.
 * - A store of a newer format, or one that is no store, is never written: opening it throws, the caller decides.
 */

import { renameSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { packWatch, unpackWatch, type WatchEntry } from "../files/watch.ts";
import { messageOf, WinnowError } from "../model/error.ts";
import { type Row, type Sql, statementsOf } from "./sql.ts";

/**
 * History of the format:
 * 1: the first.
 * 2: outlines.
 * 3: remarks of facts and collections.
 * 4: environment variables and single packages are dependencies, and there is a salt. Facts that know of none prove
 *    nothing: a store of an older format is made anew.
 * 5: sources, from which outlines are made when they are needed.
 * 6: modules that a library got hold of. Facts that do not tell prove nothing, as before.
 * 7: dependencies, depsets, tests and facts are packed, many in one row.
 */
export const STORE_FORMAT = 7;

const SCHEMA = `
-- One value per name: "generation" counts the writes, "watch" is the packed watch table, "false" the packed ids of the
-- dependencies whose value is not that of the baseline, "lastDependency", "lastFact" and "lastTest" the highest numbers
-- that were ever given, "misses" the tests of which a proof was wrong (JSON, by test id), "account" the daily account (JSON, by day), "salt" is in the digests of
-- environment variables, so that nobody can look up what they stand for, "state:NAME" is a saved state of the project.
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- What splits facts into disjoint worlds.
CREATE TABLE environment (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, description TEXT NOT NULL);
-- Interned (key, value) pairs, all of one path in one row (packDependencies).
CREATE TABLE dependency (path TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
-- Which path an id belongs to: that of the run of ids that begins at or before it.
CREATE TABLE dependency_run (first INTEGER PRIMARY KEY, path TEXT NOT NULL);
-- Interned sets of dependency ids (packIds), those from the number "first" on in one row: for each its hash and its
-- length (u32le, all ones where it is gone), and all their bytes.
CREATE TABLE depset (first INTEGER PRIMARY KEY, heads BLOB NOT NULL, data BLOB NOT NULL);
-- The tests of a file: JSON [id, node id, …]; "::" begins what follows the path, "=" a whole node id. Those are relative
-- to pytest's rootdir, so two files of the project can yield the same one.
CREATE TABLE test (path TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
-- The facts of 64 tests in an environment (packFacts): outcome, whether it is green, when it was last recorded, duration,
-- run, remark, and depsets in the order session, collection of the file, the test's own, then fixtures and the rest.
CREATE TABLE fact (environment INTEGER NOT NULL, page INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (environment, page));
-- What collecting one file yielded: tests = JSON list of test ids in order.
CREATE TABLE collection (id INTEGER PRIMARY KEY, environment INTEGER NOT NULL, path TEXT NOT NULL, outcome TEXT NOT NULL,
  green INTEGER NOT NULL, at INTEGER NOT NULL, run TEXT NOT NULL, tests TEXT NOT NULL, depsets BLOB NOT NULL,
  remark INTEGER NOT NULL DEFAULT 0);
CREATE INDEX collection_path ON collection (environment, path);
-- Which of a collection's tests survive a selection of the user's (-k, -m…): JSON list of test ids, null = all. For a
-- collection with the outcome "absent" (the file is no test file), a row says for which request that was found.
CREATE TABLE survivors (collection INTEGER NOT NULL, selection TEXT NOT NULL, tests TEXT, PRIMARY KEY (collection, selection))
  WITHOUT ROWID;
-- Requests that were collected to the end: roots = JSON list of paths that pytest was asked for.
CREATE TABLE scope (environment INTEGER NOT NULL, selection TEXT NOT NULL, request TEXT NOT NULL, roots TEXT NOT NULL,
  settings TEXT NOT NULL, PRIMARY KEY (environment, selection, request)) WITHOUT ROWID;
-- Names seen in the directories that pytest walked, to the end of a collection, under a selection of the user's.
CREATE TABLE walk (environment INTEGER NOT NULL, selection TEXT NOT NULL, path TEXT NOT NULL, names TEXT NOT NULL,
  PRIMARY KEY (environment, selection, path)) WITHOUT ROWID;
-- The last known teardown of a fixture, for runs that die before it.
CREATE TABLE teardown (environment INTEGER NOT NULL, fixture TEXT NOT NULL, depset INTEGER NOT NULL,
  PRIMARY KEY (environment, fixture)) WITHOUT ROWID;
-- Fingerprints by content hash; compiled = JSON list of Python versions that this content was seen to compile on.
CREATE TABLE fingerprint (hash TEXT NOT NULL UNIQUE, data TEXT NOT NULL, compiled TEXT NOT NULL);
-- Sources (raw deflate) by content hash, and by the checksum of the module level; and the outline, once somebody needed it.
CREATE TABLE source (hash TEXT NOT NULL UNIQUE, toplevel TEXT NOT NULL, data BLOB NOT NULL, outline TEXT);
CREATE INDEX source_toplevel ON source (toplevel);
-- What is known of interpreters, by their identity on this machine.
CREATE TABLE interpreter (identity TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE run (id TEXT PRIMARY KEY, at INTEGER NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;
-- What is to be known of facts and collections besides their depsets, JSON; 0 in their column stands for nothing.
CREATE TABLE remark (id INTEGER PRIMARY KEY, data TEXT NOT NULL UNIQUE);
`;

/** How long to wait for somebody else's transaction. */
export const TIMEOUT_MS = 60_000;
const MAKE_WRITABLE = "Make the directory writable, or free some space on the disk.";

/**
 * Opens the database of the store, making it if there is none.
 *
 * @throws WinnowError `store-newer` (left alone), `store-unreadable` (the broken file has been set aside under another
 * name if it could be), `store-unwritable`.
 */
export function openDatabase(file: string): DatabaseSync {
  const before = statSync(file, { throwIfNoEntry: false });
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: TIMEOUT_MS });
    // First of all, because everything else may write: even the change to WAL does.
    const format = formatOf(database);
    if (format > STORE_FORMAT) {
      database.close();
      throw newer(file, format);
    }
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 268435456;");
    if (format < STORE_FORMAT) {
      database.exec("BEGIN IMMEDIATE");
      // Another process may have made it between the look and the lock.
      const present = formatOf(database);
      if (present < STORE_FORMAT) {
        if (present > 0) {
          dropAll(database);
        }
        const salt = "INSERT INTO meta VALUES ('salt', hex(randomblob(16)))";
        database.exec(
          `${SCHEMA} PRAGMA user_version = ${STORE_FORMAT}; INSERT INTO meta VALUES ('generation', 0); ${salt};`,
        );
      }
      database.exec("COMMIT");
    }
    return database;
  } catch (error) {
    if (error instanceof WinnowError) {
      throw error;
    }
    try {
      database?.close();
    } catch {
      // A store that cannot be closed is given up all the same.
    }
    const message = messageOf(error);
    if (before !== undefined && (before.isDirectory() || isDamage(error))) {
      throw unreadable(file, error);
    }
    throw new WinnowError("store-unwritable", `the store ${file} cannot be opened (${message})`, MAKE_WRITABLE);
  }
}

function formatOf(database: DatabaseSync): number {
  return Number((database.prepare("PRAGMA user_version").get() as Row)["user_version"]);
}

function newer(file: string, format: number): WinnowError {
  return new WinnowError(
    "store-newer",
    `the store ${file} was written by a newer version (format ${format}, this one knows ${STORE_FORMAT})`,
    "The file is kept as it is; upgrade winnow to use it.",
  );
}

/** Empties a store of an older format. */
function dropAll(database: DatabaseSync): void {
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as Row[];
  for (const { name } of tables) {
    database.exec(`DROP TABLE "${String(name)}"`);
  }
}

/** Whether an error says that what is in the store is not what was once written, so that trying again would not help. */
export function isDamage(error: unknown): boolean {
  // Texts in the store are JSON: what cannot be parsed was damaged within a page, which SQLite does not notice.
  return (
    error instanceof SyntaxError ||
    /not a database|malformed|corrupt|no such (table|column)|already exists/i.test(messageOf(error))
  );
}

/** Sets a broken store aside; the error says so. One that a newer version has made anew meanwhile is none. */
export function unreadable(file: string, error: unknown): WinnowError {
  const format = formatNow(file);
  if (format > STORE_FORMAT) {
    return newer(file, format);
  }
  return new WinnowError("store-unreadable", `the store ${file} cannot be read (${messageOf(error)})`, setAside(file));
}

/** The format of a store; 0 where that cannot be told. */
function formatNow(file: string): number {
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      return formatOf(database);
    } finally {
      database.close();
    }
  } catch {
    return 0;
  }
}

/** What to tell of an error while a store is written: a full disk and a broken store are no errors of Winnow's. */
export function writingError(file: string, error: unknown): unknown {
  if (isDamage(error)) {
    return unreadable(file, error);
  }
  const message = messageOf(error);
  return /disk is full|disk I\/O|readonly|unable to open|locked/i.test(message)
    ? new WinnowError("store-unwritable", `the store ${file} cannot be written (${message})`, MAKE_WRITABLE)
    : error;
}

/** Renames a broken store so that nothing is lost, and says so. */
function setAside(file: string): string {
  let aside = `${file}.broken-${Date.now()}`;
  while (statSync(aside, { throwIfNoEntry: false }) !== undefined) {
    aside += "-";
  }
  try {
    for (const suffix of ["", "-wal", "-shm"]) {
      if (statSync(file + suffix, { throwIfNoEntry: false }) !== undefined) {
        renameSync(file + suffix, aside + suffix);
      }
    }
    return `It has been set aside as ${aside}; the next run records anew.`;
  } catch {
    return `Move it away, so that the next run can record anew.`;
  }
}

/** Opens the store for those who need no more of it than this. @throws WinnowError as {@link openDatabase} does. */
export function openNotes(file: string): Notes {
  return new Notes(openDatabase(file));
}

export class Notes {
  readonly database: DatabaseSync;
  protected readonly sql: Sql;

  constructor(database: DatabaseSync) {
    this.database = database;
    this.sql = statementsOf(database);
  }

  close(): void {
    this.database.close();
  }

  /**
   * Runs `work` with the write lock held from the start; all of it is kept, or nothing.
   *
   * @throws WinnowError `store-newer`, where a newer version has made the store anew since it was opened.
   */
  write<T>(work: () => T): T {
    this.database.exec("BEGIN IMMEDIATE");
    let isKept = false;
    try {
      this.checkFormat();
      this.begin();
      const result = work();
      this.save();
      this.sql("UPDATE meta SET value = value + 1 WHERE name = 'generation'").run();
      this.database.exec("COMMIT");
      isKept = true;
      return result;
    } catch (error) {
      try {
        this.database.exec("ROLLBACK");
      } catch {
        // SQLite has done it already, as it does where the disk is full.
      }
      throw error;
    } finally {
      this.end(isKept);
    }
  }

  /** A newer version may be installed, and used, while tests run. */
  protected checkFormat(): void {
    const format = formatOf(this.database);
    if (format > STORE_FORMAT) {
      throw newer(this.database.location() ?? "", format);
    }
  }

  /** Called when the write lock is held. */
  protected begin(): void {}

  /** Called before what was written is kept. */
  protected save(): void {}

  /** Called after a transaction that wrote; `isKept`: whether anything of it is there. */
  protected end(_isKept: boolean): void {}

  /** Runs `work` on one consistent state. */
  read<T>(work: () => T): T {
    this.database.exec("BEGIN");
    try {
      return work();
    } finally {
      this.database.exec("COMMIT");
    }
  }

  generation(): number {
    return Number((this.sql("SELECT value FROM meta WHERE name = 'generation'").get() as Row)["value"]);
  }

  /** A value by name, as text; undefined if there is none. */
  note(name: string): string | undefined {
    const row = this.sql("SELECT value FROM meta WHERE name = ?").get(name) as Row | undefined;
    return row === undefined ? undefined : String(row["value"]);
  }

  setNote(name: string, value: string): void {
    this.sql("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(name, value);
  }

  watch(): WatchEntry[] {
    const row = this.sql("SELECT value FROM meta WHERE name = 'watch'").get() as Row | undefined;
    return row === undefined ? [] : unpackWatch(row["value"] as Uint8Array);
  }

  setWatch(entries: readonly WatchEntry[]): void {
    this.sql("INSERT OR REPLACE INTO meta VALUES ('watch', ?)").run(packWatch(entries));
  }

  environment(digest: string): number | undefined {
    const row = this.sql("SELECT id FROM environment WHERE digest = ?").get(digest) as Row | undefined;
    return row === undefined ? undefined : Number(row["id"]);
  }

  /** The same by its description, which needs no digest. */
  environmentOf(description: string): number | undefined {
    const row = this.sql("SELECT id FROM environment WHERE description = ?").get(description) as Row | undefined;
    return row === undefined ? undefined : Number(row["id"]);
  }

  interpreter(identity: string): string | undefined {
    const row = this.sql("SELECT data FROM interpreter WHERE identity = ?").get(identity) as Row | undefined;
    return row === undefined ? undefined : String(row["data"]);
  }

  setInterpreter(identity: string, data: string): void {
    this.sql("INSERT OR REPLACE INTO interpreter VALUES (?, ?)").run(identity, data);
  }
}
