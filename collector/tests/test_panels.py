"""Panels of many glances: they hold while nothing changes, and never where a glance does not."""

import gc
import random
import weakref
from collections import defaultdict, deque

import pytest
from conftest import Explosive

pytestmark = pytest.mark.usefixtures("importable")


class Holder:
    def __init__(self, **content):
        self.__dict__.update(content)


class Slotted:
    __slots__ = ("content", "later")

    def __init__(self, content):
        self.content = content


class Mine(dict):
    pass


def keeping(value, kept=()):
    def function(argument=kept):
        return value, argument

    return function


def make_class(**content):
    class Settings:
        limit = 3
        registry = {}

        @staticmethod
        def plain(size=[]):  # noqa: B006
            return 1

        @classmethod
        def make(cls):
            return cls()

        def method(self):
            return 1

    for name, value in content.items():
        setattr(Settings, name, value)
    return Settings


ASKED = []


class Memo:
    """Something that is no function, behind a static method. New versions of Python ask it when that is made."""

    __slots__ = ("cache",)

    def __init__(self):
        self.cache = 1

    def __getattr__(self, name):
        ASKED.append(name)
        raise AttributeError(name)


class Hidden:
    """Its instances do not count: who knows what this answers."""

    @property
    def __dict__(self):
        return {}


def a_module():
    """A namespace with everything that state is kept in, and names of the same objects."""
    inner = [1, [2]]
    return {
        "number": 1000,
        "nothing": None,
        "listed": inner,
        "table": {"a": inner, "b": {"c": []}, 3: "x"},
        "set": {1, 2},
        "queue": deque([inner]),
        "holder": Holder(content={"x": [inner]}, other="x"),
        "slotted": Slotted({"a": 1}),
        "mine": Mine(a=1),
        "default": defaultdict(list, a=[1]),
        "function": keeping([1], {"a": 1}),
        "unbound": unbound(),
        "noted": noted_function(),
        "hidden": Hidden(),
        "Settings": make_class(limit=1000, memo=staticmethod(Memo()), __alias__=inner),
        "large": list(range(100)),
        "many": dict.fromkeys(range(100)),
        "explosive": Explosive(),
        "explosives": [Explosive()],
    }


def unbound():
    def function(bind=False):
        nonlocal later
        if bind:
            later = [1]
        return later

    if False:
        later = None
    return function


def noted_function():
    def function():
        pass

    function.on = True
    return function


def panel_of(module, names=None):
    from winnow_collector.glances import begin_round, glance_at
    from winnow_collector.panels import Panel, Root

    begin_round()
    glances = {name: glance_at(module[name]) for name in names or module}
    return glances, Panel([Root(module, name, glance) for name, glance in glances.items()])


def holds(panel):
    """As it is asked: whatever is raised is no yes."""
    try:
        return panel.holds()
    except Exception:
        return False


