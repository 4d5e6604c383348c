"""Values for tests: an order, its price, its record, a plan, a report. Each has usual parts; name those that matter.

A test that says `make.order("a", max_total=Decimal(9))` is about the limit and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from runner.core.errors import Problem, Span
from runner.core.identity import Identity, Register
from runner.core.orders import OrderKey, OrderRequest, Quote, Scalar, Source
from runner.core.progress import ignore
from runner.core.records import Allowed, Attempt, Bought, Claim, Holder, Record, Stranger
from runner.core.renewals import Term
from runner.core.secrets import ApiKey
from runner.core.states import OPEN, State
from runner.core.vendor import (
    Authorization,
    Choice,
    ListedProxy,
    Look,
    QuoteRefused,
    ResidentList,
    SeenOrder,
    VendorError,
    Witness,
)
from runner.limits.limits import Limits
from runner.manifest import Loaded, ManifestFile
from runner.manifest.requests import Batch, Budget
from runner.plan.inputs import Inputs
from runner.plan.plan import Step
from runner.plan.task import Task
from runner.report.report import OrderEntry, Report

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""When everything happens."""


class StillClock:
    """A clock that stands at `AT`, and moves only where a test moves it."""

    def __init__(self) -> None:
        self.wall, self.seconds = AT, 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing waits here, least of all {seconds} seconds")


def span(line: int = 5) -> Span:
    """Columns 3 to 9 of a line."""
    return Span(line=line, column=3, end_line=line, end_column=9)


def problem(message: str = "unknown field `quantiti`", **changes: Any) -> Problem:
    """An error at line 5 of `m.yaml`, with a hint."""
    usual: dict[str, Any] = {"code": "PSR012", "hint": "did you mean `quantity`?", "path": "m.yaml", "span": span()}
    return Problem(message=message, **(usual | changes))


def order(
    name: str = "a", *, batch: str = "b", generation: int = 1, path: str = "m.yaml", line: int = 5, **changes: Any
) -> OrderRequest:
    """Ten French addresses for a month, paid by balance. `fields` are put over the usual ones, or in their place by `only`.

    Its name stands at `line`, three of its fields on the lines after the next.
    """
    usual: dict[str, Scalar] = {"countryId": 561, "periodId": "1m", "quantity": 10, "paymentId": 1}
    fields = changes.pop("only", usual | changes.pop("fields", {}))
    places = {"countryId": span(line + 2), "quantity": span(line + 3), "max_total": span(line + 4)}
    source = Source(path=path, span=span(line), fields=places)
    key = OrderKey(batch, name, generation)
    return replace(OrderRequest(key=key, type="ipv4", fields=fields, source=source), **changes)


def renewal(
    name: str = "a", end: str = "2026-12-29", *, renews: str = "77", period: str = "1m", **changes: Any
) -> OrderRequest:
    """The renewal of an order for the month after the end of its term, paid by balance; `changes` as of `order`."""
    fields: dict[str, Scalar] = {"renews": renews, "ends": end, "periodId": period, "paymentId": 1}
    request = order(name, only=fields, **changes)
    return replace(request, key=request.key.renewal(date.fromisoformat(end)))


def batch(name: str = "b", **budget: str) -> Batch:
    """A batch of `m.yaml`, under limits given as text: `max_total="9.99"`."""
    limits = Budget(**{limit: Decimal(text) for limit, text in budget.items()})  # type: ignore[arg-type]
    return Batch(name=name, path="m.yaml", budget=limits)


def loaded(*orders: OrderRequest, **changes: Any) -> Loaded:
    """One manifest without findings, and a batch without limits."""
    files = (ManifestFile(path="m.yaml", sha256="1" * 64),)
    usual: dict[str, Any] = {"batches": (batch(),), "files": files, "problems": ()}
    return Loaded(count=len(orders), orders=orders, **(usual | changes))


def quote(total: str = "10.00", **changes: Any) -> Quote:
    return Quote(**({"total": Decimal(total), "at": AT} | changes))


def record(request: OrderRequest | None = None, state: State = State.PLACED, **changes: Any) -> Record:
    """An order after its first attempt, which was to cost 3; a placed one is the vendor's order 77."""
    wanted = request or order()
    usual = Record(
        key=wanted.key,
        type=wanted.type,
        fields=wanted.fields,
        fingerprint=wanted.fingerprint,
        state=state,
        attempt=1,
        updated_at=AT,
        quote_total=Decimal(3),
        order_id="77" if state is State.PLACED else None,
    )
    return replace(usual, **changes)


