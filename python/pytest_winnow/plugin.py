"""What pytest loads: the options, and Winnow beside pytest where one of them asks for it.

Without such an option nothing else is loaded, and nothing is said. With one, the engine is asked for a plan while
pytest goes on loading plugins; its answer is awaited before the first conftest is imported. Whatever goes wrong costs
one line on standard error: then all tests run, as if Winnow were not there.
"""

import os
import sys
from typing import Any, List, Optional

import pytest

from . import options

# Set for the collector, in the process that the engine attends; xdist's workers inherit it.
_SESSION = "WINNOW_SESSION"
_COLLECTOR = "winnow_collector.guard"
_NO_TESTS_COLLECTED = 5

# The engine that attends this process.
_attendant: Any = None
# It was asked for once, and in vain.
_failed = False
# For people, once pytest lets anything through.
_messages: List[str] = []


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    options.add(parser)
    config = pluginmanager.get_plugin("pytestconfig")
    if config is None or _SESSION in os.environ:
        return
    try:
        words = [str(word) for word in config.invocation_params.args]
        if options.may_activate(words + _words_of(config)):
            _start(config, words)
    except Exception as error:
        _give_up(error)


def _words_of(config: Any) -> List[str]:
    """What the ini file and the environment add to the command line, as far as it can be told at this point."""
    added = os.environ.get("PYTEST_ADDOPTS", "").split()
    try:
        return added + [str(word) for word in config.getini("addopts")]
    except (KeyError, ValueError):
        return added


def _start(config: Any, words: List[str]) -> None:
    global _attendant
    from .attendant import Attendant

    _attendant = Attendant(config, words)


def _give_up(error: BaseException) -> None:
    global _attendant, _failed
    _failed = True
    attendant, _attendant = _attendant, None
    if attendant is not None:
        attendant.abandon()
    _messages.append("winnow: every test runs and nothing is recorded, because %s" % error)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    global _attendant
    known = early_config.known_args_namespace
    if _SESSION in os.environ:
        # A worker of xdist: its controller has decided. Where `winnow run` has started pytest, the collector is there.
        _load_collector(early_config)
        return
    choice = options.chosen(known, [str(word) for word in early_config.invocation_params.args])
    if not choice.active:
        if _attendant is not None:
            _attendant.abandon()
            _attendant = None
        if choice.off is not None:
            _messages.append("winnow: deactivated through %s" % choice.off)
        return
    if _failed:
        return
    try:
        if _attendant is None:
            _start(early_config, [str(word) for word in early_config.invocation_params.args])
        plan = _attendant.ask(choice)
        if plan.threshold_off:
            known.cov_fail_under = 0
        if plan.nothing and plan.silent and _attendant.is_command():
            _attendant.say_nothing_runs(known)
            raise SystemExit(0)
        if plan.session is not None:
            os.environ[_SESSION] = plan.session
            _load_collector(early_config)
    except Exception as error:
        os.environ.pop(_SESSION, None)
        _give_up(error)


def _load_collector(config: Any) -> None:
    if config.pluginmanager.has_plugin(_COLLECTOR):
        return
    from .engine import collector_directory

    directory = collector_directory()
    sys.path.append(directory)
    try:
        config.pluginmanager.import_plugin(_COLLECTOR)
    finally:
        if directory in sys.path:
            sys.path.remove(directory)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    while _messages:
        print(_messages.pop(0), file=sys.stderr)
    if _attendant is not None and _attendant.plan is not None and _attendant.plan.threshold_off:
        config.option.cov_fail_under = 0


def pytest_report_header(config: pytest.Config) -> Optional[List[str]]:
    return _attendant.header() if _attendant is not None else None


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(config: pytest.Config) -> Optional[bool]:
    # Where somebody's program runs pytest, it is led to its end though nothing is to be collected.
    return True if _attendant is not None and _attendant.plan is not None and _attendant.plan.nothing else None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _attendant is None or int(session.exitstatus) != _NO_TESTS_COLLECTED:
        return
    if _attendant.has_left_out():
        session.exitstatus = pytest.ExitCode.OK


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    global _attendant
    attendant, _attendant = _attendant, None
    if attendant is None:
        return
    os.environ.pop(_SESSION, None)
    try:
        attendant.end(config)
    except Exception as error:
        print("winnow: this run is not recorded yet, because %s" % error, file=sys.stderr)
