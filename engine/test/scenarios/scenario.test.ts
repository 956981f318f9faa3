import assert from "node:assert/strict";
import { test } from "node:test";
import { readScenarioFiles } from "./project.ts";
import { encode, parseCommand, parseScenario, parseSelected, patch } from "./scenario.ts";

const PLAIN = { crlf: false, bom: false, latin1: false };

function scenario(...lines: string[]): string {
  return ["# Title", "", ...lines].join("\n");
}

test("every scenario reads, and no two have one title", () => {
  const titles = new Map<string, string>();
  for (const { name, text } of readScenarioFiles()) {
    const { title } = parseScenario(name, text);
    assert.equal(titles.get(title), undefined, `${name}: the title "${title}" is taken`);
    titles.set(title, name);
  }
});

test("the first run is implied where edits come before the first selected block", () => {
  const { steps } = parseScenario(
    "x",
    scenario(
      "`a.py`:",
      "```py",
      "A = 1",
      "```",
      "`a.py` (edit):",
      "```diff",
      "-A = 1",
      "+A = 2",
      "```",
      "```selected",
      "none",
      "```",
    ),
  );
  assert.equal(steps.length, 2);
  assert.deepEqual(steps[0]?.selected.tests, [{ id: "*", reasons: [] }]);
  assert.equal(steps[0]?.state.get("a.py")?.text, "A = 1\n");
  assert.equal(steps[1]?.state.get("a.py")?.text, "A = 2\n");
  assert.equal(steps[1]?.selected.tests.length, 0);
});

test("a selected block before any edit describes the first run", () => {
  const { steps } = parseScenario(
    "x",
    scenario(
      "`a.py` (empty)",
      "```run",
      "pytest -k a",
      "```",
      "```selected",
      "all    no-record",
      "```",
      "```selected",
      "none",
      "```",
    ),
  );
  assert.equal(steps.length, 2);
  assert.deepEqual(steps[0]?.command.args, ["-k", "a"]);
  assert.deepEqual(steps[1]?.command.args, []);
});

test("undo, delete, rename and touch", () => {
  const { steps } = parseScenario(
    "x",
    scenario(
      "`a/x.py`:",
      "```py",
      "A = 1",
      "```",
      "`a/y.py` (empty)",
      "`a/x.py` (edit):",
      "```py",
      "A = 2",
      "```",
      "```selected",
      "all",
      "```",
      "`a/x.py` (undo)",
      "`a/y.py` (delete)",
      "```selected",
      "none",
      "```",
      "`a/` (rename to `b/`)",
      "`./` (touch)",
      "```selected",
      "none",
      "```",
      "`b/` (delete)",
      "```selected",
      "none",
      "```",
    ),
  ); // prettier would fold this; it reads better in rows
  assert.equal(steps[2]?.state.get("a/x.py")?.text, "A = 1\n");
  assert.deepEqual([...(steps[2]?.state.keys() ?? [])], ["a/x.py"]);
  assert.deepEqual(steps[3]?.operations, [
    { op: "rename", path: "a/", to: "b/" },
    { op: "touch", path: "b/x.py" },
  ]);
  assert.deepEqual([...(steps[4]?.state.keys() ?? [])], []);
});

test("what is wrong is an error with its line", () => {
  const bad: [RegExp, string[]][] = [
    [/x\.md:3: unknown annotation "edti"/, ["`a.py` (edti):", "```py", "```"]],
    [/no a\.py to edit/, ["`a.py` (edit):", "```py", "```", "```selected", "none", "```"]],
    [/is there already/, ["`a.py` (empty)", "`a.py` (new):", "```py", "```"]],
    [/introduces/, ["```py", "```"]],
    [/no title, or no selected block/, ["prose"]],
    [/changes nothing/, ["`a.py` (empty)", "`a.py` (edit):", "```py", "```"]],
    [/has no end/, ["```selected", "none"]],
    [/must be said to be \(new\)/, ["```selected", "none", "```", "`a.py`:", "```py", "```"]],
    [/without a selected block after them/, ["```selected", "none", "```", "`a.py` (new, empty)"]],
  ];
  for (const [message, lines] of bad) {
    assert.throws(() => parseScenario("x", scenario(...lines)), message);
  }
});

test("patch replaces lines that occur once", () => {
  assert.equal(patch("a\nb\nc\n", "-a\n+x\n-c\n+y\n+z\n"), "x\nb\ny\nz\n");
  assert.equal(patch("a\nb\na\n", " b\n-a\n+x\n"), "a\nb\nx\n");
  assert.equal(patch("a\nb\n", "+0\n a\n\n-b\n"), "0\na\n");
  assert.throws(() => patch("a\na\n", "-a\n+b\n"), /more than once/);
  assert.throws(() => patch("a\n", "-b\n"), /not found/);
  assert.throws(() => patch("a\n", "+b\n"), /without a line/);
});

test("commands", () => {
  assert.deepEqual(parseCommand("A=1 B='x y' pytest -k 'a or b' tests/x.py::t[\"1 2\"]"), {
    environment: { A: "1", B: "x y" },
    args: ["-k", "a or b", "tests/x.py::t[1 2]"],
  });
  assert.throws(() => parseCommand("-k a"), /run block/);
});

test("selected blocks", () => {
  assert.deepEqual(parseSelected("t.py::a[x y]    body-changed m.py: f | file-changed d\n", false).tests, [
    {
      id: "t.py::a[x y]",
      reasons: [
        { kind: "body-changed", target: "m.py: f" },
        { kind: "file-changed", target: "d" },
      ],
    },
  ]);
  assert.deepEqual(parseSelected("none    new-file a.py\n", false).asked, [{ kind: "new-file", target: "a.py" }]);
  assert.throws(() => parseSelected("", false));
  assert.throws(() => parseSelected("none\na::b\n", false));
});

test("encodings", () => {
  assert.deepEqual(
    [...encode({ ...PLAIN, text: "é\n", crlf: true, bom: true })],
    [0xef, 0xbb, 0xbf, 0xc3, 0xa9, 13, 10],
  );
  assert.deepEqual([...encode({ ...PLAIN, text: "é", latin1: true })], [0xe9]);
});
