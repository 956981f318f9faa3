/**
 * Which tests and files run: a pure function of what is known, what holds now, and what was asked.
 *
 * A test is left out if, and only if, a passing fact of it holds and no failing one does. A file is left out of
 * collection only if its collection holds, no failed one does *and* each test that it yielded, and that the user's
 * selection keeps, is left out. Total: whatever is missing here runs. A sampled test runs although it could be left out.
 */

import type { Key } from "../model/key.ts";
import type { Plan, SelectedFile, SelectedTest } from "../model/plan.ts";
import { changedReason, type Reason } from "../model/reason.ts";
import { declaredId, type Remarks } from "../model/remarks.ts";
import type { ModuleLevel } from "./module-level.ts";
import { NO_WORD, opaqueDepsets, opaqueReasons, unmet, type Word } from "./word.ts";

/** The parts of a stored fact that decide. */
export interface KnownFact {
  readonly outcome: string;
  readonly green: boolean;
  readonly at: number;
  readonly depsets: readonly number[];
  readonly remarks?: Remarks | undefined;
}

export interface KnownCollection {
  readonly id: number;
  readonly path: string;
  readonly outcome: string;
  readonly green: boolean;
  readonly at: number;
  readonly tests: readonly number[];
  readonly depsets: readonly number[];
  readonly remarks?: Remarks | undefined;
}

/** The outcome of a file that pytest did not take for a test file; it counts for requests that know of it only. */
export const ABSENT_COLLECTION = "absent";

export interface Knowledge {
  /** Facts by test, the newest first. */
  readonly facts: ReadonlyMap<number, readonly KnownFact[]>;
  /** Collection facts by file, the newest first. */
  readonly collections: ReadonlyMap<string, readonly KnownCollection[]>;
  /** Node ids of tests. */
  readonly nodes: Pick<ReadonlyMap<number, string>, "get">;
  /** Tests that survive the user's selection, by collection; a missing entry is "not known", null is "all". */
  readonly survivors: ReadonlyMap<number, readonly number[] | null>;
  /** Tests of which a proof was wrong once: nothing proves them until they are forgiven. */
  readonly missed: ReadonlyMap<number, MissedBefore>;
  /** Whether every member of a depset has its recorded value now. */
  holds(depset: number): boolean;
  /** The members of a depset that have another value now (a few suffice). */
  changed(depset: number): readonly Key[];
  /** What else may keep a fact from holding though all its depsets hold. */
  readonly moduleLevel: Pick<ModuleLevel, "ofTest" | "ofFile" | "provisos" | "failed">;
  /** Why a file cannot be read as Python any more, if so. */
  broken(path: string): string | undefined;
  /** What the user declared; nothing, if it is not there. */
  readonly word?: Word;
  /** The same on an earlier state: a fact proves its test only if it held there as well. */
  readonly before?: Knowledge;
}

/** What is remembered of a wrong proof. */
export interface MissedBefore {
  readonly at: number;
  readonly was: string | null;
  readonly outcome: string;
  /** What was declared for the test by then ({@link declaredId}). */
  readonly declared?: readonly string[];
}

/** What the user asked for, in terms of the project. */
export interface Scope {
  /** Whether tests of this file are asked for. */
  hasFile(path: string): boolean;
  /** Whether this test is asked for, within a file that is. */
  hasTest(path: string, node: string): boolean;
  /** Whether the file is asked for through node ids: then it is collected, and its tests are deselected one by one. */
  byId(path: string): boolean;
}

/** Files that pytest may collect and that were never collected, with the reason. */
export interface Candidate {
  readonly path: string;
  readonly reason: Reason;
}

const REASONS_PER_TEST = 8;

