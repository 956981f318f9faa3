/**
 * The sources of a project by name: which files an import leads to, and in which order effects come about.
 */

import { isPackageFile, packageOf, relativeName, withParents } from "./module-name.ts";
import type { ImportBinding, Outline, Statement } from "./outline.ts";
import { Evaluated, type PythonVersion } from "./purity.ts";
import { HARMLESS_MODULES, KNOWN_MEMBERS } from "./python-names.ts";
import { Triggers } from "./triggers.ts";

/** What is asked of the world. */
export interface Sources {
  readonly python: PythonVersion;
  /** The outline of a file as it is now; undefined where there is none, or it cannot be read as Python. */
  outline(path: string): Outline | undefined;
  /** Files of the project that answer to a module name, in the order of the search path. */
  resolve(module: string): readonly string[];
  /** The names under which a file can be imported. */
  namesOf(path: string): readonly string[];
}

/** One thing that happens when a module is imported and that may matter to others. */
export type Step = string;

/** What happens when a content of a file is imported into a fresh process. */
export interface Import {
  /**
   * In order: effects of its own, files with effects that it loads, and modules from elsewhere that are not known to be
   * harmless. What stands in a branch may happen or not, and is told apart.
   */
  readonly steps: readonly Step[];
  /** Of each file without effects that it loads: how many effects come before it. */
  readonly files: ReadonlyMap<string, number>;
  /** Of each own statement: how many effects come before it. */
  readonly statements: readonly number[];
  /** Modules below packages: each becomes an attribute of its package. */
  readonly submodules: ReadonlySet<string>;
}

interface Target {
  readonly modules: readonly string[];
  readonly files: readonly string[] | undefined;
}

export class Project {
  readonly sources: Sources;
  /** Words of all that is looked at. */
  readonly triggers = new Triggers();
  readonly #evaluated = new Map<string, Evaluated | undefined>();
  readonly #under = new Set<string>();
  /** By import, and by the file in which it stands: files of one content share what is known of that content. */
  readonly #targets = new WeakMap<ImportBinding, Map<string, Target>>();
  /** Names of which it is being asked what they lead to: those that lead to themselves lead to nothing known. */
  readonly #asked = new Set<string>();

  constructor(sources: Sources) {
    this.sources = sources;
  }

  /** A file as it is now, evaluated. */
  evaluated(path: string): Evaluated | undefined {
    if (this.#evaluated.has(path)) {
      return this.#evaluated.get(path);
    }
    const outline = this.sources.outline(path);
    if (outline === undefined || this.#under.has(path)) {
      return undefined;
    }
    this.#under.add(path);
    const found = this.evaluate(path, outline);
    this.#under.delete(path);
    this.#evaluated.set(path, found);
    return found;
  }

  /** A content of a file, evaluated. */
  evaluate(path: string, outline: Outline): Evaluated {
    const bases = (level: number, module: string): string[] => this.#bases(path, level, module);
    return new Evaluated(outline, this.sources.python, {
      isPlainClass: (module, level, name) => bases(level, module).some((base) => this.#isPlainClass(base, name)),
      isValue: (module, level, names) => {
        const rest = names.slice(module === "" ? 0 : module.split(".").length);
        // `import a.b` binds `a`.
        const isWhole = level === 0 && (names.length < module.split(".").length || !isBelow(names, module));
        if (isWhole) {
          return this.#isValue(names, 1);
        }
        const packages = bases(level, module).map((base) => base.split("."));
        return packages.length > 0 && packages.every((base) => this.#isValue([...base, ...rest], base.length));
      },
      mayBind: (module, level, name) => {
        const found = bases(level, module).flatMap((base) => this.sources.resolve(base));
        return found.length === 0
          ? !HARMLESS_MODULES.has(module)
          : found.some((file) => {
              const content = this.evaluated(file);
              return content === undefined || content.hasStar || content.bound.has(name);
            });
      },
    });
  }

  /** Whether names, from the outermost package on, lead to a value; the first of them, `known` in number, to a module. */
  #isValue(names: readonly string[], known: number): boolean {
    const id = names.join(".");
    if (this.#asked.has(id)) {
      return false;
    }
    this.#asked.add(id);
    try {
      return this.#leadsToValue(names, known);
    } finally {
      this.#asked.delete(id);
    }
  }

  #leadsToValue(names: readonly string[], known: number): boolean {
    for (let count = 1; count < names.length; count++) {
      const found = this.sources.resolve(names.slice(0, count).join("."));
      if (found.length === 0) {
        // Of the modules that are none of the project's, those of Python's own library are known.
        return count === 1 && (HARMLESS_MODULES.has(names[0] ?? "") || names[0] === "pytest");
      }
      const [file = ""] = found;
      if (found.length > 1 || !(file.endsWith(".py") || file.endsWith("/"))) {
        return false;
      }
      if (count < known) {
        continue;
      }
      const content = file.endsWith("/") ? undefined : this.evaluated(file);
      if (content === undefined && !file.endsWith("/")) {
        return false;
      }
      const isSubmodule = this.sources.resolve(names.slice(0, count + 1).join(".")).length > 0;
      if (content !== undefined && (content.bound.has(names[count] ?? "") || !isSubmodule)) {
        return content.isValue(names[count] ?? "", names.slice(count + 1));
      }
    }
    // A module itself: whoever has it may look up anything.
    return (
      names.length === 1 && this.sources.resolve(names[0] ?? "").length === 0 && HARMLESS_MODULES.has(names[0] ?? "")
    );
  }

