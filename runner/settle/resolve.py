"""A person's verdict on an order, in doubt or forgotten, and who they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runner.core.clock import rfc3339
from runner.core.errors import Refused, RunnerError, UsageError
from runner.core.ledger import Hold, Ledger
from runner.core.orders import NO_ORDER_ID, OrderKey
from runner.core.provenance import provenance_of
from runner.core.records import Adoption, Attempt, OpenClaim, Record, Settlement, Stranger, Want
from runner.core.states import CLAIMABLE, OPEN, Event, State
from runner.evidence.judge import Rules

_ORDER_ID: Final = re.compile(r"(?!0+$)[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who says so, and what says that it is they, as in `Provenance`."""

    name: str
    source: str

    def __str__(self) -> str:
        return f"{self.name} (by {self.source})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a person says of an order: bought as `order_id`, or not at all (None). `at` is now.

    A renewal that was bought has the id of its term, whatever id is said, if any (`NO_ORDER_ID` for none).
    """

    key: OrderKey
    order_id: str | None
    reason: str
    person: Person
    at: datetime
    accepts_second: bool = False

    @property
    def names_no_order(self) -> bool:
        return self.order_id == NO_ORDER_ID


def person_of(environ: Mapping[str, str], named: str | None = None) -> Person:
    """Who decides: the actor of whatever else the call does. UsageError for a `named` that is no name."""
    by = provenance_of(environ, named)
    return Person(name=by.actor, source=by.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disowning:
    """What a person says of orders at the vendor: they are somebody else's. `at` is now."""

    order_ids: tuple[str, ...]
    reason: str
    person: Person
    at: datetime


def check(ruling: Ruling, ledger: Ledger) -> OpenClaim | Want:
    """The order that is ruled on: in doubt, or what its key stands for where it is to be adopted.

    Raises `UsageError` for an order or id that cannot be, `Refused` where the ledger or the waiting time says no.
    """
    if ruling.order_id is not None and not (ruling.key.term and ruling.names_no_order):
        _refuse_no_id(ruling.order_id)
    record = ledger.records([ruling.key]).get(ruling.key)
    if ruling.order_id is not None and (record is None or record.state in CLAIMABLE):
        if ruling.key.term:
            raise _no_adoption(ruling.key, record)
        wanted = _last_want(ruling.key, record, ledger)
        _refuse_owned(ruling, ledger, ruling.order_id)
        return wanted
    if record is None:
        raise UsageError(f"the ledger has no order {ruling.key}", hint="`order-runner status` lists every order it has")
    if record.state is State.RENAMED:
        now = ledger.successors([ruling.key])[ruling.key]
        raise Refused(f"{ruling.key} was renamed to {now}", hint=f"name it {now}")
    if record.state not in OPEN:
        stands = f"placed as order {record.order_id}" if record.order_id else str(record.state)
        raise Refused(f"{ruling.key} is not in doubt: it is {stands}", hint="there is nothing to resolve")
    if ruling.order_id is not None:
        _refuse_owned(ruling, ledger, str(_identity(ruling, record)))
    claim = next(claim for claim in ledger.open_claims() if claim.record.key == ruling.key)
    if ruling.order_id is None:
        _refuse_early(ruling, claim)
    return claim


def _no_adoption(key: OrderKey, record: Record | None) -> RunnerError:
    if record is None:
        return UsageError(
            f"{key} is a renewal: the ledger has none of that key, and the vendor's lists show none to adopt",
            hint=f"adopt the order it renews, {key.purchase}; `order-runner status` lists every renewal in doubt",
        )
    return Refused(
        f"{key} is not in doubt: it is {record.state}, and a renewal is not adopted",
        hint="nothing is lost: a plan goes by the end of the order as the vendor shows it, and renews no term twice",
    )


def _identity(ruling: Ruling, record: Record) -> str | None:
    """What the ledger is to have it as."""
    return ruling.order_id if ruling.order_id is None else record.term_id or ruling.order_id


def _refuse_no_id(text: str) -> None:
    if text == NO_ORDER_ID:
        raise UsageError("--placed needs the vendor's id of the order", hint="only a renewal has none of its own")
    if not _ORDER_ID.fullmatch(text):
        raise UsageError(f"{text!r} is not an order id", hint="letters, digits and _ . : -, as the vendor shows it")


