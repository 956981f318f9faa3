/**
 * Known → scan → diff → select: what of a request has to run, and why. Reads only.
 *
 * Where nothing changed since a decision that found nothing to do, and the store is the same, that verdict holds
 * (`verdict.ts`).
 */

import { basename, dirname } from "node:path";
import picomatch from "picomatch";
import { joinPath } from "../changes/resolve.ts";
import type { Mode } from "../config/config.ts";
import { listDirectory } from "../files/listing.ts";
import type { WatchEntry } from "../files/watch.ts";
import { ABSENT, type Dependency, type Key } from "../model/key.ts";
import type { Plan } from "../model/plan.ts";
import { type DeclaredKey, type DeclaredValue, declaredId } from "../model/remarks.ts";
import type { InterpreterInfo } from "../runners/pytest/interpreter.ts";
import { sparedDirectories } from "../selection/directories.ts";
import { ModuleLevel } from "../selection/module-level.ts";
import { sampler } from "../selection/sample.ts";
import { isInside, scopeOf } from "../selection/scope.ts";
import { anythingHolds, type Candidate, type Knowledge, select } from "../selection/select.ts";
import type { Scope as KnownScope, Store } from "../store/store.ts";
import { DeclaredValues } from "./declared.ts";
import { type Environment, environmentOf } from "./environment.ts";
import { mayBeNames, projectOf, StoredLevels } from "./module-level.ts";
import { StoredNodes } from "./nodes.ts";
import type { Judge } from "./past.ts";
import {
  type BrokenFile,
  type Change,
  type Compiler,
  isConfigurationFile,
  namesDigest,
  PresentTree,
} from "./present.ts";
import type { Progress } from "./progress.ts";
import { absenceKey, isThere, type Request, toProjectPath } from "./request.ts";
import { isTracing, stage } from "./trace.ts";
import {
  canStand,
  type Seen,
  type Surroundings,
  storedVerdict,
  surroundingsOf,
  variablesOf,
  verdictKey,
} from "./verdict.ts";
import { missesOf } from "./verify.ts";
import { declaredKeys, ignoredPaths, wordOf } from "./word.ts";

export interface Decision {
  readonly plan: Plan;
  readonly changes: readonly Change[];
  readonly environment: Environment;
  /** Undefined where nothing is recorded in this environment. */
  readonly knowledge: Knowledge | undefined;
  readonly tree: PresentTree;
  readonly declared: DeclaredValues;
  /** That of the store when it was read. */
  readonly generation: number;
  /** Whether the watch table in the store is out of date in its times only, so that writing it back saves work. */
  readonly restamped: number;
  /** The earlier state that was asked about. */
  readonly past?: PresentTree;
}

/** The paths among the changes. */
export function changedPaths(changes: readonly Change[]): string[] {
  return changes.filter(({ kind }) => kind !== "e").map(({ path }) => path);
}

/** Opens the present state for a store's watch table. */
export function openTree(
  store: Store | undefined,
  request: Request,
  interpreter: InterpreterInfo,
  surroundings: Surroundings,
  watch: readonly WatchEntry[],
): PresentTree {
  const variables = variablesOf(store, request);
  return new PresentTree({
    root: request.root,
    store,
    watch,
    searchRoots: surroundings.searchRoots,
    siteDirectories: interpreter.siteDirectories,
    stdlib: interpreter.stdlib,
    python: interpreter.version,
    now: Date.now(),
    variable: (name) => variables.digest(name),
    broken: brokenFiles(store)[interpreter.version] ?? {},
  });
}

/** Contents that do not compile, by Python's version and by path. */
export function brokenFiles(store: Store | undefined): Record<string, Record<string, BrokenFile>> {
  return JSON.parse(store?.note("broken") ?? "{}") as Record<string, Record<string, BrokenFile>>;
}