export function select(
  knowledge: Knowledge,
  scope: Scope,
  candidates: readonly Candidate[],
  exists: (path: string) => boolean,
  isSampled?: (id: string) => boolean,
): Plan {
  const tests: SelectedTest[] = [];
  const files: SelectedFile[] = candidates.map(({ path, reason }) => ({ path, reasons: [reason] }));
  const skipFiles: string[] = [];
  const skipTests = new Map<string, readonly string[]>();
  const provided = new Map<string, readonly string[]>();
  const failed = new Map<string, readonly string[]>();
  let upToDate = 0;
  let known = 0;
  let leftOutWithFiles = 0;
  const word = wordOf(knowledge);
  const node = (test: number): string => knowledge.nodes.get(test) ?? "";
  const isLeftOut = (test: number): boolean => word.also(test) === undefined && isProven(knowledge, test);
  for (const [path, collections] of knowledge.collections) {
    if (!scope.hasFile(path) || !exists(path)) {
      continue;
    }
    const collection = provenCollection(knowledge, collections);
    if (collection === undefined) {
      const newest = collections[0];
      files.push({
        path,
        reasons: newest === undefined ? [{ kind: "no-record" }] : collectionReasons(knowledge, collections),
      });
      const proven = (newest?.tests ?? []).filter(isLeftOut);
      known += newest?.tests.length ?? 0;
      upToDate += proven.length;
      if (proven.length > 0) {
        skipTests.set(path, proven.map(node));
        const provisos = provisosOf(knowledge, proven);
        if (provisos.paths.length > 0) {
          provided.set(path, provisos.paths);
          failed.set(path, provisos.failed);
        }
      }
      continue;
    }
    const survivors = knowledge.survivors.get(collection.id);
    const kept = survivors ?? collection.tests;
    // Names of tests are not asked for where the file is asked for as a whole.
    const asked = scope.byId(path) ? kept.filter((test) => scope.hasTest(path, node(test))) : kept;
    const proven = new Set(collection.tests.filter(isLeftOut));
    known += asked.length;
    if (survivors === undefined) {
      files.push({ path, reasons: [{ kind: "selection-unknown" }] });
    }
    const leave = new Set(proven);
    let left = 0;
    for (const test of asked) {
      if (!proven.has(test)) {
        left += 1;
        tests.push({ id: node(test), reasons: testReasons(knowledge, test) });
      } else if (survivors !== undefined && isSampled?.(node(test)) === true) {
        // Only where it is known that pytest will come by it.
        leave.delete(test);
        left += 1;
        tests.push({ id: node(test), reasons: [{ kind: "sampled" }] });
      } else {
        upToDate += 1;
      }
    }
    if (survivors !== undefined && left === 0 && !scope.byId(path) && word.alsoExpressions.length === 0) {
      skipFiles.push(path);
      leftOutWithFiles += asked.length;
    } else if (leave.size > 0) {
      skipTests.set(path, [...leave].map(node));
    }
  }
  if (tests.length === 0 && files.length === 0) {
    // Nothing is left out either: what to say of that, and with which exit code, is pytest's to decide.
    return upToDate === 0
      ? { kind: "everything", because: "no recorded test is among those asked for", known: 0 }
      : { kind: "nothing", upToDate };
  }
  return { kind: "some", tests, files, skipFiles, skipTests, provided, failed, leftOutWithFiles, upToDate, known };
}

function wordOf(knowledge: Knowledge): Word {
  return knowledge.word ?? NO_WORD;
}

/** Whether everything that was seen to matter is what it was. */
function allHold(knowledge: Knowledge, { depsets, remarks }: Pick<KnownFact, "depsets" | "remarks">): boolean {
  return (
    depsets.every((depset) => knowledge.holds(depset)) &&
    (opaqueDepsets(wordOf(knowledge), remarks)?.every((depset) => knowledge.holds(depset)) ?? false)
  );
}

/** Whether a fact says something of the present state: what was declared counts as well. */
function factHolds(knowledge: Knowledge, test: number, fact: KnownFact, isUnseen = fact.remarks?.elsewhere): boolean {
  return (
    allHold(knowledge, fact) &&
    knowledge.moduleLevel.ofTest(test, fact.depsets, isUnseen).length === 0 &&
    unmet(wordOf(knowledge), test, fact.remarks, { limit: 1 }).length === 0
  );
}

/** Whether any passing fact says something of the present state. */
export function anythingHolds(knowledge: Knowledge): boolean {
  return [...knowledge.facts].some(([test, facts]) =>
    facts.some((fact) => fact.green && factHolds(knowledge, test, fact)),
  );
}

