"""Tests of every shape: unittest's classes, doctests, ids of any characters."""

import sys
from typing import Any

import pytest
from coexistence import Project, check, expect_idle, library, of_pytest

UNITTEST = {
    "lib.py": library("module_up", "module_down", "class_up", "class_down", "up", "a", "b", "cleanup", "bad", "base"),
    "test_unit.py": """
        import lib, unittest

        def setUpModule():
            lib.module_up()

        def tearDownModule():
            lib.module_down()

        class Base(unittest.TestCase):
            def check(self):
                self.assertEqual(lib.base(), 3)

        class First(Base):
            @classmethod
            def setUpClass(cls):
                lib.class_up()

            @classmethod
            def tearDownClass(cls):
                lib.class_down()

            def setUp(self):
                lib.up()
                self.addCleanup(lib.cleanup)

            def test_a(self):
                self.assertEqual(lib.a(), 3)

            def test_inherited(self):
                self.check()

        class Second(unittest.TestCase):
            def test_subtests(self):
                for n in range(3):
                    with self.subTest(n=n):
                        self.assertEqual(lib.b(), 3)

            @unittest.expectedFailure
            def test_expected(self):
                self.assertEqual(lib.bad(), 4)

            @unittest.skip("not now")
            def test_skipped(self):
                lib.a()

            def test_skips_itself(self):
                lib.a()
                self.skipTest("no")

            def runTest(self):
                pass

        class Asynchronous(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                lib.up()

            async def test_async(self):
                self.assertEqual(lib.b(), 3)
    """,
}
_MODULE = {"module_up", "module_down"}
_FIRST = _MODULE | {"class_up", "class_down", "up", "cleanup"}
UNITTEST_TABLE = {
    "test_unit.py::First::test_a": _FIRST | {"a"},
    "test_unit.py::First::test_inherited": _FIRST | {"base"},
    "test_unit.py::Second::test_subtests": _MODULE | {"b"},
    "test_unit.py::Second::test_expected": _MODULE | {"bad"},
    "test_unit.py::Second::test_skipped": _MODULE,
    "test_unit.py::Second::test_skips_itself": _MODULE | {"a"},
    "test_unit.py::Asynchronous::test_async": _MODULE | {"up", "b"},
}


def test_unittest(tmp_path: Any) -> None:
    table = dict(UNITTEST_TABLE)
    if pytest.version_tuple < (8, 2):
        pytest.skip("this pytest sets up modules for skipped tests too")
    first = check(Project(tmp_path, UNITTEST), table, edit="class_down")
    outcomes = {name.rpartition("::")[2]: frame["outcome"] for name, frame in first.tests.items()}
    assert outcomes == {
        "test_a": "passed",
        "test_inherited": "passed",
        "test_subtests": "passed",
        "test_expected": "xfailed",
        "test_skipped": "skipped",
        "test_skips_itself": "skipped",
        "test_async": "passed",
    }
    assert all(frame["green"] for frame in first.tests.values())


@of_pytest
def test_a_failing_subtest_runs_again(tmp_path: Any) -> None:
    text = """
        import lib, unittest

        class Case(unittest.TestCase):
            def test_some(self):
                for n in range(3):
                    with self.subTest(n=n):
                        self.assertNotEqual(n, lib.limit() - 2)

            def test_other(self):
                self.assertEqual(lib.other(), 3)
    """
    project = Project(tmp_path, {"lib.py": library("limit", "other"), "test_unit.py": text})
    bare, first = project.bare("-v"), project.winnow("-v")
    assert (first.code, first.run.lines) == (bare.code, bare.lines), first.run
    if bare.code == 0:
        pytest.skip("without pytest-subtests this pytest does not report failing subtests")
    assert project.plan().tests == {"test_unit.py::Case::test_some"}


