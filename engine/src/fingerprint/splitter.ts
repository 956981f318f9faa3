/**
 * Splits a Python source into blocks while it is scanned once; no tree is built.
 *
 * What must stay true, as every selection rests on it:
 * - each token enters exactly one checksum, that of the block that owns it (model.ts says which);
 * - comments, blank lines, white space, line breaks within brackets, joined lines, the width of indentation and the kind of line break
 *   enter none; nor does where in the file a block stands;
 * - where a nested body was taken out, a mark remains, so that moving a definition past a statement changes what encloses both;
 * - two things about bodies show outside of them without their running: a body that yields leaves a mark of its own, as who calls the
 *   function gets something else, and so does a class of which any method asks for its class (`super()`), as its metaclass is given more;
 * - a body written behind the colon has the checksum of the same body on lines of its own.
 *
 * The oracle test compares names, lines and imports with CPython's own parser, the golden cases hold the rest.
 */

import {
  CanonicalRows,
  MARK_DEDENT,
  MARK_GENERATOR,
  MARK_INDENT,
  MARK_INNER,
  MARK_KNOWN_CLASS,
  MARK_NEWLINE,
} from "./canonical.ts";
import { type Encoding, identifier } from "./encoding.ts";
import { ImportStatement } from "./import-statement.ts";
import { type Block, FINGERPRINT_VERSION, type Fingerprint, type FingerprintFailure, type ImportRef } from "./model.ts";
import { classScope, functionScope, moduleScope, qualify, type Scope } from "./scopes.ts";
import { OWN_CLASS, YIELD } from "./shown.ts";
import { BYTES, FORMATTED } from "./strings.ts";
import { DEDENT, END, ERROR, INDENT, NAME, NEWLINE, OPERATOR, STRING, Tokenizer } from "./tokenizer.ts";

const OPEN_PAREN = 40;
const CLOSE_PAREN = 41;
const COLON = 58;
const SEMICOLON = 59;
const AT = 64;

/** What the present statement is, as far as it concerns us, or what is expected next in it. */
const ORDINARY = 0;
const AFTER_ASYNC = 1;
const FUNCTION_NAME = 2;
const HEADER = 3;
const CLASS_NAME = 4;
const IMPORT = 5;
const GLOBAL = 6;
const DECORATOR = 7;

/** How far the way from the colon of a function's header into its body has been gone. */
const NOT_ON_THE_WAY = 0;
const AFTER_COLON = 1;
const BEFORE_INDENT = 2;
/** In the first statement of the body, which so far may be a docstring: parentheses open, then strings, then parentheses close. */
const OPENINGS = 3;
const STRINGS = 4;
const CLOSINGS = 5;
/** After a docstring and its semicolon. */
const AFTER_SEMICOLON = 6;

/** What an indented level belongs to. */
const PLAIN_LEVEL = 0;
const CLASS_LEVEL = 1;
const BODY_LEVEL = 2;

/** A function whose body is being read. */
interface OpenBody {
  block: Block;
  index: number;
  /** Its row of tokens. */
  row: number;
  /** Whether it stands behind the colon and ends with the line. */
  inline: boolean;
  /** Where its first token stands, docstring included. */
  startLine: number;
  yields: boolean;
  /** Whether it, or a function in it, asks for the class around. */
  knowsClass: boolean;
}

/** A class whose indented level is being read. */
interface OpenClass {
  /** How many bodies are open around it. */
  bodies: number;
  isKnown: boolean;
}

/** One use per source: construct, then {@link Splitter.split}. */
export class Splitter {
  readonly #source: Uint8Array;
  readonly #latin1: boolean;
  readonly #tokens: Tokenizer;
  readonly #rows: CanonicalRows;
  readonly #blocks: Block[] = [];
  readonly #toplevelImports: ImportRef[] = [];

  readonly #scopes: Scope[] = [moduleScope()];
  readonly #levels: number[] = [];
  readonly #bodies: OpenBody[] = [];
  readonly #classes: OpenClass[] = [];

  /** Whether the next token is the first of a line, of a statement. */
  #lineStarts = true;
  #statementStarts = true;
  /** The first line of the present statement with its decorators; and of the decorators read, which wait for their definition. */
  #firstLine = 1;
  #decoratorLine = 0;
  /** Where the last token ended. */
  #lastLine = 1;

  #statement = ORDINARY;
  #import: ImportStatement | null = null;
  /** The qualified name of the class whose statement this line is: it becomes a scope if an indented level follows. */
  #className: string | null = null;

  /** The function whose header was read last, until its body opens. */
  #header: Block | null = null;
  /** Colons of the header that belong to a `lambda` in its return annotation. */
  #lambdas = 0;
  #way = NOT_ON_THE_WAY;
  #inline = false;
  #bodyStartLine = 0;
  /** Starts and ends of the tokens that are the parent's if they prove to be a docstring, and the body's if not. */
  #undecided: number[] = [];

