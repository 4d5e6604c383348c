"""What may be bought at most, and how strictly manifests are read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.cli.options.command import Origins, option, option_class
from runner.cli.options.common import lockfile_option
from runner.cli.options.types import Amount, Count
from runner.run.environment import origins_of

if TYPE_CHECKING:
    from runner.limits.limits import Limits
    from runner.limits.policy import Policy


def policy_option() -> Any:
    """`--policy PATH`: a policy beside those that are found."""
    return option(
        "--policy",
        metavar="PATH",
        help="A policy that applies besides every order-runner.yaml from here and the manifests upwards.",
    )


def require_policy_option() -> Any:
    """`--require-policy`: none at all is refused."""
    return option("--require-policy", is_flag=True, help="Refuse unless some policy applies.")


@option_class
class LimitOptions:
    """What may be bought, in USD and orders, and how the manifests are read."""

    max_spend: Decimal | None = option(
        "--max-spend", type=Amount(), metavar="AMOUNT", help="Refuse a batch that costs more than this, in USD."
    )
    max_orders: int | None = option(
        "--max-orders",
        type=Count(),
        metavar="N",
        help="Refuse a batch that would buy more orders than this.",
    )
    large: Decimal | None = option(
        "--large",
        type=Amount(),
        metavar="AMOUNT",
        help="Accept an order of up to this price, even if it is over ten times the most expensive one so far.",
    )
    policy: str | None = policy_option()
    require_policy: bool = require_policy_option()
    keep_going: bool = option("--keep-going", is_flag=True, help="Buy the others even if some orders are refused.")
    strict: bool = option("--strict", is_flag=True, help="Warnings are errors.")
    allow_copies: bool = option(
        "--allow-copies", is_flag=True, help="Buy orders identical to ones that are bought and still run."
    )
    lockfile: Path | None = lockfile_option()
    strict_account: bool | None = option(
        "--strict-account/--no-strict-account",
        default=None,
        help="Refuse orders that look like one the vendor has and the ledger does not know, or renamed. "
        "[on with CI, else off]",
    )


def limits_of(options: LimitOptions, origins: Origins) -> Limits:
    """The limits of a call, but for those of its policies."""
    from runner.limits.limits import Limits

    return Limits(
        max_spend=options.max_spend,
        max_orders=options.max_orders,
        large=options.large,
        keep_going=options.keep_going,
        strict=options.strict,
        require_policy=options.require_policy,
        allow_copies=options.allow_copies,
        origins=origins_of(origins.environment),
    )


def policies_line(policies: Sequence[Policy]) -> str:
    """Which policies hold, for `-v`."""
    if not policies:
        return "policy: none"
    return "policy: " + ", ".join(os.path.relpath(policy.path) for policy in policies)
