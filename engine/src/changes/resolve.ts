/**
 * Which files of the project answer to a module name.
 *
 * The value lists every candidate in the order of the search path, not only the one that wins: what comes later in the
 * path (standard library, installed distributions) need not be known, and a file that begins or ceases to shadow
 * something always changes the list.
 */

import { ABSENT } from "../model/key.ts";
import { type Tree, UNKNOWN } from "./tree.ts";

export interface Candidate {
  readonly path: string;
  /** The directory in which submodules are looked for; undefined for a plain module. */
  readonly directory?: string;
}

/** Joins path segments of the project; "" is the root. */
export function joinPath(directory: string, name: string): string {
  return directory === "" || directory === "." ? name : `${directory}/${name}`;
}

/** The directory of a project path; "" is the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** Names of a directory by what is before their first dot: asked for with every name that is imported. */
const INDEXES = new WeakMap<readonly string[], Map<string, string[]>>();

function namesBeginning(names: readonly string[], leaf: string): readonly string[] {
  let index = INDEXES.get(names);
  if (index === undefined) {
    index = new Map();
    for (const name of names) {
      const stem = name.split(".", 1)[0] ?? "";
      const same = index.get(stem);
      if (same === undefined) {
        index.set(stem, [name]);
      } else {
        same.push(name);
      }
    }
    INDEXES.set(names, index);
  }
  return index.get(leaf) ?? [];
}

function candidatesIn(tree: Tree, directory: string, leaf: string): Candidate[] {
  const names = tree.names(directory);
  if (names?.[0] === UNKNOWN) {
    return [{ path: UNKNOWN }];
  }
  const similar = names === null ? [] : namesBeginning(names, leaf);
  if (similar.length === 0) {
    return [];
  }
  const found: Candidate[] = [];
  const sub = joinPath(directory, leaf);
  const inside = similar.includes(leaf) ? tree.names(sub) : null;
  const isPackage = inside?.includes("__init__.py") ?? false;
  if (isPackage) {
    found.push({ path: `${sub}/__init__.py`, directory: sub });
  }
  for (const name of similar) {
    if (name === `${leaf}.py` || name.endsWith(".so") || name.endsWith(".pyd")) {
      found.push({ path: joinPath(directory, name) });
    }
  }
  if (inside !== null && !isPackage) {
    found.push({ path: `${sub}/`, directory: sub });
  }
  return found;
}

/** Candidates of names that were looked for already: each name of a package asks for those of the package again. */
export type Resolutions = Map<string, readonly Candidate[]>;

/** Candidates in the project for a module name, in search order. */
export function resolveCandidates(tree: Tree, name: string, memo: Resolutions): readonly Candidate[] {
  let found = memo.get(name);
  if (found === undefined) {
    found = findCandidates(tree, name, memo);
    memo.set(name, found);
  }
  return found;
}

function findCandidates(tree: Tree, name: string, memo: Resolutions): Candidate[] {
  const dot = name.lastIndexOf(".");
  const directories =
    dot < 0
      ? tree.searchRoots
      : resolveCandidates(tree, name.slice(0, dot), memo).flatMap((parent) =>
          parent.directory === undefined ? [] : [parent.directory],
        );
  const leaf = name.slice(dot + 1);
  return directories.flatMap((directory) => candidatesIn(tree, directory, leaf));
}

/**
 * The value of the key `resolve name`: candidates in the project in search order, or "-". `memo`: what is kept between
 * questions, for as long as the tree stays as it is.
 */
export function resolveValue(tree: Tree, name: string, memo: Resolutions = new Map()): string {
  const found = resolveCandidates(tree, name, memo);
  return found.length === 0 ? ABSENT : found.map((candidate) => candidate.path).join(";");
}
