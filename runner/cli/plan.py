"""`order-runner plan PATH...`"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import click

from runner.cli import buying
from runner.cli.closing import BatchCall
from runner.cli.options import common
from runner.cli.options.approval import SelectionOptions, selection_of
from runner.cli.options.bounds import LimitOptions
from runner.cli.options.command import CommandOptions, define, group, option, option_class
from runner.core.errors import UsageError


@option_class
class PlanOptions(CommandOptions):
    paths: tuple[str, ...] = common.paths_argument()
    formats: tuple[str, ...] = common.format_option(*buying.FORMATS)
    out: Path | None = option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Also write the plan to FILE, for `apply FILE`: the same as -f json.",
    )
    detailed_exitcode: bool = option(
        "--detailed-exitcode", is_flag=True, help="Exit code 10 if there is something to buy."
    )
    expect_nothing: bool = option(
        "--expect-nothing", is_flag=True, help="Exit code 5 if there is something to buy, naming it."
    )
    selection: SelectionOptions = group(SelectionOptions)
    limits: LimitOptions = group(LimitOptions)
    report: Path | None = option(
        "--report", type=click.Path(path_type=Path), metavar="PATH", help="Also write a report to FILE."
    )
    vendor: common.VendorOptions = group(common.VendorOptions)
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    new_account: bool = common.new_account_option()
    actor: str | None = common.actor_option()
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("plan", PlanOptions)
def command(options: PlanOptions) -> int:
    """Quote every order that has not been bought yet: prices, total, balance afterwards. Buys nothing."""
    from runner.run.call import consent_of

    outputs = common.outputs_of(options.formats, buying.FORMATS)
    if options.out is not None:
        if "-" in options.paths:
            raise UsageError("a plan made from stdin cannot be applied: stdin cannot be read again", hint="name files")
        outputs += (common.Output("json", options.out),)
    settings = replace(common.vendor_settings(options.vendor, options.origins, options.ledger), actor=options.actor)
    consent = consent_of(
        settings,
        selection=selection_of(options.selection),
        nothing=options.expect_nothing,
        new_account=options.new_account,
    )
    call = BatchCall(
        settings=settings,
        outputs=outputs,
        consent=consent,
        origins=options.origins,
        limits=options.limits,
        screen=options.screen,
        report=options.report,
        paths=options.paths,
        detailed_exit=options.detailed_exitcode,
        command=_buying_command(options) + common.flags_of(options.origins, settings),
    )
    return buying.preview(call, options.paths, "plan")


def _buying_command(options: PlanOptions) -> str:
    """The command that buys what a plan shows, but for its digest: of the document, where there is one."""
    from runner.core.files import relative

    words = ["order-runner", "apply"]
    if options.out is not None:
        return shlex.join((*words, str(relative(str(options.out)))))
    words += [str(relative(path)) for path in options.paths]
    selection = options.selection
    for flag, texts in (("--only", selection.only), ("--exclude", selection.exclude), ("--label", selection.labels)):
        words += [word for text in texts for word in (flag, text)]
    return shlex.join(words)
