/**
 * What a change at module level comes down to: the names whose bindings differ, or an effect, which concerns everybody
 * who imports the module.
 */

import { type Binding, FATES, type Fate } from "./concern.ts";
import { type ImportBinding, MAIN, type Statement } from "./outline.ts";
import type { Import, Project } from "./project.ts";
import type { Evaluated } from "./purity.ts";
import { ANNOTATION_READERS, DOCUMENT_READERS, SUBCLASS_READER } from "./readers.ts";
import { isSpecial } from "./special.ts";

export type Delta =
  /** What importing the module does besides binding names may differ. */
  | { readonly kind: "effect"; readonly because: string }
  | {
      readonly kind: "names";
      /** Why importing the module may fail, where it did not before. */
      readonly mayFail: string | undefined;
      /** Names with other bindings now, those that came and those that went among them. */
      readonly changed: readonly { readonly name: string; readonly fate: Fate }[];
      /** Names that may stand for something else though their statements are the same, here and in other files. */
      readonly moved: readonly Binding[];
      /** What may be found where it is looked up in an object: submodules of packages, subclasses. */
      readonly words: readonly string[];
      /** Docstrings of functions differ, in which there may be tests. */
      readonly isDocumented: boolean;
      /** What may be tests stands in another order, in which they run. */
      readonly isReordered: boolean;
    };

/** Compares two contents of one file. */
export function deltaOf(project: Project, path: string, before: Evaluated, after: Evaluated): Delta {
  if (before.outline.deferred !== after.outline.deferred) {
    return { kind: "effect", because: "annotations are evaluated at another time" };
  }
  const missing = newlyMissing(project, path, before, after);
  if (missing?.endsWith("*") === true) {
    return { kind: "effect", because: `nothing is known of ${missing}, which it imports` };
  }
  const doubts = newDoubts(before, after);
  const unsafe = doubts.find(({ isSafe }) => !isSafe);
  if (unsafe !== undefined) {
    return { kind: "effect", because: `it computes with what it did not compute with before (${unsafe.doubt})` };
  }
  // Code that ran when it was imported runs no more.
  const gone = newDoubts(after, before).find(({ isSafe }) => !isSafe);
  if (gone !== undefined) {
    return { kind: "effect", because: `it computed with what it does not compute with any more (${gone.doubt})` };
  }
  const imports = [project.sequence(path, before), project.sequence(path, after)] as const;
  if (imports[0].steps.join("\n") !== imports[1].steps.join("\n")) {
    return { kind: "effect", because: "what it does when it is imported changed" };
  }
  const [old, now] = [bindings(before), bindings(after)];
  const otherClass = [...old.keys()].find(
    (name) => old.get(name) !== now.get(name) && differsAsBase(before, after, name),
  );
  if (otherClass !== undefined) {
    return { kind: "effect", because: `the class ${otherClass} takes part in the making of others in another way` };
  }
  const changed = [...new Set([...old.keys(), ...now.keys()])].filter((name) => old.get(name) !== now.get(name));
  const special = changed.find(
    (name) => isSpecial(name) || project.mayBeAutouse(path, before, name) || project.mayBeAutouse(path, after, name),
  );
  if (special !== undefined) {
    return { kind: "effect", because: `${special} changed` };
  }
  const [names, nowNames] = [orderOf(before), orderOf(after)];
  const star = differentStar(names, nowNames);
  if (star !== undefined) {
    return { kind: "effect", because: `from ${star} import * stands before other names than it did` };
  }
  // Who looks through the names of a module finds them in their order, and subclasses in that of their making.
  const isOtherOrder =
    isReordered(names, nowNames) || isReordered([...imports[0].files.keys()], [...imports[1].files.keys()]);
  const isSame = (name: string): boolean => !changed.includes(name);
  const documented = differingAside(before, after, ({ documentation }) => documentation).filter(isSame);
  const declaring = differingAside(before, after, ({ declarations }) => declarations).filter(isSame);
  const submodules = differing(imports[0].submodules, imports[1].submodules).map((name) =>
    name.replace("perhaps ", ""),
  );
  return {
    kind: "names",
    mayFail:
      missing ??
      doubts[0]?.doubt ??
      changed.find((name) => hasSlots(before, after, name)) ??
      newlyLoaded(project, path, before, after, imports),
    changed: [
      ...changed.map((name) => ({ name, fate: fateOf(before, after, name) })),
      ...[...documented, ...declaring].map((name) => ({ name, fate: FATES.annotated })),
    ],
    moved: [
      ...movedStatements(path, [before, after], imports),
      ...movedFiles(project, imports),
      ...submodules.flatMap((name) => holders(project, name)),
      ...(isOtherOrder ? [{ path, name: "", fate: FATES.same }] : []),
    ],
    words: [
      ...submodules.map((name) => name.slice(name.lastIndexOf(".") + 1)),
      // Whoever asks a class for its subclasses need not know their names.
      ...(isOtherOrder || changed.some((name) => isClass(before, name) || isClass(after, name))
        ? [SUBCLASS_READER]
        : []),
      ...(documented.length > 0 ? DOCUMENT_READERS : []),
      ...(declaring.length > 0 ? ANNOTATION_READERS : []),
      // A fixture that is gone had another name than its function, perhaps.
      ...[before, after].flatMap((content) => aliasesOf(content, changed)),
    ],
    isDocumented: documented.length > 0,
    isReordered: isReordered(testsOf(before), testsOf(after)),
  };
}

