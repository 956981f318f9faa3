/**
 * Which statements at module level do nothing but bind their names, and which names that they evaluate mean.
 *
 * What must stay true: what is not known to be harmless is an *effect*: it concerns everybody who imports the module.
 */

import { PROPERTY_METHOD } from "./evaluation.ts";
import { REFLECTIONS } from "./mentions.ts";
import type { ImportBinding, Outline, Statement } from "./outline.ts";
import {
  BUILTIN_CLASSES,
  BUILTINS,
  COMPUTING_BASES,
  COMPUTING_CALLS,
  COMPUTING_DECORATORS,
  isGenericType,
  isHarmlessBase,
  KEEPING_CALLS,
  KNOWN_MEMBERS,
  LIVING_CALLS,
  PURE_CALLS,
} from "./python-names.ts";

/** Major and minor version of the Python that evaluates. */
export type PythonVersion = readonly [number, number];

/** What a name of a module stands for at one place of it. */
type Meaning =
  | { readonly kind: "statement"; readonly statement: Statement; readonly ordinal: number }
  | { readonly kind: "builtin" }
  | { readonly kind: "unknown" };

/** What is asked of other modules. */
export interface Elsewhere {
  /** Whether a class of another module is one from which one may derive without effect. */
  isPlainClass(module: string, level: number, name: string): boolean;
  /** Whether what a chain of names leads to from another module is a value ({@link Evaluated.isValue}). */
  isValue(module: string, level: number, names: readonly string[]): boolean;
  /** Whether a star import of another module may bind a name. */
  mayBind(module: string, level: number, name: string): boolean;
}

function importsByName({ statements }: Outline): Map<string, ImportBinding[]> {
  const found = new Map<string, ImportBinding[]>();
  for (const one of statements.flatMap(({ imports }) => imports)) {
    for (const name of new Set(one.binds)) {
      const known = found.get(name);
      if (known === undefined) {
        found.set(name, [one]);
      } else {
        known.push(one);
      }
    }
  }
  return found;
}

/** An outline with what each of its statements evaluates, in order. */
export class Evaluated {
  readonly outline: Outline;
  /** Of each statement: its checksum, and which bindings of the module it finds when it is evaluated. */
  readonly marks: readonly string[];
  /** Of each statement: whether it only binds names, provided that all that it evaluates is there. */
  readonly pure: readonly boolean[];
  /** Of each statement: what it evaluates that is not sure to be there, or to be of the right kind. */
  readonly doubts: readonly (readonly string[])[];
  /** Of each statement: whether it makes classes out of their annotations, by a decorator or as named tuples are made. */
  readonly decorated: readonly boolean[];
  /** Of each statement: whether all that it computes with are values, so that no code of the project's runs. */
  readonly safe: readonly boolean[];
  /** The same, where what is only read may be anything: names of default values, say. */
  readonly contained: readonly boolean[];
  readonly bound: ReadonlySet<string>;
  readonly hasStar: boolean;
  readonly #plain: ReadonlyMap<Statement, boolean>;
  readonly #values: ReadonlyMap<Statement, boolean>;
  readonly #elsewhere: Elsewhere;
  #imports: ReadonlyMap<string, readonly ImportBinding[]> | undefined;

  constructor(outline: Outline, python: PythonVersion, elsewhere: Elsewhere) {
    this.outline = outline;
    this.#elsewhere = elsewhere;
    const safe: boolean[] = [];
    const contained: boolean[] = [];
    const values = new Map<Statement, boolean>();
    const stars: ImportBinding[] = [];
    const around = { values, stars, elsewhere, bodies: outline.bodies, deferred: outline.deferred };
    const marks: string[] = [];
    const pure: boolean[] = [];
    const doubts: (readonly string[])[] = [];
    const decorated: boolean[] = [];
    const last = new Map<string, Meaning & { kind: "statement" }>();
    const plain = new Map<Statement, boolean>();
    for (const statement of outline.statements) {
      const scope = new Scope(statement, last, plain, around, python);
      const only = scope.isPure();
      // What a function's docstring says, and what a class declares, is nobody's business who does not ask for it, or is
      // given that. A class shows its docstrings to whoever is given an object of it.
      const documentation = only && statement.kind === "definition" ? "" : statement.documentation;
      const declarations = only && isLeftAlone(statement) ? "" : statement.declarations;
      marks.push(`${statement.checksum}${documentation}${declarations}|${scope.found()}`);
      pure.push(only);
      doubts.push(scope.doubts());
      decorated.push(scope.isDecorated());
      safe.push(scope.isSafe());
      contained.push(scope.isContained());
      values.set(statement, only && scope.isValue());
      stars.push(...statement.imports.filter(({ names }) => names.includes("*")));
      plain.set(statement, only && isPlainClass(statement));
      for (const name of statement.binds) {
        last.set(name, { kind: "statement", statement, ordinal: (last.get(name)?.ordinal ?? 0) + 1 });
      }
    }
    this.marks = marks;
    this.pure = pure;
    this.doubts = doubts;
    this.decorated = decorated;
    this.safe = safe;
    this.contained = contained;
    this.#values = values;
    this.bound = new Set(last.keys());
    this.hasStar = outline.statements.some(({ imports }) => imports.some(({ names }) => names.includes("*")));
    this.#plain = plain;
  }

