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
  junit: { type: "string", value: "FILE", help: "Write a JUnit XML report, also where nothing runs." },
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
  since: {
    type: "string",
    value: "REF",
    help: "What changed since this commit concerns (branch: since leaving the default one).",
  },
  against: { type: "string", value: "NAME", help: "The same since a state of `winnow snapshot save NAME`." },
  "allow-commands": ofSetting(SETTINGS.allowCommands),
  "older-than": {
    type: "string",
    value: "DAYS",
    help: "What counts as long ago, counted back from the last recording (30).",
  },
  keep: { type: "string", value: "N", help: "How many facts of one test in one environment stay in any case (8)." },
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
  /** What the words are, for whoever leaves them out. */
  readonly word?: string;
  /** It asks nothing of pytest, so neither configuration nor arguments have to be in order. */
  readonly withoutRequest?: true;
}

export const COMMANDS = {
  run: {
    usage:
      "winnow run [-C DIR] [--python PYTHON] [--env NAME] [--mode MODE] [--order ORDER] [--junit FILE] [--json] [--since REF | --against NAME] [--also TESTS] [--allow-commands] [-- PYTEST ARGS]",
    summary: "Run the tests that a change concerns, and record what they touch.",
    options: [
      "directory",
      "python",
      "env",
      "mode",
      "order",
      "junit",
      "json",
      "since",
      "against",
      "also",
      "allow-commands",
    ],
    takesPytestArgs: true,
    words: [0, 0],
  },
  plan: {
    usage:
      "winnow plan [-C DIR] [--python PYTHON] [--env NAME] [--json] [--since REF | --against NAME] [--also TESTS] [--allow-commands] [-- PYTEST ARGS]",
    summary: "Show what would run and why. Runs nothing.",
    options: ["directory", "python", "env", "json", "since", "against", "also", "allow-commands"],
    takesPytestArgs: true,
    words: [0, 0],
  },
  why: {
    usage: "winnow why TEST [-C DIR] [--python PYTHON] [--env NAME] [--json] [--allow-commands] [-- PYTEST ARGS]",
    summary: "Show why a test runs, or which fact proves that it need not.",
    options: ["directory", "python", "env", "json", "allow-commands"],
    takesPytestArgs: true,
    words: [1, 1],
    word: "a test's name",
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
  doctor: {
    usage: "winnow doctor [-C DIR] [--python PYTHON] [--json]",
    summary: "Check whether everything that Winnow needs is there and works.",
    options: ["directory", "python", "json"],
    takesPytestArgs: false,
    words: [0, 0],
    withoutRequest: true,
  },
  init: {
    usage: "winnow init [-C DIR] [--json]",
    summary: "Write the few lines that a project keeps of Winnow, and show them.",
    options: ["directory", "json"],
    takesPytestArgs: false,
    words: [0, 0],
    withoutRequest: true,
  },
  snapshot: {
    usage:
      "winnow snapshot save NAME | list | drop NAME [-C DIR] [--python PYTHON] [--env NAME] [--json] [--allow-commands]",
    summary: "Save the present state of the project under a name for --against, list them, or drop one.",
    options: ["directory", "python", "env", "json", "allow-commands"],
    takesPytestArgs: false,
    words: [1, 2],
    word: "save, list or drop",
  },
  gc: {
    usage: "winnow gc [-C DIR] [--python PYTHON] [--older-than DAYS] [--keep N] [--json]",
    summary: "Drop facts that prove nothing any more, and compact the store.",
    options: ["directory", "python", "older-than", "keep", "json"],
    takesPytestArgs: false,
    words: [0, 0],
  },
  export: {
    usage: "winnow export FILE [-C DIR] [--json]",
    summary: "Write what is recorded to one file, for another checkout or machine.",
    options: ["directory", "json"],
    takesPytestArgs: false,
    words: [1, 1],
    word: "the name of the file to write",
    withoutRequest: true,
  },
  import: {
    usage: "winnow import FILE [-C DIR] [--python PYTHON] [--json]",
    summary: "Add what such a file, or a .testmondata, holds to what is recorded here.",
    options: ["directory", "python", "json"],
    takesPytestArgs: false,
    words: [1, 1],
    word: "the name of the file to read",
  },
  merge: {
    usage: "winnow merge OUT IN... [-C DIR] [--json]",
    summary: "Write what several such files, or projects' stores, hold to one file.",
    options: ["directory", "json"],
    takesPytestArgs: false,
    words: [2, 10_000],
    word: "the name of a file",
    withoutRequest: true,
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof COMMANDS;
