"""The parts of the simulator (`bench/simulate.py`): random projects, random edits of them, and a judge."""
