"""`order-runner validate PATH...`"""

from __future__ import annotations

import linecache
import os
from pathlib import Path

import click

from runner.cli.options import ended, format_option, option, outputs, paths_argument, quiet_options, write_output
from runner.cli.words import Words, lockfile_option
from runner.errors import ExitCode

FORMATS = ("text", "json", "github")


@click.command("validate")
@paths_argument()
@format_option(*FORMATS)
@option("--strict", is_flag=True, help="Warnings are errors.")
@lockfile_option
@quiet_options
def command(
    paths: tuple[str, ...],
    formats: tuple[str, ...],
    strict: bool,
    lockfile: Path | None,
    quiet: bool,
    verbose: bool,
    no_color: bool,
) -> int:
    """Check manifests: every finding of every file, as file:line:column, in one run.

    PATH is a file, a folder (every *.yaml and *.yml below it), a glob, or - for stdin. Needs no network and no key.
    Words are looked up in the lockfile, if there is one. Exit code 4 if anything is wrong.
    """
    del quiet, verbose
    from runner import manifest
    from runner.views import findings
    from runner.views.console import Console

    default = "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"
    wanted = outputs(formats, FORMATS, default)
    words = Words(paths=paths, named=lockfile)
    checked = manifest.check(paths, strict=strict, judge=words.judge)
    console = Console.detect(no_color=no_color)
    for output in wanted:
        write_output(
            output,
            console,
            lambda fmt, target: findings.render(
                checked.problems,
                fmt=fmt,
                console=target,
                files=len(checked.files),
                orders=checked.count,
                source_line=source_line,
            ),
        )
    return ended(ExitCode.INVALID if checked.errors else ExitCode.OK, console)


def source_line(path: str, line: int) -> str | None:
    """A line of a manifest for a snippet; None where it cannot be had again."""
    if path == "-" or not Path(path).is_file():
        return None
    return linecache.getline(path, line).rstrip("\r\n") or None
