"""Judges the collector against an oracle: is everything that a test executes in Winnow's set of that test?

    python3 bench/oracle.py PROJECT --python PY [--limit 60] [--runs ordinary,shuffled,parallel] [-- PYTEST ARGS]

The oracle: every test alone in a fresh process under coverage.py's C tracer, which gives the functions that it
executed (the arcs into a code object name it by its first line; executed lines inside a body name the innermost
function). Winnow's set comes from a whole recording each: in ordinary order, shuffled, and under `-n 2`; the
collector is started directly, as the engine would, with no plan.

**Missing must be 0.** What is missing is told apart: *lost* (the test executed it in a whole run too: an error of
attribution) and *only when alone* (an earlier test left something ready: shared state; `--allow-state` tolerates it).
The surplus is printed: imports, session, wider fixtures, all that a test may depend on though it runs none of it
itself. Tests are sampled evenly and deterministically with `--limit`.

coverage.py and pytest-xdist are put on the path from the cache directory; the project's environment stays as it is.
"""

import argparse
import ast
import json
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

import environments
import invocation
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
        session = invocation.session(scratch, root, run="oracle-" + run, mechanism=mechanism)
        extra = {"shuffled": ["-p", "bench_shuffle"], "parallel": ["-n", "2"]}.get(run, [])
        # Ids of tests parametrized over sets depend on the hash seed: the same for all, or other tests are compared.
        env = {"WINNOW_SESSION": session, "BENCH_SHUFFLE": seed, "PYTHONHASHSEED": "0", **pythonpath}
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
    lost: List[Code]


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
        Verdict(test, run, len(needed), sorted(needed - have[test]), len(have[test] - needed), [])
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


def in_contexts(root: str, found: List[journals.Journal]) -> Set[Code]:
    """All functions that some context (session, file, wider fixture, import) of the recording holds."""
    normal = Normal(root)
    codes = {journal.codes[code] for journal in found for one in journal.contexts.values() for code in one.codes}
    return {one for one in map(normal, codes) if one}


# --- the oracle -------------------------------------------------------------------------------------------------------


class Witness:
    """Runs pytest under coverage.py's C tracer, through `alone.py`."""

    def __init__(
        self,
        python: str,
        root: str,
        coverage: str,
        words: List[str],
        arguments: List[str],
        seed: str,
        pythonpath: Callable[[List[str]], Dict[str, str]],
    ) -> None:
        self._python = python
        self._root = root
        self._coverage = coverage
        self._words = words
        self._arguments = arguments
        self._seed = seed
        self._pythonpath = pythonpath

    def _run(self, arguments: List[str], env: Dict[str, str]) -> Optional[Dict[str, object]]:
        script = os.path.join(environments.REPOSITORY, "bench", "alone.py")
        with tempfile.TemporaryDirectory() as scratch:
            out = os.path.join(scratch, "out.json")
            command = [self._python, script, out, self._root, self._coverage, *arguments]
            measure.run(command, self._root, {"COVERAGE_CORE": "ctrace", "PYTHONHASHSEED": "0", **env})
            if not os.path.exists(out):
                return None
            with open(out, encoding="utf-8") as text:
                answer = dict(json.load(text))
        assert answer["tracer"] == "CTracer", answer["tracer"]
        return answer

    def alone(self, test: str) -> Optional[Set[Code]]:
        """What the test executes alone in a fresh process; None where it cannot run so."""
        answer = self._run([*self._words, "-p", "no:cacheprovider", test], self._pythonpath([]))
        return None if answer is None or answer["exit"] not in (0, 1) else _codes(answer["functions"])

    def whole(self, tests: List[str], run: str) -> Dict[str, Set[Code]]:
        """What each of `tests` itself executes in a whole run of that order, all in one process."""
        plugins = os.path.join(environments.REPOSITORY, "bench", "plugins")
        extra = ["-p", "bench_contexts", *(["-p", "bench_shuffle"] if run == "shuffled" else [])]
        with tempfile.TemporaryDirectory() as scratch:
            wanted = os.path.join(scratch, "tests.json")
            with open(wanted, "w", encoding="utf-8") as out:
                json.dump(tests, out)
            env = {"BENCH_CONTEXTS": wanted, "BENCH_SHUFFLE": self._seed, **self._pythonpath([plugins])}
            answer = self._run([*extra, "-p", "no:cacheprovider", *self._arguments], env) or {"tests": {}}
        found = answer["tests"]
        assert isinstance(found, dict)
        return {test: _codes(found.get(test, [])) for test in tests}


