"""Inputs that are no modules: files opened, directories listed, code executed, child processes started.

One audit hook, which can never be removed again: it is a dictionary lookup for all the events that mean nothing here.

What must stay true:
- The event comes before the act, so a file that is not there is seen too (absent is a value), and its content before a
  write can still be read.
- A value is believed only if the file's stat key at the opening and at the end of the context agree.
- What this process has written is no input for what it finds there: whoever reads it depends on who wrote it. So it is
  decided at the opening which of both it is, and whatever was read before a write is hashed before it.
- Nothing raised in here may reach the project: an audit hook that raises forbids the act.
"""

import os
import stat
import sys
from types import CodeType, FrameType
from typing import Any, Callable, Container, Dict, List, Optional

from .callers import Callers
from .content import ABSENT, Contents, key_of, real, state_at
from .contexts import Context, Contexts
from .detached import detached
from .existence import Existence
from .leavings import Leavings
from .packages import Packages
from .registry import Registry

_IGNORED_PARTS = frozenset((".pytest_cache", ".hypothesis", "__pycache__", ".winnow"))
# Names that come and go without meaning.
_UNLISTED = _IGNORED_PARTS | {".git", ".hg", ".svn", ".DS_Store"}
_IGNORED_SUFFIXES = (".pyc", ".pyo")
_DEVICES = ("/dev/", "/proc/", "/sys/")
# Read by pytest (and coverage) for their own settings, which the engine knows by other means.
_SETTINGS = frozenset(
    ("pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
)
_WRITING = os.O_WRONLY | os.O_RDWR


class _Written:
    """A path that this process writes, creates or removes."""

    __slots__ = ("before", "grown", "writers")

    def __init__(self, before: Optional[tuple], grown: bool) -> None:
        # Stat key before the first write: while it is the same, nothing was written.
        self.before = before
        # What was there before is part of what is there now, and nobody has looked at it.
        self.grown = grown
        # Whose work the present content is.
        self.writers: List[Context] = []


class Audit:
    """The audit hook and what it has seen."""

    def __init__(
        self,
        registry: Registry,
        contexts: Contexts,
        contents: Contents,
        callers: Callers,
        packages: Packages,
        leavings: Leavings,
        loading: Container[str],
        ignore_dirs: List[str],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._registry = registry
        self._contexts = contexts
        self._contents = contents
        self._callers = callers
        self._packages = packages
        self._leavings = leavings
        self._loading = loading
        self._ignored = tuple(os.path.join(directory, "") for directory in ignore_dirs)
        self._fail = fail
        self._handlers: Dict[str, Callable[[tuple], None]] = {}
        self._written: Dict[str, _Written] = {}
        roots = tuple({registry.root, os.path.realpath(registry.root)})
        prefixes = tuple(os.path.join(root, "") for root in roots)
        self._existence = Existence(prefixes, contexts, callers, _absolute, self._on_existence, fail)
        # What pytest itself lists to find test files. Nobody uses this context: it only tells where to look for news.
        self.walk: Optional[Context] = None
        # Called with the file that Python was started with.
        self.run: Callable[[str], None] = lambda path: None
        # Called with code that is about to be executed, and a frame that leads to who does it.
        self.execute: Callable[[CodeType, FrameType], None] = lambda code, frame: None
        # Whether a child process that starts reports for itself.
        self.announce: Callable[[str], bool] = lambda command: False

    def start(self) -> None:
        """Watch from now on."""
        handlers = self._handlers
        handlers["open"] = self._guard(self._on_open)
        handlers["sqlite3.connect"] = self._guard(self._on_database)
        handlers["os.listdir"] = handlers["os.scandir"] = self._guard(self._on_listing)
        handlers["os.rename"] = self._guard(self._on_rename)
        handlers["os.remove"] = self._guard(self._on_remove)
        handlers["os.utime"] = handlers["os.chmod"] = self._guard(self._on_touch)
        handlers["cpython.run_file"] = self._guard(lambda args: self.run(os.path.abspath(os.fsdecode(args[0]))))
        handlers["exec"] = self._guard(self._on_exec)
        handlers["ctypes.dlopen"] = self._guard(self._on_library)
        handlers["subprocess.Popen"] = self._guard(self._on_popen)
        handlers["_winapi.CreateProcess"] = self._guard(self._on_create_process)
        for event in ("os.system", "os.posix_spawn", "os.exec", "os.spawn", "os.fork", "os.forkpty", "os.startfile"):
            handlers[event] = self._guard(self._on_process(event))
        for event in ("os.mkdir", "os.rmdir"):
            handlers[event] = self._guard(self._on_remove)
        handlers["os.link"] = handlers["os.symlink"] = self._guard(self._on_link)
        sys.addaudithook(_make_hook(handlers))
        self._existence.start()

    def stop(self) -> None:
        """The hook stays, and does nothing."""
        self._handlers.clear()
        self._existence.stop()

    def _on_existence(self, path: str, only: bool, state: Optional[str]) -> None:
        if self._contents.reading() or self._is_ignored(path):
            return
        context = self._contexts.current
        if not only and state == "f":
            self._read(context, path)
        elif not self._finds_written(context, path):
            context.add_input("exists", self._registry.relative(path), state)

    def settle(self, context: Context) -> None:
        """Turn the files that a context opened into inputs, with what they contain now, if they are still the same."""
        reads, context.reads = context.reads, {}
        for path, key in reads.items():
            self._settle(context, path, key)

    def _settle(self, context: Context, path: str, key: Optional[tuple]) -> None:
        rel = self._registry.relative(path)
        try:
            now = real.stat(path)
        except (OSError, ValueError):
            now = None
        if now is not None and not stat.S_ISREG(now.st_mode):
            return
        if (None if now is None else key_of(now)) != key:
            context.change_input(rel)
            # A database, perhaps: whoever changed it did so out of our sight, while this one had it in use.
            self._written.setdefault(path, _Written(key, False)).writers.append(context)
            return
        if now is None:
            context.add_input("file", rel, ABSENT)
            return
        sha = self._contents.sha(path, key_of(now))
        if sha is None:
            context.change_input(rel)
        else:
            context.add_input("file", rel, sha)

    # Events

    def _on_open(self, args: tuple) -> None:
        path, _mode, flags = args
        absolute = _absolute(path, directory=self._existence.directory)
        if absolute is None or _is_invented(absolute):
            return
        if self._is_ignored(absolute):
            if not absolute.endswith(_IGNORED_SUFFIXES) and self._registry.is_foreign(absolute):
                self._packages.opened(absolute, sys._getframe())
            return
        context = self._contexts.current
        flags = flags if isinstance(flags, int) else 0
        access = flags & _WRITING
        if access != os.O_WRONLY and not flags & os.O_TRUNC:
            self._read(context, absolute)
        if access:
            if flags & os.O_EXCL:
                self._needs(context, absolute)
            self._write(context, absolute, adds=access == os.O_WRONLY and not flags & (os.O_TRUNC | os.O_EXCL))

    def _on_database(self, args: tuple) -> None:
        path = args[0]
        text = os.fsdecode(path) if isinstance(path, (str, bytes)) else ""
        if text not in ("", ":memory:"):
            if text.startswith("file:"):
                if "mode=memory" in text:
                    return
                text = text[5:].split("?")[0]
            absolute = _absolute(text)
            if absolute is not None and not self._is_ignored(absolute):
                context = self._contexts.current
                self._read(context, absolute)
                if absolute not in self._written and _key_at(absolute) is None:
                    self._write(context, absolute)  # it makes the file, or fails

    def _on_exec(self, args: tuple) -> None:
        if type(args[0]) is CodeType:
            self.execute(args[0], sys._getframe())

    def _on_library(self, args: tuple) -> None:
        name = args[0]
        if isinstance(name, (str, bytes)) and os.path.dirname(os.fsdecode(name)):
            absolute = _absolute(name)
            if absolute is not None and not self._is_ignored(absolute):
                self._read(self._contexts.current, absolute)

    def _on_rename(self, args: tuple) -> None:
        context = self._contexts.current
        for path, directory in zip(args[:2], args[2:4]):
            absolute = _absolute(path, directory=directory)
            if absolute is not None and not self._is_ignored(absolute):
                if path is args[0]:
                    self._read(context, absolute)  # it is what will be found under the other name
                self._write(context, absolute)

    def _on_link(self, args: tuple) -> None:
        context = self._contexts.current
        absolute = _absolute(args[1], directory=args[-1])
        if absolute is None:
            return
        # Wherever the link is: what is found under its name is this file.
        target = _absolute(os.path.join(os.path.dirname(absolute), os.fsdecode(args[0])))
        for source in (target, _absolute(args[0])):
            if source is not None and not self._is_ignored(source):
                self._read(context, source)
                if source in context.reads:  # a hard link changes its times
                    self._settle(context, source, context.reads.pop(source))
        if not self._is_ignored(absolute):
            self._write(context, absolute)

    def _on_remove(self, args: tuple) -> None:
        """Directories that are made or removed, and files that are removed."""
        context = self._contexts.current
        absolute = _absolute(args[0], directory=args[-1])
        if absolute is not None and not self._is_ignored(absolute):
            self._needs(context, absolute)
            self._write(context, absolute)

    def _on_touch(self, args: tuple) -> None:
        # New times, the same content: what was read until now is hashed before they change.
        absolute = _absolute(args[0], directory=args[-1])
        context = self._contexts.current
        if absolute is not None and absolute in context.reads:
            self._settle(context, absolute, context.reads.pop(absolute))

    def _on_listing(self, args: tuple) -> None:
        path = args[0]
        absolute = _absolute("." if path is None else path, descriptors=True)
        if absolute is None or self._is_ignored(os.path.join(absolute, "")):
            return
        if not _UNLISTED.isdisjoint(absolute.split(os.sep)):
            return
        caller = self._callers.lister(sys._getframe())
        if caller == "machinery":
            return
        context = self._contexts.current
        if caller == "pytest":
            if self.walk is None:
                self.walk = self._contexts.new("session", "walk")
            context = self.walk
        key = self._registry.relative(absolute)
        if ("listing", key) not in context.inputs:
            context.add_input("listing", key, self._names(absolute, None if context is self.walk else context))

    def _on_popen(self, args: tuple) -> None:
        executable, arguments = args[0], args[1]
        if isinstance(arguments, (str, bytes)):
            command = os.fsdecode(arguments)
        else:
            try:
                command = " ".join(os.fsdecode(argument) for argument in arguments)
            except TypeError:
                command = str(executable)
        self._child(command)

    def _on_create_process(self, args: tuple) -> None:
        self._child(str(args[1] or args[0]))

    def _on_process(self, event: str) -> Callable[[tuple], None]:
        def started(args: tuple) -> None:
            if event == "os.system":
                self._child(os.fsdecode(args[0]))
            elif event in ("os.fork", "os.forkpty"):
                self._child(event)
            elif event == "os.spawn":
                self._child(" ".join(map(str, args[2])) if len(args) > 2 else event)
            elif event == "os.startfile":
                self._child(str(args[0]))
            else:
                self._child(" ".join(os.fsdecode(argument) for argument in args[1]))

        return started

    # What the events mean

    def _child(self, command: str) -> None:
        if self.announce(command[:1000]):
            return
        if not self._callers.starts_harmlessly(sys._getframe()):
            self._contexts.current.add_opaque("child process: %s" % command[:1000])

    def _read(self, context: Context, path: str) -> None:
        if path in context.reads:
            return
        if path.endswith(".py"):
            frame = sys._getframe()
            if self._callers.reads_source_for_itself(frame):
                return
            if path in self._loading and self._callers.is_import_system(frame):
                return
        if os.path.basename(path) in _SETTINGS and self._callers.reads_settings(sys._getframe()):
            return
        if self._finds_written(context, path):
            return
        try:
            result = real.stat(path)
        except (OSError, ValueError):
            context.reads[path] = None
            return
        if stat.S_ISREG(result.st_mode):
            context.reads[path] = key_of(result)

    def _write(self, context: Context, path: str, adds: bool = False) -> None:
        """A path is about to be written, created or removed; `adds` if what is there stays, and was not looked at."""
        for reader in self._contexts.stack + list(self._contexts.changed.values()):
            if path in reader.reads:
                # Read first, written now: its content up to here is the dependency.
                self._settle(reader, path, reader.reads.pop(path))
        written = self._written.get(path)
        if written is None:
            before = _key_at(path)
            written = self._written[path] = _Written(before, adds and before is not None and before[0] > 0)
        if not adds:
            written.writers = []
            written.grown = False
        if context not in written.writers:
            written.writers.append(context)

    def _finds_written(self, context: Context, path: str) -> bool:
        """Whether what is found at a path is this process's own work: then whose it is counts, and nothing else."""
        written = self._written.get(path)
        if written is None:
            return False
        self._find(context, written)
        if written.grown:
            context.add_opaque("reads a file that was there and has been added to: %s" % self._registry.relative(path))
        # An opening that failed has written nothing.
        return written.before is None or _key_at(path) != written.before

    def _find(self, context: Context, written: _Written) -> None:
        for writer in written.writers:
            self._leavings.find(context, writer)

    def _needs(self, context: Context, path: str) -> None:
        """What is about to be done succeeds or fails with what is there."""
        written = self._written.get(path)
        if written is not None:
            self._find(context, written)
        elif self._callers.first_outside(sys._getframe()) in ("other", "installed"):
            context.add_input("exists", self._registry.relative(path), state_at(path))

    def _names(self, directory: str, context: Optional[Context]) -> Optional[List[str]]:
        """What is listed, None if there is no such directory.

        For a context without what this process did there: the context depends on who did it.
        """
        is_there = True
        try:
            names = set(self._contents.names(directory))
        except OSError:
            names, is_there = set(), False
        own = self._written.get(directory)
        if context is not None and own is not None:
            self._find(context, own)
            is_there = is_there and own.before is not None
        for path, written in list(self._written.items()) if context is not None else ():
            if context is not None and os.path.dirname(path) == directory:
                self._find(context, written)
                (names.discard if written.before is None else names.add)(os.path.basename(path))
        if not names and not is_there:
            return None
        return sorted(
            name
            for name in names
            if name not in _UNLISTED and not name.startswith(".coverage") and not name.endswith(_IGNORED_SUFFIXES)
        )

    def _is_ignored(self, path: str) -> bool:
        registry = self._registry
        if path.endswith(_IGNORED_SUFFIXES) or path.startswith(self._ignored):
            return True
        # `/dev/shm` is memory: a project may lie there.
        if path.startswith(_DEVICES) and not registry.is_inside(path):
            return True
        if registry.is_temporary(path) or registry.is_foreign(path):
            return True
        parts = path.split(os.sep)
        return not _IGNORED_PARTS.isdisjoint(parts) or parts[-1].startswith(".coverage")

    def _guard(self, handler: Callable[[tuple], None]) -> Callable[[tuple], None]:
        reading, fail = self._contents.reading, self._fail

        def guarded(args: tuple) -> None:
            if reading():
                return
            try:
                handler(args)
            except Exception as error:
                fail(error)

        return guarded


def _make_hook(handlers: Dict[str, Callable[[tuple], None]]) -> Callable[[str, tuple], None]:
    find = handlers.get

    def winnow_audit(event: str, args: tuple) -> None:
        handler = find(event)
        if handler is not None:
            handler(args)

    return detached(winnow_audit)


def _key_at(path: str) -> Optional[tuple]:
    try:
        return key_of(real.stat(path))
    except (OSError, ValueError):
        return None


def _is_invented(path: str) -> bool:
    """True for `<string>` and its like, which tracebacks try to open."""
    return path.endswith(">") and os.path.basename(path).startswith("<")


def _absolute(path: Any, descriptors: bool = False, directory: Any = -1) -> Optional[str]:
    """The path that an event speaks of, or None for open descriptors.

    `directory` is the event's `dir_fd`, if it tells of one: `shutil.rmtree` removes what lies in a temporary directory
    by bare names, which are none of the current directory's. (`os.open` keeps it to itself: see `existence`.)
    """
    if isinstance(path, int):
        return _descriptor(path) if descriptors else None
    try:
        text = os.fsdecode(path)
        if os.path.isabs(text):
            return os.path.normpath(text)
        known = _descriptor(directory) if isinstance(directory, int) and directory >= 0 else None
        return os.path.normpath(os.path.join(known or real.getcwd(), text))
    except (TypeError, OSError):
        return None


def _descriptor(number: int) -> Optional[str]:
    """The path behind an open descriptor, where the system tells."""
    try:
        return real.readlink("/proc/self/fd/%d" % number)
    except (OSError, TypeError):
        return None
