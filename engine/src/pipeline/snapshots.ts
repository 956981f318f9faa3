/**
 * Snapshots of stores: out of one, into one, and united.
 *
 * What comes in is added as if it had been recorded here: its dependencies are compared with the present state, which
 * becomes the baseline, in one transaction. It proves a test only as a fact of this store does. Which tests a request
 * stands for is never taken from elsewhere, so the next run collects once, and leaves out what is proven.
 */

import { existsSync, realpathSync, statSync } from "node:fs";
import { compress } from "../files/compression.ts";
import { textDigest } from "../files/hash.ts";
import { decodeSnapshot, isSnapshot, readNamed } from "../files/snapshot-file.ts";
import { WinnowError } from "../model/error.ts";
import { ABSENT, type Dependency } from "../model/key.ts";
import type { Remarks } from "../model/remarks.ts";
import type { InterpreterInfo } from "../runners/pytest/interpreter.ts";
import { commonSalt, isForeign, type Place, unmarked } from "../snapshot/place.ts";
import { dependencyOf, type Snapshot, type SnapshotRemarks, union } from "../snapshot/snapshot.ts";
import { snapshotOfStore } from "../store/contents.ts";
import { layoutOf } from "../store/layout.ts";
import { STORE_FORMAT } from "../store/notes.ts";
import type { Store } from "../store/store.ts";
import { saveBaseline } from "./baseline.ts";
import { openTree, uncheckedSources } from "./decide.ts";
import { environmentOf } from "./environment.ts";
import type { Change, Compiler, PresentTree } from "./present.ts";
import type { Request } from "./request.ts";
import { type Surroundings, surroundingsOf } from "./verdict.ts";
import { missesOf } from "./verify.ts";

/** What a result is bound to besides its environment: machine code and what the system brings are no inputs. */
export function thisMachine(): string {
  return `${process.platform}-${process.arch}`;
}

function rootDigest(root: string): string {
  return textDigest(realpathSync(root));
}

/** The snapshot of a project's store. @throws WinnowError `nothing-recorded`. */
export function exportStore(root: string): Snapshot {
  const { database } = layoutOf(root);
  if (!existsSync(database)) {
    throw new WinnowError("nothing-recorded", `nothing is recorded of ${root}`, "`winnow run` records.");
  }
  return snapshotOfStore(database, { machine: thisMachine(), root: rootDigest(root) });
}

/** Reads what somebody named (absolute): a snapshot's file, or a project's directory with a store in it. */
export function readSnapshot(path: string): Snapshot {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    return exportStore(path);
  }
  const bytes = readNamed(path);
  if (!isSnapshot(bytes)) {
    throw new WinnowError(
      "snapshot-unreadable",
      `${path} is no snapshot`,
      "`winnow export FILE` writes one. A store is named by its project's directory.",
    );
  }
  return decodeSnapshot(bytes, path);
}

/** The union of what somebody named. @throws WinnowError `snapshot-unreadable` if they are of different formats. */
export function merged(named: readonly string[]): Snapshot {
  const snapshots = named.map((name) => [name, readSnapshot(name)] as const);
  const [first] = snapshots;
  const other = snapshots.find(([, { storeFormat }]) => storeFormat !== first?.[1].storeFormat);
  if (first === undefined || other !== undefined) {
    throw new WinnowError(
      "snapshot-unreadable",
      `${first?.[0]} and ${other?.[0]} were recorded by different versions of winnow`,
      "Facts of different formats cannot be united; export again with one version.",
    );
  }
  return union(
    snapshots.map(([, snapshot]) => snapshot),
    first[1].storeFormat,
  );
}

export interface Imported {
  /** Facts that are new here. */
  readonly added: number;
  /** Those that were known. */
  readonly known: number;
  /** Those of another kind of machine, which say nothing here. */
  readonly ofOtherMachines: number;
}

