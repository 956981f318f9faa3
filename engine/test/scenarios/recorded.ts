/**
 * What real runs of the scenarios recorded, so that the decisions can be replayed without Python.
 *
 * Only keys are kept, and of other things than code only those whose value is not the same in all of a scenario's states: values are computed
 * anew from the scenario's files. So the recording neither depends on a machine nor on how a checksum is made; it
 * depends on the scenario's text alone, and says which one.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { valueOfKey as valueIn } from "../../src/changes/values.ts";
import { DEFAULTS } from "../../src/config/config.ts";
import { textDigest } from "../../src/files/hash.ts";
import { ABSENT, type Key, type KeyKind } from "../../src/model/key.ts";
import type { Remarks } from "../../src/model/remarks.ts";
import { VARIABLES } from "../../src/pipeline/environment.ts";
import { absenceKey, makeRequest } from "../../src/pipeline/request.ts";
import { ABSENT_COLLECTION } from "../../src/selection/select.ts";
import { type Fact, openStore, type Store } from "../../src/store/store.ts";
import { MemoryTree, type Refused, variablesOf } from "./memory.ts";
import type { Scenario, Step } from "./scenario.ts";

const FILE = join(import.meta.dirname, "golden/recorded.json");

export interface RecordedFact {
  readonly id: string;
  readonly outcome: string;
  readonly green: boolean;
  readonly depsets: readonly number[];
  /** Only where the scenario has the user say something. A value of files is that of the step: "". */
  readonly remarks?: Remarks;
}

export interface RecordedCollection {
  readonly path: string;
  /** Kept where a file was found to be no test file; what else is said of it by `green`. */
  readonly outcome?: string;
  readonly green: boolean;
  readonly id: number;
  readonly ids: readonly string[];
  readonly depsets: readonly number[];
}

export interface RecordedStep {
  /** Canonical text of what splits environments. */
  readonly environment: string;
  readonly selection: string;
  readonly paths: readonly { readonly path: string; readonly ids: string | null }[];
  /** Whether the run could end early or chose by its own past, so that the plan is not what ran. */
  readonly early: boolean;
  readonly roots: readonly string[];
  readonly broken: Readonly<Record<string, Refused>>;
  /** What ran. */
  readonly ran: readonly string[];
  readonly facts: readonly RecordedFact[];
  readonly collections: readonly RecordedCollection[];
  /** Tests that the step's selection keeps, by collection; null for all. */
  readonly survivors: Readonly<Record<number, readonly string[] | null>>;
}

export interface RecordedScenario {
  /** Digest of the scenario's text. */
  readonly text: string;
  readonly keys: readonly (readonly [KeyKind, string, string])[];
  /** Indices of keys; the values are those of the state of `step`. */
  readonly depsets: readonly { readonly step: number; readonly keys: readonly number[] }[];
  readonly steps: readonly RecordedStep[];
}

export function readRecorded(): Record<string, RecordedScenario> {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : {};
}

/** Replaces what is recorded of some scenarios, and forgets all that have no name in `names`, if it is given. */
export function writeRecorded(news: ReadonlyMap<string, RecordedScenario>, names: ReadonlySet<string> | null): void {
  const all = new Map([...Object.entries(readRecorded()), ...news].filter(([name]) => names?.has(name) ?? true));
  const lines = [...all.keys()].sort().map((name) => `${JSON.stringify(name)}: ${JSON.stringify(all.get(name))}`);
  writeFileSync(FILE, `{\n${lines.join(",\n")}\n}\n`);
}

export function textOf(markdown: string): string {
  return textDigest(markdown);
}

/** Kinds of keys of which a scenario says only what it changes. */
const BORROWED: ReadonlySet<KeyKind> = new Set(["packages", "package", "env"]);

interface Depset {
  readonly step: number;
  readonly keys: readonly Key[];
}

/** A recorded value without the files outside of the project that answer to a module's name. */
function inProject(kind: KeyKind, value: string): string {
  const kept = value.split(";").filter((path) => !path.startsWith(".."));
  return kind === "resolve" ? kept.join(";") || ABSENT : value;
}

