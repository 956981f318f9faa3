/**
 * A fast hash of 128 bits: MurmurHash3 for 32-bit machines, 128-bit variant (Austin Appleby's algorithm, public domain).
 *
 * It is chosen for having 128 bits and needing no 64-bit multiplication, which JavaScript has only as slow BigInt. It guards against
 * accident, not against someone who constructs two sources of one checksum.
 * Bytes are put together by hand: a result must not depend on the byte order of the machine, as stores travel.
 */

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finish(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** As {@link word}, of the bytes before `end`; those that are missing count as zero. */
function lastWord(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = Math.min(at + 4, end) - 1; i >= at; i--) {
    value = (value << 8) | (bytes[i] as number);
  }
  return value;
}

/** Code of the hexadecimal digit whose value is in the lowest four bits. */
function digit(value: number): number {
  const low = value & 15;
  return low < 10 ? 48 + low : 87 + low;
}

/** Eight digits. A file has hundreds of checksums, and this is several times as fast as `toString(16).padStart(8, "0")`. */
function hex(value: number): string {
  return String.fromCharCode(
    digit(value >>> 28),
    digit(value >>> 24),
    digit(value >>> 20),
    digit(value >>> 16),
    digit(value >>> 12),
    digit(value >>> 8),
    digit(value >>> 4),
    digit(value),
  );
}

/** Hash of `bytes[start]` up to, not including, `bytes[end]`, as 32 hexadecimal digits. */
export function hash128(bytes: Uint8Array, start: number, end: number, seed: number): string {
  const length = end - start;
  let h1 = seed | 0;
  let h2 = h1;
  let h3 = h1;
  let h4 = h1;
  let at = start;
  for (const whole = start + (length & ~15); at < whole; at += 16) {
    h1 ^= Math.imul(rotate(Math.imul(word(bytes, at), C1), 15), C2);
    h1 = (Math.imul((rotate(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    h2 ^= Math.imul(rotate(Math.imul(word(bytes, at + 4), C2), 16), C3);
    h2 = (Math.imul((rotate(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    h3 ^= Math.imul(rotate(Math.imul(word(bytes, at + 8), C3), 17), C4);
    h3 = (Math.imul((rotate(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    h4 ^= Math.imul(rotate(Math.imul(word(bytes, at + 12), C4), 18), C1);
    h4 = (Math.imul((rotate(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  // A missing byte counts as zero, and a word of zeros changes nothing: the length tells both cases apart.
  h1 ^= Math.imul(rotate(Math.imul(lastWord(bytes, at, end), C1), 15), C2) ^ length;
  h2 ^= Math.imul(rotate(Math.imul(lastWord(bytes, at + 4, end), C2), 16), C3) ^ length;
  h3 ^= Math.imul(rotate(Math.imul(lastWord(bytes, at + 8, end), C3), 17), C4) ^ length;
  h4 ^= Math.imul(rotate(Math.imul(lastWord(bytes, at + 12, end), C4), 18), C1) ^ length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = finish((h2 + h1) | 0);
  h3 = finish((h3 + h1) | 0);
  h4 = finish((h4 + h1) | 0);
  h1 = finish(h1);
  h1 = (h1 + h2 + h3 + h4) | 0;
  return hex(h1) + hex(h2 + h1) + hex(h3 + h1) + hex(h4 + h1);
}
