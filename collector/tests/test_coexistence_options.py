"""pytest's own options: they do what people expect, whatever is known already."""

import os
import sys
from typing import Any, Dict, List

import pytest
from coexistence import Project, check, expect_idle, library, of_pytest, only, winnow_lines

FILES = {
    "lib.py": library("a", "b", "shared"),
    "test_one.py": """
        import lib, pytest

        @pytest.fixture(scope="module")
        def shared():
            return lib.shared()

        def test_a(shared):
            print("printed")
            assert lib.a() == 3

        def test_b(capsys):
            print("captured")
            assert lib.b() == 3
    """,
    "test_two.py": """
        import lib

        def test_b():
            assert lib.b() == 3
    """,
}
TABLE = {
    "test_one.py::test_a": {"a", "shared"},
    "test_one.py::test_b": {"b"},
    "test_two.py::test_b": {"b"},
}


@of_pytest
@pytest.mark.parametrize(
    "args",
    [
        "-p no:cacheprovider --capture=fd --import-mode=importlib --strict-markers --tb=short -q --durations=0 -vv",
        "-p no:terminal --import-mode=append --assert=plain",
        "--capture=tee-sys -p no:logging -p no:faulthandler -p no:unraisableexception -p no:warnings -n0 --dist=no",
    ],
)
def test_option(tmp_path: Any, args: str) -> None:
    words = args.split()
    if "-n0" in words:
        pytest.importorskip("xdist")
        words = ["-p", "xdist.plugin", *words]
    check(Project(tmp_path, FILES), TABLE, *words, edit="shared", same=_without_durations)


def _without_durations(lines: List[str]) -> List[str]:
    return [line for line in lines if not line.startswith("TIME ")]


@of_pytest
def test_no_capture(tmp_path: Any) -> None:
    # What tests print goes out as it comes; options that split facts do so, and both keep their own.
    project = Project(tmp_path, FILES)
    first = check(project, TABLE, "-s", edit="a")
    assert "printed" in first.run.out
    assert project.plan().kind == "everything"
    assert project.winnow().code == 0
    expect_idle(project)
    expect_idle(project, "-s")


def test_warnings_are_errors(tmp_path: Any) -> None:
    """The collector leaves no file open, calls nothing deprecated, and raises nothing where nobody can catch it."""
    files: Dict[str, str] = dict(FILES)
    files["data/x.txt"] = "x"
    files["test_inputs.py"] = """
        import functools, gc, importlib, lib, os, pathlib, threading

        @functools.lru_cache()
        def cached():
            return lib.a()

        def test_reads():
            assert pathlib.Path("data/x.txt").read_text() == "x"
            assert os.listdir("data") == ["x.txt"]
            importlib.import_module("lib")
            gc.collect()

        def test_cached():
            assert cached() == 3
            thread = threading.Thread(target=cached)
            thread.start()
            thread.join()

        def test_collects():
            gc.collect()
    """
    project = Project(tmp_path, files)
    args = ["-W", "error"]
    table = dict(TABLE)
    table.update(
        {
            "test_inputs.py::test_reads": set(),
            "test_inputs.py::test_cached": {"a"},
            "test_inputs.py::test_collects": set(),
        }
    )
    check(project, table, *args, edit="a", env={"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"})
    # The canary: were anything wrong in the process, these would show it.
    project.write(
        {
            "test_canary.py": """
                import gc

                def test_resource():
                    open("lib.py")
                    gc.collect()

                class Bad:
                    def __del__(self):
                        raise ValueError("in __del__")

                def test_unraisable():
                    Bad()
                    gc.collect()
            """
        }
    )
    bare, run = project.bare("-v", *args), project.winnow("-v", *args)
    assert run.code == bare.code == 1, run.run
    failed = [line for line in bare.lines if line.startswith("FAILED")]
    assert failed and [line for line in run.run.lines if line.startswith("FAILED")] == failed, run.run


RED = {
    "lib.py": library("a", "b", "c", "d"),
    "test_a.py": "import lib\n\ndef test_a():\n    assert lib.a() == 3\n",
    "test_b.py": "import lib\n\ndef test_b():\n    assert lib.b() == 4\n\ndef test_b2():\n    assert lib.b() == 3\n",
    "test_c.py": "import lib\n\ndef test_c():\n    assert lib.c() == 4\n\ndef test_d():\n    assert lib.d() == 3\n",
}
ALL = {"test_a.py::test_a", "test_b.py::test_b", "test_b.py::test_b2", "test_c.py::test_c", "test_c.py::test_d"}


