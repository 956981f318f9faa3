import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KEY_KINDS, type Key, type KeyKind } from "../../src/model/key.ts";
import { describeMissing, missingKeys, UNWATCHED } from "../../src/verification/miss.ts";

const key = (kind: KeyKind, path: string, name = ""): Key => ({ kind, path, name });
const seen = (of: Key, isNew: boolean) => ({ ...of, isNew });

test("what the new set has beyond the proof, the new states first", () => {
  const proof = [key("body", "a.py", "f"), key("file", "d.txt")];
  const now = [
    seen(key("body", "a.py", "f"), true),
    seen(key("body", "a.py", "g"), false),
    seen(key("file", "e.txt"), true),
  ];
  assert.deepEqual(missingKeys(proof, now), [now[2], now[1]]);
  assert.deepEqual(missingKeys([...proof, ...now], now), []);
});

test("a key counts once, and as new if one of its states is", () => {
  const twice = [seen(key("file", "e.txt"), false), seen(key("file", "e.txt"), true)];
  assert.deepEqual(missingKeys([], twice), [twice[1]]);
});

test("nothing is missing but what is in one set and not in the other", () => {
  const keys = fc.array(
    fc.record({
      kind: fc.constantFrom(...(Object.keys(KEY_KINDS) as KeyKind[])),
      path: fc.constantFrom("a", "b"),
      name: fc.constantFrom("", "n"),
    }),
  );
  const id = ({ kind, path, name }: Key): string => [kind, path, name].join();
  fc.assert(
    fc.property(keys, keys, (proof, now) => {
      const found = missingKeys(
        proof,
        now.map((each) => seen(each, false)),
      ).map(id);
      const known = new Set(proof.map(id));
      const wanted = new Set(now.map(id).filter((each) => !known.has(each)));
      assert.deepEqual(found.sort(), [...wanted].sort());
    }),
  );
});

test("as a sentence", () => {
  assert.match(describeMissing(null), /could not be recorded/);
  assert.equal(describeMissing([]), UNWATCHED);
  const bodies = ["f", "g", "h", "i"].map((name) => seen(key("body", "a.py", name), true));
  assert.equal(
    describeMissing([...bodies, seen(key("file", "d.txt"), true), seen(key("listing", "d"), false)]),
    "its proof lacked function bodies (a.py: f(), a.py: g(), a.py: h() and 1 more), files (d.txt)",
  );
  // A failure shows itself by other functions: those have not changed, so they are not the cause.
  assert.equal(
    describeMissing([seen(key("body", "a.py", "C.__repr__"), false)]),
    `${UNWATCHED}; it went another way this time, through function bodies (a.py: C.__repr__()), whose state is not new`,
  );
});
