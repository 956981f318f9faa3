"""What the process as a whole has, and a test may leave changed: its current directory and its search path.

Everybody meets these, whatever he does. So each test that begins while they are not what they were before the first one
depends on the test that changed them last.
"""

import os
import sys
from typing import Any, Dict, List, Optional

from .content import real
from .contexts import Context
from .leavings import Leavings
from .registry import Registry


class Surroundings:
    """Who has changed what all tests meet."""

    def __init__(self, registry: Registry, leavings: Leavings) -> None:
        self._registry = registry
        self._leavings = leavings
        self._first: Optional[Dict[str, Any]] = None
        self._last: Dict[str, Any] = {}
        self._makers: Dict[str, Context] = {}
        # The search path as it was last, and what is the project's of it.
        self._entries: Optional[List[Any]] = None
        self._path: List[str] = []

    def begin_test(self, test: Context) -> None:
        """What is there now, the test finds."""
        if self._first is None:
            self._first = self._last = self._present()
        for maker in self._makers.values():
            self._leavings.find(test, maker)

    def end_test(self, test: Context) -> None:
        """The test has run: does it leave anything as it was not?"""
        now = self._present()
        if now == self._last or self._first is None:
            return
        for name, value in now.items():
            if value == self._first[name]:
                self._makers.pop(name, None)
            elif value != self._last[name]:
                self._makers[name] = test
        self._last = now

    def _present(self) -> Dict[str, Any]:
        try:
            directory = real.getcwd()
        except OSError:  # it is there no more
            directory = ""
        if sys.path != self._entries:
            self._entries = list(sys.path)
            # What an installed package adds for itself leads to installed ones.
            entries = [str(entry) for entry in sys.path]
            self._path = [entry for entry in entries if not self._registry.is_foreign(os.path.join(entry, ""))]
        return {"directory": directory, "path": self._path}
