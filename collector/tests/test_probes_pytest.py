"""pytest with probes: same outcomes, same output, same coverage (lines and branches)."""

import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
COLLECTOR = os.path.dirname(HERE)

# The least of a collector: every module below the root gets probes; `slice` lines tell what each test touched.
PLUGIN = """
import ast, importlib.machinery, os, sys
from winnow_collector.registry import Registry
from winnow_collector.tracing.probes import ProbesTracer
from _pytest.assertion import rewrite

ROOT = os.getcwd()
registry = Registry(ROOT)
tracer = ProbesTracer(registry, os.path.join(ROOT, ".winnow"))
transform = tracer.transform()
original_get_code = importlib.machinery.SourceFileLoader.get_code
original_exec = rewrite.AssertionRewritingHook.exec_module

def get_code(self, name):
    if not self.path.startswith(ROOT + os.sep) or "winnow_plugin" in self.path:
        return original_get_code(self, name)
    return transform.compile(self.get_data(self.path), self.path, None)

def exec_module(self, module):
    path = module.__spec__.origin
    if not path.startswith(ROOT + os.sep):
        return original_exec(self, module)
    source = self.get_data(path)
    code = transform.recall(source, path, "pytest")
    if code is None:
        tree = ast.parse(source, path)
        rewrite.rewrite_asserts(tree, source, path, self.config)
        code = transform.compile(source, path, tree, "pytest")
    exec(code, module.__dict__)

importlib.machinery.SourceFileLoader.get_code = get_code
rewrite.AssertionRewritingHook.exec_module = exec_module
codes = []

def pytest_runtest_logstart():
    tracer.take()

def pytest_runtest_logfinish(nodeid):
    numbers = tracer.take()
    for frame in registry.announcements():
        codes.extend(frame.get("codes", ()))
    with open(os.path.join(ROOT, "slices.txt"), "a") as file:
        file.write("%s %s\\n" % (nodeid, " ".join(sorted(codes[number][2] for number in numbers))))
"""

PARTIAL = '''
"""Branches of every kind, some taken."""
import asyncio
from contextlib import suppress


def choose(a, b=None):
    """doc"""
    if a:
        b = 1
    elif b:
        b = 2
    while a:
        a -= 1
        if a == 1:
            continue
    else:
        b = 3
    for i in range(a): b = i
    return b


def constant():
    if False:
        return 1
    while True:
        if choose(1):
            break


def documented():
    """only"""


def passing(): pass


def first_while(n):
    while n:
        n -= 1
        if n > 3:
            break


def first_for(n):
    for i in n:
        if i: return i


def first_with():
    with suppress(ValueError):
        raise ValueError
    return 1


def first_try():
    try:
        choose(0)
    except ValueError:
        return 1
    else:
        return 2
    finally:
        passing()


def generate(n):
    """doc"""
    try:
        for i in range(n):
            x = yield i
            if x:
                with suppress(ValueError):
                    yield (
                        x
                    )
    except KeyError:
        yield 5
    finally:
        passing()


def unused(a):
    if a:
        return [x for x in a if x]
    return (lambda: a)


class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *a):
        await asyncio.sleep(0)


async def ticks(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


async def asynchronous(n):
    async with Manager() as m:
        if n:
            n += 1
    if n > 5:
        return 1
    async for i in ticks(n):
        if i == 1:
            continue
        async with Manager():
            if i == 7: break
    async for i in ticks(1):
        pass
    while n:
        async with Manager():
            n -= 1
            if n == 1:
                break
    else:
        return 9
    try:
        await m
    except TypeError:
        pass
    return [
        i
        async for i in ticks(2)
        if i
    ], sum(x for x in range(3) if x), any(
        x for x in ()
    )


key = lambda a: a if a else 1
other = lambda: (
    1
)


def decorate(f):
    return f


@decorate
class Decorated:
    @decorate
    @decorate
    def method(self, a=key(1)):
        @decorate
        def inner():
            nonlocal a
            a = 2
        if a:
            inner()
        return a

    def never(self):
        global nothing
        nothing = 1
'''

