/**
 * Checks the scenarios themselves: is what they expect really sound under plain pytest, without Winnow?
 *
 *     node engine/test/scenarios/truth.ts        (WINNOW_SCENARIOS=part-of-a-name for some)
 *
 * Every test runs at every step. A test that a step does not list must have run in an earlier listed step with the
 * outcome that it has now, and that outcome must be a green one; a test that is listed must exist.
 */

import { expand, findPython, missing, type Python, readScenarioFiles, Workspace } from "./project.ts";
import { type Order, parseScenario, type Scenario } from "./scenario.ts";

const GREEN = new Set(["passed", "skipped", "xfailed", "xpassed"]);

async function check(scenario: Scenario, python: Python, order: Order): Promise<string[]> {
  const problems: string[] = [];
  const workspace = new Workspace(scenario, python, order);
  const seen = new Map<string, Set<string>>();
  try {
    for (const step of scenario.steps) {
      const problem = (text: string): number => problems.push(`scenarios/${scenario.name}.md:${step.line}: ${text}`);
      workspace.apply(step);
      const env = { ...workspace.environment(step), PYTHONDONTWRITEBYTECODE: "1" };
      const args = ["-m", "pytest", "-p", "no:cacheprovider", "-q", "--continue-on-collection-errors"];
      const { ran, stdout, stderr } = await workspace.run(workspace.python, [...args, ...workspace.args(step)], env);
      if (process.env["WINNOW_SHOW"]) {
        console.log(stdout, stderr);
      }
      if (!ran.started && step.exit === null) {
        problem(`pytest did not start:\n${stdout}${stderr}`);
      }
      const all = new Set(ran.outcomes.keys());
      const listed = new Set<string>();
      for (const { id } of step.selected.tests) {
        const ids = expand(id, all);
        for (const each of ids) {
          listed.add(each);
          if (!all.has(each) && step.exit === null) {
            problem(`${each} is listed, but there is no such test:\n  ${[...all].join("\n  ")}`);
          }
        }
      }
      for (const [id, outcome] of ran.outcomes) {
        const known = seen.get(id) ?? new Set();
        if (listed.has(id)) {
          seen.set(id, known.add(outcome));
        } else if (!step.selected.atLeast && !known.has(outcome)) {
          problem(`${id} is not listed, but ${known.size > 0 ? `was ${[...known]}` : "is new"} and is ${outcome} now`);
        } else if (!step.selected.atLeast && !GREEN.has(outcome)) {
          problem(`${id} is not listed, but ${outcome}`);
        }
      }
      for (const id of step.upToDate.flatMap((each) => expand(each, all))) {
        const outcome = ran.outcomes.get(id);
        if (outcome === undefined || !GREEN.has(outcome) || !seen.get(id)?.has(outcome)) {
          problem(`${id} is said to be up to date, but it was ${[...(seen.get(id) ?? [])]} and is ${outcome} now`);
        }
      }
      if (step.outcomes !== null) {
        const expected = new Map(step.outcomes);
        for (const id of listed) {
          const outcome = ran.outcomes.get(id) ?? "missing";
          if ((expected.get(id) ?? "passed") !== outcome) {
            problem(`${id} is ${outcome}, not ${expected.get(id) ?? "passed"}`);
          }
          expected.delete(id);
        }
        for (const id of expected.keys()) {
          problem(`the outcome of ${id}, which is not selected`);
        }
      }
      const interrupted = [...ran.outcomes.values()].includes("collection error");
      if (step.exit !== null && step.exit !== ran.exit && ran.started && step.exit !== 0 && !interrupted) {
        problem(`pytest's exit code is ${ran.exit}, not ${step.exit}`);
      }
    }
  } catch (error) {
    problems.push(`scenarios/${scenario.name}.md: ${(error as Error).stack}`);
  } finally {
    workspace.remove();
  }
  return problems;
}

const python = await findPython();
const problems: string[] = [];
const queue: [Scenario, Order][] = [];
let steps = 0;
let skipped = 0;
for (const { name, text } of readScenarioFiles()) {
  try {
    const scenario = parseScenario(name, text);
    for (const order of scenario.orders) {
      if (missing(scenario, order, python) === null) {
        queue.push([scenario, order]);
        steps += scenario.steps.length;
      } else {
        skipped++;
      }
    }
  } catch (error) {
    problems.push((error as Error).message);
  }
}
const count = queue.length;
await Promise.all(
  [1, 2].map(async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      problems.push(...(await check(next[0], python, next[1])));
    }
  }),
);
for (const problem of problems) {
  console.log(problem);
}
console.log(
  `${count} scenarios, ${steps} steps, ${skipped} skipped, ${problems.length} problems (Python ${python.version})`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
