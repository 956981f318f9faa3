import pytest


def test_total(cart):
    assert cart.total() == 1200


def test_count(cart):
    assert cart.count() == 2


def test_no_pieces(cart):
    with pytest.raises(ValueError):
        cart.add("nothing", 1, 0)
