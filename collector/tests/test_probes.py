"""What probes notice, slice by slice, and that code with probes behaves as without."""

import ast
import asyncio
import copy
import importlib.util
import inspect
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import traceback

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from winnow_collector.registry import Registry  # noqa: E402
from winnow_collector.tracing import instrument as instrumenting  # noqa: E402
from winnow_collector.tracing.probes import ProbesTracer  # noqa: E402


class Project:
    """A project directory whose modules are loaded with probes."""

    def __init__(self, root):
        self.root = root
        self.registry = Registry(str(root))
        self.tracer = ProbesTracer(self.registry, str(root / ".winnow" / "bytecode"))
        self.codes = []

    def path(self, name="module.py"):
        return str(self.root / name)

    def code(self, source, name="module.py", flavour="", tree=None):
        data = textwrap.dedent(source).encode()
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.tracer.transform().compile(data, self.path(name), tree, flavour)

    def load(self, source, name="module.py"):
        """The namespace of a module; what its import touched is taken."""
        spec = importlib.util.spec_from_file_location(os.path.splitext(name)[0], self.path(name))
        code = self.code(source, name)
        module = importlib.util.module_from_spec(spec)
        exec(code, module.__dict__)
        self.take()
        return module

    def take(self):
        """Names of what was touched, sorted."""
        numbers = self.tracer.take()
        assert len(numbers) == len(set(numbers))
        for frame in self.registry.announcements():
            if frame["k"] == "codes":
                assert frame["base"] == len(self.codes)
                self.codes += frame["codes"]
        return sorted(self.codes[number][2] for number in numbers)

    def lines(self):
        numbers = self.tracer.take()
        self.codes += [row for frame in self.registry.announcements() for row in frame.get("codes", [])]
        return sorted(self.codes[number][1:] for number in numbers)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_each_slice_has_its_own(project):
    m = project.load(
        """
        def a(): return b()
        def b():
            "doc"
        class C:
            @property
            def p(self):
                return (lambda: 1)()
        """
    )
    assert project.take() == []
    m.a()
    assert project.take() == ["a", "b"]
    assert m.b.__doc__ == "doc"
    m.b(), m.b()
    assert project.take() == ["b"]
    assert m.C().p == 1
    assert project.take() == ["<lambda>", "p"]
    assert project.take() == []


def test_a_number_says_file_line_and_name(project):
    m = project.load("@staticmethod\ndef f(): pass\ng = lambda: 1\n")
    getattr(m.f, "__func__", m.f)()
    m.g()
    numbers = project.tracer.take()
    assert sorted(project.registry.announcements()[-1]["codes"]) == [(0, 1, "f"), (0, 3, "<lambda>")]
    assert len(numbers) == 2


def test_import_touches_what_it_calls_only(project):
    code = project.code("def f(x=1): return x\ndef g(): pass\ny = f()\n")
    exec(code, {})
    assert project.take() == ["f"]


def test_generator_resumed_in_another_slice(project):
    m = project.load(
        """
        def g():
            x = yield 1
            yield x
            y = [(yield 3), (yield 4)]
            z = yield from h()
            return z
        def h():
            a = yield 5
            return a
        """
    )
    it = m.g()
    assert project.take() == []
    for sent, expected, touched in (
        (None, 1, ["g"]),
        (2, 2, ["g"]),
        (None, 3, ["g"]),
        (None, 4, ["g"]),
        (None, 5, ["g", "h"]),
    ):
        assert it.send(sent) == expected
        assert project.take() == touched
    with pytest.raises(StopIteration) as stop:
        it.send(7)
    assert stop.value.value == 7
    assert project.take() == ["g", "h"]


def test_throw_and_close_reach_handlers(project):
    m = project.load(
        """
        log = []
        def g():
            try:
                yield 1
            except ValueError:
                log.append(1)
            try:
                yield 2
            finally:
                log.append(2)
        """
    )
    it = m.g()
    next(it)
    project.take()
    assert it.throw(ValueError()) == 2
    assert project.take() == ["g"]
    it.close()
    assert project.take() == ["g"] and m.log == [1, 2]


