"""The pytest plugin: hooks only. What they mean is in `recorder` (facts) and `collection` (plan and ids).

Every hook keeps to two rules: whatever fails in here is caught and ends the recording, and the test run goes on as if
Winnow were not there.
"""

import os
import sys
import time
from typing import Any, Generator, List, Optional

import pytest

from .collection import Collection
from .contexts import Context
from .ini import SETTINGS
from .marker import LINE, declared_by
from .outcomes import Outcomes
from .recorder import Recorder, forget_recorder, leave_search_path, recorder_of
from .session import VARIABLE, load_plan, load_session

_state: "Optional[_State]" = None
# How many tests were left out one by one.
deselected = 0


class _State:
    """What the hooks share."""

    def __init__(self, recorder: Recorder, collection: Collection) -> None:
        self.recorder = recorder
        self.collection = collection
        self.outcomes: Optional[Outcomes] = None
        self.exit_code: Optional[int] = None


def _start() -> "Optional[_State]":
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    try:
        session = load_session(path)
        plan = load_plan(session.plan)
        recorder = recorder_of(session)
        recorder.watch_pytest()
        return _State(recorder, Collection(recorder.registry, plan, recorder.imports.search_path))
    except Exception as error:
        forget_recorder()
        print("winnow: nothing is recorded and every test runs, because %s" % error, file=sys.stderr)
        return None


def pytest_addoption(parser: Any) -> None:
    # A plugin that really uses such a name comes later, and has the last word on it.
    for name, kind, text in SETTINGS:
        try:
            parser.addini(name, text, type=kind, default="" if kind is None else [])
        except Exception:
            # Somebody else has announced it: all that is wanted is that pytest knows it.
            continue


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    # The options are known, and no conftest has asked for any.
    if _state is not None and _state.recorder.active:
        try:
            _state.recorder.options.watch(config.option)
        except Exception as error:
            _state.recorder.fail(error)


def pytest_configure(config: pytest.Config) -> None:
    # With or without a recording: `--strict-markers` must know it.
    config.addinivalue_line("markers", LINE)
    state = _state
    if state is None:
        return
    recorder = state.recorder
    try:
        role = _role(config)
        if role != "controller":
            # Only the controller of xdist has children that are to be recorded.
            os.environ.pop(VARIABLE, None)
            leave_search_path()
        state.collection.read_arguments(config)
        config.pluginmanager.register(_Refusal(state), "winnow-refusal")
        config.pluginmanager.register(_Selection(state), "winnow-selection")
        if not recorder.session.record:
            return
        basetemp = getattr(config.option, "basetemp", None)
        if basetemp:
            recorder.registry.add_temporary(str(basetemp))
        recorder.open(role, os.environ.get("PYTEST_XDIST_WORKER"), _header(config, recorder))
        if recorder.tracer is None:
            recorder.stop_recording("nothing is recorded, because %s" % recorder.reason, "no-mechanism")
        elif role == "controller":
            recorder.stop_recording(None)
        else:
            reason = _debugger(config)
            if reason is not None:
                recorder.stop_recording("nothing is recorded, because %s" % reason, "debugger")
    except pytest.UsageError:
        raise
    except Exception as error:
        recorder.fail(error)


