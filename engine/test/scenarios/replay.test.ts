/**
 * Replays every scenario on the decisions alone: no disk, no Python, milliseconds.
 *
 * The facts are those that a real run recorded (`golden/recorded.json`), their values are computed from the scenario's own
 * files. Steps that are about pytest's arguments and not seen before, or about rules of collection that only the
 * pipeline knows, are left to the real mode.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { valueOfKey as valueIn } from "../../src/changes/values.ts";
import { type Config, DEFAULTS } from "../../src/config/config.ts";
import { pathMatcher } from "../../src/config/globs.ts";
import { readConfig } from "../../src/config/load.ts";
import { blobSha1, textDigest } from "../../src/files/hash.ts";
import { FAILED, type Key, WHOLE } from "../../src/model/key.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { DeclaredKey, Remarks } from "../../src/model/remarks.ts";
import { Variables } from "../../src/pipeline/variables.ts";
import { ignoredPaths, wordOf } from "../../src/pipeline/word.ts";
import { type LevelKnowledge, ModuleLevel } from "../../src/selection/module-level.ts";
import { scopeOf } from "../../src/selection/scope.ts";
import {
  type Candidate,
  type Knowledge,
  type KnownCollection,
  type KnownFact,
  select,
} from "../../src/selection/select.ts";
import { MemoryTree, variablesOf } from "./memory.ts";
import { expand, readScenarioFiles } from "./project.ts";
import { judgeReasons, type PlanJson, reasonsFor } from "./reasons.ts";
import { type RecordedScenario, type RecordedStep, readRecorded, textOf, usesWord } from "./recorded.ts";
import { encode, parseScenario, type Scenario, type Step } from "./scenario.ts";

/** The value of a declared glob in a state. */
function filesValue(state: Step["state"], glob: string): string {
  const matches = pathMatcher([glob]);
  const files = [...state].filter(([path]) => matches(path)).sort(([one], [other]) => (one < other ? -1 : 1));
  return textDigest(files.map(([path, file]) => `${path} ${blobSha1(encode(file))}`).join("\n"));
}

/** The value of a declared input in a step. */
function declaredValue(step: Step, { kind, name }: DeclaredKey): string | undefined {
  return kind === "files"
    ? filesValue(step.state, name)
    : kind === "env"
      ? new Variables(step.command.environment, "").digest(name)
      : undefined;
}

/** Remarks with the values of files and variables as they were in a step. */
function remarksAt(step: Step, remarks: Remarks | undefined): Remarks | undefined {
  return remarks?.declared === undefined
    ? remarks
    : {
        ...remarks,
        declared: remarks.declared.map((each) =>
          each.value === null ? each : { ...each, value: declaredValue(step, each) ?? each.value },
        ),
      };
}

