"""`order-runner apply PATH...`"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from runner.cli import buying
from runner.cli.closing import BatchCall
from runner.cli.options import common
from runner.cli.options.approval import ApprovalOptions, SelectionOptions, approved_of, selection_of
from runner.cli.options.bounds import LimitOptions
from runner.cli.options.command import CommandOptions, define, group, option, option_class
from runner.core.errors import UsageError
from runner.run.settings import MIN_MONEY_TIMEOUT, Settings


@option_class
class ApplyOptions(CommandOptions):
    paths: tuple[str, ...] = common.paths_argument()
    formats: tuple[str, ...] = common.format_option(*buying.FORMATS)
    dry_run: Literal["online", "offline"] | None = option(
        "--dry-run",
        type=click.Choice(["online", "offline"]),
        metavar="[online|offline]",
        help="Buy nothing: show bodies and prices (online, the default), or bodies only, without network (offline).",
    )
    approval: ApprovalOptions = group(ApprovalOptions)
    selection: SelectionOptions = group(SelectionOptions)
    limits: LimitOptions = group(LimitOptions)
    report: Path = option(
        "--report",
        type=click.Path(path_type=Path),
        metavar="PATH",
        default=Path("report.json"),
        help="Where the JSON report goes; - is stdout. [report.json]",
    )
    buying: buying.BuyingOptions = group(buying.BuyingOptions)
    faults: tuple[str, ...] = option(
        "--fault",
        multiple=True,
        metavar="SPEC",
        help="With --sandbox: make the emulator fail, like reset-after@1; see runner/sandbox/limits.md.",
    )
    vendor: common.VendorOptions = group(common.VendorOptions)
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    new_account: bool = common.new_account_option()
    actor: str | None = common.actor_option()
    screen: common.ScreenOptions = group(common.ScreenOptions)


class _Apply(click.Command):
    """`--dry-run` alone means `--dry-run=online`, and never takes the path behind it for its value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["--dry-run=online" if arg == "--dry-run" else arg for arg in args])


@define("apply", ApplyOptions, cls=_Apply)
def command(options: ApplyOptions) -> int:
    """Buy what is missing of PATH..., at most once each, and report.

    Everything is quoted before anything is bought. Asks on a terminal; elsewhere it needs --yes or --approve. PATH may
    be a plan that `plan --out` wrote: then exactly that is bought, without asking. An order that may have been charged
    and is not settled stops this and every later run of the account (exit code 7).
    """
    from runner.run.call import consent_of

    _refuse_short_money_timeout(options.buying)
    outputs = common.outputs_of(options.formats, buying.FORMATS)
    settings = _settings(options)
    consent = consent_of(settings, selection=selection_of(options.selection), new_account=options.new_account)
    paths, consent = approved_of(options.approval, options.origins, options.paths, consent)
    call = BatchCall(
        settings=settings,
        outputs=outputs,
        consent=consent,
        origins=options.origins,
        limits=options.limits,
        screen=options.screen,
        report=options.report,
        paths=tuple(dict.fromkeys((*options.paths, *paths))),
    )
    if options.dry_run == "offline" and consent.approval:
        raise UsageError("without prices the plan cannot be compared with an approval", hint="use --dry-run=online")
    if options.dry_run:
        return buying.preview(call, paths, "dry-run", offline=options.dry_run == "offline")
    return buying.buy(call, paths, options.buying)


def _refuse_short_money_timeout(options: buying.BuyingOptions) -> None:
    if options.money_timeout < MIN_MONEY_TIMEOUT and not options.allow_short_money_timeout:
        raise UsageError(
            "a purchase may take two minutes: a shorter wait turns good purchases into unknown outcomes",
            hint="keep --money-timeout at 120 or more, or pass --allow-short-money-timeout",
        )


def _settings(options: ApplyOptions) -> Settings:
    if options.faults and not options.vendor.sandbox:
        raise UsageError("--fault needs --sandbox: only the emulator can be made to fail")
    settings = common.vendor_settings(options.vendor, options.origins, options.ledger)
    buying, faults, actor = options.buying, options.faults, options.actor
    return replace(settings, money_timeout=buying.money_timeout, gap=buying.gap, faults=faults, actor=actor)
