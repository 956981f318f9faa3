/** The names under which a file can be imported, given the search path. */

export interface ModuleName {
  /** `pkg.mod`; of a package, its own name. */
  readonly name: string;
}

export function isPackageFile(path: string): boolean {
  return path === "__init__.py" || path.endsWith("/__init__.py");
}

/** Names of a project file, one for each directory of the search path above it. */
export function moduleNames(path: string, searchRoots: readonly string[]): ModuleName[] {
  const found: ModuleName[] = [];
  for (const root of searchRoots) {
    const isAbove = root === "" || path.startsWith(`${root}/`);
    const rest = root === "" ? path : path.slice(root.length + 1);
    if (isAbove && rest.endsWith(".py")) {
      const name = rest
        .slice(0, -".py".length)
        .replace(/(^|\/)__init__$/, "")
        .replaceAll("/", ".");
      if (name !== "") {
        found.push({ name });
      }
    }
  }
  return found;
}
