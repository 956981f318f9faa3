/**
 * The present state of the project over real files: what was seen last (the watch table), corrected where `stat` says
 * that something may have changed. Reads and fingerprints only what it is asked for.
 */

import { readdirSync, readFileSync, type Stats } from "node:fs";
import { basename, join } from "node:path";
import {
  allPackages,
  commonPackages,
  EVERYTHING_INSTALLED,
  packageOf,
  type Site,
  stemOf,
} from "../changes/packages.ts";
import { joinPath, type Resolutions } from "../changes/resolve.ts";
import { DIRECTORY_DIGEST, type SourceBlocks, type SourceState, type Tree, UNKNOWN } from "../changes/tree.ts";
import { valueOfKey } from "../changes/values.ts";
import { compress, decompress } from "../files/compression.ts";
import { blobSha1, textDigest } from "../files/hash.ts";
import { listDirectory } from "../files/listing.ts";
import { absolutePath, isUnchanged, stamp, statOfEntry, type WatchEntry, type WatchKind } from "../files/watch.ts";
import {
  blockAt,
  type Fingerprint,
  type FingerprintFailure,
  fingerprint,
  packFingerprint,
  unpackFingerprint,
} from "../fingerprint/index.ts";
import { ABSENT, type Key } from "../model/key.ts";
import { mayReflect, type Outline, outlineOf, packOutline, unpackOutline } from "../names/index.ts";
import type { LoadedSource } from "../recording/attribute.ts";
import { CONFIG_NAMES, pytestConfigDigest } from "../runners/pytest/configuration.ts";
import { readSite } from "../runners/pytest/distributions.ts";
import type { Store } from "../store/store.ts";
import { type Progress, STEP } from "./progress.ts";
import { isThere } from "./request.ts";
import { viewpointOf } from "./verdict.ts";

/** A fingerprint with its bodies merged by qualified name. */
class IndexedSource implements SourceBlocks, LoadedSource {
  readonly #fingerprint: Fingerprint;
  #bodies: Map<string, string> | undefined;

  constructor(source: Fingerprint) {
    this.#fingerprint = source;
  }

  get fingerprint(): Fingerprint {
    return this.#fingerprint;
  }

  get toplevel(): string {
    return this.#fingerprint.toplevel.checksum;
  }

  get imports(): Fingerprint["toplevel"]["imports"] {
    return this.#fingerprint.toplevel.imports;
  }

