/** Values of environment variables, as keys hold them: never the value itself, which may be a secret. */

import { ABSENT } from "../model/key.ts";
import { textDigest } from "./hash.ts";

/** The value of a variable as it is stored: a digest that has the name in it, or "-" if it is not set. */
export function variableDigest(name: string, value: string | undefined): string {
  return value === undefined ? ABSENT : textDigest(`${name}=${value}`);
}
