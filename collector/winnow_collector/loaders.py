"""Wraps the loaders' `exec_module` on the class, so that every way of loading is seen.

The import statement, pytest's import modes and `spec.loader.exec_module` by hand all pass through here, while no
loader, spec or module looks any different to the project.

What must stay true:
- What runs is what was hashed: either the hashed bytes are compiled here, or Python's own way is known to be equal.
- Tracebacks and warnings look as without Winnow: the wrappers pass for frames of importlib, which both leave out.
"""

import functools
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import threading
from types import CodeType, ModuleType
from typing import Any, List, Optional, Tuple

from .bytecode import is_young, keep_bytecode, pyc_is_trustworthy, written_ns
from .callers import disguised
from .importing import Imports, Load

_SourceFileLoader = importlib.machinery.SourceFileLoader
_PLAIN_METHODS = ("get_code", "source_to_code", "get_data", "path_stats", "get_filename")


class Loaders:
    """The wrappers, and the way back."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports
        self._undo: List[Tuple[Any, str, Any]] = []

    def watch(self) -> None:
        """Wrap Python's loaders and the functions that import by name."""
        imports = self._imports
        self._patch(_SourceFileLoader, "exec_module", _source_exec(imports))
        self._patch(_SourceFileLoader, "get_code", _get_code(imports))
        for loader in (importlib.machinery.ExtensionFileLoader, importlib.machinery.SourcelessFileLoader):
            self._patch(loader, "exec_module", _binary_exec(imports, loader.exec_module))
        self._patch(importlib, "import_module", _by_name(imports, importlib.import_module))
        self._patch(importlib.util, "find_spec", _by_name(imports, importlib.util.find_spec))

    def watch_rewriting(self) -> None:
        """Wrap pytest's loader, which rewrites assertions."""
        from _pytest.assertion import rewrite

        hook, ready = rewrite.AssertionRewritingHook, _Ready()
        self._patch(hook, "exec_module", _rewriting_exec(self._imports, hook.exec_module, ready))
        self._patch(rewrite, "_read_pyc", _read_pyc(rewrite._read_pyc, ready))

    def restore(self) -> None:
        """Put everything back."""
        while self._undo:
            owner, name, original = self._undo.pop()
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)

    def _patch(self, owner: Any, name: str, replacement: Any) -> None:
        self._undo.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, replacement)


def _source_exec(imports: Imports) -> Any:
    original = _SourceFileLoader.exec_module

    def exec_module(self: Any, module: ModuleType) -> None:
        __tracebackhide__ = True
        load = imports.begin(self.path, module)
        if load is None:
            original(self, module)
            imports.executed(module)
            return
        try:
            _decide_compiler(self, load)
            original(self, module)
            load.succeeded = True
        finally:
            load.end()

    return disguised(exec_module)


def _decide_compiler(loader: Any, load: Load) -> None:
    """Decide whether the bytes that were hashed must be compiled here, or Python's own way is as good."""
    try:
        if load.source is None or load.before is None:
            return
        plain = _is_plain(loader)
        if plain and load.imports.transform is not None:
            load.compile_here = True
            return
        trust = pyc_is_trustworthy(load.path, load.source, written_ns(load.before))
        if plain and trust is False:
            load.compile_here = True
        elif trust is None or (trust is False and os.path.exists(importlib.util.cache_from_source(load.path))):
            load.sha = None
    except Exception as error:
        load.sha = None
        load.imports.fail(error)


def _is_plain(loader: Any) -> bool:
    """True if nothing about how this loader reads and compiles is its own."""
    kind = type(loader)
    if kind is _SourceFileLoader:
        return True
    return all(getattr(kind, name) is getattr(_SourceFileLoader, name) for name in _PLAIN_METHODS)


