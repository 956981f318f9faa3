"""Child processes that run Python: they write journals of their own, and the engine puts these where they were started.

`subprocess` is told to start such a child with two variables: one names the session and the child, the other has Python
load `sitecustomize` from the directory `child`, which takes both away again before anything else runs.

What must stay true:
- A child is announced by whoever starts it. One that does not hand back a journal with an end mark (another
  interpreter, `-I`, killed, `os._exit`) makes its starter opaque: the announcement carries the command line for that.
- A child in which pytest runs never gets an end mark: what pytest does for itself is nobody's input elsewhere.
- What a project sees of its children is what it would see without this.
"""

import atexit
import os
import shutil
import sys
import threading
from types import ModuleType
from typing import Any, Callable, List, Optional

from .contexts import Contexts
from .variables import Variables

VARIABLE = "WINNOW_CHILD"
DIRECTORY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "child")
_PARAMETERS = ("self", "args", "executable", "preexec_fn", "close_fds", "pass_fds", "cwd", "env")
_ARGS, _EXECUTABLE, _PREEXEC, _ENV, _SHELL = 0, 1, 2, 6, 9
# Options of the interpreter with a value, and those that keep `sitecustomize` from being loaded.
_WITH_VALUE = "WXcm"
_ALONE = frozenset("ISE")


class Children:
    """Starts children so that they report."""

    def __init__(self, contexts: Contexts, variables: Variables) -> None:
        self._contexts = contexts
        self._variables = variables
        self._session: Optional[str] = None
        # This process is one itself.
        self.is_child = False
        self._count = 0
        self._popen: Any = None
        self._original: Any = None
        self._replacement: Any = None
        # The child that this thread is starting, until it is announced.
        self._starting = threading.local()

    def start(self, session: Optional[str]) -> None:
        """Have children report to the session that this file describes."""
        self._session = session
        module = sys.modules.get("subprocess")
        if module is not None:
            self.watch(module)

    def watch(self, module: ModuleType) -> None:
        """`subprocess` is loaded: many a project never needs it. Replace what starts children."""
        if self._popen is not None or self._session is None:
            return
        popen = getattr(module, "Popen", None)
        original = vars(popen).get("_execute_child") if isinstance(popen, type) else None
        if original is None or original.__code__.co_varnames[:8] != _PARAMETERS:
            return
        self._popen = popen
        self._original = original
        self._replacement = self._wrapper(original)
        self._popen._execute_child = self._replacement

    def stop(self) -> None:
        """Put it back."""
        self._session = None
        if self._popen is not None and vars(self._popen).get("_execute_child") is self._replacement:
            self._popen._execute_child = self._original

    def announce(self, command: str) -> bool:
        """A child starts: whether it is one that reports. Then it is noted, and the current context depends on it."""
        number = getattr(self._starting, "number", None)
        if number is None:
            return False
        self._contexts.current.add_input("child", number, command)
        return True

    def _wrapper(self, original: Any) -> Any:
        def _execute_child(self_: Any, *args: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            changed = None
            try:
                if self._session is not None and not named and len(args) > _SHELL:
                    changed = self._told_to_report(list(args))
            except Exception:  # odd arguments: `subprocess` has the word, and such a child does not report
                self._starting.number = None
            if changed is None:
                return original(self_, *args, **named)
            try:
                return original(self_, *changed)
            finally:
                self._starting.number = None

        return _execute_child

    def _told_to_report(self, args: List[Any]) -> Optional[List[Any]]:
        """The arguments with another environment; None for what is no child of this interpreter."""
        context = self._contexts.current
        # Processes of plugins, xdist's workers among them, have their own ways; a child has nothing but its session.
        if (context is self._contexts.session and not self.is_child) or args[_SHELL] or args[_PREEXEC] is not None:
            return None
        command = args[_ARGS]
        if isinstance(command, (str, bytes)) or not hasattr(command, "__iter__"):
            return None
        words = [os.fsdecode(word) for word in command]
        env = args[_ENV]
        program = words[0] if args[_EXECUTABLE] is None else os.fsdecode(args[_EXECUTABLE])
        if not _is_this_python(program) or not _loads_sitecustomize(words[1:]):
            return None
        # Below `os.environ`: nobody asked for any of them here.
        env = dict(os.environ._data if env is None else env)  # type: ignore[attr-defined]
        kinds = set(map(type, env))
        if len(kinds) > 1:
            return None
        encode = os.fsencode if bytes in kinds else str
        self._count += 1
        number = "%d-%d" % (os.getpid(), self._count)
        before = env.get(encode("PYTHONPATH"))
        path = DIRECTORY if not before else DIRECTORY + os.pathsep + os.fsdecode(before)
        env[encode("PYTHONPATH")] = encode(path)
        env[encode(VARIABLE)] = encode("%s:%s" % (number, self._session))
        args[_ARGS] = command if isinstance(command, (list, tuple)) else words
        args[_ENV] = env
        self._variables.hand_on(context)
        self._starting.number = number
        return args


class Report:
    """What a child process tells of itself. `finish` is called when it is about to end in an orderly way."""

    def __init__(self, finish: Callable[[], None]) -> None:
        self._finish = finish
        self._pid = os.getpid()
        atexit.register(self._end)

    def _end(self) -> None:
        if os.getpid() != self._pid or "_pytest" in sys.modules:
            return
        # What a daemon thread does until the process is gone is not seen.
        if any(thread is not threading.current_thread() for thread in threading.enumerate()):
            return
        self._finish()


def _is_this_python(program: str) -> bool:
    if os.path.dirname(program):
        found: Optional[str] = os.path.abspath(program)
    else:
        found = shutil.which(program)
    # Not their real paths: that of a virtual environment's is the one that it was made from.
    return bool(sys.executable) and found is not None and os.path.abspath(found) == os.path.abspath(sys.executable)


def _loads_sitecustomize(options: List[str]) -> bool:
    words = iter(options)
    for word in words:
        if len(word) < 2 or not word.startswith("-") or word.startswith("--"):
            return True
        for at, letter in enumerate(word[1:], 1):
            if letter in _ALONE:
                return False
            if letter in _WITH_VALUE:
                if letter in "cm":
                    return True
                if at == len(word) - 1:
                    next(words, None)
                break
    return True
