"""Options that commands share, and the values they become."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO, cast

import click

from runner.cli.complete.values import files
from runner.cli.complete.values import formats as complete_formats
from runner.cli.options import command
from runner.cli.options.command import Origins, argument, option, option_class
from runner.cli.options.types import Rate, Seconds
from runner.core.errors import ExitCode, UsageError, worst
from runner.run.settings import DEFAULT_ACCOUNT, DEFAULT_BASE_URL, DEFAULT_RATE, Settings

if TYPE_CHECKING:
    from runner.core.progress import Watch
    from runner.manifest import Checked
    from runner.views.terminal.console import Console


@option_class
class ScreenOptions:
    """How much is said on stderr, and whether in colour."""

    quiet: bool = option("-q", "--quiet", is_flag=True, help="Print only what must be read on stderr.")
    verbose: bool = option("-v", "--verbose", is_flag=True, help="Print more on stderr.")
    no_color: bool = option("--no-color", is_flag=True, help="No colour, whatever the terminal can do.")

    def console(self) -> Console:
        """The streams of this process."""
        from runner.views.terminal.console import Console

        return Console.detect(no_color=self.no_color)

    def watching(self, console: Console, *, quiet: bool = False, rate: int = 0) -> AbstractContextManager[Watch]:
        """Progress on stderr for the length of a `with`; `rate` as in `events.watching`."""
        from runner.views.terminal import events

        return events.watching(console, quiet=quiet or self.quiet, verbose=self.verbose, rate=rate)


@option_class
class LedgerOptions:
    """Where the ledger is, and whose."""

    ledger: str | None = option(
        "--ledger",
        metavar="PATH|URL",
        help="The ledger: a file, or postgresql://user@host/db. [a file in the user's state folder]",
    )
    account: str | None = option(
        "--account", metavar="NAME", help=f"The account's name in the ledger. [{DEFAULT_ACCOUNT}]"
    )
    trust_file_system: str | None = option(
        "--trust-file-system",
        metavar="TYPE",
        help="A file system, like virtiofs, that the ledger's file is on although it is refused there: you know that "
        "its locks and shared memory hold between all who use the ledger.",
    )


def actor_option() -> Any:
    """`--as NAME`."""
    return option(
        "--as",
        metavar="NAME",
        help="Who does this, for the record. [whom the CI system names; else the user of this system]",
    )


def base_url_option() -> Any:
    """`--base-url URL`."""
    return option("--base-url", metavar="URL", help=f"The vendor's base URL, without the key. [{DEFAULT_BASE_URL}]")


def api_key_file_option() -> Any:
    """`--api-key-file PATH`."""
    return option(
        "--api-key-file", type=click.Path(path_type=Path), help="A file that holds the API key, and only that."
    )


def new_account_option() -> Any:
    """`--new-account`: a word for one call, so that no variable says it for all of them."""
    return option(
        "--new-account",
        is_flag=True,
        envvar=None,
        help="The account's name is meant to be new to a ledger that has others. Not in CI: see ledger init.",
    )


@option_class
class VendorOptions:
    """How the vendor is reached. Seconds; requests in any 60 s."""

    sandbox: bool = option(
        "--sandbox",
        is_flag=True,
        help="Use an emulator inside this process: no account, no money, a ledger of its own.",
    )
    base_url: str | None = base_url_option()
    api_key_file: Path | None = api_key_file_option()
    timeout: float = option(
        "--timeout", type=Seconds(1), default=30.0, help="Seconds that one read may take in total. [30]"
    )
    rate: int | Literal["auto"] | None = option(
        "--rate",
        type=Rate(),
        help="Requests within any 60 s; 0 is unlimited, auto climbs until the vendor throttles. "
        f"[{DEFAULT_RATE}; 0 with --sandbox]",
    )


def paths_argument(*, required: bool = True) -> Any:
    """`PATH...`: files, folders, globs or `-`."""
    metavar = "PATH..." if required else "[PATH...]"
    return argument(nargs=-1, required=required, metavar=metavar, shell_complete=files)


def format_option(*formats: str) -> Any:
    """`-f/--format FMT[=PATH]`, as often as wanted."""
    return option(
        "-f",
        "--format",
        multiple=True,
        metavar="FMT[=PATH]",
        shell_complete=complete_formats(formats),
        help=f"{', '.join(formats)}; to a file with =PATH. May be repeated.",
    )


def lockfile_option() -> Any:
    """`--lockfile PATH`."""
    return option(
        "--lockfile",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="What the words of the manifests stand for. [orders.lock.json beside them]",
    )


def lock_timeout_option() -> Any:
    """`--lock-timeout SECONDS`."""
    return option("--lock-timeout", type=Seconds(0), default=0.0, help="Seconds to wait for another run to end. [0]")


def vendor_settings(vendor: VendorOptions, origins: Origins, ledger: LedgerOptions | None = None) -> Settings:
    """The settings of a call that asks the vendor. UsageError for options that contradict each other."""
    return replace(
        ledger_settings(ledger, origins, sandbox=vendor.sandbox),
        base_url=vendor.base_url,
        api_key_file=vendor.api_key_file,
        timeout=vendor.timeout,
        rate=vendor.rate,
    )


def ledger_settings(ledger: LedgerOptions | None, origins: Origins, *, sandbox: bool = False) -> Settings:
    """The settings of a call that asks nobody. UsageError for options that contradict each other."""
    if sandbox:
        _refuse_beside_sandbox(origins)
    if ledger is None:
        return Settings(sandbox=sandbox)
    if "ledger" in origins.line and ledger.ledger is not None:
        _refuse_password_in_process_list(ledger.ledger)
    return Settings(
        ledger=ledger.ledger,
        account=ledger.account,
        trusted_file_system=ledger.trust_file_system,
        sandbox=sandbox,
    )


def flags_of(origins: Origins, settings: Settings) -> str:
    """The flags, a blank before each, that send another command to the same account of the same ledger."""
    places = {"ledger": settings.ledger, "account": settings.account, "trust_file_system": settings.trusted_file_system}
    return command.flags_of(origins, {"sandbox": settings.sandbox, **places})


def _refuse_beside_sandbox(origins: Origins) -> None:
    for name in ("ledger", "account", "base_url", "api_key_file"):
        if name in origins.line:
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"--sandbox has its own account and ledger: leave {flag} out")


def _refuse_password_in_process_list(ledger: str) -> None:
    from runner.run.wiring import has_password

    if has_password(ledger):
        raise UsageError(
            "--ledger has a password, which everybody on this machine can read in the list of processes",
            hint="put the URL into ORDER_RUNNER_LEDGER, or the password into PGPASSWORD or a file named by PGPASSFILE",
        )


def note_left_out(checked: Checked, console: Console) -> None:
    """Say on stderr which folders were not read."""
    from runner.views.terminal.safe import one_line

    for folder in checked.left_out:
        console.note(one_line(f"left out: {folder} has its own lockfile; run it separately") + "\n")


@dataclass(frozen=True, slots=True)
class Output:
    """One wanted format, and the file it goes to (None: stdout)."""

    fmt: str
    path: Path | None = None


def outputs_of(texts: tuple[str, ...], formats: tuple[str, ...], default: str = "text") -> tuple[Output, ...]:
    """The outputs that `--format` names. UsageError for an unknown format, or two that both want stdout."""
    outputs = tuple(_output(text, formats) for text in texts) or (Output(default),)
    if sum(output.path is None for output in outputs) > 1:
        raise UsageError(
            "two formats cannot both go to stdout", hint="send all but one to a file, like -f json=out.json"
        )
    return outputs


def _output(text: str, formats: tuple[str, ...]) -> Output:
    fmt, equals, path = text.partition("=")
    if fmt not in formats or (equals and not path):
        raise UsageError(
            f"unknown format {text!r}", hint=f"one of {', '.join(formats)}; a file is named like {formats[0]}=PATH"
        )
    return Output(fmt, Path(path) if path else None)


@contextmanager
def writing(what: object) -> Iterator[None]:
    """UsageError, naming what, where it cannot be written."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{what} cannot be written: {error.strerror or error}") from None


