"""Modules as they are really loaded: every way of loading, the source that ran, and no trace in the project's eyes."""

import hashlib
import os
import sys
import time

import pytest


def sha(path):
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def module(journal, path):
    found = [frame for frame in journal.modules if frame["file"] == path]
    assert len(found) == 1, (path, found)
    return found[0]


def sought(journal):
    return {entry[1] for context in journal.contexts.values() for entry in context["inputs"] if entry[0] == "import"}


def make_old(*paths, seconds=60):
    for path in paths:
        before = time.time() - seconds
        os.utime(str(path), (before, before))


def test_module_frames(project):
    project.write(
        {
            "pkg/__init__.py": "from . import inner\n",
            "pkg/inner.py": "VALUE = 1\n",
            "conftest.py": "import pkg\n",
            "test_it.py": "import pkg.inner\ndef test_1(): assert pkg.inner.VALUE\n",
        }
    )
    journal = project.run("-q").journal
    assert sorted(frame["file"] for frame in journal.modules) == [
        "conftest.py",
        "pkg/__init__.py",
        "pkg/inner.py",
        "test_it.py",
    ]
    frame = module(journal, "pkg/inner.py")
    assert (frame["name"], frame["package"]) == ("pkg.inner", "pkg")
    assert frame["sha"] == sha(project.root / "pkg/inner.py")
    result = os.stat(str(project.root / "pkg/inner.py"))
    assert frame["stat"] == [str(v) for v in (result.st_size, result.st_mtime_ns, result.st_ctime_ns, result.st_ino)]
    outer = journal.contexts[module(journal, "pkg/__init__.py")["ctx"]]
    assert frame["ctx"] in outer["uses"]
    assert {"pkg", "pkg.inner", "conftest", "test_it", "os", "json"} <= sought(journal)
    assert "os.path" not in sought(journal)
    assert journal.preloaded == []
    assert journal.session["roots"][0] == "."


def test_names_that_are_not_found_are_sought(project):
    project.write(
        {
            "pkg/__init__.py": "try:\n    from . import missing\nexcept ImportError:\n    pass\n",
            "test_it.py": "import pkg\ntry:\n    import nowhere\nexcept ImportError:\n    pass\ndef test_1(): pass\n",
        }
    )
    assert {"nowhere", "pkg.missing"} <= sought(project.run("-q").journal)


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_import_modes(project, mode):
    project.write({"a/test_it.py": "def helper(): pass\nhelper()\ndef test_1(): pass\n"})
    journal = project.run("-q", "--import-mode", mode).journal
    frame = module(journal, "a/test_it.py")
    assert frame["sha"] == sha(project.root / "a/test_it.py")
    assert ("a/test_it.py", 1, "helper") in journal.contexts[frame["ctx"]]["codes"]
    assert frame["ctx"] in journal.context("file", "a/test_it.py")["uses"]


def test_without_assertion_rewriting(project):
    project.write({"test_it.py": "def test_1(): pass\n"})
    assert module(project.run("-q", "--assert=plain").journal, "test_it.py")["sha"]


