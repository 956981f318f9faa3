/** Snapshots as sets: one content has one file, and unions obey the laws, over stores that are made up at random. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { compress } from "../../src/files/compression.ts";
import { decodeSnapshot, encodeSnapshot } from "../../src/files/snapshot-file.ts";
import type { Dependency } from "../../src/model/key.ts";
import type { Remarks } from "../../src/model/remarks.ts";
import { importSnapshot, thisMachine } from "../../src/pipeline/snapshots.ts";
import { marked, type Place, unmarked } from "../../src/snapshot/place.ts";
import { type Snapshot, union } from "../../src/snapshot/snapshot.ts";
import { snapshotOfStore } from "../../src/store/contents.ts";
import { STORE_FORMAT } from "../../src/store/notes.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { ALL_COMPILES, PYTHON, TestProject } from "../support/project.ts";

const top = mkdtempSync(join(tmpdir(), "winnow-snapshots-"));
after(() => rmSync(top, { recursive: true, force: true }));
let stores = 0;

const PATHS = ["a.py", "b.py", "../beside.py"];

const DEPENDENCY: fc.Arbitrary<Dependency> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("body" as const, "toplevel" as const, "file" as const),
    path: fc.constantFrom(...PATHS),
    name: fc.constantFrom("", "f", "g"),
    value: fc.constantFrom("1", "2", "-"),
  }),
  fc.record({
    kind: fc.constant("env" as const),
    path: fc.constant(""),
    name: fc.constantFrom("HOME", "X"),
    value: fc.constantFrom("aa", "-"),
  }),
);

interface ToldFact {
  readonly environment: number;
  readonly test: number;
  readonly outcome: string;
  readonly at: number;
  readonly durationUs: number;
  readonly sets: readonly (readonly Dependency[])[];
  readonly opaque: readonly Dependency[] | null;
  readonly declared: string | null;
  readonly isCollection: boolean;
}

const FACT: fc.Arbitrary<ToldFact> = fc.record({
  environment: fc.nat(1),
  test: fc.nat(3),
  outcome: fc.constantFrom("passed", "failed"),
  at: fc.nat(3),
  durationUs: fc.nat(2),
  sets: fc.array(fc.array(DEPENDENCY, { maxLength: 4 }), { maxLength: 3 }),
  opaque: fc.option(fc.array(DEPENDENCY, { maxLength: 3 })),
  declared: fc.option(fc.constantFrom("aa", "bb", "-")),
  isCollection: fc.boolean(),
});

const NOTHING: ToldFact = {
  environment: 0,
  test: 0,
  outcome: "passed",
  at: 1,
  durationUs: 1,
  sets: [],
  opaque: null,
  declared: null,
  isCollection: false,
};

const FACTS = fc.array(FACT, { maxLength: 12 });

/** Writes facts as recording would, one transaction each, whatever their order. */
function write(store: Store, facts: readonly ToldFact[]): void {
  for (const fact of facts) {
    store.write(() => {
      const environment = store.internEnvironment(`e${fact.environment}`, `{"e":${fact.environment}}`);
      store.setNote(`surroundings:${environment}`, '{"searchRoots":["","src"]}');
      const set = (dependencies: readonly Dependency[]): number => {
        const ids = dependencies.map((dependency) => store.internDependency(dependency, true));
        for (const { kind, value } of dependencies) {
          if (kind === "toplevel") {
            store.setSource(`hash-${value}`, value, compress(Buffer.from(`source ${value} \xff`, "latin1")));
          }
        }
        return store.internDepset([...new Set(ids)].sort((one, other) => one - other));
      };
      const remarks: Remarks = {
        ...(fact.opaque === null ? {} : { opaque: { reasons: ["a child"], depsets: [set(fact.opaque)] } }),
        ...(fact.declared === null
          ? {}
          : { declared: [{ kind: "env" as const, name: "X", value: fact.declared, by: "marker" as const }] }),
      };
      const common = {
        outcome: fact.outcome,
        green: fact.outcome === "passed",
        at: fact.at,
        depsets: fact.sets.map(set),
        remarks: Object.keys(remarks).length === 0 ? undefined : remarks,
      };
      const path = PATHS[fact.test % 2] as string;
      const test = store.internTest(`t${fact.test}`, path);
      if (fact.isCollection) {
        store.addCollection(environment, { ...common, path, tests: [test] }, "r", 1000);
      } else {
        store.addFact(environment, { ...common, test, durationUs: fact.durationUs, run: "r" }, 1000);
      }
    });
  }
}

function snapshotOf(facts: readonly ToldFact[], salt = "5A17"): Snapshot {
  stores += 1;
  const file = join(top, `${stores}.db`);
  const store = openStore(file);
  store.setNote("salt", salt);
  write(store, facts);
  store.close();
  const snapshot = snapshotOfStore(file, { machine: thisMachine(), root: "here" });
  rmSync(file);
  return snapshot;
}

const bytes = (snapshot: Snapshot): string => Buffer.from(encodeSnapshot(snapshot)).toString("base64");
const united = (...snapshots: Snapshot[]): string => bytes(union(snapshots, STORE_FORMAT));

