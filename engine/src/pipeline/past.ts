/**
 * What is known on an earlier state of the project, for requests that ask what changed since.
 *
 * It is the same question as that of every decision, asked of another tree: does this fact hold there? A fact that holds
 * then and now passed by the same inputs, so nothing that its test depends on changed in between. Whatever is not known of
 * the earlier state equals nothing; where it says nothing at all (git knows of no variables), it is that of now.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UNKNOWN } from "../changes/tree.ts";
import type { DeclaredKey } from "../model/remarks.ts";
import type { InterpreterInfo } from "../runners/pytest/interpreter.ts";
import type { Knowledge } from "../selection/select.ts";
import { NO_WORD, type Word } from "../selection/word.ts";
import { isOutside } from "../snapshot/place.ts";
import type { Store } from "../store/store.ts";
import { readKnowledge } from "./decide.ts";
import type { DeclaredValues } from "./declared.ts";
import { type BrokenFile, type Change, type Compiler, type Elsewhere, PresentTree } from "./present.ts";
import { type Request, toProjectPath } from "./request.ts";
import { ignoredPaths } from "./word.ts";

/** An earlier state. */
export interface Past extends Elsewhere {
  /** Entries of the watch table of now that are the same there: what this state says nothing of. */
  readonly unsaid: readonly ("p" | "e")[];
  /** Whether anything was another thing at all, among the project paths that count. */
  differs(counts: (path: string) => boolean): boolean;
  /** The value of a declared input; undefined where that cannot be known. */
  declared(key: DeclaredKey): string | undefined;
  /** Digest of a variable, where the state says something of variables. */
  variable(name: string): string;
  /** Contents that are known not to compile, by path. */
  readonly broken: Readonly<Record<string, BrokenFile>>;
  /** Makes what will be asked of these files ready at once. */
  prepare(paths: readonly string[]): void;
}

export interface PastKnowledge {
  readonly knowledge: Knowledge;
  readonly tree: PresentTree;
}

/** What is known on the state that a request asks about, or null; `because`: what is to be said where nothing is. */
export type Judge = (
  present: Present,
) => (PastKnowledge & { readonly because: string }) | { readonly knowledge: null; readonly because: string };

/** What decides of the present state. */
export interface Present {
  readonly store: Store;
  readonly environment: number;
  readonly request: Request;
  readonly interpreter: InterpreterInfo;
  readonly compiler: Compiler;
  readonly tree: PresentTree;
  readonly changes: readonly Change[];
  readonly declared: DeclaredValues;
  /** On the present state. */
  readonly knowledge: Knowledge;
}

/** What is known on an earlier state, of the facts that are known on the present one. */
export function readPast(present: Present, past: Past): PastKnowledge {
  const { store, environment, request, interpreter, tree: now, knowledge } = present;
  const entries = now.entries();
  const watched = entries.filter(({ kind }) => kind === "f").map(({ path }) => path);
  past.prepare(watched);
  const isUnsaid = (kind: string): boolean => past.unsaid.some((each) => each === kind);
  const tree = new PresentTree({
    root: request.root,
    store,
    watch: entries.filter(({ kind }) => isUnsaid(kind)).map((entry) => ({ ...entry })),
    searchRoots: now.searchRoots,
    siteDirectories: interpreter.siteDirectories,
    stdlib: interpreter.stdlib,
    python: interpreter.version,
    now: 0,
    variable: (name) => past.variable(name),
    broken: { ...now.brokenFiles(), ...past.broken },
    elsewhere: past,
  });
  const differences = entries.flatMap(({ kind, path, digest }): Change[] =>
    !isUnsaid(kind) && tree.watched(kind, path) !== digest ? [{ kind, path, before: digest }] : [],
  );
  tree.checkCompiles(differences, compilerOn(past, request.root, present.compiler));
  const declared = { value: (key: DeclaredKey) => past.declared(key) ?? UNKNOWN };
  const changes = [...present.changes, ...differences];
  const found =
    differences.length === 0
      ? { ...knowledge, word: { ...(knowledge.word ?? NO_WORD), ...declared } }
      : readKnowledge(store, environment, request, tree, changes, declared, knowledge);
  const isIgnored = ignoredPaths(request.config.ignore);
  let differs: boolean | undefined;
  const word: Word = {
    ...(found.word ?? NO_WORD),
    anythingChanged: () => {
      differs ??= past.differs((path) => !isOutside(path) && !isIgnored(path));
      return differs;
    },
  };
  // That a file could not be read as Python then is no news of now.
  return { tree, knowledge: { ...found, word, broken: () => undefined } };
}

/** A compiler of what stood in files then. */
function compilerOn(past: Past, root: string, compiler: Compiler): Compiler {
  return (paths) => {
    const directory = mkdtempSync(join(tmpdir(), "winnow-"));
    try {
      const places = paths.map((path, index) => {
        const content = past.content(toProjectPath(root, path));
        if (content === undefined) {
          return path;
        }
        const place = join(directory, `${index}.py`);
        writeFileSync(place, content);
        return place;
      });
      const verdicts = compiler(places);
      return new Map(
        paths.flatMap((path, index) => {
          const verdict = verdicts.get(places[index] as string);
          return verdict === undefined ? [] : [[path, verdict] as const];
        }),
      );
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  };
}
