/**
 * V8's highest compiler is not worth its time in a process that lives for a second or two: what it makes faster is over
 * by then. A run after an edit takes about an eighth less CPU without it, and one that records ten thousand tests, or
 * fingerprints ten thousand files, takes no more.
 */

/** The first version of V8 whose middle compiler is on everywhere; without either, long work would take several times as long. */
const OLDEST_V8 = 13;

/** From here on code is compiled by the lower tiers only. Costs a millisecond, so no idle invocation comes by here. */
export function compileForShortLife(): void {
  if (Number.parseInt(process.versions.v8, 10) >= OLDEST_V8) {
    process.getBuiltinModule("node:v8").setFlagsFromString("--no-turbofan");
  }
}