test("the order in which a store was written makes no difference", () => {
  fc.assert(
    fc.property(
      FACTS.chain((facts) => fc.tuple(fc.constant(facts), shuffled(facts))),
      ([facts, other]) => {
        assert.equal(bytes(snapshotOf(facts)), bytes(snapshotOf([...other, ...facts])));
      },
    ),
    { numRuns: 40 },
  );
});

function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

test("union is commutative, associative and idempotent, and a store's union with another's is the store of both", () => {
  fc.assert(
    fc.property(FACTS, FACTS, FACTS, fc.constantFrom("5A17", "0C3A"), (one, two, three, salt) => {
      const [a, b, c] = [snapshotOf(one), snapshotOf(two), snapshotOf(three, salt)];
      assert.equal(united(a, b), united(b, a));
      assert.equal(united(union([a, b], STORE_FORMAT), c), united(a, union([b, c], STORE_FORMAT)));
      assert.equal(united(a, a), bytes(a));
      assert.equal(united(union([a, c], STORE_FORMAT), c), united(a, c));
      assert.equal(united(a, b), bytes(snapshotOf([...one, ...two])));
    }),
    { numRuns: 40 },
  );
});

test("a file is read as what was written", () => {
  fc.assert(
    fc.property(FACTS, (facts) => {
      const snapshot = snapshotOf(facts);
      assert.deepEqual(decodeSnapshot(encodeSnapshot(snapshot), "it"), snapshot);
    }),
    { numRuns: 20 },
  );
});

test("a store that took a snapshot in gives the same one out, and takes it in again without a trace", () => {
  fc.assert(
    fc.property(FACTS, FACTS, fc.constantFrom("5A17", "0C3A"), (one, two, salt) => {
      using project = new TestProject();
      const [a, b] = [snapshotOf(one), snapshotOf(two, salt)];
      const take = (snapshot: Snapshot): Snapshot => {
        importSnapshot(project.store, project.request(), PYTHON, ALL_COMPILES, snapshot);
        return snapshotOfStore(project.layout.database, { machine: thisMachine(), root: "here" });
      };
      assert.equal(bytes(take(a)), bytes(a));
      assert.equal(bytes(take(a)), bytes(a));
      assert.equal(bytes(take(b)), united(a, b));
    }),
    {
      numRuns: 25,
      // A salt is taken over only where no value of any other is known, in whatever it stands.
      examples: [[[{ ...NOTHING, declared: "aa", isCollection: true }], [{ ...NOTHING, declared: "bb" }], "0C3A"]],
    },
  );
});

test("facts of another kind of machine stay out of the store, and in the union", () => {
  const a = snapshotOf([NOTHING]);
  const foreign: Snapshot = {
    ...a,
    environments: a.environments.map((each) => ({ ...each, machine: "elsewhere-z80" })),
  };
  using project = new TestProject();
  const said = importSnapshot(
    project.store,
    project.request(),
    PYTHON,
    ALL_COMPILES,
    union([a, foreign], STORE_FORMAT),
  );
  assert.deepEqual(said, { added: 1, known: 0, ofOtherMachines: 1 });
  assert.equal(project.store.counts()["fact"], 1);
  assert.deepEqual(
    union([foreign, a], STORE_FORMAT)
      .environments.map(({ machine }) => machine)
      .sort(),
    ["elsewhere-z80", thisMachine()].sort(),
  );
});

test("a dependency that the snapshot lost costs the import, and nothing of it is kept", () => {
  const whole = snapshotOf([{ ...NOTHING, sets: [[{ kind: "body", path: "a.py", name: "f", value: "1" }]] }]);
  using project = new TestProject();
  const broken: readonly Partial<Snapshot>[] = [
    { depsets: [] },
    { dependencies: [[99, "a.py", "f", "1"]] },
    { storeFormat: 1 },
  ];
  for (const part of broken) {
    assert.throws(() => importSnapshot(project.store, project.request(), PYTHON, ALL_COMPILES, { ...whole, ...part }), {
      code: "snapshot-unreadable",
    });
  }
  assert.equal(project.store.counts()["fact"], 0);
});

test("values that mean something in one place only keep its mark until they are back", () => {
  const here: Place = { salt: "5A17", root: "ab" };
  const there: Place = { salt: "0C3A", root: "cd" };
  const rows: readonly (readonly [Dependency, boolean])[] = [
    [{ kind: "env", path: "", name: "X", value: "aa" }, false],
    [{ kind: "env", path: "", name: "X", value: "-" }, true],
    [{ kind: "file", path: "../x", name: "", value: "-" }, false],
    [{ kind: "config", path: "..", name: "", value: "1" }, false],
    [{ kind: "file", path: "..x", name: "", value: "1" }, true],
    [{ kind: "resolve", path: "", name: "x", value: "-" }, true],
  ];
  for (const [dependency, isCommon] of rows) {
    const { value } = marked(dependency, here, false);
    assert.equal(unmarked(value, here), dependency.value);
    assert.equal(unmarked(value, there) === dependency.value, isCommon, JSON.stringify(dependency));
    // From where it means nothing it leaves as it came.
    if (!isCommon) {
      assert.equal(marked({ ...dependency, value }, there, false).value, value);
    }
  }
  const found = marked({ kind: "resolve", path: "", name: "x", value: "-" }, here, true);
  assert.equal(unmarked(found.value, there), found.value);
});
