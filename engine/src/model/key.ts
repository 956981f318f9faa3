/**
 * What a test can depend on: keys, their values, and the pair of both.
 *
 * A key never contains a line number, a time or an absolute path. Paths are relative to the project's root, with "/";
 * a file outside of the root is written with leading "../". "Absent" is a value like any other.
 */

/** The kinds of keys. The numbers are stored: never change or reuse one. */
export const KEY_KINDS = {
  body: 1,
  toplevel: 2,
  file: 3,
  listing: 4,
  resolve: 5,
  config: 6,
  packages: 7,
  env: 8,
  package: 9,
  exists: 10,
} as const;

export type KeyKind = keyof typeof KEY_KINDS;
export type KeyKindNumber = (typeof KEY_KINDS)[KeyKind];

const KIND_NAMES = new Map<number, KeyKind>(
  Object.entries(KEY_KINDS).map(([name, number]) => [number, name as KeyKind]),
);

/** The kind behind a stored number; undefined for a number of a newer version. */
export function keyKindOf(number: number): KeyKind | undefined {
  return KIND_NAMES.get(number);
}

export interface Key {
  readonly kind: KeyKind;
  /** The file or directory concerned; empty for keys that concern none (`resolve`, `packages`, `package`, `env`). */
  readonly path: string;
  /**
   * The qualified name of a body, the module name of `resolve`, the variable of `env`, what is imported of
   * `package` (or `dist NAME`, where a distribution was asked for by its own name); `*` of `packages` for all that is
   * installed, whoever uses it; {@link WHOLE} of a `toplevel` in which any name may be looked up, and
   * {@link FAILED} of one that was not evaluated to its end; empty otherwise.
   */
  readonly name: string;
}

export interface Dependency extends Key {
  readonly value: string;
}

/** The name of a module level that counts as a whole, because somebody who is not read got the module. */
export const WHOLE = "*";

/** The name, besides {@link WHOLE}, of a module level that was not evaluated to its end. */
export const FAILED = "!";

/**
 * What was typed to choose among tests (`-k` and `-m`; paths), for projects that ask for it: values among those of
 * variables, under names that no variable has.
 */
export const SELECTION = "pytest's selection";
export const PATHS = "pytest's paths";

/** The value of what is not there. */
export const ABSENT = "-";

/** One string per key, for maps. */
export function keyId(kind: KeyKind, path: string, name: string): string {
  return `${kind}\n${path}\n${name}`;
}

/** How a key reads in a sentence. */
export function describeKey(key: Key): string {
  switch (key.kind) {
    case "body":
      return `${key.path}: ${key.name}()`;
    case "toplevel":
      return `${key.path}: module level`;
    case "file":
      return key.path;
    case "exists":
      return `whether ${key.path} is there`;
    case "listing":
      return `${key.path}/ (directory listing)`;
    case "resolve":
      return `import of ${key.name}`;
    case "config":
      return `pytest's configuration in ${key.path === "" ? "the project's root" : key.path}`;
    case "packages":
      return "installed packages";
    case "package":
      return `installed package ${key.name.replace(/^dist /, "")}`;
    case "env":
      if (key.name === SELECTION || key.name === PATHS) {
        return "choice of tests on the command line";
      }
      return key.name.startsWith("*") ? "environment variables" : `environment variable ${key.name}`;
  }
}
