/**
 * The encoding of a source file (PEP 263), as far as it matters to a splitter that works on bytes.
 *
 * UTF-8 and Latin-1 share this property: every byte below 0x80 is the ASCII character, wherever it stands. Only on such encodings is
 * working on bytes right (in UTF-16 or Shift JIS a quote may be half of a character), so all others are refused.
 */

/** How the bytes from `start` on are to be read; `start` leaves out a byte order mark. */
export interface Encoding {
  start: number;
  latin1: boolean;
}

const LF = 10;
const CR = 13;
const HASH = 35;

const UTF_8 = new Set(["utf-8", "utf8", "u8", "utf", "cp65001", "utf8-ucs2", "utf8-ucs4"]);
const ASCII = new Set(["ascii", "us-ascii", "646", "us", "ansi-x3.4-1968", "iso646-us", "cp367", "ibm367"]);
const LATIN_1 = new Set([
  "latin-1",
  "latin1",
  "latin",
  "l1",
  "iso-8859-1",
  "iso8859-1",
  "iso8859",
  "iso-latin-1",
  "8859",
]);
const LATIN_1_MORE = new Set(["cp819", "ibm819", "iso-ir-100", "csisolatin1"]);

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 9 || byte === 12;
}

/** Where the line that starts at `from` ends: at its line break, or at the end of the file. */
function endOfLine(source: Uint8Array, from: number): number {
  let at = from;
  while (at < source.length && source[at] !== LF && source[at] !== CR) {
    at++;
  }
  return at;
}

/** The comment of a line that consists of nothing else; null where there is code; "" for a blank line. */
function soleComment(source: Uint8Array, from: number, end: number): string | null {
  let at = from;
  while (at < end && isSpace(source[at])) {
    at++;
  }
  if (at === end) {
    return "";
  }
  if (source[at] !== HASH) {
    return null;
  }
  let text = "";
  for (; at < end; at++) {
    text += String.fromCharCode(source[at] as number);
  }
  return text;
}

/** The name of the encoding declared in the first two lines, or null. The second counts only where the first has no code. */
function declared(source: Uint8Array, start: number): string | null {
  let from = start;
  for (let line = 1; line <= 2; line++) {
    const end = endOfLine(source, from);
    const comment = soleComment(source, from, end);
    if (comment === null) {
      return null;
    }
    const cookie = /coding[:=][ \t]*([-_.a-zA-Z0-9]+)/.exec(comment);
    if (cookie !== null) {
      return cookie[1] as string;
    }
    from = end + (source[end] === CR && source[end + 1] === LF ? 2 : 1);
  }
  return null;
}

/** The encoding of a source, or a sentence fragment saying why it cannot be split. */
export function encodingOf(source: Uint8Array): Encoding | string {
  const marked = source[0] === 0xef && source[1] === 0xbb && source[2] === 0xbf;
  const start = marked ? 3 : 0;
  const name = declared(source, start);
  if (name === null) {
    return { start, latin1: false };
  }
  const normal = name.toLowerCase().replaceAll("_", "-");
  if (UTF_8.has(normal) || normal.startsWith("utf-8-")) {
    return { start, latin1: false };
  }
  if (marked) {
    return `the declared encoding ${name} contradicts the byte order mark of UTF-8`;
  }
  if (ASCII.has(normal)) {
    return { start, latin1: false };
  }
  if (LATIN_1.has(normal) || LATIN_1_MORE.has(normal) || /^(latin-1|iso-8859-1|iso-latin-1)-/.test(normal)) {
    return { start, latin1: true };
  }
  return `the declared encoding ${name} is neither UTF-8 nor Latin-1`;
}

/** The text of an identifier as Python compares it: decoded, and in Unicode's form NFKC. */
export function identifier(source: Uint8Array, start: number, end: number, latin1: boolean): string {
  let text = "";
  let ascii = true;
  for (let at = start; at < end; at++) {
    const byte = source[at] as number;
    if (byte < 0x80 || latin1) {
      text += String.fromCharCode(byte);
      ascii &&= byte < 0x80;
      continue;
    }
    ascii = false;
    const more = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
    let point = more === 0 ? 0xfffd : byte & (0x3f >> more);
    for (let i = 0; i < more; i++) {
      at++;
      point = (point << 6) | ((at < end ? (source[at] as number) : 0) & 0x3f);
    }
    text += String.fromCodePoint(Math.min(point, 0x10ffff));
  }
  return ascii ? text : text.normalize("NFKC");
}
