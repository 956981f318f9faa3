/**
 * What git says of a repository: commits, the files in them, their contents, and which files of now it knows of.
 *
 * Git is only asked: it takes no lock for it, and writes nothing into the repository. Paths are relative to the top of the work tree, with "/".
 */

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, WinnowError } from "../model/error.ts";

/** One entry of a commit's tree. */
export interface TreeEntry {
  readonly kind: "file" | "link" | "repository";
  /** Of a file's or link's content, or the commit of a repository within. */
  readonly id: string;
}

/** A commit, and how people name it. */
export interface Commit {
  readonly id: string;
  /** `main (abc1234)`. */
  readonly label: string;
}

/** Where "since I branched" looks for the branch that all others come from, in this order. */
const DEFAULT_BRANCHES = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];

const LINK = "120000";
const REPOSITORY = "160000";

/** Attributes that have a say in what git makes of a content in the work tree. */
const CONVERTING = ["text", "crlf", "eol", "filter", "ident", "working-tree-encoding"];

export class Repository {
  /** The top of the work tree: absolute, without links. */
  readonly top: string;
  /** Where the project's root is in it, with a "/" at its end; empty at the top. */
  readonly prefix: string;
  readonly #env: NodeJS.ProcessEnv;

  /** The repository that a directory is in. @throws WinnowError `no-repository`. */
  constructor(directory: string, env: NodeJS.ProcessEnv) {
    this.#env = env;
    this.top = directory;
    const asked = this.#ask(["rev-parse", "--show-toplevel", "--show-prefix"]);
    const [top, prefix] = asked.text.split("\n");
    if (!asked.ok || top === undefined || top === "") {
      throw new WinnowError(
        "no-repository",
        `${directory} is in no git work tree (${asked.message})`,
        "`--since` asks git what was there; without git, name a state with `winnow snapshot save NAME`, and use `--against NAME`.",
      );
    }
    this.top = realpathSync(top);
    this.prefix = prefix ?? "";
  }

