/**
 * Finding the Python that a project's tests run under, and learning about it.
 *
 * Three steps with very different prices: {@link findInterpreter} looks at a few paths (microseconds; it starts a
 * program only for a poetry project whose environment is not where poetry puts them), {@link interpreterIdentity}
 * tells without starting Python whether it is still the interpreter that was asked before, and {@link probe} asks it
 * (50 to 100 ms). On the way to "nothing changed" only the first two run, so they must not load `node:crypto` (4 ms)
 * or `node:child_process` (1.3 ms).
 */

import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { basename, delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { lazyCrypto } from "../../files/hash.ts";

/** Environment variables, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which rule found an interpreter. */
export type InterpreterRule =
  | "override"
  | "virtual-env"
  | "conda"
  | "uv"
  | "directory"
  | "pdm"
  | "poetry"
  | "installed"
  | "conda-base"
  | "path";

/** An interpreter that was found, not yet asked. */
export interface Interpreter {
  readonly executable: string;
  readonly rule: InterpreterRule;
  /** How it was found, as the end of "the Python …": for messages. */
  readonly origin: string;
}

/** Why there is no usable interpreter: what is wrong and where, and what to do next, one sentence each. */
export interface InterpreterProblem {
  readonly code: "python-not-found" | "python-too-old" | "python-broken" | "pytest-missing";
  readonly message: string;
  readonly help: string;
}

/** Whether a result is a problem. */
export function isInterpreterProblem(value: object): value is InterpreterProblem {
  return "code" in value && "help" in value;
}

/** Where to look for an interpreter. */
export interface InterpreterSearch {
  /** The project's root: environments are looked for up to here. */
  readonly root: string;
  readonly cwd: string;
  readonly env: Environment;
  /** `--python`: a path, the directory of an environment, or a name on PATH. */
  readonly override?: string | null;
  /** The engine's own file: it may lie in an environment. */
  readonly program?: string | undefined;
  readonly platform?: NodeJS.Platform;
}

const HELP_CHOOSE = "Activate the project's virtual environment, or name an interpreter: winnow run --python PATH.";

// ---------------------------------------------------------------------------------------------- finding

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const isFile = (path: string): boolean => statOf(path)?.isFile() ?? false;
const isDirectory = (path: string): boolean => statOf(path)?.isDirectory() ?? false;

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** The Python of a virtual or conda environment, or null. */
function pythonIn(environment: string, platform: NodeJS.Platform): string | null {
  // on Windows: venv and uv, conda, and the layout of MSYS2
  const names =
    platform === "win32" ? ["Scripts/python.exe", "python.exe", "bin/python.exe"] : ["bin/python", "bin/python3"];
  return names.map((name) => join(environment, name)).find(isFile) ?? null;
}

/** The first program of this name on PATH, or null. */
function onPath(name: string, search: InterpreterSearch, platform: NodeJS.Platform): string | null {
  const windows = platform === "win32";
  const path = search.env["PATH"] ?? (windows ? search.env["Path"] : undefined) ?? "";
  const names = windows && !/\.(exe|bat|cmd)$/i.test(name) ? [`${name}.exe`] : [name];
  for (const entry of path.split(windows ? ";" : delimiter)) {
    for (const candidate of names) {
      const file = resolve(search.cwd, entry, candidate);
      const stats = statOf(file);
      if (!stats?.isFile() || (!windows && (stats.mode & 0o111) === 0)) {
        continue;
      }
      // Windows puts empty stand-ins on PATH that open its shop
      if (windows && stats.size === 0) {
        continue;
      }
      return file;
    }
  }
  return null;
}

/** The directories from `cwd` up to the project's root, nearest first; `cwd` alone if it is not below the root. */
function projectDirectories(search: InterpreterSearch): string[] {
  const root = resolve(search.root);
  const directories: string[] = [];
  for (let at = resolve(search.cwd); ; at = dirname(at)) {
    directories.push(at);
    if (at === root) {
      return directories;
    }
    if (dirname(at) === at) {
      return [resolve(search.cwd), root];
    }
  }
}

function findOverride(
  override: string,
  search: InterpreterSearch,
  platform: NodeJS.Platform,
): Interpreter | InterpreterProblem {
  const path = resolve(search.cwd, override);
  const origin = "named with --python or WINNOW_PYTHON";
  const isPath = isAbsolute(override) || /[/\\]/.test(override);
  const named = isPath ? null : onPath(override, search, platform);
  if (named !== null) {
    return { executable: named, rule: "override", origin };
  }
  if (isFile(path)) {
    return { executable: path, rule: "override", origin };
  }
  const inside = isDirectory(path) ? pythonIn(path, platform) : null;
  if (inside !== null) {
    return { executable: inside, rule: "override", origin };
  }
  return {
    code: "python-not-found",
    message: isPath
      ? `There is no Python at ${path}, which --python or WINNOW_PYTHON names.`
      : `--python or WINNOW_PYTHON names ${override}, which is neither a program on PATH nor a file in ${search.cwd}.`,
    help: "Give the path of a Python interpreter or of a virtual environment.",
  };
}

/**
 * Finds the Python of a project. The first of: `--python` or WINNOW_PYTHON; the active environment (VIRTUAL_ENV, CONDA_PREFIX unless it
 * is conda's base, which is active for many people everywhere); uv's UV_PROJECT_ENVIRONMENT; `.venv` and `venv` from
 * the working directory up to the root; PDM's; poetry's; the environment that Winnow is installed in; conda's base;
 * `python3`, then `python` on PATH.
 */
export function findInterpreter(search: InterpreterSearch): Interpreter | InterpreterProblem {
  const { env } = search;
  const platform = search.platform ?? process.platform;
  if (search.override) {
    return findOverride(search.override, search, platform);
  }

  // An active environment that has been deleted is passed over, as the shell does.
  const active = env["VIRTUAL_ENV"];
  const activePython = active ? pythonIn(active, platform) : null;
  if (activePython !== null) {
    return { executable: activePython, rule: "virtual-env", origin: "of the active virtual environment (VIRTUAL_ENV)" };
  }
  const conda = env["CONDA_PREFIX"];
  const condaPython = conda ? pythonIn(conda, platform) : null;
  const isBase = env["CONDA_DEFAULT_ENV"] === "base";
  if (condaPython !== null && !isBase) {
    return { executable: condaPython, rule: "conda", origin: "of the active conda environment (CONDA_PREFIX)" };
  }

  const directories = projectDirectories(search);
  const uvEnvironment = env["UV_PROJECT_ENVIRONMENT"];
  const uvProject = uvEnvironment ? directories.find((directory) => isFile(join(directory, "uv.lock"))) : undefined;
  if (uvEnvironment && uvProject !== undefined) {
    const executable = pythonIn(resolve(uvProject, uvEnvironment), platform);
    if (executable !== null) {
      return { executable, rule: "uv", origin: "of the uv project (UV_PROJECT_ENVIRONMENT)" };
    }
  }

  for (const directory of directories) {
    for (const name of [".venv", "venv"]) {
      const found = environmentAt(join(directory, name), platform);
      if (found !== null) {
        return found;
      }
    }
    const pdm = readText(join(directory, ".pdm-python"))?.trim();
    if (pdm && isFile(pdm)) {
      return { executable: pdm, rule: "pdm", origin: `that ${join(directory, ".pdm-python")} names` };
    }
  }

  const poetryProject = directories.find((directory) => isFile(join(directory, "poetry.lock")));
  if (poetryProject !== undefined) {
    const executable = poetryEnvironment(poetryProject, env, platform) ?? askPoetry(poetryProject, search, platform);
    if (executable !== null) {
      return { executable, rule: "poetry", origin: "of the poetry environment" };
    }
  }

  const own = search.program === undefined ? null : installedFor(search.program, platform);
  if (own !== null) {
    return { executable: own, rule: "installed", origin: "of the environment that Winnow is installed in" };
  }
  if (condaPython !== null) {
    return { executable: condaPython, rule: "conda-base", origin: "of conda's base environment (CONDA_PREFIX)" };
  }
  for (const name of platform === "win32" ? ["python", "python3"] : ["python3", "python"]) {
    const executable = onPath(name, search, platform);
    if (executable !== null) {
      return { executable, rule: "path", origin: `found as ${name} on PATH` };
    }
  }
  return {
    code: "python-not-found",
    message: `No Python was found for ${search.root}: there is no active environment, no .venv or venv, and no python3 or python on PATH.`,
    help: HELP_CHOOSE,
  };
}

/**
 * The Python that Winnow is installed for, told by where the engine lies: `lib/python3.12/site-packages/pytest_winnow/dist`
 * of an environment, `Lib/site-packages/…` on Windows. Null if it lies elsewhere, and for an environment that uv or pipx
 * have made for nothing but a program: no project is tested there.
 */
function installedFor(program: string, platform: NodeJS.Platform): string | null {
  const inside =
    /^(.+)[/\\](?:lib[/\\]([^/\\]+)|Lib)[/\\](?:site|dist)-packages[/\\]pytest_winnow[/\\]dist[/\\][^/\\]+$/.exec(
      program,
    );
  const environment = inside?.[1];
  if (
    environment === undefined ||
    ["uv-receipt.toml", "pipx_metadata.json"].some((name) => isFile(join(environment, name)))
  ) {
    return null;
  }
  if (inside?.[2] !== undefined && !isFile(join(environment, "pyvenv.cfg"))) {
    // Several Pythons may share a prefix, each with packages of its own.
    const named = join(environment, "bin", inside[2]);
    return isFile(named) ? named : null;
  }
  return pythonIn(environment, platform);
}

/** The interpreter of a `.venv` or `venv`; a problem if it is an environment without one; null if it is none. */
function environmentAt(path: string, platform: NodeJS.Platform): Interpreter | InterpreterProblem | null {
  const stats = statOf(path);
  if (stats === undefined) {
    return null;
  }
  // some tools keep environments elsewhere and leave a file that names the place
  const place = stats.isFile() ? readText(path)?.trim() : path;
  if (!place || !isAbsolute(place)) {
    return null;
  }
  const executable = pythonIn(place, platform);
  if (executable !== null) {
    return { executable, rule: "directory", origin: `of the virtual environment ${path}` };
  }
  if (isFile(join(place, "pyvenv.cfg"))) {
    return {
      code: "python-broken",
      message: `The virtual environment ${place} has no Python any more: the one it was made with may have been removed.`,
      help: `Make it anew, or name another interpreter: winnow run --python PATH.`,
    };
  }
  return null;
}

/**
 * Poetry's environment of a project, found where poetry puts it: starting poetry takes most of a second. The directory
 * is named after the project, a hash of its real path, and the Python version. Null if there is none or more than one
 * without a note on which is meant.
 */
function poetryEnvironment(project: string, env: Environment, platform: NodeJS.Platform): string | null {
  const home = env["HOME"] ?? env["USERPROFILE"] ?? "";
  const caches =
    env["POETRY_CACHE_DIR"] ??
    (platform === "win32"
      ? join(env["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), "pypoetry", "Cache")
      : platform === "darwin"
        ? join(home, "Library", "Caches", "pypoetry")
        : join(env["XDG_CACHE_HOME"] || join(home, ".cache"), "pypoetry"));
  const environments = env["POETRY_VIRTUALENVS_PATH"] ?? join(caches, "virtualenvs");
  let names: string[];
  try {
    names = readdirSync(environments);
  } catch {
    return null;
  }
  const real = realpathSync(project);
  const digest = lazyCrypto()
    .createHash("sha256")
    .update(platform === "win32" ? real.toLowerCase() : real)
    .digest("base64url")
    .slice(0, 8);
  let candidates = names.filter((name) => name.includes(`-${digest}-py`));
  // `poetry env use` notes its choice: [name-hash] minor = "3.12"
  const notes = readText(join(environments, "envs.toml")) ?? "";
  const note = notes
    .split(/^\[/m)
    .find((section) => section.split("]", 1)[0]?.replace(/"/g, "").endsWith(`-${digest}`));
  const minor = /^minor\s*=\s*"([\d.]+)"/m.exec(note ?? "")?.[1];
  if (minor !== undefined) {
    candidates = candidates.filter((name) => name.endsWith(`-py${minor}`));
  }
  const [only, ...others] = candidates;
  return only === undefined || others.length > 0 ? null : pythonIn(join(environments, only), platform);
}

/** Asks poetry itself, if it is there: for environments in unusual places. */
function askPoetry(project: string, search: InterpreterSearch, platform: NodeJS.Platform): string | null {
  const poetry = onPath("poetry", search, platform);
  if (poetry === null) {
    return null;
  }
  const result = childProcess().spawnSync(poetry, ["env", "info", "--executable"], {
    cwd: project,
    env: search.env,
    encoding: "utf8",
    timeout: 20_000,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const path = result.stdout?.trim();
  return result.status === 0 && path && isFile(path) ? path : null;
}

function childProcess(): typeof import("node:child_process") {
  return process.getBuiltinModule("node:child_process");
}

// ---------------------------------------------------------------------------------------------- identity

/** What an interpreter's identity depends on besides its own files. */
export interface IdentityContext {
  readonly cwd: string;
  readonly env: Environment;
}

/** Files by which version managers choose the Python of a directory. */
const VERSION_FILES = [".python-version", ".tool-versions", "mise.toml", ".mise.toml"];

/** Variables by which they are told so. */
const VERSION_VARIABLES = ["PYENV_VERSION", "PYENV_DIR", "ASDF_PYTHON_VERSION", "MISE_PYTHON_VERSION", "MISE_ENV"];

/**
 * A text that changes whenever {@link probe} might give another answer: the links and the file behind the executable
 * with its size and time, its `pyvenv.cfg`, and the PYTHON… variables. For the shim of a version manager also all that
 * the manager looks at; what the shim leads to has an identity of its own, so keep and compare that of
 * {@link InterpreterInfo.executable} as well. Which packages are installed is another key's business.
 *
 * It starts nothing and hashes nothing: about 0.1 ms.
 */
export function interpreterIdentity(
  executable: string,
  context: IdentityContext = { cwd: process.cwd(), env: process.env },
): string {
  const parts: string[] = [ASKED];
  let at = resolve(context.cwd, executable);
  try {
    for (let hops = 0; hops < 40; hops++) {
      const stats = lstatSync(at, { bigint: true });
      if (!stats.isSymbolicLink()) {
        parts.push(`${realpathSync.native(at)} ${stats.size} ${stats.mtimeNs}`);
        break;
      }
      const target = readlinkSync(at);
      parts.push(`${at} -> ${target}`);
      at = resolve(dirname(at), target);
    }
  } catch {
    parts.push(`${at} absent`);
  }

  const binaries = dirname(resolve(context.cwd, executable));
  for (const file of [join(dirname(binaries), "pyvenv.cfg"), join(binaries, "pyvenv.cfg")]) {
    const text = readText(file);
    if (text !== null) {
      parts.push(`${file} ${JSON.stringify(text)}`);
      // On Windows an environment's python.exe is a stub that stays the same when the Python behind it is replaced.
      const home = /^home\s*=\s*(.+)$/m.exec(text)?.[1]?.trim();
      const base = home === undefined ? undefined : statOf(join(home, "python.exe"));
      if (base !== undefined) {
        parts.push(`${home} ${base.size} ${base.mtimeMs}`);
      }
      break;
    }
  }

  for (const name of Object.keys(context.env).sort()) {
    if (name.startsWith("PYTHON")) {
      parts.push(`${name}=${context.env[name]}`);
    }
  }
  if (!/^(python|pypy|graalpy)/i.test(basename(at)) || isScript(at)) {
    describeShim(resolve(context.cwd, executable), context, parts);
  }
  return parts.join("\n");
}

/** Whether a file begins with `#!`. */
function isScript(path: string): boolean {
  try {
    const file = openSync(path, "r");
    try {
      const head = Buffer.alloc(2);
      return readSync(file, head, 0, 2, 0) === 2 && head[0] === 0x23 && head[1] === 0x21;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

/** Adds everything that a version manager's shim may look at to choose a Python. */
function describeShim(shim: string, { cwd, env }: IdentityContext, parts: string[]): void {
  for (const name of VERSION_VARIABLES) {
    if (env[name] !== undefined) {
      parts.push(`${name}=${env[name]}`);
    }
  }
  const files: string[] = [];
  for (const start of [env["PYENV_DIR"], cwd, env["HOME"]]) {
    for (let at = start === undefined ? "" : resolve(start); at !== ""; at = dirname(at) === at ? "" : dirname(at)) {
      files.push(...VERSION_FILES.map((name) => join(at, name)));
    }
  }
  const home = env["HOME"] ?? "";
  files.push(join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "mise", "config.toml"));
  // the manager's own default, and which versions it has: "3.12" means the newest 3.12 there is
  const managers = new Set([dirname(dirname(shim)), env["PYENV_ROOT"], env["ASDF_DATA_DIR"]]);
  for (const manager of managers) {
    if (manager) {
      files.push(join(manager, "version"));
      parts.push(`versions ${namesIn(join(manager, "versions"))}`);
      parts.push(`installs ${namesIn(join(manager, "installs", "python"))}`);
    }
  }
  for (const file of new Set(files)) {
    const text = readText(file);
    if (text !== null) {
      parts.push(`${file} ${JSON.stringify(text)}`);
    }
  }
}

function namesIn(directory: string): string {
  try {
    return readdirSync(directory).sort().join(" ");
  } catch {
    return "";
  }
}

// ---------------------------------------------------------------------------------------------- probe

/** What an interpreter said about itself. */
export interface InterpreterInfo {
  /** The program itself: behind a shim, the real one. */
  readonly executable: string;
  /** `sys.implementation.name`, such as "cpython" or "pypy". */
  readonly implementation: string;
  /** Such as "3.13.0" or "3.14.0rc2". */
  readonly version: string;
  /** Such as "3.13", with a "t" for a free-threaded build. */
  readonly minor: string;
  /** `sys.platform`. */
  readonly platform: string;
  /** `sys.implementation.cache_tag`. */
  readonly cacheTag: string | null;
  readonly prefix: string;
  readonly basePrefix: string;
  /** Where the standard library is. */
  readonly stdlib: readonly string[];
  /** Where packages are installed; the user's own directory only if it is in use. */
  readonly siteDirectories: readonly string[];
  /** `sys.path` without the working directory: `.pth` files and PYTHONPATH applied. */
  readonly path: readonly string[];
  /** Those of `sys.flags` that can change what a test does. */
  readonly flags: Readonly<Record<string, number>>;
  /** Whether it has `sys.monitoring` (3.12). */
  readonly monitoring: boolean;
  /** The version of pytest, "unknown" if it is there without saying, null if it is not there. */
  readonly pytest: string | null;
}

const MARK = "@winnow-probe@";

/** Another text for each version of the probe, so that an answer to less is not taken for one to more. */
const ASKED = "probe 2";

/** The oldest Python whose tests can be recorded. */
const OLDEST = [3, 8] as const;

/**
 * Python 2.7 has to understand it, to be told from a broken one. The working directory leaves `sys.path` first: a
 * `json.py` of the project would be imported otherwise. pytest is not imported, only asked for.
 */
const PROBE = `
import sys
sys.path[:] = [p for p in sys.path if p]
import json, os
def main():
    v = sys.version_info
    version = "%d.%d.%d" % tuple(v[:3])
    if v[3] != "final":
        version += {"alpha": "a", "beta": "b", "candidate": "rc"}.get(v[3], v[3]) + str(v[4])
    said = {"executable": sys.executable, "version": version, "number": list(v[:2]), "platform": sys.platform}
    if v[:2] >= (3, 8):
        import site, sysconfig
        paths = sysconfig.get_paths()
        sites = [p for p in sys.path if os.path.basename(os.path.normpath(p)) in ("site-packages", "dist-packages")]
        sites += site.getsitepackages() if hasattr(site, "getsitepackages") else []
        if site.ENABLE_USER_SITE:
            sites.append(site.getusersitepackages())
        sites += [paths.get("purelib"), paths.get("platlib")]
        names = ["optimize", "dev_mode", "utf8_mode", "safe_path", "no_user_site", "isolated", "ignore_environment",
            "no_site", "bytes_warning", "hash_randomization", "warn_default_encoding", "int_max_str_digits", "gil",
            "thread_inherit_context", "context_aware_warnings", "dont_write_bytecode"]
        pytest = None
        try:
            try:
                from importlib.metadata import version as version_of
                pytest = version_of("pytest")
            except Exception:
                import importlib.util
                if importlib.util.find_spec("pytest") is not None:
                    pytest = "unknown"
        except Exception:
            pass
        flags = {}
        for name in names:
            value = getattr(sys.flags, name, None)
            if value is not None:
                flags[name] = int(value)
        said.update(implementation=sys.implementation.name, cacheTag=sys.implementation.cache_tag,
            threads="t" in getattr(sys, "abiflags", ""), prefix=sys.prefix, basePrefix=sys.base_prefix,
            stdlib=[paths.get("stdlib"), os.path.dirname(os.__file__)], sites=sites,
            path=[p for p in sys.path if p], flags=flags, monitoring=hasattr(sys, "monitoring"), pytest=pytest)
    sys.stdout.write("\\n${MARK}" + json.dumps(said) + "\\n")
main()
`;

interface Said {
  executable: string;
  version: string;
  number: [number, number];
  platform: string;
  implementation: string;
  cacheTag: string | null;
  threads: boolean;
  prefix: string;
  basePrefix: string;
  stdlib: (string | null)[];
  sites: (string | null)[];
  path: string[];
  flags: Record<string, number>;
  monitoring: boolean;
  pytest: string | null;
}

/**
 * Starts an interpreter once, as the user would (same variables, same working directory), and asks it about itself.
 * Keep the answer under {@link interpreterIdentity}; never keep a problem, as what mends it may leave no trace there.
 */
export function probe(
  interpreter: Interpreter,
  context: IdentityContext = { cwd: process.cwd(), env: process.env },
): InterpreterInfo | InterpreterProblem {
  const { executable, origin } = interpreter;
  const result = childProcess().spawnSync(executable, ["-c", PROBE], {
    cwd: context.cwd,
    env: context.env,
    encoding: "utf8",
    timeout: 30_000,
    maxBuffer: 1 << 26,
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  const broken = (why: string): InterpreterProblem => ({
    code: "python-broken",
    message: `The Python at ${executable}, ${origin}, does not work: ${why}`,
    help: "Mend that environment, or name another interpreter: winnow run --python PATH.",
  });
  const line = result.stdout?.split(/\r?\n/).findLast((text) => text.startsWith(MARK));
  if (line === undefined) {
    const code = (result.error as NodeJS.ErrnoException | undefined)?.code;
    if (code === "ETIMEDOUT") {
      return broken("it did not answer within 30 seconds.");
    }
    const why = result.error?.message ?? complaint(result.stderr ?? "", result.status, result.signal);
    return broken(/[.!?…]$/.test(why) ? why : `${why}.`);
  }
  let said: Said;
  try {
    said = JSON.parse(line.slice(MARK.length)) as Said;
  } catch {
    return broken("it did not answer as a Python does.");
  }
  const [major, minor] = said.number;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return {
      code: "python-too-old",
      message: `The Python at ${executable}, ${origin}, is version ${said.version}; Winnow needs 3.8 or later.`,
      help: HELP_CHOOSE,
    };
  }
  return {
    executable: said.executable || executable,
    implementation: said.implementation,
    version: said.version,
    minor: `${major}.${minor}${said.threads ? "t" : ""}`,
    platform: said.platform,
    cacheTag: said.cacheTag,
    prefix: said.prefix,
    basePrefix: said.basePrefix,
    stdlib: distinct(said.stdlib),
    siteDirectories: distinct(said.sites),
    path: said.path,
    flags: said.flags,
    monitoring: said.monitoring,
    pytest: said.pytest,
  };
}

function distinct(paths: readonly (string | null)[]): string[] {
  return [...new Set(paths.filter((path) => path !== null))];
}

/** The most telling line of what a program wrote before it failed. */
function complaint(stderr: string, status: number | null, signal: string | null): string {
  const lines = stderr
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  // pyenv's last line is a note on how to list versions; its own complaint carries its name
  const line = lines.find((text) => /^(pyenv|asdf|mise):/.test(text)) ?? lines.at(-1);
  if (line !== undefined) {
    return line.length > 300 ? `${line.slice(0, 300)}…` : line;
  }
  return signal === null ? `it ended with exit code ${status} and said nothing.` : `it was ended by ${signal}.`;
}

/** The problem of an interpreter that works but has no pytest; null if it has one. */
export function pytestProblem(interpreter: Interpreter, info: InterpreterInfo): InterpreterProblem | null {
  if (info.pytest !== null) {
    return null;
  }
  const path = /[\s"'$&()]/.test(info.executable) ? `"${info.executable}"` : info.executable;
  return {
    code: "pytest-missing",
    message: `pytest is not installed for the Python at ${interpreter.executable}, ${interpreter.origin}.`,
    help: `Install it with \`uv pip install --python ${path} pytest\` or \`${path} -m pip install pytest\`, or name another interpreter: winnow run --python PATH.`,
  };
}
