"""Fixtures of wider scopes: their setup and teardown concern every test that uses the instance, and no other."""

import textwrap

LIB = """
def make(): pass
def drop(): pass
def make_2(): pass
def drop_2(): pass
def work(): pass
"""


def bodies(project, source, *args, conftest=None, expect=0):
    project.write({"lib.py": LIB, "test_it.py": "import pytest, lib\n" + textwrap.dedent(source)})
    if conftest is not None:
        project.write({"conftest.py": "import pytest, lib\n" + textwrap.dedent(conftest)})
    run = project.run("-q", *args)
    assert run.exit == expect, run.out + run.err
    assert run.journal.notes == []
    return lambda test: {name[8:] for name in run.journal.bodies("test_it.py::" + test) if name.startswith("lib.py::")}


def test_setup_and_teardown_concern_all_users(project):
    for scope in ("class", "module", "package", "session"):
        of = bodies(
            project,
            """
            @pytest.fixture(scope=%r)
            def thing():
                lib.make()
                yield
                lib.drop()

            class Test:
                def test_1(self, thing): pass
                def test_2(self): lib.work()
                def test_3(self, thing): pass
                def test_4(self): pass
            """
            % scope,
        )
        assert of("Test::test_1") == of("Test::test_3") == {"make", "drop"}, scope
        assert of("Test::test_2") == {"work"}
        assert of("Test::test_4") == set()


def test_finalizers(project):
    of = bodies(
        project,
        """
        @pytest.fixture(scope="module")
        def thing(request):
            lib.make()
            request.addfinalizer(lib.drop)

        def test_1(thing): pass
        def test_2(): pass
        """,
    )
    assert of("test_1") == {"make", "drop"}
    assert of("test_2") == set()


def test_function_scope_is_part_of_the_test(project):
    of = bodies(
        project,
        """
        @pytest.fixture
        def thing():
            lib.make()
            yield
            lib.drop()

        def test_1(thing): pass
        def test_2(): pass
        """,
    )
    assert of("test_1") == {"make", "drop"}
    assert of("test_2") == set()


def test_autouse_usefixtures_and_dynamic_use(project):
    of = bodies(
        project,
        """
        @pytest.fixture(scope="module", autouse=True)
        def always():
            lib.make()

        @pytest.fixture(scope="module")
        def thing():
            lib.make_2()
            yield
            lib.drop_2()

        @pytest.fixture
        def narrow(request):
            request.getfixturevalue("thing")

        def test_1(): pass
        @pytest.mark.usefixtures("thing")
        def test_2(): pass
        def test_3(request): request.getfixturevalue("thing")
        def test_4(narrow): pass
        def test_5(): pass
        """,
    )
    assert of("test_1") == of("test_5") == {"make"}
    assert of("test_2") == of("test_3") == of("test_4") == {"make", "make_2", "drop_2"}


def test_wide_fixtures_of_wide_fixtures(project):
    of = bodies(
        project,
        """
        @pytest.fixture(scope="session")
        def base():
            lib.make()
            yield
            lib.drop()

        @pytest.fixture(scope="module")
        def top(base):
            lib.make_2()
            yield
            lib.drop_2()

        @pytest.fixture(scope="module")
        def dynamic(request):
            request.getfixturevalue("base")

        def test_1(base): pass
        def test_2(base, top): pass
        def test_3(top): pass
        def test_4(base, dynamic): pass
        def test_5(dynamic): pass
        def test_6(): pass
        """,
    )
    assert of("test_1") == of("test_4") == of("test_5") == {"make", "drop"}
    assert of("test_2") == of("test_3") == {"make", "drop", "make_2", "drop_2"}
    assert of("test_6") == set()


def test_parameters_make_instances(project):
    of = bodies(
        project,
        """
        @pytest.fixture(scope="module", params=["a", "b"])
        def thing(request):
            lib.make() if request.param == "a" else lib.make_2()
            yield
            lib.drop() if request.param == "a" else lib.drop_2()

        @pytest.fixture(scope="module")
        def over(thing):
            yield

        def test_1(thing): pass
        def test_2(over): pass
        """,
    )
    for test in ("test_1", "test_2"):
        assert of(test + "[a]") == {"make", "drop"}
        assert of(test + "[b]") == {"make_2", "drop_2"}


def test_indirect_parameters_and_widened_scope(project):
    of = bodies(
        project,
        """
        @pytest.fixture
        def thing(request):
            lib.make() if request.param == 1 else lib.make_2()

        @pytest.mark.parametrize("thing", [1, 2], indirect=True, scope="module")
        class Test:
            def test_1(self, thing): pass
            def test_2(self, thing): pass
        """,
    )
    for test in ("Test::test_1", "Test::test_2"):
        assert of(test + "[1]") == {"make"}
        assert of(test + "[2]") == {"make_2"}


