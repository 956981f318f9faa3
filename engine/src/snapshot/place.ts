/**
 * What means something in one place only. An environment variable's value is a digest with the salt of one store, and a
 * path outside of the project leads to the same file only where the project lies at the same place. Such a value carries
 * the mark of its place when it leaves, and where it arrives at another one it keeps the mark, so that it equals nothing.
 */

import { ABSENT, type Dependency } from "../model/key.ts";
import type { DeclaredValue } from "../model/remarks.ts";

export interface Place {
  /** The store's salt. */
  readonly salt: string;
  /** Digest of where the project's root is. */
  readonly root: string;
}

const MARK = /^@(salt|root):([0-9A-Za-z]+):/;

/** Whether a path leads out of the project. */
export function isOutside(path: string): boolean {
  return path === ".." || path.startsWith("../") || path.startsWith("/") || /^[A-Za-z]:/.test(path);
}

/** Whether a value is of another place: it is not asked for here. */
export function isForeign(value: string): boolean {
  return MARK.test(value);
}

/** Marks a dependency for leaving. `searchesOutside`: modules are looked for outside of the project as well. */
export function marked(dependency: Dependency, place: Place, searchesOutside: boolean): Dependency {
  const { kind, path, value } = dependency;
  if (isForeign(value)) {
    return dependency;
  }
  if (kind === "env") {
    return { ...dependency, value: salted(value, place) };
  }
  return isOutside(path) || (kind === "resolve" && searchesOutside)
    ? { ...dependency, value: `@root:${place.root}:${value}` }
    : dependency;
}

/** The same for what is declared. */
export function markedDeclared(declared: DeclaredValue, place: Place): DeclaredValue {
  const { kind, value } = declared;
  return kind === "env" && value !== null && !isForeign(value)
    ? { ...declared, value: salted(value, place) }
    : declared;
}

/** That a variable is not set is no secret, and means the same everywhere. */
function salted(value: string, { salt }: Place): string {
  return value === ABSENT ? value : `@salt:${salt}:${value}`;
}

/** A value where it arrives: without the mark if that is the mark of this place. */
export function unmarked(value: string, place: Place): string {
  const [mark, kind, of] = MARK.exec(value) ?? [];
  return mark !== undefined && of === (kind === "salt" ? place.salt : place.root) ? value.slice(mark.length) : value;
}

/** The salt that most marks have; undefined if there is none. */
export function commonSalt(values: Iterable<string>): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) {
    const [, kind, salt] = MARK.exec(value) ?? [];
    if (kind === "salt" && salt !== undefined) {
      counts.set(salt, (counts.get(salt) ?? 0) + 1);
    }
  }
  const ranked = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return ranked[0]?.[0];
}