@of_pytest
@pytest.mark.parametrize("option", ["-x"])
def test_first_failure_ends_the_run(tmp_path: Any, option: str) -> None:
    project = Project(tmp_path, RED)
    bare, first = project.bare("-v", option), project.winnow("-v", option)
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    assert set(first.tests) == {"test_a.py::test_a", "test_b.py::test_b"}
    # What ran is known, what did not is to run, the red one first of all.
    assert project.plan(option).tests == ALL - {"test_a.py::test_a"}
    project.replace("test_b.py", "== 4", "== 3")
    second = project.winnow("-v", option)
    assert second.code == 1
    assert set(second.tests) >= {"test_b.py::test_b", "test_b.py::test_b2", "test_c.py::test_c"}
    project.replace("test_c.py", "== 4", "== 3")
    assert project.winnow(option).code == 0
    expect_idle(project, option)
    expect_idle(project)


@of_pytest
def test_last_failed(tmp_path: Any) -> None:
    project = Project(tmp_path, RED)
    assert project.winnow().code == 1
    red = {"test_b.py::test_b", "test_c.py::test_c"}
    # pytest's cache says which: with Winnow the same ones run, though nothing changed.
    bare = project.bare("-v", "--lf")
    first = project.winnow("-v", "--lf")
    assert (first.code, set(first.tests)) == (bare.code, red) == (1, red)
    # Fixed: they run, pass, and are no longer last failed.
    for name in ("test_b.py", "test_c.py"):
        project.replace(name, "== 4", "== 3")
    second = project.winnow("-v", "--lf")
    assert second.code == 0 and set(second.tests) >= red, second.run
    assert project.winnow().code == 0
    expect_idle(project)
    # Nothing failed last time: pytest says to run all, Winnow that all of it is proven.
    third = project.winnow("--lf")
    assert (third.code, third.tests) == (0, {}), third.run


@of_pytest
def test_failed_first(tmp_path: Any) -> None:
    project = Project(tmp_path, RED)
    project.winnow()
    project.edit_function("a")
    project.edit_function("d")
    first = project.winnow("-v", "--ff")
    order = [
        line.split()[0]
        for line in first.run.lines
        if " PASSED" in line or " FAILED" in line and "::" in line.split()[0]
    ]
    assert order == ["test_b.py::test_b", "test_c.py::test_c", "test_a.py::test_a", "test_c.py::test_d"], first.run
    assert first.code == 1


@of_pytest
def test_stepwise(tmp_path: Any) -> None:
    project = Project(tmp_path, RED)
    bare = project.bare("-v", "--sw")
    os.remove(project.path(".pytest_cache", "v", "cache", "stepwise"))
    first = project.winnow("-v", "--sw")
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    project.replace("test_b.py", "== 4", "== 3")
    second = project.winnow("-v", "--sw")
    assert second.code == bare.code and set(second.tests) == ALL - {"test_a.py::test_a", "test_c.py::test_d"}
    project.replace("test_c.py", "== 4", "== 3")
    third = project.winnow("-v", "--sw")
    assert third.code == 0 and set(third.tests) == {"test_c.py::test_c", "test_c.py::test_d"}
    assert project.winnow().code == 0
    expect_idle(project)


@of_pytest
def test_collect_only(tmp_path: Any) -> None:
    # It lists all tests, whatever is known, and proves none.
    project = Project(tmp_path, FILES)
    bare, first = project.bare("--collect-only", "-q"), project.winnow("--collect-only", "-q")
    assert (first.code, first.run.lines, first.tests) == (bare.code, bare.lines, {}), first.run
    assert project.winnow().code == 0
    second = project.winnow("--co", "-q")
    assert (second.code, second.run.lines, second.tests) == (bare.code, bare.lines, {}), second.run
    expect_idle(project)


@of_pytest
@pytest.mark.parametrize("option", ["--fixtures", "--setup-plan", "--version"])
def test_questions(tmp_path: Any, option: str) -> None:
    project = Project(tmp_path, FILES)
    bare, run = project.bare(option), project.winnow(option)
    assert (run.code, run.run.lines, run.run.err) == (bare.code, bare.lines, bare.err)