/** Reads the store after each step of a real run. */
export class Snapshots {
  readonly #scenario: Scenario;
  readonly #depsets = new Map<number, Depset>();
  /** The last step in which a set's values were compared. */
  readonly #checked = new Map<number, number>();
  readonly #steps: RecordedStep[] = [];
  #lastFact = 0;
  #lastCollection = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /**
   * Takes what the step's run added. Returns what is false about it: a dependency of a new fact whose value is not
   * that of the state that the run saw.
   */
  take(root: string, step: Step, args: readonly string[], env: NodeJS.ProcessEnv, ran: readonly string[]): string[] {
    const request = makeRequest({ cwd: root, args, env, config: DEFAULTS });
    const file = join(root, ".winnow", "store.db");
    const splitting = Object.entries(step.command.environment).filter(([name]) => VARIABLES.includes(name));
    const environment = JSON.stringify([request.profile.environment, Object.fromEntries(splitting)]);
    const common = {
      environment,
      selection: request.selection,
      paths: request.paths,
      early: request.fullProfile.exitFirst || request.fullProfile.stateful || request.fullProfile.asks.length > 0,
      ran: [...ran],
    };
    if (!existsSync(file)) {
      this.#steps.push({ ...common, roots: [""], broken: {}, facts: [], collections: [], survivors: {} });
      return ["FACT there is no store"];
    }
    const store = openStore(file);
    try {
      return store.read(() => this.#takeFrom(store, step, common, absenceKey(request)));
    } finally {
      store.close();
    }
  }

  #takeFrom(
    store: Store,
    step: Step,
    common: Pick<RecordedStep, "environment" | "selection" | "paths" | "early" | "ran">,
    absence: string,
  ): string[] {
    const problems: string[] = [];
    const nodes = store.testNodes();
    const survivors = Object.fromEntries(
      [...store.survivors(common.selection), ...store.survivors(absence)].map(([id, tests]) => [
        id,
        tests?.map((test) => nodes.get(test) ?? "") ?? null,
      ]),
    );
    // By Python's version; only one takes part here.
    const refused = JSON.parse(store.note("broken") ?? "{}") as Record<string, Record<string, Refused>>;
    const broken = Object.assign({}, ...Object.values(refused)) as Record<string, Refused>;
    const facts: RecordedFact[] = [];
    const collections: RecordedCollection[] = [];
    let roots = this.#steps.at(-1)?.roots ?? [""];
    let lastFact = this.#lastFact;
    let lastCollection = this.#lastCollection;
    const trees = new Map<string, MemoryTree>();
    for (let id = 1; id <= (store.counts()["environment"] ?? 0); id++) {
      const surroundings = JSON.parse(store.note(`surroundings:${id}`) ?? "{}") as { searchRoots?: string[] };
      const searchRoots = surroundings.searchRoots ?? [""];
      const tree =
        trees.get(searchRoots.join("\n")) ?? new MemoryTree(step.state, searchRoots, broken, variablesOf(step.command));
      trees.set(searchRoots.join("\n"), tree);
      for (const list of store.facts(id).values()) {
        for (const fact of list.filter((each) => each.id > this.#lastFact)) {
          lastFact = Math.max(lastFact, fact.id);
          roots = searchRoots.filter((root) => !root.startsWith(".."));
          const node = nodes.get(fact.test) ?? "";
          const depsets = depsetsOf(fact);
          problems.push(...this.#check(store, node, depsets, tree));
          const own = usesWord(this.#scenario) ? { depsets: fact.depsets, ...remarksOf(fact) } : { depsets };
          facts.push({ id: node, outcome: fact.outcome, green: fact.green, ...own });
        }
      }
      for (const list of store.collections(id).values()) {
        for (const found of list.filter((each) => each.id > this.#lastCollection)) {
          lastCollection = Math.max(lastCollection, found.id);
          roots = searchRoots.filter((root) => !root.startsWith(".."));
          const depsets = depsetsOf(found);
          problems.push(...this.#check(store, found.path, depsets, tree));
          collections.push({
            path: found.path,
            id: found.id,
            ...(found.outcome === ABSENT_COLLECTION ? { outcome: found.outcome } : {}),
            green: found.green,
            ids: found.tests.map((test) => nodes.get(test) ?? ""),
            depsets,
          });
        }
      }
    }
    this.#lastFact = lastFact;
    this.#lastCollection = lastCollection;
    this.#steps.push({ ...common, roots, broken, facts, collections, survivors });
    return problems;
  }

  #check(store: Store, subject: string, depsets: readonly number[], tree: MemoryTree): string[] {
    const problems: string[] = [];
    const step = this.#steps.length;
    for (const id of depsets.filter((each) => this.#checked.get(each) !== step)) {
      this.#checked.set(id, step);
      const keys: Key[] = [];
      for (const dependency of store.depset(id).flatMap((member) => store.dependency(member) ?? [])) {
        const { kind, path, name, value } = dependency;
        // What lies outside of the project is not part of a scenario's state.
        if (path.startsWith("..")) {
          continue;
        }
        keys.push({ kind, path, name });
        const now = valueIn(tree, dependency);
        if (!BORROWED.has(kind) && now !== inProject(kind, value)) {
          problems.push(`FACT ${subject}: ${kind} ${path} ${name} is recorded as ${value}, not ${now}`);
        }
      }
      if (!this.#depsets.has(id)) {
        this.#depsets.set(id, { step, keys });
      }
    }
    return problems;
  }

  /** The recording, reduced to the keys that change within the scenario. */
  finish(markdown: string): RecordedScenario {
    const roots = [...new Set(this.#steps.flatMap((step) => step.roots))];
    const trees = this.#scenario.steps.map(
      (step, index) => new MemoryTree(step.state, roots, this.#steps[index]?.broken ?? {}, variablesOf(step.command)),
    );
    const indices = new Map<string, number>();
    const keys: [KeyKind, string, string][] = [];
    const indexOf = (key: Key): number => {
      const id = `${key.kind}\n${key.path}\n${key.name}`;
      let index = indices.get(id);
      if (index === undefined) {
        // Which bodies a fact depends on says what it mentions, though they stay the same.
        const isCode = key.kind === "body" || key.kind === "toplevel";
        const varies = isCode || new Set(trees.map((tree) => valueIn(tree, key))).size > 1;
        index = varies ? keys.push([key.kind, key.path, key.name]) - 1 : -1;
        indices.set(id, index);
      }
      return index;
    };
    const renumbered = new Map<string, number>();
    const depsets: { step: number; keys: number[] }[] = [];
    const numbers = new Map<number, number>();
    for (const [id, { step, keys: members }] of this.#depsets) {
      const kept = [...new Set(members.map(indexOf).filter((index) => index >= 0))].sort((a, b) => a - b);
      const text = JSON.stringify([step, kept]);
      const number = renumbered.get(text) ?? depsets.push({ step, keys: kept }) - 1;
      renumbered.set(text, number);
      numbers.set(id, number);
    }
    const translate = (ids: readonly number[]): number[] => [
      ...new Set(ids.map((id) => numbers.get(id) ?? -1).filter((number) => (depsets[number]?.keys.length ?? 0) > 0)),
    ];
    // A set in which nothing varies is a set all the same: without any the fact would prove nothing.
    const translated = (opaque: NonNullable<Remarks["opaque"]>): NonNullable<Remarks["opaque"]> => ({
      reasons: opaque.reasons,
      depsets: opaque.depsets.map((id) => numbers.get(id) ?? -1),
    });
    const steps = this.#steps.map((step) => ({
      ...step,
      facts: step.facts.map((fact) => {
        const opaque = fact.remarks?.opaque;
        const depsets = translate(fact.depsets);
        return opaque === undefined
          ? { ...fact, depsets }
          : { ...fact, depsets, remarks: { ...fact.remarks, opaque: translated(opaque) } };
      }),
      collections: step.collections.map((each) => ({ ...each, depsets: translate(each.depsets) })),
    }));
    return { text: textOf(markdown), keys, depsets, steps };
  }
}

/** All sets that a fact needs: that of everything in the project stands apart in the store. */
function depsetsOf({ depsets, remarks }: Pick<Fact, "depsets" | "remarks">): readonly number[] {
  return [...depsets, ...(remarks?.opaque?.depsets ?? [])];
}

/** Remarks as they are kept: values of files and variables are computed anew, like all others. */
function remarksOf({ remarks }: Fact): { remarks?: Remarks } {
  if (remarks === undefined) {
    return {};
  }
  const declared = remarks.declared?.map((each) =>
    each.kind !== "command" && each.value !== null ? { ...each, value: "" } : each,
  );
  return { remarks: { ...remarks, ...(declared === undefined ? {} : { declared }) } };
}

/** Whether the user says something in the scenario: in the configuration or by a marker. */
export function usesWord(scenario: Scenario): boolean {
  return scenario.steps.some(({ state }) => [...state.values()].some(({ text }) => /(tool|mark)\.winnow/.test(text)));
}
