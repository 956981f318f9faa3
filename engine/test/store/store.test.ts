import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { WinnowError } from "../../src/model/error.ts";
import { packDependencies } from "../../src/store/dependencies.ts";
import { STORE_FORMAT, writingError } from "../../src/store/notes.ts";
import { FACTS_PER_TEST, type NewFact, openStore, type Store } from "../../src/store/store.ts";

const top = mkdtempSync(join(tmpdir(), "winnow-store-"));
after(() => rmSync(top, { recursive: true, force: true }));
let places = 0;

function place(): string {
  places += 1;
  return join(top, `${places}.db`);
}

function withStore(work: (store: Store) => void): void {
  const store = openStore(place());
  try {
    work(store);
  } finally {
    store.close();
  }
}

function add(store: Store, environment: number, fact: NewFact): boolean {
  return store.write(() => store.addFact(environment, fact));
}

const fact = (test: number, more: object = {}) => ({
  test,
  outcome: "passed",
  green: true,
  durationUs: 5,
  at: 1,
  run: "r1",
  depsets: [1, 2],
  ...more,
});

describe("what is stored comes back", () => {
  test("notes, environments, interpreters, fingerprints, runs", () =>
    withStore((store) => {
      assert.equal(store.note("x"), undefined);
      store.setNote("x", "1");
      store.setNote("x", "2");
      assert.equal(store.note("x"), "2");
      assert.equal(store.environment("abc"), undefined);
      const id = store.internEnvironment("abc", "{}");
      assert.equal(store.internEnvironment("abc", "other"), id);
      assert.equal(store.environment("abc"), id);
      assert.equal(store.interpreter("py"), undefined);
      store.setInterpreter("py", "{}");
      assert.equal(store.interpreter("py"), "{}");
      assert.equal(store.fingerprint("h"), undefined);
      store.setFingerprint("h", "data", ["3.13.0"]);
      assert.deepEqual(store.fingerprint("h"), { data: "data", compiled: ["3.13.0"] });
      assert.equal(store.lastRun(), undefined);
      store.addRun("r1", 1, "{}");
      store.addRun("r2", 2, "{}");
      assert.deepEqual(store.lastRun(), { id: "r2", at: 2, data: "{}" });
      assert.equal(store.counts()["environment"], 1);
    }));

  test("the watch table", () =>
    withStore((store) => {
      assert.deepEqual(store.watch(), []);
      const entry = {
        kind: "f",
        path: "a/ü.py",
        digest: "d",
        size: 3,
        mtimeMs: 1.25,
        ctimeMs: 2,
        inode: 7,
        settled: true,
      } as const;
      store.setWatch([entry]);
      assert.deepEqual(store.watch(), [entry]);
    }));

  test("dependencies are interned by all that they consist of", () =>
    withStore((store) => {
      const one = { kind: "body", path: "a.py", name: "f", value: "1" } as const;
      const variants = [
        {},
        { value: "2" },
        { name: "g" },
        { path: "b.py" },
        { kind: "toplevel" as const },
        { path: "" },
      ];
      const ids = store.write(() => {
        const first = variants.map((more, index) => store.internDependency({ ...one, ...more }, index === 0));
        assert.deepEqual(
          variants.map((more) => store.internDependency({ ...one, ...more }, true)),
          first,
        );
        return first;
      });
      assert.equal(new Set(ids).size, variants.length);
      // In any order, over the borders of paths and transactions.
      const later = store.write(() => store.internDependency({ ...one, value: "3" }, true));
      for (const [index, id] of [...ids.entries()].reverse()) {
        assert.deepEqual(store.dependency(id), { ...one, ...variants[index], id, holds: index === 0 });
      }
      assert.equal(store.dependency(later)?.value, "3");
      assert.deepEqual([store.dependency(999), store.dependency(0)], [undefined, undefined]);
      assert.deepEqual(
        store.dependencies([later, 999, ids[3] ?? 0]).map(({ id }) => id),
        [later, ids[3]],
      );
      assert.deepEqual(store.falseIds(), ids.slice(1));
      assert.equal(store.lastDependencyId(), Math.max(later, ...ids));
      store.write(() => {
        store.setHolds(ids[0] ?? 0, false);
        store.setHolds(ids[1] ?? 0, true);
      });
      assert.equal(store.dependency(ids[0] ?? 0)?.holds, false);
      assert.equal(store.dependency(ids[1] ?? 0)?.holds, true);
      assert.deepEqual(
        store.dependenciesOfPath("b.py").map((each) => each.path),
        ["b.py"],
      );
      store.write(() => store.internDependency({ kind: "resolve", path: "", name: "m", value: "-" }, true));
      assert.deepEqual(
        store.dependenciesOfKind("resolve").map((each) => each.name),
        ["m"],
      );
      assert.deepEqual(store.dependenciesOfKind("packages"), []);
    }));

  test("dependencies are written in transactions only, and a failed one leaves none", () =>
    withStore((store) => {
      const one = { kind: "file", path: "a", name: "", value: "1" } as const;
      assert.throws(() => store.internDependency(one, true), /within `write` only/);
      assert.throws(() => store.setHolds(1, true), /within `write` only/);
      assert.throws(
        () =>
          store.write(() => {
            store.internDependency(one, false);
            throw new Error("no");
          }),
        /no/,
      );
      assert.deepEqual([store.dependenciesOfPath("a"), store.falseIds(), store.lastDependencyId()], [[], [], 0]);
    }));

  test("two processes intern without giving out a number twice", () => {
    const file = place();
    const stores = [openStore(file), openStore(file)];
    const ids = Array.from({ length: 20 }, (_, n) => {
      const store = stores[n % 2] as Store;
      const dependency = { kind: "file", path: `p${n % 3}`, name: "", value: String(n) } as const;
      return store.write(() => store.internDependency(dependency, true));
    });
    assert.equal(new Set(ids).size, 20);
    ids.forEach((id, n) => {
      assert.equal(stores[(n + 1) % 2]?.dependency(id)?.value, String(n));
    });
    for (const store of stores) {
      store.close();
    }
  });

  test("a known dependency keeps its truth, whatever is said of it again", () =>
    withStore((store) => {
      const one = { kind: "file", path: "a", name: "", value: "1" } as const;
      const id = store.write(() => store.internDependency(one, false));
      store.write(() => store.internDependency(one, true));
      assert.equal(store.dependency(id)?.holds, false);
    }));

  test("a dependency of a kind that a newer version may add is an error, never a dependency that holds", () => {
    const file = place();
    openStore(file).close();
    const raw = new DatabaseSync(file);
    raw.prepare("INSERT INTO dependency VALUES ('a', ?)").run(packDependencies([[1, 99, "", "v"]]));
    raw.close();
    const store = openStore(file);
    assert.throws(() => store.dependenciesOfPath("a"), /unknown kind/);
    store.close();
  });

  test("depsets are interned by their members", () =>
    withStore((store) => {
      const intern = (members: number[]): number => store.write(() => store.internDepset(members));
      const id = intern([1, 2, 300]);
      assert.equal(intern([1, 2, 300]), id);
      assert.notEqual(intern([1, 2, 301]), id);
      assert.deepEqual(store.depset(id), [1, 2, 300]);
      const empty = intern([]);
      assert.deepEqual(store.depset(empty), []);
      const seen: number[] = [];
      store.depsets().forEach((each) => {
        seen.push(each);
      });
      assert.equal(seen.length, 3);
    }));

  test("tests are told apart by node id and file", () =>
    withStore((store) => {
      const intern = (node: string, path: string): number => store.write(() => store.internTest(node, path));
      const one = intern("t.py::a", "x/t.py");
      assert.equal(intern("t.py::a", "x/t.py"), one);
      // Two rootdirs in one project: node ids are relative to pytest's, paths to Winnow's.
      assert.notEqual(intern("t.py::a", "y/t.py"), one);
      assert.deepEqual([...store.testNodes().values()], ["t.py::a", "t.py::a"]);
    }));

  test("scopes, walks, survivors and teardowns, each in its environment and selection", () =>
    withStore((store) => {
      store.setScope(1, "all", "[]", { roots: [""], settings: { customCollection: false } });
      assert.deepEqual(store.scopes(1, "all").get("[]"), { roots: [""], settings: { customCollection: false } });
      assert.equal(store.scopes(2, "all").size + store.scopes(1, "-k x").size, 0);
      store.setWalk(1, "all", "tests", ["a.py"]);
      store.setWalk(1, "all", "tests", ["a.py", "b.py"]);
      assert.deepEqual(store.walks(1, "all").get("tests"), ["a.py", "b.py"]);
      assert.equal(store.walks(2, "all").size + store.walks(1, "-k x").size, 0);
      store.setSurvivors(1, "all", null);
      store.setSurvivors(2, "all", [4]);
      assert.deepEqual(
        [...store.survivors("all")],
        [
          [1, null],
          [2, [4]],
        ],
      );
      assert.equal(store.survivors("-k x").has(1), false);
      assert.equal(store.teardown(1, "f"), undefined);
      store.setTeardown(1, "f", 3);
      store.setTeardown(1, "f", 4);
      assert.equal(store.teardown(1, "f"), 4);
      assert.equal(store.teardown(2, "f"), undefined);
    }));
});

