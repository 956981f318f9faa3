/** What journals leave in the store, and what decisions make of it. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Input } from "../../src/journal/frames.ts";
import type { Plan } from "../../src/model/plan.ts";
import { hasLeftovers } from "../../src/pipeline/leftovers.ts";
import { isAlive, journalsOf, record, recordLeftovers } from "../../src/pipeline/record.ts";
import { remember } from "../../src/pipeline/remember.ts";
import type { InterpreterInfo } from "../../src/runners/pytest/interpreter.ts";
import { openStore } from "../../src/store/store.ts";
import { type CodeAt, JournalBuilder } from "../support/journal.ts";
import { wouldRun } from "../support/program.ts";
import { ALL_COMPILES, type Edits, PYTHON, type RunOptions, shaOfText, TestProject } from "../support/project.ts";

interface TestSpec {
  readonly codes?: readonly CodeAt[];
  readonly inputs?: readonly Input[];
  readonly opaque?: readonly string[];
  readonly uses?: readonly number[];
  readonly outcome?: string;
  readonly green?: boolean;
  readonly reruns?: number;
  readonly duration?: number;
}

interface SessionSpec {
  /** Modules loaded, with what they contain; test files among them. */
  readonly loaded: Readonly<Record<string, string>>;
  /** Test files with their tests, in order. */
  readonly files: Readonly<Record<string, Readonly<Record<string, TestSpec>>>>;
  readonly survived?: Readonly<Record<string, readonly boolean[]>>;
  readonly outcomes?: Readonly<Record<string, "passed" | "failed" | "skipped">>;
  readonly partial?: readonly string[];
  readonly walks?: Readonly<Record<string, readonly string[]>>;
  readonly args?: readonly string[];
  readonly roots?: readonly string[];
  readonly custom?: boolean;
  /** False if a directory could not be collected. */
  readonly whole?: boolean;
  readonly python?: string;
  readonly time?: number;
  /** Frames between collection and tests; contexts from 100 on are free. */
  readonly more?: (journal: JournalBuilder) => void;
  readonly after?: (journal: JournalBuilder) => void;
  readonly die?: boolean;
}

/** The journal of a session in which everything collected runs, except what the plan leaves out. */
function session(spec: SessionSpec, plan: Plan = { kind: "everything", because: "", known: 0 }): JournalBuilder {
  const { roots = ["."], time } = spec;
  const journal = new JournalBuilder()
    .start({ python: spec.python ?? PYTHON.version, ...(time === undefined ? {} : { time }) })
    .session({ roots })
    .context(0, "session", "session");
  const walks = Object.entries(spec.walks ?? { ".": Object.keys(spec.files) });
  journal.context(1, "session", "walk", { inputs: walks.map(([directory, names]) => ["listing", directory, names]) });
  let ctx = 2;
  const uses = new Map<string, number>();
  for (const [path, text] of Object.entries(spec.loaded)) {
    uses.set(path, ctx);
    journal.module(path, { sha: shaOfText(text), ctx });
    ctx += 1;
  }
  const files = Object.entries(spec.files).filter(([path]) => plan.kind !== "some" || !plan.skipFiles.includes(path));
  const contexts = new Map<string, number>();
  for (const [path, tests] of files) {
    const loaded = uses.get(path);
    journal.context(ctx, "file", path, { uses: loaded === undefined ? [] : [loaded] });
    const more = {
      survived: spec.survived?.[path] ?? null,
      outcome: spec.outcomes?.[path] ?? "passed",
      partial: spec.partial?.includes(path) ?? false,
    };
    journal.collected(
      path,
      ctx,
      Object.keys(tests).map((name) => `${path}::${name}`),
      more,
    );
    contexts.set(path, ctx);
    ctx += 1;
  }
  const { args = ["."], custom = false, whole = true } = spec;
  journal.session({ roots, complete: true, args, customCollection: custom, whole });
  spec.more?.(journal);
  for (const [path, tests] of files) {
    Object.entries(tests).forEach(([name, { uses: own = [], ...test }], index) => {
      const id = `${path}::${name}`;
      if (wouldRun(plan, path, id) && (spec.survived?.[path]?.[index] ?? true)) {
        journal.test(id, path, { uses: [contexts.get(path) ?? 0, ...own], ...test });
      }
    });
  }
  spec.after?.(journal);
  return spec.die === true ? journal : journal.end();
}

const TEST = "def test_a(): pass\ndef test_b(): pass\n";
const A: CodeAt = ["test_x.py", 1, "test_a"];
const B: CodeAt = ["test_x.py", 2, "test_b"];
const SIMPLE: SessionSpec = {
  loaded: { "test_x.py": TEST },
  files: { "test_x.py": { test_a: { codes: [A] }, test_b: { codes: [B] } } },
};

function project(files: Edits = { "test_x.py": TEST }): TestProject {
  return new TestProject(files);
}

function run(on: TestProject, spec: SessionSpec, options: RunOptions = {}) {
  return on.run((plan) => [session(spec, plan)], options);
}

function filesOf(plan: Plan): string[] {
  return plan.kind === "some" ? plan.files.map(({ path }) => path) : [plan.kind];
}

