/** pytest's command line is read as pytest reads it, and what is not known to be neutral splits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ArgumentProfile,
  type ArgumentWorld,
  classifyArguments,
  EMPTY_WORLD,
  splitShell,
} from "../../src/runners/pytest/arguments.ts";
import { neutralOptions, PYTEST_OPTIONS, pytestOption } from "../../src/runners/pytest/options.ts";
import { ask, seeded, skip } from "./python.ts";

/** Checks the given fields of the profile of a line. */
function check(
  line: string,
  expected: Partial<ArgumentProfile>,
  addopts = "",
  world: ArgumentWorld = EMPTY_WORLD,
): void {
  const profile = classifyArguments(splitShell(line) ?? [], splitShell(addopts) ?? [], world);
  for (const [name, value] of Object.entries(expected)) {
    assert.deepEqual(profile[name as keyof ArgumentProfile], value, `${name} of ${line}`);
  }
}

const world = (...paths: string[]): ArgumentWorld => ({ exists: (path) => paths.includes(path), readText: () => null });
const path = (name: string, ids: string | null = null) => ({ path: name, ids });

test("verbosity, reports and other neutral options do not split", () => {
  check("-v -vvq --tb=short --color yes -rA --durations 5 -l --junitxml=out.xml --no-header", {
    environment: [],
    paths: [],
    reports: ["--durations=5", "--junit-xml=out.xml", "--report-chars=A"],
    asks: [],
    unknown: [],
  });
});

test("clusters", () => {
  check("-xvs", { environment: ["--capture=no"], exitFirst: true });
  check("-xvn4 -qq", { workers: "4", exitFirst: true, environment: [] });
  check("-n 4", { workers: "4" });
  check("-n=auto", { workers: "auto" });
  check("-n0", { workers: null });
  check("-d", { workers: "load" });
  check("--dist=no", { workers: null });
  check("-kexpr", { selection: ["-k=expr"] });
  check("-vkfoo=bar -mslow", { selection: ["-k=foo=bar", "-m=slow"] });
  check("-pno:cacheprovider -p my.plugin", { environment: ["-p=no:cacheprovider", "-p=my.plugin"] });
  check("-W error -Wignore::DeprecationWarning", {
    environment: ["--pythonwarnings=error", "--pythonwarnings=ignore::DeprecationWarning"],
  });
});

test("options of the environment are canonical", () => {
  check("--import-mode=append -c other.ini --rootdir . --import-mode importlib", {
    environment: ["--config-file=other.ini", "--import-mode=importlib", "--rootdir=."],
    configFile: "other.ini",
    rootdir: ".",
  });
  check("-s --capture=sys", { environment: ["--capture=sys"] });
  check("-o python_files=check_*.py -oxfail_strict=true -o python_files=t_*.py -o console_output_style=count", {
    environment: ["--override-ini=python_files=t_*.py", "--override-ini=xfail_strict=true"],
    overrides: new Map([
      ["python_files", "t_*.py"],
      ["xfail_strict", "true"],
      ["console_output_style", "count"],
    ]),
  });
  check("--timeout 5", { environment: ["--timeout=5"] });
  check("--metadata build 7 tests", { environment: ["--metadata=build 7"], paths: [path("tests")] });
});

test("the typed option overrides addopts", () => {
  check(
    "--import-mode=importlib -m ''",
    { environment: ["--import-mode=importlib"], selection: [] },
    "-m 'not slow' --import-mode=append -ra",
  );
  check("", { selection: ["-m=not slow"] }, "-m 'not slow'");
  check("--maxfail=0", { exitFirst: false }, "-x");
});

test("paths", () => {
  check("tests/test_a.py::C::test_x[a::b-1] src -- -odd.py", {
    paths: [path("tests/test_a.py", "C::test_x[a::b-1]"), path("src"), path("-odd.py")],
  });
  check("tests/a[1].py", { paths: [path("tests/a[1].py")] });
  check("'C:\\a\\test_b.py::test'", { paths: [path("C:\\a\\test_b.py", "test")] });
});

