/**
 * Whom a change of names concerns: the closure, backwards, over all that is evaluated at module level, and the function
 * bodies that mention what it reaches.
 *
 * What must stay true: whoever can come by a changed binding is concerned. A bare name means the binding of its own
 * module; a name that is looked up in an object, or spelt in a string, may mean anybody's of that name.
 */

import { ANYTHING, type Mentions, REFLECTIONS } from "./mentions.ts";
import { type ImportBinding, MAIN, type Statement } from "./outline.ts";
import type { Project } from "./project.ts";
import { type Evaluated, holdsMoreThanValues, isKeeping } from "./purity.ts";
import { ANNOTATION_READERS, isReader, SUBCLASS_READER } from "./readers.ts";
import { isSpecial } from "./special.ts";
import { ReachedWords } from "./triggers.ts";

/** A binding at module level; without a name, something in the module that no import of it asks for. */
export interface Binding {
  readonly path: string;
  readonly name: string;
  readonly fate: Fate;
}

/**
 * What became of a binding: it is a class or function of which annotations alone mean something else, it is one as before,
 * it may stand for anything now, or it is gone, so that whoever evaluates it fails. The greater one counts.
 */
export const FATES = { annotated: 0, same: 1, value: 2, gone: 3 } as const;
export type Fate = (typeof FATES)[keyof typeof FATES];

export interface Concern {
  /** Whether a function body may find something else. */
  concerns(path: string, qualname: string): boolean;
  /** The same of one that mentions a name, and does not only look names up that nobody spells. */
  isNamed(path: string, qualname: string): boolean;
  /** Function bodies of a file that may. */
  bodiesOf(path: string): ReadonlySet<string>;
  /** Files whose import may do something else, so that all importers are concerned. */
  readonly effects: ReadonlySet<string>;
  /** Files whose import may fail now, or fail no more: where it is seen to go well, it does nothing else. */
  readonly failures: ReadonlySet<string>;
  /** Whether a name of a file may be bound to something else. */
  reaches(path: string, name: string): boolean;
  /** Whether a name, looked up by whom it may be, can mean something else. */
  spells(name: string): boolean;
  /** Files in which a binding may be another one, imported names included. */
  readonly touched: ReadonlySet<string>;
}

export interface ConcernOptions {
  /** With `readers`, who can come by what is bound, though no module is evaluated again; else `importers`. */
  readonly who?: "importers" | "readers";
  /** Names that find something else wherever they are looked up in an object. */
  readonly words?: readonly string[];
  /** Files of which it is known already that importing them may fail. */
  readonly failing?: readonly string[];
}

/** Computes whom the bindings concern among the files of `paths`. */
export function concernOf(
  project: Project,
  paths: Iterable<string>,
  seeds: readonly Binding[],
  options: ConcernOptions = {},
): Concern {
  return new Closure(project, paths, seeds, options);
}

class Closure implements Concern {
  readonly #project: Project;
  readonly #files: ReadonlyMap<string, Evaluated>;
  /** Names reached, by file. */
  readonly #reached = new Map<string, Map<string, Fate>>();
  readonly #words = new Map<string, Fate>();
  /** The same words, for a first look. */
  readonly #quick = new ReachedWords();
  /** Names of modules in which anything is reached, without their packages'. */
  readonly #moduleWords = new Set<string>();
  /** Names that are reached, and may be those of fixtures: whoever has such a parameter is given what it returns. */
  readonly #fixtures = new Set<string>();
  #fixturesOfClasses: ReadonlySet<string> | undefined;
  readonly #bodies = new Map<string, ReadonlySet<string>>();
  readonly effects = new Set<string>();
  readonly failures: Set<string>;
  readonly touched: ReadonlySet<string>;

  readonly #isEvaluated: boolean;

  constructor(
    project: Project,
    paths: Iterable<string>,
    seeds: readonly Binding[],
    { who, words = [], failing = [] }: ConcernOptions,
  ) {
    this.#project = project;
    this.failures = new Set(failing);
    this.#isEvaluated = who !== "readers";
    const files = new Map<string, Evaluated>();
    for (const path of paths) {
      const content = project.evaluated(path);
      if (content !== undefined) {
        files.set(path, content);
      }
    }
    this.#files = files;
    for (const { path, name, fate } of seeds) {
      this.#reach(path, name, fate);
    }
    if (!this.#isEvaluated && seeds.some(({ path, name }) => files.get(path)?.mayBeClass(name) === true)) {
      this.#spell(SUBCLASS_READER, FATES.same);
    }
    for (const word of words) {
      this.#spell(word, FATES.same);
    }
    this.#close();
    const touched = [...this.#reached].filter(([, names]) =>
      [...names.values()].some((fate) => fate > FATES.annotated),
    );
    this.touched = new Set(touched.map(([path]) => path));
  }

