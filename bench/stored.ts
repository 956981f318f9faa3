/**
 * A project with everything recorded, without a test run: writes sources and, through the engine's own store, what a run
 * of all tests would have left there. So a store of a hundred thousand tests takes a minute, not an hour.
 *
 *     node bench/stored.ts DIR --python PY [--tests 10000] [--files 5000] [--functions 300] [--layers 6] [--seed 1]
 *
 * Four fifths of the files are modules in layers, each with ten functions; a module imports two of the layer below, and a
 * test executes `functions` functions of modules near its own place in all layers. The values are those of the files, and
 * `winnow run` finds nothing to do. Prints what it made as JSON; `modules` are paths from the top layer down, each with
 * `mark = 1` in every function and `LIMIT = 3` at module level, to be edited.
 */

import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ABSENT, type Dependency } from "../engine/src/model/key.ts";
import { openTree, surroundingValues } from "../engine/src/pipeline/decide.ts";
import { environmentOf } from "../engine/src/pipeline/environment.ts";
import type { PresentTree } from "../engine/src/pipeline/present.ts";
import { resolveInterpreter } from "../engine/src/pipeline/python.ts";
import { settled } from "../engine/src/pipeline/settled.ts";
import { surroundingsOf } from "../engine/src/pipeline/verdict.ts";
import { makeLayout } from "../engine/src/store/layout.ts";
import { openStore, type Store } from "../engine/src/store/store.ts";

const FUNCTIONS = 10;
/** So many of a module's functions does a test execute that executes any. */
const OF_A_MODULE = 5;
const FILES_PER_AREA = 50;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string" },
    tests: { type: "string", default: "10000" },
    files: { type: "string", default: "5000" },
    functions: { type: "string", default: "300" },
    layers: { type: "string", default: "6" },
    seed: { type: "string", default: "1" },
  },
});
const [directory] = positionals;
if (directory === undefined || values.python === undefined) {
  process.stderr.write("usage: node bench/stored.ts DIR --python PY [--tests N] [--files N] [--functions N]\n");
  process.exit(2);
}

const root = resolve(directory);
const tests = Number(values.tests);
const testFiles = Math.max(1, Math.floor(Number(values.files) / 5));
const layers = Number(values.layers);
const perLayer = Math.max(OF_A_MODULE, Math.floor((Number(values.files) - testFiles) / layers));

/** The same numbers on every machine (splitmix32). */
let state = Number(values.seed) >>> 0;
function below(bound: number): number {
  state = (state + 0x9e3779b9) >>> 0;
  let z = state;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return ((z ^ (z >>> 16)) >>> 0) % bound;
}

const OLD = Date.now() / 1000 - 7200;

function write(path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  utimesSync(file, OLD, OLD);
}

function nameOf(layer: number, at: number): string {
  return `m_${String(layer * perLayer + at).padStart(6, "0")}`;
}

function moduleName(layer: number, at: number): string {
  return `unit.layer_${layer}.${nameOf(layer, at)}`;
}

function modulePath(layer: number, at: number): string {
  return `src/${moduleName(layer, at).replaceAll(".", "/")}.py`;
}

/** Modules below a module. Near it, as in projects that grew. */
function importsOf(layer: number, at: number): number[] {
  const near = (step: number): number => (at + step + perLayer) % perLayer;
  return layer === 0 ? [] : [...new Set([near(0), near(1 + below(3))])];
}

function moduleText(layer: number, at: number, imports: readonly number[]): string {
  const lines = [`"""Module ${at} of layer ${layer}."""`, ""];
  lines.push(
    ...imports.map((other) => `from unit.layer_${layer - 1} import ${nameOf(layer - 1, other)}`),
    "",
    "LIMIT = 3",
  );
  for (let i = 0; i < FUNCTIONS; i++) {
    const callee = imports[i % Math.max(1, imports.length)];
    const call = callee === undefined ? "number" : `${nameOf(layer - 1, callee)}.step_${i}(number)`;
    lines.push("", "", `def step_${i}(number):`, "    mark = 1");
    lines.push(`    total = ${call} + mark * ${below(100)}`, "    for turn in range(LIMIT):", "        total += turn");
    lines.push("    return total % 1000003");
  }
  return `${lines.join("\n")}\n`;
}

