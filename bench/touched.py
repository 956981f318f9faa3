#!/usr/bin/env python3
"""Measures how precise the selection is: of the tests that an edit touches, and only of those, how many would run?

    python3 bench/touched.py PROJECT --python PY [--edits 60] [--seed 1] [--limit 0] [--json FILE] [-- PYTEST ARGS]

The truth: every test alone in a fresh process under coverage.py's C tracer (`alone.py`), which gives the functions and
the lines that it executes. It is kept on disk, so that a second invocation takes little time. Then the project is
recorded once, and after each of some seeded edits `winnow plan` is asked what would run. Nothing runs, and the
file gets its bytes back. All of it happens in copies: the project itself is never touched.

What an edit touches:
- a body: the tests that executed the function;
- a default value: the tests that executed the function that has it;
- a constant of a module, an attribute of a class: the tests that executed a line on which the name is loaded: as a bare
  name of its module, where it was imported from the project, as an attribute of anything, or as a word in `getattr`.
  What uses it at module level was executed by all who import that module, and counts for all of them;
- a new function or constant that nobody mentions: none.

For names that is more than the truth, as an attribute may be another object's, and less, as a value may have come by
another name (`TABLE = [DEFAULT]`, used as TABLE): that is counted at module level. For bodies it is exact. So a touched
test that would not run is a fault if a body was edited, and a thing to look at otherwise. Faults are told apart as the
oracle does: *missed* (the test executes the function in a whole run too) and *only when alone* (in a whole run an
earlier test left something ready, and the function is not executed: shared state; `--allow-state` tolerates it).

What must stay true: tests that failed or could not be run alone, and those that the plan always runs, are part of no
figure. Edits are drawn from sources that some test loads: the same seed and sources give the same edits. Data files
that tests read are not edited.
"""

import argparse
import ast
import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Callable, Dict, FrozenSet, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple, Union

import alone
import environments
import invocation
import measure
import oracle

Function = Tuple[str, int, str]
Line = Tuple[str, int]
Defining = Union[ast.FunctionDef, ast.AsyncFunctionDef]

KINDS = ["body", "constant", "default", "attribute", "new function", "new constant"]
RATIO, BODY_SHARE, SHARE = 1.5, 1.0, 5.0
BENCH = os.path.dirname(os.path.abspath(__file__))
# Counts up when what is kept of a test alone means something else.
TRUTH = 1
SKIPPED = {"__pycache__", ".winnow", ".git", ".hg", ".tox", ".nox", ".venv", "venv", "node_modules", ".pytest_cache"}


# --- in the project's process -----------------------------------------------------------------------------------------


def _forget_bench() -> None:
    """A module of the project may have the name of one of ours: it must find its own."""
    sys.path[0] = os.getcwd()
    for name, module in list(sys.modules.items()):
        if name != "__main__" and os.path.dirname(getattr(module, "__file__", None) or "") == BENCH:
            del sys.modules[name]


def witness(out: str, root: str, coverage: str, arguments: List[str]) -> None:
    """`alone.py`'s run of one test, which writes down the lines that were executed beside the functions."""
    functions = getattr(alone, "_functions")

    def both(data: "alone.coverage.CoverageData", top: str) -> Dict[str, object]:
        lines = {
            os.path.relpath(os.path.realpath(path), os.path.realpath(top)).replace(os.sep, "/"): sorted(
                data.lines(path) or []
            )
            for path in data.measured_files()
            if path.endswith(".py")
        }
        return {"functions": functions(data, top), "lines": lines}

    setattr(alone, "_functions", both)
    _forget_bench()
    sys.path.append(coverage)
    alone.alone(out, root, arguments)


def collect(out: str, arguments: List[str]) -> None:
    """Writes down the ids of all tests that pytest finds."""
    _forget_bench()
    import pytest

    class Collector:
        def pytest_collection_finish(self, session: "pytest.Session") -> None:
            with open(out, "w", encoding="utf-8") as target:
                json.dump([item.nodeid for item in session.items], target)

    pytest.main([*arguments, "--collect-only", "-q", "-p", "no:cacheprovider"], plugins=[Collector()])


# --- the truth --------------------------------------------------------------------------------------------------------


class Setting(NamedTuple):
    """How tests of the project are started."""

    python: str
    arguments: List[str]
    pythonpath: List[str]

    def env(self, root: str) -> Dict[str, str]:
        """Ids of tests parametrized over sets depend on the hash seed: it is the same for all."""
        entries = self.entries(root)
        return {"PYTHONHASHSEED": "0", **({"PYTHONPATH": os.pathsep.join(entries)} if entries else {})}

    def entries(self, root: str) -> List[str]:
        return [os.path.normpath(os.path.join(root, entry)) for entry in self.pythonpath]

    def words(self, root: str) -> List[str]:
        """The arguments without files and directories: the test that is run alone takes their place."""
        return invocation.without_paths(root, self.arguments)


