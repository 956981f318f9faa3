"""Fixtures of a wider scope than one test: who uses which instance, and what their setup and teardown ran.

pytest makes fixtures of xunit's and unittest's setup functions for modules and classes, so these are covered too. A
fixture of function scope is part of its test.

What must stay true:
- An *instance* is one setup of one definition. Every test that asks for it, directly or through other fixtures and
  cached or not, uses its context; a wide fixture that asks for another one uses that one's.
- The teardown of a wide fixture belongs to its instance, not to the test that happens to run last.
- pytest's own methods are called with the same arguments, and what they raise passes unchanged.
- `_get_active_fixturedef` is not wrapped: pytest counts stack frames there to say where a fixture was requested.
"""

from typing import Any, Callable, Dict, List, Optional, Tuple

from .contexts import Context, Contexts


class Unsupported(Exception):
    """This pytest has no place where fixture use can be seen."""


class _Definition:
    """What is known of one fixture definition."""

    __slots__ = ("definition", "live")

    def __init__(self, definition: Any) -> None:
        self.definition = definition  # kept alive: an identity must not come back
        self.live: Optional[Context] = None


class Fixtures:
    """Watches pytest's fixture definitions."""

    def __init__(self, contexts: Contexts, fail: Callable[[BaseException], None]) -> None:
        self._contexts = contexts
        self._fail = fail
        self._definitions: Dict[int, _Definition] = {}
        self._undo: List[Tuple[Any, str, Any]] = []
        # Package nodes whose setup (`setup_module` in `__init__.py`) ran: identity → (node, context).
        self._packages: Dict[int, Tuple[Any, Context]] = {}
        # Called with what a wide fixture has run, when it has been set up or torn down.
        self.after: Callable[[Context], None] = lambda context: None
        # The running test, set by whoever runs the protocol.
        self.test: Optional[Context] = None

    def start(self) -> None:
        """Wrap pytest's methods."""
        from _pytest import fixtures, python

        definition, request = fixtures.FixtureDef, fixtures.SubRequest
        for owner, name in ((definition, "execute"), (definition, "finish"), (request, "getfixturevalue")):
            if not callable(getattr(owner, name, None)):
                raise Unsupported("this pytest has no %s.%s" % (owner.__name__, name))
        self._patch(definition, "execute", self._execute_wrapper(definition.execute))
        self._patch(definition, "finish", self._finish_wrapper(definition.finish))
        self._patch(request, "getfixturevalue", self._getfixturevalue_wrapper(request.getfixturevalue))
        self._patch(python.Package, "setup", self._package_setup_wrapper(python.Package.setup))

    def stop(self) -> None:
        """Put everything back."""
        while self._undo:
            owner, name, original = self._undo.pop()
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)

    def release(self) -> None:
        """Nothing is recorded any more: forget all definitions and packages."""
        self._definitions.clear()
        self._packages.clear()
        self.test = None

    def begin_setup(self, definition: Any, request: Any) -> Optional[Context]:
        """A fixture is about to be set up; None if it is part of the test."""
        if request.scope == "function" or _is_parameter(definition):
            return None
        context = self._contexts.new("fixture", _instance_name(definition, request))
        known = self._know(definition)
        known.live = context
        if _is_builtin(definition):
            # Its teardown runs nothing of the project's: a process that dies before it has kept nothing back.
            self._contexts.new("teardown", context.name, of=context.id)
        # What it asks for by argument is ready by now, perhaps since earlier in this test.
        active = getattr(request, "_fixture_defs", {})
        for name in definition.argnames:
            self._use(context, active.get(name))
        self._contexts.current.use(context)
        self._contexts.enter(context)
        return context

    def end_setup(self, context: Context) -> None:
        """The fixture's setup is over, well or not."""
        self._contexts.leave(context)
        self.after(context)

    def packages_of(self, item: Any) -> List[Context]:
        """Contexts of the own setup of all packages that the test lies in."""
        if not self._packages:
            return []
        chain = [object.__hash__(node) for node in item.listchain()]
        return [self._packages[identity][1] for identity in chain if identity in self._packages]

    def _know(self, definition: Any) -> _Definition:
        identity = object.__hash__(definition)
        known = self._definitions.get(identity)
        if known is None:
            known = self._definitions[identity] = _Definition(definition)
        return known

    def _use(self, user: Context, definition: Any) -> None:
        known = self._definitions.get(object.__hash__(definition))
        if known is not None and known.live is not None:
            user.use(known.live)

    def _asker(self, request: Any) -> Context:
        """Who depends on what `request` asks for: a wide fixture's instance, or the test."""
        definition = getattr(request, "_fixturedef", None)
        if definition is not None and request.scope != "function":
            known = self._definitions.get(object.__hash__(definition))
            if known is not None and known.live is not None:
                return known.live
        return self.test or self._contexts.current

    def _note(self, request: Any, definition: Any) -> None:
        try:
            self._use(self._asker(request), definition)
        except Exception as error:
            self._fail(error)

    def _leave(self, context: Optional[Context]) -> None:
        try:
            if context is not None:
                self._contexts.leave(context)
                self.after(context)
        except Exception as error:
            self._fail(error)

    def _execute_wrapper(self, original: Any) -> Any:
        definitions = self._definitions

        def execute(self_: Any, request: Any) -> Any:
            __tracebackhide__ = True
            try:
                return original(self_, request)
            finally:
                # Also when it failed: a test that meets a fixture's (cached) error depends on it.
                known = definitions.get(object.__hash__(self_))
                if known is not None and known.live is not None:
                    self._note(getattr(request, "_parent_request", None), self_)

        return execute

    def _getfixturevalue_wrapper(self, original: Any) -> Any:
        def getfixturevalue(self_: Any, argname: str) -> Any:
            __tracebackhide__ = True
            try:
                return original(self_, argname)
            finally:
                # A fixture that was set up earlier in this test is not executed again.
                self._note(self_, getattr(self_, "_fixture_defs", {}).get(argname))

        return getfixturevalue

    def _finish_wrapper(self, original: Any) -> Any:
        definitions = self._definitions

        def finish(self_: Any, request: Any) -> Any:
            __tracebackhide__ = True
            known = definitions.get(object.__hash__(self_))
            if known is None or known.live is None:
                return original(self_, request)
            context = self._begin_teardown(known)
            try:
                return original(self_, request)
            finally:
                self._leave(context)

        return finish

    def _package_setup_wrapper(self, original: Any) -> Any:
        def setup(self_: Any) -> Any:
            __tracebackhide__ = True
            context = self._begin_package(self_)
            try:
                return original(self_)
            finally:
                self._leave(context)

        return setup

    def _begin_package(self, package: Any) -> Optional[Context]:
        try:
            context = self._contexts.new_shared("package::%s" % package.nodeid)
            self._packages[object.__hash__(package)] = (package, context)
            self._contexts.current.use(context)
            self._contexts.enter(context)
            return context
        except Exception as error:
            self._fail(error)
            return None

    def _begin_teardown(self, known: _Definition) -> Optional[Context]:
        try:
            instance, known.live = known.live, None
            assert instance is not None
            context = self._contexts.new("teardown", instance.name, of=instance.id)
            self._contexts.enter(context)
            return context
        except Exception as error:
            self._fail(error)
            return None

    def _patch(self, owner: Any, name: str, replacement: Any) -> None:
        self._undo.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, replacement)


def _is_parameter(definition: Any) -> bool:
    """True for the stand-ins that pytest makes for directly parametrized arguments: nothing runs in them."""
    return getattr(getattr(definition, "func", None), "__name__", "") == "get_direct_param_fixture_func"


def _is_builtin(definition: Any) -> bool:
    """True for fixtures of pytest's own, such as `tmp_path_factory`."""
    return str(getattr(getattr(definition, "func", None), "__module__", "")).startswith("_pytest.")


def _instance_name(definition: Any, request: Any) -> str:
    """A name that is the same in every session."""
    name = "%s::%s" % (getattr(definition, "baseid", "") or "", definition.argname)
    if hasattr(request, "param"):
        param = request.param
        plain = param is None or type(param) in (str, int, float, bool)
        name += "[%s]" % (repr(param)[:80] if plain else request.param_index)
    return name
