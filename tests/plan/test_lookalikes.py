"""Orders at the vendor that the ledger may have forgotten: what is looked at, named, warned of and refused."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.errors import AccessError, VendorUnavailable
from runner.core.orders import OrderKey
from runner.core.vendor import Choice
from runner.limits.limits import Standing
from runner.plan.lookalikes import compare_with_vendor, wants
from runner.plan.plan import Plan, Step
from runner.plan.sources import Sources
from runner.plan.task import Guard
from tests.make import AT, Books, Shop, look, order, record, seen, step, task

TWO = {"quantity": 2}
FRANCE = Choice(type="ipv4", field="countryId", value=561, name="France", alpha3="FRA")
STRICT = Guard(strict=True, flags=" --account team")


class Held:
    """A hold of an account without events."""

    events = 0


def compared(
    *steps: Step, shows: Any, books: Books | None = None, guard: Guard | None = None, buying: bool = False
) -> tuple[Plan, Shop]:
    """The plan after the comparison, and the vendor that was asked."""
    shop = Shop(shows=shows, lists={"ipv4": (FRANCE,)})
    call = task(guard=guard or Guard())
    sources = Sources.of(call, books or Books(), shop, Standing(), hold=Held() if buying else None)  # type: ignore[arg-type]
    return compare_with_vendor(Plan(steps=steps), call, sources), shop


def codes(plan: Plan) -> list[str]:
    return [one.code for one in plan.notices]


def alike() -> Step:
    """An order to buy that `seen()` looks like."""
    return step(order(fields=TWO), "10.00")


def test_one_look_a_type_and_none_for_nothing() -> None:
    """What is not to be bought is not looked for, a resident order is in no list, and two of a type share a look."""
    resident, bought = step(order(type="resident")), step(status="already_placed")
    assert compared(resident, bought, shows=look())[1].asked == []
    assert compared(step(order("a")), step(order("b")), shows=look())[1].asked == ["look"]


@pytest.mark.parametrize(
    "books",
    [
        Books(owners={"77": OrderKey("b", "other")}),
        Books(strangers=("77",)),
        Books(record(order("other"), order_id="9", base_order_numbers=("977_1",))),
    ],
    ids=["owned", "disowned", "by-number"],
)
def test_what_somebody_owns_is_not_named(books: Books) -> None:
    """Orders of the ledger, by id or by number, and orders that a person said are not ours: the plan stays as it is."""
    plan, _ = compared(alike(), shows=look(seen()), books=books)
    assert (plan.steps, plan.notices) == ((alike(),), ())


def test_an_order_of_nobody_is_named() -> None:
    """It is named as a warning though it looks like nothing that is to be bought, which goes on."""
    plan, _ = compared(alike(), shows=look(seen("77", rows=50), seen("78", rows=50)))
    assert (plan.steps, codes(plan)) == ((alike(),), ["PSR508"])
    assert "2 orders that the ledger does not know: 77 (ipv4), 78 (ipv4)" in plan.notices[0].message
    assert plan.notices[0].severity == "warning"


def test_at_most_twenty_are_named() -> None:
    """More are counted."""
    plan, _ = compared(alike(), shows=look(*(seen(str(n), rows=50) for n in range(100, 123))))
    assert plan.notices[0].message.endswith("119 (ipv4) and 3 more")


def test_what_looks_like_it_is_a_warning() -> None:
    """On an account that others may use, an order like the one to buy is a warning at its line, and it is bought."""
    plan, _ = compared(alike(), shows=look(seen()))
    (only,) = plan.steps
    assert only.to_buy
    assert only.problem is not None
    assert (only.problem.code, only.problem.severity) == ("PSR420", "warning")
    assert "it looks like order 77 at the vendor" in only.problem.message


def test_what_looks_like_it_is_refused_on_a_strict_account() -> None:
    """Nobody else buys there: the order is refused, and the hint has both commands, with the flags of this call."""
    (only,) = compared(alike(), shows=look(seen()), guard=STRICT)[0].steps
    assert (only.status, only.ceiling) == ("refused", None)
    assert only.problem is not None
    hint = only.problem.hint or ""
    assert "order-runner resolve b/a --placed 77 --account team;" in hint
    assert "order-runner resolve --not-mine 77 --reason WHY --account team" in hint


@pytest.mark.parametrize(
    ("guard", "buying", "raises"), [(Guard(), False, False), (Guard(), True, True), (STRICT, False, True)]
)
def test_a_list_that_cannot_be_had(guard: Guard, buying: bool, raises: bool) -> None:
    """Where nothing is bought it is a warning; a purchase, and a strict account, do not go on without it."""
    down = VendorUnavailable("down")
    if raises:
        with pytest.raises(VendorUnavailable):
            compared(alike(), shows=down, guard=guard, buying=buying)
        return
    plan, _ = compared(alike(), shows=down, guard=guard, buying=buying)
    assert (plan.steps, codes(plan)) == ((alike(),), ["PSR509"])


def test_refused_access_is_never_a_warning() -> None:
    """The key does not open anything else either."""
    with pytest.raises(AccessError):
        compared(alike(), shows=AccessError("no"))


def test_the_wishes_of_a_refused_batch_are_kept() -> None:
    """The orders refused here and the others of the batch, with prices; nothing where no order was refused for this."""
    other = step(order("other", fields={"quantity": 1}), "3.00")
    plan, _ = compared(alike(), other, step(status="skipped"), shows=look(seen()), guard=STRICT)
    assert [one.status for one in plan.steps] == ["refused", "planned", "skipped"]
    kept = wants(plan, AT)
    assert [(one.key.name, str(one.quote_total), one.at) for one in kept] == [("a", "10.00", AT), ("other", "3.00", AT)]
    assert kept[0].fingerprint == order(fields=TWO).fingerprint
    assert wants(Plan(steps=(other, other.with_refusal("PSR404", "too dear", hint=""))), AT) == []
