"""Turns the figures of `compare.py` into tables: on the terminal, and as `docs/benchmarks.md`.

    python3 bench/report.py [RESULT.json]      render docs/benchmarks.md from docs/benchmarks.json, or from RESULT.json

`docs/benchmarks.json` is the published result and the only source of the document: every number of a size was measured
in one run, on the machine that is named there. A run publishes the sizes that it measured; the others stay.
"""

import json
import os
import sys
from typing import Dict, List, Optional, Tuple

from environments import REPOSITORY
from generate import SIZES
from measure import median, table
from speed_report import sections

TOOLS = ["bare", "testmon", "difftest", "winnow"]
NAMES = {"bare": "bare pytest", "testmon": "pytest-testmon", "difftest": "pytest-difftest", "winnow": "Winnow"}
STEPS = ["record", "no change", "leaf edit", "core edit"]

Row = Dict[str, object]


def _number(row: Row, key: str) -> float:
    return float(str(row[key]))


def _of(rows: List[Row], size: str, tool: str, step: str) -> Dict[int, Row]:
    return {int(str(r["pair"])): r for r in rows if r["size"] == size and r["tool"] == tool and r["step"] == step}


def _spread(values: List[float], digits: int = 2) -> str:
    middle = "%.*f" % (digits, median(values))
    return middle if len(values) == 1 else "%s (%.*f–%.*f)" % (middle, digits, min(values), digits, max(values))


def _ratios(rows: List[Row], size: str, tool: str, step: str, key: str = "cpu") -> Optional[List[float]]:
    bare, other = _of(rows, size, "bare", step), _of(rows, size, tool, step)
    return [_number(other[p], key) / _number(bare[p], key) for p in sorted(other) if p in bare] or None


def _faults(found: Dict[int, Row]) -> str:
    """What must not stand beside a figure unsaid: a failed step, fewer tests than concerned; more is only told."""
    words = []
    for row in found.values():
        ran, expected, code = int(str(row["ran"])), row["expected"], int(str(row["exit"]))
        if code not in (0, 5):
            words.append("exit %d" % code)
        if expected is not None and ran < int(str(expected)):
            words.append("**%d missed**" % (int(str(expected)) - ran))
    return " ".join(sorted(set(words)))


def _size_table(rows: List[Row], size: str) -> str:
    body: List[List[str]] = []
    for step in STEPS:
        for tool in TOOLS:
            found = _of(rows, size, tool, step)
            if not found or (tool == "bare" and step != "record"):
                continue
            ratios = _ratios(rows, size, tool, step)
            ran = sorted({int(str(row["ran"])) for row in found.values()})
            expected = next(iter(found.values()))["expected"]
            concerned = str(expected) if expected is not None and tool != "bare" else ""
            body.append(
                [
                    "all tests" if tool == "bare" else step,
                    NAMES[tool],
                    _spread([_number(row, "cpu") for row in found.values()]),
                    "1" if tool == "bare" or not ratios else _spread(ratios),
                    "%.2f" % median([_number(row, "wall") for row in found.values()]),
                    "%.0f" % median([_number(row, "peakMiB") for row in found.values()]),
                    concerned,
                    " ".join(str(n) for n in ran) + (" " + _faults(found) if _faults(found) else ""),
                ]
            )
    for step in ["bare, leaf's tests", "bare, core's tests", "pytest, empty directory", "python -c pass", "empty node"]:
        found = _of(rows, size, "floor", step)
        if found:
            cpu = _spread([_number(row, "cpu") for row in found.values()])
            wall = "%.2f" % median([_number(row, "wall") for row in found.values()])
            peak = "%.0f" % median([_number(row, "peakMiB") for row in found.values()])
            body.append(["floor", step, cpu, "", wall, peak, "", ""])
    head = ["step", "tool", "CPU s", "CPU / bare", "wall s", "peak MiB", "concerned", "ran"]
    return table(head, body)


def _sentences(rows: List[Row], size: str) -> List[str]:
    """The figures that have a target, in words; the target is named, the judgement is the reader's."""
    out = []
    for tool in ["winnow", "testmon"]:
        ratios = _ratios(rows, size, tool, "record")
        if ratios:
            out.append(
                "%s records at %s times bare pytest's CPU%s."
                % (NAMES[tool], _spread(ratios), " (aim: 1.10)" if tool == "winnow" else "")
            )
    for kind, aim in (("leaf", 3), ("core", 4)):
        step = kind + " edit"
        told, own = _of(rows, size, "floor", "bare, %s's tests" % kind), _of(rows, size, "winnow", step)
        times = [_number(own[p], "cpu") / _number(told[p], "cpu") for p in sorted(own) if p in told]
        if times:
            out.append(
                "After a %s Winnow's whole run costs %s times bare pytest told exactly the tests concerned"
                " (aim: 1.05, and what a run without a change costs)." % (step, _spread(times))
            )
        for tool in ("testmon", "difftest"):
            other = _of(rows, size, tool, step)
            faster = [_number(other[p], "cpu") / _number(own[p], "cpu") for p in sorted(own) if p in other]
            if faster:
                text = "After a %s %s costs %s times as much as Winnow" % (step, NAMES[tool], _spread(faster))
                out.append(text + (" (aim: %d)." % aim if tool == "testmon" else "."))
    idle, node = _of(rows, size, "winnow", "no change"), _of(rows, size, "floor", "empty node")
    over = [1000 * (_number(idle[p], "cpu") - _number(node[p], "cpu")) for p in idle if p in node]
    if over:
        out.append(
            "Winnow's no-change run costs %s ms CPU over an empty Node (aim at 10,000 tests: 60)." % _spread(over, 0)
        )
    return out


