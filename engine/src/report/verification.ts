/** What people read of misses: after a run that checked something, and in `winnow verify --report`. */

import type { Mode } from "../config/config.ts";
import type { Plan } from "../model/plan.ts";
import { describeOutcomes } from "../model/reason.ts";
import type { RecordSummary } from "../pipeline/record.ts";
import { type Account, checked, total } from "../verification/account.ts";
import { CONFIDENCE, upperBound } from "../verification/bound.ts";
import { describeMissing, type Miss } from "../verification/miss.ts";
import { count, digits } from "./numbers.ts";

/** What a run says of the proofs that it put to the test; nothing where it only selected. */
export function verifiedLines(mode: Mode, plan: Plan, summary: RecordSummary | undefined): string[] {
  const tests = summary?.checked ?? 0;
  if (summary === undefined || tests === 0) {
    return mode === "select" ? [] : [unverifiedLine(plan)];
  }
  const { misses } = summary;
  const found = misses.length === 0 ? "no miss" : `${digits(misses.length)} missed`;
  const sampled = plan.kind === "some" ? plan.tests.filter(({ reasons }) => reasons[0]?.kind === "sampled").length : 0;
  const sample = mode === "select" && sampled >= tests ? " (the sample)" : "";
  return [`checked ${count(tests, "test")} that could have been left out${sample}: ${found}`, ...misses.map(missLine)];
}

/** Everything ran, and nothing is known of it. */
function unverifiedLine(plan: Plan): string {
  return plan.kind === "everything" || plan.upToDate === 0
    ? "nothing could have been left out, so nothing is verified"
    : "nothing is verified, because nothing is recorded of the tests that could have been left out";
}

function missLine({ id, was, outcome, missing }: Miss): string {
  return [
    `missed: ${id} would have been left out, and ${describeOutcomes(was, outcome)}`,
    describeMissing(missing),
    "It always runs from now on, until you declare the cause, or mend it and `winnow verify --forgive TEST`.",
  ].join("\n        ");
}

/** `winnow verify --report`. */
export function reportLines(account: Account, misses: readonly Miss[]): string[] {
  const sums = total(account);
  const days = Object.keys(account).sort();
  const bound = upperBound(sums.misses, checked(sums));
  const rate =
    bound === undefined
      ? "not known: nothing was checked yet (`winnow verify`, `--mode observe`, or `verify.sample` do)"
      : `at most ${percent(bound)} (upper bound, ${CONFIDENCE * 100} % sure)`;
  return [
    `runs        ${digits(sums.runs)}${days.length === 0 ? "" : ` since ${days[0]}`}, ${count(sums.tests, "test")} ran`,
    `left out    ${count(sums.leftOut, "test")}`,
    `checked     ${count(checked(sums), "test")} that could be left out: ${digits(sums.observed)} observed, ${digits(sums.sampled)} sampled`,
    `misses      ${digits(sums.misses)}`,
    `miss rate   ${rate}`,
    ...misses.map(
      ({ id, at, was, outcome, missing }) =>
        `always run  ${id}: ${describeOutcomes(was, outcome)} on ${new Date(at).toISOString().slice(0, 10)}\n            ${describeMissing(missing)}`,
    ),
  ];
}

/** Three digits that count, never rounded down: it is a bound. */
function percent(rate: number): string {
  const value = rate * 100;
  const step = 10 ** (Math.floor(Math.log10(value)) - 2);
  return `${Number((Math.ceil(value / step) * step).toPrecision(3))} %`;
}
