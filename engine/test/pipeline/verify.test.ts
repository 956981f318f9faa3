/** Runs that are compared with their plan, whatever happens in them: which misses are found, kept, counted, forgiven. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { decide } from "../../src/pipeline/decide.ts";
import { record } from "../../src/pipeline/record.ts";
import { accountOf, expectationOf, forgive, missesOf } from "../../src/pipeline/verify.ts";
import { total } from "../../src/verification/account.ts";
import { JournalBuilder } from "../support/journal.ts";
import { ALL_COMPILES, PYTHON, shaOfText, TestProject } from "../support/project.ts";

const NAMES = ["test_a", "test_b", "test_c"];
const TEXT = NAMES.map((name) => `def ${name}(): pass\n`).join("");
const GREEN = ["passed", "skipped", "xfailed"];
const idOf = (name: string): string => `test_x.py::${name}`;

/** Outcomes by test; a test without one did not run. */
type Outcomes = readonly (string | null)[];

function journalOf(outcomes: Outcomes, started: number): JournalBuilder {
  const journal = new JournalBuilder()
    .start({ python: PYTHON.version })
    .session({ roots: ["."] })
    .context(0, "session", "session")
    .context(1, "session", "walk", { inputs: [["listing", ".", ["test_x.py"]]] })
    .module("test_x.py", { sha: shaOfText(TEXT), ctx: 2 })
    .context(3, "file", "test_x.py", { uses: [2] })
    .collected("test_x.py", 3, NAMES.map(idOf), { survived: null, outcome: "passed", partial: false })
    .session({ roots: ["."], complete: true, args: ["."], customCollection: false, whole: true });
  outcomes.forEach((outcome, index) => {
    if (outcome !== null) {
      const name = NAMES[index] as string;
      const more = {
        outcome,
        green: GREEN.includes(outcome),
        started,
        codes: [["test_x.py", index + 1, name]] as const,
      };
      journal.test(idOf(name), "test_x.py", { uses: [3], ...more });
    }
  });
  return journal.end();
}

/** A run of everything that is compared with its plan; `times`: how often its journal is ingested. */
function observe(on: TestProject, outcomes: Outcomes, started: number, times = 1) {
  const request = on.request();
  const decision = decide(on.store, request, PYTHON, ALL_COMPILES, { mode: "observe" });
  const description = on.describe(decision);
  const path = join(on.layout.journals, `${description.run}-${process.pid}-0.journal`);
  const expectation = expectationOf(decision.plan, decision.knowledge, true);
  let summary = undefined as ReturnType<typeof record> | undefined;
  for (let time = 0; time < times; time++) {
    journalOf(outcomes, started).write(path);
    summary = record(on.store, request, PYTHON, description, [path], ALL_COMPILES, { expectation });
  }
  assert.ok(summary !== undefined);
  return summary;
}

const OUTCOME = fc.constantFrom(...GREEN, "passed", "passed", "failed", null);
const RUNS = fc.array(fc.tuple(...NAMES.map(() => OUTCOME)), { minLength: 1, maxLength: 6 });

test("a miss is a proven test with another outcome than its proof; then nothing proves it until it is forgiven", () => {
  fc.assert(
    fc.property(RUNS, fc.boolean(), (runs, twice) => {
      using on = new TestProject({ "test_x.py": TEXT });
      // What each test's newest green fact says; null once a failing one holds, which nothing outdates here.
      const proofs = new Map<string, string | null>();
      const missed = new Set<string>();
      let checked = 0;
      runs.forEach((outcomes, run) => {
        const ran = outcomes.flatMap((outcome, index) =>
          outcome === null ? [] : [[NAMES[index] ?? "", outcome] as const],
        );
        const proven = ran.filter(([name]) => !missed.has(name) && typeof proofs.get(name) === "string");
        const wanted = proven.filter(([name, outcome]) => proofs.get(name) !== outcome);
        const summary = observe(on, outcomes, 1000 + run, twice ? 2 : 1);
        assert.equal(summary.checked, proven.length);
        assert.deepEqual(
          summary.misses.map(({ id, was, outcome, missing }) => [id, was, outcome, missing]),
          wanted.map(([name, outcome]) => [idOf(name), proofs.get(name), outcome, []]),
        );
        checked += proven.length;
        for (const [name] of wanted) {
          missed.add(name);
        }
        for (const [name, outcome] of ran) {
          const failed = proofs.get(name) === null || !GREEN.includes(outcome);
          proofs.set(name, failed ? null : outcome);
        }
        assert.deepEqual([...missesOf(on.store).values()].map(({ id }) => id).sort(), [...missed].map(idOf).sort());
        const plan = on.plan();
        const known = NAMES.filter((name) => typeof proofs.get(name) === "string" && !missed.has(name));
        assert.equal(plan.kind === "everything" ? 0 : plan.upToDate, known.length);
      });
      const { runs: counted, observed, sampled, misses } = total(accountOf(on.store));
      assert.deepEqual([counted, observed, sampled, misses], [runs.length, checked, 0, missed.size]);

      assert.equal(forgive(on.store, () => true).length, missed.size);
      const plan = on.plan();
      const known = NAMES.filter((name) => typeof proofs.get(name) === "string");
      assert.equal(plan.kind === "everything" ? 0 : plan.upToDate, known.length);
    }),
    { numRuns: 60 },
  );
});

test("a store that nobody verified has nothing to say, and an interrupted run counts without being compared", () => {
  using on = new TestProject({ "test_x.py": TEXT });
  assert.deepEqual([missesOf(on.store).size, accountOf(on.store)], [0, {}]);
  on.run(() => [journalOf(["passed", "passed", "passed"], 1)]);
  const { summary } = on.run(() => [journalOf(["passed", "passed", "failed"], 2)]);
  assert.deepEqual([summary.checked, summary.misses], [0, []]);
  const { runs, tests, observed } = total(accountOf(on.store));
  assert.deepEqual([runs, tests, observed], [2, 6, 0]);
});