interface TestFile {
  readonly path: string;
  /** Modules that its tests execute, by layer. */
  readonly modules: readonly (readonly [layer: number, at: number])[];
  readonly tests: readonly string[];
}

function writeSources(): { files: TestFile[]; imports: Map<string, number[]> } {
  write("pytest.ini", "[pytest]\ntestpaths = tests\npythonpath = src\n");
  write("src/unit/__init__.py", "");
  const imports = new Map<string, number[]>();
  for (let layer = 0; layer < layers; layer++) {
    write(`src/unit/layer_${layer}/__init__.py`, "");
    for (let at = 0; at < perLayer; at++) {
      const found = importsOf(layer, at);
      imports.set(modulePath(layer, at), found);
      write(modulePath(layer, at), moduleText(layer, at, found));
    }
  }
  const wanted = Math.max(1, Math.round(Number(values.functions) / OF_A_MODULE));
  const files: TestFile[] = [];
  let left = tests;
  for (let number = 0; number < testFiles; number++) {
    const mine = Math.floor(left / (testFiles - number));
    left -= mine;
    const path = `tests/area_${String(Math.floor(number / FILES_PER_AREA)).padStart(4, "0")}/test_${String(number).padStart(6, "0")}.py`;
    const place = Math.floor((number * perLayer) / testFiles);
    const each = Math.min(perLayer, Math.max(1, Math.ceil(wanted / layers)));
    const modules = Array.from({ length: Math.min(wanted, layers * each) }, (_, i) => {
      const layer = layers - 1 - (i % layers);
      return [layer, (place + Math.floor(i / layers)) % perLayer] as const;
    });
    const [top = [0, 0] as const] = modules;
    const lines = [`"""Tests of ${moduleName(...top)}."""`, "", `from unit.layer_${top[0]} import ${nameOf(...top)}`];
    const names = Array.from({ length: mine }, (_, i) => `test_${i}`);
    names.forEach((name, i) => {
      lines.push("", "", `def ${name}():`, `    assert ${nameOf(...top)}.step_${i % FUNCTIONS}(${i}) >= 0`);
    });
    write(path, `${lines.join("\n")}\n`);
    files.push({ path, modules, tests: names });
  }
  return { files, imports };
}

class Writer {
  readonly #store: Store;
  readonly #tree: PresentTree;
  readonly #environment: number;
  readonly #ids = new Map<string, number>();
  pairs = 0;

  constructor(store: Store, tree: PresentTree, environment: number) {
    this.#store = store;
    this.#tree = tree;
    this.#environment = environment;
  }

  id(key: Omit<Dependency, "value">): number {
    const name = `${key.kind} ${key.path} ${key.name}`;
    let id = this.#ids.get(name);
    if (id === undefined) {
      const value = this.#tree.value(key);
      if (key.kind === "body" && value === ABSENT) {
        throw new Error(`${key.path} has no ${key.name}`);
      }
      id = this.#store.internDependency({ ...key, value }, true);
      this.#ids.set(name, id);
    }
    return id;
  }

  /** All dependencies of a module, path by path, as recording numbers them. */
  intern(path: string, bodies: readonly string[]): void {
    this.id({ kind: "toplevel", path, name: "" });
    for (const name of bodies) {
      this.id({ kind: "body", path, name });
    }
    this.#tree.noteCompiled(path, this.#tree.digest(path));
  }

  depset(ids: Iterable<number>): number {
    return this.#store.internDepset([...new Set(ids)].sort((a, b) => a - b));
  }

