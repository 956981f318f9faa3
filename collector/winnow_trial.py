"""Tries out the tracer as a recording would at its start, and prints what came of it as one line of JSON.

Usage: python winnow_trial.py ROOT [MECHANISM]. For `winnow doctor`: nothing is recorded, and no test runs.
"""

import json
import os
import sys
from typing import Dict, Optional

MARK = "@winnow-trial@"


def trial(root: str, mechanism: str) -> Dict[str, Optional[str]]:
    """The name of the mechanism, None where there is none, and why."""
    from winnow_collector.registry import Registry
    from winnow_collector.tracing import choose

    choice = choose(mechanism, Registry(root), "")
    return {"mechanism": None if choice.tracer is None else choice.tracer.name, "reason": choice.reason}


def main() -> None:
    """Answers, whatever happens: an error is a reason like others."""
    here = os.path.dirname(os.path.abspath(__file__))
    if here not in sys.path:
        sys.path.append(here)
    arguments = sys.argv[1:]
    try:
        said = trial(arguments[0], arguments[1] if len(arguments) > 1 else "auto")
    except Exception as error:
        said = {"mechanism": None, "reason": "the collector fails (%s: %s)" % (type(error).__name__, error)}
    print("\n%s%s" % (MARK, json.dumps(said)))


if __name__ == "__main__":
    main()
