/** What the user asked for: the project, the place, pytest's arguments, and what they mean. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { WinnowError } from "../model/error.ts";
import type { Since } from "../model/since.ts";
import { type ArgumentProfile, classifyArguments, splitShell } from "../runners/pytest/arguments.ts";
import { type EffectiveConfiguration, effectiveConfiguration } from "../runners/pytest/configuration.ts";
import { isInside } from "../selection/scope.ts";

export interface Request {
  /** The project's root: where `.winnow/` is. Absolute. */
  readonly root: string;
  /** Where pytest is started. Absolute, in the root. */
  readonly cwd: string;
  /** pytest's arguments as typed. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** `--python`. */
  readonly python: string | undefined;
  /** The meaning of the typed arguments and of PYTEST_ADDOPTS. */
  readonly profile: ArgumentProfile;
  /** The meaning of all arguments, those of the configuration's `addopts` included. */
  readonly fullProfile: ArgumentProfile;
  readonly configuration: EffectiveConfiguration;
  /** Why pytest will refuse to start, so that it has to say so itself; null if nothing is known against it. */
  readonly refusal: string | null;
  /** Paths asked for (typed, or in `addopts`) relative to the root; empty: whatever pytest collects on its own. */
  readonly paths: readonly { readonly path: string; readonly ids: string | null }[];
  /** Canonical text of what chooses files and tests (`-k`, `-m`, `python_files`…): part of what a store row is about. */
  readonly selection: string;
  /** Canonical text of the typed paths, or of `testpaths`. */
  readonly requestKey: string;
  /** Winnow's own configuration. */
  readonly config: Config;
  /** What `--also` adds to the selection. */
  readonly also: Also;
  /** The earlier state that is asked about: what ran since then does not count. */
  readonly since: Since | undefined;
  /** Whether declared commands may be run. */
  readonly allowCommands: boolean;
  /** Whether pytest finds modules in the directory in which it is started, as `python -m pytest` does and `pytest` does not. */
  readonly searchesCwd: boolean;
  /** How Python was started, where that may change outcomes and is not as usual. */
  readonly interpreterOptions: readonly string[];
}

export interface Also {
  /** Relative to the root. */
  readonly paths: Request["paths"];
  /** What stands after `-k`. */
  readonly expressions: readonly string[];
}

const ROOT_FILES = [
  "pytest.ini",
  ".pytest.ini",
  "pytest.toml",
  ".pytest.toml",
  "pyproject.toml",
  "tox.ini",
  "setup.cfg",
  "setup.py",
  "winnow.toml",
];

/**
 * The root of the project that a directory belongs to: the nearest directory upwards that has a store, or one of the
 * files that pytest, a build or Winnow would begin with, but not beyond its git repository; else that repository, else the
 * directory itself.
 */
export function findRoot(directory: string): string {
  for (let at = directory; ; at = dirname(at)) {
    const marks = [join(".winnow", "store.db"), ...ROOT_FILES];
    if (marks.some((name) => existsSync(join(at, name))) || existsSync(join(at, ".git"))) {
      return at;
    }
    if (dirname(at) === at) {
      return directory;
    }
  }
}

export interface RequestOptions {
  readonly cwd: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly python?: string | undefined;
  readonly config: Config;
  /** Paths, node ids, and expressions after `-k`, as typed. */
  readonly also?: readonly string[];
  readonly allowCommands?: boolean;
  readonly searchesCwd?: boolean;
  /** Plugins that leave out tests, and whose options are Winnow's here. */
  readonly standsIn?: readonly string[];
  /** How Python was started, where that may change outcomes and is not as usual. */
  readonly interpreterOptions?: readonly string[];
}

/** Reads the request. `cwd` must exist. Throws a {@link WinnowError} for an `--also` that names nothing. */
export function makeRequest(options: RequestOptions): Request {
  const request = requestOf(options);
  const missing = uncovered(request);
  // What `--also` names has to be collected as well: the same as if it were typed among pytest's own paths.
  return missing.length === 0 ? request : requestOf({ ...options, args: [...options.args, ...missing] });
}

