/** What is to be known of a fact besides its dependencies: how well its inputs are known, and what the user declared. */

/**
 * How well the inputs of a fact are known: each of them by its own name; more than it may have used, because names were
 * computed; or not at all, so that everything in the project stands for them.
 */
export type Grade = "exact" | "widened" | "opaque";

/** What a declaration can name: the files that match a glob, an environment variable, a command. */
export type DeclaredKind = "files" | "env" | "command";

export interface DeclaredKey {
  readonly kind: DeclaredKind;
  /** The glob, the variable's name, or the command line. */
  readonly name: string;
}

/** A declared input as it was when the fact was recorded. */
export interface DeclaredValue extends DeclaredKey {
  /** Null where it could not be known: then it equals nothing. */
  readonly value: string | null;
  /** A marker counts as long as the fact does; a line of the configuration as long as it stands there. */
  readonly by: "marker" | "configuration";
}

export interface Remarks {
  /** Why everything known counts as an input, and the sets that hold it; none if all reasons were declared harmless. */
  readonly opaque?: { readonly reasons: readonly string[]; readonly depsets: readonly number[] };
  /** Some of it ran in a child process, or loaded a module anew: that an import goes well here says nothing of it. */
  readonly elsewhere?: true;
  /** The test's own marker asks for it to run always. */
  readonly always?: true;
  readonly declared?: readonly DeclaredValue[];
}

/** One string per declared key, for maps. */
export function declaredId({ kind, name }: DeclaredKey): string {
  return `${kind}\n${name}`;
}
