"""Files, listings and child processes as inputs."""

import hashlib
import os
import pathlib
import shutil
import sys
import tempfile

import pytest
from conftest import UNMEASURED, Project


def sha(text):
    data = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def inputs(project, source, *args, files=None, cwd="."):
    project.write(dict({"test_it.py": source}, **(files or {})))
    run = project.run("-q", *args, cwd=cwd)
    assert run.exit == 0, run.out + run.err
    assert run.journal.notes == []
    return run.journal


def of_kind(journal, test, *kinds):
    return [entry for entry in journal.inputs("test_it.py::" + test) if entry[0] in kinds]


def test_files_read(project):
    journal = inputs(
        project,
        """
        import io, os, pathlib
        def test_open(): open("data/a.txt").read()
        def test_path(): pathlib.Path("data/a.txt").read_text()
        def test_os():
            file = os.open("data/a.txt", os.O_RDONLY)
            os.close(file)
        def test_absolute(): open(os.path.abspath("data/a.txt")).close()
        def test_elsewhere(monkeypatch):
            monkeypatch.chdir("data")
            open("a.txt").close()
        def test_none(): pass
        def test_twice():
            open("data/a.txt").close()
            open("data/a.txt").close()
        """,
        files={"data/a.txt": "one"},
    )
    wanted = [["file", "data/a.txt", sha("one")]]
    for name in ("open", "path", "os", "absolute", "elsewhere", "twice"):
        assert of_kind(journal, "test_" + name, "file") == wanted, name
    assert of_kind(journal, "test_none", "file", "listing") == []


def test_files_that_are_not_there(project):
    journal = inputs(
        project,
        """
        def test_1():
            try:
                open("config.ini")
            except FileNotFoundError:
                pass
        """,
    )
    assert of_kind(journal, "test_1", "file") == [["file", "config.ini", "-"]]


def test_what_a_test_writes_itself(project):
    journal = inputs(
        project,
        """
        import os

        def test_own():
            with open("out.txt", "w") as f: f.write("x")
            open("out.txt").read()
            os.remove("out.txt")
        def test_renamed():
            with open("out.tmp", "w") as f: f.write("x")
            os.replace("out.tmp", "out2.txt")
            open("out2.txt").read()
            os.remove("out2.txt")
        def test_updated():
            open("snapshot.txt").read()
            with open("snapshot.txt", "w") as f: f.write("new")
        def test_created():
            try:
                open("created.txt")
            except FileNotFoundError:
                open("created.txt", "w").close()
        def test_appended():
            with open("log.txt", "a") as f: f.write("x")
        def test_both():
            with open("both.txt", "r+") as f:
                f.read()
                f.write("!")
        """,
        files={"snapshot.txt": "old", "both.txt": "both"},
    )
    assert of_kind(journal, "test_own", "file") == []
    assert of_kind(journal, "test_renamed", "file") == []
    assert of_kind(journal, "test_updated", "file") == [["file", "snapshot.txt", sha("old")]]
    assert of_kind(journal, "test_created", "file") == [["file", "created.txt", "-"]]
    assert of_kind(journal, "test_appended", "file", "changed") == []
    assert of_kind(journal, "test_both", "file") == [["file", "both.txt", sha("both")]]


def test_an_input_that_changes_unseen_is_lost(project):
    journal = inputs(
        project,
        """
        import os, sys

        def test_1():
            open("data.txt").read()
            os.truncate("data.txt", 0)
        def test_2():
            open("other.txt").read()
            os.utime("other.txt", (1, 1))
        """,
        files={"data.txt": "x", "other.txt": "o"},
    )
    assert of_kind(journal, "test_1", "file", "changed") == [["changed", "data.txt"]]
    assert of_kind(journal, "test_2", "file", "changed") == [["file", "other.txt", sha("o")]]


def test_what_another_test_wrote(project):
    journal = inputs(
        project,
        """
        def test_1():
            with open("shared.txt", "w") as f: f.write("x")
        def test_2(): open("shared.txt").read()
        """,
    )
    assert journal.opaque("test_it.py::test_2") == []
    assert "test_it.py::test_1" in journal.bodies("test_it.py::test_2")
    assert of_kind(journal, "test_2", "file") == []


