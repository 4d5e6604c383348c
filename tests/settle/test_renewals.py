"""Renewals in doubt: what `reconcile` concludes from end dates and balance, and what a person may say of them."""

from __future__ import annotations

from datetime import date, timedelta

from tests.settle.conftest import IPV4, Desk

UNTIL = date.today() + timedelta(days=400)
RENEWED = IPV4 + f', renew: {{until: "{UNTIL}", periodId: 1m, within: 5d}}'


def age(desk: Desk, days: float = 28) -> str:
    """The order `n0` is that old: it ends in a few days. Its id."""
    made = desk.box.purchases[0].order_id
    desk.box.dashboard.age(made, days=days)
    return str(made)


def test_first(desk: Desk) -> None:
    desk.apply(RENEWED)
    print(desk.run("validate", desk.folder / "orders.yaml"))
    age(desk)
    code, text = desk.run("plan", desk.folder / "orders.yaml")
    print(code, text)
    code = desk.apply(RENEWED)
    print(code, desk.box.renewals)
    print(desk.run("status", "-v"))
    print((desk.folder / "report.json").read_text())
    assert 0
