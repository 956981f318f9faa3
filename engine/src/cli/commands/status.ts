/** `winnow status`. */

import type { Grade } from "../../model/remarks.ts";
import { changedPaths, type Decision, readKnowledge } from "../../pipeline/decide.ts";
import { Grades } from "../../pipeline/grades.ts";
import { historyOf } from "../../pipeline/history.ts";
import { look } from "../../pipeline/look.ts";
import type { Request } from "../../pipeline/request.ts";
import { JSON_VERSION, planDocument, writeJson } from "../../report/json.ts";
import { count } from "../../report/numbers.ts";
import { plannedLine } from "../../report/terminal.ts";
import type { Store } from "../../store/store.ts";
import type { CommandLine } from "../cli.ts";

const GRADES = ["exact", "widened", "opaque"] as const;

export async function statusCommand({ request, json }: CommandLine): Promise<number> {
  const { store, plan, decision, python, environment, remark } = await look(request);
  const decidedMs = performance.now();
  const counts = store?.counts() ?? {};
  const lastRun = store?.lastRun();
  const grades = gradesOf(store, decision, request);
  const history = historyOf(store);
  if (json) {
    writeJson({
      version: JSON_VERSION,
      root: request.root,
      python: {
        executable: python.info.executable,
        version: python.info.version,
        pytest: python.info.pytest,
        found: python.interpreter.rule,
      },
      environment,
      recorded: counts,
      grades,
      lastRun:
        lastRun === undefined
          ? null
          : { id: lastRun.id, at: new Date(lastRun.at).toISOString(), ...(JSON.parse(lastRun.data) as object) },
      history,
      plan: planDocument(plan, changedPaths(decision?.changes ?? []), decidedMs),
    });
    return 0;
  }
  const lines = [
    `project   ${request.root}`,
    `python    ${python.info.executable} (${python.info.version}, pytest ${python.info.pytest ?? "missing"}), ${python.interpreter.origin}`,
    ...(environment === "" ? [] : [`environment ${environment}`]),
    store === undefined
      ? "recorded  nothing"
      : `recorded  ${count(counts["test"] ?? 0, "test")}, ${count(counts["fact"] ?? 0, "fact")}, ${count(counts["dependency"] ?? 0, "dependency").replace("ys", "ies")}, ${count(counts["environment"] ?? 0, "environment")}`,
    ...(grades.exact + grades.widened + grades.opaque === 0
      ? []
      : [`inputs    ${GRADES.map((grade) => `${grades[grade]} ${grade}`).join(", ")}`]),
    ...(history === null
      ? []
      : [`before    ${count(history.tests, "test")} that another tool told of, ${history.failed.length} failed last`]),
    `last run  ${lastRun === undefined ? "none" : new Date(lastRun.at).toISOString()}`,
    ...remark,
    `now       ${plannedLine(plan, decidedMs)}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

/** How many tests there are by how well the inputs of their last result are known. */
function gradesOf(store: Store | undefined, decision: Decision | undefined, request: Request): Record<Grade, number> {
  const grades = { exact: 0, widened: 0, opaque: 0 };
  const environment = decision === undefined ? undefined : store?.environment(decision.environment.digest);
  if (store === undefined || decision === undefined || environment === undefined) {
    return grades;
  }
  const { tree, changes, declared } = decision;
  const knowledge = decision.knowledge ?? readKnowledge(store, environment, request, tree, changes, declared);
  const graded = new Grades(store, tree, knowledge);
  for (const [newest] of knowledge.facts.values()) {
    grades[newest === undefined ? "exact" : graded.of(newest).grade] += 1;
  }
  return grades;
}
