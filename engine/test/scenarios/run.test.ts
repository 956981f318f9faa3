/**
 * Runs every scenario for real: a temporary project, the built engine, pytest, and a recorder that tells what ran.
 *
 * Two things are counted. Every test that a step lists must run (a miss is never acceptable), and no other test may
 * run unless the block says `at-least`. Then the reasons that `winnow run --json` gives are compared.
 *
 *     WINNOW_TEST_PYTHON   the interpreter; by default the first one found that has pytest
 *     WINNOW_TEST_CLI      the engine; by default the one that `npm run build` made
 *     WINNOW_SCENARIOS     only scenarios whose path contains this
 *     WINNOW_ORDER         collected, reversed, shuffled or parallel: all scenarios in that order of tests
 *     WINNOW_PLAN=1        asks `winnow plan` before each run instead, and sees to it that nothing is started by that
 *     WINNOW_PART=2/3      the second third of the scenarios
 *     WINNOW_LANES         how many scenarios run at a time (2)
 *     RECORD=1             keeps what was recorded for the replay on the decisions alone (golden/recorded.json);
 *                          RECORD=missing runs only scenarios of which it has nothing, or another text
 *     UPDATE=1             rewrites the selected blocks to what ran, for review
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { expand, findPython, missing, type Python, type Ran, readScenarioFiles, Workspace } from "./project.ts";
import { judgeReasons, type PlanJson, reasonsFor, written } from "./reasons.ts";
import { type RecordedScenario, readRecorded, Snapshots, textOf, writeRecorded } from "./recorded.ts";
import { isOrder, type Order, parseScenario, type Scenario, type Step } from "./scenario.ts";

const WINNOW = process.env["WINNOW_TEST_CLI"] ?? join(import.meta.dirname, "../../../dist/winnow.mjs");
const CONCURRENCY = Number(process.env["WINNOW_LANES"] ?? 2);
const PLAN_APART = process.env["WINNOW_PLAN"] === "1";

/** What is wrong with one step; empty if nothing. */
function judge(step: Step, ran: Ran, plan: PlanJson, all: ReadonlySet<string>, known: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  const listed = new Set<string>();
  if (step.body === null && ran.outcomes.size === 0) {
    problems.push("MISSED everything: the first run ran no test");
  }
  for (const { id, reasons } of step.selected.tests) {
    for (const each of expand(id, all)) {
      listed.add(each);
      if (!ran.outcomes.has(each)) {
        problems.push(`MISSED ${each}`);
      } else {
        const problem = judgeReasons(reasons, reasonsFor(each, plan));
        problems.push(...(problem === null ? [] : [`REASON ${each}: ${problem}`]));
      }
    }
  }
  const tolerated = new Set(step.mayRun.flatMap((each) => expand(each, all)));
  if (!step.selected.atLeast) {
    for (const id of ran.outcomes.keys()) {
      if (!listed.has(id) && !tolerated.has(id)) {
        problems.push(`SURPLUS ${id} (${reasonsFor(id, plan).join(", ") || "without a reason"})`);
      }
    }
  }
  for (const id of step.upToDate.flatMap((each) => expand(each, all))) {
    if (ran.outcomes.has(id)) {
      problems.push(`SURPLUS ${id} (${reasonsFor(id, plan).join(", ") || "without a reason"})`);
    }
  }
  for (const id of ran.outcomes.keys()) {
    if (known.has(id) && reasonsFor(id, plan).length === 0) {
      problems.push(`UNPLANNED ${id} ran, and the plan does not say why`);
    }
  }
  if (listed.size === 0 && ran.started && tolerated.size === 0) {
    const asked = step.selected.asked;
    if (asked === null && step.exit === null) {
      const files = (plan.files ?? []).map((each) => `${each.path} (${each.reasons.map(written).join(", ")})`);
      problems.push(`SURPLUS pytest was started for no test: ${files.join(", ") || "without a reason"}`);
    } else if (asked !== null) {
      const everything = plan.kind === "everything" ? [`everything ${plan.because}`] : [];
      const given = [...everything, ...(plan.files ?? []).flatMap((each) => each.reasons.map(written))];
      const problem = judgeReasons(asked, given);
      problems.push(...(problem === null ? [] : [`REASON for asking pytest: ${problem}`]));
    }
  }
  if (step.outcomes !== null) {
    for (const [id, outcome] of ran.outcomes) {
      const expected = step.outcomes.get(id) ?? "passed";
      if (outcome !== expected) {
        problems.push(`OUTCOME ${id} is ${outcome}, not ${expected}`);
      }
    }
  }
  return problems;
}

/** What the exit code must be: pytest's own, and 0 where there was nothing to run. */
function expectedExit(step: Step, ran: Ran): number {
  if (step.exit !== null) {
    return step.exit;
  }
  const nothing = ran.outcomes.size === 0 && (!ran.started || ran.exit === 5);
  return nothing ? 0 : (ran.exit ?? -1);
}

const recordings = new Map<string, RecordedScenario>();

