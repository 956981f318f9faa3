/** Hashes and listings of files. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { blobSha1 } from "../../src/files/hash.ts";
import { isListed, listDirectory, listedNames } from "../../src/files/listing.ts";

const base = mkdtempSync(join(tmpdir(), "winnow-files-"));
after(() => rmSync(base, { recursive: true, force: true }));

test("blob ids are git's", () => {
  assert.equal(blobSha1(new Uint8Array()), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  assert.equal(
    blobSha1(new TextEncoder().encode("é\r\n")),
    execFileSync("git", ["hash-object", "--stdin"], { input: "é\r\n", encoding: "utf8" }).trim(),
  );
});

test("listings leave out what tools leave behind", () => {
  const directory = join(base, "listing");
  assert.equal(listDirectory(directory), null);
  mkdirSync(directory);
  const kept = ["b.py", "a.py", ".gitignore", "é", "Z"];
  const left = [
    "__pycache__",
    "a.pyc",
    "a.cpython-312.pyo",
    ".winnow",
    ".pytest_cache",
    ".coverage",
    ".coverage.host.1",
    ".git",
    ".testmondata-shm",
  ];
  for (const name of [...kept, ...left]) {
    writeFileSync(join(directory, name), "");
  }
  assert.deepEqual(listDirectory(directory), [".gitignore", "Z", "a.py", "b.py", "é"]);
  assert.equal(listDirectory(join(directory, "a.py")), null);
  assert.deepEqual(listedNames(["\u{1f600}", "\uff5e", "x.pyc"]), ["\u{1f600}", "\uff5e"], "by code unit");
});

test("what the collector leaves out is left out here", (context) => {
  const path = join(
    dirname(fileURLToPath(import.meta.url)),
    "..",
    "..",
    "..",
    "collector",
    "winnow_collector",
    "audit.py",
  );
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    context.skip("the collector is not here");
    return;
  }
  const lists = [...text.matchAll(/^_IGNORED_\w+ = .*$/gm)].map((match) => match[0]).join("\n");
  const names = [...lists.matchAll(/"([^"]+)"/g)].map((match) => match[1] as string);
  assert.ok(names.includes("__pycache__") && names.includes(".pyc"), "the collector's lists were not found");
  for (const name of names) {
    assert.ok(!isListed(name), `${name} is filtered by the collector only`);
  }
});
