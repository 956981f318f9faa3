"""Touched code through `sys.monitoring` (Python 3.12 and later).

Two tools. *Discover* listens to every start in the process, is disabled for each code object at its first start, and
so costs nothing afterwards. *Watch* listens locally on the code objects of the project only; its callback notes the
code. To disable it there and to re-arm it for the next slice costs as much as some ten calls of it, so the first calls
of a slice are simply noted, and only then does it disable itself wherever it is called. `take()` re-arms those.

What must stay true:
- Code objects are told apart by identity. They compare equal by content, file name not included: two identical
  functions on the same lines of two files are one member of a set.
- A code object that is known is never forgotten, so an identity is never used twice.
- Nothing is disabled that is not re-armed after it: only the thread that started this disables, and only what it takes
  itself is done with. Else another thread could re-arm between the callback's note and its return.
- Nothing in here calls `id()`: it raises an audit event, which costs more than the rest of the loop.
- What evaluates annotations (Python 3.14) is never disabled: one call of it ends in an exception at once, the next one
  runs the annotations.
"""

import sys
import threading
from collections import deque
from itertools import chain, cycle, repeat
from types import CodeType
from typing import Any, Callable, Dict, List, Optional, Tuple

from ..registry import Registry

_identity = object.__hash__
_exhaust = deque(maxlen=0).extend
# 0, 1, 2 and 5 are the debugger's, coverage's, the profiler's and the optimizer's by convention.
_PREFERRED_IDS = (3, 4, 5, 2, 1, 0)
# `inspect.CO_OPTIMIZED`
_OPTIMIZED = 1
# So many calls of a slice are noted, though a function may be among them several times.
_NOTED = 256


def free_tool_ids() -> Optional[Tuple[int, int]]:
    """Two ids of sys.monitoring that nobody holds, or None."""
    free = [tool for tool in _PREFERRED_IDS if sys.monitoring.get_tool(tool) is None]
    return (free[0], free[1]) if len(free) >= 2 else None


