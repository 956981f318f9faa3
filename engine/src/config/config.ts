/** The settings as the rest of Winnow sees them, and what counts where nothing is said. */

/** What a run does with its plan: leaves out what is proven, or runs everything and compares. */
export const MODES = ["select", "observe"] as const;

export type Mode = (typeof MODES)[number];

/** When tests run whose inputs cannot be known: after any change, or always. */
export const OPAQUE_POLICIES = ["rerun", "always"] as const;

export type OpaquePolicy = (typeof OPAQUE_POLICIES)[number];

/** Inputs of tests that nobody can see. */
export interface Depends {
  /** Globs of test files, or node ids. */
  readonly tests: readonly string[];
  readonly files: readonly string[];
  readonly env: readonly string[];
  readonly commands: readonly string[];
}

/** What a repository may say, and whoever starts Winnow as well. */
export interface Config {
  readonly mode: Mode;
  /** Tests that run always: globs of test files, or node ids. */
  readonly always: readonly string[];
  readonly depends: readonly Depends[];
  /** Globs of files that concern all tests. */
  readonly everything: readonly string[];
  /** Command lines of child processes that do not matter. */
  readonly harmless: readonly string[];
  /** Globs of files and directories that are no input, whoever reads them. */
  readonly ignore: readonly string[];
  readonly opaque: OpaquePolicy;
  readonly verify: {
    /** The share of the tests that could be left out which runs all the same, along with others. */
    readonly sample: number;
  };
  /** The name of the environment; empty: it has none. */
  readonly environment: string;
  /** A Python expression for that name, as pytest-testmon has it; empty: none. */
  readonly environmentExpression: string;
  /** Packages whose changes pytest-testmon is told to ignore. */
  readonly testmonIgnoreDependencies: readonly string[];
}

/** What only whoever starts Winnow may say: which program is started, and what a repository is trusted with. */
export interface Personal {
  /** A path, an environment's directory or a name on PATH; null: it is looked for. */
  readonly python: string | null;
  /** Whether declared commands may be run. */
  readonly allowCommands: boolean;
}

/** What counts where nothing is written. */
export const DEFAULTS: Config = {
  mode: "select",
  always: [],
  depends: [],
  everything: [],
  harmless: [],
  ignore: [],
  opaque: "rerun",
  verify: { sample: 0 },
  environment: "",
  environmentExpression: "",
  testmonIgnoreDependencies: [],
};

export const PERSONAL_DEFAULTS: Personal = { python: null, allowCommands: false };
