/**
 * Builds the documentation site from the repository's pages: `site/index.html` is where it begins. MkDocs does it, in an
 * environment of its own in `.cache/docs`; a dead link, or a page that the navigation has forgotten, is an error.
 *
 * Usage: npm run docs
 */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findPythons, run } from "./pythons.ts";

const ROOT = join(import.meta.dirname, "..");
const WORK = join(ROOT, ".cache", "docs");
const PACKAGES = ["mkdocs>=1.6,<2"];
/** The pages, and what they link to; they keep their places, so that links mean the same in the repository. */
const PAGES = ["README.md", "CHANGELOG.md", "docs", "bench/README.md"];

/** Makes the environment if it is not there yet; resolves to its Python. */
async function environment(): Promise<string> {
  const directory = join(WORK, "venv");
  const python = join(directory, "bin", "python");
  const stamp = join(directory, "packages.txt");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === PACKAGES.join("\n")) {
    return python;
  }
  const newest = findPythons().at(-1);
  if (newest === undefined) {
    throw new Error("no Python 3.8 or newer was found; install one, and make it available as python3");
  }
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(WORK, { recursive: true });
  await run(newest.executable, ["-m", "venv", directory]);
  await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PACKAGES]);
  writeFileSync(stamp, PACKAGES.join("\n"));
  return python;
}

const pages = join(WORK, "pages");
rmSync(pages, { recursive: true, force: true });
for (const page of PAGES) {
  mkdirSync(dirname(join(pages, page)), { recursive: true });
  cpSync(join(ROOT, page), join(pages, page), { recursive: true });
}
await run(await environment(), ["-m", "mkdocs", "build", "--config-file", join(ROOT, "mkdocs.yml")]);
console.log(join(ROOT, "site", "index.html"));
