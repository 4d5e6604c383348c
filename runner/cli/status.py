"""`order-runner status [PATH...]`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from runner.cli.approving import selection_of, selection_options
from runner.cli.options import (
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
from runner.cli.settling import flags_of
from runner.cli.words import note_left_out
from runner.errors import ExitCode, InvalidManifests, UsageError

if TYPE_CHECKING:
    from runner.ledger.interface import Ledger, Record
    from runner.orders import OrderRequest
    from runner.selection import Selection
    from runner.views.console import Console
    from runner.views.status import StatusRow

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
    from runner import wiring
    from runner.views import status
    from runner.views.console import Console

    wanted = outputs(formats, FORMATS, "text")
    settings = settings_of(ctx, **values)
    selection = selection_of(values)
    if selection and not paths:
        raise UsageError("only orders of manifests can be selected", hint="name PATH...")
    console = Console.detect(no_color=values["no_color"])
    requests = _wanted(paths, selection, console) if paths else ()
    ledger = wiring.open_ledger(wiring.locate(settings), read_only=True)
    try:
        rows = _rows(ledger, requests) if paths else _every_row(ledger)
        claims = ledger.open_claims()
        disputed = _disputed(rows, ledger)
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


def _rows(ledger: Ledger, requests: tuple[OrderRequest, ...]) -> list[StatusRow]:
    from runner.states import State
    from runner.views.status import StatusRow

    records = ledger.records(request.key for request in requests)
    rows = [
        StatusRow(
            key=request.key,
            state=records[request.key].state if request.key in records else State.PLANNED,
            wanted=True,
            record=records.get(request.key),
            source=request.source,
        )
        for request in requests
    ]
    listed = {row.key for row in rows}
    others = [record for record in ledger.open_records() if record.key not in listed]
    return rows + [StatusRow(key=record.key, state=record.state, wanted=False, record=record) for record in others]


def _disputed(rows: list[StatusRow], ledger: Ledger) -> list[Record]:
    """Orders that nothing buys because the vendor answered them with an order id that nobody has by now."""
    from runner.states import CLAIMABLE

    found = [row.record for row in rows if row.record and row.record.stray_order_id and row.state in CLAIMABLE]
    owned = ledger.owners(str(record.stray_order_id) for record in found)
    return [record for record in found if record.stray_order_id not in owned]


def _every_row(ledger: Ledger) -> list[StatusRow]:
    from runner.views.status import StatusRow

    return [
        StatusRow(key=record.key, state=record.state, wanted=True, record=record) for record in ledger.every_record()
    ]
