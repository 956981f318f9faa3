import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Dependency } from "../../src/model/key.ts";
import { attribute, type RecordedSet, type RecordedTest, type Recording } from "../../src/recording/attribute.ts";
import { type CodeAt, JournalBuilder } from "../support/journal.ts";
import { bodyOf, type Files, MemoryTree, memoryWorld, shaOf, split } from "../support/memory-tree.ts";

const CORE = "LIMIT = 1\n\n\ndef one():\n    return LIMIT\n\n\ndef two():\n    return one() + 1\n";
const TEST =
  "import core\n\n\ndef test_one():\n    assert core.one() == 1\n\n\ndef test_two():\n    assert core.two() == 2\n";
const ONE: CodeAt = ["core.py", 4, "one"];
const TWO: CodeAt = ["core.py", 8, "two"];
const TEST_ONE: CodeAt = ["test_core.py", 4, "test_one"];
const TEST_TWO: CodeAt = ["test_core.py", 8, "test_two"];
const FILES: Files = { "core.py": CORE, "test_core.py": TEST };

type Options = Parameters<typeof memoryWorld>[1];

function recordingOf(builder: JournalBuilder, files: Files, options: Options = {}): Recording {
  return attribute(builder.frames, memoryWorld(new MemoryTree(files), options));
}

function text({ kind, path, name }: Dependency): string {
  return [kind, path, name].filter((part) => part !== "").join(" ");
}

function members(recording: Recording, sets: readonly RecordedSet[]): Dependency[] {
  return [...new Set(sets.flatMap((set) => set.members))].map((member) => recording.dependencies[member] as Dependency);
}

/** All that a test or collection depends on, as texts. */
function keys(recording: Recording, of: { readonly sets: readonly RecordedSet[] }): string[] {
  return [...new Set(members(recording, of.sets).map(text))].sort();
}

function testOf(recording: Recording, id: string): RecordedTest {
  const found = recording.tests.find(({ frame }) => frame.id === id);
  assert.ok(found !== undefined, `no test ${id}`);
  return found;
}

function lostOf({ sets }: { readonly sets: readonly RecordedSet[] }): string | undefined {
  return sets.find(({ lost }) => lost !== undefined)?.lost;
}

function has(recording: Recording, of: { readonly sets: readonly RecordedSet[] }, ...wanted: string[]): void {
  const all = keys(recording, of);
  for (const key of wanted) {
    assert.ok(all.includes(key), `${key} is not among ${all.join(", ")}`);
  }
}

function lacks(recording: Recording, of: { readonly sets: readonly RecordedSet[] }, ...unwanted: string[]): void {
  const all = keys(recording, of);
  for (const key of unwanted) {
    assert.ok(!all.includes(key), `${key} is among ${all.join(", ")}`);
  }
}

/** The session, `core` and `test_core`, collected: context 1 is core's import, 2 the test file's, 3 its collection. */
function begun(files: Files = FILES): JournalBuilder {
  return new JournalBuilder()
    .start()
    .session()
    .context(0, "session", "session")
    .module("core.py", { sha: shaOf(files["core.py"] ?? ""), ctx: 1 })
    .module("test_core.py", { sha: shaOf(files["test_core.py"] ?? ""), ctx: 2, uses: [1] })
    .context(3, "file", "test_core.py", { uses: [2] })
    .collected("test_core.py", 3, ["test_core.py::test_one", "test_core.py::test_two"]);
}

function both(builder: JournalBuilder): JournalBuilder {
  return builder
    .test("test_core.py::test_one", "test_core.py", { uses: [3], codes: [TEST_ONE, ONE] })
    .test("test_core.py::test_two", "test_core.py", { uses: [3], codes: [TEST_TWO, TWO, ONE] })
    .end();
}

/** Conftest and package files that are looked for beside a file in the root. */
const ABOVE = ["file __init__.py", "file conftest.py"];

