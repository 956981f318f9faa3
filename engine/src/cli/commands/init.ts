/** `winnow init`. */

import { init } from "../../pipeline/init.ts";
import { findRoot } from "../../pipeline/request.ts";
import { JSON_VERSION, writeJson } from "../../report/json.ts";
import type { PlaceLine } from "../cli.ts";

export async function initCommand({ cwd, json }: PlaceLine): Promise<number> {
  const root = findRoot(cwd);
  const steps = await init(root);
  if (json) {
    writeJson({ version: JSON_VERSION, root, steps });
    return 0;
  }
  const width = Math.max(...steps.map(({ path }) => path.length)) + 2;
  const said = steps.flatMap(({ path, action, lines, because }) => {
    const line = `${path.padEnd(width)}${action === "added" ? "added" : action === "kept" ? "as it was" : "left out"}: ${because}`;
    return action === "added" ? [line, ...lines.map((each) => `  + ${each}`)] : [line];
  });
  const verdict = steps.some(({ action }) => action === "added")
    ? "Next: `winnow run`."
    : "Nothing had to be changed. Next: `winnow run`.";
  process.stdout.write(`${[`project ${root}`, ...said, verdict].join("\n")}\n`);
  return 0;
}
