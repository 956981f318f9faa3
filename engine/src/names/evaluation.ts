/**
 * What evaluating a statement at module level does, as far as tokens tell: which names it reads, which functions it
 * calls, and whether it may fail or do anything else.
 *
 * What must stay true: `raises` is false only where evaluation consists of literals, displays of them, names, chains of
 * attributes, operators, comprehensions and calls, all of which are listed. Operators, subscripts and attributes count as
 * computing: given values (purity.ts), they give a value or fail, and do nothing else.
 */

import { NAME, NUMBER, OPERATOR, STRING } from "../fingerprint/tokenizer.ts";
import { isKeyword } from "./mentions.ts";
import { bracketAround, checksumOf, isParameter, type Token } from "./tokens.ts";

export interface Evaluation {
  /** Dotted names that are called: `re.compile`. */
  readonly calls: readonly string[];
  /** Dotted names that are read. */
  readonly reads: readonly string[];
  /** Dotted names that are subscripted, with the number of arguments: `Dict/2` of `Dict[str, int]`. */
  readonly subscripts: readonly string[];
  /** Dotted names that are keys of a dictionary, or members of a set: what they stand for needs a hash. */
  readonly keys: readonly string[];
  readonly decorators: readonly string[];
  readonly bases: readonly string[];
  /** It joins types with `|`, which Python does not know before 3.10. */
  readonly unions: boolean;
  /** Other names of a fixture than its function's: `@pytest.fixture(name="client")`. */
  readonly aliases: readonly string[];
  /** A fixture that concerns tests which do not name it, or whose name is not to be seen. */
  readonly autouse: boolean;
  /** It computes with values, and fails with some. */
  readonly fails: boolean;
  /** It decorates with what a call returns, and that may refuse what it is given: `@lru_cache(maxsize="1")`. */
  readonly refuses: boolean;
  /** Dotted names of what becomes an attribute of a class: it may be told so (`__set_name__`). */
  readonly attributes: readonly string[];
  /** Dotted names of calls whose results are kept as they are, and not used up at once. */
  readonly kept: readonly string[];
  /** It makes what others fill, or what is used up by who reads it: `[]`, a generator. */
  readonly living: boolean;
  /** It may do anything, even if all that it calls is harmless. */
  readonly raises: boolean;
  /** Each stretch of it that does more than to read plain names. */
  readonly computes: readonly Computation[];
}

export interface Computation {
  /** Over its tokens; over all of the statement, where names of its own are in. */
  readonly checksum: string;
  /** Dotted names of what it asks for parts, joins, looks up or hands to a call; null where that may be anything. */
  readonly uses: readonly string[] | null;
}

type Part = Omit<Evaluation, "attributes" | "computes">;

export type Region = "plain" | "header" | "bases" | "decorator" | "condition" | "unknown";

const CONDITIONS = [
  /^(not )?(typing \. |t \. )?TYPE_CHECKING$/,
  /^sys \. version_info (>=|<|>|<=) \( [\d ,]+ \)$/,
  /^sys \. version_info \[ 0 \] (>=|<|>|<=|==) \d+$/,
  /^sys \. platform (==|!=) \w+$/,
  /^os \. name (==|!=) \w+$/,
  /^__name__ == __main__$/,
];
/** What decorates another function of a property: `@name.setter`. */
export const PROPERTY_METHOD = /^[^.]+\.(setter|getter|deleter)$/;
const CONSTANTS: ReadonlySet<string> = new Set(["True", "False", "None"]);
const ARITHMETIC: ReadonlySet<string> = new Set(["+", "-", "*"]);
const COMPUTING: ReadonlySet<string> = new Set("+ - * / // % ** @ & ^ ~ < > <= >= == != << >>".split(" "));
/** Keywords of conditions, tests and comprehensions. */
const COMPUTING_WORDS = /^(and|or|not|in|is|if|for)$/;