/** What is bound, one binding after another; for an import with a star, `*` and what it imports from. */
function orderOf({ outline }: Evaluated): string[] {
  const times = new Map<string, number>();
  return outline.statements
    .flatMap(({ binds, imports }) => [
      ...binds,
      ...imports.flatMap((one) => (one.names.includes("*") ? [`*${askedName(one, "")}`] : [])),
    ])
    .map((name) => {
      const time = (times.get(name) ?? 0) + 1;
      times.set(name, time);
      return `${name} ${time}`;
    });
}

/** What may be a test; of imports, what is called like one. */
function testsOf({ outline }: Evaluated): string[] {
  return outline.statements.flatMap(({ kind, binds }) =>
    kind === "import" ? binds.filter((name) => /^test/i.test(name)) : binds,
  );
}

/** Whether what both have stands in another order. */
function isReordered(one: readonly string[], other: readonly string[]): boolean {
  const [old, now] = [new Set(one), new Set(other)];
  const left = [...old].filter((each) => now.has(each));
  const right = [...now].filter((each) => old.has(each));
  return left.some((each, index) => each !== right[index]);
}

/** An import with a star that stands behind other names now: of what both bind, the last one counts. */
function differentStar(one: readonly string[], other: readonly string[]): string | undefined {
  const stars = one.filter((name) => name.startsWith("*"));
  if (stars.length === 0) {
    return undefined;
  }
  const [old, now] = [new Set(one), new Set(other)];
  const star = stars.find((name) => {
    const [place, placeNow] = [one.indexOf(name), other.indexOf(name)];
    const before = new Set(one.slice(0, place).filter((each) => now.has(each)));
    const beforeNow = other.slice(0, Math.max(0, placeNow)).filter((each) => old.has(each));
    return placeNow >= 0 && (before.size !== beforeNow.length || beforeNow.some((each) => !before.has(each)));
  });
  return star?.replace(/^\*|\.? \d+$/g, "");
}

/** Names of functions and classes of which something differs that is told apart from the rest. */
function differingAside(before: Evaluated, after: Evaluated, asideOf: (statement: Statement) => string): string[] {
  const asides = (content: Evaluated): Map<string, string> =>
    byName(content, ({ kind, binds }) => (kind === "definition" || kind === "class" ? binds : []), asideOf);
  const [old, now] = [asides(before), asides(after)];
  return [...now.keys()].filter((name) => old.has(name) && old.get(name) !== now.get(name));
}

function differing(one: ReadonlySet<string>, other: ReadonlySet<string>): string[] {
  return [...[...one].filter((each) => !other.has(each)), ...[...other].filter((each) => !one.has(each))];
}

/**
 * A module of the project's that is loaded now and was not before: it may fail by itself. Or one that is asked for at
 * another place, and leads back here: it may find half of this module.
 */
