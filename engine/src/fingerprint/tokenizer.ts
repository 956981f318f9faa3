/**
 * The tokens of a Python source, with INDENT, DEDENT and NEWLINE, from its bytes.
 *
 * Follows CPython's tokenizer wherever a source is valid, and is no validator: what it lets pass, the compiler refuses. It stops only
 * where it no longer knows what belongs to what: brackets that do not match, strings that are not closed, indentation that fits nowhere.
 * Comments, blank lines, white space and joined lines yield nothing, which is what makes checksums blind to them.
 */

import { endOfString, stringPrefix } from "./strings.ts";

/** Kinds of tokens. Plain numbers, as this is the innermost loop. */
export const ERROR = 0;
export const NAME = 1;
export const NUMBER = 2;
export const STRING = 3;
export const OPERATOR = 4;
export const NEWLINE = 5;
export const INDENT = 6;
export const DEDENT = 7;
export const END = 8;

const TAB = 9;
const LF = 10;
const FORM_FEED = 12;
const CR = 13;
const SPACE = 32;
const HASH = 35;
const DOT = 46;
const BACKSLASH = 92;
const UNDERSCORE = 95;

/** Classes of bytes. Letters and digits come first, so that "part of a name" is one comparison. */
const LETTER = 1;
const DIGIT = 2;
const BLANK = 3;
const BREAK = 4;
const QUOTE = 5;
const OPENING = 6;
const CLOSING = 7;
const OTHER = 8;

const CLASSES = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(256).fill(OTHER);
  const set = (characters: string, value: number): void => {
    for (const character of characters) {
      table[character.charCodeAt(0)] = value;
    }
  };
  set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", LETTER);
  // All of the non-ASCII characters: those that may stand outside of strings and comments are parts of names.
  table.fill(LETTER, 0x80);
  set("0123456789", DIGIT);
  set(" \t\f", BLANK);
  set("\n\r", BREAK);
  set("'\"", QUOTE);
  set("([{", OPENING);
  set(")]}", CLOSING);
  return table;
}

/** The bracket that closes `byte`: ")" follows "(" at once, the other two leave one out. */
function counterpart(byte: number): number {
  return byte === 40 ? 41 : byte + 2;
}

/** Reads tokens one by one. After {@link Tokenizer.next}, the fields describe the token just read. */
export class Tokenizer {
  /** The token is `source[start]` up to, not including, `source[end]`. Empty for INDENT, DEDENT and END. */
  start = 0;
  end = 0;
  /** The line where the token starts. */
  startLine = 1;
  /** The line reached: where the token ends. After NEWLINE, the next one. */
  line = 1;
  /** How many brackets are open after the token. */
  depth = 0;
  /** The bits of a STRING's prefix. */
  prefix = 0;
  /** What went wrong, after ERROR. */
  error = "";

  readonly #source: Uint8Array;
  readonly #length: number;
  #at: number;
  #lineStarts = true;
  #brackets: number[] = [];
  /** Columns with tabs of eight, and with tabs of one: where the two disagree on an order, Python refuses the source. */
  #columns = [0];
  #narrowColumns = [0];
  #pendingDedents = 0;

  constructor(source: Uint8Array, start: number) {
    this.#source = source;
    this.#length = source.length;
    this.#at = start;
  }

