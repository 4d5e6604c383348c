"""`order-runner reference [TYPE]`"""

from __future__ import annotations

from typing import Any, cast

import click

from runner.cli.options import (
    ended,
    format_option,
    outputs,
    quiet_options,
    settings_of,
    vendor_options,
    write_output,
)
from runner.errors import ExitCode
from runner.orders import PRODUCT_TYPES, ProductType

FORMATS = ("text", "json")


@click.command("reference")
@click.argument("product", metavar="[TYPE]", required=False, type=click.Choice(PRODUCT_TYPES))
@format_option(*FORMATS)
@vendor_options
@quiet_options
@click.pass_context
def command(
    ctx: click.Context, /, product: str | None, formats: tuple[str, ...], quiet: bool, verbose: bool, **values: Any
) -> int:
    """Show what can be ordered of TYPE, or of every type: the ids to write into a manifest."""
    from runner import wiring
    from runner.clock import SystemClock
    from runner.views import progress, reference
    from runner.views.console import Console

    wanted = outputs(formats, FORMATS, "text")
    settings = settings_of(ctx, **values)
    console = Console.detect(no_color=values["no_color"])
    types = PRODUCT_TYPES if product is None else (cast("ProductType", product),)
    with (
        progress.watching(console, quiet=quiet, verbose=verbose) as watch,
        wiring.reader(settings, SystemClock(), watch) as reader,
    ):
        choices = [choice for name in types for choice in reader.reference(name)]
    for output in wanted:
        write_output(output, console, lambda fmt, target: reference.render(choices, fmt=fmt, console=target))
    return ended(ExitCode.OK, console)
