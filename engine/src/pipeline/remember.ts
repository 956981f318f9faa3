/**
 * The verdict that the next idle invocation finds ready: what a run, or a decision without one, leaves behind
 * (`verdict.ts` tells whether it stands).
 *
 * After a run the same request is decided again on what is known then. Where nothing but the run has come between, a file
 * that was left out as a whole is what it was found to be before, and only the others are gone through.
 */

import type { Plan } from "../model/plan.ts";
import type { InterpreterInfo } from "../runners/pytest/interpreter.ts";
import type { Knowledge } from "../selection/select.ts";
import type { Store } from "../store/store.ts";
import { type Decision, openTree, planOf, readKnowledge } from "./decide.ts";
import type { DeclaredValues } from "./declared.ts";
import type { Environment } from "./environment.ts";
import type { PresentTree } from "./present.ts";
import type { Request } from "./request.ts";
import { surroundingsOf, type Verdict, verdictKey } from "./verdict.ts";

/** The collections of so many files are read one by one; those of more, with all others. */
const FEW_FILES = 256;

/** A decision that was carried out. */
export interface Decided {
  readonly decision: Decision;
  /** What was carried out of it. */
  readonly plan: Plan;
  /** That of the store since, if nobody else has written meanwhile. */
  readonly generation: number;
}

/** What a run has led to. */
export interface RunState {
  readonly environment: Environment;
  readonly tree: PresentTree;
  readonly declared: DeclaredValues;
  readonly decided?: Decided;
  /** Files that the run has come by. */
  readonly ran?: ReadonlySet<string>;
}

/**
 * Decides the same request again on what is known now, so that an idle invocation finds its answer ready. What is asked of
 * the tree for that is watched from then on. Only within `write`.
 */
export function rememberVerdict(store: Store, request: Request, state: RunState): void {
  const { environment, tree, declared } = state;
  const { upToDate, variables } = verdictAfter(store, request, state);
  const key = verdictKey(request, environment, tree);
  writeVerdict(
    store,
    upToDate === undefined ? {} : { [key]: upToDate },
    new Map([...(variables ?? []), ...declared.variables]),
  );
}

/** How many tests are up to date, if all are that were asked for, and declared variables that this rests on besides. */
export function verdictAfter(
  store: Store,
  request: Request,
  state: RunState,
): { readonly upToDate?: number; readonly variables?: ReadonlyMap<string, string> } {
  const { environment, tree, declared, decided, ran = new Set() } = state;
  const id = store.environment(environment.digest);
  if (id === undefined) {
    return {};
  }
  const left = decided === undefined ? undefined : leftOut(store, request, tree, decided, ran);
  if (left !== undefined) {
    const known = knownSince(store, id, left.decision.knowledge, ran);
    const knowledge = readKnowledge(store, id, request, tree, [], declared, known);
    const plan = planOf(store, id, request, tree, knowledge, { except: left.files });
    if (plan.kind !== "everything") {
      const { variables } = left.decision.declared;
      return plan.kind === "nothing" ? { upToDate: plan.upToDate + left.tests, variables } : {};
    }
  }
  const plan = planOf(store, id, request, tree, readKnowledge(store, id, request, tree, [], declared));
  return plan.kind === "nothing" ? { upToDate: plan.upToDate } : {};
}

/** The facts and collections that were known, with those of the transaction under way, which is about some files. */
function knownSince(
  store: Store,
  environment: number,
  known: Knowledge,
  files: ReadonlySet<string>,
): Pick<Knowledge, "facts" | "collections"> {
  const facts = new Map([...known.facts, ...store.draftedFacts(environment)]);
  if (files.size > FEW_FILES) {
    return { facts, collections: store.collections(environment) };
  }
  const collections = new Map(known.collections);
  for (const path of files) {
    const own = store.collectionsOf(environment, path);
    if (own.length === 0) {
      collections.delete(path);
    } else {
      collections.set(path, own);
    }
  }
  return { facts, collections };
}

