/** `winnow plan`, `why` and `status`: what they say, in text and in JSON, and that they only look. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../src/store/store.ts";
import { DISCOUNT_2, DISCOUNT_5, DISCOUNTS, type Finished, Project, SHOP, SUBJECT, TOTAL } from "./project.ts";

const FORMATS = readFileSync(join(import.meta.dirname, "../../../docs/formats.md"), "utf8");

/** Fields of each kind of reason, as the table in the documentation has them. */
const REASONS = new Map(
  [...FORMATS.matchAll(/^\| `([a-z-]+)` \|([^|]*)\|[^|]*\|$/gm)].map(([, kind = "", fields = ""]) => [
    kind,
    [...fields.matchAll(/`(\w+)`/g)].map(([, field]) => field),
  ]),
);

interface Reasoned {
  readonly id?: string;
  readonly path?: string;
  readonly reasons: readonly { readonly kind: string }[];
}

interface PlanDocument {
  readonly kind: string;
  readonly because: string | null;
  readonly tests: readonly Reasoned[];
  readonly files: readonly Reasoned[];
  readonly upToDate: number;
  readonly known: number;
  readonly changed: readonly string[];
  readonly decidedMs: number;
}

/** One line of JSON on standard output and nothing else. */
function documentOf(finished: Finished): { version: number } & Record<string, unknown> {
  assert.equal(finished.stderr, "");
  assert.match(finished.stdout, /^\{.*\}\n$/);
  const document = JSON.parse(finished.stdout);
  assert.equal(document.version, 1);
  return document;
}

/** A plan of the documented shape, in which each entry has a reason of a documented shape. */
function checkPlan(document: unknown): PlanDocument {
  const plan = document as PlanDocument;
  assert.deepEqual(Object.keys(plan), [
    "version",
    "kind",
    "because",
    "tests",
    "files",
    "upToDate",
    "known",
    "since",
    "changed",
    "decidedMs",
  ]);
  assert.equal(typeof plan.because, plan.kind === "everything" ? "string" : "object");
  for (const entry of [...plan.tests, ...plan.files]) {
    assert.ok(entry.reasons.length > 0, JSON.stringify(entry));
    for (const { kind, ...fields } of entry.reasons) {
      assert.deepEqual(Object.keys(fields).sort(), [...(REASONS.get(kind) ?? ["undocumented"])].sort(), kind);
    }
  }
  return plan;
}

/** Everything in a store that decides; what is known of contents, whatever their files are now, does not. */
function decisive(project: Project): unknown[] {
  const store = openStore(project.path(".winnow", "store.db"));
  const { fingerprint: _, ...counts } = store.counts();
  const found = [store.generation(), store.watch(), store.falseIds(), counts, store.facts(1), store.collections(1)];
  store.close();
  return found;
}

/** The plan of a request; looking at it changes nothing in the store that decides, and starts no tests. */
async function planOf(project: Project, ...args: string[]): Promise<PlanDocument> {
  const before = [project.inventory(), decisive(project)];
  const finished = await project.winnow(["plan", "--json", ...(args.length === 0 ? [] : ["--", ...args])]);
  assert.equal(finished.code, 0);
  assert.deepEqual(
    finished.starts.filter((start) => start !== "compile"),
    [],
  );
  assert.deepEqual([project.inventory(), decisive(project)], before);
  return checkPlan(documentOf(finished));
}

const kinds = (entry: Reasoned | undefined): string[] => (entry?.reasons ?? []).map(({ kind }) => kind);

test("plan, why and status of a project that Winnow has never seen", async () => {
  await using project = new Project();
  const plan = checkPlan(documentOf(await project.winnow(["plan", "--json"])));
  assert.deepEqual([plan.kind, plan.because, plan.known], ["everything", "nothing is recorded yet", 0]);
  assert.match((await project.winnow(["plan"])).stdout, /^every test runs, because nothing is recorded yet/);
  const why = await project.winnow(["why", "test_total"]);
  assert.deepEqual([why.code, why.stdout], [0, "test_total\n  runs because nothing is recorded yet\n"]);
  const status = documentOf(await project.winnow(["status", "--json"]));
  assert.deepEqual([status["root"], status["recorded"], status["lastRun"]], [project.root, {}, null]);
  assert.match((await project.winnow(["status"])).stdout, /^recorded {2}nothing$/m);
  assert.deepEqual(project.inventory(), []);
});

