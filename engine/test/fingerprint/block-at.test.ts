/** From code objects to blocks. stdlib.test.ts does the same with all code objects of a library. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { blockAt, fingerprint } from "../../src/fingerprint/index.ts";

/** The qualified names of the blocks found. */
function at(source: string, line: number, name: string): string[] {
  const result = fingerprint(new TextEncoder().encode(source));
  assert(!("error" in result));
  return blockAt(result, line, name).map((index) => result.blocks[index]!.qualname);
}

const SOURCE = `\
import a
@d(lambda: 0)
def f(x=lambda: 1):
    class C:
        def m(self): return [y for y in (lambda: 2)()]
    return lambda: 3
def g(): return (x for x in y)
h = lambda: 4
class D:
    z = [lambda: i for i in a]
    @(
        d
    )
    def f(self):
        def f():
            return 1
        return f
`;

test("a function is its block alone", () => {
  assert.deepEqual(at(SOURCE, 2, "f"), ["f"]);
  assert.deepEqual(at(SOURCE, 5, "m"), ["f.<locals>.C.m"]);
  assert.deepEqual(at(SOURCE, 7, "g"), ["g"]);
  assert.deepEqual(at(SOURCE, 15, "f"), ["D.f.<locals>.f"]);
});

test("a decorator in parentheses starts below its sign", () => {
  assert.deepEqual(at(SOURCE, 11, "f"), ["D.f"]);
  assert.deepEqual(at(SOURCE, 12, "f"), ["D.f"]);
});

test("code without a name of its own is part of all blocks around its line", () => {
  assert.deepEqual(at(SOURCE, 2, "<lambda>"), ["f"]);
  assert.deepEqual(at(SOURCE, 5, "<lambda>"), ["f", "f.<locals>.C.m"]);
  assert.deepEqual(at(SOURCE, 5, "<listcomp>"), ["f", "f.<locals>.C.m"]);
  assert.deepEqual(at(SOURCE, 6, "<lambda>"), ["f"]);
  assert.deepEqual(at(SOURCE, 7, "<genexpr>"), ["g"]);
  assert.deepEqual(at(SOURCE, 8, "<lambda>"), []);
  assert.deepEqual(at(SOURCE, 10, "<lambda>"), []);
  assert.deepEqual(at(SOURCE, 3, "<generic parameters of f>"), ["f"]);
});

test("what evaluates annotations is not part of the function whose they are", () => {
  const source = `\
x: int = 1
def f(a: int) -> int: return a
@d
def g(a: int):
    def h(b: int):
        return b
    class C:
        c: int
        def m(self, d: int): return d
    return h
class D:
    @property
    def p(self) -> int:
        "A docstring."
        return 1
    def q():
        class E: e: int
def __annotate__(format: int): return {}
def i():
    def __annotate__(format: int):
        return {}
`;
  assert.deepEqual(at(source, 1, "__annotate__"), []);
  assert.deepEqual(at(source, 2, "__annotate__"), []);
  assert.deepEqual(at(source, 4, "__annotate__"), []);
  assert.deepEqual(at(source, 5, "__annotate__"), ["g"]);
  assert.deepEqual(at(source, 7, "__annotate__"), ["g"]);
  assert.deepEqual(at(source, 9, "__annotate__"), ["g"]);
  assert.deepEqual(at(source, 11, "__annotate__"), []);
  assert.deepEqual(at(source, 13, "__annotate__"), []);
  assert.deepEqual(at(source, 17, "__annotate__"), ["D.q"]);
  // Its own code and that of its annotations look alike.
  assert.deepEqual(at(source, 18, "__annotate__"), ["__annotate__"]);
  assert.deepEqual(at(source, 20, "__annotate__"), ["i", "i.<locals>.__annotate__"]);
});

test("class bodies and unknown names: the toplevel, or the functions around", () => {
  assert.deepEqual(at(SOURCE, 4, "C"), ["f"]);
  assert.deepEqual(at(SOURCE, 9, "D"), []);
  assert.deepEqual(at(SOURCE, 16, "strange"), ["D.f", "D.f.<locals>.f"]);
  assert.deepEqual(at(SOURCE, 4, "f"), ["f"]);
  assert.deepEqual(at(SOURCE, 8, "f"), []);
  assert.deepEqual(at(SOURCE, 99, "f"), []);
});

test("the module", () => {
  assert.deepEqual(at(SOURCE, 1, "<module>"), []);
  assert.deepEqual(at("def f():\n    pass\n", 1, "<module>"), []);
  assert.deepEqual(at("", 1, "<module>"), []);
});
