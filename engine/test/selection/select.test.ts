import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { describeReason } from "../../src/model/reason.ts";
import { scopeOf } from "../../src/selection/scope.ts";
import { proofOf, select, testReasons } from "../../src/selection/select.ts";
import { NO_WORD } from "../../src/selection/word.ts";
import { collection, fact, knowledgeOf, nodeOf, outcomeOf, plan, red, type Table } from "./knowledge.ts";

/** Depset 0 holds always; depset n is the body `n`. */
const DEPSETS = { 0: [], 1: ["one"], 2: ["two"], 3: ["one", "two"], 9: ["import"] } as const;

function table(more: Partial<Table>): Table {
  return { depsets: DEPSETS, changed: [], facts: {}, collections: [], ...more };
}

describe("a test is proven", () => {
  const cases: readonly [what: string, facts: Table["facts"][number], changed: readonly string[], proven: boolean][] = [
    ["by a passing fact that holds", [fact([1])], [], true],
    ["by one with nothing to depend on", [fact([])], ["one", "two"], true],
    ["by none", [], [], false],
    ["not by one that does not hold", [fact([1])], ["one"], false],
    ["not by one of which one set does not hold", [fact([2, 1])], ["one"], false],
    ["by an older one that holds", [fact([1], { at: 9 }), fact([2], { at: 1 })], ["one"], true],
    ["not where a failing one holds", [red([1])], [], false],
    [
      "not where a failing one holds, older than the passing one",
      [fact([1], { at: 9 }), red([2], { at: 1 })],
      [],
      false,
    ],
    [
      "not where a failing one holds, newer than the passing one",
      [fact([1], { at: 1 }), red([2], { at: 9 })],
      [],
      false,
    ],
    ["where the failing one does not hold any more", [fact([1]), red([2], { at: 9 })], ["two"], true],
    ["not by one that passed after a rerun", [fact([1], { green: false })], [], false],
    ["by skipped and expected failures", [fact([1], { outcome: "xfailed" })], [], true],
  ];
  for (const [what, facts, changed, proven] of cases) {
    test(what, () => {
      const knowledge = knowledgeOf(table({ facts: { 1: facts }, changed }));
      assert.equal(proofOf(knowledge, 1) !== undefined, proven);
    });
  }

  test("by the newest of several", () => {
    const knowledge = knowledgeOf(table({ facts: { 1: [fact([1], { at: 1 }), fact([2], { at: 9 })] } }));
    assert.equal(proofOf(knowledge, 1)?.at, 9);
  });
});

describe("a test of which a proof was wrong once", () => {
  const facts = { 1: [fact([1])], 2: [fact([2])] };
  const missed = table({ facts, collections: [collection(1, "t.py", [1, 2], [0])], missed: [1] });

  test("runs whatever proves it, and says why", () => {
    const decided = plan(missed);
    assert.ok(decided.kind === "some");
    assert.deepEqual(decided.tests, [
      { id: nodeOf(1), reasons: [{ kind: "missed-before", at: 1, was: "passed", outcome: "failed" }] },
    ]);
    assert.deepEqual([...decided.skipTests], [["t.py", [nodeOf(2)]]]);
    assert.equal(proofOf(knowledgeOf(missed), 1), undefined);
  });

  test("is proven by facts that hold what was declared since, as long as it is declared", () => {
    const declared = (name: string, by: "marker" | "configuration") => ({
      remarks: { declared: [{ kind: "env", name, value: "1", by } as const] },
    });
    const proofs = (of: ReturnType<typeof fact>, asked: readonly string[]): boolean => {
      const knowledge = knowledgeOf({ ...missed, facts: { ...facts, 1: [of, fact([1], { at: 0 })] } });
      const keys = asked.map((name) => ({ kind: "env", name }) as const);
      const word = { ...NO_WORD, declared: () => keys, value: () => "1" };
      const before = { at: 1, was: "passed", outcome: "failed", declared: ["env\nOLD"] };
      return proofOf({ ...knowledge, word, missed: new Map([[1, before]]) }, 1) !== undefined;
    };
    assert.equal(proofs(fact([1], declared("NEW", "marker")), []), true);
    assert.equal(proofs(fact([1], declared("NEW", "configuration")), ["NEW"]), true);
    assert.equal(proofs(fact([1], declared("NEW", "configuration")), []), false);
    assert.equal(proofs(fact([1], declared("OLD", "marker")), []), false);
    assert.equal(proofs(fact([1]), ["NEW"]), false);
    assert.equal(proofs(red([1], declared("NEW", "marker")), []), false);
  });

  test("is one of those that may have changed besides", () => {
    assert.deepEqual(
      testReasons(knowledgeOf({ ...missed, changed: ["one"] }), 1).map(({ kind }) => kind),
      ["missed-before"],
    );
  });
});

