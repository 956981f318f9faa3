/** `--since REF` and `--against NAME`: what they name, and what is known of that. */

import { statSync } from "node:fs";
import { WinnowError } from "../model/error.ts";
import { didYouMean } from "../model/nearest.ts";
import type { Since } from "../model/since.ts";
import { copyOf, removeCopy } from "../store/copy.ts";
import { layoutOf } from "../store/layout.ts";
import { openStore, type Store } from "../store/store.ts";
import { Repository } from "../vcs/git.ts";
import { CommitState } from "./commit.ts";
import { type Judge, readPast } from "./past.ts";
import { pastOfState, savedState } from "./saved.ts";

/** In the place of a commit: where the present branch left the default one. */
const BRANCH = "branch";

/** What was typed. */
export interface TypedSince {
  readonly since: string | undefined;
  readonly against: string | undefined;
}

/**
 * Finds what was named. `mayWrite`: whether the store may be touched, as opening it does.
 *
 * @throws WinnowError `usage`, `no-repository`, `unknown-commit`, `unknown-snapshot`.
 */
export function findSince(
  root: string,
  env: NodeJS.ProcessEnv,
  { since, against }: TypedSince,
  mayWrite = true,
): Since | undefined {
  if (since !== undefined && against !== undefined) {
    throw new WinnowError("usage", "--since and --against are two questions", "Give one of them.");
  }
  if (since !== undefined) {
    return findCommit(root, env, since);
  }
  return against === undefined ? undefined : findSnapshot(root, against, mayWrite);
}

function findCommit(root: string, env: NodeJS.ProcessEnv, ref: string): Since {
  const repository = new Repository(root, env);
  const commit = ref === BRANCH ? repository.branchPoint() : repository.commit(ref);
  if (commit === undefined) {
    throw new WinnowError(
      "unknown-commit",
      `git knows no commit "${ref}" in ${repository.top}`,
      "Name a branch, a tag or a commit that is here (a shallow clone lacks most), or `branch` for where this branch left the default one.",
    );
  }
  return { kind: "commit", ref, commit: commit.id, label: commit.label };
}

function findSnapshot(root: string, name: string, mayWrite: boolean): Since {
  const layout = layoutOf(root);
  const copy = mayWrite ? undefined : copyOf(layout);
  const { database } = copy ?? layout;
  let store: Store | undefined;
  try {
    store = statSync(database, { throwIfNoEntry: false }) === undefined ? undefined : openStore(database);
    const found = store === undefined ? undefined : savedState(store, name);
    if (found === undefined) {
      throw unknownSnapshot(name, store);
    }
    return { kind: "snapshot", name, at: found.at, label: `snapshot ${name}` };
  } finally {
    store?.close();
    if (copy !== undefined) {
      removeCopy(copy);
    }
  }
}

/** There is no saved state of that name. */
export function unknownSnapshot(name: string, store: Store | undefined): WinnowError {
  return new WinnowError(
    "unknown-snapshot",
    `there is no snapshot called "${name}"${didYouMean(name, store?.stateNames() ?? [])}`,
    "`winnow snapshot list` shows all; `winnow snapshot save NAME` makes one.",
  );
}

/** What is known on the state that was named. */
export function judgeOf(since: Since): Judge {
  return (present) => {
    const { store, tree, request } = present;
    if (since.kind === "commit") {
      const because = `no recorded result holds at ${since.label}`;
      return { ...readPast(present, new CommitState(since.commit, present)), because };
    }
    const { root, config } = request;
    const past = pastOfState(store, since.name, { tree, root, environment: config.environment });
    return typeof past === "string"
      ? { knowledge: null, because: past }
      : { ...readPast(present, past), because: `no recorded result holds at ${since.label}` };
  };
}
