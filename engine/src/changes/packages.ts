/**
 * What is installed, as values that tests depend on.
 *
 * A test uses a distribution if it imports one of the names that the distribution brings, and then everything that this
 * one requires as well, extras and markers aside: what is installed is what counts. So the value of `package name` covers
 * all that a requirement leads to, and an upgrade anywhere below changes it.
 */

import { ABSENT } from "../model/key.ts";

/** One installed distribution. */
export interface Distribution {
  /** Normalised: lower case, runs of `-`, `_` and `.` as one `-`. */
  readonly name: string;
  readonly version: string;
  /** Digest of its RECORD, or of what it has instead. */
  readonly record: string;
  /** Names that can be imported because it is there; null where that cannot be told. */
  readonly modules: readonly string[] | null;
  /** Distributions that it may require, normalised. */
  readonly requires: readonly string[];
  /** It has entry points for pytest. */
  readonly isPlugin: boolean;
}

/** A directory of installed packages. */
export interface Site {
  readonly distributions: readonly Distribution[];
  /** Names in the directory that no distribution accounts for. */
  readonly loose: readonly string[];
  /** What concerns every start of Python: `.pth` files with their contents, and modules that the interpreter imports itself. */
  readonly startup: readonly string[];
}

/** Everything that is installed, whoever uses it. */
export const EVERYTHING_INSTALLED = "*";
const DISTRIBUTION = "dist ";
/** What every session loads, and what it may load without being asked. */
const RUNNER = "pytest";

/** `Foo_Bar.baz` → `foo-bar-baz`, as PEP 503 has it. */
export function normalizedName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, "-");
}

/** What concerns all tests: the runner, its plugins, all that these require, and whatever cannot be attributed. */
export function commonPackages(sites: readonly Site[]): string {
  const all = sites.flatMap(({ distributions }) => distributions);
  const roots = all.filter(({ name, isPlugin, modules }) => name === RUNNER || isPlugin || modules === null);
  return JSON.stringify([rowsOf(closureOf(all, roots)), sites.map(({ startup }) => startup)]);
}

/** All that is installed. */
export function allPackages(sites: readonly Site[]): string {
  return JSON.stringify(
    sites.map(({ distributions, loose, startup }) => [
      rowsOf(distributions),
      distributions.map(({ modules, requires, isPlugin }) => [modules, requires, isPlugin]),
      loose,
      startup,
    ]),
  );
}

/**
 * What answers to a name, with all that it requires; "-" if nothing does. A name is that of a top-level module, or
 * `dist NAME` for a distribution that was asked for by its own name.
 */
export function packageOf(sites: readonly Site[], name: string): string {
  const all = sites.flatMap(({ distributions }) => distributions);
  const wanted = name.startsWith(DISTRIBUTION) ? normalizedName(name.slice(DISTRIBUTION.length)) : undefined;
  const roots = all.filter((each) => (wanted === undefined ? each.modules?.includes(name) : each.name === wanted));
  const loose = wanted === undefined ? sites.flatMap((site) => site.loose.filter((each) => stemOf(each) === name)) : [];
  return roots.length + loose.length === 0 ? ABSENT : JSON.stringify([rowsOf(closureOf(all, roots)), loose]);
}

/** The module name of a file or directory in a site directory. */
export function stemOf(name: string): string {
  return name.split(".", 1)[0] ?? "";
}

function rowsOf(distributions: readonly Distribution[]): string[][] {
  return distributions.map(({ name, version, record }) => [name, version, record]);
}

/** These distributions and all that they lead to, in the order of the search path. */
function closureOf(all: readonly Distribution[], roots: readonly Distribution[]): Distribution[] {
  const byName = new Map<string, Distribution[]>();
  for (const distribution of all) {
    const same = byName.get(distribution.name);
    if (same === undefined) {
      byName.set(distribution.name, [distribution]);
    } else {
      same.push(distribution);
    }
  }
  const found = new Set(roots);
  for (const distribution of found) {
    for (const required of distribution.requires) {
      for (const each of byName.get(required) ?? []) {
        found.add(each);
      }
    }
  }
  return all.filter((each) => found.has(each));
}
