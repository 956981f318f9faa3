/** `winnow verify`, the mode "observe" and the sample: wrong proofs are found, told, remembered and forgiven. */

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ALL, DISCOUNTS, type Finished, Project, SHOP, SUBJECT } from "./project.ts";

const MOODY = "tests/test_moody.py::test_moody";

/**
 * A shop with a test whose outcome depends on a file that nobody watches: it lies in a temporary directory, outside of
 * the project, and the test looks at it as no test should.
 */
function moody(project: Project, body: string): void {
  const mood = project.note("mood");
  writeFileSync(mood, "good");
  project.write({
    "tests/data.txt": "data",
    "tests/test_moody.py": `from pathlib import Path

from shop import mail

HERE = Path(__file__).parent


def mood():
    return Path(${JSON.stringify(mood)}).read_text()


def test_moody():
    if mood() == "bad":
        ${body}


def test_calm():
    pass
`,
  });
}

function setMood(project: Project, mood: string): void {
  writeFileSync(project.note("mood"), mood);
}

interface Miss {
  readonly id: string;
  readonly was: string | null;
  readonly outcome: string;
  readonly missing: readonly { kind: string; path: string; name: string; isNew: boolean }[] | null;
  readonly cause: string;
}

/** Fields as docs/formats.md has them. */
function missesIn(document: { verified: { checked: number; misses: Miss[] } }): Miss[] {
  for (const miss of document.verified.misses) {
    assert.deepEqual(Object.keys(miss), ["id", "path", "at", "was", "outcome", "missing", "cause"]);
  }
  return document.verified.misses;
}

const json = (finished: Finished) => JSON.parse(finished.stdout);
const report = async (project: Project) => json(await project.winnow(["verify", "--report", "--json"]));

test("where all proofs are right, verify runs everything and finds nothing", async () => {
  await using project = new Project();
  const first = await project.winnow(["verify"]);
  assert.deepEqual([first.code, first.ran], [0, ALL]);
  assert.match(first.stderr, /^winnow: every test runs, because nothing is recorded in this environment yet/m);
  assert.match(first.stderr, /^winnow: nothing could have been left out, so nothing is verified$/m);

  const idle = await project.winnow(["verify"]);
  assert.deepEqual([idle.code, idle.ran], [0, ALL]);
  assert.match(idle.stderr, /^winnow: every test runs; would have run 0 of 5 tests · decided in \d+ ms$/m);
  assert.match(
    idle.stderr,
    /^winnow: 5 tests ran, none left out\nwinnow: checked 5 tests that could have been left out: no miss$/m,
  );

  project.editDiscount();
  const edited = await project.winnow(["verify", "--json"]);
  assert.deepEqual([edited.code, json(edited).mode, json(edited).exitCode], [0, "observe", 0]);
  assert.deepEqual(json(edited).verified, { checked: 3, misses: [] });
  assert.deepEqual([json(edited).plan.kind, json(edited).recorded.tests], ["some", 5]);
  // What verify ran is recorded as by any other run.
  assert.deepEqual((await project.run()).starts, []);

  const sums = await report(project);
  assert.deepEqual(
    [sums.runs, sums.tests, sums.leftOut, sums.observed, sums.sampled, sums.misses],
    [3, 15, 0, 8, 0, 0],
  );
  assert.deepEqual([sums.checked, sums.confidence, sums.missed], [8, 0.95, []]);
  assert.ok(Math.abs(sums.missRateUpperBound - (1 - 0.05 ** (1 / 8))) < 1e-12);
  const text = (await project.winnow(["verify", "--report"])).stdout;
  assert.match(text, /^runs {8}3 since \d{4}-\d\d-\d\d, 15 tests ran$/m);
  assert.match(text, /^miss rate {3}at most 31\.3 % \(upper bound, 95 % sure\)$/m);
});

test("verify takes pytest's arguments, and its exit code", async () => {
  await using project = new Project();
  await project.run();
  const one = await project.winnow(["verify", "--", "tests/test_mail.py"]);
  assert.deepEqual([one.code, one.ran], [0, [SUBJECT]]);
  assert.deepEqual((await project.winnow(["verify", "--", "-k", "nothing_of_it"])).code, 5);
  project.editDiscount("price");
  const failing = await project.winnow(["verify"]);
  // They fail as the plan expected them to run: no miss.
  assert.deepEqual([failing.code, failing.outcomes.get(DISCOUNTS[0] as string)], [1, "FAILED"]);
  assert.match(failing.stderr, /checked 3 tests that could have been left out: no miss$/m);
  assert.equal((await project.winnow(["verify", "--", "--nonsense"])).code, 4);
});

