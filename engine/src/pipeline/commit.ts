/**
 * The state of the project in a commit, for `--since`.
 *
 * What git tracks is compared by content: the blobs of the commit's tree with the files of now. A file that git would
 * store now under the id that it has in the commit is the same, whatever line ends or filters make of it in the work
 * tree. What is there now and tracked, or neither tracked nor ignored, was absent unless the commit has it.
 *
 * Of what git does not know (ignored files, empty directories, variables, installed packages) the commit says nothing: it
 * counts as it is now, or nothing could ever be left out. What may have been made of something tracked counts as changed
 * as soon as anything tracked is: what commands print, compiled modules that git ignores, inputs that cannot be known.
 */

import { existsSync, realpathSync } from "node:fs";
import { posix } from "node:path";
import { parentOf } from "../changes/resolve.ts";
import { DIRECTORY_DIGEST, UNKNOWN } from "../changes/tree.ts";
import { mayMean, pathMatcher } from "../config/globs.ts";
import { blobSha1 } from "../files/hash.ts";
import { isListed, listedNames } from "../files/listing.ts";
import { WinnowError } from "../model/error.ts";
import { ABSENT } from "../model/key.ts";
import type { DeclaredKey } from "../model/remarks.ts";
import { isInside } from "../selection/scope.ts";
import { isOutside } from "../snapshot/place.ts";
import { Repository, type TreeEntry } from "../vcs/git.ts";
import type { Past, Present } from "./past.ts";
import { isConfigurationFile } from "./present.ts";

/** What is asked of the present state. */
type Now = Pick<Present, "request" | "tree" | "declared">;

/** Modules that a compiler made. */
const COMPILED = /\.(?:so|pyd|dll|dylib)$/;

/** How many links lead from one to the next, at most. */
const LINKS = 40;

/**
 * Where a path leads to in a commit; undefined: nowhere. `beyond`: out of the repository, or into another one; `by` are the
 * links and repositories on the way: as long as they are the same, it leads there still.
 */
type Place =
  | { readonly kind: "file"; readonly path: string; readonly id: string }
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "beyond"; readonly by: readonly string[] };

const BEYOND: Place = { kind: "beyond", by: [] };

export class CommitState implements Past {
  readonly unsaid = ["p", "e"] as const;
  readonly broken = {};
  readonly #repository: Repository;
  readonly #commit: string;
  readonly #present: Now;
  readonly #tree: ReadonlyMap<string, TreeEntry>;
  /** Names in each directory of the commit. */
  readonly #directories = new Map<string, Set<string>>([["", new Set()]]);
  /** What git knows of now: files, and each directory with any. */
  readonly #known = new Set<string>([""]);
  /** Repositories within this one, tracked or not. */
  readonly #within = new Set<string>();
  /** What git knows of now and is no directory to it: files, links, and repositories within. */
  readonly #leaves = new Set<string>();
  readonly #digests = new Map<string, string>();
  readonly #stored = new Map<string, string | undefined>();
  readonly #contents = new Map<string, Buffer>();
  readonly #untracked: readonly string[];
  #changed: ReadonlySet<string> | undefined;
  #otherwise: ReadonlySet<string> | undefined;

  constructor(commit: string, present: Now) {
    this.#commit = commit;
    this.#present = present;
    this.#repository = new Repository(present.request.root, present.request.env);
    this.#tree = this.#repository.tree(commit);
    // What tools leave behind is nobody's input, ignored or not.
    this.#untracked = this.#repository.untracked().filter((path) => path.split("/").every(isListed));
    for (const [path, { kind }] of this.#tree) {
      addNames(this.#directories, path);
      if (kind === "repository") {
        this.#within.add(path);
      }
    }
    for (const path of [...this.#repository.tracked(), ...this.#untracked]) {
      if (path.endsWith("/")) {
        this.#within.add(path.slice(0, -1));
      }
      this.#leaves.add(path.replace(/\/$/, ""));
      for (let at = path.replace(/\/$/, ""); at !== "" && !this.#known.has(at); at = parentOf(at)) {
        this.#known.add(at);
      }
    }
    const { root } = present.request;
    const own = this.#repository.prefix.replace(/\/$/, "");
    if (this.#known.size === 1 || !(this.#known.has(own) || this.#directories.has(own))) {
      // All of it would count as it is now, and nothing as changed.
      throw new WinnowError(
        "no-repository",
        `git knows nothing of ${root}`,
        "Have git track the project, or name a state with `winnow snapshot save NAME`, and use `--against NAME`.",
      );
    }
  }

  /** A project path as the repository has it; undefined where it leads out of it. */
  #own(path: string): string | undefined {
    if (posix.isAbsolute(path) || /^[A-Za-z]:/.test(path)) {
      return undefined;
    }
    const own = posix.join(this.#repository.prefix, path);
    return own === ".." || own.startsWith("../") ? undefined : own === "." ? "" : own.replace(/\/$/, "");
  }

  /** Follows links as they are in the commit. */
  #place(own: string, links: readonly string[] = []): Place | undefined {
    const entry = this.#tree.get(own);
    if (entry?.kind === "file") {
      return { kind: "file", path: own, id: entry.id };
    }
    if (this.#directories.has(own)) {
      return { kind: "directory", path: own };
    }
    for (let at = own, rest = ""; at !== ""; rest = posix.join(posix.basename(at), rest), at = parentOf(at)) {
      const found = this.#tree.get(at);
      const by = [...links, at];
      if (found?.kind === "repository") {
        return { kind: "beyond", by };
      }
      if (found?.kind === "link") {
        const target = this.#inTop(parentOf(at), this.#blob(found.id).toString("utf8"));
        return target === undefined || by.length > LINKS
          ? { kind: "beyond", by }
          : this.#place(posix.join(target, rest).replace(/^\.$|\/$/g, ""), by);
      }
    }
    return undefined;
  }

  /** Where a link in a directory leads to, from the top; undefined: out of the repository. */
  #inTop(directory: string, target: string): string | undefined {
    const { top } = this.#repository;
    const absolute = posix.resolve(top, directory, target);
    for (const found of [absolute, realPath(absolute)]) {
      const path = posix.relative(top, found ?? "/");
      if (path !== ".." && !path.startsWith("../")) {
        return path;
      }
    }
    return undefined;
  }

