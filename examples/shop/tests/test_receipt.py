from shop import receipt


def test_header():
    assert receipt.header().startswith("Thank you")


def test_render(cart):
    assert receipt.render(cart).endswith("total 12.00")
