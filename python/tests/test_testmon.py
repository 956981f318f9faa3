"""pytest-testmon's options, and pytest-difftest's, under their old names."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from conftest import PACKAGES
from pytest_winnow import options
from pytest_winnow.engine import engine_command

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


def test_readonly_asks_a_snapshot_without_touching_the_store(shop):
    asked = ("--testmon-readonly", "-p", "no:cacheprovider", "--winnow-against", "before")
    quiet = {"PYTHONDONTWRITEBYTECODE": "1"}
    shop.run("--testmon", "-p", "no:cacheprovider")
    save = [*engine_command(), "snapshot", "save", "before", "--python", sys.executable]
    subprocess.run(save, cwd=str(shop.root), env=shop.environment(), stdout=subprocess.DEVNULL, check=True)
    shop.write(EDIT)
    # Opening this store makes it anew, as it does those of older versions.
    with contextlib.closing(sqlite3.connect(str(shop.root / ".winnow" / "store.db"))) as store:
        store.execute("PRAGMA user_version = 6")
        old = shop.digest()
        assert "there is no snapshot" in shop.run(*asked, env=quiet).err
        assert shop.digest() == old
        store.execute("PRAGMA user_version = 7")
        # Nor is what lies beside it, while somebody has it open, put into it.
        before = shop.digest()
        assert shop.run(*asked, env=quiet).ran == "1 failed, 1 deselected"
        assert shop.digest() == before


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_a_watcher_that_stops_a_readonly_run_leaves_the_store_as_it_was(shop, tmp_path, name):
    # As watchers do it: pytest in a group of processes, stopped in the middle of a test because a file was saved.
    shop.write(
        {
            "test_wait.py": """
                import os, time

                def test_wait():
                    if "WAIT" in os.environ:
                        open(os.environ["WAIT"], "w").close()
                        time.sleep(60)
                """
        }
    )
    quiet = {"PYTHONDONTWRITEBYTECODE": "1"}
    shop.run("--testmon", "-p", "no:cacheprovider", env=quiet)
    shop.write(EDIT)
    before = shop.digest()
    begun = tmp_path / "begun"
    process = subprocess.Popen(
        shop.command("--testmon", "--testmon-readonly", "-p", "no:cacheprovider"),
        cwd=str(shop.root),
        env=shop.environment(dict(quiet, WAIT=str(begun))),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        # It waits where it has begun, which the variable makes it do though no change concerns it.
        until(begun.exists)
    finally:
        os.killpg(process.pid, getattr(signal, name))
        process.wait(timeout=30)
    assert shop.digest() == before
    assert shop.run("--testmon", "-p", "no:cacheprovider", env=quiet).ran == "1 failed, 1 deselected"


def until(holds):
    """Wait until something is so."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


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


def test_the_first_of_several_reasons_is_told_and_forceselect_goes_before_all(shop):
    shop.run("--testmon")
    several = ("-k", "shop", "-m", "not slow", "test_shop.py::test_net")
    assert "because -k was used" in shop.run("--testmon", *several).out
    assert "because -m was used" in shop.run("--testmon", *several[2:]).out
    forced = shop.run("--testmon-forceselect", "--testmon-noselect", *several)
    assert (forced.exit, forced.ran) == (0, "1 deselected")
    assert shop.run("--testmon-noselect", *several[:2]).ran == "2 passed, 1 deselected"


def test_last_failed_switches_the_selection_off(shop):
    shop.run("--testmon")
    run = shop.run("--testmon", "--lf")
    assert "winnow: selection automatically deactivated because --lf was used" in run.out
    assert run.ran == "3 passed"


def test_a_path_does_not_switch_the_selection_off(shop):
    shop.run("--testmon")
    assert shop.run("--testmon", "test_shop.py").ran == "no tests ran"


@pytest.mark.parametrize("option", ["--no-testmon", "--testmon-off"])
def test_no_testmon_beats_all(shop, option):
    shop.write({"pytest.ini": "[pytest]\naddopts = --testmon\n"})
    assert shop.run().ran == "3 passed"
    run = shop.run(option, "--testmon-forceselect")
    assert run.ran == "3 passed"
    assert "winnow: deactivated through %s" % option in run.err


def test_not_mentioned_it_says_nothing(shop):
    run = shop.run("--testmon-env", "one")
    assert run.ran == "3 passed"
    assert "winnow" not in run.out + run.err


def test_exit_codes_are_pytests_but_for_nothing_affected(shop):
    assert shop.run("--testmon", "-k", "nomatch").exit == 5
    assert shop.run("--testmon").exit == 0
    nothing = shop.run("--testmon")
    assert (nothing.exit, nothing.ran) == (0, "no tests ran")
    assert shop.run("--testmon", "-k", "nomatch").exit == 5
    assert shop.run("--testmon", "--testmon-forceselect", "-k", "nomatch").exit == 5
    missing = shop.run("--testmon", "missing")
    # Of tests that pytest never came to there is nothing to say.
    assert (missing.exit, "left out" in missing.err) == (4, False)
    collected = shop.run("--testmon", "--collect-only", "-q")
    assert (collected.exit, "test_shop.py::test_gross" in collected.out) == (0, False)
    shop.write(EDIT)
    collected = shop.run("--testmon", "--collect-only", "-q")
    assert (collected.exit, "test_shop.py::test_gross" in collected.out) == (0, True)
    assert "test_shop.py::test_net" not in collected.out
    assert shop.run("--testmon").exit == 1


