"""A quick look at an object that was looked at before: is it for certain what it was?

Nearly all state is as it was. So what was seen is kept, as deep as `shapes` looks, and compared by the interpreter's
own loops: plain values by what they are, everything else by which object it is. A glance that sees a difference proves
nothing: then `shapes` has the word.

Many names lead to the same objects, and nothing of the project runs between the first and the last question of one
*round*: what two glances look into at the same depth is one glance, and once in a round is enough.

What must stay true:
- A glance covers whatever the shape of the object covers: in the same order, within the same bounds.
- Nothing of the project runs in here: before values are compared they are known to be of the plain types.
- Nothing is kept alive but values of these types, which cannot notice.
"""

from itertools import chain
from operator import attrgetter, itemgetter, not_
from types import FunctionType
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple
from weakref import WeakValueDictionary

from .shapes import (
    BOUND,
    FILLED,
    HEAP_TYPE,
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_VISITS,
    PLAIN,
    SEQUENCES,
    Layout,
    counts_in,
    identity,
    inner_of,
    is_container,
    items_of,
    layout_of,
    length_of,
    may_hold,
    parts_of,
    replaced,
)

Getter = Callable[[Sequence[Any]], Tuple[Any, ...]]
Contents = Tuple[Optional[Sequence[Any]], Sequence[Any]]
# All false where a function keeps nothing.
KEPT_BY = attrgetter("__dict__", "__defaults__", "__kwdefaults__", "__closure__")
FUNCTION_OF = attrgetter("__func__")
_keys, _values = dict.keys, dict.values


def glance_at(value: Any, depth: int = MAX_DEPTH) -> "Optional[Glance]":
    """A glance for the next time; None for what cannot hold anything. Raises as `shape_of` does."""
    return _glance_at(value, depth, [MAX_VISITS]) if may_hold(type(value)) else None


def begin_round() -> None:
    """Code has run since the last question: what was seen then may be otherwise."""
    global _round
    _round += 1


def forget() -> None:
    """Nothing is asked any more: keep nothing for the interpreter to take down, piece by piece, when it ends."""
    _shared.clear()


_round = 0
# By which object they look at, and how deep.
_shared: "WeakValueDictionary[Tuple[int, int], Glance]" = WeakValueDictionary()


def _glance_at(value: Any, depth: int, budget: List[int]) -> "Glance":
    """One that is there already, if it shows what the object is now and what a new one would look at."""
    key = identity(value), depth
    known = _shared.get(key)
    if known is not None and known.visits < budget[0] and known.holds(value):
        budget[0] -= known.visits
        return known
    before = budget[0]
    glance = Glance(value, depth, budget)
    glance.visits = before - budget[0]
    # With anything left nothing was cut off.
    if budget[0] > 0:
        _shared[key] = glance
    return glance


