"""Questions whether something is there, as inputs."""

import hashlib
import os
import subprocess
import sys

import pytest


def recorded(project, source, files=None, *args):
    project.write(dict({"test_it.py": source}, **(files or {})))
    run = project.run("-q", *args)
    assert run.exit == 0, run.out + run.err
    assert run.journal.notes == []
    return run.journal


def asked(journal, test):
    return sorted(entry[1:] for entry in journal.inputs("test_it.py::" + test) if entry[0] == "exists")


def files_of(journal, test):
    return sorted(entry[1:] for entry in journal.tests["test_it.py::" + test]["inputs"] if entry[0] == "file")


def sha(text):
    return hashlib.sha1(b"blob %d\0" % len(text) + text.encode()).hexdigest()


def test_ways_to_ask(project):
    journal = recorded(
        project,
        """
        import os, pathlib, pytest
        def test_exists(): assert os.path.exists("d/a.txt")
        def test_lexists(): assert os.path.lexists("d/a.txt")
        def test_isfile(): assert os.path.isfile(os.path.abspath("d/a.txt"))
        def test_bytes(): assert os.path.isfile(b"d/a.txt")
        def test_isdir(): assert not os.path.isdir("d/a.txt")
        def test_access(): assert os.access("d/a.txt", os.R_OK)
        def test_path(): assert pathlib.Path("d/a.txt").exists()
        def test_path_is_file(): assert pathlib.Path("d", "a.txt").is_file()
        def test_elsewhere(monkeypatch):
            monkeypatch.chdir("d")
            assert os.path.exists("a.txt")
        def test_twice(): assert os.path.exists("d/a.txt") and os.path.isfile("d/a.txt")
        def test_directory(): assert pathlib.Path("d").is_dir()
        def test_absent(): assert not os.path.exists("gone/x")
        def test_stat_absent():
            with pytest.raises(FileNotFoundError) as caught: os.stat("gone/x")
            assert caught.value.filename == "gone/x"
        def test_none(): pass
        """,
        {"d/a.txt": "one"},
    )
    for name in "exists lexists isfile bytes isdir access path path_is_file elsewhere twice".split():
        assert asked(journal, "test_" + name) == [["d/a.txt", "f"]], name
        assert files_of(journal, "test_" + name) == [], name
    assert asked(journal, "test_directory") == [["d", "d"]]
    for name in ("absent", "stat_absent"):
        assert asked(journal, "test_" + name) == [["gone/x", "-"]], name
    assert asked(journal, "test_none") == []


def test_whoever_asks_for_more_depends_on_the_content(project):
    journal = recorded(
        project,
        """
        import os, pathlib
        def test_size(): assert os.path.getsize("a.txt") == 3
        def test_stat(): assert os.stat("a.txt").st_size == 3
        def test_path(): assert pathlib.Path("a.txt").stat().st_size == 3
        def test_both(): assert os.path.exists("a.txt") and pathlib.Path("a.txt").exists() and os.path.getsize("a.txt")
        def test_paths(): assert pathlib.Path("a.txt").exists() and pathlib.Path("a.txt").stat().st_size == 3
        """,
        {"a.txt": "one"},
    )
    for name in ("size", "stat", "path", "both", "paths"):
        assert files_of(journal, "test_" + name) == [["a.txt", sha("one")]], name


def test_what_is_no_input(project):
    journal = recorded(
        project,
        """
        import os, pathlib, shutil, sys, tempfile, pytest
        HERE = pathlib.Path(__file__).resolve().parent
        def test_outside(tmp_path):
            assert os.path.exists(sys.executable) and os.path.isdir(tmp_path) and not os.path.exists("/no/such")
            assert os.path.isfile(pytest.__file__)
        def test_real(): assert os.path.realpath("a.txt") and HERE
        def test_own():
            os.mkdir("made")
            assert os.path.isdir("made")
            open("made/x", "w").close()
            os.link("made/x", "made/y")
            assert os.path.exists("made/x") and os.path.exists("made/y")
            os.symlink("x", "made/z")
            assert os.path.islink("made/z")
            shutil.rmtree("made")
            assert not os.path.exists("made")
        def test_descriptor():
            with open("a.txt") as file: os.stat(file.fileno())
        def test_caches(): os.path.exists("__pycache__")
        def test_temporary(): assert tempfile.mkdtemp() and tempfile.gettempdir()
        """,
        {"a.txt": "one"},
    )
    for name in ("outside", "real", "descriptor", "caches", "temporary"):
        assert asked(journal, "test_" + name) == [], name
    # It could not have been made where there was one already.
    assert asked(journal, "test_own") == [["made", "-"]]


