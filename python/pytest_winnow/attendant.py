"""The engine beside pytest: asked for a plan, told of the end. One line of JSON for each message."""

import json
import os
import subprocess
import sys
import time
from typing import Any, List, NamedTuple, Optional

from .engine import engine_command
from .options import Choice, stands_in
from .surroundings import interpreter_options


class EngineFailed(Exception):
    """The engine is not there, or has given up; the message says why."""


class Plan(NamedTuple):
    """What the engine says before pytest collects."""

    # What the collector reads; None where pytest is to run by itself.
    session: Optional[str]
    # The project's root.
    root: str
    # Nothing is to be collected.
    nothing: bool
    # Nor is a report to be written.
    silent: bool
    # Tests are left out together with their files.
    leaves_out_files: bool
    # A coverage threshold is about all tests, and not all run.
    threshold_off: bool
    lines: List[str]


def _searches(directory: str, config: Any) -> bool:
    """Whether modules are looked for there, as under `python -m pytest`."""
    try:
        # What new versions of pytest have put first by now.
        added = {str(path) for path in config.getini("pythonpath")}
    except (KeyError, ValueError):
        added = set()
    first = next((entry for entry in sys.path if entry == directory or entry not in added), None)
    return "" in sys.path or first == directory


class Attendant:
    """One engine process. Every method raises `EngineFailed` where that cannot go on."""

    def __init__(self, config: Any, words: List[str]) -> None:
        self.plan = Plan(None, "", False, False, False, False, [])
        # Tests that xdist's workers have left out one by one.
        self.deselected = 0
        self._began = time.perf_counter()
        self._words = words
        self._cwd = str(config.invocation_params.dir)
        self._choice: Optional[Choice] = None
        self._searches_cwd = _searches(self._cwd, config)
        self._process = subprocess.Popen(
            engine_command() + ["attend"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._cwd,
            env=dict(os.environ),
        )

    def ask(self, choice: Choice) -> Plan:
        """The plan for what was typed."""
        self._choice = choice
        self._say(
            {
                "version": 1,
                "args": self._words,
                "cwd": self._cwd,
                "python": sys.executable,
                "select": choice.select,
                "record": choice.record,
                "environment": choice.environment,
                "since": choice.since,
                "against": choice.against,
                "searchesCwd": self._searches_cwd,
                "interpreterOptions": interpreter_options(),
                "standsIn": stands_in(),
            }
        )
        answer = self._hear("plan")
        self.plan = Plan(
            session=answer["session"],
            root=answer["root"],
            nothing=answer["nothing"],
            silent=answer["silent"],
            leaves_out_files=answer["leftOutWithFiles"] > 0,
            threshold_off="--cov-fail-under=0" in answer["options"],
            lines=answer["lines"],
        )
        return self.plan

    def header(self) -> List[str]:
        """What stands above pytest's own output."""
        choice = self._choice
        lines = list(self.plan.lines)
        if choice is None:
            return lines
        if choice.unselected is not None:
            lines.insert(0, "winnow: selection automatically deactivated because %s" % choice.unselected)
        if not choice.record:
            lines.append("winnow: nothing is written")
        return lines + ["winnow: %s" % remark for remark in choice.remarks]

    def say_nothing_runs(self, known: Any) -> None:
        """What pytest would say of no tests, without its loading what belongs to them."""
        from _pytest._io import TerminalWriter

        writer = TerminalWriter(sys.stdout)
        quiet = getattr(known, "verbose", 0) < 0
        if not quiet:
            writer.sep("=", "test session starts", bold=True)
        for line in self.header():
            writer.line(line)
        took = time.perf_counter() - self._began
        if quiet:
            writer.line("no tests ran in %.2fs" % took)
        else:
            writer.sep("=", "no tests ran in %.2fs" % took, green=True)
        writer.flush()
        try:
            self._hear("done")
        finally:
            self._close()

    def has_left_out(self) -> bool:
        """Whether tests that were asked for did not run because they are proven."""
        collector = sys.modules.get("winnow_collector.plugin")
        deselected = getattr(collector, "deselected", 0)
        return self.plan.nothing or self.plan.leaves_out_files or max(deselected, self.deselected) > 0

    def end(self, config: Any) -> None:
        """pytest has ended: have it recorded, and show what the engine says of it."""
        session = config.pluginmanager.get_plugin("session")
        status = getattr(session, "exitstatus", 0)
        try:
            if not self.plan.nothing:
                self._say({"exit": int(status)})
            answer = self._hear("done")
        finally:
            self._close()
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            # Where both go to one file, these lines come after pytest's last one.
            reporter.flush()
        for line in answer["lines"]:
            print(line, file=sys.stderr)

    def abandon(self) -> None:
        """Nothing is wanted of the engine any more."""
        self._process.kill()
        self._close()

    def _close(self) -> None:
        # Closed by hand: with `-W error`, what is left open is an error.
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass
        self._process.wait()

    def _say(self, message: dict) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps(message).encode("utf-8") + b"\n")
            stdin.flush()
        except OSError as error:
            raise EngineFailed("the engine has ended (%s)" % error) from None

    def _hear(self, kind: str) -> dict:
        stdout = self._process.stdout
        assert stdout is not None
        line = stdout.readline()
        try:
            answer = json.loads(line.decode("utf-8"))
        except ValueError:
            raise EngineFailed("the engine has ended without an answer (exit code %s)" % self._process.wait()) from None
        if answer["kind"] == "failed":
            for each in answer["lines"]:
                print(each, file=sys.stderr)
            # A guess at what was meant ends with a question mark.
            stop = "" if answer["message"].endswith("?") else "."
            raise EngineFailed("%s%s %s" % (answer["message"], stop, answer["help"]))
        if answer["kind"] != kind:
            raise EngineFailed("the engine has answered %r" % answer["kind"])
        return answer
