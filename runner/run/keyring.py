"""Whose key this call would use, told without asking the vendor: to compare it with what a ledger knows."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.core.errors import AccountUnknown, NotThisAccount, UsageError
from runner.core.identity import Identity, Register
from runner.core.leading import leading_there
from runner.core.ledger import Hold, Ledger
from runner.limits import admission
from runner.run import environment
from runner.run.settings import DEFAULT_BASE_URL, Settings, read_key

if TYPE_CHECKING:
    from runner.core.records import Holder


def identity_of(settings: Settings) -> Identity:
    """The key, and the address it would be sent to. UsageError where there is none, or where either cannot be one."""
    from runner.vendors.base_url import address_of, check_base_url

    base_url = check_base_url(settings.base_url or DEFAULT_BASE_URL)
    return Identity(address=address_of(base_url), key=read_key(settings))


def objection(ledger: Ledger, settings: Settings, flags: str) -> NotThisAccount | None:
    """What would stop a purchase under this name with the key of the environment; None where nothing would, or no key.

    For calls that ask the vendor nothing and need no key; `flags` are those that lead to this ledger. Raises
    AccountUnknown where the ledger has others only.
    """
    register = ledger.register()
    with leading_there(flags):
        admission.check_name(ledger.account, register)
    identity = None if settings.sandbox else _in_environment(settings, ledger.account, register)
    try:
        if identity is not None:
            with leading_there(flags):
                admission.check_key(ledger.account, register, identity)
    except AccountUnknown:
        raise
    except NotThisAccount as error:
        return error
    return None


def _in_environment(settings: Settings, account: str, register: Register) -> Identity | None:
    """The key that variables name. Where none names an address, an option of another call may: it does not count."""
    file, base_url = environment.text("--api-key-file"), os.environ.get("PROXY_SELLER_BASE_URL")
    whole = replace(
        settings,
        api_key_file=settings.api_key_file or (Path(file) if file else None),
        base_url=settings.base_url or base_url or None,
    )
    with suppress(UsageError):
        identity = identity_of(whole)
        last = register.last(account)
        address = last.address if last and whole.base_url is None else None
        return replace(identity, address=address or identity.address)
    return None


def rekey(
    ledger: Ledger, identity: Identity, holder: Holder, *, who: str, lock_timeout: float, confirm: Callable[[], None]
) -> bool:
    """Put on record that the account's key was rotated; False where it is the account's already.

    `confirm` is asked before the account is held, if there is something to record, and raises where it is not meant.
    Raises as `admission.check_rotation` does.
    """
    if not admission.check_rotation(ledger.account, ledger.register(), identity):
        return False
    confirm()
    with ledger.hold(holder, timeout=lock_timeout) as hold:
        return admission.rotate(ledger, hold, identity, at=holder.since, who=who)


def enter(ledger: Ledger, hold: Hold, identity: Identity | None, *, holder: Holder, who: str) -> bool:
    """Enter the ledger's account on purpose, with its key where that is at hand; False where nothing was to be done."""
    return admission.enter_account(ledger, hold, identity, at=holder.since, who=who)