describe("a recorded session", () => {
  test("says what it recorded, and leaves no journal", () => {
    using on = project();
    const { plan, summary } = run(on, {
      ...SIMPLE,
      files: { "test_x.py": { test_a: { codes: [A] }, test_b: { codes: [B], outcome: "failed", green: false } } },
      more: (journal) => journal.add({ k: "note", message: "a note" }),
    });
    assert.equal(plan.kind, "everything");
    assert.deepEqual(
      [summary.tests, [...summary.outcomes], [...summary.lost], summary.notes, summary.recorded, summary.sawSurvivors],
      [
        2,
        [
          ["passed", 1],
          ["failed", 1],
        ],
        [],
        ["a note"],
        true,
        true,
      ],
    );
    assert.deepEqual(journalsOf(on.layout), []);
    assert.deepEqual(on.selected(), ["test_x.py::test_b"]);
    assert.equal(on.store.lastRun()?.id, "run1");
  });

  test("ingested twice changes nothing", () => {
    using on = project();
    run(on, SIMPLE);
    const before = on.store.counts();
    on.run(() => [session({ ...SIMPLE, time: 1 }), session({ ...SIMPLE, time: 1 })]);
    assert.deepEqual({ ...on.store.counts(), run: 0 }, { ...before, run: 0 });
    assert.deepEqual(on.plan(), { kind: "nothing", upToDate: 2 });
  });

  test("in which a test stopped the clock is recorded like any other", () => {
    using on = project();
    const [test_a, test_b] = [
      { codes: [A], duration: -3e-6 },
      { codes: [B], duration: -86_400.5 },
    ];
    run(on, { ...SIMPLE, files: { "test_x.py": { test_a, test_b } } });
    on.write({ "test_x.py": TEST.replace("test_b(): pass", "test_b(): return") });
    assert.deepEqual(on.selected(), ["test_x.py::test_b"]);
  });

  test("of several processes is one", () => {
    using on = project();
    on.run(() => [
      session(
        { ...SIMPLE, files: { "test_x.py": { test_a: { codes: [A] }, test_b: { codes: [B] } } } },
        {
          kind: "some",
          tests: [],
          files: [],
          skipFiles: [],
          skipTests: new Map([["test_x.py", ["test_x.py::test_b"]]]),
          provided: new Map(),
          failed: new Map(),
          leftOutWithFiles: 0,
          upToDate: 0,
          known: 0,
        },
      ),
    ]);
    assert.deepEqual(on.selected(), ["test_x.py::test_b"]);
    run(on, SIMPLE);
    assert.deepEqual(on.plan(), { kind: "nothing", upToDate: 2 });
  });

  test("with a journal that cannot be read keeps the others", () => {
    using on = project();
    const { summary } = on.run(() => {
      const broken = session(SIMPLE);
      broken.bytes = () => Buffer.from("no journal at all");
      return [session(SIMPLE), broken];
    });
    assert.equal(summary.tests, 2);
    assert.match(summary.notes[0] ?? "", /cannot be read \(it does not begin like a journal\)/);
    assert.equal(on.plan().kind, "nothing");
  });

  test("that passed after a rerun, or was not green, proves nothing", () => {
    using on = project();
    run(on, {
      ...SIMPLE,
      files: {
        "test_x.py": { test_a: { codes: [A], reruns: 1 }, test_b: { codes: [B], outcome: "xpassed", green: false } },
      },
    });
    const { plan } = on.decide();
    assert.ok(plan.kind === "some");
    assert.deepEqual(
      plan.tests.map(({ reasons: [reason] }) => reason?.kind),
      ["not-proven", "failed"],
    );
  });

  test("of which a file changed before it could be read costs these facts, and says so", () => {
    using on = project();
    const { summary } = run(on, { ...SIMPLE, loaded: { "test_x.py": "something else\n" } });
    assert.deepEqual([...summary.lost], [["test_x.py changed while tests ran", 2]]);
    assert.deepEqual(filesOf(on.plan()), ["test_x.py"]);
  });

  test("above which a file appeared meanwhile costs the facts below it", () => {
    using on = project({ "test_x.py": TEST, "__init__.py": "" });
    const { summary } = run(on, { ...SIMPLE, time: Date.now() / 1000 - 100 });
    assert.deepEqual([...summary.lost], [["__init__.py changed while tests ran", 2]]);
    run(on, SIMPLE);
    assert.equal(on.plan().kind, "nothing");
  });

  test("depends on what was loaded, also when the file was edited while tests ran", () => {
    using on = project();
    run(on, SIMPLE);
    on.write({ "test_x.py": TEST.replace("a(): pass", "a(): print()") });
    const edited = TEST.replace("a(): pass", "a(): print()");
    on.run((plan) => {
      const journal = session({ ...SIMPLE, loaded: { "test_x.py": edited } }, plan);
      // Undone before anybody looks; the edited content is not to be had any more.
      on.write({ "test_x.py": TEST });
      return [journal];
    });
    assert.deepEqual(on.plan(), { kind: "nothing", upToDate: 2 });
    on.write({ "test_x.py": edited });
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
  });
});

