"""Outcomes, and which of them prove anything."""

import pytest


def outcomes(project, source, *args):
    project.write({"test_it.py": source})
    run = project.run("-q", *args)
    tests = run.journal.tests
    return {name.split("::", 1)[1]: (test["outcome"], test["green"]) for name, test in tests.items()}, run


def test_outcomes(project):
    found, run = outcomes(
        project,
        """
        import unittest
        import pytest

        def test_passed(): pass
        def test_failed(): assert 0
        def test_skipped(): pytest.skip()
        @pytest.mark.skip
        def test_marked(): pass
        @pytest.mark.xfail
        def test_xfailed(): assert 0
        @pytest.mark.xfail
        def test_xpassed(): pass
        @pytest.mark.xfail(strict=True)
        def test_strict(): pass
        @pytest.fixture
        def broken(): raise ValueError
        def test_setup(broken): pass
        @pytest.fixture
        def leaky():
            yield
            raise ValueError
        def test_teardown(leaky): pass

        class TestU(unittest.TestCase):
            @unittest.expectedFailure
            def test_expected(self): assert 0
            def test_subtests(self):
                for i in range(3):
                    with self.subTest(i=i):
                        assert i == 1
        """,
    )
    assert found == {
        "test_passed": ("passed", True),
        "test_failed": ("failed", False),
        "test_skipped": ("skipped", True),
        "test_marked": ("skipped", True),
        "test_xfailed": ("xfailed", True),
        "test_xpassed": ("xpassed", True),
        "test_strict": ("failed", False),
        "test_setup": ("error", False),
        "test_teardown": ("error", False),
        "TestU::test_expected": ("xfailed", True),
        "TestU::test_subtests": ("failed", False),
    }
    assert run.exit == 1
    assert all(test["duration"] >= 0 and test["started"] > 1e9 for test in run.journal.tests.values())


def test_reruns_are_never_green(project):
    pytest.importorskip("pytest_rerunfailures")
    found, run = outcomes(
        project,
        """
        attempts = []

        def test_flaky():
            attempts.append(1)
            assert len(attempts) == 3

        def test_steady(): pass
        def test_bad(): assert 0
        """,
        "-p",
        "pytest_rerunfailures",
        "--reruns",
        "3",
    )
    assert found == {"test_flaky": ("passed", False), "test_steady": ("passed", True), "test_bad": ("failed", False)}
    assert run.journal.tests["test_it.py::test_flaky"]["reruns"] == 2
    assert run.journal.tests["test_it.py::test_bad"]["reruns"] == 3


@pytest.mark.parametrize("how", ["raise KeyboardInterrupt", "import pytest; pytest.exit('enough')"])
def test_a_test_broken_off_proves_nothing(project, how):
    found, run = outcomes(project, "def test_1(): pass\n\ndef test_2():\n    %s\n" % how)
    assert found == {"test_1": ("passed", True)}
    assert run.exit == 2
    assert run.journal.end == {"k": "end", "exit": 2}


def test_a_killed_process_keeps_what_was_finished(project):
    found, run = outcomes(project, "import os\ndef test_1(): pass\ndef test_2(): os._exit(3)\ndef test_3(): pass\n")
    assert found == {"test_1": ("passed", True)}
    assert run.exit == 3
    assert run.journal.end is None
