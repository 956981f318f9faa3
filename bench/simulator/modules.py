"""Random modules of the product: definitions of many kinds that use each other through imports of many styles.

Every definition can be used in an expression that is a number, and nearly every number in it takes part in the result,
so that an edit anywhere is seen by some test.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

WORDS = (
    "price tax rate total size width area scale limit offset weight score level depth count index ratio margin stock "
    "order label shift chunk round_up blend merge split pack fold trim clamp mix"
).split()
CLASSES = "Account Basket Invoice Ledger Meter Parcel Record Shape Tariff Voucher".split()
LIMIT = 9973


@dataclass(frozen=True)
class Export:
    """Something that others can use: `use` makes a number of a reference to it."""

    module: str
    name: str
    use: str


class Writer:
    """A module that is being written."""

    def __init__(self, name: str, path: str, rng: random.Random, exports: list[Export]) -> None:
        self.name = name
        self.path = path
        self.rng = rng
        self.others = [one for one in exports if one.module != name]
        self.own: list[Export] = []
        self.imports: list[str] = []
        self.lines: list[str] = []
        self.taken: set[str] = set()

    def number(self) -> int:
        """Any number that is worth writing."""
        return self.rng.randint(2, 97)

    def fresh(self, words: list[str]) -> str:
        """A name that the module does not use yet; other modules may well have the same."""
        while True:
            name = self.rng.choice(words)
            if name in self.taken:
                name += "_%d" % self.number()
            if name not in self.taken:
                self.taken.add(name)
                return name

    def constant_name(self) -> str:
        """A fresh name in capitals."""
        return self.fresh([word.upper() for word in WORDS])

    def function_name(self) -> str:
        """A fresh name in small letters."""
        return self.fresh(WORDS)

    def class_name(self) -> str:
        """A fresh name of a class."""
        return self.fresh(CLASSES)

    def add(self, text: str, *exports: tuple[str, str]) -> None:
        """Adds statements that define names, each with its use."""
        self.lines += ["", "", *text.strip("\n").split("\n")]
        self.own += [Export(self.name, name, use) for name, use in exports]

    def use(self, *, late: bool = True) -> tuple[list[str], str]:
        """Statements for a function's body, and an expression in terms of them. `late`: inside of a function."""
        rng = self.rng
        if not self.others or (self.own and rng.random() < 0.35):
            if not self.own:
                return [], str(self.number())
            one = rng.choice(self.own)
            return [], one.use.format(one.name)
        one = rng.choice(self.others)
        setup, reference = self.reach(one, late=late)
        return setup, one.use.format(reference)

    def reach(self, one: Export, *, late: bool = True) -> tuple[list[str], str]:
        """How to come by the definition of another module: statements, and the expression that stands for it."""
        rng = self.rng
        parent, _, last = one.module.rpartition(".")
        alias = "%s_%s" % (last, "m")
        styles: list[Callable[[], tuple[list[str], str]]] = []

        def top(line: str, reference: str) -> Callable[[], tuple[list[str], str]]:
            def add() -> tuple[list[str], str]:
                if line not in self.imports:
                    self.imports.append(line)
                return [], reference

            return add

        free = one.name not in self.taken
        if free:
            styles += [top("from %s import %s" % (one.module, one.name), one.name)] * 3
        styles += [
            top(
                "from %s import %s as other_%s_%s" % (one.module, one.name, last, one.name),
                "other_%s_%s" % (last, one.name),
            ),
            top("import %s as %s" % (one.module, alias), "%s.%s" % (alias, one.name)),
            top("import %s" % one.module, "%s.%s" % (one.module, one.name)),
            top(
                "try:\n    from %s import %s as maybe_%s\nexcept ImportError:\n    maybe_%s = None"
                % (one.module, one.name, one.name, one.name),
                "maybe_%s" % one.name,
            ),
            top(
                "import %s as %s" % (one.module, alias),
                'getattr(%s, "%s" + "%s")' % (alias, one.name[:2], one.name[2:]),
            ),
        ]
        if free and rng.random() < 0.5:
            styles.append(top("from %s import *" % one.module, one.name))
        if parent:
            styles.append(top("from %s import %s" % (parent, last), "%s.%s" % (last, one.name)))
            own_parent = self.name.rpartition(".")[0] if not self.path.endswith("__init__.py") else self.name
            if own_parent == parent:
                styles.append(top("from . import %s" % last, "%s.%s" % (last, one.name)))
                styles.append(top("from .%s import %s as near_%s" % (last, one.name, one.name), "near_%s" % one.name))
        if late:
            styles += [
                lambda: (["from %s import %s as late" % (one.module, one.name)], "late"),
                lambda: (["import %s as late_m" % one.module], "late_m.%s" % one.name),
                lambda: (
                    ["from importlib import import_module", 'loaded = import_module("%s")' % one.module],
                    "loaded.%s" % one.name,
                ),
                lambda: self._type_checking(one),
            ]
        setup, reference = rng.choice(styles)()
        if reference == one.name:
            self.taken.add(one.name)
        return setup, reference

    def _type_checking(self, one: Export) -> tuple[list[str], str]:
        line = "if TYPE_CHECKING:\n    from %s import %s as typed_%s" % (one.module, one.name, one.name)
        for each in ["from typing import TYPE_CHECKING", line]:
            if each not in self.imports:
                self.imports.append(each)
        return ["from %s import %s as typed" % (one.module, one.name)], "typed"

    def text(self) -> str:
        """The module's source."""
        return "\n".join(['"""Module %s."""' % self.name, *self.imports, *self.lines]) + "\n"


