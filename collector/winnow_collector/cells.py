"""State at module and class level that one test leaves behind and a later one finds.

A test that finds a parsed grammar, an open registry or a configured logger ready depends on what put it there. A *cell*
is a name of a module. At the end of each test the namespaces of the modules whose code ran are compared, name by name,
with what they looked like before. Whoever left a change behind becomes a *producer* of that cell's state, with all that
it depends on. A test that puts all back, as most do, produces nothing; and where a later test brings a state back that
was there before (the one after the import, say), whoever comes after it depends on what produced *that* state.

Who reads a cell cannot be seen here: every test is said to use all states that it may have found, and the engine keeps
those whose names the test mentions.

Compared are contents up to three steps from the module: identities of objects, and values of the plain types. Nothing
of the project runs in here. So what is not seen: a change deeper inside, in objects with slots or written in C, and an
object replaced by another at the same address.
"""

from collections import deque
from itertools import count
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, ModuleType
from typing import Any, Dict, List, Optional, Set, Tuple

from .contexts import Context, Contexts

_MAX_DEPTH = 3
# Of larger containers only the size counts, and beyond so many objects in one module only which objects they are.
_MAX_ITEMS = 64
_MAX_VISITS = 400
# How many states of one cell have their own producers, and how many are told apart.
_MAX_CONTEXTS = 32
_MAX_ORIGINS = 256
_MASK = (1 << 62) - 1
_PLAIN = frozenset((str, bytes, int, float, complex, bool, type(None)))
# What most names of a module stand for; nothing of it can change.
_CONSTANT = _PLAIN | {FunctionType, BuiltinFunctionType, ModuleType, tuple, frozenset}
# Py_TPFLAGS_HEAPTYPE: made by a class statement.
_HEAP_TYPE = 1 << 9
# Whose instances hold no state of the project.
_STATELESS = frozenset(
    ("builtins", "types", "functools", "typing", "re", "enum", "abc", "logging", "threading", "_pytest", "pytest")
)
# What unittest notes on each of its classes when it sets one up and tears it down: nothing that a test could find.
_BOOKKEEPING = frozenset(("_classSetupFailed", "_class_cleanups", "tearDown_exceptions"))
_SEQUENCES = frozenset((list, set, deque, tuple))
_dict_items = dict.items
# Not `id`: it raises an audit event, which would cost more than the rest.
_identity = object.__hash__
# Marks that no look gives.
_unlike = count(1 << 80)
_NOTHING = -1 << 80


class _State:
    """One cell: what it looked like last, and who made it so."""

    __slots__ = ("mark", "context", "origins")

    def __init__(self, mark: int) -> None:
        self.mark = mark
        # The producers of the present state; None for the state after the import.
        self.context: Optional[Context] = None
        # The producers of states that were seen.
        self.origins: Dict[int, Optional[Context]] = {mark: None}


class _Module:
    """The cells of one module."""

    __slots__ = ("namespace", "name", "rel", "watched", "rebinds", "marks", "bindings", "states", "size")

    def __init__(self, module: ModuleType, rel: str, rebinds: bool) -> None:
        self.namespace = vars(module)
        self.name = module.__name__
        self.rel = rel
        # Its functions bind names of the module itself (`global`).
        self.rebinds = rebinds
        self.watched = [
            name
            for name, value in list(self.namespace.items())
            if type(value) not in _CONSTANT and not name.startswith("__") and self._can_change(value)
        ]
        # By name, from its first change on.
        self.states: Dict[str, _State] = {}
        self.size = -1
        self.bindings: Dict[str, int] = {}
        self.marks, self.bindings = self._look()

    def _can_change(self, value: Any) -> bool:
        kind = type(value)
        if issubclass(kind, type):
            return value.__dict__.get("__module__") == self.name and _has_state(value)
        return issubclass(kind, (dict, list, set, deque)) or _is_instance(kind)

    def changed(self) -> List[Tuple[_State, str]]:
        """The names whose state differs from that of the last question."""
        marks, bindings = self._look()
        if marks == self.marks and bindings == self.bindings:
            return []
        before, now = self._named(self.marks, self.bindings), self._named(marks, bindings)
        self.marks, self.bindings = marks, bindings
        changed = []
        for name in before.keys() | now.keys():
            old, new = before.get(name, _NOTHING), now.get(name, _NOTHING)
            # The likes of `__warningregistry__` are notes of the interpreter's.
            if old != new and not name.startswith("__"):
                state = self.states.setdefault(name, _State(old))
                state.mark = new
                changed.append((state, name))
        return changed

    def _named(self, marks: List[int], bindings: Dict[str, int]) -> Dict[str, int]:
        named = dict(bindings)
        named.update(zip(self.watched, marks))
        return named

    def _look(self) -> Tuple[List[int], Dict[str, int]]:
        """Of each watched name a number that differs, nearly always, if anything does; and what all names stand for."""
        namespace = self.namespace
        try:
            if self.rebinds:
                bindings = dict(zip(namespace, map(_leaf, namespace.values())))
            elif len(namespace) == self.size:
                bindings = self.bindings
            else:
                # Names that come and go.
                bindings = dict.fromkeys(namespace, 0)
            self.size = len(namespace)
        except RuntimeError:  # another thread binds names meanwhile: that is a change of any
            bindings = {"": next(_unlike)}
        return [self._shape_of(name) for name in self.watched], bindings

    def _shape_of(self, name: str) -> int:
        try:
            return _shape(self.namespace.get(name), _MAX_DEPTH, [_MAX_VISITS])
        except Exception:  # another thread changed a container meanwhile: that is a change
            return next(_unlike)


