/**
 * Small programs as data: modules with constants, functions that call each other, and tests. They know their own text,
 * what running a test touches, and what the outcome can depend on: an oracle that shares nothing with the engine.
 */

import { readdirSync } from "node:fs";
import { blobSha1 } from "../../src/files/hash.ts";
import type { Plan } from "../../src/model/plan.ts";
import { type CodeAt, JournalBuilder, moduleName } from "./journal.ts";

export interface Function {
  readonly name: string;
  readonly version: number;
  /** `module.function` */
  readonly calls: readonly string[];
  /** It reads the constant of its module. */
  readonly reads?: boolean;
}

export interface Source {
  readonly path: string;
  readonly imports: readonly string[];
  readonly constant: number;
  /** What importing it prints; nothing for 0. */
  readonly effect?: number;
  /** Comment lines at the top: they move everything and mean nothing. */
  readonly comments: number;
  /** Of a test file these are the tests. */
  readonly functions: readonly Function[];
}

export interface Program {
  readonly sources: readonly Source[];
}

export function isTestFile({ path }: Source): boolean {
  return path.startsWith("tests/");
}

export function testsOf(source: Source): string[] {
  return source.functions.map(({ name }) => `${source.path}::${name}`);
}

function nameOf(source: Source): string {
  return moduleName(isTestFile(source) ? source.path.replace(/^tests\//, "") : source.path);
}

/** The text of a source, and on which line each function begins. */
export function textOf(source: Source): { text: string; lines: ReadonlyMap<string, number> } {
  const text: string[] = Array.from({ length: source.comments }, (_, i) => `# comment ${i}`);
  text.push(...source.imports.map((name) => `import ${name}`), `CONSTANT = ${source.constant}`);
  text.push(...(source.effect ? [`print(${source.effect})`] : []));
  const lines = new Map<string, number>();
  for (const { name, version, calls, reads } of source.functions) {
    text.push("", "");
    lines.set(name, text.length + 1);
    const body = [...calls.map((call) => `${call}()`), ...(reads ? ["CONSTANT"] : []), `return ${version}`];
    text.push(`def ${name}():`, ...body.map((line) => `    ${line}`));
  }
  return { text: `${text.join("\n")}\n`, lines };
}

export function filesOf(program: Program): Record<string, string> {
  return Object.fromEntries(program.sources.map((source) => [source.path, textOf(source).text]));
}

function sourceOf(program: Program, name: string): Source | undefined {
  return program.sources.find((source) => nameOf(source) === name);
}

/** The source and all that it imports, in the order in which they are executed to their end. */
function finished(program: Program, source: Source, found: Source[] = [], begun = new Set<Source>()): Source[] {
  if (!begun.has(source)) {
    begun.add(source);
    for (const name of source.imports) {
      const target = sourceOf(program, name);
      if (target !== undefined) {
        finished(program, target, found, begun);
      }
    }
    found.push(source);
  }
  return found;
}

interface Touched {
  readonly source: Source;
  readonly called: Function;
}

/** What runs when a function is called. */
function touched(program: Program, source: Source, called: Function, found: Touched[] = []): Touched[] {
  if (!found.some((each) => each.source === source && each.called === called)) {
    found.push({ source, called });
    for (const call of called.calls) {
      const [module = "", name = ""] = call.split(".");
      const target = sourceOf(program, module);
      const next = target?.functions.find((each) => each.name === name);
      if (target !== undefined && next !== undefined) {
        touched(program, target, next, found);
      }
    }
  }
  return found;
}

function toplevelOf({ path, imports, constant, functions }: Source): string {
  return JSON.stringify([path, imports, constant, functions.map(({ name }) => name)]);
}

/** What happens when a test file is imported, in order. */
function effects(program: Program, file: Source): string {
  return JSON.stringify(finished(program, file).flatMap(({ path, effect }) => (effect ? [[path, effect]] : [])));
}

/** All that the collection of a test file depends on. */
export function collectionSignature(program: Program, file: Source): string {
  return JSON.stringify([toplevelOf(file), effects(program, file)]);
}

/** All that the outcome of a test depends on: equal signatures, equal outcomes. */
export function testSignature(program: Program, file: Source, name: string): string {
  const called = file.functions.find((each) => each.name === name) as Function;
  const bodies = touched(program, file, called).map(({ source, called: each }) => [
    source.path,
    each.name,
    each.version,
    each.calls,
    each.reads ? source.constant : null,
  ]);
  return JSON.stringify([effects(program, file), bodies.map((body) => JSON.stringify(body)).sort()]);
}

/** Whether a test passes: no function that it touches has a version that is a multiple of seven. */
export function passes(program: Program, file: Source, name: string): boolean {
  const called = file.functions.find((each) => each.name === name) as Function;
  return touched(program, file, called).every(({ called: { version } }) => version % 7 !== 0);
}

/** Whether pytest, given this plan, would run a test. */
export function wouldRun(plan: Plan, path: string, id: string): boolean {
  switch (plan.kind) {
    case "everything":
      return true;
    case "nothing":
      return false;
    case "some":
      return !plan.skipFiles.includes(path) && !(plan.skipTests.get(path) ?? []).includes(id);
  }
}

/** The journal that a run of this program under this plan would leave, and what ran. */
export function runProgram(program: Program, plan: Plan, root: string): { journal: JournalBuilder; ran: string[] } {
  const journal = new JournalBuilder()
    .start()
    .session({ roots: ["tests", "."] })
    .context(0, "session", "session");
  const names = (directory: string): string[] => readdirSync(`${root}/${directory}`).sort();
  journal.context(1, "session", "walk", {
    inputs: [
      ["listing", ".", names(".")],
      ["listing", "tests", names("tests")],
    ],
  });
  const contexts = new Map<Source, number>();
  let next = 2;
  const load = (source: Source): number | undefined => {
    if (contexts.has(source)) {
      return undefined;
    }
    const ctx = next++;
    contexts.set(source, ctx);
    const uses = source.imports.flatMap((name) => {
      const target = sourceOf(program, name);
      // Only whoever comes first lets it be loaded; the others find it ready.
      return target === undefined ? [] : (load(target) ?? []);
    });
    const sha = blobSha1(new TextEncoder().encode(textOf(source).text));
    journal.module(source.path, { sha, ctx, uses, name: nameOf(source) });
    return ctx;
  };
  const collected: { readonly file: Source; readonly ctx: number }[] = [];
  const refused = plan.kind === "some" ? plan.skipFiles : [];
  for (const file of program.sources.filter((source) => isTestFile(source) && !refused.includes(source.path))) {
    const loaded = load(file);
    const ctx = next++;
    journal.context(ctx, "file", file.path, { uses: loaded === undefined ? [] : [loaded] });
    collected.push({ file, ctx });
  }
  for (const { file, ctx } of collected) {
    journal.collected(file.path, ctx, testsOf(file));
  }
  journal.session({ roots: ["tests", "."], complete: true, args: ["."] });
  const ran: string[] = [];
  for (const { file, ctx } of collected) {
    for (const called of file.functions) {
      const id = `${file.path}::${called.name}`;
      if (!wouldRun(plan, file.path, id)) {
        continue;
      }
      const codes = touched(program, file, called).map(
        ({ source, called: { name } }): CodeAt => [source.path, textOf(source).lines.get(name) ?? 0, name],
      );
      const green = passes(program, file, called.name);
      journal.test(id, file.path, { uses: [ctx], codes, green, outcome: green ? "passed" : "failed" });
      ran.push(id);
    }
  }
  return { journal: journal.end(), ran };
}
