"""Suites that others wrote, from PyPI's source archives: what recording costs, and what each part of it does.

    bench/run suites [--only NAME ...] [--pairs 5] [--pythons 3.13,3.11] [--tools bare,winnow,testmon] [--publish]

Each suite is pinned, unpacked, installed for development into one environment per Python and tool, and run by all tools
interleaved, as in `compare.py`: all tests (bare pytest), recording, and a run where nothing changed. Ratios are taken
within a round. What a tool keeps is removed before it records, but for byte code, Python's own and Winnow's, which is
written by runs before the first round.

*Parts*: the same suite under the collector alone, without the engine, started as the engine starts it, first with
parts that do not watch (`without` in the session file): functions alone; also inputs (files, listings, what exists,
variables); also state that tests leave to each other. What `winnow run` costs beyond that is the engine's.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import datetime, timezone
from typing import Dict, List, NamedTuple, Tuple

import compare
import environments
import invocation
import measure
import report
import speed_report

Row = Dict[str, object]


class Suite(NamedTuple):
    """A pinned source archive, what its tests need besides, and pytest's arguments."""

    name: str
    version: str
    kind: str
    needs: Tuple[str, ...] = ()
    arguments: Tuple[str, ...] = ("tests",)
    pytest: str = "pytest<10"


SUITES = [
    Suite(
        "packaging",
        "26.4",
        "many short tests",
        ("pretend", "tomli_w"),
        ("tests", "--ignore=tests/test_version.py", "--ignore=tests/property"),
    ),
    Suite("marshmallow", "4.4.0", "short tests", ("simplejson",)),
    Suite("jinja2", "3.1.6", "a compiler", ("trio",)),
    Suite("click", "8.5.1", "command lines"),
    Suite(
        "flask",
        "3.1.3",
        "an application for each test",
        ("asgiref", "python-dotenv"),
        ("tests", "--deselect=tests/test_reqctx.py::test_bad_environ_raises_bad_request"),
        "pytest<9",
    ),
    Suite("sqlite-utils", "4.2.1", "a database for each test", ("hypothesis",)),
    Suite("more-itertools", "11.2.1", "computing"),
]

# What each row of the parts leaves out, from the least to everything.
PARTS = {"functions": ["inputs", "state"], "and inputs": ["state"], "and state": []}
STORE, BYTECODE = ".winnow", "bytecode"


