/**
 * Which names a stretch of a source mentions: what it may read when it runs, as far as tokens tell.
 *
 * What must stay true: a name that the code can look up is mentioned, though more may be. A bare name stands for a
 * binding of its own module (or a builtin); whatever is looked up in an object, or spelt in a string, may be anybody's.
 */

import type { ImportRef } from "../fingerprint/model.ts";
import { NAME, OPERATOR, STRING } from "../fingerprint/tokenizer.ts";
import { isReader } from "./readers.ts";
import { bracketAround, isParameter, type Token } from "./tokens.ts";

export interface Mentions {
  /** Names read as they stand; without those that can only be locals. */
  readonly bare: readonly string[];
  /** Names of attributes and of keyword arguments, and words of strings that look like names. */
  readonly wild: readonly string[];
  /** Names of attributes that only imported modules are asked for, each behind the name of its module: `json.dumps`. */
  readonly asked: readonly string[];
  /** Names that are put together from strings, with {@link ANYTHING} for what is put in: `"visit_" + kind` is `visit_*`. */
  readonly affixes: readonly string[];
  /** Of all names, those of which only parts are assigned: `config.colour = None`. */
  readonly stores: readonly string[];
  /**
   * Of the bare ones, imported names that are used for themselves: of a module, whoever gets it can look up anything. With
   * a dot in it what is behind an import, and may be a module: `use(package.module)`; nothing stands before the dot where
   * the function imports it, or spells it in a string.
   */
  readonly escapes: readonly string[];
  /**
   * Names that are neither just called nor just asked for a part: whoever gets that can look at it. With a dot before it
   * where it is an attribute, or a word of a string by which something is looked up.
   */
  readonly handed: readonly string[];
  /** What {@link Mentions.escapes} are, of what a body imports by itself. */
  readonly imported: readonly ImportRef[];
  /** Of the wild ones, those that are only parameters: pytest takes them for names of fixtures. */
  readonly parameters: readonly string[];
  readonly reflection: Reflection;
}

/** Where a stretch looks names up that no token spells; the greater one counts. */
export const REFLECTIONS = {
  none: 0,
  /** In its own module: `globals()`. */
  module: 1,
  /** Wherever an expression leads from there: `eval`. */
  expressions: 2,
  /** In any module: `import_module(name)`, `sys.modules`. */
  modules: 3,
} as const;
export type Reflection = (typeof REFLECTIONS)[keyof typeof REFLECTIONS];

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from global " +
    "if import in is lambda nonlocal not or pass raise return try while with yield"
  ).split(" "),
);

export function isKeyword(word: string): boolean {
  return KEYWORDS.has(word);
}

const REFLECTING: ReadonlyMap<string, Reflection> = new Map([
  ...["globals", "vars", "dir", "locals"].map((name) => [name, REFLECTIONS.module] as const),
  ...["eval", "exec"].map((name) => [name, REFLECTIONS.expressions] as const),
  ...[
    "import_module",
    "__import__",
    "modules",
    "module_from_spec",
    "run_module",
    "run_path",
    "resolve_name",
    "load_module",
    "getmodule",
    "EntryPoint",
    "__globals__",
    "f_globals",
  ].map((name) => [name, REFLECTIONS.modules] as const),
]);

/** Of these, those that import what they are given the name of. */
const IMPORTING: ReadonlySet<string> = new Set(["import_module", "__import__"]);

const REFLECTING_WORDS = new RegExp(
  `\\b(${[...REFLECTING.keys(), "__dict__", "module", "importorskip"].join("|")})\\b`,
);

/** How a word looks names up that is known by another name where it was imported under that. */
export function reflectionOf(word: string): Reflection {
  return REFLECTING.get(word) ?? REFLECTIONS.none;
}

/** Whether any mention in this source may have a reflection. */
export function mayReflect(source: string): boolean {
  return REFLECTING_WORDS.test(source);
}

/** What pytest calls those that know the module of a test. */
const MODULE_HOLDERS: ReadonlySet<string> = new Set(["request", "item", "metafunc", "node", "collector"]);

