"""Whatever fails in the collector ends the recording with a note, and no test is any different for it."""

import os
import sys

import pytest
from conftest import BOOTSTRAP

# `BREAK` names a function of the collector, and perhaps what its arguments have to end in (all of it) for it to fail.
BREAK = """
    import importlib, os

    name, _, words = os.environ["BREAK"].partition(" ")
    module, _, path = name.partition(":")
    owner = importlib.import_module("winnow_collector." + module)
    *classes, function = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    original = getattr(owner, function)

    def broken(*args, **named):
        about = [getattr(argument, "kind", argument) for argument in args]
        texts = tuple(text for text in about if isinstance(text, str))
        if all(any(text.endswith(word) for text in texts) for word in words.split()):
            raise RuntimeError("broken on purpose")
        return original(*args, **named)

    setattr(owner, function, broken)
    """
FILES = {
    "conftest.py": BREAK + "\n    import pytest\n\n    @pytest.fixture\n    def narrow(): return 1\n",
    "data.txt": "text",
    "lib.py": "def f(): return 1\n",
    "late.py": "def g(): return 2\n",
    "borrowed.py": "",
    "pkg/__init__.py": "def setup_module(): pass\n",
    "pkg/test_in_package.py": "def test_1(): pass\n",
    "test_it.py": """
        import importlib, pkgutil, pytest
        import lib

        @pytest.fixture(scope="module")
        def wide():
            yield lib.f()
            lib.f()

        def test_1(narrow): assert lib.f() == narrow
        def test_2(wide): assert wide == 1
        def test_3(request): assert request.getfixturevalue("wide") == 1
        def test_4(): assert importlib.import_module("late").g() == 2
        def test_5():
            with open("data.txt") as file:
                assert file.read() == "text"
        def test_6():
            assert pkgutil.get_importer(".").find_spec("borrowed").loader.get_code("borrowed")
        """,
}
ALL = ["pkg/test_in_package.py::test_1"] + ["test_it.py::test_%d" % number for number in range(1, 7)]
BROKEN = [
    "audit:Audit._read",
    "collection:Collection.add_file",
    "collection:Collection.add_report",
    "collection:Collection.frames",
    "collection:Collection.take_items",
    "contexts:Context.use test",
    "contexts:Contexts.leave file",
    "contexts:Contexts.leave fixture",
    "contexts:Contexts.leave import",
    "contexts:Contexts.leave teardown",
    "contexts:Contexts.new file",
    "contexts:Contexts.new fixture",
    "contexts:Contexts.new import",
    "contexts:Contexts.new teardown",
    "contexts:Contexts.new teardown ::wide",
    "contexts:Contexts.new_shared",
    "contexts:Contexts.retire_session",
    "fixtures:Fixtures._use",
    "fixtures:Fixtures.end_setup",
    "importing:Imports.sought",
    "importing:stat_file",
    "importing:stat_file borrowed.py",
    "plugin:_begin_test",
    "recorder:Recorder.end_test",
    "recorder:Recorder.finish",
    "registry:Registry.code_id",
]


if hasattr(sys, "monitoring"):
    BROKEN.append("loaders:pyc_is_trustworthy")


@pytest.mark.parametrize("name", BROKEN)
def test_no_test_is_different(project, name):
    project.write(FILES)
    run = project.run("-v", "-p", "no:cacheprovider", env={"BREAK": name, "WINNOW_DEBUG": ""})
    assert run.exit == 0 and "7 passed" in run.out, run.out + run.err
    assert run.err == ""
    journal = run.journal
    codes = [note["code"] for note in journal.notes]
    if name == "recorder:Recorder.finish":
        # There is nobody left to write a note, nor the end mark: what is known of the tests is there all the same.
        assert (codes, journal.end, sorted(journal.tests)) == ([], None, ALL)
    else:
        assert codes == ["collector-failed"], name
        assert "RuntimeError: broken on purpose" in journal.notes[0]["message"]
        assert journal.end is not None
        assert name.endswith("retire_session") or sorted(journal.tests) < ALL, sorted(journal.tests)


AT_START = {
    "the recorder": "import winnow_collector.audit as audit\naudit.Audit.start = audit.Audit.stop = broken\n",
    "the plugin": "sys.modules['winnow_collector.plugin'] = None\n",
    "pytest": """
import importlib.abc
class Changed(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "winnow_collector.plugin":
            from _pytest.fixtures import FixtureDef
            FixtureDef.execute = None
sys.meta_path.insert(0, Changed())
""",
}


@pytest.mark.parametrize("what", sorted(AT_START))
def test_what_fails_at_the_start_leaves_pytest_alone(project, what):
    project.write({"test_it.py": "def test_1(): pass\n"})
    site = project.root.parent / "site"
    site.mkdir()
    start = "import sys\nsys.path.append(%r)\ndef broken(*args): raise RuntimeError('broken on purpose')\n"
    (site / "sitecustomize.py").write_text(start % os.path.dirname(BOOTSTRAP) + AT_START[what])
    run = project.run("-q", env={"PYTHONPATH": str(site)})
    if what != "pytest":
        assert run.exit == 0 and "1 passed" in run.out, run.out + run.err
    assert run.err.count("winnow: nothing is recorded and every test runs, because ") == 1, run.err
    assert run.journals == []


@pytest.mark.parametrize("plan, session", [({"version": 2}, {}), (None, {"root": None})])
def test_files_of_the_engine_that_cannot_be_used(project, plan, session):
    project.write({"test_it.py": "def test_1(): pass\n"})
    run = project.run("-q", plan=plan, **session)
    assert run.exit == 0 and "1 passed" in run.out
    assert run.err.count("winnow: nothing is recorded and every test runs, because ") == 1, run.err
    assert run.journals == []


def test_a_session_file_that_holds_something_else(project):
    project.write({"test_it.py": "def test_1(): pass\n", "session.json": "[]"})
    run = project.run("-q", env={"WINNOW_SESSION": str(project.root / "session.json")})
    assert run.exit == 0 and "is no JSON object" in run.err


def test_a_name_that_is_taken(project):
    """Of a journal: another process with this number had the same run, on another machine perhaps."""
    project.write(
        {
            "conftest.py": """
                import json, os
                session = json.load(open(os.environ["WINNOW_SESSION"]))
                path = os.path.join(session["journals"], "%s-%d-0.journal" % (session["run"], os.getpid()))
                with open(path, "wb") as file:
                    file.write(b"WNJ1" + bytes(4))
                """,
            "test_it.py": "def test_1(): pass\n",
        }
    )
    run = project.run("-q", "-p", "no:cacheprovider")
    assert run.exit == 0 and run.err == ""
    whole = [journal for journal in run.journals if journal.tests]
    assert len(whole) == 1 and whole[0].path.endswith("-1.journal")
