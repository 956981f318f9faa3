/** Outlines as short JSON, for the store: each word once, and lists by position. */

import type { Evaluation } from "./evaluation.ts";
import type { Mentions, Reflection } from "./mentions.ts";
import { type ImportBinding, OUTLINE_VERSION, type Outline, type Statement, type StatementKind } from "./outline.ts";

type Ids = readonly number[];
type PackedMentions = readonly [
  bare: Ids,
  wild: Ids,
  affixes: Ids,
  stores: Ids,
  escapes: Ids,
  handed: Ids,
  imported: readonly PackedRef[],
  reflection: Reflection,
  asked: Ids,
  parameters: Ids,
];
type PackedRef = readonly [level: number, module: number, names: Ids];
type PackedEvaluation = readonly [
  calls: Ids,
  reads: Ids,
  subscripts: Ids,
  keys: Ids,
  decorators: Ids,
  bases: Ids,
  aliases: Ids,
  unions: 0 | 1,
  autouse: 0 | 1,
  fails: 0 | 1,
  refuses: 0 | 1,
  attributes: Ids,
  kept: Ids,
  living: 0 | 1,
  raises: 0 | 1,
  computes: readonly (readonly [checksum: string, uses: Ids | null])[],
];
type PackedImport = readonly [level: number, module: number, names: Ids, binds: Ids];
type PackedStatement = readonly [
  kind: number,
  binds: Ids,
  inner: Ids,
  checksum: string,
  documentation: string,
  declarations: string,
  mentions: PackedMentions,
  annotations: PackedMentions,
  methods: readonly (readonly [name: number, words: Ids])[],
  evaluation: PackedEvaluation,
  ...imports: PackedImport[],
];
type Packed = readonly [
  version: number,
  deferred: 0 | 1,
  words: readonly string[],
  statements: readonly PackedStatement[],
  bodies: readonly (readonly [qualname: number, mentions: PackedMentions])[],
];

/** The numbers are stored: add at the end only. */
const KINDS: readonly StatementKind[] = [
  "definition",
  "class",
  "import",
  "assignment",
  "literal",
  "branches",
  "main",
  "effect",
];

export function packOutline(outline: Outline): string {
  const ids = new Map<string, number>();
  const id = (word: string): number => {
    let found = ids.get(word);
    if (found === undefined) {
      found = ids.size;
      ids.set(word, found);
    }
    return found;
  };
  const list = (words: readonly string[]): Ids => words.map(id);
  const mentions = ({ imported: own, reflection, ...one }: Mentions): PackedMentions => [
    list(one.bare),
    list(one.wild),
    list(one.affixes),
    list(one.stores),
    list(one.escapes),
    list(one.handed),
    own.map(({ level, module, names }) => [level, id(module), list(names)] as const),
    reflection,
    list(one.asked),
    list(one.parameters),
  ];
  const evaluation = (one: Evaluation): PackedEvaluation => [
    list(one.calls),
    list(one.reads),
    list(one.subscripts),
    list(one.keys),
    list(one.decorators),
    list(one.bases),
    list(one.aliases),
    bit(one.unions),
    bit(one.autouse),
    bit(one.fails),
    bit(one.refuses),
    list(one.attributes),
    list(one.kept),
    bit(one.living),
    bit(one.raises),
    one.computes.map(({ checksum, uses }) => [checksum, uses === null ? null : list(uses)] as const),
  ];
  const imported = ({ level, module, names, binds }: ImportBinding): PackedImport => [
    level,
    id(module),
    list(names),
    list(binds),
  ];
  const statements = outline.statements.map(
    (one): PackedStatement => [
      KINDS.indexOf(one.kind),
      list(one.binds),
      list(one.inner),
      one.checksum,
      one.documentation,
      one.declarations,
      mentions(one.mentions),
      mentions(one.annotations),
      one.methods.map(([name, words]) => [id(name), list(words)] as const),
      evaluation(one.evaluation),
      ...one.imports.map(imported),
    ],
  );
  const bodies = outline.bodies.map(([qualname, own]) => [id(qualname), mentions(own)] as const);
  const packed: Packed = [outline.version, bit(outline.deferred), [...ids.keys()], statements, bodies];
  return JSON.stringify(packed);
}

/** The inverse of {@link packOutline}; undefined for an outline made by other rules. */
export function unpackOutline(text: string): Outline | undefined {
  const [version, deferred, words, statements, bodies] = JSON.parse(text) as Packed;
  if (version !== OUTLINE_VERSION) {
    return undefined;
  }
  const word = (id: number): string => words[id] ?? "";
  const list = (ids: Ids): string[] => ids.map(word);
  const mentions = ([
    bare,
    wild,
    affixes,
    stores,
    escapes,
    handed,
    imported,
    reflection,
    asked,
    parameters,
  ]: PackedMentions): Mentions => ({
    bare: list(bare),
    wild: list(wild),
    affixes: list(affixes),
    stores: list(stores),
    escapes: list(escapes),
    handed: list(handed),
    imported: imported.map(([level, module, names]) => ({ level, module: word(module), names: list(names) })),
    reflection,
    asked: list(asked),
    parameters: list(parameters),
  });
  return {
    version,
    deferred: deferred === 1,
    statements: statements.map(
      ([
        kind,
        binds,
        inner,
        checksum,
        documentation,
        declarations,
        own,
        annotations,
        methods,
        evaluation,
        ...imports
      ]): Statement => {
        const [
          calls,
          reads,
          subscripts,
          keys,
          decorators,
          bases,
          aliases,
          unions,
          autouse,
          fails,
          refuses,
          attributes,
          kept,
          living,
          raises,
          computes,
        ] = evaluation;
        return {
          kind: KINDS[kind] ?? "effect",
          binds: list(binds),
          inner: list(inner),
          checksum,
          documentation,
          declarations,
          mentions: mentions(own),
          annotations: mentions(annotations),
          methods: methods.map(([name, words]) => [word(name), list(words)] as const),
          evaluation: {
            calls: list(calls),
            reads: list(reads),
            subscripts: list(subscripts),
            keys: list(keys),
            decorators: list(decorators),
            bases: list(bases),
            aliases: list(aliases),
            unions: unions === 1,
            autouse: autouse === 1,
            fails: fails === 1,
            refuses: refuses === 1,
            attributes: list(attributes),
            kept: list(kept),
            living: living === 1,
            raises: raises === 1,
            computes: computes.map(([own, uses]) => ({ checksum: own, uses: uses === null ? null : list(uses) })),
          },
          imports: imports.map(([level, module, names, bound]) => ({
            level,
            module: word(module),
            names: list(names),
            binds: list(bound),
          })),
        };
      },
    ),
    bodies: bodies.map(([qualname, own]) => [word(qualname), mentions(own)] as const),
  };
}

function bit(value: boolean): 0 | 1 {
  return value ? 1 : 0;
}
