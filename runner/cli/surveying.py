"""`order-runner status --online`: what the account has at the vendor now, held against the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from runner.cli.options import common
from runner.cli.options.command import Origins, option, option_class
from runner.cli.options.targets import Targets
from runner.cli.options.types import Duration
from runner.cli.outputs import annotates, mask_key, tell_job
from runner.core.errors import ExitCode, UsageError, worst

if TYPE_CHECKING:
    from runner.core.orders import OrderRequest
    from runner.run.settings import Settings
    from runner.settle.survey import Survey
    from runner.views.terminal.console import Console

FORMATS: Final = ("text", "json", "ndjson", "markdown", "github")
NEAR: Final = timedelta(days=7)
"""An end is near where nobody says otherwise."""


@option_class
class OnlineOptions:
    """What is asked of the vendor, and what counts."""

    online: bool = option("--online", is_flag=True, help="Ask the vendor what is delivered, what ends, what changed.")
    ending: timedelta | None = option(
        "--ending",
        type=Duration(),
        metavar="TIME",
        help="With --online: only orders that end within this time, like 7d; else 7d is near, and all are shown.",
    )
    no_note: bool = option(
        "--no-note", is_flag=True, help="With --online: compare with what was noted last, and note nothing."
    )
    detailed_exitcode: bool = option(
        "--detailed-exitcode", is_flag=True, help="With --online: exit code 10 if there is something to act on."
    )

    def refuse_alone(self, origins: Origins) -> None:
        """UsageError for an option that asks for what only the vendor knows."""
        for name in ("ending", "no_note", "detailed_exitcode"):
            if not self.online and name in origins.line:
                raise UsageError(f"{origins.line[name]} needs --online", hint="the ledger alone does not know it")


def show_survey(
    options: OnlineOptions,
    settings: Settings,
    requests: Sequence[OrderRequest] | None,
    *,
    outputs: tuple[common.Output, ...],
    paths: tuple[str, ...],
    screen: common.ScreenOptions,
    console: Console,
    flags: str,
) -> int:
    """Look once, write every output, and say by the code whether there is something to act on."""
    from runner.core.leading import leading_there
    from runner.run import call
    from runner.views import failure
    from runner.views import survey_pages as view
    from runner.views.terminal.safe import one_line

    Targets(outputs, settings).refuse_inputs(paths)
    mask_key(settings, outputs, console)
    with leading_there(flags), screen.watching(console) as watch:
        survey, unread, not_noted = call.survey(
            settings,
            watch,
            requests=requests,
            within=options.ending or NEAR,
            only_ending=options.ending is not None,
            noting=not options.no_note,
        )
    common.write_outputs(outputs, console, lambda fmt, to: view.render(survey, fmt=fmt, console=to, flags=flags))
    if annotates(outputs):
        document = view.as_json(survey, flags)
        tell_job(lambda room: view.summary(document, room), view.job_outputs(document), console)
    for problem in unread:
        failure.render(problem, console)
    if not_noted is not None and screen.verbose:
        console.note(f"{one_line(f'not noted for the next look: {not_noted}')}\n")
    return common.exit_code(code_of(survey, detailed=options.detailed_exitcode), console)


def code_of(survey: Survey, *, detailed: bool) -> ExitCode:
    """7 while something is in doubt, the code of what could not be read, and 10 where something is to act on."""
    codes = [ExitCode.OUTCOME_UNKNOWN] if any(rental.open for rental in survey.rentals) else []
    codes += [failure.exit_code for failure in survey.failures.values()]
    codes += [ExitCode.CHANGES] if detailed and not survey.is_quiet else []
    return worst(*codes)