/** Gathers evaluations; read as many stretches as belong together. */
export class EvaluationReader {
  readonly #parts: Part[] = [];
  readonly #attributes = new Set<string>();
  readonly #computing: {
    readonly rows: readonly string[];
    readonly words: ReadonlySet<string>;
    readonly uses: readonly string[] | null;
  }[] = [];

  /** `annotations`: where there are any in the stretch; `deferred`: these are not evaluated. */
  read(
    tokens: readonly Token[],
    start: number,
    end: number,
    as: Region,
    annotations: readonly (readonly [number, number])[] = [],
    deferred = false,
  ): void {
    const partOf = (skipped: typeof annotations): Part => {
      const stretch = new Stretch(skipped);
      stretch.read(tokens, start, end, as);
      return stretch.finish();
    };
    const bare = partOf(annotations);
    const part = deferred || annotations.length === 0 ? bare : partOf([]);
    this.#parts.push(part);
    if (isComputing(part)) {
      const own = tokens.slice(start, end);
      const words = own.filter(({ kind }) => kind === NAME).map(({ text }) => text);
      const isOfProperty = as === "decorator" && part.decorators.every((name) => PROPERTY_METHOD.test(name));
      this.#computing.push({
        rows: own.map(({ written }) => written),
        words: new Set(isOfProperty ? [] : words),
        uses: usesOf(bare),
      });
    }
  }

  /** Of what was read, a value that a name of a class is bound to. */
  readAttribute(tokens: readonly Token[], start: number, end: number): void {
    const stretch = new Stretch([]);
    stretch.read(tokens, start, end, "plain");
    for (const name of stretch.finish().reads) {
      this.#attributes.add(name);
    }
  }

  /** `own`: names that the statement binds, which are another thing within it; `whole`: its checksum. */
  finish(own: ReadonlySet<string>, whole: string): Evaluation {
    const all = (names: (part: Part) => readonly string[]): string[] => [...new Set(this.#parts.flatMap(names))];
    const any = (is: (part: Part) => boolean): boolean => this.#parts.some(is);
    return {
      calls: all(({ calls }) => calls),
      reads: all(({ reads }) => reads),
      subscripts: all(({ subscripts }) => subscripts),
      keys: all(({ keys }) => keys),
      decorators: all(({ decorators }) => decorators),
      bases: all(({ bases }) => bases),
      unions: any(({ unions }) => unions),
      aliases: all(({ aliases }) => aliases),
      autouse: any(({ autouse }) => autouse),
      fails: any(({ fails }) => fails),
      refuses: any(({ refuses }) => refuses),
      attributes: [...this.#attributes],
      kept: all(({ kept }) => kept),
      living: any(({ living }) => living),
      raises: any(({ raises }) => raises),
      computes: this.#computing.map(({ rows, words, uses }) => ({
        checksum: [...words].some((word) => own.has(word)) ? whole : checksumOf(rows),
        uses,
      })),
    };
  }
}

/** What a stretch does more with than to read it; what it calls or decorates with is judged by its name. */
function usesOf({ reads, subscripts, keys, calls, unions, refuses, fails, raises }: Part): string[] | null {
  if (fails || raises) {
    return null;
  }
  const isHanded = calls.length > 0 || unions || refuses;
  return [...subscripts, ...keys, ...reads.filter((name) => isHanded || name.includes("."))];
}

function isComputing({ calls, reads, subscripts, keys, decorators, fails, refuses, raises }: Part): boolean {
  return (
    [calls, subscripts, keys, decorators].some(({ length }) => length > 0) ||
    reads.some((name) => name.includes(".")) ||
    fails ||
    refuses ||
    raises
  );
}

/** One stretch of a statement. */
class Stretch {
  readonly #calls = new Set<string>();
  readonly #reads = new Set<string>();
  readonly #subscripts = new Set<string>();
  readonly #keys = new Set<string>();
  readonly #decorators = new Set<string>();
  readonly #bases = new Set<string>();
  readonly #aliases = new Set<string>();
  #unions = false;
  #autouse = false;
  #fails = false;
  #refuses = false;
  #living = false;
  readonly #kept = new Set<string>();
  #raises = false;
  /** Names that comprehensions bind: called, they are not what they are elsewhere. */
  readonly #targets = new Set<string>();
  /** Where what is not looked at begins and ends. */
  readonly #skipped: ReadonlyMap<number, number>;

  constructor(skipped: readonly (readonly [number, number])[]) {
    this.#skipped = new Map(skipped);
  }

  read(tokens: readonly Token[], start: number, end: number, as: Region): void {
    if (as === "unknown") {
      this.#raises = true;
      this.#expression(tokens, start, end, false);
    } else if (as === "condition") {
      const text = tokens
        .slice(start + 1, end)
        .map((token) => token.text)
        .join(" ");
      if (!CONDITIONS.some((known) => known.test(text))) {
        this.#fails = true;
        this.#expression(tokens, start + 1, end, false);
      }
    } else if (as === "decorator") {
      this.#decorator(tokens, start + 1, end);
    } else if (as === "bases") {
      this.#baseList(tokens, start, end);
    } else {
      this.#expression(tokens, start, end, as === "header");
    }
  }

