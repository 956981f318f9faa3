"""Starting, stopping and stepping aside: the collector must never be felt by the tests."""

import os
import re
import subprocess
import sys

import pytest
from conftest import BOOTSTRAP, UNMEASURED


def plain(text):
    """pytest's output without what differs between any two runs."""
    return re.sub(r"in [0-9.]+s", "in 0s", text)


def test_frames_of_a_session(project):
    project.write({"pytest.ini": "[pytest]\n", "sub/test_it.py": "def test_1(): pass\n"})
    run = project.run("-q", cwd="sub")
    journal = run.journal
    assert journal.start["role"] == "main" and journal.start["worker"] is None
    assert journal.start["python"].startswith("%d.%d" % sys.version_info[:2])
    assert journal.start["run"] == "run1" and journal.start["v"] == 1
    assert os.path.basename(journal.path).startswith("run1-%d-0" % journal.start["pid"])
    session = journal.session
    assert session["pytest"] == pytest.__version__
    assert (session["rootdir"], session["inifile"], session["invocation"]) == (".", "pytest.ini", "sub")
    assert session["roots"][0] == "sub" and all("winnow" not in root for root in session["roots"])
    assert any(path.endswith("site-packages") for path in session["sitedirs"])
    assert [frame["k"] for frame, _ in journal.frames][-1] == "end"


def test_the_search_path_and_arguments_are_those_of_python_m_pytest(project):
    project.write(
        {
            "test_it.py": """
                import json, os, sys

                def test_1():
                    print("SEEN", json.dumps([sys.path, sys.argv[1:], sorted(os.environ), sys.meta_path[1:].__len__() > 0]))
                """,
        }
    )
    pattern = re.compile("SEEN (.*)")
    bare = pattern.search(project.run_bare("-q", "-s").stdout).group(1)
    run = project.run("-q", "-s")
    assert pattern.search(run.out).group(1).replace('"-p", "winnow_collector.guard", ', "") == bare


@pytest.mark.skipif(sys.version_info < (3, 11), reason="safe paths are younger")
def test_safe_paths(project):
    project.write({"test_it.py": "import sys\ndef test_1(): print('SEEN', sys.path[0])\n"})
    out = project.run("-q", "-s", "--import-mode=importlib", python_args=["-P"]).out
    assert str(project.root) not in re.search("SEEN (.*)", out).group(1)


@pytest.mark.parametrize(
    "env, reason",
    [
        ({"WINNOW_SESSION": ""}, "WINNOW_SESSION is not set"),
        ({"WINNOW_SESSION": "/nowhere/session.json"}, "cannot be read"),
    ],
)
def test_without_a_session_pytest_runs_all_the_same(project, env, reason):
    project.write({"test_it.py": "def test_1(): pass\n"})
    bare = project.run_bare("-q")
    run = project.run("-q", env=env)
    assert run.exit == 0
    assert plain(run.out) == plain(bare.stdout)
    assert run.err.count("winnow:") == 1 and reason in run.err
    assert run.journals == []


def test_a_newer_session_is_refused(project):
    project.write({"test_it.py": "def test_1(): pass\n"})
    run = project.run("-q", version=2)
    assert run.exit == 0 and "1 passed" in run.out
    assert "has format 2" in run.err
    assert run.journals == []


def test_a_journal_that_cannot_be_made(project):
    project.write({"test_it.py": "def test_1(): pass\n"})
    run = project.run("-q", journals=str(project.root / "nowhere"))
    assert run.exit == 0 and "1 passed" in run.out


def test_a_journal_that_cannot_be_written(project):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    project.write(
        {
            "conftest.py": """
                import sys
                def pytest_collection_finish():
                    def full(fd, data):
                        raise OSError(28, "No space left on device")
                    sys.modules["winnow_collector.content"].real.write = full
                """,
            "test_it.py": "def test_1(): pass\ndef test_2(): pass\n",
        }
    )
    run = project.run("-q")
    assert run.exit == 0 and "2 passed" in run.out
    assert run.err.count("No space left") == 1
    assert run.journal.tests == {}


