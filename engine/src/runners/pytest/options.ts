/**
 * The table of pytest's command line options: what each takes, and what it means to Winnow.
 *
 * Two things depend on it and must not go wrong: which options *split the environment* (facts made under one are not
 * believed under another), and which bare words are paths (a value taken for a path would narrow what was asked, and
 * tests would be left out). So everything that is not written here as neutral splits, also what nobody knows.
 * The documentation's table of neutral options is generated from the reasons given here.
 * Shapes were compared with pytest 8.3 and 9.2 and current pytest-xdist, pytest-cov, pytest-html,
 * pytest-rerunfailures, pytest-timeout and pytest-randomly; a test repeats that where they are installed.
 */

/**
 * How many words an option takes after itself: none, one, two, one if the next word is no option (`optional`), or all
 * words up to the next option (`many`).
 */
export type OptionShape = "none" | "one" | "two" | "optional" | "many";

/**
 * What an option means to Winnow. Only `environment` splits.
 *
 * - `display`: how the run is shown; `report`: a report of the tests that ran; `coverage`: what is measured meanwhile
 * - `selection`: which of the collected tests run, and in which order
 * - `stop`: how soon the run ends; `workers`: where tests run; `debugger`: a person is at the keyboard
 * - `asks`: pytest is asked a question, or to change its state: it must start, whatever Winnow knows
 * - `environment`: may change the outcome of a test, or which tests exist
 */
export type OptionRole =
  | "display"
  | "report"
  | "coverage"
  | "selection"
  | "stop"
  | "workers"
  | "debugger"
  | "asks"
  | "environment";

/** One option of pytest's or of a plugin's command line. */
export interface PytestOption {
  /** All its spellings; the first one is used in canonical lists. */
  readonly names: readonly string[];
  readonly shape: OptionShape;
  readonly role: OptionRole;
  /** What happens when it is repeated: the last one counts (default), or all of them in order. */
  readonly repeat?: "last" | "all";
  /** It is short for another option: canonical name and value of that one. */
  readonly means?: readonly [name: string, value: string];
  /** Why it is neutral. Required for every role but `environment`. */
  readonly reason?: string;
  /** Where it comes from, if not from pytest itself. */
  readonly plugin?: string;
}

interface Family {
  readonly role: OptionRole;
  readonly reason?: string;
  readonly plugin?: string;
  readonly repeat?: "last" | "all";
}

/** Options that share role and reason, written as `"-x --long"` (none), `"--long=X"` (one), `"--long=?"`, `"--long=*"`. */
function family(common: Family, ...spellings: readonly string[]): PytestOption[] {
  return spellings.map((spelling) => {
    const [words = "", value] = spelling.split("=", 2);
    const shape = value === undefined ? "none" : value === "?" ? "optional" : value === "*" ? "many" : "one";
    return { names: words.split(" "), shape, ...common };
  });
}

const XDIST = "pytest-xdist";
const COV = "pytest-cov";
const TESTMON = "pytest-testmon";
const DIFFTEST = "pytest-difftest";

