"""What says yes to a purchase of the library: a plan, its digest, or a function. And who merely looks on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from runner.core.errors import Cancelled, RunnerError, UsageError
from runner.core.progress import Progress, Watch
from runner.library.answers import Planned
from runner.plan.approval.terms import DIGEST, Approval
from runner.plan.plan import Plan


def approval(approve: Planned | str | None, confirm: object) -> Approval | None:
    """UsageError unless one of the two, and only one, says yes."""
    if (approve is None) == (confirm is None):
        raise UsageError(
            "nobody said yes to the purchase" if approve is None else "approve and confirm are both said",
            hint="say approve=plan, or confirm=, a function that is shown the plan and returns True",
        )
    if isinstance(approve, str):
        if not DIGEST.fullmatch(approve):
            raise UsageError("what is approved is no digest", hint="give the one of a plan: sha256: and 64 digits")
        return Approval(digest=approve)
    if approve is None:
        return None
    if approve.document is None or approve.digest is None:
        raise UsageError("the plan approves nothing: not every order of it has a price", hint="plan again")
    return Approval(digest=approve.digest, document=approve.document)


def asking(confirm: Callable[[Plan], bool] | None) -> Callable[[Plan], None]:
    def ask(plan: Plan) -> None:
        try:
            said = confirm is None or confirm(plan) is True
        except RunnerError:
            raise
        except Exception as error:
            raise Cancelled(f"not confirmed, confirm raised {type(error).__name__}; nothing was bought") from error
        if not said:
            raise Cancelled("not confirmed; nothing was bought")

    return ask


def harmless(watch: Watch) -> Watch:
    """The same, but for its exceptions: whoever looks on must not end a purchase half way."""

    def told(progress: Progress) -> None:
        with suppress(Exception):
            watch(progress)

    return told
