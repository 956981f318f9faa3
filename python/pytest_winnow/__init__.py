"""Winnow as an installed Python package: the engine's bundle, Python's half of it, and pytest's plugin."""