def files_of(root: str, endings: Tuple[str, ...]) -> List[str]:
    """Relative paths, sorted."""
    out = []
    for directory, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in names:
            if name.endswith(endings):
                out.append(os.path.relpath(os.path.join(directory, name), root).replace(os.sep, "/"))
    return sorted(out)


def read(root: str, path: str) -> bytes:
    with open(os.path.join(root, *path.split("/")), "rb") as source:
        return source.read()


def digest_of(root: str, setting: Setting) -> str:
    """What the truth depends on: all sources, configuration, Python, pytest, and how tests are started."""
    tools = environments.versions(setting.python, ["pytest", "coverage"])
    known = [TRUTH, environments.version_of(setting.python), tools, setting.words(root), setting.pythonpath]
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    for path in files_of(root, (".py", ".toml", ".cfg", ".ini")):
        digest.update(path.encode() + b"\0" + hashlib.sha256(read(root, path)).digest())
    return digest.hexdigest()[:20]


class Truth:
    """Which tests executed a function or a line, as sets of bits: the sets of most lines are large, and alike."""

    def __init__(self) -> None:
        self.tests: List[str] = []
        self.left_out: Dict[str, int] = {}
        self._functions: Dict[Function, int] = {}
        self._lines: Dict[Line, int] = {}
        self.loaded: Set[str] = set()

    def add(self, test: str, answer: Dict[str, object]) -> None:
        functions, lines = answer["functions"], answer["lines"]
        assert isinstance(functions, list) and isinstance(lines, dict)
        bit = 1 << len(self.tests)
        self.tests.append(test)
        for path, first, name in functions:
            self._functions[(path, first, name)] = self._functions.get((path, first, name), 0) | bit
        for path, numbers in lines.items():
            if numbers:
                self.loaded.add(path)
            for number in numbers:
                self._lines[(path, number)] = self._lines.get((path, number), 0) | bit

    def touched(self, function: Optional[Function], lines: Iterable[Line]) -> Set[str]:
        """The tests that executed the function, or one of the lines."""
        bits = self._functions.get(function, 0) if function else 0
        for line in lines:
            bits |= self._lines.get(line, 0)
        return {test for at, test in enumerate(self.tests) if bits >> at & 1}

    def executed(self, line: Line) -> bool:
        """Whether any test did."""
        return line in self._lines


def _child(setting: Setting, root: str, command: List[str]) -> measure.Measured:
    whole = [setting.python, os.path.abspath(__file__), *command]
    return measure.run(whole, root, {"COVERAGE_CORE": "ctrace", **setting.env(root)})


def all_tests(setting: Setting, root: str) -> List[str]:
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "tests.json")
        done = _child(setting, root, ["--collect", out, *setting.arguments])
        if not os.path.exists(out):
            sys.exit("pytest collected nothing (exit %d):\n%s" % (done.exit, done.output[-3000:]))
        with open(out, encoding="utf-8") as text:
            return sorted(set(json.load(text)))


def witness_of(setting: Setting, root: str, coverage: str, test: str, kept: str) -> Dict[str, object]:
    """What the test executes alone; `exit` -1 where it could not be run at all. Kept in the file `kept`."""
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as text:
            return dict(json.load(text))
    out = "%s.%d" % (kept, os.getpid())
    _child(setting, root, ["--alone", out, root, coverage, *setting.words(root), "-p", "no:cacheprovider", test])
    answer: Dict[str, object] = {"exit": -1, "functions": [], "lines": {}}
    if os.path.exists(out):
        with open(out, encoding="utf-8") as text:
            raw = json.load(text)
        assert raw["tracer"] == "CTracer", raw["tracer"]
        answer = {"exit": raw["exit"], **raw["functions"]}
    with open(out, "w", encoding="utf-8") as target:
        json.dump(answer, target)
    os.replace(out, kept)
    return answer


def coverage_for(setting: Setting, cache: str) -> str:
    """A directory with coverage.py for the end of the path; one without, if the project's environment has it."""
    if environments.versions(setting.python, ["coverage"]):
        return os.path.join(cache, "touched")
    return environments.overlay(setting.python, "coverage", ["coverage"], cache)


def in_whole_run(setting: Setting, root: str, cache: str, tests: Iterable[str]) -> Dict[str, Set[Function]]:
    """What each of the tests executes in a run of all tests, in one process."""
    words, coverage = setting.words(root), coverage_for(setting, cache)

    def pythonpath(more: List[str]) -> Dict[str, str]:
        entries = [*setting.entries(root), *more]
        return {"PYTHONPATH": os.pathsep.join(entries)} if entries else {}

    witness = oracle.Witness(setting.python, root, coverage, words, setting.arguments, "", pythonpath)
    return witness.whole(sorted(tests), "ordinary")


