/**
 * The frames of a journal, as one test process writes them. docs/formats.md describes the file.
 * Numbers of files, codes and contexts are good within one journal only.
 */

export const JOURNAL_VERSION = 1;

/** The context that holds whatever runs outside of tests, fixtures and file collections. */
export const SESSION_CONTEXT = 0;

/** The name of the context whose listings are those of pytest's own collection. Nothing uses it. */
export const WALK_CONTEXT = "walk";

/** Something other than code that was looked at; `changed` is an input whose content changed while it was in use. */
export type Input =
  | readonly ["file", string, string]
  /** The names in a directory; null if it is not there. */
  | readonly ["listing", string, readonly string[] | null]
  /** Whether something is there: "f", "d" (a directory) or "-". */
  | readonly ["exists", string, string]
  | readonly ["import", string]
  /**
   * A module that code imports which was put together at run time, perhaps later on; `*` for any. Whether the code gets
   * the module itself.
   */
  | readonly ["late", string, boolean]
  /** A module of the project, by its file, that a library asked for: it may look up anything in it. Or one that has not run to its end. */
  | readonly ["module", string, "failed"?]
  | readonly ["env", string]
  /** A top-level module name, or `dist NAME`. */
  | readonly ["package", string]
  /** `IMPORTER>NAME`: whoever uses the one uses the other. In the session's context only. */
  | readonly ["edge", string]
  /** A child process that writes a journal of its own: its number, and its command line. */
  | readonly ["child", string, string]
  | readonly ["changed", string];

export interface StartFrame {
  readonly k: "start";
  readonly v: number;
  readonly run: string;
  readonly pid: number;
  readonly role: "main" | "controller" | "worker" | "child";
  /** The number that a child was started with. */
  readonly child?: string;
  readonly python: string;
  readonly implementation: string;
  readonly mechanism: string;
  /** Seconds since 1970. */
  readonly time: number;
}

export interface FilesFrame {
  readonly k: "files";
  readonly base: number;
  readonly paths: readonly string[];
}

export interface CodesFrame {
  readonly k: "codes";
  readonly base: number;
  /** File number, first line, `co_name`. */
  readonly codes: readonly (readonly [number, number, string])[];
}

export interface SessionFrame {
  readonly k: "session";
  readonly pytest: string;
  readonly rootdir: string;
  readonly inifile: string | null;
  readonly roots: readonly string[];
  readonly sitedirs: readonly string[];
  readonly args?: readonly string[];
  readonly customCollection?: boolean;
  /** Collection came to its end: what was not seen is not there. */
  readonly complete?: boolean;
  /** Environment variables that were taken out before any test, so that nobody has seen them. */
  readonly removed?: readonly string[];
  /** No directory failed to be collected, or was skipped: a file that was not collected is none of this session's. */
  readonly whole?: boolean;
}

export interface ModuleFrame {
  readonly k: "module";
  readonly file: number;
  readonly name: string;
  readonly package: string | null;
  /** Blob id of the source that really ran; null if it could not be known. */
  readonly sha: string | null;
  readonly ctx: number;
  /** False if nothing of it was executed: Python refused the source. */
  readonly ran?: boolean;
}

export interface PreloadedFrame {
  readonly k: "preloaded";
  readonly file: number;
  readonly name?: string;
  readonly sha: string | null;
}

export interface ContextFrame {
  readonly k: "ctx";
  readonly id: number;
  /** `state`: what was left behind in a cell, named `path::NAME`; who uses one may have found it. */
  readonly kind: "session" | "file" | "fixture" | "teardown" | "import" | "state";
  readonly name: string;
  readonly uses: readonly number[];
  readonly inputs: readonly Input[];
  readonly opaque: readonly string[];
  /** Of a teardown, its fixture; of a state, the one before it. */
  readonly of?: number;
}

export interface CollectedFrame {
  readonly k: "collected";
  readonly file: number;
  readonly ctx: number;
  readonly ids: readonly string[];
  readonly survived: readonly boolean[] | null;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly partial: boolean;
}

/** What the markers of a test declare. */
export interface MarkedFrame {
  readonly always?: boolean;
  readonly depends?: readonly string[];
  readonly env?: readonly string[];
  readonly commands?: readonly string[];
}

export interface TestFrame {
  readonly k: "test";
  readonly id: string;
  readonly file: number;
  readonly uses: readonly number[];
  readonly inputs: readonly Input[];
  readonly opaque: readonly string[];
  readonly outcome: string;
  readonly green: boolean;
  readonly reruns: number;
  /** Absent where no marker of ours stands. */
  readonly marked?: MarkedFrame;
  /** Seconds. */
  readonly duration: number;
  /** Seconds since 1970. */
  readonly started: number;
}

export interface NoteFrame {
  readonly k: "note";
  readonly message: string;
  readonly code?: string;
}

export interface EndFrame {
  readonly k: "end";
  readonly exit: number;
}

export type Frame =
  | StartFrame
  | FilesFrame
  | CodesFrame
  | SessionFrame
  | ModuleFrame
  | PreloadedFrame
  | ContextFrame
  | CollectedFrame
  | TestFrame
  | NoteFrame
  | EndFrame;

/** A frame with the code numbers that came with it (empty for most). */
export interface FrameWithCodes {
  readonly frame: Frame;
  readonly codes: Uint32Array;
}
