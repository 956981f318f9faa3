/**
 * Writes the licences of the packages whose code is in the bundle: they ask to be handed on with it.
 *
 * Usage: node notices.ts METAFILE OF ESBUILD, OUTPUT
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [metafile = "", output = ""] = process.argv.slice(2);
const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as { inputs: Record<string, unknown> };
const packages = new Set(
  Object.keys(inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
);
const notices = [...packages].sort().map((name) => {
  const directory = join("node_modules", name);
  const { version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { version: string };
  const licence = readdirSync(directory).find((file) => /^licen[cs]e(\.|$)/i.test(file));
  if (licence === undefined) {
    throw new Error(`${directory} has no file with its licence`);
  }
  return `${name} ${version}\n\n${readFileSync(join(directory, licence), "utf8").trim()}\n`;
});
writeFileSync(output, `The bundle contains code of these packages.\n\n${notices.join(`\n${"-".repeat(80)}\n\n`)}`);
