/**
 * Reads a scenario: a Markdown file that shows a project, edits of it, and the tests that must run after each edit.
 *
 * The format is described in scenarios/README.md. The reader is strict on purpose: a misspelt annotation, an edit that
 * does not apply or a block that nobody reads is an error with the line's number, never silently ignored prose.
 */

/** A file of a scenario's project: its text and how it is encoded. */
export interface ProjectFile {
  readonly text: string;
  readonly crlf: boolean;
  readonly bom: boolean;
  readonly latin1: boolean;
}

/** One thing that happens to the project before a run. */
export type Operation =
  /** `now`: the file gets the real time, as from an editor, instead of the scenario's clock. */
  | { readonly op: "write"; readonly path: string; readonly file: ProjectFile; readonly now: boolean }
  | { readonly op: "delete"; readonly path: string }
  | { readonly op: "rename"; readonly path: string; readonly to: string }
  | { readonly op: "touch"; readonly path: string };

/** `NAME=value pytest ARGS…` */
export interface Command {
  readonly environment: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

/** A reason as the scenario writes it: `body-changed shop/price.py: gross`. */
export interface ExpectedReason {
  readonly kind: string;
  readonly target: string;
}

export interface ExpectedTest {
  /** A node id; a file's path for all tests of the file; "*" for all tests. */
  readonly id: string;
  /** Any of these; empty where the scenario does not say. */
  readonly reasons: readonly ExpectedReason[];
}

export interface Expectation {
  /** Other tests may run too. */
  readonly atLeast: boolean;
  readonly tests: readonly ExpectedTest[];
  /** Set where no test runs, though pytest has to be asked: the reason. */
  readonly asked: readonly ExpectedReason[] | null;
}

export interface Step {
  /** The line of the `selected` block, or of the first edit for the implied first run. */
  readonly line: number;
  /** First and last+1 line index of the body of the `selected` block; null for the implied first run. */
  readonly body: readonly [number, number] | null;
  readonly operations: readonly Operation[];
  readonly command: Command;
  readonly selected: Expectation;
  /** Tests that must not run, for an `at-least` block. */
  readonly upToDate: readonly string[];
  /** Tests that need not run but still do: known coarseness. */
  readonly mayRun: readonly string[];
  /** Every test that runs without passing, or null where the scenario does not say. */
  readonly outcomes: ReadonlyMap<string, string> | null;
  /** The exit code, where the scenario says. */
  readonly exit: number | null;
  /** The project as this step's run sees it. */
  readonly state: ReadonlyMap<string, ProjectFile>;
}

/** How the tests of a scenario are ordered; `parallel` is pytest-xdist with two workers. */
export const ORDERS = ["collected", "reversed", "shuffled", "parallel"] as const;
export type Order = (typeof ORDERS)[number];

export interface Scenario {
  /** The path below scenarios/, without ".md". */
  readonly name: string;
  readonly title: string;
  /** Distributions that must be installed. */
  readonly needs: readonly string[];
  /** The oldest Python, as "3.12"; empty if any. */
  readonly python: string;
  readonly orders: readonly Order[];
  /** Whether the scenario says nothing of orders, so that any must do. */
  readonly anyOrder: boolean;
  readonly steps: readonly Step[];
}

/** The prefix of files that stand in the interpreter's site-packages instead of the project. */
export const SITE = "<site>/";

export function isOrder(word: string): word is Order {
  return (ORDERS as readonly string[]).includes(word);
}

/** The bytes of a file. */
export function encode(file: ProjectFile): Uint8Array {
  const text = file.crlf ? file.text.replaceAll("\n", "\r\n") : file.text;
  const body = Buffer.from(text, file.latin1 ? "latin1" : "utf8");
  return file.bom ? Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body]) : body;
}

const KNOWN_KEYS = new Set(["needs", "python", "orders"]);
const FLAGS = new Set(["crlf", "lf", "bom", "no bom", "latin-1", "utf-8"]);
const ACTIONS = new Set(["edit", "new", "delete", "touch", "empty", "undo", "as at first", "now"]);
const PLAIN: ProjectFile = { text: "", crlf: false, bom: false, latin1: false };
const EVERYTHING: Expectation = { atLeast: false, tests: [{ id: "*", reasons: [] }], asked: null };

interface Fence {
  readonly info: string;
  readonly body: string;
  readonly first: number;
  readonly end: number;
}

