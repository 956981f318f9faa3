import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Dependency, KEY_KINDS, type Key, type KeyKind } from "../../src/model/key.ts";
import { describeMissing, type MissingKey, missingKeys, UNWATCHED } from "../../src/verification/miss.ts";

const key = (kind: KeyKind, path: string, name = "") => ({ kind, path, name, value: "1" });
const seen = (of: Dependency, isNew: boolean) => ({ ...of, isNew });
const without = ({ kind, path, name, isNew }: MissingKey): MissingKey => ({ kind, path, name, isNew });

test("what the new set has beyond the proof, the new states first", () => {
  const proof = [key("body", "a.py", "f"), key("file", "d.txt")];
  const now = [
    seen(key("body", "a.py", "f"), true),
    seen(key("body", "a.py", "g"), false),
    seen(key("file", "e.txt"), true),
  ];
  assert.deepEqual(missingKeys(proof, now), now.slice(1).toReversed().map(without));
  assert.deepEqual(missingKeys([...proof, ...now], now), []);
});

test("a key counts once, and as new if one of its states is", () => {
  const twice = [seen(key("file", "e.txt"), false), seen(key("file", "e.txt"), true)];
  assert.deepEqual(missingKeys([], twice), twice.slice(1).map(without));
});

test("a key that the proof has in another state is not covered by it, however old that state is", () => {
  const now = seen({ ...key("toplevel", "a.py"), value: "2" }, false);
  assert.deepEqual(missingKeys([key("toplevel", "a.py")], [now]), [without({ ...now, isNew: true })]);
  assert.deepEqual(missingKeys([key("toplevel", "a.py"), now], [now]), []);
});

test("nothing is missing but what is in one set and not in the other", () => {
  const keys = fc.array(
    fc.record({
      kind: fc.constantFrom(...(Object.keys(KEY_KINDS) as KeyKind[])),
      path: fc.constantFrom("a", "b"),
      name: fc.constantFrom("", "n"),
      value: fc.constant("1"),
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
    "its proof does not cover function bodies (a.py: f(), a.py: g(), a.py: h() and 1 more), files (d.txt)",
  );
  // A failure shows itself by other functions: those have not changed, so they are not the cause.
  assert.equal(
    describeMissing([seen(key("body", "a.py", "C.__repr__"), false)]),
    `${UNWATCHED}; it went another way this time, through function bodies (a.py: C.__repr__()), whose state is not new`,
  );
});
