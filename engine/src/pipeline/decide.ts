/**
 * Known → scan → diff → select: what of a request has to run, and why. Reads only.
 *
 * Where nothing changed since a decision that found nothing to do, and the store is the same, that verdict holds: this
 * is the path of every idle invocation, and it reads one blob and stats each watched file once.
 */

import { basename, dirname } from "node:path";
import picomatch from "picomatch";
import { joinPath } from "../changes/resolve.ts";
import { listDirectory } from "../files/listing.ts";
import type { WatchEntry } from "../files/watch.ts";
import type { Dependency, Key } from "../model/key.ts";
import type { Plan } from "../model/plan.ts";
import type { InterpreterInfo } from "../runners/pytest/interpreter.ts";
import { isInside, scopeOf } from "../selection/scope.ts";
import { type Candidate, type Knowledge, type KnownCollection, select } from "../selection/select.ts";
import { hasMarked } from "../store/id-set.ts";
import type { Scope as KnownScope, Store } from "../store/store.ts";
import { type Environment, environmentOf } from "./environment.ts";
import { type BrokenFile, type Change, type Compiler, PresentTree, isConfigurationFile, namesDigest } from "./present.ts";
import { type Request, isThere, toProjectPath } from "./request.ts";

export interface Decision {
  readonly plan: Plan;
  readonly changes: readonly Change[];
  readonly environment: Environment;
  /** Undefined where nothing is recorded in this environment. */
  readonly knowledge: Knowledge | undefined;
  readonly tree: PresentTree;
  /** Whether the watch table in the store is out of date in its times only, so that writing it back saves work. */
  readonly restamped: number;
}

/** What the last session said of the surroundings, kept in the store for decisions without Python. */
export interface Surroundings {
  /** Project directories on the import path, in order. */
  readonly searchRoots: readonly string[];
}

/** Reads the surroundings of an environment. */
export function surroundingsOf(store: Store, environment: number | undefined): Surroundings {
  const text = environment === undefined ? undefined : store.note(`surroundings:${environment}`);
  return text === undefined ? { searchRoots: [] } : (JSON.parse(text) as Surroundings);
}

/** The name under which the verdict of a request is kept. */
export function verdictKey(request: Request, environment: Environment): string {
  return JSON.stringify([environment.digest, request.selection, request.requestKey, request.paths]);
}

export interface Verdict {
  readonly generation: number;
  readonly upToDate: Readonly<Record<string, number>>;
}

/** Opens the present state for a store's watch table. */
export function openTree(
  store: Store | undefined,
  request: Request,
  interpreter: InterpreterInfo,
  surroundings: Surroundings,
  watch: readonly WatchEntry[],
): PresentTree {
  return new PresentTree({
    root: request.root,
    store,
    watch,
    searchRoots: surroundings.searchRoots,
    siteDirectories: interpreter.siteDirectories,
    python: interpreter.version,
    now: Date.now(),
    broken: JSON.parse(store?.note("broken") ?? "{}") as Record<string, BrokenFile>,
  });
}

/** Decides a request. Throws only if the store cannot be read; the caller then runs everything. */
export function decide(store: Store, request: Request, interpreter: InterpreterInfo, compiler: Compiler): Decision {
  const environment = environmentOf(request, interpreter);
  const id = store.environment(environment.digest);
  const tree = openTree(store, request, interpreter, surroundingsOf(store, id), store.watch());
  const changes = tree.scan();
  const common = { changes, environment, tree, restamped: tree.restamped };
  if (id === undefined) {
    return {
      ...common,
      knowledge: undefined,
      plan: { kind: "everything", because: "nothing is recorded in this environment yet", known: 0 },
    };
  }
  if (changes.length === 0 && request.fullProfile.asks.length === 0 && !request.fullProfile.stateful) {
    const verdict = JSON.parse(store.note("verdict") ?? "null") as Verdict | null;
    const upToDate = verdict?.upToDate[verdictKey(request, environment)];
    if (verdict?.generation === store.generation() && upToDate !== undefined) {
      return { ...common, knowledge: undefined, plan: { kind: "nothing", upToDate } };
    }
  }
  tree.checkCompiles(changes, compiler);
  const knowledge = readKnowledge(store, id, request, tree, changes);
  return { ...common, knowledge, plan: planOf(store, id, request, tree, knowledge) };
}

/** `config` and `packages` dependencies of a request as they are now: what every test depends on. */
export function surroundingValues(request: Request, tree: PresentTree): Dependency[] {
  const directories = new Set(["", ...request.configuration.searched.map((path) => toProjectPath(request.root, path))]);
  const keys = [...directories].map((path) => ({ kind: "config", path, name: "" }) as const);
  return [...keys, { kind: "packages", path: "", name: "" } as const].map((key) => ({ ...key, value: tree.value(key) }));
}

/** The plan of a request on a state that has been scanned. */
export function planOf(store: Store, environment: number, request: Request, tree: PresentTree, knowledge: Knowledge): Plan {
  const scopes = store.scopes(environment, request.selection);
  const candidates = [
    ...unknownPaths(request, scopes, knowledge),
    ...newFiles(store, environment, request, scopes, knowledge, tree),
  ];
  const own = scopes.get(request.requestKey);
  const requested =
    request.paths.length > 0 ? request.paths : (own?.roots ?? []).map((path) => ({ path, ids: null as string | null }));
  return select(knowledge, scopeOf(requested), candidates, (path) => isThere(request.root, path));
}