def test_whoever_finds_what_others_wrote_depends_on_them(project):
    journal = inputs(
        project,
        """
        import os, pathlib, helper

        def test_write(): helper.write("w")
        def test_add():
            with open("out.txt", "a") as f: f.write(helper.more())
        def test_read(): assert pathlib.Path("out.txt").read_text() == "wm"
        def test_again():
            with open("out.txt", "w") as f: f.write("n")
            assert open("out.txt").read() == "n"
        def test_exists(): assert os.path.exists("out.txt")
        def test_listing(): assert "out.txt" in os.listdir(".")
        def test_rename(): os.replace("out.txt", "new.txt")
        def test_gone(): assert not os.path.exists("out.txt")
        def test_new(): assert open("new.txt").read() == "n"
        def test_remove(): os.remove("new.txt")
        def test_none(): pass
        """,
        files={
            "helper.py": """
            def write(text):
                with open("out.txt", "w") as f: f.write(text)
            def more(): return "m"
            """
        },
    )

    def found(test):
        return {name for name in journal.bodies("test_it.py::test_" + test) if name.startswith(("test_it", "helper"))}

    assert {"helper.py::write", "helper.py::more", "test_it.py::test_add"} <= found("read")
    assert "test_it.py::test_write" not in found("again")
    for test in ("exists", "listing", "rename"):
        assert "test_it.py::test_again" in found(test) and "helper.py::write" not in found(test), test
    assert "test_it.py::test_rename" in found("gone")
    assert {"test_it.py::test_rename", "test_it.py::test_again"} <= found("new") & found("remove")
    assert found("none") == {"test_it.py::test_none"}
    for test in ("read", "again", "exists", "new", "none"):
        assert of_kind(journal, "test_" + test, "file", "exists") == [], test
        assert journal.opaque("test_it.py::test_" + test) == [], test


def test_what_was_there_before_a_write_counts_where_it_can_be_found(project):
    journal = inputs(
        project,
        """
        import os, pytest

        def test_moved():
            os.replace("moved.txt", "there.txt")
            assert open("there.txt").read() == "m"
        def test_linked():
            os.symlink("data.txt", "link.txt")
            assert open("link.txt").read() == "d"
            os.remove("link.txt")
        def test_refused():
            with pytest.raises(FileNotFoundError): open("gone/x.txt", "w")
            with pytest.raises(FileExistsError): open("data.txt", "x")
            with pytest.raises(FileExistsError): os.mkdir("d")
        def test_after_the_refusal(): assert open("data.txt").read() == "d"
        def test_added():
            with open("log.txt", "a") as f: f.write("x")
        def test_read(): open("log.txt").read()
        def test_removed(): os.remove("old.txt")
        """,
        files={"moved.txt": "m", "data.txt": "d", "d/x": "", "log.txt": "line", "old.txt": "o"},
    )
    assert ["file", "moved.txt", sha("m")] in of_kind(journal, "test_moved", "file")
    assert ["file", "data.txt", sha("d")] in of_kind(journal, "test_linked", "file")
    assert of_kind(journal, "test_refused", "exists") == [["exists", "data.txt", "f"], ["exists", "d", "d"]]
    assert ["file", "data.txt", sha("d")] in of_kind(journal, "test_after_the_refusal", "file")
    assert journal.opaque("test_it.py::test_added") == []
    assert journal.opaque("test_it.py::test_read") == ["reads a file that was there and has been added to: log.txt"]
    assert of_kind(journal, "test_removed", "exists") == [["exists", "old.txt", "f"]]


