"""Glances at objects: what they hold for certain, and that they never hold where the shape differs."""

import enum
import gc
import random
import weakref
from collections import deque

import pytest
from conftest import Explosive

pytestmark = pytest.mark.usefixtures("importable")


class Settings:
    limit = 3
    name = "x"

    @property
    def double(self):
        return self.limit * 2

    @classmethod
    def make(cls, size=1):
        return cls()

    @staticmethod
    def plain():
        return 1

    def method(self):
        return 1


class Holder:
    def __init__(self):
        self.content = 1
        self.other = "x"


def flat_objects():
    class Mine(Settings):
        limit = 5
        count = 1000

        @staticmethod
        def plain():
            return 2

    return [
        {"a": 1, "b": None},
        [1, 2, "x"],
        {1, 2},
        deque([1, 2]),
        Holder(),
        Mine,
    ]


CHANGES = {
    dict: [
        lambda it: it.update(a=2),
        lambda it: it.pop("b"),
        lambda it: it.update(c=1),
        lambda it: it.update(a=Explosive()),
        lambda it: it.update(a=[]),
    ],
    list: [
        lambda it: it.append(1),
        lambda it: it.reverse(),
        lambda it: it.__setitem__(0, Explosive()),
        lambda it: it.clear(),
    ],
    set: [lambda it: it.add(3), lambda it: it.remove(1)],
    deque: [lambda it: it.append(3), lambda it: it.popleft()],
    Holder: [
        lambda it: setattr(it, "content", 2),
        lambda it: setattr(it, "content", Explosive()),
        lambda it: setattr(it, "more", 2),
        lambda it: delattr(it, "other"),
    ],
    type: [
        lambda it: setattr(it, "limit", 6),
        lambda it: setattr(it, "limit", Explosive()),
        lambda it: setattr(it, "more", 6),
        lambda it: delattr(it, "limit"),
        lambda it: setattr(it, "plain", staticmethod(lambda: 3)),
        lambda it: setattr(it.plain, "note", 3),
        lambda it: setattr(it.plain, "__defaults__", (3,)),
    ],
}


@pytest.mark.parametrize("number", range(len(flat_objects())))
def test_a_glance_holds_until_something_changes(number):
    from winnow_collector.glances import begin_round, glance_at

    kind = type(flat_objects()[number])
    for change in CHANGES[kind]:
        it = flat_objects()[number]
        glance = glance_at(it)
        assert glance is not None and glance.holds(it) and glance.holds(it)
        change(it)
        begin_round()
        assert not glance.holds(it)


def test_once_in_a_round_is_enough_for_all_that_look_at_the_same_object():
    from winnow_collector.glances import begin_round, glance_at

    inner = {"a": 1}
    one, other = [inner], {"inner": inner}
    glances = [(glance_at(it), it) for it in (one, other)]
    begin_round()
    assert all(glance.holds(it) for glance, it in glances)
    inner["a"] = 2
    begin_round()
    assert not any(glance.holds(it) for glance, it in glances)
    # An equal list is no proof of the one that was seen.
    first, second = [1, [2]], [1, [2]]
    second[1] = first[1]
    glance, outer = glance_at(first), glance_at([first])
    first.append(3)
    begin_round()
    assert glance.holds(second) and not glance.holds(first) and not outer.holds([first])


def test_it_is_about_this_very_class_and_about_any_equal_list():
    from winnow_collector.glances import glance_at

    one, other = flat_objects()[-1], flat_objects()[-1]
    assert not glance_at(one).holds(other)
    assert glance_at([1, "x"]).holds([1, "x"])
    assert not glance_at({}).holds([])


def test_a_number_that_takes_the_place_of_another_is_noticed():
    from winnow_collector.glances import begin_round, glance_at

    owner = flat_objects()[-1]
    seen = [glance_at(owner)]
    for _ in range(50):
        owner.count += 1
        begin_round()
        assert not any(glance.holds(owner) for glance in seen)
        seen.append(glance_at(owner))


@pytest.mark.parametrize("value", [1, "x", None, len, range(3), object()], ids=lambda value: type(value).__name__)
def test_what_holds_nothing_gets_none(value):
    from winnow_collector.glances import glance_at

    assert glance_at(value) is None


def test_it_reaches_as_deep_as_the_shape():
    from winnow_collector.glances import begin_round, glance_at
    from winnow_collector.shapes import MAX_DEPTH, shape_of

    def keeping():
        pass

    it = Holder()
    it.content = {"list": [1, []], "function": keeping, "owner": flat_objects()[-1]}
    for change, shows in [
        (lambda: it.content["list"].append(1), True),
        (lambda: setattr(keeping, "note", 1), True),
        (lambda: setattr(it.content["owner"], "limit", 7), True),
        # Of what lies deeper it only shows whether there is anything in it.
        (lambda: it.content["list"][1].append(1), True),
        (lambda: it.content["list"][1].append(2), False),
        (lambda: it.content["list"][1].clear(), True),
        (lambda: it.content["list"].__setitem__(1, [1]), True),
    ]:
        before, glance = shape_of(it, MAX_DEPTH), glance_at(it)
        assert glance.holds(it)
        change()
        begin_round()
        assert (not glance.holds(it), shape_of(it, MAX_DEPTH) != before) == (shows, shows)