describe("a known file that is not collected any more", () => {
  const FILES = { "test_x.py": TEST, "sub/check_y.py": TEST };
  const BOTH: SessionSpec = {
    loaded: FILES,
    files: { ...SIMPLE.files, "sub/check_y.py": { test_a: {}, test_b: {} } },
    walks: { ".": ["test_x.py", "sub"], sub: ["check_y.py"] },
  };
  const ONE: SessionSpec = { ...SIMPLE, walks: BOTH.walks ?? {} };

  /** Both files are known; then the configuration changed, and pytest tells of one only. */
  function withOne(spec: SessionSpec = ONE, options: RunOptions = {}): TestProject {
    const on = project({ ...FILES, "pytest.ini": "[pytest]\npython_files = *.py\n" });
    run(on, { ...BOTH, args: spec.args ?? ["."] }, options);
    assert.deepEqual(on.plan(options), { kind: "nothing", upToDate: 4 });
    on.write({ "pytest.ini": "[pytest]\n" });
    // What else may be a test file by these names, nobody has looked at.
    assert.deepEqual([...new Set(filesOf(on.plan(options)))].sort(), ["", "sub/check_y.py", "test_x.py"]);
    run(on, spec, options);
    return on;
  }

  test("is not asked for again, until what made it none changes", () => {
    using on = withOne();
    assert.deepEqual(on.plan(), { kind: "nothing", upToDate: 2 });
    on.write({ "pytest.ini": "[pytest]\npython_files = check_*.py test_*.py\n" });
    assert.deepEqual(filesOf(on.plan()).sort(), ["", "sub/check_y.py", "test_x.py"]);
    run(on, BOTH);
    assert.deepEqual(on.plan(), { kind: "nothing", upToDate: 4 });
  });

  test("is asked for where a conftest appears above it", () => {
    using on = withOne();
    on.write({ "sub/conftest.py": "" });
    assert.deepEqual(filesOf(on.plan()), ["sub/check_y.py"]);
    // The other one as well, where the new conftest has hooks for the whole session.
    on.write({ "sub/conftest.py": "def pytest_configure(config):\n    pass\n" });
    assert.deepEqual(filesOf(on.plan()).sort(), ["sub/check_y.py", "test_x.py"]);
  });

  test("is asked for by other requests, and where it is an argument itself", () => {
    using on = withOne();
    for (const args of [["sub"], ["sub/check_y.py"], ["sub/check_y.py::test_a"], ["-k", "a"]]) {
      assert.ok(
        filesOf(on.plan({ args })).some((path) => path.startsWith("sub")),
        args.join(" "),
      );
    }
    using explicit = withOne({ ...ONE, args: [".", "sub/check_y.py"] }, { args: [".", "sub/check_y.py"] });
    assert.deepEqual(filesOf(explicit.plan({ args: [".", "sub/check_y.py"] })), ["sub/check_y.py"]);
  });

  test("stays asked for where a directory failed, or where collection did not come to its end", () => {
    using failed = withOne({ ...ONE, whole: false });
    assert.deepEqual(filesOf(failed.plan()), ["sub/check_y.py"]);
    const killed = withOne();
    killed.write({ "pytest.ini": "[pytest]\naddopts = -q\n" });
    killed.run(() => [new JournalBuilder().start({ python: PYTHON.version }).session({ roots: ["."] })]);
    assert.ok(filesOf(killed.plan()).includes("sub/check_y.py"));
    killed[Symbol.dispose]();
  });

  test("is none for a request that ignores it, and what it was for those that do not", () => {
    using on = project(FILES);
    run(on, BOTH);
    const args = ["--ignore", "sub"];
    assert.ok(filesOf(on.plan({ args })).includes("sub/check_y.py"));
    run(on, ONE, { args });
    assert.deepEqual(on.plan({ args }), { kind: "nothing", upToDate: 2 });
    assert.deepEqual(on.plan(), { kind: "nothing", upToDate: 4 });
  });

  test("is none only where pytest was asked for it", () => {
    using on = project(FILES);
    run(on, BOTH);
    on.write({ "test_x.py": `${TEST}X = 1\n` });
    const left = filesOf(on.plan());
    run(on, { ...ONE, loaded: { "test_x.py": `${TEST}X = 1\n` } });
    assert.deepEqual(left, ["test_x.py"]);
    assert.deepEqual(on.plan(), { kind: "nothing", upToDate: 4 });
  });
});

describe("what nobody can know", () => {
  const spec: SessionSpec = {
    ...SIMPLE,
    files: { "test_x.py": { test_a: { codes: [A], opaque: ["child process: sh run.sh"] }, test_b: { codes: [B] } } },
  };

  test("makes a test depend on every file of the project, known or not, and on every new one", () => {
    using on = project({
      "test_x.py": TEST,
      "run.sh": "echo 1",
      "data/deep/x.bin": "1",
      "node_modules/m/i.js": "1",
      "env/pyvenv.cfg": "",
      "env/x": "",
    });
    const { summary } = run(on, spec);
    assert.deepEqual([...summary.opaque], [["child process: sh run.sh", 1]]);
    assert.equal(on.plan().kind, "nothing");
    for (const edits of [
      { "run.sh": "echo 2" },
      { "data/deep/x.bin": "2" },
      { "data/deep/new": "" },
      { "data/new": "" },
      { new: "" },
    ]) {
      on.write(edits);
      assert.deepEqual(on.selected(), ["test_x.py::test_a"], JSON.stringify(edits));
      run(on, spec);
      assert.equal(on.plan().kind, "nothing");
    }
    on.write({ "node_modules/m/i.js": "2", "env/x": "2" });
    assert.equal(on.plan().kind, "nothing");
    on.write({ "data/new": null });
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
  });

  test("leaves out what git ignores, and what it has only to itself", {
    skip: spawnSync("git", ["--version"]).status !== 0,
  }, () => {
    using on = project({
      "test_x.py": TEST,
      "run.sh": "1",
      ".gitignore": "*.log\nout/\n",
      "a.log": "1",
      "out/x": "1",
      "inner/y": "1",
    });
    spawnSync("git", ["init", "-q"], { cwd: on.root });
    spawnSync("git", ["init", "-q", "inner"], { cwd: on.root });
    run(on, spec);
    on.write({ "a.log": "2", "out/x": "2" });
    assert.equal(on.plan().kind, "nothing");
    for (const edits of [{ "run.sh": "2" }, { "inner/y": "2" }]) {
      on.write(edits);
      assert.deepEqual(on.selected(), ["test_x.py::test_a"], JSON.stringify(edits));
      run(on, spec);
    }
  });

  test("counts for the teardown of a fixture, also when a later process dies before it", () => {
    using on = project({ "test_x.py": TEST, "run.sh": "echo 1" });
    const using = (die: boolean): SessionSpec => ({
      ...SIMPLE,
      files: { "test_x.py": { test_a: { codes: [A], uses: [100] }, test_b: { codes: [B] } } },
      more: (journal) => journal.context(100, "fixture", "::server"),
      after: (journal) => {
        if (!die) {
          journal.context(101, "teardown", "::server", { of: 100, opaque: ["child process: sh run.sh"] });
        }
      },
      die,
    });
    run(on, using(false));
    on.write({ "test_x.py": `${TEST}X = 1\n` });
    run(on, { ...using(true), loaded: { "test_x.py": `${TEST}X = 1\n` } });
    assert.equal(on.plan().kind, "nothing");
    on.write({ "run.sh": "echo 2" });
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
  });

  test("a teardown that nobody ever saw counts as everything", () => {
    using on = project({ "test_x.py": TEST, "run.sh": "echo 1" });
    run(on, {
      ...SIMPLE,
      files: { "test_x.py": { test_a: { codes: [A], uses: [100] }, test_b: { codes: [B] } } },
      more: (journal) => journal.context(100, "fixture", "::server"),
      die: true,
    });
    assert.equal(on.plan().kind, "nothing");
    on.write({ "run.sh": "echo 2" });
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
  });

  test("a teardown that was seen before counts for those who missed it", () => {
    using on = project({ "test_x.py": TEST, "down.txt": "1" });
    const using = (die: boolean): SessionSpec => ({
      ...SIMPLE,
      files: { "test_x.py": { test_a: { codes: [A], uses: [100] }, test_b: { codes: [B] } } },
      more: (journal) => journal.context(100, "fixture", "::server"),
      after: (journal) => {
        if (!die) {
          journal.context(101, "teardown", "::server", { of: 100, inputs: [["file", "down.txt", shaOfText("1")]] });
        }
      },
      die,
    });
    run(on, using(false));
    on.write({ "test_x.py": `${TEST}X = 1\n`, other: "" });
    run(on, { ...using(true), loaded: { "test_x.py": `${TEST}X = 1\n` } });
    on.write({ other: "more" });
    assert.equal(on.plan().kind, "nothing");
    on.write({ "down.txt": "2" });
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
  });

  test("a source that Winnow cannot split depends on everything that it might import", () => {
    const odd = "# coding: koi7\nimport y\n";
    using on = project({ "test_x.py": TEST, "odd.py": odd, "y.py": "Y = 1\n" });
    const { summary } = run(on, {
      ...SIMPLE,
      loaded: { "odd.py": odd, "test_x.py": TEST },
      files: { "test_x.py": { test_a: { codes: [A], uses: [2] }, test_b: { codes: [B] } } },
    });
    assert.match([...summary.opaque.keys()][0] ?? "", /^odd\.py/);
    on.write({ "y.py": "Y = 2\n" });
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
  });
});

