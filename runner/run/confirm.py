"""What says yes to a purchase: the digest of a plan, or somebody who is shown the plan."""

from __future__ import annotations

from collections.abc import Callable

from runner.core.errors import Cancelled, RunnerError, UsageError
from runner.plan.approval.terms import DIGEST
from runner.plan.plan import Plan


def digest_of(text: str, *, name: str, source: str) -> str:
    """The digest of a plan. UsageError for what is none, naming the text and who gives a better one."""
    if not DIGEST.fullmatch(text):
        raise UsageError(f"{name} is not a digest", hint=f"give the one {source}: sha256: and 64 hexadecimal digits")
    return text


def confirmation(ask: Callable[[Plan], bool] | None) -> Callable[[Plan], None]:
    """The last question before money: Cancelled unless `ask`, shown the plan, returns True itself.

    None where the yes was said before, by an approval or a flag. What goes wrong in asking is no yes.
    """

    def confirm(plan: Plan) -> None:
        try:
            confirmed = ask is None or ask(plan) is True
        except RunnerError:
            raise
        except Exception as error:
            raise Cancelled(f"not confirmed: confirm raised {type(error).__name__}; nothing was bought") from error
        if not confirmed:
            raise Cancelled("not confirmed; nothing was bought")

    return confirm
