"""What `plan` and `apply` share: from paths to a batch, and what buying needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from runner.cli.ending import Call, heard_file, report_file, reported, show
from runner.cli.options.limits import limited, told
from runner.cli.options.types import flags_of
from runner.cli.options.words import note_left_out
from runner.core.errors import Cancelled, LedgerUnusable, UsageError

if TYPE_CHECKING:
    from runner.core.progress import Watch
    from runner.core.stop import Stop
    from runner.plan.plan import Plan
    from runner.plan.task import Task

FORMATS = ("text", "json", "ndjson", "junit", "sarif", "markdown", "github", "html")
PLAN_FORMATS = FORMATS


def preview(
    call: Call, paths: tuple[str, ...], mode: Literal["plan", "dry-run"], *, report: Path | None, offline: bool
) -> int:
    """Show what would be bought. Buys nothing: it only ever holds a `Reader` and a ledger it cannot write."""
    from runner.run import call as session
    from runner.run.settings import require_named_ledger

    if mode == "dry-run":
        require_named_ledger(call.settings)
    file = report_file(report)
    with _watching(call) as watch:
        task = _task(call, paths, watch)
        with reported(call, task, mode, file, report):
            outcome = session.preview(call.settings, task, mode, offline=offline)
    return show(call, outcome, file, report)


def buy(call: Call, paths: tuple[str, ...], **values: Any) -> int:
    """Buy a batch. A signal cuts it off only where nothing is in the air, and never hides a possible charge."""
    from runner.core.stop import Stop
    from runner.run import call as session
    from runner.run import wiring
    from runner.run.settings import locate, require_named_ledger

    require_named_ledger(call.settings)
    stop = Stop()
    try:
        return _buy(call, paths, stop, values)
    except KeyboardInterrupt:  # before the batch began, so that there is no report of it
        stop.defer()
        with suppress(LedgerUnusable):
            ledger = wiring.open_ledger(locate(call.settings), read_only=True)
            with closing(ledger):
                if found := ledger.open_records():
                    raise session.cut_off(len(found)) from None
        raise


def _buy(call: Call, paths: tuple[str, ...], stop: Stop, values: dict[str, Any]) -> int:
    from runner.buy.protocol import Till
    from runner.run import call as session

    asks = call.console.interactive and sys.stdin.isatty() and not values["no_input"]
    yes = values["yes"] or call.consent.approval is not None
    if not (yes or asks):
        hint = "look at the plan, then say --yes, or --approve with its digest"
        raise UsageError("nobody is there to confirm the purchase", hint=hint)
    path = values["report"]
    file = heard_file(call, path)
    if file is not None:
        file.before_last = stop.defer  # once it says how the run ended, a signal changes that no more
    with _watching(call) as watch:
        task = _task(call, paths, watch)
        with reported(call, task, "apply", file, path):
            till = Till(
                confirm=_confirm(call, stop, yes=yes),
                stop=stop,
                money_timeout=call.settings.money_timeout,
                file=file,
                lock_timeout=values["lock_timeout"],
                fail_fast=values["fail_fast"],
                ended=stop.defer,
            )
            outcome = session.buy(call.settings, task, till)
    return show(call, outcome, file, path)


def _task(call: Call, paths: tuple[str, ...], watch: Watch) -> Task:
    from runner.core.progress import Notice
    from runner.limits.limits import Limits
    from runner.manifest.wording import Words
    from runner.run import call as session

    words = Words(paths=paths, named=call.lockfile, sandbox=call.settings.sandbox, watch=watch)
    read, lockfile = words.load(strict=call.strict)
    note_left_out(read, call.console)
    loaded, limits = limited(read, Limits(max_spend=call.max_spend, keep_going=call.keep_going))
    task = session.task_of(
        call.settings,
        loaded,
        limits,
        call.consent,
        watch,
        lockfile=lockfile,
        strict_account=call.strict_account,
        flags=flags_of(click.get_current_context(), call.settings),
        detailed_exit=call.detailed_exit,
    )
    if call.verbose:
        watch(Notice(text=told(limits.policies)))
    return task


@contextmanager
def _watching(call: Call) -> Iterator[Watch]:
    from runner.run.settings import rate_of
    from runner.views.terminal import events

    rate = rate_of(call.settings)
    with events.watching(call.console, quiet=call.quiet, verbose=call.verbose, rate=rate) as watch:
        yield watch


def _confirm(call: Call, stop: Stop, *, yes: bool) -> Callable[[Plan], None]:
    """Shows the plan, and has its total typed where neither `--yes` nor an approval stands for it.

    After that, and up to the end of the process, a signal is only a wish: cutting off the words at the end of a run
    would turn "may have been charged" (7) into "cancelled" (8).
    """

    def confirm(plan: Plan) -> None:
        from runner.views import plan as plan_view

        if call.as_text:
            plan_view.render(plan, fmt="text", console=call.console)
        if not yes:
            ask(plan)
        stop.defer()

    def ask(plan: Plan) -> None:
        from runner.core.orders import decimal_text

        total = decimal_text(plan.total)
        try:
            typed = click.prompt(f"Type the total, {total}, to buy", default="", show_default=False, err=True)
        except click.Abort:
            raise Cancelled("not confirmed; nothing was bought") from None
        if str(typed).strip() != total:
            raise Cancelled("not confirmed; nothing was bought", hint=f"the total is {total}")

    return confirm
