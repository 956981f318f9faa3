/** What globs of paths, command lines and tests mean. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { commandMatcher, mayMean, pathMatcher, testMatcher } from "../../src/config/globs.ts";

function check(matcher: (text: string) => boolean, yes: readonly string[], no: readonly string[]): void {
  assert.deepEqual(
    [...yes, ...no].filter((each) => matcher(each)),
    yes,
  );
}

describe("paths", () => {
  test("a glob, with names that begin with a dot", () => {
    check(
      pathMatcher(["data/*.csv"]),
      ["data/a.csv", "data/.a.csv"],
      ["data/a.txt", "data/b/a.csv", "data", "x/data/a.csv"],
    );
    check(pathMatcher(["docs/**"]), ["docs", "docs/a", "docs/a/b.md"], ["docs2/a", "a/docs/b"]);
    check(pathMatcher(["**/*.{csv,tsv}"]), ["a.csv", "a/b/c.tsv"], ["a.txt"]);
    check(pathMatcher(["../shared/*.json"]), ["../shared/a.json"], ["shared/a.json"]);
  });

  test("a plain path stands for a file, or for all in a directory", () => {
    check(pathMatcher(["docs"]), ["docs", "docs/a/b"], ["docs.md", "a/docs"]);
    check(pathMatcher(["./docs/"]), ["docs/a", "docs/a/b"], ["docs.md"]);
  });

  test("what a glob may mean below a directory", () => {
    check((directory) => mayMean("a/b/*.csv", directory), ["a", "a/b"], ["b", "a/b/c", "a/bc", "ab"]);
    check((directory) => mayMean("*/*.csv", directory), ["a", "b"], ["a/b"]);
    check((directory) => mayMean("a/b", directory), ["a", "a/b", "a/b/c"], ["b"]);
    check((directory) => mayMean("**/*.csv", directory), ["a", "a/b"], []);
  });

  test("of several any one; of none nothing", () => {
    check(pathMatcher(["a", "b/*"]), ["a", "b/c"], ["b", "c"]);
    check(pathMatcher([]), [], ["", "a"]);
  });
});

describe("command lines", () => {
  test("`*` is any text", () => {
    check(
      commandMatcher(["git *"]),
      ["git status -s", "git log a/b .c", "git log\n--all"],
      ["git", "gitk --all", "x git a"],
    );
    check(commandMatcher(["multiprocessing"]), ["multiprocessing"], ["os.fork"]);
    check(commandMatcher(["*"]), ["sh -c 'a/b'", "os.fork"], []);
  });

  test("with and without the directory of the program", () => {
    check(
      commandMatcher(["git *"]),
      ["/usr/bin/git status", "../bin/git x"],
      ["/usr/bin/digit x", "sh /usr/bin/git x"],
    );
    check(commandMatcher(["/usr/bin/git *"]), ["/usr/bin/git status"], ["/opt/bin/git status", "git status"]);
  });

  test("a command line without a sign of a glob matches itself only", () => {
    const word = fc.stringMatching(/^[a-z0-9./-]{1,8}$/).filter((text) => !text.startsWith("./"));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), word, (words, other) => {
        const line = words.join(" ");
        assert.ok(commandMatcher([line])(line));
        assert.equal(commandMatcher([line])(`${line} ${other}`), false);
      }),
    );
  });
});

describe("tests", () => {
  const matches = (pattern: string, node: string): boolean => testMatcher([pattern])(node.split("::")[0] ?? "", node);

  test("files, functions, cases, classes", () => {
    const file = "tests/test_x.py";
    const cases: [string, string, boolean][] = [
      ["tests/**", `${file}::test_y`, true],
      ["tests", `${file}::test_y`, true],
      [file, `${file}::TestA::test_y`, true],
      ["tests/test_*.py", `${file}::test_y`, true],
      ["e2e/**", `${file}::test_y`, false],
      [`${file}::test_y`, `${file}::test_y`, true],
      [`${file}::test_y`, `${file}::test_y[a-b]`, true],
      [`${file}::test_y`, `${file}::test_yy`, false],
      [`${file}::test_y[a-b]`, `${file}::test_y[a-b]`, true],
      [`${file}::test_y[a-b]`, `${file}::test_y[a-c]`, false],
      [`${file}::TestA`, `${file}::TestA::test_y`, true],
      [`${file}::TestA`, `${file}::TestAB::test_y`, false],
      [`${file}::*_slow`, `${file}::TestA::test_slow[1]`, true],
      [`${file}::*_slow`, `${file}::test_slower`, false],
      ["tests/*.py::test_y", `${file}::test_y`, true],
      ["other/*.py::test_y", `${file}::test_y`, false],
    ];
    for (const [pattern, node, expected] of cases) {
      assert.equal(matches(pattern, node), expected, `${pattern} ${node}`);
    }
  });

  test("the path counts by the project's root, whatever a node id begins with", () => {
    assert.ok(testMatcher(["sub/test_x.py::test_y"])("sub/test_x.py", "test_x.py::test_y"));
  });

  test("any id matches itself, whatever is in its brackets", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 12 }).filter((text) => !text.includes("*")),
        (parameters) => {
          const node = `t.py::test_x[${parameters}]`;
          assert.ok(matches(node, node));
        },
      ),
    );
  });
});