  /** Each import that binds a name of the module. */
  importsOf(name: string): readonly ImportBinding[] {
    this.#imports ??= importsByName(this.outline);
    return this.#imports.get(name) ?? [];
  }

  /** Whether a name is bound whatever branches run. */
  isBound(name: string): boolean {
    return this.outline.statements.some((statement) => isBinding(statement) && statement.binds.includes(name));
  }

  /** Whether a name may stand for a class that the module makes, by a statement or by a call. */
  mayBeClass(name: string): boolean {
    return this.outline.statements.some((statement) => mayMakeClasses(statement) && statement.binds.includes(name));
  }

  /** Whether a name may stand for a fixture: a decorator or a call makes those, and imports and branches bring them. */
  mayBeFixture(name: string): boolean {
    return this.outline.statements.some(({ kind, binds, evaluation: { calls, decorators } }) => {
      const isMade = decorators.length > 0 || calls.some((call) => /fixture/i.test(call));
      const isPlain = kind === "definition" || kind === "class" || kind === "assignment";
      return binds.includes(name) && (isMade || !isPlain);
    });
  }

  /** Whether the module's class of that name may be derived from without effect. */
  isPlainClass(name: string): boolean {
    const binding = this.outline.statements.filter(({ binds }) => binds.includes(name));
    return binding.length === 1 && this.#plain.get(binding[0] as Statement) === true;
  }

  /**
   * Whether what a name stands for, or a part of it, is a value: made of literals, functions, plain classes and what Python's
   * own library computes with these. Operators on it, and looking things up in it, do nothing but compute.
   */
  isValue(name: string, parts: readonly string[]): boolean {
    const binding = this.outline.statements.filter(({ binds }) => binds.includes(name));
    if (binding.length === 0) {
      // What is not there cannot be found either, unless somebody finds it in another way.
      return !this.hasStar && !this.bound.has("__getattr__");
    }
    return binding.every(({ kind, imports }, index) => {
      const one = imports.find(({ binds }) => binds.includes(name));
      return kind === "import" && one !== undefined
        ? this.#elsewhere.isValue(one.module, one.level, namesBehind(one, name, parts))
        : this.#values.get(binding[index] as Statement) === true;
    });
  }

  /**
   * Names that are bound to what a call returned, where code of the project's may have run: something else is mentioned
   * than builtins and what is imported from modules that `isForeign` tells to be none of the project's.
   */
  computed(isForeign: (one: ImportBinding) => boolean): string[] {
    const { statements } = this.outline;
    const isAlien = (name: string): boolean => {
      const binding = statements.filter(({ binds }) => binds.includes(name));
      return binding.length === 0
        ? !this.hasStar && (BUILTINS.has(name) || /^__\w+__$/.test(name))
        : binding.every(
            ({ kind, imports }) =>
              kind === "import" && imports.filter(({ binds }) => binds.includes(name)).every(isForeign),
          );
    };
    return statements.flatMap(({ binds, inner, evaluation, mentions }, index) => {
      const { fails, calls, decorators } = evaluation;
      const isComputed = this.pure[index] !== true || fails || calls.length > 0 || decorators.length > 0;
      const runsForeign = mentions.bare.every((name) => isAlien(name) || inner.includes(name));
      const isSpelt = mentions.reflection === REFLECTIONS.none && mentions.imported.length === 0;
      return isComputed && !(runsForeign && isSpelt) ? binds : [];
    });
  }

