"""Variables of the environment as inputs."""

import os
import subprocess
import sys

import pytest


def recorded(project, source, *args, files=None, env=None):
    project.write(dict({"test_it.py": source}, **(files or {})))
    run = project.run("-q", *args, env=env)
    assert run.exit == 0, run.out + run.err
    assert run.journal.notes == []
    return run.journal


def variables(journal, test, file="test_it.py"):
    found = {entry[1] for entry in journal.inputs("%s::%s" % (file, test)) if entry[0] == "env"}
    # A library of pytest's own, on old Pythons.
    return sorted(found - {"EXCEPTIONGROUP_NO_PATCH"})


def test_every_way_to_ask(project):
    journal = recorded(
        project,
        """
        import os, pytest
        from os import environ, getenv

        def test_item():
            with pytest.raises(KeyError) as caught: os.environ["AA"]
            assert caught.value.args == ("AA",)
        def test_get(): assert environ.get("AA", "x") == "x"
        def test_in(): assert "AA" not in os.environ
        def test_getenv(): assert getenv("AA") is None
        def test_bytes(): assert os.environb.get(b"AA") is None
        def test_getenvb(): assert os.getenvb(b"AA") is None
        def test_setdefault():
            assert os.environ.setdefault("AA", "1") == "1"
            del os.environ["AA"]
        def test_pop(): assert os.environ.pop("AA", None) is None
        def test_remove():
            with pytest.raises(KeyError): del os.environ["AA"]
        def test_expand(): assert os.path.expandvars("$AA") == "$AA"
        def test_value(): assert os.environ["BB"] == "b"
        def test_set():
            os.environ["AA"] = "1"
            assert os.environ["AA"] == "1"
            del os.environ["AA"]
        def test_none(): pass
        """,
        env={"BB": "b"},
    )
    for name in ("item", "get", "in", "getenv", "bytes", "getenvb", "setdefault", "pop", "remove", "expand"):
        assert variables(journal, "test_" + name) == ["AA"], name
    assert variables(journal, "test_value") == ["BB"]
    assert variables(journal, "test_set") == []
    assert variables(journal, "test_none") == []


def test_all_of_them(project):
    journal = recorded(
        project,
        """
        import copy, os
        def test_dict(): assert "PATH" in dict(os.environ)
        def test_copy(): assert os.environ.copy()["BB"] == "b"
        def test_items(): assert ("BB", "b") in list(os.environ.items())
        def test_loop(): assert "BB" in [name for name in os.environ]
        def test_repr(): assert "'BB': 'b'" in repr(os.environ)
        def test_equal(): assert os.environ == dict(os.environ)
        def test_bytes(): assert dict(os.environb)[b"BB"] == b"b"
        def test_a_copy_of_the_object():
            assert copy.copy(os.environ)["BB"] == "b"
        """,
        env={"BB": "b"},
    )
    for name in ("dict", "copy", "items", "loop", "repr", "equal", "bytes"):
        assert "*" in variables(journal, "test_" + name), name
    assert variables(journal, "test_a_copy_of_the_object") == ["BB"]


def test_pytest_and_what_only_puts_back(project):
    journal = recorded(
        project,
        """
        import os
        from unittest import mock
        import pytest

        def test_setenv(monkeypatch):
            monkeypatch.setenv("BB", "mine")
            assert os.environ["BB"] == "mine"
        def test_delenv(monkeypatch):
            monkeypatch.delenv("BB", raising=False)
            assert "BB" not in os.environ
        def test_delenv_strictly(monkeypatch):
            monkeypatch.delenv("BB")
        def test_prepend(monkeypatch):
            monkeypatch.setenv("BB", "mine", prepend=":")
            assert os.environ["BB"] == "mine:b"
        def test_patch_dict():
            with mock.patch.dict(os.environ, {"BB": "mine"}):
                assert os.environ["BB"] == "mine"
        @mock.patch.dict(os.environ, {"CC": "1"}, clear=True)
        def test_clear():
            assert os.environ.get("BB") is None and os.environ["CC"] == "1"
        def test_after(): assert os.environ["BB"] == "b"
        def test_files(tmp_path, capsys, monkeypatch): assert tmp_path.exists()
        """,
        env={"BB": "b"},
    )
    for name in ("setenv", "delenv", "patch_dict", "clear", "files"):
        assert variables(journal, "test_" + name) == [], name
    for name in ("delenv_strictly", "prepend", "after"):
        assert variables(journal, "test_" + name) == ["BB"], name


def test_who_set_it(project):
    journal = recorded(
        project,
        """
        import os
        from helper import leave
        def test_1(): leave()
        def test_2(): assert os.environ["AA"] == "left"
        def test_3(): assert "AA" in dict(os.environ)
        def test_4(): pass
        def test_5(): del os.environ["AA"]
        def test_6(): assert "AA" not in os.environ
        """,
        files={
            "helper.py": """
            import os
            def leave(): os.environ["AA"] = os.environ["BB"] and "left"
            """
        },
        env={"BB": "b"},
    )
    for name in ("test_2", "test_3", "test_5"):
        assert "helper.py::leave" in journal.bodies("test_it.py::" + name), name
        assert "BB" in variables(journal, name), name
    for name in ("test_4", "test_6"):
        assert "helper.py::leave" not in journal.bodies("test_it.py::" + name), name
    assert journal.opaque("test_it.py::test_2") == []


