/** The tokens of a source as a list, with their texts. */

import { encodingOf, identifier } from "../fingerprint/encoding.ts";
import { hash128 } from "../fingerprint/hash.ts";
import { FORMATTED } from "../fingerprint/strings.ts";
import { END, ERROR, NAME, OPERATOR, STRING, Tokenizer } from "../fingerprint/tokenizer.ts";

export interface Token {
  /** One of the tokenizer's kinds. */
  readonly kind: number;
  /** Of a string, what is between its quotes; of a name, as Python compares it. */
  readonly text: string;
  /** As written, for checksums. */
  readonly written: string;
  /** How many brackets are open after it. */
  readonly depth: number;
  /** A string that holds expressions. */
  readonly formatted: boolean;
}

/** The tokens of a source, without the last one (END); undefined where it cannot be split. */
export function tokensOf(source: Uint8Array): Token[] | undefined {
  const encoding = encodingOf(source);
  if (typeof encoding === "string" || source.includes(0)) {
    return undefined;
  }
  const tokenizer = new Tokenizer(source, encoding.start);
  const tokens: Token[] = [];
  for (;;) {
    const kind = tokenizer.next();
    if (kind === END) {
      return tokens;
    }
    if (kind === ERROR) {
      return undefined;
    }
    const { start, end, depth } = tokenizer;
    const written = kind === NAME ? identifier(source, start, end, encoding.latin1) : decode(source, start, end);
    const formatted = kind === STRING && (tokenizer.prefix & FORMATTED) !== 0;
    // There are names in strings.
    const isWide = kind === STRING && !encoding.latin1 && /[\u0080-\u00ff]/.test(written);
    const text = kind === STRING ? inside(isWide ? identifier(source, start, end, false) : written) : written;
    tokens.push({ kind, text, written, depth, formatted });
  }
}

/** Whether a parameter stands there, in a function's header whose brackets are `depth` deep; a default follows its `=`. */
export function isParameter(tokens: readonly Token[], at: number, depth = 1): boolean {
  const token = tokens[at] as Token;
  const before = tokens[at - 1];
  return (
    token.kind === NAME && token.depth === depth && before?.kind === OPERATOR && /^([(,]|\*\*?)$/.test(before.text)
  );
}

/** The innermost bracket that is open at `at`, looked for back to `start`; -1 if none is. */
export function bracketAround(tokens: readonly Token[], at: number, start = 0): number {
  const depth = (tokens[at] as Token).depth;
  for (let open = at - 1; depth > 0 && open >= start; open--) {
    const token = tokens[open] as Token;
    if (token.kind === OPERATOR && token.depth === depth && /^[([{]$/.test(token.text)) {
      return open;
    }
  }
  return -1;
}

/** Latin-1: texts are compared with each other only, but for names, and no other character of a token has a meaning here. */
function decode(source: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) {
    text += String.fromCharCode(source[at] as number);
  }
  return text;
}

/** What is between the quotes. */
function inside(written: string): string {
  const quote = written.search(/['"]/);
  const long = written.startsWith('"""', quote) || written.startsWith("'''", quote);
  const width = long ? 3 : 1;
  return written.slice(quote + width, written.length - width);
}

/** Over the texts of tokens, in order. */
export function checksumOf(rows: readonly string[]): string {
  const text = rows.join("\u0000");
  const bytes = new Uint8Array(text.length * 2);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    bytes[at * 2] = code & 0xff;
    bytes[at * 2 + 1] = code >> 8;
  }
  return hash128(bytes, 0, bytes.length, 0);
}
