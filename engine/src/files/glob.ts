/** Which files of a project a glob means, now. */

import { readdirSync } from "node:fs";
import picomatch from "picomatch";
import { normalizeGlob, pathMatcher } from "../config/globs.ts";
import { isListed } from "./listing.ts";

export interface Matches {
  /** Project paths of the files, sorted. */
  readonly files: readonly string[];
  /** The directories that were looked into: a file that appears or vanishes changes the names in one of them. */
  readonly directories: readonly string[];
}

/**
 * Looks for the files that a glob means. Links are matched by their own name and not followed; what tools leave behind
 * (`__pycache__` and its like), virtual environments and `node_modules` are not looked into.
 */
export function matchingFiles(root: string, glob: string): Matches {
  const pattern = normalizeGlob(glob);
  const { base, isGlob } = picomatch.scan(pattern);
  const matches = pathMatcher([pattern]);
  // Where no `**` stands, what is matched lies as deep as the glob has segments.
  const depth = !isGlob || pattern.includes("**") ? Infinity : pattern.split("/").length;
  const files: string[] = [];
  const directories: string[] = [];
  const visit = (directory: string, level: number): void => {
    let entries: ReturnType<typeof list>;
    try {
      entries = list(`${root}/${directory}`);
    } catch {
      if (isGlob && directory === base) {
        directories.push(base);
      }
      return;
    }
    if (directory !== base && entries.some(({ name }) => name === "pyvenv.cfg")) {
      return;
    }
    directories.push(directory);
    for (const entry of entries) {
      const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
      if (!isListed(entry.name) || entry.name === "node_modules") {
        continue;
      }
      if (!entry.isDirectory()) {
        if (matches(path)) {
          files.push(path);
        }
      } else if (level < depth) {
        visit(path, level + 1);
      }
    }
  };
  if (isGlob) {
    visit(base, base === "" ? 1 : base.split("/").length + 1);
  } else {
    // A plain path: the file itself, or all of a directory.
    visit(pattern, 1);
    if (directories.length === 0) {
      files.push(pattern);
    }
  }
  return { files: files.sort(), directories };
}

function list(directory: string) {
  return readdirSync(directory, { withFileTypes: true });
}
