/**
 * The disk and the processes of a scenario: its project in a temporary directory, pytest in it, and what really ran.
 *
 * Times are a clock of the scenario's own, an hour ago, one minute per step: so no edit falls into the same second as
 * the one before, where Python itself would run outdated byte code. Scenarios about exactly that say "now".
 */

import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { encode, type Order, type Scenario, SITE, type Step } from "./scenario.ts";

const HERE = import.meta.dirname;
const SCENARIOS = join(HERE, "../../../scenarios");
const TIME_LIMIT_MS = 120_000;

/** Every scenario's name and text; WINNOW_SCENARIOS keeps those whose name contains it. */
export function readScenarioFiles(): { name: string; path: string; text: string }[] {
  const filter = process.env["WINNOW_SCENARIOS"] ?? "";
  return readdirSync(SCENARIOS, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".md") && path.includes("/") && path.includes(filter))
    .sort()
    .map((path) => ({
      name: path.slice(0, -".md".length),
      path: join(SCENARIOS, path),
      text: readFileSync(join(SCENARIOS, path), "utf8"),
    }));
}

export interface Python {
  readonly path: string;
  /** "3.13" */
  readonly version: string;
  readonly base: string;
  readonly site: string;
  readonly distributions: ReadonlySet<string>;
  /** Names of pytest's plugins that installed distributions bring, by distribution. */
  readonly plugins: Readonly<Record<string, readonly string[]>>;
}

const DESCRIBE = `
import importlib.metadata, json, os, sys, sysconfig, pytest
distributions = {d.metadata["Name"].lower(): d for d in importlib.metadata.distributions()}
print(json.dumps({"path": sys.executable, "version": "%d.%d" % sys.version_info[:2], "site": sysconfig.get_path("purelib"),
  "base": os.path.realpath(sys.executable), "distributions": list(distributions),
  "plugins": {n: [e.name for e in d.entry_points if e.group == "pytest11"] for n, d in distributions.items()}}))
`;

/** The interpreter of WINNOW_TEST_PYTHON, or the first one on the way that has pytest. */
export async function findPython(): Promise<Python> {
  const asked = process.env["WINNOW_TEST_PYTHON"];
  const candidates = asked ? [asked] : [join(HERE, "../../../.venv/bin/python"), "python3", "python"];
  const tried: string[] = [];
  for (const candidate of candidates) {
    const { code, stdout, stderr } = await start(candidate, ["-c", DESCRIBE], { cwd: tmpdir(), env: process.env });
    if (code === 0) {
      const found = JSON.parse(stdout);
      return { ...found, distributions: new Set(found.distributions) };
    }
    tried.push(`${candidate}: ${stderr.trim().split("\n").at(-1) || "not found"}`);
  }
  throw new Error(`no Python with pytest (${tried.join("; ")}): set WINNOW_TEST_PYTHON to one`);
}

/** Distributions that a scenario needs in this order of tests, in lower case. */
function needs(scenario: Scenario, order: Order): string[] {
  return [...scenario.needs, ...(order === "parallel" ? ["pytest-xdist"] : [])].map((each) => each.toLowerCase());
}

/** Why a scenario cannot run here, or null. */
export function missing(scenario: Scenario, order: Order, python: Python): string | null {
  const absent = needs(scenario, order).filter((each) => !python.distributions.has(each));
  if (absent.length > 0) {
    return `needs ${absent.join(", ")}`;
  }
  const [major = 3, minor = 0] = scenario.python.split(".").map(Number);
  const [, present = 0] = python.version.split(".").map(Number);
  return scenario.python !== "" && major === 3 && present < minor ? `needs Python ${scenario.python}` : null;
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; a program that cannot start, or takes too long, ends with code -1. */
export function start(
  program: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { ...options, encoding: "utf8", timeout: TIME_LIMIT_MS, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, stderr: code === -1 ? `${stderr}\n${error?.message}` : stderr });
      },
    );
  });
}

/** What one run of pytest did, by the recorder's word. */
export interface Ran {
  /** Whether pytest was started at all. */
  readonly started: boolean;
  /** Tests that ran, and files that failed or were skipped in collection, with their outcomes. */
  readonly outcomes: ReadonlyMap<string, string>;
  /** Ids after every deselection. */
  readonly collected: readonly string[];
  /** pytest's exit code, or null if it had no orderly end. */
  readonly exit: number | null;
}

/** A project on disk that follows a scenario step by step. */
export class Workspace {
  readonly root: string;
  readonly python: string;
  readonly #top: string;
  readonly #log: string;
  readonly #site: string;
  readonly #order: Order;
  readonly #added: readonly string[];
  #clock: number;

