/**
 * Journals → facts: what test processes wrote becomes knowledge, in one transaction.
 *
 * Ingesting the same journal twice changes nothing, so a crash between the commit and the removal of the journal is
 * harmless. Values of source blocks are those of the content that the process loaded, whatever the tree looks like now.
 */

import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { EVERYTHING_INSTALLED } from "../changes/packages.ts";
import { joinPath, parentOf } from "../changes/resolve.ts";
import { listedNames } from "../files/listing.ts";
import { projectFiles } from "../files/walk.ts";
import type { WatchEntry } from "../files/watch.ts";
import type { CollectedFrame, MarkedFrame, SessionFrame } from "../journal/frames.ts";
import { type JournalFile, readJournal } from "../journal/reader.ts";
import { ABSENT, type Dependency } from "../model/key.ts";
import { type DeclaredKey, type DeclaredValue, declaredId, type Remarks } from "../model/remarks.ts";
import { type Binding, concernOf, FATES, type Project } from "../names/index.ts";
import {
  attribute,
  type LoadedSource,
  projectPath,
  type RecordedSet,
  type Recording,
  type RecordingWorld,
} from "../recording/attribute.ts";
import { withChildren } from "../recording/children.ts";
import type { InterpreterInfo } from "../runners/pytest/interpreter.ts";
import { isInside } from "../selection/scope.ts";
import { ABSENT_COLLECTION } from "../selection/select.ts";
import type { Layout } from "../store/layout.ts";
import type { Store } from "../store/store.ts";
import type { Miss } from "../verification/miss.ts";
import { saveBaseline } from "./baseline.ts";
import { openTree, surroundingValues, uncheckedSources } from "./decide.ts";
import { DeclaredValues } from "./declared.ts";
import type { Environment } from "./environment.ts";
import { projectOf } from "./module-level.ts";
import { type Change, type Compiler, namesDigest, type PresentTree } from "./present.ts";
import { type Progress, STEP } from "./progress.ts";
import { type Decided, rememberVerdict } from "./remember.ts";
import { absenceKey, isThere, type Request, toProjectPath } from "./request.ts";
import { currentTrace, stage } from "./trace.ts";
import { ALL, allBut, digestOfAll, isAll } from "./variables.ts";
import { type Surroundings, surroundingsOf, variablesOf } from "./verdict.ts";
import { type Expectation, Verifier } from "./verify.ts";
import { declarations, harmlessReasons, ignoredPaths } from "./word.ts";

/** What is kept of a run in the store. */
export interface RunData {
  readonly tests: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly opaque: Readonly<Record<string, number>>;
  /** The highest dependency at its end: a higher one is a state that was recorded later. */
  readonly lastDependency?: number;
}

/** What one run's description says, kept beside its journals so that a later invocation can ingest them. */
export interface RunDescription {
  readonly run: string;
  /** Process ids of the engine that started it. */
  readonly pid: number;
  readonly environment: Environment;
  readonly selection: string;
  readonly requestKey: string;
  /** Whether what survives the user's selection depends on pytest's cache, so that it must not be remembered. */
  readonly stateful: boolean;
  /** See {@link askedFiles}. */
  readonly asked?: readonly string[];
  /** `config` and `packages` as they were before the run started. */
  readonly before: readonly Dependency[];
  /** See {@link declaredBefore}. */
  readonly declared?: readonly DeclaredValue[];
  /** Digests of the environment variables that pytest was started with; versions before this one kept none. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Digest of all that was installed before the run started. */
  readonly installed?: string;
}