describe("worlds that share a store", () => {
  /** `helper` is sought and not there; only this session has `lib` on its search path. */
  const seeking: SessionSpec = {
    ...SIMPLE,
    roots: ["lib", "."],
    files: { "test_x.py": { test_a: { codes: [A], inputs: [["import", "helper"]] }, test_b: { codes: [B] } } },
  };

  test("a module that appears where only one of them looks is not forgotten when the other records first", () => {
    using on = project({ "test_x.py": TEST, "lib/present.py": "" });
    run(on, seeking);
    run(on, SIMPLE, { args: ["-W", "error"] });
    assert.equal(on.plan().kind, "nothing");
    on.write({ "lib/helper.py": "", "test_x.py": TEST.replace("b(): pass", "b(): print()") });
    run(
      on,
      { ...SIMPLE, loaded: { "test_x.py": TEST.replace("b(): pass", "b(): print()") } },
      { args: ["-W", "error"] },
    );
    assert.deepEqual(on.selected(), ["test_x.py::test_a", "test_x.py::test_b"]);
    on.write({ "test_x.py": TEST });
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
  });

  test("what one of them sees differently does not make the other run", () => {
    using on = project({ "test_x.py": TEST, "lib/helper.py": "" });
    run(on, seeking);
    run(on, { ...seeking, roots: ["."] }, { args: ["-W", "error"] });
    for (const args of [[], ["-W", "error"], []]) {
      assert.equal(on.plan({ args }).kind, "nothing", args.join(" "));
      on.remember({ args });
    }
    on.write({ "lib/helper.py": null });
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
    assert.equal(on.plan({ args: ["-W", "error"] }).kind, "nothing");
  });

  test("a file that was edited after a test had read it leaves that test to be run, from the first decision on", () => {
    using on = project({ "test_x.py": TEST, "data.txt": "new" });
    run(on, {
      ...SIMPLE,
      files: {
        "test_x.py": {
          test_a: { codes: [A], inputs: [["file", "data.txt", shaOfText("old")]] },
          test_b: { codes: [B] },
        },
      },
    });
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
    on.write({ "data.txt": "old" });
    assert.equal(on.selected(), "nothing");
  });

  test("a variable that a test asked for is one of its dependencies, as it was when pytest started", () => {
    const asking: SessionSpec = {
      ...SIMPLE,
      files: { "test_x.py": { test_a: { codes: [A], inputs: [["env", "V"]] }, test_b: { codes: [B] } } },
    };
    using on = project();
    run(on, asking);
    assert.equal(on.selected(), "nothing");
    assert.equal(on.selected({ env: { OTHER: "1" } }), "nothing");
    assert.deepEqual(on.selected({ env: { V: "1" } }), ["test_x.py::test_a"]);
    const { plan } = on.decide({ env: { V: "1" } });
    assert.deepEqual(plan.kind === "some" && plan.tests[0]?.reasons, [{ kind: "variable-changed", name: "V" }]);
    run(on, asking, { env: { V: "1" } });
    // Both are proven now, on the idle path and off it.
    for (const env of [{}, { V: "1" }, {}, { V: "1" }]) {
      assert.equal(on.selected({ env }), "nothing");
      on.remember({ env });
    }
    assert.deepEqual(on.selected({ env: { V: "2" } }), ["test_x.py::test_a"]);
  });

  test("of what an interrupted run found in its variables, a later one with others makes no fact of its own", () => {
    const asking: SessionSpec = {
      ...SIMPLE,
      files: { "test_x.py": { test_a: { codes: [A], inputs: [["env", "V"]] }, test_b: { codes: [B] } } },
    };
    for (const kept of [true, false]) {
      using on = project();
      const { variables, ...rest } = on.describe(on.decide({ env: { V: "1" } }), { env: { V: "1" } });
      const path = session(asking).write(join(on.layout.journals, "run1-1-0.journal"));
      const description = kept ? { ...rest, variables: variables ?? {} } : rest;
      record(on.store, on.request({ env: { V: "2" } }), PYTHON, description, [path], ALL_COMPILES);
      assert.deepEqual(on.selected({ env: { V: "2" } }), ["test_x.py::test_a"]);
      // A description without them is of an older version.
      assert.deepEqual(on.selected({ env: { V: "1" } }), kept ? "nothing" : ["test_x.py::test_a"]);
    }
  });

  test("what cannot be known depends on all variables", () => {
    using on = project();
    run(on, {
      ...SIMPLE,
      files: { "test_x.py": { test_a: { codes: [A], opaque: ["child process: x"] }, test_b: { codes: [B] } } },
    });
    assert.equal(on.selected({ env: { TERM: "dumb" } }), "nothing");
    assert.deepEqual(on.selected({ env: { V: "1" } }), ["test_x.py::test_a"]);
  });

  /** Two virtual environments with one version of Python. */
  const sites = (): { top: string; one: InterpreterInfo; other: InterpreterInfo } => {
    const top = mkdtempSync(join(tmpdir(), "winnow-sites-"));
    const [one, other] = ["one", "other"].map((name) => {
      mkdirSync(join(top, name, `lib-${name}.dist-info`), { recursive: true });
      writeFileSync(join(top, name, `lib-${name}.dist-info`, "METADATA"), name);
      return { ...PYTHON, siteDirectories: [join(top, name)] };
    });
    return { top, one: one as InterpreterInfo, other: other as InterpreterInfo };
  };

  test("another virtual environment is another set of packages, in both directions, and each keeps its facts", () => {
    const { top, one, other } = sites();
    using on = project();
    run(on, SIMPLE, { python: one });
    assert.equal(on.plan({ python: one }).kind, "nothing");
    on.remember({ python: one });
    const { plan } = on.decide({ python: other });
    assert.ok(plan.kind === "some");
    assert.deepEqual(plan.files[0]?.reasons, [{ kind: "packages-changed" }]);
    run(on, SIMPLE, { python: other });
    for (const python of [one, other, one]) {
      assert.equal(on.plan({ python }).kind, "nothing");
      on.remember({ python });
      on.remember({ python });
    }
    writeFileSync(join(top, "one", "more.pth"), "");
    assert.deepEqual(filesOf(on.plan({ python: one })), ["test_x.py"]);
    assert.equal(on.plan({ python: other }).kind, "nothing");
    rmSync(top, { recursive: true });
  });

  test("a package that a source imports is one of its tests' dependencies, unless something was installed meanwhile", () => {
    const top = mkdtempSync(join(tmpdir(), "winnow-sites-"));
    const install = (version: string): void => {
      mkdirSync(join(top, "lib.dist-info"), { recursive: true });
      writeFileSync(join(top, "lib.dist-info", "RECORD"), `lib.py,sha256=${version},1\n`);
      // What an installer does to the directory itself.
      writeFileSync(join(top, `${version}.tmp`), "");
    };
    install("1");
    const python = { ...PYTHON, siteDirectories: [top] };
    const importing = "import lib\ndef test_c(): pass\n";
    using on = project({ "test_x.py": TEST, "test_y.py": importing });
    const spec: SessionSpec = {
      loaded: { "test_x.py": TEST, "test_y.py": importing },
      files: { ...SIMPLE.files, "test_y.py": { test_c: { codes: [["test_y.py", 2, "test_c"]] } } },
    };
    run(on, spec, { python });
    assert.equal(on.plan({ python }).kind, "nothing");
    install("2");
    const { plan } = on.decide({ python });
    assert.deepEqual(plan.kind === "some" && plan.files, [
      { path: "test_y.py", reasons: [{ kind: "package-changed", name: "lib" }] },
    ]);
    // Nobody knows which of both the test saw.
    on.run(
      () => {
        install("3");
        return [session(spec)];
      },
      { python },
    );
    assert.deepEqual(filesOf(on.plan({ python })), ["test_y.py"]);
    run(on, spec, { python });
    assert.equal(on.plan({ python }).kind, "nothing");
    rmSync(top, { recursive: true });
  });

  test("a file that only the newer Python accepts is broken for the older one, whoever records it first", () => {
    const older = { ...PYTHON, version: "3.8.0", minor: "3.8" };
    using on = project();
    // Two options, because another version is another environment anyway.
    run(on, SIMPLE);
    run(on, { ...SIMPLE, python: "3.8.0" }, { python: older });
    const newer = `${TEST}def helper():\n    match 1:\n        case _: pass\n`;
    const edited = newer.replace("def helper", "def test_c");
    on.write({ "test_x.py": newer });
    const refuses = (paths: readonly string[]) => new Map(paths.map((path) => [path, "line 4: invalid syntax"]));
    run(on, { ...SIMPLE, loaded: { "test_x.py": newer } });
    assert.equal(on.plan().kind, "nothing");
    const { plan } = on.decide({ python: older, compiler: refuses });
    assert.ok(plan.kind === "some");
    assert.ok(plan.files.some(({ reasons }) => reasons.some(({ kind }) => kind === "unparsable")));
    // And the verdict about the older one is none about the newer one.
    run(
      on,
      { ...SIMPLE, loaded: {}, files: { "test_x.py": {} }, outcomes: { "test_x.py": "failed" }, python: "3.8.0" },
      { python: older, compiler: refuses },
    );
    assert.equal(on.plan().kind, "nothing");
    on.write({ "test_x.py": edited });
    assert.notEqual(on.plan().kind, "nothing");
  });

  test("what another version loaded is not known to compile on this one", () => {
    using on = project();
    run(on, SIMPLE);
    const edited = TEST.replace("b(): pass", "b(): print()");
    on.write({ "test_x.py": edited });
    let asked = 0;
    const compiler = (paths: readonly string[]) => {
      asked += paths.length;
      return ALL_COMPILES(paths);
    };
    // Journals of 3.12, ingested by an invocation that means 3.13.
    for (const [python, expected] of [
      ["3.12.0", 1],
      ["3.13.0", 0],
    ] as const) {
      on.write({ "test_x.py": edited.replace("print()", `print(${expected})`) });
      on.run(
        (plan) => {
          asked = 0;
          return [
            session(
              { ...SIMPLE, loaded: { "test_x.py": edited.replace("print()", `print(${expected})`) }, python },
              plan,
            ),
          ];
        },
        { compiler },
      );
      assert.equal(asked, expected, python);
    }
  });

  test("tests of equal names in two rootdirs are two tests", () => {
    using on = project({ "one/test_x.py": TEST, "two/test_x.py": TEST });
    const ids = (path: string) => ({ loaded: { [path]: TEST }, files: { [path]: {} } });
    for (const directory of ["one", "two"]) {
      const path = `${directory}/test_x.py`;
      on.run(
        () => [
          session({
            ...ids(path),
            args: [directory],
            walks: { [directory]: ["test_x.py"] },
            more: (journal) => {
              journal.collected(path, 3, ["test_x.py::test_a"]);
              journal.test("test_x.py::test_a", path, { uses: [3], codes: [[path, 1, "test_a"]] });
            },
          }),
        ],
        { args: [directory] },
      );
    }
    on.write({ "two/test_x.py": TEST.replace("a(): pass", "a(): print()") });
    assert.equal(on.plan({ args: ["one"] }).kind, "nothing");
    assert.deepEqual(on.selected({ args: ["two"] }), ["test_x.py::test_a"]);
  });
});

