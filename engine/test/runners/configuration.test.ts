/** pytest's configuration is found and read as pytest does, and only what pytest can read counts as a change. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import {
  type ConfigurationRequest,
  effectiveConfiguration,
  pytestConfigDigest,
} from "../../src/runners/pytest/configuration.ts";
import { ask, python, seeded, skip } from "./python.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "winnow-configuration-")));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;

/** Makes a directory with these files. A name that ends in "/" is a directory. */
function tree(files: Record<string, string>): string {
  const root = join(base, String(count++));
  mkdirSync(root);
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(name.endsWith("/") ? path : dirname(path), { recursive: true });
    if (!name.endsWith("/")) {
      writeFileSync(path, text);
    }
  }
  return root;
}

const encoder = new TextEncoder();

function digest(files: Record<string, string>): string {
  return pytestConfigDigest((name) => (files[name] === undefined ? null : encoder.encode(files[name])));
}

function same(one: Record<string, string>, other: Record<string, string>): void {
  assert.equal(digest(one), digest(other), JSON.stringify([one, other]));
}

function differ(one: Record<string, string>, other: Record<string, string>): void {
  assert.notEqual(digest(one), digest(other), JSON.stringify([one, other]));
}

const OPTIONS = "[tool.pytest.ini_options]\naddopts = '-q'\n";

test("editing what pytest does not read changes nothing", () => {
  same(
    { "pyproject.toml": `[project]\nname = "a"\n${OPTIONS}` },
    { "pyproject.toml": `# note\n${OPTIONS}[project]\nname="b"\n` },
  );
  same({ "setup.cfg": "[metadata]\nname = a\n" }, {});
  same({ "tox.ini": "[tox]\nenvlist = a\n[pytest]\na = 1\nb = 2" }, { "tox.ini": "[pytest]\nb: 2\n# x\na=1\n" });
  same({ "noxfile.py": "1" }, {});
});

test("editing what pytest reads changes the digest", () => {
  differ({ "pyproject.toml": OPTIONS }, { "pyproject.toml": `${OPTIONS}xfail_strict = true` });
  differ({ "pyproject.toml": "" }, {});
  differ({ "pyproject.toml": "" }, { "pyproject.toml": "[tool.pytest.ini_options]" });
  differ({ "pyproject.toml": "[tool.pytest]\na = 1" }, { "pyproject.toml": "[tool.pytest]\na = 1.0" });
  differ({ "pyproject.toml": "[tool.pytest_env]\nA = 'x'" }, { "pyproject.toml": "[tool.pytest_env]\nA = 'y'" });
  differ({ "pytest.ini": "" }, {});
  differ({ "pytest.ini": "" }, { ".pytest.ini": "" });
  differ({ "pytest.ini": "[pytest]\naddopts = -q" }, { "tox.ini": "[pytest]\naddopts = -q" });
  differ({ "setup.cfg": "[tool:pytest]\naddopts = a\n  b" }, { "setup.cfg": "[tool:pytest]\naddopts = a b" });
  differ({ "setup.py": "" }, {});
  differ({ "pytest.toml": "[pytest]\naddopts = ['-q']" }, { "pytest.toml": "[pytest]\naddopts = ['-v']" });
});

test("what cannot be read counts whole", () => {
  differ({ "tox.ini": "broken" }, { "tox.ini": "broken " });
  differ({ "pyproject.toml": "= 1" }, { "pyproject.toml": "= 2" });
  const bytes = (last: number) => pytestConfigDigest((name) => (name === "tox.ini" ? Uint8Array.of(0xff, last) : null));
  assert.notEqual(bytes(1), bytes(2));
});

