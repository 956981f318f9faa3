"""What Winnow records inside a pytest process: which code, files and names each test depended on.

The package never decides anything and never opens the store: it reads one session file and one plan, and appends to a
journal. Losing it costs knowledge, never a test's outcome.
"""
