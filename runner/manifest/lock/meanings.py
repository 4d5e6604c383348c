"""Words against the vendor's reference: what one stands for there, and the nearest that would stand for something."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Final

from runner.core.nearest import nearest
from runner.core.orders import Scalar
from runner.core.vendor import Choice
from runner.manifest.lock import Address

NEAREST: Final = 3
"""How many legal values a hint names."""


def offers(choices: Iterable[Choice], address: Address) -> tuple[Choice, ...]:
    """What the vendor has where a word is looked up."""
    return tuple(c for c in choices if c.field == address.field and c.within == address.within)


def matches(choices: Iterable[Choice], address: Address) -> tuple[Choice, ...]:
    """What a word may stand for, each id once: the vendor's name, for countries also the alpha-3 code, for periods
    also the id; letter case and runs of spaces do not count. None: unknown. Several: ambiguous."""
    word = _fold(address.word)
    by_id: dict[Scalar, Choice] = {}
    for choice in offers(choices, address):
        if word in map(_fold, _spellings(choice)):
            by_id.setdefault(choice.value, choice)
    return tuple(by_id.values())


def nearest_words(choices: Sequence[Choice], address: Address) -> tuple[str, ...]:
    """The legal words nearest to an unknown one; all of them where there are few."""
    there = offers(choices, address)
    spellings = {_fold(text): label(c) for c in there for text in _spellings(c)}
    close = nearest(_fold(address.word), spellings, most=NEAREST)
    labels = [spellings[text] for text in close] or ([label(c) for c in there] if len(there) <= 2 * NEAREST else [])
    return tuple(dict.fromkeys(labels))


def label(choice: Choice) -> str:
    """A choice as a word that can be written: `FRA (France)`, `1m (1 month)`, `By Link`."""
    if choice.field == "countryId" and choice.alpha3:
        return f"{choice.alpha3} ({choice.name})"
    return f"{choice.value} ({choice.name})" if choice.field == "periodId" else choice.name


def section_digest(choices: Iterable[Choice], field: str) -> str:
    """`sha256:…` over one section of a type's reference list: ids, names and codes, whatever their order and form."""
    rows = sorted([json.dumps([list(c.within), c.value, c.name, c.alpha3]) for c in choices if c.field == field])
    return "sha256:" + hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _spellings(choice: Choice) -> tuple[str, ...]:
    extra = {"countryId": choice.alpha3, "periodId": str(choice.value)}.get(choice.field)
    return (choice.name, extra) if extra else (choice.name,)


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()
