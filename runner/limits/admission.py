"""Whether a call may act for an account: the name is one the ledger knows, and the key is that account's own.

The ledger remembers purchases by account name. Under another name it has forgotten them, and with another key it
remembers those of somebody else: both would buy again, or not at all, without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from runner.core.clock import rfc3339
from runner.core.errors import AccountUnknown, KeyChanged, KeyOfAnother
from runner.core.identity import AccountKey, Identity, Register
from runner.core.ledger import Hold, Ledger
from runner.core.progress import Notice, Watch

_NAMES: Final = 10
"""How many accounts a message names."""


def admit(
    ledger: Ledger, hold: Hold, identity: Identity, *, at: datetime, who: str, watch: Watch, new: bool = False
) -> None:
    """Let the call go on with its account; a key that the ledger does not know yet is entered first, durably.

    `new`: the name may be one that the ledger does not know. Raises as `check_key` does.
    """
    account, had_name = ledger.account, False

    def missing(register: Register) -> AccountKey | None:
        nonlocal had_name
        had_name = account in register.names
        if check_key(account, register, identity, new=new):
            return None
        return identity.entry(account, register.next_number, at=at, who=who)

    if _enter(ledger, hold, missing) and had_name:
        watch(Notice(text=f"the ledger had no API key for account {account}: from now on this one is its own"))


def enter_account(ledger: Ledger, hold: Hold, identity: Identity | None, *, at: datetime, who: str) -> bool:
    """Make the ledger's account known to it, by a person's word, with its key where there is one.

    False where it was known, with this key where one is given. Raises `KeyOfAnother`, `KeyChanged`, and
    `AccountUnknown` for a name that differs from another only in letter case.
    """
    account = ledger.account

    def missing(register: Register) -> AccountKey | None:
        if identity is not None:
            known = check_key(account, register, identity, new=True)
            return None if known else identity.entry(account, register.next_number, at=at, who=who)
        check_name(account, register, new=True)
        if account in register.names:
            return None
        return AccountKey(account=account, n=register.next_number, at=at, who=who)

    return _enter(ledger, hold, missing)


def rotate(ledger: Ledger, hold: Hold, identity: Identity, *, at: datetime, who: str) -> bool:
    """Make this key the account's own from now on, by a person's word; False where it is. Raises `check_rotation`'s."""
    account = ledger.account

    def missing(register: Register) -> AccountKey | None:
        if not check_rotation(account, register, identity):
            return None
        return identity.entry(account, register.next_number, at=at, who=who)

    return _enter(ledger, hold, missing)


def check_rotation(account: str, register: Register, identity: Identity) -> bool:
    """Whether this key would be a new one for the account.

    Raises `AccountUnknown` where the ledger does not have the account, `KeyOfAnother` for a key that another one has
    now: a key that it had once may have been given to it by mistake.
    """
    if account not in register.names:
        check_name(account, register)
        raise AccountUnknown(f"the ledger has no account {account}, and no other", hint="there is no key to rotate")
    if _is(identity, register.last(account)):
        return False
    others = (register.last(name) for name in sorted(register.names))
    refuse_key_of_another(account, tuple(entry for entry in others if entry), identity)
    return True


def _enter(ledger: Ledger, hold: Hold, missing: Callable[[Register], AccountKey | None]) -> bool:
    """Enter what is missing; asked again where somebody else entered something in the meantime."""
    while (entry := missing(ledger.register())) is not None:
        if hold.enter_key(entry):
            return True
    return False


def check_key(account: str, register: Register, identity: Identity, *, new: bool = False) -> bool:
    """Whether the register has this key for the account; False where it has none yet, and this one may be entered.

    Raises `KeyOfAnother`, `KeyChanged`, or what `check_name` does.
    """
    last = register.last(account)
    if _is(identity, last):
        return True
    refuse_key_of_another(account, register.entries, identity)
    if last is not None:
        raise _change(account, register, last, identity)
    check_name(account, register, new=new)
    return False


def refuse_key_of_another(account: str, entries: tuple[AccountKey, ...], identity: Identity) -> None:
    """`KeyOfAnother` where one of these entries is another account's, and made with this key, at whatever address."""
    for entry in entries:
        if entry.account != account and identity.has_key_of(entry):
            raise KeyOfAnother(
                f"this API key is account {entry.account}'s in the ledger, and the call names {account}: under that "
                "name everything would be bought again",
                hint=f"pass --account {entry.account}, or the key of {account}",
            )


def require_entered(account: str, register: Register) -> None:
    """`AccountUnknown` where a ledger has no account at all; of one that has others, `check_key` tells more."""
    if not register.names:
        raise AccountUnknown(
            f"the ledger has no account yet, and in CI none is made by a purchase: {account} may be a wrong ledger's",
            hint=f"if this is the right ledger, enter it once: order-runner ledger init --account {account}",
        )


def check_name(account: str, register: Register, *, new: bool = False) -> None:
    """`AccountUnknown` where the ledger has others, but not this one; with `new` only where one is spelled alike."""
    if account in register.names or not register.names:
        return
    alike = next((name for name in sorted(register.names) if name.casefold() == account.casefold()), None)
    if alike is not None:
        raise AccountUnknown(
            f"the ledger has no account {account}, but {alike}, which differs only in letter case",
            hint=f"pass --account {alike}",
        )
    if not new:
        raise AccountUnknown(
            f"the ledger has no account {account}; it has {_list(register.names)}: under a new name everything "
            "would be bought again",
            hint="name the account with --account or ORDER_RUNNER_ACCOUNT; if it is one more, say so first: "
            f"order-runner ledger init --account {account}",
        )


def _is(identity: Identity, last: AccountKey | None) -> bool:
    """Whether an account's last entry is this key, at this address."""
    return last is not None and last.address == identity.address and identity.has_key_of(last)


def _list(names: frozenset[str]) -> str:
    shown = sorted(names)[:_NAMES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _change(account: str, register: Register, last: AccountKey, identity: Identity) -> KeyChanged:
    since = f"entered {rfc3339(last.at)} by {last.who}"
    if identity.has_key_of(last):
        return KeyChanged(
            f"account {account} is known to the ledger at {last.address} ({since}), and this call goes to "
            f"{identity.address}",
            hint=f"if the vendor moved, say so, with this address: order-runner ledger rekey --account {account}",
        )
    own = (entry for entry in register.entries if entry.account == account)
    earlier = "an earlier API key of" if any(map(identity.has_key_of, own)) else "not the API key of"
    return KeyChanged(
        f"this is {earlier} account {account}; its last was {since}",
        hint=f"if the key was rotated, say so, with this key: order-runner ledger rekey --account {account}; "
        "if it is another account's, give that one a name of its own with --account",
    )