def truth_of(setting: Setting, root: str, cache: str, tests: List[str]) -> Truth:
    """Each of the tests alone, or what is kept of it."""
    directory = os.path.join(cache, "touched", "alone", digest_of(root, setting))
    os.makedirs(directory, exist_ok=True)
    coverage = coverage_for(setting, cache)
    truth = Truth()
    began = said = time.monotonic()
    for at, test in enumerate(tests):
        kept = os.path.join(directory, hashlib.sha256(test.encode("utf-8", "surrogatepass")).hexdigest()[:32] + ".json")
        answer = witness_of(setting, root, coverage, test, kept)
        if answer["exit"] == 0:
            truth.add(test, answer)
        else:
            why = "failed alone" if answer["exit"] == 1 else "could not be run alone"
            truth.left_out[why] = truth.left_out.get(why, 0) + 1
        now = time.monotonic()
        if now - said > 60:
            print("  %d of %d tests, %.0f s" % (at + 1, len(tests), now - began), flush=True)
            said = now
    return truth


# --- where names are used ---------------------------------------------------------------------------------------------


class Uses(ast.NodeVisitor):
    """Where one source loads which names, by line; names that a function binds itself are not the module's."""

    def __init__(self, path: str, tree: ast.Module, ours: Callable[[ast.ImportFrom], bool]) -> None:
        self.path = path
        self.bare: Dict[str, Set[int]] = {}
        self.attributes: Dict[str, Set[int]] = {}
        # Name in another module of the project → names that it has here.
        self.imported: Dict[str, Set[str]] = {}
        self.star = False
        # Lines of function bodies; all others are executed at import.
        self.inside: Set[int] = set()
        self._ours = ours
        self._bound: List[Set[str]] = []
        self.visit(tree)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and not any(node.id in bound for bound in self._bound):
            self.bare.setdefault(node.id, set()).add(node.lineno)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        target = node.target
        if isinstance(target, ast.Name) and not any(target.id in bound for bound in self._bound):
            self.bare.setdefault(target.id, set()).add(target.lineno)
        elif isinstance(target, ast.Attribute):
            self.attributes.setdefault(target.attr, set()).add(_line_of(target))
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load):
            # Begin and end: which of the lines of a long chain the bytecode has is the compiler's to say.
            self.attributes.setdefault(node.attr, set()).update((node.lineno, _line_of(node)))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr") and len(node.args) > 1:
            word = node.args[1]
            if isinstance(word, ast.Constant) and isinstance(word.value, str):
                self.attributes.setdefault(word.value, set()).update((node.lineno, word.lineno))
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if self._ours(node):
            for alias in node.names:
                self.star = self.star or alias.name == "*"
                self.imported.setdefault(alias.name, set()).add(alias.asname or alias.name)

    def _function(self, node: Union[Defining, ast.Lambda]) -> None:
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        decorators = [] if isinstance(node, ast.Lambda) else [*node.decorator_list, *filter(None, [node.returns])]
        for part in [node.args, *decorators]:
            self.visit(part)
        self._bound.append(_bound_by(node))
        for statement in body:
            self.inside.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
            self.visit(statement)
        self._bound.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node)


def _line_of(node: ast.Attribute) -> int:
    return node.end_lineno or node.lineno


