"""pytest-xdist: workers record and read the plan, the controller does neither; facts do not ask where they come from."""

from typing import Any

import pytest
from coexistence import Project, check, expect_idle, library, of_plugins, plugin

FILES = {
    "lib.py": library("a", "b", "c", "per_session", "per_module", "at_collection"),
    "conftest.py": """
        import lib, pytest

        @pytest.fixture(scope="session")
        def shared():
            yield lib.per_session()
    """,
    "test_one.py": """
        import lib, pytest

        @pytest.fixture(scope="module", autouse=True)
        def ready():
            yield
            lib.per_module()

        class TestOne:
            def test_a(self):
                assert lib.a() == 3

            @pytest.mark.parametrize("n", range(3))
            def test_n(self, n, shared):
                assert lib.b() == shared == 3
    """,
    "test_two.py": """
        import lib, pytest

        CASES = range(lib.at_collection())

        @pytest.mark.parametrize("n", CASES)
        def test_c(n):
            assert lib.c() == 3

        def test_shared(shared):
            assert shared == 3

        def test_a():
            assert lib.a() == 3
    """,
}

TABLE = {
    "test_one.py::TestOne::test_a": {"a", "per_module"},
    **{"test_one.py::TestOne::test_n[%d]" % n: {"b", "per_module", "per_session"} for n in range(3)},
    **{"test_two.py::test_c[%d]" % n: {"c", "at_collection"} for n in range(3)},
    "test_two.py::test_shared": {"per_session", "at_collection"},
    "test_two.py::test_a": {"a", "at_collection"},
}


def _lines(lines: Any) -> Any:
    # Which worker says what, when, is the scheduler's business.
    return [line for line in lines if line.strip() and not line.startswith(("scheduling tests", "created: "))]


@pytest.mark.parametrize(
    "dist", ["load", pytest.param("loadfile", marks=of_plugins), pytest.param("loadscope", marks=of_plugins)]
)
def test_distributed(tmp_path: Any, dist: str) -> None:
    project = Project(tmp_path, FILES)
    edit = None if dist == "load" else "at_collection"
    first = check(project, TABLE, *plugin("xdist"), "-n2", "--dist", dist, order=False, same=_lines, edit=edit)
    roles = sorted((journal.start["role"], journal.start["worker"]) for journal in first.journals if journal.tests)
    assert set(roles) <= {("worker", "gw0"), ("worker", "gw1")}
    for journal in first.journals:
        if journal.start["role"] == "controller":
            assert not journal.tests and not journal.collected
    # What workers found out holds without workers, under another distribution, and the other way round.
    expect_idle(project, *plugin("xdist"))
    if dist == "load":
        expect_idle(project, *plugin("xdist"), "-n", "1", "--dist", "worksteal")
        project.edit_function("a", "abc")
        alone = project.winnow(*plugin("xdist"))
        assert set(alone.tests) == {name for name, functions in TABLE.items() if "a" in functions}
        expect_idle(project, *plugin("xdist"), "-n2")
