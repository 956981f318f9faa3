/**
 * Which names a stretch of a source mentions: what it may read when it runs, as far as tokens tell.
 *
 * What must stay true: a name that the code can look up is mentioned, though more may be. A bare name stands for a
 * binding of its own module (or a builtin); whatever is looked up in an object, or spelt in a string, may be anybody's.
 */

import { NAME, OPERATOR, STRING } from "../fingerprint/tokenizer.ts";
import type { Token } from "./tokens.ts";

export interface Mentions {
  /** Names read as they stand; without those that can only be locals. */
  readonly bare: readonly string[];
  /** Names of attributes and of keyword arguments, and words of strings that look like names. */
  readonly wild: readonly string[];
  /** Beginnings and ends of names that are put together from strings: `"visit_" + kind`. */
  readonly affixes: readonly string[];
  /** It looks names up that no token spells: `globals()`, `getattr(x, name)`, `eval`. */
  readonly reflective: boolean;
}

export const NO_MENTIONS: Mentions = { bare: [], wild: [], affixes: [], reflective: false };

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from global " +
    "if import in is lambda nonlocal not or pass raise return try while with yield"
  ).split(" "),
);

export function isKeyword(word: string): boolean {
  return KEYWORDS.has(word);
}

const REFLECTIVE_NAMES: ReadonlySet<string> = new Set(["globals", "vars", "dir", "eval", "exec", "locals"]);
const REFLECTIVE_ATTRIBUTES: ReadonlySet<string> = new Set([
  "__dict__",
  "__getattribute__",
  "getmembers",
  "getmembers_static",
  "modules",
]);
/** Their argument of this index names an attribute. */
const LOOKUPS: ReadonlyMap<string, number> = new Map([
  ["getattr", 1],
  ["hasattr", 1],
  ["setattr", 1],
  ["delattr", 1],
  ["attrgetter", 0],
  ["methodcaller", 0],
  ["getattr_static", 1],
]);

/** Text that consists of names and what parts them: `a.b`, `x, y`, `pkg.mod:attr`. */
const NAMES_ONLY = /^[\w.,:;\s/-]{1,200}$/;

/** Gathers mentions; add as many stretches as belong together. */
export class MentionSet {
  readonly #bare = new Set<string>();
  readonly #wild = new Set<string>();
  readonly #affixes = new Set<string>();
  #reflective = false;

  /** Adds a function's header, whose parameters pytest takes for names of fixtures. */
  addHeader(tokens: readonly Token[], start: number, end: number): void {
    this.add(tokens, start, end);
    for (let at = start + 1; at < end; at++) {
      const token = tokens[at] as Token;
      if (token.kind === NAME && token.depth === 1 && /^([(,]|\*\*?)$/.test((tokens[at - 1] as Token).text)) {
        this.#wild.add(token.text);
      }
    }
  }

  /** Adds `tokens[start]` up to, not including, `tokens[end]`. `locals`: names that can only be locals there. */
  add(tokens: readonly Token[], start: number, end: number, locals?: ReadonlySet<string>): void {
    for (let at = start; at < end; at++) {
      const token = tokens[at] as Token;
      if (token.kind === NAME) {
        this.#name(tokens, at, start, end, locals);
      } else if (token.kind === STRING) {
        this.#string(tokens, at, locals);
      }
    }
  }

  addWild(name: string): void {
    this.#wild.add(name);
  }

  finish(): Mentions {
    return {
      bare: [...this.#bare],
      wild: [...this.#wild],
      affixes: [...this.#affixes],
      reflective: this.#reflective,
    };
  }

  #name(tokens: readonly Token[], at: number, start: number, end: number, locals?: ReadonlySet<string>): void {
    const { text } = tokens[at] as Token;
    if (KEYWORDS.has(text)) {
      return;
    }
    const before = at > start ? tokens[at - 1] : undefined;
    if (before?.kind === OPERATOR && before.text === ".") {
      this.#wild.add(text);
      this.#reflective ||= REFLECTIVE_ATTRIBUTES.has(text);
    } else {
      const after = at + 1 < end ? tokens[at + 1] : undefined;
      if (after?.kind === OPERATOR && after.text === "=" && after.depth > 0) {
        this.#wild.add(text);
      }
      if (locals?.has(text) !== true) {
        this.#bare.add(text);
        this.#reflective ||= REFLECTIVE_NAMES.has(text) || REFLECTIVE_ATTRIBUTES.has(text);
      }
    }
    const argument = LOOKUPS.get(text);
    if (argument !== undefined && !isSpelt(tokens, at + 1, end, argument)) {
      this.#reflective = true;
    }
  }

  #string(tokens: readonly Token[], at: number, locals?: ReadonlySet<string>): void {
    const { text, formatted } = tokens[at] as Token;
    if (formatted) {
      for (const word of text.match(/[^\W\d]\w*/gu) ?? []) {
        this.#wild.add(word);
        if (locals?.has(word) !== true) {
          this.#bare.add(word);
        }
      }
      this.#reflective ||= /\b(globals|vars|dir|eval|exec|locals|getattr|__dict__)\b/.test(text);
    } else if (NAMES_ONLY.test(text)) {
      for (const word of text.match(/[^\W\d]\w*/gu) ?? []) {
        this.#wild.add(word);
      }
    }
    for (const word of text.match(/[\w]*_(?=\W|$)|(?<=\W|^)_[\w]+|\w+(?=[{%])|(?<=[}])\w+/gu) ?? []) {
      if (word.length > 1) {
        this.#affixes.add(word);
      }
    }
    const neighbours = [tokens[at - 1], tokens[at + 1]];
    if (/^\w+$/.test(text) && neighbours.some((token) => token?.kind === OPERATOR && /^[+%]$/.test(token.text))) {
      this.#affixes.add(text);
    }
  }
}

/** Whether the argument with this index of the call that opens at `at` is one plain string. */
function isSpelt(tokens: readonly Token[], at: number, end: number, argument: number): boolean {
  const open = tokens[at];
  if (at >= end || open?.text !== "(" || open.kind !== OPERATOR) {
    return false;
  }
  let index = 0;
  for (let next = at + 1; next < end; next++) {
    const token = tokens[next] as Token;
    if (index === argument) {
      const after = tokens[next + 1];
      return token.kind === STRING && !token.formatted && (after?.text === "," || after?.text === ")");
    }
    if (token.kind === OPERATOR && token.depth < open.depth) {
      return false;
    }
    if (token.kind === OPERATOR && token.text === "," && token.depth === open.depth) {
      index += 1;
    }
  }
  return false;
}
