/**
 * From the frames of one journal to what each test and each file's collection depended on.
 *
 * The journal says which code ran in which context (session, collection of a file, import of a module, fixture, test)
 * and which context used which. Three things are added here:
 *
 * - code stands for the *block* that it is in, by the source that the process really loaded;
 * - whoever runs code of a module depends on the module level of everything in that module's *import closure*: static
 *   imports of the present source joined with the imports that were observed. Only modules that were loaded count: an
 *   import that never ran changed nothing, and running it takes a change in a block that is a dependency itself;
 * - what lies above a test file (conftest.py and __init__.py of each directory, there or not) concerns its tests;
 * - of the states that a test may have found, those count whose names it mentions (states.ts).
 *
 * What must stay true: whatever cannot be known makes the set that needs it `lost` (no fact is stored) or `opaque`
 * (everything known is a dependency); it never leaves a dependency out.
 */

import { joinPath } from "../changes/resolve.ts";
import type { ImportRef } from "../fingerprint/index.ts";
import type {
  CollectedFrame,
  ContextFrame,
  FrameWithCodes,
  Input,
  ModuleFrame,
  PreloadedFrame,
  SessionFrame,
  StartFrame,
  TestFrame,
} from "../journal/frames.ts";
import { SESSION_CONTEXT, WALK_CONTEXT } from "../journal/frames.ts";
import { ABSENT, type Dependency, FAILED, type KeyKind, keyId, WHOLE } from "../model/key.ts";
import { type Concern, isConftest, MAIN, packageOf, relativeName, SESSION_HOOKS, withParents } from "../names/index.ts";
import { isOfChild } from "./children.ts";
import { States } from "./states.ts";

/** A source that was loaded, as far as attribution needs it. */
export interface LoadedSource {
  readonly toplevel: string;
  readonly imports: readonly ImportRef[];
  /** Why the source could not be split, though Python runs it: then its blocks and imports are not known. */
  readonly unsplit?: string;
  /** The blocks that must be assumed to have run when code with this first line and name ran. */
  blocksAt(
    line: number,
    name: string,
  ): readonly { readonly qualname: string; readonly imports: readonly ImportRef[] }[];
  body(qualname: string): string;
}

/** What attribution asks of the world. */
export interface RecordingWorld {
  /** The source with this content; undefined if that content is not to be had any more, or cannot be fingerprinted. */
  source(path: string, sha: string): LoadedSource | undefined;
  /** Whether a word stands anywhere in this content, in code or in a string; true where that cannot be told. */
  mentions(path: string, sha: string, word: string): boolean;
  /** Blob id of the file now, "-" if absent; undefined if it may have changed since `sinceMs`. */
  digestIfOlder(path: string, sinceMs: number): string | undefined;
  /** Directories that pytest looked for tests in, in earlier runs of this environment. */
  walkedBefore(): Iterable<string>;
  namesDigest(names: readonly string[]): string;
  /** The name of the key over all variables that a test can have seen. */
  readonly allVariables: string;
  /** Present value of `resolve name`. */
  resolve(name: string, searchRoots: readonly string[]): string;
  /** Whether a file is declared to be no input, whatever happens to it. */
  isIgnored?(path: string): boolean;
  /** Value of `env name` when the session started. */
  variable(name: string): string;
  /** Value of `package name` while the session ran; undefined for what is none, such as the standard library. */
  installed(name: string): string | undefined;
  /** `config` and `packages` dependencies of every test of a session. */
  surroundings(): readonly Dependency[];
  /**
   * Who can come by what a name of a file stands for, among the loaded files; undefined where that cannot be told.
   * `keepers`: files whose import ran any of them, so that what it computed may hold on to it.
   */
  readers(
    path: string,
    name: string,
    loaded: readonly string[],
    keepers: (readers: Readers) => readonly string[],
  ): Readers | undefined;
}

/** Who mentions a name, directly or through other names at module level. */
export type Readers = Pick<Concern, "concerns" | "isNamed" | "effects">;

/** A set of dependencies (indices into {@link Recording.dependencies}), and what is wrong with it. */
export interface RecordedSet {
  readonly members: readonly number[];
  /** Of the bodies, those that ran in what the set is of, and not when a module was imported before; absent if all did. */
  readonly ran?: readonly number[];
  /** Why no fact may rely on it. */
  readonly lost?: string;
  /** Reasons for which everything known has to be a dependency. */
  readonly opaque: readonly string[];
  /** Some of it ran in a child process, or loaded a module anew. */
  readonly elsewhere?: true;
  /** Fixtures whose teardown was not seen because the process ended before it. */
  readonly missingTeardowns: readonly string[];
  /** Contexts of states that whoever has this set may have found. */
  readonly states: readonly number[];
}

export interface RecordedTest {
  readonly frame: TestFrame;
  readonly path: string;
  /** Of the session, of the file's collection, the test's own, then of fixtures, and of who left state behind. */
  readonly sets: readonly RecordedSet[];
}

export interface RecordedCollection {
  readonly frame: CollectedFrame;
  readonly path: string;
  readonly sets: readonly RecordedSet[];
}