test("a miss whose cause is out of sight: told, remembered, forgiven", async () => {
  await using project = new Project();
  moody(project, "assert False");
  await project.run();
  setMood(project, "bad");
  assert.deepEqual((await project.run()).starts, []);
  const found = await project.winnow(["verify"]);
  assert.equal(found.code, 1);
  assert.match(
    found.stderr,
    new RegExp(
      `^winnow: checked 7 tests that could have been left out: 1 missed\nwinnow: missed: ${MOODY} would have been left out, and it ended as failed instead of passed\n {8}nothing that Winnow watches differs: clock, network, randomness, order, or state outside of the project\n {8}It always runs from now on, .*--forgive TEST`,
      "m",
    ),
  );

  // It always runs from now on, also once it passes again.
  setMood(project, "good");
  for (const _ of [1, 2]) {
    const plan = json(await project.winnow(["plan", "--json"]));
    assert.deepEqual(
      plan.tests.map(({ id }: { id: string }) => id),
      [MOODY],
    );
    const [{ kind, was, outcome }] = plan.tests[0].reasons;
    assert.deepEqual([kind, was, outcome], ["missed-before", "passed", "failed"]);
    assert.deepEqual((await project.run()).ran, [MOODY]);
  }
  const plan = (await project.winnow(["plan"])).stdout;
  assert.match(plan, /it ended as failed instead of passed on \d{4}-\d\d-\d\d though .*`winnow verify --forgive TEST`/);
  const why = (await project.winnow(["why", MOODY])).stdout;
  assert.match(why, /runs because it ended as failed instead of passed on .*`winnow verify --forgive TEST`/);
  // It is no part of what could be left out, so it is not missed twice.
  setMood(project, "bad");
  assert.match((await project.winnow(["verify"])).stderr, /checked 6 tests that could have been left out: no miss/);
  setMood(project, "good");
  await project.run();

  const sums = await report(project);
  assert.deepEqual([sums.misses, sums.missed.length, sums.missed[0].id], [1, 1, MOODY]);
  assert.match(
    (await project.winnow(["verify", "--report"])).stdout,
    new RegExp(`^always run {2}${MOODY}: it ended`, "m"),
  );

  const unknown = await project.winnow(["verify", "--forgive", "test_calm"]);
  assert.deepEqual([unknown.code, unknown.stdout], [4, ""]);
  assert.match(unknown.stderr, /no test called "test_calm" was missed\n {8}.*--report.* \[not-missed\]/);
  const forgiven = await project.winnow(["verify", "--forgive", "moody"]);
  assert.deepEqual([forgiven.code, forgiven.stdout], [0, `${MOODY} is left out again once a fact proves it\n`]);
  // The last time, it passed; the failure that nothing explained still holds, and only a later change can outdate it.
  assert.deepEqual((await project.run()).ran, [MOODY]);
});

test("a miss whose cause is declared is left out again by what is recorded from then on", async () => {
  await using project = new Project();
  moody(project, "assert False");
  await project.run();
  setMood(project, "bad");
  assert.equal((await project.winnow(["verify"])).code, 1);
  setMood(project, "good");
  assert.deepEqual((await project.run()).ran, [MOODY]);

  const declared = `[[tool.winnow.depends]]\ntests = ["${MOODY}"]\nenv = ["MOOD"]\n`;
  project.write({ "pyproject.toml": declared });
  assert.ok((await project.run()).ran.includes(MOODY));
  assert.deepEqual((await project.run()).ran, []);
  assert.match((await project.winnow(["why", MOODY])).stdout, /need not run.*declared: the variable MOOD/s);
  // Declared no more, nothing is known of the cause.
  project.write({ "pyproject.toml": "" });
  const why = (await project.winnow(["why", MOODY])).stdout;
  assert.match(why, /runs because it ended as failed instead of passed on/);
});

