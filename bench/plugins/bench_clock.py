"""A pytest plugin that writes down which test ended when and how: `-p bench_clock` with `BENCH_CLOCK=FILE`.

One line of JSON `[unix time, node id, passed]` per test, written with one `os.write`, so that a kill loses at most
a line that was not begun. It is the witness that the crash test believes: Winnow has no part in it.
"""

import json
import os
import time
from typing import Dict

import pytest

_failed: Dict[str, bool] = {}
_PATH = "" if os.environ.get("PYTEST_XDIST_WORKER") else os.environ.pop("BENCH_CLOCK", "")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Any failed phase makes the test one that did not pass."""
    _failed[report.nodeid] = _failed.get(report.nodeid, False) or report.failed


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid: str) -> None:
    """The test is over: say so."""
    if not _PATH:
        return
    line = json.dumps([time.time(), nodeid, not _failed.pop(nodeid, True)]) + "\n"
    file = os.open(_PATH, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)
