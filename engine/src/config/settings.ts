/**
 * All settings in one typed table: parser, help, `winnow config`, the reference in docs/configuration.md, the JSON
 * schema, and the names that pytest is told of are made from it.
 *
 * A new setting is a field of `Config` or `Personal`, its default, and a line here; a field without a line is a type
 * error. After a change, `npm run settings` writes anew what is made from the table.
 *
 * **A repository cannot name a program to start, or an address to send data to**: the kinds of {@link PERSONAL_KINDS}
 * have no key in a file and no name in pytest's configuration, which the types demand and a test proves. What a
 * repository can have executed is Python code of its own by its own interpreter (`expression`, as a `conftest.py`), and
 * declared commands, which wait for the consent of whoever starts Winnow (`allowCommands`).
 */

import { type Config, DEFAULTS, MODES, OPAQUE_POLICIES, PERSONAL_DEFAULTS, type Personal } from "./config.ts";

/** What a value means, and so where it may come from. */
export const REPOSITORY_KINDS = [
  /** One of some words. */
  "choice",
  /** A number from 0 to 1. */
  "share",
  /** A word that is compared, and nothing else. */
  "name",
  /** Names of packages. */
  "packages",
  /** Names of variables. */
  "variables",
  /** Globs of paths below the project's root. */
  "globs",
  /** Globs of test files, or node ids. */
  "tests",
  /** Globs that command lines are compared with. */
  "command-globs",
  /** Tables of declared inputs: {@link DEPENDS_FIELDS}. */
  "depends",
  /** Command lines that are run only with consent. */
  "commands",
  /** A Python expression, evaluated by the interpreter that runs the tests. */
  "expression",
] as const;

/** What a repository must not say. There is no address yet; whoever adds one finds its kind here. */
export const PERSONAL_KINDS = [
  /** A program that Winnow starts. */
  "program",
  /** Where data is sent. */
  "address",
  /** What a repository is trusted with: yes or no. */
  "consent",
] as const;

export type RepositoryKind = (typeof REPOSITORY_KINDS)[number];
export type PersonalKind = (typeof PERSONAL_KINDS)[number];
export type SettingKind = RepositoryKind | PersonalKind;

interface Common {
  readonly default: unknown;
  /** One sentence, for help and reference. */
  readonly doc: string;
  /** The environment variable; null: none. */
  readonly env: string | null;
  /** The command line option, without dashes; null: none. */
  readonly option: string | null;
  /** What the value is called in help. */
  readonly value?: string;
  /** The words of a choice. */
  readonly words?: readonly string[];
}

/** `inFiles`: whether it is a key of `[tool.winnow]` and of winnow.toml; `ini`: its name in pytest's configuration. */
export type Setting = Common &
  (
    | { readonly kind: RepositoryKind; readonly inFiles: boolean; readonly ini: string | null }
    | { readonly kind: PersonalKind; readonly inFiles: false; readonly ini: null }
  );

/** `verify.sample` for a field `sample` in a field `verify`. */
type KeysOf<T> = {
  [K in keyof T & string]: T[K] extends readonly unknown[] | string | number | boolean | null
    ? K
    : `${K}.${KeysOf<T[K]>}`;
}[keyof T & string];

export type SettingKey = KeysOf<Config> | KeysOf<Personal>;

