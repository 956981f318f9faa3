/** Long work tells how far it has come: before it begins, and now and then. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { decide } from "../../src/pipeline/decide.ts";
import { record } from "../../src/pipeline/record.ts";
import { JournalBuilder } from "../support/journal.ts";
import { ALL_COMPILES, PYTHON, shaOfText, TestProject } from "../support/project.ts";

const FILE = "test_many.py";
const TEXT = "def test_one():\n    pass\n";
const IDS = Array.from({ length: 200 }, (_, i) => `${FILE}::test_one[${i}]`);

function many(): JournalBuilder {
  const journal = new JournalBuilder().start().session().context(0, "session", "session");
  journal.context(1, "session", "walk", { inputs: [["listing", ".", [FILE]]] });
  journal.context(2, "file", FILE).module(FILE, { sha: shaOfText(TEXT), ctx: 3 });
  journal.collected(FILE, 2, IDS).session({ complete: true, args: ["."] });
  for (const id of IDS) {
    journal.test(id, FILE, { uses: [2], codes: [[FILE, 1, "test_one"]] });
  }
  return journal.end();
}

test("recording tells of the tests, deciding of the files whose times are new", () => {
  using project = new TestProject({ [FILE]: TEXT });
  const told: [string, number, number][] = [];
  const progress = (work: string, done: number, total: number): void => {
    told.push([work, done, total]);
  };
  const decision = project.decide();
  const description = project.describe(decision);
  const path = many().write(join(project.layout.journals, `${description.run}-1-0.journal`));
  record(project.store, project.request(), PYTHON, description, [path], ALL_COMPILES, { progress });
  assert.deepEqual(told, [
    ["record", 0, 200],
    ["record", 64, 200],
    ["record", 128, 200],
    ["record", 192, 200],
  ]);
  told.length = 0;
  project.write({ [FILE]: TEXT.replace("pass", "return 1") });
  const { plan } = decide(project.store, project.request(), PYTHON, ALL_COMPILES, { mode: "select", progress });
  assert.equal(plan.kind, "some");
  assert.deepEqual(
    told.map(([work, done]) => [work, done]),
    [
      ["look", 0],
      ["split", 0],
    ],
  );
});