  /** Reads the next token and returns its kind. After END or ERROR it must not be called again. */
  next(): number {
    if (this.#pendingDedents > 0) {
      this.#pendingDedents--;
      return DEDENT;
    }
    if (this.#lineStarts) {
      const kind = this.#indentation();
      if (kind >= 0) {
        return kind;
      }
    }
    const source = this.#source;
    const length = this.#length;
    let at = this.#at;
    for (;;) {
      if (at >= length) {
        return this.#endOfSource(length);
      }
      const byte = source[at] as number;
      switch (CLASSES[byte]) {
        case BLANK:
          at++;
          continue;
        case LETTER: {
          const start = at;
          do {
            at++;
          } while (at < length && (CLASSES[source[at] as number] as number) <= DIGIT);
          if (at < length && CLASSES[source[at] as number] === QUOTE) {
            const prefix = stringPrefix(source, start, at);
            if (prefix >= 0) {
              return this.#string(start, at, prefix);
            }
          }
          return this.#token(NAME, start, at);
        }
        case DIGIT:
          return this.#token(NUMBER, at, this.#endOfNumber(at));
        case BREAK: {
          const start = at;
          at += byte === CR && source[at + 1] === LF ? 2 : 1;
          if (this.depth > 0) {
            this.line++;
            continue;
          }
          this.#token(NEWLINE, start, at);
          this.line++;
          this.#lineStarts = true;
          return NEWLINE;
        }
        case QUOTE:
          return this.#string(at, at, 0);
        case OPENING:
          this.#brackets[this.depth++] = counterpart(byte);
          return this.#token(OPERATOR, at, at + 1);
        case CLOSING:
          if (this.depth === 0) {
            return this.#fail(`${String.fromCharCode(byte)} closes nothing`);
          }
          this.depth--;
          if (this.#brackets[this.depth] !== byte) {
            const expected = String.fromCharCode(this.#brackets[this.depth] as number);
            return this.#fail(`${String.fromCharCode(byte)} stands where ${expected} was expected`);
          }
          return this.#token(OPERATOR, at, at + 1);
        default:
          if (byte === HASH) {
            at = this.#endOfLine(at);
            continue;
          }
          if (byte === BACKSLASH) {
            at = this.#join(at);
            if (at < 0) {
              return this.#fail("a backslash joins nothing");
            }
            continue;
          }
          if (byte === DOT && CLASSES[source[at + 1] as number] === DIGIT) {
            return this.#token(NUMBER, at, this.#endOfNumber(at));
          }
          return this.#token(OPERATOR, at, at + this.#lengthOfOperator(at, byte));
      }
    }
  }

  #token(kind: number, start: number, end: number): number {
    this.start = start;
    this.end = end;
    this.startLine = this.line;
    this.#at = end;
    return kind;
  }