class Glance:
    """What an object looked like, and what it held."""

    __slots__ = (
        "__weakref__",
        "visits",
        "_round",
        "kind",
        "_object",
        "_by_contents",
        "_replaced",
        "read",
        "_size",
        "is_sized",
        "_names",
        "_values",
        "inner",
        "bound",
        "bare",
        "bare_bound",
        "deeper",
        "_empty",
    )

    def __init__(self, value: Any, depth: int, budget: List[int]) -> None:
        # How much of a budget it takes.
        self.visits = 0
        # In which round it held, for which object.
        self._round = _round
        self._object = identity(value)
        kind = self.kind = type(value)
        self.read = _reader_of(kind)
        names, values = self.read(value)
        is_class = issubclass(kind, type)
        # Containers count by what they hold, and so do instances, but for empty ones.
        self._by_contents = is_container(kind) or (len(values) > 0 and not is_class and kind is not FunctionType)
        # Functions of a class may come to count when more names are assigned from somewhere.
        self._replaced = len(replaced) if is_class else -1
        self._size = len(values)
        # It is so large that only the size counts.
        self.is_sized = False
        self._names: Optional[_Row] = None
        self._values: Optional[_Row] = None
        # What is looked into, by position; and what lies behind the static methods and the like of a class.
        self.inner: List[Tuple[int, Glance]] = []
        self.bound: List[Tuple[int, Glance]] = []
        # Functions that keep nothing, and such functions behind static methods and the like.
        self.bare: Optional[Getter] = None
        self.bare_bound: Optional[Getter] = None
        # What is not looked into, and whether there is anything in it.
        self.deeper: Optional[Getter] = None
        self._empty: List[bool] = []
        counted = list(range(len(values)))
        if is_container(kind) and length_of(kind, value) > MAX_ITEMS:
            self.is_sized = True
            self._size = length_of(kind, value)
            return
        if is_class:
            counted = [at for at, (name, item) in enumerate(value.__dict__.items()) if counts_in(value, name, item)]
        elif not is_container(kind) and self._size > MAX_ITEMS:
            self.is_sized = True
            return
        self._names = None if names is None else _Row(names)
        self._values = _Row(values)
        if len(counted) > MAX_ITEMS:
            return
        budget[0] -= len(counted)
        if depth <= 1:
            self.deeper = getter([at for at in counted if type(values[at]) in FILLED])
            if self.deeper is not None:
                self._empty = list(map(not_, self.deeper(values)))
            return
        bare: List[int] = []
        bare_bound: List[int] = []
        for at in counted:
            item = values[at]
            is_bound = is_class and type(item) in BOUND
            if is_bound:
                item = inner_of(item)
            if budget[0] > 0 and may_hold(type(item)):
                if type(item) is FunctionType and not any(KEPT_BY(item)):
                    (bare_bound if is_bound else bare).append(at)
                else:
                    (self.bound if is_bound else self.inner).append((at, _glance_at(item, depth - 1, budget)))
        self.bare = getter(bare)
        self.bare_bound = getter(bare_bound)

    def size_of(self, value: Any) -> int:
        """What counts of an object of which only the size does."""
        return length_of(self.kind, value) if is_container(self.kind) else len(self.read(value)[1])

    def holds(self, value: Any) -> bool:
        """True only if everything that counts is as it was. Raises as `shape_of` does."""
        if identity(value) == self._object:
            return self._round == _round or self._holds(value)
        if not self._by_contents:
            return False
        # Another one with the same contents: of the one that this is about nothing is known by that.
        before = self._round
        holds = self._holds(value)
        self._round = before
        return holds

    def _holds(self, value: Any) -> bool:
        """The same for the object that it is known to be about, or one that counts by its contents."""
        if type(value) is not self.kind:
            return False
        if self._replaced >= 0 and self._replaced != len(replaced):
            return False
        if self.is_sized:
            if self.size_of(value) != self._size:
                return False
            self._round = _round
            return True
        names, values = self.read(value)
        if len(values) != self._size:
            return False
        if self._values is not None:
            if not self._values.holds(values) or (self._names is not None and not self._names.holds(names or ())):
                return False
            if self.bare is not None and any(chain.from_iterable(map(KEPT_BY, self.bare(values)))):
                return False
            if self.bare_bound is not None:
                functions = map(FUNCTION_OF, self.bare_bound(values))
                if any(chain.from_iterable(map(KEPT_BY, functions))):
                    return False
            if self.deeper is not None and list(map(not_, self.deeper(values))) != self._empty:
                return False
            # Which objects these are, the values have told.
            for at, glance in self.inner:
                if glance._round != _round and not glance._holds(values[at]):
                    return False
            for at, glance in self.bound:
                if glance._round != _round and not glance._holds(inner_of(values[at])):
                    return False
        self._round = _round
        return True


