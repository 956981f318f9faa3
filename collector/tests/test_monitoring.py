"""The tracer of Python 3.12 and later, by itself."""

import sys
import threading

import pytest

pytestmark = pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="Python before 3.12")

SOURCE = """
def f():
    return [g() for _ in (1, 2)]

def g():
    return 1

def outer(callback):
    callback()
    return g()

def count():
    while True:
        yield g()

class C:
    def method(self):
        return (lambda: 1)()
"""


@pytest.fixture
def tracer(tmp_path, importable):
    from winnow_collector.registry import Registry
    from winnow_collector.tracing import choose

    root = tmp_path / "root"
    root.mkdir()
    registry = Registry(str(root))
    tracer = choose("monitoring", registry, "").tracer
    if tracer is None:
        pytest.skip("all tools are taken")
    path = root / "mod.py"
    path.write_text(SOURCE)
    space = {}
    tracer.start()
    exec(compile(SOURCE, str(path), "exec"), space)

    def names():
        rows = {number: row for row, number in registry._code_ids.items()}
        mine = registry.file_id("mod.py")
        return sorted(rows[number][2] for number in tracer.take() if rows[number][0] == mine)

    yield space, names, tracer
    tracer.stop()


def test_each_slice_sees_everything_anew(tracer):
    mod, names, _ = tracer
    assert names() == []
    for _ in range(3):
        mod["f"]()
        mod["f"]()
        assert names() == ["f", "g"]
    mod["g"]()
    assert names() == ["g"]
    assert names() == []


def test_functions_that_run_while_a_slice_ends(tracer):
    mod, names, _ = tracer
    inner = []
    for _ in range(2):
        mod["outer"](lambda: inner.append(names()))
        assert names() == ["g"]
    assert inner == [["outer"], ["outer"]]


def test_generators(tracer):
    mod, names, _ = tracer
    numbers = mod["count"]()
    for _ in range(3):
        next(numbers)
        assert names() == ["count", "g"]
    with pytest.raises(ValueError):
        numbers.throw(ValueError())
    assert names() == ["count"]


def test_methods_and_lambdas(tracer):
    mod, names, _ = tracer
    instance = mod["C"]()
    for _ in range(2):
        instance.method()
        assert names() == ["<lambda>", "method"]


def test_restarted_events_cost_nothing_but_time(tracer):
    mod, names, _ = tracer
    mod["f"]()
    names()
    sys.monitoring.restart_events()
    mod["f"]()
    assert names() == ["f", "g"]


