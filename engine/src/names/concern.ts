/**
 * Whom a change of names concerns: the closure, backwards, over all that is evaluated at module level, and the function
 * bodies that mention what it reaches.
 *
 * What must stay true: whoever can come by a changed binding is concerned. A bare name means the binding of its own
 * module; a name that is looked up in an object, or spelt in a string, may mean anybody's of that name.
 */

import type { Mentions } from "./mentions.ts";
import type { Statement } from "./outline.ts";
import type { Project } from "./project.ts";
import { type Evaluated, isKeeping } from "./purity.ts";

/** A binding at module level. */
export interface Binding {
  readonly path: string;
  readonly name: string;
  /** It is bound no more: whoever evaluates it fails. */
  readonly removed?: boolean;
}

export interface Concern {
  /** Whether a function body may find something else. */
  concerns(path: string, qualname: string): boolean;
  /** Function bodies of a file that may. */
  bodiesOf(path: string): readonly string[];
  /** Files whose import may do something else, so that all importers are concerned. */
  readonly effects: ReadonlySet<string>;
  /** Whether a name of a file may be bound to something else. */
  reaches(path: string, name: string): boolean;
  /** Files in which a binding may be another one, imported names included. */
  readonly touched: ReadonlySet<string>;
}

/**
 * Computes whom the bindings concern among the files of `paths`; with `readers`, who can come by what is bound, though no
 * module is evaluated again.
 */
export function concernOf(
  project: Project,
  paths: Iterable<string>,
  seeds: readonly Binding[],
  who: "importers" | "readers" = "importers",
): Concern {
  return new Closure(project, paths, seeds, who === "importers");
}

class Closure implements Concern {
  readonly #project: Project;
  readonly #files: ReadonlyMap<string, Evaluated>;
  /** Names reached, by file; true where they are bound no more. */
  readonly #reached = new Map<string, Map<string, boolean>>();
  readonly #words = new Set<string>();
  readonly #reflecting = new Map<string, boolean>();
  readonly #bodies = new Map<string, readonly string[]>();
  readonly effects = new Set<string>();

  readonly #isEvaluated: boolean;

  constructor(project: Project, paths: Iterable<string>, seeds: readonly Binding[], isEvaluated: boolean) {
    this.#project = project;
    this.#isEvaluated = isEvaluated;
    const files = new Map<string, Evaluated>();
    for (const path of paths) {
      const content = project.evaluated(path);
      if (content !== undefined) {
        files.set(path, content);
      }
    }
    this.#files = files;
    for (const { path, name, removed } of seeds) {
      this.#reach(path, name, removed === true);
    }
    this.#close();
  }

  get touched(): ReadonlySet<string> {
    return new Set(this.#reached.keys());
  }

  reaches(path: string, name: string): boolean {
    return this.#reached.get(path)?.has(name) === true;
  }

  concerns(path: string, qualname: string): boolean {
    return this.bodiesOf(path).includes(qualname);
  }

  bodiesOf(path: string): readonly string[] {
    let found = this.#bodies.get(path);
    if (found === undefined) {
      const content = this.#files.get(path);
      const own = this.#reached.get(path);
      found = (content?.outline.bodies ?? []).flatMap(([qualname, mentions]) => {
        const dot = qualname.indexOf(".");
        const isOf = own?.has(dot < 0 ? qualname : qualname.slice(0, dot)) === true;
        return isOf || this.#mentions(path, content as Evaluated, mentions) ? [qualname] : [];
      });
      this.#bodies.set(path, found);
    }
    return found;
  }

  #reach(path: string, name: string, removed: boolean): boolean {
    let names = this.#reached.get(path);
    if (names === undefined) {
      names = new Map();
      this.#reached.set(path, names);
    }
    const before = names.get(name);
    if (before !== undefined && (before || !removed)) {
      return false;
    }
    names.set(name, removed);
    this.#words.add(name);
    return true;
  }

