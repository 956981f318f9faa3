/** The outcome of a decision. "Unknown" and "nothing to run" are different types, never an empty list for both. */

import type { Reason } from "./reason.ts";

export interface SelectedTest {
  readonly id: string;
  readonly reasons: readonly Reason[];
}

/** A file that pytest has to collect: its ids are not known, or not known to be the same. */
export interface SelectedFile {
  readonly path: string;
  readonly reasons: readonly Reason[];
}

export type Plan =
  /** Everything that the user asked for runs; nothing is refused or deselected. */
  | { readonly kind: "everything"; readonly because: string; readonly known: number }
  /** Some tests run. */
  | {
      readonly kind: "some";
      readonly tests: readonly SelectedTest[];
      readonly files: readonly SelectedFile[];
      /** Files whose collection is refused: their collection holds and each of their tests is proven. */
      readonly skipFiles: readonly string[];
      /** Proven tests in files that are collected, by file. */
      readonly skipTests: ReadonlyMap<string, readonly string[]>;
      /** Files that have to be imported to their end for the proofs of those tests to hold, by the file of the tests. */
      readonly provided: ReadonlyMap<string, readonly string[]>;
      /** Files that were not imported to their end when those proofs came about, by the same. */
      readonly failed: ReadonlyMap<string, readonly string[]>;
      /** How many proven tests the refused files hold. */
      readonly leftOutWithFiles: number;
      /** Tests that a fact proves. */
      readonly upToDate: number;
      /** Known tests of the request, to run or not. */
      readonly known: number;
    }
  /** Every test of the request is proven: nothing has to start. */
  | { readonly kind: "nothing"; readonly upToDate: number };