/** Whether a fact held on the earlier state that is asked about, if one is. */
function heldBefore({ before }: Knowledge, test: number, fact: KnownFact): boolean {
  // No import of an earlier state is seen to go well.
  return before === undefined || factHolds(before, test, fact, true);
}

function collectionHolds(knowledge: Knowledge, collection: KnownCollection): boolean {
  const { path, depsets } = collection;
  return allHold(knowledge, collection) && knowledge.moduleLevel.ofFile(path, depsets).length === 0;
}

/** Whether a test has to run though this fact of it holds. */
function runsAlways(knowledge: Knowledge, { remarks }: KnownFact): boolean {
  const word = wordOf(knowledge);
  return remarks?.always === true || (word.opaqueRunsAlways && opaqueReasons(word, remarks).length > 0);
}

/** A collection that holds now, with what the newest such yields; undefined if there is none, or if a failed one holds as well. */
export function provenCollection(
  knowledge: Knowledge,
  collections: readonly KnownCollection[],
): KnownCollection | undefined {
  const holding = collections.filter(
    (one) => (one.outcome !== ABSENT_COLLECTION || knowledge.survivors.has(one.id)) && collectionHolds(knowledge, one),
  );
  if (!holding.every((candidate) => candidate.green)) {
    return undefined;
  }
  // Sessions differ in what else they loaded, so one file may have several that hold. Of those that yield the same as
  // the newest, one is as good as another: that of which the user's choice is known saves collecting it again.
  const [newest] = holding;
  if (holding.length < 2) {
    return newest;
  }
  const yielded = newest?.tests.join();
  const same = holding.filter(({ tests }) => tests.join() === yielded);
  return same.find(({ id }) => knowledge.survivors.has(id)) ?? newest;
}

/**
 * Whether a fact may prove its test. After a wrong proof only those may that hold what was declared since: the cause, we
 * are told. Undeclared again, it says nothing.
 */
function mayProve(knowledge: Knowledge, test: number, { remarks }: KnownFact): boolean {
  const missed = knowledge.missed.get(test);
  if (missed === undefined) {
    return true;
  }
  const known = new Set(missed.declared);
  const configured = new Set(wordOf(knowledge).declared(test).map(declaredId));
  return (remarks?.declared ?? []).some((key) => {
    const id = declaredId(key);
    return !known.has(id) && (key.by === "marker" || configured.has(id));
  });
}

/** The fact that proves a test now; undefined if it has to run. */
export function proofOf(knowledge: Knowledge, test: number): KnownFact | undefined {
  let proof: KnownFact | undefined;
  if (wordOf(knowledge).always(test)) {
    return undefined;
  }
  for (const fact of knowledge.facts.get(test) ?? []) {
    if (!factHolds(knowledge, test, fact)) {
      continue;
    }
    if (!fact.green || runsAlways(knowledge, fact)) {
      return undefined;
    }
    if (proof === undefined && mayProve(knowledge, test, fact) && heldBefore(knowledge, test, fact)) {
      proof = fact;
    }
  }
  return proof;
}

/**
 * Files that have to be imported to their end for the proofs of these tests to hold, and those that were not when all of
 * the proofs came about.
 */
function provisosOf(
  knowledge: Knowledge,
  tests: readonly number[],
): { readonly paths: readonly string[]; readonly failed: readonly string[] } {
  const sets = new Map<string, readonly number[]>();
  for (const test of tests) {
    const depsets = proofOf(knowledge, test)?.depsets ?? [];
    sets.set(depsets.join(), depsets);
  }
  const proofs = [...sets.values()];
  const paths = [...new Set(proofs.flatMap((depsets) => knowledge.moduleLevel.provisos(depsets)))].sort();
  const failed = paths.length === 0 ? [] : proofs.map((depsets) => new Set(knowledge.moduleLevel.failed(depsets)));
  const [first = new Set<string>(), ...others] = failed;
  return { paths, failed: [...first].filter((path) => others.every((set) => set.has(path))).sort() };
}

function isProven(knowledge: Knowledge, test: number): boolean {
  return proofOf(knowledge, test) !== undefined;
}