def test_threads(tracer):
    mod, names, _ = tracer
    threads = [threading.Thread(target=mod["f"]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names() == ["f", "g"]


def test_what_is_called_more_often_than_calls_are_noted(tracer):
    mod, names, _ = tracer
    for _ in range(3):
        for _ in range(200):
            mod["f"]()
        mod["C"]().method()
        assert names() == ["<lambda>", "f", "g", "method"]
        mod["C"]().method()
        assert names() == ["<lambda>", "method"]


def test_other_threads_disable_nothing(tracer):
    mod, names, tracer_ = tracer

    def work():
        for _ in range(200):
            mod["f"]()
        mod["C"]().method()

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert tracer_._disarmed == []
        assert names() == ["<lambda>", "f", "g", "method"]


def test_a_slice_that_another_thread_ends_does_not_settle_what_is_disabled(tracer):
    mod, names, tracer_ = tracer
    inner = []
    for _ in range(200):
        mod["f"]()
    thread = threading.Thread(target=lambda: inner.append(names()))
    thread.start()
    thread.join()
    # The callback that noted it may have been about to disable it: it is re-armed once more.
    assert tracer_._disarmed != []
    for _ in range(2):
        mod["f"]()
        assert names() == ["f", "g"]
    assert (inner, tracer_._disarmed) == ([["f", "g"]], [])


def test_stopping_leaves_nothing_behind(tracer):
    mod, names, tracer_ = tracer
    before = [sys.monitoring.get_tool(tool) for tool in range(6)]
    assert "winnow" in before
    tracer_.stop()
    assert not {"winnow", "winnow-discover"} & {sys.monitoring.get_tool(tool) for tool in range(6)}
    mod["f"]()
    assert tracer_.take() == []


LAZY = """
def limit():
    return 3

def broken():
    raise ValueError("broken")

def f(a: limit(), b: int):
    return limit()

def g(a: broken()):
    class Inner:
        c: limit()
    return Inner

class C:
    d: limit()

type Alias = limit()
"""


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated where they stand")
def test_annotations_are_evaluated_between_two_calls(tracer, tmp_path):
    _, names, tracer_ = tracer
    path = tmp_path / "root" / "mod.py"
    path.write_text(LAZY)
    space = {"__name__": "mod"}
    calls = []

    def begin(rel):
        calls.append(("begin", rel, names()))
        return len(calls)

    def end(token):
        calls.append(("end", token, names()))

    def evaluate(ask):
        del calls[:]
        result = ask()
        assert [call[0] for call in calls] == ["begin", "end"] * (len(calls) // 2)
        assert all(call[1] == "mod.py" for call in calls[::2])
        assert [call[1] for call in calls[1::2]] == list(range(1, len(calls), 2))
        return result, sorted(name for call in calls[1::2] for name in call[2])

    tracer_.around_annotations(begin, end)
    exec(compile(LAZY, str(path), "exec"), space)
    assert (calls, names()) == ([], [])
    assert evaluate(lambda: space["f"].__annotations__) == ({"a": 3, "b": int}, ["limit"])
    assert names() == []
    # They are kept, and code that ran in there is noticed when it runs elsewhere.
    assert evaluate(lambda: space["f"].__annotations__) == ({"a": 3, "b": int}, [])
    assert evaluate(lambda: space["f"](1, 2)) == (3, [])
    assert names() == ["f", "limit"]
    assert evaluate(lambda: space["C"].__annotations__) == ({"d": 3}, ["limit"])
    assert evaluate(lambda: space["Alias"].__value__) == (3, ["limit"])
    assert names() == []
    # Twice in one slice, and the first time it only says that it does not know that format.
    import annotationlib

    got = evaluate(
        lambda: annotationlib.call_annotate_function(space["f"].__annotate__, annotationlib.Format.FORWARDREF)
    )
    assert got == ({"a": 3, "b": int}, ["limit"])
    assert len(calls) == 4
    for _ in range(2):
        assert evaluate(lambda: pytest.raises(ValueError, getattr, space["g"], "__annotations__"))[1] == ["broken"]
        assert names() == []
    # Those of what a function makes belong to whoever it is that asks.
    inner = space["g"](1)
    assert names() == ["g"]
    assert evaluate(lambda: inner.__annotations__) == ({"c": 3}, [])
    assert names() == ["__annotate__", "limit"]
    # Nobody takes it over.
    tracer_.around_annotations(lambda rel: None, None)
    for _ in range(2):
        annotationlib.call_annotate_function(space["f"].__annotate__, annotationlib.Format.FORWARDREF)
        assert names() == ["__annotate__", "limit"]
    tracer_.around_annotations(begin, end)
    tracer_.stop()
    assert evaluate(lambda: annotationlib.get_annotations(space["C"], format=annotationlib.Format.FORWARDREF))[1] == []


def test_without_a_tool_to_be_had(importable):
    from winnow_collector.tracing import choose

    free = [tool for tool in range(6) if sys.monitoring.get_tool(tool) is None]
    for tool in free[1:]:
        sys.monitoring.use_tool_id(tool, "mine")
    try:
        assert choose("monitoring", None, "").tracer is None
        choice = choose("auto", None, "")
    finally:
        for tool in free[1:]:
            sys.monitoring.free_tool_id(tool)
    assert choice.reason.startswith("all tool ids of sys.monitoring are taken")
    # Probes do not notice annotations that are evaluated late.
    assert (choice.tracer is None) == (sys.version_info >= (3, 14))
