/** The reasons of a plan, as scenarios write them. */

import type { ExpectedReason, ExpectedTest } from "./scenario.ts";

export interface ReasonJson {
  readonly kind: string;
  readonly path?: string;
  readonly name?: string;
}

/** What `winnow plan --json` prints, as far as scenarios look at it. */
export interface PlanJson {
  readonly kind?: string;
  /** Why everything runs, if so. */
  readonly because?: string | null;
  readonly tests?: readonly { readonly id: string; readonly reasons: readonly ReasonJson[] }[];
  readonly files?: readonly { readonly path: string; readonly reasons: readonly ReasonJson[] }[];
}

/** A reason as a scenario writes it. */
export function written(reason: ReasonJson): string {
  const target = [reason.path, reason.name].filter((each) => each !== undefined && each !== "").join(": ");
  return target === "" ? reason.kind : `${reason.kind} ${target}`;
}

/** The reasons for a test: its own, those of its file, and that of everything. */
export function reasonsFor(id: string, plan: PlanJson): string[] {
  const file = id.split("::")[0] ?? "";
  const found = [
    ...(plan.tests ?? []).filter((each) => each.id === id),
    // A file, or a directory that was asked for and of which nothing is known.
    ...(plan.files ?? []).filter(({ path }) => path === file || path === "" || file.startsWith(`${path}/`)),
  ].flatMap((each) => each.reasons.map(written));
  if (plan.kind === "everything") {
    found.push(`everything ${plan.because}`, ...(plan.because?.startsWith("nothing is recorded") ? ["no-record"] : []));
  }
  return [...new Set(found)];
}

/** What is wrong with the given reasons, or null. Any expected one is enough, and none where none is expected. */
export function judgeReasons(expected: ExpectedTest["reasons"], given: readonly string[]): string | null {
  if (expected.length === 0 || expected.some((reason) => given.some((one) => matches(reason, one)))) {
    return null;
  }
  const wanted = expected.map((reason) => `${reason.kind} ${reason.target}`.trim()).join(" | ");
  return `expected "${wanted}", given ${given.map((one) => `"${one}"`).join(", ") || "none"}`;
}

function matches(expected: ExpectedReason, given: string): boolean {
  const [kind, ...rest] = given.split(" ");
  return kind === expected.kind && rest.join(" ").includes(expected.target);
}
