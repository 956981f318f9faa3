"""The order "failures-first": what failed last, what nothing is recorded of, then short before long.

What must stay true:
- What failed comes before all else, wherever it stands. So a fixture that is wider than a test is set up twice at most:
  once for those, once for the rest.
- Within both, the tests of a package, a file or a class stay together, and parametrized fixtures wider than a test are
  brought together by pytest's own rule: nothing is set up more often than pytest itself would.
- Equal tests keep the order in which they are written, so all workers of xdist come to the same one.
"""

from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest

Recorded = Tuple[bool, int]
"""Whether the newest result is a failure, and how long the test took, in microseconds."""

_Rank = Tuple[int, int]


def failures_first(items: List[Any], recorded: Callable[[Any], Optional[Recorded]]) -> List[Any]:
    """The items in that order; `recorded` tells what is known of one."""
    known = {object.__hash__(item): recorded(item) for item in items}
    parts: Tuple[List[Any], List[Any]] = ([], [])
    for item in items:
        of_item = known[object.__hash__(item)]
        parts[0 if of_item is not None and of_item[0] else 1].append(item)

    def rank(item: Any) -> _Rank:
        of_item = known[object.__hash__(item)]
        return (0, 0) if of_item is None else (1, of_item[1])

    ordered = []
    for part in parts:
        arranged = [item for _, members in _grouped([(_places(item), item) for item in part], rank) for item in members]
        ordered += _as_fixtures_want(arranged)
    return ordered


def _places(item: Any) -> List[Any]:
    """What an item lies in, and wider fixtures may belong to, from the outside in."""
    return [node for node in item.listchain() if isinstance(node, (pytest.Package, pytest.File, pytest.Class))]


def _grouped(
    placed: List[Tuple[List[Any], Any]], rank: Callable[[Any], _Rank], depth: int = 0
) -> List[Tuple[_Rank, List[Any]]]:
    """Groups by what is at this depth of the places, each with its rank and in itself ordered; lowest rank first."""
    groups: List[Tuple[_Rank, List[Any]]] = []
    inner: Dict[int, List[Tuple[List[Any], Any]]] = {}
    for places, item in placed:
        if len(places) > depth:
            inner.setdefault(object.__hash__(places[depth]), []).append((places, item))
        else:
            groups.append((rank(item), [item]))
    for members in inner.values():
        parts = _grouped(members, rank, depth + 1)
        # One test that nothing is known of makes the group new; else it is as long as all of its tests.
        whole = (min(kind for (kind, _), _ in parts), sum(duration for (_, duration), _ in parts))
        groups.append((whole, [item for _, part in parts for item in part]))
    # Where single tests stand beside groups (a module's functions and classes), the written order decides among equals.
    position = {object.__hash__(item): at for at, (_, item) in enumerate(placed)}
    groups.sort(key=lambda group: (group[0], min(position[object.__hash__(item)] for item in group[1])))
    return groups


def _as_fixtures_want(items: List[Any]) -> List[Any]:
    """What pytest itself does at the end of collection: tests with one parameter of a wider fixture come together."""
    if not items:
        return items
    manager = items[0].config.pluginmanager.get_plugin("funcmanage")
    arranged = list(items)
    if manager is not None:
        manager.pytest_collection_modifyitems(arranged)
    return arranged
