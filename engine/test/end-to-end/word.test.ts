/** The user's word through the real command line: markers, configuration, `--also`, and how well inputs are known. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { ALL, DISCOUNTS, type Finished, Project, SHOP, SUBJECT, TOTAL } from "./project.ts";

interface PlannedTest {
  readonly id: string;
  readonly reasons: readonly { readonly kind: string; readonly name?: string; readonly state?: string }[];
}

function plannedTests({ stdout }: Finished): PlannedTest[] {
  const document = JSON.parse(stdout) as { tests: PlannedTest[]; plan?: { tests: PlannedTest[] } };
  return [...(document.plan?.tests ?? document.tests)];
}

test("the marker passes --strict-markers, and is one of pytest's own list", async () => {
  await using project = new Project({
    ...SHOP,
    "pytest.ini": "[pytest]\naddopts = --strict-markers\n",
    "tests/test_mark.py": `import pytest

@pytest.mark.winnow(always=True)
def test_always(): pass
`,
  });
  const first = await project.run();
  assert.deepEqual([first.code, first.ran.length], [0, ALL.length + 1]);
  const second = await project.run();
  assert.deepEqual([second.code, second.ran], [0, ["tests/test_mark.py::test_always"]]);
  assert.match(second.stderr, /its marker has it run always/);

  // Without Winnow a line of pytest's configuration does that.
  const bare = await project.pytest(["tests/test_mark.py"]);
  assert.notEqual(bare.code, 0);
  project.write({ "pytest.ini": "[pytest]\naddopts = --strict-markers\nmarkers =\n    winnow: read by Winnow\n" });
  assert.equal((await project.pytest(["tests/test_mark.py"])).code, 0);
});

test("a marker that says what it cannot say is taken for always, and told of once", async () => {
  await using project = new Project({
    "pytest.ini": "[pytest]\n",
    "test_a.py": `import pytest

@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.winnow(dependz=["x"])
def test_a(n): pass

@pytest.mark.winnow(depends=3)
def test_b(): pass

def test_c(): pass
`,
  });
  const first = await project.run();
  assert.equal(first.code, 0);
  const told = first.stderr.match(/a test in test_a\.py runs always, because its marker winnow is not understood: .*/g);
  assert.deepEqual(
    told?.map((line) => line.split(": ")[1]),
    ["there is no argument dependz", "depends must be a list of texts"],
  );
  assert.deepEqual((await project.run()).ran, ["test_a.py::test_a[1]", "test_a.py::test_a[2]", "test_a.py::test_b"]);
});

test("markers on classes and modules, and those that are added while a test runs, count together", async () => {
  await using project = new Project({
    "pytest.ini": "[pytest]\n",
    "data/a": "1",
    "data/b": "1",
    "data/c": "1",
    "test_a.py": `import pytest

pytestmark = pytest.mark.winnow(depends="data/a")


@pytest.mark.winnow(depends=["data/b"])
class TestIt:
    def test_both(self): pass


def test_late(request):
    request.node.add_marker(pytest.mark.winnow(depends=("data/c",)))
`,
  });
  await project.run();
  assert.deepEqual((await project.run()).starts, []);
  const after = async (path: string): Promise<readonly string[]> => {
    project.write({ [path]: "2" });
    return (await project.run()).ran;
  };
  assert.deepEqual(await after("data/a"), ["test_a.py::TestIt::test_both", "test_a.py::test_late"]);
  assert.deepEqual(await after("data/b"), ["test_a.py::TestIt::test_both"]);
  assert.deepEqual(await after("data/c"), ["test_a.py::test_late"]);
  assert.deepEqual((await project.run()).starts, []);
});

test("nothing is started where declared inputs are what they were, and the store is left alone", async () => {
  await using project = new Project({
    ...SHOP,
    "data/a.csv": "1",
    "pyproject.toml": `[[tool.winnow.depends]]
tests = ["tests"]
files = ["data/**"]
env = ["SHOP_MODE"]
`,
  });
  await project.run();
  await project.run();
  const before = project.inventory();
  const idle = await project.run();
  assert.deepEqual([idle.code, idle.starts, project.inventory()], [0, [], before]);
  const other = await project.winnow(["run"], { env: { SHOP_MODE: "secret-value" } });
  assert.deepEqual(other.ran, ALL);
  assert.deepEqual((await project.winnow(["run"], { env: { SHOP_MODE: "secret-value" } })).starts, []);
  assert.deepEqual((await project.run()).starts, []);
  // A value may be a secret: only a digest of it is kept.
  const { stdout } = await project.winnow(["why", TOTAL, "--json"], { env: { SHOP_MODE: "secret-value" } });
  assert.match(stdout, /SHOP_MODE/);
  assert.doesNotMatch(stdout, /secret-value/);
});

