"""`order-runner receipts [PATH|KEY...]`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.complete import values as completers
from runner.cli.options import common
from runner.cli.options.bounds import policy_option
from runner.cli.options.command import CommandOptions, argument, define, group, option_class
from runner.cli.options.targets import Targets
from runner.cli.outputs import render_problems
from runner.core.errors import ExitCode, InvalidManifests, Refused
from runner.core.orders import OrderKey

if TYPE_CHECKING:
    from runner.limits.policy import Policies
    from runner.views.terminal.console import Console

FORMATS = ("text", "json")


@option_class
class ReceiptsOptions(CommandOptions):
    targets: tuple[str, ...] = argument(nargs=-1, metavar="[PATH|KEY...]", shell_complete=completers.keys)
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    policy: str | None = policy_option()
    vendor: common.VendorOptions = group(common.VendorOptions)
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("receipts", ReceiptsOptions)
def command(options: ReceiptsOptions) -> int:
    """Write the receipts of bought orders into the comments of their proxies: all orders, or those of PATH or KEY.

    Only as a policy allows it (receipts: true, or id-only), and never over a comment that somebody else wrote. Costs
    nothing, and can be repeated: what is there already is left alone.
    """
    from runner.core.leading import leading_there
    from runner.limits.policy import receipts_of
    from runner.run import call
    from runner.views import receipts as view

    outputs = common.outputs_of(options.formats, FORMATS)
    settings = common.vendor_settings(options.vendor, options.origins, options.ledger)
    console = options.screen.console()
    paths = tuple(text for text in options.targets if not _is_key(text))
    Targets(outputs, settings).refuse_inputs(paths, policy=options.policy)
    flags = common.flags_of(options.origins, settings)
    with leading_there(flags), console.impatient(), options.screen.watching(console) as watch:
        keys = _keys_of(options, paths, console)
        style = receipts_of(_policies(options.policy, paths, console).policies)
        if style is None:
            raise Refused(
                "no policy allows receipts: whoever sees the vendor's dashboard would read the names of orders",
                hint="write `receipts: true` into order-runner.yaml, or `receipts: id-only` where names are private",
            )
        annotations = call.annotate(settings, watch, keys=keys, id_only=style == "id-only")
    common.write_outputs(outputs, console, lambda fmt, target: view.render(annotations, fmt=fmt, console=target))
    return common.exit_code(ExitCode.OK, console)


def _is_key(text: str) -> bool:
    """Whether it is an order's key, and no file of that name is there."""
    try:
        OrderKey.parse(text)
    except ValueError:
        return False
    return not Path(text).exists()


def _keys_of(options: ReceiptsOptions, paths: tuple[str, ...], console: Console) -> tuple[OrderKey, ...] | None:
    """The orders that are named; None for all. Ends the call where something is wrong with a manifest."""
    if not options.targets:
        return None
    from runner import manifest

    keys = [OrderKey.parse(text) for text in options.targets if text not in paths]
    if paths:
        loaded = manifest.load(paths)
        common.note_left_out(loaded, console)
        if loaded.errors:
            render_problems(loaded.problems, console, files=len(loaded.files), orders=loaded.count)
            raise click.exceptions.Exit(int(ExitCode.INVALID))
        keys += [request.key for request in loaded.orders]
    return tuple(dict.fromkeys(keys))


def _policies(named: str | None, paths: tuple[str, ...], console: Console) -> Policies:
    """What holds here and for the manifests. Ends the call where one of them is wrong."""
    from runner import manifest
    from runner.limits.policy import over

    policies = over(named, manifest.discover(paths).paths if paths else ())
    if policies.problems:
        error = InvalidManifests(policies.problems)
        render_problems(error.problems, console)
        raise click.exceptions.Exit(int(error.exit_code))
    return policies