def indented(lines: list[str], depth: int) -> str:
    """Statements as they stand in a body, each ended by a line break."""
    return "".join(" " * 4 * depth + line + "\n" for line in lines)


Unit = Callable[[Writer], None]


def constant(w: Writer) -> None:
    name = w.constant_name()
    w.add("%s = %d" % (name, w.number()), (name, "{}"))


def computed(w: Writer) -> None:
    _, expression = w.use(late=False)
    name = w.constant_name()
    w.add("%s = (%s + %d) %% %d" % (name, expression, w.number(), LIMIT), (name, "{}"))


def table(w: Writer) -> None:
    _, expression = w.use(late=False)
    name = w.constant_name()
    w.add(
        '%s = {"a": %d, "b": %s, **{str(k): k * %d for k in range(3)}}' % (name, w.number(), expression, w.number()),
        (name, '{}["b"]'),
        (name, '{}["2"]'),
        (name, "sum({}.values())"),
    )


def function(w: Writer) -> None:
    setup, expression = w.use()
    name = w.function_name()
    w.add(
        "def %s(x, y=%d):\n%s    return (x * %d + y + %s) %% %d"
        % (name, w.number(), indented(setup, 1), w.number(), expression, LIMIT),
        (name, "{}(%d)" % w.number()),
        (name, "{}(%d, y=%d)" % (w.number(), w.number())),
    )


def default(w: Writer) -> None:
    _, expression = w.use(late=False)
    name = w.function_name()
    w.add("def %s(x=%s, *, z=%d):\n    return (x + z) %% %d" % (name, expression, w.number(), LIMIT), (name, "{}()"))


def decorated(w: Writer) -> None:
    deco, name = w.function_name(), w.function_name()
    setup, expression = w.use()
    w.add(
        "def {deco}(times):\n    def around(function):\n        def inner(*args):\n"
        "            return (function(*args) * times + {a}) % {limit}\n        return inner\n    return around\n\n\n"
        "@{deco}({b})\ndef {name}(x):\n{setup}    return x + {expression}".format(
            deco=deco,
            name=name,
            a=w.number(),
            b=w.number(),
            limit=LIMIT,
            setup=indented(setup, 1),
            expression=expression,
        ),
        (name, "{}(%d)" % w.number()),
        (deco, "{}(3)(abs)(-5)"),
    )


