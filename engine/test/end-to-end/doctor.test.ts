/** `winnow doctor`: all is well; one thing at a time is not, and the others are told all the same; it writes nothing. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { type CommandOptions, Project } from "./project.ts";

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly message: string;
  readonly help: string | null;
}

interface Examination {
  readonly code: number;
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

async function doctor(project: Project, args: readonly string[] = [], options: CommandOptions = {}) {
  const { code, stdout, stderr } = await project.winnow(["doctor", "--json", ...args], options);
  assert.equal(stderr, "");
  const document = JSON.parse(stdout);
  assert.deepEqual(Object.keys(document), ["version", "root", "ok", "findings"]);
  assert.deepEqual([document.version, document.root], [1, project.root]);
  for (const each of document.findings) {
    assert.deepEqual(Object.keys(each), ["check", "state", "message", "help"]);
    // Whoever is told that something is wrong is told what to do.
    assert.ok(each.state === "ok" || each.help !== null, each.message);
  }
  return { code, ...document } as Examination;
}

const found = ({ findings }: Examination, check: string): Finding[] => findings.filter((each) => each.check === check);
const problems = ({ findings }: Examination): string[] =>
  findings.filter(({ state }) => state === "problem").map(({ check }) => check);

test("a project in order has no problem, recorded or not, and nothing is written", async () => {
  await using project = new Project();
  await project.git("init", "-q");
  const fresh = await doctor(project);
  assert.deepEqual([fresh.code, fresh.ok, problems(fresh)], [0, true, []]);
  assert.deepEqual(
    fresh.findings.map(({ check }) => check),
    ["python", "pytest", "plugins", "tracer", "store", "file system", "git", "settings", "pytest's settings"],
  );
  assert.match(found(fresh, "tracer")[0]?.message ?? "", /^(monitoring|probes) .*were told apart$/);
  assert.match(found(fresh, "store")[0]?.message ?? "", /nothing is recorded yet/);
  assert.match(found(fresh, "pytest's settings")[0]?.message ?? "", /^pytest\.ini in /);
  assert.deepEqual(readdirSync(project.root).sort(), [".git", "pytest.ini", "shop", "tests"]);

  await project.run();
  const before = [project.inventory(), readFileSync(project.path(".winnow", "store.db"))];
  const recorded = await doctor(project);
  assert.deepEqual([recorded.code, problems(recorded)], [0, []]);
  assert.match(found(recorded, "store")[0]?.message ?? "", /store\.db \(format \d+, .* facts of 5 tests\), intact$/);
  assert.deepEqual([project.inventory(), readFileSync(project.path(".winnow", "store.db"))], before);
  const text = await project.winnow(["doctor"]);
  assert.equal(text.code, 0);
  assert.match(text.stdout, /^project .*\nok {7}python {13}.*\n/);
  assert.match(text.stdout, /\nno problem, \d+ warnings?\n$/);
});

test("what Python says of itself is told, and what depends on it is not asked", async () => {
  await using project = new Project();
  const missing = await doctor(project, ["--python", "/nowhere/python"]);
  assert.deepEqual([missing.code, missing.ok, problems(missing)], [1, false, ["python"]]);
  assert.deepEqual(found(missing, "tracer"), []);
  assert.equal(found(missing, "store")[0]?.state, "ok");
  const text = await project.winnow(["doctor", "--python", "/nowhere/python"]);
  assert.match(text.stdout, /\nproblem {2}python {13}There is no Python at .*\n +→ Give the path of .*\n/);
  assert.match(text.stdout, /\n1 problem, \d+ warnings?\n$/);

  for (const name of readdirSync(project.site).filter((each) => /^_?pytest/.test(each))) {
    rmSync(join(project.site, name), { recursive: true });
  }
  const bare = await doctor(project);
  assert.deepEqual(problems(bare), ["pytest"]);
  assert.match(found(bare, "pytest")[0]?.help ?? "", /-m pip install pytest/);
});

test("plugins that select tests as well are warned of", async () => {
  await using project = new Project();
  for (const [name, version] of [
    ["pytest_testmon", "2.2.0"],
    ["pytest_rerunfailures", "16.0"],
  ]) {
    const directory = join(project.site, `${name}-${version}.dist-info`);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    writeFileSync(join(directory, "METADATA"), `Name: ${name}\nVersion: ${version}\n`);
    writeFileSync(join(directory, "entry_points.txt"), "[pytest11]\nx = x\n");
  }
  const said = await doctor(project);
  assert.equal(said.code, 0);
  const [warning, others] = found(said, "plugins");
  assert.deepEqual([warning?.state, warning?.message], ["warning", "pytest-testmon 2.2.0 selects tests as well"]);
  assert.match(warning?.help ?? "", /--testmon/);
  assert.match(others?.message ?? "", /pytest-rerunfailures 16\.0 \(a pass after a rerun proves nothing\)/);
});

test("a tracer that cannot be used is a problem, with its reason", async () => {
  await using project = new Project();
  const none = await doctor(project, [], { env: { WINNOW_MECHANISM: "none" } });
  assert.deepEqual([none.code, problems(none)], [1, ["tracer"]]);
  assert.match(found(none, "tracer")[0]?.message ?? "", /cannot be recorded: switched off/);
  const gone = await doctor(project, [], { env: { WINNOW_COLLECTOR: "/nowhere" } });
  assert.match(found(gone, "tracer")[0]?.message ?? "", /the collector is not at \/nowhere/);
});

test("stores: newer, older, damaged; each is left as it is", async () => {
  await using project = new Project();
  await project.run();
  const file = project.path(".winnow", "store.db");
  const change = (sql: string): void => {
    const database = new DatabaseSync(file);
    database.exec(sql);
    database.close();
  };
  const store = async (): Promise<Finding | undefined> => {
    const before = readFileSync(file);
    const said = found(await doctor(project), "store")[0];
    assert.deepEqual(readFileSync(file), before);
    return said;
  };
  change("UPDATE dependency SET data = '[[' WHERE path = 'shop/cart.py'");
  assert.match((await store())?.message ?? "", /is damaged \(the table dependency holds what cannot be read\)/);
  change("PRAGMA user_version = 99");
  const newer = await store();
  assert.equal(newer?.state, "problem");
  assert.match(newer?.message ?? "", /newer version \(format 99/);
  assert.match(newer?.help ?? "", /Upgrade winnow/);
  change("PRAGMA user_version = 1");
  assert.equal((await store())?.state, "warning");
  writeFileSync(file, "rubbish ".repeat(1000));
  const damaged = await store();
  assert.deepEqual([damaged?.state, /is damaged/.test(damaged?.message ?? "")], ["problem", true]);
});

test("what stands in the place of .winnow is a problem of the file system", async () => {
  await using project = new Project();
  project.write({ ".winnow": "a file" });
  const said = await doctor(project);
  assert.deepEqual([said.code, problems(said)], [1, ["file system"]]);
  assert.match(found(said, "file system")[0]?.help ?? "", /Move it away/);
});

test("git: none on PATH, a repository", async () => {
  await using project = new Project();
  const [outside] = found(await doctor(project), "git");
  assert.deepEqual([outside?.state, /is no git repository/.test(outside?.message ?? "")], ["ok", true]);
  const [without] = found(await doctor(project, [], { env: { PATH: join(project.top, "venv", "bin") } }), "git");
  assert.equal(without?.state, "warning");
  assert.match(without?.message ?? "", /git is not on PATH/);
  await project.git("init", "-q");
  assert.equal(found(await doctor(project), "git")[0]?.message, `the repository ${project.root}`);
});

test("settings that are not understood are a problem, of Winnow's and of pytest's", async () => {
  await using project = new Project();
  project.write({ "pyproject.toml": '[tool.winnow]\nmod = "select"\n' });
  const unknown = await doctor(project);
  assert.deepEqual([unknown.code, problems(unknown)], [1, ["settings"]]);
  assert.match(found(unknown, "settings")[0]?.message ?? "", /unknown key "mod".*did you mean "mode"/);
  project.write({ "pyproject.toml": '[tool.winnow]\nmode = "observe"\n', "pytest.ini": "[pytest\n" });
  const broken = await doctor(project);
  assert.deepEqual(problems(broken), ["pytest's settings"]);
  assert.match(found(broken, "settings")[0]?.message ?? "", /^mode set, and understood; mode "observe"/);
});
