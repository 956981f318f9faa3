/**
 * Saved states: `winnow snapshot save NAME` writes down what the project looks like, so that `--against NAME` can ask what
 * changed since.
 *
 * Written down is what each file of the project holds (by digest), the names in each directory, what is installed, the
 * variables that any test asked for, and what is declared. Sources are in the store already, by their digests, and stay
 * there. What was asked for later only (a variable, a file outside of the project) is not known, and equals nothing.
 */

import { parentOf } from "../changes/resolve.ts";
import { DIRECTORY_DIGEST, UNKNOWN } from "../changes/tree.ts";
import { compress, decompress } from "../files/compression.ts";
import { isListed } from "../files/listing.ts";
import { projectFiles } from "../files/walk.ts";
import { ABSENT } from "../model/key.ts";
import { type DeclaredKey, declaredId } from "../model/remarks.ts";
import { isOutside } from "../snapshot/place.ts";
import type { Store } from "../store/store.ts";
import { type Decision, declaredBefore } from "./decide.ts";
import type { Past } from "./past.ts";
import type { BrokenFile, PresentTree, StoredSite } from "./present.ts";
import type { Request } from "./request.ts";

/** Raised with every change of what the fields mean. */
const VERSION = 1;

interface SavedState {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The version of Python, and the environment's name. */
  readonly python: string;
  readonly environment: string;
  /** Digests of files; of what is no plain file, too. */
  readonly files: Readonly<Record<string, string>>;
  /** Names in directories; null where there was none. */
  readonly directories: Readonly<Record<string, readonly string[] | null>>;
  /** Digests of pytest's configuration, by directory. */
  readonly configurations: Readonly<Record<string, string>>;
  readonly sites: Readonly<Record<string, StoredSite>>;
  readonly variables: Readonly<Record<string, string>>;
  readonly declared: Readonly<Record<string, string>>;
  readonly broken: Readonly<Record<string, BrokenFile>>;
}

/** What is told of a saved state. */
export interface SavedSummary {
  readonly name: string;
  readonly at: number;
  readonly python: string;
  readonly files: number;
}

/** Writes down the state that was decided on, under a name; what had that name before gives way. */
export function saveState(store: Store, request: Request, decision: Decision, name: string): SavedSummary {
  const { tree } = decision;
  const declared = declaredBefore(request, decision);
  const state = store.write(() => {
    const state = stateOf(store, tree, request, declared);
    store.setState(name, encode(state));
    tree.saveFingerprints(store);
    return state;
  });
  return summaryOf(name, state);
}

function stateOf(
  store: Store,
  tree: PresentTree,
  { root, config }: Request,
  declared: ReturnType<typeof declaredBefore>,
): SavedState {
  for (const path of projectFiles(root)) {
    tree.digest(path);
    for (let directory = parentOf(path); ; directory = parentOf(directory)) {
      tree.names(directory);
      if (directory === "") {
        break;
      }
    }
  }
  const configured = store
    .dependencyPaths()
    .flatMap((path) => store.dependenciesOfPath(path).filter(({ kind }) => kind === "config"));
  const configurations = Object.fromEntries(configured.map(({ path }) => [path, tree.configDigest(path)]));
  const files: Record<string, string> = {};
  const directories: Record<string, readonly string[] | null> = {};
  const variables: Record<string, string> = {};
  for (const { kind, path, digest } of tree.entries()) {
    if (kind === "f") {
      files[path] = digest;
      if (path.endsWith(".py")) {
        // Has it split, so that its source is kept: what differs from it later is told from that.
        tree.source(path);
      }
    } else if (kind === "d") {
      directories[path] = tree.names(path);
    } else if (kind === "e") {
      variables[path] = digest;
    }
  }
  return {
    version: VERSION,
    at: Date.now(),
    python: tree.python,
    environment: config.environment,
    files,
    directories,
    configurations,
    sites: Object.fromEntries(tree.installed()),
    variables,
    declared: Object.fromEntries(
      declared.flatMap((each) => (each.value === null ? [] : [[declaredId(each), each.value]])),
    ),
    broken: tree.brokenFiles(),
  };
}

function encode(state: SavedState): Uint8Array {
  return compress(Buffer.from(JSON.stringify(state)));
}

/** Throws if it is damaged, as a store is that cannot be read. */
function decode(bytes: Uint8Array): SavedState {
  let text: string;
  try {
    text = Buffer.from(decompress(bytes)).toString("utf8");
  } catch {
    throw new SyntaxError("a saved state cannot be unpacked");
  }
  return JSON.parse(text) as SavedState;
}

