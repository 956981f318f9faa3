/**
 * Which directories pytest need not walk, because a plan leaves out every test file below them.
 *
 * What must stay true: the run is the same as without it. So a directory is walked all the same if anything in it is to
 * be collected, if names came or went in it since it was last walked, if its conftest does more than what tests below
 * it see ({@link isSparable}), or if it has modules and packages that tests of other directories may import because pytest puts it on
 * the search path.
 */

import { joinPath, parentOf } from "../changes/resolve.ts";
import type { Plan } from "../model/plan.ts";
import { isSparable, type Project } from "../names/index.ts";

/** What is asked of the store and the tree. */
export interface WalkedTree {
  /** Names in the directories that pytest walked last, by directory. */
  readonly walks: ReadonlyMap<string, readonly string[]>;
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
  const wanted = new Set<string>();
  const want = (path: string): void => {
    for (let each = path; !wanted.has(each); each = parentOf(each)) {
      wanted.add(each);
    }
  };
  const collected = new Set(tree.collected);
  const known = [...collected].filter((path) => !skipped.has(path));
  for (const path of [
    ...known,
    ...plan.files.map((file) => file.path),
    ...[...plan.provided.values()].flat(),
    ...asked,
  ]) {
    want(path);
  }
  const holding = new Set<string>();
  for (const path of skipped) {
    for (let each = parentOf(path); each !== "" && !holding.has(each); each = parentOf(each)) {
      holding.add(each);
    }
  }
  const named = plan.files.map(({ path }) => path);
  const isWanted = (directory: string): boolean =>
    wanted.has(directory) || named.some((path) => path === "" || directory.startsWith(`${path}/`));
  const isModule = (directory: string, isPackage: boolean, name: string): boolean => {
    if (/^(conftest|__init__)\.py$|^__pycache__$/.test(name)) {
      return false;
    }
    const path = joinPath(directory, name);
    const below = tree.walks.get(path);
    if (below !== undefined) {
      return !isPackage && below.includes("__init__.py");
    }
    // What has no ending may be a directory that pytest does not walk, and that Python imports from.
    return name.endsWith(".py") ? !collected.has(path) : /^[^.]+$|\.(so|pyd|pyc)$/.test(name);
  };
  const modules = (directory: string): boolean => {
    const names = tree.walks.get(directory) ?? [];
    return names.some((name) => isModule(directory, names.includes("__init__.py"), name));
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
  for (const [directory, names] of [...tree.walks].sort(([one], [other]) => (one < other ? 1 : -1))) {
    if (loud.has(directory) || !isQuiet(directory, names)) {
      loud.add(directory);
      loud.add(parentOf(directory));
    } else {
      spared.add(directory);
    }
  }
  return [...spared].filter((directory) => holding.has(directory) && !spared.has(parentOf(directory))).sort();
}
