"""The door to a ledger: reading for everyone, writing only for who holds the account.

A ledger belongs to one account name. All times are UTC with their zone, ids are text, money is `Decimal` in USD.
Every method raises `LedgerUnusable` where the store cannot be read or a write was not acknowledged as durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from runner.core.orders import OrderKey, OrderRequest, ProductType, Quote, Scalar
from runner.core.records import Adoption, Stranger, Want
from runner.core.states import Event, State
from runner.core.vendor import Witness
from runner.ledger.chain import Entry, Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the ledger knows of one order now.

    `attempt` counts claims and adoptions, 0 for none. `order_id`, `total` and `balance` are the vendor's, once placed.
    `quote_total` is what the open or last attempt was expected to cost. `reason` is the last event's, in words.
    `stray_order_id` is an order id the vendor answered with that could not become the order's own.
    """

    key: OrderKey
    type: ProductType
    fields: Mapping[str, Scalar]
    fingerprint: str
    state: State
    attempt: int
    updated_at: datetime
    quote_total: Decimal | None = None
    order_id: str | None = None
    base_order_numbers: tuple[str, ...] = ()
    total: Decimal | None = None
    balance: Decimal | None = None
    reason: str | None = None
    run_id: str | None = None
    stray_order_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The intent to buy, made durable before the first byte leaves.

    `balance` is the account's right before; `witness` is stored once, however many claims share it. `approval` is the
    digest that was approved, None where a person at the terminal or `--yes` stood for it.
    """

    request: OrderRequest
    quote: Quote
    ceiling: Decimal
    witness: Witness
    balance: Decimal
    run_id: str
    at: datetime
    approval: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A claim that was acknowledged: the `n`-th try of an order."""

    key: OrderKey
    n: int
    run_id: str
    claimed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How an attempt ended: a legal move out of `submitted` (or, for a late fact, out of `unknown` or `absent`).

    `evidence` is stored with the event as JSON: the HTTP status, the hash and head of the answer, and what else the
    verdict rests on; values are str, int, bool, None, or lists and dicts of them. `order_id`, `base_order_numbers`,
    `total` and `balance` go with `Event.PLACED` and are stored whatever they say about the quote.
    """

    event: Event
    after: State
    at: datetime
    reason: str | None = None
    order_id: str | None = None
    base_order_numbers: tuple[str, ...] = ()
    total: Decimal | None = None
    balance: Decimal | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenClaim:
    """An order whose outcome is not settled, with all that its claim wrote down for a judge.

    `balance` and `witness` are from before the purchase. `leaning_placed`: some answer hinted that it was bought, so
    its absence may never be concluded from evidence. `evidence` is that of its last event. `claimed_seq` is the claim's
    place among the ledger's events, which tells before from after where a clock that jumped does not.
    """

    record: Record
    claimed_at: datetime
    balance: Decimal
    witness: Witness
    leaning_placed: bool = False
    evidence: Mapping[str, object] = field(default_factory=dict)
    claimed_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the last claim of an order was allowed: the most it might cost, and by which approval."""

    ceiling: Decimal
    approval: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A bought, or perhaps bought, order and its claim; the places of claim and last event are as in `OpenClaim`."""

    record: Record
    claimed_at: datetime
    claimed_seq: int = 0
    settled_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds an account: shown to whoever has to wait."""

    host: str
    pid: int
    since: datetime
    run_id: str
    ci_job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One call of `apply`, for the `runs` table."""

    id: str
    mode: str
    started_at: datetime
    host: str
    pid: int
    ci_job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What `restore` came to: events and orders that were added, events that were there, of those how many more."""

    added: int
    orders: int
    known: int
    beyond: int


class Contradiction(ValueError):
    """An event that cannot stand where it does, in this ledger or after the ones before it; `str()` says why."""


