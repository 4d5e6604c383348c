"""The doors to a vendor: a `Reader` that cannot spend, a `Buyer` that can, and outcomes as values.

Plans, dry runs, status and reconciling are only ever given a `Reader`: what they hold has no way to buy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Protocol, runtime_checkable

from runner.core.identity import Identity
from runner.core.orders import Body, OrderRequest, ProductType, Quote, Scalar
from runner.core.renewals import Term, counted_ends


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorError:
    """One item of the vendor's `errors[]`: its text, as data, and the manifest field it is known to blame."""

    message: str
    code: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Bought: the vendor gave an order id. Amounts are None where the answer left them out.

    So is a `total` that is no amount; `unread_total` is then what stands in its place. A renewal has the id of its term
    for an `order_id`, whatever the answer says; what it says is `vendor_id`, None where that is no id.
    """

    order_id: str
    base_order_numbers: tuple[str, ...] = ()
    total: Decimal | None = None
    unread_total: str | None = None
    balance: Decimal | None = None
    vendor_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The vendor said no in its own envelope; nothing was bought. `access` means every further call is pointless."""

    errors: tuple[VendorError, ...]
    access: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """Proved: no purchase can come of this attempt. `throttled` is HTTP 429; `retry_after` its seconds, if told."""

    reason: str
    throttled: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """May have been bought. `leaning_placed`: the answer hints that it was, so absence may never be concluded alone."""

    reason: str
    leaning_placed: bool = False


