"""One project and its sequence of edits and runs, judged after every whole run.

What must not be: a test that `winnow run` left out although plain pytest says something that Winnow has never seen of
it, or something red. A test that was run and came to something else than in the fresh copy is told too: Winnow has then
changed what happens, or believed stale byte code.

A test whose outcome depends on which others are collected with it, since their import changes what it uses, is not to be
judged: no selection can keep its outcome. It is told by running it alone, and counted.
"""

import os
import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field

from simulator.edits import SOURCE_EDITS
from simulator.layout import LAYOUT_EDITS
from simulator.processes import Machine, Outcome, Ran
from simulator.projects import make_project
from simulator.state import State

GREEN = {"passed", "skipped", "left out"}
EDITS = [*SOURCE_EDITS, *LAYOUT_EDITS]
UNDO, BRANCH = "undo", "branch switched"
#: Told among the kinds of runs: a test that ended otherwise than under plain pytest, and in another way alone.
UNJUDGED = "not judged: another outcome alone"
#: With fewer green tests, compared with the first run, little can be missed: the project is mended then.
HEALTHY = 0.7


@dataclass(frozen=True)
class Fault:
    """Something that must not be."""

    kind: str
    seed: str
    step: int
    test: str
    truth: Outcome
    known: list[Outcome]
    edits: list[str]
    diff: str
    directory: str
    reduced: str


@dataclass
class Result:
    """What came of one sequence, or of many."""

    drawn: Counter[str] = field(default_factory=Counter)
    telling: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    changed: int = 0
    ran: int = 0
    tests: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        """Takes another result in."""
        self.drawn.update(other.drawn)
        self.telling.update(other.telling)
        self.runs.update(other.runs)
        self.changed += other.changed
        self.ran += other.ran
        self.tests += other.tests
        self.faults += other.faults


