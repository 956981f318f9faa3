/** `winnow export`, `import` and `merge` between real checkouts: what travels proves, and what must not does not. */

import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../src/store/store.ts";
import { ALL, DISCOUNTS, type Finished, Project, SHOP, SUBJECT } from "./project.ts";

function ok(finished: Finished): Finished {
  assert.deepEqual([finished.code, finished.stderr], [0, ""]);
  return finished;
}

async function exported(project: Project, name = "facts"): Promise<Buffer> {
  const file = join(project.top, name);
  const document = JSON.parse(ok(await project.winnow(["export", file, "--json"])).stdout);
  const bytes = readFileSync(file);
  assert.deepEqual(
    [Object.keys(document), document.file, document.bytes],
    [["version", "file", "bytes", "tests", "facts", "environments"], file, bytes.length],
  );
  return bytes;
}

async function imported(project: Project, bytes: Uint8Array) {
  const file = project.note("incoming");
  writeFileSync(file, bytes);
  const document = JSON.parse(ok(await project.winnow(["import", file, "--json"])).stdout);
  assert.deepEqual(Object.keys(document), ["version", "file", "kind", "added", "known", "ofOtherMachines"]);
  return document;
}

/** The documented state of affairs in another checkout: all is collected once, what is proven is left out. */
async function firstRun(project: Project): Promise<readonly string[]> {
  const { code, ran, stderr } = await project.run();
  assert.equal(code, 0, stderr);
  return ran;
}

test("a fresh checkout at another place runs nothing of what was proven, and then starts nothing", async () => {
  await using one = new Project();
  await one.run();
  const bytes = await exported(one);
  await using two = new Project();
  assert.deepEqual(await imported(two, bytes), {
    version: 1,
    file: two.note("incoming"),
    kind: "snapshot",
    added: ALL.length,
    known: 0,
    ofOtherMachines: 0,
  });
  assert.deepEqual(await firstRun(two), []);
  assert.deepEqual((await two.run()).starts, []);
  two.editDiscount();
  assert.deepEqual((await two.run()).ran, DISCOUNTS);
});

test("a checkout that differs runs what the difference concerns: in a body, at module level, by name", async () => {
  await using one = new Project();
  await one.run();
  const bytes = await exported(one);
  for (const [before, after, ran] of [
    ["price - RATE", "price - RATE + 0", DISCOUNTS],
    ["RATE = 2", "RATE = 1 + 1", DISCOUNTS],
    ["RATE = 2", "RATE = 2\nOTHER = 3", []],
  ] as const) {
    const text = (SHOP["shop/cart.py"] as string).replace(before, after);
    await using two = new Project({ ...SHOP, "shop/cart.py": text });
    await imported(two, bytes);
    assert.deepEqual(await firstRun(two), ran, after);
  }
});

test("a typo in a function that nobody calls breaks the importers here, whatever was proven elsewhere", async () => {
  await using one = new Project();
  await one.run();
  const text = (SHOP["shop/cart.py"] as string).concat("\n\ndef unused():\n    return (1 +* 2)\n");
  await using two = new Project({ ...SHOP, "shop/cart.py": text });
  await imported(two, await exported(one));
  const { code, ran } = await two.run();
  assert.equal(code, 2);
  assert.deepEqual(ran, []);
  assert.equal((await two.pytest()).code, 2);
});

test("failures travel as well", async () => {
  await using one = new Project();
  one.editDiscount("price");
  assert.equal((await one.run()).code, 1);
  await using two = new Project();
  two.editDiscount("price");
  await imported(two, await exported(one));
  const { code, ran } = await two.run();
  assert.deepEqual([code, ran], [1, DISCOUNTS]);
});

const READS_ENV = {
  ...SHOP,
  "tests/test_env.py": 'import os\n\n\ndef test_env():\n    assert os.environ.get("SHOP") != "shut"\n',
};

test("variables are compared where they can be: a fresh store takes over the salt, another one runs the test", async () => {
  await using one = new Project(READS_ENV);
  await one.winnow(["run"], { env: { SHOP: "open" } });
  const bytes = await exported(one);
  await using two = new Project(READS_ENV);
  await imported(two, bytes);
  const same = await two.winnow(["run"], { env: { SHOP: "open" } });
  assert.deepEqual(same.ran, []);
  const shut = await two.winnow(["run"], { env: { SHOP: "shut" } });
  assert.deepEqual([shut.code, shut.ran], [1, ["tests/test_env.py::test_env"]]);

  await using three = new Project(READS_ENV);
  three.edit("tests/test_cart.py", "== 0", "== 0 + 0");
  await three.winnow(["run"], { env: { SHOP: "none of those" } });
  await imported(three, bytes);
  assert.deepEqual((await three.winnow(["run"], { env: { SHOP: "open" } })).ran, ["tests/test_env.py::test_env"]);
});

const LOOKS_OUTSIDE = {
  ...SHOP,
  "tests/test_out.py": `import pytest


def test_out():
    with pytest.raises(FileNotFoundError):
        open("/winnow-is-not-there")
`,
};

test("a path outside of the project is another one where the project lies elsewhere", async () => {
  await using one = new Project(LOOKS_OUTSIDE);
  await one.run();
  const bytes = await exported(one);
  await using two = new Project(LOOKS_OUTSIDE);
  await imported(two, bytes);
  assert.deepEqual(await firstRun(two), ["tests/test_out.py::test_out"]);
  // At the same place it is the same: the store is lost, and comes back.
  one.remove(".winnow");
  await imported(one, bytes);
  assert.deepEqual(await firstRun(one), []);
});

