/**
 * A *miss*: a test that the plan would have left out, and that ended otherwise than the fact that proved it.
 *
 * Either the recorded proof lacks a dependency, or the outcome depends on what Winnow does not watch. The dependencies
 * of the new fact tell the two apart as far as that can be told.
 */

import { type Dependency, describeKey, type Key, type KeyKind } from "../model/key.ts";

/** A key that the new fact has and the proof had not, or had in another state, which was judged to make no difference. */
export interface MissingKey extends Key {
  /** Its present state was first recorded after the proof. Other keys may only show that the test went another way. */
  readonly isNew: boolean;
}

export interface Miss {
  readonly id: string;
  /** The file of the test. */
  readonly path: string;
  /** When the test ran and the miss was seen; milliseconds since 1970. */
  readonly at: number;
  /** The outcome that the proof has; null for a test that nothing had recorded, in a file that would have been left out. */
  readonly was: string | null;
  readonly outcome: string;
  /** Null if the new result could not be recorded, so that nothing can be compared. */
  readonly missing: readonly MissingKey[] | null;
  /** What was declared for the test already, by {@link declaredId}: it was not the cause. */
  readonly declared?: readonly string[];
}

/** What the new set has beyond the old one. */
export function missingKeys(
  proof: readonly Dependency[],
  now: readonly (Dependency & { readonly isNew: boolean })[],
): readonly MissingKey[] {
  const covered = new Set(proof.map((dependency) => `${identity(dependency)}\n${dependency.value}`));
  const known = new Set(proof.map(identity));
  const found = new Map<string, MissingKey>();
  for (const { kind, path, name, value, isNew } of now) {
    const id = identity({ kind, path, name });
    if (!covered.has(`${id}\n${value}`)) {
      found.set(id, { kind, path, name, isNew: isNew || known.has(id) || found.get(id)?.isNew === true });
    }
  }
  return [...found.values()].sort((one, other) => Number(other.isNew) - Number(one.isNew));
}

/** What a test that nobody watches can depend on. */
export const UNWATCHED =
  "nothing that Winnow watches differs: clock, network, randomness, order, or state outside of the project";

const CLASSES: Readonly<Record<KeyKind, string>> = {
  body: "function bodies",
  toplevel: "module level",
  file: "files",
  listing: "directory listings",
  resolve: "imports",
  config: "pytest's configuration",
  packages: "installed packages",
  env: "environment variables",
  package: "installed packages",
  exists: "what is there",
};

const SHOWN_KEYS = 3;

/** The class of dependency that was missing, as a sentence for people. */
export function describeMissing(missing: Miss["missing"]): string {
  if (missing === null) {
    return "what it depended on this time could not be recorded, so the cause is not known";
  }
  const fresh = missing.filter(({ isNew }) => isNew);
  if (fresh.length > 0) {
    return `its proof does not cover ${listed(fresh)}`;
  }
  return missing.length === 0
    ? UNWATCHED
    : `${UNWATCHED}; it went another way this time, through ${listed(missing)}, whose state is not new`;
}

function listed(keys: readonly MissingKey[]): string {
  const byKind = Map.groupBy(keys, ({ kind }) => kind);
  return [...byKind]
    .map(([kind, members]) => {
      const shown = members.slice(0, SHOWN_KEYS).map(describeKey).join(", ");
      const more = members.length > SHOWN_KEYS ? ` and ${members.length - SHOWN_KEYS} more` : "";
      return `${CLASSES[kind]} (${shown}${more})`;
    })
    .join(", ");
}

function identity({ kind, path, name }: Key): string {
  return `${kind}\n${path}\n${name}`;
}