describe("a sampled test", () => {
  const known = table({
    facts: { 1: [fact([1])], 2: [fact([2])], 3: [fact([2])] },
    changed: ["one"],
    collections: [collection(1, "t.py", [1, 2, 3], [0])],
  });
  const sampled = (of: Table, ids: readonly number[]) =>
    select(
      knowledgeOf(of),
      scopeOf([]),
      [],
      () => true,
      (id) => ids.map(nodeOf).includes(id),
    );

  test("runs though it is proven, is not counted as left out, and says why", () => {
    const decided = sampled(known, [1, 2]);
    assert.ok(decided.kind === "some");
    assert.deepEqual(
      decided.tests.map(({ id, reasons }) => [id, reasons.map(({ kind }) => kind)]),
      [
        [nodeOf(1), ["body-changed"]],
        [nodeOf(2), ["sampled"]],
      ],
    );
    assert.deepEqual([decided.upToDate, decided.known, [...decided.skipTests]], [1, 3, [["t.py", [nodeOf(3)]]]]);
  });

  test("has its file collected", () => {
    const file = { ...known, changed: [] };
    assert.deepEqual(plan(file), { kind: "nothing", upToDate: 3 });
    const decided = sampled(file, [2]);
    assert.ok(decided.kind === "some");
    assert.deepEqual([decided.skipFiles, [...decided.skipTests]], [[], [["t.py", [nodeOf(1), nodeOf(3)]]]]);
  });

  test("is none where it is not known whether pytest will come by it", () => {
    const decided = sampled({ ...known, survivors: { 1: "unknown" } }, [2]);
    assert.ok(decided.kind === "some");
    assert.deepEqual(
      decided.tests.map(({ id }) => id),
      [nodeOf(1)],
    );
  });
});

describe("the reasons of a test", () => {
  const reasons = (facts: Table["facts"][number], changed: readonly string[], broken: Table["broken"] = {}) =>
    testReasons(knowledgeOf(table({ facts: { 1: facts }, changed, broken })), 1);

  test("without a record", () => {
    assert.deepEqual(reasons([], []), [{ kind: "no-record" }]);
  });
  test("that failed last", () => {
    assert.deepEqual(reasons([red([1], { at: 7 }), fact([2], { at: 9 })], []), [{ kind: "failed", at: 7 }]);
  });
  test("that passed after a rerun", () => {
    const [reason] = reasons([fact([1], { green: false })], []);
    assert.deepEqual(reason, { kind: "not-proven", outcome: "passed after a rerun" });
    assert.match(describeReason(reason as never), /passed after a rerun/);
  });
  test("are what changed since it passed last, not since it failed", () => {
    const found = reasons([red([2], { at: 9 }), fact([1], { at: 1 })], ["one", "two"]);
    assert.deepEqual(found, [{ kind: "body-changed", path: "m.py", name: "one" }]);
  });
  test("that only ever failed are what changed since that", () => {
    assert.deepEqual(reasons([red([2])], ["two"]), [{ kind: "body-changed", path: "m.py", name: "two" }]);
  });
  test("name each change once, over all sets", () => {
    assert.equal(reasons([fact([3, 1, 2])], ["one", "two"]).length, 2);
  });
  test("tell of a file that is no Python any more once, not of each of its bodies", () => {
    const found = reasons([fact([3])], ["one", "two"], { "m.py": "line 1: no" });
    assert.deepEqual(found, [{ kind: "unparsable", path: "m.py", message: "line 1: no" }]);
  });
  test("are never without one, whatever is missing", () => {
    const knowledge = { ...knowledgeOf(table({ facts: { 1: [fact([1])] }, changed: ["one"] })), changed: () => [] };
    assert.equal(testReasons(knowledge, 1).length, 1);
  });
  test("are at most eight", () => {
    const names = Array.from({ length: 20 }, (_, i) => `f${i}`);
    const knowledge = knowledgeOf(table({ depsets: { 1: names }, facts: { 1: [fact([1])] }, changed: names }));
    assert.equal(testReasons(knowledge, 1).length, 8);
  });
});

