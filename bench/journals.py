"""Reads the collector's journals and puts together the set of code that each test was recorded to depend on.

A second reader beside the engine's own, on purpose: a judge must not share the code of what it judges. It knows
only the format (see `docs/`): a head of eight bytes, then frames of u32 length, u32 crc32 and payload; the payload
is a u32 length, that much JSON, and u32 code ids to its end. A torn last frame is dropped.
"""

import os
import struct
import zlib
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

MAGIC = b"WNJ1\0\0\0\0"

Code = Tuple[str, int, str]
"""(path, first line, name) of a code object."""


def frames(path: str) -> Iterator[Tuple[Dict[str, object], List[int]]]:
    """The frames of one journal: (JSON object, code ids)."""
    import json

    with open(path, "rb") as source:
        data = source.read()
    if data[:8] != MAGIC:
        return
    at = 8
    while at + 8 <= len(data):
        length, crc = struct.unpack_from("<II", data, at)
        payload = data[at + 8 : at + 8 + length]
        if len(payload) < length or zlib.crc32(payload) & 0xFFFFFFFF != crc:
            return
        (text,) = struct.unpack_from("<I", payload)
        rest = payload[4 + text :]
        yield json.loads(payload[4 : 4 + text].decode("utf-8")), list(struct.unpack("<%dI" % (len(rest) // 4), rest))
        at += 8 + length


class Context:
    """A context of a journal: what ran in a session, a file's collection, a wider fixture, an import."""

    def __init__(self) -> None:
        self.kind = ""
        self.uses: Set[int] = set()
        self.codes: Set[int] = set()
        self.imports: Set[str] = set()
        self.of: Optional[int] = None


class Test(NamedTuple):
    """One recorded test, in the ids of its journal."""

    id: str
    file: str
    uses: Set[int]
    codes: Set[int]
    imports: Set[str]
    outcome: str


class Journal:
    """One process's journal, read whole."""

    def __init__(self, path: str) -> None:
        self.files: Dict[int, str] = {}
        self.codes: Dict[int, Code] = {}
        self.contexts: Dict[int, Context] = {}
        self.tests: Dict[str, Test] = {}
        self.modules: Dict[str, Set[int]] = {}
        self.named: Dict[str, str] = {}
        self.collected: Dict[str, Set[int]] = {}
        self.mechanism = ""
        self.notes: List[str] = []
        self.ended = False
        for frame, ids in frames(path):
            self._take(frame, ids)

    def _path(self, file: object) -> str:
        return self.files.get(file, str(file)) if isinstance(file, int) else str(file)

    def _context(self, number: int) -> Context:
        return self.contexts.setdefault(number, Context())

    def _take(self, frame: Dict[str, object], ids: Sequence[int]) -> None:
        kind = frame["k"]
        if kind == "start":
            self.mechanism = str(frame.get("mechanism"))
        elif kind == "files":
            for offset, path in enumerate(_list(frame["paths"])):
                self.files[_int(frame["base"]) + offset] = str(path)
        elif kind == "codes":
            for offset, code in enumerate(_list(frame["codes"])):
                file, line, name = _list(code)
                self.codes[_int(frame["base"]) + offset] = (self._path(file), _int(line), str(name))
        elif kind == "module":
            path = self._path(frame["file"])
            self.modules.setdefault(path, set()).add(_int(frame["ctx"]))
            self.named[str(frame["name"])] = path
        elif kind == "ctx":
            context = self._context(_int(frame["id"]))
            context.kind = str(frame.get("kind") or context.kind)
            context.uses.update(_int(use) for use in _list(frame.get("uses")))
            context.codes.update(ids)
            context.imports |= _imports(frame)
            if frame.get("of") is not None:
                context.of = _int(frame["of"])
        elif kind == "collected":
            self.collected.setdefault(self._path(frame["file"]), set()).add(_int(frame["ctx"]))
        elif kind == "test":
            name = str(frame["id"])
            self.tests[name] = Test(
                name,
                self._path(frame["file"]),
                {_int(use) for use in _list(frame.get("uses"))},
                set(ids),
                _imports(frame),
                str(frame["outcome"]),
            )
        elif kind == "note":
            self.notes.append(str(frame.get("message")))
        elif kind == "end":
            self.ended = True

    def closure(self, test: Test, static: Dict[str, Set[str]]) -> Set[Code]:
        """All code that `test` depends on: its own, its contexts' transitively, and the imports of what it reaches.

        `static` gives for a file the files that its module level imports: a module that is imported already runs
        nothing more in a second importer, so observation alone cannot connect the two.
        """
        contexts: Set[int] = set()
        files: Set[str] = set()
        codes: Set[int] = set(test.codes)
        todo = [0, *test.uses, *self.collected.get(test.file, ())]
        names = set(test.imports)
        teardowns: Dict[int, List[int]] = {}
        for number, context in self.contexts.items():
            if context.of is not None:
                teardowns.setdefault(context.of, []).append(number)
        fresh = {test.file} | {self.codes[code][0] for code in codes}
        while todo or fresh or names:
            while todo:
                number = todo.pop()
                if number in contexts:
                    continue
                contexts.add(number)
                context = self._context(number)
                codes |= context.codes
                names |= context.imports
                todo += [*context.uses, *teardowns.get(number, ())]
                fresh |= {self.codes[code][0] for code in context.codes}
            for name in names:
                if name in self.named:
                    fresh.add(self.named[name])
            names = set()
            fresh -= files
            files |= fresh
            for path in fresh:
                todo += self.modules.get(path, ())
            fresh = {target for path in fresh for target in static.get(path, ())} - files
        return {self.codes[code] for code in codes}


def _list(value: object) -> List[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _int(value: object) -> int:
    assert isinstance(value, int), value
    return value


def _imports(frame: Dict[str, object]) -> Set[str]:
    return {str(_list(one)[1]) for one in _list(frame.get("inputs")) if _list(one)[:1] == ["import"]}


def read(directory: str) -> List[Journal]:
    """All journals of a directory."""
    return [
        Journal(os.path.join(directory, name)) for name in sorted(os.listdir(directory)) if name.endswith(".journal")
    ]
