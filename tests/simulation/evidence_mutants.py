"""Broken ways to judge what became of an order, each a patch that lasts for a `with`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any, Final
from unittest import mock

from runner.core.errors import VendorUnavailable
from runner.core.orders import ProductType
from runner.core.readings import Readings
from runner.core.vendor import Look, SeenOrder, Witness
from runner.evidence import explanations, judge
from runner.evidence.judge import Verdict
from runner.plan import lookalikes
from runner.settle import reconcile
from runner.vendors.v1 import lists, reads
from runner.vendors.v1 import purchases as v1
from runner.vendors.v1.adapter import V1Reader


@contextmanager
def _both(*mutants: Callable[[], AbstractContextManager[object]]) -> Iterator[None]:
    with ExitStack() as stack:
        for mutant in mutants:
            stack.enter_context(mutant())
        yield


def no_waiting_time() -> AbstractContextManager[object]:
    """An order is said to be absent before what was received can have been carried out."""
    return mock.patch.object(judge.Rules, "waits", return_value=timedelta(0))


def failed_list_is_empty() -> AbstractContextManager[object]:
    """A list that could not be read when an order is judged counts as one without orders."""
    real = V1Reader.look

    def look(self: V1Reader, product: ProductType) -> Look:
        try:
            return real(self, product)
        except VendorUnavailable:
            return Look(type=product, at=self._clock.now())

    return mock.patch.object(V1Reader, "look", look)


def failed_witness_is_empty() -> AbstractContextManager[object]:
    """A list that could not be read before a purchase counts as one without orders."""
    real, later = Readings.look, V1Reader.witness

    def look(self: Readings, product: ProductType) -> Look:
        try:
            return real(self, product)
        except VendorUnavailable:
            seen = Look(type=product, at=self._clock.now())
            witness = Witness(type=product, order_ids=frozenset(), at=seen.at)
            self._witnesses[product] = witness
            return seen

    def witness(self: V1Reader, product: ProductType) -> Witness:
        try:
            return later(self, product)
        except VendorUnavailable:
            return Witness(type=product, order_ids=frozenset(), at=self._clock.now())

    return _both(
        lambda: mock.patch.object(Readings, "look", look),
        lambda: mock.patch.object(V1Reader, "witness", witness),
    )


def part_of_a_list_is_whole() -> AbstractContextManager[object]:
    """The first page counts as the list."""
    return mock.patch.object(reads, "_tells_more", return_value=False)


def always_exclusive() -> AbstractContextManager[object]:
    """What fits and is paid for is adopted, although others buy on the account."""
    real = judge.judge
    return mock.patch.object(
        reconcile, "judge", lambda claims, facts, policy: real(claims, facts, replace(policy, exclusive=True))
    )


def what_fits_is_ours() -> AbstractContextManager[object]:
    """A single new order that fits is adopted, on any account and whatever the balance says."""
    real = judge._alone

    def alone(case: Any, words: str) -> Verdict:
        whole = [one for one in case.fits if one.whole]
        return judge._placed_verdict(case, whole[0]) if len(whole) == 1 and len(case.fits) == 1 else real(case, words)

    return mock.patch.object(judge, "_alone", alone)


def balance_explains_anything() -> AbstractContextManager[object]:
    """Where nobody else buys, what fits is adopted whatever left the balance."""

    def counts(groups: Sequence[explanations.Group], drop: Decimal) -> Iterator[tuple[int, ...]]:
        del drop
        yield from product(*(range(len(group.could_be) and group.size, group.size + 1) for group in groups))

    return mock.patch.object(explanations, "_counts", counts)


def balance_not_asked() -> AbstractContextManager[object]:
    """Absent by the list alone."""
    return mock.patch.object(judge, "_balance_fall", return_value=Decimal(0))


def list_not_asked() -> AbstractContextManager[object]:
    """Absent by the balance alone."""
    return _both(
        lambda: mock.patch.object(judge, "_new", return_value=[]),
        lambda: mock.patch.object(judge, "_list_doubt", return_value=""),
    )


def renewals_are_new() -> AbstractContextManager[object]:
    """Base numbers that were shown before are not compared: what has a new order id is new."""
    return mock.patch.object(Witness, "has", lambda self, seen: seen.order_id in self.order_ids)


def _without_marked(where: Any, name: str) -> AbstractContextManager[object]:
    """Orders with `_e_` in their numbers are taken for renewals, and left out of what `where.name` gives."""
    add, real = lists._Listed.add, getattr(where, name)
    marked: set[str] = set()

    def add_marked(self: Any, row: Any) -> None:
        if "_e_" in row.get("order_number", ""):
            marked.add(str(row["order_id"]))
        add(self, row)

    def unmarked(*about: Any) -> list[SeenOrder]:
        return [order for order in real(*about) if order.order_id not in marked]

    return _both(
        lambda: mock.patch.object(lists._Listed, "add", add_marked),
        lambda: mock.patch.object(where, name, unmarked),
    )


def mark_is_no_candidate() -> AbstractContextManager[object]:
    """The mark alone is trusted when an order in doubt is looked for."""
    return _without_marked(judge, "_new")


def mark_is_not_compared() -> AbstractContextManager[object]:
    """The mark alone is trusted when the vendor's orders are compared with the ledger's."""
    return _without_marked(lookalikes, "find_unowned")


def one_list_is_looked_at() -> AbstractContextManager[object]:
    """The default list counts as the whole one."""
    return mock.patch.object(v1, "ending_list", v1.proxy_list)


def witness_of_one_list() -> AbstractContextManager[object]:
    """What only the list of ending proxies showed before a purchase is new after it."""
    looked, witnessed = Readings.look, V1Reader.witness

    def default_list(self: V1Reader, product: ProductType) -> Witness:
        orders = lists.decode_look([partial(self._transport.stream, v1.proxy_list(product))], product)
        return Look(type=product, at=self._clock.now(), orders=orders).witness

    def look(self: Readings, product: ProductType) -> Look:
        seen = looked(self, product)
        self._witnesses[product] = default_list(self.reader, product)
        return seen

    def witness(self: V1Reader, product: ProductType) -> Witness:
        return witnessed(self, product) if product == "resident" else default_list(self, product)

    return _both(
        lambda: mock.patch.object(Readings, "look", look),
        lambda: mock.patch.object(V1Reader, "witness", witness),
    )


def card_is_balance() -> AbstractContextManager[object]:
    """An order that was paid by card is judged by the balance."""
    return mock.patch.object(judge._Case, "by_card", False)


def hints_are_forgotten() -> AbstractContextManager[object]:
    """An answer that spoke of a purchase does not keep its order from being called absent."""
    real = judge._absent
    return mock.patch.object(
        judge, "_absent", lambda case: real(replace(case, claim=replace(case.claim, leaning_placed=False)))
    )


def orders_never_end() -> AbstractContextManager[object]:
    """Nobody asks whether the list would still show the order."""
    real = judge.shown_until
    return mock.patch.object(judge, "shown_until", lambda fields, begin: real(fields, begin) + timedelta(days=999))


def lost_rows_unnoticed() -> AbstractContextManager[object]:
    """Nobody asks whether the list shows what it showed before."""
    real = judge._list_doubt

    def doubt(claim: Any, look: Look | None, facts: Any) -> str:
        words = real(claim, look, facts)
        return "" if "no longer" in words else words

    return mock.patch.object(judge, "_list_doubt", doubt)


EVIDENCE: Final = (
    no_waiting_time,
    failed_list_is_empty,
    failed_witness_is_empty,
    part_of_a_list_is_whole,
    always_exclusive,
    what_fits_is_ours,
    balance_explains_anything,
    balance_not_asked,
    list_not_asked,
    renewals_are_new,
    mark_is_no_candidate,
    mark_is_not_compared,
    one_list_is_looked_at,
    witness_of_one_list,
    card_is_balance,
    lost_rows_unnoticed,
)

REDUNDANT: Final = (
    (hints_are_forgotten, no_waiting_time),
    (orders_never_end, balance_not_asked),
)
"""Layers that another one covers: each with one without which it is needed. They are caught together in worlds where
the second alone does no harm."""
