"""What becomes of an order, as its entry in the report says it: status, reason, findings, evidence."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from runner.core.errors import (
    AccessError,
    LedgerReplaced,
    LedgerUnusable,
    Problem,
    Refused,
    RunnerError,
    UnknownForm,
    VendorUnavailable,
)
from runner.core.orders import Quote, decimal_text
from runner.core.records import Attempt
from runner.core.vendor import Answer, NotSent, Outcome, Placed, QuoteRefused, Rejected, Unknown, VendorError
from runner.report.report import AttemptEntry, Category, Finding, OrderEntry

SETTLE_HINT = (
    "`order-runner reconcile` settles it by evidence, `order-runner resolve` by your decision; "
    "nothing more is bought on this account until then"
)
_OUTCOME_WORDS = {Placed: "placed", Rejected: "rejected", NotSent: "not_sent", Unknown: "unknown"}


def in_words(outcome: Outcome) -> str | None:
    """Why an order stands as it does; None for a plain purchase."""
    if isinstance(outcome, Rejected):
        return "; ".join(error.message for error in outcome.errors)
    return None if isinstance(outcome, Placed) else outcome.reason


def evidence(answer: Answer) -> dict[str, object]:
    """The facts an outcome was read from, for the ledger; the answer's text only where it is in doubt."""
    facts: dict[str, object] = {"http_status": answer.http_status, "body_sha256": answer.body_sha256}
    if isinstance(answer.outcome, Placed) and answer.outcome.vendor_id is not None:
        facts["vendor_id"] = answer.outcome.vendor_id
    if isinstance(answer.outcome, Unknown):
        facts |= {"body_head": answer.body_head, "leaning_placed": answer.outcome.leaning_placed}
    return facts


def note_sent(entry: OrderEntry, attempt: Attempt) -> None:
    """Claimed: until an answer is on record, it may have been bought."""
    tried = AttemptEntry(n=attempt.n, started_at=attempt.claimed_at, outcome="submitted")
    reason = "sent, but not answered when this was written"
    entry.update(status="unknown", reason=reason, attempts=(*entry.attempts, tried))


def note_outcome(entry: OrderEntry, answer: Answer, outcome: Outcome, seconds: float) -> None:
    """The attempt is over; `outcome` is what it counts as."""
    tried = replace(
        entry.attempts[-1],
        outcome=_OUTCOME_WORDS[type(outcome)],
        duration_ms=round(seconds * 1000),
        http_status=answer.http_status,
    )
    entry.update(attempts=(*entry.attempts[:-1], tried), reason=in_words(outcome), evidence=evidence(answer))
    if isinstance(outcome, Placed):
        entry.update(status="placed", result=outcome, reason=None)
    elif isinstance(outcome, Rejected):
        _note_rejection(entry, outcome)
    elif isinstance(outcome, Unknown):
        entry.update(status="unknown")
        message = f"its outcome is unknown: {outcome.reason}; it may have been charged"
        _find(entry, "PSR504", message, "unknown", hint=SETTLE_HINT)
    else:
        entry.update(status="planned")


def finding_of_unrecorded(entry: OrderEntry, words: str, error: LedgerUnusable) -> Finding:
    """A result of this order that the ledger did not take, or took where nobody will look for it."""
    way_out = "put the ledger back" if isinstance(error, LedgerReplaced) else "free disk space or repair the ledger"
    hint = f"{way_out}, then run again: the next run reads the emergency file before it buys"
    problem = Problem(code="PSR602", message=words, hint=hint, key=str(entry.request.key))
    return Finding(problem=problem, category="unknown")


def _note_rejection(entry: OrderEntry, outcome: Rejected) -> None:
    entry.update(status="rejected")
    for error in outcome.errors:
        if outcome.access:
            hint = (
                "check the key, its list of allowed addresses and the request rate; the vendor answers all three alike"
            )
            _find(entry, "PSR502", f"the vendor refused access: {error.message}", "access", hint=hint, vendor=error)
        else:
            hint = f"{entry.request.price_hint}; the next run tries it again, changed or not"
            _find(entry, "PSR501", f"the vendor refused it: {error.message}", "rejected", hint=hint, vendor=error)