CHANGES = {
    "another number": lambda it: it.update(number=it["number"] + 1),
    "True for 1": lambda it: it["listed"].__setitem__(0, True),
    "a name is gone": lambda it: it.pop("nothing"),
    "another object": lambda it: it.update(explosive=Explosive()),
    "an element": lambda it: it["listed"].append(1),
    "a list gets something in it, out of sight": lambda it: it["table"]["b"]["c"].append(1),
    "one list becomes longer, the next one shorter": lambda it: (
        it["listed"].append(0) or it["queue"].pop() and it["queue"].append(it["listed"])
    ),
    "the order of a list": lambda it: it["listed"].reverse(),
    "a key": lambda it: it["table"].__setitem__("z", it["table"].pop("a")),
    "a set": lambda it: it["set"].add(3),
    "a queue": lambda it: it["queue"].rotate(1) or it["queue"].append(1),
    "an attribute": lambda it: setattr(it["holder"], "other", "y"),
    "an attribute of another name": lambda it: it["holder"].__dict__.update(another=it["holder"].__dict__.pop("other")),
    "an attribute more": lambda it: setattr(it["holder"], "more", 1),
    "deeper": lambda it: it["holder"].content.update(y=1),
    "a slot": lambda it: setattr(it["slotted"], "content", {"a": 1, "b": 1}),
    "a slot that was not bound": lambda it: setattr(it["slotted"], "later", None),
    "a slot that is bound no more": lambda it: delattr(it["slotted"], "content"),
    "in a slot": lambda it: it["slotted"].content.update(b=1),
    "a derived dictionary": lambda it: it["mine"].update(b=1),
    "its attribute": lambda it: setattr(it["mine"], "note", 1),
    "a dictionary with a default": lambda it: it["default"]["b"],
    "what a function closes over": lambda it: it["function"]()[0].append(1),
    "a name that was not bound": lambda it: it["unbound"](bind=True),
    "what it has for a default": lambda it: it["function"]()[1].update(b=1),
    "a note on a function": lambda it: setattr(it["function"], "note", 1),
    "other defaults": lambda it: setattr(it["function"], "__defaults__", ({"a": 1},)),
    "a note of another name": lambda it: it["noted"].__dict__.update(off=it["noted"].__dict__.pop("on")),
    "a method that is no function any more": lambda it: setattr(it["Settings"], "method", None),
    "a method that is anything": lambda it: setattr(it["Settings"], "method", Explosive()),
    "a method that became a static one": lambda it: setattr(it["Settings"], "method", staticmethod(len)),
    "what is behind a static method": lambda it: setattr(it["Settings"].__dict__["memo"].__func__, "cache", 2),
    "a kind that counts": lambda it: setattr(it["hidden"], "__class__", Holder),
    "an attribute of a class": lambda it: setattr(it["Settings"], "limit", 1001),
    "one more": lambda it: setattr(it["Settings"], "more", 1),
    "one less": lambda it: delattr(it["Settings"], "limit"),
    "a registry of a class": lambda it: it["Settings"].registry.update(a=1),
    "a static method": lambda it: setattr(it["Settings"], "plain", staticmethod(lambda: 1)),
    "what it has for a default, too": lambda it: it["Settings"].plain.__defaults__[0].append(1),
    "a note on a class method": lambda it: setattr(it["Settings"].make.__func__, "note", 1),
    "another kind": lambda it: setattr(it["holder"], "__class__", Explosive),
    "the size of a large one": lambda it: it["large"].append(1),
    "the size of another large one": lambda it: it["many"].update(more=1),
    "an object that nothing may compare": lambda it: it["explosives"].__setitem__(0, Explosive()),
    "one in the place of a plain value": lambda it: it["listed"].__setitem__(0, Explosive()),
    "one in the place of a container": lambda it: it["table"].__setitem__("b", Explosive()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_panel_holds_until_something_changes(change):
    module = a_module()
    del ASKED[:]
    _, panel = panel_of(module)
    assert panel.holds() and panel.holds()
    CHANGES[change](module)
    assert not holds(panel)
    assert not ASKED


def test_what_is_found_by_an_attribute_that_does_not_count_is_looked_into_all_the_same():
    module = a_module()
    _, panel = panel_of(module)
    module["Settings"].__alias__ = [*module["listed"]]
    assert panel.holds()
    module["listed"].append(1)
    assert not panel.holds()


def test_an_equal_copy_is_another_object():
    from winnow_collector.glances import begin_round, glance_at
    from winnow_collector.panels import Panel, Root

    for changed in ("defaults", "settings"):
        module = {"defaults": {"a": 1}}
        module["settings"] = module["defaults"]
        begin_round()
        glance = glance_at(module["defaults"])
        module["settings"] = dict(module["defaults"])
        begin_round()
        assert glance.holds(module["settings"])
        panel = Panel([Root(module, name, glance) for name in module])
        assert panel.holds()
        module[changed]["b"] = 1
        assert not panel.holds()


class Key:
    """A name that is no string."""

    def __eq__(self, other):
        raise AssertionError("compared")

    __hash__ = object.__hash__


def test_names_that_are_no_strings():
    module = {"holder": Holder(), "table": {}}
    vars(module["holder"])[Key()] = 1
    module["table"][Key()] = 1
    (name,) = vars(module["holder"])
    alive = weakref.ref(name)
    _, panel = panel_of(module)
    assert panel.holds()
    vars(module["holder"]).clear()
    vars(module["holder"])[Key()] = 1
    assert not panel.holds()
    del name
    gc.collect()
    assert alive() is None


def test_glances_of_what_is_gone_are_forgotten():
    from winnow_collector import glances

    module = {"listed": [[str(number) * 100] for number in range(50)]}
    glance, _ = panel_of(module)
    known = len(glances._shared)
    glance.clear()
    gc.collect()
    assert len(glances._shared) <= known - 50


def test_methods_that_come_and_go_are_no_state():
    module = a_module()
    _, panel = panel_of(module)
    module["Settings"].method = lambda self: 2
    assert panel.holds()


def test_a_method_counts_from_when_it_is_assigned_somewhere(monkeypatch):
    from winnow_collector import shapes

    module = a_module()
    _, panel = panel_of(module)
    monkeypatch.setattr(shapes, "replaced", shapes.replaced)
    shapes.replaced.add("method of nobody else")
    try:
        assert not panel.holds()
    finally:
        shapes.replaced.discard("method of nobody else")


def test_a_number_that_takes_the_place_of_another_is_noticed():
    module = {"owner": make_class(count=1000), "count": 1000, "holder": Holder(count=1000)}
    panels = []
    for number in range(1001, 1050):
        panels.append(panel_of(module)[1])
        module["owner"].count = module["count"] = module["holder"].count = number
        assert not any(panel.holds() for panel in panels)


def test_nothing_is_kept_alive():
    module = {"holder": Holder(inner=Holder()), "listed": [Holder()], "function": keeping(Holder())}
    alive = [
        weakref.ref(module["holder"].inner),
        weakref.ref(module["listed"][0]),
        weakref.ref(module["function"]()[0]),
    ]
    _, panel = panel_of(module)
    module.clear()
    gc.collect()
    assert not panel.holds() and all(ref() is None for ref in alive)


def test_a_panel_never_holds_where_a_glance_does_not():
    from winnow_collector.glances import begin_round

    rng = random.Random(2)
    changes = list(CHANGES.values())
    held = 0
    for _ in range(400):
        module = a_module()
        names = rng.sample(sorted(module), rng.randint(1, len(module)))
        glances, panel = panel_of(module, names)
        before = panel_of(module)[1]
        for change in rng.sample(changes, rng.randint(0, 2)):
            try:
                change(module)
            except Exception:
                continue  # it needs what the other one took away
        begin_round()
        if holds(panel):
            held += 1
            assert all(glance is None or glance.holds(module[name]) for name, glance in glances.items())
        if holds(before):
            assert panel.holds()
    assert held > 40
