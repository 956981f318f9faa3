# ruff: noqa
# fmt: off
"""Shapes that need Python 3.12."""
from typing import Callable


def case_type_parameters():
    def first[T: (int, str)](a: list[T], key: Callable[[T], T] = lambda x: x) -> T:
        "doc"
        return key(a[0])

    class Box[T]:
        def get(self) -> T:
            return first([1])

    type Pair[A] = tuple[A, A]
    return Box().get(), Pair.__value__


def case_except_star():
    def g():
        try:
            yield 1
        except* ValueError as e:
            x = len(e.exceptions)
        finally:
            pass
        return x
    it = g()
    next(it)
    try:
        it.throw(ExceptionGroup("x", [ValueError()]))
    except StopIteration as e:
        return e.value


def case_inlined_comprehensions():
    return [
        x
        for x in range(3)
        if x
    ], {x: (lambda: x)() for x in range(2)}


def case_format_string():
    return f"{
        case_except_star()
    } {(lambda: f"{1}")()}"