def test_with_that_swallows_what_was_thrown_in(project):
    m = project.load(
        """
        from contextlib import suppress
        log = []
        def g():
            if True:
                with suppress(ValueError):
                    yield 1
            log.append(1)
            for i in range(2):
                with suppress(ValueError):
                    yield 1
            log.append(2)
        """
    )
    it = m.g()
    next(it)
    for expected in (["g"], ["g"]):
        project.take()
        it.throw(ValueError())
        assert project.take() == expected
    with pytest.raises(StopIteration):
        it.throw(ValueError())
    assert project.take() == ["g"] and m.log == [1, 2]


def test_coroutines(project):
    m = project.load(
        """
        class Steps:
            def __init__(self, n, result=None): self.n, self.result = n, result
            def __await__(self):
                for i in range(self.n):
                    yield i
                return self.result
            async def __aenter__(self): return await Steps(1, self)
            async def __aexit__(self, *a): await Steps(1)
            def __aiter__(self): return self
            async def __anext__(self):
                await Steps(1)
                self.n -= 1
                if not self.n: raise StopAsyncIteration
                return self.n
        log = []
        async def simple():
            await Steps(1)
            log.append(1)
            x = await Steps(1, 5)
            return x
        async def manager():
            async with Steps(1) as s:
                log.append(2)
            log.append(3)
        async def loop():
            async for i in Steps(2):
                log.append(4)
            log.append(5)
        async def loop_else():
            async for i in Steps(1): pass
            else:
                log.append(6)
            while 1:
                async with Steps(1):
                    break
            log.append(7)
        async def comprehension():
            a = [i async for i in Steps(3)]
            return a
        async def swallowed():
            try:
                await Steps(1)
            except KeyError:
                log.append(8)
        """
    )
    for name, result in (
        ("simple", 5),
        ("manager", None),
        ("loop", None),
        ("loop_else", None),
        ("comprehension", [2, 1]),
    ):
        coroutine = getattr(m, name)()
        steps = 0
        while True:
            before = len(m.log)
            try:
                coroutine.send(None)
            except StopIteration as stop:
                assert stop.value == result
                # What ends here has run something here.
                assert name in project.take(), (name, "end")
                break
            touched = project.take()
            assert "__await__" in touched
            if len(m.log) != before:
                assert name in touched, (name, steps)
            steps += 1
        assert steps >= 2
    coroutine = m.swallowed()
    coroutine.send(None)
    project.take()
    with pytest.raises(StopIteration):
        coroutine.throw(KeyError())
    assert project.take() == ["swallowed"]


def test_asynchronous_generators(project):
    m = project.load(
        """
        import asyncio
        async def g():
            try:
                x = yield 1
                await asyncio.sleep(0)
                yield x
            except ValueError:
                yield 3
            finally:
                await asyncio.sleep(0)
        """
    )

    async def main():
        it = m.g()
        seen = []
        for step in (it.__anext__, lambda: it.asend(2), lambda: it.athrow(ValueError())):
            seen.append((await step(), project.take()))
        await it.aclose()
        return seen, project.take()

    assert asyncio.run(main()) == ([(1, ["g"]), (2, ["g"]), (3, ["g"])], ["g"])


def test_generator_expressions_consumed_later(project):
    m = project.load(
        """
        def made(n): return (x for x in range(n))
        def filtered(n): return (x for x in range(n) if x > 1)
        def nested(n): return (x + y for x in range(n) for y in range(x) if y)
        def summed(n): return sum(x for x in range(n)), ",".join(str(x) for x in range(n))
        def own(n, any): return any(x for x in range(n))
        """
    )
    for name, result in (("made", [0, 1, 2]), ("filtered", [2]), ("nested", [3])):
        it = getattr(m, name)(3)
        assert project.take() == [name]
        assert list(it) == result
        assert project.take() == [name]
    assert m.summed(3) == (3, "0,1,2")
    later = m.own(2, lambda generator: generator)
    project.take()
    assert list(later) == [0, 1]
    assert project.take() == ["own"]


