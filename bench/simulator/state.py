"""A project as the simulator sees it: texts by path and a few environment variables; edits make another one of it."""

import ast
import difflib
import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass, field


@dataclass
class State:
    """Everything that plain pytest's outcomes may depend on."""

    files: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "State":
        """A state that can be edited on its own."""
        return State(dict(self.files), dict(self.env))

    def digest(self) -> str:
        """The same for equal states only."""
        return hashlib.sha256(json.dumps([self.files, self.env], sort_keys=True).encode()).hexdigest()

    def sources(self, *, tests: bool | None = None) -> list[str]:
        """Python files in order; of the product or of the tests only, if asked so."""
        return [
            path
            for path in sorted(self.files)
            if path.endswith(".py") and (tests is None or path.startswith("tests/") == tests)
        ]

    def diff(self, other: "State") -> str:
        """What is different in `other`, as a patch."""
        out: list[str] = []
        for path in sorted(set(self.files) | set(other.files)):
            old, new = self.files.get(path), other.files.get(path)
            if old != new:
                out += difflib.unified_diff(
                    [] if old is None else old.splitlines(),
                    [] if new is None else new.splitlines(),
                    "a/" + path if old is not None else "/dev/null",
                    "b/" + path if new is not None else "/dev/null",
                    lineterm="",
                    n=2,
                )
        if self.env != other.env:
            out.append("environment: %s -> %s" % (self.env, other.env))
        return "\n".join(out)

    def put(self, root: str, before: "State | None" = None, *, keep_times: bool = False) -> None:
        """Makes the directory `root`, which holds `before`, hold this state; files that tests wrote stay."""
        old = before.files if before else {}
        for path in sorted(set(old) - set(self.files)):
            full = os.path.join(root, path)
            if os.path.exists(full):
                os.remove(full)
            _prune(root, os.path.dirname(path), set(self.files))
        for path, text in sorted(self.files.items()):
            full = os.path.join(root, path)
            if old.get(path) == text and os.path.exists(full):
                continue
            os.makedirs(os.path.dirname(full), exist_ok=True)
            times = os.stat(full) if keep_times and os.path.exists(full) else None
            with open(full, "w", encoding="utf-8", newline="") as out:
                out.write(text)
            if times:
                os.utime(full, ns=(times.st_atime_ns, times.st_mtime_ns))


def _prune(root: str, directory: str, kept: set[str]) -> None:
    """Removes a directory in which nothing but byte code is left; it would be a namespace package."""
    while directory and not any(path.startswith(directory + "/") for path in kept):
        shutil.rmtree(os.path.join(root, directory), ignore_errors=True)
        directory = os.path.dirname(directory)


@dataclass(frozen=True)
class Statement:
    """A statement at module level, with the lines that it takes (decorators and the blank lines above not)."""

    start: int
    end: int
    node: ast.stmt

    @property
    def name(self) -> str:
        """What it binds, if that is one name."""
        if isinstance(self.node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            return self.node.name
        if isinstance(self.node, ast.Assign) and isinstance(self.node.targets[0], ast.Name):
            return self.node.targets[0].id
        return ""


def statements(text: str) -> list[Statement]:
    """The statements at module level; none where the text does not compile."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    found = []
    for node in tree.body:
        start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        found.append(Statement(start - 1, node.end_lineno or start, node))
    return found


def module_name(path: str) -> str:
    """`app/util/text.py` is `app.util.text`, `app/__init__.py` is `app`."""
    return re.sub(r"(/__init__)?\.py$", "", path).replace("/", ".")
