/**
 * A first, quick question to what is evaluated: can any of these names matter to it? Of all that a closure goes through,
 * hardly anything has to do with what it has reached; words as numbers, looked up in one array, tell that much faster
 * than the questions themselves, which are asked again for each change and each state.
 *
 * What must stay true: whatever a closure asks of a statement or a body is about words that stand here, or it is asked
 * always.
 */

import { type Mentions, REFLECTIONS } from "./mentions.ts";
import type { Statement } from "./outline.ts";

/** The words by their numbers; undefined for what has to be asked whatever is reached. */
export type Trigger = Uint32Array | undefined;

export class Triggers {
  readonly #numbers = new Map<string, number>();
  readonly #statements = new WeakMap<Statement, { readonly trigger: Trigger }>();
  readonly #bodies = new WeakMap<Mentions, { readonly trigger: Trigger }>();

  /** The number of a word. */
  numberOf(word: string): number {
    let number = this.#numbers.get(word);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(word, number);
    }
    return number;
  }

  /** What a statement at module level may react to. */
  ofStatement(statement: Statement): Trigger {
    let known = this.#statements.get(statement);
    if (known === undefined) {
      const { mentions, annotations, imports, binds, evaluation } = statement;
      const isAlways = [mentions, annotations].some(isOpen) || imports.some(({ names }) => names.includes("*"));
      const words = [mentions, annotations].flatMap(wordsOf);
      const names = [...binds, ...imports.flatMap((one) => one.names), ...evaluation.bases.flatMap(partsOf)];
      known = { trigger: isAlways ? undefined : this.#numbersOf([...words, ...names]) };
      this.#statements.set(statement, known);
    }
    return known.trigger;
  }

  /** What a function's body may react to, besides what becomes of the function itself. */
  ofBody(mentions: Mentions): Trigger {
    let known = this.#bodies.get(mentions);
    if (known === undefined) {
      known = { trigger: isOpen(mentions) ? undefined : this.#numbersOf(wordsOf(mentions)) };
      this.#bodies.set(mentions, known);
    }
    return known.trigger;
  }

  #numbersOf(words: readonly string[]): Uint32Array {
    return Uint32Array.from(new Set(words.map((word) => this.numberOf(word))));
  }
}

/** Words that have been reached, by their numbers. */
export class ReachedWords {
  #marks = new Uint8Array(1024);

  add(number: number): void {
    if (number >= this.#marks.length) {
      const marks = new Uint8Array(Math.max(number + 1, this.#marks.length * 2));
      marks.set(this.#marks);
      this.#marks = marks;
    }
    this.#marks[number] = 1;
  }

  /** Whether something that reacts to these may have to do with any of them. */
  mayConcern(trigger: Trigger): boolean {
    if (trigger === undefined) {
      return true;
    }
    const marks = this.#marks;
    for (let at = 0; at < trigger.length; at++) {
      if (marks[trigger[at] as number] === 1) {
        return true;
      }
    }
    return false;
  }
}

/** Whether it looks up what no token spells, or comes by modules for themselves. */
function isOpen({ affixes, escapes, imported, reflection }: Mentions): boolean {
  return reflection !== REFLECTIONS.none || affixes.length > 0 || escapes.length > 0 || imported.length > 0;
}

function wordsOf({ bare, wild, asked }: Mentions): string[] {
  return [...bare, ...wild, ...asked.map((pair) => pair.slice(pair.indexOf(".") + 1))];
}

/** The words of a dotted name; a subscript has the number of its arguments behind it. */
function partsOf(chain: string): string[] {
  return chain.replace(/\/\d+$/, "").split(".");
}
