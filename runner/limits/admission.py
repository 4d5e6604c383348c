"""Whether a call may act for an account: the name is one the ledger knows, and the key is that account's own.

The ledger remembers purchases by account name. Under another name it has forgotten them, and with another key it
remembers those of somebody else: both would buy again, or not at all, without a word.
"""

from __future__ import annotations

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
    account = ledger.account
    register = ledger.register()
    while not check_key(account, register, identity, new=new):
        entered = hold.enter_key(identity.entered(account, register.next_number, at=at, who=who))
        if entered and account in register.names:
            watch(Notice(text=f"the ledger had no API key for account {account}: from now on this one is its own"))
        register = ledger.register()  # with our own entry, or with one that was made since


def check_key(account: str, register: Register, identity: Identity, *, new: bool = False) -> bool:
    """Whether the register has this key for the account; False where it has none yet, and this one may be entered.

    Raises `KeyOfAnother`, `KeyChanged`, or what `check_name` does.
    """
    last = register.last(account)
    if last is not None and last.address == identity.address and identity.has_key_of(last):
        return True
    refuse_key_of_another(account, register.entries, identity)
    if last is not None:
        raise _changed(account, register, last, identity)
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
            f"the ledger has no account {account}; it has {_listed(register.names)}: under a new name everything "
            "would be bought again",
            hint="name the account with --account or ORDER_RUNNER_ACCOUNT; if it is one more, say so first: "
            f"order-runner ledger init --account {account}",
        )


def _listed(names: frozenset[str]) -> str:
    shown = sorted(names)[:_NAMES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _changed(account: str, register: Register, last: AccountKey, identity: Identity) -> KeyChanged:
    since = f"entered {rfc3339(last.at)} by {last.who}"
    if identity.has_key_of(last):
        return KeyChanged(
            f"account {account} is known to the ledger at {last.address} ({since}), and this call goes to "
            f"{identity.address}",
            hint=f"if the vendor moved, say so: order-runner ledger rekey --account {account}",
        )
    own = (entry for entry in register.entries if entry.account == account)
    earlier = "an earlier API key of" if any(map(identity.has_key_of, own)) else "not the API key of"
    return KeyChanged(
        f"this is {earlier} account {account}; its last was {since}",
        hint=f"if the key was rotated, say so: order-runner ledger rekey --account {account}; "
        "if it is another account's, give that one a name of its own with --account",
    )
