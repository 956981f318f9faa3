"""Temporary projects, and real pytest processes in them under the collector."""

import json
import os
import subprocess
import sys
import textwrap
from typing import Any, Dict, List, Optional, Sequence

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from journal_reader import Journal, read_journals  # noqa: E402

BOOTSTRAP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "winnow_pytest.py")

# For tests of what a tracer sees: the collector's own lines are not measured then (see measuring/).
UNMEASURED = {"COVERAGE_PROCESS_START": ""}


class Explosive:
    """Nothing may compare it, or ask whether it is true."""

    def __eq__(self, other):
        raise AssertionError("compared")

    def __bool__(self):
        raise AssertionError("asked")

    def __len__(self):
        raise AssertionError("measured")

    __hash__ = None


class Run:
    """What a pytest process left behind."""

    def __init__(self, process: "subprocess.CompletedProcess[str]", journals: List[Journal]) -> None:
        self.exit = process.returncode
        self.out = process.stdout
        self.err = process.stderr
        # Of processes that a test has started and that report, by their numbers; and of all others.
        self.children = {journal.start["child"]: journal for journal in journals if "child" in journal.start}
        self.journals = [journal for journal in journals if "child" not in journal.start]

    @property
    def journal(self) -> Journal:
        """The journal, if there is one only."""
        assert len(self.journals) == 1, (self.out, self.err)
        return self.journals[0]

    @property
    def of_tests(self) -> List[Journal]:
        """The journals of processes that ran tests."""
        return [journal for journal in self.journals if journal.start["role"] != "controller"]

    def journal_of(self, test: str) -> Journal:
        """The journal that tells of a test."""
        found = [journal for journal in self.journals if test in journal.tests]
        assert len(found) == 1, (test, [sorted(journal.tests) for journal in self.journals], self.out, self.err)
        return found[0]


class Project:
    """A project in a temporary directory."""

    def __init__(self, path: Any) -> None:
        self.root = path / "project"
        self.root.mkdir()
        self.temp = path / "temp"
        self.temp.mkdir()
        self._journals = path / "journals"
        self._runs = 0

    def write(self, files: Dict[str, str]) -> None:
        """Write files: path → text (dedented)."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    def run(
        self,
        *args: str,
        plan: Optional[dict] = None,
        env: Optional[Dict[str, str]] = None,
        cwd: str = ".",
        python_args: List[str] = [],
        **session: Any,
    ) -> Run:
        """Run pytest under the collector."""
        self._runs += 1
        journals = self._journals / str(self._runs)
        journals.mkdir(parents=True)
        plan_path = None
        if plan is not None:
            plan_path = journals / "plan.json"
            plan_path.write_text(
                json.dumps(dict({"version": 1, "skipFiles": [], "skipTests": {}, "everything": False}, **plan))
            )
        description = {
            "version": 1,
            "root": str(self.root),
            "journals": str(journals),
            "run": "run%d" % self._runs,
            "plan": None if plan_path is None else str(plan_path),
            "mechanism": "auto",
            "bytecode": str(journals / "bytecode"),
            "record": True,
            "ignoreDirs": [str(self.root / ".winnow")],
        }
        description.update(session)
        (journals / "session.json").write_text(json.dumps(description))
        environment = self.environment()
        environment["WINNOW_SESSION"] = str(journals / "session.json")
        environment.update(env or {})
        process = subprocess.run(
            [sys.executable, *python_args, BOOTSTRAP, *_plugins(args), *args],
            cwd=str(self.root / cwd),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            timeout=120,
        )
        return Run(process, read_journals(str(journals)))

    def run_bare(self, *args: str) -> "subprocess.CompletedProcess[str]":
        """Run pytest without the collector."""
        return subprocess.run(
            [sys.executable, "-m", "pytest", *_plugins(args), *args],
            cwd=str(self.root),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            timeout=120,
        )

    def environment(self) -> Dict[str, str]:
        """The environment of the processes: nothing that this process's own pytest has left there."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST", "WINNOW", "PYTHON", "COV_")) and name != "TMPDIR"
        }
        environment.update(TMPDIR=str(self.temp), WINNOW_DEBUG="1", PYTHONHASHSEED="0")
        # Plugins that happen to be installed are no part of these tests: they shuffle, warn, and double the time.
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        return environment


def _plugins(args: Sequence[str]) -> List[str]:
    """What loads the plugins that the arguments speak of."""
    return ["-p", "xdist.plugin"] if "-n" in args else []


@pytest.fixture
def importable(monkeypatch):
    """The collector's modules can be imported here."""
    monkeypatch.syspath_prepend(os.path.dirname(BOOTSTRAP))


@pytest.fixture
def project(tmp_path):
    """An empty project."""
    return Project(tmp_path)
