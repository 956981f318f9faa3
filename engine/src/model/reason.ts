/** Why a test or a file runs. Every selected test has at least one reason. */

import { describeKey, type Key, type KeyKind } from "./key.ts";
import type { DeclaredKind } from "./remarks.ts";

export type Reason =
  /** Nothing is known of this test in this environment. */
  | { readonly kind: "no-record" }
  /** A failing fact holds on the present state: nothing that it depended on has changed since. */
  | { readonly kind: "failed"; readonly at: number }
  /** Only passes after a rerun are known: never a proof. */
  | { readonly kind: "not-proven"; readonly outcome: string }
  /** A fact proved it and it ended otherwise all the same: it runs until the user forgives it. See docs/messages.md. */
  | {
      readonly kind: "missed-before";
      /** Milliseconds since 1970. */
      readonly at: number;
      /** The outcome of the proof; null if nothing was recorded of the test in a file that would have been left out. */
      readonly was: string | null;
      readonly outcome: string;
    }
  /** A fact proves it: it runs to put that to the test. */
  | { readonly kind: "sampled" }
  /** A dependency has another value now. */
  | { readonly kind: "body-changed"; readonly path: string; readonly name: string }
  /** `names`: what is bound to something else; none where the module level counts as a whole. */
  | { readonly kind: "toplevel-changed"; readonly path: string; readonly names: readonly string[] }
  | { readonly kind: "file-changed"; readonly path: string }
  | { readonly kind: "existence-changed"; readonly path: string }
  | { readonly kind: "listing-changed"; readonly path: string }
  | { readonly kind: "import-resolution-changed"; readonly name: string }
  | { readonly kind: "configuration-changed"; readonly path: string }
  | { readonly kind: "packages-changed" }
  | { readonly kind: "package-changed"; readonly name: string }
  /** `*`: any of those that are not known to mean nothing; `*_proxy`: any of those. */
  | { readonly kind: "variable-changed"; readonly name: string }
  /** The file does not parse or compile any more; the message is Python's or the splitter's own. */
  | { readonly kind: "unparsable"; readonly path: string; readonly message: string }
  /** The file's tests under the user's selection (`-k`, `-m`…) are not known yet. */
  | { readonly kind: "selection-unknown" }
  /** A file that pytest may collect and that was never collected. */
  | { readonly kind: "new-file"; readonly path: string }
  /** The user says that it runs always: in the configuration, or by the test's own marker. */
  | { readonly kind: "always"; readonly by: "configuration" | "marker" }
  /** What the user declared as an input is not what was recorded; `not-recorded`: it was not declared then. */
  | {
      readonly kind: "declared-changed";
      readonly what: DeclaredKind;
      /** The glob, the variable, or the command. */
      readonly name: string;
      readonly state: "changed" | "not-recorded" | "not-allowed";
    }
  /** The same for a glob that concerns all tests. */
  | { readonly kind: "everything-glob"; readonly name: string; readonly state: "changed" | "not-recorded" }
  /** What it depends on cannot be known, and nothing recorded stands for that; `name` says why. */
  | { readonly kind: "opaque"; readonly name: string }
  /** `--also` names it, proven or not. */
  | { readonly kind: "also"; readonly name: string }
  /** Everything runs, because something could not be known. */
  | { readonly kind: "everything"; readonly because: string };

const CHANGED: Record<KeyKind, (key: Key) => Reason> = {
  body: (key) => ({ kind: "body-changed", path: key.path, name: key.name }),
  toplevel: (key) => ({ kind: "toplevel-changed", path: key.path, names: [] }),
  file: (key) => ({ kind: "file-changed", path: key.path }),
  exists: (key) => ({ kind: "existence-changed", path: key.path }),
  listing: (key) => ({ kind: "listing-changed", path: key.path }),
  resolve: (key) => ({ kind: "import-resolution-changed", name: key.name }),
  config: (key) => ({ kind: "configuration-changed", path: key.path }),
  packages: () => ({ kind: "packages-changed" }),
  package: (key) => ({ kind: "package-changed", name: key.name.replace(/^dist /, "") }),
  env: (key) => ({ kind: "variable-changed", name: key.name }),
};

/** The reason that a changed key gives. */
export function changedReason(key: Key): Reason {
  return CHANGED[key.kind](key);
}

function describeDeclared({ what, name, state }: Extract<Reason, { kind: "declared-changed" }>): string {
  const input =
    what === "files" ? `what matches ${name}` : what === "env" ? `the variable ${name}` : `the output of \`${name}\``;
  switch (state) {
    case "changed":
      return `${input} changed`;
    case "not-recorded":
      return `${input} is declared, and in no recorded result of it yet`;
    case "not-allowed":
      return `${input} is declared, and may not be asked for without --allow-commands`;
  }
}

/** A reason as the end of "runs because …". */
export function describeReason(reason: Reason): string {
  switch (reason.kind) {
    case "no-record":
      return "nothing is recorded of it in this environment";
    case "failed":
      return "it failed last time, and nothing that it depends on has changed since";
    case "not-proven":
      return `it has only ${reason.outcome} so far, which proves nothing`;
    case "missed-before":
      return `${describeOutcomes(reason.was, reason.outcome)} on ${new Date(reason.at).toISOString().slice(0, 10)} though nothing that Winnow saw had changed: it always runs until you declare the cause, or mend it and \`winnow verify --forgive TEST\``;
    case "sampled":
      return "it could be left out, and is in the sample that checks whether that is right";
    case "body-changed":
      return `${describeKey({ kind: "body", path: reason.path, name: reason.name })} changed`;
    case "toplevel-changed":
      return `${reason.path} changed at module level${reason.names.length === 0 ? "" : ` (${reason.names.join(", ")})`}`;
    case "file-changed":
      return `${reason.path} changed`;
    case "existence-changed":
      return `${reason.path} appeared, went, or is another kind of thing`;
    case "listing-changed":
      return `the list of files in ${reason.path === "" ? "the project's root" : `${reason.path}/`} changed`;
    case "import-resolution-changed":
      return `"import ${reason.name}" finds something else now`;
    case "configuration-changed":
      return `${describeKey({ kind: "config", path: reason.path, name: "" })} changed`;
    case "packages-changed":
      return "the installed packages changed";
    case "package-changed":
      return `the ${describeKey({ kind: "package", path: "", name: reason.name })}, or one that it requires, changed`;
    case "variable-changed":
      return `the ${describeKey({ kind: "env", path: "", name: reason.name })} changed`;
    case "unparsable":
      return `${reason.path} is not valid Python any more (${reason.message})`;
    case "selection-unknown":
      return "what this -k, -m or --deselect chooses in it is not known yet";
    case "new-file":
      return `${reason.path} is new`;
    case "always":
      return reason.by === "marker" ? "its marker has it run always" : "the configuration has it run always";
    case "declared-changed":
      return describeDeclared(reason);
    case "everything-glob":
      return reason.state === "changed"
        ? `what matches ${reason.name} changed, which concerns all tests`
        : `what matches ${reason.name} concerns all tests, and is in no recorded result of it yet`;
    case "opaque":
      return `what it depends on cannot be known (${reason.name})`;
    case "also":
      return `--also ${reason.name} asks for it`;
    case "everything":
      return reason.because;
  }
}

/** How a test ended that was to end otherwise, as the end of "… because". */
export function describeOutcomes(was: string | null, outcome: string): string {
  return was === null ? `it appeared (${outcome})` : `it ended as ${outcome} instead of ${was}`;
}
