/** A git that asks nobody who he is, and has no hooks. */

import { spawnSync } from "node:child_process";

const SETTINGS = ["user.name=A", "user.email=a@b.invalid", "init.defaultBranch=main", "core.hooksPath=/dev/null"];

/** Runs git in a directory; what it prints. Throws what it complains of. */
export function git(directory: string, ...args: readonly string[]): string {
  const settings = [...SETTINGS, "protocol.file.allow=always"].flatMap((setting) => ["-c", setting]);
  const { status, stdout, stderr } = spawnSync("git", [...settings, ...args], { cwd: directory, encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`git ${args.join(" ")}: ${stderr}`);
  }
  return stdout.trim();
}

/** Commits all that is there, and returns the commit. */
export function commit(directory: string): string {
  git(directory, "add", "--all");
  git(directory, "commit", "--quiet", "--allow-empty", "--message", "one");
  return git(directory, "rev-parse", "HEAD");
}
