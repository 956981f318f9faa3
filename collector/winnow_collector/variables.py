"""Variables of the process's environment as inputs: which of them somebody asked for.

`os.environ` stays the object that it is. Its methods pass every name through two functions that it holds (`encodekey`
on the way in, `decodekey` on the way out of an iteration), and those are replaced by ones that take note: no type
changes, no method, and no traceback gains a line. `os.environb` holds two of its own.

What must stay true:
- An input is the name alone. The engine knows what the process was started with; no value leaves this process.
- A variable that the process has set itself is no input: whoever reads it depends on who set it.
- What pytest, its plugins and the collector read is nobody's input. What an installed module reads while it is being
  imported is everybody's: it is imported only once.

What is not seen: `len(os.environ)`, and whoever asks below Python.
"""

import os
import sys
from types import FrameType
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from .callers import Callers
from .contexts import Context, Contexts
from .leavings import Leavings

# Everything but what the engine leaves out, and what names a proxy: `urllib` goes through all names to find those.
ALL = "*"
PROXIES = "*_proxy"
# Set and taken away by pytest around each phase of each test. By type: with `-bb` Python refuses to compare the two.
_PASSING: Dict[type, Any] = {str: "PYTEST_CURRENT_TEST", bytes: b"PYTEST_CURRENT_TEST"}
_SET = os._Environ.__setitem__.__code__
_DELETE = os._Environ.__delitem__.__code__


class Variables:
    """The replaced functions, and what they have noted."""

    def __init__(
        self, contexts: Contexts, callers: Callers, leavings: Leavings, fail: Callable[[BaseException], None]
    ) -> None:
        self._contexts = contexts
        self._callers = callers
        self._leavings = leavings
        self._fail = fail
        self._active = False
        self._undo: List[Tuple[Any, str, Any, Any]] = []
        self._data: Dict[Any, Any] = {}
        # What the process was started with; both as the system has it.
        self._started: Dict[Any, Any] = {}
        # Names that an iteration gave out: a copy asks for the value of each once, and wants none in particular.
        self._given: Set[Any] = set()
        # Who has set or removed a variable last.
        self._writers: Dict[Any, Context] = {}

    def start(self) -> None:
        """Take note from now on."""
        self._data = os.environ._data  # type: ignore[attr-defined]
        self._started = dict(self._data)
        self._active = True
        for environ in (os.environ, getattr(os, "environb", None)):
            if environ is not None:
                self._replace(environ, "encodekey", self._encoder(environ.encodekey))
                self._replace(environ, "decodekey", self._decoder(environ.decodekey))

    def stop(self) -> None:
        """Put back what was replaced. Copies of `os.environ` may keep it: it does nothing more."""
        self._active = False
        while self._undo:
            environ, name, original, ours = self._undo.pop()
            if getattr(environ, name, None) is ours:
                setattr(environ, name, original)

    def hand_on(self, context: Context) -> None:
        """All variables reach `context`, or a process that it starts: it depends on who has set them."""
        for key, writer in list(self._writers.items()):
            if self._data.get(key) != self._started.get(key):
                self._leavings.find(context, writer)

    def removed(self) -> List[str]:
        """Variables that the session has taken out before any test: no test, and no child process of one, sees them."""
        session = self._contexts.session
        gone = [key for key in self._started if key not in self._data and self._writers.get(key) is session]
        return sorted(name for name in map(os.fsdecode, gone) if not name.startswith("WINNOW_"))

    def _replace(self, environ: Any, name: str, ours: Any) -> None:
        self._undo.append((environ, name, getattr(environ, name), ours))
        setattr(environ, name, ours)

    def _encoder(self, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def encode(key: Any) -> Any:
            __tracebackhide__ = True
            encoded = original(key)
            if self._active and key != _PASSING.get(type(key)):
                try:
                    self._named(encoded, sys._getframe(1))
                except Exception as error:
                    self._fail(error)
            return encoded

        return encode

    def _decoder(self, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def decode(key: Any) -> Any:
            __tracebackhide__ = True
            if self._active:
                try:
                    self._given.add(key)
                    self._listed(sys._getframe(1))
                except Exception as error:
                    self._fail(error)
            return original(key)

        return decode

    def _named(self, key: Any, method: FrameType) -> None:
        """A variable is asked for, set or removed, by name."""
        code = method.f_code
        if code is not _SET:
            self._asked(key, method.f_back)
        if code is _SET or code is _DELETE:
            self._writers[key] = self._contexts.current

    def _asked(self, key: Any, frame: Optional[FrameType]) -> None:
        context, session = self._contexts.current, self._contexts.session
        name = os.fsdecode(key)
        if key in self._given:
            self._given.discard(key)
            if ("env", ALL) in session.inputs or ("env", ALL) in context.inputs:
                return
        if self._data.get(key) == self._started.get(key):
            if ("env", name) in session.inputs or ("env", name) in context.inputs:
                return
            reader = self._callers.asks_for_variable(frame)
            if reader in ("session", "current") or (reader == "proxies" and _is_of_proxies(name)):
                (session if reader == "session" else context).add_input("env", name)
            return
        writer = self._writers.get(key)
        if writer is context or self._callers.asks_for_variable(frame) == "nobody":
            return
        if writer is None:
            context.add_opaque("the variable %s, which something unseen has changed" % name)
        else:
            self._leavings.find(context, writer)

    def _listed(self, method: FrameType) -> None:
        """All variables are asked for."""
        context, session = self._contexts.current, self._contexts.session
        if ("env", ALL) in session.inputs or ("env", ALL) in context.inputs:
            return
        reader = self._callers.asks_for_variable(method.f_back)
        if reader == "nobody":
            return
        (session if reader == "session" else context).add_input("env", PROXIES if reader == "proxies" else ALL)
        if reader != "proxies":
            self.hand_on(context)


def _is_of_proxies(name: str) -> bool:
    return name == "REQUEST_METHOD" or name.lower().endswith("_proxy")
