import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { UNKNOWN } from "../../src/changes/tree.ts";
import { textDigest } from "../../src/files/hash.ts";
import type { WatchEntry } from "../../src/files/watch.ts";
import { ABSENT } from "../../src/model/key.ts";
import { isConfigurationFile, namesDigest, type PresentOptions, PresentTree } from "../../src/pipeline/present.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { bodyOf, shaOf, split } from "../support/memory-tree.ts";

const top = mkdtempSync(join(tmpdir(), "winnow-present-"));
after(() => rmSync(top, { recursive: true, force: true }));
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(top, "p-"));
});

function write(path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function tree(more: Partial<PresentOptions> = {}): PresentTree {
  return new PresentTree({
    root,
    store: undefined,
    watch: [],
    searchRoots: [""],
    siteDirectories: [],
    stdlib: [],
    python: "3.13.0",
    // By a clock on which everything here is old.
    now: Date.now() + 60_000,
    variable: () => "-",
    broken: {},
    ...more,
  });
}

/** The table after these paths were looked at. */
function watched(look: (tree: PresentTree) => void, more: Partial<PresentOptions> = {}): WatchEntry[] {
  const before = tree(more);
  look(before);
  return before.entries();
}

const SOURCE = "import b\n\n\ndef f():\n    return 1\n";

describe("a question puts what its answer depends on into the table", () => {
  test("contents", () => {
    write("a.py", SOURCE);
    const present = tree();
    assert.equal(present.digest("a.py"), shaOf(SOURCE));
    assert.equal(present.digest("gone.py"), "-");
    assert.deepEqual(
      present.entries().map(({ kind, path, digest }) => [kind, path, digest]),
      [
        ["f", "a.py", shaOf(SOURCE)],
        ["f", "gone.py", "-"],
      ],
    );
  });

  test("a directory in the place of a file has a digest that no content has", () => {
    write("d/x", "");
    assert.match(tree().digest("d"), /^\?EISDIR/);
  });

  test("a name that is no UTF-8 stands for nothing that was ever recorded", () => {
    const present = tree();
    for (const path of ["d\udcff.txt", "d\ufffd.txt"]) {
      assert.equal(present.digest(path), UNKNOWN);
      assert.equal(present.value({ kind: "exists", path, name: "" }), UNKNOWN);
      assert.notEqual(present.value({ kind: "listing", path, name: "" }), ABSENT);
    }
    assert.equal(present.digest("d\u{1f40d}.txt"), ABSENT);
  });

  test("names", () => {
    write("d/b.py", "");
    write("d/a.py", "");
    write("d/__pycache__/a.pyc", "");
    write("file", "");
    const present = tree();
    assert.deepEqual(present.names("d"), ["a.py", "b.py"]);
    assert.equal(present.listingDigest("d"), namesDigest(["a.py", "b.py"]));
    assert.deepEqual(present.names(""), ["d", "file"]);
    assert.equal(present.names("gone"), null);
    assert.equal(present.names("file"), null);
    assert.equal(present.listingDigest("gone"), "-");
    assert.deepEqual(
      present.entries().map(({ kind, path }) => kind + path),
      ["dd", "d", "dgone", "dfile"],
    );
  });

  test("resolutions", () => {
    write("lib/m/__init__.py", "");
    write("m.py", "");
    const present = tree({ searchRoots: ["lib", "", "gone"] });
    assert.equal(present.value({ kind: "resolve", path: "", name: "m" }), "lib/m/__init__.py;m.py");
    assert.deepEqual(
      present
        .entries()
        .map(({ path }) => path)
        .sort(),
      ["", "gone", "lib", "lib/m"],
    );
  });

  test("configuration: what pytest reads of it, not the rest", () => {
    const digest = (text: string): string => {
      write("pyproject.toml", text);
      return tree().configDigest("");
    };
    const none = digest("[project]\nname = 'a'\n");
    assert.equal(digest("[project]\nname = 'b'\n"), none);
    const some = digest("[tool.pytest.ini_options]\naddopts = '-q'\n");
    assert.notEqual(some, none);
    write("pytest.ini", "[pytest]\n");
    const present = tree();
    assert.notEqual(present.configDigest(""), some);
    assert.equal(present.configDigest(""), present.configDigest(""));
    assert.ok(present.entries().some(({ path, digest: each }) => path === "tox.ini" && each === "-"));
    assert.equal(tree().configDigest("gone"), tree().configDigest("gone"));
    mkdirSync(join(root, "d", "pytest.ini"), { recursive: true });
    assert.equal(tree().configDigest("d"), tree().configDigest("gone"));
  });

  test("packages: names, what distributions consist of, and paths that they add", () => {
    write("site/one-1.0.dist-info/RECORD", "one.py,sha256=1");
    write("site/__pycache__/x.pyc", "");
    const site = join(root, "site");
    const digest = (): string => tree({ siteDirectories: [site] }).packagesDigest("*");
    const seen = [digest()];
    const expectNew = (): void => {
      assert.ok(!seen.includes(digest()));
      seen.push(digest());
    };
    write("site/__pycache__/y.pyc", "");
    assert.equal(digest(), seen[0]);
    write("site/one-1.0.dist-info/RECORD", "one.py,sha256=2");
    expectNew();
    write("site/two.py", "");
    expectNew();
    write("site/easy.pth", "/somewhere");
    expectNew();
    write("site/easy.pth", "/elsewhere");
    expectNew();
    write("site/three.egg-info/PKG-INFO", "Version: 1");
    expectNew();
    write("site/three.egg-info/PKG-INFO", "Version: 2");
    expectNew();
    mkdirSync(join(site, "four.dist-info"));
    expectNew();
    const both = tree({ siteDirectories: [site, join(root, "gone")] });
    assert.ok(both.packagesDigest("*").endsWith(",-"));
    assert.equal(both.packagesDigest("*"), both.value({ kind: "packages", path: "", name: "*" }));
    assert.deepEqual(
      both.entries().map(({ kind, path }) => [kind, path]),
      [
        ["p", site],
        ["p", join(root, "gone")],
      ],
    );
    assert.equal(tree().packagesDigest("*"), "");
  });

  test("packages one by one, read again only where something changed", () => {
    write("site/one-1.0.dist-info/RECORD", "one.py,sha256=1,1");
    const site = join(root, "site");
    const store = openStore(join(root, "store.db"));
    const before = tree({ siteDirectories: [site], store });
    const value = before.packageDigest("one");
    assert.match(value, /^[0-9a-f]{32}$/);
    assert.equal(before.packageDigest("two"), "-");
    assert.equal(value, before.value({ kind: "package", path: "", name: "one" }));
    assert.equal(before.packagesDigest(""), tree({ siteDirectories: [site] }).packagesDigest(""));
    store.write(() => before.saveSites(store));
    // Unnoticed, because the directory itself is as it was: what the store has counts.
    write("site/one-1.0.dist-info/RECORD", "one.py,sha256=2,1");
    const unchanged = tree({ siteDirectories: [site], store, watch: before.entries() });
    assert.deepEqual(unchanged.scan(), []);
    assert.equal(unchanged.packageDigest("one"), value);
    write("site/two.py", "");
    const changed = tree({ siteDirectories: [site], store, watch: unchanged.entries() });
    assert.equal(changed.scan().length, 1);
    assert.notEqual(changed.packageDigest("one"), value);
    assert.notEqual(changed.packageDigest("two"), "-");
    store.close();
  });

  test("which names are the standard library's", () => {
    write("lib/json/__init__.py", "");
    write("lib/lib-dynload/_x.so", "");
    const present = tree({ stdlib: [join(root, "lib"), join(root, "gone")] });
    assert.deepEqual(
      ["json", "_x", "yaml"].map((name) => present.isStandard(name)),
      [true, true, false],
    );
  });
});

describe("a scan", () => {
  test("finds what changed, came and went, and corrects the table", () => {
    write("a.py", "A = 1\n");
    write("b.py", "B = 1\n");
    write("d/x", "");
    const watch = watched((present) => {
      for (const path of ["a.py", "b.py", "new.py"]) {
        present.digest(path);
      }
      present.names("d");
      present.names("later");
    });
    assert.deepEqual(tree({ watch }).scan(), []);
    write("a.py", "A = 2\n");
    write("new.py", "");
    rmSync(join(root, "b.py"));
    write("d/y", "");
    write("later/z", "");
    const present = tree({ watch });
    const changes = present.scan();
    assert.deepEqual(
      changes.map(({ kind, path, before }) => [kind, path, before]),
      [
        ["f", "a.py", shaOf("A = 1\n")],
        ["f", "b.py", shaOf("B = 1\n")],
        ["f", "new.py", "-"],
        ["d", "d", namesDigest(["x"])],
        ["d", "later", "-"],
      ],
    );
    assert.equal(present.digest("a.py"), shaOf("A = 2\n"));
    assert.equal(present.digest("b.py"), "-");
    assert.deepEqual(present.names("d"), ["x", "y"]);
    assert.deepEqual(tree({ watch: present.entries() }).scan(), []);
  });

  test("counts what only looks new, and takes its times", () => {
    write("a.py", "A = 1\n");
    write("d/x", "");
    const watch = watched((present) => {
      present.digest("a.py");
      present.names("d");
    });
    utimesSync(join(root, "a.py"), 1, 1);
    write("d/__pycache__/x", "");
    const present = tree({ watch });
    assert.deepEqual([present.scan(), present.restamped], [[], 2]);
    const again = tree({ watch: present.entries() });
    assert.deepEqual([again.scan(), again.restamped], [[], 0]);
  });

  test("reads what is too young each time", () => {
    write("a.py", "A = 1\n");
    const watch = watched((present) => present.digest("a.py"), { now: Date.now() });
    for (let time = 0; time < 2; time++) {
      const present = tree({ watch, now: Date.now() });
      assert.deepEqual([present.scan(), present.restamped], [[], 1]);
    }
  });

  test("sees a file that took the place of another", () => {
    write("a.py", "A = 1\n");
    write("b.py", "A = 2\n");
    utimesSync(join(root, "a.py"), 1, 1);
    utimesSync(join(root, "b.py"), 1, 1);
    const watch = watched((present) => present.digest("a.py"));
    renameSync(join(root, "b.py"), join(root, "a.py"));
    assert.equal(tree({ watch }).scan().length, 1);
  });

  test("sees a variable that was changed, set or removed, and trusts no time there", () => {
    const env: Record<string, string> = { A: "1", B: "1" };
    const variable = (name: string): string => env[name] ?? "-";
    const watch = watched(
      (present) => {
        for (const name of ["A", "B", "C", "D"]) {
          assert.equal(present.variable(name), present.value({ kind: "env", path: "", name }));
        }
      },
      { variable },
    );
    assert.deepEqual(tree({ watch, variable }).scan(), []);
    env["A"] = "2";
    env["C"] = "1";
    delete env["B"];
    const present = tree({ watch, variable });
    assert.deepEqual(present.scan(), [
      { kind: "e", path: "A", before: "1" },
      { kind: "e", path: "B", before: "1" },
      { kind: "e", path: "C", before: "-" },
    ]);
    assert.equal(present.variable("A"), "2");
    assert.deepEqual(tree({ watch: present.entries(), variable }).scan(), []);
  });

  test("sees a package that was upgraded", () => {
    write("site/one-1.0.dist-info/RECORD", "1");
    const options = { siteDirectories: [join(root, "site")] };
    const watch = watched((present) => present.packagesDigest("*"), options);
    assert.deepEqual(tree({ ...options, watch }).scan(), []);
    renameSync(join(root, "site", "one-1.0.dist-info"), join(root, "site", "one-1.1.dist-info"));
    assert.deepEqual(
      tree({ ...options, watch })
        .scan()
        .map(({ kind }) => kind),
      ["p"],
    );
  });
});

describe("sources", () => {
  let store: Store;
  beforeEach(() => {
    store = openStore(join(root, "store.db"));
  });

  test("are split once; the fingerprint is kept by content, and found when the file is gone", () => {
    write("a.py", SOURCE);
    const present = tree({ store });
    const source = present.source("a.py");
    assert.ok(source.kind === "source");
    assert.equal(source.blocks.toplevel, split(SOURCE).toplevel.checksum);
    assert.equal(source.blocks.body("f"), bodyOf(SOURCE, "f"));
    assert.deepEqual(source.blocks.imports, [{ level: 0, module: "b", names: [] }]);
    store.write(() => present.saveFingerprints(store));
    write("a.py", "A = 1\n");
    const later = tree({ store }).fingerprintOf("a.py", shaOf(SOURCE));
    assert.ok(later !== undefined && !("error" in later));
    assert.equal(later.body("f"), bodyOf(SOURCE, "f"));
    assert.equal(later.body("gone"), "-");
    assert.deepEqual(
      later.blocksAt(4, "f").map(({ qualname }) => qualname),
      ["f"],
    );
    assert.equal(tree({ store }).fingerprintOf("a.py", shaOf("never seen")), undefined);
    assert.equal(tree({ store }).fingerprintOf("gone.py", shaOf("never seen")), undefined);
    assert.deepEqual(tree().source("gone.py"), { kind: "absent" });
  });

  test("of another version of the splitter are split again", () => {
    write("a.py", SOURCE);
    store.write(() => store.setFingerprint(shaOf(SOURCE), JSON.stringify([-1, "another form"]), ["3.13.0"]));
    const source = tree({ store }).source("a.py");
    assert.ok(source.kind === "source" && source.blocks.body("f") === bodyOf(SOURCE, "f"));
  });

  test("that cannot be split are broken, with the reason", () => {
    write("a.py", "x = '''\n");
    const present = tree({ store });
    const source = present.source("a.py");
    assert.ok(source.kind === "broken");
    assert.equal(source.digest, shaOf("x = '''\n"));
    assert.match(source.message, /line 1/);
    assert.equal(present.broken("a.py"), source.message);
    assert.equal(present.broken("never asked.py"), undefined);
    // What cannot be split is not worth asking Python about.
    present.checkCompiles([{ kind: "f", path: "a.py", before: "-" }], () => assert.fail());
    store.write(() => present.saveFingerprints(store));
    assert.equal(tree({ store }).source("a.py").kind, "broken");
  });

  test("that are no files are broken", () => {
    mkdirSync(join(root, "a.py"));
    assert.ok(tree({ store }).source("a.py").kind === "broken");
  });

  test("are compiled before they are believed, if they changed in more than comments", () => {
    write("a.py", SOURCE);
    const first = tree({ store });
    first.noteCompiled("a.py", first.digest("a.py"));
    store.write(() => first.saveFingerprints(store));
    const watch = first.entries();
    const asked: string[] = [];
    const check = (answer: string | null | undefined, python = "3.13.0") => {
      const present = tree({ store, watch: structuredClone(watch), python });
      const changes = present.scan();
      present.checkCompiles(changes, (paths) => {
        asked.push(...paths);
        return new Map(answer === undefined ? [] : paths.map((path) => [path, answer]));
      });
      return present;
    };
    write("a.py", `# said\n${SOURCE.replace("return 1", "return 1  # one")}`);
    assert.equal(check("line 1: no").source("a.py").kind, "source");
    assert.deepEqual(asked, []);

    // Nobody calls it, but it breaks whoever imports the file.
    write("a.py", SOURCE.replace("return 1", "return 1 1"));
    const broken = check("line 5: invalid syntax");
    assert.deepEqual(asked.splice(0), [join(root, "a.py")]);
    assert.equal(broken.broken("a.py"), "line 5: invalid syntax");
    const digest = broken.digest("a.py");
    assert.deepEqual(broken.brokenFiles(), { "a.py": { digest, message: "line 5: invalid syntax" } });
    assert.equal(broken.value({ kind: "toplevel", path: "a.py", name: "" }), `!${digest}`);
    assert.equal(broken.value({ kind: "body", path: "a.py", name: "f" }), `!${digest}`);
    // Known to be broken: from then on without Python.
    assert.equal(tree({ store, broken: broken.brokenFiles() }).source("a.py").kind, "broken");

    // A compiler that does not answer is no proof.
    assert.equal(check(undefined).broken("a.py"), "it could not be compiled");
    asked.splice(0);

    // What is mended is no longer broken.
    write("a.py", SOURCE.replace("return 1", "return 2"));
    const mended = tree({ store, watch: structuredClone(watch), broken: broken.brokenFiles() });
    mended.checkCompiles(mended.scan(), (paths) => new Map(paths.map((path) => [path, null])));
    assert.equal(mended.source("a.py").kind, "source");
    assert.deepEqual(mended.brokenFiles(), {});
    store.write(() => mended.saveFingerprints(store));

    // Seen to compile once, on that version.
    assert.equal(check("line 1: no").source("a.py").kind, "source");
    assert.deepEqual(asked.splice(0), []);
    assert.equal(check("line 1: no", "3.8.0").source("a.py").kind, "broken");
    assert.deepEqual(asked.splice(0), [join(root, "a.py")]);
  });

  test("without the suffix are compiled too, if they were ever loaded; data is not", () => {
    write("tool", SOURCE);
    write("data", "1 1\n");
    const first = tree({ store });
    first.noteCompiled("tool", first.digest("tool"));
    first.digest("data");
    store.write(() => first.saveFingerprints(store));
    const watch = first.entries();
    write("tool", SOURCE.replace("1", "1 1"));
    write("data", "2 2\n");
    const asked: string[] = [];
    const present = tree({ store, watch });
    present.checkCompiles(present.scan(), (paths) => {
      asked.push(...paths);
      return new Map(paths.map((path) => [path, "no"]));
    });
    assert.deepEqual(asked, [join(root, "tool")]);
    assert.equal(present.source("tool").kind, "broken");
  });

  test("a removed file is not compiled", () => {
    write("a.py", SOURCE);
    const watch = watched((present) => present.digest("a.py"));
    rmSync(join(root, "a.py"));
    const present = tree({ store, watch });
    present.checkCompiles(present.scan(), () => assert.fail());
    assert.equal(present.source("a.py").kind, "absent");
  });
});

test("two trees see alike if interpreter, packages and search path are the same", () => {
  const one = tree();
  assert.equal(one.viewpoint, tree().viewpoint);
  for (const more of [{ python: "3.12.0" }, { siteDirectories: ["/s"] }, { searchRoots: ["src"] }]) {
    assert.notEqual(tree(more).viewpoint, one.viewpoint);
  }
});

test("files that hold pytest's configuration are told by their names", () => {
  assert.ok(
    ["pytest.ini", "a/pyproject.toml", "../tox.ini", "setup.cfg", "setup.py", ".pytest.ini", "pytest.toml"].every(
      isConfigurationFile,
    ),
  );
  assert.ok(!["a.py", "conftest.py", "my-pytest.ini"].some(isConfigurationFile));
  assert.equal(namesDigest([]), textDigest(""));
});
