/**
 * The store: facts, depsets and dependencies in SQLite. The only place with SQL.
 *
 * - A *dependency* is an interned (key, value) pair with a number; a *depset* an interned set of such numbers; a *fact*
 *   a list of depsets. Ten thousand tests share what they share.
 * - `holds` of a dependency says whether its value is that of the *baseline*: the state of the watch table in the same
 *   store. Both change in one transaction, so they always belong together.
 * - Facts are added and confirmed, never edited; the oldest of a test beyond {@link FACTS_PER_TEST} go.
 * - Readers see a finished state (WAL); writers take the write lock before they read what they are going to change.
 * - A store of a newer format, or one that is no store, is never written: `openStore` throws, the caller decides.
 */

import { renameSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { packWatch, unpackWatch, type WatchEntry } from "../files/watch.ts";
import { messageOf, WinnowError } from "../model/error.ts";
import type { Dependency } from "../model/key.ts";
import type { Remarks } from "../model/remarks.ts";
import { Dependencies, type StoredDependency } from "./dependencies.ts";
import { Depsets, type PackedDepsets } from "./depsets.ts";
import { Facts, type StoredFact } from "./facts.ts";
import { packList, unpackList } from "./id-set.ts";
import { type Row, type Sql, statementsOf } from "./sql.ts";
import { Tests } from "./tests.ts";

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

/** How many facts of one test in one environment are kept. */
export const FACTS_PER_TEST = 8;

const SCHEMA = `
-- One value per name: "generation" counts the writes, "watch" is the packed watch table, "false" the packed ids of the
-- dependencies whose value is not that of the baseline, "lastDependency", "lastFact" and "lastTest" the highest numbers
-- that were ever given, "misses" the tests of which a proof was wrong (JSON, by test id), "account" the daily account (JSON, by day), "salt" is in the digests of
-- environment variables, so that nobody can look up what they stand for.
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

/** `data`: compressed; `outline`: as it was packed. */
export interface StoredSource {
  readonly hash: string;
  readonly data: Uint8Array;
  readonly outline: string | undefined;
}

export type { PackedDepsets, StoredDependency };

export interface Fact {
  readonly id: number;
  readonly test: number;
  readonly outcome: string;
  readonly green: boolean;
  readonly at: number;
  readonly depsets: readonly number[];
  readonly remarks?: Remarks | undefined;
}

export interface Collection {
  readonly id: number;
  readonly path: string;
  readonly outcome: string;
  readonly green: boolean;
  readonly at: number;
  readonly tests: readonly number[];
  readonly depsets: readonly number[];
  readonly remarks?: Remarks | undefined;
}

export interface NewFact {
  readonly test: number;
  readonly outcome: string;
  readonly green: boolean;
  readonly durationUs: number;
  readonly at: number;
  readonly run: string;
  readonly depsets: readonly number[];
  readonly remarks?: Remarks | undefined;
}

export interface Scope {
  readonly roots: readonly string[];
  readonly settings: ScopeSettings;
}

/** What a session reported of itself and a later decision needs without Python. */
export interface ScopeSettings {
  /** A plugin or conftest takes part in choosing what is a test file. */
  readonly customCollection: boolean;
}

/** How long to wait for somebody else's transaction. */
const TIMEOUT_MS = 60_000;
const MAKE_WRITABLE = "Make the directory writable, or free some space on the disk.";

/**
 * Opens the store, making it if there is none.
 *
 * @throws WinnowError `store-newer` (left alone), `store-unreadable` (the broken file has been set aside under another
 * name if it could be), `store-unwritable`.
 */
export function openStore(file: string): Store {
  const before = statSync(file, { throwIfNoEntry: false });
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: TIMEOUT_MS });
    // First of all, because everything else may write: even the change to WAL does.
    const format = Number((database.prepare("PRAGMA user_version").get() as Row)["user_version"]);
    if (format > STORE_FORMAT) {
      database.close();
      throw new WinnowError(
        "store-newer",
        `the store ${file} was written by a newer version (format ${format}, this one knows ${STORE_FORMAT})`,
        "The file is kept as it is; upgrade winnow to use it.",
      );
    }
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 268435456;");
    if (format < STORE_FORMAT) {
      database.exec("BEGIN IMMEDIATE");
      // Another process may have made it between the look and the lock.
      const present = Number((database.prepare("PRAGMA user_version").get() as Row)["user_version"]);
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
    return new Store(database);
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

/** Sets a broken store aside; the error says so. */
export function unreadable(file: string, error: unknown): WinnowError {
  return new WinnowError("store-unreadable", `the store ${file} cannot be read (${messageOf(error)})`, setAside(file));
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

export class Store {
  readonly #database: DatabaseSync;
  readonly #sql: Sql;
  readonly #dependencies: Dependencies;
  readonly #depsets: Depsets;
  readonly #tests: Tests;
  readonly #facts: Facts;
  /** Remarks by their numbers, as far as they were asked for. */
  readonly #remarks = new Map<number, Remarks>();
  /** Their numbers, by what they say, as far as the transaction under way needed them. */
  readonly #remarkIds = new Map<string, number>();
  #isWriting = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#sql = statementsOf(database);
    this.#dependencies = new Dependencies(this.#sql);
    this.#depsets = new Depsets(this.#sql);
    this.#tests = new Tests(this.#sql);
    this.#facts = new Facts(this.#sql);
  }

  close(): void {
    this.#database.close();
  }

  /** Runs `work` with the write lock held from the start; all of it is kept, or nothing. */
  write<T>(work: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      this.#isWriting = true;
      this.#dependencies.begin();
      const result = work();
      for (const part of [this.#dependencies, this.#depsets, this.#tests, this.#facts]) {
        part.save();
      }
      this.#sql("UPDATE meta SET value = value + 1 WHERE name = 'generation'").run();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      for (const part of [this.#dependencies, this.#depsets, this.#tests, this.#facts]) {
        part.forget();
      }
      // Their numbers may be given anew.
      this.#remarks.clear();
      try {
        this.#database.exec("ROLLBACK");
      } catch {
        // SQLite has done it already, as it does where the disk is full.
      }
      throw error;
    } finally {
      this.#isWriting = false;
      this.#remarkIds.clear();
    }
  }

  /**
   * Keeps what is known of contents, whatever their files are now: it changes no decision, so it is no new generation.
   * Not worth waiting for: returns whether it was kept, which it is not where somebody else writes, or nobody may.
   */
  keep(work: () => void): boolean {
    this.#database.exec("PRAGMA busy_timeout = 0");
    try {
      this.#database.exec("BEGIN IMMEDIATE");
    } catch {
      return false;
    } finally {
      this.#database.exec(`PRAGMA busy_timeout = ${TIMEOUT_MS}`);
    }
    try {
      work();
      this.#database.exec("COMMIT");
      return true;
    } catch {
      try {
        this.#database.exec("ROLLBACK");
      } catch {
        // SQLite has done it already, as it does where the disk is full.
      }
      return false;
    }
  }

  /** What is kept until the end of a transaction would never be written outside of one. */
  #checkWriting(): void {
    if (!this.#isWriting) {
      throw new Error("facts and what they refer to are written within `write` only");
    }
  }

  /** Runs `work` on one consistent state. */
  read<T>(work: () => T): T {
    this.#database.exec("BEGIN");
    try {
      return work();
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  // --- meta -----------------------------------------------------------------------------------------------------

  generation(): number {
    return Number((this.#sql("SELECT value FROM meta WHERE name = 'generation'").get() as Row)["value"]);
  }

  /** A value by name, as text; undefined if there is none. */
  note(name: string): string | undefined {
    const row = this.#sql("SELECT value FROM meta WHERE name = ?").get(name) as Row | undefined;
    return row === undefined ? undefined : String(row["value"]);
  }

  setNote(name: string, value: string): void {
    this.#sql("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(name, value);
  }

  watch(): WatchEntry[] {
    const row = this.#sql("SELECT value FROM meta WHERE name = 'watch'").get() as Row | undefined;
    return row === undefined ? [] : unpackWatch(row["value"] as Uint8Array);
  }

  setWatch(entries: readonly WatchEntry[]): void {
    this.#sql("INSERT OR REPLACE INTO meta VALUES ('watch', ?)").run(packWatch(entries));
  }

  // --- environments, interpreters, fingerprints -------------------------------------------------------------------

  environment(digest: string): number | undefined {
    const row = this.#sql("SELECT id FROM environment WHERE digest = ?").get(digest) as Row | undefined;
    return row === undefined ? undefined : Number(row["id"]);
  }

  internEnvironment(digest: string, description: string): number {
    this.#sql("INSERT OR IGNORE INTO environment (digest, description) VALUES (?, ?)").run(digest, description);
    return this.environment(digest) as number;
  }

  interpreter(identity: string): string | undefined {
    const row = this.#sql("SELECT data FROM interpreter WHERE identity = ?").get(identity) as Row | undefined;
    return row === undefined ? undefined : String(row["data"]);
  }

  setInterpreter(identity: string, data: string): void {
    this.#sql("INSERT OR REPLACE INTO interpreter VALUES (?, ?)").run(identity, data);
  }

  fingerprint(hash: string): { data: string; compiled: readonly string[] } | undefined {
    const row = this.#sql("SELECT data, compiled FROM fingerprint WHERE hash = ?").get(hash) as Row | undefined;
    return row === undefined
      ? undefined
      : { data: String(row["data"]), compiled: JSON.parse(String(row["compiled"])) as string[] };
  }

  setFingerprint(hash: string, data: string, compiled: readonly string[]): void {
    this.#sql("INSERT OR REPLACE INTO fingerprint VALUES (?, ?, ?)").run(hash, data, JSON.stringify(compiled));
  }

  /** The outline of a content, if it was needed before. */
  outline(hash: string): string | undefined {
    const row = this.#sql("SELECT outline FROM source WHERE hash = ?").get(hash) as Row | undefined;
    return row === undefined || row["outline"] === null ? undefined : String(row["outline"]);
  }

  /** Any content with this module level: they are alike in all but bodies. Of those whose outline is known, if any is. */
  sourceOfToplevel(checksum: string): StoredSource | undefined {
    const text = "SELECT hash, data, outline FROM source WHERE toplevel = ? ORDER BY outline IS NULL LIMIT 1";
    const row = this.#sql(text).get(checksum) as Row | undefined;
    return row === undefined
      ? undefined
      : {
          hash: String(row["hash"]),
          data: row["data"] as Uint8Array,
          outline: row["outline"] === null ? undefined : String(row["outline"]),
        };
  }

  setSource(hash: string, toplevel: string, data: Uint8Array): void {
    this.#sql("INSERT OR IGNORE INTO source VALUES (?, ?, ?, NULL)").run(hash, toplevel, data);
  }

  /** Keeps the outline of a content whose source is there. */
  setOutline(hash: string, outline: string): void {
    this.#sql("UPDATE source SET outline = ? WHERE hash = ?").run(outline, hash);
  }

  // --- dependencies and depsets -----------------------------------------------------------------------------------

  /** A dependency by its number. */
  dependency(id: number): StoredDependency | undefined {
    return this.dependencies([id])[0];
  }

  /** Dependencies by their numbers; numbers that mean nothing are left out. */
  dependencies(ids: readonly number[]): StoredDependency[] {
    return this.#dependencies.byIds(ids);
  }

  /** All dependencies on keys of a path, with whether they hold on the baseline. */
  dependenciesOfPath(path: string): StoredDependency[] {
    return this.#dependencies.ofPath(path);
  }

  /** Every path that a dependency is on. */
  dependencyPaths(): string[] {
    return this.#dependencies.paths();
  }

  /** All dependencies of a kind whose keys have no path. */
  dependenciesOfKind(kind: "resolve" | "packages" | "package" | "env"): StoredDependency[] {
    return this.dependenciesOfPath("").filter((dependency) => dependency.kind === kind);
  }

  /** The ids that are false on the baseline. */
  falseIds(): number[] {
    return [...this.#dependencies.falseIds()].sort((a, b) => a - b);
  }

  /** The highest id, with those of the transaction under way. */
  lastDependencyId(): number {
    return this.#dependencies.lastId();
  }

  /** The id of a dependency; `holds` is stored if it is new, and right for a known one already. Only within `write`. */
  internDependency(dependency: Dependency, holds: boolean): number {
    return this.#dependencies.intern(dependency, holds);
  }

  /** Says whether a dependency holds on the baseline. Only within `write`. */
  setHolds(id: number, holds: boolean): void {
    this.#dependencies.setHolds(id, holds);
  }

  /** The id of the set with these members (ascending, without duplicates). Only within `write`. */
  internDepset(members: readonly number[]): number {
    this.#checkWriting();
    return this.#depsets.intern(members);
  }

  /** The members of a depset; of one that is not there, none. */
  depset(id: number): number[] {
    return this.#depsets.members(id);
  }

  /** All depsets, for whoever looks at many. */
  depsets(): PackedDepsets {
    return this.#depsets.all();
  }

  // --- remarks ------------------------------------------------------------------------------------------------------

  #internRemarks(remarks: Remarks | undefined): number {
    if (remarks === undefined) {
      return 0;
    }
    const data = JSON.stringify(remarks);
    let id = this.#remarkIds.get(data);
    if (id === undefined) {
      this.#sql("INSERT OR IGNORE INTO remark (data) VALUES (?)").run(data);
      id = Number((this.#sql("SELECT id FROM remark WHERE data = ?").get(data) as Row)["id"]);
      this.#remarkIds.set(data, id);
    }
    return id;
  }

  #remarksOf(id: number): Remarks | undefined {
    if (id === 0) {
      return undefined;
    }
    let remarks = this.#remarks.get(id);
    if (remarks === undefined) {
      const row = this.#sql("SELECT data FROM remark WHERE id = ?").get(id) as Row | undefined;
      if (row === undefined) {
        throw new SyntaxError(`the store has no remark ${id}`);
      }
      remarks = JSON.parse(String(row["data"])) as Remarks;
      this.#remarks.set(id, remarks);
    }
    return remarks;
  }

  // --- tests, facts, collections ------------------------------------------------------------------------------------

  /** The id of a test. Only within `write`. */
  internTest(node: string, path: string): number {
    this.#checkWriting();
    return this.#tests.intern(node, path);
  }

  /** All tests: id → node id. */
  testNodes(): Map<number, string> {
    const nodes = new Map<number, string>();
    for (const { id, node } of this.#tests.all()) {
      nodes.set(id, node);
    }
    return nodes;
  }

  /** The files of all tests: id → path. */
  testPaths(): Map<number, string> {
    const paths = new Map<number, string>();
    for (const { id, path } of this.#tests.all()) {
      paths.set(id, path);
    }
    return paths;
  }

  /** The facts of an environment by test, the newest first. */
  facts(environment: number): Map<number, Fact[]> {
    const facts = new Map<number, Fact[]>();
    for (const [test, stored] of this.#facts.ofEnvironment(environment)) {
      facts.set(
        test,
        stored.map((each) => this.#toFact(each)),
      );
    }
    return facts;
  }

  /** What the newest fact of each test says, file by file. */
  *lastOutcomes(environment: number): Generator<{
    readonly path: string;
    readonly node: string;
    readonly outcome: string;
    readonly durationUs: number;
  }> {
    const newest = new Map<number, StoredFact | undefined>();
    for (const [test, [first]] of this.#facts.ofEnvironment(environment)) {
      newest.set(test, first);
    }
    for (const { id, node, path } of this.#tests.all()) {
      const fact = newest.get(id);
      if (fact !== undefined) {
        yield { path, node, outcome: fact.outcome, durationUs: fact.durationUs };
      }
    }
  }

  #toFact({ id, test, outcome, green, at, depsets, remark }: StoredFact): Fact {
    return { id, test, outcome, green, at, depsets, remarks: this.#remarksOf(remark) };
  }

  factsOfTest(environment: number, test: number): Fact[] {
    return this.#facts.ofTest(environment, test).map((each) => this.#toFact(each));
  }

  /**
   * Adds a fact; one that says the same as a stored one confirms that. Of what was recorded elsewhere `limit` may keep
   * more. Returns whether it is new. Only within `write`.
   */
  addFact(environment: number, { remarks, ...fact }: NewFact, limit = FACTS_PER_TEST): boolean {
    this.#checkWriting();
    return this.#facts.add(environment, { ...fact, remark: this.#internRemarks(remarks) }, limit);
  }

  /** The collection facts of an environment by file, the newest first. */
  collections(environment: number): Map<string, Collection[]> {
    const collections = new Map<string, Collection[]>();
    const rows = this.#sql(
      "SELECT id, path, outcome, green, at, tests, depsets, remark FROM collection WHERE environment = ? ORDER BY path, at DESC, id DESC",
    ).iterate(environment) as Iterable<Row>;
    for (const row of rows) {
      const collection: Collection = {
        id: Number(row["id"]),
        path: String(row["path"]),
        outcome: String(row["outcome"]),
        green: row["green"] === 1,
        at: Number(row["at"]),
        tests: JSON.parse(String(row["tests"])) as number[],
        depsets: unpackList(row["depsets"] as Uint8Array),
        remarks: this.#remarksOf(Number(row["remark"])),
      };
      const list = collections.get(collection.path);
      if (list === undefined) {
        collections.set(collection.path, [collection]);
      } else {
        list.push(collection);
      }
    }
    return collections;
  }

  /** Adds a collection fact, or confirms the same one. Returns its id. `limit` as for {@link addFact}. */
  addCollection(environment: number, collection: Omit<Collection, "id">, run: string, limit = FACTS_PER_TEST): number {
    const depsets = packList(collection.depsets);
    const tests = JSON.stringify(collection.tests);
    const green = collection.green ? 1 : 0;
    const remark = this.#internRemarks(collection.remarks);
    const same = this.#sql(
      "SELECT id FROM collection WHERE environment = ? AND path = ? AND outcome = ? AND green = ? AND tests = ? AND depsets = ? AND remark = ?",
    ).get(environment, collection.path, collection.outcome, green, tests, depsets, remark) as Row | undefined;
    if (same !== undefined) {
      this.#sql("UPDATE collection SET at = max(at, ?), run = ? WHERE id = ?").run(
        collection.at,
        run,
        Number(same["id"]),
      );
      return Number(same["id"]);
    }
    const id = Number(
      this.#sql(
        "INSERT INTO collection (environment, path, outcome, green, at, run, tests, depsets, remark) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ).run(environment, collection.path, collection.outcome, green, collection.at, run, tests, depsets, remark)
        .lastInsertRowid,
    );
    const old = this.#sql(
      `SELECT id FROM collection WHERE environment = ? AND path = ? AND id NOT IN
        (SELECT id FROM collection WHERE environment = ? AND path = ? ORDER BY at DESC, id DESC LIMIT ?)`,
    ).all(environment, collection.path, environment, collection.path, limit) as Row[];
    for (const row of old) {
      this.#sql("DELETE FROM survivors WHERE collection = ?").run(Number(row["id"]));
      this.#sql("DELETE FROM collection WHERE id = ?").run(Number(row["id"]));
    }
    return id;
  }

  /** Which tests of each collection survive a selection: undefined (not in the map) = not known; null = all. */
  survivors(selection: string): Map<number, readonly number[] | null> {
    const rows = this.#sql("SELECT collection, tests FROM survivors WHERE selection = ?").all(selection) as Row[];
    return new Map(
      rows.map((row) => [
        Number(row["collection"]),
        row["tests"] === null ? null : (JSON.parse(String(row["tests"])) as number[]),
      ]),
    );
  }

  setSurvivors(collection: number, selection: string, tests: readonly number[] | null): void {
    this.#sql("INSERT OR REPLACE INTO survivors VALUES (?, ?, ?)").run(
      collection,
      selection,
      tests === null ? null : JSON.stringify(tests),
    );
  }

  /** Requests that were collected to the end under a selection, by their typed paths. */
  scopes(environment: number, selection: string): Map<string, Scope> {
    const rows = this.#sql("SELECT request, roots, settings FROM scope WHERE environment = ? AND selection = ?").all(
      environment,
      selection,
    ) as Row[];
    return new Map(
      rows.map((row) => [
        String(row["request"]),
        {
          roots: JSON.parse(String(row["roots"])) as string[],
          settings: JSON.parse(String(row["settings"])) as ScopeSettings,
        },
      ]),
    );
  }

  setScope(environment: number, selection: string, request: string, scope: Scope): void {
    this.#sql("INSERT OR REPLACE INTO scope VALUES (?, ?, ?, ?, ?)").run(
      environment,
      selection,
      request,
      JSON.stringify(scope.roots),
      JSON.stringify(scope.settings),
    );
  }

  /** Names seen in the directories that pytest walked, by directory. */
  walks(environment: number, selection: string): Map<string, readonly string[]> {
    const rows = this.#sql("SELECT path, names FROM walk WHERE environment = ? AND selection = ?").all(
      environment,
      selection,
    ) as Row[];
    return new Map(rows.map((row) => [String(row["path"]), JSON.parse(String(row["names"])) as string[]]));
  }

  setWalk(environment: number, selection: string, path: string, names: readonly string[]): void {
    this.#sql("INSERT OR REPLACE INTO walk VALUES (?, ?, ?, ?)").run(
      environment,
      selection,
      path,
      JSON.stringify(names),
    );
  }

  /** Forgets what was collected to the end, so that the next run collects everything that it is asked for. */
  forgetScopes(environment: number): void {
    this.#sql("DELETE FROM scope WHERE environment = ?").run(environment);
    this.#sql("DELETE FROM walk WHERE environment = ?").run(environment);
  }

  teardown(environment: number, fixture: string): number | undefined {
    const row = this.#sql("SELECT depset FROM teardown WHERE environment = ? AND fixture = ?").get(
      environment,
      fixture,
    ) as Row | undefined;
    return row === undefined ? undefined : Number(row["depset"]);
  }

  setTeardown(environment: number, fixture: string, depset: number): void {
    this.#sql("INSERT OR REPLACE INTO teardown VALUES (?, ?, ?)").run(environment, fixture, depset);
  }

  /** The run that recorded a test's fact, or last confirmed it, as `addRun` was told of it. */
  runOfFact(environment: number, test: number, at: number): string | undefined {
    const fact = this.#facts.ofTest(environment, test).find((each) => each.at === at);
    const row = fact === undefined ? undefined : this.#sql("SELECT data FROM run WHERE id = ?").get(fact.run);
    return row === undefined ? undefined : String((row as Row)["data"]);
  }

  hasRun(id: string): boolean {
    return this.#sql("SELECT 1 FROM run WHERE id = ?").get(id) !== undefined;
  }

  addRun(id: string, at: number, data: string): void {
    this.#sql("INSERT OR REPLACE INTO run VALUES (?, ?, ?)").run(id, at, data);
  }

  lastRun(): { id: string; at: number; data: string } | undefined {
    const row = this.#sql("SELECT id, at, data FROM run ORDER BY at DESC LIMIT 1").get() as Row | undefined;
    return row === undefined ? undefined : { id: String(row["id"]), at: Number(row["at"]), data: String(row["data"]) };
  }

  /** How many of each kind there are, for `winnow status`. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {
      test: this.#tests.count(),
      fact: this.#facts.count(),
      depset: this.#depsets.count(),
      dependency: this.lastDependencyId(),
    };
    for (const table of ["collection", "environment", "fingerprint", "run"]) {
      counts[table] = Number((this.#sql(`SELECT count(*) AS n FROM ${table}`).get() as Row)["n"]);
    }
    return counts;
  }
}
