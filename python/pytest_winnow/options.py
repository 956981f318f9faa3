"""The options, Winnow's own and those of the plugins that it stands in for, and what a line of them asks for."""

import importlib.util
import os
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

import pytest

from .ini import SETTINGS

# pytest-testmon's options and what else its users may still have in their configuration.
_TESTMON = {
    "--testmon": "leave out the tests that no change concerns, and record (as --winnow)",
    "--testmon-noselect": "run all tests, and record",
    "--testmon-nocollect": "leave out tests, and write nothing",
    "--testmon-readonly": "the same as --testmon-nocollect",
    "--testmon-forceselect": "leave out tests also where -k, -m, --lf or node ids choose among them",
    "--tmnet": "the same as --testmon: what is recorded stays in the project",
}
_TESTMON_OFF = {
    "--no-testmon": "do not use Winnow, whatever else is said",
    "--testmon-off": "the same as --no-testmon",
}
_TESTMON_GONE = {
    "--tlf": "failed tests always run",
    "--by-test-count": "the order is yours",
}
# Settings of testmon's service; there is none here.
_TESTMON_SERVICE = ("tmnet_url", "tmnet_api_key")
# Where testmon is to keep its database.
_TESTMON_DATAFILE = "TESTMON_DATAFILE"
_DIFFTEST = {
    "--diff": "leave out the tests that no change concerns, and record (as --winnow)",
    "--diff-baseline": "the same: what is recorded is the baseline",
    "--diff-force": "run all tests, and record",
    "--diff-rebuild": "run all tests, and record",
    "--diff-v": "nothing more is shown; see `winnow why TEST`",
}
_DIFFTEST_VALUES = ("--diff-batch-size", "--diff-cache-size")
_OWN = {
    "--winnow": "leave out the tests that no change concerns, and record what the others depend on",
    "--winnow-noselect": "run all tests, and record",
    "--winnow-readonly": "leave out tests, and write nothing at all",
    "--no-winnow": "do not use Winnow, whatever else is said",
}
_ACTIVATING = ("--winnow", "--testmon", "--tmnet", "--diff")
# Which other plugins are there, and keep their options to themselves.
_foreign: List[str] = []


class Choice(NamedTuple):
    """What a line of options asks for."""

    active: bool
    select: bool = True
    record: bool = True
    # The option that turned Winnow off.
    off: Optional[str] = None
    # Why all tests run though a selection was asked for.
    unselected: Optional[str] = None
    # The name of an environment.
    environment: Optional[str] = None
    # The earlier state that is asked about: a commit, or a snapshot's name.
    since: Optional[str] = None
    against: Optional[str] = None
    # What to tell people whose configuration says more than that.
    remarks: Tuple[str, ...] = ()


def stands_in() -> List[str]:
    """The plugins whose options are Winnow's here."""
    return [name for name in ("pytest-testmon", "pytest-difftest") if name not in _foreign]


def may_activate(words: List[str]) -> bool:
    """Whether any of these words may turn Winnow on; a quick look before the line is parsed."""
    return any(word.startswith(_ACTIVATING) for word in words)


def add(parser: pytest.Parser) -> None:
    """Declare all options, but for those of plugins that are there themselves."""
    own = parser.getgroup("winnow", "leave out tests that no change concerns (pytest-winnow)")
    for name, text in _OWN.items():
        own.addoption(name, action="store_true", help=text)
    own.addoption("--winnow-env", metavar="NAME", default=None, help="the environment whose results count")
    own.addoption(
        "--winnow-since",
        metavar="REF",
        default=None,
        help="with --winnow: the tests that changes since this commit concern, whatever ran since",
    )
    own.addoption(
        "--winnow-against", metavar="NAME", default=None, help="the same since a state of `winnow snapshot save NAME`"
    )
    has_testmon = _is_there("testmon")
    for name, kind, text in SETTINGS:
        if name.startswith("winnow_") or not has_testmon:
            parser.addini(name, text, type=kind, default="" if kind is None else [])  # type: ignore[arg-type]
    del _foreign[:]
    if has_testmon:
        _foreign.append("pytest-testmon")
    else:
        _add_testmon(parser)
    if _is_there("pytest_difftest"):
        _foreign.append("pytest-difftest")
    else:
        group = parser.getgroup("winnow-difftest", "pytest-difftest's options, as pytest-winnow understands them")
        for name, text in _DIFFTEST.items():
            group.addoption(name, action="store_true", help=text)
        for name in _DIFFTEST_VALUES:
            group.addoption(name, default=None, help="is not needed")


