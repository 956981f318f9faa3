/**
 * `[tool.winnow]` of pyproject.toml in one typed table: what may be written there, and what counts where it is not.
 *
 * A new key is one line here and one in `DEFAULTS` (config.ts); a word that stands in neither is refused by itself.
 * Only loaded where a project has such a table.
 */

import * as v from "valibot";
import { WinnowError } from "../model/error.ts";
import { didYouMean } from "../model/nearest.ts";
import { type Config, DEFAULTS, MODES, OPAQUE_POLICIES } from "./config.ts";

const SHARE = v.pipe(
  v.number("a number from 0 to 1"),
  v.minValue(0, "a number from 0 to 1"),
  v.maxValue(1, "a number from 0 to 1"),
);

const TEXTS = v.array(v.string("a text"), "a list of texts");

/** Globs are relative to the project's root, so that they mean the same on every machine. */
const GLOBS = v.array(
  v.pipe(
    v.string("a text"),
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
  },
  "a table",
);

function oneOf<const W extends string>(words: readonly W[], otherwise: NoInfer<W>) {
  return v.optional(v.picklist(words, `one of ${words.map((word) => `"${word}"`).join(" and ")}`), () => otherwise);
}

const SCHEMA = v.strictObject(
  {
    mode: oneOf(MODES, DEFAULTS.mode),
    always: v.optional(GLOBS, [...DEFAULTS.always]),
    depends: v.optional(v.array(DEPENDS, "a list of tables, [[tool.winnow.depends]]"), []),
    everything: v.optional(GLOBS, [...DEFAULTS.everything]),
    harmless: v.optional(TEXTS, [...DEFAULTS.harmless]),
    ignore: v.optional(GLOBS, [...DEFAULTS.ignore]),
    opaque: oneOf(OPAQUE_POLICIES, DEFAULTS.opaque),
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
  const owner = ["tool", "winnow", ...path.slice(0, -1).filter((key) => !/^\d+$/.test(key))].join(".");
  if (issue.type === "strict_object" && issue.expected === "never") {
    const keys = keysAt(path.slice(0, -1));
    throw new WinnowError(
      "configuration",
      `${file} has an unknown key "${name}" in [${owner}]${didYouMean(name, keys)}`,
      `Keys of this table are ${keys.join(", ")}.`,
    );
  }
  if (issue.type === "strict_object" && issue.input === undefined) {
    throw new WinnowError(
      "configuration",
      `${file} has no "${name}" in [${owner}]`,
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
  if (path[0] === "depends") {
    return Object.keys(DEPENDS.entries);
  }
  let at: object = DEFAULTS;
  for (const name of path) {
    at = (at as Record<string, object>)[name] ?? {};
  }
  return Object.keys(at);
}