  #failure: string | null = null;

  constructor(source: Uint8Array, encoding: Encoding) {
    this.#source = source;
    this.#latin1 = encoding.latin1;
    this.#tokens = new Tokenizer(source, encoding.start);
    // The same bytes are another text in another encoding.
    this.#rows = new CanonicalRows(source, FINGERPRINT_VERSION * 2 + (encoding.latin1 ? 1 : 0));
  }

  split(): Fingerprint | FingerprintFailure {
    const tokens = this.#tokens;
    const rows = this.#rows;
    const toplevel = rows.open();
    for (;;) {
      const kind = tokens.next();
      if (this.#way !== NOT_ON_THE_WAY && kind !== ERROR && !this.#entersBody(kind)) {
        if (this.#failure !== null) {
          return { version: FINGERPRINT_VERSION, error: this.#failure };
        }
        continue;
      }
      switch (kind) {
        case NAME:
          if (this.#statementStarts) {
            this.#startStatement();
          } else if (this.#statement !== ORDINARY) {
            this.#continueStatement();
          }
          if (this.#bodies.length > 0) {
            this.#nameInBody();
          }
          rows.token(tokens.start, tokens.end);
          this.#lastLine = tokens.line;
          break;
        case OPERATOR:
          this.#operator();
          rows.token(tokens.start, tokens.end);
          this.#lastLine = tokens.line;
          break;
        case NEWLINE:
          this.#newline();
          if (this.#failure !== null) {
            return { version: FINGERPRINT_VERSION, error: this.#failure };
          }
          break;
        case INDENT:
          this.#indent();
          break;
        case DEDENT:
          this.#dedent();
          break;
        case END:
          return {
            version: FINGERPRINT_VERSION,
            toplevel: { checksum: rows.close(toplevel), imports: this.#toplevelImports },
            blocks: this.#blocks,
          };
        case ERROR:
          return { version: FINGERPRINT_VERSION, error: tokens.error };
        default:
          this.#startLine();
          this.#statementStarts = false;
          if (kind === STRING) {
            if (this.#bodies.length > 0 && (tokens.prefix & FORMATTED) !== 0) {
              this.#formattedInBody();
            }
            rows.string(tokens.start, tokens.end);
          } else {
            rows.token(tokens.start, tokens.end);
          }
          this.#lastLine = tokens.line;
      }
    }
  }

  /** What a body shows of itself without running. */
  #nameInBody(): void {
    const first = this.#source[this.#tokens.start];
    const body = this.#bodies.at(-1) as OpenBody;
    if (first === 0x79 && this.#is("yield")) {
      body.yields = true;
    } else if ((first === 0x73 && this.#is("super")) || (first === 0x5f && this.#is("__class__"))) {
      body.knowsClass = true;
    }
  }

  /** The same of expressions in a formatted string: what only looks like one there counts as well. */
  #formattedInBody(): void {
    const text = this.#text();
    const body = this.#bodies.at(-1) as OpenBody;
    body.yields ||= YIELD.test(text);
    body.knowsClass ||= OWN_CLASS.test(text);
  }

  // Statements

  /** Notes where a line begins; true if this token is its first. */
  #startLine(): boolean {
    if (!this.#lineStarts) {
      return false;
    }
    this.#lineStarts = false;
    const line = this.#tokens.startLine;
    this.#firstLine = this.#decoratorLine || line;
    this.#decoratorLine = 0;
    this.#className = null;
    const body = this.#bodies.at(-1);
    if (body !== undefined && body.block.bodyLine === 0) {
      body.block.bodyLine = line;
    }
    return true;
  }

  /** A statement begins with this name. Only a line may begin with a compound statement, and only those hold definitions. */
  #startStatement(): void {
    const startsLine = this.#startLine();
    this.#statementStarts = false;
    switch (this.#source[this.#tokens.start]) {
      case 0x61: // a
        if (startsLine && this.#is("async")) {
          this.#statement = AFTER_ASYNC;
        }
        break;
      case 0x63: // c
        if (startsLine && this.#is("class")) {
          this.#statement = CLASS_NAME;
        }
        break;
      case 0x64: // d
        if (startsLine && this.#is("def")) {
          this.#statement = FUNCTION_NAME;
        }
        break;
      case 0x66: // f
        if (this.#is("from")) {
          this.#statement = IMPORT;
          this.#import = new ImportStatement(true);
        }
        break;
      case 0x67: // g
        if (this.#is("global")) {
          this.#statement = GLOBAL;
        }
        break;
      case 0x69: // i
        if (this.#is("import")) {
          this.#statement = IMPORT;
          this.#import = new ImportStatement(false);
        }
        break;
      case 0x6c: // l
        // Of PEP 810, `lazy import x`; anywhere else nothing follows that could begin a statement.
        if (this.#is("lazy")) {
          this.#statementStarts = true;
        }
        break;
    }
  }

