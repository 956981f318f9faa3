/** Small projects in memory, for questions about names. */

import { type Resolutions, resolveCandidates } from "../../src/changes/resolve.ts";
import {
  type Binding,
  type Concern,
  concernOf,
  type Delta,
  deltaOf,
  FATES,
  moduleNames,
  outlineOf,
  Project,
  type PythonVersion,
} from "../../src/names/index.ts";
import { encode, type Files, MemoryTree } from "../support/memory-tree.ts";

export function projectOf(files: Files, python: PythonVersion = [3, 13]): Project {
  const tree = new MemoryTree(files, ["", "tests"]);
  const memo: Resolutions = new Map();
  return new Project({
    python,
    outline: (path) => (files[path] === undefined ? undefined : outlineOf(encode(files[path] as string))),
    resolve: (module) => resolveCandidates(tree, module, memo).map(({ path }) => path),
    namesOf: (path) => moduleNames(path, tree.searchRoots),
  });
}

/** What an edit of one file comes down to. */
export function edited(files: Files, path: string, text: string, python?: PythonVersion): Delta {
  const project = projectOf({ ...files, [path]: text }, python);
  const before = outlineOf(encode(files[path] ?? ""));
  const after = project.evaluated(path);
  if (before === undefined || after === undefined) {
    throw new Error("this is no Python");
  }
  return deltaOf(project, path, project.evaluate(path, before), after);
}

/** Whom an edit of one file concerns: `path::qualname` of bodies, `path` of files with other effects, and those that may fail. */
export function concerned(files: Files, path: string, text: string): string[] | "everybody" {
  const delta = edited(files, path, text);
  if (delta.kind === "effect") {
    return "everybody";
  }
  const after = { ...files, [path]: text };
  return listed(
    after,
    concernOf(
      projectOf(after),
      Object.keys(after),
      [...delta.changed.map((each) => ({ path, ...each })), ...delta.moved],
      {
        words: delta.words,
        failing: delta.mayFail === undefined ? [] : [path],
      },
    ),
  );
}

/** Who can come by what a name stands for. */
export function readers(files: Files, path: string, name: string): string[] {
  const seed: Binding = { path, name, fate: FATES.value };
  return listed(files, concernOf(projectOf(files), Object.keys(files), [seed], { who: "readers" }));
}

function listed(files: Files, concern: Concern): string[] {
  return Object.keys(files)
    .flatMap((path) => [
      ...(concern.effects.has(path) ? [path] : []),
      ...(concern.failures.has(path) ? [`${path} may fail`] : []),
      ...[...concern.bodiesOf(path)].map((qualname) => `${path}::${qualname}`),
    ])
    .sort();
}
