"""`order-runner status [PATH...]`"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from runner.cli.options import common
from runner.cli.options.approval import SelectionOptions, selection_of
from runner.cli.options.command import CommandOptions, define, group, option, option_class
from runner.cli.options.targets import Targets
from runner.cli.outputs import show_warning
from runner.cli.surveying import FORMATS, OnlineOptions, show_survey
from runner.core.errors import ExitCode, InvalidManifests, UsageError
from runner.run import wiring
from runner.run.settings import locate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.ledger import Ledger
    from runner.core.orders import OrderRequest
    from runner.core.selection import Selection
    from runner.settle.status import Overview, StatusRow
    from runner.views.terminal.console import Console

OFFLINE = ("text", "json")
"""Formats of what the ledger alone knows."""


@option_class
class StatusOptions(CommandOptions):
    paths: tuple[str, ...] = common.paths_argument(required=False)
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    every: bool = option(
        "--all", is_flag=True, help="Without PATH: list every order of the account, not only the newest."
    )
    online: OnlineOptions = group(OnlineOptions)
    selection: SelectionOptions = group(SelectionOptions)
    vendor: common.VendorOptions = group(common.VendorOptions)
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("status", StatusOptions)
def command(options: StatusOptions) -> int:
    """Show what the ledger knows: of the orders of PATH..., or of the account. Without --online no network, no key.

    Open orders, which may have been charged, come first, whether they are in PATH or not. Without PATH the newest of
    the others follow, in JSON all of them. -v adds who bought what when. Exit code 7 if an order is open. A key in the
    environment that is not the account's is told on stderr.

    --online asks the vendor for the lists of each type, once: delivered of ordered, the end, what was renewed outside
    or replaced, armed auto-renewals, orders that nobody owns. It notes digests of the addresses for the next look.
    """
    from runner.run.keyring import objection
    from runner.settle import status
    from runner.views import failure
    from runner.views import status as view

    options.online.refuse_alone(options.origins)
    outputs = common.outputs_of(options.formats, FORMATS)
    if not options.online.online:
        _refuse_online_formats(outputs)
    settings = common.vendor_settings(options.vendor, options.origins, options.ledger)
    selection = selection_of(options.selection)
    if selection and not options.paths:
        raise UsageError("--only, --exclude and --label need manifests", hint="name PATH...")
    Targets(outputs, settings).refuse_inputs(options.paths)
    console = options.screen.console()
    flags = common.flags_of(options.origins, settings)
    requests = _requests(options.paths, selection, console) if options.paths else ()
    if options.online.online:
        return show_survey(
            options.online,
            settings,
            requests if options.paths else None,
            outputs=outputs,
            paths=options.paths,
            screen=options.screen,
            console=console,
            flags=flags,
        )
    with closing(wiring.open_ledger(locate(settings), read_only=True)) as ledger:
        claims = ledger.open_claims()
        other_key = objection(ledger, settings, flags)
        unread = wiring.unread(settings, ledger, is_meant=True)
        rows = status.rows_of(ledger, requests) if options.paths else None
        records = (row.record for row in rows if row.record) if rows is not None else ledger.stray_records()
        disputed = status.disputed_records(records, ledger)

        def render(fmt: str, to: Console) -> None:
            overview = _overview(ledger, rows, every=options.every or fmt == "json")
            view.render(
                overview,
                fmt=fmt,
                console=to,
                claims=claims,
                disputed=disputed,
                flags=flags,
                origins=ledger.origins,
                verbose=options.screen.verbose,
            )

        common.write_outputs(outputs, console, render)
        in_doubt = any(row.open for row in rows) if rows is not None else bool(ledger.open_records())
    for problem in unread:
        failure.render(problem, console)
    if other_key is not None:
        show_warning(other_key, console)
    return common.exit_code(ExitCode.OUTCOME_UNKNOWN if in_doubt else ExitCode.OK, console)


def _refuse_online_formats(outputs: tuple[common.Output, ...]) -> None:
    for output in outputs:
        if output.fmt not in OFFLINE:
            raise UsageError(f"-f {output.fmt} needs --online", hint=f"without it: {', '.join(OFFLINE)}")


def _overview(ledger: Ledger, rows: Sequence[StatusRow] | None, *, every: bool) -> Overview:
    """What to show: the rows of manifests, else the account's orders."""
    from runner.settle import status

    if rows is not None:
        return status.overview_of(rows)
    return status.everything(ledger) if every else status.newest(ledger)


def _requests(paths: tuple[str, ...], selection: Selection, console: Console) -> tuple[OrderRequest, ...]:
    from runner import manifest

    loaded = manifest.load(paths)
    common.note_left_out(loaded, console)
    if loaded.errors:
        raise InvalidManifests(loaded.problems)
    selection.check(loaded.orders)
    return tuple(order for order in loaded.orders if selection.left_out(order) is None)
