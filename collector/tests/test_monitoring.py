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
def tracer(tmp_path, monkeypatch):
    collector = __file__.rsplit("tests", 1)[0]
    monkeypatch.syspath_prepend(collector)
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


def test_stopping_leaves_nothing_behind(tracer):
    mod, names, tracer_ = tracer
    before = [sys.monitoring.get_tool(tool) for tool in range(6)]
    assert "winnow" in before
    tracer_.stop()
    assert not {"winnow", "winnow-discover"} & {sys.monitoring.get_tool(tool) for tool in range(6)}
    mod["f"]()
    assert tracer_.take() == []
