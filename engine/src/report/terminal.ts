/** What people read: one line before pytest's output, a short summary after it. Plain text where colours are not wanted. */

import { styleText } from "node:util";
import type { Plan } from "../model/plan.ts";
import { describeReason, type Reason } from "../model/reason.ts";
import type { Since } from "../model/since.ts";
import type { RunEvent } from "../pipeline/run.ts";
import { count, digits } from "./numbers.ts";
import { isInteractive, ProgressLine } from "./progress.ts";
import { verifiedLines } from "./verification.ts";

type Style = "bold" | "dim" | "yellow";

/** Styles text for standard error, if that is a terminal and NO_COLOR does not forbid it. */
function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr });
}

/** The line before pytest's output. `since`: the earlier state that was asked about. */
export function plannedLine(plan: Plan, decidedMs: number, since?: Since): string {
  const time = `${Math.round(decidedMs)} ms`;
  switch (plan.kind) {
    case "nothing":
      return since === undefined
        ? `nothing to run: ${count(plan.upToDate, "test")} up to date · decided in ${time}`
        : `since ${since.label}: 0 of ${count(plan.upToDate, "test")} concerned · decided in ${time}`;
    case "everything":
      return `every test runs, because ${plan.because} · decided in ${time}`;
    case "some":
      return `${since === undefined ? "to run" : `since ${since.label}`}: ${extent(plan, since)} · decided in ${time}`;
  }
}

/** The same where everything runs, and the plan only says what would have. */
export function observedLine(plan: Plan, decidedMs: number, since?: Since): string {
  const time = `${Math.round(decidedMs)} ms`;
  const would = since === undefined ? "would have run" : `since ${since.label} would have run`;
  switch (plan.kind) {
    case "nothing":
      return `every test runs; ${would} 0 of ${count(plan.upToDate, "test")} · decided in ${time}`;
    case "everything":
      return plannedLine(plan, decidedMs);
    case "some":
      return `every test runs; ${would} ${extent(plan)} · decided in ${time}`;
  }
}

function extent(plan: Extract<Plan, { kind: "some" }>, since?: Since): string {
  const parts: string[] = [];
  if (plan.tests.length > 0) {
    const tests = `${digits(plan.tests.length)} of ${count(plan.known, "test")}`;
    parts.push(since === undefined ? tests : `${tests} concerned`);
  }
  if (plan.files.length > 0) {
    parts.push(`${count(plan.files.length, "path")} to collect anew`);
  }
  const reasons = [...plan.tests, ...plan.files].flatMap(({ reasons: all }) => all);
  return `${parts.join(", ")} (${summarizeReasons(reasons)})`;
}

/** The few reasons that concern most, most first. */
export function summarizeReasons(reasons: readonly Reason[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) {
    const text = describeReason(reason);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const ordered = [...counts].sort((a, b) => b[1] - a[1]).map(([text]) => text);
  const shown = ordered.slice(0, 2).join("; ");
  return ordered.length > 2 ? `${shown}; and ${ordered.length - 2} more` : shown;
}

/** Prints the events of a run to standard error. */
export function terminalReporter(write: (text: string) => void): (event: RunEvent) => void {
  const name = paint("bold", "winnow:");
  const line = (text: string): void => write(`${name} ${text}\n`);
  const progress = isInteractive(process.stderr, process.env)
    ? new ProgressLine(write, process.stderr, name)
    : undefined;
  return (event) => {
    if (event.kind === "progress") {
      progress?.show(event.work, event.done, event.total);
      return;
    }
    progress?.clear();
    switch (event.kind) {
      case "warning":
        line(`${paint("yellow", event.message)}\n        ${event.help}  [${event.code}]`);
        break;
      case "planned":
        line((event.mode === "observe" ? observedLine : plannedLine)(event.plan, event.decidedMs, event.since));
        break;
      case "threshold-not-applied":
        line("the coverage threshold is not applied, because only a part of the tests runs");
        break;
      case "finished":
        for (const text of finishedLines(event)) {
          line(text);
        }
        break;
    }
  };
}

/** How many proven tests did not run. */
function leftOut(plan: Plan, ran: number): number {
  if (plan.kind === "everything") {
    return 0;
  }
  // Which of them an expression of `--also` means was not known before.
  const isChosenLater =
    plan.kind === "some" && plan.files.some(({ reasons }) => reasons.some(({ kind }) => kind === "also"));
  return isChosenLater ? Math.max(0, Math.min(plan.upToDate, plan.known - ran)) : plan.upToDate;
}

/** pytest's own: the command line is wrong, and it has said how. */
const USAGE_ERROR = 4;

function finishedLines({ mode, plan, summary, exitCode }: Extract<RunEvent, { kind: "finished" }>): string[] {
  if (plan.kind === "nothing" && mode === "select" && summary === undefined) {
    return [];
  }
  if (exitCode === USAGE_ERROR && (summary?.tests ?? 0) === 0) {
    return [...(summary?.notes ?? [])];
  }
  const lines = [...(summary?.notes ?? [])];
  if (summary === undefined) {
    // What ran then is only known to pytest: without a collector nothing is left out.
    lines.push("nothing is recorded of this run");
  } else {
    const left = mode === "observe" ? 0 : leftOut(plan, summary.tests);
    // A note may say that recording came to an end before the tests did.
    const verb = summary.tests === 0 || summary.notes.length > 0 ? "recorded" : "ran";
    lines.push(`${count(summary.tests, "test")} ${verb}, ${left === 0 ? "none" : digits(left)} left out`);
  }
  lines.push(...verifiedLines(mode, plan, summary));
  for (const [reason, tests] of summary?.lost ?? []) {
    lines.push(`${count(tests, "test")} not recorded: ${reason}`);
  }
  const opaque = [...(summary?.opaque ?? [])];
  if (opaque.length > 0) {
    const when = summary?.opaqueRunsAlways === true ? "every time" : "after any change";
    const others = opaque.length > 1 ? ` and ${count(opaque.length - 1, "other reason")}` : "";
    lines.push(
      `${count(summary?.opaqueTests ?? 0, "test")} will run again ${when}, because of ${shortened(opaque[0]?.[0] ?? "")}${others}`,
    );
  }
  return lines;
}

/** A reason may be a long command line, or several lines of one. */
function shortened(reason: string): string {
  const line = reason.replace(/\s+/g, " ");
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