  #isPlainClass(module: string, name: string): boolean {
    const found = this.sources.resolve(module);
    return found.length === 1 && this.evaluated(found[0] as string)?.isPlainClass(name) === true;
  }

  /** Full names of the module that an import in a file speaks of. */
  #bases(path: string, level: number, module: string): string[] {
    if (level === 0) {
      return [module];
    }
    return this.sources
      .namesOf(path)
      .flatMap((name) => relativeName(packageOf(name, isPackageFile(path)), level, module) ?? []);
  }

  /** Full names of the modules that an import loads, the packages around them first. */
  modulesOf(path: string, one: ImportBinding): readonly string[] {
    return this.#targetOf(path, one).modules;
  }

  /** Files in which the names are looked up that an import binds: its module's, and those of submodules. */
  filesOf(path: string, one: ImportBinding): readonly string[] | undefined {
    return this.#targetOf(path, one).files;
  }

  /** Where an import of a file leads: one question of many, asked for each name that is followed. */
  #targetOf(path: string, one: ImportBinding): Target {
    let targets = this.#targets.get(one);
    if (targets === undefined) {
      targets = new Map();
      this.#targets.set(one, targets);
    }
    let target = targets.get(path);
    if (target === undefined) {
      const { level, module, names } = one;
      const bases = this.#bases(path, level, module);
      target = {
        modules: bases.flatMap((base) => [
          ...withParents(base),
          ...names.map((name) => `${base}.${name}`).filter((name) => this.sources.resolve(name).length > 0),
        ]),
        files: bases.length === 0 ? undefined : bases.flatMap((base) => this.sources.resolve(base)),
      };
      targets.set(path, target);
    }
    return target;
  }

  /** Whether an import leads to no module of the project's, nor to a directory of such. */
  isForeign({ level, module }: ImportBinding): boolean {
    return level === 0 && this.sources.resolve(module.split(".", 1)[0] ?? "").length === 0;
  }

  /** Whether what a name of a content stands for may be a fixture that tests need not name. */
  mayBeAutouse(path: string, { outline }: Evaluated, name: string, depth = 8): boolean {
    return outline.statements
      .filter(({ binds }) => binds.includes(name))
      .some(
        ({ evaluation, imports }) =>
          evaluation.autouse ||
          imports.some((one) => this.#bringsAutouse(path, one, one.names[one.binds.indexOf(name)], depth)) ||
          evaluation.reads.some((chain) => {
            const [base = "", part] = chain.split(".");
            const modules = outline.statements.flatMap((other) => other.imports);
            return modules.some((one) => one.binds.includes(base) && this.#bringsAutouse(path, one, part, depth));
          }),
      );
  }

  #bringsAutouse(path: string, one: ImportBinding, name: string | undefined, depth: number): boolean {
    const modules = name === undefined || depth === 0 ? [] : this.modulesOf(path, one);
    return modules
      .flatMap((module) => this.sources.resolve(module))
      .some((file) => {
        const content = file.endsWith(".py") ? this.evaluated(file) : undefined;
        return content !== undefined && this.mayBeAutouse(file, content, name ?? "", depth - 1);
      });
  }

  /** Whether importing a file leads to another one, in whatever branch. */
  loads(file: string, other: string): boolean {
    const content = this.evaluated(file);
    if (content === undefined || file === other) {
      return true;
    }
    const { files, steps } = this.sequence(file, content);
    return ["", "perhaps "].some((how) => files.has(`${how}${other}`) || steps.includes(`${how}file ${other}`));
  }

  /** What importing a content of a file does besides binding names. */
  sequence(path: string, content: Evaluated): Import {
    return new Walk(this, path, content);
  }

  /** Whether `from module import name`, new in a file, is sure to find the name. `known`: imports of its old content. */
  isThere(path: string, one: ImportBinding, name: string, known: ReadonlySet<string>): boolean {
    if (one.level === 0 && (KNOWN_MEMBERS.has(`${one.module}.${name}`) || known.has(`${one.module}.${name}`))) {
      return true;
    }
    const bases = this.#bases(path, one.level, one.module);
    return (
      bases.length > 0 &&
      bases.every((base) => {
        const found = this.sources.resolve(base);
        if (found.length !== 1) {
          return found.length > 1 ? false : this.sources.resolve(`${base}.${name}`).length > 0;
        }
        return (
          this.evaluated(found[0] as string)?.isBound(name) === true ||
          this.sources.resolve(`${base}.${name}`).length > 0
        );
      })
    );
  }
}

