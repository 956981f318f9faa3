/** The Python of a project is found by the same rules as its user's tools have, and known again without being started. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
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
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import {
  type Environment,
  findInterpreter,
  type Interpreter,
  type InterpreterProblem,
  interpreterIdentity,
  isInterpreterProblem,
  probe,
  pytestProblem,
} from "../../src/runners/pytest/interpreter.ts";
import { python, skip } from "./python.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "winnow-interpreter-")));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;

/** A fresh directory. */
function place(): string {
  const path = join(base, String(count++));
  mkdirSync(path);
  return path;
}

/** An executable file, by default a shell script. */
function program(path: string, text = "#!/bin/sh\nexit 0\n"): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

function found(search: {
  cwd: string;
  root?: string;
  env?: Environment;
  override?: string;
  program?: string;
  platform?: NodeJS.Platform;
}): Interpreter {
  const result = find(search);
  assert.ok(!isInterpreterProblem(result), JSON.stringify(result));
  return result;
}

function find(search: {
  cwd: string;
  root?: string;
  env?: Environment;
  override?: string;
  program?: string;
  platform?: NodeJS.Platform;
}) {
  return findInterpreter({ root: search.cwd, env: {}, platform: "linux", ...search });
}

function problem(result: object): InterpreterProblem {
  assert.ok(isInterpreterProblem(result), JSON.stringify(result));
  assert.match(result.message, /^[A-Zp-].*[.…]$/s);
  assert.match(result.help, /\.$/);
  return result;
}

test("the order of the rules", () => {
  const root = place();
  const cwd = join(root, "pkg", "tests");
  mkdirSync(cwd, { recursive: true });
  const bin = join(root, "bin");
  const env: Record<string, string> = { PATH: `/nowhere:${bin}`, HOME: join(root, "home") };
  assert.equal(problem(find({ root, cwd, env })).code, "python-not-found");

  program(join(bin, "python"));
  assert.equal(found({ root, cwd, env }).executable, join(bin, "python"));
  program(join(bin, "python3"));
  assert.deepEqual(found({ root, cwd, env }), {
    executable: join(bin, "python3"),
    rule: "path",
    origin: "found as python3 on PATH",
  });

  env["CONDA_PREFIX"] = join(root, "conda");
  env["CONDA_DEFAULT_ENV"] = "base";
  program(join(root, "conda", "bin", "python"));
  assert.equal(found({ root, cwd, env }).rule, "conda-base");

  const venv = program(join(root, "venv", "bin", "python"));
  assert.equal(found({ root, cwd, env }).executable, venv);
  const dotted = program(join(root, ".venv", "bin", "python3"));
  assert.equal(found({ root, cwd, env }).executable, dotted);
  const near = program(join(root, "pkg", "venv", "bin", "python"));
  assert.equal(found({ root, cwd, env }).executable, near);
  assert.equal(found({ root: cwd, cwd, env }).rule, "conda-base", "not looked for above the root");

  writeFileSync(join(root, "uv.lock"), "");
  const uv = program(join(root, "uv-env", "bin", "python"));
  assert.equal(found({ root, cwd, env: { ...env, UV_PROJECT_ENVIRONMENT: "uv-env" } }).executable, uv);

  env["CONDA_DEFAULT_ENV"] = "work";
  assert.equal(found({ root, cwd, env }).rule, "conda");
  const active = program(join(root, "active", "bin", "python"));
  assert.equal(found({ root, cwd, env: { ...env, VIRTUAL_ENV: join(root, "active") } }).executable, active);
  assert.equal(found({ root, cwd, env: { ...env, VIRTUAL_ENV: join(root, "deleted") } }).rule, "conda");
});

test("--python names a path, an environment, or a program", () => {
  const cwd = place();
  const env = { PATH: join(cwd, "bin") };
  const executable = program(join(cwd, "bin", "python3.9"));
  for (const override of [executable, "bin/python3.9", "python3.9"]) {
    assert.equal(found({ cwd, env, override }).executable, executable);
  }
  const inside = program(join(cwd, "env", "bin", "python"));
  assert.equal(found({ cwd, env, override: "env" }).executable, inside);
  assert.match(problem(find({ cwd, env, override: "python4" })).message, /python4/);
  assert.match(problem(find({ cwd, env, override: "./python4" })).message, /python4/);
});

