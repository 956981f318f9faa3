/** Starts pytest with the collector, hands the plan down, and waits. pytest owns the terminal meanwhile. */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WinnowError } from "../model/error.ts";
import type { Plan } from "../model/plan.ts";
import type { Layout } from "../store/layout.ts";
import type { OrderDocument } from "./order.ts";
import type { RunDescription } from "./record.ts";
import type { Request } from "./request.ts";
import { stage } from "./trace.ts";

export interface Execution {
  /** pytest's exit code; 128 + n where a signal ended it. */
  readonly exitCode: number;
}

export interface Recording {
  readonly layout: Layout;
  readonly description: RunDescription;
  /** Whether anything is recorded, or the plan carried out only. */
  readonly record: boolean;
}

/** Brings pytest to run with these options, to its end; `onStart` is called once it runs. */
export type Execute = (options: ExecutionOptions, onStart?: () => void) => Promise<Execution>;

export interface ExecutionOptions {
  readonly request: Request;
  readonly executable: string;
  readonly plan: Plan | undefined;
  /** Undefined: pytest runs without anything of Winnow in it. */
  readonly recording: Recording | undefined;
  /** pytest's standard output goes to standard error, because a document of ours goes to the former. */
  readonly outputToStderr: boolean;
  readonly extraArgs: readonly string[];
  /** Directories that pytest need not walk for the plan. */
  readonly spared?: readonly string[];
  /** In which order tests run; without it, as they are written. */
  readonly order?: OrderDocument | null;
}

/** The collector's directory: beside the engine, in the sources and in a bundle alike. */
export function collectorDirectory(): string {
  return process.env["WINNOW_COLLECTOR"] ?? fileURLToPath(new URL("../collector", import.meta.url));
}

/** Runs pytest to its end; `onStart` is called once it runs. Throws if it cannot be started. */
export async function execute(options: ExecutionOptions, onStart: () => void = () => {}): Promise<Execution> {
  const { request, recording } = options;
  const args = [...request.args, ...options.extraArgs];
  const env: NodeJS.ProcessEnv = { ...request.env };
  let command = ["-m", "pytest"];
  if (recording !== undefined) {
    env["WINNOW_SESSION"] = stage("prepare", () => writeSession(options, recording));
    const bootstrap = join(collectorDirectory(), "winnow_pytest.py");
    if (!existsSync(bootstrap)) {
      throw new WinnowError("collector-missing", `the collector is not at ${bootstrap}`, "Install winnow again.");
    }
    command = [bootstrap];
  }
  const child = spawn(options.executable, [...command, ...args], {
    cwd: request.cwd,
    env,
    stdio: options.outputToStderr ? ["inherit", 2, "inherit"] : "inherit",
  });
  child.on("spawn", onStart);
  // Ctrl-C goes to the whole process group: pytest ends in its own way, and what it recorded until then is kept.
  const ignore = (): void => {};
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  process.on("SIGINT", ignore);
  process.on("SIGTERM", forward);
  process.on("SIGHUP", forward);
  try {
    const ended = new Promise<Execution>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        resolve({ exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) });
      });
    });
    return await stage("pytest", () => ended);
  } finally {
    process.off("SIGINT", ignore);
    process.off("SIGTERM", forward);
    process.off("SIGHUP", forward);
  }
}

/** Files of a run in `.winnow/runs/`. */
export function runFiles(layout: Layout, run: string): { description: string; plan: string; session: string } {
  const base = join(layout.runs, run);
  return { description: `${base}.json`, plan: `${base}.plan`, session: `${base}.session` };
}

/** Writes what the collector reads: the session file, whose path is returned, and the plan. */
export function writeSession({ request, plan, spared, order }: ExecutionOptions, recording: Recording): string {
  const { layout, description, record } = recording;
  const files = runFiles(layout, description.run);
  mkdirSync(layout.runs, { recursive: true });
  // The description comes first: without it nobody could tell whose the journals are.
  writeFileSync(files.description, JSON.stringify(description));
  writeFileSync(
    files.plan,
    JSON.stringify({
      ...planDocument(plan),
      skipDirectories: spared ?? [],
      also: request.also.expressions,
      order: order ?? null,
    }),
  );
  writeFileSync(
    files.session,
    JSON.stringify({
      version: 1,
      root: request.root,
      journals: layout.journals,
      run: description.run,
      plan: files.plan,
      mechanism: request.env["WINNOW_MECHANISM"] ?? "auto",
      bytecode: layout.bytecode,
      record,
      ignoreDirs: [layout.directory],
    }),
  );
  return files.session;
}

function planDocument(plan: Plan | undefined): object {
  return plan?.kind === "some"
    ? {
        version: 1,
        everything: false,
        skipFiles: plan.skipFiles,
        skipTests: Object.fromEntries(plan.skipTests),
        provided: Object.fromEntries(plan.provided),
        failed: Object.fromEntries(plan.failed),
      }
    : { version: 1, everything: true, skipFiles: [], skipTests: {}, provided: {}, failed: {} };
}

/** Removes a run's files once its journals are in the store. */
export function removeRunFiles(layout: Layout, run: string): void {
  for (const file of Object.values(runFiles(layout, run))) {
    rmSync(file, { force: true });
  }
}
