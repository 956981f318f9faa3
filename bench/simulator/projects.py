"""Random projects: 3 to 8 modules, 8 to 25 tests, conftests at two levels, data, configuration."""

import json
import random
from collections.abc import Callable

from simulator.modules import Export, Writer, draw_units, indented
from simulator.state import State

PLACES = [
    "app/base.py",
    "app/core.py",
    "app/util/text.py",
    "app/util/maths.py",
    "helpers.py",
    "app/shop.py",
    "lib/extra.py",
    "lib/tools.py",
]


def make_project(rng: random.Random, *, ordered: bool) -> State:
    """A project; `ordered`: with tests that find what others have written, so that their order counts."""
    state = State()
    places = sorted(rng.sample(PLACES, rng.randint(3, len(PLACES) - 1)), key=PLACES.index)
    exports: list[Export] = []
    opaque = rng.random() < 0.15
    for path in places:
        writer = Writer(path[:-3].replace("/", "."), path, rng, exports)
        draw_units(writer, rng.randint(2, 6), opaque=opaque)
        if rng.random() < 0.25:
            shown = sorted({one.name for one in writer.own if rng.random() < 0.8})
            writer.lines += ["", "__all__ = %s" % json.dumps(shown)]
        state.files[path] = writer.text()
        exports += writer.own
    for package in sorted({path.rpartition("/")[0] for path in places if "/" in path}):
        if package == "lib" and rng.random() < 0.4:
            continue
        state.files.setdefault(package + "/__init__.py", "")
    if "app/util/__init__.py" in state.files:
        state.files.setdefault("app/__init__.py", "")
    reexported = _reexports(rng, state, exports)
    state.files["data/numbers.json"] = json.dumps({key: rng.randint(2, 97) for key in "abcd"}, indent=1) + "\n"
    state.files["data/cases.json"] = json.dumps([rng.randint(2, 97) for _ in range(rng.randint(1, 3))]) + "\n"
    state.files["data/note.txt"] = "%d\n" % rng.randint(2, 97)
    state.files["pytest.ini"] = "[pytest]\npythonpath = .\ntestpaths = tests\nxfail_strict = false\n"
    if rng.random() < 0.3:
        state.files[".gitignore"] = "__pycache__/\n%s\n" % rng.choice(places)
    if rng.random() < 0.5:
        state.env["SIM_ONE"] = str(rng.randint(2, 97))
    _add_tests(rng, state, exports + reexported, ordered=ordered)
    return state


def _reexports(rng: random.Random, state: State, exports: list[Export]) -> list[Export]:
    """Has packages hand on what their modules define; only tests use it, so that imports go in no circle."""
    made = []
    for package in ("app", "app.util", "lib"):
        path = package.replace(".", "/") + "/__init__.py"
        inside = [one for one in exports if one.module.startswith(package + ".")]
        if path not in state.files or not inside or rng.random() < 0.4:
            continue
        lines = []
        for one in rng.sample(inside, min(len(inside), 3)):
            relative = one.module[len(package) + 1 :]
            if rng.random() < 0.25:
                lines.append("from .%s import *" % relative)
                made.append(Export(package, one.name, one.use))
            elif rng.random() < 0.5:
                lines.append("from %s import %s" % (one.module, one.name))
                made.append(Export(package, one.name, one.use))
            else:
                lines.append("from .%s import %s as %s_again" % (relative, one.name, one.name))
                made.append(Export(package, one.name + "_again", one.use))
        state.files[path] = "\n".join(lines) + "\n"
    return made


# --- tests ------------------------------------------------------------------------------------------------------------


def seen(expression: str, depth: int) -> str:
    """What ends every test: the number is shown, and few of all numbers are wrong."""
    return indented(["value = %s" % expression, 'print("seen", value)', "assert value % 11 != 5"], depth)


