"""State at module and class level that one test leaves behind for others."""

import textwrap

import pytest

LEXERS = """
    cache = {}


    class Lexer:
        def __init__(self, trim):
            self.trim = convert(trim)


    def convert(trim):
        return trim


    def lexer(trim):
        if trim not in cache:
            cache[trim] = Lexer(trim)
        return cache[trim]
"""

TESTS = """
    import lib


    def test_first():
        assert lib.lexer(1).trim == 1


    def test_second():
        assert lib.lexer(1).trim == 1


    def test_elsewhere():
        assert lib.convert(2) == 2
"""


def test_whoever_finds_a_value_ready_depends_on_what_made_it(project):
    project.write({"lib.py": LEXERS, "test_it.py": TESTS})
    journal = project.run("-q").journal
    second = "test_it.py::test_second"
    assert journal.own(second) == {second, "lib.py::lexer"}
    assert {"lib.py::__init__", "lib.py::convert"} <= journal.found(second)


@pytest.mark.parametrize(
    "change, produces",
    [
        ("lib.items.append(1)", True),
        ("lib.items.append(1); lib.items.pop()", False),
        ("lib.items[:] = list(lib.items)", False),
        ("lib.box.content = object()", True),
        ("lib.Owner.shared['a'] = 1", True),
        ("lib.rebind()", True),
        ("lib.look()", False),
        # A fresh one of nothing, as deep as is looked, is the same.
        ("lib.box.content.parts = []", False),
        ("lib.box.content.parts.append(1)", True),
        ("lib.box.content.parts = {}", True),
        ("lib.box.late = []", True),
        ("lib.table['a']", True),
        ("lib.thread.stack = []", True),
    ],
)
def test_only_what_stays_changed_counts(project, change, produces):
    source = """
        import collections
        import threading

        items = []
        count = 0
        table = collections.defaultdict(list)
        thread = threading.local()


        class Box:
            pass


        class Owner:
            shared = {}


        box = Box()
        box.content = Box()
        box.content.parts = []


        def rebind():
            global count
            count += 1


        def look():
            return items, count
    """
    tests = """
        import lib


        def test_first():
            lib.look()
            %s


        def test_second():
            lib.look()
    """
    project.write({"lib.py": source, "test_it.py": textwrap.dedent(tests) % change})
    journal = project.run("-q").journal
    assert ("test_it.py::test_first" in journal.found("test_it.py::test_second")) is produces


def test_no_code_of_the_project_runs_to_find_out(project):
    source = """
        class Proxy:
            @property
            def __dict__(self):
                raise RuntimeError("asked")

            def __eq__(self, other):
                raise RuntimeError("compared")

            def __hash__(self):
                raise RuntimeError("hashed")

            def __len__(self):
                raise RuntimeError("counted")


        proxy = Proxy()
        proxies = [proxy]


        def use():
            return proxies
    """
    project.write({"lib.py": source, "test_it.py": "import lib\n\n\ndef test_it():\n    lib.use()\n"})
    run = project.run("-q")
    assert run.exit == 0
    assert [note for note in run.journal.notes] == []


def test_a_state_that_is_brought_back_has_its_old_producers(project):
    project.write(
        {
            "lib.py": """
                settings = {"colour": None}

                def configure(colour):
                    settings["colour"] = colour

                def colour():
                    return settings["colour"]
                """,
            "test_it.py": """
                import lib

                def helper(): return "red"

                def test_1(): lib.configure(helper())
                def test_2(): assert lib.colour() == "red"
                def test_3(): lib.configure(None)
                def test_4(): assert lib.colour() is None
                """,
        }
    )
    journal = project.run("-q").journal
    assert "test_it.py::helper" in journal.found("test_it.py::test_2")
    assert "test_it.py::helper" not in journal.found("test_it.py::test_4")