@pytest.mark.parametrize(
    "args",
    [
        ("-W", "error"),
        ("-p", "no:cacheprovider"),
        ("-p", "no:terminal"),
        ("-p", "no:warnings"),
        ("-p", "no:logging"),
        ("-p", "no:python"),
        ("--assert=plain",),
        ("--strict-markers", "--strict-config"),
        ("-x", "--maxfail=1"),
        ("--setup-only",),
        ("--setup-plan",),
        ("--fixtures",),
        ("--markers",),
        ("--help",),
        ("--version",),
        ("--no-such-option",),
        ("no_such_file.py",),
        ("--co", "-q"),
        ("--durations=1", "-vv"),
    ],
)
def test_output_and_exit_code_are_the_same(project, args):
    project.write(
        {
            "test_it.py": """
                import pytest

                @pytest.fixture(scope="module")
                def wide(): yield 1

                def test_1(wide): pass
                """,
        }
    )
    project.run_bare(*args)
    bare = project.run_bare(*args)
    run = project.run(*args)
    assert run.exit == bare.returncode
    clean = [line for line in plain(run.out).splitlines() if not line.startswith("0.0")]
    expected = [line for line in plain(bare.stdout).splitlines() if not line.startswith("0.0")]
    if "--markers" in args:
        # Ours is one more.
        at = next(index for index, line in enumerate(clean) if line.startswith("@pytest.mark.winnow("))
        del clean[at : at + 2]
    if "--help" in args:
        # So are the settings that pytest's configuration may hold.
        assert any("winnow_mode" in line for line in clean)
        clean = [line for line in clean if line in expected]
    if args != ("--durations=1", "-vv"):
        assert clean == expected
    assert plain(run.err) == plain(bare.stderr)
    for journal in run.journals:
        assert journal.notes == []
        assert journal.end is not None


def test_python_that_turns_warnings_into_errors(project):
    project.write({"test_it.py": "def test_1(): open('test_it.py').close()\n"})
    run = project.run("-q", python_args=["-W", "error", "-X", "dev"])
    assert run.exit == 0, run.out + run.err
    assert run.err == ""
    assert list(run.journal.tests) == ["test_it.py::test_1"]


def test_the_variable_is_not_passed_on(project):
    project.write({"test_it.py": "import os\ndef test_1(): assert 'WINNOW_SESSION' not in os.environ\n"})
    assert project.run("-q").exit == 0
    pytest.importorskip("xdist")
    assert project.run("-q", "-n", "1").exit == 0


TRACING = {
    "option": "",
    "trace": "import sys\nsys.settrace(lambda *a: None)\n",
    "monitoring": "import sys\nsys.monitoring.use_tool_id(sys.monitoring.DEBUGGER_ID, 'dbg')\n",
    "pdb": """
import bdb
class Debugger(bdb.Bdb):
    def trace_dispatch(self, *args): pass
Debugger(backend='monitoring').start_trace()
""",
}


@pytest.mark.parametrize("how", sorted(TRACING))
def test_under_a_debugger_nothing_is_recorded(project, how):
    if sys.version_info < {"monitoring": (3, 12), "pdb": (3, 14)}.get(how, (3, 8)):
        pytest.skip("not in this version")
    project.write(
        {
            "conftest.py": TRACING[how],
            "test_it.py": "def test_1(): pass\ndef test_2(): pass\n",
        }
    )
    plan = {"skipTests": {"test_it.py": ["test_it.py::test_2"]}}
    run = project.run("-q", *(["--pdb"] if how == "option" else []), plan=plan)
    assert run.exit == 0
    assert "1 passed, 1 deselected" in run.out
    assert run.journal.tests == {}
    assert [note["code"] for note in run.journal.notes] == ["debugger"]
    assert run.journal.end is not None


def test_without_a_mechanism_nothing_is_recorded(project):
    project.write({"test_it.py": "def test_1(): pass\n"})
    run = project.run("-q", mechanism="none")
    assert run.exit == 0
    assert run.journal.tests == {}
    assert [note["code"] for note in run.journal.notes] == ["no-mechanism"]


