/** Where settings come from, who has the last word, and what is said of mistakes. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { OPTIONS } from "../../src/cli/options.ts";
import { DEFAULTS } from "../../src/config/config.ts";
import { loadSettings, type Origin, type Settings } from "../../src/config/load.ts";
import {
  DEPENDS_FIELDS,
  INTERNAL_VARIABLES,
  PERSONAL_KINDS,
  REPOSITORY_KINDS,
  SETTING_LIST,
  SETTINGS,
  type SettingKey,
} from "../../src/config/settings.ts";
import { WinnowError } from "../../src/model/error.ts";
import { makeRequest } from "../../src/pipeline/request.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");

let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "winnow-settings-"));
});

afterEach(() => rmSync(root, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    writeFileSync(join(root, path), text);
  }
}

/** The settings as the command line finds them. */
function load(
  more: {
    readonly env?: NodeJS.ProcessEnv;
    readonly options?: Readonly<Record<string, unknown>>;
    readonly args?: readonly string[];
  } = {},
): Promise<Settings> {
  const { env = {}, options = {}, args = [] } = more;
  const { configuration, profile } = makeRequest({ cwd: root, args, env, config: DEFAULTS });
  const { inifile: file, values } = configuration;
  return loadSettings({ root, ini: { file, values, overridden: profile.overrides }, env, options });
}

function sayOf({ config, origins }: Settings, key: SettingKey): [unknown, string] {
  const value = key.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], config);
  return [value, originText(origins.get(key))];
}

function originText(origin: Origin | undefined): string {
  switch (origin?.kind) {
    case "file":
      return `${origin.file}:${origin.key}`;
    case "variable":
    case "option":
      return origin.name;
    default:
      return "default";
  }
}

const fails = async (what: Promise<unknown>, code: string, message: RegExp, help = /./): Promise<void> => {
  await assert.rejects(what, (error) => {
    assert.ok(error instanceof WinnowError, String(error));
    assert.match(error.message, message);
    assert.match(error.help, help);
    assert.doesNotMatch(error.help, /undefined/);
    assert.equal(error.code, code);
    return true;
  });
};

describe("the later source wins", () => {
  test("one setting, source by source", async () => {
    const steps: [() => void, Parameters<typeof load>[0], string, string][] = [
      [() => {}, {}, "select", "default"],
      [
        () => write({ "pyproject.toml": "[tool.winnow]\nmode = 'observe'\n" }),
        {},
        "observe",
        "pyproject.toml:tool.winnow.mode",
      ],
      [() => write({ "winnow.toml": "mode = 'select'\n" }), {}, "select", "winnow.toml:mode"],
      [() => write({ "pytest.ini": "[pytest]\nwinnow_mode = observe\n" }), {}, "observe", "pytest.ini:winnow_mode"],
      [() => {}, { args: ["-o", "winnow_mode=select"] }, "select", "-o winnow_mode"],
      [() => {}, { env: { WINNOW_MODE: "select" } }, "select", "WINNOW_MODE"],
      [() => {}, { env: { WINNOW_MODE: "select" }, options: { mode: "observe" } }, "observe", "--mode"],
      [() => {}, { env: { WINNOW_MODE: "" } }, "observe", "pytest.ini:winnow_mode"],
    ];
    for (const [prepare, more, mode, origin] of steps) {
      prepare();
      assert.deepEqual(sayOf(await load(more), "mode"), [mode, origin]);
    }
  });

  test("setting by setting, and a list as a whole", async () => {
    write({
      "pyproject.toml": "[tool.winnow]\nignore = ['a', 'b']\nalways = ['t.py']\nverify.sample = 0.1\n",
      "winnow.toml": "ignore = ['c']\n[[depends]]\ntests = ['t.py']\n",
      "pytest.ini": "[pytest]\nwinnow_verify_sample = 0.2\n",
    });
    const settings = await load();
    assert.deepEqual(sayOf(settings, "ignore"), [["c"], "winnow.toml:ignore"]);
    assert.deepEqual(sayOf(settings, "always"), [["t.py"], "pyproject.toml:tool.winnow.always"]);
    assert.deepEqual(sayOf(settings, "verify.sample"), [0.2, "pytest.ini:winnow_verify_sample"]);
    assert.deepEqual(settings.config.depends, [{ tests: ["t.py"], files: [], env: [], commands: [] }]);
    assert.deepEqual(sayOf(settings, "opaque"), ["rerun", "default"]);
    assert.deepEqual(DEFAULTS.ignore, []);
  });

  test("every variable and every option has its setting", async () => {
    const texts: Readonly<Record<string, string>> = { share: "0.5", consent: "1" };
    for (const { key, kind, env, words } of SETTING_LIST) {
      if (env !== null) {
        const settings = await load({ env: { [env]: words?.at(-1) ?? texts[kind] ?? "text" } });
        assert.deepEqual(settings.origins.get(key), { kind: "variable", name: env });
        assert.deepEqual(settings.warnings, []);
      }
    }
    const { personal } = await load({ env: { WINNOW_PYTHON: "py", WINNOW_ALLOW_COMMANDS: "yes" } });
    assert.deepEqual(personal, { python: "py", allowCommands: true });
    const typed = await load({
      env: { WINNOW_PYTHON: "py", WINNOW_ALLOW_COMMANDS: "0" },
      options: { python: "other", "allow-commands": true, env: "ci" },
    });
    assert.deepEqual(typed.personal, { python: "other", allowCommands: true });
    assert.equal(typed.config.environment, "ci");
    assert.deepEqual((await load({ options: { python: "p" } })).personal, { python: "p", allowCommands: false });
  });
});

