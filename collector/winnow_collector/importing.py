"""Modules of the project as they are really loaded: which source ran, in which context, under which name.

What must stay true:
- The hash in a `module` frame is that of the source that ran; if that is not certain there is none.
- Every project module in `sys.modules` has a `module` frame or a `preloaded` one.
- A module's import context is used by whoever let it be imported, or asked for it by name later on.
"""

import builtins
import importlib.util
import os
import sys
from types import CodeType, FrameType, ModuleType
from typing import Any, Callable, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

from .callers import Callers
from .content import Contents, blob_sha, key_of, stat_file, state_at
from .contexts import Context, Contexts
from .packages import Packages
from .registry import Registry
from .search_path import SearchPath
from .tracing import SourceTransform

_HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_IMPORTLIB = os.path.join("importlib", "__init__.py")
# Code that mentions one of these may look at who stands between it and an error.
_TRACEBACKS = frozenset(
    "exc_info __traceback__ tb_next tb_frame traceback format_exc print_exc extract_tb walk_tb".split()
)


class Load:
    """One execution of a project module."""

    def __init__(self, imports: "Imports", path: str, rel: str, module: ModuleType) -> None:
        self.imports = imports
        self.path = path
        self.rel = rel
        self.module = module
        self.context = imports.contexts.new("import", rel)
        self.before = stat_file(path)
        self.source: Optional[bytes] = None
        self.sha: Optional[str] = None
        # Whether Python's own way to the code might not lead to this source.
        self.compile_here = False
        # Whether the module's code came to its end.
        self.succeeded = False
        # What the process shared before a conftest ran; None for other modules.
        self.surroundings: Optional[tuple] = None
        if self.before is not None:
            self.source = imports.contents.read(path)
            self.sha = blob_sha(self.source)

    def end(self) -> None:
        """The module's code has run, or failed."""
        self.imports.end(self)


