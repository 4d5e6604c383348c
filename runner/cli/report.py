"""`order-runner report render FILE -f FORMAT`"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from runner.cli.options import common
from runner.cli.options.command import CommandOptions, argument, define, option, option_class
from runner.cli.options.targets import Targets
from runner.cli.outputs import annotates, tell_job_of
from runner.core.errors import ExitCode, UsageError

FORMATS = ("text", "json", "ndjson", "junit", "sarif", "markdown", "github", "html")


@click.group("report")
def command() -> None:
    """Turn a JSON report into other formats. No network, no key."""


@option_class
class RenderOptions(CommandOptions):
    file: str = argument(metavar="FILE")
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    no_color: bool = option("--no-color", is_flag=True, help="No colour, whatever the terminal can do.")


@define("render", RenderOptions, under=command)
def render_command(options: RenderOptions) -> int:
    """Render FILE, a report that apply, plan or a dry run wrote; - is stdin.

    The bytes are those that the run itself would have written in that format.
    """
    from runner.views import formats, summary
    from runner.views.formats import parse
    from runner.views.terminal.console import Console

    file, outputs = options.file, common.outputs_of(options.formats, FORMATS)
    Targets(outputs).refuse("the report", [file])
    document = parse.read(_read(file), file)
    console = Console.detect(no_color=options.no_color)

    def show(fmt: str, target: Console) -> None:
        if fmt == "text":
            summary.render(document, target.out, None if file == "-" else file)
        else:
            target.write(formats.render(fmt, document))

    common.write_outputs(outputs, console, show)
    if annotates(outputs):
        tell_job_of(document, console)
    return common.exit_code(ExitCode.OK, console)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror or error}") from None
