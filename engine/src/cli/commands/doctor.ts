/** `winnow doctor`. */

import { CHECKS, examine, type Finding } from "../../pipeline/doctor.ts";
import { JSON_VERSION, writeJson } from "../../report/json.ts";
import { count } from "../../report/numbers.ts";
import type { PlaceLine } from "../cli.ts";

/** A check found a problem. */
const EXIT_PROBLEM = 1;

export async function doctorCommand({ cwd, python, json }: PlaceLine): Promise<number> {
  const { root, findings } = await examine(cwd, process.env, python);
  const problems = findings.filter(({ state }) => state === "problem").length;
  if (json) {
    writeJson({ version: JSON_VERSION, root, ok: problems === 0, findings });
  } else {
    const warnings = findings.filter(({ state }) => state === "warning").length;
    const verdict = `${problems === 0 ? "no problem" : count(problems, "problem")}, ${count(warnings, "warning")}`;
    process.stdout.write(`${[`project ${root}`, ...findings.flatMap(lines), verdict].join("\n")}\n`);
  }
  return problems === 0 ? 0 : EXIT_PROBLEM;
}

const STATE_WIDTH = "warning".length + 2;
const CHECK_WIDTH = Math.max(...CHECKS.map((check) => check.length)) + 2;

function lines({ check, state, message, help }: Finding): string[] {
  const indent = " ".repeat(STATE_WIDTH + CHECK_WIDTH);
  const line = `${state.padEnd(STATE_WIDTH)}${check.padEnd(CHECK_WIDTH)}${message}`;
  return help === null ? [line] : [line, `${indent}→ ${help}`];
}