  blocksAt(line: number, name: string): readonly Fingerprint["blocks"][number][] {
    return blockAt(this.#fingerprint, line, name).flatMap((index) => this.#fingerprint.blocks[index] ?? []);
  }

  body(qualname: string): string {
    return this.bodies.get(qualname) ?? ABSENT;
  }

  get bodies(): ReadonlyMap<string, string> {
    if (this.#bodies === undefined) {
      this.#bodies = new Map();
      for (const { qualname, checksum } of this.#fingerprint.blocks) {
        const before = this.#bodies.get(qualname);
        this.#bodies.set(qualname, before === undefined ? checksum : `${before},${checksum}`);
      }
    }
    return this.#bodies;
  }

  /** Whether two sources are equal in every block: nothing but comments and layout differs. */
  sameTokens(other: IndexedSource): boolean {
    if (this.toplevel !== other.toplevel || this.bodies.size !== other.bodies.size) {
      return false;
    }
    for (const [qualname, checksum] of this.bodies) {
      if (other.bodies.get(qualname) !== checksum) {
        return false;
      }
    }
    return true;
  }
}

interface CachedFingerprint {
  /** What it was made of, if that is not in the store yet. */
  source?: Uint8Array | undefined;
  readonly parsed: IndexedSource | FingerprintFailure;
  compiled: readonly string[];
}

/** Tells of each file whether it compiles: the message of what is wrong, or null. Paths are absolute. */
export type Compiler = (paths: readonly string[]) => ReadonlyMap<string, string | null>;

export interface PresentOptions {
  readonly root: string;
  readonly store: Store | undefined;
  readonly watch: readonly WatchEntry[];
  readonly searchRoots: readonly string[];
  readonly siteDirectories: readonly string[];
  /** Where the standard library is. */
  readonly stdlib: readonly string[];
  /** `3.13.0`, the version whose compiler is meant. */
  readonly python: string;
  readonly now: number;
  /** Digest of an environment variable, see {@link Tree.variable}. */
  readonly variable: (name: string) => string;
  /** Contents known not to compile on that version, by path. */
  readonly broken: Readonly<Record<string, BrokenFile>>;
  /** Not the present state: this one. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** Another state of the project than the one that is there: where what a tree says of files comes from instead. */
export interface Elsewhere {
  /** As {@link Tree.digest}. */
  digest(path: string): string;
  /** As {@link Tree.names}. */
  names(directory: string): readonly string[] | null;
  /** The content behind a digest, where it is not that of now; undefined also where it is not to be had. */
  content(path: string): Buffer | undefined;
  /** As {@link Tree.configDigest}, where contents do not tell it. */
  config?(directory: string): string;
  /** What was installed in a site directory. */
  site?(path: string): StoredSite | undefined;
}

/** A content that Python refuses, and what it says. */
export interface BrokenFile {
  readonly digest: string;
  readonly message: string;
}

export interface Change {
  readonly kind: WatchKind;
  readonly path: string;
  /** Digest of what was there when the table was written. */
  readonly before: string;
}

export class PresentTree implements Tree {
  readonly searchRoots: readonly string[];
  readonly #options: PresentOptions;
  readonly #files = new Map<string, WatchEntry>();
  readonly #directories = new Map<string, WatchEntry>();
  readonly #sites = new Map<string, WatchEntry>();
  readonly #variables = new Map<string, WatchEntry>();
  readonly #names = new Map<string, readonly string[] | null>();
  readonly #fingerprints = new Map<string, CachedFingerprint | undefined>();
  readonly #fresh = new Set<string>();
  readonly #configs = new Map<string, string>();
  readonly #broken: Map<string, BrokenFile>;
  readonly #bytes = new Map<string, Buffer>();
  readonly #resolutions: Resolutions = new Map();
  readonly #outlines = new Map<string, Outline | undefined>();
  /** Those that the store does not have yet, by content. */
  readonly #freshOutlines = new Map<string, Outline>();
  /** Words of a content, by its hash; null where the content is not to be had any more. */
  readonly #words = new Map<string, ReadonlySet<string> | null>();
  readonly #packages = new Map<string, string>();
  /** What was found in site directories, by path, and whether the store has it. */
  readonly #inventories = new Map<string, { readonly site: Site; readonly digest: string; stored: boolean }>();
  #standard: ReadonlySet<string> | undefined;
  /** Entries that were looked at again because their times were new or too young, though nothing had changed. */
  restamped = 0;

  constructor(options: PresentOptions) {
    this.#options = options;
    this.searchRoots = options.searchRoots;
    this.#broken = new Map(Object.entries(options.broken));
    for (const entry of options.watch) {
      this.#mapOf(entry.kind).set(entry.path, entry);
    }
  }

  #mapOf(kind: WatchKind): Map<string, WatchEntry> {
    switch (kind) {
      case "f":
        return this.#files;
      case "d":
        return this.#directories;
      case "p":
        return this.#sites;
      case "e":
        return this.#variables;
    }
  }

  /**
   * What values depend on besides files: two trees with the same viewpoint see the same value for every key.
   */
  get viewpoint(): string {
    const { python, siteDirectories, searchRoots } = this.#options;
    return viewpointOf(python, siteDirectories, searchRoots);
  }

  /** The version whose compiler is meant. */
  get python(): string {
    return this.#options.python;
  }

