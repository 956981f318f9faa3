"""Plugins that order, repeat, await, interrupt and generate: each test's facts are its own all the same."""

import os
from typing import Any, List

import pytest
from coexistence import Project, check, expect_idle, library, of_plugins, plugin

PLAIN = {
    "lib.py": library("a", "b", "shared"),
    "test_order.py": """
        import lib, pytest

        @pytest.fixture(scope="module")
        def shared():
            return lib.shared()

        def test_a(shared):
            assert lib.a() == 3

        @pytest.mark.parametrize("n", range(4))
        def test_b(shared, n):
            assert lib.b() == 3

        def test_neither():
            pass
    """,
}
PLAIN_TABLE = {
    "test_order.py::test_a": {"a", "shared"},
    **{"test_order.py::test_b[%d]" % n: {"b", "shared"} for n in range(4)},
    "test_order.py::test_neither": set(),
}


@of_plugins
def test_randomly_seeded(tmp_path: Any) -> None:
    check(Project(tmp_path, PLAIN), PLAIN_TABLE, *plugin("randomly"), "--randomly-seed=7")


def test_randomly_unseeded(tmp_path: Any) -> None:
    # Each run has an order of its own; what a fact says does not depend on it.
    project = Project(tmp_path, PLAIN)
    check(project, PLAIN_TABLE, *plugin("randomly"), edit="shared", order=False)
    for text in ("one", "two"):
        project.edit_function("b", text)
        again = project.winnow(*plugin("randomly"))
        assert set(again.tests) == {name for name, functions in PLAIN_TABLE.items() if "b" in functions}
        assert again.code == 0
        assert all(again.bodies(name) == PLAIN_TABLE[name] for name in again.tests)
    expect_idle(project, *plugin("randomly"))


@of_plugins
def test_rerunfailures(tmp_path: Any) -> None:
    project = Project(
        tmp_path,
        {
            "lib.py": library("a", "b"),
            "test_flaky.py": """
                import lib, pytest

                @pytest.fixture
                def attempts(request):
                    request.config.attempts = getattr(request.config, "attempts", 0) + 1
                    return request.config.attempts

                def test_flaky(attempts):
                    assert lib.a() == 3
                    assert attempts > 1

                def test_steady():
                    assert lib.b() == 3
            """,
        },
    )
    table = {"test_flaky.py::test_flaky": {"a"}, "test_flaky.py::test_steady": {"b"}}
    args = [*plugin("rerunfailures"), "--reruns=2"]
    first = check(project, table, *args, again=["test_flaky.py::test_flaky"])
    flaky = first.tests["test_flaky.py::test_flaky"]
    assert (flaky["outcome"], flaky["green"], flaky["reruns"]) == ("passed", False, 1)
    plan = project.plan(*args)
    assert "rerun" in json_of(plan.document["tests"][0]["reasons"])


def json_of(value: Any) -> str:
    """Any value as text to search in."""
    return repr(value)


ASYNC_TESTS = """
    import asyncio, lib, pytest

    @MODULE_FIXTURE
    async def server():
        lib.opened()
        yield lib.value()
        lib.closed()

    @FUNCTION_FIXTURE
    async def client():
        await asyncio.sleep(0)
        return lib.client()

    @MARK
    async def test_plain():
        await asyncio.sleep(0)
        assert lib.a() == 3

    @MARK
    async def test_server(server, client):
        await asyncio.sleep(0)
        assert lib.b() == server == client

    @MARK
    async def test_tasks():
        async def one():
            await asyncio.sleep(0)
            return lib.in_task()
        task = asyncio.ensure_future(one())
        assert await asyncio.gather(task, one()) == [3, 3]

    def test_sync(server):
        assert server == 3
"""
# Last, as its thread outlives it: from then on it counts for every test.
EXECUTOR_TEST = """
    @MARK
    async def test_in_executor():
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, lib.in_thread) == 3
"""
FIXTURE = {"opened", "value", "closed"}
ASYNC_TABLE = {
    "test_async.py::test_plain": {"a"},
    "test_async.py::test_server": {"b", "client"} | FIXTURE,
    "test_async.py::test_tasks": {"in_task"},
    "test_async.py::test_sync": FIXTURE,
    "test_async.py::test_in_executor": {"in_thread"},
}
ASYNC_LIB = library("a", "b", "in_task", "in_thread", "client", "opened", "value", "closed", "resumed", "started")


