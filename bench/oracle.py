"""Judges the collector against an oracle: is everything that a test executes in Winnow's set of that test?

    python3 bench/oracle.py PROJECT --python PY [--limit 60] [--runs ordinary,shuffled,parallel] [-- PYTEST ARGS]

The oracle: every test alone in a fresh process under coverage.py's C tracer, which gives the functions that it
executed (the arcs into a code object name it by its first line; executed lines inside a body name the innermost
function). Winnow's set comes from a whole recording each: in ordinary order, shuffled, and under `-n 2`; the
collector is started directly, as the engine would, with no plan. **Missing must be 0**; the surplus (imports,
session, wider fixtures: all that a test may depend on though it runs none of it itself) is printed. Tests are
sampled evenly and deterministically with `--limit`.

coverage.py and pytest-xdist are put on the path from the cache directory; the project's environment stays as it is.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

import environments
import journals
import measure
from alone import Definition, belongs, definitions
from journals import Code

RUNS = ["ordinary", "shuffled", "parallel"]


# --- Winnow's sets ----------------------------------------------------------------------------------------------------


def record(
    python: str, root: str, arguments: List[str], run: str, mechanism: str, seed: str, pythonpath: Dict[str, str]
) -> List[journals.Journal]:
    """One whole recording by the collector, started as the engine starts it; returns its journals."""
    scratch = tempfile.mkdtemp(prefix="winnow-oracle-")
    try:
        for name in ("journals", "bytecode"):
            os.makedirs(os.path.join(scratch, name))
        session = os.path.join(scratch, "session.json")
        with open(session, "w", encoding="utf-8") as out:
            json.dump(
                {
                    "version": 1,
                    "root": root,
                    "journals": os.path.join(scratch, "journals"),
                    "run": "oracle-" + run,
                    "plan": None,
                    "mechanism": mechanism,
                    "bytecode": os.path.join(scratch, "bytecode"),
                    "record": True,
                    "ignoreDirs": [scratch, os.path.join(root, ".winnow")],
                },
                out,
            )
        extra = {"shuffled": ["-p", "bench_shuffle"], "parallel": ["-n", "2"]}.get(run, [])
        env = {"WINNOW_SESSION": session, "BENCH_SHUFFLE": seed, **pythonpath}
        command = [python, os.path.join(environments.REPOSITORY, "collector", "winnow_pytest.py"), *extra, *arguments]
        done = measure.run(command, root, env)
        found = journals.read(os.path.join(scratch, "journals"))
        if not any(journal.tests for journal in found):
            sys.exit("the %s recording (exit %d) recorded no test:\n%s" % (run, done.exit, done.output[-3000:]))
        for note in sorted({note for journal in found for note in journal.notes}):
            print("  note of the %s recording: %s" % (run, note))
        print(
            "  %s: exit %d, %d tests recorded, mechanism %s"
            % (run, done.exit, sum(len(j.tests) for j in found), mechanism_of(found)),
            flush=True,
        )
        return found
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def mechanism_of(found: List[journals.Journal]) -> str:
    """What recorded the tests (the controller of a parallel run records none)."""
    return ", ".join(sorted({journal.mechanism for journal in found if journal.tests}))


def static_imports(root: str, named: Dict[str, str]) -> Dict[str, Set[str]]:
    """File → files of the project that its module level imports, among the modules that were seen (`named`)."""
    out: Dict[str, Set[str]] = {}
    for module, path in named.items():
        full = os.path.join(root, *path.split("/"))
        try:
            with open(full, "rb") as source:
                tree = ast.parse(source.read())
        except (OSError, SyntaxError, ValueError):
            continue
        package = module if os.path.basename(path) == "__init__.py" else module.rpartition(".")[0]
        targets: Set[str] = {package}
        todo: List[ast.AST] = [tree]
        while todo:
            node = todo.pop()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                continue
            if isinstance(node, ast.Import):
                for alias in node.names:
                    targets.add(alias.name)
            elif isinstance(node, ast.ImportFrom):
                parts = package.split(".") if package else []
                start = parts[: len(parts) - node.level + 1] if node.level else []
                base = ".".join([*start, *([node.module] if node.module else [])])
                targets.add(base)
                targets.update(base + "." + alias.name if base else alias.name for alias in node.names)
            todo += list(ast.iter_child_nodes(node))
        # `import a.b.c` runs a and a.b too.
        for target in list(targets):
            parts = target.split(".")
            targets.update(".".join(parts[:end]) for end in range(1, len(parts)))
        out.setdefault(path, set()).update(named[target] for target in targets if target in named)
    return out


class Verdict(NamedTuple):
    """One test in one recording."""

    test: str
    run: str
    needed: int
    missing: List[Code]
    surplus: int


class Normal:
    """Turns code objects into functions, by the source as it is now."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._files: Dict[str, List[Definition]] = {}

    def __call__(self, code: Code) -> Optional[Code]:
        """The function that the code belongs to; None on module level."""
        path, line, name = code
        if path not in self._files:
            try:
                with open(os.path.join(self._root, *path.split("/")), "rb") as source:
                    self._files[path] = definitions(ast.parse(source.read()))
            except (OSError, SyntaxError, ValueError):
                self._files[path] = []
        one = belongs(self._files[path], line, name)
        return (path, one.first, one.name) if one else None


