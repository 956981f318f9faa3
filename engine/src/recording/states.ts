/**
 * State that one test left behind in a name of a module, and who found it.
 *
 * A journal says which states were there when a test ran. Of these, those count that the test can come by: something that
 * it ran mentions the name, or a name that stands for the same thing. Whoever found a state depends on all that those
 * depend on who made it so, the states that they found in their turn included.
 */

import type { Dependency } from "../model/key.ts";
import type { Readers, RecordedSet } from "./attribute.ts";

/** What is asked of a journal. */
export interface StateSource {
  /** `path::NAME` of a state's cell; no name where any of the file's may be meant. */
  nameOf(state: number): string;
  /** What its makers depend on. */
  setOf(state: number): RecordedSet;
  readers(path: string, name: string): Readers | undefined;
}

export class States {
  readonly #dependencies: readonly Dependency[];
  readonly #source: StateSource;
  /** For each state the dependencies whose owners can come by it, as far as they have been looked at. */
  readonly #reading = new Map<string, { ids: Set<number>; upTo: number; readers: Readers | undefined }>();
  readonly #reads = new Map<string, WeakMap<RecordedSet, boolean>>();
  readonly #makers = new Map<number, readonly RecordedSet[]>();

  /** `dependencies`: the list that sets refer to; it may still grow. */
  constructor(dependencies: readonly Dependency[], source: StateSource) {
    this.#dependencies = dependencies;
    this.#source = source;
  }

  /** The sets of those who made the states that whoever has these sets has found. */
  foundBy(sets: readonly RecordedSet[]): RecordedSet[] {
    const found = new Set<RecordedSet>();
    for (const state of new Set(sets.flatMap((set) => set.states))) {
      if (sets.some((set) => this.#isRead(state, set))) {
        for (const set of this.#makersOf(state)) {
          found.add(set);
        }
      }
    }
    return [...found];
  }

  #makersOf(state: number): readonly RecordedSet[] {
    let makers = this.#makers.get(state);
    if (makers === undefined) {
      // Those who make two states in turns depend on each other: the one that was asked for first holds both.
      this.#makers.set(state, []);
      const own = this.#source.setOf(state);
      makers = [own, ...this.foundBy([own])];
      this.#makers.set(state, makers);
    }
    return makers;
  }

  #isRead(state: number, set: RecordedSet): boolean {
    const cell = this.#source.nameOf(state);
    let known = this.#reads.get(cell);
    if (known === undefined) {
      known = new WeakMap();
      this.#reads.set(cell, known);
    }
    let isRead = known.get(set);
    if (isRead === undefined) {
      const ids = this.#readingOf(cell);
      isRead = set.members.some((member) => ids.has(member));
      known.set(set, isRead);
    }
    return isRead;
  }

  #readingOf(cell: string): ReadonlySet<number> {
    const at = cell.lastIndexOf("::");
    const [path, name] = [cell.slice(0, at), cell.slice(at + 2)];
    let reading = this.#reading.get(cell);
    if (reading === undefined) {
      const readers = name === "" ? undefined : this.#source.readers(path, name);
      reading = { ids: new Set(), upTo: 0, readers };
      this.#reading.set(cell, reading);
    }
    for (; reading.upTo < this.#dependencies.length; reading.upTo++) {
      const dependency = this.#dependencies[reading.upTo] as Dependency;
      if (comesBy(dependency, path, reading.readers)) {
        reading.ids.add(reading.upTo);
      }
    }
    return reading.ids;
  }
}

/** Where it cannot be told who mentions the name, everybody who depends on anything of its file may have found it. */
function comesBy({ kind, path, name }: Dependency, file: string, readers: Readers | undefined): boolean {
  if (readers === undefined) {
    return path === file;
  }
  return (kind === "body" && readers.concerns(path, name)) || (kind === "toplevel" && readers.effects.has(path));
}
