"""`order-runner doctor [PATH...]`"""

from __future__ import annotations

from pathlib import Path

from runner.cli.options import common
from runner.cli.options.bounds import policy_option
from runner.cli.options.command import CommandOptions, define, group, option, option_class
from runner.cli.options.targets import Targets
from runner.core.clock import SystemClock

FORMATS = ("text", "json")


@option_class
class DoctorOptions(CommandOptions):
    paths: tuple[str, ...] = common.paths_argument(required=False)
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    offline: bool = option(
        "--offline", is_flag=True, help="Stay offline: no key is sent, and nothing at the vendor is checked."
    )
    policy: str | None = policy_option()
    lockfile: Path | None = common.lockfile_option()
    vendor: common.VendorOptions = group(common.VendorOptions)
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("doctor", DoctorOptions)
def command(options: DoctorOptions) -> int:
    """Check all that a run depends on: a line each, with what to do. Reads only: buys nothing, creates no ledger.

    PATH... are the manifests whose lockfile and policies are checked; without any, orders/ or those in this folder.
    The exit code is that of the worst failure; warnings do not count.
    """
    from runner.run import doctor
    from runner.run.doctor import check as diagnosis
    from runner.run.doctor.examination import Examination
    from runner.run.doctor.ours import manifests_here
    from runner.views import doctor as view

    outputs = common.outputs_of(options.formats, FORMATS)
    settings = common.vendor_settings(options.vendor, options.origins, options.ledger)
    targets = Targets(outputs, settings)
    targets.refuse_inputs(options.paths or manifests_here(), policy=options.policy, lockfile=options.lockfile)
    console = options.screen.console()
    case = Examination(
        settings=settings,
        clock=SystemClock(),
        console=console,
        paths=options.paths,
        policy=options.policy,
        lockfile=options.lockfile,
        offline=options.offline,
        flags=common.flags_of(options.origins, settings),
        origins={**options.origins.environment, **options.origins.line},
    )
    checks = doctor.examine(case)
    common.write_outputs(outputs, console, lambda fmt, target: view.render(checks, fmt=fmt, console=target))
    return common.exit_code(diagnosis.exit_code(checks), console)
