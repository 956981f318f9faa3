"""On whose behalf a file is opened, or a variable read: told from the frames that lead to it."""

import os
import sysconfig
from types import FrameType
from typing import Any, Dict, Optional

from .registry import INSTALLED

_HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
# Standard modules that ask the system about itself; the answer belongs to the environment, not to the test.
_ASKING = (
    "platform.py",
    "uuid.py",
    "sysconfig.py",
    os.path.join("sysconfig", "__init__.py"),  # since Python 3.13
    "_osx_support.py",
    os.path.join("ctypes", "util.py"),
)
# `mock.patch.dict(os.environ, …)` takes a copy, to put it back later.
_MOCKING = ("_patch_dict", "_unpatch_dict", "_clear_dict")
_RUNNER_PARTS = ("_pytest", "pluggy", "pytest", "xdist", "execnet")


class Callers:
    """Classifies frames by their files; remembers the answers. `root`: the project's directory."""

    def __init__(self, root: str) -> None:
        self._root = os.path.join(root, "")
        paths = sysconfig.get_paths()
        self._stdlib = tuple(os.path.join(paths[key], "") for key in ("stdlib", "platstdlib"))
        self._kinds: Dict[str, str] = {}

    def kind(self, filename: str) -> str:
        """What the code of a file is, in a word: see `_classify`; "other" is the project's, or unknown."""
        kind = self._kinds.get(filename)
        if kind is None:
            kind = self._kinds[filename] = self._classify(filename)
        return kind

    def lister(self, frame: Optional[FrameType]) -> str:
        """Who lists a directory: "pytest", "machinery" (import system, metadata, coverage) or "other"."""
        while frame is not None:
            kind = self.kind(frame.f_code.co_filename)
            if kind in ("import", "metadata", "settings"):
                return "machinery"
            if kind == "pytest":
                return "pytest"
            if kind != "stdlib" and kind != "collector":
                return "other"
            frame = frame.f_back
        return "other"

    def reads_source_for_itself(self, frame: Optional[FrameType]) -> bool:
        """True if the reader's answer cannot depend on the source, but for its looks.

        pytest shows source lines, coverage knows the lines by them, and Hypothesis takes constants from every local
        module as hints: as an input that would make each of its tests depend on all files loaded.
        """
        return self.first_outside(frame) in ("pytest", "settings", "hypothesis")

    def is_import_system(self, frame: Optional[FrameType]) -> bool:
        """True if the import system itself does it."""
        caller = self._caller(frame)
        return caller is not None and self.kind(caller.f_code.co_filename) == "import"

    def executes(self, frame: Optional[FrameType]) -> bool:
        """True if the project itself hands code to `exec` or `eval`, or code that it has executed so."""
        caller = self._caller(frame)
        return caller is not None and self._is_of_project(caller.f_code.co_filename)

    def _caller(self, frame: Optional[FrameType]) -> Optional[FrameType]:
        """The first frame that is not the collector's."""
        while frame is not None and self.kind(frame.f_code.co_filename) == "collector":
            frame = frame.f_back
        return frame

    def _is_of_project(self, filename: str) -> bool:
        """Whether it is the project's, or unknown; a directory of the project's may have the name of a package."""
        kind = self.kind(filename)
        if kind != "pytest":
            return kind == "other"
        return filename.startswith(self._root) and not any(part in INSTALLED for part in filename.split(os.sep))

    def reads_settings(self, frame: Optional[FrameType]) -> bool:
        """True if pytest or coverage read their settings."""
        return self.first_outside(frame) in ("pytest", "settings")

    def starts_harmlessly(self, frame: Optional[FrameType]) -> bool:
        """True for a child process that was announced already, or that only asks the system about itself."""
        while frame is not None:
            filename = frame.f_code.co_filename
            kind = self.kind(filename)
            if kind not in ("stdlib", "collector"):
                return False
            if kind == "stdlib" and filename.endswith(_ASKING):
                return True
            frame = frame.f_back
        return False

    def asks_for_variable(self, frame: Optional[FrameType]) -> str:
        """Whose input an environment variable is: "current" (the current context's), "session" or "nobody".

        "proxies" is "current" for `urllib`, which looks at all of them for those that name a proxy. `frame` is the one
        that called a method of `os.environ`.
        """
        reader, asker = "", ""
        while frame is not None:
            code = frame.f_code
            kind = self.kind(code.co_filename)
            if kind == "import" and reader != "outside":
                # A module is imported once for all. Those of the standard library are the interpreter's own.
                return "session" if reader else "nobody"
            if not reader and code.co_name in _MOCKING and code.co_filename.endswith("mock.py"):
                return "nobody"
            if kind in ("stdlib", "metadata"):
                if not reader and code.co_name == "clear" and "_collections_abc" in code.co_filename:
                    return "nobody"
                if not reader and code.co_name == "getproxies_environment":
                    asker = "proxies"
            elif kind == "other":
                if code.co_filename.startswith(self._root):
                    break
                # Outside of the project: a plugin of pytest's, if pytest itself calls or imports it.
                reader = reader or "outside"
            elif kind == "installed":
                reader = kind
            elif reader == "outside" and kind not in ("import", "collector"):
                if kind == "pytest" and (code.co_name == "import_plugin" or "pluggy" in code.co_filename):
                    return "nobody"
                # pytest rewrites the assertions of its plugins.
                if code.co_name != "exec_module":
                    break
            elif not reader:
                reader = kind
                if kind == "pytest" and _hands_variables_on(frame):
                    break
                return "nobody"
            frame = frame.f_back
        return asker or "current"

    def first_outside(self, frame: Optional[FrameType]) -> str:
        """The kind of the first frame that is neither the collector's nor the standard library's."""
        found = self.outside(frame)
        return "stdlib" if found is None else self.kind(found.f_code.co_filename)

    def outside(self, frame: Optional[FrameType]) -> Optional[FrameType]:
        """The first such frame itself."""
        while frame is not None and self.kind(frame.f_code.co_filename) in (
            "stdlib",
            "import",
            "metadata",
            "collector",
        ):
            frame = frame.f_back
        return frame

    def _classify(self, filename: str) -> str:
        if filename.startswith("<frozen importlib") or filename.startswith("<frozen zipimport"):
            return "import"
        if filename.startswith("<frozen"):
            return "stdlib"
        if filename.startswith(_HERE):
            return "collector"
        parts = filename.split(os.sep)
        directories = [index for index, part in enumerate(parts) if part in INSTALLED]
        if directories:
            parts = parts[directories[-1] + 1 :]
            top = parts[0] if parts else ""
            if top in _RUNNER_PARTS:
                return "pytest"
            if top in ("iniconfig", "coverage", "pytest_cov"):
                return "settings"
            if top.startswith(("hypothesis", "_hypothesis")):
                return "hypothesis"
            if top in ("pkg_resources", "importlib_metadata"):
                return "metadata"
            is_plugin = top.startswith("pytest_") or parts[-1].startswith("pytest_plugin")
            return "plugin" if is_plugin else "installed"
        if filename.startswith(self._stdlib):
            rest = filename[len(next(prefix for prefix in self._stdlib if filename.startswith(prefix))) :]
            return "metadata" if rest.startswith(os.path.join("importlib", "metadata")) else "stdlib"
        if "_pytest" in parts or "pluggy" in parts:
            return "pytest"
        return "other"


def _hands_variables_on(frame: FrameType) -> bool:
    """True where what pytest's `monkeypatch` does depends on the variable: `prepend`, and what must exist."""
    name = frame.f_code.co_name
    if not frame.f_code.co_filename.endswith("monkeypatch.py"):
        return False
    return name == "setenv" or (name == "delitem" and bool(frame.f_locals.get("raising")))


def disguised(function: Any) -> Any:
    """Make the function's frames pass for importlib's: Python leaves those out of tracebacks and of `stacklevel`."""
    function.__code__ = function.__code__.replace(co_filename="<frozen importlib._bootstrap_external>")
    return function
