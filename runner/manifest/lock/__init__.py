"""Words of manifests and what they are locked to. Pure, but for finding and reading the lockfile.

A word (`country: FRA`) is looked up in `orders.lock.json` by product type, kind of word and, for mobile operators and
rotations, what it depends on. Nothing else turns a word into an id; only `order-runner lock` asks the vendor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from runner.core.errors import Span
from runner.core.orders import WORDS, OrderRequest, ProductType, Scalar
from runner.manifest.discover import LOCK_NAME

NAME: Final = LOCK_NAME
VERSION: Final = "1.0"
API_VERSION: Final = "v1"

_DEPENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "operator": ("countryId", "mobileServiceType"),
    "rotation": ("countryId", "mobileServiceType", "operatorId"),
}
"""The fields an operator's and a rotation's meaning depends on: the reference lists them under these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One word where it means one thing. `within` pairs the fields it depends on with their values."""

    type: ProductType
    kind: str
    word: str
    within: tuple[tuple[str, Scalar], ...] = ()

    @property
    def field(self) -> str:
        """The vendor's field that the word stands for."""
        return WORDS[self.kind]

    @property
    def sort_key(self) -> tuple[str, str, str, str]:
        return (self.type, self.kind, self.word, str(self.within))

    def __str__(self) -> str:
        """`country: FRA`, as the manifest writes it."""
        return f"{self.kind}: {self.word}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWord:
    """What a word stands for: the vendor's id and name, from which section of its reference, taken when (RFC 3339)."""

    address: Address
    id: Scalar
    name: str
    section: str
    locked_at: str
    span: Span | None = field(default=None, compare=False)

    @property
    def meaning(self) -> str:
        """`561 (France)`."""
        return f"{self.id} ({self.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockfile:
    """A lockfile that was read: its path as findings name it, the SHA-256 of its bytes, its entries by address."""

    path: str
    sha256: str
    entries: Mapping[Address, LockedWord]


def renewal_address(request: OrderRequest) -> Address | None:
    """Where the word for the period of an order's renewals is looked up; None where there is none."""
    word = request.renew.period if request.renew else None
    return Address(type=request.type, kind="period", word=word) if word is not None else None


def field_of(request: OrderRequest, address: Address) -> str:
    """The field of an order that a word is written in."""
    return address.kind if request.words.get(address.kind) == address.word else "renew"


def address_of(product: ProductType, kind: str, word: str, fields: Mapping[str, Scalar]) -> Address | None:
    """Where a word of an order is looked up; None while a field that it depends on is not known."""
    needed = _DEPENDS.get(kind, ())
    if any(name not in fields for name in needed):
        return None
    return Address(type=product, kind=kind, word=word, within=tuple((name, fields[name]) for name in needed))
