"""The real judge, asked about a modelled account, and its verdicts held against what the vendor knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from runner.core.errors import Span
from runner.core.orders import OrderKey, OrderRequest, Source
from runner.core.records import Bought, OpenClaim, Record
from runner.core.states import State
from runner.core.vendor import Look, SeenOrder, Witness
from runner.evidence import judge
from tests.interleavings.state import Claim, Row, Scope, World, balance

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""When reconciles look. What was claimed a moment or an hour before is too young to be absent, or old enough."""
COUNTRIES: Final = ("FRA", "DEU", "ITA")
SECOND: Final = timedelta(seconds=1)
_SPAN: Final = Span(line=1, column=1, end_line=1, end_column=2)


class Ruled(NamedTuple):
    """A verdict: `placed`, `absent` or `open`; the sale, 0 for none."""

    order: int
    ruling: str
    sale: int
    reason: str


class Judge:
    """Asks each question once."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.requests = [_request(scope, order) for order in range(len(scope.kinds))]
        self._answers: dict[object, tuple[Ruled, ...]] = {}

    def rule(self, world: World) -> tuple[Ruled, ...]:
        """What a reconcile that has read the list, and reads the balance now, says of each open order."""
        assert world.looked is not None
        sales = tuple(sale.to for sale in world.sales)
        question = (world.rows, sales, world.looked, balance(world, self.scope))
        if question not in self._answers:
            self._answers[question] = tuple(self._ask(world, world.looked))
        return self._answers[question]

    @property
    def questions(self) -> int:
        return len(self._answers)

    def verdicts(self) -> Iterator[Ruled]:
        return (ruled for answer in self._answers.values() for ruled in answer)

    def _ask(self, world: World, looked: frozenset[int]) -> Iterator[Ruled]:
        claims = [self._claim(order, row, row.claim) for order, row in world.open_rows() if row.claim]
        claims.sort(key=lambda claim: claim.claimed_seq)
        facts = judge.Facts(
            looks={"ipv4": Look(type="ipv4", at=NOW, orders=tuple(self._seen(world, sale) for sale in sorted(looked)))},
            balance=Decimal(balance(world, self.scope)),
            own_ids=frozenset(map(str, world.owned())),
            purchases=[self._bought(order, row) for order, row in enumerate(world.rows) if row.sale],
            countries={("ipv4", country): country for country in COUNTRIES},
        )
        for verdict in judge.judge(claims, facts, judge.Rules(exclusive=self.scope.exclusive)):
            sale = int(verdict.order.order_id) if verdict.order else 0
            yield Ruled(int(verdict.key.name), verdict.ruling, sale, verdict.reason)

    def _record(self, order: int, row: Row, state: State) -> Record:
        request = self.requests[order]
        return Record(
            key=request.key,
            type=request.type,
            fields=request.fields,
            fingerprint=request.fingerprint,
            state=state,
            attempt=row.attempt,
            updated_at=NOW,
            quote_total=Decimal(self.scope.kinds[order].price),
            order_id=str(row.sale) if row.sale else None,
        )

    def _claim(self, order: int, row: Row, claim: Claim) -> OpenClaim:
        listed = frozenset(map(str, claim.listed))
        at = NOW + claim.place * SECOND - (timedelta(hours=1) if claim.old else timedelta(minutes=1))
        return OpenClaim(
            record=self._record(order, row, State.UNKNOWN),
            claimed_at=at,
            balance=Decimal(claim.balance),
            witness=Witness(type="ipv4", order_ids=listed, at=at, numbers=frozenset(f"{text}_1" for text in listed)),
            claimed_seq=claim.place,
            read_seq=claim.read,
        )

    def _bought(self, order: int, row: Row) -> Bought:
        record = self._record(order, row, State.PLACED)
        return Bought(record=record, claimed_at=NOW, claimed_seq=row.first, settled_seq=row.last)

    def _seen(self, world: World, sale: int) -> SeenOrder:
        kind = self.scope.kinds[max(world.sales[sale - 1].to, 0)]
        return SeenOrder(
            order_id=str(sale),
            rows=2,
            numbers=frozenset({f"{sale}_1"}),
            countries=frozenset({kind.country}),
            protocols=frozenset({"HTTP"}),
            starts=NOW.date(),
            ends=date(2026, 12, 23),
        )


def _request(scope: Scope, order: int) -> OrderRequest:
    kind = scope.kinds[order]
    fields: dict[str, str | int] = {"countryId": kind.country, "periodId": "1m", "quantity": 2, "paymentId": 1}
    if kind.target:
        fields["customTargetName"] = kind.target
    return OrderRequest(
        key=OrderKey("b", str(order)), type="ipv4", fields=fields, source=Source(path="m.yaml", span=_SPAN)
    )


def same(scope: Scope, one: int, other: int) -> bool:
    """Whether two orders are interchangeable: one content, one price."""
    return scope.kinds[one] == scope.kinds[other]


def faults(scope: Scope, world: World) -> Iterator[str]:
    """What the vendor knows and the ledger does not allow for. Orders of one content may stand for each other."""
    owned = world.owned()
    if len(owned) < sum(bool(row.sale) for row in world.rows):
        yield "two orders have one sale"
    for sale, order in owned.items():
        to = world.sales[sale - 1].to
        if to < 0 or not same(scope, to, order):
            yield f"order {order} is placed as sale {sale}, which was not for it"
    for order in range(len(world.rows)):
        alike = [one for one in range(len(world.rows)) if same(scope, one, order)]
        if alike[0] != order:
            continue
        bought = sum(sale.to in alike for sale in world.sales)
        if bought > len(alike):
            yield f"{bought} purchases for {len(alike)} orders like {order}: bought twice"
        unowned = sum(sale.to in alike for number, sale in enumerate(world.sales, 1) if number not in owned)
        may_be = unowned + sum(one in alike for one in world.pending)
        doubted = sum(world.rows[one].is_open for one in alike)
        if may_be > doubted:
            yield f"{may_be} purchases like order {order} are not on record, and {doubted} of them in doubt"


def needless(scope: Scope, world: World, answer: tuple[Ruled, ...]) -> Iterator[str]:
    """What evidence should have settled: nobody else acts, and all that will ever happen has, and is shown.

    Two things excuse it: orders that no list tells apart are in doubt together, or an order that was first claimed
    before the reading, and then again, was bought since.
    """
    is_calm = not world.pending and all(sale.shows for sale in world.sales) and scope.exclusive
    if not is_calm or not all(row.claim and row.claim.old for _, row in world.open_rows()):
        return
    again = any(row.sale and row.attempt > 1 for row in world.rows)
    for ruled in answer:
        mine = scope.kinds[ruled.order]
        alike = any(
            kind.country == mine.country and kind != mine for kind in (scope.kinds[other.order] for other in answer)
        )
        if ruled.ruling == "open" and not (alike and "more than one" in ruled.reason) and not again:
            yield f"order {ruled.order} is left to a person without need: {ruled.reason}"
