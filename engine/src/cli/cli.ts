/** argv → command → exit code. Errors that a user can mend end here, as one sentence and what to do next. */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { WinnowError } from "../model/error.ts";
import { makeRequest, type Request } from "../pipeline/request.ts";
import { COMMANDS, type CommandName, OPTIONS } from "./options.ts";

/** Exit codes of Winnow's own; all others are pytest's. docs/messages.md lists them. */
export const EXIT_USAGE = 4;
export const EXIT_INTERNAL = 3;

export interface CommandLine {
  readonly command: CommandName;
  readonly words: readonly string[];
  readonly request: Request;
  readonly json: boolean;
}

/** Runs the command line and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(argv);
  } catch (error) {
    if (error instanceof WinnowError) {
      process.stderr.write(`winnow: ${error.message}\n        ${error.help}  [${error.code}]\n`);
      return EXIT_USAGE;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`winnow: an error that should not happen; please report it with these lines:\n${text}\n`);
    return EXIT_INTERNAL;
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const separator = argv.indexOf("--");
  const own = separator < 0 ? argv : argv.slice(0, separator);
  const pytestArgs = separator < 0 ? [] : argv.slice(separator + 1);
  const { values, positionals } = parse(own);
  const [name, ...words] = positionals;
  if (values["version"] === true) {
    const { VERSION } = await import("./version.ts");
    process.stdout.write(`winnow ${VERSION}\n`);
    return 0;
  }
  if (values["help"] === true || name === undefined || name === "help") {
    const { helpText } = await import("./help.ts");
    process.stdout.write(
      helpText(name !== undefined && Object.hasOwn(COMMANDS, name) ? (name as CommandName) : undefined),
    );
    return 0;
  }
  if (!Object.hasOwn(COMMANDS, name)) {
    throw new WinnowError(
      "unknown-command",
      `there is no command "${name}"${didYouMean(name)}`,
      "See `winnow --help`.",
    );
  }
  const command = name as CommandName;
  const spec = COMMANDS[command];
  if (words.length < spec.words[0] || words.length > spec.words[1]) {
    const extra =
      words.length > spec.words[1] ? `"${words[spec.words[1]]}" is one word too many` : "a test's name is missing";
    const hint = spec.takesPytestArgs ? " pytest's own arguments follow after `--`." : "";
    throw new WinnowError("usage", `${extra} for \`winnow ${command}\``, `Usage: ${spec.usage}.${hint}`);
  }
  const cwd = resolve(typeof values["directory"] === "string" ? values["directory"] : ".");
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new WinnowError("no-directory", `${cwd} is not a directory`, "Name the project's directory with -C DIR.");
  }
  const python = typeof values["python"] === "string" ? values["python"] : undefined;
  const request = makeRequest({ cwd, args: pytestArgs, env: process.env, python });
  const line: CommandLine = { command, words, request, json: values["json"] === true };
  switch (command) {
    case "run":
      return (await import("./commands/run.ts")).runCommand(line);
    case "plan":
      return (await import("./commands/plan.ts")).planCommand(line);
    case "why":
      return (await import("./commands/why.ts")).whyCommand(line);
    case "status":
      return (await import("./commands/status.ts")).statusCommand(line);
  }
}

function parse(args: readonly string[]): { values: Record<string, unknown>; positionals: string[] } {
  try {
    const options = Object.fromEntries(
      Object.entries(OPTIONS).map(([option, spec]) => [
        option,
        { type: spec.type, ...("short" in spec ? { short: spec.short } : {}) },
      ]),
    );
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(/[.\n]/, 1)[0] ?? "") : String(error);
    const option = /'(-[^' ]*)/.exec(message)?.[1];
    const help = option === undefined ? "" : ` If ${option} is meant for pytest, write it after \`--\`.`;
    throw new WinnowError("usage", message.replaceAll("'", '"'), `See \`winnow --help\`.${help}`);
  }
}

/** The nearest command by edit distance, if any is near. */
function didYouMean(typed: string): string {
  const near = Object.keys(COMMANDS).find((name) => distance(name, typed) <= 2);
  return near === undefined ? "" : `; did you mean "${near}"?`;
}

/** Levenshtein distance, by the usual table of one row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
