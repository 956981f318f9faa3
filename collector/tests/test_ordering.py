"""The order "failures-first": carried out from the plan, after everybody else, and the same in all workers."""

import re

import pytest

FILES = {
    "test_a.py": """
        import pytest

        @pytest.fixture(scope="module", autouse=True)
        def house():
            print("SETUP a")

        def test_slow(): pass
        def test_broken(): pass
        class TestIn:
            def test_x(self): pass
            def test_y(self): pass
        def test_quick(): pass
    """,
    "test_b.py": """
        def test_1(): pass
        def test_2(): pass
    """,
    "test_c.py": """
        def test_new(): pass
        def test_old(): pass
    """,
}

A = {
    "test_a.py::test_slow": [False, 900],
    "test_a.py::test_broken": [True, 500],
    "test_a.py::TestIn::test_x": [False, 30],
    "test_a.py::TestIn::test_y": [False, 20],
    "test_a.py::test_quick": [False, 40],
}
B = {"test_b.py::test_1": [True, 7], "test_b.py::test_2": [False, 8]}
C = {"test_c.py::test_old": [False, 5000]}
KNOWN = {"test_a.py": A, "test_b.py": B, "test_c.py": C}

WANTED = [
    # Failures, and of these the short one first.
    "test_b.py::test_1",
    "test_a.py::test_broken",
    # A file with a test that nothing is recorded of, that test before its others.
    "test_c.py::test_new",
    "test_c.py::test_old",
    # What is left of the files, the shorter one first, classes in one piece.
    "test_b.py::test_2",
    "test_a.py::test_quick",
    "test_a.py::TestIn::test_y",
    "test_a.py::TestIn::test_x",
    "test_a.py::test_slow",
]


def _plan(tests, **more):
    return dict(order={"kind": "failures-first", "tests": tests}, **more)


def _ran(out):
    return re.findall(r"^(\S+::\S+) PASSED", out, re.MULTILINE)


@pytest.mark.parametrize("everything", [True, False])
def test_failures_then_what_is_new_then_short_before_long(project, everything):
    project.write(FILES)
    run = project.run("-v", plan=_plan(KNOWN, everything=everything))
    assert _ran(run.out) == WANTED
    assert sorted(run.journal.tests) == sorted(WANTED)
    # The ids of a collection are told as they are written: facts do not depend on the order.
    (collected,) = [frame for frame in run.journal.collected.values() if frame["ids"][0].startswith("test_a.py")]
    assert collected["ids"] == list(A)


def test_written_order_is_the_default(project):
    project.write(FILES)
    written = [*A, *B, "test_c.py::test_new", "test_c.py::test_old"]
    assert _ran(project.run("-v", plan={}).out) == written
    assert _ran(project.run("-v", plan={"order": None}).out) == written
    # Nothing is recorded: all are equal.
    assert _ran(project.run("-v", plan=_plan({})).out) == written


def test_what_is_left_out_stays_out(project):
    project.write(FILES)
    skip = {"test_a.py": ["test_a.py::test_broken", "test_a.py::test_slow"]}
    run = project.run("-v", plan=_plan(KNOWN, skipTests=skip, skipFiles=["test_c.py"]))
    assert _ran(run.out) == [
        "test_b.py::test_1",
        "test_b.py::test_2",
        "test_a.py::test_quick",
        "test_a.py::TestIn::test_y",
        "test_a.py::TestIn::test_x",
    ]


def test_a_plugin_that_shuffles_does_not_have_the_last_word(project):
    project.write(FILES)
    project.write({"conftest.py": "def pytest_collection_modifyitems(items): items.reverse()\n"})
    assert _ran(project.run("-v", plan=_plan(KNOWN)).out) == WANTED


def test_wide_fixtures_are_not_set_up_more_often_than_needed(project):
    files = {
        "conftest.py": """
            import pytest

            @pytest.fixture(scope="session", params=["one", "two"])
            def server(request):
                print("SETUP", request.param)
        """,
        "pack/__init__.py": "",
        "pack/conftest.py": """
            import pytest

            @pytest.fixture(scope="package", autouse=True)
            def pack():
                print("SETUP pack")
        """,
    }
    for name in ("test_a.py", "test_b.py", "pack/test_c.py", "pack/test_d.py"):
        files[name] = "def test_s(server): pass\n" if "pack" not in name else "def test_p(): pass\n"
    project.write(files)
    known = {
        "test_a.py": {"test_a.py::test_s[one]": [False, 10], "test_a.py::test_s[two]": [False, 3]},
        "test_b.py": {"test_b.py::test_s[one]": [False, 1], "test_b.py::test_s[two]": [False, 2]},
        "pack/test_c.py": {"pack/test_c.py::test_p": [False, 1]},
        "pack/test_d.py": {"pack/test_d.py::test_p": [False, 100]},
    }
    run = project.run("-s", "-q", plan=_plan(known))
    written = project.run("-s", "-q", plan={})
    setups = sorted(re.findall("SETUP (?:one|two|pack)", run.out))
    assert (
        setups == sorted(re.findall("SETUP (?:one|two|pack)", written.out)) == ["SETUP one", "SETUP pack", "SETUP two"]
    )
    ids = list(run.journal.tests)
    assert ids[:2] == ["test_b.py::test_s[one]", "test_a.py::test_s[one]"]
    # Together, though one of them is the longest of all.
    assert ids[-2:] == ["pack/test_c.py::test_p", "pack/test_d.py::test_p"]


def test_a_module_with_a_failure_is_set_up_twice_at_most(project):
    project.write(FILES)
    assert project.run("-s", "-q", plan=_plan(KNOWN)).out.count("SETUP a") == 2
    assert project.run("-s", "-q", plan=_plan({"test_a.py": A})).out.count("SETUP a") <= 2


def test_workers_come_to_the_same_order(project):
    pytest.importorskip("xdist")
    project.write(FILES)
    run = project.run("-v", "-n", "2", plan=_plan(KNOWN))
    assert run.exit == 0, run.out
    place = {test: at for at, test in enumerate(WANTED)}
    ran = [[place[test] for test in journal.tests] for journal in run.of_tests]
    assert sorted(sum(ran, [])) == sorted(place.values())
    # What a worker runs comes in that order, and a failure is the first thing that any runs.
    assert all(part == sorted(part) for part in ran)
    assert 0 in [part[0] for part in ran if part]
