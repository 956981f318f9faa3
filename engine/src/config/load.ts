/**
 * Where settings come from, the later winning: defaults, `[tool.winnow]` of pyproject.toml, winnow.toml, pytest's
 * configuration, environment variables, command line options. Each replaces single settings, and a list as a whole.
 *
 * Every invocation asks for them, so what reads and checks them is loaded only where somebody says anything.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, WinnowError } from "../model/error.ts";
import type { ConfigValue } from "../runners/pytest/configuration.ts";
import { type Config, DEFAULTS, PERSONAL_DEFAULTS, type Personal } from "./config.ts";
import { isOurIniName, isOurVariable, SETTINGS, type SettingKey } from "./settings.ts";

export const PYPROJECT = "pyproject.toml";
export const WINNOW_TOML = "winnow.toml";

/** Where settings are looked for. */
export interface SettingSources {
  /** The project's root. */
  readonly root: string;
  /** What pytest's configuration says, `-o` included. */
  readonly ini: {
    /** Absolute; null if there is none. */
    readonly file: string | null;
    readonly values: ReadonlyMap<string, ConfigValue>;
    /** Names that were given with `-o`. */
    readonly overridden: { has(name: string): boolean };
  };
  readonly env: NodeJS.ProcessEnv;
  /** What was typed, by the names of options. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What said that a setting has its value. `file` is relative to the project's root. */
export type Origin =
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly file: string; readonly key: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "option"; readonly name: string };

/** Something that is worth a line, and stops nothing. */
export interface SettingWarning {
  readonly code: string;
  readonly message: string;
  readonly help: string;
}

export interface Settings {
  readonly config: Config;
  readonly personal: Personal;
  /** Settings that are not default ones. */
  readonly origins: ReadonlyMap<SettingKey, Origin>;
  readonly warnings: readonly SettingWarning[];
}

/** Texts of the two files of Winnow's own settings; undefined: not there, or nothing in it can be meant for Winnow. */
export interface SettingFiles {
  readonly pyproject?: string | undefined;
  readonly own?: string | undefined;
}

/**
 * The settings in force.
 *
 * @throws WinnowError `configuration` or `usage`: a name or a value that does not exist, or a file that speaks of Winnow
 * and is no TOML. pytest may never look at that file, and what it declares would be lost in silence.
 */
export async function loadSettings(sources: SettingSources): Promise<Settings> {
  const { root, ini, env, options } = sources;
  const pyproject = textOf(join(root, PYPROJECT));
  const files: SettingFiles = {
    // The table's name can be written in several ways, but not without this word.
    pyproject: pyproject?.includes("winnow") === true ? pyproject : undefined,
    own: textOf(join(root, WINNOW_TOML)),
  };
  const isSilent =
    files.pyproject === undefined &&
    files.own === undefined &&
    options[SETTINGS.mode.option] === undefined &&
    options[SETTINGS.environment.option] === undefined &&
    !Object.keys(env).some(isOurVariable) &&
    ![...ini.values.keys()].some(isOurIniName);
  if (!isSilent) {
    return (await import("./sources.ts")).readSources(files, sources);
  }
  // These two need no check, and nothing has a later word.
  const python = options[SETTINGS.python.option];
  const allows = options[SETTINGS.allowCommands.option] === true;
  const origins = new Map<SettingKey, Origin>();
  if (typeof python === "string") {
    origins.set("python", { kind: "option", name: `--${SETTINGS.python.option}` });
  }
  if (allows) {
    origins.set("allowCommands", { kind: "option", name: `--${SETTINGS.allowCommands.option}` });
  }
  return {
    config: DEFAULTS,
    personal: { python: typeof python === "string" ? python : PERSONAL_DEFAULTS.python, allowCommands: allows },
    origins,
    warnings: [],
  };
}

/** The configuration in the texts of files alone. */
export async function readConfig(pyproject: string, own?: string): Promise<Config> {
  const { readSources } = await import("./sources.ts");
  const silence = { root: ".", env: {}, options: {}, ini: { file: null, values: new Map(), overridden: new Map() } };
  return readSources({ pyproject, own }, silence).config;
}

/** The text of a file; undefined if there is none. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") {
      return undefined;
    }
    throw new WinnowError("configuration", `${path} cannot be read (${messageOf(error)})`, "Make it readable.");
  }
}
