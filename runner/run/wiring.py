"""The composition root: settings → ledger, reader, buyer. The one place that knows every adapter."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.core.clock import Clock
from runner.core.errors import LedgerUnusable, UsageError
from runner.core.progress import Notice, Watch, unwatched
from runner.core.secrets import KEY_PATTERN, ApiKey

if TYPE_CHECKING:
    from runner.core.ledger import Ledger
    from runner.core.records import Holder
    from runner.core.vendor import Buyer, Encoder, Reader
    from runner.vendors.transport import Transport

DEFAULT_BASE_URL: Final = "https://proxy-seller.com/personal/api/v1"
DEFAULT_RATE: Final = 50
MIN_MONEY_TIMEOUT: Final = 120.0
"""Seconds. A purchase may take so long: waiting less makes unknown outcomes of good ones."""

DEFAULT_ACCOUNT: Final = "default"
SANDBOX_ACCOUNT: Final = "sandbox"
KEY_VARIABLE: Final = "PROXY_SELLER_API_KEY"
KEY_FILE_VARIABLE: Final = "PROXY_SELLER_API_KEY_FILE"
LEDGER_VARIABLE: Final = "ORDER_RUNNER_LEDGER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What options and environment say about where and how. None: not said. Seconds; requests in any 60 s.

    `sandbox_folder` holds account and ledger of the sandbox, in place of one in the user's state folder.
    """

    ledger: str | None = field(default=None, repr=False)
    account: str | None = None
    base_url: str | None = None
    api_key: ApiKey | None = None
    api_key_file: Path | None = None
    timeout: float = 30.0
    money_timeout: float = 180.0
    rate: int | None = None
    sandbox: bool = False
    faults: tuple[str, ...] = ()
    sandbox_folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the vendor is, and the key to it."""

    base_url: str
    key: ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which account in which ledger: a file, or with `url` a database and the folder this machine keeps for it."""

    path: Path
    account: str
    url: str | None = field(default=None, repr=False)


def state_folder() -> Path:
    """Where this user's ledgers live unless they are named."""
    import platformdirs

    return platformdirs.user_state_path("order-runner", appauthor=False)


def sandbox_folder(settings: Settings) -> Path:
    """Where the sandbox keeps its account and its ledger, together."""
    return settings.sandbox_folder or state_folder() / "sandbox"


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this machine is likely to be thrown away after the run."""
    return environ.get("CI", "").lower() not in ("", "0", "false")


def shown(path: Path) -> str:
    """A path for reports: from the working folder or the home folder where it lies there."""
    path = path.absolute()
    for start, name in ((Path.cwd(), ""), (Path.home(), "~/")):
        if path.is_relative_to(start):
            return name + path.relative_to(start).as_posix()
    return str(path)


def is_postgres(text: str) -> bool:
    """Whether a ledger's name is a URL of PostgreSQL."""
    return text.startswith(("postgresql://", "postgres://"))


def ledger_name(place: Place) -> str:
    """A ledger for reports: never with a password."""
    if place.url is None:
        return shown(place.path)
    return _postgres("pgurl").read_url(place.url).location  # type: ignore[no-any-return]


def locate(settings: Settings) -> Place:
    """The ledger's place; UsageError where it is spelled in a way this version does not know."""
    if settings.sandbox:
        return Place(path=sandbox_folder(settings) / "ledger.sqlite3", account=SANDBOX_ACCOUNT)
    account = settings.account or DEFAULT_ACCOUNT
    if settings.ledger is None:
        return Place(path=state_folder() / "ledger.sqlite3", account=account)
    text = settings.ledger.removeprefix("sqlite:///")
    if is_postgres(text):
        return Place(path=state_folder() / "postgres", account=account, url=text)
    if "://" in text:
        scheme = text.partition("://")[0]
        raise UsageError(
            f"a ledger at {scheme}:// is not known here",
            hint="name a file, like --ledger orders.ledger, or a database, like postgresql://user@host/db",
        )
    return Place(path=Path(text).expanduser(), account=account)


def require_named_ledger(settings: Settings) -> None:
    """UsageError for a purchase in CI whose memory would be thrown away with the machine."""
    if in_ci() and settings.ledger is None and not settings.sandbox:
        raise UsageError(
            "CI is set and no ledger is named: what this run buys would be forgotten with its disk, and bought again",
            hint=f"name one that outlives the job with --ledger or {LEDGER_VARIABLE}",
        )


def open_ledger(place: Place, *, read_only: bool = False) -> Ledger:
    """The ledger at a place. Raises LedgerUnusable."""
    if place.url is not None:
        opened: Ledger = _postgres("postgres").open_postgres(
            place.url, place.account, folder=place.path, read_only=read_only
        )
        return opened
    from runner.ledger.sqlite import open_sqlite

    return open_sqlite(place.path, place.account, read_only=read_only)


