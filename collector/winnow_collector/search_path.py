"""Where pytest makes modules be found: for each test file and conftest it puts a directory on the search path.

What must stay true:
- A file that the plan leaves out puts there what it would have put, so that tests which find modules by it still do.
- Who loads a module that is found only because another file was collected depends on that file's being there.
"""

import os
import sys
from typing import Dict, Optional, Set

from .content import stat_file

PREPEND, APPEND = "prepend", "append"


class SearchPath:
    """The entries that came with files, and which file brought each of them first."""

    def __init__(self) -> None:
        self._known = set(sys.path)
        # By entry: the file's path.
        self._brought: Dict[str, str] = {}
        # Directories of files left out: all of them would bring the same.
        self._left_out: Set[str] = set()

    def loading(self, path: str) -> None:
        """A module is about to be executed, perhaps one that pytest has just put its directory there for."""
        for entry in sys.path[:1] + sys.path[-1:]:
            if entry not in self._known:
                # Whoever else put it there, pytest would not do so again.
                self._known.add(entry)
                if entry == base_of(path):
                    self._brought[entry] = path

    def leave_out(self, path: str, mode: str) -> None:
        """pytest does not load this file; it would have done so in this import mode."""
        directory = os.path.dirname(path)
        if mode not in (PREPEND, APPEND) or directory in self._left_out:
            return
        self._left_out.add(directory)
        entry = base_of(path)
        if entry in sys.path:
            return
        sys.path.insert(0 if mode == PREPEND else len(sys.path), entry)
        self._known.add(entry)
        self._brought[entry] = path

    def bringer_of(self, path: str, name: str) -> Optional[str]:
        """The file without which a module of this path and name would not be found, if there is one but itself."""
        entry = os.path.dirname(path)
        if os.path.basename(path) == "__init__.py":
            entry = os.path.dirname(entry)
        for _ in range(name.count(".")):
            entry = os.path.dirname(entry)
        bringer = self._brought.get(entry)
        return None if bringer == path else bringer


def base_of(path: str) -> str:
    """The directory from which a test file is imported: the first one upward that is no package."""
    directory = os.path.dirname(path)
    while stat_file(os.path.join(directory, "__init__.py")) is not None and os.path.dirname(directory) != directory:
        directory = os.path.dirname(directory)
    return directory
