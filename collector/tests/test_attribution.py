"""The probe that every forerunner fails: what is shared must concern all who use it, in any order."""

import random

import pytest
from journal_reader import lazy_modules

FILES = {
    "shop/__init__.py": "",
    "shop/stock.py": """
        import functools

        LIMIT = 5

        def build():
            return {"apple": 3}

        def open_till():
            return []

        def close_till(till):
            till.clear()

        @functools.lru_cache(maxsize=None)
        def price(name):
            return look_up(name)

        def look_up(name):
            return 7

        def limit():
            return LIMIT
        """,
    "shop/late.py": """
        def make():
            return 40 + 2

        VALUE = make()
        """,
    "tests/conftest.py": """
        import os
        import random

        import pytest

        from shop import stock

        @pytest.fixture(scope="session")
        def shelf():
            return stock.build()

        def pytest_collection_modifyitems(items):
            order = os.environ.get("ORDER", "")
            if order == "reversed":
                items.reverse()
            elif order:
                random.Random(int(order)).shuffle(items)
        """,
    "tests/test_probe.py": """
        import pytest

        from shop import stock

        @pytest.fixture(scope="module")
        def till():
            till = stock.open_till()
            yield till
            stock.close_till(till)

        def test_session_1(shelf):
            assert shelf

        def test_session_2(shelf):
            assert shelf

        def test_module_1(till):
            assert till == []

        def test_module_2(till):
            assert till == []

        def test_cache_1():
            assert stock.price("apple") == 7

        def test_cache_2():
            assert stock.price("apple") == 7

        def test_lazy_1():
            from shop import late
            assert late.VALUE == 42

        def test_lazy_2():
            from shop import late
            assert late.VALUE == 42

        def test_constant():
            assert stock.limit() == 5
        """,
}

EXPECTED = {
    "session_1": {"shop/stock.py::build", "tests/conftest.py::shelf"},
    "session_2": {"shop/stock.py::build", "tests/conftest.py::shelf"},
    "module_1": {"shop/stock.py::open_till", "shop/stock.py::close_till", "tests/test_probe.py::till"},
    "module_2": {"shop/stock.py::open_till", "shop/stock.py::close_till", "tests/test_probe.py::till"},
    "cache_1": {"shop/stock.py::price", "shop/stock.py::look_up"},
    "cache_2": {"shop/stock.py::price", "shop/stock.py::look_up"},
    "lazy_1": set(),
    "lazy_2": set(),
    "constant": {"shop/stock.py::limit"},
}

SHARED = {name for names in EXPECTED.values() for name in names}


def check(project, run):
    for short, expected in EXPECTED.items():
        test = "tests/test_probe.py::test_%s" % short
        journal = run.journal_of(test)
        bodies = journal.bodies(test)
        assert expected <= bodies, short
        # Nor may everything concern everybody: the session holds only what is really shared.
        assert (bodies & SHARED) == expected, short
        assert "tests/test_probe.py::test_%s" % short in journal.own(test)
        if short.startswith("lazy"):
            assert "shop" in lazy_modules(journal, str(project.root), test)
            late = [module for module in journal.modules if module["file"] == "shop/late.py"]
            assert len(late) == 1
            assert ("shop/late.py", 2, "make") in journal.contexts[late[0]["ctx"]]["codes"]


@pytest.mark.parametrize("order", ["", "reversed"] + [str(random.Random(5).randrange(1000)) for _ in range(2)])
def test_probe_in_any_order(project, order):
    project.write(FILES)
    run = project.run("-q", env={"ORDER": order})
    assert run.exit == 0, run.out + run.err
    check(project, run)
    assert run.journal.notes == []
    assert run.journal.end == {"k": "end", "exit": 0}


@pytest.mark.parametrize("order", ["", "reversed"])
def test_probe_under_xdist(project, order):
    pytest.importorskip("xdist")
    project.write(FILES)
    run = project.run("-q", "-n", "2", env={"ORDER": order})
    assert run.exit == 0, run.out + run.err
    assert sorted(journal.start["role"] for journal in run.journals) == ["controller", "worker", "worker"]
    assert sorted(journal.start["worker"] for journal in run.of_tests) == ["gw0", "gw1"]
    check(project, run)
    assert all(journal.end is not None and journal.notes == [] for journal in run.journals)


def test_every_test_gets_its_full_set(project):
    project.write(
        {
            "lib.py": "def f():\n    return g()\n\ndef g():\n    return 1\n",
            "test_it.py": "import lib\n\ndef test_1():\n    lib.f()\n\ndef test_2():\n    lib.f()\n\ndef test_3():\n    lib.g()\n",
        }
    )
    journal = project.run("-q").journal
    assert journal.own("test_it.py::test_1") == {"test_it.py::test_1", "lib.py::f", "lib.py::g"}
    assert journal.own("test_it.py::test_2") == {"test_it.py::test_2", "lib.py::f", "lib.py::g"}
    assert journal.own("test_it.py::test_3") == {"test_it.py::test_3", "lib.py::g"}


