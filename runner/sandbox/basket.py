"""From an order's body to what is wanted, or the vendor's refusal (docs/vendor/api-v1.md#placing-an-order)."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from runner.sandbox import goods
from runner.sandbox.goods import Offer, Operator, Product, Rotation, Tariff
from runner.sandbox.options import Options

BALANCE, CARD = 1, 43
MOST_ITEMS = 10_000
"""Our own bound on a quantity, so that one request cannot fill the memory; the vendor's is unknown."""


class RefusedError(Exception):
    """The vendor says no: the message of an error envelope, and its code."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """A body that the catalogue can serve, with its price in USD before any price change."""

    type: str
    quantity: int
    price: Decimal
    discount: Decimal
    payment: int
    place: Offer | None = None
    tariff: Tariff | None = None
    period: str = ""
    rotation: Rotation | None = None
    protocol: str = "HTTP"
    auth_ip: str = ""
    generate_auth: bool = False


def read(body: Mapping[str, Any]) -> Basket:
    """What the body asks for; None and absent count the same. Raises RefusedError with the vendor's text."""
    if body.get("tarifId") is not None:
        return _resident(body)
    product, place = _place(body)
    period = read_period(product, body)
    quantity = _quantity(place, body)
    _authorization = str(body.get("authorization") or "")
    return Basket(
        type=product.type,
        place=place,
        period=period,
        quantity=quantity,
        price=goods.item_price(place, period, quantity),
        discount=goods.discount_for(quantity),
        rotation=_rotation(place, body) if product.type == "mobile" else None,
        protocol=_protocol(body) if product.type == "ipv6" else "HTTP",
        payment=read_payment(body),
        auth_ip=_authorization if _is_address(_authorization) else "",
        generate_auth=body.get("generateAuth") == "Y",
    )


def check_switches(wanted: Basket, body: Mapping[str, Any], options: Options) -> None:
    """The rules that the sources leave open and the options decide. Raises RefusedError."""
    target = body.get("customTargetName")
    has_target = isinstance(target, str) and bool(target.strip())
    if options.require_target and wanted.type in ("ipv4", "isp", "ipv6") and not has_target:
        raise RefusedError("Set [customTargetName]")
    if wanted.type == "ipv6" and wanted.quantity < options.ipv6_minimum:
        raise RefusedError(f"Set [quantity > {options.ipv6_minimum - 1}]")


def _resident(body: Mapping[str, Any]) -> Basket:
    tariff = goods.TARIFFS.get(integer(body["tarifId"]) or 0)
    if tariff is None:
        raise RefusedError("Set existed [tarifId] from reference")
    payment = read_payment(body)
    return Basket(
        type="resident",
        tariff=tariff,
        quantity=1,
        price=tariff.price,
        discount=Decimal(0),
        payment=payment,
    )


def _place(body: Mapping[str, Any]) -> tuple[Product, Offer]:
    offer = goods.PLACES.get(integer(body.get("countryId")) or 0)
    if offer is None:
        raise RefusedError("Country not exists")
    return offer


def read_period(product: Product, body: Mapping[str, Any]) -> str:
    """The period that the body asks for, one of the product's. Raises RefusedError."""
    period = body.get("periodId")
    if not isinstance(period, str) or period not in product.periods:
        raise RefusedError("Set existed [periodId] from reference")
    return period


def _quantity(place: Offer, body: Mapping[str, Any]) -> int:
    quantity = integer(body.get("quantity"))
    if quantity is None or not 1 <= quantity <= MOST_ITEMS:
        raise RefusedError("Set [quantity]")
    if place.quantities and quantity not in place.quantities:
        raise RefusedError("Set existed [quantity] from reference")
    return quantity


def read_payment(body: Mapping[str, Any]) -> int:
    """The payment that the body asks for, the balance without one. Raises RefusedError."""
    given = body.get("paymentId")
    payment = BALANCE if given is None else integer(given)
    if payment not in (BALANCE, CARD):
        raise RefusedError("Set existed [paymentId]")
    return payment


def _protocol(body: Mapping[str, Any]) -> str:
    given = body.get("protocol") or "HTTPS"
    if given not in ("HTTPS", "SOCKS5"):
        raise RefusedError("Set existed [protocol]")
    return "SOCKS" if given == "SOCKS5" else "HTTP"


def _rotation(place: Offer, body: Mapping[str, Any]) -> Rotation:
    service = body.get("mobileServiceType")
    if service is not None and service not in place.operators:
        raise RefusedError("Set existed [mobileServiceType]")
    offered = [o for kind, operators in place.operators.items() if service in (None, kind) for o in operators]
    operator = _operator(offered, body)
    wanted = integer(body.get("rotationId"))
    for rotation in operator.rotations:
        if rotation.id == wanted:
            return rotation
    raise RefusedError("Set existed [rotationId] from reference")


def _operator(offered: list[Operator], body: Mapping[str, Any]) -> Operator:
    wanted = str(body.get("operatorId"))
    for operator in offered:
        if operator.id == wanted:
            return operator
    raise RefusedError("Set existed [operatorId] from reference")


def integer(value: Any) -> int | None:
    """An integer, or its decimal digits as text, as live integrations send it; anything else is None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
