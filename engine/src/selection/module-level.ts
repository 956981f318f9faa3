/**
 * Changes at module level, judged by name: a fact whose module has another module level now still holds if none of the
 * names that differ concerns it. Pure.
 *
 * Nothing more is recorded for this: the outline of each module level that was ever loaded is kept, and the bodies that
 * a fact depends on say what it mentions. What must stay true: where an outline is not to be had, or the change is more
 * than one of names, the dependency counts as changed.
 *
 * An import that may fail now, and does nothing else, concerns nobody if it goes well. So the files that load such a
 * module are collected anew, and their tests are left out *provided* that the module is seen to run to its end.
 */

import { parentOf } from "../changes/resolve.ts";
import { ABSENT } from "../model/key.ts";
import type { Reason } from "../model/reason.ts";
import {
  type Binding,
  type Concern,
  concernOf,
  type Delta,
  deltaOf,
  isLocalConftest,
  type Outline,
  type Project,
} from "../names/index.ts";
import { isInside } from "./scope.ts";

/** A dependency on a module level that is another one now. */
export interface ChangedLevel {
  readonly path: string;
  /** The value that it had; absent for a conftest that appeared. */
  readonly value: string;
}

/** What is asked of what is known. */
export interface LevelKnowledge {
  readonly project: Project;
  /** Every source that a fact may depend on. */
  readonly paths: () => readonly string[];
  /** Fixtures that the configuration has all tests use. */
  readonly usedByAll: readonly string[];
  /** The outline of what once stood at a module level, by its value. */
  outlineOfToplevel(value: string): Outline | undefined;
  /** The module levels of a depset that changed, but can be read. */
  changedIn(depset: number): readonly ChangedLevel[];
  /** Whether a depset depends on a body that is concerned, or on the module level of a file whose effects are. */
  isConcerned(depset: number, concern: Concern): boolean;
  /** Of the files whose import may fail, those on whose module level a depset depends. */
  failuresIn(depset: number, concern: Concern): readonly string[];
  /** Files that were not imported to their end, as far as a depset tells. */
  failedIn(depset: number): readonly string[];
  /** Whether a file was imported to its end in each recorded collection of another that went well. */
  isLoadedBy(file: string, path: string): boolean;
  /** The file that a test is collected from, and its node id. */
  fileOf(test: number): string | undefined;
  nodeOf(test: number): string | undefined;
}

interface Judged {
  readonly reason: Reason;
  readonly concern: Concern;
  readonly isDocumented: boolean;
  readonly isReordered: boolean;
}

const NO_REASONS: readonly Reason[] = [];

/** Says of facts whether a change at module level concerns them; answers are kept. */
export class ModuleLevel {
  readonly #known: LevelKnowledge;
  readonly #judged = new Map<string, Judged | undefined>();
  readonly #locals = new Map<string, boolean>();
  readonly #concerns = new Map<string, Concern>();

  constructor(known: LevelKnowledge) {
    this.#known = known;
  }

  /**
   * Why a test's fact with these depsets does not hold; [] if it does, {@link provisos} given. `isUnseen`: nobody sees its
   * imports go well, as some of it ran in another process, or long ago.
   */
  ofTest(test: number, depsets: readonly number[], isUnseen = false): readonly Reason[] {
    const file = this.#known.fileOf(test);
    return this.#reasons(file, depsets, ({ path }, { concern, isReordered }) => {
      // What tests leave behind meets others in another order.
      if (isReordered && path === file) {
        return true;
      }
      if (this.#known.usedByAll.some((name) => concern.spells(name))) {
        return true;
      }
      // What is loaded while a test runs is not seen before.
      const mayFail = (failing: string): boolean =>
        isUnseen || file === undefined || !this.#known.isLoadedBy(file, failing);
      if (depsets.some((depset) => this.#known.failuresIn(depset, concern).some(mayFail))) {
        return true;
      }
      // What a test is bound to in its own file; what has no such name (a doctest, say) is of the file as a whole, and so
      // is the doctest of a module, which has the module's name; `test_a` in test_a.py is a test. Nobody knows what such a
      // one mentions.
      const name = ownName(this.#known.nodeOf(test) ?? "");
      const { project } = this.#known;
      const isBound =
        file !== undefined &&
        name !== undefined &&
        project.evaluated(file)?.bound.has(name) === true &&
        (name.startsWith("test") || !project.sources.namesOf(file).includes(name));
      return !isBound || (path === file && concern.reaches(path, name));
    });
  }

