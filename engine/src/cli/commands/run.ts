/** `winnow run`. */

import { WinnowError } from "../../model/error.ts";
import { didYouMean } from "../../model/nearest.ts";
import { ORDERS } from "../../model/order.ts";
import { type RunEvent, type RunOptions, run } from "../../pipeline/run.ts";
import { terminalReporter } from "../../report/terminal.ts";
import type { CommandLine } from "../cli.ts";

export async function runCommand(line: CommandLine): Promise<number> {
  const { order: typed } = line.options;
  const order = ORDERS.find((each) => each === typed);
  if (typed !== undefined && order === undefined) {
    throw new WinnowError(
      "usage",
      `there is no order "${typed}"${didYouMean(String(typed), ORDERS)}`,
      `Orders are ${ORDERS.join(" and ")}.`,
    );
  }
  return runAndReport(line, { order });
}

/** Runs and reports, for people or as one document. */
export async function runAndReport(
  { request, json, settings }: CommandLine,
  options: Pick<RunOptions, "mode" | "order" | "missesFail">,
): Promise<number> {
  if (!json) {
    const emit = terminalReporter((text) => process.stderr.write(text));
    return run(request, { ...options, outputToStderr: false, emit });
  }
  const events: RunEvent[] = [];
  const emit = (event: RunEvent): void => {
    if (event.kind !== "progress") {
      events.push(event);
    }
  };
  const code = await run(request, { ...options, outputToStderr: true, emit });
  const { JSON_VERSION, planDocument, summaryDocument, verifiedDocument, writeJson } = await import(
    "../../report/json.ts"
  );
  const planned = events.find((event) => event.kind === "planned");
  const finished = events.find((event) => event.kind === "finished");
  writeJson({
    version: JSON_VERSION,
    exitCode: code,
    mode: planned?.mode ?? null,
    plan: planned === undefined ? null : planDocument(planned.plan, planned.changedPaths, planned.decidedMs),
    recorded: summaryDocument(finished?.summary),
    verified: verifiedDocument(finished?.summary),
    coverageThresholdApplied: !events.some((event) => event.kind === "threshold-not-applied"),
    warnings: [
      ...settings.warnings,
      ...events.flatMap((event) =>
        event.kind === "warning" ? [{ code: event.code, message: event.message, help: event.help }] : [],
      ),
    ],
  });
  return code;
}
