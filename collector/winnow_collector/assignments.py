"""What a source assigns of modules, classes and functions, told from its text.

Too much costs time, too little a dependency: so words are taken for what they may mean.
"""

import re
from typing import List, NamedTuple, Set, Tuple

# Names that classes go by where their own is not spelt.
_CLASS_WORDS = frozenset((b"cls", b"klass", b"owner", b"__class__"))
_WORD_BYTES = b"0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + bytes(range(0x80, 0x100))
# Everything else becomes a space.
_TO_WORDS = bytes(byte if byte in _WORD_BYTES else 32 for byte in range(256))
# `.name = …`, alone or among several that are assigned at once; and what stands before it.
_STORE = re.compile(
    rb"\.\s*([\w\x80-\xff]+)\s*(?:(?:[-+*%&|^@]|//?|\*\*|<<|>>)?=(?!=)|,(?=[\w\x80-\xff \t.,*\[\]]*=(?!=)))"
)
_OWNER = re.compile(rb"([\w\x80-\xff]+|\btype\([^()]*\))\s*$")
_DELETE = re.compile(rb"del\s+(?:[\w\x80-\xff]+\s*\.\s*)*?([\w\x80-\xff]+)\s*\.\s*([\w\x80-\xff]+)")
_SETATTR = re.compile(rb"attr\(\s*(?:[\w\x80-\xff]+\s*\.\s*)*([\w\x80-\xff]+)\s*,\s*(?:[\"']([\w\x80-\xff]+)[\"'])?")
_HANDLE = re.compile(rb"([\w\x80-\xff]+)(?=\s*\.\s*[\w\x80-\xff]+\s*(?:[.\[,)]|[^\w\s=(]*=(?!=)))")
_DICT = re.compile(rb"\.__dict__\s*[\[.]")
_VARS = re.compile(rb"vars\(\s*(?:[\w\x80-\xff]+\s*\.\s*)*([\w\x80-\xff]+)\s*\)\s*[\[.]")


def _owner_before(source: bytes, end: int) -> bytes:
    """What stands before the dot at `end`: a name, or `type(...)`; nothing if that is an expression."""
    found = _OWNER.search(source[max(end - 80, 0) : end])
    return b"" if found is None else found.group(1)


class Assigned(NamedTuple):
    """What a source assigns attributes of: (what stands before the dot, attribute), and where the name is computed."""

    stores: List[Tuple[bytes, bytes]]
    wild: Set[bytes]


def words_of(source: bytes) -> Set[bytes]:
    """All words of a source, numbers too: no name is one."""
    return set(source.translate(_TO_WORDS).split())


def assigned_in(source: bytes) -> Assigned:
    """What it assigns attributes of, but for `self`."""
    stores: List[Tuple[bytes, bytes]] = []
    for match in _STORE.finditer(source):
        stores.append((_owner_before(source, match.start()), match.group(1)))
    if b"del " in source:
        stores += _DELETE.findall(source)
    wild: Set[bytes] = set()
    if b"setattr(" in source or b"delattr(" in source:
        for owner, name in _SETATTR.findall(source):
            if name:
                stores.append((owner, name))
            else:
                wild.add(owner)
    if b"__dict__" in source:
        wild.update(_owner_before(source, match.start()) for match in _DICT.finditer(source))
    if b"vars(" in source:
        wild.update(_VARS.findall(source))
    return Assigned([store for store in stores if store[0] != b"self"], wild - {b"self"})


def handled_in(source: bytes) -> Set[bytes]:
    """Words of whose attributes a source assigns or handles anything."""
    handled = set(_HANDLE.findall(source))
    if b"attr(" in source:
        handled.update(owner for owner, _ in _SETATTR.findall(source))
    if b"vars(" in source:
        handled.update(_VARS.findall(source))
    return handled


def is_class_word(owner: bytes) -> bool:
    """Whether it stands for a class that is not spelt: `cls`, `type(self)`."""
    return owner in _CLASS_WORDS or owner[:5] == b"type("