  #ask(
    args: readonly string[],
    input?: string,
    more: NodeJS.ProcessEnv = {},
  ): { ok: boolean; bytes: Buffer; text: string; message: string } {
    const { spawnSync } = process.getBuiltinModule("node:child_process");
    const { error, status, stdout, stderr } = spawnSync(
      "git",
      ["--no-optional-locks", "-c", "core.splitIndex=false", ...args],
      {
        cwd: this.top,
        env: { ...this.#env, LC_ALL: "C", ...more },
        maxBuffer: 1 << 30,
        windowsHide: true,
        ...(input === undefined ? { stdio: ["ignore", "pipe", "pipe"] } : { input }),
      },
    );
    const bytes = stdout ?? Buffer.alloc(0);
    const said = (stderr?.toString("utf8") ?? "")
      .trim()
      .split("\n", 1)[0]
      ?.replace(/^(fatal|error): /, "");
    return {
      ok: error === undefined && status === 0,
      bytes,
      text: bytes.toString("utf8"),
      message: error === undefined ? said || `git ended with ${status}` : messageOf(error),
    };
  }

  /** What git answers; an error where it does not. */
  #told(args: readonly string[], input?: string, more?: NodeJS.ProcessEnv): Buffer {
    const { ok, bytes, message } = this.#ask(args, input, more);
    if (!ok) {
      throw new WinnowError("git", `git ${args[0]} failed in ${this.top} (${message})`, "Mend the repository first.");
    }
    return bytes;
  }

  /** The commit that somebody named; undefined if there is none. */
  commit(name: string): Commit | undefined {
    // What begins with a dash would be an option.
    const asked = name.startsWith("-")
      ? undefined
      : this.#ask(["rev-parse", "--verify", "--quiet", `${name}^{commit}`]);
    const id = asked?.ok === true ? asked.text.trim() : "";
    const isItsId = /^[0-9a-f]{7,}$/.test(name) && id.startsWith(name);
    return id === "" ? undefined : { id, label: isItsId ? short(id) : `${name} (${short(id)})` };
  }

  /** Where the present branch left the default branch. @throws WinnowError `unknown-commit`. */
  branchPoint(): Commit {
    const name = DEFAULT_BRANCHES.find((each) => this.commit(each) !== undefined);
    if (name === undefined) {
      throw new WinnowError(
        "unknown-commit",
        `no default branch is known in ${this.top}: there is none of ${DEFAULT_BRANCHES.join(", ")}`,
        "Name the commit or the branch: --since REF.",
      );
    }
    const known = this.#ask(["rev-parse", "--abbrev-ref", name]);
    const branch = known.ok ? known.text.trim() || name : name;
    const id = this.#ask(["merge-base", "HEAD", name]).text.trim();
    if (id === "") {
      throw new WinnowError(
        "unknown-commit",
        `HEAD and ${branch} have no commit in common in ${this.top}`,
        "A shallow clone may lack it: `git fetch --unshallow`. Or name a commit: --since REF.",
      );
    }
    return { id, label: `${branch} (merge base ${short(id)})` };
  }

  /** Everything in a commit's tree, by path. */
  tree(commit: string): Map<string, TreeEntry> {
    const entries = new Map<string, TreeEntry>();
    for (const line of listed(this.#told(["ls-tree", "-r", "-z", "--full-tree", commit]))) {
      const cut = line.indexOf("\t");
      const [mode = "", , id = ""] = line.slice(0, cut).split(" ");
      const kind = mode === LINK ? "link" : mode === REPOSITORY ? "repository" : "file";
      entries.set(line.slice(cut + 1), { kind, id });
    }
    return entries;
  }

  /** What is tracked now; a repository within ends with "/". */
  tracked(): string[] {
    return listed(this.#told(["ls-files", "-z", "--stage"])).map((line) => {
      const path = line.slice(line.indexOf("\t") + 1);
      return line.startsWith(REPOSITORY) ? `${path}/` : path;
    });
  }

  /** What is tracked and git was told not to look at: `--assume-unchanged`, `--skip-worktree`, outside of a sparse checkout. */
  unwatched(): string[] {
    return listed(this.#told(["ls-files", "-z", "-v"])).flatMap((line) =>
      /^[a-zS] /.test(line) ? [line.slice(2)] : [],
    );
  }

  /** What is there, neither tracked nor ignored; a repository within ends with "/". */
  untracked(): string[] {
    return listed(this.#told(["ls-files", "-z", "--others", "--exclude-standard"]));
  }

  /** Contents by their ids; what git does not have is missing. */
  contents(ids: readonly string[]): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    if (ids.length === 0) {
      return found;
    }
    const bytes = this.#told(["cat-file", "--batch"], `${ids.join("\n")}\n`);
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(0x0a, at);
      const [id = "", kind, size] = bytes.toString("latin1", at, end).split(" ");
      at = end + 1;
      if (kind === "blob" && size !== undefined) {
        found.set(id, bytes.subarray(at, at + Number(size)));
        at += Number(size) + 1;
      } else if (size !== undefined) {
        at += Number(size) + 1;
      }
    }
    return found;
  }

  /**
   * The ids under which git would store files as they are now: with line ends and filters as its attributes have them.
   * Missing where that cannot be told.
   */
  storedIds(paths: readonly string[]): Map<string, string> {
    const named = paths.filter((path) => !/[\n"]/.test(path));
    if (named.length === 0) {
      return new Map();
    }
    const { ok, text } = this.#ask(["hash-object", "--stdin-paths"], `${named.join("\n")}\n`);
    const ids = text.trim().split("\n");
    return ok && ids.length === named.length
      ? new Map(named.map((path, index) => [path, ids[index] as string]))
      : new Map();
  }

  /** Those of some files that git, by its attributes, writes into the work tree in another way now than from a commit. */
  writtenOtherwise(commit: string, paths: readonly string[]): Set<string> {
    // Attributes of a commit are asked of an index that has it.
    const directory = mkdtempSync(join(tmpdir(), "winnow-"));
    try {
      const index = { GIT_INDEX_FILE: join(directory, "index") };
      this.#told(["read-tree", commit], undefined, index);
      const input = paths.map((path) => `${path}\0`).join("");
      const ask = (how: readonly string[], env?: NodeJS.ProcessEnv): string[] =>
        this.#told(["check-attr", "-z", "--stdin", ...how, ...CONVERTING], input, env)
          .toString("utf8")
          .split("\0");
      const [now, then] = [ask([]), ask(["--cached"], index)];
      // Each answer is a path, an attribute, and its value.
      return new Set(now.flatMap((value, at) => (value === then[at] ? [] : [now[at - (at % 3)] as string])));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** What is tracked and another thing than in a commit; a repository within it counts with all that is changed there. */
  changed(commit: string): string[] {
    const how = ["--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none"];
    return listed(this.#told(["diff", ...how, commit, "--"]));
  }
}

function short(id: string): string {
  return id.slice(0, 7);
}

/** The items of a list that ends each with a zero byte. */
function listed(bytes: Buffer): string[] {
  return bytes
    .toString("utf8")
    .split("\0")
    .filter((item) => item !== "");
}
