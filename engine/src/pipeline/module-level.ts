/** What a store and the present tree know of module levels, for judging their changes by name. */

import { type Resolutions, resolveCandidates } from "../changes/resolve.ts";
import { ABSENT, FAILED, WHOLE } from "../model/key.ts";
import { type Concern, isConftest, moduleNames, type Outline, Project } from "../names/index.ts";
import type { ChangedLevel, LevelKnowledge } from "../selection/module-level.ts";
import type { KnownCollection } from "../selection/select.ts";
import type { PackedDepsets, Store, StoredDependency } from "../store/store.ts";
import type { PresentTree } from "./present.ts";

/** A project over the present tree, for questions about names. */
export function projectOf(tree: PresentTree): Project {
  const memo: Resolutions = new Map();
  const [major = 3, minor = 0] = tree.python.split(".").map(Number);
  return new Project({
    python: [major, minor],
    outline: (path) => tree.outline(path),
    resolve: remembered((module) => resolveCandidates(tree, module, memo).map(({ path }) => path)),
    namesOf: remembered((path) => moduleNames(path, tree.searchRoots)),
  });
}

/** The same function, which finds each answer once: the tree stays as it is for as long as it is asked. */
function remembered(find: (name: string) => readonly string[]): (name: string) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (name) => {
    let found = known.get(name);
    if (found === undefined) {
      found = find(name);
      known.set(name, found);
    }
    return found;
  };
}

/** Whether the change of a module level may be less than one of everything in it: its present content can be read. */
export function mayBeNames(tree: PresentTree, { kind, path, name, value }: StoredDependency): boolean {
  const mayBe =
    kind === "toplevel"
      ? name === "" && value !== ABSENT && !value.startsWith("!")
      : kind === "file" && value === ABSENT && isConftest(path);
  return mayBe && tree.source(path).kind === "source";
}

type Collected = Pick<KnownCollection, "green" | "depsets">;

/** Module levels of files whose import may fail, and which of them each depset has, as far as it was asked for. */
interface FailingLevels {
  readonly levels: readonly { readonly path: string; readonly marks: Uint8Array }[];
  readonly depsets: Map<number, readonly string[]>;
}

/** What is known of a depset. */
const UNKNOWN = 0;
const UNCONCERNED = 1;
const CONCERNED = 2;

export class StoredLevels implements LevelKnowledge {
  readonly project: Project;
  readonly usedByAll: readonly string[];
  readonly #store: Store;
  readonly #tree: PresentTree;
  readonly #changed = new Map<number, readonly ChangedLevel[]>();
  readonly #depsets: PackedDepsets | undefined;
  /** Which depsets a change concerns, as far as they were asked for: thousands of facts share some of them. */
  readonly #concerned = new Map<Concern, { readonly marks: Uint8Array; readonly depsets: Uint8Array }>();
  readonly #failures = new Map<Concern, FailingLevels>();
  readonly #loaded = new Map<string, boolean>();
  readonly #failed = new Map<number, readonly string[]>();
  #failedLevels: ReadonlyMap<number, string> | undefined;
  readonly #collections: ReadonlyMap<string, readonly Collected[]>;
  readonly #size: number;
  readonly #files: Pick<ReadonlyMap<number, string>, "get">;
  readonly #nodes: Pick<ReadonlyMap<number, string>, "get">;
  #paths: readonly string[] | undefined;

