"""Demonstrates, with everything measured in this run, which tool attributes shared code to which test.

    python3 bench/demo_attribution.py [--cache DIR] [--json FILE] [--markdown FILE]

It sets up pytest-testmon 2.2.0 and Winnow in separate environments and replays two things.

*Two tests, one line.*  Two tests among 200 call the same function; the function is then broken, so that both must
fail. pytest-testmon runs with coverage.py's C tracer and with its `sys.monitoring` core, and with its
`TEST_BATCH_SIZE` (how many tests share one stretch of measuring) at 250, as shipped, and at 1. The constant has no
setting: the copy of testmon in an environment of its own is edited for that, and nowhere else. It is also shown
without testmon: coverage.py alone, two contexts, one function.

*Nine tests.*  A session fixture, a module fixture, an `lru_cache` and a module imported lazily, each with a first
and a later user, and one module constant. Each is edited in turn; right is a test that runs where its outcome
changed.

Truth is bare pytest after the edit: what fails there had to be run.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import environments
import measure
from environments import Version
from generate import generate

_RESULT = re.compile(r"^(\S+::\S+) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b", re.MULTILINE)
FILLERS = 198


class Tool(NamedTuple):
    """A tool in its environment, with the settings of one row."""

    name: str
    core: str
    batch: str
    python: str
    record: List[str]
    after: List[str]
    env: Dict[str, str]

    def command(self, arguments: List[str], project: str) -> List[str]:
        """The command line for `arguments` of pytest."""
        if self.name == "Winnow":
            return environments.winnow(self.python, ["-v", *arguments], project)
        return [self.python, "-m", "pytest", "-v", *arguments]


Scored = Tuple[Tool, Dict[str, Tuple[int, int, int]]]
"""A tool and, per edit of the nine-test probe: right, concerned, ran for nothing."""


class Row(NamedTuple):
    """What one tool did in the scenario of the two tests."""

    python: str
    tool: str
    core: str
    batch: str
    selected: int
    missed: List[str]
    record_cpu: float
    ratio: float
    peak_mib: float


# --- projects -------------------------------------------------------------------------------------------------------


def _write(root: str, files: Dict[str, str]) -> None:
    old = time.time() - 3600
    for path, text in files.items():
        full = os.path.join(root, *path.split("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as out:
            out.write(textwrap.dedent(text).lstrip("\n"))
        os.utime(full, (old, old))


def _replace(root: str, path: str, before: str, after: str) -> None:
    full = os.path.join(root, *path.split("/"))
    with open(full, encoding="utf-8") as source:
        text = source.read()
    assert text.count(before) == 1, (path, before)
    with open(full, "w", encoding="utf-8") as out:
        out.write(text.replace(before, after))


PAIR = {
    "src/till.py": '''
        """One function, two users."""


        def total(prices):
            amount = sum(prices)
            return amount
    ''',
    "tests/test_a_receipt.py": """
        from till import total


        def test_receipt():
            assert total([1, 2]) == 3
    """,
    "tests/test_b_invoice.py": """
        from till import total


        def test_invoice():
            assert total([4, 5]) == 9
    """,
}
PAIR_TESTS = {"tests/test_a_receipt.py::test_receipt", "tests/test_b_invoice.py::test_invoice"}


def _pair_project(root: str) -> None:
    """The two tests among 198 generated ones, which give the recording something to weigh; 200 are one batch of 250."""
    generate(root, tests=FILLERS, modules=60, files=30, busy=300)
    _write(root, PAIR)


def _break_pair(root: str) -> None:
    _replace(root, "src/till.py", "amount = sum(prices)", "amount = sum(prices) + 1")


NINE = {
    "pyproject.toml": """
        [tool.pytest.ini_options]
        testpaths = ["tests"]
        pythonpath = ["src"]
    """,
    "src/nine/__init__.py": "",
    "src/nine/session.py": """
        def open_catalogue():
            return 10
    """,
    "src/nine/module.py": """
        def open_shelf():
            return 20
    """,
    "src/nine/cached.py": """
        from functools import lru_cache


        @lru_cache(maxsize=None)
        def rates():
            return compute()


        def compute():
            return 30
    """,
    "src/nine/lazy.py": """
        def measure():
            return 40


        SIZE = measure()
    """,
    "src/nine/constants.py": """
        LIMIT = 5
    """,
    "src/nine/prices.py": """
        from nine.constants import LIMIT


        def allowed(amount):
            return amount <= LIMIT
    """,
    "tests/conftest.py": """
        import pytest
        from nine.session import open_catalogue


        @pytest.fixture(scope="session")
        def catalogue():
            return open_catalogue()
    """,
    "tests/test_nine.py": """
        import pytest
        from nine.cached import rates
        from nine.module import open_shelf
        from nine.prices import allowed


        @pytest.fixture(scope="module")
        def shelf():
            return open_shelf()


        def test_session_first(catalogue):
            assert catalogue == 10


        def test_session_later(catalogue):
            assert catalogue + 1 == 11


        def test_module_first(shelf):
            assert shelf == 20


        def test_module_later(shelf):
            assert shelf + 1 == 21


        def test_cached_first():
            assert rates() == 30


        def test_cached_later():
            assert rates() + 1 == 31


        def test_lazy_first():
            from nine import lazy

            assert lazy.SIZE == 40


        def test_lazy_later():
            from nine import lazy

            assert lazy.SIZE + 1 == 41


        def test_constant():
            assert not allowed(6)
    """,
}
NINE_EDITS: List[Tuple[str, str, str, str]] = [
    ("session fixture", "src/nine/session.py", "return 10", "return 110"),
    ("module fixture", "src/nine/module.py", "return 20", "return 120"),
    ("lru_cache", "src/nine/cached.py", "return 30", "return 130"),
    ("lazy import", "src/nine/lazy.py", "return 40", "return 140"),
    ("module constant", "src/nine/constants.py", "LIMIT = 5", "LIMIT = 6"),
]


# --- tools ----------------------------------------------------------------------------------------------------------


def _set_batch_size(python: str, size: int) -> None:
    """Edits the constant in the copy of testmon that belongs to this environment, and checks what Python then sees."""
    ask = "import testmon.testmon_core as t; print(t.__file__); print(t.TEST_BATCH_SIZE)"
    path, now = _ask(python, ask).split()
    if int(now) != size:
        with open(path, encoding="utf-8") as source:
            text = source.read()
        changed = re.sub(r"^TEST_BATCH_SIZE = \d+$", "TEST_BATCH_SIZE = %d" % size, text, flags=re.MULTILINE)
        # A new file in its place: installers link files from a cache that other environments share.
        with open(path + ".new", "w", encoding="utf-8") as out:
            out.write(changed)
        os.replace(path + ".new", path)
    assert int(_ask(python, ask).split()[1]) == size, "TEST_BATCH_SIZE could not be set"


def _ask(python: str, code: str, env: Optional[Dict[str, str]] = None) -> str:
    done = subprocess.run(
        [python, "-c", code],
        env=measure.clean_environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise RuntimeError(text[-2000:])
    return text.strip()


def _testmon_tools(python: str, cache: str, bare: str, cores: Sequence[str]) -> List[Tool]:
    wanted = [environments.TESTMON, "pytest==" + environments.versions(bare, ["pytest"])["pytest"]]
    tools = []
    for size in (250, 1):
        inside = environments.environment(python, "testmon-batch-%d" % size, wanted, cache)
        _set_batch_size(inside, size)
        for core in cores:
            env = {} if core == "default" else {"COVERAGE_CORE": core}
            tools.append(Tool("pytest-testmon", core, str(size), inside, ["--testmon"], ["--testmon"], env))
    return tools


# coverage.py alone: no test runner, no batch, two contexts and one function.
_ALONE = """
import coverage, json, os, sys, tempfile, warnings
warnings.simplefilter("ignore")
folder = tempfile.mkdtemp()
path = os.path.join(folder, "shared.py")
with open(path, "w") as out:
    out.write("def total():\\n    return 3\\n")
