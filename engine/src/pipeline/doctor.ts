/**
 * `winnow doctor`: whether what Winnow needs is there and works, each thing with what to do next.
 *
 * Every check stands alone, so that one thing that is broken does not hide another. Nothing is recorded and no store is
 * written, made or set aside.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Distribution } from "../changes/packages.ts";
import { type Config, DEFAULTS } from "../config/config.ts";
import { type FileSystemFault, tryFileSystem } from "../files/trial.ts";
import { WinnowError } from "../model/error.ts";
import { readSite } from "../runners/pytest/distributions.ts";
import {
  findInterpreter,
  type Interpreter,
  type InterpreterInfo,
  isInterpreterProblem,
  probe,
  pytestProblem,
} from "../runners/pytest/interpreter.ts";
import { storeHealth, waitingRuns } from "../store/health.ts";
import { layoutOf } from "../store/layout.ts";
import { STORE_FORMAT } from "../store/notes.ts";
import { collectorDirectory } from "./execute.ts";
import { findRoot, makeRequest } from "./request.ts";
import { settled } from "./settled.ts";

export type FindingState = "ok" | "warning" | "problem";

/** What is looked at, in this order. */
export const CHECKS = [
  "python",
  "pytest",
  "plugins",
  "tracer",
  "store",
  "file system",
  "git",
  "settings",
  "pytest's settings",
] as const;

export interface Finding {
  readonly check: (typeof CHECKS)[number];
  readonly state: FindingState;
  readonly message: string;
  /** What to do next; null where nothing is. */
  readonly help: string | null;
}

export interface Examination {
  readonly root: string;
  readonly findings: readonly Finding[];
}

/** The oldest major version of pytest that is tested. */
const OLDEST_PYTEST = 7;

/** Plugins that choose among the tests themselves: two selections on top of each other leave out what neither would. */
const OTHER_SELECTORS: Readonly<Record<string, string>> = {
  "pytest-testmon": "Leave `--testmon` out of the arguments and `addopts`, or uninstall it.",
  "pytest-ezmon": "Leave `--ezmon` out of the arguments and `addopts`, or uninstall it.",
  "pytest-difftest": "Leave `--diff` out of the arguments and `addopts`, or uninstall it.",
  "pytest-picked": "Leave `--picked` out of the arguments and `addopts`.",
};

/** Plugins that change what Winnow does, and how. */
const NOTES: Readonly<Record<string, string>> = {
  "pytest-cov": "a coverage threshold is not applied where only a part of the tests runs",
  "pytest-rerunfailures": "a pass after a rerun proves nothing",
  "pytest-xdist": "what its workers run is recorded",
};

/** Examines the project that a directory belongs to. */
export async function examine(cwd: string, env: NodeJS.ProcessEnv, python: string | undefined): Promise<Examination> {
  const root = findRoot(cwd);
  const findings: Finding[] = [];
  const found = findInterpreter({
    root,
    cwd,
    env,
    override: python ?? env["WINNOW_PYTHON"] ?? null,
    program: process.argv[1],
  });
  const info = isInterpreterProblem(found) ? found : probe(found, { cwd, env });
  findings.push(pythonFinding(found, info));
  if (!isInterpreterProblem(found) && !isInterpreterProblem(info)) {
    findings.push(pytestFinding(found, info), ...pluginFindings(info), tracerFinding(info, root, cwd, env));
  }
  findings.push(...storeFindings(root), fileSystemFinding(root), gitFinding(root));
  const settings = await settingsFindings(cwd, env);
  findings.push(...settings.findings, pytestSettingsFinding(cwd, env, settings.config));
  return { root, findings };
}

function finding(check: Finding["check"], state: FindingState, message: string, help: string | null = null): Finding {
  return { check, state, message, help };
}

function pythonFinding(found: ReturnType<typeof findInterpreter>, info: ReturnType<typeof probe>): Finding {
  if (isInterpreterProblem(found) || isInterpreterProblem(info)) {
    const { message, help } = info as Extract<typeof info, { help: string }>;
    return finding("python", "problem", message, help);
  }
  return finding("python", "ok", `${info.executable} (${info.version}), ${found.origin}`);
}

