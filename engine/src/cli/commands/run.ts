/** `winnow run`. */

import { type RunEvent, run } from "../../pipeline/run.ts";
import { terminalReporter } from "../../report/terminal.ts";
import type { CommandLine } from "../cli.ts";

export async function runCommand({ request, json }: CommandLine): Promise<number> {
  if (!json) {
    return run(request, { outputToStderr: false, emit: terminalReporter((text) => process.stderr.write(text)) });
  }
  const events: RunEvent[] = [];
  const code = await run(request, { outputToStderr: true, emit: (event) => events.push(event) });
  const { JSON_VERSION, planDocument, summaryDocument, writeJson } = await import("../../report/json.ts");
  const planned = events.find((event) => event.kind === "planned");
  const finished = events.find((event) => event.kind === "finished");
  writeJson({
    version: JSON_VERSION,
    exitCode: code,
    plan: planned === undefined ? null : planDocument(planned.plan, planned.changedPaths, planned.decidedMs),
    recorded: summaryDocument(finished?.summary),
    coverageThresholdApplied: !events.some((event) => event.kind === "threshold-not-applied"),
    warnings: events.flatMap((event) =>
      event.kind === "warning" ? [{ code: event.code, message: event.message, help: event.help }] : [],
    ),
  });
  return code;
}
