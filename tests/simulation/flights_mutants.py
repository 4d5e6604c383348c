"""Broken ways to have several purchases in flight, each a patch that lasts for a `with`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from unittest import mock

from runner.buy import protocol
from runner.buy.lanes import Lanes
from runner.core.orders import OrderKey, OrderRequest, ProductType
from runner.core.readings import BalanceReading, Readings
from runner.core.records import OpenClaim
from runner.core.vendor import Placed, Witness
from runner.evidence import judge
from runner.evidence.judge import Facts
from runner.ledger import claims
from runner.ledger.sql import AccountRows
from runner.limits.budgets import Purse
from runner.plan.plan import Step
from runner.report.report import OrderEntry
from tests.simulation.network import Transport


def limit_not_reserved() -> AbstractContextManager[object]:
    """An order counts against the limits on sums once it is settled, and not from its claim on."""
    real = Purse.note_claim

    def note_claim(self: Purse, key: OrderKey, amount: Decimal, at: datetime) -> None:
        real(self, key, amount * 0, at)

    return mock.patch.object(Purse, "note_claim", note_claim)


def balance_not_reserved() -> AbstractContextManager[object]:
    """What is in flight is not taken off the balance."""
    real = Readings.reserve
    return mock.patch.object(Readings, "reserve", lambda self, request, amount: real(self, request, amount * 0))


@contextmanager
def read_in_flight() -> Iterator[None]:
    """List and balance are read right before each claim, whatever is in flight."""

    def balance(self: Readings) -> BalanceReading:
        return self._note_balance(self.reader.balance())

    def witness(self: Readings, product: ProductType) -> Witness:
        return self.reader.witness(product)

    with ExitStack() as patches:
        for name, instead in (("balance", balance), ("witness", witness), ("is_due", lambda self, product: False)):
            patches.enter_context(mock.patch.object(Readings, name, instead))
        yield


def answers_balance_is_a_reading() -> AbstractContextManager[object]:
    """The balance in an answer counts as a reading, whatever was in flight beside it."""
    real = Readings.count_purchase

    def count_purchase(self: Readings, request: OrderRequest, placed: Placed, *amounts: Any) -> None:
        self._alone.add(request.key)
        real(self, request, placed, *amounts)

    return mock.patch.object(Readings, "count_purchase", count_purchase)


def failure_hides_answers() -> AbstractContextManager[object]:
    """When one lane fails, nobody waits for the others."""
    real = Lanes.wait

    def wait(self: Lanes[Any]) -> Any:
        try:
            return real(self)
        except Exception:
            self.busy = 0
            raise

    return mock.patch.object(Lanes, "wait", wait)


def stop_does_not_wait() -> AbstractContextManager[object]:
    """A run that is to stop leaves what it has in flight."""

    def place_all(steps: Sequence[Step], entries_of: Mapping[OrderKey, OrderEntry], desk: protocol.Desk) -> None:
        purchases = deque(protocol.Purchase(step, entries_of[step.request.key], desk) for step in steps)
        lanes = desk.till.lanes(desk.till.jobs)
        while purchases or lanes.busy:
            if desk.till.stop.requested:
                return
            if lanes.busy and (desk.halt.is_set() or not purchases or lanes.is_full or purchases[0].must_wait()):
                result = lanes.wait()
                if result.purchase.conclude(result.outcome):
                    purchases.appendleft(result.purchase)
            elif desk.halt.is_set():
                return
            else:
                protocol._start(purchases.popleft(), lanes, len(steps))

    return mock.patch.object(protocol, "place_all", place_all)


def connection_is_shared() -> AbstractContextManager[object]:
    """A purchase takes the connection of another that is in flight."""
    real = Transport.connect

    @contextmanager
    def connect(self: Transport) -> Iterator[Any]:
        lines = self._process.flights.lines
        with ExitStack() as stack:
            yield lines[-1] if lines else stack.enter_context(real(self))

    return mock.patch.object(Transport, "connect", connect)


def anchor_ignored() -> AbstractContextManager[object]:
    """What was settled since the balance was read is not taken off its fall."""

    def fall(claim: OpenClaim, facts: Facts) -> Decimal | None:
        return None if facts.balance is None else claim.balance - facts.balance

    return mock.patch.object(judge, "_balance_fall", fall)


def anchor_lost() -> AbstractContextManager[object]:
    """Every balance counts as read right before its claim."""
    real = claims._seq_before

    def seq_before(rows: AccountRows, seq: int, events: int) -> int:
        return real(rows, seq, events * 0)

    return mock.patch.object(claims, "_seq_before", seq_before)


FLIGHTS: Final = (
    limit_not_reserved,
    balance_not_reserved,
    read_in_flight,
    answers_balance_is_a_reading,
    failure_hides_answers,
    stop_does_not_wait,
    connection_is_shared,
    anchor_ignored,
    anchor_lost,
)