def _codes(rows: object) -> Set[Code]:
    assert isinstance(rows, list)
    return {(str(path), int(line), str(name)) for path, line, name in rows}


# --- command line -----------------------------------------------------------------------------------------------------


def main() -> int:
    """Command line; 1 if anything is missing."""
    own, rest = invocation.split(sys.argv[1:])
    parser = argparse.ArgumentParser(description="is everything that a test executes in Winnow's set of that test?")
    parser.add_argument("project")
    parser.add_argument("--python", required=True, help="the interpreter of the project's environment")
    parser.add_argument("--limit", type=int, default=60, help="how many tests (0: all)")
    parser.add_argument("--runs", default=",".join(RUNS))
    parser.add_argument("--mechanism", default="auto", choices=["auto", "monitoring", "probes"])
    parser.add_argument(
        "--agree", action="store_true", help="instead: do both mechanisms give equal sets? (3.12 or later)"
    )
    parser.add_argument("--allow-state", action="store_true", help="0 if all that is missing ran only when alone")
    parser.add_argument("--seed", default="1", help="of the shuffled run")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--pythonpath", action="append", default=[], help="PYTHONPATH entry, relative to the project")
    parser.add_argument("--cache", help="directory for environments (default: .cache/bench)")
    parser.add_argument("--json", help="also write the figures there")
    args = parser.parse_args(own)
    python = os.path.abspath(args.python)
    ended = invocation.run_on(python, __file__)
    if ended is not None:
        return ended
    root = os.path.realpath(args.project)
    cache = environments.cache_directory(args.cache)
    coverage = environments.overlay(python, "coverage", ["coverage"], cache)
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
    sample = invocation.evenly(sorted({test for journal in recordings[runs[0]] for test in journal.tests}), args.limit)
    words = invocation.without_paths(root, rest)
    witness = Witness(python, root, coverage, words, rest, args.seed, pythonpath)

    oracle: Dict[str, Set[Code]] = {}
    silent = []
    with ThreadPoolExecutor(args.jobs) as pool:
        for test, functions in zip(sample, pool.map(witness.alone, sample)):
            if functions is None:
                silent.append(test)
            else:
                oracle[test] = functions
    if silent:
        print("  %d tests cannot be run alone and have no oracle, e.g. %s" % (len(silent), silent[0]))

    rows, everything, failed = [], [], False
    for run, found in recordings.items():
        verdicts, unknown = judge(root, run, found, oracle)
        missing = [verdict for verdict in verdicts if verdict.missing]
        if missing:
            there = witness.whole([verdict.test for verdict in missing], run)
            shared = in_contexts(root, found)
            missing = [
                verdict._replace(lost=[one for one in verdict.missing if one in shared or one in there[verdict.test]])
                for verdict in missing
            ]
        everything += missing + [verdict for verdict in verdicts if not verdict.missing]
        needed = sum(verdict.needed for verdict in verdicts)
        surplus = sum(verdict.surplus for verdict in verdicts)
        lost = sum(len(verdict.lost) for verdict in missing)
        count = sum(len(verdict.missing) for verdict in missing)
        rows.append(
            [
                run,
                mechanism_of(found),
                str(len(verdicts)),
                str(needed),
                str(count),
                str(lost),
                str(count - lost),
                str(len(missing)),
                "%d (%.0f %%)" % (surplus, 100.0 * surplus / needed if needed else 0),
                str(len(unknown)),
            ]
        )
        failed = failed or not verdicts or bool(unknown or lost or (missing and not args.allow_state))
        for verdict in sorted(missing, key=lambda one: -len(one.lost))[:10]:
            print("  MISSING in the %s recording: %s" % (run, verdict.test))
            for code in (verdict.lost + [one for one in verdict.missing if one not in verdict.lost])[:8]:
                why = "LOST" if code in verdict.lost else "only when alone"
                print("      %s:%d %s  (%s)" % (*code, why))
        for test in unknown[:5]:
            print("  NOT RECORDED in the %s recording: %s" % (run, test))
    head = ["recording", "mechanism", "tests", "functions executed", "missing", "lost", "only when alone"]
    print("\n" + measure.table([*head, "tests with missing", "surplus", "not recorded"], rows))
    if any(row[4] != "0" for row in rows):
        print(
            "lost: the test executed it in a whole run of that order too, or a context that Winnow recorded holds it."
        )
        print("only when alone: in a whole run an earlier test left ready what it makes (a cache, a registry).")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as target:
            json.dump(
                {"version": 1, "project": os.path.basename(root), "verdicts": [v._asdict() for v in everything]},
                target,
                indent=1,
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
