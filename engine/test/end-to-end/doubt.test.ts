/** When in doubt every test runs, the user sees one sentence with what, where and what next, and nothing is deleted. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { ALL, COLLECTOR, DISCOUNTS, type Finished, Project, SHOP, SUBJECT } from "./project.ts";

/** Contents of all files below `.winnow`, wherever they are. */
function contents(project: Project): Set<string> {
  return new Set(
    project.inventory().map((path) =>
      createHash("sha1")
        .update(readFileSync(project.path(".winnow", path)))
        .digest("hex"),
    ),
  );
}

/** Every content that was there is there still, under whatever name. */
function assertNothingLost(before: ReadonlySet<string>, project: Project): void {
  const after = contents(project);
  assert.deepEqual(
    [...before].filter((content) => !after.has(content)),
    [],
  );
}

/** All tests ran, and one warning says why, with what to do next and its code. */
function assertAll(finished: Finished, code: string, why: RegExp): void {
  assert.deepEqual([finished.code, finished.ran], [0, ALL], finished.stderr);
  const warnings = finished.stderr.match(/^winnow: .*\n {8}.* \[[a-z-]+\]$/gm) ?? [];
  assert.equal(warnings.length, 1, finished.stderr);
  assert.match(warnings[0] as string, why);
  assert.ok(warnings[0]?.endsWith(`[${code}]`), warnings[0]);
}

/** A recorded project whose store is closed: nothing is left in SQLite's own journals. */
async function recorded(): Promise<Project> {
  const project = new Project();
  assert.equal((await project.run()).code, 0);
  assert.deepEqual(
    project.inventory().filter((name) => name.includes("-wal")),
    [],
  );
  return project;
}

const DAMAGES: Readonly<Record<string, (store: Buffer) => Buffer>> = {
  garbage: () => Buffer.from("no database at all ".repeat(500)),
  "a truncated file": (store) => store.subarray(0, Math.floor(store.length / 2)),
  "a hole in the middle": (store) => Buffer.from(store).fill(0x5a, 8192, 40_000),
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  test(`a store that is unreadable: ${what}`, async () => {
    await using project = await recorded();
    const file = project.path(".winnow", "store.db");
    writeFileSync(file, damage(readFileSync(file)));
    const before = contents(project);
    assertAll(
      await project.run(),
      "store-unreadable",
      /cannot be read \(.*\)\n.*set aside as \S+store\.db\.broken-\d+;/,
    );
    assertNothingLost(before, project);
    const next = await project.run();
    assert.deepEqual([next.code, next.starts.includes("collector")], [0, false]);
  });
}

test("a directory in place of the store, and a file in place of the directory", async () => {
  await using project = new Project();
  mkdirSync(project.path(".winnow", "store.db"), { recursive: true });
  writeFileSync(project.path(".winnow", "store.db", "precious"), "user's");
  const before = contents(project);
  assertAll(await project.run(), "store-unreadable", /set aside as/);
  assertNothingLost(before, project);
  assert.deepEqual((await project.run()).starts, []);

  project.remove(".winnow");
  project.write({ ".winnow": "user's" });
  assertAll(await project.run(), "store-unwritable", /\.winnow is not a directory\n {8}Move it away/);
  assert.equal(project.read(".winnow"), "user's");
  const plan = await project.winnow(["plan"]);
  assert.deepEqual([plan.code, plan.stderr], [0, ""]);
  assert.match(plan.stdout, /every test runs/);
});

