"""What a ledger keeps, as values: orders as they stand, claims and how they ended, events in their chain, strangers.

Pure. All times are UTC with their zone, ids are text, money is `Decimal` in USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from runner.core.orders import ENDS, OrderKey, OrderRequest, ProductType, Quote, Scalar, renewed_order
from runner.core.provenance import Provenance
from runner.core.renewals import term_id
from runner.core.states import Event, State
from runner.core.vendor import Witness

GENESIS: Final = "0" * 64
"""What the first event of an account has for the hash before it."""

COLUMNS: Final = ("account", "key", "attempt", "event", "before", "after", "at", "run_id", "reason", "detail")
"""What an event says, by the names of its columns; `attempt` is a number, all else text or None."""


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

    @property
    def renews(self) -> str | None:
        """The vendor's id of the order that this renews; None for a purchase."""
        return renewed_order(self.fields)

    @property
    def term_id(self) -> str | None:
        """What the ledger has a renewal as, once it is bought; None for a purchase."""
        return None if self.renews is None else term_id(self.renews, date.fromisoformat(str(self.fields[ENDS])))

    def moved_from(self, before: OrderKey) -> bool:
        """Whether its purchase was taken over from this key, and nothing has happened to it since."""
        return self.reason == f"renamed from {before}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The intent to buy, made durable before the first byte leaves.

    `balance` is the account's while nothing was in flight, when the ledger had `events_read` events of it; None for
    right before this claim. `witness` is stored once, however many claims share it. `approval` is the digest that was
    approved, None where a person at the terminal or `--yes` stood for it. `by` None is whoever holds the account; the
    labels of the request are kept, too.
    """

    request: OrderRequest
    quote: Quote
    ceiling: Decimal
    witness: Witness
    balance: Decimal
    run_id: str
    at: datetime
    approval: str | None = None
    events_read: int | None = None
    by: Provenance | None = None

    @property
    def ends(self) -> tuple[tuple[date, int], ...]:
        """Of a renewal, how many proxies ended on which day before it."""
        return self.request.term.ends if self.request.term else ()


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
    `total` and `balance` go with `Event.PLACED` and are stored whatever they say about the quote. `by` None is whoever
    holds the account.
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
    by: Provenance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenClaim:
    """An order whose outcome is not settled, with all that its claim wrote down for a judge.

    `balance` and `witness` are from before the purchase. `leaning_placed`: some answer hinted that it was bought, so
    its absence may never be concluded from evidence. `evidence` is that of its last event. `claimed_seq` is the claim's
    place among the ledger's events, `read_seq` that of the last event before the balance was read: they tell before
    from after where a clock that jumped does not. `ends`, of a renewal, counts the proxies by the day they ended
    on before it.
    """

    record: Record
    claimed_at: datetime
    balance: Decimal
    witness: Witness
    leaning_placed: bool = False
    evidence: Mapping[str, object] = field(default_factory=dict)
    claimed_seq: int = 0
    read_seq: int = 0
    ends: tuple[tuple[date, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the last claim of an order was allowed: the most it might cost, and by which approval."""

    ceiling: Decimal
    approval: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who began an order's last attempt, when, and the labels that the order had then, by name.

    Of a purchase that goes by another key since, those of its own claim. None and no labels where an earlier version,
    which kept neither, wrote it.
    """

    at: datetime
    by: Provenance | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What one order counts for on the UTC `day` of its claim, as `Ledger.spent_since` counts it; `key` is text.

    `in_doubt`: perhaps it was not charged, or under an order id that could not become its own.
    """

    key: str
    type: ProductType
    day: date
    amount: Decimal
    in_doubt: bool
    origin: Origin | None = None

    @property
    def batch(self) -> str:
        return self.key.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A bought, or perhaps bought, order and its claim, `claimed_seq` as in `OpenClaim`.

    `settled_seq` is the place of the event since which the ledger has it as placed, `renewed_until` the end that its
    renewals bring, where they were asked for.
    """

    record: Record
    claimed_at: datetime
    claimed_seq: int = 0
    settled_seq: int = 0
    renewed_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds an account: shown to whoever has to wait. What is entered meanwhile is entered as done `by` them."""

    host: str
    pid: int
    since: datetime
    run_id: str
    ci_job: str | None = None
    by: Provenance | None = None


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

    events: int
    orders: int
    present: int
    beyond: int


class Contradiction(ValueError):
    """An event that cannot stand where it does, in this ledger or after the ones before it; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Head:
    """How many events a chain has, and the hash of the last."""

    events: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event as it is stored: the text of its columns, and its place in the chain.

    `seq` is its number in the store it was read from, 0 where it comes from an export.
    """

    account: str
    key: str
    attempt: int
    event: str
    before: str
    after: str | None
    at: str
    run_id: str | None
    reason: str | None
    detail: str
    prev_hash: str
    hash: str
    seq: int = 0

    @property
    def content(self) -> dict[str, Any]:
        """What is hashed: the columns and the hash before."""
        return {name: getattr(self, name) for name in (*COLUMNS, "prev_hash")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What a key stood for when a run did not buy it, because it may be at the vendor already.

    `quote_total` is what it was to cost.
    """

    key: OrderKey
    type: ProductType
    fields: Mapping[str, Scalar]
    fingerprint: str
    at: datetime
    quote_total: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A person's word that an order nobody in the ledger owns is what `want` asked for.

    It becomes the order's next attempt, placed at once. `evidence` says who, when and why; `base_order_numbers` are the
    order's, as far as the vendor shows them. `by` None is whoever holds the account.
    """

    want: Want
    order_id: str
    run_id: str
    at: datetime
    reason: str
    base_order_numbers: tuple[str, ...] = ()
    evidence: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    by: Provenance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A manifest's word that the order which was bought as `before` is `after` now; `by` as in `Claim`."""

    before: OrderKey
    after: OrderKey
    run_id: str
    at: datetime
    by: Provenance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """An order at the vendor that is not this ledger's: who said so (and what says that it was they), and why."""

    order_id: str
    who: str
    source: str
    reason: str
    at: datetime
