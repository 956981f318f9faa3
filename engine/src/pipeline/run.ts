/**
 * `winnow run`: see what changed, choose the tests that it concerns, run them, remember what they touched.
 *
 * Everything before `execute` only reads (but for what an earlier run left behind). A failure there never hides a
 * test: it widens the plan to everything and says why. Nothing past `decide` is loaded where nothing has to run.
 */

import type { Mode } from "../config/config.ts";
import { lazyCrypto } from "../files/hash.ts";
import { messageOf, WinnowError } from "../model/error.ts";
import type { Order } from "../model/order.ts";
import type { Plan } from "../model/plan.ts";
import type { Since } from "../model/since.ts";
import { compilerOf } from "../runners/pytest/compiler.ts";
import type { InterpreterInfo } from "../runners/pytest/interpreter.ts";
import { type Layout, layoutOf, makeLayout } from "../store/layout.ts";
import { isDamage, type Notes, openNotes, unreadable, writingError } from "../store/notes.ts";
import type { Store } from "../store/store.ts";
import type { Decision } from "./decide.ts";
import { environmentOf, withEnvironmentName } from "./environment.ts";
import type { Execute } from "./execute.ts";
import { hasLeftovers } from "./leftovers.ts";
import type { Progress as ProgressTeller, Work } from "./progress.ts";
import { resolveInterpreter } from "./python.ts";
import type { RecordSummary } from "./record.ts";
import type { Request } from "./request.ts";
import { compileForShortLife } from "./short-lived.ts";
import { stage } from "./trace.ts";
import { type Seen, type Standing, standingVerdict, variablesOf } from "./verdict.ts";

/** What happens in a run, in order; terminal and JSON are readers of these. */
export type RunEvent =
  | { readonly kind: "warning"; readonly message: string; readonly help: string; readonly code: string }
  | {
      readonly kind: "planned";
      /** In "observe" this is only what would have run. */
      readonly mode: Mode;
      readonly plan: Plan;
      /** The earlier state that was asked about. */
      readonly since: Since | undefined;
      readonly changedPaths: readonly string[];
      readonly decidedMs: number;
    }
  | { readonly kind: "progress"; readonly work: Work; readonly done: number; readonly total: number }
  | { readonly kind: "threshold-not-applied" }
  | { readonly kind: "not-recorded"; readonly because: string }
  | {
      readonly kind: "finished";
      readonly mode: Mode;
      readonly exitCode: number;
      readonly plan: Plan;
      readonly summary: RecordSummary | undefined;
    };

export interface RunOptions {
  /** What the plan is for; without it, what the project's configuration says. */
  readonly mode?: Mode | undefined;
  /** In which order tests run; without it, as they are written. */
  readonly order?: Order | undefined;
  /** Whether a miss makes the exit code {@link EXIT_MISS} where pytest's is 0. */
  readonly missesFail?: boolean;
  readonly outputToStderr: boolean;
  readonly emit: (event: RunEvent) => void;
  /** How pytest is brought to run; without it, it is started. */
  readonly execute?: Execute | undefined;
  /** When the question was asked, as `performance.now()` tells it; without it, when this process began. */
  readonly askedAt?: number;
  /** Where the store is; without it, in the project. */
  readonly layout?: Layout | undefined;
}

/** pytest's own: nothing was collected, or nothing of it was left. */
const NO_TESTS = 5;

/** A test that would have been left out ended otherwise than its proof, while pytest itself has nothing to complain of. */
export const EXIT_MISS = 10;

/**
 * Runs a request and returns the exit code: pytest's, except that everything left out by Winnow is 0.
 *
 * An error of Winnow's own before pytest starts costs the selection, never the tests. Throws a {@link WinnowError}
 * only where no pytest can be started at all.
 */
