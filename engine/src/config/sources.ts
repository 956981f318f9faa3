/** Reads everything that is said of settings, and lets the later word win. Only loaded where anything is said. */

import { basename, relative } from "node:path";
import { parse } from "smol-toml";
import { tomlFault, WinnowError } from "../model/error.ts";
import { didYouMean } from "../model/nearest.ts";
import { splitShell } from "../runners/pytest/arguments.ts";
import type { ConfigValue } from "../runners/pytest/configuration.ts";
import { type Config, DEFAULTS, PERSONAL_DEFAULTS, type Personal } from "./config.ts";
import {
  type Origin,
  PYPROJECT,
  type SettingFiles,
  type SettingSources,
  type Settings,
  type SettingWarning,
  WINNOW_TOML,
} from "./load.ts";
import { checkValue, faultHelp, readTable } from "./schema.ts";
import {
  INTERNAL_VARIABLES,
  isOurIniName,
  isOurVariable,
  SETTING_LIST,
  type Setting,
  type SettingKey,
} from "./settings.ts";

/** A setting of the table. */
type Listed = (typeof SETTING_LIST)[number];

/** What one source says. */
type Said = readonly { readonly key: SettingKey; readonly value: unknown; readonly origin: Origin }[];

/** The settings in force. Throws as `loadSettings` does. */
export function readSources(files: SettingFiles, sources: SettingSources): Settings {
  const { env } = sources;
  const said: Said = [
    ...fromFile(files.pyproject, PYPROJECT, ["tool", "winnow"]),
    ...fromFile(files.own, WINNOW_TOML, []),
    ...fromIni(sources),
    ...fromVariables(env),
    ...fromOptions(sources.options),
  ];
  const values: { config: Config; personal: Personal } = {
    config: structuredClone(DEFAULTS),
    personal: { ...PERSONAL_DEFAULTS },
  };
  const origins = new Map<SettingKey, Origin>();
  for (const { key, value, origin } of said) {
    assign(key in PERSONAL_DEFAULTS ? values.personal : values.config, key, value);
    origins.set(key, origin);
  }
  return { ...values, origins, warnings: unknownVariables(env) };
}

/** Sets a field that a dotted key names. The table's types say that there is such a field of such a type. */
function assign(target: object, key: SettingKey, value: unknown): void {
  const path = key.split(".");
  const last = path.pop() ?? "";
  let at = target as Record<string, unknown>;
  for (const name of path) {
    at = at[name] as Record<string, unknown>;
  }
  at[last] = value;
}

// ---------------------------------------------------------------------------------------------- files

function fromFile(text: string | undefined, file: string, place: readonly string[]): Said {
  if (text === undefined) {
    return [];
  }
  let table: unknown;
  try {
    table = parse(text);
  } catch (error) {
    throw new WinnowError("configuration", `${file} is no valid TOML (${tomlFault(error)})`, "Mend that line.");
  }
  for (const name of place) {
    table = (table as Record<string, unknown> | undefined)?.[name];
  }
  if (table === undefined) {
    return [];
  }
  return [...readTable(table, file, place)].map(([key, value]) => ({
    key,
    value,
    origin: { kind: "file", file, key: [...place, key].join(".") },
  }));
}

/** pytest's configuration, where lists are texts or lists, and numbers may be texts. */
function fromIni({ root, ini }: SettingSources): Said {
  const names = SETTING_LIST.flatMap((setting) => setting.ini ?? []);
  return [...ini.values].flatMap(([name, raw]): Said => {
    if (!isOurIniName(name)) {
      return [];
    }
    const file = ini.file === null ? "" : relative(root, ini.file).replaceAll("\\", "/") || basename(ini.file);
    const isOption = ini.overridden.has(name);
    const where = isOption ? "-o" : file;
    const setting = SETTING_LIST.find((one) => one.ini === name);
    if (setting === undefined) {
      throw new WinnowError(
        "configuration",
        `${where} has an unknown key "${name}"${didYouMean(name, names)}`,
        `Keys of Winnow's there are ${names.join(", ")}.`,
      );
    }
    const value = checked(setting, plainValue(setting, raw), `${name} in ${where}`);
    const origin: Origin = isOption ? { kind: "option", name: `-o ${name}` } : { kind: "file", file, key: name };
    return [{ key: setting.key, value, origin }];
  });
}

/** A value of pytest's configuration as a file of Winnow's own would have it. */
function plainValue(setting: Listed, raw: ConfigValue): unknown {
  if (typeof raw === "string") {
    return meaningOf(setting, raw);
  }
  return typeof raw === "bigint" ? Number(raw) : raw;
}

// ---------------------------------------------------------------------------------------------- variables, options

function fromVariables(env: NodeJS.ProcessEnv): Said {
  return SETTING_LIST.flatMap((setting): Said => {
    const text = setting.env === null ? undefined : env[setting.env];
    // As with most programs an empty variable is like none: there are shells and services that cannot unset one.
    if (setting.env === null || text === undefined || text === "") {
      return [];
    }
    const value = checked(setting, meaningOf(setting, text), `the variable ${setting.env}`);
    return [{ key: setting.key, value, origin: { kind: "variable", name: setting.env } }];
  });
}

function unknownVariables(env: NodeJS.ProcessEnv): SettingWarning[] {
  const names = SETTING_LIST.flatMap((setting) => setting.env ?? []);
  return Object.keys(env)
    .filter((name) => isOurVariable(name) && !INTERNAL_VARIABLES.has(name) && !names.includes(name))
    .sort()
    .map((name) => ({
      code: "unknown-variable",
      message: `the variable ${name} means nothing to Winnow${didYouMean(name, names)}`,
      help: `Variables are ${names.join(", ")}.`,
    }));
}

function fromOptions(options: SettingSources["options"]): Said {
  return SETTING_LIST.flatMap((setting): Said => {
    const given = setting.option === null ? undefined : options[setting.option];
    if (setting.option === null || given === undefined) {
      return [];
    }
    const result = checkValue(setting, given);
    if ("fault" in result) {
      throw new WinnowError(
        "usage",
        `there is no ${setting.option} "${String(given)}"${didYouMean(String(given), setting.words ?? [])}`,
        `--${setting.option} is ${result.fault.wanted}.`,
      );
    }
    return [{ key: setting.key, value: result.value, origin: { kind: "option", name: `--${setting.option}` } }];
  });
}

// ---------------------------------------------------------------------------------------------- texts

const SWITCH: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  yes: true,
  on: true,
  "0": false,
  false: false,
  no: false,
  off: false,
};

/** The value that a text stands for; the text itself if it stands for none, which no check lets pass then. */
function meaningOf({ kind }: Setting, text: string): unknown {
  switch (kind) {
    case "share":
      return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
    case "consent":
      return SWITCH[text.toLowerCase()] ?? text;
    case "globs":
    case "tests":
    case "packages":
    case "variables":
      return splitShell(text) ?? text;
    case "command-globs":
    case "commands":
      // A command line has spaces in it.
      return text
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "");
    default:
      return text.trim();
  }
}

function checked(setting: Listed, value: unknown, where: string): unknown {
  const result = checkValue(setting, value);
  if ("fault" in result) {
    const { wanted } = result.fault;
    throw new WinnowError("configuration", `${where} is not ${wanted}`, faultHelp(setting, result.fault));
  }
  return result.value;
}
