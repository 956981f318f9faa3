/**
 * A project in a temporary directory, the real command line in it, and a Python that writes down when it is started.
 *
 * The Python is a virtual environment of the project's own that costs nothing to make: its `python` notes each start
 * and becomes the interpreter of WINNOW_TEST_PYTHON, its packages are links to that one's. So a test can prove that
 * no Python was started, whatever for, and can install a package without touching anybody's environment.
 *
 * Written files get times of a clock of the project's own, an hour ago and one minute apart: no edit falls into the
 * same second as the one before, where Python itself would run outdated byte code. Tests about exactly that say "now".
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const REPOSITORY = join(import.meta.dirname, "../../..");

/** The bundle that is tested; `sh scripts/build.sh` makes it. */
export const WINNOW = process.env["WINNOW_TEST_CLI"] ?? join(REPOSITORY, "dist", "winnow.mjs");

/** The collector that belongs to that bundle. */
export const COLLECTOR = join(dirname(WINNOW), "..", "collector");

if (!existsSync(WINNOW)) {
  throw new Error(`${WINNOW} is missing: run sh scripts/build.sh first`);
}

const TIME_LIMIT_MS = 60_000;

/** An interpreter that projects can be given. */
export interface Base {
  /** The interpreter itself, outside of any virtual environment. */
  readonly executable: string;
  readonly version: readonly [major: number, minor: number];
  /** Where its packages are, pytest among them. */
  readonly site: string;
}

const DESCRIBE = `
import json, os, sys, sysconfig, pytest
print(json.dumps({"executable": os.path.realpath(sys.executable), "version": sys.version_info[:2],
  "site": os.path.dirname(os.path.dirname(pytest.__file__))}))
`;

