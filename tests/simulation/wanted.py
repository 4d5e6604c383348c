"""What a world wants to buy: one to five orders, many of them alike, and more where several go at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

from runner.core.errors import Span
from runner.core.orders import PAY_BY_BALANCE, PAY_BY_CARD, OrderKey, OrderRequest, ProductType, Source
from runner.manifest import Loaded
from runner.manifest.requests import Batch
from tests.simulation.goods import COUNTRIES, FREE, PERIODS, TARIFF

PLACE: Final = Source(path="orders.yaml", span=Span(line=1, column=1, end_line=1, end_column=2))
TYPES: Final[tuple[ProductType, ...]] = ("ipv4", "ipv4", "ipv4", "isp", "ipv6", "mix", "mobile", "resident")
TWINS: Final = "b/twins"
"""The goal of orders that have the same content: the vendor cannot tell one from the other, and nobody has to."""


def manifest(rng: random.Random) -> Loaded:
    """A batch, loaded."""
    wanted = orders(rng)
    names = (Batch(name="b", path="orders.yaml"),)
    return Loaded(count=len(wanted), batches=names, files=(), problems=(), orders=wanted)


def orders(rng: random.Random) -> tuple[OrderRequest, ...]:
    """Each is known to the vendor by its key, in `customTargetName`; twins have one goal together, others are only alike."""
    found = [_order(rng, OrderKey("b", f"o{n}")) for n in range(rng.randrange(1, 6))]
    if rng.random() < 0.15:
        fields = {**found[0].fields, "customTargetName": TWINS}
        keys = (OrderKey("b", "twin1"), OrderKey("b", "twin2"))
        found[:1] = [OrderRequest(key=key, type=found[0].type, fields=fields, source=PLACE) for key in keys]
    elif rng.random() < 0.35:
        fields = {**found[0].fields, "customTargetName": "b/alike"}
        found.insert(1, OrderRequest(key=OrderKey("b", "alike"), type=found[0].type, fields=fields, source=PLACE))
    return tuple(found)


def _order(rng: random.Random, key: OrderKey) -> OrderRequest:
    product = rng.choice(TYPES)
    fields: dict[str, Any] = {
        "paymentId": PAY_BY_CARD if rng.random() < 0.2 else PAY_BY_BALANCE,
        "customTargetName": str(key),
    }
    if rng.random() < 0.06:
        fields["coupon"] = FREE
    if product == "resident":
        fields["tarifId"] = TARIFF
    else:
        fields["countryId"] = rng.choice(list(COUNTRIES[product]))
        fields["quantity"] = rng.randrange(1, 4)
        fields["periodId"] = rng.choice(PERIODS)
    if product == "ipv6":
        fields["protocol"] = rng.choice(("HTTPS", "SOCKS5"))
    return OrderRequest(key=key, type=product, fields=fields, source=PLACE)


def further_orders(
    rng: random.Random, orders: tuple[OrderRequest, ...], number: int, *, alike: float
) -> Iterator[OrderRequest]:
    """So many more; `alike` is the part of them that has the content of one that is there."""
    for n in range(number):
        order = _order(rng, OrderKey("b", f"further{n}"))
        if rng.random() < alike:
            twin = rng.choice(orders)
            fields = {**twin.fields, "customTargetName": str(order.key)}
            order = OrderRequest(key=order.key, type=twin.type, fields=fields, source=PLACE)
        yield order
