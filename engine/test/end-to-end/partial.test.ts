/** Runs of a part, and runs that are cut short, never lose or falsify what is known of the others. */

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { ALL, DISCOUNTS, Project, type Running, SHOP, SUBJECT, TOTAL, until } from "./project.ts";

/** The second of three tests waits for a file beside the project, if it is asked to. All depend on `work`. */
const SLOW = {
  "pytest.ini": "[pytest]\n",
  "lib.py": "def work():\n    return 1\n",
  "test_slow.py": `import os
import time

import lib


def wait():
    marks = os.environ.get("MARKS")
    if marks:
        open(os.path.join(marks, "waiting"), "w").close()
        while not os.access(os.path.join(marks, "go"), os.F_OK):
            time.sleep(0.02)


def test_a():
    assert lib.work()


def test_b():
    assert lib.work()
    wait()


def test_c():
    assert lib.work()
`,
  "test_other.py": "def test_other():\n    pass\n",
};
const A = "test_slow.py::test_a";
const B = "test_slow.py::test_b";
const C = "test_slow.py::test_c";
const OTHER = "test_other.py::test_other";

/** A recorded project in which each test of `test_slow` has to run, and a run of them that waits in the second. */
async function waiting(): Promise<{ project: Project; running: Running; env: Record<string, string> }> {
  const project = new Project(SLOW);
  const first = await project.run();
  assert.deepEqual(first.ran, [OTHER, A, B, C]);
  project.edit("lib.py", "return 1", "return 2");
  const env = { MARKS: project.top };
  const running = project.startWinnow(["run"], { env });
  await until("the second test to wait", () => existsSync(project.note("waiting")));
  return { project, running, env };
}

function pytestOf(project: Project): number {
  return project.pids("collector").at(-1) as number;
}

test("-k, one directory, and a stop leave the rest to be done, and all of it", async () => {
  await using project = new Project();
  await project.run();
  project.editDiscount();
  project.edit("shop/mail.py", '"Hello " + name', '"Hello" + " " + name');
  assert.deepEqual((await project.run("-k", "subject")).ran, [SUBJECT]);
  assert.deepEqual((await project.run("tests/test_mail.py")).starts, []);
  const rest = await project.run();
  assert.deepEqual([rest.code, rest.ran], [0, DISCOUNTS]);
  assert.deepEqual((await project.run()).starts, []);
});

test("Ctrl-C keeps what was finished", async () => {
  const { project, running } = await waiting();
  await using _ = project;
  process.kill(-(running.child.pid as number), "SIGINT");
  const stopped = await running.finished;
  assert.equal(stopped.code, 2);
  assert.match(stopped.stdout, /KeyboardInterrupt/);
  const rest = await project.run();
  assert.deepEqual([rest.code, rest.ran], [0, [B, C]]);
  assert.deepEqual((await project.run()).starts, []);
});

test("kill -9 of pytest keeps what was finished", async () => {
  const { project, running } = await waiting();
  await using _ = project;
  process.kill(pytestOf(project), "SIGKILL");
  const killed = await running.finished;
  assert.equal(killed.code, 128 + 9);
  assert.deepEqual((await project.run()).ran, [B, C]);
  assert.deepEqual((await project.run()).starts, []);
});

test("kill -9 of Winnow: pytest goes on, and the next invocation after its end knows all of it", async () => {
  const { project, running, env } = await waiting();
  await using _ = project;
  running.child.kill("SIGKILL");
  await until("winnow to be gone", () => running.child.exitCode !== null || running.child.signalCode !== null);
  // While it still runs nobody believes what it wrote so far, and nobody takes it away.
  const plan = JSON.parse((await project.winnow(["plan", "--json"])).stdout);
  assert.deepEqual(
    plan.tests.map(({ id }: { id: string }) => id),
    [A, B, C],
  );
  project.note("go", "1");
  await running.finished; // the pipes close with pytest
  const idle = await project.winnow(["run"], { env });
  assert.match(idle.stderr, /nothing to run: 4 tests up to date/);
  assert.deepEqual([idle.code, idle.starts.includes("collector")], [0, false]);
  assert.deepEqual(readdirSync(project.path(".winnow/journals")), []);
  assert.deepEqual(readdirSync(project.path(".winnow/runs")), []);
});

