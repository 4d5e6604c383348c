"""`order-runner ledger export | verify | import`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.options.common import (
    ended,
    format_option,
    ledger_options,
    option,
    outputs,
    quiet_options,
    settings_of,
    write_output,
)
from runner.core.errors import ExitCode, LedgerUnusable, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from runner.core.ledger import Ledger, Restored
    from runner.core.progress import Watch
    from runner.ledger.export import Export
    from runner.run.wiring import Place
    from runner.views.ledger import LedgerCheck

FORMATS = ("text", "json")


@click.group("ledger")
def command() -> None:
    """Take the ledger's history out, check it, put it back. No network, no key."""


@command.command("export")
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    default=Path("-"),
    help="Where the lines go; - is stdout. [-]",
)
@option("--sandbox", is_flag=True, help="Take the sandbox's ledger.")
@ledger_options
@quiet_options
@click.pass_context
def export_command(ctx: click.Context, /, output: Path, **values: Any) -> int:
    """Write every event of the account as a line of JSON, with the witnesses it names. Others may go on buying.

    Exit code 5 where the ledger is not whole; FILE is left as it was then.
    """
    from runner.core.files import replacing
    from runner.ledger.export import Broken
    from runner.run import wiring
    from runner.views.terminal import events
    from runner.views.terminal.console import Console

    console = Console.detect(no_color=values["no_color"])
    place = wiring.locate(settings_of(ctx, **values))
    ledger = wiring.open_ledger(place, read_only=True)
    try:
        seen = str(output) == "-" and console.out.terminal
        with events.watching(console, quiet=seen or values["quiet"], verbose=values["verbose"]) as watch:
            told = _lines(ledger, watch)
            if str(output) == "-":
                console.out.lines(line.removesuffix("\n") for line in told)
            else:
                with replacing(output) as stream:
                    stream.writelines(line.encode("ascii") for line in told)
    except Broken as error:
        raise LedgerUnusable(
            f"the ledger {ledger.location} is not whole, at {error.place}: {error}",
            hint="see docs/how-to/back-up-the-ledger.md; a copy of the file keeps what is left",
        ) from None
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror or error}") from None
    finally:
        ledger.close()
    return ended(ExitCode.OK, console)


def _lines(ledger: Ledger, watch: Watch) -> Iterator[str]:
    from runner._version import __version__
    from runner.core.clock import SystemClock
    from runner.ledger.export import Header, lines
    from runner.run import wiring

    header = Header(
        account=ledger.account,
        ledger=ledger.location if "://" in ledger.location else wiring.shown(Path(ledger.location)),
        tool=f"order-runner {__version__}",
        at=SystemClock().now(),
        head=ledger.head(),
    )
    return lines(ledger, header, watch)


@command.command("verify")
@click.argument("export", required=False, metavar="[EXPORT]", type=click.Path(path_type=Path))
@format_option(*FORMATS)
@option("--sandbox", is_flag=True, help="Check the sandbox's ledger.")
@ledger_options
@quiet_options
@click.pass_context
def verify_command(ctx: click.Context, /, export: Path | None, formats: tuple[str, ...], **values: Any) -> int:
    """Check that no event was changed, lost, added or moved: in the ledger, or in the file EXPORT.

    Of a ledger it also checks that every order is what its events make of it. Exit code 5 at the first thing that is
    not, which is named.
    """
    from runner.views import ledger as view
    from runner.views.terminal import events
    from runner.views.terminal.console import Console

    wanted = outputs(formats, FORMATS, "text")
    settings = settings_of(ctx, **values)
    console = Console.detect(no_color=values["no_color"])
    with events.watching(console, quiet=values["quiet"], verbose=values["verbose"]) as watch:
        if export is None:
            from runner.run import wiring

            verdict = _check_ledger(wiring.locate(settings), watch)
        else:
            verdict = _check_export(export, watch)
    for output in wanted:
        write_output(output, console, lambda fmt, target: view.render(verdict, fmt=fmt, console=target))
    return ended(ExitCode.OK if verdict.whole else ExitCode.REFUSED, console)


