/** Journals written by hand: frames in memory, or the bytes that a collector would have written. */

import { writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import type {
  CollectedFrame,
  ContextFrame,
  Frame,
  FrameWithCodes,
  Input,
  SessionFrame,
  StartFrame,
  TestFrame,
} from "../../src/journal/frames.ts";

export const MAGIC = Buffer.from("WNJ1\0\0\0\0", "latin1");

/** One frame as bytes. */
export function encodeFrame(frame: object, codes: readonly number[] = []): Buffer {
  const json = Buffer.from(JSON.stringify(frame));
  const payload = Buffer.alloc(4 + json.length + 4 * codes.length);
  payload.writeUInt32LE(json.length, 0);
  json.copy(payload, 4);
  codes.forEach((code, index) => {
    payload.writeUInt32LE(code, 4 + json.length + 4 * index);
  });
  const head = Buffer.alloc(8);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(crc32(payload), 4);
  return Buffer.concat([head, payload]);
}

/** A code object: file, first line, `co_name`. */
export type CodeAt = readonly [path: string, line: number, name: string];

/** Builds a journal frame by frame; numbers of files and codes are given out on first use. */
export class JournalBuilder {
  readonly frames: FrameWithCodes[] = [];
  readonly #files = new Map<string, number>();
  readonly #codes = new Map<string, number>();

  add(frame: Frame, codes: readonly number[] = []): this {
    this.frames.push({ frame, codes: Uint32Array.from(codes) });
    return this;
  }

  file(path: string): number {
    let id = this.#files.get(path);
    if (id === undefined) {
      id = this.#files.size;
      this.#files.set(path, id);
      this.add({ k: "files", base: id, paths: [path] });
    }
    return id;
  }

  code([path, line, name]: CodeAt): number {
    const key = `${path}\n${line}\n${name}`;
    let id = this.#codes.get(key);
    if (id === undefined) {
      const file = this.file(path);
      id = this.#codes.size;
      this.#codes.set(key, id);
      this.add({ k: "codes", base: id, codes: [[file, line, name]] });
    }
    return id;
  }

  start(more: Partial<StartFrame> = {}): this {
    return this.add({
      k: "start",
      v: 1,
      run: "r",
      pid: 1,
      role: "main",
      python: "3.13.0",
      implementation: "cpython",
      mechanism: "monitoring",
      time: Date.now() / 1000,
      ...more,
    });
  }

  session(more: Partial<SessionFrame> = {}): this {
    return this.add({
      k: "session",
      pytest: "9.0.0",
      rootdir: ".",
      inifile: null,
      roots: ["."],
      sitedirs: [],
      ...more,
    });
  }

  /** A module that was executed; its own frame comes after that of its context, as the collector writes them. */
  module(
    path: string,
    more: {
      readonly sha: string | null;
      readonly ctx: number;
      readonly name?: string;
      readonly package?: string | null;
      readonly uses?: readonly number[];
      readonly codes?: readonly CodeAt[];
      readonly inputs?: readonly Input[];
      readonly opaque?: readonly string[];
    },
  ): this {
    const name = more.name ?? moduleName(path);
    this.context(more.ctx, "import", path, more);
    return this.add({
      k: "module",
      file: this.file(path),
      name,
      package: more.package === undefined ? packageOf(path, name) : more.package,
      sha: more.sha,
      ctx: more.ctx,
    });
  }

  preloaded(path: string, sha: string | null): this {
    return this.add({ k: "preloaded", file: this.file(path), sha });
  }

  context(
    id: number,
    kind: ContextFrame["kind"],
    name: string,
    more: {
      readonly uses?: readonly number[];
      readonly codes?: readonly CodeAt[];
      readonly inputs?: readonly Input[];
      readonly opaque?: readonly string[];
      readonly of?: number;
    } = {},
  ): this {
    const codes = (more.codes ?? []).map((code) => this.code(code));
    const { uses = [], inputs = [], opaque = [] } = more;
    const of = more.of === undefined ? {} : { of: more.of };
    return this.add({ k: "ctx", id, kind, name, uses, inputs, opaque, ...of }, codes);
  }

  collected(path: string, ctx: number, ids: readonly string[], more: Partial<CollectedFrame> = {}): this {
    const file = this.file(path);
    return this.add({ k: "collected", file, ctx, ids, survived: null, outcome: "passed", partial: false, ...more });
  }

  test(id: string, path: string, more: Partial<TestFrame> & { readonly codes?: readonly CodeAt[] } = {}): this {
    const { codes = [], ...rest } = more;
    const numbers = codes.map((code) => this.code(code));
    const frame: TestFrame = {
      k: "test",
      id,
      file: this.file(path),
      uses: [],
      inputs: [],
      opaque: [],
      outcome: "passed",
      green: true,
      reruns: 0,
      duration: 0.001,
      started: Date.now() / 1000,
      ...rest,
    };
    return this.add(frame, numbers);
  }

  end(): this {
    return this.add({ k: "end", exit: 0 });
  }

  bytes(): Buffer {
    return Buffer.concat([MAGIC, ...this.frames.map(({ frame, codes }) => encodeFrame(frame, [...codes]))]);
  }

  write(path: string): string {
    writeFileSync(path, this.bytes());
    return path;
  }
}

/** The dotted name of a source below the only search root "". */
export function moduleName(path: string): string {
  return path
    .replace(/\.py$/, "")
    .replace(/\/__init__$/, "")
    .replaceAll("/", ".");
}

function packageOf(path: string, name: string): string {
  return path.endsWith("__init__.py") ? name : name.split(".").slice(0, -1).join(".");
}