describe("a file", () => {
  const facts = { 1: [fact([1])], 2: [fact([2])] };
  const collections = [collection(1, "t.py", [1, 2], [9])];

  test("whose tests are all proven is not collected", () => {
    assert.deepEqual(plan(table({ facts, collections })), { kind: "nothing", upToDate: 2 });
  });

  test("with one that is not is collected, without those that are", () => {
    const decided = plan(table({ facts, collections, changed: ["two"] }));
    assert.deepEqual(outcomeOf(decided), {
      tests: [nodeOf(2)],
      files: [],
      skipFiles: [],
      skipTests: { "t.py": [nodeOf(1)] },
    });
    assert.ok(decided.kind === "some" && decided.upToDate === 1 && decided.known === 2);
  });

  test("whose collection does not hold is collected, without the tests that are proven", () => {
    const decided = plan(table({ facts: { 1: [fact([1])], 2: [fact([9])] }, collections, changed: ["import"] }));
    assert.deepEqual(outcomeOf(decided), {
      tests: [],
      files: ["t.py"],
      skipFiles: [],
      skipTests: { "t.py": [nodeOf(1)] },
    });
    assert.ok(decided.kind === "some");
    assert.deepEqual(decided.files[0]?.reasons, [{ kind: "body-changed", path: "m.py", name: "import" }]);
  });

  test("beside one that runs is refused, and its tests are counted", () => {
    const decided = plan(
      table({
        facts: { ...facts, 3: [fact([2])] },
        collections: [collection(1, "t.py", [1], [9]), collection(2, "u.py", [3], [9])],
        changed: ["two"],
      }),
    );
    assert.deepEqual(outcomeOf(decided), { tests: [nodeOf(3)], files: [], skipFiles: ["t.py"], skipTests: {} });
    assert.ok(decided.kind === "some" && decided.leftOutWithFiles === 1);
  });

  test("that failed to be collected is collected, though it was collected before on the same state", () => {
    const decided = plan(
      table({ facts, collections: [...collections, collection(2, "t.py", [], [9], { green: false, at: 5 })] }),
    );
    assert.deepEqual(outcomeOf(decided).files, ["t.py"]);
    assert.ok(decided.kind === "some");
    assert.deepEqual(decided.files[0]?.reasons, [{ kind: "failed", at: 5 }]);
  });

  test("that failed on another state is proven by the collection that holds", () => {
    const decided = plan(
      table({
        facts,
        collections: [...collections, collection(2, "t.py", [], [9, 3], { green: false, at: 5 })],
        depsets: { ...DEPSETS, 3: ["typo"] },
        changed: ["typo"],
      }),
    );
    assert.deepEqual(decided, { kind: "nothing", upToDate: 2 });
  });

  test("yields what the newest collection that holds says", () => {
    const decided = plan(
      table({
        facts: { 1: [fact([1])] },
        collections: [collection(1, "t.py", [1], [9], { at: 1 }), collection(2, "t.py", [1, 2], [9], { at: 2 })],
      }),
    );
    assert.deepEqual(outcomeOf(decided).tests, [nodeOf(2)]);
  });

  test("that is gone is no file", () => {
    const more = collection(2, "u.py", [1], [9]);
    assert.deepEqual(plan(table({ facts, collections: [...collections, more] }), undefined, [], ["t.py"]), {
      kind: "nothing",
      upToDate: 1,
    });
  });

  test("that is new is collected", () => {
    const decided = plan(table({ facts, collections }), scopeOf([]), [
      { path: "new.py", reason: { kind: "new-file", path: "new.py" } },
    ]);
    assert.deepEqual(outcomeOf(decided), { tests: [], files: ["new.py"], skipFiles: ["t.py"], skipTests: {} });
  });
});

