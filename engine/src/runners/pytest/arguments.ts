/**
 * What a pytest command line means to Winnow.
 *
 * The arguments are read as pytest's `argparse` parser reads them (clusters, `-n4`, `-k=x`, optional values, `--`,
 * `@file`), with the options of {@link PYTEST_OPTIONS}. Whatever pytest would refuse ends in `asks`: then pytest starts
 * and says so itself.
 *
 * **Options nobody knows.** Whether `--opt` takes the bare words after it cannot be known without its plugin. So:
 * 1. the option splits the environment, together with every bare word up to the next option;
 * 2. those words that exist as files or directories are `possiblePaths`: they widen what is asked for, and never narrow
 *    it. So they are among `paths` if other words are paths for certain; otherwise `paths` is empty, which stands for
 *    all tests. Taking a value for the only path would leave tests out; taking a path for a value costs at most a
 *    start of pytest, which knows better.
 * 3. `--opt=value` is unambiguous: no word after it belongs to it.
 * Shapes that an earlier session reported (`world.shapes`) make an option known for this purpose; it still splits.
 * The environment reads differently then, so facts belong under the one computed with the shapes of their own session.
 *
 * The caller passes `addopts` in pytest's order: the ini file's first, then `PYTEST_ADDOPTS`.
 */

import { pythonLines } from "./ini.ts";
import {
  NEUTRAL_INI_OVERRIDES,
  type OptionShape,
  type PytestOption,
  pytestOption,
  SELECTING_PLUGINS,
} from "./options.ts";

/** A positional argument: a file or directory as typed, and what follows the first `::`, parameters included. */
export interface PathArgument {
  readonly path: string;
  readonly ids: string | null;
}

/** What a command line means to Winnow. Lists are canonical: independent of order, spelling and overridden options. */
export interface ArgumentProfile {
  /** Options that split the environment, as `--name`, `--name=value` or, if unknown, `--name word word`. */
  readonly environment: readonly string[];
  /**
   * No test is asked for but those under these paths (positional arguments in order, then possible ones). Empty: any
   * test may be asked for; pytest uses `testpaths`, the invocation directory, or what it makes of `possiblePaths`.
   */
  readonly paths: readonly PathArgument[];
  /** Existing files and directories that may be positional arguments or values of an unknown option (or `--pyargs`). */
  readonly possiblePaths: readonly PathArgument[];
  /**
   * The words that pytest takes for paths when it looks for its ini file: values of options that come from plugins are
   * among them, as no plugin is loaded by then (`--cov src` can move `rootdir`).
   */
  readonly startPaths: readonly string[];
  /** Options that choose or order tests, as `--name=value`. */
  readonly selection: readonly string[];
  /** The choice depends on pytest's cache: on what happened in the last run. */
  readonly stateful: boolean;
  /** Why pytest must start and Winnow stay out of the way; names of options, or a malformed argument. */
  readonly asks: readonly string[];
  readonly collectOnly: boolean;
  readonly debugger: boolean;
  /** How tests are spread over processes: xdist's `-n`, or `--dist` without it; null if they are not. */
  readonly workers: string | null;
  /** The run may end before every selected test ran. */
  readonly exitFirst: boolean;
  /** Requests for reports of the tests that ran. */
  readonly reports: readonly string[];
  /** Coverage is measured. */
  readonly coverage: boolean;
  /** The run fails below some coverage, wherever that is asked for on these lines. */
  readonly coverageThreshold: boolean;
  /** Failed tests are run again within the session. */
  readonly rerun: boolean;
  /** `-o name=value`, the last one of each name. */
  readonly overrides: ReadonlyMap<string, string>;
  /** `-c`. */
  readonly configFile: string | null;
  /** `--rootdir`. */
  readonly rootdir: string | null;
  /** Options nobody knows, for a hint to the user. */
  readonly unknown: readonly string[];
}

/** What the classification has to ask of the world. */
export interface ArgumentWorld {
  /** Whether a word, relative to the invocation directory, names a file or a directory. */
  exists(path: string): boolean;
  /** The text of an `@file` argument; null if it cannot be read. */
  readText(path: string): string | null;
  /** Shapes of options that no table knows, as an earlier session of this project reported them. */
  readonly shapes?: ReadonlyMap<string, OptionShape>;
  /** Those of {@link SELECTING_PLUGINS} whose options are Winnow's here: it has read them by itself. */
  readonly standsIn?: readonly string[];
}

