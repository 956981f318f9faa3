"""A small reader of journals, for the tests: what the engine would make of them, as far as attribution goes."""

import ast
import json
import os
import struct
import zlib
from array import array
from typing import Any, Dict, List, Optional, Set, Tuple

MAGIC = b"WNJ1\0\0\0\0"


class Journal:
    """One journal, with numbers replaced by what they stand for."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.frames: List[Tuple[dict, List[int]]] = read_frames(path)
        self.files: List[str] = []
        self.codes: List[Tuple[str, int, str]] = []
        self.contexts: Dict[int, dict] = {}
        self.tests: Dict[str, dict] = {}
        self.modules: List[dict] = []
        self.preloaded: List[dict] = []
        self.collected: Dict[str, dict] = {}
        self.notes: List[dict] = []
        self.start: dict = {}
        self.end: Optional[dict] = None
        self.session: dict = {}
        for frame, codes in self.frames:
            self._add(frame, codes)

    def _add(self, frame: dict, numbers: List[int]) -> None:
        kind = frame["k"]
        assert (kind == "start") == (self.start == {}), "the first frame is start"
        if kind == "start":
            self.start = frame
        elif kind == "files":
            assert frame["base"] == len(self.files)
            self.files += frame["paths"]
        elif kind == "codes":
            assert frame["base"] == len(self.codes)
            self.codes += [(self.files[file], line, name) for file, line, name in frame["codes"]]
        elif kind == "session":
            self.session = frame
        elif kind == "module":
            self.modules.append(dict(frame, file=self.files[frame["file"]]))
        elif kind == "preloaded":
            self.preloaded.append(dict(frame, file=self.files[frame["file"]]))
        elif kind == "ctx":
            known = self.contexts.setdefault(
                frame["id"],
                {
                    "kind": frame["kind"],
                    "name": frame["name"],
                    "uses": set(),
                    "inputs": [],
                    "opaque": [],
                    "codes": set(),
                },
            )
            known["uses"] |= set(frame["uses"])
            known["inputs"] += frame["inputs"]
            known["opaque"] += frame["opaque"]
            known["codes"] |= {self.codes[number] for number in numbers}
            if "of" in frame:
                known["of"] = frame["of"]
        elif kind == "collected":
            self.collected[self.files[frame["file"]]] = dict(frame, file=self.files[frame["file"]])
        elif kind == "test":
            assert set(frame["uses"]) <= set(self.contexts), "a test refers only to what was written before it"
            test = dict(frame, file=self.files[frame["file"]], codes={self.codes[number] for number in numbers})
            self.tests[frame["id"]] = test
        elif kind == "note":
            self.notes.append(frame)
        elif kind == "end":
            self.end = frame
        else:
            raise AssertionError("unknown frame %r" % kind)

    def context(self, kind: str, name: str) -> dict:
        """The only context of this kind and name."""
        found = [context for context in self.contexts.values() if (context["kind"], context["name"]) == (kind, name)]
        assert len(found) == 1, "%d contexts %s %s" % (len(found), kind, name)
        return found[0]

    def own(self, test: str) -> Set[str]:
        """`path::name` of what ran in the test itself."""
        return {"%s::%s" % (path, name) for path, _, name in self.tests[test]["codes"]}

    def reached(self, test: str, states: bool = False) -> List[dict]:
        """The test and every context it depends on through `uses`, `of`, the session and its file's collection.

        `states`: also what left state behind that it may have found, whatever it mentions.
        """
        frame = self.tests[test]
        todo = [0, *frame["uses"]]
        if frame["file"] in self.collected:
            todo.append(self.collected[frame["file"]]["ctx"])
        seen: Set[int] = set()
        while todo:
            number = todo.pop()
            if number in seen or (self.contexts[number]["kind"] == "state" and not states):
                continue
            seen.add(number)
            todo += self.contexts[number]["uses"]
            todo += [other for other, context in self.contexts.items() if context.get("of") == number]
        return [frame] + [self.contexts[number] for number in seen]

    def bodies(self, test: str) -> Set[str]:
        """`path::name` of all code that the test depends on."""
        return {"%s::%s" % (path, name) for part in self.reached(test) for path, _, name in part["codes"]}

    def found(self, test: str) -> Set[str]:
        """The same, with what made the states that it may have found."""
        return {"%s::%s" % (path, name) for part in self.reached(test, True) for path, _, name in part["codes"]}

    def inputs(self, test: str) -> List[list]:
        """All inputs that the test depends on."""
        return [entry for part in self.reached(test) for entry in part["inputs"]]

    def opaque(self, test: str) -> List[str]:
        """All opaque reasons that concern the test."""
        return [reason for part in self.reached(test) for reason in part["opaque"]]


def read_frames(path: str) -> List[Tuple[dict, List[int]]]:
    """All whole frames of a journal."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == MAGIC
    offset, frames = 8, []
    while offset + 8 <= len(data):
        length, checksum = struct.unpack_from("<II", data, offset)
        payload = data[offset + 8 : offset + 8 + length]
        if len(payload) < length or zlib.crc32(payload) != checksum:
            break
        (size,) = struct.unpack_from("<I", payload)
        numbers = array("I", payload[4 + size :])
        frames.append((json.loads(payload[4 : 4 + size].decode("utf-8")), list(numbers)))
        offset += 8 + length
    return frames


def read_journals(directory: str) -> List[Journal]:
    """All journals of a run, in the order of their names."""
    names = sorted(name for name in os.listdir(directory) if name.endswith(".journal"))
    return [Journal(os.path.join(directory, name)) for name in names]


def lazy_modules(journal: Journal, root: str, test: str) -> Set[str]:
    """Project modules that the bodies of a test import lazily, whoever loaded them first: names as in the source."""
    found: Set[str] = set()
    for part in journal.reached(test):
        for path, line, name in part["codes"]:
            with open(os.path.join(root, path), "rb") as file:
                tree = ast.parse(file.read())
            for node in ast.walk(tree):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
                    first = min([node.lineno] + [decorator.lineno for decorator in node.decorator_list])
                    if first == line:
                        found |= _imports(node)
    return found


def _imports(function: Any) -> Set[str]:
    found: Set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {node.module or ""}
    return found
