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

/** A name that states are of. */
interface Cell {
  readonly file: string;
  /** Who can come by it; undefined where that cannot be told: then whoever depends on anything of its file. */
  readonly readers: Readers | undefined;
  /** So many dependencies have been asked whether they come by it. */
  upTo: number;
}

/** Cells by their numbers that a set comes by, of so many as were known then. */
interface Coming {
  readonly mentions: Set<number>;
  readonly holds: Set<number>;
  cells: number;
}

/** What some tests have found, and the sets of those who made it. */
interface Found {
  readonly states: readonly number[];
  readonly sets: readonly RecordedSet[];
}

/** Hooks that give tests what they are parametrized with, when these are collected. */
const GIVING_HOOK = /(^|\.)pytest_generate_tests$/;

export class States {
  readonly #dependencies: readonly Dependency[];
  readonly #source: StateSource;
  readonly #cells: Cell[] = [];
  readonly #cellNumbers = new Map<string, number>();
  readonly #cellOf: (number | undefined)[] = [];
  /**
   * Which cells a dependency comes by, by its number; of most there is none. When it runs; the same of cells of which it
   * cannot be told who mentions them; and because its file's import, or a hook, may hold on to what is in it.
   */
  readonly #mentioned: (number[] | undefined)[] = [];
  readonly #near: (number[] | undefined)[] = [];
  readonly #held: (number[] | undefined)[] = [];
  readonly #coming = new WeakMap<RecordedSet, Coming>();
  readonly #own = new Map<number, RecordedSet>();
  readonly #origins = new Map<number, readonly number[]>();
  /** By a number that few others have: most tests of a file have found the same. */
  readonly #combined = new Map<number, Found[]>();

  /** `dependencies`: the list that sets refer to; it may still grow. */
  constructor(dependencies: readonly Dependency[], source: StateSource) {
    this.#dependencies = dependencies;
    this.#source = source;
  }

  /**
   * The sets of those who made what a test has found, which ran `own` and depends on `base` and on wider `fixtures`. What
   * was there when it ran, it may also come by through its fixtures, which hold on to things; what was there only when
   * one of them was set up or torn down, that fixture alone. So it is with `earlier` tests that have left files or the
   * like for it: they hand over nothing else.
   */
  foundByTest(
    base: readonly RecordedSet[],
    own: RecordedSet,
    fixtures: readonly RecordedSet[],
    earlier: readonly RecordedSet[],
  ): readonly RecordedSet[] {
    const all = [...base, own, ...fixtures];
    const found = new Set<number>();
    for (const { states } of [...base, own]) {
      this.#find(found, states, [own, ...fixtures], all);
    }
    for (const set of [...fixtures, ...earlier]) {
      this.#find(found, set.states, [set], [set]);
    }
    return this.#combine([...found]);
  }

  /** The sets of those who made these states, and of those who made what they had found. */
  #combine(states: readonly number[]): readonly RecordedSet[] {
    const number = states.reduce((sum, state) => (Math.imul(sum, 31) + state) | 0, states.length);
    const alike = this.#combined.get(number) ?? [];
    const known = alike.find((each) => areSame(each.states, states));
    if (known !== undefined) {
      return known.sets;
    }
    const found = new Set(states);
    // What is added meanwhile is gone through as well.
    for (const state of found) {
      for (const origin of this.#originsOf(state)) {
        found.add(origin);
      }
    }
    const sets = [...found].map((state) => this.#setOf(state));
    this.#combined.set(number, [...alike, { states, sets }]);
    return sets;
  }

  /** Adds those `states` whose names are mentioned in `sets`, or that `all` may hold on to. */
  #find(
    found: Set<number>,
    states: readonly number[],
    sets: readonly RecordedSet[],
    all: readonly RecordedSet[],
  ): void {
    const answers: (boolean | undefined)[] = [];
    for (const state of states) {
      const cell = this.#cellOf[state] ?? this.#learnCell(state);
      let answer = answers[cell];
      if (answer === undefined) {
        answer =
          sets.some((set) => this.#comingOf(set).mentions.has(cell)) ||
          all.some((set) => this.#comingOf(set).holds.has(cell));
        answers[cell] = answer;
      }
      if (answer) {
        found.add(state);
      }
    }
  }

  /** What the makers of a state depend on themselves. */
  #setOf(state: number): RecordedSet {
    let own = this.#own.get(state);
    if (own === undefined) {
      own = this.#source.setOf(state);
      this.#own.set(state, own);
    }
    return own;
  }

  /** The states that the makers of one have found, and the one that it was made of. */
  #originsOf(state: number): readonly number[] {
    let origins = this.#origins.get(state);
    if (origins === undefined) {
      const own = this.#setOf(state);
      const before = this.#source.before(state);
      const found = new Set<number>();
      this.#find(found, own.states, [own], [own]);
      // Whoever changed a part of it has left the rest as it was.
      origins = [...found, ...(before === undefined ? [] : [before])];
      this.#origins.set(state, origins);
    }
    return origins;
  }

  #learnCell(state: number): number {
    const name = this.#source.nameOf(state);
    let number = this.#cellNumbers.get(name);
    if (number === undefined) {
      const at = name.lastIndexOf("::");
      const [file, own] = [name.slice(0, at), name.slice(at + 2)];
      const readers = own === "" ? undefined : this.#source.readers(file, own);
      number = this.#cells.push({ file, readers, upTo: 0 }) - 1;
      this.#cellNumbers.set(name, number);
    }
    this.#cellOf[state] = number;
    return number;
  }

  #comingOf(set: RecordedSet): Coming {
    let coming = this.#coming.get(set);
    if (coming === undefined) {
      coming = { mentions: new Set(), holds: new Set(), cells: 0 };
      this.#coming.set(set, coming);
    }
    if (coming.cells < this.#cells.length) {
      this.#askDependencies();
      const { cells, mentions, holds } = coming;
      const add = (which: Set<number>, numbers: readonly number[] | undefined): void => {
        for (const cell of numbers ?? []) {
          if (cell >= cells) {
            which.add(cell);
          }
        }
      };
      // What ran when a module was imported, before any test, has found no state.
      for (const member of set.ran ?? set.members) {
        add(mentions, this.#mentioned[member]);
      }
      for (const member of set.members) {
        add(mentions, this.#near[member]);
        add(holds, this.#held[member]);
      }
      coming.cells = this.#cells.length;
    }
    return coming;
  }

  /** Asks each dependency about each cell, once. */
  #askDependencies(): void {
    const count = this.#dependencies.length;
    this.#cells.forEach((cell, number) => {
      for (; cell.upTo < count; cell.upTo++) {
        this.#ask(cell, number, cell.upTo, this.#dependencies[cell.upTo] as Dependency);
      }
    });
  }

  #ask({ file, readers }: Cell, cell: number, at: number, { kind, path, name }: Dependency): void {
    if (readers === undefined) {
      if (path === file) {
        note(GIVING_HOOK.test(name) ? this.#held : this.#near, at, cell);
      }
      return;
    }
    if (kind === "body" && readers.concerns(path, name)) {
      note(GIVING_HOOK.test(name) ? this.#held : this.#mentioned, at, cell);
    }
    if (kind === "toplevel" && readers.effects.has(path)) {
      note(this.#held, at, cell);
    }
  }
}

function note(cells: (number[] | undefined)[], at: number, cell: number): void {
  const known = cells[at];
  if (known === undefined) {
    cells[at] = [cell];
  } else {
    known.push(cell);
  }
}

function areSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((number, index) => number === other[index]);
}
