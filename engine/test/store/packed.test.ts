/** What is packed, many to a row, comes back as it was, and what is no such thing says so. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../src/store/bytes.ts";
import { packDependencies, unpackDependencies } from "../../src/store/dependencies.ts";
import { packFacts, type StoredFact, unpackFacts } from "../../src/store/facts.ts";
import { openStore } from "../../src/store/store.ts";
import { packTests, unpackTests } from "../../src/store/tests.ts";

const top = mkdtempSync(join(tmpdir(), "winnow-packed-"));
after(() => rmSync(top, { recursive: true, force: true }));

const NUMBER = fc.oneof(fc.nat(300), fc.maxSafeNat());
const DIGEST = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("hex"));
/** Digests, names, and what is no Unicode at all. */
const TEXT = fc.oneof(DIGEST, fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.constant("\ud800"));

test("numbers and texts of any kind", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(NUMBER, TEXT)), (pairs) => {
      const writer = new ByteWriter();
      for (const [number, text] of pairs) {
        writer.number(number);
        writer.text(text);
      }
      const reader = new ByteReader(writer.finish());
      assert.deepEqual(
        pairs.map(() => [reader.number(), reader.text()]),
        pairs,
      );
      assert.ok(reader.isAtEnd);
    }),
  );
  // What would be read as another number, with all that follows, is not written at all.
  for (const number of [-1, -0.000001, 1.5, 2 ** 60, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => new ByteWriter().number(number), /cannot be packed/, `${number}`);
  }
});

test("dependencies", () => {
  const row = fc.tuple(fc.nat(2 ** 31 - 1), fc.nat(20), TEXT, TEXT);
  fc.assert(fc.property(fc.array(row), (rows) => assert.deepEqual(unpackDependencies(packDependencies(rows)), rows)));
});

test("tests", () => {
  const node = fc.oneof(
    TEXT.map((name) => `t.py::${name}`),
    TEXT,
    TEXT.map((name) => `=${name}`),
    TEXT.map((name) => `::${name}`),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(node, fc.nat())), (pairs) => {
      const tests = new Map(pairs);
      assert.deepEqual(unpackTests("t.py", packTests("t.py", tests)), tests);
    }),
  );
});

test("facts", () => {
  const fact = fc.record(
    {
      id: fc.nat(),
      test: fc.nat(70),
      outcome: fc.constantFrom("passed", "failed", "skipped"),
      green: fc.boolean(),
      durationUs: NUMBER,
      at: fc.maxSafeNat().map((number) => number % 4e12),
      run: TEXT,
      depsets: fc.array(fc.nat(2 ** 31 - 1), { maxLength: 6 }),
      remark: fc.nat(),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(fact), (facts) => {
      const page: Map<number, StoredFact[]> = Map.groupBy(facts, (each) => each.test);
      assert.deepEqual(unpackFacts(packFacts(page)), page);
    }),
  );
});

test("what ends too early, or is a text, is no page", () => {
  const page = packDependencies([[300, 1, "name", "0123456789abcdef"]]);
  for (let length = 1; length < page.length; length++) {
    assert.throws(() => unpackDependencies(page.subarray(0, length)), SyntaxError);
  }
  assert.throws(() => unpackDependencies("[]"), SyntaxError);
  assert.throws(() => unpackFacts(undefined), SyntaxError);
});

test("sets fill one page after another, are found again in each, and keep their numbers when others go", () => {
  const store = openStore(join(top, "sets.db"));
  const sets = Array.from({ length: 700 }, (_, n) => Array.from({ length: 1 + (n % 40) }, (_, i) => n * 7 + i * 3));
  const intern = (): number[] => store.write(() => sets.map((members) => store.internDepset(members)));
  const ids = intern();
  assert.equal(new Set(ids).size, sets.length);
  assert.deepEqual(intern(), ids);
  assert.deepEqual(
    ids.map((id) => store.depset(id)),
    sets,
  );
  const all = store.depsets();
  assert.deepEqual(
    ids.map((id) => all.members(id)),
    sets,
  );
  const marks = new Uint8Array(10_000);
  marks[700] = 1;
  assert.deepEqual(
    [...all.withMarked(marks)],
    ids.filter((_, index) => sets[index]?.includes(700)),
  );
  // In one transaction, what it added itself is found as well.
  store.write(() => {
    const added = store.internDepset([1, 2, 3, 99_999]);
    assert.equal(store.internDepset([1, 2, 3, 99_999]), added);
    assert.deepEqual(store.depset(added), [1, 2, 3, 99_999]);
    assert.deepEqual(store.depsets().members(added), [1, 2, 3, 99_999]);
  });
  assert.equal(store.counts()["depset"], sets.length + 1);
  store.close();
});

test("what is kept of contents is no new generation, and nobody waits to keep it", () => {
  const file = join(top, "keep.db");
  const [store, other] = [openStore(file), openStore(file)];
  const before = store.generation();
  assert.ok(store.keep(() => store.setFingerprint("h", "data", [])));
  assert.equal(other.fingerprint("h")?.data, "data");
  assert.equal(store.generation(), before);
  other.write(() =>
    assert.equal(
      store.keep(() => store.setFingerprint("h", "later", [])),
      false,
    ),
  );
  assert.equal(store.fingerprint("h")?.data, "data");
  assert.equal(
    store.keep(() => {
      store.setFingerprint("h", "half", []);
      throw new Error("no");
    }),
    false,
  );
  assert.equal(store.fingerprint("h")?.data, "data");
  store.close();
  other.close();
});
