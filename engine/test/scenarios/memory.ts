/** A scenario's project as the decisions see it, without a disk. */

import { allPackages, commonPackages, EVERYTHING_INSTALLED, packageOf, type Site } from "../../src/changes/packages.ts";
import { type Resolutions, resolveCandidates } from "../../src/changes/resolve.ts";
import { DIRECTORY_DIGEST, type SourceState, type Tree } from "../../src/changes/tree.ts";
import { toplevelValue } from "../../src/changes/values.ts";
import { blobSha1, textDigest } from "../../src/files/hash.ts";
import { listedNames } from "../../src/files/listing.ts";
import { fingerprint } from "../../src/fingerprint/index.ts";
import { ABSENT, SELECTION } from "../../src/model/key.ts";
import { moduleNames, type Outline, outlineOf, Project } from "../../src/names/index.ts";
import { Variables } from "../../src/pipeline/variables.ts";
import { pytestConfigDigest } from "../../src/runners/pytest/configuration.ts";
import { readSite } from "../../src/runners/pytest/distributions.ts";
import { type Command, encode, type ProjectFile, SITE } from "./scenario.ts";

/** A content that does not compile, and what Python says of it. */
export interface Refused {
  readonly digest: string;
  readonly message: string;
}

export class MemoryTree implements Tree {
  readonly searchRoots: readonly string[];
  readonly #files = new Map<string, Uint8Array>();
  readonly #site: Site;
  readonly #directories = new Map<string, Set<string>>();
  readonly #broken: Readonly<Record<string, Refused>>;
  readonly #variables: Readonly<Record<string, string>>;
  readonly #sources = new Map<string, SourceState>();

  /**
   * `broken`: what Python's compiler refused, by path; it counts while that content is there. `variables`: those that
   * the scenario sets; all others stay the same in it.
   */
  constructor(
    state: ReadonlyMap<string, ProjectFile>,
    searchRoots: readonly string[],
    broken: Readonly<Record<string, Refused>>,
    variables: Readonly<Record<string, string>>,
  ) {
    this.#variables = variables;
    this.searchRoots = searchRoots;
    this.#broken = broken;
    const site = new Map<string, Uint8Array>();
    this.#directories.set("", new Set());
    for (const [path, file] of state) {
      if (path.startsWith(SITE)) {
        site.set(path.slice(SITE.length), encode(file));
        continue;
      }
      this.#files.set(path, encode(file));
      const parts = path.split("/");
      parts.forEach((name, index) => {
        const directory = parts.slice(0, index).join("/");
        const names = this.#directories.get(directory) ?? new Set();
        this.#directories.set(directory, names.add(name));
      });
    }
    this.#site = readSite({
      names: () => [...new Set([...site.keys()].map((path) => path.split("/", 1)[0] ?? path))].sort(),
      read: (path) => site.get(path) ?? null,
    });
  }

  digest(path: string): string {
    const bytes = this.#files.get(path);
    if (bytes === undefined) {
      return this.#directories.has(path) ? DIRECTORY_DIGEST : ABSENT;
    }
    return blobSha1(bytes);
  }

  source(path: string): SourceState {
    let source = this.#sources.get(path);
    if (source === undefined) {
      source = this.#read(path);
      this.#sources.set(path, source);
    }
    return source;
  }

  #read(path: string): SourceState {
    const bytes = this.#files.get(path);
    if (bytes === undefined) {
      return { kind: "absent" };
    }
    const refused = this.#broken[path];
    const parsed = refused?.digest === this.digest(path) ? { error: refused.message } : fingerprint(bytes);
    if ("error" in parsed) {
      return { kind: "broken", digest: this.digest(path), message: parsed.error };
    }
    const { toplevel, blocks } = parsed;
    const body = (qualname: string): string | undefined => {
      const found = blocks.filter((block) => block.qualname === qualname).map((block) => block.checksum);
      return found.length === 0 ? undefined : found.join(",");
    };
    return { kind: "source", blocks: { toplevel: toplevel.checksum, imports: toplevel.imports, body } };
  }

  /** The sources of the project that can be read as Python. */
  sources(): string[] {
    return [...this.#files.keys()].filter((path) => path.endsWith(".py") && this.source(path).kind === "source");
  }

  outlineOfToplevel(value: string): Outline | undefined {
    const path = this.sources().find((each) => toplevelValue(this.source(each)) === value);
    return path === undefined ? undefined : this.#outline(path);
  }

  #outline(path: string): Outline | undefined {
    return this.source(path).kind === "source" ? outlineOf(this.#files.get(path) as Uint8Array) : undefined;
  }

  /** As the newest Python sees it: what is harmless there only must be so in the scenario's own words. */
  project(): Project {
    const memo: Resolutions = new Map();
    return new Project({
      python: [3, 13],
      outline: (path) => this.#outline(path),
      resolve: (module) => resolveCandidates(this, module, memo).map(({ path }) => path),
      namesOf: (path) => moduleNames(path, this.searchRoots),
    });
  }

  names(directory: string): readonly string[] | null {
    const names = this.#directories.get(directory === "." ? "" : directory);
    return names === undefined ? null : listedNames([...names]);
  }

  listingDigest(directory: string): string {
    const names = this.names(directory);
    return names === null ? ABSENT : textDigest(names.join("\n"));
  }

  configDigest(directory: string): string {
    return pytestConfigDigest((name) => this.#files.get(directory === "" ? name : `${directory}/${name}`) ?? null);
  }

  packagesDigest(name: string): string {
    return name === EVERYTHING_INSTALLED ? allPackages([this.#site]) : commonPackages([this.#site]);
  }

  packageDigest(name: string): string {
    return packageOf([this.#site], name);
  }

  variable(name: string): string {
    return new Variables(this.#variables, "").digest(name);
  }
}

/** What code can ask for in a step: environment variables, and what was typed to choose among tests. */
export function variablesOf({ environment, args }: Command): Record<string, string> {
  return { ...environment, [SELECTION]: JSON.stringify(args) };
}