export interface RecordSummary {
  readonly tests: number;
  readonly outcomes: ReadonlyMap<string, number>;
  /** Tests that failed, or could not be set up or torn down. `path`: their file, relative to the root. */
  readonly failures: readonly { readonly id: string; readonly path: string; readonly outcome: string }[];
  /** Tests without a new fact, by reason. */
  readonly lost: ReadonlyMap<string, number>;
  /** Tests that depend on everything, by reason. */
  readonly opaque: ReadonlyMap<string, number>;
  /** How many tests depend on everything. */
  readonly opaqueTests: number;
  /** Whether those run every time; else they run after any change. */
  readonly opaqueRunsAlways: boolean;
  readonly notes: readonly string[];
  /** A test that the user's selection keeps was seen in collection, deselected by Winnow or not. */
  readonly sawSurvivors: boolean;
  readonly recorded: boolean;
  /** Tests that could have been left out and ran all the same. */
  readonly checked: number;
  /** Those of them that ended otherwise than their proof. */
  readonly misses: readonly Miss[];
}

/** Journals of a run, newest last; [] if there is no such directory. */
export function journalsOf(layout: Layout, run?: string): string[] {
  try {
    return readdirSync(layout.journals)
      .filter((name) => name.endsWith(".journal") && (run === undefined || name.startsWith(`${run}-`)))
      .sort()
      .map((name) => join(layout.journals, name));
  } catch {
    return [];
  }
}

/** Whether a process is there, and not only its exit status: who collects that of an orphan may take long, or never. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  try {
    // `PID (NAME) STATE …`, where a name may hold anything; Linux only.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return true;
  }
}

export interface RecordOptions {
  /** What the run is to be compared with; an interrupted run is not. */
  readonly expectation?: Expectation | undefined;
  /** It ended before this process began, whose variables say nothing of it. */
  readonly isOver?: boolean;
  /** What was decided before the run, and carried out. */
  readonly decided?: Decided | undefined;
  readonly progress?: Progress;
}

/** Ingests the journals of one run. */
export function record(
  store: Store,
  request: Request,
  interpreter: InterpreterInfo,
  description: RunDescription,
  paths: readonly string[],
  compiler: Compiler,
  options: RecordOptions = {},
): RecordSummary {
  const journals: JournalFile[] = [];
  const notes: string[] = [];
  for (const path of paths) {
    try {
      journals.push(stage("journals", () => readJournal(path)));
    } catch (error) {
      notes.push(
        `the journal ${path} cannot be read (${error instanceof Error ? error.message : String(error)}); its tests run again`,
      );
    }
  }
  currentTrace()?.takeApart(journals, performance.timeOrigin);
  const summary = stage("record", () =>
    store.write(() =>
      new Recorder(store, request, interpreter, description, compiler, options).ingest(
        journals,
        notes,
        options.progress,
      ),
    ),
  );
  if (process.env["WINNOW_KEEP_JOURNALS"] !== "1") {
    for (const path of paths) {
      rmSync(path, { force: true });
    }
  }
  return summary;
}

/** In the place of a depset: the teardown was seen, and depended on more than can be known. No depset has this number. */
const UNKNOWN_TEARDOWN = 0;

/** The value of what nobody can tell any more: no other equals it. */
const UNKNOWN = "?";

class Recorder {
  readonly #store: Store;
  readonly #request: Request;
  readonly #interpreter: InterpreterInfo;
  readonly #description: RunDescription;
  readonly #compiler: Compiler;
  readonly #environment: number;
  readonly #present = new Map<string, string>();
  #tree: PresentTree;
  readonly #changes: readonly Change[];
  /** Project paths of sources that Python refused when they were loaded. */
  readonly #refused = new Set<string>();
  #opaqueDepset: number | undefined;
  readonly #declarations: ReturnType<typeof declarations>;
  readonly #isHarmless: (reason: string) => boolean;
  readonly #isIgnored: (path: string) => boolean;
  /** Values of declared inputs before the run. */
  readonly #declared: ReadonlyMap<string, string | null>;
  readonly #isOver: boolean;
  readonly #watch: readonly WatchEntry[];
  readonly #verifier: Verifier;
  readonly #decided: Decided | undefined;
  #project: Project | undefined;
  /** The key over all variables that a test can have seen. */
  #allVariables = ALL;