describe("facts", () => {
  test("are kept by test and environment, the newest first", () =>
    withStore((store) => {
      add(store, 1, fact(1, { at: 1 }));
      add(store, 1, fact(1, { at: 3, depsets: [3] }));
      add(store, 1, fact(1, { at: 2, depsets: [4], outcome: "failed", green: false }));
      add(store, 1, fact(2, { at: 9 }));
      add(store, 2, fact(1, { at: 10 }));
      const known = store.facts(1);
      assert.deepEqual(
        known.get(1)?.map(({ at }) => at),
        [3, 2, 1],
      );
      assert.deepEqual(
        known.get(1)?.map(({ green }) => green),
        [true, false, true],
      );
      assert.deepEqual(known.get(1), store.factsOfTest(1, 1));
      assert.deepEqual(
        store.factsOfTest(2, 1).map(({ at }) => at),
        [10],
      );
      assert.deepEqual(store.factsOfTest(3, 1), []);
    }));

  test("the same one again is confirmed: its time moves, and never back", () =>
    withStore((store) => {
      add(store, 1, fact(1, { at: 5 }));
      add(store, 1, fact(1, { at: 9, durationUs: 7 }));
      add(store, 1, fact(1, { at: 2 }));
      assert.deepEqual(
        store.factsOfTest(1, 1).map(({ at }) => at),
        [9],
      );
    }));

  test("another outcome, another green or other depsets are another fact", () =>
    withStore((store) => {
      add(store, 1, fact(1));
      add(store, 1, fact(1, { outcome: "failed", green: false }));
      add(store, 1, fact(1, { green: false }));
      add(store, 1, fact(1, { depsets: [2, 1] }));
      assert.equal(store.factsOfTest(1, 1).length, 4);
    }));

  test("the oldest beyond the limit go, of that test in that environment only", () =>
    withStore((store) => {
      add(store, 1, fact(2));
      add(store, 2, fact(1));
      for (let at = 1; at <= FACTS_PER_TEST + 3; at++) {
        add(store, 1, fact(1, { at, depsets: [at] }));
      }
      const left = store.factsOfTest(1, 1).map(({ at }) => at);
      assert.equal(left.length, FACTS_PER_TEST);
      assert.equal(Math.min(...left), 4);
      assert.equal(store.factsOfTest(1, 2).length, 1);
      assert.equal(store.factsOfTest(2, 1).length, 1);
    }));

  test("one that was confirmed lately stays, though it was first recorded long ago", () =>
    withStore((store) => {
      add(store, 1, fact(1, { at: 1, depsets: [99] }));
      for (let at = 2; at <= FACTS_PER_TEST + 2; at++) {
        add(store, 1, fact(1, { at: 1000, depsets: [99] }));
        add(store, 1, fact(1, { at, depsets: [at] }));
      }
      assert.deepEqual(store.factsOfTest(1, 1)[0]?.depsets, [99]);
    }));
});