test("the environment that Winnow is installed in, where nothing else says which", () => {
  const cwd = place();
  const environment = place();
  const engine = (...library: string[]) => join(environment, ...library, "pytest_winnow", "dist", "winnow.mjs");
  const installed = engine("lib", "python3.12", "site-packages");
  const onPath = program(join(cwd, "bin", "python3"));
  const env = { PATH: join(cwd, "bin") };
  assert.equal(found({ cwd, env, program: installed }).executable, onPath, "there is no Python in it");

  // A prefix with several Pythons: that of the directory, not the one that has the short name.
  program(join(environment, "bin", "python"));
  assert.equal(found({ cwd, env, program: installed }).executable, onPath);
  const exact = program(join(environment, "bin", "python3.12"));
  assert.equal(found({ cwd, env, program: installed }).executable, exact);
  assert.equal(found({ cwd, env, program: join(environment, "dist", "winnow.mjs") }).executable, onPath);

  writeFileSync(join(environment, "pyvenv.cfg"), "home = /usr/bin\n");
  assert.deepEqual(found({ cwd, env, program: installed }), {
    executable: join(environment, "bin", "python"),
    rule: "installed",
    origin: "of the environment that Winnow is installed in",
  });
  const conda = { CONDA_PREFIX: join(cwd, "conda"), CONDA_DEFAULT_ENV: "base" };
  program(join(cwd, "conda", "bin", "python"));
  assert.equal(found({ cwd, env: conda, program: installed }).rule, "installed");
  const windows = program(join(environment, "Scripts", "python.exe"));
  assert.equal(found({ cwd, program: engine("Lib", "site-packages"), platform: "win32" }).executable, windows);

  for (const note of ["uv-receipt.toml", "pipx_metadata.json"]) {
    writeFileSync(join(environment, note), "");
    assert.equal(found({ cwd, env, program: installed }).executable, onPath, `an environment for a program: ${note}`);
    rmSync(join(environment, note));
  }
  program(join(cwd, "venv", "bin", "python"));
  assert.equal(found({ cwd, env, program: installed }).rule, "directory");
});

test("names on Windows", () => {
  const cwd = place();
  const inside = program(join(cwd, ".venv", "Scripts", "python.exe"));
  assert.equal(found({ cwd, platform: "win32" }).executable, inside);
  const other = place();
  program(join(other, "apps", "python.exe"), "");
  const real = program(join(other, "real", "python.exe"));
  const env = { Path: `${join(other, "apps")};${join(other, "real")}` };
  assert.equal(found({ cwd: other, env, platform: "win32" }).executable, real, "the empty stand-in is passed over");
});

test("an environment without its Python is a problem, not passed over", () => {
  const cwd = place();
  mkdirSync(join(cwd, ".venv", "bin"), { recursive: true });
  writeFileSync(join(cwd, ".venv", "pyvenv.cfg"), "home = /gone\n");
  symlinkSync("/gone/python3", join(cwd, ".venv", "bin", "python"));
  assert.equal(problem(find({ cwd })).code, "python-broken");
});

test("a .venv that is a file, and PDM's note", () => {
  const cwd = place();
  const elsewhere = place();
  const executable = program(join(elsewhere, "bin", "python"));
  writeFileSync(join(cwd, ".venv"), `${elsewhere}\n`);
  assert.equal(found({ cwd }).executable, executable);
  rmSync(join(cwd, ".venv"));
  writeFileSync(join(cwd, ".pdm-python"), executable);
  assert.equal(found({ cwd }).rule, "pdm");
});

test("poetry's environment is found without poetry, or else by asking it", () => {
  const cwd = place();
  const cache = place();
  writeFileSync(join(cwd, "poetry.lock"), "");
  const name = `demo-${createHash("sha256").update(cwd).digest("base64url").slice(0, 8)}`;
  const old = program(join(cache, "virtualenvs", `${name}-py3.9`, "bin", "python"));
  const env: Record<string, string> = { POETRY_CACHE_DIR: cache };
  assert.equal(found({ cwd, env }).executable, old);
  const current = program(join(cache, "virtualenvs", `${name}-py3.12`, "bin", "python"));
  assert.equal(problem(find({ cwd, env })).code, "python-not-found", "two, and nobody to say which");
  env["PATH"] = join(cwd, "bin");
  program(join(cwd, "bin", "poetry"), `#!/bin/sh\n[ "$*" = "env info --executable" ] && echo ${old}\n`);
  assert.equal(found({ cwd, env }).executable, old);
  writeFileSync(join(cache, "virtualenvs", "envs.toml"), `["${name}"]\nminor = "3.12"\npatch = "3.12.1"\n`);
  assert.equal(found({ cwd, env }).executable, current);
});

test("identity changes with whatever may change the answer", () => {
  const cwd = place();
  const real = program(join(cwd, "versions", "python3.12"), "\x7fELF");
  mkdirSync(join(cwd, ".venv", "bin"), { recursive: true });
  const executable = join(cwd, ".venv", "bin", "python");
  symlinkSync(real, executable);
  const seen = new Set<string>();
  const identity = (env: Environment = {}) => interpreterIdentity(executable, { cwd, env });
  const changed = (what: string, env: Environment = {}) => {
    const now = identity(env);
    assert.ok(!seen.has(now), what);
    assert.equal(identity(env), now);
    seen.add(now);
  };
  changed("first");
  assert.equal(identity({ HOME: "/x", PATH: "/y" }), identity());
  changed("variable", { PYTHONPATH: "x" });
  writeFileSync(join(cwd, ".venv", "pyvenv.cfg"), "version = 3.12.1\n");
  changed("pyvenv.cfg");
  writeFileSync(join(cwd, ".venv", "pyvenv.cfg"), "version = 3.12.2\n");
  changed("pyvenv.cfg edited");
  utimesSync(real, 1, 1);
  changed("mtime");
  const other = join(cwd, "versions", "python3.13");
  copyFileSync(real, other);
  rmSync(executable);
  symlinkSync(other, executable);
  changed("link");
  rmSync(other);
  changed("gone");
});

