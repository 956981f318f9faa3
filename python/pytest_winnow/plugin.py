"""What pytest loads: the options, and Winnow beside pytest where one of them asks for it.

Without such an option nothing else is loaded, and nothing is said. With one, the engine is asked for a plan at once,
and the collector begins before pytest goes on: what is read from then on is seen. Whatever goes wrong costs one line
on standard error: then all tests run, as if Winnow were not there.
"""

import os
import sys
from typing import Any, List, Optional
from weakref import WeakKeyDictionary

import pytest

from . import options

# Set for the collector, in the process that the engine attends; xdist's workers inherit it.
_SESSION = "WINNOW_SESSION"
_WORKER = "PYTEST_XDIST_WORKER"
_COLLECTOR = "winnow_collector.guard"
_DESELECTED = "winnow_deselected"
_NO_TESTS_COLLECTED = 5


class _State:
    """What belongs to one pytest: a test of a plugin may run another one within it."""

    def __init__(self) -> None:
        # The engine beside it.
        self.attendant: Any = None
        # The options, as far as they were known when it was asked.
        self.known: Any = None
        # For people, once pytest lets anything through.
        self.messages: List[str] = []

    def give_up(self, error: BaseException) -> None:
        """Winnow has no part in this any more."""
        attendant, self.attendant = self.attendant, None
        if attendant is not None:
            attendant.abandon()
        self.messages.append("winnow: every test runs and nothing is recorded, because %s" % error)


_states: "WeakKeyDictionary[Any, _State]" = WeakKeyDictionary()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    options.add(parser)
    config = pluginmanager.get_plugin("pytestconfig")
    if config is None:
        return
    if _follows():
        # Where `winnow run` has started pytest, the collector is there.
        if _SESSION in os.environ:
            _load_collector(config)
        return
    words = _words_of(config) + _typed(config)
    if not options.may_activate(words) or _is_within():
        return
    state = _states[config] = _State()
    try:
        state.known = parser.parse_known_args(words)
        _begin(config, state, options.chosen(state.known, _typed(config)))
    except Exception as error:
        os.environ.pop(_SESSION, None)
        state.give_up(error)


def _begin(config: Any, state: "_State", choice: options.Choice) -> None:
    """Has the engine decide, and the collector begin."""
    if not choice.active:
        if choice.off is not None:
            state.messages.append("winnow: deactivated through %s" % choice.off)
        return
    if _COLLECTOR in sys.modules:
        raise Unwatched("Winnow attends one pytest in a process only")
    from .attendant import Attendant
    from .surroundings import loaded_before

    state.attendant = Attendant(config, _typed(config))
    plan = state.attendant.ask(choice)
    early = loaded_before(plan.root)
    if early is not None:
        raise Unwatched("%s was loaded before Winnow could watch; start with `winnow run`" % early)
    if plan.session is not None:
        os.environ[_SESSION] = plan.session
        _load_collector(config)


class Unwatched(Exception):
    """Something that may matter has run in this process, and nobody saw what it did; the message says what."""


def _is_within() -> bool:
    """Whether a test has started this pytest: what it asserts is not for Winnow to change."""
    return "PYTEST_CURRENT_TEST" in os.environ


def _follows() -> bool:
    """Whether somebody else decides: `winnow run`, or the controller whose worker this is."""
    # A pytest that a test in a worker starts inherits the variable as well.
    is_worker = _WORKER in os.environ and "execnet.gateway_base" in sys.modules
    return _SESSION in os.environ or is_worker


def _typed(config: Any) -> List[str]:
    return [str(word) for word in config.invocation_params.args]


def _words_of(config: Any) -> List[str]:
    """What the ini file and the environment add to the command line, as far as it can be told at this point."""
    added = os.environ.get("PYTEST_ADDOPTS", "").split()
    try:
        return added + [str(word) for word in config.getini("addopts")]
    except (KeyError, ValueError):
        return added


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> None:
    state = _states.get(early_config)
    if state is None or state.attendant is None:
        return
    from .surroundings import is_pytest

    plan = state.attendant.plan
    if plan.threshold_off:
        early_config.known_args_namespace.cov_fail_under = 0
    if plan.nothing and plan.silent and is_pytest():
        state.attendant.say_nothing_runs(state.known)
        raise SystemExit(0)


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


def _attendant_of(config: Any) -> Any:
    state = _states.get(config)
    return None if state is None else state.attendant


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    state = _states.get(config)
    if state is None:
        return
    while state.messages:
        print(state.messages.pop(0), file=sys.stderr)
    if state.attendant is None:
        return
    if state.attendant.plan.threshold_off:
        config.option.cov_fail_under = 0
    if state.attendant.plan.nothing and getattr(config.option, "dist", "no") != "no":
        # xdist: its workers know of no plan, and there is nothing for them to do.
        config.option.dist, config.option.tx, config.option.numprocesses = "no", [], None


def pytest_report_header(config: pytest.Config) -> Optional[List[str]]:
    attendant = _attendant_of(config)
    return attendant.header() if attendant is not None else None


# Where somebody's program runs pytest, or a report is to be written, it is led to its end though nothing is to run.


def _runs_nothing(config: Any) -> bool:
    attendant = _attendant_of(config)
    return attendant is not None and attendant.plan.nothing


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(config: pytest.Config) -> Optional[bool]:
    return True if _runs_nothing(config) else None


@pytest.hookimpl(tryfirst=True)
def pytest_make_collect_report(collector: Any) -> Optional[pytest.CollectReport]:
    # Files that are arguments: pytest does not ask whether to ignore those. One whose tests are named must have them.
    if not isinstance(collector, pytest.File) or isinstance(collector, pytest.Package):
        return None
    if not _runs_nothing(collector.config) or any("::" in str(word) for word in collector.config.args):
        return None
    return pytest.CollectReport(collector.nodeid, "passed", None, [])


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: List[Any]) -> Any:
    yield
    if items and _runs_nothing(config):
        left_out, items[:] = list(items), []
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    # xdist: what its workers have left out one by one.
    attendant = _attendant_of(node.config)
    if attendant is not None:
        attendant.deselected = max(attendant.deselected, getattr(node, "workeroutput", {}).get(_DESELECTED, 0))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    attendant = _attendant_of(session.config)
    if attendant is None or int(session.exitstatus) != _NO_TESTS_COLLECTED:
        return
    if attendant.has_left_out():
        session.exitstatus = pytest.ExitCode.OK


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    state = _states.pop(config, None)
    if state is None or state.attendant is None:
        return
    os.environ.pop(_SESSION, None)
    try:
        state.attendant.end(config)
    except Exception as error:
        print("winnow: this run is not recorded yet, because %s" % error, file=sys.stderr)
