/** The documents for programs. docs/formats.md describes them; the version rises when a field changes its meaning. */

import type { Plan } from "../model/plan.ts";
import type { Since } from "../model/since.ts";
import type { RecordSummary } from "../pipeline/record.ts";
import { currentTrace } from "../pipeline/trace.ts";
import { type Account, checked, total } from "../verification/account.ts";
import { CONFIDENCE, upperBound } from "../verification/bound.ts";
import { describeMissing, type Miss } from "../verification/miss.ts";
import { traceDocument } from "./trace.ts";

export const JSON_VERSION = 1;

/** `winnow plan --json`, and the plan within `winnow run --json`. */
export function planDocument(plan: Plan, changedPaths: readonly string[], decidedMs: number, since?: Since): object {
  return {
    version: JSON_VERSION,
    kind: plan.kind,
    because: plan.kind === "everything" ? plan.because : null,
    tests: plan.kind === "some" ? plan.tests : [],
    files: plan.kind === "some" ? plan.files : [],
    upToDate: plan.kind === "everything" ? 0 : plan.upToDate,
    known: plan.kind === "nothing" ? plan.upToDate : plan.known,
    since: since === undefined ? null : sinceDocument(since),
    changed: changedPaths,
    decidedMs: Math.round(decidedMs * 10) / 10,
  };
}

function sinceDocument(since: Since): object {
  return since.kind === "commit"
    ? { ref: since.ref, commit: since.commit }
    : { snapshot: since.name, at: new Date(since.at).toISOString() };
}

/** What a run recorded. */
export function summaryDocument(summary: RecordSummary | undefined): object | null {
  return summary === undefined
    ? null
    : {
        tests: summary.tests,
        outcomes: Object.fromEntries(summary.outcomes),
        failures: summary.failures,
        notRecorded: Object.fromEntries(summary.lost),
        opaque: Object.fromEntries(summary.opaque),
        opaqueTests: summary.opaqueTests,
        notes: summary.notes,
      };
}

/** What a run found out about the plan; null if nothing was recorded that could be compared. */
export function verifiedDocument(summary: RecordSummary | undefined): object | null {
  return summary === undefined ? null : { checked: summary.checked, misses: summary.misses.map(missDocument) };
}

/** `winnow verify --report --json`. */
export function reportDocument(account: Account, misses: readonly Miss[]): object {
  const sums = total(account);
  return {
    version: JSON_VERSION,
    ...sums,
    checked: checked(sums),
    missRateUpperBound: upperBound(sums.misses, checked(sums)) ?? null,
    confidence: CONFIDENCE,
    days: Object.entries(account).map(([day, entry]) => ({ day, ...entry })),
    missed: misses.map(missDocument),
  };
}

export function missDocument({ id, path, at, was, outcome, missing }: Miss): object {
  return { id, path, at: new Date(at).toISOString(), was, outcome, missing, cause: describeMissing(missing) };
}

/** Writes a document as one line of JSON, with the trace where one was asked for. */
export function writeJson(document: object): void {
  const trace = currentTrace();
  const whole = trace === undefined ? document : { ...document, trace: traceDocument(trace) };
  process.stdout.write(`${JSON.stringify(whole)}\n`);
}
