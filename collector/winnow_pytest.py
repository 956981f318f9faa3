"""Runs pytest as `python -m pytest` would, with Winnow's collector inside.

Usage: python winnow_pytest.py PYTEST_ARGUMENTS… with the environment variable WINNOW_SESSION naming the session file.
Whatever goes wrong in the collector costs one line on standard error, and pytest runs as if it were not there.
"""

import os
import runpy
import sys

PLUGIN = "winnow_collector.guard"


def main() -> None:
    """Start the collector, then become pytest."""
    here = os.path.dirname(os.path.abspath(__file__))
    _set_search_path(here)
    try:
        sys.path.append(here)
        from winnow_collector.recorder import recorder_of
        from winnow_collector.session import VARIABLE, SessionError, load_session

        path = os.environ.get(VARIABLE)
        if not path:
            raise SessionError("%s is not set" % VARIABLE)
        recorder_of(load_session(path))
        sys.argv[1:1] = ["-p", PLUGIN]
    except Exception as error:
        print("winnow: nothing is recorded and every test runs, because %s" % error, file=sys.stderr)
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)


def _set_search_path(here: str) -> None:
    """The first entry becomes what `python -m pytest` would have there: the current directory, or nothing."""
    # Python puts the script's real directory there, whatever links led to it.
    if sys.path and os.path.realpath(sys.path[0] or os.curdir) == os.path.realpath(here):
        del sys.path[0]
        if not getattr(sys.flags, "safe_path", False) and not sys.flags.isolated:
            try:
                sys.path.insert(0, os.getcwd())
            except OSError:
                pass


if __name__ == "__main__":
    main()