  finish(): Part {
    return {
      calls: [...this.#calls],
      reads: [...this.#reads],
      subscripts: [...this.#subscripts],
      keys: [...this.#keys],
      decorators: [...this.#decorators],
      bases: [...this.#bases],
      unions: this.#unions,
      aliases: [...this.#aliases],
      autouse: this.#autouse,
      fails: this.#fails,
      refuses: this.#refuses,
      kept: [...this.#kept],
      living: this.#living,
      raises: this.#raises || [...this.#calls].some((name) => this.#targets.has(name.split(".", 1)[0] ?? "")),
    };
  }

  #decorator(tokens: readonly Token[], start: number, end: number): void {
    const { name, next } = chainAt(tokens, start, end);
    if (name === "" || (next < end && tokens[next]?.text !== "(")) {
      this.#raises = true;
    }
    this.#refuses ||= next < end && !isAccepted(name, tokens, next, end);
    this.#decorators.add(name);
    this.#autouse ||= tokens.slice(next, end).some(({ text }) => text === "autouse");
    this.#readAliases(tokens, next, end, isFixture(name));
    this.#expression(tokens, next, end, false);
  }

  /** Who is not seen to make fixtures may do so under another name. */
  #readAliases(tokens: readonly Token[], start: number, end: number, isKnown: boolean): void {
    for (let at = start; at < end; at++) {
      if (isAliasAt(tokens, at)) {
        this.#aliases.add((tokens[at] as Token).text);
      } else if (isKnown && isNaming(tokens, at)) {
        this.#autouse = true;
      }
      // `**options` may hold anything.
      this.#autouse ||= isKnown && tokens[at]?.kind === OPERATOR && tokens[at]?.text === "**";
    }
  }

  #baseList(tokens: readonly Token[], start: number, end: number): void {
    for (let at = start; at < end; ) {
      const token = tokens[at] as Token;
      if (token.kind === NAME && !isKeyword(token.text)) {
        const { name, next } = chainAt(tokens, at, end);
        const after = tokens[next]?.text;
        if (token.depth === 1) {
          this.#bases.add(name);
          // A keyword argument, a call, or another expression.
          this.#raises ||= after !== "," && after !== ")" && after !== "[";
        } else {
          this.#reads.add(name);
        }
        at = next;
      } else {
        this.#raises ||= token.kind === OPERATOR && !/^[()[\],]$/.test(token.text);
        at += 1;
      }
    }
  }

  #expression(tokens: readonly Token[], start: number, end: number, isHeader: boolean): void {
    for (let at = start; at < end; ) {
      const behind = this.#skipped.get(at);
      if (behind !== undefined && behind > at) {
        at = behind;
        continue;
      }
      const token = tokens[at] as Token;
      if (token.kind === NAME) {
        at = this.#name(tokens, at, start, end, isHeader);
        continue;
      }
      if (token.kind === STRING) {
        // What is called in a formatted string is not listed.
        this.#raises ||= token.formatted && token.text.includes("(");
        this.#fails ||= token.formatted;
      } else if (token.kind === OPERATOR && token.text === ".") {
        at = this.#attribute(tokens, at, end);
        continue;
      } else if (token.kind === OPERATOR) {
        this.#operator(tokens, at, start, end, isHeader);
      }
      at += 1;
    }
  }

  #name(tokens: readonly Token[], at: number, start: number, end: number, isHeader: boolean): number {
    const token = tokens[at] as Token;
    if (CONSTANTS.has(token.text)) {
      return at + 1;
    }
    if (token.text === "lambda") {
      return this.#lambda(tokens, at, end);
    }
    if (isKeyword(token.text)) {
      // `try`, `else` and `except` open branches; what is no computation either may do anything.
      const isComputing = COMPUTING_WORDS.test(token.text);
      this.#fails ||= isComputing;
      if (token.text === "for") {
        const open = bracketAround(tokens, at, start);
        this.#living ||= tokens[open]?.text === "(" && !isConsumer(tokens[open - 1]);
        for (let target = at + 1; target < end && tokens[target]?.text !== "in"; target++) {
          this.#targets.add((tokens[target] as Token).text);
        }
      }
      this.#raises ||= !isComputing && !/^(try|else|except|finally|as|def|class|async|import|from)$/.test(token.text);
      return at + 1;
    }
    const { name, next } = chainAt(tokens, at, end);
    const after = next < end ? tokens[next] : undefined;
    // `NAME = …`, and `NAME: type = …`.
    const isAnnotated = at === start && after?.text === ":" && token.depth === 0;
    const isTarget = !isHeader && after?.kind === OPERATOR && (after.text === "=" || isAnnotated);
    if ((isHeader && isParameter(tokens, at)) || isTarget) {
      return next;
    }
    if (after?.kind === OPERATOR && after.text === "(") {
      this.#calls.add(name);
      const before = tokens[at - 1];
      if (!(before?.text === "in" || (before?.text === "(" && isConsumer(tokens[at - 2])))) {
        this.#kept.add(name);
      }
      this.#living ||= tokens[next + 1]?.text === ")";
      // `reset = pytest.fixture(function, autouse=True)`
      this.#autouse ||= isFixture(name) && tokens.slice(next, end).some(({ text }) => text === "autouse");
      if (isFixture(name)) {
        this.#readAliases(tokens, next, end, true);
      }
    } else if (after?.kind === OPERATOR && after.text === "[") {
      this.#subscripts.add(`${name}/${argumentsAt(tokens, next, end)}`);
      this.#fails ||= !name.endsWith("Literal") && holdsNumber(tokens, next, end);
    } else {
      this.#reads.add(name);
    }
    return next;
  }

  /** Attributes of something that has no name: `Path(__file__).parent`. Methods do anything, but for those of strings. */
  #attribute(tokens: readonly Token[], at: number, end: number): number {
    const { name, next } = chainAt(tokens, at + 1, end);
    const isCalled = next < end && tokens[next]?.text === "(";
    const isOfString = tokens[at - 1]?.kind === STRING && !name.includes(".");
    this.#fails = true;
    this.#raises ||= name === "" || (isCalled && !isOfString);
    return Math.max(next, at + 1);
  }

  /** Its body is not evaluated; default values of its parameters would be. */
  #lambda(tokens: readonly Token[], at: number, end: number): number {
    const depth = at > 0 ? (tokens[at] as Token).depth : 0;
    let next = at + 1;
    let isBody = false;
    for (; next < end; next++) {
      const token = tokens[next] as Token;
      if (token.kind !== OPERATOR) {
        continue;
      }
      if (token.depth < depth || (isBody && token.depth === depth && token.text === ",")) {
        break;
      }
      if (!isBody && token.depth === depth && token.text === ":") {
        isBody = true;
      } else if (!isBody && token.text === "=") {
        this.#raises = true;
      }
    }
    return next;
  }

  /** Keys of the display that opens at `open`: literals and names. Others may have no hash. */
  #readKeys(tokens: readonly Token[], open: number, end: number): void {
    const depth = (tokens[open] as Token).depth;
    let isKey = true;
    for (let at = open + 1; at < end; ) {
      const token = tokens[at] as Token;
      if (token.kind === OPERATOR && token.depth < depth) {
        return;
      }
      if (!isKey || token.depth !== depth) {
        isKey = token.kind === OPERATOR && token.depth === depth && token.text === "," ? true : isKey;
        at += 1;
        continue;
      }
      const { name, next } = chainAt(tokens, at, end);
      const isLiteral =
        token.kind === NUMBER || (token.kind === STRING && !token.formatted) || CONSTANTS.has(token.text);
      const after = tokens[isLiteral ? at + 1 : next];
      if (token.kind === OPERATOR && token.text === ",") {
        at += 1;
        continue;
      }
      if ((!isLiteral && name === "") || after === undefined || !/^[,:}]$/.test(after.text)) {
        this.#fails = true;
        return;
      }
      if (!isLiteral) {
        this.#keys.add(name);
      }
      isKey = after.text === ",";
      at = (isLiteral ? at + 1 : next) + 1;
      if (after.text === "}") {
        return;
      }
    }
  }

  #operator(tokens: readonly Token[], at: number, start: number, end: number, isHeader: boolean): void {
    const { text, depth } = tokens[at] as Token;
    const before = at > start ? tokens[at - 1] : undefined;
    const after = at + 1 < end ? tokens[at + 1] : undefined;
    switch (text) {
      case ",":
      case ")":
      case "]":
      case "}":
      case "=":
      case ":":
      case "->":
      case "...":
        return;
      case "(":
      case "[":
        // What is called is a name, or else anything.
        if (before?.kind === STRING || /^[)\]}]$/.test(before?.text ?? "")) {
          this.#fails = true;
          this.#raises ||= text === "(";
        } else {
          this.#living ||= text === "[" && after?.text === "]";
        }
        return;
      case "{":
        this.#living ||= after?.text === "}";
        this.#readKeys(tokens, at, end);
        return;
      case "*":
      case "**":
      case "/":
        if (isHeader && depth === 1 && /^[(,]$/.test(before?.text ?? "")) {
          return;
        }
        break;
      case "|":
        this.#unions = true;
        // `"Name" | None` fails, as a string knows no types.
        this.#fails ||= before?.kind === STRING || after?.kind === STRING;
        return;
      case "-":
        if (after?.kind === NUMBER && before?.kind === OPERATOR && before.text !== ")") {
          return;
        }
        break;
    }
    this.#fails ||= !(ARITHMETIC.has(text) && before?.kind === NUMBER && after?.kind === NUMBER);
    this.#raises ||= !COMPUTING.has(text);
  }
}

