"""Finds Python interpreters and makes the environments that the benchmarks and judges run in.

Everything lives under one cache directory (`.cache/bench` of the repository unless told otherwise); deleting it is
always safe. Environments are made with uv where it is on PATH and works, else with `python -m venv` and pip, and
are made once per (interpreter, requirements).
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from typing import Dict, List, Optional, Sequence, Tuple

from measure import clean_environment

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TESTMON = "pytest-testmon==2.2.0"
DIFFTEST = "pytest-difftest==0.3.0"

Version = Tuple[int, int]


def cache_directory(asked: Optional[str] = None) -> str:
    """The directory for environments, generated projects and raw results."""
    path = os.path.abspath(asked or os.path.join(REPOSITORY, ".cache", "bench"))
    os.makedirs(path, exist_ok=True)
    # Winnow takes the nearest store above a project for its own: a foreign one would be measured, and written to.
    above = path
    while above != os.path.dirname(above):
        if os.path.exists(os.path.join(above, ".winnow", "store.db")):
            sys.exit("there is a store of Winnow's in %s, above the cache directory: name another with --cache" % above)
        above = os.path.dirname(above)
    return path


def _ask(python: str, code: str) -> Optional[str]:
    try:
        done = subprocess.run(
            [python, "-c", code],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def version_of(python: str) -> Optional[str]:
    """`3.13.0`, or None where `python` is no interpreter that starts."""
    return _ask(python, "import platform; print(platform.python_version())")


def _minor(version: str) -> Version:
    parts = version.split(".")
    return int(parts[0]), int(parts[1])


def interpreters(oldest: Version = (3, 8)) -> Dict[Version, str]:
    """One working CPython per minor version: from pyenv's folder, from PATH, and the one that runs this script."""
    places: List[str] = []
    pyenv = os.environ.get("PYENV_ROOT") or os.path.join(os.path.expanduser("~"), ".pyenv")
    versions = os.path.join(pyenv, "versions")
    if os.path.isdir(versions):
        places += [os.path.join(versions, name, "bin", "python") for name in sorted(os.listdir(versions))]
    places += [found for found in (shutil.which("python3.%d" % minor) for minor in range(oldest[1], 20)) if found]
    places += [found for found in [shutil.which("python3"), sys.executable] if found]
    found: Dict[Version, str] = {}
    for place in places:
        if not os.path.exists(place):
            continue
        # The executable itself, not a shim: a shim is a shell script and would be measured too.
        answer = _ask(
            place,
            "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2],"
            " getattr(sys, '_base_executable', None) or sys.executable)",
        )
        parts = (answer or "").split(" ", 2)
        if len(parts) == 3 and parts[0] == "cpython" and _minor(parts[1]) >= oldest:
            found.setdefault(_minor(parts[1]), parts[2])
    return dict(sorted(found.items()))


def newest(oldest: Version = (3, 12)) -> str:
    """The newest interpreter that is at least `oldest`; a sentence and exit 2 where there is none."""
    found = interpreters(oldest)
    if not found:
        sys.exit("no Python %d.%d or newer was found on PATH or in pyenv's folder; name one with --python" % oldest)
    return found[max(found)]