def test_overriding_fixtures(project):
    of = bodies(
        project,
        """
        @pytest.fixture(scope="module")
        def thing(thing):
            lib.make_2()

        def test_1(thing): pass
        def test_2(thing): pass
        """,
        conftest="""
        @pytest.fixture(scope="session")
        def thing():
            lib.make()
        """,
    )
    assert of("test_1") == of("test_2") == {"make", "make_2"}


def test_xunit_and_unittest_setup(project):
    of = bodies(
        project,
        """
        import unittest

        def setup_module(): lib.make()
        def teardown_module(): lib.drop()

        def test_plain(): pass

        class TestX:
            @classmethod
            def setup_class(cls): lib.make_2()
            @classmethod
            def teardown_class(cls): lib.drop_2()
            def setup_method(self): lib.work()
            def test_1(self): pass
            def test_2(self): pass

        class TestU(unittest.TestCase):
            @classmethod
            def setUpClass(cls): lib.make_2()
            @classmethod
            def tearDownClass(cls): lib.drop_2()
            def test_1(self): pass
            def test_2(self): pass
        """,
    )
    for test in ("TestX::test_1", "TestX::test_2"):
        assert of(test) == {"make", "drop", "make_2", "drop_2", "work"}
    for test in ("TestU::test_1", "TestU::test_2"):
        assert of(test) == {"make", "drop", "make_2", "drop_2"}
    assert of("test_plain") == {"make", "drop"}


def test_setup_of_a_package(project):
    project.write(
        {
            "lib.py": LIB,
            "pack/__init__.py": "import lib\ndef setup_module(): lib.make()\n",
            "pack/test_1.py": "def test_1(): pass\ndef test_2(): pass\n",
            "test_other.py": "def test_3(): pass\n",
        }
    )
    journal = project.run("-q").journal
    assert "lib.py::make" in journal.bodies("pack/test_1.py::test_1")
    assert "lib.py::make" in journal.bodies("pack/test_1.py::test_2")
    assert "lib.py::make" not in journal.bodies("test_other.py::test_3")


def test_a_fixture_that_fails_concerns_all_who_meet_its_error(project):
    of = bodies(
        project,
        """
        @pytest.fixture(scope="module")
        def thing():
            lib.make()
            raise ValueError

        def test_1(thing): pass
        def test_2(thing): pass
        def test_3(): pass
        """,
        expect=1,
    )
    assert of("test_1") == of("test_2") == {"make"}
    assert of("test_3") == set()


def test_a_teardown_does_not_belong_to_the_test_that_runs_last(project):
    of = bodies(
        project,
        """
        @pytest.fixture(scope="session")
        def thing():
            yield
            lib.drop()

        def test_1(thing): pass
        def test_2(): pass
        """,
    )
    assert of("test_1") == {"drop"}
    assert of("test_2") == set()


def test_teardown_after_a_failure_that_ends_the_session(project):
    of = bodies(
        project,
        """
        @pytest.fixture(scope="session")
        def thing():
            yield
            lib.drop()

        def test_1(thing): pass
        def test_2(thing): assert 0
        def test_3(thing): pass
        """,
        "-x",
        expect=1,
    )
    assert of("test_1") == of("test_2") == {"drop"}


def test_hooks_belong_to_whoever_they_serve(project):
    of = bodies(
        project,
        """
        def test_1(): pass
        def test_2(): pass
        """,
        conftest="""
        def pytest_configure(config): lib.make()
        def pytest_collection_modifyitems(items): lib.make_2()
        def pytest_runtest_setup(item):
            if item.name == "test_2": lib.work()
        def pytest_sessionfinish(session): lib.drop()
        """,
    )
    assert of("test_1") == {"make", "make_2"}
    assert of("test_2") == {"make", "make_2", "work"}


def test_names_of_instances_are_the_same_in_every_session(project):
    source = """
        import pytest

        @pytest.fixture(scope="module", params=["a", object()], ids=["a", "b"])
        def thing(request): pass

        def test_1(thing): pass
        """
    project.write({"pack/test_it.py": source})
    names = []
    for _ in range(2):
        contexts = project.run("-q").journal.contexts.values()
        names.append([context["name"] for context in contexts if context["kind"] == "fixture"])
    assert names[0] == names[1]
    assert "pack/test_it.py::thing['a']" in names[0]
    assert "pack/test_it.py::thing[1]" in names[0]


def test_the_end_of_pytests_own_fixtures_is_known(project):
    project.write({"test_it.py": "import os\ndef test_1(tmp_path): pass\ndef test_2(): os._exit(0)\n"})
    journal = project.run("-q").journal
    number = next(
        number for number, c in journal.contexts.items() if c["kind"] == "fixture" and "tmp_path_factory" in c["name"]
    )
    assert any(c.get("of") == number for c in journal.contexts.values() if c["kind"] == "teardown")
    assert journal.end is None
