"""Broken protocols, to prove that the suite bites. Put in by the test's own entry, and by nothing else."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from runner.buy import lanes, protocol
from runner.core.errors import VendorUnavailable
from runner.core.orders import ProductType
from runner.core.records import Record, Settlement
from runner.core.states import Event, State
from runner.core.vendor import Answer, Look, NotSent, Outcome, Placed, Unknown
from runner.evidence.judge import Rules
from runner.ledger import hold, sql
from runner.settle import reconcile
from runner.vendors.v1 import adapter


def retry_after_unknown() -> None:
    """An answer that never came is taken for a request that was never sent, and tried again."""
    send = adapter.V1Connection.send

    def sends(line: adapter.V1Connection, request: Any, guard: Callable[[], str | None]) -> Answer:
        answer = send(line, request, guard)
        if isinstance(answer.outcome, Unknown):
            return replace(answer, outcome=NotSent(reason="timeout"))
        return answer

    adapter.V1Connection.send = sends  # type: ignore[method-assign,assignment]


def renewal_repeated() -> None:
    """The same, of renewals alone."""
    send = adapter.V1Connection.send

    def sends(line: adapter.V1Connection, request: Any, guard: Callable[[], str | None]) -> Answer:
        answer = send(line, request, guard)
        if request.renews is not None and isinstance(answer.outcome, Unknown):
            return replace(answer, outcome=NotSent(reason="timeout"))
        return answer

    adapter.V1Connection.send = sends  # type: ignore[method-assign,assignment]


def lease() -> None:
    """What a dead run left `submitted` is taken for never sent, as if its lease had run out."""

    def abandons(rows: sql.AccountRows, at: datetime) -> list[Record]:
        free = Settlement(event=Event.NOT_SENT, after=State.PLANNED, at=at, reason="its lease is over")
        left = [record for record in rows.open_records() if record.state is State.SUBMITTED]
        return [rows.settle(sql._open_attempt(record), free) for record in left]

    hold.SqlHold.abandon_submitted = hold._durable(abandons)  # type: ignore[method-assign]


def mark_after_send() -> None:
    """The claim is written when the answer is there, not before the request leaves."""

    def tries(self: protocol.Purchase, terms: protocol.Basis) -> Outcome:
        desk = self.desk
        desk.till.crash_point("4")
        with desk.buyer.connect() as line:
            if isinstance(line, NotSent):
                return line
            self._claimed = desk.clock.monotonic()
            answer = line.send(self.request, self._guard)
            self._claim(terms)
        return self._settle(answer, terms.quote)

    protocol.Purchase._try_once = tries  # type: ignore[method-assign]


def no_waiting_time() -> None:
    """What is not to be seen at once is called absent at once."""
    Rules.waits = lambda self, product: timedelta(0)  # type: ignore[method-assign]


def unread_is_empty() -> None:
    """A list that could not be read is taken for one without orders."""
    looks = adapter.V1Reader.look

    def look(reader: adapter.V1Reader, product: ProductType) -> Look:
        try:
            return looks(reader, product)
        except VendorUnavailable:
            return Look(type=product, at=reader._clock.now(), orders=())

    adapter.V1Reader.look = look  # type: ignore[method-assign]


def everybody_is_us() -> None:
    """An account that others buy on is judged like one that only we buy on."""
    judges = reconcile.judge
    reconcile.judge = lambda claims, facts, policy: judges(claims, facts, replace(policy, exclusive=True))


def stop_does_not_wait() -> None:
    """A batch that is over leaves at once, whatever is still in flight."""
    waits = lanes.Lanes.wait

    def wait(self: lanes.Lanes[protocol.Result]) -> protocol.Result:
        ended = waits(self)
        if ended.purchase.desk.halt.is_set() or ended.purchase.desk.till.stop.requested:
            self.busy = 0
        return ended

    lanes.Lanes.wait = wait  # type: ignore[method-assign,assignment]


def failure_hides_answers() -> None:
    """Once one lane has ended the batch, what the others are answered counts for nothing."""
    settles = protocol.Purchase._settle

    def settle(self: protocol.Purchase, answer: Answer) -> Outcome:
        if self.desk.halt.is_set() and isinstance(answer.outcome, Placed):
            answer = Answer(outcome=NotSent(reason=protocol.HALTED))
        return settles(self, answer)

    protocol.Purchase._settle = settle  # type: ignore[method-assign]


def one_connection() -> None:
    """Two lanes write to one connection, and each takes the answer that comes first: the other's."""
    send, swap = adapter.V1Connection.send, threading.Barrier(2)
    answers: dict[int, Answer] = {}

    def sends(line: adapter.V1Connection, request: Any, guard: Callable[[], str | None]) -> Answer:
        answer = send(line, request, guard)
        with contextlib.suppress(threading.BrokenBarrierError):
            place = swap.wait(0.05)
            answers[place] = answer
            swap.wait(0.05)
            return answers[1 - place]
        swap.reset()
        return answer

    adapter.V1Connection.send = sends  # type: ignore[method-assign]


MUTANTS: Final[Mapping[str, Callable[[], None]]] = {
    "retry-after-unknown": retry_after_unknown,
    "renewal-repeated": renewal_repeated,
    "lease": lease,
    "mark-after-send": mark_after_send,
    "no-waiting-time": no_waiting_time,
    "unread-is-empty": unread_is_empty,
    "everybody-is-us": everybody_is_us,
    "stop-does-not-wait": stop_does_not_wait,
    "failure-hides-answers": failure_hides_answers,
    "one-connection": one_connection,
}
