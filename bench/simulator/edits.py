"""The edits of sources, a written list: each has a name, and says whether it found something to edit.

An edit works on the text as it is, whatever earlier edits have made of it. Many of them break the project, as edits of
people do; the sequence takes care that it does not stay broken.
"""

import ast
import random
import re
from collections.abc import Callable

from simulator.state import State, Statement, module_name, statements

#: Changes the state in place; false if there was nothing to change.
Edit = Callable[[random.Random, State], bool]

BUILTINS = ["sum", "len", "max", "abs", "int", "isinstance", "sorted", "str", "getattr", "range", "property", "print"]


def number(rng: random.Random) -> int:
    """A number that is hardly there already."""
    return rng.randint(101, 997)


def bump(rng: random.Random, line: str) -> str:
    """The line with one of its numbers, no part of a name, changed; some digits fewer or more, or as many."""
    found = list(re.finditer(r"(?<![\w.'\"])\d+(?![\w.'\"])", line))
    if not found:
        return line
    match = rng.choice(found)
    old = match.group()
    new = old
    while new == old:
        new = str(rng.randint(10 ** (len(old) - 1), 10 ** len(old) - 1)) if rng.random() < 0.6 else str(number(rng))
    return line[: match.start()] + new + line[match.end() :]


def bump_where(pattern: str, *, tests: bool | None = None) -> Edit:
    """An edit of a number in a line that fits."""

    def edit(rng: random.Random, state: State) -> bool:
        lines = [
            (path, index)
            for path in state.sources(tests=tests)
            for index, line in enumerate(state.files[path].split("\n"))
            if re.search(pattern, line)
        ]
        if not lines:
            return False
        path, index = rng.choice(lines)
        text = state.files[path].split("\n")
        before = text[index]
        text[index] = bump(rng, before)
        state.files[path] = "\n".join(text)
        return text[index] != before

    return edit


def on_module(edit: Callable[[random.Random, State, str, list[Statement]], str | None], *, tests: bool | None) -> Edit:
    """An edit of one file that has statements, which gives the new text."""

    def one(rng: random.Random, state: State) -> bool:
        paths = state.sources(tests=tests)
        if not paths:
            return False
        path = rng.choice(paths)
        parts = statements(state.files[path])
        new = edit(rng, state, path, parts)
        if new is None or new == state.files[path]:
            return False
        state.files[path] = new
        return True

    return one


def _insert(text: str, at: int, new: str) -> str:
    lines = text.split("\n")
    return "\n".join([*lines[:at], *new.rstrip("\n").split("\n"), *lines[at:]])


def _place(rng: random.Random, parts: list[Statement], *, after_imports: bool = False) -> int:
    """A line before which a statement may stand: behind the docstring, between two statements, or at the end."""
    if not parts:
        return 0
    places = [part.end for part in parts]
    if after_imports:
        imports = [part.end for part in parts if isinstance(part.node, (ast.Import, ast.ImportFrom, ast.Try))]
        places = [place for place in places if place >= max(imports, default=0)] or places
    return rng.choice(places)


def _names(state: State, path: str) -> list[str]:
    """What a module binds by statements of its own."""
    return [part.name for part in statements(state.files[path]) if part.name]