test("@file holds one argument per line, options too", () => {
  const files: ArgumentWorld = {
    exists: () => true,
    readText: (name) => ({ list: "tests/a.py::test x\n-k\nslow\n@more", more: "b.py\n" })[name] ?? null,
  };
  check(
    "@list -v",
    { paths: [path("tests/a.py", "test x"), path("b.py")], selection: ["-k=slow"], asks: [] },
    "",
    files,
  );
  check("@missing", { paths: [], asks: ["@missing"] }, "", files);
  const endless: ArgumentWorld = { exists: () => true, readText: () => "@again" };
  check("@again", { asks: ["@again"] }, "", endless);
});

test("selection, and that which depends on pytest's cache", () => {
  check("--deselect tests/b --deselect=tests/a --ignore=x --ignore-glob 'y*' -k 'a and not b'", {
    selection: ["--deselect=tests/b", "--deselect=tests/a", "--ignore=x", "--ignore-glob=y*", "-k=a and not b"],
    stateful: false,
    environment: [],
  });
  check("--lf --lfnf none", { selection: ["--lf", "--lfnf=none"], stateful: true });
  check("--last-failed", { selection: ["--lf"], stateful: true });
  check("--ff --nf", { selection: ["--ff", "--nf"], stateful: false });
  check("--stepwise", { selection: ["--sw"], stateful: true, exitFirst: true });
});

test("what pytest itself is asked", () => {
  for (const [line, name] of [
    ["--help", "--help"],
    ["-vh", "--help"],
    ["-V", "--version"],
    ["--fixtures", "--fixtures"],
    ["--funcargs", "--fixtures"],
    ["--markers", "--markers"],
    ["--cache-show=x", "--cache-show"],
    ["--cache-clear", "--cache-clear"],
    ["--setup-plan", "--setup-plan"],
    ["--setuponly", "--setup-only"],
    ["--trace-config", "--trace-config"],
    ["--debug", "--debug"],
    ["-f", "--looponfail"],
  ] as const) {
    check(line, { asks: [name], environment: [] });
  }
  check("--co -q", { asks: ["--collect-only"], collectOnly: true });
});

test("what pytest refuses is for pytest to say", () => {
  check("-k", { asks: ["-k"] });
  check("-k -x", { asks: ["-k"] });
  check("--lf=1", { asks: ["--lf=1"] });
  check("-o strict", { asks: ["--override-ini"] });
});

test("debugger, coverage and reruns", () => {
  check("--pdb", { debugger: true, environment: [] });
  check("--trace", { debugger: true });
  check("--pdbcls a:b", { debugger: false, environment: [], paths: [] });
  check("--cov=src --cov-report xml --cov-report term --cov-fail-under 90", {
    environment: [],
    coverage: true,
    coverageThreshold: true,
    reports: ["--cov-report=xml", "--cov-report=term"],
  });
  check("--cov --no-cov", { coverage: false, coverageThreshold: false });
  check("", { coverageThreshold: true }, "--cov-fail-under=90");
  check("--reruns 3 --reruns-delay 1", { rerun: true, environment: ["--reruns=3", "--reruns-delay=1"] });
  check("--reruns 0", { rerun: false });
});

test("--cov takes the word after it, as pytest-cov has it", () => {
  check("--cov src tests", { paths: [path("tests")], startPaths: ["src", "tests"] });
  check("--cov tests", { paths: [], startPaths: ["tests"] });
  check("--cov -- tests", { paths: [path("tests")] });
  check("tests --cov", { paths: [path("tests")] });
});

