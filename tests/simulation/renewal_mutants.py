"""Broken renewals, each a patch that lasts for a `with`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final
from unittest import mock

from runner.buy import protocol
from runner.core.orders import OrderKey
from runner.core.records import Attempt, Claim, OpenClaim
from runner.core.vendor import Answer, NotSent
from runner.evidence import judge
from runner.evidence.end_dates import EndDates
from runner.ledger.hold import SqlHold
from runner.plan import due
from runner.plan.plan import Step
from runner.vendors.failures import Lost
from runner.vendors.v1 import adapter
from tests.simulation.evidence_mutants import _both


def renewal_without_end() -> AbstractContextManager[object]:
    """All terms of an order have one key."""
    return mock.patch.object(OrderKey, "renewal", lambda self, end: replace(self, term=date(2000, 1, 1).isoformat()))


def renewal_repeated_after_timeout() -> AbstractContextManager[object]:
    """A renewal that nobody answered is taken for not sent, and tried again."""
    real = adapter._lost_answer

    def lost(answer: Lost, decode: Callable[..., Answer]) -> Answer:
        is_renewal = isinstance(decode, partial)
        return Answer(outcome=NotSent(reason=answer.reason)) if is_renewal else real(answer, decode)

    return mock.patch.object(adapter, "_lost_answer", lost)


def renewal_judged_by_row_ids() -> AbstractContextManager[object]:
    """A renewal is bought if its order's rows have other ids than when it was claimed."""
    rows: dict[OrderKey, tuple[str, ...]] = {}
    claims = SqlHold.claim

    def claim(self: SqlHold, claim: Claim) -> Attempt:
        if claim.request.term is not None:
            rows[claim.request.key] = claim.request.term.row_ids
        return claims(self, claim)

    def ends(claim: OpenClaim, facts: judge.Facts) -> EndDates:
        record = claim.record
        look = facts.terms.get(record.type)
        now = look.terms.get(str(record.renews)) if look else None
        if now is None:
            return EndDates(doubt="the end dates of its order could not be read completely")
        return EndDates(moved=not set(rows[record.key]) & set(now.row_ids))

    return _both(
        lambda: mock.patch.object(SqlHold, "claim", claim),
        lambda: mock.patch.object(judge, "_end_dates", ends),
    )


def renewal_stacked_early() -> AbstractContextManager[object]:
    """An order is renewed whenever it ends before the day that it shall go on until, however far away its end is."""
    real = due._renewal

    def renewal(step: Step, *about: Any) -> Step | None:
        rule = step.request.renew
        always = rule and replace(rule, within=999)
        return real(replace(step, request=replace(step.request, renew=always)), *about)

    return _both(
        lambda: mock.patch.object(due, "_renewal", renewal),
        lambda: mock.patch.object(due, "_against_rules", return_value=None),
    )


def renewal_charge_is_no_charge() -> AbstractContextManager[object]:
    """What renewals cost is left out when an order is judged by the balance."""
    real = judge._balance_fall

    def fall(claim: OpenClaim, facts: judge.Facts) -> Decimal | None:
        return real(
            claim, replace(facts, purchases=[bought for bought in facts.purchases if bought.record.renews is None])
        )

    return mock.patch.object(judge, "_balance_fall", fall)


def renewal_rows_not_read_again() -> AbstractContextManager[object]:
    """The rows of the plan are renewed, whatever they are by now."""
    return mock.patch.object(protocol.Purchase, "_has_term", return_value=True)


def renewal_ends_compared_exactly() -> AbstractContextManager[object]:
    """A term that the list spells a day off is another one."""
    return mock.patch.object(due, "_is_same", lambda record, end: due._end_before(record) == end)


def renewal_old_end_is_believed() -> AbstractContextManager[object]:
    """Nobody asks whether an order that was renewed ends when it should."""
    return mock.patch.object(due, "_end_after", due._end_before)


RENEWALS: Final = (
    renewal_without_end,
    renewal_repeated_after_timeout,
    renewal_judged_by_row_ids,
    renewal_stacked_early,
    renewal_charge_is_no_charge,
    renewal_rows_not_read_again,
)

REDUNDANT_RENEWALS: Final = ((renewal_ends_compared_exactly, renewal_old_end_is_believed),)
"""The list's old end, a day off, is told from a new one twice: by the term that it is, and by the one that is due."""
