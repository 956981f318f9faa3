/** `[tool.winnow]`: what is read, and what is said of mistakes. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Config, DEFAULTS } from "../../src/config/config.ts";
import { loadSettings, readConfig } from "../../src/config/load.ts";
import { WinnowError } from "../../src/model/error.ts";

async function loadConfig(root: string): Promise<Config> {
  const ini = { file: null, values: new Map(), overridden: new Map() };
  return (await loadSettings({ root, ini, env: {}, options: {} })).config;
}

test("all settings", async () => {
  const settings = await readConfig(`
[tool.winnow]
always = ["tests/e2e/**"]
everything = ["schema/**"]
harmless = ["git *"]
ignore = ["docs"]
opaque = "always"
[[tool.winnow.depends]]
tests = ["tests"]
files = ["data/*"]
[[tool.winnow.depends]]
tests = ["a.py", "b.py::test_c"]
env = ["A"]
commands = ["git rev-parse HEAD"]
`);
  assert.deepEqual(settings, {
    ...DEFAULTS,
    always: ["tests/e2e/**"],
    depends: [
      { tests: ["tests"], files: ["data/*"], env: [], commands: [] },
      { tests: ["a.py", "b.py::test_c"], files: [], env: ["A"], commands: ["git rev-parse HEAD"] },
    ],
    everything: ["schema/**"],
    harmless: ["git *"],
    ignore: ["docs"],
    opaque: "always",
  });
});

test("without a table there are none, however the rest is written", async () => {
  for (const text of [
    "",
    "[tool.pytest.ini_options]\n",
    '[project]\nname = "winnow"\n',
    "tool = 3\n",
    "[tool]\nwinnow = {}\n",
  ]) {
    assert.deepEqual(await readConfig(text), DEFAULTS, text);
  }
  assert.deepEqual((await readConfig('tool.winnow.ignore = ["a"]')).ignore, ["a"]);
});

test("a file that is not there, says nothing of Winnow, or is no TOML", async () => {
  const root = mkdtempSync(join(tmpdir(), "winnow-config-"));
  try {
    assert.equal(await loadConfig(root), DEFAULTS);
    // Whose mistake it is, pytest says; it is not even read.
    writeFileSync(join(root, "pyproject.toml"), "[tool.pytest\n");
    assert.equal(await loadConfig(root), DEFAULTS);
    writeFileSync(join(root, "pyproject.toml"), "[tool.winnow\n");
    await assert.rejects(loadConfig(root), /pyproject\.toml is no valid TOML/);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("each mistake is one sentence that names the place", async () => {
  const wrong: [string, RegExp][] = [
    [
      "[tool.winnow]\nalwyas = []",
      /^pyproject\.toml has an unknown key "alwyas" in \[tool\.winnow\]; did you mean "always"\?$/,
    ],
    ["[tool.winnow]\nnothing = []", /^pyproject\.toml has an unknown key "nothing" in \[tool\.winnow\]$/],
    [
      "[[tool.winnow.depends]]\ntests = []\nfile = []",
      /^pyproject\.toml has an unknown key "file" in \[tool\.winnow\.depends\]; did you mean "files"\?$/,
    ],
    ["[[tool.winnow.depends]]\nfiles = []", /^pyproject\.toml has no "tests" in \[tool\.winnow\.depends\]$/],
    ["tool.winnow = 3", /^tool\.winnow in pyproject\.toml is not a table$/],
    ["[tool.winnow]\ndepends = 3", /^tool\.winnow\.depends in pyproject\.toml is not a list of tables/],
    ["[tool.winnow]\ndepends = [3]", /^tool\.winnow\.depends\.0 in pyproject\.toml is not a table$/],
    ["[tool.winnow]\nalways = 'a'", /^tool\.winnow\.always in pyproject\.toml is not a list of globs$/],
    ["[tool.winnow]\nharmless = [1]", /^tool\.winnow\.harmless\.0 in pyproject\.toml is not a text$/],
    ["[tool.winnow]\nopaque = 'no'", /^tool\.winnow\.opaque in pyproject\.toml is not one of "rerun" and "always"$/],
    ...["/a", "\\\\a", "C:/a", "!a", ""].map((glob): [string, RegExp] => [
      `[tool.winnow]\nignore = ["${glob}"]`,
      /^tool\.winnow\.ignore\.0 in pyproject\.toml is not a glob relative to the project's root$/,
    ]),
  ];
  for (const [text, message] of wrong) {
    await assert.rejects(readConfig(text), (error) => {
      assert.ok(error instanceof WinnowError);
      assert.equal(error.code, "configuration");
      assert.match(error.message, message, text);
      return true;
    });
  }
});
