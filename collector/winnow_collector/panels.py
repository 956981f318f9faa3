"""Many glances at once: is everything for certain what it was, that a set of names leads to?

Tests of one file run the same code, mostly, so the same names are asked about again and again, and mostly nothing has
changed. A panel reads what all their glances look into, each object once, in the interpreter's own loops. What it sees
otherwise proves nothing, as with a glance: then each name is asked about for itself.

What must stay true:
- A panel covers whatever its glances cover, and is made of those only that hold at that moment.
- Nothing of the project runs in here, and nothing is kept alive but values of the plain types.
"""

from itertools import chain, compress, repeat
from operator import attrgetter, is_, not_
from types import FunctionType
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from .glances import FUNCTION_OF, KEPT_BY, Glance, attributes_reader, getter, has_attributes, slots_of
from .shapes import PLAIN, SEQUENCES, counts_in, identity, inner_of, replaced

_class_items = attrgetter("__dict__")
_length, _keys, _values = dict.__len__, dict.keys, dict.values
_CONTENT = attrgetter("cell_contents")
_NOTHING = object()


class Root(NamedTuple):
    """A name, and the glance at what it stands for; without one it only matters which object that is."""

    namespace: Dict[str, Any]
    name: str
    glance: Optional[Glance]


class Panel:
    """What some names lead to. Raises what a container raises that another thread changes meanwhile."""

    def __init__(self, roots: Sequence[Root]) -> None:
        self._places = [(root.namespace, root.name) for root in roots]
        self._replaced = len(replaced)
        found = self._roots()
        needs = _Needs()
        for root, value in zip(roots, found):
            if root.glance is not None:
                needs.add(root.glance, value)
        self._first = _Same(found)
        self._kinds = _Same(map(type, found))
        self._stages: List[_Stage] = []
        are_checked = [True] * len(found)
        while True:
            stage = _Stage(found, are_checked, needs)
            if stage.is_idle:
                break
            self._stages.append(stage)
            found, are_checked = stage.learn(found)
        if needs.are_left():
            raise ValueError("not all that is looked into is found")

    def _roots(self) -> List[Any]:
        return [namespace.get(name, _NOTHING) for namespace, name in self._places]

    def holds(self) -> bool:
        """True only if everything is as it was."""
        # Functions of classes may come to count when more names are assigned from somewhere.
        if self._replaced != len(replaced):
            return False
        found = self._roots()
        if not self._first.holds(found) or not self._kinds.holds(map(type, found)):
            return False
        for stage in self._stages:
            read = stage.read(found)
            if read is None:
                return False
            found = read
        return True


class _Needs:
    """All that some glances look into, by which object it is; each is taken once."""

    def __init__(self) -> None:
        self.read: Dict[int, Glance] = {}
        # Static methods and the like, by themselves: their functions are looked into, or what else is behind them.
        self.bound: Set[int] = set()
        self.behind: Dict[int, Glance] = {}
        # Functions that keep nothing, and containers of which it only matters whether they are empty.
        self.bare: Set[int] = set()
        self.bare_bound: Set[int] = set()
        self.empty: Set[int] = set()
        self._done: Set[Tuple[int, int]] = set()

    def are_left(self) -> bool:
        """Whether anything is still to be found."""
        return any((self.read, self.bound, self.behind, self.bare, self.bare_bound, self.empty))

    def add(self, glance: Glance, value: Any, wrapper: Optional[int] = None) -> None:
        """Everything that a glance looks into. Raises as a glance does."""
        # A glance that counts by contents may be about an equal one.
        key = identity(glance), identity(value)
        if key in self._done:
            return
        self._done.add(key)
        if wrapper is not None and glance.kind is FunctionType:
            self.bound.add(wrapper)
        elif wrapper is not None:
            self.behind[wrapper] = glance
        else:
            # Glances at different depths read the same.
            self.read[identity(value)] = glance
        if glance.is_sized:
            return
        _, values = glance.read(value)
        for pick, which in (
            (glance.bare, self.bare),
            (glance.bare_bound, self.bare_bound),
            (glance.deeper, self.empty),
        ):
            if pick is not None:
                which.update(map(identity, pick(values)))
        for at, inner in glance.inner:
            self.add(inner, values[at])
        for at, inner in glance.bound:
            self.add(inner, inner_of(values[at]), identity(values[at]))


