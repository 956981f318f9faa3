/** `winnow config`: the settings in force, and who says so. */

import type { Origin, Settings } from "../../config/load.ts";
import { SETTING_LIST, type SettingKey } from "../../config/settings.ts";
import { JSON_VERSION, writeJson } from "../../report/json.ts";
import type { CommandLine } from "../cli.ts";

interface Shown {
  readonly key: SettingKey;
  readonly value: unknown;
  readonly origin: Origin;
}

export async function configCommand({ request, json, settings, options }: CommandLine): Promise<number> {
  const shown = effectiveSettings(settings);
  if (json) {
    writeJson({ version: JSON_VERSION, root: request.root, settings: shown, warnings: settings.warnings });
    return 0;
  }
  const lines = shown.map(({ key, value }) => `${key} = ${written(value)}`);
  const width = Math.max(...lines.map(({ length }) => length).filter((length) => length <= 60));
  const text = lines.map((line, index) =>
    options["show-origin"] === true ? `${line.padEnd(width)}  # ${describeOrigin(shown[index]?.origin)}` : line,
  );
  process.stdout.write(`${text.join("\n")}\n`);
  return 0;
}

/** Every setting with its value and where that comes from, in the order of the table. */
function effectiveSettings({ config, personal, origins }: Settings): Shown[] {
  return SETTING_LIST.map(({ key }) => {
    let value: unknown = { ...config, ...personal };
    for (const name of key.split(".")) {
      value = (value as Record<string, unknown>)[name];
    }
    return { key, value, origin: origins.get(key) ?? { kind: "default" } };
  });
}

/** A value as TOML writes it. */
function written(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(written).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${name} = ${written(inner)}`)
      .join(", ")} }`;
  }
  // What is looked for has no value yet; an empty text says as much.
  return JSON.stringify(value ?? "");
}

function describeOrigin(origin: Origin | undefined): string {
  switch (origin?.kind) {
    case "file":
      return `${origin.file}:${origin.key}`;
    case "variable":
    case "option":
      return origin.name;
    default:
      return "default";
  }
}