class Hold(Protocol):
    """The account, held: the only way to write."""

    def abandon_submitted(self, at: datetime) -> list[Record]:
        """Turn every left-over `submitted` of the account into `unknown`; the records as they are afterwards."""

    def claim(self, claim: Claim) -> Attempt:
        """One durable conditional move to `submitted`.

        Raises `Refused` where the order is not in a claimable state with this content, or the hold is lost;
        `LedgerUnusable` where the commit was not acknowledged. In every such case nothing may be sent.
        """

    def settle(self, attempt: Attempt, settlement: Settlement) -> Record:
        """One durable move out of `submitted`.

        A placed fact is stored even where another has moved the order meanwhile; where the state no longer allows
        the move the fact is kept as an event and the record returned shows what stands. Raises `LedgerUnusable`
        where the commit was not acknowledged.
        """

    def note_wants(self, wants: Iterable[Want]) -> None:
        """Keep what these keys stand for, in place of what was kept of them: what `adopt` may be asked for later."""

    def adopt(self, adoption: Adoption) -> Record:
        """One durable move to `placed` of an order that is not open, as its next attempt.

        Raises `Refused` where the order is open or placed, the order id is another order's, or the hold is lost.
        """

    def disown(self, strangers: Iterable[Stranger]) -> None:
        """Remember orders as somebody else's; raises `Refused` where one belongs to an order of the account."""

    def save_emergency(self, attempt: Attempt, settlement: Settlement) -> str:
        """Write a settlement that `settle` could not store to the file kept ready for it; returns the file's path.

        The next hold imports it before anything else. Raises OSError where even that is impossible.
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
    def account(self) -> str:
        """The account name its orders belong to."""

    def records(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Record]:
        """The known ones among `keys`."""

    def every_record(self) -> Iterator[Record]:
        """All orders of the account, by key."""

    def open_records(self) -> list[Record]:
        """Every order of the account whose outcome is not settled (`submitted`, `unknown`), oldest first."""

    def open_claims(self) -> list[OpenClaim]:
        """The orders of `open_records` with what their claims wrote down, in that order."""

    def owners(self, order_ids: Iterable[str]) -> dict[str, OrderKey]:
        """Which of the vendor's order ids belong to which order of the account."""

    def bought_since(self, at: datetime) -> list[Bought]:
        """The placed orders that were settled at `at` or later."""

    def wants(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Want]:
        """What was last kept by `note_wants` of these keys."""

    def strangers(self) -> list[Stranger]:
        """The orders at the vendor that are remembered as somebody else's, by order id."""

    def spent_since(self, at: datetime) -> dict[date, Decimal]:
        """What was spent, or may have been, by the UTC day of the claim, on orders claimed at `at` or later.

        Placed orders count with what was charged (the quote, where the answer named no amount), open ones and those
        with an order id that could not become theirs with their quote. An adopted order counts from its adoption on.
        What was refunded is not known.
        """

    def dearest(self) -> Decimal | None:
        """The price of the dearest order the account ever bought; None where it has bought none."""

    def bought_alike(self, fingerprints: Iterable[str], at: datetime) -> list[Bought]:
        """The placed and open orders with one of these fingerprints, claimed at `at` or later, oldest first."""

    def evidence(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Mapping[str, object]]:
        """What the last event of each of these orders rests on; orders without any are left out."""

    def allowed(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Allowed]:
        """What the last claim of each of these orders was allowed; orders that were never claimed are left out."""

    def hold(self, holder: Holder, *, timeout: float) -> AbstractContextManager[Hold]:
        """Hold the account for the length of a `with`; raises `Busy`, naming the holder, after `timeout` seconds.

        Dies with the process. Proves, by a durable write, that the ledger can be written.
        """

    def held_by(self) -> str | None:
        """Who holds the account, looked up and not tried; None for nobody, empty where this system does not tell."""

    def close(self) -> None:
        """Let go of the store."""

    def head(self) -> Head:
        """How many events the account has, and the hash of the last, as the ledger keeps it beside them."""

    def history(self) -> Iterator[Entry]:
        """Every event of the account, oldest first, as it is stored; memory does not grow with them."""

    def kept_witness(self, digest: str) -> Witness | None:
        """The witness that claims name by this digest, as it is stored, whether or not it still has that digest."""

    def misfit(self) -> str | None:
        """The first order that is not what its events make of it, and how, in words; None where all are."""
