"""The vendor's reference lists: asked for at most once a call, and kept for a day where somebody only wants to look.

Nothing is planned or bought by a list of the cache: what may spend asks the vendor.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from runner.core.clock import Clock, SystemClock
from runner.core.orders import ProductType
from runner.core.progress import Watch, listing
from runner.core.vendor import Choice, Reader

MAX_AGE: Final = timedelta(days=1)
FORMAT: Final = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceList:
    """What can be ordered of one type, and when the vendor said so."""

    read_at: datetime
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCache:
    """Lists in files, one a type, in a private folder. `mark` tells one address and account of a vendor from another.

    The API key is no part of any name.
    """

    folder: Path
    mark: str

    def read(self, product: ProductType, now: datetime) -> ReferenceList | None:
        """A type's list no older than `MAX_AGE`; None where there is none, or none that can be understood."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            stored = json.loads(self._path(product).read_text("utf-8"))
            read_at = datetime.fromisoformat(stored["read_at"])
            if stored["format"] == FORMAT and timedelta(0) <= now - read_at < MAX_AGE:
                return ReferenceList(read_at=read_at, choices=tuple(_choice(product, row) for row in stored["choices"]))
        return None

    def write(self, product: ProductType, reference: ReferenceList) -> None:
        """Keep a list, readable by the owner only. A cache that cannot be written is none."""
        from runner.core.files import private_folder, replace_atomically

        rows = [
            [c.field, c.value, c.name, c.alpha3, c.detail, [list(pair) for pair in c.within]] for c in reference.choices
        ]
        text = json.dumps(
            {"format": FORMAT, "read_at": reference.read_at.astimezone(UTC).isoformat(), "choices": rows}, indent=0
        )
        with suppress(OSError):
            private_folder(self.folder)
            replace_atomically(self._path(product), text.encode())

    def _path(self, product: ProductType) -> Path:
        return self.folder / f"{self.mark}-{product}.json"


def _choice(product: ProductType, row: list[Any]) -> Choice:
    name, value, words, alpha3, detail, within = row
    if not (isinstance(name, str) and isinstance(words, str) and type(value) in (int, str)):
        raise TypeError("not what was written")
    pairs = tuple((str(under), other) for under, other in within)
    return Choice(type=product, field=name, value=value, name=words, alpha3=alpha3, detail=detail, within=pairs)


@dataclass(slots=True, kw_only=True)
class Catalogue:
    """The lists of one call. A list is looked for in memory, then in `cache`, and only then asked of the vendor.

    `connect` gives the way to the vendor and who watches it; it is called for the first list that has to be asked for,
    never before. With `refresh` the cache is written and not read.
    """

    connect: Callable[[], tuple[Reader, Watch]]
    cache: ListCache | None = None
    refresh: bool = False
    clock: Clock = field(default_factory=SystemClock)
    _lists: dict[ProductType, ReferenceList] = field(default_factory=dict)
    _connection: tuple[Reader, Watch] | None = None

    def choices(self, product: ProductType) -> tuple[Choice, ...]:
        """What can be ordered of a type. Raises what `Reader.reference` and `connect` raise; then asks again."""
        return self.reference(product).choices

    def reference(self, product: ProductType) -> ReferenceList:
        """The list of a type with the time it was read at. Raises what `choices` raises."""
        if product not in self._lists:
            cached = self.cache.read(product, self.clock.now()) if self.cache and not self.refresh else None
            self._lists[product] = cached or self._ask(product)
        return self._lists[product]

    def _ask(self, product: ProductType) -> ReferenceList:
        self._connection = self._connection or self.connect()
        reader, watch = self._connection
        with listing(watch, product):
            answer = ReferenceList(read_at=self.clock.now(), choices=reader.reference(product))
        if self.cache:
            self.cache.write(product, answer)
        return answer