def test_loading_by_hand(project):
    project.write(
        {
            "plain.txt.py": "def helper(): pass\nhelper()\n",
            "test_it.py": """
                import importlib.util

                def test_1():
                    spec = importlib.util.spec_from_file_location("by_hand", "plain.txt.py")
                    loaded = importlib.util.module_from_spec(spec)
                    spec.loader.exec_module(loaded)
                    assert type(spec.loader).__name__ == "SourceFileLoader"
                    assert spec.loader.get_data("plain.txt.py").startswith(b"def")

                def test_2():
                    pass
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out
    frame = module(run.journal, "plain.txt.py")
    assert frame["ctx"] in run.journal.tests["test_it.py::test_1"]["uses"]
    assert frame["ctx"] not in run.journal.tests["test_it.py::test_2"]["uses"]


def test_reloading_makes_a_second_frame(project):
    project.write(
        {
            "lib.py": "",
            "test_it.py": "import importlib, lib\ndef test_1(): importlib.reload(lib)\n",
        }
    )
    journal = project.run("-q").journal
    frames = [frame for frame in journal.modules if frame["file"] == "lib.py"]
    assert len(frames) == 2 and frames[0]["ctx"] != frames[1]["ctx"]
    assert frames[1]["ctx"] in journal.tests["test_it.py::test_1"]["uses"]


def test_asking_for_a_loaded_module_by_name(project):
    project.write(
        {
            "pkg/__init__.py": "",
            "pkg/mod.py": "",
            "test_it.py": """
                import importlib, importlib.util
                import pkg.mod

                def test_1(): importlib.import_module("pkg.mod")
                def test_2(): importlib.import_module(".mod", "pkg")
                def test_3(): importlib.util.find_spec("pkg.mod")
                def test_4(): pass
                """,
        }
    )
    journal = project.run("-q").journal
    wanted = {module(journal, "pkg/__init__.py")["ctx"], module(journal, "pkg/mod.py")["ctx"]}
    for number in (1, 2, 3):
        assert wanted <= set(journal.tests["test_it.py::test_%d" % number]["uses"])
    assert not wanted & set(journal.tests["test_it.py::test_4"]["uses"])


def test_code_that_is_run_without_loading_the_module(project):
    project.write(
        {
            "script.py": "print('hello')\n",
            "test_it.py": """
                import runpy

                def test_module(): runpy.run_module("script")
                def test_path(): runpy.run_path("script.py")
                def test_none(): pass
                """,
        }
    )
    for _ in range(2):  # from the source and from byte code
        make_old(project.root / "script.py")
        journal = project.run("-q").journal
        wanted = ["file", "script.py", sha(project.root / "script.py")]
        assert wanted in journal.inputs("test_it.py::test_module")
        assert wanted in journal.inputs("test_it.py::test_path")
        assert wanted not in journal.inputs("test_it.py::test_none")


def test_modules_loaded_before_the_collector(project):
    project.write({"early.py": "", "sitecustomize.py": "import early\n", "test_it.py": "def test_1(): pass\n"})
    journal = project.run("-q", env={"PYTHONPATH": str(project.root)}).journal
    assert {(frame["file"], frame["sha"]) for frame in journal.preloaded} == {
        (name, sha(project.root / name)) for name in ("early.py", "sitecustomize.py")
    }


def test_modules_that_nothing_saw_are_preloaded(project):
    project.write(
        {
            "odd.py": "VALUE = 1\n",
            "conftest.py": """
                import sys, types
                odd = types.ModuleType("odd")
                odd.__file__ = __file__.replace("conftest.py", "odd.py")
                sys.modules["odd"] = odd
                """,
            "test_it.py": "import odd\ndef test_1(): pass\n",
        }
    )
    assert [frame["file"] for frame in project.run("-q").journal.preloaded] == ["odd.py"]


@pytest.mark.parametrize("name", ["lib.py", "test_it.py"])
def test_an_edit_of_equal_size_within_the_second_runs_the_new_code(project, name):
    """Python itself would run the old byte code."""
    now = int(time.time()) - 30
    project.write(
        {"lib.py": "VALUE = 1\n", "test_it.py": "import lib\nVALUE = 1\ndef test_1(): print(lib.VALUE + VALUE)\n"}
    )
    path = project.root / name
    os.utime(str(path), (now, now))
    assert "2\n" in project.run("-q", "-s").out
    # The byte code is as old as it would be, had all this happened within one second.
    for directory, _, files in os.walk(str(project.root)):
        for file in files:
            if file.endswith(".pyc"):
                os.utime(os.path.join(directory, file), (now, now))
    path.write_text(path.read_text().replace("VALUE = 1", "VALUE = 5"))
    os.utime(str(path), (now, now))
    run = project.run("-q", "-s")
    assert "6\n" in run.out
    assert module(run.journal, name)["sha"] == sha(path)


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="modules with probes have byte code of their own")
def test_old_byte_code_is_used(project):
    project.write({"lib.py": "VALUE = 1\n", "test_it.py": "import lib\ndef test_1(): print(lib.VALUE)\n"})
    time.sleep(2.2)  # byte code must be clearly younger than its source, whose change time cannot be set
    project.run("-q")
    caches = [path for path in (project.root / "__pycache__").iterdir() if path.name.startswith("lib.")]
    assert len(caches) == 1
    before = caches[0].stat().st_mtime_ns
    run = project.run("-q")
    assert caches[0].stat().st_mtime_ns == before
    assert module(run.journal, "lib.py")["sha"] == sha(project.root / "lib.py")


def test_a_source_that_changes_while_it_is_loaded_has_no_hash(project):
    project.write(
        {
            "lib.py": "open(__file__, 'a').write('# more\\n')\n",
            "test_it.py": "import lib\ndef test_1(): pass\n",
        }
    )
    assert module(project.run("-q").journal, "lib.py")["sha"] is None


def test_byte_code_that_is_never_checked_has_no_hash(project):
    project.write({"lib.py": "VALUE = 1\n", "test_it.py": "import lib\ndef test_1(): assert lib.VALUE == 1\n"})
    import subprocess

    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "lib.py"],
        cwd=str(project.root),
        check=True,
    )
    (project.root / "lib.py").write_text("VALUE = 2\n")
    run = project.run("-q", mechanism="auto")
    if run.journal.start["mechanism"] == "probes":
        pytest.skip("source probes always compile")
    assert run.exit == 0, run.out
    assert module(run.journal, "lib.py")["sha"] is None


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="modules with probes have byte code of their own")
@pytest.mark.parametrize("check", ["always", "default", "never"])
@pytest.mark.parametrize("mode", ["unchecked-hash", "checked-hash"])
def test_byte_code_with_a_hash(project, mode, check):
    project.write({"lib.py": "VALUE = 1\n", "test_it.py": "import lib\ndef test_1(): print('VALUE', lib.VALUE)\n"})
    import subprocess

    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", mode, "lib.py"],
        cwd=str(project.root),
        check=True,
    )
    args = ["--check-hash-based-pycs", check]
    lib = project.root / "lib.py"
    same = project.run("-q", "-s", python_args=args)
    assert "VALUE 1" in same.out and module(same.journal, "lib.py")["sha"] == sha(lib)
    lib.write_text("VALUE = 2\n")
    edited = project.run("-q", "-s", python_args=args)
    checked = check == "always" or (check == "default" and mode == "checked-hash")
    # What runs, and whether that is known.
    assert ("VALUE 2" in edited.out) is checked
    assert module(edited.journal, "lib.py")["sha"] == (sha(lib) if checked else None)


def test_python_that_writes_no_byte_code(project):
    project.write({"lib.py": "VALUE = 1\n", "test_it.py": "import lib\ndef test_1(): assert lib.VALUE == 1\n"})
    journal = project.run("-q", "-p", "no:cacheprovider", python_args=["-B"]).journal
    assert module(journal, "lib.py")["sha"] == sha(project.root / "lib.py")
    assert not (project.root / "__pycache__").exists()


def test_names_that_cannot_be_resolved(project):
    project.write(
        {
            "pkg/__init__.py": "",
            "test_it.py": """
                import importlib, importlib.util
                import pytest

                @pytest.mark.parametrize(
                    "name, package", [(".mod", None), (".mod", ""), ("...mod", "pkg"), (None, None), ("pkg.none", None)]
                )
                def test_1(name, package):
                    with pytest.raises((ImportError, TypeError, ValueError, AttributeError)):
                        importlib.import_module(name, package)
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out
    assert len(run.journal.tests) == 5 and run.journal.notes == []


@pytest.mark.skipif(sys.version_info < (3, 14), reason="evaluated at once")
def test_annotations_that_are_evaluated_late(project):
    project.write(
        {
            "lib.py": """
                def kind(): return int
                def f(a: kind()): return a
                def broken(a: nothing_of_the_kind): return a
                """,
            "test_it.py": """
                import annotationlib, lib

                def test_1(): assert lib.f.__annotations__ == {"a": int}
                def test_2(): assert lib.f.__annotations__ == {"a": int}
                def test_3():
                    for _ in range(2):
                        try:
                            lib.broken.__annotations__
                        except NameError:
                            pass
                def test_4(): assert lib.f(1) == 1
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0 and run.journal.notes == [], run.out + run.err
    # Whoever comes second finds the annotations ready: they belong to the import, which all depend on.
    imported = run.journal.contexts[module(run.journal, "lib.py")["ctx"]]
    assert ("lib.py", "kind") in {(path, name) for path, _, name in imported["codes"]}
    for name in ("test_1", "test_2", "test_3"):
        assert "lib.py::kind" in run.journal.bodies("test_it.py::" + name)


def test_sourceless_modules_count_by_their_content(project):
    import py_compile

    project.write({"src/bare.py": "VALUE = 1\n", "test_it.py": "import bare\ndef test_1(): pass\n"})
    target = project.root / "bare.pyc"
    py_compile.compile(str(project.root / "src/bare.py"), cfile=str(target))
    journal = project.run("-q").journal
    assert ["file", "bare.pyc", sha(target)] in journal.inputs("test_it.py::test_1")


def test_nothing_looks_different(project):
    project.write(
        {
            "pkg/__init__.py": "",
            "pkg/data.txt": "data",
            "pkg/mod.py": "def f():\n    return 1\n",
            "test_it.py": """
                import importlib, importlib.machinery, inspect, pkgutil, sys
                import pkg.mod

                def test_1():
                    spec = pkg.mod.__spec__
                    assert type(spec.loader) is importlib.machinery.SourceFileLoader
                    assert spec.loader is pkg.mod.__loader__
                    assert "exec_module" not in vars(spec.loader)
                    assert inspect.getsource(pkg.mod.f).startswith("def f")
                    assert spec.loader.get_source("pkg.mod").startswith("def f")
                    assert pkgutil.get_data("pkg", "data.txt") == b"data"
                    assert [m.name for m in pkgutil.iter_modules(pkg.__path__)] == ["mod"]
                    assert inspect.getsource(importlib.import_module)
                    assert importlib.import_module.__name__ == "import_module"
                    assert importlib.reload(pkg.mod) is pkg.mod
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out


def test_tracebacks_and_warnings_look_the_same(project):
    project.write(
        {
            "warns.py": "import warnings\nwarnings.warn('careful', stacklevel=2)\n",
            "raises.py": "def f():\n    raise ValueError('deep')\nf()\n",
            "typo.py": "def f(:\n    pass\n",
            "test_warns.py": "import warns\ndef test_1(): pass\n",
            "test_raises.py": "import raises\n",
            "test_typo.py": "import typo\n",
            "test_missing.py": "import missing_thing\n",
            "test_own_typo.py": "def f(:\n",
            "test_lazy.py": """
                import importlib
                import pytest

                @pytest.fixture(scope="module")
                def wide(): raise KeyError("wide")

                def test_1(): import raises
                def test_2(): importlib.import_module("raises")
                def test_3(): importlib.import_module("typo")
                def test_4(wide): pass
                def test_5(request): request.getfixturevalue("wide")
                def test_6(no_such_fixture): pass
                def test_7(request): request.getfixturevalue("no_such_fixture")
                """,
        }
    )
    args = ("-p", "no:cacheprovider", "--continue-on-collection-errors")

    def lines(text):
        return [line for line in text.splitlines() if not line.startswith(("=", "platform", "plugins"))]

    project.run_bare(*args)
    for more in ((), ("--tb=short",), ("-W", "error")):
        bare = project.run_bare(*args, *more)
        run = project.run(*args, *more)
        assert lines(run.out) == lines(bare.stdout)
        assert run.exit == bare.returncode == 1


@pytest.mark.skipif(hasattr(sys, "monitoring"), reason="nothing is compiled into modules")
def test_a_pytest_that_never_asks_for_byte_code_ends_the_recording(project):
    project.write(
        {
            "conftest.py": "from _pytest.assertion import rewrite\nrewrite._read_pyc = lambda *rest: None\n",
            "test_it.py": "def test_1(): pass\n",
        }
    )
    run = project.run("-q", "-p", "no:cacheprovider", env={"WINNOW_DEBUG": ""})
    assert run.exit == 0 and "1 passed" in run.out
    assert run.journal.tests == {}
    assert [note["code"] for note in run.journal.notes] == ["collector-failed"]


def test_a_module_that_raises_is_known_all_the_same(project):
    project.write(
        {
            "fast.py": "raise ImportError\n",
            "test_it.py": "try:\n    import fast\nexcept ImportError:\n    fast = None\ndef test_1(): pass\n",
        }
    )
    journal = project.run("-q").journal
    assert module(journal, "fast.py")["ctx"] in journal.contexts[module(journal, "test_it.py")["ctx"]]["uses"]


def test_conftests_of_subdirectories_concern_what_lies_below(project):
    project.write(
        {
            "lib.py": "def f(): pass\n",
            "a/conftest.py": "import lib\nlib.f()\n",
            "a/test_a.py": "def test_1(): pass\n",
            "b/test_b.py": "def test_1(): pass\n",
            "c/conftest.py": "import lib, sys\nlib.f()\nsys.path.insert(0, 'x')\n",
            "c/test_c.py": "def test_1(): pass\n",
        }
    )
    journal = project.run("-q").journal
    a, c = module(journal, "a/conftest.py")["ctx"], module(journal, "c/conftest.py")["ctx"]
    assert a in journal.context("file", "a/test_a.py")["uses"]
    assert a not in journal.contexts[0]["uses"]
    assert a not in journal.context("file", "b/test_b.py")["uses"]
    assert c in journal.contexts[0]["uses"]


def test_files_outside_of_the_root(project):
    outside = project.root.parent / "elsewhere"
    outside.mkdir()
    (outside / "other.py").write_text("def f(): pass\nf()\n")
    project.write({"test_it.py": "import other\ndef test_1(): other.f()\n"})
    journal = project.run("-q", env={"PYTHONPATH": str(outside)}).journal
    assert module(journal, "../elsewhere/other.py")["sha"]
    assert "../elsewhere/other.py::f" in journal.own("test_it.py::test_1")
    assert "../elsewhere" in journal.session["roots"]


def test_temporary_directories_are_searched_only_where_they_were_from_the_start(project):
    shared = project.temp / "shared"
    shared.mkdir()
    (shared / "other.py").write_text("")
    tests = """
        import subprocess, sys

        def test_late(tmp_path, monkeypatch):
            monkeypatch.syspath_prepend(str(tmp_path))

        def test_child(tmp_path):
            script = tmp_path / "code.py"
            script.write_text("import json")
            subprocess.check_call([sys.executable, str(script)])
    """
    project.write({"test_it.py": tests})
    run = project.run("-q", env={"PYTHONPATH": str(shared)})
    assert run.exit == 0
    assert run.journal.session["roots"] == [".", "../temp/shared"]
    assert [child.session.get("roots", []) for child in run.children.values()] == [[]]


def test_temporary_modules_are_nobodys_sources(project):
    project.write(
        {
            "test_it.py": """
                import sys

                def test_1(tmp_path, monkeypatch):
                    (tmp_path / "made.py").write_text("def f(): pass")
                    monkeypatch.syspath_prepend(str(tmp_path))
                    import made
                    made.f()
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0
    assert run.journal.bodies("test_it.py::test_1") == {"test_it.py::test_1"}
    assert [frame["file"] for frame in run.journal.modules] == ["test_it.py"]


def test_modules_asked_for_through_the_import_function(project):
    project.write(
        {
            "plug_a.py": "def value(): return 1\nVALUE = value()\n",
            "pkg/__init__.py": """
                def sibling(name):
                    return getattr(__import__("", globals(), locals(), [name], 1), name)
                """,
            "pkg/plug_b.py": "def value(): return 2\nVALUE = value()\n",
            "loader.py": """
                def load(name):
                    return __import__(name)

                def member(name):
                    return getattr(__import__("pkg", globals(), locals(), [name], 0), name)

                def any(*arguments):
                    return __import__(*arguments)
                """,
            "test_it.py": """
                import loader
                import pkg
                import pytest

                def test_1(): assert loader.load("plug_" + "a").VALUE == 1
                def test_2(): assert loader.load("plug_" + "a").VALUE == 1
                def test_3(): assert loader.member("plug_" + "b").VALUE == 2
                def test_4(): assert loader.member("plug_" + "b").VALUE == 2
                def test_5():
                    try:
                        loader.load("plug_missing")
                    except ImportError as error:
                        assert error.name == "plug_missing"
                def test_6(): assert loader.__dict__.get("load")
                def test_7(): assert pkg.sibling("plug_" + "b").VALUE == 2
                def test_8():
                    for arguments in ((1,), ("pkg", 1, None, (), 1), ("pkg", None, None, 1)):
                        with pytest.raises((TypeError, ImportError)):
                            loader.any(*arguments)
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out
    journal = run.journal
    for number in (1, 2):
        assert "plug_a.py::value" in journal.bodies("test_it.py::test_%d" % number)
    for number in (3, 4, 7):
        assert "pkg/plug_b.py::value" in journal.bodies("test_it.py::test_%d" % number)
    assert "plug_a.py::value" not in journal.bodies("test_it.py::test_6")


def test_code_that_looks_at_tracebacks_finds_no_frame_in_between(project):
    project.write(
        {
            "plug.py": "def value(): return 1\nVALUE = value()\n",
            "loader.py": """
                import sys

                def load(name):
                    try:
                        return __import__(name)
                    except ImportError:
                        return "inside" if sys.exc_info()[2].tb_next else "missing"
                """,
            "broken.py": "import nowhere\n",
            "test_it.py": """
                import loader

                def test_1(): assert loader.load("plug").VALUE == 1
                def test_2(): assert loader.load("plug").VALUE == 1
                def test_3(): assert loader.load("plug_missing") == "missing"
                def test_4(): assert loader.load("broken") == "inside"
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out
    for number in (1, 2):
        assert "plug.py::value" in run.journal.bodies("test_it.py::test_%d" % number)
    assert ("package", "*") in {entry[:2] for entry in map(tuple, run.journal.inputs("test_it.py::test_2"))}


def test_names_concern_whoever_asks_for_them(project):
    project.write(
        {
            "lib.py": "try:\n    import nowhere\nexcept ImportError:\n    pass\n",
            "test_1.py": "import lib\ndef test_1(): pass\n",
            "test_2.py": "def test_2():\n    try:\n        import elsewhere\n    except ImportError:\n        pass\n",
            "test_3.py": "def test_3(): pass\n",
        }
    )
    journal = project.run("-q").journal
    names = {
        number: {entry[1] for entry in journal.inputs("test_%d.py::test_%d" % (number, number)) if entry[0] == "import"}
        for number in (1, 2, 3)
    }
    assert {"nowhere", "test_1"} <= names[1] and "elsewhere" not in names[1]
    assert {"elsewhere", "test_2"} <= names[2] and "nowhere" not in names[2]
    assert names[3] & {"nowhere", "elsewhere", "test_1", "test_2"} == set()
