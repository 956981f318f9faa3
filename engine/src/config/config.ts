/**
 * Winnow's own configuration: `[tool.winnow]` in the pyproject.toml of the project's root.
 *
 * Every invocation asks for it, so what reads and checks it is loaded only where the file speaks of Winnow at all.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What a run does with its plan: leaves out what is proven, or runs everything and compares. */
export const MODES = ["select", "observe"] as const;

export type Mode = (typeof MODES)[number];

export interface Config {
  readonly mode: Mode;
  readonly verify: {
    /** The share of the tests that could be left out which runs all the same, along with others. */
    readonly sample: number;
  };
}

/** What counts where nothing is written. */
export const DEFAULTS: Config = { mode: "select", verify: { sample: 0 } };

const FILE = "pyproject.toml";

/**
 * The configuration of the project at `root`.
 *
 * @throws WinnowError `configuration`: a key or a value that does not exist. A file that is no TOML says nothing here:
 * pytest refuses it in its own words.
 */
export async function loadConfig(root: string): Promise<Config> {
  let text = "";
  try {
    text = readFileSync(join(root, FILE), "utf8");
  } catch {
    return DEFAULTS;
  }
  // The table's name can be written in several ways, but not without this word.
  if (!text.includes("winnow")) {
    return DEFAULTS;
  }
  const { parse } = await import("smol-toml");
  let table: unknown;
  try {
    const { tool } = parse(text) as { tool?: { winnow?: unknown } };
    table = tool?.winnow;
  } catch {
    return DEFAULTS;
  }
  return table === undefined ? DEFAULTS : (await import("./schema.ts")).parseConfig(table, FILE);
}