def test_databases_that_tests_share(project):
    journal = inputs(
        project,
        """
        import contextlib, os, sqlite3
        def ask(text, place="new.db"):
            with contextlib.closing(sqlite3.connect(place)) as connection, connection:
                return connection.execute(text).fetchall()
        def test_make(): ask("create table t (x)")
        def test_find(): assert ask("select * from t") == []
        def test_remove(): os.remove("new.db")
        def test_change(): ask("create table t (x)", "old.db")
        def test_changed(): assert ask("select * from t", "old.db") == []
        """,
        files={"old.db": ""},
    )
    assert of_kind(journal, "test_make", "file", "changed") == [["file", "new.db", "-"]]
    for first, second in (("make", "find"), ("make", "remove"), ("change", "changed")):
        assert "test_it.py::test_%s" % first in journal.bodies("test_it.py::test_%s" % second), second
    assert ["changed", "old.db"] in of_kind(journal, "test_change", "changed")


def test_what_a_wide_fixture_read_before_a_test_wrote_it(project):
    journal = inputs(
        project,
        """
        import pytest

        @pytest.fixture(scope="module")
        def setting(): return open("data.txt").read()
        def test_1(setting):
            with open("data.txt", "w") as f: f.write("other")
        def test_2(setting): assert setting == "d"
        """,
        files={"data.txt": "d"},
    )
    for name in ("test_1", "test_2"):
        assert of_kind(journal, name, "file") == [["file", "data.txt", sha("d")]]
    assert "test_it.py::test_1" not in journal.bodies("test_it.py::test_2")


def test_what_a_wide_fixture_wrote_comes_with_the_fixture(project):
    journal = inputs(
        project,
        """
        import pytest

        @pytest.fixture(scope="module")
        def made():
            with open("made.txt", "w") as f: f.write(open("source.txt").read())

        def test_1(made): open("made.txt").read()
        """,
        files={"source.txt": "s"},
    )
    assert journal.opaque("test_it.py::test_1") == []
    assert of_kind(journal, "test_1", "file") == [["file", "source.txt", sha("s")]]


def test_files_read_by_fixtures_imports_and_collection(project):
    journal = inputs(
        project,
        """
        import lib
        import pytest

        @pytest.fixture(scope="session")
        def wide(): open("wide.txt").read()

        @pytest.mark.parametrize("line", open("cases.txt").read().split())
        def test_1(line): pass
        def test_2(wide): pass
        """,
        files={
            "lib.py": "open('lib.txt').read()\n",
            "cases.txt": "a b",
            "lib.txt": "l",
            "wide.txt": "w",
            "conftest.py": "def pytest_configure(): open('session.txt').read()\n",
            "session.txt": "s",
        },
    )
    wide = ["file", "wide.txt", sha("w")]
    for test in ("test_1[a]", "test_2"):
        found = of_kind(journal, test, "file")
        for name, text in (("lib.txt", "l"), ("cases.txt", "a b"), ("session.txt", "s")):
            assert ["file", name, sha(text)] in found
        assert (wide in found) == (test == "test_2")


def test_what_is_no_input(project):
    journal = inputs(
        project,
        """
        import json, os, tempfile, textwrap

        def test_1(tmp_path, tmp_path_factory):
            (tmp_path / "x").write_text("x")
            (tmp_path / "x").read_text()
            os.listdir(str(tmp_path))
            with tempfile.NamedTemporaryFile() as f:
                open(f.name).close()
            open(os.devnull).close()
            open("/proc/self/status").close()
            open(textwrap.__file__).close()
            open(".winnow/state").close()
            open(".pytest_cache/x").close()
        def test_failing():
            def fails(): assert 0
            try:
                fails()
            except AssertionError:
                pass
        """,
        files={".winnow/state": "", ".pytest_cache/x": ""},
    )
    assert of_kind(journal, "test_1", "file", "listing") == []
    assert of_kind(journal, "test_failing", "file") == []


def test_showing_a_failure_is_no_input(project):
    project.write({"lib.py": "def f():\n    raise ValueError\n", "test_it.py": "import lib\ndef test_1(): lib.f()\n"})
    journal = project.run().journal
    assert of_kind(journal, "test_1", "file") == []


def test_source_read_as_data_is_an_input(project):
    journal = inputs(
        project,
        """
        import inspect, lib
        def test_1(): assert "lambda" in inspect.getsource(lib)
        """,
        files={"lib.py": "f = lambda: 1\n"},
    )
    assert of_kind(journal, "test_1", "file") == [["file", "lib.py", sha("f = lambda: 1\n")]]


