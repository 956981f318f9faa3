"""`pytest --winnow`: what runs, what is recorded, and what is said."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap

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


def run_program(shop, *args, python=sys.executable):
    return subprocess.run(
        [python, *args],
        cwd=str(shop.root),
        env=shop.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ).stdout


def test_the_last_line_comes_last_where_both_outputs_are_one(shop):
    out = run_program(shop, "-m", "pytest", "-p", "pytest_winnow.plugin", "--winnow")
    assert out.splitlines()[-1] == "winnow: 3 tests ran, none left out"


def test_nothing_to_run_loads_nothing_of_the_project(shop, tmp_path):
    note = tmp_path / "loaded"
    shop.write({"conftest.py": "open(%r, 'w').close()\n" % str(note)})
    shop.run("--winnow")
    assert note.exists()
    note.unlink()
    assert shop.run("--winnow").ran == "no tests ran"
    assert not note.exists()


def ask_engine(shop, command, *words):
    """What the engine says of a project."""
    from pytest_winnow.engine import engine_command

    line = [command, *words, "--python", sys.executable, "--", "-p", "pytest_winnow.plugin", "--winnow"]
    return subprocess.run(
        engine_command() + line,
        cwd=str(shop.root),
        env=shop.environment(),
        stdout=subprocess.PIPE,
        universal_newlines=True,
    ).stdout


@pytest.mark.parametrize("pythonpath", ["", "pythonpath = src lib"])
def test_facts_are_those_of_winnow_run(shop, pythonpath):
    shop.write({"pytest.ini": "[pytest]\n%s\n" % pythonpath, "src/part.py": "", "lib/other.py": ""})
    shop.run("--winnow")
    assert ask_engine(shop, "plan").startswith("nothing to run: 3 tests up to date")


def test_what_pytest_alone_has_recorded_is_shown_where_there_is_nothing_else(shop):
    script = os.path.join(os.path.dirname(sys.executable), "pytest")
    line = [sys.executable, script, "-p", "pytest_winnow.plugin", "--winnow"]
    done = subprocess.run(
        line, cwd=str(shop.root), env=shop.environment(), stdout=subprocess.PIPE, universal_newlines=True
    )
    assert "3 passed" in done.stdout
    remark = "winnow: these are the results of `pytest --winnow`"
    for command, word, said in [
        ("plan", (), "nothing to run: 3 tests up to date"),
        ("why", ("test_net",), "test_shop.py::test_net\n  need not run"),
        ("status", (), "nothing to run: 3 tests up to date"),
    ]:
        shown = ask_engine(shop, command, *word)
        assert remark in shown and said in shown
    shop.run("--winnow")
    assert remark not in ask_engine(shop, "plan")


def test_what_pytest_itself_sets_is_no_input(shop):
    shop.write({"test_other.py": "import os\ndef test_other(): assert os.environ.get('PYTEST_VERSION', 'old')\n"})
    shop.run("--winnow")
    assert ask_engine(shop, "plan").startswith("nothing to run: 3 tests up to date")


def test_a_test_is_found_by_what_pytest_prints_above_its_root_directory(shop):
    shop.run("--winnow")
    assert "need not run" in ask_engine(shop, "why", "parts/shop/test_shop.py::test_net")


def test_what_changed_since_a_commit_or_a_snapshot_runs_again(shop):
    from pytest_winnow.engine import engine_command

    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b.invalid", "-c", "core.hooksPath=/dev/null"]

    def call(*command):
        subprocess.run(command, cwd=str(shop.root), env=shop.environment(), stdout=subprocess.DEVNULL, check=True)

    call("git", "init", "--quiet")
    call(*git, "add", "pytest.ini", "shop.py", "test_shop.py", "test_other.py")
    call(*git, "commit", "--quiet", "--message", "one")
    shop.run("--winnow")
    call(*engine_command(), "snapshot", "save", "before", "--python", sys.executable)
    shop.write({"shop.py": EDIT["shop.py"].replace("* 2", "+ 1 + 0")})
    assert shop.run("--winnow").ran == "1 passed, 1 deselected"
    assert shop.run("--winnow").ran == "no tests ran"
    for option, name in [
        ("--winnow-since=HEAD", "since HEAD ("),
        ("--winnow-against=before", "since snapshot before: "),
    ]:
        again = shop.run("--winnow", option)
        assert (again.exit, again.ran) == (0, "1 passed, 1 deselected"), again
        assert "winnow: %s" % name in again.out
        assert "1 of 3 tests concerned (shop.py: gross() changed)" in again.out
    unknown = shop.run("--winnow", "--winnow-since", "nothing")
    assert (unknown.exit, unknown.ran) == (0, "3 passed")
    assert 'git knows no commit "nothing"' in unknown.out + unknown.err


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
    # Of another size: where nothing is recorded, Python alone tells whether its byte code is that of the source.
    shop.write({"shop.py": EDIT["shop.py"] + "\n"})
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


@pytest.mark.parametrize(
    "args",
    [
        ("test_shop.py",),
        ("test_shop.py::test_net",),
        ("-p", "xdist", "-n", "2"),
        ("test_shop.py", "-p", "xdist", "-n", "2"),
        ("test_shop.py", "-p", "pytest_cov", "--cov=.", "--cov-report=term-missing", "--no-cov"),
    ],
    ids=" ".join,
)
def test_nothing_runs_for_a_report_whatever_is_named_and_however_it_would_be_spread(shop, args):
    for module in ("xdist", "pytest_cov"):
        if module in args:
            pytest.importorskip(module)
    shop.run("--winnow", *(word for word in args if not word.startswith("test_shop")))
    run = shop.run("--winnow", "--junitxml", "report.xml", *args)
    assert run.exit == 0
    assert "passed" not in run.ran
    assert 'tests="0"' in (shop.root / "report.xml").read_text()


def test_what_would_run_is_listed_and_nothing_is_written(shop):
    assert shop.run("--winnow").ran == "3 passed"
    assert shop.run("--winnow", "--collect-only").ran == "no tests ran"
    shop.write(EDIT)

    def kept():
        return {path: state for path, state in shop.digest().items() if "/.winnow/" in path}

    before = kept()
    assert before
    for _ in range(2):
        run = shop.run("--winnow", "--collect-only", "-q")
        assert (run.exit, run.err) == (0, "")
        assert [line for line in run.out.splitlines() if "::" in line] == ["test_shop.py::test_gross"]
    assert kept() == before
    assert shop.run("--winnow").ran == "1 failed, 1 deselected"


PROGRAM = """
    import sys
    import pytest

    code = pytest.main(["-p", "pytest_winnow.plugin", "--winnow"])
    print("ended with", int(code))