describe("files that pytest may collect", () => {
  const other = "def test_c(): pass\n";

  test("a new one whose collection could not be recorded stays new", () => {
    using on = project();
    run(on, SIMPLE);
    on.write({ "test_new.py": other });
    const spec = (text: string): SessionSpec => ({
      loaded: { ...SIMPLE.loaded, "test_new.py": text },
      files: { ...SIMPLE.files, "test_new.py": { test_c: { codes: [["test_new.py", 1, "test_c"]] } } },
    });
    assert.deepEqual(filesOf(on.plan()), ["test_new.py"]);
    run(on, spec("edited meanwhile\n"));
    assert.deepEqual(filesOf(on.plan()), ["test_new.py"]);
    run(on, spec(other));
    assert.deepEqual(on.plan(), { kind: "nothing", upToDate: 3 });
  });

  test("a new one stays new while other parts are run", () => {
    using on = project();
    run(on, SIMPLE);
    on.write({ "test_new.py": other });
    // pytest lists the whole directory, also for one file of it.
    const part: SessionSpec = { ...SIMPLE, walks: { ".": ["test_new.py", "test_x.py"] }, args: ["test_x.py"] };
    run(on, part, { args: ["test_x.py"] });
    assert.equal(on.plan({ args: ["test_x.py"] }).kind, "nothing");
    assert.deepEqual(filesOf(on.plan()), ["test_new.py"]);
    // By its ids only: what else is in it is not known.
    const ids: SessionSpec = {
      ...part,
      args: ["test_new.py"],
      loaded: { ...SIMPLE.loaded, "test_new.py": other },
      files: { "test_new.py": { test_c: {} } },
      partial: ["test_new.py"],
    };
    run(on, ids, { args: ["test_new.py::test_c"] });
    assert.deepEqual(filesOf(on.plan()), ["test_new.py"]);
    assert.deepEqual(filesOf(on.plan({ args: ["test_new.py"] })), ["test_new.py"]);
  });

  test("one in a directory that was empty when it was looked at", () => {
    using on = project({ "test_x.py": TEST, "sub/test_y.py": other });
    const both: SessionSpec = {
      loaded: { ...SIMPLE.loaded, "sub/test_y.py": other },
      files: { ...SIMPLE.files, "sub/test_y.py": { test_c: {} } },
      walks: { ".": ["sub", "test_x.py"], sub: ["test_y.py"] },
    };
    run(on, both);
    mkdirSync(join(on.root, "fresh", "deep"), { recursive: true });
    assert.equal(on.plan().kind, "nothing");
    // Another request writes a baseline with the empty directory in it.
    run(
      on,
      { ...both, files: { "sub/test_y.py": { test_c: {} } }, walks: { sub: ["test_y.py"] }, args: ["sub"] },
      { args: ["sub"] },
    );
    assert.equal(on.plan().kind, "nothing");
    on.remember();
    on.remember();
    on.write({ "fresh/deep/test_z.py": other });
    assert.deepEqual(filesOf(on.plan()), ["fresh/deep/test_z.py"]);
  });

  test("one in a directory that only a decision looked into", () => {
    using on = project({ "test_x.py": TEST, "sub/test_y.py": other });
    const sub: SessionSpec = {
      loaded: { "sub/test_y.py": other },
      files: { "sub/test_y.py": { test_c: {} } },
      walks: { sub: ["test_y.py"] },
      args: ["sub"],
    };
    run(on, {
      loaded: { ...SIMPLE.loaded, ...sub.loaded },
      files: { ...SIMPLE.files, ...sub.files },
      walks: { ".": ["sub", "test_x.py"], ...sub.walks },
    });
    mkdirSync(join(on.root, "fresh"));
    // This selection knows nothing of other directories, but its baseline has the new one in the root's listing.
    run(on, sub, { args: ["-k", "test_c", "sub"] });
    assert.equal(on.plan().kind, "nothing");
    on.remember();
    assert.equal(on.decide().knowledge, undefined);
    on.write({ "fresh/test_z.py": other });
    assert.deepEqual(filesOf(on.plan()), ["fresh/test_z.py"]);
  });

  test("by the project's own names, and in the directories that it allows", () => {
    using on = project({
      "pytest.ini": "[pytest]\npython_files = check_*.py\nnorecursedirs = skipped\n",
      "check_x.py": TEST,
    });
    run(on, {
      loaded: { "check_x.py": TEST },
      files: { "check_x.py": { test_a: {} } },
      walks: { ".": ["check_x.py"] },
    });
    on.write({ "test_new.py": other, "skipped/check_a.py": other, "helper.py": "", "test_notes.txt": "" });
    assert.deepEqual(filesOf(on.plan()), ["test_notes.txt"]);
    on.write({ "test_notes.txt": null, "check_new.py": other, "build/check_b.py": other, ".hidden/check_c.py": other });
    assert.deepEqual(filesOf(on.plan()).sort(), [".hidden/check_c.py", "build/check_b.py", "check_new.py"]);
  });

  test("of any name, where a plugin has a say or doctests are asked for", () => {
    using on = project();
    run(on, { ...SIMPLE, custom: true, walks: { ".": ["pytest.ini", "test_x.py"] } });
    on.write({ "cases.yaml": "" });
    assert.deepEqual(filesOf(on.plan()), ["cases.yaml"]);
    using doctests = project();
    const options = { args: ["--doctest-glob=*.adoc", "--doctest-modules"] };
    run(doctests, { ...SIMPLE, walks: { ".": ["pytest.ini", "test_x.py"] } }, options);
    doctests.write({ "guide.adoc": "", "plain.py": "" });
    assert.deepEqual(filesOf(doctests.plan(options)).sort(), ["guide.adoc", "plain.py"]);
  });

  test("one whose collection failed is collected until it succeeds, and the failure is not forgotten by undoing", () => {
    using on = project();
    run(on, SIMPLE);
    on.write({ "test_x.py": "import gone\n" });
    run(on, {
      loaded: { "test_x.py": "import gone\n" },
      files: { "test_x.py": {} },
      outcomes: { "test_x.py": "failed" },
    });
    const { plan } = on.decide();
    assert.ok(plan.kind === "some");
    assert.deepEqual(
      plan.files.map(({ path, reasons: [reason] }) => [path, reason?.kind]),
      [["test_x.py", "failed"]],
    );
    on.write({ "test_x.py": TEST });
    assert.deepEqual(on.plan(), { kind: "nothing", upToDate: 2 });
  });
});

