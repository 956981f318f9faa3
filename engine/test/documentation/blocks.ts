/**
 * The fenced blocks of a page, and what an HTML comment above one says about running it:
 *
 * - `<!-- run: STATE -->` or `<!-- run: STATE, exit N -->`: in which project it runs, and how it ends; without a
 *   comment it is a recorded project, and the end is 0.
 * - `<!-- not run: REASON -->`: it cannot run in a test. Whoever reads the source sees why.
 */

export interface Block {
  /** `docs/guide.md:12`, where the fence opens. */
  readonly place: string;
  readonly language: string;
  readonly text: string;
  readonly state: string | undefined;
  readonly exit: number;
  /** Why it is not run. */
  readonly notRun: string | undefined;
}

const FENCE = /^```(.*)$/;
const RUN = /^<!-- run: (.+?)(?:, exit (\d+))? -->$/;
const NOT_RUN = /^<!-- not run: (.+) -->$/;

/** All blocks of a page, in order. */
export function blocksOf(path: string, page: string): Block[] {
  const lines = page.split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const opening = FENCE.exec(lines[at] ?? "");
    if (opening === null) {
      continue;
    }
    const above = lines[at - 1] ?? "";
    const [, state, exit] = RUN.exec(above) ?? [];
    const end = lines.findIndex((line, index) => index > at && line === "```");
    if (end < 0) {
      throw new Error(`${path}:${at + 1}: the block has no end`);
    }
    blocks.push({
      place: `${path}:${at + 1}`,
      language: opening[1] ?? "",
      text: lines.slice(at + 1, end).join("\n"),
      state,
      exit: Number(exit ?? 0),
      notRun: NOT_RUN.exec(above)?.[1],
    });
    at = end;
  }
  return blocks;
}

/** A command that a reader types, and what the page says that it prints. */
export interface Shown {
  readonly command: string;
  readonly output: readonly string[];
}

/** What a `console` block shows: commands behind `$ `, and below each its output. */
export function shownIn({ place, text }: Block): Shown[] {
  const shown: { command: string; output: string[] }[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("$ ")) {
      shown.push({ command: line.slice(2), output: [] });
    } else if (shown.length === 0) {
      throw new Error(`${place}: a console block begins with "$ " and a command`);
    } else {
      shown.at(-1)?.output.push(line);
    }
  }
  return shown;
}

/** Times, dates, sizes, and what a version of pytest has a say in; after special characters have been escaped. */
const VARYING = /\d+(?= ms| dependencies)|\d+\\\.\d+|\d{4}-\d{2}-\d{2}/g;

/**
 * What an output of that shape matches. A line that begins with an ellipsis stands for any number of lines, an ellipsis
 * elsewhere for any text; times, dates, sizes, rules and gaps may be others.
 */
export function shapeOf(output: readonly string[]): RegExp {
  const lines = output
    .filter((line) => line !== "")
    .map((line) =>
      line.startsWith("…")
        ? "(?:.*\n)*?"
        : `${line
            .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
            .replaceAll("…", ".*")
            .replace(VARYING, "[\\d.-]+")
            .replace(/={3,}/g, "=+")
            .replace(/ {2,}/g, " +")} *\n`,
    );
  return new RegExp(`^${lines.join("")}$`);
}
