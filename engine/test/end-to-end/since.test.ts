/** `--since REF`, `--against NAME` and `winnow snapshot`, in real repositories with a real pytest. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL, DISCOUNTS, type Finished, Project, SHOP, SUBJECT } from "./project.ts";

const IGNORED = { ".gitignore": "__pycache__\n.pytest_cache\n*.log\n" };

/** A project whose first state is committed on `main`, and recorded. */
async function committed(files: Readonly<Record<string, string>> = SHOP): Promise<Project> {
  const project = new Project({ ...files, ...IGNORED });
  await project.git("init", "-q");
  await commit(project);
  assert.equal((await project.run()).code, 0);
  return project;
}

async function commit(project: Project): Promise<void> {
  await project.git("add", ".");
  await project.git("commit", "-qm", "one");
}

const runSince = (project: Project, ref: string): Promise<Finished> => project.winnow(["run", "--since", ref]);

async function planned(project: Project, ...options: string[]) {
  const { code, stdout, stderr } = await project.winnow(["plan", "--json", ...options]);
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

/** Ids of the tests in a plan, or its kind. */
async function concerned(project: Project, ...options: string[]): Promise<string[] | string> {
  const { kind, tests, files } = await planned(project, ...options);
  assert.deepEqual(files, []);
  return kind === "some" ? tests.map(({ id }: { id: string }) => id).sort() : kind;
}

test("what changed since a commit concerns runs, though it passed meanwhile", async () => {
  await using project = await committed();
  project.editDiscount();
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
  assert.deepEqual((await project.run()).starts, []);

  const since = await runSince(project, "main");
  assert.deepEqual([since.code, since.ran], [0, DISCOUNTS]);
  assert.match(
    since.stderr,
    /^winnow: since main \([0-9a-f]{7}\): 2 of 5 tests concerned \(shop\/cart\.py: discount\(\) changed\) · decided in \d+ ms$/m,
  );
  // Neither verdict is taken for the other.
  assert.deepEqual((await project.run()).starts, []);
  assert.deepEqual((await runSince(project, "HEAD")).ran, DISCOUNTS);

  await commit(project);
  const idle = await runSince(project, "HEAD");
  assert.deepEqual([idle.code, idle.starts], [0, []]);
  assert.match(idle.stderr, /^winnow: since HEAD \([0-9a-f]{7}\): 0 of 5 tests concerned · decided/);
  assert.deepEqual((await runSince(project, "HEAD~1")).ran, DISCOUNTS);

  const plan = await planned(project, "--since", "HEAD~1");
  assert.deepEqual([plan.kind, plan.upToDate, plan.known, plan.since.ref], ["some", 3, 5, "HEAD~1"]);
  assert.match(plan.since.commit, /^[0-9a-f]{40}$/);
  const reason = { kind: "body-changed", path: "shop/cart.py", name: "discount" };
  assert.deepEqual(
    plan.tests.map(({ reasons }: { reasons: object[] }) => reasons),
    [[reason], [reason]],
  );
  const observed = await project.winnow(["run", "--mode", "observe", "--since", "HEAD~1"]);
  assert.match(observed.stderr, /every test runs; since HEAD~1 \([0-9a-f]{7}\) would have run 2 of 5 tests/);
  assert.deepEqual([observed.code, observed.ran], [0, ALL]);
});

test("since this branch left the default one", async () => {
  await using project = await committed();
  await project.git("checkout", "-qb", "topic");
  project.editDiscount();
  await commit(project);
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
  await project.git("checkout", "-q", "main");
  project.edit("shop/mail.py", "Hello ", "Hi ");
  project.edit("tests/test_mail.py", "Hello ", "Hi ");
  await commit(project);
  await project.git("checkout", "-q", "topic");
  // What others did on the default branch since is none of this branch's changes.
  const { stderr, ran } = await runSince(project, "branch");
  assert.deepEqual(ran, DISCOUNTS);
  assert.match(stderr, /since main \(merge base [0-9a-f]{7}\): 2 of 5 tests concerned/);
  assert.deepEqual(await concerned(project, "--since", "main"), [...DISCOUNTS, SUBJECT].sort());
  await project.git("update-ref", "refs/remotes/origin/trunk", "main~1");
  await project.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk");
  assert.match((await project.winnow(["plan", "--since", "branch"])).stdout, /^since origin\/trunk \(merge base /);
});

test("what is not committed, untracked, ignored, gone, or was never valid", async () => {
  const files = {
    ...SHOP,
    "data/rates.txt": "1",
    "local.log": "1",
    "tests/test_data.py": `from pathlib import Path


def test_rates():
    assert Path("data/rates.txt").exists()


def test_log():
    assert Path("local.log").read_text()
`,
  };
  await using project = await committed(files);
  const [log, rates] = ["tests/test_data.py::test_log", "tests/test_data.py::test_rates"];
  assert.equal(await concerned(project, "--since", "HEAD"), "nothing");

  // A new test file; a name at module level, of which the others hear nothing; an ignored file.
  project.write({ "tests/test_new.py": "def test_new():\n    pass\n", "local.log": "2" });
  project.edit("shop/cart.py", "RATE = 2", "RATE = 1 + 1\nOTHER = 3");
  const first = ["tests/test_new.py::test_new", ...DISCOUNTS].sort();
  assert.deepEqual((await project.run()).ran, [log, ...first].sort());
  assert.deepEqual(await concerned(project, "--since", "HEAD"), first);
  await commit(project);

  // A file that is gone, and one that could not be compiled in between.
  project.edit(
    "tests/test_data.py",
    'assert Path("data/rates.txt").exists()',
    'assert not Path("data/rates.txt").exists()',
  );
  project.remove("data/rates.txt");
  assert.deepEqual((await project.run()).ran, [rates]);
  assert.deepEqual(await concerned(project, "--since", "HEAD"), [rates]);
  await commit(project);
  const mail = project.read("shop/mail.py");
  project.append("shop/mail.py", "\n\ndef broken(:\n    pass\n");
  await commit(project);
  project.write({ "shop/mail.py": mail });
  assert.deepEqual(await concerned(project, "--since", "HEAD"), [SUBJECT]);
  assert.equal(await concerned(project, "--since", "HEAD~1"), "nothing");
});

test("what is declared, and what cannot be known, as far as git knows of it", async () => {
  const files = {
    ...SHOP,
    "schema/a.sql": "1",
    "pyproject.toml":
      '[[tool.winnow.depends]]\ntests = ["tests/test_mail.py"]\nfiles = ["schema/*.sql"]\nenv = ["STAGE"]\n',
    "tests/test_child.py": 'import os\n\n\ndef test_child():\n    assert os.system("true") == 0\n',
  };
  const child = "tests/test_child.py::test_child";
  await using project = await committed(files);
  assert.equal(await concerned(project, "--since", "HEAD"), "nothing");
  project.write({ "schema/b.sql": "1" });
  assert.deepEqual((await project.run()).ran, [child, SUBJECT]);
  assert.deepEqual(await concerned(project, "--since", "HEAD"), [child, SUBJECT]);
  project.remove("schema/b.sql");
  project.write({ "notes/deep/er.txt": "1" });
  assert.deepEqual((await project.run()).ran, [child]);
  assert.deepEqual(await concerned(project, "--since", "HEAD"), [child]);
  // Git knows of no variables: the test runs once for the new value, and then is concerned no more.
  const env = { STAGE: "1" };
  assert.deepEqual((await project.winnow(["run", "--since", "HEAD"], { env })).ran, [child, SUBJECT]);
  assert.deepEqual((await project.winnow(["run", "--since", "HEAD"], { env })).ran, [child]);
});

test("where nothing that is recorded holds on the commit, everything runs, and a sentence says so", async () => {
  await using project = new Project({ ...SHOP, ...IGNORED });
  await project.git("init", "-q");
  await commit(project);
  project.write({ "conftest.py": "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef nothing():\n    return 1\n" });
  assert.deepEqual((await project.run()).ran, ALL);
  const { stderr, ran } = await runSince(project, "main");
  assert.match(stderr, /winnow: every test runs, because no recorded result holds at main \([0-9a-f]{7}\) · decided/);
  assert.deepEqual(ran, ALL);
  const { kind, because, since } = await planned(project, "--since", "main");
  assert.equal(kind, "everything");
  assert.match(because, /^no recorded result holds at main/);
  assert.equal(since.ref, "main");
});

test("a wrong proof is found where --since has its test run once more", async () => {
  await using project = new Project();
  const mood = project.note("mood", "good");
  project.write({
    ...IGNORED,
    "tests/test_moody.py": `import subprocess

from shop import mail


def test_moody():
    assert mail.subject("you")
    assert subprocess.run(["cat", ${JSON.stringify(mood)}], stdout=-1).stdout == b"good"
`,
    "winnow.toml": 'harmless = ["cat *"]\n',
  });
  await project.git("init", "-q");
  await commit(project);
  await project.run();
  project.edit("shop/mail.py", '"Hello " + name', '"Hello " + str(name)');
  const moody = "tests/test_moody.py::test_moody";
  assert.deepEqual((await project.run()).ran, [SUBJECT, moody].sort());
  project.note("mood", "bad");
  assert.deepEqual((await project.run()).starts, []);
  const { code, stderr } = await runSince(project, "HEAD");
  assert.equal(code, 1);
  assert.match(stderr, /checked 2 tests that could have been left out: 1 missed/);
  assert.match(stderr, /missed: tests\/test_moody\.py::test_moody would have been left out/);
});

test("what does not exist is an error, in one sentence, and nothing starts", async () => {
  await using project = new Project();
  const fails = async (message: RegExp, ...args: string[]): Promise<void> => {
    const { code, stderr, starts } = await project.winnow(["run", ...args]);
    assert.deepEqual([code, starts], [4, []]);
    assert.match(stderr, message);
  };
  await fails(/is in no git work tree \(not a git repository.*\[no-repository\]\n$/s, "--since", "main");
  await fails(/there is no snapshot called "base"\n.*\[unknown-snapshot\]\n$/s, "--against", "base");
  await fails(/--since and --against are two questions/, "--since", "main", "--against", "base");
  await project.git("init", "-q");
  await fails(/git knows no commit "main"/, "--since", "main");
  await fails(/git knows no commit "--all"/, "--since=--all");
  await project.git("checkout", "-qb", "own");
  await commit(project);
  await fails(/no default branch is known in .*: there is none of origin\/HEAD/, "--since", "branch");
  await project.git("checkout", "-q", "--orphan", "main");
  // Of the same content, within the same second, it would be the same commit.
  project.write({ "other.txt": "1" });
  await commit(project);
  await project.git("checkout", "-q", "own");
  await fails(/HEAD and main have no commit in common/, "--since", "branch");
  assert.match((await project.winnow(["snapshot", "save", "base"])).stderr, /nothing is recorded of/);
  assert.match((await project.winnow(["snapshot", "list"])).stdout, /^no snapshot is saved$/m);
  assert.match(
    (await project.winnow(["snapshot", "sav", "x"])).stderr,
    /snapshots know no "sav"; did you mean "save"\?/,
  );
  assert.match((await project.winnow(["snapshot", "save"])).stderr, /the snapshot's name is missing/);
  assert.match((await project.winnow(["snapshot", "save", "-- x"])).stderr, /usage/);
});

test("snapshots: saved, listed, asked about, kept by gc and out of what is exported, and dropped", async () => {
  await using project = new Project({
    ...SHOP,
    "tests/test_env.py": 'import os\n\n\ndef test_stage():\n    os.environ.get("STAGE")\n',
  });
  const stage = "tests/test_env.py::test_stage";
  await project.run();
  const saved = await project.winnow(["snapshot", "save", "base"]);
  assert.match(saved.stdout, /^saved base: \d+ files, Python 3\.\d+\.\d+\n$/);
  assert.equal(await concerned(project, "--against", "base"), "nothing");
  project.editDiscount();
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
  project.edit("shop/cart.py", "RATE = 2", "RATE = 1 + 1\nOTHER = 3");
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
  const against = await project.winnow(["run", "--against", "base"]);
  assert.deepEqual([against.code, against.ran], [0, DISCOUNTS]);
  assert.match(against.stderr, /since snapshot base: 2 of 6 tests concerned/);
  // Unlike git it knows of variables.
  const env = { STAGE: "1" };
  assert.deepEqual((await project.winnow(["run", "--against", "base"], { env })).ran, [...DISCOUNTS, stage].sort());
  assert.deepEqual((await project.winnow(["run", "--against", "base"], { env })).ran, [...DISCOUNTS, stage].sort());

  // What it needs stays: the first state is the oldest of three.
  const { code } = await project.winnow(["gc", "--keep", "1"]);
  assert.equal(code, 0);
  assert.deepEqual(await concerned(project, "--against", "base"), DISCOUNTS);
  const plan = await planned(project, "--against", "base");
  assert.equal(plan.since.snapshot, "base");
  project.write({ "shop/cart.py": SHOP["shop/cart.py"] as string });
  assert.equal(await concerned(project), "nothing");

  project.write({ "shop/other.py": "" });
  assert.match((await project.winnow(["snapshot", "save", "base"])).stdout, /in the place of that of \d{4}-/);
  await project.winnow(["snapshot", "save", "second"]);
  const { snapshots } = JSON.parse((await project.winnow(["snapshot", "list", "--json"])).stdout);
  assert.deepEqual(
    snapshots.map(({ name }: { name: string }) => name),
    ["base", "second"],
  );
  assert.deepEqual(Object.keys(snapshots[0]), ["name", "python", "files", "at"]);
  await project.winnow(["export", "../facts"]);
  assert.equal((await project.winnow(["import", "../facts"])).code, 0);
  assert.match((await project.winnow(["snapshot", "list"])).stdout, /^base .*\nsecond /);
  await using other = new Project();
  assert.equal((await other.winnow(["import", project.note("facts")])).code, 0);
  assert.match((await other.winnow(["snapshot", "list"])).stdout, /no snapshot is saved/);

  const { dropped } = JSON.parse((await project.winnow(["snapshot", "drop", "base", "--json"])).stdout);
  assert.equal(dropped.name, "base");
  const gone = await project.winnow(["plan", "--against", "base"]);
  assert.deepEqual([gone.code, gone.starts], [4, []]);
  const again = await project.winnow(["snapshot", "drop", "bas"]);
  assert.match(again.stderr, /there is no snapshot called "bas"\n/);
  assert.equal(again.code, 4);
});
