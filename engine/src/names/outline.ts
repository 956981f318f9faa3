/**
 * What a source consists of by name: its statements at module level with what they bind and evaluate, and what each
 * function body mentions. The fingerprint says *that* the module level changed; the outline says what of it.
 *
 * A statement at module level is taken whole, with all that is nested in it but for the bodies of functions: a class
 * with what stands at its level, an `if` or `try` with its branches. Bodies are blocks of their own, named as CPython
 * names them, exactly as the splitter of fingerprints does.
 */

import { ImportStatement } from "../fingerprint/import-statement.ts";
import type { ImportRef } from "../fingerprint/model.ts";
import { classScope, functionScope, moduleScope, qualify, type Scope } from "../fingerprint/scopes.ts";
import { OWN_CLASS, YIELD } from "../fingerprint/shown.ts";
import { DEDENT, INDENT, NAME, NEWLINE, OPERATOR, STRING } from "../fingerprint/tokenizer.ts";
import { aliasesIn, type Evaluation, EvaluationReader } from "./evaluation.ts";
import { isKeyword, MentionSet, type Mentions, REFLECTIONS, type Reflection, reflectionOf } from "./mentions.ts";
import { checksumOf, isParameter, type Token, tokensOf } from "./tokens.ts";

/** Version of these rules: what is stored of an outline made by others is made anew. */
export const OUTLINE_VERSION = 21;

/** In the place of a function's name: what a file does when Python is started with it. */
export const MAIN = "__main__";

export type StatementKind =
  | "definition"
  | "class"
  | "import"
  | "assignment"
  /** A lone literal, `pass`: evaluating it does nothing. The first of a module is its docstring. */
  | "literal"
  /** `if` or `try`, of which one branch or the other runs. */
  | "branches"
  /** `if __name__ == "__main__"`. */
  | "main"
  /** Anything else: it may do anything. */
  | "effect";

export interface ImportBinding extends ImportRef {
  /** The names bound, one for each of `names` (or the one of `import a.b as c`). */
  readonly binds: readonly string[];
}

export interface Statement {
  readonly kind: StatementKind;
  /** Names of the module that it binds, or may bind. */
  readonly binds: readonly string[];
  /** Names bound at the level of classes in it, each as often as it is bound. */
  readonly inner: readonly string[];
  /** Over its tokens, bodies of functions left out, docstrings of functions and classes, and declarations. */
  readonly checksum: string;
  /** Over those docstrings; empty where there are none. */
  readonly documentation: string;
  /** Over what classes annotate and bind to nothing, where annotations are not evaluated; empty where there is nothing. */
  readonly declarations: string;
  readonly mentions: Mentions;
  /** What only its annotations mention. */
  readonly annotations: Mentions;
  /** Of functions in a class: the words of their annotations, where they have any. */
  readonly methods: readonly (readonly [name: string, words: readonly string[]])[];
  readonly evaluation: Evaluation;
  readonly imports: readonly ImportBinding[];
}

export interface Outline {
  readonly version: number;
  readonly statements: readonly Statement[];
  /** What each function body mentions, by qualified name; of equal names together. So does what runs as {@link MAIN}. */
  readonly bodies: readonly (readonly [qualname: string, mentions: Mentions])[];
  /** Annotations are not evaluated: `from __future__ import annotations`. */
  readonly deferred: boolean;
}

/** The outline of a source; undefined where it cannot be split. Depends on nothing but the bytes. */
export function outlineOf(source: Uint8Array): Outline | undefined {
  const tokens = tokensOf(source);
  return tokens === undefined ? undefined : new Reader(tokens).read();
}

/** What is gathered while one statement at module level is read. */
interface Draft {
  kind: StatementKind;
  /** Whether a method in it hands on its class: whoever gets that may look at what it declares. */
  isHanded: boolean;
  readonly binds: Set<string>;
  readonly inner: string[];
  readonly rows: string[];
  readonly documents: string[];
  readonly declared: string[];
  readonly mentions: MentionSet;
  readonly annotations: MentionSet;
  readonly methods: Map<string, Set<string>>;
  readonly evaluation: EvaluationReader;
  readonly imports: ImportBinding[];
}

