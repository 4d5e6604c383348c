"""The command line: flags → one typed value → one call → a view → an exit code.

Commands are imported when they are called, and each imports what it needs when it runs, so that `--help` stays quick.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Final

import click

from runner._version import __version__
from runner.core.errors import Cancelled, ExitCode, RunnerError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_STDERR: Final = 2

COMMANDS: Final = {
    "validate": "Check manifests: every finding of every file in one run. No network, no key.",
    "plan": "Quote what has not been bought yet: prices, total, balance afterwards. Buys nothing.",
    "apply": "Buy what is missing, at most once each, and report. Spends money.",
    "proxies": "Show the proxies that were bought, or write them in the format of a program.",
    "status": "Compare the ledger with manifests: placed, open, unknown.",
    "reconcile": "Settle orders in doubt by what the vendor shows. Buys nothing.",
    "resolve": "Settle one order in doubt by your own decision, with a reason.",
    "adopt": "Enter orders that were bought elsewhere under the keys of manifests. Buys nothing.",
    "receipts": "Write into the comments of proxies which order they are, as a policy allows it.",
    "ledger": "Make a ledger; export its history, verify it, import it.",
    "reference": "Show what can be ordered: countries, periods, operators, tariffs.",
    "lock": "Turn the words of manifests into vendor ids, in orders.lock.json.",
    "doctor": "Check key, access, clock, balance, ledger and lockfile: a line each, with what to do.",
    "report": "Turn a JSON report into other formats: JUnit, SARIF, Markdown, annotations, events.",
    "schema": "Print a shipped JSON schema.",
    "explain": "Explain a field, a finding, an exit code or a status, without network.",
    "sandbox": "Serve an emulator of the vendor's API on loopback, with faults on request.",
    "init": "Start a repository of orders: manifests, policy, CI workflows, pre-commit hook.",
    "completion": "Print the script that completes commands and order names in a shell.",
}
"""Each command and its line of help; the command `x` is `runner.cli.x:command`."""


class _Commands(click.Group):
    """A group that knows its commands' names, and imports one only to call it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"runner.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - each module of COMMANDS has one
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        from click.shell_completion import CompletionItem

        items = [CompletionItem(name, help=line) for name, line in COMMANDS.items() if name.startswith(incomplete)]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 2 usage, 3 access, 4 invalid, 5 refused, 6 orders failed, 7 outcome unknown, "
    "8 cancelled, 9 busy, 11 not delivered, 1 internal error. See docs/exit-codes.md.",
)
@click.version_option(__version__, prog_name="order-runner")
def cli() -> None:
    """Buy proxies in batches from manifests kept in git.

    An order is bought at most once automatically. Every possible charge is named, and blocks further
    spending, until evidence or a person settles it.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command; everything that can go wrong ends here as an exit code, once all that was said is taken."""
    _occupy_closed_streams()
    try:
        return _run(arguments)
    finally:
        if (finish := _of_writer("finish")) is not None:
            finish()


def _occupy_closed_streams() -> None:
    """Open on nothing what the parent has closed of stdin, stdout and stderr.

    A file of ours would get that number, and libraries write to it. What is said on a closed stream is lost as ever.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open as long as the process


def _run(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else a shell's background job ignores it
        signal.signal(signal.SIGINT, _interrupt)
    if not arguments and (instruction := os.environ.get("_ORDER_RUNNER_COMPLETE")):
        from runner.cli.complete.shells import answer

        return answer(cli, instruction)
    try:
        # No variable but ours, and only without arguments, makes an answer to a shell of a command.
        code = cli.main(args=list(arguments), prog_name="order-runner", standalone_mode=False, complete_var="")
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        _usage(error)
        return int(ExitCode.USAGE)
    except RunnerError as error:
        return _show(error)
    except (KeyboardInterrupt, click.Abort):
        from runner.views.terminal.writer import hurry, hurry_on_signals

        hurry()
        hurry_on_signals()
        return _show(Cancelled("stopped by a signal"))
    except BrokenPipeError:
        _silence()
        return int(ExitCode.OK)
    except Exception as error:  # noqa: BLE001 - the one boundary: whatever is left is a bug of ours
        return _bug(error)
    return int(code) if isinstance(code, int) else int(ExitCode.OK)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    if (hurry := _of_writer("hurry")) is not None:
        hurry()
    raise KeyboardInterrupt


def _of_writer(name: str) -> Callable[[], None] | None:
    """A function of the module that writes; None as long as nothing has been said, and it is not imported."""
    return getattr(sys.modules.get("runner.views.terminal.writer"), name, None)


def _usage(error: click.ClickException) -> None:
    from runner.views.terminal.console import Console

    text = f"error: {error.format_message()}\n"
    context = getattr(error, "ctx", None)
    if context is not None:
        text += f"  hint: {context.command_path} --help\n"
    Console.detect(no_color=True).note(text)


def _show(error: RunnerError) -> int:
    from runner.cli.outputs import show_error
    from runner.views.terminal.console import Console

    show_error(error, Console.detect(no_color=bool(os.environ.get("NO_COLOR"))))
    return int(error.exit_code)


def _bug(error: Exception) -> int:
    failure = RunnerError(f"a bug in order-runner ({type(error).__name__})", hint="please report the trace below")
    failure.__cause__ = error
    return _show(failure)


def _silence() -> None:
    """Nobody reads stdout any more: leave without a second complaint."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