def _get_code(imports: Imports) -> Any:
    original = _SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> Any:
        __tracebackhide__ = True
        load = imports.loading.get(self.path)
        if load is None:
            # Whoever asks for a module's code without loading it (runpy, pkgutil) runs it out of our sight.
            imports.borrowed(self.path)
        elif load.compile_here:
            code = _compile(self, load)
            if code is not None:
                return code
        return original(self, fullname)

    return disguised(get_code)


def _compile(loader: Any, load: Load) -> Optional[CodeType]:
    """The module's code from the bytes that were hashed; None if they do not compile: Python shall say so itself."""
    transform = load.imports.transform
    assert load.source is not None and load.before is not None
    try:
        if transform is not None:
            return transform.compile(load.source, load.path, None)
        code = loader.source_to_code(load.source, load.path)
    except (SyntaxError, ValueError):
        return None
    keep_bytecode(loader, load.path, load.before, code)
    return code


def _binary_exec(imports: Imports, original: Any) -> Any:
    def exec_module(self: Any, module: ModuleType) -> None:
        __tracebackhide__ = True
        load = imports.begin(self.path, module)
        if load is None:
            original(self, module)
            return
        try:
            load.context.add_input("file", load.rel, load.sha)
            load.source = None  # no source at all
            original(self, module)
            load.succeeded = True
        finally:
            load.end()

    return disguised(exec_module)


class _Ready(threading.local):
    """Code that pytest's loader is to find where it looks for its cached byte code, in the thread that will look."""

    code: Optional[CodeType] = None

    def take(self) -> Optional[CodeType]:
        code, self.code = self.code, None
        return code


def _rewriting_exec(imports: Imports, original: Any, ready: _Ready) -> Any:
    def exec_module(self: Any, module: ModuleType) -> None:
        __tracebackhide__ = True
        load = imports.begin(getattr(module.__spec__, "origin", None), module)
        if load is None:
            original(self, module)
            return
        try:
            # Not executed here: pytest's own frame is part of the tracebacks that it shows.
            ready.code = _rewritten_code(self, load) if imports.transform is not None else None
            original(self, module)
            load.succeeded = True
            if ready.code is not None:
                imports.fail(RuntimeError("this pytest does not look for byte code of rewritten modules"))
        finally:
            ready.code = None
            load.end()

    return disguised(exec_module)


def _rewritten_code(hook: Any, load: Load) -> Optional[CodeType]:
    """What pytest's loader would run, compiled by the transform; None if that fails: pytest shall say so itself."""
    import ast

    from _pytest import __version__
    from _pytest.assertion import rewrite

    transform = load.imports.transform
    if load.source is None or transform is None:
        return None
    try:
        pass_hook = bool(hook.config.getini("enable_assertion_pass_hook"))
    except ValueError:
        pass_hook = False
    flavour = "pytest-%s%s" % (__version__, "-pass" if pass_hook else "")
    code = transform.recall(load.source, load.path, flavour)
    if code is None:
        try:
            tree = ast.parse(load.source, filename=load.path)
            rewrite.rewrite_asserts(tree, load.source, load.path, hook.config)
            code = transform.compile(load.source, load.path, tree, flavour)
        except (SyntaxError, ValueError):
            return None
    return code


def _read_pyc(original: Any, ready: _Ready) -> Any:
    @functools.wraps(original)
    def read_pyc(source: Any, pyc: Any, *rest: Any, **named: Any) -> Any:
        code = ready.take()
        if code is not None:
            return code
        return None if is_young(pyc, source) else original(source, pyc, *rest, **named)

    return read_pyc


def _by_name(imports: Imports, original: Any) -> Any:
    @functools.wraps(original)
    def by_name(name: str, package: Optional[str] = None) -> Any:
        __tracebackhide__ = True
        try:
            return original(name, package)
        finally:
            # pytest loads conftests so; whom they concern is decided when they are loaded.
            by_pytest = sys._getframe(1).f_globals.get("__name__", "").startswith("_pytest.")
            if not by_pytest or imports.contexts.current is not imports.contexts.session:
                imports.use(name, package)

    return by_name
