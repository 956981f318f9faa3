"""Attribution: who is depended upon by whom.

Everything that runs belongs to the *context* that is current: a test, the setup of a wider fixture, the import of a
module, the collection of a file, or the session for what lies outside of all these. Contexts nest. At every switch the
tracer is asked for what was touched since the last switch, and its answer goes to the context that was current until
then. The tracer notices a code object anew in every slice, so neither the inner nor the outer context can hide from the
other what it ran.

What must stay true:
- A context that lets another one run `uses` it; the codes of a context are its own slices only.
- Two contexts of different threads may overlap. Then a slice goes to both: too much, never too little.
"""

import threading
from operator import itemgetter
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

SESSION_ID = 0

# Of a context that the journal does not know of yet.
_NOTHING: Dict[int, None] = {}


class Context:
    """What one test, fixture, import, file or session touched."""

    __slots__ = (
        "id",
        "kind",
        "name",
        "of",
        "codes",
        "uses",
        "inputs",
        "opaque",
        "reads",
        "thread",
        "_changed",
        "_told",
        "_told_opaque",
        "_later_codes",
        "_later_uses",
    )

    def __init__(
        self, id: int, kind: str, name: str, of: Optional[int] = None, changed: "Optional[Dict[int, Context]]" = None
    ) -> None:
        self.id = id
        self.kind = kind
        self.name = name
        self.of = of
        self.codes: Set[int] = set()
        self.uses: Set[int] = set()
        # (kind, key) → the whole input; the first value seen is the one depended on. None is ever taken out, nor is any
        # other reason or number: so what is new are the last ones. (Tuples: unlike lists, they are nothing for Python's
        # garbage collector to look through again and again.)
        self.inputs: Dict[Tuple[str, str], Tuple[Any, ...]] = {}
        self.opaque: Dict[str, None] = {}
        # Files opened but not yet hashed: absolute path → stat key at the opening. See `audit`.
        self.reads: Dict[str, Optional[tuple]] = {}
        self.thread = 0
        # The pool that the context enters whenever there is news of it; none for those without frames of their own.
        self._changed = changed
        # How many inputs and reasons the journal knows, if it knows of the context at all; and the numbers that came
        # since then: as keys, so that another thread may add one while they are taken.
        self._told: Optional[int] = None
        self._told_opaque = 0
        self._later_codes: Dict[int, None] = _NOTHING
        self._later_uses: Dict[int, None] = _NOTHING
        self.mark()

    def mark(self) -> None:
        """There is something new to write."""
        if self._changed is not None:
            self._changed[self.id] = self

    def touch(self, codes: Iterable[int]) -> None:
        """Add touched code."""
        if self._told is not None:
            codes = set(codes) - self.codes
            self._later_codes.update(dict.fromkeys(codes))
        before = len(self.codes)
        self.codes.update(codes)
        if len(self.codes) != before:
            self.mark()

    def use(self, other: "Context") -> None:
        """Depend on everything that `other` depends on."""
        if other is not self and other.id not in self.uses:
            self.use_all({other.id})

    def use_all(self, others: Set[int]) -> None:
        """The same for several, by their numbers."""
        if not others <= self.uses:
            if self._told is not None:
                self._later_uses.update(dict.fromkeys(others - self.uses))
            self.uses |= others
            self.mark()

    def add_input(self, kind: str, key: str, *value: object) -> None:
        """Depend on a file, listing or name; only the first value of each counts."""
        if (kind, key) not in self.inputs:
            self.inputs[kind, key] = (kind, key) + value
            self.mark()

    def change_input(self, key: str) -> None:
        """A file's content changed while it was in use: nothing is known about what the context saw."""
        self.inputs["changed", key] = ("changed", key)
        self.mark()

    def add_opaque(self, reason: str) -> None:
        """Depend on something that cannot be known."""
        if reason not in self.opaque:
            self.opaque[reason] = None
            self.mark()

    def absorb(self, other: "Context") -> None:
        """Take over everything `other` depends on itself (for contexts that have no frame of their own)."""
        self.touch(other.codes)
        self.use_all(other.uses - {self.id})
        for key, value in other.inputs.items():
            self.inputs.setdefault(key, value)
        self.opaque.update(other.opaque)
        self.mark()

    def news(self) -> Tuple[dict, List[int]]:
        """The journal frame, and code numbers, of what came since the last call. Frames of one id add up."""
        is_first = self._told is None
        if self._told is None:
            # From now on, whatever comes is told the next time, if not this time.
            self._later_codes, self._later_uses, self._told = {}, {}, 0
        codes = sorted(self.codes if is_first else _taken(self._later_codes))
        uses = sorted(self.uses if is_first else _taken(self._later_uses))
        inputs = sorted(list(self.inputs.items())[self._told :], key=itemgetter(0))
        opaque = list(self.opaque)[self._told_opaque :]
        self._told += len(inputs)
        self._told_opaque += len(opaque)
        frame = {
            "k": "ctx",
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "uses": uses,
            "inputs": [whole for _, whole in inputs],
            "opaque": opaque,
        }
        if self.of is not None:
            frame["of"] = self.of
        return frame, codes