describe("pytest's configuration", () => {
  const SECTIONS: readonly (readonly [string, string])[] = [
    ["pytest.ini", "[pytest]\n"],
    ["tox.ini", "[pytest]\n"],
    ["setup.cfg", "[tool:pytest]\n"],
  ];
  for (const [file, head] of SECTIONS) {
    test(`in ${file}: words, lines and numbers`, async () => {
      write({
        [file]: `${head}winnow_ignore = docs "a b"\nwinnow_harmless =\n    git *\n    sh -c x\nwinnow_verify_sample = 1\nwinnow_environment = ci\n`,
      });
      const settings = await load();
      assert.deepEqual(sayOf(settings, "ignore"), [["docs", "a b"], `${file}:winnow_ignore`]);
      assert.deepEqual(settings.config.harmless, ["git *", "sh -c x"]);
      assert.deepEqual([settings.config.verify.sample, settings.config.environment], [1, "ci"]);
    });
  }

  test("in pyproject.toml, in both of pytest's tables", async () => {
    for (const table of ["tool.pytest.ini_options", "tool.pytest"]) {
      write({
        "pyproject.toml": `[${table}]\nwinnow_ignore = ["docs", "a b"]\nwinnow_mode = "observe"\nwinnow_verify_sample = 1\n`,
      });
      const settings = await load();
      assert.deepEqual(sayOf(settings, "ignore"), [["docs", "a b"], "pyproject.toml:winnow_ignore"]);
      assert.deepEqual([settings.config.mode, settings.config.verify.sample], ["observe", 1]);
    }
  });

  test("pytest-testmon's names", async () => {
    write({ "tox.ini": "[pytest]\nenvironment_expression = md5(os.name)\ntestmon_ignore_dependencies = a b\n" });
    const { config } = await load();
    assert.equal(config.environmentExpression, "md5(os.name)");
    assert.deepEqual(config.testmonIgnoreDependencies, ["a", "b"]);
  });
});