describe("a test", () => {
  test("depends on the bodies that it ran, on the module level of all that is imported, and on nothing else", () => {
    const recording = recordingOf(both(begun()), FILES);
    assert.deepEqual(keys(recording, testOf(recording, "test_core.py::test_one")), [
      "body core.py one",
      "body test_core.py test_one",
      ...ABOVE,
      "resolve core",
      "resolve test_core",
      "toplevel core.py",
      "toplevel test_core.py",
    ]);
    const two = testOf(recording, "test_core.py::test_two");
    has(recording, two, "body core.py one", "body core.py two", "body test_core.py test_two");
    lacks(recording, two, "body test_core.py test_one");
    assert.equal(lostOf(two), undefined);
  });

  test("depends on the values of what was loaded, whatever the files contain by now", () => {
    const now = { ...FILES, "core.py": CORE.replace("+ 1", "+ 2") };
    const recording = recordingOf(both(begun()), now, { more: [CORE] });
    const found = members(recording, testOf(recording, "test_core.py::test_two").sets);
    const value = (key: string): string | undefined => found.find((each) => text(each) === key)?.value;
    assert.equal(value("body core.py two"), bodyOf(CORE, "two"));
    assert.equal(value("toplevel core.py"), split(CORE).toplevel.checksum);
    assert.equal(value("file conftest.py"), "-");
  });

  test("that ran what an earlier one ran depends on it all the same", () => {
    const recording = recordingOf(
      begun()
        .test("a", "test_core.py", { uses: [3], codes: [ONE] })
        .test("b", "test_core.py", { uses: [3], codes: [ONE] })
        .end(),
      FILES,
    );
    has(recording, testOf(recording, "a"), "body core.py one");
    has(recording, testOf(recording, "b"), "body core.py one");
  });

  test("has its sets in the order that the store describes", () => {
    const recording = recordingOf(
      begun()
        .context(4, "fixture", "::db")
        .test("a", "test_core.py", { uses: [3, 4], codes: [ONE] })
        .end(),
      FILES,
      { surroundings: [{ kind: "packages", path: "", name: "", value: "p" }] },
    );
    const { sets } = testOf(recording, "a");
    assert.equal(sets.length, 4);
    assert.deepEqual(members(recording, [sets[0] as RecordedSet]).map(text), ["packages"]);
    assert.ok(
      members(recording, [sets[1] as RecordedSet])
        .map(text)
        .includes("toplevel test_core.py"),
    );
    assert.deepEqual(members(recording, [sets[2] as RecordedSet]).map(text), ["body core.py one"]);
  });

  test("shares the sets of its file and its fixtures with others: one set each", () => {
    const recording = recordingOf(
      begun()
        .context(4, "fixture", "::db", { codes: [TWO] })
        .test("a", "test_core.py", { uses: [3, 4] })
        .test("b", "test_core.py", { uses: [4, 3] })
        .end(),
      FILES,
    );
    const [a, b] = [testOf(recording, "a"), testOf(recording, "b")];
    assert.equal(a.sets[1], b.sets[1]);
    assert.equal(a.sets[3], b.sets[3]);
    assert.equal(recording.collections[0]?.sets[1], a.sets[1]);
  });
});

describe("code", () => {
  test("of a lambda counts for the functions around it", () => {
    const source = "def outer():\n    return [\n        lambda: 1,\n    ]\n";
    const files = { ...FILES, "core.py": source };
    const recording = recordingOf(
      begun(files)
        .test("a", "test_core.py", { uses: [3], codes: [["core.py", 3, "<lambda>"]] })
        .end(),
      files,
    );
    has(recording, testOf(recording, "a"), "body core.py outer");
  });

  test("of a module counts as its module level, with all that it leads to", () => {
    const recording = recordingOf(
      begun()
        .module("late.py", { sha: shaOf("import core\n"), ctx: 9 })
        .test("a", "test_core.py", { codes: [["late.py", 1, "<module>"]] })
        .end(),
      { ...FILES, "late.py": "import core\n" },
    );
    const own = testOf(recording, "a").sets[2] as RecordedSet;
    assert.ok(members(recording, [own]).map(text).includes("toplevel late.py"));
  });

  test("of a file that was compiled by somebody else counts as the whole file", () => {
    const files = { ...FILES, "page.html": "<p>" };
    const journal = begun()
      .test("a", "test_core.py", { uses: [3], codes: [["page.html", 1, "root"]] })
      .end();
    const recording = recordingOf(journal, files);
    const found = members(recording, testOf(recording, "a").sets).find((each) => each.path === "page.html");
    assert.deepEqual(found, { kind: "file", path: "page.html", name: "", value: shaOf("<p>") });
    assert.match(
      lostOf(testOf(recordingOf(journal, files, { young: ["page.html"] }), "a")) ?? "",
      /page\.html changed/,
    );
  });

  test("of such a file counts by what was read, if that is known", () => {
    const journal = begun()
      .test("a", "test_core.py", {
        uses: [3],
        codes: [["page.html", 1, "root"]],
        inputs: [["file", "page.html", "sha-read"]],
      })
      .end();
    const recording = recordingOf(journal, { ...FILES, "page.html": "<p>" }, { young: ["page.html"] });
    const found = members(recording, testOf(recording, "a").sets).filter((each) => each.path === "page.html");
    assert.deepEqual(
      found.map(({ value }) => value),
      ["sha-read"],
    );
  });

  test("that the journal never announced costs the fact", () => {
    const builder = begun();
    builder.add({ ...testFrame("a"), file: builder.file("test_core.py") }, [77]);
    assert.equal(lostOf(testOf(recordingOf(builder.end(), FILES), "a")), "the journal is not complete");
  });

  test("of a content that is gone costs the facts of those who ran it, and no others", () => {
    const gone = shaOf("something that nobody has");
    const recording = recordingOf(
      begun()
        .module("late.py", { sha: gone, ctx: 9 })
        .test("a", "test_core.py", { uses: [3], codes: [["late.py", 1, "f"]] })
        .test("b", "test_core.py", { uses: [3], codes: [ONE] })
        .end(),
      { ...FILES, "late.py": "X = 1\n" },
    );
    assert.match(lostOf(testOf(recording, "a")) ?? "", /late\.py changed/);
    assert.equal(lostOf(testOf(recording, "b")), undefined);
  });

  test("of a module whose content is not known, or was two different ones, costs the fact", () => {
    for (const shas of [
      [null],
      [shaOf("X = 1\n"), shaOf("X = 2\n")],
      [null, shaOf("X = 1\n")],
      [shaOf("X = 1\n"), null],
    ]) {
      const builder = begun();
      shas.forEach((sha, index) => {
        builder.module("late.py", { sha, ctx: 20 + index });
      });
      builder.test("a", "test_core.py", { uses: [3], codes: [["late.py", 1, "<module>"]] }).end();
      const recording = recordingOf(builder, { ...FILES, "late.py": "X = 1\n" }, { more: ["X = 2\n"] });
      assert.match(lostOf(testOf(recording, "a")) ?? "", /late\.py changed/, JSON.stringify(shas));
    }
  });
});