test("a project's commands are run for those only who allow it, and one line says so", async () => {
  await using project = new Project({
    ...SHOP,
    "pyproject.toml": `[[tool.winnow.depends]]
tests = ["tests/test_mail.py"]
commands = ["echo ran >> ../trace; cat version"]
`,
    version: "1",
  });
  const trace = (): boolean => existsSync(project.note("trace"));
  await project.run();
  const refused = await project.run();
  assert.deepEqual([refused.ran, trace()], [[SUBJECT], false]);
  assert.match(
    refused.stderr,
    /tests that depend on a command run, .* may not be started\n.*--allow-commands.*\[commands-not-allowed\]/,
  );
  for (const command of ["plan", "status"]) {
    await project.winnow([command]);
  }
  await project.winnow(["why", SUBJECT]);
  assert.equal(trace(), false);

  assert.deepEqual((await project.winnow(["run", "--allow-commands"])).ran, [SUBJECT]);
  assert.equal(trace(), true);
  assert.deepEqual((await project.winnow(["run", "--allow-commands"])).starts, []);
  assert.deepEqual((await project.winnow(["run"], { env: { WINNOW_ALLOW_COMMANDS: "1" } })).starts, []);
  project.write({ version: "2" });
  const changed = await project.winnow(["plan", "--json", "--allow-commands"]);
  assert.deepEqual(
    plannedTests(changed).map(({ id, reasons }) => [id, reasons.map(({ kind, state }) => [kind, state])]),
    [[SUBJECT, [["declared-changed", "changed"]]]],
  );
});

test("a command is not run where something else decides already", async () => {
  await using project = new Project({
    ...SHOP,
    "pyproject.toml": `[[tool.winnow.depends]]
tests = ["tests/test_cart.py"]
commands = ["echo ran >> ../trace"]
`,
  });
  await project.winnow(["run", "--allow-commands"]);
  const runs = (): number => (existsSync(project.note("trace")) ? project.read("../trace").split("\n").length - 1 : 0);
  const before = runs();
  project.append("tests/test_cart.py", "\nprint()\n");
  await project.winnow(["plan", "--allow-commands"]);
  assert.equal(runs(), before);
  await project.winnow(["plan", "--allow-commands", "--", "tests/test_mail.py"]);
  assert.equal(runs(), before);
});

test("--also adds to the selection: a path, an id, an expression", async () => {
  await using project = new Project();
  await project.run();
  assert.deepEqual((await project.winnow(["run", "--also", "tests/test_mail.py"])).ran, [SUBJECT]);
  assert.deepEqual((await project.winnow(["run", "--also", TOTAL, "--also", SUBJECT])).ran, [TOTAL, SUBJECT]);
  project.editDiscount();
  const both = await project.winnow(["run", "--also", "-k", "total or subject"]);
  assert.deepEqual(both.ran, [...DISCOUNTS, TOTAL, SUBJECT].sort());
  assert.match(both.stderr, /4 tests ran, 1 left out/);
  assert.deepEqual((await project.winnow(["run", "--also", "-k nothing_of_that_name"])).ran, []);
  assert.deepEqual((await project.run()).starts, []);
  const planned = await project.winnow(["plan", "--json", "--also", "tests"]);
  assert.deepEqual(
    [...new Set(plannedTests(planned).flatMap(({ reasons }) => reasons.map(({ kind, name }) => `${kind} ${name}`)))],
    ["also tests"],
  );
});

test("--also reaches beyond the paths that are asked for, and no further", async () => {
  await using project = new Project({ ...SHOP, "smoke/test_smoke.py": "def test_smoke(): pass\n" });
  await project.run();
  const smoke = "smoke/test_smoke.py::test_smoke";
  assert.deepEqual((await project.winnow(["run", "--also", "smoke", "--", "tests/test_mail.py"])).ran, [smoke]);
  project.editDiscount();
  assert.deepEqual((await project.winnow(["run", "--also", "smoke", "--", "tests/test_mail.py"])).ran, [smoke]);
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
  project.write({ "pytest.ini": "[pytest]\ntestpaths = tests\n" });
  assert.deepEqual((await project.run()).ran, ALL);
  assert.deepEqual((await project.winnow(["run", "--also", "smoke"])).ran, [smoke]);
  project.editDiscount("price - RATE + 0");
  assert.deepEqual((await project.winnow(["run", "--also", "smoke"])).ran, [smoke, ...DISCOUNTS]);
});

