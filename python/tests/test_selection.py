"""`pytest --winnow`: what runs, what is recorded, and what is said."""

import os
import shutil
import signal
import subprocess
import sys

import pytest
from conftest import PACKAGES

EDIT = {
    "shop.py": """
        def net(amount):
            return amount - 1

        def gross(amount):
            return amount * 2
        """
}


def test_without_an_option_nothing_happens(shop):
    run = shop.run()
    assert (run.exit, run.ran) == (0, "3 passed")
    assert "winnow" not in run.out + run.err
    assert not (shop.root / ".winnow").exists()


def test_what_no_change_concerns_is_left_out(shop):
    first = shop.run("--winnow")
    assert (first.exit, first.ran) == (0, "3 passed")
    assert "winnow: every test runs, because nothing is recorded in this environment yet" in first.out
    assert "winnow: 3 tests ran, none left out" in first.err
    second = shop.run("--winnow")
    assert (second.exit, second.ran) == (0, "no tests ran")
    assert "winnow: nothing to run: 3 tests up to date" in second.out
    shop.write(EDIT)
    third = shop.run("--winnow", "-v")
    assert (third.exit, third.ran) == (1, "1 failed, 1 deselected")
    assert "winnow: to run: 1 of 3 tests (shop.py: gross() changed)" in third.out
    assert "test_other" not in third.out
    assert "winnow: 1 test ran, 2 left out" in third.err


def test_nothing_to_run_loads_nothing_of_the_project(shop, tmp_path):
    note = tmp_path / "loaded"
    shop.write({"conftest.py": "open(%r, 'w').close()\n" % str(note)})
    shop.run("--winnow")
    assert note.exists()
    note.unlink()
    assert shop.run("--winnow").ran == "no tests ran"
    assert not note.exists()


def test_facts_are_those_of_winnow_run(shop):
    from pytest_winnow.engine import engine_command

    shop.run("--winnow")
    command = engine_command() + ["plan", "--python", sys.executable, "--", "-p", "pytest_winnow.plugin", "--winnow"]
    planned = subprocess.run(
        command, cwd=str(shop.root), env=shop.environment(), stdout=subprocess.PIPE, universal_newlines=True
    )
    assert planned.stdout.startswith("nothing to run: 3 tests up to date")


def test_a_selection_of_the_users_is_intersected(shop):
    shop.run("--winnow")
    shop.write(EDIT)
    proven = shop.run("--winnow", "-k", "net")
    assert (proven.exit, proven.ran) == (0, "3 deselected")
    assert shop.run("--winnow", "-k", "gross").ran.startswith("1 failed, ")
    assert shop.run("--winnow", "-k", "gross").exit == 1
    assert shop.run("--winnow", "test_other.py").exit == 0


def test_a_word_that_matches_nothing_is_told_by_pytests_own_code(shop):
    shop.run("--winnow")
    assert shop.run("--winnow", "-k", "nomatch").exit == 5


def test_a_failure_runs_until_it_is_mended(shop):
    shop.run("--winnow")
    shop.write(EDIT)
    assert shop.run("--winnow").exit == 1
    assert shop.run("--winnow").exit == 1
    shop.write({"shop.py": EDIT["shop.py"].replace("* 2", "+ 1")})
    assert shop.run("--winnow").exit == 0


def test_a_partial_run_loses_nothing(shop):
    shop.run("--winnow")
    shop.write(EDIT)
    assert shop.run("--winnow", "test_other.py").ran == "no tests ran"
    assert shop.run("--winnow").ran.startswith("1 failed")


def test_noselect_runs_all_and_records(shop):
    assert shop.run("--winnow-noselect").ran == "3 passed"
    assert shop.run("--winnow-noselect").ran == "3 passed"
    assert shop.run("--winnow").ran == "no tests ran"


def test_readonly_writes_nothing_at_all(shop):
    quiet = {"PYTHONDONTWRITEBYTECODE": "1"}
    unrecorded = shop.run("--winnow-readonly", "-p", "no:cacheprovider", env=quiet)
    assert unrecorded.ran == "3 passed"
    assert not (shop.root / ".winnow").exists()
    shop.run("--winnow", "-p", "no:cacheprovider")
    shop.write(EDIT)
    before = shop.digest()
    run = shop.run("--winnow-readonly", "-p", "no:cacheprovider", env=quiet)
    assert (run.exit, run.ran) == (1, "1 failed, 1 deselected")
    assert shop.digest() == before
    assert shop.run("--winnow-readonly", "-p", "no:cacheprovider", env=quiet).ran == "1 failed, 1 deselected"


