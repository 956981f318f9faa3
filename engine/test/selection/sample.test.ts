import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sampler } from "../../src/selection/sample.ts";

const IDS = Array.from({ length: 2000 }, (_, index) => `tests/test_a.py::test_f[${index}]`);

test("nothing at 0, everything at 1, and about the share in between", () => {
  assert.ok(!IDS.some(sampler("x", 0)));
  assert.ok(IDS.every(sampler("x", 1)));
  for (const share of [0.01, 0.1, 0.5]) {
    let drawn = 0;
    for (let change = 0; change < 50; change++) {
      drawn += IDS.filter(sampler(`change ${change}`, share)).length;
    }
    // Six standard deviations of as many independent draws.
    const draws = 50 * IDS.length;
    assert.ok(Math.abs(drawn - draws * share) < 6 * Math.sqrt(draws * share * (1 - share)), `${share}: ${drawn}`);
  }
});

test("the same decision samples the same tests, whatever else there is", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.double({ min: 0, max: 1, noNaN: true }), (change, id, share) => {
      assert.equal(sampler(change, share)(id), sampler(change, share)(id));
      // A larger sample contains the smaller one.
      assert.ok(!sampler(change, share)(id) || sampler(change, Math.min(1, share * 2))(id));
    }),
  );
});

test("over many edits every test gets its turn", () => {
  const waiting = new Set(IDS);
  let edits = 0;
  for (; waiting.size > 0 && edits < 3000; edits++) {
    const isSampled = sampler(`fshop/cart.py ${edits}`, 0.01);
    for (const id of waiting) {
      if (isSampled(id)) {
        waiting.delete(id);
      }
    }
  }
  // The last of 2,000 fair draws at 1 % is expected after some 800 edits.
  assert.equal(waiting.size, 0, `after ${edits} edits`);
});