describe("collections", () => {
  const collection = (more: object = {}) => ({
    path: "t.py",
    outcome: "passed",
    green: true,
    at: 1,
    tests: [1, 2],
    depsets: [1],
    ...more,
  });

  test("are confirmed, kept apart, and limited with what belongs to them", () =>
    withStore((store) => {
      const first = store.addCollection(1, collection(), "r1");
      assert.equal(store.addCollection(1, collection({ at: 5 }), "r2"), first);
      assert.notEqual(store.addCollection(1, collection({ tests: [2, 1] }), "r2"), first);
      assert.deepEqual(
        store
          .collections(1)
          .get("t.py")
          ?.map(({ tests, at }) => [tests, at]),
        [
          [[1, 2], 5],
          [[2, 1], 1],
        ],
      );
      store.setSurvivors(first, "all", null);
      for (let at = 10; at < 10 + FACTS_PER_TEST; at++) {
        store.addCollection(1, collection({ at, depsets: [at] }), "r3");
      }
      assert.equal(store.collections(1).get("t.py")?.length, FACTS_PER_TEST);
      assert.equal(store.survivors("all").has(first), false);
      assert.equal(store.collections(2).size, 0);
    }));
});

describe("transactions", () => {
  test("a write that fails leaves nothing, and the store usable", () =>
    withStore((store) => {
      const before = store.generation();
      assert.throws(
        () =>
          store.write(() => {
            store.setNote("x", "1");
            throw new Error("no");
          }),
        /no/,
      );
      assert.equal(store.note("x"), undefined);
      assert.equal(store.generation(), before);
      assert.equal(
        store.write(() => 5),
        5,
      );
      assert.equal(store.generation(), before + 1);
    }));

  test("a read sees one state, whatever others write meanwhile", () => {
    const file = place();
    const reader = openStore(file);
    const writer = openStore(file);
    writer.write(() => writer.setNote("x", "1"));
    reader.read(() => {
      assert.equal(reader.note("x"), "1");
      writer.write(() => writer.setNote("x", "2"));
      assert.equal(reader.note("x"), "1");
    });
    assert.equal(reader.note("x"), "2");
    assert.throws(() =>
      reader.read(() => {
        throw new Error("no");
      }),
    );
    assert.equal(reader.note("x"), "2");
    reader.close();
    writer.close();
  });
});

