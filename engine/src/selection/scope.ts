/** Which of the known files and tests a request is about. Pure. */

import type { Scope } from "./select.ts";

export interface RequestedPath {
  readonly path: string;
  /** What follows the first `::`, or null for a whole file or directory. */
  readonly ids: string | null;
}

/** Whether `path` is `directory` or lies in it; "" and "." are the root. */
export function isInside(path: string, directory: string): boolean {
  return directory === "" || directory === "." || path === directory || path.startsWith(`${directory}/`);
}

/** The scope of some paths; of everything, if there are none. */
export function scopeOf(requested: readonly RequestedPath[]): Scope {
  if (requested.length === 0) {
    return { hasFile: () => true, hasTest: () => true, byId: () => false };
  }
  const whole = requested.filter(({ ids }) => ids === null);
  const single = requested.filter(({ ids }) => ids !== null);
  const isWhole = (path: string): boolean => whole.some((one) => isInside(path, one.path));
  return {
    hasFile: (path) => isWhole(path) || single.some((one) => one.path === path),
    hasTest: (path, node) => isWhole(path) || single.some((one) => one.path === path && matchesId(node, one.ids ?? "")),
    byId: (path) => single.some((one) => one.path === path),
  };
}

/**
 * Whether a node id is what `::ids` names in its file, or lies below it (a class, or all cases of a parametrized test).
 * The path in a node id is relative to pytest's rootdir, which need not be the project's root: only the rest counts.
 */
function matchesId(node: string, ids: string): boolean {
  const rest = node.slice(node.indexOf("::") + 2);
  return rest === ids || rest.startsWith(`${ids}::`) || rest.startsWith(`${ids}[`);
}
