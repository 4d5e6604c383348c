"""`order-runner doctor [PATH...]`"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from runner.cli.options import common
from runner.cli.options.bounds import policy_option
from runner.cli.options.command import CommandOptions, Given, define, group, option, option_class
from runner.cli.options.manifests import lockfile_option

FORMATS = ("text", "json")
_NAMED: Final = ("ledger", "base_url", "account")


@option_class
class DoctorOptions(CommandOptions):
    paths: tuple[str, ...] = common.paths_argument(required=False)
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    offline: bool = option(
        "--offline", is_flag=True, help="Stay offline: no key is sent, and nothing at the vendor is checked."
    )
    policy: str | None = policy_option()
    lockfile: Path | None = lockfile_option()
    vendor: common.VendorOptions = group(common.VendorOptions)
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("doctor", DoctorOptions)
def command(options: DoctorOptions) -> int:
    """Check all that a run depends on: a line each, with what to do. Reads only: buys nothing, creates no ledger.

    PATH... are the manifests whose lockfile and policies are checked; without any, orders/ or those in this folder.
    The exit code is that of the worst failure; warnings do not count.
    """
    from runner.core.clock import SystemClock
    from runner.run import doctor
    from runner.run.doctor import check as diagnosis
    from runner.run.doctor.examination import Examination
    from runner.views import doctor as view

    outputs = common.outputs_of(options.formats, FORMATS)
    settings = common.vendor_settings(options.vendor, options.given, options.ledger)
    console = options.screen.console()
    case = Examination(
        settings=settings,
        clock=SystemClock(),
        console=console,
        paths=options.paths,
        policy=options.policy,
        lockfile=options.lockfile,
        offline=options.offline,
        flags=common.flags_of(options.given, settings),
        origins=_origins(options.given),
    )
    checks = doctor.examine(case)
    common.write_outputs(outputs, console, lambda fmt, target: view.render(checks, fmt=fmt, console=target))
    return common.exit_code(diagnosis.exit_code(checks), console)


def _origins(given: Given) -> dict[str, str]:
    """How each setting that has a default was given, where it was."""
    names = {**given.environment, **given.line}
    return {name: names[name] for name in _NAMED if name in names}