/** Who owns what is read: a function's body, and what can only be a local there. */
interface Owner {
  readonly qualname: string;
  readonly mentions: MentionSet;
  readonly locals: ReadonlySet<string>;
  /** What the body imports, and those around it. */
  readonly imported: ImportBinding[];
  /** Whether it is a generator, and whether it asks for the class that it stands in: who makes it can tell. */
  yields?: boolean;
  knowsClass?: boolean;
  /** Whether it hands on the class that it stands in. */
  handsClass?: boolean;
}

/** Names under which a module imports what looks names up, where those do not say so themselves. */
function reflectingAliases(drafts: readonly Draft[]): Map<string, Reflection> {
  const found = new Map<string, Reflection>();
  for (const { names, binds, module } of drafts.flatMap(({ imports }) => imports)) {
    names.forEach((name, index) => {
      const bound = binds[index] ?? name;
      const reflection = reflectionOf(name);
      // `modules` may be anything, but that of `sys`.
      if (reflection !== REFLECTIONS.none && (name === "modules" ? module === "sys" : bound !== name)) {
        found.set(bound, reflection);
      }
    });
  }
  return found;
}

/** What stands in the text of a statement for a body that yields, and for a class that some method knows. */
const GENERATOR = "\u0003";
const KNOWN_CLASS = "\u0004";

