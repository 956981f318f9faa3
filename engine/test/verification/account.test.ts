import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Account, type Day, enter, total } from "../../src/verification/account.ts";

const DAY: fc.Arbitrary<Day> = fc.record({
  runs: fc.nat(9),
  tests: fc.nat(9999),
  leftOut: fc.nat(9999),
  observed: fc.nat(9999),
  sampled: fc.nat(99),
  misses: fc.nat(9),
});

test("entries add up by day and in all, in whatever order", () => {
  const entries = fc.array(fc.tuple(fc.constantFrom("2025-12-31", "2026-01-01", "2026-01-02"), DAY));
  fc.assert(
    fc.property(entries, (all) => {
      const account = (list: typeof all) => list.reduce<Account>((sum, [day, entry]) => enter(sum, day, entry), {});
      const forth = account(all);
      const back = account(all.toReversed());
      for (const [day, sums] of Object.entries(forth)) {
        assert.deepEqual(sums, back[day]);
        assert.equal(
          sums.runs,
          all.filter(([of]) => of === day).reduce((sum, [, { runs }]) => sum + runs, 0),
        );
      }
      assert.deepEqual(total(forth), total(back));
      assert.equal(
        total(forth).misses,
        all.reduce((sum, [, { misses }]) => sum + misses, 0),
      );
    }),
  );
  assert.equal(total({}).runs, 0);
});
