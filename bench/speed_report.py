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


def _suites(data: Dict[str, object]) -> List[str]:
    rows, suites = _rows(data), _dict(data["suites"])
    record: List[List[str]] = []
    parts: List[List[str]] = []
    all_ratios: Dict[str, List[float]] = {}
    for python in dict.fromkeys(str(row["python"]) for row in rows):
        for name, found in suites.items():
            of = [row for row in rows if row["suite"] == name and row["python"] == python]
            bare = _ms(of, tool="bare")
            if not bare:
                continue
            tests = int(max(_number(row["ran"]) for row in of if row["tool"] == "bare"))
            own = _ms(of, tool="winnow", step="record")
            all_ratios.setdefault(python, []).append(median(_ratios(own, bare)))
            line = ["%s %s (%s)" % (name, _dict(found)["version"], _dict(found)["kind"]), python, _grouped(tests)]
            line += ["%.2f" % (median(list(bare.values())) / 1000), "%.2f" % (median(list(bare.values())) / tests)]
            line += [spread(_ratios(own, bare), 2), "%.0f" % (1000 * median(_over(own, bare)) / tests)]
            for tool in ("testmon", "difftest"):
                if any(row["tool"] == tool for row in rows):
                    line.append(_judged(of, tool, "record", bare))
            line.append(spread(_ratios(_ms(of, tool="winnow", step="no change"), bare), 2))
            if any(row["tool"] == "testmon" for row in rows):
                line.append(_judged(of, "testmon", "no change", bare))
            record.append(line)
            steps = [spread(_ratios(_ms(of, tool="parts", step=step), bare), 2) for step in _parts(rows)]
            parts.append([name, python, *steps, spread(_ratios(own, bare), 2)])
    others = [tool for tool in ("testmon", "difftest") if any(row["tool"] == tool for row in rows)]
    head = ["suite", "Python", "tests", "bare, CPU s", "ms a test", "Winnow records", "over bare, µs a test"]
    head += ["%s records" % tool for tool in others] + ["Winnow, no change"]
    head += ["testmon, no change"] if "testmon" in others else []
    medians = ", ".join(
        "%s %.2f, at worst %.2f" % (python, median(ratios), max(ratios)) for python, ratios in all_ratios.items()
    )
    return [
        "Pinned suites from PyPI, all tools interleaved; figures of tools are multiples of bare pytest's CPU. Aims for",
        "recording: 1.10 in the median and 1.20 at worst on Python 3.12 and later, 1.15 and 1.30 before; 60 µs a test",
        "where tests take less than a millisecond.",
        "",
        table(head, record),
        "",
        "Winnow's median: %s." % medians,
        "",
        "What each part costs: the collector alone with parts that do not watch (`without` in the session file), and",
        "`winnow run`, which has the engine besides.",
        "",
        table(["suite", "Python", *_parts(rows), "and the engine"], parts),
    ]


def _parts(rows: List[Row]) -> List[str]:
    return list(dict.fromkeys(str(row["step"]) for row in rows if row["tool"] == "parts"))


def _judged(rows: List[Row], tool: str, step: str, base: Dict[int, float]) -> str:
    """A tool's ratio; beside it what it ran and how it ended, where that is not as without it."""
    found = [row for row in rows if row["tool"] == tool and row["step"] == step]
    own = _ms(rows, tool=tool, step=step)
    if not own:
        return ""
    bad = sorted({int(_number(row["exit"])) for row in found} - {0, 5})
    return spread(_ratios(own, base), 2) + "".join(" **exit %d**" % code for code in bad)


SECTIONS: Dict[str, Callable[[Dict[str, object]], List[str]]] = {
    "idle": _idle,
    "detection": _detection,
    "store": _store,
    "growth": _growth,
    "suites": _suites,
}
TITLES = {
    "idle": "Nothing changed",
    "detection": "Change detection",
    "store": "The store",
    "growth": "Growth",
    "suites": "Recording real suites",
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
