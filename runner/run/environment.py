"""What the environment says: every option `--x-y` as `ORDER_RUNNER_X_Y`.

A command line reads the variables through its options. Programs, which have none, read them here where they say nothing
themselves: so both have the same ledger, and what narrows or forbids a purchase does so for both. What loosens one
(`KEEP_GOING`, `LARGE`, `YES`) is not read for a program, which says itself what it allows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from runner.core.errors import UsageError
from runner.run.settings import AUTO, DAY, MOST_JOBS

if TYPE_CHECKING:
    from runner.core.selection import Selection
    from runner.limits.limits import Limits
    from runner.run.settings import Settings

PREFIX: Final = "ORDER_RUNNER_"
BASE_URL: Final = "PROXY_SELLER_BASE_URL"
OPTIONS: Final = frozenset(
    [
        "absent",
        "accept-possible-second-purchase",
        "account",
        "all",
        "allow-copies",
        "allow-short-money-timeout",
        "api-key-file",
        "approve",
        "as",
        "balance",
        "check",
        "ci",
        "country",
        "detailed-exitcode",
        "dry-run",
        "ending",
        "exclude",
        "exclusive",
        "expect-nothing",
        "fail-fast",
        "fault",
        "force",
        "format",
        "gap",
        "jobs",
        "keep-going",
        "kind",
        "label",
        "large",
        "ledger",
        "lock-timeout",
        "lockfile",
        "logins",
        "max-age",
        "max-orders",
        "max-spend",
        "money-timeout",
        "no-color",
        "no-input",
        "no-note",
        "not-mine",
        "offline",
        "online",
        "only",
        "out",
        "output",
        "partial",
        "placed",
        "policy",
        "port",
        "pre-commit",
        "quiet",
        "rate",
        "reason",
        "refresh",
        "report",
        "require-policy",
        "reset",
        "sandbox",
        "settle-after",
        "state",
        "strict",
        "strict-account",
        "switch",
        "template",
        "timeout",
        "trust-file-system",
        "type",
        "update",
        "verbose",
        "verify",
        "vscode",
        "wait",
        "yes",
    ]
)
"""Every long option of every command, without its dashes: what a variable of ours can be named after."""

MOST: Final = 1_000_000
"""What a whole number may be at most: more orders, or requests in a minute, cannot be meant."""
SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")
_OURS: Final = re.compile(r"ORDER_?RUNNER_.*", re.IGNORECASE)
_KEYS: Final = ("PROXY_SELLER_API_KEY", "PROXY_SELLER_API_KEY_FILE")
_TESTS: Final = "ORDER_RUNNER_TEST_"
"""What the project's own tests are told by."""
_SERVICE: Final = re.compile(r"(.+)_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_\w+)?)")
"""What Kubernetes sets in every pod for a service (kubernetes.io/docs/concepts/services-networking/service)."""
_YES: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_NO: Final = frozenset({"0", "false", "f", "no", "n", "off"})
_NAMING: Final = {"max_spend": "--max-spend", "max_orders": "--max-orders", "large": "--large"}
"""Limits that are named where they refuse, by field: each as its option, unless it was given by another name."""


def variable(option: str) -> str:
    """`ORDER_RUNNER_MAX_SPEND` for `--max-spend`."""
    return PREFIX + option.removeprefix("--").replace("-", "_").upper()


def check(environ: Mapping[str, str] = os.environ) -> None:
    """UsageError for a variable of ours that no option has, or that is empty: a limit it should set would be none."""
    for name in sorted(filter(_is_ours, environ)):
        if name not in variables() and not _is_of_a_service(name, environ):
            raise UsageError(f"{name} is no variable of order-runner", hint=_way_out(name))
        if name in variables() and not environ[name].strip():
            raise UsageError(
                f"{name} is set and empty: nothing is taken for a limit, a place or a yes",
                hint="give it a value, or unset it; in CI, look whether the variable or secret it is made from exists",
            )


def _is_ours(name: str) -> bool:
    return (_OURS.fullmatch(name) is not None and not name.startswith(_TESTS)) or name == BASE_URL or _is_meant(name)


def _is_meant(name: str) -> bool:
    """Whether a name is one of ours but for its separators, or a slip in what all of ours begin with."""
    letters = _letters(name)
    if name in _KEYS or not any(part in letters for part in ("ORDER", "RUNNER", "PROXYSELLER")):
        return False
    if letters in map(_letters, (BASE_URL, *_KEYS)):
        return True
    beginnings = [letters.removesuffix(own) for own in map(_letters, OPTIONS) if letters.endswith(own)]
    return any(_is_slip(beginning, _letters(PREFIX)) for beginning in beginnings)


def _letters(name: str) -> str:
    return re.sub("[^A-Z]", "", name.upper())


def _is_slip(text: str, word: str) -> bool:
    """Whether a text is the word with at most one letter too many, too few or wrong, or two exchanged."""
    while text and word and text[0] == word[0]:
        text, word = text[1:], word[1:]
    while text and word and text[-1] == word[-1]:
        text, word = text[:-1], word[:-1]
    return max(len(text), len(word)) <= 1 or (len(text) == 2 and text == word[::-1])


def variables() -> frozenset[str]:
    """Every variable that an option has."""
    return frozenset(map(variable, OPTIONS)) | {BASE_URL}


def _is_of_a_service(name: str, environ: Mapping[str, str]) -> bool:
    match = _SERVICE.fullmatch(name)
    return match is not None and f"{match[1]}_SERVICE_HOST" in environ


