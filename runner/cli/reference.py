"""`order-runner reference [TYPE]`"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from runner.cli.options import common
from runner.cli.options.command import CommandOptions, argument, define, group, option, option_class
from runner.cli.options.targets import Targets
from runner.core.clock import SystemClock
from runner.core.errors import ExitCode, UsageError
from runner.core.orders import PRODUCT_TYPES, ProductType
from runner.run import wiring
from runner.run.settings import DEFAULT_ACCOUNT, Settings, list_cache

if TYPE_CHECKING:
    from runner.core.catalogue import ReferenceList
    from runner.core.vendor import Choice
    from runner.views.terminal.console import Console

FORMATS = ("text", "json")


@option_class
class ReferenceOptions(CommandOptions):
    product: ProductType | None = argument(metavar="[TYPE]", required=False, type=click.Choice(PRODUCT_TYPES))
    country: str | None = option(
        "--country", metavar="WORD", help="Only this country, by alpha-3 code or name, with its operators."
    )
    refresh: bool = option(
        "--refresh", is_flag=True, help="Ask the vendor, even if its lists were read less than a day ago."
    )
    account: str | None = option(
        "--account", metavar="NAME", help=f"The account's name; each has its own cache. [{DEFAULT_ACCOUNT}]"
    )
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    vendor: common.VendorOptions = group(common.VendorOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("reference", ReferenceOptions)
def command(options: ReferenceOptions) -> int:
    """Show what can be ordered of TYPE, or of every type: the words and ids to write into a manifest."""
    from runner.views import reference

    outputs = common.outputs_of(options.formats, FORMATS)
    settings = replace(common.vendor_settings(options.vendor, options.origins), account=options.account)
    Targets(outputs, settings)
    console = options.screen.console()
    lists = _lists(options, settings, console)
    oldest = min(reference_list.read_at for reference_list in lists)
    choices = [choice for reference_list in lists for choice in reference_list.choices]
    if options.country is not None:
        choices = _of_country(choices, options.country)
    common.write_outputs(
        outputs, console, lambda fmt, target: reference.render(choices, fmt=fmt, console=target, read_at=oldest)
    )
    if not options.screen.quiet and (age := reference.age(SystemClock().now() - oldest)):
        console.note(f"read from the vendor {age} ago; --refresh reads it again\n")
    return common.exit_code(ExitCode.OK, console)


def _of_country(choices: list[Choice], country: str) -> list[Choice]:
    """The choices of one country. UsageError, with the nearest names, where the vendor has none of that name."""
    from runner.views import reference

    narrowed = reference.of_country(choices, country)
    if narrowed is None:
        near = ", ".join(reference.nearest_countries(choices, country))
        hint = f"nearest: {near}" if near else "leave out --country to see the list"
        raise UsageError(f"the vendor's list has no country called {country!r}", hint=hint)
    return narrowed


def _lists(options: ReferenceOptions, settings: Settings, console: Console) -> list[ReferenceList]:
    """Every type's list: from the cache where it is there and not too old, else from the vendor.

    The emulator inside this process is not cached: it is at another address each time, and asking it is free.
    """
    types = PRODUCT_TYPES if options.product is None else (options.product,)
    cache = None if settings.sandbox else list_cache(settings)
    watching = partial(options.screen.watching, console)
    with wiring.catalogue(settings, watching, cache=cache, refresh=options.refresh) as catalogue:
        return [catalogue.reference(product) for product in types]