  /** Files that were not imported to their end when the fact with these depsets came about. */
  failed(depsets: readonly number[]): string[] {
    return depsets.flatMap((depset) => this.#known.failedIn(depset));
  }

  /** Files that have to be imported to their end for the fact to hold. */
  provisos(depsets: readonly number[]): string[] {
    const found = new Set<string>();
    for (const changed of depsets.flatMap((depset) => this.#known.changedIn(depset))) {
      const concern = changed.value === ABSENT ? undefined : this.#judge(changed)?.concern;
      if (concern !== undefined) {
        for (const path of depsets.flatMap((depset) => this.#known.failuresIn(depset, concern))) {
          found.add(path);
        }
      }
    }
    return [...found].sort();
  }

  /** The same for the collection of a file: all of its module level is evaluated and looked at. */
  ofFile(path: string, depsets: readonly number[]): readonly Reason[] {
    return this.#reasons(
      path,
      depsets,
      (changed, { concern, isDocumented }) =>
        concern.touched.has(path) ||
        (isDocumented && changed.path === path) ||
        depsets.some((depset) => this.#known.failuresIn(depset, concern).length > 0),
    );
  }

  #reasons(
    file: string | undefined,
    depsets: readonly number[],
    concerns: (changed: ChangedLevel, judged: Judged) => boolean,
  ): readonly Reason[] {
    if (!depsets.some((depset) => this.#known.changedIn(depset).length > 0)) {
      return NO_REASONS;
    }
    const reasons = new Map<string, Reason>();
    // A fact has a hundred depsets where tests share state, and nearly all of them have the same changed level.
    const seen = new Set<ChangedLevel>();
    for (const depset of depsets) {
      for (const changed of this.#known.changedIn(depset)) {
        if (seen.has(changed)) {
          continue;
        }
        seen.add(changed);
        const reason = this.#reason(changed, file, depsets, concerns);
        if (reason !== undefined) {
          reasons.set(idOf(changed), reason);
        }
      }
    }
    return [...reasons.values()];
  }

  #reason(
    changed: ChangedLevel,
    file: string | undefined,
    depsets: readonly number[],
    concerns: (changed: ChangedLevel, judged: Judged) => boolean,
  ): Reason | undefined {
    const { path, value } = changed;
    if (value === ABSENT) {
      return this.#isElsewhere(path, file) ? undefined : { kind: "file-changed", path };
    }
    const judged = this.#judge(changed);
    if (judged === undefined) {
      return { kind: "toplevel-changed", path, names: [] };
    }
    const isConcerned =
      concerns(changed, judged) || depsets.some((depset) => this.#known.isConcerned(depset, judged.concern));
    return isConcerned ? judged.reason : undefined;
  }

  /** Whether a conftest that appeared concerns other tests than those of this file. */
  #isElsewhere(path: string, file: string | undefined): boolean {
    let isLocal = this.#locals.get(path);
    if (isLocal === undefined) {
      isLocal = isLocalConftest(this.#known.project, path);
      this.#locals.set(path, isLocal);
    }
    return isLocal && file !== undefined && !isInside(file, parentOf(path));
  }

  /** Undefined if the change is more than one of names. */
  #judge(changed: ChangedLevel): Judged | undefined {
    const id = idOf(changed);
    if (this.#judged.has(id)) {
      return this.#judged.get(id);
    }
    const delta = this.#delta(changed);
    const judged = delta?.kind === "names" ? this.#judgeNames(changed.path, delta) : undefined;
    this.#judged.set(id, judged);
    return judged;
  }

  #delta({ path, value }: ChangedLevel): Delta | undefined {
    const { project } = this.#known;
    const before = this.#known.outlineOfToplevel(value);
    const after = project.evaluated(path);
    return before === undefined || after === undefined
      ? undefined
      : deltaOf(project, path, project.evaluate(path, before), after);
  }

  #judgeNames(path: string, delta: Delta & { kind: "names" }): Judged {
    const { changed, moved, words, mayFail, isDocumented, isReordered } = delta;
    const failing = mayFail === undefined ? [] : [path];
    const seeds = [...changed.map((each): Binding => ({ path, ...each })), ...moved];
    const key = JSON.stringify([seeds, words, failing]);
    let concern = this.#concerns.get(key);
    if (concern === undefined) {
      concern = concernOf(this.#known.project, this.#known.paths(), seeds, { words, failing });
      this.#concerns.set(key, concern);
    }
    return {
      reason: { kind: "toplevel-changed", path, names: changed.map(({ name }) => name) },
      concern,
      isDocumented,
      isReordered,
    };
  }
}

function idOf({ path, value }: ChangedLevel): string {
  return `${path}\n${value}`;
}

/** The name at module level that a test is bound to: `TestPrice` of `tests/test_price.py::TestPrice::test_net[1]`. */
function ownName(node: string): string | undefined {
  const name = node.split("::")[1]?.replace(/\[.*$/s, "");
  return name !== undefined && /^[^\W\d]\w*$/u.test(name) ? name : undefined;
}
