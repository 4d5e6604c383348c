"""`order-runner lock PATH...`"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.options import common
from runner.cli.options.command import CommandOptions, define, group, option, option_class
from runner.cli.options.targets import Targets
from runner.cli.outputs import source_line
from runner.core.clock import SystemClock
from runner.core.errors import ExitCode, Problem, UsageError
from runner.run import wiring
from runner.run.settings import Settings

if TYPE_CHECKING:
    from runner.core.catalogue import Catalogue
    from runner.manifest import Loaded
    from runner.manifest.lock import Lockfile
    from runner.manifest.words import Words
    from runner.views.lock import LockResult
    from runner.views.terminal.console import Console

FORMATS = ("text", "json", "github")


@option_class
class LockOptions(CommandOptions):
    paths: tuple[str, ...] = common.paths_argument()
    check: bool = option(
        "--check", is_flag=True, help="Write nothing: exit 4 if a word is not locked, is not used or has moved."
    )
    update: tuple[str, ...] = option(
        "--update", multiple=True, metavar="WORD", help="Lock this word again, like FRA or '1 GB'. May be repeated."
    )
    lockfile: Path | None = common.lockfile_option()
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    vendor: common.VendorOptions = group(common.VendorOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LockCall:
    """One call: the words of its manifests, the lockfile that is there, and the way to the vendor."""

    words: Words
    manifests: Loaded
    lockfile: Lockfile | None
    settings: Settings
    console: Console
    screen: common.ScreenOptions


@define("lock", LockOptions)
def command(options: LockOptions) -> int:
    """Look the words of PATH... up at the vendor, and write their ids into orders.lock.json.

    What is locked stays as it is, even if the vendor has changed it; --update WORD accepts the vendor's new id.
    Plans and purchases use only what is locked.
    """
    from runner import manifest
    from runner.manifest.lock.text import read
    from runner.manifest.words import Words

    if options.check and options.update:
        raise UsageError("--check writes nothing, --update does: use one of them")
    outputs = common.outputs_of(options.formats, FORMATS)
    settings = common.vendor_settings(options.vendor, options.origins)
    words = Words(paths=options.paths, lockfile_path=options.lockfile, sandbox=settings.sandbox)
    targets = Targets(outputs, settings)
    targets.refuse_inputs(options.paths, lockfile=options.lockfile)
    if not options.check:
        targets.add("the lockfile", words.place, replaced=False)
    console = options.screen.console()
    with options.screen.watching(console) as watch:
        loaded = manifest.load(options.paths, apart=words.apart, watch=watch)
    common.note_left_out(loaded, console)
    lockfile, problems = read(words.place) if words.place.exists() else (None, ())
    locking = _LockCall(
        words=words, manifests=loaded, lockfile=lockfile, settings=settings, console=console, screen=options.screen
    )
    written = None
    problems = (*loaded.problems, *problems)
    if not any(problem.severity == "error" for problem in problems):
        _refuse_unknown(options.update, loaded)
        more, written = (_check(locking), None) if options.check else _lock(locking, options.update)
        problems = (*problems, *more)
    return _show(locking, outputs, problems, written)


def _refuse_unknown(update: tuple[str, ...], loaded: Loaded) -> None:
    used = {word for request in loaded.orders for word in request.words.values()}
    used |= {order.renew.period for order in loaded.orders if order.renew and order.renew.period is not None}
    for word in update:
        if word not in used:
            from runner.manifest.phrases import did_you_mean, nearest_name

            nearest = nearest_name(word, tuple(sorted(used)))
            raise UsageError(f"no manifest here uses the word {word!r}{did_you_mean(nearest)}")


def _check(locking: _LockCall) -> list[Problem]:
    """Offline first: every word locked, no entry too many. Only then the vendor is asked what has moved."""
    from runner.manifest.lock.changes import lock, moved_problems

    problems = locking.words.lock_findings(locking.manifests, locking.lockfile)
    if problems or locking.lockfile is None:
        return problems
    with _catalogue(locking) as catalogue:
        changes = lock(locking.manifests.orders, locking.lockfile, (), catalogue.choices, "")
    return moved_problems(changes, locking.lockfile.path, locking.words.command)


def _lock(locking: _LockCall, update: tuple[str, ...]) -> tuple[list[Problem], LockResult | None]:
    """What the vendor has for every word; written where something changed and nothing is wrong."""
    from runner.manifest.lock.changes import as_warnings, entries_to_keep, lock, moved_problems
    from runner.manifest.lock.location import covers
    from runner.manifest.lock.text import lockfile_text
    from runner.views.lock import LockResult

    place = locking.words.place
    now = f"{SystemClock().now():%Y-%m-%dT%H:%M:%SZ}"
    with _catalogue(locking) as catalogue:
        changes = lock(locking.manifests.orders, locking.lockfile, update, catalogue.choices, now)
    if changes.problems:
        return list(changes.problems.values()), None
    entries = entries_to_keep(changes, locking.lockfile, others=not covers(locking.words.paths, place))
    before = locking.lockfile.entries if locking.lockfile else {}
    changed = dict(before) != entries
    if changed:
        _write(place, lockfile_text(entries.values()))
    removed = [entry for address, entry in before.items() if address not in entries]
    done = LockResult(
        path=str(place),
        words=len(entries),
        additions=changes.additions,
        updates=changes.updates,
        removals=removed,
        changed=changed,
    )
    return as_warnings(moved_problems(changes, str(place), locking.words.command)), done


def _write(place: Path, text: str) -> None:
    """Replace the lockfile whole; it is for everybody who may read the manifests, not a secret."""
    from runner.core.files import replace_atomically

    with common.writing(f"the lockfile {place}"):
        mode = place.stat().st_mode & 0o777 if place.exists() else 0o644
        replace_atomically(place, text.encode())
        place.chmod(mode)


def _catalogue(locking: _LockCall) -> AbstractContextManager[Catalogue]:
    return wiring.catalogue(locking.settings, partial(locking.screen.watching, locking.console))


def _show(
    locking: _LockCall, outputs: tuple[common.Output, ...], problems: tuple[Problem, ...], written: LockResult | None
) -> int:
    from runner.views import lock as view

    problems = tuple(sorted(problems, key=lambda problem: problem.order))
    common.write_outputs(
        outputs,
        locking.console,
        lambda fmt, target: view.render(
            problems,
            written,
            fmt=fmt,
            console=target,
            files=len(locking.manifests.files),
            orders=locking.manifests.count,
            source_line=source_line,
        ),
    )
    failed = any(problem.severity == "error" for problem in problems)
    return common.exit_code(ExitCode.INVALID if failed else ExitCode.OK, locking.console)
