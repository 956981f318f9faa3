"""What a customer is about to buy."""

from shop import price


class Cart:
    def __init__(self):
        self.lines = []

    def add(self, name, amount, pieces=1):
        if pieces < 1:
            raise ValueError("at least one piece")
        self.lines.append((name, amount, pieces))

    def total(self):
        return sum(price.gross(amount) * pieces for _, amount, pieces in self.lines)

    def count(self):
        return sum(pieces for _, _, pieces in self.lines)
