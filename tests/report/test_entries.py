"""What an order's entry says after each thing that can become of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from runner.core.errors import AccessError, Busy, LedgerUnusable, Refused, RunnerError, VendorUnavailable
from runner.core.vendor import Answer, NotSent, Outcome, Placed, QuoteRefused, Rejected, Unknown, VendorError
from runner.report import entries
from runner.report.report import OrderEntry
from tests.make import attempt, entry, problem, quote, span

NO = VendorError(message="no such quantity", code="12", field="quantity")
UNSENT = NotSent(reason="connection refused")


def answered(outcome: Outcome, **facts: object) -> OrderEntry:
    """An entry that was sent and answered so."""
    tried = entry(quote=quote("10.00"))
    entries.note_sent(tried, attempt())
    answer = Answer(outcome=outcome, http_status=200, body_sha256="5e", body_head="head", **facts)  # type: ignore[arg-type]
    entries.note_outcome(tried, answer, outcome, 1.2345)
    return tried


def findings(tried: OrderEntry) -> list[tuple[str, str]]:
    return [(finding.problem.code, finding.category) for finding in tried.errors]


def test_from_the_claim_on_it_may_have_been_bought() -> None:
    """Sent and not answered is `unknown`, never `planned`: this is what a dead run leaves."""
    tried = entry()
    entries.note_sent(tried, attempt(n=3))
    assert (tried.status, tried.reason) == ("unknown", "sent, but not answered when this was written")
    assert [(one.n, one.outcome) for one in tried.attempts] == [(3, "submitted")]


@pytest.mark.parametrize(
    ("outcome", "status", "word", "found"),
    [
        (Placed(order_id="7", total=Decimal(10)), "placed", "placed", []),
        (Rejected(errors=(NO,)), "rejected", "rejected", [("PSR501", "rejected")]),
        (Rejected(errors=(NO,), access=True), "rejected", "rejected", [("PSR502", "access")]),
        (Unknown(reason="no answer"), "unknown", "unknown", [("PSR504", "unknown")]),
        (UNSENT, "planned", "not_sent", []),
    ],
    ids=["placed", "rejected", "access", "unknown", "not-sent"],
)
def test_each_outcome_has_a_status_and_a_finding(
    outcome: Outcome, status: str, word: str, found: list[tuple[str, str]]
) -> None:
    """Only what was bought and what was proved not to be sent is no finding; the attempt keeps its own word and time."""
    tried = answered(outcome)
    assert (tried.status, findings(tried)) == (status, found)
    (one,) = tried.attempts
    assert (one.outcome, one.duration_ms, one.http_status) == (word, 1234, 200)


def test_a_purchase_shows_what_was_given_for_the_money() -> None:
    """Order id, numbers, price and balance are those of the answer, and nothing is left to explain."""
    tried = answered(Placed(order_id="7", base_order_numbers=("7_1",), total=Decimal(10), balance=Decimal(90)))
    assert tried.result is not None
    assert (tried.result.order_id, tried.result.base_order_numbers) == ("7", ("7_1",))
    assert (tried.result.total, tried.result.balance, tried.reason) == (Decimal(10), Decimal(90), None)


def test_a_refusal_points_at_the_field_and_keeps_the_vendors_words() -> None:
    """Each error of the vendor is a finding at the line of the field it blames."""
    tried = answered(Rejected(errors=(NO, VendorError(message="and no such country", field="countryId"))))
    assert tried.reason == "no such quantity; and no such country"
    assert [finding.problem.span for finding in tried.errors] == [span(8), span(7)]
    assert tried.errors[0].vendor is NO


def test_a_second_try_leaves_the_first_as_it_was() -> None:
    """The attempts of one order stand beside each other."""
    tried = answered(UNSENT)
    entries.note_sent(tried, attempt(n=2))
    assert [one.outcome for one in tried.attempts] == ["not_sent", "submitted"]


@pytest.mark.parametrize("outcome", [Placed(order_id="7"), Rejected(errors=(NO,)), UNSENT])
def test_the_answers_text_is_kept_only_in_doubt(outcome: Outcome) -> None:
    """What was settled keeps the answer's hash; what is not, its head and its hint as well."""
    assert answered(outcome).evidence == {"http_status": 200, "body_sha256": "5e"}
    doubt = answered(Unknown(reason="cut off", leaning_placed=True)).evidence
    assert doubt == {"http_status": 200, "body_sha256": "5e", "body_head": "head", "leaning_placed": True}


def test_an_unrecorded_result_names_its_order() -> None:
    """What the ledger did not take may have been charged, and says of which order."""
    finding = entries.finding_of_unrecorded(entry(), "disk full", LedgerUnusable("disk full"))
    assert (finding.problem.code, finding.problem.key, finding.category) == ("PSR602", "b/a", "unknown")


@pytest.mark.parametrize(("total", "over"), [("10.00", False), ("9.99", False), ("10.01", True), (None, False)])
def test_a_cent_more_than_quoted_is_an_overcharge(total: str | None, over: bool) -> None:
    """More than the quote stops the batch with a warning at the order; as much, less, or no amount at all does not."""
    bought = entry("placed")
    placed = Placed(order_id="7", total=None if total is None else Decimal(total))
    assert entries.warn_of_overcharge(bought, placed, quote("10.00")) is over
    assert findings(bought) == [("PSR505", "warning")] * over
    assert [finding.problem.severity for finding in bought.errors] == ["warning"] * over


def test_reasons_at_the_last_moment_refuse() -> None:
    """A price that is gone, too high, over a limit or more than is left: refused, each with its own code."""
    reasons = {
        "PSR403": lambda one: entries.refuse_unpriced(one, QuoteRefused(errors=(NO,))),
        "PSR408": lambda one: entries.refuse_too_dear(one, quote("11"), Decimal(10)),
        "PSR406": lambda one: entries.refuse_over_limit(one, problem(code="PSR406")),
        "PSR410": lambda one: entries.refuse_too_poor(one, quote("11"), Decimal(10)),
    }
    for code, refuse in reasons.items():
        tried = entry()
        refuse(tried)
        assert (tried.status, findings(tried)) == ("refused", [(code, "refused")])


@pytest.mark.parametrize(
    ("error", "status", "finding"),
    [
        (AccessError("no"), "planned", ("PSR502", "access")),
        (VendorUnavailable("no"), "refused", ("PSR506", "refused")),
        (LedgerUnusable("no"), "refused", ("PSR601", "refused")),
        (Refused("no"), "refused", ("PSR411", "refused")),
        (Busy("no"), "refused", ("PSR411", "refused")),
    ],
)
def test_what_stopped_the_batch_is_told_at_its_order(error: RunnerError, status: str, finding: tuple[str, str]) -> None:
    """An order that was not sent says why; refused access leaves it planned, for nothing is wrong with the order."""
    tried = entry()
    entries.note_stop(tried, error)
    assert (tried.status, tried.reason, findings(tried)) == (status, "no", [finding])


def test_giving_up_is_a_finding_unless_the_run_was_stopped() -> None:
    """Not sent at the last try: a finding, of access where the vendor throttled; none where a signal ended it."""
    for outcome, found in (
        (UNSENT, [("PSR503", "not_sent")]),
        (NotSent(reason="429", throttled=True), [("PSR503", "access")]),
    ):
        tried = entry()
        entries.give_up(tried, outcome, stopped=False)
        assert (tried.status, findings(tried)) == ("planned", found)
    stopped = entry()
    entries.give_up(stopped, UNSENT, stopped=True)
    assert (stopped.status, findings(stopped)) == ("planned", [])