/** Whether full names begin with a module's. */
function isBelow(names: readonly string[], module: string): boolean {
  return module.split(".").every((part, index) => names[index] === part);
}

/** Follows an import through all that it loads. */
class Walk implements Import {
  readonly steps: Step[] = [];
  readonly files = new Map<string, number>();
  readonly statements: number[] = [];
  readonly submodules = new Set<string>();
  readonly #project: Project;
  readonly #loaded: Set<string>;
  /** What was met in branches only: it may still be there to be loaded. */
  readonly #perhaps = new Set<string>();
  readonly #modules = new Set<string>();
  #effects = 0;

  constructor(project: Project, path: string, content: Evaluated) {
    this.#project = project;
    this.#loaded = new Set([path]);
    content.outline.statements.forEach((statement, index) => {
      const isBranch = statement.kind === "branches";
      const before = this.steps.length;
      this.#imports(path, statement, isBranch);
      if (isBranch && this.steps.length > before) {
        this.steps.push(`branch ${content.marks[index]}`);
      }
      this.statements.push(this.#effects);
      if (content.pure[index] !== true) {
        this.steps.push(`effect ${content.marks[index]}`);
        this.#effects += 1;
      }
    });
  }

  #imports(path: string, statement: Statement, isBranch: boolean): void {
    for (const one of statement.kind === "main" ? [] : statement.imports) {
      for (const module of this.#project.modulesOf(path, one)) {
        this.#load(module, isBranch);
      }
    }
  }

  #load(module: string, isBranch: boolean): void {
    const { sources } = this.#project;
    const found = sources.resolve(module);
    const perhaps = isBranch ? "perhaps " : "";
    if (found.length === 0) {
      if (!HARMLESS_MODULES.has(module) && this.#isNew(module, isBranch, this.#modules)) {
        this.steps.push(`${perhaps}module ${module}`);
      }
      return;
    }
    if (module.includes(".")) {
      this.submodules.add(`${perhaps}${module}`);
    }
    for (const file of found) {
      if (file.endsWith("/") || !this.#isNew(file, isBranch, this.#loaded)) {
        continue;
      }
      const content = file.endsWith(".py") ? this.#project.evaluated(file) : undefined;
      const before = this.#effects;
      const isPure = content?.pure.every(Boolean) ?? false;
      content?.outline.statements.forEach((statement, index) => {
        this.#imports(file, statement, isBranch || statement.kind === "branches");
        this.#effects += content.pure[index] === true ? 0 : 1;
      });
      if (isPure) {
        this.files.set(`${perhaps}${file}`, before);
      } else {
        this.steps.push(`${perhaps}file ${file}`);
      }
    }
  }

  /** Whether something was not met before; in a branch, not even perhaps. */
  #isNew(what: string, isBranch: boolean, met: Set<string>): boolean {
    if (met.has(what) || (isBranch && this.#perhaps.has(what))) {
      return false;
    }
    (isBranch ? this.#perhaps : met).add(what);
    return true;
  }
}