Outcome = Placed | Rejected | NotSent | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An outcome and the facts it was read from. `body_head` is at most 4 KiB of redacted text."""

    outcome: Outcome
    http_status: int | None = None
    body_sha256: str | None = None
    body_head: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRefused:
    """The vendor would not price the order, or warns against ordering it."""

    errors: tuple[VendorError, ...]
    quote: Quote | None = None


@dataclass(frozen=True, kw_only=True)
class Witness:
    """The orders a vendor shows before a purchase, complete or not taken at all.

    `order_ids` are those of `type` in the vendor's lists; for resident orders, which no list shows, `package` is the
    state of `resident/package` (None: no package). `numbers` are the base numbers of those orders, which a renewal
    keeps (docs/vendor/api-v1.md#renewals); None where an order has none, or the witness is from before they were kept.
    Addresses are not kept: a renewal keeps them too, but one that was given back may be sold again, so that an address
    known before would hide a purchase.

    One witness may serve many claims: what a later reading shows beyond it and beyond the ledger's own orders is new.
    The balance, the second witness, goes with each claim.
    """

    type: ProductType
    order_ids: frozenset[str]
    at: datetime
    package: Mapping[str, str] | None = None
    numbers: frozenset[str] | None = None

    @cached_property
    def digest(self) -> str:
        """Tells one witness from another; the ledger keeps each once. Without numbers it is what it was before them."""
        content = [self.type, sorted(self.order_ids), sorted((self.package or {}).items()), self.at.isoformat()]
        if self.numbers is not None:
            content.append(sorted(self.numbers))
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def has(self, seen: SeenOrder) -> bool | None:
        """Whether it is one of these orders, be it renewed under another id; None where that cannot be told."""
        if seen.order_id in self.order_ids:
            return True
        if self.numbers is None or not seen.numbers:
            return None
        if seen.numbers <= self.numbers:
            return True
        return None if seen.numbers & self.numbers else False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something one can order: `field` is the manifest field, `value` what to write there.

    `within` pairs the fields that a mobile operator or rotation hangs on with their values.
    """

    type: ProductType
    field: str
    value: Scalar
    name: str
    alpha3: str | None = None
    detail: str | None = None
    within: tuple[tuple[str, Scalar], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOrder:
    """One order as the vendor's lists of active proxies show it, without logins, passwords or addresses.

    `rows` counts its proxies; `numbers` are its base order numbers, which a renewal keeps. Days are the first start and
    the last end. `receipts` are the different comments of its rows that begin like a receipt, with an empty text among
    them where other rows have none; without any where no row has one. Nothing here says whether it was renewed: no row
    does.
    """

    order_id: str
    rows: int
    numbers: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    protocols: frozenset[str] = frozenset()
    starts: date | None = None
    ends: date | None = None
    receipts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedProxy:
    """One row of the vendor's lists, with what opens it: login, password and the link that changes its address.

    These three never leave but in a file that a person asked for; `repr` leaves them out. `row_id` changes with every
    renewal; `order_id`, `number` (the base order number, None where none is told) and `ip` stay. `own_number` is the
    base of the row's order number, None where it has none. `ip` is the address alone. `auto_renewed`: the vendor's own
    renewal is armed; `renewable`: the vendor would renew it, None where it does not tell. `comment` is what the
    dashboard shows of it, empty for none.
    """

    type: ProductType
    order_id: str
    row_id: str
    ip: str
    port_http: int | None = None
    port_socks: int | None = None
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    protocol: str | None = None
    country: str | None = None
    number: str | None = None
    own_number: str | None = None
    starts: date | None = None
    ends: date | None = None
    auto_renewed: bool = False
    renewable: bool | None = None
    comment: str = ""
    authorized_ip: str | None = None
    rotation_link: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentPackage:
    """The account's resident traffic, which all its resident orders make together, in bytes; None for what is not told.

    `ends` is the day on which it expires. `auto_renewed`: the vendor's own renewal is armed.
    """

    limit: int | None = None
    usage: int | None = None
    rest: int | None = None
    ends: date | None = None
    active: bool | None = None
    auto_renewed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What opens the proxies of one order, where their rows do not say it: login and password, or an address let in.

    `number` is the base order number. `repr` leaves login and password out.
    """

    number: str
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentList:
    """One list of resident proxies, which its owner makes by hand: id and title, and how many ports; None if not told.

    Its login and password are not kept: the vendor's own download has the addresses that go with them.
    """

    list_id: str
    title: str
    ports: int | None = None


def terms_of_rows(rows: Iterable[ListedProxy]) -> dict[str, Term]:
    """The current term of each order that has a row among these, by its id."""
    by_order: dict[str, list[ListedProxy]] = {}
    for row in rows:
        by_order.setdefault(row.order_id, []).append(row)
    return {
        order_id: Term(
            order_id=order_id,
            row_ids=tuple(row.row_id for row in own),
            ends=counted_ends(row.ends for row in own),
            endless=sum(row.ends is None for row in own),
            auto_renewed=any(row.auto_renewed for row in own),
        )
        for order_id, own in by_order.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the vendor shows of a type after a purchase went wrong: all of it, or the look was not taken.

    `at` is from before the reading. For resident orders `package` is what a `Witness` has there.
    """

    type: ProductType
    at: datetime
    orders: tuple[SeenOrder, ...] = ()
    package: Mapping[str, str] | None = None

    @property
    def witness(self) -> Witness:
        """What this shows, as the witness of a purchase that follows."""
        numbers = frozenset[str]().union(*(order.numbers for order in self.orders))
        return Witness(
            type=self.type,
            order_ids=frozenset(order.order_id for order in self.orders),
            at=self.at,
            package=self.package,
            numbers=numbers if all(order.numbers for order in self.orders) else None,
        )


class Encoder(Protocol):
    """What needs no network: how an order would be asked for."""

    @property
    def base_url(self) -> str | None:
        """With the key as `***`; None where no vendor is spoken to."""

    @property
    def api_version(self) -> str:
        """`v1`."""

    def preview(self, request: OrderRequest) -> Body:
        """The exact body a purchase or renewal would send; ValueError for a renewal whose term was not read."""


@runtime_checkable
class Reader(Encoder, Protocol):
    """Everything that costs nothing.

    Every method raises `AccessError` where the vendor refuses key, address or rate, and `VendorUnavailable` where
    it does not answer in a form that can be believed, after bounded retries.
    """

    @property
    def identity(self) -> Identity:
        """Whose account it reads, to be held against the ledger's before anything rests on what is read."""

    def quote(self, request: OrderRequest) -> Quote | QuoteRefused:
        """The price now; of a renewal, for the rows of its term."""

    def balance(self) -> Decimal:
        """The account's balance."""

    def witness(self, product: ProductType) -> Witness:
        """The vendor's orders of a type, read now; never part of a list."""

    def look(self, product: ProductType) -> Look:
        """The vendor's orders of a type as far as one can tell them apart, read now; never part of a list."""

    def proxies(
        self, product: ProductType, order_ids: Collection[str] | None = None, numbers: Collection[str] = ()
    ) -> tuple[ListedProxy, ...]:
        """The rows of these orders, of all orders for None, from every list of a type, each once and in their order.

        So are the rows of any order with one of these base numbers. Every row is checked by its order id and number,
        because a filter may be ignored. Resident orders have none.
        """

    def resident_package(self) -> ResidentPackage | None:
        """The account's resident traffic; None where it has no package."""

    def authorizations(self) -> tuple[Authorization, ...]:
        """What opens the proxies of orders whose rows have no login; those that are switched off are left out."""

    def resident_lists(self) -> tuple[ResidentList, ...]:
        """The lists that were made of the account's resident traffic."""

    def reference(self, product: ProductType) -> tuple[Choice, ...]:
        """What can be ordered of a type; `UnknownForm` where the vendor's list cannot be made out."""


@runtime_checkable
class Annotator(Reader, Protocol):
    """A reader that can also set the comments of proxies, which costs nothing; it has no way to spend."""

    def annotate(self, row_ids: Sequence[str], comment: str) -> int:
        """Set the comment of these rows; how many the vendor says it set. To repeat it is harmless.

        Raises `AccessError`, and `VendorUnavailable` where the vendor refuses it or does not say.
        """


class Connection(Protocol):
    """One open connection to the vendor, good for one request."""

    def send(self, request: OrderRequest, guard: Callable[[], str | None]) -> Answer:
        """Write the purchase once and read its answer; never reconnects, never raises for what the network does.

        `guard` is asked right before the first byte: a text is the reason not to send (`NotSent`). A connection that
        the other side has closed by then is `NotSent` too.
        """


class Buyer(Reader, Protocol):
    """A reader that can also spend."""

    def connect(self) -> AbstractContextManager[Connection | NotSent]:
        """A connection of its own, TCP and TLS done; `NotSent` where that failed. Waits for the vendor's pace."""
