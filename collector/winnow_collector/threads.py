"""Threads that outlive the test which started them: what they do counts for every test until they end.

What such a thread runs *anew* is seen in the slices of the tests that run meanwhile. What it runs since its start is
not: so these tests also use a context that holds everything the starting test touched.
"""

import threading
from typing import Callable, List, Set, Tuple

from .contexts import Context, Contexts

_GRACE_S = 0.01


class Threads:
    """Threads by the context that started them."""

    def __init__(self, contexts: Contexts, note: Callable[[str, str], None]) -> None:
        self._contexts = contexts
        self._note = note
        self._noted = False
        self._known: Set[threading.Thread] = _running()
        # Threads that outlived their test, and what that test depended on.
        self._lingering: List[Tuple[threading.Thread, Context]] = []

    def settle(self) -> None:
        """Threads that run by now were not started by the test that comes, or belong to a fixture."""
        self._known = _running()

    def begin_test(self, test: Context) -> None:
        """Tests use what lingers."""
        if self._lingering:
            self._lingering = [(thread, context) for thread, context in self._lingering if thread.is_alive()]
            for _, context in self._lingering:
                test.use(context)

    def end_test(self, test: Context) -> None:
        """Find what the test left running. Its own dependencies must be complete by now."""
        if threading.active_count() == 1:
            return
        for thread in _running() - self._known:
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


def _running() -> "Set[threading.Thread]":
    if threading.active_count() == 1:
        return set()
    return {thread for thread in threading.enumerate() if thread is not threading.current_thread()}