function testFrame(id: string) {
  return {
    k: "test",
    id,
    file: 0,
    uses: [],
    inputs: [],
    opaque: [],
    outcome: "passed",
    green: true,
    reruns: 0,
    duration: 0,
    started: 0,
  } as const;
}

describe("the import closure", () => {
  /** A test file that imports `a`; `sources` are loaded, each in its own context, in that order, nobody using anybody. */
  function closure(sources: Files, more: (builder: JournalBuilder) => void = () => {}): string[] {
    const builder = new JournalBuilder().start().session().context(0, "session", "session");
    let ctx = 10;
    for (const [path, source] of Object.entries(sources)) {
      builder.module(path, { sha: shaOf(source), ctx: ctx++ });
    }
    builder.context(1, "file", "test_a.py").collected("test_a.py", 1, ["t"]);
    more(builder);
    builder.test("t", "test_a.py", { uses: [1] }).end();
    const recording = recordingOf(builder, sources);
    const found = testOf(recording, "t");
    assert.equal(lostOf(found), undefined);
    return keys(recording, found)
      .filter((key) => key.startsWith("toplevel "))
      .map((key) => key.slice("toplevel ".length));
  }

  test("follows imports through modules that were loaded long before", () => {
    const sources = { "c.py": "X = 1\n", "b.py": "import c\n", "a.py": "from b import c\n", "test_a.py": "import a\n" };
    assert.deepEqual(closure(sources), ["a.py", "b.py", "c.py", "test_a.py"]);
  });

  test("goes round in a circle once", () => {
    const sources = { "a.py": "import b\n", "b.py": "import a\n", "test_a.py": "import a\n" };
    assert.deepEqual(closure(sources), ["a.py", "b.py", "test_a.py"]);
  });

  test("leaves out what was loaded for others, and what was never loaded", () => {
    const sources = { "a.py": "if False:\n    import gone\n", "other.py": "X = 1\n", "test_a.py": "import a\n" };
    assert.deepEqual(closure(sources), ["a.py", "test_a.py"]);
  });

  test("has what is installed under the names that a module and its bodies import, and what those were seen to import", () => {
    const files = {
      "a.py": "import os, web.views\nimport gone\nfrom . import c\ndef f():\n    from lazy import x\n    import own\n",
      "own.py": "import pkg_resources\n",
    };
    const world = memoryWorld(new MemoryTree(files, [""], "web-1 lazy-1 fast-2"));
    const builder = new JournalBuilder().start().session();
    builder.context(0, "session", "session", {
      inputs: [
        ["edge", "web>fast"],
        ["edge", "fast>web"],
        ["edge", "x>y"],
      ],
    });
    builder.module("a.py", { sha: shaOf(files["a.py"]), ctx: 1 });
    builder.module("own.py", { sha: shaOf(files["own.py"]), ctx: 2 });
    builder.test("a.py::test_it", "a.py", { codes: [["a.py", 4, "f"]] });
    builder.test("a.py::test_named", "a.py", {
      inputs: [
        ["package", "lazy"],
        ["package", "dist Lazy"],
        ["package", "*"],
      ],
    });
    const recording = attribute(builder.frames, world);
    const of = (index: number): string[] =>
      members(recording, recording.tests[index]?.sets ?? [])
        .filter(({ kind }) => kind.startsWith("package"))
        .map(({ kind, name, value }) => `${kind} ${name} ${value}`)
        .sort();
    assert.deepEqual(of(0), [
      "package fast fast-2",
      "package gone -",
      "package lazy lazy-1",
      "package web web-1",
      "packages * *web-1 lazy-1 fast-2",
    ]);
    assert.deepEqual(of(1), [
      "package dist Lazy -",
      "package fast fast-2",
      "package gone -",
      "package lazy lazy-1",
      "package web web-1",
      "packages * *web-1 lazy-1 fast-2",
    ]);
  });

  test("has the packages that a module lies in", () => {
    const sources = {
      "p/__init__.py": "X = 1\n",
      "p/q/__init__.py": "Y = 1\n",
      "p/q/m.py": "Z = 1\n",
      "test_a.py": "import p.q.m\n",
    };
    assert.deepEqual(closure(sources), ["p/__init__.py", "p/q/__init__.py", "p/q/m.py", "test_a.py"]);
  });

  test("tells a submodule from a name in `from p import m`", () => {
    const sources = { "p/__init__.py": "n = 1\n", "p/m.py": "", "p/o.py": "", "test_a.py": "from p import m, n\n" };
    assert.deepEqual(closure(sources), ["p/__init__.py", "p/m.py", "test_a.py"]);
  });

  test("takes all loaded submodules for `from p import *`, whose __all__ may name them", () => {
    const sources = {
      "p/__init__.py": "__all__ = ['m']\n",
      "p/m.py": "",
      "pq.py": "",
      "test_a.py": "from p import *\n",
    };
    assert.deepEqual(closure(sources), ["p/__init__.py", "p/m.py", "test_a.py"]);
  });

  test("resolves relative imports from modules and from packages", () => {
    const sources = {
      "p/__init__.py": "from . import a\n",
      "p/a.py": "from .b import x\nfrom .. import nothing\n",
      "p/b.py": "x = 1\n",
      "p/s/__init__.py": "from ..b import x\nfrom .c import y\n",
      "p/s/c.py": "y = 1\n",
      "p/unrelated.py": "",
      "test_a.py": "import p.s\n",
    };
    assert.deepEqual(closure(sources), [
      "p/__init__.py",
      "p/a.py",
      "p/b.py",
      "p/s/__init__.py",
      "p/s/c.py",
      "test_a.py",
    ]);
  });

  test("resolves them where the module does not say its package", () => {
    const builder = new JournalBuilder().start().session();
    const sources = { "p/a.py": "from . import b\n", "p/b.py": "X = 1\n", "test_a.py": "import p.a\n" };
    builder
      .module("p/b.py", { sha: shaOf(sources["p/b.py"]), ctx: 5, package: null })
      .module("p/a.py", { sha: shaOf(sources["p/a.py"]), ctx: 6, package: null })
      .module("test_a.py", { sha: shaOf(sources["test_a.py"]), ctx: 7 })
      .context(1, "file", "test_a.py")
      .collected("test_a.py", 1, ["t"])
      .test("t", "test_a.py", { uses: [1] })
      .end();
    const recording = recordingOf(builder, sources);
    has(recording, testOf(recording, "t"), "toplevel p/b.py");
  });

  test("knows a module under each of its names", () => {
    const sources = { "lib/m.py": "X = 1\n", "test_a.py": "import m\n" };
    const builder = new JournalBuilder()
      .start()
      .session()
      .module("lib/m.py", { sha: shaOf(sources["lib/m.py"]), ctx: 5, name: "lib.m" })
      .module("lib/m.py", { sha: shaOf(sources["lib/m.py"]), ctx: 6, name: "m", codes: [["lib/m.py", 1, "<module>"]] })
      .module("test_a.py", { sha: shaOf(sources["test_a.py"]), ctx: 7 })
      .context(1, "file", "test_a.py")
      .collected("test_a.py", 1, ["t"])
      .test("t", "test_a.py", { uses: [1] })
      .end();
    const recording = recordingOf(builder, sources);
    has(recording, testOf(recording, "t"), "toplevel lib/m.py", "resolve m", "resolve lib.m", "resolve lib");
  });

  test("follows what was observed, which no text shows", () => {
    const sources = { "plugin.py": "X = 1\n", "a.py": "import importlib\n", "test_a.py": "import a\n" };
    const found = closure(sources, (builder) => {
      // `a` imported the plugin by a computed name.
      builder.context(11, "import", "a.py", { uses: [10] });
    });
    assert.deepEqual(found, ["a.py", "plugin.py", "test_a.py"]);
  });

  test("follows imports in the bodies that ran, and in no others", () => {
    const core = "def f():\n    import late\n    return late\n\n\ndef g():\n    import later\n    return later\n";
    const sources = { "late.py": "X = 1\n", "later.py": "X = 1\n", "core.py": core, "test_a.py": "import core\n" };
    const found = closure(sources, (builder) => {
      builder.test("other", "test_a.py", { codes: [["core.py", 6, "g"]] });
      builder.context(1, "file", "test_a.py", { codes: [["core.py", 1, "f"]] });
    });
    assert.deepEqual(found, ["core.py", "late.py", "test_a.py"]);
  });

  test("has what ran while a module was imported, also when that was for an earlier test", () => {
    const sources = {
      "maker.py": "def make():\n    return 1\n",
      "a.py": "from maker import make\nX = make()\n",
      "test_a.py": "",
    };
    const builder = new JournalBuilder()
      .start()
      .session()
      .module("maker.py", { sha: shaOf(sources["maker.py"]), ctx: 5 })
      .module("a.py", { sha: shaOf(sources["a.py"]), ctx: 6, uses: [5], codes: [["maker.py", 1, "make"]] })
      .module("test_a.py", { sha: shaOf(""), ctx: 7 })
      .context(1, "file", "test_a.py")
      .collected("test_a.py", 1, ["first", "second"])
      .test("first", "test_a.py", { uses: [1, 6] })
      .test("second", "test_a.py", { uses: [1], codes: [["a.py", 2, "<lambda>"]] })
      .test("third", "test_a.py", { uses: [1] })
      .end();
    const recording = recordingOf(builder, sources);
    for (const id of ["first", "second"]) {
      has(recording, testOf(recording, id), "body maker.py make", "toplevel a.py", "toplevel maker.py");
    }
    lacks(recording, testOf(recording, "third"), "body maker.py make", "toplevel a.py");
  });

  test("has the packages of a module that no text imports, and those of a name that stands for another module", () => {
    const sources = {
      "p/__init__.py": "X = 1\n",
      "p/m.py": "Y = 1\n",
      "q/__init__.py": "",
      "test_a.py": "import q.gone\n",
    };
    const found = closure(sources, (builder) => {
      builder.context(1, "file", "test_a.py", { uses: [11] });
    });
    assert.deepEqual(found, ["p/__init__.py", "p/m.py", "q/__init__.py", "test_a.py"]);
  });

  test("has what an import read, filled and called, though no text says so", () => {
    const sources = {
      "registry.py": "import helper\ndef call(f):\n    return f()\n",
      "helper.py": "H = 1\n",
      "cached.py": "def table():\n    return 1\n",
      "a.py": "X = CALLBACK()\n",
      "test_a.py": "import a\n",
    };
    const builder = new JournalBuilder().start().session();
    let ctx = 10;
    for (const [path, source] of Object.entries(sources)) {
      builder.module(path, { sha: shaOf(source), ctx: ctx++ });
    }
    builder
      .context(20, "fixture", "cache::cached.table", { codes: [["cached.py", 1, "table"]] })
      .context(13, "import", "a.py", {
        uses: [20],
        codes: [["registry.py", 2, "call"]],
        inputs: [["file", "data.txt", "d"]],
      })
      .context(1, "file", "test_a.py")
      .collected("test_a.py", 1, ["t"])
      .test("t", "test_a.py", { uses: [1] })
      .end();
    const recording = recordingOf(builder, sources);
    has(
      recording,
      testOf(recording, "t"),
      "body registry.py call",
      "toplevel registry.py",
      "toplevel helper.py",
      "body cached.py table",
      "toplevel cached.py",
      "file data.txt",
    );
  });

  test("with a module of unknown content in it is lost, and so is one whose import ran such a module", () => {
    const sources: Files = { "a.py": "import lost\n", "lost.py": "X = 1\n", "test_a.py": "import a\n" };
    for (const observed of [false, true]) {
      const builder = new JournalBuilder()
        .start()
        .session()
        .module("lost.py", { sha: null, ctx: 5 })
        .module("a.py", {
          sha: shaOf(observed ? "" : (sources["a.py"] ?? "")),
          ctx: 6,
          codes: observed ? [["lost.py", 1, "f"]] : [],
        })
        .module("test_a.py", { sha: shaOf(sources["test_a.py"] ?? ""), ctx: 7 })
        .context(1, "file", "test_a.py")
        .collected("test_a.py", 1, ["t"])
        .test("t", "test_a.py", { uses: [1] })
        .end();
      const recording = recordingOf(builder, sources, { more: [""] });
      assert.match(lostOf(testOf(recording, "t")) ?? "", /lost\.py changed/);
      assert.match(lostOf(recording.collections[0] ?? { sets: [] }) ?? "", /lost\.py changed/);
    }
  });

  test("depends on the resolution of each name and of the packages that it lies in", () => {
    const sources = { "n/m.py": "X = 1\n", "test_a.py": "import n.m\n" };
    const builder = new JournalBuilder()
      .start()
      .session()
      .module("n/m.py", { sha: shaOf(sources["n/m.py"]), ctx: 5 })
      .module("test_a.py", { sha: shaOf(sources["test_a.py"]), ctx: 7 })
      .context(1, "file", "test_a.py")
      .collected("test_a.py", 1, ["t"])
      .test("t", "test_a.py", { uses: [1] })
      .end();
    const recording = recordingOf(builder, sources);
    const found = members(recording, testOf(recording, "t").sets);
    const value = (name: string): string | undefined =>
      found.find((each) => each.kind === "resolve" && each.name === name)?.value;
    assert.equal(value("n"), "n/");
    assert.equal(value("n.m"), "n/m.py");
  });

  test("makes a source that cannot be split opaque: what it imports is not known", () => {
    const odd = "# coding: odd\nimport a\n";
    const files = { ...FILES, "odd.py": odd };
    const builder = begun()
      .module("odd.py", { sha: shaOf(odd), ctx: 9 })
      .test("a", "test_core.py", { uses: [3, 9] })
      .test("b", "test_core.py", { uses: [3] })
      .end();
    const recording = recordingOf(builder, files, { unsplit: { [shaOf(odd)]: "its encoding is not known" } });
    assert.match(
      testOf(recording, "a")
        .sets.flatMap(({ opaque }) => opaque)
        .join(),
      /odd\.py.*encoding/,
    );
    has(recording, testOf(recording, "a"), "toplevel odd.py");
    assert.deepEqual(
      testOf(recording, "b").sets.flatMap(({ opaque }) => opaque),
      [],
    );
  });
});