class _Stage:
    """What is read of some objects, and what that was."""

    def __init__(self, objects: List[Any], are_checked: List[bool], needs: _Needs) -> None:
        places: Dict[str, List[int]] = {}
        others: List[Tuple[int, bool, Glance]] = []
        for at, item in compress(enumerate(objects), are_checked):
            number = identity(item)
            glance = needs.read.pop(number, None)
            sorts = () if glance is None else _sorts_of(glance)
            for sort in sorts:
                places.setdefault(sort, []).append(at)
            if glance is not None and not sorts:
                others.append((at, False, glance))
            glance = needs.behind.pop(number, None)
            if glance is not None:
                others.append((at, True, glance))
            for which, sort in (
                (needs.bound, "bound"),
                (needs.bare, "bare"),
                (needs.bare_bound, "bare bound"),
                (needs.empty, "empty"),
            ):
                if number in which:
                    which.remove(number)
                    places.setdefault(sort, []).append(at)
        self.is_idle = not places and not others
        self._bare = getter(places.get("bare"))
        self._bare_bound = getter(places.get("bare bound"))
        self._empty = getter(places.get("empty"))
        self._are_empty = [] if self._empty is None else list(map(not_, self._empty(objects)))
        # Containers of which only the size counts.
        self._sized = getter(places.get("sized"))
        self._sequences = getter(places.get("sequence"))
        self._dicts = getter(places.get("dict"))
        self._classes = getter(places.get("class"))
        self._functions = getter(places.get("function"))
        self._bound = getter(places.get("bound"))
        self._instances = getter(places.get("instance"))
        instances = [] if self._instances is None else self._instances(objects)
        self._attributes_of = [attributes_reader(type(item)) for item in instances]
        self._slotted = getter(places.get("slotted"))
        slotted = [] if self._slotted is None else self._slotted(objects)
        self._slots_of = [slots_of(type(item)) for item in slotted]
        # By position: whether it lies behind a static method or the like, how it is read, or measured if that is all.
        self._others = [
            (at, is_bound, glance.read, glance.size_of if glance.is_sized else None) for at, is_bound, glance in others
        ]
        self._kinds = _Same(map(type, chain.from_iterable(self._picked(objects))))

    def learn(self, objects: List[Any]) -> Tuple[List[Any], List[bool]]:
        """What these hold, from now on to be found again; and at which places it is looked which objects these are."""
        names, found, self._sizes = self._contents(objects)
        self._names = _Names(names)
        idle, functions = self._uncounted(objects)
        places = range(len(found))
        self._are_plain = [type(item) in PLAIN and at not in idle for at, item in enumerate(found)]
        self._plain = list(compress(found, self._are_plain))
        self._are_functions = [at in functions for at in places]
        self._are_objects = [not self._are_plain[at] and at not in idle and at not in functions for at in places]
        self._objects = _Same(compress(found, self._are_objects))
        return found, self._are_objects

    def _uncounted(self, objects: List[Any]) -> Tuple[Set[int], Set[int]]:
        """Places of attributes of classes that never count, and of such as do not for as long as they are functions."""
        idle: Set[int] = set()
        functions: Set[int] = set()
        if self._classes is not None:
            items = [(each, *pair) for each in self._classes(objects) for pair in _class_items(each).items()]
            for at, (each, name, item) in enumerate(items):
                if not counts_in(each, name, item):
                    (functions if type(item) is FunctionType else idle).add(at)
        return idle, functions

    def read(self, objects: List[Any]) -> Optional[List[Any]]:
        """What these hold, in the order in which it was found at first; None if anything differs."""
        if not self._kinds.holds(map(type, chain.from_iterable(self._picked(objects)))):
            return None
        if self._bare is not None and any(chain.from_iterable(map(KEPT_BY, self._bare(objects)))):
            return None
        if self._bare_bound is not None:
            if any(chain.from_iterable(map(KEPT_BY, map(FUNCTION_OF, self._bare_bound(objects))))):
                return None
        if self._empty is not None and list(map(not_, self._empty(objects))) != self._are_empty:
            return None
        names, found, sizes = self._contents(objects)
        if sizes != self._sizes or not self._names.holds(names):
            return None
        if not all(map(is_, map(type, compress(found, self._are_functions)), repeat(FunctionType))):
            return None
        if not all(map(is_, compress(found, self._are_plain), self._plain)):
            return None
        return found if self._objects.holds(compress(found, self._are_objects)) else None

    def _picked(self, objects: List[Any]) -> Iterable[Sequence[Any]]:
        """All that is read, or asked whether it is empty: only of what is of the known types this runs nothing."""
        picks = (
            self._empty,
            self._sized,
            self._sequences,
            self._dicts,
            self._classes,
            self._functions,
            self._instances,
            self._slotted,
        )
        yield from [pick(objects) for pick in picks if pick is not None]
        yield [inner_of(objects[at]) if is_bound else objects[at] for at, is_bound, _, _ in self._others]

    def _contents(self, objects: List[Any]) -> Tuple[List[Any], List[Any], List[int]]:
        """Names of attributes, and keys; what they stand for, and all else that is held; how much each object holds."""
        names: List[Iterable[Any]] = []
        found: List[Iterable[Any]] = []
        sizes: List[int] = []
        # First of all, as what does not count is known by its place.
        if self._classes is not None:
            for items in map(_class_items, self._classes(objects)):
                sizes.append(len(items))
                names.append(items)
                found.append(items.values())
        if self._instances is not None:
            for read, item in zip(self._attributes_of, self._instances(objects)):
                # These may be of a class of the project's.
                attributes = read(item)
                sizes.append(_length(attributes))
                names.append(_keys(attributes))
                found.append(_values(attributes))
        if self._slotted is not None:
            found.append(_slots(self._slots_of, self._slotted(objects)))
        if self._sized is not None:
            sizes += map(len, self._sized(objects))
        if self._sequences is not None:
            sequences = self._sequences(objects)
            sizes += map(len, sequences)
            found += sequences
        if self._dicts is not None:
            # These may be of a class of the project's, too.
            dicts = self._dicts(objects)
            sizes += map(_length, dicts)
            names += map(_keys, dicts)
            found += map(_values, dicts)
        if self._functions is not None:
            _add_kept(self._functions(objects), names, found, sizes)
        if self._bound is not None:
            _add_kept(map(FUNCTION_OF, self._bound(objects)), names, found, sizes)
        for at, is_bound, read, size_of in self._others:
            item = inner_of(objects[at]) if is_bound else objects[at]
            if size_of is not None:
                sizes.append(size_of(item))
                continue
            own, values = read(item)
            sizes.append(len(values))
            names.append(own or ())
            found.append(values)
        return list(chain.from_iterable(names)), list(chain.from_iterable(found)), sizes