def unpack(suite: Suite, cache: str, python: str) -> str:
    """The suite's directory; downloaded and unpacked once for each Python."""
    folder = os.path.join(cache, "suites", "%s-%s-%s" % (suite.name, suite.version, environments.version_of(python)))
    mark = os.path.join(folder, "ready")
    if not os.path.exists(mark):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        # The environment's own pip: the interpreter's may be too old, or not be there.
        pip = environments.environment(python, "download", ["pip"], cache)
        command = [pip, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", folder]
        command.append("%s==%s" % (suite.name, suite.version))
        subprocess.run(command, env=measure.clean_environment(), check=True)
        (archive,) = [name for name in os.listdir(folder) if name.endswith(".tar.gz")]
        with tarfile.open(os.path.join(folder, archive)) as packed:
            packed.extractall(folder)
        with open(mark, "w", encoding="utf-8") as out:
            out.write(archive[: -len(".tar.gz")] + "\n")
    with open(mark, encoding="utf-8") as ready:
        return os.path.join(folder, ready.read().strip())


def forget(project: str) -> None:
    """Removes what tools keep in a project, and pytest's cache; byte code stays."""
    store = os.path.join(project, STORE)
    kept = [os.path.join(store, name) for name in os.listdir(store) if name != BYTECODE] if os.path.isdir(store) else []
    compare.remove([os.path.join(project, name) for name in compare.STATE if name != STORE] + kept)


def collector(python: str, project: str, arguments: List[str], without: List[str], nice: int) -> measure.Measured:
    """A run under the collector alone, started as the engine starts it, with parts left out."""
    scratch = tempfile.mkdtemp(prefix="winnow-suites-")
    try:
        bytecode = os.path.join(project, STORE, BYTECODE)
        session = invocation.session(scratch, project, run="suites", bytecode=bytecode, without=without)
        script = os.path.join(environments.REPOSITORY, "collector", "winnow_pytest.py")
        done = measure.run([python, script, *arguments], project, {"WINNOW_SESSION": session}, nice)
        if not os.listdir(os.path.join(scratch, "journals")):
            sys.exit("the collector wrote no journal in %s:\n%s" % (project, done.output[-2000:]))
        return done
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class Bench(NamedTuple):
    """One suite on one Python: the interpreter of each tool's environment, and the project."""

    suite: Suite
    version: str
    project: str
    pythons: Dict[str, str]
    nice: int

    def run(self, tool: str, step: str) -> measure.Measured:
        """One step by one tool."""
        python, arguments = self.pythons[tool], ["-q", *self.suite.arguments]
        if tool == "parts":
            return collector(python, self.project, arguments, PARTS[step], self.nice)
        command = compare.Tool(tool, python, self.project, arguments).command(step)
        return measure.run(command, self.project, nice=self.nice)


def prepare(suite: Suite, python: str, tools: List[str], cache: str, nice: int) -> Bench:
    """Makes the environments of a suite, and runs it once."""
    project = unpack(suite, cache, python)
    installed = [suite.pytest, *suite.needs, "-e", project]
    bare = environments.environment(python, suite.name, installed, cache)
    extra = {"testmon": environments.TESTMON, "difftest": environments.DIFFTEST}
    pythons = {"bare": bare, "winnow": bare, "parts": bare}
    for tool in tools:
        if tool in extra:
            pythons[tool] = environments.environment(
                python, "%s-%s" % (suite.name, tool), [*installed, extra[tool]], cache
            )
    bench = Bench(suite, environments.version_of(python) or "?", project, pythons, nice)
    forget(project)
    for tool in tools:
        first = bench.run(tool, "record")
        forget(project)
        if tool == "bare" and (first.exit != 0 or not first.ran()):
            sys.exit("%s does not pass without any tool:\n%s" % (suite.name, first.output[-3000:]))
    return bench


def rounds(bench: Bench, tools: List[str], pairs: int) -> List[Row]:
    """All rounds of one suite on one Python."""
    rows: List[Row] = []
    steps = [("bare", "all tests")]
    steps += [(tool, step) for tool in tools if tool != "bare" for step in ("record", "no change")]
    if "winnow" in tools:
        steps += [("parts", part) for part in PARTS]
    for pair in range(1, pairs + 1):
        turn = pair % len(steps)
        # A run without a change follows its recording.
        turn -= steps[turn][1] == "no change"
        for tool, step in steps[turn:] + steps[:turn]:
            if step != "no change":
                forget(bench.project)
            done = bench.run(tool, step)
            if step != "record":
                forget(bench.project)
            row: Row = {"suite": bench.suite.name, "python": bench.version, "pair": pair, "tool": tool, "step": step}
            row.update(cpu=round(done.cpu, 4), wall=round(done.wall, 4), peakMiB=round(done.peak_mib, 1))
            row.update(exit=done.exit, ran=done.ran())
            rows.append(row)
            print(_told(row), flush=True)
    return rows


def _told(row: Row) -> str:
    words = "%s %s %s %s %s" % tuple(row[key] for key in ("suite", "python", "pair", "tool", "step"))
    return "  %-50s cpu %8.3f s  wall %8.3f s  peak %6.1f MiB  exit %s  ran %s" % (
        (words,) + tuple(row[key] for key in ("cpu", "wall", "peakMiB", "exit", "ran"))
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="suites that others wrote: what recording costs")
    parser.add_argument("--only", nargs="+", choices=[suite.name for suite in SUITES], help="these suites")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--pythons", default="3.13,3.11", help="minor versions, separated by commas")
    parser.add_argument("--python", help="this interpreter instead")
    parser.add_argument("--tools", default="bare,winnow,testmon")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--cache", help="directory for environments, projects and results (default: .cache/bench)")
    parser.add_argument("--publish", action="store_true", help="write docs/speed.json and docs/benchmarks.md")
    args = parser.parse_args()
    if args.publish and args.only:
        parser.error("the table is published whole")
    if not environments.has_winnow():
        sys.exit("Winnow is not built yet: run `npm run build`")
    cache = environments.cache_directory(args.cache)
    tools = args.tools.split(",")
    there = {"%d.%d" % version: python for version, python in environments.interpreters().items()}
    for version in [] if args.python else args.pythons.split(","):
        if version not in there:
            sys.exit("no Python %s was found on PATH or in pyenv's folder" % version)
    pythons = [args.python] if args.python else [there[version] for version in args.pythons.split(",")]
    wanted = [suite for suite in SUITES if not args.only or suite.name in args.only]
    machine, measured = measure.machine(), environments.winnow_digest()
    rows: List[Row] = []
    for python in pythons:
        for suite in wanted:
            rows += rounds(prepare(suite, python, tools, cache, args.nice), tools, args.pairs)
    if environments.winnow_digest() != measured:
        sys.exit("Winnow was changed or rebuilt while it was measured: these figures are of no one version")
    node = measure.run([environments.node(), "-p", "process.versions.node"], cache).output.strip()
    entry: Dict[str, object] = {
        "command": "bench/run suites --pairs %d %s --tools %s"
        % (args.pairs, "--python PYTHON" if args.python else "--pythons " + args.pythons, args.tools),
        "when": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "machine": machine,
        "versions": {"Node": node, "pytest-testmon": environments.TESTMON.split("==")[1]},
        "pairs": args.pairs,
        "data": {
            "suites": {
                suite.name: {"version": suite.version, "kind": suite.kind, "pytest": suite.pytest} for suite in wanted
            },
            "rows": rows,
        },
    }
    print("\n" + "\n".join(speed_report.section("suites", entry)), flush=True)
    if args.publish:
        speed_report.publish({"suites": entry})
        report.republish()


if __name__ == "__main__":
    main()