def test_asked_by_an_import_and_a_fixture(project):
    journal = recorded(
        project,
        """
        import os, pytest, helper
        @pytest.fixture(scope="module")
        def local(): return os.path.exists("by_fixture")
        def test_1(local): pass
        def test_2(): pass
        """,
        {"helper.py": "import os\nFOUND = os.path.exists('by_import')\n"},
    )
    assert asked(journal, "test_1") == [["by_fixture", "-"], ["by_import", "-"]]
    assert asked(journal, "test_2") == [["by_import", "-"]]


def test_below_a_directory_that_is_open(project):
    journal = recorded(
        project,
        """
        import os
        def within(work):
            directory = os.open("d", os.O_RDONLY)
            try:
                work(directory)
            finally:
                os.close(directory)
        def test_open():
            within(lambda d: os.close(os.open("a.txt", os.O_RDONLY, dir_fd=d)))
        def test_stat():
            within(lambda d: os.stat("a.txt", dir_fd=d))
        def test_write():
            within(lambda d: os.close(os.open("new.txt", os.O_WRONLY | os.O_CREAT, dir_fd=d)))
            assert os.path.exists("d/new.txt")
            os.remove("d/new.txt")
            assert not os.path.exists("new.txt")
        """,
        {"d/a.txt": "one"},
    )
    assert ["d/a.txt", sha("one")] in files_of(journal, "test_open")
    assert ["d/a.txt", sha("one")] in files_of(journal, "test_stat")
    assert [entry[0] for entry in files_of(journal, "test_open")] == ["d/a.txt"]
    assert asked(journal, "test_write") == [["new.txt", "-"]]


def test_the_functions_are_as_good_as_before(project):
    recorded(
        project,
        """
        import inspect, os, pytest, shutil
        def test_1(tmp_path):
            assert os.stat in os.supports_dir_fd and os.stat in os.supports_follow_symlinks and os.stat in os.supports_fd
            assert os.open in os.supports_dir_fd and os.access in os.supports_effective_ids
            assert os.stat.__name__ == "stat" and "follow_symlinks" in str(inspect.signature(os.stat))
            with pytest.raises(TypeError): os.stat()
            with pytest.raises(TypeError): os.stat("a", "b", "c")
            with pytest.raises(TypeError): os.stat(1.5)
            with pytest.raises(ValueError): os.stat("a\\0b")
            link = tmp_path / "link"
            link.symlink_to("nowhere")
            assert os.lstat(link) and not os.path.exists(link) and os.path.lexists(str(link))
            shutil.copystat(link, link, follow_symlinks=False)
            shutil.copytree(tmp_path, tmp_path.parent / "copy", symlinks=True)
            shutil.rmtree(tmp_path.parent / "copy")
        """,
    )


def test_everything_is_put_back(project):
    code = """
import os, pathlib, sys
sys.path.append(%r)
accessor = getattr(pathlib, "_NormalAccessor", object)
sets = [getattr(os, name) for name in dir(os) if name.startswith("supports_") and name != "supports_bytes_environ"]
def state():
    return [os.stat, os.lstat, os.access, os.open, dict(vars(accessor)), [set(each) for each in sets]]
before = state()
from winnow_collector.recorder import Recorder
from winnow_collector.session import Session
recorder = Recorder(Session(%r, "", "r", None, "auto", "", True, []))
recorder.start()
kept = os.stat
assert kept is not before[0]
recorder.withdraw()
assert state() == before
assert kept(".").st_ino == os.stat(".").st_ino
"""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    subprocess.run([sys.executable, "-c", code % (here, str(project.root))], check=True)


@pytest.mark.parametrize("where", ["_asked", "_asks_only"])
def test_a_failure_in_here_reaches_nobody(project, where):
    project.write(
        {
            "conftest.py": """
            import winnow_collector.existence as existence
            def broken(*args): raise KeyError("broken")
            existence.Existence.%s = broken
            """
            % where,
            "test_it.py": "import os\ndef test_1(): assert not os.path.exists('gone')\n",
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out + run.err
    assert [note["code"] for note in run.journal.notes] == ["collector-failed"]
