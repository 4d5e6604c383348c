"""What `plan` and `apply` share: from paths to a batch, and what buying needs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from runner.cli.closing import BatchCall, followed_file, report_failure, report_file, show
from runner.cli.options.bounds import limits_of, policies_line
from runner.cli.options.command import option, option_class
from runner.cli.options.common import flags_of, lock_timeout_option, note_left_out
from runner.cli.options.types import Count, Seconds
from runner.core.errors import Cancelled, LedgerUnusable, UsageError
from runner.run import wiring
from runner.run.settings import MOST_JOBS, locate, rate_of, require_named_ledger

if TYPE_CHECKING:
    from runner.core.progress import Watch
    from runner.core.stop import Stop
    from runner.plan.plan import Plan
    from runner.plan.task import Task
    from runner.views.terminal.console import Channel, Console

PLAN_SECONDS: Final = 30.0
"""How long a plan may wait for its reader, the account being held: after that nothing is bought."""

FORMATS: Final = ("text", "json", "ndjson", "junit", "sarif", "markdown", "github", "html")


@option_class
class BuyingOptions:
    """How a batch is bought. Seconds."""

    yes: bool = option("--yes", is_flag=True, help="Buy without asking.")
    no_input: bool = option("--no-input", is_flag=True, help="Never ask; an error without --yes or --approve.")
    fail_fast: bool = option("--fail-fast", is_flag=True, help="Stop at the first order that is refused.")
    money_timeout: float = option(
        "--money-timeout",
        type=Seconds(1),
        default=180.0,
        help="Seconds to wait for the answer to a purchase; below 120 only with --allow-short-money-timeout. [180]",
    )
    allow_short_money_timeout: bool = option(
        "--allow-short-money-timeout", is_flag=True, help="Accept more unknown outcomes for less waiting."
    )
    jobs: int = option(
        "--jobs",
        type=Count(least=1, most=MOST_JOBS),
        metavar="N",
        default=1,
        help=f"Purchases that may be in flight at once, at most {MOST_JOBS}. [1]",
    )
    gap: float | None = option(
        "--gap", type=Seconds(0), help="Seconds between the starts of two purchases. [2; 0 with --rate 0]"
    )
    lock_timeout: float = lock_timeout_option()


def preview(
    batch: BatchCall, paths: tuple[str, ...], mode: Literal["plan", "dry-run"], *, offline: bool = False
) -> int:
    """Show what would be bought. Buys nothing: it only ever holds a `Reader` and a ledger it cannot write."""
    from runner.run import call

    if mode == "dry-run":
        require_named_ledger(batch.settings)
    file = report_file(batch)
    with _watching(batch) as watch:
        task = _task(batch, paths, watch)
        with report_failure(batch, task, mode, file):
            ended = call.preview(batch.settings, task, mode, offline=offline)
    return show(batch, ended, file)


def buy(batch: BatchCall, paths: tuple[str, ...], options: BuyingOptions) -> int:
    """Buy a batch. A signal cuts it off only where nothing is in the air, and never hides a possible charge."""
    from runner.core.stop import Stop
    from runner.run import call
    from runner.views.terminal.writer import hurry

    require_named_ledger(batch.settings)
    stop = Stop(hurry)
    try:
        return _buy(batch, paths, stop, options)
    except KeyboardInterrupt:  # before the batch began, so that there is no report of it
        stop.defer()
        with suppress(LedgerUnusable):
            ledger = wiring.open_ledger(locate(batch.settings), read_only=True)
            with closing(ledger):
                if records := ledger.open_records():
                    raise call.cut_off(records) from None
        raise


def _buy(batch: BatchCall, paths: tuple[str, ...], stop: Stop, options: BuyingOptions) -> int:
    from runner.buy.protocol import Till
    from runner.run import call

    yes = options.yes or batch.consent.approval is not None
    if not (yes or (batch.console.interactive and sys.stdin.isatty() and not options.no_input)):
        hint = "check the plan, then pass --yes, or --approve with its digest"
        raise UsageError("there is no terminal to confirm the purchase on", hint=hint)
    file = followed_file(batch)
    if file is not None:
        file.before_last = stop.defer  # once it says how the run ended, a signal changes that no more
    with _watching(batch) as watch:
        task = _task(batch, paths, watch)
        with report_failure(batch, task, "apply", file):
            till = Till(
                confirm=_confirm(batch, task, stop, yes=yes),
                stop=stop,
                money_timeout=batch.settings.money_timeout,
                file=file,
                lock_timeout=options.lock_timeout,
                fail_fast=options.fail_fast,
                jobs=options.jobs,
                at_end=stop.defer,
            )
            with batch.stdout.impatient():
                ended = call.buy(batch.settings, task, till)
    return show(batch, ended, file)


def _task(batch: BatchCall, paths: tuple[str, ...], watch: Watch) -> Task:
    from runner.core.progress import Notice
    from runner.manifest.words import Words
    from runner.run import call

    words = Words(paths=paths, lockfile_path=batch.limits.lockfile, sandbox=batch.settings.sandbox, watch=watch)
    loaded, lockfile = words.load(strict=batch.limits.strict)
    note_left_out(loaded, batch.console)
    loaded, limits = call.under_policies(loaded, limits_of(batch.limits, batch.origins), batch.limits.policy)
    task = call.task_of(
        batch.settings,
        loaded,
        limits,
        batch.consent,
        watch,
        lockfile=lockfile,
        strict_account=batch.limits.strict_account,
        flags=flags_of(batch.origins, batch.settings),
        detailed_exit=batch.detailed_exit,
    )
    if batch.screen.verbose:
        watch(Notice(text=policies_line(limits.policies)))
    return task


def _watching(batch: BatchCall) -> AbstractContextManager[Watch]:
    return batch.screen.watching(batch.console, rate=rate_of(batch.settings))


def _confirm(batch: BatchCall, task: Task, stop: Stop, *, yes: bool) -> Callable[[Plan], None]:
    """Shows the plan, and asks where neither `--yes` nor an approval stands for it.

    After that, and up to the end of the process, a signal is only a wish: cutting off the words at the end of a run
    would turn "may have been charged" (7) into "cancelled" (8).
    """
    from runner.run.confirm import confirmation

    last_question = confirmation(None if yes else partial(_ask, batch.console))

    def confirm(plan: Plan) -> None:
        from runner.views import plan as plan_view

        if batch.as_text:
            policies = [policy.path for policy in task.limits.policies]
            plan_view.render(plan, fmt="text", console=batch.console, policies=policies)
            _refuse_unread(batch.console.out, "plan", gone_is_fine=yes)
        last_question(plan)
        stop.defer()

    return confirm


def _refuse_unread(channel: Channel, what: str, *, gone_is_fine: bool = False) -> None:
    """Cancelled where nobody takes what was written; a reader that went away, as `head` does, may be fine."""
    if channel.is_taken(PLAN_SECONDS) or (channel.failure is not None and gone_is_fine):
        return
    raise Cancelled(
        f"nobody read the {what} within {PLAN_SECONDS:g} s; nothing was bought",
        hint="let it run to a terminal, a file or a log; `order-runner plan` is for reading at leisure",
    )


def _ask(console: Console, plan: Plan) -> bool:
    """Whether a person types the total of the plan, or where only names change, `rename`.

    Cancelled, with what was to be typed as its hint, for anything else.
    """
    from runner.core.orders import decimal_text
    from runner.views.wording import plural

    if plan.to_buy:
        word, done = decimal_text(plan.total), "nothing was bought"
        console.note(f"Type the total, {word}, to buy: ")
        hint = f"the total is {word}"
    else:
        word, done = "rename", "nothing was renamed"
        orders = plural(len(plan.to_rename), "order")
        console.note(f"Nothing to buy. Type {word} to rename {orders}; an earlier name is never used again: ")
        hint = f"type {word}, or run again with --yes"
    _refuse_unread(console.err, "question")
    try:
        typed = sys.stdin.readline()
    except KeyboardInterrupt:
        return False
    if typed.strip() != word:
        raise Cancelled(f"not confirmed; {done}", hint=hint)
    return True