/** Adds a snapshot to a project's store. @throws WinnowError `snapshot-unreadable` for one of another format. */
export function importSnapshot(
  store: Store,
  request: Request,
  interpreter: InterpreterInfo,
  compiler: Compiler,
  snapshot: Snapshot,
): Imported {
  if (snapshot.storeFormat !== STORE_FORMAT) {
    throw new WinnowError(
      "snapshot-unreadable",
      `the snapshot was recorded by another version of winnow (format ${snapshot.storeFormat}, this one has ${STORE_FORMAT})`,
      "Facts mean the same in one format only: record again with this version.",
    );
  }
  return store.write(() => new Importer(store, request, interpreter, compiler, snapshot).import());
}

class Importer {
  readonly #store: Store;
  readonly #request: Request;
  readonly #interpreter: InterpreterInfo;
  readonly #compiler: Compiler;
  readonly #snapshot: Snapshot;
  readonly #place: Place;
  readonly #depsets = new Map<number, number>();

  constructor(store: Store, request: Request, interpreter: InterpreterInfo, compiler: Compiler, snapshot: Snapshot) {
    this.#store = store;
    this.#request = request;
    this.#interpreter = interpreter;
    this.#compiler = compiler;
    this.#snapshot = snapshot;
    this.#place = { salt: this.#adoptSalt(), root: rootDigest(request.root) };
  }

