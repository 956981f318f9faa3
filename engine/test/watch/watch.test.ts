import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import {
  absolutePath,
  looksUnchanged,
  packWatch,
  SAFETY_GAP_MS,
  stamp,
  statOfEntry,
  unpackWatch,
  type WatchEntry,
  type WatchKind,
} from "../../src/files/watch.ts";

const top = mkdtempSync(join(tmpdir(), "winnow-watch-"));
after(() => rmSync(top, { recursive: true, force: true }));
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(top, "p-"));
});

/** An entry for what is there, looked at when all of it was old. */
function entry(path: string, kind: WatchKind = "f", digest = "d"): WatchEntry {
  return { kind, path, digest, ...stamp(statOfEntry(root, { kind, path }), Date.now() + SAFETY_GAP_MS + 1000) };
}

const ENTRY: fc.Arbitrary<WatchEntry> = fc.record(
  {
    kind: fc.constantFrom<WatchKind>("f", "d", "p", "e"),
    path: fc.string({ unit: "grapheme" }),
    digest: fc.string(),
    size: fc.nat(),
    mtimeMs: fc.double({ noNaN: true }),
    ctimeMs: fc.double({ noNaN: true }),
    inode: fc.maxSafeInteger(),
    settled: fc.boolean(),
  },
  { noNullPrototype: true },
);

describe("the table as bytes", () => {
  test("unpacks to itself, also from the middle of another buffer", () => {
    fc.assert(
      fc.property(fc.array(ENTRY), fc.nat(9), (entries, offset) => {
        const bytes = packWatch(entries);
        const around = new Uint8Array(bytes.length + offset);
        around.set(bytes, offset);
        assert.deepEqual(unpackWatch(around.subarray(offset)), entries);
      }),
    );
  });

  test("what is no table throws", () => {
    assert.throws(() => unpackWatch(new Uint8Array(3)));
    assert.throws(() => unpackWatch(new Uint8Array(64).fill(7)));
  });
});

describe("a path is trusted only", () => {
  test("if both its times were old when it was looked at", () => {
    writeFileSync(join(root, "a"), "1");
    const now = statSync(join(root, "a")).ctimeMs;
    const at = (ms: number): boolean => stamp(statSync(join(root, "a")), ms).settled;
    assert.equal(at(now), false);
    assert.equal(at(now + SAFETY_GAP_MS - 1), false);
    assert.equal(at(now + SAFETY_GAP_MS), false);
    assert.equal(at(now + SAFETY_GAP_MS + 1), true);
    const young: WatchEntry = { kind: "f", path: "a", digest: "d", ...stamp(statSync(join(root, "a")), now) };
    assert.equal(looksUnchanged(root, young), false);
    // An old modification time alone proves nothing: anybody can set it.
    utimesSync(join(root, "a"), 1, 1);
    assert.equal(stamp(statSync(join(root, "a")), Date.now()).settled, false);
    // Nor does a time to come.
    utimesSync(join(root, "a"), Date.now() / 1000 + 1000, Date.now() / 1000 + 1000);
    assert.equal(stamp(statSync(join(root, "a")), Date.now() + SAFETY_GAP_MS + 500).settled, false);
  });

  test("if it was not written since, in the same size and with its times put back", () => {
    const file = join(root, "a");
    writeFileSync(file, "one");
    utimesSync(file, 1000, 1000);
    const before = entry("a");
    assert.equal(looksUnchanged(root, before), true);
    // The change time is the kernel's: it has to have ticked.
    for (const changed = statSync(file).ctimeMs; statSync(file).ctimeMs === changed; ) {
      writeFileSync(file, "two");
      utimesSync(file, 1000, 1000);
    }
    assert.equal(statSync(file).mtimeMs, before.mtimeMs);
    assert.equal(statSync(file).size, before.size);
    assert.equal(looksUnchanged(root, before), false);
  });

  test("if it is the same file still", () => {
    writeFileSync(join(root, "a"), "one");
    const before = entry("a");
    writeFileSync(join(root, "b"), "two");
    renameSync(join(root, "b"), join(root, "a"));
    assert.equal(looksUnchanged(root, before), false);
    // Equal in everything but the inode.
    assert.equal(looksUnchanged(root, { ...entry("a"), inode: before.inode }), false);
  });

  test("if no number of it differs", () => {
    writeFileSync(join(root, "a"), "one");
    const before = entry("a");
    for (const field of ["size", "mtimeMs", "ctimeMs", "inode"] as const) {
      assert.equal(looksUnchanged(root, { ...before, [field]: before[field] + 1 }), false, field);
    }
  });
});