  /** A name inside of a statement that is not {@link ORDINARY}. */
  #continueStatement(): void {
    switch (this.#statement) {
      case IMPORT:
        this.#import?.token(NAME, this.#text());
        break;
      case FUNCTION_NAME:
        this.#startHeader(this.#text());
        break;
      case HEADER:
        if (this.#tokens.depth === 0 && this.#is("lambda")) {
          this.#lambdas++;
        }
        break;
      case CLASS_NAME:
        this.#className = qualify(this.#scope(), this.#text());
        this.#statement = ORDINARY;
        break;
      case GLOBAL: {
        const scope = this.#scope();
        scope.globals ??= new Set();
        scope.globals.add(this.#text());
        break;
      }
      case AFTER_ASYNC:
        this.#statement = this.#is("def") ? FUNCTION_NAME : ORDINARY;
        break;
      case DECORATOR:
        // The line of its expression, which a backslash may part from its sign.
        this.#decoratorLine = this.#tokens.startLine;
        this.#statement = ORDINARY;
        break;
    }
  }

  #operator(): void {
    const tokens = this.#tokens;
    const startsLine = this.#startLine();
    this.#statementStarts = false;
    if (tokens.end === tokens.start + 1) {
      switch (this.#source[tokens.start]) {
        case AT:
          if (startsLine) {
            // Not in a decorator that follows another: the first counts.
            this.#statement = this.#firstLine === tokens.startLine ? DECORATOR : ORDINARY;
            this.#decoratorLine = this.#firstLine;
          }
          return;
        case COLON:
          if (tokens.depth === 0) {
            this.#colon();
          }
          return;
        case SEMICOLON:
          if (tokens.depth === 0) {
            this.#endStatement();
          }
          return;
      }
    }
    if (this.#import !== null) {
      this.#import.token(OPERATOR, this.#text());
    } else if (this.#statement === DECORATOR) {
      this.#statement = ORDINARY;
    }
  }

  /** A colon outside of brackets. A statement may follow it: that of an annotation or a lambda has nothing behind it that looks like one. */
  #colon(): void {
    this.#statementStarts = true;
    if (this.#statement !== HEADER) {
      return;
    }
    if (this.#lambdas > 0) {
      this.#lambdas--;
    } else {
      this.#statement = ORDINARY;
      this.#way = AFTER_COLON;
    }
  }

  #endStatement(): void {
    if (this.#import !== null) {
      const body = this.#bodies.at(-1);
      (body === undefined ? this.#toplevelImports : body.block.imports).push(...this.#import.finish());
      this.#import = null;
    }
    this.#statement = ORDINARY;
    this.#statementStarts = true;
  }

  #newline(): void {
    if (this.#statement === HEADER || this.#statement === FUNCTION_NAME) {
      this.#failure = `line ${this.#tokens.startLine}: this definition has no body`;
      return;
    }
    this.#endStatement();
    this.#rows.mark(MARK_NEWLINE);
    this.#lineStarts = true;
    if (this.#bodies.at(-1)?.inline) {
      this.#closeBody();
    }
  }

  // Levels

  #indent(): void {
    this.#rows.mark(MARK_INDENT);
    if (this.#className === null) {
      this.#levels.push(PLAIN_LEVEL);
    } else {
      this.#levels.push(CLASS_LEVEL);
      this.#classes.push({ bodies: this.#bodies.length, isKnown: false });
      this.#scopes.push(classScope(this.#className));
    }
  }

  #dedent(): void {
    const level = this.#levels.pop();
    if (level === BODY_LEVEL) {
      this.#closeBody();
      return;
    }
    if (level === CLASS_LEVEL) {
      this.#scopes.pop();
      if (this.#classes.pop()?.isKnown) {
        this.#rows.mark(MARK_KNOWN_CLASS);
      }
    }
    this.#rows.mark(MARK_DEDENT);
  }

  // Functions

  #startHeader(name: string): void {
    this.#statement = HEADER;
    this.#lambdas = 0;
    this.#header = {
      qualname: qualify(this.#scope(), name),
      firstLine: this.#firstLine,
      bodyLine: 0,
      lastLine: 0,
      parent: this.#bodies.at(-1)?.index ?? -1,
      checksum: "",
      imports: [],
    };
  }

  /** Takes the tokens from the colon to the end of the docstring. False for those that are dealt with, true for the first that is not. */
  #entersBody(kind: number): boolean {
    const tokens = this.#tokens;
    if (this.#way === AFTER_COLON) {
      if (kind === NEWLINE) {
        this.#way = BEFORE_INDENT;
        return false;
      }
      this.#inline = true;
      this.#way = OPENINGS;
      this.#bodyStartLine = tokens.startLine;
    } else if (this.#way === BEFORE_INDENT) {
      if (kind !== INDENT) {
        this.#failure = `line ${tokens.startLine}: this definition has no body`;
        return false;
      }
      this.#levels.push(BODY_LEVEL);
      this.#inline = false;
      this.#way = OPENINGS;
      this.#bodyStartLine = tokens.startLine;
      return false;
    } else if (this.#way === AFTER_SEMICOLON) {
      this.#lastLine = tokens.line;
      return this.#followsSemicolon(kind);
    }
    if (this.#extendsDocstring(kind)) {
      this.#undecided.push(tokens.start, tokens.end);
      this.#lastLine = tokens.line;
      return false;
    }
    const semicolon = kind === OPERATOR && this.#byte() === SEMICOLON;
    if (this.#way !== OPENINGS && tokens.depth === 0 && (kind === NEWLINE || semicolon)) {
      this.#release();
      if (semicolon) {
        this.#rows.token(tokens.start, tokens.end);
        this.#way = AFTER_SEMICOLON;
      } else {
        this.#openAfterDocstring();
      }
      return false;
    }
    const undecided = this.#undecided.length > 0;
    this.#openBody(this.#bodyStartLine);
    this.#release();
    this.#lineStarts = !undecided && !this.#inline;
    this.#statementStarts = !undecided;
    return true;
  }

  /** Whether the first statement may be a docstring with this token too; if so, how far it is by then. */
  #extendsDocstring(kind: number): boolean {
    if (kind === STRING && this.#way <= STRINGS && (this.#tokens.prefix & (BYTES | FORMATTED)) === 0) {
      this.#way = STRINGS;
      return true;
    }
    if (kind === OPERATOR && this.#way === OPENINGS && this.#byte() === OPEN_PAREN) {
      return true;
    }
    if (kind === OPERATOR && this.#way !== OPENINGS && this.#byte() === CLOSE_PAREN) {
      this.#way = CLOSINGS;
      return true;
    }
    return false;
  }

  #followsSemicolon(kind: number): boolean {
    if (kind === NEWLINE) {
      this.#openAfterDocstring();
      return false;
    }
    this.#openBody(this.#tokens.startLine);
    this.#lineStarts = false;
    this.#statementStarts = true;
    return true;
  }

  /** The line of the docstring ends; what follows, if anything, is the body. */
  #openAfterDocstring(): void {
    this.#rows.mark(MARK_NEWLINE);
    this.#openBody(0);
    this.#lineStarts = true;
    this.#statementStarts = true;
    if (this.#inline) {
      this.#closeBody();
    }
  }

  /** Hands the undecided tokens over to the row on top. */
  #release(): void {
    const undecided = this.#undecided;
    for (let i = 0; i < undecided.length; i += 2) {
      this.#rows.string(undecided[i] as number, undecided[i + 1] as number);
    }
    undecided.length = 0;
  }

  #openBody(bodyLine: number): void {
    const block = this.#header as Block;
    block.bodyLine = bodyLine;
    const index = this.#blocks.push(block) - 1;
    this.#rows.mark(MARK_INNER);
    const row = this.#rows.open();
    this.#bodies.push({
      block,
      index,
      row,
      inline: this.#inline,
      startLine: this.#bodyStartLine,
      yields: false,
      knowsClass: false,
    });
    this.#scopes.push(functionScope(block.qualname));
    this.#header = null;
    this.#way = NOT_ON_THE_WAY;
  }

  #closeBody(): void {
    const { block, row, startLine, yields, knowsClass } = this.#bodies.pop() as OpenBody;
    this.#scopes.pop();
    block.checksum = this.#rows.close(row);
    if (yields) {
      this.#rows.mark(MARK_GENERATOR);
    }
    if (knowsClass) {
      const around = this.#classes.at(-1);
      const body = this.#bodies.at(-1);
      if (around?.bodies === this.#bodies.length) {
        around.isKnown = true;
      } else if (body !== undefined) {
        body.knowsClass = true;
      }
    }
    block.lastLine = this.#lastLine;
    if (block.bodyLine === 0) {
      block.bodyLine = startLine;
    }
  }

  // Reading the present token

  #scope(): Scope {
    return this.#scopes.at(-1) as Scope;
  }

  #byte(): number | undefined {
    return this.#source[this.#tokens.start];
  }

  #text(): string {
    return identifier(this.#source, this.#tokens.start, this.#tokens.end, this.#latin1);
  }

  #is(word: string): boolean {
    const { start, end } = this.#tokens;
    if (end - start !== word.length) {
      return false;
    }
    for (let i = 0; i < word.length; i++) {
      if (this.#source[start + i] !== word.charCodeAt(i)) {
        return false;
      }
    }
    return true;
  }
}