describe("the user's selection", () => {
  const facts = { 1: [fact([1])], 2: [fact([2])] };
  const collections = [collection(1, "t.py", [1, 2], [9])];

  test("decides for which tests the file is collected", () => {
    assert.deepEqual(plan(table({ facts, collections, changed: ["two"], survivors: { 1: [1] } })), {
      kind: "nothing",
      upToDate: 1,
    });
    assert.deepEqual(outcomeOf(plan(table({ facts, collections, changed: ["two"], survivors: { 1: [2] } }))).tests, [
      nodeOf(2),
    ]);
  });

  test("whose outcome is not known has the file collected, without the tests that are proven", () => {
    const decided = plan(table({ facts, collections, changed: ["two"], survivors: { 1: "unknown" } }));
    assert.deepEqual(outcomeOf(decided).files, ["t.py"]);
    assert.deepEqual(outcomeOf(decided).skipFiles, []);
    assert.deepEqual(outcomeOf(decided).skipTests, { "t.py": [nodeOf(1)] });
    const proven = plan(table({ facts, collections, survivors: { 1: "unknown" } }));
    assert.deepEqual(outcomeOf(proven).files, ["t.py"]);
    assert.ok(proven.kind === "some");
    assert.deepEqual(proven.files[0]?.reasons, [{ kind: "selection-unknown" }]);
  });

  test("that keeps nothing leaves the answer to pytest", () => {
    const decided = plan(table({ facts, collections, survivors: { 1: [] } }));
    assert.equal(decided.kind, "everything");
  });

  test("of paths leaves the others alone", () => {
    const two = [...collections, collection(2, "u.py", [3], [9])];
    assert.deepEqual(
      outcomeOf(plan(table({ facts, collections: two }), scopeOf([{ path: "t.py", ids: null }]))).tests,
      ["nothing"],
    );
    assert.deepEqual(
      outcomeOf(plan(table({ facts, collections: two }), scopeOf([{ path: "u.py", ids: null }]))).tests,
      [nodeOf(3)],
    );
  });

  test("of ids never refuses the file, because others of its ids would be gone too", () => {
    const scope = scopeOf([{ path: "t.py", ids: "test_1" }]);
    assert.deepEqual(plan(table({ facts, collections, changed: ["two"] }), scope), { kind: "nothing", upToDate: 1 });
    const decided = plan(table({ facts, collections: [...collections, collection(2, "u.py", [3], [9])] }), {
      ...scope,
      hasFile: () => true,
      hasTest: (path, node) => path === "u.py" || node === nodeOf(1),
    });
    assert.deepEqual(outcomeOf(decided), {
      tests: [nodeOf(3)],
      files: [],
      skipFiles: [],
      skipTests: { "t.py": [nodeOf(1), nodeOf(2)] },
    });
  });
});

test("where nothing is known there is nothing to leave out", () => {
  assert.equal(plan(table({})).kind, "everything");
});
