"""When Python's cached byte code may stand for a source.

Python trusts a `.pyc` whose source has the same size and the same whole second of modification: an edit of equal size
within that second runs the old code. Scenario: write, run, edit and run again within a second. pytest's cache of
rewritten modules had the same weakness until it became checked by hash. And whoever sets times (`cp -p`, `rsync -t`,
`touch -r`) can give an edit of equal size the old time at any moment; only the change time tells.
"""

import importlib
import importlib.util
import os
import sys
from types import CodeType
from typing import Any, Optional, Tuple

from .content import real

SAFETY_GAP_NS = 2_000_000_000


def written_ns(source: os.stat_result) -> int:
    """When the source got its content, at the latest."""
    return max(source.st_mtime_ns, source.st_ctime_ns)


def pyc_is_trustworthy(source_path: str, source: bytes, source_written_ns: int) -> Optional[bool]:
    """May Python's cached byte code stand for these source bytes?

    True: Python may use it (or find it stale by itself). False: there is none, or it may be wrong unnoticed; compile.
    None: Python will use it, and it may be wrong (it is never checked): the source that runs is not known.
    """
    try:
        header, mtime_ns = _head(importlib.util.cache_from_source(source_path), 16)
    except (OSError, NotImplementedError):
        return False
    if len(header) == 16 and header[4] & 1:
        if header[8:16] == importlib.util.source_hash(source):
            return True
        checks = _hash_checks()
        checked = checks == "always" or (checks == "default" and bool(header[4] & 2))
        return True if checked else None
    return mtime_ns >= source_written_ns + SAFETY_GAP_NS


def is_young(pyc: Any, source: Any) -> bool:
    """True if the byte code is checked by time only and not clearly younger than its source."""
    try:
        header, mtime_ns = _head(pyc, 8)
        return len(header) == 8 and not header[4] & 1 and mtime_ns < written_ns(os.stat(source)) + SAFETY_GAP_NS
    except OSError:
        return False


def _head(path: Any, size: int) -> Tuple[bytes, int]:
    """The first bytes of a file and its modification time; asked for every module, so nothing is buffered."""
    file = real.open(path, real.READING)
    try:
        return real.read(file, size), real.fstat(file).st_mtime_ns
    finally:
        real.close(file)


def keep_bytecode(loader: Any, path: str, source: os.stat_result, code: CodeType) -> None:
    """Write the `.pyc` that importlib would have written, had it compiled."""
    if sys.dont_write_bytecode:
        return
    try:
        external: Any = importlib._bootstrap_external  # type: ignore[attr-defined]
        data = external._code_to_timestamp_pyc(code, int(source.st_mtime), source.st_size)
        loader._cache_bytecode(path, importlib.util.cache_from_source(path), data)
    except (NotImplementedError, OSError, AttributeError):
        pass


def _hash_checks() -> str:
    try:
        import _imp
    except ImportError:
        return "default"
    return getattr(_imp, "check_hash_based_pycs", "default")
