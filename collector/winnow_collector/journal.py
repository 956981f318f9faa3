"""The append-only journal: length-prefixed, checksummed frames, one `write` per finished test.

What must stay true:
- A frame that is torn (killed process, full disk) is recognised by its checksum; everything before it holds.
- Nothing that fails in here may reach a test. The first failed write stops the journal for good, with one line on
  standard error: a gap in the middle would let later frames refer to numbers that were never announced.
"""

import json
import os
import struct
import sys
import zlib
from array import array
from typing import Iterable, List, Optional

from .content import real

MAGIC = b"WNJ1\0\0\0\0"
_PREFIX = struct.Struct("<II")
_LENGTH = struct.Struct("<I")
_encode = json.JSONEncoder(separators=(",", ":")).encode


def encode_frame(data: dict, codes: Optional[Iterable[int]] = None) -> bytes:
    """One frame: lengths, checksum, JSON, then code numbers as little-endian u32."""
    text = _encode(data).encode("ascii")
    payload = _LENGTH.pack(len(text)) + text
    if codes is not None:
        numbers = array("I", codes)
        if sys.byteorder == "big":
            numbers.byteswap()
        payload += numbers.tobytes()
    return _PREFIX.pack(len(payload), zlib.crc32(payload)) + payload


class Journal:
    """One process's journal file. Frames collect in memory until `flush`."""

    def __init__(self, directory: str, run: str) -> None:
        self._buffer: List[bytes] = [MAGIC]
        self._file: Optional[int] = None
        self._pid = os.getpid()
        number = 0
        while self._file is None:
            path = os.path.join(directory, "%s-%d-%d.journal" % (run, self._pid, number))
            try:
                self._file = real.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                number += 1

    @property
    def open(self) -> bool:
        """False once the journal was closed or a write failed."""
        return self._file is not None

    def add(self, data: dict, codes: Optional[Iterable[int]] = None) -> None:
        """Append a frame to the buffer."""
        self._buffer.append(encode_frame(data, codes))

    def flush(self) -> None:
        """Hand everything buffered to the operating system."""
        buffer, self._buffer = self._buffer, []
        if self._file is None or not buffer:
            return
        data = b"".join(buffer)
        try:
            while data:
                data = data[real.write(self._file, data) :]
        except OSError as error:
            self.close()
            if sys.stderr is not None:
                print(
                    "winnow: nothing more is recorded, because the journal cannot be written (%s)" % error,
                    file=sys.stderr,
                )

    def close(self) -> None:
        """Close the file without writing what is still buffered."""
        file, self._file = self._file, None
        self._buffer = []
        if file is not None:
            try:
                real.close(file)
            except OSError:
                pass

    def forget(self) -> None:
        """In a forked child: let go of the parent's journal without touching it."""
        self.close()
