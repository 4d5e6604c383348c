"""`order-runner validate PATH...`"""

from __future__ import annotations

import linecache
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options.common import ended, format_option, option, outputs, paths_argument, quiet_options, write_output
from runner.cli.options.limits import checked, policy_option, told
from runner.cli.options.words import lockfile_option, note_left_out
from runner.cli.outputs import annotates, tell_job
from runner.core.errors import ExitCode

if TYPE_CHECKING:
    from runner.manifest import Checked
    from runner.views.terminal.console import Console

FORMATS = ("text", "json", "github", "junit", "sarif", "markdown")


@click.command("validate")
@paths_argument()
@format_option(*FORMATS)
@option("--strict", is_flag=True, help="Warnings are errors.")
@policy_option
@lockfile_option
@quiet_options
def command(
    paths: tuple[str, ...],
    formats: tuple[str, ...],
    strict: bool,
    policy: str | None,
    lockfile: Path | None,
    **values: bool,
) -> int:
    """Check manifests: every finding of every file, as file:line:column, in one run.

    PATH is a file, a folder (every *.yaml and *.yml below it), a glob, or - for stdin. Needs no network and no key.
    Words are looked up in the lockfile, if there is one. Exit code 4 if anything is wrong.
    """
    from runner.manifest.reading import Words
    from runner.views import findings
    from runner.views.terminal import events
    from runner.views.terminal.console import Console

    default = "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"
    wanted = outputs(formats, FORMATS, default)
    console = Console.detect(no_color=values["no_color"])
    with events.watching(console, quiet=values["quiet"], verbose=values["verbose"]) as watch:
        found, policies = checked(Words(paths=paths, named=lockfile, watch=watch), policy, strict=strict)
    note_left_out(found, console)
    if values["verbose"]:
        console.note(f"{told(policies.found)}\n")
    for output in wanted:
        write_output(
            output,
            console,
            lambda fmt, target: findings.render(
                found.problems,
                fmt=fmt,
                console=target,
                files=len(found.files),
                orders=found.count,
                source_line=source_line,
                paths=[file.path for file in found.files],
            ),
        )
    code = ExitCode.INVALID if found.errors else ExitCode.OK
    if annotates(wanted):
        _tell_job(found, code, console)
    return ended(code, console)


def _tell_job(found: Checked, code: ExitCode, console: Console) -> None:
    """Summary and outputs of a step on GitHub."""
    from runner.views.formats import validation
    from runner.views.formats.validation import Findings

    told = Findings(problems=found.problems, files=len(found.files), orders=found.count, source_line=source_line)
    tell_job(lambda room: validation.markdown(told, room), validation.outputs(told, int(code)), console)


def source_line(path: str, line: int) -> str | None:
    """A line of a manifest for a snippet; None where it cannot be had again."""
    if path == "-" or not Path(path).is_file():
        return None
    return linecache.getline(path, line).rstrip("\r\n") or None
