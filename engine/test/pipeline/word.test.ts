/** Declared inputs over a store: what is recorded of them, when, and with which value. */

import assert from "node:assert/strict";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Depends } from "../../src/config/config.ts";
import type { MarkedFrame } from "../../src/journal/frames.ts";
import { recordLeftovers } from "../../src/pipeline/record.ts";
import { JournalBuilder } from "../support/journal.ts";
import { ALL_COMPILES, PYTHON, type RunOptions, shaOfText, TestProject } from "../support/project.ts";

const TEST = "def test_a(): pass\n";
const ID = "test_x.py::test_a";

interface Ran {
  readonly marked?: MarkedFrame;
  readonly opaque?: readonly string[];
  /** Seconds since 1970. */
  readonly started?: number;
}

function journal({ marked, opaque = [], started }: Ran): JournalBuilder {
  return new JournalBuilder()
    .start({ python: PYTHON.version, ...(started === undefined ? {} : { time: started }) })
    .session({ roots: ["."] })
    .context(0, "session", "session")
    .context(1, "session", "walk", { inputs: [["listing", ".", ["test_x.py"]]] })
    .module("test_x.py", { sha: shaOfText(TEST), ctx: 2 })
    .context(3, "file", "test_x.py", { uses: [2] })
    .collected("test_x.py", 3, [ID], { survived: null, outcome: "passed", partial: false })
    .session({ roots: ["."], complete: true, args: ["."], customCollection: false, whole: true })
    .test(ID, "test_x.py", {
      uses: [3],
      codes: [["test_x.py", 1, "test_a"]],
      opaque,
      ...(marked === undefined ? {} : { marked }),
      ...(started === undefined ? {} : { started }),
    })
    .end();
}

function project(files: Readonly<Record<string, string>> = {}): TestProject {
  const made = new TestProject({ "test_x.py": TEST, ...files });
  age(made, "test_x.py", ...Object.keys(files));
  return made;
}

function age(of: TestProject, ...paths: readonly string[]): void {
  for (const path of paths) {
    utimesSync(join(of.root, path), 1_000_000_000, 1_000_000_000);
  }
}

const FUTURE = Date.now() / 1000 + 3600;

function depends(more: Partial<Depends>): RunOptions {
  return { config: { depends: [{ tests: ["test_x.py"], files: [], env: [], commands: [], ...more }] } };
}

function states(of: TestProject, options: RunOptions): unknown {
  const { plan } = of.decide(options);
  return plan.kind === "some"
    ? plan.tests.flatMap(({ reasons }) => reasons.map((each) => ("state" in each ? each.state : each.kind)))
    : plan.kind;
}

describe("by the configuration", () => {
  test("a variable, with and without a value", () => {
    using it = project();
    const options = depends({ env: ["MODE"] });
    it.run(() => [journal({})], options);
    assert.equal(states(it, options), "nothing");
    const set = { ...options, env: { MODE: "1" } };
    assert.deepEqual(states(it, set), ["changed"]);
    it.run(() => [journal({})], set);
    assert.deepEqual([states(it, set), states(it, options)], ["nothing", "nothing"]);
    // An empty value is a value.
    assert.deepEqual(states(it, { ...options, env: { MODE: "" } }), ["changed"]);
  });

  test("a verdict holds for the variables that it rests on", () => {
    using it = project();
    const options = depends({ env: ["MODE"] });
    it.run(() => [journal({})], options);
    it.remember(options);
    const idle = it.decide(options);
    assert.deepEqual([idle.plan.kind, idle.knowledge], ["nothing", undefined]);
    assert.deepEqual(states(it, { ...options, env: { MODE: "1" } }), ["changed"]);
    it.run(() => [journal({})], { ...options, env: { MODE: "1" } });
    assert.equal(it.decide({ ...options, env: { MODE: "1" } }).knowledge, undefined);
    const other = it.decide(options);
    assert.notEqual(other.knowledge, undefined);
    assert.equal(other.plan.kind, "nothing");
  });

  test("values are those of before the run: what the test writes itself makes it run once more", () => {
    using it = project({ "data/a": "1" });
    const options = depends({ files: ["data/*"] });
    it.run(() => {
      writeFileSync(join(it.root, "data/out"), "1");
      return [journal({})];
    }, options);
    assert.deepEqual(states(it, options), ["changed"]);
    it.run(() => [journal({})], options);
    assert.equal(states(it, options), "nothing");
  });

  test("a change of the configuration counts at once, also for a verdict", () => {
    using it = project({ "data/a": "1" });
    it.run(() => [journal({})]);
    assert.equal(it.selected(), "nothing");
    assert.deepEqual(states(it, { config: { always: ["test_x.py"] } }), ["always"]);
    assert.deepEqual(states(it, { config: { everything: ["data"] } }), ["not-recorded"]);
    assert.equal(it.selected(), "nothing");
  });

  test("the output of a command: never without leave, and never from a verdict", () => {
    using it = project({ version: "1" });
    const options = { ...depends({ commands: ["cat version"] }), env: process.env };
    const allowed = { ...options, allowCommands: true };
    it.run(() => [journal({})], allowed);
    it.remember(allowed);
    assert.equal(states(it, allowed), "nothing");
    assert.deepEqual(states(it, options), ["not-allowed"]);
    it.write({ version: "2" });
    assert.deepEqual(states(it, allowed), ["changed"]);
    it.write({ version: "1" });
    assert.equal(states(it, allowed), "nothing");
    const { declared } = it.decide(allowed);
    assert.equal(declared.ranCommands, true);
  });

  test("the exit code of a command counts, and a command that is not there is one that fails", () => {
    using it = project();
    const options = { ...depends({ commands: ["no-such-command-anywhere"] }), env: process.env, allowCommands: true };
    it.run(() => [journal({})], options);
    assert.equal(states(it, options), "nothing");
  });
});

