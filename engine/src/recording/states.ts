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
  /** The state that it was made of. */
  before(state: number): number | undefined;
  /** What its makers depend on. */
  setOf(state: number): RecordedSet;
  readers(path: string, name: string): Readers | undefined;
}

export class States {
  readonly #dependencies: readonly Dependency[];
  readonly #source: StateSource;
  /** For each state the dependencies whose owners can come by it, as far as they have been looked at. */
  readonly #reading = new Map<string, { ids: Set<number>; upTo: number; readers: Readers | undefined }>();
  readonly #readers = new Map<string, Readers | undefined>();
  readonly #reads = new Map<string, WeakMap<RecordedSet, boolean>>();
  readonly #makers = new Map<number, readonly RecordedSet[]>();

  /** `dependencies`: the list that sets refer to; it may still grow. */
  constructor(dependencies: readonly Dependency[], source: StateSource) {
    this.#dependencies = dependencies;
    this.#source = source;
  }

  /** The sets of those who made the states that whoever ran `sets` has found, of those that were there for `all`. */
  foundBy(sets: readonly RecordedSet[], all: readonly RecordedSet[] = sets): RecordedSet[] {
    const found = new Set<RecordedSet>();
    for (const state of new Set(all.flatMap((set) => set.states))) {
      const cell = this.#source.nameOf(state);
      if (sets.some((set) => this.#isRead(cell, set)) || all.some((set) => this.#isRead(`${cell}\n`, set))) {
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
      const before = this.#source.before(state);
      // Whoever changed a part of it has left the rest as it was.
      makers = [...new Set([own, ...this.foundBy([own]), ...(before === undefined ? [] : this.#makersOf(before))])];
      this.#makers.set(state, makers);
    }
    return makers;
  }

  /** Whether anything in a set comes by a cell; with a line break behind the cell, whether its importers may hold on to it. */
  #isRead(cell: string, set: RecordedSet): boolean {
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

  #readingOf(key: string): ReadonlySet<number> {
    const isHeld = key.endsWith("\n");
    const cell = isHeld ? key.slice(0, -1) : key;
    const at = cell.lastIndexOf("::");
    const [path, name] = [cell.slice(0, at), cell.slice(at + 2)];
    let reading = this.#reading.get(key);
    if (reading === undefined) {
      reading = { ids: new Set(), upTo: 0, readers: this.#readersOf(cell, path, name) };
      this.#reading.set(key, reading);
    }
    for (; reading.upTo < this.#dependencies.length; reading.upTo++) {
      const dependency = this.#dependencies[reading.upTo] as Dependency;
      if (isHeld ? holdsOn(dependency, reading.readers) : comesBy(dependency, path, reading.readers)) {
        reading.ids.add(reading.upTo);
      }
    }
    return reading.ids;
  }

  #readersOf(cell: string, path: string, name: string): Readers | undefined {
    if (!this.#readers.has(cell)) {
      this.#readers.set(cell, name === "" ? undefined : this.#source.readers(path, name));
    }
    return this.#readers.get(cell);
  }
}

/** Where it cannot be told who mentions the name, everybody who depends on anything of its file may have found it. */
function comesBy({ kind, path, name }: Dependency, file: string, readers: Readers | undefined): boolean {
  return readers === undefined ? path === file : kind === "body" && readers.concerns(path, name);
}

function holdsOn({ kind, path }: Dependency, readers: Readers | undefined): boolean {
  return kind === "toplevel" && readers?.effects.has(path) === true;
}