def test_a_failure_in_the_collector_costs_facts_and_no_test(project):
    project.write(
        {
            "conftest.py": """
                import sys

                def pytest_collection_finish():
                    fixtures = sys.modules["winnow_collector.fixtures"]
                    def broken(*args): raise RuntimeError("broken")
                    fixtures._instance_name = broken
                """,
            "test_it.py": """
                import pytest

                @pytest.fixture(scope="module")
                def wide(): return 1

                def test_1(): pass
                def test_2(wide): assert wide == 1
                def test_3(): pass
                """,
        }
    )
    run = project.run("-q", env={"WINNOW_DEBUG": ""})
    assert run.exit == 0 and "3 passed" in run.out
    assert list(run.journal.tests) == ["test_it.py::test_1"]
    assert [note["code"] for note in run.journal.notes] == ["collector-failed"]
    assert run.journal.end is not None


def test_pytest_inside_pytest(project):
    project.write(
        {
            "conftest.py": "pytest_plugins = 'pytester'\n",
            "test_it.py": """
                def test_1(pytester):
                    pytester.makepyfile(
                        "import pytest\\n@pytest.fixture(scope='module')\\ndef f(): yield\\ndef test_x(f): pass"
                    )
                    result = pytester.runpytest_inprocess()
                    result.assert_outcomes(passed=1)

                def test_2(): pass
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out
    assert sorted(run.journal.tests) == ["test_it.py::test_1", "test_it.py::test_2"]
    assert run.journal.notes == []
    assert run.journal.collected.keys() == {"test_it.py"}


def test_tests_that_trace_for_themselves(project):
    project.write(
        {
            "lib.py": "def f(): return 1\n",
            "test_it.py": """
                import cProfile, sys
                import lib

                def test_settrace():
                    seen = []
                    sys.settrace(lambda frame, event, arg: seen.append(frame.f_code.co_name))
                    lib.f()
                    sys.settrace(None)
                    assert seen == ["f"]

                def test_profile():
                    profile = cProfile.Profile()
                    profile.runcall(lib.f)
                    assert [entry.code.co_name for entry in profile.getstats() if hasattr(entry.code, "co_name")] == ["f"]

                def test_monitoring():
                    if not hasattr(sys, "monitoring"):
                        lib.f()
                        return
                    seen = []
                    monitoring = sys.monitoring
                    monitoring.use_tool_id(2, "mine")
                    monitoring.register_callback(2, monitoring.events.PY_START, lambda code, _: seen.append(code.co_name))
                    monitoring.set_events(2, monitoring.events.PY_START)
                    lib.f()
                    monitoring.set_events(2, 0)
                    monitoring.restart_events()
                    monitoring.free_tool_id(2)
                    assert seen == ["f"]

                def test_after(): lib.f()
                """,
        }
    )
    run = project.run("-q", env=UNMEASURED)
    assert run.exit == 0, run.out
    for name in ("settrace", "profile", "monitoring", "after"):
        assert "lib.py::f" in run.journal.own("test_it.py::test_" + name), name


def test_the_plugin_alone_does_nothing(project):
    """A `-p` left over in somebody's options, without a session."""
    project.write({"test_it.py": "def test_1(): pass\n"})
    environment = project.environment()
    environment["PYTHONPATH"] = os.path.dirname(BOOTSTRAP)
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "winnow_collector.guard"],
        cwd=str(project.root),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    assert process.returncode == 0 and process.stderr == ""


def test_a_worker_that_crashes_keeps_what_was_finished(project):
    pytest.importorskip("xdist")
    project.write({"test_it.py": "import os\ndef test_1(): pass\ndef test_2(): os._exit(1)\n"})
    run = project.run("-q", "-n", "1")
    assert run.exit == 1
    assert {test for journal in run.of_tests for test in journal.tests} == {"test_it.py::test_1"}


@pytest.mark.parametrize("without", [[], ["state"], ["inputs"], ["inputs", "state"]], ids=" and ".join)
def test_parts_that_do_not_watch_so_that_it_can_be_measured_what_they_cost(project, without):
    project.write(
        {
            "store.py": "known = {}\n",
            "test_it.py": """
                import store

                def test_1():
                    store.known["a"] = open("data.txt").read()

                def test_2():
                    assert store.known
                """,
            "data.txt": "x",
        }
    )
    journal = project.run("-q", without=without).journal
    assert ("data.txt" in str(journal.inputs("test_it.py::test_1"))) == ("inputs" not in without)
    states = [context["name"] for context in journal.contexts.values() if context["kind"] == "state"]
    assert states == ([] if "state" in without else ["store.py::known"])
    assert journal.bodies("test_it.py::test_2") >= {"test_it.py::test_2"}
