"""What pytest loads with `-p`: the hooks of `plugin`, or none, if they cannot be had.

pytest ends at once where a plugin named on its command line cannot be imported, so nothing may be raised in here.
"""

import sys

# pytest has taken its arguments by now; what tests find in sys.argv is what the user typed.
if sys.argv[1:3] == ["-p", __name__]:
    del sys.argv[1:3]

try:
    from .plugin import *  # noqa: F403
except Exception as _error:
    from .recorder import abandon_recorder

    abandon_recorder()
    print("winnow: nothing is recorded and every test runs, because %s" % _error, file=sys.stderr)