def test_lambdas(project):
    m = project.load(
        """
        from typing import Callable
        key = lambda a, b=(lambda: 2): a + b()
        def f(x: "int" = 1, *, k: Callable = lambda v: v) -> (lambda: 1): return k(x)
        falsy = lambda: 0
        generator = lambda: (yield 1)
        class C:
            m = lambda self: self
        """
    )
    assert m.key(1) == 3
    assert project.lines() == [(3, "<lambda>")]
    assert m.f(5) == 5
    assert project.lines() == [(4, "<lambda>"), (4, "f")]
    assert m.falsy() == 0
    assert project.lines() == [(5, "<lambda>")]
    it = m.generator()
    assert project.take() == []
    assert it.send(None) == 1
    assert project.lines() == [(6, "<lambda>")]
    with pytest.raises(StopIteration) as stop:
        it.send(9)
    assert stop.value.value == 9
    assert project.lines() == [(6, "<lambda>")]
    assert isinstance(m.C().m(), m.C)


def test_annotations_stay_text(project):
    m = project.load(
        """
        from __future__ import annotations
        def f(a: Call[lambda: 1], *b: [x for x in y], **c: (z for z in y)) -> [lambda: 2]:
            d: lambda: 3 = 4
            return d
        class C:
            x: lambda: 1
        """
    )
    assert m.f(1) == 4
    assert {**m.f.__annotations__, **m.C.__annotations__} == {
        "a": "Call[lambda: 1]",
        "b": "[x for x in y]",
        "c": "(z for z in y)",
        "return": "[lambda: 2]",
        "x": "lambda: 1",
    }


def test_functions_that_others_compile_count_always(project):
    m = project.load(
        """
        def njit(f=None, **k): return f if f else njit
        def overload(f): return f
        @njit
        def fast(a):
            def inner(): return a
            return inner()
        @njit(cache=True)
        def faster(a): return a
        def slow(a): return a
        by_call = njit(slow)
        @overload
        def typed(a): ...
        """
    )
    assert project.take() == ["fast", "faster", "inner", "slow"]
    assert m.fast(1) == 1
    assert project.take() == ["fast", "faster", "inner", "slow"]
    assert instrumenting._PLACEHOLDER not in m.fast.__code__.co_consts
    m.typed(1)
    assert "typed" in project.take()


def test_too_deep_for_probes_counts_always(project):
    m = project.load("def f():\n    return %s(lambda: 1)()\ndef g(): pass\n" % ("1 + " * 700))
    assert m.f() == 701
    assert "f" in project.take()
    assert "f" in project.take()


def test_code_looks_untouched(project):
    m = project.load(
        '''
        """module"""
        from __future__ import annotations
        import sys
        def f(a, b=1):
            "doc of f"
            return sorted(locals()), sys._getframe().f_lineno
        class C:
            "doc of C"
            __private = 1
            def m(self): return self.__private, __class__
        def failing():
            x = 1
            raise ValueError(x)
        '''
    )
    assert m.__doc__ == "module" and m.f.__doc__ == "doc of f" and m.C.__doc__ == "doc of C"
    assert m.f(1) == (["a", "b"], 7)
    assert m.C().m() == (1, m.C)
    assert inspect.getsource(m.f).startswith("def f(a, b=1):") and inspect.getsource(m.f).endswith("f_lineno\n")
    assert inspect.getsource(m.C.m).strip() == "def m(self): return self.__private, __class__"
    assert m.f.__code__.co_names == ("sorted", "locals", "sys", "_getframe", "f_lineno")
    try:
        m.failing()
    except ValueError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
    assert (last.name, last.lineno, last.line) == ("failing", 14, "raise ValueError(x)")
    assert not [name for name in vars(sys.modules["builtins"]) if "winnow" in name]
    assert not [name for name in vars(m) if "winnow" in name]


