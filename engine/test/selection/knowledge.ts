/** Knowledge for decisions, written as tables. A depset is named by its own members' keys. */

import type { Key } from "../../src/model/key.ts";
import type { Plan } from "../../src/model/plan.ts";
import { scopeOf } from "../../src/selection/scope.ts";
import type { Candidate, Knowledge, KnownCollection, KnownFact, Scope } from "../../src/selection/select.ts";
import { select } from "../../src/selection/select.ts";

export interface Table {
  /** Keys of each depset, as names of bodies in `m.py`. */
  readonly depsets: Readonly<Record<number, readonly string[]>>;
  /** Keys that have another value now. */
  readonly changed: readonly string[];
  readonly facts: Readonly<Record<number, readonly KnownFact[]>>;
  readonly collections: readonly KnownCollection[];
  /** By collection; missing means all survive. "unknown" means that it is not known. */
  readonly survivors?: Readonly<Record<number, readonly number[] | "unknown">>;
  readonly broken?: Readonly<Record<string, string>>;
  readonly missed?: readonly number[];
}

export function keyOf(name: string): Key {
  return { kind: "body", path: "m.py", name };
}

export function knowledgeOf(table: Table): Knowledge {
  const changed = (depset: number): string[] =>
    (table.depsets[depset] ?? []).filter((name) => table.changed.includes(name));
  const collections = new Map<string, KnownCollection[]>();
  for (const each of table.collections) {
    collections.set(
      each.path,
      [...(collections.get(each.path) ?? []), each].sort((a, b) => b.at - a.at),
    );
  }
  const survivors = new Map<number, readonly number[] | null>();
  for (const { id } of table.collections) {
    const kept = table.survivors?.[id];
    if (kept !== "unknown") {
      survivors.set(id, kept ?? null);
    }
  }
  const tests = new Set([...Object.keys(table.facts).map(Number), ...table.collections.flatMap((each) => each.tests)]);
  return {
    facts: new Map(
      Object.entries(table.facts).map(([id, facts]) => [Number(id), [...facts].sort((a, b) => b.at - a.at)]),
    ),
    collections,
    nodes: new Map([...tests].map((id) => [id, nodeOf(id)])),
    survivors,
    missed: new Map((table.missed ?? []).map((test) => [test, { at: 1, was: "passed", outcome: "failed" }])),
    holds: (depset) => changed(depset).length === 0,
    changed: (depset) => changed(depset).map(keyOf),
    moduleLevel: { ofTest: () => [], ofFile: () => [], provisos: () => [], failed: () => [] },
    broken: (path) => table.broken?.[path],
  };
}

export function nodeOf(test: number): string {
  return `t.py::test_${test}`;
}

export function plan(
  table: Table,
  scope: Scope = scopeOf([]),
  candidates: readonly Candidate[] = [],
  gone: readonly string[] = [],
): Plan {
  return select(knowledgeOf(table), scope, candidates, (path) => !gone.includes(path));
}

export function fact(depsets: readonly number[], more: Partial<KnownFact> = {}): KnownFact {
  return { outcome: "passed", green: true, at: 1, depsets, ...more };
}

export function red(depsets: readonly number[], more: Partial<KnownFact> = {}): KnownFact {
  return { outcome: "failed", green: false, at: 1, depsets, ...more };
}

export function collection(
  id: number,
  path: string,
  tests: readonly number[],
  depsets: readonly number[],
  more: Partial<KnownCollection> = {},
): KnownCollection {
  return { id, path, outcome: "passed", green: true, at: 1, tests, depsets, ...more };
}

/** What runs of a plan, and what is left out, in ids of tests and paths. */
export function outcomeOf(decided: Plan): {
  tests: string[];
  files: string[];
  skipFiles: string[];
  skipTests: Record<string, string[]>;
} {
  if (decided.kind !== "some") {
    return { tests: [decided.kind], files: [], skipFiles: [], skipTests: {} };
  }
  return {
    tests: decided.tests.map(({ id }) => id),
    files: decided.files.map(({ path }) => path),
    skipFiles: [...decided.skipFiles],
    skipTests: Object.fromEntries([...decided.skipTests].map(([path, ids]) => [path, [...ids]])),
  };
}
