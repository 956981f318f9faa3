"""The two files that come down from the engine: what to record and where (session), what to leave out (plan)."""

import json
import os
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Tuple

VARIABLE = "WINNOW_SESSION"


class SessionError(Exception):
    """The session file cannot be used; the message says why, fit for a user."""


class Session(NamedTuple):
    """What the engine asks of one pytest run (all its processes)."""

    root: str
    journals: str
    run: str
    plan: Optional[str]
    mechanism: str
    bytecode: str
    record: bool
    ignore_dirs: List[str]
    # "inputs", "state": parts that do not watch. The engine never asks for it: it is there to measure what they cost.
    without: FrozenSet[str] = frozenset()
    # Where all this was read from.
    path: Optional[str] = None


class Plan(NamedTuple):
    """What need not run. Files and node ids that the plan does not name are collected and run as usual."""

    skip_files: FrozenSet[str]
    skip_tests: Dict[str, FrozenSet[str]]
    # Directories in which all test files are among those, and that need not be walked.
    skip_directories: FrozenSet[str] = frozenset()
    # Files that must have been imported to their end for the tests of another to be left out, by that other.
    provided: Dict[str, FrozenSet[str]] = {}
    # Files that were not imported to their end before, by the same.
    failed: Dict[str, FrozenSet[str]] = {}
    # Expressions as after `-k`: tests that they match run nevertheless.
    also: Tuple[str, ...] = ()
    # By file and node id: whether the test failed last, and microseconds. None: tests run as they are written.
    order: Optional[Dict[str, Dict[str, Tuple[bool, int]]]] = None


EVERYTHING = Plan(frozenset(), {})


def load_session(path: str) -> Session:
    """Read the session file."""
    data = _load(path, "session file")
    try:
        return Session(
            root=os.path.abspath(data["root"]),
            journals=data["journals"],
            run=str(data["run"]),
            plan=data.get("plan"),
            mechanism=data.get("mechanism", "auto"),
            bytecode=data.get("bytecode") or "",
            record=bool(data.get("record", True)),
            ignore_dirs=[os.path.abspath(directory) for directory in data.get("ignoreDirs", ())],
            without=frozenset(data.get("without", ())),
            path=os.path.abspath(path),
        )
    except (KeyError, TypeError) as error:
        raise SessionError("the session file %s lacks %s" % (path, error)) from error


def load_plan(path: Optional[str]) -> Plan:
    """Read the plan; without one nothing is left out."""
    if path is None:
        return EVERYTHING
    data = _load(path, "plan")
    order = _order(data.get("order"))
    if data.get("everything"):
        return EVERYTHING._replace(order=order)
    return Plan(
        skip_files=frozenset(data.get("skipFiles", ())),
        skip_tests={file: frozenset(ids) for file, ids in data.get("skipTests", {}).items()},
        skip_directories=frozenset(data.get("skipDirectories", ())),
        provided={file: frozenset(paths) for file, paths in data.get("provided", {}).items()},
        failed={file: frozenset(paths) for file, paths in data.get("failed", {}).items()},
        also=tuple(data.get("also", ())),
        order=order,
    )


def _order(data: Optional[dict]) -> Optional[Dict[str, Dict[str, Tuple[bool, int]]]]:
    if data is None or data.get("kind") != "failures-first":
        return None
    return {
        file: {node_id: (bool(failed), int(duration)) for node_id, (failed, duration) in tests.items()}
        for file, tests in data.get("tests", {}).items()
    }


def _load(path: str, what: str) -> dict:
    try:
        with open(path, "rb") as file:
            data = json.loads(file.read().decode("utf-8"))
    except (OSError, ValueError) as error:
        raise SessionError("the %s %s cannot be read (%s)" % (what, path, error)) from error
    if not isinstance(data, dict):
        raise SessionError("the %s %s is no JSON object" % (what, path))
    if data.get("version") != 1:
        raise SessionError("the %s %s has format %r, this collector reads 1" % (what, path, data.get("version")))
    return data