describe("mistakes", () => {
  test("in winnow.toml", async () => {
    const wrong: [string, RegExp, RegExp][] = [
      ["mod = 1", /^winnow\.toml has an unknown key "mod"; did you mean "mode"\?$/, /^Keys of this table are mode, /],
      ["verify.sampel = 1", /^winnow\.toml has an unknown key "sampel" in \[verify\]; did you mean "sample"\?$/, /./],
      ["[tool.winnow]\nmode = 'observe'", /^winnow\.toml has an unknown key "tool"$/, /at the top, without/],
      ["mode = 'obsrve'", /^mode in winnow\.toml is not one of "select" and "observe"$/, /did you mean "observe"\?$/],
      ["[[depends]]\nfiles = []", /^winnow\.toml has no "tests" in \[depends\]$/, /./],
      ["env = 'ci'", /unknown key "env"$/, /^The key is "environment" in this file\.$/],
      ["environment_expression = '1'", /unknown key "environment_expression"$/, /read from pytest's configuration/],
      ["= 1", /^winnow\.toml is no valid TOML/, /./],
    ];
    for (const [text, message, help] of wrong) {
      write({ "winnow.toml": text });
      await fails(load(), "configuration", message, help);
    }
    rmSync(join(root, "winnow.toml"));
    mkdirSync(join(root, "winnow.toml"));
    assert.deepEqual((await load()).config, DEFAULTS);
  });

  test("in pytest's configuration", async () => {
    const wrong: [string, RegExp][] = [
      ["winnow_mod = observe", /^pytest\.ini has an unknown key "winnow_mod"; did you mean "winnow_mode"\?$/],
      ["winnow_depends = x", /^pytest\.ini has an unknown key "winnow_depends"$/],
      ["winnow_mode = obsrve", /^winnow_mode in pytest\.ini is not one of "select" and "observe"$/],
      ["winnow_verify_sample = many", /^winnow_verify_sample in pytest\.ini is not a number from 0 to 1$/],
      ["winnow_verify_sample =", /^winnow_verify_sample in pytest\.ini is not a number from 0 to 1$/],
      ["winnow_ignore = 'a", /^winnow_ignore in pytest\.ini is not a list of globs$/],
      ["winnow_ignore = /a", /^winnow_ignore in pytest\.ini is not a glob relative to the project's root$/],
    ];
    for (const [line, message] of wrong) {
      write({ "pytest.ini": `[pytest]\n${line}\n` });
      await fails(load(), "configuration", message);
    }
    write({ "pytest.ini": "[pytest]\nothers_winnow_mode = 1\n" });
    assert.equal((await load()).config, DEFAULTS);
    await fails(
      load({ args: ["-o", "winnow_mod=1"] }),
      "configuration",
      /^-o has an unknown key "winnow_mod"; did you/,
    );
  });

  test("in variables and options", async () => {
    const bad = (name: string, text: string, message: RegExp) =>
      fails(load({ env: { [name]: text } }), "configuration", message);
    await bad("WINNOW_MODE", "x", /^the variable WINNOW_MODE is not one of "select" and "observe"$/);
    await bad("WINNOW_VERIFY_SAMPLE", "2", /^the variable WINNOW_VERIFY_SAMPLE is not a number from 0 to 1$/);
    await bad("WINNOW_ALLOW_COMMANDS", "maybe", /^the variable WINNOW_ALLOW_COMMANDS is not 1 or 0$/);
    await fails(
      load({ options: { mode: "obsrve" } }),
      "usage",
      /^there is no mode "obsrve"; did you mean "observe"\?$/,
    );
  });

  test("an unknown variable is worth a warning only", async () => {
    const { config, warnings } = await load({
      env: { WINNOW_MOD: "observe", WINNOW_X: "1", WINNOW_SESSION: "s", WINNOWED: "" },
    });
    assert.deepEqual(config, DEFAULTS);
    assert.deepEqual(
      warnings.map(({ code, message }) => [code, message]),
      [
        ["unknown-variable", 'the variable WINNOW_MOD means nothing to Winnow; did you mean "WINNOW_MODE"?'],
        ["unknown-variable", "the variable WINNOW_X means nothing to Winnow"],
      ],
    );
  });
});

describe("the table", () => {
  test("no kind of value that a repository may set names a program, an address, or what it is trusted with", async () => {
    const personal: readonly string[] = PERSONAL_KINDS;
    // Whoever adds a kind decides here whether something is started because of it: these two are, as the table says.
    assert.deepEqual(
      REPOSITORY_KINDS.filter((kind) => ["commands", "expression"].includes(kind)),
      ["commands", "expression"],
    );
    for (const kind of REPOSITORY_KINDS) {
      assert.doesNotMatch(kind, /program|executable|path|address|url|host|consent/);
      assert.equal(personal.includes(kind), false);
    }
    for (const { kind } of Object.values(DEPENDS_FIELDS)) {
      assert.equal(personal.includes(kind), false);
    }
    let walked = 0;
    for (const { key, kind, inFiles, ini, env, option } of SETTING_LIST) {
      const isPersonal = personal.includes(kind);
      assert.equal(isPersonal && (inFiles || ini !== null), false, key);
      if (!isPersonal) {
        continue;
      }
      walked += 1;
      // What the types say is what the reader does, however it is spelt.
      const dashed = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      for (const name of new Set([key, dashed, dashed.replaceAll("-", "_"), option ?? key, env ?? key])) {
        for (const value of ['"x"', "true"]) {
          write({ "pyproject.toml": `[tool.winnow]\n${name} = ${value}\n`, "winnow.toml": "", "pytest.ini": "" });
          await fails(load(), "configuration", /^pyproject\.toml has an unknown key/);
          write({ "pyproject.toml": "", "winnow.toml": `${name} = ${value}\n` });
          await fails(load(), "configuration", /^winnow\.toml has an unknown key/);
        }
        write({ "winnow.toml": "", "pytest.ini": `[pytest]\n${name} = 1\nwinnow_mode = observe\n` });
        const settings = await load();
        assert.equal(settings.config.mode, "observe");
        assert.deepEqual(settings.personal, { python: null, allowCommands: false }, name);
        write({ "pytest.ini": `[pytest]\nwinnow_${dashed.replaceAll("-", "_")} = 1\n` });
        await fails(load(), "configuration", /^pytest\.ini has an unknown key/);
      }
    }
    assert.ok(walked >= 2);
  });

  test("names follow from keys, and each option is one of the command line", () => {
    const own = new Map<string, string>([
      [SETTINGS.environmentExpression.ini, "pytest-testmon's"],
      [SETTINGS.testmonIgnoreDependencies.ini, "pytest-testmon's"],
    ]);
    for (const { key, ini, env, option, default: value } of SETTING_LIST) {
      const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replaceAll(".", "_");
      assert.ok(ini === null || ini === `winnow_${name}` || own.has(ini), key);
      assert.ok(env === null || env === `WINNOW_${name.toUpperCase()}` || key === "environment", key);
      assert.ok(option === null || Object.hasOwn(OPTIONS, option), key);
      assert.notEqual(value, undefined);
    }
  });

  test("every variable that the engine or the collector reads is known, and every known one is read", () => {
    const read = new Set<string>();
    for (const directory of ["engine/src", "collector/winnow_collector", "collector/child"]) {
      for (const path of readdirSync(join(REPOSITORY, directory), { recursive: true, encoding: "utf8" })) {
        if (/\.(ts|py)$/.test(path) && !path.endsWith("settings.ts")) {
          for (const [name] of readFileSync(join(REPOSITORY, directory, path), "utf8").matchAll(
            /\bWINNOW_[A-Z_]*[A-Z]\b/g,
          )) {
            read.add(name);
          }
        }
      }
    }
    const settings = SETTING_LIST.flatMap(({ env }) => env ?? []);
    // A name of the engine's own, no variable.
    read.delete("WINNOW_TOML");
    assert.deepEqual([...read].filter((name) => !settings.includes(name)).sort(), [...INTERNAL_VARIABLES].sort());
  });
});
