/**
 * Journals of child processes, put where the processes were started: what a child touched is what its starter depends on.
 *
 * A child's numbers of files, codes and contexts are its own, so they are replaced by ones that are free in the journal
 * of its starter. What must stay true: a child without a whole journal, that is without an end mark, leaves its starter
 * opaque.
 */

import type { ContextFrame, Frame, FrameWithCodes, Input, SessionFrame, TestFrame } from "../journal/frames.ts";
import { SESSION_CONTEXT } from "../journal/frames.ts";

type Frames = readonly FrameWithCodes[];

const NO_CODES = new Uint32Array(0);

/**
 * The journals of a run's own processes, with those of their children in them. What is declared harmless is left opaque,
 * with its command line as the reason: such reasons are weighed when something is decided.
 */
export function withChildren(journals: readonly Frames[], isHarmless: (reason: string) => boolean): Frames[] {
  const children = new Map<string, Frames>();
  const own: Frames[] = [];
  for (const frames of journals) {
    const start = frames.find(({ frame }) => frame.k === "start")?.frame;
    if (start?.k !== "start" || start.role !== "child") {
      own.push(frames);
    } else if (start.child !== undefined && frames.some(({ frame }) => frame.k === "end")) {
      children.set(start.child, frames);
    }
  }
  return own.map((frames) => expand(frames, { children, isHarmless }, new Set()));
}

const CHILD = "child::";

/** Whether a context of that name stands for all that a child process did. */
export function isOfChild(name: string): boolean {
  return name.startsWith(CHILD);
}

interface Family {
  readonly children: ReadonlyMap<string, Frames>;
  readonly isHarmless: (reason: string) => boolean;
}

function reasonOf(command: string): string {
  return `child process: ${command}`;
}

/** `under`: children that are being put somewhere; no process is its own descendant. */
function expand(frames: Frames, family: Family, under: ReadonlySet<string>): Frames {
  if (!frames.some(({ frame }) => (frame.k === "ctx" || frame.k === "test") && frame.inputs.some(isChild))) {
    return frames;
  }
  const numbers = new Numbers(frames);
  const contexts = new Map<string, number>();
  const merged: FrameWithCodes[] = [];
  for (const [, id, command] of frames.flatMap(({ frame }) => startedIn(frame))) {
    const child = under.has(id) || family.isHarmless(reasonOf(command)) ? undefined : family.children.get(id);
    if (child !== undefined && !contexts.has(id)) {
      contexts.set(id, numbers.take(expand(child, family, new Set([...under, id])), command, merged));
    }
  }
  return [...merged, ...frames.map((each) => ({ ...each, frame: adopt(each.frame, contexts) }))];
}

type ChildInput = Extract<Input, readonly ["child", string, string]>;

function isChild(input: Input): input is ChildInput {
  return input[0] === "child";
}

function startedIn(frame: Frame): readonly ChildInput[] {
  return frame.k === "ctx" || frame.k === "test" ? frame.inputs.filter(isChild) : [];
}

/** The frame with the contexts of the children that it tells of in their place. */
function adopt(frame: Frame, contexts: ReadonlyMap<string, number>): Frame {
  const started = startedIn(frame);
  if (started.length === 0) {
    return frame;
  }
  const of = frame as ContextFrame | TestFrame;
  return {
    ...of,
    inputs: of.inputs.filter((input) => !isChild(input)),
    uses: [...of.uses, ...started.flatMap(([, id]) => contexts.get(id) ?? [])],
    opaque: [...of.opaque, ...started.flatMap(([, id, command]) => (contexts.has(id) ? [] : [reasonOf(command)]))],
  };
}

/** The numbers that a journal has given out. */
class Numbers {
  readonly #files = new Map<string, number>();
  #nextFile = 0;
  #nextCode = 0;
  #nextContext = SESSION_CONTEXT + 1;

  constructor(frames: Frames) {
    for (const { frame } of frames) {
      this.#note(frame);
    }
  }

  /** The numbers in a frame are given out. */
  #note(frame: Frame): void {
    if (frame.k === "files") {
      frame.paths.forEach((path, index) => {
        this.#files.set(path, frame.base + index);
      });
      this.#nextFile = Math.max(this.#nextFile, frame.base + frame.paths.length);
    } else if (frame.k === "codes") {
      this.#nextCode = Math.max(this.#nextCode, frame.base + frame.codes.length);
    } else if (frame.k === "ctx") {
      this.#nextContext = Math.max(this.#nextContext, frame.id + 1);
    } else if (frame.k === "module") {
      this.#nextContext = Math.max(this.#nextContext, frame.ctx + 1);
    }
  }

  /** Adds the frames of a child to `merged`, and returns the context that stands for all of it. */
  take(child: Frames, command: string, merged: FrameWithCodes[]): number {
    const fileOf = new Map<number, number>();
    const firstCode = this.#nextCode;
    const firstContext = this.#nextContext;
    const contextOf = (id: number): number => firstContext + id;
    const add = (frame: Frame, codes: Uint32Array = NO_CODES): void => {
      this.#note(frame);
      merged.push({ frame, codes: codes.map((code) => firstCode + code) });
    };
    const name = `${CHILD}${command}`;
    // First of all: frames of its own children, which come before it, speak of its files.
    for (const { frame } of child) {
      if (frame.k === "files") {
        frame.paths.forEach((path, index) => {
          if (!this.#files.has(path)) {
            add({ k: "files", base: this.#nextFile, paths: [path] });
          }
          fileOf.set(frame.base + index, this.#files.get(path) as number);
        });
      }
    }
    for (const { frame, codes } of child) {
      switch (frame.k) {
        case "codes": {
          const rows = frame.codes.map(([file, line, co]) => [fileOf.get(file) ?? -1, line, co] as const);
          add({ ...frame, base: firstCode + frame.base, codes: rows });
          break;
        }
        case "session":
          // Where it looked for modules; all else is the starter's.
          add({ k: "session", roots: frame.roots } as unknown as SessionFrame);
          break;
        case "module":
          add({ ...frame, file: fileOf.get(frame.file) ?? -1, ctx: contextOf(frame.ctx) });
          break;
        case "preloaded":
          add({ ...frame, file: fileOf.get(frame.file) ?? -1 });
          break;
        case "ctx": {
          const isWhole = frame.id === SESSION_CONTEXT;
          // What one installed package imports of another is asked of a session.
          const edges = frame.inputs.filter(([kind]) => kind === "edge");
          if (edges.length > 0) {
            add({
              k: "ctx",
              id: SESSION_CONTEXT,
              kind: "session",
              name: "session",
              uses: [],
              inputs: edges,
              opaque: [],
            });
          }
          const { of, ...rest } = frame;
          add(
            {
              ...rest,
              ...(isWhole ? { kind: "fixture" as const, name } : {}),
              ...(of === undefined ? {} : { of: contextOf(of) }),
              id: contextOf(frame.id),
              uses: frame.uses.map(contextOf),
              inputs: frame.inputs.filter(([kind]) => kind !== "edge"),
            },
            codes,
          );
          break;
        }
        case "note":
          add(frame);
          break;
      }
    }
    // It has no teardown to wait for.
    const teardown = { k: "ctx", kind: "teardown", name, uses: [], inputs: [], opaque: [] } as const;
    add({ ...teardown, id: Math.max(this.#nextContext, firstContext + 1), of: firstContext });
    return firstContext;
  }
}
