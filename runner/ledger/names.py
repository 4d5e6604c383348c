"""What an account may be called in a ledger."""

from __future__ import annotations

import re

from runner.core.errors import UsageError


def check_account(account: str) -> None:
    """UsageError for an account name that cannot be part of a file name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", account):
        raise UsageError(
            f"{account!r} is not an account name", hint="1 to 63 of A-Z a-z 0-9 . _ -, beginning with a letter or digit"
        )