class _Row:
    """Some objects in order."""

    __slots__ = ("_identities", "_plain", "_seen", "_kinds", "_others", "_other_identities")

    def __init__(self, items: Sequence[Any]) -> None:
        # Plain values are kept, so nothing else can come to be where they are.
        self._identities = list(map(identity, items))
        plain = [at for at, item in enumerate(items) if type(item) in PLAIN]
        others = [at for at, item in enumerate(items) if type(item) not in PLAIN]
        # Where all of them are of one sort, as names are, there is nothing to pick.
        self._plain = getter(plain) if others else tuple
        self._others = getter(others) if plain else None if not others else tuple
        self._seen: Tuple[Any, ...] = () if self._plain is None else self._plain(items)
        # `True` is equal to 1.
        self._kinds = list(map(type, self._seen))
        self._other_identities = [] if self._others is None else list(map(identity, self._others(items)))

    def holds(self, items: Sequence[Any]) -> bool:
        """Whether they are the same, of as many as there were."""
        if list(map(identity, items)) == self._identities:
            return True
        if self._plain is None:
            return False
        if self._others is not None and list(map(identity, self._others(items))) != self._other_identities:
            return False
        plain = self._plain(items)
        return list(map(type, plain)) == self._kinds and plain == self._seen


def getter(places: Optional[Sequence[int]]) -> Optional[Getter]:
    """Picks what is at these places, and something of it twice; None for no place."""
    # Of one place alone it would give the item and no tuple.
    return itemgetter(*places, places[0]) if places else None


def _reader_of(kind: type) -> Callable[[Any], Contents]:
    """Tells what objects of a kind hold, with the names where it has names. Of a class also what does not count."""
    read = _readers.get(kind)
    if read is not None:
        return read
    if is_container(kind):
        return _items
    if issubclass(kind, type):
        return _class_contents
    attributes_of = attributes_reader(kind)
    return _parts if attributes_of is None else _contents_by(attributes_of)


def attributes_reader(kind: type) -> Optional[Callable[[Any], Dict[str, Any]]]:
    """Tells the attributes of instances that hold nothing but these; None for other kinds of objects."""
    layout = layout_of(kind) if is_container(kind) and has_attributes(kind) else _layout_of_instances(kind)
    if layout is None or layout.dictionary is None or layout.slots:
        return None
    read: Callable[[Any], Dict[str, Any]] = layout.dictionary.__get__
    return read


def has_attributes(kind: type) -> Optional[bool]:
    """Whether attributes of a kind of containers count, all of them in a dictionary; None where they are elsewhere."""
    if kind.__flags__ & HEAP_TYPE == 0:
        return False
    layout = layout_of(kind)
    if not layout.counts or (layout.dictionary is None and not layout.slots and layout.behind is None):
        return False
    return None if layout.slots or layout.behind is not None or layout.made_late else True


def slots_of(kind: type) -> Sequence[Callable[[Any], Any]]:
    """Tells what each slot of instances holds that hold nothing but these; none for other kinds of objects."""
    layout = _layout_of_instances(kind)
    if layout is None or layout.dictionary is not None:
        return ()
    return [slot.__get__ for slot in layout.slots]


def _layout_of_instances(kind: type) -> Optional[Layout]:
    """Where instances of a class keep what they hold, if that counts and they are nothing else."""
    if kind in _readers or kind.__flags__ & HEAP_TYPE == 0 or is_container(kind) or issubclass(kind, type):
        return None
    layout = layout_of(kind)
    return layout if layout.counts and layout.behind is None else None


def _sequence_contents(value: Any) -> Contents:
    return None, list(value)


def _dict_contents(value: Any) -> Contents:
    return list(_keys(value)), list(_values(value))


def _class_contents(value: Any) -> Contents:
    items = value.__dict__
    return list(items), list(items.values())


def _contents_by(attributes_of: Callable[[Any], Dict[str, Any]]) -> Callable[[Any], Contents]:
    def read(value: Any) -> Contents:
        attributes = attributes_of(value)
        return list(_keys(attributes)), list(_values(attributes))

    return read


def _items(value: Any) -> Contents:
    items = items_of(type(value), value)
    return [name for name, _ in items], [item for _, item in items]


def _parts(value: Any) -> Contents:
    parts = parts_of(type(value), value)
    return [name for name, _ in parts], [item for _, item in parts]


_readers: Dict[type, Callable[[Any], Contents]] = {kind: _sequence_contents for kind in SEQUENCES}
_readers[dict] = _dict_contents
