/**
 * A decision for people who only look: `plan`, `why` and `status`. Writes nothing but what an interrupted run left, and
 * what the decision found out about contents: whoever looks is likely to look again.
 */

import { statSync } from "node:fs";
import { WinnowError } from "../model/error.ts";
import type { Plan } from "../model/plan.ts";
import { compilerOf } from "../runners/pytest/compiler.ts";
import { layoutOf } from "../store/layout.ts";
import { openStore, type Store } from "../store/store.ts";
import { type Decision, decide } from "./decide.ts";
import { environmentOf, withEnvironmentName } from "./environment.ts";
import { hasLeftovers } from "./leftovers.ts";
import type { Progress } from "./progress.ts";
import { type ResolvedInterpreter, resolveInterpreter } from "./python.ts";
import type { Request } from "./request.ts";
import { compileForShortLife } from "./short-lived.ts";
import { stage } from "./trace.ts";

/** Of more contents than an edit leaves behind the next run keeps what was found out: it has to do with all of them. */
const FEW_CONTENTS = 64;

export interface Look {
  readonly store: Store | undefined;
  readonly decision: Decision | undefined;
  readonly plan: Plan;
  readonly python: ResolvedInterpreter;
  /** The name of the environment; empty: it has none, or there is nothing to decide on and nobody asked Python for it. */
  readonly environment: string;
  /** A line for people where other results are meant than those of `winnow run`; else none. */
  readonly remark: readonly string[];
}

const PYTEST_ALONE =
  "winnow: these are the results of `pytest --winnow`; of `python -m pytest`, which `winnow run` starts, there are none yet";

/** Decides a request without running anything. A project without a store has no decision, and every test would run. */
export async function look(asked: Request, progress?: Progress): Promise<Look> {
  const layout = layoutOf(asked.root);
  const nothing = { store: undefined, decision: undefined, environment: asked.config.environment, remark: [] };
  if (statSync(layout.database, { throwIfNoEntry: false }) === undefined) {
    const plan: Plan = { kind: "everything", because: "nothing is recorded yet", known: 0 };
    return { ...nothing, plan, python: resolveInterpreter(asked, undefined) };
  }
  compileForShortLife();
  let store: Store;
  try {
    store = stage("store-open", () => openStore(layout.database));
  } catch (error) {
    if (error instanceof WinnowError) {
      const plan: Plan = { kind: "everything", because: error.message, known: 0 };
      return { ...nothing, plan, python: resolveInterpreter(asked, undefined) };
    }
    throw error;
  }
  const python = stage("interpreter", () => resolveInterpreter(asked, store));
  const named = await withEnvironmentName(asked, python.info);
  const request = recordedAs(store, named, python);
  const compiler = compilerOf(python.info.executable);
  if (hasLeftovers(layout)) {
    const { recordLeftovers } = await stage("load", () => import("./record.ts"));
    stage("leftovers", () => recordLeftovers(store, layout, request, python.info, compiler));
  }
  const judge = request.since === undefined ? undefined : (await import("./since.ts")).judgeOf(request.since);
  const decision = decide(store, request, python.info, compiler, { progress, judge });
  const { tree } = decision;
  if (tree.freshContents > 0 && tree.freshContents <= FEW_CONTENTS) {
    stage("keep", () => store.keep(() => tree.saveFingerprints(store)));
  }
  const remark = request.searchesCwd === named.searchesCwd ? [] : [PYTEST_ALONE];
  return { store, decision, plan: decision.plan, python, environment: request.config.environment, remark };
}

/** The request as it was recorded: where there is nothing of `python -m pytest`, who looks means what `pytest` has left. */
function recordedAs(store: Store, request: Request, { info }: ResolvedInterpreter): Request {
  const alone = { ...request, searchesCwd: false };
  const isKnown = (one: Request): boolean => store.environment(environmentOf(one, info).digest) !== undefined;
  return !isKnown(request) && isKnown(alone) ? alone : request;
}
