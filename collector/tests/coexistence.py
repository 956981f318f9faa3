"""What the coexistence tests share: a temporary project, bare pytest in it, and the real engine in it.

A case is a project whose tests call functions of `lib.py`, and a table of which test calls which. From that table
everything follows: what each journal must say, what an edit of one function selects, and what runs then. Functions of
`library()` can be edited without changing any outcome, so each run can be compared with bare pytest's.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import textwrap
import time
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

import pytest
from journal_reader import Journal

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
NODE = os.path.join(REPOSITORY, "node_modules", ".bin", "node")
ENGINE = os.environ.get("WINNOW_TEST_CLI", os.path.join(REPOSITORY, "dist", "winnow.mjs"))
BOOTSTRAP = os.path.join(os.path.dirname(HERE), "winnow_pytest.py")
TIME_LIMIT_S = 120

# Which module `-p` has to name for each plugin; the tests load plugins one by one, as autoloading all of them would
# cost every process half a second and shuffle every order.
PLUGINS = {
    "xdist": ["xdist.plugin"],
    "cov": ["pytest_cov.plugin"],
    "randomly": ["pytest_randomly"],
    "rerunfailures": ["pytest_rerunfailures"],
    "asyncio": ["pytest_asyncio.plugin"],
    "timeout": ["pytest_timeout"],
    "anyio": ["anyio.pytest_plugin"],
    "hypothesis": ["_hypothesis_pytestplugin"],
}


def _share(*versions: str) -> Any:
    """Runs on these versions of those that WINNOW_TEST_WHOLE says the whole suite runs on, or else on the newest."""
    whole = os.environ.get("WINNOW_TEST_WHOLE", "").split()
    there = [version for version in versions if version in whole] or whole[-1:]
    return pytest.mark.skipif(
        bool(whole) and "%d.%d" % sys.version_info[:2] not in there,
        reason="does not differ by Python's version, and runs on %s" % " and ".join(there),
    )


# What may differ by Python's version runs on all of them. The rest is shared out, so that no version takes long: what
# depends on plugins (the oldest ones, and new ones), on pytest (the newest), or mostly on the engine.
of_plugins = _share("3.8", "3.12")
of_pytest = _share("3.13", "3.14")
of_engine = _share("3.11")

# Lines that differ from run to run whoever starts it.
_VOLATILE: Sequence[Tuple[str, str]] = (
    (r"\b\d+(\.\d+)?s( \(\d+:\d\d:\d\d\))?", "TIME"),
    (r"\d+\.\d+ seconds", "TIME"),
    (r"0x[0-9a-fA-F]+", "0x"),
    (r"^Using --randomly-seed=\d+$", "SEED"),
    (r"\[gw\d+\] (\[ *\d+%\] )?", ""),
    (r" *\[ *\d+%\]", ""),
    (r"=+ ([^=].*[^=]) =+", r"= \1 ="),
    (r"-+ ([^-].*[^-]) -+", r"- \1 -"),
    (r"pytest-of-\w+/pytest-\d+", "TMP"),
    (r"pid[= ]\d+", "PID"),
    (r"^(Thread|Current thread|~+ Stack of .*) .*\d{8,}.*$", "THREAD"),
)


def plugin(*names: str) -> List[str]:
    """`-p` arguments for plugins; skips the test that asks for one that is not installed."""
    arguments: List[str] = []
    for name in names:
        for module in PLUGINS[name]:
            try:
                found = importlib.util.find_spec(module) is not None
            except ImportError:
                found = False
            if not found:
                pytest.skip("the plugin %s is not installed" % name)
            arguments += ["-p", module]
    return arguments


def library(*names: str) -> str:
    """Source of functions that can be edited (`edit_function`) without changing what they return."""
    return "\n\n".join('def %s():\n    return len("%s")\n' % (name, "x" * 3) for name in names)


class Run(NamedTuple):
    """One process and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> List[str]:
        """Standard output without what changes from run to run."""
        text = self.out
        for pattern, replacement in _VOLATILE:
            text = re.sub(pattern, replacement, text, flags=re.M)
        return text.splitlines()


