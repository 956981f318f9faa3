"""Prices in cents."""

VAT_PERCENT = 20


def net(amount):
    return amount


def gross(amount):
    return amount + vat(amount)


def vat(amount):
    return amount * VAT_PERCENT // 100
