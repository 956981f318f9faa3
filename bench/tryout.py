#!/usr/bin/env python3
"""Winnow on projects that nobody here wrote: source archives from PyPI, recorded, edited, rerun.

    python3 bench/tryout.py [--python PYTHON] [PROJECT ...]

For each project: download its source archive, make an environment with its test requirements, run `winnow run` three
times (record; nothing changed; after an edit of one function body), undo the edit and run once more. Printed are the
lines that Winnow printed. Ends with 1 if a step did not do what it must: all, none, some, none.
"""

import argparse
import re
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WINNOW = [str(ROOT / "winnow")]

# What is installed beside the project, where its tests are, and an edit: file, text, replacement (the same meaning).
PROJECTS = {
    "marshmallow": (["simplejson"], "tests", "src/marshmallow/utils.py", "    return value", "    return (value)"),
    "click": ([], "tests", "src/click/utils.py", "\n        return rv\n", "\n        rv = rv\n        return rv\n"),
    "jinja2": (
        ["trio"],
        "tests",
        "src/jinja2/filters.py",
        "    return soft_str(s).lower()",
        "    s = soft_str(s)\n    return s.lower()",
    ),
}


def run(command, **options):
    return subprocess.run(command, check=True, text=True, capture_output=True, **options).stdout


def prepare(name, cache, python):
    """Unpacks the newest source archive, and makes an environment; returns both directories."""
    directory = cache / name
    environment = directory / "environment"
    executable = environment / "bin" / "python"
    if not executable.exists():
        run([python, "-m", "venv", str(environment)])
    archives = directory / "archives"
    if not archives.exists():
        flags = ["--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--quiet"]
        run([str(executable), "-m", "pip", "install", "--quiet", "flit_core", "setuptools", "hatchling"])
        run([str(executable), "-m", "pip", "download", *flags, "-d", str(archives), name])
    (archive,) = archives.glob("*.tar.gz")
    project = directory / archive.name[: -len(".tar.gz")]
    if not project.exists():
        with tarfile.open(archive) as packed:
            packed.extractall(directory)
        run([str(executable), "-m", "pip", "install", "--quiet", "pytest", "-e", str(project), *PROJECTS[name][0]])
    return project, executable


def winnow(project, executable, tests):
    """One run; returns the exit code and Winnow's own lines."""
    command = WINNOW + ["run", "-C", str(project), "--python", str(executable), "--", "-q", "-p", "no:randomly", tests]
    result = subprocess.run(command, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return result.returncode, [line for line in result.stderr.splitlines() if line.startswith("winnow:")]


def try_project(name, cache, python):
    """Runs the four steps; returns whether each did what it must."""
    project, executable = prepare(name, cache, python)
    _, tests, file, old, new = PROJECTS[name]
    source = project / file
    original = source.read_text(encoding="utf-8")
    if old not in original:
        print("%s: the edit does not fit this version any more" % project.name)
        return False
    subprocess.run(["rm", "-rf", str(project / ".winnow")], check=True)
    print("\n%s" % project.name)
    good = True
    try:
        for step, text, pattern in (
            ("record", original, r"[1-9][\d,]* tests? ran"),
            ("nothing changed", original, r"nothing to run"),
            ("one body edited", original.replace(old, new, 1), r"to run: .* of "),
            ("undone", original, r"nothing to run"),
        ):
            source.write_text(text, encoding="utf-8")
            code, lines = winnow(project, executable, tests)
            fits = any(re.search(pattern, line) for line in lines)
            good = good and fits and code in (0, 1)
            print("  %-16s exit %d%s" % (step, code, "" if fits else "  UNEXPECTED"))
            for line in lines:
                print("      " + line)
    finally:
        source.write_text(original, encoding="utf-8")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", nargs="*", default=sorted(PROJECTS), metavar="PROJECT")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "tryout")
    options = parser.parse_args()
    results = [try_project(name, options.cache, options.python) for name in options.projects]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
