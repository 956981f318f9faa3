/**
 * pytest's configuration, as far as Winnow has to know it before pytest starts.
 *
 * Two questions are answered here. *Did the configuration in one directory change?* is {@link pytestConfigDigest}, the
 * value of a `config` key: only what pytest can read counts, so that editing `[project]` in `pyproject.toml` changes
 * nothing. *Which configuration is in force?* is {@link effectiveConfiguration}, which repeats pytest's search for its
 * ini file and `rootdir`. Everything pytest refuses to read is a `problem`, never a guess.
 */

import { readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, parse as parsePath, relative, resolve, sep } from "node:path";
import { parse as parseToml, type TomlTable, type TomlValue } from "smol-toml";
import { textDigest } from "../../files/hash.ts";
import { tomlFault } from "../../model/error.ts";
import { splitShell } from "./arguments.ts";
import { isIniProblem, parseIni } from "./ini.ts";

/** How pytest converts values: INI values are texts or lists of texts, TOML values keep their types (pytest 9). */
export type ConfigMode = "ini" | "toml";

/** A value of the configuration, as it was written. */
export type ConfigValue = string | readonly ConfigValue[] | number | bigint | boolean | object;

/** What one configuration file says to pytest. */
export interface ConfigTable {
  readonly mode: ConfigMode;
  readonly values: ReadonlyMap<string, ConfigValue>;
}

/** Why a configuration file cannot be used; pytest will say the same and stop. */
export interface ConfigProblem {
  readonly problem: string;
}

/** The configuration files, in pytest 9's order of precedence. */
export const CONFIG_NAMES = [
  "pytest.toml",
  ".pytest.toml",
  "pytest.ini",
  ".pytest.ini",
  "pyproject.toml",
  "tox.ini",
  "setup.cfg",
] as const;

type ConfigName = (typeof CONFIG_NAMES)[number];

/** Those that older versions do not know, and the first major version that does. */
const SINCE: Readonly<Record<ConfigName, number>> = {
  "pytest.toml": 9,
  ".pytest.toml": 9,
  "pytest.ini": 0,
  ".pytest.ini": 6,
  "pyproject.toml": 6,
  "tox.ini": 0,
  "setup.cfg": 0,
};

type Version = readonly [major: number, minor: number];

/** The version assumed where none is known. */
const NEWEST: Version = [9, 99];

/** Whether a version is at least another one. */
function atLeast([major, minor]: Version, wantedMajor: number, wantedMinor: number): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** pytest 9.2 became particular about files: it refuses some that `-c` names or with misplaced options, and reads `[pytest]` in more. */
function isParticular(version: Version): boolean {
  return atLeast(version, 9, 2);
}

/** All files whose state is part of a `config` key: those above, and `setup.py`, which can decide on `rootdir`. */
export const CONFIGURATION_FILES: readonly string[] = [...CONFIG_NAMES, "setup.py"];

/** The content of a plain file of one directory, by name; null if there is no such file. */
export type DirectoryReader = (name: string) => Uint8Array | null;

/** The plain files of a directory on disk. */
export function directoryReader(directory: string): DirectoryReader {
  return (name) => {
    const path = join(directory, name);
    return isFile(path) ? readOrNull(path) : null;
  };
}

