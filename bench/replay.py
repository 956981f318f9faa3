#!/usr/bin/env python3
"""Real commits of a project, one after another: what do Winnow and pytest-testmon run of its tests, what do they miss?

    python3 bench/replay.py CLONE --python PYTHON [--commits 30] [--path src] [--tools winnow,testmon] -- PYTEST ARGS

`CLONE` is a git clone with history, PYTHON an environment with the project's requirements and pytest, in which the
project itself is imported from the tree (`--path`: directories below it for PYTHONPATH). Each tool has a copy of the
tree and records at the first commit; then all of them go from commit to commit, and so does bare pytest, which tells
the truth: a test is *missed* if its outcome is another one than at the commit before, or if it is new and does not
pass, and the tool did not run it. Ends with 1 if Winnow missed one. testmon lives in a directory of its own on
PYTHONPATH, and is asked as its users ask (`--testmon`). A *failed run* is one that ended with another exit code of
pytest's than those for passing, failing and no tests.
"""

import argparse
import datetime
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from typing import Dict, List, NamedTuple, Tuple

import environments
import invocation
import measure
import replays

PLUGINS = os.path.join(environments.REPOSITORY, "bench", "plugins")


class Step(NamedTuple):
    """What one tool did at one commit."""

    outcomes: Dict[str, str]
    cpu: float
    exit: int


def git(directory: str, *args: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", "-C", directory, *args], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8", "replace")


class Player:
    """One tool on its own copy of the project."""

    def __init__(self, name: str, options: argparse.Namespace, place: str, overlay: str) -> None:
        self.name = name
        self._options = options
        self.tree = os.path.join(place, name)
        self._overlay = overlay
        git(place, "clone", "-q", "--no-checkout", options.clone, self.tree)

    def go(self, commit: str) -> None:
        """Check the commit out; what a tool keeps in the tree stays."""
        git(self.tree, "checkout", "-q", "-f", commit)

    def run(self) -> Step:
        """Run the tool once."""
        arguments = self._options.arguments
        python = self._options.python
        if self.name == "winnow":
            command = environments.winnow(python, arguments, self.tree)
        else:
            command = [python, "-m", "pytest", *(["--testmon"] if self.name == "testmon" else []), *arguments]
        paths = [os.path.join(self.tree, path) for path in self._options.path] + [PLUGINS]
        if self.name == "testmon":
            paths.append(self._overlay)
        with tempfile.TemporaryDirectory() as directory:
            witness = os.path.join(directory, "witness")
            extra = {"PYTHONPATH": os.pathsep.join(paths), "PYTEST_PLUGINS": "bench_witness", "BENCH_WITNESS": witness}
            done = measure.run(command, self.tree, extra)
            outcomes: Dict[str, str] = {}
            if os.path.exists(witness):
                with open(witness, encoding="utf-8") as lines:
                    outcomes = {node: outcome for node, outcome, _ in map(json.loads, lines)}
        return Step({node: what for node, what in outcomes.items() if "::" in node}, done.cpu, done.exit)


def changed(before: Dict[str, str], now: Dict[str, str]) -> List[str]:
    """Tests that came to something else, and new ones that do not pass."""
    return [
        node
        for node, outcome in now.items()
        if (node in before and before[node] != outcome) or (node not in before and outcome == "failed")
    ]


def replay(
    options: argparse.Namespace, commits: List[str], place: str
) -> Tuple[Dict[str, List[Step]], List[Step], Dict[str, List[str]]]:
    """All steps of all tools, the truth, and what each tool missed."""
    cache = environments.cache_directory(options.cache)
    tools = options.tools.split(",")
    overlay = ""
    if "testmon" in tools:
        overlay = environments.overlay(options.python, "testmon", [environments.TESTMON, "coverage"], cache)
    players = [Player(name, options, place, overlay) for name in ["bare", *tools]]
    steps: Dict[str, List[Step]] = {name: [] for name in tools}
    truth: List[Step] = []
    missed: Dict[str, List[str]] = {name: [] for name in tools}
    for number, commit in enumerate(commits):
        for player in players:
            player.go(commit)
        full = players[0].run()
        line = "%s %4d tests, %.1f s" % (commit[:10], len(full.outcomes), full.cpu)
        for player in players[1:]:
            step = player.run()
            line += " | %s %4d, %.1f s" % (player.name, len(step.outcomes), step.cpu)
            if number > 0:
                steps[player.name].append(step)
                found = [node for node in changed(truth[-1].outcomes, full.outcomes) if node not in step.outcomes]
                missed[player.name] += ["%s %s" % (commit[:10], node) for node in found]
                line += ", %d missed" % len(found) if found else ""
        truth.append(full)
        print(line, flush=True)
    return steps, truth[1:], missed


def entry(
    options: argparse.Namespace,
    commits: List[str],
    machine: Dict[str, str],
    rows: List[List[str]],
    missed: Dict[str, List[str]],
) -> replays.Entry:
    """What is published: without paths of this machine."""
    words = ["python3", "bench/replay.py", os.path.basename(options.clone), "--python", "PYTHON"]
    words += ["--commits", str(options.commits)]
    for path in options.path:
        words += ["--path", path] if path else []
    found = environments.versions(options.python, ["pytest"])
    if "testmon" in options.tools.split(","):
        found["pytest-testmon"] = environments.TESTMON.partition("==")[2]
    return {
        "command": " ".join([*words, "--", *map(shlex.quote, options.arguments)]),
        "measured": datetime.date.today().isoformat(),
        "commits": "%s..%s" % (commits[0][:10], commits[-1][:10]),
        "versions": found,
        "machine": machine,
        "rows": rows,
        "missed": {name: nodes for name, nodes in missed.items() if nodes},
    }


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clone")
    parser.add_argument("--python", required=True)
    parser.add_argument("--commits", type=int, default=30)
    parser.add_argument("--until", default="HEAD", help="the last commit")
    parser.add_argument("--path", action="append", help="what goes on PYTHONPATH, below the tree (its top)")
    parser.add_argument("--tools", default="winnow,testmon")
    parser.add_argument("--cache")
    parser.add_argument("--publish", action="store_true", help="also put the result into docs/replays.md")
    words, rest = invocation.split(sys.argv[1:])
    options = parser.parse_args(words)
    options.arguments = rest
    options.clone = os.path.abspath(options.clone)
    log = git(options.clone, "log", "--first-parent", "--format=%H", "-n", str(options.commits + 1), options.until)
    commits = log.split()[::-1]
    machine = measure.machine()
    options.path = options.path or [""]
    place = tempfile.mkdtemp(prefix="winnow-replay-")
    try:
        steps, truth, missed = replay(options, commits, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    tests = sum(len(step.outcomes) for step in truth)
    cpu = sum(step.cpu for step in truth)
    rows = []
    for name, own in steps.items():
        ran = sum(len(step.outcomes) for step in own)
        rows.append(
            [
                name,
                str(len(own)),
                "%.1f %%" % (100 * (1 - ran / tests)) if tests else "",
                str(len(missed[name])),
                str(sum(step.exit not in (0, 1, 5) for step in own)),
                "%.2f" % (sum(step.cpu for step in own) / cpu) if cpu else "",
            ]
        )
    print("\n" + measure.table(replays.HEAD[1:], rows))
    for name, nodes in missed.items():
        for node in nodes:
            print("missed by %s: %s" % (name, node))
    if options.publish:
        replays.publish(os.path.basename(options.clone), entry(options, commits, machine, rows, missed))
    return 1 if missed.get("winnow") else 0


if __name__ == "__main__":
    sys.exit(main())
