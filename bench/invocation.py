"""What the judges' command lines have in common: pytest's arguments after `--`, and the Python they run on."""

import json
import os
import subprocess
import sys
from typing import List, Optional, Sequence, Tuple

from measure import clean_environment


def split(arguments: Sequence[str]) -> Tuple[List[str], List[str]]:
    """The script's own arguments, and those after `--`, which are pytest's."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return list(arguments[:at]), list(arguments[at + 1 :])


def run_on(python: str, script: str) -> Optional[int]:
    """Runs the script once more, on that Python, and returns its exit code; None if this is that run.

    Source is parsed by the Python that runs it, or new syntax would be no syntax.
    """
    if os.environ.get("BENCH_AGAIN") == "1":
        return None
    env = {**clean_environment(), "BENCH_AGAIN": "1"}
    return subprocess.call([python, os.path.abspath(script), *sys.argv[1:]], env=env)


def without_paths(root: str, words: Sequence[str]) -> List[str]:
    """pytest's arguments without files and directories: a test that is run alone takes their place."""
    return [
        word for word in words if word.startswith("-") or not os.path.exists(os.path.join(root, word.split("::")[0]))
    ]


def evenly(tests: List[str], limit: int) -> List[str]:
    """At most `limit` of the tests, taken evenly; all of them for 0."""
    if limit <= 0 or len(tests) <= limit:
        return tests
    return [tests[i * len(tests) // limit] for i in range(limit)]


def session(scratch: str, root: str, **more: object) -> str:
    """Writes the file that the collector is started with, as the engine writes it, and returns where it is.

    What the collector leaves goes into `scratch`: `journals`, and `bytecode` unless `more` says where that is.
    """
    asked = {
        "version": 1,
        "root": root,
        "journals": os.path.join(scratch, "journals"),
        "plan": None,
        "mechanism": "auto",
        "bytecode": os.path.join(scratch, "bytecode"),
        "record": True,
        "ignoreDirs": [scratch, os.path.join(root, ".winnow")],
        **more,
    }
    for name in ("journals", "bytecode"):
        os.makedirs(str(asked[name]), exist_ok=True)
    path = os.path.join(scratch, "session.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump(asked, out)
    return path
