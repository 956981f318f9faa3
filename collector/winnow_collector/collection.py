"""Which files were collected, what they yielded, and what the plan leaves out.

What must stay true:
- Ids are those of collection, in its order, before anything was deselected and before plugins renamed anything.
- The plan's deselection comes last: what other plugins and options see and do is the same as without Winnow.
- A file of which perhaps not everything was collected (`::` in an argument, `--lf`) is marked partial.
"""

import bisect
import os
from typing import Any, Callable, Container, Dict, FrozenSet, List, Optional, Set, Tuple

import pytest

from .contexts import Context
from .ordering import Recorded, failures_first
from .registry import Registry
from .search_path import SearchPath
from .session import Plan

_SEVERITY = {"passed": 0, "skipped": 1, "failed": 2}


class _File:
    __slots__ = ("rel", "context", "outcome", "items")

    def __init__(self, rel: str, context: Optional[Context]) -> None:
        self.rel = rel
        self.context = context
        self.outcome = "passed"
        self.items: List[Tuple[Any, str]] = []


class Collection:
    """One session's collection. Works without a recorder too: then only the plan is carried out."""

    def __init__(self, registry: Registry, plan: Plan, search_path: SearchPath) -> None:
        self._registry = registry
        self._plan = plan
        self._search_path = search_path
        self._import_mode = ""
        # One of the files left out for each directory that has any, sorted; made when a directory is left out.
        self._left_out: Optional[List[str]] = None
        self._files: Dict[str, _File] = {}
        self._refused: Set[str] = set()
        self._addressed: Set[str] = set()
        self._all_partial = False
        self._expressions: List[Any] = []
        # False once a directory could not be collected, or was skipped: files in it may be test files all the same.
        self.whole = True
        self._ids: Dict[int, Tuple[Any, str]] = {}
        self._collectors: Dict[int, Tuple[Any, Optional[str]]] = {}

    def read_arguments(self, config: Any) -> None:
        """Find the files of which only parts are asked for. Raises what pytest says of an expression that is none."""
        self._compile()
        option = config.option
        self._import_mode = str(getattr(option, "importmode", ""))
        self._all_partial = bool(getattr(option, "lf", False))
        for argument in config.args:
            path, separator, _ = str(argument).partition("::")
            if not separator:
                continue
            absolute = os.path.join(str(config.invocation_params.dir), path)
            if os.path.exists(absolute):
                self._addressed.add(self._registry.relative(absolute))
            else:
                self._all_partial = True  # --pyargs: a module's name

    def ignores(self, path: str) -> bool:
        """True for a file or directory that the plan leaves out of collection altogether."""
        if not self._plan.skip_files or os.path.basename(path) == "__init__.py":
            return False  # pytest 7 would lose the whole package with it
        rel = self._registry.relative(path)
        if rel in self._plan.skip_files:
            self._leave_out(path)
            return True
        if rel in self._plan.skip_directories:
            for file in self._left_out_below(rel):
                self._leave_out(os.path.join(self._registry.root, file))
            return True
        return False

    def _leave_out(self, path: str) -> None:
        if path.endswith(".py"):
            self._search_path.leave_out(path, self._import_mode)

    def _left_out_below(self, directory: str) -> List[str]:
        if self._left_out is None:
            files = sorted(file for file in self._plan.skip_files if file.endswith(".py"))
            self._left_out = sorted({os.path.dirname(file): file for file in files}.values())
        first = bisect.bisect_left(self._left_out, directory + "/")
        return self._left_out[first : bisect.bisect_left(self._left_out, directory + "0")]  # "0" comes after "/"

    def refuses(self, collector: Any) -> bool:
        """The same for a file that is an argument: pytest does not ask whether to ignore those."""
        if not self._plan.skip_files:
            return False
        rel = self.file_of(collector)
        if rel is None or rel not in self._plan.skip_files or rel in self._addressed:
            return False
        self._refused.add(rel)
        self._leave_out(str(collector.path))
        return True

    def file_of(self, node: Any) -> Optional[str]:
        """The path of the file that a node lies in; None for directories and the session."""
        # Asked for every item: remember the answers for the collectors (the session keeps those alive).
        collector = node.parent if isinstance(node, pytest.Item) else node
        identity = object.__hash__(collector)
        known = self._collectors.get(identity)
        if known is None or known[0] is not collector:
            known = self._collectors[identity] = (collector, self._find_file(node))
        return known[1]

    def _find_file(self, node: Any) -> Optional[str]:
        for parent in node.listchain():
            if isinstance(parent, pytest.File) and not isinstance(parent, pytest.Package):
                return self._registry.relative(str(parent.path))
        return None

    def known_context(self, rel: str) -> Optional[Context]:
        """The context of a file's collection."""
        file = self._files.get(rel)
        return file.context if file is not None else None

    def add_file(self, rel: str, context: Optional[Context]) -> None:
        """Collection of a file begins."""
        self._files[rel] = _File(rel, context)

    def has_file(self, rel: str) -> bool:
        """True once `add_file` was called for the file."""
        return rel in self._files

    def add_report(self, rel: Optional[str], outcome: str) -> None:
        """One of a file's collectors, or a directory's, is done."""
        if rel is None:
            self.whole = self.whole and outcome == "passed"
            return
        file = self._files.get(rel)
        if file is not None and _SEVERITY.get(outcome, 2) > _SEVERITY.get(file.outcome, 2):
            file.outcome = outcome

    def take_items(self, items: List[Any]) -> None:
        """All files are collected: note the ids."""
        for item in items:
            node_id = item.nodeid
            self._ids[object.__hash__(item)] = (item, node_id)
            rel = self.file_of(item)
            file = self._files.get(rel) if rel is not None else None
            if file is not None:
                file.items.append((item, node_id))

    def id_of(self, item: Any) -> str:
        """The item's id as it was collected."""
        known = self._ids.get(object.__hash__(item))
        return known[1] if known is not None else item.nodeid

    def frames(self, items: List[Any]) -> List[dict]:
        """`collected` frames; `items` are those that other plugins have left."""
        left = {object.__hash__(item) for item in items}
        frames = []
        for file in self._files.values():
            if file.rel in self._refused or file.context is None:
                continue
            survived = [object.__hash__(item) in left for item, _ in file.items]
            frames.append(
                {
                    "k": "collected",
                    "file": self._registry.file_id(file.rel),
                    "ctx": file.context.id,
                    "ids": [node_id for _, node_id in file.items],
                    "survived": None if all(survived) else survived,
                    "outcome": file.outcome,
                    "partial": self._all_partial or file.rel in self._addressed,
                }
            )
        return frames

    def unproven(self, has_succeeded: Callable[[str], bool], failed: FrozenSet[str]) -> Dict[str, str]:
        """Files whose tests run although the plan leaves them out, each with a module that did not come to its end.

        Any that has `failed` will do, unless it did so before: what one that may fail binds otherwise may make its
        importers fail.
        """
        found = {}
        for file, paths in self._plan.provided.items():
            wanting = [path for path in paths if not has_succeeded(path)]
            wanting += failed - self._plan.failed.get(file, frozenset())
            if wanting:
                found[file] = min(wanting)
        return found

    def deselect(self, items: List[Any], unproven: Container[str] = ()) -> List[Any]:
        """Take what the plan proves up to date out of `items`, and return it; nothing of the files `unproven`."""
        skip = self._plan.skip_tests
        if not skip:
            return []
        kept: List[Any] = []
        removed: List[Any] = []
        for item in items:
            rel = self.file_of(item)
            up_to_date = (
                rel is not None
                and rel in skip
                and rel not in unproven
                and self.id_of(item) in skip[rel]
                and not self._also(item)
            )
            (removed if up_to_date else kept).append(item)
        if removed:
            items[:] = kept
        return removed

    def arrange(self, items: List[Any]) -> None:
        """Bring what is left into the order that the plan asks for."""
        order = self._plan.order
        if order is None or len(items) < 2:
            return

        def recorded(item: Any) -> Optional[Recorded]:
            rel = self.file_of(item)
            return order.get(rel, {}).get(self.id_of(item)) if rel is not None else None

        items[:] = failures_first(items, recorded)

    def _also(self, item: Any) -> bool:
        """True for an item that one of the plan's expressions matches, as `-k` would."""
        if not self._expressions:
            return False
        from _pytest.mark import KeywordMatcher

        matcher = KeywordMatcher.from_item(item)
        return any(expression.evaluate(matcher) for expression in self._expressions)

    def _compile(self) -> None:
        if not self._plan.also:
            return
        from _pytest.mark.expression import Expression

        for text in self._plan.also:
            try:
                self._expressions.append(Expression.compile(text))
            except (SyntaxError, ValueError) as error:  # pytest's own is one of both, by version
                raise pytest.UsageError("winnow: --also -k %r: %s" % (text, error)) from None
