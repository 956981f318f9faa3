import pytest

from shop import price


def test_net():
    assert price.net(100) == 100


@pytest.mark.parametrize(("amount", "expected"), [(100, 120), (0, 0), (5, 6)])
def test_gross(amount, expected):
    assert price.gross(amount) == expected
