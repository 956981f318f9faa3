"""Uses Winnow as it is installed for the Python that runs this, on a project of two tests, and fails if it fails.

Standard library only, for any platform: the release workflow runs it in each environment of its matrix.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from typing import Tuple

FILES = {
    "pyproject.toml": "[tool.pytest.ini_options]\n",
    "shop.py": "def total(prices):\n    return sum(prices)\n\n\ndef name():\n    return 'shop'\n",
    "test_shop.py": (
        "import shop\n\n\ndef test_total():\n    assert shop.total([1, 2]) == 3\n\n\n"
        "def test_name():\n    assert shop.name() == 'shop'\n"
    ),
}


def main() -> None:
    """Record, find nothing to do, find what an edit concerns, and undo it."""
    with tempfile.TemporaryDirectory() as project:
        for name, text in FILES.items():
            _write(project, name, text)
        expect(winnow(project, "run"), 0, "2 tests ran, none left out")
        expect(winnow(project, "run"), 0, "nothing to run: 2 tests up to date")
        _write(project, "shop.py", FILES["shop.py"].replace("sum(prices)", "sum(prices) + 1"))
        expect(winnow(project, "run"), 1, "1 test ran, 1 left out")
        _write(project, "shop.py", FILES["shop.py"])
        expect(winnow(project, "run"), 0, "nothing to run: 2 tests up to date")
        expect(pytest(project), 0, "2 passed")
    print("Winnow works on Python %s" % sys.version.split()[0])


def winnow(project: str, *args: str) -> Tuple[int, str]:
    """The installed command, and nothing that could lead it to another Python."""
    command = os.path.join(sysconfig.get_path("scripts"), "winnow" + (".exe" if os.name == "nt" else ""))
    return _run([command, *args], project)


def pytest(project: str) -> Tuple[int, str]:
    """pytest alone, with the plugin that is installed."""
    return _run([sys.executable, "-m", "pytest"], project)


def expect(result: Tuple[int, str], code: int, text: str) -> None:
    """Fail with all that was said."""
    if result[0] != code or text not in result[1]:
        sys.exit("expected exit code %d and %r, got %d and:\n%s" % (code, text, result[0], result[1]))


def _run(command: "list[str]", project: str) -> Tuple[int, str]:
    unset = ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT", "PYTEST_ADDOPTS")
    env = {name: value for name, value in os.environ.items() if name not in unset}
    # Winnow's sentences have signs that a Windows code page may not have.
    process = subprocess.run(
        command,
        cwd=project,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return process.returncode, process.stdout


def _write(project: str, name: str, text: str) -> None:
    with open(os.path.join(project, name), "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


if __name__ == "__main__":
    main()