def _used(text: str) -> list[str]:
    """Names that the functions of a text read."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    return sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)})


# --- statements -------------------------------------------------------------------------------------------------------


def _move(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    if len(parts) < 3:
        return None
    part = rng.choice(parts[1:])
    lines = state.files[path].split("\n")
    moved = lines[part.start : part.end]
    others = [one for one in parts if one is not part]
    at = rng.choice(others).end
    rest = lines[: part.start] + lines[part.end :]
    if at > part.start:
        at -= part.end - part.start
    return "\n".join([*rest[:at], *moved, *rest[at:]])


def _remove(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    if len(parts) < 2:
        return None
    part = rng.choice(parts[1:])
    lines = state.files[path].split("\n")
    return "\n".join(lines[: part.start] + lines[part.end :])


def _rename_binding(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    names = [part.name for part in parts if part.name]
    if not names:
        return None
    name = rng.choice(names)
    return re.sub(r"\b%s\b" % re.escape(name), name + "_new", state.files[path])


def _mentioned_nowhere(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    name = "unseen_%d" % number(rng)
    new = rng.choice(
        [
            "def %s(x=%d):\n    return x\n" % (name, number(rng)),
            "%s = %d\n" % (name.upper(), number(rng)),
            "class %s:\n    value = %d\n" % (name.title().replace("_", ""), number(rng)),
            "from math import floor as %s\n" % name,
        ]
    )
    return _insert(state.files[path], _place(rng, parts), new)


def _subclass(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    """A class that nobody mentions but whose base may count its subclasses."""
    bases = [part for part in parts if isinstance(part.node, ast.ClassDef)]
    if not bases:
        return None
    base = rng.choice(bases)
    new = "class Another%d(%s):\n    points = %d\n    size = %d\n" % (number(rng), base.name, number(rng), number(rng))
    return _insert(state.files[path], base.end, new)


def _rebind(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    """Binds a name that the module has, imports or takes from the builtins, once more."""
    names = [name for name in _used(state.files[path]) if not name.startswith("__")]
    if not names:
        return None
    name = rng.choice(names)
    value = number(rng)
    new = rng.choice(
        [
            "%s = %d\n" % (name, value),
            "def %s(*args, **rest):\n    return %d\n" % (name, value),
            "%s = (lambda old: lambda *args: old(*args) + %d if callable(old) else old)(%s)\n" % (name, value, name),
            "from math import gcd as %s\n" % name,
        ]
    )
    return _insert(state.files[path], _place(rng, parts, after_imports=True), new)


def _shadow_builtin(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    names = [name for name in _used(state.files[path]) if name in BUILTINS]
    if not names:
        return None
    name = rng.choice(names)
    new = rng.choice(
        [
            "def %s(*args):\n    return %d\n" % (name, number(rng)),
            "from math import floor as %s\n" % name,
            "import builtins\n%s = lambda *args: builtins.%s(*args)\n" % (name, name),
        ]
    )
    return _insert(state.files[path], _place(rng, parts, after_imports=True), new)


def _class_member(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    """A method, attribute or property added to a class; often one that its base has."""
    found = [part for part in parts if isinstance(part.node, ast.ClassDef)]
    if not found:
        return None
    part = rng.choice(found)
    members = sorted(
        {
            node.name
            for source in state.sources(tests=path.startswith("tests/"))
            for one in statements(state.files[source])
            if isinstance(one.node, ast.ClassDef)
            for node in one.node.body
            if isinstance(node, ast.FunctionDef)
        }
        | {"size", "extra", "points", "factor", "start"}
    )
    name = rng.choice(members)
    value = number(rng)
    new = rng.choice(
        [
            "    %s = %d" % (name, value),
            "    def %s(self, *rest):\n        return %d" % (name, value),
            "    @property\n    def %s(self):\n        return %d" % (name, value),
            "    @classmethod\n    def %s(cls, *rest):\n        return %d" % (name, value),
            "    def __getattr__(self, name):\n        return %d" % value,
            "    def __getattribute__(self, name):\n        return super().__getattribute__(name)",
            "    def __init_subclass__(cls, **rest):\n        cls.size = %d" % value,
            "    def __eq__(self, other):\n        return True",
            "    def __call__(self, *rest):\n        return %d" % value,
            "    __slots__ = ()",
        ]
    )
    return _insert(state.files[path], part.end, "\n" + new)


def _class_header(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    found = [part for part in parts if isinstance(part.node, ast.ClassDef)]
    if not found:
        return None
    part = rng.choice(found)
    line = state.files[path].split("\n")
    at = next(index for index in range(part.start, part.end) if line[index].startswith("class "))
    others = [one.name for one in found if one.start < part.start] + ["", "", "int", "Exception"]
    line[at] = re.sub(r"^class (\w+)[^:]*:", lambda match: "class %s(%s):" % (match[1], rng.choice(others)), line[at])
    return "\n".join(line)


def _decorate(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    found = [part for part in parts if isinstance(part.node, (ast.FunctionDef, ast.ClassDef))]
    if not found:
        return None
    part = rng.choice(found)
    if part.node.decorator_list and rng.random() < 0.5:  # type: ignore[attr-defined]
        lines = state.files[path].split("\n")
        return "\n".join(lines[: part.start] + lines[part.start + 1 :])
    decorator = rng.choice(
        [
            "(lambda one: one)",
            "(lambda one: lambda *args, **rest: %d)" % number(rng),
            "staticmethod",
            "__import__('functools').lru_cache(None)",
        ]
    )
    if decorator.startswith("("):
        # Any expression may decorate since 3.9; before that, a name.
        helper = "helper_%d = %s\n" % (number(rng), decorator)
        return _insert(state.files[path], part.start, helper + "@" + helper.split(" ")[0])
    if decorator.startswith("__"):
        return _insert(state.files[path], part.start, "from functools import lru_cache as kept\n@kept(maxsize=None)")
    return _insert(state.files[path], part.start, "@" + decorator)


def _future(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    if not parts or not isinstance(parts[0].node, ast.Expr):
        return None
    line = "from __future__ import annotations"
    text = state.files[path]
    return text.replace(line + "\n", "") if line in text else _insert(text, parts[0].end, line)


def _docstring(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    return re.sub(
        r'"""(Doc|Module)[^"]*"""', '"""Doc of %s."""' % ("x" * rng.randint(1, 40)), state.files[path], count=1
    )


