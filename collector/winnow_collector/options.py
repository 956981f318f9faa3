"""Options of pytest's that choose among tests, where the project's own code asks for them.

The engine takes `-k`, `-m` and paths to make no difference to what a test does. They make one where a project asks for
them: tests that are skipped unless `-m` names them. Who asks depends on what was typed.
"""

import copyreg
import os
import sys
from types import FrameType
from typing import Any, Callable, Dict, Optional

from .contexts import Contexts
from .registry import Registry

# The engine gives these values among those of the environment variables, of which none can have such a name.
SELECTION = "pytest's selection"
PATHS = "pytest's paths"
_NAMES = {"markexpr": SELECTION, "keyword": SELECTION, "file_or_dir": PATHS}
_GETTERS = ("getoption", "getvalue", "getvalueorskip")


class Options:
    """Watches the namespace that pytest keeps its options in."""

    def __init__(self, registry: Registry, contexts: Contexts, fail: Callable[[BaseException], None]) -> None:
        self._registry = registry
        self._contexts = contexts
        self._fail = fail
        self._namespace: Any = None
        self._original: Any = None

    def watch(self, namespace: Any) -> None:
        """From now on; the values stay where they are, in the instance."""
        original = self._original = type(namespace)
        self._namespace = namespace

        def reduce(watched: Any, protocol: Any) -> Any:
            # Copies are what they would be.
            return copyreg.__newobj__, (original,), dict(vars(watched))  # type: ignore[attr-defined]

        members: Dict[str, Any] = {name: self._watched(name, key) for name, key in _NAMES.items()}
        namespace.__class__ = type(original.__name__, (original,), dict(members, __reduce_ex__=reduce))

    def stop(self) -> None:
        """The namespace is what it was."""
        if self._namespace is not None:
            self._namespace.__class__ = self._original
            self._namespace = None

    def _watched(self, name: str, key: str) -> property:
        def get(namespace: Any) -> Any:
            try:
                if self._is_of_project(sys._getframe(1)):
                    self._contexts.current.add_input("env", key)
            except Exception as error:
                self._fail(error)
            try:
                return vars(namespace)[name]
            except KeyError:
                raise AttributeError(name) from None

        def put(namespace: Any, value: Any) -> None:
            vars(namespace)[name] = value

        def remove(namespace: Any) -> None:
            try:
                del vars(namespace)[name]
            except KeyError:
                raise AttributeError(name) from None

        return property(get, put, remove)

    def _is_of_project(self, frame: Optional[FrameType]) -> bool:
        while frame is not None and frame.f_code.co_name in _GETTERS and "_pytest" in frame.f_code.co_filename:
            frame = frame.f_back
        if frame is None:
            return False
        path = os.path.abspath(frame.f_code.co_filename)
        return self._registry.project_path(path) is not None