def _has_state(owner: type) -> bool:
    return any(issubclass(type(value), (dict, list, set, deque)) for value in list(owner.__dict__.values())) or any(
        not name.startswith("__") and value is None for name, value in list(owner.__dict__.items())
    )


def _is_instance(kind: type) -> bool:
    """True for instances of classes written in Python, but for some that hold no state of the project."""
    if kind.__module__.split(".")[0] in _STATELESS:
        return False
    return kind.__flags__ & _HEAP_TYPE != 0 and not issubclass(kind, ModuleType)


def _leaf(value: Any) -> int:
    """Plain values count by what they are, everything else by which object it is."""
    return hash(value) if type(value) in _PLAIN else _identity(value)


def _shape(value: Any, depth: int, budget: List[int]) -> int:
    """What an object holds: a fresh list of the same objects is the same state."""
    kind = type(value)
    if kind in _PLAIN or depth <= 0 or budget[0] <= 0:
        return _leaf(value)
    if issubclass(kind, dict):
        items = _dict_items(value)
        size = dict.__len__(value)
    elif kind in _SEQUENCES:
        items = enumerate(value) if kind is not set else ((0, item) for item in value)
        size = len(value)
    elif issubclass(kind, type):
        items = [
            (name, item)
            for name, item in list(value.__dict__.items())
            if not name.startswith("__") and name not in _BOOKKEEPING and type(item) is not FunctionType
        ]
        size = len(items)
    elif _is_instance(kind):
        attributes = _attributes(kind, value)
        if not attributes:
            return _identity(value)
        items = attributes.items()
        size = len(attributes)
    else:
        return _identity(value)
    if size > _MAX_ITEMS:
        return _identity(kind) + size
    budget[0] -= size
    total = _identity(kind) + size
    for key, item in list(items):
        # A sum, because the order of a cache's entries changes with every use.
        total += (_leaf(key) * 3) ^ (_shape(item, depth - 1, budget) * 7)
    return total & _MASK


def _attributes(kind: type, value: Any) -> Dict[str, Any]:
    """An instance's dictionary, unless it has none or code of its own answers for it (as proxies have)."""
    for base in kind.__mro__:
        descriptor = base.__dict__.get("__dict__")
        if descriptor is not None:
            return descriptor.__get__(value) if type(descriptor) is GetSetDescriptorType else {}
    return {}


class Cells:
    """The state of all project modules."""

    def __init__(self, contexts: Contexts, code_files: List[str]) -> None:
        self._contexts = contexts
        # Project paths by code number.
        self._code_files = code_files
        self._modules: Dict[str, List[_Module]] = {}
        self._touched: Set[int] = set()
        # States that somebody left behind, and that are there now.
        self._active: Set[int] = set()

    def add(self, module: ModuleType, rel: str, source: Optional[bytes]) -> None:
        """A module was executed."""
        self._modules.setdefault(rel, []).append(_Module(module, rel, source is None or b"global " in source))

    def note(self, codes: List[int]) -> None:
        """This code ran."""
        self._touched.update(codes)

    def use_all(self, context: Context) -> None:
        """Whatever is there now, the context may have found."""
        if self._active:
            context.use_all(self._active)

    def end_test(self, test: Context) -> None:
        """The test's dependencies are complete: what did it find, what does it leave behind?"""
        touched, self._touched = self._touched, set()
        self.use_all(test)
        active = False
        for rel in set(map(self._code_files.__getitem__, touched)):
            for module in self._modules.get(rel, ()):
                for state, name in module.changed():
                    self._produce(state, rel, name, test)
                    active = True
        if active:
            self._active = {
                state.context.id
                for modules in self._modules.values()
                for module in modules
                for state in module.states.values()
                if state.context is not None
            }

    def _produce(self, state: _State, rel: str, name: str, test: Context) -> None:
        if state.mark in state.origins:
            state.context = state.origins[state.mark]
            return
        # A state of its own, unless it only grows, as caches do: else there would be one for each of its sizes.
        if state.context is None or len(state.origins) <= _MAX_CONTEXTS:
            before = state.context
            # What the test has not changed of it is still the work of those before.
            of = None if before is None else before.id
            state.context = self._contexts.new("state", "%s::%s" % (rel, name), of)
        state.context.absorb(test)
        if len(state.origins) < _MAX_ORIGINS:
            state.origins[state.mark] = state.context