/** The interpreter at a path, if it is there and has pytest. */
export function baseAt(path: string): Base | undefined {
  const { status, stdout } = spawnSync(path, ["-c", DESCRIBE], {
    cwd: tmpdir(),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? (JSON.parse(stdout) as Base) : undefined;
}

let found: Base | undefined;

/** The interpreter of WINNOW_TEST_PYTHON, of this checkout's environments, or the first on PATH with pytest. */
export function defaultBase(): Base {
  if (found === undefined) {
    const asked = process.env["WINNOW_TEST_PYTHON"];
    const candidates = asked ? [asked] : [venvOf("3.13"), "python3", "python", "/usr/bin/python3"];
    for (const candidate of candidates) {
      found ??= baseAt(candidate);
    }
    if (found === undefined) {
      throw new Error(`no Python with pytest among ${candidates.join(", ")}: set WINNOW_TEST_PYTHON to one`);
    }
  }
  return found;
}

/** The interpreter of one of the environments that `scripts/check.ts` makes. */
export function venvOf(version: string): string {
  return join(REPOSITORY, ".cache", "venvs", version, "bin", "python");
}

/** What Python was started for, as seen by its wrapper. */
export type Start = "probe" | "compile" | "collector" | "pytest" | "other";

export interface Finished {
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Ids that pytest printed an outcome for, in order, and these outcomes. */
  readonly outcomes: ReadonlyMap<string, string>;
  /** Ids of the outcomes, sorted. */
  readonly ran: readonly string[];
  /** What Python was started for since the last command, in order. */
  readonly starts: readonly Start[];
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Programs in front of the command, such as `sh -c '…; exec "$@"'`. */
  readonly before?: readonly string[];
  /** Bytes for standard input. */
  readonly input?: string;
}

/** A small shop with five tests in two files; most tests start from it. */
export const SHOP: Readonly<Record<string, string>> = {
  "pytest.ini": "[pytest]\n",
  "shop/__init__.py": "",
  "shop/cart.py": `RATE = 2


def total(prices):
    return sum(prices)


def discount(price):
    return price - RATE
`,
  "shop/mail.py": `def subject(name):
    return "Hello " + name


def never():
    return 1
`,
  "tests/test_cart.py": `import pytest

from shop import cart


def test_total():
    assert cart.total([1, 2]) == 3


@pytest.mark.parametrize("price, less", [(5, 3), (2, 0)])
def test_discount(price, less):
    assert cart.discount(price) == less


class TestCart:
    def test_empty(self):
        assert cart.total([]) == 0
`,
  "tests/test_mail.py": `from shop import mail


def test_subject():
    assert mail.subject("you") == "Hello you"
`,
};

export const DISCOUNT_5 = "tests/test_cart.py::test_discount[5-3]";
export const DISCOUNT_2 = "tests/test_cart.py::test_discount[2-0]";
export const EMPTY = "tests/test_cart.py::TestCart::test_empty";
export const TOTAL = "tests/test_cart.py::test_total";
export const SUBJECT = "tests/test_mail.py::test_subject";
/** All tests of the shop, sorted. */
export const ALL = [DISCOUNT_2, DISCOUNT_5, EMPTY, TOTAL, SUBJECT].sort();
/** The tests that `shop/cart.py::discount` concerns. */
export const DISCOUNTS = [DISCOUNT_2, DISCOUNT_5];

const OUTCOME = /^(\S.*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS|RERUN)(?: .*)?$/;

/** A project, its environment and its processes. Remove it with `await using`, or by hand. */
export class Project implements AsyncDisposable {
  /** Holds everything. */
  readonly top: string;
  readonly root: string;
  /** The environment's wrapper around the real interpreter. */
  readonly python: string;
  readonly #log: string;
  readonly #children = new Set<ChildProcess>();
  #clock = Date.now() - 3_600_000;

  constructor(files: Readonly<Record<string, string | Uint8Array>> = SHOP, base: Base = defaultBase()) {
    this.top = realpathSync(mkdtempSync(join(tmpdir(), "winnow-e2e-")));
    this.root = join(this.top, "project");
    mkdirSync(this.root);
    mkdirSync(join(this.top, "home"));
    this.#log = join(this.top, "starts");
    writeFileSync(this.#log, "");
    this.python = this.makeEnvironment("venv", base);
    this.write(files);
  }

  /** Makes a virtual environment beside the project; returns its Python. */
  makeEnvironment(name: string, base: Base): string {
    const directory = join(this.top, name);
    const version = base.version.join(".");
    const site = join(directory, "lib", `python${version}`, "site-packages");
    mkdirSync(site, { recursive: true });
    for (const entry of readdirSync(base.site)) {
      if (entry !== "__pycache__") {
        symlinkSync(join(base.site, entry), join(site, entry));
      }
    }
    const home = dirname(base.executable);
    writeFileSync(
      join(directory, "pyvenv.cfg"),
      `home = ${home}\ninclude-system-site-packages = false\nversion = ${version}\n`,
    );
    mkdirSync(join(directory, "bin"));
    return this.makeWrapper(join(directory, "bin", "python"), base.executable);
  }

  /** Writes a program that notes that it was started, and for what, and becomes another under its own name. */
  makeWrapper(path: string, executable: string): string {
    writeFileSync(
      path,
      `#!/usr/bin/env bash
case "$1 $2" in
  *winnow_pytest.py*) kind=collector ;;
  "-m pytest") kind=pytest ;;
  "-I -S") kind=compile ;;
  -c*) kind=probe ;;
  *) kind=other ;;
esac
echo "$kind $$" >> "${this.#log}"
exec -a "$0" "${executable}" "$@"
`,
    );
    chmodSync(path, 0o755);
    return path;
  }

  /** The packages of the environment, to put some more in. */
  get site(): string {
    const lib = join(this.top, "venv", "lib");
    return join(lib, readdirSync(lib)[0] as string, "site-packages");
  }

  /** Writes files, each edit a minute after the one before. */
  write(files: Readonly<Record<string, string | Uint8Array>>): void {
    this.#clock += 60_000;
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.root, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      this.date(path);
    }
  }

  /** Gives a file the time of the project's clock. */
  date(path: string): void {
    utimesSync(join(this.root, path), this.#clock / 1000, this.#clock / 1000);
  }

  /** Replaces a text in a file by another; it must be there. */
  edit(path: string, before: string, after: string): void {
    const text = this.read(path);
    if (!text.includes(before)) {
      throw new Error(`${path} has no ${JSON.stringify(before)}`);
    }
    this.write({ [path]: text.replace(before, after) });
  }

  /** Makes `discount` of the shop another function, or the same again: one body, two tests. */
  editDiscount(text = "price - 1 - (RATE - 1)"): void {
    this.write({ "shop/cart.py": (SHOP["shop/cart.py"] as string).replace("price - RATE", text) });
  }

  append(path: string, text: string): void {
    this.write({ [path]: this.read(path) + text });
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true, force: true });
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  /** `winnow run -- ARGS` with the project's Python; pytest is verbose, so that the outcomes can be read. */
  run(...args: readonly string[]): Promise<Finished> {
    return this.winnow(["run", ...(args.length === 0 ? [] : ["--", ...args])]);
  }

  /** Any command of Winnow's. */
  winnow(args: readonly string[], options: CommandOptions = {}): Promise<Finished> {
    return this.execute(process.execPath, this.#winnowArgs(args), options);
  }

  /** The same, not waited for: in a process group of its own, so that signals reach it and all below it. */
  startWinnow(args: readonly string[], options: CommandOptions = {}): Running {
    return this.#start(process.execPath, this.#winnowArgs(args), options, true);
  }

  #winnowArgs(args: readonly string[]): string[] {
    return ["--disable-warning=ExperimentalWarning", WINNOW, ...args];
  }

  /** Plain pytest with the same Python, variables and place, without Winnow. */
  pytest(args: readonly string[] = [], options: CommandOptions = {}): Promise<Finished> {
    return this.execute(this.python, ["-m", "pytest", ...args], options);
  }

  async git(...args: readonly string[]): Promise<void> {
    const identity = ["-c", "user.name=A", "-c", "user.email=a@b.invalid", "-c", "init.defaultBranch=main"];
    const { code, stderr } = await this.execute("git", [...identity, "-c", "core.hooksPath=/dev/null", ...args]);
    if (code !== 0) {
      throw new Error(`git ${args.join(" ")}: ${stderr}`);
    }
  }

  /** Runs a program to its end. */
  execute(program: string, args: readonly string[], options: CommandOptions = {}): Promise<Finished> {
    return this.#start(program, args, options, false).finished;
  }

  #start(program: string, args: readonly string[], options: CommandOptions, detached: boolean): Running {
    const [first = program, ...rest] = [...(options.before ?? []), program, ...args];
    const started = this.#logged().length;
    const child = spawn(first, rest, {
      cwd: options.cwd ?? this.root,
      env: this.environment(options.env),
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      detached,
    });
    this.#children.add(child);
    child.stdin?.end(options.input);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    const timer = setTimeout(() => child.kill("SIGKILL"), TIME_LIMIT_MS);
    const finished = new Promise<Finished>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        clearTimeout(timer);
        this.#children.delete(child);
        const text = Buffer.concat(stdout).toString("utf8");
        const outcomes = readOutcomes(text);
        resolve({
          code: code ?? -1,
          signal,
          stdout: text,
          stderr: Buffer.concat(stderr).toString("utf8"),
          outcomes,
          ran: [...outcomes.keys()].sort(),
          starts: this.#logged()
            .slice(started)
            .map((line) => line.split(" ")[0] as Start),
        });
      });
    });
    return { child, finished, output: () => Buffer.concat(stdout).toString("utf8") };
  }

  #logged(): string[] {
    return readFileSync(this.#log, "utf8").split("\n").filter(Boolean);
  }

  /** Process ids of the Pythons that were started for something. */
  pids(kind: Start): number[] {
    return this.#logged().flatMap((line) => (line.startsWith(`${kind} `) ? [Number(line.split(" ")[1])] : []));
  }

  /** The variables that all processes of the project see. */
  environment(more: Readonly<Record<string, string | undefined>> = {}): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(
      ([name]) =>
        !/^(PY|WINNOW_|NODE_|COVERAGE_|TOX_|VIRTUAL_ENV|CONDA|UV_|FORCE_COLOR|GIT_|CI$|BUILD_NUMBER$)/.test(name),
    );
    return {
      ...Object.fromEntries(kept),
      HOME: join(this.top, "home"),
      VIRTUAL_ENV: join(this.top, "venv"),
      PATH: `${join(this.top, "venv", "bin")}${delimiter}${process.env["PATH"] ?? ""}`,
      NO_COLOR: "1",
      // Plugins that happen to be installed cost time, and are not what these tests are about.
      PYTEST_DISABLE_PLUGIN_AUTOLOAD: "1",
      PYTEST_ADDOPTS: "-v",
      ...more,
    };
  }

  /** Every file below `.winnow`, with its size, for comparisons. */
  inventory(directory = ".winnow"): string[] {
    const absolute = this.path(directory);
    return existsSync(absolute)
      ? readdirSync(absolute, { recursive: true, encoding: "utf8" })
          .filter((path) => !statSync(join(absolute, path)).isDirectory())
          .sort()
      : [];
  }

  /** A line to a file beside the project, for tests that leave traces. */
  note(name: string, text = ""): string {
    const file = join(this.top, name);
    if (text !== "") {
      appendFileSync(file, text);
    }
    return file;
  }

  /** Runs when the project is removed, before its files are. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      child.kill("SIGKILL");
    }
    rmSync(this.top, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** A command under way. */
export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** What it has printed so far. */
  readonly output: () => string;
}

/** Outcomes of pytest's verbose output. The last one counts: errors in teardown come after the outcome. */
function readOutcomes(text: string): Map<string, string> {
  const outcomes = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, id, outcome] = OUTCOME.exec(line) ?? [];
    if (id?.includes("::") && outcome !== undefined) {
      outcomes.set(id, outcome);
    }
  }
  return outcomes;
}

/** Waits until something is so; fails after a while. */
export async function until(what: string, holds: () => boolean, limitMs = 20_000): Promise<void> {
  for (const end = Date.now() + limitMs; !holds(); ) {
    if (Date.now() > end) {
      throw new Error(`waited in vain for: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
