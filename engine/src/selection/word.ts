/**
 * The user's word, as far as it decides: what must run, what counts besides what was seen, and what does not count.
 *
 * The configuration is applied when a decision is made, not when a fact is recorded, so that changing it takes effect at
 * once. What must stay true: a declared input proves nothing unless the fact holds its value, and a child process that is
 * harmless today and was so at the recording leaves a fact that proves nothing once it is harmless no more.
 */

import type { Reason } from "../model/reason.ts";
import { type DeclaredKey, type DeclaredValue, declaredId, type Grade, type Remarks } from "../model/remarks.ts";

/** A declared input of a test, by the configuration. */
export interface Declared extends DeclaredKey {
  /** The glob concerns all tests. */
  readonly everything?: true;
}

export interface Word {
  /** Whether the configuration has this test run always. */
  always(test: number): boolean;
  /** What the configuration declares for this test. */
  declared(test: number): readonly Declared[];
  /** The value of a declared input now; undefined for a command that may not be run. Asked for only where it decides. */
  value(key: DeclaredKey): string | undefined;
  /** Whether declared commands may be run. */
  readonly allowsCommands: boolean;
  /** Whether a reason for being opaque does not count. */
  isHarmless(reason: string): boolean;
  /** Whether tests whose inputs cannot be known run even if nothing changed. */
  readonly opaqueRunsAlways: boolean;
  /** Whether there is a change that no set of everything known needs to tell of; without it, those sets tell. */
  anythingChanged?(): boolean;
  /** What of `--also` names this test. */
  also(test: number): string | undefined;
  /** Expressions of `--also -k`: only pytest can tell which tests they mean. */
  readonly alsoExpressions: readonly string[];
}

/** Nothing is declared. */
export const NO_WORD: Word = {
  always: () => false,
  declared: () => [],
  value: () => undefined,
  allowsCommands: false,
  isHarmless: () => false,
  opaqueRunsAlways: false,
  also: () => undefined,
  alsoExpressions: [],
};

/** The reasons for being opaque that count. */
export function opaqueReasons(word: Word, remarks: Remarks | undefined): readonly string[] {
  return (remarks?.opaque?.reasons ?? []).filter((reason) => !word.isHarmless(reason));
}

/** The sets of everything known that a fact needs besides its own; null if it needs one, and none stands for that. */
export function opaqueDepsets(word: Word, remarks: Remarks | undefined): readonly number[] | null {
  if (remarks?.opaque === undefined || opaqueReasons(word, remarks).length === 0) {
    return [];
  }
  return remarks.opaque.depsets.length === 0 || word.anythingChanged?.() === true ? null : remarks.opaque.depsets;
}

/**
 * How well the inputs of a fact are known, and why not better. `widened`: what of it looks names up that it does not
 * spell.
 */
export function gradeOf(
  word: Word,
  remarks: Remarks | undefined,
  widened: readonly string[] = [],
): { grade: Grade; because: readonly string[] } {
  const opaque = opaqueReasons(word, remarks);
  if (opaque.length > 0) {
    return { grade: "opaque", because: opaque };
  }
  return widened.length > 0 ? { grade: "widened", because: widened } : { grade: "exact", because: [] };
}

/** Cheap questions first: a command is run only if nothing else decides. */
const ORDER = { files: 0, env: 1, command: 2 } as const;

/**
 * The declared inputs of a test that are not what they were in a fact, one reason each. At most `limit` are looked for;
 * commands are not asked for what something else decides already.
 */
export function unmet(
  word: Word,
  test: number,
  remarks: Remarks | undefined,
  { limit = Infinity, commands = true }: { readonly limit?: number; readonly commands?: boolean } = {},
): Reason[] {
  const recorded = remarks?.declared ?? [];
  const configured = word.declared(test);
  if (recorded.length === 0 && configured.length === 0) {
    return [];
  }
  const values = new Map<string, DeclaredValue>();
  const keys = new Map<string, Declared>();
  for (const each of recorded) {
    values.set(declaredId(each), each);
    if (each.by === "marker") {
      keys.set(declaredId(each), each);
    }
  }
  for (const each of configured) {
    keys.set(declaredId(each), each);
  }
  const reasons: Reason[] = [];
  for (const [id, key] of [...keys].sort(([, a], [, b]) => ORDER[a.kind] - ORDER[b.kind])) {
    if (key.kind === "command" && !commands) {
      continue;
    }
    const then = values.get(id)?.value ?? null;
    // What was not recorded is unmet whatever it is now; only that a command may not be run has to be found out.
    const isAsked = then !== null || (key.kind === "command" && !word.allowsCommands);
    const now = isAsked ? word.value(key) : undefined;
    if (then !== null && now === then) {
      continue;
    }
    reasons.push(unmetReason(key, !isAsked ? "not-recorded" : now === undefined ? "not-allowed" : "changed"));
    if (reasons.length >= limit) {
      break;
    }
  }
  return reasons;
}

function unmetReason(key: Declared, state: "changed" | "not-recorded" | "not-allowed"): Reason {
  return key.everything === true
    ? { kind: "everything-glob", name: key.name, state: state === "changed" ? "changed" : "not-recorded" }
    : { kind: "declared-changed", what: key.kind, name: key.name, state };
}