  /**
   * Looks at everything that is watched; what changed is corrected in place and returned. `unchanged`: so many, from the
   * first on, were just seen to be as they were.
   */
  scan(options: { readonly progress?: Progress | undefined; readonly unchanged?: number | undefined } = {}): Change[] {
    const { progress, unchanged = 0 } = options;
    const changes: Change[] = [];
    const { root, watch } = this.#options;
    for (let index = unchanged; index < watch.length; index++) {
      if (progress !== undefined && index % STEP === 0) {
        progress("look", index, watch.length);
      }
      const entry = watch[index] as WatchEntry;
      const stat = entry.kind === "e" ? undefined : statOfEntry(root, entry);
      if (entry.kind === "e" ? entry.digest === this.#options.variable(entry.path) : isUnchanged(entry, stat)) {
        continue;
      }
      const before = entry.digest;
      this.#resolutions.clear();
      Object.assign(entry, this.#look(entry.kind, entry.path, stat));
      if (entry.digest === before) {
        this.restamped += 1;
      } else {
        changes.push({ kind: entry.kind, path: entry.path, before });
      }
    }
    return changes;
  }

  /** All entries, with what was added by questions since. */
  entries(): WatchEntry[] {
    return [this.#files, this.#directories, this.#sites, this.#variables].flatMap((map) => [...map.values()]);
  }

  /** `known`: what `stat` has said of it just now. */
  #look(kind: WatchKind, path: string, known?: Stats): WatchEntry {
    if (kind === "e") {
      const digest = this.#options.variable(path);
      return { kind, path, digest, size: 0, mtimeMs: 0, ctimeMs: 0, inode: 0, settled: true };
    }
    if (this.#options.elsewhere !== undefined) {
      const digest = this.#lookElsewhere(this.#options.elsewhere, kind, path);
      return { kind, path, digest, size: 0, mtimeMs: 0, ctimeMs: 0, inode: 0, settled: false };
    }
    if (UNNAMEABLE.test(path)) {
      return { kind, path, digest: UNKNOWN, size: 0, mtimeMs: 0, ctimeMs: 0, inode: 0, settled: false };
    }
    const absolute = absolutePath(this.#options.root, { kind, path });
    // The stamp is taken before the content: a write in between shows as a changed time at the next look.
    const stat = known ?? statOfEntry(this.#options.root, { kind, path });
    const times = stamp(stat, this.#options.now);
    let digest: string = ABSENT;
    if (stat !== undefined) {
      if (kind === "f") {
        digest = this.#readDigest(absolute, path, stat);
      } else if (kind === "d") {
        const names = listDirectory(absolute);
        this.#names.set(path, names);
        digest = names === null ? ABSENT : namesDigest(names);
      } else {
        digest = this.#readInventory(absolute);
      }
    }
    return { kind, path, digest, ...times };
  }

  #lookElsewhere(elsewhere: Elsewhere, kind: WatchKind, path: string): string {
    if (kind === "f") {
      return elsewhere.digest(path);
    }
    if (kind === "d") {
      const names = elsewhere.names(path);
      this.#names.set(path, names);
      return names === null ? ABSENT : namesDigest(names);
    }
    const known = elsewhere.site?.(path);
    this.#inventories.set(path, {
      site: known?.site ?? NOTHING_INSTALLED,
      digest: known?.digest ?? UNKNOWN,
      stored: true,
    });
    return known?.digest ?? UNKNOWN;
  }

  #readDigest(absolute: string, path: string, stat: Stats): string {
    if (!stat.isFile()) {
      // Opening a pipe would wait for somebody to write.
      return stat.isDirectory() ? DIRECTORY_DIGEST : "?special";
    }
    try {
      const bytes = readFileSync(absolute);
      if (path.endsWith(".py")) {
        this.#bytes.set(path, bytes);
      }
      return blobSha1(bytes);
    } catch (error) {
      // Nothing that may be read: a state of its own, different from every content.
      return `?${(error as NodeJS.ErrnoException).code ?? "error"}`;
    }
  }

  #entry(kind: WatchKind, path: string): WatchEntry {
    const map = this.#mapOf(kind);
    let entry = map.get(path);
    if (entry === undefined) {
      entry = this.#look(kind, path);
      map.set(path, entry);
    }
    return entry;
  }

  /** The digest of what is watched. */
  watched(kind: WatchKind, path: string): string {
    return this.#entry(kind, path).digest;
  }

  digest(path: string): string {
    return this.#entry("f", path).digest;
  }

