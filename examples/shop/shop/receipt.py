"""Receipts as text."""

from importlib import resources


def render(cart):
    lines = [f"{name} x {pieces}" for name, _, pieces in cart.lines]
    return "\n".join([header(), *lines, f"total {cart.total() / 100:.2f}"])


def header():
    return resources.files("shop").joinpath("header.txt").read_text(encoding="utf-8").strip()