@of_pytest
def test_doctests(tmp_path: Any) -> None:
    files = {
        "lib.py": library("a", "b", "c")
        + '''

def documented():
    """
    >>> documented()
    3
    """
    return a()


class Documented:
    """
    >>> Documented().value
    3
    """

    @property
    def value(self):
        """
        >>> import sys
        >>> Documented().value + len(sys.argv[:0])
        3
        """
        return b()
''',
        "test_text.txt": """
            Text with examples:

            >>> import lib
            >>> lib.c()
            3
        """,
        "test_plain.py": """
            import lib

            def test_a():
                assert lib.a() == 3
        """,
    }
    table = {
        "lib.py::lib.documented": {"documented", "a"},
        "lib.py::lib.Documented": {"value", "b"},
        "lib.py::lib.Documented.value": {"value", "b"},
        "test_text.txt::test_text.txt": {"c"},
        "test_plain.py::test_a": {"a"},
    }
    project = Project(tmp_path, files)
    for name in ("a", "b"):
        project.edit_function(name)
        project.edit_function(name)
    bare, first = project.bare("-v", "--doctest-modules"), project.winnow("-v", "--doctest-modules")
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    assert first.code == 0, first.run
    assert {name: first.bodies(name) for name in first.tests} == table
    expect_idle(project, "--doctest-modules")
    # What can be collected from lib.py is asked of pytest again: its doctests are in its source.
    project.edit_function("a")
    second = project.winnow("--doctest-modules")
    assert {"lib.py::lib.documented", "test_plain.py::test_a"} <= set(second.tests)
    assert "test_text.txt::test_text.txt" not in second.tests
    expect_idle(project, "--doctest-modules")
    # A text file is its own source.
    project.replace("test_text.txt", "Text with", "A text with")
    third = project.winnow("--doctest-modules")
    assert set(third.tests) == {"test_text.txt::test_text.txt"}
    # An example that gets wrong fails, and is fixed again.
    project.replace("test_text.txt", "\n3\n", "\n4\n")
    assert project.winnow("--doctest-modules").code == 1
    assert project.plan("--doctest-modules").tests == {"test_text.txt::test_text.txt"}
    project.replace("test_text.txt", "\n4\n", "\n3\n")
    expect_idle(project, "--doctest-modules")


IDS = [
    "plain",
    "",
    " ",
    "two words",
    "a::b",
    "[x]",
    "]",
    "[",
    "x]::test_b[y",
    "slash/and/dots/../x",
    "back\\slash",
    "new\nline",
    "tab\ttab",
    "\u0000",
    "caf\u00e9",
    "\u6f22\u5b57",
    "\U0001f600",
    "e\u0301",
    "quote'\"",
    "%s %d {0}",
    "-k",
    "@file",
    "#",
    "l" * 3000,
    "\x7f",
    "$HOME `x`",
    "a,b;c",
    "*?",
    "\\N{x}",
    "..",
]


@of_pytest
@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "unescaped"])
def test_ids(tmp_path: Any, escaped: bool) -> None:
    ids = [text for text in IDS if escaped or "\x00" not in text]
    text = """
        import lib, pytest

        IDS = %s

        @pytest.mark.parametrize("value", IDS, ids=IDS)
        def test_a(value):
            assert lib.a() == 3
            if len(value) %% 2:
                lib.odd()

        @pytest.mark.parametrize("value", IDS, ids=lambda value: value)
        def test_b(value):
            pass

        @pytest.mark.parametrize("value", [1.5, None, True, object(), lib, test_b, IDS])
        @pytest.mark.parametrize("other", ["-", "::"])
        def test_c(value, other):
            assert lib.c() == 3

        class Test_\u00e9t\u00e9:
            def test_\u6f22(self):
                assert lib.c() == 3
    """ % ascii(ids)
    project = Project(
        tmp_path,
        {"lib.py": library("a", "odd", "c"), "test_ids.py": text, "sub dir/test_[x].py": "def test_x(): pass\n"},
    )
    if not escaped:
        option = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support"
        project.write({"pytest.ini": "[pytest]\n%s = True\n" % option})
    env = {"PYTHONIOENCODING": "utf-8"}
    bare, first = project.bare("-v", env=env), project.winnow("-v", env=env)
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    assert first.code == 0 and len(first.tests) == 2 * len(ids) + 16, (len(first.tests), first.run.err)
    expect_idle(project, env=env)
    project.edit_function("odd")
    odd = {name for name in first.tests if "odd" in first.bodies(name)}
    assert len(odd) == sum(len(text) % 2 for text in ids)
    second = project.winnow(env=env)
    assert set(second.tests) == odd and second.code == 0
    expect_idle(project, env=env)


@of_pytest
def test_the_same_id_twice(tmp_path: Any) -> None:
    # Two tests of one name in one file (the later one wins), of one id after parametrization, and in two files.
    text = """
        import lib, pytest

        def test_a():
            assert lib.b() == 4

        def test_a():
            assert lib.a() == 3

        @pytest.mark.parametrize("n", [1, 2], ids=["same", "same"])
        def test_n(n):
            assert (lib.a() if n == 1 else lib.b()) == 3
    """
    files = {
        "lib.py": library("a", "b"),
        "x/test_it.py": text,
        "y/test_it.py": text,
        "x/__init__.py": "",
        "y/__init__.py": "",
    }
    table = {}
    for directory in "xy":
        ids = ["same0", "same1"] if pytest.version_tuple < (9,) else ["same0", "same1"]
        table["%s/test_it.py::test_a" % directory] = {"a"}
        table["%s/test_it.py::test_n[%s]" % (directory, ids[0])] = {"a"}
        table["%s/test_it.py::test_n[%s]" % (directory, ids[1])] = {"b"}
    check(Project(tmp_path, files), table)