def test_asyncio(tmp_path: Any) -> None:
    args = plugin("asyncio")
    import pytest_asyncio

    modern = tuple(map(int, pytest_asyncio.__version__.split(".")[:2])) >= (0, 24)
    text = ASYNC_TESTS.replace("pytest", "pytest, pytest_asyncio", 1).replace(
        "FUNCTION_FIXTURE", 'pytest_asyncio.fixture(loop_scope="module")'
    )
    if not modern:
        pytest.skip("this pytest-asyncio has no loop_scope")
    # A coroutine that is begun in one test and goes on in the next: both ran it.
    kept = """
    import asyncio, lib, pytest

    kept = []

    async def long(gate):
        lib.started()
        await gate.wait()
        lib.resumed()

    @MARK
    async def test_begin():
        gate = asyncio.Event()
        kept.append((gate, asyncio.ensure_future(long(gate))))
        await asyncio.sleep(0)

    @MARK
    async def test_end():
        gate, task = kept.pop()
        gate.set()
        await task
"""
    text += EXECUTOR_TEST
    text = text.replace("MODULE_FIXTURE", 'pytest_asyncio.fixture(scope="module", loop_scope="module")')
    mark = 'pytest.mark.asyncio(loop_scope="module")'
    table = dict(ASYNC_TABLE)
    table["test_kept.py::test_begin"] = {"started"}
    # What it finds in `kept` it owes to the other one.
    table["test_kept.py::test_end"] = {"started", "resumed"}
    files = {
        "lib.py": ASYNC_LIB,
        "test_async.py": text.replace("MARK", mark),
        "test_kept.py": kept.replace("MARK", mark),
    }
    project = Project(tmp_path, files)
    project.write({"pytest.ini": "[pytest]\nasyncio_default_fixture_loop_scope = function\n"})
    first = check(project, table, *args, "-W", "ignore::DeprecationWarning", edit="closed")
    names = first.journal_of("test_kept.py::test_end").own("test_kept.py::test_end")
    assert "test_kept.py::long" in names, "it resumed in this test"


def test_anyio(tmp_path: Any) -> None:
    text = ASYNC_TESTS + EXECUTOR_TEST
    text = text.replace("MODULE_FIXTURE", 'pytest.fixture(scope="module")')
    text = text.replace("FUNCTION_FIXTURE", "pytest.fixture").replace("MARK", "pytest.mark.anyio")
    text = text.replace("def test_sync(server)", "def test_sync(server, anyio_backend)")
    text += """
    @pytest.fixture(scope="module")
    def anyio_backend():
        return "asyncio"
"""
    check(Project(tmp_path, {"lib.py": ASYNC_LIB, "test_async.py": text}), ASYNC_TABLE, *plugin("anyio"), edit="closed")


def test_generators_across_tests(tmp_path: Any) -> None:
    project = Project(
        tmp_path,
        {
            "lib.py": library("first", "second", "at_close")
            + """

def stream():
    try:
        yield first()
        yield second()
    finally:
        at_close()


OPEN = stream()
""",
            "test_stream.py": """
                import lib

                def test_first():
                    assert next(lib.OPEN) == 3

                def test_second():
                    assert next(lib.OPEN) == 3

                def test_close():
                    lib.OPEN.close()

                def test_nothing():
                    pass
            """,
        },
    )
    first = project.collect("-q")
    assert first.code == 0, first.run
    bodies = {name.partition("::")[2]: first.bodies(name) - {"<module>"} for name in first.tests}
    assert bodies["test_nothing"] == set()
    assert bodies["test_first"] == {"stream", "first"}
    # Whoever resumes a generator, or closes it, runs it.
    assert bodies["test_second"] >= {"stream", "second"}
    assert bodies["test_close"] >= {"stream", "at_close"}


@of_plugins
@pytest.mark.parametrize("method", ["signal", "thread"])
def test_timeout(tmp_path: Any, method: str) -> None:
    project = Project(
        tmp_path,
        {
            "lib.py": library("a", "b"),
            "test_time.py": """
                import lib, pytest, time

                def test_a():
                    assert lib.a() == 3

                @pytest.mark.timeout(30)
                def test_b():
                    assert lib.b() == 3
            """,
        },
    )
    table = {"test_time.py::test_a": {"a"}, "test_time.py::test_b": {"b"}}
    check(project, table, *plugin("timeout"), "--timeout=60", "--timeout-method=%s" % method, edit="a")