export interface DecideOptions {
  /**
   * What the plan is for; without it, what the configuration says. "observe": everything is going to run and to be
   * compared with the plan, so nothing is sampled, and the proofs are needed even of a plan that finds nothing to do.
   */
  readonly mode?: Mode | undefined;
  readonly progress?: Progress | undefined;
  /** What is known on the earlier state that the request asks about, if it asks about one. */
  readonly judge?: Judge | undefined;
  /** What was looked at just now, so that it need not be again. */
  readonly seen?: Seen | undefined;
}

/**
 * Decides a request. Throws only if the store, or what is asked of an earlier state, cannot be read; the caller then runs
 * everything.
 */
export function decide(
  store: Store,
  request: Request,
  interpreter: InterpreterInfo,
  compiler: Compiler,
  options: DecideOptions = {},
): Decision {
  // One state of the store for all of it: the watch table must belong to the truth of the dependencies.
  return store.read(() => decideOn(store, request, interpreter, compiler, options));
}

function decideOn(
  store: Store,
  request: Request,
  interpreter: InterpreterInfo,
  compiler: Compiler,
  { mode = request.config.mode, progress, judge, seen }: DecideOptions,
): Decision {
  const environment = environmentOf(request, interpreter);
  const id = store.environment(environment.digest);
  const generation = store.generation();
  const known = seen?.generation === generation ? seen : undefined;
  const tree = stage("watch", () =>
    openTree(store, request, interpreter, surroundingsOf(store, id), known?.watch ?? store.watch()),
  );
  const changes = stage("scan", () => tree.scan({ progress, unchanged: known?.unchanged }));
  const declared = new DeclaredValues(tree, request, variablesOf(store, request), request.allowCommands);
  const common = { changes, environment, tree, declared, generation, restamped: tree.restamped };
  if (id === undefined) {
    return {
      ...common,
      knowledge: undefined,
      plan: { kind: "everything", because: "nothing is recorded in this environment yet", known: 0 },
    };
  }
  if (mode === "select" && changes.length === 0 && canStand(request)) {
    const key = verdictKey(request, environment, tree);
    const upToDate = storedVerdict(store, key, (name) => declared.value({ kind: "env", name }));
    if (upToDate !== undefined) {
      return { ...common, knowledge: undefined, plan: { kind: "nothing", upToDate } };
    }
  }
  stage("compile", () => tree.checkCompiles([...changes, ...uncheckedSources(store, tree)], compiler, progress));
  const present = stage("decide", () => readKnowledge(store, id, request, tree, changes, declared));
  const state = { store, environment: id, request, interpreter, compiler, tree, changes, declared, knowledge: present };
  const past = judge === undefined ? undefined : stage("past", () => judge(state));
  if (past?.knowledge === null) {
    return { ...common, knowledge: present, plan: { kind: "everything", because: past.because, known: 0 } };
  }
  const knowledge = past === undefined ? present : { ...present, before: past.knowledge };
  const result = { ...common, knowledge, ...(past === undefined ? {} : { past: past.tree }) };
  const plan = stage("select", () => planOf(store, id, request, tree, knowledge));
  if (past !== undefined && plan.kind === "some" && plan.upToDate === 0 && !anythingHolds(past.knowledge)) {
    return { ...result, plan: { kind: "everything", because: past.because, known: plan.known } };
  }
  const { sample } = request.config.verify;
  // The sample only rides along: where nothing has to run, nothing is started for it.
  if (plan.kind !== "some" || mode !== "select" || sample === 0) {
    return { ...result, plan };
  }
  const isSampled = sampler(changeOf(plan, changes, tree), sample);
  return { ...result, plan: planOf(store, id, request, tree, knowledge, { isSampled }) };
}

/** A text that is the same for the same decision: what changed to what, and what runs for it. */
function changeOf(plan: Extract<Plan, { kind: "some" }>, changes: readonly Change[], tree: PresentTree): string {
  const changed = new Set(changes.map(({ kind, path }) => kind + path));
  const states = tree
    .entries()
    .flatMap(({ kind, path, digest }) => (changed.has(kind + path) ? [`${kind}${path} ${digest}`] : []));
  return JSON.stringify([states.sort(), plan.tests, plan.files]);
}

