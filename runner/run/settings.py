"""What a call is told about where and how: settings, the places they name, the key, and who runs it. Opens nothing."""

from __future__ import annotations

import hashlib
import os
import stat
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from runner.core import ci
from runner.core.errors import UsageError
from runner.core.files import WRITABLE_STATE
from runner.core.secrets import KEY_PATTERN, ApiKey
from runner.run import ledger_text

if TYPE_CHECKING:
    from runner.core.catalogue import ListCache
    from runner.core.progress import Watch
    from runner.core.records import Holder

DEFAULT_BASE_URL: Final = "https://proxy-seller.com/personal/api/v1"
DEFAULT_RATE: Final = 50
AUTO: Final = "auto"
"""The rate that begins at the default and climbs while the vendor does not throttle."""
MIN_MONEY_TIMEOUT: Final = 120.0
"""Seconds. A purchase may take so long: waiting less makes unknown outcomes of good ones."""

MOST_JOBS: Final = 32
"""Purchases that may be in flight at once."""

DAY: Final = 86_400
"""Seconds that anything may be told to wait at most."""

DEFAULT_ACCOUNT: Final = "default"
SANDBOX_ACCOUNT: Final = "sandbox"
KEY_VARIABLE: Final = "PROXY_SELLER_API_KEY"
KEY_FILE_VARIABLE: Final = "PROXY_SELLER_API_KEY_FILE"
LEDGER_VARIABLE: Final = "ORDER_RUNNER_LEDGER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What options and environment say about where and how. None: not said. Seconds; requests in any 60 s, or `AUTO`.

    `trusted_file_system` is a type whose locks hold, as the user knows. `sandbox_folder` holds account and ledger of
    the sandbox, in place of one in the user's state folder. `actor` is who does it, in place of whom the environment
    names.
    """

    ledger: str | None = field(default=None, repr=False)
    account: str | None = None
    trusted_file_system: str | None = None
    base_url: str | None = None
    api_key: ApiKey | None = None
    api_key_file: Path | None = None
    timeout: float = 30.0
    money_timeout: float = 180.0
    rate: int | Literal["auto"] | None = None
    gap: float | None = None
    sandbox: bool = False
    faults: tuple[str, ...] = ()
    sandbox_folder: Path | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlace:
    """Which account in which ledger: a file, or with `url` a database and the folder this machine keeps for it.

    A file may be on a file system of the type `trusted_type`, whatever is known of its locks.
    """

    path: Path
    account: str
    url: str | None = field(default=None, repr=False)
    trusted_type: str | None = None


def require_seconds(name: str, seconds: float, *, least: float = 0) -> None:
    """UsageError for a time that is none (`nan` is within every range), or that nobody can mean."""
    if not least <= seconds <= DAY:
        raise UsageError(f"{name}={seconds} is not a number of seconds from {least} to {DAY:,}")


def state_folder() -> Path:
    """Where this user's ledgers live unless they are named. UsageError for a user without a home."""
    import platformdirs

    folder = _own_folder(platformdirs.user_state_path)
    if folder is None:
        raise UsageError(
            "there is no folder for what this user's runs remember: neither XDG_STATE_HOME nor HOME is an absolute "
            f"path, and user {os.getuid()} has no home",
            hint=WRITABLE_STATE,
        )
    return folder


def spare_folder() -> Path | None:
    """Where outcomes are kept that the folder of a ledger does not take; None for a user without a home."""
    import platformdirs

    folder = _own_folder(platformdirs.user_state_path)
    return None if folder is None else folder / "emergency"


def _own_folder(find: Callable[..., Path]) -> Path | None:
    """A folder of this user; None without a home, as in a container whose user is no entry of its passwd file."""
    try:
        folder = find("order-runner", appauthor=False)
    except RuntimeError:
        return None
    # Releases of platformdirs before this was an error leave the tilde in its place.
    return folder if folder.is_absolute() else None


def sandbox_folder(settings: Settings) -> Path:
    """Where the sandbox keeps its account and its ledger, together."""
    return settings.sandbox_folder or state_folder() / "sandbox"