export interface Recording {
  readonly start: StartFrame | undefined;
  readonly session: SessionFrame | undefined;
  readonly dependencies: readonly Dependency[];
  readonly tests: readonly RecordedTest[];
  readonly collections: readonly RecordedCollection[];
  /** Every file whose collection the journal tells of, in part or whole. */
  readonly collectedPaths: readonly string[];
  /** Files that the session was to collect and did not come by, with what that depended on. */
  readonly uncollected: readonly { readonly path: string; readonly sets: readonly RecordedSet[] }[];
  readonly walks: ReadonlyMap<string, readonly string[]>;
  /** Teardown sets seen, by fixture name. */
  readonly teardowns: ReadonlyMap<string, RecordedSet>;
  readonly notes: readonly string[];
  /** Whether the process came to its orderly end. */
  readonly ended: boolean;
}

interface Context {
  readonly kind: ContextFrame["kind"];
  readonly name: string;
  readonly uses: Set<number>;
  readonly codes: Set<number>;
  readonly inputs: Input[];
  readonly opaque: string[];
  readonly teardowns: number[];
  file?: number;
  /** Of a state, the one before it. */
  before?: number | undefined;
}

interface Code {
  readonly file: number;
  readonly line: number;
  readonly name: string;
}

interface CodeMeaning {
  readonly members: readonly number[];
  /** Files that the code's own module and the imports in its body lead to. */
  readonly files: readonly number[];
  readonly lost?: string;
}

/** What reaching a file means: its module level and what its import did, and where that leads to. */
interface FileNode {
  readonly members: readonly number[];
  readonly files: readonly number[];
  /** Contexts other than imports that its import used. */
  readonly contexts: readonly number[];
  readonly lost: string | undefined;
  readonly opaque: readonly string[];
}

/**
 * A set while it is gathered. What is in it already is told by stamps, arrays shared by all sets that carry the number
 * of the set that last had the entry: ten thousand hash sets would cost more than the attribution itself.
 */
class Gathering {
  readonly members: number[] = [];
  readonly files: number[] = [];
  readonly opaque = new Set<string>();
  readonly missingTeardowns = new Set<string>();
  readonly states: number[] = [];
  readonly ran: number[] = [];
  readonly #stamps: Stamps;
  readonly #number: number;
  lost: string | undefined;
  elsewhere = false;
  /** Modules were imported meanwhile. */
  loads = false;

  constructor(stamps: Stamps) {
    this.#stamps = stamps;
    stamps.sets += 1;
    this.#number = stamps.sets;
  }

  addMember(member: number): void {
    if (this.#stamps.members[member] !== this.#number) {
      this.#stamps.members[member] = this.#number;
      this.members.push(member);
    }
  }

  /** Whether the file is new to this set. */
  addFile(file: number): boolean {
    if (this.#stamps.files[file] === this.#number) {
      return false;
    }
    this.#stamps.files[file] = this.#number;
    this.files.push(file);
    return true;
  }

  /** Whether the context is new to this set. */
  addContext(context: number): boolean {
    if (this.#stamps.contexts[context] === this.#number) {
      return false;
    }
    this.#stamps.contexts[context] = this.#number;
    return true;
  }

  finish(): RecordedSet {
    return {
      members: this.members,
      opaque: [...this.opaque],
      missingTeardowns: [...this.missingTeardowns],
      states: this.states,
      ...(this.loads ? {} : { ran: this.ran }),
      ...(this.lost === undefined ? {} : { lost: this.lost }),
      ...(this.elsewhere ? { elsewhere: true } : {}),
    };
  }
}

interface Stamps {
  sets: number;
  readonly members: number[];
  readonly files: number[];
  readonly contexts: number[];
}

/** Files that another set of the same fact has already: one byte per file. */
type FileMarks = Uint8Array;

/** What collecting a file depended on, the files in it, and the contexts in which it was collected. */
interface FileSet {
  readonly set: RecordedSet;
  readonly reached: readonly number[];
  readonly contexts: ReadonlySet<number>;
}

/** All that is installed. */
const EVERYTHING = "*";
/** Packages that read the metadata of all others. */
const SEES_ALL: ReadonlySet<string> = new Set(["pkg_resources", "importlib_metadata"]);

/** Contexts of `functools` caches: what produced the values that later tests find ready. They have no teardown. */
const CACHE_PREFIX = "cache::";
/** What stands for a test in the contexts of those that have found files, variables or the like which it left. */
const LEFT_PREFIX = "left::";

/**
 * Attributes a journal. Total: frames that make no sense are as good as absent, and cost facts, not truth.
 *
 * `expected`: files that pytest was to collect, if it still takes them for test files.
 */
export function attribute(
  frames: readonly FrameWithCodes[],
  world: RecordingWorld,
  expected: readonly string[] = [],
): Recording {
  return new Attribution(frames, world).recording(expected);
}

class Attribution {
  readonly #world: RecordingWorld;
  readonly #paths: string[] = [];
  readonly #codes: Code[] = [];
  readonly #contexts = new Map<number, Context>();
  readonly #teardownOf = new Map<number, number>();
  /** Loaded content by file number: a blob id, or null where it is not known (or where it was loaded twice, differing). */
  readonly #content = new Map<number, string | null>();
  readonly #moduleContexts = new Map<number, Set<number>>();
  readonly #moduleNames = new Map<number, { name: string; package: string | null }[]>();
  readonly #filesByName = new Map<string, Set<number>>();
  readonly #preloaded: PreloadedFrame[] = [];
  readonly #collected: CollectedFrame[] = [];
  readonly #tests: { frame: TestFrame; codes: Uint32Array }[] = [];
  readonly #notes: string[] = [];
  readonly #searchRoots: string[] = [];
  #start: StartFrame | undefined;
  #session: SessionFrame | undefined;
  #ended = false;

