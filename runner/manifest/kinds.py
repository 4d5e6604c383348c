"""A product type in one document: its gate, what its orders inherit, and what gives way to what they say themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from runner.core import schemas
from runner.core.orders import WORDS

OWN: Final = frozenset(
    {"name", "type", "generation", "renamed_from", "copies", "enabled", "labels", "max_total", "renew"}
)
"""The fields of an order that are ours and not the vendor's (the manifest's own; never sent)."""

_FILLED: Final = ("paymentId", "generation", "enabled")
_WANTED: Final = {"customTargetName": frozenset({"ipv4", "isp", "ipv6"})}
"""Optional in the vendor's tables, refused without: `Set [customTargetName]` (docs/vendor/api-v1.md#order-fields)."""

_DISPLACES: Final[Mapping[str, tuple[str, ...]]] = {
    **{word: (field,) for word, field in WORDS.items()},
    **{field: tuple(word for word in WORDS if WORDS[word] == field) for field in WORDS.values()},
    "payment": ("paymentId",),
    "paymentId": ("payment",),
    "auth": ("authorization", "generateAuth"),
}
"""Which inherited fields give way to a field of the order. `auth` says all of it, the vendor's two fields only part."""


@dataclass(slots=True)
class Kind:
    """One product type in one document: its gate, and what its orders inherit.

    `content_fields` are those that say what is bought, as ids or words; without `auth`, the only one that is no scalar.
    `words` are the fields that need a lockfile. `gives_way` names, by a field that an order may set, the inherited
    fields that say the same.
    """

    name: str
    valid: Callable[[Any], bool]
    defaults: dict[str, Any]
    gives_way: dict[str, tuple[str, ...]]
    recommended_fields: tuple[str, ...]
    content_fields: tuple[str, ...]
    words: tuple[str, ...]

    def merge(self, value: dict[str, Any]) -> dict[str, Any]:
        """An order's fields and those it inherits, without inherited ones that say what the order says otherwise."""
        values = {**self.defaults, **value}
        if not self.gives_way.keys().isdisjoint(value):
            for name in self.gives_way.keys() & value.keys():
                for other in self.gives_way[name]:
                    if other not in value:
                        values.pop(other, None)
        return values


def kind_of(name: str, defaults: Mapping[str, Any]) -> Kind:
    """A type under the defaults of a document."""
    rules = schemas.load(name)["properties"]
    ours = {field: value for field, value in defaults.items() if field in rules}
    filled = {field: rules[field]["default"] for field in _FILLED if "default" in rules.get(field, {})}
    inherited = {f: value for f, value in filled.items() if ours.keys().isdisjoint(_DISPLACES.get(f, ()))} | ours
    gives_way = {
        field: tuple(other for other in others if other in inherited)
        for field, others in _DISPLACES.items()
        if field in rules and not inherited.keys().isdisjoint(others)
    }
    wanted = tuple(field for field, kinds in _WANTED.items() if name in kinds)
    bought = tuple(field for field in rules if field not in OWN and field != "auth")
    words = tuple(field for field in rules if field in WORDS)
    return Kind(name, schemas.gate(name), inherited, gives_way, wanted, bought, words)
