/**
 * Everything that has to hold, in one command: types, lint, the engine's tests, what the documentation tells to type, a
 * few random projects, all scenarios on the decisions alone and for real, and the collector's tests, both with the lines
 * that they cover.
 *
 * The collector's whole suite runs on the newest Python and on the newest one where it works through source probes, and
 * its core on the others; with `--all` the whole suite runs on each Python that is found, and the packages are built and
 * installed. `--only WORD` runs the steps whose names contain it, `--only packages` that one. Two lanes, because each step uses one core. The last line counts the tests of all steps.
 */

import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureEnvironment, findPythons, minorOf, type TestPython } from "./pythons.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");

interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** How many tests the output says passed and failed; a step without a count is one test. */
  readonly count: (output: string) => Counts | undefined;
  /** Lines of the output that are worth showing even if all is well. */
  readonly show?: RegExp;
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

function number(output: string, pattern: RegExp): number {
  return [...output.matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0);
}

const nodeCount = (output: string): Counts | undefined =>
  /^. tests \d+$/m.test(output)
    ? {
        passed: number(output, /^. pass (\d+)$/gm),
        failed: number(output, /^. fail (\d+)$/gm) + number(output, /^. cancelled (\d+)$/gm),
        skipped: number(output, /^. skipped (\d+)$/gm),
      }
    : undefined;

const pytestCount = (output: string): Counts | undefined => {
  const last = output
    .trim()
    .split("\n")
    .findLast((line) => /\d+ (passed|failed|error)/.test(line));
  return last === undefined
    ? undefined
    : {
        passed: number(last, /(\d+) passed/g),
        failed: number(last, /(\d+) failed/g) + number(last, /(\d+) errors?/g),
        skipped: number(last, /(\d+) skipped/g),
      };
};

const one = (): undefined => undefined;

const PYTEST = [
  "-m",
  "pytest",
  "-q",
  ...["randomly", "cacheprovider", "asyncio"].flatMap((name) => ["-p", `no:${name}`]),
];

interface Environment {
  readonly python: TestPython;
  /** The Python of the environment. */
  readonly environment: string;
}

const ALL = process.argv.includes("--all");
const NO_WARNING = "--disable-warning=ExperimentalWarning";
const NODE_TEST = [NO_WARNING, "--test", "--test-reporter=spec"];
const MEASURING = join(ROOT, "collector", "tests", "measuring");
const MEASURED = join(ROOT, ".cache", "coverage");
const MEASURING_ENVIRONMENT = {
  COVERAGE_COLLECTOR: join(ROOT, "collector"),
  COVERAGE_DATA: join(MEASURED, "data"),
  // sys.monitoring is the collector's own.
  COVERAGE_CORE: "ctrace",
};
/** Per cent of lines. */
const FLOOR = { engine: 90, collector: 95 };
const PARTS = 4;
/** Packages are built and installed as users get them; that takes minutes, and so is done where it is asked for. */
const WITH_PACKAGES = ALL || process.argv.includes("packages");
/** All but those that start pytest, which are steps of their own. */
const ENGINE_TESTS = readdirSync(join(ROOT, "engine", "test"), { withFileTypes: true })
  .filter(
    (entry) => entry.isDirectory() && !["documentation", "end-to-end", "packages", "scenarios"].includes(entry.name),
  )
  .map(({ name }) => `engine/test/${name}/**/*.test.ts`);
/** Where Python is. */
const PYTHON = ["collector", "python", "scripts", "bench"];
/** What attribution rests on. */
const CORE = ["attribution", "fixtures", "contexts", "cells", "monitoring", "probes", "probes_lines"];

const hasMonitoring = ({ python }: Environment): boolean => minorOf(python) >= 12;

