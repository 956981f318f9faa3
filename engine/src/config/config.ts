/**
 * Winnow's own configuration: `[tool.winnow]` in the pyproject.toml of the project's root.
 *
 * Every invocation asks for it, so what reads and checks it is loaded only where the file speaks of Winnow at all.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, WinnowError } from "../model/error.ts";

/** What a run does with its plan: leaves out what is proven, or runs everything and compares. */
export const MODES = ["select", "observe"] as const;

export type Mode = (typeof MODES)[number];

/** When tests run whose inputs cannot be known: after any change, or always. */
export const OPAQUE_POLICIES = ["rerun", "always"] as const;

export type OpaquePolicy = (typeof OPAQUE_POLICIES)[number];

/** Inputs of tests that nobody can see. */
export interface Depends {
  /** Globs of test files, or node ids. */
  readonly tests: readonly string[];
  readonly files: readonly string[];
  readonly env: readonly string[];
  readonly commands: readonly string[];
}

export interface Config {
  readonly mode: Mode;
  /** Tests that run always: globs of test files, or node ids. */
  readonly always: readonly string[];
  readonly depends: readonly Depends[];
  /** Globs of files that concern all tests. */
  readonly everything: readonly string[];
  /** Command lines of child processes that do not matter. */
  readonly harmless: readonly string[];
  /** Globs of files and directories that are no input, whoever reads them. */
  readonly ignore: readonly string[];
  readonly opaque: OpaquePolicy;
  readonly verify: {
    /** The share of the tests that could be left out which runs all the same, along with others. */
    readonly sample: number;
  };
}

/** What counts where nothing is written. */
export const DEFAULTS: Config = {
  mode: "select",
  always: [],
  depends: [],
  everything: [],
  harmless: [],
  ignore: [],
  opaque: "rerun",
  verify: { sample: 0 },
};

const FILE = "pyproject.toml";

/**
 * The configuration of the project at `root`.
 *
 * @throws WinnowError `configuration`: a key or a value that does not exist, or a file that speaks of Winnow and is no
 * TOML. pytest may never look at that file, and what it declares would be lost in silence.
 */
export async function loadConfig(root: string): Promise<Config> {
  let text = "";
  try {
    text = readFileSync(join(root, FILE), "utf8");
  } catch {
    return DEFAULTS;
  }
  // The table's name can be written in several ways, but not without this word.
  return text.includes("winnow") ? await readConfig(text) : DEFAULTS;
}

/** The configuration in the text of a `pyproject.toml`. */
export async function readConfig(text: string): Promise<Config> {
  const { parse } = await import("smol-toml");
  let document: { tool?: { winnow?: unknown } };
  try {
    document = parse(text);
  } catch (error) {
    throw new WinnowError("configuration", `${FILE} is no valid TOML (${messageOf(error)})`, "Mend that line.");
  }
  const table = document.tool?.winnow;
  return table === undefined ? DEFAULTS : (await import("./schema.ts")).parseConfig(table, FILE);
}
