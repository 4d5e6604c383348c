"""Broken protocols, each a patch that lasts for a `with`. A simulation that does not catch them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from typing import Final
from unittest import mock

from runner.buy import protocol
from runner.core.errors import LedgerUnusable
from runner.core.orders import OrderKey, OrderRequest
from runner.core.prices import Prices
from runner.core.records import Attempt, Claim, Record, Rename, Settlement
from runner.core.states import Event, State
from runner.core.vendor import Answer, NotSent, Outcome, Rejected, Unknown, VendorError
from runner.ledger import renaming, statements
from runner.ledger.codec import moment_text
from runner.ledger.footing import Footing
from runner.ledger.hold import SqlHold, _durable
from runner.ledger.moves import NO_PURCHASE
from runner.ledger.sql import AccountRows
from runner.limits import limits
from runner.plan import making
from runner.report import entries
from runner.run import batch
from runner.vendors.failures import Lost
from runner.vendors.v1 import adapter
from runner.vendors.v1 import purchases as v1
from runner.vendors.wire import Response
from tests.simulation import evidence_mutants
from tests.simulation.evidence_mutants import EVIDENCE
from tests.simulation.flights_mutants import FLIGHTS
from tests.simulation.network import Line
from tests.simulation.renewal_mutants import REDUNDANT_RENEWALS, RENEWALS

__all__ = ["MUTANTS", "REDUNDANT", "Mutant"]
Mutant = Callable[[], AbstractContextManager[object]]
NO: Final = Rejected(errors=(VendorError(message="taken for a refusal"),))


def mark_after_sending() -> AbstractContextManager[object]:
    """No write-ahead: the claim is made when the answer is there."""

    def try_once(self: protocol.Purchase, terms: protocol.Basis) -> Outcome:
        with self.desk.buyer.connect() as line:
            if isinstance(line, NotSent):
                return line
            answer = line.send(self.request, lambda: None)
            self._claim(terms)
        return self._settle(answer, terms.quote)

    return mock.patch.object(protocol.Purchase, "_try_once", try_once)


def send_unacknowledged() -> AbstractContextManager[object]:
    """A claim whose commit was not acknowledged is sent all the same."""
    real = SqlHold.claim

    def claim(self: SqlHold, claim: Claim) -> Attempt:
        try:
            return real(self, claim)
        except LedgerUnusable:
            return Attempt(key=claim.request.key, n=1, run_id=claim.run_id, claimed_at=claim.at)

    return mock.patch.object(SqlHold, "claim", claim)


def _lost_is_not_sent(words: str) -> AbstractContextManager[object]:
    real = adapter._lost_answer

    def lost(answer: Lost) -> Answer:
        return Answer(outcome=NotSent(reason=answer.reason)) if words in answer.reason else real(answer)

    return mock.patch.object(adapter, "_lost_answer", lost)


def retry_after_timeout() -> AbstractContextManager[object]:
    """No answer in time is taken for not sent, and tried again."""
    return _lost_is_not_sent("no answer")


def reset_is_not_sent() -> AbstractContextManager[object]:
    """A reset connection is taken for not sent."""
    return _lost_is_not_sent("reset")


def _misread(applies: Callable[[Response, Unknown], bool], instead: Outcome) -> AbstractContextManager[object]:
    real = v1.decode_make

    def decode(response: Response) -> Answer:
        answer = real(response)
        unknown = isinstance(answer.outcome, Unknown) and applies(response, answer.outcome)
        return Answer(outcome=instead, http_status=response.status) if unknown else answer

    return mock.patch.object(v1, "decode_make", decode)


def server_error_is_not_bought() -> AbstractContextManager[object]:
    """HTTP 5xx is taken for not sent."""
    return _misread(lambda response, _: response.status >= 500, NotSent(reason="HTTP 5xx"))


def no_id_is_rejected() -> AbstractContextManager[object]:
    """A success without an order id is taken for a refusal."""
    return _misread(lambda _, outcome: "without a usable orderId" in outcome.reason, NO)


def malformed_is_rejected() -> AbstractContextManager[object]:
    """Cut JSON and HTML are taken for a refusal."""
    return _misread(lambda response, outcome: response.status == 200 and "JSON" in outcome.reason, NO)


def error_with_an_order_is_rejected() -> AbstractContextManager[object]:
    """An error envelope that names an order is taken for a refusal."""
    return _misread(lambda _, outcome: outcome.reason == "an error that names an order", NO)


def abandoned_is_planned() -> AbstractContextManager[object]:
    """What an earlier run left submitted may be sent again."""

    def abandon(self: AccountRows, at: datetime) -> list[Record]:
        moved = Settlement(event=Event.NOT_SENT, after=State.PLANNED, at=at)
        left = [record for record in self.open_records() if record.state is State.SUBMITTED]
        attempts = [Attempt(key=r.key, n=r.attempt, run_id=r.run_id or "", claimed_at=r.updated_at) for r in left]
        return [self.settle(attempt, moved) for attempt in attempts]

    return mock.patch.object(SqlHold, "abandon_submitted", _durable(abandon))


def abandoned_stays_submitted() -> AbstractContextManager[object]:
    """What an earlier run left submitted is left as it is."""
    return mock.patch.object(SqlHold, "abandon_submitted", return_value=[])


def emergency_file_ignored() -> AbstractContextManager[object]:
    """What the emergency file holds is not entered."""
    return mock.patch.object(SqlHold, "_import_emergency", return_value=None)


def reconnect_when_stale() -> AbstractContextManager[object]:
    """A connection that went stale between guard and write is made anew."""
    return mock.patch.object(Line, "reconnects", True)


def guard_off() -> AbstractContextManager[object]:
    """Nothing is asked before the first byte."""
    return mock.patch.object(protocol.Purchase, "_guard", lambda self: self.desk.till.crash_point("6"))


@contextmanager
def guard_off_and_reconnect() -> Iterator[None]:
    """Both."""
    with ExitStack() as both:
        both.enter_context(guard_off())
        both.enter_context(reconnect_when_stale())
        yield


def forgotten_not_compared() -> AbstractContextManager[object]:
    """The vendor's list is not compared with the ledger before a purchase."""
    return mock.patch.object(making, "compare_with_vendor", lambda plan, task, sources: plan)


