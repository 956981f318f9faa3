"""The tables that need no test run, or none of a whole suite: one command each, one for all.

    bench/run idle         nothing changed, at two sizes of a generated store; its size on disk, and peak memory
    bench/run detection    new times, new comments and new bodies in all of ten thousand files
    bench/run store        which tests a change concerns; facts written; fingerprints that are known already
    bench/run growth       the cost of deciding against changed files, tests, and the depth of the import graph
    bench/run all          bare pytest, Winnow, pytest-testmon and pytest-difftest side by side, then all of these

    [--scale 0.01] [--pairs 5] [--python PY] [--cache DIR] [--nice N] [--publish]

The projects are made by `bench/stored.ts`: the sources lie on disk, and the store holds what a run of all tests would
have left there, written by the engine's own store. `--scale` makes everything smaller, to see that it works; figures of
such a run are not published. A *pair* is one round of all steps, interleaved; ratios are taken within it. `--publish`
puts a table into `docs/speed.json` in the place of its former self, and writes `docs/benchmarks.md` anew.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timezone
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

import environments
import measure
import report
import speed_report

Row = Dict[str, object]


class Bench(NamedTuple):
    """What a table is measured with."""

    python: str
    cache: str
    pairs: int
    scale: float
    nice: int


class Stored(NamedTuple):
    """A generated project with everything recorded."""

    root: str
    info: Dict[str, object]

    def modules(self) -> List[str]:
        """Absolute paths of its modules, the top layer first."""
        found = self.info["modules"]
        assert isinstance(found, list)
        return [os.path.join(self.root, str(path)) for path in found]

    def number(self, name: str) -> int:
        """A count that the generator printed."""
        return int(str(self.info[name]))


_made: Dict[str, Stored] = {}


def stored(bench: Bench, tests: int, files: int, functions: int = 300, layers: int = 6) -> Stored:
    """A project with everything recorded, where Winnow has found once that nothing is to run; made once per process."""
    # Fewer modules than a layer needs are no layer.
    tests, files = max(20, int(tests * bench.scale)), max(7 * layers + 10, int(files * bench.scale))
    name = "%d-%d-%d-%d" % (tests, files, functions, layers)
    if name in _made:
        return _made[name]
    root = os.path.join(bench.cache, "projects", "stored-" + name)
    command = [environments.node_cached(), "--disable-warning=ExperimentalWarning"]
    command += [os.path.join(environments.REPOSITORY, "bench", "stored.ts"), root, "--python", bench.python]
    for option, value in (("tests", tests), ("files", files), ("functions", functions), ("layers", layers)):
        command += ["--" + option, str(value)]
    print("  making %d tests in %d files, %d layers" % (tests, files, layers), flush=True)
    done = subprocess.run(command, env=measure.clean_environment(), stdout=subprocess.PIPE, check=True)
    made = Stored(root, dict(json.loads(done.stdout)))
    first = measure.run(winnow(bench, made, "run"), root, nice=bench.nice)
    if first.exit or "nothing to run" not in first.output:
        sys.exit("%s is not up to date after it was generated:\n%s" % (root, first.output[-2000:]))
    _made[name] = made
    return made


def settle(bench: Bench, project: Stored) -> None:
    """After edits that were undone: lets times become old enough to be believed, and has Winnow note them."""
    time.sleep(2.5)
    step_back = measure.run(winnow(bench, project, "run"), project.root)
    if "nothing to run" not in step_back.output:
        sys.exit("%s is not what it was before the edits:\n%s" % (project.root, step_back.output[-2000:]))


def winnow(bench: Bench, project: Stored, command: str) -> List[str]:
    """Winnow's command line on a project."""
    return environments.winnow(bench.python, [], project.root, command)


def step(bench: Bench, rows: List[Row], row: Row, command: Sequence[str], cwd: str, says: Optional[str] = None) -> None:
    """Weighs a command and adds its row; `says` must stand in its output."""
    done = measure.run(command, cwd, nice=bench.nice)
    if done.exit or (says is not None and says not in done.output):
        sys.exit("%s\nended with %d and printed:\n%s" % (" ".join(command), done.exit, done.output[-2000:]))
    row = {**row, "cpu": round(done.cpu, 4), "wall": round(done.wall, 4), "peakMiB": round(done.peak_mib, 1)}
    rows.append(row)
    told = " ".join(str(value) for key, value in row.items() if key not in ("cpu", "wall", "peakMiB"))
    print("  %-48s cpu %7.3f s  wall %7.3f s  peak %6.1f MiB" % (told, done.cpu, done.wall, done.peak_mib), flush=True)


