/**
 * What a run leaves for the next idle invocation: by the short way, where only the files that ran are gone
 * through. Each run is also compared with what a whole look finds: see {@link TestProject.run}.
 */

import assert from "node:assert/strict";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Depends } from "../../src/config/config.ts";
import { JournalBuilder } from "../support/journal.ts";
import { PYTHON, type RunOptions, shaOfText, TestProject } from "../support/project.ts";

const FILES = ["test_x.py", "test_y.py"] as const;
const TEXT = "def test_a(): pass\n";
const EDITED = "def test_a(): return 1\n";
/** Seconds since 1970: old enough to be believed. */
const OLD = 1_000_000_000;

function journal(texts: Readonly<Record<string, string>>, ran: readonly string[] = FILES): JournalBuilder {
  const builder = new JournalBuilder()
    .start({ python: PYTHON.version })
    .session({ roots: ["."] })
    .context(0, "session", "session")
    .context(1, "session", "walk", { inputs: [["listing", ".", [...FILES]]] });
  ran.forEach((path, index) => {
    const [load, file] = [2 + index * 2, 3 + index * 2];
    builder
      .module(path, { sha: shaOfText(texts[path] ?? TEXT), ctx: load })
      .context(file, "file", path, { uses: [load] })
      .collected(path, file, [`${path}::test_a`], { survived: null, outcome: "passed", partial: false });
  });
  builder.session({ roots: ["."], complete: true, args: ["."], customCollection: false, whole: true });
  ran.forEach((path, index) => {
    builder.test(`${path}::test_a`, path, { uses: [3 + index * 2], codes: [[path, 1, "test_a"]] });
  });
  return builder.end();
}

function project(): TestProject {
  const made = new TestProject({ "test_x.py": TEXT, "test_y.py": TEXT });
  for (const path of FILES) {
    utimesSync(join(made.root, path), OLD, OLD);
  }
  return made;
}

/** Records everything, edits one file and runs it; what was left out of that run. */
function edited(it: TestProject, options: RunOptions = {}, meanwhile: () => void = () => {}): readonly string[] {
  it.run(() => [journal({})], options);
  it.write({ "test_y.py": EDITED });
  const { plan } = it.run(() => {
    meanwhile();
    return [journal({ "test_y.py": EDITED }, ["test_y.py"])];
  }, options);
  return plan.kind === "some" ? plan.skipFiles : [];
}

function depends(more: Partial<Depends>): RunOptions {
  return { config: { depends: [{ tests: ["test_x.py"], files: [], env: [], commands: [], ...more }] } };
}

/** Whether the verdict answers, without a look at what is known. */
function isIdle(it: TestProject, options: RunOptions = {}): boolean {
  const { plan, knowledge } = it.decide(options);
  return plan.kind === "nothing" && knowledge === undefined;
}

test("the tests of files that were left out count", () => {
  using it = project();
  assert.deepEqual(edited(it), ["test_x.py"]);
  const { plan, knowledge } = it.decide();
  assert.deepEqual([plan, knowledge], [{ kind: "nothing", upToDate: 2 }, undefined]);
});

test("declared variables of files that were left out count", () => {
  using it = project();
  const options = depends({ env: ["MODE"] });
  assert.deepEqual(edited(it, options), ["test_x.py"]);
  assert.equal(isIdle(it, options), true);
  assert.deepEqual(it.selected({ ...options, env: { MODE: "1" } }), ["test_x.py::test_a"]);
});

test("declared files of files that were left out stay watched, new ones among them", () => {
  using it = project();
  it.write({ "data/a": "1" });
  utimesSync(join(it.root, "data/a"), OLD, OLD);
  const options = depends({ files: ["data/*"] });
  assert.deepEqual(edited(it, options), ["test_x.py"]);
  assert.equal(isIdle(it, options), true);
  it.write({ "data/b": "1" });
  assert.deepEqual(it.selected(options), ["test_x.py::test_a"]);
});

test("what changed while the tests ran concerns files that were left out", () => {
  using it = project();
  const options = depends({ files: ["data/*"] });
  it.write({ "data/a": "1" });
  utimesSync(join(it.root, "data/a"), OLD, OLD);
  const meanwhile = (): void => writeFileSync(join(it.root, "data/a"), "2");
  assert.deepEqual(edited(it, options, meanwhile), ["test_x.py"]);
  assert.equal(isIdle(it, options), false);
  assert.deepEqual(it.selected(options), ["test_x.py::test_a"]);
});

test("the output of a command is no ground for a verdict", () => {
  using it = project();
  const options = { ...depends({ commands: ["true"] }), env: process.env, allowCommands: true };
  assert.deepEqual(edited(it, options), ["test_x.py"]);
  assert.equal(isIdle(it, options), false);
  assert.equal(it.selected(options), "nothing");
});

test("where somebody else has written meanwhile, everything is gone through", () => {
  using it = project();
  const other = (): void => {
    it.store.write(() => {
      for (const [test, facts] of it.store.facts(1)) {
        const [fact] = facts;
        if (fact !== undefined && it.store.testPaths().get(test) === "test_x.py") {
          const { id: _, ...rest } = fact;
          it.store.addFact(1, {
            ...rest,
            outcome: "failed",
            green: false,
            at: Date.now(),
            durationUs: 1,
            run: "other",
          });
        }
      }
    });
  };
  assert.deepEqual(edited(it, {}, other), ["test_x.py"]);
  assert.equal(isIdle(it), false);
  assert.deepEqual(it.selected(), ["test_x.py::test_a"]);
});
