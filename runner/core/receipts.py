"""A receipt: the line that the comment of a proxy has at the vendor, so that its order can be told without a ledger.

Plain ASCII without angle brackets, because the vendor takes HTML tags out (docs/vendor/api-v1.md#comments):
`order-runner receipt or1 3f2a9c01 crawl/fr-prices 9e107d9d372b 5d41402abc4b`: the account, the key, the fingerprint and
the claim. Anybody who has the account can copy or forge one: see docs/decisions/0023-receipts.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

MARK: Final = "order-runner receipt or1 "
LONGEST: Final = 256
"""Characters that the vendor keeps of a comment."""

NO_KEY: Final = "-"
_CUT: Final = "~"
_FORM: Final = re.compile(r"order-runner receipt or1 ([0-9a-f]{8}) ([!-~]+) ([0-9a-f]{12}) ([0-9a-f]{12})")
_KEPT: Final = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a receipt says: the digest of the account's name, the key, the beginnings of fingerprint and claim id.

    `key` is as it is written: `-` where names are private, cut behind `~` where it is too long.
    """

    account: str
    key: str
    fingerprint: str
    claim: str

    @classmethod
    def of(cls, account: str, key: str, fingerprint: str, claim: str, *, id_only: bool = False) -> Self:
        """The receipt of an order. `claim` is the hash of the event that began its purchase in the ledger."""
        room = LONGEST - len(MARK) - len(" ") * 3 - 8 - 12 - 12
        name = NO_KEY if id_only else key if len(key) <= room else key[: room - 1] + _CUT
        return cls(
            account=account_digest(account),
            key=name,
            fingerprint=fingerprint.removeprefix("sha256:")[:12],
            claim=claim[:12],
        )

    @property
    def text(self) -> str:
        """The line itself."""
        return f"{MARK}{self.account} {self.key} {self.fingerprint} {self.claim}"

    def means(self, key: str, fingerprint: str) -> bool:
        """Whether it is of an order with this key and this content, as far as it says."""
        return self.names(key) and fingerprint.removeprefix("sha256:").startswith(self.fingerprint)

    def names(self, key: str) -> bool:
        """Whether it may be of this key: one without a name may be of any."""
        if self.key.endswith(_CUT):
            return key.startswith(self.key[:-1])
        return self.key in (NO_KEY, key)


def digests_of(accounts: Iterable[str]) -> frozenset[str]:
    """What stands for each of these names."""
    return frozenset(map(account_digest, accounts))


def account_digest(account: str) -> str:
    """What stands for an account's name: 8 hexadecimal digits. It outlives the ledger, and tells nobody the name."""
    return hashlib.sha256(f"order-runner account\n{account}".encode()).hexdigest()[:8]


def parse(comment: str) -> Receipt | None:
    """The receipt that a comment is; None for anything else, a changed one included."""
    match = _FORM.fullmatch(comment.strip())
    return match and Receipt(account=match[1], key=match[2], fingerprint=match[3], claim=match[4])


def is_same(comment: str, text: str) -> bool:
    """Whether a comment is this text, or what is left of it where the vendor kept only letters and digits."""
    return comment.strip() == text or (bool(comment) and _KEPT.sub("", comment) == _KEPT.sub("", text))
