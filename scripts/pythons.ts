/**
 * The interpreters that the tests run on, and an environment for each: `python3.8` to `python3.14` on PATH or among
 * pyenv's versions, and always `python3`. Environments live in `.cache/venvs` and are made again when the list of
 * packages changes.
 */

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** What the collector has to get along with. Versions are left to the resolver: old Pythons get old releases. */
const PACKAGES = [
  "pytest",
  "pytest-xdist",
  "pytest-cov",
  "pytest-randomly",
  "pytest-rerunfailures",
  "pytest-asyncio",
  "pytest-timeout",
  "anyio",
  "hypothesis",
];

export interface TestPython {
  /** `3.12`. */
  readonly version: string;
  readonly executable: string;
}

/** `3.12` → 12. */
export function minorOf({ version }: Pick<TestPython, "version">): number {
  return Number(version.split(".")[1]);
}

function versionOf(executable: string): string | undefined {
  try {
    const code = "import sys; print('%d.%d' % sys.version_info[:2])";
    return execFileSync(executable, ["-c", code], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

/** One interpreter per minor version, oldest first. */
export function findPythons(): TestPython[] {
  const candidates = ["python3"];
  for (let minor = 8; minor <= 14; minor++) {
    candidates.push(`python3.${minor}`);
  }
  const versions = join(process.env["PYENV_ROOT"] ?? join(homedir(), ".pyenv"), "versions");
  if (existsSync(versions)) {
    candidates.push(...readdirSync(versions).map((name) => join(versions, name, "bin", "python")));
  }
  const found = new Map<string, string>();
  for (const executable of candidates) {
    const version = versionOf(executable);
    const minor = Number(version?.split(".")[1]);
    if (version?.startsWith("3.") === true && minor >= 8 && !found.has(version)) {
      found.set(version, executable);
    }
  }
  return [...found].map(([version, executable]) => ({ version, executable })).sort((a, b) => minorOf(a) - minorOf(b));
}

/** Makes the environment of an interpreter if it is not there yet; resolves to its Python. */
export async function ensureEnvironment(
  root: string,
  python: TestPython,
  extra: readonly string[] = [],
): Promise<string> {
  const directory = join(root, ".cache", "venvs", python.version);
  const executable = join(directory, "bin", "python");
  const stamp = join(directory, "packages.txt");
  const wanted = [...PACKAGES, ...extra];
  // One with more in it will do as well: which interpreter is the newest, and so gets the extra packages, changes.
  const installed = new Set(existsSync(stamp) ? readFileSync(stamp, "utf8").split("\n") : []);
  if (wanted.every((name) => installed.has(name))) {
    measure(directory, python);
    return executable;
  }
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(root, ".cache", "venvs"), { recursive: true });
  await run(python.executable, ["-m", "venv", directory]);
  const quiet = ["--quiet", "--disable-pip-version-check", "--no-compile", "--prefer-binary"];
  await run(executable, ["-m", "pip", "install", ...quiet, ...wanted]);
  writeFileSync(stamp, wanted.join("\n"));
  measure(directory, python);
  return executable;
}

/** Lets each process of an environment measure the collector's lines, if it is asked to: see collector/tests/measuring. */
function measure(directory: string, { version }: TestPython): void {
  const code = [
    "p = os.environ.get('COVERAGE_PROCESS_START', '')",
    "if os.path.basename(os.path.dirname(p)) == 'measuring':",
    " with open(os.path.join(os.path.dirname(p), 'measuring.py')) as f: exec(f.read(), {})",
  ];
  // Only lines that begin with "import" are executed.
  const line = `import os; exec(${JSON.stringify(code.join("\n"))})\n`;
  writeFileSync(join(directory, "lib", `python${version}`, "site-packages", "winnow_measuring.pth"), line);
}

/** Runs a program to its end; fails where it does. */
export function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args.join(" ")} failed (${code})`)),
    );
  });
}