describe("what comes and goes", () => {
  test("a path that vanishes, and one that appears", () => {
    const absent = entry("a", "f", "-");
    assert.deepEqual([absent.inode, absent.settled], [0, true]);
    assert.equal(looksUnchanged(root, absent), true);
    writeFileSync(join(root, "a"), "");
    assert.equal(looksUnchanged(root, absent), false);
    const present = entry("a");
    assert.equal(looksUnchanged(root, present), true);
    rmSync(join(root, "a"));
    assert.equal(looksUnchanged(root, present), false);
  });

  test("an entry without a stamp but with a digest is not trusted", () => {
    assert.equal(looksUnchanged(root, entry("a", "f", "digest of something")), false);
  });

  test("a path below what is now a file, and a link without a target, are not there", () => {
    writeFileSync(join(root, "file"), "");
    symlinkSync("nowhere", join(root, "link"));
    for (const path of ["file/inner", "link"]) {
      assert.equal(looksUnchanged(root, entry(path, "f", "-")), true, path);
    }
  });

  test("neither are a loop of links, a name that is too long and one that nobody may look at", () => {
    symlinkSync("loop", join(root, "loop"));
    for (const path of ["loop", "x".repeat(5000), "nul\0in the name"]) {
      const before = entry(path, "f", "-");
      assert.equal(before.inode, 0, path);
      assert.equal(looksUnchanged(root, before), true, path);
    }
    if (process.getuid?.() !== 0) {
      mkdirSync(join(root, "shut"));
      writeFileSync(join(root, "shut", "a"), "");
      const before = entry("shut/a");
      chmodSync(join(root, "shut"), 0);
      assert.equal(looksUnchanged(root, before), false);
      chmodSync(join(root, "shut"), 0o700);
    }
  });

  test("links are followed", () => {
    writeFileSync(join(root, "one"), "1");
    writeFileSync(join(root, "two"), "2");
    symlinkSync("one", join(root, "link"));
    const before = entry("link");
    rmSync(join(root, "link"));
    symlinkSync("two", join(root, "link"));
    assert.equal(looksUnchanged(root, before), false);
  });
});

describe("directories", () => {
  test("change with their names", () => {
    mkdirSync(join(root, "d"));
    utimesSync(join(root, "d"), 1000, 1000);
    const before = entry("d", "d");
    assert.equal(looksUnchanged(root, before), true);
    writeFileSync(join(root, "d", "new"), "");
    assert.equal(looksUnchanged(root, before), false);
  });

  test("the project's root is the empty path", () => {
    assert.equal(looksUnchanged(root, entry("", "d")), true);
  });

  test("those of installed packages are absolute", () => {
    assert.equal(absolutePath("/elsewhere", { kind: "p", path: root }), root);
    assert.equal(looksUnchanged("/elsewhere", { ...entry(root, "p") }), true);
  });

  test("a directory that became a file of that name is seen", () => {
    mkdirSync(join(root, "d"));
    const before = entry("d", "d");
    rmSync(join(root, "d"), { recursive: true });
    writeFileSync(join(root, "d"), "");
    assert.equal(looksUnchanged(root, before), false);
  });
});
