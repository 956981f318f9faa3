/** A copy of a store, for those who may write nothing into the project: reading SQLite in WAL mode writes as well. */

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Layout, layoutOf } from "./layout.ts";

/**
 * The store as it is, in a temporary directory. A copy that catches another process half way through writing is found to
 * be damaged, and then everything runs.
 */
export function copyOf(layout: Layout): Layout {
  const copy = layoutOf(mkdtempSync(join(tmpdir(), "winnow-")));
  for (const directory of [copy.journals, copy.runs, copy.bytecode]) {
    mkdirSync(directory, { recursive: true });
  }
  for (const suffix of ["", "-wal"]) {
    if (existsSync(layout.database + suffix)) {
      copyFileSync(layout.database + suffix, copy.database + suffix);
    }
  }
  return copy;
}

/** Removes a copy, with the directory that was made for it. */
export function removeCopy(copy: Layout): void {
  rmSync(dirname(copy.directory), { recursive: true, force: true });
}
