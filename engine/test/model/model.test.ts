import assert from "node:assert/strict";
import { test } from "node:test";
import { messageOf, WinnowError } from "../../src/model/error.ts";
import { describeKey, KEY_KINDS, type KeyKind, keyId, keyKindOf } from "../../src/model/key.ts";
import { changedReason, describeReason, type Reason } from "../../src/model/reason.ts";

test("the numbers of kinds are stored, so they stay what they are", () => {
  assert.deepEqual(KEY_KINDS, {
    body: 1,
    toplevel: 2,
    file: 3,
    listing: 4,
    resolve: 5,
    config: 6,
    packages: 7,
    env: 8,
    package: 9,
    exists: 10,
  });
  for (const [kind, number] of Object.entries(KEY_KINDS)) {
    assert.equal(keyKindOf(number), kind);
  }
  assert.equal(keyKindOf(99), undefined);
});

test("keys are told apart by all of their parts", () => {
  const ids = [keyId("body", "a", "b"), keyId("body", "a b", ""), keyId("toplevel", "a", "b"), keyId("body", "ab", "")];
  assert.equal(new Set(ids).size, ids.length);
});

test("each kind of key has words, and a reason when it changed", () => {
  const words: Record<KeyKind, [key: string, reason: string]> = {
    body: ["p.py: n()", "p.py: n() changed"],
    toplevel: ["p.py: module level", "p.py changed at module level"],
    file: ["p.py", "p.py changed"],
    listing: ["p.py/ (directory listing)", "the list of files in p.py/ changed"],
    resolve: ["import of n", '"import n" finds something else now'],
    config: ["pytest's configuration in p.py", "pytest's configuration in p.py changed"],
    packages: ["installed packages", "the installed packages changed"],
    exists: ["whether p.py is there", "p.py appeared, went, or is another kind of thing"],
    package: ["installed package n", "the installed package n, or one that it requires, changed"],
    env: ["environment variable n", "the environment variable n changed"],
  };
  for (const [kind, [key, reason]] of Object.entries(words) as [KeyKind, [string, string]][]) {
    assert.equal(describeKey({ kind, path: "p.py", name: "n" }), key);
    assert.equal(describeReason(changedReason({ kind, path: "p.py", name: "n" })), reason);
  }
  assert.match(describeKey({ kind: "config", path: "", name: "" }), /project's root/);
  assert.match(describeReason({ kind: "listing-changed", path: "" }), /project's root/);
});

test('every reason ends the sentence "runs because …"', () => {
  const reasons: Reason[] = [
    { kind: "no-record" },
    { kind: "failed", at: 1 },
    { kind: "not-proven", outcome: "passed after a rerun" },
    { kind: "missed-before", at: 1, was: "passed", outcome: "failed" },
    { kind: "missed-before", at: 1, was: null, outcome: "failed" },
    { kind: "sampled" },
    { kind: "unparsable", path: "a.py", message: "line 1: no" },
    { kind: "selection-unknown" },
    { kind: "new-file", path: "a.py" },
    { kind: "everything", because: "of that" },
  ];
  for (const reason of reasons) {
    const text = describeReason(reason);
    assert.ok(text.length > 0 && !text.endsWith(".") && !text.includes("undefined"), text);
  }
});

test("errors carry a code and what to do, and anything thrown has a message on one line", () => {
  const error = new WinnowError("some-code", "what is wrong", "What to do.");
  assert.deepEqual(
    [error.name, error.code, error.message, error.help],
    ["WinnowError", "some-code", "what is wrong", "What to do."],
  );
  assert.equal(messageOf(new Error("one\ntwo")), "one");
  assert.equal(messageOf("text"), "text");
  assert.equal(messageOf(undefined), "undefined");
});