def _conftest(rng: random.Random, name: str, path: str, exports: list[Export], fixtures: list[str]) -> str:
    w = Writer(name, path, rng, exports)
    w.imports.append("import pytest")
    for _ in range(rng.randint(2, 4)):
        fixture = rng.choice(["amount", "client", "config", "basket", "level"])
        if fixture in w.taken:
            continue
        w.taken.add(fixture)
        scope = rng.choice(["function", "function", "class", "module", "package", "session"])
        setup, expression = w.use()
        above = sorted(set(fixtures)) if scope == "function" else []
        parameter = ""
        if fixture in fixtures and scope == "function" and rng.random() < 0.5:
            parameter, expression = fixture, "%s + %s" % (fixture, expression)
        elif above and rng.random() < 0.3:
            other = rng.choice([one for one in above if one != fixture] or ["tmp_path"])
            parameter, expression = other, ("%s + %s" % (other, expression) if other != "tmp_path" else expression)
        options = ['scope="%s"' % scope] if scope != "function" else []
        if rng.random() < 0.15 and not parameter:
            options.append("params=[%d, %d]" % (w.number(), w.number()))
            parameter, expression = "request", "request.param + %s" % expression
        ending = rng.choice(["return %s", "yield %s"]) % ("%s + %d" % (expression, w.number()))
        w.lines += [
            "",
            "",
            "@pytest.fixture(%s)" % ", ".join(options) if options or rng.random() < 0.5 else "@pytest.fixture",
            "def %s(%s):" % (fixture, parameter),
            *indented([*setup, ending], 1).rstrip("\n").split("\n"),
        ]
        fixtures.append(fixture)
    if rng.random() < 0.5:
        setup, expression = w.use()
        w.lines += [
            "",
            "",
            "@pytest.fixture(autouse=True%s)" % rng.choice(["", ', scope="module"', ', scope="session"']),
            "def %s():" % rng.choice(["always", "prepared"]),
            *indented([*setup, "assert (%s) %% 13 != 5" % expression, "yield"], 1).rstrip("\n").split("\n"),
        ]
    return w.text()


def _add_tests(rng: random.Random, state: State, exports: list[Export], *, ordered: bool) -> None:
    fixtures: list[str] = []
    state.files["tests/conftest.py"] = _conftest(rng, "tests.conftest", "tests/conftest.py", exports, fixtures)
    places = ["tests/"]
    if rng.random() < 0.7:
        places.append("tests/sub/")
        if rng.random() < 0.7:
            path = "tests/sub/conftest.py"
            state.files[path] = _conftest(rng, "tests.sub.conftest", path, exports, list(fixtures))
    packaged = rng.random() < 0.3
    if packaged:
        for place in places:
            state.files[place + "__init__.py"] = ""
    w = Writer("bases", "tests/bases.py", rng, exports)
    setup, expression = w.use()
    w.lines += ["", "", "class Checks:", "    factor = %d" % w.number(), "", "    def test_shared(self):"]
    w.lines += indented(setup, 2).rstrip("\n").split("\n") if setup else []
    w.lines += seen("self.factor + %s" % expression, 2).rstrip("\n").split("\n")
    w.lines += ["", "", "CASES = [%d, %d]" % (w.number(), w.number())]
    state.files["tests/bases.py"] = w.text()
    count = rng.randint(2, 4)
    for index in range(count):
        place = rng.choice(places)
        # The same base name in two directories needs packages.
        path = "%stest_%s%d.py" % (place, rng.choice(["a", "b"]), index)
        bases = "from %sbases" % ("tests." if packaged else "")
        w = Writer(path[:-3].replace("/", "."), path, rng, exports)
        w.imports.append("import pytest")
        left = rng.randint(12, 24) // count
        while left > 0:
            kinds = [_plain, _plain, _plain, _fixture, _fixture, _class, _inherited, _parameters, _unittest, _patched]
            kinds += [_marked, _raising]
            if ordered:
                kinds += [_exchange, _exchange]
            left -= rng.choice(kinds)(w, bases, sorted(set(fixtures)))
        state.files[path] = w.text()


def _plain(w: Writer, bases: str, fixtures: list[str]) -> int:
    first, one = w.use()
    _, two = w.use(late=False)
    w.add("def test_%s():\n%s%s" % (w.function_name(), indented(first, 1), seen("%s + %s" % (one, two), 1)))
    return 1


def _fixture(w: Writer, bases: str, fixtures: list[str]) -> int:
    if not fixtures:
        return _plain(w, bases, fixtures)
    fixture = w.rng.choice(fixtures)
    setup, one = w.use()
    name = w.function_name()
    shape = w.rng.random()
    if shape < 0.7:
        w.add("def test_%s(%s):\n%s%s" % (name, fixture, indented(setup, 1), seen("%s + %s" % (fixture, one), 1)))
    elif shape < 0.85:
        found = 'request.getfixturevalue("%s" + "%s")' % (fixture[:2], fixture[2:])
        w.add("def test_%s(request):\n%s%s" % (name, indented(setup, 1), seen("%s + %s" % (found, one), 1)))
    else:
        w.add(
            '@pytest.mark.usefixtures("%s")\ndef test_%s():\n%s%s' % (fixture, name, indented(setup, 1), seen(one, 1))
        )
    return 1


