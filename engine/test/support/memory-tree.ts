/** A project in memory, as the decisions see it. */

import { resolveValue } from "../../src/changes/resolve.ts";
import type { SourceState, Tree } from "../../src/changes/tree.ts";
import { blobSha1, textDigest } from "../../src/files/hash.ts";
import { listedNames } from "../../src/files/listing.ts";
import { blockAt, type Fingerprint, fingerprint } from "../../src/fingerprint/index.ts";
import { ABSENT, type Dependency } from "../../src/model/key.ts";
import type { LoadedSource, RecordingWorld } from "../../src/recording/attribute.ts";

/** What files contain, by path; a path that ends with "/" is an empty directory. */
export type Files = Readonly<Record<string, string>>;

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function shaOf(text: string): string {
  return blobSha1(encode(text));
}

/** The sources' fingerprint; the text must be one that can be split. */
export function split(text: string): Fingerprint {
  const parsed = fingerprint(encode(text));
  if ("error" in parsed) {
    throw new Error(parsed.error);
  }
  return parsed;
}

export function bodyOf(text: string, qualname: string): string | undefined {
  const found = split(text).blocks.filter((block) => block.qualname === qualname);
  return found.length === 0 ? undefined : found.map(({ checksum }) => checksum).join(",");
}

export class MemoryTree implements Tree {
  readonly searchRoots: readonly string[];
  readonly files: Files;
  readonly packages: string;
  readonly variables: Readonly<Record<string, string>>;

  constructor(
    files: Files,
    searchRoots: readonly string[] = [""],
    packages = "none",
    variables: Readonly<Record<string, string>> = {},
  ) {
    this.variables = variables;
    this.files = files;
    this.searchRoots = searchRoots;
    this.packages = packages;
  }

  digest(path: string): string {
    const text = this.files[path];
    return text === undefined ? ABSENT : shaOf(text);
  }

  source(path: string): SourceState {
    const text = this.files[path];
    if (text === undefined) {
      return { kind: "absent" };
    }
    const parsed = fingerprint(encode(text));
    if ("error" in parsed) {
      return { kind: "broken", digest: shaOf(text), message: parsed.error };
    }
    const { toplevel } = parsed;
    return {
      kind: "source",
      blocks: { toplevel: toplevel.checksum, imports: toplevel.imports, body: (name) => bodyOf(text, name) },
    };
  }

  names(directory: string): readonly string[] | null {
    const prefix = directory === "" ? "" : `${directory}/`;
    const inside = Object.keys(this.files).filter((path) => path.startsWith(prefix));
    if (inside.length === 0) {
      return null;
    }
    const names = inside.map((path) => path.slice(prefix.length).split("/", 1)[0] ?? "");
    return listedNames([...new Set(names.filter((name) => name !== ""))]);
  }

  listingDigest(directory: string): string {
    const names = this.names(directory);
    return names === null ? ABSENT : textDigest(names.join("\n"));
  }

  configDigest(directory: string): string {
    return this.digest(directory === "" ? "pytest.ini" : `${directory}/pytest.ini`);
  }

  packagesDigest(name: string): string {
    return name + this.packages;
  }

  packageDigest(name: string): string {
    return this.packages.split(" ").find((each) => each.startsWith(`${name}-`)) ?? ABSENT;
  }

  variable(name: string): string {
    return this.variables[name] ?? ABSENT;
  }
}

/** What attribution is told to be the standard library. */
const STANDARD: ReadonlySet<string> = new Set(["os", "sys"]);

/** A world for attribution: contents are known as long as the tree has them, or `more` does. */
export function memoryWorld(
  tree: MemoryTree,
  options: {
    readonly more?: readonly string[];
    readonly surroundings?: readonly Dependency[];
    readonly young?: readonly string[];
    /** Contents that cannot be split, by sha. */
    readonly unsplit?: Readonly<Record<string, string>>;
  } = {},
): RecordingWorld {
  const texts = new Map([...Object.values(tree.files), ...(options.more ?? [])].map((text) => [shaOf(text), text]));
  return {
    source: (_path, sha): LoadedSource | undefined => {
      const unsplit = options.unsplit?.[sha];
      if (unsplit !== undefined) {
        return { toplevel: `!${sha}`, imports: [], unsplit, blocksAt: () => [], body: () => `!${sha}` };
      }
      const text = texts.get(sha);
      if (text === undefined) {
        return undefined;
      }
      const parsed = split(text);
      return {
        toplevel: parsed.toplevel.checksum,
        imports: parsed.toplevel.imports,
        blocksAt: (line, name) => blockAt(parsed, line, name).flatMap((index) => parsed.blocks[index] ?? []),
        body: (name) => bodyOf(text, name) ?? ABSENT,
      };
    },
    mentions: (_path, sha, word) => texts.get(sha)?.includes(word) ?? true,
    walkedBefore: () => [],
    digestIfOlder: (path) => (options.young?.includes(path) === true ? undefined : tree.digest(path)),
    namesDigest: (names) => textDigest(listedNames(names).join("\n")),
    resolve: (name, roots) => resolveValue(new MemoryTree(tree.files, roots), name),
    variable: (name) => tree.variable(name),
    installed: (name) => {
      if (STANDARD.has(name)) {
        return undefined;
      }
      return name === "*" ? tree.packagesDigest(name) : tree.packageDigest(name);
    },
    surroundings: () => options.surroundings ?? [],
    readers: () => undefined,
    allVariables: "*",
  };
}