def _is_there(module: str) -> bool:
    """Whether a plugin is installed. pip leaves a directory of that name, with byte code that pytest has compiled."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None


def _add_testmon(parser: pytest.Parser) -> None:
    group = parser.getgroup("winnow-testmon", "pytest-testmon's options, as pytest-winnow understands them")
    for options in (_TESTMON, _TESTMON_OFF):
        for name, text in options.items():
            group.addoption(name, action="store_true", help=text)
    group.addoption("--testmon-env", metavar="TEXT", default=None, help="the environment whose results count")
    for name, text in _TESTMON_GONE.items():
        group.addoption(name, action="store_true", help="is not needed: %s" % text)
    group.addoption("--project-directory", action="append", default=None, help="is not needed")
    for name in _TESTMON_SERVICE:
        parser.addini(name, "is not needed: what is recorded stays in the project", default="")


def chosen(known: Any, words: List[str]) -> Choice:
    """What the parsed options ask for. `words`: the command line as typed."""

    def has(name: str) -> bool:
        return bool(getattr(known, name[2:].replace("-", "_"), False))

    testmon = "pytest-testmon" not in _foreign
    difftest = "pytest-difftest" not in _foreign
    for name in ["--no-winnow"] + (list(_TESTMON_OFF) if testmon else []):
        if has(name):
            return Choice(active=False, off=name)
    own = [name for name in ("--winnow", "--winnow-noselect", "--winnow-readonly") if has(name)]
    theirs = [name for name in (_TESTMON if testmon else ()) if has(name)]
    diffs = [name for name in (list(_DIFFTEST)[:4] if difftest else []) if has(name)]
    if not own and not theirs and not diffs:
        return Choice(active=False)
    record = not {"--winnow-readonly", "--testmon-nocollect", "--testmon-readonly"} & set(own + theirs)
    select, unselected = True, None
    if {"--winnow-noselect", "--diff-force", "--diff-rebuild"} & set(own + diffs):
        select = False
    elif theirs and not own and "--testmon-forceselect" not in theirs:
        # testmon's rules, in its order. Winnow itself may leave out tests among those that are chosen otherwise.
        if "--testmon-noselect" in theirs:
            select = False
        else:
            unselected = _chosen_otherwise(known, words)
            select = unselected is None
    return Choice(
        active=True,
        select=select,
        record=record,
        unselected=unselected,
        environment=getattr(known, "winnow_env", None) or getattr(known, "testmon_env", None),
        since=getattr(known, "winnow_since", None),
        against=getattr(known, "winnow_against", None),
        remarks=tuple(_remarks(has, testmon)),
    )


def _chosen_otherwise(known: Any, words: List[str]) -> Optional[str]:
    if getattr(known, "keyword", ""):
        return "-k was used"
    if getattr(known, "markexpr", ""):
        return "-m was used"
    if getattr(known, "lf", False):
        return "--lf was used"
    if any(".py::" in word and not word.startswith("-") for word in words):
        return "you selected tests manually"
    return None


def _remarks(has: Callable[[str], bool], testmon: bool) -> List[str]:
    remarks = []
    for name in _foreign:
        remarks.append("%s is installed and keeps its own options; uninstall it to have Winnow in its place" % name)
    for name, text in _TESTMON_GONE.items() if testmon else ():
        if has(name):
            remarks.append("%s is not needed: %s" % (name, text))
    if testmon and has("--project-directory"):
        remarks.append("--project-directory is not needed: the project is where pytest is configured")
    if testmon and has("--tmnet"):
        remarks.append("--tmnet has no service here: what is recorded stays in the project")
    if testmon and os.environ.get(_TESTMON_DATAFILE):
        remarks.append("%s is ignored: what is recorded lies in .winnow/ in the project's root" % _TESTMON_DATAFILE)
    return remarks