def test_nothing_is_kept_alive():
    from winnow_collector.glances import glance_at

    it = Holder()
    glance = glance_at(it)
    alive = weakref.ref(it)
    del it
    gc.collect()
    assert glance is not None and alive() is None


def test_a_glance_never_holds_where_the_shape_differs():
    from winnow_collector.glances import begin_round, glance_at
    from winnow_collector.shapes import MAX_DEPTH, shape_of

    rng = random.Random(1)
    shared = [[], {}, Holder(), deque()]
    values = [0, 1, -1, -2, 2.5, "x", "y", None, b"z", (1, 2), Explosive, *shared]
    for _ in range(300):
        for it in flat_objects():
            if isinstance(it, dict):
                it["b"] = rng.choice(values)
            before, glance = shape_of(it, MAX_DEPTH), glance_at(it)
            for _ in range(rng.randint(0, 2)):
                value = rng.choice(values)
                if rng.random() < 0.5:
                    shared[0].append(1)
                    shared[2].content = value
                if isinstance(it, dict):
                    it[rng.choice("ab")] = value
                elif isinstance(it, (list, deque)):
                    it[rng.randrange(len(it))] = value
                elif isinstance(it, set):
                    it ^= {rng.randint(0, 3)}
                else:
                    setattr(it, rng.choice(["content", "limit", "more"]), value)
            begin_round()
            if glance.holds(it):
                assert shape_of(it, MAX_DEPTH) == before


def test_shapes_tell_numbers_apart_that_share_a_hash():
    from winnow_collector.shapes import MAX_DEPTH, shape_of

    assert shape_of([-1], MAX_DEPTH) != shape_of([-2], MAX_DEPTH)
    assert shape_of({"a": -1}, MAX_DEPTH) != shape_of({"a": -2}, MAX_DEPTH)
    assert shape_of(-1, 0) != shape_of(-2, 0)
    assert shape_of(-1.0, 0) != shape_of(-2.0, 0) and shape_of(-1 + 0j, 0) != shape_of(-2 + 0j, 0)
    assert shape_of(1, 0) != shape_of(True, 0) != shape_of(1.0, 0)


@pytest.mark.parametrize(
    "one, other",
    [
        ([1, 5], [5, 1]),
        ([0, 4], [4, 0]),
        ((3, 7), (7, 3)),
        (["a", "b"], ["b", "a"]),
        (["a", "b", "c"], ["c", "b", "a"]),
        ({"x": 0, "y": 1}, {"x": 1, "y": 0}),
        ({"x": True, "y": False}, {"x": False, "y": True}),
        ([[1], [2]], [[2], [1]]),
    ],
)
def test_shapes_tell_apart_what_only_changed_places(one, other):
    from winnow_collector.shapes import MAX_DEPTH, shape_of

    assert shape_of(one, MAX_DEPTH) != shape_of(other, MAX_DEPTH)
    assert shape_of({"a": 1, "b": 2}, MAX_DEPTH) == shape_of({"b": 2, "a": 1}, MAX_DEPTH)


class Mine(dict):
    pass


@pytest.mark.parametrize(
    "size, change",
    [
        (60, lambda it: it.__setitem__(0, "other")),
        (60, lambda it: setattr(it, "note_0", "other")),
        (100, lambda it: it.pop(0) or setattr(it, "more", 1)),
        (64, lambda it: it.pop(0)),
        (65, lambda it: it.pop(0)),
    ],
)
def test_a_container_with_attributes_is_large_by_what_it_contains(size, change):
    from winnow_collector.glances import begin_round, glance_at
    from winnow_collector.panels import Panel, Root

    it = Mine.fromkeys(range(size), "x")
    for number in range(10):
        setattr(it, "note_%d" % number, number)
    begin_round()
    glance = glance_at(it)
    panel = Panel([Root({"it": it}, "it", glance)])
    begin_round()
    assert glance.holds(it) and panel.holds()
    change(it)
    begin_round()
    assert not glance.holds(it) and not panel.holds()


class Odd(dict):
    """Nothing may ask it anything."""

    def _refuse(self, *args):
        raise AssertionError("asked")

    __iter__ = __len__ = keys = values = items = __bool__ = _refuse


def test_attributes_are_read_without_asking_anybody():
    from winnow_collector.glances import begin_round, glance_at
    from winnow_collector.panels import Panel, Root
    from winnow_collector.shapes import MAX_DEPTH, shape_of

    it = Holder()
    it.__dict__ = Odd(content=1)
    begin_round()
    before, glance = shape_of(it, MAX_DEPTH), glance_at(it)
    panel = Panel([Root({"it": it}, "it", glance)])
    begin_round()
    assert glance.holds(it) and panel.holds()
    it.content = 2
    begin_round()
    assert not glance.holds(it) and not panel.holds() and shape_of(it, MAX_DEPTH) != before


def test_what_an_enumeration_notes_of_its_members_is_no_state():
    from winnow_collector.shapes import MAX_DEPTH, shape_of

    class Colour(enum.Flag):
        RED = 1
        BLUE = 2

    before = shape_of(Colour, MAX_DEPTH)
    assert Colour.RED | Colour.BLUE
    assert shape_of(Colour, MAX_DEPTH) == before
    Colour.extra = []
    assert shape_of(Colour, MAX_DEPTH) != before