test("what is wrong with --also is said before anything runs, or by pytest", async () => {
  await using project = new Project();
  await project.run();
  const absent = await project.winnow(["run", "--also", "nowhere.py"]);
  assert.deepEqual([absent.code, absent.starts], [4, []]);
  assert.match(absent.stderr, /--also names nowhere\.py, and there is no .*\[usage\]/s);
  const broken = await project.winnow(["run", "--also", "-k", "a or ("]);
  assert.equal(broken.code, 4);
  assert.match(broken.stderr, /--also -k 'a or \('/);
  const misplaced = await project.winnow(["status", "--also", "tests"]);
  assert.match(misplaced.stderr, /`winnow status` has no option --also/);
});

test("how well inputs are known is counted, and told with its reason", async () => {
  await using project = new Project({
    ...SHOP,
    "pyproject.toml": "[tool.winnow]\n",
    "tests/test_child.py": `import subprocess

def test_child(): subprocess.run(["sh", "-c", "true"], check=True)
`,
    "tests/test_names.py": `def here(): return globals()


def test_names(): assert here()
`,
  });
  const first = await project.run();
  assert.match(first.stderr, /1 test will run again after any change, because of child process: sh -c true/);
  const grades = async (): Promise<unknown> =>
    (JSON.parse((await project.winnow(["status", "--json"])).stdout) as { grades: unknown }).grades;
  assert.deepEqual(await grades(), { exact: 5, widened: 1, opaque: 1 });
  assert.match((await project.winnow(["status"])).stdout, /^inputs {4}5 exact, 1 widened, 1 opaque$/m);
  const why = await project.winnow(["why", "test_child"]);
  assert.match(
    why.stdout,
    /need not run.*\n {2}what it depends on cannot be known, because of child process: sh -c true/,
  );
  const [answer] = (
    JSON.parse((await project.winnow(["why", "test_child", "--json"])).stdout) as {
      tests: { fact: { grade: string; because: string[] } }[];
    }
  ).tests;
  assert.deepEqual([answer?.fact.grade, answer?.fact.because], ["opaque", ["child process: sh -c true"]]);

  assert.match(
    (await project.winnow(["why", "test_names"])).stdout,
    /more counts than it may use, because names are looked up that are not spelt, by tests\/test_names\.py: here\(\)/,
  );

  project.write({ "pyproject.toml": '[tool.winnow]\nharmless = ["sh *"]\n' });
  assert.deepEqual(await grades(), { exact: 6, widened: 1, opaque: 0 });
  assert.doesNotMatch((await project.winnow(["why", "test_child"])).stdout, /cannot be known/);
  assert.deepEqual((await project.run()).starts, []);
});

test("a test that appends to an ignored file proves something, as long as that is ignored", async () => {
  await using project = new Project({
    "pytest.ini": "[pytest]\n",
    "pyproject.toml": '[tool.winnow]\nignore = ["docs"]\n',
    "docs/log.txt": "",
    "test_a.py": `def test_append():
    with open("docs/log.txt", "a+") as file:
        file.write("x")


def test_reads(): open("docs/log.txt").read()
`,
  });
  await project.run();
  assert.deepEqual((await project.run()).starts, []);
  project.write({ "pyproject.toml": "[tool.winnow]\nignore = []\n" });
  assert.ok((await project.run()).ran.includes("test_a.py::test_append"));
});

test("a mistake in the configuration is told in one sentence, before anything runs", async () => {
  await using project = new Project();
  const wrong: [string, RegExp][] = [
    ["[tool.winnow]\nalwyas = []\n", /has an unknown key "alwyas" in \[tool\.winnow\]; did you mean "always"\?/],
    ['[tool.winnow]\nopaque = "never"\n', /tool\.winnow\.opaque in .* is not one of "rerun" and "always"/],
    ["[[tool.winnow.depends]]\nfiles = []\n", /pyproject\.toml has no "tests" in \[tool\.winnow\.depends\]/],
    ['[tool.winnow]\nignore = ["/etc/**"]\n', /is not a glob relative to the project's root/],
  ];
  for (const [text, message] of wrong) {
    project.write({ "pyproject.toml": text });
    const { code, stderr, starts } = await project.run();
    assert.deepEqual([code, starts], [4, []], text);
    assert.match(stderr, message);
    assert.match(stderr, /\[configuration\]\n$/);
  }
});
