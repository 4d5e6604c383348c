"""The door to a ledger: reading for everyone, writing only for who holds the account.

A ledger belongs to one account name. All times are UTC with their zone, ids are text, money is `Decimal` in USD.
Every method raises `LedgerUnusable` where the store cannot be read or a write was not acknowledged as durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from runner.core.identity import AccountKey, Register
from runner.core.orders import OrderKey
from runner.core.records import (
    Adoption,
    Allowed,
    Attempt,
    Bought,
    Claim,
    Entry,
    Head,
    Holder,
    OpenClaim,
    Origin,
    Record,
    Rename,
    Restored,
    Run,
    Settlement,
    Spending,
    Stranger,
    Want,
)
from runner.core.sightings import Sighting
from runner.core.states import State
from runner.core.vendor import Witness


class Hold(Protocol):
    """The account, held: the only way to write. Used by one thread at a time."""

    @property
    def events(self) -> int:
        """How many events the account has, as of the last write of this hold."""

    def abandon_submitted(self, at: datetime) -> list[Record]:
        """Turn every left-over `submitted` of the account into `unknown`; the records as they are afterwards."""

    def claim(self, claim: Claim) -> Attempt:
        """One durable conditional move to `submitted`.

        Raises `Refused` where the order is not in a claimable state with this content, or the hold is lost;
        `LedgerUnusable` where the commit was not acknowledged, as `LedgerReplaced` where the ledger is no longer at its
        place. In every such case nothing may be sent.
        """

    def settle(self, attempt: Attempt, settlement: Settlement) -> Record:
        """One durable move out of `submitted`.

        A placed fact is stored even where another has moved the order meanwhile; where the state no longer allows
        the move the fact is kept as an event and the record returned shows what stands. Raises `LedgerUnusable`
        where the commit was not acknowledged, or, as `LedgerReplaced`, where it went to a ledger that has moved away.
        """

    def objection(self) -> str | None:
        """Why nothing may be sent any more: the ledger is not where it was claimed in. None where it is."""

    def note_wants(self, wants: Iterable[Want]) -> None:
        """Keep what these keys stand for, in place of what was kept of them: what `adopt` may be asked for later."""

    def note_deliveries(self, sightings: Iterable[Sighting]) -> None:
        """Keep what was seen of these orders, in place of what was kept of them. No part of the account's history."""

    def adopt(self, adoption: Adoption) -> Record:
        """`adopt_all` of one order."""

    def adopt_all(self, adoptions: Iterable[Adoption]) -> list[Record]:
        """Move orders that are not open to `placed`, each as its next attempt: all in one durable transaction, or none.

        Raises `Refused` where one is open, placed or a renewal, its order id is another order's, or the hold is lost.
        """

    def disown(self, strangers: Iterable[Stranger]) -> None:
        """Remember orders as somebody else's; raises `Refused` where one belongs to an order of the account."""

    def rename(self, renames: Iterable[Rename]) -> None:
        """Move what is known of bought orders to other keys: all of it in one durable transaction, or nothing.

        The old key is `renamed` from then on, the new one `placed`, with the old one's purchase as its next attempt.
        Raises `Refused` where the old key is not placed, the new one open, placed or renamed itself, or the hold lost.
        """

    def save_emergency(self, attempt: Attempt, settlement: Settlement) -> str:
        """Write a settlement that `settle` could not store to the file kept ready for it; returns the file's path.

        That is another file where the one kept ready has moved. The next hold imports it before anything else. Raises
        OSError where even that is impossible.
        """

    def enter_key(self, entry: AccountKey) -> bool:
        """Add to the register of accounts; False, and nothing is added, where another has taken the number meanwhile.

        Raises `Refused` where the hold is lost.
        """

    def start_run(self, run: Run) -> None:
        """Enter a run."""

    def finish_run(self, run_id: str, at: datetime, exit_code: int) -> None:
        """Close a run."""

    def restore(self, history: Iterable[Entry | Witness | Stranger]) -> Restored:
        """Add what `history` has beyond the ledger's own events: all of it in one durable transaction, or nothing.

        `history` is a whole chain from its first event, each witness before the first claim that names it, and its
        hashes are right. `Contradiction` where it differs from an event of the ledger or makes no sense; whatever it
        raises itself comes through.
        """


