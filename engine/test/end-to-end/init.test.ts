/** `winnow init`: what it writes, that the project works with it, and that the second time changes nothing. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Project, SHOP } from "./project.ts";

async function init(project: Project): Promise<Record<string, string>> {
  const { code, stdout, stderr } = await project.winnow(["init", "--json"]);
  assert.deepEqual([code, stderr], [0, ""]);
  const { version, root, steps } = JSON.parse(stdout);
  assert.deepEqual([version, root], [1, project.root]);
  for (const step of steps) {
    assert.deepEqual(Object.keys(step).sort(), ["action", "because", "lines", "path"]);
  }
  return Object.fromEntries(steps.map(({ path, action }: Record<string, string>) => [path, action]));
}

test("in a repository with a pyproject.toml, both get their lines, once", async () => {
  await using project = new Project({ ...SHOP, "pyproject.toml": '[project]\nname = "shop"', ".gitignore": "*.log\n" });
  await project.git("init", "-q");
  const { code, stdout, stderr } = await project.winnow(["init"]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /\npyproject\.toml {2}added: .*\n {2}\+ \[tool\.winnow\]\n {2}\+ mode = "select".*\n/);
  assert.match(stdout, /\n\.gitignore {6}added: .*\n {2}\+ \.winnow\/\nNext: `winnow run`\.\n$/);
  assert.match(
    project.read("pyproject.toml"),
    /^\[project\]\nname = "shop"\n\n\[tool\.winnow\]\nmode = "select" {2}#.*\n$/,
  );
  assert.equal(project.read(".gitignore"), "*.log\n.winnow/\n");

  const before = [project.read("pyproject.toml"), project.read(".gitignore")];
  assert.deepEqual(await init(project), { "pyproject.toml": "kept", ".gitignore": "kept" });
  assert.match((await project.winnow(["init"])).stdout, /\nNothing had to be changed\. Next: `winnow run`\.\n$/);
  assert.deepEqual([project.read("pyproject.toml"), project.read(".gitignore")], before);

  // What was written is understood, and with a store there nothing changes either.
  assert.equal((await project.run()).code, 0);
  assert.match((await project.winnow(["plan"])).stdout, /nothing to run: 5 tests up to date/);
  assert.deepEqual(await init(project), { "pyproject.toml": "kept", ".gitignore": "kept" });
});

test("the store's own .gitignore is no line of the project's", async () => {
  await using project = new Project();
  await project.git("init", "-q");
  await project.run();
  assert.deepEqual(await init(project), { "pyproject.toml": "skipped", ".gitignore": "added" });
  assert.equal(project.read(".gitignore"), ".winnow/\n");
  assert.deepEqual(await init(project), { "pyproject.toml": "skipped", ".gitignore": "kept" });
});

test("where neither has a place, nothing is written", async () => {
  await using project = new Project();
  assert.deepEqual(await init(project), { "pyproject.toml": "skipped", ".gitignore": "skipped" });
  assert.deepEqual(
    [existsSync(project.path("pyproject.toml")), existsSync(project.path(".gitignore"))],
    [false, false],
  );
});

test("line ends stay what they are", async () => {
  await using project = new Project({ ...SHOP, "pyproject.toml": '[project]\r\nname = "shop"\r\n' });
  assert.deepEqual(await init(project), { "pyproject.toml": "added", ".gitignore": "skipped" });
  const text = readFileSync(project.path("pyproject.toml"), "utf8");
  assert.match(text, /^\[project\]\r\nname = "shop"\r\n\r\n\[tool\.winnow\]\r\nmode = .*\r\n$/);
});

test("a pyproject.toml that is broken, or cannot take the table, is told of and left alone, and so is the rest", async () => {
  await using project = new Project();
  await project.git("init", "-q");
  for (const text of ["[project\n", "tool = { black = { line-length = 100 } }\n", "[tool.winnow]\nmod = 1\n"]) {
    project.write({ "pyproject.toml": text });
    const { code, stderr } = await project.winnow(["init"]);
    assert.equal(code, 4);
    assert.match(stderr, /^winnow: pyproject\.toml .*\n.*\[configuration\]\n$/);
    assert.deepEqual([project.read("pyproject.toml"), existsSync(project.path(".gitignore"))], [text, false]);
  }
});

test("a file that cannot be written is told of", async () => {
  await using project = new Project({ ...SHOP, ".gitignore/there": "" });
  await project.git("init", "-q");
  const { code, stderr } = await project.winnow(["init"]);
  assert.equal(code, 4);
  assert.match(stderr, /\.gitignore cannot be read.*\n.*\[not-writable\]\n$/);
});