/**
 * Files that were left out as a whole, and of which nothing can have changed since that was decided; undefined where that
 * is not sure of all of them.
 *
 * What must stay true: whatever the decision has looked at is watched, and is what it was then; nobody else has written
 * to the store; nothing is counted on that is looked at only once, as the output of a command is.
 */
function leftOut(
  store: Store,
  request: Request,
  tree: PresentTree,
  { decision, plan, generation }: Decided,
  ran: ReadonlySet<string>,
):
  | {
      readonly files: ReadonlySet<string>;
      readonly tests: number;
      readonly decision: Decision & { readonly knowledge: NonNullable<Decision["knowledge"]> };
    }
  | undefined {
  const { knowledge } = decision;
  const isMore = request.since !== undefined || request.also.expressions.length > 0 || request.also.paths.length > 0;
  if (
    plan.kind !== "some" ||
    knowledge === undefined ||
    knowledge.before !== undefined ||
    isMore ||
    decision.declared.ranCommands ||
    decision.declared.refused.size > 0 ||
    store.generation() !== generation ||
    decision.tree.viewpoint !== tree.viewpoint ||
    plan.skipFiles.some((path) => ran.has(path)) ||
    !decision.tree.entries().every(({ kind, path, digest }) => tree.watched(kind, path) === digest)
  ) {
    return undefined;
  }
  return { files: new Set(plan.skipFiles), tests: plan.leftOutWithFiles, decision: { ...decision, knowledge } };
}

/** Stores verdicts for the state that the transaction under way leaves behind: it raises the generation at its end. */
function writeVerdict(
  store: Store,
  upToDate: Readonly<Record<string, number>>,
  variables: ReadonlyMap<string, string>,
): void {
  const verdict: Verdict = {
    generation: store.generation() + 1,
    upToDate,
    ...(variables.size > 0 ? { variables: Object.fromEntries(variables) } : {}),
  };
  store.setNote("verdict", JSON.stringify(verdict));
}

/**
 * Writes back what a decision without a run has learnt: times of files that were looked at again, and the verdict.
 * Only called if that saves the next invocation some work.
 */
export function remember(store: Store, request: Request, interpreter: InterpreterInfo, decision: Decision): void {
  const environment = store.environment(decision.environment.digest);
  if (environment === undefined || decision.plan.kind !== "nothing") {
    return;
  }
  const { upToDate } = decision.plan;
  const { variables, ranCommands } = decision.declared;
  if (ranCommands && decision.restamped === 0) {
    return;
  }
  store.write(() => {
    if (store.generation() !== decision.generation) {
      // Another process has written since the decision, which knows nothing of that.
      return;
    }
    const tree = openTree(store, request, interpreter, surroundingsOf(store, environment), store.watch());
    const changes = tree.scan();
    if (changes.length > 0) {
      return;
    }
    // What the decision looked at besides is part of its verdict.
    const watched = new Set(tree.entries().map(({ kind, path }) => kind + path));
    store.setWatch([
      ...tree.entries(),
      ...decision.tree.entries().filter(({ kind, path }) => !watched.has(kind + path)),
    ]);
    // Nothing but times changes here, so what was found for other requests stays true.
    const known = JSON.parse(store.note("verdict") ?? "null") as Verdict | null;
    const others = known?.generation === store.generation() ? known : undefined;
    const isSame = [...variables].every(([name, value]) => (others?.variables?.[name] ?? value) === value);
    // What a command prints can be known only by running it: such a verdict is good for this once.
    const own = ranCommands ? {} : { [verdictKey(request, decision.environment, tree)]: upToDate };
    writeVerdict(
      store,
      isSame ? { ...others?.upToDate, ...own } : own,
      isSame ? new Map([...Object.entries(others?.variables ?? {}), ...variables]) : variables,
    );
  });
}