test("what comes in never takes the place of what is known, and the same twice changes nothing", async () => {
  await using one = new Project();
  await one.run();
  const first = await exported(one);
  one.editDiscount();
  await one.run();
  assert.deepEqual(await imported(one, first), {
    version: 1,
    file: one.note("incoming"),
    kind: "snapshot",
    added: 0,
    known: ALL.length,
    ofOtherMachines: 0,
  });
  assert.deepEqual(await firstRun(one), []);
  one.editDiscount("price - RATE");
  assert.deepEqual((await one.run()).ran, []);
  const before = await exported(one);
  await imported(one, before);
  assert.ok(before.equals(await exported(one)));
});

test("a test file that one checkout has and the other does not is collected", async () => {
  await using one = new Project();
  await one.run();
  const bytes = await exported(one);
  const extra = "tests/test_extra.py";
  await using two = new Project({ ...SHOP, [extra]: "def test_extra():\n    pass\n" });
  await two.run();
  two.remove(".winnow");
  await imported(two, bytes);
  assert.deepEqual(await firstRun(two), [`${extra}::test_extra`]);
  // Into a store that knows of more than one request and of other states.
  await using three = new Project();
  await three.run("tests/test_mail.py");
  three.write({ [extra]: "def test_extra():\n    pass\n" });
  await imported(three, bytes);
  assert.deepEqual(await firstRun(three), [`${extra}::test_extra`]);
});

test("merge: shards of one suite, in any order, twice, of files and of stores, are the whole", async () => {
  await using one = new Project();
  await one.run("tests/test_cart.py");
  await using two = new Project();
  await two.run("tests/test_mail.py");
  const place = one.top;
  await exported(one, "a");
  const b = await exported(two);
  writeFileSync(join(place, "b"), b);
  const merge = async (...names: string[]): Promise<Buffer> => {
    const document = JSON.parse(ok(await one.winnow(["merge", "../out", ...names, "--json"])).stdout);
    assert.equal(document.facts, ALL.length);
    return readFileSync(join(place, "out"));
  };
  const whole = await merge("../a", "../b");
  assert.ok(whole.equals(await merge("../b", "../a", "../b")));
  assert.ok(whole.equals(await merge("../b", ".")));
  assert.ok(whole.equals(await merge(two.root, one.root)));
  assert.ok(whole.equals(await merge("../out", "../a")));
  await using three = new Project();
  await imported(three, whole);
  assert.deepEqual(await firstRun(three), []);
});

test("the same content gives the same bytes, whatever it took to come by it", async () => {
  await using one = new Project();
  await one.run("tests/test_mail.py");
  await one.run("tests/test_cart.py");
  const bytes = await exported(one);
  assert.ok(bytes.equals(await exported(one, "again")));
  // Another store with the same content: all its numbers are others.
  await using two = new Project();
  cpSync(one.root, two.root, { recursive: true, filter: (path) => !path.includes(".winnow") });
  await imported(two, bytes);
  await two.winnow(["gc"]);
  const snapshots = [bytes, await exported(two)].map((each) => each.toString("latin1").split("\n", 1)[0]);
  assert.equal(snapshots[0], snapshots[1]);
});

test("what is no snapshot, a damaged one, one of a newer version, of another format, none at all", async () => {
  await using project = new Project();
  const fails = async (args: readonly string[], message: RegExp, code: string): Promise<void> => {
    const { code: exit, stderr } = await project.winnow(args);
    assert.equal(exit, 4);
    assert.match(stderr, message);
    assert.ok(stderr.endsWith(`  [${code}]\n`), stderr);
  };
  await fails(["export", "out"], /nothing is recorded of/, "nothing-recorded");
  await fails(["import", "none"], /none cannot be read/, "not-readable");
  await fails(
    ["import", "pytest.ini"],
    /pytest\.ini is no snapshot, and no database of pytest-testmon's/,
    "snapshot-unreadable",
  );
  await fails(["export"], /the name of the file to write is missing/, "usage");
  await fails(["merge", "out"], /the name of a file is missing/, "usage");
  assert.equal(existsSync(project.path(".winnow")), false);
  await project.run();
  const bytes = await exported(project);
  const file = project.note("broken");
  writeFileSync(file, bytes.subarray(0, bytes.length - 1));
  await fails(["import", file], /is damaged, or not whole/, "snapshot-unreadable");
  writeFileSync(file, bytes.toString("latin1").replace("snapshot 1", "snapshot 9"), "latin1");
  await fails(["import", file], /was written by a newer version/, "snapshot-unreadable");
  await fails(["export", "none/at/all"], /cannot be written/, "not-writable");
  assert.ok(!readdirSync(project.root).some((name) => name.startsWith(".winnow-")));
});

test("a proof that was wrong is wrong in the other checkout too", async () => {
  await using one = new Project();
  await one.run();
  const store = openStore(one.path(".winnow", "store.db"));
  const [id] = [...store.testNodes()].find(([, node]) => node === SUBJECT) ?? [];
  const miss = { id: SUBJECT, path: "tests/test_mail.py", at: 1, was: "passed", outcome: "failed", missing: [] };
  store.write(() => store.setNote("misses", JSON.stringify({ [String(id)]: miss })));
  store.close();
  await using two = new Project();
  await imported(two, await exported(one));
  assert.deepEqual(await firstRun(two), [SUBJECT]);
  assert.match((await two.winnow(["verify", "--report"])).stdout, /always run {2}tests\/test_mail\.py::test_subject/);
});
