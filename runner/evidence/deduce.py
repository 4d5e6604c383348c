"""What an order at the vendor asked for, as far as its rows prove it: the fields of a manifest, or why there are none.

Pure. What rows do not show is never made up: an order is described whole, but for what it is for, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from runner.core.orders import UNSHOWN, ProductType, Scalar
from runner.core.vendor import Choice, SeenOrder
from runner.evidence.match import period_end
from runner.evidence.strangers import DELIVERED
from runner.manifest.lock import Address
from runner.manifest.lock.meanings import matches

_UNTOLD: Final[Mapping[ProductType, str]] = {
    "mix": "rows do not show which package it is",
    "mix_isp": "rows do not show which package it is",
    "ipv6": "rows do not show how many addresses were ordered",
    "mobile": "rows do not show operator and rotation as an order names them",
    "resident": "it is in no list",
}
_MONTH: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """An order in a manifest's own fields, in words where the vendor's lists have them.

    `remark` is what whoever reads it should know, empty for nothing.
    """

    name: str
    type: ProductType
    fields: Mapping[str, Scalar]
    order: SeenOrder
    remark: str = ""


def describe(seen: SeenOrder, product: ProductType, choices: Sequence[Choice], today: date) -> Description | str:
    """The order as a manifest would have asked for it; a reason where its rows do not prove that."""
    if product in _UNTOLD:
        return _UNTOLD[product]
    if len(seen.countries) != 1:
        return "its rows show no single country"
    (alpha3,) = seen.countries
    countries = {str(c.value): c for c in choices if c.field == "countryId" and (c.alpha3 or "").upper() == alpha3}
    if len(countries) != 1:
        return f"the vendor's list has {len(countries) or 'nothing'} for {alpha3}"
    periods = tuple(_periods(seen, choices))
    if len(periods) != 1:
        return f"no single period runs from {seen.starts or '?'} to {seen.ends or '?'}: it may have been renewed"
    country = next(iter(countries.values()))
    fields: dict[str, Scalar] = {
        **_word(product, "country", (alpha3, country.name), country, choices),
        **_word(product, "period", (periods[0].name,), periods[0], choices),
        "quantity": seen.rows,
        "customTargetName": UNSHOWN,
    }
    is_young = seen.starts is None or seen.starts >= today - DELIVERED
    return Description(
        name=f"{product}-{alpha3}-{seen.order_id}".lower().replace(":", "-")[:63],
        type=product,
        fields=fields,
        order=seen,
        remark="it has just begun: more may still be delivered" if is_young else "",
    )


def _periods(seen: SeenOrder, choices: Sequence[Choice]) -> Iterator[Choice]:
    """The periods that run exactly as long; the vendor has been seen to count a month as 30 days, too."""
    if seen.starts is None or seen.ends is None:
        return
    for choice in {str(c.value): c for c in choices if c.field == "periodId"}.values():
        end = period_end(seen.starts, str(choice.value))
        months = period_end(date(2001, 1, 1), str(choice.value)) if str(choice.value).endswith("m") else None
        count = (months.year - 2001) * 12 + months.month - 1 if months else 0
        if seen.ends == end or (count and seen.ends == seen.starts + count * _MONTH):
            yield choice


def _word(
    product: ProductType, kind: str, words: Sequence[str], choice: Choice, choices: Sequence[Choice]
) -> dict[str, Scalar]:
    """A field as a word that means this choice and no other; by its id where there is none."""
    for word in words:
        address = Address(type=product, kind=kind, word=word)
        meanings = {str(one.value) for one in matches(choices, address)}
        if meanings == {str(choice.value)}:
            return {kind: word}
    return {choice.field: choice.value}
