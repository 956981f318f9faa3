/** What a definition's qualified name begins with, as CPython composes it. */

/** A module, class or function around a definition. */
export interface Scope {
  /** What a definition in this scope puts before its own name. */
  prefix: string;
  /** Names that a `global` statement of this scope declares: a definition of one is named as if it stood in the module. */
  globals: Set<string> | null;
  readonly isFunction: boolean;
}

export function moduleScope(): Scope {
  return { prefix: "", globals: null, isFunction: false };
}

/** The qualified name of a class or function `name` defined in `scope`. */
export function qualify(scope: Scope, name: string): string {
  return scope.globals?.has(name) ? name : scope.prefix + name;
}

export function classScope(qualname: string): Scope {
  return { prefix: `${qualname}.`, globals: null, isFunction: false };
}

export function functionScope(qualname: string): Scope {
  return { prefix: `${qualname}.<locals>.`, globals: null, isFunction: true };
}
