"""`order-runner adopt [PATH...]`"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from runner.cli import decision
from runner.cli.options import common
from runner.cli.options.command import CommandOptions, define, group, option, option_class
from runner.cli.options.targets import Targets
from runner.cli.outputs import render_problems
from runner.core.errors import Cancelled, ExitCode, UsageError
from runner.core.orders import OrderKey
from runner.core.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

    from runner.core.progress import Watch
    from runner.manifest import Loaded
    from runner.settle.adopt import Proposal
    from runner.views.terminal.console import Console

FORMATS = ("text", "json")


@option_class
class AdoptOptions(CommandOptions):
    paths: tuple[str, ...] = common.paths_argument()
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    dry_run: bool = option("--dry-run", is_flag=True, help="Show what would be entered, and enter nothing.")
    only: tuple[str, ...] = option(
        "--only", multiple=True, metavar="NAME|KEY", help="Only these orders; patterns such as fr-* work."
    )
    yes: bool = option("--yes", is_flag=True, help="Do not ask.")
    lockfile: Path | None = common.lockfile_option()
    lock_timeout: float = common.lock_timeout_option()
    vendor: common.VendorOptions = group(common.VendorOptions)
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    new_account: bool = common.new_account_option()
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("adopt", AdoptOptions)
def command(options: AdoptOptions) -> int:
    """Enter orders that were bought elsewhere under the keys that PATH... wants them by. Buys nothing.

    An order is proposed for a key where exactly one fits, both ways, and shown with what speaks for it and against it.
    What could be several is left to you. All that you agree to is entered at once, or nothing is.
    """
    from runner.core.leading import leading_there
    from runner.run import call
    from runner.settle.resolve import person_of
    from runner.views import adopt as view

    outputs = common.outputs_of(options.formats, FORMATS)
    settings = common.vendor_settings(options.vendor, options.origins, options.ledger)
    Targets(outputs, settings).refuse_inputs(options.paths, lockfile=options.lockfile)
    console = options.screen.console()
    if not options.dry_run:
        decision.refuse_unasked(console, yes=options.yes, hint="look at it with --dry-run, then pass --yes")
    selection = _selection_of(options.only)
    flags = common.flags_of(options.origins, settings)

    def show(proposal: Proposal, *, is_entered: bool) -> None:
        page = view.AdoptPage(proposal=proposal, is_entered=is_entered, flags=flags)
        common.write_outputs(outputs, console, lambda fmt, target: view.render(page, fmt=fmt, console=target))

    def confirm(proposal: Proposal) -> None:
        if not options.yes:
            page = view.AdoptPage(proposal=proposal, is_entered=False, flags=flags)
            view.render(page, fmt="text", console=console.aside())
            _ask(console)

    with leading_there(flags), console.impatient(), options.screen.watching(console) as watch:
        loaded = _load(options, console, watch)
        if not loaded.errors:
            selection.check(loaded.orders)
        proposal, is_entered = call.adopt(
            settings,
            call.AdoptWish(
                orders=loaded.orders,
                selection=selection,
                person=None if options.dry_run else person_of(os.environ),
                new_account=options.new_account,
                lock_timeout=options.lock_timeout,
                flags=flags,
            ),
            watch,
            confirm,
        )
    show(proposal, is_entered=is_entered)
    return common.exit_code(ExitCode.OK, console)


def _selection_of(only: tuple[str, ...]) -> Selection:
    """UsageError for the key of a renewal."""
    for text in only:
        if "@" in text:
            key = OrderKey.parse(text)
            raise UsageError(
                f"{text} is a renewal: the vendor's lists show no renewals, so that none is adopted",
                hint=f"adopt the order it renews, {key.purchase}",
            )
    return Selection(only=only)


def _load(options: AdoptOptions, console: Console, watch: Watch) -> Loaded:
    """The manifests with ids in place of words. Ends the call where something is wrong with them."""
    from runner.manifest.words import Words

    words = Words(paths=options.paths, lockfile_path=options.lockfile, sandbox=options.vendor.sandbox, watch=watch)
    loaded, _ = words.load(strict=False)
    common.note_left_out(loaded, console)
    if loaded.errors:
        render_problems(loaded.problems, console, files=len(loaded.files), orders=loaded.count)
        raise click.exceptions.Exit(int(ExitCode.INVALID))
    return loaded


def _ask(console: Console) -> None:
    """Cancelled unless a person types the word."""
    console.note("Type adopt to enter these orders: ")
    try:
        typed = sys.stdin.readline()
    except KeyboardInterrupt:
        typed = ""
    if typed.strip() != "adopt":
        raise Cancelled("not confirmed; nothing was adopted", hint="type adopt, or run again with --yes")
