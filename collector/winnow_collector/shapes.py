"""What an object holds, as a number that differs, nearly always, if anything differs.

Compared are contents up to three steps deep: identities of objects, and values of the plain types. What a function
keeps counts as its contents: default values, what it closes over, its attributes. Nothing of the project runs in here.
So what is not seen: a change deeper inside, in objects written in C, and an object replaced by another at the same
address. Of what lies deeper it shows whether there is anything in it.
"""

import os
import sys
from collections import defaultdict, deque
from contextvars import ContextVar
from enum import EnumMeta
from opcode import opmap
from threading import local
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, Dict, Iterable, Iterator, List, Set, Tuple
from weakref import ref

from .packages import package_of

MAX_DEPTH = 3
# Of larger containers only the size counts, and beyond so many objects in one module only which objects they are.
MAX_ITEMS = 64
MAX_VISITS = 400
_MASK = (1 << 62) - 1
PLAIN = frozenset((str, bytes, int, float, complex, bool, type(None)))
# What most names of a module stand for; nothing of it can change.
CONSTANT = PLAIN | {BuiltinFunctionType, ModuleType, tuple, frozenset}
# Py_TPFLAGS_HEAPTYPE: made by a class statement.
HEAP_TYPE = 1 << 9
# Whose instances hold no state of the project.
_STATELESS = frozenset(
    ("__future__", "builtins", "types", "functools", "typing", "re", "enum", "abc", "logging", "threading")
    + ("_pytest", "pytest", "winnow_collector")
    # Values that cannot change, whatever they remember for themselves.
    + ("pathlib", "datetime", "decimal", "fractions", "ipaddress", "uuid")
    # What is found in weak containers hangs on objects that somebody else holds, and most of them are of one test.
    + ("weakref", "_weakrefset")
)
# Objects that answer for another one, and keep its answers: only the other one counts.
_FRONTS = {("django.conf", "LazySettings"): "_wrapped"}
# What objects of installed packages make when they are first asked for it, and what is the same whoever asks.
_MADE_LATE = {("click.core", "Command"): "_help_option"}
# What the decorators of `unittest.mock` close over: they put all back when the function that they decorate returns.
_PATCHES = frozenset((module, name) for module in ("unittest.mock", "mock.mock") for name in ("_patch", "_patch_dict"))
_STANDARD_LIBRARY = os.path.join(os.path.dirname(os.__file__), "")
# What unittest notes on each of its classes when it sets one up and tears it down: nothing that a test could find.
_BOOKKEEPING = frozenset(("_classSetupFailed", "_class_cleanups", "tearDown_exceptions"))
# What Django's test classes get anew for each test.
_RENEWED = frozenset(("client", "async_client", "atomics", "cls_atomics"))
# What decorators note on functions.
_NOTES = frozenset(("__wrapped__", "pytestmark", "patchings", "__signature__"))
SEQUENCES = frozenset((list, set, deque, tuple))
_EXACT = SEQUENCES | {dict}
# What is filled as it is used.
FILLED = frozenset((list, dict, set, deque, defaultdict))
# What a derived class has made of their methods is nobody's business here.
_MUTABLE = (dict, list, set, deque)
_CONTAINERS = _MUTABLE + (tuple,)
BOUND = frozenset((staticmethod, classmethod))
# Values of these types are equal to integers, and no integers for all that.
_LIKE_INTEGERS = {bool: 1 << 40, float: 1 << 41, complex: 1 << 42}
_STORE_DEREF = opmap["STORE_DEREF"]
_dict_items = dict.items
# Not `id`: it raises an audit event, which would cost more than the rest.
identity = object.__hash__
# Attributes of classes that are assigned from somewhere: functions by these names count as well.
replaced: Set[str] = set()


def shape_of(value: Any, depth: int) -> int:
    """The number. Raises whatever a container raises that another thread changes meanwhile."""
    return _shape(value, depth, [MAX_VISITS])


def held_by(value: Any) -> Set[int]:
    """Which objects that can change an object leads to, by identity. Raises as `shape_of` does."""
    return set(_held(value, MAX_DEPTH, [MAX_VISITS]))


def can_change(value: Any, module: str) -> bool:
    """Whether anything that counts can change within an object that a name of a module stands for."""
    kind = type(value)
    if kind is tuple:
        return any(map(_is_mutable, value[:MAX_ITEMS]))
    if kind in CONSTANT:
        return False
    if kind is FunctionType:
        return _keeps(value)
    if issubclass(kind, type):
        return value.__dict__.get("__module__") == module and _has_state(value)
    return issubclass(kind, _MUTABLE) or kind is ContextVar or kind is local or _is_instance(kind)


def _is_mutable(value: Any) -> bool:
    kind = type(value)
    return kind is not FunctionType and not issubclass(kind, type) and can_change(value, "")


