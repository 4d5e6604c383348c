"""`order-runner report render FILE -f FORMAT`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from runner.cli.options.common import Output, ended, format_option, option, outputs, write_output
from runner.cli.outputs import annotates, tell_job_of
from runner.core.errors import ExitCode, UsageError

FORMATS = ("text", "json", "ndjson", "junit", "sarif", "markdown", "github", "html")


@click.group("report")
def command() -> None:
    """Turn a JSON report into other formats. No network, no key."""


@command.command("render")
@click.argument("file", metavar="FILE")
@format_option(*FORMATS)
@option("--no-color", is_flag=True, help="No colour, whatever the terminal can do.")
def render_command(file: str, formats: tuple[str, ...], **values: Any) -> int:
    """Render FILE, a report that apply, plan or a dry run wrote; - is stdin.

    The bytes are those that the run itself would have written in that format.
    """
    from runner.views import formats as known
    from runner.views import summary
    from runner.views.formats import parse
    from runner.views.terminal.console import Console

    wanted = outputs(formats, FORMATS, "text")
    document = parse.read(_read(file), file)
    console = Console.detect(no_color=values["no_color"])

    def show(fmt: str, target: Console) -> None:
        if fmt == "text":
            summary.render(document, target.out, None if file == "-" else file)
        else:
            target.write(known.render(fmt, document))

    for output in wanted:
        write_output(_beside(output, file), console, show)
    if annotates(wanted):
        tell_job_of(document, console)
    return ended(ExitCode.OK, console)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror or error}") from None


def _beside(output: Output, file: str) -> Output:
    """The output, unless it would replace the report it is made from."""
    if output.path is not None and file != "-" and output.path.exists() and output.path.samefile(file):
        raise UsageError(f"{output.path} is the report itself", hint="name another file")
    return output
