"""Keys, fingerprints and money."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.orders import OrderKey, Scalar, decimal_text, fingerprint
from tests import make

NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
FIELDS = st.dictionaries(st.text(min_size=1, max_size=8), st.one_of(st.text(max_size=8), st.integers()), max_size=6)


@given(NAMES, NAMES, st.integers(1, 99))
def test_a_key_is_what_it_prints(batch: str, name: str, generation: int) -> None:
    """Reading a key's text gives the same key."""
    key = OrderKey(batch, name, generation)
    assert OrderKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "a", "a/", "/b", "a/b/c", "a/b#x", "a/b#-1"])
def test_what_is_no_key_is_refused(text: str) -> None:
    """A key without a batch, without a name or with an odd generation is none."""
    with pytest.raises(ValueError, match="not an order key"):
        OrderKey.parse(text)


@given(FIELDS, st.randoms(use_true_random=False))
def test_spelling_does_not_move_the_fingerprint(fields: dict[str, Scalar], random: object) -> None:
    """The order in which fields are written does not change what is bought."""
    items = list(fields.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert fingerprint("ipv4", fields) == fingerprint("ipv4", dict(items))


@given(FIELDS, FIELDS)
def test_other_content_has_another_fingerprint(one: dict[str, Scalar], other: dict[str, Scalar]) -> None:
    """Two contents share a fingerprint only where they are the same."""
    same = fingerprint("ipv4", one) == fingerprint("ipv4", other)
    assert same == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


def test_the_fingerprint_is_the_same_for_ever() -> None:
    """A ledger written today is understood by every later version: this value never changes."""
    fields: dict[str, Scalar] = {"countryId": 561, "periodId": "1m", "quantity": 10, "paymentId": 1}
    assert fingerprint("ipv4", fields) == "sha256:8d96e474ff9c11de14512b7193aed81b0820892f8340ad6fa7477f87ecd3a3f6"


def test_only_what_is_bought_counts() -> None:
    """Labels, limits and place are not part of what is bought."""
    one, other = (
        make.order(),
        make.order("m", batch="c", path="b.yaml", line=9, labels={"team": "x"}, max_total=Decimal(5)),
    )
    assert one.fingerprint == other.fingerprint
    moved = replace(one, type="isp")
    assert moved.fingerprint != one.fingerprint


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1", "1.00"),
        ("1.5", "1.50"),
        ("1.005", "1.005"),
        ("0", "0.00"),
        ("-2.1", "-2.10"),
        ("1E+3", "1000.00"),
        ("0.00000001", "0.00000001"),
    ],
)
def test_money_is_written_plainly(amount: str, text: str) -> None:
    """At least two decimals, no exponent, nothing rounded away."""
    assert decimal_text(Decimal(amount)) == text


def test_what_to_do_about_a_price_is_another_thing_for_a_renewal() -> None:
    """Nothing of a renewal stands in the reference lists: its order was bought already."""
    renewal = replace(make.order(), fields={"renews": "77", "ends": "2026-12-29", "periodId": "1m", "paymentId": 1})
    assert "order-runner reference" in make.order().price_hint
    assert "reference" not in renewal.price_hint
    assert "before it ends" in renewal.price_hint
