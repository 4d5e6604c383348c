"""The composition root: settings → ledger, reader, buyer. The one place that knows every adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from runner.core.clock import Clock, SystemClock
from runner.core.errors import LedgerMissing, LedgerOutdated, Problem, UsageError
from runner.core.secrets import ApiKey
from runner.run.ledger_text import is_postgres
from runner.run.settings import (
    AUTO,
    DEFAULT_BASE_URL,
    LedgerPlace,
    Settings,
    in_ci,
    locate,
    rate_of,
    read_key,
    sandbox_folder,
    short_path,
    spare_folder,
)

if TYPE_CHECKING:
    from runner.core.catalogue import Catalogue, ListCache
    from runner.core.ledger import Ledger
    from runner.core.progress import Watch
    from runner.core.vendor import Annotator, Buyer, Encoder, Reader
    from runner.vendors.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the vendor is, and the key to it."""

    base_url: str
    key: ApiKey


def ledger_name(place: LedgerPlace) -> str:
    """A ledger for reports: never with a password."""
    if place.url is None:
        return short_path(place.path)
    return _postgres("pgurl").read_url(place.url).location  # type: ignore[no-any-return]


def open_ledger(place: LedgerPlace, *, read_only: bool = False, restoring: bool = False) -> Ledger:
    """The ledger at a place. Raises LedgerUnusable, unless `restoring` also where it lacks events that it had."""
    if place.url is not None:
        opened: Ledger = _postgres("postgres").open_postgres(
            place.url, place.account, folder=place.path, read_only=read_only, restoring=restoring
        )
        return opened
    from runner.ledger.sqlite import open_sqlite

    return open_sqlite(
        place.path,
        place.account,
        read_only=read_only,
        restoring=restoring,
        trusted=place.trusted_type,
        spare=spare_folder(),
    )


@contextmanager
def existing_ledger(settings: Settings) -> Iterator[Ledger]:
    """The ledger, to write to; LedgerMissing where there is none, because nothing can be in doubt in a new one."""
    place = locate(settings)
    require_made(place, hint="name the one that `apply` used with --ledger")
    with closing(open_ledger(place)) as ledger:
        yield ledger


def is_made(place: LedgerPlace) -> bool:
    """Whether there is a ledger, of whatever version. LedgerUnusable for a place where nobody can tell."""
    try:
        with closing(open_ledger(place, read_only=True)) as ledger:
            return ledger.exists
    except LedgerOutdated:
        return True


def require_made(place: LedgerPlace, *, hint: str) -> None:
    """LedgerMissing, with the way out, where there is no ledger."""
    if not is_made(place):
        raise LedgerMissing(f"there is no ledger {_nothing_at(place)}", hint=hint)


def unread(settings: Settings, ledger: Ledger, *, is_meant: bool = False) -> tuple[Problem, ...]:
    """The warning that no ledger was read because there is none, where one is meant to be.

    That is in CI, in a database, in place of a file that is empty, and where the caller says so.
    """
    place = locate(settings)
    is_meant = is_meant or bool(place.url) or place.path.exists() or in_ci()
    if ledger.exists or settings.sandbox or not is_meant:
        return ()
    named = "" if settings.ledger else "none is named, and "
    warning = Problem(
        code="PSR610",
        severity="warning",
        message=f"no ledger was read: {named}there is none {_nothing_at(place)}; "
        "what was bought already is shown as planned",
        hint="name the ledger with --ledger or ORDER_RUNNER_LEDGER; a new one is made by `order-runner ledger init`",
    )
    return (warning,)


def _nothing_at(place: LedgerPlace) -> str:
    """Where no ledger is, and what is there instead."""
    if place.url is not None:
        return f"in {ledger_name(place)}: the database has no tables of one"
    return f"at {place.path}" + (", only an empty file" if place.path.exists() else "")


def has_password(ledger: str) -> bool:
    """Whether a ledger's name carries a password."""
    return is_postgres(ledger) and bool(_postgres("pgurl").has_password(ledger))