def classes(w: Writer) -> None:
    base, name, method = w.class_name(), w.class_name(), w.fresh([word for word in WORDS if word != "size"])
    setup, expression = w.use()
    _, attribute = w.use(late=False)
    w.add(
        "class {base}:\n    size = {a}\n    extra = {attribute}\n\n    def __init__(self, start={b}):\n"
        "        self.start = start\n\n    def {method}(self):\n{setup}"
        "        return (self.start + self.size * {c} + {expression}) % {limit}\n\n    @property\n    def wide(self):\n"
        "        return self.size + self.extra\n\n    @staticmethod\n    def flat(x={d}):\n        return x + {a}\n\n\n"
        "class {name}({base}):\n    size = {e}\n\n    @classmethod\n    def made(cls):\n"
        "        return cls({f}).{method}()".format(
            base=base,
            name=name,
            method=method,
            attribute=attribute,
            setup=indented(setup, 2),
            expression=expression,
            a=w.number(),
            b=w.number(),
            c=w.number(),
            d=w.number(),
            e=w.number(),
            f=w.number(),
            limit=LIMIT,
        ),
        (base, "{}().%s()" % method),
        (base, "{}().wide"),
        (name, "{}.made()"),
        (name, "{}().wide"),
        (name, "{}.flat()"),
        (name, 'getattr({}(), "wi" + "de")'),
        (base, "len({}.__subclasses__())"),
    )


def derived(w: Writer) -> None:
    """A class whose base stands elsewhere, if there is one."""
    bases = [one for one in w.others if one.use == "{}().wide"]
    if not bases:
        classes(w)
        return
    one = w.rng.choice(bases)
    _, reference = w.reach(one, late=False)
    name = w.class_name()
    w.add(
        "class %s(%s):\n    extra = %d\n\n    @property\n    def deep(self):\n        return super().wide + %d"
        % (name, reference, w.number(), w.number()),
        (name, "{}().wide"),
        (name, "{}().deep"),
    )


def dataclass_unit(w: Writer) -> None:
    w.imports.append("from dataclasses import dataclass, field, fields")
    name = w.class_name()
    _, expression = w.use(late=False)
    w.add(
        "@dataclass\nclass %s:\n    first: int = %d\n    second: int = %s\n    more: list = field(default_factory=lambda: [%d])\n\n"
        "    def joint(self):\n        return (self.first * %d + self.second + sum(self.more)) %% %d"
        % (name, w.number(), expression, w.number(), w.number(), LIMIT),
        (name, "{}().joint()"),
        (name, "{}(4).joint()"),
        (name, "len(repr({}()))"),
        (name, "sum(one.default for one in __import__('dataclasses').fields({}) if isinstance(one.default, int))"),
    )


def enumeration(w: Writer) -> None:
    w.imports.append("import enum")
    name = w.class_name()
    w.add(
        "class %s(enum.Enum):\n    RED = %d\n    GREEN = %d\n    BLUE = %d\n\n    @property\n    def double(self):\n"
        "        return self.value * %d" % (name, w.number(), w.number() + 100, w.number() + 200, w.number()),
        (name, "{}.RED.value"),
        (name, "{}.GREEN.double"),
        (name, "len({})"),
        (name, "sum(one.value for one in {})"),
        (name, '{}["BLUE"].value'),
    )


def named_tuple(w: Writer) -> None:
    w.imports.append("from typing import NamedTuple")
    name = w.class_name()
    w.add(
        "class %s(NamedTuple):\n    left: int = %d\n    right: int = %d" % (name, w.number(), w.number()),
        (name, "sum({}())"),
        (name, "{}(1).right"),
    )


def cached(w: Writer) -> None:
    w.imports.append("from functools import lru_cache")
    name = w.function_name()
    setup, expression = w.use()
    w.add(
        "@lru_cache(maxsize=None)\ndef %s(x):\n%s    return (x + %s + %d) %% %d"
        % (name, indented(setup, 1), expression, w.number(), LIMIT),
        (name, "{}(%d)" % w.number()),
        (name, "{}(1)"),
    )


def dict_cache(w: Writer) -> None:
    name, cache = w.function_name(), w.fresh(["_cache", "_known", "_memo"])
    setup, expression = w.use()
    w.add(
        "%s = {}\n\n\ndef %s(x):\n    if x not in %s:\n%s        %s[x] = (x * %d + %s) %% %d\n    return %s[x]"
        % (cache, name, cache, indented(setup, 2), cache, w.number(), expression, LIMIT, cache),
        (name, "{}(2)"),
        (name, "{}(3)"),
    )