test("the values Winnow needs, with defaults and overrides", () => {
  const root = tree({
    "pytest.ini": "[pytest]\naddopts = -ra\n  -m 'not slow'\ntestpaths = tests more\n",
    "tests/": "",
  });
  const found = effectiveConfiguration([join(root, "tests")], { invocationDir: root });
  assert.equal(found.rootdir, root);
  assert.equal(found.inifile, join(root, "pytest.ini"));
  assert.deepEqual(found.addopts, ["-ra", "-m", "not slow"]);
  assert.deepEqual(found.testpaths, ["tests", "more"]);
  assert.deepEqual(found.pythonFiles, ["test_*.py", "*_test.py"]);
  assert.ok(found.norecursedirs.includes("node_modules"));
  assert.deepEqual(found.searched, [join(root, "tests"), root]);
  assert.equal(found.problem, null);
  const overridden = effectiveConfiguration([], {
    invocationDir: root,
    overrides: new Map([
      ["addopts", ""],
      ["python_files", "check_*.py *.t.py"],
    ]),
  });
  assert.deepEqual(overridden.addopts, []);
  assert.deepEqual(overridden.pythonFiles, ["check_*.py", "*.t.py"]);
});

test("TOML values keep their types", () => {
  const root = tree({ "pytest.toml": "[pytest]\naddopts = ['-m', 'not slow']\n" });
  const found = effectiveConfiguration([root]);
  assert.deepEqual(found.addopts, ["-m", "not slow"]);
  assert.equal(effectiveConfiguration([root], { pytestVersion: "8.3.5" }).inifile, null);
  const wrong = tree({ "pytest.toml": "[pytest]\naddopts = '-m x'\n" });
  assert.match(effectiveConfiguration([wrong]).problem ?? "", /addopts/);
});

test("what pytest refuses is a problem", () => {
  const problem = (files: Record<string, string>, request: ConfigurationRequest = {}) =>
    effectiveConfiguration([tree(files)], request).problem ?? "";
  assert.match(problem({ "pytest.ini": "[pytest]\na = 1\na = 2" }), /line 3: duplicate name "a"/);
  assert.match(problem({ "setup.cfg": "[pytest]\na = 1" }), /\[tool:pytest\]/);
  assert.match(problem({ "pyproject.toml": "x =" }), /pyproject.toml/);
  assert.match(problem({ "pyproject.toml": `[tool.pytest]\nb = 1\n${OPTIONS}` }), /cannot be used together/);
  assert.match(problem({ "pytest.ini": "[pytest]\naddopts = 'open" }), /addopts/);
  assert.match(problem({}, { configFile: "missing.ini" }), /missing.ini/);
  assert.match(problem({}, { rootdir: "missing" }), /--rootdir/);
});

test("a coverage threshold is found wherever it is set", () => {
  const has = (files: Record<string, string>) => effectiveConfiguration([tree(files)]).coverageThreshold;
  assert.equal(has({}), false);
  assert.equal(has({ "pytest.ini": "[pytest]\naddopts = --cov --cov-fail-under=80" }), true);
  assert.equal(has({ "pyproject.toml": "[tool.coverage.report]\nfail_under = 80" }), true);
  assert.equal(has({ "pyproject.toml": "[tool.coverage.report]\nfail_under = 0" }), false);
  assert.equal(has({ ".coveragerc": "[report]\nfail_under: 75.5\n" }), true);
  assert.equal(has({ "setup.cfg": "[coverage:report]\nfail_under = 0\n" }), false);
  assert.equal(has({ "tox.ini": "[coverage:report]\nfail_under = 1\n" }), true);
});

