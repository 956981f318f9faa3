"""Which files belong to the project, and the small numbers that stand for files and code in a journal.

What must stay true:
- `project_path` says None for everything that is not the project's own source: the standard library, installed
  distributions, the collector, pytest, what lies in temporary directories, and code with an invented file name (it
  counts for whoever called it).
- An unknown directory is the project's: leaving out too much loses dependencies, too little only costs time.
- Numbers are handed out once and announced in the journal before anything refers to them.
"""

import importlib.util
import os
import site
import sys
import sysconfig
import tempfile
from typing import Dict, List, Optional, Tuple

from .content import stat_file

# Names of directories in which packages are installed.
INSTALLED = ("site-packages", "dist-packages")
_HERE = os.path.dirname(os.path.abspath(__file__))
_RUNNER_PACKAGES = ("pytest", "_pytest", "pluggy", "iniconfig", "xdist", "execnet")

CodeRow = Tuple[int, int, str]


class Registry:
    """Project paths and the file and code numbers of one journal."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        self._root_prefix = os.path.join(self.root, "")
        self._real_root = os.path.realpath(root)
        self._cwd = os.getcwd()
        self._foreign = _foreign_dirs() + _runner_dirs(self.root)
        self._site_dirs = frozenset(site_dirs())
        self._temporary = _temporary_dirs()
        self._paths: Dict[str, Optional[str]] = {}
        self._foreign_answers: Dict[str, bool] = {}
        self._file_ids: Dict[str, int] = {}
        self._code_ids: Dict[CodeRow, int] = {}
        self._new_files: List[str] = []
        self._new_codes: List[CodeRow] = []
        # Project paths by code number.
        self.code_files: List[str] = []

    def project_path(self, filename: str) -> Optional[str]:
        """The file's path as the journal names it, or None if it is no source of the project."""
        try:
            return self._paths[filename]
        except KeyError:
            path = self._paths[filename] = self._classify(filename)
            return path

    def relative(self, filename: str) -> str:
        """Any file's path relative to the root, with "/", whether or not the project owns it."""
        path = os.path.normpath(os.path.join(self._cwd, filename))
        inside = _below(path, self.root)
        if inside is None:
            # The same tree may have been reached through a symbolic link.
            inside = _below(os.path.realpath(path), self._real_root)
        if inside is None:
            try:
                inside = os.path.relpath(path, self.root)
            except ValueError:  # another drive: there is no relative path
                inside = path
        return inside if os.sep == "/" else inside.replace(os.sep, "/")

    def file_id(self, path: str) -> int:
        """The number of a project path."""
        number = self._file_ids.get(path)
        if number is None:
            number = self._file_ids[path] = len(self._file_ids)
            self._new_files.append(path)
        return number

    def code_id(self, path: str, firstlineno: int, co_name: str) -> int:
        """The number of a code object: of a project path, its first line and its `co_name`.

        Two code objects that agree in all three share a number (two lambdas on one line): their blocks are the same.
        """
        row = (self.file_id(path), firstlineno, co_name)
        number = self._code_ids.get(row)
        if number is None:
            number = self._code_ids[row] = len(self._code_ids)
            self._new_codes.append(row)
            self.code_files.append(path)
        return number

    def announcements(self) -> List[dict]:
        """Journal frames for the numbers handed out since the last call."""
        frames: List[dict] = []
        if self._new_files:
            paths, self._new_files = self._new_files, []
            frames.append({"k": "files", "base": self._file_ids[paths[0]], "paths": paths})
        if self._new_codes:
            codes, self._new_codes = self._new_codes, []
            frames.append({"k": "codes", "base": self._code_ids[codes[0]], "codes": codes})
        return frames

    def add_temporary(self, directory: str) -> None:
        """Files below this directory come and go with the tests: they are nobody's sources and nobody's inputs."""
        self._temporary += tuple(_both(directory))
        self._paths.clear()

    def is_temporary(self, absolute: str, really: bool = False) -> bool:
        """True for files below a temporary directory, unless the project itself lies there.

        `really`: as they are named and as they are, because a link in a temporary directory may lead into the project.
        """
        if really:
            end = os.sep if absolute.endswith(os.sep) else ""
            return self.is_temporary(absolute) and self.is_temporary(os.path.realpath(absolute) + end)
        for directory in self._temporary:
            if absolute.startswith(directory):
                if not self._root_prefix.startswith(directory) or not absolute.startswith(self._root_prefix):
                    return True
        return False

    def is_inside(self, absolute: str) -> bool:
        """True for the root and whatever lies below it."""
        return _below(absolute, self.root) is not None or _below(absolute, self._real_root) is not None

    def is_foreign(self, absolute: str) -> bool:
        """True for files of the interpreter, of installed distributions and of the collector itself."""
        known = self._foreign_answers.get(absolute)
        if known is None:
            known = self._foreign_answers[absolute] = self._is_foreign(os.path.normpath(absolute))
        return known

    def _classify(self, filename: str) -> Optional[str]:
        if not filename or filename.startswith("<"):
            return None
        path = os.path.normpath(os.path.join(self._cwd, filename))
        if self._is_foreign(path) or stat_file(path) is None:
            return None
        if self.is_temporary(path, really=True):
            return None
        return self.relative(path)

    def _is_foreign(self, path: str) -> bool:
        for directory in self._foreign:
            if path.startswith(directory):
                return True
        parts = path.split(os.sep)
        for name in INSTALLED:
            if name not in parts:
                continue
            # Only those that are in use from the start: of others the engine does not know, and a project may keep a
            # directory of that name as data.
            if os.sep.join(parts[: parts.index(name) + 1]) in self._site_dirs:
                return True
        return False


