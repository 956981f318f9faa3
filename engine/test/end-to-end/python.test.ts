/** Which Python runs: found, missing, unfit, one of two, and what is installed for it. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ALL, baseAt, type CommandOptions, DISCOUNTS, defaultBase, Project, venvOf } from "./project.ts";

test("two versions of Python are two worlds in one project", async (context) => {
  const [older, newer] = [baseAt(venvOf("3.12")), baseAt(venvOf("3.13"))];
  if (older === undefined || newer === undefined) {
    context.skip("the environments of scripts/check.ts for Python 3.12 and 3.13 are not there");
    return;
  }
  await using project = new Project(undefined, newer);
  const other = project.makeEnvironment("venv-3.12", older);
  const run = (python: string): ReturnType<Project["run"]> => project.winnow(["run", "--python", python]);
  assert.deepEqual((await run(project.python)).ran, ALL);
  assert.deepEqual((await run(other)).ran, ALL);
  for (const python of [project.python, other, project.python]) {
    const idle = await run(python);
    assert.deepEqual([idle.code, idle.ran, idle.starts.includes("collector")], [0, [], false], idle.stderr);
  }
  project.editDiscount();
  assert.deepEqual((await run(other)).ran, DISCOUNTS);
  assert.deepEqual((await run(project.python)).ran, DISCOUNTS);
  project.editDiscount("price - RATE");
  assert.deepEqual((await run(other)).starts.includes("collector"), false);
  assert.deepEqual((await run(project.python)).starts.includes("collector"), false);
  assert.match((await project.winnow(["status"])).stdout, /2 environments/);
});

/** Installs a distribution that does not tell what belongs to it, so that it may concern any test. */
function install(project: Project, name: string, summary: string): void {
  const directory = join(project.site, `${name}-1.0.dist-info`);
  // As installers do, an upgrade is a removal and an installation.
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  writeFileSync(
    join(directory, "METADATA"),
    `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\nSummary: ${summary}\n`,
  );
}

test("a package that is installed, replaced by another build of its version, and removed again", async () => {
  await using project = new Project();
  await project.run();
  install(project, "thing", "one");
  const plan = await project.winnow(["plan"]);
  assert.match(plan.stdout, /the installed packages changed/);
  assert.deepEqual((await project.run()).ran, ALL);
  assert.deepEqual((await project.run()).starts, []);
  install(project, "thing", "another");
  assert.deepEqual((await project.run()).ran, ALL);
  rmSync(join(project.site, "thing-1.0.dist-info"), { recursive: true });
  const removed = await project.run();
  assert.deepEqual([removed.code, removed.starts], [0, []]);
});

test("a package in a directory of packages that PYTHONPATH names, or a conftest puts on the search path", async () => {
  await using project = new Project({
    "pytest.ini": "[pytest]\n",
    "test_thing.py": "import thing\n\n\ndef test_thing():\n    assert thing.VERSION == 1\n",
    "test_other.py": "def test_other():\n    pass\n",
  });
  const vendored = join(project.top, "vendored", "site-packages");
  const install = (version: number): void => {
    rmSync(vendored, { recursive: true, force: true });
    const info = join(vendored, `thing-${version}.dist-info`);
    mkdirSync(info, { recursive: true });
    writeFileSync(join(vendored, "thing.py"), `VERSION = ${version}\n`);
    writeFileSync(join(info, "METADATA"), `Metadata-Version: 2.1\nName: thing\nVersion: ${version}\n`);
    writeFileSync(join(info, "RECORD"), `thing.py,sha256=${version},\n`);
  };
  // What lies in a temporary directory is nobody's source.
  const env = { PYTHONPATH: vendored, TMPDIR: join(project.top, "home") };
  install(1);
  assert.equal((await project.winnow(["run"], { env })).ran.length, 2);
  assert.deepEqual((await project.winnow(["run"], { env })).starts, []);
  install(2);
  const replaced = await project.winnow(["run"], { env });
  assert.deepEqual([replaced.code, replaced.ran], [1, ["test_thing.py::test_thing"]], replaced.stderr);

  project.write({ "conftest.py": `import sys\n\nsys.path.insert(0, ${JSON.stringify(vendored)})\n` });
  const late = { env: { ...env, PYTHONPATH: undefined } };
  install(1);
  assert.equal((await project.winnow(["run"], late)).ran.length, 2);
  assert.deepEqual((await project.winnow(["run"], late)).starts, []);
  install(2);
  const again = await project.winnow(["run"], late);
  assert.deepEqual([again.code, again.ran], [1, ["test_thing.py::test_thing"]], again.stderr);
});

