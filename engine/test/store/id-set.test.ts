import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { forEachId, hasMarked, packIds, packList, unpackIds, unpackList } from "../../src/store/id-set.ts";

const ID = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }));
/** Runs of ids and lone ones. */
const RUN = fc
  .tuple(ID, fc.integer({ min: 1, max: 300 }))
  .map(([first, length]) => Array.from({ length }, (_, index) => first + index).filter((id) => id < 2 ** 31));
const IDS = fc
  .array(
    fc.oneof(
      ID.map((id) => [id]),
      RUN,
    ),
    { maxLength: 60 },
  )
  .map((parts) => [...new Set(parts.flat())].sort((a, b) => a - b));

test("a packed set unpacks to itself", () => {
  fc.assert(fc.property(IDS, (ids) => assert.deepEqual(unpackIds(packIds(ids)), ids)));
});

test("equal sets have equal bytes, and different ones different bytes", () => {
  fc.assert(
    fc.property(IDS, IDS, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      assert.equal(Buffer.compare(packIds(one), packIds(other)) === 0, same);
    }),
  );
});

test("the borders of each length of a number survive", () => {
  const borders = [0, 1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455, 268435456, 2 ** 31 - 1];
  assert.deepEqual(unpackIds(packIds(borders)), borders);
  assert.deepEqual(unpackList(packList(borders)), borders);
});

test("a run takes as many bytes as its borders, and ids that lie near each other one each", () => {
  assert.equal(packIds(Array.from({ length: 1000 }, (_, i) => i + 5000)).length, 4);
  assert.equal(packIds(Array.from({ length: 1000 }, (_, i) => i * 60)).length, 1000);
});

test("a visit ends where the visitor says so", () => {
  const seen: number[] = [];
  forEachId(packIds([1, 200, 3000]), (id) => {
    seen.push(id);
    return id < 200;
  });
  assert.deepEqual(seen, [1, 200]);
});

test("a set has a marked id if, and only if, one of its ids is marked", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 500 })).map((ids) => ids.sort((a, b) => a - b)),
      fc.uniqueArray(fc.integer({ min: 0, max: 400 })),
      (ids, marked) => {
        const marks = new Uint8Array(401);
        for (const id of marked) {
          marks[id] = 1;
        }
        assert.equal(
          hasMarked(packIds(ids), marks),
          ids.some((id) => marked.includes(id)),
        );
      },
    ),
  );
});

test("a packed list keeps order and repetitions", () => {
  fc.assert(fc.property(fc.array(ID), (ids) => assert.deepEqual(unpackList(packList(ids)), ids)));
});
