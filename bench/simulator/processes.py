"""Real processes: `winnow run`, and plain pytest on a fresh copy, both with the same witness."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

import environments
import measure

from simulator.state import State

#: What a test came to: its outcome, and what it printed.
Outcome = tuple[str, str]


@dataclass(frozen=True)
class Ran:
    """One process that has ended, or was killed (then its exit code is negative)."""

    exit: int
    outcomes: dict[str, Outcome]
    output: str


@dataclass(frozen=True)
class Machine:
    """How both are started."""

    python: str
    winnow: tuple[str, ...]
    xdist: bool

    def options(self) -> list[str]:
        """Of every pytest here: the same plugins, since another set of plugins is another world of facts."""
        return ["-p", "bench_witness", *(["-p", "xdist"] if self.xdist else []), "--continue-on-collection-errors"]

    def truth(
        self,
        state: State,
        scratch: str,
        arguments: Sequence[str] = (),
        *,
        order: str = "",
        left: dict[str, str] | None = None,
    ) -> Ran:
        """Plain pytest, in a directory that has nothing but the project, and what tests have `left` there before."""
        root = os.path.join(scratch, "truth")
        shutil.rmtree(root, ignore_errors=True)
        state.put(root)
        State(left or {}).put(root)
        command = [self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *self.options(), *arguments]
        try:
            return self._run(command, root, state, scratch, order, None)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def run(
        self,
        state: State,
        root: str,
        scratch: str,
        arguments: Sequence[str] = (),
        *,
        order: str = "",
        kill_after: float | None = None,
    ) -> Ran:
        """`winnow run`, in the directory that lives on."""
        command = [
            *self.winnow,
            *["run", "-C", root, "--python", self.python],
            *["--", "-q", "-p", "no:cacheprovider", *self.options(), *arguments],
        ]
        return self._run(command, root, state, scratch, order, kill_after)

    def _run(
        self, command: list[str], root: str, state: State, scratch: str, order: str, kill_after: float | None
    ) -> Ran:
        witness = os.path.join(scratch, "witness")
        if os.path.exists(witness):
            os.remove(witness)
        env = measure.clean_environment(
            {
                "PYTHONPATH": os.path.join(environments.REPOSITORY, "bench", "plugins"),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "BENCH_WITNESS": witness,
                "BENCH_ORDER": order,
                **state.env,
            }
        )
        env.pop("CI", None)
        out = os.path.join(scratch, "output")
        with open(out, "wb") as sink:
            process = subprocess.Popen(
                command,
                cwd=root,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            if kill_after is not None:
                time.sleep(kill_after)
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            code = process.wait()
        with open(out, encoding="utf-8", errors="replace") as text:
            output = text.read()
        return Ran(code, _outcomes(witness), output)


def _outcomes(witness: str) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    try:
        with open(witness, encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    node, outcome, printed = json.loads(line)
                    found[node] = (outcome, printed)
    except OSError:
        pass
    return found


def has_xdist(python: str) -> bool:
    """Whether `-n 2` can be asked for."""
    return "pytest-xdist" in environments.versions(python, ["pytest-xdist"])
