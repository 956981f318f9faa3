/** What a source consists of by name, and whom a change of names concerns. */

export { packOutline, unpackOutline } from "./compact.ts";
export { type Binding, type Concern, concernOf, FATES } from "./concern.ts";
export { isConftest, isLocalConftest, isSparable, SESSION_HOOKS } from "./conftest.ts";
export { type Delta, deltaOf } from "./delta.ts";
export { mayReflect, REFLECTIONS } from "./mentions.ts";
export { moduleNames, packageOf, relativeName, withParents } from "./module-name.ts";
export { MAIN, type Outline, outlineOf } from "./outline.ts";
export { Project, type Sources } from "./project.ts";
export type { PythonVersion } from "./purity.ts";
