/**
 * What is told of tests from before Winnow: how long they took, and which failed last. It is shown, and proves nothing: a
 * test without a fact runs, and its first recorded result takes the place of this.
 */

import type { Store } from "../store/store.ts";
import type { TestmonTest } from "../store/testmon.ts";

export interface History {
  /** How many tests are told of that nothing is recorded of. */
  readonly tests: number;
  readonly durationUs: number;
  /** Those of them that failed last; sorted. */
  readonly failed: readonly string[];
}

type Told = Record<string, readonly [durationUs: number, failed: boolean]>;

/** Adds what is told; what was told of the same test before gives way. */
export function addHistory(store: Store, tests: readonly TestmonTest[]): void {
  store.write(() => {
    const told = Object.fromEntries(tests.map(({ id, durationUs, failed }) => [id, [durationUs, failed]])) as Told;
    store.setNote("history", JSON.stringify({ ...toldIn(store), ...told }));
  });
}

function toldIn(store: Store): Told {
  return JSON.parse(store.note("history") ?? "{}") as Told;
}

/** What is told of tests that nothing is recorded of; null if nothing is. */
export function historyOf(store: Store | undefined): History | null {
  const told = store === undefined ? {} : toldIn(store);
  const recorded = store === undefined || Object.keys(told).length === 0 ? [] : [...store.testNodes().values()];
  for (const id of recorded) {
    delete told[id];
  }
  const tests = Object.entries(told);
  return tests.length === 0
    ? null
    : {
        tests: tests.length,
        durationUs: tests.reduce((sum, [, [durationUs]]) => sum + durationUs, 0),
        failed: tests.flatMap(([id, [, failed]]) => (failed ? [id] : [])).sort(),
      };
}
