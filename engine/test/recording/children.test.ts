/** Journals of child processes, put where the processes were started. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Frame, FrameWithCodes } from "../../src/journal/frames.ts";
import { withChildren } from "../../src/recording/children.ts";

function frames(...all: Record<string, unknown>[]): FrameWithCodes[] {
  return all.map(({ numbers, ...frame }) => ({
    frame: frame as unknown as Frame,
    codes: new Uint32Array((numbers as number[] | undefined) ?? []),
  }));
}

const START = { k: "start", v: 1, role: "main" };

function parent(...inputs: unknown[]): FrameWithCodes[] {
  return frames(
    START,
    { k: "files", base: 0, paths: ["test_a.py", "lib.py"] },
    { k: "codes", base: 0, codes: [[0, 1, "test_one"]] },
    { k: "ctx", id: 4, kind: "import", name: "lib.py", uses: [], inputs: [], opaque: [] },
    { k: "test", id: "test_a.py::test_one", file: 0, uses: [], inputs, opaque: [], numbers: [0] },
    { k: "end", exit: 0 },
  );
}

function child(number: string, inputs: unknown[] = [], isWhole = true): FrameWithCodes[] {
  return frames(
    { ...START, role: "child", child: number },
    { k: "session", roots: ["src"], complete: true },
    { k: "files", base: 0, paths: ["lib.py", "more.py"] },
    {
      k: "codes",
      base: 0,
      codes: [
        [0, 7, "used"],
        [1, 3, "more"],
      ],
    },
    { k: "ctx", id: 0, kind: "session", name: "session", uses: [1], inputs, opaque: [], numbers: [1] },
    { k: "ctx", id: 1, kind: "import", name: "lib.py", uses: [], inputs: [], opaque: [], numbers: [0] },
    { k: "module", file: 0, name: "lib", package: null, sha: "s", ctx: 1 },
    { k: "preloaded", file: 1, sha: "p" },
    ...(isWhole ? [{ k: "end", exit: 0 }] : []),
  );
}

const never = (): boolean => false;

function testFrame(all: readonly FrameWithCodes[]): Extract<Frame, { k: "test" }> {
  const found = all.find(({ frame }) => frame.k === "test")?.frame;
  assert.ok(found?.k === "test");
  return found;
}

/** The frame of a context, its codes as `file:name`, and whom it uses. */
function contextOf(all: readonly FrameWithCodes[], id: number) {
  const paths: string[] = [];
  const codes: string[] = [];
  for (const { frame } of all) {
    if (frame.k === "files") {
      frame.paths.forEach((path, index) => {
        paths[frame.base + index] = path;
      });
    }
  }
  for (const { frame } of all) {
    if (frame.k === "codes") {
      frame.codes.forEach(([file, , name], index) => {
        codes[frame.base + index] = `${paths[file]}:${name}`;
      });
    }
  }
  const own = all.filter(({ frame }) => frame.k === "ctx" && frame.id === id);
  return {
    kinds: new Set(own.map(({ frame }) => (frame.k === "ctx" ? frame.kind : ""))),
    uses: own.flatMap(({ frame }) => (frame.k === "ctx" ? frame.uses : [])),
    inputs: own.flatMap(({ frame }) => (frame.k === "ctx" ? frame.inputs : [])),
    opaque: own.flatMap(({ frame }) => (frame.k === "ctx" ? frame.opaque : [])),
    codes: own.flatMap((each) => [...each.codes].map((code) => codes[code])),
  };
}

describe("journals of children", () => {
  test("what a child did is what its starter uses", () => {
    const [all, ...rest] = withChildren(
      [parent(["child", "1-1", "python x"]), child("1-1", [["file", "d", "s"]])],
      never,
    );
    assert.ok(all !== undefined && rest.length === 0);
    const { uses, inputs, opaque } = testFrame(all);
    assert.deepEqual([inputs, opaque, uses.length], [[], [], 1]);
    const whole = contextOf(all, uses[0] as number);
    assert.deepEqual(whole.kinds, new Set(["fixture"]));
    assert.deepEqual([whole.codes, whole.inputs], [["more.py:more"], [["file", "d", "s"]]]);
    const imported = contextOf(all, whole.uses[0] as number);
    assert.deepEqual([imported.codes, imported.kinds], [["lib.py:used"], new Set(["import"])]);
    // The numbers of its files are those of its starter, where both know the file.
    const module = all.find(({ frame }) => frame.k === "module")?.frame;
    assert.ok(module?.k === "module" && module.file === 1 && module.ctx === whole.uses[0]);
    // It has come to its teardown, and its session says no more than where it looked.
    assert.ok(all.some(({ frame }) => frame.k === "ctx" && frame.kind === "teardown" && frame.of === uses[0]));
    const session = all.find(({ frame }) => frame.k === "session")?.frame;
    assert.deepEqual(session, { k: "session", roots: ["src"] });
  });

  test("without a whole journal, or declared harmless, a child leaves its starter opaque", () => {
    const input = ["child", "1-1", "python x"];
    for (const [journals, isHarmless] of [
      [[parent(input)], never],
      [[parent(input), child("1-1", [], false)], never],
      [[parent(input), child("1-2")], never],
      [[parent(input), child("1-1")], (reason: string) => reason === "child process: python x"],
    ] as const) {
      const [all] = withChildren(journals, isHarmless);
      const { uses, inputs, opaque } = testFrame(all ?? []);
      assert.deepEqual([uses, inputs, opaque], [[], [], ["child process: python x"]]);
    }
  });

  test("children of children, one that two tests share, and one that claims to be its own", () => {
    const input = ["child", "1-1", "python x"];
    const [all] = withChildren(
      [
        parent(input, ["child", "1-2", "python y"]),
        child("1-1", [["child", "2-1", "inner"]]),
        child("2-1"),
        child("1-2", [["child", "1-2", "self"]]),
      ],
      never,
    );
    assert.ok(all !== undefined);
    const [one, two] = testFrame(all).uses.map((id) => contextOf(all, id));
    const inner = one?.uses.map((id) => contextOf(all, id)).find(({ kinds }) => kinds.has("fixture"));
    assert.deepEqual(inner?.codes, ["more.py:more"]);
    assert.deepEqual([one?.opaque, two?.opaque], [[], ["child process: self"]]);
  });

  test("a journal without children is left as it is", () => {
    const one = parent();
    assert.equal(withChildren([one], never)[0], one);
  });
});
