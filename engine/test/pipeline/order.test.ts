import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan } from "../../src/model/plan.ts";
import { orderDocument } from "../../src/pipeline/order.ts";
import { openStore } from "../../src/store/store.ts";

test("the newest outcome and duration of each test that the plan does not leave out", () => {
  const store = openStore(":memory:");
  store.write(() => {
    const environment = store.internEnvironment("here", "{}");
    const elsewhere = store.internEnvironment("elsewhere", "{}");
    const depset = store.internDepset([]);
    const add = (where: number, path: string, name: string, outcome: string, durationUs: number, at: number): void => {
      const test = store.internTest(`${path}::${name}`, path);
      store.addFact(where, {
        test,
        outcome,
        green: outcome === "passed",
        durationUs,
        at,
        run: "r",
        depsets: [depset],
      });
    };
    add(environment, "a.py", "test_1", "failed", 10, 2);
    add(environment, "a.py", "test_1", "passed", 11, 1);
    add(environment, "a.py", "test_2", "failed", 20, 1);
    add(environment, "a.py", "test_2", "passed", 21, 2);
    add(environment, "a.py", "test_3", "error", 30, 1);
    add(environment, "b.py", "test_4", "skipped", 40, 1);
    add(environment, "c.py", "test_5", "failed", 50, 1);
    add(elsewhere, "b.py", "test_6", "failed", 60, 1);
  });
  const everything: Plan = { kind: "everything", because: "", known: 0 };
  const some: Plan = {
    kind: "some",
    tests: [],
    files: [],
    skipFiles: ["c.py"],
    skipTests: new Map([["a.py", ["a.py::test_2"]]]),
    provided: new Map(),
    failed: new Map(),
    leftOutWithFiles: 0,
    upToDate: 0,
    known: 0,
  };
  const a = { "a.py::test_1": [true, 10], "a.py::test_3": [true, 30] };
  const b = { "b.py": { "b.py::test_4": [false, 40] } };
  assert.deepEqual(orderDocument("failures-first", store, "here", some), {
    kind: "failures-first",
    tests: { "a.py": a, ...b },
  });
  for (const plan of [everything, undefined]) {
    assert.deepEqual(orderDocument("failures-first", store, "here", plan), {
      kind: "failures-first",
      tests: { "a.py": { ...a, "a.py::test_2": [false, 21] }, ...b, "c.py": { "c.py::test_5": [true, 50] } },
    });
  }
  assert.equal(orderDocument("written", store, "here", some), null);
  assert.equal(orderDocument("failures-first", store, "nowhere", some), null);
  assert.equal(orderDocument("failures-first", undefined, "here", some), null);
  store.close();
});