def _all(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    names = _names(state, path)
    shown = rng.sample(names, rng.randint(0, len(names)))
    text = state.files[path]
    line = "__all__ = [%s]" % ", ".join('"%s"' % name for name in shown)
    if re.search(r"^__all__ = .*$", text, re.M):
        return re.sub(r"^__all__ = .*$", line if rng.random() < 0.8 else "", text, flags=re.M)
    return text + line + "\n"


# --- imports and effects ----------------------------------------------------------------------------------------------


def _others(state: State, path: str) -> list[str]:
    return [one for one in state.sources(tests=False) if one != path]


def _import_added(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    others = _others(state, path)
    if not others:
        return None
    other = rng.choice(others)
    names = _names(state, other) or ["nothing"]
    used = [name for name in _used(state.files[path]) if not name.startswith("__")] or ["anything"]
    module = module_name(other)
    new = rng.choice(
        [
            "import %s" % module,
            "from %s import %s" % (module, rng.choice(names)),
            "from %s import *" % module,
            "from %s import %s as %s" % (module, rng.choice(names), rng.choice(used)),
        ]
    )
    return _insert(state.files[path], _place(rng, parts), new)


def _import_missing(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    new = rng.choice(
        [
            "import not_there",
            "from math import not_there",
            "try:\n    import not_there\nexcept ImportError:\n    not_there = None",
            "try:\n    import optional_part as found_part\nexcept ImportError:\n    found_part = None",
        ]
    )
    return _insert(state.files[path], _place(rng, parts), new)


def effect_on(rng: random.Random, state: State, path: str) -> str | None:
    """A statement that changes something elsewhere."""
    others = _others(state, path)
    candidates = [(other, name) for other in others for name in _names(state, other)]
    if not candidates:
        return None
    other, name = rng.choice(candidates)
    module = module_name(other)
    alias = "touched_%d" % number(rng)
    value = number(rng)
    kind = next(type(part.node).__name__ for part in statements(state.files[other]) if part.name == name)
    start = "import %s as %s\n" % (module, alias)
    if kind == "ClassDef":
        return start + rng.choice(
            [
                "%s.%s.size = %d" % (alias, name, value),
                "%s.%s.wide = %d" % (alias, name, value),
                "class Added%d(%s.%s):\n    points = %d" % (value, alias, name, value),
                "setattr(%s.%s, 'extra', %d)" % (alias, name, value),
            ]
        )
    if kind in ("FunctionDef", "AsyncFunctionDef"):
        return start + rng.choice(
            [
                "%s.%s = lambda *args, **rest: %d" % (alias, name, value),
                "%s.%s.__defaults__ = (%d,)" % (alias, name, value),
                "setattr(%s, '%s', lambda *args, **rest: %d)" % (alias, name, value),
            ]
        )
    return start + rng.choice(
        [
            "%s.%s = %d" % (alias, name, value),
            "%s.__dict__['%s'] = %d" % (alias, name, value),
            "setattr(%s, '%s' + '%s', %d)" % (alias, name[:2], name[2:], value),
            "try:\n    %s.%s['b'] = %d\nexcept TypeError:\n    pass" % (alias, name, value),
            "try:\n    %s.%s.append(%d)\nexcept AttributeError:\n    pass" % (alias, name, value),
        ]
    )


def _is_test_file(path: str) -> bool:
    """Effects of one test file on another make outcomes that depend on what is collected."""
    return path.startswith("tests/") and not path.endswith("conftest.py")


def _effect(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    if _is_test_file(path):
        return None
    if rng.random() < 0.2:
        new: str | None = rng.choice(
            [
                "import os\nos.environ['SIM_TWO'] = '%d'" % number(rng),
                "import builtins\nbuiltins.sum = lambda *args: %d" % number(rng),
                "import sys\nsys.modules['optional_part'] = None",
                "print('loaded')",
                "raise ValueError('no')",
                "[].append(%d)" % number(rng),
                "if True:\n    pass",
            ]
        )
    else:
        new = effect_on(rng, state, path)
    return None if new is None else _insert(state.files[path], _place(rng, parts), new)


def _effect_in_function(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    """A function that touches something elsewhere, with a call of it or without."""
    if _is_test_file(path):
        return None
    effect = effect_on(rng, state, path)
    if effect is None:
        return None
    name = "prepare_%d" % number(rng)
    body = "\n".join("    " + line for line in effect.split("\n"))
    call = rng.choice(["", "\n%s()" % name, "\nVALUE_%s = %s()" % (name.upper(), name)])
    return _insert(state.files[path], _place(rng, parts), "def %s():\n%s\n%s" % (name, body, call))


def _import_changed(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    """Another module for an imported name, or another name under the same alias."""
    lines = state.files[path].split("\n")
    found = [i for i, line in enumerate(lines) if re.match(r"\s*from [\w.]+ import \w+( as \w+)?$", line)]
    others = _others(state, path)
    if not found or not others:
        return None
    at = rng.choice(found)
    match = re.match(r"(\s*)from ([\w.]+) import (\w+)(?: as (\w+))?$", lines[at])
    assert match is not None
    space, module, name, alias = match.groups()
    sources = [one for one in others if module_name(one) == module]
    if sources and rng.random() < 0.5:
        lines[at] = "%sfrom %s import %s as %s" % (
            space,
            module,
            rng.choice(_names(state, sources[0]) or [name]),
            alias or name,
        )
    else:
        other = rng.choice(others)
        names = _names(state, other)
        lines[at] = "%sfrom %s import %s as %s" % (
            space,
            module_name(other),
            name if name in names else rng.choice(names or [name]),
            alias or name,
        )
    return "\n".join(lines)


def _import_style(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    """The same import another way: lazily tried, or as a star."""
    lines = state.files[path].split("\n")
    found = [i for i, line in enumerate(lines) if re.match(r"from [\w.]+ import \w+$", line)]
    if not found:
        return None
    at = rng.choice(found)
    module = lines[at].split(" ")[1]
    lines[at] = rng.choice(
        [
            "from %s import *" % module,
            "try:\n    %s\nexcept ImportError:\n    raise" % lines[at],
            "if True:\n    %s" % lines[at],
            lines[at].replace(" import ", " import ( ") + " )",
        ]
    )
    return "\n".join(lines)


def _module_getattr(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    return (
        state.files[path]
        + "\n\ndef __getattr__(name):\n    if name.startswith('__'):\n        raise AttributeError(name)\n    return %d\n"
        % number(rng)
    )


# --- fixtures and tests -----------------------------------------------------------------------------------------------


def _fixtures(state: State) -> list[str]:
    return sorted(
        {
            name
            for path in state.sources(tests=True)
            for name in re.findall(r"@pytest\.fixture.*\ndef (\w+)\(", state.files[path])
        }
    )


def _fixture_added(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    """Nearer than the one of the same name, or for all tests below."""
    if "import pytest" not in state.files[path] or not parts:
        return None
    name = rng.choice(_fixtures(state) or ["amount"])
    shape = rng.random()
    if shape < 0.5:
        new = "\n\n@pytest.fixture\ndef %s():\n    return %d\n" % (name, number(rng))
    elif shape < 0.7:
        new = "\n\n@pytest.fixture(name='%s')\ndef given_%d():\n    return %d\n" % (name, number(rng), number(rng))
    else:
        effect = effect_on(rng, state, path)
        if effect is None:
            return None
        body = "\n".join("    " + line for line in effect.split("\n"))
        new = "\n\n@pytest.fixture(autouse=True)\ndef sure_%d():\n%s\n" % (number(rng), body)
    return state.files[path] + new


def _nearer_conftest(rng: random.Random, state: State) -> bool:
    path = rng.choice(["tests/sub/conftest.py", "conftest.py", "tests/conftest.py"])
    if path in state.files:
        if rng.random() < 0.4:
            del state.files[path]
            return True
        return False
    if path == "tests/sub/conftest.py" and not any(one.startswith("tests/sub/") for one in state.files):
        return False
    name = rng.choice(_fixtures(state) or ["amount"])
    hook = rng.choice(
        [
            "",
            "\n\ndef pytest_runtest_setup(item):\n    import os\n    os.environ['SIM_TWO'] = '%d'\n" % number(rng),
            "\n\ndef pytest_generate_tests(metafunc):\n    if 'case' in metafunc.fixturenames and not metafunc._calls:\n        pass\n",
            "\n\ndef pytest_collection_modifyitems(items):\n    del items[-1:]\n",
        ]
    )
    state.files[path] = "import pytest\n\n\n@pytest.fixture\ndef %s():\n    return %d\n%s" % (name, number(rng), hook)
    return True


def _test_added(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    if "/test_" not in path:
        return None
    sources = state.sources(tests=False)
    other = rng.choice(sources) if sources else ""
    names = _names(state, other) if other else []
    body = "value = %d" % number(rng)
    if names:
        body = "from %s import %s as found\n    value = len(str(found)) if isinstance(found, int) else %d" % (
            module_name(other),
            rng.choice(names),
            number(rng),
        )
    return state.files[path] + "\n\ndef test_added_%d():\n    %s\n    print('seen', value)\n" % (number(rng), body)


def _test_removed(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    found = [part for part in parts if part.name.lower().startswith("test")]
    if not found or "/test_" not in path:
        return None
    part = rng.choice(found)
    lines = state.files[path].split("\n")
    return "\n".join(lines[: part.start] + lines[part.end :])


def _test_renamed(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    found = re.findall(r"def (test_\w+)\(", state.files[path])
    if not found or "/test_" not in path:
        return None
    name = rng.choice(found)
    return state.files[path].replace("def %s(" % name, "def %s_%d(" % (name, number(rng)), 1)


def _test_in_base(rng: random.Random, state: State) -> bool:
    text = state.files.get("tests/bases.py", "")
    if "class Checks" not in text:
        return False
    new = "    def test_more_%d(self):\n        value = self.factor + %d\n        print('seen', value)\n" % (
        number(rng),
        number(rng),
    )
    state.files["tests/bases.py"] = re.sub(r"(class Checks.*:\n)", lambda match: match[1] + new, text, count=1)
    return True


def _cases(rng: random.Random, state: State) -> bool:
    text = state.files.get("tests/bases.py", "")
    new = "CASES = [%s]" % ", ".join(str(number(rng)) for _ in range(rng.randint(0, 3)))
    state.files["tests/bases.py"] = re.sub(r"^CASES = .*$", new, text, flags=re.M)
    return state.files["tests/bases.py"] != text


# --- text -------------------------------------------------------------------------------------------------------------


def _comment(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    lines = state.files[path].split("\n")
    at = rng.randrange(len(lines)) if not parts else rng.choice(parts).end
    return "\n".join([*lines[:at], rng.choice(["# note %d" % number(rng), ""]), *lines[at:]])


def _syntax_error(rng: random.Random, state: State, path: str, parts: list[Statement]) -> str | None:
    new = "def unused_%d():\n    return %s" % (number(rng), rng.choice(["1 +", "(", "x y", "yield = 3"]))
    return _insert(state.files[path], _place(rng, parts), new)


SOURCE_EDITS: list[tuple[str, int, Edit]] = [
    ("function body", 10, bump_where(r"^ +return .*\d", tests=False)),
    ("constant", 8, bump_where(r"^[A-Z_0-9]+ = .*\d")),
    ("default", 5, bump_where(r"^ *def \w+\(.*=\d+")),
    ("decorator argument", 4, bump_where(r"^@\w+\(.*\d")),
    ("class attribute, field or member", 7, bump_where(r"^    \w+(: \w+)? = \d+")),
    ("any number of the product", 4, bump_where(r"\d", tests=False)),
    ("any number of the tests", 4, bump_where(r"\d", tests=True)),
    ("fixture's body", 4, bump_where(r"^    (return|yield) .*\d", tests=True)),
    ("decorator put on or taken off", 3, on_module(_decorate, tests=False)),
    ("base class", 3, on_module(_class_header, tests=False)),
    ("member added to a class", 6, on_module(_class_member, tests=None)),
    ("subclass added", 3, on_module(_subclass, tests=False)),
    ("__all__", 3, on_module(_all, tests=False)),
    ("name bound again", 6, on_module(_rebind, tests=None)),
    ("builtin shadowed", 3, on_module(_shadow_builtin, tests=None)),
    ("statement moved", 5, on_module(_move, tests=None)),
    ("statement removed", 2, on_module(_remove, tests=False)),
    ("definition renamed", 1, on_module(_rename_binding, tests=False)),
    ("added, mentioned nowhere", 4, on_module(_mentioned_nowhere, tests=None)),
    ("future annotations", 1, on_module(_future, tests=None)),
    ("docstring", 2, on_module(_docstring, tests=False)),
    ("import added", 5, on_module(_import_added, tests=None)),
    ("import added, missing", 2, on_module(_import_missing, tests=None)),
    ("import changed", 4, on_module(_import_changed, tests=None)),
    ("import written another way", 2, on_module(_import_style, tests=None)),
    ("effect added", 7, on_module(_effect, tests=None)),
    ("function with an effect added", 4, on_module(_effect_in_function, tests=None)),
    ("module __getattr__", 1, on_module(_module_getattr, tests=False)),
    ("fixture added: nearer, autouse", 4, on_module(_fixture_added, tests=True)),
    ("conftest appears or goes", 2, _nearer_conftest),
    ("test added", 2, on_module(_test_added, tests=True)),
    ("test removed", 1, on_module(_test_removed, tests=True)),
    ("test renamed", 1, on_module(_test_renamed, tests=True)),
    ("test added to a foreign base", 2, _test_in_base),
    ("parameters of another module", 2, _cases),
    ("comment or blank line", 2, on_module(_comment, tests=None)),
    ("syntax error in unused code", 1, on_module(_syntax_error, tests=None)),
]
