/** The values of declared inputs: files that match a glob, environment variables, and what commands print. */

import { statSync } from "node:fs";
import { matchingFiles } from "../files/glob.ts";
import { textDigest } from "../files/hash.ts";
import { messageOf } from "../model/error.ts";
import { ABSENT } from "../model/key.ts";
import { type DeclaredKey, declaredId } from "../model/remarks.ts";
import type { PresentTree } from "./present.ts";
import type { Request } from "./request.ts";
import type { Variables } from "./variables.ts";

/** A command that takes longer has no value. */
const TIME_LIMIT_MS = 60_000;

/** What is asked of the world; each value is found once. */
export class DeclaredValues {
  readonly #root: string;
  readonly #tree: PresentTree;
  readonly #env: NodeJS.ProcessEnv;
  readonly #digests: Variables;
  readonly #allowCommands: boolean;
  readonly #values = new Map<string, string | undefined>();
  /** Variables that were asked for, with their values as keys hold them. */
  readonly variables = new Map<string, string>();
  /** Commands that were asked for and may not be run. */
  readonly refused = new Set<string>();
  /** Whether a command was run: what it printed may be another thing the next time. */
  ranCommands = false;

  /** `digests`: the variables of `request`, as the store knows them. */
  constructor(
    tree: PresentTree,
    { root, env }: Pick<Request, "root" | "env">,
    digests: Variables,
    allowCommands: boolean,
  ) {
    this.#tree = tree;
    this.#root = root;
    this.#env = env;
    this.#digests = digests;
    this.#allowCommands = allowCommands;
  }

  /** The value now; undefined for a command that may not be run. */
  value(key: DeclaredKey): string | undefined {
    const id = declaredId(key);
    if (!this.#values.has(id)) {
      this.#values.set(id, this.#find(key));
    }
    return this.#values.get(id);
  }

  #find({ kind, name }: DeclaredKey): string | undefined {
    switch (kind) {
      case "files":
        return this.#filesValue(name);
      case "env": {
        const value = this.#digests.digest(name);
        this.variables.set(name, value);
        return value;
      }
      case "command":
        if (!this.#allowCommands) {
          this.refused.add(name);
          return undefined;
        }
        return this.#commandValue(name);
    }
  }

  #filesValue(glob: string): string {
    const { files, directories } = matchingFiles(this.#root, glob);
    for (const directory of directories) {
      // Through the watch table, so that what appears or vanishes in it is noticed.
      this.#tree.names(directory);
    }
    const parts = files
      .map((path) => `${path} ${this.#tree.digest(path)}`)
      .filter((part) => !part.endsWith(` ${ABSENT}`));
    return parts.length === 0 ? ABSENT : textDigest(parts.join("\n"));
  }

  #commandValue(command: string): string {
    this.ranCommands = true;
    const { spawnSync } = process.getBuiltinModule("node:child_process");
    const { error, status, signal, stdout } = spawnSync(command, {
      cwd: this.#root,
      env: this.#env,
      shell: true,
      encoding: "utf8",
      maxBuffer: 1 << 28,
      timeout: TIME_LIMIT_MS,
      stdio: ["ignore", "pipe", "ignore"],
      windowsHide: true,
    });
    // What did not come to its end is like nothing else, itself included.
    return error === undefined ? textDigest(`${status ?? signal}\n${stdout}`) : `!${messageOf(error)} ${Date.now()}`;
  }

  /** Whether what a glob means is older than a time: then its value now is that of then. */
  isOlder(glob: string, sinceMs: number): boolean {
    const { files, directories } = matchingFiles(this.#root, glob);
    return [...files, ...directories].every((path) => {
      const stat = statSync(`${this.#root}/${path}`, { throwIfNoEntry: false });
      return stat === undefined || (stat.mtimeMs < sinceMs && stat.ctimeMs < sinceMs);
    });
  }
}

/** What to say of declared commands that were needed and may not be run. */
export function commandsNotAllowed(commands: number): { code: string; message: string; help: string } {
  const which = commands === 1 ? "a command" : `${commands} commands`;
  return {
    code: "commands-not-allowed",
    message: `tests that depend on ${which} run, because the project's commands may not be started`,
    help: "Where you trust the project, allow them: --allow-commands, or WINNOW_ALLOW_COMMANDS=1.",
  };
}
