/** Names of modules: those under which a file can be imported, and those that a relative import means. */

export function isPackageFile(path: string): boolean {
  return path === "__init__.py" || path.endsWith("/__init__.py");
}

/** Full names of a project file as a module, one for each directory of the search path above it. */
export function moduleNames(path: string, searchRoots: readonly string[]): string[] {
  return searchRoots.flatMap((root) => {
    const isAbove = root === "" || path.startsWith(`${root}/`);
    const rest = root === "" ? path : path.slice(root.length + 1);
    if (!isAbove || !rest.endsWith(".py")) {
      return [];
    }
    const name = rest
      .slice(0, -".py".length)
      .replace(/(^|\/)__init__$/, "")
      .replaceAll("/", ".");
    return name === "" ? [] : [name];
  });
}

/** The package in which a module's relative imports begin: itself, if it is one. */
export function packageOf(name: string, isPackage: boolean): string {
  return isPackage ? name : name.split(".").slice(0, -1).join(".");
}

/** The full name of what `from ..module import` means within a package; undefined beyond the top. */
export function relativeName(inPackage: string, level: number, module: string): string | undefined {
  const parts = inPackage === "" ? [] : inPackage.split(".");
  if (level - 1 > parts.length) {
    return undefined;
  }
  return [...parts.slice(0, parts.length - level + 1), ...(module === "" ? [] : [module])].join(".");
}

/** `a.b.c` → `a`, `a.b`, `a.b.c`. */
export function withParents(name: string): string[] {
  const parts = name.split(".");
  return parts.map((_, index) => parts.slice(0, index + 1).join("."));
}