  constructor(scenario: Scenario, python: Python, order: Order) {
    this.#top = mkdtempSync(join(tmpdir(), "winnow-scenario-"));
    this.root = join(this.#top, "project");
    this.#log = join(this.#top, "log.jsonl");
    this.#order = order;
    // Plugins that happen to be installed must not matter: some shuffle, some warn, and all cost time.
    const needed = needs(scenario, order);
    const surplus = Object.keys(python.plugins).filter((name) => !needed.includes(name));
    const blocked = surplus.flatMap((name) => python.plugins[name] ?? []).flatMap((plugin) => ["-p", `no:${plugin}`]);
    this.#added = [...(order === "parallel" ? ["-n", "2"] : []), ...blocked];
    this.#clock = Math.floor(Date.now() / 1000) - 3600;
    mkdirSync(this.root);
    mkdirSync(join(this.#top, "home"));
    this.python = python.path;
    this.#site = join(this.#top, "no-site");
    if (scenario.steps.some((step) => [...step.state.keys()].some((path) => path.startsWith(SITE)))) {
      this.#site = join(this.#top, "env", "lib", `python${python.version}`, "site-packages");
      this.python = this.#makeEnvironment(python);
    }
  }

  /** An environment of the scenario's own, which borrows what the given one has installed. */
  #makeEnvironment(python: Python): string {
    const bin = join(this.#top, "env", "bin");
    mkdirSync(bin, { recursive: true });
    mkdirSync(this.#site, { recursive: true });
    symlinkSync(python.base, join(bin, "python"));
    writeFileSync(join(this.#top, "env", "pyvenv.cfg"), `home = ${dirname(python.base)}\n`);
    writeFileSync(join(this.#site, "borrowed.pth"), `${python.site}\n`);
    return join(bin, "python");
  }

  #at(path: string): string {
    return path.startsWith(SITE) ? join(this.#site, path.slice(SITE.length)) : join(this.root, path);
  }

  /** Brings the project to the state of a step. */
  apply(step: Step): void {
    this.#clock += 60;
    for (const each of step.operations) {
      const path = this.#at(each.path);
      switch (each.op) {
        case "write": {
          mkdirSync(dirname(path), { recursive: true });
          writeFileSync(path, encode(each.file));
          if (!each.now) {
            utimesSync(path, this.#clock, this.#clock);
          }
          break;
        }
        case "delete":
          unlinkSync(path);
          this.#prune(dirname(path));
          break;
        case "rename":
          mkdirSync(dirname(this.#at(each.to)), { recursive: true });
          renameSync(path, this.#at(each.to));
          this.#prune(dirname(path));
          break;
        case "touch":
          utimesSync(path, new Date(), new Date());
          break;
      }
    }
  }

  /** Directories that became empty vanish, as they do in git. */
  #prune(directory: string): void {
    for (let each = directory; each !== this.root && each.startsWith(this.root); each = dirname(each)) {
      if (readdirSync(each).some((name) => name !== "__pycache__")) {
        return;
      }
      rmSync(join(each, "__pycache__"), { recursive: true, force: true });
      rmdirSync(each);
    }
  }

  /** pytest's arguments for a step, the recorder and the order included. */
  args(step: Step): string[] {
    return ["-p", "recorder", ...this.#added, ...step.command.args];
  }

  /** The environment for a step: nothing of the user's that could change what pytest does. */
  environment(step: Step): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(
      ([name]) => !/^(PY|WINNOW_|NODE_|COVERAGE_|TOX_|VIRTUAL_ENV)/.test(name),
    );
    const asked = step.command.environment;
    return {
      ...Object.fromEntries(kept),
      NO_COLOR: "1",
      HOME: join(this.#top, "home"),
      WINNOW_SCENARIO_LOG: this.#log,
      WINNOW_SCENARIO_ORDER: this.#order,
      ...asked,
      PYTHONPATH: [HERE, ...(asked["PYTHONPATH"] ? [asked["PYTHONPATH"]] : [])].join(delimiter),
    };
  }

  /** Runs a program in the project and tells what pytest did meanwhile. */
  async run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Finished & { ran: Ran }> {
    rmSync(this.#log, { force: true });
    const finished = await start(program, args, { cwd: this.root, env });
    return { ...finished, ran: readLog(existsSync(this.#log) ? readFileSync(this.#log, "utf8") : "") };
  }

  /** The ids, and the files that do not collect, of pytest with a step's arguments and without Winnow. */
  async collect(step: Step): Promise<ReadonlySet<string>> {
    const env = { ...this.environment(step), PYTHONDONTWRITEBYTECODE: "1" };
    const args = ["-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", "--continue-on-collection-errors"];
    const { ran } = await this.run(this.python, [...args, ...this.args(step)], env);
    return new Set([...ran.collected, ...ran.outcomes.keys()]);
  }

  remove(): void {
    rmSync(this.#top, { recursive: true, force: true });
  }
}

// The worst outcome of a test's phases and attempts is the test's.
const WEIGHT = ["passed", "xpassed", "xfailed", "skipped", "failed", "error"];

function readLog(text: string): Ran {
  const outcomes = new Map<string, string>();
  let collected: string[] = [];
  let started = false;
  let exit: number | null = null;
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const entry = JSON.parse(line);
    if (entry.event === "start") {
      started = true;
    } else if (entry.event === "collected") {
      collected = entry.ids;
    } else if (entry.event === "collect") {
      outcomes.set(entry.id, entry.outcome === "failed" ? "collection error" : entry.outcome);
    } else if (entry.event === "report" && entry.outcome !== "rerun") {
      const before = outcomes.get(entry.id) ?? "passed";
      outcomes.set(entry.id, WEIGHT.indexOf(entry.outcome) > WEIGHT.indexOf(before) ? entry.outcome : before);
    } else if (entry.event === "finish") {
      exit = entry.exit;
    }
  }
  return { started, outcomes, collected, exit };
}

/** The ids that an expected entry stands for: itself, all of its file, or all. */
export function expand(id: string, all: ReadonlySet<string>): string[] {
  if (id === "*") {
    return [...all];
  }
  if (id.includes("::")) {
    return [id];
  }
  const below = [...all].filter((each) => each === id || each.startsWith(`${id}::`));
  return below.length > 0 ? below : [id];
}