def sets(root: str, found: List[journals.Journal], tests: Optional[Iterable[str]] = None) -> Dict[str, Set[Code]]:
    """Test → all functions that it was recorded to depend on."""
    normal = Normal(root)
    named: Dict[str, str] = {}
    for journal in found:
        named.update(journal.named)
    static = static_imports(root, named)
    wanted = None if tests is None else set(tests)
    return {
        test: {one for one in map(normal, journal.closure(journal.tests[test], static)) if one}
        for journal in found
        for test in journal.tests
        if wanted is None or test in wanted
    }


def judge(
    root: str, run: str, found: List[journals.Journal], oracle: Dict[str, Set[Code]]
) -> Tuple[List[Verdict], List[str]]:
    """Compares; also names the tests that the recording does not know."""
    have = sets(root, found, oracle)
    unknown = sorted(set(oracle) - set(have))
    verdicts = [
        Verdict(test, run, len(needed), sorted(needed - have[test]), len(have[test] - needed))
        for test, needed in sorted(oracle.items())
        if test in have
    ]
    return verdicts, unknown


def agree(root: str, one: List[journals.Journal], other: List[journals.Journal]) -> int:
    """How many tests differ between the recordings of the two mechanisms; the first few are printed."""
    first, second = sets(root, one), sets(root, other)
    differing = [test for test in sorted(set(first) | set(second)) if first.get(test) != second.get(test)]
    for test in differing[:10]:
        only = [sorted(a.get(test, set()) - b.get(test, set()))[:4] for a, b in ((first, second), (second, first))]
        print("  DIFFERS: %s  monitoring only %s  probes only %s" % (test, only[0], only[1]))
    print("monitoring and probes: %d tests, %d differ" % (len(first), len(differing)))
    return len(differing)


# --- command line -----------------------------------------------------------------------------------------------------


