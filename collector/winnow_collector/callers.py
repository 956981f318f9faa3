"""On whose behalf a file is opened: told from the frames that lead to it."""

import os
import sysconfig
from types import FrameType
from typing import Dict, Optional

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
_RUNNER_PARTS = ("_pytest", "pluggy", "pytest", "xdist", "execnet")


class Callers:
    """Classifies frames by their files; remembers the answers."""

    def __init__(self) -> None:
        paths = sysconfig.get_paths()
        self._stdlib = tuple(os.path.join(paths[key], "") for key in ("stdlib", "platstdlib"))
        self._kinds: Dict[str, str] = {}

    def kind(self, filename: str) -> str:
        """ "import", "metadata", "stdlib", "pytest", "settings", "hypothesis", "collector" or "other"."""
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
        return self._first_outside(frame) in ("pytest", "settings", "hypothesis")

    def is_import_system(self, frame: Optional[FrameType]) -> bool:
        """True if the import system itself does it."""
        while frame is not None and self.kind(frame.f_code.co_filename) == "collector":
            frame = frame.f_back
        return frame is not None and self.kind(frame.f_code.co_filename) == "import"

    def reads_settings(self, frame: Optional[FrameType]) -> bool:
        """True if pytest or coverage read their settings."""
        return self._first_outside(frame) in ("pytest", "settings")

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

    def _first_outside(self, frame: Optional[FrameType]) -> str:
        """The kind of the first frame that is neither the collector's nor the standard library's."""
        while frame is not None:
            kind = self.kind(frame.f_code.co_filename)
            if kind not in ("stdlib", "import", "metadata", "collector"):
                return kind
            frame = frame.f_back
        return "stdlib"

    def _classify(self, filename: str) -> str:
        if filename.startswith("<frozen importlib") or filename.startswith("<frozen zipimport"):
            return "import"
        if filename.startswith("<frozen"):
            return "stdlib"
        if filename.startswith(_HERE):
            return "collector"
        parts = filename.split(os.sep)
        if "site-packages" in parts or "dist-packages" in parts:
            parts = parts[max(i for i, part in enumerate(parts) if part in ("site-packages", "dist-packages")) + 1 :]
            top = parts[0] if parts else ""
            if top in _RUNNER_PARTS:
                return "pytest"
            if top in ("iniconfig", "coverage", "pytest_cov"):
                return "settings"
            if top.startswith(("hypothesis", "_hypothesis")):
                return "hypothesis"
            if top in ("pkg_resources", "importlib_metadata"):
                return "metadata"
            return "other"
        if filename.startswith(self._stdlib):
            rest = filename[len(next(prefix for prefix in self._stdlib if filename.startswith(prefix))) :]
            return "metadata" if rest.startswith(os.path.join("importlib", "metadata")) else "stdlib"
        if "_pytest" in parts or "pluggy" in parts:
            return "pytest"
        return "other"
