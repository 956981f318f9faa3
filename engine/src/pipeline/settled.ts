/** A request with the settings that are in force for it: pytest's configuration among them, which its arguments lead to. */

import { DEFAULTS } from "../config/config.ts";
import { loadSettings, type Settings } from "../config/load.ts";
import type { Since } from "../model/since.ts";
import { makeRequest, type Request, type RequestOptions } from "./request.ts";

/**
 * Reads the request, and then the settings. `options`: what was typed, by the names of Winnow's own options. `mayWrite`:
 * whether the project's store may be touched.
 *
 * @throws WinnowError for an `--also`, `--since` or `--against` that names nothing, and for settings that do not exist.
 */
export async function settled(
  asked: Omit<RequestOptions, "config">,
  options: Readonly<Record<string, unknown>>,
  mayWrite = true,
): Promise<{ readonly request: Request; readonly settings: Settings }> {
  const unset = makeRequest({ ...asked, config: DEFAULTS });
  const settings = await loadSettings({
    root: unset.root,
    ini: { file: unset.configuration.inifile, values: unset.configuration.values, overridden: unset.profile.overrides },
    env: asked.env,
    options,
  });
  const { config, personal } = settings;
  const since = await sinceOf(unset, options, mayWrite);
  const python = personal.python ?? undefined;
  return { request: { ...unset, config, since, python, allowCommands: personal.allowCommands }, settings };
}

async function sinceOf(
  { root, env }: Request,
  { since, against }: Readonly<Record<string, unknown>>,
  mayWrite: boolean,
): Promise<Since | undefined> {
  if (since === undefined && against === undefined) {
    return undefined;
  }
  const { findSince } = await import("./since.ts");
  const typed = (value: unknown): string | undefined => (value === undefined ? undefined : String(value));
  return findSince(root, env, { since: typed(since), against: typed(against) }, mayWrite);
}
