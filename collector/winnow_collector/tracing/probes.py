"""Touched code through source probes (Python 3.8 to 3.11; works up to 3.13, and on later ones but for annotations).

Modules of the project are compiled with probes (`instrument`): each function stores its key in one dictionary when it
starts or resumes. `take()` empties the dictionary.

What must stay true:
- Keys are the same in every process, so that byte code can be kept; in one process they are unique. A key is the base
  of its module, a 60-bit hash of path and content, plus the number of the function in it.
- No store is lost: keys are removed one by one, never by `clear()`. A function that another thread starts while
  `take()` runs is in this slice or in the next.
- A module that cannot be given probes counts as touched, all of it, in every slice.
"""

import ast
import hashlib
import importlib.util
import sys
import threading
from bisect import bisect_left, bisect_right
from types import CodeType
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..content import blob_sha
from ..registry import Registry
from . import instrument as probes
from .bytecode_cache import BytecodeCache
from .instrument import Row

try:
    from _imp import _fix_co_filename  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover - other implementations: entries of another place are not used
    _fix_co_filename = None

_BASE_BITS = 60
_FUNCTION_BITS = 20
_NOBODY = -1


class ProbesTracer:
    """The `Tracer` of Python before 3.12."""

    name = "probes"

    def __init__(self, registry: Registry, bytecode: str) -> None:
        self.fail: Callable[[BaseException], None] = lambda error: None
        self._touched = probes.Touched()
        self._keys = _Keys(registry)
        self._transform = ProbesTransform(registry, self._keys, self._touched, BytecodeCache(bytecode))

    def start(self) -> None:
        """Nothing to do: the modules do it."""

    def take(self) -> List[int]:
        touched, numbers = self._touched, self._keys.numbers
        # Copying is atomic; what is stored from here on is either removed below, and was copied, or stays.
        keys = list(touched)
        for key in keys:
            del touched[key]
        found = {numbers[key] for key in keys}
        found.update(self._keys.always)
        found.discard(_NOBODY)
        return list(found)

    def stop(self) -> None:
        """The modules go on storing; nobody asks any more."""

    def twin(self, registry: Any) -> "ProbesTracer":
        return ProbesTracer(registry, "")

    def around_annotations(self, begin: Callable[[str], Any], end: Callable[[Any], None]) -> None:
        """Not noticed: what evaluates annotations has no statement that a probe could stand before."""

    def transform(self) -> "ProbesTransform":
        return self._transform


class ProbesTransform:
    """The `SourceTransform` that puts probes into modules, and keeps their byte code."""

    def __init__(self, registry: Registry, keys: "_Keys", touched: probes.Touched, cache: BytecodeCache) -> None:
        self._registry = registry
        self._keys = keys
        self._touched = touched
        self._cache = cache

    def compile(self, source: bytes, path: str, tree: Optional[ast.AST], flavour: str = "") -> CodeType:
        """Code of the module, from the cache if there is no `tree` to compile. The tree is changed."""
        if tree is None:
            known = self.recall(source, path, flavour)
            if known is not None:
                return known
        project_path, name = self._identify(source, path, flavour)
        base = self._keys.reserve(name)
        code, rows, opaque = _compile(source, path, tree, base)
        self._keys.register(base, name, project_path, rows, opaque)
        self._cache.store(name, (base, rows, opaque, code))
        return probes.bind(code, self._touched)

    def recall(self, source: bytes, path: str, flavour: str) -> Optional[CodeType]:
        """Code that was kept for these bytes, this path and this flavour."""
        project_path, name = self._identify(source, path, flavour)
        entry = self._cache.load(name)
        if not (isinstance(entry, tuple) and len(entry) == 4 and isinstance(entry[3], CodeType)):
            return None
        base, rows, opaque, code = entry
        if code.co_filename != path:
            # The project was moved, or the cache is shared.
            if _fix_co_filename is None:
                return None
            _fix_co_filename(code, path)
        if not self._keys.register(base, name, project_path, rows, opaque):
            return None
        return probes.bind(code, self._touched)

    def _identify(self, source: bytes, path: str, flavour: str) -> Tuple[str, str]:
        """The module's project path, and a name for everything that its byte code depends on."""
        project_path = self._registry.project_path(path) or self._registry.relative(path)
        parts = (
            str(probes.FORMAT),
            importlib.util.MAGIC_NUMBER.hex(),
            sys.implementation.cache_tag or sys.version,
            str(sys.flags.optimize),
            flavour,
            blob_sha(source),
            project_path,
        )
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return project_path, hashlib.blake2b(text, digest_size=20).hexdigest()


def _compile(source: bytes, path: str, tree: Optional[ast.AST], base: int) -> Tuple[CodeType, List[Row], List[Row]]:
    """Code with probes (not bound yet), the rows of its keys, and what counts as touched always."""
    ours = tree is None
    try:
        if tree is None:
            tree = compile(source, path, "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
        assert isinstance(tree, ast.Module)
        found = probes.instrument(tree, base, source)
        return compile(tree, path, "exec", dont_inherit=True), found.rows, found.opaque
    except RecursionError:
        # Python compiles deeper nesting from source than from a tree.
        if not ours:
            raise
    code = compile(source, path, "exec", dont_inherit=True)
    return code, [], probes.all_rows(code)


class _Keys:
    """What the keys of this process stand for. `numbers`: key → code number; `always`: numbers that always count."""

    def __init__(self, registry: Registry) -> None:
        self.numbers = _Numbers(self)
        self.always: Set[int] = set()
        self._registry = registry
        self._lock = threading.Lock()
        # In step with each other, sorted by base.
        self._bases: List[int] = []
        self._modules: List[_Module] = []

    def reserve(self, name: str) -> int:
        """The base of a module that is about to be compiled: its own, or else a free one."""
        salt = 0
        while True:
            base = int(name[: _BASE_BITS // 4], 16) + (salt << _FUNCTION_BITS)
            if self.register(base, name, "", [], []):
                return base
            salt += 1

    def register(self, base: int, name: str, path: str, rows: Sequence[Row], opaque: Sequence[Row]) -> bool:
        """Say what the keys of a module stand for; False if another module has (some of) them."""
        with self._lock:
            index = bisect_left(self._bases, base)
            for near in (index - 1, index):
                if 0 <= near < len(self._bases) and abs(self._bases[near] - base) < 1 << _FUNCTION_BITS:
                    if self._bases[near] != base or self._modules[near].name != name:
                        return False
            module = _Module(name, path, rows)
            if index < len(self._bases) and self._bases[index] == base:
                if rows:
                    self._modules[index] = module
            else:
                self._bases.insert(index, base)
                self._modules.insert(index, module)
            self.always.update(self._registry.code_id(path, line, co_name) for line, co_name in opaque)
        return True

    def number(self, key: int) -> int:
        """The code number of a key, or `_NOBODY`: code may come from another process, pickled."""
        with self._lock:
            index = bisect_right(self._bases, key) - 1
            if index < 0 or not 0 <= key - self._bases[index] < len(self._modules[index].rows):
                return _NOBODY
            module = self._modules[index]
            line, co_name = module.rows[key - self._bases[index]]
        return self._registry.code_id(module.path, line, co_name)


class _Module(NamedTuple):
    name: str
    path: str
    rows: Sequence[Row]


class _Numbers(Dict[int, int]):
    """Asks for each key once."""

    def __init__(self, keys: _Keys) -> None:
        super().__init__()
        self._keys = keys

    def __missing__(self, key: int) -> int:
        number = self[key] = self._keys.number(key)
        return number
