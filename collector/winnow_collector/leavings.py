"""What tests leave behind for others to find: files, and variables of the process's environment.

Whoever finds something that a test has left depends on what that test depended on. A test has no number of its own, so
there is a context beside it that others can use, made when the first of them asks.
"""

from typing import Dict

from .contexts import SESSION_ID, Context, Contexts


class Leavings:
    """The contexts of those who left something behind."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts
        # By test: the test, so that its identity stays its own, and what others use in its place.
        self._shared: Dict[int, "tuple[Context, Context]"] = {}

    def find(self, finder: Context, writer: Context) -> None:
        """`finder` came upon what `writer` has left."""
        if writer is finder or writer.id == SESSION_ID:
            return  # what the session depends on, everybody does
        finder.use(self._of(writer) if writer.kind == "test" else writer)

    def end_test(self, test: Context) -> None:
        """The test's dependencies are complete. Somebody may have found something before they were."""
        known = self._shared.get(id(test))
        if known is not None:
            known[1].absorb(test)

    def _of(self, test: Context) -> Context:
        known = self._shared.get(id(test))
        if known is None:
            shared = self._contexts.new_shared("left::%s" % test.name)
            shared.absorb(test)
            known = self._shared[id(test)] = (test, shared)
        return known[1]