describe("fixtures", () => {
  test("count for those who use them, directly or through others, with setup and teardown", () => {
    const recording = recordingOf(
      begun()
        .context(4, "fixture", "::inner", { codes: [ONE] })
        .context(5, "fixture", "::outer", { uses: [4] })
        .test("direct", "test_core.py", { uses: [3, 4] })
        .test("through", "test_core.py", { uses: [3, 5] })
        .test("none", "test_core.py", { uses: [3] })
        .context(6, "teardown", "::inner", { of: 4, codes: [TWO], inputs: [["file", "data.txt", "d1"]] })
        .end(),
      FILES,
    );
    for (const id of ["direct", "through"]) {
      has(recording, testOf(recording, id), "body core.py one", "body core.py two", "file data.txt");
    }
    lacks(recording, testOf(recording, "none"), "body core.py one", "body core.py two", "file data.txt");
    assert.ok(
      members(recording, [recording.teardowns.get("::inner") as RecordedSet]).some(
        (each) => text(each) === "body core.py two",
      ),
    );
    assert.equal(recording.teardowns.has("::outer"), false);
  });

  test("are made of all frames of their context, whenever they came", () => {
    const recording = recordingOf(
      begun()
        .context(4, "fixture", "::db", { codes: [ONE] })
        .test("early", "test_core.py", { uses: [3, 4] })
        .context(4, "fixture", "::db", { codes: [TWO], opaque: ["a child process"] })
        .end(),
      FILES,
    );
    has(recording, testOf(recording, "early"), "body core.py one", "body core.py two");
    assert.deepEqual(
      testOf(recording, "early").sets.flatMap(({ opaque }) => opaque),
      ["a child process"],
    );
  });

  test("have their teardown also where its frame comes before their own", () => {
    const recording = recordingOf(
      begun()
        .context(6, "teardown", "::db", { of: 4, codes: [TWO] })
        .context(4, "fixture", "::db")
        .test("a", "test_core.py", { uses: [3, 4] })
        .end(),
      FILES,
    );
    has(recording, testOf(recording, "a"), "body core.py two");
  });

  test("miss their teardown if the process died before it, and only then", () => {
    const begin = (): JournalBuilder =>
      begun()
        .context(4, "fixture", "::seen")
        .context(5, "fixture", "::unseen", { uses: [4] })
        .context(7, "fixture", "cache::core.one")
        .test("a", "test_core.py", { uses: [3, 5, 7] })
        .context(6, "teardown", "::seen", { of: 4 });
    const missing = (recording: Recording): string[] =>
      testOf(recording, "a").sets.flatMap((set) => set.missingTeardowns);
    const died = recordingOf(begin(), FILES);
    assert.equal(died.ended, false);
    assert.deepEqual(missing(died), ["::unseen"]);
    const ended = recordingOf(begin().end(), FILES);
    assert.equal(ended.ended, true);
    assert.deepEqual(missing(ended), []);
  });

  test("that a test uses and the journal does not have cost the fact", () => {
    const recording = recordingOf(
      begun()
        .test("a", "test_core.py", { uses: [3, 44] })
        .end(),
      FILES,
    );
    assert.equal(lostOf(testOf(recording, "a")), "the journal is not complete");
    const through = begun()
      .context(4, "fixture", "::f", { uses: [44] })
      .test("a", "test_core.py", { uses: [3, 4] })
      .end();
    assert.equal(lostOf(testOf(recordingOf(through, FILES), "a")), "the journal is not complete");
  });
});

