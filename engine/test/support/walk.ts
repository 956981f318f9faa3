/** Random programs, random edits of them, and a program on disk with what is true of it. */

import assert from "node:assert/strict";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Plan } from "../../src/model/plan.ts";
import {
  collectionSignature,
  filesOf,
  isTestFile,
  type Program,
  passes,
  runProgram,
  type Source,
  testSignature,
  testsOf,
  wouldRun,
} from "./program.ts";
import { type RunOptions, TestProject } from "./project.ts";

export const FUNCTIONS = ["f", "g"];
const MODULES = ["a", "b", "c", "d"];

/** Modules call only those that they import, and import only those after them, so that nothing goes round for ever. */
export const PROGRAM: fc.Arbitrary<Program> = fc
  .record({
    imports: fc.array(fc.subarray(MODULES), { minLength: 4, maxLength: 4 }),
    calls: fc.array(fc.nat(99), { minLength: 8, maxLength: 8 }),
    tests: fc.array(
      fc.record({
        imports: fc.subarray(MODULES, { minLength: 1 }),
        calls: fc.array(fc.nat(99), { minLength: 2, maxLength: 2 }),
      }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
  })
  .map(({ imports, calls, tests }) => {
    const modules = MODULES.map((name, index): Source => {
      const imported = (imports[index] ?? []).filter((other) => other > name);
      return {
        path: `${name}.py`,
        imports: imported,
        constant: 1,
        comments: 0,
        functions: FUNCTIONS.map((called, at) => ({
          name: called,
          version: 1,
          calls: callsOf(imported, calls[index * 2 + at] ?? 0),
          reads: (calls[index * 2 + at] ?? 0) % 2 === 1,
        })),
      };
    });
    const files = tests.map(
      (each, index): Source => ({
        path: `tests/test_${index}.py`,
        imports: each.imports,
        constant: 1,
        comments: 0,
        functions: each.calls.map((seed, at) => ({
          name: `test_${at}`,
          version: 1,
          calls: callsOf(each.imports, seed),
          reads: seed % 2 === 1,
        })),
      }),
    );
    return { sources: [...modules, ...files] };
  });

function callsOf(imports: readonly string[], seed: number): string[] {
  const all = imports.flatMap((module) => FUNCTIONS.map((name) => `${module}.${name}`));
  return all.filter((_, index) => ((seed >> (index % 7)) & 1) === 1);
}

export type Edit = readonly [kind: (typeof EDITS)[number], which: number, how: number];
const EDITS = [
  "body",
  "constant",
  "effect",
  "comment",
  "touch",
  "new function",
  "new import",
  "new test",
  "removed test",
  "new file",
  "removed file",
  "back",
] as const;
export const EDIT: fc.Arbitrary<Edit> = fc.tuple(
  fc.constantFrom(...EDITS, "body" as const, "back" as const),
  fc.nat(99),
  fc.nat(99),
);

/** The program after an edit of the last one. */
export function apply(history: readonly Program[], [kind, which, how]: Edit): Program {
  const program = history.at(-1) as Program;
  const { sources } = program;
  const change = (source: Source | undefined, more: (source: Source) => Partial<Source>): Program => ({
    sources: sources.map((each) => (each === source ? { ...each, ...more(each) } : each)),
  });
  const any = sources[which % sources.length] as Source;
  const files = sources.filter(isTestFile);
  const file = files[which % Math.max(1, files.length)];
  switch (kind) {
    case "body":
      return change(any, ({ functions }) => ({
        functions: functions.map((each, index) =>
          index === how % functions.length ? { ...each, version: each.version + 1 + (how % 7) } : each,
        ),
      }));
    case "constant":
      return change(any, ({ constant }) => ({ constant: constant + 1 }));
    case "effect":
      return change(any, ({ effect = 0 }) => ({ effect: how % 3 === 0 ? 0 : effect + 1 }));
    case "comment":
      return change(any, ({ comments }) => ({ comments: comments + 1 + (how % 3) }));
    case "touch":
      return program;
    case "new function":
      return change(any, ({ functions, path }) => ({
        functions: [
          ...functions,
          { name: `${path.startsWith("tests/") ? "test_" : ""}new${functions.length}`, version: 1, calls: [] },
        ],
      }));
    case "new import":
      return change(any, ({ imports, path }) => ({
        imports: [
          ...new Set([
            ...imports,
            ...MODULES.filter((name) => path.startsWith("tests/") || `${name}.py` > path).slice(0, 1 + (how % 2)),
          ]),
        ],
      }));
    case "new test":
      return change(file, ({ functions, imports }) => ({
        functions: [...functions, { name: `test_more${functions.length}`, version: 1, calls: callsOf(imports, how) }],
      }));
    case "removed test":
      return change(file, ({ functions }) => ({ functions: functions.slice(0, -1) }));
    case "new file": {
      const path = `tests/test_new${which % 3}.py`;
      return sources.some((each) => each.path === path)
        ? program
        : {
            sources: [
              ...sources,
              {
                path,
                imports: ["a"],
                constant: 1,
                comments: 0,
                functions: [{ name: "test_it", version: 1, calls: ["a.f"] }],
              },
            ],
          };
    }
    case "removed file":
      return files.length < 2 ? program : { sources: sources.filter((each) => each !== file) };
    case "back":
      return history[which % history.length] as Program;
  }
}

/** A program on disk, with what is true of it. */
export class Walk implements Disposable {
  readonly project = new TestProject();
  readonly history: Program[] = [];
  /** By environment: signatures of tests that ran, with whether they passed. */
  readonly #proofs = new Map<string, Map<string, Map<string, boolean>>>();
  readonly #collected = new Map<string, Map<string, Set<string>>>();

  constructor(program: Program) {
    this.go(program);
  }

  [Symbol.dispose](): void {
    this.project[Symbol.dispose]();
  }

  get program(): Program {
    return this.history.at(-1) as Program;
  }

  go(program: Program): void {
    const before = this.history.length === 0 ? {} : filesOf(this.program);
    const after = filesOf(program);
    for (const path of Object.keys(before).filter((each) => !(each in after))) {
      this.project.write({ [path]: null });
    }
    for (const [path, text] of Object.entries(after)) {
      if (before[path as never] !== text) {
        this.project.write({ [path]: text });
      }
    }
    this.history.push(program);
  }

  touch(): void {
    const now = Date.now() / 1000 - 5000;
    for (const path of Object.keys(filesOf(this.program))) {
      utimesSync(join(this.project.root, path), now, now);
    }
  }

  isProven(environment: string, file: Source, name: string): boolean {
    const signature = testSignature(this.program, file, name);
    return this.#proofs.get(environment)?.get(`${file.path}::${name}`)?.get(signature) === true;
  }

  isCollected(environment: string, file: Source): boolean {
    return this.#collected.get(environment)?.get(file.path)?.has(collectionSignature(this.program, file)) === true;
  }

  /**
   * Whether no import ever had an effect: a new edge to a module that has one counts as an effect for everybody who
   * imports its beginning, though some may have loaded that module before.
   */
  get isExact(): boolean {
    return !this.history.some(({ sources }) => sources.some(({ effect }) => effect !== undefined));
  }

  /** Compares a plan with what is true. */
  judge(plan: Plan, environment: string): void {
    for (const file of this.program.sources.filter(isTestFile)) {
      for (const { name } of file.functions) {
        const id = `${file.path}::${name}`;
        const runs = wouldRun(plan, file.path, id);
        const proven = this.isProven(environment, file, name);
        assert.ok(runs || proven, `MISSED ${id}`);
        // A file that is collected again may yield tests that the plan could not name.
        assert.ok(
          !runs || !proven || !this.isCollected(environment, file) || plan.kind === "everything" || !this.isExact,
          `SURPLUS ${id}`,
        );
      }
      if (plan.kind === "some") {
        const expected =
          this.isCollected(environment, file) &&
          file.functions.every(({ name }) => this.isProven(environment, file, name));
        const refused = plan.skipFiles.includes(file.path);
        assert.ok(
          refused === expected || (!refused && !this.isExact),
          `${file.path} is${expected ? " not" : ""} refused`,
        );
      }
    }
  }

  run(options: RunOptions = {}, environment = ""): { plan: Plan; ran: string[] } {
    let ran: string[] = [];
    const { plan, summary } = this.project.run((planned) => {
      const run = runProgram(this.program, planned, this.project.root);
      ran = run.ran;
      return [run.journal];
    }, options);
    assert.deepEqual([...summary.lost], []);
    this.judge(plan, environment);
    const proofs = this.#proofs.get(environment) ?? new Map<string, Map<string, boolean>>();
    this.#proofs.set(environment, proofs);
    const collected = this.#collected.get(environment) ?? new Map<string, Set<string>>();
    this.#collected.set(environment, collected);
    for (const file of this.program.sources.filter(isTestFile)) {
      if (plan.kind !== "some" || !plan.skipFiles.includes(file.path)) {
        const known = collected.get(file.path) ?? new Set();
        collected.set(file.path, known.add(collectionSignature(this.program, file)));
      }
      for (const { name } of file.functions) {
        const id = `${file.path}::${name}`;
        if (ran.includes(id)) {
          const known = proofs.get(id) ?? new Map<string, boolean>();
          proofs.set(id, known.set(testSignature(this.program, file, name), passes(this.program, file, name)));
        }
      }
    }
    return { plan, ran };
  }

  /** After a run: nothing is left to do but what fails. */
  settle(options: RunOptions = {}): void {
    const plan = this.project.plan(options);
    const red = this.program.sources
      .filter(isTestFile)
      .flatMap((file) =>
        file.functions
          .filter(({ name }) => !passes(this.program, file, name))
          .map(({ name }) => `${file.path}::${name}`),
      );
    const tests = this.program.sources.filter(isTestFile).flatMap(testsOf);
    if (tests.length === 0) {
      return;
    }
    assert.deepEqual(
      plan.kind === "some" ? plan.tests.map(({ id }) => id).sort() : plan.kind,
      red.length === 0 ? "nothing" : red.sort(),
    );
    assert.deepEqual(plan.kind === "some" ? plan.files : [], []);
  }
}
