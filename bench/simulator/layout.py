"""The edits of everything but sources: files that come, go and move, data, variables, configuration. A written list."""

import json
import random
import re

from simulator.edits import Edit, number
from simulator.state import State


def _module_deleted(rng: random.Random, state: State) -> bool:
    paths = [path for path in state.sources() if not path.endswith("__init__.py")]
    if not paths:
        return False
    del state.files[rng.choice(paths)]
    return True


def _module_renamed(rng: random.Random, state: State) -> bool:
    paths = [path for path in state.sources() if not path.endswith(("__init__.py", "conftest.py"))]
    if not paths:
        return False
    path = rng.choice(paths)
    new = re.sub(r"\.py$", "_%d.py" % number(rng), path)
    state.files[new] = state.files.pop(path)
    if rng.random() < 0.5 and not path.startswith("tests/"):
        old, now = (re.sub(r"\.py$", "", one).replace("/", ".") for one in (path, new))
        for other in state.sources():
            state.files[other] = re.sub(r"\b%s\b" % re.escape(old), now, state.files[other])
    return True


def _module_swapped(rng: random.Random, state: State) -> bool:
    """Two modules change their contents."""
    paths = [path for path in state.sources(tests=False) if not path.endswith("__init__.py")]
    if len(paths) < 2:
        return False
    one, two = rng.sample(paths, 2)
    state.files[one], state.files[two] = state.files[two], state.files[one]
    return state.files[one] != state.files[two]


def _package(rng: random.Random, state: State) -> bool:
    """A module becomes a package, or is shadowed by one that knows a part of its names."""
    paths = [path for path in state.sources(tests=False) if not path.endswith("__init__.py")]
    if not paths:
        return False
    path = rng.choice(paths)
    inside = path[:-3] + "/__init__.py"
    if inside in state.files:
        del state.files[inside]
        return True
    if rng.random() < 0.5:
        state.files[inside] = state.files.pop(path)
    else:
        names = re.findall(r"^([A-Z_0-9]+) = \d+$", state.files[path], re.M)
        state.files[inside] = "".join("%s = %d\n" % (name, number(rng)) for name in names)
    return True


def _init(rng: random.Random, state: State) -> bool:
    path = rng.choice(["app", "app/util", "lib", "tests", "tests/sub"]) + "/__init__.py"
    if path in state.files:
        del state.files[path]
        return True
    if not any(one.startswith(path[: -len("__init__.py")]) for one in state.files):
        return False
    state.files[path] = rng.choice(["", "VALUE = %d\n" % number(rng), "import os\nos.environ['SIM_TWO'] = '3'\n"])
    return True


def _new_module(rng: random.Random, state: State) -> bool:
    """One that nobody asks for, that somebody has looked for in vain, or that hides one of the standard library."""
    directory = rng.choice(["", "", "app/", "tests/"])
    name = rng.choice(
        ["optional_part", "optional_part", "unused_part", "enum", "typing", "helpers", "base", "colorsys"]
    )
    path = directory + name + ".py"
    if path in state.files:
        del state.files[path]
        return True
    if directory == "" and name in ("enum", "typing"):
        # Nothing would start.
        return False
    names = sorted(set(re.findall(r"from optional_part import (\w+)", "\n".join(state.files.values()))))
    state.files[path] = "".join("%s = %d\n" % (each, number(rng)) for each in [*names, "OTHER"])
    return True


def _data_edited(rng: random.Random, state: State) -> bool:
    path = "data/numbers.json"
    if path not in state.files:
        return False
    data = json.loads(state.files[path])
    if rng.random() < 0.7 and data:
        data[rng.choice(sorted(data))] = number(rng)
    else:
        data["k%d" % number(rng)] = number(rng)
    state.files[path] = json.dumps(data, indent=1) + "\n"
    return True


def _data_comes_or_goes(rng: random.Random, state: State) -> bool:
    path = rng.choice(["data/extra.txt", "data/extra.txt", "data/numbers.json", "data/cases.json"])
    if path in state.files:
        del state.files[path]
    elif path.endswith(".txt"):
        state.files[path] = "%d\n" % number(rng)
    else:
        state.files[path] = "{}\n" if "numbers" in path else "[%d]\n" % number(rng)
    return True


def _listed(rng: random.Random, state: State) -> bool:
    path = "data/%s_%d.txt" % ("x" * rng.randint(1, 9), number(rng))
    old = [one for one in state.files if re.match(r"data/x", one)]
    if old and rng.random() < 0.4:
        del state.files[rng.choice(sorted(old))]
    else:
        state.files[path] = "%d\n" % number(rng)
    return True


def _json_cases(rng: random.Random, state: State) -> bool:
    path = "data/cases.json"
    new = json.dumps([number(rng) for _ in range(rng.randint(0, 4))]) + "\n"
    if path not in state.files or state.files[path] == new:
        return False
    state.files[path] = new
    return True


def _variable(rng: random.Random, state: State) -> bool:
    name = rng.choice(["SIM_ONE", "SIM_TWO", "SIM_OTHER"])
    if name in state.env and rng.random() < 0.3:
        del state.env[name]
    else:
        state.env[name] = str(number(rng))
    return True


_SETTINGS = [
    "python_functions = test_* check_*",
    "python_classes = Test* Checks",
    "python_files = test_*.py bases.py",
    "usefixtures = amount",
    "xfail_strict = true",
    "addopts = --strict-markers",
    "addopts = -rA",
    "filterwarnings = error::DeprecationWarning",
]


def _setting(rng: random.Random, state: State) -> bool:
    text = state.files.get("pytest.ini")
    if text is None:
        return False
    line = rng.choice(_SETTINGS)
    key = line.split(" ")[0]
    lines = text.rstrip("\n").split("\n")
    kept = [one for one in lines if not one.startswith(key + " ")]
    if line not in lines:
        kept.append(line)
    state.files["pytest.ini"] = "\n".join(kept) + "\n"
    return True


def _test_file(rng: random.Random, state: State) -> bool:
    place = rng.choice(["tests/", "tests/sub/", "tests/new/"])
    value = number(rng)
    state.files["%stest_new_%d.py" % (place, value)] = (
        "def test_new():\n    value = %d\n    print('seen', value)\n    assert value %% 11 != 5\n" % value
    )
    return True


LAYOUT_EDITS: list[tuple[str, int, Edit]] = [
    ("module deleted", 1, _module_deleted),
    ("module renamed", 2, _module_renamed),
    ("modules swapped", 1, _module_swapped),
    ("package in a module's place", 2, _package),
    ("__init__.py added or removed", 2, _init),
    ("module added, shadowing", 3, _new_module),
    ("data file edited", 4, _data_edited),
    ("data file added or deleted", 3, _data_comes_or_goes),
    ("file in a listed directory", 2, _listed),
    ("parameters from data", 3, _json_cases),
    ("environment variable", 4, _variable),
    ("pytest.ini", 2, _setting),
    ("test file added", 2, _test_file),
]
