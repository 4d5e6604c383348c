"""Options that commands share, and the values they become."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from runner.cli.complete.values import COMPLETERS, files
from runner.cli.complete.values import formats as complete_formats
from runner.core.errors import ExitCode, UsageError, worst
from runner.run.environment import amount_of
from runner.run.settings import DEFAULT_ACCOUNT, DEFAULT_BASE_URL, DEFAULT_RATE, Settings
from runner.run.wiring import has_password

if TYPE_CHECKING:
    from runner.views.terminal.console import Console

F = TypeVar("F", bound=Callable[..., Any])
_OWN_VARIABLES: Final = {"--base-url": "PROXY_SELLER_BASE_URL"}


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """A click option that the environment can set as `ORDER_RUNNER_<OPTION>`."""
    flag = next(name for name in names if name.startswith("--")).partition("/")[0]
    derived = "ORDER_RUNNER_" + flag.removeprefix("--").replace("-", "_").upper()
    settings.setdefault("envvar", _OWN_VARIABLES.get(flag, derived))
    if flag in COMPLETERS:
        settings.setdefault("shell_complete", COMPLETERS[flag])
    return click.option(*names, **settings)


class Amount(click.ParamType[Decimal]):
    """A positive amount of money with at most two decimals."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        if isinstance(value, Decimal):
            return value
        try:
            return amount_of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def paths_argument(*, required: bool = True) -> Callable[[F], F]:
    """`PATH...`: files, folders, globs or `-`."""
    metavar = "PATH..." if required else "[PATH...]"
    return click.argument("paths", nargs=-1, required=required, metavar=metavar, shell_complete=files)


def quiet_options(command: F) -> F:
    """`-q`, `-v`, `--no-color`."""
    command = option("--no-color", is_flag=True, help="No colour, whatever the terminal can do.")(command)
    command = option("-v", "--verbose", is_flag=True, help="Say more on stderr.")(command)
    return option("-q", "--quiet", is_flag=True, help="Say only what must be read on stderr.")(command)


def format_option(*known: str) -> Callable[[F], F]:
    """`-f/--format FMT[=PATH]`, as often as wanted."""
    return option(
        "-f",
        "--format",
        "formats",
        multiple=True,
        metavar="FMT[=PATH]",
        envvar="ORDER_RUNNER_FORMAT",
        shell_complete=complete_formats(known),
        help=f"{', '.join(known)}; to a file with =PATH. May be repeated.",
    )


def ledger_options(command: F) -> F:
    """Where the ledger is."""
    command = option("--account", metavar="NAME", help=f"The account's name in the ledger. [{DEFAULT_ACCOUNT}]")(
        command
    )
    return option(
        "--ledger",
        metavar="PATH|URL",
        help="The ledger: a file, or postgresql://user@host/db. [a file in the user's state folder]",
    )(command)


def vendor_options(command: F) -> F:
    """How the vendor is reached."""
    command = option(
        "--rate",
        type=click.IntRange(min=0),
        help=f"Requests in any 60 s; 0 is unlimited. [{DEFAULT_RATE}; 0 with --sandbox]",
    )(command)
    command = option(
        "--timeout", type=click.FloatRange(min=1), default=30.0, help="Seconds one read may take in all. [30]"
    )(command)
    command = option(
        "--api-key-file", type=click.Path(path_type=Path), help="A file that holds the API key, and only that."
    )(command)
    command = option("--base-url", metavar="URL", help=f"Without the key. [{DEFAULT_BASE_URL}]")(command)
    return option(
        "--sandbox",
        is_flag=True,
        help="Use an emulator inside this process: no account, no money, a ledger of its own.",
    )(command)


def settings_of(ctx: click.Context, **values: Any) -> Settings:
    """The settings of a call. UsageError for combinations that contradict each other."""
    if values.get("sandbox"):
        _refuse_beside_sandbox(ctx)
    elif values.get("faults"):
        raise UsageError("--fault needs --sandbox: the real vendor has faults enough of its own")
    _refuse_password_in_process_list(ctx, values.get("ledger"))
    money_timeout = values.get("money_timeout") or 180.0
    return Settings(
        ledger=values.get("ledger"),
        account=values.get("account"),
        base_url=values.get("base_url"),
        api_key_file=values.get("api_key_file"),
        timeout=values.get("timeout") or 30.0,
        money_timeout=money_timeout,
        rate=values.get("rate"),
        sandbox=bool(values.get("sandbox")),
        faults=tuple(values.get("faults") or ()),
    )


def _refuse_beside_sandbox(ctx: click.Context) -> None:
    for name in ("ledger", "account", "base_url", "api_key_file"):
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"--sandbox has an account and a ledger of its own: leave {flag} out")


def _refuse_password_in_process_list(ctx: click.Context, ledger: str | None) -> None:
    told = ctx.get_parameter_source("ledger") is click.core.ParameterSource.COMMANDLINE
    if told and ledger is not None and has_password(ledger):
        raise UsageError(
            "--ledger has a password, which everybody on this machine can read in the list of processes",
            hint="put the URL into ORDER_RUNNER_LEDGER, or the password into PGPASSWORD or a file named by PGPASSFILE",
        )


@dataclass(frozen=True, slots=True)
class Output:
    """One wanted format, and the file it goes to (None: stdout)."""

    fmt: str
    path: Path | None = None


def outputs(formats: tuple[str, ...], known: tuple[str, ...], default: str) -> tuple[Output, ...]:
    """The formats asked for. UsageError for an unknown one, or two that both want stdout."""
    found = tuple(_output(text, known) for text in formats) or (Output(default),)
    if sum(output.path is None for output in found) > 1:
        raise UsageError("two formats want stdout", hint="send all but one to a file, like -f json=out.json")
    return found


def _output(text: str, known: tuple[str, ...]) -> Output:
    fmt, equals, path = text.partition("=")
    if fmt not in known or (equals and not path):
        raise UsageError(
            f"unknown format {text!r}", hint=f"one of {', '.join(known)}; a file is named like {known[0]}=PATH"
        )
    return Output(fmt, writable(Path(path)) if path else None)


def writable(path: Path) -> Path:
    """UsageError, before anything happens, for a file that could not be written at the end."""
    from runner.core.files import refuse_special

    try:
        refuse_special(path)
        if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, "its folder is missing or cannot be written")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def write_output(output: Output, console: Console, render: Callable[[str, Console], None]) -> None:
    """Render to stdout or to the output's file, which is replaced whole. UsageError where that cannot be written."""
    if output.path is None:
        render(output.fmt, console)
        return
    import io

    from runner.core.files import replace_atomically
    from runner.views.terminal.console import Console as Target

    text = io.StringIO()
    render(output.fmt, Target.detect(no_color=True, stdout=text, stderr=sys.stderr, environ={}))
    try:
        replace_atomically(output.path, text.getvalue().encode())
    except OSError as error:
        raise UsageError(f"{output.path} cannot be written: {error.strerror or error}") from None


def ended(code: ExitCode, console: Console) -> int:
    """The exit code of a call, all told; output that a disk did not take is said, and is no success.

    A reader that went away has had enough: that is no failure.
    """
    failure = console.out.failure
    if failure is None or failure.errno == errno.EPIPE:
        return int(code)
    console.note(f"error: stdout could not be written: {failure.strerror or failure}\n")
    return int(worst(code, ExitCode.USAGE))