@of_pytest
def test_reports_of_what_ran(tmp_path: Any) -> None:
    project = Project(tmp_path, FILES)
    assert project.winnow("--junitxml=report.xml").code == 0
    with open(project.path("report.xml"), encoding="utf-8") as file:
        assert 'tests="3"' in file.read()
    expect_idle(project)


@of_pytest
def test_wrong_arguments(tmp_path: Any) -> None:
    project = Project(tmp_path, FILES)
    assert project.winnow().code == 0
    for args in (["--no-such-option"], ["test_one.py::test_nothing"], ["-k", "nothing"], ["-m", "("]):
        bare, run = project.bare(*args), project.winnow(*args)
        assert (run.code, run.run.lines) == (bare.code, bare.lines), (args, run.run)
    expect_idle(project)


@of_pytest
def test_selections_of_the_user(tmp_path: Any) -> None:
    project = Project(tmp_path, FILES)
    for args, expected in (
        (["-k", "test_a"], {"test_one.py::test_a"}),
        (["test_two.py"], {"test_two.py::test_b"}),
        ([], {"test_one.py::test_b"}),
        (["test_one.py::test_b"], set()),
        (["--deselect", "test_one.py::test_a"], set()),
    ):
        run = project.winnow("-v", *args)
        assert (run.code, set(run.tests)) == (0, expected), (args, run.run)
        expect_idle(project, *args)
    project.edit_function("b")
    both = {"test_one.py::test_b", "test_two.py::test_b"}
    assert project.plan().tests == both
    assert project.plan("-k", "test_a").kind == "nothing"
    assert project.plan("--deselect", "test_one.py::test_a").tests == both
    assert project.plan("test_two.py").tests == {"test_two.py::test_b"}
    part = project.winnow("-v", "test_one.py::test_b")
    assert set(part.tests) == {"test_one.py::test_b"}
    assert set(project.winnow("-v").tests) == {"test_two.py::test_b"}


# Debuggers, and others who listen


@of_pytest
def test_pdb(tmp_path: Any) -> None:
    project = Project(tmp_path, RED)
    project.winnow()
    first = project.winnow("-v", "--pdb", stdin="q\n")
    bare = project.bare("-v", "--pdb", "test_b.py::test_b", "test_c.py::test_c", stdin="q\n")
    # Only what has to runs, and stops in the debugger; nothing is recorded, and one line says so.
    assert first.code == bare.code == 2, first.run
    assert "(Pdb)" in first.run.out and "test_a.py" not in first.run.out
    assert "a debugger was asked for" in only(winnow_lines(first.run, "nothing is recorded, "))
    assert not first.tests
    assert project.plan().tests == {"test_b.py::test_b", "test_c.py::test_c"}
    # Where nothing is to run, there is nothing to debug either.
    for name in ("test_b.py", "test_c.py"):
        project.replace(name, "== 4", "== 3")
    assert project.winnow().code == 0
    expect_idle(project, "--pdb")


@of_pytest
def test_trace(tmp_path: Any) -> None:
    project = Project(tmp_path, FILES)
    project.winnow()
    project.edit_function("a")
    first = project.winnow("-v", "--trace", stdin="c\n" * 10)
    assert "a debugger was asked for" in only(winnow_lines(first.run, "nothing is recorded, "))
    assert "test_one.py::test_a" in first.run.out and "test_b" not in first.run.out
    assert not first.tests and first.code == 0
    assert project.plan().tests == {"test_one.py::test_a"}


def test_foreign_trace_function(tmp_path: Any) -> None:
    files = dict(FILES)
    files["tracer.py"] = """
        import sys

        seen = []

        def trace(frame, event, argument):
            seen.append(frame.f_code.co_name)
            return trace

        def pytest_unconfigure():
            print("traced", "test_a" in seen, sys.gettrace() is trace)

        sys.settrace(trace)
    """
    project = Project(tmp_path, files)
    bare = project.bare("-v", "-p", "tracer")
    first = project.winnow("-v", "-p", "tracer")
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    assert "traced True True" in first.run.out
    assert only(winnow_lines(first.run, "traces this process")).endswith("because tracer.trace traces this process")
    assert not first.tests and project.plan("-p", "tracer").kind != "nothing"


