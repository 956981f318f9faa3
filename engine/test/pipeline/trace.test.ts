import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { FrameWithCodes } from "../../src/journal/frames.ts";
import { beginTrace, currentTrace, isTracing, stage, Trace } from "../../src/pipeline/trace.ts";
import { traceDocument, traceLines } from "../../src/report/trace.ts";
import { JournalBuilder } from "../support/journal.ts";

/** A clock that is moved by hand, in milliseconds. */
function clock(start: number): { now: () => number; pass: (ms: number) => void } {
  let at = start;
  return {
    now: () => at,
    pass: (ms) => {
      at += ms;
    },
  };
}

function spentOf(trace: Trace): Record<string, number> {
  return Object.fromEntries([...trace.spent().stages].map(([name, { ms }]) => [name, ms]));
}

describe("a trace", () => {
  test("stages count what none within them counts, and add up to the whole", () => {
    const { now, pass } = clock(50);
    const trace = new Trace(20, now);
    pass(1);
    trace.enter("record");
    pass(2);
    trace.enter("verdict");
    pass(4);
    trace.leave();
    pass(8);
    trace.leave();
    pass(16);
    trace.enter("verdict");
    pass(32);
    trace.leave();
    assert.deepEqual(spentOf(trace), { node: 20, load: 30, other: 17, record: 10, verdict: 36 });
    const { stages, totalMs } = trace.spent();
    assert.equal(totalMs, 113);
    assert.equal(stages.get("verdict")?.count, 2);
  });

  test("pytest's time is taken apart by its journals, and never told longer than it was", () => {
    const { now, pass } = clock(100);
    const trace = new Trace(20, now);
    trace.enter("pytest");
    pass(1000);
    trace.leave();
    const origin = 5_000_000;
    const worker = (start: number, tests: readonly (readonly [at: number, seconds: number])[]) => {
      const journal = new JournalBuilder().start({ time: (origin + start) / 1000 });
      for (const [at, duration] of tests) {
        journal.test(`t${at}`, "test_a.py", { started: (origin + at) / 1000, duration });
      }
      return { frames: journal.frames };
    };
    const child: { frames: FrameWithCodes[] } = {
      frames: new JournalBuilder().start({ role: "child", child: "1", time: (origin + 150) / 1000 }).frames,
    };
    trace.takeApart([worker(300, [[700, 0.1]]), worker(320, [[600, 0.05]]), child], origin);
    assert.deepEqual(
      [...trace.parts].map(([part, ms]) => [part, Math.round(ms)]),
      [
        ["start", 200],
        ["collection", 300],
        ["tests", 200],
        ["end", 300],
      ],
    );
    trace.takeApart([worker(300, [[5000, 9]])], origin);
    assert.equal(Math.round([...trace.parts.values()].reduce((a, b) => a + b, 0)), 1000);
    // Nothing ran, or nothing was recorded.
    trace.takeApart([worker(300, [])], origin);
    assert.equal(trace.parts.get("tests"), 0);
    trace.takeApart([], origin);
    assert.equal(trace.parts.size, 0);
  });

  test("is told as lines and as a document", () => {
    const { now, pass } = clock(30);
    const trace = new Trace(20, now);
    trace.enter("pytest");
    pass(1000.04);
    trace.leave();
    trace.takeApart([{ frames: new JournalBuilder().start({ time: 0.13 }).frames }], 0);
    assert.deepEqual(traceLines(trace), [
      "where 1030.0 ms went:",
      "      20.0 ms  start of Node",
      "      10.0 ms  loading Winnow",
      "    1000.0 ms  pytest",
      "     100.0 ms    start of Python and pytest",
      "     900.0 ms    collection",
      "       0.0 ms    tests",
      "       0.0 ms    end of pytest",
      "       0.0 ms  all else",
    ]);
    const { totalMs, stages } = traceDocument(trace) as { totalMs: number; stages: object[] };
    assert.equal(totalMs, 1030);
    assert.deepEqual(stages[2], { stage: "pytest", ms: 1000, count: 1, within: null });
    assert.deepEqual(stages[3], { stage: "start", ms: 100, count: 1, within: "pytest" });
  });
});

describe("stage", () => {
  afterEach(() => beginTrace({}));

  test("returns what the work returns, off or on, and passes errors on", async () => {
    for (const env of [{}, { WINNOW_TRACE: "0" }, { WINNOW_TRACE: "1" }]) {
      beginTrace(env);
      assert.equal(isTracing(), env["WINNOW_TRACE"] === "1");
      assert.equal(
        stage("scan", () => 7),
        7,
      );
      assert.equal(await stage("pytest", async () => 8), 8);
      assert.throws(() => stage("scan", () => assert.fail("gone")), /gone/);
      await assert.rejects(
        stage("pytest", () => Promise.reject(new Error("lost"))),
        /lost/,
      );
    }
    const { stages } = currentTrace()?.spent() ?? assert.fail();
    assert.deepEqual([stages.get("scan")?.count, stages.get("pytest")?.count], [2, 2]);
  });

  test("asynchronous work counts to its end", async () => {
    beginTrace({ WINNOW_TRACE: "1" });
    const work = stage("pytest", async () => {
      await Promise.resolve();
      return stage("scan", () => 1);
    });
    await work;
    stage("record", () => 1);
    const names = [...(currentTrace()?.spent().stages.keys() ?? [])];
    assert.deepEqual(names, ["node", "load", "other", "pytest", "scan", "record"]);
  });
});
