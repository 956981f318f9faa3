"""`@pytest.mark.winnow(...)`: what a test says of itself that nobody can see.

A marker that says something else than it can say is no reason to fail a test. It is taken for `always=True`, and the
user is told.
"""

from typing import Any, Dict, List, Optional, Tuple

NAME = "winnow"
LINE = (
    NAME + "(always=False, depends=[], env=[], commands=[]): what the test depends on that Winnow cannot see: "
    "globs of files relative to the project's root, environment variables, commands; or that it runs always."
)
_LISTS = ("depends", "env", "commands")


def declared_by(item: Any) -> Tuple[Optional[dict], List[str]]:
    """What the markers of a test declare, all taken together, and what is wrong with them."""
    always = False
    lists: Dict[str, List[str]] = {name: [] for name in _LISTS}
    problems: List[str] = []
    found = False
    for mark in item.iter_markers(NAME):
        found = True
        problem = _problem(mark.args, mark.kwargs)
        if problem is not None:
            problems.append(problem)
            always = True
            continue
        always = always or bool(mark.kwargs.get("always", False))
        for name in _LISTS:
            values = mark.kwargs.get(name, ())
            for value in [values] if isinstance(values, str) else values:
                if value not in lists[name]:
                    lists[name].append(value)
    if not found:
        return None, problems
    declared: Dict[str, Any] = {name: values for name, values in lists.items() if values}
    if always:
        declared["always"] = True
    return declared, problems


def _problem(args: Tuple[Any, ...], named: Dict[str, Any]) -> Optional[str]:
    if args:
        return "it takes named arguments only"
    for name, value in named.items():
        if name == "always":
            if not isinstance(value, bool):
                return "always must be True or False"
        elif name not in _LISTS:
            return "there is no argument %s" % name
        elif isinstance(value, str):
            continue
        elif not isinstance(value, (list, tuple, set, frozenset)) or not all(isinstance(each, str) for each in value):
            return "%s must be a list of texts" % name
    return None
