"""State at module and class level that one test leaves behind and a later one finds.

A test that finds a parsed grammar, an open registry or a configured logger ready depends on what put it there. A *cell*
is a name of a module. Whenever a slice of a context ends, the cells that its code may have changed are compared with
what they looked like before: those of the modules whose code ran, and those of other modules whose names stand in the
sources of that code. Whoever left a change behind becomes a *producer* of that cell's state, with all that it depends
on: a test, or the fixture or the import that ran within it. A test that puts all back, as most do, produces nothing;
and where a later test brings a state back that was there before (the one after the import, say), whoever comes after it
depends on what produced *that* state.

Who reads a cell cannot be seen here: every test is said to use all states that it may have found, and the engine keeps
those whose names the test mentions.

Compared are contents up to three steps from the module: identities of objects, and values of the plain types. What a
function keeps counts as its contents: default values, what it closes over, its attributes. Nothing of the project runs
in here. So what is not seen: a change deeper inside, in objects written in C, and an object replaced by another at the
same address.
"""

import re
from collections import deque
from contextvars import ContextVar
from itertools import count
from opcode import opmap
from threading import local
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple
from weakref import ref

from .contexts import Context, Contexts

_MAX_DEPTH = 3
# Of larger containers only the size counts, and beyond so many objects in one module only which objects they are.
_MAX_ITEMS = 64
_MAX_VISITS = 400
# How many states of one cell have their own producers, and how many are told apart.
_MAX_CONTEXTS = 32
_MAX_ORIGINS = 256
# How many cells that share something with a cell are remembered.
_MAX_LINKS = 16
_MASK = (1 << 62) - 1
_PLAIN = frozenset((str, bytes, int, float, complex, bool, type(None)))
# What most names of a module stand for; nothing of it can change.
_CONSTANT = _PLAIN | {BuiltinFunctionType, ModuleType, tuple, frozenset}
# Py_TPFLAGS_HEAPTYPE: made by a class statement.
_HEAP_TYPE = 1 << 9
# Whose instances hold no state of the project.
_STATELESS = frozenset(
    ("builtins", "types", "functools", "typing", "re", "enum", "abc", "logging", "threading", "_pytest", "pytest")
    # Values that cannot change, whatever they remember for themselves.
    + ("pathlib", "datetime", "decimal", "fractions", "ipaddress", "uuid")
    # What is found in weak containers hangs on objects that somebody else holds, and most of them are of one test.
    + ("weakref", "_weakrefset")
)
# What unittest notes on each of its classes when it sets one up and tears it down: nothing that a test could find.
_BOOKKEEPING = frozenset(("_classSetupFailed", "_class_cleanups", "tearDown_exceptions"))
# What decorators note on functions.
_NOTES = frozenset(("__wrapped__", "pytestmark", "patchings", "__signature__"))
_SEQUENCES = frozenset((list, set, deque, tuple))
_BOUND = frozenset((staticmethod, classmethod))
_STORE_DEREF = opmap["STORE_DEREF"]
# Names that classes go by where their own is not spelt.
_CLASS_WORDS = frozenset((b"cls", b"klass", b"owner", b"__class__"))
_WORD = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*")
# `.name = …`, alone or among several that are assigned at once; and what stands before it.
_STORE = re.compile(
    rb"\.\s*([\w\x80-\xff]+)\s*(?:(?:[-+*%&|^@]|//?|\*\*|<<|>>)?=(?!=)|,(?=[\w\x80-\xff \t.,*\[\]]*=(?!=)))"
)
_OWNER = re.compile(rb"([\w\x80-\xff]+|\btype\([^()]*\))\s*$")
_DELETE = re.compile(rb"del\s+(?:[\w\x80-\xff]+\s*\.\s*)*?([\w\x80-\xff]+)\s*\.\s*([\w\x80-\xff]+)")
_SETATTR = re.compile(rb"attr\(\s*(?:[\w\x80-\xff]+\s*\.\s*)*([\w\x80-\xff]+)\s*,\s*(?:[\"']([\w\x80-\xff]+)[\"'])?")
_HANDLE = re.compile(rb"([\w\x80-\xff]+)(?=\s*\.\s*[\w\x80-\xff]+\s*(?:[.\[,)]|[^\w\s=(]*=(?!=)))")
_DICT = re.compile(rb"\.__dict__\s*[\[.]")
_VARS = re.compile(rb"vars\(\s*(?:[\w\x80-\xff]+\s*\.\s*)*([\w\x80-\xff]+)\s*\)\s*[\[.]")
_dict_items = dict.items
# Not `id`: it raises an audit event, which would cost more than the rest.
_identity = object.__hash__
# Marks that no look gives.
_unlike = count(1 << 80)
_NOTHING = -1 << 80
_ABSENT = hash(_NOTHING)
# Attributes of classes that are assigned from somewhere: functions by these names count as well.
_replaced: Set[str] = set()


