"""What `speed.py` measured, as sections of `docs/benchmarks.md`, made from `docs/speed.json`; and a chart of growth.

Each table has its own machine, versions and date: one can be measured anew without the others.
"""

import json
import os
import subprocess
from typing import Callable, Dict, List, Optional

import environments
from measure import median, table

Row = Dict[str, object]
Entry = Dict[str, object]

CHART = "growth.svg"
MATPLOTLIB = "matplotlib==3.10.*"


def _docs(name: str) -> str:
    return os.path.join(environments.REPOSITORY, "docs", name)


def spread(values: List[float], digits: int = 0) -> str:
    """The median, with the least and the most."""
    middle = "%.*f" % (digits, median(values))
    return middle if len(values) == 1 else "%s (%.*f–%.*f)" % (middle, digits, min(values), digits, max(values))


def _dict(value: object) -> Dict[str, object]:
    assert isinstance(value, dict), value
    return value


def _rows(data: Dict[str, object]) -> List[Row]:
    rows = data["rows"]
    assert isinstance(rows, list)
    return [_dict(row) for row in rows]


def _number(value: object) -> float:
    return float(str(value))


def _ms(rows: List[Row], **wanted: object) -> Dict[int, float]:
    """Milliseconds of CPU by pair, of the rows that have these fields."""
    return {
        int(_number(row["pair"])): 1000 * _number(row["cpu"])
        for row in rows
        if all(row.get(key) == value for key, value in wanted.items())
    }


def _over(some: Dict[int, float], base: Dict[int, float]) -> List[float]:
    return [some[pair] - base[pair] for pair in sorted(some) if pair in base]


def _ratios(some: Dict[int, float], base: Dict[int, float]) -> List[float]:
    return [some[pair] / base[pair] for pair in sorted(some) if pair in base]


def _peak(rows: List[Row], **wanted: object) -> float:
    found = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
    return median([_number(row["peakMiB"]) for row in found])


def _idle(data: Dict[str, object]) -> List[str]:
    rows, projects = _rows(data), _dict(data["projects"])
    node = _ms(rows, step="empty node")
    body = [
        ["", "empty Node", "", "", "", spread(list(node.values())), "", "%.0f" % _peak(rows, step="empty node"), ""]
    ]
    by_size: List[Dict[int, float]] = []
    for name, found in projects.items():
        project = _dict(found)
        own = _ms(rows, step="no change", size=name)
        by_size.append(own)
        body.append(
            [
                *(f"{int(_number(project[key])):,}" for key in ("tests",)),
                "Winnow",
                *(f"{int(_number(project[key])):,}" for key in ("files", "pairs", "watched")),
                spread(list(own.values())),
                spread(_over(own, node)),
                "%.0f" % _peak(rows, step="no change", size=name),
                "%.1f" % (_number(project["storeBytes"]) / 1e6),
            ]
        )
    head = [
        "tests",
        "",
        "files",
        "test–function pairs",
        "watched paths",
        "CPU ms",
        "over Node, ms",
        "peak MiB",
        "store MB",
    ]
    lines = [
        "`winnow run` where nothing changed, cold, on generated stores. Aims at 10,000 tests: 60 ms of CPU over an",
        "empty Node, 120 MiB, and 12 MB for three million pairs (the store holds the compressed sources as well).",
        "",
        table(head, body),
    ]
    if len(by_size) == 2:
        lines += [
            "",
            "The bigger one costs %s times the smaller (aim: 6)." % spread(_ratios(by_size[1], by_size[0]), 1),
        ]
    return lines


def _detection(data: Dict[str, object]) -> List[str]:
    rows = _rows(data)
    base = _ms(rows, step="nothing new")
    body = []
    for name in dict.fromkeys(str(row["step"]) for row in rows):
        own = _ms(rows, step=name)
        over = "" if name in ("empty node", "nothing new") else spread(_over(own, base))
        body.append([name, spread(list(own.values())), over, "%.0f" % _peak(rows, step=name)])
    files, modules = int(_number(data["files"])), int(_number(data["modules"]))
    return [
        f"`winnow plan`, which writes nothing back, on {files:,} source files ({modules:,} modules).",
        "A body in each module: Python compiles all of them as well. Aims for 10,000 files: 400 ms of CPU where all",
        "times are new and the contents the same, 1.2 s where all contents are.",
        "",
        table(["step", "CPU ms", "over nothing new, ms", "peak MiB"], body),
    ]


def _floats(value: object) -> List[float]:
    assert isinstance(value, list), value
    return [_number(each) for each in value]


def _store(data: Dict[str, object]) -> List[str]:
    concerned, facts, replay = _dict(data["concerned"]), _dict(data["facts"]), _dict(data["replay"])
    asked, known = _number(replay["asked"]), _number(replay["known"])
    rate = "%.1f %%" % (100 * known / asked) if asked else "nothing was asked"
    ms = _floats(concerned["ms"])
    body = [
        ["which of %s tests an edited function concerns (%s)" % (_grouped(concerned["of"]), concerned["tests"])]
        + ["%.1f" % ms[0], spread(ms[1:], 1), "20 ms"],
        ["1,000 facts written, their sets known", "", spread(_floats(facts["known"]), 1), "5 ms"],
        ["1,000 facts written, each with a new set of 300", "", spread(_floats(facts["fresh"]), 1), ""],
        ["fingerprints known over %s commits" % replay["commits"], "", rate, "95 %"],
    ]
    return [
        "Measured within one process, CPU; the first time is that of a process that has done nothing before. The",
        "commits are the last ones of this repository, with all Python files of each.",
        "",
        table(["", "first ms", "then, ms", "aim"], body),
    ]