test("an option nobody knows splits with the words after it, and narrows nothing", () => {
  check(
    "--runslow tests",
    { environment: ["--runslow tests"], paths: [], possiblePaths: [path("tests")], unknown: ["--runslow"] },
    "",
    world("tests"),
  );
  check("--runslow nothing", { environment: ["--runslow nothing"], paths: [], possiblePaths: [] }, "", world("tests"));
  check(
    "a.py --runslow tests -v",
    { paths: [path("a.py"), path("tests")], possiblePaths: [path("tests")] },
    "",
    world("tests"),
  );
  check("a.py --runslow", { environment: ["--runslow"], paths: [path("a.py")] });
  check("--level=3 a.py", { environment: ["--level=3"], paths: [path("a.py")] });
  check("--level=3 --level=4", { environment: ["--level=3", "--level=4"] });
  check("'--level=a b' a.py", { environment: ["--level=a b"], paths: [path("a.py")] });
  check("-Zfoo a.py", { environment: ["-Zfoo a.py"], paths: [], exitFirst: false });
  check("-xZ", { environment: ["-Z"], exitFirst: true });
  check("-1", { environment: ["-1"], paths: [] });
});

test("a shape that was learnt makes it certain", () => {
  const shapes = new Map([
    ["--runslow", "none"],
    ["--level", "one"],
  ] as const);
  const learnt: ArgumentWorld = { ...world("tests"), shapes };
  check(
    "--runslow tests",
    { environment: ["--runslow"], paths: [path("tests")], possiblePaths: [], unknown: ["--runslow"] },
    "",
    learnt,
  );
  check("--level tests", { environment: ["--level=tests"], paths: [] }, "", learnt);
});

test("--pyargs leaves it to pytest what a word means", () => {
  check("--pyargs package.tests", { environment: ["--pyargs"], paths: [], possiblePaths: [path("package.tests")] });
});

test("words are split as shlex does", () => {
  assert.deepEqual(splitShell(`-k "a b" -m 'x"y' c\\ d "e\\"f\\g" '' x''y`), [
    "-k",
    "a b",
    "-m",
    'x"y',
    "c d",
    'e"f\\g',
    "",
    "xy",
  ]);
  assert.deepEqual(splitShell(" \n\t"), []);
  assert.equal(splitShell("'open"), null);
  assert.equal(splitShell("end\\"), null);
});

test("agrees with shlex on random texts", { skip }, () => {
  const next = seeded(3);
  const texts = Array.from({ length: 5000 }, () =>
    Array.from({ length: next(12) }, () => "ab'\"\\ \n\t#é\u00a0"[next(11)]).join(""),
  );
  const script = `
import json, shlex, sys
out = []
for text in json.load(sys.stdin):
    try:
        out.append(shlex.split(text))
    except ValueError:
        out.append(None)
json.dump(out, sys.stdout)`;
  const expected = ask<(string[] | null)[]>(script, texts);
  for (const [index, text] of texts.entries()) {
    assert.deepEqual(splitShell(text), expected[index], JSON.stringify(text));
  }
});

test("every neutral option says why, and no name is there twice", () => {
  for (const option of neutralOptions()) {
    assert.ok(option.reason, option.names[0]);
  }
  const names = PYTEST_OPTIONS.flatMap((option) => option.names);
  assert.deepEqual(names.length, new Set(names).size);
  for (const { means } of PYTEST_OPTIONS) {
    assert.ok(means === undefined || pytestOption(means[0]) !== undefined);
  }
});

/** Defines `parser()`: pytest's, with the options of all installed plugins. */
const PARSER = `
import json, sys
from _pytest.config import get_config, UsageError
config = get_config([])
config.pluginmanager.load_setuptools_entrypoints("pytest11")
parser = config._parser
optparser = parser.optparser if hasattr(parser, "optparser") else parser._getparser()
`;

