"""Loaded by a Python process that a test has started: begins to record it, and leaves no trace of how it came to that.

Whatever goes wrong in here, the process goes on, and without an end mark its starter depends on everything.
"""

import os
import sys


def _begin() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    entries = os.environ.pop("PYTHONPATH", "").split(os.pathsep)
    rest = os.pathsep.join(entry for entry in entries if entry != here)
    if rest:
        os.environ["PYTHONPATH"] = rest
    sys.path[:] = [entry for entry in sys.path if entry != here]
    number, _, session = os.environ.pop("WINNOW_CHILD", "").partition(":")
    if not session:
        return
    collector = os.path.dirname(here)
    before = set(sys.modules)
    sys.path.append(collector)
    try:
        from winnow_collector.recorder import record_child

        record_child(session, number)
        _hide(before)
    except Exception as error:
        if os.environ.get("WINNOW_DEBUG"):
            print("winnow: this process is not recorded, because %s" % error, file=sys.stderr)
    finally:
        while collector in sys.path:
            sys.path.remove(collector)


def _hide(before: "set[str]") -> None:
    """Whoever looks what is loaded, or loads something himself, is to find what would be there without this.

    What was loaded for the recorder goes on without its name in the table of modules; the project gets its own. Only
    what exists once in a process stays: extension modules, threads, and the import system.
    """
    for name, module in list(sys.modules.items()):
        if name in before or name.partition(".")[0] in ("importlib", "threading", "sitecustomize"):
            continue
        if str(getattr(module, "__file__", "")).endswith((".py", ".pyc")):
            del sys.modules[name]


def _hand_over() -> None:
    """The module of this name that would have been loaded, if there is one."""
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        # The import system looks for what it has just loaded.
        if ours is not None:
            sys.modules.setdefault("sitecustomize", ours)


_begin()
_hand_over()