def test_identical_functions_of_two_files_are_two(project):
    source = "def f():\n    return 1\n"
    project.write(
        {
            "a.py": source,
            "b.py": source,
            "test_it.py": "import a, b\n\ndef test_a():\n    a.f()\n\ndef test_b():\n    b.f()\n",
        }
    )
    journal = project.run("-q").journal
    assert journal.own("test_it.py::test_a") == {"test_it.py::test_a", "a.py::f"}
    assert journal.own("test_it.py::test_b") == {"test_it.py::test_b", "b.py::f"}


def test_generators_and_coroutines_that_cross_tests(project):
    project.write(
        {
            "lib.py": """
                import types

                def count():
                    while True:
                        yield step()

                def step():
                    return 1

                @types.coroutine
                def pause():
                    yield

                async def work():
                    await pause()
                    await pause()

                def guarded():
                    try:
                        yield
                        yield
                    finally:
                        clean()

                def clean():
                    pass
                """,
            "test_it.py": """
                import lib

                numbers = lib.count()
                coroutine = lib.work()
                closing = lib.guarded()
                thrown = lib.guarded()

                def test_1():
                    next(numbers)
                    coroutine.send(None)
                    next(closing)
                    next(thrown)

                def test_2():
                    next(numbers)

                def test_3():
                    coroutine.send(None)

                def test_4():
                    closing.close()

                def test_5():
                    try:
                        thrown.throw(ValueError())
                    except ValueError:
                        pass

                def test_6():
                    coroutine.close()
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out
    own = run.journal.own
    assert {"lib.py::count", "lib.py::step"} <= own("test_it.py::test_2")
    assert {"lib.py::work", "lib.py::pause"} <= own("test_it.py::test_3")
    assert {"lib.py::guarded", "lib.py::clean"} <= own("test_it.py::test_4")
    assert {"lib.py::guarded", "lib.py::clean"} <= own("test_it.py::test_5")


def test_a_function_that_runs_across_a_nested_context(project):
    project.write(
        {
            "late.py": "def helper():\n    return 1\n\nhelper()\n",
            "test_it.py": """
                def load():
                    import late
                    return after(late)

                def after(module):
                    return module.helper()

                def test_1():
                    load()
                """,
        }
    )
    journal = project.run("-q").journal
    assert journal.own("test_it.py::test_1") == {
        "test_it.py::test_1",
        "test_it.py::load",
        "test_it.py::after",
        "late.py::helper",
    }
    assert ("late.py", 1, "helper") in journal.context("import", "late.py")["codes"]


def test_code_with_an_invented_file_name_counts_for_its_caller(project):
    project.write(
        {
            "lib.py": "def made():\n    scope = {}\n    exec('def f(): return g()', {'g': g}, scope)\n    return scope['f']()\n\ndef g():\n    return 1\n",
            "test_it.py": "import lib\n\ndef test_1():\n    assert lib.made() == 1\n",
        }
    )
    assert project.run("-q").journal.own("test_it.py::test_1") == {"test_it.py::test_1", "lib.py::made", "lib.py::g"}


def test_threads_count_for_the_test_that_started_them(project):
    project.write(
        {
            "lib.py": "def work(done):\n    step()\n    done.append(1)\n\ndef step():\n    pass\n",
            "test_it.py": """
                import threading
                import lib

                def test_1():
                    done = []
                    thread = threading.Thread(target=lib.work, args=(done,))
                    thread.start()
                    thread.join()
                    assert done

                def test_2():
                    pass
                """,
        }
    )
    journal = project.run("-q").journal
    assert {"lib.py::work", "lib.py::step"} <= journal.own("test_it.py::test_1")
    assert journal.bodies("test_it.py::test_2") == {"test_it.py::test_2"}
    assert journal.notes == []


def test_a_thread_that_outlives_its_test_counts_until_it_ends(project):
    project.write(
        {
            "lib.py": "def work(stop):\n    stop.wait()\n",
            "test_it.py": """
                import threading
                import lib

                stop = threading.Event()
                thread = threading.Thread(target=lib.work, args=(stop,))

                def test_1():
                    thread.start()

                def test_2():
                    pass

                def test_3():
                    stop.set()
                    thread.join()

                def test_4():
                    pass
                """,
        }
    )
    journal = project.run("-q").journal
    assert "lib.py::work" in journal.bodies("test_it.py::test_2")
    assert "lib.py::work" in journal.bodies("test_it.py::test_3")
    assert "lib.py::work" not in journal.bodies("test_it.py::test_4")
    assert [note["code"] for note in journal.notes] == ["thread-outlives-test"]


def test_idle_threads_concern_nobody(project):
    project.write(
        {
            "lib.py": "def work(): return step()\ndef step(): return 1\n",
            "test_it.py": """
                from concurrent.futures import ThreadPoolExecutor
                import lib
                import pytest

                @pytest.fixture(scope="module")
                def pool():
                    with ThreadPoolExecutor(1) as pool:
                        yield pool

                def test_1(pool): assert pool.submit(lib.work).result() == 1
                def test_2(): pass
                def test_3(pool): assert pool.submit(lib.work).result() == 1
                """,
        }
    )
    journal = project.run("-q").journal
    assert journal.bodies("test_it.py::test_2") == {"test_it.py::test_2"}
    assert {"lib.py::work", "lib.py::step"} <= journal.own("test_it.py::test_3")
    assert journal.notes == []


def test_a_thread_of_a_fixture_concerns_its_users(project):
    project.write(
        {
            "lib.py": "def serve(stop):\n    stop.wait()\n",
            "test_it.py": """
                import threading
                import pytest
                import lib

                @pytest.fixture(scope="module")
                def server():
                    stop = threading.Event()
                    thread = threading.Thread(target=lib.serve, args=(stop,))
                    thread.start()
                    yield
                    stop.set()
                    thread.join()

                def test_1(server):
                    pass

                def test_2():
                    pass
                """,
        }
    )
    journal = project.run("-q").journal
    assert "test_it.py::server" in journal.bodies("test_it.py::test_1")
    assert journal.notes == []
    assert "test_it.py::test_1" not in journal.bodies("test_it.py::test_2")


def test_caches(project):
    project.write(
        {
            "lib.py": """
                import functools

                class Table:
                    @staticmethod
                    @functools.lru_cache()
                    def rows():
                        return read()

                    @functools.lru_cache()
                    def row(self, number):
                        return deep()

                def read():
                    return 1

                def deep():
                    return 2

                @functools.lru_cache()
                def cleared():
                    return inner()

                def inner():
                    return 3
                """,
            "test_it.py": """
                import lib

                table = lib.Table()

                def test_1():
                    lib.Table.rows()
                    table.row(1)

                def test_2():
                    lib.Table.rows()

                def test_3():
                    table.row(1)

                def test_4():
                    pass

                def test_5():
                    lib.cleared.cache_clear()
                    lib.cleared()

                def test_6():
                    lib.cleared.cache_clear()
                    lib.cleared()

                def test_7():
                    lib.cleared()
                """,
        }
    )
    journal = project.run("-q").journal
    bodies = journal.bodies
    assert "lib.py::read" in bodies("test_it.py::test_2")
    assert "lib.py::deep" in bodies("test_it.py::test_3")
    assert bodies("test_it.py::test_4") == {"test_it.py::test_4"}
    assert "lib.py::inner" in bodies("test_it.py::test_6")
    assert {"lib.py::inner", "test_it.py::test_6"} <= bodies("test_it.py::test_7")
    assert journal.context("fixture", "cache::lib.py::Table.row")["codes"]


def test_caches_that_are_filled_outside_of_tests(project):
    project.write(
        {
            "lib.py": """
                import functools
                from urllib.parse import urlsplit  # has a cache, which is somebody else's

                @functools.lru_cache()
                def at_import(): return one()
                @functools.lru_cache()
                def by_a_fixture(): return two()
                @functools.lru_cache()
                def by_a_hook(): return three()

                def one(): return 1
                def two(): return 2
                def three(): return 3

                at_import()
                passing = functools.lru_cache()(lambda: 4)
                """,
            "other.py": "from lib import at_import, by_a_fixture\n",
            "conftest.py": "def pytest_sessionstart():\n    import lib\n    lib.by_a_hook()\n",
            "test_it.py": """
                import gc, lib, other, pytest

                @pytest.fixture(scope="module")
                def wide(): return lib.by_a_fixture()

                def test_0(): assert lib.passing() == 4
                def test_1(wide):
                    del lib.passing
                    gc.collect()
                def test_2(): assert other.by_a_fixture() == 2
                def test_3(): assert other.at_import() == 1
                def test_4(): assert lib.by_a_hook() == 3
                def test_5(): assert lib.urlsplit("a:b").scheme == "a"
                """,
        }
    )
    run = project.run("-q")
    assert run.exit == 0, run.out + run.err
    bodies = {number: run.journal.bodies("test_it.py::test_%d" % number) for number in range(6)}
    assert {"lib.py::by_a_fixture", "lib.py::two"} <= bodies[2]
    assert "lib.py::two" not in bodies[5]
    # The session imported the module, which concerns everybody, and so does what its hook ran.
    assert all({"lib.py::one", "lib.py::three"} <= found for found in bodies.values())
    fixtures = [context["name"] for context in run.journal.contexts.values() if context["kind"] == "fixture"]
    caches = [name for name in fixtures if name.startswith("cache::")]
    assert len(caches) == len(set(caches)), "one for each, wherever it was found"
    assert "cache::lib.py::by_a_fixture" in caches and "cache::lib.py::urlsplit" not in caches