export const SETTINGS = {
  mode: {
    kind: "choice",
    words: MODES,
    default: DEFAULTS.mode,
    doc: "Leave out what is proven (select), or run everything and compare (observe).",
    inFiles: true,
    ini: "winnow_mode",
    env: "WINNOW_MODE",
    option: "mode",
    value: "MODE",
  },
  always: {
    kind: "tests",
    default: DEFAULTS.always,
    doc: "Tests that run always.",
    inFiles: true,
    ini: "winnow_always",
    env: "WINNOW_ALWAYS",
    option: null,
  },
  depends: {
    kind: "depends",
    default: DEFAULTS.depends,
    doc: "Tables, each with `tests` and what they depend on besides what was seen: `files`, `env`, `commands`.",
    inFiles: true,
    ini: null,
    env: null,
    option: null,
  },
  everything: {
    kind: "globs",
    default: DEFAULTS.everything,
    doc: "A change to a file that matches, a new one or a vanished one, concerns all tests.",
    inFiles: true,
    ini: "winnow_everything",
    env: "WINNOW_EVERYTHING",
    option: null,
  },
  harmless: {
    kind: "command-globs",
    default: DEFAULTS.harmless,
    doc: "Command lines of child processes that do not make a test *opaque*.",
    inFiles: true,
    ini: "winnow_harmless",
    env: "WINNOW_HARMLESS",
    option: null,
  },
  ignore: {
    kind: "globs",
    default: DEFAULTS.ignore,
    doc: "Reading, listing and looking for these is no dependency.",
    inFiles: true,
    ini: "winnow_ignore",
    env: "WINNOW_IGNORE",
    option: null,
  },
  opaque: {
    kind: "choice",
    words: OPAQUE_POLICIES,
    default: DEFAULTS.opaque,
    doc: "When tests run whose inputs cannot be known: after any change (rerun), or always.",
    inFiles: true,
    ini: "winnow_opaque",
    env: "WINNOW_OPAQUE",
    option: null,
  },
  "verify.sample": {
    kind: "share",
    default: DEFAULTS.verify.sample,
    doc: "The share of the tests that could be left out which runs all the same, where others run anyway.",
    inFiles: true,
    ini: "winnow_verify_sample",
    env: "WINNOW_VERIFY_SAMPLE",
    option: null,
  },
  environment: {
    kind: "name",
    default: DEFAULTS.environment,
    doc: "The environment that results belong to: those of one prove nothing in another.",
    inFiles: true,
    ini: "winnow_environment",
    env: "WINNOW_ENV",
    option: "env",
    value: "NAME",
  },
  environmentExpression: {
    kind: "expression",
    default: DEFAULTS.environmentExpression,
    doc: "A Python expression for the environment's name, as pytest-testmon has it.",
    inFiles: false,
    ini: "environment_expression",
    env: null,
    option: null,
  },
  testmonIgnoreDependencies: {
    kind: "packages",
    default: DEFAULTS.testmonIgnoreDependencies,
    doc: "Packages whose changes pytest-testmon is told to ignore; read, and without effect so far.",
    inFiles: false,
    ini: "testmon_ignore_dependencies",
    env: null,
    option: null,
  },
  python: {
    kind: "program",
    default: PERSONAL_DEFAULTS.python,
    doc: "The interpreter: a path, an environment's directory or a name on PATH.",
    inFiles: false,
    ini: null,
    env: "WINNOW_PYTHON",
    option: "python",
    value: "PYTHON",
  },
  allowCommands: {
    kind: "consent",
    default: PERSONAL_DEFAULTS.allowCommands,
    doc: "Run the commands that the project declares as inputs.",
    inFiles: false,
    ini: null,
    env: "WINNOW_ALLOW_COMMANDS",
    option: "allow-commands",
  },
} as const satisfies Record<SettingKey, Setting>;

/** The table as a list, in its order. */
export const SETTING_LIST: readonly (Setting & { readonly key: SettingKey })[] = Object.entries(SETTINGS).map(
  ([key, setting]) => ({ key: key as SettingKey, ...(setting as Setting) }),
);

/** What may stand in a table of `depends`. Only `tests` has to. */
export const DEPENDS_FIELDS = {
  tests: { kind: "tests", doc: "Globs of test files, or node ids." },
  files: { kind: "globs", doc: "Globs of files; a new one that matches is a change." },
  env: { kind: "variables", doc: "Names of environment variables." },
  commands: { kind: "commands", doc: "Commands whose output counts; they run only with --allow-commands." },
} as const satisfies Record<string, { readonly kind: RepositoryKind; readonly doc: string }>;

/**
 * Variables of Winnow's own that are no settings: how its processes find each other, and what its developers use.
 * Any other variable with such a name is taken for a misspelt one.
 */
export const INTERNAL_VARIABLES: ReadonlySet<string> = new Set([
  "WINNOW_CHILD",
  "WINNOW_COLLECTOR",
  "WINNOW_DEBUG",
  "WINNOW_KEEP_JOURNALS",
  "WINNOW_MECHANISM",
  "WINNOW_SESSION",
  "WINNOW_TRACE",
]);

/** Whether a variable is one of Winnow's, or could be meant for one. */
export function isOurVariable(name: string): boolean {
  // What Winnow's own tests tell each other is nobody's business.
  return name.startsWith("WINNOW_") && !/^WINNOW_(TEST|SCENARIO)_/.test(name);
}

const TESTMON_NAMES: ReadonlySet<string> = new Set([
  SETTINGS.environmentExpression.ini,
  SETTINGS.testmonIgnoreDependencies.ini,
]);

/** Whether a name in pytest's configuration is a setting, or could be meant for one. */
export function isOurIniName(name: string): boolean {
  return name.startsWith("winnow_") || TESTMON_NAMES.has(name);
}
