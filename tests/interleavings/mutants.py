"""Broken rules, each a patch that lasts for a `with`, and where it is looked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from unittest import mock

from runner.core.orders import OrderRequest, ProductType
from runner.core.readings import BalanceReading, Readings
from runner.core.records import Claim, OpenClaim
from runner.core.states import Event, State
from runner.core.vendor import Witness
from runner.evidence import judge
from runner.evidence.judge import Facts, Rules, Verdict
from runner.ledger import codec
from tests.interleavings import moves, process
from tests.interleavings.scopes import scope
from tests.interleavings.state import Scope, World

Mutant = Callable[[], AbstractContextManager[object]]


def balance_read_in_flight() -> AbstractContextManager[object]:
    """The balance is read for every claim, whatever is in flight."""

    def balance(self: Readings) -> BalanceReading:
        return self._note_balance(self.reader.balance())

    return mock.patch.object(Readings, "balance", balance)


def list_read_once_sent() -> AbstractContextManager[object]:
    """The list that goes with a claim is read when the vendor has its order already."""
    real = moves.Moves._answered

    def answered(self: moves.Moves, world: World, order: int, sale: int) -> World:
        row = world.rows[order]
        if world.process and row.claim:
            world = world.with_row(order, row._replace(claim=row.claim._replace(listed=world.listed())))
        return real(self, world, order, sale)

    return mock.patch.object(moves.Moves, "_answered", answered)


def nothing_taken_off() -> AbstractContextManager[object]:
    """What was bought and settled since the reading is not taken off the fall of the balance."""

    def fall(claim: OpenClaim, facts: Facts) -> Decimal | None:
        return None if facts.balance is None else claim.balance - facts.balance

    return mock.patch.object(judge, "_balance_fall", fall)


def taken_off_since_the_claim() -> AbstractContextManager[object]:
    """What was bought is taken off where it was claimed after the claim in doubt, not after its reading."""
    real = judge._balance_fall

    def fall(claim: OpenClaim, facts: Facts) -> Decimal | None:
        return real(replace(claim, read_seq=claim.claimed_seq), facts)

    return mock.patch.object(judge, "_balance_fall", fall)


def events_since_lost() -> AbstractContextManager[object]:
    """A claim does not write down how many events came between reading and claim."""
    real = codec.claim_detail

    def detail(claim: Claim, events_before: int) -> dict[str, Any]:
        return {name: value for name, value in real(claim, events_before).items() if name != "events_since"}

    return mock.patch.object(codec, "claim_detail", detail)


def any_answer_is_a_reading() -> AbstractContextManager[object]:
    """The balance in an answer counts as a reading though other orders were in flight."""
    real = Readings.reserve

    def reserve(self: Readings, request: OrderRequest, amount: Decimal) -> None:
        real(self, request, amount)
        self._alone = set(self._reserved)

    return mock.patch.object(Readings, "reserve", reserve)


def no_waiting_time() -> AbstractContextManager[object]:
    """An order is said to be absent while the vendor may still carry it out."""
    return mock.patch.object(Rules, "waits", return_value=timedelta(0))


def always_exclusive() -> AbstractContextManager[object]:
    """The account is taken to be nobody else's, and a stranger buys on it."""
    real = judge.judge

    def exclusively(claims: Sequence[OpenClaim], facts: Facts, rules: Rules) -> list[Verdict]:
        return real(claims, facts, replace(rules, exclusive=True))

    return mock.patch.object(judge, "judge", exclusively)


def abandoned_is_planned() -> AbstractContextManager[object]:
    """What a dead process left in flight is taken for never sent."""
    return mock.patch.object(moves, "ABANDONED", (Event.NOT_SENT, State.PLANNED))


def unknown_does_not_stop() -> AbstractContextManager[object]:
    """Claims go on after an unknown outcome."""
    return mock.patch.object(process, "STOPS", new=False)


def stops_late() -> AbstractContextManager[object]:
    """Between the record of an unknown outcome and the stop a lane may claim."""
    return mock.patch.object(process, "STOPS_AT_ONCE", new=False)


def list_read_beside_others() -> AbstractContextManager[object]:
    """The list is read for every claim, whatever else is in flight."""

    def witness(self: Readings, product: ProductType) -> Witness:
        return self.reader.witness(product)

    return mock.patch.object(Readings, "witness", witness)


MUTANTS: Final[dict[str, tuple[Mutant, Scope]]] = {
    "balance-read-in-flight": (balance_read_in_flight, scope("all equal", "alone", "plain")),
    "list-read-once-sent": (list_read_once_sent, scope("all equal", "alone", "plain")),
    "nothing-taken-off": (nothing_taken_off, scope("alike", "alone", "plain")),
    "taken-off-since-the-claim": (taken_off_since_the_claim, scope("all equal", "alone", "plain")),
    "events-since-lost": (events_since_lost, scope("all equal", "alone", "plain")),
    "any-answer-is-a-reading": (any_answer_is_a_reading, scope("all equal", "alone", "plain")),
    "no-waiting-time": (no_waiting_time, scope("all equal", "alone", "plain")),
    "always-exclusive": (always_exclusive, scope("all equal", "stranger", "plain")),
    "abandoned-is-planned": (abandoned_is_planned, scope("all equal", "alone", "plain")),
    "unknown-does-not-stop": (unknown_does_not_stop, scope("all equal", "alone", "plain")),
    "stops-late": (stops_late, scope("all equal", "alone", "plain")),
}
"""Each has to be found in its scope."""
HARMLESS: Final[dict[str, tuple[Mutant, Scope]]] = {
    "list-read-beside-others": (list_read_beside_others, scope("two equal", "alone", "plain")),
}
"""Rules that are stricter than they need be: without them nothing is found."""
