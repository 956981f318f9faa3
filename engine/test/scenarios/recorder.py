"""Writes down which tests really ran, so that a scenario is judged by pytest and not by Winnow's own word.

One JSON object per line in the file that WINNOW_SCENARIO_LOG names. The same plugin puts the tests into another order
where WINNOW_SCENARIO_ORDER asks for one. It is loaded with `-p`; in the workers of pytest-xdist it only orders.
"""

import json
import os
import random

_ORDER = os.environ.get("WINNOW_SCENARIO_ORDER", "collected")
_IN_WORKER = "PYTEST_XDIST_WORKER" in os.environ
# Opened once and flushed line by line: what ran before a crash counts too.
_LOG = None if _IN_WORKER else open(os.environ["WINNOW_SCENARIO_LOG"], "a", encoding="utf-8")  # noqa: SIM115


def _write(entry):
    if _LOG is not None:
        _LOG.write(json.dumps(entry) + "\n")
        _LOG.flush()


def pytest_configure(config):
    _write({"event": "start"})


def pytest_collection_modifyitems(items):
    if _ORDER == "reversed":
        items.reverse()
    elif _ORDER == "shuffled":
        random.Random(7).shuffle(items)


def pytest_collection_finish(session):
    _write({"event": "collected", "ids": [item.nodeid for item in session.items]})


def pytest_collectreport(report):
    if report.outcome != "passed":
        _write({"event": "collect", "id": report.nodeid, "outcome": report.outcome})


def pytest_runtest_logreport(report):
    outcome = report.outcome
    if hasattr(report, "wasxfail"):
        outcome = "xfailed" if outcome == "skipped" else "xpassed"
    elif outcome == "failed" and report.when != "call":
        outcome = "error"
    _write({"event": "report", "id": report.nodeid, "when": report.when, "outcome": outcome})


def pytest_sessionfinish(exitstatus):
    _write({"event": "finish", "exit": int(exitstatus)})
