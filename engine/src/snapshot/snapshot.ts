/**
 * What a store knows as a value that can travel: facts, collection facts and what they refer to, without the numbers of
 * any store.
 *
 * A snapshot is a set. One content has one form, whatever the order in which it was put together; a union is again a
 * snapshot, and it makes no difference in which order, or how often, snapshots are united. What is the same in all that a
 * fact says is one fact, of which the newest time counts.
 */

import { type Dependency, KEY_KINDS, keyKindOf } from "../model/key.ts";
import type { DeclaredValue, Remarks } from "../model/remarks.ts";

/** Raised with every change of what the fields mean. */
export const SNAPSHOT_VERSION = 1;

export interface SnapshotEnvironment {
  /** Platform and architecture of the machine: a result says nothing of another one. */
  readonly machine: string;
  readonly digest: string;
  readonly description: string;
  /** Directories of the project on the import path, in order; several lists if they differed. */
  readonly searchRoots: readonly (readonly string[])[];
}

/** Remarks whose `opaque.depsets` are numbers within the snapshot. */
export type SnapshotRemarks = Remarks | null;

export interface SnapshotFact {
  /** Number of the environment within the snapshot. */
  readonly environment: number;
  readonly path: string;
  readonly node: string;
  readonly outcome: string;
  readonly green: boolean;
  readonly at: number;
  readonly durationUs: number;
  readonly depsets: readonly number[];
  readonly remarks: SnapshotRemarks;
}

export interface SnapshotCollection {
  readonly environment: number;
  readonly path: string;
  readonly outcome: string;
  readonly green: boolean;
  readonly at: number;
  /** Node ids in order. */
  readonly tests: readonly string[];
  readonly depsets: readonly number[];
  readonly remarks: SnapshotRemarks;
}

/** A content of which some fact has the module level: what differs since is told from it. */
export interface SnapshotSource {
  readonly hash: string;
  readonly toplevel: string;
  /** The bytes, each as one character. */
  readonly text: string;
}

/** A test of which a proof was wrong; `data` is the store's own text. */
export interface SnapshotMiss {
  readonly path: string;
  readonly id: string;
  readonly at: number;
  readonly data: string;
}

export interface Snapshot {
  readonly version: typeof SNAPSHOT_VERSION;
  /** The format of the stores that it comes from: facts mean the same in equal formats only. */
  readonly storeFormat: number;
  readonly environments: readonly SnapshotEnvironment[];
  readonly dependencies: readonly (readonly [kind: number, path: string, name: string, value: string])[];
  readonly depsets: readonly (readonly number[])[];
  readonly facts: readonly SnapshotFact[];
  readonly collections: readonly SnapshotCollection[];
  readonly sources: readonly SnapshotSource[];
  readonly misses: readonly SnapshotMiss[];
}

/** A dependency of a snapshot; undefined for one of a kind that this version does not know. */
export function dependencyOf(row: Snapshot["dependencies"][number]): Dependency | undefined {
  const [number, path, name, value] = row;
  const kind = keyKindOf(number);
  return kind === undefined ? undefined : { kind, path, name, value };
}

/** The union of snapshots, all of one store format. */
export function union(snapshots: readonly Snapshot[], storeFormat: number): Snapshot {
  const builder = new SnapshotBuilder(storeFormat);
  for (const snapshot of snapshots) {
    builder.addAll(snapshot);
  }
  return builder.build();
}

/** Gives each content one number, in the order of arrival. */
class Numbers<T> {
  readonly items: T[] = [];
  readonly #numbers = new Map<string, number>();

  of(key: string, item: T): number {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.items.length;
      this.#numbers.set(key, number);
      this.items.push(item);
    }
    return number;
  }
}

/** Puts a snapshot together. Numbers that it gives out are good for this builder only. */
export class SnapshotBuilder {
  readonly #storeFormat: number;
  readonly #environments = new Numbers<SnapshotEnvironment & { searchRoots: (readonly string[])[] }>();
  readonly #dependencies = new Numbers<Snapshot["dependencies"][number]>();
  readonly #depsets = new Numbers<readonly number[]>();
  readonly #facts = new Map<string, SnapshotFact>();
  readonly #collections = new Map<string, SnapshotCollection>();
  readonly #sources = new Map<string, SnapshotSource>();
  readonly #misses = new Map<string, SnapshotMiss>();

  constructor(storeFormat: number) {
    this.#storeFormat = storeFormat;
  }

  environment({ machine, digest, description, searchRoots }: SnapshotEnvironment): number {
    const number = this.#environments.of(`${machine}\n${digest}`, { machine, digest, description, searchRoots: [] });
    this.#environments.items[number]?.searchRoots.push(...searchRoots);
    return number;
  }

  dependency({ kind, path, name, value }: Dependency): number {
    return this.#row([KEY_KINDS[kind], path, name, value]);
  }

