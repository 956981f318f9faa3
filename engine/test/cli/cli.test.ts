/** The command line as a function: arguments in, exit code and text out. Its Python is only said to be one. */

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { EXIT_INTERNAL, EXIT_USAGE, main } from "../../src/cli/cli.ts";
import { COMMANDS } from "../../src/cli/options.ts";
import { VERSION } from "../../src/cli/version.ts";
import { filesOf, type Program, type Source } from "../support/program.ts";

const top = mkdtempSync(join(tmpdir(), "winnow-cli-"));
after(() => rmSync(top, { recursive: true, force: true }));

const PYTHON = join(top, "bin", "python");
mkdirSync(dirname(PYTHON));
const FAKE = new URL("../support/fake-python.ts", import.meta.url).href;
writeFileSync(
  PYTHON,
  `#!${process.execPath}\nimport(${JSON.stringify(FAKE)}).then(({ main }) => main(process.argv.slice(2)));\n`,
);
chmodSync(PYTHON, 0o755);
// What is started is the file that the engine names; it need not be more.
writeFileSync(join(top, "winnow_pytest.py"), "");

/** Variables that a test sets, and what of the user's could change what is done here. */
const CLEAN = [
  "NODE_COMPILE_CACHE",
  "WINNOW_COLLECTOR",
  "FAKE_LOG",
  "FAKE_EXIT",
  "FAKE_PYTEST",
  "FAKE_EXECUTABLE",
  "PYTEST_ADDOPTS",
  "PYTEST_PLUGINS",
  "NO_COLOR",
  "FORCE_COLOR",
  "VIRTUAL_ENV",
  "CONDA_PREFIX",
  "NODE_OPTIONS",
];
const saved = Object.fromEntries(CLEAN.map((name) => [name, process.env[name]]));
let root = "";

beforeEach(() => {
  root = mkdtempSync(join(top, "p-"));
  for (const name of CLEAN) {
    delete process.env[name];
  }
  process.env["WINNOW_COLLECTOR"] = top;
  // Each start of the Python is a start of Node.
  process.env["NODE_COMPILE_CACHE"] = join(top, "cache");
  process.env["FAKE_LOG"] = join(root, "..", "log");
  process.env["FAKE_EXECUTABLE"] = PYTHON;
  rmSync(process.env["FAKE_LOG"], { force: true });
});

afterEach(() => {
  for (const [name, value] of Object.entries(saved)) {
    if (value === undefined) {
      delete process.env[name];
    } else {
      process.env[name] = value;
    }
  }
});

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What the Python was started for. */
  readonly started: string[];
}

async function winnow(...args: string[]): Promise<Said> {
  const said = { out: "", err: "" };
  const { stdout, stderr } = process;
  const writes = [stdout.write, stderr.write] as const;
  const log = process.env["FAKE_LOG"] as string;
  rmSync(log, { force: true });
  // Winnow writes texts; what else passes here is the test runner's.
  stdout.write = ((text: unknown, ...more: unknown[]) => {
    if (typeof text !== "string") {
      return (writes[0] as (...args: unknown[]) => boolean).call(stdout, text, ...more);
    }
    said.out += text;
    return true;
  }) as never;
  stderr.write = ((text: string) => {
    said.err += text;
    return true;
  }) as never;
  try {
    const code = await main(args);
    return { code, ...said, started: existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [] };
  } finally {
    [stdout.write, stderr.write] = writes;
  }
}

const here = (command: string, ...more: string[]): string[] => [command, "-C", root, "--python", PYTHON, ...more];

