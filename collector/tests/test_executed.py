"""Which modules code imports that is put together at run time."""

import pytest
from winnow_collector.executed import imported_by


@pytest.mark.parametrize(
    "source, modules",
    [
        ("a + b.c", {}),
        ("import a.b", {"a": True, "a.b": True}),
        ("import a.b as c, d", {"a": True, "a.b": True, "d": True}),
        ("from a.b import c, d as e", {"a.b": False, "a.b.c": True, "a.b.d": True}),
        ("from a import *", {"a": True}),
        ("from a import b; import a", {"a": True, "a.b": True}),
        ("def f():\n    import a\n    return lambda: a.b", {"a": True}),
        ("class A:\n    def f(self):\n        from a import b", {"a": False, "a.b": True}),
    ],
)
def test_modules_that_code_spells(source, modules):
    assert imported_by(compile(source, "<t>", "exec")) == modules


@pytest.mark.parametrize("source", ["__import__(a)", "from .a import b", "from . import b"])
def test_modules_that_it_does_not_spell(source):
    assert imported_by(compile(source, "<t>", "exec")) is None


def test_imports_behind_hundreds_of_constants():
    source = "\n".join("a%d = %d.5" % (number, number) for number in range(300)) + "\nfrom pkg import x"
    assert imported_by(compile(source, "<t>", "exec")) is None