class _Cell:
    """One name of a module: what it looked like last, and who made it so."""

    __slots__ = ("module", "name", "depth", "mark", "context", "origins", "links", "object", "aliases")

    def __init__(self, module: "_Module", name: str, mark: Optional[int] = None) -> None:
        self.module = module
        self.name = name
        self.depth = 0
        self.measure()
        self.mark = self.look() if mark is None else mark
        # The producers of the present state; None for the state after the import.
        self.context: Optional[Context] = None
        # The producers of states that were seen.
        self.origins: Optional[Dict[int, Optional[Context]]] = None
        # Cells that hold some of the same objects.
        self.links: List[_Cell] = []
        # Which object it was last, and where else that is a module's.
        self.object = 0
        self.aliases: List[Tuple[_Module, str]] = []

    def measure(self) -> None:
        """How deep to look: of what cannot change it only matters which it is."""
        self.depth = _MAX_DEPTH if _can_change(self.module.namespace.get(self.name), self.module.name) else 0

    def look(self) -> int:
        """A number that differs, nearly always, if anything differs."""
        try:
            return _shape(self.module.namespace.get(self.name, _NOTHING), self.depth, [_MAX_VISITS])
        except Exception:  # another thread changed a container meanwhile: that is a change
            return next(_unlike)

    def is_code(self) -> bool:
        """Whether it is a function or class: these change when code of theirs runs, unless others handle attributes."""
        kind = type(self.module.namespace.get(self.name))
        return self.depth > 0 and (kind is FunctionType or issubclass(kind, type))

    def look_within(self) -> None:
        """Looks at what it holds from now on, whatever it is."""
        if self.depth == 0:
            self.depth = _MAX_DEPTH
            self.mark = self.look()

    def has_changed(self) -> bool:
        """Whether anything differs from what it was at the last question."""
        mark = self.look()
        if mark == self.mark:
            return False
        if self.depth == 0:
            self.measure()
            mark = self.look()
        if self.origins is None:
            self.origins = {self.mark: None}
        self.mark = mark
        return True


class _Module:
    """The cells of one module."""

    __slots__ = ("namespace", "name", "rel", "cells", "rebinds", "bindings", "size")

    def __init__(self, module: ModuleType, rel: str, rebinds: bool) -> None:
        self.namespace = vars(module)
        self.name = module.__name__
        self.rel = rel
        # Its functions bind names of the module itself (`global`).
        self.rebinds = rebinds
        self.cells: Dict[str, _Cell] = {}
        self.size = -1
        self.bindings: Dict[str, int] = {}

    def rebound(self) -> Iterable[Tuple[str, int]]:
        """Names that stand for something else than they did, and for what they stood."""
        before, now = self.bindings, self.bind()
        if now is before or now == before:
            return ()
        self.bindings = now
        # The likes of `__warningregistry__` are notes of the interpreter's.
        return [
            (name, before.get(name, _ABSENT))
            for name in before.keys() | now.keys()
            if before.get(name, _NOTHING) != now.get(name, _NOTHING) and not name.startswith("__")
        ]

    def bind(self) -> Dict[str, int]:
        namespace = self.namespace
        try:
            if self.rebinds:
                bindings = dict(zip(namespace, map(_leaf, namespace.values())))
            elif len(namespace) == self.size:
                return self.bindings
            else:
                # Names that come and go.
                bindings = dict.fromkeys(namespace, 0)
            self.size = len(namespace)
            return bindings
        except RuntimeError:  # another thread binds names meanwhile: that is a change of any
            return {"": next(_unlike)}