sys.path.insert(0, folder)
cov = coverage.Coverage(data_file=None, config_file=False, include=[os.path.join(folder, "*")])
cov.start()
from shared import total
cov.switch_context("first"); total()
cov.switch_context("second"); total()
tracer = cov._collector.tracer_name()
cov.stop()
seen = cov.get_data().contexts_by_lineno(path).get(2, [])
print(json.dumps([tracer, sorted(context for context in seen if context)]))
"""


def _coverage_alone(python: str, core: str) -> Tuple[str, List[str]]:
    env = {} if core == "default" else {"COVERAGE_CORE": core}
    tracer, contexts = json.loads(_ask(python, _ALONE, env).splitlines()[-1])
    return str(tracer), [str(context) for context in contexts]


# --- the two replays ------------------------------------------------------------------------------------------------


def _outcomes(done: measure.Measured) -> Dict[str, str]:
    return {test: outcome for test, outcome in _RESULT.findall(re.sub(r"\x1b\[[0-9;]*m", "", done.output))}


def _checked(done: measure.Measured, what: str, allowed: Sequence[int]) -> measure.Measured:
    if done.exit not in allowed:
        raise RuntimeError("%s ended with %d:\n%s" % (what, done.exit, done.output[-3000:]))
    return done


def _failing(bare: str, project: str) -> Set[str]:
    done = measure.run([bare, "-m", "pytest", "-v", "-p", "no:cacheprovider"], project)
    return {
        test
        for test, outcome in _outcomes(_checked(done, "bare pytest", (0, 1))).items()
        if outcome in ("FAILED", "ERROR")
    }


def _fresh(project: str, build: Callable[[str], None]) -> None:
    shutil.rmtree(project, ignore_errors=True)
    os.makedirs(project)
    build(project)


def replay_pair(tools: Sequence[Tool], bare: str, version: str, project: str, rounds: int) -> List[Row]:
    """The two tests on one line, for every tool; recording is measured `rounds` times beside bare pytest."""
    rows = []
    for tool in tools:
        ratios, cpus, peaks = [], [], []
        for _ in range(rounds):
            _fresh(project, _pair_project)
            # The first run of all writes the byte code, for both sides of the ratio alike.
            measure.run([bare, "-m", "pytest", "-q", "-p", "no:cacheprovider"], project)
            plain = _checked(
                measure.run([bare, "-m", "pytest", "-v", "-p", "no:cacheprovider"], project), "bare pytest", (0,)
            )
            recorded = _checked(
                measure.run(tool.command(tool.record, project), project, tool.env), tool.name + " recording", (0,)
            )
            cpus.append(recorded.cpu)
            peaks.append(recorded.peak_mib)
            ratios.append(recorded.cpu / plain.cpu)
        _break_pair(project)
        ran = _outcomes(
            _checked(measure.run(tool.command(tool.after, project), project, tool.env), tool.name, (0, 1, 5))
        )
        needed = _failing(bare, project)
        assert needed == PAIR_TESTS, needed
        rows.append(
            Row(
                version,
                tool.name,
                tool.core,
                tool.batch,
                len(ran),
                sorted(needed - set(ran)),
                measure.median(cpus),
                measure.median(ratios),
                measure.median(peaks),
            )
        )
        print(
            "  %s %s, batch %s: selected %d, missed %d"
            % (tool.name, tool.core, tool.batch, len(ran), len(rows[-1].missed)),
            flush=True,
        )
    return rows


def replay_nine(tools: Sequence[Tool], bare: str, project: str) -> List[Scored]:
    """The nine tests for every tool, each edit on a fresh recording."""
    out = []
    for tool in tools:
        score: Dict[str, Tuple[int, int, int]] = {}
        for name, path, before, after in NINE_EDITS:
            _fresh(project, lambda root: _write(root, NINE))
            recorded = measure.run(tool.command(tool.record, project), project, tool.env)
            assert len(_outcomes(_checked(recorded, tool.name + " recording", (0,)))) == 9
            _replace(project, path, before, after)
            ran = set(
                _outcomes(
                    _checked(measure.run(tool.command(tool.after, project), project, tool.env), tool.name, (0, 1, 5))
                )
            )
            needed = _failing(bare, project)
            score[name] = (len(needed & ran), len(needed), len(ran - needed))
        assert sum(needed for _, needed, _ in score.values()) == 9, score
        out.append((tool, score))
        print(
            "  %s %s, batch %s: %d of 9" % (tool.name, tool.core, tool.batch, sum(s[0] for s in score.values())),
            flush=True,
        )
    return out


# --- the page -------------------------------------------------------------------------------------------------------


def _pair_table(rows: Sequence[Row]) -> str:
    body = []
    for row in rows:
        body.append(
            [
                row.python,
                row.tool,
                row.core,
                row.batch,
                str(row.selected),
                str(len(row.missed)),
                "%.2f s (%.1f × bare)" % (row.record_cpu, row.ratio),
                "%.0f MiB" % row.peak_mib,
            ]
        )
    return measure.table(
        ["Python", "tool", "core", "batch", "selected", "missed", "recording, CPU", "peak memory"], body
    )


def _explanation(rows: Sequence[Row], alone: Sequence[Tuple[str, str, str, List[str]]]) -> List[str]:
    """What the figures of this run say, and nothing that they do not say."""

    def missed(core: str, batch: str) -> List[int]:
        return [len(r.missed) for r in rows if r.tool == "pytest-testmon" and r.core == core and r.batch == batch]

    lines = [
        "coverage.py alone, one process, no test runner and no batch: the contexts credited with the shared line",
        "",
    ]
    lines.append(
        measure.table(
            ["Python", "COVERAGE_CORE", "tracer in use", "contexts (two called it)"],
            [[v, c, t, ", ".join(s)] for v, c, t, s in alone],
        )
    )
    lines.append("")
    tracer_loses = any(missed("ctrace", "250") + missed("ctrace", "1"))
    monitor_loses = all(missed("sysmon", "250")) and bool(missed("sysmon", "250"))
    restart_heals = not any(missed("sysmon", "1"))
    alone_loses = all(len(seen) == 1 for _, core, _, seen in alone if core == "sysmon")
    alone_keeps = all(len(seen) == 2 for _, core, _, seen in alone if core == "ctrace")
    if monitor_loses and not tracer_loses and alone_loses and alone_keeps:
        lines += [
            "What is lost is lost by the monitoring core, not by the batch: at batch size 250 the C tracer misses",
            "nothing and the monitoring core misses a test; and coverage.py alone, without any batch, credits the",
            "shared line to the first context only. Its monitoring core asks `sys.monitoring` to fall silent for a",
            "line once seen (that is what makes it fast), and a switch of context does not re-arm it.",
        ]
        if restart_heals:
            lines.append(
                "Batch size 1 only hides it: testmon restarts coverage.py after every batch, which re-arms all lines."
            )
        else:
            lines.append("Here batch size 1 did not help either.")
        if any(core == "default" and tracer == "SysMonitor" for _, core, tracer, _ in alone):
            lines.append("On Python 3.14 coverage.py uses that core unless it is told otherwise: the rows `default`.")
    else:
        lines.append(
            "The figures of this run do not separate the monitoring core from the batch: read the table, not a story."
        )
    return lines


def _nine_table(scores: Sequence[Scored]) -> str:
    names = [edit[0] for edit in NINE_EDITS]
    body = []
    for tool, score in scores:
        cells = ["%d of %d" % score[name][:2] for name in names]
        right = sum(score[name][0] for name in names)
        idle = sum(score[name][2] for name in names)
        body.append([tool.name, tool.core, tool.batch, *cells, "%d of 9" % right, str(idle)])
    return measure.table(["tool", "core", "batch", *names, "right", "ran for nothing"], body)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="which tool attributes shared code to which test")
    parser.add_argument("--cache", help="directory for environments and projects (default: .cache/bench)")
    parser.add_argument("--rounds", type=int, default=3, help="recordings per figure; the median is shown")
    parser.add_argument("--json", help="also write the figures there")
    parser.add_argument("--markdown", help="also write the page there")
    parser.add_argument("--only-testmon", action="store_true", help="leave Winnow out (it is not built)")
    args = parser.parse_args()
    cache = environments.cache_directory(args.cache)
    if not args.only_testmon and not environments.has_winnow():
        sys.exit("Winnow is not built yet: run `npm run build` (or --only-testmon)")
    pythons: Dict[Version, str] = environments.interpreters((3, 12))
    if not pythons:
        sys.exit(
            "coverage.py's monitoring core needs Python 3.12 or later; none was found on PATH or in pyenv's folder"
        )

    rows: List[Row] = []
    alone: List[Tuple[str, str, str, List[str]]] = []
    nine: List[Scored] = []
    tools_of: List[Tool] = []
    bare = ""
    found: Dict[str, str] = {}
    project = os.path.join(cache, "projects", "attribution")
    for minor, python in pythons.items():
        version = environments.version_of(python) or "?"
        bare = environments.environment(python, "bare", ["pytest<10"], cache)
        # From 3.14 on the monitoring core is coverage.py's default: what a user gets without setting anything.
        cores = ["ctrace", "sysmon", *(["default"] if minor >= (3, 14) else [])]
        tools_of = _testmon_tools(python, cache, bare, cores)
        found = environments.versions(tools_of[0].python, ["pytest", "coverage", "pytest-testmon"])
        for core in cores:
            tracer, contexts = _coverage_alone(tools_of[0].python, core)
            alone.append((version, core, tracer, contexts))
        if not args.only_testmon:
            tools_of.append(Tool("Winnow", "–", "–", bare, [], [], {}))
        print("Python %s: two tests, one line" % version, flush=True)
        rows += replay_pair(tools_of, bare, version, project, args.rounds)

    print("Python %s: nine tests" % version, flush=True)
    contenders = [tool for tool in tools_of if tool.core != "default"]
    try:
        wanted = [environments.DIFFTEST, "pytest==" + found["pytest"]]
        difftest = environments.environment(python, "difftest", wanted, cache)
        # Before Winnow's row, which is the last where it is there.
        contenders.insert(
            len(tools_of) if args.only_testmon else len(contenders) - 1,
            Tool("pytest-difftest", "–", "–", difftest, ["--diff-baseline"], ["--diff"], {}),
        )
    except RuntimeError as error:
        print("  pytest-difftest is left out, it does not install here: %s" % str(error).splitlines()[0])
    nine = replay_nine(contenders, bare, project)

    page = "\n".join(
        [
            "# Who is credited with shared code",
            "",
            "Two tests of %d call one function, which is then broken: both must run. %s"
            % (FILLERS + 2, _versions(found)),
            "`batch` is testmon's TEST_BATCH_SIZE, set by editing testmon's copy in an environment of its own.",
            "",
            _pair_table(rows),
            "",
            *_explanation(rows, alone),
            "",
            "Nine tests: each shared thing is edited in turn; right is a test that ran and had to. Python %s."
            % version,
            "",
            _nine_table(nine),
            "",
        ]
    )
    print("\n" + page)
    if args.markdown:
        with open(args.markdown, "w", encoding="utf-8") as out:
            out.write(page)
    if args.json:
        figures = {
            "version": 1,
            "machine": measure.machine(),
            "versions": found,
            "pair": [row._asdict() for row in rows],
            "coverageAlone": alone,
            "nine": [{"tool": t.name, "core": t.core, "batch": t.batch, "score": s} for t, s in nine],
        }
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(figures, out, indent=1)
    winnow_missed = [row for row in rows if row.tool == "Winnow" and row.missed]
    winnow_nine = [s for t, s in nine if t.name == "Winnow" and sum(x[0] for x in s.values()) < 9]
    sys.exit(1 if winnow_missed or winnow_nine else 0)


def _versions(found: Dict[str, str]) -> str:
    return "(%s; medians)" % ", ".join("%s %s" % item for item in sorted(found.items()))


if __name__ == "__main__":
    main()
