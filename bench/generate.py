"""Generates Python projects with a pytest suite, the same to the byte for the same arguments on every machine.

    python3 bench/generate.py DIR --size small|medium|large [--seed 1]
    python3 bench/generate.py DIR --tests 200 --modules 60 --files 25 [--layers 6] [--busy 0]

Shape: `layers` layers of modules, few at the bottom and many at the top. A module imports two to four modules of
the layer below it (neighbours mostly, as packages have) and sometimes one of the lowest; its functions call what it
imports; its class extends a class of the layer below. Test files lie in areas with a conftest each; tests are
plain, in classes, parametrized, or use function-, module- or session-scoped fixtures, and reach tens of functions
each.

Every call is unconditional, so the set of functions that a test reaches is known from the call graph:
`targets.json` names a *leaf* function (reached by the fewest tests) and a *core* function (reached by the most),
the line to edit in each, and the tests that reach it. All source files get an old modification time: a tool that
distrusts young files shall meet them as they are in a project that nobody touched for a while.
"""

import argparse
import json
import os
import shutil
import time
from typing import Dict, FrozenSet, List, NamedTuple, Sequence, Set, Tuple

SIZES: Dict[str, Dict[str, int]] = {
    "small": {"tests": 100, "modules": 50, "files": 25},
    "medium": {"tests": 1000, "modules": 400, "files": 250},
    "large": {"tests": 10000, "modules": 5000, "files": 2500},
}
FILES_PER_AREA = 20
MODULUS = 1000003

Function = Tuple[str, str]


class Random:
    """Splitmix64. `random.Random` promises equal sequences across Python versions only for `random()`."""

    def __init__(self, seed: int) -> None:
        self._state = seed & 0xFFFFFFFFFFFFFFFF

    def below(self, bound: int) -> int:
        """An integer in [0, bound)."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        return (z ^ (z >> 31)) % bound

    def between(self, low: int, high: int) -> int:
        """An integer in [low, high]."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """True in `percent` of a hundred cases."""
        return self.below(100) < percent


class Module(NamedTuple):
    """A generated module and what of it can be called."""

    name: str
    layer: int
    functions: List[str]

    @property
    def path(self) -> str:
        """Its path below the project's root."""
        return "src/strata/layer%d/%s.py" % (self.layer, self.name)


class Graph:
    """Who calls whom; closures are memoised bottom-up (the graph has no cycles)."""

    def __init__(self) -> None:
        self.calls: Dict[Function, List[Function]] = {}
        self._closures: Dict[Function, FrozenSet[Function]] = {}

    def closure(self, roots: Sequence[Function]) -> Set[Function]:
        """All functions reached from `roots`, themselves included."""
        reached: Set[Function] = set()
        for root in roots:
            if root not in self._closures:
                self._closures[root] = frozenset([root]).union(self.closure(self.calls[root]))
            reached |= self._closures[root]
        return reached


class Target(NamedTuple):
    """A function to edit: the line `mark = …` of its body, and the tests that reach it."""

    path: str
    function: str
    line: int
    text: str
    tests: List[str]


