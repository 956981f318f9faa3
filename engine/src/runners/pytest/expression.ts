/**
 * pytest-testmon's `environment_expression`: a Python expression that names the environment.
 *
 * It is evaluated as testmon does: with `os`, `sys`, `hashlib` and `md5` (of a text), the result made a text, and an
 * exception is the name as well, by its `repr`. Other than there, nothing of pytest has been loaded yet.
 */

import { messageOf, WinnowError } from "../../model/error.ts";

const MARK = "@winnow-environment@";

/** The working directory leaves `sys.path` until the modules are there: a `json.py` of the project would be imported otherwise. */
const EVALUATE = `
import sys
_path = sys.path[:]
sys.path[:] = [p for p in _path if p]
import hashlib, json, os
sys.path[:] = _path
_expression = sys.argv[1]
sys.argv[:] = ["pytest"] + sys.argv[2:]
def _md5(string):
    return hashlib.md5(string.encode()).hexdigest()
try:
    _name = str(eval(_expression, {"os": os, "sys": sys, "hashlib": hashlib, "md5": _md5}))
except Exception as _error:
    _name = repr(_error)
sys.stdout.write("\\n${MARK}" + json.dumps(_name) + "\\n")
`;

/** Where pytest is going to be started, and with what. */
export interface ExpressionContext {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly args: readonly string[];
}

/** The value of the expression. @throws WinnowError `environment-expression`: it ended Python, or did not end. */
export function evaluate(executable: string, expression: string, { cwd, env, args }: ExpressionContext): string {
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { error, status, signal, stdout } = spawnSync(executable, ["-c", EVALUATE, expression, ...args], {
    cwd,
    env,
    encoding: "utf8",
    timeout: 30_000,
    maxBuffer: 1 << 26,
    stdio: ["ignore", "pipe", "ignore"],
    windowsHide: true,
  });
  const line = stdout?.split(/\r?\n/).findLast((text) => text.startsWith(MARK));
  if (line === undefined) {
    const why = error === undefined ? `Python ended with ${signal ?? `exit code ${status}`}` : messageOf(error);
    throw new WinnowError(
      "environment-expression",
      `environment_expression has no value (${why})`,
      "Mend it in pytest's configuration, or name the environment with --env.",
    );
  }
  return JSON.parse(line.slice(MARK.length)) as string;
}
