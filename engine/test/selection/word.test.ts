/** The user's word in decisions: what it adds, what it takes away, and what it never does. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { DeclaredKey, DeclaredValue, Remarks } from "../../src/model/remarks.ts";
import { scopeOf } from "../../src/selection/scope.ts";
import { type KnownFact, proofOf, select, testReasons } from "../../src/selection/select.ts";
import { type Declared, gradeOf, NO_WORD, unmet, type Word } from "../../src/selection/word.ts";
import { collection, fact, knowledgeOf, nodeOf, outcomeOf, red } from "./knowledge.ts";

const FILES: DeclaredKey = { kind: "files", name: "data/*" };
const VARIABLE: DeclaredKey = { kind: "env", name: "MODE" };
const COMMAND: DeclaredKey = { kind: "command", name: "git rev-parse HEAD" };

/** A word in which declared inputs have the values of a table; what is not in it may not be asked. */
function word(values: Readonly<Record<string, string>>, more: Partial<Word> = {}): Word {
  return { ...NO_WORD, allowsCommands: true, value: ({ name }) => values[name], ...more };
}

function value(key: DeclaredKey, then: string | null, by: DeclaredValue["by"] = "configuration"): DeclaredValue {
  return { ...key, value: then, by };
}

/** Knowledge of one file with one test, which depends on `a`; set 9 stands for everything. */
function known(facts: readonly KnownFact[], said: Word, changed: readonly string[] = []) {
  const table = {
    depsets: { 1: ["a"], 9: ["a", "z"] },
    changed,
    facts: { 1: facts },
    collections: [collection(1, "t.py", [1], [])],
  };
  return { ...knowledgeOf(table), word: said };
}

const plan = (knowledge: ReturnType<typeof known>) => select(knowledge, scopeOf([]), [], () => true);

describe("declared inputs", () => {
  const declared = (...keys: Declared[]): Partial<Word> => ({ declared: () => keys });

  test("hold as long as each has its recorded value", () => {
    const recorded = { declared: [value(FILES, "1"), value(VARIABLE, "2")] };
    const both = declared(FILES, VARIABLE);
    assert.deepEqual(unmet(word({ "data/*": "1", MODE: "2" }, both), 1, recorded), []);
    assert.deepEqual(unmet(word({ "data/*": "1", MODE: "3" }, both), 1, recorded), [
      { kind: "declared-changed", what: "env", name: "MODE", state: "changed" },
    ]);
  });

  test("that were not recorded prove nothing, and are not asked for", () => {
    const asked: string[] = [];
    const said = word({}, { ...declared(COMMAND), value: ({ name }) => String(asked.push(name)) });
    const expected = [{ kind: "declared-changed", what: "command", name: COMMAND.name, state: "not-recorded" }];
    assert.deepEqual(unmet(said, 1, undefined), expected);
    assert.deepEqual(unmet(said, 1, { declared: [value(COMMAND, null)] }), expected);
    assert.deepEqual(asked, []);
  });

  test("of the configuration count no more once they are declared no more; those of a marker do", () => {
    assert.deepEqual(unmet(word({ MODE: "2" }), 1, { declared: [value(VARIABLE, "1")] }), []);
    assert.equal(unmet(word({ MODE: "2" }), 1, { declared: [value(VARIABLE, "1", "marker")] }).length, 1);
  });

  test("a command that may not be run is a reason of its own, recorded or not", () => {
    const said = { ...word({}, declared(COMMAND)), allowsCommands: false };
    for (const remarks of [undefined, { declared: [value(COMMAND, "1")] }]) {
      assert.deepEqual(
        unmet(said, 1, remarks).map((reason) => reason.kind === "declared-changed" && reason.state),
        ["not-allowed"],
      );
    }
  });

  test("a glob that concerns all tests says so", () => {
    const everything: Declared = { ...FILES, everything: true };
    assert.deepEqual(unmet(word({ "data/*": "2" }, declared(everything)), 1, { declared: [value(FILES, "1")] }), [
      { kind: "everything-glob", name: "data/*", state: "changed" },
    ]);
  });

  test("commands come last, and not at all where something else decides", () => {
    const asked: string[] = [];
    const said = word(
      {},
      {
        ...declared(COMMAND, VARIABLE, FILES),
        value: ({ name }) => {
          asked.push(name);
          return "2";
        },
      },
    );
    const remarks = { declared: [value(COMMAND, "1"), value(VARIABLE, "2"), value(FILES, "1")] };
    unmet(said, 1, remarks, { limit: 1 });
    assert.deepEqual(asked, ["data/*"]);
    asked.length = 0;
    const knowledge = known([fact([1], { remarks })], said, ["a"]);
    assert.deepEqual(
      testReasons(knowledge, 1).map(({ kind }) => kind),
      ["body-changed", "declared-changed"],
    );
    assert.ok(!asked.includes(COMMAND.name));
  });

  test("a failing result says nothing once a declared input has changed", () => {
    const facts = [
      red([1], { at: 2, remarks: { declared: [value(VARIABLE, "2")] } }),
      fact([1], { at: 1, remarks: { declared: [value(VARIABLE, "1")] } }),
    ];
    assert.equal(plan(known(facts, word({ MODE: "1" }, declared(VARIABLE)))).kind, "nothing");
    assert.deepEqual(testReasons(known(facts, word({ MODE: "2" }, declared(VARIABLE))), 1)[0]?.kind, "failed");
  });
});