test("shapes and spellings are those of the installed pytest and plugins", { skip }, () => {
  const script = `${PARSER}
json.dump([[a.option_strings, a.nargs] for a in optparser._actions if a.option_strings], sys.stdout)`;
  const shapes: Record<string, string> = {
    null: "one",
    0: "none",
    2: "two",
    "?": "optional",
    "*": "many",
    "+": "many",
  };
  for (const [names, nargs] of ask<[string[], unknown][]>(script, null)) {
    for (const name of names) {
      const option = pytestOption(name);
      if (option !== undefined) {
        assert.equal(option.shape, shapes[String(nargs)], name);
        assert.ok(
          names.every((other) => pytestOption(other)?.role === option.role),
          `${names}`,
        );
      } else {
        // Plugins of which nobody has heard are allowed for; pytest's own options are all in the table.
        assert.ok(
          !ask<boolean>(
            `${PARSER}
own = get_config([])._parser
own = own.optparser if hasattr(own, "optparser") else own._getparser()
json.dump(any(json.load(sys.stdin) in a.option_strings for a in own._actions), sys.stdout)`,
            name,
          ),
          name,
        );
      }
    }
  }
});

test("random lines are read as by pytest's parser", { skip }, () => {
  const known = ask<string[]>(
    `${PARSER}
json.dump([n for a in optparser._actions for n in a.option_strings], sys.stdout)`,
    null,
  ).filter((name) => pytestOption(name));
  const next = seeded(11);
  const values = ["a.py", "tests/b.py::test_c[1]", "4", "x=y", "-1", "a b", "", "no:x", "-", "sys", "10", "prepend"];
  const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T;
  const word = (): string[] => {
    const name = pick(known);
    switch (next(7)) {
      case 0:
        return [pick(values)];
      case 1:
        return [`${name}=${pick(values)}`];
      case 2:
        return [
          `-${Array.from({ length: 1 + next(3) }, () => pick(["x", "v", "q", "s", "l"])).join("")}${pick(["", "k", "m", "c", "n", "r"])}${pick(["", "4", "ab"])}`,
        ];
      case 3:
        return [name];
      default:
        return [name, pick(values)];
    }
  };
  const lines = Array.from({ length: 3000 }, () => Array.from({ length: 1 + next(3) }, word).flat());
  const script = `${PARSER}
import argparse
for a in optparser._actions:
    a.type = None; a.choices = None
out = []
for args in json.load(sys.stdin):
    try:
        ns, rest = optparser.parse_known_args(args)
        paths = list(ns.file_or_dir or []) + [r for r in rest if not r.startswith("-")]
        rest = [r for r in rest if r.startswith("-")]
        out.append("refused" if rest else {"paths": paths, "k": ns.keyword, "m": ns.markexpr, "c": ns.inifilename,
            "co": ns.collectonly, "capture": ns.capture, "r": ns.reportchars})
    except (UsageError, SystemExit, Exception) as error:
        out.append("refused")
json.dump(out, sys.stdout)`;
  const expected = ask<
    ("refused" | { paths: string[]; k: string; m: string; c: string | null; co: boolean; capture: string })[]
  >(script, lines);
  let compared = 0;
  for (const [index, args] of lines.entries()) {
    const said = expected[index];
    const profile = classifyArguments(args);
    const text = JSON.stringify([args, said, profile.asks]);
    if (said === "refused" || said === undefined) {
      continue; // asked or split as unknown, but for wrong values of options: pytest would exit with 4, Winnow need not start it
    }
    if (args.some((arg) => arg === "-1")) {
      continue; // a negative number is a path to argparse, and never one to us
    }
    compared++;
    if (!args.includes("--pyargs")) {
      assert.deepEqual(
        profile.paths.map(({ path: p, ids }) => (ids === null ? p : `${p}::${ids}`)),
        said.paths,
        text,
      );
    }
    assert.equal(profile.selection.find((one) => one.startsWith("-k=")) ?? "-k=", `-k=${said.k}`, text);
    assert.equal(profile.selection.find((one) => one.startsWith("-m=")) ?? "-m=", `-m=${said.m}`, text);
    assert.equal(profile.configFile, said.c, text);
    assert.equal(profile.collectOnly, said.co, text);
  }
  assert.ok(compared > 1000, `${compared} compared`);
});
