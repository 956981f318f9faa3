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

/** Who can come by a cell: dependencies by their numbers, as far as they have been looked at. */
interface Reading {
  readonly readers: Readers | undefined;
  /** Those that come by it when they run. */
  readonly mentions: Set<number>;
  /** Those of files whose import may hold on to it, and of hooks that may give it to tests. */
  readonly holds: Set<number>;
  upTo: number;
  readonly answers: { readonly mentions: WeakMap<RecordedSet, boolean>; readonly holds: WeakMap<RecordedSet, boolean> };
}

/** Hooks that give tests what they are parametrized with, when these are collected. */
const GIVING_HOOK = /(^|\.)pytest_generate_tests$/;

export class States {
  readonly #dependencies: readonly Dependency[];
  readonly #source: StateSource;
  readonly #readings = new Map<string, Reading>();
  readonly #makers = new Map<number, readonly RecordedSet[]>();

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
  ): RecordedSet[] {
    const all = [...base, own, ...fixtures];
    const there = [...base, own].flatMap((set) => set.states);
    const found = [
      this.#found(there, [own, ...fixtures], all),
      ...[...fixtures, ...earlier].map((set) => this.#found(set.states, [set], [set])),
    ];
    return [...new Set(found.flat())];
  }

  /** The makers of those `states` whose names are mentioned in `sets`, or that `all` may hold on to. */
  #found(states: readonly number[], sets: readonly RecordedSet[], all: readonly RecordedSet[]): RecordedSet[] {
    const found = new Set<RecordedSet>();
    for (const state of new Set(states)) {
      const cell = this.#source.nameOf(state);
      if (sets.some((set) => this.#has(cell, "mentions", set)) || all.some((set) => this.#has(cell, "holds", set))) {
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
      makers = [
        ...new Set([
          own,
          ...this.#found(own.states, [own], [own]),
          ...(before === undefined ? [] : this.#makersOf(before)),
        ]),
      ];
      this.#makers.set(state, makers);
    }
    return makers;
  }

  /** Whether a set has anything that comes by a cell in this way. */
  #has(cell: string, how: "mentions" | "holds", set: RecordedSet): boolean {
    const reading = this.#readingOf(cell);
    let answer = reading.answers[how].get(set);
    if (answer === undefined) {
      // What ran when a module was imported, before any test, has found no state.
      const members = how === "mentions" && reading.readers !== undefined ? (set.ran ?? set.members) : set.members;
      answer = members.some((member) => reading[how].has(member));
      reading.answers[how].set(set, answer);
    }
    return answer;
  }

  #readingOf(cell: string): Reading {
    const at = cell.lastIndexOf("::");
    const [file, name] = [cell.slice(0, at), cell.slice(at + 2)];
    let reading = this.#readings.get(cell);
    if (reading === undefined) {
      reading = {
        readers: name === "" ? undefined : this.#source.readers(file, name),
        mentions: new Set(),
        holds: new Set(),
        upTo: 0,
        answers: { mentions: new WeakMap(), holds: new WeakMap() },
      };
      this.#readings.set(cell, reading);
    }
    const { readers, mentions, holds } = reading;
    for (; reading.upTo < this.#dependencies.length; reading.upTo++) {
      const { kind, path, name: own } = this.#dependencies[reading.upTo] as Dependency;
      // Where it cannot be told who mentions the name, everybody who depends on anything of its file may have found it.
      if (readers === undefined ? path === file : kind === "body" && readers.concerns(path, own)) {
        (GIVING_HOOK.test(own) ? holds : mentions).add(reading.upTo);
      }
      if (kind === "toplevel" && readers?.effects.has(path) === true) {
        holds.add(reading.upTo);
      }
    }
    return reading;
  }
}