describe("tests that run always", () => {
  test("by the configuration, by a marker", () => {
    const byConfiguration = known([fact([1])], word({}, { always: () => true }));
    assert.deepEqual(testReasons(byConfiguration, 1), [{ kind: "always", by: "configuration" }]);
    assert.equal(proofOf(byConfiguration, 1), undefined);
    const byMarker = known([fact([1], { remarks: { always: true } })], word({}));
    assert.deepEqual(testReasons(byMarker, 1), [{ kind: "always", by: "marker" }]);
    assert.deepEqual(outcomeOf(plan(byMarker)).tests, [nodeOf(1)]);
  });

  test("a marker of a result that holds no more says nothing", () => {
    const facts = [fact([1], { at: 2, remarks: { always: true } }), fact([], { at: 1 })];
    assert.equal(plan(known(facts, word({}), ["a"])).kind, "nothing");
  });
});

describe("opaque results", () => {
  const opaque = (depsets: readonly number[]): Remarks => ({ opaque: { reasons: ["child process: git x"], depsets } });
  const harmless: Partial<Word> = { isHarmless: (reason) => reason.includes("git") };

  test("need everything, unless their reasons are harmless", () => {
    const facts = [fact([1], { remarks: opaque([9]) })];
    assert.equal(plan(known(facts, word({}))).kind, "nothing");
    assert.deepEqual(outcomeOf(plan(known(facts, word({}), ["z"]))).tests, [nodeOf(1)]);
    assert.equal(plan(known(facts, word({}, harmless), ["z"])).kind, "nothing");
  });

  test("that were recorded as harmless prove nothing once they are harmless no more", () => {
    const facts = [fact([1], { remarks: opaque([]) })];
    assert.equal(plan(known(facts, word({}, harmless))).kind, "nothing");
    const now = known(facts, word({}));
    assert.deepEqual(testReasons(now, 1), [{ kind: "opaque", name: "child process: git x" }]);
    assert.deepEqual(outcomeOf(plan(now)).tests, [nodeOf(1)]);
  });

  test("run always where the configuration says so, and only they", () => {
    const always: Partial<Word> = { opaqueRunsAlways: true };
    const facts = [fact([1], { remarks: opaque([9]) })];
    assert.deepEqual(testReasons(known(facts, word({}, always)), 1), [
      { kind: "opaque", name: "child process: git x" },
    ]);
    assert.equal(plan(known(facts, word({}, { ...always, ...harmless }))).kind, "nothing");
    assert.equal(plan(known([fact([1])], word({}, always))).kind, "nothing");
  });

  test("and collections alike", () => {
    const table = {
      depsets: { 1: ["a"], 9: ["z"] },
      changed: ["z"],
      facts: { 1: [fact([1])] },
      collections: [collection(1, "t.py", [1], [1], { remarks: opaque([9]) })],
    };
    const decide = (said: Word) => select({ ...knowledgeOf(table), word: said }, scopeOf([]), [], () => true).kind;
    assert.deepEqual([decide(word({})), decide(word({}, harmless))], ["some", "nothing"]);
  });

  test("grades", () => {
    assert.deepEqual(gradeOf(NO_WORD, undefined), { grade: "exact", because: [] });
    assert.deepEqual(gradeOf(NO_WORD, undefined, ["f"]), { grade: "widened", because: ["f"] });
    assert.deepEqual(gradeOf(NO_WORD, opaque([9]), ["f"]), {
      grade: "opaque",
      because: ["child process: git x"],
    });
    assert.equal(gradeOf(word({}, harmless), opaque([9])).grade, "exact");
  });
});

