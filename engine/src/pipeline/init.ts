/**
 * `winnow init`: the few lines that a project keeps of Winnow. Winnow needs none of them to work; they are where the next
 * person looks.
 *
 * Lines are only ever appended, and all that can be found out is found out before the first one is written.
 */

import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { PYPROJECT, readConfig } from "../config/load.ts";
import { messageOf, WinnowError } from "../model/error.ts";

export interface InitStep {
  /** Relative to the root. */
  readonly path: string;
  /** `added`: the lines were appended; `kept`: they stood there; `skipped`: they have no place here. */
  readonly action: "added" | "kept" | "skipped";
  readonly lines: readonly string[];
  readonly because: string;
}

const GITIGNORE = ".gitignore";
const TABLE = ["[tool.winnow]", 'mode = "select"  # "observe": run everything, and show what would have run'];
const ENTRY = ".winnow/";

/** Writes what is missing in the project at `root`, and tells of each file what became of it. */
export async function init(root: string): Promise<InitStep[]> {
  const steps = [await pyprojectStep(root), gitignoreStep(root)];
  for (const { path, action, lines } of steps) {
    if (action === "added") {
      appendLines(join(root, path), lines);
    }
  }
  return steps;
}

async function pyprojectStep(root: string): Promise<InitStep> {
  const step = { path: PYPROJECT, lines: TABLE };
  const text = readText(join(root, PYPROJECT));
  if (text === undefined) {
    // Others take that file for a sign of a project that can be built.
    return { ...step, action: "skipped", because: "there is no such file, and the defaults need none" };
  }
  await readConfig(text);
  if ((parse(text) as { tool?: { winnow?: unknown } }).tool?.winnow !== undefined) {
    return { ...step, action: "kept", because: "it has a table [tool.winnow]" };
  }
  try {
    parse(withLines(text, TABLE));
  } catch (error) {
    throw new WinnowError(
      "configuration",
      `${PYPROJECT} cannot take a table [tool.winnow] at its end (${messageOf(error)})`,
      `Write these lines where they belong: ${TABLE.join(" / ")}`,
    );
  }
  return { ...step, action: "added", because: "the settings that count, to be changed there" };
}

function gitignoreStep(root: string): InitStep {
  const step = { path: GITIGNORE, lines: [ENTRY] };
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const options = { cwd: root, encoding: "utf8", windowsHide: true } as const;
  if (spawnSync("git", ["rev-parse", "--git-dir"], options).status !== 0) {
    return { ...step, action: "skipped", because: "this is no git repository" };
  }
  // `FILE:LINE:PATTERN<tab>PATH`; the directory ignores itself, which nobody sees who looks for it here.
  const [source = ""] = spawnSync("git", ["check-ignore", "-v", "--no-index", ENTRY], options).stdout.split("\t");
  const isOwn = /(^|\/)\.winnow\/\.gitignore:/.test(source.replaceAll("\\", "/"));
  if (source !== "" && !isOwn) {
    return { ...step, action: "kept", because: `git ignores it already (${source.split(":").slice(0, -1).join(":")})` };
  }
  const text = readText(join(root, GITIGNORE)) ?? "";
  return /^\/?\.winnow\/?\s*$/m.test(text)
    ? { ...step, action: "kept", because: "it has the line" }
    : { ...step, action: "added", because: "what Winnow records belongs to one checkout" };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw new WinnowError("not-writable", `${path} cannot be read (${messageOf(error)})`, "Make it a readable file.");
  }
}

/** The text with lines at its end, in its own manner of ending them; a table is set apart by an empty line. */
function withLines(text: string, lines: readonly string[]): string {
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const gap = text === "" || text.endsWith("\n") ? "" : end;
  const space = text !== "" && lines.length > 1 ? end : "";
  return `${text}${gap}${space}${lines.join(end)}${end}`;
}

function appendLines(path: string, lines: readonly string[]): void {
  const text = readText(path) ?? "";
  try {
    appendFileSync(path, withLines(text, lines).slice(text.length));
  } catch (error) {
    throw new WinnowError("not-writable", `${path} cannot be written (${messageOf(error)})`, "Make it writable.");
  }
}
