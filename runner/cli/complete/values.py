"""What can stand in the place of an option's or argument's value, for completion in a shell.

Each takes what click hands over and answers from local files: manifests on the line, the ledger's file, cached lists.
None writes, makes a ledger, speaks to a vendor or a database server, or reads stdin. What cannot be read quickly is
not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from runner.core.orders import OrderRequest
    from runner.run.settings import LedgerPlace, Settings

    Items = list[CompletionItem[str]]
    Completer = Callable[[click.Context, click.Parameter, str], Items]

MOST: Final = 500
"""More choices than anybody looks at."""
LARGEST: Final = 2 * 1024 * 1024
"""Bytes of manifests that are read while somebody waits for a Tab."""


def files(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """Any file or folder; the shell knows them best."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def files_or_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
    """The keys of the ledger's orders that begin so; files, where none does or nothing is typed yet."""
    return (keys(ctx, param, incomplete) if incomplete else []) or files(ctx, param, incomplete)


def formats(names: tuple[str, ...]) -> Completer:
    """The formats of a command."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
        return _items(((name, "") for name in names), incomplete)

    return complete


def schemas(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """The shipped schemas."""
    from runner.core import schemas

    return _items(((name, "") for name in schemas.names()), incomplete)


def orders(ctx: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """The names of the orders in the manifests on the line; their keys, once a `/` is typed."""
    from runner.views.wording import what

    pairs = (
        (str(order.key) if "/" in incomplete else order.key.name, what(order.type, order.fields, order.words))
        for order in _requests(ctx)
    )
    return _items(pairs, incomplete)


def labels(ctx: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """The labels of the orders in the manifests on the line, with their values."""
    pairs = {f"{name}={value}" for order in _requests(ctx) for name, value in order.labels.items()}
    return _items(((pair, "") for pair in sorted(pairs)), incomplete)


def words(ctx: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """The words that the manifests on the line use."""
    orders = list(_requests(ctx))
    used = {(word, kind) for order in orders for kind, word in order.words.items()}
    used |= {(order.renew.period, "period") for order in orders if order.renew and order.renew.period is not None}
    return _items(sorted(used), incomplete)


def keys(ctx: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """The keys of the ledger's orders in doubt; of all its orders, where none of those begins like this."""
    from runner.ledger import peek

    place = _ledger(ctx)
    if place is None:
        return []
    on_line = ctx.params.get("keys") or ctx.params.get("targets") or ()
    rows = [row for row in peek.orders(place.path, place.account, incomplete, MOST) if row[0] not in on_line]
    doubtful = [row for row in rows if row[1] in ("submitted", "unknown")]
    return _items(doubtful or rows, incomplete)


def accounts(ctx: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """The accounts of the ledger."""
    from runner.ledger import peek

    place = _ledger(ctx)
    return _items(((name, "") for name in peek.accounts(place.path)), incomplete) if place else []


def countries(ctx: click.Context, _: click.Parameter, incomplete: str) -> Items:
    """The countries of the lists that `reference` keeps, by code: of one type, if the line names one."""
    from runner.core.clock import SystemClock
    from runner.core.orders import PRODUCT_TYPES, ProductType
    from runner.run.settings import list_cache

    product = ctx.params.get("product")
    types = PRODUCT_TYPES if product is None else (cast("ProductType", product),)
    cache, now = list_cache(_settings(ctx)), SystemClock().now()
    lists = [cached.choices for product in types if cache and (cached := cache.read(product, now))]
    named = {(c.alpha3, c.name) for choices in lists for c in choices if c.field == "countryId" and c.alpha3}
    return _items(dict(sorted(named)).items(), incomplete, fold=str.upper)


def faults(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """The faults of the sandbox."""
    from runner.sandbox.faults import KINDS

    return _items(((name, kind.does) for name, kind in KINDS.items()), incomplete)


def switches(_: click.Context, __: click.Parameter, incomplete: str) -> Items:
    """The switches of the sandbox."""
    import dataclasses

    from runner.sandbox import Options

    names = sorted(field.name for field in dataclasses.fields(Options) if field.name != "accounts")
    return _items(((f"{name}=", "") for name in names), incomplete)


COMPLETERS: Final[dict[str, Completer]] = {
    "--account": accounts,
    "--country": countries,
    "--exclude": orders,
    "--fault": faults,
    "--label": labels,
    "--ledger": files,
    "--only": orders,
    "--policy": files,
    "--switch": switches,
    "--update": words,
}
"""By the option's name, for options whose type does not know its values."""


def _items(pairs: Iterable[tuple[str, str]], incomplete: str, *, fold: Callable[[str], str] = str) -> Items:
    """Values that begin so, each once, with what a shell shows beside them."""
    from click.shell_completion import CompletionItem

    from runner.views.terminal.safe import one_line

    fitting: dict[str, str] = {}
    for value, about in pairs:
        if value.startswith(fold(incomplete)):
            fitting.setdefault(value, about)
    return [CompletionItem(value, help=one_line(about) or None) for value, about in islice(fitting.items(), MOST)]


def _requests(ctx: click.Context) -> tuple[OrderRequest, ...]:
    """The orders of the manifests named before the cursor, unless they are too large to wait for."""
    from runner import manifest

    paths = [str(Path(path).expanduser()) for path in ctx.params.get("paths") or () if path != "-"]
    if not paths:
        return ()
    apart = ctx.params.get("lockfile") is None
    if sum(Path(path).stat().st_size for path in manifest.discover(paths, apart=apart).paths) > LARGEST:
        return ()
    return manifest.load(paths, apart=apart).orders


def _settings(ctx: click.Context) -> Settings:
    from runner.run.settings import Settings

    texts: dict[str, Any] = {name: ctx.params.get(name) for name in ("ledger", "account", "base_url")}
    return Settings(**texts, sandbox=bool(ctx.params.get("sandbox")))


def _ledger(ctx: click.Context) -> LedgerPlace | None:
    """The ledger's file, if it is one: a database server is not asked."""
    from runner.run.settings import locate

    place = locate(_settings(ctx))
    return place if place.url is None else None