describe("the session", () => {
  test("concerns every test and collection: hooks, inputs, surroundings, and what was loaded before", () => {
    const recording = recordingOf(
      both(
        begun()
          .context(0, "session", "session", { codes: [TWO], inputs: [["import", "random"]], opaque: ["forked"] })
          .preloaded("sitecustomize.py", "s1"),
      ),
      FILES,
      { surroundings: [{ kind: "config", path: "", name: "", value: "c" }] },
    );
    for (const each of [...recording.tests, ...recording.collections]) {
      has(recording, each, "body core.py two", "resolve random", "file sitecustomize.py", "config", "toplevel core.py");
      assert.ok(each.sets.flatMap(({ opaque }) => opaque).includes("forked"));
    }
  });

  test("with a module of unknown content loaded before is lost as a whole", () => {
    const recording = recordingOf(both(begun().preloaded("sitecustomize.py", null)), FILES);
    for (const each of [...recording.tests, ...recording.collections]) {
      assert.equal(lostOf(each), "a module was loaded before recording began");
    }
  });

  test("is complete once any of its frames says so, and has all roots ever seen", () => {
    const builder = new JournalBuilder()
      .start()
      .session({ roots: ["tests", "."] })
      .session({ roots: ["src"], complete: true })
      .session({ roots: ["."] });
    const sources = { "src/m.py": "X = 1\n", "t.py": "import m\n" };
    builder
      .module("src/m.py", { sha: shaOf(sources["src/m.py"]), ctx: 5, name: "m" })
      .module("t.py", { sha: shaOf(sources["t.py"]), ctx: 6 })
      .context(1, "file", "t.py")
      .collected("t.py", 1, ["t"])
      .test("t", "t.py", { uses: [1] })
      .end();
    const recording = recordingOf(builder, sources);
    assert.equal(recording.session?.complete, true);
    const found = members(recording, testOf(recording, "t").sets).find(
      (each) => each.kind === "resolve" && each.name === "m",
    );
    assert.equal(found?.value, "src/m.py");
  });
});