function pytestFinding(interpreter: Interpreter, info: InterpreterInfo): Finding {
  const missing = pytestProblem(interpreter, info);
  if (missing !== null) {
    return finding("pytest", "problem", missing.message, missing.help);
  }
  return Number.parseInt(info.pytest ?? "", 10) < OLDEST_PYTEST
    ? finding(
        "pytest",
        "warning",
        `pytest ${info.pytest} is older than ${OLDEST_PYTEST}, the oldest that Winnow is tested with`,
        "Upgrade pytest.",
      )
    : finding("pytest", "ok", `pytest ${info.pytest}`);
}

function pluginFindings(info: InterpreterInfo): Finding[] {
  const plugins = installed(info).filter(({ isPlugin }) => isPlugin);
  const selectors = plugins.filter(({ name }) => Object.hasOwn(OTHER_SELECTORS, name));
  const others = plugins.filter((plugin) => !selectors.includes(plugin));
  const warnings = selectors.map(({ name, version }) =>
    finding("plugins", "warning", `${name} ${version} selects tests as well`, OTHER_SELECTORS[name] as string),
  );
  const named = others
    .map(({ name, version }) => {
      const note = Object.hasOwn(NOTES, name) ? ` (${NOTES[name]})` : "";
      return `${name} ${version}${note}`;
    })
    .sort();
  return [...warnings, finding("plugins", "ok", named.length === 0 ? "no others" : named.join(", "))];
}

function installed(info: InterpreterInfo): Distribution[] {
  return info.siteDirectories.flatMap((path) => {
    const site = readSite({
      names: () => {
        try {
          return readdirSync(path).sort();
        } catch {
          return [];
        }
      },
      read: (name) => {
        try {
          return readFileSync(join(path, name));
        } catch {
          return null;
        }
      },
    });
    return [...site.distributions];
  });
}

const MARK = "@winnow-trial@";