def site_dirs() -> List[str]:
    """Directories of installed distributions of this interpreter, in the order of the search path."""
    found: List[str] = []
    candidates = [path for path in sys.path if os.path.basename(os.path.normpath(path)) in INSTALLED]
    candidates += getattr(site, "getsitepackages", lambda: [])()
    if site.ENABLE_USER_SITE:
        candidates.append(site.getusersitepackages())
    candidates += [sysconfig.get_paths().get(key, "") for key in ("purelib", "platlib")]
    for path in candidates:
        if path:
            path = os.path.abspath(path)
            if path not in found:
                found.append(path)
    return found


def _below(path: str, directory: str) -> Optional[str]:
    if path == directory:
        return "."
    prefix = directory if directory.endswith(os.sep) else directory + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None


def _both(directory: str) -> List[str]:
    """A directory as a prefix, as it is named and as it really is."""
    return sorted({os.path.join(path, "") for path in (os.path.abspath(directory), os.path.realpath(directory))})


def _temporary_dirs() -> Tuple[str, ...]:
    found: List[str] = []
    for directory in (tempfile.gettempdir(), os.environ.get("PYTEST_DEBUG_TEMPROOT")):
        if directory:
            found += _both(directory)
    return tuple(found)


def _foreign_dirs() -> Tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = {
        paths.get("stdlib"),
        paths.get("platstdlib"),
        _HERE,
        os.path.join(os.path.dirname(_HERE), "child"),
        os.path.join(os.path.dirname(_HERE), "winnow_pytest.py"),
    }
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}:
        found.update(os.path.join(prefix, name) for name in ("lib", "lib64", "Lib", "DLLs"))
    both = {os.path.normpath(path) for path in found if path}
    both |= {os.path.realpath(path) for path in both}
    return tuple(sorted(path if path.endswith(".py") else path + os.sep for path in both))


def _runner_dirs(root: str) -> Tuple[str, ...]:
    """Where the runner's own packages lie if that is no site directory; none of them if the runner is the project."""
    found = []
    for name in _RUNNER_PACKAGES:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            continue
        if spec is not None and spec.origin and os.path.basename(spec.origin) == "__init__.py":
            directory = os.path.dirname(os.path.abspath(spec.origin))
            if _below(directory, root) is None:
                found.append(directory + os.sep)
    return tuple(found)
