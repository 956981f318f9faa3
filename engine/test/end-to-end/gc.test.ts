/** `winnow gc`: what is proven stays proven, now and at the states before; what is gone goes, and is new if it comes back. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { packFacts, unpackFacts } from "../../src/store/facts.ts";
import { openStore } from "../../src/store/store.ts";
import { ALL, DISCOUNTS, Project, SHOP, SUBJECT } from "./project.ts";

const DAY_MS = 86_400_000;

interface Which {
  readonly environment?: number;
  readonly path?: string;
}

/** Makes all that is recorded older, as if nothing had happened since; or facts and collections of some only. */
function age(project: Project, days: number, which: Which = {}): void {
  const file = project.path(".winnow", "store.db");
  const store = openStore(file);
  const paths = store.testPaths();
  store.close();
  const database = new DatabaseSync(file);
  const { environment, path } = which;
  database
    .prepare("UPDATE collection SET at = at - ? WHERE environment = ifnull(?, environment) AND path = ifnull(?, path)")
    .run(days * DAY_MS, environment ?? null, path ?? null);
  if (path === undefined) {
    database.prepare("UPDATE run SET at = at - ?").run(days * DAY_MS);
  }
  for (const row of database.prepare("SELECT environment, page, data FROM fact").all()) {
    const page = unpackFacts(row["data"]);
    for (const fact of [...page.values()].flat()) {
      const isMeant = path === undefined || paths.get(fact.test) === path;
      fact.at -= isMeant && (environment ?? row["environment"]) === row["environment"] ? days * DAY_MS : 0;
    }
    database
      .prepare("UPDATE fact SET data = ? WHERE environment = ? AND page = ?")
      .run(packFacts(page), row["environment"] as number, row["page"] as number);
  }
  database.close();
}

/** How much of a kind the store has, by its own word. */
function count(project: Project, kind: string): number {
  const file = project.path(".winnow", "store.db");
  const database = new DatabaseSync(file, { readOnly: true });
  const [intact] = Object.values(database.prepare("PRAGMA integrity_check").get() as object);
  database.close();
  assert.equal(intact, "ok");
  const store = openStore(file);
  const counts = store.counts();
  store.close();
  return counts[kind] as number;
}

async function gc(project: Project, ...args: string[]) {
  const { code, stdout, stderr } = await project.winnow(["gc", "--json", ...args]);
  assert.deepEqual([code, stderr], [0, ""]);
  const document = JSON.parse(stdout);
  assert.deepEqual(Object.keys(document), ["version", "olderThanDays", "keep", "garbage"]);
  return document.garbage;
}

const planned = async (project: Project): Promise<string> => {
  const { kind, tests, files, upToDate } = JSON.parse((await project.winnow(["plan", "--json"])).stdout);
  return JSON.stringify({ kind, tests, files, upToDate });
};

test("where there is nothing to drop, nothing is", async () => {
  await using project = new Project();
  assert.equal(await gc(project), null);
  assert.deepEqual(project.inventory(), []);
  await project.run();
  const { dropped, bytesBefore, bytesAfter } = await gc(project);
  assert.deepEqual(dropped.facts, { ofEnvironments: 0, ofGoneTests: 0, surplus: 0 });
  assert.deepEqual([dropped.tests, dropped.depsets, bytesAfter], [0, 0, bytesBefore]);
  assert.match((await project.winnow(["gc"])).stdout, /^nothing to drop\nstore: \d/);
  assert.match((await project.winnow(["plan"])).stdout, /nothing to run: 5 tests up to date/);
});

test("surplus facts go, the oldest first, and no plan changes for it: of now, and of each state that is kept", async () => {
  await using project = new Project();
  const texts = ["price - RATE", "price - RATE - 0", "price - RATE + 0", "(price - RATE)"];
  for (const text of texts) {
    project.editDiscount(text);
    await project.run();
  }
  // Back at the first state: what proves it is the oldest of all, and only the next run's baseline would say so.
  project.editDiscount(texts[0]);
  const before = await planned(project);
  assert.match(before, /"kind":"nothing"/);
  const facts = count(project, "fact");
  assert.equal((await gc(project, "--keep", "1")).dropped.facts.surplus, 0);
  project.editDiscount(texts[3]);
  const { dropped } = await gc(project, "--keep", "2");
  assert.equal(dropped.facts.surplus, DISCOUNTS.length * 2);
  assert.ok(dropped.depsets > 0 && dropped.dependencies > 0);
  assert.equal(count(project, "fact"), facts - dropped.facts.surplus);
  for (const [text, runs] of [
    [texts[3], []],
    [texts[2], []],
    [texts[1], DISCOUNTS],
    [texts[0], DISCOUNTS],
  ] as const) {
    project.editDiscount(text);
    const document = JSON.parse((await project.winnow(["plan", "--json"])).stdout);
    assert.deepEqual(document.tests.map(({ id }: { id: string }) => id).sort(), runs, text);
  }
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
  assert.deepEqual((await project.run()).starts, []);
});