/**
 * The values of all declared inputs before a run: of those of the configuration, and of those that markers are known to
 * name. What tests find afterwards may be another thing already, or what they wrote themselves.
 */
export function declaredBefore(request: Request, { declared, knowledge }: Decision): DeclaredValue[] {
  const keys = new Map<string, DeclaredKey>(declaredKeys(request.config).map((key) => [declaredId(key), key]));
  for (const facts of knowledge?.facts.values() ?? []) {
    for (const { by, ...key } of facts[0]?.remarks?.declared ?? []) {
      if (by === "marker") {
        keys.set(declaredId(key), key);
      }
    }
  }
  return [...keys.values()].map(({ kind, name }) => ({
    kind,
    name,
    value: declared.value({ kind, name }) ?? null,
    by: "configuration",
  }));
}

/** Known test files of which only pytest can tell what they hold now; none where it is not told what to leave out. */
export function askedFiles({ plan, knowledge }: Pick<Decision, "plan" | "knowledge">): string[] {
  const files = plan.kind === "some" ? plan.files : [];
  return files.map(({ path }) => path).filter((path) => knowledge?.collections.has(path) === true);
}

/** `config` and `packages` dependencies of a request as they are now: what every test depends on. */
export function surroundingValues(request: Request, tree: PresentTree): Dependency[] {
  const directories = new Set(["", ...request.configuration.searched.map((path) => toProjectPath(request.root, path))]);
  const keys = [...directories].map((path) => ({ kind: "config", path, name: "" }) as const);
  return [...keys, { kind: "packages", path: "", name: "" } as const].map((key) => ({
    ...key,
    value: tree.value(key),
  }));
}

/** The plan of a request on a state that has been scanned; `except`: as if these files were not asked for. */
export function planOf(
  store: Store,
  environment: number,
  request: Request,
  tree: PresentTree,
  knowledge: Knowledge,
  options: { readonly isSampled?: (id: string) => boolean; readonly except?: ReadonlySet<string> } = {},
): Plan {
  const scopes = store.scopes(environment, request.selection);
  const unknown = unknownPaths(request, scopes, knowledge);
  // Which tests an expression means is pytest's to say, so all of them have to be collected.
  const also = request.also.expressions.map((expression) => ({
    path: "",
    reason: { kind: "also", name: `-k ${expression}` } as const,
  }));
  const candidates = [
    ...unknown,
    ...also,
    ...newFiles(store, environment, request, scopes, knowledge, tree).filter(
      (candidate) => !unknown.some(({ path }) => isInside(candidate.path, path)),
    ),
  ];
  const own = scopes.get(request.requestKey);
  const requested =
    request.paths.length > 0 ? request.paths : (own?.roots ?? []).map((path) => ({ path, ids: null as string | null }));
  const { isSampled, except } = options;
  const scope = scopeOf(requested);
  const rest =
    except === undefined ? scope : { ...scope, hasFile: (path: string) => !except.has(path) && scope.hasFile(path) };
  return select(knowledge, rest, candidates, (path) => tree.isThere(path), isSampled);
}

/** Directories that pytest need not walk for a plan, which may be another than that of the decision. */
export function sparedBy(plan: Plan, store: Store, request: Request, decision: Decision): string[] {
  const { environment, knowledge, tree } = decision;
  const id = store.environment(environment.digest);
  if (id === undefined || knowledge === undefined) {
    return [];
  }
  const asked = request.paths.map(({ path }) => path);
  return sparedDirectories(plan, asked, {
    walks: () => store.walks(id, request.selection),
    collected: knowledge.collections.keys(),
    isAsWalked: (directory, names) => tree.listingDigest(directory) === namesDigest(names),
    project: projectOf(tree),
  });
}

/**
 * Truth of every dependency on a tree, and what is known of tests and files in an environment. `changes`: in what the tree
 * differs from the baseline; `known`: what was read before.
 */