test("a newer store is left alone", async () => {
  await using project = await recorded();
  const database = new DatabaseSync(project.path(".winnow", "store.db"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  const before = contents(project);
  const names = project.inventory();
  for (const _ of [1, 2]) {
    assertAll(await project.run(), "store-newer", /newer version \(format 99, this one knows \d+\)\n.*upgrade winnow/);
  }
  for (const command of [["plan"], ["status"], ["why", "test_total"]]) {
    const { code, stdout } = await project.winnow(command);
    assert.deepEqual([code, /newer version/.test(stdout)], [0, true], stdout);
  }
  assert.deepEqual([contents(project), project.inventory()], [before, names]);
});

/**
 * Programs in front of a command that make a directory read-only for it. For root permissions are no obstacle: there it
 * takes a mount in a namespace of its own, of which nothing is left once the command has ended.
 */
function readOnly(directory: string): string[] | string {
  if (process.getuid?.() !== 0) {
    return ["sh", "-c", 'chmod a-w "$0"; "$@"; code=$?; chmod u+w "$0"; exit $code', directory];
  }
  const script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"';
  return inNamespace(script, directory);
}

/** Runs a script that mounts something, as root of a mount namespace of its own. */
function inNamespace(script: string, directory: string): string[] | string {
  const before = ["unshare", "-m", "sh", "-c", script, directory];
  const { status } = spawnSync(before[0] as string, [...before.slice(1), "true"], { stdio: "ignore" });
  return status === 0 ? before : "this machine lets nobody mount";
}

test("a read-only project, and a read-only store", async (context) => {
  await using project = new Project();
  const before = readOnly(project.root);
  if (typeof before === "string") {
    context.skip(before);
    return;
  }
  assertAll(
    await project.winnow(["run"], { before }),
    "store-unwritable",
    /\.winnow cannot be written .*\n {8}Make the/,
  );
  assert.deepEqual(project.inventory(), []);
  await project.run();
  project.editDiscount();
  const known = contents(project);
  const closed = readOnly(project.path(".winnow")) as string[];
  assertAll(await project.winnow(["run"], { before: closed }), "store-unwritable", /store\.db cannot be opened/);
  const plan = await project.winnow(["plan"], { before: closed });
  assert.deepEqual([plan.code, /every test runs/.test(plan.stdout)], [0, true]);
  assert.deepEqual(contents(project), known);
  // Nothing that was known is lost.
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
});

test("a full disk: at the start, while the store is written, while a journal is written", async (context) => {
  await using project = new Project();
  // A limit on the size of files stands for it: blocks of 1 KiB, enforced for root as well.
  const limited = (blocks: number): string[] => ["bash", "-c", `ulimit -f ${blocks}; exec "$@"`, "bash"];
  assertAll(await project.winnow(["run"], { before: limited(8) }), "store-unwritable", /store\.db cannot be opened/);
  const late = await project.winnow(["run"], { before: limited(120) });
  assertAll(late, "store-unwritable", /this run is not recorded yet, because the store \S+ cannot be written/);
  // What pytest wrote down meanwhile is taken up once there is space.
  const idle = await project.run();
  assert.deepEqual([idle.code, idle.starts.includes("collector")], [0, false], idle.stderr);
  assert.match(idle.stderr, /5 tests up to date/);

  const full = inNamespace(
    'mount -t tmpfs -o size=4k none "$0" && { cat /dev/zero > "$0/full" 2>/dev/null; exec "$@"; }',
    project.path(".winnow", "journals"),
  );
  if (typeof full === "string") {
    context.diagnostic(`not tried with a full journal: ${full}`);
    return;
  }
  project.editDiscount();
  const cut = await project.winnow(["run"], { before: full });
  assert.deepEqual([cut.code, cut.ran], [0, DISCOUNTS]);
  assert.match(cut.stderr, /nothing more is recorded, because the journal cannot be written \(.*No space left/);
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
});

test("a typo in a function that nobody calls: all who import the file run, and the message names file and line", async () => {
  await using project = await recorded();
  project.edit("shop/mail.py", "return 1", "return 1 +");
  const red = await project.run();
  assert.deepEqual([red.code, red.ran], [2, []]);
  assert.match(red.stderr, /shop\/mail\.py is not valid Python any more \(line 6: invalid syntax\)/);
  assert.match(red.stdout, /SyntaxError/);
  assert.doesNotMatch(red.stdout, /test_cart/);
  project.edit("shop/mail.py", "return 1 +", "return 1");
  assert.equal((await project.run()).starts.includes("collector"), false);
  project.edit("shop/mail.py", "return 1", "return 1 +");
  assert.equal((await project.run()).code, 2);
});

test("a typo in the first run of all, and one that a test gets along with", async () => {
  await using project = new Project({
    "pytest.ini": "[pytest]\n",
    "test_it.py": `def test_it():
    try:
        import lib
    except SyntaxError:
        return
    assert lib.f() == 2
`,
    "lib.py": "def f():\n    return 1\n\n\ndef never():\n    return 1 +\n",
  });
  assert.deepEqual((await project.run()).outcomes.get("test_it.py::test_it"), "PASSED");
  assert.deepEqual((await project.run()).starts, []);
  project.edit("lib.py", "1 +", "1");
  const mended = await project.run();
  assert.deepEqual([mended.code, mended.ran], [1, ["test_it.py::test_it"]]);
  project.edit("lib.py", "return 1\n\n", "return 2\n\n");
  assert.equal((await project.run()).code, 0);
  assert.deepEqual((await project.run()).starts, []);
});

test("sources that Python cannot decode, and sources that it can", async () => {
  await using project = await recorded();
  const mail = SHOP["shop/mail.py"] as string;
  const bad: [string, Buffer][] = [
    ["an encoding that nobody knows", Buffer.from(`# -*- coding: klingon -*-\n${mail}`)],
    ["bytes that are no UTF-8", Buffer.from(mail.replace("Hello ", "Hall\xe5 "), "latin1")],
    ["null bytes", Buffer.from(mail.replace("return 1", "return 1\0"))],
  ];
  for (const [what, bytes] of bad) {
    project.write({ "shop/mail.py": bytes });
    const red = await project.run();
    assert.deepEqual([red.code, red.ran], [2, []], what);
    assert.match(red.stderr, /shop\/mail\.py is not valid Python any more/, what);
  }
  // A comment and a mark at the start change no token.
  project.write({ "shop/mail.py": Buffer.from(`\ufeff${mail}`) });
  assert.equal((await project.run()).starts.includes("collector"), false);
  // The same bytes are another text in another encoding: who imports the file runs, once.
  const latin = (text: string): void =>
    project.write({ "shop/mail.py": Buffer.from(`# coding: latin-1\n${text}`, "latin1") });
  latin(mail);
  const decoded = await project.run();
  assert.deepEqual([decoded.code, decoded.ran], [0, [SUBJECT]]);
  latin(`# \xe5\n${mail}`);
  assert.equal((await project.run()).starts.includes("collector"), false);
  latin(mail.replace("Hello ", "Hello \xe5"));
  const read = await project.run();
  assert.deepEqual([read.code, read.ran], [1, [SUBJECT]]);
});

/** The variable that names a copy of the collector with something appended to one of its files. */
function brokenCollector(project: Project, file: string, text: string): Record<string, string> {
  const copy = join(project.top, `collector-${readdirSync(project.top).length}`);
  cpSync(COLLECTOR, copy, { recursive: true, filter: (path) => !path.endsWith("__pycache__") });
  const path = join(copy, file);
  writeFileSync(path, readFileSync(path, "utf8") + text);
  return { WINNOW_COLLECTOR: copy };
}

test("a collector that is missing, or fails at any point: the tests run, and one line says why", async () => {
  await using project = await recorded();
  project.editDiscount();
  const missing = await project.winnow(["run"], { env: { WINNOW_COLLECTOR: project.path("nowhere") } });
  assertAll(missing, "collector-missing", /the collector is not at \S+nowhere\S+\n.*Install winnow again/);
  const raise = "\nraise RuntimeError('on purpose')\n";
  const early: [string, string, string][] = [
    ["at import", "winnow_collector/recorder.py", raise],
    ["in its syntax", "winnow_collector/session.py", "\ndef broken(:\n"],
    ["in its plugin", "winnow_collector/plugin.py", raise],
    [
      "at its start",
      "winnow_collector/plugin.py",
      "\ndef recorder_of(session):\n    raise RuntimeError()\n_state = _start()\n",
    ],
  ];
  for (const [where, file, text] of early) {
    const { code, ran, stderr } = await project.winnow(["run"], { env: brokenCollector(project, file, text) });
    assert.deepEqual([code, ran], [0, ALL], `${where}: ${stderr}`);
    assert.equal(stderr.match(/nothing is recorded and every test runs, because/g)?.length, 1, `${where}: ${stderr}`);
  }
  // Once the plan is at work the proven tests stay out; the others run, whatever becomes of the recording.
  for (const name of ["_role", "_begin_test", "_collected_from"]) {
    const text = `\ndef ${name}(*args):\n    raise RuntimeError('on purpose')\n`;
    const env = brokenCollector(project, "winnow_collector/plugin.py", text);
    const { code, ran, stderr } = await project.winnow(["run"], { env });
    assert.equal(code, 0);
    assert.deepEqual(
      DISCOUNTS.filter((id) => !ran.includes(id)),
      [],
      `${name}: ${stderr}`,
    );
    assert.match(
      stderr,
      /nothing more is recorded, because the collector failed \(RuntimeError: on purpose at plugin\.py:\d+\)/,
    );
  }
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
});

test("nothing of Winnow's is left beside `.winnow`, which hides itself from git", async () => {
  await using project = await recorded();
  await project.git("init", "-q");
  const { stdout } = await project.execute("git", ["status", "--porcelain", "--untracked-files=all"]);
  assert.doesNotMatch(stdout, /winnow/);
  assert.equal(statSync(project.path(".winnow")).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(project.root).sort(), [
    ".git",
    ".pytest_cache",
    ".winnow",
    "pytest.ini",
    "shop",
    "tests",
  ]);
});
