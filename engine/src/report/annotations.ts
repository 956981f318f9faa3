/** Failures as GitHub Actions shows them beside the code: one workflow command a line. */

import { join, relative } from "node:path";

/** GitHub cuts longer lists off, and shows none of the rest. */
const MOST = 50;

/** The commands. `path` of a failure is relative to `root`; GitHub wants it relative to the checkout, `workspace`. */
export function annotations(
  failures: readonly { readonly id: string; readonly path: string; readonly outcome: string }[],
  root: string,
  workspace: string,
): string {
  return failures
    .slice(0, MOST)
    .map(({ id, path, outcome }) => {
      const file = property(relative(workspace, join(root, path)).replaceAll("\\", "/"));
      return `::error file=${file},title=${property(`pytest: ${outcome}`)}::${data(id)}\n`;
    })
    .join("");
}

/** Texts in a command: what would end it is escaped as GitHub's runner expects it. */
function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