test("the identity of a shim includes what the version manager looks at", () => {
  const home = place();
  const cwd = join(home, "project", "sub");
  mkdirSync(cwd, { recursive: true });
  const shim = program(join(home, ".pyenv", "shims", "python3"));
  mkdirSync(join(home, ".pyenv", "versions", "3.12.1"), { recursive: true });
  const seen = new Set<string>();
  const changed = (what: string, env: Environment = {}) => {
    const now = interpreterIdentity(shim, { cwd, env: { HOME: home, ...env } });
    assert.ok(!seen.has(now), what);
    seen.add(now);
  };
  changed("first");
  changed("PYENV_VERSION", { PYENV_VERSION: "3.9" });
  writeFileSync(join(home, "project", ".python-version"), "3.12");
  changed(".python-version above");
  writeFileSync(join(cwd, ".tool-versions"), "python 3.12");
  changed(".tool-versions");
  writeFileSync(join(home, ".pyenv", "version"), "3.11.7");
  changed("global version");
  mkdirSync(join(home, ".pyenv", "versions", "3.12.2"));
  changed("another installed version");
});

test("identity is cheap", () => {
  const cwd = place();
  const shim = program(join(cwd, "shims", "python3"));
  const context = { cwd, env: { ...process.env } };
  interpreterIdentity(shim, context);
  const start = performance.now();
  for (let i = 0; i < 20; i++) {
    interpreterIdentity(shim, context);
  }
  assert.ok((performance.now() - start) / 20 < 5, "of the order of 0.1 ms; 5 on the slowest machine");
});

test("an interpreter says who it is, though the project shadows the standard library", { skip }, () => {
  const cwd = place();
  for (const name of ["json", "os", "site", "types"]) {
    writeFileSync(join(cwd, `${name}.py`), "raise SystemExit('shadowed')\n");
  }
  const interpreter = found({ cwd, override: python?.executable ?? "" });
  const info = probe(interpreter, { cwd, env: process.env });
  assert.ok(!isInterpreterProblem(info), JSON.stringify(info));
  assert.match(info.version, /^3\.\d+\.\d+/);
  assert.match(info.minor, /^3\.\d+t?$/);
  assert.equal(info.platform, process.platform);
  assert.equal(info.monitoring, Number(info.minor.replace(/^3\.|t$/g, "")) >= 12);
  assert.equal(info.flags["optimize"], 0);
  assert.ok(info.siteDirectories.length > 0 && info.stdlib.length > 0);
  assert.ok(!info.path.includes("") && !info.path.includes(cwd));
  assert.equal(pytestProblem(interpreter, info), null);
  const optimized = probe(interpreter, { cwd, env: { ...process.env, PYTHONOPTIMIZE: "1" } });
  assert.ok(!isInterpreterProblem(optimized) && optimized.flags["optimize"] === 1);
  const bare = probe(interpreter, { cwd, env: { ...process.env, PYTHONNOUSERSITE: "1" } });
  assert.ok(!isInterpreterProblem(bare));
  const message = pytestProblem(interpreter, { ...bare, pytest: null });
  assert.equal(message?.code, "pytest-missing");
  assert.ok(message?.help.includes(`${bare.executable} -m pip install pytest`));
});

test("what does not work says so in its own words", () => {
  const cwd = place();
  const context = { cwd, env: { PATH: process.env["PATH"] } };
  const ask = (text: string) => problem(probe(found({ cwd, override: program(join(cwd, "python"), text) }), context));
  assert.match(
    ask("#!/bin/sh\necho Traceback >&2\necho 'ImportError: no encodings' >&2\nexit 1\n").message,
    /does not work: ImportError: no encodings/,
  );
  assert.match(
    ask("#!/bin/sh\necho 'pyenv: version 3.99 is not installed' >&2\necho 'Note: …' >&2\nexit 127\n").message,
    /pyenv: version 3.99/,
  );
  assert.match(ask("#!/bin/sh\nexit 3\n").message, /exit code 3/);
  assert.match(ask("#!/no/such/interpreter\n").message, /ENOENT/);
  const said = '{"executable": "/usr/bin/python", "version": "2.7.18", "number": [2, 7], "platform": "linux2"}';
  const old = ask(`#!/bin/sh\necho noise\necho '@winnow-probe@${said}'\n`);
  assert.equal(old.code, "python-too-old");
  assert.match(old.message, /version 2.7.18/);
});