  readonly #stamps: Stamps = { sets: 0, members: [], files: [], contexts: [] };
  readonly #dependencies: Dependency[] = [];
  readonly #dependencyIds = new Map<string, number>();
  readonly #meanings = new Map<number, CodeMeaning>();
  readonly #fileNodes = new Map<number, FileNode>();
  readonly #fileMembers = new Map<number, readonly number[] | undefined>();
  readonly #links = new Map<number, readonly number[]>();
  readonly #sources = new Map<number, LoadedSource | undefined>();

  constructor(frames: readonly FrameWithCodes[], world: RecordingWorld) {
    this.#world = world;
    for (const { frame, codes } of frames) {
      switch (frame.k) {
        case "start":
          this.#start = frame;
          break;
        case "files":
          frame.paths.forEach((path, index) => {
            this.#paths[frame.base + index] = path;
          });
          break;
        case "codes":
          frame.codes.forEach(([file, line, name], index) => {
            this.#codes[frame.base + index] = { file, line, name };
          });
          break;
        case "session":
          // Later frames tell of the search path only.
          this.#session = { ...this.#session, ...frame };
          for (const root of frame.roots.map(projectPath)) {
            if (!this.#searchRoots.includes(root)) {
              this.#searchRoots.push(root);
            }
          }
          break;
        case "module":
          this.#addModule(frame);
          break;
        case "preloaded":
          this.#preloaded.push(frame);
          break;
        case "ctx":
          this.#addContext(frame, codes);
          break;
        case "collected":
          this.#collected.push(frame);
          break;
        case "test":
          this.#tests.push({ frame, codes });
          break;
        case "note":
          this.#notes.push(frame.message);
          break;
        case "end":
          this.#ended = true;
          break;
      }
    }
    for (const [teardown, fixture] of this.#teardownOf) {
      this.#contexts.get(fixture)?.teardowns.push(teardown);
    }
  }