describe("above a test file", () => {
  const sources: Files = {
    "conftest.py": "A = 1\n",
    "tests/__init__.py": "",
    "tests/conftest.py": "import helper\n",
    "helper.py": "H = 1\n",
    "tests/deep/test_a.py": "",
    "other/conftest.py": "O = 1\n",
  };

  function above(files: Files, options: Options = {}): { recording: Recording; test: RecordedTest } {
    const builder = new JournalBuilder().start().session();
    let ctx = 10;
    for (const [path, source] of Object.entries(sources)) {
      builder.module(path, {
        sha: shaOf(source),
        ctx: ctx++,
        ...(path.endsWith("conftest.py") ? { name: "conftest" } : {}),
      });
    }
    builder
      .context(1, "file", "tests/deep/test_a.py")
      .collected("tests/deep/test_a.py", 1, ["t"])
      .test("t", "tests/deep/test_a.py", { uses: [1] })
      .end();
    const recording = recordingOf(builder, files, options);
    return { recording, test: testOf(recording, "t") };
  }

  test("every conftest counts with what it imports, and every one that is not there", () => {
    const { recording, test: found } = above(sources);
    has(
      recording,
      found,
      "toplevel conftest.py",
      "toplevel tests/conftest.py",
      "toplevel helper.py",
      "toplevel tests/__init__.py",
      "file tests/deep/conftest.py",
      "file tests/deep/__init__.py",
      "file __init__.py",
    );
    lacks(recording, found, "toplevel other/conftest.py", "file other/__init__.py");
    const absent = members(recording, found.sets).filter((each) => each.kind === "file");
    assert.deepEqual([...new Set(absent.map(({ value }) => value))], ["-"]);
  });

  test("one that appeared while tests ran costs the fact", () => {
    const { test: found } = above(sources, { young: ["tests/deep/conftest.py"] });
    assert.match(lostOf(found) ?? "", /tests\/deep\/conftest\.py changed/);
  });

  test("one that was never loaded counts as a file", () => {
    const { recording, test: found } = above({ ...sources, "tests/deep/conftest.py": "Z = 1\n" });
    const value = members(recording, found.sets).find((each) => each.path === "tests/deep/conftest.py")?.value;
    assert.equal(value, shaOf("Z = 1\n"));
  });

  test("a test file that is no module counts as a file, with what its collection read", () => {
    const builder = new JournalBuilder()
      .start()
      .session()
      .context(1, "file", "docs/test_x.txt", { inputs: [["file", "docs/data.json", "j"]] })
      .collected("docs/test_x.txt", 1, ["docs/test_x.txt::test_x.txt"])
      .test("docs/test_x.txt::test_x.txt", "docs/test_x.txt", { uses: [1] })
      .end();
    const recording = recordingOf(builder, { "docs/test_x.txt": ">>> 1\n1\n" });
    has(
      recording,
      recording.tests[0] as RecordedTest,
      "file docs/test_x.txt",
      "file docs/data.json",
      "file docs/conftest.py",
    );
    has(recording, recording.collections[0] as never, "file docs/test_x.txt", "file docs/data.json");
  });
});

