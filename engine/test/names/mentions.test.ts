/** What bodies and headers mention: names that only look like a lookup are none. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Outline, outlineOf, REFLECTIONS } from "../../src/names/index.ts";

function outline(source: string): Outline {
  const found = outlineOf(new TextEncoder().encode(source));
  assert.ok(found !== undefined);
  return found;
}

function reflectionOf(body: string): number {
  return outline(`import sys\n\n\ndef f(name, other):\n    ${body}\n`).bodies[0]?.[1].reflection ?? -1;
}

describe("names that are looked up without being spelt", () => {
  for (const [body, reflection] of [
    ["return globals()", REFLECTIONS.module],
    ["return dir()", REFLECTIONS.module],
    ["return sys.modules[name]", REFLECTIONS.modules],
    ["return sys.modules", REFLECTIONS.modules],
    ["return name in sys.modules.values()", REFLECTIONS.modules],
    ["return [m for m in sys.modules[name]]", REFLECTIONS.modules],
    ["return sys.modules.get('json')", REFLECTIONS.none],
    ["return name not in sys.modules", REFLECTIONS.none],
    ["return name in sys.modules and other", REFLECTIONS.none],
    ["return other(dir=name)", REFLECTIONS.none],
    ["return eval(name)", REFLECTIONS.expressions],
  ] as const) {
    test(body, () => {
      assert.equal(reflectionOf(body), reflection);
    });
  }
});

describe("a function's header", () => {
  test("binds its parameters, and reads default values and annotations", () => {
    const [statement] = outline(
      "def f(dir, vars=LIMIT, *args: Kind, key=make(dir=1), **more) -> Result: pass\n",
    ).statements;
    assert.ok(statement !== undefined);
    const { bare, wild, reflection } = statement.mentions;
    assert.deepEqual([...bare].sort(), ["LIMIT", "make"]);
    assert.equal(reflection, REFLECTIONS.none);
    // pytest takes parameters for names of fixtures.
    for (const name of ["dir", "vars", "key", "args", "more"]) {
      assert.ok(wild.includes(name), name);
    }
    assert.deepEqual([...statement.annotations.bare].sort(), ["Kind", "Result"]);
  });

  test("reads a name that a parameter is called by as well", () => {
    const [statement] = outline("def f(limit=limit, dir=dir): pass\n").statements;
    assert.deepEqual([...(statement?.mentions.bare ?? [])].sort(), ["dir", "limit"]);
    assert.equal(statement?.mentions.reflection, REFLECTIONS.module);
  });
});