  constructor(
    store: Store,
    request: Request,
    interpreter: InterpreterInfo,
    description: RunDescription,
    compiler: Compiler,
    { expectation, isOver = false, decided }: RecordOptions,
  ) {
    this.#declarations = declarations(request.config);
    this.#isHarmless = harmlessReasons(request.config);
    this.#isIgnored = ignoredPaths(request.config.ignore);
    this.#declared = new Map((description.declared ?? []).map((each) => [declaredId(each), each.value]));
    this.#isOver = isOver;
    this.#decided = decided;
    this.#store = store;
    this.#request = request;
    this.#interpreter = interpreter;
    this.#description = description;
    this.#compiler = compiler;
    this.#environment = store.internEnvironment(description.environment.digest, description.environment.description);
    this.#watch = store.watch();
    this.#verifier = new Verifier(store, this.#environment, expectation);
    this.#tree = this.#open(surroundingsOf(store, this.#environment));
    this.#changes = stage("scan", () => this.#tree.scan());
  }

  #open(surroundings: Surroundings): PresentTree {
    return openTree(this.#store, this.#request, this.#interpreter, surroundings, this.#watch);
  }

  ingest(journals: readonly JournalFile[], notes: string[], progress?: Progress): RecordSummary {
    const total = progress === undefined ? 0 : testsIn(journals);
    progress?.("record", 0, total);
    const outcomes = new Map<string, number>();
    const failures: { id: string; path: string; outcome: string }[] = [];
    const lost = new Map<string, number>();
    const opaque = new Map<string, number>();
    let tests = 0;
    let opaqueTests = 0;
    // In files of which only parts were asked for as well.
    const sawSurvivors = journals.some(({ frames }) =>
      frames.some(({ frame }) => frame.k === "collected" && hasSurvivors(frame)),
    );
    this.#learnSurroundings(journals);
    this.#allVariables = allBut(removedVariables(journals));
    for (const { frames } of journals) {
      this.#learnWhatCompiles(frames);
    }
    // On the tree that everything below is asked of: what does not compile is remembered there.
    const refused = [...this.#refused].map((path): Change => ({ kind: "f", path, before: ABSENT }));
    this.#tree.checkCompiles(
      [...this.#changes, ...uncheckedSources(this.#store, this.#tree), ...refused],
      this.#compiler,
    );
    // All dependencies first: whoever depends on everything known depends on what each of these processes touched.
    const recordings = withChildren(
      journals.map(({ frames }) => frames),
      this.#isHarmless,
    ).map((frames) => {
      const recording = stage("attribute", () => attribute(frames, this.#world(), this.#description.asked));
      return { recording, ids: this.#internAll(recording.dependencies) };
    });
    const recorded = recordings.some(({ recording }) => recording.session !== undefined);
    for (const { recording, ids } of recordings) {
      notes.push(...recording.notes);
      const depsets = new Map<RecordedSet, number>();
      const depsetOf = (set: RecordedSet): number => {
        let depset = depsets.get(set);
        if (depset === undefined) {
          depset = this.#store.internDepset(sorted(set.members.map((member) => ids[member] as number)));
          depsets.set(set, depset);
        }
        return depset;
      };
      for (const [fixture, set] of recording.teardowns) {
        if (set.lost === undefined) {
          const isKnown = set.opaque.length === 0 && set.missingTeardowns.length === 0;
          this.#store.setTeardown(this.#environment, fixture, isKnown ? depsetOf(set) : UNKNOWN_TEARDOWN);
        }
      }
      this.#ingestCollections(recording, depsetOf);
      for (const { frame, path, sets } of recording.tests) {
        tests += 1;
        if (progress !== undefined && tests % STEP === 0) {
          progress("record", tests, total);
        }
        add(outcomes, frame.outcome);
        if (frame.outcome === "failed" || frame.outcome === "error") {
          failures.push({ id: frame.id, path, outcome: frame.outcome });
        }
        const reason = sets.find((set) => set.lost !== undefined)?.lost;
        this.#verifier.compare(path, frame, reason === undefined ? sets.map(depsetOf) : null);
        if (reason !== undefined) {
          add(lost, reason);
          continue;
        }
        const terms = this.#termsOf(sets, depsetOf);
        const counted = (terms.remarks?.opaque?.reasons ?? []).filter((why) => !this.#isHarmless(why));
        opaqueTests += counted.length > 0 ? 1 : 0;
        for (const why of counted) {
          add(opaque, why);
        }
        // From the start on, because what a test depends on may be read while it is collected.
        const declared = this.#declaredOf(path, frame.id, frame.marked ?? {}, (recording.start?.time ?? 0) * 1000);
        this.#store.addFact(this.#environment, {
          test: this.#store.internTest(frame.id, path),
          outcome: frame.outcome,
          green: frame.green && frame.reruns === 0,
          // Where a test stops the clock, it may seem to have ended before it began.
          durationUs: Math.max(0, Math.round(frame.duration * 1e6)),
          at: Math.round(frame.started * 1000),
          run: this.#description.run,
          depsets: terms.depsets,
          remarks: joined(terms.remarks, {
            ...(frame.marked?.always === true ? { always: true } : {}),
            ...(declared.length > 0 ? { declared } : {}),
          }),
        });
      }
    }
    // The verdict that is kept below counts with what was missed.
    const { checked, misses } = this.#verifier.save(this.#description.run, tests);
    this.#saveBaseline(new Set(recordings.flatMap(({ recording }) => filesOf(recording))));
    const data: RunData = {
      tests,
      outcomes: Object.fromEntries(outcomes),
      opaque: Object.fromEntries(opaque),
      lastDependency: this.#store.lastDependencyId(),
    };
    this.#store.addRun(this.#description.run, Date.now(), JSON.stringify(data));
    const opaqueRunsAlways = this.#request.config.opaque === "always";
    const counts = { tests, outcomes, failures, lost, opaque, opaqueTests, opaqueRunsAlways };
    return { ...counts, notes, sawSurvivors, recorded, checked, misses };
  }

  /** The depsets of some sets, and what is to be remarked of them: everything known stands apart, with its reasons. */
  #termsOf(
    sets: readonly RecordedSet[],
    depsetOf: (set: RecordedSet) => number,
  ): { depsets: number[]; remarks: Remarks | undefined } {
    const depsets = sets.map(depsetOf);
    const reasons = new Set(sets.flatMap((set) => set.opaque));
    for (const fixture of sets.flatMap((set) => set.missingTeardowns)) {
      const known = this.#store.teardown(this.#environment, fixture) ?? UNKNOWN_TEARDOWN;
      if (known === UNKNOWN_TEARDOWN) {
        reasons.add(`the teardown of ${fixture} was not seen`);
      } else {
        depsets.push(known);
      }
    }
    const unique = [...new Set(depsets)];
    const elsewhere = sets.some((set) => set.elsewhere === true) ? ({ elsewhere: true } as const) : undefined;
    if (reasons.size === 0) {
      return { depsets: unique, remarks: elsewhere };
    }
    // Where all of it is harmless, to look at every file would be for nothing.
    const isOpaque = [...reasons].some((reason) => !this.#isHarmless(reason));
    const opaque = { reasons: [...reasons].sort(), depsets: isOpaque ? [this.#everythingKnown()] : [] };
    return { depsets: unique, remarks: { opaque, ...elsewhere } };
  }

  /** What is declared for a test, with the values that it can have seen. */
  #declaredOf(path: string, node: string, marked: MarkedFrame, startedMs: number): DeclaredValue[] {
    const keys = new Map<string, DeclaredKey & Pick<DeclaredValue, "by">>();
    for (const { kind, name } of this.#declarations(path, node)) {
      keys.set(declaredId({ kind, name }), { kind, name, by: "configuration" });
    }
    const add = (kind: DeclaredKey["kind"], names: readonly string[] = []): void => {
      for (const name of names) {
        keys.set(declaredId({ kind, name }), { kind, name, by: "marker" });
      }
    };
    add("files", marked.depends);
    add("env", marked.env);
    add("command", marked.commands);
    return [...keys]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, key]) => ({ ...key, value: this.#declared.get(id) ?? this.#valueOfNew(key, startedMs) }));
  }

  /**
   * The value of an input that nobody knew of before the run, because a marker names it for the first time: that of now,
   * if it cannot have changed since; else none, and the test runs once more.
   */
  #valueOfNew({ kind, name }: DeclaredKey, startedMs: number): string | null {
    if (this.#isOver || kind === "command") {
      return null;
    }
    const values = this.#declaredValues();
    return kind === "env" || values.isOlder(name, startedMs) ? (values.value({ kind, name }) ?? null) : null;
  }

  #declaredNow: DeclaredValues | undefined;

  /** Declared inputs as they are now. Commands were run before the tests; what they print now is not known. */
  #declaredValues(): DeclaredValues {
    const variables = variablesOf(this.#store, this.#request);
    this.#declaredNow ??= new DeclaredValues(this.#tree, this.#request, variables, false);
    return this.#declaredNow;
  }

  #ingestCollections(recording: Recording, depsetOf: (set: RecordedSet) => number): void {
    const { selection, stateful } = this.#description;
    const stored = new Set<string>();
    for (const { frame, path, sets } of recording.collections) {
      if (sets.some((set) => set.lost !== undefined)) {
        continue;
      }
      stored.add(path);
      const tests = frame.ids.map((id) => this.#store.internTest(id, path));
      const collection = this.#store.addCollection(
        this.#environment,
        {
          path,
          outcome: frame.outcome,
          green: frame.outcome !== "failed",
          at: Math.round((recording.start?.time ?? 0) * 1000),
          tests,
          ...this.#termsOf(sets, depsetOf),
        },
        this.#description.run,
      );
      if (!stateful) {
        const { survived } = frame;
        this.#store.setSurvivors(
          collection,
          selection,
          survived === null || survived.every(Boolean) ? null : tests.filter((_, index) => survived[index]),
        );
      }
    }
    const { session } = recording;
    if (session?.complete === true && !stateful) {
      const roots = rootsOf(session, this.#request);
      const unknown = new Set(recording.collectedPaths.filter((path) => !stored.has(path)));
      this.#ingestUncollected(recording, roots, depsetOf);
      const before = this.#store.walks(this.#environment, selection);
      for (const [directory, names] of recording.walks) {
        // A name in this table was looked into. What lies outside of the request, or could not be recorded, was not:
        // it has to stay a new file for whoever asks for it.
        const old = new Set(before.get(directory));
        const known = listedNames(names).filter((name) => {
          const path = joinPath(directory, name);
          return old.has(name) || (!unknown.has(path) && roots.some((root) => isInside(path, root)));
        });
        this.#store.setWalk(this.#environment, selection, directory, known);
        this.#tree.names(directory);
      }
      this.#store.setScope(this.#environment, selection, this.#description.requestKey, {
        roots,
        settings: { customCollection: session.customCollection === true },
      });
    }
  }

