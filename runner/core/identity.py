"""Which accounts a ledger has, and whose key each is: names alone do not tell two accounts of the vendor apart."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from runner.core.secrets import ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKey:
    """One entry of a ledger's register of accounts. An account's last one counts; the others are its history.

    `n` counts the entries of all accounts, from 1. `digest` is what `ApiKey.digest` makes of `salt` and `address`;
    all three are None where a person entered the name before its key was known. `who` is a person or a run.
    """

    account: str
    n: int
    at: datetime
    who: str
    salt: str | None = None
    digest: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The accounts of a ledger: every name that it knows, and every key that was entered, oldest first."""

    names: frozenset[str] = frozenset()
    entries: tuple[AccountKey, ...] = ()

    def last(self, account: str) -> AccountKey | None:
        """What counts for an account now; None where its key was never known."""
        known = (entry for entry in reversed(self.entries) if entry.account == account and entry.digest is not None)
        return next(known, None)

    @property
    def next_number(self) -> int:
        """The `n` of the next entry: free as long as nobody has entered one since this was read."""
        return max((entry.n for entry in self.entries), default=0) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose account a call speaks for: the vendor's address, in its one spelling, and the key that is sent there.

    The key is compared with what a ledger has, and never told.
    """

    address: str
    key: ApiKey

    def has_key_of(self, entry: AccountKey) -> bool:
        """Whether an entry was made with this very key, whatever the address."""
        if entry.salt is None or entry.address is None:
            return False
        return self.key.digest(entry.salt, entry.address) == entry.digest

    def entry(self, account: str, n: int, *, at: datetime, who: str) -> AccountKey:
        """A new entry, with a salt of its own."""
        salt = secrets.token_hex(16)
        digest = self.key.digest(salt, self.address)
        return AccountKey(account=account, n=n, at=at, who=who, salt=salt, digest=digest, address=self.address)