@pytest.mark.parametrize("args", [("-p", "no:cacheprovider"), ("-W", "error")])
def test_what_ends_testmon_in_an_internal_error_works(shop, args):
    assert shop.run("--testmon", *args).exit == 0
    assert shop.run("--testmon", *args).exit == 0


def test_branches_can_be_measured(shop):
    pytest.importorskip("pytest_cov")
    covered = ("-p", "pytest_cov", "--cov=shop", "--cov-branch", "-p", "no:cacheprovider")
    plain = re.findall(r"^shop.py .*", shop.run(*covered).out, re.M)
    assert plain == re.findall(r"^shop.py .*", shop.run("--testmon", *covered).out, re.M)
    assert plain


@pytest.mark.parametrize(
    "args, line",
    [
        ((), "winnow: every test runs, because nothing is recorded in this environment yet"),
        (("--testmon-noselect",), "winnow: every test runs"),
        (("--testmon-nocollect",), "winnow: nothing is written"),
        (("-k", "shop"), "winnow: selection automatically deactivated because -k was used"),
    ],
)
def test_its_lines_stand_in_the_header(shop, args, line):
    out = shop.run("--testmon", *args).out
    assert line in out.partition("collected")[0]
    assert "testmon:" not in out


def test_the_header_names_the_source_that_changed(shop):
    shop.run("--testmon")
    shop.write(EDIT)
    assert "winnow: to run: 1 of 3 tests (shop.py: gross() changed)" in shop.run("--testmon").out


def test_its_datafile_is_said_to_be_ignored(shop):
    run = shop.run("--testmon", env={"TESTMON_DATAFILE": "elsewhere"})
    assert "winnow: TESTMON_DATAFILE is ignored: what is recorded lies in .winnow/" in run.out
    assert not (shop.root / "elsewhere").exists()
    # It is no input of a test either.
    assert shop.run("--testmon", env={"TESTMON_DATAFILE": "another"}).ran == "no tests ran"
    assert "TESTMON_DATAFILE" not in shop.run("--winnow").out


def test_its_service_is_not_asked(shop):
    shop.write({"pytest.ini": "[pytest]\ntmnet_url = http://localhost:1\ntmnet_api_key = key\n"})
    run = shop.run("--tmnet", "--strict-config", env={"TMNET_API_KEY": "key"})
    assert (run.exit, run.ran) == (0, "3 passed")
    assert "winnow: --tmnet has no service here: what is recorded stays in the project" in run.out
    assert shop.run("--testmon", "--strict-config").ran == "no tests ran"


def test_each_of_its_words_stands_in_the_guide_to_migrating():
    with open(os.path.join(os.path.dirname(PACKAGES), "docs", "migrating.md"), encoding="utf-8") as file:
        guide = file.read()
    theirs = [*options._TESTMON, *options._TESTMON_OFF, *options._TESTMON_GONE, *options._TESTMON_SERVICE]
    theirs += ["--testmon-env", "--project-directory", "environment_expression", "testmon_ignore_dependencies"]
    theirs += ["TESTMON_DATAFILE", "TMNET_API_KEY", "run_variant_expression"]
    theirs += [*options._DIFFTEST, *options._DIFFTEST_VALUES]
    assert [word for word in theirs if "`%s" % word not in guide] == []


def test_settings_in_pytests_configuration_are_known(shop):
    shop.write(
        {
            "pytest.ini": "[pytest]\nwinnow_mode = select\ntestmon_ignore_dependencies = a b\nenvironment_expression = ''\n"
        }
    )
    for args in [("--testmon",), ()]:
        run = shop.run("--strict-config", "-W", "error", *args)
        assert (run.exit, run.ran) == (0, "3 passed")


@pytest.mark.parametrize("option", ["--tlf", "--by-test-count", "--project-directory=."])
def test_what_is_gone_from_testmon_is_said_to_be_not_needed(shop, option):
    run = shop.run("--testmon", option)
    assert run.exit == 0
    assert "winnow: %s is not needed" % option.partition("=")[0] in run.out


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


@pytest.mark.parametrize("module, option", [("testmon", "--testmon"), ("pytest_difftest", "--diff")])
def test_what_pip_leaves_of_another_plugin_is_not_that_plugin(shop, tmp_path, module, option):
    # Byte code that pytest has compiled, which pip does not know of.
    cache = tmp_path / "site" / module / "__pycache__"
    cache.mkdir(parents=True)
    (cache / "plugin.cpython-313-pytest-9.2.0.pyc").write_bytes(b"")
    path = os.pathsep.join([shop.environment()["PYTHONPATH"], str(tmp_path / "site")])
    run = shop.run(option, env={"PYTHONPATH": path})
    assert (run.exit, run.ran) == (0, "3 passed")


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