  /**
   * A file that pytest was to collect and did not come by is no test file for this request, as long as what made it none
   * stays: without such a fact, pytest would be asked each time.
   */
  #ingestUncollected(recording: Recording, roots: readonly string[], depsetOf: (set: RecordedSet) => number): void {
    for (const { path, sets } of recording.uncollected) {
      // What is named on the command line itself is collected by other rules.
      const isBelow = !roots.includes(path) && roots.some((root) => isInside(path, root));
      if (!isBelow || !isThere(this.#request.root, path) || sets.some((set) => set.lost !== undefined)) {
        continue;
      }
      const collection = this.#store.addCollection(
        this.#environment,
        {
          path,
          outcome: ABSENT_COLLECTION,
          green: true,
          at: Math.round((recording.start?.time ?? 0) * 1000),
          tests: [],
          ...this.#termsOf(sets, depsetOf),
        },
        this.#description.run,
      );
      this.#store.setSurvivors(collection, absenceKey(this.#description), null);
    }
  }

  /** The search path comes before everything: values of `resolve` depend on it. */
  #learnSurroundings(journals: readonly JournalFile[]): void {
    const before = surroundingsOf(this.#store, this.#environment);
    const roots = [...before.searchRoots];
    for (const { frames } of journals) {
      for (const { frame } of frames) {
        if (frame.k === "session") {
          roots.push(...frame.roots.map(projectPath).filter((root) => !roots.includes(root)));
        }
      }
    }
    const text = JSON.stringify({ searchRoots: roots } satisfies Surroundings);
    if (text !== JSON.stringify(before)) {
      this.#store.setNote(`surroundings:${this.#environment}`, text);
      this.#tree = this.#open({ searchRoots: roots });
    }
  }

  /** What a process loaded compiles on its own version of Python, and perhaps on no other. */
  #learnWhatCompiles(frames: JournalFile["frames"]): void {
    const paths: string[] = [];
    let isOwn = false;
    for (const { frame } of frames) {
      if (frame.k === "start") {
        isOwn = frame.python === this.#interpreter.version;
      } else if (frame.k === "files") {
        frame.paths.forEach((path, index) => {
          paths[frame.base + index] = path;
        });
      } else if (frame.k === "module") {
        const path = projectPath(paths[frame.file] ?? "");
        if (frame.ran === false) {
          this.#refused.add(path);
        } else if (isOwn && frame.sha !== null) {
          this.#tree.noteCompiled(path, frame.sha);
        }
      }
    }
  }

  #world(): RecordingWorld {
    const tree = this.#tree;
    return {
      source: (path, sha): LoadedSource | undefined => {
        if (this.#refused.has(path)) {
          // Nothing of it was executed. What the process met must still be there, and be refused, to be believed.
          const state = tree.source(path);
          return state.kind === "broken" && state.digest === sha
            ? { toplevel: `!${sha}`, imports: [], blocksAt: () => [], body: () => `!${sha}` }
            : undefined;
        }
        const source = tree.fingerprintOf(path, sha);
        if (source === undefined) {
          return undefined;
        }
        // A source that cannot be split counts as one block: any change of its content is a change of everything in it.
        return "error" in source
          ? { toplevel: `!${sha}`, imports: [], unsplit: source.error, blocksAt: () => [], body: () => `!${sha}` }
          : source;
      },
      mentions: (path, sha, word) => tree.mentions(path, sha, word),
      digestIfOlder: (path, sinceMs) => {
        const stat = statSync(join(this.#request.root, path), { throwIfNoEntry: false });
        const young = stat !== undefined && (stat.mtimeMs >= sinceMs || stat.ctimeMs >= sinceMs);
        return young ? undefined : tree.digest(path);
      },
      walkedBefore: () => this.#store.walkedDirectories(this.#environment),
      // Python sorts by code point, JavaScript by code unit: both sides are brought into one order first.
      namesDigest: (names) => namesDigest(listedNames(names)),
      resolve: (name) => this.#value({ kind: "resolve", path: "", name }),
      readers: (path, name, loaded, keepers) => {
        const project = this.#project ?? projectOf(tree);
        this.#project = project;
        if (project.evaluated(path) === undefined) {
          return undefined;
        }
        const seeds: Binding[] = [{ path, name, fate: FATES.value }];
        const readers = concernOf(project, loaded, seeds, { who: "readers" });
        const kept = keepers(readers).flatMap((file) =>
          (project.evaluated(file)?.computed((one) => project.isForeign(one)) ?? []).map(
            (each): Binding => ({ path: file, name: each, fate: FATES.same }),
          ),
        );
        return kept.length === 0 ? readers : concernOf(project, loaded, [...seeds, ...kept], { who: "readers" });
      },
      isIgnored: this.#isIgnored,
      variable: (name) => this.#variable(name),
      allVariables: this.#allVariables,
      installed: (name) => (tree.isStandard(name) ? undefined : this.#installed(name)),
      surroundings: () => {
        const { before } = this.#description;
        return before.length > 0 ? before : surroundingValues(this.#request, tree);
      },
    };
  }

  /** What a variable was when pytest started; a later process, with others, may be the one that ingests the journal. */
  #variable(name: string): string {
    const { variables } = this.#description;
    if (variables === undefined) {
      return UNKNOWN;
    }
    return isAll(name) ? digestOfAll(variables, name) : (variables[name] ?? ABSENT);
  }

  /** What is installed under a name; unknown if anything was installed or removed since the run started. */
  #installed(name: string): string {
    const everything = { kind: "packages", path: "", name: EVERYTHING_INSTALLED } as const;
    if (this.#value(everything) !== this.#description.installed) {
      return UNKNOWN;
    }
    return this.#value(name === EVERYTHING_INSTALLED ? everything : { kind: "package", path: "", name });
  }

  #value(key: Omit<Dependency, "value">): string {
    const id = `${key.kind}\n${key.path}\n${key.name}`;
    let value = this.#present.get(id);
    if (value === undefined) {
      value = this.#tree.value(key);
      this.#present.set(id, value);
    }
    return value;
  }

  /** Path by path, so that the numbers of a path's dependencies follow each other. */
  #internAll(dependencies: readonly Dependency[]): number[] {
    const ids: number[] = new Array<number>(dependencies.length);
    const byPath = Map.groupBy(dependencies.keys(), (index) => dependencies[index]?.path);
    for (const indices of byPath.values()) {
      for (const index of indices) {
        ids[index] = this.#intern(dependencies[index] as Dependency);
      }
    }
    return ids;
  }

  #intern(dependency: Dependency): number {
    return this.#store.internDependency(dependency, this.#value(dependency) === dependency.value);
  }

  /** The depset of everything in the project and all that is watched, for what cannot be known: any change makes it false. */
  #everythingKnown(): number {
    if (this.#opaqueDepset === undefined) {
      for (const path of projectFiles(this.#request.root)) {
        this.#tree.digest(path);
      }
      for (const entry of this.#tree.entries()) {
        if (entry.kind === "f" && entry.digest !== ABSENT && !entry.path.startsWith("..")) {
          // A new file beside a known one may matter as well.
          this.#tree.names(parentOf(entry.path));
        }
      }
      this.#tree.variable(this.#allVariables);
      const value = this.#installed(EVERYTHING_INSTALLED);
      const packages = this.#intern({ kind: "packages", path: "", name: EVERYTHING_INSTALLED, value });
      const ids = this.#tree.entries().flatMap((entry) => {
        if (entry.kind === "p") {
          return [packages];
        }
        if (entry.kind === "e" && isAll(entry.path) && entry.path !== this.#allVariables) {
          return [];
        }
        if (entry.kind === "e") {
          return [this.#intern({ kind: "env", path: "", name: entry.path, value: this.#variable(entry.path) })];
        }
        const kind = entry.kind === "f" ? ("file" as const) : ("listing" as const);
        return [this.#intern({ kind, path: entry.path, name: "", value: entry.digest })];
      });
      this.#opaqueDepset = this.#store.internDepset(sorted(ids));
    }
    return this.#opaqueDepset;
  }

  /**
   * Makes the present state the baseline: the watch table and the truth of every dependency change together. `ran`: files
   * that the run has come by.
   */
  #saveBaseline(ran: ReadonlySet<string>): void {
    const holds = (dependency: Dependency): boolean => this.#value(dependency) === dependency.value;
    const verdict = (): void =>
      stage("verdict", () =>
        rememberVerdict(this.#store, this.#request, {
          environment: this.#description.environment,
          tree: this.#tree,
          declared: this.#declaredValues(),
          ...(this.#decided === undefined ? {} : { decided: this.#decided, ran }),
        }),
      );
    saveBaseline(this.#store, this.#tree, this.#changes, holds, verdict);
  }
}

