/**
 * Where the milliseconds of an invocation went (`WINNOW_TRACE=1`), by stage. Stages nest, and each counts only what none
 * within it counts, so that they add up to the whole. Where it is off, a stage costs one comparison.
 */

import type { FrameWithCodes } from "../journal/frames.ts";

/** The stages, in the order in which they are told. */
export const STAGES = {
  node: "start of Node",
  load: "loading Winnow",
  configuration: "configuration, command line and pytest's settings",
  "store-open": "opening the store",
  interpreter: "finding the interpreter",
  leftovers: "what an interrupted run left behind",
  watch: "reading the watch table",
  scan: "looking at watched files",
  compile: "compiling changed sources",
  decide: "facts, and what is true of them",
  past: "what was true of them before",
  "module-level": "changes at module level, by name",
  select: "choosing tests",
  keep: "keeping what was found out about contents",
  prepare: "writing session and plan",
  pytest: "pytest",
  journals: "reading journals",
  attribute: "what each test depends on",
  record: "writing facts",
  verdict: "deciding again for the next run",
  other: "all else",
} as const;

export type Stage = keyof typeof STAGES;

/** What pytest's own time consists of, as far as its journals tell. */
export const PARTS = {
  start: "start of Python and pytest",
  collection: "collection",
  tests: "tests",
  end: "end of pytest",
} as const;

export type Part = keyof typeof PARTS;

export interface Spent {
  readonly ms: number;
  /** How often the stage was entered. */
  readonly count: number;
}

/** One invocation's times. `now`: milliseconds since the process began. */
export class Trace {
  readonly #now: () => number;
  readonly #spent = new Map<Stage, { ms: number; count: number }>();
  readonly #stack: Stage[] = [];
  #since: number;
  #pytest: { readonly from: number; readonly to: number } | undefined;
  parts: ReadonlyMap<Part, number> = new Map();

  /** `bootstrapMs`: when Node was ready to load anything; what came after it until now was loading. */
  constructor(bootstrapMs: number, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
    const node = Math.min(bootstrapMs, this.#since);
    this.#spent.set("node", { ms: node, count: 1 });
    this.#spent.set("load", { ms: this.#since - node, count: 0 });
  }

  enter(stage: Stage): void {
    this.#charge();
    this.#stack.push(stage);
    this.#of(stage).count += 1;
  }

  leave(): void {
    const from = this.#charge();
    if (this.#stack.pop() === "pytest") {
      this.#pytest = { from, to: this.#since };
    }
  }

  /** All stages that took time, and the sum. */
  spent(): { readonly stages: ReadonlyMap<Stage, Spent>; readonly totalMs: number } {
    this.#charge();
    return { stages: this.#spent, totalMs: this.#since };
  }

  /** Takes pytest's time apart by what its processes wrote; tests on several processes count from first to last. */
  takeApart(journals: readonly { readonly frames: readonly FrameWithCodes[] }[], timeOrigin: number): void {
    if (this.#pytest === undefined) {
      return;
    }
    const { from, to } = this.#pytest;
    let opened = Number.POSITIVE_INFINITY;
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (const { frame } of journals.flatMap(({ frames }) => frames)) {
      if (frame.k === "start" && frame.child === undefined) {
        opened = Math.min(opened, frame.time * 1000 - timeOrigin);
      } else if (frame.k === "test") {
        const started = frame.started * 1000 - timeOrigin;
        first = Math.min(first, started);
        last = Math.max(last, started + frame.duration * 1000);
      }
    }
    // Another clock than ours: what it says is brought into the time that we have measured ourselves.
    const within = (ms: number, least: number): number => Math.min(Math.max(ms, least), to);
    const started = within(opened, from);
    const collected = within(first, started);
    const ended = within(last, collected);
    const hasTests = last > Number.NEGATIVE_INFINITY;
    this.parts = new Map<Part, number>(
      opened === Number.POSITIVE_INFINITY
        ? []
        : [
            ["start", started - from],
            ["collection", collected - started],
            ["tests", hasTests ? ended - collected : 0],
            ["end", to - ended],
          ],
    );
  }

  #of(stage: Stage): { ms: number; count: number } {
    let spent = this.#spent.get(stage);
    if (spent === undefined) {
      spent = { ms: 0, count: 0 };
      this.#spent.set(stage, spent);
    }
    return spent;
  }

  /** Charges the time since the last change to the stage that is under way; returns when that began. */
  #charge(): number {
    const before = this.#since;
    this.#since = this.#now();
    this.#of(this.#stack.at(-1) ?? "other").ms += this.#since - before;
    return before;
  }
}

let current: Trace | undefined;

/** Begins a trace if the environment asks for one. */
export function beginTrace(env: NodeJS.ProcessEnv): void {
  current = env["WINNOW_TRACE"] === "1" ? new Trace(performance.nodeTiming.bootstrapComplete) : undefined;
}

/** The trace of this invocation; undefined where none was asked for. */
export function currentTrace(): Trace | undefined {
  return current;
}

export function isTracing(): boolean {
  return current !== undefined;
}

/** Runs `work` as a stage, to its end if it is asynchronous. */
export function stage<T>(name: Stage, work: () => T): T {
  return current === undefined ? work() : traced(current, name, work);
}

function traced<T>(trace: Trace, name: Stage, work: () => T): T {
  trace.enter(name);
  let isPending = false;
  try {
    const result = work();
    if (result instanceof Promise) {
      isPending = true;
      return result.finally(() => trace.leave()) as T;
    }
    return result;
  } finally {
    if (!isPending) {
      trace.leave();
    }
  }
}
