import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { layoutOf, makeLayout } from "../../src/store/layout.ts";

const top = mkdtempSync(join(tmpdir(), "winnow-layout-"));
after(() => rmSync(top, { recursive: true, force: true }));
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(top, "project-"));
});

test("the directory describes and hides itself, and only its owner may look", () => {
  const layout = makeLayout(root);
  assert.deepEqual(readdirSync(root), [".winnow"]);
  assert.equal(readFileSync(join(layout.directory, ".gitignore"), "utf8"), "*\n");
  assert.match(readFileSync(join(layout.directory, "README.md"), "utf8"), /can be removed/);
  assert.match(
    readFileSync(join(layout.directory, "CACHEDIR.TAG"), "utf8"),
    /^Signature: 8a477f597d28d172789f06886806bc55/,
  );
  assert.equal(statSync(layout.directory).mode & 0o777, 0o700);
  for (const directory of [layout.journals, layout.runs, layout.bytecode]) {
    assert.ok(statSync(directory).isDirectory());
  }
});

test("asking where things are makes nothing", () => {
  layoutOf(root);
  assert.deepEqual(readdirSync(root), []);
});

test("what is there stays, and what is missing of it is made", () => {
  const layout = makeLayout(root);
  writeFileSync(layout.database, "kept");
  rmSync(layout.runs, { recursive: true });
  assert.deepEqual(makeLayout(root), layout);
  assert.equal(readFileSync(layout.database, "utf8"), "kept");
  assert.ok(existsSync(layout.runs));
});

test("an empty directory of that name is filled", () => {
  mkdirSync(join(root, ".winnow"));
  assert.ok(existsSync(makeLayout(root).journals));
});

test("whoever cannot make it says so, and leaves nothing behind", { skip: process.getuid?.() === 0 }, () => {
  chmodSync(root, 0o500);
  assert.throws(() => makeLayout(root));
  chmodSync(root, 0o700);
  assert.deepEqual(readdirSync(root), []);
});

test("a file in its place is an error", () => {
  writeFileSync(join(root, ".winnow"), "");
  assert.throws(() => makeLayout(root));
});

test("several processes at once all get the same, whole directory", async () => {
  const module = JSON.stringify(new URL("../../src/store/layout.ts", import.meta.url).href);
  // Each waits for the same instant, so that they meet.
  const at = Date.now() + 700;
  const script = `
    import { readdirSync } from "node:fs";
    import { makeLayout } from ${module};
    while (Date.now() < ${at});
    const layout = makeLayout(${JSON.stringify(root)});
    process.stdout.write(readdirSync(layout.directory).sort().join());
  `;
  const outputs = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.on("data", (chunk) => {
        output += String(chunk);
      });
      const code = await new Promise((resolve) => child.on("close", resolve));
      assert.equal(code, 0);
      return output;
    }),
  );
  assert.deepEqual(new Set(outputs), new Set([".gitignore,CACHEDIR.TAG,README.md,bytecode,journals,runs"]));
  assert.deepEqual(readdirSync(root), [".winnow"]);
});
