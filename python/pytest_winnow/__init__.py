"""Winnow for pytest: `pytest --winnow` leaves out the tests that no change concerns."""