class Ledger(Protocol):
    """One account's orders, in one store."""

    @property
    def location(self) -> str:
        """Where it is, for people and reports; never with a password."""

    @property
    def exists(self) -> bool:
        """Whether there is anything to read: False for one that was never made, opened for reading only."""

    @property
    def account(self) -> str:
        """The account name its orders belong to."""

    def register(self) -> Register:
        """Every account of the store, this one or not, and whose key each is."""

    def records(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Record]:
        """The known ones among `keys`."""

    def every_record(self) -> Iterator[Record]:
        """All orders of the account, by key."""

    def open_records(self) -> list[Record]:
        """Every order of the account whose outcome is not settled (`submitted`, `unknown`), oldest first."""

    def newest_records(self, size: int) -> list[Record]:
        """At most `size` orders of the account whose outcome is settled: those that moved last, the last one first."""

    def stray_records(self) -> list[Record]:
        """The orders of the account that could be bought but for a `stray_order_id`, by that id."""

    def open_claims(self) -> list[OpenClaim]:
        """The orders of `open_records` with what their claims wrote down, in that order."""

    def owners(self, order_ids: Iterable[str]) -> dict[str, OrderKey]:
        """Which of the vendor's order ids belong to which order of the account."""

    def owned_numbers(self, numbers: Iterable[str]) -> frozenset[str]:
        """Which of the vendor's base order numbers belong to orders of the account, whatever the ledger holds else."""

    def bought_since(self, at: datetime) -> list[Bought]:
        """The placed orders that were settled at `at` or later."""

    def successors(self, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderKey]:
        """What the orders among `keys` that are `renamed` are called now, through every renaming since."""

    def renewals(self, keys: Iterable[OrderKey]) -> Mapping[OrderKey, tuple[Record, ...]]:
        """Every renewal of these orders, in any state, the earliest term first; those without any are left out.

        Those made under a name that an order had before are among them.
        """

    def wants(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Want]:
        """What was last kept by `note_wants` of these keys."""

    def strangers(self) -> list[Stranger]:
        """The orders at the vendor that are remembered as somebody else's, by order id."""

    def deliveries(self, order_ids: Iterable[str]) -> dict[str, Sighting]:
        """What was last kept by `note_deliveries` of these orders, by the vendor's id."""

    def claim_times(self, keys: Iterable[OrderKey]) -> dict[OrderKey, datetime]:
        """When these orders were claimed, or adopted, last; those that never were are left out."""

    def spent_since(self, at: datetime) -> dict[date, Decimal]:
        """What was spent, or may have been, by the UTC day of the claim, on orders claimed on the day of `at` or later.

        Placed orders count with what was charged (the quote, where the answer named no amount), open ones and those
        with an order id that could not become theirs with their quote. An adopted order counts from its adoption on.
        What was refunded is not known.
        """

    def spendings(self, since: date, until: date, *, origins: bool) -> Iterator[Spending]:
        """What `spent_since` adds up, order by order: those claimed from one day to the other, both included.

        Memory does not grow with them. Without `origins` none is read.
        """

    def origins(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Origin]:
        """Who began the last attempt of each of these orders, when and why; orders without any are left out."""

    def counts(self) -> Mapping[State, int]:
        """How many orders of the account are in each state, as the ledger keeps it; states without any are left out."""

    def dearest(self) -> Decimal | None:
        """The price of the dearest order the account ever bought; None where it has bought none."""

    def bought_alike(self, fingerprints: Iterable[str], at: datetime) -> list[Bought]:
        """The placed and open orders with one of these fingerprints, claimed at `at` or later, oldest first."""

    def evidence(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Mapping[str, object]]:
        """What the last event of each of these orders rests on; orders without any are left out."""

    def former_accounts(self) -> tuple[str, ...]:
        """The names under which the account's history was made before it was taken over, the last one first."""

    def beginnings(self, keys: Iterable[OrderKey]) -> dict[OrderKey, str]:
        """The hash of the event that began the last attempt of each of these orders: the claim id of its receipt."""

    def allowances(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Allowed]:
        """What the last claim of each of these orders was allowed; orders that were never claimed are left out."""

    def hold(self, holder: Holder, *, timeout: float) -> AbstractContextManager[Hold]:
        """Hold the account for the length of a `with`; raises `Busy`, naming the holder, after `timeout` seconds.

        Dies with the process. Proves, by a durable write, that the ledger can be written. Raises `LedgerReplaced` where
        the ledger lacks events that this machine knows it had.
        """

    def held_by(self) -> str | None:
        """Who holds the account, looked up and not tried; None for nobody, empty where this system does not tell."""

    def close(self) -> None:
        """Let go of the store."""

    def accounts(self) -> list[str]:
        """Every account that was ever held in this store, in order; none where it has no tables yet."""

    def head(self) -> Head:
        """How many events the account has, and the hash of the last, as the ledger keeps it beside them."""

    def event_number(self, number: int) -> tuple[int, str] | None:
        """The `seq` and the hash of the account's `number`-th event, from 1; None where it has no such event."""

    def history(self, after: int = 0) -> Iterator[Entry]:
        """The events of the account whose `seq` is above `after`, oldest first; memory does not grow with them."""

    def kept_witness(self, digest: str) -> Witness | None:
        """The witness that claims name by this digest, as it is stored, whether or not it still has that digest."""

    def misfit(self) -> str | None:
        """The first order that is not what its events make of it, and how, in words; None where all are."""

    def misfit_among(self, keys: Sequence[str]) -> str | None:
        """The first of these orders, at most 500, all with events, that is not what its events make of it; as above."""

    def misfit_of_days(self) -> str | None:
        """The first day that is not kept as its orders make it, and how, in words; None where all are."""
