"""Keeps compiled modules with probes, apart from the project's `__pycache__`.

What must stay true:
- The name of an entry says everything that its content depends on; there is no other check of being up to date.
- An entry is written whole or not at all, and one that does not carry its own digest is as good as absent: `marshal`
  may crash on broken data.
- Not being able to write costs time only, and is not worth a word.
"""

import hashlib
import marshal
import os
import threading
from typing import Any, Optional

_MAGIC = b"WNB1"
_DIGEST_SIZE = 16


class BytecodeCache:
    """Entries below one directory; "" keeps nothing."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def load(self, name: str) -> Optional[Any]:
        """What was stored under the name, or None."""
        if not self._directory:
            return None
        try:
            with open(self._path(name), "rb", buffering=0) as file:
                data = file.readall()
        except OSError:
            return None
        start = len(_MAGIC) + _DIGEST_SIZE
        if data[: len(_MAGIC)] != _MAGIC or _digest(data[start:]) != data[len(_MAGIC) : start]:
            return None
        try:
            return marshal.loads(memoryview(data)[start:])
        except (EOFError, ValueError, TypeError):
            return None

    def store(self, name: str, value: Any) -> None:
        """Keep a value (code, and plain data that `marshal` knows) under the name."""
        if not self._directory:
            return
        path = self._path(name)
        # Another process or thread may write the same entry at the same time.
        temporary = "%s.%d-%d.tmp" % (path, os.getpid(), threading.get_ident())
        try:
            payload = marshal.dumps(value)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(temporary, "xb") as file:
                file.write(_MAGIC + _digest(payload) + payload)
            os.replace(temporary, path)
        except (OSError, ValueError):
            try:
                os.unlink(temporary)
            except OSError:
                pass

    def _path(self, name: str) -> str:
        # Thousands of entries in one directory are slow on some file systems.
        return os.path.join(self._directory, name[:2], name + ".code")


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_SIZE).digest()
