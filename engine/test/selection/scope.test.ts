import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isInside, scopeOf } from "../../src/selection/scope.ts";

test("a path is inside itself, its parents and the root, and in nothing that only begins alike", () => {
  for (const [path, directory, inside] of [
    ["a/b.py", "", true],
    ["a/b.py", ".", true],
    ["a/b.py", "a", true],
    ["a/b.py", "a/b.py", true],
    ["a/b.py", "a/b", false],
    ["ab/c.py", "a", false],
    ["a", "a/b", false],
  ] as const) {
    assert.equal(isInside(path, directory), inside, `${path} in ${directory}`);
  }
});

describe("the scope", () => {
  test("of nothing asked for is everything", () => {
    const scope = scopeOf([]);
    assert.ok(scope.hasFile("a.py"));
    assert.ok(scope.hasTest("a.py", "a.py::t"));
    assert.equal(scope.byId("a.py"), false);
  });

  test("of a directory and of a file is what lies in them", () => {
    const scope = scopeOf([
      { path: "tests/one", ids: null },
      { path: "tests/test_x.py", ids: null },
    ]);
    assert.ok(scope.hasFile("tests/one/test_a.py"));
    assert.ok(scope.hasTest("tests/test_x.py", "tests/test_x.py::t"));
    assert.ok(!scope.hasFile("tests/one_more/test_a.py"));
    assert.ok(!scope.hasTest("tests/two/test_b.py", "tests/two/test_b.py::t"));
    assert.ok(!scope.byId("tests/test_x.py"));
  });

  test("of ids is these, with what lies below them", () => {
    const scope = scopeOf([
      { path: "t.py", ids: "C" },
      { path: "t.py", ids: "test_a" },
    ]);
    assert.ok(scope.hasFile("t.py"));
    assert.ok(scope.byId("t.py"));
    assert.ok(!scope.hasFile("u.py"));
    for (const [node, has] of [
      ["t.py::C::test_m", true],
      ["t.py::C::D::test_m[1]", true],
      ["t.py::test_a", true],
      ["t.py::test_a[x-1]", true],
      ["t.py::test_ab", false],
      ["t.py::CC::test_m", false],
      ["t.py::test_b", false],
      // Ids are relative to pytest's rootdir.
      ["sub/t.py::test_a", true],
    ] as const) {
      assert.equal(scope.hasTest("t.py", node), has, node);
    }
  });

  test("of one case of a parametrized test is that one", () => {
    const scope = scopeOf([{ path: "t.py", ids: "test_a[1]" }]);
    assert.ok(scope.hasTest("t.py", "t.py::test_a[1]"));
    assert.ok(!scope.hasTest("t.py", "t.py::test_a[10]"));
    assert.ok(!scope.hasTest("t.py", "t.py::test_a"));
  });

  test("of a file as a whole and by ids is the whole file", () => {
    const scope = scopeOf([
      { path: "t.py", ids: "test_a" },
      { path: ".", ids: null },
    ]);
    assert.ok(scope.hasTest("t.py", "t.py::test_b"));
    assert.ok(scope.hasTest("u.py", "u.py::test_b"));
  });
});
