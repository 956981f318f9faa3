"""Child processes that run Python and report."""

import os
import re
import sys

import pytest

FILES = {
    "lib.py": """
        import os

        def used():
            return 1

        def unused():
            return 2

        def read():
            return open("data.txt").read()
    """,
    "data.txt": "x",
    "script.py": """
        import lib

        def go():
            return lib.used()

        go()
    """,
    "sub.py": """
        import subprocess, sys
        subprocess.check_call([sys.executable, "script.py"])
    """,
    "tests.ini": "[pytest]\npython_files = inner.py\n",
    "inner.py": "def test_it(): pass\n",
}
BEGIN = "import os, subprocess, sys\n\ndef start(*args, **named):\n"
BEGIN += "    return subprocess.check_output([sys.executable, *args], **named).decode().strip()\n\n"


def run(project, body, **named):
    project.write(FILES)
    (project.root / "test_it.py").write_text(BEGIN + body)
    result = project.run("-q", **named)
    assert result.exit == 0, (result.out, result.err)
    return result


def started(result, test="test_it"):
    """The children that a test says it has started."""
    journal = result.journal
    inputs = [row for part in journal.reached("test_it.py::" + test) for row in part["inputs"]]
    return [row[1:] for row in inputs if row[0] == "child"]


def child_of(result, test="test_it"):
    [(number, _)] = started(result, test)
    return result.children[number]


def names_in(journal):
    numbers = {code for frame, codes in journal.frames if frame["k"] == "ctx" for code in codes}
    return {"%s::%s" % (journal.codes[number][0], journal.codes[number][2]) for number in numbers}


def inputs_of(journal, kind):
    return sorted(
        row[1] for frame, _ in journal.frames if frame["k"] == "ctx" for row in frame["inputs"] if row[0] == kind
    )


def test_a_script_reports_what_it_ran(project):
    result = run(project, 'def test_it(): start("script.py")\n')
    child = child_of(result)
    assert child.end is not None and child.start["role"] == "child"
    assert "lib.py::used" in names_in(child) and "lib.py::unused" not in names_in(child)
    assert "script.py" in inputs_of(child, "file")
    if hasattr(sys, "monitoring"):
        assert "script.py::go" in names_in(child)
        assert {module["name"] for module in child.modules} == {"lib", "__main__"}
        assert inputs_of(child, "file") == ["script.py"]
    else:
        # Which functions of the script ran is not known: all of what is loaded counts.
        assert inputs_of(child, "file") == ["lib.py", "script.py"]
    assert child.preloaded == []


def test_code_on_the_command_line_counts_all_of_each_file(project):
    result = run(project, 'def test_it(): start("-c", "import lib; lib.read()")\n')
    assert inputs_of(child_of(result), "file") == ["data.txt", "lib.py"]


def test_children_of_children(project):
    result = run(project, 'def test_it(): start("sub.py")\n')
    child = child_of(result)
    [number] = inputs_of(child, "child")
    assert "lib.py::used" in names_in(result.children[number])


@pytest.mark.parametrize(
    "body, is_opaque",
    [
        ('start("-I", "-c", "pass")', True),
        ('start("-Sc", "pass")', True),
        ('start("-W", "error", "-I", "-c", "pass")', True),
        ('subprocess.check_call("true", shell=True)', True),
        ('subprocess.check_call(["true"])', True),
        ('start("-c", "pass", preexec_fn=lambda: None)', True),
        ('start("-W", "ignore", "-c", "pass")', False),
        ('start("-X", "dev", "-uc", "pass")', False),
        ('start("-Wignore", "-c", "pass")', False),
        ('start("-bb", "-W", "error", "-c", "import os; os.environ.get(\'A\'), list(os.environb)[:1]")', False),
        ('subprocess.run(["python", "-c", "pass"], executable=sys.executable, check=True)', False),
    ],
)
def test_who_is_told_to_report(project, body, is_opaque):
    result = run(project, "def test_it(): %s\n" % body)
    assert bool(result.journal.opaque("test_it.py::test_it")) == is_opaque
    assert len(started(result)) == len(result.children) == (0 if is_opaque else 1)


@pytest.mark.parametrize(
    "code",
    [
        "import os; os._exit(0)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "import pytest; pytest.main(['-c', 'tests.ini', '-q', '-p', 'no:cacheprovider'])",
    ],
)
def test_who_comes_to_no_orderly_end_has_no_end_mark(project, code):
    result = run(project, 'def test_it(): subprocess.call([sys.executable, "-c", %r])\n' % code)
    [(number, command)] = started(result)
    assert number not in result.children or result.children[number].end is None
    assert command.endswith(code)


def test_a_program_that_is_not_there(project):
    result = run(
        project,
        """
import pytest
def test_it():
    with pytest.raises(FileNotFoundError):
        subprocess.call([os.path.join(os.path.dirname(sys.executable), "nothing")])
""",
    )
    assert len(result.journal.opaque("test_it.py::test_it")) == 1