@pytest.mark.parametrize("args", [("-p", "no:cacheprovider"), ("-W", "error"), ("-q",), ("-p", "no:terminal")])
def test_it_gets_along_with(shop, args):
    assert shop.run("--winnow", *args).exit == 0
    assert shop.run("--winnow", *args).exit == 0
    shop.write(EDIT)
    assert shop.run("--winnow", *args).exit == 1


def test_options_may_stand_in_the_configuration(shop):
    shop.write({"pytest.ini": "[pytest]\naddopts = --winnow\n"})
    assert shop.run().ran == "3 passed"
    assert shop.run().ran == "no tests ran"
    assert shop.run("--no-winnow").ran == "3 passed"
    assert "winnow: deactivated through --no-winnow" in shop.run("--no-winnow").err


def test_a_report_is_written_though_nothing_runs(shop):
    shop.run("--winnow")
    run = shop.run("--winnow", "--junitxml", "report.xml")
    assert run.exit == 0
    assert 'tests="0"' in (shop.root / "report.xml").read_text()


def test_a_program_that_calls_pytest_is_led_to_its_end(shop):
    shop.run("--winnow")
    program = (
        "import pytest; code = pytest.main(['-p', 'pytest_winnow.plugin', '--winnow']); print('ended with', int(code))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=str(shop.root),
        env=shop.environment(),
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    assert "ended with 0" in done.stdout
    assert "no tests ran" in done.stdout


def test_workers_do_not_decide_again(shop):
    pytest.importorskip("xdist")
    xdist = ("--winnow", "-p", "xdist", "-n", "2")
    first = shop.run(*xdist)
    assert (first.exit, first.ran) == (0, "3 passed")
    assert first.err.count("winnow: 3 tests ran") == 1
    shop.write(EDIT)
    second = shop.run(*xdist)
    assert (second.exit, second.ran) == (1, "1 failed")
    assert shop.run("--winnow", "-p", "xdist").ran == "1 failed, 1 deselected"


def test_without_an_engine_all_tests_run(shop, tmp_path):
    # Where neither a wheel nor a checkout is around the package.
    shutil.copytree(os.path.join(PACKAGES, "pytest_winnow"), str(tmp_path / "packages" / "pytest_winnow"))
    run = shop.run("--winnow", env={"PYTHONPATH": str(tmp_path / "packages")})
    assert (run.exit, run.ran) == (0, "3 passed")
    assert run.err.count("winnow: every test runs and nothing is recorded, because the engine is not in") == 1


def test_an_engine_that_fails_costs_one_line(shop):
    (shop.root / ".winnow").write_text("no directory")
    run = shop.run("--winnow")
    assert (run.exit, run.ran) == (0, "3 passed")
    assert "every test runs and nothing is recorded, because" in run.out + run.err


def test_a_kill_in_the_middle_keeps_what_was_recorded(shop):
    shop.write(
        {
            "test_slow.py": """
                import os, signal

                def test_1(): pass
                def test_2():
                    if "KILL" in os.environ: os.kill(os.getpid(), signal.SIGKILL)
                """
        }
    )
    killed = shop.run("--winnow", "test_slow.py", "test_shop.py", env={"KILL": "1"})
    assert killed.exit == -signal.SIGKILL
    again = shop.run("--winnow", "-v")
    assert again.exit == 0
    assert "test_slow.py::test_2 PASSED" in again.out
    assert "test_slow.py::test_1" not in again.out


def test_a_nested_pytest_is_a_pytest_of_its_own(shop):
    shop.write(
        {
            "test_nested.py": """
                import subprocess, sys

                def test_nested(tmp_path):
                    (tmp_path / "test_inner.py").write_text("def test_inner(): pass")
                    command = [sys.executable, "-m", "pytest", "-p", "pytest_winnow.plugin", "--winnow", "-q", str(tmp_path)]
                    done = subprocess.run(command, cwd=str(tmp_path), stdout=subprocess.PIPE, universal_newlines=True)
                    assert "1 passed" in done.stdout
                """
        }
    )
    run = shop.run("--winnow")
    assert (run.exit, run.ran) == (0, "4 passed")


def test_the_help_names_the_options(shop):
    out = shop.run("--help").out
    for name in ("--winnow", "--winnow-readonly", "--testmon-forceselect", "--diff-baseline"):
        assert name in out, os.linesep + out
