"""A pytest plugin that writes down what each test came to and printed: `-p bench_witness` with `BENCH_WITNESS=FILE`.

One line of JSON `[node id, outcome, printed]` per test and per file that cannot be collected, written with one
`os.write`. It is the witness that the simulator believes: Winnow has no part in it. `BENCH_ORDER=reversed` turns the
order of the tests round.
"""

import json
import os
from typing import Dict, List, Tuple

import pytest

_seen: Dict[str, Tuple[str, str]] = {}
_PATH = "" if os.environ.get("PYTEST_XDIST_WORKER") else os.environ.get("BENCH_WITNESS", "")


def _say(node: str, outcome: str, printed: str) -> None:
    if _PATH:
        file = os.open(_PATH, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, (json.dumps([node, outcome, printed]) + "\n").encode())
        finally:
            os.close(file)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """Reorders `items` in place."""
    if os.environ.get("BENCH_ORDER") == "reversed":
        items.reverse()


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A file that cannot be collected, or is left out as a whole."""
    if report.failed or report.skipped:
        _say(report.nodeid, "uncollected" if report.failed else "left out", "")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """The worst of the phases, and what the test printed."""
    outcome, printed = _seen.get(report.nodeid, ("passed", ""))
    if report.failed:
        outcome = "failed"
    elif report.skipped and outcome == "passed":
        outcome = "skipped"
    if report.when == "call":
        printed = report.capstdout
    _seen[report.nodeid] = (outcome, printed)


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid: str) -> None:
    """The test is over: say so."""
    _say(nodeid, *_seen.pop(nodeid, ("failed", "")))
