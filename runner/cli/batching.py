"""What `plan` and `apply` share: from paths to a batch, and what buying needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from runner.cli.closing import Call, report_file, reported, show
from runner.cli.options import Amount, holder, option
from runner.cli.words import Words, lockfile_option
from runner.errors import Cancelled, ExitCode, LedgerUnusable, OutcomeUnknown, UsageError

if TYPE_CHECKING:
    from runner.batch import Job
    from runner.plan import Plan
    from runner.progress import Watch
    from runner.stop import Stop

FORMATS = ("text", "json")
F = TypeVar("F", bound=Callable[..., Any])


def limit_options(command: F) -> F:
    """What may be bought, and how the manifests are read."""
    command = option("--strict", is_flag=True, help="Warnings are errors.")(lockfile_option(command))
    command = option("--keep-going", is_flag=True, help="Buy the others although some orders are refused.")(command)
    return option("--max-spend", type=Amount(), metavar="AMOUNT", help="Refuse a batch that costs more, in USD.")(
        command
    )


def preview(
    call: Call, paths: tuple[str, ...], mode: Literal["plan", "dry-run"], *, report: Path | None, offline: bool
) -> int:
    """Show what would be bought. Buys nothing: it only ever holds a `Reader` and a ledger it cannot write."""
    from runner import batch, wiring
    from runner.clock import SystemClock

    if mode == "dry-run":
        wiring.require_named_ledger(call.settings)
    file = report_file(report)
    with _watching(call) as watch:
        job = _job(call, paths, watch)
        with reported(call, job, mode, file, report):
            ledger = wiring.open_ledger(wiring.locate(call.settings), read_only=True)
            opened = wiring.offline() if offline else wiring.reader(call.settings, SystemClock(), watch)
            with closing(ledger), opened as vendor:
                outcome = batch.preview(job, mode, ledger, vendor)
    return show(call, outcome, file, report)


def buy(call: Call, paths: tuple[str, ...], **values: Any) -> int:
    """Buy a batch. A signal cuts it off only where nothing is in the air, and never hides a possible charge."""
    from runner import wiring
    from runner.stop import Stop

    wiring.require_named_ledger(call.settings)
    stop = Stop()
    try:
        code = _buy(call, paths, stop, values)
    except KeyboardInterrupt:
        stop.defer()
        _name_open(call)
        raise
    if code == ExitCode.CANCELLED:  # perhaps before it had looked for open orders
        _name_open(call)
    return code


def _name_open(call: Call) -> None:
    """Raise `OutcomeUnknown` where the ledger has an order that may have been charged."""
    from runner import wiring

    with suppress(LedgerUnusable), closing(wiring.open_ledger(wiring.locate(call.settings), read_only=True)) as ledger:
        if found := ledger.open_records():
            raise OutcomeUnknown(
                f"stopped by a signal; {len(found)} orders of the account may have been charged and are not settled",
                hint="`order-runner status` shows what is known of them",
            )


def _buy(call: Call, paths: tuple[str, ...], stop: Stop, values: dict[str, Any]) -> int:
    from runner import batch, wiring
    from runner.clock import SystemClock
    from runner.stop import StoppableClock

    asks = call.console.interactive and sys.stdin.isatty() and not values["no_input"]
    if not (values["yes"] or asks):
        raise UsageError("nobody is there to confirm the purchase", hint="look at the plan, then say --yes")
    path = values["report"]
    file = report_file(path)
    with _watching(call) as watch:
        clock = StoppableClock(SystemClock(), stop)
        job = _job(call, paths, watch)
        with reported(call, job, "apply", file, path):
            ledger = wiring.open_ledger(wiring.locate(call.settings))
            with closing(ledger), wiring.buyer(call.settings, clock, watch) as buyer:
                purchase = batch.Purchase(
                    ledger=ledger,
                    buyer=buyer,
                    file=file,
                    confirm=_confirm(call, stop, yes=values["yes"]),
                    stop=stop,
                    money_timeout=call.settings.money_timeout,
                    lock_timeout=values["lock_timeout"],
                    fail_fast=values["fail_fast"],
                )
                outcome = batch.apply(job, purchase)
    return show(call, outcome, file, path)


def _job(call: Call, paths: tuple[str, ...], watch: Watch) -> Job:
    from runner import wiring
    from runner.batch import Job
    from runner.clock import SystemClock
    from runner.plan import Limits

    clock = SystemClock()
    place = wiring.locate(call.settings)
    loaded, lockfile = Words(paths=paths, named=call.lockfile, sandbox=call.settings.sandbox).load(strict=call.strict)
    return Job(
        loaded=loaded,
        limits=Limits(max_spend=call.max_spend, keep_going=call.keep_going),
        holder=holder(clock.now()),
        clock=clock,
        watch=watch,
        ledger_name=wiring.ledger_name(place),
        lockfile=lockfile.path if lockfile else None,
    )


@contextmanager
def _watching(call: Call) -> Iterator[Watch]:
    from runner.views import progress

    with progress.watching(call.console, quiet=call.quiet, verbose=call.verbose) as watch:
        yield watch


def _confirm(call: Call, stop: Stop, *, yes: bool) -> Callable[[Plan], None]:
    """Shows the plan, and has its total typed where `--yes` does not stand for it.

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
        from runner.orders import decimal_text

        total = decimal_text(plan.total)
        try:
            typed = click.prompt(f"Type the total, {total}, to buy", default="", show_default=False, err=True)
        except click.Abort:
            raise Cancelled("not confirmed; nothing was bought") from None
        if str(typed).strip() != total:
            raise Cancelled("not confirmed; nothing was bought", hint=f"the total is {total}")

    return confirm