def _keeps(function: Any, depth: int = MAX_DEPTH) -> bool:
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
            value = cell.cell_contents
        except ValueError:  # nothing is bound yet
            yield None
            continue
        if not _is_patch(type(value)):
            yield value


def _has_state(owner: type, depth: int = MAX_DEPTH) -> bool:
    module = str(owner.__dict__.get("__module__"))
    package = module.split(".")[0]
    for name, value in list(owner.__dict__.items()):
        kind = type(value)
        if kind is staticmethod or kind is classmethod:
            value = value.__func__
            kind = type(value)
        if kind is FunctionType:
            if _keeps(value):
                return True
        elif issubclass(kind, type):
            if depth > 0 and value.__dict__.get("__module__") == module and _has_state(value, depth - 1):
                return True
        elif (value is None and not name.startswith("__")) or issubclass(kind, _MUTABLE):
            return True
        # Of what others have made, such as the fields of a model, too much would be looked at.
        elif kind is ContextVar or (_is_instance(kind) and kind.__module__.split(".")[0] == package):
            return True
    return False


def holds_containers(owner: type) -> bool:
    """Whether whoever has an instance of a class can change what the class holds."""
    return any(
        issubclass(type(value), _MUTABLE) and not name.startswith("__") for name, value in list(owner.__dict__.items())
    )


def _is_instance(kind: type) -> bool:
    """True for instances of classes written in Python, but for some that hold no state of the project."""
    if kind.__module__.split(".")[0] in _STATELESS:
        return False
    return kind.__flags__ & HEAP_TYPE != 0 and not issubclass(kind, ModuleType)


def leaf(value: Any) -> int:
    """Plain values count by what they are, everything else by which object it is."""
    return _hash_of(value) if type(value) in PLAIN else identity(value)


def is_empty(value: Any) -> bool:
    """Whether it is a list, dictionary or set with nothing in it: a fresh one is the same."""
    return type(value) in FILLED and not value


def _hash_of(plain: Any) -> int:
    number = hash(plain)
    if number == -2:
        # Two numbers share that one: -1 and -2.
        number = hash(repr(plain))
    kind = type(plain)
    return number + _LIKE_INTEGERS[kind] if kind in _LIKE_INTEGERS else number


def _shape(value: Any, depth: int, budget: List[int]) -> int:
    """What an object holds: a fresh list of the same objects is the same state."""
    kind = type(value)
    if kind in PLAIN:
        return _hash_of(value)
    if depth <= 0 or budget[0] <= 0:
        return identity(value)
    if is_container(kind):
        size = length_of(kind, value)
        if size > MAX_ITEMS:
            return identity(kind) + size
        items = items_of(kind, value)
        total = identity(kind) + size
    else:
        items = parts_of(kind, value)
        if not items:
            return identity(value)
        size = len(items)
        # Of what a class statement or a function makes, each one is another.
        total = identity(value if kind is FunctionType or issubclass(kind, type) else kind) + size
    if size > MAX_ITEMS:
        return total
    budget[0] -= size
    # Sums, because the order of a cache's entries changes with every use; of squares, because sums of hashes of tuples
    # are often the same when what they are of changes places.
    if depth == 1:
        for key, item in items:
            mark = hash((leaf(key), identity(type(item)) if is_empty(item) else leaf(item)))
            total += mark * mark
    else:
        for key, item in items:
            mark = hash((leaf(key), _shape(item, depth - 1, budget)))
            total += mark * mark
    return total & _MASK


def is_container(kind: type) -> bool:
    """Whether objects of a kind count by what they hold."""
    return kind in _EXACT or issubclass(kind, _CONTAINERS)


def _base_of(kind: type) -> Any:
    return kind if kind in _EXACT else next(base for base in _CONTAINERS if issubclass(kind, base))


def length_of(kind: type, value: Any) -> int:
    """How much a container holds, its attributes aside."""
    length: int = _base_of(kind).__len__(value)
    return length


def items_of(kind: type, value: Any) -> List[Tuple[Any, Any]]:
    """What a container holds, and the attributes of one that has such."""
    base = _base_of(kind)
    items: List[Tuple[Any, Any]]
    if base is dict:
        items = list(_dict_items(value))
    elif base is set:
        items = [(0, item) for item in set.__iter__(value)]
    else:
        items = list(enumerate(base.__iter__(value)))
    return items + parts_of(kind, value) if kind.__flags__ & HEAP_TYPE else items


