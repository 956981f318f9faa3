/** Settings and environments with a real pytest. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { ALL, DISCOUNTS, type Finished, Project, SHOP } from "./project.ts";

interface Shown {
  readonly key: string;
  readonly value: unknown;
  readonly origin: { readonly kind: string; readonly name?: string; readonly file?: string; readonly key?: string };
}

const settingsIn = ({ stdout }: Finished): Map<string, Shown> =>
  new Map((JSON.parse(stdout) as { settings: Shown[] }).settings.map((each) => [each.key, each]));

const environmentIn = ({ stdout }: Finished): string => (JSON.parse(stdout) as { environment: string }).environment;

test("winnow config shows what is in force and where it comes from, without starting Python", async () => {
  await using project = new Project({
    ...SHOP,
    "pyproject.toml":
      '[tool.winnow]\nmode = "observe"\nignore = ["docs"]\n[[tool.winnow.depends]]\ntests = ["tests"]\nenv = ["A"]\n',
    "winnow.toml": "verify.sample = 0.5\n",
    "pytest.ini": "[pytest]\nwinnow_ignore = a b\n",
  });
  const env = { WINNOW_OPAQUE: "always" };
  const shown = await project.winnow(["config", "--json", "--env", "ci"], { env });
  assert.deepEqual([shown.code, shown.stderr, shown.starts], [0, "", []]);
  const settings = settingsIn(shown);
  const wanted: [string, unknown, Shown["origin"]][] = [
    ["mode", "observe", { kind: "file", file: "pyproject.toml", key: "tool.winnow.mode" }],
    ["verify.sample", 0.5, { kind: "file", file: "winnow.toml", key: "verify.sample" }],
    ["ignore", ["a", "b"], { kind: "file", file: "pytest.ini", key: "winnow_ignore" }],
    ["opaque", "always", { kind: "variable", name: "WINNOW_OPAQUE" }],
    ["environment", "ci", { kind: "option", name: "--env" }],
    ["always", [], { kind: "default" }],
    ["python", null, { kind: "default" }],
  ];
  for (const [key, value, origin] of wanted) {
    assert.deepEqual(settings.get(key), { key, value, origin });
  }
  const lines = (await project.winnow(["config", "--show-origin"], { env })).stdout.split("\n");
  const line = (key: string): string | undefined => lines.find((each) => each.startsWith(`${key} = `));
  assert.match(line("mode") ?? "", /^mode = "observe" +# pyproject\.toml:tool\.winnow\.mode$/);
  assert.match(line("ignore") ?? "", /^ignore = \["a", "b"\] +# pytest\.ini:winnow_ignore$/);
  assert.match(line("opaque") ?? "", /^opaque = "always" +# WINNOW_OPAQUE$/);
  assert.match(line("depends") ?? "", /tests = \["tests"\], files = \[\], env = \["A"\].*# pyproject\.toml:/);
  assert.match(line("python") ?? "", /# default$/);
  assert.doesNotMatch((await project.winnow(["config"])).stdout, /#/);
});

test("pytest knows the names in its configuration, however strict it is, and they count", async () => {
  await using project = new Project({
    ...SHOP,
    "pytest.ini": `[pytest]
addopts = --strict-config -W error
winnow_mode = observe
winnow_always = tests/test_mail.py
winnow_harmless =
    git *
environment_expression = "one"
testmon_ignore_dependencies = a b
`,
  });
  const first = await project.run();
  assert.deepEqual([first.code, first.ran], [0, ALL], first.stdout + first.stderr);
  const again = await project.run();
  assert.deepEqual([again.code, again.ran], [0, ALL]);
  assert.match(again.stderr, /every test runs; would have run 1 of 5 tests \(/);
});

test("variables and options count in a run, and an unknown one is told", async () => {
  await using project = new Project();
  await project.run();
  const observed = await project.winnow(["run"], { env: { WINNOW_MODE: "observe" } });
  assert.deepEqual(observed.ran, ALL);
  const { stdout, stderr, starts } = await project.winnow(["run", "--json"], { env: { WINNOW_MOD: "observe" } });
  assert.deepEqual(starts, []);
  assert.match(stderr, /^winnow: the variable WINNOW_MOD means nothing to Winnow; did you mean "WINNOW_MODE"\?$/m);
  const { warnings } = JSON.parse(stdout) as { warnings: { code: string }[] };
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ["unknown-variable"],
  );
  const other = await project.winnow(["run"], { env: { WINNOW_PYTHON: project.path("nowhere") } });
  assert.equal(other.code, 4);
  assert.match(other.stderr, /nowhere/);
});

test("environments live in one store, prove nothing for each other, and going back costs nothing", async () => {
  await using project = new Project();
  const run = (...args: readonly string[]): Promise<Finished> => project.winnow(["run", ...args]);
  assert.equal(environmentIn(await project.winnow(["status", "--env", "a", "--json"])), "a");
  assert.deepEqual((await run("--env", "a")).ran, ALL);
  assert.deepEqual((await run("--env", "b")).ran, ALL);
  assert.deepEqual((await run()).ran, ALL);
  for (const args of [["--env", "a"], ["--env", "b"], [], ["--env", "a"]]) {
    const idle = await run(...args);
    assert.deepEqual([idle.code, idle.starts], [0, []], args.join());
  }
  const before = project.read("shop/cart.py");
  project.editDiscount();
  assert.deepEqual((await run("--env", "a")).ran, DISCOUNTS);
  assert.deepEqual((await run("--env", "a")).starts, []);
  assert.deepEqual((await project.winnow(["run"], { env: { WINNOW_ENV: "b" } })).ran, DISCOUNTS);
  project.write({ "shop/cart.py": before });
  for (const args of [["--env", "a"], ["--env", "b"], []]) {
    assert.deepEqual((await run(...args)).starts, [], args.join());
  }
  // A failure in one is none in another.
  project.write({
    "shop/mail.py": 'import os\n\n\ndef subject(name):\n    return "Hello " + name + os.environ.get("MORE", "")\n',
  });
  await run("--env", "a");
  const failed = await project.winnow(["run", "--env", "b"], { env: { MORE: "!" } });
  assert.equal(failed.code, 1);
  assert.deepEqual((await run("--env", "a")).starts, []);
  assert.equal(environmentIn(await project.winnow(["status", "--env", "a", "--json"])), "a");
  assert.match((await project.winnow(["status", "--env", "a"])).stdout, /^environment a$/m);
  assert.doesNotMatch((await project.winnow(["status"])).stdout, /^environment/m);
});

test("environment_expression names the environment as pytest-testmon does", async () => {
  await using project = new Project();
  await project.run();
  const named = async (expression: string, env: Record<string, string> = {}): Promise<string> => {
    project.write({ "tox.ini": `[pytest]\nenvironment_expression = ${expression}\n` });
    return environmentIn(await project.winnow(["status", "--json", "--", "-c", "tox.ini"], { env }));
  };
  assert.equal(await named("os.environ.get('DB', 'none')", { DB: "pg" }), "pg");
  assert.equal(await named("md5('a') + hashlib.sha1(b'').hexdigest()[:4]"), "0cc175b9c0f1b6a831c399e269772661da39");
  assert.match(await named("sys.version_info[:2]"), /^\(3, \d+\)$/);
  assert.equal(await named("1 / 0"), "ZeroDivisionError('division by zero')");
  assert.equal(await named("nothing"), `NameError("name 'nothing' is not defined")`);
  assert.match(await named("what is"), /^SyntaxError\(/);
  assert.equal(await named("print('noise') or 'ü'"), "ü");
  assert.equal(await named("''"), "");
  // Python's own modules, whatever the project calls its files.
  project.write({ "hashlib.py": "raise SystemExit\n", "json.py": "raise SystemExit\n" });
  assert.equal(await named("os.path.basename(os.getcwd())"), "project");
});

test("an expression splits the results, costs one start of Python, and a name goes before it", async () => {
  await using project = new Project({ ...SHOP, "pytest.ini": '[pytest]\nenvironment_expression = os.environ["DB"]\n' });
  const run = (db: string, ...args: string[]): Promise<Finished> =>
    project.winnow(["run", ...args], { env: { DB: db } });
  assert.deepEqual((await run("pg")).ran, ALL);
  const again = await run("pg");
  // What the wrapper calls a probe is any `python -c`.
  assert.deepEqual([again.code, again.starts], [0, ["probe"]]);
  assert.deepEqual((await run("my")).ran, ALL);
  assert.deepEqual((await run("pg")).ran, []);
  assert.deepEqual((await run("my", "--env", "pg")).starts, []);
});

test("an expression that ends Python leaves the environment without a name, and nothing out", async () => {
  await using project = new Project();
  await project.run();
  project.write({ "pytest.ini": "[pytest]\nenvironment_expression = os._exit(3)\n" });
  const run = await project.run();
  assert.deepEqual([run.code, run.ran], [0, ALL]);
  assert.match(
    run.stderr,
    /^winnow: every test runs and nothing is recorded, because environment_expression has no value \(Python ended with exit code 3\)$/m,
  );
  const plan = await project.winnow(["plan"]);
  assert.equal(plan.code, 4);
  assert.match(plan.stderr, /\[environment-expression\]$/m);
});

test("what a repository declares to be run waits for consent, whichever of its files says so", async () => {
  await using project = new Project({
    ...SHOP,
    "winnow.toml": '[[depends]]\ntests = ["tests"]\ncommands = ["echo ran >> ran"]\n',
    "pytest.ini": "[pytest]\nallowCommands = 1\nallow_commands = 1\n",
  });
  const declined = await project.winnow(["run"], { env: { WINNOW_ALLOW_COMMANDS: "0" } });
  assert.deepEqual([declined.ran, existsSync(project.path("ran"))], [ALL, false]);
  await project.winnow(["run"], { env: { WINNOW_ALLOW_COMMANDS: "1" } });
  assert.ok(existsSync(project.path("ran")));
});
