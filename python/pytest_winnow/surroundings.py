"""What this process is, and what it had loaded before Winnow began to watch."""

import os
import sys
import sysconfig
from typing import Any, List, Optional

_PACKAGES = ("site-packages", "dist-packages")
# Whether and how much is printed, and what is kept, changes no outcome; hashes and the search path are told otherwise.
_IRRELEVANT = frozenset(
    ("inspect", "interactive", "dont_write_bytecode", "verbose", "quiet", "hash_randomization", "safe_path")
)
_IRRELEVANT_OPTIONS = frozenset(("importtime", "faulthandler", "frozen_modules", "showrefcount"))


def is_pytest() -> bool:
    """Whether this process is pytest itself, and not somebody's program that calls it."""
    main: Any = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return spec.name in ("pytest.__main__", "pytest")
    name = os.path.basename(getattr(main, "__file__", None) or "")
    return name.split(".exe")[0] in ("pytest", "py.test", "pytest-script.py")


def loaded_before(root: str) -> Optional[str]:
    """A file of the project that is loaded already, or another reason why it may be."""
    main: Any = sys.modules.get("__main__")
    if not is_pytest() and getattr(main, "__file__", None) is None:
        return "a program that calls pytest"
    own = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
    below = os.path.join(os.path.realpath(root), "")
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str) or (module is main and _is_installed_script(path)):
            continue
        path = os.path.realpath(path)
        relative = path[len(below) :]
        if path.startswith(below) and not path.startswith(own) and not set(relative.split(os.sep)) & set(_PACKAGES):
            return relative
    return None


def _is_installed_script(path: str) -> bool:
    """Whether that is the command `pytest` of this environment, which may lie in the project: it only starts pytest."""
    scripts = {sysconfig.get_path("scripts"), os.path.dirname(sys.executable)}
    return is_pytest() and os.path.dirname(os.path.abspath(path)) in scripts


def interpreter_options() -> List[str]:
    """How Python itself was started, where that may change outcomes: all that is not as usual."""
    flags = sys.flags
    found = []
    for name in dir(flags):
        value = getattr(flags, name, None)
        if name.startswith(("_", "n_")) or name in _IRRELEVANT or not isinstance(value, (int, bool)):
            continue
        usual = {"int_max_str_digits": (-1, 0, 4300), "gil": (1,), "thread_inherit_context": (0,)}.get(name, (0,))
        if int(value) not in usual:
            found.append("%s=%d" % (name, value))
    found += ["-W %s" % each for each in sys.warnoptions]
    options = getattr(sys, "_xoptions", {})
    return found + ["-X %s=%s" % (name, options[name]) for name in sorted(options) if name not in _IRRELEVANT_OPTIONS]
