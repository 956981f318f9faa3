"""Probes change no line: tables, events, names and docstrings are those of the module without probes."""

import ast
import dis
import itertools
import os
import sys
import sysconfig
import types
import warnings

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from winnow_collector.tracing import instrument as probes  # noqa: E402

SHAPES = [
    os.path.join(HERE, name)
    for name, version in (
        ("probes_shapes.py", (3, 8)),
        ("probes_shapes_310.py", (3, 10)),
        ("probes_shapes_312.py", (3, 12)),
    )
    if sys.version_info >= version
]
LAZY = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


def compile_both(source, path):
    """The module's code without and with probes (not bound), and what `instrument` returned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source, path)
        found = probes.instrument(tree, 1 << 50, source)
        return (
            compile(source, path, "exec", dont_inherit=True),
            compile(tree, path, "exec", dont_inherit=True),
            found,
        )


def codes_in(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_in(constant)


def lines_of(code):
    """Lines in the order of the instructions, as far as a tracer is told of them."""
    if sys.version_info < (3, 10):
        lines = [line for _, line in dis.findlinestarts(code)]
    else:
        start = 0
        if sys.version_info >= (3, 11):
            start = code.co_code[::2].index(dis.opmap["RESUME"]) * 2 + 2
        elif code.co_code[0] == dis.opmap["GEN_START"]:
            start = 2
        lines = [line for _, end, line in code.co_lines() if end > start and line is not None]
    return [line for line, _ in itertools.groupby(lines)]


def docstring_of(code):
    """What a function made of the code says in `__doc__`."""
    return types.FunctionType(code, {}, closure=tuple(types.CellType() for _ in code.co_freevars)).__doc__


def differences(path):
    """What differs between the code of a file with and without probes, as text."""
    with open(path, "rb") as file:
        source = file.read()
    plain, probed, found = compile_both(source, path)
    before, after = list(codes_in(plain)), list(codes_in(probed))
    if [(c.co_firstlineno, c.co_name) for c in before] != [(c.co_firstlineno, c.co_name) for c in after]:
        return ["functions"]
    rows = set(found.rows) | set(found.opaque)
    result = []
    for old, new in zip(before, after):
        where = "%s:%d %s " % (os.path.basename(path), old.co_firstlineno, old.co_name)
        if set(lines_of(old)) != set(lines_of(new)):
            result.append(where + "lines %s %s" % (lines_of(old), lines_of(new)))
        for name in ("co_flags", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_argcount"):
            if getattr(old, name) != getattr(new, name):
                result.append(where + name)
        if old.co_name[0] != "<" and old.co_flags & 2:
            docs = [docstring_of(code) for code in (old, new)]
            if docs[0] != docs[1] and (sys.version_info < (3, 11) or probes._PLACEHOLDER not in docs):
                result.append(where + "docstring")
        is_function = old.co_flags & 3 == 3 and old.co_name not in LAZY and "generic param" not in old.co_name
        # What evaluates annotations is one too, in 3.14; names of type parameters and aliases are, in 3.12.
        is_function = is_function and old.co_name != "__annotate__"
        if is_function and (old.co_firstlineno, old.co_name) not in rows and ".type_params" not in old.co_freevars:
            result.append(where + "has no key")
    return result


def test_standard_library_sample():
    """A sample: the whole library takes a minute."""
    root = sysconfig.get_paths()["stdlib"]
    files = sorted(os.path.join(root, name) for name in os.listdir(root) if name.endswith(".py"))
    for package in ("asyncio", "unittest", "concurrent/futures", "importlib"):
        directory = os.path.join(root, *package.split("/"))
        files += sorted(os.path.join(directory, name) for name in os.listdir(directory) if name.endswith(".py"))
    wrong = []
    for path in files[::6]:
        wrong += differences(path)
    # Type aliases at module level make functions without a scope of ours.
    assert [each for each in wrong if not each.startswith("typing.py")] == []


@pytest.mark.parametrize("path", SHAPES, ids=os.path.basename)
def test_shapes_compile_alike(path):
    wrong = differences(path)
    assert [each for each in wrong if "has no key" not in each] == []


def execute(code, path):
    namespace = {"__name__": "shapes", "__file__": path}
    exec(code, namespace)
    return namespace


def events_of(function, path):
    """What a trace function is told while the function runs, and the function's result."""
    events = []

    def trace(frame, event, _argument):
        if frame.f_code.co_filename != path:
            return None
        events.append((event, frame.f_code.co_name, frame.f_lineno))
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        result = function()
    finally:
        sys.settrace(previous)
    return events, result


@pytest.mark.parametrize("path", SHAPES, ids=os.path.basename)
def test_shapes_run_alike(path):
    with open(path, "rb") as file:
        source = file.read()
    plain, probed, _ = compile_both(source, path)
    touched = probes.Touched()
    old, new = execute(plain, path), execute(probes.bind(probed, touched), path)
    cases = [name for name in old if name.startswith("case_") and name != "case_raiser"]
    assert len(cases) > 1
    for name in cases:
        touched.clear()
        old_events, old_result = events_of(old[name], path)
        new_events, new_result = events_of(new[name], path)
        assert new_events == old_events, name
        assert touched, name
        if " at 0x" not in repr(old_result):
            assert repr(new_result) == repr(old_result), name
        assert new[name].__doc__ == old[name].__doc__
