"""Threads that outlive the test which started them: what they do counts for every test until they end.

What such a thread calls *anew* is seen in the slices of the tests that run meanwhile. The functions that it is in the
middle of are not: while there are any, the tests also use a context that holds everything the earlier test touched. A
thread that only waits in foreign code (an idle pool, a plugin's server) needs no such thing, but is looked at again.
"""

import sys
import threading
import weakref
from typing import Callable, List, Set, Tuple

from .contexts import Context, Contexts
from .registry import Registry

_GRACE_S = 0.01


class Threads:
    """Who is responsible for the threads that run."""

    def __init__(self, registry: Registry, contexts: Contexts, note: Callable[[str, str], None]) -> None:
        self._registry = registry
        self._contexts = contexts
        self._note = note
        self._noted = False
        # Threads of the session and of wide fixtures: who uses those depends on what they run already.
        self._owned: "weakref.WeakSet[threading.Thread]" = weakref.WeakSet(_running())
        # Threads that a test left running.
        self._loose: "weakref.WeakSet[threading.Thread]" = weakref.WeakSet()
        # Those of them that were in the middle of project code, and what the test depended on.
        self._lingering: List[Tuple[threading.Thread, Context]] = []

    def adopt(self) -> None:
        """Threads that are new belong to the session or the wide fixture that was just set up, not to a test."""
        for thread in _running():
            if thread not in self._loose:
                self._owned.add(thread)

    def begin_test(self, test: Context) -> None:
        """A test starts: it uses what lingers."""
        self.adopt()
        if self._lingering:
            self._lingering = [(thread, context) for thread, context in self._lingering if thread.is_alive()]
            for _, context in self._lingering:
                test.use(context)

    def end_test(self, test: Context) -> None:
        """Find what the test left running. Its own dependencies must be complete by now."""
        for thread in _running():
            if thread in self._owned:
                continue
            self._loose.add(thread)
            if any(thread is other for other, _ in self._lingering) or not self._is_in_project_code(thread):
                continue
            thread.join(_GRACE_S)  # perhaps it is just ending
            if not thread.is_alive():
                continue
            context = self._contexts.new_shared("thread::%s" % test.name)
            context.absorb(test)
            self._lingering.append((thread, context))
            if not self._noted:
                self._noted = True
                message = "%s leaves the thread %s running: it counts for every test until it ends"
                self._note(message % (test.name, thread.name), "thread-outlives-test")

    def _is_in_project_code(self, thread: threading.Thread) -> bool:
        frame = sys._current_frames().get(thread.ident or 0)
        while frame is not None:
            if self._registry.project_path(frame.f_code.co_filename) is not None:
                return True
            frame = frame.f_back
        return False


def _running() -> "Set[threading.Thread]":
    if threading.active_count() == 1:
        return set()
    return {thread for thread in threading.enumerate() if thread is not threading.current_thread()}