def _bound_by(function: Union[Defining, ast.Lambda]) -> Set[str]:
    """Names that are the function's own; what it imports is not counted among them, as it may be the project's."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    bound = {one.arg for one in every if one}
    outside: Set[str] = set()
    todo: List[ast.AST] = [function.body] if isinstance(function, ast.Lambda) else list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
            continue
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            outside.update(node.names)
        todo += list(ast.iter_child_nodes(node))
    return bound - outside


# --- edits ------------------------------------------------------------------------------------------------------------


class Edit(NamedTuple):
    """One edit of one file, and what it touches: a function, or lines."""

    kind: str
    path: str
    line: int
    name: str
    what: str
    text: bytes
    function: Optional[Function]
    lines: FrozenSet[Line]

    def place(self) -> str:
        return "%s:%d %s" % (self.path, self.line, self.name)


class Source:
    """A file that can be edited. All positions are in bytes, as those of `ast` are."""

    def __init__(self, path: str, text: bytes, is_test: bool) -> None:
        self.path = path
        self.text = text
        self.is_test = is_test
        self.tree = ast.parse(text)
        self._lines = text.splitlines(keepends=True)
        self.newline = b"\r\n" if b"\r\n" in text else b"\n"

    def inserted(self, before: int, indent: bytes, statement: str) -> bytes:
        """With a statement on a line of its own before line `before`."""
        head, tail = self._lines[: before - 1], self._lines[before - 1 :]
        if head and not head[-1].endswith((b"\n", b"\r")):
            head[-1] += self.newline
        return b"".join([*head, indent + statement.encode() + self.newline, *tail])

    def replaced(self, node: ast.expr, new: str) -> bytes:
        """With other text in the place of an expression; offsets of `ast` are in bytes of UTF-8."""
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        start, end = self._lines[first][: node.col_offset], self._lines[last][node.end_col_offset or 0 :]
        return b"".join([*self._lines[:first], start, new.encode(), end, *self._lines[last + 1 :]])

    def appended(self, statements: str) -> bytes:
        text = self.text if self.text.endswith((b"\n", b"\r")) or not self.text else self.text + self.newline
        return text + statements.replace("\n", self.newline.decode()).encode()

    def indent_of(self, node: ast.stmt) -> Optional[bytes]:
        """The blanks before a statement; None if something else stands there."""
        before = self._lines[node.lineno - 1][: node.col_offset]
        return before if not before.strip() else None

    def shown(self, node: ast.expr) -> str:
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        text = b"".join(self._lines[first : last + 1])[node.col_offset :]
        return " ".join(text.decode().split())[:40] if last > first else _one_line(self._lines[first], node)


def _one_line(line: bytes, node: ast.expr) -> str:
    return line[node.col_offset : node.end_col_offset].decode()[:40]


def another(value: object) -> Optional[str]:
    """A literal of another value, and of the same type where there is one."""
    if isinstance(value, bool):
        return repr(not value)
    if value is None:
        return "0"
    if isinstance(value, int):
        return repr(value + 1)
    if isinstance(value, float):
        return repr(value + 1.5) if abs(value) < 1e9 else "1.5"
    if isinstance(value, str):
        return repr(value + "x")
    if isinstance(value, bytes):
        return repr(value + b"x")
    return None


def changeable(value: ast.expr) -> Optional[Tuple[ast.Constant, str]]:
    """The first constant of a literal, with another one for it; None where the value is no literal or has none."""
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    found = [node for node in ast.walk(value) if isinstance(node, ast.Constant)]
    for node in sorted(found, key=lambda one: (one.lineno, one.col_offset)):
        new = another(node.value)
        if new is not None:
            return node, new
    return None


def _single_name(statement: ast.stmt) -> Optional[Tuple[str, ast.expr]]:
    """`NAME = VALUE` and `NAME: TYPE = VALUE`."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id, statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        return statement.target.id, statement.value
    return None


def _first_line(node: ast.stmt) -> int:
    return min([node.lineno, *[decorator.lineno for decorator in getattr(node, "decorator_list", [])]])


