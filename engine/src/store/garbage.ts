/**
 * What can go from a store: facts that prove nothing worthwhile any more, and all that only they referred to.
 *
 * - Of one test's facts in one environment only the oldest go, one after the other: a newer one may say that an older one
 *   must not be believed.
 * - No number is ever given twice, because a process that read the store before may still hold some: a row with the
 *   highest number of its table stays, where that number is not kept elsewhere.
 * - All of it is one transaction under the write lock, so whoever reads or writes at the same time sees all or nothing.
 */

import { DatabaseSync } from "node:sqlite";
import { unpackWatch } from "../files/watch.ts";
import { ABSENT, KEY_KINDS } from "../model/key.ts";
import type { Remarks } from "../model/remarks.ts";
import { type DependencyRow, packDependencies, unpackDependencies } from "./dependencies.ts";
import { Depsets } from "./depsets.ts";
import { Facts } from "./facts.ts";
import { forEachId, packIds, unpackIds, unpackList } from "./id-set.ts";
import { openNotes, writingError } from "./notes.ts";
import { type Row, type Sql, statementsOf } from "./sql.ts";
import { Tests } from "./tests.ts";

export interface GarbageRules {
  /** What counts as long ago, counted back from the last time that anything was recorded. */
  readonly olderThanDays: number;
  /** How many facts of one test in one environment stay in any case. */
  readonly keep: number;
  /** Whether a project path is there. */
  readonly exists: (path: string) => boolean;
  /** Whether the configuration takes a path for no input. */
  readonly isIgnored: (path: string) => boolean;
  /** Facts and collections that the present state and saved ones need, whatever the store knows of them, and contents. */
  readonly needed: {
    readonly facts: ReadonlySet<number>;
    readonly collections: ReadonlySet<number>;
    readonly contents: ReadonlySet<string>;
  };
  /** A run is under way, or was killed: it may need contents of which no fact tells yet. */
  readonly runsAreWaiting: boolean;
}

/** How much went, by kind, and why facts did. */
export interface Dropped {
  environments: number;
  tests: number;
  facts: { ofEnvironments: number; ofGoneTests: number; surplus: number };
  collections: number;
  depsets: number;
  dependencies: number;
  contents: number;
  runs: number;
}

export interface Garbage {
  readonly dropped: Dropped;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Whether the file could be compacted; another process may be in the way. */
  readonly compacted: boolean;
}

const DAY_MS = 86_400_000;

/** Drops what can go from the store in a file, and compacts the file. @throws WinnowError as `openNotes` does. */
export function collectGarbage(file: string, rules: GarbageRules): Garbage {
  // A store of another format is that one's business.
  openNotes(file).close();
  const database = new DatabaseSync(file, { timeout: 60_000 });
  try {
    const bytesBefore = size(database);
    database.exec("BEGIN IMMEDIATE");
    const collector = new Collector(database, rules);
    const changed = collector.collect();
    database.exec(changed ? "COMMIT" : "ROLLBACK");
    const compacted = changed || number(database, "PRAGMA freelist_count") > 0 ? compact(database) : true;
    return { dropped: collector.dropped, bytesBefore, bytesAfter: size(database), compacted };
  } catch (error) {
    throw writingError(file, error);
  } finally {
    database.close();
  }
}

function number(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() as Row)[0]);
}

function size(database: DatabaseSync): number {
  return number(database, "PRAGMA page_count") * number(database, "PRAGMA page_size");
}

function compact(database: DatabaseSync): boolean {
  try {
    database.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
    return true;
  } catch {
    // Somebody else is at it, or the disk has no room for a second copy: the next time will do.
    return false;
  }
}

interface Aged {
  readonly id: number;
  readonly at: number;
  readonly depsets: readonly number[];
}

/**
 * How many of some facts, the newest first, have to stay: the newest `keep`, and all down to the last one that holds or
 * is needed.
 */
export function kept<T>(facts: readonly T[], keep: number, isNeeded: (fact: T) => boolean): number {
  return Math.max(Math.min(keep, facts.length), facts.findLastIndex(isNeeded) + 1);
}

class Collector {
  readonly dropped: Dropped = {
    environments: 0,
    tests: 0,
    facts: { ofEnvironments: 0, ofGoneTests: 0, surplus: 0 },
    collections: 0,
    depsets: 0,
    dependencies: 0,
    contents: 0,
    runs: 0,
  };
  readonly #database: DatabaseSync;
  readonly #sql: Sql;
  readonly #depsets: Depsets;
  readonly #tests: Tests;
  readonly #facts: Facts;
  readonly #rules: GarbageRules;
  readonly #pages: ReadonlyMap<string, DependencyRow[]>;
  readonly #bad: ReadonlySet<number>;
  /** When each environment was last recorded in, as far as facts tell. */
  readonly #lastFacts: ReadonlyMap<number, number>;
  readonly #cutoff: number;