def warn_of_overcharge(entry: OrderEntry, outcome: Placed, quote: Quote) -> bool:
    """Say so where the vendor took more than it had quoted, or tells what it took in a form nobody can read."""
    quoted = f"{decimal_text(quote.total)} quoted"
    if outcome.unread_total is not None:
        message = f"perhaps overcharged: {outcome.unread_total!a} charged, which is no amount; {quoted}"
    elif outcome.total is not None and outcome.total > quote.total:
        message = f"overcharged: {decimal_text(outcome.total)} charged, {quoted}"
    else:
        return False
    _find(entry, "PSR505", message, "warning", hint="ask the vendor; the batch stopped here")
    return True


def refuse_unpriced(entry: OrderEntry, refusal: QuoteRefused) -> None:
    error = refusal.errors[0]
    message = f"the vendor no longer prices it: {error.message}"
    _refuse(entry, "PSR403", message, hint=entry.request.price_hint, vendor=error)


def refuse_term(entry: OrderEntry, change: str) -> None:
    """The term of the order to renew is not the one that was planned."""
    hint = "run `order-runner plan` again: it goes by the term as it is now"
    _refuse(entry, "PSR413", f"not renewed: {change}", hint=hint)


def refuse_too_dear(entry: OrderEntry, quote: Quote, ceiling: Decimal) -> None:
    message = f"its price rose to {decimal_text(quote.total)}, above its ceiling {decimal_text(ceiling)}"
    _refuse(entry, "PSR408", message, hint="run again to see the new price, or set budget.price_tolerance")


def refuse_over_limit(entry: OrderEntry, objection: Problem) -> None:
    """A limit on a sum that would be broken by now."""
    _refuse(entry, objection.code, objection.message, hint=objection.hint or "")


def refuse_too_poor(entry: OrderEntry, quote: Quote, balance: Decimal) -> None:
    message = f"it costs {decimal_text(quote.total)}, but the balance is down to {decimal_text(balance)}"
    _refuse(entry, "PSR410", message, hint="top up the account and run again")


def note_stop(entry: OrderEntry, error: RunnerError) -> None:
    """Something stopped the batch before this order was sent."""
    code, category = _STOPPERS.get(type(error), ("PSR411", "refused"))
    entry.update(status="refused" if category == "refused" else "planned", reason=str(error))
    _find(entry, code, str(error), category, hint=error.hint)


_STOPPERS: dict[type[RunnerError], tuple[str, Category]] = {
    AccessError: ("PSR502", "access"),
    VendorUnavailable: ("PSR506", "refused"),
    UnknownForm: ("PSR506", "refused"),
    LedgerReplaced: ("PSR606", "refused"),
    LedgerUnusable: ("PSR601", "refused"),
    Refused: ("PSR411", "refused"),
}


def give_up(entry: OrderEntry, outcome: NotSent, *, stopped: bool) -> None:
    """Proved not sent, and not tried again in this run."""
    if stopped:
        entry.update(status="planned", reason="the run was stopped before it was sent")
        return
    category: Category = "access" if outcome.throttled else "not_sent"
    entry.update(status="planned", reason=f"not sent: {outcome.reason}")
    message = f"it was not sent: {outcome.reason}"
    _find(entry, "PSR503", message, category, hint="nothing was bought; the next run tries again")


def _refuse(entry: OrderEntry, code: str, message: str, *, hint: str, vendor: VendorError | None = None) -> None:
    entry.update(status="refused", reason=message)
    _find(entry, code, message, "refused", hint=hint, vendor=vendor)


def _find(
    entry: OrderEntry,
    code: str,
    message: str,
    category: Category,
    *,
    hint: str | None,
    vendor: VendorError | None = None,
) -> None:
    problem = entry.request.problem(code, message, hint=hint, field=vendor.field if vendor else None)
    if category == "warning":
        problem = replace(problem, severity="warning")
    entry.update(errors=(*entry.errors, Finding(problem=problem, category=category, vendor=vendor)))