  #addModule(frame: ModuleFrame): void {
    const known = this.#content.get(frame.file);
    this.#content.set(frame.file, known === undefined || known === frame.sha ? frame.sha : null);
    let contexts = this.#moduleContexts.get(frame.file);
    if (contexts === undefined) {
      contexts = new Set();
      this.#moduleContexts.set(frame.file, contexts);
    }
    contexts.add(frame.ctx);
    const names = this.#moduleNames.get(frame.file) ?? [];
    names.push({ name: frame.name, package: frame.package });
    this.#moduleNames.set(frame.file, names);
    const files = this.#filesByName.get(frame.name) ?? new Set();
    files.add(frame.file);
    this.#filesByName.set(frame.name, files);
    this.#context(frame.ctx, "import", frame.name).file = frame.file;
  }

  #context(id: number, kind: ContextFrame["kind"], name: string): Context {
    let context = this.#contexts.get(id);
    if (context === undefined) {
      context = { kind, name, uses: new Set(), codes: new Set(), inputs: [], opaque: [], teardowns: [] };
      this.#contexts.set(id, context);
    }
    return context;
  }

  #addContext(frame: ContextFrame, codes: Uint32Array): void {
    const context = this.#context(frame.id, frame.kind, frame.name);
    for (const use of frame.uses) {
      context.uses.add(use);
    }
    for (const code of codes) {
      context.codes.add(code);
    }
    context.inputs.push(...frame.inputs);
    context.opaque.push(...frame.opaque);
    if (frame.kind === "state") {
      context.before = frame.of;
    } else if (frame.of !== undefined) {
      this.#teardownOf.set(frame.id, frame.of);
    }
  }

  #dependency(kind: KeyKind, path: string, name: string, value: string): number {
    const id = `${keyId(kind, path, name)}\n${value}`;
    let index = this.#dependencyIds.get(id);
    if (index === undefined) {
      index = this.#dependencies.length;
      this.#dependencies.push({ kind, path, name, value });
      this.#dependencyIds.set(id, index);
    }
    return index;
  }

  #source(file: number): LoadedSource | undefined {
    if (this.#sources.has(file)) {
      return this.#sources.get(file);
    }
    const sha = this.#content.get(file);
    const path = this.#paths[file];
    const source = typeof sha === "string" && path !== undefined ? this.#world.source(path, sha) : undefined;
    this.#sources.set(file, source);
    return source;
  }

  /** Full names of the module that an import in a file speaks of: one for each name of the file, if it is relative. */
  #basesOf(file: number, level: number, module: string): string[] {
    if (level === 0) {
      return [module];
    }
    return (this.#moduleNames.get(file) ?? []).flatMap(
      (own) => relativeName(own.package ?? packageOf(own.name, false), level, module) ?? [],
    );
  }

  /** Loaded files that the imports of a block of `file` lead to. */
  #targets(file: number, imports: readonly ImportRef[]): number[] {
    const found: number[] = [];
    const add = (name: string): void => {
      for (const target of this.#filesByName.get(name) ?? []) {
        found.push(target);
      }
    };
    for (const { level, module, names } of imports) {
      const bases = this.#basesOf(file, level, module);
      for (const base of bases) {
        withParents(base).forEach(add);
        if (names.length === 0) {
          // `import a.b` binds `a`, and with it whatever lies below `a` once anybody has loaded that.
          this.#reachable(file, base.split(".", 1)[0] ?? base).forEach(add);
        }
        for (const name of names) {
          if (name === "*") {
            // `__all__` may name submodules that somebody else imported before.
            this.#submodules(base).forEach(add);
          } else {
            add(`${base}.${name}`);
            this.#reachable(file, `${base}.${name}`).forEach(add);
          }
        }
      }
    }
    return found;
  }

  /** Loaded modules below a package, at any depth. */
  #submodules(base: string): readonly string[] {
    if (this.#below === undefined) {
      this.#below = new Map();
      for (const name of this.#filesByName.keys()) {
        for (const parent of withParents(name).slice(0, -1)) {
          const names = this.#below.get(parent);
          if (names === undefined) {
            this.#below.set(parent, [name]);
          } else {
            names.push(name);
          }
        }
      }
    }
    return this.#below.get(base) ?? [];
  }

  #below: Map<string, string[]> | undefined;

  /** Modules below a package that a file may reach as attributes of it: those whose last name stands in the file. */
  #reachable(file: number, base: string): string[] {
    const path = this.#paths[file];
    const sha = this.#content.get(file);
    return this.#submodules(base).filter(
      (name) =>
        path === undefined ||
        typeof sha !== "string" ||
        this.#world.mentions(path, sha, name.slice(name.lastIndexOf(".") + 1)),
    );
  }

  /** Files that a module's own loading leads to: its static imports, and the packages that it lies in. */
  #linksOf(file: number): readonly number[] {
    let links = this.#links.get(file);
    if (links === undefined) {
      const found = new Set(this.#targets(file, this.#source(file)?.imports ?? []));
      for (const { name } of this.#moduleNames.get(file) ?? []) {
        for (const parent of withParents(name).slice(0, -1)) {
          for (const target of this.#filesByName.get(parent) ?? []) {
            found.add(target);
          }
        }
      }
      links = [...found];
      this.#links.set(file, links);
    }
    return links;
  }

  #meaning(code: number): CodeMeaning {
    let meaning = this.#meanings.get(code);
    if (meaning === undefined) {
      meaning = this.#meaningOf(this.#codes[code]);
      this.#meanings.set(code, meaning);
    }
    return meaning;
  }

  #meaningOf(code: Code | undefined): CodeMeaning {
    const path = code === undefined ? undefined : this.#paths[code.file];
    if (code === undefined || path === undefined) {
      return { members: [], files: [], lost: "the journal is not complete" };
    }
    if (!this.#content.has(code.file)) {
      // Code of a file that no import loaded (a template, say): somebody else compiled it, so the whole file counts.
      const digest = this.#readContent(path) ?? this.#world.digestIfOlder(path, this.#startMs());
      return digest === undefined
        ? { members: [], files: [], lost: `${path} changed while tests ran` }
        : { members: [this.#dependency("file", path, "", digest)], files: [] };
    }
    const source = this.#source(code.file);
    if (source === undefined) {
      return { members: [], files: [], lost: `${path} changed while tests ran` };
    }
    const members: number[] = [];
    const files: number[] = [code.file];
    for (const block of source.blocksAt(code.line, code.name)) {
      members.push(...this.#packagesIn(block.imports));
      members.push(this.#dependency("body", path, block.qualname, source.body(block.qualname)));
      members.push(...this.#namesIn(code.file, block.imports));
      files.push(...this.#targets(code.file, block.imports));
    }
    return { members, files };
  }

  /** What the process read in a file, if that was one and the same content each time. */
  #readContent(path: string): string | undefined {
    if (this.#readContents === undefined) {
      this.#readContents = new Map();
      const inputs = [...this.#contexts.values(), ...this.#tests.map(({ frame }) => frame)].flatMap(
        (one) => one.inputs,
      );
      for (const input of inputs) {
        if (input[0] === "file") {
          const before = this.#readContents.get(input[1]);
          this.#readContents.set(input[1], before === undefined || before === input[2] ? input[2] : null);
        }
      }
    }
    return this.#readContents.get(path) ?? undefined;
  }

  #readContents: Map<string, string | null> | undefined;

  /** `reach`: takes the files that an input leads to, where these are not added at once. */
  #addInput(gathering: Gathering, input: Input, reach?: (file: number) => void): void {
    switch (input[0]) {
      case "file":
        gathering.addMember(this.#dependency("file", input[1], "", input[2]));
        break;
      case "exists":
        gathering.addMember(this.#dependency("exists", input[1], "", input[2]));
        break;
      case "listing":
        gathering.addMember(
          this.#dependency(
            "listing",
            projectPath(input[1]),
            "",
            input[2] === null ? ABSENT : this.#world.namesDigest(input[2]),
          ),
        );
        break;
      case "import":
        gathering.addMember(this.#resolution(input[1]));
        break;
      case "late":
        for (const file of this.#lateFiles(gathering, input[1], input[2])) {
          reach === undefined ? this.#reachFile(gathering, file, undefined) : reach(file);
        }
        break;
      case "module":
        this.#addModuleAsWhole(gathering, input[1], input[2] === "failed");
        break;
      case "env":
        gathering.addMember(this.#variable(input[1] === EVERYTHING ? this.#world.allVariables : input[1]));
        break;
      case "package":
        for (const member of this.#package(input[1])) {
          gathering.addMember(member);
        }
        break;
      case "edge":
        break; // see #package
      case "child":
        gathering.opaque.add(`child process: ${input[2]}`);
        break;
      case "changed":
        if (this.#world.isIgnored?.(input[1]) === true) {
          // A value that nothing has: once the file counts again, this proves nothing.
          gathering.addMember(this.#dependency("file", input[1], "", "?changed"));
        } else {
          gathering.lost ??= `${input[1]} changed while it was in use`;
        }
        break;
    }
  }

  /**
   * The loaded files of a module that code imports which nobody reads, and of the packages that it lies in; of any, by
   * {@link EVERYTHING}. Where the code gets the module itself (`isWhole`), it may look up anything in it, and in what lies
   * below it: all of that is a dependency of `own` as well.
   */
  #lateFiles(own: Gathering, module: string, isWhole: boolean): number[] {
    if (module === EVERYTHING) {
      return [...this.#content.keys()];
    }
    const files = (name: string): number[] => [...(this.#filesByName.get(name) ?? [])];
    const found = isWhole ? [module, ...this.#submodules(module)].flatMap(files) : [];
    for (const file of found) {
      this.#addModuleAsWhole(own, this.#paths[file] ?? "", false);
    }
    return [...found, ...withParents(module).flatMap(files)];
  }

  /** Depends on all of a module level, whatever names there are in it. */
  #addModuleAsWhole(gathering: Gathering, path: string, hasFailed: boolean): void {
    const source = this.#source(this.#paths.indexOf(path));
    if (source === undefined) {
      gathering.lost ??= `${path} changed while tests ran`;
    } else {
      gathering.addMember(this.#dependency("toplevel", path, WHOLE, source.toplevel));
      if (hasFailed) {
        gathering.addMember(this.#dependency("toplevel", path, FAILED, source.toplevel));
      }
    }
  }

  #variable(name: string): number {
    return this.#dependency("env", "", name, this.#world.variable(name));
  }

  #addCode(gathering: Gathering, code: number, skip: FileMarks | undefined): void {
    const meaning = this.#meaning(code);
    for (const member of meaning.members) {
      gathering.addMember(member);
      gathering.ran.push(member);
    }
    if (meaning.lost !== undefined) {
      gathering.lost ??= meaning.lost;
    }
    for (const file of meaning.files) {
      this.#reachFile(gathering, file, skip);
    }
  }

  /** Adds a file's module level and all that it leads to. `skip`: files that another set of the same fact has already. */
  #reachFile(gathering: Gathering, first: number, skip: FileMarks | undefined): void {
    const stack = [first];
    for (let file = stack.pop(); file !== undefined; file = stack.pop()) {
      if (skip?.[file] === 1 || !gathering.addFile(file)) {
        continue;
      }
      const node = this.#fileNode(file);
      for (const member of node.members) {
        gathering.addMember(member);
      }
      gathering.lost ??= node.lost;
      for (const reason of node.opaque) {
        gathering.opaque.add(reason);
      }
      for (const next of node.files) {
        stack.push(next);
      }
      for (const context of node.contexts) {
        this.#reachContext(gathering, context, skip);
      }
    }
  }

  /** The names that import statements of `file` ask for, found or not: another module may answer to them one day. */
  #namesIn(file: number, imports: readonly ImportRef[]): number[] {
    const found: number[] = [];
    for (const { level, module, names } of imports) {
      for (const base of this.#basesOf(file, level, module)) {
        found.push(...withParents(base).map((name) => this.#resolution(name)));
        const isOfProject = this.#filesByName.has(base);
        for (const name of isOfProject ? names.filter((each) => each !== "*") : []) {
          found.push(this.#resolution(`${base}.${name}`));
        }
      }
    }
    return found;
  }

  /** A file with all that its import did, in one step: ten thousand sets walk over the same files. */
  #fileNode(file: number): FileNode {
    let node = this.#fileNodes.get(file);
    if (node === undefined) {
      node = this.#makeFileNode(file);
      this.#fileNodes.set(file, node);
    }
    return node;
  }

  #makeFileNode(file: number): FileNode {
    const own = new Gathering(this.#stamps);
    const files = new Set(this.#linksOf(file));
    const contexts = new Set<number>();
    const members = this.#membersOf(file);
    if (members === undefined) {
      own.lost = `${this.#paths[file]} changed while tests ran`;
    }
    members?.forEach((member) => {
      own.addMember(member);
    });
    for (const name of this.#namesIn(file, this.#source(file)?.imports ?? [])) {
      own.addMember(name);
    }
    const unsplit = this.#source(file)?.unsplit;
    if (unsplit !== undefined) {
      own.opaque.add(`${this.#paths[file]}, which Winnow cannot read as Python (${unsplit})`);
    }
    for (const id of this.#moduleContexts.get(file) ?? []) {
      const context = this.#contexts.get(id);
      for (const code of context?.codes ?? []) {
        const meaning = this.#meaning(code);
        for (const member of meaning.members) {
          own.addMember(member);
        }
        own.lost ??= meaning.lost;
        for (const reached of meaning.files) {
          files.add(reached);
        }
      }
      for (const input of context?.inputs ?? []) {
        this.#addInput(own, input, (reached) => files.add(reached));
      }
      for (const reason of context?.opaque ?? []) {
        own.opaque.add(reason);
      }
      for (const use of context?.uses ?? []) {
        const imported = this.#contexts.get(use)?.file;
        if (imported === undefined) {
          contexts.add(use);
        } else {
          files.add(imported);
        }
      }
    }
    files.delete(file);
    const { lost, opaque } = own;
    return { members: own.members, files: [...files], contexts: [...contexts], lost, opaque: [...opaque] };
  }

  /** The module level of a file and its own names; undefined if its content is not known. Asked for very often. */
  #membersOf(file: number): readonly number[] | undefined {
    if (this.#fileMembers.has(file)) {
      return this.#fileMembers.get(file);
    }
    const source = this.#source(file);
    const members =
      source === undefined
        ? undefined
        : [
            this.#dependency("toplevel", this.#paths[file] ?? "", "", source.toplevel),
            ...this.#packagesIn(source.imports),
            // A package without a file of its own is found through its names only.
            ...(this.#moduleNames.get(file) ?? []).flatMap(({ name }) =>
              withParents(name).map((each) => this.#resolution(each)),
            ),
            // It has no checksum of its own, as the module level has it; but it mentions names.
            ...(this.#moduleNames.get(file)?.some(({ name }) => name === MAIN)
              ? [this.#dependency("body", this.#paths[file] ?? "", MAIN, ABSENT)]
              : []),
          ];
    this.#fileMembers.set(file, members);
    return members;
  }

  #resolution(name: string): number {
    return this.#dependency("resolve", "", name, this.#world.resolve(name, this.#searchRoots));
  }

  /** Installed packages that import statements name. */
  #packagesIn(imports: readonly ImportRef[]): number[] {
    return imports.flatMap(({ level, module }) => {
      const name = module.split(".", 1)[0] ?? module;
      // A module of the project comes before whatever may be installed under its name one day.
      return level > 0 || this.#filesByName.has(name) ? [] : this.#package(name);
    });
  }

  /** What is installed under a name, and what was seen to be imported by it. */
  #package(name: string): readonly number[] {
    let members = this.#packages.get(name);
    if (members === undefined) {
      this.#edges ??= edgesOf(this.#contexts.get(SESSION_CONTEXT)?.inputs ?? []);
      const reached = new Set([name]);
      for (const each of reached) {
        for (const next of this.#edges.get(each) ?? []) {
          reached.add(next);
        }
      }
      members = [...reached].flatMap((each) => {
        const [kind, key] =
          each === EVERYTHING || SEES_ALL.has(each)
            ? (["packages", EVERYTHING] as const)
            : (["package", each] as const);
        const value = this.#world.installed(key);
        return value === undefined ? [] : [this.#dependency(kind, "", key, value)];
      });
      this.#packages.set(name, members);
    }
    return members;
  }

  readonly #packages = new Map<string, readonly number[]>();
  #edges: ReadonlyMap<string, readonly string[]> | undefined;

  #reachContext(gathering: Gathering, id: number, skip: FileMarks | undefined): void {
    const context = this.#contexts.get(id);
    if (context?.file !== undefined) {
      // That it goes well once says nothing of another time: the file is loaded anew.
      const [first] = this.#moduleContexts.get(context.file) ?? [];
      gathering.elsewhere ||= first !== id;
      // An import: the file's node holds all of it.
      gathering.loads = true;
      this.#reachFile(gathering, context.file, skip);
      return;
    }
    if (!gathering.addContext(id)) {
      return;
    }
    if (context === undefined) {
      gathering.lost ??= "the journal is not complete";
      return;
    }
    if (context.kind === "state") {
      gathering.states.push(id);
      return;
    }
    this.#gatherContext(gathering, context, skip);
  }

  #gatherContext(gathering: Gathering, context: Context, skip: FileMarks | undefined): void {
    gathering.elsewhere ||= isOfChild(context.name);
    for (const code of context.codes) {
      this.#addCode(gathering, code, skip);
    }
    for (const input of context.inputs) {
      this.#addInput(gathering, input);
    }
    for (const reason of context.opaque) {
      gathering.opaque.add(reason);
    }
    for (const use of context.uses) {
      this.#reachContext(gathering, use, skip);
    }
    for (const teardown of context.teardowns) {
      this.#reachContext(gathering, teardown, skip);
    }
    const tornDown = context.kind === "fixture" && !context.name.startsWith(CACHE_PREFIX);
    if (tornDown && context.teardowns.length === 0 && !this.#ended) {
      gathering.missingTeardowns.add(context.name);
    }
  }

  /** What concerns every test of the session. */
  #sessionSet(walked: Iterable<string>): RecordedSet {
    const gathering = new Gathering(this.#stamps);
    if (this.#contexts.has(0)) {
      this.#reachContext(gathering, 0, undefined);
    }
    for (const { file, sha } of this.#preloaded) {
      const path = this.#paths[file];
      if (path === undefined || sha === null) {
        gathering.lost ??= "a module was loaded before recording began";
      } else {
        gathering.addMember(this.#dependency("file", path, "", sha));
      }
    }
    for (const { kind, path, name, value } of this.#world.surroundings()) {
      gathering.addMember(this.#dependency(kind, path, name, value));
    }
    this.#addConftests(gathering, walked);
    return gathering.finish();
  }

  /**
   * A conftest concerns what lies below it, but for some hooks, which pytest calls for the whole session: every test
   * depends on there being none of them in the conftests of other directories, and no further conftest.
   */
  #addConftests(gathering: Gathering, walked: Iterable<string>): void {
    const session = this.#contexts.get(SESSION_CONTEXT);
    for (const [file, contexts] of this.#moduleContexts) {
      const path = this.#paths[file] ?? "";
      const source = isConftest(path) ? this.#source(file) : undefined;
      if (source === undefined || [...contexts].some((context) => session?.uses.has(context))) {
        continue;
      }
      for (const hook of SESSION_HOOKS) {
        gathering.addMember(this.#dependency("body", path, hook, source.body(hook)));
      }
    }
    const reached = new Set(walked);
    for (const directory of new Set([...reached, ...this.#world.walkedBefore()])) {
      const path = joinPath(directory, "conftest.py");
      if (directory.startsWith("..") || this.#fileNumber(path) !== undefined) {
        continue;
      }
      if (reached.has(directory)) {
        this.#addUnloaded(gathering, path);
      } else {
        this.#addSparedConftest(gathering, path);
      }
    }
  }

  /** A conftest that only runs of more load, as it is now. */
  #addSparedConftest(gathering: Gathering, path: string): void {
    const digest = this.#world.digestIfOlder(path, this.#startMs());
    const source = digest === undefined || digest === ABSENT ? undefined : this.#world.source(path, digest);
    if (source === undefined) {
      this.#addUnloaded(gathering, path);
      return;
    }
    // What its hooks call, nobody has seen.
    if (SESSION_HOOKS.some((hook) => source.body(hook) !== ABSENT)) {
      this.#addUnloaded(gathering, path);
    }
    gathering.addMember(this.#dependency("toplevel", path, "", source.toplevel));
  }

  /** Names in the directories that pytest looked for tests in. */
  #walked(): ReadonlyMap<string, readonly string[]> {
    const walks = new Map<string, readonly string[]>();
    for (const context of this.#contexts.values()) {
      if (context.kind === "session" && context.name === WALK_CONTEXT) {
        for (const input of context.inputs) {
          if (input[0] === "listing") {
            walks.set(projectPath(input[1]), input[2] ?? []);
          }
        }
      }
    }
    return walks;
  }

  /** The contexts in which a file was collected. */
  #collectedIn(path: string): readonly number[] {
    if (this.#collections === undefined) {
      this.#collections = new Map();
      for (const { file, ctx } of this.#collected) {
        const name = this.#paths[file] ?? "";
        this.#collections.set(name, [...(this.#collections.get(name) ?? []), ctx]);
      }
    }
    return this.#collections.get(path) ?? [];
  }

  #collections: Map<string, readonly number[]> | undefined;

  /** What collecting a file depended on; also part of each of its tests. */
  #fileGathering(path: string): Gathering {
    const gathering = new Gathering(this.#stamps);
    for (const context of this.#collectedIn(path)) {
      this.#reachContext(gathering, context, undefined);
    }
    const number = this.#fileNumber(path);
    if (number !== undefined) {
      this.#reachFile(gathering, number, undefined);
    } else {
      // Not Python, or collected without being imported.
      this.#addUnloaded(gathering, path);
    }
    for (const directory of ancestors(path)) {
      for (const name of ["conftest.py", "__init__.py"]) {
        const candidate = joinPath(directory, name);
        const file = this.#fileNumber(candidate);
        if (file !== undefined) {
          this.#reachFile(gathering, file, undefined);
        } else {
          this.#addUnloaded(gathering, candidate);
        }
      }
    }
    return gathering;
  }

  #startMs(): number {
    return (this.#start?.time ?? 0) * 1000;
  }

  /** A file that counts by its content, or by its absence, though the process did not load it. */
  #addUnloaded(gathering: Gathering, path: string): void {
    const digest = this.#world.digestIfOlder(path, this.#startMs());
    if (digest === undefined) {
      gathering.lost ??= `${path} changed while tests ran`;
    } else {
      gathering.addMember(this.#dependency("file", path, "", digest));
    }
  }

  /**
   * Files whose import ran a body of these. What one has kept that looks names up which nobody spells is seen otherwise:
   * by what the names hold that it has put it into.
   */
  #importedWith(readers: Readers): string[] {
    return [...this.#moduleContexts].flatMap(([file, contexts]) => {
      const hasRun = [...contexts].some((id) =>
        [...(this.#contexts.get(id)?.codes ?? [])].some((code) =>
          this.#meaning(code).members.some((member) => {
            const { kind, path, name } = this.#dependencies[member] as Dependency;
            return kind === "body" && readers.concerns(path, name) && readers.isNamed(path, name);
          }),
        ),
      );
      return hasRun ? [this.#paths[file] ?? ""] : [];
    });
  }

  /** The number of a loaded file. */
  #fileNumber(path: string): number | undefined {
    if (this.#loaded === undefined) {
      this.#loaded = new Map();
      for (const file of this.#content.keys()) {
        this.#loaded.set(this.#paths[file] ?? "", file);
      }
    }
    return this.#loaded.get(path);
  }

  #loaded: Map<string, number> | undefined;

  /** Files that hold Python: a template has code too, in which its text is something else. */
  #modulePaths(): readonly string[] {
    this.#modules ??= this.#paths.filter((path) => path.endsWith(".py") || this.#fileNumber(path) !== undefined);
    return this.#modules;
  }

  #modules: readonly string[] | undefined;

  recording(expected: readonly string[]): Recording {
    // Which files there are to collect is asked of the walk table, not of each test.
    const walks = this.#walked();
    const session = this.#sessionSet(walks.keys());
    const files = new Map<string, FileSet>();
    const fileSet = (path: string): FileSet => {
      let known = files.get(path);
      if (known === undefined) {
        const gathering = this.#fileGathering(path);
        known = { set: gathering.finish(), reached: gathering.files, contexts: new Set(this.#collectedIn(path)) };
        files.set(path, known);
      }
      return known;
    };
    // Tests of one file come together, so the marks of the last file are nearly always the ones that are needed.
    const marks: FileMarks = new Uint8Array(this.#paths.length);
    let marked: readonly number[] = [];
    const markReached = (reached: readonly number[]): FileMarks => {
      if (reached !== marked) {
        for (const file of marked) {
          marks[file] = 0;
        }
        for (const file of reached) {
          marks[file] = 1;
        }
        marked = reached;
      }
      return marks;
    };
    const shared = new Map<number, RecordedSet>();
    const contextSet = (id: number): RecordedSet => {
      let set = shared.get(id);
      if (set === undefined) {
        const gathering = new Gathering(this.#stamps);
        this.#reachContext(gathering, id, undefined);
        set = gathering.finish();
        shared.set(id, set);
      }
      return set;
    };
    const states = new States(this.#dependencies, {
      nameOf: (id) => this.#contexts.get(id)?.name ?? "",
      before: (id) => this.#contexts.get(id)?.before,
      setOf: (id) => {
        const gathering = new Gathering(this.#stamps);
        const context = this.#contexts.get(id);
        if (context !== undefined) {
          this.#gatherContext(gathering, context, undefined);
        }
        return gathering.finish();
      },
      readers: (path, name) =>
        this.#world.readers(path, name, this.#modulePaths(), (readers) => this.#importedWith(readers)),
    });
    const tests = this.#tests.map(({ frame, codes }): RecordedTest => {
      const path = this.#paths[frame.file] ?? "";
      const base = fileSet(path);
      const reached = markReached(base.reached);
      const own = new Gathering(this.#stamps);
      for (const code of codes) {
        this.#addCode(own, code, reached);
      }
      for (const input of frame.inputs) {
        this.#addInput(own, input);
      }
      for (const reason of frame.opaque) {
        own.opaque.add(reason);
      }
      const fixtures: RecordedSet[] = [];
      const earlier: RecordedSet[] = [];
      for (const use of frame.uses) {
        const { kind, name = "" } = this.#contexts.get(use) ?? {};
        if (kind === "fixture" || (kind === "file" && !base.contexts.has(use))) {
          (name.startsWith(LEFT_PREFIX) ? earlier : fixtures).push(contextSet(use));
        } else if (kind !== "file" && use !== SESSION_CONTEXT) {
          this.#reachContext(own, use, reached);
        }
      }
      const ran = own.finish();
      // What ran before any test, at import and in hooks, has found no state; what it holds on to has a name.
      const found = states.foundByTest([session, base.set], ran, fixtures, earlier);
      return { frame, path, sets: [session, base.set, ran, ...fixtures, ...earlier, ...found] };
    });
    const collections = this.#collected
      .filter((frame) => !frame.partial)
      .map((frame): RecordedCollection => {
        const path = this.#paths[frame.file] ?? "";
        return { frame, path, sets: [session, fileSet(path).set] };
      });
    const collectedPaths = this.#collected.map((frame) => this.#paths[frame.file] ?? "");
    const isWhole = this.#session?.complete === true && this.#session.whole === true;
    const uncollected = expected
      .filter((path) => isWhole && !collectedPaths.includes(path))
      .map((path) => ({ path, sets: [session, fileSet(path).set] }));
    const teardowns = new Map<string, RecordedSet>();
    for (const context of this.#contexts.values()) {
      if (context.kind === "fixture" && context.teardowns.length > 0) {
        const gathering = new Gathering(this.#stamps);
        for (const teardown of context.teardowns) {
          this.#reachContext(gathering, teardown, undefined);
        }
        teardowns.set(context.name, gathering.finish());
      }
    }
    return {
      start: this.#start,
      session: this.#session,
      dependencies: this.#dependencies,
      tests,
      collections,
      collectedPaths,
      uncollected,
      walks,
      teardowns,
      notes: this.#notes,
      ended: this.#ended,
    };
  }
}

/** What each installed package was seen to import, or to ask for. */
function edgesOf(inputs: readonly Input[]): Map<string, string[]> {
  const edges = new Map<string, string[]>();
  for (const input of inputs) {
    if (input[0] === "edge") {
      const [from = "", to = ""] = input[1].split(">");
      edges.set(from, [...(edges.get(from) ?? []), to]);
    }
  }
  return edges;
}

/** The collector writes the root as "."; here it is "". */
export function projectPath(path: string): string {
  return path === "." ? "" : path;
}

/** The directories from the root down to the one that holds `path`; "" is the root. */
function ancestors(path: string): string[] {
  const directories = [""];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    directories.push(path.slice(0, slash));
  }
  return directories.filter((directory) => !directory.startsWith(".."));
}
