/**
 * What splits facts into disjoint worlds: interpreter, the variables that change what Python or pytest do, the place
 * of the invocation, and every option that is not known to be neutral. Installed packages and pytest's configuration
 * are dependencies instead, so that `why` can name them.
 */

import { textDigest } from "../files/hash.ts";
import type { InterpreterInfo } from "../runners/pytest/interpreter.ts";
import { type Request, toProjectPath } from "./request.ts";

/**
 * Variables that Python or pytest themselves read: others are inputs of the tests that ask for them. PYTEST_ADDOPTS
 * counts through the options in it.
 */
export const VARIABLES = [
  "PYTHONHASHSEED",
  "PYTHONPATH",
  "PYTHONHOME",
  "PYTHONWARNINGS",
  "PYTHONOPTIMIZE",
  "PYTHONDEVMODE",
  "PYTHONUTF8",
  "PYTHONSAFEPATH",
  "PYTHONNOUSERSITE",
  "PYTHONASYNCIODEBUG",
  "PYTHONINTMAXSTRDIGITS",
  "PYTHON_GIL",
  "PYTEST_PLUGINS",
  "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
  "LC_ALL",
  "LC_CTYPE",
  "LANG",
  "TZ",
];

export interface Environment {
  readonly digest: string;
  /** JSON text, for people and for comparison. */
  readonly description: string;
}

/** The environment of a request under an interpreter. */
export function environmentOf(request: Request, interpreter: InterpreterInfo): Environment {
  const variables = Object.fromEntries(
    VARIABLES.flatMap((name) => {
      const value = request.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const description = JSON.stringify({
    python: [interpreter.implementation, interpreter.version, interpreter.minor, interpreter.platform],
    variables,
    invocation: toProjectPath(request.root, request.cwd),
    options: request.profile.environment,
    // Said only where it is so: facts of `python -m pytest` are the usual ones.
    ...(request.searchesCwd ? {} : { searchesCwd: false }),
  });
  return { digest: textDigest(description), description };
}
