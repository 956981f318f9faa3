/** What a store needs of a file system, tried out in a directory of its own that is gone afterwards. */

import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../model/error.ts";

/** What does not work. */
export type FileSystemFault =
  /** No file can be made there. */
  | { readonly kind: "read-only"; readonly because: string }
  /** A file cannot be replaced by another in one step. */
  | { readonly kind: "rename"; readonly because: string }
  /** Two processes can hold the write lock of a database at once, or none can. */
  | { readonly kind: "lock"; readonly because: string };

/** Ends with 0 if it gets the lock, 1 if somebody else has it. */
const OTHER_PROCESS = `
const { DatabaseSync } = require("node:sqlite");
try {
  new DatabaseSync(process.argv[1], { timeout: 0 }).exec("BEGIN IMMEDIATE");
} catch (error) {
  process.exitCode = /locked|busy/i.test(error.message) ? 1 : 2;
}
`;

/** Tries out a directory; undefined if all is well. */
export function tryFileSystem(directory: string): FileSystemFault | undefined {
  let place: string;
  try {
    place = mkdtempSync(join(directory, ".winnow-doctor-"));
  } catch (error) {
    return { kind: "read-only", because: messageOf(error) };
  }
  try {
    return tryRename(place) ?? tryLock(join(place, "trial.db"));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function tryRename(place: string): FileSystemFault | undefined {
  try {
    writeFileSync(join(place, "old"), "old");
    writeFileSync(join(place, "new"), "new");
    renameSync(join(place, "new"), join(place, "old"));
    const text = readFileSync(join(place, "old"), "utf8");
    return text === "new" ? undefined : { kind: "rename", because: "a replaced file still has its old content" };
  } catch (error) {
    return { kind: "rename", because: messageOf(error) };
  }
}

function tryLock(file: string): FileSystemFault | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
    const { spawnSync } = process.getBuiltinModule("node:child_process");
    const options = { stdio: "ignore", windowsHide: true } as const;
    const { status } = spawnSync(process.execPath, ["-e", OTHER_PROCESS, file], options);
    if (status === 0) {
      return { kind: "lock", because: "two processes could write at once" };
    }
    database.exec("COMMIT");
    return status === 1 ? undefined : { kind: "lock", because: "a second process could not open the file" };
  } catch (error) {
    return { kind: "lock", because: messageOf(error) };
  } finally {
    database?.close();
  }
}
