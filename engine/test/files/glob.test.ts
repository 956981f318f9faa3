/** Files that a glob means, on a disk. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { matchingFiles } from "../../src/files/glob.ts";

const FILES = [
  "a.csv",
  "data/a.csv",
  "data/.b.csv",
  "data/deep/c.csv",
  "data/deep/c.txt",
  "data/__pycache__/x.csv",
  "node_modules/x.csv",
  "venv/pyvenv.cfg",
  "venv/x.csv",
];

describe("matchingFiles", () => {
  let top: string;
  let root: string;
  before(() => {
    top = mkdtempSync(join(tmpdir(), "winnow-glob-"));
    root = join(top, "project");
    for (const path of [...FILES, "../shared/s.csv"]) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), "");
    }
    symlinkSync("..", join(root, "data", "loop.csv"));
  });
  after(() => rmSync(top, { recursive: true }));

  const check = (glob: string, files: readonly string[], directories?: readonly string[]): void => {
    const found = matchingFiles(root, glob);
    assert.deepEqual(found.files, files, glob);
    if (directories !== undefined) {
      assert.deepEqual([...found.directories].sort(), directories, glob);
    }
  };

  test("looks no deeper than the glob reaches, and follows no link", () => {
    check("data/*.csv", ["data/.b.csv", "data/a.csv", "data/loop.csv"], ["data"]);
    check("*.csv", ["a.csv"], [""]);
    check("data/*/*.csv", ["data/deep/c.csv"], ["data", "data/deep"]);
    check("data/{deep,other}/*.csv", ["data/deep/c.csv"]);
  });

  test("leaves out what tools make", () => {
    const everywhere = ["a.csv", "data/.b.csv", "data/a.csv", "data/deep/c.csv", "data/loop.csv"];
    check("**/*.csv", everywhere, ["", "data", "data/deep"]);
    check("{,**/}*.csv", everywhere);
  });

  test("but not what is asked for by name", () => {
    check("venv/*.csv", ["venv/x.csv"]);
  });

  test("a plain path is a file, or all of a directory", () => {
    check("data/a.csv", ["data/a.csv"], []);
    check("data/deep", ["data/deep/c.csv", "data/deep/c.txt"]);
    check("data/deep/", ["data/deep/c.csv", "data/deep/c.txt"]);
    check("./a.csv", ["a.csv"]);
    // There or not: the file's own state is what counts.
    check("nowhere.csv", ["nowhere.csv"], []);
  });

  test("a directory that is not there is watched, so that its appearing is noticed", () => {
    check("nowhere/**", [], ["nowhere"]);
  });

  test("outside of the project", () => {
    check("../shared/*.csv", ["../shared/s.csv"], ["../shared"]);
  });
});