/** What was recorded before a step, in its environment. */
function knowledgeAt(
  scenario: Scenario,
  recorded: RecordedScenario,
  at: number,
  config: Config,
): { knowledge: Knowledge; tree: MemoryTree } {
  const { state, command } = scenario.steps[at] as Step;
  const now = recorded.steps[at] as RecordedStep;
  const earlier = recorded.steps.slice(0, at).filter((step) => step.environment === now.environment);
  const trees = scenario.steps.map((step, index) => {
    const { roots, broken } = recorded.steps[index] as RecordedStep;
    return new MemoryTree(step.state, roots, broken, variablesOf(step.command));
  });
  const tree = new MemoryTree(state, earlier.at(-1)?.roots ?? [""], now.broken, variablesOf(command));
  const keyAt = (index: number): Key => {
    const [kind, path, name] = recorded.keys[index] as RecordedScenario["keys"][number];
    return { kind, path, name };
  };
  const ignored = ignoredPaths(config.ignore);
  const isIgnored = ({ kind, path }: Key): boolean => (kind === "file" || kind === "listing") && ignored(path);
  const different = (depset: number): { readonly key: Key; readonly value: string }[] => {
    const { step, keys } = recorded.depsets[depset] as RecordedScenario["depsets"][number];
    const then = trees[step] as MemoryTree;
    return keys
      .map(keyAt)
      .map((key) => ({ key, value: valueIn(then, key) }))
      .filter(({ key, value }) => !isIgnored(key) && valueIn(tree, key) !== value);
  };
  const isLevel = ({ key, value }: { readonly key: Key; readonly value: string }): boolean =>
    (key.kind === "toplevel" && key.name !== WHOLE
      ? /^[0-9a-f]/.test(value)
      : key.kind === "file" && value === "-" && /(^|\/)conftest\.py$/.test(key.path)) &&
    tree.source(key.path).kind === "source";
  const changed = (depset: number): Key[] =>
    different(depset)
      .filter((each) => !isLevel(each))
      .map(({ key }) => key);
  const numbers = new Map<string, number>();
  const numberOf = (id: string): number => {
    const number = numbers.get(id) ?? numbers.size + 1;
    numbers.set(id, number);
    return number;
  };
  const facts = new Map<number, KnownFact[]>();
  const collections = new Map<string, KnownCollection[]>();
  const survivors = new Map<number, readonly number[] | null>();
  earlier.forEach((step, index) => {
    for (const { id, outcome, green, depsets, remarks } of step.facts) {
      const list = facts.get(numberOf(id)) ?? [];
      const then = scenario.steps[recorded.steps.indexOf(step)] as Step;
      facts.set(numberOf(id), [{ outcome, green, at: index, depsets, remarks: remarksAt(then, remarks) }, ...list]);
    }
    for (const { id, path, green, outcome = green ? "passed" : "failed", ids, depsets } of step.collections) {
      const list = collections.get(path) ?? [];
      collections.set(path, [{ id, path, outcome, green, at: index, tests: ids.map(numberOf), depsets }, ...list]);
    }
    if (step.selection === now.selection) {
      for (const [id, tests] of Object.entries(step.survivors)) {
        survivors.set(Number(id), tests?.map(numberOf) ?? null);
      }
    }
  });
  const nodes = new Map([...numbers].map(([id, number]) => [number, id]));
  const levelsOf = (file: string, depset: number): string[] =>
    (recorded.depsets[depset]?.keys ?? [])
      .map(keyAt)
      .flatMap(({ kind, path, name }) => (kind === "toplevel" && path === file ? [name] : []));
  const known: LevelKnowledge = {
    project: tree.project(),
    usedByAll: [],
    paths: () => tree.sources(),
    outlineOfToplevel: (value) =>
      trees.map((then) => then.outlineOfToplevel(value)).find((found) => found !== undefined),
    changedIn: (depset) =>
      different(depset)
        .filter(isLevel)
        .map(({ key, value }) => ({ path: key.path, value })),
    failedIn: (depset) =>
      (recorded.depsets[depset]?.keys ?? [])
        .map(keyAt)
        .flatMap(({ kind, path, name }) => (kind === "toplevel" && name === FAILED ? [path] : [])),
    isConcerned: (depset, concern) =>
      (recorded.depsets[depset]?.keys ?? [])
        .map(keyAt)
        .some(
          ({ kind, path, name }) =>
            (kind === "body" && concern.concerns(path, name)) ||
            (kind === "toplevel" && (concern.effects.has(path) || (name === WHOLE && concern.touched.has(path)))),
        ),
    failuresIn: (depset, concern) => [...concern.failures].filter((path) => levelsOf(path, depset).length > 0),
    isLoadedBy: (file, path) =>
      (collections.get(file) ?? [])
        .filter(({ green }) => green)
        .every(({ depsets }) => {
          const names = depsets.flatMap((depset) => levelsOf(path, depset));
          return names.length > 0 && !names.includes(WHOLE);
        }),
    fileOf: (number) => [...collections].find(([, [newest]]) => newest?.tests.includes(number))?.[0],
    nodeOf: (number) => nodes.get(number),
  };
  const knowledge: Knowledge = {
    moduleLevel: new ModuleLevel(known),
    word: wordOf(
      { config, also: { paths: [], expressions: [] }, allowCommands: false },
      () => ({ nodes, paths: new Map([...nodes].map(([number, id]) => [number, id.split("::")[0] ?? ""])) }),
      (key) => declaredValue(scenario.steps[at] as Step, key),
    ),
    facts,
    collections,
    nodes,
    survivors,
    missed: new Map(),
    holds: (depset) => changed(depset).length === 0,
    changed,
    broken: (path) => {
      const source = tree.source(path);
      return source.kind === "broken" ? source.message : undefined;
    },
  };
  return { knowledge, tree };
}