  /** Everything that is evaluated, in the words of {@link Evaluated.doubts}: it went well when the module was loaded. */
  evaluates(): Set<string> {
    const found = new Set(this.doubts.flat());
    for (const { evaluation } of this.outline.statements) {
      for (const name of evaluation.reads) {
        found.add(`read ${name}`);
        if (evaluation.unions) {
          found.add(`join ${name}`);
        }
      }
      for (const name of evaluation.subscripts) {
        found.add(`subscript ${name}`);
      }
      for (const name of evaluation.keys) {
        found.add(`key ${name}`);
      }
      for (const name of evaluation.bases) {
        found.add(`base ${name}`);
      }
    }
    return found;
  }
}

/** Decorators that do not look at what a class declares: they go to functions, or only set something. */
const INDIFFERENT: ReadonlySet<string> = new Set(
  (
    "abstractmethod asynccontextmanager cache cached_property classmethod contextmanager deleter final fixture getter lru_cache " +
    "overload override property setter staticmethod total_ordering wraps"
  ).split(" "),
);

/** Whether nobody looks at the declarations of a class while it is made. */
function isLeftAlone({ kind, evaluation: { bases, decorators } }: Statement): boolean {
  return (
    kind === "class" &&
    bases.length === 0 &&
    decorators.every((name) => INDIFFERENT.has(name.slice(name.lastIndexOf(".") + 1)))
  );
}

/** Methods that are called while another class is made. */
const MAKERS: ReadonlySet<string> = new Set(["__init_subclass__", "__set_name__", "__class_getitem__", "__prepare__"]);

/** Methods that are called while the members of an enumeration are made. */
const MEMBER_MAKERS: ReadonlySet<string> = new Set(["__init__", "__new__", "_generate_next_value_"]);

/** Marks of pytest itself. */
const OWN_MARKS: ReadonlySet<string> = new Set([
  "filterwarnings",
  "parametrize",
  "skip",
  "skipif",
  "usefixtures",
  "xfail",
]);

/** Builtin classes from which none can be derived. */
const FINAL_CLASSES: ReadonlySet<string> = new Set(["bool", "memoryview", "range", "slice"]);

/** Whether a statement is sure to bind its names. */
function isBinding({ kind }: Statement): boolean {
  return kind === "import" || kind === "definition" || kind === "class" || kind === "assignment";
}

/** Nothing of the class takes part in the making of other classes. */
function isPlainClass(statement: Statement): boolean {
  return (
    statement.kind === "class" &&
    !statement.evaluation.bases.some((name) => name === "type" || /\b(Enum|TypedDict)$/.test(name)) &&
    !statement.inner.some((name) => MAKERS.has(name))
  );
}

/** What is known of the statements before one, and of other modules. */
interface Surroundings {
  readonly values: ReadonlyMap<Statement, boolean>;
  readonly stars: readonly ImportBinding[];
  readonly elsewhere: Elsewhere;
  readonly bodies: Outline["bodies"];
  readonly deferred: boolean;
}

/** One statement, with what names mean where it stands. */
class Scope {
  readonly #statement: Statement;
  readonly #last: ReadonlyMap<string, Meaning & { kind: "statement" }>;
  readonly #plain: ReadonlyMap<Statement, boolean>;
  readonly #around: Surroundings;
  readonly #python: PythonVersion;
  readonly #inner: ReadonlySet<string>;

  constructor(
    statement: Statement,
    last: ReadonlyMap<string, Meaning & { kind: "statement" }>,
    plain: ReadonlyMap<Statement, boolean>,
    around: Surroundings,
    python: PythonVersion,
  ) {
    this.#statement = statement;
    this.#last = last;
    this.#plain = plain;
    this.#around = around;
    this.#python = python;
    this.#inner = new Set(statement.inner);
  }