class Edits:
    """All edits that could be made, by kind."""

    def __init__(self, sources: List[Source], uses: Dict[str, Uses]) -> None:
        self._uses = uses
        self.by_kind: Dict[str, List[Edit]] = {kind: [] for kind in KINDS}
        for source in sources:
            self._bodies(source)
            # Tests' own files: only bodies of their helpers.
            if not source.is_test:
                self._constants(source)
                self._attributes(source)
                self._defaults(source)
                self._new(source)

    def draw(self, rng: random.Random, count: int, kinds: List[str]) -> List[Edit]:
        """As many of each kind, as far as there are so many; none of them twice."""
        piles = {kind: rng.sample(found, len(found)) for kind, found in self.by_kind.items()}
        out: List[Edit] = []
        while len(out) < count and any(piles[kind] for kind in kinds):
            for kind in kinds:
                if piles[kind] and len(out) < count:
                    out.append(piles[kind].pop())
        return out

    def _add(self, edit: Edit) -> None:
        try:
            compile(edit.text, edit.path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError):
            return
        self.by_kind[edit.kind].append(edit)

    def _bodies(self, source: Source) -> None:
        for node in ast.walk(source.tree):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if source.is_test and node.name.startswith("test"):
                continue
            docstring = ast.get_docstring(node, clean=False) is not None
            at = node.body[1] if docstring and len(node.body) > 1 else node.body[0]
            only_docstring = docstring and len(node.body) == 1
            line = (node.body[0].end_lineno or 0) + 1 if only_docstring else _first_line(at)
            indent = source.indent_of(at)
            if indent is None or at.lineno == node.lineno:
                continue
            text = source.inserted(line, indent, "_touched = 1")
            self._add(
                Edit(
                    "body",
                    source.path,
                    _first_line(node),
                    node.name + "()",
                    "insert `_touched = 1` before line %d" % line,
                    text,
                    (source.path, _first_line(node), node.name),
                    frozenset(),
                )
            )

    def _value(
        self,
        source: Source,
        kind: str,
        name: str,
        value: ast.expr,
        function: Optional[Function],
        lines: FrozenSet[Line],
    ) -> None:
        found = changeable(value)
        if found:
            node, new = found
            what = "line %d: `%s` becomes `%s`" % (node.lineno, source.shown(node), new[:40])
            text = source.replaced(node, new)
            self._add(Edit(kind, source.path, node.lineno, name, what, text, function, lines))

    def _constants(self, source: Source) -> None:
        for statement in source.tree.body:
            found = _single_name(statement)
            # `__all__` with another word in it breaks whoever imports `*`.
            if found and found[0] != "__all__":
                self._value(source, "constant", found[0], found[1], None, self._users(source.path, found[0]))

    def _attributes(self, source: Source) -> None:
        for one in source.tree.body:
            if not isinstance(one, ast.ClassDef) or one.decorator_list:
                continue
            for statement in one.body:
                found = _single_name(statement)
                if not found or not isinstance(statement, ast.Assign) or found[0].startswith("__"):
                    continue
                lines = {(uses.path, at) for uses in self._uses.values() for at in uses.attributes.get(found[0], ())}
                lines |= {(source.path, at) for at in _in_class_body(one, found[0])}
                name = "%s.%s" % (one.name, found[0])
                self._value(source, "attribute", name, found[1], None, frozenset(lines))

    def _defaults(self, source: Source) -> None:
        around: List[Tuple[str, List[ast.stmt]]] = [("", source.tree.body)]
        around += [(one.name + ".", one.body) for one in source.tree.body if isinstance(one, ast.ClassDef)]
        for prefix, body in around:
            for node in body:
                if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    continue
                positional = [*node.args.posonlyargs, *node.args.args]
                named = list(zip(positional[len(positional) - len(node.args.defaults) :], node.args.defaults))
                named += [(one, value) for one, value in zip(node.args.kwonlyargs, node.args.kw_defaults) if value]
                function = (source.path, _first_line(node), node.name)
                for parameter, value in named:
                    name = "%s%s(%s=)" % (prefix, node.name, parameter.arg)
                    self._value(source, "default", name, value, function, frozenset())

    def _new(self, source: Source) -> None:
        last = source.text.count(b"\n") + 1
        for kind, name, text in (
            ("new function", "winnow_bench_unused()", "\n\ndef winnow_bench_unused():\n    return 1\n"),
            ("new constant", "WINNOW_BENCH_UNUSED", "\n\nWINNOW_BENCH_UNUSED = 1\n"),
        ):
            self._add(Edit(kind, source.path, last, name, "at the end", source.appended(text), None, frozenset()))

    def _users(self, path: str, name: str) -> FrozenSet[Line]:
        """Lines on which a name of the module `path` is loaded, there, where it was imported, or as an attribute."""
        lines: Set[Line] = set()
        for uses in self._uses.values():
            found = set(uses.attributes.get(name, ()))
            if uses.path == path:
                found |= uses.bare.get(name, set())
            for alias in uses.imported.get(name, ()):
                found |= uses.bare.get(alias, set())
            if uses.star and not name.startswith("_"):
                found |= uses.bare.get(name, set())
            lines |= {(uses.path, at) for at in found}
        return frozenset(lines)