def singleton(w: Writer) -> None:
    name, kept = w.function_name(), w.fresh(["_settings", "_state", "_instance"])
    setup, expression = w.use()
    w.add(
        "%s = None\n\n\ndef %s():\n    global %s\n    if %s is None:\n%s        %s = {'value': %s + %d}\n"
        "    return %s['value']" % (kept, name, kept, kept, indented(setup, 2), kept, expression, w.number(), kept),
        (name, "{}()"),
    )


def registry(w: Writer) -> None:
    kept, deco, name = w.constant_name(), w.function_name(), w.function_name()
    setup, expression = w.use()
    w.add(
        "{kept} = {{}}\n\n\ndef {deco}(key):\n    def enter(function):\n        {kept}[key] = function\n"
        "        return function\n    return enter\n\n\n@{deco}('one')\ndef {name}(x):\n{setup}"
        "    return x + {expression} + {a}".format(
            kept=kept, deco=deco, name=name, setup=indented(setup, 1), expression=expression, a=w.number()
        ),
        (kept, "{}['one'](4)"),
        (kept, "sum(each(1) for each in {}.values())"),
        (kept, "len({})"),
    )


def registered(w: Writer) -> None:
    """A function that enters itself into the registry of another module."""
    found = [one for one in w.others if one.use == "{}['one'](4)"]
    if not found:
        registry(w)
        return
    _, reference = w.reach(w.rng.choice(found), late=False)
    name = w.function_name()
    w.add(
        "def %s(x):\n    return x * %d\n\n\n%s['%s'] = %s" % (name, w.number(), reference, name, name),
        (name, "{}(7)"),
    )


def subclass_registry(w: Writer) -> None:
    base, one, two = w.class_name(), w.class_name(), w.class_name()
    w.add(
        "class {base}:\n    known = []\n    points = {a}\n\n    def __init_subclass__(cls, **rest):\n"
        "        super().__init_subclass__(**rest)\n        {base}.known.append(cls)\n\n\n"
        "class {one}({base}):\n    points = {b}\n\n\nclass {two}({base}):\n    pass".format(
            base=base, one=one, two=two, a=w.number(), b=w.number()
        ),
        (base, "sum(one.points for one in {}.known)"),
        (two, "{}().points"),
    )


def data_file(w: Writer) -> None:
    w.imports += ["import json", "from pathlib import Path"]
    name, other = w.function_name(), w.constant_name()
    depth = w.name.count(".") + (1 if w.path.endswith("__init__.py") else 0)
    w.add(
        "DATA_%s = Path(__file__).resolve().parents[%d] / 'data'\n%s = len(json.loads((DATA_%s / 'numbers.json').read_text()))\n\n\n"
        "def %s(key='a'):\n    return json.loads((DATA_%s / 'numbers.json').read_text()).get(key, %d)"
        % (name.upper(), depth, other, name.upper(), name, name.upper(), w.number()),
        (name, "{}()"),
        (name, "{}('b')"),
        (other, "{}"),
    )


def listing(w: Writer) -> None:
    w.imports += ["import os", "from pathlib import Path"]
    name, other = w.function_name(), w.function_name()
    depth = w.name.count(".") + (1 if w.path.endswith("__init__.py") else 0)
    w.add(
        "PLACE_%s = Path(__file__).resolve().parents[%d] / 'data'\n\n\ndef %s():\n"
        "    return sum(len(each) for each in os.listdir(PLACE_%s)) + %d\n\n\ndef %s():\n"
        "    extra = PLACE_%s / 'extra.txt'\n    return int(extra.read_text()) if extra.exists() else %d"
        % (name.upper(), depth, name, name.upper(), w.number(), other, name.upper(), w.number()),
        (name, "{}()"),
        (other, "{}()"),
    )