def _layer_sizes(modules: int, layers: int) -> List[int]:
    weights = [17**i * 10 ** (layers - i) for i in range(layers)]
    sizes = [max(2, modules * weight // sum(weights)) for weight in weights]
    sizes[-1] = max(2, sizes[-1] + modules - sum(sizes))
    return sizes


def _write(root: str, path: str, text: str) -> None:
    full = os.path.join(root, *path.split("/"))
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8", newline="\n") as out:
        out.write(text)


def _module(rng: Random, module: Module, imports: List[Module], graph: Graph, busy: int) -> str:
    """The source of one module; its calls are entered into `graph`."""
    lines = ['"""%s of layer %d."""' % (module.name, module.layer), ""]
    for other in imports:
        lines.append("from strata.layer%d import %s" % (other.layer, other.name))
    lines += [
        "",
        "SCALE = %d" % rng.between(2, 9),
        "TABLE = {%s}" % ", ".join("%d: %d" % (i, rng.between(1, 99)) for i in range(4)),
    ]
    for number, function in enumerate(module.functions):
        calls: List[Function] = []
        body: List[str] = []
        # Functions high up call more: a test then reaches tens of functions through a handful of direct calls.
        for _ in range(rng.between(1, 2) if imports else 0):
            other = imports[rng.below(len(imports))]
            called = other.functions[rng.below(len(other.functions))]
            calls.append((other.name, called))
            body.append("    total += %s.%s(total %% 13)" % (other.name, called))
        if number and rng.chance(30):
            called = module.functions[rng.below(number)]
            calls.append((module.name, called))
            body.append("    total += %s(total %% 11)" % called)
        graph.calls[(module.name, function)] = calls
        lines += [
            "",
            "",
            "def %s(value, step=%d):" % (function, rng.between(1, 9)),
            '    """Step %d of %s."""' % (number, module.name),
        ]
        lines += ["    mark = %d" % rng.between(1, 999), "    total = value * SCALE + step + mark"]
        if rng.chance(30):
            lines += ["    if total > %d:" % rng.between(500000, 900000), "        total -= mark"]
        if busy:
            lines += ["    for _ in range(%d):" % busy, "        total ^= 1"]
        lines += body
        shape = rng.below(3)
        if shape == 0:
            lines.append("    return (total + sum(i * step for i in range(3))) %% %d" % MODULUS)
        elif shape == 1:
            lines.append("    return (total + TABLE[total %% 4]) %% %d" % MODULUS)
        else:
            lines.append("    return total %% %d" % MODULUS)
    first = (module.name, module.functions[0])
    base = imports[rng.below(len(imports))] if imports else None
    lines += [
        "",
        "",
        "class Shelf(%s):" % (base.name + ".Shelf") if base else "class Shelf:",
        "    FACTOR = %d" % rng.between(2, 9),
    ]
    if base:
        graph.calls[(module.name, "Shelf.total")] = [first, (base.name, "Shelf.total")]
        body = ["        return (super().total() + self.FACTOR * %s(self.size)) %% %d" % (first[1], MODULUS)]
    else:
        graph.calls[(module.name, "Shelf.__init__")] = []
        graph.calls[(module.name, "Shelf.total")] = [first, (module.name, "Shelf.__init__")]
        lines += ["", "    def __init__(self, size):", "        self.size = size"]
        body = ["        return (self.FACTOR * %s(self.size)) %% %d" % (first[1], MODULUS)]
    lines += ["", "    def total(self):", '        """What the shelf holds."""', *body]
    return "\n".join(lines) + "\n"


def _conftest(area: int, module: Module) -> str:
    return "\n".join(
        [
            '"""Fixtures of area %d."""' % area,
            "",
            "import pytest",
            "from strata.layer%d import %s" % (module.layer, module.name),
            "",
            "",
            '@pytest.fixture(scope="module")',
            "def stock():",
            "    yield %s.%s(%d)" % (module.name, module.functions[0], area),
            "",
        ]
    )


def generate(
    root: str, tests: int, modules: int, files: int, layers: int = 6, seed: int = 1, busy: int = 0
) -> Dict[str, object]:
    """Writes the project into `root` (which is emptied first) and returns what `targets.json` holds."""
    shutil.rmtree(root, ignore_errors=True)
    rng = Random(seed * 1000003 + tests * 31 + modules * 17 + files)
    graph = Graph()
    levels: List[List[Module]] = []
    count = 0
    _write(root, "src/strata/__init__.py", '"""A generated package."""\n')
    for layer, size in enumerate(_layer_sizes(modules, layers)):
        level = []
        _write(root, "src/strata/layer%d/__init__.py" % layer, "")
        for position in range(size):
            module = Module("unit_%05d" % count, layer, ["step_%d" % i for i in range(rng.between(6, 12))])
            imports: List[Module] = []
            if layer:
                below = levels[layer - 1]
                near = position * len(below) // size
                picks = [
                    below[min(len(below) - 1, max(0, near + rng.between(-2, 2)))] for _ in range(rng.between(2, 4))
                ]
                # The lowest module of all is what every project has: the one that half of it imports.
                if rng.chance(40):
                    picks.append(levels[0][0] if rng.chance(75) else levels[0][rng.below(len(levels[0]))])
                imports = sorted({pick.name: pick for pick in picks}.values())
            _write(root, module.path, _module(rng, module, imports, graph, busy))
            level.append(module)
            count += 1
        levels.append(level)

    _write(
        root,
        "pyproject.toml",
        '[project]\nname = "strata"\nversion = "1.0"\n\n'
        '[tool.pytest.ini_options]\ntestpaths = ["tests"]\npythonpath = ["src"]\n',
    )
    # Named as usual projects do: state of any tool is not part of the project.
    _write(root, ".gitignore", "__pycache__/\n.pytest_cache/\n.testmondata*\n.winnow/\n")
    session = levels[1][0]
    _write(
        root,
        "tests/conftest.py",
        "\n".join(
            [
                '"""Fixtures of all tests."""',
                "",
                "import pytest",
                "from strata.layer1 import %s" % session.name,
                "",
                "",
                "@pytest.fixture",
                "def seed():",
                "    return 3",
                "",
                "",
                '@pytest.fixture(scope="session")',
                "def catalogue():",
                "    return %s.Shelf(4)" % session.name,
                "",
            ]
        ),
    )

    everything = [module for level in levels for module in level]
    by_name = {module.name: module for module in everything}
    reach: Dict[Function, List[str]] = {}
    sizes: List[int] = []
    upper = [module for module in everything if module.layer >= layers // 2]
    left = tests
    area_module = everything[0]
    for number in range(files):
        area = number // FILES_PER_AREA
        if number % FILES_PER_AREA == 0:
            area_module = levels[2 % layers][rng.below(len(levels[2 % layers]))]
            _write(root, "tests/area_%03d/conftest.py" % area, _conftest(area, area_module))
        wanted = left // (files - number)
        left -= wanted
        path = "tests/area_%03d/test_case_%05d.py" % (area, number)
        # Subjects run over the modules from the top down, so that the leaves are tested and every file has its own.
        subject = upper[-1 - number * len(upper) // files % len(upper)]
        other = by_name[upper[rng.below(len(upper))].name]
        lines = ['"""Tests of %s."""' % subject.name, "", "import pytest"]
        for module in sorted({subject.name: subject, other.name: other}.values()):
            lines.append("from strata.layer%d import %s" % (module.layer, module.name))
        in_class: List[str] = []
        made = 0
        index = 0
        while made < wanted:
            roots: List[Function] = []
            checks: List[str] = []
            for turn in range(rng.between(2, 4)):
                module = other if turn and rng.chance(25) else subject
                function = module.functions[rng.below(len(module.functions))]
                roots.append((module.name, function))
                checks.append("    assert 0 <= %s.%s(value) < %d" % (module.name, function, MODULUS))
            if rng.chance(25):
                roots.append((subject.name, "Shelf.total"))
                checks.append("    assert %s.Shelf(value).total() >= 0" % subject.name)
            cases = min(wanted - made, [1, 1, 1, 2, 3][rng.below(5)])
            name = "test_%d" % index
            ids = [path + "::" + name]
            kind = rng.below(10)
            if cases > 1:
                values = ", ".join(str(rng.between(1, 50)) for _ in range(cases))
                labels = ", ".join('"case%d"' % i for i in range(cases))
                head = ['@pytest.mark.parametrize("value", [%s], ids=[%s])' % (values, labels), "def %s(value):" % name]
                ids = ["%s[case%d]" % (ids[0], i) for i in range(cases)]
                lines += ["", "", *head, *checks]
            elif kind < 2:
                lines += ["", "", "def %s(seed):" % name, "    value = seed", *checks]
            elif kind < 3:
                roots.append((area_module.name, area_module.functions[0]))
                lines += ["", "", "def %s(stock):" % name, "    value = stock % 50", *checks]
            elif kind < 4:
                roots.append((session.name, "Shelf.total"))
                lines += ["", "", "def %s(catalogue):" % name, "    value = catalogue.total() % 50", *checks]
            elif kind < 6:
                ids = ["%s::TestCase::%s" % (path, name)]
                in_class += [
                    "",
                    "    def %s(self):" % name,
                    "        value = %d" % rng.between(1, 50),
                    *["    " + c for c in checks],
                ]
            else:
                lines += ["", "", "def %s():" % name, "    value = %d" % rng.between(1, 50), *checks]
            reached = graph.closure(roots)
            sizes += [len(reached)] * len(ids)
            for one in reached:
                reach.setdefault(one, []).extend(ids)
            made += len(ids)
            index += 1
        if in_class:
            lines += ["", "", "class TestCase:", *in_class[1:]]
        _write(root, path, "\n".join(lines) + "\n")

    old = time.time() - 7200
    for directory, _, names in os.walk(root):
        for name in names:
            os.utime(os.path.join(directory, name), (old, old))

    plain = sorted((len(ids), -by_name[one[0]].layer, one) for one, ids in reach.items() if "." not in one[1])
    chosen = {"leaf": plain[0][2], "core": plain[-1][2]}
    targets = {
        kind: _target(root, by_name[one[0]], one[1], reach[one])._asdict()
        for kind, one in sorted(chosen.items(), reverse=True)
    }
    sizes.sort()
    info: Dict[str, object] = {
        "tests": len(sizes),
        "modules": len(everything),
        "files": sum(len(names) for _, _, names in os.walk(root)),
        "testFiles": files,
        "functions": len(graph.calls),
        "functionsPerTest": {"least": sizes[0], "median": sizes[len(sizes) // 2], "most": sizes[-1]},
        "seed": seed,
        "targets": targets,
    }
    return info


def _target(root: str, module: Module, function: str, tests: List[str]) -> Target:
    with open(os.path.join(root, *module.path.split("/")), encoding="utf-8") as source:
        lines = source.read().splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("def %s(" % function))
    line = next(i for i in range(head, len(lines)) if lines[i].startswith("    mark = "))
    return Target(module.path, function, line + 1, lines[line], sorted(tests))


def edit(root: str, target: Dict[str, object], number: int) -> None:
    """Makes one more edit of the target function; every `number` gives another body, and all tests still pass."""
    path = os.path.join(root, *str(target["path"]).split("/"))
    with open(path, encoding="utf-8") as source:
        lines = source.read().splitlines()
    lines[int(str(target["line"])) - 1] = "    mark = %d" % (1000 + number)
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        out.write("\n".join(lines) + "\n")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="generate a Python project with a pytest suite")
    parser.add_argument("directory")
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    parser.add_argument("--tests", type=int)
    parser.add_argument("--modules", type=int)
    parser.add_argument("--files", type=int)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--busy", type=int, default=0, help="extra loop turns in every function")
    parser.add_argument("--targets", help="where the JSON goes (default: DIRECTORY.targets.json)")
    args = parser.parse_args()
    preset = SIZES[args.size]
    info = generate(
        args.directory,
        args.tests or preset["tests"],
        args.modules or preset["modules"],
        args.files or preset["files"],
        args.layers,
        args.seed,
        args.busy,
    )
    with open(args.targets or args.directory.rstrip("/") + ".targets.json", "w", encoding="utf-8") as out:
        json.dump(info, out, indent=1)
    targets = info["targets"]
    assert isinstance(targets, dict)
    for kind, target in targets.items():
        info[kind] = "%s::%s line %d, reached by %d tests" % (
            target["path"],
            target["function"],
            target["line"],
            len(target["tests"]),
        )
    del info["targets"]
    print(json.dumps(info, indent=1))


if __name__ == "__main__":
    main()