def _sample(tests: List[str], limit: int) -> List[str]:
    if limit <= 0 or len(tests) <= limit:
        return tests
    return [tests[i * len(tests) // limit] for i in range(limit)]


def main() -> int:
    """Command line; 1 if anything is missing."""
    own, rest = _split(sys.argv[1:])
    parser = argparse.ArgumentParser(description="is everything that a test executes in Winnow's set of that test?")
    parser.add_argument("project")
    parser.add_argument("--python", required=True, help="the interpreter of the project's environment")
    parser.add_argument("--limit", type=int, default=60, help="how many tests (0: all)")
    parser.add_argument("--runs", default=",".join(RUNS))
    parser.add_argument("--mechanism", default="auto", choices=["auto", "monitoring", "probes"])
    parser.add_argument(
        "--agree", action="store_true", help="instead: do both mechanisms give equal sets? (3.12 or later)"
    )
    parser.add_argument("--seed", default="1", help="of the shuffled run")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--pythonpath", action="append", default=[], help="PYTHONPATH entry, relative to the project")
    parser.add_argument("--cache", help="directory for environments (default: .cache/bench)")
    parser.add_argument("--json", help="also write the figures there")
    args = parser.parse_args(own)
    python = os.path.abspath(args.python)
    if os.environ.get("BENCH_AGAIN") != "1":
        # Source is parsed by the Python that runs it, or new syntax would be no syntax.
        env = {**measure.clean_environment(), "BENCH_AGAIN": "1"}
        return subprocess.call([python, os.path.abspath(__file__), *sys.argv[1:]], env=env)
    root = os.path.realpath(args.project)
    cache = environments.cache_directory(args.cache)
    coverage = environments.overlay(python, "coverage", ["coverage"], cache)
    script = os.path.join(environments.REPOSITORY, "bench", "alone.py")
    paths = [os.path.join(environments.REPOSITORY, "bench", "plugins")]

    def pythonpath(more: List[str]) -> Dict[str, str]:
        entries = [os.path.join(root, entry) for entry in args.pythonpath] + more
        return {"PYTHONPATH": os.pathsep.join(entries)} if entries else {}

    runs = [run for run in args.runs.split(",") if run]
    if "parallel" in runs and "pytest-xdist" not in environments.versions(python, ["pytest-xdist"]):
        paths.append(environments.overlay(python, "xdist", ["--no-deps", "pytest-xdist", "execnet"], cache))

    print("recording %s on Python %s" % (os.path.basename(root), environments.version_of(python)), flush=True)
    if args.agree:
        both = [
            record(python, root, rest, "ordinary", mechanism, args.seed, pythonpath([]))
            for mechanism in ("monitoring", "probes")
        ]
        return 1 if agree(root, both[0], both[1]) else 0
    recordings = {
        run: record(python, root, rest, run, args.mechanism, args.seed, pythonpath(paths if run != "ordinary" else []))
        for run in runs
    }
    first = recordings[runs[0]]
    sample = _sample(sorted({test for journal in first for test in journal.tests}), args.limit)
    options = [
        argument
        for argument in rest
        if argument.startswith("-") or not os.path.exists(os.path.join(root, argument.split("::")[0]))
    ]

    def one(test: str) -> Tuple[str, Optional[Dict[str, object]]]:
        with tempfile.TemporaryDirectory() as scratch:
            out = os.path.join(scratch, "out.json")
            command = [python, script, out, root, coverage, *options, "-p", "no:cacheprovider", test]
            measure.run(command, root, {"COVERAGE_CORE": "ctrace", **pythonpath([])})
            if not os.path.exists(out):
                return test, None
            with open(out, encoding="utf-8") as text:
                return test, dict(json.load(text))

    oracle: Dict[str, Set[Code]] = {}
    silent = []
    with ThreadPoolExecutor(args.jobs) as pool:
        for test, answer in pool.map(one, sample):
            if answer is None or answer["exit"] not in (0, 1):
                silent.append(test)
                continue
            assert answer["tracer"] == "CTracer", answer["tracer"]
            functions = answer["functions"]
            assert isinstance(functions, list)
            oracle[test] = {(str(path), int(line), str(name)) for path, line, name in functions}
    if silent:
        print("  %d tests cannot be run alone and have no oracle, e.g. %s" % (len(silent), silent[0]))

    rows, everything, failed = [], [], False
    for run, found in recordings.items():
        verdicts, unknown = judge(root, run, found, oracle)
        everything += verdicts
        missing = [verdict for verdict in verdicts if verdict.missing]
        needed = sum(verdict.needed for verdict in verdicts)
        surplus = sum(verdict.surplus for verdict in verdicts)
        rows.append(
            [
                run,
                mechanism_of(found),
                str(len(verdicts)),
                str(needed),
                str(sum(len(verdict.missing) for verdict in missing)),
                str(len(missing)),
                "%d (%.0f %%)" % (surplus, 100.0 * surplus / needed if needed else 0),
                str(len(unknown)),
            ]
        )
        failed = failed or bool(missing or unknown) or not verdicts
        for verdict in missing[:10]:
            print("  MISSING in the %s recording: %s" % (run, verdict.test))
            for path, line, name in verdict.missing[:8]:
                print("      %s:%d %s" % (path, line, name))
        for test in unknown[:5]:
            print("  NOT RECORDED in the %s recording: %s" % (run, test))
    head = [
        "recording",
        "mechanism",
        "tests",
        "functions executed",
        "missing",
        "tests with missing",
        "surplus",
        "not recorded",
    ]
    print("\n" + measure.table(head, rows))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as target:
            json.dump(
                {"version": 1, "project": os.path.basename(root), "verdicts": [v._asdict() for v in everything]},
                target,
                indent=1,
            )
    return 1 if failed else 0


def _split(arguments: List[str]) -> Tuple[List[str], List[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


if __name__ == "__main__":
    sys.exit(main())
