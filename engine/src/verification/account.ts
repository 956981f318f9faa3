/** The daily account of what was left out, what was checked, and what was missed. Pure. */

/** One day's sums. Invocations that found nothing to run write nothing, and are not among the runs. */
export interface Day {
  readonly runs: number;
  /** Tests that ran. */
  readonly tests: number;
  /** Tests that were left out. */
  readonly leftOut: number;
  /** Tests that would have been left out, and ran because everything did. */
  readonly observed: number;
  /** Tests that could have been left out, and ran as the sample, or for what changed since another state. */
  readonly sampled: number;
  readonly misses: number;
}

/** Days as `2025-12-31` (UTC). */
export type Account = Readonly<Record<string, Day>>;

const NOTHING: Day = { runs: 0, tests: 0, leftOut: 0, observed: 0, sampled: 0, misses: 0 };

/** The account with one more entry. */
export function enter(account: Account, day: string, entry: Day): Account {
  return { ...account, [day]: sum(account[day] ?? NOTHING, entry) };
}

export function total(account: Account): Day {
  return Object.values(account).reduce(sum, NOTHING);
}

/** Tests that could have been left out and ran all the same: the trials of which misses are the failures. */
export function checked({ observed, sampled }: Day): number {
  return observed + sampled;
}

function sum(one: Day, other: Day): Day {
  return {
    runs: one.runs + other.runs,
    tests: one.tests + other.tests,
    leftOut: one.leftOut + other.leftOut,
    observed: one.observed + other.observed,
    sampled: one.sampled + other.sampled,
    misses: one.misses + other.misses,
  };
}
