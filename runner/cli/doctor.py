"""`order-runner doctor [PATH...]`"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from runner.cli.options.common import (
    ended,
    format_option,
    ledger_options,
    option,
    outputs,
    paths_argument,
    quiet_options,
    settings_of,
    vendor_options,
    write_output,
)
from runner.cli.options.limits import policy_option
from runner.cli.options.types import flags_of
from runner.cli.options.words import lockfile_option

FORMATS = ("text", "json")
_NAMED: Final = ("ledger", "base_url", "account")
_ENVIRONMENT: Final = click.core.ParameterSource.ENVIRONMENT


@click.command("doctor")
@paths_argument(required=False)
@format_option(*FORMATS)
@option("--offline", is_flag=True, help="Ask nobody: no key is sent, the vendor's side is not checked.")
@policy_option
@lockfile_option
@vendor_options
@ledger_options
@quiet_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    formats: tuple[str, ...],
    offline: bool,
    policy: str | None,
    lockfile: Path | None,
    **values: Any,
) -> int:
    """Look at all that a run depends on, a line each with the way out. Reads only: buys nothing, makes no ledger.

    PATH... are the manifests whose lockfile and policies are looked at; without any, orders/ or those in this folder.
    The exit code is that of the worst that failed; a warning is none.
    """
    from runner.core.clock import SystemClock
    from runner.run import doctor
    from runner.run.doctor import check as diagnosis
    from runner.run.doctor.examination import Examination
    from runner.views import doctor as view
    from runner.views.terminal.console import Console

    wanted = outputs(formats, FORMATS, "text")
    settings = settings_of(ctx, **values)
    console = Console.detect(no_color=values["no_color"])
    case = Examination(
        settings=settings,
        clock=SystemClock(),
        console=console,
        paths=paths,
        policy=policy,
        lockfile=lockfile,
        offline=offline,
        flags=flags_of(ctx, settings),
        origins=_origins(ctx),
    )
    checks = doctor.examine(case)
    for output in wanted:
        write_output(output, console, lambda fmt, target: view.render(checks, fmt=fmt, console=target))
    return ended(diagnosis.exit_code(checks), console)


def _origins(ctx: click.Context) -> dict[str, str]:
    """How each setting that has a default was given, where it was."""
    found = {}
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if param.name in _NAMED and source is _ENVIRONMENT:
            found[param.name] = str(param.envvar)
        elif param.name in _NAMED and source is click.core.ParameterSource.COMMANDLINE:
            found[param.name] = param.opts[0]
    return found
