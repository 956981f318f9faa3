/** The user's word: the configuration and `--also`, in terms of tests. */

import type { Config } from "../config/config.ts";
import { commandMatcher, pathMatcher, testMatcher } from "../config/globs.ts";
import { type DeclaredKey, declaredId } from "../model/remarks.ts";
import { scopeOf } from "../selection/scope.ts";
import { type Declared, NO_WORD, type Word } from "../selection/word.ts";
import type { Request } from "./request.ts";

const CHILD = "child process: ";
const WRITTEN = "reads a file that was there and has been added to: ";

/** What the configuration declares for a test. */
export function declarations(config: Config): (path: string, node: string) => readonly Declared[] {
  const everything = config.everything.map((name): Declared => ({ kind: "files", name, everything: true }));
  const rules = config.depends.map(({ tests, files, env, commands }) => ({
    concerns: testMatcher(tests),
    keys: [
      ...files.map((name): Declared => ({ kind: "files", name })),
      ...env.map((name): Declared => ({ kind: "env", name })),
      ...commands.map((name): Declared => ({ kind: "command", name })),
    ],
  }));
  return rules.length === 0
    ? () => everything
    : (path, node) => [
        ...everything,
        ...rules.filter(({ concerns }) => concerns(path, node)).flatMap(({ keys }) => keys),
      ];
}

/** Every input that the configuration declares for any test. */
export function declaredKeys({ everything, depends }: Config): DeclaredKey[] {
  const keys = [
    ...everything.map((name): DeclaredKey => ({ kind: "files", name })),
    ...depends.flatMap(({ files, env, commands }): DeclaredKey[] => [
      ...files.map((name): DeclaredKey => ({ kind: "files", name })),
      ...env.map((name): DeclaredKey => ({ kind: "env", name })),
      ...commands.map((name): DeclaredKey => ({ kind: "command", name })),
    ]),
  ];
  return [...new Map(keys.map((key) => [declaredId(key), key])).values()];
}

/** Which reasons for being opaque the configuration takes away. */
export function harmlessReasons({ harmless, ignore }: Config): (reason: string) => boolean {
  if (harmless.length === 0 && ignore.length === 0) {
    return NO_WORD.isHarmless;
  }
  const isHarmless = commandMatcher(harmless);
  const isIgnored = ignoredPaths(ignore);
  return (reason) =>
    (reason.startsWith(CHILD) && isHarmless(reason.slice(CHILD.length))) ||
    (reason.startsWith(WRITTEN) && isIgnored(reason.slice(WRITTEN.length)));
}

/** Which files and directories are no input. What pytest and the import system look for themselves is one nevertheless. */
export function ignoredPaths(ignore: readonly string[]): (path: string) => boolean {
  const isIgnored = pathMatcher(ignore);
  return (path) => isIgnored(path) && !/(^|\/)(conftest|__init__)\.py$/.test(path);
}

/** Node ids and files of all tests. */
export interface TestNames {
  readonly nodes: Pick<ReadonlyMap<number, string>, "get">;
  readonly paths: ReadonlyMap<number, string>;
}

/** The word of a request. `names` is asked only where something is said of some of the tests. */
export function wordOf(
  request: Pick<Request, "config" | "also" | "allowCommands">,
  names: () => TestNames,
  value: Word["value"],
): Word {
  const { config, also } = request;
  const isUsed =
    also.paths.length > 0 || config.always.length > 0 || config.depends.length > 0 || config.everything.length > 0;
  const { nodes, paths } = isUsed ? names() : { nodes: new Map<number, string>(), paths: new Map<number, string>() };
  const ask = <T>(question: (path: string, node: string) => T): ((test: number) => T) => {
    const answers = new Map<number, T>();
    return (test) => {
      let answer = answers.get(test);
      if (answer === undefined) {
        answer = question(paths.get(test) ?? "", nodes.get(test) ?? "");
        answers.set(test, answer);
      }
      return answer;
    };
  };
  const scopes = also.paths.map((path) => ({ scope: scopeOf([path]), name: namedPath(path) }));
  return {
    always: config.always.length === 0 ? NO_WORD.always : ask(testMatcher(config.always)),
    declared: isUsed ? ask(declarations(config)) : NO_WORD.declared,
    value,
    allowsCommands: request.allowCommands,
    isHarmless: harmlessReasons(config),
    opaqueRunsAlways: config.opaque === "always",
    also:
      scopes.length === 0
        ? NO_WORD.also
        : (test) => {
            const path = paths.get(test) ?? "";
            return scopes.find(({ scope }) => scope.hasFile(path) && scope.hasTest(path, nodes.get(test) ?? ""))?.name;
          },
    alsoExpressions: also.expressions,
  };
}

function namedPath({ path, ids }: { readonly path: string; readonly ids: string | null }): string {
  return ids === null ? path || "." : `${path}::${ids}`;
}
