"""The documents on settling orders in doubt say what the code does."""

from __future__ import annotations

from pathlib import Path

from runner.core.ci import ANY_ACTOR
from runner.core.provenance import LONGEST, PEOPLE
from runner.evidence.judge import SETTLE_AFTER, SETTLE_AFTER_MOBILE
from runner.settle.reconcile import PAUSES

DOCS = Path(__file__).resolve().parents[2] / "docs"
LIFE = " ".join((DOCS / "explanation" / "life-of-an-order.md").read_text(encoding="utf-8").split())
CLI = " ".join((DOCS / "cli.md").read_text(encoding="utf-8").split())


def test_the_waiting_times_are_those_of_the_judge() -> None:
    """Both pages name the waiting times that the judge keeps."""
    minutes, hours = SETTLE_AFTER.total_seconds() / 60, SETTLE_AFTER_MOBILE.total_seconds() / 3600
    assert f"{minutes:g} minutes, {hours:g} hours for mobile orders" in LIFE
    assert f"| {minutes:g}m, mobile {hours:g}h |" in CLI


def test_the_pauses_are_those_of_the_loop() -> None:
    """The command's page names the first and the last pause between two looks."""
    assert (PAUSES[0], PAUSES[-1]) == (5.0, 60.0)
    assert "pauses that grow from 5 s to a minute" in CLI


def test_the_names_are_those_that_are_asked() -> None:
    """The command's page names every variable that tells who somebody is, in the order in which they are asked."""
    assert ", ".join(f"`{name}`" for name in (*ANY_ACTOR, *PEOPLE)) in CLI
    assert LONGEST == {"actor": 100, "commit": 100, "ref": 200, "job": 500}
    assert "at most 100 long (ref 200, job 500)" in CLI
