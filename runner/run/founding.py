"""A ledger is made on purpose: its file or its tables, the account in it, and the rights of the role that buys."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from runner.core.clock import SystemClock
from runner.core.errors import UsageError
from runner.core.ledger import Ledger
from runner.run import keyring, wiring
from runner.run.settings import LedgerPlace, Settings, holder, locate, require_named_ledger

if TYPE_CHECKING:
    from runner.ledger.postgres import PostgresLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What making a ledger came to: whether it is `new`, whether the account is `entered` now, or both were there.

    `grants` are what the role that buys needs, as SQL; empty for a file. `role` is whom they were given to, if anybody.
    """

    location: str
    account: str
    new: bool
    entered: bool
    grants: tuple[str, ...] = ()
    role: str | None = None


def establish(settings: Settings, *, who: str, role: str | None = None, lock_timeout: float = 0.0) -> Founding:
    """Make the ledger where there is none, bring an older one up to date, and enter the account; again is harmless.

    Raises UsageError for a role beside a file and, in CI, for a place that goes with the job; AccountUnknown for a name
    that differs from another only in letter case, Busy, LedgerUnusable, also where the role cannot be given its rights.
    """
    require_named_ledger(settings)
    place = locate(settings)
    if role is not None:
        _check_role(role, place)
    new, person = not wiring.is_made(place), holder(SystemClock().now(), settings.actor)
    with closing(wiring.open_ledger(place)) as ledger:
        with ledger.hold(person, timeout=lock_timeout) as hold:
            entered = keyring.enter(ledger, hold, None, holder=person, who=who)
        grants = _grants(ledger, role) if place.url is not None else ()
        return Founding(
            location=ledger.location, account=ledger.account, new=new, entered=entered, grants=grants, role=role
        )


def _check_role(role: str, place: LedgerPlace) -> None:
    """UsageError for a role that nobody can have, and for any beside a file."""
    if place.url is None:
        raise UsageError("--grant is for a ledger in PostgreSQL: a file has no roles", hint="leave --grant out")
    wrong = (
        (not role.strip(), "is empty"),
        (not role.isprintable(), "holds control characters"),
        (role == "public", "is everybody who can connect"),
    )
    for is_so, what in wrong:
        if is_so:
            hint = "name the role that buys, as CREATE ROLE did"
            raise UsageError(f"the role that --grant names {what}", hint=hint)


def _grants(ledger: Ledger, role: str | None) -> tuple[str, ...]:
    """The rights of a role, given to it; without one, as they are given to the role of the manual."""
    from runner.ledger.grants import EXAMPLE

    database = cast("PostgresLedger", ledger)
    return database.grants(EXAMPLE) if role is None else database.grant(role)
