"""A person's verdict on an order in doubt, and who they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runner.clock import rfc3339
from runner.errors import Refused, UsageError
from runner.judge import Policy
from runner.ledger.interface import Attempt, Hold, Ledger, OpenClaim, Record, Settlement
from runner.orders import OrderKey
from runner.states import OPEN, Event, State

WHO: Final = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID", "USER", "LOGNAME", "USERNAME")
"""Variables that name a person, the first that is set counts."""

_ORDER_ID: Final = re.compile(r"(?!0+$)[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who says so, and which variable of the environment says that it is they."""

    name: str
    source: str

    def __str__(self) -> str:
        return f"{self.name} (by {self.source})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a person says of an order: bought as `order_id`, or not at all (None). `at` is now."""

    key: OrderKey
    order_id: str | None
    reason: str
    person: Person
    at: datetime
    accepts_second: bool = False


def person_of(environ: Mapping[str, str]) -> Person:
    """UsageError where nothing says who this is: a verdict without a name is none."""
    for name in WHO:
        if text := environ.get(name, "").strip():
            return Person(name=text[:100], source=name)
    raise UsageError("nobody is named as the one who says so", hint="set USER to your name")


def check(ruling: Ruling, ledger: Ledger) -> OpenClaim:
    """The open order that is ruled on.

    Raises `UsageError` for an order or id that cannot be, `Refused` where the ledger or the waiting time says no.
    """
    if ruling.order_id is not None and not _ORDER_ID.fullmatch(ruling.order_id):
        raise UsageError(
            f"{ruling.order_id!r} is no order id", hint="letters, digits and _ . : -, as the vendor shows it"
        )
    record = ledger.records([ruling.key]).get(ruling.key)
    if record is None:
        raise UsageError(f"the ledger has no order {ruling.key}", hint="`order-runner status` lists every order it has")
    if record.state not in OPEN:
        stands = f"placed as order {record.order_id}" if record.order_id else str(record.state)
        raise Refused(f"{ruling.key} is not in doubt: it is {stands}", hint="there is nothing to resolve")
    if ruling.order_id is not None:
        _refuse_owned(ruling, ledger)
    claim = next(claim for claim in ledger.open_claims() if claim.record.key == ruling.key)
    if ruling.order_id is None:
        _refuse_early(ruling, claim)
    return claim


def _refuse_owned(ruling: Ruling, ledger: Ledger) -> None:
    owner = ledger.owners([str(ruling.order_id)]).get(str(ruling.order_id))
    if owner is not None:
        raise Refused(
            f"order {ruling.order_id} already belongs to {owner}, it cannot be {ruling.key}",
            hint="look again at the vendor's dashboard for the one that is nobody's",
        )


def _refuse_early(ruling: Ruling, claim: OpenClaim) -> None:
    decidable_at = claim.claimed_at + Policy().waits(claim.record.type)
    if ruling.at < decidable_at and not ruling.accepts_second:
        raise Refused(
            f"{ruling.key} may still appear at the vendor until {rfc3339(decidable_at)}: called absent now, it could "
            "be bought a second time",
            hint="wait until then, or say --accept-possible-second-purchase",
        )


def resolve(ruling: Ruling, ledger: Ledger, hold: Hold, run_id: str) -> Record:
    """Put a person's verdict on record, under the hold; raises as `check` does."""
    hold.abandon_submitted(ruling.at)
    claim = check(ruling, ledger)
    attempt = Attempt(key=ruling.key, n=claim.record.attempt, run_id=run_id, claimed_at=claim.claimed_at)
    said = f"order {ruling.order_id}" if ruling.order_id else "not bought"
    settlement = Settlement(
        event=Event.RESOLVED,
        after=State.PLACED if ruling.order_id else State.ABSENT,
        at=ruling.at,
        reason=f"{ruling.person.name} says: {said}; {ruling.reason}",
        order_id=ruling.order_id,
        evidence={
            "by": ruling.person.name,
            "by_source": ruling.person.source,
            "reason": ruling.reason,
            "at": rfc3339(ruling.at),
            "accepted_possible_second_purchase": ruling.accepts_second,
        },
    )
    return hold.settle(attempt, settlement)
