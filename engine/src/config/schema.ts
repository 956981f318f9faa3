/**
 * What values of settings may be, and what is said of those that may not.
 *
 * The schema of the two files is made from the table of settings; a word that does not stand there is refused by itself.
 * Only loaded where somebody says anything.
 */

import * as v from "valibot";
import { WinnowError } from "../model/error.ts";
import { didYouMean } from "../model/nearest.ts";
import {
  DEPENDS_FIELDS,
  PERSONAL_KINDS,
  SETTING_LIST,
  type Setting,
  type SettingKey,
  type SettingKind,
} from "./settings.ts";

const TEXT = v.string("a text");

const TEXTS = v.array(TEXT, "a list of texts");

/** Globs are relative to the project's root, so that they mean the same on every machine. */
const GLOBS = v.array(
  v.pipe(
    TEXT,
    v.check((glob) => glob !== "" && !/^[!/\\]|^[A-Za-z]:/.test(glob), "a glob relative to the project's root"),
  ),
  "a list of globs",
);

const DEPENDS = v.strictObject(
  {
    tests: GLOBS,
    files: v.optional(GLOBS, []),
    env: v.optional(TEXTS, []),
    commands: v.optional(TEXTS, []),
  } satisfies Record<keyof typeof DEPENDS_FIELDS, v.GenericSchema>,
  "a table",
);

const SCHEMAS: Readonly<Record<Exclude<SettingKind, "choice">, v.GenericSchema>> = {
  share: v.pipe(
    v.number("a number from 0 to 1"),
    v.minValue(0, "a number from 0 to 1"),
    v.maxValue(1, "a number from 0 to 1"),
  ),
  name: TEXT,
  expression: TEXT,
  program: TEXT,
  address: TEXT,
  packages: TEXTS,
  variables: TEXTS,
  commands: TEXTS,
  "command-globs": TEXTS,
  globs: GLOBS,
  tests: GLOBS,
  depends: v.array(DEPENDS, "a list of tables, each with `tests`"),
  consent: v.boolean("1 or 0"),
};

function schemaOf({ kind, words = [] }: Setting): v.GenericSchema {
  return kind === "choice"
    ? v.picklist(words, `one of ${words.map((word) => `"${word}"`).join(" and ")}`)
    : SCHEMAS[kind];
}

/** What is wrong with one value. */
export interface Fault {
  /** What it should have been, to follow after "is not". */
  readonly wanted: string;
  readonly input: unknown;
}

/** The value of a setting as it counts, or what is wrong with it. */
export function checkValue(setting: Setting, value: unknown): { readonly value: unknown } | { readonly fault: Fault } {
  const { success, output, issues } = v.safeParse(schemaOf(setting), value, { abortEarly: true });
  return success ? { value: output } : { fault: { wanted: issues[0].message, input: issues[0].input } };
}

/** What to do about a value: says what it is now, and what may have been meant. */
export function faultHelp(setting: Setting | undefined, { input }: Fault): string {
  const words = setting?.words ?? [];
  const guess = typeof input === "string" ? didYouMean(input, words) : "";
  return `It is ${JSON.stringify(input) ?? String(input)} now${guess === "" ? "." : guess}`;
}

/** Tables within tables, by the names of fields. */
interface Fields {
  [name: string]: Fields | v.GenericSchema;
}

/** `verify.sample` as a field `sample` in a field `verify`. */
function fieldsOf(settings: typeof SETTING_LIST): Fields {
  const fields: Fields = {};
  for (const setting of settings) {
    const path = setting.key.split(".");
    const last = path.pop() ?? "";
    let at = fields;
    for (const name of path) {
      at[name] ??= {};
      at = at[name] as Fields;
    }
    at[last] = v.optional(schemaOf(setting));
  }
  return fields;
}

function isSchema(field: Fields | v.GenericSchema): field is v.GenericSchema {
  return field["kind"] === "schema";
}

function tableOf(fields: Fields): v.GenericSchema {
  const entries = Object.entries(fields).map(
    ([name, field]) => [name, isSchema(field) ? field : v.optional(tableOf(field))] as const,
  );
  return v.strictObject(Object.fromEntries(entries), "a table");
}

