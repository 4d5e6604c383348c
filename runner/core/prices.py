"""Prices that were asked a moment ago, each for every order of the same content."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from runner.core.clock import Clock
from runner.core.orders import OrderRequest, Quote
from runner.core.vendor import Placed, QuoteRefused

MAX_AGE: Final = 60.0
"""Seconds from its asking in which a price may be used."""

CANNOT_PRICE: Final = frozenset({"customTargetName"})
"""Fields whose value says what proxies are for, and has no part in what they cost.

An assumption about the vendor (docs/vendor/api-v1.md#price-quotes); `share_quotes: false` in a policy turns it off.
"""


class Prices:
    """What the vendor answered for each content, prices and refusals.

    Nothing is kept for an order with a coupon: how often one may be used is the vendor's to know. Without `shared`
    every order has a price of its own, and a renewal always has: for the rows that it was asked for, and no others.
    """

    def __init__(self, clock: Clock, *, shared: bool = True) -> None:
        self._clock = clock
        self._shared = shared
        self._answers: dict[Hashable, tuple[float, Quote | QuoteRefused]] = {}

    def find(self, request: OrderRequest, max_age: float = MAX_AGE) -> Quote | QuoteRefused | None:
        """The answer for this content, None where there is none that is younger than so many seconds."""
        asked, answer = self._answers.get(self._content(request), (0.0, None))
        return None if self._clock.monotonic() - asked >= max_age else answer

    def keep(self, request: OrderRequest, asked: float, answer: Quote | QuoteRefused) -> None:
        """The answer to what was asked at that monotonic second."""
        content = self._content(request)
        if content is not None and _is_common(answer):
            self._answers[content] = (asked, answer)

    def confirm(self, request: OrderRequest, placed: Placed, answered: float) -> None:
        """A purchase that cost just that confirms a price; one that did not, or does not tell, ends it.

        `answered` is the monotonic second of its answer, which may be a while ago: several were in flight.
        """
        content = self._content(request)
        asked, price = self._answers.pop(content, (0.0, None))
        if isinstance(price, Quote) and placed.total == price.total:
            since = timedelta(seconds=self._clock.monotonic() - answered)
            fresh = replace(price, at=max(price.at, self._clock.now() - since), balance=placed.balance)
            self._answers[content] = (max(asked, answered), fresh)

    def forget(self) -> None:
        """Something was not as expected: every price is asked anew."""
        self._answers.clear()

    def _content(self, request: OrderRequest) -> Hashable | None:
        """What orders that cost the same have in common; None where a price serves no other time.

        Whether a field of `CANNOT_PRICE` has a value counts: an order is refused for the lack of one.
        """
        if "coupon" in request.fields:
            return None
        if request.renews is not None:
            return (request.key, request.term and request.term.row_ids)
        if not self._shared:
            return request.key
        return (request.type, frozenset(map(_what_is_priced, request.fields.items())))


def _is_common(answer: Quote | QuoteRefused) -> bool:
    """Whether an answer is one for all of its content: a refusal must blame a field that they have in common."""
    if isinstance(answer, Quote):
        return True
    return all(error.field and error.field not in CANNOT_PRICE for error in answer.errors)


def _what_is_priced(item: tuple[str, object]) -> tuple[str, object]:
    name, value = item
    return (name, bool(str(value).strip())) if name in CANNOT_PRICE else item
