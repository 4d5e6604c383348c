"""The emulator's own endpoints, for tests in other processes: outside the API, without a key, loopback only."""

import json
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from runner.sandbox import goods
from runner.sandbox.customers import NoOrderError
from runner.sandbox.replies import Reply, to_json

if TYPE_CHECKING:
    from runner.sandbox.box import Sandbox

PREFIX = "/_sandbox/"
JSON = dict[str, Any]


def control(box: "Sandbox", method: str, name: str, raw: bytes) -> Reply:
    """`GET state`, and `POST` of what is in `CHANGES`. Anything wrong is HTTP 400 with `{"error": ...}`."""
    if (method, name) == ("GET", "state"):
        return _reply(state_of(box))
    if method != "POST" or name not in CHANGES:
        return _wrong(404, ", ".join(["GET state", *(f"POST {name}" for name in CHANGES)]))
    try:
        given = json.loads(raw or b"{}")
        return _reply(CHANGES[name](box, given if isinstance(given, dict) else {}))
    except (InvalidOperation, KeyError, TypeError, ValueError) as error:
        return _wrong(400, _reason(error))


def _reason(error: Exception) -> str:
    match error:
        case InvalidOperation():
            return "balance is not a decimal amount"
        case NoOrderError():
            return str(error.args[0])
        case KeyError():
            return f"missing {error}"
        case _:
            return str(error)


def _arm_fault(box: "Sandbox", given: JSON) -> JSON:
    box.add_fault(str(given["spec"]))
    return {"armed": given["spec"]}


def _set_balance(box: "Sandbox", given: JSON) -> JSON:
    box.set_balance(Decimal(str(given["balance"])))
    return {"balance": str(given["balance"])}


def _buy_as_stranger(box: "Sandbox", given: JSON) -> JSON:
    return asdict(box.buy_as_stranger(**given))


def _edit_reference(box: "Sandbox", given: JSON) -> JSON:
    box.edit_reference(str(given["type"]), str(given["section"]), given["id"], given["to"])
    return {"edited": given["id"]}


def _advance(box: "Sandbox", given: JSON) -> JSON:
    box.advance(**given)
    return {"advanced": given}


def _use_traffic(box: "Sandbox", given: JSON) -> JSON:
    box.use_traffic(int(given["used"]))
    return {"used": given["used"]}


def _by_hand(name: str) -> "Change":
    """A method of the dashboard, with its arguments by their names."""

    def change(box: "Sandbox", given: JSON) -> JSON:
        getattr(box.dashboard, name)(**given)
        return {name: given}

    return change


Change = Callable[["Sandbox", JSON], JSON]
CHANGES: dict[str, Change] = {
    "faults": _arm_fault,
    "balance": _set_balance,
    "stranger": _buy_as_stranger,
    "reference": _edit_reference,
    "clock": _advance,
    "traffic": _use_traffic,
    **{name: _by_hand(name) for name in ("renew", "age", "arm", "replace", "relabel", "withhold", "comment")},
}
"""What can be asked for by `POST`, by name; those of the dashboard take the arguments of its methods."""


def stranger_body(given: JSON) -> JSON:
    """A complete order body: what is given, over the first thing that the type `given["type"]` (ipv4) offers."""
    body = {name: value for name, value in given.items() if name != "type"}
    return {**_first_of(given.get("type", "ipv4")), **body}


def _first_of(type_: object) -> JSON:
    if type_ == "resident":
        return {"tarifId": next(iter(goods.TARIFFS)), "paymentId": 1}
    product = goods.PRODUCTS.get(str(type_))
    if product is None:
        raise ValueError(f"unknown type {type_!r}, legal types: {', '.join(goods.TYPES)}")
    place = product.places[0]
    body: JSON = {"countryId": place.id, "periodId": "1m", "quantity": 1, "paymentId": 1}
    if place.quantities:
        body["quantity"] = place.quantities[0]
    if place.operators:
        kind, operators = next(iter(place.operators.items()))
        operator, rotation = operators[0], operators[0].rotations[0]
        body |= {"mobileServiceType": kind, "operatorId": operator.id, "rotationId": rotation.id}
    return body | {"customTargetName": "somebody else", "generateAuth": "N"}


def _wrong(status: int, error: str) -> Reply:
    return _reply({"error": error}, status)


def _reply(content: JSON, status: int = 200) -> Reply:
    """Amounts are decimal text."""
    return Reply(status=status, body=to_json(content, default=str))


def state_of(box: "Sandbox") -> JSON:
    """Everything the emulator knows, amounts as decimal text."""
    return {
        "purchases": list(map(asdict, box.purchases)),
        "renewals": list(map(asdict, box.renewals)),
        "requests": list(map(asdict, box.requests)),
        "balances": {key: str(balance) for key, balance in box.balances.items()},
        "fired": box.fault_counts,
    }
