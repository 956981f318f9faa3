/**
 * What is concerned by what changed since a commit, or since a saved state: over random programs, judged by an oracle that
 * knows for each test all that its outcome can depend on, and case by case for what git knows in part only.
 */

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { UNKNOWN } from "../../src/changes/tree.ts";
import { DEFAULTS } from "../../src/config/config.ts";
import { blobSha1 } from "../../src/files/hash.ts";
import { ABSENT } from "../../src/model/key.ts";
import type { Plan } from "../../src/model/plan.ts";
import type { Since } from "../../src/model/since.ts";
import { CommitState } from "../../src/pipeline/commit.ts";
import { openTree } from "../../src/pipeline/decide.ts";
import { makeRequest } from "../../src/pipeline/request.ts";
import { saveState } from "../../src/pipeline/saved.ts";
import { findSince } from "../../src/pipeline/since.ts";
import { commit, git } from "../support/git.ts";
import { isTestFile, type Program, testSignature, wouldRun } from "../support/program.ts";
import { type Edits, PYTHON, TestProject } from "../support/project.ts";
import { apply, EDIT, PROGRAM, Walk } from "../support/walk.ts";

const RUNS = Math.ceil(Number(process.env["WINNOW_RUNS"] ?? 40) / 4);

/** A state that can be asked about, and the program as it was then. */
interface Marked {
  readonly since: Since;
  readonly program: Program;
}

function found(walk: Walk, typed: { since?: string; against?: string }): Since {
  const { root } = walk.project;
  const since = findSince(root, process.env, { since: typed.since, against: typed.against });
  assert.ok(since !== undefined);
  return since;
}

/** Marks the present state in both ways. */
function mark(walk: Walk, name: string): Marked[] {
  const { project, program } = walk;
  const id = commit(project.root);
  saveState(project.store, project.request(), project.decide(), name);
  return [
    { since: found(walk, { since: id }), program },
    { since: found(walk, { against: name }), program },
  ];
}

/** Compares a plan with what is true. */
function judge(walk: Walk, { since, program: before }: Marked, plan: Plan, own: Plan): void {
  for (const file of walk.program.sources.filter(isTestFile)) {
    for (const { name } of file.functions) {
      const id = `${file.path}::${name}`;
      const then = before.sources.find(({ path }) => path === file.path);
      const isSame =
        then?.functions.some((each) => each.name === name) === true &&
        testSignature(before, then, name) === testSignature(walk.program, file, name);
      const runs = wouldRun(plan, file.path, id);
      assert.ok(runs || isSame, `since ${since.label} MISSED ${id}`);
      assert.ok(runs || !wouldRun(own, file.path, id), `since ${since.label} ${id} is left out, and not proven`);
      const needs = wouldRun(own, file.path, id) || plan.kind === "everything" || !walk.isExact;
      assert.ok(!runs || !isSame || needs, `since ${since.label} SURPLUS ${id}`);
    }
  }
}

describe("over random programs and edits", () => {
  test("what differs from a commit, or from a saved state, runs, and nothing else that is proven", () => {
    const step = fc.record({ edits: fc.array(EDIT, { maxLength: 2 }), runs: fc.boolean(), marks: fc.boolean() });
    fc.assert(
      fc.property(PROGRAM, fc.array(step, { minLength: 2, maxLength: 4 }), (program, steps) => {
        using walk = new Walk(program);
        git(walk.project.root, "init", "--quiet");
        walk.run();
        const marked = mark(walk, "first");
        for (const [index, { edits, runs, marks }] of steps.entries()) {
          for (const edit of edits) {
            walk.go(apply(walk.history, edit));
          }
          if (runs) {
            walk.run();
          }
          if (marks) {
            marked.push(...mark(walk, `state${index}`));
          }
          for (const each of marked) {
            judge(walk, each, walk.project.plan({ since: each.since }), walk.project.plan());
          }
        }
      }),
      { numRuns: RUNS },
    );
  });
});

/** A project in git, and what a commit says of it later. */
class Repository implements Disposable {
  readonly project: TestProject;
  readonly first: string;

  constructor(files: Edits) {
    this.project = new TestProject(files);
    git(this.project.root, "init", "--quiet");
    this.first = commit(this.project.root);
  }

  [Symbol.dispose](): void {
    this.project[Symbol.dispose]();
  }

  /** The first commit's state, asked now. */
  get state(): CommitState {
    const request = this.project.request();
    const { tree, declared } = this.project.decide();
    return new CommitState(this.first, { request, tree, declared });
  }

  /** How a path is now. */
  now(path: string): string {
    return this.project.decide().tree.digest(path);
  }
}

const idOf = (text: string): string => blobSha1(Buffer.from(text));