describe("a request", () => {
  test("for a path that holds nothing known, is gone, or was never asked for has pytest answer", () => {
    using on = project({ "test_x.py": TEST, "empty/readme": "" });
    run(on, SIMPLE);
    assert.deepEqual(filesOf(on.plan({ args: ["empty"] })), ["empty"]);
    run(on, { loaded: {}, files: {}, walks: { empty: ["readme"] }, args: ["empty"] }, { args: ["empty"] });
    assert.deepEqual(filesOf(on.plan({ args: ["empty"] })), ["empty"]);
    // Covered by what was collected as a whole.
    assert.deepEqual(on.plan({ args: ["test_x.py"] }), { kind: "nothing", upToDate: 2 });
    assert.deepEqual(on.plan({ args: ["test_x.py::test_a"] }), { kind: "nothing", upToDate: 1 });
    assert.deepEqual(filesOf(on.plan({ args: ["test_x.py::test_gone"] })), ["test_x.py"]);
    run(on, { ...SIMPLE, args: ["test_x.py"] }, { args: ["test_x.py"] });
    on.write({ "test_x.py": null });
    assert.deepEqual(filesOf(on.plan({ args: ["test_x.py"] })), ["test_x.py"]);
  });

  test("with -k is decided by what it kept, and where that is nothing pytest answers", () => {
    using on = project();
    run(on, SIMPLE);
    const options = { args: ["-k", "test_a"] };
    assert.deepEqual(filesOf(on.plan(options)), ["", "test_x.py"]);
    run(on, { ...SIMPLE, survived: { "test_x.py": [true, false] } }, options);
    assert.deepEqual(on.plan(options), { kind: "nothing", upToDate: 1 });
    const edited = TEST.replace("b(): pass", "b(): print()");
    on.write({ "test_x.py": edited });
    assert.deepEqual(on.plan(options), { kind: "nothing", upToDate: 1 });
    assert.deepEqual(on.selected(), ["test_x.py::test_b"]);
    run(
      on,
      { ...SIMPLE, loaded: { "test_x.py": edited }, survived: { "test_x.py": [false, false] } },
      { args: ["-k", "none"] },
    );
    assert.equal(on.plan({ args: ["-k", "none"] }).kind, "everything");
  });

  test("that depends on the last run's outcomes is not remembered", () => {
    using on = project();
    run(on, SIMPLE);
    const options = { args: ["--lf"] };
    run(on, { ...SIMPLE, survived: { "test_x.py": [true, false] } }, options);
    assert.deepEqual(filesOf(on.plan(options)), ["", "test_x.py"]);
  });
});

