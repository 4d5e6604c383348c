"""Which orders a call is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.core.errors import UsageError
from runner.core.orders import OrderKey, OrderRequest
from runner.core.selection import EVERYTHING, Selection, label_of
from tests import make


def order(key: str, **labels: str) -> OrderRequest:
    return replace(make.order(labels=labels), key=OrderKey.parse(key))


ORDERS = (
    order("crawl/fr-prices", team="data", env="prod"),
    order("crawl/fr-shops", team="data"),
    order("crawl/us-prices#2", team="web"),
    order("shops/fr-prices"),
)


def taken(**parts: tuple[object, ...]) -> list[str]:
    selection = Selection(**parts)  # type: ignore[arg-type]
    selection.check(ORDERS)
    return [str(found.key) for found in ORDERS if selection.left_out(found) is None]


EVERY = [str(found.key) for found in ORDERS]
CASES = [
    ({}, EVERY),
    ({"only": ("fr-prices",)}, ["crawl/fr-prices", "shops/fr-prices"]),
    ({"only": ("crawl/fr-prices",)}, ["crawl/fr-prices"]),
    ({"only": ("us-prices",)}, ["crawl/us-prices#2"]),
    ({"only": ("crawl/us-prices",)}, ["crawl/us-prices#2"]),
    ({"only": ("crawl/us-prices#2",)}, ["crawl/us-prices#2"]),
    ({"only": ("crawl/*",)}, EVERY[:3]),
    ({"only": ("fr-*",)}, ["crawl/fr-prices", "crawl/fr-shops", "shops/fr-prices"]),
    ({"only": ("fr-shops", "us-prices")}, ["crawl/fr-shops", "crawl/us-prices#2"]),
    ({"exclude": ("*-prices",)}, ["crawl/fr-shops"]),
    ({"only": ("crawl/*",), "exclude": ("fr-shops",)}, ["crawl/fr-prices", "crawl/us-prices#2"]),
    ({"labels": (("team", "data"),)}, ["crawl/fr-prices", "crawl/fr-shops"]),
    ({"labels": (("team", "data"), ("env", "prod"))}, ["crawl/fr-prices"]),
    ({"only": ("*-shops",), "labels": (("team", "data"),)}, ["crawl/fr-shops"]),
]


@pytest.mark.parametrize(("parts", "expected"), CASES)
def test_names_keys_patterns_and_labels_select(parts: dict[str, tuple[object, ...]], expected: list[str]) -> None:
    """Several names add up, several labels narrow down, and the kinds narrow each other down."""
    assert taken(**parts) == expected


WRONG = [
    ({"only": ("fr-price",)}, "--only fr-price matches no order", "did you mean fr-prices"),
    ({"only": ("fr-prices", "nothing")}, "--only nothing matches no order", "there are crawl/fr-prices"),
    ({"only": ("FR-PRICES",)}, "--only FR-PRICES matches no order", "there are"),
    ({"only": ("us-prices#3",)}, "--only us-prices#3 matches no order", "did you mean us-prices"),
    ({"exclude": ("zz-*",)}, "--exclude zz-* matches no order", "there are"),
    ({"labels": (("team", "dta"),)}, "--label team=dta matches no order", "did you mean team=data"),
    ({"labels": (("owner", "x"),)}, "--label owner=x matches no order", "there are env=prod, team=data, team=web"),
    ({"only": ("us-prices",), "labels": (("team", "data"),)}, "no order is selected", "are combined"),
    ({"exclude": ("*",)}, "no order is selected", "are combined"),
]


@pytest.mark.parametrize(("parts", "message", "hint"), WRONG)
def test_what_selects_nothing_is_an_error(parts: dict[str, tuple[object, ...]], message: str, hint: str) -> None:
    """A misspelled name never quietly buys less than was meant: it is an error with the nearest names."""
    with pytest.raises(UsageError, match=message.replace("*", r"\*")) as caught:
        taken(**parts)
    assert hint in str(caught.value.hint)


def test_each_order_left_out_knows_why() -> None:
    """The reason names the option that left an order out."""
    selection = Selection(only=("crawl/*",), exclude=("fr-shops",), labels=(("team", "data"),))
    assert [selection.left_out(found) for found in ORDERS] == [
        None,
        "not selected: --exclude fr-shops",
        "not selected: without --label team=data",
        "not selected: no --only matches it",
    ]


def test_no_selection_is_every_order() -> None:
    """Without an option nothing is left out, of no orders either."""
    EVERYTHING.check(())
    assert not EVERYTHING
    assert EVERYTHING.as_json() == {"only": [], "exclude": [], "labels": []}


@pytest.mark.parametrize("text", ["team", "=data", ""])
def test_a_label_has_a_name_and_a_value(text: str) -> None:
    """Anything but NAME=VALUE is an error; a value may be empty or hold an equals sign."""
    with pytest.raises(UsageError, match="not NAME=VALUE"):
        label_of(text)
    assert label_of("team=") == ("team", "")
    assert label_of("q=a=b") == ("q", "a=b")
