"""Doubt is settled as a user settles it: `order-runner reconcile`, and where that leaves any, a person with `resolve`.

Nothing here waits for the vendor before `reconcile` looks: that is what its waiting time is for. Each of its verdicts is
then held against the vendor's books.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from runner.core.orders import OrderKey
from runner.core.records import OpenClaim
from runner.core.states import OPEN, State
from tests.chaos.judge import Broken, End, TooSlow
from tests.chaos.points import Plan
from tests.chaos.schedule import SETTLE_AFTER, Settling
from tests.chaos.world import World

if TYPE_CHECKING:
    from tests.chaos.play import Player

PATIENCE: Final = SETTLE_AFTER + 1
"""Seconds of `--wait`."""

Claims = Mapping[OrderKey, OpenClaim]


def settle(player: Player, world: World, how: Settling) -> int:
    """Settle what is in doubt as `how` has it; how many orders that was. Every runner has to be dead."""
    claims = world.open_claims()
    if not claims:
        return 0
    if how.blind:
        _look_blind(player, world, how.blind, how.plan.mutant)
    world.arm(how.faults)
    for plan in (how.plan, Plan(mutant=how.plan.mutant)):  # once more where the first was killed
        if reconcile(player, world, plan, wait=how.wait).status >= 0:
            break
    left = world.open_claims()
    player.tally.settled["left open"] += len(left)
    if how.person:
        world.settled_down()
        for place, key in enumerate(left, 1):
            resolve(player, world, key, more=len(left) - place, mutant=how.plan.mutant)
    return len(claims)


def reconcile(player: Player, world: World, plan: Plan, *, wait: bool) -> End:
    """One `reconcile`, its verdicts held against the vendor's books."""
    before = world.open_claims()
    exclusive = [] if world.shared else ["--exclusive"]
    patience = ["--wait", f"{PATIENCE}s"] if wait else []
    settle_after = ["--settle-after", f"{SETTLE_AFTER}s"]
    end = player.run(world, plan, "reconcile", *settle_after, *exclusive, *patience, *_vendor(world))
    told = _stdout_of(world, end)
    _count(player, world, before, told)
    _verdicts_are_true(world, before, end, told)
    return end


def resolve(player: Player, world: World, key: OrderKey, *, more: int, mutant: str | None) -> None:
    """A person looks at the vendor's books, which have come to rest, and says what is there."""
    ids = world.bought().get(key, [])
    placed = ["--placed"] if key.term else ["--placed", *ids[:1]]
    ruling = placed if ids else ["--absent", "--reason", "the dashboard does not show it"]
    accepts = [] if ids else ["--accept-possible-second-purchase"]
    end = player.run(world, Plan(mutant=mutant), "resolve", str(key), *ruling, *accepts, "--yes")
    if end.status != (7 if more else 0):
        raise Broken(
            "exit", f"resolve {key} {ruling} ended with {end.status}, {more} others open: {end.stderr[-1000:]}"
        )
    player.tally.settled["person placed" if ids else "person absent"] += 1
    player.tally.renewals["settled by a person"] += bool(key.term)


def _look_blind(player: Player, world: World, kind: str, mutant: str | None) -> None:
    """`reconcile` waits its time, but one kind of read fails all along: it may conclude nothing that needs that read."""
    before = world.open_claims()
    with world.blinded(kind):
        reconcile(player, world, Plan(mutant=mutant), wait=True)
    after = world.records()
    for key, claim in before.items():
        unread = claim.record.type != "resident" or not kind.startswith("list-")
        if key.term and kind == "balance-500":  # ends that moved say enough
            continue
        if unread and after[key].state not in OPEN:
            raise Broken("verdict", f"{key} is {after[key].state}, though {kind} met every look")
    player.tally.settled["blind looks"] += 1


def _vendor(world: World) -> list[str]:
    return ["--base-url", world.server.base_url, "--rate", "0", "-f", "json"]


def _stdout_of(world: World, end: End) -> dict[str, Any]:
    """What it said on stdout; nothing where it was killed."""
    text = (world.folder / f"out-{end.slot}").read_text()
    if end.status < 0:
        return {}
    try:
        document: dict[str, Any] = json.loads(text)
    except ValueError:
        raise Broken("exit", f"reconcile ended with {end.status} and said {text!r}; {end.stderr[-2000:]}") from None
    return document


def _verdicts_are_true(world: World, before: Claims, end: End, document: Mapping[str, Any]) -> None:
    """Placed under the very id that the vendor has, absent only what was never bought; and the exit code says so."""
    world.settled_down()
    after, bought = world.records(), world.bought()
    for key, claim in before.items():
        record, ids = after[key], bought.get(key, [])
        if record.state is State.PLACED and record.order_id not in ids:
            raise Broken("verdict", f"{key} was called placed as {record.order_id}, the vendor has {ids}")
        if record.state is not State.PLACED and record.state not in OPEN and ids:
            _refuse_slow_harness(world, claim)
            raise Broken("verdict", f"{key} was called {record.state}, the vendor has {ids}")
    for order in document.get("orders", ()):
        record = after[OrderKey.parse(order["key"])]
        stands = {"placed": State.PLACED, "absent": State.ABSENT, "open": State.UNKNOWN}[order["ruling"]]
        if record.state is not stands or (record.order_id or None) != order["order_id"]:
            raise Broken("verdict", f"it said {order}, the ledger has {record}")
    is_open = any(record.state in OPEN for record in after.values())
    if end.status >= 0 and end.status != (7 if is_open else 0):
        raise Broken("exit", f"reconcile ended with {end.status}, open orders: {is_open}; {end.stderr[-2000:]}")


def _refuse_slow_harness(world: World, claim: OpenClaim) -> None:
    """A vendor that bought after the waiting time, because this machine was too busy, is no mistake of the tool's."""
    late = max(world.bought_at(claim.record.key)) - claim.claimed_at.timestamp()
    if late > SETTLE_AFTER:
        raise TooSlow(f"{claim.record.key} was bought {late:.2f} s after its claim")


def _count(player: Player, world: World, before: Claims, document: Mapping[str, Any]) -> None:
    """Verdicts, from the ledger because a killed one says nothing; and why the others were left open."""
    settled, after = player.tally.settled, world.records()
    for key in before:
        if after[key].state in (State.PLACED, State.ABSENT):
            settled[f"reconcile {after[key].state}"] += 1
            player.tally.renewals[f"reconcile {after[key].state}"] += bool(key.term)
    settled["looks that could not read all"] += bool(document.get("not_read"))
    for order in document.get("orders", ()):
        if order["ruling"] == "open":
            player.tally.open_because[re.sub(r"\d+(?:[.,]\d+)*(?: and more)?", "N", order["reason"])] += 1


def undisturbed(mutant: str | None) -> Settling:
    """How it is done in the calm."""
    return Settling(plan=Plan(mutant=mutant))