test("plans: nothing, tests, files, everything; each with its reasons", async () => {
  await using project = new Project();
  await project.run();
  const idle = await planOf(project);
  assert.deepEqual([idle.kind, idle.upToDate, idle.known, idle.tests, idle.files], ["nothing", 5, 5, [], []]);
  const idleText = await project.winnow(["plan"]);
  assert.match(idleText.stdout, /^nothing to run: 5 tests up to date · decided in \d+ ms\n$/);
  assert.deepEqual(idleText.starts, []);

  project.editDiscount();
  const body = await planOf(project);
  assert.deepEqual([body.kind, body.upToDate, body.known, body.changed], ["some", 3, 5, ["shop/cart.py"]]);
  assert.deepEqual(body.tests.map(({ id }) => id).sort(), DISCOUNTS);
  assert.deepEqual(body.tests[0]?.reasons, [{ kind: "body-changed", path: "shop/cart.py", name: "discount" }]);
  const text = (await project.winnow(["plan"])).stdout;
  assert.match(text, /^to run: 2 of 5 tests \(shop\/cart\.py: discount\(\) changed\) · decided in \d+ ms\n/);
  assert.match(text, /\n {2}tests\/test_cart\.py::test_discount\[5-3\]\n {6}shop\/cart\.py: discount\(\) changed\n/);
  // It is the same however often one looks, and nothing is compiled again; what then runs is what was said.
  assert.deepEqual((await planOf(project)).tests, body.tests);
  assert.deepEqual((await project.winnow(["plan"])).starts, []);
  assert.deepEqual((await planOf(project, "tests/test_mail.py")).kind, "nothing");
  assert.deepEqual(
    (await planOf(project, DISCOUNT_5)).tests.map(({ id }) => id),
    [DISCOUNT_5],
  );
  assert.deepEqual((await project.run()).ran, DISCOUNTS);
});

test("plans of other changes", async () => {
  await using project = new Project({
    ...SHOP,
    "tests/data.txt": "a",
    "tests/test_data.py": `import os
import random
from pathlib import Path

HERE = Path(__file__).parent


def test_reads():
    assert (HERE / "data.txt").read_text()


def test_lists():
    assert os.listdir(HERE)
`,
  });
  await project.run();
  const reads = "tests/test_data.py::test_reads";
  const lists = "tests/test_data.py::test_lists";

  project.write({ "tests/data.txt": "b" });
  const data = await planOf(project);
  assert.deepEqual(data.tests, [{ id: reads, reasons: [{ kind: "file-changed", path: "tests/data.txt" }] }]);
  project.write({ "tests/data.txt": "a" });

  project.write({ "tests/test_new.py": "def test_new():\n    pass\n" });
  const news = await planOf(project);
  assert.deepEqual(news.files, [
    { path: "tests/test_new.py", reasons: [{ kind: "new-file", path: "tests/test_new.py" }] },
  ]);
  assert.deepEqual(news.tests, [{ id: lists, reasons: [{ kind: "listing-changed", path: "tests" }] }]);
  project.remove("tests/test_new.py");

  project.write({ "random.py": "" });
  const shadow = await planOf(project);
  assert.ok(shadow.files.flatMap(kinds).includes("import-resolution-changed"), JSON.stringify(shadow));
  project.remove("random.py");

  project.write({ "pytest.ini": "[pytest]\nxfail_strict = true\n" });
  const configuration = await planOf(project);
  assert.equal(configuration.upToDate, 0);
  assert.ok(
    configuration.files.length > 0 &&
      configuration.files.every((file) => kinds(file).includes("configuration-changed")),
  );
  project.write({ "pytest.ini": "[pytest]\n" });

  project.edit("shop/cart.py", "RATE = 2", "RATE = 1 + 1");
  const level = await planOf(project);
  assert.deepEqual(
    level.tests.map(({ id, reasons }) => [id, reasons]).sort(),
    DISCOUNTS.map((id) => [id, [{ kind: "toplevel-changed", path: "shop/cart.py", names: ["RATE"] }]]),
  );
  assert.deepEqual(level.files, []);
  project.edit("shop/cart.py", "RATE = 1 + 1", "RATE = 2 +");
  const broken = await planOf(project);
  assert.deepEqual(
    broken.files.map(({ path, reasons }) => [path, kinds({ reasons })]),
    [["tests/test_cart.py", ["unparsable"]]],
  );
  project.edit("shop/cart.py", "RATE = 2 +", "RATE = 2");

  assert.deepEqual(kinds((await planOf(project, "-k", "total")).files[0]), ["no-record"]);
  project.editDiscount("price");
  await project.run();
  const failed = await planOf(project);
  assert.deepEqual(failed.tests.map(kinds), [["failed"], ["failed"]]);
  assert.equal((await planOf(project, "--strict-markers")).kind, "everything");
});