def variable(w: Writer) -> None:
    w.imports.append("import os")
    name, constant_ = w.function_name(), w.constant_name()
    w.add(
        "%s = int(os.environ.get('SIM_ONE', '%d'))\n\n\ndef %s():\n    return int(os.getenv('SIM_TWO', '%d'))"
        % (constant_, w.number(), name, w.number()),
        (name, "{}()"),
        (constant_, "{}"),
    )


def reflective(w: Writer) -> None:
    """Functions that look names up that no token spells."""
    first, second, third = w.function_name(), w.function_name(), w.function_name()
    kind = w.fresh(["visit", "handle", "on"])
    w.add(
        "def {kind}_one(x):\n    return x + {a}\n\n\ndef {kind}_two(x):\n    return x * {b}\n\n\n"
        "def {first}(x, which='one'):\n    return globals()['{kind}_' + which](x)\n\n\n"
        "def {second}():\n    return len([name for name in globals() if not name.startswith('_')])\n\n\n"
        "def {third}(obj=None):\n    return sum(v for k, v in sorted(globals().items()) if k.isupper() and isinstance(v, int))".format(
            kind=kind, first=first, second=second, third=third, a=w.number(), b=w.number()
        ),
        (first, "{}(3)"),
        (first, "{}(3, 'two')"),
        (second, "{}()"),
        (third, "{}()"),
    )


def late_module(w: Writer) -> None:
    """A module-level `__getattr__`, an optional module, and the modules of a package."""
    w.imports += ["import importlib.util", "import pkgutil"]
    name, other = w.function_name(), w.function_name()
    package = w.name.partition(".")[0]
    w.add(
        "def %s():\n    return %d if importlib.util.find_spec('optional_part') is None else %d\n\n\n"
        "def %s():\n    import %s as package\n    return len(list(pkgutil.iter_modules(getattr(package, '__path__', []))))"
        % (name, w.number(), w.number(), other, package),
        (name, "{}()"),
        (other, "{}()"),
    )


def optional(w: Writer) -> None:
    name = w.constant_name()
    w.imports.append(
        "try:\n    from optional_part import %s\nexcept ImportError:\n    %s = %d" % (name, name, w.number())
    )
    w.add("%s_TWICE = %s * 2" % (name, name), (name, "{}"), (name + "_TWICE", "{}"))


def descriptor(w: Writer) -> None:
    kind, name = w.class_name(), w.class_name()
    w.add(
        "class {kind}:\n    def __set_name__(self, owner, name):\n        self.name = name\n\n"
        "    def __get__(self, obj, kind=None):\n        return len(self.name) + {a}\n\n\nclass {name}:\n"
        "    field = {kind}()\n    __slots__ = ()\n\n    def __getattr__(self, name):\n        return len(name) * {b}\n\n"
        "    def __add__(self, other):\n        return other + {c}".format(
            kind=kind, name=name, a=w.number(), b=w.number(), c=w.number()
        ),
        (name, "{}().field"),
        (name, "{}().missing"),
        (name, "({}() + 3)"),
    )


def metaclass(w: Writer) -> None:
    meta, name = w.class_name(), w.class_name()
    w.add(
        "class {meta}(type):\n    def __new__(mcs, name, bases, space):\n"
        "        space['members'] = len([key for key in space if not key.startswith('__')]) + {a}\n"
        "        return super().__new__(mcs, name, bases, space)\n\n    def __len__(cls):\n        return cls.members\n\n\n"
        "class {name}(metaclass={meta}):\n    one = {b}\n    two = {c}".format(
            meta=meta, name=name, a=w.number(), b=w.number(), c=w.number()
        ),
        (name, "len({})"),
        (name, "{}.one"),
    )


def annotated(w: Writer) -> None:
    w.imports += ["import inspect", "import typing"]
    name, other = w.function_name(), w.function_name()
    w.add(
        'def %s(x: "int" = %d, flag: bool = True) -> int:\n    """Doc of %d."""\n    return x\n\n\n'
        "def %s():\n    return (len(inspect.signature(%s).parameters) + len(typing.get_type_hints(%s)) * 10"
        " + len(%s.__doc__) * 100 + %s())" % (name, w.number(), w.number(), other, name, name, name, name),
        (other, "{}()"),
        (name, "len(str(__import__('inspect').signature({})))"),
    )


