/**
 * Winnow's homework, marked: tests that could have been left out and ran all the same are compared with their proofs.
 *
 * What is found is kept in the store, in the transaction that records the run: tests that were missed run from then on
 * until their facts hold something that was not declared then, and the account of the day grows.
 */

import type { TestFrame } from "../journal/frames.ts";
import type { Plan } from "../model/plan.ts";
import { declaredId } from "../model/remarks.ts";
import { type Knowledge, type KnownFact, proofOf } from "../selection/select.ts";
import type { Store } from "../store/store.ts";
import { type Account, enter } from "../verification/account.ts";
import { type Miss, missingKeys } from "../verification/miss.ts";
import type { RunData } from "./record.ts";

/** What a run is compared with. */
export interface Expectation {
  /** Whether everything runs, or only a part of what could be left out: a sample, or what another state has run again. */
  readonly everything: boolean;
  /** How many tests are really left out. */
  readonly leftOut: number;
  /** Whether a test runs though it could be left out. */
  couldBeLeftOut(path: string, id: string): boolean;
  /** The fact that proves a test, as it was decided. */
  proof(test: number): KnownFact | undefined;
}

/** What is expected of a run of a plan; `knowledge` is what the plan was made from. */
export function expectationOf(plan: Plan, knowledge: Knowledge | undefined, everything: boolean): Expectation {
  const proof = (test: number): KnownFact | undefined =>
    knowledge === undefined ? undefined : proofOf(knowledge, test);
  if (!everything) {
    const tests = plan.kind === "some" ? plan.tests : [];
    const sampled = new Set(tests.flatMap(({ id, reasons }) => (reasons[0]?.kind === "sampled" ? [id] : [])));
    const leftOut = plan.kind === "some" ? plan.upToDate : 0;
    if (knowledge?.before !== undefined) {
      return { everything, leftOut, ...provenNow(knowledge) };
    }
    return { everything, leftOut, couldBeLeftOut: (_, id) => sampled.has(id), proof };
  }
  if (plan.kind === "some") {
    const files = new Set(plan.skipFiles);
    const tests = new Map([...plan.skipTests].map(([path, ids]) => [path, new Set(ids)]));
    const couldBeLeftOut = (path: string, id: string): boolean => files.has(path) || tests.get(path)?.has(id) === true;
    return { everything, leftOut: 0, couldBeLeftOut, proof };
  }
  return { everything, leftOut: 0, couldBeLeftOut: () => plan.kind === "nothing", proof };
}

/** What is proven on the present state runs all the same where another state is asked about: so it is put to the test. */
function provenNow({ before: _, ...knowledge }: Knowledge): Pick<Expectation, "couldBeLeftOut" | "proof"> {
  const tests = new Map<string, number>();
  for (const [path, [newest]] of knowledge.collections) {
    for (const test of newest?.tests ?? []) {
      tests.set(`${path}\n${knowledge.nodes.get(test)}`, test);
    }
  }
  const proof = (test: number): KnownFact | undefined => proofOf(knowledge, test);
  const couldBeLeftOut = (path: string, id: string): boolean => {
    const test = tests.get(`${path}\n${id}`);
    return test !== undefined && proof(test) !== undefined;
  };
  return { couldBeLeftOut, proof };
}

/** How many keys of a miss are kept. */
const KEPT_KEYS = 20;

/** Compares the tests of one run. Only within `write`. */
export class Verifier {
  readonly #store: Store;
  readonly #environment: number;
  readonly #expectation: Expectation | undefined;
  readonly #misses = new Map<number, Miss>();
  #checked = 0;

  constructor(store: Store, environment: number, expectation: Expectation | undefined) {
    this.#store = store;
    this.#environment = environment;
    this.#expectation = expectation;
  }

  /** One finished test, before it is recorded; `depsets` is null if it cannot be. */
  compare(path: string, frame: TestFrame, depsets: readonly number[] | null): void {
    const expectation = this.#expectation;
    if (expectation?.couldBeLeftOut(path, frame.id) !== true) {
      return;
    }
    this.#checked += 1;
    const test = this.#store.internTest(frame.id, path);
    const proof = expectation.proof(test);
    // Nobody knew of a test without a proof; that it would not have run is only worth a word if it does not pass.
    if (proof === undefined ? frame.green : proof.outcome === frame.outcome) {
      return;
    }
    this.#misses.set(test, {
      id: frame.id,
      path,
      at: Math.round(frame.started * 1000),
      was: proof?.outcome ?? null,
      outcome: frame.outcome,
      missing: depsets === null || proof === undefined ? null : this.#missing(test, proof, depsets),
      declared: (proof?.remarks?.declared ?? []).map(declaredId),
    });
  }

  #missing(test: number, proof: KnownFact, depsets: readonly number[]): Miss["missing"] {
    const run = this.#store.runOfFact(this.#environment, test, proof.at);
    const last = run === undefined ? undefined : (JSON.parse(run) as Partial<RunData>).lastDependency;
    const members = (ids: readonly number[]) =>
      this.#store.dependencies([...new Set(ids.flatMap((depset) => this.#store.depset(depset)))]);
    const now = members(depsets).map((one) => ({ ...one, isNew: last === undefined || one.id > last }));
    // Where the proof was opaque, everything in the project was covered by it.
    const covered = members([...proof.depsets, ...(proof.remarks?.opaque?.depsets ?? [])]);
    return missingKeys(covered, now).slice(0, KEPT_KEYS);
  }

  /** Keeps what was found, once for each run: its journals may come in more than once. */
  save(run: string, tests: number): { checked: number; misses: readonly Miss[] } {
    const checked = this.#checked;
    const misses = [...this.#misses.values()];
    if (misses.length > 0) {
      writeMisses(this.#store, new Map([...missesOf(this.#store), ...this.#misses]));
    }
    if (!this.#store.hasRun(run)) {
      const everything = this.#expectation?.everything === true;
      const entry = {
        runs: 1,
        tests,
        leftOut: this.#expectation?.leftOut ?? 0,
        observed: everything ? checked : 0,
        sampled: everything ? 0 : checked,
        misses: misses.length,
      };
      const account = enter(accountOf(this.#store), new Date().toISOString().slice(0, 10), entry);
      this.#store.setNote("account", JSON.stringify(account));
    }
    return { checked, misses };
  }
}

/** Tests that were missed and not forgiven, by their number in the store. */
export function missesOf(store: Store): Map<number, Miss> {
  const stored = JSON.parse(store.note("misses") ?? "{}") as Record<string, Miss>;
  return new Map(Object.entries(stored).map(([test, miss]) => [Number(test), miss]));
}

function writeMisses(store: Store, misses: ReadonlyMap<number, Miss>): void {
  store.setNote("misses", JSON.stringify(Object.fromEntries(misses)));
}

/** The daily account. */
export function accountOf(store: Store): Account {
  return JSON.parse(store.note("account") ?? "{}") as Account;
}

/** Lets facts prove these tests again; returns the misses that are forgotten. */
export function forgive(store: Store, isMeant: (miss: Miss) => boolean): Miss[] {
  return store.write(() => {
    const misses = missesOf(store);
    const forgiven = [...misses].filter(([, miss]) => isMeant(miss));
    for (const [test] of forgiven) {
      misses.delete(test);
    }
    writeMisses(store, misses);
    return forgiven.map(([, miss]) => miss);
  });
}