"""


def test_a_program_elsewhere_that_calls_pytest_is_led_to_its_end(shop, tmp_path):
    program = tmp_path / "runner.py"
    program.write_text(textwrap.dedent(PROGRAM))
    assert "3 passed" in run_program(shop, str(program))
    again = run_program(shop, str(program))
    assert "ended with 0" in again
    assert "no tests ran" in again


def test_what_a_program_of_the_project_has_done_before_is_not_known(shop):
    shop.write({"run_tests.py": "import shop\nshop.gross = shop.net\n" + textwrap.dedent(PROGRAM)})
    assert "run_tests.py was loaded before Winnow could watch" in run_program(shop, "run_tests.py")
    code = textwrap.dedent(PROGRAM)
    assert "a program that calls pytest was loaded before Winnow could watch" in run_program(shop, "-c", code)
    # So nothing is recorded that plain pytest could believe.
    assert shop.run("--winnow").ran == "3 passed"


def test_a_plugin_of_the_projects_that_is_loaded_earlier_is_not_watched(shop):
    shop.write({"early.py": "DATA = open('data.txt').read()\n", "data.txt": "1\n"})
    command = [sys.executable, "-m", "pytest", "-p", "early", "-p", "pytest_winnow.plugin", "--winnow"]
    for _ in range(2):
        done = subprocess.run(
            command,
            cwd=str(shop.root),
            env=shop.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert "3 passed" in done.stdout
        assert "early.py was loaded before Winnow could watch" in done.stderr


@pytest.mark.parametrize("flag", [("-O",), ("-bb",), ("-X", "dev"), ("-W", "error::UserWarning")])
def test_how_python_was_started_is_part_of_the_environment(shop, flag):
    plain = ["-m", "pytest", "-p", "pytest_winnow.plugin", "--winnow"]
    assert "3 passed" in run_program(shop, *flag, *plain)
    assert "3 passed" in run_program(shop, *plain)
    assert "no tests ran" in run_program(shop, *flag, *plain)


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


def test_a_misspelt_setting_is_told_in_whole_sentences(shop):
    shop.write({"winnow.toml": 'mod = "select"\n'})
    run = shop.run("--winnow")
    assert (run.exit, run.ran) == (0, "3 passed")
    assert 'winnow: every test runs and nothing is recorded, because winnow.toml has an unknown key "mod"' in run.err
    assert 'did you mean "mode"? Keys of this table are mode, ' in run.err


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


@pytest.mark.parametrize("addopts", ["", "--winnow"])
def test_a_pytest_within_this_one_leaves_it_alone(shop, addopts):
    shop.write(
        {
            "pytest.ini": "[pytest]\naddopts = %s\n" % addopts,
            "inner/case_in.py": "def test_in(): pass\n",
            "test_0.py": "def test_0(): assert 0\n",
            "test_inner.py": """
                import pytest

                def test_inner():
                    assert pytest.main(["-q", "-p", "pytest_winnow.plugin", "inner/case_in.py"]) == 0
                """,
        }
    )
    for ran in ("1 failed, 4 passed", "1 failed"):
        run = shop.run("--winnow")
        assert run.exit == 1
        assert run.ran.startswith(ran)
        assert "left out" in run.err


def test_xdist_tells_nothing_collected_from_all_proven(shop):
    pytest.importorskip("xdist")
    xdist = ("--winnow", "-p", "xdist", "-n", "2")
    shop.run(*xdist)
    shop.write({"test_other.py": "X = 1\n\ndef test_other(): pass\n"})
    assert shop.run(*xdist, "test_other.py").exit == 0
    assert shop.run(*xdist, "-k", "nomatch").exit == 5


def test_workers_start_no_engine_where_the_controller_has_none(shop, tmp_path):
    pytest.importorskip("xdist")
    shutil.copytree(os.path.join(PACKAGES, "pytest_winnow"), str(tmp_path / "packages" / "pytest_winnow"))
    shop.write({"pytest.ini": "[pytest]\naddopts = --winnow\n"})
    run = shop.run("-p", "xdist", "-n", "2", env={"PYTHONPATH": str(tmp_path / "packages")})
    assert (run.exit, run.ran) == (0, "3 passed")
    assert run.err.count("the engine is not in") == 1


def test_pytest_of_an_environment_within_the_project(shop):
    directory = shop.root / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory)], check=True)
    site = next(directory.glob("[Ll]ib/**/site-packages"))
    (site / "all.pth").write_text("%s\n" % sysconfig.get_path("purelib"))
    python = next(each for each in directory.glob("*/python*") if each.stem == "python")
    program = python.parent / "pytest"
    program.write_text("import pytest\nraise SystemExit(pytest.console_main())\n")
    args = [str(program), "-p", "pytest_winnow.plugin", "--winnow"]
    outs = [run_program(shop, *args, python=str(python)) for _ in range(2)]
    assert "3 passed" in outs[0], outs[0]
    assert "nothing to run: 3 tests up to date" in outs[1], outs[1]