/** Every option that Winnow knows. */
export const PYTEST_OPTIONS: readonly PytestOption[] = [
  // How the run is shown
  ...family(
    { role: "display", reason: "changes how much is printed" },
    "--verbose -v",
    "--quiet -q",
    "--verbosity=N",
    "--no-header",
    "--no-summary",
    "--no-fold-skipped",
    "--force-short-summary",
    "--disable-warnings --disable-pytest-warnings",
  ),
  ...family(
    { role: "display", reason: "changes how failures are printed" },
    "--tb=STYLE",
    "--xfail-tb",
    "--full-trace --fulltrace",
    "--showlocals -l",
    "--no-showlocals",
    "--show-capture=WHAT",
  ),
  ...family({ role: "display", reason: "changes the colours of the output" }, "--color=WHEN", "--code-highlight=WHEN"),

  // What Winnow itself is to do
  ...family(
    { role: "display", reason: "is meant for Winnow", plugin: "pytest-winnow" },
    "--winnow",
    "--winnow-noselect",
    "--winnow-readonly",
    "--no-winnow",
    "--winnow-env=NAME",
    "--winnow-since=REF",
    "--winnow-against=NAME",
  ),
  ...family(
    { role: "selection", reason: "chooses by what an earlier run left behind", plugin: TESTMON },
    "--testmon",
    "--testmon-noselect",
    "--testmon-nocollect",
    "--testmon-forceselect",
    "--testmon-readonly",
    "--testmon-env=TEXT",
    "--no-testmon",
    "--testmon-off",
    "--tlf",
    "--by-test-count",
    "--tmnet",
  ),
  ...family(
    { role: "selection", reason: "chooses by what an earlier run left behind", plugin: TESTMON, repeat: "all" },
    "--project-directory=DIR",
  ),
  ...family(
    { role: "selection", reason: "chooses by what an earlier run left behind", plugin: DIFFTEST },
    "--diff",
    "--diff-baseline",
    "--diff-force",
    "--diff-rebuild",
    "--diff-v",
    "--diff-batch-size=N",
    "--diff-cache-size=N",
    "--diff-remote=URL",
    "--diff-upload",
  ),

  // Reports of the tests that ran
  ...family(
    { role: "report", reason: "adds a list to the end of the output" },
    "--report-chars -r=CHARS",
    "--durations=N",
    "--durations-min=N",
  ),
  ...family(
    { role: "report", reason: "writes a report of the tests that ran" },
    "--junit-xml --junitxml=PATH",
    "--junit-prefix --junitprefix=TEXT",
    "--pastebin=MODE",
  ),
  ...family(
    { role: "report", reason: "writes a report of the tests that ran", plugin: "pytest-html" },
    "--html=PATH",
    "--self-contained-html",
  ),
  ...family(
    { role: "report", reason: "writes a report of the tests that ran", plugin: "pytest-html", repeat: "all" },
    "--css=PATH",
  ),
  ...family(
    { role: "report", reason: "writes a report of the tests that ran", plugin: "pytest-reportlog" },
    "--report-log=PATH",
    "--report-log-exclude-logs-on-passed-tests",
  ),
  ...family(
    { role: "report", reason: "writes a report of the tests that ran", plugin: "pytest-json-report" },
    "--json-report",
    "--json-report-file=PATH",
    "--json-report-omit=*",
    "--json-report-indent=N",
    "--json-report-summary",
    "--json-report-verbosity=N",
  ),
  ...family(
    { role: "report", reason: "writes a report of the tests that ran", plugin: "allure-pytest" },
    "--alluredir=PATH",
    "--clean-alluredir",
  ),

  // Coverage
  ...family(
    { role: "coverage", reason: "measures, and does not change what tests do", plugin: COV, repeat: "all" },
    "--cov=?",
  ),
  ...family(
    { role: "report", reason: "writes a report of what was measured", plugin: COV, repeat: "all" },
    "--cov-report=TYPE",
  ),
  ...family(
    { role: "coverage", reason: "measures, and does not change what tests do", plugin: COV },
    "--cov-config=PATH",
    "--cov-reset",
    "--no-cov",
    "--no-cov-on-fail",
    "--cov-append",
    "--cov-branch",
    "--cov-context=CONTEXT",
    "--cov-precision=N",
  ),
  ...family(
    { role: "coverage", reason: "is a verdict on the whole run, after all tests", plugin: COV },
    "--cov-fail-under=MIN",
  ),

  // Which tests run
  ...family(
    { role: "selection", reason: "chooses among the collected tests" },
    "-k=EXPRESSION",
    "-m=EXPRESSION",
    "--lf --last-failed",
    "--lfnf --last-failed-no-failures=WHAT",
    "--sw --stepwise",
    "--sw-skip --stepwise-skip",
    "--sw-reset --stepwise-reset",
  ),
  ...family(
    { role: "selection", reason: "leaves out tests or files by name", repeat: "all" },
    "--deselect=ID",
    "--ignore=PATH",
    "--ignore-glob=GLOB",
  ),
  ...family(
    { role: "selection", reason: "only orders the tests; one that depends on their order varies" },
    "--ff --failed-first",
    "--nf --new-first",
  ),

  // How soon the run ends
  {
    names: ["--exitfirst", "-x"],
    shape: "none",
    role: "stop",
    means: ["--maxfail", "1"],
    reason: "ends the run early; what ran is as good",
  },
  { names: ["--maxfail"], shape: "one", role: "stop", reason: "ends the run early; what ran is as good" },

  // Where tests run
  ...family(
    { role: "workers", reason: "spreads the tests over processes", plugin: XDIST },
    "--numprocesses -n=N",
    "--maxprocesses=N",
    "--dist=MODE",
    "--max-worker-restart=N",
    "--loadscope-reorder",
    "--no-loadscope-reorder",
    "--maxschedchunk=N",
    "--testrunuid=ID",
  ),
  {
    names: ["-d"],
    shape: "none",
    role: "workers",
    means: ["--dist", "load"],
    plugin: XDIST,
    reason: "spreads the tests over processes",
  },

  // Someone is at the keyboard
  ...family(
    { role: "debugger", reason: "stops in a debugger; tests so interrupted leave no fact" },
    "--pdb --usepdb",
    "--pdbcls=CLASS",
    "--trace",
  ),

  // pytest itself is asked
  ...family(
    { role: "asks", reason: "asks pytest for information" },
    "--help -h",
    "--version -V",
    "--fixtures --funcargs",
    "--fixtures-per-test",
    "--markers",
    "--cache-show=?",
    "--trace-config --traceconfig",
    "--debug=?",
  ),
  ...family(
    { role: "asks", reason: "runs fixtures, but no test" },
    "--setup-plan --setupplan",
    "--setup-only --setuponly",
  ),
  ...family({ role: "asks", reason: "lists tests, and runs none" }, "--collect-only --collectonly --co"),
  ...family({ role: "asks", reason: "empties pytest's cache, which must happen" }, "--cache-clear"),
  ...family({ role: "asks", reason: "stays and runs again by itself", plugin: XDIST }, "--looponfail -f"),

  // All that follows splits. It is listed for its shape, so that the word after it is rightly read.
  { names: ["--capture"], shape: "one", role: "environment" },
  { names: ["-s"], shape: "none", role: "environment", means: ["--capture", "no"] },
  ...family(
    { role: "environment" },
    "--strict-config",
    "--strict-markers",
    "--strict",
    "--max-warnings=N",
    "--runxfail",
    "--pyargs",
    "--confcutdir=DIR",
    "--noconftest",
    "--keep-duplicates --keepduplicates",
    "--collect-in-virtualenv",
    "--continue-on-collection-errors",
    "--import-mode=MODE",
    "--config-file -c=FILE",
    "--rootdir=DIR",
    "--basetemp=DIR",
    "--disable-plugin-autoload",
    "--assert=MODE",
    "--setup-show --setupshow",
    "--doctest-modules",
    "--doctest-report=FORMAT",
    "--doctest-ignore-import-errors",
    "--doctest-continue-on-failure",
    "--log-level=LEVEL",
    "--log-format=FORMAT",
    "--log-date-format=FORMAT",
    "--log-cli-level=LEVEL",
    "--log-cli-format=FORMAT",
    "--log-cli-date-format=FORMAT",
    "--log-file=PATH",
    "--log-file-mode=MODE",
    "--log-file-level=LEVEL",
    "--log-file-format=FORMAT",
    "--log-file-date-format=FORMAT",
    "--log-auto-indent=HOW",
  ),
  ...family(
    { role: "environment", repeat: "all" },
    "-p=NAME",
    "--pythonwarnings -W=FILTER",
    "--override-ini -o=OPTION",
    "--doctest-glob=GLOB",
    "--log-disable=NAME",
  ),
  ...family(
    { role: "environment", plugin: XDIST, repeat: "all" },
    "--tx=SPEC",
    "--px=SPEC",
    "--rsyncdir=DIR",
    "--rsyncignore=GLOB",
  ),
  { names: ["--metadata"], shape: "two", role: "environment", repeat: "all", plugin: "pytest-metadata" },
  ...family(
    { role: "environment", plugin: "pytest-metadata" },
    "--metadata-from-json=JSON",
    "--metadata-from-json-file=PATH",
  ),
  ...family({ role: "environment", plugin: "pytest-forked" }, "--forked", "--boxed"),
  ...family(
    { role: "environment", plugin: "pytest-rerunfailures" },
    "--reruns=N",
    "--force-reruns=N",
    "--reruns-delay=SECONDS",
    "--reruns-delay-backoff-factor=N",
    "--reruns-mode=MODE",
    "--fail-on-flaky",
    "--rerun-show-tracebacks",
    "--max-suite-reruns=N",
  ),
  ...family(
    { role: "environment", plugin: "pytest-rerunfailures", repeat: "all" },
    "--only-rerun=ERROR",
    "--rerun-except=ERROR",
    "--rerun-exclude-path=PATH",
  ),
  ...family(
    { role: "environment", plugin: "pytest-timeout" },
    "--timeout=SECONDS",
    "--timeout-method --timeout_method=METHOD",
    "--timeout-disable-debugger-detection",
    "--session-timeout=SECONDS",
  ),
  ...family(
    { role: "environment", plugin: "pytest-randomly" },
    "--randomly-seed=SEED",
    "--randomly-dont-reset-seed",
    "--randomly-dont-reorganize",
  ),
  ...family(
    { role: "environment", plugin: "pytest-random-order" },
    "--random-order",
    "--random-order-bucket=BUCKET",
    "--random-order-seed=SEED",
  ),
  ...family({ role: "environment", plugin: "pytest-asyncio" }, "--asyncio-mode=MODE", "--asyncio-debug"),
  ...family(
    { role: "environment", plugin: "pytest-django" },
    "--ds=SETTINGS",
    "--dc=CONFIGURATION",
    "--reuse-db",
    "--create-db",
    "--nomigrations --no-migrations",
    "--migrations",
    "--fail-on-template-vars",
  ),
  ...family(
    { role: "environment", plugin: "hypothesis" },
    "--hypothesis-profile=NAME",
    "--hypothesis-seed=SEED",
    "--hypothesis-verbosity=LEVEL",
    "--hypothesis-explain",
    "--hypothesis-show-statistics",
  ),
];

