"""Puts together what the processes of several Pythons measured, and says how much of the collector it is.

    python report.py [FLOOR]

Each mechanism runs on its own versions of Python only, so that only both together are the whole.
"""

import os
import sys

import coverage


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    data = os.environ["COVERAGE_DATA"]
    measured = coverage.Coverage(config_file=os.path.join(here, "coverage.ini"))
    measured.combine([os.path.dirname(data)])
    measured.save()
    total = measured.report(show_missing=True)
    print("collector: %.1f %% of lines" % total)
    return total < float(sys.argv[1]) if len(sys.argv) > 1 else False


if __name__ == "__main__":
    sys.exit(main())