class Reader {
  readonly #tokens: readonly Token[];
  readonly #bodies = new Map<string, MentionSet>();
  #at = 0;
  #deferred = false;
  /** Where the docstring of the function begins whose body comes next. */
  #documentation = -1;
  /** The statement at module level that is being read. */
  #draft: Draft = newDraft();
  /** Classes of which some method asks for its class. */
  readonly #knownClasses = new Set<Scope>();

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  read(): Outline {
    const drafts: Draft[] = [];
    const scope = moduleScope();
    while (this.#at < this.#tokens.length) {
      const before = this.#at;
      this.#draft = newDraft();
      this.#statement(scope, undefined);
      if (this.#at === before) {
        // No statement begins so; whoever reads on must come to an end.
        this.#at += 1;
      }
      const { kind, rows } = this.#draft;
      if (rows.length > 0 && kind !== "literal") {
        drafts.push(this.#draft);
      } else if (drafts.length === 0 && rows.length > 0) {
        this.#draft.kind = "assignment";
        this.#draft.binds.add("__doc__");
        drafts.push(this.#draft);
      }
    }
    const imported = new Set(drafts.flatMap(({ imports }) => imports.flatMap(({ binds }) => binds)));
    const modules = this.#modules(drafts);
    const aliases = reflectingAliases(drafts);
    const finish = (mentions: MentionSet, inner: readonly string[] = []): Mentions =>
      mentions.finish(imported, inner.length === 0 ? modules : without(modules, inner), aliases);
    return {
      version: OUTLINE_VERSION,
      statements: drafts.map(({ kind, binds, inner, rows, documents, declared, isHanded, ...draft }) => {
        const checksum = checksumOf(isHanded ? [...rows, ...declared] : rows);
        return {
          kind,
          binds: [...binds],
          inner,
          checksum,
          documentation: documents.length === 0 ? "" : checksumOf(documents),
          declarations: isHanded || declared.length === 0 ? "" : checksumOf(declared),
          mentions: finish(draft.mentions, inner),
          annotations: finish(draft.annotations, inner),
          methods: [...draft.methods].map(([name, words]) => [name, [...words]] as const),
          evaluation: draft.evaluation.finish(new Set([...inner, ...binds]), checksum),
          imports: draft.imports,
        };
      }),
      bodies: [
        ...[...this.#bodies].map(([qualname, mentions]) => [qualname, finish(mentions)] as const),
        ...drafts.filter(({ kind }) => kind === "main").map(({ mentions }) => [MAIN, finish(mentions)] as const),
      ],
      deferred: this.#deferred,
    };
  }

  /** Names that stand for modules wherever the module's own are meant: nothing else binds them. */
  #modules(drafts: readonly Draft[]): Set<string> {
    const modules = new Set<string>();
    const others = new Set<string>();
    for (let at = 0; at < this.#tokens.length; at++) {
      const isGlobal = this.#word(at) === "global";
      for (let next = at + 1; isGlobal && (this.#word(next) !== undefined || this.#isOperator(next, ",")); next++) {
        others.add(this.#word(next) ?? "");
      }
    }
    for (const { kind, imports, binds } of drafts) {
      // In a branch, something else may be bound to the same name.
      for (const name of kind === "import" ? [] : binds) {
        others.add(name);
      }
      for (const one of imports) {
        for (const name of one.binds) {
          (one.names.length === 0 ? modules : others).add(name);
        }
      }
    }
    return without(modules, others);
  }

  /** One statement with all that belongs to it. `owner`: the body that it is part of; undefined at module level. */
  #statement(scope: Scope, owner: Owner | undefined): void {
    let start = this.#at;
    while (this.#isOperator(this.#at, "@")) {
      const end = this.#endOfLine(this.#at);
      this.#evaluate(this.#at, end, owner, "decorator");
      this.#at = end + 1;
    }
    const decorated = this.#at > start;
    start = this.#at;
    const word = this.#word(start);
    const keyword = word === "async" ? this.#word(start + 1) : word;
    if (keyword === "def") {
      this.#definition(scope, owner);
    } else if (word === "class") {
      this.#class(scope, owner);
    } else if (decorated) {
      this.#mark(owner, "effect");
    } else if (this.#opensSuite(start)) {
      this.#compound(scope, owner);
    } else {
      this.#line(scope, owner);
    }
  }

  /** A line of simple statements. */
  #line(scope: Scope, owner: Owner | undefined): void {
    const end = this.#endOfLine(this.#at);
    let start = this.#at;
    for (let at = start; at <= end; at++) {
      const token = this.#tokens[at];
      if (at === end || (token?.text === ";" && token.kind === OPERATOR && token.depth === 0)) {
        if (at > start) {
          this.#simple(start, at, scope, owner);
        }
        start = at + 1;
      }
    }
    this.#at = end + 1;
  }

  #simple(start: number, end: number, scope: Scope, owner: Owner | undefined): void {
    const word = this.#word(start);
    if (word === "lazy" && (this.#word(start + 1) === "import" || this.#word(start + 1) === "from")) {
      this.#simple(start + 1, end, scope, owner);
      return;
    }
    if (word === "import" || word === "from") {
      this.#import(start, end, scope, owner);
    } else if (word === "global") {
      scope.globals ??= new Set();
      for (let at = start + 1; at < end; at++) {
        scope.globals.add(this.#word(at) ?? "");
      }
      this.#evaluate(start, end, owner, "plain");
    } else if (owner !== undefined) {
      if (start !== this.#documentation) {
        this.#evaluateInBody(start, end, scope, owner);
      }
    } else if (word === "pass" || this.#isLiteral(start, end)) {
      // Nobody looks for a name that stands in a docstring.
      if (scope.prefix !== "" && word !== "pass" && this.#isDocstring(start, end)) {
        this.#document(start, end, owner);
      } else {
        this.#row(start, end, owner);
      }
      this.#mark(owner, "literal");
    } else {
      this.#assignment(start, end, scope);
    }
  }

  /** A simple statement of a function. What is annotated there, is never evaluated; in a class that stands there, it is. */
  #evaluateInBody(start: number, end: number, scope: Scope, owner: Owner): void {
    let at = start;
    while (this.#isName(at) && this.#isOperator(at + 1, ".")) {
      at += 2;
    }
    if (!scope.isFunction || !this.#isName(at) || !this.#isOperator(at + 1, ":")) {
      this.#evaluate(start, end, owner, "plain");
      return;
    }
    this.#evaluate(start, at + 1, owner, "plain");
    this.#evaluate(this.#valueOf(at, end), end, owner, "plain");
  }

  /** At module or class level: what is bound there, or else an effect. */
  #assignment(start: number, end: number, scope: Scope): void {
    const targets: string[] = [];
    let at = start;
    let isSimple = false;
    for (;;) {
      const name = this.#word(at);
      const next = this.#tokens[at + 1];
      if (name === undefined || isKeyword(name) || at + 1 > end) {
        break;
      }
      if (at + 1 < end && next?.kind === OPERATOR && next.text === "=") {
        targets.push(name);
        isSimple = true;
        at += 2;
        continue;
      }
      if (at + 1 < end && next?.kind === OPERATOR && next.text === ":" && targets.length === 0) {
        targets.push(name);
        isSimple = true;
      }
      break;
    }
    const isInClass = isSimple && scope.prefix !== "";
    if (this.#deferred && isInClass && this.#isOperator(at + 1, ":") && this.#valueOf(at, end) === end) {
      this.#aside(this.#draft.declared, start, end);
      this.#draft.annotations.add(this.#tokens, start + 2, end);
      this.#bind(scope, targets);
      this.#mark(undefined, "assignment");
      return;
    }
    // A name that is bound is not read.
    this.#row(start, at, undefined);
    this.#evaluate(isSimple ? at : start, end, undefined, isSimple ? "plain" : "unknown");
    if (isSimple) {
      if (isInClass) {
        this.#draft.evaluation.readAttribute(this.#tokens, this.#valueOf(at, end), end);
      }
      this.#bind(scope, targets);
      this.#mark(undefined, "assignment");
      return;
    }
    // Whatever is bound in another way: `a, b = …`, `x += 1`, `del x`, `(y := …)`.
    for (let each = start; each < end; each++) {
      const name = this.#word(each);
      if (name !== undefined && !isKeyword(name) && !this.#isOperator(each - 1, ".")) {
        this.#bind(scope, [name]);
      }
    }
    this.#mark(undefined, "effect");
  }

  /** Where the value of an assignment begins of which the targets end at `at`: behind its annotation, if it has one. */
  #valueOf(at: number, end: number): number {
    if (!this.#isOperator(at + 1, ":")) {
      return at;
    }
    for (let next = at; next < end; next++) {
      if (this.#isOperator(next, "=") && this.#tokens[next]?.depth === 0) {
        return next + 1;
      }
    }
    return end;
  }