  /** Whether anything is at a path, as far as it is watched already by what was seen there. */
  isThere(path: string): boolean {
    const entry = this.#files.get(path);
    return entry === undefined ? isThere(this.#options.root, path) : entry.digest !== ABSENT;
  }

  names(directory: string): readonly string[] | null {
    const entry = this.#entry("d", directory);
    if (entry.digest === ABSENT) {
      return null;
    }
    let names = this.#names.get(directory);
    if (names === undefined) {
      names = listDirectory(join(this.#options.root, directory));
      this.#names.set(directory, names);
    }
    return names;
  }

  listingDigest(directory: string): string {
    return this.#entry("d", directory).digest;
  }

  configDigest(directory: string): string {
    const { elsewhere } = this.#options;
    let digest = this.#configs.get(directory) ?? elsewhere?.config?.(directory);
    if (digest === undefined) {
      let isUnknown = false;
      digest = pytestConfigDigest((name) => {
        const path = joinPath(directory, name);
        // Through the watch table, so that its appearing or changing is noticed.
        const found = this.digest(path);
        if (!/^[0-9a-f]/.test(found)) {
          isUnknown ||= found === UNKNOWN;
          return null;
        }
        if (elsewhere !== undefined) {
          const content = this.#content(path, found) ?? null;
          isUnknown ||= content === null;
          return content;
        }
        try {
          return readFileSync(join(this.#options.root, path));
        } catch {
          return null;
        }
      });
      digest = isUnknown ? UNKNOWN : digest;
      this.#configs.set(directory, digest);
    }
    return digest;
  }

  packagesDigest(name: string): string {
    return name === EVERYTHING_INSTALLED
      ? this.#options.siteDirectories.map((path) => this.#entry("p", path).digest).join(",")
      : this.#packageValue("", commonPackages);
  }

  packageDigest(name: string): string {
    return this.#packageValue(name, (sites) => packageOf(sites, name));
  }

  #packageValue(name: string, textFor: (sites: readonly Site[]) => string): string {
    let value = this.#packages.get(name);
    if (value === undefined) {
      const { siteDirectories } = this.#options;
      const text = textFor(siteDirectories.map((path) => this.#site(path)));
      const isUnknown = siteDirectories.some((path) => this.#entry("p", path).digest === UNKNOWN);
      value = isUnknown ? UNKNOWN : text === ABSENT ? ABSENT : textDigest(text);
      this.#packages.set(name, value);
    }
    return value;
  }

  /** Whether a top-level name is one of the standard library's. */
  isStandard(name: string): boolean {
    this.#standard ??= new Set(
      this.#options.stdlib
        .flatMap((path) => [path, join(path, "lib-dynload")])
        .flatMap(namesIn)
        .map(stemOf),
    );
    return this.#standard.has(name);
  }

  /** What a site directory holds, by the digest in the watch table: read only if the store has it no more. */
  #site(path: string): Site {
    const { digest } = this.#entry("p", path);
    let known = this.#inventories.get(path);
    if (known === undefined || known.digest !== digest) {
      const stored = JSON.parse(this.#options.store?.note(`site:${path}`) ?? "null") as StoredSite | null;
      if (stored?.digest === digest) {
        known = { ...stored, stored: true };
        this.#inventories.set(path, known);
      } else {
        this.#readInventory(path);
        known = this.#inventories.get(path);
      }
    }
    return known?.site ?? NOTHING_INSTALLED;
  }

  /** Reads a site directory; returns its digest. */
  #readInventory(path: string): string {
    this.#packages.clear();
    try {
      readdirSync(path);
    } catch {
      this.#inventories.set(path, { site: NOTHING_INSTALLED, digest: ABSENT, stored: true });
      return ABSENT;
    }
    const site = readSite({
      names: () => namesIn(path).sort(),
      read: (name) => {
        try {
          return readFileSync(join(path, name));
        } catch {
          return null;
        }
      },
    });
    const digest = textDigest(allPackages([site]));
    this.#inventories.set(path, { site, digest, stored: false });
    return digest;
  }

  /** Writes what was found in site directories since. */
  saveSites(store: Store): void {
    for (const [path, inventory] of this.#inventories) {
      if (!inventory.stored) {
        const { site, digest } = inventory;
        store.setNote(`site:${path}`, JSON.stringify({ site, digest } satisfies StoredSite));
        inventory.stored = true;
      }
    }
  }

  /** What is installed in each site directory. */
  installed(): Map<string, StoredSite> {
    return new Map(
      this.#options.siteDirectories.map((path) => [
        path,
        { site: this.#site(path), digest: this.#entry("p", path).digest },
      ]),
    );
  }

  variable(name: string): string {
    return this.#entry("e", name).digest;
  }

  source(path: string): SourceState {
    const digest = this.digest(path);
    if (digest === ABSENT) {
      return { kind: "absent" };
    }
    const known = this.#broken.get(path);
    const message = known?.digest === digest ? known.message : undefined;
    const source = message === undefined ? this.fingerprintOf(path, digest) : undefined;
    if (source instanceof IndexedSource) {
      return { kind: "source", blocks: source };
    }
    return { kind: "broken", digest, message: message ?? source?.error ?? "it cannot be read" };
  }

  /** The broken contents that are still there, for the next decision. */
  brokenFiles(): Record<string, BrokenFile> {
    return Object.fromEntries([...this.#broken].filter(([path, { digest }]) => this.digest(path) === digest));
  }

  /** Why a file cannot be read as Python now, if so. */
  broken(path: string): string | undefined {
    const state = this.#files.has(path) ? this.source(path) : undefined;
    return state?.kind === "broken" ? state.message : undefined;
  }

  /** The fingerprint of a content: from the store, or from the file if that content is still there. */
  fingerprintOf(path: string, sha: string): IndexedSource | FingerprintFailure | undefined {
    return this.#cached(path, sha)?.parsed;
  }

  #cached(path: string, sha: string): CachedFingerprint | undefined {
    if (this.#fingerprints.has(sha)) {
      return this.#fingerprints.get(sha);
    }
    let cached: CachedFingerprint | undefined;
    const stored = this.#options.store?.fingerprint(sha);
    if (stored !== undefined) {
      const parsed = unpackFingerprint(stored.data);
      if (parsed !== undefined) {
        cached = { parsed: index(parsed), compiled: stored.compiled };
      }
    }
    if (cached === undefined) {
      const bytes = this.#content(path, sha);
      if (bytes !== undefined) {
        cached = { parsed: index(fingerprint(bytes)), compiled: stored?.compiled ?? [], source: bytes };
        this.#fresh.add(sha);
      }
    }
    this.#fingerprints.set(sha, cached);
    return cached;
  }

  /** The outline of a file as it is now; undefined where it cannot be read as Python. */
  outline(path: string): Outline | undefined {
    const digest = this.digest(path);
    if (this.#outlines.has(digest)) {
      return this.#outlines.get(digest);
    }
    let outline: Outline | undefined;
    if (this.source(path).kind === "source") {
      const stored = this.#options.store?.outline(digest);
      outline = stored === undefined ? undefined : unpackOutline(stored);
      if (outline === undefined) {
        const bytes = this.#content(path, digest);
        outline = bytes === undefined ? undefined : this.#outlineOf(digest, bytes);
      }
    }
    this.#outlines.set(digest, outline);
    return outline;
  }

  /** Whether a file may look names up that it does not spell: cheaper to ask than for its outline. */
  mayReflect(path: string): boolean {
    const bytes = this.#content(path, this.digest(path));
    return bytes !== undefined && mayReflect(bytes.toString("latin1"));
  }

  /** The outline of what once stood at module level, by its checksum. */
  outlineOfToplevel(checksum: string): Outline | undefined {
    const stored = this.#options.store?.sourceOfToplevel(checksum);
    const outline = stored?.outline === undefined ? undefined : unpackOutline(stored.outline);
    return stored === undefined || outline !== undefined
      ? outline
      : this.#outlineOf(stored.hash, decompress(stored.data));
  }

  #outlineOf(sha: string, bytes: Uint8Array): Outline | undefined {
    const outline = outlineOf(bytes);
    if (outline !== undefined) {
      this.#freshOutlines.set(sha, outline);
    }
    return outline;
  }

  #content(path: string, sha: string): Buffer | undefined {
    try {
      const elsewhere = this.#options.elsewhere?.content(path);
      const bytes = elsewhere ?? this.#bytes.get(path) ?? readFileSync(join(this.#options.root, path));
      return blobSha1(bytes) === sha ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whether a word stands anywhere in this content; true where that cannot be told. */
  mentions(path: string, sha: string, word: string): boolean {
    let words = this.#words.get(sha);
    if (words === undefined) {
      const bytes = this.#content(path, sha);
      words = bytes === undefined ? null : new Set(bytes.toString("latin1").match(/\w+/g));
      this.#words.set(sha, words);
    }
    // Names beyond ASCII may be written in more than one way.
    return words === null || words.has(word) || !/^\w+$/.test(word);
  }

  /** Notes that this content was loaded by the session's Python, so that it compiles. */
  noteCompiled(path: string, sha: string): void {
    const cached = this.#cached(path, sha);
    if (cached !== undefined && !cached.compiled.includes(this.#options.python)) {
      cached.compiled = [...cached.compiled, this.#options.python];
      this.#fresh.add(sha);
    }
  }

  /**
   * Has the changed sources compiled that are not known to: the splitter is no parser, and a typo in a function that
   * nobody calls breaks every importer. A source equal in all tokens to one that compiled needs no look.
   */
  checkCompiles(changes: readonly Change[], compiler: Compiler, progress?: Progress): void {
    const unknown = changes.filter(({ kind, path, before }, index) => {
      if (progress !== undefined && index % STEP === 0) {
        progress("split", index, changes.length);
      }
      // A script without the suffix is a source all the same, if it was ever loaded as one.
      const isSource = kind === "f" && (path.endsWith(".py") || this.#storedFingerprint(before) !== undefined);
      const digest = isSource ? this.digest(path) : ABSENT;
      const now = digest === ABSENT ? undefined : this.#cached(path, digest);
      if (now === undefined || !(now.parsed instanceof IndexedSource) || now.compiled.includes(this.#options.python)) {
        return false;
      }
      const old = this.#fingerprints.get(before) ?? this.#storedFingerprint(before);
      return !(
        old?.parsed instanceof IndexedSource &&
        old.compiled.includes(this.#options.python) &&
        old.parsed.sameTokens(now.parsed)
      );
    });
    if (unknown.length === 0) {
      return;
    }
    const verdicts = compiler(unknown.map(({ path }) => join(this.#options.root, path)));
    for (const { path } of unknown) {
      const message = verdicts.get(join(this.#options.root, path));
      if (message === null) {
        this.noteCompiled(path, this.digest(path));
      } else {
        this.#broken.set(path, { digest: this.digest(path), message: message ?? "it could not be compiled" });
      }
    }
  }

  #storedFingerprint(sha: string): CachedFingerprint | undefined {
    const stored = this.#options.store?.fingerprint(sha);
    if (stored === undefined) {
      return undefined;
    }
    const parsed = unpackFingerprint(stored.data);
    return parsed === undefined ? undefined : { parsed: index(parsed), compiled: stored.compiled };
  }

  /** Writes the fingerprints that were computed or learnt to compile since, and outlines that were needed. */
  saveFingerprints(store: Store): void {
    for (const sha of this.#fresh) {
      const cached = this.#fingerprints.get(sha);
      if (cached !== undefined) {
        const { parsed, compiled, source } = cached;
        if (parsed instanceof IndexedSource && source !== undefined) {
          store.setSource(sha, parsed.toplevel, compress(source));
          cached.source = undefined;
        }
        store.setFingerprint(
          sha,
          packFingerprint(parsed instanceof IndexedSource ? parsed.fingerprint : parsed),
          compiled,
        );
      }
    }
    this.#fresh.clear();
    for (const [sha, outline] of this.#freshOutlines) {
      store.setOutline(sha, packOutline(outline));
    }
    this.#freshOutlines.clear();
  }

  /** Of how many contents something was found out that the store does not know. */
  get freshContents(): number {
    return new Set([...this.#fresh, ...this.#freshOutlines.keys()]).size;
  }

  /** Makes sure that everything the value of this key is computed from is watched. */
  value(key: Key): string {
    return valueOfKey(this, key, this.#resolutions);
  }
}

function index(parsed: Fingerprint | FingerprintFailure): IndexedSource | FingerprintFailure {
  return "error" in parsed ? parsed : new IndexedSource(parsed);
}

/** Digest of a directory's names. */
export function namesDigest(names: readonly string[]): string {
  return textDigest(names.join("\n"));
}

/** A site directory as the store keeps it. */
export interface StoredSite {
  readonly site: Site;
  readonly digest: string;
}

const NOTHING_INSTALLED: Site = { distributions: [], loose: [], startup: [] };

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Names that are no UTF-8: Node cannot ask for them, and would find nothing there, whatever there is. */
const UNNAMEABLE = /[\ufffd\p{Surrogate}]/u;

const CONFIGURATION_FILES: ReadonlySet<string> = new Set([...CONFIG_NAMES, "setup.py"]);

/** Whether the key concerns pytest's configuration when this file changes. */
export function isConfigurationFile(path: string): boolean {
  return CONFIGURATION_FILES.has(basename(path));
}
