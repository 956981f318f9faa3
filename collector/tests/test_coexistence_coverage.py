"""pytest-cov: its report and its data are the same with and without Winnow; a threshold is for whole runs."""

import json
import os
import subprocess
import sys
from typing import Any, Dict, List

import pytest
from coexistence import Project, Run, check, library, of_plugins, only, plugin, winnow_lines


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: Any) -> None:
    """Coverage is what these tests are about: the collector's own lines are not measured meanwhile."""
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)


FILES = {
    "lib.py": library("a", "b", "c")
    + """

def branches(n):
    "A docstring."
    if n > 1:
        n += 1
    for i in range(n):
        if i == 7:
            break
    else:
        n -= 1
    try:
        return 1 // n
    except ZeroDivisionError:
        return None
    finally:
        n = 0


def generate(n):
    while n:
        yield n
        n -= 1
        if n == 100:
            return


class Thing:
    def __init__(self): self.x = [i for i in range(3) if i]
    @property
    def y(self):
        return (lambda: self.x)()


def never():
    return 0
""",
    "helper.py": """
        import threading

        def in_thread():
            seen = []
            def run():
                seen.append(1)
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
            return seen
    """,
    "test_cov.py": """
        import helper, lib, pytest

        def test_a():
            assert lib.a() == 3

        def test_b():
            assert lib.b() == 3
            assert lib.branches(0) is None or True

        @pytest.mark.parametrize("n", [1, 2])
        def test_branches(n):
            lib.branches(n)
            assert list(lib.generate(3)) == [3, 2, 1]
            assert lib.Thing().y == [1, 2]

        def test_thread():
            assert helper.in_thread() == [1]
    """,
}
TABLE = {
    "test_cov.py::test_a": {"a"},
    "test_cov.py::test_b": {"b"},
    "test_cov.py::test_branches[1]": set(),
    "test_cov.py::test_branches[2]": set(),
    "test_cov.py::test_thread": set(),
}
COV = ["--cov=.", "--cov-report=term-missing"]


def _cores() -> List[str]:
    """Coverage's ways to measure that may meet ours differently."""
    return ["ctrace", "sysmon"] if sys.version_info >= (3, 12) else ["ctrace"]


def _data(project: Project) -> Dict[str, Any]:
    """What the .coverage file says: lines, arcs and contexts of each file."""
    code = """
import json, sys
from coverage import CoverageData
data = CoverageData(".coverage")
data.read()
files = {}
for name in sorted(data.measured_files()):
    contexts = {line: sorted(names) for line, names in data.contexts_by_lineno(name).items()}
    files[name] = [sorted(data.lines(name)), sorted(data.arcs(name) or []), contexts]
json.dump(files, sys.stdout)
"""
    text = subprocess.run([sys.executable, "-c", code], cwd=project.root, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(text)


def _same(project: Project, *args: str, **env: str) -> None:
    bare = project.bare(*args, env=env)
    expected = _data(project)
    os.remove(project.path(".coverage"))
    first = project.winnow(*args, env=env)
    assert first.code == bare.code == 0, first.run
    assert first.run.lines == bare.lines
    assert _data(project) == expected
    assert set(first.tests) == set(TABLE)
    assert {name: first.bodies(name) & {"a", "b", "c"} for name in TABLE} == TABLE
    assert not first.notes


@pytest.mark.parametrize("branch", [False, True], ids=["lines", "branches"])
@pytest.mark.parametrize("core", _cores())
def test_same_report_and_data(tmp_path: Any, core: str, branch: bool) -> None:
    if core == "sysmon" and branch and sys.version_info < (3, 14):
        pytest.skip("coverage measures branches with sys.monitoring from Python 3.14 on")
    project = Project(tmp_path, FILES)
    args = [*plugin("cov"), *COV, *(["--cov-branch"] if branch else [])]
    _same(project, *args, COVERAGE_CORE=core)
    # With what is recorded nothing runs, and coverage splits nothing: without it nothing runs either.
    assert project.plan(*args, env={"COVERAGE_CORE": core}).kind == "nothing"
    assert project.plan(*plugin("cov")).kind == "nothing"


def test_contexts_and_workers(tmp_path: Any) -> None:
    project = Project(tmp_path, FILES)
    args = [*plugin("cov", "xdist"), *COV, "--cov-branch", "--cov-context=test", "-n1", "-q"]
    _same(project, *args, COVERAGE_CORE="ctrace")


@of_plugins
def test_an_edit_with_coverage(tmp_path: Any) -> None:
    files = {
        "lib.py": library("a", "b"),
        "test_cov.py": FILES["test_cov.py"].split("@pytest")[0].replace("helper, ", ""),
    }
    files["test_cov.py"] = files["test_cov.py"].replace("assert lib.branches(0) is None or True", "")
    project = Project(tmp_path, files)
    table = {name: functions for name, functions in TABLE.items() if functions}
    check(project, table, *plugin("cov"), *COV, same=_without_totals)


def _without_totals(lines: List[str]) -> List[str]:
    return [line for line in lines if line.strip()]


THRESHOLDS = {
    "addopts": {"pytest.ini": "[pytest]\naddopts = --cov=. --cov-fail-under=99\n"},
    "coverage": {
        "pytest.ini": "[pytest]\naddopts = --cov=.\n",
        ".coveragerc": "[report]\nfail_under = 99\n",
    },
    "pyproject": {
        "pytest.ini": "[pytest]\naddopts = --cov=.\n",
        "pyproject.toml": "[tool.coverage.report]\nfail_under = 99\n",
    },
}


@of_plugins
@pytest.mark.parametrize("where", sorted(THRESHOLDS))
def test_threshold(tmp_path: Any, where: str) -> None:
    project = Project(tmp_path, {"lib.py": library("a", "b"), "test_t.py": _threshold_tests()})
    project.write(THRESHOLDS[where])
    if where == "pyproject" and sys.version_info < (3, 11):
        pytest.importorskip("tomli")
    args = plugin("cov")
    # A whole run reaches it.
    first = project.winnow(*args)
    assert first.code == project.bare(*args).code == 0, first.run
    assert not winnow_lines(first.run, "threshold")
    # A part cannot: that is nobody's failure, and one line says so.
    project.edit_function("a")
    part = project.winnow(*args)
    assert set(part.tests) == {"test_t.py::test_a"}
    assert part.code == 0, part.run
    assert "threshold is not applied" in only(winnow_lines(part.run, "threshold"))
    if where != "addopts":
        return
    # A whole run that misses it fails, as without Winnow: also one that is whole only because everything changed.
    project.write({"conftest.py": "import lib\nif len('x') == 2:\n" + "".join("    y%d = 1\n" % n for n in range(50))})
    whole = project.winnow(*args)
    assert set(whole.tests) == {"test_t.py::test_a", "test_t.py::test_b"}
    assert whole.code == project.bare(*args).code == 1, whole.run


def _threshold_tests() -> str:
    return """
        import lib

        def test_a():
            assert lib.a() == 3

        def test_b():
            assert lib.b() == 3
    """