def _in_class_body(one: ast.ClassDef, name: str) -> Set[int]:
    """Lines on which the class's own level loads the name; functions in it do not see it as a bare name."""
    lines: Set[int] = set()
    todo: List[ast.AST] = list(one.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            lines.add(node.lineno)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            todo += [*node.decorator_list, node.args]
        elif isinstance(node, ast.Lambda):
            todo.append(node.args)
        else:
            todo += list(ast.iter_child_nodes(node))
    return lines


def edits_of(root: str, truth: Truth) -> Tuple[Edits, Dict[str, Uses]]:
    """The edits of all sources that some test loads."""
    paths = files_of(root, (".py",))
    ours = {part for path in paths for part in path[: -len(".py")].split("/")}
    tests = {test.split("::")[0] for test in truth.tests}

    def imports_ours(node: ast.ImportFrom) -> bool:
        return node.level > 0 or (node.module or "").split(".")[0] in ours

    sources, uses = [], {}
    for path in paths:
        text = read(root, path)
        folders = path.split("/")[:-1]
        is_test = path in tests or path.endswith("conftest.py") or bool({"test", "tests"} & set(folders))
        try:
            text.decode("utf-8")
            source = Source(path, text, is_test)
        except (SyntaxError, ValueError):
            continue
        uses[path] = Uses(path, source.tree, imports_ours)
        if path in truth.loaded and not text.startswith(b"\xef\xbb\xbf"):
            sources.append(source)
    return Edits(sources, uses), uses


# --- Winnow's answers -------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What a plan would run: tests with a reason, those whose inputs cannot be known, those that nobody collected."""

    tests: Dict[str, str]
    opaque: Set[str]
    unknown: Set[str]


class Winnow:
    """Winnow on a copy of the project."""

    def __init__(self, command: str, setting: Setting, root: str, tests: List[str]) -> None:
        self._command = command
        self._setting = setting
        self._root = root
        self._tests = tests
        self.plans = 0
        self.seconds = 0.0

    def _start(self, command: str) -> Dict[str, object]:
        arguments = [command, "--json", "-C", self._root, "--python", self._setting.python]
        done = subprocess.run(
            [self._command, *arguments, "--", *self._setting.arguments],
            cwd=self._root,
            env=measure.clean_environment(self._setting.env(self._root)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        try:
            return dict(json.loads(done.stdout))
        except ValueError:
            sys.exit("winnow %s (exit %d) said:\n%s" % (command, done.returncode, done.stderr.decode()[-3000:]))

    def record(self) -> Dict[str, object]:
        answer = self._start("run")
        if not answer.get("recorded"):
            sys.exit("winnow run recorded nothing: %s" % answer)
        return answer

    def plan(self) -> Answer:
        """What would run now. A file that is selected counts as all of its tests."""
        began = time.monotonic()
        plan = self._start("plan")
        self.plans += 1
        self.seconds += time.monotonic() - began
        if plan["kind"] == "everything":
            return Answer({test: "everything: %s" % plan["because"] for test in self._tests}, set(), set())
        tests, files = plan["tests"], plan["files"]
        assert isinstance(tests, list) and isinstance(files, list)
        found: Dict[str, str] = {}
        opaque = set()
        for one in files:
            path = one["path"]
            for test in self._tests:
                if path in ("", ".") or test.split("::")[0] == path or test.startswith(path + "/"):
                    found[test] = "its file: " + _sentence(one["reasons"])
        for one in tests:
            found.setdefault(one["id"], _sentence(one["reasons"]))
            if any(reason["kind"] == "opaque" for reason in one["reasons"]):
                opaque.add(one["id"])
        return Answer(found, opaque, set(found) - set(self._tests))


def _sentence(reasons: List[Dict[str, object]]) -> str:
    """The first reason of a plan, as words."""
    return " ".join(str(value) for value in reasons[0].values()) if reasons else "no reason"


def ask(winnow: Winnow, root: str, edit: Edit) -> Answer:
    """The plan after the edit; the file has its bytes back afterwards, whatever happens."""
    full = os.path.join(root, *edit.path.split("/"))
    original = read(root, edit.path)
    try:
        with open(full, "wb") as target:
            target.write(edit.text)
        return winnow.plan()
    finally:
        with open(full, "wb") as target:
            target.write(original)


@contextlib.contextmanager
def copy_of(project: str, cache: str) -> Iterator[str]:
    """A copy that goes when it was used, with the files' times: a young file would not be believed at a glance."""
    above = tempfile.mkdtemp(prefix="copy-", dir=os.path.join(cache, "touched"))
    root = os.path.join(os.path.realpath(above), os.path.basename(project))
    try:
        shutil.copytree(project, root, symlinks=True, ignore=lambda _, names: [one for one in names if one in SKIPPED])
        yield root
    finally:
        shutil.rmtree(above, ignore_errors=True)


# --- figures ----------------------------------------------------------------------------------------------------------


class Judged(NamedTuple):
    """An edit with the tests that it touches and those that would run, tests that always run left out."""

    edit: Edit
    touched: Set[str]
    run: Set[str]
    at_import: bool
    why: Dict[str, str]

    def missing(self) -> List[str]:
        return sorted(self.touched - self.run)

    def surplus(self) -> List[str]:
        return sorted(self.run - self.touched)


class Figures(NamedTuple):
    """Sums over some edits."""

    edits: int
    touched: int
    run: int
    surplus: int
    opaque: int
    missing: int
    pairs: int

    def ratio(self) -> Optional[float]:
        return self.run / self.touched if self.touched else None

    def share(self) -> float:
        return 100.0 * self.surplus / self.pairs if self.pairs else 0.0


def figures(judged: List[Judged], every: Set[str], opaque: Set[str]) -> Figures:
    return Figures(
        len(judged),
        sum(len(one.touched & every) for one in judged),
        sum(len(one.run & every) for one in judged),
        sum(len((one.run - one.touched) & every) for one in judged),
        sum(len((one.run - one.touched) & every & opaque) for one in judged),
        sum(len((one.touched - one.run) & every) for one in judged),
        len(judged) * len(every),
    )


def row(name: str, sums: Figures, ratio: Optional[float], share: Optional[float]) -> List[str]:
    """A row of the table, with the targets that are set for it."""
    got = sums.ratio()
    return [
        name,
        str(sums.edits),
        str(sums.touched),
        str(sums.run),
        ("-" if got is None else "%.2f" % got) + ("" if ratio is None else " (at most %.1f)" % ratio),
        str(sums.surplus),
        "%.2f %%" % sums.share() + ("" if share is None else " (below %.0f %%)" % share),
        str(sums.opaque),
        str(sums.missing),
    ]


def report(judged: List[Judged], every: Set[str], opaque: Set[str]) -> Dict[str, Figures]:
    """Prints the table; returns the sums by the names of its rows."""
    sums = {kind: figures([one for one in judged if one.edit.kind == kind], every, opaque) for kind in KINDS}
    sums["all"] = figures(judged, every, opaque)
    sums["all, opaque tests left out"] = figures(judged, every - opaque, opaque)
    inside = [one for one in judged if not one.at_import]
    sums["all, names used at import left out"] = figures(inside, every, opaque)
    head = ["edits of", "edits", "tests touched", "tests run", "run / touched", "false positives"]
    rows = [row(name, one, RATIO if name.startswith("all") else None, _target(name)) for name, one in sums.items()]
    print("\n" + measure.table([*head, "of tests x edits", "of them opaque", "touched, not run"], rows))
    return sums


def _target(name: str) -> Optional[float]:
    return BODY_SHARE if name == "body" else SHARE if name.startswith("all") else None


def missed_bodies(judged: List[Judged], there: Dict[str, Set[Function]]) -> Dict[Edit, Set[str]]:
    """Edits of bodies with the touched tests that would not run, though they execute the body in a whole run too."""
    found = {one.edit: {test for test in one.missing() if one.edit.function in there[test]} for one in bodies(judged)}
    return {edit: tests for edit, tests in found.items() if tests}


def bodies(judged: List[Judged]) -> List[Judged]:
    """Edits of bodies that touch a test that would not run."""
    return [one for one in judged if one.edit.kind == "body" and one.missing()]


def show_missing(judged: List[Judged], missed: Dict[Edit, Set[str]]) -> None:
    """Prints edits with tests that they touch and that would not run."""
    for kind in KINDS:
        found = [one for one in judged if one.edit.kind == kind and one.missing()]
        if found:
            print("\ntouched, not run (%s):" % kind)
        for one in sorted(found, key=lambda each: each.at_import)[: None if kind == "body" else 5]:
            missing = one.missing()
            print("  %s" % one.edit.place())
            print("      edit: %s%s" % (one.edit.what, "; used at import" if one.at_import else ""))
            print("      %d of %d tests, e.g. %s" % (len(missing), len(one.touched), missing[0]))
            if kind == "body":
                for test in missing[:8]:
                    why = "MISSED" if test in missed.get(one.edit, ()) else "only when alone"
                    print("      %s: %s" % (why, test))


def show_surplus(judged: List[Judged], limit: int = 8) -> None:
    """Prints the edits with most tests that would run though they are not touched."""
    found = sorted(judged, key=lambda one: -len(one.run - one.touched))[:limit]
    if found and found[0].run - found[0].touched:
        print("\nmost false positives:")
    for one in found:
        surplus = one.surplus()
        if surplus:
            print(
                "  %4d  %-12s %s, %d touched, e.g. %s"
                % (len(surplus), one.edit.kind, one.edit.place(), len(one.touched), surplus[0])
            )
            print("                    %s" % one.why[surplus[0]])


def uses_at_import(edit: Edit, uses: Dict[str, Uses], truth: Truth) -> bool:
    """Whether module level that was executed uses the name that is edited."""
    return any(at not in uses[path].inside and truth.executed((path, at)) for path, at in edit.lines)


# --- command line -----------------------------------------------------------------------------------------------------


def write_json(
    path: str,
    names: Dict[str, object],
    sums: Dict[str, Figures],
    judged: List[Judged],
    missed: Dict[Edit, Set[str]],
) -> None:
    rows = {
        name: {**one._asdict(), "ratio": one.ratio(), "falsePositivesPercent": one.share()}
        for name, one in sums.items()
    }
    edits = [
        {
            "kind": one.edit.kind,
            "path": one.edit.path,
            "line": one.edit.line,
            "name": one.edit.name,
            "what": one.edit.what,
            "touched": len(one.touched),
            "run": len(one.run),
            "usedAtImport": one.at_import,
            "falsePositives": {test: one.why[test] for test in one.surplus()},
            "missing": one.missing(),
            "missed": sorted(missed.get(one.edit, ())),
        }
        for one in judged
    ]
    targets = {"ratio": RATIO, "bodyFalsePositivesPercent": BODY_SHARE, "falsePositivesPercent": SHARE}
    with open(path, "w", encoding="utf-8") as out:
        whole = {"version": 1, **names, "targets": targets, "sums": rows, "edits": edits}
        json.dump(whole, out, indent=1)


def main() -> int:
    """Command line; 1 if an edit of a body touches a test that would not run."""
    own, rest = invocation.split(sys.argv[1:])
    parser = argparse.ArgumentParser(description="how precise is the selection?")
    parser.add_argument("project")
    parser.add_argument("--python", required=True, help="the interpreter of the project's environment")
    parser.add_argument("--edits", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=0, help="judge only so many tests, taken evenly (0: all)")
    parser.add_argument("--allow-state", action="store_true", help="0 if all that is missing ran only when alone")
    parser.add_argument("--pythonpath", action="append", default=[], help="PYTHONPATH entry, relative to the project")
    parser.add_argument("--winnow", default=os.path.join(environments.REPOSITORY, "winnow"), help="which Winnow to ask")
    parser.add_argument("--cache", help="directory for copies and for what is known of tests (default: .cache/bench)")
    parser.add_argument("--json", help="also write the figures there")
    parser.add_argument("--kinds", default=",".join(KINDS), help="kinds of edits to draw (default: %(default)s)")
    args = parser.parse_args(own)
    kinds = args.kinds.split(",")
    if not set(kinds) <= set(KINDS):
        parser.error("kinds are: %s" % ", ".join(KINDS))
    # Not resolved: the interpreter of a virtual environment is a link, and where it stands says which one it is.
    python = os.path.abspath(args.python)
    ended = invocation.run_on(python, __file__)
    if ended is not None:
        return ended
    project = os.path.realpath(args.project)
    cache = environments.cache_directory(args.cache)
    os.makedirs(os.path.join(cache, "touched"), exist_ok=True)
    setting = Setting(python, rest, args.pythonpath)
    name = os.path.basename(project)
    print("%s on Python %s: every test alone" % (name, environments.version_of(python)), flush=True)
    with copy_of(project, cache) as root:
        tests = all_tests(setting, root)
        sample = invocation.evenly(tests, args.limit)
        truth = truth_of(setting, root, cache, sample)
        edits, uses = edits_of(root, truth)
    drawn = edits.draw(random.Random(args.seed), args.edits, kinds)

    with copy_of(project, cache) as root:
        winnow = Winnow(os.path.abspath(args.winnow), setting, root, tests)
        print("recording, then %d edits" % len(drawn), flush=True)
        winnow.record()
        before = winnow.plan()
        always = set(before.tests)
        every = set(truth.tests) - always
        judged, opaque, unknown = [], set(before.opaque), set(before.unknown)
        for edit in drawn:
            answer = ask(winnow, root, edit)
            touched = truth.touched(edit.function, edit.lines) & every
            opaque |= answer.opaque
            unknown |= answer.unknown
            run = set(answer.tests) & every
            judged.append(Judged(edit, touched, run, uses_at_import(edit, uses, truth), answer.tests))
        if set(winnow.plan().tests) != always:
            print("  SUSPICIOUS: with all files as they were, the plan is not what it was before the edits")
        missing = {test for one in bodies(judged) for test in one.missing()}
        missed = missed_bodies(judged, in_whole_run(setting, root, cache, missing)) if missing else {}

    left_out = ", ".join("%d %s" % (count, why) for why, count in sorted(truth.left_out.items()))
    if len(sample) < len(tests):
        left_out += "%s%d not in the sample" % (", " if left_out else "", len(tests) - len(sample))
    always_of = len(always & set(truth.tests))
    print("%d tests; not judged: %s%d always run" % (len(every), left_out + ", " if left_out else "", always_of))
    print("%d opaque tests run after any change" % len(opaque & every))
    if unknown:
        print("  SUSPICIOUS: %d tests of the plan were never collected, e.g. %s" % (len(unknown), sorted(unknown)[0]))
    for kind in KINDS:
        if not edits.by_kind[kind]:
            print("  there is nothing to edit of the kind: %s" % kind)
    sums = report(judged, every, opaque)
    print("a plan took %.2f s" % (winnow.seconds / winnow.plans))
    show_missing(judged, missed)
    show_surplus(judged)
    if args.json:
        names = {
            "project": name,
            "python": environments.version_of(python),
            "seed": args.seed,
            "tests": len(every),
            "notJudged": {**truth.left_out, "always run": always_of, "not in the sample": len(tests) - len(sample)},
            "opaque": len(opaque & every),
        }
        write_json(args.json, names, sums, judged, missed)
    return 1 if missed or (bodies(judged) and not args.allow_state) else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        witness(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
    elif sys.argv[1:2] == ["--collect"]:
        collect(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main())
