/** Commands and options in one typed table: parser, help and reference are made from it. */

import { SETTINGS, type Setting } from "../config/settings.ts";

export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
  /** The name of the value in help. */
  readonly value?: string;
  readonly help: string;
}

/** The option of a setting, as the table of settings has it. */
function ofSetting({ kind, doc, env, value }: Setting): OptionSpec {
  const help = env === null ? doc : `${doc.slice(0, -1)} (or ${env}${kind === "consent" ? "=1" : ""}).`;
  return { type: kind === "consent" ? "boolean" : "string", help, ...(value === undefined ? {} : { value }) };
}

export const OPTIONS = {
  directory: { type: "string", short: "C", value: "DIR", help: "Work in this directory instead of the current one." },
  python: ofSetting(SETTINGS.python),
  env: ofSetting(SETTINGS.environment),
  json: {
    type: "boolean",
    help: "Print one JSON document on standard output (pytest's own output goes to standard error).",
  },
  mode: ofSetting(SETTINGS.mode),
  order: {
    type: "string",
    value: "ORDER",
    help: "In which order tests run: written (the default), or failures-first, then short before long.",
  },
  "show-origin": { type: "boolean", help: "Show where each setting comes from." },
  report: { type: "boolean", help: "Show how much was left out, checked and missed so far. Runs nothing." },
  forgive: {
    type: "string",
    value: "TEST",
    help: "Let facts prove a test again that was missed (a node id, or a part of some). Runs nothing.",
  },
  also: {
    type: "string",
    multiple: true,
    value: "TESTS",
    help: "Run these as well, proven or not: a path, a node id, or -k EXPRESSION (repeatable).",
  },
  "allow-commands": ofSetting(SETTINGS.allowCommands),
  help: { type: "boolean", short: "h", help: "Show this help." },
  version: { type: "boolean", help: "Show the version." },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;

export interface CommandSpec {
  readonly usage: string;
  readonly summary: string;
  readonly options: readonly OptionName[];
  /** Whether pytest's arguments may follow after `--`. */
  readonly takesPytestArgs: boolean;
  /** How many words the command takes itself. */
  readonly words: readonly [least: number, most: number];
}

export const COMMANDS = {
  run: {
    usage:
      "winnow run [-C DIR] [--python PYTHON] [--env NAME] [--mode MODE] [--order ORDER] [--json] [--also TESTS] [--allow-commands] [-- PYTEST ARGS]",
    summary: "Run the tests that a change concerns, and record what they touch.",
    options: ["directory", "python", "env", "mode", "order", "json", "also", "allow-commands"],
    takesPytestArgs: true,
    words: [0, 0],
  },
  plan: {
    usage:
      "winnow plan [-C DIR] [--python PYTHON] [--env NAME] [--json] [--also TESTS] [--allow-commands] [-- PYTEST ARGS]",
    summary: "Show what would run and why. Runs nothing.",
    options: ["directory", "python", "env", "json", "also", "allow-commands"],
    takesPytestArgs: true,
    words: [0, 0],
  },
  why: {
    usage: "winnow why TEST [-C DIR] [--python PYTHON] [--env NAME] [--json] [--allow-commands] [-- PYTEST ARGS]",
    summary: "Show why a test runs, or which fact proves that it need not.",
    options: ["directory", "python", "env", "json", "allow-commands"],
    takesPytestArgs: true,
    words: [1, 1],
  },
  verify: {
    usage:
      "winnow verify [-C DIR] [--python PYTHON] [--env NAME] [--report | --forgive TEST] [--json] [--allow-commands] [-- PYTEST ARGS]",
    summary: "Run everything, and report each test that the plan would have left out wrongly.",
    options: ["directory", "python", "env", "report", "forgive", "json", "allow-commands"],
    takesPytestArgs: true,
    words: [0, 0],
  },
  status: {
    usage: "winnow status [-C DIR] [--python PYTHON] [--env NAME] [--json] [--allow-commands]",
    summary: "Show what is recorded, and what would run now.",
    options: ["directory", "python", "env", "json", "allow-commands"],
    takesPytestArgs: true,
    words: [0, 0],
  },
  config: {
    usage:
      "winnow config [-C DIR] [--show-origin] [--json] [--python PYTHON] [--env NAME] [--mode MODE] [--allow-commands] [-- PYTEST ARGS]",
    summary: "Show the settings in force, and where they come from.",
    options: ["directory", "show-origin", "json", "python", "env", "mode", "allow-commands"],
    takesPytestArgs: true,
    words: [0, 0],
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof COMMANDS;
