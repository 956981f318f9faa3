/**
 * A run of which pytest has begun by itself: `pytest --winnow`. What is decided and recorded is the same as in `winnow run`;
 * only nobody is started, and where nothing may be written the store is a copy.
 */

import { copyOf, removeCopy } from "../store/copy.ts";
import { layoutOf } from "../store/layout.ts";
import { type Execute, writeSession } from "./execute.ts";
import type { Request } from "./request.ts";
import { type RunEvent, run } from "./run.ts";

/** What pytest is told before it collects. */
export interface Attended {
  /** The project's root, absolute. */
  readonly root: string;
  /** What the collector reads; null: pytest runs with nothing of Winnow in it. */
  readonly session: string | null;
  /** Every test that was asked for is proven: there is nothing to collect. */
  readonly nothing: boolean;
  /** Nor has pytest to write a report of it. */
  readonly silent: boolean;
  /** How many proven tests lie in files that are not collected. */
  readonly leftOutWithFiles: number;
  /** Options that pytest is to take as if they were typed. */
  readonly options: readonly string[];
}

/** The other side. */
export interface Attendance {
  readonly emit: (event: RunEvent) => void;
  readonly start: (attended: Attended) => void;
  /** Resolves to pytest's exit code when it has ended. */
  readonly end: () => Promise<number>;
}

/** Attends a pytest from its start to its end. Throws what {@link run} throws. */
export async function attend(
  asked: Request,
  { emit, start, end }: Attendance,
  options: { readonly select: boolean; readonly record: boolean },
): Promise<void> {
  const { asks, collectOnly } = asked.fullProfile;
  const lists = collectOnly && asks.length === 1;
  // What would run is a list of the tests that the plan leaves; of no test that ran is there anything to write.
  const request = lists ? { ...asked, fullProfile: { ...asked.fullProfile, asks: [] } } : asked;
  const { select, record } = lists ? { ...options, record: false } : options;
  let hasStarted = false;
  const begin = (attended: Attended): void => {
    hasStarted = true;
    start(attended);
  };
  let leftOutWithFiles = 0;
  const execute: Execute = async (options, onStart) => {
    const session = options.recording === undefined ? null : writeSession(options, options.recording);
    begin({ root: request.root, session, nothing: false, silent: false, leftOutWithFiles, options: options.extraArgs });
    onStart?.();
    return { exitCode: await end() };
  };
  const askedAt = performance.now();
  const copy = record ? undefined : copyOf(layoutOf(request.root));
  try {
    await run(request, {
      ...(select ? {} : { mode: "observe" }),
      outputToStderr: false,
      execute,
      layout: copy,
      askedAt,
      emit: (event) => {
        if (event.kind === "planned" && event.plan.kind === "some") {
          leftOutWithFiles = event.mode === "observe" ? 0 : event.plan.leftOutWithFiles;
        }
        // Where tests are only listed, none has run.
        if (!lists || event.kind !== "finished") {
          emit(event);
        }
      },
    });
    if (!hasStarted) {
      const silent = request.fullProfile.reports.length === 0;
      begin({ root: request.root, session: null, nothing: true, silent, leftOutWithFiles: 0, options: [] });
    }
  } finally {
    if (copy !== undefined) {
      removeCopy(copy);
    }
  }
}
