import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { upperBound } from "../../src/verification/bound.ts";

/** Found by halving the interval on exact fractions, from the sum of the binomial distribution itself. */
const KNOWN: readonly [misses: number, trials: number, bound: number][] = [
  [0, 1, 0.95],
  [0, 10, 0.2588655508930523],
  [0, 100, 0.029513049607039935],
  [1, 10, 0.39416330243650477],
  [3, 20, 0.34366380431428184],
  [5, 100, 0.10225337764327451],
  [10, 50, 0.31559606142001384],
  [9, 10, 0.9948838031081763],
];

test("the bound has the known values", () => {
  for (const [misses, trials, bound] of KNOWN) {
    const found = upperBound(misses, trials) as number;
    assert.ok(Math.abs(found - bound) < 1e-12, `${misses} of ${trials}: ${found}`);
  }
});

test("without trials nothing is known, and if all were missed the rate may be 1", () => {
  assert.equal(upperBound(0, 0), undefined);
  assert.equal(upperBound(3, 3), 1);
});

test("without misses it is that of the formula, and near the rule of three", () => {
  for (const trials of [1, 7, 300, 100_000, 50_000_000]) {
    const exact = -Math.expm1(Math.log(0.05) / trials);
    const found = upperBound(0, trials) as number;
    assert.ok(Math.abs(found - exact) < 1e-9 * exact, `${trials}: ${found}, not ${exact}`);
    assert.ok(trials < 100 || Math.abs(found / (3 / trials) - 1) < 0.02);
  }
});

test("it lies above the rate that was seen, rises with the misses and falls with the trials", () => {
  const counts = fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 100_000 }));
  fc.assert(
    fc.property(counts, ([misses, more]) => {
      const trials = misses + more;
      const bound = upperBound(misses, trials) as number;
      assert.ok(bound > misses / trials && bound <= 1);
      assert.ok((upperBound(misses + 1, trials) as number) > bound);
      assert.ok((upperBound(misses, trials + 1) as number) < bound);
    }),
  );
});