def test_listings(project):
    journal = inputs(
        project,
        """
        import glob, os, pathlib
        def test_listdir(): os.listdir("data")
        def test_scandir(): list(os.scandir("data"))
        def test_glob(): glob.glob("data/*.txt")
        def test_path(): list(pathlib.Path("data").iterdir())
        def test_here(monkeypatch):
            monkeypatch.chdir("data")
            os.listdir()
        def test_walk(): list(os.walk("data"))
        def test_absent():
            try:
                os.listdir("none")
            except FileNotFoundError:
                pass
        def test_descriptor():
            descriptor = os.open("data", os.O_RDONLY)
            os.listdir(descriptor)
            os.close(descriptor)
        def test_bytecode(): os.listdir("data/__pycache__")
        """,
        files={"data/a.txt": "", "data/b.txt": "", "data/.coverage": "", "data/__pycache__/x.pyc": ""},
    )
    wanted = ["listing", "data", ["a.txt", "b.txt"]]
    for name in ("listdir", "scandir", "glob", "path", "here", "walk"):
        assert of_kind(journal, "test_" + name, "listing") == [wanted], name
    assert of_kind(journal, "test_absent", "listing") == [["listing", "none", None]]
    assert of_kind(journal, "test_descriptor", "listing") == [wanted]
    assert of_kind(journal, "test_bytecode", "listing") == []


def test_a_directory_that_tests_make_was_never_there(project):
    journal = inputs(
        project,
        """
        import os, pathlib, shutil

        def test_1():
            os.mkdir("made")
            open("made/x", "w").close()
            assert os.listdir("made") == ["x"]
            shutil.rmtree("made")
        def test_2():
            pathlib.Path("made").mkdir()
            assert list(os.scandir("made")) == []
            shutil.rmtree("made")
        """,
    )
    assert of_kind(journal, "test_1", "listing") == [["listing", "made", None]]
    # What the first one has listed as well.
    assert of_kind(journal, "test_2", "listing") == [["listing", "made", None]] * 2
    assert "test_it.py::test_1" in journal.bodies("test_it.py::test_2")


def test_pytests_own_walk_concerns_nobody(project):
    journal = inputs(project, "def test_1(): pass\n", files={"sub/test_2.py": "def test_2(): pass\n"})
    assert of_kind(journal, "test_1", "listing") == []
    walk = journal.context("session", "walk")
    assert ["listing", ".", ["sub", "test_it.py"]] in walk["inputs"]
    assert ["listing", "sub", ["test_2.py"]] in walk["inputs"]


def test_databases(project):
    import sqlite3

    connection = sqlite3.connect(str(project.root / "data.db"))
    connection.execute("create table t (x)")
    connection.commit()
    connection.close()
    journal = inputs(
        project,
        """
        import sqlite3
        def test_1():
            connection = sqlite3.connect("data.db")
            connection.execute("select * from t").fetchall()
            connection.close()
        def test_2():
            sqlite3.connect(":memory:").close()
            sqlite3.connect("file:shared?mode=memory&cache=shared", uri=True).close()
        def test_3(): sqlite3.connect("file:data.db?mode=ro", uri=True).close()
        """,
    )
    assert [entry[:2] for entry in of_kind(journal, "test_1", "file")] == [["file", "data.db"]]
    assert of_kind(journal, "test_2", "file") == []
    assert [entry[:2] for entry in of_kind(journal, "test_3", "file")] == [["file", "data.db"]]