@of_pytest
def test_breakpoint_in_a_test(tmp_path: Any) -> None:
    text = """
        import lib

        def test_stops():
            assert lib.a() == 3
            breakpoint()
            assert lib.b() == 3

        def test_after():
            assert lib.b() == 3
    """
    project = Project(tmp_path, {"lib.py": library("a", "b"), "test_stop.py": text})
    bare, first = project.bare(stdin="p lib.a()\nc\n"), project.winnow(stdin="p lib.a()\nc\n")
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    assert first.code == 0 and "(Pdb) 3" in first.run.out
    if "test_stop.py::test_stops" in first.tests:
        assert first.bodies("test_stop.py::test_stops") == {"a", "b"}
        assert first.bodies("test_stop.py::test_after") == {"b"}


TRACERS = """
    import cProfile, lib, profile, pstats, sys, threading

    def names_seen(install, get):
        seen = []
        def trace(frame, event, argument):
            seen.append(frame.f_code.co_name)
            return trace
        before = get()
        install(trace)
        try:
            lib.traced()
            assert get() is trace
        finally:
            install(before)
        assert get() is before
        return seen

    def test_settrace():
        assert "traced" in names_seen(sys.settrace, sys.gettrace)

    def test_setprofile():
        assert "traced" in names_seen(sys.setprofile, sys.getprofile)

    def test_nobody_was_there():
        assert sys.getprofile() is None and sys.gettrace() is None
        lib.plain()

    def test_cprofile():
        profiler = cProfile.Profile()
        profiler.enable()
        lib.profiled()
        profiler.disable()
        assert any(name == "profiled" for _, _, name in pstats.Stats(profiler).stats)
        assert not any("winnow" in path for path, _, _ in pstats.Stats(profiler).stats)

    def test_python_profile():
        profiler = profile.Profile()
        profiler.runcall(lib.profiled)
        assert any(name == "profiled" for _, _, name in pstats.Stats(profiler).stats)

    def test_left_behind():
        sys.settrace(lambda *args: None)
        threading.settrace(lambda *args: None)
        lib.traced()

    def test_after():
        sys.settrace(None)
        threading.settrace(None)
        lib.plain()
        lib.traced()
"""
MONITORING = """

    def test_monitoring():
        seen, monitoring = [], sys.monitoring
        tool = next(n for n in range(6) if monitoring.get_tool(n) is None)
        monitoring.use_tool_id(tool, "mine")
        def started(code, offset):
            seen.append(code.co_name)
        monitoring.register_callback(tool, monitoring.events.PY_START, started)
        monitoring.set_events(tool, monitoring.events.PY_START)
        lib.monitored()
        lib.monitored()
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
        assert seen.count("monitored") == 2, seen
        assert not [name for name in seen if "winnow" in name]

    def test_local_monitoring():
        seen, monitoring, code = [], sys.monitoring, lib.monitored.__code__
        monitoring.use_tool_id(monitoring.PROFILER_ID, "mine")
        def started(code, offset):
            seen.append(code.co_name)
            return monitoring.DISABLE
        monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.PY_START, started)
        monitoring.set_local_events(monitoring.PROFILER_ID, code, monitoring.events.PY_START)
        lib.monitored()
        lib.monitored()
        assert seen == ["monitored"]
        monitoring.restart_events()
        lib.monitored()
        monitoring.set_local_events(monitoring.PROFILER_ID, code, 0)
        monitoring.free_tool_id(monitoring.PROFILER_ID)
        assert seen == ["monitored"] * 2

    def test_after_monitoring():
        lib.monitored()
"""


def test_tests_that_trace(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)  # tracers, and what they see, are the subject
    files = {"lib.py": library("traced", "profiled", "plain", "monitored"), "test_tracers.py": TRACERS}
    names = {
        "test_settrace": {"traced"},
        "test_setprofile": {"traced"},
        "test_nobody_was_there": {"plain"},
        "test_cprofile": {"profiled"},
        "test_python_profile": {"profiled"},
        "test_left_behind": {"traced"},
        "test_after": {"plain", "traced"},
    }
    if sys.version_info >= (3, 12):
        files["test_tracers.py"] += MONITORING
        names.update(
            dict.fromkeys(("test_monitoring", "test_local_monitoring", "test_after_monitoring"), {"monitored"})
        )
    check(Project(tmp_path, files), {"test_tracers.py::" + name: value for name, value in names.items()}, edit="traced")