  #row(row: Snapshot["dependencies"][number]): number {
    return this.#dependencies.of(JSON.stringify(row), row);
  }

  depset(members: readonly number[]): number {
    const sorted = [...new Set(members)].sort(ascending);
    return this.#depsets.of(sorted.join(), sorted);
  }

  fact(fact: SnapshotFact): void {
    const { at, durationUs, ...rest } = fact;
    const key = stableText(rest);
    const known = this.#facts.get(key);
    if (known === undefined || at > known.at || (at === known.at && durationUs > known.durationUs)) {
      this.#facts.set(key, fact);
    }
  }

  collection(collection: SnapshotCollection): void {
    const { at, ...rest } = collection;
    const key = stableText(rest);
    if (!((this.#collections.get(key)?.at ?? -Infinity) >= at)) {
      this.#collections.set(key, collection);
    }
  }

  source(source: SnapshotSource): void {
    // Contents of one module level differ in bodies only: one of them will do, and it has to be the same one always.
    const known = this.#sources.get(source.toplevel);
    if (known === undefined || source.hash < known.hash) {
      this.#sources.set(source.toplevel, source);
    }
  }

  miss(miss: SnapshotMiss): void {
    const key = `${miss.path}\n${miss.id}`;
    const known = this.#misses.get(key);
    if (known === undefined || miss.at > known.at || (miss.at === known.at && miss.data > known.data)) {
      this.#misses.set(key, miss);
    }
  }

  addAll(snapshot: Snapshot): void {
    const environments = snapshot.environments.map((each) => this.environment(each));
    const dependencies = snapshot.dependencies.map((row) => this.#row(row));
    const depsets = snapshot.depsets.map((set) => this.depset(set.map((member) => dependencies[member] as number)));
    const moved = <T extends Moved>(each: T): T => move(each, environments, depsets);
    for (const fact of snapshot.facts) {
      this.fact(moved(fact));
    }
    for (const collection of snapshot.collections) {
      this.collection(moved(collection));
    }
    for (const source of snapshot.sources) {
      this.source(source);
    }
    for (const miss of snapshot.misses) {
      this.miss(miss);
    }
  }

  /** The one form that this content has. */
  build(): Snapshot {
    const environments = inOrder(this.#environments.items, ({ machine, digest }) => `${machine}\n${digest}`);
    const dependencies = inOrder(this.#dependencies.items, (row) => JSON.stringify(row));
    const sets = this.#depsets.items.map((set) =>
      set.map((member) => dependencies.numbers[member] as number).sort(ascending),
    );
    const depsets = inOrder(sets, (set) => set.join());
    const moved = <T extends Moved>(each: T): T => move(each, environments.numbers, depsets.numbers);
    return {
      version: SNAPSHOT_VERSION,
      storeFormat: this.#storeFormat,
      environments: environments.items.map(({ searchRoots, ...rest }) => ({
        ...rest,
        searchRoots: inOrder(
          [...new Map(searchRoots.map((roots) => [JSON.stringify(roots), roots])).values()],
          (roots) => JSON.stringify(roots),
        ).items,
      })),
      dependencies: dependencies.items,
      depsets: depsets.items,
      facts: inOrder([...this.#facts.values()].map(moved), stableText).items,
      collections: inOrder([...this.#collections.values()].map(moved), stableText).items,
      sources: inOrder([...this.#sources.values()], ({ toplevel }) => toplevel).items,
      misses: inOrder([...this.#misses.values()], ({ path, id }) => `${path}\n${id}`).items,
    };
  }
}

type Moved = Pick<SnapshotFact, "environment" | "depsets" | "remarks">;

/** The same with other numbers for environments and sets. */
function move<T extends Moved>(each: T, environments: readonly number[], depsets: readonly number[]): T {
  const set = (depset: number): number => depsets[depset] as number;
  return {
    ...each,
    environment: environments[each.environment] as number,
    depsets: each.depsets.map(set),
    remarks: withDepsets(each.remarks, set),
  };
}

/** Remarks with other numbers for their sets. */
export function withDepsets(remarks: SnapshotRemarks, set: (depset: number) => number): SnapshotRemarks {
  return remarks?.opaque === undefined
    ? remarks
    : {
        ...remarks,
        opaque: { reasons: remarks.opaque.reasons, depsets: remarks.opaque.depsets.map(set).sort(ascending) },
      };
}

/** Remarks with other values of what is declared. */
export function withDeclared(
  remarks: SnapshotRemarks,
  value: (declared: DeclaredValue) => DeclaredValue,
): SnapshotRemarks {
  return remarks?.declared === undefined ? remarks : { ...remarks, declared: remarks.declared.map(value) };
}

function ascending(one: number, other: number): number {
  return one - other;
}

/** Items in the order of their keys, and for each old number the new one. */
function inOrder<T>(items: readonly T[], keyOf: (item: T) => string): { items: T[]; numbers: number[] } {
  const keyed = items.map((item, index) => ({ item, index, key: keyOf(item) }));
  keyed.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
  const numbers: number[] = new Array<number>(items.length);
  keyed.forEach(({ index }, number) => {
    numbers[index] = number;
  });
  return { items: keyed.map(({ item }) => item), numbers };
}

/** JSON in which the order of an object's fields makes no difference. */
export function stableText(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}
