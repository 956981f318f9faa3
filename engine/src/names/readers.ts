/**
 * Names that are not looked for where they are bound: whoever uses one of these finds out about things that he need not
 * name, be it what annotations mean, what docstrings say, or which classes derive from another.
 */

/** Names through which annotations are read. */
export const ANNOTATION_READERS: readonly string[] = [
  "__annotations__",
  "get_type_hints",
  "get_annotations",
  "signature",
  "getfullargspec",
];

/** Names through which docstrings are read. */
export const DOCUMENT_READERS: readonly string[] = ["__doc__", "getdoc", "getsource"];

export const SUBCLASS_READER = "__subclasses__";

const READERS: ReadonlySet<string> = new Set([...ANNOTATION_READERS, ...DOCUMENT_READERS, SUBCLASS_READER]);

export function isReader(name: string): boolean {
  return READERS.has(name);
}
