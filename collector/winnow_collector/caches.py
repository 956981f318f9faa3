"""Values that outlive the test that computed them: `functools.lru_cache` and `functools.cache`.

A test that finds a cached value ready depends on what produced it, though it ran none of that. Each wrapper found in a
project module gets a context of kind "fixture" named `cache::path::qualname`. Whoever computes a value (a miss) adds
what it depends on; whoever is served one (a hit) uses the context.

The wrappers are only looked at: `cache_info()` before and after a slice. Whoever was served an object and has changed
it is a producer as well. What is not seen: caches on instances, in closures and in other libraries.
"""

import functools
import gc
import sys
import weakref
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional

from .contexts import Context, Contexts
from .registry import Registry
from .shapes import MAX_DEPTH, MAX_ITEMS, can_change, shape_of

_Wrapper = type(functools.lru_cache(maxsize=1)(lambda: None))
_MAX_DEPTH = 3


class _Cache:
    __slots__ = ("wrapper", "name", "info", "code", "context", "mark")

    def __init__(self, wrapper: Any, name: str, code: Optional[int]) -> None:
        try:
            self.wrapper: Callable[[], Any] = weakref.ref(wrapper)
        except TypeError:  # Python 3.8
            self.wrapper = lambda: wrapper
        self.name = name
        self.info = wrapper.cache_info()
        # The number of the wrapped function: it ran means that a value was computed, whatever the counters say.
        self.code = code
        self.context: Optional[Context] = None
        self.mark = _mark_of(wrapper)


def _mark_of(wrapper: Any) -> object:
    """What differs, nearly always, if any of the cached objects does."""
    held: List[Any] = []
    for value in gc.get_referents(wrapper):
        # The results, or the table of them.
        held.extend(value.values() if type(value) is dict else [value])
        if len(held) > MAX_ITEMS:
            return 0
    try:
        return sum(shape_of(value, MAX_DEPTH) for value in held if can_change(value, ""))
    except Exception:  # another thread changes them meanwhile: that is a change
        return object()


def _belongs_elsewhere(wrapper: Any, module: str) -> bool:
    """True for a wrapper that the module only imported: `from urllib.parse import urlsplit`."""
    owner = getattr(wrapper, "__module__", None) or ""
    if owner == module:
        return False
    return getattr(sys.modules.get(owner), getattr(wrapper, "__name__", ""), None) is wrapper


class Caches:
    """All known cache wrappers of project modules."""

    def __init__(self, registry: Registry, contexts: Contexts) -> None:
        self._registry = registry
        self._contexts = contexts
        self._caches: List[_Cache] = []
        self._known: Dict[int, _Cache] = {}
        # Contexts of caches that the running test has filled: they take over what it depends on when it ends.
        self._filled: List[Context] = []

    def discover(self, module: ModuleType, rel: str, imported: Context) -> None:
        """Find the cache wrappers that a module made."""
        self._search(vars(module), module.__name__, rel, imported, 0)

    def look(self, context: Context, codes: List[int]) -> None:
        """A slice of `context` ended, having touched `codes`: who was served, who computed?"""
        if not self._caches:
            return
        touched = set(codes)
        gone = False
        for cache in self._caches:
            wrapper = cache.wrapper()
            if wrapper is None:
                gone = True
                continue
            info, before = wrapper.cache_info(), cache.info
            computed = cache.code in touched
            if info == before and not computed:
                continue
            cache.info = info
            mark, cache.mark = cache.mark, _mark_of(wrapper)
            is_cleared = info.misses < before.misses or info.hits < before.hits
            # It was cleared and filled again meanwhile, perhaps, and served values before that.
            is_served = is_cleared or info.hits != before.hits or (computed and info.misses == before.misses)
            if is_served and cache.context is not None:
                context.use(cache.context)
            if is_cleared:
                # Nobody is served any more what was computed before.
                cache.context = None
            if info.currsize > 0 and (computed or info.misses != before.misses or mark != cache.mark):
                self._produce(cache, context)
        if gone:
            self._caches = [cache for cache in self._caches if cache.wrapper() is not None]

    def end_test(self, test: Context) -> None:
        """The test's dependencies are complete: hand them to the caches that it filled."""
        filled, self._filled = self._filled, []
        for context in filled:
            context.absorb(test)

    def _produce(self, cache: _Cache, context: Context) -> None:
        if context is self._contexts.session:
            return  # everybody depends on the session anyway
        if cache.context is None:
            cache.context = self._contexts.new_shared("cache::" + cache.name)
        if context.kind == "test":
            if cache.context not in self._filled:
                self._filled.append(cache.context)
        else:
            cache.context.use(context)

    def _search(self, namespace: Any, module: str, rel: str, imported: Context, depth: int) -> None:
        for value in list(namespace.values()):
            kind = type(value)
            if kind is staticmethod or kind is classmethod:
                value = value.__func__
                kind = type(value)
            elif kind is property:
                value = value.fget
                kind = type(value)
            # Not isinstance(): it may run a proxy's code.
            if kind is _Wrapper:
                known = self._known.get(object.__hash__(value))
                if (known is None or known.wrapper() is not value) and not _belongs_elsewhere(value, module):
                    self._add(value, rel, imported)
            elif issubclass(kind, type):
                if depth < _MAX_DEPTH and value.__dict__.get("__module__") == module:
                    self._search(value.__dict__, module, rel, imported, depth + 1)

    def _add(self, wrapper: Any, rel: str, imported: Context) -> None:
        code = getattr(getattr(wrapper, "__wrapped__", None), "__code__", None)
        number = None
        if code is not None:
            path = self._registry.project_path(code.co_filename)
            if path is not None:
                number = self._registry.code_id(path, code.co_firstlineno, code.co_name)
        cache = _Cache(wrapper, "%s::%s" % (rel, getattr(wrapper, "__qualname__", "?")), number)
        self._caches.append(cache)
        self._known[object.__hash__(wrapper)] = cache
        if cache.info.misses:
            self._produce(cache, imported)