  /**
   * `changed`: the dependencies on module levels that are other ones now, and `depsets` what may contain them, if there
   * are any; `collections`: those of each file; `files`: what each test is collected from.
   */
  constructor(
    store: Store,
    tree: PresentTree,
    changed: readonly StoredDependency[],
    depsets: PackedDepsets | undefined,
    collections: ReadonlyMap<string, readonly Collected[]>,
    files: Pick<ReadonlyMap<number, string>, "get">,
    nodes: Pick<ReadonlyMap<number, string>, "get">,
    usedByAll: readonly string[],
  ) {
    this.usedByAll = usedByAll;
    this.#store = store;
    this.#tree = tree;
    this.#collections = collections;
    this.#files = files;
    this.#nodes = nodes;
    this.project = projectOf(tree);
    this.#size = store.lastDependencyId() + 1;
    this.#depsets = depsets;
    if (changed.length === 0) {
      return;
    }
    const byId = new Map(changed.map((dependency) => [dependency.id, dependency]));
    const marks = new Uint8Array(this.#size);
    for (const id of byId.keys()) {
      marks[id] = 1;
    }
    for (const id of depsets?.withMarked(marks) ?? []) {
      this.#changed.set(id, depsets?.members(id).flatMap((member) => byId.get(member) ?? []) ?? []);
    }
  }

  paths = (): readonly string[] => {
    this.#paths ??= this.#store
      .dependencyPaths()
      .filter((path) => path.endsWith(".py") && this.#tree.outline(path) !== undefined);
    return this.#paths;
  };

  outlineOfToplevel(value: string): Outline | undefined {
    return this.#tree.outlineOfToplevel(value);
  }

  changedIn(depset: number): readonly ChangedLevel[] {
    return this.#changed.get(depset) ?? [];
  }

  isConcerned(depset: number, concern: Concern): boolean {
    let known = this.#concerned.get(concern);
    if (known === undefined) {
      known = { marks: this.#marksOf(concern), depsets: new Uint8Array((this.#depsets?.last ?? 0) + 1) };
      this.#concerned.set(concern, known);
    }
    if (known.depsets[depset] === UNKNOWN) {
      known.depsets[depset] = this.#depsets?.hasMarked(depset, known.marks) === true ? CONCERNED : UNCONCERNED;
    }
    return known.depsets[depset] === CONCERNED;
  }

  failuresIn(depset: number, concern: Concern): readonly string[] {
    if (concern.failures.size === 0) {
      return [];
    }
    let known = this.#failures.get(concern);
    if (known === undefined) {
      const levels = [...concern.failures].map((path) => ({ path, marks: this.#marksOfLevel(path) }));
      known = { levels, depsets: new Map() };
      this.#failures.set(concern, known);
    }
    let found = known.depsets.get(depset);
    if (found === undefined) {
      found = known.levels
        .filter(({ marks }) => this.#depsets?.hasMarked(depset, marks) === true)
        .map(({ path }) => path);
      known.depsets.set(depset, found);
    }
    return found;
  }

  failedIn(depset: number): readonly string[] {
    let found = this.#failed.get(depset);
    if (found === undefined) {
      this.#failedLevels ??= this.#findFailedLevels();
      const members = new Set(this.#failedLevels.size === 0 ? [] : this.#depsets?.members(depset));
      found = [...this.#failedLevels].flatMap(([id, path]) => (members.has(id) ? [path] : []));
      this.#failed.set(depset, found);
    }
    return found;
  }

  isLoadedBy(file: string, path: string): boolean {
    const id = `${file}\n${path}`;
    let isLoaded = this.#loaded.get(id);
    if (isLoaded === undefined) {
      const levels = this.#marksOfLevel(path);
      // Failed, or looked into by others: then all of it counts, and nothing of this does.
      const whole = this.#marksOfLevel(path, (name) => name === WHOLE);
      const collections = (this.#collections.get(file) ?? []).filter(({ green }) => green);
      isLoaded =
        collections.length > 0 &&
        collections.every(({ depsets }) => {
          const has = (marks: Uint8Array): boolean =>
            depsets.some((depset) => this.#depsets?.hasMarked(depset, marks) === true);
          return has(levels) && !has(whole);
        });
      this.#loaded.set(id, isLoaded);
    }
    return isLoaded;
  }

  /** Paths by the ids of the dependencies that tell of a failure. */
  #findFailedLevels(): ReadonlyMap<number, string> {
    const found = new Map<number, string>();
    for (const path of this.paths()) {
      for (const { id, kind, name } of this.#store.dependenciesOfPath(path)) {
        if (kind === "toplevel" && name === FAILED) {
          found.set(id, path);
        }
      }
    }
    return found;
  }

  #marksOfLevel(path: string, concerns: (name: string) => boolean = () => true): Uint8Array {
    const marks = new Uint8Array(this.#size);
    for (const { id, kind, name, value } of this.#store.dependenciesOfPath(path)) {
      if (kind === "toplevel" && value !== ABSENT && concerns(name)) {
        marks[id] = 1;
      }
    }
    return marks;
  }

  /** The dependencies that a fact must not have, if the change is not to concern it. */
  #marksOf(concern: Concern): Uint8Array {
    const marks = new Uint8Array(this.#size);
    const { effects, touched } = concern;
    for (const path of this.paths()) {
      const bodies = concern.bodiesOf(path);
      const isTouched = touched.has(path);
      if (bodies.size === 0 && !effects.has(path) && !isTouched) {
        continue;
      }
      for (const { id, kind, name } of this.#store.dependenciesOfPath(path)) {
        const isConcerned = effects.has(path) || (isTouched && name === WHOLE);
        if ((kind === "body" && bodies.has(name)) || (kind === "toplevel" && isConcerned)) {
          marks[id] = 1;
        }
      }
    }
    return marks;
  }

  fileOf(test: number): string | undefined {
    return this.#files.get(test);
  }

  nodeOf(test: number): string | undefined {
    return this.#nodes.get(test);
  }
}
