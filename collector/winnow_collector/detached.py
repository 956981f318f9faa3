"""Functions that the interpreter keeps to its very end, and that keep nothing else alive until then.

There is no way to take an audit hook back, nor what is to run after a fork. By its globals such a function would hold
all of the collector's modules, by them what they know of the project's classes, and so everything that ever was: the
interpreter's last collections would go through all of it again and again before they could free it.
"""

from types import FunctionType
from typing import Callable, TypeVar, cast

_Function = TypeVar("_Function", bound=Callable[..., object])


def detached(function: _Function) -> _Function:
    """The same function without its globals: what it needs, it finds in its closure. Nor can it use builtins."""
    bare = cast(FunctionType, function)
    # Python before 3.10 would make builtins up for each call.
    nothing = {"__builtins__": {}}
    return cast(_Function, FunctionType(bare.__code__, nothing, bare.__name__, bare.__defaults__, bare.__closure__))