@contextmanager
def existing_ledger(settings: Settings) -> Iterator[Ledger]:
    """The ledger, to write to; LedgerUnusable where there is none, because nothing can be in doubt in a new one."""
    place = locate(settings)
    if not place.path.exists():
        raise LedgerUnusable(f"there is no ledger {place.path}", hint="name the one that `apply` used with --ledger")
    ledger = open_ledger(place)
    try:
        yield ledger
    finally:
        ledger.close()


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
def endpoint(settings: Settings, watch: Watch = unwatched) -> Iterator[Endpoint]:
    """The vendor's address and key; with `--sandbox`, an emulator that lives as long as the `with`."""
    if not settings.sandbox:
        from runner.vendors.base_url import checked_base_url

        base_url, key = checked_base_url(settings.base_url or DEFAULT_BASE_URL), read_key(settings, watch)
        if key.redact(base_url) != base_url:
            raise UsageError("the base URL has the API key in it", hint="leave the key out: it is added for each call")
        yield Endpoint(base_url=base_url, key=key)
        return
    from runner.core.files import private_folder
    from runner.sandbox import Sandbox, StateFileError

    folder = sandbox_folder(settings)
    private_folder(folder)
    try:
        box = Sandbox(state=folder / "account.jsonl", faults=settings.faults)
    except (ValueError, StateFileError) as error:
        raise UsageError(str(error), hint="`order-runner sandbox --reset` forgets its account and ledger") from None
    with box.serve() as server:
        yield Endpoint(base_url=server.base_url, key=ApiKey(server.api_key))


def read_key(settings: Settings, watch: Watch = unwatched) -> ApiKey:
    """The key from a file or the environment. UsageError where there is none or it cannot be one."""
    if settings.api_key is not None:
        return settings.api_key
    text, origin = _key_text(settings, watch)
    try:
        return ApiKey(text.strip())
    except ValueError as error:
        raise UsageError(f"{origin} does not hold an API key: {error}") from None


def _key_text(settings: Settings, watch: Watch) -> tuple[str, str]:
    if settings.api_key_file is not None:
        return _key_from(settings.api_key_file, watch), str(settings.api_key_file)
    if text := os.environ.get(KEY_VARIABLE):
        return text, KEY_VARIABLE
    if named := os.environ.get(KEY_FILE_VARIABLE):
        return _key_from(Path(named), watch), named
    raise UsageError(
        "no API key",
        hint=f"set {KEY_VARIABLE}, or {KEY_FILE_VARIABLE} or --api-key-file to a file that holds it; "
        "or try --sandbox, which needs none",
    )


def key_origin(settings: Settings) -> str:
    """Where the key comes from, for people; UsageError where there is none."""
    if settings.api_key is not None:
        return "the program"
    return _key_text(settings, unwatched)[1]


def _key_from(path: Path, watch: Watch) -> str:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            watch(Notice(text=f"{path} can be read by others on this machine: chmod 600 keeps the key yours"))
        with path.open(encoding="ascii") as stream:
            return stream.read(4096)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not plain text"
        name = "(its name is not shown, it looks like a key)" if KEY_PATTERN.fullmatch(str(path)) else path
        raise UsageError(f"the key file {name} cannot be read: {reason}") from None


def rate_of(settings: Settings) -> int:
    """Requests that may start in any 60 s, 0 for any number. `--sandbox` implies no pace, unless one is named."""
    return settings.rate if settings.rate is not None else (0 if settings.sandbox else DEFAULT_RATE)


def transport(settings: Settings, found: Endpoint, clock: Clock, watch: Watch) -> Transport:
    """The way to the vendor, at its pace."""
    from runner.vendors.transport import Timing, Transport

    rate = rate_of(settings)
    timing = Timing(read=settings.timeout, money=settings.money_timeout, connect=min(20.0, settings.timeout))
    return Transport(found.base_url, found.key, clock=clock, rate=rate, timing=timing, watch=watch)


@contextmanager
def reader(settings: Settings, clock: Clock, watch: Watch) -> Iterator[Reader]:
    """Something that can read the account, and cannot buy."""
    from runner.vendors.v1.account import V1Reader

    with endpoint(settings, watch) as found, transport(settings, found, clock, watch) as way:
        yield V1Reader(way, clock)


@contextmanager
def offline() -> Iterator[Encoder]:
    """Something that can only tell what would be asked."""
    from runner.vendors.v1.offline import V1Encoder

    yield V1Encoder()


@contextmanager
def buyer(settings: Settings, clock: Clock, watch: Watch) -> Iterator[Buyer]:
    """Something that can spend."""
    from runner.vendors.v1.account import V1Buyer

    with endpoint(settings, watch) as found, transport(settings, found, clock, watch) as way:
        yield V1Buyer(way, clock)


def ci_job(environ: Mapping[str, str] = os.environ) -> str | None:
    """A link to, or the name of, the CI job this is, for whoever has to wait for it."""
    if all(environ.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")):
        return f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}/actions/runs/{environ['GITHUB_RUN_ID']}"
    return environ.get("CI_JOB_URL") or environ.get("BUILD_URL") or None


def holder(at: datetime) -> Holder:
    """Who runs this."""
    import socket

    from runner.core.records import Holder

    run_id = f"{at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    return Holder(host=socket.gethostname(), pid=os.getpid(), since=at, run_id=run_id, ci_job=ci_job())