/** Why a test runs, if it is not proven, or named by `--also`: at least one reason. */
export function testReasons(knowledge: Knowledge, test: number): Reason[] {
  const missed = knowledge.missed.get(test);
  if (missed !== undefined && !(knowledge.facts.get(test) ?? []).some((fact) => mayProve(knowledge, test, fact))) {
    return [{ kind: "missed-before", at: missed.at, was: missed.was, outcome: missed.outcome }];
  }
  const word = wordOf(knowledge);
  if (word.always(test)) {
    return [{ kind: "always", by: "configuration" }];
  }
  const facts = knowledge.facts.get(test) ?? [];
  const newest = facts[0];
  const also = word.also(test);
  if (newest === undefined || (also !== undefined && isProven(knowledge, test))) {
    return [also === undefined ? { kind: "no-record" } : { kind: "also", name: also }];
  }
  const holding = facts.filter((fact) => factHolds(knowledge, test, fact));
  const forced = holding.find((fact) => runsAlways(knowledge, fact));
  if (forced !== undefined) {
    return forced.remarks?.always === true
      ? [{ kind: "always", by: "marker" }]
      : [{ kind: "opaque", name: opaqueReasons(word, forced.remarks)[0] ?? "" }];
  }
  const red = holding.find((fact) => !fact.green);
  if (red !== undefined) {
    return red.outcome === "passed"
      ? [{ kind: "not-proven", outcome: "passed after a rerun" }]
      : [{ kind: "failed", at: red.at }];
  }
  const { before } = knowledge;
  const proof = before === undefined ? undefined : holding.find((fact) => mayProve(knowledge, test, fact));
  if (before !== undefined && proof !== undefined) {
    return factReasons(before, test, proof, true);
  }
  // The newest passing fact tells best what changed; where there is none, the newest of all does.
  return factReasons(knowledge, test, facts.find((fact) => fact.green) ?? newest);
}

/** Why a fact does not hold. */
function factReasons(
  knowledge: Knowledge,
  test: number,
  fact: KnownFact,
  isUnseen = fact.remarks?.elsewhere,
): Reason[] {
  const seen = changes(knowledge, fact, knowledge.moduleLevel.ofTest(test, fact.depsets, isUnseen));
  const declared = unmet(wordOf(knowledge), test, fact.remarks, { commands: seen.length === 0 });
  const reasons = [...seen, ...declared].slice(0, REASONS_PER_TEST);
  return reasons.length === 0 ? [{ kind: "no-record" }] : reasons;
}

function collectionReasons(knowledge: Knowledge, collections: readonly KnownCollection[]): Reason[] {
  const red = collections.find((candidate) => !candidate.green && collectionHolds(knowledge, candidate));
  if (red !== undefined) {
    return [{ kind: "failed", at: red.at }];
  }
  const newest = collections[0];
  const reasons =
    newest === undefined ? [] : changes(knowledge, newest, knowledge.moduleLevel.ofFile(newest.path, newest.depsets));
  return reasons.length === 0 ? [{ kind: "no-record" }] : reasons;
}

/** What a fact depends on and has another value now; `more`: what its module levels say. */
function changes(
  knowledge: Knowledge,
  { depsets, remarks }: Pick<KnownFact, "depsets" | "remarks">,
  more: readonly Reason[],
): Reason[] {
  const reasons: Reason[] = [...more];
  const seen = new Set<string>(more.map((reason) => JSON.stringify(reason)));
  const opaque = opaqueDepsets(wordOf(knowledge), remarks);
  if (opaque === null) {
    reasons.push({ kind: "opaque", name: opaqueReasons(wordOf(knowledge), remarks)[0] ?? "" });
  }
  for (const depset of [...depsets, ...(opaque ?? [])]) {
    if (knowledge.holds(depset)) {
      continue;
    }
    for (const key of knowledge.changed(depset)) {
      const message = key.kind === "body" || key.kind === "toplevel" ? knowledge.broken(key.path) : undefined;
      const reason: Reason =
        message === undefined ? changedReason(key) : { kind: "unparsable", path: key.path, message };
      const id = JSON.stringify(reason);
      if (!seen.has(id) && reasons.length < REASONS_PER_TEST) {
        seen.add(id);
        reasons.push(reason);
      }
    }
  }
  return reasons;
}
