"""Whatever is written in a manifest, the answer is orders and findings, never an exception."""

from __future__ import annotations

import io
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner import manifest
from runner.core import schemas, yamldoc
from runner.core.orders import PRODUCT_TYPES
from runner.core.yamldoc.nodes import Break, Field, ListEntry
from runner.core.yamldoc.source import TextSource

PIECES = [
    "apiVersion: orders/v1\n",
    "batch: b\n",
    "defaults:\n",
    "orders:\n",
    "  - name: a\n",
    "    type: ipv4\n",
    "    type: resident\n",
    "    countryId: 561\n",
    "    quantity: 010\n",
    "    labels: {a: b}\n",
    "    <<: *a\n",
    "  - &a\n",
    "  - *a\n",
    "---\n",
    "...\n",
    "\t",
    "- ",
    ": ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!x ",
    "|\n",
    "'",
    '"',
    "#",
    "\n",
    "\r\n",
    "\r",
    "  ",
    "%YAML 1.1\n",
    "\ufeff",
    "\u2028",
    "é",
    "🎉",
    "\x00",
    "~",
    "no",
    "1:30",
]
TEXT = st.one_of(
    st.binary(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map(lambda x: "".join(x).encode())
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 2**70), st.text(max_size=8), st.sampled_from(["1m", "HTTPS", "Y"])
)
NAMES = sorted({name for kind in PRODUCT_TYPES for name in schemas.load(kind)["properties"]})
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from(["a", "B"]), SCALARS, max_size=2)
)
ORDERS = st.dictionaries(st.sampled_from([*NAMES, "quantiti"]), VALUES, max_size=14)
VALID: dict[str, Any] = {
    "name": "a",
    "type": "ipv4",
    "countryId": 5,
    "periodId": "1m",
    "quantity": 1,
    "customTargetName": "ads",
    "protocol": "HTTPS",
    "mobileServiceType": "shared",
    "operatorId": "31",
    "rotationId": 0,
    "tarifId": 1,
    "paymentId": 1,
    "generation": 1,
    "enabled": True,
}


def read(text: bytes, *, pure: bool) -> list[Any]:
    return list(yamldoc.read(TextSource.of(text, path="m.yaml"), split="orders", pure=pure))


@settings(max_examples=400, deadline=None)
@given(TEXT)
def test_no_text_makes_the_reader_fail(text: bytes) -> None:
    """Any bytes at all give orders or findings, the same when they are checked and when they are loaded."""
    loaded = manifest.load(["-"], stdin=io.BytesIO(text))
    checked = manifest.check(["-"], stdin=io.BytesIO(text))
    assert loaded.problems == checked.problems
    assert loaded.problems or loaded.orders
    assert all(problem.span and problem.span.line >= 1 and problem.span.column >= 1 for problem in loaded.problems)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PRODUCT_TYPES), ORDERS, st.data())
def test_the_gate_and_the_authority_agree(kind: str, odd: dict[str, Any], data: st.DataObject) -> None:
    """`jsonschema-rs` lets an order pass exactly where `jsonschema` finds nothing wrong with it."""
    right = {name: value for name, value in VALID.items() if name in schemas.load(kind)["properties"]} | {"type": kind}
    keep = data.draw(st.sets(st.sampled_from(sorted(odd))) if odd else st.just(set()))
    order = right | {name: odd[name] for name in keep}
    for name in data.draw(st.sets(st.sampled_from(sorted(order)), max_size=1)):
        del order[name]
    assert schemas.gate(kind)(order) is (not schemas.explain(kind, order))


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
        max_leaves=12,
    ),
    st.booleans(),
)
def test_both_parsers_agree_on_what_is_written(value: Any, flow: bool) -> None:
    """PyYAML's own parser and libyaml give the same values at the same places."""
    text = yaml.safe_dump(
        {"orders": [value], "x": value}, allow_unicode=True, default_flow_style=flow, width=40
    ).encode()
    fast, slow = read(text, pure=False), read(text, pure=True)
    assert [type(item) for item in fast] == [type(item) for item in slow]
    for one, other in zip(fast, slow, strict=True):
        if isinstance(one, ListEntry | Field):
            assert one.value == other.value
            assert one.problems == other.problems
            assert one.value_span() == other.value_span()
        elif isinstance(one, Break):
            assert one.problem.code == other.problem.code


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([name for name in NAMES if name not in ("name", "type")]), VALUES, max_size=6))
def test_every_wrong_value_has_words_and_a_place(odd: dict[str, Any]) -> None:
    """Whatever is wrong with an order, each finding stands inside the order and says something."""
    text = yaml.safe_dump(
        {"apiVersion": "orders/v1", "batch": "b", "orders": [{"name": "a", "type": "ipv4", **odd}]}, sort_keys=False
    )
    loaded = manifest.load(["-"], stdin=io.BytesIO(text.encode()))
    assert bool(loaded.orders) is (loaded.errors == 0)
    for problem in loaded.problems:
        assert problem.span
        assert problem.span.line >= 4
        assert problem.message.isprintable()
        assert problem.message
