/**
 * How well the inputs of facts are known, for people: `winnow status` counts, `winnow why` says because of what.
 *
 * That a body looks names up which it does not spell is told from its source as it is now; what a decision makes of it is
 * the same (`names/mentions.ts`).
 */

import { describeKey } from "../model/key.ts";
import type { Grade } from "../model/remarks.ts";
import { REFLECTIONS } from "../names/index.ts";
import type { Knowledge, KnownFact } from "../selection/select.ts";
import { gradeOf, NO_WORD } from "../selection/word.ts";
import type { Store } from "../store/store.ts";
import type { PresentTree } from "./present.ts";

/** How many bodies are named. */
const SHOWN = 3;

export class Grades {
  readonly #store: Store;
  readonly #tree: PresentTree;
  readonly #knowledge: Knowledge;
  readonly #depsets = new Map<number, readonly number[]>();
  #reflecting: { readonly marks: Uint8Array; readonly bodies: ReadonlyMap<number, string> } | undefined;

  constructor(store: Store, tree: PresentTree, knowledge: Knowledge) {
    this.#store = store;
    this.#tree = tree;
    this.#knowledge = knowledge;
  }

  of({ depsets, remarks }: Pick<KnownFact, "depsets" | "remarks">): { grade: Grade; because: readonly string[] } {
    const found = gradeOf(this.#knowledge.word ?? NO_WORD, remarks);
    if (found.grade !== "exact") {
      return found;
    }
    const bodies = [...new Set(depsets.flatMap((depset) => this.#reflectingIn(depset)))];
    if (bodies.length === 0) {
      return found;
    }
    const { bodies: names } = this.#bodies();
    const because = bodies.slice(0, SHOWN).map((id) => names.get(id) ?? "");
    return {
      grade: "widened",
      because: bodies.length > SHOWN ? [...because, `${bodies.length - SHOWN} more`] : because,
    };
  }

  #reflectingIn(depset: number): readonly number[] {
    let found = this.#depsets.get(depset);
    if (found === undefined) {
      const { marks } = this.#bodies();
      const members = this.#store.depset(depset);
      found = members.filter((id) => marks[id] === 1);
      this.#depsets.set(depset, found);
    }
    return found;
  }

  #bodies(): { readonly marks: Uint8Array; readonly bodies: ReadonlyMap<number, string> } {
    if (this.#reflecting === undefined) {
      const marks = new Uint8Array(this.#store.lastDependencyId() + 1);
      const bodies = new Map<number, string>();
      for (const path of this.#store.dependencyPaths()) {
        const names = new Set(this.#namesIn(path));
        for (const { id, kind, name } of names.size === 0 ? [] : this.#store.dependenciesOfPath(path)) {
          if (kind === "body" && names.has(name)) {
            marks[id] = 1;
            bodies.set(id, describeKey({ kind, path, name }));
          }
        }
      }
      this.#reflecting = { marks, bodies };
    }
    return this.#reflecting;
  }

  #namesIn(path: string): string[] {
    const outline = path.endsWith(".py") && this.#tree.mayReflect(path) ? this.#tree.outline(path) : undefined;
    return (outline?.bodies ?? [])
      .filter(([, { reflection }]) => reflection !== REFLECTIONS.none)
      .map(([qualname]) => qualname);
  }
}