class Sequence:
    """One seed."""

    def __init__(self, seed: str, edits: int, machine: Machine, scratch: str) -> None:
        self.seed = seed
        self.edits = edits
        self.machine = machine
        self.scratch = os.path.join(scratch, "seed-" + seed)
        self.root = os.path.join(self.scratch, "project")
        self.rng = random.Random("winnow " + seed)
        self.ordered = self.rng.random() < 0.2
        self.result = Result()
        self.state = State()
        self.past: list[State] = []
        self.truths: dict[str, Ran] = {}
        self.seen: dict[str, set[Outcome]] = {}
        #: The state in which Winnow last ran a test.
        self.ran_in: dict[str, State] = {}
        self.before: Ran | None = None
        self.healthy = self.state
        self.is_healthy = True
        self.names = [each for each in EDITS if not (self.ordered and "effect" in each[0])]
        self.greens = 0
        self.since: list[str] = []
        self.duration = 1.0
        self.log: list[str] = []

    def run(self) -> Result:
        """The whole sequence; the directory is kept if there was a fault."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.makedirs(self.root)
        while self.greens < 8 or self.greens < HEALTHY * len(self.truth(self.state).outcomes):
            self.state = make_project(self.rng, ordered=self.ordered)
            self.greens = greens(self.truth(self.state))
        self.state.put(self.root)
        self.whole(0)
        done = step = 0
        while done < self.edits:
            step += 1
            done += self.edit()
            self.disturb()
            if self.rng.random() < 0.85 or done >= self.edits:
                self.whole(step)
        if not self.result.faults:
            shutil.rmtree(self.scratch, ignore_errors=True)
        else:
            with open(os.path.join(self.scratch, "log"), "w", encoding="utf-8") as out:
                out.write("\n".join(self.log) + "\n")
        return self.result

    # --- edits --------------------------------------------------------------------------------------------------------

    def edit(self) -> int:
        """One edit or a few at once; how many."""
        rng = self.rng
        old = self.state
        self.past.append(old)
        new = old.copy()
        names: list[str] = []
        draw = rng.random()
        if not self.is_healthy and draw < 0.85:
            new, names = self.healthy.copy(), [UNDO]
        elif draw < 0.08 and len(self.past) > 1:
            new, names = self.past[-2].copy(), [UNDO]
        elif draw < 0.14:
            new, names = rng.choice(self.past).copy(), [BRANCH]
        else:
            new, names = self.draw(old)
        restored = rng.random() < 0.1
        new.put(self.root, old, keep_times=restored)
        if restored:
            names.append("(mtime restored)")
        if any(path in old.files and _is_as_long(old.files[path], text) for path, text in new.files.items()):
            names.append("(equal size)")
        self.state = new
        self.since += names
        for name in names:
            self.result.drawn[name] += 1
        self.log += ["", "edited: " + ", ".join(names), old.diff(new)]
        return sum(not name.startswith("(") for name in names)

    def draw(self, old: State) -> tuple[State, list[str]]:
        """Edits from the list. Such as break nearly everything are mostly drawn again."""
        rng = self.rng
        while True:
            new, names = old.copy(), []
            count = rng.choice([1, 1, 1, 1, 1, 2, 2, 3, 5])
            while len(names) < count:
                name, _, edit = rng.choices(self.names, [weight for _, weight, _ in self.names])[0]
                if edit(rng, new):
                    names.append(name)
            if rng.random() < 0.2 or greens(self.truth(new)) >= HEALTHY * self.greens:
                return new, names

    # --- runs ---------------------------------------------------------------------------------------------------------

    def disturb(self) -> None:
        """Sometimes runs of a part, or runs that are killed."""
        rng = self.rng
        while rng.random() < 0.25:
            files = [path for path in self.state.sources(tests=True) if "/test_" in path]
            tests = sorted(test for test in self.ran_in if "::" in test)
            kinds = ["killed"] if self.ordered else ["killed", "-k", "file", "node", "-x"]
            kind = rng.choice(kinds)
            arguments: list[str] = []
            if kind == "-k":
                arguments = ["-k", rng.choice(["a", "e", "one or two", "not t", "writes", "Case", "added"])]
            elif kind == "file" and files:
                arguments = [rng.choice(files)]
            elif kind == "node" and tests:
                arguments = [rng.choice(tests)]
            elif kind == "-x":
                arguments = ["-x"]
            kill = self.duration * rng.uniform(0.05, 1.1) if kind == "killed" else None
            ran = self.machine.run(self.state, self.root, self.scratch, arguments, kill_after=kill)
            self.note(kind, ran)

    def note(self, kind: str, ran: Ran) -> None:
        """Keeps what a run of Winnow has seen."""
        self.result.runs[kind] += 1
        self.log.append("run (%s): exit %d, ran %s" % (kind, ran.exit, sorted(ran.outcomes)))
        for test, outcome in ran.outcomes.items():
            self.seen.setdefault(test, set()).add(outcome)
            self.ran_in[test] = self.state

    def whole(self, step: int) -> None:
        """A whole run, and the truth beside it."""
        rng = self.rng
        kind, arguments, order = "whole", [], ""
        if not self.ordered and step > 0:
            draw = rng.random()
            if draw < 0.06 and self.machine.xdist:
                kind, arguments = "-n 2", ["-n", "2"]
            elif draw < 0.2:
                kind, order = "reversed", "reversed"
        truth = self.truth(self.state)
        began = time.monotonic()
        ran = self.machine.run(self.state, self.root, self.scratch, arguments, order=order)
        if ran.outcomes:
            self.duration = time.monotonic() - began
        self.judge(step, truth, ran)
        self.note(kind, ran)
        if self.before is not None:
            old, new = self.before.outcomes, truth.outcomes
            changed = sum(old.get(test) != new.get(test) for test in {*old, *new})
            self.result.changed += changed
            if changed:
                for name in set(self.since):
                    self.result.telling[name] += self.since.count(name)
        self.before = truth
        self.since = []
        self.is_healthy = greens(truth) >= HEALTHY * self.greens
        if self.is_healthy:
            self.healthy = self.state
        self.result.tests += len(truth.outcomes)
        self.result.ran += len(ran.outcomes)

    def truth(self, state: State) -> Ran:
        """Plain pytest's word on a state, asked once."""
        left = self.left()
        digest = State(left, {"": state.digest()}).digest()
        if digest not in self.truths:
            self.truths[digest] = self.machine.truth(state, self.scratch, left=left)
        return self.truths[digest]

    def left(self) -> dict[str, str]:
        """What tests have written into the project."""
        found = {}
        for directory, _, names in os.walk(self.root):
            for name in names:
                if name.endswith(".out"):
                    full = os.path.join(directory, name)
                    with open(full, encoding="utf-8") as text:
                        found[os.path.relpath(full, self.root)] = text.read()
        return found

    # --- the judge ----------------------------------------------------------------------------------------------------

    def judge(self, step: int, truth: Ran, ran: Ran) -> None:
        """Compares a whole run with the truth."""
        if ran.exit == 3 or "INTERNALERROR" in ran.output or "internal error" in ran.output:
            if truth.exit != 3:
                self.fault("internal error", step, "", ("exit %d" % truth.exit, ran.output[-1500:]), ran)
        unjudged = self.result.runs[UNJUDGED]
        # Where a conftest fails, pytest says no more.
        for test, outcome in sorted(truth.outcomes.items()) if truth.exit in (0, 1, 5) else ():
            if test in ran.outcomes:
                if ran.outcomes[test] != outcome:
                    self.fault("differs", step, test, outcome, ran)
            elif outcome[0] not in GREEN or outcome not in self.seen.get(test, set()):
                if outcome[0] == "left out":
                    continue
                self.fault("miss", step, test, outcome, ran)
        # The exit code says no more of a test whose outcome depends on which others there are than the outcome itself.
        if truth.exit not in (0, 5) and ran.exit == 0 and unjudged == self.result.runs[UNJUDGED]:
            left = {test for test, (outcome, _) in truth.outcomes.items() if outcome not in GREEN} - set(ran.outcomes)
            if not left:
                self.fault("exit code", step, "", ("exit %d" % truth.exit, truth.output[-800:]), ran)

    def fault(self, kind: str, step: int, test: str, truth: Outcome, ran: Ran) -> None:
        """Notes a fault, with what has changed since Winnow last ran the test."""
        if sum(one.step == step for one in self.result.faults) >= 4:
            return
        old = self.ran_in.get(test, self.past[-1] if self.past else self.state)
        known = sorted(self.seen.get(test, set()))
        if kind == "differs":
            known = [ran.outcomes[test]]
            if truth[0] == "failed" == known[0][0]:
                return
        if test and not self.ordered:
            alone = self.machine.truth(self.state, self.scratch, [test]).outcomes.get(test)
            if alone != truth:
                self.result.runs[UNJUDGED] += 1
                return
        reduced = self.reduce(test, old) if kind == "miss" else ""
        found = Fault(
            kind, self.seed, step, test, truth, known, self.since[:], old.diff(self.state), self.root, reduced
        )
        self.result.faults.append(found)
        self.log.append("FAULT (%s): %s: %s, known %s" % (kind, test, truth, known))
        print(told(found), flush=True)

    def reduce(self, test: str, old: State) -> str:
        """The miss in two steps from nothing, and in as few edited files as it takes; empty if it takes more."""
        new = self.state
        if not self.is_missed(test, old, new):
            return ""
        for path in sorted(set(old.files) | set(new.files)):
            if old.files.get(path) == new.files.get(path):
                continue
            less = new.copy()
            if path in old.files:
                less.files[path] = old.files[path]
            else:
                del less.files[path]
            if self.is_missed(test, old, less):
                new = less
        return old.diff(new)

    def is_missed(self, test: str, old: State, new: State) -> bool:
        """Whether the test is missed when one state is recorded, and then the other is run."""
        scratch = os.path.join(self.scratch, "reduced")
        root = os.path.join(scratch, "project")
        shutil.rmtree(scratch, ignore_errors=True)
        os.makedirs(root)
        old.put(root)
        first = self.machine.run(old, root, scratch).outcomes.get(test)
        new.put(root, old)
        second = self.machine.run(new, root, scratch)
        truth = self.machine.truth(new, scratch).outcomes.get(test)
        return truth is not None and truth != first and test not in second.outcomes


def _is_as_long(old: str, new: str) -> bool:
    return old != new and len(old) == len(new)


def greens(ran: Ran) -> int:
    """How many tests did not fail."""
    return sum(outcome in GREEN for outcome, _ in ran.outcomes.values())


def told(fault: Fault) -> str:
    """A fault for people."""
    lines = [
        "",
        "%s: seed %s, step %d: %s" % (fault.kind.upper(), fault.seed, fault.step, fault.test),
        "  plain pytest: %s; Winnow: %s" % (fault.truth, fault.known or "never ran it"),
        "  edits: %s; kept in %s" % (", ".join(fault.edits), fault.directory),
    ]
    if fault.reduced:
        lines += ["  reduced to two steps:", fault.reduced]
    else:
        lines += ["  since it was last run:", fault.diff]
    return "\n".join(lines)
