/** `winnow status`. */

import { look } from "../../pipeline/look.ts";
import { JSON_VERSION, planDocument, writeJson } from "../../report/json.ts";
import { count } from "../../report/numbers.ts";
import { plannedLine } from "../../report/terminal.ts";
import type { CommandLine } from "../cli.ts";

export async function statusCommand({ request, json }: CommandLine): Promise<number> {
  const { store, plan, decision, python } = await look(request);
  const decidedMs = performance.now();
  const counts = store?.counts() ?? {};
  const lastRun = store?.lastRun();
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
      recorded: counts,
      lastRun:
        lastRun === undefined
          ? null
          : { id: lastRun.id, at: new Date(lastRun.at).toISOString(), ...(JSON.parse(lastRun.data) as object) },
      plan: planDocument(
        plan,
        (decision?.changes ?? []).map(({ path }) => path),
        decidedMs,
      ),
    });
    return 0;
  }
  const lines = [
    `project   ${request.root}`,
    `python    ${python.info.executable} (${python.info.version}, pytest ${python.info.pytest ?? "missing"}), ${python.interpreter.origin}`,
    store === undefined
      ? "recorded  nothing"
      : `recorded  ${count(counts["test"] ?? 0, "test")}, ${count(counts["fact"] ?? 0, "fact")}, ${count(counts["dependency"] ?? 0, "dependency").replace("ys", "ies")}, ${count(counts["environment"] ?? 0, "environment")}`,
    `last run  ${lastRun === undefined ? "none" : new Date(lastRun.at).toISOString()}`,
    `now       ${plannedLine(plan, decidedMs)}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
