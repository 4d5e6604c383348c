"""What was spent, added up every way."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from runner.core.errors import UsageError
from runner.core.provenance import Provenance
from runner.core.records import Origin, Spending
from runner.settle.sums import NONE, Sum, add_up, groupings_of, reads_origins
from tests.make import AT


def spending(
    key: str, amount: str, day: str = "2026-11-23", actor: str | None = "ann", doubt: bool = False, **labels: str
) -> Spending:
    by = Provenance(actor=actor, source="USER") if actor else None
    return Spending(
        key=key,
        type="ipv4" if "4" in amount else "isp",
        day=date.fromisoformat(day),
        amount=Decimal(amount),
        in_doubt=doubt,
        origin=Origin(at=AT, by=by, labels=labels),
    )


BOUGHT = (
    spending("a/one", "4.00", team="data", env="prod"),
    spending("a/one#2", "3.50", "2026-11-24", "bob", team="data"),
    spending("b/two@2026-12-01", "1.20", "2026-12-01", team="web"),
    spending("b/three", "9.00", "2026-12-01", None, doubt=True),
)


@pytest.mark.parametrize(
    ("by", "spent"),
    [
        ("day", {"2026-11-23": "4.00", "2026-11-24": "3.50", "2026-12-01": "10.20"}),
        ("month", {"2026-11": "7.50", "2026-12": "10.20"}),
        ("batch", {"a": "7.50", "b": "10.20"}),
        ("type", {"ipv4": "4.00", "isp": "13.70"}),
        ("actor", {"ann": "5.20", "bob": "3.50", NONE: "9.00"}),
        ("label", {"env=prod team=data": "4.00", "team=data": "3.50", "team=web": "1.20", NONE: "9.00"}),
        ("label=team", {"data": "7.50", "web": "1.20", NONE: "9.00"}),
        ("label=nobody", {NONE: "17.70"}),
    ],
)
def test_every_order_counts_once_in_every_grouping(by: str, spent: dict[str, str]) -> None:
    """Each grouping adds up to the same total, generations and terms under their batch."""
    added = add_up(BOUGHT, groupings_of([by]))
    assert {group: str(one.spent) for (group,), one in added.groups.items()} == spent
    assert added.total == Sum(orders=4, spent=Decimal("17.70"), in_doubt=Decimal("9.00"))
    assert sum(one.orders for one in added.groups.values()) == 4


def test_what_is_in_doubt_is_a_part_of_what_was_spent() -> None:
    """It stands in both columns, in its own group only."""
    added = add_up(BOUGHT, ("batch",))
    assert added.groups["b",] == Sum(orders=2, spent=Decimal("10.20"), in_doubt=Decimal("9.00"))
    assert added.groups["a",].in_doubt == 0


def test_groupings_combine() -> None:
    """Two of them make a line for each pair that occurs, in order."""
    added = add_up(BOUGHT, groupings_of(["month", "label=team", "month"]))
    assert list(added.groups) == [("2026-11", "data"), ("2026-12", NONE), ("2026-12", "web")]


def test_by_month_where_nothing_is_asked() -> None:
    """Nothing named is by month, and nothing spent is nothing."""
    assert groupings_of([]) == ("month",)
    assert add_up([], ("month",)).total == Sum()


@pytest.mark.parametrize("by", ["week", "", "label=", "labels=team", "Day", "actor=ann"])
def test_what_is_no_grouping_is_refused(by: str) -> None:
    """A word that groups nothing is named, with those that do."""
    with pytest.raises(UsageError, match="nothing to group by") as caught:
        groupings_of([by])
    assert "label=NAME" in str(caught.value.hint)


def test_origins_are_read_only_where_they_count() -> None:
    """Days, batches and types need no event; people and labels do."""
    assert not reads_origins(["day", "month", "batch", "type"])
    assert all(reads_origins([by]) for by in ("actor", "label", "label=team"))