def _last_want(key: OrderKey, record: Record | None, ledger: Ledger) -> Want:
    """What was last asked for under this key, by an attempt or by a run that did not make one."""
    noted = ledger.wants([key]).get(key)
    if noted is not None and (record is None or noted.at >= record.updated_at):
        return noted
    if record is None:
        raise UsageError(
            f"the ledger has no order {key}, and no record of what it would buy",
            hint="run `order-runner apply --strict-account` on its manifest first: it notes the orders it refuses",
        )
    return Want(
        key=key,
        type=record.type,
        fields=record.fields,
        fingerprint=record.fingerprint,
        at=record.updated_at,
        quote_total=record.quote_total,
    )


def _refuse_owned(ruling: Ruling, ledger: Ledger, order_id: str) -> None:
    owner = ledger.owners([order_id]).get(order_id)
    if owner is not None:
        raise Refused(
            f"order {order_id} already belongs to {owner}, so it cannot be {ruling.key}",
            hint="check the vendor's dashboard again for the one that no order has",
        )


def _refuse_early(ruling: Ruling, claim: OpenClaim) -> None:
    decidable_at = claim.claimed_at + Rules().waits(claim.record.type)
    if ruling.at < decidable_at and not ruling.accepts_second:
        raise Refused(
            f"{ruling.key} may still appear at the vendor until {rfc3339(decidable_at)}: declared absent now, it could "
            "be bought a second time",
            hint="wait until then, or pass --accept-possible-second-purchase",
        )


def resolve(ruling: Ruling, ledger: Ledger, hold: Hold, run_id: str) -> Record:
    """Put a person's verdict on record, under the hold; raises as `check` does."""
    hold.abandon_submitted(ruling.at)
    claim = check(ruling, ledger)
    verdict = words_of(ruling)
    reason = f"{ruling.person.name} decided: {verdict}; {ruling.reason}"
    if isinstance(claim, Want):
        adoption = Adoption(
            want=claim,
            order_id=str(ruling.order_id),
            run_id=run_id,
            at=ruling.at,
            reason=reason,
            evidence=_evidence(ruling),
        )
        return hold.adopt(adoption)
    attempt = Attempt(key=ruling.key, n=claim.record.attempt, run_id=run_id, claimed_at=claim.claimed_at)
    settlement = Settlement(
        event=Event.RESOLVED,
        after=State.PLACED if ruling.order_id else State.ABSENT,
        at=ruling.at,
        reason=reason,
        order_id=_identity(ruling, claim.record),
        evidence=_evidence(ruling),
    )
    return hold.settle(attempt, settlement)


def words_of(ruling: Ruling) -> str:
    """What a person says became of the order."""
    if ruling.order_id is None:
        return "not bought"
    return "bought" if ruling.names_no_order else f"order {ruling.order_id}"


def _evidence(ruling: Ruling) -> dict[str, object]:
    said = {"vendor_id": ruling.order_id} if ruling.key.term and ruling.order_id and not ruling.names_no_order else {}
    return said | {
        "by": ruling.person.name,
        "by_source": ruling.person.source,
        "reason": ruling.reason,
        "at": rfc3339(ruling.at),
        "accepted_possible_second_purchase": ruling.accepts_second,
    }


def check_disowning(disowning: Disowning, ledger: Ledger) -> None:
    """Raises `UsageError` for what is not an order id, `Refused` for one that the ledger owns."""
    for order_id in disowning.order_ids:
        _refuse_no_id(order_id)
    for order_id, owner in ledger.owners(disowning.order_ids).items():
        raise Refused(f"order {order_id} belongs to {owner}, so it is not somebody else's")


def disown(disowning: Disowning, ledger: Ledger, hold: Hold) -> None:
    """Remember these orders as somebody else's, under the hold; raises as `check_disowning` does."""
    check_disowning(disowning, ledger)
    person = disowning.person
    hold.disown(
        Stranger(order_id=order_id, who=person.name, source=person.source, reason=disowning.reason, at=disowning.at)
        for order_id in disowning.order_ids
    )