class MonitoringTracer:
    """The `Tracer` of Python 3.12 and later."""

    name = "monitoring"

    def __init__(self, registry: Registry, tools: Tuple[int, int]) -> None:
        self._registry = registry
        self._discover, self._watch = tools
        self._touched: List[CodeType] = []
        # Those of them where the callback is disabled.
        self._disarmed: List[CodeType] = []
        # What other threads touched when enough was noted, by identity.
        self._touched_elsewhere: Dict[int, CodeType] = {}
        self._thread = threading.get_ident()
        # Identity → number. The code is kept alive, or its identity could come back as another one's.
        self._known: Dict[int, int] = {}
        self._codes: List[CodeType] = []
        events = sys.monitoring.events
        self._local_events = events.PY_START | events.PY_RESUME
        self.fail: Callable[[BaseException], None] = lambda error: None
        self._begin: Callable[[str], Any] = lambda path: None
        self._end: Callable[[Any], None] = lambda token: None
        # Code that evaluates annotations, by identity, and its project path.
        self._annotating: Dict[int, Tuple[CodeType, str]] = {}
        # Evaluations under way: (code, thread, what `begin` gave).
        self._evaluating: List[Tuple[CodeType, int, Any]] = []

    def start(self) -> None:
        monitoring = sys.monitoring
        events = monitoring.events
        self._thread = threading.get_ident()
        monitoring.use_tool_id(self._discover, "winnow-discover")
        monitoring.use_tool_id(self._watch, "winnow")
        for event in (events.PY_START, events.PY_RESUME):
            monitoring.register_callback(self._discover, event, self._make_discoverer())
            monitoring.register_callback(self._watch, event, self._make_watcher())
        monitoring.register_callback(self._watch, events.PY_THROW, self._on_throw)
        # What an earlier holder of these ids (the trial of this tracer is one) disabled has to report again.
        monitoring.restart_events()
        monitoring.set_events(self._discover, events.PY_START | events.PY_RESUME)
        # A generator re-entered by throw() or close() neither starts nor resumes. This event cannot be disabled per
        # code object, and is rare.
        monitoring.set_events(self._watch, events.PY_THROW)

    def take(self) -> List[int]:
        touched, elsewhere = self._touched, self._touched_elsewhere
        # Another thread may append meanwhile: what is appended after this line stays for the next slice.
        taken = touched[:]
        del touched[: len(taken)]
        codes = set(map(_identity, taken))
        while elsewhere:
            codes.add(elsewhere.popitem()[0])
        if self._disarmed:
            self._rearm()
        return list(map(self._known.__getitem__, codes))

    def _rearm(self) -> None:
        disarmed = self._disarmed[:]
        if threading.get_ident() == self._thread:
            del self._disarmed[: len(disarmed)]
        codes = dict(zip(map(_identity, disarmed), disarmed)).values()
        # Off and on again: that is what makes a disabled location report again. One call in C, both because it is done
        # for many functions of many tests and because no other thread gets to run while some of them are off.
        twice = chain.from_iterable(zip(codes, codes))
        _exhaust(map(sys.monitoring.set_local_events, repeat(self._watch), twice, cycle((0, self._local_events))))

    def stop(self) -> None:
        monitoring = sys.monitoring
        events = monitoring.events
        annotating = [code for code, _ in self._annotating.values()]
        for tool, codes in ((self._discover, annotating), (self._watch, self._codes)):
            if monitoring.get_tool(tool) is None:
                continue
            monitoring.set_events(tool, 0)
            for code in codes:
                monitoring.set_local_events(tool, code, 0)
            for event in (events.PY_START, events.PY_RESUME, events.PY_THROW, events.PY_RETURN, events.PY_UNWIND):
                monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)
        self._touched.clear()
        self._disarmed.clear()
        self._evaluating.clear()

    def twin(self, registry: Any) -> "MonitoringTracer":
        return MonitoringTracer(registry, (self._discover, self._watch))

    def around_annotations(self, begin: Callable[[str], Any], end: Callable[[Any], None]) -> None:
        self._begin, self._end = begin, end

    def transform(self) -> None:
        return None

    def _make_watcher(self) -> Any:
        touched, disarm, elsewhere = self._touched, self._disarmed.append, self._touched_elsewhere
        append, disable, enough = touched.append, sys.monitoring.DISABLE, _NOTED
        get_ident, thread = threading.get_ident, self._thread

        def start(code: CodeType, _offset: int) -> Any:
            if len(touched) < enough:
                append(code)
                return None
            if get_ident() != thread:
                elsewhere[_identity(code)] = code
                return None
            append(code)
            disarm(code)
            return disable

        return start

    def _make_discoverer(self) -> Any:
        append, keep, disable = self._touched.append, self._codes.append, sys.monitoring.DISABLE
        known, registry, annotating = self._known, self._registry, self._annotating
        set_local_events, tool, events = sys.monitoring.set_local_events, self._watch, self._local_events
        optimized = _OPTIMIZED

        def started(code: CodeType, _offset: int) -> Any:
            filename = code.co_filename
            if filename[:1] == "<":
                return disable
            if _identity(code) in known:
                return self._evaluate(code) if _identity(code) in annotating else disable
            # Bodies of modules and classes have no fast locals. They run when their module or function does.
            if not code.co_flags & optimized:
                return disable
            try:
                path = registry.project_path(filename)
                if path is not None:
                    keep(code)
                    known[_identity(code)] = registry.code_id(path, code.co_firstlineno, code.co_name)
                    if _evaluates_annotations(code):
                        self._watch_evaluations(code, path)
                        return self._evaluate(code)
                    append(code)
                    set_local_events(tool, code, events)
            except Exception as error:  # it would be raised in the function that starts
                self.fail(error)
            return disable

        return started

    def _watch_evaluations(self, code: CodeType, path: str) -> None:
        monitoring = sys.monitoring
        events = monitoring.events
        if not self._annotating:
            monitoring.register_callback(self._discover, events.PY_RETURN, self._evaluated)
            # There is no such event for one code object only.
            monitoring.register_callback(self._discover, events.PY_UNWIND, self._evaluated)
            monitoring.set_events(self._discover, events.PY_START | events.PY_RESUME | events.PY_UNWIND)
        self._annotating[_identity(code)] = (code, path)
        monitoring.set_local_events(self._discover, code, events.PY_RETURN)

    def _evaluate(self, code: CodeType) -> None:
        token = self._begin(self._annotating[_identity(code)][1])
        if token is None:
            self._touched.append(code)
        else:
            # The code itself is part of the module level, which whoever took it over has as a dependency anyway.
            self._evaluating.append((code, threading.get_ident(), token))

    def _evaluated(self, code: CodeType, _offset: int, _result: object) -> None:
        evaluating = self._evaluating
        if not evaluating or _identity(code) not in self._annotating:
            return
        thread = threading.get_ident()
        for index in range(len(evaluating) - 1, -1, -1):
            if evaluating[index][0] is code and evaluating[index][1] == thread:
                self._end(evaluating.pop(index)[2])
                return

    def _on_throw(self, code: CodeType, _offset: int, _exception: BaseException) -> None:
        if _identity(code) in self._known:
            self._touched.append(code)


def _evaluates_annotations(code: CodeType) -> bool:
    """True for what evaluates annotations, bounds of type parameters and values of type aliases, outside of functions.

    The values are kept for whoever asks later on. Within a function they belong to what that call of it made.
    """
    lazy = code.co_name == "__annotate__" or code.co_varnames[:1] == (".format",)
    return lazy and "<locals>" not in code.co_qualname
