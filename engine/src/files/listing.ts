/**
 * Directory listings as tests may depend on them.
 *
 * The value of a `listing` key is a hash over these names. What tools leave behind in passing must not be among them,
 * or the first run would make the second one rerun. The collector (`collector/winnow_collector/audit.py`) may leave out
 * fewer names, never more: names from a journal pass through {@link listedNames} before they are compared, and a test
 * holds the two lists to that.
 */
import { readdirSync } from "node:fs";

/** Names that are no part of a listing: all that the collector leaves out, and more. */
export const LISTING_FILTER = {
  names: ["__pycache__", ".winnow", ".pytest_cache", ".hypothesis", ".git", ".hg", ".mypy_cache", ".ruff_cache"],
  prefixes: [".coverage", ".testmondata"],
  suffixes: [".pyc", ".pyo"],
} as const;

const NAMES: ReadonlySet<string> = new Set(LISTING_FILTER.names);

/** Whether a name counts as part of its directory's listing. */
export function isListed(name: string): boolean {
  if (NAMES.has(name)) {
    return false;
  }
  return (
    !LISTING_FILTER.prefixes.some((prefix) => name.startsWith(prefix)) &&
    !LISTING_FILTER.suffixes.some((suffix) => name.endsWith(suffix))
  );
}

/**
 * The order and the selection of names that a listing's value is computed from; apply it to names from a journal too:
 * Python sorts by code point and JavaScript by UTF-16 code unit, which is not the same beyond U+FFFF.
 */
export function listedNames(names: readonly string[]): string[] {
  return names.filter(isListed).sort();
}

/** The listed names of a directory, sorted by code unit, or null where there is no directory to be read. */
export function listDirectory(path: string): string[] | null {
  try {
    return listedNames(readdirSync(path));
  } catch {
    return null;
  }
}