  #string(start: number, quoteAt: number, prefix: number): number {
    const source = this.#source;
    const end = endOfString(source, quoteAt, prefix);
    if (end < 0) {
      return this.#fail("this string is not closed");
    }
    this.#token(STRING, start, end);
    this.prefix = prefix;
    let line = this.line;
    for (let at = quoteAt + 1; at < end; at++) {
      const byte = source[at];
      if (byte === LF || (byte === CR && source[at + 1] !== LF)) {
        line++;
      }
    }
    this.line = line;
    return STRING;
  }

  #fail(what: string): number {
    this.error = `line ${this.line}: ${what}`;
    return ERROR;
  }

  #endOfLine(from: number): number {
    const source = this.#source;
    const length = this.#length;
    let at = from;
    while (at < length && source[at] !== LF && source[at] !== CR) {
      at++;
    }
    return at;
  }

  /** The offset after a backslash and its line break, which must follow at once and not end the source; else -1. */
  #join(at: number): number {
    const source = this.#source;
    const next = source[at + 1];
    const after = next === LF ? at + 2 : next !== CR ? -1 : source[at + 2] === LF ? at + 3 : at + 2;
    if (after < 0 || after >= this.#length) {
      return -1;
    }
    this.line++;
    return after;
  }

  /**
   * At the start of a line: passes blank lines and comments, and compares the column of the first token with those before.
   * Returns INDENT, DEDENT, END or ERROR, or -1 where the line goes on at the same level.
   */
  #indentation(): number {
    const source = this.#source;
    const length = this.#length;
    let at = this.#at;
    for (;;) {
      let column = 0;
      let narrow = 0;
      let joinedAt = 0;
      let joinedNarrow = 0;
      for (; at < length; at++) {
        const byte = source[at];
        if (byte === SPACE) {
          column++;
          narrow++;
        } else if (byte === TAB) {
          column = (column | 7) + 1;
          narrow++;
        } else if (byte === FORM_FEED) {
          column = 0;
          narrow = 0;
        } else if (byte === BACKSLASH) {
          // Of an indentation that goes on over joined lines, the first part counts.
          if (joinedAt === 0) {
            joinedAt = column;
            joinedNarrow = narrow;
          }
          at = this.#join(at) - 1;
          if (at < 0) {
            return this.#fail("a backslash joins nothing");
          }
        } else {
          break;
        }
      }
      if (joinedAt > 0) {
        column = joinedAt;
        narrow = joinedNarrow;
      }
      if (at < length && source[at] === HASH) {
        at = this.#endOfLine(at);
      }
      if (at >= length) {
        this.#lineStarts = false;
        return this.#endOfLevels(length);
      }
      if (source[at] === LF || source[at] === CR) {
        at += source[at] === CR && source[at + 1] === LF ? 2 : 1;
        this.line++;
        continue;
      }
      this.#lineStarts = false;
      this.#at = at;
      return this.#compareColumn(column, narrow);
    }
  }

  #compareColumn(column: number, narrow: number): number {
    const columns = this.#columns;
    const narrowColumns = this.#narrowColumns;
    let top = columns.length - 1;
    if (column === columns[top]) {
      return narrow === narrowColumns[top] ? -1 : this.#fail("tabs and spaces are mixed");
    }
    this.start = this.end = this.#at;
    this.startLine = this.line;
    if (column > (columns[top] as number)) {
      if (narrow <= (narrowColumns[top] as number)) {
        return this.#fail("tabs and spaces are mixed");
      }
      columns.push(column);
      narrowColumns.push(narrow);
      return INDENT;
    }
    let dedents = 0;
    while (top > 0 && column < (columns[top] as number)) {
      columns.pop();
      narrowColumns.pop();
      top--;
      dedents++;
    }
    if (column !== columns[top]) {
      return this.#fail("the indentation fits no level above");
    }
    if (narrow !== narrowColumns[top]) {
      return this.#fail("tabs and spaces are mixed");
    }
    this.#pendingDedents = dedents - 1;
    return DEDENT;
  }

  /** The source ended within a line. */
  #endOfSource(at: number): number {
    if (this.depth > 0) {
      return this.#fail(`${String.fromCharCode(this.#brackets[this.depth - 1] as number)} is missing`);
    }
    this.#token(NEWLINE, at, at);
    this.#lineStarts = true;
    return NEWLINE;
  }

  /** The source ended between lines: closes the levels that are open, one by one. */
  #endOfLevels(at: number): number {
    this.#token(END, at, at);
    if (this.#columns.length === 1) {
      return END;
    }
    this.#columns.pop();
    this.#lineStarts = true;
    return DEDENT;
  }

  #endOfNumber(from: number): number {
    const source = this.#source;
    let at = from;
    const second = (source[at + 1] as number) | 0x20;
    if (source[at] === 48 && (second === 0x78 || second === 0x6f || second === 0x62)) {
      // Only what may be a digit of this base: `0xfor x` is `0xf or x`, and `0b1if x` is `0b1 if x`.
      at += 2;
      for (;;) {
        const byte = source[at] as number;
        const letter = byte | 0x20;
        const isDigit = CLASSES[byte] === DIGIT || byte === UNDERSCORE;
        if (!isDigit && !(second === 0x78 && letter >= 0x61 && letter <= 0x66)) {
          return at;
        }
        at++;
      }
    }
    at = this.#endOfDigits(at);
    if (source[at] === DOT) {
      at++;
      if (CLASSES[source[at] as number] === DIGIT) {
        at = this.#endOfDigits(at);
      }
    }
    if (((source[at] as number) | 0x20) === 0x65) {
      const signed = source[at + 1] === 43 || source[at + 1] === 45;
      const digits = at + (signed ? 2 : 1);
      if (CLASSES[source[digits] as number] === DIGIT) {
        at = this.#endOfDigits(digits);
      }
    }
    // The `j` of a complex number.
    return ((source[at] as number) | 0x20) === 0x6a ? at + 1 : at;
  }

  #endOfDigits(from: number): number {
    const source = this.#source;
    let at = from;
    while (CLASSES[source[at] as number] === DIGIT || source[at] === UNDERSCORE) {
      at++;
    }
    return at;
  }

  #lengthOfOperator(at: number, byte: number): number {
    const source = this.#source;
    const second = source[at + 1];
    switch (byte) {
      case 42: // *
      case 47: // /
      case 60: // <
      case 62: // >
        if (second === byte) {
          return source[at + 2] === 61 ? 3 : 2;
        }
        return second === 61 || (byte === 60 && second === 62) ? 2 : 1;
      case 45: // -
        return second === 62 || second === 61 ? 2 : 1;
      case 46: // .
        return second === 46 && source[at + 2] === 46 ? 3 : 1;
      case 33: // !
      case 37: // %
      case 38: // &
      case 43: // +
      case 58: // :
      case 61: // =
      case 64: // @
      case 94: // ^
      case 124: // |
        return second === 61 ? 2 : 1;
      default:
        return 1;
    }
  }
}
