/** The present state of a project as the decisions see it: a port, implemented over real files and in memory. */

import type { ImportRef } from "../fingerprint/index.ts";

/** What is known of one source file's content. */
export type SourceState =
  /** Nothing is there. */
  | { readonly kind: "absent" }
  /** It is not valid Python, so that each of its keys counts as changed. */
  | { readonly kind: "broken"; readonly digest: string; readonly message: string }
  | { readonly kind: "source"; readonly blocks: SourceBlocks };

/** A fingerprint, indexed for questions. */
export interface SourceBlocks {
  readonly toplevel: string;
  readonly imports: readonly ImportRef[];
  /** Checksum over all bodies of that qualified name; undefined if there is none. */
  body(qualname: string): string | undefined;
}

/** What is said of a directory in the place of a file's digest. */
export const DIRECTORY_DIGEST = "?EISDIR";

/** What is said in the place of a digest, or of all names, that nobody can know of an earlier state: it equals no value. */
export const UNKNOWN = "??";

export interface Tree {
  /** Blob id of a file's content, "-", {@link DIRECTORY_DIGEST}, or another text that begins with "?". */
  digest(path: string): string;
  source(path: string): SourceState;
  /** Filtered, sorted names in a directory; null if there is no such directory. */
  names(directory: string): readonly string[] | null;
  /** Digest of {@link names}, or "-". */
  listingDigest(directory: string): string;
  /** Digest of what pytest would read of its configuration in this directory. */
  configDigest(directory: string): string;
  /** Digest of the installed packages that concern all tests, or, for `*`, of all that are installed. */
  packagesDigest(name: string): string;
  /** Digest of what is installed under a name and of all that it requires, or "-". See `packages.ts`. */
  packageDigest(name: string): string;
  /** Digest of an environment variable's value, or "-". `*`: of all but those that mean nothing; `*_proxy`: of those. */
  variable(name: string): string;
  /** Project directories on the import path, in order. */
  readonly searchRoots: readonly string[];
}