export async function run(request: Request, options: RunOptions): Promise<number> {
  const progress: Progress = { started: false };
  const warn = (error: unknown, consequence: string): void => {
    const known = error instanceof WinnowError ? error : undefined;
    options.emit({
      kind: "warning",
      code: known?.code ?? "internal",
      message: `${consequence}, because ${known?.message ?? `of an error in Winnow (${messageOf(error)})`}`,
      help: known?.help ?? "Please report it; the tests' own results are not affected.",
    });
  };
  try {
    return await attempt(request, options, warn, progress);
  } catch (error) {
    if (progress.started || (error instanceof WinnowError && error.code.startsWith("py"))) {
      throw error;
    }
    warn(error, "every test runs and nothing is recorded");
    return await runBare(request, options);
  }
}

/** How far a run has come, for whoever handles its errors. */
interface Progress {
  /** pytest has been started: running the tests again would not be what the user asked for. */
  started: boolean;
}

type Warn = (error: unknown, consequence: string) => void;

/** pytest as the user would start it. */
async function runBare(request: Request, options: RunOptions): Promise<number> {
  const { interpreter } = resolveInterpreter(request, undefined);
  const execute = options.execute ?? (await import("./execute.ts")).execute;
  const { exitCode } = await execute({
    request,
    executable: interpreter.executable,
    plan: undefined,
    recording: undefined,
    extraArgs: [],
    outputToStderr: options.outputToStderr,
  });
  return exitCode;
}

async function attempt(asked: Request, options: RunOptions, warn: Warn, progress: Progress): Promise<number> {
  const { emit, mode = asked.config.mode } = options;
  if (asked.refusal !== null || asked.fullProfile.asks.length > 0) {
    progress.started = true;
    return await runBare(asked, options);
  }

  let layout: Layout = options.layout ?? layoutOf(asked.root);
  let notes: Notes | undefined;
  try {
    layout = options.layout ?? makeLayout(asked.root);
    notes = stage("store-open", () => openOrReplace(layout, (error) => warn(error, "every test runs")));
  } catch (error) {
    warn(error, "every test runs and nothing is recorded");
  }
  const { info: interpreter } = stage("interpreter", () => resolveInterpreter(asked, notes));
  const request = await withEnvironmentName(asked, interpreter);
  let upToDate: number | undefined;
  let seen: Seen | undefined;
  if (notes !== undefined && mode === "select" && !hasLeftovers(layout)) {
    ({ upToDate, seen } = standing(notes, request, interpreter));
    if (upToDate !== undefined) {
      const plan: Plan = { kind: "nothing", upToDate };
      const decidedMs = performance.now() - (options.askedAt ?? 0);
      emit({ kind: "planned", mode, plan, since: undefined, changedPaths: [], decidedMs });
      emit({ kind: "finished", mode, exitCode: 0, plan, summary: undefined });
      return 0;
    }
  }
  compileForShortLife();
  const { changedPaths, decide } = await stage("load", () => import("./decide.ts"));
  const { openStore, Store } = await stage("load", () => import("../store/store.ts"));
  let store = notes === undefined ? undefined : new Store(notes.database);
  const compiler = compilerOf(interpreter.executable);

  let decision: Decision | undefined;
  let plan: Plan = { kind: "everything", because: "the store cannot be used", known: 0 };
  const decideWith = async (known: Store): Promise<Decision> => {
    try {
      await stage("leftovers", () => ingestLeftovers(known, layout, request, interpreter));
    } catch (error) {
      if (isDamage(error)) {
        throw error;
      }
      warn(writingError(layout.database, error), "what an interrupted run left behind is not in the store yet");
    }
    const judge = request.since === undefined ? undefined : (await import("./since.ts")).judgeOf(request.since);
    return decide(known, request, interpreter, compiler, { mode, progress: progressOf(emit), judge, seen });
  };
  if (store !== undefined) {
    try {
      decision = await decideWith(store);
    } catch (error) {
      if (isDamage(error)) {
        // Opening a store reads little of it: this one is found to be broken only now.
        store.close();
        warn(unreadable(layout.database, error), "every test runs");
        store = openStore(layout.database);
        seen = undefined;
        decision = await decideWith(store);
      } else {
        warn(error, "every test runs");
        plan = { kind: "everything", because: messageOf(error), known: 0 };
      }
    }
    plan = decision?.plan ?? plan;
  }
  const changed = changedPaths(decision?.changes ?? []);
  const decidedMs = performance.now() - (options.askedAt ?? 0);
  emit({ kind: "planned", mode, plan, since: request.since, changedPaths: changed, decidedMs });
  const refused = decision?.declared.refused.size ?? 0;
  if (refused > 0) {
    const { commandsNotAllowed } = await import("./declared.ts");
    emit({ kind: "warning", ...commandsNotAllowed(refused) });
  }

  if (plan.kind === "nothing" && mode === "select" && !request.fullProfile.stateful) {
    if (store !== undefined && decision !== undefined && (decision.restamped > 0 || decision.knowledge !== undefined)) {
      try {
        const { remember } = await stage("load", () => import("./remember.ts"));
        stage("verdict", () => remember(store, request, interpreter, decision));
      } catch {
        // Only time would have been saved: the verdict of this invocation is as good without.
      }
    }
    emit({ kind: "finished", mode, exitCode: 0, plan, summary: undefined });
    return 0;
  }
  return await runTests({ request, options, mode, store, layout, interpreter, plan, decision, warn, progress });
}