  /** A store that knows no variable's value yet takes over the salt with which it can know those that come in. */
  #adoptSalt(): string {
    const own = this.#store.note("salt") ?? "";
    const knows =
      this.#store.dependenciesOfKind("env").length > 0 ||
      this.#store.watch().some(({ kind }) => kind === "e") ||
      ["fact", "collection"].some((table) => (this.#store.counts()[table] ?? 0) > 0);
    const declared = [...this.#snapshot.facts, ...this.#snapshot.collections].flatMap(
      ({ remarks }) => remarks?.declared?.map(({ value }) => value ?? "") ?? [],
    );
    const common = knows
      ? undefined
      : commonSalt([...this.#snapshot.dependencies.map(([, , , value]) => value), ...declared]);
    if (common !== undefined) {
      this.#store.setNote("salt", common);
    }
    return common ?? own;
  }

  import(): Imported {
    const store = this.#store;
    const environments = this.#environments();
    const here = environmentOf(this.#request, this.#interpreter);
    const own = store.environment(here.digest);
    const watched = new Set(store.watch().map(({ kind, path }) => kind + path));
    const tree = openTree(store, this.#request, this.#interpreter, surroundingsOf(store, own), store.watch());
    const changes = tree.scan();
    this.#addDepsets(tree, changes, watched);
    let added = 0;
    let known = 0;
    let ofOtherMachines = 0;
    const run = `import:${textDigest(JSON.stringify(this.#snapshot.environments))}`;
    for (const { environment, path, node, remarks, depsets, ...fact } of this.#snapshot.facts) {
      const id = environments[environment];
      if (id === undefined) {
        ofOtherMachines += 1;
        continue;
      }
      const test = store.internTest(node, path);
      const isNew = store.addFact(
        id,
        { ...fact, test, run, depsets: depsets.map((set) => this.#depset(set)), remarks: this.#remarks(remarks) },
        Number.MAX_SAFE_INTEGER,
      );
      added += isNew ? 1 : 0;
      known += isNew ? 0 : 1;
    }
    for (const { environment, path, tests, remarks, depsets, ...collection } of this.#snapshot.collections) {
      const id = environments[environment];
      if (id !== undefined) {
        store.addCollection(
          id,
          {
            ...collection,
            path,
            tests: tests.map((node) => store.internTest(node, path)),
            depsets: depsets.map((set) => this.#depset(set)),
            remarks: this.#remarks(remarks),
          },
          run,
          Number.MAX_SAFE_INTEGER,
        );
      }
    }
    for (const { hash, toplevel, text } of this.#snapshot.sources) {
      store.setSource(hash, toplevel, compress(Buffer.from(text, "latin1")));
    }
    this.#addMisses();
    // The truth of what was known may be another one by now.
    saveBaseline(store, tree, changes, (dependency) => holds(tree, dependency));
    return { added, known, ofOtherMachines };
  }

  /** For each environment of the snapshot the number here; undefined for one of another kind of machine. */
  #environments(): (number | undefined)[] {
    return this.#snapshot.environments.map(({ machine, digest, description, searchRoots }) => {
      if (machine !== thisMachine()) {
        return undefined;
      }
      const id = this.#store.internEnvironment(digest, description);
      const before = surroundingsOf(this.#store, id).searchRoots;
      const roots = [...new Set([...before, ...searchRoots.flat()])];
      if (roots.length !== before.length) {
        this.#store.setNote(`surroundings:${id}`, JSON.stringify({ searchRoots: roots } satisfies Surroundings));
      }
      this.#store.forgetScopes(id);
      return id;
    });
  }

  #addDepsets(tree: PresentTree, changes: readonly Change[], watched: ReadonlySet<string>): void {
    const rows = this.#snapshot.dependencies.map((row) => {
      const dependency = dependencyOf(row);
      if (dependency === undefined) {
        throw new WinnowError(
          "snapshot-unreadable",
          `the snapshot has dependencies of a kind that this version does not know (${row[0]})`,
          "Upgrade winnow to read it.",
        );
      }
      return { ...dependency, value: unmarked(dependency.value, this.#place) };
    });
    // Nobody has seen these contents compile here yet, and no change will ever tell of them.
    const fresh = [...new Set(rows.filter(({ value }) => !isForeign(value)).map(({ path }) => path))]
      .filter((path) => path.endsWith(".py") && !watched.has(`f${path}`) && tree.digest(path) !== ABSENT)
      .map((path): Change => ({ kind: "f", path, before: ABSENT }));
    tree.checkCompiles([...changes, ...uncheckedSources(this.#store, tree), ...fresh], this.#compiler);
    const ids = rows.map((dependency) => this.#store.internDependency(dependency, holds(tree, dependency)));
    this.#snapshot.depsets.forEach((set, number) => {
      const members = [...new Set(set.map((member) => ids[member] as number))].sort((one, other) => one - other);
      this.#depsets.set(number, this.#store.internDepset(members));
    });
  }

  #depset(number: number): number {
    const id = this.#depsets.get(number);
    if (id === undefined) {
      // A fact that lost a part of what it depends on would prove too much.
      throw new WinnowError("snapshot-unreadable", "the snapshot is not whole", "Export it again.");
    }
    return id;
  }

  /** Remarks with the fields in the order in which recording writes them: what is the same is to be found as the same. */
  #remarks(remarks: SnapshotRemarks): Remarks | undefined {
    if (remarks === null) {
      return undefined;
    }
    const { opaque, elsewhere, always, declared, ...rest } = remarks;
    return {
      ...(opaque === undefined
        ? {}
        : { opaque: { reasons: opaque.reasons, depsets: opaque.depsets.map((set) => this.#depset(set)) } }),
      ...(elsewhere === undefined ? {} : { elsewhere }),
      ...(always === undefined ? {} : { always }),
      ...(declared === undefined
        ? {}
        : {
            declared: declared.map(({ kind, name, by, value }) => ({
              kind,
              name,
              by,
              value: value === null ? null : unmarked(value, this.#place),
            })),
          }),
      ...rest,
    };
  }

  /** A proof that was wrong elsewhere is wrong here. */
  #addMisses(): void {
    const misses = missesOf(this.#store);
    const before = misses.size;
    for (const { path, id, data } of this.#snapshot.misses) {
      const test = this.#store.internTest(id, path);
      if (!misses.has(test)) {
        misses.set(test, JSON.parse(data));
      }
    }
    if (misses.size > before) {
      this.#store.setNote("misses", JSON.stringify(Object.fromEntries(misses)));
    }
  }
}

function holds(tree: PresentTree, dependency: Dependency): boolean {
  return !isForeign(dependency.value) && tree.value(dependency) === dependency.value;
}
