"""What a fault makes of an answer: for each kind, whether the request takes effect first, and what is sent."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from runner.sandbox.faults import Fault
from runner.sandbox.prolong import IN_PROGRESS
from runner.sandbox.replies import (
    How,
    Reply,
    error_with_data,
    html,
    refusal,
    success,
    to_json,
    too_many,
    warning,
)

SAMPLE_QUOTE = {
    "warning": "Insufficient funds. Total $2. Not enough $33.10",
    "balance": 2,
    "total": 35.1,
    "quantity": 5,
    "currency": "USD",
    "discount": 0.22,
    "price": 7.02,
}
"""The vendor's own sample of price data with a warning."""


@dataclass(frozen=True, slots=True)
class Spoiler:
    """Whether the request takes effect first, and the answer sent in place of the ordinary one.

    The ordinary answer to a request that does not take effect is the access refusal.
    """

    works: bool
    instead: Callable[[Fault, Reply], Reply]


def _lose(how: How) -> Callable[[Fault, Reply], Reply]:
    return lambda _fault, answer: replace(answer, how=how)


def _always(answer: Reply) -> Callable[[Fault, Reply], Reply]:
    return lambda _fault, _answer: answer


_ERROR_500 = html(500, "500 Internal Server Error")
_PAGE = html(200, "Site maintenance")
_EMPTY = Reply()
_INSTEAD: dict[str, Callable[[Fault, Reply], Reply]] = {
    "reset": _lose(How.RESET),
    "close": _lose(How.CLOSE),
    "silent": _lose(How.SILENT),
    "500": _always(_ERROR_500),
    "502": _always(html(502, "502 Bad Gateway")),
    "html": _always(_PAGE),
    "empty": _always(_EMPTY),
}


def _of_success(change: Callable[[Any], Reply]) -> Callable[[Fault, Reply], Reply]:
    """What `change` makes of the data of a success; anything else stays as it is."""

    def instead(_fault: Fault, answer: Reply) -> Reply:
        envelope = json.loads(answer.body)
        return change(envelope["data"]) if envelope["status"] == "success" else answer

    return instead


def _empty_copy(value: Any) -> Any:
    """The value with every list in it emptied."""
    if isinstance(value, dict):
        return {name: item if name == "errors" else _empty_copy(item) for name, item in value.items()}
    return [] if isinstance(value, list) else value


SPOILERS: dict[str, Spoiler] = {
    **{f"{name}-before": Spoiler(works=False, instead=instead) for name, instead in _INSTEAD.items()},
    **{f"{name}-after": Spoiler(works=True, instead=instead) for name, instead in _INSTEAD.items()},
    "silent-later": Spoiler(works=False, instead=_lose(How.SILENT)),
    "cut-body": Spoiler(works=True, instead=_lose(How.CUT)),
    "drip": Spoiler(works=True, instead=lambda fault, answer: replace(answer, how=How.DRIP, step=fault.size)),
    "no-id": Spoiler(
        works=True, instead=_of_success(lambda data: success({name: data[name] for name in ("total", "balance")}))
    ),
    "error-with-data": Spoiler(works=True, instead=_of_success(lambda data: error_with_data(data, "Unknown error"))),
    "error-with-data-before": Spoiler(works=False, instead=_always(warning(SAMPLE_QUOTE))),
    "429": Spoiler(works=False, instead=lambda fault, _answer: too_many(fault.argument)),
    "triple": Spoiler(works=False, instead=lambda _fault, answer: answer),
    "calc-error": Spoiler(works=False, instead=lambda fault, _answer: refusal(fault.argument or "")),
    "calc-html": Spoiler(works=False, instead=_always(_PAGE)),
    "list-500": Spoiler(works=False, instead=_always(_ERROR_500)),
    "list-html": Spoiler(works=False, instead=_always(_PAGE)),
    "list-empty": Spoiler(
        works=True, instead=lambda _fault, answer: Reply(body=to_json(_empty_copy(json.loads(answer.body))))
    ),
    "list-blank": Spoiler(works=False, instead=_always(_EMPTY)),
    "balance-500": Spoiler(works=False, instead=_always(_ERROR_500)),
    "busy": Spoiler(
        works=False, instead=_always(refusal("Prolong for this order is already in progress", IN_PROGRESS))
    ),
    **{
        f"{name}-500": Spoiler(works=False, instead=_always(_ERROR_500))
        for name in ("comment", "auth", "package", "lists", "list-add", "download")
    },
    "comment-429": Spoiler(works=False, instead=lambda fault, _answer: too_many(fault.argument)),
    "comment-error": Spoiler(works=False, instead=lambda fault, _answer: refusal(fault.argument or "")),
    "comment-close": Spoiler(works=True, instead=_lose(How.CLOSE)),
    "auth-empty": Spoiler(works=False, instead=_always(success([]))),
    "list-add-close": Spoiler(works=True, instead=_lose(How.CLOSE)),
    "download-html": Spoiler(works=False, instead=_always(_PAGE)),
    "down": Spoiler(works=False, instead=_lose(How.CLOSE)),
}
"""Every action of a fault that replaces the answer."""
