"""What the vendor's lists said lately, for `order-runner reference` only: nothing is planned or bought by it."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from runner.core.orders import ProductType
from runner.core.vendor import Choice
from runner.run.wiring import DEFAULT_ACCOUNT, DEFAULT_BASE_URL, Settings

MAX_AGE: Final = timedelta(days=1)
FORMAT: Final = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """A type's list, and when it was read from the vendor."""

    read_at: datetime
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """One file a type in a private folder, named after base URL and account. The API key is no part of any name."""

    folder: Path
    mark: str

    @classmethod
    def of(cls, settings: Settings) -> Cache:
        import platformdirs

        named = f"{settings.base_url or DEFAULT_BASE_URL}\n{settings.account or DEFAULT_ACCOUNT}"
        folder = platformdirs.user_cache_path("order-runner", appauthor=False) / "reference"
        return cls(folder=folder, mark=hashlib.sha256(named.encode()).hexdigest()[:16])

    def read(self, product: ProductType, now: datetime) -> Cached | None:
        """A type's list no older than a day; None where there is none, or none that can be understood."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads(self._path(product).read_text("utf-8"))
            read_at = datetime.fromisoformat(document["read_at"])
            if document["format"] == FORMAT and timedelta(0) <= now - read_at < MAX_AGE:
                return Cached(read_at=read_at, choices=tuple(_choice(product, row) for row in document["choices"]))
        return None

    def write(self, product: ProductType, cached: Cached) -> None:
        """Keep a list, readable by the owner only. A cache that cannot be written is none."""
        from runner.core.files import private_folder, replace_atomically

        rows = [
            [c.field, c.value, c.name, c.alpha3, c.detail, [list(pair) for pair in c.within]] for c in cached.choices
        ]
        text = json.dumps(
            {"format": FORMAT, "read_at": cached.read_at.astimezone(UTC).isoformat(), "choices": rows}, indent=0
        )
        with suppress(OSError):
            private_folder(self.folder)
            replace_atomically(self._path(product), text.encode())

    def _path(self, product: ProductType) -> Path:
        return self.folder / f"{self.mark}-{product}.json"


def _choice(product: ProductType, row: list[Any]) -> Choice:
    field, value, name, alpha3, detail, within = row
    if not (isinstance(field, str) and isinstance(name, str) and type(value) in (int, str)):
        raise TypeError("not what was written")
    pairs = tuple((str(under), chosen) for under, chosen in within)
    return Choice(type=product, field=field, value=value, name=name, alpha3=alpha3, detail=detail, within=pairs)
