/** pytest's own output and exit codes, byte for byte; Winnow's lines go to standard error only. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL, defaultBase, type Finished, Project, SHOP, TOTAL, WINNOW } from "./project.ts";

/** Without what differs from one run to the next: times. */
function steady(text: string): string {
  return text.replace(/\d+\.\d\ds/g, "0.00s");
}

/** Every line on standard error is one of Winnow's, or the help below one. */
function assertOwn(stderr: string): void {
  for (const line of stderr.split("\n").slice(0, -1)) {
    assert.match(line, /^(winnow: | {8}\S)/);
  }
}

/** Runs pytest alone, then through Winnow as the first run of all; what they print and say at their end is the same. */
async function assertSame(project: Project, args: readonly string[], addopts = ""): Promise<Finished> {
  const env = { PYTEST_ADDOPTS: addopts };
  project.remove(".winnow");
  const bare = await project.pytest(args, { env });
  const through = await project.winnow(["run", "--", ...args], { env });
  assert.equal(steady(through.stdout), steady(bare.stdout), `pytest ${args.join(" ")}`);
  assert.equal(through.code, bare.code, `pytest ${args.join(" ")}`);
  if (bare.stderr === "") {
    assertOwn(through.stderr);
  }
  return through;
}

const RED = {
  ...SHOP,
  "tests/test_red.py": `import sys
import warnings

import pytest


def test_one():
    print("héllo")
    print("to stderr", file=sys.stderr)
    left = {"a": [1, 2, 3]}
    assert left == {"a": [1, 2, 4]}


def test_two():
    warnings.warn("careful")
    raise RuntimeError("no\\x1b[31m")


@pytest.fixture
def broken():
    yield
    raise ValueError("late")


def test_three(broken):
    pass


@pytest.mark.skip(reason="not now")
def test_four():
    pass


@pytest.mark.xfail
def test_five():
    assert 0
`,
};

test("what pytest prints passes through untouched", async () => {
  await using project = new Project(RED);
  // The first time pytest says more of its cache than later.
  await project.pytest([]);
  for (const args of [
    ["--color=yes", "-rA"],
    ["-v", "-x", "--tb=short"],
    ["-q", "-s"],
  ]) {
    const { code } = await assertSame(project, args);
    assert.equal(code, 1);
  }
});

test("on a terminal pytest finds a terminal, and both are coloured", async () => {
  await using project = new Project();
  const pty = ["-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"];
  const env = { NO_COLOR: undefined, TERM: "xterm", COLUMNS: "80", PYTEST_ADDOPTS: "-p no:cacheprovider" };
  const options = { before: [defaultBase().executable, ...pty], env };
  const bare = await project.pytest([], options);
  const through = await project.winnow(["run"], options);
  // The terminal is one for all that is printed, and pty.spawn tells what it said.
  const lines = (finished: Finished): string[] => steady(finished.stdout).split("\r\n");
  assert.ok(bare.stdout.includes("\u001b[32m"));
  const own = lines(through).filter((line) => line.includes("winnow:"));
  assert.equal(own.length, 2);
  assert.ok(own[0]?.startsWith("\u001b[1mwinnow:\u001b[22m "), own[0]);
  assert.deepEqual(
    lines(through).filter((line) => !line.includes("winnow:")),
    lines(bare),
  );
});

test("exit codes are pytest's", async () => {
  await using project = new Project();
  const codes: [string[], number][] = [
    [[], 0],
    [["nowhere"], 4],
    [["tests/test_cart.py::test_nowhere"], 4],
    [["tests/nowhere.py::test_total"], 4],
    [["--no-such-option"], 4],
    [["-k", "nomatch"], 5],
    [["-k", "total and"], 4],
  ];
  // Both where nothing is known, and where everything is.
  for (const [args, code] of codes) {
    project.remove(".winnow");
    assert.equal((await project.run(...args)).code, code, args.join(" "));
  }
  assert.equal((await assertSame(project, ["nowhere"])).code, 4);
  project.remove(".winnow");
  await project.run();
  for (const [args, code] of codes.slice(1)) {
    const { code: got, ran } = await project.run(...args);
    assert.deepEqual([got, ran], [code, []], args.join(" "));
  }
  assert.equal((await project.run("-k", "nomatch")).code, 5);
  assert.deepEqual((await project.run()).starts, []);
});

test("a path or an id beside one that is known", async () => {
  await using project = new Project();
  await project.run();
  for (const wrong of ["nowhere", "tests/test_cart.py::test_nowhere"]) {
    assert.equal((await project.run(TOTAL, wrong)).code, 4);
  }
});

test("an empty project, one with no tests, errors in collection, in a hook, and in the configuration", async () => {
  await using empty = new Project({ "pytest.ini": "[pytest]\n" });
  assert.equal((await assertSame(empty, [])).code, 5);
  assert.equal((await empty.run()).code, 5);
  empty.write({ "test_nothing.py": "X = 1\n" });
  assert.equal((await empty.run()).code, 5);
  assert.equal((await empty.run()).code, 5);

  empty.write({ "test_broken.py": "import nowhere_at_all\n" });
  const interrupted = await empty.run();
  assert.equal(interrupted.code, 2);
  assert.match(interrupted.stdout, /Interrupted: 1 error during collection/);
  assert.equal((await empty.run()).code, 2);
  empty.remove("test_broken.py");

  empty.write({ "conftest.py": "def pytest_sessionstart():\n    raise RuntimeError('oh')\n" });
  const internal = await empty.run();
  assert.equal(internal.code, 3);
  assert.match(internal.stdout, /INTERNALERROR> RuntimeError: oh/);

  empty.write({ "conftest.py": "def broken(:\n" });
  const conftest = await empty.run();
  assert.equal(conftest.code, 4);
  assert.match(conftest.stderr, /SyntaxError/);
  empty.remove("conftest.py");
  empty.write({ "pytest.ini": "[pytest\n" });
  const bare = await empty.pytest();
  const through = await empty.run();
  assert.deepEqual([through.code, through.stdout], [bare.code, bare.stdout]);
  assert.equal(through.code, 4);
});

test("stopping at the first failure leaves the others to be done", async () => {
  await using project = new Project();
  await project.run();
  project.edit("shop/cart.py", "return sum(prices)", "return sum(prices) + 1");
  const stopped = await project.run("-x");
  assert.deepEqual([stopped.code, stopped.ran], [1, [TOTAL]]);
  project.edit("shop/cart.py", "return sum(prices) + 1", "return sum(list(prices))");
  const mended = await project.run();
  assert.deepEqual([mended.code, mended.ran], [0, ALL.filter((id) => /TestCart|total/.test(id))]);
  assert.deepEqual((await project.run("-x")).starts, []);
});

test("a reader that has seen enough ends nothing and is told nothing", async () => {
  await using project = new Project();
  await project.run();
  project.editDiscount();
  const piped = await project.execute("sh", [
    "-c",
    '"$0" --disable-warning=ExperimentalWarning "$@" | true',
    process.execPath,
    WINNOW,
    "plan",
  ]);
  assert.equal(piped.stderr, "");
  assert.equal(piped.code, 0);
});
