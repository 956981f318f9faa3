/**
 * Where a string literal ends.
 *
 * Two sets of rules exist for f-strings. Before Python 3.12 the literal ended at the first quote of its kind; since PEP 701 an
 * expression in braces may hold any token, strings with the same quotes included. We follow the newer rules, which serve both: a source
 * valid under the older ones never has such a quote inside of braces. t-strings (PEP 750) follow the rules of f-strings.
 * The older and newer rules also agree that in a format specification each brace opens an expression, and `{{` means nothing.
 */

const LF = 10;
const CR = 13;
const DOUBLE_QUOTE = 34;
const HASH = 35;
const SINGLE_QUOTE = 39;
const OPEN_PAREN = 40;
const CLOSE_PAREN = 41;
const COLON = 58;
const EQUAL = 61;
const EXCLAMATION = 33;
const CAPITAL_N = 78;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** CPython gives up at 150; a lower limit would refuse valid sources, a much higher one overflow the stack. */
const DEEPEST = 150;

/** Bits of a string's prefix. */
export const RAW = 1;
export const BYTES = 2;
export const FORMATTED = 4;

/** The bits of the prefix `source[start…end]`, 0 if it is empty, -1 if these letters are no prefix of a string. */
export function stringPrefix(source: Uint8Array, start: number, end: number): number {
  if (end - start > 2) {
    return -1;
  }
  let bits = 0;
  let unicode = false;
  for (let at = start; at < end; at++) {
    let bit = 0;
    switch ((source[at] as number) | 0x20) {
      case 0x72: // r
        bit = RAW;
        break;
      case 0x62: // b
        bit = BYTES;
        break;
      case 0x66: // f
      case 0x74: // t
        bit = FORMATTED;
        break;
      case 0x75: // u
        unicode = true;
        break;
      default:
        return -1;
    }
    if ((bits & bit) !== 0) {
      return -1;
    }
    bits |= bit;
  }
  const lonely = unicode && end - start > 1;
  return lonely || bits === (BYTES | FORMATTED) ? -1 : bits;
}

/** How far a backslash at `at` reaches: over the next character, a line break of two bytes counting as one. */
function afterEscape(source: Uint8Array, at: number): number {
  return source[at + 1] === CR && source[at + 2] === LF ? at + 3 : at + 2;
}

/**
 * The offset after the closing quote of the string whose opening quote is at `quoteAt`; -1 if it is not closed.
 *
 * @param prefix - bits of the prefix before the quote
 * @param depth - how many f-strings this one is nested in
 */
export function endOfString(source: Uint8Array, quoteAt: number, prefix: number, depth = 0): number {
  const quote = source[quoteAt] as number;
  const triple = source[quoteAt + 1] === quote && source[quoteAt + 2] === quote;
  if (!triple && source[quoteAt + 1] === quote) {
    return quoteAt + 2;
  }
  const start = quoteAt + (triple ? 3 : 1);
  if ((prefix & FORMATTED) !== 0) {
    return depth >= DEEPEST ? -1 : endOfFormatted(source, start, quote, triple, (prefix & RAW) !== 0, depth);
  }
  const length = source.length;
  let at = start;
  while (at < length) {
    const byte = source[at];
    if (byte === quote) {
      if (!triple) {
        return at + 1;
      }
      if (source[at + 1] === quote && source[at + 2] === quote) {
        return at + 3;
      }
      at++;
    } else if (byte === BACKSLASH) {
      // In a raw string too, a quote after a backslash does not end it.
      at = afterEscape(source, at);
    } else if (!triple && (byte === LF || byte === CR)) {
      return -1;
    } else {
      at++;
    }
  }
  return -1;
}

/** As {@link endOfString}, from the first byte after the opening quotes of an f-string on. */
function endOfFormatted(
  source: Uint8Array,
  start: number,
  quote: number,
  triple: boolean,
  raw: boolean,
  depth: number,
): number {
  const length = source.length;
  let at = start;
  while (at < length) {
    const byte = source[at];
    if (byte === quote) {
      if (!triple) {
        return at + 1;
      }
      if (source[at + 1] === quote && source[at + 2] === quote) {
        return at + 3;
      }
      at++;
    } else if (byte === BACKSLASH) {
      at = afterFormattedEscape(source, at, raw);
    } else if (byte === OPEN_BRACE) {
      if (source[at + 1] === OPEN_BRACE) {
        at += 2;
      } else {
        at = endOfField(source, at + 1, quote, triple, raw, depth);
        if (at < 0) {
          return -1;
        }
      }
    } else if (!triple && (byte === LF || byte === CR)) {
      return -1;
    } else {
      at++;
    }
  }
  return -1;
}

