"""Looks for missed tests: random projects, random edits, `winnow run` without any reset, and plain pytest as the judge.

    python3 bench/simulate.py [--projects 20] [--edits 25] [--seed 1] [--python PY] [--jobs 1]

Every project has 3 to 8 modules and 8 to 25 tests, all of which print a number that nearly everything in them takes
part in: outcomes are compared by what was printed, so that an edit shows without turning the test red. After most
steps there is a whole `winnow run`, and a whole run of plain pytest in a fresh copy. A test that Winnow left out while
pytest says something new of it, or something red, is a **miss**: the seed, the step, the edits and the difference are
printed, and the directory is kept. In between there are runs of a part (`-k`, a file, a node id, `-x`), killed runs,
`-n 2` and the reversed order. The same seed gives the same project and the same edits (only kills depend on the clock).

Ends with 1 if there was a miss or any other fault.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import environments
import measure
from simulator.processes import Machine, has_xdist
from simulator.sequence import Result, Sequence


def main() -> int:
    """Parses the command line and runs the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=20, metavar="N")
    parser.add_argument("--edits", type=int, default=25, metavar="N", help="of each project (default: 25)")
    parser.add_argument("--seed", type=int, default=1, help="of the first project; the others follow")
    parser.add_argument("--python", default=None, help="an environment with pytest (default: this one)")
    parser.add_argument("--winnow", default=None, metavar="PATH", help="another program than this repository's")
    parser.add_argument("--jobs", type=int, default=1, metavar="N")
    parser.add_argument("--seconds", type=float, default=None, metavar="S", help="begin no project after that")
    parser.add_argument("--json", default=None, metavar="FILE")
    parser.add_argument("--keep", default=None, metavar="DIR", help="where to work, and to leave what was found")
    args = parser.parse_args()

    if args.winnow is None and not environments.has_winnow():
        sys.exit("no bundle: run `npm run build` in the repository first")
    python = os.path.abspath(args.python or sys.executable)
    bundle = os.path.join(environments.REPOSITORY, "dist", "winnow.mjs")
    winnow = [environments.node(), "--disable-warning=ExperimentalWarning", bundle]
    machine = Machine(python, tuple([args.winnow] if args.winnow else winnow), has_xdist(python))
    scratch = args.keep or tempfile.mkdtemp(prefix="winnow-simulate-", dir=_memory())
    os.makedirs(scratch, exist_ok=True)
    limit = time.monotonic() + (args.seconds or float("inf"))

    def one(seed: int) -> Result:
        if time.monotonic() > limit:
            return Result()
        began = time.monotonic()
        result = Sequence(str(seed), args.edits, machine, scratch).run()
        print(
            "seed %d: %d edits, %d outcomes changed, %d of %d tests run, %d faults (%.0f s)"
            % (
                seed,
                sum(result.drawn.values()),
                result.changed,
                result.ran,
                result.tests,
                len(result.faults),
                time.monotonic() - began,
            ),
            flush=True,
        )
        result.runs["projects"] += 1
        return result

    total = Result()
    with ThreadPoolExecutor(args.jobs) as pool:
        for result in pool.map(one, range(args.seed, args.seed + args.projects)):
            total.add(result)
    report(total, args.json)
    if not total.faults and not args.keep:
        shutil.rmtree(scratch, ignore_errors=True)
    return 1 if total.faults else 0


def _memory() -> str | None:
    """A directory in memory, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def report(total: Result, path: str | None) -> None:
    """The table of edits, and the figures."""
    rows = [
        [name, str(count), "%d %%" % round(100 * total.telling[name] / count)]
        for name, count in sorted(total.drawn.items(), key=lambda item: (-item[1], item[0]))
    ]
    print("\n" + measure.table(["edit", "drawn", "changed an outcome"], rows))
    print("runs: " + ", ".join("%s %d" % item for item in sorted(total.runs.items())))
    share = 100 * total.ran / total.tests if total.tests else 0
    print(
        "%d edits; %d outcomes changed; %d of %d tests run (%.0f %%)"
        % (sum(total.drawn.values()), total.changed, total.ran, total.tests, share)
    )
    kinds = Counter(fault.kind for fault in total.faults)
    print("faults: " + (", ".join("%s %d" % item for item in sorted(kinds.items())) or "none"))
    if path:
        with open(path, "w", encoding="utf-8") as out:
            figures = {
                "version": 1,
                "drawn": total.drawn,
                "changed an outcome": total.telling,
                "runs": total.runs,
                "outcomes changed": total.changed,
                "ran": total.ran,
                "tests": total.tests,
                "faults": [vars(fault) for fault in total.faults],
            }
            json.dump(figures, out, indent=1)


if __name__ == "__main__":
    sys.exit(main())
