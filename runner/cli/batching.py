"""What `plan` and `apply` share: from paths to a batch, and what buying needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from runner.cli.closing import Call, report_file, reported, show
from runner.cli.limiting import limited, told
from runner.cli.options import holder
from runner.cli.settling import flags_of
from runner.cli.words import Words, note_left_out
from runner.errors import Cancelled, ExitCode, LedgerUnusable, OutcomeUnknown, UsageError

if TYPE_CHECKING:
    from runner.batch import Outcome
    from runner.forgotten import Guard
    from runner.job import Job
    from runner.ledger.interface import Ledger
    from runner.plan import Plan
    from runner.progress import Watch
    from runner.reportfile import ReportFile
    from runner.stop import Stop

FORMATS = ("text", "json")
PLAN_FORMATS = (*FORMATS, "markdown")


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
        return _buy(call, paths, stop, values)
    except KeyboardInterrupt:  # before the batch began, so that there is no report of it
        stop.defer()
        with suppress(LedgerUnusable):
            ledger = wiring.open_ledger(wiring.locate(call.settings), read_only=True)
            with closing(ledger):
                if found := ledger.open_records():
                    raise _cut_off(len(found)) from None
        raise


def _cut_off(count: int) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"stopped by a signal; {count} orders of the account may have been charged and are not settled",
        hint="`order-runner status` shows what is known of them",
    )


def _with_open(outcome: Outcome, ledger: Ledger, file: ReportFile | None) -> Outcome:
    """A batch that was cut off, perhaps before it had looked for open orders: with those in report and exit code."""
    from runner import verdict

    report, found = outcome.report, []
    if report.exit_code is ExitCode.CANCELLED and report.finished_at is not None:
        with suppress(LedgerUnusable):
            found = ledger.open_records()
    if not found or report.finished_at is None:
        return outcome
    error = _cut_off(len(found))
    entries = {entry.request.key: entry for entry in report.orders}
    for record in found:
        if record.key in entries:
            entries[record.key].update(status="unknown", reason=record.reason, possible=record.quote_total)
    verdict.note_open(report, found)
    verdict.finish(report, report.finished_at, error)
    if file is not None:
        try:
            file.write(report)
        except OSError as failure:  # told at the end; it must not hide what was bought
            file.failure = failure
    return replace(outcome, error=error)


def _buy(call: Call, paths: tuple[str, ...], stop: Stop, values: dict[str, Any]) -> int:
    from runner import batch, wiring
    from runner.clock import SystemClock
    from runner.stop import StoppableClock

    asks = call.console.interactive and sys.stdin.isatty() and not values["no_input"]
    yes = values["yes"] or call.consent.approval is not None
    if not (yes or asks):
        hint = "look at the plan, then say --yes, or --approve with its digest"
        raise UsageError("nobody is there to confirm the purchase", hint=hint)
    path = values["report"]
    file = report_file(path)
    if file is not None:
        file.before_last = stop.defer  # once it says how the run ended, a signal changes that no more
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
                    confirm=_confirm(call, stop, yes=yes),
                    stop=stop,
                    money_timeout=call.settings.money_timeout,
                    lock_timeout=values["lock_timeout"],
                    fail_fast=values["fail_fast"],
                )
                outcome = batch.apply(job, purchase)
                stop.defer()
                outcome = _with_open(outcome, ledger, file)
    return show(call, outcome, file, path)


def _job(call: Call, paths: tuple[str, ...], watch: Watch) -> Job:
    from runner import wiring
    from runner.clock import SystemClock
    from runner.job import Job
    from runner.limits import Limits
    from runner.progress import Notice

    clock = SystemClock()
    place = wiring.locate(call.settings)
    words = Words(paths=paths, named=call.lockfile, sandbox=call.settings.sandbox, watch=watch)
    read, lockfile = words.load(strict=call.strict)
    note_left_out(read, call.console)
    loaded, limits = limited(read, Limits(max_spend=call.max_spend, keep_going=call.keep_going))
    if not loaded.errors:
        call.consent.selection.check(loaded.orders)
    if call.verbose:
        watch(Notice(text=told(limits.policies)))
    return Job(
        loaded=loaded,
        limits=limits,
        lockfile=(lockfile.path, lockfile.sha256) if lockfile else None,
        guard=_guard(call),
        holder=holder(clock.now()),
        clock=clock,
        watch=watch,
        ledger_name=wiring.ledger_name(place),
        consent=call.consent,
        detailed_exit=call.detailed_exit,
    )


def _guard(call: Call) -> Guard:
    from runner import wiring
    from runner.forgotten import Guard

    strict = wiring.in_ci() if call.strict_account is None else call.strict_account
    return Guard(strict=strict, flags=flags_of(click.get_current_context(), call.settings))


@contextmanager
def _watching(call: Call) -> Iterator[Watch]:
    from runner.views import progress
    from runner.wiring import rate_of

    rate = rate_of(call.settings)
    with progress.watching(call.console, quiet=call.quiet, verbose=call.verbose, rate=rate) as watch:
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
        from runner.orders import decimal_text

        total = decimal_text(plan.total)
        try:
            typed = click.prompt(f"Type the total, {total}, to buy", default="", show_default=False, err=True)
        except click.Abort:
            raise Cancelled("not confirmed; nothing was bought") from None
        if str(typed).strip() != total:
            raise Cancelled("not confirmed; nothing was bought", hint=f"the total is {total}")

    return confirm
