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

What is compared, and what is not seen, is said in `shapes`.
"""

from itertools import chain, count
from operator import is_
from types import FunctionType, ModuleType
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Optional, Set, Tuple

from .assignments import assigned_in, handled_in, is_class_word, words_of
from .contexts import Context, Contexts
from .glances import Glance, begin_round, forget, glance_at
from .panels import Root
from .shapes import (
    MAX_DEPTH,
    PLAIN,
    can_change,
    held_by,
    holds_containers,
    identity,
    leaf,
    may_hold,
    replaced,
    shape_of,
)
from .views import View, Watchable, Watches

# How many states of one cell have their own producers, and how many are told apart.
_MAX_CONTEXTS = 32
_MAX_ORIGINS = 256
# How many glances are taken of one cell before one is of use.
_MAX_TRIES = 8
# How many cells that share something with a cell are remembered.
_MAX_LINKS = 16
# How many sets of files have a view; they are all forgotten when there are more.
_MAX_VIEWS = 1024
# Marks that no look gives.
_unlike = count(1 << 80)
_NOTHING = -1 << 80
_ABSENT = hash(_NOTHING)


class _Cell(Watchable):
    """One name of a module: what it looked like last, and who made it so."""

    __slots__ = (
        "module",
        "name",
        "depth",
        "mark",
        "glance",
        "tries",
        "context",
        "origins",
        "links",
        "object",
        "aliases",
    )

    def __init__(self, module: "_Module", name: str, mark: Optional[int] = None) -> None:
        self.module = module
        self.name = name
        self.depth = 0
        self.measure()
        self.mark = self.look() if mark is None else mark
        self.glance: Optional[Glance] = None
        # How many glances were taken since one was of use: where it is as it was and none tells, they do not help.
        self.tries = 0
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
        self.depth = MAX_DEPTH if can_change(self.module.namespace.get(self.name), self.module.name) else 0

    def look(self) -> int:
        """A number that differs, nearly always, if anything differs."""
        try:
            return shape_of(self.module.namespace.get(self.name, _NOTHING), self.depth)
        except Exception:  # another thread changed a container meanwhile: that is a change
            return next(_unlike)

    def is_code(self) -> bool:
        """Whether it is a function or class: these change when code of theirs runs, unless others handle attributes."""
        value = self.module.namespace.get(self.name)
        kind = type(value)
        is_class = issubclass(kind, type) and not holds_containers(value)
        return self.depth > 0 and (kind is FunctionType or is_class)

    def look_within(self) -> None:
        """Looks at what it holds from now on, whatever it is."""
        if self.depth == 0:
            self.depth = MAX_DEPTH
            self.mark = self.look()

    def begin(self) -> bool:
        """What it is now is where it begins; whether it was anything else before."""
        if self.depth == 0:
            self.measure()
        before, self.mark = self.mark, self.look()
        return self.mark != before

    def has_changed(self) -> bool:
        """Whether anything differs from what it was at the last question."""
        if self._is_as_seen():
            return False
        # Before the look: what another thread changes between both is different from the glance.
        self.glance = self._glance()
        mark = self.look()
        if mark == self.mark:
            return False
        self.glance = None
        if self.depth == 0:
            self.measure()
            mark = self.look()
        if self.origins is None:
            self.origins = {self.mark: None}
        self.mark = mark
        return True

    def _is_as_seen(self) -> bool:
        if self.glance is None:
            return False
        try:
            holds = self.glance.holds(self.module.namespace.get(self.name, _NOTHING))
        except Exception:  # another thread changes it
            return False
        if holds:
            self.tries = 0
        return holds

    def _glance(self) -> Optional[Glance]:
        """Whether it is as it was can perhaps be told at a glance the next time."""
        if self.depth == 0 or self.tries > _MAX_TRIES:
            return None
        self.tries += 1
        try:
            return glance_at(self.module.namespace.get(self.name, _NOTHING))
        except Exception:  # another thread changes it
            return None

    def root(self) -> Optional[Root]:
        """What a panel is to ask of it, if a panel can tell that it is as it was at the last question."""
        if self.glance is None and self.depth > 0 and may_hold(type(self.module.namespace.get(self.name, _NOTHING))):
            return None
        return Root(self.module.namespace, self.name, self.glance)


class _Module:
    """The cells of one module."""

    __slots__ = ("namespace", "name", "rel", "cells", "rebinds", "bindings", "size", "_names", "_seen", "_kept")

    def __init__(self, module: ModuleType, rel: str, rebinds: bool) -> None:
        self.namespace = vars(module)
        self.name = module.__name__
        self.rel = rel
        # Its functions bind names of the module itself (`global`).
        self.rebinds = rebinds
        self.cells: Dict[str, _Cell] = {}
        self.size = -1
        self.bindings: Dict[str, int] = {}
        # Its names, which objects their values were, and those of plain types, so that no other takes their place.
        self._names: List[str] = []
        self._seen = 0
        self._kept: List[Any] = []

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
                names, values = list(namespace), list(namespace.values())
                # Of which types they are as well: a number may come to be where something else was.
                seen = hash(tuple(map(identity, chain(values, map(type, values)))))
                if seen == self._seen and len(names) == len(self._names) and all(map(is_, names, self._names)):
                    return self.bindings
                bindings = dict(zip(names, map(leaf, values)))
                # What is no plain name may be anything: it is not kept, and there is no short way.
                self._names = names if all(type(name) is str for name in names) else []
                self._seen, self._kept = seen, [value for value in values if type(value) in PLAIN]
            elif len(namespace) == self.size:
                return self.bindings
            else:
                # Names that come and go.
                bindings = dict.fromkeys(namespace, 0)
            self.size = len(namespace)
            return bindings
        except RuntimeError:  # another thread binds names meanwhile: that is a change of any
            self._names = []
            return {"": next(_unlike)}


class _Reach:
    """What the code of one file may change. `told`: how many of the names that cells go by it has been asked about."""

    __slots__ = ("modules", "cells", "told")

    def __init__(self, modules: List[_Module], cells: Dict[_Cell, None], told: int) -> None:
        self.modules = modules
        self.cells = cells
        self.told = told


def _last(name: str) -> bytes:
    return name.rpartition(".")[2].encode("utf-8", "replace")


class Cells:
    """The state of all project modules."""

    def __init__(self, contexts: Contexts, code_files: List[str], path_of: Callable[[str], Optional[str]]) -> None:
        self._contexts = contexts
        # Project paths by code number, and of a file that code was compiled from.
        self._code_files = code_files
        self._path_of = path_of
        # Cells that code of a file may change, though they are another module's: what it has made, or has for its own.
        self._shared: Dict[str, Dict[_Cell, None]] = {}
        # Files of the code of fixtures, by context: how much code that was, and these.
        self._of_fixtures: Dict[int, Tuple[int, Set[str]]] = {}
        self._modules: Dict[str, List[_Module]] = {}
        self._sources: Dict[str, bytes] = {}
        # Names of which their code handles attributes.
        self._handled: Dict[str, Set[bytes]] = {}
        # Cells by what they are called, in their module or by others, and by the last part of that module's name; and
        # the same in the order in which it was learnt.
        self._called: Dict[bytes, Dict[bytes, List[_Cell]]] = {}
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
        # What the code of some files may change, and how often what is known of that has changed.
        self._views: Dict[FrozenSet[str], View[_Module, _Cell]] = {}
        self._edition = 0
        self._watches = Watches()
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
            self._handled.pop(rel, None)
            self._forget_reach(rel)

    def add(self, module: ModuleType, rel: str, source: Optional[bytes]) -> None:
        """A module was executed."""
        new = _Module(module, rel, source is None or b"global" in source or _last(module.__name__) in self._wild)
        self._modules.setdefault(rel, []).append(new)
        if _last(new.name) in self._wild:
            self._forget_reaches()
        else:
            self._forget_reach(rel)
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
            elif word in self._stored or can_change(value, new.name):
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
        assigned = assigned_in(source)
        for owner, name in assigned.stores:
            if is_class_word(owner):
                self._assign_to_classes.add(module.name)
                replaced.add(name.decode("utf-8", "replace"))
            elif owner[:1].isupper():
                replaced.add(name.decode("utf-8", "replace"))
            if owner not in self._owners:
                self._owners.add(owner)
                self._watch_owner(owner)
            if name not in self._stored:
                self._stored.add(name)
                for each in self._bound.get(name, ()):
                    self._watch(each, name.decode("utf-8", "replace"))
        for owner in assigned.wild:
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
        if is_class_word(owner):
            self._assign_to_classes.add(module.name)
            return
        self._owners.add(owner)
        self._watch_owner(owner)
        self._wild.add(owner)
        self._forget_reaches()
        for each in self._bound_by_computed_names(owner):
            if not each.rebinds:
                each.rebinds = True
                each.bindings = each.bind()

    def _bound_by_computed_names(self, word: bytes) -> List[_Module]:
        return [each for modules in self._modules.values() for each in modules if _last(each.name) == word]

    def _watch(self, module: _Module, name: str, within: bool = False, alone: bool = False) -> None:
        """Begins to look at a name; if another one stands for the same object, only if it is to stand `alone`.

        `within`: at all that it holds.
        """
        if name in module.cells:
            if within and module.cells[name].depth == 0:
                module.cells[name].look_within()
                self._watches.note_change([module.cells[name]])
            return
        value = module.namespace.get(name, _NOTHING)
        word = name.encode("utf-8", "replace")
        is_shared = type(value) not in PLAIN and word not in self._stored and not alone
        if is_shared:
            for other in self._holders.get(identity(value), ()):
                if other.object == identity(value) and other.module is not module:
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
        self._called.setdefault(word, {}).setdefault(owner, []).append(cell)
        self._calls.append((word, owner, cell))
        self._edition += 1
        value = cell.module.namespace.get(cell.name)
        made_in = self._path_of(value.__code__.co_filename) if type(value) is FunctionType else None
        for rel in {module.rel, made_in or module.rel} - {cell.module.rel}:
            self._shared.setdefault(rel, {})[cell] = None
            self._forget_reach(rel)

    def _link(self, cell: _Cell, value: Any) -> None:
        cell.object = identity(value)
        try:
            held = held_by(value)
        except Exception:  # another thread changed a container meanwhile
            held = {cell.object}
        for each in held:
            holders = self._holders.setdefault(each, [])
            if cell in holders:
                continue
            for other in holders:
                if len(other.links) < _MAX_LINKS and len(cell.links) < _MAX_LINKS and other not in cell.links:
                    other.links.append(cell)
                    cell.links.append(other)
            if len(holders) < _MAX_LINKS:
                holders.append(cell)

    def release(self) -> None:
        """Nothing is recorded any more: forget all modules."""
        self._running = False
        for known in (self._modules, self._sources, self._bound, self._reaches, self._shared, self._of_fixtures):
            known.clear()
        for kept in (self._views, self._handled):
            kept.clear()
        self._watches = Watches()
        forget()
        for cells in (self._called, self._calls, self._holders, self._states, self._unfinished):
            cells.clear()

    def begin_tests(self) -> None:
        """What the imports of all files have made of the modules is what they are."""
        if self._running:
            return
        self._running = True
        for modules in self._modules.values():
            for module in modules:
                # Not as other names of what has one: what was put there by a call, no source says.
                for name, _ in module.rebound():
                    if can_change(module.namespace.get(name), module.name):
                        self._watch(module, name, alone=True)
                for cell in module.cells.values():
                    if cell.begin():
                        self._link(cell, module.namespace.get(cell.name, _NOTHING))

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
        elif context.kind == "test":
            # What they have handed over, the test may change by a name of its own.
            rels |= self._files_of_fixtures(context)
        if not rels:
            return
        begin_round()
        view = self._view_of(frozenset(rels))
        known = len(self._calls)
        for module in view.modules:
            for name, before in module.rebound():
                self._promote(module, name, before)
        changed = view.changed()
        if changed or known != len(self._calls):
            self._change(context, view.modules, view.cells, changed)

    def _view_of(self, rels: FrozenSet[str]) -> "View[_Module, _Cell]":
        view = self._views.get(rels)
        if view is not None and view.edition == self._edition:
            return view
        # Each of them once: many files may bind names of the same module.
        modules: Dict[_Module, None] = {}
        cells: Dict[_Cell, None] = {}
        for rel in rels:
            reach = self._reach_of(rel)
            modules.update(dict.fromkeys(reach.modules))
            cells.update(reach.cells)
        if len(self._views) >= _MAX_VIEWS:
            self._views.clear()
        view = self._views[rels] = View(list(modules), cells, self._edition, self._watches)
        return view

    def _files_of_fixtures(self, test: Context) -> Set[str]:
        """The files of the code that the wider fixtures of a test have run."""
        files: Set[str] = set()
        seen: Set[int] = set()
        queue = list(test.uses)
        while queue:
            number = queue.pop()
            fixture = self._contexts.fixtures.get(number)
            if fixture is None or number in seen:
                continue
            seen.add(number)
            size, own = self._of_fixtures.get(number, (-1, set()))
            if size != len(fixture.codes):
                own = set(map(self._code_files.__getitem__, fixture.codes))
                self._of_fixtures[number] = (len(fixture.codes), own)
            files |= own
            queue.extend(fixture.uses)
        return files

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
            if identity(value) != cell.object and type(value) not in PLAIN:
                aliases, cell.aliases = cell.aliases, []
                self._link(cell, value)
                for module, name in aliases:
                    self._watch(module, name)
            self._produce(cell, context)
        if changed:
            self._watches.note_change(changed)
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

    def _forget_reach(self, rel: str) -> None:
        self._reaches.pop(rel, None)
        self._edition += 1

    def _forget_reaches(self) -> None:
        self._reaches.clear()
        self._edition += 1

    def _reach_of(self, rel: str) -> _Reach:
        reach = self._reaches.get(rel)
        if reach is None:
            reach = self._reaches[rel] = self._read_reach(rel)
        elif reach.told != len(self._calls):
            self._extend(reach, rel)
        return reach

    def _read_reach(self, rel: str) -> _Reach:
        words = words_of(self._sources.get(rel, b""))
        modules = list(self._modules.get(rel, ()))
        reach = _Reach(modules, {cell: None for each in modules for cell in each.cells.values()}, len(self._calls))
        reach.cells.update(self._shared.get(rel, {}))
        for word in words & self._called.keys():
            called = self._called[word]
            # Many modules may have a name in common, and many words may stand in a source.
            for owner in called if len(called) < len(words) else words:
                if owner in called and owner in words:
                    for cell in called[owner]:
                        if self._can_handle(rel, word, cell):
                            reach.cells[cell] = None
        for word in words & self._wild:
            modules.extend(self._bound_by_computed_names(word))
        return reach

    def _extend(self, reach: _Reach, rel: str) -> None:
        source = self._sources.get(rel, b"")
        for word, owner, cell in self._calls[reach.told :]:
            # Words within words: rarely too much, never too little, and nobody need keep the words of all files.
            if cell.module.rel == rel or (word in source and owner in source and self._can_handle(rel, word, cell)):
                reach.cells[cell] = None
        reach.told = len(self._calls)

    def _can_handle(self, rel: str, word: bytes, cell: _Cell) -> bool:
        """Whether a file in which the names of a cell and of its module stand may change it.

        To come by a name of a module takes the module's name as well, in an import statement if nowhere else.
        """
        if not cell.is_code():
            return True
        handled = self._handled.get(rel)
        if handled is None:
            handled = self._handled[rel] = handled_in(self._sources.get(rel, b""))
        return word in handled

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
