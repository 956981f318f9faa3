/** `WINNOW_TRACE=1`: where the milliseconds went, for people and for programs. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Project } from "./project.ts";

interface TraceDocument {
  readonly totalMs: number;
  readonly stages: readonly { readonly stage: string; readonly ms: number; readonly within: string | null }[];
}

const TRACE = { env: { WINNOW_TRACE: "1" } };

function sum(rows: readonly { readonly ms: number }[]): number {
  return rows.reduce((total, { ms }) => total + ms, 0);
}

test("a run tells its stages, and pytest's parts among them; they add up", async () => {
  await using project = new Project();
  const first = await project.winnow(["run", "--json"], TRACE);
  const { trace } = JSON.parse(first.stdout) as { trace: TraceDocument };
  const own = trace.stages.filter(({ within }) => within === null);
  const names = own.map(({ stage }) => stage);
  for (const name of [
    "node",
    "load",
    "configuration",
    "store-open",
    "scan",
    "pytest",
    "journals",
    "record",
    "verdict",
  ]) {
    assert.ok(names.includes(name), `${name} is not among ${names.join(", ")}`);
  }
  // Each figure is rounded to a tenth.
  assert.ok(Math.abs(sum(own) - trace.totalMs) <= 0.05 * (own.length + 1), JSON.stringify(trace));
  const parts = trace.stages.filter(({ within }) => within === "pytest");
  assert.deepEqual(
    parts.map(({ stage }) => stage),
    ["start", "collection", "tests", "end"],
  );
  const pytest = own.find(({ stage }) => stage === "pytest");
  assert.ok(Math.abs(sum(parts) - (pytest?.ms ?? 0)) <= 0.3);
  assert.ok((parts[0]?.ms ?? 0) > 0);
  assert.match(first.stderr, /^winnow: where \d+\.\d ms went:\n(?: +\d+\.\d ms {2}.+\n)+/m);

  project.write({ "shop/cart.py": project.read("shop/cart.py").replace("RATE = 2", "RATE = 1 + 1") });
  const planned = await project.winnow(["plan", "--json"], TRACE);
  const plan = JSON.parse(planned.stdout) as { trace: TraceDocument };
  assert.ok(plan.trace.stages.some(({ stage, ms }) => stage === "module-level" && ms > 0));
  assert.ok(plan.trace.stages.some(({ stage, ms }) => stage === "compile" && ms > 0));
});

test("nothing is told unless it is asked for", async () => {
  await using project = new Project();
  const run = await project.winnow(["run", "--json"]);
  assert.ok(!("trace" in (JSON.parse(run.stdout) as object)));
  assert.doesNotMatch(run.stderr, /where .* ms went/);
  const idle = await project.winnow(["run"], TRACE);
  assert.match(idle.stderr, /where .* ms went/);
  assert.doesNotMatch(idle.stderr, /ms {2}pytest/);
  assert.deepEqual(idle.starts, []);
});