function isFile(path: string): boolean {
  return statOf(path)?.isFile() ?? false;
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function readOrNull(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

/** A TOML document, or what is wrong with it; whole numbers as bigint, since `1` and `1.0` are different texts. */
function readToml(text: string): TomlTable | string {
  try {
    return parseToml(text, { integersAsBigInt: true }) as TomlTable;
  } catch (error) {
    return tomlFault(error);
  }
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

// ---------------------------------------------------------------------------------------------- digest

/** A text that is equal for equal values only, whatever the order of keys. */
function canonicalText(value: unknown): string {
  if (typeof value === "bigint") {
    return `i${value}`;
  }
  if (typeof value === "number") {
    return Object.is(value, -0) ? "f-0" : `f${value}`;
  }
  if (value instanceof Date) {
    return `d${value.toISOString()}`;
  }
  if (Array.isArray(value)) {
    return `[${value.map(canonicalText).join(",")}]`;
  }
  if (value instanceof Map) {
    return canonicalText(Object.fromEntries(value));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalText(inner)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "undefined";
}

/**
 * The part of a configuration file that pytest, or one of its plugins through pytest, can read; null if the file is as
 * good as absent. Plugins keep their own tables beside pytest's (`[tool.pytest_env]`), so names are taken by prefix.
 */
function relevantText(name: ConfigName, bytes: Uint8Array): string | null {
  const whole = () => `whole ${bytes.byteLength} ${Buffer.from(bytes).toString("base64")}`;
  const text = decode(bytes);
  if (text === null) {
    return whole();
  }
  if (name.endsWith(".toml")) {
    const document = readToml(text);
    if (typeof document === "string") {
      return whole();
    }
    if (name !== "pyproject.toml") {
      return canonicalText(document);
    }
    // the file itself is a last resort for rootdir, so it counts though nothing in it does
    const tool = document["tool"];
    const tables = isTable(tool) ? Object.entries(tool).filter(([key]) => key.startsWith("pytest")) : [];
    return canonicalText(Object.fromEntries(tables));
  }
  const sections = parseIni(text);
  if (isIniProblem(sections)) {
    return whole();
  }
  const relevant = [...sections].filter(([section]) => /^(tool:)?pytest/.test(section));
  // pytest.ini is taken even if it is empty; the other two only for their section
  return relevant.length === 0 && !name.endsWith("pytest.ini") ? null : canonicalText(new Map(relevant));
}

/**
 * The value of a `config` key: a digest over what pytest can read in one directory's configuration files, and over
 * which of them are there. `setup.py` counts as it decides on `rootdir`; conftest files have keys of their own.
 */
export function pytestConfigDigest(read: DirectoryReader): string {
  const parts: string[] = [];
  for (const name of CONFIG_NAMES) {
    const bytes = read(name);
    const text = bytes === null ? null : relevantText(name, bytes);
    if (text !== null) {
      parts.push(`${name} ${text}`);
    }
  }
  if (read("setup.py") !== null) {
    parts.push("setup.py");
  }
  return textDigest(parts.join("\n"));
}

// ---------------------------------------------------------------------------------------------- loading

type Loaded = ConfigTable | ConfigProblem | null;

function iniTable(values: ReadonlyMap<string, string> | undefined): ConfigTable | null {
  return values === undefined ? null : { mode: "ini", values };
}

function loadIni(text: string, kind: "pytest" | "generic" | "cfg"): Loaded {
  const sections = parseIni(text);
  if (isIniProblem(sections)) {
    return { problem: `line ${sections.line}: ${sections.problem}` };
  }
  if (kind === "cfg") {
    if (!sections.has("tool:pytest") && sections.has("pytest")) {
      return { problem: "a [pytest] section in setup.cfg is no longer supported, it has to be [tool:pytest]" };
    }
    return iniTable(sections.get("tool:pytest"));
  }
  return iniTable(sections.get("pytest")) ?? (kind === "pytest" ? { mode: "ini", values: new Map() } : null);
}

/** Python's `str()` of a TOML scalar, as good as pytest's options need it. */
function scalarText(value: TomlValue | bigint): string {
  if (typeof value === "boolean") {
    return value ? "True" : "False";
  }
  if (typeof value === "number") {
    return Number.isInteger(value) ? value.toFixed(1) : String(value);
  }
  return String(value);
}

/** `[tool.pytest]` and `[tool.pytest.ini_options]`. */
function toolPytest(document: TomlTable, major: number): Loaded {
  const tool = document["tool"];
  const pytest = isTable(tool) ? tool["pytest"] : undefined;
  if (!isTable(pytest)) {
    return null;
  }
  const { ini_options: iniOptions, ...native } = pytest;
  const hasNative = Object.keys(native).length > 0 && major >= 9;
  if (hasNative && isTable(iniOptions) && Object.keys(iniOptions).length > 0) {
    return { problem: "[tool.pytest] and [tool.pytest.ini_options] cannot be used together" };
  }
  if (hasNative) {
    return { mode: "toml", values: new Map(Object.entries(native) as [string, ConfigValue][]) };
  }
  if (!isTable(iniOptions)) {
    return null;
  }
  const values = Object.entries(iniOptions).map(
    ([name, value]) => [name, Array.isArray(value) ? (value as ConfigValue) : scalarText(value)] as const,
  );
  return { mode: "ini", values: new Map(values) };
}

/** `[pytest]` of a TOML file of pytest's own. */
function pytestTable(document: TomlTable, version: Version): Loaded {
  const table = document["pytest"];
  if (isTable(table)) {
    return { mode: "toml", values: new Map(Object.entries(table) as [string, ConfigValue][]) };
  }
  return isParticular(version) && Object.values(document).some((value) => !isTable(value))
    ? { problem: "options have to be in a [pytest] table" }
    : null;
}

/** Reads one configuration file as pytest does; null if it says nothing to pytest. */
function loadFile(name: string, bytes: Uint8Array, version: Version): Loaded {
  const text = decode(bytes);
  if (text === null) {
    return { problem: "it is not UTF-8" };
  }
  if (!name.endsWith(".toml")) {
    // an empty pytest.ini is taken too, and its hidden sister since pytest 9
    const kind =
      name === "pytest.ini" || (name === ".pytest.ini" && version[0] >= 9)
        ? "pytest"
        : name.endsWith(".cfg")
          ? "cfg"
          : "generic";
    return loadIni(text, kind);
  }
  const document = readToml(text);
  if (typeof document === "string") {
    return { problem: document };
  }
  if (name === "pytest.toml" || name === ".pytest.toml") {
    return pytestTable(document, version) ?? { mode: "toml", values: new Map() };
  }
  const table = toolPytest(document, version[0]);
  if (name === "pyproject.toml" || !isParticular(version)) {
    return table;
  }
  return table !== null && "pytest" in document
    ? { problem: "[pytest] and [tool.pytest] cannot be used together" }
    : (table ?? pytestTable(document, version));
}

// ---------------------------------------------------------------------------------------------- search

/** What the command line says about where the configuration is. */
export interface ConfigurationRequest {
  /** Where pytest is started, absolute; by default the first of the start directories. */
  readonly invocationDir?: string;
  /** A directory above which nothing is looked for. pytest knows no such limit: only for callers that need one. */
  readonly stop?: string;
  /** `-c`, relative to the invocation directory. */
  readonly configFile?: string | null;
  /** `--rootdir`, relative to the invocation directory. */
  readonly rootdir?: string | null;
  /** `-o name=value`. */
  readonly overrides?: ReadonlyMap<string, string>;
  /** The version of pytest, such as "8.3.5": older ones know fewer files. Unknown: the newest. */
  readonly pytestVersion?: string | null;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The configuration that pytest would use, with the values Winnow needs. */
export interface EffectiveConfiguration {
  /** Absolute. */
  readonly rootdir: string;
  /** Absolute; null if no file holds configuration. */
  readonly inifile: string | null;
  /** All values, `-o` applied. */
  readonly values: ReadonlyMap<string, ConfigValue>;
  readonly addopts: readonly string[];
  readonly testpaths: readonly string[];
  readonly pythonFiles: readonly string[];
  readonly norecursedirs: readonly string[];
  /** A coverage threshold is set in `addopts` or in coverage's own configuration. */
  readonly coverageThreshold: boolean;
  /** Directories, absolute, in which a configuration file was looked for: their `config` keys decide all the above. */
  readonly searched: readonly string[];
  /** Why pytest will not start on this configuration, in one sentence; the rest is then the best guess. */
  readonly problem: string | null;
}

const DEFAULT_PYTHON_FILES = ["test_*.py", "*_test.py"];
const DEFAULT_NORECURSEDIRS = ["*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}"];

interface Found {
  rootdir: string | null;
  inifile: string | null;
  table: ConfigTable | null;
}

/** A directory and all those above it, nearest first, up to `stop` if it is among them. */
function upwards(directory: string, stop?: string): string[] {
  const directories = [directory];
  for (let at = directory; dirname(at) !== at && at !== stop; ) {
    at = dirname(at);
    directories.push(at);
  }
  return directories;
}

function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** The deepest directory that contains all these existing paths; the invocation directory if there are none. */
function commonAncestor(invocationDir: string, paths: readonly string[]): string {
  let ancestor: string | null = null;
  for (const path of paths) {
    if (statOf(path) === undefined) {
      continue;
    }
    if (ancestor === null) {
      ancestor = path;
    } else if (!isWithin(path, ancestor)) {
      // Windows: paths on two drives have none, and pytest keeps the first
      const shared: string | undefined = upwards(ancestor).find((directory) => isWithin(path, directory));
      ancestor = shared ?? ancestor;
    }
  }
  return ancestor ?? invocationDir;
}

/** The version of pytest as two numbers. */
function versionOf(text: string | null | undefined): Version {
  const match = /^(\d+)\.(\d+)/.exec(text ?? "");
  return match === null ? NEWEST : [Number(match[1]), Number(match[2])];
}

/**
 * Finds the configuration that pytest would use.
 *
 * @param starts absolute paths of what pytest takes for its path arguments (`startPaths` of the argument profile), in
 *   order; what does not exist is left out, as pytest does. None, or the invocation directory: no path arguments.
 */
export function effectiveConfiguration(
  starts: readonly string[],
  request: ConfigurationRequest = {},
): EffectiveConfiguration {
  const startDirs = starts.flatMap((path) => {
    const stats = statOf(path);
    return stats === undefined ? [] : [stats.isDirectory() ? path : dirname(path)];
  });
  const invocationDir = request.invocationDir ?? startDirs[0] ?? process.cwd();
  const version = versionOf(request.pytestVersion);
  const [major] = version;
  const searched = new Set<string>();
  let problem: string | null = null;
  const fail = (file: string, reason: string) => {
    problem ??= `pytest cannot read its configuration in ${file}: ${reason}.`;
  };

  /** pytest's `locate_config`. */
  const locate = (starts: readonly string[]): Found => {
    let pyproject: string | null = null;
    for (const start of starts) {
      for (const directory of upwards(start, request.stop)) {
        searched.add(directory);
        for (const name of CONFIG_NAMES) {
          const file = join(directory, name);
          if (major < SINCE[name] || !isFile(file)) {
            continue;
          }
          if (name === "pyproject.toml") {
            pyproject ??= file;
          }
          const bytes = readOrNull(file);
          const table = bytes === null ? { problem: "it cannot be read" } : loadFile(name, bytes, version);
          if (table !== null && "problem" in table) {
            fail(file, table.problem);
            return { rootdir: directory, inifile: file, table: null };
          }
          if (table !== null) {
            return { rootdir: directory, inifile: file, table };
          }
        }
      }
    }
    // since pytest 8.1 any pyproject.toml marks the root, for want of better
    return pyproject !== null && atLeast(version, 8, 1)
      ? { rootdir: dirname(pyproject), inifile: pyproject, table: null }
      : { rootdir: null, inifile: null, table: null };
  };

  let found: Found;
  const rootdirArgument = request.rootdir ?? null;
  if (request.configFile) {
    const inifile = resolve(invocationDir, request.configFile);
    found = { rootdir: dirname(inifile), inifile, table: null };
    const stats = statOf(inifile);
    const bytes = stats?.isFile() ? readOrNull(inifile) : null;
    if (stats === undefined || stats.isDirectory() || (stats.isFile() && bytes === null)) {
      fail(inifile, "there is no such file");
    } else if (bytes === null && !isParticular(version)) {
      // nothing to be read, and the place of the device counts as the project's
    } else if (bytes === null) {
      // a device such as /dev/null asks for no configuration, and says nothing about where the project is
      const ancestor = commonAncestor(invocationDir, startDirs);
      found.rootdir = isFilesystemRoot(ancestor) ? invocationDir : ancestor;
    } else if (/\.(ini|cfg|toml)$/.test(inifile)) {
      const table = loadFile(basename(inifile), bytes, version);
      if (table !== null && "problem" in table) {
        fail(inifile, table.problem);
      } else {
        found.table = table;
      }
    } else if (isParticular(version)) {
      fail(inifile, "pytest knows only .ini, .cfg and .toml files");
    }
  } else {
    const ancestor = commonAncestor(invocationDir, startDirs);
    found = locate([ancestor]);
    if (found.rootdir === null && rootdirArgument === null) {
      const withSetup = upwards(ancestor, request.stop).find((directory) => isFile(join(directory, "setup.py")));
      if (withSetup !== undefined) {
        found.rootdir = withSetup;
      } else {
        if (startDirs.length !== 1 || startDirs[0] !== ancestor) {
          found = locate(startDirs.length === 0 ? [invocationDir] : startDirs);
        }
        if (found.rootdir === null) {
          const shared = commonAncestor(invocationDir, [invocationDir, ancestor]);
          found.rootdir = isFilesystemRoot(shared) ? ancestor : shared;
        }
      }
    }
  }
  let rootdir = found.rootdir ?? invocationDir;
  if (rootdirArgument !== null) {
    rootdir = resolve(invocationDir, expandVariables(rootdirArgument, request.env ?? {}));
    if (!statOf(rootdir)?.isDirectory()) {
      problem ??= `pytest's --rootdir names no directory: ${rootdir}.`;
    }
  }

  const mode = found.table?.mode ?? "ini";
  const values = new Map<string, ConfigValue>(found.table?.values);
  const overridden = new Set<string>();
  for (const [name, value] of request.overrides ?? []) {
    values.set(name, value);
    overridden.add(name);
  }
  const words = (name: string, fallback: readonly string[]): readonly string[] => {
    const value = values.get(name);
    if (value === undefined) {
      return fallback;
    }
    if (typeof value === "string" && (mode === "ini" || overridden.has(name))) {
      const split = splitShell(value);
      if (split !== null) {
        return split;
      }
    } else if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
      return value;
    }
    problem ??= `pytest cannot read the option ${name} in ${found.inifile ?? "-o"}: it has to be a list of words.`;
    return fallback;
  };
  const addopts = words("addopts", []);
  return {
    rootdir,
    inifile: found.inifile,
    values,
    addopts,
    testpaths: words("testpaths", []),
    pythonFiles: words("python_files", DEFAULT_PYTHON_FILES),
    norecursedirs: words("norecursedirs", DEFAULT_NORECURSEDIRS),
    coverageThreshold:
      addopts.some((word) => /^--cov-fail-under(=|$)/.test(word)) ||
      [...new Set([rootdir, invocationDir])].some((directory) => hasCoverageThreshold(directoryReader(directory))),
    searched: [...searched],
    problem,
  };
}

function isFilesystemRoot(path: string): boolean {
  return parsePath(path).root === path;
}

/** Python's `os.path.expandvars`, which pytest applies to `--rootdir`. */
function expandVariables(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$(\w+|\{[^}]*\})/g, (whole, name: string) => env[name.replace(/^\{|\}$/g, "")] ?? whole);
}

/** Whether coverage's own configuration in a directory sets `fail_under`; anything but a plain 0 counts. */
function hasCoverageThreshold(read: DirectoryReader): boolean {
  const counts = (value: unknown) => value !== undefined && !/^0*(\.0*)?$/.test(String(value));
  for (const [name, section] of [
    [".coveragerc", "report"],
    ["setup.cfg", "coverage:report"],
    ["tox.ini", "coverage:report"],
  ] as const) {
    const bytes = read(name);
    const text = bytes === null ? null : decode(bytes);
    // coverage reads with configparser, which is more lenient than iniconfig: so look for the line alone
    if (text?.includes(`[${section}]`)) {
      const values = [...text.matchAll(/^fail_under[ \t]*[=:][ \t]*(.*)$/gm)].map((match) => match[1]?.trim());
      if (values.some(counts)) {
        return true;
      }
    }
  }
  for (const [name, top] of [
    ["pyproject.toml", "tool"],
    [".coveragerc.toml", ""],
  ] as const) {
    const bytes = read(name);
    const text = bytes === null ? null : decode(bytes);
    if (text === null || !text.includes("fail_under")) {
      continue;
    }
    const document = readToml(text);
    if (typeof document === "string") {
      return true;
    }
    const tables = top === "" ? [document, document["tool"]] : [document[top]];
    for (const table of tables) {
      const coverage = isTable(table) ? (table["coverage"] ?? (top === "" ? table : undefined)) : undefined;
      const report = isTable(coverage) ? coverage["report"] : undefined;
      if (isTable(report) && counts(report["fail_under"])) {
        return true;
      }
    }
  }
  return false;
}
