/**
 * The sources of a project by name: which files an import leads to, and in which order effects come about.
 */

import { isPackageFile, type ModuleName } from "./module-name.ts";
import type { ImportBinding, Outline } from "./outline.ts";
import { Evaluated, type PythonVersion } from "./purity.ts";
import { HARMLESS_MODULES, KNOWN_MEMBERS } from "./python-names.ts";

/** What is asked of the world. */
export interface Sources {
  readonly python: PythonVersion;
  /** The outline of a file as it is now; undefined where there is none, or it cannot be read as Python. */
  outline(path: string): Outline | undefined;
  /** Files of the project that answer to a module name, in the order of the search path. */
  resolve(module: string): readonly string[];
  /** The names under which a file can be imported. */
  namesOf(path: string): readonly ModuleName[];
}

/** One thing that happens when a module is imported and that may matter to others. */
export type Step = string;

export class Project {
  readonly sources: Sources;
  readonly #evaluated = new Map<string, Evaluated | undefined>();
  readonly #under = new Set<string>();

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
    return new Evaluated(outline, this.sources.python, (module, level, name) =>
      this.#bases(path, level, module).some((base) => this.#isPlainClass(base, name)),
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
    return this.sources.namesOf(path).flatMap(({ name }) => {
      const parts = name.split(".");
      const own = isPackageFile(path) ? parts : parts.slice(0, -1);
      if (level - 1 > own.length) {
        return [];
      }
      const base = own.slice(0, own.length - level + 1);
      return [[...base, ...(module === "" ? [] : [module])].join(".")];
    });
  }

  /** Full names of the modules that an import loads, the packages around them first. */
  modulesOf(path: string, { level, module, names }: ImportBinding): string[] {
    return this.#bases(path, level, module).flatMap((base) => [
      ...withParents(base),
      ...names.map((name) => `${base}.${name}`).filter((name) => this.sources.resolve(name).length > 0),
    ]);
  }

  /** Files in which the names are looked up that an import binds: its module's, and those of submodules. */
  filesOf(path: string, { level, module }: ImportBinding): readonly string[] | undefined {
    const bases = this.#bases(path, level, module);
    return bases.length === 0 ? undefined : bases.flatMap((base) => this.sources.resolve(base));
  }

  /**
   * What happens, in order, when a content of a file is imported into a fresh process: effects of its own, files with
   * effects that it loads, and modules from elsewhere that are not known to be harmless. Equal sequences mean that
   * nothing differs but bindings.
   */
  sequence(path: string, content: Evaluated): Step[] {
    const steps: Step[] = [];
    this.#walk(path, content, new Set([path]), new Set(), steps, true);
    return steps;
  }

  #walk(
    path: string,
    content: Evaluated,
    files: Set<string>,
    modules: Set<string>,
    steps: Step[],
    isOwn: boolean,
  ): void {
    let hasEffect = false;
    content.outline.statements.forEach((statement, index) => {
      for (const one of statement.kind === "main" ? [] : statement.imports) {
        for (const module of this.modulesOf(path, one)) {
          this.#load(module, files, modules, steps);
        }
      }
      if (content.pure[index] !== true) {
        hasEffect = true;
        if (isOwn) {
          steps.push(`effect ${content.marks[index]}`);
        }
      }
    });
    if (hasEffect && !isOwn) {
      steps.push(`file ${path}`);
    }
  }

  #load(module: string, files: Set<string>, modules: Set<string>, steps: Step[]): void {
    const found = this.sources.resolve(module);
    if (found.length === 0) {
      if (!modules.has(module) && !HARMLESS_MODULES.has(module)) {
        modules.add(module);
        steps.push(`module ${module}`);
      }
      return;
    }
    for (const file of found) {
      if (files.has(file) || file.endsWith("/")) {
        continue;
      }
      files.add(file);
      const content = file.endsWith(".py") ? this.evaluated(file) : undefined;
      if (content === undefined) {
        steps.push(`file ${file}`);
      } else {
        this.#walk(file, content, files, modules, steps, false);
      }
    }
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
          this.evaluated(found[0] as string)?.bound.has(name) === true ||
          this.sources.resolve(`${base}.${name}`).length > 0
        );
      })
    );
  }
}

/** `a.b.c` → `a`, `a.b`, `a.b.c`. */
export function withParents(name: string): string[] {
  const parts = name.split(".");
  return parts.map((_, index) => parts.slice(0, index + 1).join("."));
}
