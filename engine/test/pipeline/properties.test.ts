/**
 * From edits to plans over real files, a real store and real journals, without Python: random programs, random edits.
 * The oracle knows for each test all that its outcome can depend on.
 */

import assert from "node:assert/strict";
import { existsSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, mock, test } from "node:test";
import fc from "fast-check";
import { filesOf, type Program, type Source } from "../support/program.ts";
import { apply, EDIT, FUNCTIONS, PROGRAM, Walk } from "../support/walk.ts";

const RUNS = Number(process.env["WINNOW_RUNS"] ?? 40);

describe("over random programs and edits", () => {
  test("what a change concerns runs, and nothing else", () => {
    fc.assert(
      fc.property(PROGRAM, fc.array(EDIT, { minLength: 1, maxLength: 6 }), (program, edits) => {
        using walk = new Walk(program);
        walk.run();
        walk.settle();
        for (const edit of edits) {
          walk.go(apply(walk.history, edit));
          if (edit[0] === "touch") {
            walk.touch();
          }
          walk.judge(walk.project.plan(), "");
          walk.run();
          walk.settle();
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("however many edits lie between two runs", () => {
    fc.assert(
      fc.property(
        PROGRAM,
        fc.array(fc.array(EDIT, { maxLength: 3 }), { minLength: 1, maxLength: 4 }),
        (program, rounds) => {
          using walk = new Walk(program);
          walk.run();
          for (const edits of rounds) {
            for (const edit of edits) {
              walk.go(apply(walk.history, edit));
              // Looking changes nothing.
              walk.judge(walk.project.plan(), "");
              walk.project.remember();
            }
            walk.run();
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("in two environments that know nothing of each other", () => {
    const environments = ["", "-W error"];
    fc.assert(
      fc.property(PROGRAM, fc.array(fc.tuple(EDIT, fc.nat(1)), { minLength: 2, maxLength: 6 }), (program, steps) => {
        using walk = new Walk(program);
        for (const [edit, which] of steps) {
          const environment = environments[which] as string;
          const options = { args: environment.split(" ").filter(Boolean) };
          walk.go(apply(walk.history, edit));
          walk.run(options, environment);
          walk.settle(options);
          for (const other of environments) {
            walk.judge(walk.project.plan({ args: other.split(" ").filter(Boolean) }), other);
          }
        }
      }),
      { numRuns: RUNS },
    );
  });
});

/** a ← b ← the first file; c ← the second: one test per function. */
function example(
  versions: Readonly<Record<string, number>> = {},
  constants: Readonly<Record<string, number>> = {},
): Program {
  const functions = (module: string, calls: readonly (readonly string[])[]) =>
    calls.map((each, index) => ({
      name: FUNCTIONS[index] ?? "h",
      version: versions[`${module}.${FUNCTIONS[index]}`] ?? 1,
      calls: each,
      reads: module === "b" && index === 1,
    }));
  const source = (path: string, imports: readonly string[], each: Source["functions"]): Source => ({
    path,
    imports,
    constant: constants[path] ?? 1,
    comments: 0,
    functions: each,
  });
  const tests = (calls: readonly string[]) =>
    calls.map((call) => ({ name: `test_${call.replace(".", "_")}`, version: 1, calls: [call] }));
  return {
    sources: [
      source("a.py", [], functions("a", [[], []])),
      source("b.py", ["a"], functions("b", [["a.f"], []])),
      source("c.py", [], functions("c", [[], []])),
      source("tests/test_0.py", ["b"], tests(["b.f", "b.g"])),
      source("tests/test_1.py", ["c"], tests(["c.f", "c.g"])),
    ],
  };
}

describe("in one program", () => {
  test("a body runs who touched it, a constant who reads it, and undoing either runs nothing", () => {
    using walk = new Walk(example());
    assert.equal(walk.run().ran.length, 4);
    walk.go(example({ "a.f": 2 }));
    assert.deepEqual(walk.run().ran, ["tests/test_0.py::test_b_f"]);
    walk.go(example());
    assert.equal(walk.project.plan().kind, "nothing");
    walk.go(example({}, { "a.py": 2 }));
    assert.equal(walk.project.plan().kind, "nothing");
    walk.go(example({}, { "b.py": 2 }));
    assert.deepEqual(walk.run().ran, ["tests/test_0.py::test_b_g"]);
    walk.go(example());
    assert.equal(walk.project.plan().kind, "nothing");
  });

  test("A, B, C, B, A: each state is proven once", () => {
    using walk = new Walk(example());
    walk.run();
    const states = [example({ "a.f": 2 }), example({ "a.f": 2, "c.g": 2 })];
    for (const state of states) {
      walk.go(state);
      assert.equal(walk.run().ran.length, 1);
    }
    for (const state of [states[0] as Program, example(), ...states]) {
      walk.go(state);
      assert.deepEqual(walk.project.plan(), { kind: "nothing", upToDate: 4 });
    }
  });

  test("a failing edit that is undone runs nothing, and comes back as failed", () => {
    using walk = new Walk(example());
    walk.run();
    walk.go(example({ "a.f": 7 }));
    assert.deepEqual(walk.run().ran, ["tests/test_0.py::test_b_f"]);
    assert.deepEqual(walk.run().ran, ["tests/test_0.py::test_b_f"]);
    walk.go(example());
    assert.equal(walk.project.plan().kind, "nothing");
    walk.go(example({ "a.f": 7 }));
    const plan = walk.project.plan();
    assert.ok(plan.kind === "some");
    assert.equal(plan.tests[0]?.reasons[0]?.kind, "failed");
  });

  test("touching everything runs nothing; once remembered, nothing is read again", () => {
    using walk = new Walk(example());
    walk.run();
    walk.touch();
    const touched = walk.project.decide();
    assert.deepEqual([touched.plan.kind, touched.changes], ["nothing", []]);
    assert.ok(touched.restamped > 0);
    // By a clock on which all of that was long ago.
    mock.timers.enable({ apis: ["Date"], now: Date.now() + 60_000 });
    try {
      walk.project.remember();
      const again = walk.project.decide();
      assert.deepEqual([again.plan.kind, again.restamped, again.changes], ["nothing", 0, []]);
      // The stored verdict: nobody had to ask what is known.
      assert.equal(again.knowledge, undefined);
      const generation = walk.project.store.generation();
      walk.project.decide();
      assert.equal(walk.project.store.generation(), generation);
      // An edit is seen all the same, of equal size and with its time put back.
      const file = join(walk.project.root, "a.py");
      const { mtime, atime, size } = statSync(file);
      writeFileSync(file, filesOf(example({ "a.f": 2 }))["a.py"] ?? "");
      utimesSync(file, atime, mtime);
      assert.equal(statSync(file).size, size);
      assert.deepEqual(walk.project.selected(), ["tests/test_0.py::test_b_f"]);
    } finally {
      mock.timers.reset();
    }
  });

  test("two environments prove nothing to each other", () => {
    using walk = new Walk(example());
    walk.run();
    assert.equal(walk.project.plan({ args: ["-W", "error"] }).kind, "everything");
    walk.run({ args: ["-W", "error"] }, "-W error");
    walk.go(example({ "c.f": 2 }));
    assert.deepEqual(walk.run({ args: ["-W", "error"] }, "-W error").ran, ["tests/test_1.py::test_c_f"]);
    assert.deepEqual(walk.project.selected(), ["tests/test_1.py::test_c_f"]);
    assert.deepEqual(walk.run().ran, ["tests/test_1.py::test_c_f"]);
    assert.ok(existsSync(walk.project.layout.database));
  });

  test("a new file runs, also one that lies in a new directory", () => {
    using walk = new Walk(example());
    walk.run();
    const more: Source = { path: "tests/deep/er/test_new.py", imports: [], constant: 1, comments: 0, functions: [] };
    walk.go({ sources: [...example().sources, more] });
    const plan = walk.project.plan();
    assert.ok(plan.kind === "some");
    assert.deepEqual(plan.files, [{ path: more.path, reasons: [{ kind: "new-file", path: more.path }] }]);
  });
});
