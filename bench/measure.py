"""Runs a command and weighs it: CPU of the whole process tree, wall time, peak memory.

CPU is user + system time of the process and of all descendants it waited for (`wait4`), which is what a tool costs
whatever else the machine does; wall time is kept beside it and nothing is ever asserted on either. Peak memory is
that of the largest single process of the tree (the kernel's `ru_maxrss`), not a sum.

What must stay true: the commands run in an environment where nothing of the caller's Python or pytest settings
leaks in. `PYTHONDONTWRITEBYTECODE` above all: with it `import pytest` costs four times as much and every ratio
flatters.
"""

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from typing import Dict, List, NamedTuple, Optional, Sequence

_DROPPED = ("PYTHON", "PYTEST", "COV_", "COVERAGE", "TESTMON", "WINNOW", "VIRTUAL_ENV", "CONDA_", "FORCE_COLOR")
_SUMMARY = re.compile(r"^(?:=+ )?(?:\x1b\[[0-9;]*m)*\d+ [a-z]+.* in [\d.]+s")
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|xfailed|xpassed|errors?)\b")


class Measured(NamedTuple):
    """One weighed process tree."""

    cpu: float
    wall: float
    peak_mib: float
    exit: int
    output: str

    def ran(self) -> int:
        """How many tests pytest's closing line counts; 0 where no pytest spoke."""
        for line in reversed(self.output.splitlines()):
            if _SUMMARY.match(line):
                return sum(int(number) for number, _ in _COUNT.findall(line))
        return 0


def clean_environment(extra: Optional[Dict[str, str]] = None) -> Dict[str, str]:
    """The caller's environment without any setting of Python, pytest, coverage, testmon or Winnow."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    env.update(extra or {})
    return env


def run(command: Sequence[str], cwd: str, extra: Optional[Dict[str, str]] = None, nice: int = 0) -> Measured:
    """Runs `command` in `cwd` to its end; a time limit is the caller's business (CI has its own)."""
    if nice:
        command = ["nice", "-n", str(nice), *command]
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=clean_environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
        process.returncode = code
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Measured(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / scale, code, text)


def median(values: Sequence[float]) -> float:
    """The middle value; the mean of the two middle ones of an even number."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def machine() -> Dict[str, str]:
    """What the figures were measured on, without names or paths."""
    processor = platform.processor() or platform.machine()
    memory = ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    processor = line.split(":", 1)[1].strip()
                    break
        with open("/proc/meminfo", encoding="utf-8") as lines:
            memory = "%d GiB" % round(int(next(lines).split()[1]) / 1024 / 1024)
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    return {
        "processor": processor,
        "cores": str(os.cpu_count() or "?"),
        "memory": memory,
        "system": "%s %s" % (platform.system(), platform.release()),
        "load before": "%.1f" % os.getloadavg()[0] if hasattr(os, "getloadavg") else "",
    }


def table(head: List[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up in a terminal too."""
    cells = [head, *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