def test_libraries_and_what_is_no_file(project):
    journal = inputs(
        project,
        """
        import ctypes, os, pytest

        def test_library():
            with pytest.raises(OSError):
                ctypes.CDLL(os.path.abspath("own.so"))
        def test_system_library(): ctypes.CDLL(None)
        def test_pipe(tmp_path):
            os.mkfifo("pipe")
            os.close(os.open("pipe", os.O_RDONLY | os.O_NONBLOCK))
            os.remove("pipe")
        def test_waiting():
            os.close(os.open("waiting", os.O_RDONLY | os.O_NONBLOCK))
        def test_nothing():
            for name in ("a\\0b", 10**6, b"data/\\xff"):
                with pytest.raises((OSError, ValueError)):
                    open(name)
        def test_bytes(): open(b"own.so").close()
        """,
        files={
            "own.so": "no library",
            "conftest.py": "import os\nif not os.path.exists('waiting'): os.mkfifo('waiting')\n",
        },
    )
    own = ["file", "own.so", sha("no library")]
    assert of_kind(journal, "test_library", "file") == of_kind(journal, "test_bytes", "file") == [own]
    for name in ("system_library", "pipe", "waiting"):
        assert of_kind(journal, "test_" + name, "file") == [], name


def test_child_processes_are_opaque(project):
    journal = inputs(
        project,
        """
        import os, platform, subprocess, sys
        def test_run(): subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
        def test_python(): subprocess.run([sys.executable, "-c", "pass"], check=True)
        def test_system(): os.system("true")
        def test_fork():
            pid = os.fork()
            if not pid:
                os._exit(0)
            os.waitpid(pid, 0)
        def test_odd():
            try:
                subprocess.Popen(["true", 1])
            except TypeError:
                pass
        def test_platform(): platform.uname().processor
        def test_none(): pass
        """,
    )
    opaque = {
        name: journal.tests["test_it.py::test_" + name]["opaque"]
        for name in ("run", "python", "system", "fork", "odd", "platform", "none")
    }
    assert len(opaque["run"]) == 1 and opaque["run"][0].endswith(" -c pass")
    assert opaque["system"] == ["child process: true"]
    assert opaque["fork"] == ["child process: os.fork"]
    assert opaque["odd"] == ["child process: true"]
    assert opaque["platform"] == opaque["none"] == opaque["python"] == []
    [(number, command)] = [row[1:] for row in of_kind(journal, "test_python", "child")]
    assert command.endswith(" -c pass") and number.endswith("-1")


@pytest.mark.skipif(sys.version_info < (3, 14), reason="Python before 3.14")
def test_other_interpreters(project):
    project.write(
        {
            "lib.py": "def f(): return 1\n",
            "conftest.py": """
                import atexit, pytest

                @atexit.register
                def show():
                    import _interpreters
                    print("exec is a", type(_interpreters.exec).__name__)

                @pytest.fixture(scope="module")
                def pool():
                    from concurrent.futures import InterpreterPoolExecutor
                    with InterpreterPoolExecutor(1) as pool:
                        yield pool
                """,
            "test_it.py": """
                import lib

                def test_executed():
                    from concurrent import interpreters
                    interpreter = interpreters.create()
                    try:
                        interpreter.exec("import lib; lib.f()")
                    finally:
                        interpreter.close()

                def test_called(pool): assert pool.submit(lib.f).result() == 1
                def test_called_again(pool): assert pool.submit(lib.f).result() == 1
                def test_none(): assert lib.f() == 1
                """,
        }
    )
    run = project.run("-q", env=dict(UNMEASURED, PYTHONPATH=str(project.root)))
    assert run.exit == 0, run.out + run.err
    assert "exec is a builtin_function_or_method" in run.out
    for name in ("executed", "called", "called_again"):
        assert "another interpreter" in run.journal.opaque("test_it.py::test_" + name), name
    assert run.journal.opaque("test_it.py::test_none") == []


