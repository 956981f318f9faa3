/** Whether an earlier run left something to ingest. Asked at every start, so it loads nothing and lists one directory. */

import { readdirSync } from "node:fs";
import type { Layout } from "../store/layout.ts";

/** Whether there is a description of a run whose end nobody saw (or of one that is still going on). */
export function hasLeftovers(layout: Layout): boolean {
  try {
    return readdirSync(layout.runs).some((name) => name.endsWith(".json"));
  } catch {
    return false;
  }
}
