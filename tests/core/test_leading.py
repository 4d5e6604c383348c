"""Suggested commands, with the flags of the call that suggests them."""

import pytest

from runner.core.leading import with_flags

PLACE = " --ledger a.ledger --account team"


@pytest.mark.parametrize(
    ("text", "flags", "expected"),
    [
        ("`order-runner status`", PLACE, f"`order-runner status{PLACE}`"),
        ("run `order-runner ledger import EXPORT`", PLACE, f"run `order-runner ledger import{PLACE} EXPORT`"),
        ("order-runner ledger init --account main", PLACE, f"order-runner ledger init{PLACE}"),
        (
            "order-runner ledger init --account main",
            " --ledger x",
            "order-runner ledger init --ledger x --account main",
        ),
        ("`order-runner status`", "", "`order-runner status`"),
        (f"`order-runner status{PLACE}`", PLACE, f"`order-runner status{PLACE}`"),
        ("`order-runner ledger import EXPORT`", " --sandbox", "`order-runner ledger import EXPORT`"),
        ("`order-runner reference ipv4`", PLACE, "`order-runner reference ipv4`"),
    ],
)
def test_commands_that_know_ledgers_get_the_flags_once(text: str, flags: str, expected: str) -> None:
    """Behind the command, in place of an account that it names; other commands, and those that have them, stay."""
    assert with_flags(text, flags) == expected
