"""`reference/list/{type}` of API v1 as choices: every shape somebody has seen live.

The shapes: docs/vendor/api-v1.md#reference-lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.core.orders import ProductType, Scalar
from runner.core.vendor import Choice
from runner.vendors.wire import Malformed, clean_text

Row = Mapping[str, object]
Within = tuple[tuple[str, Scalar], ...]


def choices(data: object, product: ProductType) -> tuple[Choice, ...]:
    """What can be ordered, in the vendor's order, each once; Malformed where a section of the type is missing."""
    section = _section(data, product)
    if product == "resident":
        listed = list(_plain(section, "tarifs", product, "tarifId"))
    elif product == "mobile":
        listed = [*_mobile(_rows(section, "country")), *_plain(section, "period", product, "periodId")]
    else:
        listed = [*_countries(section, product), *_plain(section, "period", product, "periodId")]
    return tuple(dict.fromkeys(listed))


def _section(data: object, product: ProductType) -> Row:
    """Under the type's name, under `items`, or bare; as an object, or as a list whose first element it is."""
    for name in (product, "items"):
        if isinstance(data, dict) and name in data:
            data = data[name]
    if isinstance(data, list):
        data = data[0] if data else None
    if not isinstance(data, dict):
        raise Malformed(f"no section for {product}")
    return data


def _plain(section: Row, name: str, product: ProductType, field: str) -> Iterator[Choice]:
    return (_choice(product, field, row) for row in _rows(section, name))


def _countries(section: Row, product: ProductType) -> Iterator[Choice]:
    """A mix's countries are its packages, with the only sizes it is sold in."""
    sizes = {str(row.get("id")): row.get("quantities") for row in _rows(section, "quantities", needed=False)}
    for row in _rows(section, "country"):
        listed = sizes.get(str(row.get("id")))
        detail = "quantities: " + ", ".join(str(size) for size in listed) if isinstance(listed, list) else None
        yield _choice(product, "countryId", row, detail=detail)


def _mobile(countries: list[Row]) -> Iterator[Choice]:
    """Countries, then their operators by kind of service, then each operator's rotations."""
    for country in countries:
        here = _choice("mobile", "countryId", country)
        yield here
        services = country.get("operators") or {}
        if not isinstance(services, dict):
            raise Malformed("operators are not an object")
        for service in services:
            for operator in _rows(services, service):
                yield from _operator(operator, here, clean_text(service))


def _operator(operator: Row, country: Choice, service: str) -> Iterator[Choice]:
    place = f"{country.name}, {service}"
    within: Within = (("countryId", country.value), ("mobileServiceType", service))
    here = _choice("mobile", "operatorId", operator, alpha3=country.alpha3, detail=place, within=within)
    yield here
    place, within = f"{place}, {here.name}", (*within, ("operatorId", here.value))
    for rotation in _rows(operator, "rotations", needed=False):
        yield _choice("mobile", "rotationId", rotation, alpha3=country.alpha3, detail=place, within=within)


def _rows(section: Row, name: str, *, needed: bool = True) -> list[Row]:
    """A list of objects; also an object of objects, which is what PHP makes of a list with gaps."""
    value = section.get(name)
    if value is None and not needed:
        return []
    rows = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Malformed(f"{name} is not a list of objects")
    return rows


def _choice(
    product: ProductType,
    field: str,
    row: Row,
    *,
    alpha3: str | None = None,
    detail: str | None = None,
    within: Within = (),
) -> Choice:
    value = _value(row.get("id"), number=field not in ("periodId", "operatorId"))
    name, code = row.get("name"), row.get("alpha3")
    return Choice(
        type=product,
        field=field,
        value=value,
        name=clean_text(name) if isinstance(name, str) else str(value),
        alpha3=clean_text(code) if isinstance(code, str) else alpha3,
        detail=detail,
        within=within,
    )


def _value(value: object, *, number: bool) -> Scalar:
    """The id as a manifest spells it: numbers as numbers although the vendor also quotes them (`"6928"`)."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise Malformed("an id is neither number nor text")
    text = clean_text(str(value))
    return int(text) if number and text.isascii() and text.isdigit() and text == str(int(text)) else text
