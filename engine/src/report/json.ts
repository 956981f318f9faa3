/** The documents for programs. docs/formats.md describes them; the version rises when a field changes its meaning. */

import type { Plan } from "../model/plan.ts";
import type { RecordSummary } from "../pipeline/record.ts";

export const JSON_VERSION = 1;

/** `winnow plan --json`, and the plan within `winnow run --json`. */
export function planDocument(plan: Plan, changedPaths: readonly string[], decidedMs: number): object {
  return {
    version: JSON_VERSION,
    kind: plan.kind,
    because: plan.kind === "everything" ? plan.because : null,
    tests: plan.kind === "some" ? plan.tests : [],
    files: plan.kind === "some" ? plan.files : [],
    upToDate: plan.kind === "everything" ? 0 : plan.upToDate,
    known: plan.kind === "nothing" ? plan.upToDate : plan.known,
    changed: changedPaths,
    decidedMs: Math.round(decidedMs * 10) / 10,
  };
}

/** What a run recorded. */
export function summaryDocument(summary: RecordSummary | undefined): object | null {
  return summary === undefined
    ? null
    : {
        tests: summary.tests,
        outcomes: Object.fromEntries(summary.outcomes),
        notRecorded: Object.fromEntries(summary.lost),
        opaque: Object.fromEntries(summary.opaque),
        notes: summary.notes,
      };
}

/** Writes a document as one line of JSON. */
export function writeJson(document: object): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}