def dispatch(w: Writer) -> None:
    w.imports += ["from functools import singledispatch", "from functools import partial"]
    name, part = w.function_name(), w.constant_name()
    w.add(
        "@singledispatch\ndef {name}(x):\n    return {a}\n\n\n@{name}.register(int)\ndef _(x):\n    return x + {b}\n\n\n"
        "{part} = partial({name}, {c})".format(name=name, part=part, a=w.number(), b=w.number(), c=w.number()),
        (name, "{}(3)"),
        (name, "{}('x')"),
        (part, "{}()"),
    )


def formatted(w: Writer) -> None:
    name, kept = w.function_name(), w.class_name()
    w.add(
        "class {kept}:\n    inner_value = {a}\n    __call__ = lambda self, x={b}: x + {c}\n\n\ndef {name}():\n"
        "    made = {kept}()\n    return int('{{0.inner_value}}'.format(made)) + made() + int(f'{{made.inner_value}}')".format(
            name=name, kept=kept, a=w.number(), b=w.number(), c=w.number()
        ),
        (name, "{}()"),
        (kept, "{}()()"),
    )


def branches(w: Writer) -> None:
    name, flag = w.function_name(), w.constant_name()
    _, expression = w.use(late=False)
    w.add(
        "%s = %d\nif %s %% 2:\n    def %s():\n        return %d\nelse:\n    def %s():\n        return %s + %d"
        % (flag, w.number(), flag, name, w.number(), name, expression, w.number()),
        (name, "{}()"),
        (flag, "{}"),
    )


def builtin_user(w: Writer) -> None:
    name = w.function_name()
    w.add(
        "def %s(*values):\n    return sum(values) + len(values) + max(%d, *values) + int(round(%d.4))"
        % (name, w.number(), w.number()),
        (name, "{}(3, 4)"),
    )


def mutable(w: Writer) -> None:
    """Names that the statements below go on changing."""
    name = w.constant_name()
    _, expression = w.use(late=False)
    w.add(
        "%s = []\n%s.append(%s)\nfor each in range(%d):\n    %s.append(each)\n%s += [%d]"
        % (name, name, expression, w.rng.randint(1, 4), name, name, w.number()),
        (name, "sum({})"),
        (name, "len({})"),
    )


def child(w: Writer) -> None:
    w.imports += ["import subprocess", "import sys", "from pathlib import Path"]
    name = w.function_name()
    depth = w.name.count(".") + (1 if w.path.endswith("__init__.py") else 0)
    w.add(
        "def %s():\n    root = str(Path(__file__).resolve().parents[%d])\n"
        "    code = 'import json; print(len(json.load(open(\"data/numbers.json\"))) + %d)'\n"
        "    return int(subprocess.run([sys.executable, '-S', '-c', code], cwd=root, stdout=subprocess.PIPE).stdout)"
        % (name, depth, w.number()),
        (name, "{}()"),
    )


UNITS: list[tuple[Unit, int]] = [
    (constant, 5),
    (computed, 4),
    (table, 3),
    (function, 8),
    (default, 3),
    (decorated, 3),
    (classes, 5),
    (derived, 4),
    (dataclass_unit, 3),
    (enumeration, 3),
    (named_tuple, 2),
    (cached, 2),
    (dict_cache, 2),
    (singleton, 2),
    (registry, 2),
    (registered, 2),
    (subclass_registry, 2),
    (data_file, 2),
    (listing, 2),
    (variable, 2),
    (reflective, 2),
    (late_module, 1),
    (optional, 1),
    (descriptor, 1),
    (metaclass, 1),
    (annotated, 2),
    (dispatch, 1),
    (formatted, 1),
    (branches, 2),
    (builtin_user, 2),
    (mutable, 2),
]


def draw_units(w: Writer, count: int, *, opaque: bool) -> None:
    """Adds random definitions; `opaque`: also such as start a process."""
    units = [*UNITS, (child, 1)] if opaque else UNITS
    for unit in w.rng.choices([unit for unit, _ in units], [weight for _, weight in units], k=count):
        unit(w)