test("rootdir, ini file and values are pytest's on random trees", { skip }, () => {
  const next = seeded(5);
  const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T;
  const contents: Record<string, readonly string[]> = {
    "pytest.toml": ["", "[pytest]\naddopts = ['-v']", "[other]\na = 1", "a = 1", "[pytest]\nb = 1.5"],
    ".pytest.toml": ["[pytest]\naddopts = ['-q']"],
    "pytest.ini": ["", "[pytest]\naddopts = -v\n -q", "[x]\na = 1", "[pytest]\naddopts: 'a b' c", "oops"],
    ".pytest.ini": ["", "[pytest]\ntestpaths = t"],
    "pyproject.toml": [
      "",
      "[project]\nname = 'x'",
      OPTIONS,
      "[tool.pytest.ini_options]\naddopts = ['-x']\nn = 1\nf = 1.5\nb = true",
      "[tool.pytest.ini_options]",
      "[tool.pytest]\naddopts = ['-l']",
      "[tool.pytest]",
      "bad =",
    ],
    "tox.ini": ["[tox]\na = 1", "[pytest]\naddopts = -rA", "[pytest]", "bad"],
    "setup.cfg": ["[metadata]\na = 1", "[tool:pytest]\naddopts = -s", "[tool:pytest]", "[pytest]\na = 1"],
    "setup.py": [""],
    "custom.ini": ["[pytest]\naddopts = -k x", "[z]"],
    "custom.toml": [OPTIONS, "[pytest]\naddopts = ['x']", "[tool.pytest]\na = 'b'"],
  };
  const places = ["", "a", "a/b", "c"];
  const cases = Array.from({ length: 500 }, () => {
    const files: Record<string, string> = { "a/b/test_x.py": "", "c/": "" };
    for (let n = next(5); n > 0; n--) {
      const name = pick(Object.keys(contents));
      files[join(pick(places), name)] = pick(contents[name] as readonly string[]);
    }
    const args = Array.from({ length: next(3) }, () =>
      pick(["a", "a/b", "a/b/test_x.py", "c", ".", "missing", "a/b/test_x.py::t"]),
    );
    const config = pick([null, null, null, null, "custom.ini", "custom.toml", "a/pytest.ini", "/dev/null"]);
    const rootdir = pick([null, null, null, "c", "$HERE"]);
    return { root: tree(files), cwd: pick(["", "a"]), args, config, rootdir };
  });
  const script = `
import inspect, json, os, pathlib, sys
from _pytest.config import findpaths
accepted = inspect.signature(findpaths.determine_setup).parameters
os.environ["HERE"] = "a"
out = []
for case in json.load(sys.stdin):
    cwd = pathlib.Path(case["root"], case["cwd"])
    os.chdir(cwd)
    given = {"inifile": case["config"], "args": case["args"], "rootdir_cmd_arg": case["rootdir"],
        "invocation_dir": cwd, "override_ini": None}
    try:
        root, ini, values = findpaths.determine_setup(**{k: v for k, v in given.items() if k in accepted})[:3]
    except BaseException as error:
        out.append(type(error).__name__)
        continue
    out.append({"root": str(root), "ini": ini and str(ini), "values": {k: getattr(v, "value", v) for k, v in values.items()}})
json.dump(out, sys.stdout)`;
  const expected = ask<(string | { root: string; ini: string | null; values: object })[]>(script, cases);
  let compared = 0;
  for (const [index, { root, cwd, args, config, rootdir }] of cases.entries()) {
    const said = expected[index];
    const invocationDir = join(root, cwd);
    const found = effectiveConfiguration(
      args.map((arg) => join(invocationDir, arg.split("::")[0] as string)),
      { invocationDir, configFile: config, rootdir, pytestVersion: python?.pytest ?? null, env: { HERE: "a" } },
    );
    const context = JSON.stringify([cases[index], said, found.inifile, found.problem]);
    if (typeof said !== "object") {
      // pytest also refuses files of lower rank that it would not use
      const refusesMore = found.inifile !== null;
      assert.ok(found.problem !== null || refusesMore, context);
      continue;
    }
    compared++;
    assert.equal(found.problem, null, context);
    assert.equal(found.rootdir, said.root, context);
    assert.equal(found.inifile, said.ini, context);
    const plain = JSON.parse(
      JSON.stringify(Object.fromEntries(found.values), (_, v) => (typeof v === "bigint" ? Number(v) : v)),
    );
    assert.deepEqual(plain, said.values, context);
  }
  assert.ok(compared > 200, `${compared} compared`);
});
