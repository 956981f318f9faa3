"""What `winnow doctor` has a Python try out, and that it says so in one line whatever happens."""

import json
import os
import subprocess
import sys

import pytest

COLLECTOR = __file__.rsplit("tests", 1)[0]
MECHANISMS = ["probes"] + (["monitoring"] if hasattr(sys, "monitoring") else [])


def try_out(cwd, *arguments):
    command = [sys.executable, os.path.join(COLLECTOR, "winnow_trial.py")] + [str(each) for each in arguments]
    said = subprocess.run(command, cwd=str(cwd), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    assert said.stderr == b""
    mark = b"@winnow-trial@"
    (line,) = [line for line in said.stdout.splitlines() if line.startswith(mark)]
    return json.loads(line[len(mark) :])


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_mechanism_that_works_is_named(tmp_path, mechanism):
    if mechanism == "probes" and sys.version_info >= (3, 14):
        pytest.skip("probes do not serve here")
    assert try_out(tmp_path, tmp_path, mechanism)["mechanism"] == mechanism
    assert list(tmp_path.iterdir()) == []


def test_the_best_one_is_chosen(tmp_path):
    assert try_out(tmp_path, tmp_path) == try_out(tmp_path, tmp_path, "auto")
    assert try_out(tmp_path, tmp_path)["mechanism"] == MECHANISMS[-1]


def test_none_has_a_reason(tmp_path):
    assert try_out(tmp_path, tmp_path, "none") == {"mechanism": None, "reason": "switched off"}


def test_an_error_is_a_reason(tmp_path):
    said = try_out(tmp_path)
    assert said["mechanism"] is None
    assert said["reason"].startswith("the collector fails (IndexError: ")
