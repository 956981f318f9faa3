"""Tests that turn their own process upside down, start others, or run pytest inside."""

import os
from typing import Any, Dict, Set

import pytest
from coexistence import Project, check, expect_idle, library, of_plugins, only, winnow_lines


def test_what_the_process_shares(tmp_path: Any) -> None:
    """Each test changes something global, for itself or for those that follow."""
    names = """
        cwd stdout closed modules gone reload before after opened hidden environ path meta argv
        hook excepthook recursion gc_off frozen wait plain audited codecs
    """.split()
    files = {
        "lib.py": library(*names),
        "helper.py": "import lib\n\nVALUE = lib.gone()\n\ndef use():\n    return lib.modules()\n",
        "data.txt": "data",
        "test_hostile.py": """
            import builtins, gc, importlib, io, os, sys, threading, time, lib, pytest

            def test_chdir(tmp_path):
                os.chdir(str(tmp_path))
                assert lib.cwd() == 3
                os.mkdir("lib")
                open("lib.py", "w").close()

            def test_relative_after_chdir():
                # Nobody went back.
                lib.plain()
                assert not os.path.exists("data.txt")

            def test_chdir_back():
                os.chdir(os.path.dirname(os.path.abspath(__file__)))
                with open("data.txt") as file:
                    assert file.read() == "data"
                lib.plain()

            def test_directory_is_gone(tmp_path):
                before = os.getcwd()
                try:
                    os.makedirs(str(tmp_path / "x"))
                    os.chdir(str(tmp_path / "x"))
                    os.rmdir(str(tmp_path / "x"))
                    lib.cwd()
                finally:
                    os.chdir(before)

            def test_stdout(monkeypatch):
                monkeypatch.setattr(sys, "stdout", io.StringIO())
                monkeypatch.setattr(sys, "stderr", None)
                print("into nowhere")
                assert lib.stdout() == 3

            def test_modules():
                import helper
                assert helper.use() == 3
                del sys.modules["helper"]
                import helper as other
                assert other is not helper and other.use() == 3

            def test_modules_are_empty():
                saved = dict(sys.modules)
                try:
                    for name in [name for name in sys.modules if name.startswith(("helper", "winnow", "json"))]:
                        del sys.modules[name]
                    lib.modules()
                finally:
                    sys.modules.clear()
                    sys.modules.update(saved)

            def test_reload():
                import helper
                again = importlib.reload(helper)
                assert again is helper and helper.use() == 3
                lib.reload()

            def test_open(monkeypatch):
                lib.before()
                def no(*args, **named):
                    raise AssertionError("nobody opens files here")
                monkeypatch.setattr(builtins, "open", no)
                monkeypatch.setattr(io, "open", no)
                monkeypatch.setattr(os, "open", no)
                monkeypatch.setattr(os, "stat", no)
                monkeypatch.setattr(os, "listdir", no)
                lib.opened()

            def test_time(monkeypatch):
                monkeypatch.setattr(time, "time", lambda: 0)
                monkeypatch.setattr(time, "sleep", lambda seconds: None)
                lib.wait()

            def test_environ():
                saved = dict(os.environ)
                os.environ.clear()
                try:
                    lib.environ()
                    assert not os.environ
                finally:
                    os.environ.update(saved)

            def test_no_trace_of_winnow():
                assert "WINNOW_SESSION" not in os.environ
                # The checkout may well lie in a directory of that name.
                assert not [argument for argument in sys.argv if "winnow_" in argument]
                lib.plain()

            def test_path(monkeypatch):
                monkeypatch.setattr(sys, "path", [])
                monkeypatch.setattr(sys, "meta_path", [])
                monkeypatch.setattr(sys, "path_hooks", [])
                monkeypatch.setattr(sys, "argv", [])
                lib.path()

            def test_after_path():
                import helper
                assert helper.use() == 3

            def test_hooks(monkeypatch):
                monkeypatch.setattr(sys, "excepthook", None)
                monkeypatch.setattr(builtins, "__import__", lambda *args, **named: None)
                lib.hook()

            def test_builtins(monkeypatch):
                for name in ("len", "set", "sorted", "isinstance", "print", "dict", "zip"):
                    monkeypatch.setattr(lib, name, getattr(builtins, name), raising=False)
                lib.hidden()

            def test_recursion():
                def deep():
                    lib.recursion()
                    return deep()
                with pytest.raises(RecursionError):
                    deep()

            def test_gc():
                gc.disable()
                lib.gc_off()
                gc.enable()
                gc.collect()
                gc.freeze()
                gc.unfreeze()

            def test_audit():
                seen = []
                sys.addaudithook(lambda event, args: seen.append(event) if active else None)
                active = [1]
                lib.audited()
                compile("1", "<x>", "eval")
                active.clear()
                assert "compile" in seen
        """,
    }
    gone = {"gone"}
    table: Dict[str, Set[str]] = {
        "test_chdir": {"cwd"},
        "test_relative_after_chdir": {"cwd", "plain"},
        "test_chdir_back": {"cwd", "plain"},
        "test_directory_is_gone": {"cwd"},
        "test_stdout": {"stdout"},
        "test_modules": {"modules"} | gone,
        "test_modules_are_empty": {"modules"},
        "test_reload": {"modules", "reload"} | gone,
        "test_open": {"before", "opened"},
        "test_time": {"wait"},
        "test_environ": {"environ"},
        "test_no_trace_of_winnow": {"plain"},
        "test_path": {"path"},
        "test_after_path": {"modules"} | gone,
        "test_hooks": {"hook"},
        "test_builtins": {"hidden"},
        "test_recursion": {"recursion"},
        "test_gc": {"gc_off"},
        "test_audit": {"audited"},
    }
    project = Project(tmp_path, files)
    full = {"test_hostile.py::" + name: functions for name, functions in table.items()}
    first = check(project, full, edit="gone", imported=["gone"])
    assert not first.notes
    chdir_back = [entry[:2] for entry in first.tests["test_hostile.py::test_chdir_back"]["inputs"]]
    assert ["file", "data.txt"] in chdir_back
    assert project.plan().kind == "nothing"
    project.write({"data.txt": "DATA"})
    assert project.plan().tests == {"test_hostile.py::test_chdir_back"}


