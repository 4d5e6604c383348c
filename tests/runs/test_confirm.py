"""What says yes to a purchase, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.errors import Busy, Cancelled, UsageError
from runner.plan.plan import Plan
from runner.run.confirm import confirmation, digest_of

PLAN = Plan(steps=())
DIGEST = "sha256:" + "0a" * 32


def test_a_digest_is_64_digits() -> None:
    """A digest is taken as it is."""
    assert digest_of(DIGEST, name="x", source="y") == DIGEST


@pytest.mark.parametrize(
    "text", ["", "sha256:", DIGEST[:-1], DIGEST + "0", DIGEST.upper(), f" {DIGEST}", DIGEST + "\n"]
)
def test_what_is_no_digest_approves_nothing(text: str) -> None:
    """UsageError, naming the text and who gives a digest."""
    with pytest.raises(UsageError) as raised:
        digest_of(text, name="--approve it", source="that `plan` prints")
    assert str(raised.value) == "--approve it is not a digest"
    assert raised.value.hint == "give the one that `plan` prints: sha256: and 64 hexadecimal digits"


def test_a_yes_that_was_said_before_is_not_asked_for() -> None:
    """Without anybody to ask, the plan is confirmed."""
    confirmation(None)(PLAN)


def test_whoever_is_asked_is_shown_the_plan() -> None:
    """The plan that would be bought is the one that is shown, once."""
    seen: list[Plan] = []

    def ask(plan: Plan) -> bool:
        seen.append(plan)
        return True

    confirmation(ask)(PLAN)
    assert seen == [PLAN]


@pytest.mark.parametrize("answer", [False, None, 1, "yes", object()])
def test_only_true_is_a_yes(answer: Any) -> None:
    """What merely counts as true buys nothing."""
    with pytest.raises(Cancelled, match=r"^not confirmed; nothing was bought$"):
        confirmation(lambda _: answer)(PLAN)


def test_what_fails_is_no_yes() -> None:
    """An exception in asking cancels the purchase, and is kept as the cause."""

    def ask(_: Plan) -> bool:
        raise ZeroDivisionError

    with pytest.raises(Cancelled, match="confirm raised ZeroDivisionError; nothing was bought") as raised:
        confirmation(ask)(PLAN)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("error", [Busy("later"), Cancelled("no", hint="x")])
def test_a_reason_of_its_own_is_kept(error: Exception) -> None:
    """Whoever is asked may stop the run for a reason of the runner's own kinds."""

    def ask(_: Plan) -> bool:
        raise error

    with pytest.raises(type(error)) as raised:
        confirmation(ask)(PLAN)
    assert raised.value is error


def test_a_signal_while_asking_is_a_signal() -> None:
    """What interrupts the program is not taken for an answer."""

    def ask(_: Plan) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        confirmation(ask)(PLAN)
