"""How touched code is noticed: one protocol, one file per mechanism, and the choice with its reason.

Function level is the unit: a tracer reports which code objects of the project *started or resumed* since it was last
asked. Module bodies need no report (the import hook knows them); code with an invented file name is never reported
(it counts for whoever called it).
"""

import sys
from types import CodeType
from typing import Any, Callable, List, NamedTuple, Optional

try:
    from typing import Protocol
except ImportError:  # pragma: no cover - 3.8 has it; kept for odd interpreters
    Protocol = object  # type: ignore[assignment]

from ..registry import Registry


class SourceTransform(Protocol):
    """Compiles project modules for a mechanism that changes their code (source probes).

    The importer reads the bytes, hashes them for the journal and hands the same bytes over, so that what is recorded
    is what runs. Results carry `path` as their `co_filename`. `path` is the absolute file name the importer would use.
    """

    def compile(self, source: bytes, path: str, tree: Any, flavour: str = "") -> CodeType:
        """Code of the module. `tree`: compile this instead of parsing `source` (pytest's rewritten assertions).

        `flavour` names what made `tree` ("" for plain modules); an implementation may keep the result under
        (source, path, flavour) for `recall`. Raises what `compile()` raises.
        """

    def recall(self, source: bytes, path: str, flavour: str) -> Optional[CodeType]:
        """What an earlier `compile` of these bytes in this flavour gave, or None; spares pytest's rewriting."""


class Tracer(Protocol):
    """Says which code objects of the project were touched, slice by slice."""

    name: str
    # Called with what goes wrong where nobody would catch it.
    fail: "Callable[[BaseException], None]"

    def start(self) -> None:
        """Begin to watch. What runs already need not be noticed."""

    def take(self) -> "List[int]":
        """Code numbers (`Registry.code_id`) touched since the last call, each once; they will be noticed anew."""

    def stop(self) -> None:
        """Stop watching and leave nothing behind in the interpreter."""

    def twin(self, registry: Any) -> "Tracer":
        """Another one of this kind, not started, that asks and numbers by `registry` and keeps no byte code."""

    def around_annotations(self, begin: "Callable[[str], Any]", end: "Callable[[Any], None]") -> None:
        """Call `begin` before, and `end` with its result after, annotations of a project path are evaluated late.

        Python 3.14 does so when they are asked for. If `begin` gives None, what evaluates them counts as touched like
        any other code, and `end` is not called. A mechanism that does not notice calls neither.
        """

    def transform(self) -> "Optional[SourceTransform]":
        """None: modules are compiled as usual. Otherwise: what compiles project modules."""


class Choice(NamedTuple):
    """A tracer, or None where there is none, and why."""

    tracer: "Optional[Tracer]"
    reason: str


def choose(mechanism: str, registry: Registry, bytecode: str) -> Choice:
    """The tracer for this interpreter. `mechanism` is "auto" or the name of one; the reason is fit for a user."""
    version = "%d.%d" % sys.version_info[:2]
    if mechanism == "none":
        return Choice(None, "switched off")
    if mechanism not in ("auto", "monitoring", "probes"):
        return Choice(None, "there is no mechanism named %r" % mechanism)
    if mechanism != "probes":
        if hasattr(sys, "monitoring"):
            from .monitoring import MonitoringTracer, free_tool_ids

            tools = free_tool_ids()
            if tools is not None:
                choice = _tried(MonitoringTracer(registry, tools), "Python %s has sys.monitoring" % version)
                if choice.tracer is not None:
                    return choice
                reason = choice.reason
            else:
                reason = "all tool ids of sys.monitoring are taken"
        else:
            reason = "Python %s has no sys.monitoring" % version
        # Probes do not notice annotations that are evaluated late: nothing recorded is better than too little.
        if mechanism == "monitoring" or sys.version_info >= (3, 14):
            return Choice(None, reason)
    else:
        reason = "asked for"
    from .probes import ProbesTracer

    return _tried(ProbesTracer(registry, bytecode), "%s: source probes" % reason)


def _tried(tracer: Tracer, reason: str) -> Choice:
    """The tracer, if it passes its trial on this interpreter."""
    from .canary import objection

    found = objection(tracer)
    if found is not None:
        return Choice(None, "tests cannot be told apart on this Python: %s" % found)
    return Choice(tracer, reason)
