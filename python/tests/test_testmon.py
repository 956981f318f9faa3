"""pytest-testmon's options, and pytest-difftest's, under their old names."""

import pytest

EDIT = {"shop.py": "def net(amount):\n    return amount - 1\n\ndef gross(amount):\n    return amount * 2\n"}


def test_testmon_leaves_out_and_records(shop):
    assert shop.run("--testmon").ran == "3 passed"
    assert shop.run("--testmon").ran == "no tests ran"
    shop.write(EDIT)
    run = shop.run("--testmon")
    assert (run.exit, run.ran) == (1, "1 failed, 1 deselected")


@pytest.mark.parametrize("option", ["--testmon-nocollect", "--testmon-readonly"])
def test_nocollect_selects_and_writes_nothing(shop, option):
    shop.run("--testmon", "-p", "no:cacheprovider")
    shop.write(EDIT)
    before = shop.digest()
    run = shop.run(option, "-p", "no:cacheprovider", env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert run.ran == "1 failed, 1 deselected"
    assert "winnow: nothing is written" in run.out
    assert shop.digest() == before


def test_a_kill_in_the_middle_of_a_readonly_run_has_written_nothing(shop):
    kills = "import os, signal\n\ndef test_kill():\n    if 'KILL' in os.environ: os.kill(os.getpid(), signal.SIGKILL)\n"
    shop.write({"test_kill.py": kills})
    quiet = {"PYTHONDONTWRITEBYTECODE": "1"}
    shop.run("--testmon", "-p", "no:cacheprovider", env=quiet)
    shop.write(EDIT)
    before = shop.digest()
    run = shop.run("--testmon", "--testmon-readonly", "-p", "no:cacheprovider", env=dict(quiet, KILL="1"))
    assert run.exit == -9
    assert shop.digest() == before


def test_noselect_runs_all(shop):
    assert shop.run("--testmon-noselect").ran == "3 passed"
    assert shop.run("--testmon", "--testmon-noselect").ran == "3 passed"
    assert shop.run("--testmon").ran == "no tests ran"


@pytest.mark.parametrize(
    "args, reason",
    [
        (("-k", "shop"), "-k was used"),
        (("-m", "not slow"), "-m was used"),
        (("test_shop.py::test_net", "test_shop.py::test_gross"), "you selected tests manually"),
    ],
)
def test_where_tests_are_chosen_otherwise_those_run(shop, args, reason):
    shop.run("--testmon")
    run = shop.run("--testmon", *args)
    assert run.exit == 0
    assert "passed" in run.ran
    assert "winnow: selection automatically deactivated because %s" % reason in run.out
    forced = shop.run("--testmon", "--testmon-forceselect", *args)
    assert (forced.exit, forced.ran) == (0, "no tests ran")


def test_last_failed_switches_the_selection_off(shop):
    shop.run("--testmon")
    run = shop.run("--testmon", "--lf")
    assert "winnow: selection automatically deactivated because --lf was used" in run.out
    assert run.ran == "3 passed"


def test_a_path_does_not_switch_the_selection_off(shop):
    shop.run("--testmon")
    assert shop.run("--testmon", "test_shop.py").ran == "no tests ran"


def test_no_testmon_beats_all(shop):
    shop.write({"pytest.ini": "[pytest]\naddopts = --testmon\n"})
    assert shop.run().ran == "3 passed"
    run = shop.run("--no-testmon", "--testmon-forceselect")
    assert run.ran == "3 passed"
    assert "winnow: deactivated through --no-testmon" in run.err


def test_settings_in_pytests_configuration_are_known(shop):
    shop.write(
        {
            "pytest.ini": "[pytest]\nwinnow_mode = select\ntestmon_ignore_dependencies = a b\nenvironment_expression = ''\n"
        }
    )
    for args in [("--testmon",), ()]:
        run = shop.run("--strict-config", "-W", "error", *args)
        assert (run.exit, run.ran) == (0, "3 passed")


@pytest.mark.parametrize("option", ["--tlf", "--by-test-count", "--testmon-off"])
def test_what_is_gone_from_testmon_is_said_to_be_not_needed(shop, option):
    run = shop.run("--testmon", option)
    assert run.exit == 0
    assert "winnow: %s is not needed" % option in run.out


def test_where_testmon_itself_is_there_its_options_stay_its_own(shop):
    # Named as testmon's package is, with the option that would clash.
    shop.write(
        {
            "testmon.py": """
                def pytest_addoption(parser):
                    parser.getgroup("testmon").addoption("--testmon", action="store_true")
                """
        }
    )
    run = shop.run("-p", "testmon", "--testmon")
    assert run.exit == 0
    assert "winnow" not in run.out
    ours = shop.run("-p", "testmon", "--winnow")
    assert "winnow: pytest-testmon is installed and keeps its own options" in ours.out


def test_difftest_leaves_out_and_records(shop):
    assert shop.run("--diff-baseline").ran == "3 passed"
    assert shop.run("--diff").ran == "no tests ran"
    shop.write(EDIT)
    assert shop.run("--diff", "--diff-v").ran == "1 failed, 1 deselected"
    assert shop.run("--diff", "--diff-force").ran == "1 failed, 2 passed"
    assert shop.run("--diff-rebuild", "--diff-batch-size", "5").ran == "1 failed, 2 passed"


@pytest.mark.parametrize("option", ["--testmon-env", "--winnow-env"])
def test_results_of_one_environment_prove_nothing_in_another(shop, option):
    assert shop.run("--testmon", option, "one").ran == "3 passed"
    assert shop.run("--testmon", option, "two").ran == "3 passed"
    assert shop.run("--testmon", option, "one").ran == "no tests ran"
    assert shop.run("--testmon").ran == "3 passed"


def test_an_expression_names_the_environment(shop):
    shop.write({"pytest.ini": "[pytest]\nenvironment_expression = os.environ.get('STAGE')\n"})
    assert shop.run("--testmon", env={"STAGE": "a"}).ran == "3 passed"
    assert shop.run("--testmon", env={"STAGE": "b"}).ran == "3 passed"
    assert shop.run("--testmon", env={"STAGE": "a"}).ran == "no tests ran"