def witness(*order_ids: str, **changes: Any) -> Witness:
    return replace(Witness(type="ipv4", order_ids=frozenset(order_ids), at=AT), **changes)


def claim(request: OrderRequest | None = None, **changes: Any) -> Claim:
    """The order for 10.00, and not a cent more, out of a balance of 100."""
    usual: dict[str, Any] = {
        "quote": quote(),
        "ceiling": Decimal(10),
        "witness": witness(),
        "balance": Decimal(100),
        "run_id": "r1",
        "at": AT,
    }
    return Claim(request=request or order(), **(usual | changes))


def attempt(request: OrderRequest | None = None, n: int = 1) -> Attempt:
    return Attempt(key=(request or order()).key, n=n, run_id="r1", claimed_at=AT)


def seen(order_id: str = "77", **changes: Any) -> SeenOrder:
    """Two French addresses for a month, bought today, as the vendor shows them."""
    usual: dict[str, Any] = {
        "rows": 2,
        "numbers": frozenset({f"9{order_id}_1"}),
        "countries": frozenset({"FRA"}),
        "protocols": frozenset({"HTTP", "SOCKS"}),
        "starts": AT.date(),
        "ends": date(2026, 12, 23),
    }
    return SeenOrder(order_id=order_id, **(usual | changes))


def term(order_id: str = "77", *row_ids: str, ends: date = date(2026, 12, 29), **changes: Any) -> Term:
    """The term of an order: all of its rows end on one day."""
    ids = row_ids or ("1", "2")
    return replace(Term(order_id=order_id, row_ids=ids, ends=((ends, len(ids)),)), **changes)


def look(*orders: SeenOrder, **changes: Any) -> Look:
    return replace(Look(type="ipv4", at=AT, orders=orders), **changes)


def holder(**changes: Any) -> Holder:
    usual: dict[str, Any] = {"host": "here", "pid": 1, "since": AT, "run_id": "r1"}
    return Holder(**(usual | changes))


def task(*orders: OrderRequest, **changes: Any) -> Task:
    """A call about these orders that nobody watches, without limits."""
    usual: dict[str, Any] = {
        "contents": loaded(*orders),
        "limits": Limits(),
        "holder": holder(),
        "clock": StillClock(),
        "watch": ignore,
        "ledger_name": "ledger.db",
    }
    return Task(**(usual | changes))


def step(request: OrderRequest | None = None, price: str | None = None, **changes: Any) -> Step:
    """An order to buy; with a price, for that and not a cent more."""
    priced = {} if price is None else {"quote": quote(price), "ceiling": Decimal(price)}
    usual: dict[str, Any] = {"request": request or order(), "status": "planned"}
    return Step(**(usual | priced | changes))


def entry(status: str = "planned", request: OrderRequest | None = None, **changes: Any) -> OrderEntry:
    wanted = request or order()
    return OrderEntry(request=wanted, status=status, **({"body": wanted.fields} | changes))


def report(*entries: OrderEntry, **changes: Any) -> Report:
    """The report of an `apply` that has begun."""
    inputs = Inputs(manifests=(("m.yaml", "0" * 64),), ledger="ledger.db", base_url="https://x/***")
    usual: dict[str, Any] = {"run_id": "r1", "mode": "apply", "started_at": AT, "inputs": inputs}
    return Report(**(usual | {"orders": list(entries)} | changes))


IDENTITY: Final = Identity(address="127.0.0.1/api", key=ApiKey("made-up-key-of-the-tests"))
"""Whose account a `Shop` is; `Books` know it."""


