/** The Node that this program runs on. */

import { WinnowError } from "../model/error.ts";

/** The oldest version that the engine is tested on; package.json says the same. Older ones lack parts of `node:sqlite`. */
const OLDEST = [22, 18] as const;

/** Throws a {@link WinnowError} for a version that is too old. What is loaded before this runs has to load there as well. */
export function requireNode(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new WinnowError(
      "node-too-old",
      `this is Node.js ${version}, and Winnow needs ${OLDEST.join(".")} or newer`,
      "Upgrade Node.js, or install the Python package pytest-winnow, which brings its own.",
    );
  }
}

/**
 * Node warns of `node:sqlite` as experimental. Whoever starts Node himself says `--disable-warning=ExperimentalWarning`;
 * npm's way to start a program has no room for that.
 */
export function hideExperimentalWarnings(): void {
  const emit = process.emitWarning as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]): void => {
    if (args[1] !== "ExperimentalWarning") {
      emit.apply(process, args);
    }
  };
}
