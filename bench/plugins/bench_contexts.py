"""A pytest plugin that tells the coverage.py in this process which test runs: `-p bench_contexts`."""

from typing import Generator, Optional

import coverage
import pytest


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: Optional[pytest.Item]) -> Generator[None, None, None]:
    """All phases of a test are its context; what lies between tests belongs to none."""
    current = coverage.Coverage.current()
    if current:
        current.switch_context(item.nodeid)
    yield
    if current:
        current.switch_context("")
