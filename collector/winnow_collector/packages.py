"""Which installed packages somebody uses, as far as the engine cannot read it from import statements.

The engine knows what the project's own import statements name. Here it learns of the rest: of names that are asked
for at run time, of what pytest and its plugins load, of what one installed package imports of another, of files in
them that the project opens itself, and of distributions that are asked for by name (`importlib.metadata`).

A package is loaded once, and only its first importer is seen. So what is not explained by somebody's own statements is
an input of the session, and thus of everybody: too much, never too little.
"""

import functools
import os
import sys
import sysconfig
from types import FrameType
from typing import Any, Callable, Dict, FrozenSet, List, Optional, Sequence, Tuple

from .callers import Callers, disguised
from .content import real
from .contexts import Contexts
from .registry import INSTALLED, Registry

_ALL = "*"
# Functions of the collector that ask on somebody's behalf and have taken note of what is asked for.
_ASKING = frozenset(("_import", "by_name", "import_or_skip", "importorskip"))


class Packages:
    """Takes note of what is loaded and asked for."""

    def __init__(
        self, registry: Registry, contexts: Contexts, callers: Callers, fail: Callable[[BaseException], None]
    ) -> None:
        self._registry = registry
        self._contexts = contexts
        self._callers = callers
        self._fail = fail
        self._standard = _standard_names()
        # Names, and who wanted them if that was an installed package, of which it must yet be seen whose they are.
        self._pending: Dict[Tuple[str, Optional[str]], None] = {}
        self._undo: List[Tuple[Any, str, Any]] = []
        self._watched: List[Any] = []

    def start(self) -> None:
        """What is loaded already concerns everybody."""
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if "." not in name and isinstance(path, str) and package_of(path) is not None:
                self._contexts.session.add_input("package", name)

    def watch(self) -> None:
        """Notice who asks for distributions by name, once the module for that is loaded; and pytest's way to import."""
        try:
            metadata = sys.modules.get("importlib.metadata")
            if metadata is not None and metadata not in self._watched:
                self._watched.append(metadata)
                owner: Any = metadata.Distribution
                for name in ("from_name", "discover"):
                    self._replace(owner, name, classmethod(self._noted(vars(owner)[name].__func__)))
            pytest, outcomes = sys.modules.get("pytest"), sys.modules.get("_pytest.outcomes")
            if pytest is not None and outcomes is not None and pytest not in self._watched:
                self._watched.append(pytest)
                replacement = self._importing(outcomes.importorskip)
                for module in (pytest, outcomes):
                    self._replace(module, "importorskip", replacement)
        except Exception as error:
            self._fail(error)

    def restore(self) -> None:
        """Put everything back."""
        while self._undo:
            setattr(*self._undo.pop())

    def named(self, name: str) -> None:
        """The current context asks for a module by name, loaded or not."""
        top = name.partition(".")[0]
        if top and top not in self._standard and not self._is_of_project(top):
            self._contexts.current.add_input("package", top)

    def sought(self, name: str, frame: Optional[FrameType]) -> None:
        """The import system looks for a module that is not loaded yet. Who wants it?"""
        top = name.partition(".")[0]
        if top in self._standard:
            return
        asked = False
        while frame is not None:
            code = frame.f_code
            kind = self._callers.kind(code.co_filename)
            if code.co_name in _ASKING and kind in ("collector", "import", "pytest"):
                asked = True
            elif kind == "installed":
                importer = package_of(code.co_filename)
                if importer != top:
                    self._pending[top, importer] = None
                return
            elif kind == "other":
                if not asked and not self._is_statement(frame, top):
                    break
                return
            elif kind not in ("import", "stdlib", "metadata", "collector"):
                break
            frame = frame.f_back
        self._pending[top, None] = None

    def settle(self) -> None:
        """What was looked for is loaded by now, or not there: modules of the project are no packages."""
        pending, self._pending = self._pending, {}
        for name, importer in pending:
            if self._is_of_project(name):
                continue
            if importer is None:
                self._contexts.session.add_input("package", name)
            else:
                self._contexts.session.add_input("edge", "%s>%s" % (importer, name))

    def opened(self, path: str, frame: Optional[FrameType]) -> None:
        """A file below an installed package, or of what describes it, is opened."""
        name = package_of(path)
        if name is None or ("package", name) in self._contexts.current.inputs or "__pycache__" in path:
            return
        if self._callers.first_outside(frame) == "other" and not self._callers.is_import_system(frame):
            self._contexts.current.add_input("package", name)

    def _asked(self, args: Sequence[Any], named: Any) -> None:
        """A distribution is asked for by its name, or all of them are."""
        name = args[0] if args else named.get("name", getattr(named.get("context"), "name", None))
        what = "dist %s" % name if isinstance(name, str) and name else _ALL
        frame: Optional[FrameType] = sys._getframe(1)
        importer, importing = None, False
        while frame is not None:
            kind = self._callers.kind(frame.f_code.co_filename)
            if kind == "installed":
                importer = importer or package_of(frame.f_code.co_filename)
            elif kind == "other":
                break
            elif kind == "import" and importer is not None:
                importing = True
                break
            elif importer is None and kind not in ("stdlib", "metadata", "import", "collector"):
                return  # pytest and its plugins, for themselves: what they find concerns all tests anyway
            frame = frame.f_back
        if importing:
            # Libraries ask for their own version while they are imported.
            self._contexts.session.add_input("edge", "%s>%s" % (importer, what))
        else:
            self._contexts.current.add_input("package", what)

    def _is_of_project(self, top: str) -> bool:
        path = getattr(sys.modules.get(top), "__file__", None)
        return isinstance(path, str) and self._registry.project_path(path) is not None

    def _is_statement(self, frame: FrameType, top: str) -> bool:
        """Whether an import statement in a source of the project is what wants the name."""
        code = frame.f_code
        return (
            any(name.partition(".")[0] == top for name in code.co_names)
            and self._registry.project_path(code.co_filename) is not None
        )

    def _noted(self, original: Any) -> Any:
        def asked(cls: Any, *args: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            try:
                if self._undo:
                    self._asked(args, named)
            except Exception as error:
                self._fail(error)
            return original(cls, *args, **named)

        return disguised(asked)

    def _importing(self, original: Any) -> Any:
        @functools.wraps(original)
        def import_or_skip(modname: Any, *args: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            try:
                if isinstance(modname, str) and self._undo:
                    self.named(modname)
            except Exception as error:
                self._fail(error)
            return original(modname, *args, **named)

        return disguised(import_or_skip)

    def _replace(self, owner: Any, name: str, replacement: Any) -> None:
        self._undo.append((owner, name, vars(owner)[name]))
        setattr(owner, name, replacement)


def package_of(path: str) -> Optional[str]:
    """The top-level name below a directory of installed packages; `dist NAME` for what describes a distribution."""
    parts = path.split(os.sep)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] in INSTALLED:
            name = parts[index + 1]
            if name.endswith((".dist-info", ".egg-info")):
                return "dist %s" % name.rpartition(".")[0].partition("-")[0]
            return name.partition(".")[0]
    return None


def _standard_names() -> FrozenSet[str]:
    known = getattr(sys, "stdlib_module_names", None)
    if known is not None:  # since Python 3.10
        return frozenset(known)
    names = set(sys.builtin_module_names)
    for key in ("stdlib", "platstdlib"):
        directory = sysconfig.get_paths()[key]
        for path in (directory, os.path.join(directory, "lib-dynload")):
            try:
                names.update(name.partition(".")[0] for name in real.listdir(path))
            except OSError:
                continue
    return frozenset(names)