class Recorded(NamedTuple):
    """One `winnow run`: the process, and the journals of the pytest processes that it led to."""

    run: Run
    every: List[Journal]

    @property
    def journals(self) -> List[Journal]:
        """Those of pytest's own processes."""
        return [journal for journal in self.every if "child" not in journal.start]

    @property
    def children(self) -> List[Journal]:
        """Those of processes that tests have started."""
        return [journal for journal in self.every if "child" in journal.start]

    @property
    def code(self) -> int:
        """The exit code."""
        return self.run.code

    @property
    def started(self) -> bool:
        """True if a Python process was started that got as far as its journal."""
        return bool(self.journals)

    @property
    def tests(self) -> Dict[str, dict]:
        """Test frames by node id, of all processes."""
        return {name: frame for journal in self.journals for name, frame in journal.tests.items()}

    @property
    def notes(self) -> List[str]:
        """Notes of all journals."""
        return [note["message"] for journal in self.journals for note in journal.notes]

    def reporting(self, test: str) -> List[str]:
        """Command lines of the child processes that a test has started and that are to report."""
        return [row[2] for row in self.tests[test]["inputs"] if row[0] == "child"]

    def journal_of(self, test: str) -> Journal:
        """The journal that has a test's frame."""
        return next(journal for journal in self.journals if test in journal.tests)

    def bodies(self, test: str, path: str = "lib.py") -> Set[str]:
        """Names of the functions of a file that a test depends on."""
        found = self.journal_of(test).bodies(test)
        return {name.partition("::")[2] for name in found if name.startswith(path + "::")}

    def found(self, test: str, path: str = "lib.py") -> Set[str]:
        """The same, with what made the states that it may have met."""
        found = self.journal_of(test).found(test)
        return {name.partition("::")[2] for name in found if name.startswith(path + "::")}

    def outcomes(self) -> Dict[str, str]:
        """Outcomes by node id."""
        return {name: frame["outcome"] for name, frame in self.tests.items()}


class Plan(NamedTuple):
    """`winnow plan --json`."""

    kind: str
    tests: Set[str]
    files: Set[str]
    document: dict


