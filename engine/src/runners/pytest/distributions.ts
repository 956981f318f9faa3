/**
 * Reads what is installed in a directory of packages, without Python: the metadata that installers leave behind.
 *
 * What cannot be told is said to be so (`modules` is null), and then concerns every test.
 */

import { type Distribution, normalizedName, type Site, stemOf } from "../../changes/packages.ts";
import { blobSha1 } from "../../files/hash.ts";

/** A directory of installed packages, as far as it is looked at. */
export interface SiteReader {
  /** Names in the directory, sorted. */
  names(): readonly string[];
  /** A file below it; null where there is none. */
  read(path: string): Uint8Array | null;
}

/** Modules that the interpreter imports at its start if they are there. */
const AT_STARTUP: ReadonlySet<string> = new Set(["sitecustomize", "usercustomize"]);
const BINARY_SUFFIXES = /\.(?:so|pyd|dylib|dll)$/;

/** Reads a directory. */
export function readSite(reader: SiteReader): Site {
  const distributions: Distribution[] = [];
  const others: string[] = [];
  const startup: string[] = [];
  for (const name of reader.names()) {
    if (name === "__pycache__") {
      continue;
    }
    if (name.endsWith(".dist-info") || name.endsWith(".egg-info")) {
      distributions.push(readDistribution(reader, name));
    } else if (name.endsWith(".pth") || name.endsWith(".egg-link")) {
      startup.push(`${name} ${digestOf(reader.read(name))}`);
    } else if (AT_STARTUP.has(stemOf(name))) {
      startup.push(name);
    } else {
      others.push(name);
    }
  }
  const owned = new Set(distributions.flatMap(({ modules }) => modules ?? []));
  return { distributions, startup, loose: others.filter((name) => !owned.has(stemOf(name))) };
}

function digestOf(bytes: Uint8Array | null): string {
  return bytes === null ? "-" : blobSha1(bytes);
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

function readDistribution(reader: SiteReader, directory: string): Distribution {
  const record = reader.read(`${directory}/RECORD`);
  // An egg-info may be a single file.
  const metadata =
    reader.read(`${directory}/METADATA`) ?? reader.read(`${directory}/PKG-INFO`) ?? reader.read(directory);
  const text = textOf(metadata) ?? "";
  const base = directory.replace(/\.(?:dist|egg)-info$/, "");
  const [fromName = base, versionFromName = ""] = base.split("-");
  const topLevel = textOf(reader.read(`${directory}/top_level.txt`));
  const modules = [...modulesOf(textOf(record)), ...(topLevel?.split(/\s+/).filter(Boolean) ?? [])];
  const entryPoints = textOf(reader.read(`${directory}/entry_points.txt`)) ?? "";
  const requires = [
    ...headers(text, "Requires-Dist"),
    ...eggRequirements(textOf(reader.read(`${directory}/requires.txt`))),
  ];
  return {
    name: normalizedName(headers(text, "Name")[0] ?? fromName),
    version: headers(text, "Version")[0] ?? versionFromName,
    record: record === null ? digestOf(metadata) : blobSha1(record),
    // One that has a RECORD may well bring no module at all, and says so.
    modules: modules.length === 0 && record === null ? null : [...new Set(modules)].sort(),
    requires: [...new Set(requires.flatMap(requiredName))].sort(),
    isPlugin: /^\s*\[\s*pytest11\s*\]/m.test(entryPoints),
  };
}

/** Values of a header field; the description begins after an empty line. */
function headers(metadata: string, field: string): string[] {
  const head = metadata.split(/\r?\n\r?\n/, 1)[0] ?? "";
  return [...head.matchAll(new RegExp(`^${field}:[ \\t]*(.*?)\\r?$`, "gim"))].map(([, value = ""]) => value.trim());
}

/** Lines of a `requires.txt`, those of its sections (extras, markers) too. */
function eggRequirements(text: string | null): string[] {
  return (text ?? "").split(/\r?\n/).filter((line) => !line.startsWith("["));
}

function requiredName(requirement: string): string[] {
  const [name] = /^\s*[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?/.exec(requirement) ?? [];
  return name === undefined ? [] : [normalizedName(name.trim())];
}

/** Top-level names of the modules that a RECORD lists. */
function modulesOf(record: string | null): Set<string> {
  const modules = new Set<string>();
  for (const line of record?.split(/\r?\n/) ?? []) {
    // CSV: a path with a comma or a quotation mark in it stands in quotation marks.
    const path = line.startsWith('"') ? (/^"((?:[^"]|"")*)"/.exec(line)?.[1] ?? "") : (line.split(",", 1)[0] ?? "");
    const [first = "", second] = path.replaceAll("\\", "/").split("/");
    if (first === "" || first === ".." || first.endsWith("-info") || first === "__pycache__") {
      continue;
    }
    // A file beside the packages is a module if Python can import it.
    if (second !== undefined || first.endsWith(".py") || BINARY_SUFFIXES.test(first)) {
      modules.add(stemOf(first));
    }
  }
  return modules;
}