async function runTests(context: {
  readonly request: Request;
  readonly options: RunOptions;
  readonly mode: Mode;
  readonly store: Store | undefined;
  readonly layout: Layout;
  readonly interpreter: InterpreterInfo;
  readonly plan: Plan;
  readonly decision: Decision | undefined;
  readonly warn: Warn;
  readonly progress: Progress;
}): Promise<number> {
  const { request, options, mode, store, layout, interpreter, plan, decision, warn, progress } = context;
  const { emit } = options;
  const { execute: start, removeRunFiles } = await stage("load", () => import("./execute.ts"));
  const execute = options.execute ?? start;
  const { journalsOf, record } = await stage("load", () => import("./record.ts"));
  const { askedFiles, declaredBefore, sparedBy, surroundingValues } = await import("./decide.ts");
  const { expectationOf } = await import("./verify.ts");
  const { EVERYTHING_INSTALLED } = await import("../changes/packages.ts");
  const extraArgs: string[] = [];
  const observes = mode === "observe";
  let executed: Plan = observes ? { kind: "everything", because: "it is only observed", known: 0 } : plan;
  if (executed.kind !== "everything" && request.fullProfile.coverage && hasThreshold(request)) {
    if (plan.kind === "some" && plan.upToDate === 0) {
      // Every test that was asked for runs, so the threshold counts. Files that hold none are measured as well.
      executed = { ...plan, skipFiles: [], skipTests: new Map(), provided: new Map(), failed: new Map() };
    } else {
      // A threshold is about the whole suite: a part of it proves nothing.
      extraArgs.push("--cov-fail-under=0");
      emit({ kind: "threshold-not-applied" });
    }
  }
  const description = {
    run: `${Date.now().toString(36)}${lazyCrypto().randomBytes(4).toString("hex")}`,
    pid: process.pid,
    environment: decision?.environment ?? environmentOf(request, interpreter),
    selection: request.selection,
    requestKey: request.requestKey,
    stateful: request.fullProfile.stateful,
    asked: decision === undefined ? [] : askedFiles(decision),
    before: decision === undefined ? [] : surroundingValues(request, decision.tree),
    declared: decision === undefined ? [] : declaredBefore(request, decision),
    variables: variablesOf(store, request).digests(),
    ...(decision === undefined ? {} : { installed: decision.tree.packagesDigest(EVERYTHING_INSTALLED) }),
  };
  const spared =
    store === undefined || decision === undefined
      ? []
      : stage("prepare", () => sparedBy(executed, store, request, decision));
  let generation: number | undefined;
  try {
    // If this process is killed and the sources edited, nobody could tell any more what the tests had loaded.
    store?.write(() => {
      generation = store.generation() === decision?.generation ? decision.generation + 1 : undefined;
      decision?.tree.saveFingerprints(store);
      decision?.past?.saveFingerprints(store);
    });
  } catch {
    // They are computed again when the run is recorded.
  }
  const recording = store === undefined ? undefined : { layout, description, record: options.layout === undefined };
  const order = options.order ?? "written";
  const orderOf = order === "written" ? undefined : (await import("./order.ts")).orderDocument;
  const prepared = {
    request,
    executable: interpreter.executable,
    plan: executed,
    spared,
    recording,
    outputToStderr: options.outputToStderr,
    extraArgs,
    order: orderOf?.(order, store, description.environment.digest, executed) ?? null,
  };
  const { exitCode } = await execute(prepared, () => {
    progress.started = true;
  });
  let summary: RecordSummary | undefined;
  if (store !== undefined) {
    const journals = journalsOf(layout, description.run);
    try {
      if (journals.length > 0) {
        const compiler = compilerOf(interpreter.executable);
        const expectation = expectationOf(plan, decision?.knowledge, observes);
        const decided =
          decision === undefined || generation === undefined ? undefined : { decision, plan: executed, generation };
        const comparison = { expectation, decided, progress: progressOf(emit) };
        summary = record(store, request, interpreter, description, journals, compiler, comparison);
      }
      removeRunFiles(layout, description.run);
    } catch (error) {
      // The journals stay: the next run takes them up.
      warn(writingError(layout.database, error), "this run is not recorded yet");
    }
  }
  const leftOut =
    !observes &&
    (plan.kind === "nothing" ||
      (plan.kind === "some" && (plan.leftOutWithFiles > 0 || summary?.sawSurvivors === true)));
  const ended = exitCode === NO_TESTS && leftOut ? 0 : exitCode;
  if (ended === NO_TESTS && request.fullProfile.selection.length === 0 && !request.fullProfile.stateful) {
    emit({
      kind: "warning",
      code: "no-tests",
      message: `pytest found no tests, started in ${request.cwd}`,
      help: "If the project is elsewhere, name its directory with -C DIR; pytest's `testpaths` and `python_files` say where its tests are.",
    });
  }
  const missed = options.missesFail === true && (summary?.misses.length ?? 0) > 0;
  const code = ended === 0 && missed ? EXIT_MISS : ended;
  emit({ kind: "finished", mode, exitCode: code, plan, summary });
  return code;
}

/** A verdict that stands; what keeps it from being read is told by the decision, which meets it again. */
function standing(store: Notes, request: Request, interpreter: InterpreterInfo): Standing {
  try {
    return standingVerdict(store, request, interpreter);
  } catch {
    return {};
  }
}

function progressOf(emit: RunOptions["emit"]): ProgressTeller {
  return (work, done, total) => emit({ kind: "progress", work, done, total });
}

function hasThreshold(request: Request): boolean {
  return request.fullProfile.coverageThreshold || request.configuration.coverageThreshold;
}

function openOrReplace(layout: Layout, warn: (error: unknown) => void): Notes {
  try {
    return openNotes(layout.database);
  } catch (error) {
    if (error instanceof WinnowError && error.code === "store-unreadable") {
      warn(error);
      return openNotes(layout.database);
    }
    throw error;
  }
}

/** Loads what it needs only if an earlier run left something. */
async function ingestLeftovers(
  store: Store,
  layout: Layout,
  request: Request,
  interpreter: InterpreterInfo,
): Promise<void> {
  if (hasLeftovers(layout)) {
    const { recordLeftovers } = await import("./record.ts");
    recordLeftovers(store, layout, request, interpreter, compilerOf(interpreter.executable));
  }
}
