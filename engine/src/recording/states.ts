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
  readonly file: string;
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
  readonly #own = new Map<number, RecordedSet>();
  readonly #origins = new Map<number, readonly number[]>();
  /** What tests have found, by the states that they came by: most tests of a file come by the same. */
  readonly #combined = new Map<string, readonly RecordedSet[]>();

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
    const there = [...base, own].flatMap((set) => set.states);
    const found = new Set([
      ...this.#found(there, [own, ...fixtures], all),
      ...[...fixtures, ...earlier].flatMap((set) => this.#found(set.states, [set], [set])),
    ]);
    const key = [...found].join(" ");
    let combined = this.#combined.get(key);
    if (combined === undefined) {
      // What is added meanwhile is gone through as well.
      for (const state of found) {
        for (const origin of this.#originsOf(state)) {
          found.add(origin);
        }
      }
      combined = [...found].map((state) => this.#setOf(state));
      this.#combined.set(key, combined);
    }
    return combined;
  }

  /** Those `states` whose names are mentioned in `sets`, or that `all` may hold on to. */
  #found(states: readonly number[], sets: readonly RecordedSet[], all: readonly RecordedSet[]): number[] {
    const answers = new Map<string, boolean>();
    return [...new Set(states)].filter((state) => {
      const cell = this.#source.nameOf(state);
      let answer = answers.get(cell);
      if (answer === undefined) {
        const reading = this.#readingOf(cell);
        answer = sets.some((set) => has(reading, "mentions", set)) || all.some((set) => has(reading, "holds", set));
        answers.set(cell, answer);
      }
      return answer;
    });
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
      // Whoever changed a part of it has left the rest as it was.
      origins = [...this.#found(own.states, [own], [own]), ...(before === undefined ? [] : [before])];
      this.#origins.set(state, origins);
    }
    return origins;
  }

  #readingOf(cell: string): Reading {
    let reading = this.#readings.get(cell);
    if (reading === undefined) {
      const at = cell.lastIndexOf("::");
      const [file, name] = [cell.slice(0, at), cell.slice(at + 2)];
      reading = {
        file,
        readers: name === "" ? undefined : this.#source.readers(file, name),
        mentions: new Set(),
        holds: new Set(),
        upTo: 0,
        answers: { mentions: new WeakMap(), holds: new WeakMap() },
      };
      this.#readings.set(cell, reading);
    }
    const { file, readers, mentions, holds } = reading;
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

/** Whether a set has anything that comes by a cell in this way. */
function has(reading: Reading, how: "mentions" | "holds", set: RecordedSet): boolean {
  let answer = reading.answers[how].get(set);
  if (answer === undefined) {
    // What ran when a module was imported, before any test, has found no state.
    const members = how === "mentions" && reading.readers !== undefined ? (set.ran ?? set.members) : set.members;
    answer = members.some((member) => reading[how].has(member));
    reading.answers[how].set(set, answer);
  }
  return answer;
}
