/** `winnow gc`: what the present state and saved ones need is found first, then the rest may go. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { compilerOf } from "../runners/pytest/compiler.ts";
import { type Knowledge, proofOf, provenCollection } from "../selection/select.ts";
import { NO_WORD } from "../selection/word.ts";
import { collectGarbage, type Garbage, type GarbageRules } from "../store/garbage.ts";
import { layoutOf } from "../store/layout.ts";
import { readKnowledge } from "./decide.ts";
import { hasLeftovers } from "./leftovers.ts";
import { look } from "./look.ts";
import { type Present, readPast } from "./past.ts";
import type { Request } from "./request.ts";
import { pastOfState, savedContents } from "./saved.ts";
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
    needed: await needed(request),
    runsAreWaiting: hasLeftovers(layout),
  });
}

/**
 * What proves something now, or on a saved state, as far as it is the present environment's: the store knows of the last
 * run's state only.
 */
async function needed(asked: Request): Promise<GarbageRules["needed"]> {
  const facts = new Set<number>();
  const collections = new Set<number>();
  const { store, decision, environment: name, python } = await look(asked);
  const contents = store === undefined ? new Set<string>() : savedContents(store);
  const environment = decision === undefined ? undefined : store?.environment(decision.environment.digest);
  if (store !== undefined && decision !== undefined && environment !== undefined) {
    const request = { ...asked, config: { ...asked.config, environment: name } };
    const { tree, changes, declared } = decision;
    const knowledge = decision.knowledge ?? readKnowledge(store, environment, request, tree, changes, declared);
    const compiler = compilerOf(python.info.executable);
    const { info: interpreter } = python;
    const present = { store, environment, request, interpreter, compiler, tree, changes, declared, knowledge };
    const stored = store.facts(environment);
    for (const each of [knowledge, ...store.stateNames().flatMap((state) => knowledgeOn(state, present))]) {
      for (const [test, known] of stored) {
        const proof = proofOf({ ...each, facts: stored }, test);
        const own = known.find((fact) => fact === proof);
        if (own !== undefined) {
          facts.add(own.id);
        }
      }
      for (const known of each.collections.values()) {
        const proven = provenCollection(each, known);
        if (proven !== undefined) {
          collections.add(proven.id);
        }
      }
    }
  }
  store?.close();
  return { facts, collections, contents };
}

/** What is known on a saved state; nothing where that cannot be compared with now. */
function knowledgeOn(name: string, present: Present): Knowledge[] {
  const { store, tree, request } = present;
  const { root, config } = request;
  const past = pastOfState(store, name, { tree, root, environment: config.environment });
  if (typeof past === "string") {
    return [];
  }
  const { knowledge } = readPast(present, past);
  // Its facts may prove something where it is the present state again: then nothing has changed.
  const { anythingChanged: _, ...word } = knowledge.word ?? NO_WORD;
  return [{ ...knowledge, word }];
}
