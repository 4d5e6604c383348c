"""What must hold after every step, and once calm has come: judged from the vendor's books, the ledger, the files."""

from __future__ import annotations

from collections.abc import Sequence

from runner.core.orders import PAY_BY_CARD, OrderKey
from runner.core.records import Record
from runner.core.states import OPEN
from runner.evidence.judge import Verdict
from tests.chaos.judge import (
    Broken,
    End,
    exits_are_true,
    no_key_in,
    nothing_forgotten,
    once_each,
    reports_are_whole,
)
from tests.chaos.world import KEY, PLENTY
from tests.stateful.world import LONG, Scene, is_placed

UNREAD = frozenset({"list-500", "list-html", "list-blank", "balance-500", "down"})
"""Faults of a read after which nothing may be concluded; they stay as long as the look."""


def judge(scene: Scene, ends: Sequence[End] = ()) -> dict[OrderKey, Record]:
    """After every step, no run alive. Raises `Broken`; the ledger's records."""
    scene.note()
    no_key_in(scene.folder)
    reports_are_whole(scene)
    bought, strangers = scene.ours(), set(scene.strangers())
    once_each(dict(bought))
    records = scene.records()
    nothing_forgotten(dict(bought), records)
    for key in scene.coming():
        if key not in records or records[key].state not in OPEN:
            raise Broken("lost", f"{key} is on its way at the vendor, the ledger says {records.get(key)}")
    for record in records.values():
        if record.order_id in strangers:
            raise Broken("stolen", f"{record.key} has order {record.order_id}, which somebody else bought")
    exits_are_true(ends, records, scene.keys)
    is_open = any(record.state in OPEN for record in records.values())
    scene.disturbed = scene.disturbed and is_open
    return records


def verdicts_are_earned(fault: str | None, verdicts: Sequence[Verdict]) -> None:
    """Nothing is concluded from a list or a balance that was not read."""
    for verdict in verdicts:
        listless = verdict.claim.record.type == "resident" and str(fault).startswith("list")
        if fault in UNREAD and verdict.ruling != "open" and not listless:
            raise Broken("unearned", f"{verdict.key} is {verdict.ruling}, while the reads answered {fault}")


def calm(scene: Scene) -> dict[str, int]:
    """No fault any more, all is over that was to come: evidence settles what it can, a person the rest, a run buys.

    In the end the vendor has every order once, and the ledger has it by its right id. How many were settled.
    """
    _wait(scene)
    settled = _settle(scene)
    scene.box.set_balance(scene.balance + PLENTY, KEY)
    for _ in range(6):
        outcome = scene.apply()
        assert outcome is not None
        code = int(outcome.report.exit_code or 0)
        judge(scene, [End(slot="-", status=code, held=True, stderr="")])
        if code == 0:
            break
    else:
        raise Broken("stuck", f"not done after the calm: {outcome.report.render()}")
    _everything_once(scene)
    count = len(scene.box.purchases)
    again = scene.apply()
    if again is None or again.report.exit_code != 0 or len(scene.box.purchases) != count:
        raise Broken("duplicate", "everything is bought, and a run buys more, or ends with another code than 0")
    return settled | {"purchases": sum(map(len, scene.ours().values())), "strangers": len(scene.strangers())}


def _wait(scene: Scene) -> None:
    scene.calm()
    scene.time.ahead += LONG - min(scene.time.skew, 0.0)
    judge(scene)


def _settle(scene: Scene) -> dict[str, int]:
    records = judge(scene)
    if not any(record.state in OPEN for record in records.values()):
        return {}
    outcome = scene.reconcile(exclusive=True)
    judge(scene)
    for verdict in outcome.open:
        if scene.exclusive and not scene.disturbed and _is_plain(verdict):
            raise Broken("undecided", f"{verdict.key} is open with all evidence there: {verdict.reason}")
    said = scene.person()
    judge(scene)
    return {"settled in the calm": len(outcome.verdicts), "settled in the calm, by a person": len(said)}


def _is_plain(verdict: Verdict) -> bool:
    """Whether the balance and the list can show all there is to it."""
    claim = verdict.claim
    by_card = claim.record.fields.get("paymentId") == PAY_BY_CARD
    bought_or_not = verdict.candidates or not claim.leaning_placed
    return claim.record.type != "resident" and not by_card and bool(bought_or_not)


def _everything_once(scene: Scene) -> None:
    records, bought = scene.records(), scene.ours()
    for key in scene.keys:
        if not is_placed(records, key):
            raise Broken("stuck", f"{key} is {records.get(key)} after the calm")
        if [records[key].order_id] != bought.get(key):
            raise Broken("lost", f"{key} has {records[key].order_id}, the vendor {bought.get(key)}")
