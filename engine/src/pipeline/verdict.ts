/**
 * The verdict of an earlier decision, and whether it stands: nothing that is watched changed since a decision that found
 * nothing to do, and the store is the same.
 *
 * This is the path of every idle invocation. It reads one blob and stats each watched path once, and of the engine it
 * loads what that needs and no more. Whatever is in doubt is left to `decide`, which looks at everything itself.
 */

import { looksUnchanged, type WatchEntry } from "../files/watch.ts";
import type { InterpreterInfo } from "../runners/pytest/interpreter.ts";
import type { Notes } from "../store/notes.ts";
import { type Environment, environmentOf } from "./environment.ts";
import type { Request } from "./request.ts";
import { stage } from "./trace.ts";
import { Variables } from "./variables.ts";

export interface Verdict {
  readonly generation: number;
  readonly upToDate: Readonly<Record<string, number>>;
  /** Declared variables that the verdicts rest on, with their values as keys hold them. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** What the last session said of the surroundings, kept in the store for decisions without Python. */
export interface Surroundings {
  /** Project directories on the import path, in order. */
  readonly searchRoots: readonly string[];
}

/** Reads the surroundings of an environment. */
export function surroundingsOf(store: Notes, environment: number | undefined): Surroundings {
  const text = environment === undefined ? undefined : store.note(`surroundings:${environment}`);
  return text === undefined ? { searchRoots: [] } : (JSON.parse(text) as Surroundings);
}

/**
 * What values depend on besides files. The interpreter is part of it, because it decides which packages are meant and
 * what compiles.
 */
export function viewpointOf(
  python: string,
  siteDirectories: readonly string[],
  searchRoots: readonly string[],
): string {
  return JSON.stringify([python, siteDirectories, searchRoots]);
}

/** The name under which the verdict of a request is kept. */
export function verdictKey(
  request: Request,
  environment: Environment,
  { viewpoint }: { readonly viewpoint: string },
): string {
  const { selection, requestKey, paths, config } = request;
  return JSON.stringify([environment.description, viewpoint, selection, requestKey, paths, config]);
}

/** The variables that pytest is started with, as a store knows them. */
export function variablesOf(store: Notes | undefined, request: Request): Variables {
  const { selection, paths } = request.fullProfile;
  const typed = { selection: JSON.stringify(selection), paths: JSON.stringify(paths) };
  return new Variables(request.env, store?.note("salt") ?? "", typed);
}

/** Whether a verdict on the state can answer the request at all. */
export function canStand({ fullProfile: { asks, stateful }, also, since }: Request): boolean {
  // What `--also` adds is more than the state asks for, and so is what concerns tests since another state.
  const isMore = also.paths.length > 0 || also.expressions.length > 0 || since !== undefined;
  return asks.length === 0 && !stateful && !isMore;
}

/** How many tests the stored verdict proves for this request, if it is one on this state of the store and these variables. */
export function storedVerdict(
  store: Notes,
  key: string,
  variable: (name: string) => string | undefined,
): number | undefined {
  const verdict = JSON.parse(store.note("verdict") ?? "null") as Verdict | null;
  const isSame = Object.entries(verdict?.variables ?? {}).every(([name, value]) => variable(name) === value);
  return verdict?.generation === store.generation() && isSame ? verdict.upToDate[key] : undefined;
}

/** Watched paths that were looked at already, and what the store was then. */
export interface Seen {
  readonly generation: number;
  readonly watch: readonly WatchEntry[];
  /** So many of them, from the first on, look as they did. */
  readonly unchanged: number;
}

/** What was found of a verdict: how many tests are up to date, if it stands; else what was seen until something did not. */
export interface Standing {
  readonly upToDate?: number;
  readonly seen?: Seen;
}

/** Whether a verdict stands for the request and every watched path looks as it did. */
export function standingVerdict(store: Notes, request: Request, interpreter: InterpreterInfo): Standing {
  if (!canStand(request)) {
    return {};
  }
  // One state of the store for all of it, as in `decide`.
  return store.read(() => {
    const environment = environmentOf(request, interpreter);
    const id = store.environmentOf(environment.description);
    if (id === undefined) {
      return {};
    }
    const { version, siteDirectories } = interpreter;
    const viewpoint = viewpointOf(version, siteDirectories, surroundingsOf(store, id).searchRoots);
    const variables = variablesOf(store, request);
    const key = verdictKey(request, environment, { viewpoint });
    const upToDate = storedVerdict(store, key, (name) => variables.digest(name));
    if (upToDate === undefined) {
      return {};
    }
    const watch = stage("watch", () => store.watch());
    const { root } = request;
    const isSame = (entry: WatchEntry): boolean =>
      entry.kind === "e" ? entry.digest === variables.digest(entry.path) : looksUnchanged(root, entry);
    const changed = stage("scan", () => watch.findIndex((entry) => !isSame(entry)));
    return changed < 0 ? { upToDate } : { seen: { generation: store.generation(), watch, unchanged: changed } };
  });
}
