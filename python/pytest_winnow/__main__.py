"""`python -m pytest_winnow`: the command line, where it cannot be started without Python (Windows, unusual layouts)."""

import os
import sys

from .engine import EngineMissing, engine_command


def main() -> None:
    """Become the engine, with this process's arguments."""
    try:
        command = engine_command() + sys.argv[1:]
    except EngineMissing as error:
        print("winnow: %s" % error, file=sys.stderr)
        sys.exit(4)
    if os.name == "posix":
        os.execv(command[0], command)
    import subprocess

    process = subprocess.Popen(command)
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            # It goes to the engine as well, which lets pytest come to its end.
            continue


if __name__ == "__main__":
    main()