  #close(): void {
    for (let changed = true; changed; ) {
      changed = false;
      for (const [path, content] of this.#files) {
        content.outline.statements.forEach((statement, index) => {
          if (this.#spread(path, content, statement, content.pure[index] === true)) {
            changed = true;
          }
        });
      }
    }
  }

  /** Adds what a statement passes on; true if that is anything new. */
  #spread(path: string, content: Evaluated, statement: Statement, isPure: boolean): boolean {
    if (statement.imports.length > 0) {
      return this.#spreadImports(path, statement);
    }
    const found = this.#mentions(path, content, statement.mentions);
    if (found === undefined) {
      return this.#spreadFixture(path, statement);
    }
    let isNew = this.#spreadFixture(path, statement);
    const mayFail = this.#isEvaluated && (found === "removed" || this.#mayFail(path, statement));
    if (!this.effects.has(path) && (mayFail || !isPure)) {
      this.effects.add(path);
      isNew = true;
    }
    const binds = statement.kind === "main" ? ["__main__"] : statement.binds;
    for (const name of binds) {
      isNew = this.#reach(path, name, false) || isNew;
    }
    return isNew;
  }

  /** A fixture may have another name than its function: `@pytest.fixture(name="client")`. */
  #spreadFixture(path: string, { kind, binds, evaluation, mentions }: Statement): boolean {
    const isFixture = kind === "definition" && evaluation.decorators.some((name) => name.endsWith("fixture"));
    if (!isFixture || !mentions.wild.includes("name") || !binds.some((name) => this.#reached.get(path)?.has(name))) {
      return false;
    }
    const before = this.#words.size;
    for (const word of mentions.wild) {
      this.#words.add(word);
    }
    return this.#words.size > before;
  }

  /** Whether another value of what a statement reads can make it fail. Base classes are compared where they change. */
  #mayFail(path: string, { evaluation }: Statement): boolean {
    const { reads, calls, subscripts, unions } = evaluation;
    const isFragile = unions || subscripts.length > 0 || calls.some((name) => !isKeeping(name));
    return isFragile && [...reads, ...calls, ...subscripts].some((chain) => this.#isChainReached(path, chain));
  }

  #isChainReached(path: string, chain: string): boolean {
    const [base = "", ...attributes] = chain.replace(/\/\d+$/, "").split(".");
    return this.#reached.get(path)?.has(base) === true || attributes.some((name) => this.#words.has(name));
  }

  #spreadImports(path: string, statement: Statement): boolean {
    let isNew = false;
    for (const one of statement.imports) {
      const files = this.#project.filesOf(path, one);
      if (files?.length === 0) {
        continue;
      }
      const from = files ?? [...this.#reached.keys()];
      for (const file of from) {
        const names = this.#reached.get(file);
        if (names === undefined) {
          continue;
        }
        if (one.names.includes("*")) {
          for (const name of [...names.keys()]) {
            isNew = this.#reach(path, name, false) || isNew;
          }
        }
        one.names.forEach((name, index) => {
          const removed = names.get(name);
          if (removed === undefined) {
            return;
          }
          isNew = this.#reach(path, one.binds[index] ?? name, false) || isNew;
          if (removed && !this.effects.has(path)) {
            this.effects.add(path);
            isNew = true;
          }
        });
      }
    }
    // In branches there is more than imports.
    if (statement.kind === "branches" && statement.binds.some((name) => this.#reached.get(path)?.has(name) === true)) {
      for (const name of statement.binds) {
        isNew = this.#reach(path, name, false) || isNew;
      }
    }
    return isNew;
  }

  #mentions(
    path: string,
    content: Evaluated,
    { bare, wild, affixes, reflective }: Mentions,
  ): "removed" | "changed" | undefined {
    const own = this.#reached.get(path);
    let found: "removed" | "changed" | undefined;
    for (const name of bare) {
      const removed = own?.get(name);
      if (removed === true) {
        return "removed";
      }
      if (removed === false || (content.hasStar && !content.bound.has(name) && this.#words.has(name))) {
        found = "changed";
      }
    }
    if (found === undefined && wild.some((name) => this.#words.has(name))) {
      found = "changed";
    }
    if (found === undefined && affixes.some((affix) => this.#fits(affix))) {
      found = "changed";
    }
    return found ?? (reflective && this.#reflects(path, content) ? "changed" : undefined);
  }

  #fits(affix: string): boolean {
    for (const word of this.#words) {
      if (word.startsWith(affix) || word.endsWith(affix)) {
        return true;
      }
    }
    return false;
  }

  /** Whether code of this file that looks names up without spelling them can come by what is reached. */
  #reflects(path: string, content: Evaluated): boolean {
    if (this.#reached.has(path)) {
      return true;
    }
    let found = this.#reflecting.get(path);
    if (found !== true) {
      found = content.outline.statements.some(({ imports }) =>
        imports.some((one) => this.#project.modulesOf(path, one).some((module) => this.#isReached(module))),
      );
      this.#reflecting.set(path, found);
    }
    return found;
  }

  #isReached(module: string): boolean {
    return this.#project.sources.resolve(module).some((file) => this.#reached.has(file));
  }
}
