/** Which Python a request means, and what is known of it: asked once, then kept in the store under its identity. */

import { WinnowError } from "../model/error.ts";
import {
  findInterpreter,
  type Interpreter,
  type InterpreterInfo,
  interpreterIdentity,
  isInterpreterProblem,
  probe,
  pytestProblem,
} from "../runners/pytest/interpreter.ts";
import type { Notes } from "../store/notes.ts";
import type { Request } from "./request.ts";

export interface ResolvedInterpreter {
  readonly interpreter: Interpreter;
  readonly info: InterpreterInfo;
}

/** Finds the interpreter. Throws a {@link WinnowError} that says what is missing and what to do. */
export function resolveInterpreter(request: Request, store: Notes | undefined): ResolvedInterpreter {
  const { root, cwd, env } = request;
  const interpreter = findInterpreter({ root, cwd, env, override: request.python ?? null, program: process.argv[1] });
  if (isInterpreterProblem(interpreter)) {
    throw new WinnowError(interpreter.code, interpreter.message, interpreter.help);
  }
  const identity = interpreterIdentity(interpreter.executable, { cwd, env });
  try {
    const known = store?.interpreter(identity);
    if (known !== undefined) {
      return { interpreter, info: JSON.parse(known) as InterpreterInfo };
    }
  } catch {
    // A damaged store: whoever needs more of it will say so.
  }
  const info = probe(interpreter, { cwd, env });
  const problem = isInterpreterProblem(info) ? info : pytestProblem(interpreter, info);
  if (problem !== null || isInterpreterProblem(info)) {
    const { code, message, help } = problem ?? (info as never);
    throw new WinnowError(code, message, help);
  }
  try {
    store?.write(() => store.setInterpreter(identity, JSON.stringify(info)));
  } catch {
    // Then it is asked again next time.
  }
  return { interpreter, info };
}