def test_python_that_refuses_to_compare_bytes_and_texts(project):
    body = """
import sqlite3
def test_it():
    assert os.environ.get("NOT_THERE") is None and os.environb.get(b"NOT_THERE") is None
    sqlite3.connect("own.db").close()
    assert start("-bb", "-c", "import lib; print(lib.used())", env=dict(os.environ)) == "1"
    assert start("-bb", "-c", "import lib; print(lib.used())", env=dict(os.environb)) == "1"
"""
    result = run(project, body, python_args=["-bb"])
    assert len(result.children) == 2 and result.journal.notes == []
    assert all(child.end is not None for child in result.children.values())


@pytest.mark.parametrize(
    "call",
    [
        "subprocess.Popen([])",
        "subprocess.Popen([sys.executable], env=3)",
        "subprocess.Popen([sys.executable], env={1: 2})",
        "subprocess.Popen([sys.executable, 1])",
        "subprocess.Popen(3)",
    ],
)
def test_arguments_that_subprocess_refuses(project, call):
    body = (
        """
import pytest
def test_it():
    with pytest.raises((TypeError, IndexError, ValueError, AttributeError)):
        %s
def test_more(): assert start("-c", "print(1)") == "1"
"""
        % call
    )
    result = run(project, body)
    assert result.journal.notes == [] and len(started(result, "test_more")) == 1


SEEN = (
    "import os, sys; print(sorted((k, v) for k, v in os.environ.items() if k.startswith(('WINNOW_S', 'WINNOW_C', 'PYTHONP', 'MODE'))),"
    " [p for p in sys.path if os.path.exists(os.path.join(p, 'winnow_collector')) or os.path.basename(p) == 'child'],"
    " getattr(sys.modules.get('sitecustomize'), 'MINE', None))"
)


def test_a_child_sees_what_it_would_see_without(project):
    project.write({"site/sitecustomize.py": "MINE = 1\n"})
    site = str(project.root / "site")
    body = """
def test_inherited(): print(start("-c", %r))
def test_given(): print(start("-c", %r, env=dict(os.environ, MODE="x", PYTHONPATH=%r)))
def test_bytes(): print(start("-c", %r, env={k: v for k, v in os.environb.items()} if os.supports_bytes_environ else None))
""" % (SEEN, SEEN, site, SEEN)
    result = run(project, body, env={"PYTHONPATH": os.path.join(str(project.root), "nowhere"), "WINNOW_DEBUG": ""})
    out = project.run("-q", "-s", env={"PYTHONPATH": str(project.root / "nowhere"), "WINNOW_DEBUG": ""}).out
    lines = [line.lstrip(".") for line in out.splitlines() if "[" in line and "PYTHONPATH" in line]
    assert lines == [
        "[('PYTHONPATH', %r)] [] None" % str(project.root / "nowhere"),
        "[('MODE', 'x'), ('PYTHONPATH', %r)] [] 1" % site,
        "[('PYTHONPATH', %r)] [] None" % str(project.root / "nowhere"),
    ]
    assert len(result.children) == 3


LOADED = "import sys; print('|'.join(sorted(n for n, m in sys.modules.items() if getattr(m, '__file__', None))))"


def test_what_is_loaded_in_a_child_is_what_would_be_without(project):
    project.write({"lib.py": "def f(): import json, re; return json.dumps({'a': len(re.findall('a', 'aa'))})\n"})
    code = LOADED + "; from lib import f; assert len(f()) == 8"
    (project.root / "test_it.py").write_text(BEGIN + "def test_it(): print('>', start('-c', %r))\n" % code)
    with_it, bare = project.run("-q", "-s"), project.run_bare("-q", "-s")
    seen, known = (set(re.search("> (.*)", out).group(1).split("|")) for out in (with_it.out, bare.stdout))
    more = {name for name in seen - known if not name.startswith(("importlib", "_"))}
    assert child_of(with_it).end is not None
    # Extension modules exist once in a process.
    assert {name for name in more if str(sys.modules.get(name, sys).__dict__.get("__file__")).endswith(".py")} <= {
        "threading",
        "sitecustomize",
    }
    assert not [name for name in more if name.startswith("winnow")]


def test_variables_that_another_test_has_left_come_with_it(project):
    result = run(
        project,
        """
import lib
def test_first():
    lib.unused()
    os.environ["MODE"] = "x"
def test_it(): assert start("-c", "import os; print(os.environ['MODE'])") == "x"
""",
    )
    assert "lib.py::unused" in result.journal.found("test_it.py::test_it")


def test_popen_is_as_it_was_afterwards(project):
    result = run(
        project,
        """
import atexit
def report(): print("same", vars(subprocess.Popen)["_execute_child"].__code__.co_filename == subprocess.__file__)
atexit.register(report)
def test_it(): pass
""",
    )
    assert "same True" in result.out


def test_modules_that_keep_functions_of_os_in_classes(project):
    # `pathlib` does, until Python 3.10: loaded afresh in a child, it finds what watches there.
    code = "import os, pathlib; print(pathlib.Path('lib.py').exists(), pathlib.Path('none').exists())"
    run(project, "def test_it(): assert start('-c', %r) == 'True False'\n" % code)