function newlyLoaded(
  project: Project,
  path: string,
  before: Evaluated,
  after: Evaluated,
  [old, now]: readonly [Import, Import],
): string | undefined {
  const known = importsOf(project, before);
  const another = [...importsOf(project, after)].find(([text, { bound, one }]) => {
    const place = known.get(text)?.bound;
    const isMoved = place === undefined || [...place].some((name) => !bound.has(name) && after.bound.has(name));
    const files = project.filesOf(path, one) ?? [];
    return isMoved && files.some((file) => leadsTo(old, file) && project.loads(file, path));
  });
  return another?.[0] ?? [...now.files.keys()].find((file) => !leadsTo(old, file) && !isSure(project, path, file));
}

/** Whether a module is sure to be imported to its end. */
function isSure(project: Project, path: string, file: string): boolean {
  const content = project.evaluated(file);
  return (
    content?.doubts.every(({ length }) => length === 0) === true &&
    !project.loads(file, path) &&
    content.outline.statements.every(({ imports }) =>
      imports.every((one) => one.names.every((name) => project.isThere(file, one, name, new Set()))),
    )
  );
}

function leadsTo({ files, steps }: Import, file: string): boolean {
  return files.has(file) || steps.includes(`file ${file}`);
}

/** Of each import of a project's module, with the name that it asks for: what is bound by the time that it runs first. */
function importsOf(
  project: Project,
  { outline }: Evaluated,
): Map<string, { readonly bound: ReadonlySet<string>; readonly one: ImportBinding }> {
  const found = new Map<string, { readonly bound: ReadonlySet<string>; readonly one: ImportBinding }>();
  const bound = new Set<string>();
  for (const { kind, binds, imports } of outline.statements) {
    for (const one of kind === "main" ? [] : imports) {
      for (const name of one.names.length === 0 ? [""] : one.names) {
        const text = askedName(one, name);
        if (!found.has(text) && !project.isForeign(one)) {
          found.set(text, { bound: new Set(bound), one });
        }
      }
    }
    for (const name of binds) {
      bound.add(name);
    }
  }
  return found;
}

/** The package that has, or has not, a submodule for an attribute: something in it is another one. */
function holders(project: Project, module: string): Binding[] {
  return project.sources
    .resolve(module.slice(0, module.lastIndexOf(".")))
    .map((path) => ({ path, name: "", fate: FATES.same }));
}

/**
 * Statements that now come before an effect, or after one, and that take something from another module, or compute with
 * something of their own: the effect may have put something else there.
 */
function movedStatements(
  path: string,
  [before, after]: readonly [Evaluated, Evaluated],
  [old, now]: readonly [Import, Import],
): Binding[] {
  const places = new Map(before.marks.map((mark, index) => [mark, old.statements[index]]));
  const moved = new Set(after.marks.filter((mark, index) => places.get(mark) !== now.statements[index]));
  const isMoved = (index: number): boolean => moved.has(after.marks[index] ?? "");
  const computing = after.outline.statements.flatMap(({ kind, binds, mentions }, index) =>
    kind === "assignment" && isMoved(index) && mentions.bare.some((name) => after.bound.has(name))
      ? binds.map((name) => ({ path, name, fate: FATES.value }))
      : [],
  );
  return [...taken(path, after, isMoved), ...computing];
}

/** The same of files that are loaded at another time, or by this module no more. */
function movedFiles(project: Project, [old, now]: readonly [Import, Import]): Binding[] {
  const files = [...new Set([...old.files.keys(), ...now.files.keys()])];
  return files
    .filter((file) => old.files.get(file) !== now.files.get(file))
    .map((file) => file.replace("perhaps ", ""))
    .flatMap((file) => {
      const content = project.evaluated(file);
      return content === undefined ? [] : taken(file, content, () => true);
    });
}

/** What some statements of a file bind to what they find in other modules. */
function taken(path: string, { outline }: Evaluated, concerns: (index: number) => boolean): Binding[] {
  const imported = new Set(outline.statements.flatMap(({ imports }) => imports.flatMap(({ binds }) => binds)));
  return outline.statements.flatMap(({ kind, binds, imports, mentions }, index) => {
    const takes =
      imports.some(({ names, module }) => names.length > 0 && module !== "__future__") ||
      (imports.length === 0 && mentions.bare.some((name) => imported.has(name)));
    const fate = kind === "assignment" ? FATES.value : FATES.same;
    return takes && concerns(index) ? binds.map((name) => ({ path, name, fate })) : [];
  });
}

