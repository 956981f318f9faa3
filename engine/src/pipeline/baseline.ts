/**
 * The baseline: what every watched path looked like, and which dependencies held then. Both change in one transaction,
 * that of whoever calls this, or a later comparison would start from a state that never was.
 */

import type { Dependency } from "../model/key.ts";
import type { Store } from "../store/store.ts";
import { brokenFiles, concernedBy } from "./decide.ts";
import type { Change, PresentTree } from "./present.ts";

/**
 * Makes the present state the baseline. `changes`: in what it differs from the one before; `holds`: whether a dependency
 * has its value now; `ask`: whatever else is to be asked of the tree first, because each question adds to what is watched.
 */
export function saveBaseline(
  store: Store,
  tree: PresentTree,
  changes: readonly Change[],
  holds: (dependency: Dependency) => boolean,
  ask: () => void = () => {},
): void {
  for (const dependency of concernedBy(store, changes, tree)) {
    const isTrue = holds(dependency);
    if (isTrue !== dependency.holds) {
      store.setHolds(dependency.id, isTrue);
    }
  }
  store.setNote("viewpoint", tree.viewpoint);
  store.setNote("broken", JSON.stringify({ ...brokenFiles(store), [tree.python]: tree.brokenFiles() }));
  ask();
  store.setWatch(tree.entries());
  tree.saveFingerprints(store);
  tree.saveSites(store);
}