def parts_of(kind: type, value: Any) -> List[Tuple[Any, Any]]:
    """What an object holds that is no container itself; nothing for one that counts by which it is."""
    if kind is FunctionType:
        return _kept(value)
    if issubclass(kind, type):
        return [(name, inner_of(item)) for name, item in list(value.__dict__.items()) if counts_in(value, name, item)]
    if kind is ContextVar:
        return [(0, value.get(None))]
    if kind is local:
        return list(value.__dict__.items())
    if kind.__flags__ & HEAP_TYPE == 0:
        return []
    layout = layout_of(kind)
    if not layout.counts:
        return []
    if layout.behind is not None:
        return _parts_behind(layout.dictionary.__get__(value).get(layout.behind))
    parts = list(_dict_items(layout.dictionary.__get__(value))) if layout.dictionary is not None else []
    if layout.made_late:
        parts = [(name, item) for name, item in parts if name not in layout.made_late]
    for slot in layout.slots:
        try:
            parts.append((slot.__name__, slot.__get__(value)))
        except AttributeError:  # nothing is bound yet
            pass
    return parts


def _parts_behind(value: Any) -> List[Tuple[Any, Any]]:
    """The kind of an object, and all its attributes as one number: it may have hundreds."""
    attributes = getattr(value, "__dict__", {})
    # Deep enough for what is put into a list or dictionary of settings.
    total = sum(
        hash((leaf(name), _shape(item, MAX_DEPTH, [MAX_VISITS]))) ** 2 for name, item in list(attributes.items())
    )
    return [("kind", identity(type(value))), ("attributes", total & _MASK)]


def inner_of(item: Any) -> Any:
    """What an attribute of a class is for itself: a static method is its function."""
    return item.__func__ if type(item) in BOUND else item


def may_hold(kind: type) -> bool:
    """Whether objects of that type can hold anything that counts."""
    if kind in PLAIN:
        return False
    if kind is FunctionType or kind is ContextVar or kind is local:
        return True
    if is_container(kind) or issubclass(kind, type):
        return True
    return kind.__flags__ & HEAP_TYPE != 0 and layout_of(kind).holds_anything()


def counts_in(owner: type, name: str, item: Any) -> bool:
    """Whether an attribute of a class counts for what the class holds."""
    if name.startswith("__") or name in _BOOKKEEPING or (name in _RENEWED and layout_of(owner).renews):
        return False
    if type(item) is FunctionType:
        return name in replaced or name in layout_of(owner).keeping
    # Tables that enumerations keep of their members, and fill as they are asked.
    return not (name.startswith("_") and name.endswith("_") and issubclass(type(owner), EnumMeta))


class Layout:
    """What is known of a class: where its instances keep what they hold, and which of its methods keep anything."""

    __slots__ = ("owner", "counts", "dictionary", "slots", "keeping", "behind", "made_late", "renews")

    def __init__(self, owner: type) -> None:
        self.owner = ref(owner)
        self.counts = _is_instance(owner)
        self.dictionary: Any = None
        self.slots: List[Any] = []
        # The attribute that holds what an object of this kind answers for.
        self.behind = _FRONTS.get((owner.__module__, owner.__name__))
        late = [base for base in owner.__mro__ if (base.__module__, base.__name__) in _MADE_LATE and _is_foreign(base)]
        self.made_late = frozenset(_MADE_LATE[base.__module__, base.__name__] for base in late)
        self.renews = any(base.__module__ == "django.test.testcases" for base in owner.__mro__)
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

    def holds_anything(self) -> bool:
        """Whether its instances keep anything, and that counts."""
        return self.counts and (self.dictionary is not None or len(self.slots) > 0)


def _is_foreign(owner: type) -> bool:
    """Whether a class is installed or Python's own: a project may be the one that makes it."""
    file = getattr(sys.modules.get(owner.__module__), "__file__", None)
    return file is not None and (package_of(file) is not None or file.startswith(_STANDARD_LIBRARY))


# By identity: a class may have a hash of its own.
_layouts: Dict[int, Layout] = {}


def layout_of(owner: type) -> Layout:
    layout = _layouts.get(identity(owner))
    if layout is None or layout.owner() is not owner:
        layout = _layouts[identity(owner)] = Layout(owner)
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


def _is_patch(kind: type) -> bool:
    return (kind.__module__, kind.__name__) in _PATCHES and _is_foreign(kind)


def _held(value: Any, depth: int, budget: List[int]) -> Iterator[int]:
    """Which objects that can change an object leads to."""
    kind = type(value)
    if (kind in CONSTANT and kind is not tuple) or depth <= 0 or budget[0] <= 0:
        return
    if is_container(kind):
        # Of a large one only the size counts.
        is_small = _base_of(kind).__len__(value) <= MAX_ITEMS
        items = [item for _, item in items_of(kind, value)] if is_small else [None] * (MAX_ITEMS + 1)
    else:
        items = [item for _, item in parts_of(kind, value)]
        if not items:
            return
    if kind is not tuple:
        yield identity(value)
    if len(items) <= MAX_ITEMS:
        budget[0] -= len(items)
        for item in items:
            yield from _held(item, depth - 1, budget)
