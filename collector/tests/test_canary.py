"""The trial of a tracer before anything is recorded: it passes where all is well, and stops recording where it is not."""

import sys

import pytest

MECHANISMS = ["probes"] + (["monitoring"] if hasattr(sys, "monitoring") else [])
PROJECT = {
    "pytest.ini": "[pytest]\n",
    "mod.py": "def f():\n    return 1\n",
    "test_mod.py": "import mod\ndef test_one():\n    assert mod.f()\ndef test_two():\n    assert mod.f()\n",
}


@pytest.fixture(params=MECHANISMS)
def tracer(request, tmp_path, importable):
    from winnow_collector.registry import Registry
    from winnow_collector.tracing.probes import ProbesTracer

    registry = Registry(str(tmp_path))
    if request.param == "probes":
        return ProbesTracer(registry, str(tmp_path / "bytecode"))
    from winnow_collector.tracing.monitoring import MonitoringTracer, free_tool_ids

    tools = free_tool_ids()
    if tools is None:
        pytest.skip("all tools are taken")
    return MonitoringTracer(registry, tools)


def test_it_passes_and_leaves_nothing_behind(tracer, tmp_path):
    from winnow_collector.tracing.canary import objection

    tools = [sys.monitoring.get_tool(tool) for tool in range(6)] if hasattr(sys, "monitoring") else []
    for _ in range(3):
        assert objection(tracer) is None
    assert tracer._registry.announcements() == [] if tracer.name == "monitoring" else tracer.take() == []
    assert list(tmp_path.iterdir()) == []
    if tools:
        assert [sys.monitoring.get_tool(tool) for tool in range(6)] == tools


def _losing(tracer, monkeypatch, lost):
    """The tracer's kind, without some of what it should report."""
    kind = type(tracer)
    take = kind.take

    def less(self):
        names = (self._registry if tracer.name == "monitoring" else self._keys._registry).names
        return lost([names[number] for number in take(self)], names)

    monkeypatch.setattr(kind, "take", less)


def test_it_sees_what_the_second_test_has_lost(tracer, monkeypatch):
    from winnow_collector.tracing.canary import objection

    seen = set()

    def lost(found, names):
        new = [name for name in found if name not in seen]
        seen.update(new)
        return [names.index(name) for name in new]

    _losing(tracer, monkeypatch, lost)
    assert objection(tracer) == "%s noticed two of a test that ran two and shared" % tracer.name


def test_it_sees_what_is_not_noticed_or_fails(tracer, monkeypatch):
    from winnow_collector.tracing import canary

    _losing(tracer, monkeypatch, lambda found, names: [])
    assert canary.objection(tracer) == "%s noticed nothing of a test that ran one and shared" % tracer.name

    def fails(self):
        raise OSError("no")

    monkeypatch.setattr(type(tracer), "take", fails)
    assert canary.objection(tracer) == "%s failed (OSError: no)" % tracer.name


# Arms each function once and never again, as if the interpreter forgot to.
FORGETFUL = """
import sys
arm, armed = sys.monitoring.set_local_events, set()
def set_local_events(tool, code, events):
    if events and code in armed:
        return
    armed.add(code)
    arm(tool, code, events)
sys.monitoring.set_local_events = set_local_events
"""


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="Python before 3.12")
def test_a_process_that_fails_it_records_nothing_and_says_so(project):
    project.write(dict(PROJECT, **{"site/sitecustomize.py": FORGETFUL}))
    run = project.run(mechanism="monitoring", env={"PYTHONPATH": str(project.root / "site")})
    assert run.exit == 0
    assert " 2 passed" in run.out
    assert run.journal.tests == {}
    (note,) = run.journal.notes
    assert note["message"] == (
        "nothing is recorded, because tests cannot be told apart on this Python:"
        " monitoring noticed two of a test that ran two and shared"
    )


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_process_that_passes_it_records_nothing_of_it(project, mechanism):
    project.write(PROJECT)
    run = project.run(mechanism=mechanism)
    assert run.exit == 0
    assert sorted(run.journal.tests) == ["test_mod.py::test_one", "test_mod.py::test_two"]
    assert "canary" not in repr(vars(run.journal))
