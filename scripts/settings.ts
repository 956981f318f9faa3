/**
 * Writes what is made from the table of settings: the reference in docs/configuration.md, the JSON schema of the two
 * files, and the names that the collector announces to pytest. A test fails where one of them is not up to date.
 *
 * Usage: npm run settings
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEPENDS_FIELDS, SETTING_LIST, type SettingKind } from "../engine/src/config/settings.ts";

const ROOT = join(import.meta.dirname, "..");

type Listed = (typeof SETTING_LIST)[number];

// ---------------------------------------------------------------------------------------------- documentation

const BEGIN = "<!-- settings: written by `npm run settings` -->";
const END = "<!-- end of settings -->";

const TYPES: Readonly<Record<Exclude<SettingKind, "choice">, string>> = {
  share: "number, 0 to 1",
  name: "text",
  packages: "list of names",
  variables: "list of names",
  globs: "list of globs",
  tests: "list of globs",
  "command-globs": "list of globs",
  depends: "list of tables",
  commands: "list of commands",
  expression: "Python expression",
  program: "program",
  address: "address",
  consent: "yes or no",
};

function typeOf({ kind, words = [] }: Listed): string {
  return kind === "choice" ? words.map((word) => `\`"${word}"\``).join(", ") : TYPES[kind];
}

function code(text: string | null): string {
  return text === null ? "" : `\`${text}\``;
}

function defaultOf({ default: value }: Listed): string {
  const isEmpty = value === null || value === "" || (Array.isArray(value) && value.length === 0);
  return isEmpty ? "" : code(value === false ? "no" : JSON.stringify(value));
}

function reference(): string {
  const rows = SETTING_LIST.map((setting) => {
    const { key, doc, inFiles, ini, env, option, value } = setting;
    const typed = option === null ? null : `--${option}${value === undefined ? "" : ` ${value}`}`;
    return [inFiles ? code(key) : "", code(ini), code(env), code(typed), typeOf(setting), defaultOf(setting), doc];
  });
  const titles = ["in files", "in pytest's", "variable", "option", "type", "default", "meaning"];
  return [titles, titles.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A text with the part between the two marks replaced. */
function withReference(text: string): string {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) {
    throw new Error(`docs/configuration.md has lost its marks ${BEGIN} and ${END}`);
  }
  return `${before}${BEGIN}\n\n${reference()}\n\n${END}${after}`;
}

// ---------------------------------------------------------------------------------------------- JSON schema

const TEXTS = { type: "array", items: { type: "string" } };
const GLOBS = { type: "array", items: { type: "string", pattern: "^(?![!/\\\\]|[A-Za-z]:)." } };

function schemaOf(kind: SettingKind, words: readonly string[] = []): object {
  switch (kind) {
    case "choice":
      return { enum: words };
    case "share":
      return { type: "number", minimum: 0, maximum: 1 };
    case "globs":
    case "tests":
      return GLOBS;
    case "packages":
    case "variables":
    case "commands":
    case "command-globs":
      return TEXTS;
    case "depends":
      return {
        type: "array",
        items: {
          type: "object",
          properties: Object.fromEntries(
            Object.entries(DEPENDS_FIELDS).map(([name, field]) => [
              name,
              { description: field.doc, ...schemaOf(field.kind) },
            ]),
          ),
          required: ["tests"],
          additionalProperties: false,
        },
      };
    case "consent":
      return { type: "boolean" };
    default:
      return { type: "string" };
  }
}

interface ObjectSchema {
  type: "object";
  properties: Record<string, object>;
  additionalProperties: false;
}

function schema(): string {
  const table = (): ObjectSchema => ({ type: "object", properties: {}, additionalProperties: false });
  const top = table();
  for (const { key, kind, words, doc, default: value } of SETTING_LIST.filter(({ inFiles }) => inFiles)) {
    const path = key.split(".");
    const last = path.pop() ?? "";
    let at = top;
    for (const name of path) {
      at.properties[name] ??= table();
      at = at.properties[name] as ObjectSchema;
    }
    at.properties[last] = { description: doc, default: value, ...schemaOf(kind, words) };
  }
  const head = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Winnow",
    description: "Settings in winnow.toml, and in [tool.winnow] of pyproject.toml.",
  };
  return `${JSON.stringify({ ...head, ...top }, null, 2)}\n`;
}

// ---------------------------------------------------------------------------------------------- pytest

/** Which type of pytest's has a value. */
function iniType(kind: SettingKind): "args" | "linelist" | null {
  switch (kind) {
    case "globs":
    case "tests":
    case "packages":
    case "variables":
      return "args";
    case "command-globs":
    case "commands":
      return "linelist";
    default:
      return null;
  }
}

function iniModule(): string {
  const rows = SETTING_LIST.flatMap(({ ini, kind, doc }) => {
    const type = iniType(kind);
    const texts = [ini, type].map((text) => (text === null ? "None" : JSON.stringify(text)));
    return ini === null
      ? []
      : [`    (\n        ${texts.join(",\n        ")},\n        ${JSON.stringify(doc)},\n    ),\n`];
  });
  return `"""The settings that pytest's configuration may hold, by name, type and help: written by \`npm run settings\`.

The engine reads them. pytest has to know them only so that it does not warn of them, or refuse them in strict mode.
"""

from typing import Optional, Tuple

SETTINGS: "Tuple[Tuple[str, Optional[str], str], ...]" = (
${rows.join("")})
`;
}

// ---------------------------------------------------------------------------------------------- files

/** What is made from the table: texts by paths relative to the repository. */
export function madeFromSettings(): Map<string, string> {
  const guide = "docs/configuration.md";
  return new Map([
    [guide, withReference(readFileSync(join(ROOT, guide), "utf8"))],
    ["docs/winnow.schema.json", schema()],
    ["collector/winnow_collector/ini.py", iniModule()],
    // Where pytest-winnow is installed and not asked for, there is no collector to say so.
    ["python/pytest_winnow/ini.py", iniModule()],
  ]);
}

if (import.meta.main) {
  for (const [path, text] of madeFromSettings()) {
    writeFileSync(join(ROOT, path), text);
  }
}