def test_an_empty_object_is_not_another_one_of_its_class(project):
    tests = """
        import lib

        def test_1(): lib.current = lib.Backend()
        def test_2(): assert lib.current is not lib.DEFAULT
        """
    project.write({"lib.py": "class Backend: pass\n\nDEFAULT = Backend()\ncurrent = DEFAULT\n", "test_it.py": tests})
    journal = project.run("-q").journal
    assert "test_it.py::test_1" in journal.found("test_it.py::test_2")


# What of Django's settings matters here: they answer for another object, and keep its answers.
SETTINGS = """
    class LazySettings:
        def __init__(self, wrapped):
            self.__dict__["_wrapped"] = wrapped

        def __getattr__(self, name):
            value = self.__dict__[name] = getattr(self._wrapped, name)
            return value

        def __setattr__(self, name, value):
            self.__dict__.pop(name, None)
            setattr(self._wrapped, name, value)


    class Settings:
        DEBUG = False

        def __init__(self):
            self.FEATURES = {}
            self.BACKENDS = [{"OPTIONS": {}}]
            self.__dict__.update(("NAME_%d" % number, number) for number in range(100))


    settings = LazySettings(Settings())
"""


@pytest.mark.parametrize(
    "use, produces",
    [
        ("config.settings.NAME_1", False),
        ("config.settings.NAME_2 = 5", True),
        ("config.settings.NEW = 5", True),
        ("config.settings.FEATURES['new'] = True", True),
        ("config.settings.BACKENDS[0]['OPTIONS']['a'] = 1", True),
    ],
)
def test_settings_count_by_their_values_not_by_what_was_asked(project, use, produces):
    tests = """
        import config

        def test_1(): %s
        def test_2(): assert not config.settings.DEBUG
        """
    files = {"django/__init__.py": "", "django/conf.py": SETTINGS, "config.py": "from django.conf import settings\n"}
    project.write({**files, "test_it.py": textwrap.dedent(tests) % use})
    journal = project.run("-q").journal
    assert ("test_it.py::test_1" in journal.found("test_it.py::test_2")) is produces


def test_what_is_renewed_for_each_test_is_no_state(project):
    testcases = """
        import unittest

        class TestCase(unittest.TestCase):
            def setUp(self):
                type(self).client = object()
        """
    tests = """
        from django.test.testcases import TestCase

        class TestIt(TestCase):
            def test_1(self): pass
            def test_2(self): pass
        """
    files = {"django/__init__.py": "", "django/test/__init__.py": "", "django/test/testcases.py": testcases}
    project.write({**files, "test_it.py": tests})
    journal = project.run("-q").journal
    assert "test_it.py::test_1" not in journal.found("test_it.py::TestIt::test_2")


def test_what_a_call_has_put_into_another_module_goes_by_both_names(project):
    lib = """
        current = None

        class Holder:
            current = None

        def use(thing):
            global current
            Holder.current = current = thing

        def get(): return current
        def held(): return Holder.current
    """
    tests = """
        import lib

        class Store:
            def __init__(self): self.n = 0

        store = Store()
        lib.use(store)

        def test_1(): store.n += 1
    """
    project.write({"lib.py": lib, "test_a.py": tests, "test_b.py": "import lib\n\ndef test_2(): assert lib.get().n\n"})
    journal = project.run("-q").journal
    cells = {context["name"] for context in journal.contexts.values() if context["kind"] == "state"}
    assert {"test_a.py::store", "lib.py::current", "lib.py::Holder"} <= cells


def test_what_a_patch_remembers_is_no_state(project):
    tests = """
        import os
        from unittest import mock

        import lib

        @mock.patch.dict(os.environ, {"A": "1"})
        @mock.patch("lib.open", create=False)
        @mock.patch.object(lib, "value", 2)
        def test_1(_): assert lib.value == 2

        def helper(): return test_1

        def test_2(): assert helper() and lib.value == 1
        """
    project.write({"lib.py": "value = 1\nopen = open\n", "test_it.py": tests})
    journal = project.run("-q").journal
    assert "test_it.py::test_1" not in journal.found("test_it.py::test_2")


