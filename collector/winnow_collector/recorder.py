"""Puts the parts together: one recorder per process, from the first import to pytest's end.

What must stay true:
- A test's frame is complete and true by itself, and refers only to what was written before it.
- Nothing in here changes an outcome. What fails in here ends the recording, with a note; the tests go on.
"""

import os
import sys
import time
from types import ModuleType
from typing import Any, Callable, List, Optional, Set

from .audit import Audit
from .caches import Caches
from .callers import Callers
from .cells import Cells
from .children import Children, Report
from .content import Contents
from .contexts import Context, Contexts
from .detached import detached
from .executed import Executions
from .fixtures import Fixtures
from .importing import Imports, Load
from .journal import Journal
from .leavings import Leavings
from .loaders import Loaders
from .options import Options
from .outcomes import Outcomes
from .packages import Packages
from .processes import Processes
from .registry import Registry, site_dirs
from .session import Session, load_session
from .surroundings import Surroundings
from .threads import Threads
from .tracing import Tracer, choose
from .variables import Variables

_COLLECTOR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Recorder:
    """Records one process. `active` is False before the start, after the end, and after any failure."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.active = False
        self.registry = Registry(session.root)
        choice = choose(session.mechanism, self.registry, session.bytecode)
        self.tracer: Optional[Tracer] = choice.tracer
        self.reason = choice.reason
        self.contexts = Contexts(self.tracer.take if self.tracer is not None else list)
        contents = Contents()
        self.caches = Caches(self.registry, self.contexts)
        self.cells = Cells(self.contexts, self.registry.code_files, self.registry.project_path)
        self.processes = Processes(self.contexts)
        self._states = "state" not in session.without
        if self._states:
            self.contexts.on_slice = self._look
        transform = self.tracer.transform() if self.tracer is not None else None
        callers = Callers(session.root)
        self.packages = Packages(self.registry, self.contexts, callers, self.fail)
        self.imports = Imports(
            self.registry, self.contexts, contents, self._loaded, transform, self.packages, callers, self.fail
        )
        self.imports.begun = self._begun
        self.imports.foreign = self._foreign
        self.loaders = Loaders(self.imports)
        self.leavings = Leavings(self.contexts)
        self.surroundings = Surroundings(self.registry, self.leavings)
        self.options = Options(self.registry, self.contexts, self.fail)
        self.variables = Variables(self.contexts, callers, self.leavings, self.fail)
        self.audit = Audit(
            self.registry,
            self.contexts,
            contents,
            callers,
            self.packages,
            self.leavings,
            self.imports.loading,
            session.ignore_dirs + [session.journals],
            self.fail,
        )
        self.children = Children(self.contexts, self.variables)
        self.audit.announce = self.children.announce
        self.audit.execute = Executions(self.contexts, self.imports, callers).note
        self.audit.run = self._run
        self.fixtures = Fixtures(self.contexts, self.fail)
        self.threads = Threads(self.registry, self.contexts, self.note)
        self.fixtures.after = self._after_fixture
        self._journal: Optional[Journal] = None
        self._notes: List[dict] = []
        self._said: Set[str] = set()
        self._header: dict = {}
        self._roots: List[str] = []
        self._last_path: Optional[List[str]] = None
        self._fixtures_watched = False
        # What a child does first when it is forked.
        self._at_fork: List[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to watch. Raises what goes wrong, with nothing left behind."""
        if self.tracer is None:
            return
        try:
            self.active = True
            self.tracer.fail = self.fail
            self.tracer.around_annotations(self.imports.begin_annotations, self.imports.end_annotations)
            self.tracer.start()
            self.packages.start()
            self.imports.start()
            self.loaders.watch()
            self.processes.watch()
            if "inputs" not in self.session.without:
                self.audit.start()
                self.variables.start()
            self.children.start(self.session.path)
            self._watch_forks()
        except BaseException:
            self.withdraw()
            raise

    def _watch_forks(self) -> None:
        if not hasattr(os, "register_at_fork"):
            return
        self._at_fork.append(self._forget)
        forgetting = self._at_fork

        def forget() -> None:
            for each in forgetting:
                each()

        os.register_at_fork(after_in_child=detached(forget))

    def watch_pytest(self) -> None:
        """Begin to watch pytest's own parts, which must be importable by now."""
        if self.active and not self._fixtures_watched:
            self._fixtures_watched = True
            self.loaders.watch_rewriting()
            self.packages.watch()
            self.fixtures.start()

    def open(self, role: str, worker: Optional[str], header: dict, **more: object) -> None:
        """The role of this process is known: open the journal. `more` goes into its first frame."""
        self._journal = Journal(self.session.journals, self.session.run)
        self._journal.add(
            {
                "k": "start",
                "v": 1,
                "run": self.session.run,
                "pid": os.getpid(),
                "role": role,
                "worker": worker,
                "python": sys.version.split()[0].rstrip("+"),
                "implementation": sys.implementation.name,
                "mechanism": self.tracer.name if self.tracer is not None else "none",
                "time": time.time(),
                **more,
            }
        )
        self._header = header

    def _look(self, context: Context, codes: List[int]) -> None:
        self.cells.look(context, codes)
        self.caches.look(context, codes)
        self.processes.look(context)

    def _after_fixture(self, context: Context) -> None:
        self.threads.adopt()

    def _run(self, path: str) -> None:
        self.imports.script = self.imports.script or path

    def _foreign(self, module: ModuleType) -> None:
        if module.__name__ == "subprocess":
            self.children.watch(module)

    def _begun(self, load: Load) -> None:
        if self._states:
            self.cells.expect(load.rel, load.source)

    def _loaded(self, load: Load) -> None:
        if self._states:
            self.caches.discover(load.module, load.rel, load.context)
            self.cells.add(load.module, load.rel, load.source)

    def stop_recording(self, message: Optional[str], code: str = "") -> None:
        """Record nothing from now on; what is written stays true."""
        if message is not None:
            self.note(message, code)
        self._unhook()

    def note(self, message: str, code: str) -> None:
        """Leave one line for the user."""
        self._notes.append({"k": "note", "message": message, "code": code})

    def note_once(self, message: str, code: str) -> None:
        """The same, unless it was said already."""
        if message not in self._said:
            self._said.add(message)
            self.note(message, code)

    def fail(self, error: BaseException) -> None:
        """Something in the collector went wrong: stop recording."""
        if not self.active:
            return
        message = "nothing more is recorded, because the collector failed (%s: %s%s)"
        # First of all: showing a traceback opens files, and that may be what fails.
        self.stop_recording(message % (type(error).__name__, error, _place_of(error)), "collector-failed")
        if os.environ.get("WINNOW_DEBUG"):
            import traceback

            traceback.print_exception(type(error), error, error.__traceback__)

    def begin_test(self, name: str, uses: List[Context]) -> Context:
        """A test's protocol begins."""
        self.cells.begin_tests()
        test = self.contexts.new_test(name)
        for context in uses:
            test.use(context)
        self._forget_sources()
        self.surroundings.begin_test(test)
        self.threads.begin_test(test)
        self.contexts.enter(test)
        self.fixtures.test = test
        return test

    def _forget_sources(self) -> None:
        """Who asks for a source that somebody has read before is to open it himself, and so to be seen."""
        linecache = sys.modules.get("linecache")
        known = getattr(linecache, "cache", None)
        for name in list(known) if known else ():
            if self.registry.project_path(name) is not None:
                known.pop(name, None)

    def end_test(
        self, test: Context, file: str, outcomes: Optional[Outcomes], started: float, marked: Optional[dict] = None
    ) -> None:
        """A test's protocol is over; without `outcomes` it was broken off and proves nothing."""
        self.fixtures.test = None
        self.contexts.leave(test)
        if outcomes is None or outcomes.reports == 0:
            self.cells.end_test(test)
            return
        self.audit.settle(test)
        self.threads.end_test(test)
        self.cells.end_test(test)
        self.caches.end_test(test)
        self.surroundings.end_test(test)
        self.leavings.end_test(test)
        result = outcomes.result()
        file_id = self.registry.file_id(file)
        self._write_pending()
        journal = self._journal
        if journal is not None:
            more = {"marked": marked} if marked is not None else {}
            journal.add(
                {
                    "k": "test",
                    "id": test.name,
                    "file": file_id,
                    "uses": sorted(test.uses),
                    "inputs": list(test.inputs.values()),
                    "opaque": list(test.opaque),
                    "outcome": result.outcome,
                    "green": result.green,
                    "reruns": result.reruns,
                    "duration": round(result.duration, 6),
                    "started": started,
                    **more,
                },
                test.codes,
            )
            journal.flush()
            if not journal.open:
                self._unhook()

    def write(self, frames: List[dict]) -> None:
        """Write what is pending, then these frames."""
        self._write_pending()
        if self._journal is not None:
            for frame in frames:
                self._journal.add(frame)
            self._journal.flush()

    def session_frame(self, **more: object) -> dict:
        """What is known of the session, and `more`."""
        return dict(self._header, k="session", roots=self._roots, sitedirs=site_dirs(), **more)

    def finish_child(self) -> None:
        """A child process is about to end. Without an end mark, nothing is known of it."""
        if self.active:
            self.contexts.slice()
            self.audit.settle(self.contexts.session)
            self.imports.announce_main()
        if self.active:
            self.finish(0)

    def finish(self, exit_code: Optional[int]) -> None:
        """pytest is done: the end mark."""
        if self._journal is None:
            self.withdraw()
            # Nobody reads a journal that was never opened.
            for note in self._notes:
                print("winnow: %s" % note["message"], file=sys.stderr)
            return
        try:
            if self.active:
                self.contexts.slice()
            self._write_pending()
            self._journal.add({"k": "end", "exit": exit_code})
            self._journal.flush()
        finally:
            self.withdraw()
            self._journal.close()
            self._release()

    def _release(self) -> None:
        """Nothing is recorded any more: keep nothing for the interpreter to take down when it ends."""
        self._at_fork.clear()
        self.contexts.release()
        self.fixtures.release()
        self.imports.release()
        self.cells.release()

    def _write_pending(self) -> None:
        journal = self._journal
        if journal is None:
            return
        if self.active:
            contexts, imports, audit = self.contexts, self.imports, self.audit
            imports.find_unseen()
            self.packages.settle()
            audit.settle(contexts.session)
            self._write_session(journal)
            changed = contexts.take_changed()
            for context in changed:
                if context.reads:
                    audit.settle(context)
            frames, imports.frames = imports.frames, []
            for frame in self.registry.announcements():
                journal.add(frame)
            for context in changed:
                journal.add(*context.news())
            # Settling may have marked some of them anew.
            for context in changed:
                contexts.changed.pop(context.id, None)
            for frame in frames:
                journal.add(frame)
        notes, self._notes = self._notes, []
        for note in notes:
            journal.add(note)

    def _write_session(self, journal: Journal) -> None:
        """The session frame, again whenever the search path has changed."""
        if sys.path == self._last_path:
            return
        roots = []
        for entry in sys.path:
            directory = os.path.abspath(entry or os.getcwd())
            if directory == _COLLECTOR or not os.path.exists(directory):
                continue
            rel, prefix = self.registry.relative(directory), os.path.join(directory, "")
            if rel not in roots and not self.registry.is_foreign(prefix) and not self._is_of_this_run(prefix):
                roots.append(rel)
        self._last_path = list(sys.path)
        roots += [rel for rel in self._roots if rel not in roots]
        if roots != self._roots:
            self._roots = roots
            journal.add(self.session_frame())

    def _is_of_this_run(self, directory: str) -> bool:
        """Whether a directory is there for this run only: a temporary one that came onto the search path later on."""
        is_configured = self._last_path is None and not self.children.is_child
        return not is_configured and self.registry.is_temporary(directory, really=True)

    def _forget(self) -> None:
        """In a forked child: the journal is the parent's."""
        self.active = False
        self.imports.active = False
        self.audit.stop()
        self.variables.stop()
        self.options.stop()
        self.children.stop()
        if self._journal is not None:
            self._journal.forget()

    def withdraw(self) -> None:
        """Take everything back. No name may be looked for meanwhile."""
        self._unhook()
        self.imports.leave()

    def _unhook(self) -> None:
        if not self.active:
            return
        self.active = False
        self.fixtures.stop()
        self.audit.stop()
        self.variables.stop()
        self.options.stop()
        self.children.stop()
        self.processes.restore()
        self.loaders.restore()
        self.packages.restore()
        self.imports.stop()
        if self.tracer is not None:
            self.tracer.stop()


