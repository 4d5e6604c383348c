"""`order-runner status [PATH...]`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runner.cli.options.approval import selection_of, selection_options
from runner.cli.options.common import (
    ended,
    format_option,
    ledger_options,
    option,
    outputs,
    paths_argument,
    quiet_options,
    settings_of,
    write_output,
)
from runner.cli.options.types import flags_of
from runner.cli.options.words import note_left_out
from runner.core.errors import ExitCode, InvalidManifests, UsageError

if TYPE_CHECKING:
    from runner.core.orders import OrderRequest
    from runner.manifest.selection import Selection
    from runner.views.terminal.console import Console

FORMATS = ("text", "json")


@click.command("status")
@paths_argument(required=False)
@format_option(*FORMATS)
@option("--sandbox", is_flag=True, help="Look at the sandbox's ledger.")
@selection_options
@ledger_options
@quiet_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[str, ...], formats: tuple[str, ...], **values: Any) -> int:
    """Show what the ledger knows: of the orders of PATH..., or of every order of the account. No network, no key.

    Open orders, which may have been charged, come first whether they are in PATH or not. Exit code 7 while any is.
    """
    from runner.run import wiring
    from runner.run.settings import locate
    from runner.settle import status as known
    from runner.views import status
    from runner.views.terminal.console import Console

    wanted = outputs(formats, FORMATS, "text")
    settings = settings_of(ctx, **values)
    selection = selection_of(values)
    if selection and not paths:
        raise UsageError("only orders of manifests can be selected", hint="name PATH...")
    console = Console.detect(no_color=values["no_color"])
    requests = _wanted(paths, selection, console) if paths else ()
    ledger = wiring.open_ledger(locate(settings), read_only=True)
    try:
        rows = known.rows_of(ledger, requests) if paths else known.every_row(ledger)
        claims = ledger.open_claims()
        disputed = known.disputed(rows, ledger)
    finally:
        ledger.close()
    flags = flags_of(ctx, settings)
    for output in wanted:
        write_output(
            output,
            console,
            lambda fmt, to: status.render(rows, fmt=fmt, console=to, claims=claims, disputed=disputed, flags=flags),
        )
    code = ExitCode.OUTCOME_UNKNOWN if any(row.open for row in rows) else ExitCode.OK
    return ended(code, console)


def _wanted(paths: tuple[str, ...], selection: Selection, console: Console) -> tuple[OrderRequest, ...]:
    from runner import manifest

    loaded = manifest.load(paths)
    note_left_out(loaded, console)
    if loaded.errors:
        raise InvalidManifests(loaded.problems)
    selection.check(loaded.orders)
    return tuple(order for order in loaded.orders if selection.left_out(order) is None)
