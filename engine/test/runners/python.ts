/**
 * A Python with pytest in it, as the oracle of these tests: what Winnow reads by itself must be what Python and pytest
 * read. Where none is to be had, the tests that need it are skipped.
 */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findInterpreter, isInterpreterProblem, probe } from "../../src/runners/pytest/interpreter.ts";

const repository = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

function find(): { executable: string; pytest: string } | null {
  const found = findInterpreter({ root: repository, cwd: repository, env: process.env });
  if (isInterpreterProblem(found)) {
    return null;
  }
  const info = probe(found, { cwd: repository, env: process.env });
  return isInterpreterProblem(info) || info.pytest === null
    ? null
    : { executable: info.executable, pytest: info.pytest };
}

/** The oracle, or null. */
export const python = find();

/** For the options of a test that needs it. Winnow's tables are of pytest 7.4 and later; before, details differ. */
export const skip =
  python === null
    ? "no Python with pytest was found"
    : /^[0-6]\./.test(python.pytest)
      ? "the pytest found is too old to compare with"
      : false;

/** Runs a script that reads JSON from standard input and writes JSON to standard output. */
export function ask<T>(script: string, input: unknown, cwd = "/"): T {
  const result = spawnSync(python?.executable ?? "python3", ["-c", script], {
    input: JSON.stringify(input),
    encoding: "utf8",
    maxBuffer: 1 << 28,
    cwd,
    env: { ...process.env, PYTEST_ADDOPTS: "", PYTEST_PLUGINS: "" },
  });
  if (result.status !== 0) {
    throw new Error(`the oracle failed: ${result.stderr}`);
  }
  return JSON.parse(result.stdout) as T;
}

/** Random numbers that are the same in every run. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
