/**
 * The project's `.winnow/` directory: made atomically, mode 0700, ignored by git without the user's help, and
 * describing itself. Nothing in it is precious to the user's work, and nothing of it is ever overwritten blindly.
 */

import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, WinnowError } from "../model/error.ts";

export interface Layout {
  readonly directory: string;
  readonly database: string;
  readonly journals: string;
  readonly runs: string;
  readonly bytecode: string;
}

const README = `# Winnow's store

This directory holds what Winnow knows about this project's tests: what each of them depended on, and how it ended.
It can be removed at any time; the next run then runs everything once and records anew.
`;

/** The places in the `.winnow` directory of a project. Makes nothing. */
export function layoutOf(root: string): Layout {
  const directory = join(root, ".winnow");
  return {
    directory,
    database: join(directory, "store.db"),
    journals: join(directory, "journals"),
    runs: join(directory, "runs"),
    bytecode: join(directory, "bytecode"),
  };
}

/**
 * Makes the directory if it is not there: complete under a temporary name, then renamed, so that no other process ever
 * sees half of it. Whoever loses that race removes its own copy.
 *
 * @throws WinnowError `store-unwritable`: the disk is full or read-only, or something else has that name.
 */
export function makeLayout(root: string): Layout {
  const layout = layoutOf(root);
  try {
    make(layout, root);
  } catch (error) {
    const isOther = statSync(layout.directory, { throwIfNoEntry: false })?.isDirectory() === false;
    throw new WinnowError(
      "store-unwritable",
      isOther
        ? `${layout.directory} is not a directory`
        : `${layout.directory} cannot be written (${messageOf(error)})`,
      isOther
        ? "Move it away: Winnow keeps what it knows of this project in a directory of that name."
        : "Make the project's directory writable, or free some space on the disk.",
    );
  }
  return layout;
}

function make(layout: Layout, root: string): void {
  if (statSync(layout.directory, { throwIfNoEntry: false }) === undefined) {
    const temporary = mkdtempSync(join(root, ".winnow-"));
    try {
      writeFileSync(join(temporary, ".gitignore"), "*\n");
      writeFileSync(join(temporary, "README.md"), README);
      writeFileSync(
        join(temporary, "CACHEDIR.TAG"),
        "Signature: 8a477f597d28d172789f06886806bc55\n# This file marks a directory that can be made again.\n",
      );
      for (const name of ["journals", "runs", "bytecode"]) {
        mkdirSync(join(temporary, name), { mode: 0o700 });
      }
      renameSync(temporary, layout.directory);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      if (statSync(layout.directory, { throwIfNoEntry: false }) === undefined) {
        throw error;
      }
    }
  }
  for (const directory of [layout.journals, layout.runs, layout.bytecode]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
}
