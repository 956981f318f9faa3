/**
 * Loaded into a process before anything else (`--import`): notes what it loads, opens, looks at and starts, and writes
 * that as JSON to the file of OPENED_LOG at its end. Its clock is an hour ahead, so that no file is too young to be believed.
 */

import childProcess from "node:child_process";
import fs from "node:fs";
import { registerHooks, syncBuiltinESMExports } from "node:module";
import { fileURLToPath } from "node:url";

/** What a process did. */
export interface Opened {
  /** Files of modules that were loaded, in order. */
  readonly modules: string[];
  /** Files that were read or opened through `node:fs`, and how many bytes of them. */
  readonly files: { readonly path: string; readonly bytes: number }[];
  readonly directories: string[];
  /** How many times something was asked for its stat, or whether it is there. */
  stats: number;
  readonly processes: string[];
  /** Modules of Node's own that were loaded. */
  builtins: string[];
  /** All bytes that the process has read, by the kernel's count; undefined where it keeps none. */
  bytesRead?: number;
}

const opened: Opened = { modules: [], files: [], directories: [], stats: 0, processes: [], builtins: [] };
const target = process.env["OPENED_LOG"];

if (target !== undefined) {
  const { now } = Date;
  Date.now = () => now() + 3_600_000;

  registerHooks({
    load(url, context, nextLoad) {
      if (url.startsWith("file:")) {
        opened.modules.push(fileURLToPath(url));
      }
      return nextLoad(url, context);
    },
  });

  type Any = (...args: unknown[]) => unknown;
  const patch = (module: object, name: string, note: (args: unknown[], result: unknown) => void): void => {
    const functions = module as Record<string, Any>;
    const original = functions[name] as Any;
    functions[name] = (...args) => {
      const result = original(...args);
      note(args, result);
      return result;
    };
  };
  for (const name of ["readFileSync", "openSync", "createReadStream", "readFile", "open"]) {
    patch(fs, name, ([path], result) => {
      const bytes = result instanceof Uint8Array || typeof result === "string" ? result.length : 0;
      opened.files.push({ path: String(path), bytes });
    });
  }
  for (const name of ["readdirSync", "opendirSync", "readdir"]) {
    patch(fs, name, ([path]) => opened.directories.push(String(path)));
  }
  for (const name of ["statSync", "lstatSync", "existsSync", "accessSync", "realpathSync", "readlinkSync"]) {
    patch(fs, name, () => {
      opened.stats += 1;
    });
  }
  for (const name of ["spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync", "fork"]) {
    patch(childProcess, name, ([program]) => opened.processes.push(String(program)));
  }
  const { readFileSync, writeFileSync } = fs;
  syncBuiltinESMExports();

  process.on("exit", () => {
    // Not in the types: what Node has loaded of itself, in order.
    const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] };
    opened.builtins = moduleLoadList.flatMap((each) => /^NativeModule (.*)$/.exec(each)?.[1] ?? []);
    const io = process.platform === "linux" ? readFileSync("/proc/self/io", "latin1") : "";
    const read = /^rchar: (\d+)$/m.exec(io)?.[1];
    writeFileSync(target, JSON.stringify({ ...opened, ...(read === undefined ? {} : { bytesRead: Number(read) }) }));
  });
}
