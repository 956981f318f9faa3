"""The settings that pytest's configuration may hold, by name, type and help: written by `npm run settings`.

The engine reads them. pytest has to know them only so that it does not warn of them, or refuse them in strict mode.
"""

from typing import Optional, Tuple

SETTINGS: "Tuple[Tuple[str, Optional[str], str], ...]" = (
    (
        "winnow_mode",
        None,
        "Leave out what is proven (select), or run everything and compare (observe).",
    ),
    (
        "winnow_always",
        "args",
        "Tests that run always.",
    ),
    (
        "winnow_everything",
        "args",
        "A change to a file that matches, a new one or a vanished one, concerns all tests.",
    ),
    (
        "winnow_harmless",
        "linelist",
        "Command lines of child processes that do not make a test *opaque*.",
    ),
    (
        "winnow_ignore",
        "args",
        "Reading, listing and looking for these is no dependency.",
    ),
    (
        "winnow_opaque",
        None,
        "When tests run whose inputs cannot be known: after any change (rerun), or always.",
    ),
    (
        "winnow_verify_sample",
        None,
        "The share of the tests that could be left out which runs all the same, where others run anyway.",
    ),
    (
        "winnow_environment",
        None,
        "The environment that results belong to: those of one prove nothing in another.",
    ),
    (
        "environment_expression",
        None,
        "A Python expression for the environment's name, as pytest-testmon has it.",
    ),
    (
        "testmon_ignore_dependencies",
        "args",
        "Packages whose changes pytest-testmon is told to ignore; read, and without effect so far.",
    ),
)
