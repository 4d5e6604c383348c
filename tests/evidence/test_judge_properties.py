"""The judge against a tiny vendor that knows the truth: strangers, late deliveries, parts, our own purchases, top-ups."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, currently_in_test_context, event, given, settings
from hypothesis import strategies as st

from tests.evidence.test_judge import Case, ruled

HORIZON = 20
"""Minutes: the waiting time of the judge."""
PRICES = {"ipv4": "5.00", "isp": "5.00"}
SHAPES: list[dict[str, Any]] = [
    {"type": "ipv4", "fields": {"quantity": 2}},
    {"type": "ipv4", "fields": {"quantity": 3}},
    {"type": "ipv4", "fields": {"quantity": 2, "customTargetName": "other"}},
    {"type": "ipv4", "fields": {"quantity": 2, "countryId": 562}},
    {"type": "isp", "fields": {"quantity": 2}},
]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """An order at the vendor: when it was charged, when its rows show, in minutes; `half` of them until `whole`."""

    id: str
    shape: int
    charged: float
    visible_from: float
    whole: float
    price: Decimal
    ours: str | None = None

    def row(self, at: float) -> Case | None:
        if at < self.visible_from:
            return None
        fields = SHAPES[self.shape]["fields"]
        rows = fields["quantity"] if at >= self.whole else 1
        country = "DEU" if fields.get("countryId") == 562 else "FRA"
        return {"id": self.id, "rows": rows, "countries": [country]}


@dataclass(kw_only=True)
class World:
    """What is true of one account at the vendor, whatever it shows: its orders, and its top-ups by minute."""

    orders: list[Truth] = field(default_factory=list)
    top_ups: list[tuple[float, Decimal]] = field(default_factory=list)

    def balance(self, at: float) -> Decimal:
        spent = sum((order.price for order in self.orders if order.charged <= at), Decimal(0))
        return Decimal(1000) - spent + sum((sum_ for when, sum_ in self.top_ups if when <= at), Decimal(0))

    def rows_at(self, product: str, at: float) -> list[Case]:
        mine = [order for order in self.orders if SHAPES[order.shape]["type"] == product]
        return [row for order in mine if (row := order.row(at)) is not None]


@st.composite
def scenes(draw: st.DrawFn, *, shared: bool, lasting: float, top_ups: bool) -> tuple[World, Case]:
    """A world, and what a judge is told of it. `lasting`: how many minutes after a claim rows may take to show."""
    world = World()
    number = iter(range(1, 100))
    minutes = st.floats(0.01, lasting, allow_nan=False)  # nothing is charged before it is claimed

    def order(shape: int, begun: float, ours: str | None, price: Decimal) -> None:
        times = sorted((draw(minutes), draw(minutes), draw(minutes)))
        charged, appears, whole = (begun + time for time in times)
        charged = min(charged, begun + HORIZON)
        identity = str(next(number))
        world.orders.append(
            Truth(id=identity, shape=shape, charged=charged, visible_from=appears, whole=whole, price=price, ours=ours)
        )

    price = {shape: Decimal(draw(st.sampled_from(["5.00", "5.00", "7.50"]))) for shape in range(len(SHAPES))}
    drawn = draw(st.lists(st.tuples(st.integers(0, len(SHAPES) - 1), st.booleans()), min_size=1, max_size=4))
    for place, (shape, placed) in enumerate(drawn):
        if placed:
            order(shape, float(place), f"n{place}", price[shape])
    if shared:
        for shape in draw(st.lists(st.integers(0, len(SHAPES) - 1), max_size=3)):
            cost = price[shape] if draw(st.booleans()) else Decimal(0)  # by card
            order(shape, draw(st.floats(-30, 40)), None, cost)
    if top_ups:
        world.top_ups = draw(
            st.lists(st.tuples(st.floats(0, 60), st.sampled_from([Decimal("5.00"), Decimal("7.50")])), max_size=2)
        )
    at = draw(st.floats(len(drawn), 90))
    unknowns = []
    for place, (shape, _) in enumerate(drawn):
        about = SHAPES[shape]
        unknowns.append(
            {
                "name": f"n{place}",
                "claimed": place,
                "quote": str(price[shape]),
                "balance": str(world.balance(place)),
                "before": [row["id"] for row in world.rows_at(about["type"], place)],
                **about,
            }
        )
    products = {SHAPES[shape]["type"] for shape, _ in drawn}
    looks = {product: world.rows_at(product, at) for product in products if draw(st.integers(0, 9)) > 0}
    balance = str(world.balance(at)) if draw(st.integers(0, 9)) > 0 else None
    return world, {"what": "", "unknowns": unknowns, "looks": looks, "balance": balance, "at": at}


def wrong(world: World, case: Case, *, exclusive: bool) -> list[str]:
    """Every verdict that the truth contradicts. Orders that nothing tells apart may stand for each other."""
    verdicts = ruled({**case, "exclusive": exclusive})
    faults: list[str] = []
    bought: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        if currently_in_test_context():
            event(verdict.ruling)
        print_ = verdict.claim.record.fingerprint
        bought.setdefault(print_, Counter())[verdict.ruling] += 1
        mine = {name.key.name for name in verdicts if name.claim.record.fingerprint == print_}
        if verdict.order is not None:
            truth = next(one for one in world.orders if one.id == verdict.order.order_id)
            if truth.ours not in mine:
                faults.append(f"{verdict.key} is not order {truth.id}")
    for print_, counts in bought.items():
        names = {verdict.key.name for verdict in verdicts if verdict.claim.record.fingerprint == print_}
        placed = sum(one.ours in names for one in world.orders)
        if counts["absent"] > len(names) - placed:
            faults.append(f"{counts['absent']} of {len(names)} called absent, {placed} were bought")
    ids = [verdict.order.order_id for verdict in verdicts if verdict.order]
    return faults + (["one order credited twice"] if len(ids) != len(set(ids)) else [])


random_runs = settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@random_runs
@given(scenes(shared=False, lasting=60, top_ups=False))
def test_exclusive_verdicts_are_the_truth(scene: tuple[World, Case]) -> None:
    """Where nobody else buys, no order is ever credited wrongly or called absent wrongly, however late it shows."""
    assert wrong(*scene, exclusive=True) == []


@random_runs
@given(scenes(shared=True, lasting=60, top_ups=False))
def test_absence_is_the_truth_among_strangers(scene: tuple[World, Case]) -> None:
    """Where others buy, nothing is placed by inference, and an absence stands though rows come an hour late."""
    world, case = scene
    assert wrong(world, case, exclusive=False) == []
    assert all(verdict.order is None for verdict in ruled(case))


@random_runs
@given(scenes(shared=True, lasting=HORIZON, top_ups=True))
def test_absence_is_the_truth_among_top_ups(scene: tuple[World, Case]) -> None:
    """Where top-ups hide charges, the list alone keeps an absence true, within the waiting time."""
    assert wrong(*scene, exclusive=False) == []


def test_the_model_can_tell_wrong_from_right() -> None:
    """The test would notice: an order that was bought and is nowhere to be seen is called absent, and that is wrong."""
    world = World(orders=[Truth(id="1", shape=0, charged=0, visible_from=99, whole=99, price=Decimal(0), ours="n0")])
    case = {"what": "", "unknowns": [{"name": "n0", **SHAPES[0]}], "looks": {"ipv4": []}, "balance": "100.00"}
    assert wrong(world, case, exclusive=False) == ["1 of 1 called absent, 1 were bought"]
