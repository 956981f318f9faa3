/**
 * All files of a project, for tests of which nobody can tell what they read: a child process may open any of them.
 *
 * In a git work tree these are the tracked files and those that git does not ignore: what is ignored there is output.
 * Elsewhere every file counts, without virtual environments and `node_modules`.
 */

import { readdirSync } from "node:fs";
import { isListed } from "./listing.ts";

/** Paths of the project's files relative to its root, with "/". */
export function projectFiles(root: string): string[] {
  const paths: string[] = [];
  for (const path of trackedByGit(root) ?? walk(root, "")) {
    // A directory in git's list is another repository within this one.
    if (path.endsWith("/") || isDirectory(`${root}/${path}`)) {
      paths.push(...walk(root, path.replace(/\/$/, "")));
    } else {
      paths.push(path);
    }
  }
  return paths;
}

function trackedByGit(root: string): string[] | undefined {
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const result = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "ignore"],
    windowsHide: true,
  });
  const paths = result.status === 0 ? result.stdout.split("\0").filter((path) => path !== "") : [];
  // A project that git ignores as a whole, or has nothing of, is a project all the same.
  return paths.length === 0 ? undefined : paths;
}

function isDirectory(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}

function walk(root: string, directory: string): string[] {
  let entries: ReturnType<typeof list>;
  try {
    entries = list(`${root}/${directory}`);
  } catch {
    return [];
  }
  if (directory !== "" && entries.some(({ name }) => name === "pyvenv.cfg")) {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
    if (!isListed(entry.name) || entry.name === "node_modules") {
      return [];
    }
    // Links are not followed: what lies within the project is found without them, and they may lead round in a circle.
    return entry.isDirectory() ? walk(root, path) : [path];
  });
}

function list(directory: string) {
  return readdirSync(directory, { withFileTypes: true });
}
