import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { openStore } from "../../src/store/store.ts";

const top = mkdtempSync(join(tmpdir(), "winnow-writers-"));
after(() => rmSync(top, { recursive: true, force: true }));

const WRITER = join(import.meta.dirname, "writer.ts");
const KILLS = 50;

interface Writer {
  readonly child: ChildProcess;
  /** The last number that it said. */
  last: number;
  readonly ended: Promise<number | null>;
}

function writer(file: string, environment: number, count: number): Writer {
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", WRITER, file, String(environment), String(count)],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, NODE_COMPILE_CACHE: join(top, "cache") },
    },
  );
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const self: Writer = { child, last: 0, ended };
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += String(chunk);
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    self.last = Number(lines.at(-1) ?? self.last) || self.last;
  });
  return self;
}

test("two processes write at once, and nothing is lost", async () => {
  const file = join(top, "two.db");
  // Both make it: one of them finds it made.
  const writers = [writer(file, 1, 60), writer(file, 2, 60)];
  assert.deepEqual(await Promise.all(writers.map(({ ended }) => ended)), [0, 0]);
  const store = openStore(file);
  // Reading and then writing a counter is only right under one lock.
  assert.equal(store.note("total"), "120");
  assert.equal(store.generation(), 120);
  for (const environment of [1, 2]) {
    assert.equal(store.facts(environment).size, 60);
  }
  store.close();
});

/** Kills writers of one store at any instant, and looks after each what is left. */
async function killWriters(file: string, kills: number): Promise<void> {
  // Somebody else holds the store open all the time, as an editor would, so that nobody's end makes a checkpoint.
  const witness = openStore(file);
  let said = 0;
  for (let round = 0; round < kills; round++) {
    const current = writer(file, 1, 1e6);
    while (current.last === 0 && current.child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
    current.child.kill("SIGKILL");
    await current.ended;
    said = Math.max(said, current.last);
    const store = openStore(file);
    const total = Number(store.note("total") ?? 0);
    // What was said to be written is there, and each transaction is there as a whole or not at all.
    assert.ok(total >= said, `${total} < ${said}`);
    assert.equal(Number(store.note("written:1") ?? 0), total);
    assert.equal(store.generation(), total);
    const facts = store.facts(1);
    assert.equal(facts.size, total);
    assert.equal(store.lastDependencyId(), total);
    for (let n = Math.max(1, total - 5); n <= total; n++) {
      const depset = facts.get(n)?.[0]?.depsets[0] as number;
      assert.equal(store.dependency(store.depset(depset)[0] as number)?.value, String(n));
    }
    assert.equal(Number(witness.note("total") ?? 0), total);
    store.close();
  }
  witness.close();
  assert.ok(said >= kills);
  const raw = new DatabaseSync(file);
  assert.deepEqual(Object.values(raw.prepare("PRAGMA integrity_check").get() as object), ["ok"]);
  raw.close();
}

test(`${KILLS} kills at any instant leave whole transactions`, { timeout: 120_000 }, async () => {
  await Promise.all([1, 2].map((lane) => killWriters(join(top, `killed-${lane}.db`), KILLS / 2)));
});