def write_outputs(outputs: tuple[Output, ...], console: Console, render: Callable[[str, Console], None]) -> None:
    """Render each output to where it goes, one after the other. UsageError where that cannot be written."""
    for output in outputs:
        write_output(output, console, render)


def write_output(output: Output, console: Console, render: Callable[[str, Console], None]) -> None:
    """Render to stdout or to the output's file, which is replaced whole. UsageError where that cannot be written."""
    if output.path is None:
        render(output.fmt, console)
        return
    import io

    from runner.core.files import replacing
    from runner.views.terminal.console import Console as Target

    with writing(output.path), replacing(output.path) as stream:

        class Text(io.TextIOBase):
            """Has no descriptor: what is written goes through `stream`, which tells of a full disk."""

            def write(self, text: str) -> int:
                stream.write(text.encode())
                return len(text)

        target = Target.detect(no_color=True, stdout=cast("TextIO", Text()), stderr=sys.stderr, environ={})
        render(output.fmt, target)
        if target.out.failure is not None:
            raise target.out.failure


def exit_code(code: ExitCode, console: Console, *, spent: bool = False) -> int:
    """The code that a call ends with, all told; output that a disk did not take is said, and is no success.

    A reader that went away has had enough: that is no failure. Where money may have been `spent`, the code says what
    became of it, whatever became of the output.
    """
    console.out.is_taken()
    failure = console.out.failure
    if failure is None or failure.errno == errno.EPIPE:
        return int(code)
    console.note(f"error: stdout could not be written: {failure.strerror or failure}\n")
    return int(code if spent or failure.errno == errno.EINTR else worst(code, ExitCode.USAGE))
