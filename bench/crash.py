"""The crash test: kills recording runs at random and checks that nothing false is believed and nothing finished is
lost.

    python3 bench/crash.py [--kills 200] [--project DIR --python PY] [--seed 1] [-- PYTEST ARGS]

Without a project, one of about 200 tests is generated. The work is done on a copy. Each round puts the project into
one of a few states (as it is, or with one function broken so that some tests fail), starts `winnow run` in a world
that is new to Winnow (another `PYTHONHASHSEED` splits the facts) or partly known, and kills -9 at a random time:
pytest, or Winnow, or the whole group. Sometimes the next run is killed early too, while it takes over the journals
that were left, and sometimes it begins while an orphaned pytest still runs. Then:

1. the next `winnow run` works: it ends in the exit code of what it ran, and does not complain about its store;
2. what it leaves out is true: every test left out passes in a full run of bare pytest in that state;
3. nothing finished is lost: a test that passed more than a second before the kill (by the witness of a plugin of our
   own, not of Winnow) is not run again;
4. one more run starts nothing but the tests that fail.

At the end the store is checked by SQLite itself. `--kills` counts runs that were alive when they were killed.
"""

import argparse
import ast
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

import environments
import invocation
import measure
from generate import generate

GRACE_SECONDS = 1.0
_COMPLAINT = re.compile(
    r"set aside|corrupt|malformed|cannot be (read|opened)|not a database|Traceback|INTERNALERROR", re.I
)


class State(NamedTuple):
    """A state of the project: nothing, or one line put into one function."""

    name: str
    path: Optional[str]
    line: int
    text: str


class Truth(NamedTuple):
    """What bare pytest says of a state."""

    passed: Set[str]
    failed: Set[str]


class Fault(NamedTuple):
    """Something that must not be."""

    round: int
    what: str


# --- the project and its states ---------------------------------------------------------------------------------------