export function readKnowledge(
  store: Store,
  environment: number,
  request: Request,
  tree: PresentTree,
  changes: readonly Change[],
  declared: Pick<DeclaredValues, "value">,
  known?: Pick<Knowledge, "facts" | "collections"> & Partial<Pick<Knowledge, "nodes">>,
): Knowledge {
  const marks = new Uint8Array(store.lastDependencyId() + 1);
  for (const id of store.falseIds()) {
    marks[id] = 1;
  }
  for (const dependency of concernedBy(store, changes, tree)) {
    marks[dependency.id] = tree.value(dependency) === dependency.value ? 0 : 1;
  }
  // A module level that differs may differ in names that concern few: that is asked of each fact.
  const byName = store.dependencies(markedIn(marks)).filter((one) => mayBeNames(tree, one));
  for (const { id } of byName) {
    marks[id] = 0;
  }
  const { ignore } = request.config;
  if (ignore.length > 0 && marks.includes(1)) {
    unmarkIgnored(store, marks, ignoredPaths(ignore));
  }
  const isBad = marks.includes(1);
  const depsets = isBad || byName.length > 0 ? store.depsets() : undefined;
  const bad = isBad ? depsets?.withMarked(marks) : undefined;
  const keys = new Map<number, Key>();
  const collections = known?.collections ?? store.collections(environment);
  const paths = whenAsked(() => {
    const found = new Map<number, string>();
    for (const [path, [newest]] of collections) {
      for (const test of newest?.tests ?? []) {
        found.set(test, path);
      }
    }
    return found;
  });
  const nodes = known?.nodes ?? new StoredNodes(store, paths);
  const moduleLevel = stage(
    "module-level",
    () =>
      new ModuleLevel(
        new StoredLevels(store, tree, byName, depsets, collections, paths, nodes, fixturesOfAll(request)),
      ),
  );
  return {
    facts: known?.facts ?? store.facts(environment),
    collections,
    nodes,
    moduleLevel: isTracing() ? tracedLevel(moduleLevel) : moduleLevel,
    survivors: new Map([...store.survivors(request.selection), ...store.survivors(absenceKey(request))]),
    missed: missesOf(store),
    holds: (depset) => bad?.has(depset) !== true,
    changed: (depset) => {
      const ids = (depsets?.members(depset) ?? []).filter((id) => marks[id] === 1).slice(0, 8);
      const unknown = ids.filter((id) => !keys.has(id));
      for (const dependency of store.dependencies(unknown)) {
        keys.set(dependency.id, dependency);
      }
      return ids.flatMap((id) => keys.get(id) ?? []);
    },
    broken: (path) => tree.broken(path),
    word: wordOf(
      request,
      () => ({ nodes, paths: store.testPaths() }),
      (key) => declared.value(key),
    ),
  };
}

/** The ids that are marked with 1. */
function markedIn(marks: Uint8Array): number[] {
  const found: number[] = [];
  for (let id = marks.indexOf(1); id >= 0; id = marks.indexOf(1, id + 1)) {
    found.push(id);
  }
  return found;
}

/** A map that is made when it is first asked for anything. */
function whenAsked<K, V>(make: () => ReadonlyMap<K, V>): Pick<ReadonlyMap<K, V>, "get"> {
  let made: ReadonlyMap<K, V> | undefined;
  return {
    get: (key) => {
      made ??= make();
      return made.get(key);
    },
  };
}

/** The same, with its time told apart from that of the choice that asks it. */
function tracedLevel(level: Knowledge["moduleLevel"]): Knowledge["moduleLevel"] {
  return {
    ofTest: (test, depsets, isElsewhere) => stage("module-level", () => level.ofTest(test, depsets, isElsewhere)),
    ofFile: (path, depsets) => stage("module-level", () => level.ofFile(path, depsets)),
    provisos: (depsets) => stage("module-level", () => level.provisos(depsets)),
    failed: (depsets) => stage("module-level", () => level.failed(depsets)),
  };
}

