/** What the globs of the configuration and of markers mean. */

import picomatch from "picomatch";

/** Names that begin with a dot are names like others, and "!" is one of a glob's own letters. */
const PATHS: picomatch.PicomatchOptions = { dot: true, nonegate: true };

/** The same without a meaning of "/": a command line is no path. */
const COMMANDS: picomatch.PicomatchOptions = { ...PATHS, bash: true, flags: "s" };

/** A glob as it is matched: `data/` stands for everything in it. */
export function normalizeGlob(glob: string): string {
  const plain = glob.replace(/^(\.\/)+/, "");
  return plain.endsWith("/") ? `${plain}**` : plain;
}

/** Whether a project path is what one of these globs means. A plain path stands for a file, or for all in a directory. */
export function pathMatcher(globs: readonly string[]): (path: string) => boolean {
  const matchers = globs.map((each): ((path: string) => boolean) => {
    const glob = normalizeGlob(each);
    return picomatch.scan(glob).isGlob
      ? picomatch(glob, PATHS)
      : (path) => path === glob || path.startsWith(`${glob}/`);
  });
  return (path) => matchers.some((matches) => matches(path));
}

/** Whether a glob may mean something in a directory. */
export function mayMean(glob: string, directory: string): boolean {
  const pattern = normalizeGlob(glob);
  const { base, isGlob } = picomatch.scan(pattern);
  if (`${base}/`.startsWith(`${directory}/`)) {
    return true;
  }
  // Where no `**` stands, what is matched lies as deep as the glob has segments.
  const isDeep = !isGlob || pattern.includes("**") || pattern.split("/").length > directory.split("/").length;
  return isDeep && (base === "" || directory.startsWith(`${base}/`));
}

/** Whether a command line is what one of these globs means, with or without the directory of its program. */
export function commandMatcher(globs: readonly string[]): (command: string) => boolean {
  const matchers = globs.map((glob) => picomatch(glob, COMMANDS));
  return (command) => {
    const bare = command.replace(/^\S*[/\\](?=[^\s/\\])/, "");
    return matchers.some((matches) => matches(command) || matches(bare));
  };
}

/** Whether a test is what one of these means: globs of test files, the rest of a node id after `::`, where `*` is any text. */
export function testMatcher(patterns: readonly string[]): (path: string, node: string) => boolean {
  const matchers = patterns.map((pattern): ((path: string, node: string) => boolean) => {
    const cut = pattern.indexOf("::");
    const inFile = pathMatcher([cut < 0 ? pattern : pattern.slice(0, cut)]);
    if (cut < 0) {
      return inFile;
    }
    const ids = pattern
      .slice(cut + 2)
      .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*");
    // A class stands for its tests, a function for all of its cases.
    const named = new RegExp(`^${ids}(?:$|::|\\[)`, "s");
    return (path, node) => inFile(path) && named.test(node.slice(node.indexOf("::") + 2));
  });
  return (path, node) => matchers.some((matches) => matches(path, node));
}