def _uv() -> Optional[str]:
    uv = shutil.which("uv")
    if not uv:
        return None
    done = subprocess.run([uv, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return uv if done.returncode == 0 else None


def _python_in(directory: str) -> str:
    return (
        os.path.join(directory, "Scripts", "python.exe")
        if os.name == "nt"
        else os.path.join(directory, "bin", "python")
    )


def _say(command: Sequence[str], what: str) -> None:
    done = subprocess.run(
        list(command), env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        raise RuntimeError("%s failed:\n%s" % (what, done.stdout.decode("utf-8", "replace")[-2000:]))


def environment(python: str, name: str, requirements: Sequence[str], cache: str) -> str:
    """The interpreter of a virtual environment of `python` with `requirements`; made if it is not there yet."""
    version = version_of(python) or "?"
    stamp = hashlib.sha256(json.dumps([version, list(requirements)]).encode()).hexdigest()[:10]
    directory = os.path.join(cache, "environments", "%s-%s-%s" % (name, version, stamp))
    inside = _python_in(directory)
    mark = os.path.join(directory, "ready")
    if os.path.exists(mark):
        return inside
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(os.path.dirname(directory), exist_ok=True)
    uv = _uv()
    if uv:
        _say([uv, "venv", "-q", "--python", python, directory], "uv venv")
        if requirements:
            _say(
                [uv, "pip", "install", "-q", "--python", inside, *requirements],
                "uv pip install " + " ".join(requirements),
            )
    else:
        _say([python, "-m", "venv", directory], "python -m venv")
        if requirements:
            _say([inside, "-m", "pip", "install", "-q", *requirements], "pip install " + " ".join(requirements))
    with open(mark, "w", encoding="utf-8") as out:
        out.write("\n".join(requirements) + "\n")
    return inside


def overlay(python: str, name: str, requirements: Sequence[str], cache: str) -> str:
    """A directory with `requirements`, to be put on the end of `sys.path`: nothing enters the environment itself."""
    inside = environment(python, name, requirements, cache)
    where = _ask(inside, "import sysconfig; print(sysconfig.get_paths()['platlib'])")
    if not where:
        raise RuntimeError("the environment %s does not start" % name)
    return where


def versions(python: str, names: Sequence[str]) -> Dict[str, str]:
    """The installed versions of `names` as `python` sees them; those absent are left out."""
    code = (
        "import json, sys\nfrom importlib import metadata as m\nout = {}\n"
        "for n in sys.argv[1:]:\n  try: out[n] = m.version(n)\n  except m.PackageNotFoundError: pass\n"
        "print(json.dumps(out))"
    )
    done = subprocess.run(
        [python, "-c", code, *names],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {}


def node() -> str:
    """The Node that Winnow runs on: the project's own, else the one on PATH; the binary itself, not a wrapper."""
    own = os.path.join(REPOSITORY, "node_modules", ".bin", "node")
    found = own if os.path.exists(own) else shutil.which("node")
    if not found:
        sys.exit("no Node: run `npm ci` in the repository first")
    done = subprocess.run([found, "-p", "process.execPath"], stdout=subprocess.PIPE, check=False)
    return done.stdout.decode().strip() or found


def winnow(python: str, arguments: Sequence[str], project: str, command: str = "run") -> List[str]:
    """The command line that starts Winnow's bundle on `project`."""
    bundle = os.path.join(REPOSITORY, "dist", "winnow.mjs")
    tail = ["--", *arguments] if arguments else []
    start = [node_cached(), "--disable-warning=ExperimentalWarning", bundle]
    return [*start, command, "-C", project, "--python", python, *tail]


_NODE: List[str] = []


def node_cached() -> str:
    """`node()`, asked once per process."""
    if not _NODE:
        _NODE.append(node())
    return _NODE[0]


def winnow_digest() -> str:
    """What Winnow is now, bundle and collector: figures of a Winnow that was rebuilt half-way are none."""
    digest = hashlib.sha256()
    for folder in ("dist", "collector"):
        for directory, folders, names in os.walk(os.path.join(REPOSITORY, folder)):
            folders[:] = sorted(name for name in folders if name not in ("__pycache__", "tests"))
            for name in sorted(names):
                if name.endswith((".py", ".mjs")):
                    with open(os.path.join(directory, name), "rb") as source:
                        digest.update(name.encode() + b"\0" + source.read())
    return digest.hexdigest()


def has_winnow() -> bool:
    """Whether the bundle is there (`npm run build` makes it)."""
    return os.path.exists(os.path.join(REPOSITORY, "dist", "winnow.mjs"))
