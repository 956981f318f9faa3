/**
 * Stands for a Python with pytest: answers what Winnow asks of an interpreter, and instead of running tests writes the
 * journal that running `program.json` of the working directory would leave. A source with "SYNTAX ERROR" in it does
 * not compile. Each start is noted in the file of FAKE_LOG; FAKE_EXIT is the exit code, whatever ran.
 */

import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../../src/model/plan.ts";
import { type Program, runProgram } from "./program.ts";

interface Session {
  readonly root: string;
  readonly journals: string;
  readonly run: string;
  readonly plan: string;
  readonly record: boolean;
}

interface PlanFile {
  readonly everything: boolean;
  readonly skipFiles: readonly string[];
  readonly provided: Record<string, string[]>;
  readonly skipTests: Readonly<Record<string, readonly string[]>>;
}

function note(what: string): void {
  const log = process.env["FAKE_LOG"];
  if (log !== undefined) {
    appendFileSync(log, `${what}\n`);
  }
}

function probe(): void {
  note("probe");
  const said = {
    executable: process.env["FAKE_EXECUTABLE"] ?? "",
    version: "3.13.0",
    number: [3, 13],
    platform: "linux",
    implementation: "cpython",
    cacheTag: "cpython-313",
    threads: false,
    prefix: "/nowhere",
    basePrefix: "/nowhere",
    stdlib: [],
    sites: [],
    path: [],
    flags: {},
    monitoring: true,
    pytest: process.env["FAKE_PYTEST"] === "none" ? null : "9.0.0",
  };
  process.stdout.write(`\n@winnow-probe@${JSON.stringify(said)}\n`);
}

function compile(): void {
  note("compile");
  const paths = readFileSync(0, "utf8").split("\0");
  const verdict = (path: string) =>
    readFileSync(path, "utf8").includes("SYNTAX ERROR") ? "-line 1: invalid syntax" : "+";
  process.stdout.write(paths.map(verdict).join("\0"));
}

function collect(args: readonly string[]): number {
  const session = JSON.parse(readFileSync(process.env["WINNOW_SESSION"] ?? "", "utf8")) as Session;
  const file = JSON.parse(readFileSync(session.plan, "utf8")) as PlanFile;
  note(["pytest", ...args].join(" "));
  const program = JSON.parse(readFileSync(join(session.root, "program.json"), "utf8")) as Program;
  const plan: Plan = file.everything
    ? { kind: "everything", because: "", known: 0 }
    : {
        kind: "some",
        tests: [],
        files: [],
        skipFiles: file.skipFiles,
        skipTests: new Map(Object.entries(file.skipTests)),
        provided: new Map(Object.entries(file.provided)),
        failed: new Map(),
        leftOutWithFiles: 0,
        upToDate: 0,
        known: 0,
      };
  const { journal, ran } = runProgram(program, plan, session.root);
  if (session.record) {
    journal.write(join(session.journals, `${session.run}-${process.pid}-0.journal`));
  }
  return ran.length === 0 ? 5 : 0;
}

export function main(args: readonly string[]): void {
  const exit = Number(process.env["FAKE_EXIT"] ?? 0);
  if (args[0] === "-c") {
    probe();
  } else if (args[0] === "-I") {
    compile();
  } else if (args[0] === "-m") {
    note(["bare", ...args.slice(1)].join(" "));
    process.exitCode = exit;
  } else {
    const code = collect(args.slice(1));
    process.exitCode = exit === 0 ? code : exit;
  }
}
