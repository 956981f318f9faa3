"""A quick look at an object that was looked at before: is it for certain what it was?

Nearly all state is as it was. So what was seen is kept, as deep as `shapes` looks, and compared by the interpreter's
own loops: plain values by what they are, everything else by which object it is. A glance that sees a difference proves
nothing: then `shapes` has the word.

What must stay true:
- A glance covers whatever the shape of the object covers: in the same order, within the same bounds.
- Nothing of the project runs in here: before values are compared they are known to be of the plain types.
- Nothing is kept alive but values of these types, which cannot notice.
"""

from itertools import chain
from operator import attrgetter, itemgetter
from types import FunctionType
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from .shapes import (
    FILLED,
    HEAP_TYPE,
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_VISITS,
    PLAIN,
    SEQUENCES,
    counts_in,
    identity,
    inner_of,
    is_container,
    is_empty,
    items_of,
    layout_of,
    may_hold,
    parts_of,
    replaced,
)

_Getter = Callable[[Sequence[Any]], Tuple[Any, ...]]
_Contents = Tuple[Optional[Sequence[Any]], Sequence[Any]]
# All false where a function keeps nothing.
_kept_by = attrgetter("__dict__", "__defaults__", "__kwdefaults__", "__closure__")
_keys, _values = dict.keys, dict.values


def glance_at(value: Any, depth: int = MAX_DEPTH) -> "Optional[Glance]":
    """A glance for the next time; None for what cannot hold anything. Raises as `shape_of` does."""
    return Glance(value, depth, [MAX_VISITS]) if may_hold(type(value)) else None


class Glance:
    """What an object looked like, and what it held."""

    __slots__ = (
        "_kind",
        "_identity",
        "_replaced",
        "_read",
        "_size",
        "_names",
        "_values",
        "_inner",
        "_bare",
        "_deeper",
        "_empty",
    )

    def __init__(self, value: Any, depth: int, budget: List[int]) -> None:
        kind = self._kind = type(value)
        self._read = _reader_of(kind)
        names, values = self._read(value)
        is_class = issubclass(kind, type)
        # Containers count by what they hold, and so do instances, but for empty ones.
        by_contents = is_container(kind) or (len(values) > 0 and not is_class and kind is not FunctionType)
        self._identity = None if by_contents else identity(value)
        # Functions of a class may come to count when more names are assigned from somewhere.
        self._replaced = len(replaced) if is_class else -1
        self._size = len(values)
        self._names: Optional[_Row] = None
        self._values: Optional[_Row] = None
        # What is looked into, by position.
        self._inner: List[Tuple[int, Glance]] = []
        # Functions that keep nothing.
        self._bare: Optional[_Getter] = None
        # What is not looked into, and whether there is anything in it.
        self._deeper: Optional[_Getter] = None
        self._empty: List[bool] = []
        counted = list(range(len(values)))
        if is_class:
            counted = [at for at, (name, item) in enumerate(value.__dict__.items()) if counts_in(value, name, item)]
        elif self._size > MAX_ITEMS:
            return
        self._names = None if names is None else _Row(names)
        self._values = _Row(values)
        if len(counted) > MAX_ITEMS:
            return
        budget[0] -= len(counted)
        if depth <= 1:
            self._deeper = _getter([at for at in counted if type(values[at]) in FILLED])
            if self._deeper is not None:
                self._empty = list(map(is_empty, self._deeper(values)))
            return
        bare = []
        for at in counted:
            if budget[0] > 0 and may_hold(type(values[at])):
                if type(values[at]) is FunctionType and not any(_kept_by(values[at])):
                    bare.append(at)
                else:
                    self._inner.append((at, Glance(values[at], depth - 1, budget)))
        self._bare = _getter(bare)

    def holds(self, value: Any) -> bool:
        """True only if everything that counts is as it was. Raises as `shape_of` does."""
        if type(value) is not self._kind or (self._identity is not None and identity(value) != self._identity):
            return False
        if self._replaced >= 0 and self._replaced != len(replaced):
            return False
        names, values = self._read(value)
        if len(values) != self._size:
            return False
        if self._values is None:
            return True
        if not self._values.holds(values) or (self._names is not None and not self._names.holds(names or ())):
            return False
        if self._bare is not None and any(chain.from_iterable(map(_kept_by, self._bare(values)))):
            return False
        if self._deeper is not None and list(map(is_empty, self._deeper(values))) != self._empty:
            return False
        for at, glance in self._inner:
            if not glance.holds(values[at]):
                return False
        return True


class _Row:
    """Some objects in order."""

    __slots__ = ("_plain", "_seen", "_kinds", "_others", "_identities")

    def __init__(self, items: Sequence[Any]) -> None:
        plain = [at for at, item in enumerate(items) if type(item) in PLAIN]
        others = [at for at, item in enumerate(items) if type(item) not in PLAIN]
        # Where all of them are of one sort, as names are, there is nothing to pick.
        self._plain = _getter(plain) if others else tuple
        self._others = _getter(others) if plain else None if not others else tuple
        self._seen: Tuple[Any, ...] = () if self._plain is None else self._plain(items)
        # `True` is equal to 1.
        self._kinds = list(map(type, self._seen))
        self._identities = [] if self._others is None else list(map(identity, self._others(items)))

    def holds(self, items: Sequence[Any]) -> bool:
        """Whether they are the same, of as many as there were."""
        if self._others is not None and list(map(identity, self._others(items))) != self._identities:
            return False
        if self._plain is None:
            return True
        plain = self._plain(items)
        return list(map(type, plain)) == self._kinds and plain == self._seen


def _getter(places: List[int]) -> Optional[_Getter]:
    # Of one place alone it would give the item and no tuple.
    return itemgetter(*places, places[0]) if places else None


def _reader_of(kind: type) -> Callable[[Any], _Contents]:
    """Tells what objects of a kind hold, with the names where it has names. Of a class also what does not count."""
    read = _readers.get(kind)
    if read is not None:
        return read
    if is_container(kind):
        return _items
    if issubclass(kind, type):
        return _class_contents
    if kind.__flags__ & HEAP_TYPE:
        layout = layout_of(kind)
        if layout.counts and layout.dictionary is not None and not layout.slots and layout.behind is None:
            return _contents_by(layout.dictionary.__get__)
    return _parts


def _sequence_contents(value: Any) -> _Contents:
    return None, list(value)


def _dict_contents(value: Any) -> _Contents:
    return list(_keys(value)), list(_values(value))


def _class_contents(value: Any) -> _Contents:
    items = value.__dict__
    return list(items), list(map(inner_of, items.values()))


def _contents_by(attributes_of: Callable[[Any], Dict[str, Any]]) -> Callable[[Any], _Contents]:
    def read(value: Any) -> _Contents:
        attributes = attributes_of(value)
        return list(attributes), list(attributes.values())

    return read


def _items(value: Any) -> _Contents:
    items = items_of(type(value), value)
    return [name for name, _ in items], [item for _, item in items]


def _parts(value: Any) -> _Contents:
    parts = parts_of(type(value), value)
    return [name for name, _ in parts], [item for _, item in parts]


_readers: Dict[type, Callable[[Any], _Contents]] = {kind: _sequence_contents for kind in SEQUENCES}
_readers[dict] = _dict_contents