async function runScenario(scenario: Scenario, python: Python, order: Order, path: string): Promise<void> {
  const snapshots = new Snapshots(scenario);
  const workspace = new Workspace(scenario, python, order);
  const problems: string[] = [];
  const known = new Set<string>();
  const updates: { body: readonly [number, number]; lines: string[] }[] = [];
  try {
    for (const step of scenario.steps) {
      workspace.apply(step);
      const env = workspace.environment(step);
      const where = ["-C", workspace.root, "--python", workspace.python];
      const args = ["--", ...workspace.args(step)];
      const winnow = (...command: string[]): ReturnType<Workspace["run"]> =>
        workspace.run(process.execPath, [WINNOW, ...command, ...where, ...args], env);
      const planned = PLAN_APART ? await winnow("plan", "--json") : null;
      if (planned?.ran.started) {
        problems.push(`line ${step.line}: winnow plan started pytest`);
      }
      const { ran, code, stdout, stderr } = await winnow("run", ...(PLAN_APART ? [] : ["--json"]));
      let plan: PlanJson = {};
      try {
        plan = planned === null ? (JSON.parse(stdout).plan ?? {}) : JSON.parse(planned.stdout);
      } catch {
        problems.push(
          `line ${step.line}: no plan: exit ${code}, ${planned?.stdout ?? stdout}${planned?.stderr ?? stderr}`,
        );
      }
      const vague = [...step.selected.tests.map(({ id }) => id), ...step.upToDate, ...step.mayRun].some(
        (id) => !id.includes("::"),
      );
      // Nothing is known before the first run, so nothing can be left out of it.
      const all = vague && step.body !== null ? await workspace.collect(step) : new Set(ran.outcomes.keys());
      const found = judge(step, ran, plan, all, known);
      for (const id of ran.outcomes.keys()) {
        known.add(id);
      }
      found.push(...snapshots.take(workspace.root, step, workspace.args(step), env, [...all]));
      const exit = expectedExit(step, ran);
      if (code !== exit) {
        found.push(`EXIT ${code}, not ${exit}`);
      }
      if (process.env["WINNOW_SHOW"] || (found.length > 0 && ran.started && ran.exit === null)) {
        found.push(`${stdout}\n${stderr}`);
      }
      problems.push(...found.map((each) => `line ${step.line}: ${each}`));
      if (found.length > 0 && step.body !== null && !step.selected.atLeast) {
        const ids = [...ran.outcomes.keys()];
        const width = Math.max(0, ...ids.map((id) => id.length)) + 4;
        const lines = ids.map((id) => `${id.padEnd(width)}${reasonsFor(id, plan).join(" | ")}`);
        updates.push({ body: step.body, lines: lines.length > 0 ? lines : ["none"] });
      }
    }
  } finally {
    if (process.env["WINNOW_KEEP"]) {
      console.log(`kept: ${workspace.root}`);
    } else {
      workspace.remove();
    }
  }
  if (process.env["RECORD"] && problems.length === 0 && order === scenario.orders[0]) {
    recordings.set(scenario.name, snapshots.finish(readFileSync(path, "utf8")));
  }
  if (process.env["UPDATE"] && updates.length > 0) {
    const lines = readFileSync(path, "utf8").split("\n");
    for (const { body, lines: replacement } of updates.reverse()) {
      lines.splice(body[0], body[1] - body[0], ...replacement);
    }
    writeFileSync(path, lines.join("\n"));
  }
  assert.deepEqual(problems, [], `\n${problems.map((each) => `scenarios/${scenario.name}.md ${each}`).join("\n")}\n`);
}

/** At most CONCURRENCY scenarios at a time. */
function limiter(): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= CONCURRENCY) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    running++;
    try {
      return await work();
    } finally {
      running--;
      waiting.shift()?.();
    }
  };
}

test("scenarios, for real", { concurrency: true, timeout: 3_600_000 }, async (t) => {
  assert.ok(existsSync(WINNOW), "dist/winnow.mjs is missing: npm run build");
  const python = await findPython();
  const limited = limiter();
  const recorded = readRecorded();
  const forced = process.env["WINNOW_ORDER"] ?? "";
  const [part = 1, parts = 1] = (process.env["WINNOW_PART"] ?? "1/1").split("/").map(Number);
  let steps = 0;
  let count = 0;
  await Promise.all(
    readScenarioFiles().flatMap(({ name, path, text }, index) => {
      if (index % parts !== part - 1) {
        return [];
      }
      const scenario = parseScenario(name, text);
      if (process.env["RECORD"] === "missing" && recorded[name]?.text === textOf(text)) {
        return [];
      }
      const orders = isOrder(forced) && scenario.anyOrder ? [forced] : scenario.orders;
      return orders.map((order) => {
        const skip = missing(scenario, order, python) ?? false;
        if (skip === false) {
          steps += scenario.steps.length;
          count++;
        }
        const title = order === "collected" ? name : `${name} (${order})`;
        return t.test(title, { skip }, () => limited(() => runScenario(scenario, python, order, path)));
      });
    }),
  );
  if (process.env["RECORD"]) {
    const names =
      process.env["WINNOW_SCENARIOS"] || parts > 1 ? null : new Set(readScenarioFiles().map(({ name }) => name));
    writeRecorded(recordings, names);
  }
  t.diagnostic(`${count} scenarios, ${steps} steps, Python ${python.version}`);
});
