"""What the HTML report says of statuses and exit codes: the sentences of docs/report.md and docs/exit-codes.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runner.core.orders import WORDS
from runner.views.words import what

STATUSES: Final[Mapping[str, str]] = {
    "unknown": "It may have been charged, and is not settled.",
    "rejected": "The vendor refused it. Nothing was bought.",
    "refused": "A guard of ours said no before money moved.",
    "invalid": "The manifest entry is wrong.",
    "absent": "Settled as not bought.",
    "placed": "Bought in this run.",
    "already_placed": "Bought by an earlier run, with the same content.",
    "planned": "Wanted, and not bought in this run: a plan, a dry run, or the run stopped before it.",
    "skipped": "Disabled in the manifest, or not selected by `--only`, `--exclude` or `--label`.",
}
"""What needs somebody first."""

EXITS: Final[Mapping[int, tuple[str, str]]] = {
    0: (
        "Nothing went wrong: everything wanted is bought, or the command showed what it was asked for.",
        "Nothing.",
    ),
    1: (
        "A fault of `order-runner`. A trace without values is on stderr.",
        "Look at `order-runner status`, then report the fault with the trace.",
    ),
    2: (
        (
            "A bad option or combination, a missing file, no API key, no way to confirm a purchase, a selection that "
            "names nothing, no named ledger in CI, a file that cannot be written."
        ),
        "Read the message; correct the call.",
    ),
    3: (
        "The vendor refused the key, the caller's address or the rate of requests. The three share one answer.",
        "Check the key, its allow-list (IPv6 too), and `--rate`; wait a minute.",
    ),
    4: (
        (
            "A manifest, a policy or the lockfile has errors, a word is not locked or has moved, or a folder holds no "
            "manifest."
        ),
        "`order-runner validate` shows each with its line; findings.md explains the codes.",
    ),
    5: (
        (
            "A guard said no before money moved: a limit, a price, the balance, an approval that does not cover it, an "
            "order changed after its purchase, a ledger that cannot be trusted, a vendor that does not answer."
        ),
        "Read the message; correct or wait, and run again.",
    ),
    6: (
        "Some orders were refused by the vendor or could not be sent. Nothing is unknown.",
        "Look at the findings in the report; correct them and run again.",
    ),
    7: (
        "At least one order of the account may have been charged and is not settled, from this run or an earlier one.",
        (
            "`order-runner reconcile`, or the vendor's dashboard and `order-runner resolve`. Do not buy it again by "
            "hand first."
        ),
    ),
    8: (
        "Stopped by a signal, or not confirmed. The order in flight was finished and recorded.",
        "Run again to buy the rest.",
    ),
    9: ("Another run holds the account.", "Wait for it, or give `--lock-timeout`."),
    10: ("Only `plan --detailed-exitcode`: there is something to buy.", "Buy it, or do not."),
}
"""When a run ends with a code, and what to do then."""


def said(word: str) -> str:
    """A word of the format as one reads it: `already placed`."""
    return word.replace("_", " ")


def wanted(order: Mapping[str, Any]) -> str:
    """What an order is for, as the manifest says it; a word that this version does not know is passed over."""
    known = {word: written for word, written in (order.get("words") or {}).items() if word in WORDS}
    return what(order["type"], order["request"] or {}, known)
