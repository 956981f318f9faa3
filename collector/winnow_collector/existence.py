"""Who asks whether a path of the project is there: `os.stat`, `os.lstat` and `os.access` raise no audit event.

So these three functions are replaced, and what asks through them (`os.path.exists`, `isfile`, `isdir`, `pathlib`…) is
seen. The import system has its own way to the system and is not. So is `os.open`: its event does not tell of `dir_fd`.

What must stay true:
- A question about anything outside of the project costs one comparison of strings more than before.
- Where only existence is asked for, only that counts: there, as a file or a directory, or not. Whoever asks for sizes
  or times depends on the file's content; of its times nobody can depend.
- What pytest, its plugins and the collector ask is nobody's input.
"""

import functools
import os
import pathlib
import stat
import sys
import threading
from types import FrameType
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from .callers import Callers
from .content import ABSENT, real
from .contexts import Context, Contexts

_FUNCTIONS = ("stat", "lstat", "access", "open")
# Sets of functions by what they can do, in which others look these up.
_ABILITIES = ("supports_dir_fd", "supports_effective_ids", "supports_fd", "supports_follow_symlinks")
# Functions of the standard library to which it only matters whether something is there, and what kind of thing.
_ASKING = frozenset(
    ("exists", "lexists", "isfile", "isdir", "islink", "ismount", "isjunction", "access")
    + ("is_file", "is_dir", "is_symlink", "is_mount", "is_junction", "mkdir", "makedirs")
)
# Those that only look whether a part of a path is a link, and those whose questions come with an opening.
_FOLLOWING = frozenset(("realpath", "_joinrealpath", "resolve", "_resolve", "samefile"))
_OPENING = "linecache.py"
_MAX_TOLD = 10_000

# What is told of an absolute path: whether only existence counts, and what is there.
Note = Callable[[str, bool, Optional[str]], None]


class Existence:
    """The replaced functions."""

    def __init__(
        self,
        roots: Tuple[str, ...],
        contexts: Contexts,
        callers: Callers,
        absolute: Callable[..., Optional[str]],
        note: Note,
        fail: Callable[[BaseException], None],
    ) -> None:
        self._roots = roots
        self._contexts = contexts
        self._callers = callers
        self._absolute = absolute
        self._note = note
        self._fail = fail
        self._active = False
        # Questions, with the context that asked last.
        self._told: Dict[Tuple[str, Any, bool], Context] = {}
        # The directory below which this thread is opening something, by `dir_fd`.
        self._below = threading.local()
        self._undo: List[Tuple[Any, str, Any, Any]] = []
        self._abilities: List[Tuple[Set[Any], Any]] = []

    def start(self) -> None:
        """Replace them."""
        self._active = True
        # Until Python 3.10, `pathlib` keeps the functions that it found when it was imported.
        accessor = getattr(pathlib, "_NormalAccessor", None)
        for name in _FUNCTIONS:
            original = getattr(os, name)
            replacement = self._opening(original) if name == "open" else self._watched(original, name == "access")
            if accessor is not None:
                # Where a child imports `pathlib` after this, a function would become a method of what it is kept in.
                replacement = functools.update_wrapper(functools.partial(replacement), original)
            for ability in _ABILITIES:
                functions = getattr(os, ability, None)
                if isinstance(functions, set) and original in functions:
                    functions.add(replacement)
                    self._abilities.append((functions, replacement))
            self._replace(os, name, replacement)
            if accessor is not None and vars(accessor).get(name) is original:
                self._replace(accessor, name, staticmethod(replacement))

    def stop(self) -> None:
        """Put them back. Whoever has kept one goes on with the original behind it."""
        self._active = False
        while self._undo:
            owner, name, original, ours = self._undo.pop()
            if vars(owner).get(name) is ours:
                setattr(owner, name, original)
        while self._abilities:
            functions, replacement = self._abilities.pop()
            functions.discard(replacement)

    def _replace(self, owner: Any, name: str, replacement: Any) -> None:
        self._undo.append((owner, name, vars(owner)[name], replacement))
        setattr(owner, name, replacement)

    @property
    def directory(self) -> int:
        """What `dir_fd` this thread gave to the `os.open` that is under way; -1 if none."""
        return getattr(self._below, "directory", -1)

    def _opening(self, original: Any) -> Any:
        below = self._below

        @functools.wraps(original)
        def open_below(*args: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            directory = named.get("dir_fd")
            if type(directory) is not int:
                return original(*args, **named)
            below.directory = directory
            try:
                return original(*args, **named)
            finally:
                below.directory = -1

        return open_below

    def _watched(self, original: Any, only: bool) -> Any:
        @functools.wraps(original)
        def ask(path: Any, *args: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            if self._active and type(path) is not int:
                try:
                    self._asked(path, named, only, sys._getframe(1))
                except Exception as error:
                    self._fail(error)
            return original(path, *args, **named)

        return ask

    def _asked(self, path: Any, named: Any, only: bool, frame: FrameType) -> None:
        text = path
        if type(path) is not str:
            try:
                text = os.fsdecode(path)
            except Exception:
                return  # no path: the function itself will say so
        directory = named.get("dir_fd")
        if directory is None and text.startswith(os.sep) and not text.startswith(self._roots):
            return
        # pytest asks once for each test.
        asked = self._asks_only(frame)
        if asked is None:
            return
        # The same question of the same context has an answer. (Where only the walk below tells that existence is all
        # that matters, each one is looked into: the next may be for more.)
        place = directory if directory is not None or text.startswith(os.sep) else real.getcwd()
        question = (text, place, only or frame.f_code.co_name in _ASKING)
        context = self._contexts.current
        if self._told.get(question) is context:
            return
        absolute = self._absolute(text, directory=-1 if directory is None else directory)
        if absolute is None or not absolute.startswith(self._roots):
            return
        only = only or asked
        if only == question[2]:
            if len(self._told) > _MAX_TOLD:
                self._told.clear()
            self._told[question] = context
        try:
            mode = real.stat(absolute).st_mode
        except (OSError, ValueError):
            self._note(absolute, only, ABSENT)
        else:
            self._note(absolute, only, "d" if stat.S_ISDIR(mode) else "f")

    def _asks_only(self, frame: Optional[FrameType]) -> Optional[bool]:
        """Whether only existence is asked for; None where nobody need know."""
        only = False
        while frame is not None:
            code = frame.f_code
            kind = self._callers.kind(code.co_filename)
            if kind in ("stdlib", "metadata"):
                if code.co_name in _FOLLOWING or code.co_filename.endswith(_OPENING):
                    return None
                only = only or code.co_name in _ASKING
            elif kind in ("other", "installed"):
                return only
            else:
                return None
            frame = frame.f_back
        return only
