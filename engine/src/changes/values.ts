/** The value of a key on the present state. */

import { ABSENT, type Key } from "../model/key.ts";
import { type Resolutions, resolveValue } from "./resolve.ts";
import { DIRECTORY_DIGEST, type SourceState, type Tree, UNKNOWN } from "./tree.ts";

/**
 * Computes a key's value. Total: what cannot be computed has a value that equals no recorded one. `resolutions`: see
 * {@link resolveValue}.
 */
export function valueOfKey(tree: Tree, key: Key, resolutions?: Resolutions): string {
  switch (key.kind) {
    case "body":
      return bodyValue(tree.source(key.path), key.name);
    case "toplevel":
      return toplevelValue(tree.source(key.path));
    case "file":
      return tree.digest(key.path);
    case "exists":
      return existenceValue(tree.digest(key.path));
    case "listing":
      return tree.listingDigest(key.path);
    case "resolve":
      return resolveValue(tree, key.name, resolutions);
    case "config":
      return tree.configDigest(key.path);
    case "packages":
      return tree.packagesDigest(key.name);
    case "package":
      return tree.packageDigest(key.name);
    case "env":
      return tree.variable(key.name);
  }
}

/** The value of `exists path`, told from what the file's digest is: absent, a directory, or anything else that is known. */
export function existenceValue(digest: string): string {
  return digest === ABSENT || digest === UNKNOWN ? digest : digest === DIRECTORY_DIGEST ? "d" : "f";
}

/** The value of `body path qualname`, given what is in the file. A broken file never equals a recorded value. */
export function bodyValue(source: SourceState, qualname: string): string {
  switch (source.kind) {
    case "absent":
      return ABSENT;
    case "broken":
      return `!${source.digest}`;
    case "source":
      return source.blocks.body(qualname) ?? ABSENT;
  }
}

/** The value of `toplevel path`. */
export function toplevelValue(source: SourceState): string {
  switch (source.kind) {
    case "absent":
      return ABSENT;
    case "broken":
      return `!${source.digest}`;
    case "source":
      return source.blocks.toplevel;
  }
}