describe("by a marker", () => {
  test("files that were older than the test, from the first run on", () => {
    using it = project({ "data/a": "1" });
    it.run(() => [journal({ marked: { depends: ["data/*"] }, started: FUTURE })]);
    assert.equal(states(it, {}), "nothing");
    it.write({ "data/a": "2" });
    assert.deepEqual(states(it, {}), ["changed"]);
  });

  test("files that may have changed since need a second run", () => {
    using it = project({ "data/a": "1" });
    it.write({ "data/a": "2" });
    const ran: Ran = { marked: { depends: ["data/*"] }, started: 1_500_000_000 };
    it.run(() => [journal(ran)]);
    assert.deepEqual(states(it, {}), ["not-recorded"]);
    it.run(() => [journal(ran)]);
    assert.equal(states(it, {}), "nothing");
  });

  test("a marker that asks for it to run always", () => {
    using it = project();
    it.run(() => [journal({ marked: { always: true } })]);
    assert.deepEqual(states(it, {}), ["always"]);
  });

  test("what an interrupted run left is not given the variables of today", () => {
    using it = project();
    const decision = it.decide();
    const description = { ...it.describe(decision), pid: 2 ** 22 + 1 };
    writeFileSync(join(it.layout.runs, `${description.run}.json`), JSON.stringify(description));
    journal({ marked: { env: ["MODE"] } }).write(
      join(it.layout.journals, `${description.run}-${description.pid}-0.journal`),
    );
    const request = it.request({ env: { MODE: "1" } });
    assert.equal(recordLeftovers(it.store, it.layout, request, PYTHON, ALL_COMPILES)[0]?.tests, 1);
    for (const env of [{ MODE: "1" }, {}]) {
      assert.deepEqual(states(it, { env }), ["not-recorded"]);
    }
  });
});

describe("child processes", () => {
  test("the summary counts tests, and only what is not harmless", () => {
    using it = project();
    const ran: Ran = { opaque: ["child process: git x", "child process: sh"] };
    const some = it.run(() => [journal(ran)], { config: { harmless: ["git *"] } }).summary;
    assert.deepEqual([some.opaqueTests, [...some.opaque.keys()]], [1, ["child process: sh"]]);
    const none = it.run(() => [journal(ran)], { config: { harmless: ["git *", "sh"], opaque: "always" } }).summary;
    assert.deepEqual([none.opaqueTests, none.opaqueRunsAlways], [0, true]);
  });

  test("a file that was added to is no reason where it is ignored", () => {
    using it = project();
    it.run(() => [journal({ opaque: ["reads a file that was there and has been added to: out/log"] })]);
    it.write({ other: "1" });
    assert.deepEqual(states(it, {}), ["listing-changed"]);
    assert.equal(states(it, { config: { ignore: ["out"] } }), "nothing");
  });
});