class _Reach:
    """What the code of one file may change. `told`: how many of the names that cells go by it has been asked about."""

    __slots__ = ("modules", "cells", "told", "handled")

    def __init__(self, modules: List[_Module], cells: Dict[_Cell, None], told: int) -> None:
        self.modules = modules
        self.cells = cells
        self.told = told
        self.handled: Optional[Set[bytes]] = None


def _can_change(value: Any, module: str) -> bool:
    """Whether anything that counts can change within an object that a name of a module stands for."""
    kind = type(value)
    if kind in _CONSTANT:
        return False
    if kind is FunctionType:
        return _keeps(value)
    if issubclass(kind, type):
        return value.__dict__.get("__module__") == module and _has_state(value)
    return issubclass(kind, (dict, list, set, deque)) or kind is ContextVar or kind is local or _is_instance(kind)


def _is_mutable(value: Any) -> bool:
    kind = type(value)
    return kind not in _CONSTANT and kind is not FunctionType and not issubclass(kind, type) and _can_change(value, "")


def _keeps(function: Any, depth: int = _MAX_DEPTH) -> bool:
    """Whether a function holds on to anything that can change."""
    if function.__defaults__ is not None and any(map(_is_mutable, function.__defaults__)):
        return True
    if function.__kwdefaults__ is not None and any(map(_is_mutable, function.__kwdefaults__.values())):
        return True
    notes = function.__dict__
    if notes and any(_is_mutable(value) for name, value in notes.items() if name not in _NOTES):
        return True
    closure = function.__closure__
    # `functools` keeps what only makes it faster.
    if closure is None or function.__globals__.get("__name__", "").split(".")[0] in _STATELESS:
        return False
    # It binds something anew that it closes over (`nonlocal`), or so it seems.
    if _STORE_DEREF in function.__code__.co_code[::2]:
        return True
    for value in _contents(closure):
        if type(value) is FunctionType:
            if depth > 0 and value is not function and _keeps(value, depth - 1):
                return True
        elif _is_mutable(value):
            return True
    return False


def _contents(closure: Iterable[Any]) -> Iterator[Any]:
    for cell in closure:
        try:
            yield cell.cell_contents
        except ValueError:  # nothing is bound yet
            yield None


def _has_state(owner: type) -> bool:
    for name, value in list(owner.__dict__.items()):
        kind = type(value)
        if kind is staticmethod or kind is classmethod:
            value = value.__func__
            kind = type(value)
        if kind is FunctionType:
            if _keeps(value):
                return True
        elif (value is None and not name.startswith("__")) or issubclass(kind, (dict, list, set, deque)):
            return True
    return False


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
    if kind in _PLAIN:
        return hash(value)
    if depth <= 0 or budget[0] <= 0:
        return _identity(value)
    if issubclass(kind, dict):
        size = dict.__len__(value)
        items: Iterable[Tuple[Any, Any]] = _dict_items(value)
        total = _identity(kind) + size
    elif kind in _SEQUENCES:
        size = len(value)
        items = enumerate(value) if kind is not set else ((0, item) for item in value)
        total = _identity(kind) + size
    else:
        parts = _parts(kind, value)
        if not parts:
            return _identity(value)
        size = len(parts)
        items = parts
        # Of what a class statement or a function makes, each one is another.
        total = _identity(value if kind is FunctionType or issubclass(kind, type) else kind) + size
    if size > _MAX_ITEMS:
        return total
    budget[0] -= size
    # Sums, because the order of a cache's entries changes with every use.
    if depth == 1:
        for key, item in list(items):
            total += (_leaf(key) * 3) ^ (_leaf(item) * 7)
    else:
        for key, item in list(items):
            total += (_leaf(key) * 3) ^ (_shape(item, depth - 1, budget) * 7)
    return total & _MASK