def _breakable(root: str) -> List[State]:
    """Every function of the project (tests aside) that can be given a first statement on a line of its own."""
    states = []
    for directory, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not name.startswith("test") and name != "__pycache__"
        )
        for name in sorted(names):
            if not name.endswith(".py") or name.startswith(("test", "conftest", "setup")) or name.endswith("_test.py"):
                continue
            path = os.path.join(directory, name)
            try:
                with open(path, encoding="utf-8") as source:
                    text = source.read()
                tree = ast.parse(text)
            except (OSError, SyntaxError, ValueError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                    if (
                        body
                        and body[0].lineno > node.lineno
                        and text.splitlines()[body[0].lineno - 2].rstrip().endswith((":", '"""'))
                    ):
                        indent = " " * body[0].col_offset
                        states.append(
                            State(
                                node.name,
                                os.path.relpath(path, root),
                                body[0].lineno,
                                indent + 'raise RuntimeError("broken for the crash test")',
                            )
                        )
    return states


class Project:
    """The copy that is worked on; one state at a time is in it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._undo: Optional[Tuple[str, str]] = None

    def put(self, state: State) -> None:
        """Leaves the state that it is in and enters `state`."""
        if self._undo:
            with open(self._undo[0], "w", encoding="utf-8", newline="") as out:
                out.write(self._undo[1])
            self._undo = None
        if state.path:
            full = os.path.join(self.root, state.path)
            with open(full, encoding="utf-8", newline="") as source:
                text = source.read()
            self._undo = (full, text)
            lines = text.split("\n")
            lines.insert(state.line - 1, state.text)
            with open(full, "w", encoding="utf-8", newline="") as out:
                out.write("\n".join(lines))


# --- processes --------------------------------------------------------------------------------------------------------


def _session_members(session: int) -> Dict[int, str]:
    """Living processes of a session: id → command line."""
    found = {}
    if os.path.isdir("/proc/self"):
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as text:
                    fields = text.read().rpartition(")")[2].split()
                if int(fields[3]) == session and fields[0] not in "ZX":
                    with open("/proc/%s/cmdline" % name, encoding="utf-8", errors="replace") as text:
                        found[int(name)] = text.read().replace("\0", " ")
            except (OSError, IndexError, ValueError):
                continue
        return found
    done = subprocess.run(["ps", "-A", "-o", "pid=,sess=,args="], stdout=subprocess.PIPE, check=False)
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        parts = line.split(None, 2)
        if len(parts) == 3 and parts[1] == str(session):
            found[int(parts[0])] = parts[2]
    return found


class Run:
    """One `winnow run` in a session of its own, so that all its processes can be found and nobody else's are."""

    def __init__(self, command: List[str], root: str, env: Dict[str, str], clock: str) -> None:
        self.clock = clock
        if os.path.exists(clock):
            os.remove(clock)
        self._out = open(clock + ".out", "w+b")  # noqa: SIM115 - closed in `finish`
        full = measure.clean_environment({**env, "BENCH_CLOCK": clock})
        self.process = subprocess.Popen(
            command,
            cwd=root,
            env=full,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def kill(self, target: str) -> bool:
        """Kills -9; False if there was nothing left of the target to kill."""
        members = _session_members(self.process.pid)
        if target == "winnow":
            victims = [self.process.pid] if self.process.poll() is None else []
        elif target == "pytest":
            # Too early for it: the first moments of pytest are as good a time to die as any.
            while self.process.poll() is None and not set(members) - {self.process.pid}:
                time.sleep(0.005)
                members = _session_members(self.process.pid)
            victims = [pid for pid in sorted(members) if pid != self.process.pid][:1]
        else:
            victims = list(members)
        for victim in victims:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return bool(victims)

    def gone(self, patience: float) -> bool:
        """Waits until no process of the run lives (the orphans of a killed Winnow run on to their end)."""
        limit = time.monotonic() + patience
        while time.monotonic() < limit:
            self.process.poll()
            if not _session_members(self.process.pid):
                return True
            time.sleep(0.02)
        return False

    def finish(self) -> Tuple[int, str]:
        """Exit code and output of Winnow itself; waits for it."""
        code = self.process.wait()
        self._out.seek(0)
        text = self._out.read().decode("utf-8", "replace")
        self._out.close()
        return code, text

    def ended(self) -> List[Tuple[float, str, bool]]:
        """What the witness wrote: (when, test, passed)."""
        out = []
        try:
            with open(self.clock, encoding="utf-8") as lines:
                for line in lines:
                    if line.endswith("\n"):
                        when, test, passed = json.loads(line)
                        out.append((float(when), str(test), bool(passed)))
        except OSError:
            pass
        return out


# --- the test ---------------------------------------------------------------------------------------------------------


class Crash:
    """Rounds of kills over one project."""

    def __init__(
        self, project: Project, python: str, arguments: List[str], env: Dict[str, str], scratch: str, seed: int
    ) -> None:
        self.project = project
        self.python = python
        self.arguments = ["-p", "bench_clock", *arguments]
        plugins = os.path.join(environments.REPOSITORY, "bench", "plugins")
        paths = [path for path in [env.get("PYTHONPATH", ""), plugins] if path]
        self.env = {**env, "PYTHONPATH": os.pathsep.join(paths)}
        self.scratch = scratch
        self.rng = random.Random(seed)
        self.truths: Dict[State, Truth] = {}
        self.faults: List[Fault] = []
        self.counts: Dict[str, int] = {}
        self.lost_within_grace = 0
        self.kept = 0
        self.runs = 0
        self.orphans = 0
        self.waited = 0

    def truth(self, state: State) -> Optional[Truth]:
        """Bare pytest's word on a state (asked once); None if the state breaks more than tests."""
        if state not in self.truths:
            self.project.put(state)
            clock = os.path.join(self.scratch, "truth")
            run = Run(
                [self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *self.arguments],
                self.project.root,
                self.env,
                clock,
            )
            code, _ = run.finish()
            if code not in (0, 1):
                return None
            ended = run.ended()
            self.truths[state] = Truth({test for _, test, ok in ended if ok}, {test for _, test, ok in ended if not ok})
        return self.truths[state]

    def start(self, world: int) -> Run:
        """Starts `winnow run` in the world of a hash seed."""
        self.runs += 1
        clock = os.path.join(self.scratch, "clock-%d" % self.runs)
        command = environments.winnow(self.python, ["-q", *self.arguments], self.project.root)
        return Run(command, self.project.root, {**self.env, "PYTHONHASHSEED": str(world)}, clock)

    def _fault(self, number: int, what: str) -> None:
        self.faults.append(Fault(number, what))
        print("  FAULT in round %d: %s" % (number, what), flush=True)

    def whole(self, number: int, world: int, truth: Truth, label: str) -> Set[str]:
        """A run that nobody kills, checked against the truth; returns what it ran."""
        run = self.start(world)
        code, output = run.finish()
        ended = run.ended()
        ran = {test for _, test, _ in ended}
        expected = 1 if any(not ok for _, _, ok in ended) else 0
        if code != expected:
            self._fault(number, "%s ended with %d, its tests say %d:\n%s" % (label, code, expected, output[-1500:]))
        if _COMPLAINT.search(output):
            self._fault(number, "%s complains:\n%s" % (label, output[-1500:]))
        false = (truth.failed - ran) if code in (0, 1) else set()
        if false:
            self._fault(number, "%s left out %d failing tests, e.g. %s" % (label, len(false), sorted(false)[0]))
        wrong = [test for _, test, ok in ended if ok != (test in truth.passed)]
        if wrong:
            self._fault(number, "%s: outcome differs from bare pytest's: %s" % (label, wrong[0]))
        return ran

    def planned(self, number: int, world: int, truth: Truth) -> None:
        """What `winnow plan` would run now: only what fails, and all of that."""
        command = [
            *environments.winnow(self.python, [], self.project.root, "plan"),
            "--json",
            "--",
            "-q",
            *self.arguments,
        ]
        done = subprocess.run(
            command,
            cwd=self.project.root,
            env=measure.clean_environment({**self.env, "PYTHONHASHSEED": str(world)}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        text = done.stdout.decode("utf-8", "replace")
        try:
            plan = json.loads(text.strip().splitlines()[-1])
            named = {str(test["id"]) for test in plan["tests"]}
        except (IndexError, ValueError, KeyError, TypeError):
            self._fault(number, "`winnow plan --json` says no plan:\n%s" % text[-1500:])
            return
        if plan["kind"] == "everything" or plan["files"] or named != truth.failed:
            what = plan.get("because") or sorted(named ^ truth.failed)[:3] or [one["path"] for one in plan["files"]][:3]
            self._fault(number, "`winnow plan` after a whole run is of kind %s: %s" % (plan["kind"], what))

    def round(self, number: int, world: int, state: State, duration: float) -> bool:
        """One kill and all that must hold after it; False if the run was over before the kill."""
        truth = self.truths[state]
        self.project.put(state)
        target = self.rng.choice(["pytest", "winnow", "group"])
        # A fifth of the kills aim at the end, where the journal is taken over, and a tenth at the decision.
        kind = self.rng.random()
        delay = duration * (
            self.rng.uniform(0.9, 1.1)
            if kind < 0.2
            else self.rng.uniform(0, 0.08)
            if kind < 0.3
            else self.rng.uniform(0, 1)
        )
        run = self.start(world)
        time.sleep(delay)
        struck = run.kill(target)
        killed_at = time.time()
        early = target == "winnow" and self.rng.random() < 0.3
        if not early and not run.gone(600):
            self._fault(number, "a process of the killed run does not end")
        _, output = run.finish()
        if target == "pytest" and _COMPLAINT.search(output):
            self._fault(number, "Winnow complains after pytest was killed:\n%s" % output[-1500:])
        if struck:
            self.counts[target] = self.counts.get(target, 0) + 1
        safe = {test for when, test, ok in run.ended() if ok and when < killed_at - GRACE_SECONDS}
        soon = {test for when, test, ok in run.ended() if ok and when <= killed_at} - safe
        again = ""
        if self.rng.random() < 0.2:
            second = self.start(world)
            time.sleep(self.rng.uniform(0, 0.4))
            second.kill("group")
            second.gone(600)
            second.finish()
            again = ", next run killed too"
        ran = self.whole(number, world, truth, "the run after the kill of %s at %.2f s%s" % (target, delay, again))
        lost = safe & ran
        if early:
            # The orphaned pytest was still writing when the next run decided: its journal may wait for its end. What it
            # knows must come in then, and is checked below like everything else.
            self.orphans += 1
            self.waited += len(lost)
            if not run.gone(600):
                self._fault(number, "an orphaned pytest does not end")
            lost = set()
        if lost:
            self._fault(
                number,
                "%d tests that had passed over a second before the kill of %s (at %.2f s%s) ran again, e.g. %s"
                % (len(lost), target, delay, again, sorted(lost)[0]),
            )
        self.lost_within_grace += len(soon & ran)
        self.kept += len((safe | soon) - ran)
        self.planned(number, world, truth)
        idle = self.whole(number, world, truth, "the run with nothing changed") - truth.failed
        if idle:
            self._fault(number, "with nothing changed %d proven tests ran, e.g. %s" % (len(idle), sorted(idle)[0]))
        return struck


def _integrity(root: str, scratch: str) -> str:
    """What SQLite says of a copy of the store."""
    source = os.path.join(root, ".winnow")
    copy = os.path.join(scratch, "store-copy")
    shutil.copytree(source, copy)
    databases = [name for name in os.listdir(copy) if name.endswith(".db")]
    aside = [name for name in os.listdir(copy) if "aside" in name or "broken" in name or "corrupt" in name]
    words = []
    for name in databases:
        connection = sqlite3.connect(os.path.join(copy, name))
        words.append(str(connection.execute("PRAGMA integrity_check").fetchone()[0]))
        connection.close()
    return ", ".join(words + ["set aside: " + name for name in aside]) or "no store"


def main() -> int:
    """Command line; 1 on any fault."""
    own, rest = invocation.split(sys.argv[1:])
    parser = argparse.ArgumentParser(
        description="kill recording runs at random; nothing false may be believed, nothing finished lost"
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--project", help="directory of a project (default: a generated one)")
    parser.add_argument("--python", help="its interpreter (default: an environment made for the purpose)")
    parser.add_argument("--pythonpath", action="append", default=[], help="PYTHONPATH entry, relative to the project")
    parser.add_argument("--states", type=int, default=6, help="how many broken states of the project")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tests", type=int, default=200, help="of the generated project")
    parser.add_argument("--busy", type=int, default=1500, help="loop turns in each of its functions")
    parser.add_argument("--cache", help="directory for environments and projects (default: .cache/bench)")
    parser.add_argument("--json", help="also write the figures there")
    args = parser.parse_args(own)
    arguments = rest
    if not environments.has_winnow():
        sys.exit("Winnow is not built yet: run `npm run build`")
    cache = environments.cache_directory(args.cache)
    scratch = os.path.join(cache, "crash-%d" % os.getpid())
    root = os.path.join(scratch, "project")
    os.makedirs(scratch)
    try:
        if args.project:
            ignore = shutil.ignore_patterns(".winnow", ".git", ".cache", "node_modules", ".testmondata*")
            shutil.copytree(args.project, root, symlinks=True, ignore=ignore)
            python = os.path.abspath(args.python) if args.python else sys.executable
        else:
            generate(root, tests=args.tests, modules=60, files=25, busy=args.busy)
            python = environments.environment(args.python or environments.newest(), "bare", ["pytest<10"], cache)
        env = (
            {"PYTHONPATH": os.pathsep.join(os.path.join(root, entry) for entry in args.pythonpath)}
            if args.pythonpath
            else {}
        )
        return crash(Crash(Project(root), python, arguments, env, scratch, args.seed), args)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def crash(test: Crash, args: argparse.Namespace) -> int:
    """All rounds, then the report."""
    intact = State("intact", None, 0, "")
    base = test.truth(intact)
    if base is None or not base.passed:
        sys.exit("the suite does not run to its end under bare pytest: nothing to kill")
    states = [intact]
    candidates = _breakable(test.project.root)
    test.rng.shuffle(candidates)
    for candidate in candidates[: 12 * args.states]:
        if len(states) > args.states:
            break
        truth = test.truth(candidate)
        # A state that fails nearly everything leaves nothing to prove, one that fails nothing proves nothing.
        if truth and 0 < len(truth.failed - base.failed) <= len(base.passed) * 0.6:
            states.append(candidate)
    test.project.put(intact)
    began = time.monotonic()
    test.whole(0, 0, base, "the first recording")
    duration = time.monotonic() - began
    print(
        "%d tests, %d states, a recording takes %.1f s" % (len(base.passed | base.failed), len(states), duration),
        flush=True,
    )
    kills = number = 0
    tested = environments.winnow_digest()
    while kills < args.kills and number < 3 * args.kills + 10:
        number += 1
        # Mostly a new world; at times one in which other states are known already.
        world = number if test.rng.random() < 0.8 else test.rng.randint(0, number)
        struck = test.round(number, world, test.rng.choice(states), duration)
        kills += struck
        # Machines change their pace: aim at what a run takes now.
        duration *= 1.02 if struck else 0.93
        if kills % 10 == 0:
            print("  %d kills, %d faults" % (kills, len(test.faults)), flush=True)
    # In the end: every world that was used still tells the truth.
    test.project.put(intact)
    for world in sorted({0, *(test.rng.randint(0, number) for _ in range(5))}):
        test.whole(number + 1, world, base, "the last look at world %d" % world)
    if environments.winnow_digest() != tested:
        test.faults.append(Fault(number, "Winnow was changed or rebuilt meanwhile: this run proves nothing"))
    store = _integrity(test.project.root, test.scratch)
    if store != "ok":
        test.faults.append(Fault(number + 1, "the store: " + store))
    told = ", ".join("%s %d" % item for item in sorted(test.counts.items()))
    print("\n%d kills (%s) in %d rounds; %d faults; store: %s" % (kills, told, number, len(test.faults), store))
    print(
        "finished before a kill and kept: %d; ended within the last second and run again: %d"
        % (test.kept, test.lost_within_grace)
    )
    if test.orphans:
        print("%d next runs began beside an orphaned pytest; %d tests waited for its end" % (test.orphans, test.waited))
    if args.json:
        figures = {
            "version": 1,
            "kills": kills,
            "by": test.counts,
            "faults": [fault._asdict() for fault in test.faults],
            "kept": test.kept,
            "again": test.lost_within_grace,
            "store": store,
        }
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(figures, out, indent=1)
    return 1 if test.faults or kills < args.kills else 0


if __name__ == "__main__":
    sys.exit(main())