def test_threads_that_outlive_their_test(tmp_path: Any) -> None:
    text = """
        import threading, lib

        stop, busy = threading.Event(), threading.Event()

        def work():
            while not stop.wait(0.01):
                lib.tick()
                busy.set()

        def test_joins():
            thread = threading.Thread(target=lib.joined)
            thread.start()
            thread.join()

        def test_starts():
            lib.a()
            threading.Thread(target=work, daemon=True).start()
            assert busy.wait(10)

        def test_meanwhile():
            busy.clear()
            assert busy.wait(10)
            lib.b()

        def test_stops():
            stop.set()
            for thread in threading.enumerate():
                if thread.daemon and thread is not threading.current_thread():
                    thread.join()

        def test_after():
            lib.b()
    """
    project = Project(tmp_path, {"lib.py": library("a", "b", "tick", "joined"), "test_threads.py": text})
    bare, first = project.bare("-v"), project.winnow("-v")
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    assert first.code == 0, first.run
    assert "test_threads.py::test_starts" in only(winnow_lines(first.run, "leaves the thread"))
    bodies = {name.partition("::")[2]: first.bodies(name) for name in first.tests}
    # What the thread runs between two tests is nobody's, so it counts for all of the session.
    assert bodies["test_joins"] - {"tick"} == {"joined"}
    assert bodies["test_starts"] == {"a", "tick"}
    # As long as the thread is there, what started it counts.
    assert bodies["test_meanwhile"] == {"a", "b", "tick"}
    assert bodies["test_stops"] >= {"a", "tick"}
    assert bodies["test_after"] - {"tick"} == {"b"}
    expect_idle(project)
    project.edit_function("tick")
    plan = project.plan()
    assert plan.files or plan.tests >= {"test_threads.py::test_%s" % name for name in ("starts", "meanwhile", "stops")}
    project.edit_function("tick")
    project.edit_function("joined")
    assert project.plan().tests == {"test_threads.py::test_joins"}