class Shop:
    """A vendor to read from, as values: its prices by the order's name (None: refused), its lists, what it shows.

    `asked` has every question in the order in which they came. An exception in place of an answer is raised. `tells` is
    the balance that comes with a price.
    """

    base_url = "http://127.0.0.1:1/***"
    api_version = "v1"
    identity = IDENTITY

    def __init__(
        self,
        prices: Mapping[str, str | None] | None = None,
        balance: str = "100",
        shows: Look | Exception | None = None,
        lists: Mapping[str, tuple[Choice, ...] | Exception] | None = None,
    ) -> None:
        self.prices, self.funds, self.shows, self.lists = prices or {}, Decimal(balance), shows or look(), lists or {}
        self.tells: Decimal | None = None
        self.rows: tuple[ListedProxy, ...] = ()
        self.asked: list[str] = []

    def preview(self, request: OrderRequest) -> Mapping[str, Scalar]:
        return request.fields

    def quote(self, request: OrderRequest) -> Quote | QuoteRefused:
        self.asked.append(request.key.name)
        price = self.prices[request.key.name]
        if price is None:
            return QuoteRefused(errors=(VendorError(message="no such quantity", field="quantity"),))
        return quote(price, balance=self.tells)

    def balance(self) -> Decimal:
        self.asked.append("balance")
        return self.funds

    def witness(self, product: str) -> Witness:
        self.asked.append("witness")
        return witness()

    def look(self, product: str) -> Look:
        self.asked.append("look")
        if isinstance(self.shows, Exception):
            raise self.shows
        return self.shows

    def proxies(self, product: str, order_ids: Collection[str] | None = None) -> tuple[ListedProxy, ...]:
        self.asked.append(f"proxies of {product}")
        return tuple(row for row in self.rows if order_ids is None or row.order_id in order_ids)

    def resident_package(self) -> None:
        self.asked.append("package")

    def authorizations(self) -> tuple[Authorization, ...]:
        self.asked.append("authorizations")
        return ()

    def resident_lists(self) -> tuple[ResidentList, ...]:
        self.asked.append("resident lists")
        return ()

    def reference(self, product: str) -> tuple[Choice, ...]:
        self.asked.append(f"list of {product}")
        choices = self.lists.get(product, ())
        if isinstance(choices, Exception):
            raise choices
        return choices


class Books:
    """A ledger to read from, as values: these records, and who owns which of the vendor's order ids."""

    def __init__(self, *records: Record, owners: Mapping[str, OrderKey] | None = None, **facts: Any) -> None:
        self.all, self.owned, self.facts = records, owners or {}, facts
        self.account = "default"

    def records(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Record]:
        wanted = set(keys)
        return {one.key: one for one in self.all if one.key in wanted}

    def every_record(self) -> Iterator[Record]:
        return iter(self.all)

    def open_records(self) -> list[Record]:
        return [one for one in self.all if one.state in OPEN]

    def newest_records(self, size: int) -> list[Record]:
        settled = [one for one in self.all if one.state not in OPEN]
        return sorted(settled, key=lambda one: one.updated_at, reverse=True)[:size]

    def counts(self) -> dict[State, int]:
        return dict(Counter(one.state for one in self.all))

    def owners(self, order_ids: Iterable[str]) -> dict[str, OrderKey]:
        bought = {one.order_id: one.key for one in self.all if one.order_id} | dict(self.owned)
        return {order_id: bought[order_id] for order_id in order_ids if order_id in bought}

    def register(self) -> Register:
        return Register(names=frozenset({self.account}), entries=(IDENTITY.entry(self.account, 1, at=AT, who="test"),))

    def successors(self, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderKey]:
        return {}

    def renewals(self, keys: Iterable[OrderKey]) -> dict[OrderKey, tuple[Record, ...]]:
        terms = sorted((one for one in self.all if one.key.term), key=lambda one: one.key.term)
        by_key = {key: tuple(one for one in terms if one.key.purchase == key) for key in keys}
        return {key: own for key, own in by_key.items() if own}

    def strangers(self) -> list[Stranger]:
        return [
            Stranger(order_id=one, who="alice", source="$USER", reason="hers", at=AT)
            for one in self.facts.get("strangers", ())
        ]

    def owned_numbers(self, numbers: Iterable[str]) -> frozenset[str]:
        return frozenset(numbers) & {n for one in self.all if one.state is State.PLACED for n in one.base_order_numbers}

    def bought_since(self, at: datetime) -> list[Bought]:
        return [Bought(record=one, claimed_at=AT) for one in self.all if one.state is State.PLACED]

    def bought_alike(self, fingerprints: Iterable[str], at: datetime) -> list[Bought]:
        return []

    def spent_since(self, at: datetime) -> dict[date, Decimal]:
        return {}

    def dearest(self) -> Decimal | None:
        return None

    def allowances(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Allowed]:
        return {}

    def evidence(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Mapping[str, object]]:
        return {key: {"of": str(key)} for key in keys}