class Project:
    """A project in a temporary directory."""

    def __init__(self, root: Any, files: Mapping[str, str], autoload: bool = False) -> None:
        self.root = str(root)
        self.environment = _clean_environment(autoload)
        self._clock = time.time() - 3600
        self._seen: Set[str] = set()
        self.write({"pytest.ini": "[pytest]\n"})
        self.write(files)

    def path(self, *parts: str) -> str:
        """An absolute path in the project."""
        return os.path.join(self.root, *parts)

    def write(self, files: Mapping[str, str]) -> None:
        """Write files; their times are far apart, so that Python's own byte code is never out of date unnoticed."""
        self._clock += 60
        for name, text in files.items():
            path = self.path(name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="\n") as file:
                file.write(textwrap.dedent(text))
            os.utime(path, (self._clock, self._clock))

    def read(self, name: str) -> str:
        """A file's text."""
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace the only occurrence of a text in a file."""
        text = self.read(name)
        assert text.count(old) == 1, "%r occurs %d times in %s" % (old, text.count(old), name)
        self.write({name: text.replace(old, new)})

    def edit_function(self, function: str, to: str = "", name: str = "lib.py") -> None:
        """Change the body of a function of `library()`: back and forth, or to any text of three letters."""
        text = self.read(name)
        head, middle, tail = text.partition('def %s():\n    return len("' % function)
        assert middle, "%s has no function %s of library()" % (name, function)
        new = to or ("yyy" if tail.startswith("xxx") else "xxx")
        self.write({name: head + middle + new + tail[3:]})

    def bare(self, *args: str, env: Optional[Mapping[str, str]] = None, stdin: Optional[str] = None) -> Run:
        """pytest without Winnow."""
        return self._execute([sys.executable, "-m", "pytest", *args], env, stdin)

    def winnow(self, *args: str, env: Optional[Mapping[str, str]] = None, stdin: Optional[str] = None) -> Recorded:
        """`winnow run`."""
        run = self._execute(self._command("run", [], args), env, stdin)
        return Recorded(run, self._new_journals(self.path(".winnow", "journals")))

    def plan(self, *args: str, env: Optional[Mapping[str, str]] = None) -> Plan:
        """`winnow plan`."""
        run = self._execute(self._command("plan", ["--json"], args), env, None)
        assert run.code == 0, run
        document = json.loads(run.out)
        tests = {test["id"] for test in document["tests"]}
        return Plan(document["kind"], tests, {file["path"] for file in document["files"]}, document)

    def collect(self, *args: str, env: Optional[Mapping[str, str]] = None, **session: Any) -> Recorded:
        """pytest with the collector and a session file of its own: no engine, no store."""
        journals = self.path("journals")
        os.makedirs(journals, exist_ok=True)
        document = {
            "version": 1,
            "root": self.root,
            "journals": journals,
            "run": "r%d" % len(os.listdir(journals)),
            "plan": None,
            "mechanism": "auto",
            "bytecode": self.path(".winnow", "bytecode"),
            "record": True,
            "ignoreDirs": [self.path(".winnow"), journals],
        }
        document.update(session)
        path = self.path(".winnow", "session.json")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        run = self._execute([sys.executable, BOOTSTRAP, *args], dict(env or {}, WINNOW_SESSION=path), None)
        return Recorded(run, self._new_journals(journals))

    def _command(self, command: str, own: Sequence[str], args: Sequence[str]) -> List[str]:
        node = [NODE, "--disable-warning=ExperimentalWarning", ENGINE]
        return [*node, command, "-C", self.root, "--python", sys.executable, *own, "--", *args]

    def _execute(self, command: Sequence[str], env: Optional[Mapping[str, str]], stdin: Optional[str]) -> Run:
        environment = dict(self.environment, **(env or {}))
        if any(word.startswith("--cov") for word in command):
            environment.pop("COVERAGE_PROCESS_START", None)  # one at a time
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment,
            input=None if stdin is None else stdin.encode(),
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=TIME_LIMIT_S,
        )
        out, err = (data.decode("utf-8", "replace").replace("\r\n", "\n") for data in (done.stdout, done.stderr))
        return Run(done.returncode, out, err)

    def _new_journals(self, directory: str) -> List[Journal]:
        names = os.listdir(directory) if os.path.isdir(directory) else []
        new = sorted(name for name in names if name.endswith(".journal") and name not in self._seen)
        self._seen.update(new)
        return [Journal(os.path.join(directory, name)) for name in new]


Table = Mapping[str, Iterable[str]]


def check(
    project: Project,
    table: Table,
    *args: str,
    edit: Optional[str] = None,
    again: Iterable[str] = (),
    env: Optional[Mapping[str, str]] = None,
    order: bool = True,
    same: Optional[Callable[[List[str]], List[str]]] = None,
    imported: Iterable[str] = (),
) -> Recorded:
    """The whole life of a case. `table`: test id → the functions of lib.py that it depends on, all of them.

    - bare pytest and Winnow's first run print the same and end the same;
    - each test's recorded set is that of the table, and what Winnow says of outcomes is what pytest says;
    - nothing is to run afterwards, but for `again`;
    - an edit of each function (of `edit` only, if given) selects those whose set has it; one of them is really run.

    `order=False`: lines may come in any order. `same`: what to compare of the lines. `imported`: functions
    that run when a module is imported; the journal tells so only of the test that imported it first, the engine knows
    it of all.
    """
    wanted = {name: set(functions) for name, functions in table.items()}
    verbose = [] if "no:terminal" in args else ["-v"]
    bare = project.bare(*verbose, *args, env=env)
    first = project.winnow(*verbose, *args, env=env)
    lines = [same(run.lines) if same is not None else run.lines for run in (bare, first.run)]
    if not order:
        lines = [sorted(one) for one in lines]
    assert lines[1] == lines[0], _explain(first.run)
    assert first.code == bare.code, _explain(first.run)
    assert set(first.tests) == set(wanted), _explain(first.run)
    for name, functions in wanted.items():
        # Of the states that it may have met, the engine tells which it found: what comes of that is asked below.
        bodies, found = first.bodies(name), first.found(name) | set(imported)
        assert bodies <= functions <= found, "%s: %s, %s, not %s" % (name, bodies, found, functions)

    expect_idle(project, *args, again=again, env=env)
    names = [edit] if edit is not None else sorted(set().union(*wanted.values()))
    for name in names[:-1]:
        project.edit_function(name)
        expected = {test for test, functions in wanted.items() if name in functions} | set(again)
        plan = project.plan(*args, env=env)
        text = "%s: %s" % (name, json.dumps(plan.document, indent=1))
        assert plan.kind == "some", text
        # A file to be collected anew stands for those of its tests that are not proven.
        inside = {test for test in expected if test.partition("::")[0] in plan.files}
        assert plan.tests | inside == expected, text
        assert plan.files == {test.partition("::")[0] for test in inside}, text
        project.edit_function(name)
    project.edit_function(names[-1])
    expected = {test for test, functions in wanted.items() if names[-1] in functions} | set(again)
    second = project.winnow(*verbose, *args, env=env)
    assert set(second.tests) == expected, _explain(second.run)
    assert second.code == first.code or again, _explain(second.run)
    # Undone: what was proven before is proven again.
    project.edit_function(names[-1])
    return first


def expect_idle(
    project: Project,
    *args: str,
    again: Iterable[str] = (),
    env: Optional[Mapping[str, str]] = None,
) -> None:
    """Nothing is to run but `again`; if that is nothing at all, no Python is started."""
    if not again:
        idle = project.winnow(*args, env=env)
        assert "nothing to run" in idle.run.err, _explain(idle.run)
        assert (idle.code, idle.run.out, idle.started) == (0, "", False), _explain(idle.run)
        return
    plan = project.plan(*args, env=env)
    assert (plan.tests, plan.files) == (set(again), set()), json.dumps(plan.document, indent=1)


def only(lines: Iterable[str]) -> str:
    """The only line; what was expected to be exactly one."""
    found = list(lines)
    assert len(found) == 1, found
    return found[0]


def winnow_lines(run: Run, text: str) -> List[str]:
    """Winnow's lines on standard error that contain a text."""
    return [line for line in run.err.splitlines() if line.startswith("winnow:") and text in line]


def _explain(run: Run) -> str:
    return "exit %d\n%s\n%s" % (run.code, run.out, run.err)


def _clean_environment(autoload: bool) -> Dict[str, str]:
    """The variables of this process without those that speak to pytest, coverage, Python or Winnow."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("PYTEST_", "COV_", "COVERAGE_", "WINNOW_", "PYTHON", "HYPOTHESIS", "NODE_", "VIRTUAL_ENV")
        )
    }
    kept.update({"NO_COLOR": "1", "COLUMNS": "120", "WINNOW_KEEP_JOURNALS": "1", "PYTHONHASHSEED": "0"})
    if "WINNOW_MECHANISM" in os.environ:
        kept["WINNOW_MECHANISM"] = os.environ["WINNOW_MECHANISM"]
    # These measure the collector's own lines; see measuring/.
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_CORE", "COVERAGE_DATA", "COVERAGE_COLLECTOR"):
        if name in os.environ:
            kept[name] = os.environ[name]
    if not autoload:
        kept["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return kept
