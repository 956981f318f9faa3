"""Side by side in one run: bare pytest, Winnow, pytest-testmon and pytest-difftest on the generated projects.

    python3 bench/compare.py [--sizes small,medium,large] [--pairs 3] [--python PY]
                             [--tools bare,winnow,testmon,difftest]

Each tool has its own copy of the same project, with byte code already written by a bare run, and its own
environment (Winnow runs in the bare one: it installs nothing). A *pair* is one round of all steps by all tools,
interleaved step by step and in rotating order, so that a noisy minute hits all of them; a ratio is taken within its
pair, and the median of the pairs is printed with the least and the most. Steps: record (state forgotten before), no
change, one edit of a leaf function, one edit of a core function. Floors, measured in the same rounds: an empty Node
process, `python -c pass`, pytest collecting an empty directory, and bare pytest told exactly the tests that an edit
concerns (in a file of arguments: thousands of ids are too long for a command line).

pytest-difftest, which is left out by default, has an option of its own that records (`--diff-baseline`); the others
record in passing.

The selection is checked too: the generator knows which tests reach the edited function, and a tool that runs fewer,
or that fails, is shown with the count instead of a bare figure. Nothing is asserted on the clock.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime, timezone
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence

import environments
import measure
import report
from generate import edit

STEPS = ["record", "no change", "leaf edit", "core edit"]
STATE = [".winnow", ".testmondata", ".testmondata-shm", ".testmondata-wal", ".pytest_cache"]


class Tool(NamedTuple):
    """A way to run the suite."""

    name: str
    python: str
    project: str
    arguments: Sequence[str] = ("-q",)

    def command(self, step: str = "") -> List[str]:
        """The command line; but for one tool the same for recording and for the runs after it."""
        if self.name == "winnow":
            return environments.winnow(self.python, self.arguments, self.project)
        own = {"testmon": ["--testmon"], "difftest": ["--diff-baseline" if step == "record" else "--diff"]}
        return [self.python, "-m", "pytest", *self.arguments, *own.get(self.name, [])]

    def forget(self) -> None:
        """Removes the tool's state (and pytest's cache, where pytest-difftest keeps its own); byte code stays."""
        remove(os.path.join(self.project, name) for name in STATE)


def remove(paths: Iterable[str]) -> None:
    """Removes files and directories, as far as they are there."""
    for path in paths:
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.remove(path)


def _row(
    size: str, pair: int, tool: str, step: str, done: measure.Measured, expected: Optional[int]
) -> Dict[str, object]:
    row: Dict[str, object] = {
        "size": size,
        "pair": pair,
        "tool": tool,
        "step": step,
        "cpu": round(done.cpu, 4),
        "wall": round(done.wall, 4),
        "peakMiB": round(done.peak_mib, 1),
        "exit": done.exit,
        "ran": done.ran(),
        "expected": expected,
    }
    note = "" if expected is None or expected == row["ran"] else "  (expected %d)" % expected
    print(
        "%-7s %d %-8s %-22s cpu %8.3f s  wall %8.3f s  peak %6.1f MiB  exit %d  ran %s%s"
        % (size, pair, tool, step, done.cpu, done.wall, done.peak_mib, done.exit, row["ran"], note),
        flush=True,
    )
    # 5 is pytest's (and so testmon's) word for "no test ran".
    if done.exit not in (0, 5):
        print(done.output[-1500:], file=sys.stderr)
    return row


def bench(
    size: str, tools: List[Tool], info: Dict[str, object], pairs: int, nice: int, empty: str
) -> List[Dict[str, object]]:
    """All pairs of one size."""
    rows: List[Dict[str, object]] = []
    targets = info["targets"]
    assert isinstance(targets, dict)
    total = int(str(info["tests"]))
    reach = {
        "record": total,
        "no change": 0,
        "leaf edit": len(targets["leaf"]["tests"]),
        "core edit": len(targets["core"]["tests"]),
    }
    python = tools[0].python
    node = environments.node()
    floors = {
        "empty node": [node, "-e", ""],
        "python -c pass": [python, "-c", "pass"],
        "pytest, empty directory": [python, "-m", "pytest", "-q", "--collect-only", empty],
    }
    number = int(time.time()) % 100000
    for pair in range(1, pairs + 1):
        for name, command in floors.items():
            rows.append(_row(size, pair, "floor", name, measure.run(command, empty, nice=nice), None))
        for step in STEPS:
            number += 1
            turn = pair % len(tools)
            for tool in tools[turn:] + tools[:turn]:
                if step == "record":
                    tool.forget()
                elif step != "no change":
                    edit(tool.project, targets[step.split()[0]], number)
                # Bare pytest has no selection: its run of all tests is one figure, measured at every step.
                expected = total if tool.name == "bare" else reach[step]
                rows.append(
                    _row(
                        size, pair, tool.name, step, measure.run(tool.command(step), tool.project, nice=nice), expected
                    )
                )
                if tool.name == "bare" and step.endswith("edit"):
                    kind = step.split()[0]
                    command = [*tool.command(), "@" + _written(tool.project, targets[kind]["tests"])]
                    done = measure.run(command, tool.project, nice=nice)
                    rows.append(_row(size, pair, "floor", "bare, %s's tests" % kind, done, reach[step]))
    return rows


def _written(project: str, tests: List[str]) -> str:
    """A file of arguments beside the project, one node id a line."""
    path = project + ".arguments"
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(tests) + "\n")
    return path


def prepare(
    size: str, names: List[str], pythons: Dict[str, str], cache: str, seed: int
) -> "tuple[List[Tool], Dict[str, object]]":
    """Generates the project, warms its byte code with one bare run and copies it, times included, for each tool."""
    home = os.path.join(cache, "projects", size)
    shutil.rmtree(home, ignore_errors=True)
    original = os.path.join(home, "original")
    # In a process of its own: the kernel counts the memory of whoever starts a process as that process's first peak.
    targets = os.path.join(home, "targets.json")
    generator = os.path.join(environments.REPOSITORY, "bench", "generate.py")
    command = [sys.executable, generator, original, "--size", size, "--seed", str(seed), "--targets", targets]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    with open(targets, encoding="utf-8") as text:
        info = dict(json.load(text))
    measure.run([pythons["bare"], "-m", "pytest", "-q", "-p", "no:cacheprovider"], original)
    tools = []
    for name in names:
        project = os.path.join(home, name)
        shutil.copytree(original, project)
        tools.append(Tool(name, pythons[name], project))
    # A tool may distrust files younger than its safety gap of 2 s; a project that a person works in has few of those.
    time.sleep(4)
    return tools, info


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="bare pytest, Winnow and pytest-testmon side by side")
    parser.add_argument("--sizes", default="small,medium")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--python", help="interpreter to measure on (default: the newest found, 3.12 or later)")
    parser.add_argument("--tools", default="bare,winnow,testmon")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--cache", help="directory for environments, projects and results (default: .cache/bench)")
    parser.add_argument("--publish", action="store_true", help="write docs/benchmarks.json and docs/benchmarks.md")
    args = parser.parse_args()

    cache = environments.cache_directory(args.cache)
    names = [name.strip() for name in args.tools.split(",") if name.strip()]
    if "bare" not in names:
        parser.error("bare pytest is what all else is a ratio of: keep it in --tools")
    if "winnow" in names and not environments.has_winnow():
        sys.exit("Winnow is not built yet: run `npm run build` (or leave it out with --tools bare,testmon)")
    python = args.python or environments.newest()
    bare = environments.environment(python, "bare", ["pytest<10"], cache)
    pythons = {"bare": bare, "winnow": bare}
    versions = environments.versions(bare, ["pytest"])
    if "testmon" in names:
        # The same pytest in both, or the figures compare pytests.
        pythons["testmon"] = environments.environment(
            python, "testmon", [environments.TESTMON, "pytest==" + versions["pytest"]], cache
        )
        versions.update(environments.versions(pythons["testmon"], ["pytest-testmon", "coverage"]))
    if "difftest" in names:
        wanted = [environments.DIFFTEST, "pytest==" + versions["pytest"]]
        pythons["difftest"] = environments.environment(python, "difftest", wanted, cache)
        versions.update(environments.versions(pythons["difftest"], ["pytest-difftest"]))
    versions["Python"] = environments.version_of(bare) or "?"
    versions["Node"] = measure.run([environments.node(), "-p", "process.versions.node"], cache).output.strip()

    empty = os.path.join(cache, "projects", "empty")
    os.makedirs(empty, exist_ok=True)
    result: Dict[str, object] = {
        "version": 1,
        "when": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "command": "bench/run " + " ".join(_told(args)),
        "machine": measure.machine(),
        "versions": versions,
        "pairs": args.pairs,
        "projects": {},
        "rows": [],
    }
    measured = environments.winnow_digest()
    rows: List[Dict[str, object]] = []
    projects: Dict[str, object] = {}
    for size in [name.strip() for name in args.sizes.split(",") if name.strip()]:
        tools, info = prepare(size, names, pythons, cache, args.seed)
        projects[size] = {key: value for key, value in info.items() if key != "targets"}
        rows += bench(size, tools, info, args.pairs, args.nice, empty)
        result["rows"], result["projects"] = rows, projects
        if environments.winnow_digest() != measured:
            sys.exit("Winnow was changed or rebuilt while it was measured: these figures are of no one version")
        folder = os.path.join(cache, "results")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "compare-%s.json" % versions["Python"])
        with open(path, "w", encoding="utf-8") as out:
            json.dump(result, out, indent=1)
    print("\n" + report.render(report.by_size(result)))
    if args.publish:
        report.publish(result)


def _told(args: argparse.Namespace) -> List[str]:
    """The arguments as they may stand in a document: without paths of this machine."""
    return ["--sizes", args.sizes, "--pairs", str(args.pairs), "--tools", args.tools]


if __name__ == "__main__":
    main()