def _grouped(value: object) -> str:
    return f"{int(_number(value)):,}"


GROWTH = [
    ("changed files", "a body in so many files, of 10,000 tests"),
    ("tests", "a body in one file, of so many tests"),
    ("layers", "a constant at module level of the lowest layer, of so many layers (2,000 tests)"),
]


def _growth(data: Dict[str, object]) -> List[str]:
    rows = _rows(data)
    body = []
    for what, told in GROWTH:
        values = sorted({int(_number(row["value"])) for row in rows if row["what"] == what})
        for value in values:
            own = {
                pair: ms
                for kind in ("body", "module level")
                for pair, ms in _ms(rows, what=what, value=value, kind=kind).items()
            }
            base = _ms(rows, what=what, value=value, kind="nothing")
            body.append([told, f"{value:,}", spread(list(own.values())), spread(_over(own, base))])
    return [
        "`winnow plan` after an edit, beside the same plan where nothing changed.",
        "",
        "![cost of deciding](%s)" % CHART,
        "",
        table(["what grows", "to", "CPU ms", "over no change, ms"], body),
    ]


SECTIONS: Dict[str, Callable[[Dict[str, object]], List[str]]] = {
    "idle": _idle,
    "detection": _detection,
    "store": _store,
    "growth": _growth,
}
TITLES = {
    "idle": "Nothing changed",
    "detection": "Change detection",
    "store": "The store",
    "growth": "Growth",
}


def section(name: str, entry: Entry) -> List[str]:
    """One table with its title, what it was measured with, and where."""
    machine, versions = _dict(entry["machine"]), _dict(entry["versions"])
    return [
        "",
        "## " + TITLES[name],
        "",
        "Measured with `%s`: medians of %s round(s), with the least and the most." % (entry["command"], entry["pairs"]),
        "Machine: " + ", ".join("%s %s" % (key, value) for key, value in machine.items() if value) + ".",
        "Versions: %s. Measured: %s."
        % (", ".join("%s %s" % (key, value) for key, value in sorted(versions.items())), entry["when"]),
        "",
        *SECTIONS[name](_dict(entry["data"])),
    ]


def _published() -> Dict[str, Entry]:
    if not os.path.exists(_docs("speed.json")):
        return {}
    with open(_docs("speed.json"), encoding="utf-8") as source:
        return {str(name): _dict(entry) for name, entry in _dict(json.load(source)).items() if name in SECTIONS}


def sections() -> List[str]:
    """What is published, as sections of the document."""
    entries = _published()
    return [line for name in SECTIONS if name in entries for line in section(name, entries[name])]


def publish(found: Dict[str, Dict[str, object]]) -> None:
    """Puts tables into `docs/speed.json` in the place of their former selves."""
    entries: Dict[str, object] = {"version": 1, **_published(), **found}
    with open(_docs("speed.json"), "w", encoding="utf-8") as out:
        # One row a line: a diff of two publications can be read.
        text = json.dumps(entries, indent=1)
        out.write(_compact(entries) if json.loads(_compact(entries)) == json.loads(text) else text)
    print("wrote docs/speed.json")


def _compact(value: object, depth: int = 0) -> str:
    """JSON with objects of plain values on one line."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if not any(isinstance(each, (dict, list)) for each in inner):
        return json.dumps(value)
    pad = "\n" + " " * (depth + 1)
    if isinstance(value, dict):
        parts = ["%s: %s" % (json.dumps(key), _compact(each, depth + 1)) for key, each in value.items()]
        return "{" + pad + ("," + pad).join(parts) + "\n" + " " * depth + "}"
    assert isinstance(value, list)
    return "[" + pad + ("," + pad).join(_compact(each, depth + 1) for each in value) + "\n" + " " * depth + "]"


def draw(entry: Entry, python: str, cache: str, target: Optional[str] = None) -> str:
    """Draws the chart of growth with matplotlib, in an environment of its own; returns where it is."""
    path = target or _docs(CHART)
    points: Dict[str, List[List[float]]] = {}
    rows = _rows(_dict(entry["data"]))
    for what, _ in GROWTH:
        for value in sorted({_number(row["value"]) for row in rows if row["what"] == what}):
            own = [
                ms for kind in ("body", "module level") for ms in _ms(rows, what=what, value=value, kind=kind).values()
            ]
            base = list(_ms(rows, what=what, value=value, kind="nothing").values())
            points.setdefault(what, []).append([value, median(own), median(base)])
    plotting = environments.environment(python, "chart", [MATPLOTLIB], cache)
    script = os.path.join(environments.REPOSITORY, "bench", "chart.py")
    subprocess.run([plotting, script, path], input=json.dumps(points).encode(), check=True)
    return path
