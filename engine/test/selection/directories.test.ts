import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Plan } from "../../src/model/plan.ts";
import { sparedDirectories } from "../../src/selection/directories.ts";
import { projectOf } from "../names/project.ts";

/** A project: the listing that a directory had when it was walked, and sources. */
const WALKS = {
  tests: ["one", "two", "three"],
  "tests/one": ["test_a.py"],
  "tests/two": ["conftest.py", "data.json", "inner", "test_b.py"],
  "tests/two/inner": ["test_c.py"],
  "tests/three": ["test_d.py"],
};
const CONFTEST = "import pytest\n\n\n@pytest.fixture\ndef value():\n    return 1\n";
const COLLECTED = ["tests/one/test_a.py", "tests/two/test_b.py", "tests/two/inner/test_c.py", "tests/three/test_d.py"];

interface Case {
  /** Test files that the plan leaves out; all but that of `tests/one`, if none are named. */
  readonly skipFiles?: readonly string[];
  readonly files?: readonly string[];
  readonly provided?: readonly string[];
  readonly asked?: readonly string[];
  readonly changed?: readonly string[];
  readonly walks?: Readonly<Record<string, readonly string[]>>;
  readonly conftest?: string;
}

function spared(given: Case): string[] {
  const plan: Plan = {
    kind: "some",
    tests: [],
    files: (given.files ?? []).map((path) => ({ path, reasons: [] })),
    skipFiles: given.skipFiles ?? COLLECTED.slice(1),
    skipTests: new Map(),
    provided: new Map(given.provided === undefined ? [] : [["tests/one/test_a.py", given.provided]]),
    failed: new Map(),
    leftOutWithFiles: 0,
    upToDate: 0,
    known: 0,
  };
  const walks = new Map<string, readonly string[]>(Object.entries({ ...WALKS, ...given.walks }));
  return sparedDirectories(plan, given.asked ?? [], {
    walks: () => walks,
    collected: COLLECTED,
    isAsWalked: (directory) => given.changed?.includes(directory) !== true,
    project: projectOf({ "tests/two/conftest.py": given.conftest ?? CONFTEST }),
  });
}

describe("directories without a test to run are spared", () => {
  test("each as far up as possible", () => {
    assert.deepEqual(spared({}), ["tests/three", "tests/two"]);
  });

  const walked: readonly [what: string, given: Case, directories: readonly string[]][] = [
    ["that has a test to run", { skipFiles: COLLECTED.slice(1, 3) }, ["tests/two"]],
    ["below which there is one", { skipFiles: [...COLLECTED.slice(1, 2), "tests/three/test_d.py"] }, ["tests/three"]],
    ["that has a new file", { files: ["tests/two/inner/test_new.py"] }, ["tests/three"]],
    ["that lies in a new one", { files: ["tests/two"] }, ["tests/three"]],
    ["of which a file has to be imported", { provided: ["tests/two/conftest.py"] }, ["tests/three", "tests/two/inner"]],
    ["that was named", { asked: ["tests/two"] }, ["tests/three", "tests/two/inner"]],
    ["in which names changed", { changed: ["tests/two"] }, ["tests/three", "tests/two/inner"]],
    ["below which they did", { changed: ["tests/two/inner"] }, ["tests/three"]],
    ["with modules", { walks: { "tests/three": ["helpers.py", "test_d.py"] } }, ["tests/two"]],
    [
      "that puts one with modules on the search path",
      { walks: { tests: [...WALKS.tests, "helpers.py"], "tests/three": ["__init__.py", "test_d.py"] } },
      ["tests/two"],
    ],
    [
      "with a package",
      {
        walks: {
          "tests/three": ["conftest.py", "lib", "sub"],
          "tests/three/lib": ["__init__.py"],
          "tests/three/sub": [],
        },
      },
      ["tests/two"],
    ],
    ["with a directory that pytest does not walk", { walks: { "tests/three": ["build", "test_d.py"] } }, ["tests/two"]],
    ["with an extension module", { walks: { "tests/three": ["fast.so", "test_d.py"] } }, ["tests/two"]],
    ["without any test file", { walks: { "tests/empty": ["data"] } }, ["tests/three", "tests/two"]],
  ];
  for (const [what, given, directories] of walked) {
    test(`but not one ${what}`, () => {
      assert.deepEqual(spared(given), directories);
    });
  }

  const conftests: readonly [what: string, source: string][] = [
    ["a hook", `${CONFTEST}\n\ndef pytest_sessionfinish(session):\n    pass\n`],
    ["a hook by import", `${CONFTEST}from hooks import pytest_configure\n`],
    ["a hook by another name", `${CONFTEST}from hooks import configure as pytest_configure\n`],
    ["hooks perhaps", `${CONFTEST}from hooks import *\n`],
    ["an effect", `${CONFTEST}import os\n\nos.environ["NAME"] = "value"\n`],
    ["a syntax error", `${CONFTEST}def broken(:\n`],
  ];
  for (const [what, conftest] of conftests) {
    test(`but not one whose conftest has ${what}`, () => {
      assert.deepEqual(spared({ conftest }), ["tests/three", "tests/two/inner"]);
    });
  }

  test("nothing, where everything runs", () => {
    assert.deepEqual(
      sparedDirectories({ kind: "everything", because: "", known: 0 }, [], {
        walks: () => new Map(Object.entries(WALKS)),
        collected: COLLECTED,
        isAsWalked: () => true,
        project: projectOf({}),
      }),
      [],
    );
  });
});