describe("inputs", () => {
  test("become dependencies of whoever looked", () => {
    const recording = recordingOf(
      begun()
        .test("a", "test_core.py", {
          uses: [3],
          inputs: [
            ["file", "data.json", "d1"],
            ["file", "gone.json", "-"],
            ["listing", "data", ["b", "a", "x.pyc"]],
            ["listing", ".", ["core.py"]],
            ["import", "numpy"],
          ],
        })
        .test("b", "test_core.py", { uses: [3] })
        .end(),
      FILES,
    );
    const found = members(recording, (testOf(recording, "a").sets as RecordedSet[]).slice(2, 3));
    const world = memoryWorld(new MemoryTree({}));
    assert.deepEqual(
      found.map((each) => [text(each), each.value]),
      [
        ["file data.json", "d1"],
        ["file gone.json", "-"],
        ["listing data", world.namesDigest(["a", "b"])],
        ["listing", world.namesDigest(["core.py"])],
        ["resolve numpy", "-"],
      ],
    );
    lacks(recording, testOf(recording, "b"), "file data.json", "resolve numpy");
  });

  test("that changed while they were in use cost the fact of those who used them", () => {
    const recording = recordingOf(
      begun()
        .test("a", "test_core.py", { uses: [3], inputs: [["changed", "data.json"]] })
        .test("b", "test_core.py", { uses: [3] })
        .end(),
      FILES,
    );
    assert.equal(lostOf(testOf(recording, "a")), "data.json changed while it was in use");
    assert.equal(lostOf(testOf(recording, "b")), undefined);
  });

  test("opaque reasons stay with those whom they concern, wherever they come from", () => {
    const recording = recordingOf(
      begun()
        .module("late.py", { sha: shaOf("X = 1\n"), ctx: 9, opaque: ["runs a program"] })
        .context(4, "fixture", "::f", { opaque: ["starts a server"] })
        .test("a", "test_core.py", { uses: [3], opaque: ["reads a socket"] })
        .test("b", "test_core.py", { uses: [3, 9] })
        .test("c", "test_core.py", { uses: [3, 4] })
        .test("d", "test_core.py", { uses: [3], codes: [["late.py", 1, "<module>"]] })
        .test("e", "test_core.py", { uses: [3] })
        .end(),
      { ...FILES, "late.py": "X = 1\n" },
    );
    const opaque = (id: string): string[] => testOf(recording, id).sets.flatMap((set) => set.opaque);
    assert.deepEqual(opaque("a"), ["reads a socket"]);
    assert.deepEqual(opaque("b"), ["runs a program"]);
    assert.deepEqual(opaque("c"), ["starts a server"]);
    assert.deepEqual(opaque("d"), ["runs a program"]);
    assert.deepEqual(opaque("e"), []);
  });
});

