"""Runs one test alone, in this fresh process, under coverage.py's C tracer, and writes down which functions ran.

    PY bench/alone.py OUT.json ROOT COVERAGE_DIRECTORY PYTEST-ARGS…          with COVERAGE_CORE=ctrace

With `BENCH_CONTEXTS=FILE`, a JSON list of node ids, and `-p bench_contexts` among the arguments, it does the same for a
whole run and writes what each of those tests itself executed in it.

Only the standard library is imported here, and nothing of `bench/`: a module of the project may have any name.
"""

import ast
import json
import os
import sys
from types import CodeType
from typing import TYPE_CHECKING, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

if TYPE_CHECKING:
    import coverage


class Definition(NamedTuple):
    """A function of a source file; `first` as `co_firstlineno`: that of the first decorator."""

    first: int
    name: str
    header_end: int
    body: int
    last: int


def definitions(tree: ast.Module) -> List[Definition]:
    """All functions of a file, outer ones before inner ones."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            header: List[ast.AST] = [node.args, *node.decorator_list]
            if node.returns:
                header.append(node.returns)
            ends = [getattr(part, "end_lineno", 0) or 0 for piece in header for part in ast.walk(piece)]
            first = min([node.lineno, *[decorator.lineno for decorator in node.decorator_list]])
            found.append(
                Definition(first, node.name, max([node.lineno, *ends]), node.body[0].lineno, node.end_lineno or 0)
            )
    return sorted(found)


def innermost(found: Sequence[Definition], line: int) -> Optional[Definition]:
    """The function whose body holds `line`; None on module level, on headers, and where the line cannot tell."""
    best: Optional[Definition] = None
    for one in found:
        # A header belongs to whoever defines the function; a body on the header's line is undecided by lines.
        if one.header_end < line <= one.last and (best is None or one.first >= best.first):
            best = one
    return best


def belongs(found: Sequence[Definition], line: int, name: str) -> Optional[Definition]:
    """The function that a code object is part of: itself, or the one around a lambda, comprehension or class."""
    for one in found:
        if (one.first, one.name) == (line, name):
            return one
    best: Optional[Definition] = None
    for one in found:
        if one.body <= line <= one.last and one.first < line and (best is None or one.first >= best.first):
            best = one
    return best


def _code_objects(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_objects(constant)


def executed(path: str, lines: Sequence[int], arcs: Sequence[Tuple[int, int]]) -> Set[Tuple[int, str]]:
    """The functions (first line, name) of the file that ran."""
    with open(path, "rb") as source:
        text = source.read()
    tree = ast.parse(text)
    found = definitions(tree)
    out = set()
    at: Dict[int, List[str]] = {}
    for code in _code_objects(compile(text, path, "exec", dont_inherit=True)):
        at.setdefault(code.co_firstlineno, []).append(code.co_name)
    for start, _ in arcs:
        # An entry into a code object. Two that begin on one line cannot be told apart: the lines decide there.
        if start < 0 and len(at.get(-start, ())) == 1:
            one = belongs(found, -start, at[-start][0])
            if one:
                out.add((one.first, one.name))
    for line in lines:
        one = innermost(found, line)
        if one:
            out.add((one.first, one.name))
    return out


def _functions(data: "coverage.CoverageData", root: str) -> List[Tuple[str, int, str]]:
    """The functions in the data (of the context that it was set to, if it was)."""
    functions: List[Tuple[str, int, str]] = []
    for path in data.measured_files():
        if path.endswith(".py") and os.path.isfile(path):
            lines, arcs = data.lines(path) or [], data.arcs(path) or []
            if lines or arcs:
                rel = os.path.relpath(os.path.realpath(path), os.path.realpath(root)).replace(os.sep, "/")
                functions += [(rel, first, name) for first, name in executed(path, lines, arcs)]
    return sorted(functions)


def alone(out: str, root: str, arguments: List[str]) -> None:
    """Runs pytest in this process under the C tracer and writes down which functions of the project ran."""
    import runpy

    import coverage

    outside = [os.path.join(os.path.realpath(prefix), "*") for prefix in {sys.prefix, sys.base_prefix}]
    cov = coverage.Coverage(
        data_file=None,
        config_file=False,
        branch=True,
        include=[os.path.join(root, "*")],
        omit=["*/site-packages/*", "*/.winnow/*", *outside],
    )
    # The path as `python -m pytest` would have it: the directory of this script must not be visible to the project.
    sys.path[0] = os.getcwd()
    sys.argv = ["pytest", *arguments]
    wanted = os.environ.pop("BENCH_CONTEXTS", "")
    cov.start()
    tracer = cov._collector.tracer_name()
    code = 0
    try:
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    cov.stop()
    data = cov.get_data()
    answer: Dict[str, object] = {"tracer": tracer, "exit": int(code), "functions": _functions(data, root)}
    if wanted:
        with open(wanted, encoding="utf-8") as text:
            tests = json.load(text)
        found = {}
        for test in tests:
            data.set_query_context(test)
            found[test] = _functions(data, root)
        answer = {"tracer": tracer, "exit": int(code), "tests": found}
    with open(out, "w", encoding="utf-8") as target:
        json.dump(answer, target)


if __name__ == "__main__":
    sys.path.append(sys.argv[3])
    alone(sys.argv[1], sys.argv[2], sys.argv[4:])
