/**
 * Which directories pytest need not walk, because a plan leaves out every test file below them.
 *
 * What must stay true: the run is the same as without it. So a directory is walked all the same if anything in it is to
 * be collected, if names came or went in it since it was last walked, if its conftest does more than what tests below
 * it see ({@link isSparable}), or if it has modules and packages that tests of other directories may import because
 * pytest puts it on the search path.
 */

import { joinPath, parentOf } from "../changes/resolve.ts";
import type { Plan } from "../model/plan.ts";
import { isSparable, type Project } from "../names/index.ts";
import { isInside } from "./scope.ts";

/** What is asked of the store and the tree. */
export interface WalkedTree {
  /** Names in the directories that pytest walked last, by directory. */
  walks(): ReadonlyMap<string, readonly string[]>;
  /** Files that were ever collected. */
  readonly collected: Iterable<string>;
  /** Whether a directory has the same names as when it was walked. */
  isAsWalked(directory: string, names: readonly string[]): boolean;
  readonly project: Project;
}

/** Directories as far up as possible, sorted; none that the user named, nor one above those. */
export function sparedDirectories(plan: Plan, asked: readonly string[], tree: WalkedTree): string[] {
  if (plan.kind !== "some" || plan.skipFiles.length === 0) {
    return [];
  }
  const skipped = new Set(plan.skipFiles);
  const walks = tree.walks();
  const collected = new Set(tree.collected);
  const kept = [...collected].filter((path) => !skipped.has(path));
  const named = plan.files.map(({ path }) => path);
  const wanted = withDirectories([...kept, ...named, ...[...plan.provided.values()].flat(), ...asked]);
  const holding = withDirectories(skipped);
  const isWanted = (directory: string): boolean =>
    wanted.has(directory) || named.some((path) => isInside(directory, path));
  const isModule = (directory: string, isPackage: boolean, name: string): boolean => {
    if (/^(conftest|__init__)\.py$|^__pycache__$/.test(name)) {
      return false;
    }
    const path = joinPath(directory, name);
    const below = walks.get(path);
    if (below !== undefined) {
      return !isPackage && below.includes("__init__.py");
    }
    // What has no ending may be a directory that pytest does not walk, and that Python imports from.
    return name.endsWith(".py") ? !collected.has(path) : /^[^.]+$|\.(so|pyd|pyc)$/.test(name);
  };
  const modules = (directory: string): boolean => {
    const names = walks.get(directory) ?? [];
    const isPackage = names.includes("__init__.py");
    return names.some((name) => isModule(directory, isPackage, name));
  };
  const isQuiet = (directory: string, names: readonly string[]): boolean =>
    !isWanted(directory) &&
    tree.isAsWalked(directory, names) &&
    !modules(directory) &&
    !(names.includes("__init__.py") && modules(parentOf(directory))) &&
    !(names.includes("conftest.py") && !isSparable(tree.project, joinPath(directory, "conftest.py")));
  // A directory comes after those below it.
  const spared = new Set<string>();
  const loud = new Set<string>();
  for (const [directory, names] of [...walks].sort(([one], [other]) => (one < other ? 1 : -1))) {
    if (loud.has(directory) || !isQuiet(directory, names)) {
      loud.add(directory);
      loud.add(parentOf(directory));
    } else {
      spared.add(directory);
    }
  }
  return [...spared].filter((directory) => holding.has(directory) && !spared.has(parentOf(directory))).sort();
}

/** Paths, and all directories above them; "" is the root. */
function withDirectories(paths: Iterable<string>): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    for (let each = path; !found.has(each); each = parentOf(each)) {
      found.add(each);
    }
  }
  return found;
}
