import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PATHS, SELECTION } from "../../src/model/key.ts";
import { allBut, digestOfAll, Variables } from "../../src/pipeline/variables.ts";

const SALT = "salt";

function digest(env: NodeJS.ProcessEnv, name: string, salt = SALT): string {
  return new Variables(env, salt).digest(name);
}

describe("the digest of a variable", () => {
  test("tells values, names, and stores apart, and shows none of them", () => {
    const one = digest({ A: "secret" }, "A");
    assert.match(one, /^[0-9a-f]{32}$/);
    assert.equal(one, digest({ A: "secret", B: "" }, "A"));
    const others = [
      digest({ A: "other" }, "A"),
      digest({ A: "" }, "A"),
      digest({ B: "secret" }, "B"),
      digest({ A: "secret" }, "A", "x"),
    ];
    assert.equal(new Set([one, ...others]).size, 5);
  });

  test("is that of absence where there is none", () => {
    assert.equal(digest({}, "A"), "-");
    assert.equal(digest({ A: undefined }, "A"), "-");
  });
});

describe("the digest of all variables", () => {
  const all = (env: NodeJS.ProcessEnv): string => digest(env, "*");

  test("changes with each that may mean something, its appearance and its end", () => {
    const states: NodeJS.ProcessEnv[] = [{}, { A: "1" }, { A: "2" }, { B: "1" }, { A: "1", B: "1" }, { AB: "11" }];
    assert.equal(new Set(states.map(all)).size, states.length);
    assert.equal(all({ A: "1", B: "2" }), all({ B: "2", A: "1", C: undefined }));
  });

  test("leaves out what was taken out before any test, and can be told from those of single ones", () => {
    const env = { A: "1", B: "2", C: "3" };
    const name = allBut(["C", "B"]);
    assert.equal(digest(env, name), digest({ ...env, B: "other", C: undefined }, name));
    assert.notEqual(digest(env, name), digest({ ...env, A: "other" }, name));
    const before = new Variables(env, SALT).digests();
    assert.deepEqual([digestOfAll(before, "*"), digestOfAll(before, name)], [all(env), digest(env, name)]);
    assert.equal(allBut([]), "*");
  });

  test("is the same in each terminal", () => {
    const terminal = { PWD: "/", OLDPWD: "/", SHLVL: "2", _: "x", TERM: "dumb", COLUMNS: "80", TERM_PROGRAM: "x" };
    assert.equal(all({ A: "1", ...terminal, WINNOW_SESSION: "x", PYTEST_CURRENT_TEST: "x" }), all({ A: "1" }));
    for (const name of ["TERMINAL", "PWD2", "MY_PWD", "HOME", "CI", "PYTEST_ADDOPTS"]) {
      assert.notEqual(all({ [name]: "1" }), all({}), name);
    }
  });

  test("that name a proxy, whatever their case", () => {
    assert.equal(digest({ A: "1" }, "*_proxy"), digest({}, "*_proxy"));
    assert.notEqual(digest({ HTTPS_PROXY: "1" }, "*_proxy"), digest({}, "*_proxy"));
    assert.notEqual(digest({ no_proxy: "1" }, "*_proxy"), digest({}, "*_proxy"));
  });
});

test("all digests at once are those that could be asked for", () => {
  const variables = new Variables({ A: "1", B: undefined, http_proxy: "x" }, SALT);
  assert.deepEqual(Object.keys(variables.digests()).sort(), ["*", "*_proxy", "A", "http_proxy", PATHS, SELECTION]);
  for (const [name, value] of Object.entries(variables.digests())) {
    assert.equal(value, variables.digest(name));
  }
});

test("what was typed to choose among tests is a value of its own", () => {
  const [one, other] = ["-m slow", "-m fast"].map(
    (selection) => new Variables({ A: "1" }, SALT, { selection, paths: "tests" }),
  );
  assert.notEqual(one?.digest(SELECTION), other?.digest(SELECTION));
  assert.equal(one?.digest(PATHS), other?.digest(PATHS));
  assert.equal(one?.digest("*"), other?.digest("*"));
});