def _place_of(error: BaseException) -> str:
    """Where it happened, without a look at the source."""
    found = error.__traceback__
    while found is not None and found.tb_next is not None:
        found = found.tb_next
    return "" if found is None else " at %s:%d" % (os.path.basename(found.tb_frame.f_code.co_filename), found.tb_lineno)


def leave_search_path() -> None:
    """Take the collector's directory from `sys.path`: everything of it is loaded by now."""
    while _COLLECTOR in sys.path:
        sys.path.remove(_COLLECTOR)


_recorder: Optional[Recorder] = None


def recorder_of(session: Session) -> Recorder:
    """This process's recorder: the bootstrap's if there was one, else a new one that starts now."""
    global _recorder
    if _recorder is None:
        _recorder = Recorder(session)
        if session.record:
            _recorder.start()
    return _recorder


def record_child(session: str, number: str) -> None:
    """This process is a child that a test has started."""
    recorder = Recorder(load_session(session))
    if recorder.tracer is None:
        return
    recorder.children.is_child = True
    recorder.start()
    # Kept by what it has set in motion.
    recorder.open("child", None, {}, child=number)
    # Whatever becomes of it, its journal says whose it is.
    recorder.write([])
    Report(recorder.finish_child)


def abandon_recorder() -> None:
    """Take everything back: the plugin that would use the recorder is not there."""
    if _recorder is not None:
        _recorder.withdraw()
    forget_recorder()


def forget_recorder() -> Any:
    """Let the next session of this process start afresh."""
    global _recorder
    _recorder = None
