"""`order-runner sandbox`"""

from __future__ import annotations

import dataclasses
import json
import re
import signal
import threading
from contextlib import ExitStack, closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import click

from runner.cli.options.command import CommandOptions, define, option, option_class
from runner.cli.options.targets import Targets
from runner.cli.options.types import Amount, Count
from runner.core.errors import ExitCode, LedgerUnusable, UsageError

if TYPE_CHECKING:
    from runner.sandbox import Options


@option_class
class SandboxOptions(CommandOptions):
    port: int = option("--port", type=Count(65_535), default=0, help="0 takes any free port.")
    state: Path | None = option(
        "--state", type=click.Path(path_type=Path), help="Keep the account in this file. [in memory]"
    )
    faults: tuple[str, ...] = option(
        "--fault", multiple=True, metavar="SPEC", help="Like reset-after@2; see runner/sandbox/limits.md."
    )
    switches: tuple[str, ...] = option(
        "--switch", multiple=True, metavar="NAME=VALUE", help="Like items_shape=list; see limits.md."
    )
    balance: Decimal | None = option(
        "--balance", type=Amount(), metavar="AMOUNT", help="The opening balance. [10000.00]"
    )
    reset: bool = option("--reset", is_flag=True, help="Delete the account and ledger of --sandbox, and exit.")


@define("sandbox", SandboxOptions)
def command(options: SandboxOptions) -> int:
    """Serve an emulator of the vendor's API on loopback until it gets a signal.

    Prints one line of JSON, {"base_url": ..., "api_key": ...}, once it is ready. What it does not emulate is in
    runner/sandbox/limits.md.
    """
    if options.reset:
        _reset()
        return ExitCode.OK
    from runner.sandbox import Sandbox, StateFileError

    if options.state is not None:
        Targets().add("--state", options.state, replaced=False)
    try:
        box = Sandbox(
            state=options.state, faults=options.faults, options=_parse_switches(options.switches, options.balance)
        )
    except (ValueError, StateFileError, OSError) as error:
        raise UsageError(str(error)) from None
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        server = box.serve(port=options.port)
    except OSError as error:
        raise UsageError(f"cannot listen on port {options.port}: {error.strerror}") from None
    with server:
        click.echo(json.dumps({"base_url": server.base_url, "api_key": server.api_key}))
        done.wait()
    return ExitCode.OK


def _parse_switches(switches: tuple[str, ...], balance: Decimal | None) -> Options:
    from runner.sandbox import SANDBOX_KEY, Options

    names = {field.name for field in dataclasses.fields(Options)} - {"accounts"}
    switched: dict[str, Any] = {}
    for text in switches:
        name, equals, value = text.partition("=")
        if name not in names or not equals:
            raise UsageError(f"no switch {text!r}", hint=f"NAME=VALUE with one of {', '.join(sorted(names))}")
        switched[name] = _value(name, value, get_type_hints(Options)[name])
    if balance is not None:
        switched["accounts"] = {SANDBOX_KEY: balance}
    return Options(**switched)


def _value(name: str, text: str, kind: Any) -> object:
    """The text as the switch's type has it."""
    for candidate in getattr(kind, "__args__", None) or (kind,):
        if candidate is bool and text in ("true", "false"):
            return text == "true"
        if candidate in (int, float) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
            try:
                return candidate(text)
            except ValueError:
                continue
        if str(candidate) == text:
            return candidate
    raise UsageError(f"switch {name} does not accept {text!r}")


def _reset() -> None:
    """Remove account and ledger of `--sandbox` together; a run that uses them is waited for, not disturbed."""
    from runner.core.clock import SystemClock
    from runner.run import wiring
    from runner.run.settings import Settings, holder, locate

    place = locate(Settings(sandbox=True))
    folder = place.path.parent
    if not folder.exists():
        return
    with ExitStack() as held:
        with suppress(LedgerUnusable):  # a damaged one is what a reset is for
            ledger = held.enter_context(closing(wiring.open_ledger(place)))
            held.enter_context(ledger.hold(holder(SystemClock().now()), timeout=0))
        for path in folder.iterdir():
            path.unlink()
