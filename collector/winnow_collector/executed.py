"""Modules that code imports which is put together at run time and handed to `exec` or `eval`.

What such code looks up, the engine tells from the source that hands it over, as it tells of `globals()`. But which
modules it can look that up in, an import statement says that stands in no source. Whoever executes the code gives the
interpreter a code object, and that has the statement in it.

What must stay true: a module that the code may import is used by whoever executes it, be it loaded by then or not.
"""

import dis
from types import CodeType, FrameType
from typing import Dict, Optional

from .callers import Callers
from .contexts import Contexts
from .importing import Imports

_IMPORT = dis.opmap["IMPORT_NAME"]
_EXTENDED = dis.opmap["EXTENDED_ARG"]
_CONSTANT = dis.opmap["LOAD_CONST"]
_NUMBERS = frozenset(dis.opmap[name] for name in ("LOAD_CONST", "LOAD_SMALL_INT") if name in dis.opmap)


class Executions:
    """Takes note of code that the project executes."""

    def __init__(self, contexts: Contexts, imports: Imports, callers: Callers) -> None:
        self._contexts = contexts
        self._imports = imports
        self._callers = callers

    def note(self, code: CodeType, frame: FrameType) -> None:
        """Somebody is about to execute it; `frame` leads to whom. What libraries execute is theirs to look up."""
        if not self._callers.executes(frame):
            return
        modules = imported_by(code)
        # A function in it may import it one day, when somebody else has loaded it.
        current = self._contexts.current
        if modules is None:
            self._imports.use_all()
            current.add_input("late", "*", False)
            return
        for name, is_whole in modules.items():
            self._imports.use(name, None)
            current.add_input("late", name, is_whole)


def imported_by(code: CodeType) -> Optional[Dict[str, bool]]:
    """
    The modules that a code object imports, and those that members of them may be, each with whether the code gets the
    module itself, and may look up anything in it; None if it does not say.
    """
    modules: Dict[str, bool] = {}
    codes = [code]
    for each in codes:
        if "__import__" in each.co_names or not _gather_imports(each, modules):
            return None
        codes.extend(constant for constant in each.co_consts if type(constant) is CodeType)
    return modules


def _gather_imports(code: CodeType, modules: Dict[str, bool]) -> bool:
    """Adds what the import statements of a code object ask for; False if it does not say."""
    operations, arguments = code.co_code[::2], code.co_code[1::2]
    at = operations.find(_IMPORT)
    while at >= 0:
        # Two constants come before: the level, and what is asked of the module.
        before = operations[max(0, at - 3) : at]
        if len(before) < 2 or before[-1] != _CONSTANT or before[-2] not in _NUMBERS or _EXTENDED in before:
            return False
        level, asked = arguments[at - 2], code.co_consts[arguments[at - 1]]
        if (code.co_consts[level] if before[-2] == _CONSTANT else level) != 0:
            return False
        name = code.co_names[arguments[at]]
        members = [] if asked is None else list(asked)
        if members and "*" not in members:
            modules.setdefault(name, False)
            modules.update(("%s.%s" % (name, member), True) for member in members)
        else:
            # `import a.b` binds `a`, and with it `a.b`.
            parts = name.split(".")
            modules.update((".".join(parts[:count]), True) for count in range(1, len(parts) + 1))
        at = operations.find(_IMPORT, at + 1)
    return True
