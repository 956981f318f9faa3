import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DIRECTORY_DIGEST } from "../../src/changes/tree.ts";
import { bodyValue, existenceValue, toplevelValue, valueOfKey as valueIn } from "../../src/changes/values.ts";
import { textDigest } from "../../src/files/hash.ts";
import type { KeyKind } from "../../src/model/key.ts";
import { bodyOf, type Files, MemoryTree, shaOf, split } from "../support/memory-tree.ts";

const SOURCE = "import b\nX = 1\ndef f():\n    return X\nclass C:\n    def m(self): return 2\n";
const BROKEN = "def f(:\n    'not closed\n";

function value(files: Files, kind: KeyKind, path: string, name = ""): string {
  return valueIn(new MemoryTree(files), { kind, path, name });
}

describe("the value of", () => {
  const files: Files = { "a.py": SOURCE, "d/x.txt": "x", "pytest.ini": "[pytest]" };
  test("a body", () => {
    assert.equal(value(files, "body", "a.py", "f"), bodyOf(SOURCE, "f"));
    assert.equal(value(files, "body", "a.py", "C.m"), bodyOf(SOURCE, "C.m"));
    assert.equal(value(files, "body", "a.py", "gone"), "-");
    assert.equal(value(files, "body", "gone.py", "f"), "-");
  });
  test("module level", () => {
    assert.equal(value(files, "toplevel", "a.py"), split(SOURCE).toplevel.checksum);
    assert.equal(value(files, "toplevel", "gone.py"), "-");
  });
  test("a file", () => {
    assert.equal(value(files, "file", "d/x.txt"), shaOf("x"));
    assert.equal(value(files, "file", "d/gone.txt"), "-");
  });
  test("a listing", () => {
    assert.equal(value(files, "listing", "d"), textDigest("x.txt"));
    assert.equal(value(files, "listing", "gone"), "-");
  });
  test("whether something is there, and what kind of thing", () => {
    assert.equal(value({ "a.txt": "1" }, "exists", "a.txt"), value({ "a.txt": "2" }, "exists", "a.txt"));
    assert.equal(value({}, "exists", "a.txt"), "-");
    assert.deepEqual(["-", DIRECTORY_DIGEST, "?EACCES", "0a"].map(existenceValue), ["-", "d", "f", "f"]);
  });

  test("a name's resolution, the configuration and the packages", () => {
    assert.equal(value(files, "resolve", "", "a"), "a.py");
    assert.equal(value(files, "config", ""), shaOf("[pytest]"));
    assert.equal(value(files, "packages", ""), "none");
  });
});

test("bodies of one name count together, in their order", () => {
  const one = "def f(): return 1\n";
  const two = "def f(): return 2\n";
  const both = value({ "a.py": one + two }, "body", "a.py", "f");
  assert.notEqual(both, value({ "a.py": two + one }, "body", "a.py", "f"));
  assert.notEqual(both, value({ "a.py": two }, "body", "a.py", "f"));
});

test("a broken file never has a recorded value, and each broken content is a state of its own", () => {
  const recorded = ["f", "C.m", "gone"].map((name) => value({ "a.py": SOURCE }, "body", "a.py", name));
  recorded.push(value({ "a.py": SOURCE }, "toplevel", "a.py"), "-");
  for (const name of ["f", "C.m", "gone"]) {
    assert.ok(!recorded.includes(value({ "a.py": BROKEN }, "body", "a.py", name)));
  }
  const broken = (digest: string) => ({ kind: "broken", digest, message: "no" }) as const;
  assert.ok(!recorded.includes(toplevelValue(broken("1"))));
  assert.notEqual(toplevelValue(broken("1")), toplevelValue(broken("2")));
  assert.notEqual(bodyValue(broken("1"), "f"), bodyValue(broken("2"), "f"));
});

test("comments, blank lines and layout have no value", () => {
  const other =
    "# said\nimport b\n\nX = 1  # one\ndef f():\n\n    # why\n    return X\nclass C:\n    def m(self):\n        return 2\n";
  for (const [kind, name] of [
    ["toplevel", ""],
    ["body", "f"],
    ["body", "C.m"],
  ] as const) {
    assert.equal(value({ "a.py": SOURCE }, kind, "a.py", name), value({ "a.py": other }, kind, "a.py", name), name);
  }
});
