"""Which modules code imports that is put together at run time."""

import pytest
from winnow_collector.executed import imported_by


@pytest.mark.parametrize(
    "source, modules",
    [
        ("a + b.c", set()),
        ("import a.b", {"a.b"}),
        ("import a.b as c, d", {"a.b", "d"}),
        ("from a.b import c, d as e", {"a.b", "a.b.c", "a.b.d"}),
        ("from a import *", {"a"}),
        ("def f():\n    import a\n    return lambda: a.b", {"a"}),
        ("class A:\n    def f(self):\n        from a import b", {"a", "a.b"}),
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
