/** Random small knowledge: what must be true of every plan. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Plan } from "../../src/model/plan.ts";
import { scopeOf } from "../../src/selection/scope.ts";
import type { KnownCollection, KnownFact } from "../../src/selection/select.ts";
import { keyOf, nodeOf, plan, type Table } from "./knowledge.ts";

const NAMES = ["a", "b", "c", "d"];
const TESTS = [1, 2, 3, 4];
const PATHS = ["t.py", "u.py", "d/v.py"];
const DEPSET = fc.integer({ min: 0, max: 5 });

const FACT: fc.Arbitrary<KnownFact> = fc
  .record({
    green: fc.boolean(),
    at: fc.nat(20),
    depsets: fc.array(DEPSET, { maxLength: 3 }),
    outcome: fc.constantFrom("passed", "failed"),
  })
  .map((fact) => ({ ...fact, outcome: fact.green ? "passed" : fact.outcome }));

const TABLE: fc.Arbitrary<Table> = fc
  .record({
    depsets: fc.array(fc.uniqueArray(fc.constantFrom(...NAMES)), { minLength: 6, maxLength: 6 }),
    changed: fc.uniqueArray(fc.constantFrom(...NAMES)),
    facts: fc.array(fc.array(FACT, { maxLength: 3 }), { minLength: TESTS.length, maxLength: TESTS.length }),
    collections: fc.array(
      fc.record({
        path: fc.constantFrom(...PATHS),
        green: fc.boolean(),
        at: fc.nat(20),
        // A test belongs to one file.
        tests: fc.subarray(TESTS),
        depsets: fc.array(DEPSET, { maxLength: 2 }),
      }),
      { maxLength: 5 },
    ),
    survivors: fc.array(fc.oneof(fc.constant("all" as const), fc.constant("unknown" as const), fc.subarray(TESTS)), {
      minLength: 5,
      maxLength: 5,
    }),
  })
  .map(({ depsets, changed, facts, collections, survivors }) => {
    const home = (test: number): string => PATHS[test % PATHS.length] ?? "";
    const known: KnownCollection[] = collections.map((each, index) => ({
      ...each,
      id: index + 1,
      outcome: each.green ? "passed" : "failed",
      tests: each.tests.filter((test) => home(test) === each.path),
    }));
    return {
      depsets: Object.fromEntries(depsets.map((names, index) => [index, names])),
      changed,
      facts: Object.fromEntries(facts.map((each, index) => [index + 1, each])),
      collections: known,
      survivors: Object.fromEntries(
        survivors.flatMap((each, index): [number, readonly number[] | "unknown"][] =>
          each === "all"
            ? []
            : [
                [
                  index + 1,
                  each === "unknown" ? each : (known[index]?.tests ?? []).filter((test) => each.includes(test)),
                ],
              ],
        ),
      ),
    };
  });

function holds(table: Table, depsets: readonly number[]): boolean {
  return depsets.every((depset) => !(table.depsets[depset] ?? []).some((name) => table.changed.includes(name)));
}

function isProven(table: Table, test: number): boolean {
  const holding = (table.facts[test] ?? []).filter((fact) => holds(table, fact.depsets));
  return holding.length > 0 && holding.every(({ green }) => green);
}

/** Whether pytest, given this plan, would run a test of this file if it yields it. */
function wouldRun(decided: Plan, path: string, test: number): boolean {
  switch (decided.kind) {
    case "everything":
      return true;
    case "nothing":
      return false;
    case "some":
      return !decided.skipFiles.includes(path) && !(decided.skipTests.get(path) ?? []).includes(nodeOf(test));
  }
}

const runs = { numRuns: 1500 };

test("a test is left out only if a passing fact of it holds and no failing one does", () => {
  fc.assert(
    fc.property(TABLE, (table) => {
      const decided = plan(table);
      for (const { path, tests, id, green, depsets } of table.collections) {
        const kept = table.survivors?.[id];
        for (const test of tests) {
          if (!wouldRun(decided, path, test) && !isProven(table, test)) {
            // Left out, not proven: then the collection that holds now does not yield it, or the user does not want it.
            const valid = table.collections.filter(
              (each) => each.path === path && each.green && holds(table, each.depsets),
            );
            assert.ok(
              valid.some((each) => !each.tests.includes(test)) ||
                valid.some(
                  (each) =>
                    Array.isArray(table.survivors?.[each.id]) && !table.survivors[each.id]?.includes(test as never),
                ),
              JSON.stringify({ path, test, id, kept, green, depsets }),
            );
          }
        }
      }
    }),
    runs,
  );
});

test("a proven test never runs, in whatever file", () => {
  fc.assert(
    fc.property(TABLE, (table) => {
      const decided = plan(table);
      if (decided.kind === "some") {
        for (const { id } of decided.tests) {
          assert.ok(!TESTS.some((test) => nodeOf(test) === id && isProven(table, test)), id);
        }
        for (const { path, tests } of table.collections) {
          const newest = table.collections.filter((each) => each.path === path).sort((a, b) => b.at - a.at);
          // Of a file whose collection does not hold only the newest one's ids can be told to pytest.
          if (newest.every((each) => each.tests.join() === tests.join())) {
            for (const test of tests.filter((each) => isProven(table, each))) {
              assert.ok(!wouldRun(decided, path, test), `${path} ${test}`);
            }
          }
        }
      }
    }),
    runs,
  );
});

