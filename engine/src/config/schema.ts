/**
 * `[tool.winnow]` of pyproject.toml in one typed table: what may be written there, and what counts where it is not.
 *
 * A new key is one line here and one in `DEFAULTS` (config.ts); a word that stands in neither is refused by itself.
 * Only loaded where a project has such a table.
 */

import * as v from "valibot";
import { WinnowError } from "../model/error.ts";
import { didYouMean } from "../model/nearest.ts";
import { type Config, DEFAULTS, MODES } from "./config.ts";

const SHARE = v.pipe(
  v.number("a number from 0 to 1"),
  v.minValue(0, "a number from 0 to 1"),
  v.maxValue(1, "a number from 0 to 1"),
);

const SCHEMA = v.strictObject(
  {
    mode: v.optional(v.picklist(MODES, `one of ${MODES.map((mode) => `"${mode}"`).join(" and ")}`), DEFAULTS.mode),
    verify: v.optional(
      v.strictObject({ sample: v.optional(SHARE, DEFAULTS.verify.sample) }, "a table"),
      DEFAULTS.verify,
    ),
  },
  "a table",
);

/** Reads the table. @throws WinnowError `configuration`: the first thing that is wrong with it, in one sentence. */
export function parseConfig(table: unknown, file: string): Config {
  const { success, output, issues } = v.safeParse(SCHEMA, table, { abortEarly: true });
  if (success) {
    return output;
  }
  const [issue] = issues;
  const path = (issue.path ?? []).map(({ key }) => String(key));
  const name = path.at(-1) ?? "";
  const owner = ["tool", "winnow", ...path.slice(0, -1)].join(".");
  if (issue.type === "strict_object" && issue.expected === "never") {
    throw new WinnowError(
      "configuration",
      `${file} has an unknown key "${name}" in [${owner}]${didYouMean(name, keysAt(path.slice(0, -1)))}`,
      `Keys of this table are ${keysAt(path.slice(0, -1)).join(", ")}.`,
    );
  }
  throw new WinnowError(
    "configuration",
    `${["tool", "winnow", ...path].join(".")} in ${file} is not ${issue.message}`,
    `It is ${JSON.stringify(issue.input) ?? String(issue.input)} now.`,
  );
}

/** The keys that a table below `[tool.winnow]` may have. */
function keysAt(path: readonly string[]): string[] {
  let at: object = DEFAULTS;
  for (const name of path) {
    at = (at as Record<string, object>)[name] ?? {};
  }
  return Object.keys(at);
}
