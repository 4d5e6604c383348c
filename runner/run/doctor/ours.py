"""Our side: the ledger and what is open in it, lockfile and policies, the program and the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from runner import manifest
from runner._version import __version__
from runner.core import ci
from runner.core.clock import rfc3339
from runner.core.errors import ExitCode, InvalidManifests, LedgerOutdated, NotThisAccount
from runner.core.files import WRITABLE_STATE
from runner.core.identity import Identity
from runner.core.leading import lead
from runner.limits import policy
from runner.limits.admission import check_key, check_name
from runner.manifest.words import Words
from runner.run import keyring, wiring
from runner.run.doctor.check import Check, Fact, failure, not_checked, ok, warning
from runner.run.doctor.examination import Examination
from runner.run.settings import LedgerPlace, in_ci, locate, require_named_ledger
from runner.vendors.base_url import address_of

IN_MEMORY: Final = frozenset({"tmpfs", "ramfs", "devtmpfs"})
FOLDER: Final = "orders"
_MARK: Final = "orders/v1"


def ledger(case: Examination) -> Check:
    """The ledger can be read by this version, written by this user, and outlives the machine."""
    place = locate(case.settings)
    kind = "SQLite" if place.url is None else "PostgreSQL"
    name = wiring.ledger_name(place)
    origin = "the sandbox" if case.settings.sandbox else case.origin("ledger")
    facts: dict[str, Fact] = {"kind": kind, "location": name, "account": place.account, "origin": origin}
    require_named_ledger(case.settings)
    text = f"{kind}, {name} ({origin}), account {place.account}"
    if place.url is None and place.trusted_type:
        text += f", trusted on {place.trusted_type} ({case.origin('trust_file_system')})"
        facts["trusted_file_system"] = place.trusted_type
    try:
        with closing(wiring.open_ledger(place, read_only=True)) as opened:
            case.open = tuple(opened.open_records())
            case.register = opened.register()
            case.holder = opened.held_by()
            made = opened.exists
    except LedgerOutdated as error:
        return warning(str(error), error.hint or "", **facts, outdated=True)
    facts["exists"] = made
    if place.url is None and not (writable := _writable(place.path)):
        hint = "make the file and its folder writable for this user"
        return failure(ExitCode.REFUSED, f"{text}: it cannot be written", hint, **facts, writable=writable)
    if not made and in_ci() and not case.settings.sandbox:
        hint = f"make it once, on purpose: order-runner ledger init{case.flags}; or name the one that has the account"
        return failure(ExitCode.REFUSED, f"{text}: there is none, and in CI a purchase makes none", hint, **facts)
    if place.url is not None and not _writable(place.path):
        kept = f"the folder {place.path}, for what the server does not take, cannot be written"
        return failure(ExitCode.REFUSED, f"{text}: {kept}", WRITABLE_STATE, **facts)
    if place.url is not None:
        return ok(text if made else f"{text}: no tables yet; `order-runner ledger init` makes them", **facts)
    return _file_stays(case, place, text, facts | {"writable": True})


def _file_stays(case: Examination, place: LedgerPlace, text: str, facts: dict[str, Fact]) -> Check:
    """A ledger file outlives the machine."""
    lost = None if case.settings.sandbox else _thrown_away(place)
    if lost:
        hint = (
            "use --ledger or ORDER_RUNNER_LEDGER to name one that stays: with a lost ledger everything is bought again"
        )
        return warning(f"{text}: {lost}", hint, **facts, durable=False)
    text = text if facts["exists"] else f"{text}: none yet; the first `apply` creates it"
    return ok(text, **facts, durable=True)


def account(case: Examination) -> Check:
    """The ledger knows the account, and by this very key."""
    if case.register is None:
        return not_checked("the ledger could not be read")
    name = locate(case.settings).account
    facts: dict[str, Fact] = {"account": name, "accounts": len(case.register.names)}
    try:
        if case.key is None:
            check_name(name, case.register)
            return not_checked(f"{name}: there is no key to compare", **facts)
        is_known = check_key(name, case.register, _identity(case))
    except NotThisAccount as error:
        lead(error, case.flags)
        return failure(error.exit_code, f"{error.finding} {error}", error.hint, **facts, finding=error.finding)
    last = case.register.last(name)
    if is_known and last is not None:
        return ok(f"{name}, whose key the ledger knows (entered {rfc3339(last.at)} by {last.who})", **facts, known=True)
    return ok(f"{name}: its key will be entered by the next run", **facts, known=False)


def _identity(case: Examination) -> Identity:
    if case.endpoint is None:
        return keyring.identity_of(case.settings)
    return Identity(address=address_of(case.endpoint.base_url), key=case.endpoint.key)


def _writable(path: Path) -> bool:
    """Whether this user could write it, or make it."""
    if path.exists() and not os.access(path, os.W_OK):
        return False
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    return os.access(folder, os.W_OK | os.X_OK)


def _thrown_away(place: LedgerPlace) -> str | None:
    """Why a ledger file may not be there the next time."""
    from runner.ledger.storage import file_system

    path = Path(os.path.realpath(place.path))
    if file_system(path.parent) in IN_MEMORY:
        return "it is kept in memory and lost on a restart"
    folders = ci.folders_of(os.environ)
    if name := next((name for name, folder in folders.items() if _below(path, folder)), None):
        return f"it is in {name}, which is lost with the CI job"
    if any(_below(path, root) for root in (tempfile.gettempdir(), "/var/tmp")):  # noqa: S108 - to warn of it
        return "it is among temporary files"
    return None


def _below(path: Path, root: str) -> bool:
    return path.is_relative_to(os.path.realpath(Path(root).expanduser()))


def open_orders(case: Examination) -> Check:
    """No order may have been charged without anybody knowing."""
    if case.open is None:
        return not_checked("the ledger could not be read")
    count = len(case.open)
    if not count:
        return ok("none", count=0)
    keys = ", ".join(str(record.key) for record in case.open[:3]) + (", …" if count > 3 else "")
    one = count == 1
    return failure(
        ExitCode.OUTCOME_UNKNOWN,
        f"{count} order{'' if one else 's'} may have been charged and {'is' if one else 'are'} not settled: {keys}",
        f"`order-runner reconcile{case.flags}` settles by evidence; `order-runner status{case.flags}` shows more",
        count=count,
    )


def hold(case: Examination) -> Check:
    """Nobody holds the account now."""
    if case.open is None:
        return not_checked("the ledger could not be read")
    if case.holder is None:
        return ok("nobody", held=False)
    if not case.holder:
        return not_checked("this system cannot tell who holds a file")
    return warning(f"held by {case.holder}", "wait for that run, or give --lock-timeout", held=True)


def lockfile(case: Examination) -> Check:
    """Every word of the manifests is locked, and nothing else is. The vendor is not asked: `lock --check` does that."""
    paths = case.paths or manifests_here()
    if not paths:
        return not_checked("no manifest was given, and none is in orders/ or this folder")
    words = Words(paths=paths, lockfile_path=case.lockfile, sandbox=case.settings.sandbox)
    loaded = manifest.load(paths, apart=words.apart)
    facts: dict[str, Fact] = {"manifests": len(loaded.files), "orders": loaded.count}
    if loaded.errors:
        hint = "`order-runner validate` shows each with its line"
        return failure(ExitCode.INVALID, str(InvalidManifests(loaded.problems)), hint, **facts)
    read, problems = words.lockfile()
    findings = problems or words.lock_findings(loaded, read)
    if findings:
        first, more = findings[0], f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        hint = first.hint or f"`{words.command}` writes it again"
        return failure(ExitCode.INVALID, f"{first.place}: {first.code} {first.message}{more}", hint, **facts)
    if read is None:
        return ok("the manifests have no words, so none is needed", **facts, path=None)
    return ok(f"{read.path}: every word is locked ({len(read.entries)})", **facts, path=read.path)


def manifests_here() -> tuple[str, ...]:
    """What a call without PATH is about: `orders/`, or the files of this folder that say they are manifests."""
    if Path(FOLDER).is_dir():
        return (FOLDER,)
    files = sorted([*Path().glob("*.yaml"), *Path().glob("*.yml")])
    return tuple(str(file) for file in files if file.is_file() and _is_manifest(file))


def _is_manifest(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            return _MARK in stream.read(4096)
    except OSError:
        return False


def policies(case: Examination) -> Check:
    """The policies that hold can be read and are right."""
    paths = case.paths or manifests_here()
    files = manifest.discover(paths, apart=case.lockfile is None).paths if paths else ()
    rules = policy.over(case.policy, files)
    if rules.problems:
        first = rules.problems[0]
        hint = first.hint or "`order-runner schema policy` prints what a policy may contain"
        return failure(ExitCode.INVALID, f"{first.place}: {first.code} {first.message}", hint)
    if not rules.policies:
        return ok("none", count=0)
    names = ", ".join(os.path.relpath(one.path) for one in rules.policies)
    exclusive = ", the account is exclusive" if rules.exclusive else ""
    return ok(names + exclusive, count=len(rules.policies), exclusive=rules.exclusive)


def versions(case: Examination) -> Check:
    """This program, Python, and the parts that are compiled."""
    del case
    import yaml

    fast = bool(getattr(yaml, "__with_libyaml__", False))
    facts: dict[str, Fact] = {
        "order_runner": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "pyyaml": yaml.__version__,
        "libyaml": fast,
        "jsonschema_rs": _version("jsonschema-rs"),
        "sqlalchemy": _version("sqlalchemy"),
        "psycopg": _version("psycopg"),
    }
    text = f"order-runner {__version__}, Python {facts['python']}, PyYAML {facts['pyyaml']}"
    text += f", jsonschema-rs {facts['jsonschema_rs']}, psycopg {facts['psycopg'] or 'not installed'}"
    if not fast:
        return warning(
            f"{text}; PyYAML without libyaml",
            "install a PyYAML with libyaml: without it large manifests are slow",
            **facts,
        )
    return ok(text, **facts)


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def terminal(case: Examination) -> Check:
    """What output is made for, and whether this is CI."""
    console = case.console
    system, sign = ci.system_of(os.environ), ci.sign_of(os.environ)
    facts: dict[str, Fact] = {
        "interactive": console.interactive,
        "colour": console.colour,
        "width": console.out.width,
        "ci": sign is not None,
        "ci_system": system.name if system else None,
    }
    screen = f"a terminal of {console.out.width} columns" if console.out.terminal else "no terminal"
    where = f"CI ({system.name if system else sign})" if sign else "no CI"
    return ok(f"{screen}, {'colour' if console.colour else 'no colour'}, {where}", **facts)
