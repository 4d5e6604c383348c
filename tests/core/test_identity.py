"""Whose key it is: compared by digests that tell nothing of it."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from runner.core.identity import AccountKey, Identity, Register
from runner.core.secrets import ApiKey
from tests import make

KEY = "Ab3_dE-9fGh1jKlM"
HERE = "proxy-seller.com/personal/api/v1"


def identity(key: str = KEY, address: str = HERE) -> Identity:
    return Identity(address=address, key=ApiKey(key))


def entry(account: str = "acme", n: int = 1, **changes: str) -> AccountKey:
    return identity(**changes).entry(account, n, at=make.AT, who="run 1")


def test_the_digest_is_the_documented_one() -> None:
    """HMAC-SHA256, keyed by the salt, of the address, a line feed, and the key in lower case."""
    expected = hmac.new(b"00ff", f"{HERE}\n{KEY.lower()}".encode(), hashlib.sha256).hexdigest()
    assert ApiKey(KEY).digest("00ff", HERE) == expected


def test_an_entry_tells_nothing_of_the_key() -> None:
    """No part of the key, in any case, is in an entry, and two entries of one key have nothing in common."""
    first, second = entry(), entry()
    for text in (repr(first), repr(identity())):
        assert KEY.lower() not in text.lower()
        assert KEY[:6].lower() not in text.lower()
    assert first.salt != second.salt
    assert first.digest != second.digest
    assert len(bytes.fromhex(str(first.salt))) == 16


@pytest.mark.parametrize(
    ("key", "address", "is_it"),
    [
        (KEY, HERE, True),
        (KEY.swapcase(), HERE, True),
        (KEY, "elsewhere.example/v1", True),
        (KEY[:-1] + "N", HERE, False),
        (KEY + "x", HERE, False),
    ],
)
def test_a_key_is_found_again(key: str, address: str, is_it: bool) -> None:
    """The key of an entry is recognised in any letter case and at any address, and no other is."""
    assert identity(key, address).has_key_of(entry()) is is_it


def test_a_name_without_a_key_is_nobodys() -> None:
    """An account that was entered before its key was known has the key of nobody."""
    named = AccountKey(account="acme", n=1, at=make.AT, who="alice")
    assert not identity().has_key_of(named)
    assert Register(names=frozenset({"acme"}), entries=(named,)).last("acme") is None


def test_the_last_key_counts() -> None:
    """Of an account's entries the last counts, whoever else entered one since; the next number is free."""
    entries = (entry("acme", 1), entry("beta", 2, key="BetaBetaBeta"), entry("acme", 3, key="AcmeAcmeAcme"))
    register = Register(names=frozenset({"acme", "beta"}), entries=entries)
    assert register.last("acme") == entries[2]
    assert register.last("beta") == entries[1]
    assert register.last("gamma") is None
    assert (register.next_number, Register().next_number) == (4, 1)