describe("--also", () => {
  test("runs a proven test, and says why; an unproven one keeps its reason", () => {
    const also: Partial<Word> = { also: () => "t.py" };
    const proven = known([fact([1])], word({}, also));
    assert.deepEqual(testReasons(proven, 1), [{ kind: "also", name: "t.py" }]);
    assert.deepEqual(outcomeOf(plan(proven)), { tests: [nodeOf(1)], files: [], skipFiles: [], skipTests: {} });
    assert.deepEqual(testReasons(known([fact([1])], word({}, also), ["a"]), 1)[0]?.kind, "body-changed");
  });

  test("with an expression every file is collected, and what is proven is left out by id", () => {
    const decided = select(
      known([fact([1])], word({}, { alsoExpressions: ["x"] })),
      scopeOf([]),
      [{ path: "", reason: { kind: "also", name: "-k x" } }],
      () => true,
    );
    assert.deepEqual(outcomeOf(decided), {
      tests: [],
      files: [""],
      skipFiles: [],
      skipTests: { "t.py": [nodeOf(1)] },
    });
  });
});

describe("whatever is said", () => {
  const keys = [FILES, VARIABLE, COMMAND];
  const remarks: fc.Arbitrary<Remarks> = fc
    .record({
      values: fc.array(fc.constantFrom("1", "2", null), { minLength: 3, maxLength: 3 }),
      by: fc.constantFrom("marker" as const, "configuration" as const),
      always: fc.boolean(),
      opaque: fc.constantFrom(undefined, [], [9]),
    })
    .map(({ values, by, always, opaque }) => ({
      declared: keys.map((key, index) => value(key, values[index] ?? null, by)),
      ...(always ? { always } : {}),
      ...(opaque === undefined ? {} : { opaque: { reasons: ["child process: x"], depsets: opaque } }),
    }));
  const facts = fc.array(
    fc
      .record({ green: fc.boolean(), at: fc.nat(9), remarks: fc.option(remarks, { nil: undefined }) })
      .map((each): KnownFact => ({ ...each, outcome: each.green ? "passed" : "failed", depsets: [1] })),
    { maxLength: 4 },
  );
  const said = fc.record({
    always: fc.boolean(),
    also: fc.boolean(),
    declared: fc.subarray(keys),
    harmless: fc.boolean(),
    opaqueRunsAlways: fc.boolean(),
    allowsCommands: fc.boolean(),
  });
  const wordOf = (each: typeof said extends fc.Arbitrary<infer T> ? T : never): Word => ({
    always: () => each.always,
    also: () => (each.also ? "t.py" : undefined),
    declared: () => each.declared,
    value: ({ kind }) => (kind === "command" && !each.allowsCommands ? undefined : "1"),
    isHarmless: () => each.harmless,
    opaqueRunsAlways: each.opaqueRunsAlways,
    allowsCommands: each.allowsCommands,
    alsoExpressions: [],
  });
  const runs = (knowledge: ReturnType<typeof known>): boolean => plan(knowledge).kind !== "nothing";

  test("each test that runs has a reason, and each that does not has a proof", () => {
    fc.assert(
      fc.property(facts, said, fc.subarray(["a", "z"]), (each, what, changed) => {
        const knowledge = known(each, wordOf(what), changed);
        if (runs(knowledge)) {
          assert.ok(testReasons(knowledge, 1).length > 0);
        } else {
          const proof = proofOf(knowledge, 1);
          assert.ok(proof?.green === true && !what.always && !what.also && proof.remarks?.always !== true);
          assert.ok(!changed.includes("a"));
          assert.deepEqual(unmet(knowledge.word, 1, proof.remarks), []);
        }
      }),
    );
  });

  test("to declare more, or to allow less, never leaves out more; what is harmless never runs more", () => {
    fc.assert(
      fc.property(facts, said, fc.subarray(["a", "z"]), (each, what, changed) => {
        // Not of failures, and of tests that were marked to run always: those make a test run for as long as they hold.
        const passing = each.filter(({ green, remarks: own }) => green && own?.always !== true);
        const before = runs(known(passing, wordOf(what), changed));
        const more = [
          { ...what, always: true },
          { ...what, also: true },
          { ...what, declared: keys },
          { ...what, allowsCommands: false },
        ];
        for (const stricter of more) {
          assert.ok(!before || runs(known(passing, wordOf(stricter), changed)));
        }
        const strict = { ...what, harmless: false };
        const lax = { ...what, harmless: true };
        assert.ok(runs(known(passing, wordOf(strict), changed)) || !runs(known(passing, wordOf(lax), changed)));
      }),
    );
  });
});