CHILDREN = """
    import lib, multiprocessing, os, pytest, subprocess, sys

    def in_child(value):
        assert lib.child() == 3
        return value + 1

    def run_in_child(queue):
        queue.put(in_child(1))

    def test_fork():
        pid = os.fork()
        if pid == 0:
            lib.child()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7 if hasattr(os, "waitstatus_to_exitcode") else True
        lib.parent()

    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    def test_process(method):
        context = multiprocessing.get_context(method)
        queue = context.SimpleQueue()
        process = context.Process(target=run_in_child, args=(queue,))
        process.start()
        process.join()
        assert queue.get() == 2
        lib.parent()

    def test_pool():
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.map(in_child, [1, 2]) == [2, 3]
        lib.parent()

    def test_subprocess():
        code = "import lib, os; assert lib.child() == 3; print('WINNOW_SESSION' in os.environ)"
        environment = dict(os.environ, PYTHONPATH=os.getcwd())
        assert subprocess.check_output([sys.executable, "-c", code], env=environment) == b"False" + os.linesep.encode()

    def test_alone():
        code = "import sys; sys.path.insert(0, '.'); import lib; assert lib.child() == 3"
        subprocess.check_call([sys.executable, "-I", "-c", code])

    def test_plain():
        lib.plain()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_children(tmp_path: Any) -> None:
    """Where a child does not report, its test runs after any change, and on an unchanged tree it does not."""
    files = {"lib.py": library("child", "parent", "plain", "nobody"), "test_children.py": CHILDREN}
    project = Project(tmp_path, files)
    args = ["-W", "ignore::DeprecationWarning"]
    bare, first = project.bare("-v", *args), project.winnow("-v", *args)
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    assert first.code == 0, first.run
    # A forked child is no second recorder.
    assert len(first.journals) == 1 and first.journals[0].end is not None
    names = {name.partition("::")[2]: name for name in first.tests}
    processes = ["test_process[%s]" % method for method in ("fork", "spawn", "forkserver")]
    for name in ["test_fork", *processes, "test_pool", "test_alone"]:
        assert first.tests[names[name]]["opaque"], name
        assert name == "test_alone" or "parent" in first.bodies(names[name])
    for name in ("test_subprocess", "test_plain"):
        assert not first.tests[names[name]]["opaque"], name
    expect_idle(project, *args)
    project.edit_function("nobody")
    # What code on a command line mentions is not known: all of each file counts that it loads.
    assert project.plan(*args).tests == set(first.tests) - {names["test_plain"]}
    project.edit_function("nobody")
    project.edit_function("plain")
    assert project.winnow(*args).code == 0
    expect_idle(project, *args)


INNER = {
    "conftest.py": 'pytest_plugins = ["pytester"]\n',
    "lib.py": library("a", "b"),
    "test_inner.py": '''
        import lib, pytest, sys

        TEXT = """
            import sys
            def test_one():
                assert True
            def test_two():
                assert "WINNOW_SESSION" not in __import__("os").environ
            def test_three():
                assert False
        """

        def test_in_process(pytester):
            lib.a()
            pytester.makepyfile(TEXT)
            result = pytester.runpytest_inprocess()
            result.assert_outcomes(passed=2, failed=1)

        def test_run_twice(pytester):
            pytester.makepyfile(test_x="def test_x(): pass", conftest="def pytest_configure(config): print('configured')")
            for _ in range(2):
                items, record = pytester.inline_genitems()
                assert [item.name for item in items] == ["test_x"]
                pytester.inline_run().assertoutcome(passed=1)

        def test_subprocess(pytester):
            lib.a()
            pytester.makepyfile(TEXT)
            result = pytester.runpytest_subprocess("-p", "no:randomly")
            result.assert_outcomes(passed=2, failed=1)

        def test_main(tmp_path):
            (tmp_path / "test_m.py").write_text("def test_m(): pass")
            assert pytest.main(["-q", "-p", "no:cacheprovider", str(tmp_path)]) == 0
            lib.b()

        def test_after():
            assert lib.b() == 3
    ''',
}


def test_pytest_inside(tmp_path: Any) -> None:
    project = Project(tmp_path, INNER)
    bare, first = project.bare("-v"), project.winnow("-v")
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    assert first.code == 0, first.run
    # Tests of an inner session are no tests of ours; what they run counts for the test that started them.
    outer = {"test_inner.py::test_%s" % name for name in ("in_process", "run_twice", "subprocess", "main", "after")}
    assert set(first.tests) == outer
    assert len(first.journals) == 1 and not first.notes
    assert first.bodies("test_inner.py::test_in_process") == {"a"}
    assert first.bodies("test_inner.py::test_after") == first.bodies("test_inner.py::test_main") == {"b"}
    # One that ran pytest has no end mark: its test depends on everything.
    assert [name for name in outer if first.reporting(name)] == ["test_inner.py::test_subprocess"]
    assert [journal.end for journal in first.children] == [None]
    expect_idle(project)
    project.edit_function("b")
    later = {"test_inner.py::test_%s" % name for name in ("main", "after", "subprocess")}
    second = project.winnow("-v")
    assert set(second.tests) == later and second.code == 0
    expect_idle(project)


@of_plugins
def test_a_worker_that_dies(tmp_path: Any) -> None:
    pytest.importorskip("xdist")
    text = """
        import lib, os

        def test_a():
            assert lib.a() == 3

        def test_dies():
            if lib.b() == 3:
                os._exit(1)

        def test_c():
            assert lib.a() == 3
    """
    project = Project(tmp_path, {"lib.py": library("a", "b") + "\n", "test_dies.py": text})
    args = ["-p", "xdist.plugin", "-n1"]
    first = project.winnow("-v", *args)
    assert first.code == 1, first.run
    # What was finished in the dead worker, and in the one that took its place, is known.
    assert set(first.tests) == {"test_dies.py::test_a", "test_dies.py::test_c"}
    assert "test_dies.py::test_dies" in project.plan(*args).tests
    project.replace("test_dies.py", "lib.b() == 3", "lib.b() == 4")
    second = project.winnow("-v", *args)
    assert second.code == 0 and "test_dies.py::test_dies" in second.tests
    expect_idle(project, *args)


@of_plugins
def test_a_process_that_dies(tmp_path: Any) -> None:
    text = """
        import lib, os, pytest

        @pytest.fixture(scope="module")
        def wide():
            lib.wide()
            yield
            lib.end()

        def test_a(wide):
            assert lib.a() == 3

        def test_dies():
            os._exit(3)

        def test_c():
            assert lib.a() == 3
    """
    project = Project(tmp_path, {"lib.py": library("a", "wide", "end"), "test_dies.py": text})
    bare, first = project.bare("-v"), project.winnow("-v")
    assert first.code == bare.code == 3
    assert set(first.tests) == {"test_dies.py::test_a"}
    project.replace("test_dies.py", "os._exit(3)", "pass")
    assert project.winnow("-v").code == 0
    expect_idle(project)


@of_plugins
@pytest.mark.parametrize("how", ["exit", "interrupt", "system-exit"])
def test_sessions_that_end_early(tmp_path: Any, how: str) -> None:
    end = {
        "exit": 'pytest.exit("enough", returncode=9)',
        "interrupt": "raise KeyboardInterrupt",
        "system-exit": "sys.exit(5)",
    }[how]
    text = """
        import lib, pytest, sys

        def test_a():
            assert lib.a() == 3

        def test_ends():
            %s

        def test_c():
            assert lib.a() == 3
    """
    project = Project(tmp_path, {"lib.py": library("a"), "test_end.py": text % end})
    bare, first = project.bare("-v"), project.winnow("-v")
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    expected = {"test_end.py::test_a": "passed"}
    if how == "system-exit":
        expected.update({"test_end.py::test_ends": "failed", "test_end.py::test_c": "passed"})
    assert first.outcomes() == expected
    assert project.plan().tests == {"test_end.py::test_ends", "test_end.py::test_c"} - {
        name for name, outcome in expected.items() if outcome == "passed"
    }
