"""Temporary projects, and real pytest processes in them with Winnow's plugin."""

import hashlib
import os
import subprocess
import sys
import textwrap
from typing import Any, Dict, Optional

import pytest

PACKAGES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, PACKAGES)
# What would make runs differ from those of a user.
_UNSET = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "CI", "WINNOW_SESSION") + (
    "PYTEST_CURRENT_TEST",
)


class Run:
    """What a pytest process said."""

    def __init__(self, process: "subprocess.CompletedProcess[str]") -> None:
        self.exit = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def __repr__(self) -> str:
        return "exit %s\n%s\n%s" % (self.exit, self.out, self.err)

    @property
    def ran(self) -> str:
        """The last line that counts tests, without times."""
        lines = [line for line in self.out.splitlines() if " in " in line and line.strip("= ").endswith("s")]
        return lines[-1].strip("= ").rpartition(" in ")[0] if lines else ""


class Project:
    """A project in a temporary directory."""

    def __init__(self, root: Any) -> None:
        self.root = root

    def write(self, files: Dict[str, str]) -> None:
        """Write files: path → text (dedented)."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")

    def command(self, *args: str) -> "list[str]":
        """How pytest is started; randomness and caches of other plugins would only disturb."""
        return [sys.executable, "-m", "pytest", "-p", "pytest_winnow.plugin", *args]

    def environment(self, env: Optional[Dict[str, str]] = None) -> Dict[str, str]:
        """The variables of a run."""
        kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
        return {**kept, "PYTHONPATH": PACKAGES, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **(env or {})}

    def run(self, *args: str, env: Optional[Dict[str, str]] = None) -> Run:
        """Run `pytest ARGS` with the plugin."""
        process = subprocess.run(
            self.command(*args),
            cwd=str(self.root),
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )
        return Run(process)

    def digest(self) -> Dict[str, str]:
        """Every file of the project, with what it holds and when it was written."""
        found = {}
        for directory, _, names in os.walk(str(self.root)):
            for name in names:
                path = os.path.join(directory, name)
                with open(path, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
                found[path] = "%s %s" % (content, os.stat(path).st_mtime_ns)
        return found


SHOP = {
    "shop.py": """
        def net(amount):
            return amount - 1

        def gross(amount):
            return amount + 1
        """,
    "test_shop.py": """
        import shop

        def test_net(): assert shop.net(2) == 1
        def test_gross(): assert shop.gross(2) == 3
        """,
    "test_other.py": "def test_other(): pass\n",
}


@pytest.fixture
def project(tmp_path: Any) -> Project:
    """An empty project."""
    root = tmp_path / "project"
    root.mkdir()
    return Project(root)


@pytest.fixture
def shop(project: Project) -> Project:
    """A project of three tests in two files."""
    project.write({"pytest.ini": "[pytest]\n", **SHOP})
    return project
