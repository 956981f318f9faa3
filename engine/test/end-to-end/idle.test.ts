/**
 * What an invocation opens that finds nothing changed: the path that people wait for most often. Counted, not timed, so
 * that a regression shows on any machine: a module that is loaded too early, a file that is read though its times say
 * that it is the same, a process that is started to ask what is known already.
 */

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Opened } from "../support/opened.ts";
import { Project, SHOP, WINNOW } from "./project.ts";

const PRELOAD = pathToFileURL(join(import.meta.dirname, "../support/opened.ts")).href;

/**
 * Upper bounds, a tenth above what was counted when they were set. The code is the command line, pytest's arguments and
 * settings (with a parser of TOML), the store, and the look at what is watched.
 */
const MOST = { modules: 28, moduleBytes: 205_000, bytesRead: 215_000 };

/** What nothing may load before something has to run, or to be told. */
const NEVER = [
  /^engine\/src\/pipeline\/(decide|present|module-level|declared|word|execute|record|order|look)\.ts$/,
  /^engine\/src\/(changes|fingerprint|names|journal|recording)\//,
  /^engine\/src\/selection\/(select|module-level|sample)\.ts$/,
  /^engine\/src\/report\/(json|trace)\.ts$/,
  /^engine\/src\/cli\/(help|version)\.ts$/,
  /^engine\/src\/cli\/commands\/(plan|why|status|verify)\.ts$/,
  /^engine\/src\/config\/schema\.ts$/,
  /^node_modules\/(valibot|picomatch)\//,
];

/** The sources that a bundled file consists of, as the bundler notes them. */
function sourcesIn(bundled: string): string[] {
  return [...readFileSync(bundled, "utf8").matchAll(/^\/\/ ((?:engine\/src|node_modules)\/\S+)$/gm)].map(
    ([, source]) => source as string,
  );
}

/** Runs a program under the eyes of `support/opened.ts`. */
async function watched(project: Project, run: (env: Record<string, string>) => Promise<unknown>): Promise<Opened> {
  const log = project.note("opened.json");
  await run({ NODE_OPTIONS: `--import=${PRELOAD}`, OPENED_LOG: log });
  return JSON.parse(readFileSync(log, "utf8")) as Opened;
}

/** Records a project, lets times become old enough to be believed, and watches the invocation after that. */
async function idle(project: Project, args: readonly string[] = ["run"]): Promise<Opened> {
  assert.equal((await project.run()).code, 0);
  await watched(project, (env) => project.winnow(["run"], { env }));
  return await watched(project, async (env) => {
    const { code, starts, stderr } = await project.winnow(args, { env });
    assert.deepEqual([code, starts], [0, []]);
    assert.match(stderr, /nothing to run/);
  });
}

/** Files of the project and its environment, without Winnow's own. */
function foreign(project: Project, { files }: Opened): string[] {
  const paths = files.map(({ path }) => path).filter((path) => path.startsWith(project.top));
  return [...new Set(paths)].map((path) => path.slice(project.top.length + 1)).sort();
}

function more(n: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (let i = 0; i < n; i++) {
    files[`shop/part_${i}.py`] = `def value():\n    return ${i}\n`;
  }
  const imports = Array.from({ length: n }, (_, i) => `from shop import part_${i}`).join("\n");
  files["tests/test_parts.py"] = `${imports}\n\n\ndef test_parts():\n    assert part_0.value() == 0\n`;
  return files;
}

test("what is loaded, read, listed and started where nothing changed", async () => {
  await using project = new Project();
  const opened = await idle(project);

  assert.deepEqual(opened.processes, []);
  const bundle = dirname(WINNOW);
  assert.deepEqual(
    opened.modules.filter((path) => dirname(path) !== bundle),
    [],
  );
  const sources = opened.modules.flatMap(sourcesIn);
  assert.ok(sources.includes("engine/src/pipeline/verdict.ts"), "the bundler does not note sources any more");
  assert.deepEqual(
    sources.filter((source) => NEVER.some((pattern) => pattern.test(source))),
    [],
  );
  const bytes = opened.modules.reduce((sum, path) => sum + statSync(path).size, 0);
  assert.ok(opened.modules.length <= MOST.modules, `${opened.modules.length} files of Winnow's are loaded`);
  assert.ok(bytes <= MOST.moduleBytes, `${bytes} bytes of code are loaded`);

  // Each takes some milliseconds to load.
  assert.deepEqual(
    opened.builtins.filter((name) => name === "crypto" || name === "zlib"),
    [],
  );

  // pytest's settings; what tells which Python an environment has, and whether it is a script.
  assert.deepEqual(foreign(project, opened), ["project/pytest.ini", "venv/bin/python", "venv/pyvenv.cfg"]);
  assert.deepEqual(opened.directories, [project.path(".winnow", "runs")]);

  if (opened.bytesRead !== undefined) {
    // By the kernel's count, so with what SQLite reads: an empty Node is taken off.
    const empty = await watched(project, (env) => project.execute(process.execPath, ["-e", ""], { env }));
    const read = opened.bytesRead - (empty.bytesRead ?? 0);
    assert.ok(read <= MOST.bytesRead, `${read} bytes are read`);
  }
});

test("a bigger project costs one look per file and directory more, and nothing else", async () => {
  await using small = new Project();
  await using big = new Project({ ...SHOP, ...more(40) });
  const before = await idle(small);
  const after = await idle(big);
  assert.deepEqual(foreign(big, after), foreign(small, before));
  assert.deepEqual(
    after.directories.map((path) => basename(path)),
    before.directories.map((path) => basename(path)),
  );
  assert.deepEqual(after.modules, before.modules);
  // One source file each, and what the imports of each name are looked for.
  const grown = after.stats - before.stats;
  assert.ok(grown >= 41 && grown <= 3 * 41, `${grown} more looks for 41 more files`);
});

test("recording and deciding again are loaded where they are needed", async () => {
  await using project = new Project();
  await project.run();
  project.editDiscount();
  const opened = await watched(project, (env) => project.winnow(["run"], { env }));
  const sources = opened.modules.flatMap(sourcesIn);
  assert.ok(sources.includes("engine/src/pipeline/record.ts"));
  assert.ok(opened.processes.length > 0);
  assert.ok(opened.files.some(({ path }) => path.endsWith("shop/cart.py")));
});
