/** A project on disk with a store, a Python that is only said to be there, and journals instead of test runs. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Config, DEFAULTS } from "../../src/config/config.ts";
import { blobSha1 } from "../../src/files/hash.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { Since } from "../../src/model/since.ts";
import {
  askedFiles,
  type Decision,
  decide,
  declaredBefore,
  openTree,
  surroundingValues,
} from "../../src/pipeline/decide.ts";
import { DeclaredValues } from "../../src/pipeline/declared.ts";
import { environmentOf } from "../../src/pipeline/environment.ts";
import type { Compiler } from "../../src/pipeline/present.ts";
import { type RecordSummary, type RunDescription, record } from "../../src/pipeline/record.ts";
import { remember, verdictAfter } from "../../src/pipeline/remember.ts";
import { makeRequest, type Request } from "../../src/pipeline/request.ts";
import { judgeOf } from "../../src/pipeline/since.ts";
import { storedVerdict, surroundingsOf, type Verdict, variablesOf, verdictKey } from "../../src/pipeline/verdict.ts";
import type { InterpreterInfo } from "../../src/runners/pytest/interpreter.ts";
import { type Layout, makeLayout } from "../../src/store/layout.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import type { JournalBuilder } from "./journal.ts";

export const PYTHON: InterpreterInfo = {
  executable: "/nowhere/python",
  implementation: "cpython",
  version: "3.13.0",
  minor: "3.13",
  platform: "linux",
  cacheTag: "cpython-313",
  prefix: "/nowhere",
  basePrefix: "/nowhere",
  stdlib: [],
  siteDirectories: [],
  path: [],
  flags: {},
  monitoring: true,
  pytest: "9.0.0",
};

/** Says that everything compiles. */
export const ALL_COMPILES: Compiler = (paths) => new Map(paths.map((path) => [path, null]));

/** What to write to a file; null removes it. */
export type Edits = Readonly<Record<string, string | null>>;

export interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly python?: InterpreterInfo;
  readonly compiler?: Compiler;
  readonly config?: Partial<Config>;
  readonly also?: readonly string[];
  readonly allowCommands?: boolean;
  /** The earlier state that is asked about. */
  readonly since?: Since | undefined;
}

export class TestProject {
  readonly root: string;
  readonly layout: Layout;
  readonly store: Store;
  #runs = 0;

  constructor(files: Edits = {}) {
    this.root = mkdtempSync(join(tmpdir(), "winnow-project-"));
    this.write({ "pytest.ini": "[pytest]\n", ...files });
    this.layout = makeLayout(this.root);
    this.store = openStore(this.layout.database);
  }

  [Symbol.dispose](): void {
    this.store.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  write(edits: Edits): void {
    for (const [path, text] of Object.entries(edits)) {
      const absolute = join(this.root, path);
      if (text === null) {
        unlinkSync(absolute);
      } else {
        mkdirSync(dirname(absolute), { recursive: true });
        writeFileSync(absolute, text);
      }
    }
  }

  request({ args = [], env = {}, config = {}, also = [], allowCommands = false, since }: RunOptions = {}): Request {
    const asked = { cwd: this.root, args, env, config: { ...DEFAULTS, ...config }, also, allowCommands };
    return { ...makeRequest(asked), since };
  }

  decide(options: RunOptions = {}): Decision {
    const { python = PYTHON, compiler = ALL_COMPILES, since } = options;
    const judge = since === undefined ? undefined : judgeOf(since);
    return decide(this.store, this.request(options), python, compiler, { judge });
  }

  plan(options: RunOptions = {}): Plan {
    return this.decide(options).plan;
  }

  /** Ids that are to run, or the kind of a plan that is no list. */
  selected(options: RunOptions = {}): readonly string[] | string {
    const { plan } = this.decide(options);
    return plan.kind === "some" ? plan.tests.map(({ id }) => id).sort() : plan.kind;
  }

  describe(decision: Decision, options: RunOptions = {}): RunDescription {
    const request = this.request(options);
    this.#runs += 1;
    return {
      run: `run${this.#runs}`,
      pid: process.pid,
      environment: environmentOf(request, options.python ?? PYTHON),
      selection: request.selection,
      requestKey: request.requestKey,
      stateful: request.fullProfile.stateful,
      asked: askedFiles(decision),
      before: surroundingValues(request, decision.tree),
      declared: declaredBefore(request, decision),
      variables: variablesOf(this.store, request).digests(),
      installed: decision.tree.packagesDigest("*"),
    };
  }

  /** Decides, has the journals written that such a run would leave, and ingests them. */
  run(
    journals: (plan: Plan) => readonly JournalBuilder[],
    options: RunOptions = {},
  ): { plan: Plan; summary: RecordSummary } {
    const decision = this.decide(options);
    const description = this.describe(decision, options);
    const paths = journals(decision.plan).map((journal, index) =>
      journal.write(join(this.layout.journals, `${description.run}-${process.pid}-${index}.journal`)),
    );
    const { python = PYTHON, compiler = ALL_COMPILES } = options;
    const { plan, generation } = decision;
    const decided = { decision, plan, generation };
    const summary = record(this.store, this.request(options), python, description, paths, compiler, { decided });
    this.#checkVerdict(options);
    return { plan, summary };
  }

  /** What a run has left for the next idle invocation, by a short way perhaps, is what a whole look finds. */
  #checkVerdict(options: RunOptions): void {
    const request = this.request(options);
    const environment = environmentOf(request, options.python ?? PYTHON);
    const surroundings = surroundingsOf(this.store, this.store.environment(environment.digest));
    const tree = openTree(this.store, request, options.python ?? PYTHON, surroundings, this.store.watch());
    const isSame = tree.scan().length === 0;
    const declared = new DeclaredValues(tree, request, variablesOf(this.store, request), false);
    const whole = verdictAfter(this.store, request, { environment, tree, declared });
    const key = verdictKey(request, environment, tree);
    const stored = storedVerdict(this.store, key, (name) => variablesOf(this.store, request).digest(name));
    if (isSame) {
      assert.equal(stored, whole.upToDate, "the verdict that was left");
      const { variables = {} } = JSON.parse(this.store.note("verdict") ?? "{}") as Partial<Verdict>;
      const needed = stored === undefined ? [] : [...declared.variables.keys()];
      assert.deepEqual(
        needed.filter((name) => !Object.hasOwn(variables, name)),
        [],
        "variables that the verdict rests on",
      );
    }
  }

  remember(options: RunOptions = {}): void {
    remember(this.store, this.request(options), options.python ?? PYTHON, this.decide(options));
  }
}

export function shaOfText(text: string): string {
  return blobSha1(new TextEncoder().encode(text));
}