@of_pytest
def test_keep_duplicates(tmp_path: Any) -> None:
    # The same file asked for twice: the same ids come twice, and both are one test.
    project = Project(
        tmp_path, {"lib.py": library("a"), "test_a.py": "import lib\n\ndef test_a():\n    assert lib.a() == 3\n"}
    )
    args = ["--keep-duplicates", "test_a.py", "test_a.py"]
    bare, first = project.bare(*args), project.winnow(*args)
    assert (first.code, first.run.lines) == (bare.code, bare.lines)
    expect_idle(project, *args)
    project.edit_function("a")
    second = project.winnow(*args)
    assert second.run.lines == bare.lines, second.run


@of_pytest
def test_marks_of_all_kinds(tmp_path: Any) -> None:
    text = """
        import lib, pytest

        @pytest.mark.skip(reason="no")
        def test_skip():
            lib.a()

        @pytest.mark.skipif(lib.condition() != 3, reason="never")
        def test_skipif():
            assert lib.a() == 3

        @pytest.mark.xfail
        def test_xfail():
            assert lib.b() == 4

        @pytest.mark.xfail(strict=False)
        def test_xpass():
            assert lib.b() == 3

        @pytest.mark.xfail(run=False)
        def test_not_run():
            lib.b()

        @pytest.mark.xfail(raises=ZeroDivisionError)
        def test_raises():
            lib.c()
            1 / 0

        def test_imperative():
            lib.c()
            pytest.xfail("well")

        def test_importorskip():
            pytest.importorskip("no_such_module_here")

        @pytest.mark.usefixtures("fixture")
        def test_used():
            pass

        @pytest.fixture
        def fixture():
            lib.a()
            yield
            lib.c()
    """
    at = {"condition"}
    table = {
        "test_marks.py::test_skip": at,
        "test_marks.py::test_skipif": at | {"a"},
        "test_marks.py::test_xfail": at | {"b"},
        "test_marks.py::test_xpass": at | {"b"},
        "test_marks.py::test_not_run": at,
        "test_marks.py::test_raises": at | {"c"},
        "test_marks.py::test_imperative": at | {"c"},
        "test_marks.py::test_importorskip": at,
        "test_marks.py::test_used": at | {"a", "c"},
    }
    check(Project(tmp_path, {"lib.py": library("a", "b", "c", "condition"), "test_marks.py": text}), table, edit="b")


def test_failures_look_the_same(tmp_path: Any) -> None:
    """Tracebacks, rewritten assertions, warnings, logs, captured output: not a line more or less.

    Except with --tb=native, which shows every frame there is: those of our wrappers too.
    """
    files = {
        "lib.py": library("a")
        + """
import warnings


def fail(depth):
    if depth:
        return fail(depth - 1)
    raise ValueError("deep")


def warn():
    warnings.warn("old", DeprecationWarning, stacklevel=2)
    return [x for x in range(3)]


def generate():
    yield 1
    raise KeyError("in a generator")
""",
        "broken.py": "import lib\n\nlib.fail(1)\n",
        "syntax.py": "def f(:\n    pass\n",
        "test_red.py": """
            import lib, logging, pytest, sys

            @pytest.fixture
            def bad():
                lib.fail(0)

            @pytest.fixture
            def bad_end():
                yield
                assert lib.a() == 4, "at the end"

            def test_assert():
                left = {"a": [1, 2, lib.a()]}
                assert left == {"a": [1, 2, 4]}

            def test_deep():
                lib.fail(3)

            def test_setup(bad):
                pass

            def test_teardown(bad_end):
                pass

            def test_warns():
                print("out")
                print("err", file=sys.stderr)
                logging.getLogger("x").warning("logged")
                lib.warn()
                assert not lib.warn()

            def test_generator():
                list(lib.generate())

            def test_import():
                import broken

            def test_syntax():
                import syntax

            def test_lambda():
                (lambda n: lib.fail(n))(1)

            def test_chain():
                try:
                    lib.fail(0)
                except ValueError as error:
                    raise RuntimeError("second") from error
        """,
        "test_error.py": "import lib\n\nlib.fail(2)\n",
        "test_typo.py": "def test(:\n",
    }
    project = Project(tmp_path, files)
    for style in ("long", "short") if sys.version_info >= (3, 13) else ("long",):
        args = ["--tb=%s" % style, "-rA", "--continue-on-collection-errors", "-l"]
        bare, first = project.bare(*args), project.winnow(*args)
        assert first.run.lines == bare.lines, style
        assert first.code == bare.code == 1
