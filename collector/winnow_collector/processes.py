"""Processes that `multiprocessing` starts without a fork: no audit event tells of those.

`spawn` and `forkserver` (the default on Linux since Python 3.14) go past `subprocess`. But every process object takes a
number from one counter of that module, whatever its start method, so a slice in which the counter moved has made one.

Interpreters beside this one (`concurrent.interpreters`, Python 3.14) are seen as little: neither the tracer nor the
audit hook is told what they do. So whoever runs code in one is noticed at the functions that do it.
"""

import functools
import sys
from typing import Any, Callable, List, Optional, Tuple

from .contexts import Context, Contexts

_NONE_YET = "count(1)"
_RUNNING = ("call", "exec", "run_func", "run_string")


class Processes:
    """Watches the counter, and the functions."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        self._counter: Optional[str] = _NONE_YET
        self._undo: List[Tuple[Any, str, Any]] = []

    def watch(self) -> None:
        """Notice code that runs in other interpreters."""
        if sys.version_info < (3, 14):
            return
        try:
            import _interpreters
        except ImportError:  # built without
            return
        for name in _RUNNING:
            original = getattr(_interpreters, name, None)
            if original is not None:
                self._undo.append((_interpreters, name, original))
                setattr(_interpreters, name, self._noticed(original))

    def restore(self) -> None:
        """Put everything back."""
        while self._undo:
            setattr(*self._undo.pop())

    def _noticed(self, original: Callable[..., Any]) -> Any:
        @functools.wraps(original)
        def run(*args: Any, **named: Any) -> Any:
            self._contexts.current.add_opaque("another interpreter")
            return original(*args, **named)

        return run

    def look(self, context: Context) -> None:
        """A slice of `context` ended."""
        module = sys.modules.get("multiprocessing.process")
        if module is not None:
            counter = repr(getattr(module, "_process_counter", None))
            if counter != self._counter:
                self._counter = counter
                context.add_opaque("child process: multiprocessing")
