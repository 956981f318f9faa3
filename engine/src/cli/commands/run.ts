/** `winnow run`. */

import { MODES } from "../../config/config.ts";
import { WinnowError } from "../../model/error.ts";
import { didYouMean } from "../../model/nearest.ts";
import { ORDERS } from "../../model/order.ts";
import { type RunEvent, type RunOptions, run } from "../../pipeline/run.ts";
import { terminalReporter } from "../../report/terminal.ts";
import type { CommandLine } from "../cli.ts";

export async function runCommand(line: CommandLine): Promise<number> {
  const mode = oneOf("mode", MODES, line.options.mode);
  const order = oneOf("order", ORDERS, line.options.order);
  return runAndReport(line, { mode, order });
}

/** The value of an option that has only some. */
function oneOf<T extends string>(option: string, values: readonly T[], typed: unknown): T | undefined {
  const value = values.find((each) => each === typed);
  if (typed !== undefined && value === undefined) {
    const there = `there is no ${option} "${typed}"${didYouMean(String(typed), values)}`;
    const [first = "", ...more] = option;
    throw new WinnowError("usage", there, `${first.toUpperCase()}${more.join("")}s are ${values.join(" and ")}.`);
  }
  return value;
}

/** Runs and reports, for people or as one document. */
export async function runAndReport(
  { request, json }: CommandLine,
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
    warnings: events.flatMap((event) =>
      event.kind === "warning" ? [{ code: event.code, message: event.message, help: event.help }] : [],
    ),
  });
  return code;
}