def test_code_can_be_hashed_compared_and_replaced(project):
    m = project.load("def f(): return 1\ndef g(): return (lambda: 2)\n")
    assert hash(m.f.__code__) == hash(m.f.__code__) and m.f.__code__ == m.f.__code__.replace()
    assert m.f.__code__ != m.g.__code__
    assert {m.f.__code__: 1}[m.f.__code__] == 1
    assert copy.deepcopy(m.f) is m.f
    bare = type(m.f)(m.f.__code__, {"__builtins__": {}})
    assert bare() == 1
    assert project.take() == ["f"]


def test_nesting_that_is_too_deep_for_probes_counts_as_touched(project):
    source = "x = 1\ndef f():\n    return %s\ndef g():\n    return [lambda: x]\n" % "+".join(["x"] * 2000)
    spec = importlib.util.spec_from_file_location("module", project.path())
    module = importlib.util.module_from_spec(spec)
    exec(project.code(source), module.__dict__)
    # Nobody can tell whether it ran, nor what else of the module did where not even that can be compiled from a tree.
    found = project.take()
    assert found == project.take() and found in (["f"], ["<lambda>", "f", "g"])
    if len(found) > 1:
        with pytest.raises(RecursionError):
            project.code(source, tree=compile(source, "here", "exec", flags=ast.PyCF_ONLY_AST))


def test_code_pickled_by_value_is_still_noticed(project):
    m = project.load("def f(a): return a + 1\ng = lambda a: a + 2\n")
    for function, name in ((m.f, "f"), (m.g, "<lambda>")):
        touched = next(c for c in function.__code__.co_consts if isinstance(c, instrumenting.Touched))
        assert pickle.loads(pickle.dumps(touched)) is touched
        assert bool(touched) and repr(touched) == "<winnow: touched>"
    cloudpickle = pytest.importorskip("cloudpickle")
    m.f.__module__ = "__main__"
    pickle.loads(cloudpickle.dumps(m.f))(1)
    assert project.take() == ["f"]


