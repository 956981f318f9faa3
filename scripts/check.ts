/**
 * Everything that has to hold, in one command: types, lint, the engine's tests with coverage, the collector's tests on
 * each Python that is found, scenarios, crash test and oracle. `--only WORD` runs the steps whose names contain it.
 *
 * Two lanes, because most steps use one core. The last line counts the tests of all steps.
 */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureEnvironment, findPythons, type TestPython } from "./pythons.ts";

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

function steps(pythons: readonly { python: TestPython; environment: string }[]): Step[] {
  const node = join(BIN, "node");
  const newest = pythons.at(-1);
  if (newest === undefined) {
    throw new Error("no Python 3.8 or newer was found; install one, and make it available as python3");
  }
  const probing = pythons.findLast(({ python }) => Number(python.version.split(".")[1]) < 12);
  const nodeTest = ["--disable-warning=ExperimentalWarning", "--test", "--test-reporter=spec"];
  return [
    {
      name: "scenarios for real",
      command: node,
      args: [...nodeTest, "engine/test/scenarios/run.test.ts"],
      env: { WINNOW_TEST_PYTHON: newest.environment },
      count: nodeCount,
    },
    {
      name: "end to end",
      command: node,
      args: [...nodeTest, "engine/test/end-to-end/*.test.ts"],
      env: { WINNOW_TEST_PYTHON: newest.environment },
      count: nodeCount,
    },
    {
      name: "scenarios on the decisions alone",
      command: node,
      args: [...nodeTest, "engine/test/scenarios/{replay,scenario}.test.ts"],
      env: { WINNOW_TEST_PYTHON: newest.environment },
      count: nodeCount,
    },
    ...pythons.slice(0, -1).map(
      ({ python, environment }): Step => ({
        name: `attribution scenarios for real on Python ${python.version}`,
        command: node,
        args: [...nodeTest, "engine/test/scenarios/run.test.ts"],
        env: { WINNOW_TEST_PYTHON: environment, WINNOW_SCENARIOS: "attribution/" },
        count: nodeCount,
      }),
    ),
    { name: "lint", command: join(BIN, "biome"), args: ["check", "."], count: one },
    { name: "types", command: join(BIN, "tsc"), args: ["-p", "engine/tsconfig.json"], count: one },
    {
      name: "types of the pure part",
      command: join(BIN, "tsc"),
      args: ["-p", "engine/tsconfig.decisions.json"],
      count: one,
    },
    {
      name: "lint of the collector",
      command: newest.environment,
      args: ["-m", "ruff", "check", "collector", "bench"],
      count: one,
    },
    {
      name: "engine",
      command: node,
      args: [
        ...nodeTest,
        "--experimental-test-coverage",
        "--test-coverage-include=engine/src/**",
        "--test-coverage-lines=90",
        ...[
          "*",
          "changes",
          "cli",
          "files",
          "fingerprint",
          "journal",
          "pipeline",
          "recording",
          "report",
          "runners",
          "selection",
          "store",
          "watch",
        ].map((folder) => (folder === "*" ? "engine/test/*.test.ts" : `engine/test/${folder}/**/*.test.ts`)),
      ],
      env: { WINNOW_TEST_PYTHON: newest.environment },
      count: nodeCount,
      show: /all files/,
    },
    // `--all`: the whole suite on every Python. The default: all of it on the newest, and with probes on the newest of
    // those that need them.
    ...(process.argv.includes("--all") ? pythons : pythons.filter((each) => each === newest || each === probing)).map(
      ({ python, environment }): Step => ({
        name: `collector on Python ${python.version}`,
        command: environment,
        args: [
          ...["-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:asyncio"],
          "collector/tests",
        ],
        count: pytestCount,
      }),
    ),
  ];
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
  const pythons: { python: TestPython; environment: string }[] = [];
  const missing = [...found];
  await Promise.all([makeEnvironments(), makeEnvironments()]);
  pythons.sort((a, b) => found.indexOf(a.python) - found.indexOf(b.python));

  async function makeEnvironments(): Promise<void> {
    for (let python = missing.shift(); python !== undefined; python = missing.shift()) {
      const extra = python === found.at(-1) ? ["ruff", "coverage"] : [];
      pythons.push({ python, environment: await ensureEnvironment(ROOT, python, extra) });
    }
  }

  const queue = steps(pythons).filter(({ name }) => name.includes(only));
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
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;
}

await main();