@of_plugins
def test_timeout_that_strikes(tmp_path: Any) -> None:
    text = """
        import lib, time

        def test_a():
            assert lib.a() == 3

        def test_endless():
            lib.b()
            while True:
                time.sleep(0.01)

        def test_c():
            assert lib.c() == 3
    """
    project = Project(tmp_path, {"lib.py": library("a", "b", "c"), "test_time.py": text})
    args = [*plugin("timeout"), "--timeout=0.6"]
    # The signal ends the test, which failed; all others are proven.
    first = project.winnow(*args, "--timeout-method=signal")
    assert first.code == 1, first.run
    assert first.outcomes() == {
        "test_time.py::test_a": "passed",
        "test_time.py::test_endless": "failed",
        "test_time.py::test_c": "passed",
    }
    assert first.bodies("test_time.py::test_endless") == {"b"}
    assert project.plan(*args, "--timeout-method=signal").tests == {"test_time.py::test_endless"}
    # The thread ends the process: what was finished by then stays known.
    second = project.winnow(*args, "--timeout-method=thread")
    assert second.code == 1, second.run
    assert second.outcomes() == {"test_time.py::test_a": "passed"}
    plan = project.plan(*args, "--timeout-method=thread")
    assert plan.files == {"test_time.py"} or plan.tests == {"test_time.py::test_endless", "test_time.py::test_c"}


HYPOTHESIS = {
    "lib.py": library("a", "b", "even", "odd"),
    "test_given.py": """
        import lib
        from hypothesis import given, settings, strategies as st

        @given(st.integers(0, 100))
        def test_a(n):
            assert lib.a() == 3

        @given(st.lists(st.integers(), max_size=3))
        @settings(max_examples=5)
        def test_b(ns):
            assert lib.b() == 3

        @given(st.sampled_from(["even", "odd"]))
        @settings(max_examples=50)
        def test_branches(name):
            getattr(lib, name)()

        def test_plain():
            assert lib.a() == 3
    """,
}
HYPOTHESIS_TABLE = {
    "test_given.py::test_a": {"a"},
    "test_given.py::test_b": {"b"},
    "test_given.py::test_branches": {"even", "odd"},
    "test_given.py::test_plain": {"a"},
}


@pytest.mark.parametrize("derandomize", [pytest.param(False, marks=of_plugins), True])
def test_hypothesis(tmp_path: Any, derandomize: bool) -> None:
    project = Project(tmp_path, HYPOTHESIS)
    project.write(
        {
            "conftest.py": """
                from hypothesis import settings

                settings.register_profile("p", derandomize=%s)
                settings.load_profile("p")
            """
            % derandomize
        }
    )
    first = check(project, HYPOTHESIS_TABLE, *plugin("hypothesis"), edit="even")
    for name in first.tests:
        # Neither the example database, nor the caches beside it, nor the sources it takes constants from.
        inputs = [entry for entry in first.journal_of(name).inputs(name) if entry[0] in ("file", "listing")]
        assert not [entry for entry in inputs if ".hypothesis" in str(entry)], inputs
        assert not first.journal_of(name).opaque(name)


@of_plugins
def test_hypothesis_that_finds_something(tmp_path: Any) -> None:
    # The failing example is replayed from the database, found anew without one; either way the test runs until it passes.
    text = """
        import lib
        from hypothesis import given, settings, strategies as st

        @given(st.integers())
        @settings(print_blob=False)
        def test_small(n):
            assert lib.limit() > n

        def test_b():
            assert lib.b() == 3
    """
    project = Project(tmp_path, {"lib.py": library("limit", "b"), "test_given.py": text})
    args = plugin("hypothesis")
    first = project.winnow(*args)
    assert first.code == 1 and os.path.isdir(project.path(".hypothesis")), first.run
    assert project.plan(*args).tests == {"test_given.py::test_small"}
    second = project.winnow(*args)
    assert second.code == 1 and set(second.tests) == {"test_given.py::test_small"}
    project.replace("lib.py", 'def limit():\n    return len("xxx")', 'def limit():\n    return float("inf")')
    third = project.winnow(*args)
    assert third.code == 0 and set(third.tests) == {"test_given.py::test_small"}, third.run
    expect_idle(project, *args)


def test_all_plugins_at_once(tmp_path: Any) -> None:
    """As a user has them: everything that is installed is loaded by itself."""
    for name in ("xdist", "cov", "randomly", "rerunfailures", "timeout", "hypothesis"):
        plugin(name)
    files = dict(HYPOTHESIS)
    files["lib.py"] = library("a", "b", "even", "odd", "shared")
    files["test_order.py"] = PLAIN["test_order.py"]
    project = Project(tmp_path, files, autoload=True)
    args = [
        "-n2",
        "--cov=.",
        "--cov-branch",
        "--reruns=1",
        "--timeout=100",
        "-W",
        "ignore::pytest.PytestDeprecationWarning",
    ]

    def lines(all_lines: List[str]) -> List[str]:
        kept = [
            line
            for line in all_lines
            if line.strip() and not line.startswith(("Using --randomly", "scheduling", "created"))
        ]
        return kept

    # Hypothesis draws anew each time, so what is covered may differ in a partial branch; not so here.
    check(project, {**HYPOTHESIS_TABLE, **PLAIN_TABLE}, *args, order=False, same=lines, edit="shared")