def _class(w: Writer, bases: str, fixtures: list[str]) -> int:
    first, one = w.use()
    second, two = w.use()
    w.add(
        "class Test%s:\n    step = %d\n\n    def setup_method(self):\n%s        self.base = %s\n\n"
        "    def test_one(self):\n%s\n    def test_two(self):\n%s%s"
        % (
            w.class_name(),
            w.number(),
            indented(first, 2),
            one,
            seen("self.base + self.step", 2),
            indented(second, 2),
            seen("self.base + %s" % two, 2),
        )
    )
    return 2


def _inherited(w: Writer, bases: str, fixtures: list[str]) -> int:
    line = bases + " import Checks"
    if line not in w.imports:
        w.imports.append(line)
    w.add("class Test%s(Checks):\n    factor = %d" % (w.class_name(), w.number()))
    return 1


def _parameters(w: Writer, bases: str, fixtures: list[str]) -> int:
    setup, one = w.use()
    shape = w.rng.random()
    if shape < 0.35:
        line = bases + " import CASES"
        if line not in w.imports:
            w.imports.append(line)
        source = "CASES"
    elif shape < 0.7:
        w.imports += ["import json", "from pathlib import Path"]
        depth = w.path.count("/")
        source = 'json.loads((Path(__file__).resolve().parents[%d] / "data" / "cases.json").read_text())' % depth
    else:
        _, expression = w.use(late=False)
        source = "[%d, %s]" % (w.number(), expression)
    w.add(
        '@pytest.mark.parametrize("case", %s)\ndef test_%s(case):\n%s%s'
        % (source, w.function_name(), indented(setup, 1), seen("case + %s" % one, 1))
    )
    return 2


def _unittest(w: Writer, bases: str, fixtures: list[str]) -> int:
    w.imports.append("import unittest")
    first, one = w.use()
    second, two = w.use()
    w.add(
        "class %sCase(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls):\n%s        cls.base = %s\n\n"
        "    def setUp(self):\n        self.more = %d\n\n    def test_case(self):\n%s%s"
        % (
            w.class_name(),
            indented(first, 2),
            one,
            w.number(),
            indented(second, 2),
            seen("self.base + self.more + %s" % two, 2),
        )
    )
    return 1


def _patched(w: Writer, bases: str, fixtures: list[str]) -> int:
    w.imports.append("from unittest import mock")
    constants = [one for one in w.others if one.use == "{}"]
    if not constants:
        return _plain(w, bases, fixtures)
    target = w.rng.choice(constants)
    setup, one = w.use()
    w.add(
        'def test_%s():\n    with mock.patch("%s.%s", %d):\n%s%s'
        % (w.function_name(), target.module, target.name, w.number(), indented(setup, 2), seen(one, 2))
    )
    return 1


def _marked(w: Writer, bases: str, fixtures: list[str]) -> int:
    _, condition = w.use(late=False)
    setup, one = w.use()
    mark = w.rng.choice(['skipif((%s) %% 3 == 0, reason="three")', 'xfail((%s) %% 2 == 0, reason="two")'])
    w.add(
        "@pytest.mark.%s\ndef test_%s():\n%s%s"
        % (mark % condition, w.function_name(), indented(setup, 1), seen(one, 1))
    )
    return 1


def _raising(w: Writer, bases: str, fixtures: list[str]) -> int:
    """What a failing expression comes to counts too."""
    setup, one = w.use()
    w.add(
        "def test_%s():\n    try:\n%s        found = %s\n    except (AttributeError, NameError, ImportError, TypeError) as error:\n"
        "        found = len(type(error).__name__)\n%s" % (w.function_name(), indented(setup, 2), one, seen("found", 1))
    )
    return 1


def _exchange(w: Writer, bases: str, fixtures: list[str]) -> int:
    """A test that writes a file, and one that reads it."""
    w.imports.append("from pathlib import Path")
    setup, one = w.use()
    name = w.function_name()
    place = '(Path(__file__).parent / "%s.out")' % name
    w.add(
        "def test_%s_writes():\n%s    %s.write_text(str(%s))\n\n\ndef test_%s_reads():\n%s"
        % (name, indented(setup, 1), place, one, name, seen("int(%s.read_text()) + %d" % (place, w.number()), 1))
    )
    return 2


TestKind = Callable[[Writer, str, list[str]], int]