  constructor(database: DatabaseSync, rules: GarbageRules) {
    this.#database = database;
    this.#sql = statementsOf(database);
    this.#depsets = new Depsets(this.#sql);
    this.#tests = new Tests(this.#sql);
    this.#facts = new Facts(this.#sql);
    this.#rules = rules;
    this.#pages = new Map(
      this.#all("SELECT path, data FROM dependency").map((row) => [
        String(row["path"]),
        unpackDependencies(row["data"]),
      ]),
    );
    this.#bad = this.#badDepsets();
    this.#lastFacts = new Map(
      this.#facts.environments().map((environment) => {
        let last = 0;
        for (const [, [newest]] of this.#facts.ofEnvironment(environment)) {
          last = Math.max(last, newest?.at ?? 0);
        }
        return [environment, last];
      }),
    );
    const [last] = this.#all("SELECT max(at) AS at FROM (SELECT at FROM collection UNION ALL SELECT at FROM run)");
    const times = [...this.#lastFacts.values(), Number(last?.["at"] ?? 0)];
    this.#cutoff = Math.max(...times) - rules.olderThanDays * DAY_MS;
  }

  /** Returns whether anything went. */
  collect(): boolean {
    this.#dropEnvironments();
    const environments = this.#all("SELECT id FROM environment").map((row) => Number(row["id"]));
    for (const environment of environments) {
      const yielded = this.#dropCollections(environment);
      this.#dropFacts(environment, yielded);
    }
    this.#dropTests();
    this.#dropDepsets();
    this.#dropContents();
    this.#dropRuns();
    const { facts, ...counts } = this.dropped;
    const changed = [...Object.values(facts), ...Object.values(counts)].some((count) => count > 0);
    this.#tests.save();
    this.#facts.save();
    if (changed) {
      this.#run("UPDATE meta SET value = value + 1 WHERE name = 'generation'");
    }
    return changed;
  }

  #all(sql: string, ...values: (string | number)[]): Row[] {
    return this.#sql(sql).all(...values) as Row[];
  }

  #run(sql: string, ...values: (string | number | Uint8Array)[]): number {
    return Number(this.#sql(sql).run(...values).changes);
  }

  #note(name: string): unknown {
    return this.#all("SELECT value FROM meta WHERE name = ?", name)[0]?.["value"];
  }

  /**
   * Depsets that are false on the baseline, whatever a decision makes of it: a module level that differs may concern
   * nobody, and neither may what the configuration ignores.
   */
  #badDepsets(): ReadonlySet<number> {
    const packed = this.#note("false");
    const isFalse = new Set(packed === undefined ? [] : unpackIds(packed as Uint8Array));
    const marks = new Uint8Array(Math.max(0, ...isFalse) + 1);
    for (const [path, rows] of this.#pages) {
      for (const [id, kind, , value] of rows) {
        const mayHold =
          kind === KEY_KINDS.toplevel ||
          (kind === KEY_KINDS.file && (value === ABSENT || this.#rules.isIgnored(path))) ||
          ((kind === KEY_KINDS.listing || kind === KEY_KINDS.exists) && this.#rules.isIgnored(path));
        if (isFalse.has(id) && !mayHold) {
          marks[id] = 1;
        }
      }
    }
    return this.#depsets.all().withMarked(marks);
  }

  #holds({ depsets }: Aged): boolean {
    return depsets.every((depset) => !this.#bad.has(depset));
  }

  /** Environments in which nothing was recorded for long, while it was in others. */
  #dropEnvironments(): void {
    const used = this.#all(
      `SELECT environment.id AS id, ifnull((SELECT max(at) FROM collection WHERE environment = environment.id), 0) AS at
        FROM environment`,
    );
    const last = number(this.#database, "SELECT max(id) FROM environment");
    for (const { id, at: collected } of used) {
      const environment = Number(id);
      const at = Math.max(Number(collected), this.#lastFacts.get(environment) ?? 0);
      const isLast = environment === last;
      // Without anything in it, the one with the highest number is as good as gone already.
      if (at >= this.#cutoff || (isLast && at === 0)) {
        continue;
      }
      this.dropped.environments += 1;
      this.#facts.prune(environment, (_, facts) => {
        this.dropped.facts.ofEnvironments += facts.length;
        return 0;
      });
      this.#run(
        "DELETE FROM survivors WHERE collection IN (SELECT id FROM collection WHERE environment = ?)",
        environment,
      );
      this.dropped.collections += this.#run("DELETE FROM collection WHERE environment = ?", environment);
      for (const table of ["scope", "walk", "teardown"]) {
        this.#run(`DELETE FROM ${table} WHERE environment = ?`, environment);
      }
      this.#run("DELETE FROM meta WHERE name = ?", `surroundings:${environment}`);
      if (!isLast) {
        this.#run("DELETE FROM environment WHERE id = ?", environment);
      }
    }
  }

  /** Drops collection facts; returns the tests that the newest of each file yields, by file. */
  #dropCollections(environment: number): Map<string, ReadonlySet<number>> {
    const rows = this.#all(
      "SELECT id, path, at, tests, depsets FROM collection WHERE environment = ? ORDER BY path, at DESC, id DESC",
      environment,
    );
    const yielded = new Map<string, ReadonlySet<number>>();
    for (const [path, all] of Map.groupBy(rows, (row) => String(row["path"]))) {
      const facts = all.map(aged);
      yielded.set(path, new Set(JSON.parse(String(all[0]?.["tests"])) as number[]));
      const isGone = !this.#rules.exists(path) && (facts[0] as Aged).at < this.#cutoff;
      const stay = isGone
        ? 0
        : kept(facts, this.#rules.keep, (fact) => this.#rules.needed.collections.has(fact.id) || this.#holds(fact));
      for (const { id } of facts.slice(stay)) {
        this.#run("DELETE FROM survivors WHERE collection = ?", id);
        this.dropped.collections += this.#run("DELETE FROM collection WHERE id = ?", id);
      }
      if (isGone) {
        this.#forgetName(environment, path);
      }
    }
    return yielded;
  }

  /** A file of which nothing is known any more has to be a new one if it comes back. */
  #forgetName(environment: number, path: string): void {
    const cut = path.lastIndexOf("/");
    const directory = path.slice(0, Math.max(cut, 0));
    const name = path.slice(cut + 1);
    for (const row of this.#all(
      "SELECT selection, names FROM walk WHERE environment = ? AND path = ?",
      environment,
      directory,
    )) {
      const names = (JSON.parse(String(row["names"])) as string[]).filter((each) => each !== name);
      this.#run(
        "UPDATE walk SET names = ? WHERE environment = ? AND path = ? AND selection = ?",
        JSON.stringify(names),
        environment,
        directory,
        String(row["selection"]),
      );
    }
  }

  #dropFacts(environment: number, yielded: ReadonlyMap<string, ReadonlySet<number>>): void {
    const paths = new Map([...this.#tests.all()].map(({ id, path }) => [id, path]));
    this.#facts.prune(environment, (test, facts) => {
      const path = paths.get(test);
      if (path === undefined) {
        return facts.length;
      }
      // A test of which no collection is known may have been lost from one: it is not gone for that.
      const isThere = this.#rules.exists(path) && yielded.get(path)?.has(test) !== false;
      const isGone = !isThere && (facts[0]?.at ?? 0) < this.#cutoff;
      const stay = isGone
        ? 0
        : kept(facts, this.#rules.keep, (fact) => this.#rules.needed.facts.has(fact.id) || this.#holds(fact));
      this.dropped.facts[isGone ? "ofGoneTests" : "surplus"] += facts.length - stay;
      return stay;
    });
  }

  /** Tests that nothing speaks of any more. */
  #dropTests(): void {
    const used = new Set<number>();
    for (const environment of this.#facts.environments()) {
      for (const [test] of this.#facts.ofEnvironment(environment)) {
        used.add(test);
      }
    }
    for (const table of ["collection", "survivors"]) {
      for (const row of this.#all(`SELECT tests FROM ${table} WHERE tests IS NOT NULL`)) {
        for (const test of JSON.parse(String(row["tests"])) as number[]) {
          used.add(test);
        }
      }
    }
    for (const test of Object.keys(JSON.parse(String(this.#note("misses") ?? "{}")) as object)) {
      used.add(Number(test));
    }
    this.dropped.tests += this.#tests.prune((test) => used.has(test));
  }

  #dropDepsets(): void {
    const used = new Set<number>();
    const remarks = new Set<number>();
    for (const environment of this.#facts.environments()) {
      for (const [, facts] of this.#facts.ofEnvironment(environment)) {
        for (const { depsets, remark } of facts) {
          remarks.add(remark);
          for (const depset of depsets) {
            used.add(depset);
          }
        }
      }
    }
    for (const row of this.#all("SELECT depsets, remark FROM collection")) {
      remarks.add(Number(row["remark"]));
      for (const depset of unpackList(row["depsets"] as Uint8Array)) {
        used.add(depset);
      }
    }
    const [{ id: last } = { id: 0 }] = this.#all("SELECT max(id) AS id FROM remark");
    for (const row of this.#all("SELECT id, data FROM remark")) {
      if (!remarks.has(Number(row["id"])) && row["id"] !== last) {
        this.#run("DELETE FROM remark WHERE id = ?", Number(row["id"]));
        continue;
      }
      for (const depset of (JSON.parse(String(row["data"])) as Remarks).opaque?.depsets ?? []) {
        used.add(depset);
      }
    }
    for (const row of this.#all("SELECT depset FROM teardown")) {
      used.add(Number(row["depset"]));
    }
    this.dropped.depsets += this.#depsets.prune((depset) => used.has(depset));
    const dependencies = new Set<number>();
    this.#depsets.all().forEach((_, members) => {
      forEachId(members, (id) => {
        dependencies.add(id);
        return true;
      });
    });
    this.#dropDependencies(dependencies);
  }

  #dropDependencies(used: ReadonlySet<number>): void {
    for (const [path, rows] of this.#pages) {
      const stay = rows.filter(([id]) => used.has(id));
      if (stay.length === rows.length) {
        continue;
      }
      this.dropped.dependencies += rows.length - stay.length;
      if (stay.length === 0) {
        this.#run("DELETE FROM dependency WHERE path = ?", path);
      } else {
        this.#run("UPDATE dependency SET data = ? WHERE path = ?", packDependencies(stay), path);
      }
    }
    const packed = this.#note("false");
    if (this.dropped.dependencies > 0 && packed !== undefined) {
      const stay = unpackIds(packed as Uint8Array).filter((id) => used.has(id));
      this.#run("UPDATE meta SET value = ? WHERE name = 'false'", packIds(stay));
    }
  }

  /** Sources and fingerprints of contents that are neither there, now or in a saved state, nor needed to tell what changed since a fact. */
  #dropContents(): void {
    if (this.#rules.runsAreWaiting) {
      return;
    }
    const packed = this.#note("watch");
    const present = new Set(packed === undefined ? [] : unpackWatch(packed as Uint8Array).map(({ digest }) => digest));
    for (const digest of this.#rules.needed.contents) {
      present.add(digest);
    }
    const levels = new Set<string>();
    for (const row of this.#all("SELECT data FROM dependency")) {
      for (const [, kind, , value] of unpackDependencies(row["data"])) {
        if (kind === KEY_KINDS.toplevel) {
          levels.add(value);
        }
      }
    }
    const stay = new Set<string>();
    for (const row of this.#all("SELECT hash, toplevel FROM source ORDER BY outline IS NULL")) {
      const hash = String(row["hash"]);
      // Contents of one module level differ in bodies only: any of them will do.
      if (levels.delete(String(row["toplevel"])) || present.has(hash)) {
        stay.add(hash);
      } else {
        this.dropped.contents += this.#run("DELETE FROM source WHERE hash = ?", hash);
      }
    }
    for (const row of this.#all("SELECT hash FROM fingerprint")) {
      const hash = String(row["hash"]);
      if (!stay.has(hash) && !present.has(hash)) {
        this.dropped.contents += this.#run("DELETE FROM fingerprint WHERE hash = ?", hash);
      }
    }
  }

  #dropRuns(): void {
    const used = new Set<string>();
    for (const environment of this.#facts.environments()) {
      for (const [, facts] of this.#facts.ofEnvironment(environment)) {
        for (const { run } of facts) {
          used.add(run);
        }
      }
    }
    for (const row of this.#all("SELECT id FROM run WHERE at < ? AND at < (SELECT max(at) FROM run)", this.#cutoff)) {
      if (!used.has(String(row["id"]))) {
        this.dropped.runs += this.#run("DELETE FROM run WHERE id = ?", String(row["id"]));
      }
    }
  }
}

function aged(row: Row): Aged {
  return { id: Number(row["id"]), at: Number(row["at"]), depsets: unpackList(row["depsets"] as Uint8Array) };
}
