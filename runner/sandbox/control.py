"""The emulator's own endpoints, for tests in other processes: outside the API, without a key, loopback only."""

import json
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from runner.sandbox import goods
from runner.sandbox.replies import Reply, to_json

if TYPE_CHECKING:
    from runner.sandbox.box import Sandbox

PREFIX = "/_sandbox/"
JSON = dict[str, Any]


def control(box: "Sandbox", method: str, name: str, raw: bytes) -> Reply:
    """`GET state`, and `POST` of `faults`, `balance`, `stranger` and `reference`.

    Anything wrong is HTTP 400 with `{"error": ...}`.
    """
    if (method, name) == ("GET", "state"):
        return _reply(state_of(box))
    try:
        given = json.loads(raw or b"{}")
        return _change(box, method, name, given if isinstance(given, dict) else {})
    except InvalidOperation:
        return _wrong(400, "balance is not a decimal amount")
    except KeyError as error:
        return _wrong(400, f"missing {error}")
    except ValueError as error:
        return _wrong(400, str(error))


def _change(box: "Sandbox", method: str, name: str, given: JSON) -> Reply:
    if (method, name) == ("POST", "faults"):
        box.add_fault(str(given["spec"]))
        return _reply({"armed": given["spec"]})
    if (method, name) == ("POST", "balance"):
        box.set_balance(Decimal(str(given["balance"])))
        return _reply({"balance": str(given["balance"])})
    if (method, name) == ("POST", "stranger"):
        return _reply(asdict(box.buy_as_stranger(**given)))
    if (method, name) == ("POST", "reference"):
        box.edit_reference(str(given["type"]), str(given["section"]), given["id"], given["to"])
        return _reply({"edited": given["id"]})
    return _wrong(404, "GET state, POST faults, POST balance, POST stranger, POST reference")


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
        "requests": list(map(asdict, box.requests)),
        "balances": {key: str(balance) for key, balance in box.balances.items()},
        "fired": box.fault_counts,
    }