def edit(paths: Sequence[str], before: str, after: str) -> Callable[[], None]:
    """Replaces a text once in each file; returns what puts all of them back."""
    texts = {}
    for path in paths:
        with open(path, encoding="utf-8") as source:
            texts[path] = source.read()
        if before not in texts[path]:
            raise ValueError("%s has no %r" % (path, before))
        _write(path, texts[path].replace(before, after, 1))

    def back() -> None:
        for path, text in texts.items():
            _write(path, text)

    return back


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        out.write(text)


def _every_source(project: Stored) -> List[str]:
    found = []
    for folder in ("src", "tests"):
        for directory, _, names in os.walk(os.path.join(project.root, folder)):
            found += [os.path.join(directory, name) for name in names if name.endswith(".py")]
    return sorted(found)


def idle(bench: Bench) -> Dict[str, object]:
    """Nothing changed: an empty Node beside Winnow, at two sizes."""
    sizes = {"10,000 tests": (10_000, 5_000), "100,000 tests": (100_000, 50_000)}
    projects = {name: stored(bench, tests, files) for name, (tests, files) in sizes.items()}
    rows: List[Row] = []
    for pair in range(1, bench.pairs + 1):
        empty = [environments.node_cached(), "-e", ""]
        step(bench, rows, {"pair": pair, "size": "", "step": "empty node"}, empty, bench.cache)
        for name, project in projects.items():
            row: Row = {"pair": pair, "size": name, "step": "no change"}
            step(bench, rows, row, winnow(bench, project, "run"), project.root, "nothing to run")
    facts = {
        name: {key: project.number(key) for key in ("tests", "files", "pairs", "watched", "storeBytes")}
        for name, project in projects.items()
    }
    return {"rows": rows, "projects": facts}


def detection(bench: Bench) -> Dict[str, object]:
    """New times, comments and bodies in all files, by `winnow plan`, which keeps nothing of so many contents."""
    project = stored(bench, 10_000, 10_000, functions=100)
    sources = _every_source(project)
    modules = project.modules()
    plan = winnow(bench, project, "plan")
    rows: List[Row] = []
    # Further back at each turn: equal times would be no new ones.
    past = int(os.stat(sources[0]).st_mtime)
    for pair in range(1, bench.pairs + 1):
        node = [environments.node_cached(), "-e", ""]
        step(bench, rows, {"pair": pair, "step": "empty node"}, node, bench.cache)
        step(bench, rows, {"pair": pair, "step": "nothing new"}, plan, project.root, "nothing to run")
        for path in sources:
            os.utime(path, (past - pair, past - pair))
        step(bench, rows, {"pair": pair, "step": "all times new"}, plan, project.root, "nothing to run")
        back = edit(modules, "\nLIMIT = 3", "\n# %d\nLIMIT = 3" % pair)
        step(bench, rows, {"pair": pair, "step": "a comment in each module"}, plan, project.root, "nothing to run")
        back()
        back = edit(modules, "mark = 1", "mark = %d" % (pair + 1))
        step(bench, rows, {"pair": pair, "step": "a body in each module"}, plan, project.root, "to run")
        back()
        settle(bench, project)
    return {"rows": rows, "files": len(sources), "modules": len(modules)}


def store(bench: Bench) -> Dict[str, object]:
    """What `bench/store.ts` measures in its own process."""
    project = stored(bench, 10_000, 5_000)
    command = [environments.node_cached(), "--disable-warning=ExperimentalWarning"]
    command += [os.path.join(environments.REPOSITORY, "bench", "store.ts"), project.root, "--python", bench.python]
    command += ["--rounds", str(max(3, bench.pairs))]
    done = subprocess.run(command, env=measure.clean_environment(), stdout=subprocess.PIPE, check=True)
    found = dict(json.loads(done.stdout))
    print("  " + json.dumps(found), flush=True)
    return {**found, "pairs": project.number("pairs")}


