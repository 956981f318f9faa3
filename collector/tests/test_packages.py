"""Installed packages that somebody uses, as far as no import statement of the project names them."""

import os
import subprocess
import sys

import pytest

SITE = {
    "site-packages/web.py": """
    import low
    try:
        import optional
    except ImportError:
        pass
    from importlib.metadata import PackageNotFoundError, entry_points, version
    try:
        version("web")
    except PackageNotFoundError:
        pass
    def late():
        import later
    def find(): return entry_points()
    """,
    "site-packages/low.py": "",
    "site-packages/later.py": "",
    "site-packages/named.py": "",
    "site-packages/data/__init__.py": "",
    "site-packages/data/table.txt": "1",
    "site-packages/web-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: web\nVersion: 1.0\n",
    "helper.py": "",
}


def recorded(project, source, files=None):
    project.write(dict(SITE, **dict({"test_it.py": source}, **(files or {}))))
    run = project.run("-q", env={"PYTHONPATH": str(project.root / "site-packages")})
    assert run.exit == 0, run.out + run.err
    assert run.journal.notes == []
    return run.journal


def packages(journal, test):
    return {entry[1] for entry in journal.inputs("test_it.py::" + test) if entry[0] == "package"}


def own(journal, test):
    return {entry[1] for entry in journal.tests["test_it.py::" + test]["inputs"] if entry[0] == "package"}


def edges(journal):
    return {entry[1] for entry in journal.contexts[0]["inputs"] if entry[0] == "edge"}


def test_statements_are_left_to_the_engine(project):
    journal = recorded(
        project,
        """
        import web, helper
        def test_1():
            import named
        """,
    )
    assert not packages(journal, "test_1") & {"web", "named", "low", "optional", "helper", "test_it", "os", "json"}
    assert {"web>low", "web>optional", "web>dist web"} <= edges(journal)
    assert not [edge for edge in edges(journal) if edge.endswith((">os", ">sys", ">json"))]
    # What pytest itself needs concerns everybody.
    assert {"pytest", "pluggy"} <= {name for name in packages(journal, "test_1")}


def test_names(project):
    journal = recorded(
        project,
        """
        import importlib, importlib.util
        import pytest, web
        def test_import_module(): importlib.import_module("named")
        def test_again(): importlib.import_module("named")
        def test_find_spec(): importlib.util.find_spec("named")
        def test_dunder(): __import__("named")
        def test_skip(): pytest.importorskip("named")
        def test_absent():
            with pytest.raises(pytest.skip.Exception): pytest.importorskip("gone")
        def test_executed(): exec("import data")
        def test_of_the_project(): importlib.import_module("helper")
        def test_of_the_library(): importlib.import_module("json")
        def test_late(): web.late()
        """,
    )
    for name in ("import_module", "again", "find_spec", "dunder", "skip"):
        assert own(journal, "test_" + name) == {"named"}, name
    assert own(journal, "test_absent") == {"gone"}
    for name in ("of_the_project", "of_the_library", "late"):
        assert own(journal, "test_" + name) == set(), name
    assert "web>later" in edges(journal)
    everybody = packages(journal, "test_late")
    # Whoever comes second finds it loaded.
    assert "data" in everybody and not everybody & {"named", "gone", "later"}


def test_distributions(project):
    journal = recorded(
        project,
        """
        import importlib.metadata as metadata
        import pytest, web
        def test_version(): assert metadata.version("web") == "1.0"
        def test_distribution(): metadata.distribution("Web")
        def test_absent():
            with pytest.raises(metadata.PackageNotFoundError) as caught: metadata.version("gone")
            assert caught.value.args == ("gone",)
        def test_all(): list(metadata.distributions())
        def test_entry_points(): metadata.entry_points()
        def test_through_another(): web.find()
        def test_none(): pass
        """,
    )
    assert own(journal, "test_version") == {"dist web"}
    assert own(journal, "test_distribution") >= {"dist Web"}
    assert own(journal, "test_absent") == {"dist gone"}
    for name in ("all", "entry_points", "through_another"):
        assert "*" in own(journal, "test_" + name), name
    assert own(journal, "test_none") == set()
    assert "*" not in packages(journal, "test_none")


def test_files_of_a_package(project):
    journal = recorded(
        project,
        """
        import os
        PLACE = os.path.join(os.path.dirname(__file__), "site-packages")
        def test_1(): open(os.path.join(PLACE, "data", "table.txt")).close()
        def test_2(): open(os.path.join(PLACE, "web-1.0.dist-info", "METADATA")).close()
        """,
    )
    assert own(journal, "test_1") == {"data"}
    assert own(journal, "test_2") == {"dist web"}
    assert [entry for entry in journal.inputs("test_it.py::test_1") if entry[0] == "file"] == []


def test_a_skip_is_told_of_as_before(project):
    source = """
        import pytest
        pytest.importorskip("gone")
    """
    project.write({"test_it.py": source})
    bare, ours = project.run_bare("-q", "-rs"), project.run("-q", "-rs")
    told = [[line for line in out.splitlines() if line.startswith("SKIPPED")] for out in (bare.stdout, ours.out)]
    assert told[0] == told[1] != []


def test_everything_is_put_back(project):
    code = """
import importlib.metadata, sys, pytest, _pytest.outcomes
sys.path.append(%r)
owner = importlib.metadata.Distribution
before = vars(owner)["from_name"], vars(owner)["discover"], pytest.importorskip, _pytest.outcomes.importorskip
from winnow_collector.recorder import Recorder
from winnow_collector.session import Session
recorder = Recorder(Session(%r, "", "r", None, "auto", "", True, []))
recorder.start()
recorder.watch_pytest()
assert vars(owner)["from_name"] is not before[0] and pytest.importorskip is not before[2]
assert importlib.metadata.version("pytest") == pytest.__version__
recorder.withdraw()
assert before == (
    vars(owner)["from_name"], vars(owner)["discover"], pytest.importorskip, _pytest.outcomes.importorskip
)
"""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    subprocess.run([sys.executable, "-c", code % (here, str(project.root))], check=True)


@pytest.mark.parametrize("where", ["sought", "named", "opened", "_asked"])
def test_a_failure_in_here_reaches_nobody(project, where):
    project.write(
        dict(
            SITE,
            **{
                "conftest.py": """
                import winnow_collector.packages as packages
                def broken(*args): raise KeyError("broken")
                packages.Packages.%s = broken
                """
                % where,
                "test_it.py": """
                import importlib.metadata, os
                def test_1():
                    import named
                    importlib.import_module("named")
                    open(os.path.join(os.path.dirname(__file__), "site-packages", "data", "table.txt")).close()
                    assert importlib.metadata.version("web") == "1.0"
                """,
            },
        )
    )
    run = project.run("-q", env={"PYTHONPATH": str(project.root / "site-packages")})
    assert run.exit == 0, run.out + run.err
    assert [note["code"] for note in run.journal.notes] == ["collector-failed"]