/** Truth of every dependency now, and what is known of tests and files in an environment. */
export function readKnowledge(
  store: Store,
  environment: number,
  request: Request,
  tree: PresentTree,
  changes: readonly Change[],
): Knowledge {
  const marks = new Uint8Array(store.lastDependencyId() + 1);
  for (const id of store.falseIds()) {
    marks[id] = 1;
  }
  for (const dependency of concernedBy(store, changes)) {
    marks[dependency.id] = tree.value(dependency) === dependency.value ? 0 : 1;
  }
  const bad = new Set<number>();
  if (marks.includes(1)) {
    store.forEachDepset((id, members) => {
      if (hasMarked(members, marks)) {
        bad.add(id);
      }
    });
  }
  return {
    facts: store.facts(environment),
    collections: store.collections(environment),
    nodes: store.testNodes(),
    survivors: store.survivors(request.selection),
    holds: (depset) => !bad.has(depset),
    changed: (depset) => {
      const keys: Key[] = [];
      for (const id of store.depset(depset)) {
        const dependency = marks[id] === 1 ? store.dependency(id) : undefined;
        if (dependency !== undefined) {
          keys.push(dependency);
        }
        if (keys.length >= 8) {
          break;
        }
      }
      return keys;
    },
    broken: (path) => tree.broken(path),
  };
}

/** The dependencies whose value may be another one after these changes. */
export function concernedBy(store: Store, changes: readonly Change[]): ReturnType<Store["dependenciesOfPath"]> {
  const concerned = new Map<number, ReturnType<Store["dependenciesOfPath"]>[number]>();
  const add = (dependencies: ReturnType<Store["dependenciesOfPath"]>): void => {
    for (const dependency of dependencies) {
      concerned.set(dependency.id, dependency);
    }
  };
  for (const { kind, path } of changes) {
    if (kind !== "p") {
      add(store.dependenciesOfPath(path));
    }
    if (kind === "f" && isConfigurationFile(path)) {
      const directory = dirname(path);
      add(store.dependenciesOfPath(directory === "." ? "" : directory).filter((found) => found.kind === "config"));
    }
  }
  if (changes.some(({ kind }) => kind === "d")) {
    add(store.dependenciesOfKind("resolve"));
  }
  if (changes.some(({ kind }) => kind === "p")) {
    add(store.dependenciesOfKind("packages"));
  }
  return [...concerned.values()];
}

/** Requested paths that no complete collection under this selection has covered: what is in them is not known. */
function unknownPaths(request: Request, scopes: ReadonlyMap<string, KnownScope>, knowledge: Knowledge): Candidate[] {
  if (scopes.has(request.requestKey)) {
    // Ids that match no known test are pytest's to answer.
    return request.paths.flatMap(({ path, ids }) =>
      ids === null || knowsId(knowledge, path, ids) ? [] : [{ path, reason: { kind: "no-record" } as const }],
    );
  }
  const requested = request.paths.length === 0 ? [{ path: "", ids: null }] : request.paths;
  return requested.flatMap(({ path, ids }) => {
    const covered =
      request.paths.length > 0 &&
      [...scopes.values()].some(({ roots }) => roots.some((root) => isInside(path, root))) &&
      [...knowledge.collections.keys()].some((file) => isInside(file, path)) &&
      (ids === null || knowsId(knowledge, path, ids));
    return covered ? [] : [{ path, reason: { kind: "no-record" } as const }];
  });
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
  const isCandidate = candidateRule(request, custom);
  const roots = request.paths.length === 0 ? scopes.get(request.requestKey)?.roots : request.paths.map(({ path }) => path);
  const found: Candidate[] = [];
  const add = (path: string): void => {
    const asked = roots?.some((root) => isInside(path, root)) ?? true;
    if (asked && isCandidate(path) && !knowledge.collections.has(path)) {
      found.push({ path, reason: { kind: "new-file", path } });
    }
  };
  const walkNew = (directory: string): void => {
    for (const name of listDirectory(`${request.root}/${directory}`) ?? []) {
      const path = `${directory}/${name}`;
      if (IGNORED_DIRECTORIES(name)) {
        continue;
      }
      if (listDirectory(`${request.root}/${path}`) !== null) {
        walkNew(path);
      } else {
        add(path);
      }
    }
  };
  for (const [directory, names] of store.walks(environment, request.selection)) {
    if (roots?.some((root) => isInside(directory, root) || isInside(root, directory)) === false) {
      continue;
    }
    if (tree.listingDigest(directory) === namesDigest(names)) {
      continue;
    }
    const known = new Set(names);
    for (const name of tree.names(directory) ?? []) {
      if (known.has(name)) {
        continue;
      }
      const path = joinPath(directory, name);
      if (listDirectory(`${request.root}/${path}`) === null) {
        add(path);
      } else if (!IGNORED_DIRECTORIES(name)) {
        walkNew(path);
      }
    }
  }
  return found;
}

/** pytest's default `norecursedirs`; a project's own setting only ever leads to a needless start. */
const IGNORED_DIRECTORIES = picomatch([".*", "*.egg", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}"], {
  dot: true,
});

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
  });
  const doctests = request.fullProfile.environment.some((option) => option.startsWith("--doctest"));
  return (path) => {
    const name = basename(path);
    if (name.endsWith(".py")) {
      return doctests || patterns.some((pattern) => pattern.includes("/")) || matches(name);
    }
    return (name.startsWith("test") && name.endsWith(".txt")) || (doctests && /\.(txt|rst|md)$/.test(name));
  };
}

/** Collection facts that hold now, for `status` and `why`. */
export function holdingCollection(knowledge: Knowledge, path: string): KnownCollection | undefined {
  return knowledge.collections
    .get(path)
    ?.find((candidate) => candidate.green && candidate.depsets.every((depset) => knowledge.holds(depset)));
}