describe("the surroundings", () => {
  test("a changed configuration concerns every test, and is forgotten when it is undone", () => {
    using on = project();
    run(on, SIMPLE);
    on.write({ "pytest.ini": "[pytest]\naddopts = -p no:x\n" });
    const { plan } = on.decide();
    assert.ok(plan.kind === "some");
    assert.deepEqual(
      plan.files.flatMap(({ reasons }) => reasons),
      [{ kind: "configuration-changed", path: "" }],
    );
    on.write({ "pytest.ini": "[pytest]\n# only a comment\n" });
    assert.equal(on.plan().kind, "nothing");
    on.write({ "pytest.toml": "[pytest]\n" });
    assert.equal(on.plan().kind, "some");
  });

  test("an edit that does not compile is remembered, also where the same run learns of a new search path", () => {
    using on = project({ "test_x.py": TEST, "lib/m.py": "def f(): pass\ndef unused(): pass\n" });
    const lib = "def f(): pass\ndef unused(): pass\n";
    const spec: SessionSpec = {
      loaded: { "lib/m.py": lib, ...SIMPLE.loaded },
      files: { "test_x.py": { test_a: { codes: [A, ["lib/m.py", 1, "f"]] }, test_b: { codes: [B] } } },
    };
    run(on, spec);
    const broken = lib.replace("unused(): pass", "unused(): pass pass");
    on.write({ "lib/m.py": broken });
    const refuses = (paths: readonly string[]) =>
      new Map(paths.map((path) => [path, path.endsWith("m.py") ? "line 2: no" : null]));
    assert.deepEqual(on.selected({ compiler: refuses }), ["test_x.py::test_a"]);
    // Another test runs meanwhile, and its session has one directory more to look in.
    const other = { args: ["-k", "test_b"], compiler: refuses };
    run(on, { ...SIMPLE, survived: { "test_x.py": [false, true] }, roots: ["lib", "."] }, other);
    const { plan } = on.decide({ compiler: () => assert.fail() });
    assert.ok(plan.kind === "some");
    assert.deepEqual(plan.tests, [
      { id: "test_x.py::test_a", reasons: [{ kind: "unparsable", path: "lib/m.py", message: "line 2: no" }] },
    ]);
  });

  test("a decision reads one state of the store, whatever is recorded meanwhile", () => {
    using on = project();
    run(on, SIMPLE);
    on.write({ "test_x.py": `${TEST}# more\n` });
    let generation = 0;
    const edited = `${TEST}def more(): pass\n`;
    on.write({ "test_x.py": edited });
    const { plan } = on.decide({
      compiler: (paths) => {
        // In the midst of it another process records.
        const other = openStore(on.layout.database);
        other.write(() => other.setNote("verdict", "null"));
        generation = other.generation();
        other.close();
        assert.ok(on.store.generation() < generation);
        return ALL_COMPILES(paths);
      },
    });
    assert.ok(plan.kind === "some");
    assert.equal(on.store.generation(), generation);
  });
});