function requestOf(options: RequestOptions): Request {
  const { args, env } = options;
  const cwd = resolve(options.cwd);
  const root = findRoot(cwd);
  const world = {
    standsIn: options.standsIn ?? [],
    exists: (path: string): boolean => existsSync(resolve(cwd, path)),
    readText: (path: string): string | null => {
      try {
        return readFileSync(resolve(cwd, path), "utf8");
      } catch {
        return null;
      }
    },
  };
  const fromEnvironment = splitShell(env["PYTEST_ADDOPTS"] ?? "");
  const profile = classifyArguments(args, fromEnvironment ?? [], world);
  const starts = profile.startPaths.map((path) => resolve(cwd, path));
  const configuration = effectiveConfiguration(starts, {
    invocationDir: cwd,
    configFile: profile.configFile,
    rootdir: profile.rootdir,
    overrides: profile.overrides,
    env,
  });
  const fullProfile = classifyArguments(args, [...configuration.addopts, ...(fromEnvironment ?? [])], world);
  const paths = fullProfile.paths.map(({ path, ids }) => ({ path: toProjectPath(root, resolve(cwd, path)), ids }));
  return {
    root,
    cwd,
    args,
    env,
    python: options.python,
    profile,
    fullProfile,
    configuration,
    refusal: fromEnvironment === null ? "PYTEST_ADDOPTS has a quotation that is not closed" : configuration.problem,
    paths,
    // What pytest walks and takes for a test file is known for these settings only: they may change, and change back.
    selection: JSON.stringify([
      profile.selection,
      toProjectPath(root, cwd),
      configuration.pythonFiles.map(String),
      configuration.norecursedirs.map(String),
    ]),
    requestKey: requestKeyOf(paths, cwd, configuration),
    config: options.config,
    also: readAlso(root, cwd, options.also ?? []),
    since: undefined,
    allowCommands: options.allowCommands ?? false,
    searchesCwd: options.searchesCwd ?? true,
    interpreterOptions: options.interpreterOptions ?? [],
  };
}

/** Typed paths; where there are none, those of the settings, which may change, and change back. */
function requestKeyOf(paths: Request["paths"], cwd: string, { rootdir, testpaths }: EffectiveConfiguration): string {
  return paths.length === 0 && cwd === rootdir && testpaths.length > 0
    ? JSON.stringify({ testpaths })
    : JSON.stringify([...new Set(paths.map(({ path }) => path))].sort());
}

function readAlso(root: string, cwd: string, words: readonly string[]): Also {
  const expressions = words.filter((word) => word.startsWith("-k")).map((word) => word.slice(2).trim());
  const paths = words
    .filter((word) => !word.startsWith("-k"))
    .map((word) => {
      const cut = word.indexOf("::");
      const file = resolve(cwd, cut < 0 ? word : word.slice(0, cut));
      if (!existsSync(file)) {
        throw new WinnowError(
          "usage",
          `--also names ${word}, and there is no ${file}`,
          "Give a path, a node id, or -k EXPRESSION.",
        );
      }
      return { path: toProjectPath(root, file), ids: cut < 0 ? null : word.slice(cut + 2) };
    });
  return { paths, expressions };
}

/** Paths of `--also` that pytest would not come by, and what it has to be given with them so that it collects no less. */
function uncovered({ root, cwd, paths, also, configuration }: Request): string[] {
  const { rootdir, testpaths } = configuration;
  const typed = (path: string): string => relative(cwd, join(root, path)) || ".";
  // Where nothing is typed, pytest takes `testpaths` if it is started in its rootdir, else the current directory.
  const own = cwd === rootdir ? testpaths : [];
  const roots =
    paths.length > 0
      ? paths
      : (own.length === 0 ? ["."] : own).map((path) => ({ path: toProjectPath(root, resolve(cwd, path)), ids: null }));
  const missing = also.paths.filter(
    ({ path, ids }) =>
      !roots.some((one) => isInside(path, one.path) && (one.ids === null || (one.ids === ids && one.path === path))),
  );
  if (missing.length === 0) {
    return [];
  }
  if (paths.length === 0 && own.some((path) => /[*?[]/.test(path))) {
    throw new WinnowError(
      "usage",
      `--also names what pytest does not collect here (testpaths: ${own.join(" ")})`,
      "Give pytest all paths after `--`, these among them.",
    );
  }
  const before = paths.length > 0 ? [] : roots.map(({ path }) => typed(path));
  return [...before, ...missing.map(({ path, ids }) => typed(path) + (ids === null ? "" : `::${ids}`))];
}

/**
 * Under which name it is kept that a file is none of a request's. Whether pytest collects a file depends on what it was
 * asked for, so that unlike a selection this counts for one list of paths only.
 */
export function absenceKey({ selection, requestKey }: Pick<Request, "selection" | "requestKey">): string {
  return JSON.stringify(["absent", selection, requestKey]);
}

/** An absolute path as the project writes it: relative to the root, with "/"; "" is the root. */
export function toProjectPath(root: string, absolute: string): string {
  return relative(root, absolute).replaceAll("\\", "/");
}

/** Whether a project path is there. */
export function isThere(root: string, path: string): boolean {
  try {
    return statSync(join(root, path), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