/** Text that consists of names and what parts them: `a.b`, `x, y`, `pkg.mod:attr`. Prose has spaces elsewhere. */
const NAMES_ONLY = /^[\w\u0080-\uffff.:;/-]+(,\s*[\w\u0080-\uffff.:;/-]+)*,?$/;
/** Names in a text, in whatever script. */
const WORDS = /[\p{L}_][\p{L}\p{M}\p{N}_]*/gu;
const WORDS_IN_BRACES = /(?<=\{[^{}]*)(?<![\p{L}\p{M}\p{N}_])[\p{L}_][\p{L}\p{M}\p{N}_]*(?=[^{}]*[{}])/gu;

const NO_ALIASES: ReadonlyMap<string, Reflection> = new Map();

/** Gathers mentions; add as many stretches as belong together. */
export class MentionSet {
  readonly #bare = new Set<string>();
  readonly #wild = new Set<string>();
  readonly #parameters = new Set<string>();
  readonly #affixes = new Set<string>();
  readonly #values = new Set<string>();
  readonly #handed = new Set<string>();
  /** Attributes that are used for themselves, each behind the name that the chain begins with. */
  readonly #parts = new Set<string>();
  readonly #localParts = new Set<string>();
  /** Names that the function imports. */
  readonly #ownImports = new Set<string>();
  readonly #stores = new Set<string>();
  readonly #reads = new Set<string>();
  readonly #imported: ImportRef[] = [];
  readonly #asked = new Set<string>();
  /** Names that stand without a dot behind them: they may be bound there, to something else than elsewhere. */
  readonly #alone = new Set<string>();
  readonly #within: MentionSet | undefined;
  readonly #inner: MentionSet[] = [];
  /** Names that are bound to modules which no token spells, and names that are handed on, compared or the like. */
  readonly #found = new Set<string>();
  readonly #loose = new Set<string>();
  /** Strings with more in them than names: in what is executed, they may be code. So may what they are put together of. */
  readonly #texts: string[] = [];
  readonly #codeAffixes = new Set<string>();
  /** The parameter of the function that takes its other keyword arguments: a dictionary of these. */
  readonly #keywords: string | undefined;
  /** Words of strings: who looks up what they say may hand that on. */
  readonly #spelt = new Set<string>();
  /** Modules that are imported by a call which spells them, without their packages. */
  readonly #calledFor = new Set<string>();
  readonly #areExpressions: boolean;
  readonly #isBody: boolean;
  #reflection: Reflection = REFLECTIONS.none;

  /**
   * `of`: in annotations, strings stand for expressions; what a function's body binds is nobody else's. `within`: of the
   * function around it; `keywords`: its parameter that takes all other keyword arguments.
   */
  constructor(of: "statement" | "annotations" | "body" = "statement", within?: MentionSet, keywords?: string) {
    this.#keywords = keywords;
    this.#areExpressions = of === "annotations";
    this.#isBody = of === "body";
    this.#within = within;
    if (within !== undefined) {
      within.#inner.push(this);
    }
  }

  /** Adds the parameters in a function's header: pytest takes them for names of fixtures. */
  addParameters(tokens: readonly Token[], start: number, end: number): void {
    for (let at = start + 1; at < end && (tokens[at] as Token).depth > 0; at++) {
      const token = tokens[at] as Token;
      if (isParameter(tokens, at)) {
        this.#parameters.add(token.text);
      }
    }
  }

  /**
   * Adds `tokens[start]` up to, not including, `tokens[end]`. `locals`: names that can only be locals there; `isHeader`:
   * names in it are parameters, but for default values and annotations.
   */
  add(tokens: readonly Token[], start: number, end: number, locals?: ReadonlySet<string>, isHeader = false): void {
    const stored = assigned(tokens, start, end);
    const classes = classesAskedFor(tokens, start, end);
    for (let at = start; at < end; at++) {
      const token = tokens[at] as Token;
      if (isHeader && isParameter(tokens, at)) {
        continue;
      }
      // Nobody asks what it was before: `function.__doc__ = "…"`.
      const isReplaced = at === stored && stored > start && isReader(token.text);
      (at < stored || isReplaced ? this.#stores : this.#reads).add(token.text);
      if (token.kind === NAME) {
        this.#name(tokens, at, start, end, classes.has(at), locals);
      } else if (token.kind === STRING) {
        this.#string(tokens, at, locals);
      }
    }
  }

  addWild(name: string): void {
    this.#wild.add(name);
  }

  /**
   * `imported`: names that the module imports; `modules`: those of them that are modules, whatever runs; `aliases`: other
   * names of what looks names up.
   */
  finish(
    imported: ReadonlySet<string>,
    modules: ReadonlySet<string>,
    aliases: ReadonlyMap<string, Reflection> = NO_ALIASES,
  ): Mentions {
    for (const [alias, reflection] of aliases) {
      if (this.#bare.has(alias)) {
        this.reflect(reflection);
      }
    }
    const isExecuting = this.#reflection === REFLECTIONS.expressions;
    const texts = isExecuting ? this.#texts : [];
    const isLookingUp = LOOKING_UP.some((name) => this.#reads.has(name)) || this.#reflection !== REFLECTIONS.none;
    const code = texts.flatMap((text) => text.match(WORDS) ?? []);
    const wild = new Set([...this.#wild, ...code]);
    const asked: string[] = [];
    for (const pair of this.#asked) {
      const [base = "", name = ""] = pair.split(".");
      if (modules.has(base) && !this.#standsAlone(base)) {
        asked.push(pair);
      } else {
        wild.add(name);
      }
    }
    const parameters = [...this.#parameters].filter((word) => !wild.has(word));
    return {
      bare: [...this.#bare],
      wild: [...wild, ...parameters],
      asked: asked.filter((pair) => !wild.has(pair.slice(pair.indexOf(".") + 1))),
      affixes: [...new Set([...this.#affixes, ...(isExecuting ? this.#codeAffixes : [])])],
      escapes: [
        ...[...this.#values].filter((name) => imported.has(name)),
        ...new Set([...this.#escapingParts(imported), ...[...this.#calledFor, ...code].map((name) => `.${name}`)]),
      ],
      handed: [...new Set([...this.#handed, ...(isLookingUp ? this.#spelt : [])])],
      imported: this.#imported,
      parameters,
      stores: [...this.#stores].filter((name) => !this.#reads.has(name)),
      reflection: [...this.#found].some((name) => this.#isLoose(name)) ? REFLECTIONS.modules : this.#reflection,
    };
  }

  /** Parts of what is imported: `use(package.module)`. */
  #escapingParts(imported: ReadonlySet<string>): Set<string> {
    const found = new Set<string>();
    for (const pair of [...this.#parts, ...this.#localParts]) {
      const [root = "", part = ""] = pair.split(".");
      if (this.#imports(root)) {
        found.add(`.${part}`);
      } else if (imported.has(root) && this.#parts.has(pair)) {
        found.add(pair);
      }
    }
    return found;
  }

  /** Whether the function, or one around it, imports the name. */
  #imports(name: string): boolean {
    const around = this.#within;
    const isAround = around === undefined ? false : around.#imports(name);
    return isAround || this.#ownImports.has(name);
  }

  /** Whether a name is used for more than to be asked for parts that are spelt. */
  #isLoose(name: string): boolean {
    const isInner = this.#inner.some((one) => one.#reads.has(name) || one.#stores.has(name));
    return isInner || this.#loose.has(name);
  }

  #standsAlone(name: string): boolean {
    const around = this.#within;
    const isAround = around === undefined ? false : around.#standsAlone(name);
    return isAround || this.#alone.has(name);
  }

  /** Adds what a body imports, if it uses it for itself under this name. */
  addImport(one: ImportRef, name: string): void {
    this.#alone.add(name);
    this.#ownImports.add(name);
    if (this.#handed.has(name)) {
      // It is no binding of the module's: whoever it is of is known by the name that it has there.
      this.#handed.add(`.${one.names[0] ?? name}`);
    }
    if (this.#values.has(name)) {
      this.#imported.push(one);
    }
  }

  /** Notes that names are looked up where they are not spelt. */
  reflect(reflection: Reflection): void {
    this.#reflection = Math.max(this.#reflection, reflection) as Reflection;
  }

  /** `isClass`: something else is only asked whether it is one of these. */
  #name(
    tokens: readonly Token[],
    at: number,
    start: number,
    end: number,
    isClass: boolean,
    locals?: ReadonlySet<string>,
  ): void {
    const { text } = tokens[at] as Token;
    if (KEYWORDS.has(text)) {
      return;
    }
    if (text === "importorskip") {
      this.#callFor(tokens, at, end);
    }
    const before = at > start ? tokens[at - 1] : undefined;
    const after = at + 1 < end ? tokens[at + 1] : undefined;
    const isForItself = !/^[.(]$/.test(after?.text ?? "");
    const isAttribute = before?.kind === OPERATOR && before.text === ".";
    if (!isAttribute && after?.text !== ".") {
      this.#alone.add(text);
      if (!isOnlyAsked(tokens, at, start)) {
        this.#loose.add(text);
      }
    }
    const isWhole = isForItself || tokens[at + 2]?.text === "__dict__";
    const isHanded = (isForItself && !isClass) || tokens[at + 2]?.text.startsWith("__") === true;
    if (isAttribute) {
      const owner = tokens[at - 2];
      const isOfName =
        at - 2 >= start && owner?.kind === NAME && tokens[at - 3]?.text !== "." && !locals?.has(owner.text);
      if (isOfName) {
        this.#asked.add(`${owner.text}.${text}`);
      } else {
        this.#wild.add(text);
      }
      if (isHanded) {
        this.#handed.add(`.${text}`);
      }
      if (isWhole) {
        const root = rootOf(tokens, at, start);
        (locals?.has(root) === true ? this.#localParts : this.#parts).add(`${root}.${text}`);
      }
      if (mayLookUp(tokens, at, start, end, locals)) {
        this.#reflectWith(tokens, at, start, end);
      } else if (text === "modules" && isLoadedModule(tokens, at, end)) {
        this.#importSpelt(keyBehind(tokens, at + 1)?.text ?? "");
      }
      // The module of a test: whoever gets it can look up anything in it.
      if (text === "module" && MODULE_HOLDERS.has(tokens[at - 2]?.text ?? "") && !isLookedUp(tokens, at + 1, end)) {
        this.reflect(REFLECTIONS.modules);
      }
    } else {
      if (after?.kind === OPERATOR && after.text === "=" && after.depth > 0) {
        // A keyword: nobody looks the name up here.
        this.#wild.add(text);
        return;
      }
      if (locals?.has(text) !== true) {
        this.#bare.add(text);
        if (isHanded) {
          this.#handed.add(text);
        }
        if (text !== "modules") {
          this.#reflectWith(tokens, at, start, end);
        }
        // What is called is no module.
        if (isWhole) {
          this.#values.add(text);
        }
      }
    }
  }

  /** `importorskip("package.module")`: whoever gets the module can look up anything in it. */
  #callFor(tokens: readonly Token[], at: number, end: number): void {
    const name = tokens[at + 2];
    if (!isSpelt(tokens, at + 1, end) || name === undefined) {
      this.reflect(REFLECTIONS.modules);
    } else {
      this.#importSpelt(name.text);
    }
  }

  /** As good as an import statement, of something that is used for itself; it may be found in any directory by then. */
  #importSpelt(module: string): void {
    this.#imported.push({ level: 0, module, names: [] });
    this.#calledFor.add(module.slice(module.lastIndexOf(".") + 1));
  }

  /** A word that looks names up: what it returns may be bound to a name, and asked only for parts that are spelt. */
  #reflectWith(tokens: readonly Token[], at: number, start: number, end: number): void {
    const { text } = tokens[at] as Token;
    const reflection = REFLECTING.get(text) ?? REFLECTIONS.none;
    const spelt = tokens[at + 2]?.text ?? "";
    if (IMPORTING.has(text) && isSpelt(tokens, at + 1, end) && tokens[at + 3]?.text === ")" && !spelt.startsWith(".")) {
      this.#importSpelt(spelt);
      return;
    }
    const isAssigned = this.#isBody && tokens[start]?.kind === NAME && tokens[start + 1]?.text === "=";
    const chain = tokens.slice(isAssigned ? start + 2 : start, at);
    const isChain = chain.every(({ kind, text }) => text === "." || (kind === NAME && !KEYWORDS.has(text)));
    if (reflection !== REFLECTIONS.modules || !this.#isBody || !isChain || !isLastCall(tokens, at, end)) {
      this.reflect(reflection);
    } else if (isAssigned) {
      this.#found.add((tokens[start] as Token).text);
    }
  }

  /** Whether a string is looked for among the keyword arguments as it stands: no name is put together of it. */
  #isKeywordArgument(tokens: readonly Token[], at: number): boolean {
    const isName = (index: number, text: string | undefined): boolean =>
      tokens[index]?.kind === NAME && tokens[index]?.text === text;
    const next = isName(at + 1, "not") ? at + 2 : at + 1;
    return (
      isName(next, "in") &&
      isName(next + 1, this.#keywords) &&
      !/^[.([]$/.test(tokens[next + 2]?.text ?? "") &&
      /^(and|or|not|if|elif|while|else|return|assert|=|,|\(|\[|\{)$/.test(tokens[at - 1]?.text ?? "")
    );
  }

  #string(tokens: readonly Token[], at: number, locals?: ReadonlySet<string>): void {
    const { text, formatted } = tokens[at] as Token;
    if (isScope(tokens, at) || isLabel(tokens, at)) {
      return;
    }
    // Names of the module itself: that they are looked up is known.
    const isOwnKey = locals?.has("globals") !== true && isKeyOfGlobals(tokens, at);
    if (formatted || !NAMES_ONLY.test(text)) {
      this.#texts.push(text);
    }
    if (formatted) {
      // Expressions in braces, nested ones included; what stands between them is text. A brace in quotes is neither.
      const words = QUOTED_BRACE.test(text) ? WORDS : WORDS_IN_BRACES;
      for (const word of text.match(words) ?? []) {
        this.#wild.add(word);
        if (locals?.has(word) !== true) {
          this.#bare.add(word);
          this.#values.add(word);
          this.#handed.add(word);
        }
        this.#handed.add(`.${word}`);
      }
      const expressions = QUOTED_BRACE.test(text) ? text : (text.match(INSERTED) ?? []).join(" ");
      this.reflect(REFLECTING_EXPRESSION.test(expressions) ? REFLECTIONS.modules : REFLECTIONS.none);
    } else if (this.#areExpressions || NAMES_ONLY.test(text)) {
      for (const word of text.match(WORDS) ?? []) {
        this.#wild.add(word);
        // With a dot in it, it says where to find something, whoever looks that up.
        (this.#areExpressions || /[.:]/.test(text) ? this.#handed : this.#spelt).add(`.${word}`);
      }
    }
    const [isBehind, isBefore] = [tokens[at - 1], tokens[at + 1]].map(
      (token) => token?.kind === OPERATOR && /^[+%]$/.test(token.text),
    );
    // Something is made of it there and then: `"<kind>_db".replace("<kind>", kind)`.
    const isUsed = isBehind || isBefore || tokens[at + 1]?.text === ".";
    // What an escape stands for is part of no name.
    const shape = withoutInserts(
      text.replace(/\\[\s\S]/g, ESCAPED).replace(CONVERSION, INSERT),
      formatted || isUsed ? EXPRESSION : FIELD,
    );
    for (const word of isOwnKey || this.#isKeywordArgument(tokens, at) ? [] : affixesIn(shape)) {
      (isShapeOfName(shape) || (isUsed && !/\s/.test(shape)) ? this.#affixes : this.#codeAffixes).add(word);
    }
    const joined = `${isBehind ? ANYTHING : ""}${text}${isBefore ? ANYTHING : ""}`;
    // A lone underscore between two parts says nothing of any name.
    if (/^\w+$/.test(text) && (isBehind || isBefore) && !isOwnKey && joined !== `${ANYTHING}_${ANYTHING}`) {
      this.#affixes.add(joined);
    }
  }
}

/** Whether a name of the module is put together there: `globals()[f"_{name}"]`. */
function isKeyOfGlobals(tokens: readonly Token[], at: number): boolean {
  const [name, ...rest] = [4, 3, 2, 1].map((back) => tokens[at - back]?.text);
  return name === "globals" && rest.join("") === "()[" && tokens[at - 5]?.text !== ".";
}

/** Whether a string is what something is called that is made there; nobody looks that name up: `ContextVar("app.user")`. */
function isLabel(tokens: readonly Token[], at: number): boolean {
  const { formatted } = tokens[at] as Token;
  return (
    !formatted &&
    tokens[at - 1]?.text === "(" &&
    /^[,)]$/.test(tokens[at + 1]?.text ?? "") &&
    /^(ContextVar|ParamSpec|TypeVar|TypeVarTuple)$/.test(tokens[at - 2]?.text ?? "")
  );
}

/** Whether a string is the scope of a fixture: `pytest.fixture(scope="session")`. */
function isScope(tokens: readonly Token[], at: number): boolean {
  const isGiven =
    /^(function|class|module|package|session)$/.test(tokens[at]?.text ?? "") &&
    tokens[at - 1]?.text === "=" &&
    tokens[at - 2]?.text === "scope";
  const called = isGiven ? tokens[bracketAround(tokens, at) - 1] : undefined;
  return called?.kind === NAME && called.text === "fixture";
}

/** In a formatted string: quotes with a brace between them, which may stand within an expression. */
const QUOTED_BRACE = /(["'])[^"']*[{}][^"']*\1/;

/** What stand for an escape and for a replacement field: no parts of names, and no spaces. */
const ESCAPED = "␛";
const INSERT = "␚";
const CONVERSION = /%(\(\w+\))?[-#0 +]*(\d+|\*)?(\.(\d+|\*))?[a-zA-Z]/g;

/** A replacement field of a formatted string, and of one that is given to `format`: `{{` stands for a brace in it. */
const EXPRESSION = /\{[^{}]*\}/g;
const FIELD = /(?<!\{)\{[\w.[\]]*(![rsa])?(:[^{}]*)?\}(?!\})/g;

/** What stands in the braces of a formatted string, up to the next brace. */
const INSERTED = /\{[^{}]*(?=[{}])/g;
const REFLECTING_EXPRESSION = /((?<![\w.])|builtins\w*\.)(globals|vars|dir|eval|exec|locals)\b|__dict__/;

/** Names by which whatever a string says is looked up. */
const LOOKING_UP: readonly string[] =
  "getattr getattr_static attrgetter methodcaller __getattribute__ __getattr__ __dict__".split(" ");

/** A string's text with one character for each replacement field. */
function withoutInserts(text: string, field: RegExp): string {
  const less = text.replace(field, INSERT);
  return less === text ? text : withoutInserts(less, field);
}

/** Whether names may be put together so, or patterns of them: without spaces, quotes and the like, and with pairs of brackets. */
function isShapeOfName(shape: string): boolean {
  const count = (bracket: string): number => shape.split(bracket).length;
  return /^[\w\u0080-\uffff.:,/*?+^$|()[\]\\-]+$/.test(shape) && count("(") === count(")") && count("[") === count("]");
}

/** Stands for what is put into a name; it is part of none. */
export const ANYTHING = "*";

/**
 * Words of a string that something is put into, before or behind: where a placeholder or an underscore says so, or a dot
 * behind a placeholder.
 */
function affixesIn(text: string): string[] {
  const behind = text.match(/(?<=[␚}][\w.]*\.)\w+(?![\w␚{}%])/gu) ?? [];
  const words = (text.match(/[\w␚{}%]+/gu) ?? []).map((word) => word.replace(/[␚{}%]+/g, ANYTHING));
  // Private names, and Python's own: `f"_{name}"`, `f"__{operator}__"`.
  const marked = words.length === 1 ? words.filter((word) => /^(_+\*|__\*__)$/.test(word)) : [];
  const open = words
    .map((word) => word.replace(/^_/, `${ANYTHING}_`).replace(/_$/, `_${ANYTHING}`))
    .filter((word) => word.includes(ANYTHING));
  return [...marked, ...[...behind, ...open].filter((word) => /[^\W_]/u.test(word.replaceAll(ANYTHING, "")))];
}

/** Where names stand that something else is only asked whether it is one of them: `isinstance(value, (A, b.C))`. */
function classesAskedFor(tokens: readonly Token[], start: number, end: number): ReadonlySet<number> {
  const found = new Set<number>();
  for (let at = start; at < end; at++) {
    const open = tokens[at + 1];
    const isCalled = open?.text === "(" && tokens[at]?.kind === NAME && tokens[at - 1]?.text !== ".";
    if (!isCalled || !/^(isinstance|issubclass)$/.test(tokens[at]?.text ?? "")) {
      continue;
    }
    let commas = 0;
    let isInTuple = false;
    for (let next = at + 2; next < end && (tokens[next] as Token).depth >= open.depth; next++) {
      const { kind, text, depth } = tokens[next] as Token;
      commas += depth === open.depth && text === "," ? 1 : 0;
      isInTuple =
        depth > open.depth &&
        (isInTuple || (text === "(" && depth === open.depth + 1 && tokens[next - 1]?.text === ","));
      const isPart =
        (isInTuple && depth === open.depth + 1) ||
        (depth === open.depth && tokens[rootAt(tokens, next, at) - 1]?.text === ",");
      if (kind === NAME && commas === 1 && isPart && /^[,)]$/.test(tokens[next + 1]?.text ?? "")) {
        found.add(next);
      }
    }
  }
  return found;
}

/** Where the chain of attributes begins that ends at `at`. */
function rootAt(tokens: readonly Token[], at: number, start: number): number {
  let root = at;
  while (root - 2 >= start && tokens[root - 1]?.text === "." && tokens[root - 2]?.kind === NAME) {
    root -= 2;
  }
  return root;
}

/** The name that a chain of attributes begins with; "" where it is none. */
function rootOf(tokens: readonly Token[], at: number, start: number): string {
  const root = rootAt(tokens, at, start);
  return tokens[root - 1]?.text === "." ? "" : (tokens[root]?.text ?? "");
}

/**
 * Whether an attribute of this name may look something up that nobody spells. `modules` is an attribute of many things;
 * `sys.modules["json"]` spells it, and so do most frames: `frame.f_globals["__name__"]`. `globals`, `vars` and the like
 * are attributes of many things, too.
 */
function mayLookUp(
  tokens: readonly Token[],
  at: number,
  start: number,
  end: number,
  locals?: ReadonlySet<string>,
): boolean {
  const { text } = tokens[at] as Token;
  if (REFLECTING.get(text) === REFLECTIONS.module) {
    // `environment.globals` is an attribute like any other; `builtins.globals()`, by whatever name, is not.
    const owner = tokens[at - 2];
    const name = owner?.kind === NAME ? owner.text : "";
    const isOwned = name !== "" && tokens[at - 3]?.text !== "." && !/^(self|cls)$/.test(name) && !locals?.has(name);
    return /builtins/.test(name) || (isOwned && tokens[at + 1]?.text === "(");
  }
  if (text !== "modules" && text !== "f_globals") {
    return true;
  }
  const isOther = text === "modules" && !isOfSys(tokens, at);
  const isHarmless =
    text === "modules" && (isAsked(tokens, at) || isStored(tokens, at) || isOfKeys(tokens, at, start, end));
  return !isOther && !isHarmless && !isSpelt(tokens, at + 1, end);
}

/**
 * Whether only names are taken from it, or modules out of it, by a statement of its own that keeps nothing:
 * `sys.modules.keys()`, `sys.modules.pop(name)`, `del sys.modules[name]`.
 */
function isOfKeys(tokens: readonly Token[], at: number, start: number, end: number): boolean {
  const [next, part] = [tokens[at + 1], tokens[at + 2]];
  const isClosedAt = (open: number): boolean => {
    const inside = tokens.slice(open, end - 1);
    const depth = tokens[at]?.depth ?? 0;
    return depth === 0 && tokens[end - 1]?.depth === depth && inside.every((token) => token.depth > depth);
  };
  if (next?.text === "." && part?.text === "keys") {
    return tokens[at + 3]?.text === "(" && tokens[at + 4]?.text === ")";
  }
  return next?.text === "."
    ? part?.text === "pop" && at - 2 === start && tokens[at + 3]?.text === "(" && isClosedAt(at + 3)
    : next?.text === "[" && at - 3 === start && tokens[start]?.text === "del" && isClosedAt(at + 1);
}

/** Whether it is only asked what names there are: `name in sys.modules`. */
function isAsked(tokens: readonly Token[], at: number): boolean {
  return tokens[at - 3]?.text === "in" && !/^[.[(]$/.test(tokens[at + 1]?.text ?? "");
}

/** Whether what is looked up at `at` is called or subscripted (`.get(name)` too), and nothing follows. */
function isLastCall(tokens: readonly Token[], at: number, end: number): boolean {
  const depth = tokens[at]?.depth;
  let next = tokens[at + 1]?.text === "." && tokens[at + 2]?.text === "get" ? at + 3 : at + 1;
  if (depth !== 0 || !/^[([]$/.test(tokens[next]?.text ?? "")) {
    return false;
  }
  do {
    next += 1;
  } while (next < end && tokens[next]?.depth !== depth);
  return next === end - 1;
}

/** Whether a name that stands alone is bound there, compared with `is`, or asked for a part that is spelt. */
function isOnlyAsked(tokens: readonly Token[], at: number, start: number): boolean {
  const [after, part] = [tokens[at + 1], tokens[at + 2]];
  const isAskedFor = /^(getattr|hasattr)$/.test(tokens[at - 2]?.text ?? "") && tokens[at - 1]?.text === "(";
  const isSpeltPart = part?.kind === STRING && !part.formatted && /^[,)]$/.test(tokens[at + 3]?.text ?? "");
  return (
    (at === start && after?.text === "=") || after?.text === "is" || (isAskedFor && after?.text === "," && isSpeltPart)
  );
}

/** Whether something is only put there: `sys.modules[name] = module`. */
function isStored(tokens: readonly Token[], at: number): boolean {
  const depth = tokens[at]?.depth;
  let next = at + 1;
  if (tokens[next]?.text !== "[") {
    return false;
  }
  do {
    next += 1;
  } while (next < tokens.length && !(tokens[next]?.text === "]" && tokens[next]?.depth === depth));
  return tokens[next + 1]?.text === "=";
}

function isOfSys(tokens: readonly Token[], at: number): boolean {
  return /^_*sys$/.test(tokens[at - 2]?.text ?? "");
}

/** Whether a module that is spelt is used for itself: `getattr(sys.modules["shop.rates"], name)`. */
function isLoadedModule(tokens: readonly Token[], at: number, end: number): boolean {
  const closing = openingOf(tokens, at + 1) + 2;
  const isClosed = /^[\])]$/.test(tokens[closing]?.text ?? "");
  const isAskedFor = isClosed && closing + 1 < end && /^[.=]$/.test(tokens[closing + 1]?.text ?? "");
  return isOfSys(tokens, at) && isSpelt(tokens, at + 1, end) && !isAskedFor;
}

/** Where the bracket of `["name"]` or `.get("name")` opens. */
function openingOf(tokens: readonly Token[], at: number): number {
  return tokens[at]?.text === "." ? at + 2 : at;
}

function keyBehind(tokens: readonly Token[], at: number): Token | undefined {
  return tokens[openingOf(tokens, at) + 1];
}

/** Whether what follows is `["name"]`, `.get("name")` or the like. */
function isSpelt(tokens: readonly Token[], at: number, end: number): boolean {
  const open = openingOf(tokens, at);
  const key = keyBehind(tokens, at);
  const isOpen = tokens[open]?.text === "[" || tokens[open]?.text === "(";
  return (
    open + 1 < end && isOpen && key?.kind === STRING && !key.formatted && /^[\]),]$/.test(tokens[open + 2]?.text ?? "")
  );
}

/** Whether what follows looks a name up that is spelt: `.NAME`, or `, "NAME"` as in `getattr`. */
function isLookedUp(tokens: readonly Token[], at: number, end: number): boolean {
  const [next, key] = [tokens[at], tokens[at + 1]];
  return at + 1 < end && (next?.text === "." || (next?.text === "," && key?.kind === STRING && !key.formatted));
}

/** How far the tokens of a statement only say of what a part is assigned: all but the last name of `a.b.c = …`. */
function assigned(tokens: readonly Token[], start: number, end: number): number {
  let at = start;
  while (at + 2 < end && tokens[at]?.kind === NAME && tokens[at + 1]?.text === "." && tokens[at + 2]?.kind === NAME) {
    at += 2;
  }
  return at > start && at + 1 < end && tokens[at + 1]?.text === "=" && tokens[at + 1]?.depth === 0 ? at : start;
}