def growth(bench: Bench) -> Dict[str, object]:
    """`winnow plan` against three things that grow; each beside the same plan where nothing changed."""
    rows: List[Row] = []

    def point(project: Stored, what: str, value: int, kind: str, paths: Sequence[str], pair: int) -> None:
        plan = winnow(bench, project, "plan")
        row: Row = {"pair": pair, "what": what, "value": value}
        step(bench, rows, {**row, "kind": "nothing"}, plan, project.root, "nothing to run")
        texts = {
            "body": ("mark = 1", "mark = %d" % (pair + 1)),
            "module level": ("LIMIT = 3", "LIMIT = %d" % (3 + pair)),
        }
        back = edit(paths, *texts[kind])
        try:
            step(bench, rows, {**row, "kind": kind}, plan, project.root, "to run")
        finally:
            back()
            settle(bench, project)

    middle = stored(bench, 10_000, 5_000)
    modules = middle.modules()
    counts = [n for n in (1, 10, 100, 1000) if n <= len(modules)]
    for pair in range(1, bench.pairs + 1):
        for count in counts:
            point(middle, "changed files", count, "body", modules[:count], pair)
    for tests in (100, 1_000, 10_000, 100_000):
        project = stored(bench, tests, tests // 2)
        for pair in range(1, bench.pairs + 1):
            point(project, "tests", project.number("tests"), "body", project.modules()[:1], pair)
    for layers in (2, 4, 8, 16, 32):
        project = stored(bench, 2_000, 1_000, functions=160, layers=layers)
        # The lowest module near the first test: all layers above lie between.
        for pair in range(1, bench.pairs + 1):
            point(project, "layers", layers, "module level", _lowest(project), pair)
    return {"rows": rows}


def _lowest(project: Stored) -> List[str]:
    bottom = os.path.join("src", "unit", "layer_0") + os.sep
    return [path for path in project.modules() if bottom in path][:1]


TABLES: Dict[str, Callable[[Bench], Dict[str, object]]] = {
    "idle": idle,
    "detection": detection,
    "store": store,
    "growth": growth,
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="tables on generated stores")
    parser.add_argument("tables", nargs="+", choices=[*TABLES, "all"])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the projects; below 1 to try it out")
    parser.add_argument("--python", help="interpreter to decide for (default: the newest found, 3.12 or later)")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--cache", help="directory for environments, projects and results (default: .cache/bench)")
    parser.add_argument("--publish", action="store_true", help="write docs/speed.json and docs/benchmarks.md")
    args = parser.parse_args()
    if args.publish and args.scale != 1:
        parser.error("figures of another scale are not published")
    if not environments.has_winnow():
        sys.exit("Winnow is not built yet: run `npm run build`")
    cache = environments.cache_directory(args.cache)
    python = args.python or environments.newest()
    bare = environments.environment(python, "bare", ["pytest<10"], cache)
    bench = Bench(bare, cache, args.pairs, args.scale, args.nice)
    names = list(TABLES) if "all" in args.tables else args.tables
    versions = environments.versions(bare, ["pytest"])
    versions["Python"] = environments.version_of(bare) or "?"
    versions["Node"] = measure.run([environments.node(), "-p", "process.versions.node"], cache).output.strip()
    measured = environments.winnow_digest()
    found: Dict[str, Dict[str, object]] = {}
    for name in names:
        print(name, flush=True)
        before = measure.machine()
        table = TABLES[name](bench)
        if environments.winnow_digest() != measured:
            sys.exit("Winnow was changed or rebuilt while it was measured: these figures are of no one version")
        head: Dict[str, object] = {
            "command": "bench/run %s --pairs %d" % (name, args.pairs)
            + ("" if args.scale == 1 else " --scale %g" % args.scale),
            "when": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
            "machine": before,
            "versions": versions,
            "pairs": args.pairs,
        }
        found[name] = {**head, **{"data": table}}
        folder = os.path.join(cache, "results")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "speed-%s.json" % name), "w", encoding="utf-8") as out:
            json.dump(found[name], out, indent=1)
        print("\n" + "\n".join(speed_report.section(name, found[name])), flush=True)
    if args.publish:
        speed_report.publish(found)
        if "growth" in found:
            speed_report.draw(found["growth"], python, cache)
        report.republish()


if __name__ == "__main__":
    main()