describe("what a commit says of", () => {
  test("files that are tracked: their contents, whatever is there now", () => {
    using repository = new Repository({ "same.py": "1", "edited.py": "1", "gone.py": "1", "a/b.py": "1", was: "1" });
    const { project } = repository;
    project.write({ "edited.py": "2", "gone.py": null, "new.py": "1", "staged.py": "1", was: null, "was/in.py": "1" });
    git(project.root, "add", "staged.py");
    const { state } = repository;
    const expected = {
      "same.py": idOf("1"),
      "edited.py": idOf("1"),
      "gone.py": idOf("1"),
      "a/b.py": idOf("1"),
      a: "?EISDIR",
      "new.py": ABSENT,
      "staged.py": ABSENT,
      was: idOf("1"),
      "was/in.py": ABSENT,
      "nowhere/at/all.py": ABSENT,
    };
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((path) => [path, state.digest(path)])), expected);
    assert.equal(state.content("edited.py")?.toString(), "1");
    assert.equal(state.content("same.py"), undefined);
    assert.deepEqual(state.names("a"), ["b.py"]);
    assert.equal(state.names("was"), null);
    assert.equal(state.names("nowhere"), null);
    const names = state.names("");
    assert.ok(names?.includes("gone.py") && !names.includes("new.py") && !names.includes("staged.py"));
    assert.equal(
      state.differs(() => true),
      true,
    );
    assert.equal(
      state.differs((path) => path === "same.py"),
      false,
    );
  });

  test("files that git was told not to look at: whether they are others all the same", () => {
    using repository = new Repository({ "a.txt": "1", "b.txt": "1", "c.txt": "1", "d.txt": "1" });
    const { project } = repository;
    git(project.root, "update-index", "--assume-unchanged", "a.txt", "b.txt");
    git(project.root, "update-index", "--skip-worktree", "c.txt", "d.txt");
    const changed = (): string[] =>
      ["a.txt", "b.txt", "c.txt", "d.txt"].filter((path) => repository.state.differs((one) => one === path));
    // As in a sparse checkout.
    project.write({ "d.txt": null });
    assert.deepEqual(changed(), []);
    project.write({ "a.txt": "2", "c.txt": "2" });
    assert.deepEqual(changed(), ["a.txt", "c.txt"]);
  });

  test("what git does not know: as it is now", () => {
    using repository = new Repository({ ".gitignore": "*.log\nbuild/\n*.so\n", "a.py": "1", "lib/b.py": "1" });
    const { project } = repository;
    project.write({ "x.log": "1", "build/made.py": "1", "lib/y.log": "1", "lib/fast.so": "1" });
    mkdirSync(join(project.root, "empty"));
    for (const path of ["x.log", "build/made.py", "lib/y.log", "lib/fast.so", "empty"]) {
      assert.equal(repository.state.digest(path), repository.now(path), path);
    }
    const { tree } = project.decide();
    for (const directory of ["", "lib", "build", "empty"]) {
      assert.deepEqual(repository.state.names(directory), tree.names(directory), directory);
    }
    assert.equal(
      repository.state.differs(() => true),
      false,
    );
    // As soon as anything tracked is another thing, it may have been compiled from that.
    project.write({ "a.py": "2" });
    assert.notEqual(repository.state.digest("lib/fast.so"), repository.now("lib/fast.so"));
    assert.equal(repository.state.digest("lib/y.log"), repository.now("lib/y.log"));
    // Ignored files in a directory that is new.
    project.write({ "fresh/c.py": "1", "fresh/c.log": "1" });
    assert.deepEqual(repository.state.names("fresh"), ["c.log"]);
  });

  test("links: what they led to", () => {
    using repository = new Repository({ "real/a.py": "1", "other/a.py": "2", "plain.txt": "1" });
    const { project } = repository;
    const link = (target: string, path: string): void => symlinkSync(target, join(project.root, path));
    link("real", "linked");
    link("plain.txt", "link.txt");
    link("/nowhere", "out");
    const second = commit(project.root);
    project.write({ linked: null, "real/a.py": "3" });
    link("other", "linked");
    const { tree, declared } = project.decide();
    const state = new CommitState(second, { request: project.request(), tree, declared });
    assert.equal(state.digest("linked/a.py"), idOf("1"));
    assert.deepEqual(state.names("linked"), ["a.py"]);
    assert.equal(state.digest("link.txt"), idOf("1"));
    assert.equal(state.digest("out/x"), ABSENT);
    assert.equal(state.content("linked/a.py")?.toString(), "1");
    // The link itself is new since the first commit, and so is all that is reached through it.
    assert.equal(repository.state.digest("linked/a.py"), ABSENT);
    assert.equal(repository.state.digest("link.txt"), ABSENT);
  });

  test("links by absolute paths, and out of the repository: as now only while the links are the same", () => {
    using outside = new TestProject({ "in/x.txt": "1" });
    using repository = new Repository({ "real/a.txt": "1", "other/a.txt": "2" });
    const { project } = repository;
    const link = (target: string, path: string): void => symlinkSync(target, join(project.root, path));
    const there = join(outside.root, "in");
    link(join(project.root, "real"), "absolute");
    for (const path of ["same", "moved", "ended"]) {
      link(there, path);
    }
    link("moved", "chained");
    const second = commit(project.root);
    project.write({ absolute: null, moved: null, ended: null, "ended/x.txt": "1", "real/a.txt": "3" });
    link(join(project.root, "other"), "absolute");
    link(there, "begun");
    link(`${there}/../in`, "moved");
    const { tree, declared } = project.decide();
    const state = new CommitState(second, { request: project.request(), tree, declared });
    assert.equal(state.digest("absolute/a.txt"), idOf("1"));
    assert.equal(state.digest("same/x.txt"), idOf("1"));
    assert.deepEqual(state.names("same"), tree.names("same"));
    for (const path of ["moved", "chained", "ended"]) {
      assert.deepEqual([state.digest(`${path}/x.txt`), state.names(path)], [UNKNOWN, [UNKNOWN]], path);
    }
    assert.equal(state.digest("begun/x.txt"), ABSENT);
    assert.equal(state.names("begun"), null);
  });

  test("files that git stores in another form: by what it would store now", () => {
    using repository = new Repository({
      ".gitattributes": "*.txt text eol=crlf\n",
      "a.txt": "1\r\n2\r\n",
      "b.txt": "1\r\n",
    });
    const { project } = repository;
    assert.equal(git(project.root, "cat-file", "-p", "HEAD:a.txt"), "1\n2");
    assert.equal(repository.state.digest("a.txt"), repository.now("a.txt"));
    project.write({ "a.txt": "1\r\n3\r\n" });
    const { state } = repository;
    state.prepare(["a.txt", "b.txt"]);
    assert.notEqual(state.digest("a.txt"), repository.now("a.txt"));
    assert.equal(state.digest("b.txt"), repository.now("b.txt"));
    // What git makes of the same content is another thing where its attributes are.
    project.write({ ".gitattributes": "*.txt text\n", "a.txt": "1\n2\n", "b.txt": "1\r\n" });
    const { state: unlike } = repository;
    assert.deepEqual([unlike.digest("a.txt"), unlike.digest("b.txt")], [UNKNOWN, UNKNOWN]);
    assert.equal(unlike.digest("pytest.ini"), repository.now("pytest.ini"));
  });

  test("a repository within: unchanged as long as git sees nothing in it that is not committed", () => {
    using inner = new Repository({ "lib.py": "1" });
    using repository = new Repository({ "a.py": "1" });
    const { project } = repository;
    git(project.root, "submodule", "--quiet", "add", inner.project.root, "sub");
    const second = commit(project.root);
    const ask = () => {
      const { tree, declared } = project.decide();
      return new CommitState(second, { request: project.request(), tree, declared });
    };
    assert.equal(ask().digest("sub/lib.py"), repository.now("sub/lib.py"));
    const asDeclared = (name: string): boolean => ask().declared({ kind: "files", name }) !== undefined;
    assert.deepEqual(["sub/*.py", "**/*.py", "a.*", "su/*"].map(asDeclared), [true, true, true, true]);
    project.write({ "sub/lib.py": "2" });
    assert.deepEqual(["sub/*.py", "**/*.py", "a.*", "su/*"].map(asDeclared), [false, false, true, true]);
    assert.equal(ask().digest("sub/lib.py"), UNKNOWN);
    assert.deepEqual([ask().digest("sub/else.py"), ask().names("sub")], [UNKNOWN, [UNKNOWN]]);
    // The first commit has nothing of it.
    assert.equal(repository.state.digest("sub/lib.py"), ABSENT);
    assert.equal(repository.state.names("sub"), null);
  });

  test("a project that is not the top of its repository, and files outside of that", () => {
    using repository = new Repository({ "part/pytest.ini": "[pytest]\n", "part/a.py": "1", "beside.py": "1" });
    const { project } = repository;
    project.write({ "part/a.py": "2", "beside.py": "2" });
    const stateOf = (directory: string): CommitState => {
      const cwd = join(project.root, directory);
      const request = makeRequest({ cwd, args: [], env: process.env, config: DEFAULTS });
      assert.equal(request.root, cwd);
      const tree = openTree(undefined, request, PYTHON, { searchRoots: [] }, []);
      return new CommitState(repository.first, { request, tree, declared: project.decide().declared });
    };
    const state = stateOf("part");
    assert.equal(state.digest("a.py"), idOf("1"));
    assert.equal(state.digest("../beside.py"), idOf("1"));
    assert.equal(state.digest("../../outside.py"), ABSENT);
    assert.equal(
      state.differs((path) => path === "../beside.py"),
      true,
    );
    assert.equal(
      state.differs((path) => path === "a.py"),
      true,
    );
    // A project that git ignores as a whole is none that it knows anything of.
    project.write({ ".gitignore": "hidden/\n", "hidden/pytest.ini": "[pytest]\n" });
    assert.throws(() => stateOf("hidden"), /git knows nothing of .*hidden$/);
  });
});