test("the interpreter is found: active environment, .venv, --python in each of its forms", async () => {
  await using project = new Project();
  const found = async (args: string[], options: CommandOptions): Promise<string> => {
    const { stdout } = await project.winnow(["status", "--json", ...args], options);
    return JSON.parse(stdout).python.found;
  };
  const env = { VIRTUAL_ENV: undefined };
  assert.equal(await found([], {}), "virtual-env");
  assert.equal(await found([], { env }), "path");
  symlinkSync(join(project.top, "venv"), project.path(".venv"));
  assert.equal(await found([], { env }), "directory");
  assert.equal(await found([], { env, cwd: project.path("tests") }), "directory");
  for (const python of [project.python, dirname(dirname(project.python)), ".venv", "python"]) {
    assert.equal(await found(["--python", python], { env }), "override", python);
  }
  assert.deepEqual((await project.winnow(["run", "--python", ".venv"], { env })).ran, ALL);
});

test("no pytest, no Python, a broken one, and one that is too old are told apart, with what to do next", async () => {
  await using project = new Project();
  const refused = async (
    code: string,
    message: RegExp,
    args: string[],
    options: CommandOptions = {},
  ): Promise<void> => {
    for (const command of [["run"], ["plan"], ["status"]]) {
      const finished = await project.winnow([...command, ...args], options);
      assert.deepEqual([finished.code, finished.stdout], [4, ""], finished.stderr);
      assert.match(finished.stderr, message);
      assert.ok(finished.stderr.endsWith(`[${code}]\n`), finished.stderr);
      assert.equal(finished.stderr.trimEnd().split("\n").length, 2, finished.stderr);
    }
  };
  const bare = project.makeEnvironment("bare", { ...defaultBase(), site: join(project.top, "home") });
  await refused("pytest-missing", /pytest is not installed for the Python at .*\n.*-m pip install pytest/, [
    "--python",
    bare,
  ]);
  const nowhere = { env: { VIRTUAL_ENV: undefined, PATH: project.note("nowhere") } };
  await refused("python-not-found", /No Python was found for .*\n.*--python/, [], nowhere);
  await refused("python-not-found", /There is no Python at .*nowhere/, ["--python", "./nowhere"]);
  const broken = project.path("broken");
  writeFileSync(broken, "#!/bin/sh\necho 'it is broken' >&2\nexit 3\n", { mode: 0o755 });
  await refused("python-broken", /does not work: it is broken/, ["--python", broken]);
  mkdirSync(project.path("dead/bin"), { recursive: true });
  writeFileSync(project.path("dead/pyvenv.cfg"), "home = /nowhere\n");
  symlinkSync("/nowhere/python", project.path("dead/bin/python"));
  await refused("python-not-found", /There is no Python at .*dead/, ["--python", project.path("dead")]);
  assert.equal(project.inventory().filter((name) => name.startsWith("runs") || name.startsWith("journals")).length, 0);

  const versions = join(homedir(), ".pyenv", "versions");
  const old = existsSync(versions) ? readdirSync(versions).filter((name) => /^(2\.7|3\.[67])\./.test(name)) : [];
  for (const version of old) {
    const python = join(versions, version, "bin", "python");
    const finished = await project.winnow(["run", "--python", python]);
    assert.equal(finished.code, 4);
    assert.match(
      finished.stderr,
      new RegExp(`is version ${version}; Winnow needs 3\\.8 or later\\.\n.*\\[python-too-old\\]\n$`),
    );
  }
});

test("what Python is told by variables is part of the world", async () => {
  await using project = new Project();
  await project.run();
  const hashed = { env: { PYTHONHASHSEED: "1" } };
  assert.deepEqual((await project.winnow(["run"], hashed)).ran, ALL);
  assert.deepEqual((await project.winnow(["run"], hashed)).starts, []);
  assert.deepEqual((await project.run()).starts, []);
});