describe("collections", () => {
  test("partial ones prove nothing of a file, but count for its tests", () => {
    const builder = new JournalBuilder()
      .start()
      .session()
      .module("core.py", { sha: shaOf(CORE), ctx: 1 })
      .module("test_core.py", { sha: shaOf(TEST), ctx: 2, uses: [1] })
      .context(3, "file", "test_core.py", { uses: [2], codes: [TWO] })
      .collected("test_core.py", 3, ["test_core.py::test_one"], { partial: true })
      .test("test_core.py::test_one", "test_core.py", { uses: [3], codes: [ONE] })
      .end();
    const recording = recordingOf(builder, FILES);
    assert.deepEqual(recording.collections, []);
    assert.deepEqual(recording.collectedPaths, ["test_core.py"]);
    has(recording, recording.tests[0] as RecordedTest, "body core.py two", "body core.py one");
  });

  test("a file that was collected twice depends on both", () => {
    const recording = recordingOf(
      begun()
        .context(8, "file", "test_core.py", { codes: [TWO] })
        .collected("test_core.py", 8, ["test_core.py::test_one"])
        .test("a", "test_core.py", { uses: [3] })
        .end(),
      FILES,
    );
    has(recording, testOf(recording, "a"), "body core.py two");
  });

  test("a test that uses the collection of another file depends on it too", () => {
    const recording = recordingOf(
      begun()
        .context(8, "file", "test_other.py", { codes: [TWO] })
        .test("a", "test_core.py", { uses: [3, 8] })
        .end(),
      FILES,
    );
    has(recording, testOf(recording, "a"), "body core.py two");
  });

  test("what was walked is told apart from what was listed", () => {
    const recording = recordingOf(
      begun()
        .context(5, "session", "walk", {
          inputs: [
            ["listing", ".", ["test_core.py"]],
            ["listing", "tests", ["b"]],
          ],
        })
        .test("a", "test_core.py", { uses: [3] })
        .end(),
      FILES,
    );
    assert.deepEqual(
      [...recording.walks],
      [
        ["", ["test_core.py"]],
        ["tests", ["b"]],
      ],
    );
    lacks(recording, testOf(recording, "a"), "listing", "listing tests");
  });
});

test("notes are passed on, and frames of a kind that a newer collector writes are passed over", () => {
  const builder = begun().add({ k: "note", message: "a debugger is attached" });
  builder.frames.push({ frame: { k: "from the future" } as never, codes: new Uint32Array() });
  const recording = recordingOf(both(builder), FILES);
  assert.deepEqual(recording.notes, ["a debugger is attached"]);
  assert.equal(recording.tests.length, 2);
});

test("an empty journal records nothing", () => {
  const recording = recordingOf(new JournalBuilder(), {});
  assert.deepEqual(
    [recording.tests, recording.collections, recording.session, recording.ended],
    [[], [], undefined, false],
  );
});