def test_pickled_code_works_where_nobody_knows_winnow(project, tmp_path):
    m = project.load("def f(a): return (lambda b: b + 1)(a)\n")
    touched = next(c for c in m.f.__code__.co_consts if isinstance(c, instrumenting.Touched))
    path = tmp_path / "pickled"
    path.write_bytes(pickle.dumps(touched))
    script = """
import pickle, sys, types
touched = pickle.load(open(sys.argv[1], "rb"))
code = compile("def f(a):\\n  'x'[5] = None\\n  return a", "<x>", "exec").co_consts[0]
code = code.replace(co_consts=tuple(touched if c == "x" else c for c in code.co_consts))
assert types.FunctionType(code, {})(1) == 1 and hash(code) == hash(code) and list(touched) == [5]
again = pickle.loads(pickle.dumps(touched))
assert again[7] is None and hash(again) and pickle.dumps(again) and "winnow_collector" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)


def test_objects_of_probed_modules_pickle(project, monkeypatch):
    m = project.load(
        """
        import dataclasses
        @dataclasses.dataclass(order=True)
        class D:
            x: int
            y: list = dataclasses.field(default_factory=lambda: [1])
            def __post_init__(self): self.x += 1
        def f(): return D(1)
        """
    )
    monkeypatch.setitem(sys.modules, "module", m)
    value = m.f()
    assert project.take() == ["<lambda>", "__post_init__", "f"]
    assert pickle.loads(pickle.dumps(value)) == value
    assert pickle.loads(pickle.dumps(m.f)) is m.f
    assert repr(value).endswith("D(x=2, y=[1])")


def test_code_made_with_exec_is_left_alone(project):
    m = project.load("def f():\n    ns = {}\n    exec('def g(): return 1', ns)\n    return ns['g']\n")
    g = m.f()
    project.take()
    assert g() == 1
    assert project.take() == []


def test_threads_lose_nothing(project):
    m = project.load("".join("def f%d(): pass\n" % i for i in range(50)))
    functions = [getattr(m, "f%d" % i) for i in range(50)]
    done = threading.Event()
    taken = set()
    called = set()

    def call():
        for _ in range(200):
            for i, function in enumerate(functions):
                function()
                called.add("f%d" % i)
        done.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        thread = threading.Thread(target=call)
        thread.start()
        while not done.is_set():
            taken.update(project.take())
        thread.join()
        taken.update(project.take())
        # One function at a time: each call must be seen, in this slice or in the next.
        for function in functions:
            thread = threading.Thread(target=function)
            thread.start()
            seen = project.take()
            thread.join()
            assert function.__name__ in seen + project.take()
    finally:
        sys.setswitchinterval(interval)
    assert taken == called


# Byte code


def entries(root):
    return sorted(str(path) for path in root.rglob("*.code"))


SOURCE = "def f():\n    return 1\n"


def test_byte_code_is_kept_and_found(tmp_path):
    Project(tmp_path).load(SOURCE)
    (entry,) = entries(tmp_path)
    written = os.stat(entry).st_mtime_ns
    again = Project(tmp_path)
    assert again.tracer.transform().recall(SOURCE.encode(), again.path(), "") is not None
    m = again.load(SOURCE)
    m.f()
    assert again.take() == ["f"]
    assert os.stat(entry).st_mtime_ns == written
    assert not (tmp_path / "__pycache__").exists()
    # Other content, another path, another flavour: other entries.
    other = Project(tmp_path)
    assert other.tracer.transform().recall(SOURCE.encode() + b"#", other.path(), "") is None
    assert other.tracer.transform().recall(SOURCE.encode(), other.path("other.py"), "") is None
    assert other.tracer.transform().recall(SOURCE.encode(), other.path(), "pytest") is None


def test_byte_code_moves_with_the_project(tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    Project(old).load(SOURCE)
    new = tmp_path / "new"
    os.rename(str(old), str(new))
    project = Project(new)
    code = project.tracer.transform().recall(SOURCE.encode(), project.path(), "")
    assert {each.co_filename for each in (code, code.co_consts[0])} == {project.path()}


@pytest.mark.parametrize(
    "spoil", [lambda data: b"", lambda data: data[:-1], lambda data: data[:40] + b"\0" + data[41:]]
)
def test_broken_byte_code_is_ignored(tmp_path, spoil):
    Project(tmp_path).load(SOURCE)
    (entry,) = entries(tmp_path)
    with open(entry, "rb") as file:
        data = file.read()
    with open(entry, "wb") as file:
        file.write(spoil(data))
    project = Project(tmp_path)
    assert project.tracer.transform().recall(SOURCE.encode(), project.path(), "") is None
    m = project.load(SOURCE)
    m.f()
    assert project.take() == ["f"]
    with open(entry, "rb") as file:
        assert file.read() == data


def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    project = Project(tmp_path)
    project.tracer = ProbesTracer(project.registry, str(tmp_path / "file" / "below"))
    m = project.load(SOURCE)
    m.f()
    assert project.take() == ["f"]
    project.tracer = ProbesTracer(project.registry, "")
    m = project.load(SOURCE)
    m.f()
    assert project.take() == ["f"]


def test_keys_of_two_modules_never_meet(tmp_path, monkeypatch):
    from winnow_collector.tracing import probes

    # All names begin alike: every module would have the same base.
    monkeypatch.setattr(probes, "_BASE_BITS", 0)
    monkeypatch.setattr(probes, "int", lambda text, base: 1 << 30, raising=False)
    project = Project(tmp_path)
    first = project.load("def a(): pass\n", "first.py")
    second = project.load("def b(): pass\n", "second.py")
    again = project.load("def a(): pass\n", "first.py")
    for function, name in ((first.a, "a"), (second.b, "b"), (again.a, "a")):
        function()
        assert project.take() == [name]


def test_syntax_errors_are_pythons_own(project):
    with pytest.raises(SyntaxError) as caught:
        project.code("def f(:\n    pass\n")
    assert caught.value.filename == project.path() and caught.value.lineno == 1
    with pytest.raises(SyntaxError):
        project.code("def f():\n    return 1\nreturn 2\n")


def test_rewritten_assertions(project):
    from _pytest.assertion import rewrite

    source = textwrap.dedent(
        '''
        """doc"""
        from __future__ import annotations
        def f(x):
            """doc of f"""
            assert x == g(lambda: 1)(), (lambda: "message")()
            assert (
                x
                and x
            )
        def g(y):
            assert y is not None
            return y
        async def h(z):
            assert await z
            assert [i async for i in z]
        def later():
            assert (yield 1) == 2
        '''
    )
    tree = ast.parse(source)
    rewrite.rewrite_asserts(tree, source.encode(), project.path(), None)
    code = project.code(source, flavour="pytest", tree=tree)
    namespace = {"__name__": "module"}
    exec(code, namespace)
    namespace["f"](1)
    assert project.take() == ["<lambda>", "f", "g"]
    assert namespace["f"].__doc__ == "doc of f" and namespace["__doc__"] == "doc"
    with pytest.raises(AssertionError) as caught:
        namespace["f"](2)
    assert "assert 2 == 1" in str(caught.value) and "message" in str(caught.value)
    assert caught.traceback[-1].lineno + 1 == 6
    it = namespace["later"]()
    next(it)
    project.take()
    with pytest.raises(StopIteration):
        it.send(2)
    assert project.take() == ["later"]
    recalled = project.tracer.transform().recall(source.encode(), project.path(), "pytest")
    exec(recalled, namespace)
    namespace["g"](1)
    assert project.take() == ["g"]


def test_optimized_python_keeps_its_own_byte_code(tmp_path):
    script = (
        "import sys; sys.path.insert(0, %r); import pathlib; from test_probes import Project; "
        "p = Project(pathlib.Path(%r)); m = p.load('def f():\\n  assert 0\\n  return 1\\n'); "
        "m.f(); print(p.take())" % (HERE, str(tmp_path))
    )
    output = subprocess.run([sys.executable, "-O", "-c", script], stdout=subprocess.PIPE, check=True).stdout
    assert output.decode().strip() == "['f']"
    m = Project(tmp_path).load("def f():\n  assert 0\n  return 1\n")
    with pytest.raises(AssertionError):
        m.f()


# The other mechanism


GENERATORS = """
from contextlib import suppress
def outer():
    x = yield from inner()
    yield x
    try:
        yield (lambda: 1)()
    except KeyError:
        yield 2
    finally:
        helper()
    with suppress(ValueError):
        yield 3
    return helper()
