"""Processes that `multiprocessing` starts without a fork: no audit event tells of those.

`spawn` and `forkserver` (the default on Linux since Python 3.14) go past `subprocess`. But every process object takes a
number from one counter of that module, whatever its start method, so a slice in which the counter moved has made one.
"""

import sys
from typing import Optional

from .contexts import Context

_NONE_YET = "count(1)"


class Processes:
    """Watches the counter."""

    def __init__(self) -> None:
        self._counter: Optional[str] = _NONE_YET

    def look(self, context: Context) -> None:
        """A slice of `context` ended."""
        module = sys.modules.get("multiprocessing.process")
        if module is not None:
            counter = repr(getattr(module, "_process_counter", None))
            if counter != self._counter:
                self._counter = counter
                context.add_opaque("child process: multiprocessing")
