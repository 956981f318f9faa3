#!/usr/bin/env python3
"""pytest's watchers around Winnow: does the store survive what they do to it, and is the last verdict right?

    python3 bench/watchers.py [--python PYTHON] [--saves 8] [--seed 1]

For pytest-watcher and pytest-watch (`ptw`), each in an environment of its own, on a small project with slow tests:

- around `pytest --testmon --testmon-readonly`, while files are saved in the middle of its runs and its pytest is
  killed: is the store the same to the byte afterwards?
- around `pytest --testmon`, with the same: once it is quiet, does the last run fail what a fresh full run fails?

Ends with 1 if not.
"""

import argparse
import contextlib
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List, Set

import environments
from measure import clean_environment

PLUGIN = Path(environments.REPOSITORY, "python")
FUNCTIONS = 8
PATIENCE = 120.0

# By name: the requirement, and how it is started on the current directory.
WATCHERS = {
    "pytest-watcher": ("pytest-watcher==0.6.3", ["pytest_watcher", "--now", "--runner", "{runner}", "."]),
    "pytest-watch": ("pytest-watch==4.2.0", ["pytest_watch", "--nobeep", "--runner", "{runner}", "--"]),
}


def source(values: List[int]) -> str:
    """The module: one function a test file, each of which is right if it returns its number."""
    return "".join("def number_%d():\n    return %d\n\n\n" % each for each in enumerate(values))


def write_project(root: Path) -> None:
    """Test files of two tests each; a run of all takes some seconds."""
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "numbers_of.py").write_text(source(list(range(FUNCTIONS))))
    for index in range(FUNCTIONS):
        (root / ("test_%d.py" % index)).write_text(
            "import time\nimport numbers_of\n\n\n"
            "def test_right():\n    time.sleep(0.2)\n    assert numbers_of.number_%d() == %d\n\n\n"
            "def test_number():\n    time.sleep(0.2)\n    assert numbers_of.number_%d() >= 0\n" % (index, index, index)
        )


def digest(directory: Path) -> Dict[str, str]:
    """Every file below a directory, and what it holds."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def failing(output: str) -> Set[str]:
    """Node ids in pytest's short summary."""
    return set(re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.M))


class Watched:
    """A project with a watcher on it."""

    def __init__(self, python: str, root: Path) -> None:
        self.python = python
        self.root = root
        self.log = root.parent / "log.txt"
        self.env = dict(clean_environment(), PYTHONPATH=str(PLUGIN), PYTEST_PLUGINS="pytest_winnow.plugin")
        # Watchers want a runner of one word; this one also writes down which processes there are to kill.
        self.runner = root.parent / "runner"
        self.pids = root.parent / "pids"
        self.runner.write_text('#!/bin/sh\necho $$ >> "%s"\nexec "%s" -m pytest "$@"\n' % (self.pids, python))
        self.runner.chmod(0o755)

    def pytest(self, *args: str) -> str:
        """One run without the watcher."""
        command = [str(self.runner), "-q", "-rfE", *args]
        done = subprocess.run(
            command, cwd=str(self.root), env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
        return done.stdout.decode("utf-8", "replace")

    @contextlib.contextmanager
    def watch(self, command: List[str], args: List[str]) -> Iterator[None]:
        """The watcher, from its first run to its end."""
        started = [self.python, "-m"] + [part.format(runner=self.runner) for part in command]
        self.pids.write_text("")
        with open(self.log, "wb") as log:
            process = subprocess.Popen(
                started + ["-q", "-rfE", *args],
                cwd=str(self.root),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                self.wait_for_runs(1)
                yield
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def runs(self) -> List[int]:
        """The processes of pytest that the watcher started."""
        return [int(line) for line in self.pids.read_text().split()]

    def wait_for_runs(self, count: int) -> None:
        """Until the watcher has started so many."""
        self._wait(lambda: len(self.runs()) >= count, "start run %d" % count)

    def wait_until_quiet(self) -> None:
        """Until none has run for two seconds."""
        last = time.monotonic()

        def is_quiet() -> bool:
            nonlocal last
            if any(Path("/proc/%d" % pid).exists() for pid in self.runs()):
                last = time.monotonic()
            return time.monotonic() - last > 2

        self._wait(is_quiet, "end its runs")

    def _wait(self, condition, what: str) -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > until:
                sys.exit("the watcher did not %s; it said:\n%s" % (what, self.log.read_text()[-3000:]))
            time.sleep(0.05)

    def disturb(self, rng: random.Random, saves: int) -> None:
        """Saves in the middle of runs; in one of three cases the run is killed as well."""
        values = list(range(FUNCTIONS))
        for _ in range(saves):
            time.sleep(rng.uniform(0.3, 2.5))
            index = rng.randrange(FUNCTIONS)
            values[index] = index if values[index] != index else rng.choice([-1, index + 1])
            (self.root / "numbers_of.py").write_text(source(values))
            if rng.random() < 1 / 3:
                with contextlib.suppress(ProcessLookupError, IndexError):
                    os.kill(self.runs()[-1], signal.SIGKILL)
        # One that nobody disturbs: it has to set right whatever the others left.
        self.wait_until_quiet()
        before = len(self.runs())
        values[0] = -1 if values[0] == 0 else 0
        (self.root / "numbers_of.py").write_text(source(values))
        self.wait_for_runs(before + 1)
        self.wait_until_quiet()


def try_watcher(name: str, python: str, saves: int, seed: int) -> bool:
    """Both questions; True if both answers are what they must be."""
    requirement, command = WATCHERS[name]
    inside = environments.environment(
        python, name, ["pytest==8.4.2", requirement, "setuptools<81"], environments.cache_directory()
    )
    directory = Path(tempfile.mkdtemp(prefix="winnow-watchers-"))
    try:
        root = directory / "project"
        root.mkdir()
        write_project(root)
        watched = Watched(inside, root)
        watched.pytest("--testmon")
        store = root / ".winnow"
        before = digest(store)
        with watched.watch(command, ["--testmon", "--testmon-readonly"]):
            watched.disturb(random.Random(seed), saves)
            count = len(watched.runs())
        same = bool(before) and digest(store) == before
        print("%s --testmon-readonly: %d runs, the store is %s" % (name, count, "the same" if same else "ANOTHER ONE"))
        with watched.watch(command, ["--testmon"]):
            watched.disturb(random.Random(seed + 1), saves)
            count = len(watched.runs())
        said = failing(re.split(r"(?m)^.*\d+ (?:passed|failed)[^\n]* in [^\n]*$", watched.log.read_text())[-2])
        again = failing(watched.pytest("--testmon"))
        shutil.copytree(
            root, directory / "fresh", ignore=shutil.ignore_patterns(".winnow", "__pycache__", ".pytest_cache")
        )
        watched.root = directory / "fresh"
        truth = failing(watched.pytest())
        right = said == truth and again == truth and bool(truth)
        print(
            "%s --testmon: %d runs, the last one fails %d tests, %s"
            % (name, count, len(said), "as a fresh full run does" if right else "BUT A FRESH FULL RUN %d" % len(truth))
        )
        return same and right
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main() -> int:
    """Each watcher in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=None)
    parser.add_argument("--saves", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    python = options.python or environments.newest((3, 9))
    # A list: both are tried, whatever the first comes to.
    results = [try_watcher(name, python, options.saves, options.seed) for name in WATCHERS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