def test_forked_children_leave_the_journal_alone(project):
    project.write(
        {
            "test_it.py": """
                import os, multiprocessing

                def work():
                    import json.tool
                    open("test_it.py").close()

                def test_1():
                    context = multiprocessing.get_context("fork")
                    child = context.Process(target=work)
                    child.start()
                    child.join()
                    assert child.exitcode == 0

                def test_2(): pass
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out
    assert sorted(run.journal.tests) == ["test_it.py::test_1", "test_it.py::test_2"]
    assert [frame["k"] for frame, _ in run.journal.frames].count("end") == 1


def test_settings_of_pytest_are_no_inputs(project):
    project.write({"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-q'\n", "tox.ini": "", "setup.cfg": ""})
    journal = inputs(
        project,
        """
        def test_1(): pass
        def test_2(): open("pyproject.toml").close()
        """,
    )
    assert of_kind(journal, "test_1", "file") == []
    assert [entry[1] for entry in of_kind(journal, "test_2", "file")] == ["pyproject.toml"]


@pytest.mark.skipif(os.name == "nt", reason="symbolic links")
def test_symbolic_links_to_the_root(project):
    link = project.root.parent / "link"
    link.symlink_to(project.root)
    project.write(
        {
            "lib.py": "def f(): pass\n",
            "data.txt": "d",
            "test_it.py": "import lib\ndef test_1():\n    lib.f()\n    open('data.txt').close()\n",
        }
    )
    journal = project.run("-q", root=str(link)).journal
    assert "lib.py::f" in journal.own("test_it.py::test_1")
    assert of_kind(journal, "test_1", "file") == [["file", "data.txt", sha("d")]]


def test_functions_that_tests_replace(project):
    journal = inputs(
        project,
        """
        import builtins, os, time
        import pytest
        from unittest import mock

        def test_1():
            with mock.patch("os.stat"), mock.patch("os.getcwd", return_value="/nowhere"), mock.patch("os.listdir"):
                with mock.patch("os.open"), mock.patch("os.read"), mock.patch("time.time"), mock.patch("json.dumps"):
                    open("data.txt").close()
                    import lib
                    lib.f()
        def test_2():
            with mock.patch("builtins.open"):
                import other
        """,
        files={"data.txt": "d", "lib.py": "def f(): pass\n", "other.py": ""},
    )
    assert of_kind(journal, "test_1", "file") == [["file", "data.txt", sha("d")]]
    assert "lib.py::f" in journal.own("test_it.py::test_1")
    assert all(frame["sha"] for frame in journal.modules)


def test_removing_a_temporary_directory_writes_nothing_of_the_project(project):
    project.write(
        {
            "test_it.py": """
                import os, shutil, tempfile

                def test_1():
                    directory = tempfile.mkdtemp()
                    open(os.path.join(directory, "data.txt"), "w").close()
                    os.mkdir(os.path.join(directory, "sub"))
                    open(os.path.join(directory, "sub", "data.txt"), "w").close()
                    # Names relative to a descriptor: none of them is the project's file of that name.
                    shutil.rmtree(directory)

                def test_2(): assert open("data.txt").read() == "old"
                """,
            "data.txt": "old",
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out
    assert run.journal.opaque("test_it.py::test_2") == []


def test_a_link_elsewhere_to_a_file_of_the_project(project):
    journal = inputs(
        project,
        """
        import os
        def test_symbolic(tmp_path):
            os.symlink(os.path.abspath("data/a.txt"), str(tmp_path / "link"))
            assert (tmp_path / "link").read_text() == "one"
        def test_hard(tmp_path):
            os.link("data/a.txt", str(tmp_path / "link"))
            assert (tmp_path / "link").read_text() == "one"
        def test_own(tmp_path):
            (tmp_path / "file").write_text("own")
            os.symlink(str(tmp_path / "file"), str(tmp_path / "link"))
        """,
        files={"data/a.txt": "one"},
    )
    for name in ("symbolic", "hard"):
        assert of_kind(journal, "test_" + name, "file") == [["file", "data/a.txt", sha("one")]], name
    assert of_kind(journal, "test_own", "file") == []


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no memory below /dev")
def test_a_project_that_lies_among_devices():
    place = tempfile.mkdtemp(dir="/dev/shm")
    try:
        journal = inputs(
            Project(pathlib.Path(place)),
            """
            import os
            def test_1():
                open("data/a.txt").close()
                os.listdir("data")
                open("/dev/null").close()
            """,
            files={"data/a.txt": "one"},
        )
        assert sorted(of_kind(journal, "test_1", "file", "listing")) == [
            ["file", "data/a.txt", sha("one")],
            ["listing", "data", ["a.txt"]],
        ]
    finally:
        shutil.rmtree(place)