def test_imports_fixtures_and_collection(project):
    journal = recorded(
        project,
        """
        import os, pytest
        from other import debug

        @pytest.fixture(scope="module")
        def home():
            return os.environ.get("OF_FIXTURE")

        @pytest.mark.skipif("OF_COLLECTION" in os.environ, reason="no")
        def test_collected(): pass
        def test_fixture(home): pass
        """,
        files={
            "other.py": "import os\ndebug = os.environ.get('OF_IMPORT')\n",
            "test_more.py": "def test_more(): pass\n",
        },
    )
    both = ["OF_COLLECTION", "OF_IMPORT"]
    assert variables(journal, "test_collected") == both
    assert variables(journal, "test_fixture") == sorted(both + ["OF_FIXTURE"])
    assert variables(journal, "test_more", "test_more.py") == []


def test_what_an_installed_module_reads_while_it_is_imported(project):
    journal = recorded(
        project,
        """
        def test_1():
            import library
        def test_2():
            import library
            assert library.ask() is None
        def test_3(): pass
        """,
        files={
            "site-packages/library.py": """
            import os
            MODE = os.environ.get("AT_IMPORT")
            def ask(): return os.environ.get("WHEN_ASKED")
            """
        },
        env={"PYTHONPATH": str(project.root / "site-packages")},
    )
    assert variables(journal, "test_1") == variables(journal, "test_3") == ["AT_IMPORT"]
    assert variables(journal, "test_2") == ["AT_IMPORT", "WHEN_ASKED"]


def test_proxies(project):
    journal = recorded(
        project,
        """
        import urllib.request
        def test_1(): urllib.request.getproxies()
        """,
    )
    found = variables(journal, "test_1")
    assert "*_proxy" in found and "*" not in found and "PATH" not in found


def test_the_object_stays_what_it_is(project):
    journal = recorded(
        project,
        """
        import copy, os, subprocess, sys, traceback
        from collections.abc import MutableMapping

        def test_1(monkeypatch):
            assert type(os.environ) is os._Environ and isinstance(os.environ, MutableMapping)
            assert "encodekey" in vars(os.environ) and repr(os.environ).startswith("environ({")
            assert type(copy.copy(os.environ)) is os._Environ and type(os.environ.copy()) is dict
            try:
                os.environ[1]
            except TypeError as error:
                assert "str expected" in str(error)
            try:
                os.environ["NOT_THERE"]
            except KeyError as error:
                assert len(traceback.extract_tb(error.__traceback__)) == 2
            monkeypatch.setenv("CC", "1")
            command = [sys.executable, "-c", "import os; print(os.environ['CC'])"]
            assert subprocess.check_output(command).split() == [b"1"]
        """,
    )
    assert journal.opaque("test_it.py::test_1") == []


def test_a_change_that_nobody_saw(project):
    journal = recorded(
        project,
        """
        import os
        def test_1():
            os.environ._data[b"AA"] = b"1"
        def test_2(): assert os.environ["AA"] == "1"
        """,
    )
    assert journal.opaque("test_it.py::test_2") == ["the variable AA, which something unseen has changed"]


def test_everything_is_put_back(project):
    code = """
import os, sys
sys.path.append(%r)
before = dict(vars(os.environ)), dict(vars(os.environb))
from winnow_collector.recorder import Recorder
from winnow_collector.session import Session
recorder = Recorder(Session(%r, "", "r", None, "auto", "", True, []))
recorder.start()
assert vars(os.environ)["encodekey"] is not before[0]["encodekey"]
kept = os.environ.encodekey
recorder.withdraw()
assert (dict(vars(os.environ)), dict(vars(os.environb))) == before
assert kept("A") == b"A"
"""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    subprocess.run([sys.executable, "-c", code % (here, str(project.root))], check=True)


@pytest.mark.parametrize("where", ["_named", "_listed"])
def test_a_failure_in_here_reaches_nobody(project, where):
    project.write(
        {
            "conftest.py": """
            import winnow_collector.variables as variables
            def broken(*args): raise KeyError("broken")
            variables.Variables.%s = broken
            """
            % where,
            "test_it.py": "import os\ndef test_1(): assert os.environ.get('AA') is None and dict(os.environ)\n",
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out + run.err
    assert [note["code"] for note in run.journal.notes] == ["collector-failed"]


def test_what_a_plugin_from_elsewhere_reads_for_itself(project, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "a_plugin.py").write_text(
        "import os\n"
        "AT_IMPORT = os.environ.get('AA')\n"
        "def pytest_runtest_setup(item): os.environ.get('BB')\n"
        "def ask(): return os.environ.get('CC')\n"
    )
    journal = recorded(
        project,
        """
        import a_plugin

        def test_1(): assert a_plugin.ask() is None
        def test_2(): pass
        """,
        "-p",
        "a_plugin",
        env={"PYTHONPATH": str(elsewhere)},
    )
    assert variables(journal, "test_1") == ["CC"]
    assert variables(journal, "test_2") == []


def test_what_is_taken_out_before_any_test(project):
    journal = recorded(
        project,
        "import os\ndef test_1(): assert 'AA' not in os.environ and os.environ.pop('BB') == 'b'\n",
        files={"conftest.py": "import os\ndef pytest_sessionstart(session): del os.environ['AA']\n"},
        env={"AA": "a", "BB": "b"},
    )
    assert journal.session["removed"] == ["AA"]