def by_size(result: Dict[str, object]) -> Dict[str, object]:
    """The result of one run, size by size, each with all that was the same for all of them."""
    rows, projects = _rows(result), _dict(result["projects"])
    common = {key: value for key, value in result.items() if key not in ("version", "rows", "projects")}
    return {
        size: dict(common, project=project, rows=[row for row in rows if row["size"] == size])
        for size, project in projects.items()
    }


def render(published: Dict[str, object]) -> str:
    """The whole document."""
    lines = [
        "# Benchmarks",
        "",
        "Generated by `bench/report.py` from `docs/benchmarks.json`. The tools of one table ran interleaved in one run",
        "of the command that stands above it, on projects made by `bench/generate.py`.",
        "CPU is user + system time of the whole process tree. Figures are medians of all rounds, with the least and",
        "the most in parentheses; ratios are taken within a round. Compare ratios, not seconds.",
        "Peak memory is that of the largest single process. *Concerned* is known from the generator's call graph.",
    ]
    for size in sorted(published, key=list(SIZES).index):
        result = _dict(published[size])
        facts, machine, versions = _dict(result["project"]), _dict(result["machine"]), _dict(result["versions"])
        reach = _dict(facts["functionsPerTest"])
        lines += [
            "",
            "## %s: %s tests" % (str(size).capitalize(), "{:,}".format(int(str(facts["tests"])))),
            "",
            "Measured with `%s`: %s round(s)." % (result["command"], result["pairs"]),
            "Machine: " + ", ".join("%s %s" % (key, value) for key, value in machine.items() if value) + ".",
            "Versions: " + ", ".join("%s %s" % (key, value) for key, value in sorted(versions.items())) + ".",
            "Measured: %s." % result["when"],
            "",
            "%s modules, %s test files, %s functions; a test reaches %s functions (median; %s to %s)."
            % (
                facts["modules"],
                facts["testFiles"],
                facts["functions"],
                reach["median"],
                reach["least"],
                reach["most"],
            ),
            "",
            _size_table(_rows(result), str(size)),
            "",
            *_sentences(_rows(result), str(size)),
        ]
    return "\n".join([*lines, *sections()]) + "\n"


def _rows(result: Dict[str, object]) -> List[Row]:
    return [row for row in _list(result["rows"]) if isinstance(row, dict)]


def _dict(value: object) -> Dict[str, object]:
    assert isinstance(value, dict)
    return value


def _list(value: object) -> List[object]:
    assert isinstance(value, list)
    return value


def paths() -> Tuple[str, str]:
    """The published result and the published document."""
    docs = os.path.join(REPOSITORY, "docs")
    return os.path.join(docs, "benchmarks.json"), os.path.join(docs, "benchmarks.md")


def publish(result: Dict[str, object]) -> None:
    """Writes both, with what this run has measured anew."""
    data = paths()[0]
    published = dict(_published(data), **by_size(result))
    with open(data, "w", encoding="utf-8") as out:
        out.write('{\n "version": 2,\n "sizes": {\n')
        out.write(",\n".join("  %s: %s" % (json.dumps(size), _text(_dict(one))) for size, one in published.items()))
        out.write("\n }\n}\n")
    print("wrote docs/benchmarks.json")
    republish()


def _published(data: str) -> Dict[str, object]:
    with open(data, encoding="utf-8") as source:
        return _dict(json.load(source)["sizes"])


def _text(one: Dict[str, object]) -> str:
    """One row a line: a diff of two publications can be read."""
    head = json.dumps({key: value for key, value in one.items() if key != "rows"})
    return head[:-1] + ', "rows": [\n   ' + ",\n   ".join(map(json.dumps, _list(one["rows"]))) + "\n  ]}"


def republish() -> None:
    """Writes the document anew: what `speed_report` has published is part of it."""
    data, document = paths()
    text = render(_published(data))
    with open(document, "w", encoding="utf-8") as out:
        out.write(text)
    print("wrote docs/benchmarks.md")


def main() -> None:
    """Command line."""
    if len(sys.argv) == 1:
        republish()
        return
    with open(sys.argv[1], encoding="utf-8") as text:
        publish(json.load(text))


if __name__ == "__main__":
    main()