  #import(start: number, end: number, scope: Scope, owner: Owner | undefined): void {
    const statement = new ImportStatement(this.#word(start) === "from");
    for (let at = start + 1; at < end; at++) {
      const token = this.#tokens[at] as Token;
      statement.token(token.kind, token.text);
    }
    const found = statement.finish();
    this.#row(start, end, owner);
    const bindings = this.#bindings(start, end, found);
    for (const binding of bindings) {
      if (owner !== undefined) {
        // Where it leads cannot be told from the name alone.
        for (const name of binding.names.length > 0 ? binding.names : binding.module.split(".")) {
          owner.mentions.addWild(name);
        }
        owner.imported.push(binding);
        continue;
      }
      if (binding.module === "__future__" && binding.names.includes("annotations")) {
        this.#deferred = true;
      }
      this.#draft.imports.push(binding);
      this.#bind(scope, binding.binds);
    }
    this.#mark(owner, "import");
  }

  /** What each import binds, in the order in which it is written. */
  #bindings(start: number, end: number, found: readonly ImportRef[]): ImportBinding[] {
    const isFrom = this.#word(start) === "from";
    const bound: string[] = [];
    const first = isFrom ? this.#indexOfWord("import", start, end) + 1 : start + 1;
    for (let at = first; at < end; at++) {
      const name = this.#word(at);
      if (name === undefined || this.#isOperator(at - 1, ".")) {
        continue;
      }
      if (name === "as") {
        bound[bound.length - 1] = this.#word(at + 1) ?? "";
        at += 1;
      } else {
        bound.push(name);
      }
    }
    if (isFrom) {
      return found.map((one) => ({ ...one, binds: one.names.includes("*") ? [] : bound }));
    }
    return found.map((one, index) => ({ ...one, binds: bound.slice(index, index + 1) }));
  }

  #definition(scope: Scope, owner: Owner | undefined): void {
    const start = this.#at;
    const nameAt = this.#word(start) === "async" ? start + 2 : start + 1;
    const name = this.#word(nameAt) ?? "";
    const colon = this.#colon(nameAt);
    this.#evaluate(nameAt + 1, colon, owner, "header");
    if (owner === undefined && scope.prefix !== "") {
      this.#noteMethod(name, nameAt + 1, colon);
    }
    // The word before the name tells a coroutine from a function.
    this.#row(start, nameAt + 1, owner);
    this.#bindIn(scope, owner, name);
    this.#mark(owner, "definition");
    const qualname = qualify(scope, name);
    let mentions = this.#bodies.get(qualname);
    if (mentions === undefined) {
      mentions = new MentionSet("body", owner?.mentions, this.#keywords(nameAt + 1, colon));
      this.#bodies.set(qualname, mentions);
    }
    const inner = functionScope(qualname);
    const own = this.#localsOf(nameAt + 1, colon, owner?.locals);
    this.#at = colon + 1;
    this.#docstring(owner);
    const body: Owner = { qualname, mentions, locals: own, imported: [...(owner?.imported ?? [])] };
    this.#suite(inner, body);
    if (owner !== undefined) {
      owner.knowsClass ||= body.knowsClass === true;
      owner.handsClass ||= body.handsClass === true;
    } else {
      if (body.yields) {
        this.#draft.rows.push(GENERATOR);
      }
      if (body.knowsClass) {
        this.#knownClasses.add(scope);
      }
      this.#draft.isHanded ||= body.handsClass === true;
    }
    for (const { level, module, names, binds } of body.imported) {
      binds.forEach((bound, index) => {
        mentions.addImport({ level, module, names: names.slice(index, index + 1) }, bound);
      });
    }
  }

  /** The parameter that takes all keyword arguments that no other one does. */
  #keywords(start: number, end: number): string | undefined {
    for (let at = start; at < end; at++) {
      if (
        this.#isOperator(at, "**") &&
        this.#tokens[at]?.depth === 1 &&
        /^[(,]$/.test(this.#tokens[at - 1]?.text ?? "")
      ) {
        return this.#word(at + 1);
      }
    }
    return undefined;
  }

  #noteMethod(name: string, start: number, end: number): void {
    const annotations = new MentionSet("annotations");
    for (const [first, last] of this.#headerAnnotations(start, end)) {
      annotations.add(this.#tokens, first, last);
    }
    const { bare, wild } = annotations.finish(new Set(), new Set());
    const words = this.#draft.methods.get(name) ?? new Set();
    for (const word of [...bare, ...wild]) {
      this.#draft.methods.set(name, words.add(word));
    }
  }

  /** The docstring of a function belongs to what its name is bound to. */
  #docstring(owner: Owner | undefined): void {
    let at = this.#at;
    if (this.#tokens[at]?.kind === NEWLINE) {
      at += this.#tokens[at + 1]?.kind === INDENT ? 2 : 1;
    }
    const end = this.#endOfStatement(at);
    if (end > at && this.#isDocstring(at, end)) {
      this.#document(at, end, owner);
      this.#documentation = at;
    }
  }

  #class(scope: Scope, owner: Owner | undefined): void {
    const start = this.#at;
    const name = this.#word(start + 1) ?? "";
    const colon = this.#colon(start + 1);
    this.#row(start, start + 2, owner);
    this.#evaluate(start + 2, colon, owner, "bases");
    this.#bindIn(scope, owner, name);
    const inner = classScope(qualify(scope, name));
    this.#at = colon + 1;
    this.#suite(inner, owner);
    if (owner === undefined && this.#knownClasses.has(inner)) {
      this.#draft.rows.push(KNOWN_CLASS);
    }
    this.#mark(owner, "class");
  }

  #compound(scope: Scope, owner: Owner | undefined): void {
    let kind: StatementKind = "branches";
    for (let first = true; ; first = false) {
      const start = this.#at;
      const word = this.#word(start) ?? "";
      const isMore = word === "elif" || word === "else" || word === "except" || word === "finally";
      if (!first && !(isMore && this.#opensSuite(start))) {
        break;
      }
      const colon = this.#colon(start);
      if (owner === undefined) {
        if (word === "if" && this.#text(start + 1, colon) === "__name__ == __main__") {
          kind = "main";
        }
        const isCondition = word === "if" || word === "elif";
        const isKnown = isCondition || word === "try" || word === "else" || word === "except" || word === "finally";
        this.#evaluate(start, colon, undefined, isCondition ? "condition" : isKnown ? "plain" : "unknown");
        if (!isKnown) {
          this.#mark(undefined, "effect");
        }
        for (let at = start + 1; at < colon; at++) {
          const name = this.#word(at);
          if (name !== undefined && !isKeyword(name) && (!isKnown || this.#word(at - 1) === "as")) {
            this.#bind(scope, [name]);
          }
        }
      } else {
        this.#evaluate(start, colon, owner, "plain");
      }
      this.#at = colon + 1;
      this.#suite(scope, owner);
      if (kind === "main" && this.#word(this.#at) !== undefined && /^(elif|else)$/.test(this.#word(this.#at) ?? "")) {
        kind = "branches";
      }
    }
    if (owner !== undefined) {
      return;
    }
    // Whatever stood in the branches decides, if it may do anything.
    this.#draft.kind = this.#draft.kind === "effect" && kind !== "main" ? "effect" : kind;
    this.#draft.rows.push("\u0002");
  }

  /** What follows a colon: the rest of the line, or an indented block. Docstrings of functions are left out. */
  #suite(scope: Scope, owner: Owner | undefined): void {
    if (this.#tokens[this.#at]?.kind !== NEWLINE) {
      this.#line(scope, owner);
      return;
    }
    this.#at += 1;
    if (this.#tokens[this.#at]?.kind !== INDENT) {
      return;
    }
    this.#at += 1;
    this.#row(-1, -1, owner);
    while (this.#at < this.#tokens.length && this.#tokens[this.#at]?.kind !== DEDENT) {
      const before = this.#at;
      this.#statement(scope, owner);
      if (this.#at === before) {
        this.#at += 1;
      }
    }
    this.#at += 1;
  }

  /** What can only be a local of a function: its parameters, what it assigns, and what those around it do. */
  #localsOf(open: number, colon: number, outer: ReadonlySet<string> | undefined): ReadonlySet<string> {
    const found = new Set(outer);
    const tokens = this.#tokens;
    const depth = tokens[open]?.text === "(" ? (tokens[open] as Token).depth : -1;
    for (let at = open + 1; at < colon; at++) {
      const token = tokens[at] as Token;
      if (token.depth < depth) {
        // What follows the parameters is the annotation of what is returned.
        break;
      }
      if (isParameter(tokens, at, depth)) {
        found.add(token.text);
      }
    }
    // The body reaches to the end of the line, or of the indented block.
    let at = colon + 1;
    const declared = new Set<string>();
    let level = 0;
    const inline = tokens[at]?.kind !== NEWLINE;
    for (; at < tokens.length; at++) {
      const token = tokens[at] as Token;
      if (token.kind === INDENT) {
        level += 1;
      } else if (token.kind === DEDENT) {
        level -= 1;
        if (level === 0) {
          break;
        }
      } else if (token.kind === NEWLINE) {
        if (inline) {
          break;
        }
      } else if (token.kind === NAME && token.depth === 0) {
        const before = tokens[at - 1] as Token;
        const after = tokens[at + 1];
        const starts =
          before.kind === NEWLINE || before.kind === INDENT || before.kind === DEDENT || before.text === ";";
        if (token.text === "global" || token.text === "nonlocal") {
          for (let next = at + 1; tokens[next]?.kind === NAME || tokens[next]?.text === ","; next++) {
            declared.add((tokens[next] as Token).text);
          }
        } else if (token.text === "def" || token.text === "class") {
          // Scopes of their own; what they assign is none of ours.
          at = this.#behind(at);
        } else if (starts && after?.kind === OPERATOR && after.text === "=" && !isKeyword(token.text)) {
          found.add(token.text);
        } else if (starts && token.text === "for" && after?.kind === NAME && tokens[at + 2]?.text === "in") {
          found.add(after.text);
        }
      }
    }
    for (const name of declared) {
      found.delete(name);
    }
    return found;
  }

  /** The last token of the definition or class whose keyword stands at `at`. */
  #behind(at: number): number {
    const colon = this.#colon(at);
    let level = 0;
    for (let next = colon + 1; next < this.#tokens.length; next++) {
      const { kind } = this.#tokens[next] as Token;
      if (kind === INDENT) {
        level += 1;
      } else if (kind === DEDENT) {
        level -= 1;
        if (level === 0) {
          return next;
        }
      } else if (kind === NEWLINE && level === 0 && this.#tokens[next + 1]?.kind !== INDENT) {
        return next;
      }
    }
    return this.#tokens.length;
  }

  // What is read goes to whom it belongs

  #evaluate(
    start: number,
    end: number,
    owner: Owner | undefined,
    as: "plain" | "header" | "bases" | "decorator" | "condition" | "unknown",
  ): void {
    this.#row(start, end, owner);
    if (owner !== undefined) {
      owner.mentions.add(this.#tokens, start, end, owner.locals, as === "header");
      for (let at = start; at < end; at++) {
        const token = this.#tokens[at] as Token;
        // In a formatted string, what only looks like an expression counts as well.
        if (token.kind === NAME || (token.kind === STRING && token.formatted)) {
          owner.yields ||= YIELD.test(token.text);
          owner.knowsClass ||= OWN_CLASS.test(token.text);
          // Only where classes declare anything.
          owner.handsClass ||= this.#deferred && this.#handsClass(at);
        }
      }
      return;
    }
    for (let at = start + 1; at < end; at++) {
      // In an expression, wherever that stands.
      const name = this.#isOperator(at, ":=") ? this.#word(at - 1) : undefined;
      if (name !== undefined) {
        this.#draft.binds.add(name);
      }
    }
    if (as === "header") {
      this.#draft.mentions.addParameters(this.#tokens, start, end);
    }
    let from = start;
    for (const alias of as === "decorator" ? aliasesIn(this.#tokens, start, end) : []) {
      // Nobody looks that name up here: it is given.
      this.#draft.mentions.add(this.#tokens, from, alias);
      from = alias + 1;
    }
    const annotations = as === "header" ? this.#headerAnnotations(start, end) : this.#annotation(start, end, as);
    for (const [first, last] of annotations) {
      // What an annotation at the start of a statement is one of, is bound there and not read.
      this.#draft.mentions.add(this.#tokens, as === "header" ? from : first, first, undefined, as === "header");
      this.#draft.annotations.add(this.#tokens, first, last);
      from = last;
    }
    this.#draft.mentions.add(this.#tokens, from, end, undefined, as === "header");
    this.#draft.evaluation.read(this.#tokens, start, end, as, annotations, this.#deferred);
  }

  /** Whether a class is handed on at `at` that is not named: `convert(cls)`, `fields(type(self))`, `self.__class__`. */
  #handsClass(at: number): boolean {
    const { text, formatted } = this.#tokens[at] as Token;
    if (text === "type" && this.#isOperator(at + 1, "(")) {
      const isShort = this.#isOperator(at + 3, ")");
      return !isShort || !/^[.(]$/.test(this.#tokens[at + 4]?.text ?? "");
    }
    return formatted
      ? /\b(cls|__class__|type)\b/.test(text)
      : /^(cls|__class__|type)$/.test(text) && !/^[.(]$/.test(this.#tokens[at + 1]?.text ?? "");
  }

  /** Where the annotations of a function's header stand. */
  #headerAnnotations(start: number, end: number): [number, number][] {
    const found: [number, number][] = [];
    let from = -1;
    let brackets = 0;
    for (let at = start; at < end; at++) {
      const token = this.#tokens[at] as Token;
      if (token.kind !== OPERATOR) {
        continue;
      }
      // Type parameters, in brackets of their own before the parameters, are not looked at.
      brackets = token.depth;
      if (
        from < 0 &&
        ((token.text === ":" && brackets === 1 && this.#tokens[start]?.text === "(") || token.text === "->")
      ) {
        from = at + 1;
      } else if (
        from >= 0 &&
        ((brackets === 1 && /^[,=]$/.test(token.text)) || (brackets === 0 && token.text === ")"))
      ) {
        found.push([from, at]);
        from = -1;
      }
    }
    if (from >= 0) {
      found.push([from, end]);
    }
    return found;
  }

  /** Where the annotation of `name: annotation = value` stands. */
  #annotation(start: number, end: number, as: string): [number, number][] {
    if (as !== "plain" || this.#word(start) === undefined || !this.#isOperator(start + 1, ":")) {
      return [];
    }
    let at = start + 2;
    while (at < end && !(this.#isOperator(at, "=") && this.#tokens[at]?.depth === 0)) {
      at += 1;
    }
    return [[start + 2, at]];
  }

  #row(start: number, end: number, owner: Owner | undefined): void {
    if (owner !== undefined) {
      return;
    }
    // Marks keep statements apart: no token begins with a control character.
    this.#draft.rows.push("\u0001");
    this.#write(this.#draft.rows, start, end);
  }

  /** A docstring. */
  #document(start: number, end: number, owner: Owner | undefined): void {
    if (owner === undefined) {
      this.#aside(this.#draft.documents, start, end);
    }
  }

  /** What is told apart from the other rows of a statement, with its place among them. */
  #aside(rows: string[], start: number, end: number): void {
    rows.push(`\u0001${this.#draft.rows.length}`);
    this.#write(rows, start, end);
  }

  #write(rows: string[], start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const token = this.#tokens[at] as Token;
      rows.push(token.kind === STRING ? token.written.replace(/\r\n?/g, "\n") : token.written);
    }
  }

  #mark(owner: Owner | undefined, kind: StatementKind): void {
    const draft = this.#draft;
    if (owner !== undefined) {
      return;
    }
    if (kind === "effect" || draft.kind === "effect") {
      draft.kind = "effect";
    } else if (kind !== "literal" || draft.rows.length === 0) {
      draft.kind = kind;
    }
  }

  #bindIn(scope: Scope, owner: Owner | undefined, name: string): void {
    if (owner === undefined) {
      this.#bind(scope, [name]);
    }
  }

  /** Only names of the module count: those of a class are part of it. */
  #bind(scope: Scope, names: readonly string[]): void {
    for (const name of names) {
      if (scope.prefix === "") {
        this.#draft.binds.add(name);
      } else {
        this.#draft.inner.push(name);
      }
    }
  }

  // Looking at tokens

  #word(at: number): string | undefined {
    const token = this.#tokens[at];
    return token?.kind === NAME ? token.text : undefined;
  }

  #isName(at: number): boolean {
    const word = this.#word(at);
    return word !== undefined && !isKeyword(word);
  }

  #isOperator(at: number, text: string): boolean {
    const token = this.#tokens[at];
    return token?.kind === OPERATOR && token.text === text;
  }

  #text(start: number, end: number): string {
    return this.#tokens
      .slice(start, end)
      .map(({ text }) => text)
      .join(" ");
  }

  #indexOfWord(word: string, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      if (this.#word(at) === word) {
        return at;
      }
    }
    return end;
  }

  /** The NEWLINE that ends the line of `at`. */
  #endOfLine(at: number): number {
    let end = at;
    while (end < this.#tokens.length && this.#tokens[end]?.kind !== NEWLINE) {
      end += 1;
    }
    return end;
  }

  #endOfStatement(at: number): number {
    let end = at;
    while (end < this.#tokens.length) {
      const token = this.#tokens[end] as Token;
      if (token.kind === NEWLINE || (token.kind === OPERATOR && token.text === ";" && token.depth === 0)) {
        break;
      }
      end += 1;
    }
    return end;
  }

  /** The first colon outside of brackets that ends a header. */
  #colon(at: number): number {
    let lambdas = 0;
    for (let next = at; next < this.#tokens.length; next++) {
      const token = this.#tokens[next] as Token;
      if (token.kind === NEWLINE) {
        return next;
      }
      if (token.depth === 0 && token.kind === NAME && token.text === "lambda") {
        lambdas += 1;
      } else if (token.depth === 0 && token.kind === OPERATOR && token.text === ":") {
        if (lambdas === 0) {
          return next;
        }
        lambdas -= 1;
      }
    }
    return this.#tokens.length;
  }

  #opensSuite(at: number): boolean {
    const word = this.#word(at);
    if (word === "async") {
      return this.#opensSuite(at + 1);
    }
    if (word !== undefined && /^(if|elif|else|for|while|try|except|finally|with)$/.test(word)) {
      return true;
    }
    if (word !== "match" && word !== "case") {
      return false;
    }
    const end = this.#endOfLine(at);
    const colon = this.#colon(at);
    // `match: int = 1` is none, nor is `case.run()`; a statement of that name has a subject, and its suite behind it.
    return (
      this.#isOperator(colon, ":") &&
      colon > at + 1 &&
      (colon === end - 1 || word === "case") &&
      !/^[.=,]$/.test(this.#tokens[at + 1]?.text ?? "")
    );
  }

  #isLiteral(start: number, end: number): boolean {
    return this.#isDocstring(start, end) || (end === start + 1 && this.#tokens[start]?.text === "...");
  }

  #isDocstring(start: number, end: number): boolean {
    let hasString = false;
    for (let at = start; at < end; at++) {
      const token = this.#tokens[at] as Token;
      if (token.kind === STRING && !token.formatted) {
        hasString = true;
      } else if (!(token.kind === OPERATOR && (token.text === "(" || token.text === ")"))) {
        return false;
      }
    }
    return hasString;
  }
}

function newDraft(): Draft {
  return {
    kind: "literal",
    isHanded: false,
    binds: new Set(),
    inner: [],
    rows: [],
    documents: [],
    declared: [],
    mentions: new MentionSet(),
    annotations: new MentionSet("annotations"),
    methods: new Map(),
    evaluation: new EvaluationReader(),
    imports: [],
  };
}

function without(names: ReadonlySet<string>, others: Iterable<string>): Set<string> {
  const left = new Set(names);
  for (const name of others) {
    left.delete(name);
  }
  return left;
}