def pytest_plugin_registered(plugin: Any, manager: Any) -> None:
    # The selection must stay the outermost wrapper: pytest calls the one registered last first.
    try:
        selection = manager.get_plugin("winnow-selection")
        if selection is not None and plugin is not selection and hasattr(plugin, "pytest_collection_modifyitems"):
            manager.unregister(selection)
            manager.register(selection, "winnow-selection")
    except Exception as error:  # the project may be the plugin manager itself
        if _state is not None:
            _state.recorder.fail(error)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    if _state is not None:
        _state.recorder.imports.collecting = True


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Any, config: pytest.Config) -> Optional[bool]:
    if _state is not None and _state.collection.ignores(str(collection_path)):
        return True
    return None


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_collectstart(collector: Any) -> Generator[None, Any, None]:
    context = _enter_file(collector)
    yield
    _leave(context)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: Any) -> Generator[None, Any, None]:
    context = _enter_file(collector)
    outcome = yield
    _leave(context)
    state = _state
    if state is not None and outcome.excinfo is None:
        try:
            rel = state.collection.file_of(collector)
            state.collection.add_report(rel, outcome.get_result().outcome)
        except Exception as error:
            state.recorder.fail(error)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: Any) -> Generator[None, Any, None]:
    state = _state
    if state is None or not state.recorder.active:
        yield
        return
    recorder = state.recorder
    test, file, started = None, "", time.time()
    try:
        test, file = _begin_test(state, item)
        state.outcomes = Outcomes()
    except Exception as error:
        recorder.fail(error)
    outcome = yield
    outcomes, state.outcomes = state.outcomes, None
    if test is None or not recorder.active:
        return
    try:
        # At its end, because a test may be marked while it runs.
        marked, problems = declared_by(item)
        for problem in problems:
            message = "a test in %s runs always, because its marker winnow is not understood: %s"
            recorder.note_once(message % (file, problem), "marker")
        recorder.end_test(test, file, outcomes if outcome.excinfo is None else None, started, marked)
    except Exception as error:
        recorder.fail(error)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: Any) -> None:
    if _state is not None and _state.outcomes is not None:
        _state.outcomes.add(report)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> Generator[None, Any, None]:
    state = _state
    context = None
    if state is not None and state.recorder.active:
        try:
            context = state.recorder.fixtures.begin_setup(fixturedef, request)
        except Exception as error:
            state.recorder.fail(error)
    yield
    if context is not None and state is not None:
        try:
            state.recorder.fixtures.end_setup(context)
        except Exception as error:
            state.recorder.fail(error)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: Any) -> None:
    state = _state
    if state is not None:
        state.exit_code = int(exitstatus)
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            # For a controller that has to tell "nothing was collected" from "all is proven".
            output["winnow_deselected"] = deselected
        if state.recorder.active:
            try:
                state.recorder.write([])
                state.recorder.contexts.retire_session()
            except Exception as error:
                state.recorder.fail(error)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    global _state
    state, _state = _state, None
    if state is not None:
        forget_recorder()
        try:
            state.recorder.finish(state.exit_code)
        except Exception as error:
            state.recorder.fail(error)


class _Refusal:
    """Keeps files of the plan, named as arguments, from being collected."""

    def __init__(self, state: _State) -> None:
        self._state = state

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: Any) -> Optional[pytest.CollectReport]:
        if isinstance(collector, pytest.File) and self._state.collection.refuses(collector):
            return pytest.CollectReport(collector.nodeid, "passed", None, [])
        return None


class _Selection:
    """Notes what was collected, leaves out what the plan proves, and orders the rest, after everybody else."""

    def __init__(self, state: _State) -> None:
        self._state = state

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: List[Any]
    ) -> Generator[None, Any, None]:
        global deselected
        recorder, collection = self._state.recorder, self._state.collection
        removed: List[Any] = []
        try:
            collection.take_items(items)
        except Exception as error:
            recorder.fail(error)
        outcome = yield
        try:
            if outcome.excinfo is None:
                if recorder.active:
                    recorder.contexts.slice()
                    recorder.write(collection.frames(items))
                    # Collection has come to its end: what was not seen by now is not there.
                    more = dict(_collected_from(config, recorder), whole=collection.whole)
                    more["removed"] = recorder.variables.removed()
                    recorder.write([recorder.session_frame(complete=True, **more)])
                unproven = collection.unproven(recorder.imports.has_succeeded, recorder.imports.failed())
                for file, path in unproven.items():
                    message = "all tests in %s run, because %s was not imported to its end" % (file, path)
                    recorder.note_once(message, "unproven")
                removed = collection.deselect(items, unproven)
                deselected = len(removed)
                collection.arrange(items)
        except Exception as error:
            recorder.fail(error)
        if removed:
            config.hook.pytest_deselected(items=removed)