function scenarios({ python, environment }: Environment, name: string, env: Record<string, string>): Step {
  return {
    name: `${name}, for real, on Python ${python.version}`,
    command: join(BIN, "node"),
    args: [...NODE_TEST, "engine/test/scenarios/run.test.ts"],
    env: { WINNOW_TEST_PYTHON: environment, WINNOW_LANES: "1", ...(ALL ? { WINNOW_PLAN: "1" } : {}), ...env },
    count: nodeCount,
  };
}

function steps(environments: readonly Environment[]): Step[] {
  const node = join(BIN, "node");
  const newest = environments.at(-1);
  if (newest === undefined) {
    throw new Error("no Python 3.8 or newer was found; install one, and make it available as python3");
  }
  const newestWithProbes = environments.findLast((each) => !hasMonitoring(each));
  const whole = ALL ? environments : environments.filter((each) => each === newest || each === newestWithProbes);
  const parts = Array.from({ length: PARTS }, (_, index) => `${index + 1}/${PARTS}`);
  // The longest first, so that the lanes end together.
  return [
    ...whole.toReversed().map(
      (each): Step => ({
        name: `collector on Python ${each.python.version}`,
        command: each.environment,
        args: [...PYTEST, "collector/tests"],
        env: {
          WINNOW_TEST_WHOLE: whole.map(({ python }) => python.version).join(" "),
          ...(each === newest || each === newestWithProbes
            ? { ...MEASURING_ENVIRONMENT, COVERAGE_PROCESS_START: join(MEASURING, "coverage.ini") }
            : {}),
        },
        count: pytestCount,
      }),
    ),
    ...[newest, environments[0] as Environment].map(
      (each): Step => ({
        name: `pytest's plugin on Python ${each.python.version}`,
        command: each.environment,
        args: [...PYTEST, "python/tests"],
        count: pytestCount,
      }),
    ),
    {
      name: "engine, end to end",
      command: node,
      args: [...NODE_TEST, "engine/test/end-to-end/*.test.ts"],
      env: { WINNOW_TEST_PYTHON: newest.environment },
      count: nodeCount,
    },
    {
      name: "commands of the documentation",
      command: node,
      args: [...NODE_TEST, "engine/test/documentation/*.test.ts"],
      env: { WINNOW_TEST_PYTHON: newest.environment },
      count: nodeCount,
    },
    ...(WITH_PACKAGES
      ? [{ name: "packages", command: node, args: [...NODE_TEST, "engine/test/packages/*.test.ts"], count: nodeCount }]
      : []),
    ...parts.map((part) => scenarios(newest, `scenarios ${part}`, { WINNOW_PART: part })),
    {
      name: "engine",
      command: node,
      args: [
        ...NODE_TEST,
        "--experimental-test-coverage",
        "--test-coverage-include=engine/src/**",
        `--test-coverage-lines=${FLOOR.engine}`,
        ...ENGINE_TESTS,
      ],
      env: { WINNOW_TEST_PYTHON: newest.environment },
      count: nodeCount,
      show: /all files/,
    },
    ...environments
      .filter((each) => !whole.includes(each))
      .map(
        (each): Step => ({
          name: `core of the collector on Python ${each.python.version}`,
          command: each.environment,
          args: [...PYTEST, ...CORE.map((name) => `collector/tests/test_${name}.py`)],
          count: pytestCount,
        }),
      ),
    ...environments
      .filter((each) => each !== newest)
      .map((each) => scenarios(each, "nine-test probe", { WINNOW_SCENARIOS: "attribution/nine-tests" })),
    {
      name: "random edits of random projects",
      command: newest.environment,
      args: ["bench/simulate.py", "--projects", "2", "--edits", "8", "--seed", "1"],
      count: one,
      show: /edits;|^runs|^faults/,
    },
    {
      name: "scenarios, on the decisions alone",
      command: node,
      args: [...NODE_TEST, "engine/test/scenarios/{replay,scenario}.test.ts"],
      count: nodeCount,
    },
    { name: "documentation site", command: node, args: [NO_WARNING, "scripts/docs.ts"], count: one },
    { name: "lint", command: join(BIN, "biome"), args: ["check", "."], count: one },
    { name: "types", command: join(BIN, "tsc"), args: ["-p", "engine/tsconfig.json"], count: one },
    {
      name: "types of the pure part",
      command: join(BIN, "tsc"),
      args: ["-p", "engine/tsconfig.decisions.json"],
      count: one,
    },
    {
      name: "lint of Python",
      command: newest.environment,
      args: ["-m", "ruff", "check", ...PYTHON],
      count: one,
    },
    {
      name: "format of Python",
      command: newest.environment,
      args: ["-m", "ruff", "format", "--check", ...PYTHON],
      count: one,
    },
  ];
}

