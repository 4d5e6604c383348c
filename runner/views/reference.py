"""What can be ordered → tables, aligned lines or JSON, by type and manifest field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from runner.vendors.interface import Choice
from runner.views.console import Channel, Console
from runner.views.grid import Column, Grid, Row, show
from runner.views.safe import json_text, one_line

REFERENCE_VERSION: Final = "1.0"


def render(choices: Sequence[Choice], *, fmt: str, console: Console) -> None:
    """Write the choices in one of `FORMATS` to stdout, types and fields in the order of their first choice."""
    FORMATS[fmt](choices, console.out)


def _text(choices: Sequence[Choice], channel: Channel) -> None:
    groups: dict[tuple[str, str], list[Choice]] = {}
    for choice in choices:
        groups.setdefault((choice.type, choice.field), []).append(choice)
    if not groups:
        channel.lines(["nothing can be ordered"])
    for index, ((product, field), members) in enumerate(groups.items()):
        heading = channel.paint("strong", one_line(f"{product}: {field}"))
        channel.lines(["", heading] if index else [heading])
        show(_grid(field, members), channel)


def _grid(field: str, choices: Sequence[Choice]) -> Grid:
    columns = (
        Column(name=field),
        Column(name="name", folds=True),
        Column(name="alpha-3"),
        Column(name="detail", folds=True),
    )
    rows = (Row(cells=(str(c.value), c.name, c.alpha3 or "", c.detail or "")) for c in choices)
    return Grid(columns=columns, rows=tuple(rows))


def _json(choices: Sequence[Choice], channel: Channel) -> None:
    document = {"version": REFERENCE_VERSION, "choices": [_choice_json(choice) for choice in choices]}
    channel.lines([json_text(document, indent=2)])


def _choice_json(choice: Choice) -> Mapping[str, object]:
    return {
        "type": choice.type,
        "field": choice.field,
        "value": choice.value,
        "name": choice.name,
        "alpha3": choice.alpha3,
        "detail": choice.detail,
    }


FORMATS: Final[Mapping[str, Callable[[Sequence[Choice], Channel], None]]] = {"text": _text, "json": _json}
