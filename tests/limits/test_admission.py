"""Which name and key may act for an account of a ledger: every pair that does not belong together is refused."""

from __future__ import annotations

import pytest

from runner.core.errors import AccountUnknown, KeyChanged, KeyOfAnother, NotThisAccount
from runner.core.identity import AccountKey, Identity, Register
from runner.core.secrets import ApiKey
from runner.limits.admission import check_key, check_name, check_rotation
from tests import make

HERE = "proxy-seller.com/personal/api/v1"
OLD, KEY, BETA, NEW = "OldOldOldOldOld1", "AcmeAcmeAcmeAcme", "BetaBetaBetaBeta", "NewNewNewNewNew1"
STRANGE = "StrangeStrange12"


def identity(key: str, address: str = HERE) -> Identity:
    return Identity(address=address, key=ApiKey(key))


def registered(*pairs: tuple[str, str], names: tuple[str, ...] = ()) -> Register:
    """A register in which these keys were entered for these accounts, in this order."""
    entries = tuple(
        identity(key).entry(account, n, at=make.AT, who="run 1") for n, (account, key) in enumerate(pairs, 1)
    )
    return Register(names=frozenset((*names, *(account for account, _ in pairs))), entries=entries)


TWO = registered(("acme", OLD), ("acme", KEY), ("beta", BETA))


@pytest.mark.parametrize(
    ("name", "key", "refusal"),
    [
        ("acme", KEY, None),
        ("beta", BETA, None),
        ("default", KEY, KeyOfAnother),
        ("default", OLD, KeyOfAnother),
        ("beta", KEY, KeyOfAnother),
        ("acme", BETA, KeyOfAnother),
        ("acme", OLD, KeyChanged),
        ("acme", NEW, KeyChanged),
        ("default", NEW, AccountUnknown),
        ("Acme", NEW, AccountUnknown),
        ("ACME", KEY, KeyOfAnother),
    ],
)
def test_name_and_key_belong_together(name: str, key: str, refusal: type[NotThisAccount] | None) -> None:
    """Only an account's own last key is taken; the refusal says which of the three it is, and the way out."""
    if refusal is None:
        assert check_key(name, TWO, identity(key))
        return
    with pytest.raises(refusal) as caught:
        check_key(name, TWO, identity(key))
    assert caught.value.hint
    assert key not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize(("name", "key"), [("default", KEY), ("beta", KEY), ("default", OLD), ("Acme", NEW)])
def test_a_new_account_is_no_way_around(name: str, key: str) -> None:
    """Even where the name is meant to be new, a known key or a name that differs only in letter case is refused."""
    with pytest.raises(NotThisAccount):
        check_key(name, TWO, identity(key), new=True)


def test_a_new_account_may_be_entered() -> None:
    """A new name with a new key goes where it is meant, and into a ledger that has no account yet."""
    assert not check_key("gamma", TWO, identity(NEW), new=True)
    assert not check_key("gamma", Register(), identity(NEW))


def test_a_known_name_without_a_key_takes_the_first() -> None:
    """An account of a ledger from before keys were kept takes the key of its next run, unless another has that."""
    register = registered(("beta", BETA), names=("acme",))
    assert not check_key("acme", register, identity(KEY))
    with pytest.raises(KeyOfAnother):
        check_key("acme", register, identity(BETA))


def test_another_address_is_another_account() -> None:
    """The account's own key at another address is refused, and the message names both."""
    with pytest.raises(KeyChanged, match=r"proxy-seller\.com/personal/api/v1 .* mirror\.example/v1"):
        check_key("acme", TWO, identity(KEY, "mirror.example/v1"))


def test_another_address_is_no_way_around() -> None:
    """The key of one account is refused under another name at whatever address."""
    with pytest.raises(KeyOfAnother):
        check_key("gamma", TWO, identity(KEY, "mirror.example/v1"), new=True)


def test_the_accounts_there_are_get_named() -> None:
    """An unknown name is answered with the known ones, of many with the first."""
    with pytest.raises(AccountUnknown, match=r"no account default; it has acme, beta:"):
        check_name("default", TWO)
    many = Register(names=frozenset(f"a{n:02}" for n in range(12)))
    with pytest.raises(AccountUnknown, match=r"it has a00, .*a09 and 2 more"):
        check_name("default", many)
    check_name("acme", TWO)
    check_name("default", Register())


@pytest.mark.parametrize(
    ("name", "key", "answer"),
    [
        ("acme", NEW, True),
        ("acme", KEY, False),
        ("acme", OLD, True),
        ("beta", OLD, True),
        ("acme", BETA, KeyOfAnother),
        ("beta", KEY, KeyOfAnother),
        ("gamma", NEW, AccountUnknown),
    ],
)
def test_a_rotation_takes_no_key_that_another_account_has(
    name: str, key: str, answer: bool | type[NotThisAccount]
) -> None:
    """A person may give an account any key but the present one of another; what one had once may be given back."""
    if isinstance(answer, bool):
        assert check_rotation(name, TWO, identity(key)) is answer
        return
    with pytest.raises(answer):
        check_rotation(name, TWO, identity(key))


def test_nothing_is_rotated_in_an_empty_ledger() -> None:
    """A ledger without accounts has no key that could have been rotated."""
    with pytest.raises(AccountUnknown, match="and no other"):
        check_rotation("acme", Register(), identity(KEY))


def test_an_entry_without_a_key_counts_as_the_name_only() -> None:
    """A name that a person entered is known; it has no key that could be another's."""
    named = AccountKey(account="acme", n=1, at=make.AT, who="alice")
    register = Register(names=frozenset({"acme"}), entries=(named,))
    assert not check_key("acme", register, identity(KEY))
    with pytest.raises(AccountUnknown):
        check_key("beta", register, identity(KEY))
