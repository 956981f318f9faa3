import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Config, DEFAULTS } from "../../src/config/config.ts";
import { loadSettings } from "../../src/config/load.ts";
import { readTable } from "../../src/config/schema.ts";
import { WinnowError } from "../../src/model/error.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-config-"));
after(() => rmSync(root, { recursive: true, force: true }));

async function loadConfig(directory: string): Promise<Config> {
  const ini = { file: null, values: new Map(), overridden: new Map() };
  return (await loadSettings({ root: directory, ini, env: {}, options: {} })).config;
}

function read(text: string): Promise<Config> {
  writeFileSync(join(root, "pyproject.toml"), text);
  return loadConfig(root);
}

test("a project that says nothing has the defaults, and they are the table's own", async () => {
  assert.equal(await loadConfig(join(root, "nowhere")), DEFAULTS);
  assert.equal(await read("[tool.pytest.ini_options]\n"), DEFAULTS);
  assert.deepEqual(await read('[project]\ndependencies = ["winnow"]\n'), DEFAULTS);
  assert.deepEqual(await read("tool = 1 # winnow\n"), DEFAULTS);
  assert.deepEqual(await read("[tool.winnow]\n"), DEFAULTS);
  assert.deepEqual(readTable({}, "x", []), new Map());
});

test("however the table is written", async () => {
  const wanted = { ...DEFAULTS, mode: "observe", verify: { sample: 0.01 } };
  assert.deepEqual(await read('[tool.winnow]\nmode = "observe"\n[tool.winnow.verify]\nsample = 0.01\n'), wanted);
  assert.deepEqual(await read('[tool]\nwinnow = { mode = "observe", verify.sample = 0.01 }\n'), wanted);
  assert.deepEqual(await read('[tool."winnow"]\nmode = "observe"\nverify = { sample = 0.01 }\n'), wanted);
  assert.deepEqual((await read("[tool.winnow.verify]\nsample = 1\n")).verify, { sample: 1 });
});

test("a file that is no TOML is pytest's to refuse, unless it speaks of Winnow", async () => {
  assert.equal(await read("[tool.pytest\n"), DEFAULTS);
  // pytest may have another file, and never look at this one: what it declares must not be lost in silence.
  await assert.rejects(read("[tool.winnow\n"), /pyproject\.toml is no valid TOML/);
});

test("what is wrong is told in one sentence, with what was meant", async () => {
  const wrong: [string, RegExp][] = [
    [
      '[tool.winnow]\nmod = "observe"\n',
      /^pyproject\.toml has an unknown key "mod" in \[tool\.winnow\]; did you mean "mode"\?$/,
    ],
    ["[tool.winnow]\nfrobnicate = 1\n", /an unknown key "frobnicate" in \[tool\.winnow\]$/],
    ["[tool.winnow.verify]\nsampel = 0.1\n", /"sampel" in \[tool\.winnow\.verify\]; did you mean "sample"\?$/],
    [
      '[tool.winnow]\nmode = "observed"\n',
      /^tool\.winnow\.mode in pyproject\.toml is not one of "select" and "observe"$/,
    ],
    [
      "[tool.winnow.verify]\nsample = 2\n",
      /^tool\.winnow\.verify\.sample in pyproject\.toml is not a number from 0 to 1$/,
    ],
    ["[tool.winnow.verify]\nsample = nan\n", /is not a number from 0 to 1$/],
    ["[tool.winnow]\nverify = 0.1\n", /^tool\.winnow\.verify in pyproject\.toml is not a table$/],
    ["[tool]\nwinnow = 1\n", /^tool\.winnow in pyproject\.toml is not a table$/],
  ];
  for (const [text, message] of wrong) {
    await assert.rejects(read(text), (error) => {
      assert.ok(error instanceof WinnowError, String(error));
      assert.equal(error.code, "configuration");
      assert.match(error.message, message);
      assert.doesNotMatch(error.help, /undefined/);
      return true;
    });
  }
});