test("a file is refused if, and only if, its collection holds, no failed one does, and each surviving test is proven", () => {
  fc.assert(
    fc.property(TABLE, (table) => {
      const decided = plan(table);
      for (const path of new Set(table.collections.map((each) => each.path))) {
        const holding = table.collections.filter((each) => each.path === path && holds(table, each.depsets));
        // Where several hold that do not yield the same, the newest counts: skip ties, which have no newest.
        const [newest] = [...holding].sort((a, b) => b.at - a.at);
        const same = holding.filter((each) => each.tests.join() === newest?.tests.join());
        if (newest === undefined || holding.some((each) => each !== newest && each.at === newest.at)) {
          continue;
        }
        const valid = holding.every(({ green }) => green);
        const known = same.map(({ id }) => table.survivors?.[id]).filter((kept) => kept !== "unknown");
        if (known.length > 1) {
          continue;
        }
        const kept = known.length === 0 ? undefined : (known[0] ?? newest.tests);
        const refused =
          valid && kept !== undefined && (kept as readonly number[]).every((test) => isProven(table, test));
        if (decided.kind === "some") {
          assert.equal(decided.skipFiles.includes(path), refused, path);
        } else if (decided.kind === "nothing") {
          assert.ok(refused, path);
        }
      }
    }),
    runs,
  );
});

test("everything that is selected has a reason", () => {
  fc.assert(
    fc.property(TABLE, (table) => {
      const decided = plan(table);
      if (decided.kind === "some") {
        for (const { reasons } of [...decided.tests, ...decided.files]) {
          assert.ok(reasons.length > 0);
        }
        assert.ok(decided.tests.length + decided.files.length > 0);
      }
      if (decided.kind === "nothing") {
        assert.ok(decided.upToDate > 0);
      }
    }),
    runs,
  );
});

test("a plan is a function of what is known: the same again, and in whatever order it was stored", () => {
  fc.assert(
    fc.property(TABLE, (table) => {
      // Facts of one time have no order of their own.
      const distinct = { ...table, collections: table.collections.map((each, index) => ({ ...each, at: index })) };
      const shuffled = {
        ...distinct,
        facts: Object.fromEntries(Object.entries(distinct.facts).reverse()),
      };
      assert.deepEqual(plan(distinct), plan(distinct));
      assert.deepEqual(plan(shuffled), plan(distinct));
    }),
    runs,
  );
});

test("a fact about one test makes no other test run", () => {
  fc.assert(
    fc.property(TABLE, fc.constantFrom(...TESTS), FACT, (table, test, fact) => {
      const before = plan(table);
      const after = plan({ ...table, facts: { ...table.facts, [test]: [...(table.facts[test] ?? []), fact] } });
      for (const { path, tests } of table.collections) {
        for (const other of tests.filter((each) => each !== test)) {
          // Where nothing at all would be left out, pytest is asked; that is about no test.
          if (before.kind !== "everything" && after.kind !== "everything" && !wouldRun(before, path, other)) {
            assert.ok(!wouldRun(after, path, other) || isAsked(after, path), `${path} ${other}`);
          }
        }
      }
    }),
    runs,
  );

  /** The file is collected again, for the sake of `test`: unknown tests in it run, proven ones still do not. */
  function isAsked(decided: Plan, path: string): boolean {
    return decided.kind === "some" && !decided.skipFiles.includes(path);
  }
});

test("one changed key in any set of a test's only fact selects it", () => {
  const sets = fc.array(fc.uniqueArray(fc.constantFrom(...NAMES)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(sets, fc.nat(), fc.nat(), (depsets, which, member) => {
      const names = depsets[which % depsets.length] ?? [];
      fc.pre(names.length > 0);
      const changed = names[member % names.length] as string;
      const table: Table = {
        depsets: Object.fromEntries(depsets.map((each, index) => [index, each])),
        changed: [changed],
        facts: { 1: [{ outcome: "passed", green: true, at: 1, depsets: depsets.map((_, index) => index) }] },
        collections: [{ id: 1, path: "t.py", outcome: "passed", green: true, at: 1, tests: [1], depsets: [] }],
      };
      const decided = plan(table);
      assert.ok(decided.kind === "some");
      assert.deepEqual(decided.tests, [
        { id: nodeOf(1), reasons: [{ kind: "body-changed", path: keyOf(changed).path, name: changed }] },
      ]);
    }),
    runs,
  );
});

test("a wider request never leaves out what a narrower one runs", () => {
  fc.assert(
    fc.property(TABLE, fc.constantFrom(...PATHS, "d"), (table, path) => {
      const narrow = plan(table, scopeOf([{ path, ids: null }]));
      const wide = plan(table);
      if (narrow.kind === "some") {
        assert.notEqual(wide.kind, "nothing");
        for (const { id } of narrow.tests) {
          assert.ok(wide.kind === "everything" || (wide.kind === "some" && wide.tests.some((each) => each.id === id)));
        }
      }
    }),
    runs,
  );
});
