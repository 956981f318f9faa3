"""Where the engine is (temporary)."""

import os
from typing import List

_HERE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def engine_command() -> List[str]:
    return [
        os.path.join(_HERE, "node_modules", ".bin", "node"),
        "--disable-warning=ExperimentalWarning",
        os.path.join(_HERE, "dist", "winnow.mjs"),
    ]


def collector_directory() -> str:
    return os.path.join(_HERE, "collector")
