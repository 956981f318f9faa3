/** What the collector is told of the order of tests: the engine knows how they ended, the collector which fixtures they share. */

import type { Order } from "../model/order.ts";
import type { Plan } from "../model/plan.ts";
import type { Store } from "../store/store.ts";

/** What the plan file says of the order: by file and node id, whether the test failed last, and microseconds. */
export interface OrderDocument {
  readonly kind: "failures-first";
  readonly tests: Readonly<Record<string, Readonly<Record<string, readonly [failed: boolean, durationUs: number]>>>>;
}

const FAILURES: ReadonlySet<string> = new Set(["failed", "error"]);

/** What is recorded of the tests that the plan does not leave out; null where they run as they are written. */
export function orderDocument(
  order: Order,
  store: Store | undefined,
  environment: string,
  plan: Plan | undefined,
): OrderDocument | null {
  const id = store?.environment(environment);
  if (order === "written" || store === undefined || id === undefined) {
    return null;
  }
  const skipFiles = new Set(plan?.kind === "some" ? plan.skipFiles : []);
  const skipTests = plan?.kind === "some" ? plan.skipTests : new Map<string, readonly string[]>();
  const tests: Record<string, Record<string, readonly [boolean, number]>> = {};
  let path: string | undefined;
  let skipped: ReadonlySet<string> = new Set();
  for (const last of store.lastOutcomes(id)) {
    if (last.path !== path) {
      path = last.path;
      skipped = new Set(skipTests.get(path));
    }
    if (!skipFiles.has(path) && !skipped.has(last.node)) {
      tests[path] ??= {};
      (tests[path] as Record<string, readonly [boolean, number]>)[last.node] = [
        FAILURES.has(last.outcome),
        last.durationUs,
      ];
    }
  }
  return { kind: order, tests };
}
