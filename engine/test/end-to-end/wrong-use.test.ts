/**
 * What goes wrong around a tool in its first days: each is answered by one sentence that says what, where and what next,
 * with the right exit code, and costs neither what is recorded nor a test that has to run. Read-only checkouts and newer
 * stores are in doubt.test.ts, interpreters without pytest in python.test.ts, interruptions in partial.test.ts, and two
 * runs at once in run.test.ts.
 */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { test } from "node:test";
import { ALL, DISCOUNTS, type Finished, Project, SUBJECT } from "./project.ts";

/** The lines of Winnow's own. */
function said({ stderr }: Finished): string {
  return stderr.slice(stderr.indexOf("winnow: "));
}

async function recorded(): Promise<Project> {
  const project = new Project();
  assert.deepEqual((await project.run()).ran, ALL);
  return project;
}

test("a typo in an option: what may have been meant, and where options of pytest's belong", async () => {
  await using project = new Project();
  const wrong: [string[], RegExp][] = [
    [["run", "--jsno"], /Unknown option "--jsno"; did you mean "--json"\?\n.*write it after `--`/],
    [["run", "--maxfail=1"], /Unknown option "--maxfail"\n.*If --maxfail is meant for pytest, write it after `--`/],
    [["plan", "--order", "written"], /`winnow plan` has no option --order\n.*Usage: winnow plan/],
    [["run", "--order", "fastest"], /there is no order "fastest"\n.*failures-first/],
  ];
  for (const [args, message] of wrong) {
    const finished = await project.winnow(args);
    assert.deepEqual([finished.code, finished.stdout, finished.starts], [4, "", []], args.join(" "));
    assert.match(finished.stderr, message);
  }
  const passedOn = await project.run("--maxfial=1");
  assert.equal(passedOn.code, 4);
  assert.match(passedOn.stderr, /unrecognized arguments: --maxfial=1/);
});

test("another directory than the project's: where pytest looked, and how to name another one", async () => {
  await using project = await recorded();
  const elsewhere = join(project.top, "elsewhere");
  mkdirSync(elsewhere);
  const finished = await project.winnow(["run"], { cwd: elsewhere });
  assert.equal(finished.code, 5);
  assert.match(said(finished), /pytest found no tests, started in .*\/elsewhere\n.*-C DIR.*\[no-tests\]/);
  const document = await project.winnow(["run", "--json"], { cwd: elsewhere });
  assert.deepEqual(
    JSON.parse(document.stdout).warnings.map(({ code }: { code: string }) => code),
    ["no-tests"],
  );
  // A directory of the project without tests belongs to the project.
  const below = await project.winnow(["run"], { cwd: project.path("shop") });
  assert.equal(below.code, 5);
  assert.match(said(below), /started in .*\/project\/shop\n/);
  // An expression that matches nothing is another matter.
  assert.doesNotMatch((await project.run("-k", "nothing")).stderr, /no-tests/);
  assert.match((await project.run()).stderr, /nothing to run: 5 tests up to date/);
});

test("a broken pyproject.toml: nothing is left out for settings that cannot be read", async () => {
  await using project = await recorded();
  const broken = '[project]\nname = "shop"\n[tool.winnow\nalways = ["tests/test_mail.py"]\n';
  project.write({ "pyproject.toml": broken });
  for (const command of [["run"], ["plan"], ["status"], ["config"]]) {
    const finished = await project.winnow(command);
    assert.equal(finished.code, 4, finished.stderr);
    assert.match(finished.stderr, /pyproject\.toml is no valid TOML \(line 3: .*\)\n.*\[configuration\]/);
  }
  // Where pytest would read it, pytest says so.
  project.remove("pytest.ini");
  project.write({ "pyproject.toml": "[tool.pytest\n" });
  const refused = await project.run();
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /pyproject\.toml: /);
  const doctor = await project.winnow(["doctor"]);
  assert.equal(doctor.code, 1);
  assert.match(doctor.stdout, /pytest cannot read its configuration in .*pyproject\.toml: line 1: /);
  project.remove("pyproject.toml");
  project.write({ "pytest.ini": "[pytest]\n" });
  assert.match((await project.run()).stderr, /nothing to run: 5 tests up to date/);
});

test("a Python 2 file concerns those who import it, and Python says what is wrong with it", async () => {
  await using project = await recorded();
  project.write({ "shop/old.py": 'print "hello"\n' });
  assert.match((await project.run()).stderr, /nothing to run: 5 tests up to date/);
  project.write({ "tests/test_old.py": "import shop.old\n\n\ndef test_old():\n    pass\n" });
  const imported = await project.run();
  assert.equal(imported.code, 2);
  assert.match(imported.stdout, /shop\/old\.py", line 1[\s\S]*SyntaxError: Missing parentheses/);
  // Errors in collection are not forgotten, and the others stay proven.
  assert.equal((await project.run()).code, 2);
  project.write({ "tests/test_old.py": 'print "hello"\n' });
  assert.equal((await project.run()).code, 2);
  project.remove("tests/test_old.py");
  const mail = project.read("shop/mail.py");
  project.append("shop/mail.py", 'print "hello"\n');
  const broken = await project.run();
  assert.equal(broken.code, 2);
  assert.match(said(broken), /shop\/mail\.py is not valid Python any more \(line \d+: Missing parentheses/);
  project.write({ "shop/mail.py": mail });
  assert.match((await project.run()).stderr, /nothing to run: 5 tests up to date/);
});

test("without git everything works, and doctor says what git is for", async () => {
  await using project = new Project();
  const bin = join(project.top, "bin");
  mkdirSync(bin);
  for (const name of ["bash", "env", "sh"]) {
    const directory = (process.env["PATH"] ?? "").split(delimiter).find((each) => existsSync(join(each, name)));
    symlinkSync(join(directory as string, name), join(bin, name));
  }
  const env = { PATH: `${dirname(project.python)}${delimiter}${bin}` };
  assert.deepEqual((await project.winnow(["run"], { env })).ran, ALL);
  assert.match((await project.winnow(["run"], { env })).stderr, /nothing to run: 5 tests up to date/);
  project.editDiscount();
  assert.deepEqual((await project.winnow(["run"], { env })).ran, DISCOUNTS);
  const doctor = await project.winnow(["doctor"], { env });
  assert.equal(doctor.code, 0);
  assert.match(doctor.stdout, /warning +git +git is not on PATH/);
});

test("doctor examines the interpreter that a run would take", async () => {
  await using project = new Project();
  const chosen = project.makeWrapper(join(project.top, "chosen"), project.python);
  const env = { WINNOW_PYTHON: chosen, VIRTUAL_ENV: undefined };
  const doctor = await project.winnow(["doctor"], { env });
  assert.match(doctor.stdout, /ok +python +.*named with --python or WINNOW_PYTHON/);
});

test("an edit while a run is interrupted, and a second interruption: nothing is believed too much", async () => {
  await using project = new Project();
  const stops =
    'import os\nimport signal\n\n\ndef test_stop():\n    if "STOP" in os.environ:\n        os.kill(os.getpid(), signal.SIGINT)\n';
  project.write({ "tests/test_stop.py": stops });
  const interrupted = await project.winnow(["run"], { env: { STOP: "1" } });
  assert.equal(interrupted.code, 2);
  project.editDiscount();
  assert.equal((await project.winnow(["run"], { env: { STOP: "1" } })).code, 2);
  const { ran } = await project.run();
  assert.ok(!ran.includes(SUBJECT) && ran.includes("tests/test_stop.py::test_stop"), ran.join());
  assert.match((await project.run()).stderr, /nothing to run: 6 tests up to date/);
});
