import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { WriteStream } from "node:tty";
import type { Plan } from "../../src/model/plan.ts";
import type { Reason } from "../../src/model/reason.ts";
import type { RecordSummary } from "../../src/pipeline/record.ts";
import type { RunEvent } from "../../src/pipeline/run.ts";
import { count } from "../../src/report/numbers.ts";
import { plannedLine, summarizeReasons, terminalReporter } from "../../src/report/terminal.ts";

const changed: Reason = { kind: "body-changed", path: "a.py", name: "f" };

function some(more: Partial<Extract<Plan, { kind: "some" }>> = {}): Plan {
  return {
    kind: "some",
    tests: [],
    files: [],
    skipFiles: [],
    skipTests: new Map(),
    provided: new Map(),
    failed: new Map(),
    leftOutWithFiles: 0,
    upToDate: 0,
    known: 0,
    ...more,
  };
}

function tests(n: number): { id: string; reasons: Reason[] }[] {
  return Array.from({ length: n }, (_, i) => ({ id: `t${i}`, reasons: [changed] }));
}

test("numbers and nouns", () => {
  assert.deepEqual(
    [0, 1, 2, 999, 1000, 12345, 1234567].map((n) => count(n, "test")),
    ["0 tests", "1 test", "2 tests", "999 tests", "1,000 tests", "12,345 tests", "1,234,567 tests"],
  );
});

test("the line before pytest's output", () => {
  assert.equal(
    plannedLine({ kind: "nothing", upToDate: 4812 }, 61.6),
    "nothing to run: 4,812 tests up to date · decided in 62 ms",
  );
  assert.equal(plannedLine({ kind: "nothing", upToDate: 1 }, 1), "nothing to run: 1 test up to date · decided in 1 ms");
  assert.equal(
    plannedLine({ kind: "everything", because: "of that", known: 0 }, 0.2),
    "every test runs, because of that · decided in 0 ms",
  );
  assert.equal(
    plannedLine(some({ tests: tests(1), known: 1 }), 5),
    "to run: 1 of 1 test (a.py: f() changed) · decided in 5 ms",
  );
  assert.equal(
    plannedLine(
      some({ tests: tests(2), known: 1000, files: [{ path: "n.py", reasons: [{ kind: "new-file", path: "n.py" }] }] }),
      5,
    ),
    "to run: 2 of 1,000 tests, 1 path to collect anew (a.py: f() changed; n.py is new) · decided in 5 ms",
  );
});

test("the reasons that concern most come first, two at most", () => {
  const other: Reason = { kind: "packages-changed" };
  assert.equal(summarizeReasons([]), "");
  assert.equal(summarizeReasons([other, changed, changed]), "a.py: f() changed; the installed packages changed");
  assert.equal(
    summarizeReasons([changed, changed, other, { kind: "no-record" }, { kind: "failed", at: 1 }]),
    "a.py: f() changed; the installed packages changed; and 2 more",
  );
});

describe("what a run says", () => {
  const names = ["NO_COLOR", "FORCE_COLOR", "NODE_DISABLE_COLORS", "TERM"];
  const saved = names.map((name) => process.env[name]);
  beforeEach(() => {
    for (const name of names) {
      delete process.env[name];
    }
  });
  afterEach(() => {
    names.forEach((name, index) => {
      if (saved[index] === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = saved[index];
      }
    });
  });

  function say(...events: RunEvent[]): string {
    let text = "";
    const report = terminalReporter((chunk) => {
      text += chunk;
    });
    events.forEach(report);
    return text;
  }

  const summary = (more: Partial<RecordSummary> = {}): RecordSummary => ({
    tests: 1,
    outcomes: new Map(),
    failures: [],
    lost: new Map(),
    opaque: new Map(),
    opaqueTests: 0,
    opaqueRunsAlways: false,
    notes: [],
    sawSurvivors: true,
    recorded: true,
    checked: 0,
    misses: [],
    ...more,
  });
  const finished = (plan: Plan, what: RecordSummary | undefined): RunEvent => ({
    kind: "finished",
    mode: "select",
    exitCode: 0,
    plan,
    summary: what,
  });

  test("at its end", () => {
    assert.equal(say(finished({ kind: "nothing", upToDate: 3 }, undefined)), "");
    assert.equal(say(finished(some({ upToDate: 1200 }), summary())), "winnow: 1 test ran, 1,200 left out\n");
    assert.equal(
      say(finished({ kind: "everything", because: "", known: 0 }, summary({ tests: 2 }))),
      "winnow: 2 tests ran, none left out\n",
    );
    assert.match(say(finished(some(), undefined)), /nothing/);
  });

  test("of what could not be recorded, and of what is opaque", () => {
    const text = say(
      finished(
        some(),
        summary({
          notes: ["a debugger is attached"],
          lost: new Map([["a.py changed while tests ran", 1]]),
          opaque: new Map([
            ["child process: sh", 2],
            ["os.fork", 3],
          ]),
          opaqueTests: 4,
        }),
      ),
    );
    assert.match(text, /^winnow: a debugger is attached\n/);
    assert.match(text, /winnow: 1 test not recorded: a\.py changed while tests ran\n/);
    assert.match(
      text,
      /winnow: 4 tests will run again after any change, because of child process: sh and 1 other reason\n/,
    );
  });

  test("of warnings, and of thresholds", () => {
    assert.equal(
      say(
        { kind: "warning", message: "every test runs, because of x", help: "Do y.", code: "z" },
        { kind: "threshold-not-applied" },
      ),
      "winnow: every test runs, because of x\n        Do y.  [z]\nwinnow: the coverage threshold is not applied, because only a part of the tests runs\n",
    );
  });

  test("progress: one line on a terminal that the next line takes away, nothing elsewhere", () => {
    const events: RunEvent[] = [
      { kind: "progress", work: "record", done: 0, total: 4812 },
      { kind: "threshold-not-applied" },
    ];
    const { isTTY, getColorDepth } = process.stderr;
    const plain = "winnow: the coverage threshold is not applied, because only a part of the tests runs\n";
    try {
      process.env["NO_COLOR"] = "1";
      process.stderr.isTTY = false;
      assert.equal(say(...events), plain);
      process.stderr.isTTY = true;
      process.stderr.getColorDepth = WriteStream.prototype.getColorDepth;
      const line = "winnow: recording 4,812 tests…";
      assert.equal(say(...events), `\r${line}\r${" ".repeat(line.length)}\r${plain}`);
      process.env["TERM"] = "dumb";
      assert.equal(say(...events), plain);
    } finally {
      Object.assign(process.stderr, { isTTY, getColorDepth });
    }
  });

  test("is plain where standard error is no terminal or colours are not wanted, and coloured where they are", () => {
    const event: RunEvent = { kind: "warning", message: "m", help: "h", code: "c" };
    const { isTTY, getColorDepth } = process.stderr;
    const plain = "winnow: m\n        h  [c]\n";
    try {
      process.stderr.isTTY = false;
      assert.equal(say(event), plain);
      process.stderr.isTTY = true;
      // What a terminal has, and what standard error of a test lacks.
      process.stderr.getColorDepth = WriteStream.prototype.getColorDepth;
      process.env["NO_COLOR"] = "1";
      assert.equal(say(event), plain);
      delete process.env["NO_COLOR"];
      process.env["FORCE_COLOR"] = "1";
      const coloured = say(event);
      assert.notEqual(coloured, plain);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the colours
      assert.equal(coloured.replace(/\x1b\[\d+m/g, ""), plain);
    } finally {
      Object.assign(process.stderr, { isTTY, getColorDepth });
    }
  });
});
