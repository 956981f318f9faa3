/** argv → command → exit code. Errors that a user can mend end here, as one sentence and what to do next. */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Settings } from "../config/load.ts";
import { WinnowError } from "../model/error.ts";
import { didYouMean } from "../model/nearest.ts";
import type { Request } from "../pipeline/request.ts";
import { settled } from "../pipeline/settled.ts";
import { beginTrace, currentTrace, stage } from "../pipeline/trace.ts";
import { requireNode } from "./node.ts";
import { COMMANDS, type CommandName, type CommandSpec, OPTIONS, type OptionName } from "./options.ts";

/** Exit codes of Winnow's own; all others are pytest's. docs/messages.md lists them. */
export const EXIT_USAGE = 4;
export const EXIT_INTERNAL = 3;

const ATTEND = "attend";

export interface CommandLine {
  readonly command: CommandName;
  readonly words: readonly string[];
  readonly request: Request;
  readonly json: boolean;
  /** Where the request's settings come from, and what is to be said of them. */
  readonly settings: Settings;
  /** What was given of the options that only some commands have. */
  readonly options: Readonly<Partial<Record<OptionName, string | boolean | string[]>>>;
}

/** What a command is told that asks nothing of pytest: see `withoutRequest`. */
export interface PlaceLine extends Omit<CommandLine, "request" | "settings"> {
  /** Absolute; it exists. */
  readonly cwd: string;
  /** `--python`. */
  readonly python: string | undefined;
}

/** Runs the command line and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  beginTrace(process.env);
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
  } finally {
    await tellTrace();
  }
}

async function tellTrace(): Promise<void> {
  const trace = currentTrace();
  if (trace !== undefined) {
    const { traceLines } = await import("../report/trace.ts");
    process.stderr.write(`winnow: ${traceLines(trace).join("\n")}\n`);
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  requireNode(process.versions.node);
  if (argv[0] === ATTEND) {
    // No command for people: what pytest's plugin starts, and talks to.
    return (await import("./commands/attend.ts")).attendCommand();
  }
  const separator = argv.indexOf("--");
  const own = separator < 0 ? argv : argv.slice(0, separator);
  const pytestArgs = separator < 0 ? [] : argv.slice(separator + 1);
  const { values, positionals } = parse(joinAlso(own));
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
      `there is no command "${name}"${didYouMean(name, Object.keys(COMMANDS))}`,
      "See `winnow --help`.",
    );
  }
  const command = name as CommandName;
  const spec: CommandSpec = COMMANDS[command];
  if (words.length < spec.words[0] || words.length > spec.words[1]) {
    const extra =
      words.length > spec.words[1]
        ? `"${words[spec.words[1]]}" is one word too many`
        : `${spec.word ?? "a word"} is missing`;
    const hint = spec.takesPytestArgs ? " pytest's own arguments follow after `--`." : "";
    throw new WinnowError("usage", `${extra} for \`winnow ${command}\``, `Usage: ${spec.usage}.${hint}`);
  }
  if (pytestArgs.length > 0 && !spec.takesPytestArgs) {
    throw new WinnowError(
      "usage",
      `\`winnow ${command}\` starts no pytest to give arguments to`,
      `Usage: ${spec.usage}.`,
    );
  }
  for (const option of Object.keys(values)) {
    if (option !== "help" && option !== "version" && !spec.options.includes(option as OptionName)) {
      throw new WinnowError("usage", `\`winnow ${command}\` has no option --${option}`, `Usage: ${spec.usage}.`);
    }
  }
  const cwd = resolve(typeof values["directory"] === "string" ? values["directory"] : ".");
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new WinnowError("no-directory", `${cwd} is not a directory`, "Name the project's directory with -C DIR.");
  }
  const python = typeof values["python"] === "string" ? values["python"] : undefined;
  const common = { command, words, json: values["json"] === true, options: values };
  if (spec.withoutRequest === true) {
    return placeCommand({ ...common, cwd, python });
  }
  const also = Array.isArray(values.also) ? values.also : [];
  const args = typeof values.junit === "string" ? [...pytestArgs, `--junit-xml=${values.junit}`] : pytestArgs;
  const { request, settings } = await stage("configuration", () =>
    settled({ cwd, args, env: process.env, also }, values),
  );
  const line: CommandLine = { ...common, request, settings };
  for (const { code, message, help } of settings.warnings) {
    process.stderr.write(`winnow: ${message}\n        ${help}  [${code}]\n`);
  }
  switch (command) {
    case "run":
      return (await stage("load", () => import("./commands/run.ts"))).runCommand(line);
    case "plan":
      return (await stage("load", () => import("./commands/plan.ts"))).planCommand(line);
    case "why":
      return (await stage("load", () => import("./commands/why.ts"))).whyCommand(line);
    case "verify":
      return (await stage("load", () => import("./commands/verify.ts"))).verifyCommand(line);
    case "config":
      return (await stage("load", () => import("./commands/config.ts"))).configCommand(line);
    case "status":
      return (await stage("load", () => import("./commands/status.ts"))).statusCommand(line);
    case "snapshot":
      return (await import("./commands/snapshot.ts")).snapshotCommand(line);
    case "gc":
      return (await import("./commands/gc.ts")).gcCommand(line);
    case "import":
      return (await import("./commands/import.ts")).importCommand(line);
    default:
      throw new Error(`nobody does ${command}`);
  }
}

async function placeCommand(line: PlaceLine): Promise<number> {
  switch (line.command) {
    case "doctor":
      return (await import("./commands/doctor.ts")).doctorCommand(line);
    case "init":
      return (await import("./commands/init.ts")).initCommand(line);
    case "export":
      return (await import("./commands/export.ts")).exportCommand(line);
    case "merge":
      return (await import("./commands/export.ts")).mergeCommand(line);
    default:
      throw new Error(`nobody does ${line.command}`);
  }
}

/** `--also -k EXPRESSION`, in one word or two, as one option: a value that begins with a dash would be taken for another. */
function joinAlso(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const next = args[at + 1];
    if (args[at] !== "--also" || next?.startsWith("-k") !== true) {
      joined.push(args[at] as string);
    } else if (next === "-k") {
      joined.push(`--also=-k ${args[at + 2] ?? ""}`);
      at += 2;
    } else {
      joined.push(`--also=${next}`);
      at += 1;
    }
  }
  return joined;
}

function parse(args: readonly string[]): {
  values: Partial<Record<OptionName, string | boolean | string[]>>;
  positionals: string[];
} {
  try {
    const options = Object.fromEntries(
      Object.entries(OPTIONS).map(([option, spec]) => [
        option,
        {
          type: spec.type,
          ...("short" in spec ? { short: spec.short } : {}),
          ...("multiple" in spec ? { multiple: spec.multiple } : {}),
        },
      ]),
    );
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(/[.\n]/, 1)[0] ?? "") : String(error);
    const option = /'(-[^' ]*)/.exec(message)?.[1];
    const isLong = option?.startsWith("--") === true && message.startsWith("Unknown");
    const guess = isLong
      ? didYouMean(
          option,
          Object.keys(OPTIONS).map((name) => `--${name}`),
        )
      : "";
    const help = option === undefined ? "" : ` If ${option} is meant for pytest, write it after \`--\`.`;
    throw new WinnowError("usage", `${message.replaceAll("'", '"')}${guess}`, `See \`winnow --help\`.${help}`);
  }
}