def list_cache(settings: Settings) -> ListCache | None:
    """Where the vendor's lists are kept for a day, for this address and account; None for a user without a home."""
    import platformdirs

    from runner.core.catalogue import ListCache

    named = f"{settings.base_url or DEFAULT_BASE_URL}\n{settings.account or DEFAULT_ACCOUNT}"
    folder = _own_folder(platformdirs.user_cache_path)
    if folder is None:
        return None
    return ListCache(folder=folder / "reference", mark=hashlib.sha256(named.encode()).hexdigest()[:16])


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this machine is likely to be thrown away after the run."""
    return ci.sign_of(environ) is not None


def short_path(path: Path) -> str:
    """A path for reports: from the working folder or the home folder where it lies there."""
    path = path.absolute()
    for start, name in ((Path.cwd(), ""), (_home(), "~/")):
        if start is not None and path.is_relative_to(start):
            return name + path.relative_to(start).as_posix()
    return str(path)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None


def locate(settings: Settings) -> LedgerPlace:
    """The ledger's place; UsageError where its name can be that of no ledger."""
    if settings.sandbox:
        path = sandbox_folder(settings) / "ledger.sqlite3"
        return LedgerPlace(path=path, account=SANDBOX_ACCOUNT, trusted_type=settings.trusted_file_system)
    account, text = settings.account or DEFAULT_ACCOUNT, _ledger_text(settings)
    if text is not None:
        ledger_text.check_text(text)
        if ledger_text.is_postgres(text):
            return LedgerPlace(path=state_folder() / "postgres", account=account, url=text)
    path = state_folder() / "ledger.sqlite3" if text is None else ledger_text.file_of(text)
    return LedgerPlace(path=path, account=account, trusted_type=settings.trusted_file_system)


def _ledger_text(settings: Settings) -> str | None:
    """What names the ledger. A variable that is set to nothing names one, too: what should fill it was missing."""
    if settings.ledger is None and os.environ.get(LEDGER_VARIABLE) == "":
        return ""
    return settings.ledger


def require_named_ledger(settings: Settings) -> None:
    """UsageError for a purchase in CI whose memory would be thrown away with the machine, or with the job's folder."""
    sign = ci.sign_of(os.environ)
    if sign is None or settings.sandbox:
        return
    hint = f"name one that outlives the job with --ledger or {LEDGER_VARIABLE}"
    if settings.ledger is None:
        raise UsageError(
            f"{sign} is set and no ledger is named: what this run buys would be lost with the job's disk, "
            "and bought again",
            hint=hint,
        )
    place = locate(settings)
    if place.url is None and not place.path.is_absolute():
        raise UsageError(
            f"{sign} is set and the ledger {place.path} is in the job's working folder: what this run buys would be "
            "lost with that, and bought again",
            hint=f"{hint}, by its whole path",
        )


def read_key(settings: Settings, watch: Watch | None = None) -> ApiKey:
    """The key from a file or the environment. UsageError where there is none or it cannot be one."""
    if settings.api_key is not None:
        return settings.api_key
    text, origin = _key_text(settings, watch)
    try:
        return ApiKey(text.strip())
    except ValueError as error:
        raise UsageError(f"{origin} does not hold an API key: {error}") from None


def _key_text(settings: Settings, watch: Watch | None) -> tuple[str, str]:
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
    return _key_text(settings, None)[1]


def _key_from(path: Path, watch: Watch | None) -> str:
    try:
        if watch is not None and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            from runner.core.progress import Notice

            watch(Notice(text=f"{path} can be read by others on this machine: make the key yours alone with chmod 600"))
        with path.open(encoding="ascii") as stream:
            return stream.read(4096)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not plain text"
        name = "(its name is not shown, it looks like a key)" if KEY_PATTERN.fullmatch(str(path)) else path
        raise UsageError(f"the key file {name} cannot be read: {reason}") from None


def rate_of(settings: Settings) -> int:
    """Requests that may start in any 60 s, 0 for any number. `--sandbox` implies no pace, unless one is named.

    A rate that climbs begins with these.
    """
    if settings.rate is None:
        return 0 if settings.sandbox else DEFAULT_RATE
    return DEFAULT_RATE if settings.rate == AUTO else settings.rate


def holder(at: datetime, actor: str | None = None) -> Holder:
    """Who runs this: `actor`, or whom the environment names. UsageError for an `actor` that is no name."""
    import socket

    from runner.core.provenance import provenance_of
    from runner.core.records import Holder

    run_id, by = f"{at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}", provenance_of(os.environ, actor)
    return Holder(host=socket.gethostname(), pid=os.getpid(), since=at, run_id=run_id, ci_job=by.job, by=by)