def _parts(kind: type, value: Any) -> List[Tuple[Any, Any]]:
    """What an object holds that is no container itself; nothing for one that counts by which it is."""
    if kind is FunctionType:
        return _kept(value)
    if issubclass(kind, type):
        layout = _layout_of(value)
        return [
            (name, item if type(item) not in _BOUND else item.__func__)
            for name, item in list(value.__dict__.items())
            if (type(item) is not FunctionType or name in layout.keeping or name in _replaced)
            and not name.startswith("__")
            and name not in _BOOKKEEPING
        ]
    if kind is ContextVar:
        return [(0, value.get(None))]
    if kind is local:
        return list(value.__dict__.items())
    if kind.__flags__ & _HEAP_TYPE == 0:
        return []
    layout = _layout_of(kind)
    if not layout.counts:
        return []
    parts = list(layout.dictionary.__get__(value).items()) if layout.dictionary is not None else []
    for slot in layout.slots:
        try:
            parts.append((slot.__name__, slot.__get__(value)))
        except AttributeError:  # nothing is bound yet
            pass
    return parts


class _Layout:
    """What is known of a class: where its instances keep what they hold, and which of its methods keep anything."""

    __slots__ = ("owner", "counts", "dictionary", "slots", "keeping")

    def __init__(self, owner: type) -> None:
        self.owner = ref(owner)
        self.counts = _is_instance(owner)
        self.dictionary: Any = None
        self.slots: List[Any] = []
        members = [(name, item) for name, item in list(owner.__dict__.items()) if type(item) is FunctionType]
        self.keeping = frozenset(name for name, item in members if _keeps(item))
        for base in owner.__mro__:
            descriptor = base.__dict__.get("__dict__")
            if descriptor is not None:
                if type(descriptor) is not GetSetDescriptorType:
                    # Code of its own answers, as in proxies.
                    self.counts = False
                self.dictionary = descriptor
                break
        for base in owner.__mro__:
            if "__slots__" in base.__dict__:
                self.slots += [item for item in base.__dict__.values() if type(item) is MemberDescriptorType]


# By identity: a class may have a hash of its own.
_layouts: Dict[int, _Layout] = {}


def _layout_of(owner: type) -> _Layout:
    layout = _layouts.get(_identity(owner))
    if layout is None or layout.owner() is not owner:
        layout = _layouts[_identity(owner)] = _Layout(owner)
    return layout


def _kept(function: Any) -> List[Tuple[Any, Any]]:
    """What a function keeps of its own."""
    kept: List[Tuple[Any, Any]] = []
    if function.__defaults__:
        kept.extend(enumerate(function.__defaults__))
    if function.__kwdefaults__:
        kept.extend(function.__kwdefaults__.items())
    if function.__closure__:
        kept.extend((-index, value) for index, value in enumerate(_contents(function.__closure__), 1))
    if function.__dict__:
        kept.extend((name, value) for name, value in function.__dict__.items() if name not in _NOTES)
    return kept


def _held(value: Any, depth: int, budget: List[int]) -> Iterator[int]:
    """Which objects that can change an object leads to."""
    kind = type(value)
    if (kind in _CONSTANT and kind is not tuple) or depth <= 0 or budget[0] <= 0:
        return
    if issubclass(kind, dict):
        items = list(dict.values(value))
    elif kind in _SEQUENCES:
        items = list(value)
    else:
        items = [item for _, item in _parts(kind, value)]
        if not items:
            return
    if kind is not tuple:
        yield _identity(value)
    if len(items) <= _MAX_ITEMS:
        budget[0] -= len(items)
        for item in items:
            yield from _held(item, depth - 1, budget)


def _owner_before(source: bytes, end: int) -> bytes:
    """What stands before the dot at `end`: a name, or `type(...)`; nothing if that is an expression."""
    found = _OWNER.search(source[max(end - 80, 0) : end])
    return b"" if found is None else found.group(1)


def _last(name: str) -> bytes:
    return name.rpartition(".")[2].encode("utf-8", "replace")