  #blob(id: string): Buffer {
    let content = this.#contents.get(id);
    if (content === undefined) {
      content = this.#repository.contents([id]).get(id);
      if (content === undefined) {
        throw new WinnowError(
          "git",
          `git does not have the content ${id}`,
          "Mend the repository, or fetch what it lacks.",
        );
      }
      this.#contents.set(id, content);
    }
    return content;
  }

  prepare(paths: readonly string[]): void {
    const { tree } = this.#present;
    const files = paths.flatMap((path) => {
      const own = this.#own(path);
      const place = own === undefined ? undefined : this.#place(own);
      const isOther = place?.kind === "file" && place.id !== tree.digest(path);
      return isOther ? [{ path, own: own as string, id: place.id }] : [];
    });
    const there = files.filter(({ path }) => isContent(tree.digest(path))).map(({ own }) => own);
    const stored = this.#repository.storedIds(there);
    for (const { own } of files) {
      this.#stored.set(own, stored.get(own));
    }
    const read = files.filter(({ path, own, id }) => isRead(path) && stored.get(own) !== id).map(({ id }) => id);
    for (const [id, content] of this.#repository.contents([...new Set(read)])) {
      this.#contents.set(id, content);
    }
  }

  /** The id under which git would store a file of now. */
  #storedId(own: string): string | undefined {
    if (!this.#stored.has(own)) {
      this.#stored.set(own, this.#repository.storedIds([own]).get(own));
    }
    return this.#stored.get(own);
  }

  /** Whether git's attributes changed what it makes of a file that it has the same content of. */
  #isWrittenOtherwise(own: string): boolean {
    if (this.#otherwise === undefined) {
      const isAttributes = (path: string): boolean => posix.basename(path) === ".gitattributes";
      const paths = [...new Set([...this.#tree.keys(), ...this.#known].filter(isAttributes))];
      const stored = this.#repository.storedIds(
        paths.filter((path) => existsSync(posix.join(this.#repository.top, path))),
      );
      const isSame = paths.every((path) => stored.get(path) === this.#tree.get(path)?.id);
      this.#otherwise = isSame ? new Set() : this.#repository.writtenOtherwise(this.#commit, [...this.#tree.keys()]);
    }
    return this.#otherwise.has(own);
  }

  digest(path: string): string {
    let digest = this.#digests.get(path);
    if (digest === undefined) {
      digest = this.#find(path);
      this.#digests.set(path, digest);
    }
    return digest;
  }

  #find(path: string): string {
    const now = this.#present.tree.digest(path);
    const own = this.#own(path);
    const place = own === undefined ? BEYOND : this.#place(own);
    switch (place?.kind) {
      case "file": {
        const isSame = place.id === now || (isContent(now) && this.#storedId(own as string) === place.id);
        if (isSame && this.#isWrittenOtherwise(place.path)) {
          return UNKNOWN;
        }
        return isSame
          ? now
          : place.id.length === now.length || !isContent(now)
            ? place.id
            : blobSha1(this.#blob(place.id));
      }
      case "directory":
        return DIRECTORY_DIGEST;
      case "beyond":
        return place.by.some((each) => this.#isChanged(each)) ? UNKNOWN : now;
      case undefined: {
        if (now === ABSENT || this.#isKnown(path)) {
          return ABSENT;
        }
        return COMPILED.test(path) && this.#changes().size > 0 ? UNKNOWN : now;
      }
    }
  }

  names(directory: string): readonly string[] | null {
    const now = this.#present.tree.names(directory);
    const own = this.#own(directory);
    const place = own === undefined ? BEYOND : this.#place(own);
    switch (place?.kind) {
      case "file":
        return null;
      case "beyond":
        return place.by.some((each) => this.#isChanged(each)) ? [UNKNOWN] : now;
      case "directory":
        return this.#withUnknown(directory, this.#directories.get(place.path) ?? new Set());
      case undefined: {
        if (now === null || !this.#isKnown(directory)) {
          return now;
        }
        const names = this.#withUnknown(directory, new Set());
        return names.length === 0 ? null : names;
      }
    }
  }

  /** Names in the commit, and those of now that git does not know. */
  #withUnknown(directory: string, names: ReadonlySet<string>): string[] {
    const now = this.#present.tree.names(directory) ?? [];
    const unknown = now.filter((name) => !names.has(name) && !this.#isKnown(posix.join(directory, name)));
    return listedNames([...names, ...unknown]);
  }

  /** Whether git knows of what is at a project path now, itself or under the name that links lead to. */
  #isKnown(path: string): boolean {
    const own = this.#own(path);
    if (own === undefined) {
      return false;
    }
    const isKnown = (at: string): boolean => this.#known.has(at) || [...this.#within].some((one) => isInside(at, one));
    if (isKnown(own)) {
      return true;
    }
    for (let at = parentOf(own); at !== ""; at = parentOf(at)) {
      if (this.#leaves.has(at) && this.#isChanged(at)) {
        // Through a link that was none, or led elsewhere.
        return true;
      }
    }
    const { top } = this.#repository;
    const real = realPath(posix.join(top, own));
    return real?.startsWith(`${top}/`) === true && isKnown(real.slice(top.length + 1));
  }

  content(path: string): Buffer | undefined {
    const own = this.#own(path);
    const place = own === undefined ? undefined : this.#place(own);
    return place?.kind !== "file" || this.digest(path) === this.#present.tree.digest(path)
      ? undefined
      : this.#blob(place.id);
  }

  /** Everything that is another thing than in the commit, by its path in the repository. */
  #changes(): ReadonlySet<string> {
    this.#changed ??= new Set([...this.#repository.changed(this.#commit), ...this.#hidden(), ...this.#untracked]);
    return this.#changed;
  }

  /** What is another thing than in the commit, and git was told not to look at. */
  #hidden(): string[] {
    const there = this.#repository.unwatched().filter((own) => existsSync(posix.join(this.#repository.top, own)));
    const stored = this.#repository.storedIds(there);
    return there.filter((own) => stored.get(own) !== this.#tree.get(own)?.id);
  }

  #isChanged(own: string): boolean {
    return this.#changes().has(own) || this.#changes().has(`${own}/`);
  }

  differs(counts: (path: string) => boolean): boolean {
    const { prefix } = this.#repository;
    return [...this.#changes()].some((own) => counts(posix.relative(prefix, own)));
  }

  declared(key: DeclaredKey): string | undefined {
    const { declared, tree } = this.#present;
    switch (key.kind) {
      case "env":
        return declared.value(key);
      case "command":
        return this.#changes().size > 0 ? undefined : declared.value(key);
      case "files": {
        const matches = pathMatcher([key.name]);
        const { prefix } = this.#repository;
        const paths = [...new Set([...this.#tree.keys(), ...this.#known])].map((own) => posix.relative(prefix, own));
        const isOther =
          paths.some((path) => !isOutside(path) && matches(path) && this.digest(path) !== tree.digest(path)) ||
          // What is in a repository within is not known one by one.
          [...this.#within].some((own) => mayMean(key.name, posix.relative(prefix, own)) && this.#isChanged(own));
        return isOther ? undefined : declared.value(key);
      }
    }
  }

  variable(name: string): string {
    return this.#present.tree.variable(name);
  }
}

/** Adds a path to the names of all directories that lead to it. */
function addNames(directories: Map<string, Set<string>>, path: string): void {
  for (let at = path; at !== ""; at = parentOf(at)) {
    const parent = parentOf(at);
    const names = directories.get(parent);
    if (names === undefined) {
      directories.set(parent, new Set([posix.basename(at)]));
    } else if (names.has(posix.basename(at))) {
      return;
    } else {
      names.add(posix.basename(at));
    }
  }
}

/** Where a path leads to now; undefined: nowhere. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Whether a digest is that of a plain file's content. */
function isContent(digest: string): boolean {
  return /^[0-9a-f]/.test(digest);
}

/** Whether more than the digest of a file may be asked for. */
function isRead(path: string): boolean {
  return path.endsWith(".py") || isConfigurationFile(path);
}