/** Files of which a process has collected anything, or was to. */
function filesOf({ tests, collectedPaths, uncollected }: Recording): string[] {
  return [...tests.map(({ path }) => path), ...collectedPaths, ...uncollected.map(({ path }) => path)];
}

function testsIn(journals: readonly JournalFile[]): number {
  return journals.reduce((sum, { frames }) => sum + frames.filter(({ frame }) => frame.k === "test").length, 0);
}

/** Ingests what earlier runs left behind: their engine was killed, or they outlived it. */
export function recordLeftovers(
  store: Store,
  layout: Layout,
  request: Request,
  interpreter: InterpreterInfo,
  compiler: Compiler,
): RecordSummary[] {
  const summaries: RecordSummary[] = [];
  let names: string[] = [];
  try {
    names = readdirSync(layout.runs);
  } catch {
    return summaries;
  }
  for (const name of names.filter((name) => name.endsWith(".json"))) {
    const file = join(layout.runs, name);
    let description: RunDescription;
    try {
      description = JSON.parse(readFileSync(file, "utf8")) as RunDescription;
    } catch {
      continue;
    }
    if (isAlive(description.pid)) {
      continue;
    }
    const journals = journalsOf(layout, description.run);
    // A test process that outlived its engine still writes: its journals are for the next invocation.
    if (journals.some((path) => isAlive(Number(/-(\d+)-\d+\.journal$/.exec(path)?.[1] ?? 0)))) {
      continue;
    }
    if (journals.length > 0) {
      summaries.push(record(store, request, interpreter, description, journals, compiler, { isOver: true }));
    }
    rmSync(file, { force: true });
    rmSync(join(layout.runs, name.replace(/\.json$/, ".plan")), { force: true });
    rmSync(join(layout.runs, name.replace(/\.json$/, ".session")), { force: true });
  }
  return summaries;
}

