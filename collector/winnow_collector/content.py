"""File contents as the journal names them (git blob ids), and stat keys that say whether a file changed meanwhile."""

import os
import stat
import threading
from types import SimpleNamespace
from typing import Dict, Optional, Tuple

try:
    # Without OpenSSL, which takes longer to load than small files take to hash.
    from _sha1 import sha1
except ImportError:  # pragma: no cover
    from hashlib import sha1

# Taken now, and kept where no one looks: tests replace these functions, pyfakefs in the globals of every module too,
# and the collector must go on seeing the real files.
real = SimpleNamespace(
    stat=os.stat,
    fstat=os.fstat,
    listdir=os.listdir,
    getcwd=os.getcwd,
    open=os.open,
    read=os.read,
    write=os.write,
    close=os.close,
    readlink=getattr(os, "readlink", None),
    READING=os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0),
)
# Python makes room for all of it before each read: more than most files need costs more than the read.
_CHUNK = 1 << 16

StatKey = Tuple[int, int, int, int]

ABSENT = "-"


def blob_sha(data: bytes) -> str:
    """The id that git gives these bytes."""
    return sha1(b"blob %d\0" % len(data) + data).hexdigest()


def key_of(result: os.stat_result) -> StatKey:
    """Size, modification, change and inode number: equal keys mean the same content (but for the clock's grain)."""
    return (result.st_size, result.st_mtime_ns, result.st_ctime_ns, result.st_ino)


def stat_file(path: str) -> Optional[os.stat_result]:
    """The regular file's stat, or None."""
    try:
        result = real.stat(path)
    except (OSError, ValueError):
        return None
    return result if stat.S_ISREG(result.st_mode) else None


def state_at(path: str) -> str:
    """`d` for a directory, `f` for anything else that is there, or ABSENT."""
    try:
        return "d" if stat.S_ISDIR(real.stat(path).st_mode) else "f"
    except (OSError, ValueError):
        return ABSENT


class Contents:
    """Reads files for the collector itself: unseen by its own audit hook, and hashed once per content."""

    def __init__(self) -> None:
        self._reader = 0
        self._known: Dict[str, Tuple[StatKey, str]] = {}

    def reading(self) -> bool:
        """True while this thread reads on the collector's own behalf."""
        return self._reader == threading.get_ident()

    def read(self, path: str) -> bytes:
        """The file's bytes."""
        previous, self._reader = self._reader, threading.get_ident()
        try:
            file = real.open(path, real.READING)
            try:
                parts = []
                while True:
                    part = real.read(file, _CHUNK)
                    if not part:
                        return b"".join(parts)
                    parts.append(part)
            finally:
                real.close(file)
        finally:
            self._reader = previous

    def names(self, directory: str) -> list:
        """The directory's names."""
        previous, self._reader = self._reader, threading.get_ident()
        try:
            return real.listdir(directory)
        finally:
            self._reader = previous

    def sha(self, path: str, key: StatKey) -> Optional[str]:
        """The blob id of the file whose stat key is `key`; None if it is no longer that file."""
        known = self._known.get(path)
        if known is not None and known[0] == key:
            return known[1]
        try:
            sha = blob_sha(self.read(path))
        except OSError:
            return None
        after = stat_file(path)
        if after is None or key_of(after) != key:
            return None
        self._known[path] = (key, sha)
        return sha

    def remember(self, path: str, key: StatKey, sha: str) -> None:
        """Spare the next `sha` of a file that was just read."""
        self._known[path] = (key, sha)