class Imports:
    """What was imported. `frames` collects what the journal is to be told."""

    def __init__(
        self,
        registry: Registry,
        contexts: Contexts,
        contents: Contents,
        loaded: "Callable[[Load], None]",
        transform: Optional[SourceTransform],
        packages: Packages,
        callers: Callers,
        fail: Callable[[BaseException], None],
    ) -> None:
        self.packages = packages
        self._callers = callers
        self.registry = registry
        self.contexts = contexts
        self.contents = contents
        self.transform = transform
        self.fail = fail
        self.frames: List[dict] = []
        # Modules being executed right now, by file.
        self.loading: Dict[str, Load] = {}
        # True from the start of collection: what is imported by then concerns the whole session.
        self.collecting = False
        self.active = False
        self._loaded = loaded
        # Called when a module is about to be executed.
        self.begun: Callable[[Load], None] = lambda load: None
        # Called when a module that is none of the project's was executed.
        self.foreign: Callable[[ModuleType], None] = lambda module: None
        # conftests that concern only what lies below their directory: (directory, context).
        self._conftests: List[Tuple[str, Context]] = []
        self._contexts: Dict[str, Context] = {}
        # The same contexts by project path; of several modules made from one file, the latest.
        self._contexts_of_files: Dict[str, Context] = {}
        self._executed: Set[str] = set()
        # Project paths of modules that came to their end, and of those that did not.
        self._succeeded: Set[str] = set()
        self._failed: Set[str] = set()
        # The file that Python was started with: when it has run, its module does not say so any more.
        self.script: Optional[str] = None
        # Contents by project path; None where it is not known which ran.
        self._loaded_sources: Dict[str, Optional[str]] = {}
        self._seen: Set[str] = set()
        self._module_count = -1
        self.search_path = SearchPath()
        self._finder = _NameFinder(self)
        self._asking = _Asking(self)

    def start(self) -> None:
        """Announce what is loaded already, and write down the names that are looked for from now on."""
        self.active = True
        self.find_unseen()
        for name in list(sys.modules):
            if "." not in name:
                self.sought(name, None)
        sys.meta_path.insert(0, self._finder)

    def stop(self) -> None:
        """Notice nothing more. Perhaps called while a name is looked for: then the finders must stay where they are."""
        self.active = False

    def leave(self) -> None:
        """Leave nothing behind. No name may be looked for meanwhile."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)

    def release(self) -> None:
        """Nothing is recorded any more: forget who imported what."""
        self._contexts.clear()
        self._contexts_of_files.clear()
        self._conftests.clear()

    def sought(self, name: str, path: Optional[Sequence[str]], frame: Optional[FrameType] = None) -> None:
        """The import system looks for a name (below the packages' directories `path`), on behalf of `frame`."""
        if "." in name and (path is None or all(self.registry.is_foreign(directory) for directory in path)):
            return
        self._asker(frame).add_input("import", name)

    def _asker(self, frame: Optional[FrameType]) -> Context:
        """Whom a name concerns that is looked for: everybody, unless the project's own code asks.

        Whoever else has such an import statement depends on its names as well: the engine reads them. But what other
        packages import of each other, only the first of their users is seen to cause.
        """
        current = self.contexts.current
        if current.kind == "file":
            return current  # pytest imports a test file
        while frame is not None and _is_import_system(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is not None and self.registry.project_path(frame.f_code.co_filename) is not None:
            return current
        return self.contexts.session

    def _is_for_library(self, frame: Optional[FrameType]) -> bool:
        """Whether code that nobody here reads gets the module, and may look up anything in it, as in settings."""
        frame = self._callers.outside(frame)
        while frame is not None and frame.f_code.co_filename.startswith("<"):  # code made of a text: who runs it?
            frame = self._callers.outside(frame.f_back)
        if frame is None:
            return False
        kind = self._callers.kind(frame.f_code.co_filename)
        is_unknown = kind == "other" and self.registry.project_path(frame.f_code.co_filename) is None
        return is_unknown or kind in ("installed", "plugin")

    def use(self, name: Any, package: Optional[str]) -> None:
        """The current context asks for a module by name, loaded already or not."""
        if not self.active or not isinstance(name, str):
            return
        try:
            if name.startswith("."):
                if not package:
                    return
                name = importlib.util.resolve_name(name, package)
            current = self.contexts.current
            self.packages.named(name)
            parts = name.split(".")
            for count in range(1, len(parts) + 1):
                part = ".".join(parts[:count])
                current.add_input("import", part)
                context = self._contexts.get(part)
                if context is not None:
                    current.use(context)
                    if part == name and self._is_for_library(sys._getframe(1)):
                        current.add_input("module", context.name)
        except (ImportError, ValueError):  # beyond the top: the latter before Python 3.9
            pass
        except Exception as error:
            self.fail(error)

    def _import(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        """What `__import__` is in modules that call it: they ask for modules by name, loaded already or not."""
        __tracebackhide__ = True
        try:
            return builtins.__import__(name, globals, locals, fromlist, level)
        finally:
            try:
                package = globals["__package__"] if level else None
                asked = "." * level + name
                self.use(asked, package)
                for member in fromlist or ():
                    self.use(asked + ("" if asked.endswith(".") else ".") + member, package)
            except (TypeError, KeyError):  # Python has refused such arguments by now, in its own words
                pass

    def use_all(self) -> None:
        """The current context may ask for any module that is loaded."""
        current = self.contexts.current
        for context in list(self._contexts.values()):
            current.use(context)
        current.add_input("package", "*")

    def import_for(self, code: CodeType) -> Callable[..., Any]:
        """What `__import__` is in such a module for a piece of its code.

        Code that looks at tracebacks gets Python's own, so that no frame stands in between: flask tells a module that
        is not there from one that fails by that. What it asks for is not seen then, and may be anything.
        """
        if not self.active or _TRACEBACKS.isdisjoint(code.co_names):
            return self._import
        try:
            self.use_all()
        except Exception as error:
            self.fail(error)
        return builtins.__import__

    def borrowed(self, path: str) -> None:
        """Somebody takes a module's code without loading the module: the whole file is an input of theirs."""
        if not self.active or path in self.loading:
            return
        try:
            if self.registry.project_path(path) is not None:
                result = stat_file(path)
                self.contexts.current.reads.setdefault(path, None if result is None else key_of(result))
        except Exception as error:
            self.fail(error)

    def begin(self, path: Any, module: ModuleType) -> Optional[Load]:
        """A module is about to be executed; None if nobody need know."""
        if not self.active or not isinstance(path, str):
            return None
        try:
            rel = self.registry.project_path(path)
            if rel is None:
                return None
            load = Load(self, path, rel, module)
            parent = self.contexts.current
            if self.collecting and parent is self.contexts.session and os.path.basename(rel) == "conftest.py":
                load.surroundings = _surroundings()
            else:
                parent.use(load.context)
            name = module.__name__
            load.context.add_input("import", name)
            self._add_bringer(load.context, path, name)
            if self._is_for_library(sys._getframe(1)):
                load.context.add_input("module", rel)
                # What the library makes of it, it may keep for whoever comes next.
                self.contexts.session.use(load.context)
            self._contexts[name] = self._contexts_of_files[rel] = load.context
            self._executed.add(path)
            self.loading[path] = load
            if load.source is not None and b"__import__(" in load.source:
                # For this module's own calls alone: import statements do not look for the name among its globals.
                vars(module).setdefault("__import__", self._asking)
            self.contexts.enter(load.context)
            self.begun(load)
            return load
        except Exception as error:
            self.fail(error)
            return None

    def _add_bringer(self, context: Context, path: str, name: str) -> None:
        self.search_path.loading(path)
        bringer = self.search_path.bringer_of(path, name)
        if bringer is not None:
            context.add_input("exists", self.registry.relative(bringer), "f")
            # In a package it would bring another directory.
            package = os.path.join(os.path.dirname(bringer), "__init__.py")
            context.add_input("exists", self.registry.relative(package), state_at(package))

    def executed(self, module: ModuleType) -> None:
        """A module that nobody need know of was executed."""
        try:
            self.foreign(module)
        except Exception as error:
            self.fail(error)

    def end(self, load: Load) -> None:
        """A module's code has run, or failed."""
        try:
            self.contexts.leave(load.context)
            self.loading.pop(load.path, None)
            if not self.active:
                return
            after = stat_file(load.path)
            before = load.before
            if before is None or after is None or key_of(before) != key_of(after):
                load.sha = None
            elif load.sha is not None:
                self.contents.remember(load.path, key_of(before), load.sha)
            self._loaded_sources[load.rel] = load.sha
            (self._succeeded if load.succeeded else self._failed).add(load.rel)
            if not load.succeeded:
                # Somebody may live without it: whatever makes it succeed, or fail elsewhere, is another thing to them.
                load.context.add_input("module", load.rel, "failed")
            if load.surroundings is not None:
                self._end_conftest(load, load.surroundings)
            stat = before or after
            frame = {
                "k": "module",
                "file": self.registry.file_id(load.rel),
                "name": load.module.__name__,
                "package": getattr(load.module, "__package__", None),
                "sha": load.sha,
                "ctx": load.context.id,
                "stat": [str(part) for part in key_of(stat)] if stat is not None else [],
            }
            # Code that is executed in a namespace finds the builtins put there: without them it did not compile.
            if load.source is not None and "__builtins__" not in vars(load.module):
                frame["ran"] = False
            self.frames.append(frame)
            self._loaded(load)
        except Exception as error:
            self.fail(error)

    def has_succeeded(self, rel: str) -> bool:
        """Whether a module of the project was executed to its end, once at least."""
        return rel in self._succeeded

    def failed(self) -> FrozenSet[str]:
        """Modules of the project that did not come to their end."""
        return frozenset(self._failed)

    def announce_main(self) -> None:
        """The module that the process was started with has run, past the loaders. Its source was read as a file.

        What other code mentions (`-c`, a script that a test wrote) is not known, nor is what ran of this one where that
        takes a transform of the loader's: then all of each file loaded counts.
        """
        session = self.contexts.session
        main = sys.modules.get("__main__")
        path = self.script or getattr(main, "__file__", None)
        rel = self.registry.project_path(os.path.abspath(path)) if isinstance(path, str) else None
        seen = session.inputs.get(("file", rel or ""))
        if main is None or rel is None or seen is None or self.transform is not None:
            for loaded, sha in self._loaded_sources.items():
                if sha is None:
                    session.change_input(loaded)
                else:
                    session.add_input("file", loaded, sha)
            return
        context = self.contexts.new("import", rel)
        session.use(context)
        frame = {"k": "module", "file": self.registry.file_id(rel), "name": "__main__", "sha": seen[2]}
        self.frames.append(dict(frame, package=getattr(main, "__package__", None), ctx=context.id, stat=[]))

    def begin_annotations(self, rel: str) -> Optional[Context]:
        """Annotations of a module are about to be evaluated, and kept: on behalf of its import, whoever asks for them.

        Whoever finds the values ready runs nothing of what made them, but has imported the module.
        """
        context = self._contexts_of_files.get(rel)
        if not self.active or context is None:
            return None
        try:
            current = self.contexts.current
            # pytest looks at what a conftest has when it loads it; whom that concerns is decided elsewhere.
            if current is not self.contexts.session:
                current.use(context)
            self.contexts.enter(context)
            return context
        except Exception as error:
            self.fail(error)
            return None

    def end_annotations(self, context: Context) -> None:
        """They are evaluated, or failed."""
        try:
            self.contexts.leave(context)
        except Exception as error:
            self.fail(error)

    def conftests_above(self, rel: str) -> List[Context]:
        """Import contexts of the conftests, loaded during collection, that concern this file."""
        return [context for directory, context in self._conftests if not directory or rel.startswith(directory + "/")]

    def find_unseen(self) -> None:
        """Announce project modules that were loaded by nothing this watches: everybody depends on their whole files."""
        if len(sys.modules) == self._module_count:
            return
        self._module_count = len(sys.modules)
        for name, module in list(sys.modules.items()):
            if name in self._seen:
                continue
            self._seen.add(name)
            path = getattr(module, "__file__", None)
            if not isinstance(path, str) or path in self._executed or path in self.loading:
                continue
            rel = self.registry.project_path(path)
            if rel is not None:
                self._executed.add(path)
                result = stat_file(path)
                sha = self.contents.sha(path, key_of(result)) if result is not None else None
                self.frames.append({"k": "preloaded", "file": self.registry.file_id(rel), "sha": sha})

    def _end_conftest(self, load: Load, before: tuple) -> None:
        # What a conftest of a subdirectory does concerns the files below it, unless it reaches further: through hooks
        # (pytest calls some of them for the whole session) or through what the whole process shares.
        names = [name for name in vars(load.module) if name.startswith("pytest_")]
        if names or _has_changed(before):
            self.contexts.session.use(load.context)
        self._conftests.append((os.path.dirname(load.rel), load.context))


def _is_import_system(filename: str) -> bool:
    return filename.startswith("<frozen importlib") or filename.endswith(_IMPORTLIB) or filename.startswith(_HERE)


class _Choice:
    """How an object is called: this is asked before, and returns to whoever calls without a frame of its own."""

    def __get__(self, asking: "Optional[_Asking]", owner: Any = None) -> Any:
        return self if asking is None else asking.imports.import_for(sys._getframe(1).f_code)


class _Asking:
    """What `__import__` is in modules that call it."""

    __slots__ = ("imports",)

    def __init__(self, imports: Imports) -> None:
        self.imports = imports

    __call__ = _Choice()


class _NameFinder:
    """Stands first on `sys.meta_path`, finds nothing, and writes down what is looked for."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if not self._imports.active:
            return
        try:
            self._imports.sought(fullname, None if path is None else list(path), sys._getframe(1))
            self._imports.packages.sought(fullname, sys._getframe(1))
        except Exception as error:
            self._imports.fail(error)


def _surroundings() -> tuple:
    """What a conftest can change for files outside of its directory, as far as it can be seen."""
    # The raw contents of os.environ: decoding all of them for each conftest would be dear.
    return (list(sys.path), dict(getattr(os.environ, "_data", os.environ)), os.getcwd(), dict(sys.modules))


def _has_changed(before: tuple) -> bool:
    path, environment, directory, modules = before
    now = _surroundings()
    if (path, environment, directory) != now[:3]:
        return True
    # A module that no loader made: put there by hand, for everybody to find. Or one put there and taken away again.
    new = [module for name, module in now[3].items() if modules.get(name, now) is not module]
    gone = [module for name, module in modules.items() if now[3].get(name, now) is not module]
    return any(getattr(module, "__spec__", None) is None for module in new + gone)