/** Whether the user's selection keeps any test of a file. */
function hasSurvivors({ ids, survived }: CollectedFrame): boolean {
  return survived === null ? ids.length > 0 : survived.includes(true);
}

function rootsOf(session: SessionFrame, request: Request): string[] {
  const roots = (session.args ?? []).map(projectPath);
  return roots.length === 0 ? [toProjectPath(request.root, request.cwd)] : roots;
}

/** Ascending, without duplicates. */
function sorted(ids: readonly number[]): number[] {
  const ordered = Uint32Array.from(ids).sort();
  const unique: number[] = [];
  let previous = -1;
  for (const id of ordered) {
    if (id !== previous) {
      unique.push(id);
      previous = id;
    }
  }
  return unique;
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** All remarks in one; undefined if there are none. */
function joined(one: Remarks | undefined, other: Remarks): Remarks | undefined {
  const all = { ...one, ...other };
  return Object.keys(all).length === 0 ? undefined : all;
}

/** Variables that every process had taken out before its tests. */
function removedVariables(journals: readonly JournalFile[]): string[] {
  const lists = journals.flatMap(({ frames }) =>
    frames.flatMap(({ frame }) => (frame.k === "session" && frame.complete === true ? [frame.removed ?? []] : [])),
  );
  return (lists[0] ?? []).filter((name) => lists.every((list) => list.includes(name)));
}