/** Takes what the configuration ignores for unchanged: contents and listings only, never code that ran. */
function unmarkIgnored(store: Store, marks: Uint8Array, isIgnored: (path: string) => boolean): void {
  for (const { id, kind, path } of store.dependencies(markedIn(marks))) {
    if ((kind === "file" || kind === "listing" || kind === "exists") && isIgnored(path)) {
      marks[id] = 0;
    }
  }
}

/** Names in the setting `usefixtures`. */
function fixturesOfAll({ configuration, fullProfile }: Request): readonly string[] {
  const value = fullProfile.overrides.get("usefixtures") ?? configuration.values.get("usefixtures") ?? [];
  return (Array.isArray(value) ? value.map(String) : [String(value)])
    .flatMap((each) => each.split(/\s+/))
    .filter(Boolean);
}

/** Whether the truth of the stored dependencies was written as another interpreter or search path sees it. */
function isForeign(store: Store, tree: PresentTree): boolean {
  return store.note("viewpoint") !== tree.viewpoint;
}

/** Sources that were last judged for another Python, which may compile other things than this one. */
export function uncheckedSources(store: Store, tree: PresentTree): Change[] {
  const [python] = JSON.parse(store.note("viewpoint") ?? "[null]") as [unknown];
  return python !== tree.python
    ? tree
        .entries()
        .filter(({ kind, path, digest }) => kind === "f" && path.endsWith(".py") && digest !== ABSENT)
        .map(({ path }) => ({ kind: "f", path, before: ABSENT }))
    : [];
}

/** The dependencies whose value may be another one after these changes, or as this tree sees it. */
export function concernedBy(
  store: Store,
  changes: readonly Change[],
  tree: PresentTree,
): ReturnType<Store["dependenciesOfPath"]> {
  const concerned = new Map<number, ReturnType<Store["dependenciesOfPath"]>[number]>();
  const add = (dependencies: ReturnType<Store["dependenciesOfPath"]>): void => {
    for (const dependency of dependencies) {
      concerned.set(dependency.id, dependency);
    }
  };
  for (const { kind, path } of changes) {
    if (kind === "e") {
      add(store.dependenciesOfKind("env").filter(({ name }) => name === path));
    } else if (kind !== "p") {
      add(store.dependenciesOfPath(path));
    }
    if (kind === "f" && isConfigurationFile(path)) {
      const directory = dirname(path);
      add(store.dependenciesOfPath(directory === "." ? "" : directory).filter((found) => found.kind === "config"));
    }
  }
  const foreign = isForeign(store, tree);
  if (foreign) {
    const broken = [...Object.values(brokenFiles(store)), tree.brokenFiles()];
    for (const path of new Set(broken.flatMap((files) => Object.keys(files)))) {
      add(store.dependenciesOfPath(path));
    }
  }
  if (foreign || changes.some(({ kind }) => kind === "d")) {
    add(store.dependenciesOfKind("resolve"));
  }
  if (foreign || changes.some(({ kind }) => kind === "p")) {
    add(store.dependenciesOfKind("packages"));
    add(store.dependenciesOfKind("package"));
  }
  return [...concerned.values()];
}

/** Requested paths that no complete collection under this selection has covered: what is in them is not known. */
function unknownPaths(request: Request, scopes: ReadonlyMap<string, KnownScope>, knowledge: Knowledge): Candidate[] {
  if (scopes.has(request.requestKey)) {
    // A path that is not there, or holds no known test, and ids that match none are pytest's to answer.
    return request.paths.flatMap(({ path, ids }) =>
      (ids === null ? knowsPath(request, knowledge, path) : knowsId(knowledge, path, ids))
        ? []
        : [{ path, reason: { kind: "no-record" } as const }],
    );
  }
  const requested = request.paths.length === 0 ? [{ path: "", ids: null }] : request.paths;
  return requested.flatMap(({ path, ids }) => {
    const covered =
      request.paths.length > 0 &&
      [...scopes.values()].some(({ roots }) => roots.some((root) => isInside(path, root))) &&
      knowsPath(request, knowledge, path) &&
      (ids === null || knowsId(knowledge, path, ids));
    return covered ? [] : [{ path, reason: { kind: "no-record" } as const }];
  });
}

