/** `winnow plan`. */

import { describeReason } from "../../model/reason.ts";
import { changedPaths } from "../../pipeline/decide.ts";
import { commandsNotAllowed } from "../../pipeline/declared.ts";
import { look } from "../../pipeline/look.ts";
import { planDocument, writeJson } from "../../report/json.ts";
import { isInteractive, ProgressLine } from "../../report/progress.ts";
import { plannedLine } from "../../report/terminal.ts";
import type { CommandLine } from "../cli.ts";

export async function planCommand({ request, json }: CommandLine): Promise<number> {
  const write = (text: string): boolean => process.stderr.write(text);
  const line =
    json || !isInteractive(process.stderr, process.env)
      ? undefined
      : new ProgressLine(write, process.stderr, "winnow:");
  const { plan, decision, remark } = await look(request, line?.show);
  line?.clear();
  const decidedMs = performance.now();
  if (json) {
    writeJson(planDocument(plan, changedPaths(decision?.changes ?? []), decidedMs, request.since));
    return 0;
  }
  const lines = [...remark, plannedLine(plan, decidedMs, request.since)];
  const refused = decision?.declared.refused.size ?? 0;
  if (refused > 0) {
    const { message, help } = commandsNotAllowed(refused);
    lines.push(`${message}\n        ${help}`);
  }
  if (plan.kind === "some") {
    for (const { path, reasons } of plan.files) {
      lines.push(
        `  ${path === "" ? "." : path}  (to be collected)`,
        ...reasons.map((reason) => `      ${describeReason(reason)}`),
      );
    }
    for (const { id, reasons } of plan.tests) {
      lines.push(`  ${id}`, ...reasons.map((reason) => `      ${describeReason(reason)}`));
    }
  }
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
