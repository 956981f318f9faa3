/**
 * What the documentation tells its readers to type does what it says. Each fenced block of the pages runs in a project of
 * its own, or says in a comment above it why it cannot (see blocks.ts); those are counted as skipped. Commands within the
 * text are held against the table of commands.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { COMMANDS, type CommandSpec } from "../../src/cli/options.ts";
import { type Finished, Project, WINNOW } from "../end-to-end/project.ts";
import { type Block, blocksOf, shapeOf, shownIn } from "./blocks.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");
const EXAMPLE = join(REPOSITORY, "examples", "shop");

const PAGES = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(REPOSITORY, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const pages = new Map(PAGES.map((path) => [path, readFileSync(join(REPOSITORY, path), "utf8")]));
const blocks = [...pages].flatMap(([path, page]) => blocksOf(path, page));

/** Other plugins that the tests' Python has would say something in between. */
const NOT_INSTALLED = /^(pytest_|anyio|hypothesis|xdist|coverage|winnow_measuring)/;

/** What readers have: the example, under git, and an environment with pytest, `pytest-winnow` and `winnow`. */
class Reader implements AsyncDisposable {
  readonly #project = new Project(filesOf(EXAMPLE));
  readonly #prepared = new Map<string, string>();

  constructor() {
    const { site } = this.#project;
    for (const name of readdirSync(site).filter((each) => NOT_INSTALLED.test(each))) {
      rmSync(join(site, name));
    }
    // As an editable install of this checkout.
    writeFileSync(join(site, "pytest_winnow.pth"), `${join(REPOSITORY, "python")}\n`);
    const info = join(site, "pytest_winnow-0.dist-info");
    cpSync(join(import.meta.dirname, "dist-info"), info, { recursive: true });
    const bin = dirname(this.#project.python);
    const start = `exec "${process.execPath}" --disable-warning=ExperimentalWarning "${WINNOW}" "$@"`;
    program(join(bin, "winnow"), `#!/bin/sh\n${start}\n`);
    program(join(bin, "pytest"), `#!${this.#project.python}\nimport pytest\nraise SystemExit(pytest.main())\n`);
    this.#keep(EXAMPLE);
  }

  /** Lays a project as one of the states has it. */
  async lay(state: string): Promise<void> {
    const kept = this.#prepared.get(state);
    if (kept !== undefined) {
      rmSync(this.#project.root, { recursive: true, force: true });
      execFileSync("cp", ["-a", kept, this.#project.root]);
      return;
    }
    const make = STATES[state];
    assert.ok(make !== undefined, `there is no state "${state}"; there are ${Object.keys(STATES).join(", ")}`);
    await make(this);
    this.#keep(state);
  }

  /** What the project is now is that state from now on. */
  #keep(state: string): void {
    const kept = join(this.#project.top, `state-${this.#prepared.size}`);
    execFileSync("cp", ["-a", this.#project.root, kept]);
    this.#prepared.set(state, kept);
  }

  write(files: Readonly<Record<string, string>>): void {
    this.#project.write(files);
  }

  edit(path: string, from: string, to: string): void {
    this.#project.edit(path, from, to);
  }

  git(...args: readonly string[]): Promise<void> {
    return this.#project.git(...args);
  }

  /** The checkout that a reader has cloned, without what only its set-up would fetch. */
  cloneWinnow(): void {
    const { root } = this.#project;
    rmSync(root, { recursive: true });
    for (const part of ["winnow", "scripts", "dist", "collector", "examples"]) {
      cpSync(join(REPOSITORY, part), join(root, part), { recursive: true, filter: (path) => !isMade(path) });
    }
    symlinkSync(join(REPOSITORY, "node_modules"), join(root, "node_modules"));
    symlinkSync(dirname(dirname(this.#project.python)), join(root, "examples/shop/.venv"));
  }

  /** What a shell makes of a text; both of its outputs are one, as on a terminal. */
  async type(text: string): Promise<Finished> {
    return this.#project.execute("sh", ["-ec", `exec 2>&1\n${text}`], {
      env: { PYTEST_DISABLE_PLUGIN_AUTOLOAD: undefined, PYTEST_ADDOPTS: undefined },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#project[Symbol.asyncDispose]();
  }
}

function program(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/** Whether something in a checkout is no part of it. */
function isMade(path: string): boolean {
  return /(^|\/)(\.venv|\.winnow|__pycache__|\.pytest_cache)$/.test(path);
}

function filesOf(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && !isMade(path)) {
      for (const [name, text] of Object.entries(filesOf(path))) {
        found[`${entry.name}/${name}`] = text;
      }
    } else if (entry.isFile()) {
      found[entry.name] = readFileSync(path, "utf8");
    }
  }
  return found;
}

const VAT = "amount * VAT_PERCENT // 100";
const RECORDED = "a recorded project";

/** The projects that blocks run in. */
const STATES: Readonly<Record<string, (reader: Reader) => Promise<void>>> = {
  "a new project": async (reader) => {
    await reader.lay(EXAMPLE);
    await reader.git("init", "--quiet");
    await reader.git("add", ".");
    await reader.git("commit", "--quiet", "--message=Begin");
  },
  [RECORDED]: async (reader) => {
    await reader.lay("a new project");
    assert.equal((await reader.type("winnow run")).code, 0);
  },
  "a function edited": async (reader) => {
    await reader.lay(RECORDED);
    reader.edit("shop/price.py", VAT, `${VAT} + 0`);
  },
  "a failing test": async (reader) => {
    await reader.lay(RECORDED);
    reader.edit("shop/price.py", VAT, `${VAT} + 1`);
  },
  "a failing test that is recorded": async (reader) => {
    await reader.lay("a failing test");
    assert.equal((await reader.type("winnow run")).code, 1);
  },
  "a project that observes": async (reader) => {
    await reader.lay(RECORDED);
    reader.edit("pyproject.toml", "[project]", '[tool.winnow]\nmode = "observe"\n\n[project]');
  },
  "a checkout of Winnow": async (reader) => reader.cloneWinnow(),
};

/** How a block of each language is put to the test. */
const LANGUAGES: Readonly<Record<string, (reader: Reader, block: Block) => Promise<void>>> = {
  sh: async (reader, block) => ended(block, await reader.type(block.text)),
  console: async (reader, block) => {
    for (const { command, output } of shownIn(block)) {
      const done = await reader.type(command);
      ended(block, done);
      assert.match(done.stdout, shapeOf(output), `${block.place}: ${command} prints\n${done.stdout}`);
    }
  },
  python: async (reader, block) => {
    if (/^def test_/m.test(block.text)) {
      reader.write({ "tests/test_documented.py": `import pytest\n\n${block.text}\n` });
      const done = await reader.type("pytest --winnow --strict-markers tests/test_documented.py");
      ended(block, done);
      assert.doesNotMatch(done.stdout, /not understood/);
    } else {
      reader.write({ "documented.py": `${block.text}\n` });
      ended(block, await reader.type("python documented.py"));
    }
  },
  ts: async (reader, block) => {
    reader.write({ "documented.ts": `${block.text}\n` });
    ended(block, await reader.type(`"${process.execPath}" documented.ts`));
  },
  toml: async (reader, block) => {
    reader.write({ "pyproject.toml": `${block.text}\n` });
    ended(block, await reader.type("winnow config"));
    ended(block, await reader.type("pytest --strict-config --strict-markers --version"));
  },
  // Neither typed nor read by a program.
  text: async () => {},
};

function ended(block: Block, done: Finished): void {
  assert.equal(done.code, block.exit, `${block.place} ends with ${done.code}\n${done.stdout}`);
}

describe("the blocks of the documentation", () => {
  let reader: Reader;
  before(() => {
    reader = new Reader();
  });
  after(() => reader[Symbol.asyncDispose]());

  for (const block of blocks) {
    test(`${block.place} (${block.language})`, { skip: block.notRun }, async () => {
      const check = LANGUAGES[block.language];
      assert.ok(check !== undefined, `name the language of the block, or say <!-- not run: WHY --> above it`);
      await reader.lay(block.state ?? RECORDED);
      await check(reader, block);
    });
  }

  test("most of them run", () => {
    const skipped = blocks.filter(({ notRun }) => notRun !== undefined);
    assert.ok(skipped.length * 4 < blocks.length, `${skipped.length} of ${blocks.length} do not run`);
  });
});

describe("commands within the text", () => {
  for (const [path, page] of pages) {
    test(path, () => {
      for (const [, command = "", rest = ""] of page.matchAll(/`winnow ([a-z][a-z-]*)([^`\n]*)`/g)) {
        const spec: CommandSpec | undefined = COMMANDS[command as keyof typeof COMMANDS];
        // The program's own; docs/formats.md describes how it is spoken to.
        assert.ok(spec !== undefined || command === "attend", `there is no command "${command}"`);
        for (const [, option = ""] of (rest.split(" -- ")[0] ?? "").matchAll(/ --([a-z-]+)/g)) {
          const known: readonly string[] = [...(spec?.options ?? []), "help"];
          assert.ok(known.includes(option), `\`winnow ${command}\` has no option --${option}`);
        }
      }
    });
  }
});
