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
  const isWanted = request.fullProfile.reports.some((report) => report.startsWith(JUNIT));
  if (plan.kind === "nothing" && summary === undefined && isWanted) {
    const { writeEmptyReport } = await import("../../report/junit.ts");
    const path = request.fullProfile.reports.findLast((report) => report.startsWith(JUNIT))?.slice(JUNIT.length) ?? "";
    writeEmptyReport(resolve(request.cwd, path));
  }
  if (!json && request.env["GITHUB_ACTIONS"] === "true" && (summary?.failures.length ?? 0) > 0) {
    const { annotations } = await import("../../report/annotations.ts");
    const { root, env } = request;
    process.stdout.write(annotations(summary?.failures ?? [], root, env["GITHUB_WORKSPACE"] ?? root));
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
  const reported = async (event: RunEvent): Promise<void> => {
    if (event.kind === "finished") {
      await writeReports(request, event, json);
    }
  };
  if (!json) {
    const show = terminalReporter((text) => process.stderr.write(text));
    let last: RunEvent | undefined;
    const emit = (event: RunEvent): void => {
      last = event;
      show(event);
    };
    const code = await run(request, { ...options, outputToStderr: false, emit });
    await (last === undefined ? undefined : reported(last));
    return code;
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
  await (finished === undefined ? undefined : reported(finished));
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