function knowsPath(request: Request, knowledge: Knowledge, path: string): boolean {
  return isThere(request.root, path) && [...knowledge.collections.keys()].some((file) => isInside(file, path));
}

function knowsId(knowledge: Knowledge, path: string, ids: string): boolean {
  const scope = scopeOf([{ path, ids }]);
  const tests = knowledge.collections.get(path)?.[0]?.tests ?? [];
  return tests.some((test) => scope.hasTest(path, knowledge.nodes.get(test) ?? ""));
}

/** Files that appeared in the directories that pytest walks. */
function newFiles(
  store: Store,
  environment: number,
  request: Request,
  scopes: ReadonlyMap<string, KnownScope>,
  knowledge: Knowledge,
  tree: PresentTree,
): Candidate[] {
  const custom = [...scopes.values()].some(({ settings }) => settings.customCollection);
  // Made when the first new name is met: there seldom is any.
  let isCandidate: ((path: string) => boolean) | undefined;
  let isIgnored: ((name: string) => boolean) | undefined;
  const roots =
    request.paths.length === 0 ? scopes.get(request.requestKey)?.roots : request.paths.map(({ path }) => path);
  const found: Candidate[] = [];
  const add = (path: string): void => {
    const asked = roots?.some((root) => isInside(path, root)) ?? true;
    if (!asked || knowledge.collections.has(path)) {
      return;
    }
    isCandidate ??= candidateRule(request, custom);
    if (isCandidate(path)) {
      found.push({ path, reason: { kind: "new-file", path } });
    }
  };
  const mayHold = (directory: string): boolean =>
    roots?.some((root) => isInside(directory, root) || isInside(root, directory)) ?? true;
  const visit = (directory: string, name: string): void => {
    const path = joinPath(directory, name);
    isIgnored ??= ignoredDirectories(request);
    if (listDirectory(`${request.root}/${path}`) === null) {
      add(path);
    } else if (!isIgnored(name) && mayHold(path)) {
      // Through the watch table, so that what appears in it later is noticed as well.
      for (const inner of tree.names(path) ?? []) {
        visit(path, inner);
      }
    }
  };
  for (const [directory, names] of store.walks(environment, request.selection)) {
    if (!mayHold(directory)) {
      continue;
    }
    if (tree.listingDigest(directory) === namesDigest(names)) {
      continue;
    }
    const known = new Set(names);
    for (const name of tree.names(directory) ?? []) {
      if (!known.has(name)) {
        visit(directory, name);
      }
    }
  }
  return found;
}

/** Directories that pytest does not enter, as far as their name alone tells. */
function ignoredDirectories(request: Request): (name: string) => boolean {
  const patterns = request.configuration.norecursedirs.filter((pattern) => !pattern.includes("/"));
  return patterns.length === 0
    ? () => false
    : picomatch(patterns, { dot: true, nobrace: true, noext: true, nonegate: true });
}

/** Whether pytest may collect a file of this name. Where the rule is not known, every file may be. */
function candidateRule(request: Request, custom: boolean): (path: string) => boolean {
  if (custom) {
    return () => true;
  }
  const override = request.fullProfile.overrides.get("python_files");
  const patterns = override === undefined ? request.configuration.pythonFiles : override.split(/\s+/).filter(Boolean);
  const matches = picomatch(patterns.length === 0 ? ["test_*.py", "*_test.py"] : patterns.map(String), {
    basename: true,
    dot: true,
    nobrace: true,
    noext: true,
    nonegate: true,
  });
  const doctests = request.fullProfile.environment.some((option) => option.startsWith("--doctest"));
  return (path) => {
    const name = basename(path);
    if (name.endsWith(".py")) {
      return doctests || patterns.some((pattern) => pattern.includes("/")) || matches(name);
    }
    return (name.startsWith("test") && name.endsWith(".txt")) || doctests;
  };
}
