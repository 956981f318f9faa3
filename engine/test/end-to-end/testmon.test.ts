/** `winnow import .testmondata`: what testmon knew is told, and no test is left out for it. */

import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ALL, EMPTY, Project, TOTAL } from "./project.ts";

const CASE_2 = "tests/test_cart.py::test_cases[2]";

test("durations and failures are taken over, and everything runs once", async () => {
  await using project = new Project();
  copyFileSync(join(import.meta.dirname, "../store/testmon/2.2.0.testmondata"), project.path(".testmondata"));
  const before = readFileSync(project.path(".testmondata"));
  const said = await project.winnow(["import", ".testmondata", "--json"]);
  assert.deepEqual([said.code, said.stderr, said.starts], [0, "", []]);
  assert.deepEqual(JSON.parse(said.stdout), {
    version: 1,
    file: project.path(".testmondata"),
    kind: "testmon",
    tests: 4,
    failed: [CASE_2],
  });
  const text = await project.winnow(["import", ".testmondata"]);
  assert.match(
    text.stdout,
    /^4 tests: how long they took, and that 1 of them failed last\n {2}failed tests\/test_cart\.py::test_cases\[2\]\nNo test is left out for it/,
  );
  assert.deepEqual(readFileSync(project.path(".testmondata")), before);
  assert.deepEqual(
    readdirSync(project.root).filter((name) => name.startsWith(".testmondata")),
    [".testmondata"],
  );
  const told = JSON.parse((await project.winnow(["status", "--json"])).stdout).history;
  assert.deepEqual([told.tests, told.failed, told.durationUs > 0], [4, [CASE_2], true]);
  assert.match(
    (await project.winnow(["status"])).stdout,
    /\nbefore {4}4 tests that another tool told of, 1 failed last\n/,
  );

  // The two tests that both know have the same content in testmon's eyes; that is no proof.
  const run = await project.run();
  assert.deepEqual(run.ran, ALL);
  assert.ok(run.ran.includes(TOTAL) && run.ran.includes(EMPTY));
  const after = JSON.parse((await project.winnow(["status", "--json"])).stdout);
  assert.deepEqual([after.history.tests, after.history.failed], [2, [CASE_2]]);
  assert.equal(after.plan.kind, "nothing");
});

test("another database is told of, and no store is made for it", async () => {
  await using project = new Project();
  await project.run();
  const { code, stderr } = await project.winnow(["import", ".winnow/store.db"]);
  assert.equal(code, 4);
  assert.match(stderr, /is no database of pytest-testmon's\n.*`winnow merge`\. {2}\[testmon-unreadable\]\n$/);
});
