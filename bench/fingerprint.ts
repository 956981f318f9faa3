/**
 * How fast sources are fingerprinted: `node bench/fingerprint.ts [DIR…]`, by default over the standard library of `python3`.
 *
 * Prints MB/s of CPU time, cold (first pass of the process, the compiler warming up) and warm (median and best of the passes after).
 * Reading the files is not counted. Figures of a noisy machine: compare ratios, and several runs.
 */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fingerprint } from "../engine/src/fingerprint/index.ts";

const WARM_PASSES = 9;

function pythonFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      return entry.name === "site-packages" ? [] : pythonFiles(path);
    }
    return entry.isFile() && entry.name.endsWith(".py") ? [path] : [];
  });
}

/** One pass over all sources, in microseconds of CPU. */
function pass(sources: Uint8Array[]): number {
  const before = process.cpuUsage();
  for (const source of sources) {
    fingerprint(source);
  }
  const used = process.cpuUsage(before);
  return used.user + used.system;
}

const script = "import sysconfig; print(sysconfig.get_paths()['stdlib'])";
const given = process.argv.slice(2);
const directories = given.length > 0 ? given : [execFileSync("python3", ["-c", script], { encoding: "utf8" }).trim()];
const sources = directories.flatMap(pythonFiles).map((path) => new Uint8Array(readFileSync(path)));
const bytes = sources.reduce((sum, source) => sum + source.length, 0);

const cold = pass(sources);
const warm = Array.from({ length: WARM_PASSES }, () => pass(sources)).sort((a, b) => a - b);
const speed = (microseconds: number): string => `${(bytes / microseconds).toFixed(0)} MB/s`;
console.log(`${sources.length} files, ${(bytes / 1e6).toFixed(1)} MB`);
console.log(`cold ${speed(cold)}`);
console.log(`warm ${speed(warm[WARM_PASSES >> 1] as number)} (median), ${speed(warm[0] as number)} (best)`);