class Cells:
    """The state of all project modules."""

    def __init__(self, contexts: Contexts, code_files: List[str]) -> None:
        self._contexts = contexts
        # Project paths by code number.
        self._code_files = code_files
        self._modules: Dict[str, List[_Module]] = {}
        self._sources: Dict[str, bytes] = {}
        # Cells by what they are called, in their module or by others; and the same in the order in which it was learnt.
        self._called: Dict[bytes, List[Tuple[bytes, _Cell]]] = {}
        self._calls: List[Tuple[bytes, bytes, _Cell]] = []
        # Cells by the objects that they hold.
        self._holders: Dict[int, List[_Cell]] = {}
        # Where names are that somebody may assign from elsewhere; and what is assigned so, and of what.
        self._bound: Dict[bytes, List[_Module]] = {}
        self._stored: Set[bytes] = set()
        self._owners: Set[bytes] = set()
        # Modules that are assigned to by computed names, and modules whose code assigns to classes by no name.
        self._wild: Set[bytes] = set()
        self._assign_to_classes: Set[str] = set()
        self._reaches: Dict[str, _Reach] = {}
        self._running = False
        # States that the running test has had a part in: they take over what it depends on when it ends.
        self._unfinished: List[Context] = []
        self._states: Dict[_Cell, None] = {}
        # States that somebody left behind, and that are there now.
        self._active: Set[int] = set()

    def expect(self, rel: str, source: Optional[bytes]) -> None:
        """A module is about to be executed."""
        if source is not None:
            self._sources[rel] = source
            self._reaches.pop(rel, None)

    def add(self, module: ModuleType, rel: str, source: Optional[bytes]) -> None:
        """A module was executed."""
        new = _Module(module, rel, source is None or b"global" in source or _last(module.__name__) in self._wild)
        self._modules.setdefault(rel, []).append(new)
        if _last(new.name) in self._wild:
            self._reaches.clear()
        else:
            self._reaches.pop(rel, None)
        if source is not None:
            self._read_stores(source, new)
        for name, value in list(new.namespace.items()):
            if name.startswith("__"):
                continue
            kind = type(value)
            word = name.encode("utf-8", "replace")
            if kind is not ModuleType:
                self._bound.setdefault(word, []).append(new)
            if (kind is FunctionType and word in self._owners) or self._is_assigned_within(new, word, value):
                self._watch(new, name, within=True)
            elif word in self._stored or _can_change(value, new.name):
                self._watch(new, name)
        new.rebound()

    def _is_assigned_within(self, module: _Module, word: bytes, value: Any) -> bool:
        """Whether the value is a class of the module, of which somebody assigns attributes."""
        if not issubclass(type(value), type) or value.__dict__.get("__module__") != module.name:
            return False
        return word in self._owners or any(
            base.__dict__.get("__module__") in self._assign_to_classes for base in value.__mro__
        )

    def _read_stores(self, source: bytes, module: _Module) -> None:
        """Notes which attributes the source assigns of modules, classes and functions."""
        stores = []
        for match in _STORE.finditer(source):
            owner = _owner_before(source, match.start())
            if owner != b"self":
                stores.append((owner, match.group(1)))
        if b"del " in source:
            stores += _DELETE.findall(source)
        wild: Set[bytes] = set()
        if b"setattr(" in source or b"delattr(" in source:
            for owner, name in _SETATTR.findall(source):
                if name:
                    stores.append((owner, name))
                else:
                    wild.add(owner)
        if b"__dict__" in source:
            wild.update(_owner_before(source, match.start()) for match in _DICT.finditer(source))
        if b"vars(" in source:
            wild.update(_VARS.findall(source))
        for owner, name in stores:
            if owner == b"self":
                continue
            if owner in _CLASS_WORDS or owner[:5] == b"type(":
                self._assign_to_classes.add(module.name)
                _replaced.add(name.decode("utf-8", "replace"))
            elif owner[:1].isupper():
                _replaced.add(name.decode("utf-8", "replace"))
            if owner not in self._owners:
                self._owners.add(owner)
                self._watch_owner(owner)
            if name not in self._stored:
                self._stored.add(name)
                for each in self._bound.get(name, ()):
                    self._watch(each, name.decode("utf-8", "replace"))
        for owner in wild - {b"self"}:
            self._read_wild_store(owner, module)

    def _watch_owner(self, owner: bytes) -> None:
        """Attributes of a function or class called so are assigned somewhere."""
        name = owner.decode("utf-8", "replace")
        for module in self._bound.get(owner, ()):
            value = module.namespace.get(name)
            if type(value) is FunctionType or self._is_assigned_within(module, owner, value):
                self._watch(module, name, within=True)

    def _read_wild_store(self, owner: bytes, module: _Module) -> None:
        """Somebody assigns attributes by computed names: of a module or class called so, if any is."""
        if owner in _CLASS_WORDS or owner[:5] == b"type(":
            self._assign_to_classes.add(module.name)
            return
        self._owners.add(owner)
        self._watch_owner(owner)
        self._wild.add(owner)
        self._reaches.clear()
        for each in self._bound_by_computed_names(owner):
            if not each.rebinds:
                each.rebinds = True
                each.bindings = each.bind()

    def _bound_by_computed_names(self, word: bytes) -> List[_Module]:
        return [each for modules in self._modules.values() for each in modules if _last(each.name) == word]

    def _watch(self, module: _Module, name: str, within: bool = False) -> None:
        """Begins to look at a name, unless another one stands for the same object. `within`: at all that it holds."""
        if name in module.cells:
            if within:
                module.cells[name].look_within()
            return
        value = module.namespace.get(name, _NOTHING)
        word = name.encode("utf-8", "replace")
        is_shared = type(value) not in _PLAIN and word not in self._stored
        if is_shared:
            for other in self._holders.get(_identity(value), ()):
                if other.object == _identity(value) and other.module is not module:
                    other.aliases.append((module, name))
                    self._call(word, module, other)
                    return
        cell = module.cells[name] = _Cell(module, name)
        if within:
            cell.look_within()
        self._call(word, module, cell)
        self._link(cell, value)

    def _call(self, word: bytes, module: _Module, cell: _Cell) -> None:
        owner = _last(module.name)
        self._called.setdefault(word, []).append((owner, cell))
        self._calls.append((word, owner, cell))

    def _link(self, cell: _Cell, value: Any) -> None:
        cell.object = _identity(value)
        try:
            held = set(_held(value, _MAX_DEPTH, [_MAX_VISITS]))
        except Exception:  # another thread changed a container meanwhile
            held = {cell.object}
        for identity in held:
            holders = self._holders.setdefault(identity, [])
            if cell in holders:
                continue
            for other in holders:
                if len(other.links) < _MAX_LINKS and len(cell.links) < _MAX_LINKS and other not in cell.links:
                    other.links.append(cell)
                    cell.links.append(other)
            if len(holders) < _MAX_LINKS:
                holders.append(cell)

    def begin_tests(self) -> None:
        """What the imports of all files have made of the modules is what they are."""
        if self._running:
            return
        self._running = True
        for modules in self._modules.values():
            for module in modules:
                for name, _ in module.rebound():
                    if _can_change(module.namespace.get(name), module.name):
                        self._watch(module, name)
                for cell in module.cells.values():
                    cell.mark = cell.look()

    def use_all(self, context: Context) -> None:
        """Whatever is there now, the context may have found."""
        if self._active:
            context.use_all(self._active)

    def look(self, context: Context, codes: List[int]) -> None:
        """A slice of `context` ended, having touched `codes`: what did it find, what does it leave behind?"""
        if not self._running:
            return
        if context.kind != "session":
            self.use_all(context)
            # What began in an earlier slice may still run.
            codes = list(context.codes)
        rels = set(map(self._code_files.__getitem__, codes))
        if context.kind == "import":
            rels.add(context.name)
        if not rels:
            return
        modules: List[_Module] = []
        cells: Dict[_Cell, None] = {}
        for rel in rels:
            reach = self._reach_of(rel)
            modules += reach.modules
            cells.update(reach.cells)
        known = len(self._calls)
        for module in modules:
            for name, before in module.rebound():
                self._promote(module, name, before)
        changed = [cell for cell in cells if cell.has_changed()]
        if changed or known != len(self._calls):
            self._change(context, modules, cells, changed)

    def _change(
        self, context: Context, modules: List[_Module], looked_at: Dict[_Cell, None], changed: List[_Cell]
    ) -> None:
        # Names that were bound anew are cells only now.
        queue = [cell for module in modules for cell in module.cells.values() if cell not in looked_at]
        for cell in changed:
            queue.extend(cell.links)
        while queue:
            cell = queue.pop()
            if cell.has_changed():
                changed.append(cell)
                queue.extend(cell.links)
        for cell in changed:
            value = cell.module.namespace.get(cell.name, _NOTHING)
            if _identity(value) != cell.object and type(value) not in _PLAIN:
                aliases, cell.aliases = cell.aliases, []
                self._link(cell, value)
                for module, name in aliases:
                    self._watch(module, name)
            self._produce(cell, context)
        if changed:
            self._active = {cell.context.id for cell in self._states if cell.context is not None}

    def end_test(self, test: Context) -> None:
        """The test's dependencies are complete."""
        unfinished, self._unfinished = self._unfinished, []
        for state in unfinished:
            state.absorb(test)

    def _promote(self, module: _Module, name: str, before: int) -> None:
        if name not in module.cells:
            cell = module.cells[name] = _Cell(module, name, before)
            self._call(name.encode("utf-8", "replace"), module, cell)

    def _reach_of(self, rel: str) -> _Reach:
        reach = self._reaches.get(rel)
        if reach is None:
            reach = self._reaches[rel] = self._read_reach(rel)
        elif reach.told != len(self._calls):
            self._extend(reach, rel)
        return reach

    def _read_reach(self, rel: str) -> _Reach:
        words = set(_WORD.findall(self._sources.get(rel, b"")))
        modules = list(self._modules.get(rel, ()))
        reach = _Reach(modules, {cell: None for each in modules for cell in each.cells.values()}, len(self._calls))
        for word in words & self._called.keys():
            for owner, cell in self._called[word]:
                if owner in words and self._can_handle(reach, rel, word, cell):
                    reach.cells[cell] = None
        for word in words & self._wild:
            modules.extend(self._bound_by_computed_names(word))
        return reach

    def _extend(self, reach: _Reach, rel: str) -> None:
        source = self._sources.get(rel, b"")
        for word, owner, cell in self._calls[reach.told :]:
            # Words within words: rarely too much, never too little, and nobody need keep the words of all files.
            if cell.module.rel == rel or (
                word in source and owner in source and self._can_handle(reach, rel, word, cell)
            ):
                reach.cells[cell] = None
        reach.told = len(self._calls)

    def _can_handle(self, reach: _Reach, rel: str, word: bytes, cell: _Cell) -> bool:
        """Whether a file in which the names of a cell and of its module stand may change it.

        To come by a name of a module takes the module's name as well, in an import statement if nowhere else.
        """
        if not cell.is_code():
            return True
        if reach.handled is None:
            reach.handled = self._handled_in(rel)
        return word in reach.handled

    def _handled_in(self, rel: str) -> Set[bytes]:
        """Words of whose attributes a source assigns or handles anything."""
        source = self._sources.get(rel, b"")
        handled = set(_HANDLE.findall(source))
        if b"attr(" in source:
            handled.update(owner for owner, _ in _SETATTR.findall(source))
        if b"vars(" in source:
            handled.update(_VARS.findall(source))
        return handled

    def _produce(self, cell: _Cell, context: Context) -> None:
        rel, mark = cell.module.rel, cell.mark
        assert cell.origins is not None
        self._states[cell] = None
        if mark in cell.origins:
            cell.context = cell.origins[mark]
            return
        # A state of its own, unless it only grows, as caches do: else there would be one for each of its sizes.
        if cell.context is None or len(cell.origins) <= _MAX_CONTEXTS:
            before = cell.context
            # What the test has not changed of it is still the work of those before.
            of = None if before is None else before.id
            cell.context = self._contexts.new("state", "%s::%s" % (rel, cell.name), of)
        if context.kind == "test":
            self._unfinished.append(cell.context)
        else:
            cell.context.use(context)
        if len(cell.origins) < _MAX_ORIGINS:
            cell.origins[mark] = cell.context