describe("remarks", () => {
  const remarks = { opaque: { reasons: ["child process: x"], depsets: [9] }, always: true } as const;

  test("are kept with facts and collections, once each", () => {
    const file = place();
    const store = openStore(file);
    store.write(() => {
      store.addFact(1, fact(1, { remarks }));
      store.addFact(1, fact(2, { remarks: { ...remarks } }));
      store.addFact(1, fact(3));
      store.addCollection(
        1,
        { path: "t.py", outcome: "passed", green: true, at: 1, tests: [], depsets: [], remarks },
        "r",
      );
    });
    store.close();
    const again = openStore(file);
    const found = again.facts(1);
    assert.deepEqual(
      [1, 2, 3].map((test) => found.get(test)?.[0]?.remarks),
      [remarks, remarks, undefined],
    );
    assert.deepEqual(again.collections(1).get("t.py")?.[0]?.remarks, remarks);
    again.close();
    const raw = new DatabaseSync(file);
    assert.equal((raw.prepare("SELECT count(*) AS n FROM remark").get() as { n: number }).n, 1);
    raw.close();
  });

  test("tell facts apart that are equal otherwise", () => {
    const store = openStore(place());
    store.write(() => {
      store.addFact(1, fact(1, { at: 1 }));
      store.addFact(1, fact(1, { at: 2, remarks }));
      store.addFact(1, fact(1, { at: 3 }));
    });
    assert.deepEqual(
      store.factsOfTest(1, 1).map(({ at, remarks: of }) => [at, of === undefined]),
      [
        [3, true],
        [2, false],
      ],
    );
    store.close();
  });

  test("that were read in a transaction that failed are forgotten with it", () => {
    const store = openStore(place());
    assert.throws(() =>
      store.write(() => {
        store.addFact(1, fact(1, { remarks }));
        store.factsOfTest(1, 1);
        throw new Error("no");
      }),
    );
    store.write(() => store.addFact(1, fact(1, { remarks: { always: true } })));
    assert.deepEqual(store.factsOfTest(1, 1)[0]?.remarks, { always: true });
    store.close();
  });
});

