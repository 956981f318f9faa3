"""Which cells the code of some files may change, and whether any did: with one panel where that is of use.

A panel costs as much as some questions about each cell for itself, and tells nothing once anything is otherwise. So it
is made when the same question comes again, lent to whoever asks about nearly the same cells, and left alone where each
test asks about others. Cells that are often otherwise are asked for themselves.
"""

from typing import Any, Dict, Generic, Iterable, List, Optional, TypeVar

from .glances import Glance
from .panels import Panel, Root

# A panel that held so often was worth its making; so often is a cell found otherwise before it is asked for itself; and
# so many questions pass at most before there is another panel.
_MIN_HELD = 4
_RESTLESS = 2
_MAX_WAIT = 64
# So much loss makes the next one wait for one question more.
_PATIENCE = 16
# So many panels are on offer to others.
_MAX_RECENT = 8
# So many are there at all.
_MAX_WATCHES = 256


class Watchable:
    """What is asked of a cell."""

    __slots__ = ()

    glance: Optional[Glance]

    def has_changed(self) -> bool:
        """Whether anything differs from what it was at the last question."""
        raise NotImplementedError

    def root(self) -> Optional[Root]:
        """What a panel is to ask of it, if a panel can tell that it is as it was at the last question."""
        raise NotImplementedError


M = TypeVar("M")
C = TypeVar("C", bound=Watchable)


class _Watch:
    """A panel, and the cells that it tells about."""

    __slots__ = ("panel", "cells")

    def __init__(self, panel: Panel, cells: Dict[Any, None]) -> None:
        # None once one of the cells was found otherwise: what was there when it was made is not what was seen last.
        self.panel: Optional[Panel] = panel
        self.cells = cells

    def holds(self) -> bool:
        """Whether all is as it was, and as it was seen last."""
        try:
            return self.panel is not None and self.panel.holds()
        except Exception:  # another thread changes something, or it is of another kind now
            return False

    def end(self) -> None:
        """It is of no use any more, and need not keep what it has seen."""
        self.panel = None
        self.cells = {}


class Watches:
    """The panels that were made last, for whoever asks about nearly the same cells."""

    def __init__(self) -> None:
        # All that somebody may hold, the oldest first.
        self._all: List[_Watch] = []
        # How often any of them held, less what it took to make them.
        self._gain = 0

    def wait(self) -> int:
        """How many questions to wait for the first panel: where each test asks about other cells it is of no use."""
        return 0 if self._gain >= 0 else min(1 - self._gain // _PATIENCE, _MAX_WAIT)

    def add(self, watch: _Watch) -> None:
        self._gain -= _MIN_HELD
        self._all.append(watch)
        if len(self._all) > _MAX_WATCHES:
            self.drop(self._all[0])

    def note_change(self, cells: Iterable[Any]) -> None:
        """These are otherwise now: should they be again what they were, that is a change as well."""
        for watch in [each for each in self._all if any(cell in each.cells for cell in cells)]:
            self.drop(watch)

    def note_use(self) -> None:
        self._gain += 1

    def drop(self, watch: _Watch) -> None:
        watch.end()
        self._all = [each for each in self._all if each is not watch]

    def best_for(self, cells: Dict[Any, None]) -> Optional[_Watch]:
        """One that tells about most of the cells, and not about many more."""
        best, most = None, 0.75 * len(cells)
        # Where they are of no use, no more than the last one is worth a look.
        for watch in reversed(self._all[-_MAX_RECENT if self._gain >= 0 else -1 :]):
            if most < len(watch.cells) <= 2 * len(cells):
                known = len(cells.keys() & watch.cells.keys())
                if known > most and len(watch.cells) <= 2 * known:
                    best, most = watch, known
        return best


class View(Generic[M, C]):
    """What the code of some files may change, asked about all at once where that is of use."""

    __slots__ = (
        "modules",
        "cells",
        "edition",
        "_watches",
        "_watch",
        "_others",
        "_held",
        "_failed",
        "_wait",
        "_restless",
    )

    def __init__(self, modules: List[M], cells: Dict[C, None], edition: int, watches: Watches) -> None:
        self.modules = modules
        self.cells = cells
        # Of what was known then of which code may change what.
        self.edition = edition
        self._watches = watches
        self._watch: Optional[_Watch] = None
        # Cells that it does not tell about, and how often each of the others was found otherwise.
        self._others: List[C] = []
        self._restless: Dict[C, int] = {}
        # How often it held; how many were of little use, one after another; questions to wait for the next one.
        self._held = 0
        self._failed = 0
        self._wait = watches.wait()
        self._take(watches.best_for(cells))

    def changed(self) -> List[C]:
        """The cells that differ from what they were at the last question."""
        if self._watch is not None:
            if self._watch.holds():
                self._held += 1
                self._watches.note_use()
                return [cell for cell in self._others if cell.has_changed()]
            self._watches.drop(self._watch)
            self._watch = None
            if self._held >= _MIN_HELD:
                self._failed = self._wait = 0
            else:
                self._note_failure()
        changed = []
        for cell in self.cells:
            before = cell.glance
            is_other = cell.has_changed()
            if is_other:
                changed.append(cell)
            if is_other or (before is not None and cell.glance is not before):
                self._restless[cell] = self._restless.get(cell, 0) + 1
        if self._wait > 0:
            self._wait -= 1
        else:
            self._make_watch(changed)
        return changed

    def _note_failure(self) -> None:
        self._failed = min(self._failed + 1, 16)
        self._wait = min((1 << self._failed) - 1, _MAX_WAIT)

    def _make_watch(self, changed: List[C]) -> None:
        now = set(changed)
        # What changed now ends all that tell about it.
        quiet = {
            cell: cell.root() for cell in self.cells if cell not in now and self._restless.get(cell, 0) < _RESTLESS
        }
        roots = {cell: root for cell, root in quiet.items() if root is not None}
        try:
            watch = _Watch(Panel(list(roots.values())), dict.fromkeys(roots))
        except Exception:  # another thread changes something, or there is something that a panel cannot tell about
            self._note_failure()
            return
        self._watches.add(watch)
        self._take(watch)

    def _take(self, watch: Optional[_Watch]) -> None:
        self._watch = watch
        self._held = 0
        self._others = [] if watch is None else [cell for cell in self.cells if cell not in watch.cells]