/** Other names that fixtures have which are bound to some of these names. */
function aliasesOf({ outline }: Evaluated, names: readonly string[]): string[] {
  return outline.statements
    .filter(({ binds }) => binds.some((name) => names.includes(name)))
    .flatMap(({ evaluation }) => evaluation.aliases);
}

function isClass({ outline }: Evaluated, name: string): boolean {
  return outline.statements.some(({ kind, binds }) => kind === "class" && binds.includes(name));
}

function fateOf(before: Evaluated, after: Evaluated, name: string): Fate {
  const [old, now] = [kindsOf(before, name), kindsOf(after, name)];
  if (/^(main,?)*$/.test(now) || now.includes("branches")) {
    return FATES.gone;
  }
  // Other slots may not fit to those of a class that is derived from it as well.
  const isSame = old === now && /^(class|definition|import)$/.test(now) && !hasSlots(before, after, name);
  return isSame ? FATES.same : FATES.value;
}

/** What a name is bound by. */
function kindsOf({ outline }: Evaluated, name: string): string {
  return outline.statements
    .filter(({ binds }) => binds.includes(name))
    .map(({ kind }) => kind)
    .join();
}

/** Whether deriving from the class of that name may have another effect, or fail. */
function differsAsBase(before: Evaluated, after: Evaluated, name: string): boolean {
  const [old, now] = [classOf(before, name), classOf(after, name)];
  if (old === undefined || now === undefined) {
    return false;
  }
  return (
    old.evaluation.bases.join() !== now.evaluation.bases.join() ||
    before.isPlainClass(name) !== after.isPlainClass(name)
  );
}

function hasSlots(before: Evaluated, after: Evaluated, name: string): boolean {
  return [before, after].some((content) => classOf(content, name)?.inner.includes("__slots__") === true);
}

function classOf({ outline }: Evaluated, name: string): Statement | undefined {
  return outline.statements.find(({ kind, binds }) => kind === "class" && binds.includes(name));
}

/** What a statement that was not there before evaluates and may fail with, if nothing of the old content did the like. */
function newDoubts(before: Evaluated, after: Evaluated): { readonly doubt: string; readonly isSafe: boolean }[] {
  const old = new Set(before.marks);
  const known = before.evaluates();
  return after.doubts.flatMap((doubts, index) =>
    old.has(after.marks[index] ?? "")
      ? []
      : doubts
          .filter((doubt) => !known.has(doubt))
          .map((doubt) => ({ doubt, isSafe: after.contained[index] === true })),
  );
}

/** Of each name what binds it, in order. */
function bindings(content: Evaluated): Map<string, string> {
  return byName(
    content,
    ({ kind, binds, imports }) => [
      ...(kind === "main" ? [MAIN] : binds),
      // A star may bind anything.
      ...(imports.some(({ names }) => names.includes("*")) ? ["*"] : []),
    ],
    (_, index) => content.marks[index] ?? "",
  );
}

/** Texts of statements, in order, by names. */
function byName(
  { outline }: Evaluated,
  namesOf: (statement: Statement) => readonly string[],
  textOf: (statement: Statement, index: number) => string,
): Map<string, string> {
  const found = new Map<string, string>();
  outline.statements.forEach((statement, index) => {
    for (const name of namesOf(statement)) {
      found.set(name, `${found.get(name) ?? ""}${textOf(statement, index)}\n`);
    }
  });
  return found;
}

/** A name as an import asks for it: `..pkg.mod.name`. */
function askedName({ level, module }: Pick<ImportBinding, "level" | "module">, name: string): string {
  return `${".".repeat(level)}${module}.${name}`;
}

/** A name that the new content imports and the old one did not, if it is not sure to be there. */
function newlyMissing(project: Project, path: string, before: Evaluated, after: Evaluated): string | undefined {
  const known = new Set<string>();
  for (const { imports } of before.outline.statements) {
    for (const { level, module, names } of imports) {
      for (const name of names) {
        known.add(askedName({ level, module }, name));
      }
    }
  }
  for (const { imports, kind } of after.outline.statements) {
    for (const one of kind === "main" ? [] : imports) {
      for (const name of one.names) {
        const full = askedName(one, name);
        if (!known.has(full) && (name === "*" || !project.isThere(path, one, name, known))) {
          return full;
        }
      }
    }
  }
  return undefined;
}