test("why: a proven test, one that runs, one that failed, part of a name, a name that is unknown", async () => {
  await using project = new Project();
  await project.run();
  const proven = await project.winnow(["why", TOTAL]);
  assert.equal(proven.code, 0);
  assert.match(proven.stdout, new RegExp(`^${TOTAL}\n  need not run: it passed just now, and nothing`));
  assert.match(proven.stdout, /\n {6}shop\/cart\.py: total\(\) {2}[0-9a-f]{12}\n/);
  const document = documentOf(await project.winnow(["why", TOTAL, "--json"]));
  const [answer] = document["tests"] as {
    id: string;
    runs: boolean;
    reasons: unknown[];
    fact: {
      outcome: string;
      green: boolean;
      at: string;
      sets: { role: string; holds: boolean; dependencies: object[] }[];
    };
  }[];
  assert.ok(answer !== undefined);
  assert.deepEqual([answer.id, answer.runs, answer.reasons], [TOTAL, false, []]);
  assert.deepEqual(Object.keys(answer.fact), [
    "outcome",
    "green",
    "at",
    "grade",
    "because",
    "always",
    "declared",
    "sets",
  ]);
  assert.deepEqual([answer.fact.outcome, answer.fact.green], ["passed", true]);
  assert.ok(Date.now() - Date.parse(answer.fact.at) < 60_000);
  for (const set of answer.fact.sets) {
    assert.deepEqual(Object.keys(set), ["role", "holds", "dependencies"]);
    assert.equal(set.holds, true);
    for (const dependency of set.dependencies) {
      assert.deepEqual(Object.keys(dependency), ["kind", "path", "name", "value"]);
    }
  }

  project.editDiscount("price");
  const runs = await project.winnow(["why", DISCOUNT_5]);
  assert.match(
    runs.stdout,
    /runs because shop\/cart\.py: discount\(\) changed\n.*the test itself → shop\/cart\.py: discount\(\)/,
  );
  await project.run();
  assert.match((await project.winnow(["why", DISCOUNT_5])).stdout, /runs because it failed last time/);

  // A part of a name answers for each test that has it; a whole id only for itself.
  const several = await project.winnow(["why", "test_discount"]);
  assert.deepEqual(
    several.stdout
      .split("\n")
      .filter((line) => line.startsWith("tests/"))
      .sort(),
    [DISCOUNT_2, DISCOUNT_5],
  );
  assert.match((await project.winnow(["why", SUBJECT])).stdout, /^tests\/test_mail\.py::test_subject\n/);

  const unknown = await project.winnow(["why", "test_nowhere"]);
  assert.deepEqual([unknown.code, unknown.stdout], [4, ""]);
  assert.match(
    unknown.stderr,
    /^winnow: no recorded test is called "test_nowhere"\n {8}Give a node id.* \[unknown-test\]\n$/,
  );
});

test("status says where, with what, how much, and what would run now", async () => {
  await using project = new Project();
  await project.run();
  const text = (await project.winnow(["status"])).stdout;
  assert.match(text, new RegExp(`^project {3}${project.root}$`, "m"));
  assert.match(
    text,
    /^python {4}\S+venv\/bin\/python \(3\.[\d.]+, pytest [\d.]+\), of the active virtual environment/m,
  );
  assert.match(text, /^recorded {2}5 tests, \d+ facts, \d+ dependencies, 1 environment$/m);
  assert.match(text, /^last run {2}\d{4}-/m);
  assert.match(text, /^now {7}nothing to run: 5 tests up to date/m);
  const document = documentOf(await project.winnow(["status", "--json"]));
  assert.deepEqual(Object.keys(document), [
    "version",
    "root",
    "python",
    "environment",
    "recorded",
    "grades",
    "lastRun",
    "history",
    "plan",
  ]);
  assert.deepEqual(Object.keys(document["python"] as object), ["executable", "version", "pytest", "found"]);
  assert.deepEqual((document["lastRun"] as { tests: number }).tests, 5);
  assert.equal(checkPlan(document["plan"]).kind, "nothing");
});

test("what is typed wrongly is told in one sentence, with what to do next", async () => {
  await using project = new Project();
  const wrong: [string[], string, RegExp][] = [
    [["rum"], "unknown-command", /there is no command "rum"; did you mean "run"\?/],
    [["frobnicate"], "unknown-command", /there is no command "frobnicate"\n {8}See `winnow --help`/],
    [["run", "tests"], "usage", /"tests" is one word too many for `winnow run`\n.*follow after `--`/],
    [["why"], "usage", /a test's name is missing for `winnow why`/],
    [["run", "-x"], "usage", /Unknown option "-x"\n.*If -x is meant for pytest, write it after `--`/],
    [["run", "-C", "nowhere"], "no-directory", /nowhere is not a directory\n.*-C DIR/],
    [["run", "-C"], "usage", /-C/],
  ];
  for (const [args, code, message] of wrong) {
    const finished = await project.winnow(args);
    assert.deepEqual([finished.code, finished.stdout, finished.starts], [4, "", []], args.join(" "));
    assert.match(finished.stderr, message);
    assert.ok(finished.stderr.endsWith(`[${code}]\n`), finished.stderr);
  }
  assert.match((await project.winnow([])).stdout, /^Winnow runs only/);
  assert.match((await project.winnow(["run", "--help"])).stdout, /^Run the tests that a change concerns/);
  assert.match((await project.winnow(["--version"])).stdout, /^winnow \d+\.\d+\.\d+\n$/);
});
