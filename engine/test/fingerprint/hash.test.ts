/** The hash: agreement with its reference, no collisions, and that each bit counts. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hash128 } from "../../src/fingerprint/hash.ts";

function bytesOf(hex: string): number[] {
  // The reference writes its four words in the byte order of the machine, which is the lower byte first.
  return (hex.match(/.{8}/g) as string[]).flatMap((word) => {
    const value = Number.parseInt(word, 16);
    return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
  });
}

test("agrees with the verification value of MurmurHash3 x86-128", () => {
  // SMHasher's procedure: hash the keys {}, {0}, {0, 1}… under the seeds 256, 255…, then all results as one key.
  const key = Uint8Array.from({ length: 256 }, (_, i) => i);
  const results: number[] = [];
  for (let i = 0; i < 256; i++) {
    results.push(...bytesOf(hash128(key, 0, i, 256 - i)));
  }
  const final = bytesOf(hash128(Uint8Array.from(results), 0, results.length, 0));
  const value = (final[0]! | (final[1]! << 8) | (final[2]! << 16) | (final[3]! << 24)) >>> 0;
  assert.equal(value.toString(16), "b3ece62a");
});

test("does not depend on where in the buffer the bytes lie, nor on those around them", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), fc.uint8Array(), (before, bytes, after) => {
      const row = Uint8Array.from([...before, ...bytes, ...after]);
      assert.equal(hash128(row, before.length, before.length + bytes.length, 7), hash128(bytes, 0, bytes.length, 7));
    }),
  );
});

test("has 32 lower-case digits", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.integer(), (bytes, seed) => {
      assert.match(hash128(bytes, 0, bytes.length, seed), /^[0-9a-f]{32}$/);
    }),
  );
});

test("differs for different bytes, lengths and seeds", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
      const same = a.length === b.length && a.every((byte, i) => byte === b[i]);
      assert.equal(hash128(a, 0, a.length, 1) === hash128(b, 0, b.length, 1), same);
      assert.notEqual(hash128(a, 0, a.length, 1), hash128(a, 0, a.length, 2));
    }),
    { numRuns: 2000 },
  );
});

test("rows of small numbers and of zeros have no collision in any half", () => {
  // Half of the bits of 300,000 hashes: a collision by chance has a probability of 1 in 400 million.
  const left = new Set<string>();
  const right = new Set<string>();
  let count = 0;
  const add = (bytes: Uint8Array): void => {
    const hash = hash128(bytes, 0, bytes.length, 1);
    left.add(hash.slice(0, 16));
    right.add(hash.slice(16));
    count++;
  };
  for (let length = 0; length < 1000; length++) {
    add(new Uint8Array(length));
  }
  const row = new Uint8Array(40);
  for (let i = 1; i < 300_000; i++) {
    row[i % 40] = i & 255;
    row[(i * 7) % 40] = i >>> 8;
    row[39] = i >>> 16;
    row[0] = i & 255;
    row[1] = (i >>> 8) & 255;
    add(row);
  }
  assert.equal(left.size, count);
  assert.equal(right.size, count);
});

test("each bit of the input changes about half of those of the hash", () => {
  for (const length of [1, 4, 5, 15, 16, 17, 33, 100]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 37) & 255);
    const before = BigInt(`0x${hash128(bytes, 0, length, 1)}`);
    for (let bit = 0; bit < length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const after = BigInt(`0x${hash128(bytes, 0, length, 1)}`);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const flipped = (before ^ after).toString(2).replaceAll("0", "").length;
      assert(flipped >= 24 && flipped <= 104, `${length} bytes, bit ${bit}: ${flipped} of 128`);
    }
  }
});
