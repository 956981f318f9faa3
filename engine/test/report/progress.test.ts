import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isInteractive, ProgressLine } from "../../src/report/progress.ts";

/** A line on a terminal that remembers what was written, and a clock that is moved by hand. */
function line(columns = 80) {
  const said = { text: "" };
  let at = 0;
  const write = (text: string): void => {
    said.text += text;
  };
  const progress = new ProgressLine(write, { isTTY: true, columns }, "winnow:", () => at);
  return {
    progress,
    wait: (ms: number) => {
      at += ms;
    },
    /** What was written since the last question. */
    take: (): string => {
      const { text } = said;
      said.text = "";
      return text;
    },
  };
}

describe("the line of progress", () => {
  test("says nothing of work that is soon over, and rarely of work that is not", () => {
    const { progress, wait, take } = line();
    progress.show("look", 0, 9000);
    wait(399);
    progress.show("look", 64, 9000);
    assert.equal(take(), "");
    wait(1);
    progress.show("look", 128, 9000);
    assert.equal(take(), "\rwinnow: looking at 128 of 9,000 files…");
    wait(99);
    progress.show("look", 192, 9000);
    assert.equal(take(), "");
    wait(1);
    progress.show("look", 1024, 9000);
    assert.equal(take(), "\rwinnow: looking at 1,024 of 9,000 files…");
    // Other work has its own patience.
    progress.show("record", 0, 10);
    assert.equal(take(), "");
    wait(400);
    progress.show("record", 3, 10);
    // As long as what it is written over.
    assert.equal(take(), `\rwinnow: recording 3 of 10 tests…${" ".repeat(8)}`);
    wait(100);
    progress.show("split", 0, 3);
    wait(400);
    progress.show("split", 2, 3);
    assert.equal(take(), "\rwinnow: splitting 2 of 3 changed sources…");
  });

  test("many tests to record are told of at once", () => {
    const { progress, take } = line();
    progress.show("record", 0, 1999);
    assert.equal(take(), "");
    progress.clear();
    progress.show("record", 0, 2000);
    assert.equal(take(), "\rwinnow: recording 2,000 tests…");
  });

  test("is wiped once, and fits into the terminal", () => {
    const { progress, take } = line(30);
    progress.clear();
    assert.equal(take(), "");
    progress.show("record", 0, 2_000_000);
    assert.equal(take(), "\rwinnow: recording 2,000,000 t");
    progress.clear();
    assert.equal(take(), `\r${" ".repeat(29)}\r`);
    progress.clear();
    assert.equal(take(), "");
  });

  test("is for terminals that can write over a line", () => {
    assert.equal(isInteractive({ isTTY: true }, {}), true);
    assert.equal(isInteractive({ isTTY: true }, { TERM: "dumb" }), false);
    assert.equal(isInteractive({ isTTY: false }, {}), false);
    assert.equal(isInteractive({}, {}), false);
  });
});
