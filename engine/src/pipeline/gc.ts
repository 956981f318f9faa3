/** `winnow gc`: what the present state needs is found first, then the rest may go. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { proofOf, provenCollection } from "../selection/select.ts";
import { collectGarbage, type Garbage } from "../store/garbage.ts";
import { layoutOf } from "../store/layout.ts";
import { readKnowledge } from "./decide.ts";
import { hasLeftovers } from "./leftovers.ts";
import { look } from "./look.ts";
import type { Request } from "./request.ts";
import { ignoredPaths } from "./word.ts";

export interface GcOptions {
  readonly olderThanDays: number;
  readonly keep: number;
}

/** Drops what can go from the project's store; undefined if there is none. */
export async function gc(request: Request, options: GcOptions): Promise<Garbage | undefined> {
  const layout = layoutOf(request.root);
  if (!existsSync(layout.database)) {
    return undefined;
  }
  return collectGarbage(layout.database, {
    ...options,
    exists: (path) => existsSync(join(request.root, path)),
    isIgnored: ignoredPaths(request.config.ignore),
    needed: await neededNow(request),
    runsAreWaiting: hasLeftovers(layout),
  });
}

/** What proves something now, as far as it is the present environment's: the store knows of the last run's state only. */
async function neededNow(request: Request): Promise<{ facts: Set<number>; collections: Set<number> }> {
  const facts = new Set<number>();
  const collections = new Set<number>();
  const { store, decision } = await look(request);
  const environment = decision === undefined ? undefined : store?.environment(decision.environment.digest);
  if (store !== undefined && decision !== undefined && environment !== undefined) {
    const { tree, changes, declared } = decision;
    const knowledge = decision.knowledge ?? readKnowledge(store, environment, request, tree, changes, declared);
    const stored = store.facts(environment);
    for (const [test, known] of stored) {
      const proof = proofOf({ ...knowledge, facts: stored }, test);
      const own = known.find((fact) => fact === proof);
      if (own !== undefined) {
        facts.add(own.id);
      }
    }
    for (const known of knowledge.collections.values()) {
      const proven = provenCollection(knowledge, known);
      if (proven !== undefined) {
        collections.add(proven.id);
      }
    }
  }
  store?.close();
  return { facts, collections };
}
