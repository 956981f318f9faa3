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

import type { DatabaseSync } from "node:sqlite";
import type { Dependency } from "../model/key.ts";
import type { Remarks } from "../model/remarks.ts";
import { Dependencies, type StoredDependency } from "./dependencies.ts";
import { Depsets, type PackedDepsets } from "./depsets.ts";
import { Facts, type StoredFact } from "./facts.ts";
import { packList, unpackList } from "./id-set.ts";
import { Notes, openDatabase, TIMEOUT_MS } from "./notes.ts";
import type { Row } from "./sql.ts";
import { Tests } from "./tests.ts";

/** Names of saved states among the others, and what comes after all of them. */
const STATE = "state:";
const STATE_END = "state;";

/** How many facts of one test in one environment are kept. */
export const FACTS_PER_TEST = 8;

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

/** Opens the store, making it if there is none. @throws WinnowError as {@link openDatabase} does. */
export function openStore(file: string): Store {
  return new Store(openDatabase(file));
}

export class Store extends Notes {
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
    super(database);
    this.#dependencies = new Dependencies(this.sql);
    this.#depsets = new Depsets(this.sql);
    this.#tests = new Tests(this.sql);
    this.#facts = new Facts(this.sql);
  }

  protected override begin(): void {
    this.#isWriting = true;
    this.#dependencies.begin();
  }

  protected override save(): void {
    for (const part of [this.#dependencies, this.#depsets, this.#tests, this.#facts]) {
      part.save();
    }
  }

  protected override end(isKept: boolean): void {
    this.#isWriting = false;
    this.#remarkIds.clear();
    if (!isKept) {
      for (const part of [this.#dependencies, this.#depsets, this.#tests, this.#facts]) {
        part.forget();
      }
      // Their numbers may be given anew.
      this.#remarks.clear();
    }
  }

  /**
   * Keeps what is known of contents, whatever their files are now: it changes no decision, so it is no new generation.
   * Not worth waiting for: returns whether it was kept, which it is not where somebody else writes, or nobody may.
   */
  keep(work: () => void): boolean {
    this.database.exec("PRAGMA busy_timeout = 0");
    try {
      this.database.exec("BEGIN IMMEDIATE");
    } catch {
      return false;
    } finally {
      this.database.exec(`PRAGMA busy_timeout = ${TIMEOUT_MS}`);
    }
    try {
      this.checkFormat();
      work();
      this.database.exec("COMMIT");
      return true;
    } catch {
      try {
        this.database.exec("ROLLBACK");
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

  // --- saved states -----------------------------------------------------------------------------------------------

  /** A saved state of the project, by its name. */
  state(name: string): Uint8Array | undefined {
    const row = this.sql("SELECT value FROM meta WHERE name = ?").get(STATE + name) as Row | undefined;
    return row?.["value"] as Uint8Array | undefined;
  }

  /** The names of all saved states, sorted. */
  stateNames(): string[] {
    const rows = this.sql("SELECT name FROM meta WHERE name >= ? AND name < ? ORDER BY name").all(STATE, STATE_END);
    return (rows as Row[]).map((row) => String(row["name"]).slice(STATE.length));
  }

  setState(name: string, state: Uint8Array): void {
    this.sql("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(STATE + name, state);
  }

  dropState(name: string): void {
    this.sql("DELETE FROM meta WHERE name = ?").run(STATE + name);
  }

  // --- environments, interpreters, fingerprints -------------------------------------------------------------------

  internEnvironment(digest: string, description: string): number {
    this.sql("INSERT OR IGNORE INTO environment (digest, description) VALUES (?, ?)").run(digest, description);
    return this.environment(digest) as number;
  }

  fingerprint(hash: string): { data: string; compiled: readonly string[] } | undefined {
    const row = this.sql("SELECT data, compiled FROM fingerprint WHERE hash = ?").get(hash) as Row | undefined;
    return row === undefined
      ? undefined
      : { data: String(row["data"]), compiled: JSON.parse(String(row["compiled"])) as string[] };
  }

  setFingerprint(hash: string, data: string, compiled: readonly string[]): void {
    this.sql("INSERT OR REPLACE INTO fingerprint VALUES (?, ?, ?)").run(hash, data, JSON.stringify(compiled));
  }

  /** The outline of a content, if it was needed before. */
  outline(hash: string): string | undefined {
    const row = this.sql("SELECT outline FROM source WHERE hash = ?").get(hash) as Row | undefined;
    return row === undefined || row["outline"] === null ? undefined : String(row["outline"]);
  }

  /** Any content with this module level: they are alike in all but bodies. Of those whose outline is known, if any is. */
  sourceOfToplevel(checksum: string): StoredSource | undefined {
    const text = "SELECT hash, data, outline FROM source WHERE toplevel = ? ORDER BY outline IS NULL LIMIT 1";
    const row = this.sql(text).get(checksum) as Row | undefined;
    return row === undefined
      ? undefined
      : {
          hash: String(row["hash"]),
          data: row["data"] as Uint8Array,
          outline: row["outline"] === null ? undefined : String(row["outline"]),
        };
  }

  /** A content whose source is kept, compressed. */
  source(hash: string): Uint8Array | undefined {
    const row = this.sql("SELECT data FROM source WHERE hash = ?").get(hash) as Row | undefined;
    return row?.["data"] as Uint8Array | undefined;
  }

  setSource(hash: string, toplevel: string, data: Uint8Array): void {
    this.sql("INSERT OR IGNORE INTO source VALUES (?, ?, ?, NULL)").run(hash, toplevel, data);
  }

  /** Keeps the outline of a content whose source is there. */
  setOutline(hash: string, outline: string): void {
    this.sql("UPDATE source SET outline = ? WHERE hash = ?").run(outline, hash);
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
      this.sql("INSERT OR IGNORE INTO remark (data) VALUES (?)").run(data);
      id = Number((this.sql("SELECT id FROM remark WHERE data = ?").get(data) as Row)["id"]);
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
      const row = this.sql("SELECT data FROM remark WHERE id = ?").get(id) as Row | undefined;
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
    return this.#tests.nodes();
  }

  /** The tests of one file: node id → id. */
  testsOf(path: string): ReadonlyMap<string, number> {
    return this.#tests.ofFile(path);
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
  facts(environment: number): Map<number, readonly Fact[]> {
    return this.#byTest(this.#facts.ofEnvironment(environment));
  }

  /** The same of all tests of which the transaction under way has changed anything, and of some others. */
  draftedFacts(environment: number): Map<number, readonly Fact[]> {
    return this.#byTest(this.#facts.drafted(environment));
  }

  #byTest(all: Iterable<readonly [test: number, facts: readonly StoredFact[]]>): Map<number, readonly Fact[]> {
    const facts = new Map<number, readonly Fact[]>();
    for (const [test, stored] of all) {
      facts.set(test, this.#toFacts(stored));
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

  /** Most have no remarks, and are what is asked for as they are. */
  #toFacts(stored: readonly StoredFact[]): readonly Fact[] {
    return stored.every(({ remark }) => remark === 0) ? stored : stored.map((each) => this.#toFact(each));
  }

  factsOfTest(environment: number, test: number): readonly Fact[] {
    return this.#toFacts(this.#facts.ofTest(environment, test));
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
    return this.#collections("", environment);
  }

  /** The collection facts of one file, the newest first. */
  collectionsOf(environment: number, path: string): Collection[] {
    return this.#collections("AND path = ?", environment, path).get(path) ?? [];
  }

  #collections(where: string, ...values: (string | number)[]): Map<string, Collection[]> {
    const collections = new Map<string, Collection[]>();
    const rows = this.sql(
      `SELECT id, path, outcome, green, at, tests, depsets, remark FROM collection WHERE environment = ? ${where}
        ORDER BY path, at DESC, id DESC`,
    ).iterate(...values) as Iterable<Row>;
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
    const same = this.sql(
      "SELECT id FROM collection WHERE environment = ? AND path = ? AND outcome = ? AND green = ? AND tests = ? AND depsets = ? AND remark = ?",
    ).get(environment, collection.path, collection.outcome, green, tests, depsets, remark) as Row | undefined;
    if (same !== undefined) {
      this.sql("UPDATE collection SET at = max(at, ?), run = ? WHERE id = ?").run(
        collection.at,
        run,
        Number(same["id"]),
      );
      return Number(same["id"]);
    }
    const id = Number(
      this.sql(
        "INSERT INTO collection (environment, path, outcome, green, at, run, tests, depsets, remark) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ).run(environment, collection.path, collection.outcome, green, collection.at, run, tests, depsets, remark)
        .lastInsertRowid,
    );
    const old = this.sql(
      `SELECT id FROM collection WHERE environment = ? AND path = ? AND id NOT IN
        (SELECT id FROM collection WHERE environment = ? AND path = ? ORDER BY at DESC, id DESC LIMIT ?)`,
    ).all(environment, collection.path, environment, collection.path, limit) as Row[];
    for (const row of old) {
      this.sql("DELETE FROM survivors WHERE collection = ?").run(Number(row["id"]));
      this.sql("DELETE FROM collection WHERE id = ?").run(Number(row["id"]));
    }
    return id;
  }

  /** Which tests of each collection survive a selection: undefined (not in the map) = not known; null = all. */
  survivors(selection: string): Map<number, readonly number[] | null> {
    const rows = this.sql("SELECT collection, tests FROM survivors WHERE selection = ?").all(selection) as Row[];
    return new Map(
      rows.map((row) => [
        Number(row["collection"]),
        row["tests"] === null ? null : (JSON.parse(String(row["tests"])) as number[]),
      ]),
    );
  }

  setSurvivors(collection: number, selection: string, tests: readonly number[] | null): void {
    this.sql("INSERT OR REPLACE INTO survivors VALUES (?, ?, ?)").run(
      collection,
      selection,
      tests === null ? null : JSON.stringify(tests),
    );
  }

  /** Requests that were collected to the end under a selection, by their typed paths. */
  scopes(environment: number, selection: string): Map<string, Scope> {
    const rows = this.sql("SELECT request, roots, settings FROM scope WHERE environment = ? AND selection = ?").all(
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
    this.sql("INSERT OR REPLACE INTO scope VALUES (?, ?, ?, ?, ?)").run(
      environment,
      selection,
      request,
      JSON.stringify(scope.roots),
      JSON.stringify(scope.settings),
    );
  }

  /** Names seen in the directories that pytest walked, by directory. */
  walks(environment: number, selection: string): Map<string, readonly string[]> {
    const rows = this.sql("SELECT path, names FROM walk WHERE environment = ? AND selection = ?").all(
      environment,
      selection,
    ) as Row[];
    return new Map(rows.map((row) => [String(row["path"]), JSON.parse(String(row["names"])) as string[]]));
  }

  /** The directories that pytest walked, under any selection. */
  walkedDirectories(environment: number): string[] {
    const rows = this.sql("SELECT DISTINCT path FROM walk WHERE environment = ?").all(environment) as Row[];
    return rows.map((row) => String(row["path"]));
  }

  setWalk(environment: number, selection: string, path: string, names: readonly string[]): void {
    this.sql("INSERT OR REPLACE INTO walk VALUES (?, ?, ?, ?)").run(
      environment,
      selection,
      path,
      JSON.stringify(names),
    );
  }

  /** Forgets what was collected to the end, so that the next run collects everything that it is asked for. */
  forgetScopes(environment: number): void {
    this.sql("DELETE FROM scope WHERE environment = ?").run(environment);
    this.sql("DELETE FROM walk WHERE environment = ?").run(environment);
  }

  teardown(environment: number, fixture: string): number | undefined {
    const row = this.sql("SELECT depset FROM teardown WHERE environment = ? AND fixture = ?").get(
      environment,
      fixture,
    ) as Row | undefined;
    return row === undefined ? undefined : Number(row["depset"]);
  }

  setTeardown(environment: number, fixture: string, depset: number): void {
    this.sql("INSERT OR REPLACE INTO teardown VALUES (?, ?, ?)").run(environment, fixture, depset);
  }

  /** The run that recorded a test's fact, or last confirmed it, as `addRun` was told of it. */
  runOfFact(environment: number, test: number, at: number): string | undefined {
    const fact = this.#facts.ofTest(environment, test).find((each) => each.at === at);
    const row = fact === undefined ? undefined : this.sql("SELECT data FROM run WHERE id = ?").get(fact.run);
    return row === undefined ? undefined : String((row as Row)["data"]);
  }

  hasRun(id: string): boolean {
    return this.sql("SELECT 1 FROM run WHERE id = ?").get(id) !== undefined;
  }

  addRun(id: string, at: number, data: string): void {
    this.sql("INSERT OR REPLACE INTO run VALUES (?, ?, ?)").run(id, at, data);
  }

  lastRun(): { id: string; at: number; data: string } | undefined {
    const row = this.sql("SELECT id, at, data FROM run ORDER BY at DESC LIMIT 1").get() as Row | undefined;
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
      counts[table] = Number((this.sql(`SELECT count(*) AS n FROM ${table}`).get() as Row)["n"]);
    }
    return counts;
  }
}