describe("a verdict that is written back", () => {
  test("is none where something was recorded since the decision", () => {
    using on = project();
    run(on, SIMPLE);
    const decision = on.decide();
    assert.equal(decision.plan.kind, "nothing");
    // Another run, which leaves nothing out, meets a failure that the decision knows nothing of.
    const failing = { test_a: { codes: [A], outcome: "failed", green: false }, test_b: { codes: [B] } };
    on.run(() => [session({ ...SIMPLE, files: { "test_x.py": failing } })]);
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
    remember(on.store, on.request(), PYTHON, decision);
    assert.deepEqual(on.selected(), ["test_x.py::test_a"]);
  });
});

describe("leftovers of a run whose engine was killed", () => {
  /** A run's files as the engine writes them, of a process that is no more, or of this one. */
  function leave(on: TestProject, run: string, pid: number, journalPid: number | undefined): void {
    const description = { ...on.describe(on.decide()), run, pid };
    writeFileSync(join(on.layout.runs, `${run}.json`), JSON.stringify(description));
    writeFileSync(join(on.layout.runs, `${run}.plan`), JSON.stringify({ version: 1, everything: true }));
    writeFileSync(join(on.layout.runs, `${run}.session`), JSON.stringify({ version: 1, run }));
    if (journalPid !== undefined) {
      session(SIMPLE).write(join(on.layout.journals, `${run}-${journalPid}-0.journal`));
    }
  }

  const ingest = (on: TestProject) => recordLeftovers(on.store, on.layout, on.request(), PYTHON, ALL_COMPILES);
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;

  test("are ingested once, and removed", () => {
    using on = project();
    assert.equal(hasLeftovers(on.layout), false);
    leave(on, "dead", gone, gone);
    assert.equal(hasLeftovers(on.layout), true);
    assert.deepEqual(
      ingest(on).map(({ tests }) => tests),
      [2],
    );
    assert.equal(on.plan().kind, "nothing");
    assert.deepEqual([readdirSync(on.layout.runs), readdirSync(on.layout.journals)], [[], []]);
    assert.deepEqual(ingest(on), []);
  });

  test("are left alone while anybody of that run lives", () => {
    using on = project();
    leave(on, "running", process.pid, undefined);
    leave(on, "orphaned", gone, process.pid);
    leave(on, "dead", gone, gone);
    assert.equal(ingest(on).length, 1);
    assert.deepEqual(readdirSync(on.layout.runs).sort(), [
      "orphaned.json",
      "orphaned.plan",
      "orphaned.session",
      "running.json",
      "running.plan",
      "running.session",
    ]);
    assert.deepEqual(readdirSync(on.layout.journals), [`orphaned-${process.pid}-0.journal`]);
  });

  test("without a journal, or without a description that can be read, harm nobody", () => {
    using on = project();
    leave(on, "nothing", gone, undefined);
    writeFileSync(join(on.layout.runs, "torn.json"), "{");
    assert.deepEqual(ingest(on), []);
    assert.deepEqual(readdirSync(on.layout.runs), ["torn.json"]);
    rmSync(on.layout.runs, { recursive: true });
    assert.deepEqual(ingest(on), []);
    assert.equal(hasLeftovers(on.layout), false);
    rmSync(on.layout.journals, { recursive: true });
    assert.deepEqual(journalsOf(on.layout), []);
  });

  test("a process is told from one that is gone, and from one of which only the exit status is left", async () => {
    assert.ok(isAlive(process.pid));
    assert.ok(!isAlive(gone));
    assert.ok(!isAlive(2 ** 30));
    if (existsSync("/proc/self/stat")) {
      // A child of a shell that never waits for it.
      const shell = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 5"], { stdio: ["ignore", "pipe", "ignore"] });
      const pid = await new Promise<number>((resolve) => shell.stdout.once("data", (data) => resolve(Number(data))));
      for (let tries = 0; isAlive(pid) && tries < 200; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.ok(!isAlive(pid));
      shell.kill();
    }
  });
});