/** Has the interpreter try out what a recording rests on, as each run does at its start. */
function tracerFinding(info: InterpreterInfo, root: string, cwd: string, env: NodeJS.ProcessEnv): Finding {
  const program = join(collectorDirectory(), "winnow_trial.py");
  if (statSync(program, { throwIfNoEntry: false }) === undefined) {
    return finding("tracer", "problem", `the collector is not at ${program}`, "Install winnow again.");
  }
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { stdout, stderr } = spawnSync(info.executable, [program, root, env["WINNOW_MECHANISM"] ?? "auto"], {
    cwd,
    env,
    encoding: "utf8",
    timeout: 30_000,
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  const line = stdout?.split(/\r?\n/).findLast((text) => text.startsWith(MARK));
  const said =
    line === undefined
      ? { mechanism: null, reason: stderr?.trim().split("\n").at(-1) || "it did not answer" }
      : (JSON.parse(line.slice(MARK.length)) as { mechanism: string | null; reason: string });
  return said.mechanism === null
    ? finding(
        "tracer",
        "problem",
        `tests cannot be recorded: ${said.reason}`,
        "Every test runs all the same. End what else observes the process (a debugger, a profiler), or report it.",
      )
    : finding("tracer", "ok", `${said.mechanism} (${said.reason}); two tests that share a function were told apart`);
}

function storeFindings(root: string): Finding[] {
  const layout = layoutOf(root);
  const runs = waitingRuns(layout);
  const waiting =
    runs === 0
      ? []
      : [finding("store", "ok", `runs under way, or to be taken up by the next one because they were killed: ${runs}`)];
  return [storeFinding(layout.database), ...waiting];
}

function storeFinding(file: string): Finding {
  const health = storeHealth(file);
  switch (health.kind) {
    case "none":
      return finding("store", "ok", "nothing is recorded yet", "`winnow run` records.");
    case "fine": {
      const size = `${(health.bytes / 1e6).toFixed(1)} MB`;
      return finding(
        "store",
        "ok",
        `${file} (format ${STORE_FORMAT}, ${size}, facts of ${health.tests} tests), intact`,
      );
    }
    case "newer":
      return finding(
        "store",
        "problem",
        `${file} was written by a newer version (format ${health.format}, this one knows ${STORE_FORMAT})`,
        "Upgrade winnow. Until then every test runs, and the file is kept as it is.",
      );
    case "older":
      return finding(
        "store",
        "warning",
        `${file} was written by an older version (format ${health.format}, this one writes ${STORE_FORMAT})`,
        "The next `winnow run` runs everything and records anew.",
      );
    case "damaged":
      return finding(
        "store",
        "problem",
        `${file} is damaged (${health.because})`,
        "The next `winnow run` sets it aside, runs everything and records anew.",
      );
    case "closed":
      return finding(
        "store",
        "problem",
        `${file} cannot be opened (${health.because})`,
        "Make the file and its directory readable and writable.",
      );
  }
}

const FAULTS: Readonly<Record<FileSystemFault["kind"], readonly [what: string, help: string]>> = {
  "read-only": [
    "nothing can be recorded, because no file can be made in",
    "Every test runs all the same. Make the directory writable, or free some space on the disk.",
  ],
  rename: ["files cannot be replaced in one step in", "Move the project to a local disk."],
  lock: ["locks do not work in", "Move the project to a local disk: network file systems often have none."],
};

function fileSystemFinding(root: string): Finding {
  const { directory } = layoutOf(root);
  const stat = statSync(directory, { throwIfNoEntry: false });
  if (stat?.isDirectory() === false) {
    return finding(
      "file system",
      "problem",
      `${directory} is not a directory`,
      "Move it away: Winnow keeps what it knows of this project in a directory of that name.",
    );
  }
  const place = stat === undefined ? root : directory;
  const fault = tryFileSystem(place);
  if (fault === undefined) {
    return finding("file system", "ok", `${place} can be written, and locks work`);
  }
  const [what, help] = FAULTS[fault.kind];
  return finding("file system", "problem", `${what} ${place} (${fault.because})`, help);
}

function gitFinding(root: string): Finding {
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const options = { cwd: root, encoding: "utf8", windowsHide: true } as const;
  const without = "of tests whose inputs cannot be known, every file of the project counts, output too";
  const asked = spawnSync("git", ["rev-parse", "--show-toplevel"], options);
  if (asked.error !== undefined) {
    return finding("git", "warning", `git is not on PATH: ${without}`, "Install git, if the project is kept in it.");
  }
  if (asked.status !== 0) {
    const because = asked.stderr.trim().split("\n", 1)[0] ?? "";
    return /not a git repository/.test(because)
      ? finding("git", "ok", `${root} is no git repository: ${without}`)
      : finding("git", "warning", `git does not answer for ${root} (${because}): ${without}`, "Mend what git says.");
  }
  return finding("git", "ok", `the repository ${asked.stdout.trim()}`);
}

async function settingsFindings(
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly findings: readonly Finding[]; readonly config: Config }> {
  try {
    const { config, origins, warnings } = (await settled({ cwd, args: [], env }, {})).settings;
    const own = origins.size === 0 ? "the defaults" : `${[...origins.keys()].join(", ")} set, and understood`;
    return {
      findings: [
        finding("settings", "ok", `${own}; mode "${config.mode}"`),
        ...warnings.map(({ message, help }) => finding("settings", "warning", message, help)),
      ],
      config,
    };
  } catch (error) {
    if (error instanceof WinnowError) {
      return { findings: [finding("settings", "problem", error.message, error.help)], config: DEFAULTS };
    }
    throw error;
  }
}

function pytestSettingsFinding(cwd: string, env: NodeJS.ProcessEnv, config: Config): Finding {
  const { refusal, configuration } = makeRequest({ cwd, args: [], env, config });
  if (refusal !== null) {
    return finding(
      "pytest's settings",
      "problem",
      `pytest will not start: ${refusal}`,
      "Mend it; pytest says the same.",
    );
  }
  return configuration.inifile === null
    ? finding("pytest's settings", "ok", `no file holds any; tests are looked for from ${cwd}`)
    : finding(
        "pytest's settings",
        "ok",
        `${basename(configuration.inifile)} in ${configuration.rootdir}${testpaths(configuration.testpaths)}`,
      );
}

function testpaths(paths: readonly string[]): string {
  return paths.length === 0 ? "" : `, testpaths ${paths.join(" ")}`;
}
