"""What the emulated vendor sells: invented prices, and ids from the sources where they name one.

Ids are those of docs/vendor/api-v1.md#reference-lists. No id belongs to two types, so a `countryId` of the
wrong type buys the wrong product, as it would there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any

JSON = dict[str, Any]
CENT = Decimal("0.01")

PERIODS: dict[str, tuple[str, Decimal]] = {
    "1w": ("1 week", Decimal("0.35")),
    "2w": ("2 weeks", Decimal("0.60")),
    "1m": ("1 month", Decimal(1)),
    "2m": ("2 months", Decimal("1.95")),
    "3m": ("3 months", Decimal("2.85")),
    "6m": ("6 months", Decimal("5.40")),
    "9m": ("9 months", Decimal("7.80")),
    "12m": ("12 months", Decimal("9.60")),
}
"""Period id to its name and the number of monthly prices it costs."""

DISCOUNTS = ((100, Decimal("0.22")), (50, Decimal("0.15")), (10, Decimal("0.10")))
"""From this many items on, this part of the price is let off; the largest step first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """How often a mobile address changes; the id is minutes, 0 is by link."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A mobile network operator; its id is text."""

    id: str
    name: str
    rotations: tuple[Rotation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a `countryId` stands for: a country, or for mix and mix_isp a package of several."""

    id: int
    name: str
    alpha3: str
    monthly: Decimal
    operators: Mapping[str, tuple[Operator, ...]] = field(default_factory=dict)
    quantities: tuple[int, ...] = ()
    members: tuple[tuple[str, str], ...] = ()

    def country_of(self, index: int) -> tuple[str, str]:
        """Name and alpha-3 of the country that the index-th address of an order lies in."""
        return self.members[index % len(self.members)] if self.members else (self.name, self.alpha3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """An amount of resident traffic."""

    id: int
    name: str
    price: Decimal
    traffic: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One of the types ordered by place and period."""

    type: str
    places: tuple[Offer, ...]
    periods: tuple[str, ...]


def _countries(*rows: str) -> tuple[Offer, ...]:
    parts = (row.split("|") for row in rows)
    return tuple(Offer(id=int(id_), name=name, alpha3=code, monthly=Decimal(price)) for id_, code, name, price in parts)


_IPV4 = _countries(
    "561|FRA|France|1.80",
    "562|DEU|Germany|1.75",
    "563|USA|United States|1.60",
    "564|GBR|United Kingdom|1.85",
    "565|NLD|Netherlands|1.70",
    "566|ESP|Spain|1.90",
    "567|ITA|Italy|1.95",
    "568|POL|Poland|1.65",
    "569|CAN|Canada|2.05",
    "570|JPN|Japan|3.90",
)
_ISP = _countries(
    "3758|USA|United States|2.40",
    "7738|GBR|United Kingdom|2.55",
    "6272|CAN|Canada|2.70",
    "9767|DEU|Germany|2.50",
    "6269|FRA|France|2.45",
    "4480|NLD|Netherlands|2.35",
    "6275|ITA|Italy|2.65",
    "6278|ESP|Spain|2.60",
)
_IPV6 = _countries(
    "2101|FRA|France|0.22",
    "2102|DEU|Germany|0.20",
    "2103|USA|United States|0.18",
    "2104|GBR|United Kingdom|0.23",
    "2105|NLD|Netherlands|0.19",
    "2106|SGP|Singapore|0.30",
)

_TIMED = (
    Rotation(id=5, name="5 minutes"),
    Rotation(id=10, name="10 minutes"),
    Rotation(id=30, name="30 minutes"),
)
_BY_LINK = Rotation(id=0, name="By Link")


def _mobile(id_: int, name: str, alpha3: str, monthly: str, *networks: str) -> Offer:
    pairs = [network.split("|") for network in networks]
    operators = {
        "dedicated": tuple(Operator(id=i, name=n, rotations=(*_TIMED, _BY_LINK)) for i, n in pairs),
        "shared": tuple(Operator(id=f"{i}7", name=n, rotations=_TIMED) for i, n in pairs[:1]),
    }
    return Offer(id=id_, name=name, alpha3=alpha3, monthly=Decimal(monthly), operators=operators)


_MOBILE = (
    _mobile(4401, "France", "FRA", "48.00", "31|Operator A", "32|Operator B"),
    _mobile(4402, "Germany", "DEU", "52.00", "41|Operator C", "42|Operator D"),
    _mobile(4403, "United States", "USA", "60.00", "51|Operator E"),
    _mobile(4404, "Poland", "POL", "39.00", "61|Operator F", "62|Operator G"),
)

_EUROPE = (
    ("France", "FRA"),
    ("Germany", "DEU"),
    ("Netherlands", "NLD"),
    ("Poland", "POL"),
)
_AMERICAS = (("United States", "USA"), ("Canada", "CAN"), ("Brazil", "BRA"))


def _package(id_: int, name: str, monthly: str, quantities: tuple[int, ...], members: tuple[Any, ...]) -> Offer:
    return Offer(id=id_, name=name, alpha3="", monthly=Decimal(monthly), quantities=quantities, members=members)


_MIX = (
    _package(1370, "Europe mix", "1.40", (10, 20, 50, 100), _EUROPE),
    _package(1371, "Americas mix", "1.45", (10, 25, 100), _AMERICAS),
    _package(1372, "World mix", "1.30", (20, 100, 500), _EUROPE + _AMERICAS),
)
_MIX_ISP = (
    _package(8801, "Europe ISP mix", "2.10", (10, 20, 50), _EUROPE),
    _package(8802, "World ISP mix", "2.20", (20, 100), _EUROPE + _AMERICAS),
)

PRODUCTS: dict[str, Product] = {
    product.type: product
    for product in (
        Product(type="ipv4", places=_IPV4, periods=tuple(PERIODS)),
        Product(type="isp", places=_ISP, periods=tuple(PERIODS)),
        Product(type="ipv6", places=_IPV6, periods=tuple(PERIODS)),
        Product(type="mobile", places=_MOBILE, periods=("1w", "2w", "1m", "2m", "3m")),
        Product(type="mix", places=_MIX, periods=("1w", "2w", "1m", "3m", "6m", "12m")),
        Product(type="mix_isp", places=_MIX_ISP, periods=("1m", "3m", "6m", "12m")),
    )
}
_GIB = 2**30
TARIFFS: dict[int, Tariff] = {
    tariff.id: tariff
    for tariff in (
        Tariff(id=6928, name="500 MB", price=Decimal("1.99"), traffic=500 * 2**20),
        Tariff(id=6929, name="1 GB", price=Decimal("3.50"), traffic=_GIB),
        Tariff(id=6930, name="3 GB", price=Decimal("9.90"), traffic=3 * _GIB),
        Tariff(id=6931, name="10 GB", price=Decimal("30.00"), traffic=10 * _GIB),
    )
}
PLACES: dict[int, tuple[Product, Offer]] = {p.id: (product, p) for product in PRODUCTS.values() for p in product.places}
TYPES = ("ipv4", "ipv6", "mobile", "isp", "mix", "mix_isp", "resident")
"""All types, in the order of the untyped `proxy/list` answer."""


def discount_for(quantity: int) -> Decimal:
    """The part of the price let off for that many items, 0 to 0.22."""
    return next((part for start, part in DISCOUNTS if quantity >= start), Decimal(0))


def item_price(place: Offer, period: str, quantity: int) -> Decimal:
    """Price of one item in USD, discount taken off, in whole cents rounded up."""
    full = place.monthly * PERIODS[period][1]
    return (full * (1 - discount_for(quantity))).quantize(CENT, ROUND_CEILING)


def raise_price(amount: Decimal, factor: Decimal) -> Decimal:
    """The amount after a price change, in whole cents rounded up, so that every rise is at least a cent."""
    return (amount * factor).quantize(CENT, ROUND_CEILING)


def section(type_: str, *, text_ids: bool) -> JSON:
    """The `reference/list` section of one type. Raises KeyError for an unknown type.

    Shapes: docs/vendor/api-v1.md#sections-of-each-type.
    """
    if type_ == "resident":
        tariffs = [{"id": str(t.id) if text_ids else t.id, "name": t.name, "personal": False} for t in TARIFFS.values()]
        return {"tarifs": tariffs, "target": []}
    product = PRODUCTS[type_]
    periods = [{"id": period, "name": PERIODS[period][0]} for period in product.periods]
    countries = [_country(place) for place in product.places]
    if type_ == "mobile":
        return {"country": countries, "period": periods}
    if type_ in ("mix", "mix_isp"):
        sizes = [{"id": p.id, "name": p.name, "quantities": list(p.quantities)} for p in product.places]
        return {"country": countries, "period": periods, "quantities": sizes}
    return {"country": countries, "period": periods, "target": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change to what `reference/list` shows of one type: the row of this id, with other values or (None) gone."""

    type: str
    section: str
    id: int | str
    to: Mapping[str, Any] | None = None


def apply_edits(type_: str, section: JSON, edits: Iterable[Edit]) -> JSON:
    """A section as `section` gives it, after the edits for its type, in their order."""
    section = dict(section)
    for edit in edits:
        if edit.type == type_ and edit.section in section:
            rows = ((row, str(row.get("id")) == str(edit.id)) for row in section[edit.section])
            new = (({**row, **edit.to} if edit.to is not None else None) if hit else row for row, hit in rows)
            section[edit.section] = [row for row in new if row is not None]
    return section


def _country(place: Offer) -> JSON:
    if place.quantities:
        return {"id": place.id, "name": place.name}
    plain: JSON = {"id": place.id, "name": place.name, "alpha3": place.alpha3}
    if place.operators:
        plain["operators"] = {kind: list(map(asdict, members)) for kind, members in place.operators.items()}
    return plain