test("a miss whose cause can be told: what the proof lacked", async () => {
  await using project = new Project();
  moody(project, 'assert (HERE / "data.txt").read_text() and mail.never() == 1\n        raise Exception');
  await project.run();
  setMood(project, "bad");
  const found = await project.winnow(["verify", "--json"]);
  assert.equal(found.code, 1);
  const [miss] = missesIn(json(found));
  assert.deepEqual([miss?.id, miss?.was, miss?.outcome], [MOODY, "passed", "failed"]);
  assert.deepEqual(miss?.missing?.map(({ kind, path, name, isNew }) => [kind, path, name, isNew]).sort(), [
    ["body", "shop/mail.py", "never", true],
    ["file", "tests/data.txt", "", true],
  ]);
  assert.match(miss?.cause ?? "", /^its proof does not cover /);
});

test("a miss that pytest does not mind has an exit code of its own, in verify only", async () => {
  for (const [command, code] of [
    [["verify"], 10],
    [["run", "--mode", "observe"], 0],
  ] as const) {
    await using project = new Project();
    moody(project, 'import pytest; pytest.skip("in this mood")');
    await project.run();
    setMood(project, "bad");
    const found = await project.winnow(command);
    assert.deepEqual([found.code, found.outcomes.get(MOODY)], [code, "SKIPPED"], found.stderr);
    assert.match(found.stderr, /it ended as skipped instead of passed/);
  }
});

test("the mode observe, of the command line or of the project, runs everything and accounts for it", async () => {
  await using project = new Project({ ...SHOP, "pyproject.toml": '[tool.winnow]\nmode = "observe"\n' });
  await project.run();
  project.editDiscount();
  const edited = await project.run();
  assert.deepEqual([edited.code, edited.ran], [0, ALL]);
  assert.match(
    edited.stderr,
    /^winnow: every test runs; would have run 2 of 5 tests \(shop\/cart\.py: discount\(\) changed\)/m,
  );
  assert.match(edited.stderr, /^winnow: checked 3 tests that could have been left out: no miss$/m);
  assert.deepEqual((await project.run()).ran, ALL);
  // The command line has the last word.
  assert.deepEqual((await project.winnow(["run", "--mode", "select"])).starts, []);
  const [day] = (await report(project)).days;
  assert.deepEqual([day.runs, day.tests, day.leftOut, day.observed, day.sampled, day.misses], [3, 15, 0, 8, 0, 0]);
  project.write({ "pyproject.toml": '[tool.winnow]\nmode = "select"\n' });
  assert.deepEqual((await project.run()).starts, []);

  const wrong = await project.winnow(["run", "--mode", "obsrve"]);
  assert.deepEqual([wrong.code, wrong.starts], [4, []]);
  assert.match(wrong.stderr, /there is no mode "obsrve"; did you mean "observe"\?/);
  const elsewhere = await project.winnow(["plan", "--mode", "observe"]);
  assert.match(elsewhere.stderr, /`winnow plan` has no option --mode/);
  project.write({ "pyproject.toml": '[tool.winnow]\nmoed = "select"\n' });
  const key = await project.run();
  assert.deepEqual([key.code, key.starts], [4, []]);
  assert.match(
    key.stderr,
    /^winnow: pyproject\.toml has an unknown key "moed" in \[tool\.winnow\]; did you mean "mode"\?\n.*\[configuration\]$/m,
  );
});

test("a sample of what could be left out rides along, as the plan says, and a miss is found by it", async () => {
  await using project = new Project({ ...SHOP, "pyproject.toml": "[tool.winnow.verify]\nsample = 1\n" });
  moody(project, "assert False");
  await project.run();
  // Nothing is started for the sample alone.
  assert.deepEqual((await project.run()).starts, []);
  project.editDiscount();
  const plan = json(await project.winnow(["plan", "--json"]));
  assert.equal(plan.tests.length, 7);
  assert.equal(
    plan.tests.filter(({ reasons }: { reasons: { kind: string }[] }) => reasons[0]?.kind === "sampled").length,
    5,
  );
  const first = await project.run();
  assert.deepEqual([first.code, first.ran.length], [0, 7]);
  assert.match(
    first.stderr,
    /^winnow: 7 tests ran, none left out\nwinnow: checked 5 tests that could have been left out \(the sample\): no miss$/m,
  );

  setMood(project, "bad");
  project.editDiscount("price - 2 * (RATE - 1)");
  const second = await project.run();
  assert.equal(second.code, 1);
  assert.match(
    second.stderr,
    /checked 5 tests that could have been left out \(the sample\): 1 missed\nwinnow: missed: tests\/test_moody/,
  );
  const sums = await report(project);
  assert.deepEqual([sums.runs, sums.leftOut, sums.observed, sums.sampled, sums.misses], [3, 0, 0, 10, 1]);
  assert.deepEqual(sums.missed[0].id, MOODY);
});

