"""Options that choose among tests, where a project asks for them."""

import pytest

SELECTION, PATHS = ["env", "pytest's selection"], ["env", "pytest's paths"]
TESTS = "def test_1(): pass\n"


def inputs_of_session(project, *args):
    run = project.run("-q", *args)
    assert run.exit == 0, run.out
    return run.journal.context("session", "session")["inputs"]


@pytest.mark.parametrize(
    "asks",
    [
        "config.option.markexpr",
        "config.getoption('-m')",
        "config.getoption('keyword', default='')",
        "config.getvalue('markexpr')",
    ],
)
def test_a_conftest_asks(project, asks):
    project.write({"test_a.py": TESTS, "conftest.py": "def pytest_collection_modifyitems(config): print(%s)\n" % asks})
    assert SELECTION in inputs_of_session(project)
    project.write({"conftest.py": "def pytest_configure(config): print(%s)\n" % asks})
    assert SELECTION in inputs_of_session(project, "-k", "test_1")


def test_a_conftest_asks_for_paths(project):
    asks = "def pytest_configure(config): print(config.option.file_or_dir)\n"
    project.write({"test_a.py": TESTS, "conftest.py": asks})
    inputs = inputs_of_session(project, "test_a.py")
    assert PATHS in inputs and SELECTION not in inputs


def test_nobody_asks(project):
    project.write({"test_a.py": TESTS, "conftest.py": "def pytest_configure(config): print(config.option.verbose)\n"})
    assert SELECTION not in inputs_of_session(project, "-m", "not slow", "-k", "test_1", "test_a.py")


def test_a_test_asks(project):
    project.write({"test_a.py": "def test_1(request): assert request.config.option.keyword == 'test_1'\n"})
    run = project.run("-q", "-k", "test_1")
    assert run.exit == 0, run.out
    assert SELECTION in run.journal.tests["test_a.py::test_1"]["inputs"]


def test_the_options_stay_what_they_are(project):
    project.write(
        {
            "test_a.py": TESTS,
            "conftest.py": "import argparse, copy, pickle\n"
            "def pytest_configure(config):\n"
            "    options = config.option\n"
            "    assert isinstance(options, argparse.Namespace)\n"
            "    assert vars(options)['markexpr'] == options.markexpr == 'not slow'\n"
            "    other = copy.copy(options)\n"
            "    assert type(other) is argparse.Namespace and other.markexpr == 'not slow'\n"
            "    vars(other).clear()\n"
            "    other.keyword = options.keyword\n"
            "    assert pickle.loads(pickle.dumps(other)).keyword == ''\n"
            "    options.markexpr = 'not fast'\n"
            "    assert vars(options)['markexpr'] == 'not fast'\n"
            "    assert not hasattr(options, 'nothing')\n"
            "    del options.keyword\n"
            "    assert not hasattr(options, 'keyword')\n"
            "    options.keyword = ''\n",
        }
    )
    assert SELECTION in inputs_of_session(project, "-m", "not slow")
    run = project.run("-q", "-m", "not slow", "-n", "2")
    assert run.exit == 0, run.out


def test_they_are_given_back_where_recording_ends(project):
    asks = "import argparse\ndef pytest_collection(session): assert type(session.config.option) is argparse.Namespace\n"
    project.write({"test_a.py": TESTS, "conftest.py": asks})
    run = project.run("-q", "--pdb")
    assert run.exit == 0, run.out