describe("stores that are not ours to write", () => {
  const code = (file: string): string => {
    try {
      openStore(file).close();
      return "opened";
    } catch (error) {
      assert.ok(error instanceof WinnowError, String(error));
      assert.ok(error.help.length > 0);
      return error.code;
    }
  };

  test("one of a newer format is left alone, byte for byte", () => {
    const file = place();
    const raw = new DatabaseSync(file);
    raw.exec(`CREATE TABLE treasure (x); PRAGMA user_version = ${STORE_FORMAT + 1}`);
    raw.close();
    const before = readFileSync(file);
    assert.equal(code(file), "store-newer");
    assert.deepEqual(readFileSync(file), before);
    assert.equal(code(file), "store-newer");
  });

  test("one that a newer version makes anew while it is open is left alone as well", () => {
    const file = place();
    const store = openStore(file);
    const others = new DatabaseSync(file);
    const format = STORE_FORMAT + 1;
    const refused = (work: () => unknown): void => {
      assert.throws(work, (error) => error instanceof WinnowError && error.code === "store-newer");
    };
    others.exec(`PRAGMA user_version = ${format}`);
    refused(() => add(store, 1, fact(1)));
    assert.equal(
      store.keep(() => store.setFingerprint("h", "data", [])),
      false,
    );
    assert.deepEqual([store.facts(1).size, store.fingerprint("h"), store.generation()], [0, undefined, 0]);
    others.exec("DROP TABLE fact");
    try {
      assert.fail(String(store.facts(1)));
    } catch (error) {
      refused(() => {
        throw writingError(file, error);
      });
    }
    others.close();
    store.close();
    assert.ok(existsSync(file));
  });

  test("one of an older format is made anew: its facts know less than ours must", () => {
    const file = place();
    const old = openStore(file);
    old.write(() => old.addFact(1, fact(1)));
    const salt = old.note("salt");
    assert.match(salt ?? "", /^[0-9A-F]{32}$/);
    old.close();
    const raw = new DatabaseSync(file);
    raw.exec("PRAGMA user_version = 1");
    raw.close();
    const store = openStore(file);
    assert.equal(store.facts(1).size, 0);
    assert.notEqual(store.note("salt"), salt);
    store.close();
    const again = openStore(file);
    assert.match(again.note("salt") ?? "", /^[0-9A-F]{32}$/);
    again.close();
  });

  test("a file that is no database is set aside, never deleted", () => {
    const file = place();
    writeFileSync(file, "precious ".repeat(1000));
    assert.equal(code(file), "store-unreadable");
    const aside = readdirSync(top).filter((name) => name.startsWith(`${places}.db.broken-`));
    assert.equal(aside.length, 1);
    assert.equal(readFileSync(join(top, aside[0] as string), "utf8"), "precious ".repeat(1000));
    assert.equal(code(file), "opened");
  });

  test("two that break within a millisecond do not overwrite each other", () => {
    const file = place();
    for (const text of ["one ", "two ", "three "]) {
      rmSync(file, { force: true });
      writeFileSync(file, text.repeat(1000));
      assert.equal(code(file), "store-unreadable");
    }
    assert.equal(readdirSync(top).filter((name) => name.startsWith(`${places}.db.broken-`)).length, 3);
  });

  test("a database with other tables under our names is set aside", () => {
    const file = place();
    const raw = new DatabaseSync(file);
    raw.exec("CREATE TABLE fact (x)");
    raw.close();
    assert.equal(code(file), "store-unreadable");
    assert.equal(existsSync(file), false);
  });

  test("a store with a torn page tells so when it is read, and is never taken for an empty one", () => {
    const file = place();
    const store = openStore(file);
    store.write(() => {
      for (let i = 0; i < 2000; i++) {
        store.addFact(1, fact(i, { run: "x".repeat(50) }));
      }
    });
    store.close();
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xff, 8192, bytes.length - 4096));
    const opened = openStore(file);
    assert.throws(() => opened.facts(1));
    opened.close();
  });

  test("an empty file becomes a store", () => {
    const file = place();
    writeFileSync(file, "");
    assert.equal(code(file), "opened");
  });

  test("where no directory is, it says that the store cannot be opened", () => {
    assert.equal(code(join(top, "missing", "store.db")), "store-unwritable");
  });
});