test("kill -9 of both, and an edit before the next invocation", async () => {
  const { project, running } = await waiting();
  await using _ = project;
  process.kill(-(running.child.pid as number), "SIGKILL");
  await running.finished;
  project.edit("lib.py", "return 2", "return 3");
  assert.deepEqual((await project.run()).ran, [A, B, C]);
  // The finished test of the killed run is known all the same.
  project.edit("lib.py", "return 3", "return 2");
  assert.deepEqual((await project.run()).ran, [B, C]);
});

test("a second run beside one that waits", async () => {
  const { project, running } = await waiting();
  await using _ = project;
  const beside = await project.run();
  assert.deepEqual([beside.code, beside.ran], [0, [A, B, C]]);
  assert.deepEqual((await project.run()).starts, []);
  project.note("go", "1");
  assert.equal((await running.finished).code, 0);
  assert.deepEqual((await project.run()).starts, []);
});

test("branches there and back, stash and back: nothing runs that ran before", async () => {
  await using project = new Project({ ...SHOP, ".gitignore": "__pycache__\n.pytest_cache\n" });
  await project.git("init", "-q");
  await project.git("add", ".");
  await project.git("commit", "-qm", "A");
  assert.deepEqual((await project.run()).ran, ALL);
  await project.git("status", "--porcelain");

  await project.git("checkout", "-qb", "b");
  project.editDiscount();
  project.write({ "tests/test_new.py": "def test_new():\n    pass\n" });
  await project.git("add", ".");
  await project.git("commit", "-qm", "B");
  const there = await project.run();
  assert.deepEqual(there.ran, [...DISCOUNTS, "tests/test_new.py::test_new"]);

  await project.git("checkout", "-q", "main");
  assert.deepEqual((await project.run()).starts, []);
  await project.git("checkout", "-qb", "c");
  project.edit("shop/cart.py", "sum(prices)", "sum(prices, 0)");
  await project.git("commit", "-qam", "C");
  const third = await project.run();
  assert.deepEqual(
    third.ran,
    ALL.filter((id) => /TestCart|total/.test(id)),
  );
  for (const branch of ["b", "c", "b", "main"]) {
    await project.git("checkout", "-q", branch);
    const back = await project.run();
    assert.deepEqual([back.code, back.starts], [0, []], branch);
  }

  project.editDiscount("price");
  assert.equal((await project.run()).code, 1);
  await project.git("stash", "-q");
  assert.deepEqual((await project.run()).starts, []);
  await project.git("stash", "pop", "-q");
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
  await project.git("checkout", "-q", ".");
  const back = await project.run();
  assert.deepEqual([back.code, back.starts], [0, []]);
});

test("three states of a constant, there and back", async () => {
  await using project = new Project();
  await project.run();
  const states = ["2", "1 + 1", "3 - 1"];
  for (const state of states.slice(1)) {
    project.edit("shop/cart.py", /RATE = .*/.exec(project.read("shop/cart.py"))?.[0] as string, `RATE = ${state}`);
    assert.deepEqual((await project.run()).ran, DISCOUNTS);
  }
  for (const state of ["1 + 1", "2"]) {
    project.edit("shop/cart.py", /RATE = .*/.exec(project.read("shop/cart.py"))?.[0] as string, `RATE = ${state}`);
    assert.deepEqual((await project.run()).starts, [], state);
  }
  // A part that was run in one state is known in that state only.
  project.edit("shop/cart.py", "sum(prices)", "sum(prices, 0)");
  assert.deepEqual((await project.run(TOTAL)).ran, [TOTAL]);
  project.edit("shop/cart.py", "RATE = 2", "RATE = 1 + 1");
  assert.deepEqual(
    (await project.run()).ran,
    ALL.filter((id) => /TestCart/.test(id)),
  );
});