def _slots(readers: Iterable[Sequence[Any]], items: Iterable[Any]) -> List[Any]:
    """What the slots of some objects hold."""
    found: List[Any] = []
    for slots, item in zip(readers, items):
        for read in slots:
            try:
                found.append(read(item))
            except AttributeError:  # nothing is bound yet
                found.append(_NOTHING)
    return found


def _add_kept(
    functions: Iterable[Any], names: List[Iterable[Any]], found: List[Iterable[Any]], sizes: List[int]
) -> None:
    """What functions keep."""
    notes, defaults, named, closures = zip(*map(KEPT_BY, functions))
    defaults, closures = [each or () for each in defaults], [each or () for each in closures]
    named = [{} if each is None else each for each in named]
    sizes += map(_length, chain(notes, named))
    sizes += map(len, chain(defaults, closures))
    names += map(_keys, chain(notes, named))
    found += map(_values, chain(notes, named))
    found += defaults
    found.append(_contents_of(list(chain.from_iterable(closures))))


def _contents_of(cells: List[Any]) -> List[Any]:
    """What names stand for that are closed over."""
    try:
        return list(map(_CONTENT, cells))
    except ValueError:  # to one of them nothing is bound yet
        return list(map(_content_of, cells))


def _content_of(cell: Any) -> Any:
    """What a name stands for that is closed over."""
    try:
        return cell.cell_contents
    except ValueError:  # nothing is bound yet
        return _NOTHING


def _sorts_of(glance: Glance) -> Sequence[str]:
    """How its object is read along with others; not at all if by itself."""
    kind = glance.kind
    if kind is dict or kind in SEQUENCES:
        return ("sized",) if glance.is_sized else ("dict",) if kind is dict else ("sequence",)
    if issubclass(kind, type):
        return ("class",)
    if glance.is_sized:
        return ()
    if kind is FunctionType:
        return ("function",)
    if issubclass(kind, dict):
        return {True: ("dict", "instance"), False: ("dict",), None: ()}[has_attributes(kind)]
    return ("instance",) if attributes_reader(kind) is not None else ("slotted",) if slots_of(kind) else ()


class _Names:
    """Names in order, and keys, which may be anything."""

    __slots__ = ("_length", "_are_plain", "_plain", "_others")

    def __init__(self, names: List[Any]) -> None:
        are_plain = [type(name) in PLAIN for name in names]
        self._length = len(names)
        self._plain = list(compress(names, are_plain))
        # Most are.
        self._are_plain = None if all(are_plain) else are_plain
        self._others = _Same(name for name in names if type(name) not in PLAIN)

    def holds(self, names: List[Any]) -> bool:
        """Whether they are the same."""
        if len(names) != self._length:
            return False
        if self._are_plain is None:
            return all(map(is_, names, self._plain))
        others = compress(names, map(not_, self._are_plain))
        return all(map(is_, compress(names, self._are_plain), self._plain)) and self._others.holds(others)


class _Same:
    """Which objects these were, as a number that differs, nearly always, if anything differs."""

    __slots__ = ("_number", "_kept")

    def __init__(self, items: Iterable[Any]) -> None:
        known = list(items)
        self._number = hash(tuple(map(identity, known)))
        # So that nothing else can come to be where these are.
        self._kept = [item for item in known if type(item) in PLAIN]

    def holds(self, items: Iterable[Any]) -> bool:
        """Whether they are the same, in the same order."""
        return hash(tuple(map(identity, items))) == self._number
