# ruff: noqa
# fmt: off
"""Shapes that need Python 3.10."""
def case_match():
    def f(x):
        match x:
            case 1:
                return "one"
            case [a, *b] if (lambda: a)():
                yield a
            case {"k": v, **rest}:
                return v
            case _:
                pass
    return [list(f(x)) for x in (1, [1, 2], {"k": 1}, 3)]


def case_parenthesized_with():
    import contextlib

    with (
        contextlib.suppress(ValueError) as a,
        contextlib.suppress(KeyError),
    ):
        raise KeyError(a)
    return 1