test("a small sample is the same for the same decision, and another one for another change", async () => {
  const many = Array.from({ length: 60 }, (_, index) => `def test_${index}():\n    pass\n`).join("\n");
  await using project = new Project({
    ...SHOP,
    "tests/test_many.py": many,
    "pyproject.toml": "[tool.winnow.verify]\nsample = 0.1\n",
  });
  await project.run();
  const sampled = async () => {
    const plan = json(await project.winnow(["plan", "--json"]));
    return plan.tests.filter(({ reasons }: { reasons: { kind: string }[] }) => reasons[0]?.kind === "sampled");
  };
  project.editDiscount("price - 1 - 1");
  const first = await sampled();
  assert.ok(first.length > 0 && first.length < 20, String(first.length));
  assert.deepEqual(await sampled(), first);
  project.editDiscount("price - 2 + 0");
  assert.notDeepEqual(await sampled(), first);
  project.editDiscount("price - 1 - 1");
  assert.deepEqual(await sampled(), first);
  const finished = await project.run();
  assert.deepEqual(finished.ran, [...DISCOUNTS, ...first.map(({ id }: { id: string }) => id)].sort());
  assert.match(finished.stderr, new RegExp(`${first.length + 2} tests ran, ${63 - first.length} left out`));
  assert.equal((await report(project)).leftOut, 63 - first.length);
});

test("misses are found in the processes of xdist as well", async (context) => {
  await using project = new Project();
  if (!existsSync(join(project.site, "xdist"))) {
    context.skip("pytest-xdist is not installed");
    return;
  }
  moody(project, "assert False");
  const spread = ["--", "-p", "xdist.plugin", "-n", "2"];
  await project.winnow(["run", ...spread]);
  setMood(project, "bad");
  const found = await project.winnow(["verify", "--json", ...spread]);
  assert.equal(found.code, 1);
  assert.equal(json(found).verified.checked, 7);
  assert.deepEqual(
    missesIn(json(found)).map(({ id }) => id),
    [MOODY],
  );
});

test("a test that appears in a file that would have been left out, and fails", async () => {
  await using project = new Project();
  const extra = project.note("extra");
  project.write({
    "tests/test_grown.py": `import os

import pytest


@pytest.mark.parametrize("n", range(2 if os.path.exists(${JSON.stringify(extra)}) else 1))
def test_grown(n):
    assert n == 0
`,
  });
  await project.run();
  project.note("extra", "there");
  const found = await project.winnow(["verify", "--json"]);
  assert.equal(found.code, 1);
  const [miss] = missesIn(json(found));
  assert.deepEqual([miss?.id, miss?.was, miss?.outcome], ["tests/test_grown.py::test_grown[1]", null, "failed"]);
});

test("what cannot be verified is said", async () => {
  await using project = new Project();
  await project.run();
  const off = await project.winnow(["verify"], { env: { WINNOW_MECHANISM: "none" } });
  assert.deepEqual([off.code, off.ran], [0, ALL]);
  assert.match(off.stderr, /nothing is recorded, because switched off/);
  assert.match(
    off.stderr,
    /^winnow: nothing is verified, because nothing is recorded of the tests that could have been left out$/m,
  );
  const none = await report(project);
  assert.equal(none.checked, 0);
  assert.equal(none.missRateUpperBound, null);
  assert.match(
    (await project.winnow(["verify", "--report"])).stdout,
    /^miss rate {3}not known: nothing was checked yet/m,
  );
  project.remove(".winnow");
  assert.match((await project.winnow(["verify", "--report"])).stdout, /^runs {8}0, 0 tests ran$/m);
  const both = await project.winnow(["verify", "--report", "--forgive", "x"]);
  assert.equal(both.code, 4);
  assert.deepEqual(project.inventory(), []);
});