  /** Which bindings the statement finds, as text. */
  found(): string {
    const { mentions, annotations } = this.#statement;
    return [...new Set([...mentions.bare, ...(this.#around.deferred ? [] : annotations.bare)])]
      .map((name) => {
        const means = this.#meaning(name);
        return `${name}:${means.kind === "statement" ? means.ordinal : means.kind}`;
      })
      .sort()
      .join(",");
  }

  isPure(): boolean {
    const { kind, evaluation } = this.#statement;
    if (kind === "main") {
      return true;
    }
    // Which branch runs decides what is loaded, and which classes there are.
    const isFork = kind === "branches" && this.#computes() && holdsMoreThanValues(this.#statement);
    return (
      kind !== "effect" &&
      !isFork &&
      (!this.#runsOthers() || this.isSafe()) &&
      !evaluation.raises &&
      // What is put into a class may be told so, and note it elsewhere.
      evaluation.attributes.every((name) => this.#isValue(name)) &&
      evaluation.calls.every((name) => this.#isCallable(name)) &&
      evaluation.decorators.every((name) => this.#isDecorator(name)) &&
      evaluation.bases.every((name) => this.#isBase(name))
    );
  }

  /** Whether methods run of what it is given, if that has any: those of operators, `__len__`, `__getattr__`. */
  #runsOthers(): boolean {
    const { fails, calls } = this.#statement.evaluation;
    const isComputing = (name: string): boolean => PURE_CALLS.has(name) || COMPUTING_CALLS.has(name);
    return fails || this.isDecorated() || calls.some((name) => isComputing(this.#full(name) ?? ""));
  }

  isSafe(): boolean {
    const { mentions, evaluation } = this.#statement;
    const { reads, calls, subscripts, keys, decorators, bases } = evaluation;
    const all = [...reads, ...keys, ...subscripts, ...calls, ...decorators, ...bases];
    const spelt = new Set(all.map((name) => rootOf(name)));
    // What formatted strings read is mentioned only.
    return (
      this.#chains().every((name) => this.#isValue(name.replace(/\/\d+$/, ""))) &&
      mentions.bare.every((name) => spelt.has(name) || this.#isValue(name))
    );
  }

  /**
   * Whether no stretch of it runs code of the project's, though it may read what is no value. If one does, that may look at
   * all that there is: a descriptor at the finished class, say.
   */
  isContained(): boolean {
    const { computes } = this.#statement.evaluation;
    const bare = new Set(this.#statement.mentions.bare);
    // Annotations are taken for types.
    const isInert = (name: string): boolean => !bare.has(rootOf(name)) || this.#isValue(name.replace(/\/\d+$/, ""));
    return this.isSafe() || (!this.isDecorated() && computes.every(({ uses }) => uses?.every(isInert) === true));
  }

  /** Dotted names that are read, and those that are subscripted as in {@link Evaluation}, but for annotations. */
  #chains(): string[] {
    const { mentions, evaluation } = this.#statement;
    const bare = new Set(mentions.bare);
    const chains = [...evaluation.reads, ...evaluation.keys, ...evaluation.subscripts];
    return chains.filter((name) => bare.has(rootOf(name)));
  }

  /** Whether what a pure statement binds are values. */
  isValue(): boolean {
    const { kind, binds, imports, evaluation } = this.#statement;
    if (kind === "definition") {
      return true;
    }
    const isLiving = evaluation.living || evaluation.kept.some((name) => LIVING_CALLS.has(this.#full(name) ?? ""));
    if (kind === "effect" || kind === "main" || isLiving || !this.isSafe()) {
      return false;
    }
    // Members of an enumeration have its methods.
    const isMember = (name: string): boolean => binds.some((own) => name.startsWith(`${own}.`));
    const isInert =
      !this.#statement.inner.some((name) => MAKERS.has(name)) &&
      (!evaluation.bases.some((name) => /\bEnum$/.test(name)) || !this.#around.bodies.some(([name]) => isMember(name)));
    return (
      isInert &&
      evaluation.bases.every((name) => this.#isValue(name)) &&
      imports.every((one) =>
        one.binds.every((name) => this.#around.elsewhere.isValue(one.module, one.level, namesBehind(one, name, []))),
      )
    );
  }

  /** Whether a dotted name stands for a value where the statement is. */
  #isValue(name: string): boolean {
    const [base = "", ...parts] = name.split(".");
    const means = this.#meaning(base);
    if (means.kind !== "statement") {
      return this.#inner.has(base) || !this.#mayComeByStar(base);
    }
    const one = means.statement.imports.find(({ binds }) => binds.includes(base));
    return means.statement.kind === "import" && one !== undefined
      ? this.#around.elsewhere.isValue(one.module, one.level, namesBehind(one, base, parts))
      : this.#around.values.get(means.statement) === true;
  }

  #mayComeByStar(name: string): boolean {
    const { stars, elsewhere } = this.#around;
    return stars.some(({ module, level }) => elsewhere.mayBind(module, level, name));
  }

  doubts(): string[] {
    const { kind, evaluation } = this.#statement;
    if (kind === "main") {
      return [];
    }
    const { reads, subscripts, keys, bases, calls, decorators, unions } = evaluation;
    const evaluated = [...reads, ...subscripts, ...bases, ...calls, ...decorators].map((name) => rootOf(name));
    const isNew = this.#python[0] > 3 || this.#python[1] >= 10;
    return [
      ...reads.filter((name) => !this.#isResolved(name)).map((name) => `read ${name}`),
      ...(unions ? reads.filter((name) => !isNew || !this.#isType(name)).map((name) => `join ${name}`) : []),
      ...subscripts.filter((name) => !this.#isGeneric(name)).map((name) => `subscript ${name}`),
      ...keys.map((name) => `key ${name}`),
      ...bases.filter((name) => !this.#isSureBase(name)).map((name) => `base ${name}`),
      ...this.#computing().map((checksum) => `compute ${checksum}`),
      // What is bound further below, or nowhere, or perhaps.
      ...evaluated.filter((name) => !this.#isBound(name) && !this.#inner.has(name)).map((name) => `unbound ${name}`),
      ...(bases.length > 1 ? [`bases ${bases.join()}`] : []),
      ...this.#marks().map((name) => `mark ${name}`),
      // Each of its own names that a class evaluates has to be there by then.
      ...(evaluated.some((name) => this.#inner.has(name)) ? [`order ${this.#statement.inner.join()}`] : []),
    ];
  }

  /** Marks of pytest's, which may refuse those that nobody announced. */
  #marks(): string[] {
    const { calls, reads, decorators } = this.#statement.evaluation;
    return [...calls, ...reads, ...decorators]
      .flatMap((name) => /^pytest\.mark\.(\w+)/.exec(this.#full(name) ?? "")?.[1] ?? [])
      .filter((name) => !OWN_MARKS.has(name));
  }

  /** Whether a name is sure to be bound where the statement is. */
  #isBound(name: string): boolean {
    const means = this.#meaning(name);
    return means.kind === "builtin" || (means.kind === "statement" && isBinding(means.statement));
  }

  /**
   * Checksums of what it computes. What it is made of as a whole decides where its annotations do, and where code of others
   * runs, which may do something else each time.
   */
  #computing(): readonly string[] {
    const { checksum, evaluation } = this.#statement;
    if (!this.#computes()) {
      return [];
    }
    const isWhole = this.isDecorated() || !this.isContained() || evaluation.computes.length === 0;
    return isWhole ? [checksum] : evaluation.computes.map((one) => one.checksum);
  }

  #meaning(name: string): Meaning {
    const isBuiltin = BUILTINS.has(name) && !this.#mayComeByStar(name);
    return this.#last.get(name) ?? (isBuiltin ? { kind: "builtin" } : { kind: "unknown" });
  }

  /** The full name behind a dotted one, as far as it leads to another module or a builtin. */
  #full(name: string): string | undefined {
    const dot = name.indexOf(".");
    const base = dot < 0 ? name : name.slice(0, dot);
    const means = this.#meaning(base);
    if (means.kind === "builtin") {
      return name;
    }
    return means.kind === "statement" && means.statement.kind === "import"
      ? importedName(means.statement, base, dot < 0 ? "" : name.slice(dot))
      : undefined;
  }

  #isResolved(name: string): boolean {
    if (name.includes(".")) {
      return KNOWN_MEMBERS.has(this.#full(name) ?? "");
    }
    const means = this.#meaning(name);
    // A module where a type was meant: `Optional[datetime]`.
    return means.kind === "statement"
      ? isBinding(means.statement) && !isModule(means.statement, name)
      : means.kind === "builtin" || this.#inner.has(name);
  }

  /** Whether it is sure to be a type, as what is joined by `|` has to be. */
  #isType(name: string): boolean {
    const means = this.#meaning(name);
    return means.kind === "statement" ? means.statement.kind === "class" : BUILTIN_CLASSES.has(name);
  }

  #isGeneric(subscript: string): boolean {
    const [name = "", count] = subscript.split("/");
    return isGenericType(this.#full(name) ?? "", Number(count), this.#python);
  }

  #isCallable(name: string): boolean {
    if (this.#inner.has(name.split(".", 1)[0] ?? "")) {
      return false;
    }
    const known = this.#full(name);
    return known !== undefined && (PURE_CALLS.has(known) || COMPUTING_CALLS.has(known) || isKeeping(known));
  }

  /** Whether its parts may all be there, and it fails with what they are: calls refuse what they are not made for. */
  #computes(): boolean {
    const { fails, refuses, calls } = this.#statement.evaluation;
    // What runs when something of others' is asked for a part may do more, and so each time.
    const isAsking = !this.isSafe() && this.#chains().some((name) => /[./]/.test(name));
    return isAsking || fails || refuses || this.isDecorated() || calls.some((name) => !/^pytest\.mark\./.test(name));
  }

  isDecorated(): boolean {
    const { bases, decorators } = this.#statement.evaluation;
    return (
      decorators.some((name) => COMPUTING_DECORATORS.has(this.#full(name) ?? "")) ||
      bases.some((name) => COMPUTING_BASES.has(this.#full(name) ?? ""))
    );
  }

  #isDecorator(name: string): boolean {
    if (PROPERTY_METHOD.test(name)) {
      return this.#inner.has(name.slice(0, name.indexOf(".")));
    }
    const known = this.#full(name);
    return known !== undefined && (COMPUTING_DECORATORS.has(known) || isKeeping(known));
  }

  #isBase(name: string): boolean {
    const means = this.#meaning(name);
    if (means.kind === "statement" && means.statement.kind === "class") {
      return this.#plain.get(means.statement) === true;
    }
    if (this.#isForeignClass(means, name)) {
      return true;
    }
    const known = this.#full(name);
    if (known === "enum.Enum") {
      // A member that is bound twice is an error, and what makes members runs.
      const { inner, evaluation } = this.#statement;
      const others = evaluation.bases.filter((other) => other !== name);
      const makesOwn = inner.some((own) => MEMBER_MAKERS.has(own));
      return this.#inner.size === inner.length && !makesOwn && others.every((other) => BUILTIN_CLASSES.has(other));
    }
    return known !== undefined && (COMPUTING_BASES.has(known) || isHarmlessBase(known));
  }

  /** Whether the name is that of a plain class in another module of the project. */
  #isForeignClass(means: Meaning, name: string): boolean {
    if (means.kind !== "statement" || means.statement.kind !== "import") {
      return false;
    }
    const one = means.statement.imports.find(({ binds }) => binds.includes(name));
    const original = one?.names[one.binds.indexOf(name)];
    return (
      one !== undefined &&
      original !== undefined &&
      this.#around.elsewhere.isPlainClass(one.module, one.level, original)
    );
  }

  /** Whether it is sure to be there, and a class. */
  #isSureBase(name: string): boolean {
    const means = this.#meaning(name);
    if (this.#isForeignClass(means, name)) {
      return true;
    }
    return means.kind === "statement"
      ? means.statement.kind === "class"
      : BUILTIN_CLASSES.has(name) && !FINAL_CLASSES.has(name);
  }
}

/** The name that a dotted one begins with, subscripted as in {@link Evaluation} or not. */
function rootOf(name: string): string {
  return name.replace(/[./].*$/s, "");
}

/** Whether there are imports or classes in a statement: more than what its names are bound to may depend on it. */
export function holdsMoreThanValues({ imports, inner, evaluation }: Statement): boolean {
  return imports.length > 0 || inner.length > 0 || evaluation.bases.length > 0;
}

function mayMakeClasses({ kind, evaluation }: Statement): boolean {
  return kind === "class" || kind === "branches" || (kind === "assignment" && evaluation.calls.length > 0);
}

function isModule(statement: Statement, name: string): boolean {
  return statement.imports.some(({ names, binds }) => names.length === 0 && binds.includes(name));
}

/** Where a dotted name leads that begins with what an import binds: names from the outermost package on. */
function namesBehind({ module, names, binds }: ImportBinding, base: string, parts: readonly string[]): string[] {
  const packages = module.split(".").filter(Boolean);
  if (names.length > 0) {
    return [...packages, names[binds.indexOf(base)] ?? "", ...parts];
  }
  // `import a.b` binds `a`, `import a.b as c` binds a.b.
  return base === packages[0] ? [base, ...parts] : [...packages, ...parts];
}

/** The full name behind one that an import bound: `Path` is `pathlib.Path`. */
function importedName(statement: Statement, base: string, rest: string): string | undefined {
  const one = statement.imports.find(({ binds }) => binds.includes(base));
  if (one === undefined || one.level > 0) {
    return undefined;
  }
  const index = one.binds.indexOf(base);
  if (one.names.length > 0) {
    return `${one.module}.${one.names[index] ?? ""}${rest}`;
  }
  // `import a.b` binds `a`, `import a.b as c` binds a.b.
  return base === one.module.split(".", 1)[0] ? base + rest : one.module + rest;
}

/** Whether a call does nothing with what it is given but to keep it. */
export function isKeeping(name: string): boolean {
  return KEEPING_CALLS.has(name) || /^pytest\.mark\.\w+$/.test(name);
}