/**
 * Ini options that do not split when they are overridden with `-o name=value`: they concern only the output.
 * `addopts` is not among them, although its effect is known: whoever reads it from a file must also honour `-o`.
 */
export const NEUTRAL_INI_OVERRIDES: ReadonlyMap<string, string> = new Map([
  ["console_output_style", "changes how progress is printed"],
  ["junit_suite_name", "is written to the report only"],
  ["junit_logging", "is written to the report only"],
  ["junit_log_passing_tests", "is written to the report only"],
  ["junit_duration_report", "is written to the report only"],
  ["junit_family", "is written to the report only"],
]);

/** Plugins that leave out tests themselves, by what they remember; Winnow's own plugin stands in for them. */
export const SELECTING_PLUGINS: readonly string[] = [TESTMON, DIFFTEST];

const BY_NAME: ReadonlyMap<string, PytestOption> = new Map(
  PYTEST_OPTIONS.flatMap((option) => option.names.map((name) => [name, option] as const)),
);

/** The option of this exact spelling, if it is known. */
export function pytestOption(name: string): PytestOption | undefined {
  return BY_NAME.get(name);
}

/** The options that split nothing, each with its reason: the source of the documentation's table. */
export function neutralOptions(): PytestOption[] {
  return PYTEST_OPTIONS.filter((option) => option.role !== "environment");
}