  file({ path, modules, tests: names }: TestFile, session: number, loaded: ReadonlySet<string>, at: number): void {
    this.intern(path, names);
    const closure = [...loaded].map((each) => this.id({ kind: "toplevel", path: each, name: "" }));
    const found = [...modules].map(([layer, i]) => this.id({ kind: "resolve", path: "", name: moduleName(layer, i) }));
    const collection = this.depset([this.id({ kind: "toplevel", path, name: "" }), ...closure, ...found]);
    const ids = names.map((name) => this.#store.internTest(`${path}::${name}`, path));
    const known = this.#store.addCollection(
      this.#environment,
      { path, outcome: "passed", green: true, at, tests: ids, depsets: [session, collection] },
      "stored",
    );
    this.#store.setSurvivors(known, SELECTION.selection, null);
    names.forEach((name, index) => {
      const bodies = modules.flatMap(([layer, i]) => {
        const first = below(FUNCTIONS - OF_A_MODULE + 1);
        return Array.from({ length: OF_A_MODULE }, (_, n) =>
          this.id({ kind: "body", path: modulePath(layer, i), name: `step_${first + n}` }),
        );
      });
      this.pairs += bodies.length;
      this.#store.addFact(this.#environment, {
        test: ids[index] as number,
        outcome: "passed",
        green: true,
        durationUs: 500 + below(5000),
        at,
        run: "stored",
        depsets: [session, collection, this.depset([this.id({ kind: "body", path, name }), ...bodies])],
      });
    });
  }
}

rmSync(root, { recursive: true, force: true });
const { files, imports } = writeSources();
// Younger times than that are not believed, and the first invocation would look at everything again.
await new Promise((done) => setTimeout(done, 2500));

const { request } = await settled({ cwd: root, args: [], env: process.env }, { python: values.python });
const SELECTION = { selection: request.selection };
const layout = makeLayout(root);
const store = openStore(layout.database);
const { info } = resolveInterpreter(request, store);
const { digest, description } = environmentOf(request, info);
const at = Date.now() - 3_600_000;
let pairs = 0;
store.write(() => {
  const environment = store.internEnvironment(digest, description);
  store.setNote(`surroundings:${environment}`, JSON.stringify({ searchRoots: ["src", "tests", ""] }));
  const tree = openTree(store, request, info, surroundingsOf(store, environment), []);
  const writer = new Writer(store, tree, environment);
  const session = writer.depset(
    surroundingValues(request, tree).map(({ kind, path, name }) => writer.id({ kind, path, name })),
  );
  const steps = Array.from({ length: FUNCTIONS }, (_, i) => `step_${i}`);
  for (let layer = 0; layer < layers; layer++) {
    for (let i = 0; i < perLayer; i++) {
      writer.intern(modulePath(layer, i), steps);
    }
  }
  // What a file loads: its modules and all below them.
  const below = (path: string): string[] => {
    const layer = Number(/layer_(\d+)/.exec(path)?.[1]);
    return (imports.get(path) ?? []).map((other) => modulePath(layer - 1, other));
  };
  for (const file of files) {
    const loaded = new Set(file.modules.map(([layer, i]) => modulePath(layer, i)));
    for (const path of loaded) {
      for (const next of below(path)) {
        loaded.add(next);
      }
    }
    writer.file(file, session, loaded, at);
  }
  for (const path of ["", "tests", ...new Set(files.map(({ path }) => dirname(path)))]) {
    const known = tree.names(path) ?? [];
    store.setWalk(environment, request.selection, path, known);
  }
  store.setScope(environment, request.selection, request.requestKey, {
    roots: ["tests"],
    settings: { customCollection: false },
  });
  store.addRun("stored", at, JSON.stringify({ tests, outcomes: { passed: tests }, opaque: {} }));
  store.setNote("viewpoint", tree.viewpoint);
  store.setWatch(tree.entries());
  tree.saveFingerprints(store);
  tree.saveSites(store);
  ({ pairs } = writer);
});
const watched = store.watch().length;
// Closing the last connection brings what is in the log into the file.
store.close();

const modules = Array.from({ length: layers }, (_, n) => layers - 1 - n).flatMap((layer) =>
  Array.from({ length: perLayer }, (_, i) => modulePath(layer, i)),
);
process.stdout.write(
  `${JSON.stringify({
    tests,
    files: testFiles + layers * perLayer,
    pairs,
    layers,
    watched,
    storeBytes: statSync(layout.database).size,
    modules,
  })}\n`,
);