/** As {@link afterEscape} in the text of an f-string: braces cannot be escaped, but `\N{…}` is a character. */
function afterFormattedEscape(source: Uint8Array, at: number, raw: boolean): number {
  const next = source[at + 1];
  if (next === OPEN_BRACE || next === CLOSE_BRACE) {
    return at + 1;
  }
  if (!raw && next === CAPITAL_N && source[at + 2] === OPEN_BRACE) {
    let end = at + 3;
    while (end < source.length && isNameOfCharacter(source[end] as number)) {
      end++;
    }
    return source[end] === CLOSE_BRACE ? end + 1 : end;
  }
  return afterEscape(source, at);
}

/** Letters, digits, space, `-`, and the brackets that a few character names had: none is a quote, brace or line break. */
function isNameOfCharacter(byte: number): boolean {
  return byte >= 32 && byte !== DOUBLE_QUOTE && byte !== SINGLE_QUOTE && byte !== CLOSE_BRACE && byte !== OPEN_BRACE;
}

function isNameByte(byte: number): boolean {
  const letter = byte | 0x20;
  return (letter >= 97 && letter <= 122) || (byte >= 48 && byte <= 57) || byte === 95 || byte >= 0x80;
}

/**
 * The offset after the brace that closes a replacement field; `start` is the offset after its opening brace; -1 if it is not closed.
 * A field holds an expression, perhaps `!r`, and perhaps a format specification, which is text that may hold fields again.
 */
function endOfField(
  source: Uint8Array,
  start: number,
  quote: number,
  triple: boolean,
  raw: boolean,
  depth: number,
): number {
  if (depth >= DEEPEST) {
    return -1;
  }
  const length = source.length;
  let brackets = 0;
  let at = start;
  while (at < length) {
    const byte = source[at] as number;
    if (isNameByte(byte)) {
      const from = at;
      do {
        at++;
      } while (at < length && isNameByte(source[at] as number));
      const next = source[at];
      if (next === DOUBLE_QUOTE || next === SINGLE_QUOTE) {
        const prefix = stringPrefix(source, from, at);
        at = endOfString(source, at, Math.max(prefix, 0), depth + 1);
        if (at < 0) {
          return -1;
        }
      }
      continue;
    }
    switch (byte) {
      case DOUBLE_QUOTE:
      case SINGLE_QUOTE:
        at = endOfString(source, at, 0, depth + 1);
        if (at < 0) {
          return -1;
        }
        break;
      case HASH:
        while (at < length && source[at] !== LF && source[at] !== CR) {
          at++;
        }
        break;
      case BACKSLASH:
        at = afterEscape(source, at);
        break;
      case OPEN_PAREN:
      case OPEN_BRACKET:
      case OPEN_BRACE:
        brackets++;
        at++;
        break;
      case CLOSE_PAREN:
      case CLOSE_BRACKET:
        brackets--;
        at++;
        break;
      case CLOSE_BRACE:
        at++;
        if (brackets <= 0) {
          return at;
        }
        brackets--;
        break;
      case EXCLAMATION:
        at += source[at + 1] === EQUAL ? 2 : 1;
        break;
      case COLON:
        at++;
        if (brackets <= 0) {
          at = endOfSpecification(source, at, quote, triple, raw, depth);
          if (at < 0) {
            return -1;
          }
          if (source[at - 1] === CLOSE_BRACE) {
            return at;
          }
        }
        break;
      default:
        at++;
    }
  }
  return -1;
}

/**
 * The offset after the brace that ends a format specification and its field; -1 if it is not closed.
 * Between single quotes a line break ends the specification, but not its field (Python 3.12): then the offset after the line break.
 */
function endOfSpecification(
  source: Uint8Array,
  start: number,
  quote: number,
  triple: boolean,
  raw: boolean,
  depth: number,
): number {
  const length = source.length;
  let at = start;
  while (at < length) {
    const byte = source[at];
    if (byte === CLOSE_BRACE) {
      return at + 1;
    }
    if (byte === OPEN_BRACE) {
      at = endOfField(source, at + 1, quote, triple, raw, depth + 1);
      if (at < 0) {
        return -1;
      }
    } else if (byte === quote && (!triple || (source[at + 1] === quote && source[at + 2] === quote))) {
      return -1;
    } else if (byte === BACKSLASH) {
      at = afterFormattedEscape(source, at, raw);
    } else if (!triple && (byte === LF || byte === CR)) {
      return at + 1;
    } else {
      at++;
    }
  }
  return -1;
}
