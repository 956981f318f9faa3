/** `winnow run`. */

import { resolve } from "node:path";
import { WinnowError } from "../../model/error.ts";
import { didYouMean } from "../../model/nearest.ts";
import { ORDERS } from "../../model/order.ts";
import type { Request } from "../../pipeline/request.ts";
import { type RunEvent, type RunOptions, run } from "../../pipeline/run.ts";
import { terminalReporter } from "../../report/terminal.ts";
import type { CommandLine } from "../cli.ts";

/** What others are told of a run: a report that pytest was not there to write, and failures where GitHub shows them. */
async function writeReports(
  request: Request,
  { plan, summary }: Extract<RunEvent, { kind: "finished" }>,
  json: boolean,
): Promise<void> {
  const junit = request.fullProfile.reports.find((report) => report.startsWith(JUNIT));
  if (plan.kind === "nothing" && summary === undefined && junit !== undefined) {
    const { writeEmptyReport } = await import("../../report/junit.ts");
    writeEmptyReport(resolve(request.cwd, junit.slice(JUNIT.length)));
  }
  const failures = summary?.failures ?? [];
  if (!json && request.env["GITHUB_ACTIONS"] === "true" && failures.length > 0) {
    const { annotations } = await import("../../report/annotations.ts");
    const { root, env } = request;
    process.stdout.write(annotations(failures, root, env["GITHUB_WORKSPACE"] ?? root));
  }
}

const JUNIT = "--junit-xml=";

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
  const show = json ? undefined : terminalReporter((text) => process.stderr.write(text));
  const events: RunEvent[] = [];
  const emit = (event: RunEvent): void => {
    show?.(event);
    if (event.kind !== "progress") {
      events.push(event);
    }
  };
  const code = await run(request, { ...options, outputToStderr: json, emit });
  const finished = events.find((event) => event.kind === "finished");
  if (finished !== undefined) {
    await writeReports(request, finished, json);
  }
  if (!json) {
    return code;
  }
  const { JSON_VERSION, planDocument, summaryDocument, verifiedDocument, writeJson } = await import(
    "../../report/json.ts"
  );
  const planned = events.find((event) => event.kind === "planned");
  writeJson({
    version: JSON_VERSION,
    exitCode: code,
    mode: planned?.mode ?? null,
    plan:
      planned === undefined ? null : planDocument(planned.plan, planned.changedPaths, planned.decidedMs, planned.since),
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