def test_what_winnow_replaces_is_no_state(project):
    tests = """
        from importlib import import_module

        def test_1(): assert import_module("lib").A == 1
        def test_2(): assert import_module("lib").A == 1
        """
    project.write({"lib.py": "A = 1\n", "test_it.py": tests})
    journal = project.run("-q").journal
    assert journal.own("test_it.py::test_2") == {"test_it.py::test_2"}
    assert "test_it.py::test_1" not in journal.found("test_it.py::test_2")


IDLE = "".join("def test_0%d(): lib.look()\n" % number for number in range(6))
# After tests that changed nothing, so that all names are asked about at once: the makers, and what the last test finds.
AFTER_MANY = {
    "a method becomes something else": (
        "class Client:\n    opened = {}\n    def get(self): return 1\n",
        """
        from unittest import mock
        def test_10(): mock.patch("lib.Client.get", return_value=2).start(); lib.look()
        def test_11(): assert lib.Client().get() == 2
        """,
        "test_10",
    ),
    "back and forth, seen by tests of other files in between": (
        "state = []\ndef put(x): state.append(x)\ndef clear(): del state[:]\n",
        """
        def test_10(): other.look(); lib.put(1)
        def test_11(): lib.look()
        def test_12(): lib.look()
        def test_13(): other.look(); lib.clear()
        def test_14(): lib.put(1)
        def test_15(): lib.look()
        """,
        "test_10",
    ),
    "a copy takes the place of what two names stood for": (
        "DEFAULTS = {'a': 1}\nsettings = DEFAULTS\n",
        """
        def test_10(): lib.settings = dict(lib.DEFAULTS); lib.look()
        def test_11(): lib.look()
        def test_12(): lib.look()
        def test_13(): lib.settings["b"] = 1; lib.look()
        def test_14(): assert lib.settings["b"] == 1
        """,
        "test_13",
    ),
    "a module that is loaded later assigns parts of a function": (
        "def helper(): pass\n",
        """
        def test_10(): import late; lib.look()
        def test_11(): import late; late.mark(); lib.look()
        def test_12(): assert lib.helper.calls == 5
        """,
        "test_11",
    ),
    "another kind of object": (
        "class Proxy:\n    __dict__ = property(lambda self: {})\nclass Plain: pass\nthing = Proxy()\nthing.x = 1\n",
        """
        def test_10(): lib.thing.__class__ = lib.Plain; lib.look()
        def test_11(): assert type(lib.thing) is lib.Plain
        """,
        "test_10",
    ),
}


@pytest.mark.parametrize("name", AFTER_MANY)
def test_what_changes_after_many_tests_that_changed_nothing(project, name):
    lib, tests, maker = AFTER_MANY[name]
    project.write(
        {
            "lib.py": lib + "def look(): return 1\n",
            "other.py": "def look(): return 1\n",
            "late.py": "import lib\ndef mark():\n    lib.helper.calls = 5\n",
            "test_it.py": "import lib, other\n" + IDLE + textwrap.dedent(tests),
        }
    )
    run = project.run("-q", "-p", "no:randomly")
    assert run.journal.found(sorted(run.journal.tests)[-1]) >= {"test_it.py::" + maker}


def test_a_number_where_something_else_was(project):
    # What is neither plain nor looked after by the garbage collector leaves its place to the next one of that size.
    lib = """
        import datetime

        def look(): return 1

        def make():
            global state
            state = datetime.date(2020, 1, 1)

        make()

        def replace(text):
            global state
            state = None
            state = int(text)
        """
    tests = IDLE + "def test_10(): lib.replace('123456')\ndef test_11(): assert lib.state == 123456\n"
    project.write({"lib.py": lib, "test_it.py": "import lib\n" + tests})
    assert "test_it.py::test_10" in project.run("-q", "-p", "no:randomly").journal.found("test_it.py::test_11")
