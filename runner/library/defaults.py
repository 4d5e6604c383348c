"""What a call of the library takes from the environment where its program says nothing: as a command line would.

So a program and a command beside it have the same ledger, and what narrows or forbids a purchase there does so here.
What loosens one (`KEEP_GOING`, `LARGE`, `YES`) is not read: a program says itself what it allows.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from runner.core.errors import UsageError
from runner.limits.limits import Limits
from runner.manifest.selection import EVERYTHING, Selection, label_of
from runner.run import environment
from runner.run.settings import Settings


def settings(said: Settings) -> Settings:
    """Where and how. UsageError where the sandbox is wanted and another account is named."""
    if environment.flag("SANDBOX"):
        if said.ledger or said.account or said.base_url or said.api_key or said.api_key_file:
            raise UsageError(
                "ORDER_RUNNER_SANDBOX is set, and the program names another account",
                hint="unset it, or leave name, ledger, base_url and key out",
            )
        return replace(said, sandbox=True)
    file = environment.text("API_KEY_FILE")
    return replace(
        said,
        ledger=said.ledger or environment.text("LEDGER"),
        account=said.account or environment.text("ACCOUNT"),
        base_url=said.base_url or os.environ.get("PROXY_SELLER_BASE_URL") or None,
        api_key_file=said.api_key_file or (Path(file) if file else None),
        rate=environment.count("RATE") if said.rate is None else said.rate,
    )


def limits(said: Limits) -> Limits:
    """What may be bought at most, and how each limit is called where it refuses."""
    spend, orders = environment.amount("MAX_SPEND"), environment.count("MAX_ORDERS")
    names = {
        "--max-spend": "ORDER_RUNNER_MAX_SPEND" if said.max_spend is None else "max_spend",
        "--max-orders": "ORDER_RUNNER_MAX_ORDERS" if said.max_orders is None else "max_orders",
        "--large": "large",
    }
    return replace(
        said,
        max_spend=spend if said.max_spend is None else said.max_spend,
        max_orders=orders if said.max_orders is None else said.max_orders,
        origins={**names, **said.origins},
    )


def selection(said: Selection) -> Selection:
    """Which orders. Several are separated by blanks."""
    if said != EVERYTHING:
        return said
    only, exclude, labels = ((environment.text(name) or "").split() for name in ("ONLY", "EXCLUDE", "LABEL"))
    return Selection(only=tuple(only), exclude=tuple(exclude), labels=tuple(map(label_of, labels)))


def strict_account(said: bool | None) -> bool | None:
    """Whether orders that look bought are refused; None is the default of the command line."""
    return environment.flag("STRICT_ACCOUNT") if said is None else said


def refuse_dry_run() -> None:
    """UsageError for a purchase where the environment wants none made."""
    if said := environment.text("DRY_RUN"):
        raise UsageError(
            f"ORDER_RUNNER_DRY_RUN is {said}: nothing is bought here", hint="make a plan instead, or unset it"
        )