/** Why a step is not judged here, or null. */
function leftToRealMode(scenario: Scenario, recorded: RecordedScenario, at: number): string | null {
  const now = recorded.steps[at] as RecordedStep;
  const earlier = recorded.steps.slice(0, at).filter((step) => step.environment === now.environment);
  const same = (step: RecordedStep): boolean =>
    step.selection === now.selection && JSON.stringify(step.paths) === JSON.stringify(now.paths);
  const texts = [...(scenario.steps[at] as Step).state.values()].map((file) => file.text);
  return earlier.length === 0
    ? "the first run of its environment"
    : !earlier.some(same)
      ? "a request that was never made before"
      : now.early
        ? "a run that may end early"
        : texts.some((text) => /pytest_collect_file|pytest_ignore_collect|python_files|testpaths|--doctest/.test(text))
          ? "rules of collection"
          : usesWord(scenario) && texts.some((text) => /\bcommands\b/.test(text))
            ? "the output of commands"
            : null;
}

function judge(step: Step, recorded: RecordedStep, plan: Plan): string[] {
  const problems: string[] = [];
  const some = plan.kind === "some" ? plan : { tests: [], files: [], skipTests: new Map(), provided: new Map() };
  const json: PlanJson = { kind: plan.kind, because: null, tests: some.tests, files: some.files };
  const all = new Set(recorded.ran);
  const listed = new Set<string>();
  for (const { id, reasons } of step.selected.tests) {
    for (const each of expand(id, all)) {
      listed.add(each);
      const file = each.split("::")[0] ?? "";
      // Whether an import goes well is not known here.
      const isSkipped = some.skipTests.get(file)?.includes(each) === true && !some.provided.has(file);
      const given = isSkipped ? [] : reasonsFor(each, json);
      if (given.length === 0) {
        problems.push(`MISSED ${each}`);
      } else {
        const problem = judgeReasons(reasons, given);
        problems.push(...(problem === null ? [] : [`REASON ${each}: ${problem}`]));
      }
    }
  }
  const unwanted = new Set(step.upToDate.flatMap((each) => expand(each, all)));
  const tolerated = new Set(step.mayRun.flatMap((each) => expand(each, all)));
  for (const { id } of some.tests) {
    if (step.selected.atLeast ? unwanted.has(id) : !listed.has(id) && !tolerated.has(id)) {
      problems.push(`SURPLUS ${id} (${reasonsFor(id, json).join(", ")})`);
    }
  }
  const asked = step.selected.asked !== null || step.exit !== null;
  for (const { path } of some.files) {
    const wanted = [...listed, ...tolerated].some((id) => id === path || id.startsWith(`${path}::`));
    if (!step.selected.atLeast && !wanted && !asked && !some.provided.has(path)) {
      problems.push(`SURPLUS ${path} (${reasonsFor(path, json).join(", ")})`);
    }
  }
  return problems;
}

const recordings = readRecorded();
const isTestFile = /(^|\/)(test_[^/]*|[^/]*_test)\.py$/;

test("scenarios, replayed on the decisions", async (t) => {
  let judged = 0;
  let left = 0;
  for (const { name, text } of readScenarioFiles()) {
    const scenario = parseScenario(name, text);
    const recorded = recordings[name];
    const configs = await Promise.all(
      scenario.steps.map(({ state }) => readConfig(state.get("pyproject.toml")?.text ?? "").catch(() => DEFAULTS)),
    );
    await t.test(name, () => {
      assert.ok(recorded, "nothing is recorded of this scenario: RECORD=missing node --test run.test.ts");
      assert.equal(recorded.text, textOf(text), "recorded from another text: RECORD=missing node --test run.test.ts");
      const problems: string[] = [];
      scenario.steps.forEach((step, at) => {
        if (leftToRealMode(scenario, recorded, at) !== null) {
          left++;
          return;
        }
        judged++;
        const { knowledge, tree } = knowledgeAt(scenario, recorded, at, configs[at] ?? DEFAULTS);
        const candidates = [...step.state.keys()]
          .filter((path) => isTestFile.test(path) && !knowledge.collections.has(path))
          .map((path): Candidate => ({ path, reason: { kind: "new-file", path } }));
        const now = recorded.steps[at] as RecordedStep;
        const scope = scopeOf(now.paths);
        const plan = select(
          knowledge,
          scope,
          candidates.filter(({ path }) => scope.hasFile(path)),
          (path) => tree.digest(path) !== "-",
        );
        problems.push(...judge(step, now, plan).map((each) => `scenarios/${name}.md:${step.line}: ${each}`));
      });
      assert.deepEqual(problems, [], problems.join("\n"));
    });
  }
  t.diagnostic(`${judged} steps replayed, ${left} left to the real mode`);
});