def wants_not_noted() -> AbstractContextManager[object]:
    """A run does not note what it refused, so that nobody can adopt it."""
    return mock.patch.object(SqlHold, "note_wants", return_value=None)


@contextmanager
def key_not_compared() -> Iterator[None]:
    """Whatever name a run has for the account, it is let in."""
    with mock.patch.object(batch, "check_key", return_value=True), mock.patch.object(batch, "admit"):
        yield


def moved_unnoticed() -> AbstractContextManager[object]:
    """A ledger whose files have gone from their places is used on."""
    return mock.patch.object(Footing, "objection", return_value=None)


def lock_not_read() -> AbstractContextManager[object]:
    """A ledger is not held against what its lock remembers."""
    return mock.patch.object(Footing, "refuse_behind", return_value=None)


def lock_not_written() -> AbstractContextManager[object]:
    """The lock remembers nothing."""
    return mock.patch.object(Footing, "catch_up", return_value=None)


def alike_for_a_day() -> AbstractContextManager[object]:
    """What was bought yesterday makes nothing look like a renaming."""
    return mock.patch.object(limits, "end_of", lambda product, fields, begin: begin + timedelta(days=1))


@contextmanager
def old_key_stays_free() -> Iterator[None]:
    """A renaming moves the purchase, and leaves the old key as if it had never bought anything."""
    real = renaming._enter

    def give_up(rows: AccountRows, fence: int, one: Rename, before: Mapping[str, object]) -> dict[str, object]:
        free = dict(NO_PURCHASE) | {"state": State.PLANNED.value, "updated_at": moment_text(one.at), "reason": None}
        named = {"b_account": rows.account, "b_key": str(one.before), "b_attempt": before["attempt"], "b_fence": fence}
        renaming._change(rows, statements.GIVE_UP, free | named, one)
        return free

    def enter(
        rows: AccountRows, one: Rename, key: OrderKey, n: int, before: State, detail: Mapping[str, object]
    ) -> None:
        if key == one.after:
            real(rows, one, key, n, before, detail)

    with mock.patch.object(renaming, "_give_up", give_up), mock.patch.object(renaming, "_enter", enter):
        yield


def old_price_is_used() -> AbstractContextManager[object]:
    """A price serves however old it is."""
    real = Prices.find
    return mock.patch.object(Prices, "find", lambda self, request, max_age: real(self, request, inf))


def coupon_shares_a_quote() -> AbstractContextManager[object]:
    """A price with a coupon serves orders without one, and the other way round."""
    real = Prices._content

    def content(self: Prices, request: OrderRequest) -> Hashable:
        fields = {name: value for name, value in request.fields.items() if name != "coupon"}
        return real(self, replace(request, fields=fields))

    return mock.patch.object(Prices, "_content", content)


def overcharge_unnoticed() -> AbstractContextManager[object]:
    """What an answer says was charged is not held against the quote."""
    return mock.patch.object(entries, "warn_of_overcharge", return_value=False)


MUTANTS: Final[Mapping[str, Mutant]] = {
    mutant.__name__.replace("_", "-"): mutant
    for mutant in (
        mark_after_sending,
        send_unacknowledged,
        retry_after_timeout,
        reset_is_not_sent,
        server_error_is_not_bought,
        no_id_is_rejected,
        malformed_is_rejected,
        error_with_an_order_is_rejected,
        abandoned_is_planned,
        reconnect_when_stale,
        guard_off,
        guard_off_and_reconnect,
        abandoned_stays_submitted,
        emergency_file_ignored,
        forgotten_not_compared,
        wants_not_noted,
        key_not_compared,
        moved_unnoticed,
        lock_not_read,
        lock_not_written,
        alike_for_a_day,
        old_key_stays_free,
        old_price_is_used,
        coupon_shares_a_quote,
        overcharge_unnoticed,
        *EVIDENCE,
        *FLIGHTS,
        *RENEWALS,
    )
}
REDUNDANT: Final = (*evidence_mutants.REDUNDANT, *REDUNDANT_RENEWALS)
