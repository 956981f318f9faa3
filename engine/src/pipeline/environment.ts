/**
 * What splits facts into disjoint worlds: interpreter, the variables that change what Python or pytest do, the place
 * of the invocation, every option that is not known to be neutral, and the name that the user gives it. Installed packages and pytest's configuration
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
  /** Computed when it is asked for: where nothing changed, the description does. */
  readonly digest: string;
  /** JSON text, for people and for comparison. */
  readonly description: string;
}

/** The environment of a request under an interpreter. */
export function environmentOf(request: Request, interpreter: InterpreterInfo): Environment {
  const { environment: name } = request.config;
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
    ...(request.interpreterOptions.length === 0 ? {} : { interpreter: request.interpreterOptions }),
    // Without a name nothing is added: what is recorded without one stays good.
    ...(name === "" ? {} : { name }),
  });
  return {
    description,
    get digest() {
      return textDigest(description);
    },
  };
}

/**
 * The same request with the name of its environment, where that is an expression: only Python can tell. It is evaluated
 * each time. What it depends on cannot be known (it may ask the system for anything), so no earlier answer is good.
 */
export async function withEnvironmentName(request: Request, interpreter: InterpreterInfo): Promise<Request> {
  const { config } = request;
  if (config.environment !== "" || config.environmentExpression === "") {
    return request;
  }
  const { evaluate } = await import("../runners/pytest/expression.ts");
  const { cwd, env, args } = request;
  const environment = evaluate(interpreter.executable, config.environmentExpression, { cwd, env, args });
  return { ...request, config: { ...config, environment } };
}
