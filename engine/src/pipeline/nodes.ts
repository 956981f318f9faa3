/**
 * Node ids of tests by number, read when they are asked for: an edit mostly concerns tests of a few files, and reading
 * the names of ten thousand takes longer than choosing among them.
 */

import type { Store } from "../store/store.ts";

/** Of so many files the tests are read one file at a time, and then all at once. */
const FEW_FILES = 32;

export class StoredNodes {
  readonly #store: Store;
  readonly #paths: Pick<ReadonlyMap<number, string>, "get">;
  readonly #files = new Set<string>();
  readonly #known = new Map<number, string>();
  #all: ReadonlyMap<number, string> | undefined;

  /** `paths`: the file of each test. */
  constructor(store: Store, paths: Pick<ReadonlyMap<number, string>, "get">) {
    this.#store = store;
    this.#paths = paths;
  }

  get(test: number): string | undefined {
    const path = this.#all === undefined ? this.#paths.get(test) : undefined;
    if (path !== undefined && !this.#files.has(path) && this.#files.size < FEW_FILES) {
      this.#files.add(path);
      for (const [node, id] of this.#store.testsOf(path)) {
        this.#known.set(id, node);
      }
    }
    const node = this.#known.get(test);
    if (node !== undefined) {
      return node;
    }
    this.#all ??= this.#store.testNodes();
    return this.#all.get(test);
  }
}