def _way_out(name: str) -> str:
    from runner.core.nearest import nearest

    fold, likeness = (_letters, 0.85) if _is_meant(name) else (_own_part, 0.6)
    meant = nearest(name, sorted((*variables(), *_KEYS)), most=1, likeness=likeness, fold=fold)
    return (f"did you mean {meant[0]}? " if meant else "") + "A variable is ORDER_RUNNER_ and an option's name"


def _own_part(name: str) -> str:
    return re.sub("^(ORDER_?RUNNER|PROXY_SELLER)_", "", name.upper())


def amount_of(text: str) -> Decimal:
    """A sum of money from 0 with at most two decimals. ValueError for anything else."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", text):
        raise ValueError(f"{text!r} is not an amount: write it like 120 or 120.00")
    return Decimal(text)


def count_of(text: str) -> int:
    """A whole number from 0 to `MOST`. ValueError for anything else."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > MOST:
        raise ValueError(f"{text!r} is not a whole number from 0 to {MOST:,}")
    return int(text)


def text(option: str) -> str | None:
    """The variable of an option; None where it is not set or empty."""
    return os.environ.get(variable(option)) or None


def amount(option: str) -> Decimal | None:
    """The variable of an option as a sum of money. UsageError for anything else."""
    value = text(option)
    try:
        return None if value is None else amount_of(value)
    except ValueError as error:
        raise UsageError(f"{variable(option)}: {error}") from None


def count(option: str) -> int | None:
    """The variable of an option as a whole number from 0. UsageError for anything else."""
    value = text(option)
    try:
        return None if value is None else count_of(value)
    except ValueError as error:
        raise UsageError(f"{variable(option)}: {error}") from None


def flag(option: str) -> bool | None:
    """The variable of an option as yes or no, in the words that a command line takes. UsageError for other words."""
    value = text(option)
    if value is None or value.strip().lower() in _YES | _NO:
        return None if value is None else value.strip().lower() in _YES
    raise UsageError(f"{variable(option)}: {value!r} is neither yes nor no")


def origins_of(names: Mapping[str, str]) -> dict[str, str]:
    """`Limits.origins` of limits that were given by these names: `max_spend` by its variable, say."""
    return {option: names[field] for field, option in _NAMING.items() if field in names}


def settings(base: Settings) -> Settings:
    """Where and how, completed. UsageError where the sandbox is wanted and the program names another account."""
    if flag("--sandbox"):
        if base.ledger is not None or base.account or base.base_url or base.api_key or base.api_key_file:
            raise UsageError(
                "ORDER_RUNNER_SANDBOX is set, but the program names another account",
                hint="unset it, or leave out name, ledger, base_url and key",
            )
        return replace(base, sandbox=True, actor=base.actor or text("--as"))
    file = text("--api-key-file")
    return replace(
        base,
        ledger=text("--ledger") if base.ledger is None else base.ledger,
        account=base.account or text("--account"),
        trusted_file_system=text("--trust-file-system"),
        base_url=base.base_url or os.environ.get(BASE_URL) or None,
        api_key_file=base.api_key_file or (Path(file) if file else None),
        rate=_rate() if base.rate is None else base.rate,
        gap=_seconds("--gap") if base.gap is None else base.gap,
        actor=base.actor or text("--as"),
    )


def jobs(given: int | None) -> int:
    """How many purchases may be in flight at once. UsageError for a number that no run may have."""
    number = count("--jobs") if given is None else given
    if number is None:
        return 1
    if not 1 <= number <= MOST_JOBS:
        raise UsageError(f"jobs={number} is not a number of purchases from 1 to {MOST_JOBS}")
    return number


def _seconds(option: str) -> float | None:
    value = text(option)
    if value is None:
        return None
    if not SECONDS.fullmatch(value) or float(value) > DAY:
        raise UsageError(f"{variable(option)}={value} is not a number of seconds from 0 to {DAY:,}")
    return float(value)


def _rate() -> int | Literal["auto"] | None:
    return AUTO if text("--rate") == AUTO else count("--rate")


def limits(base: Limits) -> Limits:
    """What may be bought at most, completed; each limit is called as it was given, should it refuse."""
    spend, orders = amount("--max-spend"), count("--max-orders")
    names = {
        "max_spend": variable("--max-spend") if base.max_spend is None else "max_spend",
        "max_orders": variable("--max-orders") if base.max_orders is None else "max_orders",
        "large": "large",
    }
    return replace(
        base,
        max_spend=spend if base.max_spend is None else base.max_spend,
        max_orders=orders if base.max_orders is None else base.max_orders,
        require_policy=base.require_policy or bool(flag("--require-policy")),
        origins={**origins_of(names), **base.origins},
    )


def selection(base: Selection) -> Selection:
    """Which orders, where the program selects none itself. Several are separated by blanks."""
    from runner.core.selection import Selection, label_of

    if base:
        return base
    only, exclude, labels = ((text(option) or "").split() for option in ("--only", "--exclude", "--label"))
    return Selection(only=tuple(only), exclude=tuple(exclude), labels=tuple(map(label_of, labels)))


def refuse_dry_run() -> None:
    """UsageError for a purchase where the environment wants none made."""
    if mode := text("--dry-run"):
        raise UsageError(f"ORDER_RUNNER_DRY_RUN is {mode}: nothing may be bought", hint="plan instead, or unset it")
