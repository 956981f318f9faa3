/**
 * Environment variables as values that can be compared and not be read: digests with a salt that is the store's own.
 *
 * pytest is started with the variables of the engine, so what a test asks for is what `process.env` says here. Beside a
 * variable's name there are two keys over many of them, for code that goes through all: see {@link ALL}.
 */

import { textDigest } from "../files/hash.ts";
import { ABSENT, PATHS, SELECTION } from "../model/key.ts";

/** All variables but those that differ from one terminal to the next, and those that Winnow and pytest set themselves. */
export const ALL = "*";
/** What `urllib` and its like look for. */
const PROXIES = "*_proxy";

const MEANINGLESS = new RegExp(
  `^(?:${[
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "COLUMNS",
    "LINES",
    "TERM",
    "TERM_.*",
    "COLORTERM",
    "WINDOWID",
    "WINDOW",
    "STY",
    "TMUX",
    "TMUX_PANE",
    "ITERM_.*",
    "VSCODE_.*",
    "SSH_(?:AUTH_SOCK|AGENT_PID|CLIENT|CONNECTION|TTY)",
    "GPG_TTY",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_SESSION_.*",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "SYSTEMD_EXEC_PID",
    "npm_.*",
    "PYTEST_(?:CURRENT_TEST|VERSION|XDIST_.*)",
    "WINNOW_.*",
    SELECTION,
    PATHS,
  ].join("|")})$`,
);

/** What pytest sets whoever started it: the engine finds them only where it was started by pytest. */
const SET_BY_PYTEST = { PYTEST_VERSION: undefined, PYTEST_CURRENT_TEST: undefined };

/** The name of the key over all variables but these: see {@link ALL}. */
export function allBut(removed: readonly string[]): string {
  return removed.length === 0 ? ALL : `${ALL} but ${[...removed].sort().join(" ")}`;
}

/** Whether it is the name of a key over all variables, or all but some. */
export function isAll(name: string): boolean {
  return name === ALL || name.startsWith(`${ALL} but `);
}

/** The value of such a key, from the digests of single variables. */
export function digestOfAll(digests: Readonly<Record<string, string>>, name: string): string {
  const removed = new Set(name.split(" ").slice(2));
  const names = Object.keys(digests).filter((each) => !each.startsWith(ALL) && !MEANINGLESS.test(each));
  return textDigest(
    JSON.stringify(
      names
        .filter((each) => !removed.has(each))
        .sort()
        .map((each) => [each, digests[each]]),
    ),
  );
}

interface Typed {
  readonly selection: string;
  readonly paths: string;
}

/** Variables of one process, by their digests. */
export class Variables {
  readonly #env: NodeJS.ProcessEnv;
  readonly #salt: string;

  /** `typed`: what chooses among tests on pytest's command line. */
  constructor(env: NodeJS.ProcessEnv, salt: string, typed: Typed = { selection: "", paths: "" }) {
    this.#env = { [SELECTION]: typed.selection, [PATHS]: typed.paths, ...env, ...SET_BY_PYTEST };
    this.#salt = salt;
  }

  /** The value of `env name`. */
  digest(name: string): string {
    if (isAll(name)) {
      const names = this.#names((each) => !MEANINGLESS.test(each));
      return digestOfAll(Object.fromEntries(names.map((each) => [each, this.digest(each)])), name);
    }
    if (name === PROXIES) {
      return this.#digestOf(this.#names((each) => each.toLowerCase().endsWith("_proxy")));
    }
    return this.#env[name] === undefined ? ABSENT : this.#digestOf([name]);
  }

  /** The digests of everything that can be asked for, to be compared later. */
  digests(): Record<string, string> {
    return Object.fromEntries([ALL, PROXIES, ...this.#names(() => true)].map((name) => [name, this.digest(name)]));
  }

  #names(accept: (name: string) => boolean): string[] {
    return Object.keys(this.#env)
      .filter((name) => this.#env[name] !== undefined && accept(name))
      .sort();
  }

  #digestOf(names: readonly string[]): string {
    return textDigest(JSON.stringify([this.#salt, ...names.map((name) => [name, this.#env[name]])]));
  }
}