def inner():
    for i in range(2):
        yield i
    return helper()
def helper():
    return [i for i in range(2)]
"""


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="needs sys.monitoring")
def test_monitoring_notices_the_same(project):
    from winnow_collector.tracing.monitoring import MonitoringTracer, free_tool_ids

    m = project.load(GENERATORS)
    codes = []
    monitoring = MonitoringTracer(project.registry, free_tool_ids())
    monitoring.start()

    def both():
        numbers = monitoring.take(), project.tracer.take()
        codes.extend(row for frame in project.registry.announcements() for row in frame.get("codes", []))
        return tuple(sorted({codes[number][2] for number in each if codes[number][0] == 0}) for each in numbers)

    assert project.registry.file_id("module.py") == 0
    try:
        it = m.outer()
        both()
        # (monitoring also reports `outer` when it only passes on what `inner` does)
        for action, only_monitored in (
            (lambda: next(it), []),
            (lambda: next(it), ["outer"]),
            (lambda: next(it), []),
            (lambda: next(it), []),
            (lambda: it.throw(KeyError()), []),
            (lambda: next(it), []),
            (lambda: next(it, None), []),
        ):
            action()
            monitored, probed = both()
            assert [name for name in monitored if name not in probed] == only_monitored
            assert [name for name in probed if name not in monitored] == []
    finally:
        monitoring.stop()
