/**
 * Which statements at module level do nothing but bind their names, and which names that they evaluate mean.
 *
 * What must stay true: what is not known to be harmless is an *effect*: it concerns everybody who imports the module.
 */

import type { Outline, Statement } from "./outline.ts";
import {
  BUILTIN_CLASSES,
  BUILTINS,
  isGenericType,
  KEEPING_CALLS,
  KNOWN_MEMBERS,
  PLAIN_BASES,
  PURE_CALLS,
} from "./python-names.ts";

/** Major and minor version of the Python that evaluates. */
export type PythonVersion = readonly [number, number];

/** What a name of a module stands for at one place of it. */
type Meaning =
  | { readonly kind: "statement"; readonly statement: Statement; readonly ordinal: number }
  | { readonly kind: "builtin" }
  | { readonly kind: "unknown" };

/** Whether a class of another module, by its full name, is one from which one may derive without effect. */
export type ForeignClass = (module: string, level: number, name: string) => boolean;

/** An outline with what each of its statements evaluates, in order. */
export class Evaluated {
  readonly outline: Outline;
  /** Of each statement: its checksum, and which bindings of the module it finds when it is evaluated. */
  readonly marks: readonly string[];
  /** Of each statement: whether it only binds names. */
  readonly pure: readonly boolean[];
  readonly bound: ReadonlySet<string>;
  readonly hasStar: boolean;

  constructor(outline: Outline, python: PythonVersion, foreign: ForeignClass) {
    this.outline = outline;
    const marks: string[] = [];
    const pure: boolean[] = [];
    const last = new Map<string, Meaning & { kind: "statement" }>();
    const isPlain = new Map<Statement, boolean>();
    for (const statement of outline.statements) {
      const meaning = (name: string): Meaning =>
        last.get(name) ?? (BUILTINS.has(name) ? { kind: "builtin" } : { kind: "unknown" });
      const found = statement.mentions.bare
        .map((name) => [name, meaning(name)] as const)
        .map(([name, one]) => `${name}:${one.kind === "statement" ? one.ordinal : one.kind}`)
        .sort();
      marks.push(`${statement.checksum}|${found.join(",")}`);
      const only = isPure(statement, outline, python, meaning, foreign, isPlain);
      pure.push(only);
      isPlain.set(statement, only && isPlainClass(statement));
      for (const name of statement.binds) {
        last.set(name, { kind: "statement", statement, ordinal: (last.get(name)?.ordinal ?? 0) + 1 });
      }
    }
    this.marks = marks;
    this.pure = pure;
    this.bound = new Set(last.keys());
    this.hasStar = outline.statements.some(({ imports }) => imports.some(({ names }) => names.includes("*")));
    this.#plain = isPlain;
  }

  readonly #plain: ReadonlyMap<Statement, boolean>;

  /** Whether the module's class of that name may be derived from without effect. */
  isPlainClass(name: string): boolean {
    const binding = this.outline.statements.filter(({ binds }) => binds.includes(name));
    return binding.length === 1 && this.#plain.get(binding[0] as Statement) === true;
  }
}

/** Methods that are called while another class is made. */
const MAKERS: ReadonlySet<string> = new Set(["__init_subclass__", "__set_name__", "__class_getitem__", "__prepare__"]);

/** Nothing of the class takes part in the making of other classes. */
function isPlainClass(statement: Statement): boolean {
  return (
    statement.kind === "class" &&
    !statement.evaluation.bases.some((name) => name === "type" || /\bEnum$/.test(name)) &&
    !statement.inner.some((name) => MAKERS.has(name))
  );
}

function isPure(
  statement: Statement,
  outline: Outline,
  python: PythonVersion,
  meaning: (name: string) => Meaning,
  foreign: ForeignClass,
  plain: ReadonlyMap<Statement, boolean>,
): boolean {
  const { kind, evaluation } = statement;
  if (kind === "main") {
    return true;
  }
  if (kind === "effect" || evaluation.raises || evaluation.autouse) {
    return false;
  }
  const isNew = python[0] > 3 || python[1] >= 10;
  if (evaluation.unions && !isNew && !(outline.deferred && kind === "definition")) {
    return false;
  }
  const inner = new Set(statement.inner);
  const full = (name: string): string | undefined => {
    const dot = name.indexOf(".");
    const base = dot < 0 ? name : name.slice(0, dot);
    const rest = dot < 0 ? "" : name.slice(dot);
    const means = meaning(base);
    if (means.kind === "builtin") {
      return name;
    }
    return means.kind === "statement" && means.statement.kind === "import"
      ? importedName(means.statement, base, rest)
      : undefined;
  };
  const isResolved = (name: string): boolean => {
    if (name.includes(".")) {
      return KNOWN_MEMBERS.has(full(name) ?? "");
    }
    const means = meaning(name);
    if (means.kind === "statement") {
      // A module where a type was meant, or a function: `datetime | None`.
      return !isModule(means.statement, name) && (!evaluation.unions || isTypeName(means.statement, name));
    }
    return means.kind === "builtin" ? !evaluation.unions || BUILTIN_CLASSES.has(name) : inner.has(name);
  };
  const isCallable = (name: string): boolean => {
    const known = full(name);
    return known !== undefined && (PURE_CALLS.has(known) || KEEPING_CALLS.has(known) || isMark(known));
  };
  const isDecorator = (name: string): boolean => {
    if (/^[^.]+\.(setter|getter|deleter)$/.test(name)) {
      return inner.has(name.slice(0, name.indexOf(".")));
    }
    const known = full(name);
    return known !== undefined && (KEEPING_CALLS.has(known) || isMark(known));
  };
  const isBase = (name: string): boolean => {
    const means = meaning(name);
    if (means.kind === "statement" && means.statement.kind === "class") {
      return plain.get(means.statement) === true;
    }
    if (means.kind === "statement" && means.statement.kind === "import") {
      const one = means.statement.imports.find(({ binds }) => binds.includes(name));
      const original = one?.names[one.binds.indexOf(name)];
      if (one !== undefined && original !== undefined && foreign(one.module, one.level, original)) {
        return true;
      }
    }
    const known = full(name);
    if (known === "enum.Enum") {
      // A member that is bound twice is an error.
      return inner.size === statement.inner.length;
    }
    return known !== undefined && PLAIN_BASES.has(known);
  };
  return (
    evaluation.reads.every(isResolved) &&
    evaluation.subscripts.every((subscript) => {
      const [name = "", count] = subscript.split("/");
      return isGenericType(full(name) ?? "", Number(count), python);
    }) &&
    evaluation.calls.every(isCallable) &&
    evaluation.decorators.every(isDecorator) &&
    evaluation.bases.every(isBase)
  );
}

function isModule(statement: Statement, name: string): boolean {
  return statement.imports.some(({ names, binds }) => names.length === 0 && binds.includes(name));
}

/** By its definition, or by the custom of writing classes with a capital. */
function isTypeName(statement: Statement, name: string): boolean {
  return statement.kind === "class" || (statement.kind === "import" && /^[A-Z]/.test(name));
}

function isMark(name: string): boolean {
  return /^pytest\.mark\.\w+$/.test(name);
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
  return KEEPING_CALLS.has(name) || BUILTIN_CLASSES.has(name) || isMark(name);
}
