"""Draws the chart of growth: `python bench/chart.py OUT.svg`, with the points as JSON on standard input.

`{what grows: [[value, CPU ms after an edit, CPU ms where nothing changed], …]}`. Needs matplotlib; `speed_report.py`
runs it in an environment of its own. The same points give the same file.
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
# Ids within the file, which are drawn by lot otherwise.
matplotlib.rcParams["svg.hashsalt"] = "growth"

from matplotlib import pyplot  # noqa: E402


def main() -> None:
    """Command line."""
    points = json.load(sys.stdin)
    figure, all_axes = pyplot.subplots(1, len(points), figsize=(4 * len(points), 3.4), sharey=True, squeeze=False)
    for axes, (what, found) in zip(all_axes[0], points.items()):
        values = [value for value, _, _ in found]
        axes.plot(values, [ms for _, ms, _ in found], marker="o", label="after an edit")
        axes.plot(values, [ms for _, _, ms in found], marker="o", color="0.6", label="nothing changed")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(what)
        axes.grid(True, which="major", alpha=0.3)
    all_axes[0][0].set_ylabel("CPU of `winnow plan`, ms")
    all_axes[0][0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(sys.argv[1], metadata={"Date": None})


if __name__ == "__main__":
    main()