def _role(config: pytest.Config) -> str:
    if hasattr(config, "workerinput"):
        return "worker"
    option = config.option
    distributes = getattr(option, "dist", "no") != "no" and not getattr(option, "collectonly", False)
    return "controller" if distributes else "main"


def _debugger(config: pytest.Config) -> Optional[str]:
    if getattr(config.option, "usepdb", False) or getattr(config.option, "trace", False):
        return "a debugger was asked for"
    function = sys.gettrace()
    # coverage's tracer is an object of a C type, or a method.
    modules = [str(getattr(owner, "__module__", None) or "") for owner in (function, type(function))]
    if function is None or any(module.split(".")[0] == "coverage" for module in modules):
        return _monitoring_debugger()
    name = getattr(function, "__qualname__", type(function).__name__)
    return "%s.%s traces this process" % (next(filter(None, modules), "?"), name)


def _monitoring_debugger() -> Optional[str]:
    # pdb (Python 3.14) and others trace through sys.monitoring, where it is to be had.
    monitoring = getattr(sys, "monitoring", None)
    name = monitoring.get_tool(monitoring.DEBUGGER_ID) if monitoring is not None else None
    # Where others have taken the free ids, ours may be that one.
    return None if name is None or name.startswith("winnow") else "%s traces this process" % name


def _header(config: pytest.Config, recorder: Recorder) -> dict:
    relative = recorder.registry.relative
    return {
        "pytest": pytest.__version__,
        "rootdir": relative(str(config.rootpath)),
        "inifile": relative(str(config.inipath)) if config.inipath is not None else None,
        "invocation": relative(str(config.invocation_params.dir)),
    }


def _collected_from(config: pytest.Config, recorder: Recorder) -> dict:
    """Where pytest looked for tests, and whether anybody but pytest itself says what a test file is."""
    here = str(config.invocation_params.dir)
    args = [str(argument).partition("::")[0] for argument in config.args]
    # Not config.hook: in pytest 7 that is a proxy which does not show implementations.
    relay = config.pluginmanager.hook
    hooks = (relay.pytest_collect_file, getattr(relay, "pytest_collect_directory", None))
    owners = [
        getattr(implementation.plugin, "__name__", type(implementation.plugin).__module__)
        for hook in hooks + (relay.pytest_pycollect_makemodule,)
        if hook is not None
        for implementation in hook.get_hookimpls()
    ]
    return {
        "args": [recorder.registry.relative(os.path.join(here, argument)) for argument in args],
        "customCollection": any(owner.split(".")[0] not in ("_pytest", "winnow_collector") for owner in owners),
    }


def _enter_file(collector: Any) -> Optional[Context]:
    state = _state
    if state is None:
        return None
    try:
        rel = state.collection.file_of(collector)
        if rel is None:
            return None
        recorder, collection = state.recorder, state.collection
        if not collection.has_file(rel):
            context = None
            if recorder.active:
                context = recorder.contexts.new("file", rel)
                for conftest in recorder.imports.conftests_above(rel):
                    context.use(conftest)
            collection.add_file(rel, context)
        context = collection.known_context(rel)
        if context is not None and recorder.active:
            recorder.contexts.enter(context)
            return context
    except Exception as error:
        state.recorder.fail(error)
    return None


def _leave(context: Optional[Context]) -> None:
    state = _state
    if context is not None and state is not None and state.recorder.active:
        try:
            state.recorder.contexts.leave(context)
        except Exception as error:
            state.recorder.fail(error)


def _begin_test(state: _State, item: Any) -> Any:
    recorder, collection = state.recorder, state.collection
    rel = collection.file_of(item)
    context = collection.known_context(rel) if rel is not None else None
    uses = [context] if context is not None else []
    if rel is None:
        rel = recorder.registry.relative(str(item.path))
        uses = recorder.imports.conftests_above(rel)
    uses += recorder.fixtures.packages_of(item)
    return recorder.begin_test(collection.id_of(item), uses), rel


_state = _start()
