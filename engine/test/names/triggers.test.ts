/** The first, quick question: what reacts to what. Closures that rely on it are tested as such (concern.test.ts). */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Outline, outlineOf } from "../../src/names/index.ts";
import { ReachedWords, Triggers } from "../../src/names/triggers.ts";

function outline(source: string): Outline {
  const found = outlineOf(new TextEncoder().encode(source));
  assert.ok(found !== undefined);
  return found;
}

/** Whether the first statement of a source may react when a word is reached. */
function reacts(source: string, word: string): boolean {
  const triggers = new Triggers();
  const reached = new ReachedWords();
  // So many that there have to be more places than at first.
  for (let number = 0; number < 3000; number++) {
    triggers.numberOf(`_word${number}`);
  }
  reached.add(triggers.numberOf(word));
  const [statement] = outline(source).statements;
  assert.ok(statement !== undefined);
  return reached.mayConcern(triggers.ofStatement(statement));
}

describe("a statement reacts to", () => {
  const cases: readonly (readonly [source: string, words: string])[] = [
    ["LIMIT = base + 1\n", "base LIMIT"],
    ["LIMIT = settings.depth\n", "settings depth"],
    ['LIMIT = table["depth"]\n', "depth"],
    ["from shop.a import f as g\n", "f g"],
    ["class A(B.C): pass\n", "A B C"],
    ["def f(x: T = D): pass\n", "f T D"],
  ];
  for (const [source, words] of cases) {
    for (const word of words.split(" ")) {
      test(`${word} in ${source.trim()}`, () => assert.equal(reacts(source, word), true));
    }
    test(`no other name in ${source.trim()}`, () => assert.equal(reacts(source, "other"), false));
  }
});

describe("whatever is reached concerns", () => {
  for (const source of [
    "from shop.a import *\n",
    "X = globals()[n]\n",
    'X = getattr(m, "on_" + n)\n',
    "import m\nX = f(m)\n",
  ]) {
    test(source.trim(), () => {
      const { statements } = outline(source);
      const triggers = new Triggers();
      assert.equal(triggers.ofStatement(statements[statements.length - 1] as (typeof statements)[0]), undefined);
    });
  }
});

test("a body reacts to the names in it", () => {
  const [body] = outline("def f():\n    return limits.DEPTH + g(1)\n").bodies;
  const triggers = new Triggers();
  for (const [word, isKnown] of [
    ["DEPTH", true],
    ["g", true],
    ["h", false],
  ] as const) {
    const reached = new ReachedWords();
    reached.add(triggers.numberOf(word));
    assert.equal(reached.mayConcern(triggers.ofBody((body as NonNullable<typeof body>)[1])), isKnown, word);
  }
});
