"""`order-runner reference [TYPE]`"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import click

from runner.cli.options.common import (
    ended,
    format_option,
    option,
    outputs,
    quiet_options,
    settings_of,
    vendor_options,
    write_output,
)
from runner.core.errors import ExitCode, UsageError
from runner.core.orders import PRODUCT_TYPES, ProductType
from runner.run.settings import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from runner.core.catalogue import ReferenceList
    from runner.core.progress import Watch
    from runner.core.vendor import Reader
    from runner.run.settings import Settings
    from runner.views.terminal.console import Console

FORMATS = ("text", "json")


@click.command("reference")
@click.argument("product", metavar="[TYPE]", required=False, type=click.Choice(PRODUCT_TYPES))
@option("--country", metavar="WORD", help="Only this country, by alpha-3 code or name, with its operators.")
@option("--refresh", is_flag=True, help="Ask the vendor, although its lists were read less than a day ago.")
@option("--account", metavar="NAME", help=f"The account's name; each has a cache of its own. [{DEFAULT_ACCOUNT}]")
@format_option(*FORMATS)
@vendor_options
@quiet_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    product: str | None,
    country: str | None,
    refresh: bool,
    formats: tuple[str, ...],
    quiet: bool,
    verbose: bool,
    **values: Any,
) -> int:
    """Show what can be ordered of TYPE, or of every type: the words and ids to write into a manifest."""
    from runner.core.clock import SystemClock
    from runner.views import reference
    from runner.views.terminal.console import Console

    wanted = outputs(formats, FORMATS, "text")
    settings = settings_of(ctx, **values)
    console = Console.detect(no_color=values["no_color"])
    types = PRODUCT_TYPES if product is None else (cast("ProductType", product),)
    lists = _lists(settings, types, console, refresh=refresh, quiet=quiet, verbose=verbose)
    oldest = min(reference_list.read_at for reference_list in lists)
    choices = [choice for reference_list in lists for choice in reference_list.choices]
    if country is not None:
        found = reference.of_country(choices, country)
        if found is None:
            near = ", ".join(reference.nearest_countries(choices, country))
            hint = f"nearest: {near}" if near else "see the list without --country"
            raise UsageError(f"the vendor has no country called {country!r} here", hint=hint)
        choices = found
    for output in wanted:
        write_output(
            output, console, lambda fmt, target: reference.render(choices, fmt=fmt, console=target, read_at=oldest)
        )
    if not quiet and (age := reference.age(SystemClock().now() - oldest)):
        console.note(f"read from the vendor {age} ago; --refresh asks it anew\n")
    return ended(ExitCode.OK, console)


def _lists(
    settings: Settings, types: tuple[ProductType, ...], console: Console, *, refresh: bool, quiet: bool, verbose: bool
) -> list[ReferenceList]:
    """Every type's list: from the cache where it is there and not too old, else from the vendor.

    The emulator inside this process is not cached: it is at another address each time, and asking it is free.
    """
    from runner.core.catalogue import Catalogue
    from runner.core.clock import SystemClock
    from runner.run import wiring
    from runner.run.settings import list_cache
    from runner.views.terminal import events

    clock = SystemClock()
    with ExitStack() as stack:

        def connect() -> tuple[Reader, Watch]:
            watch = stack.enter_context(events.watching(console, quiet=quiet, verbose=verbose))
            return stack.enter_context(wiring.reader(settings, clock, watch)), watch

        cache = None if settings.sandbox else list_cache(settings)
        catalogue = Catalogue(connect=connect, cache=cache, refresh=refresh, clock=clock)
        return [catalogue.reference(product) for product in types]