def _check_ledger(place: Place, watch: Watch) -> LedgerCheck:
    from runner.ledger.export import Broken, check_ledger
    from runner.run import wiring
    from runner.views.ledger import LedgerCheck

    ledger = wiring.open_ledger(place, read_only=True)
    try:
        chain = check_ledger(ledger, watch)
    except Broken as error:
        return LedgerCheck(source=ledger.location, account=ledger.account, place=error.place, what=str(error))
    finally:
        ledger.close()
    return LedgerCheck(source=ledger.location, account=ledger.account, head=chain.head, orders=chain.orders)


def _check_export(path: Path, watch: Watch) -> LedgerCheck:
    from runner.ledger.export import Broken, check_export
    from runner.views.ledger import LedgerCheck

    with _opened(path) as stream:
        try:
            export = check_export(stream, watch)
        except Broken as error:
            return LedgerCheck(source=str(path), place=error.place, what=str(error))
    chain = export.chain
    return LedgerCheck(source=str(path), account=chain.account, head=chain.head, orders=chain.orders)


@command.command("import")
@click.argument("export", metavar="EXPORT", type=click.Path(path_type=Path))
@format_option(*FORMATS)
@option("--lock-timeout", type=click.FloatRange(min=0), default=0.0, help="Seconds to wait for another run to end. [0]")
@ledger_options
@quiet_options
@click.pass_context
def import_command(
    ctx: click.Context, /, export: Path, formats: tuple[str, ...], lock_timeout: float, **values: Any
) -> int:
    """Put the events of the file EXPORT into a ledger that is empty or has only its first ones.

    All of it or nothing. Exit code 5 where the file is not whole, is another account's, or differs from the ledger;
    the first event that differs is named. What is there already is left alone, so that it may be run again.
    """
    from runner.run import wiring
    from runner.views import ledger as view
    from runner.views.terminal import events
    from runner.views.terminal.console import Console

    wanted = outputs(formats, FORMATS, "text")
    place = wiring.locate(settings_of(ctx, **values))
    console = Console.detect(no_color=values["no_color"])
    with (
        _opened(export) as stream,
        events.watching(console, quiet=values["quiet"], verbose=values["verbose"]) as watch,
    ):
        restored = _import(export, stream, place, lock_timeout, watch)
    for output in wanted:
        write_output(output, console, lambda fmt, target: view.render_restored(restored, fmt=fmt, console=target))
    return ended(ExitCode.OK, console)


def _import(path: Path, stream: TextIO, place: Place, timeout: float, watch: Watch) -> Restored:
    from runner.core.clock import SystemClock
    from runner.core.ledger import Contradiction
    from runner.ledger.export import Broken, Export
    from runner.run import wiring
    from runner.run.wiring import holder

    try:
        export = Export(stream, watch)
        _refuse_other_account(path, export, place)
        ledger = wiring.open_ledger(place)
        try:
            with ledger.hold(holder(SystemClock().now()), timeout=timeout) as hold:
                return hold.restore(export.parts())
        finally:
            ledger.close()
    except Broken as error:
        raise Refused(f"{path} is not whole, at {error.place}: {error}", hint="take another export") from None
    except Contradiction as error:
        raise Refused(
            f"{path} contradicts the ledger, at {export.place}: {error}",
            hint="they are two histories: nothing was imported; see docs/how-to/back-up-the-ledger.md",
        ) from None


def _refuse_other_account(path: Path, export: Export, place: Place) -> None:
    account = export.header.account
    if account != place.account:
        raise Refused(
            f"{path} is of account {account}, not {place.account}", hint=f"if that is meant, give --account {account}"
        )


def _opened(path: Path) -> TextIO:
    try:
        return path.open(encoding="ascii", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