function summaryOf(name: string, { at, python, files }: SavedState): SavedSummary {
  const there = Object.values(files).filter((digest) => digest !== ABSENT);
  return { name, at, python, files: there.length };
}

/** All saved states, by name. */
export function savedStates(store: Store): SavedSummary[] {
  return store.stateNames().flatMap((name) => savedState(store, name) ?? []);
}

/** A saved state; undefined if there is none of that name. */
export function savedState(store: Store, name: string): SavedSummary | undefined {
  const bytes = store.state(name);
  return bytes === undefined ? undefined : summaryOf(name, decode(bytes));
}

/** The contents of all sources in saved states, by their digests. */
export function savedContents(store: Store): Set<string> {
  const contents = new Set<string>();
  for (const name of store.stateNames()) {
    const bytes = store.state(name);
    for (const [path, digest] of bytes === undefined ? [] : Object.entries(decode(bytes).files)) {
      if (path.endsWith(".py")) {
        contents.add(digest);
      }
    }
  }
  return contents;
}

/** What a saved state says; a sentence, if that is nothing that can be compared with now. */
export function pastOfState(
  store: Store,
  name: string,
  { tree, root, environment }: { readonly tree: PresentTree; readonly root: string; readonly environment: string },
): Past | string {
  const bytes = store.state(name);
  if (bytes === undefined) {
    return `there is no snapshot called "${name}" any more`;
  }
  const state = decode(bytes);
  if (state.version !== VERSION) {
    return `the snapshot ${name} was saved by another version of winnow`;
  }
  if (state.python !== tree.python) {
    return `the snapshot ${name} was saved with Python ${state.python}, and this is ${tree.python}`;
  }
  if (state.environment !== environment) {
    return `the snapshot ${name} was saved in another environment ("${state.environment}")`;
  }
  return new SavedPast(store, state, tree, root);
}

class SavedPast implements Past {
  readonly unsaid = [] as const;
  readonly broken: SavedState["broken"];
  readonly #store: Store;
  readonly #state: SavedState;
  readonly #tree: PresentTree;
  readonly #root: string;
  readonly #directories: ReadonlyMap<string, readonly string[] | null>;
  readonly #files: ReadonlyMap<string, string>;

  constructor(store: Store, state: SavedState, tree: PresentTree, root: string) {
    this.broken = state.broken;
    this.#store = store;
    this.#state = state;
    this.#tree = tree;
    this.#root = root;
    this.#directories = new Map(Object.entries(state.directories));
    this.#files = new Map(Object.entries(state.files));
  }

  prepare(): void {}

  /** Whether a path was absent, as far as the names of the directories tell that lead to it. */
  #isAbsent(path: string): boolean {
    for (let at = path; at !== "" && !isOutside(at); at = parentOf(at)) {
      const names = this.#directories.get(parentOf(at));
      if (names !== undefined) {
        const name = at.slice(at.lastIndexOf("/") + 1);
        return names === null || (isListed(name) && !names.includes(name));
      }
    }
    return false;
  }

  digest(path: string): string {
    const known = this.#files.get(path) ?? (this.#isAbsent(path) ? ABSENT : undefined);
    return known ?? (Array.isArray(this.#directories.get(path)) ? DIRECTORY_DIGEST : UNKNOWN);
  }

  names(directory: string): readonly string[] | null {
    const names = this.#directories.get(directory);
    return names !== undefined ? names : this.#isAbsent(directory) ? null : [UNKNOWN];
  }

  content(path: string): Buffer | undefined {
    const digest = this.digest(path);
    const data = digest === this.#tree.digest(path) ? undefined : this.#store.source(digest);
    return data === undefined ? undefined : Buffer.from(decompress(data));
  }

  config(directory: string): string {
    return this.#state.configurations[directory] ?? UNKNOWN;
  }

  site(path: string): StoredSite | undefined {
    return this.#state.sites[path];
  }

  variable(name: string): string {
    return this.#state.variables[name] ?? UNKNOWN;
  }

  declared(key: DeclaredKey): string | undefined {
    return this.#state.declared[declaredId(key)];
  }

  differs(counts: (path: string) => boolean): boolean {
    const paths = new Set([...this.#files.keys(), ...projectFiles(this.#root)]);
    return [...paths].some((path) => counts(path) && this.digest(path) !== this.#tree.digest(path));
  }
}
