"""A pytest plugin that runs the tests in another order: `-p bench_shuffle` with `BENCH_SHUFFLE=seed`.

`BENCH_SHUFFLE=reversed` turns the order round. All tests are shuffled, across files and classes, which is harder on
whoever attributes shared fixtures than what pytest-randomly does.
"""

import os
import random
from typing import List

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """Reorders `items` in place."""
    seed = os.environ.get("BENCH_SHUFFLE", "1")
    if seed == "reversed":
        items.reverse()
    else:
        random.Random(seed).shuffle(items)