/** No files and nothing learnt. */
export const EMPTY_WORLD: ArgumentWorld = { exists: () => false, readText: () => null };

/**
 * Splits a text as Python's `shlex.split` does, which pytest uses for `addopts` and `PYTEST_ADDOPTS`.
 * Null if a quotation or an escape is not closed: pytest does not start on such a text.
 */
export function splitShell(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if (quote === "'") {
      if (char === "'") {
        quote = "";
      } else {
        word += char;
      }
    } else if (char === "\\") {
      const next = text[++i];
      if (next === undefined) {
        return null;
      }
      // within double quotes a backslash is one, unless it precedes a quote or another
      word = (word ?? "") + (quote !== "" && next !== '"' && next !== "\\" ? `\\${next}` : next);
    } else if (quote !== "") {
      if (char === quote) {
        quote = "";
      } else {
        word += char;
      }
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (char === " " || char === "\t" || char === "\r" || char === "\n") {
      if (word !== null) {
        words.push(word);
        word = null;
      }
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== "") {
    return null;
  }
  if (word !== null) {
    words.push(word);
  }
  return words;
}

/** One option as it was met on the line. */
interface Met {
  /** Canonical name. */
  readonly name: string;
  /** Null for an option without a value. */
  readonly value: string | null;
  /** Undefined for an option that nobody knows. */
  readonly option: PytestOption | undefined;
  /** The words that an unknown option may have taken. */
  readonly words: readonly string[];
}

const NEGATIVE_NUMBER = /^-\d+$|^-\d*\.\d+$/;

/** How deep `@file` may refer to another one; pytest itself would recurse without end. */
const MAX_FILE_DEPTH = 20;

const LEAST_WORDS: Readonly<Record<OptionShape, number>> = { none: 0, one: 1, two: 2, optional: 0, many: 0 };
const MOST_WORDS: Readonly<Record<OptionShape, number>> = {
  none: 0,
  one: 1,
  two: 2,
  optional: 1,
  many: Number.POSITIVE_INFINITY,
};

/** A command line while it is read from left to right. */
class Line {
  readonly met: Met[] = [];
  readonly positional: string[] = [];
  readonly possible: string[] = [];
  readonly start: string[] = [];
  readonly asks: string[] = [];
  readonly unknown: string[] = [];
  readonly #world: ArgumentWorld;

  constructor(world: ArgumentWorld) {
    this.#world = world;
  }

  /** Replaces `@file` by the lines of that file, as pytest 8.2 and later do. */
  #expand(args: readonly string[], depth: number): string[] {
    return args.flatMap((arg) => {
      if (!arg.startsWith("@")) {
        return [arg];
      }
      const text = depth < MAX_FILE_DEPTH ? this.#world.readText(arg.slice(1)) : null;
      if (text === null) {
        this.asks.push(arg);
        return [];
      }
      return this.#expand(pythonLines(text), depth + 1);
    });
  }

  #known(name: string): { shape: OptionShape; option: PytestOption | undefined } | undefined {
    const option = pytestOption(name);
    if (option !== undefined) {
      return { shape: option.shape, option };
    }
    const shape = this.#world.shapes?.get(name);
    return shape === undefined ? undefined : { shape, option: undefined };
  }

  /** Whether argparse takes this word for an option, and so never for a value. */
  #isOption(word: string): boolean {
    if (word.length < 2 || !word.startsWith("-")) {
      return false;
    }
    if (this.#known(word) !== undefined || this.#known(word.split("=", 1)[0] as string) !== undefined) {
      return true;
    }
    if (!word.startsWith("--") && this.#known(word.slice(0, 2)) !== undefined) {
      return true;
    }
    return !NEGATIVE_NUMBER.test(word) && !word.includes(" ");
  }

  read(typed: readonly string[]): void {
    const args = this.#expand(typed, 0);
    let at = 0;
    /** Takes the bare words that follow, at most so many. */
    const take = (most: number): string[] => {
      const words: string[] = [];
      while (words.length < most && at < args.length) {
        const word = args[at] as string;
        if (word === "--" || this.#isOption(word)) {
          break;
        }
        words.push(word);
        at++;
      }
      return words;
    };
    const meet = (name: string, shape: OptionShape, option: PytestOption | undefined, attached: string | null) => {
      if (option === undefined) {
        this.unknown.push(name);
      }
      const canonical = option?.names[0] ?? name;
      if (shape === "none") {
        if (attached !== null) {
          this.asks.push(`${name}=${attached}`); // "ignored explicit argument": pytest refuses it
        }
        const [meant, value] = option?.means ?? [canonical, null];
        this.met.push({ name: meant, value, option, words: [] });
        return;
      }
      const words = attached === null ? take(MOST_WORDS[shape]) : [attached];
      if (attached === null && (option === undefined || option.plugin !== undefined)) {
        this.start.push(...words);
      }
      if (words.length < LEAST_WORDS[shape]) {
        this.asks.push(name); // "expected one argument": pytest refuses it
      }
      this.met.push({ name: canonical, value: words.length === 0 ? null : words.join(" "), option, words: [] });
    };
    const meetUnknown = (text: string) => {
      const [name = text] = text.split("=", 1);
      const words = text.includes("=") ? [] : take(Number.POSITIVE_INFINITY);
      this.unknown.push(name);
      this.met.push({ name: text, value: null, option: undefined, words });
      this.start.push(...words);
      this.possible.push(...words.filter((word) => this.#world.exists(parsePath(word).path)));
    };

    while (at < args.length) {
      const arg = args[at++] as string;
      if (arg === "--") {
        this.positional.push(...args.slice(at));
        this.start.push(...args.slice(at));
        return;
      }
      if (arg.length < 2 || !arg.startsWith("-")) {
        this.positional.push(arg);
        this.start.push(arg);
        continue;
      }
      const exact = this.#known(arg);
      if (exact !== undefined) {
        meet(arg, exact.shape, exact.option, null);
        continue;
      }
      const equals = arg.indexOf("=");
      const before = equals < 0 ? arg : arg.slice(0, equals);
      const withValue = equals < 0 ? undefined : this.#known(before);
      if (withValue !== undefined) {
        meet(before, withValue.shape, withValue.option, arg.slice(equals + 1));
        continue;
      }
      if (arg.startsWith("--")) {
        meetUnknown(arg);
        continue;
      }
      // A cluster: `-xvs`, `-n4`, `-xkexpr`. The first letter that takes a value takes the rest.
      let rest = arg.slice(1);
      while (rest !== "") {
        const name = `-${rest[0]}`;
        const known = this.#known(name);
        if (known === undefined) {
          meetUnknown(`-${rest}`);
          break;
        }
        rest = rest.slice(1);
        if (known.shape !== "none") {
          meet(name, known.shape, known.option, rest === "" ? null : rest);
          break;
        }
        meet(name, "none", known.option, null);
      }
    }
  }
}

/** Splits `tests/test_a.py::Class::test[x::y]` at the first `::`. */
function parsePath(argument: string): PathArgument {
  const at = argument.indexOf("::");
  return at < 0 ? { path: argument, ids: null } : { path: argument.slice(0, at), ids: argument.slice(at + 2) };
}

function written(name: string, value: string | null): string {
  return value === null ? name : `${name}=${value}`;
}

/** Only what counts of repeated options, ordered by name; options that may come repeatedly keep their own order. */
function canonical(met: readonly Met[]): string[] {
  const byName = new Map<string, string[]>();
  for (const { name, value, option, words } of met) {
    const text = words.length === 0 ? written(name, value) : [name, ...words].join(" ");
    // what an unknown option does when repeated is unknown too: all of them count
    const all = option === undefined || option.repeat === "all";
    const key = option === undefined ? (name.split("=", 1)[0] as string) : name;
    byName.set(key, all ? [...(byName.get(key) ?? []), text] : [text]);
  }
  return [...byName.keys()].sort().flatMap((name) => byName.get(name) ?? []);
}

/** The last value of an option, null if it is not on the line. */
function last(met: readonly Met[], name: string): string | null {
  return met.findLast((one) => one.name === name)?.value ?? null;
}

/** `-o` overrides: the last one of each name. */
function readOverrides(met: readonly Met[]): Map<string, string> {
  const overrides = new Map<string, string>();
  for (const { name, value } of met) {
    const at = value?.indexOf("=") ?? -1;
    if (name === "--override-ini" && value !== null && at >= 0) {
      overrides.set(value.slice(0, at), value.slice(at + 1));
    }
  }
  return overrides;
}

/** Reads pytest arguments, as typed and from `addopts`, both already split into words. */
export function classifyArguments(
  args: readonly string[],
  addopts: readonly string[] = [],
  world: ArgumentWorld = EMPTY_WORLD,
): ArgumentProfile {
  const line = new Line(world);
  line.read([...addopts, ...args]);
  const isSelecting = ({ option }: Met): boolean => SELECTING_PLUGINS.includes(option?.plugin ?? "");
  const met = line.met.filter(({ option }) => world.standsIn?.includes(option?.plugin ?? "") !== true);
  const names = new Set(met.map((one) => one.name));
  const ofRole = (...roles: string[]) =>
    met.filter((one) => one.option !== undefined && roles.includes(one.option.role));

  const overrides = readOverrides(met);
  const environment = canonical(
    met.filter(
      (one) => one.name !== "--override-ini" && (one.option === undefined || one.option.role === "environment"),
    ),
  );
  for (const [name, value] of overrides) {
    if (!NEUTRAL_INI_OVERRIDES.has(name)) {
      environment.push(`--override-ini=${name}=${value}`);
    }
  }
  environment.sort((one, other) => {
    const [a, b] = [nameOf(one), nameOf(other)];
    return a < b ? -1 : a > b ? 1 : 0;
  });

  const asks = [...line.asks, ...ofRole("asks").map((one) => one.name)];
  if (met.some((one) => one.name === "--override-ini" && one.value !== null && !one.value.includes("="))) {
    asks.push("--override-ini"); // "expects option=value style": pytest refuses it
  }
  // `-k ""` and `-m ""` are how people undo what addopts says
  const selection = canonical(ofRole("selection")).filter((text) => text !== "-k=" && text !== "-m=");
  const stateful = ["--lf", "--sw", "--sw-skip", "--sw-reset"].some((name) => names.has(name)) || met.some(isSelecting);

  const processes = last(met, "--numprocesses");
  const dist = last(met, "--dist");
  const workers =
    processes !== null && processes !== "0" ? processes : processes === null && dist !== "no" ? dist : null;

  // With --pyargs a bare word is first looked for as a module: what it stands for is for pytest to say.
  const pyargs = names.has("--pyargs");
  const paths = line.positional.map(parsePath);
  const possible = line.possible.map(parsePath);
  const maxfail = last(met, "--maxfail");
  return {
    environment,
    paths: pyargs || paths.length === 0 ? [] : [...paths, ...possible],
    possiblePaths: pyargs ? [...paths, ...possible] : possible,
    startPaths: line.start.map((word) => parsePath(word).path),
    selection,
    stateful,
    asks: [...new Set(asks)],
    collectOnly: names.has("--collect-only"),
    debugger: ["--pdb", "--trace"].some((name) => names.has(name)),
    workers,
    exitFirst:
      (maxfail !== null && maxfail !== "0") || ["--sw", "--sw-skip", "--sw-reset"].some((name) => names.has(name)),
    reports: canonical(ofRole("report")),
    coverage: names.has("--cov") && !names.has("--no-cov"),
    coverageThreshold: names.has("--cov-fail-under"),
    rerun: ["--reruns", "--force-reruns"].some((name) => names.has(name) && last(met, name) !== "0"),
    overrides,
    configFile: last(met, "--config-file"),
    rootdir: last(met, "--rootdir"),
    unknown: [...new Set(line.unknown)],
  };
}

/** The name of an entry of a canonical list; `-o` overrides count with the name of their ini option. */
function nameOf(text: string): string {
  const parts = text.startsWith("--override-ini=") ? 2 : 1;
  return text.split(/[= ]/, parts).join("=");
}