/** What the collector's suites measured; both mechanisms together are to reach the floor. */
function coverageOfTheCollector(environments: readonly Environment[]): Step | undefined {
  const newest = environments.at(-1);
  if (newest === undefined || readdirSync(MEASURED).length === 0) {
    return undefined;
  }
  // Each mechanism, and annotations that are evaluated late: with less, the floor says nothing.
  const late = environments.some(({ python }) => minorOf(python) >= 14);
  const whole = late && environments.some(hasMonitoring) && !environments.every(hasMonitoring);
  return {
    name: "lines of the collector",
    command: newest.environment,
    args: [join(MEASURING, "report.py"), ...(whole ? [String(FLOOR.collector)] : [])],
    env: MEASURING_ENVIRONMENT,
    count: one,
    show: /of lines/,
  };
}

async function runStep(step: Step): Promise<Counts> {
  const started = performance.now();
  const child = spawn(step.command, step.args, {
    cwd: ROOT,
    env: { ...process.env, ...step.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number>((resolve) => {
    child.on("error", (error) => {
      chunks.push(Buffer.from(String(error)));
      resolve(127);
    });
    child.on("close", (exit) => resolve(exit ?? 1));
  });
  const output = Buffer.concat(chunks).toString("utf8");
  const counted = step.count(output) ?? { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  // A step that failed without a failing test (a threshold, a crash) is a failure all the same.
  const counts = code !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const verdict = code === 0 && counts.failed === 0 ? "ok" : "FAILED";
  console.log(
    `${verdict.padEnd(6)} ${step.name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped (${seconds} s)`,
  );
  if (verdict !== "ok") {
    console.log(output.split("\n").slice(-150).join("\n"));
  } else if (step.show !== undefined) {
    const { show } = step;
    console.log(
      output
        .split("\n")
        .filter((line) => show.test(line))
        .join("\n"),
    );
  }
  return counts;
}

async function main(): Promise<void> {
  const at = process.argv.indexOf("--only");
  const only = at < 0 ? "" : (process.argv[at + 1] ?? "");
  const found = findPythons();
  console.log(`Python: ${found.map(({ version }) => version).join(", ")}`);
  const environments: Environment[] = [];
  const missing = [...found];
  await Promise.all([makeEnvironments(), makeEnvironments()]);
  environments.sort((a, b) => found.indexOf(a.python) - found.indexOf(b.python));

  async function makeEnvironments(): Promise<void> {
    for (let python = missing.shift(); python !== undefined; python = missing.shift()) {
      const extra = python === found.at(-1) ? ["ruff", "coverage"] : [];
      environments.push({ python, environment: await ensureEnvironment(ROOT, python, extra) });
    }
  }

  rmSync(MEASURED, { recursive: true, force: true });
  mkdirSync(MEASURED, { recursive: true });
  const queue = steps(environments).filter(({ name }) => name.includes(only));
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const lane = async (): Promise<void> => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      const counts = await runStep(step);
      totals.passed += counts.passed;
      totals.failed += counts.failed;
      totals.skipped += counts.skipped;
    }
  };
  await Promise.all([lane(), lane()]);
  const last = coverageOfTheCollector(environments);
  if (last !== undefined) {
    queue.push(last);
    await lane();
  }
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;
}

await main();
