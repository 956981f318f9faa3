import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { joinPath, resolveValue } from "../../src/changes/resolve.ts";
import { type Files, MemoryTree } from "../support/memory-tree.ts";

function resolve(name: string, paths: readonly string[], roots: readonly string[] = [""]): string {
  const files: Files = Object.fromEntries(paths.map((path) => [path, ""]));
  return resolveValue(new MemoryTree(files, roots), name);
}

test("paths are joined below the root and below directories", () => {
  assert.equal(joinPath("", "a"), "a");
  assert.equal(joinPath(".", "a"), "a");
  assert.equal(joinPath("a/b", "c"), "a/b/c");
});

describe("a module name", () => {
  const cases: readonly [
    what: string,
    name: string,
    paths: readonly string[],
    value: string,
    roots?: readonly string[],
  ][] = [
    ["of nothing in the project", "os", ["a.py"], "-"],
    ["of a module", "a", ["a.py"], "a.py"],
    ["of a package", "a", ["a/__init__.py"], "a/__init__.py"],
    ["of a module in a package", "a.b", ["a/__init__.py", "a/b.py"], "a/b.py"],
    ["of a package in a package", "a.b", ["a/__init__.py", "a/b/__init__.py"], "a/b/__init__.py"],
    ["of a package without __init__.py", "a", ["a/b.py"], "a/"],
    ["of a module in such a package", "a.b", ["a/b.py"], "a/b.py"],
    ["of such a package in two places", "a", ["one/a/x.py", "two/a/y.py"], "one/a/;two/a/", ["one", "two"]],
    ["of a module in the second portion", "a.y", ["one/a/x.py", "two/a/y.py"], "two/a/y.py", ["one", "two"]],
    ["of a package and a module: the package wins, both count", "a", ["a/__init__.py", "a.py"], "a/__init__.py;a.py"],
    ["of a module and a directory: the module wins, both count", "a", ["a/x.py", "a.py"], "a.py;a/"],
    [
      "in two roots: in the order of the search path",
      "a",
      ["one/a.py", "two/a.py"],
      "two/a.py;one/a.py",
      ["two", "one"],
    ],
    ["of an extension module", "a", ["a.cpython-313-x86_64-linux-gnu.so"], "a.cpython-313-x86_64-linux-gnu.so"],
    ["of an extension module on Windows", "a", ["a.cp313-win_amd64.pyd"], "a.cp313-win_amd64.pyd"],
    ["of an extension module beside its source", "a", ["a.py", "a.abi3.so"], "a.abi3.so;a.py"],
    ["of an extension module in a package", "p.a", ["p/__init__.py", "p/a.so"], "p/a.so"],
    ["that is only the beginning of another", "a", ["ab.py", "a_b.so", "a.txt"], "-"],
    ["below a module, which holds none", "a.b", ["a.py", "b.py"], "-"],
    ["below nothing", "x.y.z", ["a.py"], "-"],
    ["in a root that is not there", "a", ["a.py"], "-", ["gone"]],
  ];
  for (const [what, name, paths, value, roots] of cases) {
    test(what, () => assert.equal(resolve(name, paths, roots), value));
  }
});

describe("changes the value", () => {
  const before = ["src/app/__init__.py", "src/app/core.py", "tests/test_a.py"];
  const roots = ["tests", "src"];
  const changed = (name: string, after: readonly string[]): boolean =>
    resolve(name, before, roots) !== resolve(name, after, roots);

  test("a file that begins to shadow the standard library", () => {
    assert.ok(changed("random", [...before, "tests/random.py"]));
  });
  test("a file that ceases to", () => {
    assert.ok(
      changed(
        "app",
        before.filter((path) => path !== "src/app/__init__.py"),
      ),
    );
    assert.ok(
      changed(
        "app.core",
        before.filter((path) => path !== "src/app/core.py"),
      ),
    );
  });
  test("one that appears before and one that appears behind the one that wins", () => {
    assert.ok(changed("app", [...before, "tests/app.py"]));
    assert.ok(changed("app", [...before, "src/app.py"]));
  });
  test("a removed __init__.py, for the package and for nothing else", () => {
    const after = before.filter((path) => !path.endsWith("__init__.py"));
    assert.ok(changed("app", after));
    assert.ok(!changed("test_a", after));
  });
  test("another root, wherever it stands", () => {
    assert.notEqual(resolve("app", before, ["src"]), resolve("app", before, ["tests"]));
  });
  test("nothing else does", () => {
    assert.ok(!changed("app.core", [...before, "src/app/other.py", "tests/core.py", "core.py"]));
  });
});

/** What Python's own finder answers: a file, the portions of a namespace package, or null. */
function find(name: string, paths: readonly string[], roots: readonly string[]): string | readonly string[] | null {
  const dot = name.lastIndexOf(".");
  let places = roots;
  if (dot >= 0) {
    const parent = find(name.slice(0, dot), paths, roots);
    if (parent === null || (typeof parent === "string" && !parent.endsWith("/__init__.py"))) {
      return null;
    }
    places = typeof parent === "string" ? [parent.slice(0, -"/__init__.py".length)] : parent;
  }
  const portions: string[] = [];
  for (const place of places) {
    const base = joinPath(place, name.slice(dot + 1));
    const file = [`${base}/__init__.py`, `${base}.abi3.so`, `${base}.so`, `${base}.py`].find((path) =>
      paths.includes(path),
    );
    if (file !== undefined) {
      return file;
    }
    if (paths.some((path) => path.startsWith(`${base}/`))) {
      portions.push(base);
    }
  }
  return portions.length === 0 ? null : portions;
}

test("wherever Python finds something else, the value of the name or of a package that it lies in is another one", () => {
  const files = ["a.py", "a.so", "a/__init__.py", "a/b.py", "a/b.abi3.so", "a/b/__init__.py", "a/b/c.py", "b.py"];
  const state = fc.uniqueArray(fc.constantFrom(...files, ...files.map((path) => `r/${path}`)), { maxLength: 6 });
  const roots = ["", "r"];
  fc.assert(
    fc.property(state, state, fc.constantFrom("a", "a.b", "a.b.c", "b"), (one, other, name) => {
      const finds = (paths: readonly string[]): string => JSON.stringify(find(name, paths, roots));
      const values = (paths: readonly string[]): string[] =>
        name.split(".").map((_, depth, parts) => resolve(parts.slice(0, depth + 1).join("."), paths, roots));
      if (finds(one) !== finds(other)) {
        assert.notDeepEqual(values(one), values(other));
      }
    }),
    { numRuns: 3000 },
  );
});
