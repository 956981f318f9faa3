/** A request with the settings that are in force for it: pytest's configuration among them, which its arguments lead to. */

import { DEFAULTS } from "../config/config.ts";
import { loadSettings, type Settings } from "../config/load.ts";
import { makeRequest, type Request, type RequestOptions } from "./request.ts";

/**
 * Reads the request, and then the settings. `options`: what was typed, by the names of Winnow's own options.
 *
 * @throws WinnowError for an `--also` that names nothing, and for settings that do not exist.
 */
export async function settled(
  asked: Omit<RequestOptions, "config">,
  options: Readonly<Record<string, unknown>>,
): Promise<{ readonly request: Request; readonly settings: Settings }> {
  const unset = makeRequest({ ...asked, config: DEFAULTS });
  const settings = await loadSettings({
    root: unset.root,
    ini: { file: unset.configuration.inifile, values: unset.configuration.values, overridden: unset.profile.overrides },
    env: asked.env,
    options,
  });
  const { config, personal } = settings;
  const request = { ...unset, config, python: personal.python ?? undefined, allowCommands: personal.allowCommands };
  return { request, settings };
}
