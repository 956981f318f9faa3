/**
 * Databases of pytest-testmon: one that 2.2.0 wrote (`pytest --testmon` over four tests of a shop, one of which fails), and
 * the tables that 1.4 makes. They stay as they are to the byte.
 */

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { readTestmon } from "../../src/store/testmon.ts";

const top = mkdtempSync(join(tmpdir(), "winnow-testmon-"));
after(() => rmSync(top, { recursive: true, force: true }));

/** What 1.4.5 makes, as far as it is read. */
const TABLES_1_4 = `
CREATE TABLE metadata (dataid TEXT PRIMARY KEY, data TEXT);
CREATE TABLE environment (id INTEGER PRIMARY KEY ASC, name TEXT, libraries TEXT);
CREATE TABLE node (id INTEGER PRIMARY KEY ASC, environment TEXT, name TEXT, duration FLOAT, failed BIT, UNIQUE (environment, name));
`;

/** A place of its own, for what is beside the file. */
function place(): string {
  return join(mkdtempSync(join(top, "p-")), ".testmondata");
}

test("a database of 2.2.0: ids, durations, failures; nothing of it changes, and nothing is left beside it", () => {
  const file = place();
  copyFileSync(join(import.meta.dirname, "testmon", "2.2.0.testmondata"), file);
  const before = readFileSync(file);
  const tests = readTestmon(file);
  assert.deepEqual(
    tests.map(({ id, failed }) => [id, failed]),
    [
      ["tests/test_cart.py::TestCart::test_empty", false],
      ["tests/test_cart.py::test_cases[1]", false],
      ["tests/test_cart.py::test_cases[2]", true],
      ["tests/test_cart.py::test_total", false],
    ],
  );
  assert.ok(tests.every(({ durationUs }) => Number.isInteger(durationUs) && durationUs > 0 && durationUs < 1e7));
  assert.deepEqual(readFileSync(file), before);
  assert.deepEqual(readdirSync(join(file, "..")), [".testmondata"]);
});

test("the tables of 1.4, with several environments, one of which failed", () => {
  const file = place();
  const database = new DatabaseSync(file);
  database.exec(TABLES_1_4);
  database.exec(
    "INSERT INTO node VALUES (1, 'a', 't.py::x', 0.5, 1), (2, 'b', 't.py::x', 0.25, 0), (3, 'a', 't.py::y', NULL, NULL)",
  );
  database.close();
  assert.deepEqual(readTestmon(file), [
    { id: "t.py::x", durationUs: 250_000, failed: true },
    { id: "t.py::y", durationUs: 0, failed: false },
  ]);
});

test("what a process that is still there has not folded in is read, and left to it", () => {
  const file = place();
  const writer = new DatabaseSync(file);
  writer.exec(`PRAGMA journal_mode = WAL; ${TABLES_1_4} INSERT INTO node VALUES (1, 'a', 't.py::x', 0.5, 0)`);
  const before = [readFileSync(file), readFileSync(`${file}-wal`)];
  assert.deepEqual(
    readTestmon(file).map(({ id }) => id),
    ["t.py::x"],
  );
  assert.deepEqual([readFileSync(file), readFileSync(`${file}-wal`)], before);
  writer.close();
});

test("another database, and a broken one, are told of", () => {
  const other = place();
  const database = new DatabaseSync(other);
  database.exec("CREATE TABLE fact (id)");
  database.close();
  assert.throws(() => readTestmon(other), {
    code: "testmon-unreadable",
    message: /is no database of pytest-testmon's/,
  });
  const broken = place();
  writeFileSync(broken, Buffer.concat([readFileSync(other).subarray(0, 100), Buffer.alloc(5000, 7)]));
  assert.throws(() => readTestmon(broken), { code: "testmon-unreadable" });
});