const IN_FILES = SETTING_LIST.filter(({ inFiles }) => inFiles);
const FIELDS = fieldsOf(IN_FILES);
const TABLE = tableOf(FIELDS);

/**
 * Reads a table of settings: what is written there, by the keys of settings.
 *
 * @param place the names that lead to the table in its file.
 * @throws WinnowError `configuration`: the first thing that is wrong with it, in one sentence.
 */
export function readTable(table: unknown, file: string, place: readonly string[]): Map<SettingKey, unknown> {
  const { success, output, issues } = v.safeParse(TABLE, table, { abortEarly: true });
  if (!success) {
    throw tableError(issues[0], file, place);
  }
  const found = new Map<SettingKey, unknown>();
  for (const { key } of IN_FILES) {
    let value: unknown = output;
    for (const name of key.split(".")) {
      value = (value as Record<string, unknown> | undefined)?.[name];
    }
    if (value !== undefined) {
      found.set(key, value);
    }
  }
  return found;
}

function tableError(issue: v.BaseIssue<unknown>, file: string, place: readonly string[]): WinnowError {
  const path = (issue.path ?? []).map(({ key }) => String(key));
  const name = path.at(-1) ?? "";
  const owner = [...place, ...path.slice(0, -1).filter((key) => !/^\d+$/.test(key))].join(".");
  const where = owner === "" ? "" : ` in [${owner}]`;
  if (issue.type === "strict_object" && issue.expected === "never") {
    const keys = keysAt(path.slice(0, -1));
    return new WinnowError(
      "configuration",
      `${file} has an unknown key "${name}"${where}${didYouMean(name, keys)}`,
      unknownHelp(path, place, keys),
    );
  }
  if (issue.type === "strict_object" && issue.input === undefined) {
    return new WinnowError(
      "configuration",
      `${file} has no "${name}"${where}`,
      `Keys of this table are ${keysAt(path.slice(0, -1)).join(", ")}.`,
    );
  }
  const whole = [...place, ...path].join(".");
  const setting = IN_FILES.find(({ key }) => key === path.join("."));
  return new WinnowError(
    "configuration",
    `${whole === "" ? file : `${whole} in ${file}`} is not ${issue.message}`,
    faultHelp(setting, { wanted: issue.message, input: issue.input }),
  );
}

/** What to do about a key that does not exist here: it may exist elsewhere. */
function unknownHelp(path: readonly string[], place: readonly string[], keys: readonly string[]): string {
  const elsewhere =
    path.length === 1 ? SETTING_LIST.find((setting) => namesOf(setting).includes(path[0] ?? "")) : undefined;
  if (elsewhere !== undefined) {
    return settingElsewhere(elsewhere);
  }
  if (place.length === 0 && path.join() === "tool") {
    return "In this file settings stand at the top, without [tool.winnow].";
  }
  return `Keys of this table are ${keys.join(", ")}.`;
}

function namesOf({ key, option, ini }: Setting & { readonly key: SettingKey }): (string | null)[] {
  return [key, key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), option, ini];
}

/** How a setting is said that has another name in these files, or none. */
function settingElsewhere({ key, kind, inFiles, ini, env, option }: Setting & { readonly key: SettingKey }): string {
  if (inFiles) {
    return `The key is "${key}" in this file.`;
  }
  const ways = [...(option === null ? [] : [`--${option}`]), ...(env === null ? [] : [env])].join(" or ");
  return (PERSONAL_KINDS as readonly SettingKind[]).includes(kind)
    ? `That is not for a repository to say: use ${ways}.`
    : `It is read from pytest's configuration, as ${ini}.`;
}

/** The keys that a table of settings may have. */
function keysAt(path: readonly string[]): string[] {
  if (path[0] === "depends") {
    return Object.keys(DEPENDS_FIELDS);
  }
  let at: Fields = FIELDS;
  for (const name of path) {
    const field = at[name];
    at = field === undefined || isSchema(field) ? {} : field;
  }
  return Object.keys(at);
}