TESTS = '''
import asyncio
import dataclasses
import pytest
from partial import *
from partial import key


@pytest.fixture(scope="module")
def shared():
    """fixture"""
    value = choose(1)
    yield value
    passing()


@pytest.fixture
def own(shared):
    yield (lambda: shared)()


def test_choose(own):
    assert choose(2) == 3
    assert own == 3, "text"
    constant(), documented(), passing(), first_while(2), first_for([1])
    assert first_with() == 1 and first_try() == 2


def test_generate(shared):
    it = generate(2)
    assert [next(it), it.send(7), it.throw(ValueError), next(it, None)] == [0, 7, 1, None]


@pytest.mark.parametrize("n", [0, 2])
def test_asynchronous(n):
    assert asyncio.run(asynchronous(n))
    assert key(3) == 3


class TestClass:
    def test_method(self):
        assert (
            Decorated().method()
            == 2
        )

    def test_failing(self):
        x = first_for([0, 3])
        assert x == choose(
            1
        ) + 1, f"{(lambda: 1)()}"

    def test_raising(self):
        first_for(3)


@dataclasses.dataclass
class Data:
    x: int = 1

    def double(self):
        return self.x * 2


def test_data():
    assert Data(2).double() == 5
'''


def make(root):
    root.mkdir()
    for name, text in (("partial.py", PARTIAL), ("test_partial.py", TESTS), ("winnow_plugin.py", PLUGIN)):
        (root / name).write_text(textwrap.dedent(text).lstrip("\n"))
    shutil.copy(os.path.join(HERE, "probes_shapes.py"), str(root / "shapes.py"))
    (root / "test_shapes.py").write_text(
        "import pytest, shapes\n"
        "@pytest.mark.parametrize('name', [n for n in vars(shapes) if n.startswith('case_')][::2])\n"
        "def test_shape(name):\n    getattr(shapes, name)()\n"
    )
    (root / "conftest.py").write_text("import pytest\n@pytest.fixture(autouse=True)\ndef everywhere():\n    yield\n")
    (root / ".coveragerc").write_text("[run]\nomit = winnow_plugin.py\n")


def run(root, probes, *arguments, **extra):
    """Output of pytest, without times; the run's files are left in `root`."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV", "PYTHON"))}
    environment.update(extra, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    environment["PYTHONPATH"] = os.pathsep.join([str(root), COLLECTOR])
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore"]
    command += ["-p", "winnow_plugin"] if probes else []
    done = subprocess.run(
        command + list(arguments),
        cwd=str(root),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    output = re.sub(r"in [\d.]+s", "in 0s", done.stdout)
    return re.sub(r" at 0x[0-9a-f]+", "", output)


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """Two equal projects under one name, so that paths in the output agree."""
    base = tmp_path_factory.mktemp("probes")
    made = []
    for name in ("plain", "probed"):
        (base / name).mkdir()
        make(base / name / "project")
        made.append(base / name / "project")
    return made


def slices(root):
    with open(str(root / "slices.txt")) as file:
        lines = [line.split(" ") for line in file.read().splitlines()]
    os.unlink(str(root / "slices.txt"))
    return {line[0]: line[1:] for line in lines}


def normal(text, root):
    return text.replace(str(root), "ROOT").replace(str(root.parent), "ROOT")


def test_outcomes_and_output(projects):
    plain, probed = projects
    expected = normal(run(plain, False), plain)
    assert "4 failed" in expected and "assert 3 == (3 + 1)" in expected, expected
    for _ in range(2):  # compiled, then from the kept byte code
        assert normal(run(probed, True), probed) == expected
        seen = slices(probed)
        generated = seen["test_partial.py::test_generate"]
        assert "generate" in generated and "choose" not in generated
        assert seen["test_partial.py::test_choose"] == sorted(
            "everywhere shared own <lambda> test_choose choose constant documented passing first_while first_for"
            " first_with first_try".split()
        )
        assert "method" in seen["test_partial.py::TestClass::test_method"]
        assert seen["test_partial.py::test_data"] == ["double", "everywhere", "passing", "shared", "test_data"]
    assert len(list(probed.glob(".winnow/*/*.code"))) == 5


@pytest.mark.parametrize(
    "kind, core", [("lines", ""), ("branches", ""), ("branches", "sysmon"), ("branches", "pytrace")]
)
def test_coverage(projects, kind, core):
    pytest.importorskip("pytest_cov")
    if core == "sysmon" and not hasattr(sys, "monitoring"):
        pytest.skip("needs sys.monitoring")
    extra = {"COVERAGE_CORE": core} if core else {}
    if core == "pytrace":
        extra["COVERAGE_TEST_TRACER"] = "py"
    reports = []
    for root, probes in zip(projects, (False, True)):
        arguments = ["-p", "pytest_cov", "--cov=.", "--cov-report=term-missing", "-q"]
        arguments += ["--cov-branch"] if kind == "branches" else []
        output = run(root, probes, *arguments, **extra)
        reports.append(normal(output[output.index("coverage:") :], root))
    assert "partial.py" in reports[0] and "100%" not in reports[0].split("partial.py")[1].splitlines()[0]
    assert reports[0] == reports[1]
