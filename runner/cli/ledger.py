"""`order-runner ledger init | export | verify | import | rekey | spent`"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from runner._version import __version__
from runner.cli import decision
from runner.cli.options import common, types
from runner.cli.options.command import CommandOptions, argument, define, group, option, option_class
from runner.cli.options.targets import Targets
from runner.core.clock import SystemClock
from runner.core.errors import ExitCode, LedgerUnusable, Refused, UsageError
from runner.core.records import Head
from runner.run import wiring
from runner.run.settings import LedgerPlace, holder, locate, short_path

if TYPE_CHECKING:
    from runner.core.ledger import Ledger
    from runner.core.progress import Watch
    from runner.core.records import Restored
    from runner.ledger.export import Export
    from runner.views.ledger import LedgerCheck
    from runner.views.terminal.console import Console

FORMATS = ("text", "json")


@click.group("ledger")
def command() -> None:
    """Make a ledger; export, verify or import its history; add up what was spent. The vendor is not asked."""


@option_class
class FoundingOptions(CommandOptions):
    grant: str | None = option(
        "--grant", metavar="ROLE", envvar=None, help="Give this role of the database every right that buying needs."
    )
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    lock_timeout: float = common.lock_timeout_option()
    actor: str | None = common.actor_option()
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("init", FoundingOptions, under=command)
def init_command(options: FoundingOptions) -> int:
    """Make the ledger, and enter the account in it: on purpose, and once. Harmless where both are there.

    An older ledger is brought up to date. For PostgreSQL, run it as the owner of the tables: without --grant it prints
    the statements that give another role what it needs to buy.
    """
    from runner.run.founding import establish
    from runner.settle.resolve import person_of
    from runner.views import ledger as view

    outputs = common.outputs_of(options.formats, FORMATS)
    settings = replace(common.ledger_settings(options.ledger, options.origins), actor=options.actor)
    console = options.screen.console()
    who = str(person_of(os.environ, options.actor))
    founding = establish(settings, who=who, role=options.grant, lock_timeout=options.lock_timeout)
    common.write_outputs(outputs, console, lambda fmt, target: view.render_founding(founding, fmt=fmt, console=target))
    return common.exit_code(ExitCode.OK, console)


@option_class
class ExportOptions(CommandOptions):
    output: Path = option(
        "-o",
        "--output",
        type=click.Path(path_type=Path, allow_dash=True),
        metavar="FILE",
        default=Path("-"),
        help="Where the lines go; - is stdout. [-]",
    )
    sandbox: bool = option("--sandbox", is_flag=True, help="Use the sandbox's ledger.")
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("export", ExportOptions, under=command)
def export_command(options: ExportOptions) -> int:
    """Write every event of the account as a line of JSON, with the witnesses it names. Others may keep buying.

    Exit code 5 if the ledger is damaged, or there is none, or it does not have the account; FILE then stays as it was.
    """
    from runner.ledger.export import BrokenHistory

    console = options.screen.console()
    settings = common.ledger_settings(options.ledger, options.origins, sandbox=options.sandbox)
    Targets((), settings, [("--output", None if str(options.output) == "-" else options.output)])
    with _existing(locate(settings)) as ledger:
        on_screen = str(options.output) == "-" and console.out.terminal
        try:
            with common.writing(options.output), options.screen.watching(console, quiet=on_screen) as watch:
                _write(_lines(ledger, watch), options.output, console)
        except BrokenHistory as error:
            raise LedgerUnusable(
                f"the ledger {ledger.location} is damaged at {error.place}: {error}",
                hint="see docs/how-to/back-up-the-ledger.md; a copy of the file keeps what is left",
            ) from None
    return common.exit_code(ExitCode.OK, console)


@contextmanager
def _existing(place: LedgerPlace) -> Iterator[Ledger]:
    """The ledger, to read; LedgerUnusable where there is none or it does not have the account: that is no history."""
    with closing(wiring.open_ledger(place, read_only=True)) as ledger:
        accounts = ledger.accounts()
        if not accounts:
            state = "is empty: it has no account" if place.url or place.path.exists() else "does not exist"
            raise LedgerUnusable(
                f"the ledger {ledger.location} {state}", hint="name the one that `apply` used with --ledger"
            )
        if ledger.account not in accounts:
            raise LedgerUnusable(
                f"the ledger {ledger.location} has no account {ledger.account}; it has {', '.join(accounts)}",
                hint=f"name one of them, like --account {accounts[0]}",
            )
        yield ledger


def _write(lines: Iterator[str], output: Path, console: Console) -> None:
    """All lines to stdout or, once they are all there, to a file."""
    from runner.core.files import replacing

    if str(output) == "-":
        console.out.lines(line.removesuffix("\n") for line in lines)
        return
    with replacing(output) as stream:
        stream.writelines(line.encode("ascii") for line in lines)


def _lines(ledger: Ledger, watch: Watch) -> Iterator[str]:
    from runner.ledger.export import Header, lines

    header = Header(
        account=ledger.account,
        ledger=ledger.location if "://" in ledger.location else short_path(Path(ledger.location)),
        tool=f"order-runner {__version__}",
        at=SystemClock().now(),
        head=ledger.head(),
    )
    return lines(ledger, header, watch)


@option_class
class VerifyOptions(CommandOptions):
    export: Path | None = argument(required=False, metavar="[EXPORT]", type=click.Path(path_type=Path))
    since: Head | None = option(
        "--since",
        type=types.Mark(),
        metavar="NUMBER:HASH",
        envvar=None,
        help="Check only what follows the event with which an earlier check ended, as it printed it.",
    )
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    sandbox: bool = option("--sandbox", is_flag=True, help="Check the sandbox's ledger.")
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("verify", VerifyOptions, under=command)
def verify_command(options: VerifyOptions) -> int:
    """Check that no event was changed, lost, added or moved: in the ledger, or in the file EXPORT.

    For a ledger, also check that every order is what its events make of it, and the sums by day what the orders make
    of them. Exit code 5 at the first thing that is not, which is named, and where there is no ledger, or none of the
    account.
    """
    from runner.views import ledger as view

    if options.export is not None and options.since is not None:
        raise UsageError("--since is for a ledger, not for an export", hint="an export is checked whole")
    outputs = common.outputs_of(options.formats, FORMATS)
    settings = common.ledger_settings(options.ledger, options.origins, sandbox=options.sandbox)
    place = locate(settings)
    Targets(outputs, settings).refuse("the export", [options.export])
    console = options.screen.console()
    with options.screen.watching(console) as watch:
        verdict = _check_export(options.export, watch) if options.export else _check_ledger(place, options.since, watch)
    common.write_outputs(outputs, console, lambda fmt, target: view.render(verdict, fmt=fmt, console=target))
    return common.exit_code(ExitCode.OK if verdict.whole else ExitCode.REFUSED, console)


def _check_ledger(place: LedgerPlace, since: Head | None, watch: Watch) -> LedgerCheck:
    from runner.ledger.export import BrokenHistory, check_ledger, check_since
    from runner.views.ledger import LedgerCheck

    with _existing(place) as ledger:
        try:
            chain = check_ledger(ledger, watch) if since is None else check_since(ledger, since, watch)
        except BrokenHistory as error:
            return LedgerCheck(source=ledger.location, account=ledger.account, place=error.place, what=str(error))
    return LedgerCheck(
        source=ledger.location, account=ledger.account, head=chain.head, orders=chain.orders, since=since
    )


def _check_export(path: Path, watch: Watch) -> LedgerCheck:
    from runner.ledger.export import BrokenHistory, check_export
    from runner.views.ledger import LedgerCheck

    with _open(path) as stream:
        try:
            export = check_export(stream, watch)
        except BrokenHistory as error:
            return LedgerCheck(source=str(path), place=error.place, what=str(error))
    chain = export.chain
    return LedgerCheck(source=str(path), account=chain.account, head=chain.head, orders=chain.orders, is_export=True)


@option_class
class ImportOptions(CommandOptions):
    export: Path = argument(metavar="EXPORT", type=click.Path(path_type=Path))
    name: str | None = option(
        "--as",
        metavar="NAME",
        envvar=None,
        help="Enter a history that was made under another account name as that of this one, which has none yet.",
    )
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    lock_timeout: float = common.lock_timeout_option()
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("import", ImportOptions, under=command)
def import_command(options: ImportOptions) -> int:
    """Put the events of the file EXPORT into a ledger that is empty or has only its first ones.

    All of it or nothing. Exit code 5 if the file is damaged, is another account's, or differs from the ledger;
    the first event that differs is named. What is there already is left alone, so it can be run again.
    """
    from runner.views import ledger as view

    outputs = common.outputs_of(options.formats, FORMATS)
    settings = common.ledger_settings(options.ledger, options.origins)
    if options.name is not None:
        if options.ledger.account is not None and options.ledger.account != options.name:
            raise UsageError(f"--as {options.name} and --account {options.ledger.account} name two accounts")
        settings = replace(settings, account=options.name)
    place = locate(settings)
    Targets(outputs, settings).refuse("the export", [options.export])
    console = options.screen.console()
    with _open(options.export) as stream, console.impatient(), options.screen.watching(console) as watch:
        restored = _import(options, stream, place, watch)
    common.write_outputs(outputs, console, lambda fmt, target: view.render_restored(restored, fmt=fmt, console=target))
    return common.exit_code(ExitCode.OK, console)


def _import(options: ImportOptions, stream: TextIO, place: LedgerPlace, watch: Watch) -> Restored:
    from runner.core.records import Contradiction
    from runner.ledger.export import BrokenHistory, Export
    from runner.ledger.takeover import under
    from runner.limits.admission import check_name

    path, account = options.export, place.account
    try:
        export = Export(stream, watch)
        is_renamed = _is_renamed(path, export, place, named=options.name is not None)
        with (
            closing(wiring.open_ledger(place, restoring=True)) as ledger,
            ledger.hold(holder(SystemClock().now()), timeout=options.lock_timeout) as hold,
        ):
            check_name(account, ledger.register(), new=True)
            if not is_renamed:
                return hold.restore(export.parts())
            _refuse_beside_origin(path, export, ledger)
            return hold.restore(under(account, export.parts(), export.header.account, export.header.head))
    except BrokenHistory as error:
        raise Refused(f"{path} is damaged at {error.place}: {error}", hint="use another export") from None
    except Contradiction as error:
        if options.name is not None:
            raise Refused(
                f"account {account} has a history of its own, which is not that of {path}: {error}",
                hint="a history is taken over whole, by an account that has none; nothing was imported",
            ) from None
        raise Refused(
            f"{path} contradicts the ledger, at {export.place}: {error}",
            hint="they are two different histories: nothing was imported; see docs/how-to/back-up-the-ledger.md",
        ) from None


def _is_renamed(path: Path, export: Export, place: LedgerPlace, *, named: bool) -> bool:
    """Whether it is another account's history, which is meant to be this one's. Refused where it is not meant."""
    account = export.header.account
    if account != place.account and not named:
        raise Refused(
            f"{path} is for account {account}, not {place.account}",
            hint=f"pass --account {account}; if that history is {place.account}'s from now on: --as {place.account}",
        )
    if account != place.account and not export.header.head.events:
        raise Refused(f"{path} has no events: there is no history to take over")
    return account != place.account


def _refuse_beside_origin(path: Path, export: Export, ledger: Ledger) -> None:
    """Refused where the ledger has the account that the history was made under: one purchase would belong to two."""
    account = export.header.account
    if account in ledger.register().names:
        raise Refused(
            f"{path} is the history of account {account}, which this ledger has itself: as {ledger.account}'s, every "
            "order of it would be known twice",
            hint=f"go on under that name: --account {account}",
        )


def _open(path: Path) -> TextIO:
    try:
        return path.open(encoding="ascii", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None


@option_class
class RekeyOptions(CommandOptions):
    yes: bool = option("--yes", is_flag=True, help="Do not ask.")
    lock_timeout: float = common.lock_timeout_option()
    actor: str | None = common.actor_option()
    base_url: str | None = common.base_url_option()
    api_key_file: Path | None = common.api_key_file_option()
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("rekey", RekeyOptions, under=command)
def rekey_command(options: RekeyOptions) -> int:
    """Say that the account has this API key from now on: it was rotated, or the vendor's address has moved.

    Recorded with your name; the ledger keeps a digest of the key, never the key. Asks on a terminal; elsewhere it needs
    --yes. Exit code 5 if another account of the ledger has the key.
    """
    from runner.core.leading import leading_there
    from runner.run import keyring
    from runner.settle.resolve import person_of

    console = options.screen.console()
    hint = "make sure that it is the same account's key, then pass --yes"
    decision.refuse_unasked(console, yes=options.yes, hint=hint)
    settings = replace(
        common.ledger_settings(options.ledger, options.origins),
        base_url=options.base_url,
        api_key_file=options.api_key_file,
    )
    identity, now = keyring.identity_of(settings), holder(SystemClock().now(), options.actor)
    who = str(person_of(os.environ, options.actor))
    with leading_there(common.flags_of(options.origins, settings)), wiring.existing_ledger(settings) as ledger:
        claim = f"{who} says that account {ledger.account} has this API key, at {identity.address}, from now on"

        def agree() -> None:
            if not options.yes:
                decision.confirm(claim, [f"{ledger.location}, account {ledger.account}"], console)

        entered = keyring.rekey(ledger, identity, now, who=who, lock_timeout=options.lock_timeout, confirm=agree)
        known = f"account {ledger.account} has this API key already"
    decision.say(f"recorded: {claim}" if entered else known, console)
    return common.exit_code(ExitCode.OK, console)


SPENT_FORMATS = ("text", "csv", "json")


@option_class
class SpentOptions(CommandOptions):
    since: date | None = option(
        "--since",
        type=types.CalendarDay(),
        metavar="DATE",
        envvar=None,
        help="From this day on, or the first of a month.",
    )
    until: date | None = option(
        "--until",
        type=types.CalendarDay(last=True),
        metavar="DATE",
        envvar=None,
        help="To this day, or the last of a month.",
    )
    by: tuple[str, ...] = option(
        "--by",
        multiple=True,
        metavar="WHAT",
        envvar=None,
        help="day, month, batch, type, actor, label (all of an order's) or label=NAME. May be repeated. [month]",
    )
    formats: tuple[str, ...] = common.format_option(*SPENT_FORMATS)
    sandbox: bool = option("--sandbox", is_flag=True, help="Use the sandbox's ledger.")
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("spent", SpentOptions, under=command)
def spent_command(options: SpentOptions) -> int:
    """Add up what was spent, or may have been, by the UTC day of the claim.

    Bought orders count with their charge, or their quote where the vendor named no charge; orders in doubt with their
    quote, which a column of its own repeats. An adopted order counts from its adoption on; refunds are not known.
    """
    from runner.settle.sums import add_up, groupings_of, reads_origins
    from runner.views import spent as view

    outputs = common.outputs_of(options.formats, SPENT_FORMATS)
    by, since, until = groupings_of(options.by), options.since, options.until
    if since and until and since > until:
        raise UsageError(f"--since {since} is after --until {until}", hint="exchange them")
    settings = common.ledger_settings(options.ledger, options.origins, sandbox=options.sandbox)
    Targets(outputs, settings)
    console = options.screen.console()
    with _existing(locate(settings)) as ledger:
        orders = ledger.spendings(since or date.min, until or date.max, origins=reads_origins(by))
        spent, account = add_up(orders, by, since, until), ledger.account
    common.write_outputs(outputs, console, lambda fmt, to: view.render(spent, account, fmt=fmt, console=to))
    return common.exit_code(ExitCode.OK, console)
