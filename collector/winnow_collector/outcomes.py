"""What became of one test, told from the reports that pytest and its plugins log for it."""

from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """`green`: passed, skipped or failed as expected, at the first attempt and in all phases."""

    outcome: str
    green: bool
    reruns: int
    duration: float


class Outcomes:
    """Adds up the reports of one test."""

    def __init__(self) -> None:
        self.reports = 0
        self._reruns = 0
        self._duration = 0.0
        self._failed = False
        self._broken = False
        self._skipped = ""
        self._call = ""
        self._torn_down = False

    def add(self, report: Any) -> None:
        """One report: of a phase, a subtest, an attempt."""
        self.reports += 1
        when, outcome = getattr(report, "when", "call"), report.outcome
        self._duration += getattr(report, "duration", 0.0) or 0.0
        if when == "teardown":
            self._torn_down = True
        if outcome == "failed":
            if when == "call":
                self._failed = True
            else:
                self._broken = True
        elif outcome == "skipped":
            self._skipped = "xfailed" if hasattr(report, "wasxfail") else "skipped"
        elif outcome == "passed":
            if when == "call" and self._call != "xpassed":
                self._call = "xpassed" if hasattr(report, "wasxfail") else "passed"
        else:
            # "rerun" and its like: an attempt that did not count.
            self._reruns += 1

    def result(self) -> Outcome:
        """The test's outcome once it is over."""
        if self._failed:
            outcome = "failed"
        elif self._broken:
            outcome = "error"
        else:
            outcome = self._skipped or self._call or "passed"
        complete = self._torn_down and (outcome in ("failed", "error") or bool(self._skipped or self._call))
        green = complete and outcome not in ("failed", "error") and self._reruns == 0
        return Outcome(outcome, green, self._reruns, self._duration)