function write(program: Program): void {
  const files = { "pytest.ini": "[pytest]\n", "program.json": JSON.stringify(program), ...filesOf(program) };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** Two tests of one function each. */
function program(versions: readonly [number, number] = [1, 1], effect = 0): Program {
  const source = (path: string, imports: readonly string[], functions: Source["functions"]): Source => ({
    path,
    imports,
    constant: 1,
    effect: path === "a.py" ? effect : 0,
    comments: 0,
    functions,
  });
  return {
    sources: [
      source(
        "a.py",
        [],
        [
          { name: "f", version: versions[0], calls: [] },
          { name: "g", version: versions[1], calls: [] },
        ],
      ),
      source(
        "tests/test_a.py",
        ["a"],
        [
          { name: "test_f", version: 1, calls: ["a.f"] },
          { name: "test_g", version: 1, calls: ["a.g"] },
        ],
      ),
    ],
  };
}

describe("help", () => {
  for (const args of [[], ["help"], ["--help"], ["-h"]]) {
    test(`winnow ${args.join(" ")}`, async () => {
      const { code, out, err } = await winnow(...args);
      assert.deepEqual([code, err], [0, ""]);
      assert.match(out, /^Winnow runs only the Python tests/);
      for (const [name, { summary }] of Object.entries(COMMANDS)) {
        assert.ok(out.includes(`  ${name}`) && out.includes(summary), name);
      }
      assert.ok(out.split("\n").every((line) => line.length <= 120));
    });
  }

  test("of each command tells its usage and options", async () => {
    for (const [name, { usage, options }] of Object.entries(COMMANDS)) {
      const { code, out } = await winnow(name, "--help");
      assert.equal(code, 0);
      assert.ok(out.includes(`Usage: ${usage}`));
      assert.ok([...options, "help"].every((option) => out.includes(`--${option}`)));
    }
  });

  test("and the version", async () => {
    assert.deepEqual(await winnow("--version"), { code: 0, out: `winnow ${VERSION}\n`, err: "", started: [] });
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../../package.json"), "utf8"));
    assert.equal(VERSION, version);
  });
});

describe("errors of usage end with one sentence and what to do next", () => {
  const cases: readonly [args: readonly string[], message: RegExp, code: string][] = [
    [["rnu"], /no command "rnu"; did you mean "run"\?/, "unknown-command"],
    [["stauts"], /did you mean "status"\?/, "unknown-command"],
    [["frobnicate"], /no command "frobnicate"\n/, "unknown-command"],
    [["constructor"], /no command "constructor"\n/, "unknown-command"],
    [["__proto__"], /no command "__proto__"\n/, "unknown-command"],
    [["run", "tests"], /"tests" is one word too many for `winnow run`\n.*after `--`/, "usage"],
    [["why"], /a test's name is missing for `winnow why`\n.*winnow why TEST/, "usage"],
    [["why", "a", "b"], /"b" is one word too many/, "usage"],
    [["doctor", "--", "-x"], /`winnow doctor` starts no pytest/, "usage"],
    [["doctor", "--also", "a"], /`winnow doctor` has no option --also/, "usage"],
    [["run", "-x"], /Unknown option "-x"\n.*If -x is meant for pytest, write it after `--`/, "usage"],
    [["run", "--frob"], /Unknown option "--frob"/, "usage"],
    [["run", "--python"], /--python/, "usage"],
    [["run", "-C", "/nowhere/at/all"], /\/nowhere\/at\/all is not a directory\n.*-C DIR/, "no-directory"],
    [["run", "-C", import.meta.filename], /is not a directory/, "no-directory"],
  ];
  for (const [args, message, code] of cases) {
    test(`winnow ${args.join(" ")}`, async () => {
      const said = await winnow(...args);
      assert.equal(said.code, EXIT_USAGE);
      assert.equal(said.out, "");
      assert.match(said.err, message);
      assert.ok(said.err.startsWith("winnow: ") && said.err.endsWith(`  [${code}]\n`), said.err);
    });
  }

  test("a Python that is not there, does not work, or has no pytest", async () => {
    write(program());
    const missing = await winnow("run", "-C", root, "--python", join(top, "no-python"));
    assert.deepEqual([missing.code, missing.started], [EXIT_USAGE, []]);
    assert.match(missing.err, /\[python-not-found\]\n$/);
    writeFileSync(join(top, "broken"), "#!/bin/sh\necho no library >&2\nexit 3\n");
    chmodSync(join(top, "broken"), 0o755);
    assert.match(
      (await winnow("plan", "-C", root, "--python", join(top, "broken"))).err,
      /no library.*\[python-broken\]\n$/s,
    );
    process.env["FAKE_PYTEST"] = "none";
    assert.match((await winnow(...here("run"))).err, /\[pytest-missing\]\n$/);
  });

  test("an error of our own says so, with what to report", async () => {
    write(program());
    const { stdout } = process;
    const before = stdout.write;
    try {
      stdout.write = ((text: unknown, ...more: unknown[]) => {
        if (typeof text !== "string") {
          return (before as (...args: unknown[]) => boolean).call(stdout, text, ...more);
        }
        throw new Error("the pipe is gone");
      }) as never;
      const err = process.stderr.write;
      let text = "";
      process.stderr.write = ((chunk: string) => {
        text += chunk;
        return true;
      }) as never;
      try {
        assert.equal(await main(["--help"]), EXIT_INTERNAL);
      } finally {
        process.stderr.write = err;
      }
      assert.match(text, /should not happen; please report it.*the pipe is gone/s);
    } finally {
      stdout.write = before;
    }
  });
});

describe("winnow run", () => {
  test("runs everything once, then nothing, then what a change concerns", async () => {
    write(program());
    const first = await winnow(...here("run", "--", "-x"));
    assert.equal(first.code, 0);
    assert.deepEqual(first.started, ["probe", "pytest -x"]);
    assert.match(
      first.err,
      /^winnow: every test runs, because nothing is recorded in this environment yet · decided in \d+ ms\nwinnow: 2 tests ran, none left out\n$/,
    );
    const second = await winnow(...here("run", "--", "-x"));
    // Nothing has to start, not even to ask the interpreter anything.
    assert.deepEqual([second.code, second.started, second.out], [0, [], ""]);
    assert.match(second.err, /^winnow: nothing to run: 2 tests up to date · decided in \d+ ms\n$/);
    write(program([2, 1]));
    const third = await winnow(...here("run", "--", "-x"));
    assert.deepEqual([third.code, third.started], [0, ["compile", "pytest -x"]]);
    assert.match(
      third.err,
      /to run: 1 of 2 tests \(a\.py: f\(\) changed\) · decided in \d+ ms\nwinnow: 1 test ran, 1 left out\n$/,
    );
  });

  test('passes on pytest\'s exit code, but for "no tests" where Winnow left them out', async () => {
    write(program());
    await winnow(...here("run"));
    process.env["FAKE_EXIT"] = "1";
    write(program([2, 1]));
    assert.equal((await winnow(...here("run"))).code, 1);
    process.env["FAKE_EXIT"] = "5";
    write(program([3, 1]));
    assert.equal((await winnow(...here("run"))).code, 0);
    rmSync(join(root, ".winnow"), { recursive: true });
    assert.equal((await winnow(...here("run"))).code, 5);
  });

  test("stays out of the way where pytest is asked something", async () => {
    write(program());
    const { code, started, err } = await winnow(...here("run", "--", "--version"));
    assert.deepEqual([code, started.filter((each) => each !== "probe"), err], [0, ["bare pytest --version"], ""]);
  });

  test("runs everything as pytest would where the store is of a newer version, and leaves it alone", async () => {
    write(program());
    mkdirSync(join(root, ".winnow"));
    const database = new DatabaseSync(join(root, ".winnow", "store.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    const before = readFileSync(join(root, ".winnow", "store.db"));
    const { code, started, err } = await winnow(...here("run"));
    assert.equal(code, 0);
    assert.ok(started.includes("bare pytest"), started.join());
    assert.match(
      err,
      /every test runs and nothing is recorded, because the store .* was written by a newer version.*upgrade winnow.*\[store-newer\]/s,
    );
    assert.deepEqual(readFileSync(join(root, ".winnow", "store.db")), before);
  });

  test("starts anew where the store is broken, keeps the broken one, and says so", async () => {
    write(program());
    mkdirSync(join(root, ".winnow"));
    writeFileSync(join(root, ".winnow", "store.db"), "rubbish ".repeat(1000));
    const { code, started, err } = await winnow(...here("run"));
    assert.deepEqual([code, started], [0, ["probe", "pytest"]]);
    assert.match(err, /every test runs, because the store .* cannot be read.*set aside.*\[store-unreadable\]/s);
    assert.match((await winnow(...here("run"))).err, /nothing to run: 2 tests up to date/);
  });

  test("does the same where it finds the damage only later", async () => {
    write(program());
    await winnow(...here("run"));
    const file = join(root, ".winnow", "store.db");
    const raw = new DatabaseSync(file);
    raw.exec("DROP TABLE fact");
    raw.close();
    write(program([2, 1]));
    const { code, started, err } = await winnow(...here("run"));
    assert.equal(code, 0);
    assert.ok(started.includes("pytest"), started.join());
    assert.match(err, /\[store-unreadable\]/);
    assert.match((await winnow(...here("run"))).err, /nothing to run: 2 tests up to date/);
  });

  test("with --json says it in one document", async () => {
    write(program());
    const first = JSON.parse((await winnow(...here("run", "--json"))).out);
    assert.deepEqual(Object.keys(first), [
      "version",
      "exitCode",
      "mode",
      "plan",
      "recorded",
      "verified",
      "coverageThresholdApplied",
      "warnings",
    ]);
    assert.equal(first.plan.kind, "everything");
    assert.deepEqual(first.recorded, {
      tests: 2,
      outcomes: { passed: 2 },
      failures: [],
      notRecorded: {},
      opaque: {},
      opaqueTests: 0,
      notes: [],
    });
    write(program([2, 1]));
    const { out, err } = await winnow(...here("run", "--json"));
    assert.equal(err, "");
    const document = JSON.parse(out);
    assert.deepEqual(
      [document.version, document.exitCode, document.warnings, document.coverageThresholdApplied],
      [1, 0, [], true],
    );
    assert.deepEqual(document.plan.tests, [
      { id: "tests/test_a.py::test_f", reasons: [{ kind: "body-changed", path: "a.py", name: "f" }] },
    ]);
    assert.deepEqual(
      [document.plan.changed.includes("a.py"), document.plan.upToDate, document.plan.known],
      [true, 1, 2],
    );
    const third = JSON.parse((await winnow(...here("run", "--json"))).out);
    assert.deepEqual([third.plan.kind, third.plan.upToDate, third.recorded], ["nothing", 2, null]);
  });

  test("does not hold a part of the tests against a coverage threshold", async () => {
    write(program());
    const args = here("run", "--", "--cov=a", "--cov-fail-under=90");
    assert.deepEqual((await winnow(...args)).started.at(-1), "pytest --cov=a --cov-fail-under=90");
    write(program([2, 1]));
    const { started, err } = await winnow(...args);
    assert.ok(started.includes("pytest --cov=a --cov-fail-under=90 --cov-fail-under=0"));
    assert.match(err, /the coverage threshold is not applied, because only a part of the tests runs/);
    write(program([3, 1]));
    const document = JSON.parse((await winnow(...here("run", "--json", "--", "--cov=a", "--cov-fail-under=90"))).out);
    assert.equal(document.coverageThresholdApplied, false);
  });

  test("tells of a source that is not valid any more", async () => {
    write(program());
    await winnow(...here("run"));
    write(program([2, 1]));
    writeFileSync(join(root, "a.py"), `# SYNTAX ERROR\nX = = 1\n${readFileSync(join(root, "a.py"), "utf8")}`);
    const { out } = await winnow(...here("plan"));
    assert.match(out, /a\.py is not valid Python any more \(line 1: invalid syntax\)/);
  });

  test("ingests what a killed run left, and says nothing of it", async () => {
    write(program());
    await winnow(...here("run"));
    const gone = 2 ** 22 + 1;
    const file = join(root, ".winnow", "runs", "dead.json");
    writeFileSync(file, JSON.stringify({ run: "dead", pid: gone }));
    assert.match((await winnow(...here("run"))).err, /nothing to run/);
    assert.equal(existsSync(file), false);
  });
});

describe("winnow plan", () => {
  test("says what would run and why, and records nothing", async () => {
    write(program());
    const fresh = await winnow(...here("plan"));
    assert.match(fresh.out, /^every test runs, because nothing is recorded yet · decided in \d+ ms\n$/);
    assert.equal(existsSync(join(root, ".winnow")), false);
    await winnow(...here("run"));
    write(program([2, 1]));
    const before = statSync(join(root, ".winnow", "store.db")).mtimeMs;
    const { out, started } = await winnow(...here("plan"));
    assert.deepEqual(started, ["compile"]);
    assert.match(out, /^to run: 1 of 2 tests .*\n {2}tests\/test_a\.py::test_f\n {6}a\.py: f\(\) changed\n$/);
    assert.equal(statSync(join(root, ".winnow", "store.db")).mtimeMs, before);
    write(program([2, 1], 2));
    const all = await winnow(...here("plan"));
    assert.match(all.out, /to run: 1 path to collect anew/);
    assert.match(all.out, /\n {2}tests\/test_a\.py {2}\(to be collected\)\n {6}a\.py changed at module level\n/);
  });

  test("with --json says the same in one document", async () => {
    write(program());
    const fresh = JSON.parse((await winnow(...here("plan", "--json"))).out);
    assert.deepEqual(
      { ...fresh, decidedMs: 0 },
      {
        version: 1,
        kind: "everything",
        because: "nothing is recorded yet",
        tests: [],
        files: [],
        upToDate: 0,
        known: 0,
        since: null,
        changed: [],
        decidedMs: 0,
      },
    );
    await winnow(...here("run"));
    const none = JSON.parse((await winnow(...here("plan", "--json"))).out);
    assert.deepEqual([none.kind, none.because, none.upToDate, none.known], ["nothing", null, 2, 2]);
    writeFileSync(join(root, "tests", "test_new.py"), "");
    const some = JSON.parse((await winnow(...here("plan", "--json"))).out);
    assert.deepEqual(some.files, [
      { path: "tests/test_new.py", reasons: [{ kind: "new-file", path: "tests/test_new.py" }] },
    ]);
  });

  test("has no word for a store that cannot be used but that everything would run", async () => {
    write(program());
    mkdirSync(join(root, ".winnow"));
    writeFileSync(join(root, ".winnow", "store.db"), "rubbish ".repeat(1000));
    assert.match((await winnow(...here("plan"))).out, /^every test runs, because the store .* cannot be read/);
  });
});

describe("winnow why", () => {
  test("tells the proof, or the reason and what leads to it", async () => {
    write(program());
    const fresh = await winnow(...here("why", "test_f"));
    assert.equal(fresh.out, "test_f\n  runs because nothing is recorded yet\n");
    await winnow(...here("run"));
    const proven = await winnow(...here("why", "tests/test_a.py::test_f"));
    assert.match(
      proven.out,
      /^tests\/test_a\.py::test_f\n {2}need not run: it passed just now, and nothing that it depends on has changed since\n {2}session: .*\n {2}collection of its file: .*\n {2}the test itself: 2 body\n/,
    );
    assert.match(proven.out, /\n {6}a\.py: f\(\) {2}[0-9a-f]{12}\n/);
    write(program([2, 1]));
    const runs = await winnow(...here("why", "test_a.py"));
    assert.match(
      runs.out,
      /test_f\n {2}runs because a\.py: f\(\) changed\n {2}reached through the test itself → a\.py: f\(\)\n {2}last recorded just now: passed\n/,
    );
    assert.match(runs.out, /test_g\n {2}need not run/);
  });

  test("with --json gives every set", async () => {
    write(program());
    const fresh = JSON.parse((await winnow(...here("why", "test_f", "--json"))).out);
    assert.deepEqual(fresh, {
      version: 1,
      tests: [
        { id: "test_f", runs: true, reasons: [{ kind: "everything", because: "nothing is recorded yet" }], fact: null },
      ],
    });
    await winnow(...here("run"));
    write(program([2, 1]));
    const { tests } = JSON.parse((await winnow(...here("why", "test_a", "--json"))).out);
    assert.deepEqual(
      tests.map(({ id, runs }: { id: string; runs: boolean }) => [id, runs]),
      [
        ["tests/test_a.py::test_f", true],
        ["tests/test_a.py::test_g", false],
      ],
    );
    const [{ fact }] = tests;
    assert.deepEqual([fact.outcome, fact.green, typeof fact.at], ["passed", true, "string"]);
    assert.deepEqual(
      fact.sets.map(({ role, holds }: { role: string; holds: boolean }) => [role, holds]),
      [
        ["session", true],
        ["collection of its file", true],
        ["the test itself", false],
      ],
    );
    assert.ok(
      fact.sets[2].dependencies.some(
        ({ kind, name }: { kind: string; name: string }) => kind === "body" && name === "f",
      ),
    );
  });

  test("of a test that nobody knows is an error", async () => {
    write(program());
    await winnow(...here("run"));
    const { code, err } = await winnow(...here("why", "test_gone"));
    assert.equal(code, EXIT_USAGE);
    assert.match(err, /no recorded test is called "test_gone".*\[unknown-test\]/s);
  });
});

describe("winnow status", () => {
  test("says what is recorded, and what would run", async () => {
    write(program());
    const fresh = await winnow(...here("status"));
    assert.match(
      fresh.out,
      new RegExp(
        `^project   ${root}\npython    .* \\(3\\.13\\.0, pytest 9\\.0\\.0\\), named with --python or WINNOW_PYTHON\nrecorded  nothing\nlast run  none\nnow       every test runs`,
      ),
    );
    await winnow(...here("run"));
    const { out } = await winnow(...here("status"));
    assert.match(
      out,
      /\nrecorded {2}2 tests, 2 facts, \d+ dependencies, 1 environment\ninputs {4}2 exact, 0 widened, 0 opaque\nlast run {2}\d{4}-.*Z\nnow {7}nothing to run: 2 tests up to date/,
    );
  });

  test("with --json", async () => {
    write(program());
    await winnow(...here("run"));
    const document = JSON.parse((await winnow(...here("status", "--json"))).out);
    assert.deepEqual(Object.keys(document), [
      "version",
      "root",
      "python",
      "environment",
      "recorded",
      "grades",
      "lastRun",
      "history",
      "plan",
    ]);
    assert.deepEqual(document.python, { executable: PYTHON, version: "3.13.0", pytest: "9.0.0", found: "override" });
    assert.equal(document.recorded.fact, 2);
    assert.equal(document.lastRun.tests, 2);
    assert.equal(document.plan.kind, "nothing");
  });
});
