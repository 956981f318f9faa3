/** The INI reader reads what iniconfig reads, and refuses what it refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isIniProblem, parseIni, pythonLines } from "../../src/runners/pytest/ini.ts";
import { ask, seeded, skip } from "./python.ts";

function read(text: string): unknown {
  const result = parseIni(text);
  if (isIniProblem(result)) {
    return `line ${result.line}`;
  }
  return Object.fromEntries([...result].map(([section, values]) => [section, Object.fromEntries(values)]));
}

test("continuation lines, both separators, comment lines and inline comments", () => {
  const text = [
    "# a comment",
    "[pytest]  ; of the section",
    "addopts = -v",
    "    --strict  # kept: iniconfig leaves comments in values",
    "",
    "  # a comment within",
    "    -x",
    "key: value = more",
    "empty =",
    "  first",
    "url = http://host:80",
    "[other]",
  ].join("\n");
  assert.deepEqual(read(text), {
    pytest: {
      addopts: "-v\n--strict  # kept: iniconfig leaves comments in values\n-x",
      key: "value = more",
      empty: "first",
      url: "http://host:80",
    },
    other: {},
  });
});

test("what iniconfig refuses", () => {
  assert.equal(read("a = 1"), "line 1");
  assert.equal(read("[a]\nb = 1\n[a]\n"), "line 3");
  assert.equal(read("[a]\nb = 1\nb = 2"), "line 3");
  assert.equal(read("[a]\n  b"), "line 2");
  assert.equal(read("[a]\nb"), "line 2");
  assert.equal(read("[]"), "line 1");
});

test("lines are Python's", () => {
  assert.deepEqual(pythonLines("a\r\nb\rc\fd\u0085e\u2028f\n"), ["a", "b", "c", "d", "e", "f"]);
  assert.deepEqual(pythonLines("\n\n"), ["", ""]);
  assert.deepEqual(pythonLines(""), []);
});

test("agrees with iniconfig on random texts", { skip }, () => {
  const pieces = [
    "[pytest]",
    "[a]",
    "[a b] # c",
    "[x",
    " [y]",
    "k = v",
    "k=v",
    "n: v",
    "a:b=c",
    "a=b:c",
    "  more",
    "\tmore # c",
  ];
  pieces.push(
    "; note",
    "  # note",
    "",
    "  ",
    "plain",
    "j =",
    "j = # c",
    "m = a; b",
    "=",
    ":",
    "\u00a0x",
    "k = v\f",
    "\u0085",
    "z = \u001d1",
  );
  const next = seeded(7);
  const texts = Array.from({ length: 4000 }, () => {
    const lines = Array.from({ length: next(9) }, () => pieces[next(pieces.length)]);
    return (next(3) > 0 ? "[pytest]\n" : "") + lines.join(["\n", "\r\n", "\n\n"][next(3)]);
  });
  const script = `
import json, sys, iniconfig
out = []
for text in json.load(sys.stdin):
    try:
        out.append({k: dict(v.items()) for k, v in iniconfig.IniConfig("x", text).sections.items()})
    except iniconfig.ParseError as error:
        out.append("line %d" % (error.lineno + 1))
json.dump(out, sys.stdout)`;
  const expected = ask<unknown[]>(script, texts);
  for (const [index, text] of texts.entries()) {
    assert.deepEqual(read(text), expected[index], JSON.stringify(text));
  }
});
