"""`order-runner adopt [PATH...]`"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
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
    from runner.core.progress import Watch
    from runner.manifest import Loaded
    from runner.settle.adopt import Proposal
    from runner.views.terminal.console import Console

FORMATS = ("text", "json")


@option_class
class AdoptOptions(CommandOptions):
    paths: tuple[str, ...] = common.paths_argument(required=False)
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    dry_run: bool = option("--dry-run", is_flag=True, help="Show what would be entered, and enter nothing.")
    only: tuple[str, ...] = option(
        "--only", multiple=True, metavar="NAME|KEY", help="Only these orders; patterns such as fr-* work."
    )
    write: Path | None = option(
        "--write",
        type=click.Path(path_type=Path),
        metavar="FILE",
        envvar=None,
        help="Write a manifest, a new file, for orders that no PATH wants, and enter them under its keys.",
    )
    yes: bool = option("--yes", is_flag=True, help="Do not ask.")
    from_receipts: bool = option(
        "--from-receipts",
        is_flag=True,
        envvar=None,
        help="Only what the receipts in the proxies' comments say, and nothing that only looks alike.",
    )
    lockfile: Path | None = common.lockfile_option()
    lock_timeout: float = common.lock_timeout_option()
    vendor: common.VendorOptions = group(common.VendorOptions)
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    actor: str | None = common.actor_option()
    new_account: bool = common.new_account_option()
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("adopt", AdoptOptions)
def command(options: AdoptOptions) -> int:
    """Enter orders that were bought elsewhere under the keys that PATH... wants them by. Buys nothing.

    An order is proposed for a key where exactly one fits, both ways, and shown with what speaks for it and against it.
    What could be several is left to you. All that you agree to is entered at once, or nothing is. --write makes a
    manifest of what is left over at the vendor.
    """
    from runner.core.leading import leading_there
    from runner.run import call
    from runner.run.found_file import FoundFile
    from runner.settle.resolve import person_of
    from runner.views import adopt as view

    outputs = common.outputs_of(options.formats, FORMATS)
    settings = replace(common.vendor_settings(options.vendor, options.origins, options.ledger), actor=options.actor)
    if not options.paths and options.write is None:
        raise UsageError("name manifests, or a file for orders that none has: --write FILE")
    Targets(outputs, settings, [("--write", options.write)]).refuse_inputs(options.paths, lockfile=options.lockfile)
    file = None if options.write is None else FoundFile(options.write, options.lockfile)
    console = options.screen.console()
    if not options.dry_run:
        decision.refuse_unasked(console, yes=options.yes, hint="look at it with --dry-run, then pass --yes")
    selection = _selection_of(options.only)
    flags = common.flags_of(options.origins, settings)
    path = None if options.write is None else str(options.write)

    def show(proposal: Proposal, *, is_entered: bool) -> None:
        page = view.AdoptPage(proposal=proposal, is_entered=is_entered, path=path, flags=flags)
        common.write_outputs(outputs, console, lambda fmt, target: view.render(page, fmt=fmt, console=target))

    def confirm(proposal: Proposal) -> None:
        if not options.yes:
            page = view.AdoptPage(proposal=proposal, is_entered=False, path=path, flags=flags)
            view.render(page, fmt="text", console=console.aside())
            _ask(console)

    with leading_there(flags), console.impatient(), options.screen.watching(console) as watch:
        orders = _load(options, console, watch).orders if options.paths else ()
        selection.check(orders)
        proposal, is_entered = call.adopt(
            settings,
            call.AdoptWish(
                orders=orders,
                selection=selection,
                person=None if options.dry_run else person_of(os.environ, options.actor),
                file=file,
                from_receipts=options.from_receipts,
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
