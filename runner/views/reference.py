"""What can be ordered → tables, aligned lines or JSON, by type and manifest field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from runner.core.clock import rfc3339
from runner.core.nearest import nearest
from runner.core.orders import WORDS
from runner.core.vendor import Choice
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.grid import Column, Grid, Row, show
from runner.views.terminal.safe import json_text, one_line
from runner.views.wording import PACKAGES

REFERENCE_VERSION: Final = "1.1"


def render(choices: Sequence[Choice], *, fmt: str, console: Console, read_at: datetime | None = None) -> None:
    """Write the choices in one of `FORMATS` to stdout, types and fields in the order of their first choice.

    `read_at` is when the oldest of the lists was read from the vendor.
    """
    FORMATS[fmt](choices, console.out, read_at)


def of_country(choices: Sequence[Choice], word: str) -> list[Choice] | None:
    """One country, by alpha-3 code or name, with what hangs on it, and the periods; None where nobody has it."""
    folded = word.strip().casefold()
    places = [
        c for c in choices if c.field == "countryId" and folded in (c.name.casefold(), (c.alpha3 or "").casefold())
    ]
    if not places:
        return None
    ids = {(c.type, c.value) for c in places}
    types = {c.type for c in places}

    def belongs(choice: Choice) -> bool:
        if choice.field == "countryId":
            return (choice.type, choice.value) in ids
        under = dict(choice.within).get("countryId")
        return choice.type in types if under is None else (choice.type, under) in ids

    return [choice for choice in choices if belongs(choice)]


def nearest_countries(choices: Sequence[Choice], word: str) -> list[str]:
    """The countries that may have been meant."""
    names = (text for c in choices if c.field == "countryId" for text in (c.name, c.alpha3) if text)
    return nearest(word, names, fold=str.casefold)


def age(passed: timedelta) -> str | None:
    """`3 h`, `12 min`; None for less than a minute."""
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return None
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"


def _text(choices: Sequence[Choice], channel: Channel, _: datetime | None) -> None:
    groups: dict[tuple[str, str], list[Choice]] = {}
    for choice in choices:
        groups.setdefault((choice.type, choice.field), []).append(choice)
    if not groups:
        channel.lines(["the vendor lists nothing"])
    for index, ((product, field), members) in enumerate(groups.items()):
        heading = channel.paint("strong", one_line(f"{product}: {field}"))
        channel.lines(["", heading] if index else [heading])
        show(_grid(field, members), channel)


def _grid(field: str, choices: Sequence[Choice]) -> Grid:
    columns = (
        Column(name=field),
        Column(name=_word(field, choices), folds=True),
        Column(name="alpha-3"),
        Column(name="detail", folds=True),
    )
    rows = (Row(cells=(str(c.value), c.name, c.alpha3 or "", c.detail or "")) for c in choices)
    return Grid(columns=columns, rows=tuple(rows))


def _word(field: str, choices: Sequence[Choice]) -> str:
    """The manifest's word for a field, under which the vendor's names stand: that is what one writes there."""
    if field == "countryId":
        return "package" if choices[0].type in PACKAGES else "country"
    return next((word for word, other in WORDS.items() if other == field), "name")


def _json(choices: Sequence[Choice], channel: Channel, read_at: datetime | None) -> None:
    document = {
        "version": REFERENCE_VERSION,
        "read_at": rfc3339(read_at) if read_at else None,
        "choices": [_choice_json(choice) for choice in choices],
    }
    channel.lines([json_text(document, indent=2)])


def _choice_json(choice: Choice) -> Mapping[str, object]:
    return {
        "type": choice.type,
        "field": choice.field,
        "value": choice.value,
        "name": choice.name,
        "alpha3": choice.alpha3,
        "detail": choice.detail,
        "word": _word(choice.field, (choice,)),
        "within": dict(choice.within),
    }


FORMATS: Final[Mapping[str, Callable[[Sequence[Choice], Channel, datetime | None], None]]] = {
    "text": _text,
    "json": _json,
}