  reaches(path: string, name: string): boolean {
    return (this.#reached.get(path)?.get(name) ?? FATES.annotated) > FATES.annotated;
  }

  spells(name: string): boolean {
    return (this.#words.get(name) ?? FATES.annotated) > FATES.annotated;
  }

  concerns(path: string, qualname: string): boolean {
    return this.bodiesOf(path).has(qualname);
  }

  isNamed(path: string, qualname: string): boolean {
    const content = this.#files.get(path);
    const body = content?.outline.bodies.find(([name]) => name === qualname);
    return (
      content !== undefined &&
      body !== undefined &&
      this.#isFoundBy(path, content, qualname, { ...body[1], reflection: REFLECTIONS.none })
    );
  }

  bodiesOf(path: string): ReadonlySet<string> {
    let found = this.#bodies.get(path);
    if (found === undefined) {
      found = new Set(this.#findBodies(path));
      this.#bodies.set(path, found);
    }
    return found;
  }

  #findBodies(path: string): string[] {
    const content = this.#files.get(path);
    if (content === undefined) {
      return [];
    }
    return content.outline.bodies
      .filter(([qualname, mentions]) => this.#isFoundBy(path, content, qualname, mentions))
      .map(([qualname]) => qualname);
  }

  #isFoundBy(path: string, content: Evaluated, qualname: string, mentions: Mentions): boolean {
    // Marks of a module may hold what its tests are given.
    const isOfReached =
      this.reaches(path, qualname.split(".", 1)[0] ?? "") || (!this.#isEvaluated && this.reaches(path, "pytestmark"));
    return (
      isOfReached ||
      (this.#quick.mayConcern(this.#project.triggers.ofBody(mentions)) &&
        this.#mentions(path, content, mentions) !== undefined)
    );
  }

  #reach(path: string, name: string, fate: Fate): boolean {
    let names = this.#reached.get(path);
    if (names === undefined) {
      names = new Map();
      this.#reached.set(path, names);
      for (const module of this.#project.sources.namesOf(path)) {
        this.#moduleWords.add(module.slice(module.lastIndexOf(".") + 1));
      }
    }
    if (name !== "") {
      this.#spell(name, fate);
    }
    if ((names.get(name) ?? -1) >= fate) {
      return false;
    }
    if (!this.#isEvaluated && this.#files.get(path)?.mayBeFixture(name) === true) {
      this.#fixtures.add(name);
    }
    names.set(name, fate);
    return true;
  }

  #spell(word: string, fate: Fate): boolean {
    if ((this.#words.get(word) ?? -1) >= fate) {
      return false;
    }
    this.#words.set(word, fate);
    this.#quick.add(this.#project.triggers.numberOf(word));
    return true;
  }

  #close(): void {
    const { triggers } = this.#project;
    for (let changed = true; changed; ) {
      changed = false;
      for (const [path, content] of this.#files) {
        content.outline.statements.forEach((statement, index) => {
          const mayBeConcerned = this.#quick.mayConcern(triggers.ofStatement(statement));
          if (mayBeConcerned && this.#spread(path, content, statement, index)) {
            changed = true;
          }
        });
      }
    }
  }

  /** Adds what a statement passes on; true if that is anything new. */
  #spread(path: string, content: Evaluated, statement: Statement, index: number): boolean {
    const isPure = content.pure[index] === true;
    const isImported = statement.imports.length > 0 && this.#spreadImports(path, statement, isPure);
    // In branches there is more than imports.
    return (statement.kind !== "import" && this.#spreadMentions(path, content, statement, index)) || isImported;
  }

  #spreadMentions(path: string, content: Evaluated, statement: Statement, index: number): boolean {
    const isPure = content.pure[index] === true;
    const isDecorated = content.decorated[index] === true;
    let isNew = this.#spreadFixture(path, statement);
    const isDerived = statement.kind === "class" && isPure && !isDecorated && this.#isDerived(path, statement);
    const inAnnotations = this.#mentions(path, content, statement.annotations) ?? (isDerived ? "changed" : undefined);
    const mentions = this.#isEvaluated ? statement.mentions : this.#withoutParameters(statement.mentions);
    let found = this.#mentions(path, content, isDerived ? withoutBases(statement) : mentions);
    // What is not evaluated again is a state of something, and an annotation holds on to that as little as its text.
    const isKept = inAnnotations === "changed" || content.outline.deferred || !this.#isEvaluated;
    if (
      found === undefined &&
      inAnnotations !== undefined &&
      isKept &&
      (!this.#isEvaluated || keepsAnnotations(statement, isPure && !isDecorated))
    ) {
      const isRead = this.#isEvaluated && !content.outline.deferred;
      if (isRead && (this.#mayFail(path, statement, isDecorated) || this.#mayRefuse(path, statement))) {
        isNew = this.#fail(path) || isNew;
      }
      return this.#spreadAnnotated(path, statement) || isNew;
    }
    if (inAnnotations !== undefined && found !== "gone") {
      found = isKept ? "changed" : "gone";
    }
    if (found === undefined) {
      return isNew;
    }
    const mayFail = this.#isEvaluated && (found === "gone" || this.#mayFail(path, statement, isDecorated));
    // Where it fails, another branch runs.
    const isFork = mayFail && statement.kind === "branches" && holdsMoreThanValues(statement);
    // Code of the project's may run with what it computes with.
    const isUnsafe = mayFail && content.safe[index] !== true;
    if (
      statement.evaluation.autouse ||
      isFork ||
      isUnsafe ||
      (!isPure && (mayFail || !this.#onlyCalls(path, content, statement)))
    ) {
      isNew = this.#affect(path) || isNew;
    } else if (mayFail || (this.#isEvaluated && this.#mayRefuse(path, statement))) {
      isNew = this.#fail(path) || isNew;
    }
    const binds = statement.kind === "main" ? [MAIN] : statement.binds;
    if (statement.kind === "class" && this.#isEvaluated) {
      isNew = this.#spell(SUBCLASS_READER, FATES.same) || isNew;
    }
    // A list of literals only looks as if it mentioned anything.
    const { reads, calls, subscripts, fails } = statement.evaluation;
    const isComputed = fails || [reads, calls, subscripts].some(({ length }) => length > 0);
    for (const name of binds) {
      isNew = this.#reach(path, name, fateOf(statement)) || isNew;
      isNew = (isComputed && this.#affectIfSpecial(path, name)) || isNew;
    }
    return isNew;
  }

  /** Whether a class has a fixture of that name, perhaps: what this returns of its object may be anything. */
  #isFixtureOfClass(name: string): boolean {
    this.#fixturesOfClasses ??= new Set(
      [...this.#files.values()]
        .flatMap(({ outline }) => outline.statements)
        .filter(({ evaluation }) => evaluation.decorators.some((decorator) => /fixture/i.test(decorator)))
        .flatMap(({ inner }) => inner),
    );
    return this.#fixturesOfClasses.has(name);
  }

  /** What is mentioned, but for parameters that stand for something else than what is reached by their name. */
  #withoutParameters(mentions: Mentions): Mentions {
    const others = mentions.parameters.filter(
      (name) => this.#words.has(name) && !this.#fixtures.has(name) && !this.#isFixtureOfClass(name),
    );
    return others.length === 0
      ? mentions
      : { ...mentions, wild: mentions.wild.filter((word) => !others.includes(word)) };
  }

  /**
   * Only whoever asks for annotations can tell: who is seen to, and whoever is given the function, or a class with its
   * methods, and is not seen himself.
   */
  #spreadAnnotated(path: string, { kind, binds, methods }: Statement): boolean {
    let isNew = ANNOTATION_READERS.filter((word) => this.#spell(word, FATES.same)).length > 0;
    for (const name of kind === "assignment" ? [] : binds) {
      isNew = this.#reach(path, name, FATES.annotated) || isNew;
    }
    if (!this.#isEvaluated) {
      // Whoever comes by an object through an annotation runs what its class defines, and is seen to.
      return isNew;
    }
    const own = this.#reached.get(path);
    for (const [name, words] of methods) {
      if (words.some((word) => own?.has(word) === true || this.#words.has(word))) {
        isNew = this.#spell(name, FATES.annotated) || isNew;
      }
    }
    return isNew;
  }

  /** Whether a class has bases of which annotations alone mean something else: then so it is with that class. */
  #isDerived(path: string, { evaluation: { bases } }: Statement): boolean {
    const fates = bases.map((chain) => this.#fateOf(path, chain)).filter((fate) => fate !== undefined);
    return this.#isEvaluated && fates.length > 0 && fates.every((fate) => fate === FATES.annotated);
  }

  /** All importers of a file are concerned; true if they were not before. */
  #affect(path: string): boolean {
    const isNew = !this.effects.has(path);
    this.effects.add(path);
    return isNew;
  }

  /** Importing a file may fail; true if that is new. */
  #fail(path: string): boolean {
    const isNew = !this.failures.has(path);
    this.failures.add(path);
    return isNew;
  }

  /** What nobody mentions, and is looked up all the same, concerns whoever imports the file. */
  #affectIfSpecial(path: string, name: string): boolean {
    return this.#isEvaluated && isSpecial(name) && this.reaches(path, name) && this.#affect(path);
  }

  /** A fixture may have another name than its function: `@pytest.fixture(name="client")`. */
  #spreadFixture(path: string, { binds, evaluation: { aliases } }: Statement): boolean {
    const found = binds.some((name) => this.reaches(path, name)) ? aliases : [];
    const known = this.#fixtures.size;
    for (const alias of found) {
      this.#fixtures.add(alias);
    }
    return found.filter((alias) => this.#spell(alias, FATES.same)).length > 0 || this.#fixtures.size > known;
  }

  /** Whether another value of what a statement reads can make it fail. Classes as bases are compared where they change. */
  #mayFail(path: string, { evaluation, mentions }: Statement, isDecorated: boolean): boolean {
    const { reads, calls, subscripts, keys, bases, decorators, unions, fails } = evaluation;
    // In formatted strings, and behind brackets, there are names that are mentioned only.
    const hidden = fails ? [...mentions.bare, ...mentions.asked, ...mentions.wild.map((word) => `.${word}`)] : [];
    const isFragile = unions || fails || isDecorated || subscripts.length > 0 || calls.some((name) => !isKeeping(name));
    const fragile = isFragile ? [...reads, ...calls, ...subscripts] : [];
    const isGone = [...reads, ...calls, ...subscripts, ...bases, ...decorators].some(
      (chain) => this.#fateOf(path, chain) === FATES.gone,
    );
    // What a decorator makes of a class may not fit to the class below: the fields of a data class are in order.
    const isBelow = isDecorated && bases.some((chain) => this.#fateOf(path, chain) !== undefined);
    return (
      isGone ||
      isBelow ||
      [...fragile, ...hidden, ...keys, ...bases].some((chain) => (this.#fateOf(path, chain) ?? 0) > FATES.same)
    );
  }

  /**
   * Whether a function or class that is another one can make a statement fail: it takes other arguments, or lacks an
   * attribute.
   */
  #mayRefuse(path: string, { evaluation: { reads, calls, subscripts, decorators } }: Statement): boolean {
    return [...calls, ...decorators, ...[...reads, ...subscripts].filter((chain) => chain.includes("."))].some(
      (chain) => (this.#fateOf(path, chain) ?? FATES.annotated) > FATES.annotated,
    );
  }

  /**
   * Whether all that a statement does with what is reached is one call of it: what runs then are bodies that its importers
   * depend on, and what they return is bound to its name.
   */
  #onlyCalls(path: string, content: Evaluated, { kind, evaluation, mentions }: Statement): boolean {
    const { reads, calls, subscripts, decorators, raises } = evaluation;
    const called = calls[0]?.split(".") ?? [];
    return (
      kind === "assignment" &&
      !raises &&
      calls.length === 1 &&
      decorators.length === 0 &&
      ![...mentions.wild, ...this.#askedOf(content, mentions)].some(
        (word) => this.#words.has(word) && !called.includes(word),
      ) &&
      [...reads, ...subscripts].every((chain) => this.#fateOf(path, chain) === undefined)
    );
  }

  /** What became of a dotted name, the greatest of its parts; undefined if none of them is reached. */
  #fateOf(path: string, chain: string): Fate | undefined {
    // A subscript has the number of its arguments behind it.
    const [base = "", ...attributes] = chain.replace(/\/\d+$/, "").split(".");
    return [this.#reached.get(path)?.get(base), ...attributes.map((name) => this.#words.get(name))].reduce(
      (greatest, fate) => (fate !== undefined && fate > (greatest ?? -1) ? fate : greatest),
      undefined,
    );
  }

  #spreadImports(path: string, statement: Statement, isPure: boolean): boolean {
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
          for (const [name, fate] of [...names]) {
            isNew = this.#reach(path, name, fate) || isNew;
            isNew = (!name.startsWith("_") && this.#affectIfSpecial(path, name)) || isNew;
          }
        }
        one.names.forEach((name, index) => {
          const fate = names.get(name);
          if (fate === undefined) {
            return;
          }
          const bound = one.binds[index] ?? name;
          isNew = this.#reach(path, bound, Math.min(fate, FATES.value) as Fate) || isNew;
          isNew = this.#affectIfSpecial(path, bound) || isNew;
          if (fate === FATES.gone && this.#isEvaluated) {
            // What stands in another branch runs instead.
            isNew = (isPure && statement.kind !== "branches" ? this.#fail(path) : this.#affect(path)) || isNew;
          }
        });
      }
    }
    if (statement.kind === "branches" && statement.binds.some((name) => this.reaches(path, name))) {
      for (const name of statement.binds) {
        isNew = this.#reach(path, name, FATES.value) || isNew;
      }
    }
    return isNew;
  }

  /** Attributes that are asked for of modules which may be the project's. */
  #askedOf(content: Evaluated, { asked }: Mentions): string[] {
    const found: string[] = [];
    for (const pair of asked) {
      const dot = pair.indexOf(".");
      const name = pair.slice(dot + 1);
      if (this.#words.has(name) && (isReader(name) || !this.#isForeign(content, pair.slice(0, dot)))) {
        found.push(name);
      }
    }
    return found;
  }

  /** Whether a name, bound by imports of modules only, stands for none of the project's. */
  #isForeign(content: Evaluated, base: string): boolean {
    const imports = content.importsOf(base);
    return imports.length > 0 && imports.every((one) => this.#project.isForeign(one));
  }

  #mentions(path: string, content: Evaluated, mentions: Mentions): "gone" | "changed" | undefined {
    const { bare, wild, affixes, stores, escapes, handed, imported, reflection } = mentions;
    const own = this.#reached.get(path);
    let found: "gone" | "changed" | undefined;
    // Whoever only assigns parts of something does not find what is there.
    const isStored = (name: string): boolean => (!this.#isEvaluated || isReader(name)) && stores.includes(name);
    const isFound = (name: string, fate: Fate | undefined, as = name): boolean =>
      fate !== undefined && (fate > FATES.annotated || handed.includes(as));
    for (const name of bare) {
      const fate = own?.get(name);
      // Of most names nothing is reached, and this is asked of all names in all bodies.
      if ((fate === undefined && !content.hasStar && !isReader(name)) || isStored(name)) {
        continue;
      }
      if (fate === FATES.gone) {
        return "gone";
      }
      if (
        isFound(name, fate) ||
        (isReader(name) && isFound(name, this.#words.get(name))) ||
        (content.hasStar && !content.bound.has(name) && isFound(name, this.#words.get(name)))
      ) {
        found = "changed";
      }
    }
    const isWord = (name: string): boolean => {
      const fate = this.#words.get(name);
      return fate !== undefined && isFound(name, fate, `.${name}`) && !isStored(name);
    };
    if (found === undefined && (wild.some(isWord) || this.#askedOf(content, mentions).some(isWord))) {
      found = "changed";
    }
    if (found === undefined && affixes.some((affix) => this.#fits(affix))) {
      found = "changed";
    }
    const isReflected =
      reflection === REFLECTIONS.modules ||
      (reflection !== REFLECTIONS.none && this.#reached.has(path)) ||
      (reflection === REFLECTIONS.expressions && this.#importsReached(path, content)) ||
      escapes.some((name) => this.#isEscape(path, content, name)) ||
      imported.some((one) => this.#leadsToReached(path, { ...one, binds: one.names }, one.names[0]));
    return found ?? (isReflected ? "changed" : undefined);
  }

  /** Whether a module in which anything is reached may be what is used for itself there. */
  #isEscape(path: string, content: Evaluated, used: string): boolean {
    const dot = used.indexOf(".");
    if (dot < 0) {
      return this.#isReachedModule(path, content, used);
    }
    const holder = used.slice(0, dot);
    return this.#moduleWords.has(used.slice(dot + 1)) && (holder === "" || this.#mayHoldModules(path, content, holder));
  }

  /** Whether modules may be found in an imported name: it is one, or at least no function, and no class of other things. */
  #mayHoldModules(path: string, content: Evaluated, name: string): boolean {
    return content.importsOf(name).some((one) => {
      const original = one.names[one.binds.indexOf(name)] ?? "";
      const statements = (this.#project.filesOf(path, one) ?? []).flatMap(
        (file) => this.#files.get(file)?.outline.statements ?? [],
      );
      const own = statements.filter(({ binds }) => binds.includes(original));
      return own.length === 0 || own.some(mayHoldModules);
    });
  }

  /** Nobody can tell from a part of a name whether what it leads to is handed on. */
  #fits(affix: string): boolean {
    const pattern = patternOf(affix);
    for (const [word, fate] of this.#words) {
      if (fate > FATES.annotated && pattern.test(word)) {
        return true;
      }
    }
    return false;
  }

  /** Whether an expression of this file may lead to what is reached. */
  #importsReached(path: string, content: Evaluated): boolean {
    return content.outline.statements.some(({ imports }) =>
      imports.some((one) => this.#project.modulesOf(path, one).some((module) => this.#isReached(module))),
    );
  }

  /** Whether a name that the file imports stands for a module in which anything is reached, or for a package of such. */
  #isReachedModule(path: string, content: Evaluated, name: string): boolean {
    return content.importsOf(name).some((one) => this.#leadsToReached(path, one, one.names[one.binds.indexOf(name)]));
  }

  /** Whether `name`, imported so, is a module in which anything is reached; without a name, the import's own module. */
  #leadsToReached(path: string, one: ImportBinding, name: string | undefined): boolean {
    const modules = this.#project.modulesOf(path, one);
    // Most imported names are no modules: then nothing answers to them.
    return name === undefined
      ? modules.some((module) => this.#isReached(module) || this.#isReachedBelow(module))
      : modules.some((module) => module.endsWith(`.${name}`) && this.#isReached(module));
  }

  #isReachedBelow(module: string): boolean {
    return [...this.#reached.keys()].some((file) =>
      this.#project.sources.namesOf(file).some((name) => name.startsWith(`${module}.`)),
    );
  }

  #isReached(module: string): boolean {
    return this.#project.sources.resolve(module).some((file) => this.#reached.has(file));
  }
}

/** What becomes of what a statement binds, when something that it evaluates is another one. */
function fateOf({ kind }: Statement): Fate {
  if (kind === "branches") {
    // The branch that binds it may not run.
    return FATES.gone;
  }
  return kind === "class" || kind === "definition" ? FATES.same : FATES.value;
}

/** A class that is bound to modules by name is reached itself, where one of them is. */
function mayHoldModules({ kind, imports }: Statement): boolean {
  return kind !== "definition" && (kind !== "class" || imports.length > 0);
}

/** The same few stand in most bodies that are looked at. */
const patterns = new Map<string, RegExp>();

function patternOf(affix: string): RegExp {
  let pattern = patterns.get(affix);
  if (pattern === undefined) {
    pattern = new RegExp(`^${affix.replaceAll(ANYTHING, ".*")}$`, "su");
    patterns.set(affix, pattern);
  }
  return pattern;
}

/** What a statement mentions, but for its being given its bases: who makes a plain class looks at none of their annotations. */
function withoutBases({ mentions, evaluation: { bases } }: Statement): Mentions {
  const given = new Set(
    bases.flatMap((chain) => (chain.includes(".") ? [chain.slice(chain.lastIndexOf("."))] : [chain])),
  );
  return { ...mentions, handed: mentions.handed.filter((name) => !given.has(name)) };
}

/** Whether a statement does nothing with its annotations but to keep them: an unknown decorator may do anything. */
function keepsAnnotations({ kind, evaluation }: Statement, isKeptByDecorators: boolean): boolean {
  const isPlain = kind === "definition" && evaluation.decorators.length === 0;
  return kind === "assignment" || isPlain || ((kind === "definition" || kind === "class") && isKeptByDecorators);
}
