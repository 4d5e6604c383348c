"""What is remembered of the addresses that an order was delivered, so that other ones in their place are noticed.

No address is kept. Of each there are sixteen bits of a salted digest: so many that another address is told from it, but
for one in 65,536, and so few that 65,536 of all IPv4 addresses fit, whoever reads the ledger and its salts.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Final

KEPT_BYTES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the vendor's lists showed of one order, as it was noted last: at `at`, or since then without a change.

    `order_id` is the vendor's. `rows` counts its proxies, `first_end` and `last_end` are the days on which they end.
    `digests` has a text for each address, sorted. Of the last change of addresses, at `changed_at`, `losses` and
    `additions` count them. `moved_at` is when an end was noted that nothing of ours explains.
    """

    order_id: str
    at: datetime
    rows: int
    salt: str
    digests: tuple[str, ...]
    first_end: date | None = None
    last_end: date | None = None
    changed_at: datetime | None = None
    losses: int = 0
    additions: int = 0
    moved_at: datetime | None = None

    @property
    def replacements(self) -> int:
        """How many addresses had come in the place of others."""
        return min(self.losses, self.additions)


def new_salt() -> str:
    """A salt for one order's addresses, which no other order has."""
    return secrets.token_hex(8)


def digests_of(addresses: Iterable[str], salt: str) -> tuple[str, ...]:
    """One text for each address, sorted, so that nothing tells which was which."""
    key = bytes.fromhex(salt)
    digests = (blake2b(address.encode(), digest_size=KEPT_BYTES, key=key) for address in addresses)
    return tuple(sorted(digest.hexdigest() for digest in digests))


def difference(before: Sequence[str], now: Sequence[str]) -> tuple[list[str], list[str]]:
    """The digests of before that are gone, and those of now that are new."""
    earlier, present = Counter(before), Counter(now)
    return sorted((earlier - present).elements()), sorted((present - earlier).elements())
