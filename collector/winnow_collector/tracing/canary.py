"""Two tests at start-up that share a function: does this tracer, on this very interpreter, give it to both?

That is what forerunners lost (code that an earlier test had run was not reported again), and nothing in what would be
recorded shows the loss. So it is tried out each time, before anything is recorded, on a tracer of the same kind with
numbers of its own: nothing of it reaches the registry, the journal or the byte code that is kept.
"""

from types import CodeType
from typing import Any, Dict, List, Optional

from . import Tracer

_SOURCE = b"""\
def shared():
    return 1
def one():
    return shared()
def two():
    return shared()
"""
# So often that a tracer which stops listening to what is called again and again does so here.
_CALLS = 200
# Nobody's file. No name in angle brackets: code of those is never reported.
_PATH = "winnow-canary.py"


class _Names:
    """In the place of the `Registry`: owns the canary's file alone, and numbers its functions."""

    def __init__(self) -> None:
        self.names: List[str] = []

    def project_path(self, filename: str) -> Optional[str]:
        return filename if filename == _PATH else None

    def relative(self, filename: str) -> str:
        return filename

    def code_id(self, _path: str, _line: int, co_name: str) -> int:
        if co_name not in self.names:
            self.names.append(co_name)
        return self.names.index(co_name)


def objection(tracer: Tracer) -> Optional[str]:
    """Why this tracer, which has not been started, is not to be trusted here; None if it does what it is there for."""
    names = _Names()
    twin = tracer.twin(names)
    space: Dict[str, Any] = {}
    try:
        exec(_compile(twin), space)
        twin.start()
        try:
            twin.take()
            for test in ("one", "two", "one"):
                for _ in range(_CALLS):
                    space[test]()
                found = {names.names[number] for number in twin.take()}
                if found != {"shared", test}:
                    return "%s noticed %s of a test that ran %s and shared" % (
                        tracer.name,
                        " and ".join(sorted(found)) or "nothing",
                        test,
                    )
        finally:
            twin.stop()
    except Exception as error:
        return "%s failed (%s: %s)" % (tracer.name, type(error).__name__, error)
    return None


def _compile(tracer: Tracer) -> CodeType:
    transform = tracer.transform()
    if transform is not None:
        return transform.compile(_SOURCE, _PATH, None)
    return compile(_SOURCE, _PATH, "exec", dont_inherit=True)