def _postgres(module: str) -> Any:
    """A module that needs the driver; UsageError where that is not installed."""
    try:
        return import_module(f"runner.ledger.{module}")
    except ImportError as error:
        raise UsageError(
            f"a ledger in PostgreSQL needs a driver that is not installed ({error})",
            hint="pip install 'order-runner[postgres]'",
        ) from None


@contextmanager
def endpoint(settings: Settings, watch: Watch | None = None) -> Iterator[Endpoint]:
    """The vendor's address and key; with `--sandbox`, an emulator that lives as long as the `with`."""
    if not settings.sandbox:
        from runner.vendors.base_url import check_base_url

        base_url, key = check_base_url(settings.base_url or DEFAULT_BASE_URL), read_key(settings, watch)
        if key.redact(base_url) != base_url:
            raise UsageError("the base URL contains the API key", hint="leave out the key: it is added to each call")
        yield Endpoint(base_url=base_url, key=key)
        return
    from runner.core.files import WRITABLE_STATE, private_folder
    from runner.sandbox import Sandbox, StateFileError

    folder = sandbox_folder(settings)
    try:
        private_folder(folder)
    except OSError as error:
        raise UsageError(
            f"the sandbox's folder {folder} cannot be made: {error.strerror or error}", hint=WRITABLE_STATE
        ) from None
    try:
        box = Sandbox(state=folder / "account.jsonl", faults=settings.faults)
    except (ValueError, StateFileError) as error:
        raise UsageError(str(error), hint="`order-runner sandbox --reset` forgets its account and ledger") from None
    with box.serve() as server:
        yield Endpoint(base_url=server.base_url, key=ApiKey(server.api_key))


def transport(settings: Settings, target: Endpoint, clock: Clock, watch: Watch) -> Transport:
    """The way to the vendor, at its pace."""
    from runner.vendors.transport import Timing, Transport

    rate, climbs = rate_of(settings), settings.rate == AUTO
    timing = Timing(read=settings.timeout, money=settings.money_timeout, connect=min(20.0, settings.timeout))
    return Transport(
        target.base_url,
        target.key,
        clock=clock,
        rate=rate,
        gap=settings.gap,
        climbs=climbs,
        timing=timing,
        watch=watch,
    )


@contextmanager
def reader(settings: Settings, clock: Clock, watch: Watch) -> Iterator[Reader]:
    """Something that can read the account, and cannot buy."""
    from runner.vendors.v1.adapter import V1Reader

    with endpoint(settings, watch) as target, transport(settings, target, clock, watch) as way:
        yield V1Reader(way, clock)


@contextmanager
def annotator(settings: Settings, clock: Clock, watch: Watch) -> Iterator[Annotator]:
    """Something that can read the account and set comments, and cannot buy."""
    from runner.vendors.v1.adapter import V1Annotator

    with endpoint(settings, watch) as target, transport(settings, target, clock, watch) as way:
        yield V1Annotator(way, clock)


@contextmanager
def catalogue(
    settings: Settings,
    watching: Callable[[], AbstractContextManager[Watch]],
    *,
    cache: ListCache | None = None,
    refresh: bool = False,
) -> Iterator[Catalogue]:
    """The vendor's reference lists; the key and the way there are only looked for if one is asked for."""
    from runner.core.catalogue import Catalogue

    with ExitStack() as stack:

        def connect() -> tuple[Reader, Watch]:
            watch = stack.enter_context(watching())
            return stack.enter_context(reader(settings, SystemClock(), watch)), watch

        yield Catalogue(connect=connect, cache=cache, refresh=refresh)


@contextmanager
def offline() -> Iterator[Encoder]:
    """Something that can only tell what would be asked."""
    from runner.vendors.v1.offline import V1Encoder

    yield V1Encoder()


@contextmanager
def buyer(settings: Settings, clock: Clock, watch: Watch) -> Iterator[Buyer]:
    """Something that can spend."""
    from runner.vendors.v1.adapter import V1Buyer

    with endpoint(settings, watch) as target, transport(settings, target, clock, watch) as way:
        yield V1Buyer(way, clock)
