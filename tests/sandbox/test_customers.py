"""What a price says of a short balance, and what a package adds up to."""

from decimal import Decimal

import pytest

from runner.sandbox.accounts import Vendor
from runner.sandbox.customers import Price, mark_of, package_of
from runner.sandbox.options import SANDBOX_KEY, Options


@pytest.mark.parametrize(
    ("balance", "short", "text"),
    [
        ("2.00", "33.10", "Insufficient funds. Total $2. Not enough $33.10"),
        ("0", "5", "Insufficient funds. Total $0. Not enough $5.00"),
        ("16.10", "0.1", "Insufficient funds. Total $16.1. Not enough $0.10"),
        ("100.00", "0", ""),
    ],
)
def test_a_short_balance_is_told_in_the_vendors_words(balance: str, short: str, text: str) -> None:
    """The balance without trailing zeros, the gap with two decimals, nothing if there is no gap."""
    one = Decimal(1)
    price = Price(quantity=1, price=one, total=one, discount=one, balance=Decimal(balance), short=Decimal(short))
    assert price.warning == text


def test_a_package_holds_what_was_bought_less_what_was_used() -> None:
    """Traffic of delivered orders adds up, and no more of it is used than there is."""
    vendor = Vendor(Options(provisioning_delay=10))
    account = vendor.account(SANDBOX_KEY)
    for at in (0.0, 100.0):
        vendor.apply(vendor.buy(account, {"tarifId": 6929}, at))
    assert package_of(account, 5.0) is None
    mark = mark_of(SANDBOX_KEY)
    vendor.apply({"event": "traffic", "account": mark, "used": 2**30 + 1})
    early, late = package_of(account, 50.0), package_of(account, 200.0)
    assert early is not None
    assert late is not None
    assert (early.limit, early.usage) == (2**30, 2**30)
    assert (late.limit, late.usage) == (2**31, 2**30 + 1)
