/**
 * One line that says how far long work has come, written over itself and gone when something else is printed. Terminals
 * only; spaces wipe it, because escape sequences are not wanted everywhere.
 */

import type { Progress, Work } from "../pipeline/progress.ts";
import { count, digits } from "./numbers.ts";

/** Work that lasts less is not told of. */
const PATIENCE_MS = 400;
const REDRAW_MS = 100;
/** So many tests take long to record, and the first thing done for them says nothing before its end. */
const MANY_TESTS = 2000;

const NOUNS: Readonly<Record<Work, readonly [doing: string, noun: string]>> = {
  look: ["looking at", "file"],
  split: ["splitting", "changed source"],
  record: ["recording", "test"],
};

export interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Whether lines can be written over here. */
export function isInteractive({ isTTY }: Terminal, env: NodeJS.ProcessEnv): boolean {
  return isTTY === true && env["TERM"] !== "dumb";
}

export class ProgressLine {
  readonly #write: (text: string) => void;
  readonly #terminal: Terminal;
  readonly #name: string;
  readonly #now: () => number;
  #work: Work | undefined;
  #since = 0;
  #drawn = Number.NEGATIVE_INFINITY;
  #width = 0;

  /** `name`: what stands in front, styled or not. */
  constructor(
    write: (text: string) => void,
    terminal: Terminal,
    name: string,
    now: () => number = () => performance.now(),
  ) {
    this.#write = write;
    this.#terminal = terminal;
    this.#name = name;
    this.#now = now;
  }

  show: Progress = (work, done, total) => {
    const now = this.#now();
    if (work !== this.#work) {
      this.#work = work;
      this.#since = now;
      this.#drawn = Number.NEGATIVE_INFINITY;
    }
    const isDue = (work === "record" && total >= MANY_TESTS) || now - this.#since >= PATIENCE_MS;
    if (!isDue || now - this.#drawn < REDRAW_MS) {
      return;
    }
    this.#drawn = now;
    const [doing, noun] = NOUNS[work];
    const most = Math.max(20, (this.#terminal.columns ?? 80) - 1) - "winnow: ".length;
    const text = `${doing} ${done === 0 ? "" : `${digits(done)} of `}${count(total, noun)}…`.slice(0, most);
    this.#write(`\r${this.#name} ${text}${" ".repeat(Math.max(0, this.#width - text.length))}`);
    this.#width = text.length;
  };

  /** Takes the line away, if there is one. */
  clear(): void {
    if (this.#width > 0) {
      this.#write(`\r${" ".repeat("winnow: ".length + this.#width)}\r`);
      this.#width = 0;
    }
    this.#work = undefined;
  }
}