def _taken(numbers: Dict[int, None]) -> List[int]:
    taken: List[int] = []
    while numbers:
        taken.append(numbers.popitem()[0])
    return taken


class Contexts:
    """The stack of contexts, and those with something to tell."""

    def __init__(self, take: Callable[[], List[int]]) -> None:
        self._take = take
        self._lock = threading.RLock()
        self._next_id = SESSION_ID + 1
        self._mixed_threads = False
        # Called with the context and the touched codes at the end of each slice.
        self.on_slice: Callable[[Context, List[int]], None] = lambda context, codes: None
        # Contexts with news for the journal, oldest first.
        self.changed: Dict[int, Context] = {}
        self.session = Context(SESSION_ID, "session", "session", changed=self.changed)
        self.session.thread = threading.get_ident()
        self.stack: List[Context] = [self.session]
        self.fixtures: Dict[int, Context] = {}

    @property
    def current(self) -> Context:
        """The context that whatever runs now belongs to."""
        return self.stack[-1]

    def new(self, kind: str, name: str, of: Optional[int] = None) -> Context:
        """A context with frames of its own."""
        number = self._next_id
        self._next_id += 1
        context = Context(number, kind, name, of, self.changed)
        if kind == "fixture":
            self.fixtures[number] = context
        return context

    def new_shared(self, name: str) -> Context:
        """A context that tests share as they share a fixture, with no teardown to wait for."""
        context = self.new("fixture", name)
        self.new("teardown", name, of=context.id)
        return context

    def new_test(self, name: str) -> Context:
        """A test's context: it has no number, its frame is written when it ends."""
        return Context(-1, "test", name)

    def slice(self) -> None:
        """Give what was touched since the last switch to the current context."""
        with self._lock:
            codes = self._take()
            current = self.stack[-1]
            current.touch(codes)
            if self._mixed_threads:
                for context in self.stack:
                    if context.thread != current.thread:
                        context.touch(codes)
            self.on_slice(current, codes)

    def enter(self, context: Context) -> None:
        """Make `context` the current one."""
        with self._lock:
            self.slice()
            context.thread = threading.get_ident()
            if context.thread != self.stack[-1].thread:
                self._mixed_threads = True
            self.stack.append(context)

    def leave(self, context: Context) -> None:
        """Make the one before it current again. With threads it need not be the innermost one."""
        with self._lock:
            self.slice()
            if self.stack[-1] is context:
                self.stack.pop()
            elif context in self.stack:
                self.stack.remove(context)
            if self._mixed_threads and len(self.stack) == 1:
                self._mixed_threads = False

    def retire_session(self) -> None:
        """The last test has run: what the session does from now on concerns no test."""
        with self._lock:
            self.slice()
            self.session = Context(-1, "session", "after the tests")
            self.session.thread = threading.get_ident()
            self.stack[0] = self.session

    def take_changed(self) -> List[Context]:
        """The contexts with news since the last call."""
        changed = list(self.changed.values())
        self.changed.clear()
        return changed

    def release(self) -> None:
        """Nothing is recorded any more: keep nothing for the interpreter to take down, one by one, when it ends."""
        with self._lock:
            self.changed.clear()
            self.fixtures.clear()
            self.session = Context(-1, "session", "after the recording")
            self.session.thread = threading.get_ident()
            self.stack[:] = [self.session]
