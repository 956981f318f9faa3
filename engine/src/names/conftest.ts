/** What a conftest does for tests outside of its directory. */

import type { Statement } from "./outline.ts";
import type { Project } from "./project.ts";

export function isConftest(path: string): boolean {
  return path === "conftest.py" || path.endsWith("/conftest.py");
}

/** Hooks in a conftest that see, or can change, tests outside of its directory. */
export const SESSION_HOOKS = [
  "pytest_collection",
  "pytest_collection_finish",
  "pytest_collection_modifyitems",
  "pytest_configure",
  "pytest_deselected",
  "pytest_make_parametrize_id",
  "pytest_plugin_registered",
  "pytest_runtestloop",
  "pytest_sessionstart",
] as const;

/** Other names that reach beyond it: plugins that it loads are everybody's. */
const FAR_REACHING: ReadonlySet<string> = new Set([...SESSION_HOOKS, "pytest_plugins"]);

/**
 * Whether a conftest that appears concerns only the tests below it: it has no hook that pytest calls for the whole
 * session, and importing it does nothing but bind names. An autouse fixture is one for the tests below.
 */
export function isLocalConftest(project: Project, path: string): boolean {
  const content = project.evaluated(path);
  if (content === undefined || content.doubts.some((doubts) => doubts.length > 0)) {
    return false;
  }
  const { statements } = content.outline;
  const known: ReadonlySet<string> = new Set();
  return (
    statements.every(
      (statement) =>
        !names(statement).some(isFarReaching) &&
        statement.imports.every((one) => one.names.every((name) => project.isThere(path, one, name, known))),
    ) &&
    content.pure.every(Boolean) &&
    project.sequence(path, content).steps.every((step) => step === "module pytest")
  );
}

/**
 * Whether a run that has no tests below a conftest may do without it: it has no hooks at all, and its own statements do
 * nothing but bind names. What it imports does not count: nor does what test files import that a run leaves out.
 */
export function isSparable(project: Project, path: string): boolean {
  const content = project.evaluated(path);
  return content?.pure.every(Boolean) === true && content.outline.statements.every((one) => !names(one).some(isHook));
}

/** What a statement binds, and what it imports under whatever name. */
function names({ binds, imports }: Statement): string[] {
  return [...binds, ...imports.flatMap((one) => one.names)];
}

function isHook(name: string): boolean {
  return name === "*" || name.startsWith("pytest_");
}

function isFarReaching(name: string): boolean {
  return name === "*" || FAR_REACHING.has(name);
}