/** Where a decorator spells the name that a fixture has besides its function's. */
export function aliasesIn(tokens: readonly Token[], start: number, end: number): number[] {
  const { name, next } = chainAt(tokens, start + 1, end);
  const found: number[] = [];
  for (let at = next; isFixture(name) && at < end; at++) {
    if (isAliasAt(tokens, at)) {
      found.push(at);
    }
  }
  return found;
}

function isFixture(decorator: string): boolean {
  return decorator.endsWith("fixture");
}

/** Whether a decorator is sure to take what it is called with. */
function isAccepted(decorator: string, tokens: readonly Token[], open: number, end: number): boolean {
  if (/^pytest\.mark\.\w+$|wraps$/.test(decorator)) {
    return true;
  }
  const text = tokens
    .slice(open, end)
    .map(({ written }) => written)
    .join(" ");
  if (!isFixture(decorator)) {
    return /lru_cache$/.test(decorator) && /^\( (maxsize = )?(None|\d+) (, typed = (True|False) )?\)$/.test(text);
  }
  return (
    !/\bscope = (?!["'](function|class|module|package|session)["'] [,)])/.test(text) &&
    tokens.slice(open, end).every((token, at, all) => {
      const starts = token.depth === 1 && /^[(,]$/.test(token.text) && token.kind === OPERATOR;
      const isKnown = /^(scope|params|ids|autouse|name)$/.test(all[at + 1]?.text ?? "") && all[at + 2]?.text === "=";
      return !starts || isKnown || all[at + 1]?.text === ")";
    })
  );
}

function isAliasAt(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at] as Token;
  return token.kind === STRING && !token.formatted && isNaming(tokens, at) && /^[,)]$/.test(tokens[at + 1]?.text ?? "");
}

/** Whether `name=` stands before the token. */
function isNaming(tokens: readonly Token[], at: number): boolean {
  return tokens[at - 1]?.text === "=" && tokens[at - 2]?.kind === NAME && tokens[at - 2]?.text === "name";
}

/** The dotted name that begins at `at`, and what follows it. */
function chainAt(tokens: readonly Token[], at: number, end: number): { name: string; next: number } {
  const first = tokens[at];
  if (at >= end || first?.kind !== NAME || isKeyword(first.text)) {
    return { name: "", next: at };
  }
  let name = first.text;
  let next = at + 1;
  while (next + 1 < end && tokens[next]?.text === "." && tokens[next + 1]?.kind === NAME) {
    name += `.${(tokens[next + 1] as Token).text}`;
    next += 2;
  }
  return { name, next };
}

/** Whether it is the name of what uses up all that it is called with. */
function isConsumer(token: Token | undefined): boolean {
  const consumers = /^(dict|list|tuple|set|frozenset|sum|any|all|bytes|bytearray|join|Counter|OrderedDict)$/;
  return token?.kind === NAME && consumers.test(token.text);
}

/** How many arguments the bracket at `open` holds. */
function argumentsAt(tokens: readonly Token[], open: number, end: number): number {
  const depth = (tokens[open] as Token).depth;
  let count = 1;
  for (let at = open + 1; at < end; at++) {
    const token = tokens[at] as Token;
    if (token.depth < depth) {
      break;
    }
    if (token.text === "," && token.kind === OPERATOR && token.depth === depth && tokens[at + 1]?.text !== "]") {
      count += 1;
    }
  }
  return count;
}

function holdsNumber(tokens: readonly Token[], open: number, end: number): boolean {
  const depth = (tokens[open] as Token).depth;
  for (let at = open + 1; at < end && (tokens[at] as Token).depth >= depth; at++) {
    if ((tokens[at] as Token).kind === NUMBER) {
      return true;
    }
  }
  return false;
}