/** Parses one scenario; throws an Error that names the line. */
export function parseScenario(name: string, markdown: string): Scenario {
  const lines = markdown.split("\n");
  let at = 0;
  const fail = (message: string, line = at): never => {
    throw new Error(`scenarios/${name}.md:${line + 1}: ${message}`);
  };

  const front = new Map<string, string>();
  if (lines[0] === "---") {
    for (at = 1; at < lines.length && lines[at] !== "---"; at++) {
      const match = /^([a-z]+): *(.+)$/.exec(lines[at] ?? "");
      if (!match?.[1] || !match[2] || !KNOWN_KEYS.has(match[1])) {
        fail(`unknown front matter "${lines[at]}"`);
        continue;
      }
      front.set(match[1], match[2]);
    }
    at++;
  }

  let title = "";
  let state = new Map<string, ProjectFile>();
  let first: ReadonlyMap<string, ProjectFile> | null = null;
  const history = new Map<string, (ProjectFile | null)[]>();
  const steps: Step[] = [];
  let operations: Operation[] = [];
  let always: Command = { environment: {}, args: [] };
  let once: Command | null = null;
  let open: {
    line: number;
    body: [number, number];
    selected: Expectation;
    outcomes: Map<string, string> | null;
    exit: number | null;
    upToDate: string[];
    mayRun: string[];
  } | null = null;

  /** Ends the step whose blocks have been read; without a block it is the implied first run of everything. */
  const close = (): void => {
    if (open === null && steps.length > 0) {
      return;
    }
    steps.push({
      line: (open?.line ?? at) + 1,
      body: open?.body ?? null,
      operations,
      command: once === null ? always : join(always, once),
      selected: open?.selected ?? EVERYTHING,
      upToDate: open?.upToDate ?? [],
      mayRun: open?.mayRun ?? [],
      outcomes: open?.outcomes ?? null,
      exit: open?.exit ?? null,
      state: new Map(state),
    });
    first ??= new Map(state);
    operations = [];
    once = null;
    open = null;
  };

  const set = (path: string, file: ProjectFile, now: boolean): void => {
    remember(path);
    state.set(path, file);
    operations.push({ op: "write", path, file, now });
  };
  const remember = (path: string): void => {
    const past = history.get(path) ?? [];
    past.push(state.get(path) ?? null);
    history.set(path, past);
  };
  const remove = (path: string): void => {
    if (path.endsWith("/")) {
      const below = [...state.keys()].filter((each) => each.startsWith(path));
      if (below.length === 0) {
        fail(`there is no ${path} to delete`);
      }
      for (const each of below) {
        remove(each);
      }
      return;
    }
    if (!state.has(path)) {
      fail(`there is no ${path} to delete`);
    }
    remember(path);
    state.delete(path);
    operations.push({ op: "delete", path });
  };
  const rename = (path: string, to: string): void => {
    const moved = path.endsWith("/")
      ? [...state.keys()].filter((each) => each.startsWith(path)).map((each) => [each, to + each.slice(path.length)])
      : [[path, to]];
    if (moved.length === 0) {
      fail(`there is no ${path} to rename`);
    }
    for (const [from, target] of moved as [string, string][]) {
      const file = state.get(from) ?? fail(`there is no ${from} to rename`);
      remember(from);
      remember(target);
      state.delete(from);
      state.set(target, file);
    }
    operations.push({ op: "rename", path, to });
  };

  const readFence = (): Fence => {
    const opening = /^(`{3,})(.*)$/.exec(lines[at] ?? "");
    const ticks = opening?.[1] ?? fail("a fenced block must follow");
    const start = at + 1;
    for (at = start; at < lines.length && lines[at] !== ticks; at++);
    if (at >= lines.length) {
      fail("this fenced block has no end", start - 1);
    }
    const body = lines.slice(start, at);
    at++;
    return {
      info: (opening?.[2] ?? "").trim(),
      body: body.length === 0 ? "" : `${body.join("\n")}\n`,
      first: start,
      end: at - 1,
    };
  };
  const nextFence = (): Fence => {
    while (at < lines.length && lines[at]?.trim() === "") {
      at++;
    }
    return readFence();
  };

  /** A line such as: `shop/price.py` (edit): */
  const readFiles = (paths: string[], annotation: string, colon: boolean): void => {
    const line = at - 1;
    const renamed = /^rename to `([^`]+)`$/.exec(annotation);
    const words = annotation === "" || renamed ? [] : annotation.split(/, */);
    for (const word of words) {
      if (!FLAGS.has(word) && !ACTIONS.has(word)) {
        fail(`unknown annotation "${word}"`, line);
      }
    }
    const has = (word: string): boolean => words.includes(word);
    const isOperation = renamed || words.some((word) => ACTIONS.has(word) && word !== "empty");
    if (open !== null) {
      close();
    } else if (isOperation && steps.length === 0) {
      close();
    }
    if (steps.length > 0 && !isOperation) {
      fail("after the first run a file must be said to be (new) or an (edit)", line);
    }
    const flagged = (file: ProjectFile): ProjectFile => ({
      text: file.text,
      crlf: has("crlf") || (file.crlf && !has("lf")),
      bom: has("bom") || (file.bom && !has("no bom")),
      latin1: has("latin-1") || (file.latin1 && !has("utf-8")),
    });

    if (renamed?.[1]) {
      for (const path of paths) {
        rename(path, renamed[1]);
      }
      return;
    }
    if (has("delete")) {
      for (const path of paths) {
        remove(path);
      }
      return;
    }
    if (has("touch")) {
      for (const path of paths) {
        const below = path.endsWith("/") ? [...state.keys()].filter((each) => each.startsWith(path)) : [path];
        for (const each of path === "./" ? state.keys() : below) {
          operations.push({ op: "touch", path: each });
        }
      }
      return;
    }
    if (has("undo") || has("as at first")) {
      for (const path of paths) {
        const before = has("undo") ? history.get(path)?.at(-1) : (first?.get(path) ?? null);
        if (before === undefined) {
          fail(`${path} has not been edited`, line);
        } else if (before === null) {
          remove(path);
        } else {
          set(path, before, has("now"));
        }
      }
      return;
    }
    if (has("empty")) {
      for (const path of paths) {
        if (state.has(path) !== has("edit")) {
          fail(state.has(path) ? `${path} is there already` : `there is no ${path} to edit`, line);
        }
        set(path, flagged(PLAIN), false);
      }
      return;
    }
    const path = paths[0] ?? fail("no path", line);
    if (paths.length > 1) {
      fail("several paths with one content", line);
    }
    const before = state.get(path);
    if (has("edit") !== (before !== undefined)) {
      fail(before ? `${path} is there already: (edit)?` : `there is no ${path} to edit`, line);
    }
    if (before && words.some((word) => FLAGS.has(word)) && !colon) {
      set(path, flagged(before), has("now"));
      return;
    }
    const fence = nextFence();
    const base = before ?? PLAIN;
    let text = fence.body;
    if (before && fence.info === "diff") {
      try {
        text = patch(before.text, fence.body);
      } catch (error) {
        fail(`the edit of ${path} does not apply: ${(error as Error).message}`, line);
      }
    }
    if (before && text === before.text && words.every((word) => !FLAGS.has(word))) {
      fail(`the edit of ${path} changes nothing`, line);
    }
    set(path, flagged({ ...base, text }), has("now"));
  };

  while (at < lines.length) {
    const line = lines[at] ?? "";
    if (line.startsWith("# ") && title === "") {
      title = line.slice(2).trim();
      at++;
    } else if (line.startsWith("```")) {
      const start = at;
      const fence = readFence();
      const [word, ...rest] = fence.info.split(/ +/);
      if (word === "run") {
        if (open !== null) {
          close();
        }
        try {
          const command = parseCommand(fence.body);
          if (rest[0] === "always") {
            always = command;
          } else {
            once = command;
          }
        } catch (error) {
          fail((error as Error).message, start);
        }
      } else if (word === "selected") {
        if (open !== null) {
          close();
        }
        try {
          open = {
            line: start,
            body: [fence.first, fence.end],
            selected: parseSelected(fence.body, rest[0] === "at-least"),
            outcomes: null,
            exit: null,
            upToDate: [],
            mayRun: [],
          };
        } catch (error) {
          fail((error as Error).message, start);
        }
      } else if (word === "outcome") {
        const step = open ?? fail("an outcome without a selection", start);
        step.outcomes = new Map();
        for (const entry of fence.body.split("\n").filter((each) => each !== "")) {
          const exit = /^exit (\d+)$/.exec(entry);
          const [id, outcome] = entry.split(/ {2,}/);
          if (exit?.[1]) {
            step.exit = Number(exit[1]);
          } else if (id && outcome) {
            step.outcomes.set(id, outcome);
          } else {
            fail(`no outcome in "${entry}"`, start);
          }
        }
      } else if (word === "up-to-date" || word === "may-run") {
        const step = open ?? fail(`${word} without a selection`, start);
        const ids = fence.body.split("\n").filter((each) => each !== "");
        step[word === "may-run" ? "mayRun" : "upToDate"].push(...ids.map((id) => (id === "all" ? "*" : id)));
      } else {
        fail(`a block that nothing introduces: \`\`\`${fence.info}`, start);
      }
    } else {
      const match = /^((?:`[^`]+`(?:, *)?)+)(?: \((.*)\))?(:?)$/.exec(line.trim());
      at++;
      if (match?.[1]) {
        const paths = [...match[1].matchAll(/`([^`]+)`/g)].map((each) => each[1] ?? "");
        readFiles(paths, match[2] ?? "", match[3] === ":");
      }
    }
  }
  if (open !== null) {
    close();
  }
  if (operations.length > 0) {
    fail("edits without a selected block after them");
  }
  if (steps.length === 0 || title === "") {
    fail("no title, or no selected block", 0);
  }
  if (steps.length === 1 && steps[0]?.body === null) {
    fail("no selected block", 0);
  }
  const orders = (front.get("orders") ?? "collected").split(/, */);
  for (const order of orders) {
    if (!isOrder(order)) {
      fail(`unknown order "${order}"`, 0);
    }
  }
  state = new Map();
  return {
    name,
    title,
    needs: front.get("needs")?.split(/, */) ?? [],
    python: front.get("python") ?? "",
    orders: orders.filter(isOrder),
    anyOrder: !front.has("orders"),
    steps,
  };
}

/** The body of a `selected` block. */
export function parseSelected(body: string, atLeast: boolean): Expectation {
  const tests: ExpectedTest[] = [];
  let asked: ExpectedReason[] | null = null;
  let none = false;
  for (const line of body.split("\n").filter((each) => each.trim() !== "")) {
    const [id = "", ...rest] = line.split(/ {2,}/);
    const reasons = rest
      .join("  ")
      .split("|")
      .map((each) => each.trim())
      .filter((each) => each !== "")
      .map(parseReason);
    if (id === "none") {
      none = true;
      asked = reasons.length > 0 ? reasons : null;
    } else {
      tests.push({ id: id === "all" ? "*" : id, reasons });
    }
  }
  if (none === tests.length > 0) {
    throw new Error('a selected block needs tests, "all" or "none", and not both');
  }
  return { atLeast, tests, asked };
}

function parseReason(text: string): ExpectedReason {
  const match = /^([a-z-]+)(?: (.+))?$/.exec(text);
  if (!match?.[1]) {
    throw new Error(`"${text}" is no reason`);
  }
  return { kind: match[1], target: match[2] ?? "" };
}

/** Applies a fragment of a diff: each hunk's old lines must occur exactly once in the text, one after another. */
export function patch(text: string, diff: string): string {
  let result = text;
  for (const hunk of hunks(diff)) {
    const before = hunk.before.join("");
    const index = `\n${result}`.indexOf(`\n${before}`);
    if (before === "") {
      throw new Error("added lines without a line to stand beside");
    }
    if (index < 0) {
      throw new Error(`not found: ${JSON.stringify(before)}`);
    }
    if (`\n${result}`.indexOf(`\n${before}`, index + 1) >= 0) {
      throw new Error(`found more than once: ${JSON.stringify(before)}`);
    }
    result = result.slice(0, index) + hunk.after.join("") + result.slice(index + before.length);
  }
  return result;
}

/**
 * A hunk ends at an empty line, and where a removed or context line follows an added one: so every removed line is
 * replaced by the added lines that follow it, wherever it stands in the file.
 */
function hunks(diff: string): { before: string[]; after: string[] }[] {
  const all: { before: string[]; after: string[] }[] = [];
  let before: string[] = [];
  let after: string[] = [];
  let added = false;
  const end = (): void => {
    if (before.length + after.length > 0) {
      all.push({ before, after });
    }
    before = [];
    after = [];
    added = false;
  };
  for (const line of diff.split("\n")) {
    const rest = `${line.slice(1)}\n`;
    if (line === "") {
      end();
    } else if (line.startsWith("+")) {
      after.push(rest);
      added = true;
    } else if (line.startsWith("-") || line.startsWith(" ")) {
      if (added && before.length > 0) {
        end();
      }
      before.push(rest);
      if (line.startsWith(" ")) {
        after.push(rest);
      }
    } else {
      throw new Error(`a line of a diff starts with "-", "+" or a space: ${line}`);
    }
  }
  end();
  return all;
}

/** `NAME=value pytest ARGS…`, words split as a shell does, without expansions. */
export function parseCommand(text: string): Command {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (const char of text.trim()) {
    if (quote !== "") {
      if (char === quote) {
        quote = "";
      } else {
        word += char;
      }
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== null) {
        words.push(word);
      }
      word = null;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (word !== null) {
    words.push(word);
  }
  const start = words.indexOf("pytest");
  if (start < 0 || quote !== "") {
    throw new Error('a run block reads "NAME=value pytest ARGUMENTS"');
  }
  const environment: Record<string, string> = {};
  for (const each of words.slice(0, start)) {
    const cut = each.indexOf("=");
    if (cut < 1) {
      throw new Error(`"${each}" before pytest is no NAME=value`);
    }
    environment[each.slice(0, cut)] = each.slice(cut + 1);
  }
  return { environment, args: words.slice(start + 1) };
}

function join(one: Command, other: Command): Command {
  return { environment: { ...one.environment, ...other.environment }, args: [...one.args, ...other.args] };
}