test("a test file that is gone for long goes, and is a new one if it comes back", async () => {
  await using project = new Project();
  await project.run();
  project.remove("tests/test_mail.py");
  project.editDiscount();
  assert.equal((await gc(project)).dropped.facts.ofGoneTests, 0);
  age(project, 31);
  await project.run();
  const { dropped } = await gc(project);
  assert.equal(dropped.facts.ofGoneTests, 1);
  const text = SHOP["tests/test_mail.py"] as string;
  project.write({ "tests/test_mail.py": text });
  assert.deepEqual((await project.run()).ran, [SUBJECT]);
});

test("a test file that comes back before anything was collected without it is a new one as well", async () => {
  await using project = new Project();
  await project.run();
  // As if it had been proven all the time, while others were recorded.
  age(project, 31, { path: "tests/test_mail.py" });
  project.remove("tests/test_mail.py");
  assert.equal((await gc(project)).dropped.facts.ofGoneTests, 1);
  project.write({ "tests/test_mail.py": SHOP["tests/test_mail.py"] as string });
  assert.deepEqual((await project.run()).ran, [SUBJECT]);
  assert.deepEqual((await project.run()).starts, []);
});

test("an environment that nothing was recorded in for long goes; the one in use stays", async () => {
  await using project = new Project();
  await project.winnow(["run"], { env: { TZ: "UTC" } });
  await project.run();
  const other = (await project.winnow(["plan"], { env: { TZ: "UTC" } })).stdout;
  assert.match(other, /nothing to run/);
  age(project, 40, { environment: 1 });
  const { dropped } = await gc(project, "--older-than", "39");
  assert.deepEqual([dropped.environments, dropped.facts.ofEnvironments], [1, ALL.length]);
  assert.match((await project.winnow(["plan"], { env: { TZ: "UTC" } })).stdout, /every test runs/);
  assert.match((await project.winnow(["plan"])).stdout, /nothing to run: 5 tests up to date/);
  assert.deepEqual((await project.winnow(["run"], { env: { TZ: "UTC" } })).ran, ALL);
});

test("failures, and what is declared, are kept with what they are about", async () => {
  await using project = new Project();
  await project.run();
  project.editDiscount("price");
  await project.run();
  project.editDiscount("price - RATE");
  await project.run();
  await gc(project, "--keep", "2");
  project.editDiscount("price");
  const { code, ran } = await project.run();
  assert.deepEqual([code, ran], [1, DISCOUNTS]);
});

test("wrong numbers are told of", async () => {
  await using project = new Project();
  for (const [option, value] of [
    ["--keep", "0"],
    ["--keep", "9"],
    ["--older-than", "soon"],
    ["--older-than", "1.5"],
  ] as const) {
    const { code, stderr } = await project.winnow(["gc", option, value]);
    assert.equal(code, 4);
    assert.match(stderr, new RegExp(`${option} ${value} is no whole number from .*\\n.*\\[usage\\]`));
  }
});

test("runs and collections of garbage at once: nothing is lost, and all of it holds", async () => {
  await using project = new Project();
  await project.run();
  let going = true;
  const collecting = (async () => {
    for (let n = 0; going; n++) {
      const { code, stderr } = await project.winnow(["gc", "--keep", "1"]);
      assert.deepEqual([code, stderr], [0, ""], `gc ${n}`);
    }
  })();
  for (const text of ["price - 1 - (RATE - 1)", "price - RATE + 0", "price - RATE"]) {
    project.editDiscount(text);
    const { code, ran, stderr } = await project.run();
    assert.deepEqual([code, ran], [0, DISCOUNTS], stderr);
    assert.deepEqual((await project.run()).starts, []);
  }
  going = false;
  await collecting;
  assert.equal(count(project, "fact") >= ALL.length, true);
});

test("writers that are under way lose nothing either", async () => {
  await using project = new Project();
  await project.run();
  const writer = join(import.meta.dirname, "../store/writer.ts");
  const file = project.path(".winnow", "store.db");
  const args = ["--disable-warning=ExperimentalWarning", writer, file, "7", "80"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.on("close", resolve));
  while (child.exitCode === null) {
    await gc(project);
  }
  assert.equal(await ended, 0);
  const store = openStore(file);
  const written = store.facts(7).size;
  store.close();
  assert.equal(written, 80);
});
